"""One X12 interchange while it is being read: control segments and what they promise."""

from __future__ import annotations

from edi_server.envelope.edifact_headers import Fields, PlaceOf, is_count
from edi_server.envelope.interchange import InterchangeInProgress, Reaction
from edi_server.envelope.model import GroupClosed, GroupOpened, InterchangeClosed, InterchangeOpened
from edi_server.envelope.remarks import in_order, remark
from edi_server.envelope.x12_headers import (
    check_gs,
    check_isa,
    no_interchange_header,
    x12_group_header,
    x12_interchange_header,
)
from edi_server.envelope.x12_message import Ta1, X12Message
from edi_server.findings import Place
from edi_server.syntax.edifact_dialect import Block
from edi_server.syntax.remarks import remark as syntax_remark
from edi_server.syntax.x12 import X12Reader, X12Start
from edi_server.syntax.x12_dialect import SECURITY, as_sent


class X12Interchange(InterchangeInProgress):
    """Reads one interchange; `events` runs once, and leaves the window behind the interchange."""

    beginning = "ST"

    def __init__(self, number: int, start: X12Start, reader: X12Reader, code_page: str = "") -> None:
        super().__init__(number, start.offset, reader)
        self._start = start
        self._code_page = code_page
        self._header = no_interchange_header(start.announced.separators, code_page)
        self._group_references: set[str] = set()
        self._acknowledgments = 0
        self._is_ungrouped = start.tag == "ST"

    # The block as a whole

    def _open(self, block: Block) -> None:
        """The first block: its first segment is ISA, unless groups or messages came without."""
        self._is_open = True
        start = self._start
        findings = list(start.findings)
        if self._code_page:
            findings.append(syntax_remark("syntax.ebcdic", Place(offset=start.offset), found=self._code_page))
        if start.tag == "ISA" and block.segments:
            self._header = x12_interchange_header(block.segments[0], start.announced, self._code_page)
            self._reference = self._header.control_reference
            self._next = 1
            findings += check_isa(self._header, start.announced, self._place(block, 0))
            findings += self._remarks(block, block.end_of(0), findings)
        else:
            findings.append(remark("envelope.isa-missing", Place(offset=start.offset), found=start.tag, expected="ISA"))
        opened = InterchangeOpened(
            number=self._number, header=self._header, offset=start.offset, findings=in_order(findings)
        )
        self._events.append(opened)

    # Control segments

    def _reactions(self) -> dict[str, Reaction]:
        return {
            **dict.fromkeys(SECURITY, self._let_pass),
            "ISA": self._meet_another,
            "TA1": self._acknowledge,
            "GS": self._begin_group,
            "ST": self._begin_message,
            "SE": self._end_message,
            "GE": self._end_group,
            "IEA": self._end_interchange,
        }

    def _begin_message(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        self._messages += 1
        self._group_messages += 1
        message = X12Message(self._messages, block, index, self._reference, self._group)
        self._message = message
        if message.header.reference in self._message_references:
            message.remark_duplicate(block, index, 2)
        self._message_references.add(message.header.reference)
        if self._group is None and not self._is_ungrouped:
            self._is_ungrouped = True
            self._note("envelope.gs-missing", self._place(block, index)(0, 1), self._written(block, index), "GS")

    def _end_message(self, block: Block, index: int) -> None:
        if self._message:
            if block.oddities:
                self._message.remark(block, self._oddities(block, block.end_of(index)))
            self._emit(self._message.close(block, index))
            self._next = index + 1
            return
        is_stray = self._is_astray or index > self._next
        self._arrive(block, index)
        if not is_stray:
            self._misplace(block, index, "ST before it")

    def _acknowledge(self, block: Block, index: int) -> None:
        """TA1, between ISA and the first GS; only there it is one."""
        if self._message:
            return
        self._arrive(block, index)
        self._messages += 1
        self._acknowledgments += 1
        acknowledgment = Ta1(self._messages, block, index, self._reference)
        if block.oddities:
            acknowledgment.remark(block, self._oddities(block, block.end_of(index)))
        self._events.append(acknowledgment.close(block, index))
        if self._group or self._groups:
            self._misplace(block, index, "TA1 before the first GS")

    def _let_pass(self, block: Block, index: int) -> None:
        """Security of an interchange or group; that of a message belongs to it."""
        if not self._message:
            self._arrive(block, index)

    def _begin_group(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        self._end_group_without_trailer(block.offsets[index])
        self._groups += 1
        self._group_messages = 0
        self._message_references.clear()
        self._group = x12_group_header(block.segments[index])
        place = self._place(block, index)
        findings = check_gs(self._group, place)
        reference = self._group.control_reference
        if reference in self._group_references:
            findings.append(remark("envelope.group-reference-duplicate", place(6, 1), found=reference))
        self._group_references.add(reference)
        self._events.append(GroupOpened(header=self._group, offset=block.offsets[index], findings=in_order(findings)))

    def _end_group(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        if self._group is None:
            self._misplace(block, index, "GS before it")
            return
        field, place = Fields(block.segments[index]), self._place(block, index)
        findings = []
        if not is_count(field(1), self._group_messages):
            expected = str(self._group_messages)
            findings.append(remark("envelope.ge-count", place(1, 1), found=field(1), expected=expected))
        reference = self._group.control_reference
        if not is_same_number(field(2), reference):
            findings.append(remark("envelope.ge-reference", place(2, 1), found=field(2), expected=reference))
        if not self._group_messages:
            findings.append(remark("envelope.group-empty", place(0, 1), expected="ST"))
        self._events.append(GroupClosed(header=self._group, findings=in_order(findings)))
        self._group = None

    def _end_group_without_trailer(self, offset: int) -> None:
        if self._group is None:
            return
        place = Place(interchange=self._reference, offset=offset)
        expected = as_sent(f"GE+{self._group_messages}+{self._group.control_reference}", self._header.separators)
        finding = remark("envelope.ge-missing", place, expected=expected)
        self._events.append(GroupClosed(header=self._group, findings=(finding,)))
        self._group = None

    # The end of the interchange

    def _close(self, trailer: tuple[Fields, PlaceOf] | None, end: int) -> None:
        if self._message:
            self._emit(self._message.cut_off(None, 0))
        self._end_group_without_trailer(end)
        if not self._messages and not self._groups:
            self._note("envelope.interchange-empty", Place(interchange=self._reference, offset=end), expected="GS")
        if trailer:
            self._check_trailer(*trailer)
        elif self._header.segment:
            place = Place(interchange=self._reference, offset=end)
            expected = as_sent(f"IEA+{self._groups}+{self._reference}", self._header.separators)
            self._findings.append(remark("envelope.iea-missing", place, expected=expected))
        self._is_closed = True
        closed = InterchangeClosed(
            number=self._number,
            header=self._header,
            messages=self._messages,
            end=end,
            findings=in_order(self._findings),
        )
        self._events.append(closed)

    def _written(self, block: Block, index: int) -> str:
        return as_sent(block.segments[index], self._header.separators)

    def _check_trailer(self, field: Fields, place: PlaceOf) -> None:
        """IEA01 counts the groups, IEA02 repeats ISA13."""
        if not is_count(field(1), self._groups):
            finding = remark("envelope.iea-count", place(1, 1), found=field(1), expected=str(self._groups))
            self._findings.append(finding)
        reference = self._header.control_reference
        if reference and not is_same_number(field(2), reference):
            finding = remark("envelope.iea-reference", place(2, 1), found=field(2), expected=reference)
            self._findings.append(finding)


def is_same_number(one: str, other: str) -> bool:
    """True if both are the same control number; being numbers (N0), leading zeros do not count (X12.6 3.5.1.1)."""
    one, other = one.strip(), other.strip()
    return one == other or (one.isdecimal() and other.isdecimal() and one.lstrip("0") == other.lstrip("0"))
