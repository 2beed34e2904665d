"""Files that were taken and are still answered for: clients set their time and mode and look at their size.

Kept in a file beside the account's folders, so that a client that uploads while we start anew is not told that its
file is not there. What is lost of it in a crash is a convenience, so it is not made durable.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

#: Seconds that a file is answered for, and files at a time.
SECONDS = 600.0
_MOST = 1000


class Ghost(msgspec.Struct, frozen=True):
    """A file that was taken."""

    name: str
    size: int
    changed: float
    #: Until when it is answered for, seconds since 1970.
    until: float


class Ghosts:
    """By name; the newest of a name counts. Used from any thread."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._by_name: dict[str, Ghost] = {}
        self._lines = 0
        self._lock = threading.Lock()

    def load(self) -> None:
        """Remember what an earlier process remembered."""
        with self._lock:
            try:
                lines = self._file.read_bytes().splitlines()
            except FileNotFoundError:
                return
            for line in lines:
                try:
                    self._keep(msgspec.json.decode(line, type=Ghost))
                except msgspec.MsgspecError:
                    continue  # cut off by a crash
            self._rewrite()

    def remember(self, name: str, size: int, changed: float) -> None:
        """A file was taken."""
        with self._lock:
            ghost = Ghost(name, size, changed, self._clock() + SECONDS)
            self._keep(ghost)
            # A full disk must not make a failure of what was taken.
            with contextlib.suppress(OSError):
                self._write(ghost)

    def find(self, name: str) -> Ghost | None:
        """The file that was taken under that name a short while ago."""
        ghost = self._by_name.get(name)
        return ghost if ghost is not None and ghost.until > self._clock() else None

    def forget(self, name: str) -> bool:
        """Answer for it no longer; False if there is none."""
        with self._lock:
            ghost = self.find(name)
            if ghost is None:
                return False
            gone = msgspec.structs.replace(ghost, until=0.0)
            self._keep(gone)
            with contextlib.suppress(OSError):
                self._write(gone)
            return True

    def rename(self, old: str, new: str) -> bool:
        """Answer for it under another name, not for longer; False if there is none."""
        with self._lock:
            ghost = self.find(old)
            if ghost is None:
                return False
            del self._by_name[old]
            self._keep(msgspec.structs.replace(ghost, name=new))
            return True

    def _keep(self, ghost: Ghost) -> None:
        self._by_name.pop(ghost.name, None)
        while len(self._by_name) >= _MOST:
            del self._by_name[next(iter(self._by_name))]
        self._by_name[ghost.name] = ghost

    def _write(self, ghost: Ghost) -> None:
        if self._lines >= 2 * _MOST:
            self._rewrite()
            return
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(ghost) + b"\n")
        self._lines += 1

    def _rewrite(self) -> None:
        now = self._clock()
        self._by_name = {ghost.name: ghost for ghost in self._by_name.values() if ghost.until > now}
        self._file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in self._by_name.values()))
        self._lines = len(self._by_name)
