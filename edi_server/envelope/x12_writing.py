"""X12 envelopes written: control segments around bodies, with counts and control numbers.

Pure functions; control numbers and times are the caller's. Source: X12.5 section 3.2, X12.22.
"""

from __future__ import annotations

from collections.abc import Sequence

from edi_server.envelope.edifact_headers import Fields
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax.normal import from_text
from edi_server.syntax.x12_isa import FIRST_WITH_REPETITION, WIDTHS
from edi_server.syntax.x12_writing import Repertoire, write_x12_segments

#: A group with its messages, each as `close_message` makes it.
Group = tuple[GroupHeader, Sequence[Sequence[str]]]
_FIRST_WITH_CONVENTION = "005010"
#: ISA11 of versions that have no repetition separator: U.S. EDI community of ASC X12.
_STANDARD = "U"


def close_message(header: MessageHeader, body: Sequence[str]) -> list[str]:
    """A message in normal form: ST from `header`, the body's segments, SE with their count.

    ST03 (the implementation convention, such as 005010X231A1) is written where `header.segment` has one; or where there
    is no such segment, the association is that of a convention (X…), and the version has ST03, as it is from 005010 on.
    """
    reference = from_text(header.reference)
    convention = Fields(header.segment)(3)
    if not header.segment and header.association.startswith("X") and header.version >= _FIRST_WITH_CONVENTION:
        convention = header.version + header.association
    opening = f"ST+{from_text(header.type)}+{reference}" + (f"+{from_text(convention)}" if convention else "")
    return [opening, *body, f"SE+{len(body) + 2}+{reference}"]


def close_group(header: GroupHeader, messages: Sequence[Sequence[str]]) -> list[str]:
    """A functional group in normal form: GS from `header`, the messages, GE with their count.

    A TA1 belongs to no group: give it to `close_interchange` as a group of its own. `header.segment` is not looked at.
    """
    reference = from_text(header.control_reference)
    elements = [
        "GS",
        from_text(header.message_type),
        _code(header.sender),
        _code(header.recipient),
        from_text(header.date),
        from_text(header.time),
        reference,
        from_text(header.agency),
        from_text(header.version),
    ]
    segments = [segment for message in messages for segment in message]
    return ["+".join(elements), *segments, f"GE+{len(messages)}+{reference}"]


def close_interchange(header: InterchangeHeader, groups: Sequence[Sequence[str]]) -> list[str]:
    """An interchange in normal form: ISA from `header`, filled up to its length, the groups, IEA with their count.

    What belongs to no group (TA1) may stand among the groups; it is not counted. Authorization and security (ISA01 to
    ISA04) are taken from `header.segment` where it is an ISA, and are empty otherwise. What is too long for its place
    is cut; `wrap_x12` says so.
    """
    segments = [segment for group in groups for segment in group]
    count = sum(1 for group in groups if group and group[0].startswith("GS+"))
    values = [_fitted(value, width) for value, width in zip(_isa(header), WIDTHS, strict=True)]
    return ["+".join(["ISA", *values]), *segments, f"IEA+{count}+{values[12]}"]


def wrap_x12(
    header: InterchangeHeader,
    groups: Sequence[Group],
    *,
    acknowledgments: Sequence[str] = (),
    line_breaks: bool = False,
    repertoire: Repertoire = "extended",
) -> tuple[bytes, list[Finding]]:
    """The bytes of an interchange of groups of messages made by `close_message`, TA1 segments in front of them.

    See `write_x12_segments` for findings and errors. The separators are those of the header, whatever the data; see
    `free_separators`.
    """
    closed = [[segment] for segment in acknowledgments] + [close_group(*group) for group in groups]
    segments = close_interchange(header, closed)
    content, findings = write_x12_segments(segments, header.separators, repertoire, line_breaks=line_breaks)
    return content, [*_misfits(header), *findings]


def _isa(header: InterchangeHeader) -> list[str]:
    """ISA01 to ISA16, in normal form."""
    field = Fields(header.segment if header.segment.startswith("ISA+") else "")
    number = header.control_reference
    return [
        from_text(field(1)) or "00",
        from_text(field(2)),
        from_text(field(3)) or "00",
        from_text(field(4)),
        from_text(header.sender.qualifier),
        from_text(header.sender.id),
        from_text(header.recipient.qualifier),
        from_text(header.recipient.id),
        from_text(header.date),
        from_text(header.time),
        "*" if header.separators.repetition != " " else _isa11(header, field(11)),
        from_text(header.syntax_version),
        from_text(number.zfill(WIDTHS[12]) if number.isdecimal() else number),
        "1" if header.acknowledgment_requested else "0",
        _usage(header, field(15)),
        ":",
    ]


def _isa11(header: InterchangeHeader, written: str) -> str:
    """Without repetition separator: what was read, or U."""
    return from_text(written) if written and header.syntax_version < FIRST_WITH_REPETITION else _STANDARD


def _usage(header: InterchangeHeader, written: str) -> str:
    """ISA15: T or P; I (information) as it was read, being a kind of test."""
    if not header.test:
        return "P"
    return "I" if written == "I" else "T"


def _fitted(value: str, width: int) -> str:
    return value[:width].ljust(width)


def _misfits(header: InterchangeHeader) -> list[Finding]:
    """What is too long for its element of ISA."""
    return [
        remark(
            "envelope.isa-unwritable",
            Place(interchange=header.control_reference, tag="ISA", segment=1, element=number),
            found=value,
            expected=f"{width} characters at most",
        )
        for number, (value, width) in enumerate(zip(_isa(header), WIDTHS, strict=True), 1)
        if len(value) > width
    ]


def _code(identity: Identity | None) -> str:
    return from_text(identity.id) if identity else ""
