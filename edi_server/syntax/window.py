"""A window that moves over a stream of bytes: bounded memory, absolute offsets, and a way back."""

from __future__ import annotations

from typing import BinaryIO


class Window:
    """Bytes of `source` from `offset` on, as far as they were asked for.

    Reading errors of the source are the machine's and go through.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        #: Offset of the window's first byte from the start of the stream.
        self.offset = 0
        #: True once the stream has nothing more behind the window.
        self.ended = False

    def __len__(self) -> int:
        return len(self._buffer) - self._at

    def look(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end of the stream; nothing is consumed."""
        if len(self) < size and not self.ended:
            self._fill(size)
        return self._buffer[self._at : self._at + size]

    def glimpse(self, distance: int, size: int) -> bytes:
        """The `size` bytes that begin at a distance from here, without a look at what lies between."""
        if len(self) < distance + size and not self.ended:
            self._fill(distance + size)
        at = self._at + distance
        return self._buffer[at : at + size]

    def drop(self, count: int) -> None:
        """Move on by `count` bytes, all of which have been looked at."""
        self._at += count
        self.offset += count

    def skip(self, count: int) -> None:
        """Move on by `count` bytes that nobody needs to see, or to the end of the stream."""
        while count > 0 and (piece := self.look(min(count, 65536))):
            self.drop(len(piece))
            count -= len(piece)

    def push_back(self, piece: bytes) -> None:
        """Put back the bytes that were dropped last."""
        self.offset -= len(piece)
        if self._at >= len(piece):
            self._at -= len(piece)
        else:
            self._buffer = piece + self._buffer[self._at :]
            self._at = 0

    def _fill(self, size: int) -> None:
        parts = [self._buffer[self._at :]]
        missing = size - len(parts[0])
        while missing > 0:
            part = self._source.read(max(missing, 65536))
            if not part:
                self.ended = True
                break
            parts.append(part)
            missing -= len(part)
        self._buffer = b"".join(parts)
        self._at = 0
