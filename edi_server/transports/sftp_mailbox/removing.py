"""What we have of a partner's server, and removing it there as was agreed."""

from __future__ import annotations

import logging
import posixpath
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

import asyncssh

from edi_server.transports.sftp_mailbox.listed import KEPT, Listed, Pull, was_replaced
from edi_server.transports.sftp_mailbox.reading import ChangedError, OutOfTimeError, Reader, beside
from edi_server.transports.sftp_mailbox.remote import describe
from edi_server.transports.spool import Spool, Taken

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
#: Seconds until a removal that was refused is tried again.
_PAUSE = 3600.0
#: Seconds: a time that is a whole number of these may be all that their server knows of it.
_COARSE = 60
_DONE = {"delete": "deleted on their side", "move": "moved to their archive"}


class Remover:
    """Keeps what it saw at the last look. Used on the event loop."""

    def __init__(self, agreed: Pull, spool: Spool, reader: Reader, leave: Callable[[Listed, str, str], None]) -> None:
        """`leave` is told of files that could not be removed."""
        self._agreed = agreed
        self._spool = spool
        self._reader = reader
        self._leave = leave
        #: What we have and leave on their side; what we have and they removed since the last look.
        self._kept: set[str] = set()
        self._gone: set[str] = set()
        #: What was taken, by its key; and when its removal was refused.
        self._taken: dict[str, Taken] = {}
        self._refused: dict[str, float] = {}
        self._forgot = datetime.min.replace(tzinfo=UTC)

    async def known(self, files: list[Listed]) -> set[str]:
        """Keys of what we have."""
        if self._agreed.after == "leave":
            there = {one.key for one in files}
            self._kept = (self._kept & there) | await beside(lambda: self._find(there))
            return self._kept
        self._taken = await beside(lambda: {taken.key: taken for taken in self._spool.known()})
        return set(self._taken)

    async def tidy(self, client: asyncssh.SFTPClient, files: list[Listed]) -> None:
        """Remove on their side what was known and was released, as far as the time of the look suffices."""
        if self._agreed.after == "leave":
            return
        waiting = {one.transmission_id for one in await beside(self._spool.claimed)}
        self._refused = {key: when for key, when in self._refused.items() if key in self._taken}
        for one in files:
            taken = self._taken.get(one.key)
            if taken is not None and taken.transmission_id not in waiting and not self._was_refused(one.key):
                try:
                    await self._remove(client, one, taken)
                except OutOfTimeError:
                    log.info("%s: %s is removed at a later look", self._agreed.mailbox, one)
                    break
        self._forget_gone(self._taken, {one.key for one in files}, waiting)

    def _was_refused(self, key: str) -> bool:
        """What could not be removed a while ago is not tried at every look: it may have to be read again for it."""
        return time.monotonic() - self._refused.get(key, -_PAUSE) < _PAUSE

    def _find(self, keys: Collection[str]) -> set[str]:
        """Which of them we have; what we left and they removed long ago is forgotten."""
        if datetime.now(UTC) - self._forgot > _DAY:
            self._spool.forget(datetime.now(UTC) - KEPT, keep=set(keys))
            self._forgot = datetime.now(UTC)
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
            if await was_replaced(client, one):
                return  # a new file of the same name, which is taken at the next look
            if one.changed % _COARSE == 0 and not await self._is_what_we_have(client, one, taken):
                self._spool.forget_key(self._agreed.mailbox, one.key)
                return
            await remove_marker(client, self._agreed, one.path)
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
            self._refused[one.key] = time.monotonic()
            return
        # The name may come again, even with the same size and second.
        self._spool.forget_key(self._agreed.mailbox, one.key)

    async def _is_what_we_have(self, client: asyncssh.SFTPClient, one: Listed, taken: Taken) -> bool:
        """Their server tells times coarsely, or none: another file may look alike. It is read once more."""
        try:
            digest = await self._reader.digest(client, one)
        except ChangedError:
            return False
        return digest == taken.detail.get("sha256", digest)


async def remove_marker(client: asyncssh.SFTPClient, agreed: Pull, path: str) -> None:
    """The companion of a file goes with it."""
    if agreed.marker and await client.exists(path + agreed.marker):
        await client.remove(path + agreed.marker)


async def _rename_free(client: asyncssh.SFTPClient, path: str, target: str) -> None:
    stem, suffix = posixpath.splitext(target)
    candidate, number = target, 2
    while await client.exists(candidate):
        candidate, number = f"{stem}-{number}{suffix}", number + 1
    await client.rename(path, candidate)
