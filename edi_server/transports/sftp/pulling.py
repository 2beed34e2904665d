"""Collecting from a partner's SFTP server: one look at a remote mailbox.

A file rests for a while (two listings of the same size and time, or a companion of the partner's), is claimed by a
rename where we may, read, and spooled under name, size and time. Only when it was released, which is after it was
archived and committed, it is deleted or moved on the partner's side. A crash between any two of these repeats the later
one: the spool knows what was taken, and of a large file what was read is not read again.
"""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import logging
import os
import posixpath
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import asyncssh
import msgspec

from edi_server.errors import TransportError
from edi_server.transports.collecting import UNFINISHED, left_alone
from edi_server.transports.port import Left
from edi_server.transports.sftp.remote import describe
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Requests that are in flight while one file is read.
_IN_FLIGHT = 16
#: Files that are read at a time over one connection: most are small, and each costs some round trips.
_SIDE_BY_SIDE = 24
#: Bytes that are asked for at a time, and kept together: what is on disk of a file has no holes.
WINDOW = 2 * 1024 * 1024
#: Files larger than this are read on where the line was cut.
RESUMED = 10 * 1024 * 1024


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed about collecting from a folder on a partner's server."""

    #: Our name of the mailbox, and their name of the server.
    mailbox: str
    host: str
    #: Folder, and which names in it.
    inbox: str
    pattern: str = "*"
    #: What becomes of a file on their side that we have: deleted, moved to `archive`, or left where it is.
    after: Literal["delete", "move", "leave"] = "delete"
    archive: str = ""
    #: Folder that files are renamed into before they are read, where we may; "" to read them where they lie.
    claim: str = ""
    #: Seconds that size and time of a file must stay as they are.
    quiet_seconds: float = 30.0
    #: Files of which the partner writes a companion when they are complete, such as ".done"; "" for none.
    marker: str = ""
    #: Bytes of one file.
    largest: int = 512 * 1024 * 1024
    #: Seconds after which a look begins nothing more.
    seconds: float = 600.0
    #: Seconds that one answer may take.
    patience: float = 30.0


class Listed(msgspec.Struct, frozen=True):
    """A file as their server lists it."""

    folder: str
    name: str
    size: int
    changed: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return posixpath.join(self.folder, self.name)

    @property
    def key(self) -> str:
        """What it is known by: the same name written anew has another size or time."""
        return f"sftp:{self.name}:{self.size}:{self.changed}"


class _Seen(msgspec.Struct):
    listed: Listed
    since: float


class _ChangedError(TransportError):
    """It is not the file any more that was listed."""


class _OutOfTimeError(TransportError):
    """The look took long enough; the rest comes at the next one."""


