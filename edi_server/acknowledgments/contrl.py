"""A verdict → CONTRL: one message that says of every level whether it was accepted, and what is wrong where.

Source: ISO 9735 version 3 (CONTRL D:3, also the answer to versions 1 and 2) and ISO 9735-4 (CONTRL 4:1).
Positions: 0096 counts the segments of the message, UNH being 1; 0098 counts the tag as 1, so it is one more than
`Place.element`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from edi_server.acknowledgments.answering import is_answered
from edi_server.acknowledgments.error_codes import error_code, fault_of
from edi_server.acknowledgments.pieces import by_segment, component_of, composite, identity, limited, segment
from edi_server.acknowledgments.verdict import GroupVerdict, MessageVerdict, Verdict, reported
from edi_server.envelope.edifact_writing import close_message
from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader
from edi_server.findings import Finding
from edi_server.syntax.normal import from_text

#: 0083. 4: this level and all below it is rejected; 7: this level is acknowledged, the next one says for itself;
#: 8: received, and nothing said about what is in it.
REJECTED, ACKNOWLEDGED, RECEIVED = "4", "7", "8"
#: Repetitions of the segment groups (ISO 9735 segment table of CONTRL): UCS under a UCM, UCD under a UCS.
MAX_SEGMENTS = 999
MAX_ELEMENTS = 99


def write_contrl(
    verdict: Verdict,
    *,
    message_reference: str,
    association: str = "",
    report_warnings: bool = False,
    receipt_only: bool = False,
) -> list[str]:
    """The CONTRL message about an interchange, UNH to UNT in normal form.

    `message_reference` is its UNH 0062; `association` goes to UNH 0057; `report_warnings` reports warnings too, under
    messages that are acknowledged. `receipt_only` says that the interchange came (0083 = 8) and nothing about what is
    in it, unless its own header or trailer is wrong. Acknowledgments in the interchange are not acknowledged. Where it
    is refused because of one message, UCI is rejected and that message alone has errors below it (0083 = 4: errors are
    reported at this level or a lower one). Raises ValueError if the verdict has an `obstacle`.
    """
    if verdict.obstacle:
        raise ValueError(verdict.obstacle)
    header = contrl_header(verdict.subject.header, message_reference, association)
    report = _Report(verdict.subject.header, warnings=report_warnings)
    return close_message(header, list(report.body(verdict, receipt_only=receipt_only)))


def contrl_header(subject: InterchangeHeader, message_reference: str, association: str = "") -> MessageHeader:
    """UNH of the CONTRL that answers an interchange: CONTRL:4:1:UN for syntax version 4, CONTRL:D:3:UN before."""
    version, release = ("4", "1") if subject.syntax_version == "4" else ("D", "3")
    return MessageHeader(
        reference=message_reference,
        type="CONTRL",
        version=version,
        release=release,
        agency="UN",
        association=association,
    )


class _Report:
    """Writes the segments of one CONTRL."""

    def __init__(self, subject: InterchangeHeader, *, warnings: bool) -> None:
        self._subject = subject
        self._version_4 = subject.syntax_version == "4"
        self._warnings = warnings

    def body(self, verdict: Verdict, *, receipt_only: bool) -> Iterator[str]:
        """UCI; below it the messages, then the groups, unless all of it is rejected at once."""
        subject = self._subject
        yield segment(
            "UCI",
            from_text(subject.control_reference),
            identity(subject.sender),
            identity(subject.recipient),
            *self._of_interchange(verdict, receipt_only=receipt_only),
        )
        if receipt_only or verdict.rejected:
            return
        for message in _named(verdict, verdict.messages):
            yield from self._message(message)
        for group in verdict.groups:
            if not verdict.suspended or group.has_own_error:
                yield from self._group(verdict, group)

    def _of_interchange(self, verdict: Verdict, *, receipt_only: bool) -> list[str]:
        if receipt_only and not verdict.rejected:
            return [RECEIVED]
        return self._decision(verdict.rejected or verdict.suspended, verdict.cause, verdict.subject.findings)

    def _group(self, verdict: Verdict, group: GroupVerdict) -> Iterator[str]:
        header = group.subject.header
        yield segment(
            "UCF",
            from_text(header.control_reference),
            _party(header.sender),
            _party(header.recipient),
            *self._decision(group.rejected or verdict.suspended, group.cause, group.subject.findings),
        )
        if not group.rejected:
            for message in _named(verdict, group.messages):
                yield from self._message(message)

    def _message(self, message: MessageVerdict) -> Iterator[str]:
        """UCM with what is wrong with UNH and UNT; UCS and UCD for the segments between."""
        header, rejected = message.subject.header, message.outcome == "rejected"
        findings = reported(message.subject.findings, warnings=self._warnings)
        own = [finding for finding in findings if not _is_within(finding)]
        errors = [finding for finding in own if finding.severity == "error"]
        yield segment(
            "UCM",
            from_text(header.reference),
            composite([header.type, header.version, header.release, header.agency, header.association]),
            REJECTED if rejected else ACKNOWLEDGED,
            *self._fault(next(iter(errors or own), None)),
        )
        yield from self._segments([finding for finding in findings if _is_within(finding)])

    def _segments(self, findings: Sequence[Finding]) -> Iterator[str]:
        """UCS for each segment; a fault of the whole segment and those of its elements stand in UCS of their own."""
        for position, is_whole, about in islice(by_segment(findings), MAX_SEGMENTS):
            yield segment("UCS", limited(position, 6), self._code(about[0]) if is_whole else "")
            if not is_whole:
                yield from (segment("UCD", self._code(one), self._element(one)) for one in about[:MAX_ELEMENTS])

    def _decision(self, rejected: bool, cause: Finding | None, findings: Sequence[Finding]) -> list[str]:
        """0083 of a level that is not a message, and what is wrong with it."""
        if rejected:
            return [REJECTED, *self._fault(cause)]
        warned = reported(findings, warnings=True) if self._warnings else []
        return [ACKNOWLEDGED, *self._fault(next(iter(warned), None))]

    def _fault(self, finding: Finding | None) -> list[str]:
        """0085, 0013 or 0135, S011."""
        if finding is None:
            return []
        fault = fault_of(finding)
        assert fault is not None
        tag = finding.place.tag if finding.place.tag in _SERVICE_SEGMENTS else fault.tag
        if not tag or (tag == "UNA" and self._version_4):  # list 0135 of version 4 does not have UNA
            return [self._code(finding)]
        return [self._code(finding), tag, self._element(finding) or _position(fault.element, fault.component)]

    def _code(self, finding: Finding) -> str:
        fault = fault_of(finding)
        assert fault is not None
        return error_code(fault, self._subject.syntax_version)

    def _element(self, finding: Finding) -> str:
        place = finding.place
        return _position(place.element, component_of(place), place.repetition if self._version_4 else None)


_SERVICE_SEGMENTS = frozenset({"UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"})


def _is_within(finding: Finding) -> bool:
    """True for what UCS reports; UNH and UNT belong to UCM, and so does what has no segment."""
    return finding.place.segment is not None and finding.place.tag not in ("UNH", "UNT")


def _position(element: int | None, component: int | None, repetition: int | None = None) -> str:
    """S011: 0098, 0104 and (version 4) 0136; empty without an element."""
    if element is None:
        return ""
    return composite([limited(element + 1, 3), limited(component, 3), limited(repetition, 6)])


def _party(party: Identity | None) -> str:
    """S006 and S007: a group has no routing."""
    return composite([party.id, party.qualifier]) if party else ""


def _named(verdict: Verdict, messages: Sequence[MessageVerdict]) -> Iterator[MessageVerdict]:
    """The messages that have an UCM of their own."""
    for message in messages:
        if is_answered(message.subject.header.type) and (not verdict.suspended or message.has_own_error):
            yield message
