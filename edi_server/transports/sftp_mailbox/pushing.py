"""Delivering to a partner's SFTP server: uploaded under a name that nobody takes for finished, compared, then renamed.

Which name a file shall have is written down before it is renamed: after a crash, or an answer that was lost, the rename
alone is tried again, and where there is nothing any more to be renamed, it had been done.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Literal

import asyncssh
import msgspec

from edi_server.errors import TransportError
from edi_server.transports.durable_file import write_durably
from edi_server.transports.port import HandedOver
from edi_server.transports.renaming import free_names
from edi_server.transports.sftp_mailbox.remote import Place, connect
from edi_server.transports.staging import Staged, Staging

#: Requests that are in flight while one file is written.
_IN_FLIGHT = 16
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
#: What servers say that let us write and nothing else.
_HIDDEN = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported)

#: hidden: ".<id>.tmp", then renamed. part: "<name>.part", then renamed. direct: under its name from the beginning, for
#: servers that do not rename.
Upload = Literal["hidden", "part", "direct"]


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed about delivering to a folder on a partner's server."""

    outbox: str
    upload: Upload = "hidden"
    #: Seconds that one delivery may take.
    seconds: float = 600.0


class _Named(msgspec.Struct, frozen=True):
    """Which name the file of a run was to have."""

    run: int
    name: str


class Pusher:
    """Delivers to one folder on their server. Used on the event loop."""

    def __init__(self, place: Place, agreed: Push, folder: Path) -> None:
        """`folder` is ours, for what is staged."""
        self._place = place
        self._agreed = agreed
        self._staging = Staging(folder)
        self._names = folder / "names"

    def stage(self, transmission_id: str, content: bytes) -> None:
        """Make the bytes durable on our side. Raises TransportError."""
        self._staging.stage(transmission_id, content)

    async def hand_over(self, transmission_id: str, name: str) -> HandedOver:
        """Upload what was staged; what an earlier call had done is not done again. Raises TransportError."""
        staged = self._staging.find(transmission_id)
        if isinstance(staged, HandedOver):
            return staged
        async with connect(self._place) as client:
            final = await self._finish_renaming(client, staged) or await self._upload(client, staged, name)
            proof = await self._prove(client, final, staged.path.stat().st_size)
        handed = self._staging.finish(transmission_id, HandedOver(name=final, proof=proof))
        self._forget_name(staged)
        return handed

    async def _finish_renaming(self, client: asyncssh.SFTPClient, staged: Staged) -> str | None:
        """The name that an earlier attempt gave it, or was about to give it; None where it is to be uploaded."""
        named = self._named(staged)
        if named is None or self._agreed.upload == "direct":
            return None
        try:
            await client.rename(self._temporary(staged, named.name), self._final(named.name))
        except asyncssh.SFTPNoSuchFile:
            return named.name  # renamed before; they may have taken it since
        except _LOST:
            raise
        except asyncssh.SFTPError:
            return None
        return named.name

    async def _upload(self, client: asyncssh.SFTPClient, staged: Staged, name: str) -> str:
        named = self._named(staged)
        is_direct = self._agreed.upload == "direct"
        # Uploaded directly, it lies there by halves under the name that was chosen first.
        final = named.name if named and is_direct else await self._free_name(client, name)
        if is_direct:
            self._write_name(staged, final)
        target = self._final(final) if is_direct else self._temporary(staged, final)
        await client.put(str(staged.path), target, max_requests=_IN_FLIGHT)
        there, wanted = await self._size(client, target), staged.path.stat().st_size
        if there not in (None, wanted):
            raise TransportError(f"{name} arrived with {there} of {wanted} bytes")
        if not is_direct:
            await self._rename(client, staged, final)
        return final

    async def _rename(self, client: asyncssh.SFTPClient, staged: Staged, final: str) -> None:
        self._write_name(staged, final)
        try:
            await client.rename(self._temporary(staged, final), self._final(final))
        except _LOST:
            raise
        except asyncssh.SFTPError:
            # Refused, so it was not done: whatever becomes of the temporary file, it was not delivered.
            self._forget_name(staged)
            raise

    async def _free_name(self, client: asyncssh.SFTPClient, name: str) -> str:
        for candidate in free_names(name):
            if await self._size(client, self._final(candidate)) is None:
                return candidate
        raise AssertionError("free names never end")

    async def _size(self, client: asyncssh.SFTPClient, path: str) -> int | None:
        """Bytes of a file there; None where there is none, or their server does not tell."""
        try:
            return (await client.stat(path)).size
        except (asyncssh.SFTPNoSuchFile, *_HIDDEN):
            return None

    async def _prove(self, client: asyncssh.SFTPClient, name: str, size: int) -> bytes:
        """What their server says of the file; nothing where they took it already, or it is another one."""
        try:
            there = await client.stat(self._final(name))
        except asyncssh.SFTPError:
            return b""
        said = {"host": self._place.host, "name": name, "size": there.size, "changed": there.mtime}
        return msgspec.json.encode(said) if there.size == size else b""

    def _final(self, name: str) -> str:
        return posixpath.join(self._agreed.outbox, name)

    def _temporary(self, staged: Staged, final: str) -> str:
        name = f"{final}.part" if self._agreed.upload == "part" else f".{staged.key}.tmp".replace("#", "-")
        return posixpath.join(self._agreed.outbox, name)

    def _named(self, staged: Staged) -> _Named | None:
        try:
            named = msgspec.json.decode((self._names / staged.transmission_id).read_bytes(), type=_Named)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return named if named.run == staged.run else None

    def _write_name(self, staged: Staged, name: str) -> None:
        write_durably(self._names / staged.transmission_id, msgspec.json.encode(_Named(staged.run, name)))

    def _forget_name(self, staged: Staged) -> None:
        (self._names / staged.transmission_id).unlink(missing_ok=True)
