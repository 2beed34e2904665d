"""A file that is being read from a partner's server: what is on disk of it can be relied on."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edi_server.transports.durable_file import told

T = TypeVar("T")

#: Bytes that are asked for at a time, and written at once: what is on disk of a file has no holes.
WINDOW = 2 * 1024 * 1024


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
