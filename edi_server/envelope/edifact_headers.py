"""The service segments of UN/EDIFACT that open something, from their normal form: UNB, UNG, UNH.

Source: ISO 9735 annex B (versions 1 to 3) and ISO 9735-1:2002 annex C (version 4).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Dialect
from edi_server.syntax.normal import to_text

#: Makes the place of an element and component of the segment at hand.
PlaceOf = Callable[[int, int], Place]

_SIX_DIGITS = re.compile(r"\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_EIGHT_DIGITS = re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d\Z")


class Fields:
    """Elements and components of a segment in normal form, as text; "" where there is none."""

    def __init__(self, segment: str) -> None:
        self._elements = segment.split("+")

    def __call__(self, element: int, component: int = 1) -> str:
        """The text of a component, counted from 1 like the element; element 0 is the tag."""
        try:
            piece = self._elements[element].split(":", component)[component - 1]
        except IndexError:
            return ""
        return piece if piece.isprintable() else to_text(piece)

    def components(self, element: int, count: int) -> list[str]:
        """The texts of the first `count` components of an element."""
        pieces = self._elements[element].split(":", count)[:count] if element < len(self._elements) else []
        texts = [piece if piece.isprintable() else to_text(piece) for piece in pieces]
        return texts + [""] * (count - len(texts))


def is_count(text: str, expected: int) -> bool:
    """True if the text is that number, leading zeros allowed (ISO 9735 section 10)."""
    return bool(text) and (text.strip().lstrip("0") or "0") == str(expected)


def interchange_header(segment: str, dialect: Dialect) -> InterchangeHeader:
    """UNB as read; an empty `segment` makes the header of messages that came without one."""
    field = Fields(segment)
    return InterchangeHeader(
        syntax="edifact",
        charset=field(1, 1),
        syntax_version=field(1, 2),
        sender=Identity(id=field(2, 1), qualifier=field(2, 2), routing=field(2, 3)),
        recipient=Identity(id=field(3, 1), qualifier=field(3, 2), routing=field(3, 3)),
        date=field(4, 1),
        time=field(4, 2),
        control_reference=field(5),
        application_reference=field(7),
        acknowledgment_requested=field(9) == "1",
        agreement=field(10),
        test=field(11) not in ("", "0"),
        separators=dialect.separators,
        segment=segment,
    )


def check_interchange_header(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNB."""
    field = Fields(header.segment)
    findings = [
        remark("envelope.unb-incomplete", place(element, component), expected=expected)
        for element, component, expected in (
            (1, 1, "a syntax identifier such as UNOC"),
            (2, 1, "the sender's identification"),
            (3, 1, "the recipient's identification"),
            (5, 1, "an interchange control reference"),
        )
        if not field(element, component)
    ]
    version, test = field(1, 2), field(11)
    if version not in ("1", "2", "3", "4"):
        findings.append(remark("envelope.syntax-version", place(1, 2), found=version, expected="1, 2, 3 or 4"))
    findings += _check_preparation(header, place)
    if test not in ("", "0", "1"):
        findings.append(remark("envelope.test-indicator", place(11, 1), found=test, expected="1, or nothing"))
    return findings


def _check_preparation(header: InterchangeHeader, place: PlaceOf) -> list[Finding]:
    """0017 is YYMMDD up to version 3, CCYYMMDD in version 4; 0019 is HHMM."""
    date, expected = (_EIGHT_DIGITS, "CCYYMMDD") if header.syntax_version == "4" else (_SIX_DIGITS, "YYMMDD")
    findings = []
    if not date.match(header.date):
        findings.append(remark("envelope.unb-date", place(4, 1), found=header.date, expected=expected))
    if not _TIME.match(header.time):
        findings.append(remark("envelope.unb-date", place(4, 2), found=header.time, expected="HHMM"))
    return findings


def group_header(segment: str) -> GroupHeader:
    """UNG as read."""
    field = Fields(segment)
    sender, recipient = field(2, 1), field(3, 1)
    return GroupHeader(
        message_type=field(1),
        sender=Identity(id=sender, qualifier=field(2, 2)) if sender else None,
        recipient=Identity(id=recipient, qualifier=field(3, 2)) if recipient else None,
        control_reference=field(5),
        segment=segment,
    )


def check_group_header(header: GroupHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNG; version 4 asks for the reference only."""
    if header.control_reference:
        return []
    return [remark("envelope.ung-incomplete", place(5, 1), expected="a group reference number")]


def message_header(segment: str) -> MessageHeader:
    """UNH as read."""
    field = Fields(segment)
    kind, version, release, agency, association = field.components(2, 5)
    return MessageHeader(
        reference=field(1),
        type=kind,
        version=version,
        release=release,
        agency=agency,
        association=association,
        segment=segment,
    )


def check_message_header(header: MessageHeader, place: PlaceOf) -> list[Finding]:
    """What is wrong with a UNH."""
    return [
        remark("envelope.unh-incomplete", place(element, component), expected=expected)
        for value, element, component, expected in (
            (header.reference, 1, 1, "a message reference number"),
            (header.type, 2, 1, "a message type such as ORDERS"),
            (header.version, 2, 2, "a message version such as D"),
            (header.release, 2, 3, "a message release such as 96A"),
            (header.agency, 2, 4, "a controlling agency such as UN"),
        )
        if not value
    ]
