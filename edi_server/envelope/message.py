"""A message while it is being read, whatever its syntax: it may begin in one block and end in a later one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from edi_server.envelope.edifact_headers import PlaceOf
from edi_server.envelope.edifact_places import findings_of, place_of
from edi_server.envelope.model import MessageHeader, MessageRead, RawMessage
from edi_server.envelope.remarks import in_order, remark
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Block, Oddity
from edi_server.syntax.segment_offsets import Offsets, Run

#: Bytes. Of a message that is larger only the beginning is kept; it takes about six times as much memory.
LARGEST_MESSAGE = 64 * 1024 * 1024


class MessageInProgress(ABC):
    """Gathers the segments of a message that begins at `index` of a block, and what is remarked on them."""

    def __init__(self, number: int, header: MessageHeader, block: Block, index: int, interchange: str | None) -> None:
        self.number = number
        self.header = header
        self.findings: list[Finding] = []
        self._interchange = interchange
        self._separators = block.dialect.separators
        self._offset = block.offsets[index]
        #: Index, in the block at hand, of the first segment that is not kept yet.
        self._first = index
        self._segments: list[str] = []
        self._offsets: list[Run | Sequence[int]] = []
        self._pieces: list[tuple[int, bytes]] = []
        self._released = False
        #: Segments that were only counted, since the message got too large.
        self._dropped = 0
        self._end = self._offset

    def number_of(self, index: int) -> int:
        """Number in the message of the segment at `index` of the block at hand, UNH being 1."""
        return len(self._segments) + self._dropped + index - self._first + 1

    def remark(self, block: Block, oddities: list[Oddity]) -> None:
        """Take note of what the syntax remarked on segments of this message."""
        self.findings += findings_of(
            block,
            oddities,
            self.findings,
            number_of=self.number_of,
            interchange=self._interchange,
            message=self.header.reference,
        )

    def remark_duplicate(self, block: Block, index: int, element: int = 1) -> None:
        """Take note that another message has the same reference, which stands in that element of the header."""
        place = self._place(block, index)(element, 1)
        self.findings.append(remark("envelope.message-reference-duplicate", place, found=self.header.reference))

    def keep(self, block: Block, until: int) -> None:
        """Take over the segments of a block that goes, up to index `until`; the next block's begin at 0."""
        first, self._first = self._first, 0
        if until <= first:
            return
        self._end = block.end_of(until - 1)
        if self._end - self._offset > LARGEST_MESSAGE:
            self._dropped += until - first
            return
        self._segments += block.segments[first:until]
        self._take(block, first, until)
        self._released = self._released or block.has_stand_ins(first, until - 1)

    @abstractmethod
    def close(self, block: Block, last: int) -> MessageRead:
        """The message, ended by its trailer at index `last`."""

    @abstractmethod
    def cut_off(self, block: Block | None, until: int) -> MessageRead:
        """The message without trailer, up to index `until` of the block, exclusive; without block, what was kept."""

    def whole(self, block: Block, last: int) -> MessageRead:
        """The message, ended by its trailer at index `last`."""
        if self._segments:
            self.keep(block, last + 1)
            return self.kept()
        first, self._end = self._first, block.end_of(last)
        self._released = block.has_stand_ins(first, last)
        self._take(block, first, last + 1)
        return self._read(block.segments[first : last + 1])

    def kept(self) -> MessageRead:
        """The message as far as it was kept."""
        return self._read(self._segments)

    def _take(self, block: Block, first: int, until: int) -> None:
        """Take note of where segments of a block stand, the last of them ending before offset `_end`."""
        offsets = block.offsets
        start = offsets[first]
        if isinstance(offsets, Offsets):
            self._offsets.append(offsets.between(first, until, start, self._end))
        else:
            self._offsets.append(offsets[first:until])
        self._pieces.append(_piece(block, start, self._end))

    def miss_trailer(self, code: str, expected: str) -> None:
        """Take note that the message ends without its trailer, behind what was kept."""
        place = Place(interchange=self._interchange, message=self.header.reference, offset=self._end)
        self.findings.append(remark(code, place, expected=expected))

    def _read(self, segments: list[str]) -> MessageRead:
        if self._dropped:
            place = Place(interchange=self._interchange, message=self.header.reference, offset=self._offset)
            self.findings.append(
                remark("envelope.message-too-large", place, expected=f"{LARGEST_MESSAGE} bytes at most")
            )
        return MessageRead(
            number=self.number,
            header=self.header,
            segments=segments,
            offsets=Offsets([*self._offsets, (self._end,)], len(segments) + 1, {0: self._offset, -1: self._end}),
            released=self._released,
            raw=RawMessage(self._pieces),
            separators=self._separators,
            findings=in_order(self.findings),
        )

    def _place(self, block: Block, index: int) -> PlaceOf:
        return place_of(block, index, self.number_of, self._interchange, self.header.reference)


def _piece(block: Block, start: int, end: int) -> tuple[int, bytes]:
    """The bytes of a block from one offset to another, cut out so that the block itself can go."""
    return start, block.dialect.legible(block.raw[start - block.start : end - block.start])
