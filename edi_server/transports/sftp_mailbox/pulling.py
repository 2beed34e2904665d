"""Collecting from a partner's SFTP server: one look at a remote mailbox.

A file rests for a while (two listings of the same size and time, or a companion of the partner's), is claimed by a
rename where we may, read, and spooled under name, size and time. Only when it was released, which is after it was
archived and committed, it is deleted or moved on the partner's side. A crash between any two of these repeats the later
one: the spool knows what was taken, and of a large file what was read is not read again.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import asyncssh
import msgspec

from edi_server.transports.collecting import left_alone, readable
from edi_server.transports.port import Left
from edi_server.transports.sftp_mailbox.listed import Listed, Pull
from edi_server.transports.sftp_mailbox.reading import ChangedError, OutOfTimeError, Reader, beside, digest_of
from edi_server.transports.sftp_mailbox.remote import describe
from edi_server.transports.sftp_mailbox.removing import Remover, remove_marker
from edi_server.transports.sftp_mailbox.resting import Resting
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)

#: Files that are read at a time over one connection: most are small, and each costs some round trips.
_SIDE_BY_SIDE = 24
#: Looks at which a file may be blocked before that is said.
_PATIENCE = 3


class Puller:
    """Looks at one remote mailbox, and keeps what it saw at the last look. Used on the event loop."""

    def __init__(self, agreed: Pull, spool: Spool, parts: Path, clock: Callable[[], float]) -> None:
        """`parts`: a folder for what is being read, in the file system of the spool."""
        self._agreed = agreed
        self._spool = spool
        self._resting = Resting(agreed, clock)
        self._reader = Reader(agreed, parts)
        self._remover = Remover(agreed, spool, self._reader, self._leave)
        #: What was said about files that were not taken: each once, while it lies there.
        self._said: set[tuple[str, str]] = set()
        self._left: list[Left] = []
        #: At how many looks in a row a file was blocked by one that is claimed.
        self._blocked: Counter[str] = Counter()

    async def look(self, client: asyncssh.SFTPClient) -> tuple[tuple[Left, ...], float | None]:
        """Take what is complete into the spool; what was left, and in how many seconds more may be complete."""
        self._left = []
        self._reader.begin()
        there = await self._list(client, self._agreed.inbox)
        claimed = await self._list(client, self._agreed.claim) if self._agreed.claim else []
        every = [*there, *claimed]
        self._forget_all_but({one.key for one in every})
        known = await self._remover.known(every)
        rested = self._free(self._resting.rested(there, known=known), {one.name for one in claimed})
        # Claimed, and then we crashed before it was read.
        orphans = [one for one in claimed if one.key not in known]
        is_done = await self._take_all(client, [one for one in [*orphans, *rested] if self._is_welcome(one)])
        # Last: removing may take long, and what came waits for nothing.
        await self._remover.tidy(client, every)
        again = self._agreed.quiet_seconds if self._resting.waiting else None
        return tuple(self._left), again if is_done else 0.0

    def _free(self, files: list[Listed], claimed: set[str]) -> list[Listed]:
        """Without those whose name is taken in the claim folder: some servers would replace what lies there."""
        blocked = [one for one in files if one.name in claimed]
        self._blocked = Counter({one.key: self._blocked[one.key] + 1 for one in blocked})
        for one in blocked:
            # Usually it is gone at the next look.
            if self._blocked[one.key] >= _PATIENCE:
                sentence = f"The file is not taken while another one of its name lies in {self._agreed.claim}."
                self._leave(one, "blocked", sentence)
        return [one for one in files if one.name not in claimed]

    async def _list(self, client: asyncssh.SFTPClient, folder: str) -> list[Listed]:
        found = []
        async for entry in client.scandir(folder):
            mode, name = entry.attrs.permissions, str(entry.filename)
            if (mode is None or stat.S_ISREG(mode)) and name not in (".", "..") and entry.attrs.size is not None:
                found.append(Listed(folder, name, entry.attrs.size, int(entry.attrs.mtime or 0)))
        return sorted(found, key=lambda one: (one.changed, one.name))

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

    async def _take_all(self, client: asyncssh.SFTPClient, files: list[Listed]) -> bool:
        """Read files side by side, and take them in their order; False if the time did not suffice.

        Raises TransportError where the line is cut or our disk fails: what was read before that is taken.
        """
        few = asyncio.Semaphore(_SIDE_BY_SIDE)
        readings = [(one, asyncio.create_task(self._claim_and_read(client, one, few))) for one in files]
        is_done = True
        try:
            for one, reading in readings:
                try:
                    await self._take(*await reading)
                except OutOfTimeError:
                    is_done = False
                except ChangedError as error:
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

    async def _claim_and_read(
        self, client: asyncssh.SFTPClient, one: Listed, few: asyncio.Semaphore
    ) -> tuple[Listed, Path]:
        """Have the whole file on our side; where it lies on theirs now, and where on ours."""
        async with few:
            self._reader.be_in_time(one)
            if self._agreed.claim and one.folder != self._agreed.claim:
                there = msgspec.structs.replace(one, folder=self._agreed.claim)
                await client.rename(one.path, there.path)
                # It spoke of what we have now; left there, it would call the next of that name complete.
                await remove_marker(client, self._agreed, one.path)
                one = there
            return one, await self._reader.read(client, one)

    async def _take(self, one: Listed, part: Path) -> None:
        def take() -> None:
            detail = {
                "host": self._agreed.host,
                "path": readable(one.path),
                "changed": str(one.changed),
                "sha256": digest_of(part),
            }
            self._spool.take(part, mailbox=self._agreed.mailbox, key=one.key, name=readable(one.name), detail=detail)

        await beside(take)

    def _leave(self, one: Listed, what: str, sentence: str) -> None:
        log.info("%s: %s: %s", self._agreed.mailbox, one, sentence)
        if (what, one.key) not in self._said:
            self._said.add((what, one.key))
            self._left.append(left_alone(self._agreed.mailbox, readable(one.name), what, sentence))

    def _forget_all_but(self, keys: set[str]) -> None:
        """What is not there any more: nothing more is said of it, and what was read of it goes."""
        self._said = {(what, key) for what, key in self._said if key in keys}
        self._reader.forget_all_but(keys)
