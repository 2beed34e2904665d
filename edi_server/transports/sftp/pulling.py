"""Collecting from a partner's SFTP server: one look at a remote mailbox.

A file rests for a while (two listings of the same size and time, or a companion of the partner's), is claimed by a
rename where we may, read, and spooled under name, size and time. Only when it was released, which is after it was
archived and committed, it is deleted or moved on the partner's side. A crash between any two of these repeats the later
one: the spool knows what was taken, and of a large file what was read is not read again.
"""

from __future__ import annotations

import asyncio
import fnmatch
import functools
import hashlib
import logging
import posixpath
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import asyncssh
import msgspec

from edi_server.errors import TransportError
from edi_server.transports.collecting import UNFINISHED, left_alone, readable
from edi_server.transports.port import Left
from edi_server.transports.sftp.part import WINDOW, Part, beside, digest_of
from edi_server.transports.sftp.remote import describe
from edi_server.transports.spool import Spool, Taken

log = logging.getLogger(__name__)

#: Requests that are in flight while one file is read.
_IN_FLIGHT = 16
#: Files that are read at a time over one connection: most are small, and each costs some round trips.
_SIDE_BY_SIDE = 24
#: Files larger than this are read on where the line was cut.
RESUMED = 10 * 1024 * 1024
#: Seconds: a time that is a whole number of these may be all that their server knows of it.
_COARSE = 60


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
        return f"sftp:{readable(self.name)}:{self.size}:{self.changed}"


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
        #: What we have and leave on their side; what we have and they removed since the last look.
        self._kept: set[str] = set()
        self._gone: set[str] = set()
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
        """Read files side by side, and take them in their order; False if the time did not suffice.

        Raises TransportError where the line is cut or our disk fails: what was read before that is taken.
        """
        few = asyncio.Semaphore(_SIDE_BY_SIDE)
        readings = [(one, asyncio.create_task(self._claim_and_read(client, one, few))) for one in files]
        is_done = True
        try:
            for one, reading in readings:
                try:
                    await self._take(await reading)
                except _OutOfTimeError:
                    is_done = False
                except _ChangedError as error:
                    log.info("%s: %s", self._agreed.mailbox, error)
                except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
                    raise
                except asyncssh.SFTPError as error:
                    # One file that cannot be taken must not hold up the others.
                    self._leave(one, "not-taken", f"The file could not be taken: {describe(error)}.")
        finally:
            for _, reading in readings:
                reading.cancel()
            await asyncio.gather(*(reading for _, reading in readings), return_exceptions=True)
        return is_done

    async def _claim_and_read(self, client: asyncssh.SFTPClient, one: Listed, few: asyncio.Semaphore) -> Listed:
        """Have the whole file on our side; where it lies on theirs now."""
        async with few:
            if self._is_late():
                raise _OutOfTimeError(f"{one.path} is read at the next look")
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
            return one

    async def _take(self, one: Listed) -> None:
        part = self._part(one.key)

        def take() -> None:
            detail = {
                "host": self._agreed.host,
                "path": readable(one.path),
                "changed": str(one.changed),
                "sha256": digest_of(part),
            }
            self._spool.take(part, mailbox=self._agreed.mailbox, key=one.key, name=readable(one.name), detail=detail)

        await beside(take)

    def _is_late(self) -> bool:
        return asyncio.get_running_loop().time() > self._ends

    async def _read(self, client: asyncssh.SFTPClient, one: Listed, path: Path) -> None:
        """Read a file, or what of it was not read before the line was cut."""
        part = await beside(lambda: Part(path, one.size > RESUMED))
        try:
            if part.size:
                log.info("%s: %s is read on from byte %s", self._agreed.mailbox, one.path, part.size)
            async with client.open(one.path, "rb", max_requests=_IN_FLIGHT) as remote:
                while part.size < one.size:
                    if self._is_late():
                        raise _OutOfTimeError(f"{one.path} is read on at the next look")
                    wanted = min(WINDOW, one.size - part.size)
                    piece: bytes = await asyncio.wait_for(remote.read(wanted, part.size), self._agreed.patience)
                    if len(piece) != wanted:
                        raise _ChangedError(f"{one.path} became shorter while it was read; it is taken when it rests")
                    await beside(functools.partial(part.add, piece))
        finally:
            part.close()

    async def _tidy(self, client: asyncssh.SFTPClient, files: list[Listed]) -> set[str]:
        """Remove what we have for good on their side; keys of what we have at all."""
        if self._agreed.after == "leave":
            self._kept |= await beside(lambda: self._find(one.key for one in files))
            return self._kept
        waiting = {one.transmission_id for one in await beside(self._spool.claimed)}
        known = await beside(lambda: {taken.key: taken for taken in self._spool.known()})
        for one in files:
            taken = known.get(one.key)
            if taken is not None and taken.transmission_id not in waiting:
                await self._remove(client, one, taken)
        self._forget_gone(known, {one.key for one in files}, waiting)
        return set(known)

    def _find(self, keys: Iterable[str]) -> set[str]:
        unknown = (key for key in keys if key not in self._kept)
        return {key for key in unknown if self._spool.find(self._agreed.mailbox, key) is not None}

    def _forget_gone(self, known: Mapping[str, Taken], there: set[str], waiting: set[str]) -> None:
        """What is gone from their side may come again under the same name, even with the same size and time.

        It has to be gone twice: a server whose disk is not mounted lists nothing, and then all of it again.
        """
        gone = {key for key, one in known.items() if key not in there and one.transmission_id not in waiting}
        for key in gone & self._gone:
            self._spool.forget_key(self._agreed.mailbox, key)
        self._gone = gone - self._gone

    async def _remove(self, client: asyncssh.SFTPClient, one: Listed, taken: Taken) -> None:
        try:
            if await _was_replaced(client, one):
                return  # a new file of the same name, which is taken at the next look
            if one.changed % _COARSE == 0 and not await self._is_what_we_have(client, one, taken):
                self._spool.forget_key(self._agreed.mailbox, one.key)
                return
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

    async def _is_what_we_have(self, client: asyncssh.SFTPClient, one: Listed, taken: Taken) -> bool:
        """Their server tells times coarsely, or none: another file may look alike. It is read once more."""
        again = self._part(f"again {one.key}")
        await self._read(client, one, again)
        digest = await beside(lambda: digest_of(again))
        again.unlink(missing_ok=True)
        return digest == taken.detail.get("sha256", digest)

    async def _remove_marker(self, client: asyncssh.SFTPClient, path: str) -> None:
        if self._agreed.marker and await client.exists(path + self._agreed.marker):
            await client.remove(path + self._agreed.marker)

    def _leave(self, one: Listed, what: str, sentence: str) -> None:
        log.info("%s: %s: %s", self._agreed.mailbox, one.path, sentence)
        if (what, one.key) not in self._said:
            self._said.add((what, one.key))
            self._left.append(left_alone(self._agreed.mailbox, readable(one.name), what, sentence))

    def _forget(self, keys: set[str]) -> None:
        """What is not there any more: nothing more is said of it, and what was read of it goes."""
        self._said = {(what, key) for what, key in self._said if key in keys}
        wanted = {self._part(key).name for key in keys}
        for part in self._parts.iterdir():
            if part.name not in wanted:
                part.unlink(missing_ok=True)

    def _part(self, key: str) -> Path:
        return self._parts / hashlib.sha256(key.encode()).hexdigest()


_DONE = {"delete": "deleted on their side", "move": "moved to their archive", "leave": ""}


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