class Puller:
    """Looks at one remote mailbox, and keeps what it saw at the last look. Used on the event loop."""

    def __init__(self, agreed: Pull, spool: Spool, parts: Path, clock: Callable[[], float]) -> None:
        """`parts`: a folder for what is being read, in the file system of the spool."""
        self._agreed = agreed
        self._spool = spool
        self._parts = parts
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        #: What was said about files that were not taken: each once, while it lies there.
        self._said: set[tuple[str, str]] = set()
        self._left: list[Left] = []
        self._ends = 0.0

    async def look(self, client: asyncssh.SFTPClient) -> tuple[tuple[Left, ...], float | None]:
        """Take what is complete into the spool; what was left, and in how many seconds more may be complete."""
        self._left, self._ends = [], asyncio.get_running_loop().time() + self._agreed.seconds
        there = await self._list(client, self._agreed.inbox)
        claimed = await self._list(client, self._agreed.claim) if self._agreed.claim else []
        every = [*there, *claimed]
        self._forget({one.key for one in every})
        have = await self._tidy(client, every)
        rested = self._rested(there, have, {one.name for one in claimed})
        # Claimed, and then we crashed before it was read.
        orphans = [one for one in claimed if one.key not in have]
        is_done = await self._take_all(client, [*orphans, *rested])
        again = self._agreed.quiet_seconds if len(self._seen) > len(rested) else None
        return tuple(self._left), again if is_done else 0.0

    async def _list(self, client: asyncssh.SFTPClient, folder: str) -> list[Listed]:
        found = []
        async for entry in client.scandir(folder):
            mode, name = entry.attrs.permissions, str(entry.filename)
            if (mode is None or stat.S_ISREG(mode)) and name not in (".", "..") and entry.attrs.size is not None:
                found.append(Listed(folder, name, entry.attrs.size, int(entry.attrs.mtime or 0)))
        return sorted(found, key=lambda one: (one.changed, one.name))

    def _rested(self, listed: list[Listed], have: set[str], claimed: set[str]) -> list[Listed]:
        """Files that are complete as far as one can tell from outside.

        Those whose name is taken in the claim folder wait: some servers would replace what lies there.
        """
        names = {one.name for one in listed}
        now, before, self._seen = self._clock(), self._seen, {}
        ready = []
        for one in listed:
            if one.key in have or not self._is_wanted(one, names):
                continue
            seen = before.get(one.name)
            if seen is None or seen.listed != one:
                seen = _Seen(one, now)
            self._seen[one.name] = seen
            is_new = not self._agreed.marker and now - seen.since < self._agreed.quiet_seconds
            if not is_new and one.name not in claimed and self._is_welcome(one):
                ready.append(one)
        return ready

    def _is_wanted(self, one: Listed, names: set[str]) -> bool:
        marker = self._agreed.marker
        if one.name.startswith(".") or one.name.lower().endswith(UNFINISHED):
            return False
        if marker and (one.name.endswith(marker) or one.name + marker not in names):
            return False
        return fnmatch.fnmatchcase(one.name, self._agreed.pattern)

    def _is_welcome(self, one: Listed) -> bool:
        """False, and said, for files that are never taken."""
        if not one.size:
            self._leave(one, "empty-file", "The file is empty and is not taken.")
        elif one.size > self._agreed.largest:
            sentence = f"The file has {one.size} bytes and is not taken: {self._agreed.largest} are agreed at most."
            self._leave(one, "too-large", sentence)
        else:
            return True
        return False

    async def _take_all(self, client: asyncssh.SFTPClient, files: Iterable[Listed]) -> bool:
        """Read them side by side; False if the time did not suffice. Raises asyncssh.Error where the line is cut."""
        few, rest = asyncio.Semaphore(_SIDE_BY_SIDE), list[Listed]()
        cut = list[Exception]()

        async def take(one: Listed) -> None:
            async with few:
                if cut or asyncio.get_running_loop().time() > self._ends:
                    rest.append(one)
                    return
                try:
                    await self._take(client, one)
                except _OutOfTimeError:
                    rest.append(one)
                except _ChangedError as error:
                    log.info("%s: %s", self._agreed.mailbox, error)
                except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, TimeoutError) as error:
                    cut.append(error)
                except (asyncssh.SFTPError, TransportError) as error:
                    # One file that cannot be taken must not hold up the others.
                    self._leave(one, "not-taken", f"The file could not be taken: {describe(error)}.")

        await asyncio.gather(*(take(one) for one in files))
        if cut:
            raise cut[0]
        return not rest

    async def _take(self, client: asyncssh.SFTPClient, one: Listed) -> None:
        if self._agreed.claim and one.folder != self._agreed.claim:
            there = msgspec.structs.replace(one, folder=self._agreed.claim)
            await client.rename(one.path, there.path)
            # It spoke of what we have now; left there, it would call the next of that name complete.
            await self._remove_marker(client, one.path)
            one = there
        part = self._part(one.key)
        try:
            await self._read(client, one, part)
            await _be_the_same(client, one)
        except _ChangedError:
            part.unlink(missing_ok=True)
            raise
        detail = {"host": self._agreed.host, "path": one.path, "changed": str(one.changed)}
        await _beside(
            lambda: self._spool.take(part, mailbox=self._agreed.mailbox, key=one.key, name=one.name, detail=detail)
        )

    async def _read(self, client: asyncssh.SFTPClient, one: Listed, part: Path) -> None:
        """Read a file, or what of it was not read before the line was cut."""
        is_large = one.size > RESUMED
        with await _beside(lambda: _reopen(part, _read_so_far(part) if is_large else 0)) as file:
            at = file.tell()
            if at:
                log.info("%s: %s is read on from byte %s", self._agreed.mailbox, one.path, at)
            async with client.open(one.path, "rb", max_requests=_IN_FLIGHT) as remote:
                while at < one.size:
                    if asyncio.get_running_loop().time() > self._ends:
                        raise _OutOfTimeError(f"{one.path} is read on at the next look")
                    wanted = min(WINDOW, one.size - at)
                    piece: bytes = await asyncio.wait_for(remote.read(wanted, at), self._agreed.patience)
                    if len(piece) != wanted:
                        raise _ChangedError(f"{one.path} became shorter while it was read; it is taken when it rests")
                    file.write(piece)
                    file.flush()
                    if is_large:
                        await _beside(lambda: os.fdatasync(file.fileno()))
                    at += len(piece)

    async def _tidy(self, client: asyncssh.SFTPClient, files: list[Listed]) -> set[str]:
        """Remove what we have for good on their side; keys of what we have at all."""
        waiting = {one.transmission_id for one in await _beside(self._spool.claimed)}
        known = await _beside(lambda: [self._spool.find(self._agreed.mailbox, one.key) for one in files])
        have = set()
        for one, taken in zip(files, known, strict=True):
            if taken is None:
                continue
            have.add(one.key)
            if taken.transmission_id not in waiting and self._agreed.after != "leave":
                await self._remove(client, one)
        return have

    async def _remove(self, client: asyncssh.SFTPClient, one: Listed) -> None:
        try:
            if await _was_replaced(client, one):
                return  # a new file of the same name, which is taken at the next look
            await self._remove_marker(client, one.path)
            if self._agreed.after == "move":
                await _rename_free(client, one.path, posixpath.join(self._agreed.archive, one.name))
            else:
                await client.remove(one.path)
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
            raise
        except asyncssh.SFTPError as error:
            if isinstance(error, asyncssh.SFTPNoSuchFile) and not await client.exists(one.path):
                # Somebody else removed it.
                self._spool.forget_key(self._agreed.mailbox, one.key)
                return
            sentence = f"We have the file, but it could not be {_DONE[self._agreed.after]}: {describe(error)}."
            self._leave(one, "not-removed", sentence)
            return
        # The name may come again, even with the same size and second.
        self._spool.forget_key(self._agreed.mailbox, one.key)

    async def _remove_marker(self, client: asyncssh.SFTPClient, path: str) -> None:
        if self._agreed.marker and await client.exists(path + self._agreed.marker):
            await client.remove(path + self._agreed.marker)

    def _leave(self, one: Listed, what: str, sentence: str) -> None:
        log.info("%s: %s: %s", self._agreed.mailbox, one.path, sentence)
        if (what, one.key) not in self._said:
            self._said.add((what, one.key))
            self._left.append(left_alone(self._agreed.mailbox, one.name, what, sentence))

    def _forget(self, keys: set[str]) -> None:
        """What is not there any more: nothing more is said of it, and what was read of it goes."""
        self._said = {(what, key) for what, key in self._said if key in keys}
        wanted = {self._part(key).name for key in keys}
        for part in self._parts.iterdir():
            if part.name not in wanted:
                part.unlink(missing_ok=True)

    def _part(self, key: str) -> Path:
        return self._parts / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


