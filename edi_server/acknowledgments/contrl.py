"""A verdict → CONTRL: one message that says of every level whether it was accepted, and what is wrong where.

Source: ISO 9735 version 3 (CONTRL D:3, also the answer to versions 1 and 2) and ISO 9735-4 (CONTRL 4:1).
Positions: 0096 counts the segments of the message, UNH being 1; 0098 counts the tag as 1, so it is one more than
`Place.element`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edi_server.acknowledgments.error_codes import error_code, fault_of
from edi_server.acknowledgments.verdict import GroupVerdict, MessageVerdict, Verdict, reported
from edi_server.envelope.edifact_writing import close_message
from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader
from edi_server.findings import Finding
from edi_server.syntax.normal import from_text

REJECTED, ACKNOWLEDGED = "4", "7"
#: Repetitions of the segment groups (ISO 9735 segment table of CONTRL): UCS under a UCM, UCD under a UCS.
MAX_SEGMENTS = 999
MAX_ELEMENTS = 99


def write_contrl(
    verdict: Verdict, *, message_reference: str, association: str = "", report_warnings: bool = False
) -> list[str]:
    """The CONTRL message about an interchange, UNH to UNT in normal form.

    `message_reference` is its UNH 0062; `association` goes to UNH 0057; `report_warnings` reports warnings too, under
    messages that are acknowledged. Raises ValueError if the verdict has an `obstacle`.
    """
    if verdict.obstacle:
        raise ValueError(verdict.obstacle)
    header = contrl_header(verdict.subject.header, message_reference, association)
    return close_message(header, list(_Report(verdict.subject.header, warnings=report_warnings).body(verdict)))


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


def answer_header(subject: InterchangeHeader, *, control_reference: str, date: str, time: str) -> InterchangeHeader:
    """UNB of the interchange that carries the CONTRL: sender and recipient change places, as the partner wrote them.

    Syntax, character set and test indicator are those of the interchange that is answered; an acknowledgment is never
    asked for. `date` (YYMMDD; CCYYMMDD in syntax version 4) and `time` (HHMM) are the caller's.
    """
    version = subject.syntax_version if subject.syntax_version in ("1", "2", "3", "4") else "3"
    return InterchangeHeader(
        syntax="edifact",
        charset=subject.charset,
        syntax_version=version,
        sender=subject.recipient,
        recipient=subject.sender,
        date=date,
        time=time,
        control_reference=control_reference,
        test=subject.test,
    )


class _Report:
    """Writes the segments of one CONTRL."""

    def __init__(self, subject: InterchangeHeader, *, warnings: bool) -> None:
        self._subject = subject
        self._version_4 = subject.syntax_version == "4"
        self._warnings = warnings

    def body(self, verdict: Verdict) -> Iterator[str]:
        """UCI; below it the messages, then the groups, unless all of it is rejected at once."""
        subject = self._subject
        yield _segment(
            "UCI",
            from_text(subject.control_reference),
            _identity(subject.sender),
            _identity(subject.recipient),
            *self._decision(verdict.rejected, verdict.cause, verdict.subject.findings),
        )
        if not verdict.rejected:
            for message in verdict.messages:
                yield from self._message(message)
            for group in verdict.groups:
                yield from self._group(group)

    def _group(self, group: GroupVerdict) -> Iterator[str]:
        header = group.subject.header
        yield _segment(
            "UCF",
            from_text(header.control_reference),
            _identity(header.sender),
            _identity(header.recipient),
            *self._decision(group.rejected, group.cause, group.subject.findings),
        )
        if not group.rejected:
            for message in group.messages:
                yield from self._message(message)

    def _message(self, message: MessageVerdict) -> Iterator[str]:
        """UCM with what is wrong with UNH and UNT; UCS and UCD for the segments between."""
        header, rejected = message.subject.header, message.outcome == "rejected"
        findings = reported(message.subject.findings, warnings=self._warnings)
        own = [finding for finding in findings if not _is_within(finding)]
        errors = [finding for finding in own if finding.severity == "error"]
        yield _segment(
            "UCM",
            from_text(header.reference),
            self._identifier(header),
            REJECTED if rejected else ACKNOWLEDGED,
            *self._fault(next(iter(errors or own), None)),
        )
        yield from self._segments([finding for finding in findings if _is_within(finding)])

    def _identifier(self, header: MessageHeader) -> str:
        """S009 as the partner wrote it; in version 4 left out where it is not whole, as it may be there."""
        parts = [header.type, header.version, header.release, header.agency, header.association]
        return "" if self._version_4 and not all(parts[:4]) else _composite(parts)

    def _segments(self, findings: Sequence[Finding]) -> Iterator[str]:
        """UCS for each segment; a fault of the whole segment and those of its elements stand in UCS of their own."""
        by_segment: dict[tuple[int, int], list[Finding]] = {}
        for count, finding in enumerate(findings):
            whole = count if finding.place.element is None else -1
            by_segment.setdefault((finding.place.segment or 0, whole), []).append(finding)
        for position, whole in sorted(by_segment)[:MAX_SEGMENTS]:
            about = by_segment[position, whole]
            yield _segment("UCS", _limited(position, 6), self._code(about[0]) if whole >= 0 else "")
            if whole < 0:
                yield from (_segment("UCD", self._code(one), self._element(one)) for one in about[:MAX_ELEMENTS])

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
        return _position(place.element, place.component, place.repetition if self._version_4 else None)


_SERVICE_SEGMENTS = frozenset({"UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"})


def _is_within(finding: Finding) -> bool:
    """True for what UCS reports; UNH and UNT belong to UCM, and so does what has no segment."""
    return finding.place.segment is not None and finding.place.tag not in ("UNH", "UNT")


def _position(element: int | None, component: int | None, repetition: int | None = None) -> str:
    """S011: 0098, 0104 and (version 4) 0136; empty without an element."""
    if element is None:
        return ""
    return _composite([_limited(element + 1, 3), _limited(component, 3), _limited(repetition, 6)])


def _limited(position: int | None, digits: int) -> str:
    """A position in the digits that its element has: what is further behind cannot be said better."""
    return str(min(position, 10**digits - 1)) if position else ""


def _identity(identity: Identity | None) -> str:
    return _composite([identity.id, identity.qualifier, identity.routing]) if identity else ""


def _composite(parts: Sequence[str]) -> str:
    return ":".join(from_text(part) for part in parts).rstrip(":")


def _segment(*elements: str) -> str:
    return "+".join(elements).rstrip("+")
