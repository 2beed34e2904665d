"""ANSI X12, bytes → segments: a stream is read in blocks, never held as a whole.

    window = open_window(source)
    junk, start = find_x12_start(window)
    for block in X12Reader(window, start): ...

Source: X12.5 (interchange control structures) and X12.6 (application control structure), versions 002001 to 008xxx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, cast

import msgspec

from edi_server.syntax.ebcdic import Recoded, code_page
from edi_server.syntax.edifact import BLOCK_SIZE, SegmentReader
from edi_server.syntax.edifact_dialect import Block, Oddity
from edi_server.syntax.window import Window
from edi_server.syntax.x12_dialect import BINARY
from edi_server.syntax.x12_start import X12Start, find_x12, find_x12_start, is_comment
from edi_server.syntax.x12_writing import write_x12_segments

__all__ = [
    "BLOCK_SIZE",
    "X12Reader",
    "X12Start",
    "find_x12",
    "find_x12_start",
    "is_comment",
    "open_window",
    "write_x12_segments",
]

#: Bytes. A longer binary segment is skipped.
LARGEST_BINARY = 16 * 1024 * 1024
#: Header of another interchange, which ends this one wherever it stands.
_HEADER = re.compile(rb"(?<![A-Za-z0-9])ISA([^A-Za-z0-9 \t\r\n\x80-\xff])(?<!\1ISA\1)\d\d\1[^\r\n]{0,12}?\1\d\d\1")
_HEAD = 64


def open_window(source: BinaryIO) -> tuple[Window, str]:
    """A window over a stream, EBCDIC translated byte by byte; and the code page that it was in, "" for ASCII."""
    window = Window(source)
    page = code_page(window.look(512))
    # `Recoded` has all that a window asks of its source.
    return (Window(cast("BinaryIO", Recoded(window, page))), page) if page else (window, "")


class X12Reader(SegmentReader):
    """The segments of one X12 interchange in blocks; a segment with binary data is a block of its own."""

    trailer = b"IEA"

    def __init__(self, window: Window, start: X12Start, *, block_size: int = BLOCK_SIZE) -> None:
        reading = start.dialect
        super().__init__(window, reading, block_size=block_size)
        self._header_length = start.announced.length
        element = re.escape(reading.separators.element.encode("latin-1"))
        self._binary_head = re.compile(rb"(?:BIN|BDS%b[^%b]*)%b(\d{1,12})%b" % ((element,) * 4))
        self._x12 = reading

    def __iter__(self) -> Iterator[Block]:
        if self._header_length:
            start = self._window.offset
            raw = self._window.look(self._header_length)
            self._window.drop(len(raw))
            yield self._x12.header_block(raw, start)
        yield from super().__iter__()

    def _find_header(self, raw: bytes, first: int) -> int:
        at = raw.find(b"ISA", first)
        while at >= 0:
            if _HEADER.match(raw, at):
                return at
            at = raw.find(b"ISA", at + 1)
        return -1

    def _block(self, raw: bytes, worked: bytes, length: int) -> Block:
        block = super()._block(raw, worked, length)
        binary = next((index for index in block.services if block.segments[index][:4] in BINARY), None)
        if binary is None:
            return block
        cut = block.offsets[binary]
        if binary == 0:
            cut = block.end_of(0)
        self.rewind(block, cut)
        before = self._x12.block(raw[: cut - block.start], worked[: cut - block.start], block.start)
        if binary > 0:
            return before
        self._window.push_back(before.raw)
        return self._binary() or self._wrong_length(before)

    def _overlong(self) -> Block:
        return self._binary() or super()._overlong()

    def _binary(self) -> Block | None:
        """The binary segment on which the window stands; None if it does not end where its length says."""
        start, reading = self._window.offset, self._x12
        head = self._binary_head.match(self._window.look(_HEAD))
        if not head:
            return None
        begin, length = head.end(), int(head[1])
        if length > LARGEST_BINARY:
            return self._skip_binary(head[0], start, length)
        if self._window.glimpse(begin + length, len(reading.terminator)) != reading.terminator:
            return None
        piece = self._window.look(begin + length)
        self._window.drop(len(piece) + len(reading.terminator))
        return reading.binary_block(head[0], piece[begin:], start)

    def _skip_binary(self, head: bytes, start: int, length: int) -> Block:
        self._window.drop(len(head))
        self._window.skip(length + len(self._x12.terminator))
        block = self._x12.binary_block(head, b"", start)
        return msgspec.structs.replace(
            block, end=self._window.offset, oddities=[Oddity(start, "syntax.binary-too-large")]
        )

    def _unfinished(self, raw: bytes, start: int, code: str) -> Block:
        block = super()._unfinished(raw, start, code)
        if code == "syntax.last-terminator-missing" and self._x12.terminator in (b"\r", b"\n"):
            # Who ends segments by lines, and the file by its last line, has forgotten nothing.
            return msgspec.structs.replace(block, oddities=block.oddities[1:])
        return block

    def _wrong_length(self, block: Block) -> Block:
        self._window.drop(len(block.raw))
        oddity = Oddity(block.offsets[0], "syntax.binary-length")
        return msgspec.structs.replace(block, oddities=[oddity, *block.oddities])
