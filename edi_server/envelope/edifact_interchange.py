"""One UN/EDIFACT interchange while it is being read: service segments and what they promise."""

from __future__ import annotations

from edi_server.envelope.edifact_headers import (
    Fields,
    PlaceOf,
    check_group_header,
    check_interchange_header,
    group_header,
    interchange_header,
    is_count,
    no_interchange_header,
)
from edi_server.envelope.edifact_message import OpenMessage
from edi_server.envelope.edifact_package import OpenPackage
from edi_server.envelope.interchange import MOST_FINDINGS, InterchangeInProgress, Reaction
from edi_server.envelope.model import (
    GroupClosed,
    GroupOpened,
    InterchangeClosed,
    InterchangeOpened,
)
from edi_server.envelope.remarks import in_order, remark
from edi_server.findings import Place
from edi_server.syntax.edifact import Block, SegmentReader, Start, Window
from edi_server.syntax.separators import as_bytes


class Interchange(InterchangeInProgress):
    """Reads one interchange; `events` runs once, and leaves the window behind the interchange."""

    beginning = "UNH"

    def __init__(self, number: int, start: Start, reader: SegmentReader, window: Window) -> None:
        super().__init__(number, start.offset, reader)
        self._start = start
        self._window = window
        self._header = no_interchange_header(start.dialect)
        self._is_mixed = False
        self._packages = 0
        self._package: OpenPackage | None = None

    @property
    def _is_skipping(self) -> bool:
        return self._package is not None

    def _open(self, block: Block) -> None:
        """The first block: its first segment is UNB, unless messages came without."""
        self._is_open = True
        findings = list(self._start.findings)
        if self._start.tag == "UNB" and block.segments:
            self._header = interchange_header(block.segments[0], self._start.dialect)
            self._reference = self._header.control_reference
            self._next = 1
            findings += check_interchange_header(self._header, self._place(block, 0))
            findings += self._remarks(block, block.end_of(0), findings)
        else:
            findings.append(remark("envelope.unb-missing", Place(offset=self._start.offset), expected="UNB"))
        self._events.append(
            InterchangeOpened(
                number=self._number, header=self._header, offset=self._start.offset, findings=in_order(findings)
            )
        )

    def _arrive(self, block: Block, index: int) -> None:
        super()._arrive(block, index)
        if self._package:
            self._end_package_without_trailer(block.offsets[index])

    # Service segments

    def _reactions(self) -> dict[str, Reaction]:
        return {
            "UNA": self._meet_another,
            "UNB": self._meet_another,
            "UNG": self._begin_group,
            "UNH": self._begin_message,
            "UNT": self._end_message,
            "UNE": self._end_group,
            "UNO": self._begin_package,
            "UNP": self._end_package,
            "UNZ": self._end_interchange,
        }

    def _begin_message(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        self._messages += 1
        self._group_messages += 1
        self._message = OpenMessage(self._messages, block, index, self._reference)
        reference = self._message.header.reference
        if reference in self._message_references:
            self._message.remark_duplicate(block, index)
        self._message_references.add(reference)
        if self._groups and not self._group and not self._is_mixed:
            self._is_mixed = True
            self._note("envelope.messages-outside-group", self._place(block, index)(0, 1), expected="UNG")

    def _end_message(self, block: Block, index: int) -> None:
        if self._message:
            if block.oddities:
                self._message.remark(block, self._oddities(block, block.end_of(index)))
            self._emit(self._message.close(block, index))
            self._next = index + 1
            return
        if self._package:
            return
        is_stray = self._is_astray or index > self._next
        self._arrive(block, index)
        if not is_stray:
            self._misplace(block, index, "UNH before it")

    def _begin_group(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        self._end_group_without_trailer(block.offsets[index])
        if self._messages and not self._groups and not self._is_mixed:
            self._is_mixed = True
            self._note("envelope.messages-outside-group", self._place(block, index)(0, 1), expected="no UNG")
        self._groups += 1
        self._group_messages = 0
        # CONTRL tells messages apart by their group (UCF) and their number in it (UCM).
        self._message_references.clear()
        self._group = group_header(block.segments[index])
        findings = check_group_header(self._group, self._place(block, index))
        self._events.append(GroupOpened(header=self._group, offset=block.offsets[index], findings=in_order(findings)))

    def _end_group(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        if self._group is None:
            self._misplace(block, index, "UNG before it")
            return
        field, place = Fields(block.segments[index]), self._place(block, index)
        findings = []
        if not is_count(field(1), self._group_messages):
            expected = str(self._group_messages)
            findings.append(remark("envelope.une-count", place(1, 1), found=field(1), expected=expected))
        reference = self._group.control_reference
        if field(2).strip() != reference.strip():
            findings.append(remark("envelope.une-reference", place(2, 1), found=field(2), expected=reference))
        self._events.append(GroupClosed(header=self._group, findings=in_order(findings)))
        self._group = None

    def _end_group_without_trailer(self, offset: int) -> None:
        if self._group is None:
            return
        place = Place(interchange=self._reference, offset=offset)
        expected = f"UNE+{self._group_messages}+{self._group.control_reference}"
        finding = remark("envelope.une-missing", place, expected=expected)
        self._events.append(GroupClosed(header=self._group, findings=(finding,)))
        self._group = None

    def _begin_package(self, block: Block, index: int) -> None:
        self._arrive(block, index)
        self._packages += 1
        self._package = OpenPackage(block, index, self._place(block, index)(0, 1))
        self._note("envelope.package-skipped", self._package.place, block.segments[index])
        if self._reader.rewind(block, block.end_of(index)):
            self._package.skip(self._window, as_bytes(self._start.dialect.separators.element))
            self._earlier -= len(block.segments) - self._next
            self._next = len(block.segments)

    def _end_package(self, block: Block, index: int) -> None:
        if self._package is None:
            self._arrive(block, index)
            self._misplace(block, index, "UNO before it")
        else:
            package, findings = self._package.close(block, index, self._place(block, index))
            self._events.append(package)
            self._findings += findings[: max(MOST_FINDINGS - len(self._findings), 0)]
        self._package = None
        self._is_astray = False
        self._next = index + 1
        self._oddities(block, block.end_of(index))

    def _end_package_without_trailer(self, offset: int) -> None:
        if self._package is None:
            return
        self._note("envelope.package-unfinished", self._package.place, expected="UNP")
        self._events.append(self._package.cut_off(offset))
        self._package = None

    # The end of the interchange

    def _close(self, trailer: tuple[Fields, PlaceOf] | None, end: int) -> None:
        if self._message:
            self._emit(self._message.cut_off(None, 0))
        self._end_package_without_trailer(end)
        self._end_group_without_trailer(end)
        if not self._messages and not self._packages:
            self._note("envelope.interchange-empty", Place(interchange=self._reference, offset=end), expected="UNH")
        if trailer:
            self._check_trailer(*trailer)
        elif self._header.segment:
            self._miss_trailer(end)
        self._is_closed = True
        self._events.append(
            InterchangeClosed(
                number=self._number,
                header=self._header,
                messages=self._messages,
                end=end,
                findings=in_order(self._findings),
            )
        )

    def _miss_trailer(self, end: int) -> None:
        expected = f"UNZ+{self._groups or self._messages}+{self._reference}"
        place = Place(interchange=self._reference, offset=end)
        self._findings.append(remark("envelope.unz-missing", place, expected=expected))

    def _check_trailer(self, field: Fields, place: PlaceOf) -> None:
        """UNZ 0036 counts groups, or else messages (packages with them, though some leave them out)."""
        count = self._groups or self._messages
        if not is_count(field(1), count) and not is_count(field(1), count + self._packages):
            finding = remark("envelope.unz-count", place(1, 1), found=field(1), expected=str(count + self._packages))
            self._findings.append(finding)
        reference = self._header.control_reference
        if self._header.segment and field(2).strip() != reference.strip():
            finding = remark("envelope.unz-reference", place(2, 1), found=field(2), expected=reference)
            self._findings.append(finding)
