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

from edi_server.syntax.edifact_apostrophes import terminated
from edi_server.syntax.edifact_dialect import Block, Dialect, Oddity, before_pair, dialect, release_dropped
from edi_server.syntax.edifact_start import Start, find_start
from edi_server.syntax.edifact_writing import write_segments
from edi_server.syntax.junk import HARMLESS, Junk
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
#: Measured: smaller costs more calls, larger more cache misses (33 and 41 µs a message of 3 KB with 64 and 128 KB).
BLOCK_SIZE = 65536
#: The first block of an interchange is small, so that many small interchanges in a file cost no more than one big one.
_FIRST_BLOCK = 4096
_SMALL_BLOCK = 512
_BLANKS = b" \t\r\n"
#: The header of another interchange, which ends this one wherever it stands: UNB, and UNA in front of it.
_HEADER = re.compile(rb"UNB(?![A-Za-z0-9 ])[\x00-\x7f]UNO[A-Z]")
_ADVICE = re.compile(rb"UNA[\x01-\x7f]{5}(?:[\x01-\x7f]|\xe2\x80\x99)[ \t\r\n]{0,4}\Z")
_LONGEST_ADVICE = 15
#: Bytes at the end of a piece in which such a header may begin.
_HELD_BACK = 24


class SegmentReader:
    """The segments of one interchange in blocks, from where the window stands to the end of the stream.

    It stops before the header of another interchange. Whoever meets the end of the interchange stops iterating, after
    `rewind` if there is something left in the block.
    """

    #: Tag of the segment that ends an interchange.
    trailer = b"UNZ"

    def __init__(
        self, window: Window, reading: Dialect, *, block_size: int = BLOCK_SIZE, longest: int = LONGEST_SEGMENT
    ) -> None:
        self._window = window
        self._dialect = reading
        self._block_size = block_size
        self._longest = longest
        self._size = min(_FIRST_BLOCK, block_size)
        self._begin = window.offset

    def __iter__(self) -> Iterator[Block]:
        while True:
            raw, is_last = self._look(self._size)
            if not raw:
                return
            worked = self._dialect.work(raw)
            length = self._usable(worked, len(worked) if is_last else len(worked) - _HELD_BACK)
            if length:
                yield self._block(raw, worked, length)
                self._size = min(self._size * 4, self._block_size)
            elif len(raw) - (0 if is_last else _HELD_BACK) > self._longest:
                yield self._overlong()
            elif is_last:
                yield from self._tail(raw)
                return
            else:
                self._size = max(self._size * 4, 4 * _HELD_BACK)

    def rewind(self, block: Block, offset: int) -> bool:
        """Put everything of the block from `offset` on back into the window; False if nothing is left of it there."""
        if not block.end == self._window.offset == block.start + len(block.raw):
            return False
        self._window.push_back(block.raw[offset - block.start :])
        self._size = min(_SMALL_BLOCK, self._block_size)
        return True

    def _look(self, size: int) -> tuple[bytes, bool]:
        """The next piece, blanks in front of it dropped; and whether the interchange ends with it for sure."""
        raw = self._window.look(size)
        while raw and raw[0] in _BLANKS:
            self._window.drop(len(raw) - len(raw.lstrip(_BLANKS)))
            raw = self._window.look(size)
        header = self._find_header(raw, 1 if self._window.offset == self._begin else 0)
        if header >= 0:
            return raw[:header], True
        return raw, self._window.ended and len(self._window) <= len(raw)

    def _find_header(self, raw: bytes, first: int) -> int:
        return find_header(raw, first)

    def _usable(self, worked: bytes, end: int) -> int:
        """How much of it, up to `end`, is whole segments, none of them overlong."""
        length = worked.rfind(b"'", 0, max(end, 0)) + 1
        if length > self._longest:
            length = self._before_overlong(worked, length)
        return length and length + len(self._dialect.terminator) - 1

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
        self._skip_segment()
        return self._unfinished(raw, start, "syntax.segment-too-long")

    def _tail(self, raw: bytes) -> Iterator[Block]:
        """What stands behind the last terminator of the interchange."""
        start = self._window.offset
        self._window.drop(len(raw))
        rest = raw.rstrip(HARMLESS)
        if rest:
            worked = self._dialect.work(rest)
            ended = terminated(worked) if self._dialect.terminator == b"'" else worked
            if ended != worked:
                yield self._dialect.block(rest, ended, start)
                return
            is_trailer = rest.startswith(self.trailer)
            code = "syntax.last-terminator-missing" if is_trailer else "syntax.unterminated"
            yield self._unfinished(rest, start, code)

    def _unfinished(self, raw: bytes, start: int, code: str) -> Block:
        worked = release_dropped(self._dialect.work(raw))
        block = self._dialect.block(raw, worked, start)
        oddities = [Oddity(start, code), *block.oddities]
        return msgspec.structs.replace(block, end=self._window.offset, oddities=oddities)

    def _skip_segment(self) -> None:
        """Move behind the next terminator, or before the next interchange, or to the end."""
        while True:
            piece, is_last = self._look(_FIRST_BLOCK)
            worked = self._dialect.work(piece)
            end = worked.find(b"'")
            if end >= 0:
                self._window.drop(end + len(self._dialect.terminator))
                return
            if is_last:
                self._window.drop(len(piece))
                return
            self._window.drop(max(before_pair(worked, len(piece) - _HELD_BACK), 1))


def find_header(raw: bytes, first: int) -> int:
    """Where the header of another interchange begins, at `first` or later; -1 if there is none."""
    at = raw.find(b"UNB", first)
    while at >= 0:
        if _HEADER.match(raw, at):
            advice = _ADVICE.search(raw, max(at - _LONGEST_ADVICE, first), at)
            return advice.start() if advice else at
        at = raw.find(b"UNB", at + 1)
    return -1
