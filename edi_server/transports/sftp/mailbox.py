"""Mailboxes on partners' SFTP servers: collected on schedule, and delivered to.

Collecting one file: it rests for a while (two listings of the same size and time, or a rename of the partner's), is
claimed by a rename where we may, downloaded, spooled under name, size and time, and only when it was released, which is
after it was archived and committed, deleted or moved on the partner's side. A crash between any two of these repeats
the later one: the spool knows what was taken.
"""

from __future__ import annotations

import asyncio
import fnmatch
import logging
import posixpath
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import asyncssh
import msgspec

from edi_server.errors import TransportError
from edi_server.transports.collecting import UNFINISHED
from edi_server.transports.durable_file import write_durably
from edi_server.transports.loop import Loop
from edi_server.transports.port import Claim, Collected, HandedOver
from edi_server.transports.sftp.remote import Place, connect, describe
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)

#: Requests that are in flight while one file is read.
_IN_FLIGHT = 16
#: Files that are read at a time over one connection.
_SIDE_BY_SIDE = 8


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox on a partner's server."""

    #: Our name of it.
    mailbox: str
    place: Place
    #: Folder that we collect from, and which names; "" to collect nothing.
    inbox: str = ""
    pattern: str = "*"
    #: Folder that we deliver to; "" to deliver nothing.
    outbox: str = ""
    #: What becomes of a file on their side that we have: deleted, moved to `archive`, or left where it is.
    after: Literal["delete", "move", "leave"] = "delete"
    archive: str = ""
    #: Folder that files are renamed into before they are read, where we may; "" to read them where they lie.
    claim: str = ""
    #: Seconds that size and time of a file must stay as they are.
    quiet_seconds: float = 30.0
    #: Files of which the partner writes a companion when they are complete, such as ".done"; "" for none.
    marker: str = ""
    largest: int = 512 * 1024 * 1024
    seconds: float = 600.0


class _Listed(msgspec.Struct, frozen=True):
    name: str
    size: int
    changed: int

    @property
    def key(self) -> str:
        """What it is known by: the same name written anew has another size or time."""
        return f"sftp:{self.name}:{self.size}:{self.changed}"


class _Seen(msgspec.Struct):
    listed: _Listed
    since: float


