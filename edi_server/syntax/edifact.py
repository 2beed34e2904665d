"""UN/EDIFACT, bytes → segments: a stream is read in blocks, never held as a whole.

    window = Window(source)
    junk, start = find_start(window)
    for block in SegmentReader(window, start.dialect): ...

Source: ISO 9735 versions 1 to 4, part 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from edi_server.syntax.edifact_dialect import Block, Dialect, Oddity, before_pair, dialect, release_dropped
from edi_server.syntax.edifact_start import HARMLESS, Junk, Start, find_start
from edi_server.syntax.edifact_writing import write_segments
from edi_server.syntax.places import locate
from edi_server.syntax.window import Window

__all__ = [
    "Block",
    "Dialect",
    "Junk",
    "Oddity",
    "SegmentReader",
    "Start",
    "Window",
    "dialect",
    "find_start",
    "locate",
    "write_segments",
]

#: A longer segment is no segment: the standard's longest (FTX, 5 texts of 512) stays far below.
LONGEST_SEGMENT = 65536
BLOCK_SIZE = 262144
#: The first block of an interchange is small, so that many small interchanges in a file cost no more than one big one.
_FIRST_BLOCK = 16384
_BLANKS = b" \t\r\n"
#: A new interchange within what cannot be a segment: the one before was cut off.
_HEADER = re.compile(rb"UNA[\x01-\x7f]{6}[ \t\r\n]{0,16}(?=UNB)|UNB(?![A-Za-z0-9 ])[\x00-\x7f](?=UNO[A-Z])")
_LONGEST_HEADER = 64


class SegmentReader:
    """The segments of one interchange in blocks, from where the window stands to the end of the stream.

    A block ends early behind UNZ. Whoever meets the end of the interchange stops iterating, after `rewind` if there
    are segments left in the block.
    """

    def __init__(
        self, window: Window, reading: Dialect, *, block_size: int = BLOCK_SIZE, longest: int = LONGEST_SEGMENT
    ) -> None:
        self._window = window
        self._dialect = reading
        self._block_size = block_size
        self._longest = longest
        self._size = min(_FIRST_BLOCK, block_size)

    def __iter__(self) -> Iterator[Block]:
        while raw := self._look():
            worked = self._dialect.work(raw)
            length = self._usable(worked)
            if length:
                yield self._block(raw, worked, length)
                self._size = min(self._size * 4, self._block_size)
            elif len(raw) > self._longest:
                yield self._overlong()
            elif self._window.ended and len(self._window) <= len(raw):
                yield from self._tail(raw)
                return
            else:
                self._size = max(self._size * 4, 64)

    def rewind(self, block: Block, offset: int) -> bool:
        """Put everything of the block from `offset` on back into the window; False if nothing is left of it there."""
        if not block.end == self._window.offset == block.start + len(block.raw):
            return False
        self._window.push_back(block.raw[offset - block.start :])
        return True

    def _look(self) -> bytes:
        """The next piece, blanks in front of it dropped."""
        while raw := self._window.look(self._size):
            blanks = len(raw) - len(raw.lstrip(_BLANKS))
            if not blanks:
                return raw
            self._window.drop(blanks)
        return b""

    def _usable(self, worked: bytes) -> int:
        """How much of it is whole segments of this interchange, none of them overlong."""
        trailer = worked.find(b"'UNZ+")
        end = worked.find(b"'", trailer + 1) + 1 if trailer >= 0 else 0
        length = end or worked.rfind(b"'") + 1
        if length <= self._longest:
            return length
        return self._before_overlong(worked, length)

    def _before_overlong(self, worked: bytes, length: int) -> int:
        pieces = worked[:length].split(b"'")
        if max(map(len, pieces)) <= self._longest:
            return length
        at = 0
        for piece in pieces:
            if len(piece.lstrip(_BLANKS)) > self._longest:
                return at
            at += len(piece) + 1
        return length

    def _block(self, raw: bytes, worked: bytes, length: int) -> Block:
        start = self._window.offset
        self._window.drop(length)
        return self._dialect.block(raw[:length], worked[:length], start)

    def _overlong(self) -> Block:
        """The beginning of a segment that does not end in time; the window moves behind its end."""
        start = self._window.offset
        raw = self._window.look(self._longest)
        header = _HEADER.search(raw, 1)
        if header:
            raw = raw[: header.start()]
            self._window.drop(len(raw))
        else:
            self._skip_segment()
        return self._unfinished(raw, start, "syntax.segment-too-long")

    def _tail(self, raw: bytes) -> Iterator[Block]:
        """What stands behind the last terminator at the end of the stream, or before a new interchange in it."""
        start = self._window.offset
        header = _HEADER.search(raw, 1)
        rest = raw[: header.start()] if header else raw
        self._window.drop(len(rest))
        rest = rest.rstrip(HARMLESS)
        if rest:
            is_trailer = rest.startswith(b"UNZ")
            yield self._unfinished(
                rest, start, "syntax.last-terminator-missing" if is_trailer else "syntax.unterminated"
            )

    def _unfinished(self, raw: bytes, start: int, code: str) -> Block:
        worked = release_dropped(self._dialect.work(raw))
        block = self._dialect.block(raw, worked, start)
        oddities = [Oddity(start, code), *block.oddities]
        return msgspec.structs.replace(block, end=self._window.offset, oddities=oddities)

    def _skip_segment(self) -> None:
        """Move behind the next terminator, or before the next interchange, or to the end."""
        behind = 1
        while piece := self._window.look(_FIRST_BLOCK):
            worked = self._dialect.work(piece)
            end = worked.find(b"'")
            header = _HEADER.search(piece, behind)
            behind = 0
            if header and not 0 <= end < header.start():
                self._window.drop(header.start())
                return
            if end >= 0:
                self._window.drop(end + len(self._dialect.terminator))
                return
            is_last = self._window.ended and len(self._window) <= len(piece)
            self._window.drop(len(piece) if is_last else max(before_pair(worked, len(piece) - _LONGEST_HEADER), 1))
