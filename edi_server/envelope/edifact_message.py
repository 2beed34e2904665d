"""One UN/EDIFACT message while it is being read: what UNH and UNT promise."""

from __future__ import annotations

import msgspec

from edi_server.envelope.edifact_headers import (
    Fields,
    check_message_header,
    is_count,
    message_header,
    with_version,
)
from edi_server.envelope.message import MessageInProgress
from edi_server.envelope.model import MessageRead
from edi_server.envelope.remarks import remark
from edi_server.syntax.edifact import Block, Oddity


class OpenMessage(MessageInProgress):
    """From UNH on, until it is closed."""

    #: True if version or release are spelled unusually; what guides are asked about is then what was meant.
    _is_mended = False

    def __init__(self, number: int, block: Block, index: int, interchange: str | None) -> None:
        header = message_header(block.segments[index])
        super().__init__(number, header, block, index, interchange)
        is_complete = header.reference and header.type and header.version and header.release and header.agency
        if not (is_complete and f":{header.version}:{header.release}:" in header.segment):
            self.findings += check_message_header(header, self._place(block, index))
            self._is_mended = any(finding.code == "envelope.unh-version" for finding in self.findings)

    def close(self, block: Block, last: int) -> MessageRead:
        """The message, ended by UNT at index `last`."""
        if block.segments[last] != f"UNT+{self.number_of(last)}+{self.header.reference}":
            self._check_trailer(block, last)
        if not self._segments and block.dialect.level:
            self._check_level(block, last + 1)
        return self._mended(self.whole(block, last))

    def keep(self, block: Block, until: int) -> None:
        """Take over the segments of a block that goes, up to index `until`."""
        if until > self._first and block.dialect.level:
            self._check_level(block, until)
        super().keep(block, until)

    def cut_off(self, block: Block | None, until: int) -> MessageRead:
        """The message without UNT, up to index `until` of the block, exclusive; without block, what was kept."""
        if block is not None:
            self.keep(block, until)
        self.miss_trailer("envelope.unt-missing", f"UNT+{self.number_of(0)}+{self.header.reference}")
        return self._mended(self.kept())

    def _check_level(self, block: Block, until: int) -> None:
        """Remark on the first character that level A or B has not (ISO 9735 version 2, section 5)."""
        start, end = block.offsets[self._first] - block.start, block.end_of(until - 1) - block.start
        outside = block.raw[start:end].translate(None, block.dialect.level)
        if outside:
            at = block.start + block.raw.find(outside[:1], start, end)
            self.remark(block, [Oddity(at, "syntax.level-exceeded")])

    def _mended(self, message: MessageRead) -> MessageRead:
        if not self._is_mended:
            return message
        segment = with_version(message.segments[0], self.header.version, self.header.release)
        return msgspec.structs.replace(message, segments=[segment, *message.segments[1:]])

    def _check_trailer(self, block: Block, last: int) -> None:
        """UNT 0074 counts the segments, UNH and UNT included; 0062 repeats UNH's."""
        field, place = Fields(block.segments[last]), self._place(block, last)
        count, reference = field(1), field(2)
        expected = self.number_of(last)
        if not is_count(count, expected):
            self.findings.append(remark("envelope.unt-count", place(1, 1), found=count, expected=str(expected)))
        if reference.strip() != self.header.reference.strip():
            finding = remark("envelope.unt-reference", place(2, 1), found=reference, expected=self.header.reference)
            self.findings.append(finding)