class RemoteMailbox:
    """A `Transport` for one remote mailbox."""

    def __init__(
        self, remote: Remote, folder: Path, loop: Loop, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`folder` keeps what is taken and what is to be delivered."""
        self._remote = remote
        self._folder = folder
        self._loop = loop
        self._clock = clock
        self._spool = Spool(folder / "spool")
        self._seen: dict[str, _Seen] = {}
        self._told: set[str] = set()

    def prepare(self) -> None:
        """Make the folders, and finish what a crash left."""
        self._spool.prepare()

    def collect(self) -> Collected:
        """See `Transport`: one look at the mailbox."""
        if not self._remote.inbox:
            return Collected(claims=())
        again = self._loop.run(self._collect(), self._remote.seconds)
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        return Collected(claims=claims, look_again_seconds=again)

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        claims = self._spool.claimed()
        self._told |= {one.transmission_id for one in claims}
        return claims

    def release(self, claim: Claim) -> None:
        """See `Transport`; the partner's copy goes at the next look."""
        self._spool.release(claim)
        self._told.discard(claim.transmission_id)

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._check(mailbox)
        write_durably(self._folder / "staged" / transmission_id, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`: uploaded under a temporary name, then renamed."""
        self._check(mailbox)
        if "/" in name or "\0" in name or name.startswith("."):
            raise TransportError(f"'{name}' cannot be a file name", permanent=True)
        return self._loop.run(self._hand_over(transmission_id, name), self._remote.seconds)

    def _check(self, mailbox: str) -> None:
        if mailbox != self._remote.mailbox or not self._remote.outbox:
            raise TransportError(f"{mailbox} is no mailbox that can be delivered to", permanent=True)

    async def _collect(self) -> float | None:
        async with connect(self._remote.place) as client:
            listed = await self._list(client, self._remote.inbox)
            have = await self._tidy(client, listed)
            ready = self._rested([one for one in listed if one.key not in have])
            for start in range(0, len(ready), _SIDE_BY_SIDE):
                some = ready[start : start + _SIDE_BY_SIDE]
                await asyncio.gather(*(self._carefully(client, one) for one in some))
        return self._remote.quiet_seconds if self._seen else None

    async def _list(self, client: asyncssh.SFTPClient, folder: str) -> list[_Listed]:
        found = []
        async for entry in client.scandir(folder):
            mode, name = entry.attrs.permissions, str(entry.filename)
            if (mode is None or stat.S_ISREG(mode)) and name not in (".", "..") and entry.attrs.size is not None:
                found.append(_Listed(name, entry.attrs.size, int(entry.attrs.mtime or 0)))
        return sorted(found, key=lambda one: (one.changed, one.name))

    def _rested(self, listed: list[_Listed]) -> list[_Listed]:
        """Files that are complete as far as one can tell from outside."""
        names = {one.name for one in listed}
        now, before, self._seen = self._clock(), self._seen, {}
        ready = []
        for one in listed:
            if not self._is_wanted(one, names):
                continue
            seen = before.get(one.name)
            if seen is None or seen.listed != one:
                seen = _Seen(one, now)
            is_marked = bool(self._remote.marker)
            if is_marked or now - seen.since >= self._remote.quiet_seconds:
                ready.append(one)
            else:
                self._seen[one.name] = seen
        return ready

    def _is_wanted(self, one: _Listed, names: set[str]) -> bool:
        marker = self._remote.marker
        if one.name.startswith(".") or one.name.lower().endswith(UNFINISHED) or not one.size:
            return False
        if marker and (one.name.endswith(marker) or one.name + marker not in names):
            return False
        return fnmatch.fnmatchcase(one.name, self._remote.pattern)

    async def _carefully(self, client: asyncssh.SFTPClient, one: _Listed) -> None:
        """One file that cannot be taken must not hold up the others."""
        try:
            await self._take(client, one)
        except (asyncssh.SFTPError, TransportError) as error:
            log.warning("%s: %s was not taken: %s", self._remote.mailbox, one.name, describe(error))

    async def _take(self, client: asyncssh.SFTPClient, one: _Listed) -> None:
        if one.size > self._remote.largest:
            raise TransportError(f"{one.name} is larger than the {self._remote.largest} bytes we take")
        path = posixpath.join(self._remote.inbox, one.name)
        if self._remote.claim:
            claimed = posixpath.join(self._remote.claim, one.name)
            await client.rename(path, claimed)
            # It spoke of what we have now; left there, it would call the next of that name complete.
            await self._remove_marker(client, path)
            path = claimed
        await self._download(client, path, one)

    async def _download(self, client: asyncssh.SFTPClient, path: str, one: _Listed) -> None:
        place = self._spool.place()
        try:
            await client.get(path, str(place), max_requests=_IN_FLIGHT)
            if place.stat().st_size != one.size or await _was_replaced(client, path, one):
                raise TransportError(f"{one.name} changed while it was read; it is taken when it rests")
            detail = {"host": self._remote.place.host, "path": path, "changed": str(one.changed)}
            await asyncio.get_running_loop().run_in_executor(
                None,
                lambda: self._spool.take(
                    place, mailbox=self._remote.mailbox, key=one.key, name=one.name, detail=detail
                ),
            )
        finally:
            place.unlink(missing_ok=True)

    async def _tidy(self, client: asyncssh.SFTPClient, listed: list[_Listed]) -> set[str]:
        """Remove what we have for good on their side; keys of what we have at all."""
        claimed = await self._list(client, self._remote.claim) if self._remote.claim else []
        waiting = {one.transmission_id for one in self._spool.claimed()}
        have = set()
        for folder, files in ((self._remote.inbox, listed), (self._remote.claim, claimed)):
            for one in files:
                taken = self._spool.find(self._remote.mailbox, one.key)
                if taken is None:
                    if files is claimed:
                        # Claimed, and then we crashed before it was read.
                        await self._download_claimed(client, one)
                    continue
                have.add(one.key)
                if taken.transmission_id not in waiting and self._remote.after != "leave":
                    await self._remove(client, posixpath.join(folder, one.name), one)
        return have

    async def _download_claimed(self, client: asyncssh.SFTPClient, one: _Listed) -> None:
        try:
            await self._download(client, posixpath.join(self._remote.claim, one.name), one)
        except (asyncssh.SFTPError, TransportError) as error:
            log.warning("%s: %s was not taken: %s", self._remote.mailbox, one.name, describe(error))

    async def _remove(self, client: asyncssh.SFTPClient, path: str, one: _Listed) -> None:
        try:
            if await _was_replaced(client, path, one):
                return  # a new file of the same name, which is taken at the next look
            await self._remove_marker(client, path)
            if self._remote.after == "move":
                await _rename_free(client, path, posixpath.join(self._remote.archive, one.name))
            else:
                await client.remove(path)
        except asyncssh.SFTPError as error:
            log.warning("%s: %s stays on their side: %s", self._remote.mailbox, path, describe(error))
            return
        # The name may come again, even with the same size and second.
        self._spool.forget_key(self._remote.mailbox, one.key)

    async def _remove_marker(self, client: asyncssh.SFTPClient, path: str) -> None:
        if self._remote.marker and await client.exists(path + self._remote.marker):
            await client.remove(path + self._remote.marker)

    async def _hand_over(self, transmission_id: str, name: str) -> HandedOver:
        staged, uploaded = self._folder / "staged" / transmission_id, self._folder / "uploaded" / transmission_id
        if not staged.exists():
            return HandedOver(name=name, earlier=True)
        temporary = posixpath.join(self._remote.outbox, f".{transmission_id}.tmp")
        async with connect(self._remote.place) as client:
            was_uploaded = uploaded.exists()
            if was_uploaded and not await client.exists(temporary):
                # Renamed before a crash: what we called it is written down.
                final = uploaded.read_text()
            else:
                await client.put(str(staged), temporary, max_requests=_IN_FLIGHT)
                attributes = await client.stat(temporary)
                if attributes.size != staged.stat().st_size:
                    raise TransportError(f"{name} arrived with {attributes.size} of {staged.stat().st_size} bytes")
                final = await self._free_name(client, name)
                write_durably(uploaded, final.encode())
                await client.rename(temporary, posixpath.join(self._remote.outbox, final))
            proof = await self._prove(client, final)
        staged.unlink(missing_ok=True)
        uploaded.unlink(missing_ok=True)
        return HandedOver(name=final, proof=proof)

    async def _free_name(self, client: asyncssh.SFTPClient, name: str) -> str:
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 2
        while await client.exists(posixpath.join(self._remote.outbox, candidate)):
            candidate = f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}"
            number += 1
        return candidate

    async def _prove(self, client: asyncssh.SFTPClient, name: str) -> bytes:
        """What their server says of the file, unless they took it already."""
        try:
            attributes = await client.stat(posixpath.join(self._remote.outbox, name))
        except asyncssh.SFTPError:
            return b""
        said = {"host": self._remote.place.host, "name": name, "size": attributes.size, "changed": attributes.mtime}
        return msgspec.json.encode(said)


async def _was_replaced(client: asyncssh.SFTPClient, path: str, one: _Listed) -> bool:
    """True if there is another file under that name now; one that is gone is the one we know."""
    try:
        now = await client.stat(path)
    except asyncssh.SFTPNoSuchFile:
        return False
    return (now.size, int(now.mtime or 0)) != (one.size, one.changed)


async def _rename_free(client: asyncssh.SFTPClient, path: str, target: str) -> None:
    stem, suffix = posixpath.splitext(target)
    candidate, number = target, 2
    while await client.exists(candidate):
        candidate, number = f"{stem}-{number}{suffix}", number + 1
    await client.rename(path, candidate)