_DONE = {"delete": "deleted on their side", "move": "moved to their archive", "leave": ""}


def _read_so_far(part: Path) -> int:
    """Bytes of it that can be relied on: its last window may have been on its way to the disk."""
    size = part.stat().st_size if part.exists() else 0
    return max(size // WINDOW - 1, 0) * WINDOW


def _reopen(part: Path, at: int) -> BinaryIO:
    file = part.open("r+b" if at else "wb")
    file.truncate(at)
    file.seek(at)
    return file


async def _beside(action: Callable[[], T]) -> T:
    """What may touch the disk for long, beside the loop that serves everybody."""
    return await asyncio.get_running_loop().run_in_executor(None, action)


async def _be_the_same(client: asyncssh.SFTPClient, one: Listed) -> None:
    if await _was_replaced(client, one):
        raise _ChangedError(f"{one.path} changed while it was read; it is taken when it rests")


async def _was_replaced(client: asyncssh.SFTPClient, one: Listed) -> bool:
    """True if there is another file under that name now; one that is gone is the one we know."""
    try:
        now = await client.stat(one.path)
    except asyncssh.SFTPNoSuchFile:
        return False
    return (now.size, int(now.mtime or 0)) != (one.size, one.changed)


async def _rename_free(client: asyncssh.SFTPClient, path: str, target: str) -> None:
    stem, suffix = posixpath.splitext(target)
    candidate, number = target, 2
    while await client.exists(candidate):
        candidate, number = f"{stem}-{number}{suffix}", number + 1
    await client.rename(path, candidate)
