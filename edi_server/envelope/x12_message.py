"""One X12 message (transaction set) while it is being read: what ST and SE promise."""

from __future__ import annotations

from edi_server.envelope.edifact_headers import Fields, is_count
from edi_server.envelope.message import MessageInProgress
from edi_server.envelope.model import GroupHeader, MessageHeader, MessageRead
from edi_server.envelope.remarks import remark
from edi_server.envelope.x12_groups import expected_group
from edi_server.envelope.x12_headers import check_st, x12_message_header
from edi_server.syntax.edifact_dialect import Block
from edi_server.syntax.x12_dialect import as_sent


class X12Message(MessageInProgress):
    """From ST on, until it is closed."""

    def __init__(
        self, number: int, block: Block, index: int, interchange: str | None, group: GroupHeader | None
    ) -> None:
        header = x12_message_header(block.segments[index], group)
        super().__init__(number, header, block, index, interchange)
        if not (header.type and header.reference):
            self.findings += check_st(header, self._place(block, index))
        right = expected_group(group.message_type, header.type) if group else ""
        if right:
            place = self._place(block, index)(1, 1)
            found = f"{header.type} in {group.message_type}" if group else header.type
            self.findings.append(remark("envelope.group-type", place, found=found, expected=right))

    def close(self, block: Block, last: int) -> MessageRead:
        """The message, ended by SE at index `last`."""
        if block.segments[last] != f"SE+{self.number_of(last)}+{self.header.reference}":
            self._check_trailer(block, last)
        return self.whole(block, last)

    def cut_off(self, block: Block | None, until: int) -> MessageRead:
        """The message without SE, up to index `until` of the block, exclusive; without block, what was kept."""
        if block is not None:
            self.keep(block, until)
        expected = as_sent(f"SE+{self.number_of(0)}+{self.header.reference}", self._separators)
        self.miss_trailer("envelope.se-missing", expected)
        return self.kept()

    def _check_trailer(self, block: Block, last: int) -> None:
        """SE01 counts the segments, ST and SE included; SE02 repeats ST02."""
        field, place = Fields(block.segments[last]), self._place(block, last)
        expected = self.number_of(last)
        if not is_count(field(1), expected):
            self.findings.append(remark("envelope.se-count", place(1, 1), found=field(1), expected=str(expected)))
        if field(2).strip() != self.header.reference:
            finding = remark("envelope.se-reference", place(2, 1), found=field(2), expected=self.header.reference)
            self.findings.append(finding)


class Ta1(MessageInProgress):
    """An interchange acknowledgment (TA1): a segment that is a message of its own (X12.5 section 3.3)."""

    def __init__(self, number: int, block: Block, index: int, interchange: str | None) -> None:
        header = MessageHeader(type="TA1", segment=block.segments[index])
        super().__init__(number, header, block, index, interchange)

    def close(self, block: Block, last: int) -> MessageRead:
        """The message, which begins and ends with its one segment."""
        return self.whole(block, last)

    def cut_off(self, block: Block | None, until: int) -> MessageRead:
        """The same, kept."""
        if block is not None:
            self.keep(block, until)
        return self.kept()
