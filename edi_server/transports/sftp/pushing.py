"""Delivering to a partner's SFTP server: uploaded under a temporary name, compared, then renamed."""

from __future__ import annotations

import posixpath
from pathlib import Path

import asyncssh
import msgspec

from edi_server.errors import TransportError
from edi_server.transports.durable_file import write_durably
from edi_server.transports.port import HandedOver
from edi_server.transports.sftp.remote import Place, connect

#: Requests that are in flight while one file is written.
_IN_FLIGHT = 16


class Pusher:
    """One folder on their server, and one of ours for what is staged. Used on the event loop."""

    def __init__(self, place: Place, outbox: str, folder: Path) -> None:
        self._place = place
        self._outbox = outbox
        self._folder = folder

    def stage(self, transmission_id: str, content: bytes) -> None:
        """Make the bytes durable on our side. Raises TransportError."""
        write_durably(self._folder / "staged" / transmission_id, content)

    async def hand_over(self, transmission_id: str, name: str) -> HandedOver:
        """Upload what was staged; what an earlier call had done is not done again. Raises TransportError."""
        staged, uploaded = self._folder / "staged" / transmission_id, self._folder / "uploaded" / transmission_id
        if not staged.exists():
            return HandedOver(name=name, earlier=True)
        temporary = posixpath.join(self._outbox, f".{transmission_id}.tmp")
        async with connect(self._place) as client:
            if uploaded.exists() and not await client.exists(temporary):
                # Renamed before a crash: what we called it is written down.
                final = uploaded.read_text()
            else:
                await client.put(str(staged), temporary, max_requests=_IN_FLIGHT)
                attributes = await client.stat(temporary)
                if attributes.size != staged.stat().st_size:
                    raise TransportError(f"{name} arrived with {attributes.size} of {staged.stat().st_size} bytes")
                final = await self._free_name(client, name)
                write_durably(uploaded, final.encode())
                await client.rename(temporary, posixpath.join(self._outbox, final))
            proof = await self._prove(client, final)
        staged.unlink(missing_ok=True)
        uploaded.unlink(missing_ok=True)
        return HandedOver(name=final, proof=proof)

    async def _free_name(self, client: asyncssh.SFTPClient, name: str) -> str:
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 2
        while await client.exists(posixpath.join(self._outbox, candidate)):
            candidate = f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}"
            number += 1
        return candidate

    async def _prove(self, client: asyncssh.SFTPClient, name: str) -> bytes:
        """What their server says of the file, unless they took it already."""
        try:
            attributes = await client.stat(posixpath.join(self._outbox, name))
        except asyncssh.SFTPError:
            return b""
        said = {"host": self._place.host, "name": name, "size": attributes.size, "changed": attributes.mtime}
        return msgspec.json.encode(said)
