"""An upload while it is written, and where it lies until it is closed: in a hidden folder, never in `in/`."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edi_server.transports.sftp_account.spans import Spans

#: Seconds that an upload is kept that was broken off, to be resumed, or closed under a name that is not final.
KEPT_SECONDS = 7 * 86400.0
HOLES = "Bytes of it were never written, so nothing of it is taken; please send it again from its start."
DISK = "The server's disk is full or does not work; please try again later."


class Upload(msgspec.Struct, kw_only=True, eq=False):
    """A file of `in/` being written."""

    name: str
    path: Path
    descriptor: int
    appends: bool
    #: As the file lies there, gaps included.
    size: int
    #: Bytes from its beginning that came in an earlier session.
    kept: int
    #: What came in this one.
    written: Spans
    #: Size of the file of this name that was taken a short while ago: whoever goes on behind that one resumes nothing.
    taken_before: int | None = None
    #: After a write that failed, whatever the client does then: it sends CLOSE all the same.
    poisoned: str = ""

    def extent(self) -> int | None:
        """How long the file is that the client means; None if bytes of it are missing.

        It ends where this session's last write ended: what an earlier one left behind that belongs to another file.
        """
        there = max(self.kept, self.written.end)
        wanted = self.size if self.size > there else self.written.end or self.kept
        return wanted if self.whole() >= wanted else None

    def is_untouched(self) -> bool:
        """Nothing of it ever came."""
        return not self.kept and self.written.start is None

    def whole(self) -> int:
        """Bytes from the beginning without a gap."""
        start = self.written.start
        return self.kept if start is None or start > self.kept else self.written.reach(start)

    def wrote(self, start: int, end: int) -> None:
        """Bytes came."""
        self.size = max(self.size, end)
        self.written.add(start, end)

    def cut(self, size: int) -> None:
        """The client sets its length."""
        os.ftruncate(self.descriptor, size)
        self.size, self.kept = size, min(self.kept, size)
        self.written.cut(size)


class Parts:
    """The files that are not closed, by the names that they will have. What an upload is called stands beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where an upload of that name lies; a name may be too long for a file with a suffix."""
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()}.part"

    def begin(self, path: Path, name: str, *, truncate: bool) -> tuple[int, int]:
        """Open it for writing: descriptor and size."""
        path.with_suffix(".name").write_text(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if truncate else 0)
        descriptor = os.open(path, flags, 0o600)
        return descriptor, os.fstat(descriptor).st_size

    def names(self) -> Iterator[str]:
        """What is not closed, or was broken off."""
        for part in self.folder.glob("*.part"):
            name = self._said(part)
            if name:
                yield name

    def drop(self, path: Path) -> None:
        """Delete it."""
        path.unlink(missing_ok=True)
        self.forget(path)

    def forget(self, path: Path) -> None:
        """It lies elsewhere now."""
        path.with_suffix(".name").unlink(missing_ok=True)

    def expired(self, now: float | None = None) -> list[tuple[Path, str]]:
        """What was broken off long ago, by its last write: where it lies, and its name."""
        before = (time.time() if now is None else now) - KEPT_SECONDS
        return [(part, self._said(part)) for part in self.folder.glob("*.part") if part.lstat().st_mtime < before]

    def _said(self, part: Path) -> str:
        try:
            return part.with_suffix(".name").read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""
