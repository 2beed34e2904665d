"""An interchange while it is being read, whatever its syntax: a walk over the service segments of its blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import ClassVar

from edi_server.envelope.edifact_headers import Fields, PlaceOf
from edi_server.envelope.edifact_places import findings_of, place_of
from edi_server.envelope.message import MessageInProgress
from edi_server.envelope.model import Event, GroupHeader, MessageRead
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Block, Oddity, SegmentReader

#: More findings than this about one interchange help nobody; those about its messages and its trailer come on top.
MOST_FINDINGS = 1000
_OFFSET = attrgetter("offset")
#: What a service segment does: the block and the segment's index in it.
Reaction = Callable[[Block, int], None]


class InterchangeInProgress(ABC):
    """Reads one interchange; `events` runs once, and leaves the window behind the interchange."""

    #: Tag that begins a message.
    beginning: ClassVar[str]

    def __init__(self, number: int, offset: int, reader: SegmentReader) -> None:
        self._number = number
        self._reader = reader
        self._reference: str | None = None
        self._findings: list[Finding] = []
        self._events: list[Event] = []
        self._is_open = False
        self._is_closed = False
        self._end = offset
        self._message: MessageInProgress | None = None
        self._messages = 0
        self._message_references: set[str] = set()
        self._group: GroupHeader | None = None
        self._groups = 0
        self._group_messages = 0
        #: True while segments pass that belong to no message.
        self._is_astray = False
        #: Segments of this interchange in earlier blocks.
        self._earlier = 0
        #: In the block at hand: index of the first segment and of the first oddity that are not dealt with.
        self._next = 0
        self._next_oddity = 0

    def events(self) -> Iterator[Event]:
        """From InterchangeOpened to InterchangeClosed."""
        reactions = self._reactions()
        for block in self._reader:
            self._next = self._next_oddity = 0
            if not self._is_open:
                self._open(block)
            for index in block.services:
                segment = block.segments[index]
                react = reactions.get(segment[:3].rstrip("+"))
                if react and index >= self._next and (segment[2:3] == "+" or not segment[3:4].isalnum()):
                    react(block, index)
                if self._events:
                    yield from self._drain()
                if self._is_closed:
                    return
                if self._next > index + 1:
                    break
            self._leave(block)
        self._close(None, self._end)
        yield from self._drain()

    def _drain(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _number_of(self, index: int) -> int:
        return self._earlier + index + 1

    def _place(self, block: Block, index: int) -> PlaceOf:
        return place_of(block, index, self._number_of, self._reference)

    def _note(self, code: str, place: Place, found: str | None = None, expected: str | None = None) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(remark(code, place, found=found, expected=expected))

    @abstractmethod
    def _reactions(self) -> dict[str, Reaction]:
        """What each service segment does, by its tag (of two or three characters)."""

    @abstractmethod
    def _open(self, block: Block) -> None:
        """The first block begins with the header, unless messages came without."""

    @abstractmethod
    def _close(self, trailer: tuple[Fields, PlaceOf] | None, end: int) -> None:
        """The interchange ends before offset `end`, by its trailer segment or without."""

    @property
    def _is_skipping(self) -> bool:
        """True while segments pass that are not to be read."""
        return False

    def _leave(self, block: Block) -> None:
        """All service segments of the block are dealt with; what is left belongs to what is open."""
        count = len(block.segments)
        if self._message:
            if block.oddities:
                self._message.remark(block, self._oddities(block, block.end))
            self._message.keep(block, count)
        else:
            self._pass(block, count)
        self._end = block.end
        self._earlier += count

    def _oddities(self, block: Block, end: int) -> list[Oddity]:
        """The oddities before the offset `end` that were not dealt with."""
        first = self._next_oddity
        self._next_oddity = bisect_left(block.oddities, end, first, key=_OFFSET)
        return block.oddities[first : self._next_oddity]

    def _remarks(self, block: Block, end: int, known: list[Finding]) -> list[Finding]:
        oddities = self._oddities(block, end)
        return findings_of(block, oddities, known, number_of=self._number_of, interchange=self._reference)

    def _pass(self, block: Block, until: int) -> None:
        """Segments outside messages: each run of them is one finding, except where they are skipped."""
        if until > self._next and not self._is_astray and not self._is_skipping:
            self._is_astray = True
            place = self._place(block, self._next)(0, 1)
            self._note("envelope.segment-outside-message", place, self._written(block, self._next), self.beginning)
        end = block.offsets[until] if until < len(block.offsets) else block.end
        if self._is_skipping:
            self._oddities(block, end)
        elif block.oddities:
            self._findings += self._remarks(block, end, self._findings)
        self._next = max(self._next, until)

    def _arrive(self, block: Block, index: int) -> None:
        """A service segment that ends whatever message is open."""
        if self._message:
            if block.oddities:
                self._message.remark(block, self._oddities(block, block.offsets[index]))
            self._emit(self._message.cut_off(block, index))
        elif index > self._next or block.oddities:
            self._pass(block, index)
        self._is_astray = False
        self._next = index + 1

    def _end_interchange(self, block: Block, index: int) -> None:
        """The trailer: this interchange ends behind it."""
        self._arrive(block, index)
        self._reader.rewind(block, block.end_of(index))
        self._findings += self._remarks(block, block.end_of(index), self._findings)
        self._close((Fields(block.segments[index]), self._place(block, index)), block.end_of(index))

    def _meet_another(self, block: Block, index: int) -> None:
        """The header of the next interchange: this one has no trailer."""
        self._arrive(block, index)
        offset = block.offsets[index]
        self._reader.rewind(block, offset)
        self._close(None, offset)

    def _emit(self, message: MessageRead) -> None:
        self._events.append(message)
        self._message = None

    def _misplace(self, block: Block, index: int, expected: str) -> None:
        self._note("envelope.segment-misplaced", self._place(block, index)(0, 1), self._written(block, index), expected)

    def _written(self, block: Block, index: int) -> str:
        """A segment as it is shown to people."""
        return block.segments[index]
