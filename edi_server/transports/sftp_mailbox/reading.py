"""Reading files from a partner's server: what is on disk of one can be relied on, and is not read again."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import asyncssh

from edi_server.errors import TransportError
from edi_server.transports.durable_file import told
from edi_server.transports.sftp_mailbox.listed import Listed, Pull, was_replaced

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Bytes that are asked for at a time, and written at once: what is on disk of a file has no holes.
WINDOW = 2 * 1024 * 1024
#: Requests that are in flight while one file is read.
_IN_FLIGHT = 16
#: Files larger than this are read on where the line was cut.
RESUMED = 10 * 1024 * 1024


class ChangedError(TransportError):
    """It is not the file any more that was listed."""


class OutOfTimeError(TransportError):
    """The look took long enough; the rest comes at the next one."""


class Reader:
    """Reads files into a folder of ours, each under a name made of its key. Used on the event loop."""

    def __init__(self, agreed: Pull, folder: Path) -> None:
        self._agreed = agreed
        self._folder = folder
        self._ends = 0.0

    def begin(self) -> None:
        """The time for a look runs from now."""
        self._ends = asyncio.get_running_loop().time() + self._agreed.seconds

    def be_in_time(self, one: Listed) -> None:
        """Raise OutOfTimeError where the look took long enough."""
        if asyncio.get_running_loop().time() > self._ends:
            raise OutOfTimeError(f"{one} is read at the next look")

    def place_of(self, key: str) -> Path:
        """Where what was read of a file lies."""
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def forget_all_but(self, keys: Collection[str]) -> None:
        """What was read of files that are not there any more goes."""
        wanted = {self.place_of(name).name for key in keys for name in (key, _again(key))}
        for part in self._folder.iterdir():
            if part.name not in wanted:
                part.unlink(missing_ok=True)

    async def read(self, client: asyncssh.SFTPClient, one: Listed) -> Path:
        """The whole file, or the rest of it where the line was cut. Raises ChangedError, OutOfTimeError."""
        place = self.place_of(one.key)
        try:
            await self._read(client, one, place)
            await _be_the_same(client, one)
        except ChangedError:
            place.unlink(missing_ok=True)
            raise
        return place

    async def digest(self, client: asyncssh.SFTPClient, one: Listed) -> str:
        """SHA-256 of what lies there now. Raises ChangedError, OutOfTimeError."""
        place = self.place_of(_again(one.key))
        try:
            await self._read(client, one, place)
        except ChangedError:
            place.unlink(missing_ok=True)
            raise
        digest = await beside(lambda: digest_of(place))
        place.unlink(missing_ok=True)
        return digest

    async def _read(self, client: asyncssh.SFTPClient, one: Listed, place: Path) -> None:
        part = await beside(lambda: Part(place, one.size > RESUMED))
        try:
            if part.size:
                log.info("%s: %s is read on from byte %s", self._agreed.mailbox, one, part.size)
            async with client.open(one.path, "rb", max_requests=_IN_FLIGHT) as remote:
                while part.size < one.size:
                    self.be_in_time(one)
                    wanted = min(WINDOW, one.size - part.size)
                    piece: bytes = await asyncio.wait_for(remote.read(wanted, part.size), self._agreed.patience)
                    if len(piece) != wanted:
                        raise ChangedError(f"{one} became shorter while it was read; it is taken when it rests")
                    await beside(functools.partial(part.add, piece))
        finally:
            part.close()


def _again(key: str) -> str:
    """The name of what is read of a file only to compare it."""
    return f"again {key}"


async def _be_the_same(client: asyncssh.SFTPClient, one: Listed) -> None:
    if await was_replaced(client, one):
        raise ChangedError(f"{one} changed while it was read; it is taken when it rests")


class Part:
    """What was read of a file so far, without holes. Raises TransportError where our disk does not work."""

    def __init__(self, path: Path, is_resumed: bool) -> None:
        """Opened anew, or, of a large file, behind what was read before."""
        self._path = path
        self._is_resumed = is_resumed
        with told(path):
            before = path.stat().st_size if is_resumed and path.exists() else 0
            # Its last window may have been on its way to the disk when the machine failed.
            self.size = max(before // WINDOW - 1, 0) * WINDOW
            self._file = path.open("r+b" if self.size else "wb")
            self._file.truncate(self.size)
            self._file.seek(self.size)

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        with told(self._path):
            self._file.write(piece)
            self._file.flush()
            if self._is_resumed:
                os.fdatasync(self._file.fileno())
        self.size += len(piece)

    def close(self) -> None:
        """It is kept."""
        self._file.close()


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex. Raises TransportError."""
    with told(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def beside(action: Callable[[], T]) -> T:
    """What may touch the disk for long, beside the loop that serves everybody."""
    return await asyncio.get_running_loop().run_in_executor(None, action)
