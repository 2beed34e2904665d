"""The control segments of X12 that open something, from their normal form: ISA, GS, ST.

Source: X12.5 section 3.2 (ISA), X12.22 segment directory (GS, ST), versions 002001 to 008xxx.
"""

from __future__ import annotations

import re
from functools import lru_cache

from edi_server.envelope.edifact_headers import Fields, PlaceOf
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding
from edi_server.syntax.separators import Separators
from edi_server.syntax.x12_isa import FIRST_WITH_REPETITION, WIDTHS, Announced

_SIX_DIGITS = re.compile(r"\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_GROUP_DATE = re.compile(r"(\d\d)?\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d\Z")
_GROUP_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{1,2})?)?\Z")
_VERSION = re.compile(r"00[2-8]\d\d\Z")
#: GS08 from 004010 on has dates with century.
_FIRST_WITH_CENTURY = "004"
#: What has to stand in GS, and an example of it.
_NEEDED_IN_GROUP = (
    (1, "a functional identifier code such as PO"),
    (2, "the sender's code"),
    (3, "the receiver's code"),
    (6, "a group control number"),
    (7, "a responsible agency such as X"),
    (8, "a version such as 004010"),
)


def x12_interchange_header(segment: str, announced: Announced, charset: str) -> InterchangeHeader:
    """ISA as read, blanks that fill it up removed.

    Where there are not 16 elements, nobody knows which of them is which: all are taken as unknown.
    """
    is_right = announced.elements in (None, len(WIDTHS))
    field = Fields(segment if is_right else "")
    text = [field(number).strip() for number in range(17)]
    return InterchangeHeader(
        syntax="x12",
        charset=charset,
        syntax_version=text[12],
        sender=Identity(id=text[6], qualifier=text[5]),
        recipient=Identity(id=text[8], qualifier=text[7]),
        date=text[9],
        time=text[10],
        control_reference=text[13],
        acknowledgment_requested=text[14] == "1",
        test=text[15] not in ("", "P"),
        separators=announced.separators,
        segment=segment,
    )


@lru_cache(maxsize=256)
def no_interchange_header(separators: Separators, charset: str) -> InterchangeHeader:
    """The header of what came without ISA; kept, because every interchange begins with it."""
    return x12_interchange_header("", Announced(separators=separators), charset)


def check_isa(header: InterchangeHeader, announced: Announced, place: PlaceOf) -> list[Finding]:
    """What is wrong with an ISA."""
    if announced.elements is not None and announced.elements != len(WIDTHS):
        # The elements are not where they should be; there is no point in looking at each.
        return [_wrong_elements(announced, place)]
    findings = [_wrong_elements(announced, place)] if announced.elements else _missing_elements(header, place)
    if announced.misshapen:
        found = Fields(header.segment)(announced.misshapen)
        findings.append(remark("envelope.isa-length", place(announced.misshapen, 1), found=found, expected="106"))
    if announced.repetition_contradicts:
        expected = "U" if header.syntax_version < FIRST_WITH_REPETITION else "a separator such as ^"
        used = header.separators.repetition
        found = used if used != " " else Fields(header.segment)(11)
        findings.append(remark("envelope.isa-repetition", place(11, 1), found=found, expected=expected))
    if not _VERSION.match(header.syntax_version):
        found, expected = header.syntax_version, "a version such as 00401"
        findings.append(remark("envelope.x12-version", place(12, 1), found=found, expected=expected))
    usage = Fields(header.segment)(15).strip()
    if usage not in ("P", "T", "I"):
        findings.append(remark("envelope.isa-usage", place(15, 1), found=usage, expected="P, T or I"))
    return findings + _check_moment(header, place)


def _missing_elements(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    return [
        remark("envelope.isa-incomplete", place(element, 1), expected=expected)
        for element, expected, value in (
            (6, "the sender's identification", header.sender.id),
            (8, "the receiver's identification", header.recipient.id),
            (13, "an interchange control number", header.control_reference),
        )
        if not value
    ]


def _wrong_elements(announced: Announced, place: PlaceOf) -> Finding:
    count = announced.elements or 0
    found = f"{count} elements" if count != 16 else "no separator of components (ISA16)"
    expected = "16 elements, the last being the separator of components"
    return remark("envelope.isa-incomplete", place(min(count, 16), 1), found=found, expected=expected)


def _check_moment(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    return [
        remark("envelope.isa-date", place(element, 1), found=found, expected=expected)
        for element, found, expected, right in (
            (9, header.date, "YYMMDD", _SIX_DIGITS),
            (10, header.time, "HHMM", _TIME),
        )
        if not right.match(found)
    ]


def x12_group_header(segment: str) -> GroupHeader:
    """GS as read."""
    field = Fields(segment)
    kind, sender, recipient, date, time, reference, agency, version = (field(n).strip() for n in range(1, 9))
    return GroupHeader(
        message_type=kind,
        sender=Identity(id=sender) if sender else None,
        recipient=Identity(id=recipient) if recipient else None,
        date=date,
        time=time,
        control_reference=reference,
        agency=agency,
        version=version,
        segment=segment,
    )


def check_gs(header: GroupHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a GS."""
    field = Fields(header.segment)
    findings = [
        remark("envelope.gs-incomplete", place(element, 1), expected=expected)
        for element, expected in _NEEDED_IN_GROUP
        if not field(element).strip()
    ]
    expected = "CCYYMMDD" if header.version >= _FIRST_WITH_CENTURY else "YYMMDD"
    if not _GROUP_DATE.match(header.date) or len(header.date) != len(expected):
        findings.append(remark("envelope.gs-date", place(4, 1), found=header.date, expected=expected))
    if not _GROUP_TIME.match(header.time):
        findings.append(remark("envelope.gs-date", place(5, 1), found=header.time, expected="HHMM"))
    return findings


def x12_message_header(segment: str, group: GroupHeader | None) -> MessageHeader:
    """ST as read, in the version that its group, or else ST03, names."""
    field = Fields(segment)
    convention = field(3).strip()
    version = group.version if group else convention
    return MessageHeader(
        reference=field(2).strip(),
        type=field(1).strip(),
        version=version[:6],
        agency=group.agency if group else "",
        association=version[6:] or convention.removeprefix(version[:6]),
        segment=segment,
    )


def check_st(header: MessageHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with an ST."""
    return [
        remark("envelope.st-incomplete", place(element, 1), expected=expected)
        for value, element, expected in (
            (header.type, 1, "a transaction set such as 850"),
            (header.reference, 2, "a control number"),
        )
        if not value
    ]
