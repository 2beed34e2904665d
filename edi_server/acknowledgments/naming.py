"""Whether what is acknowledged can be named in the acknowledgment, as the standards want it repeated there."""

from __future__ import annotations

import re

from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, Place

#: UNB 0020, UNG 0048 and UNH 0062 are an..14, 0004 and 0010 an..35.
_LONGEST_REFERENCE = 14
_LONGEST_IDENTITY = 35
#: X12: ISA13 and GS06 are numbers of up to 9 digits, GS01 is ID 2/2, ST01 ID 3/3, ST02 AN 4/9.
_NUMBER = re.compile(r"[0-9]{1,9}")
_GROUP_TYPE = re.compile(r"[A-Z0-9]{2}")
_MESSAGE_TYPE = re.compile(r"[A-Z0-9]{3}")
_LONGEST_NUMBER = 9


def is_x12(header: InterchangeHeader) -> bool:
    """True for ISA, false for UNB."""
    return header.syntax == "x12"


def is_listed(header: MessageHeader) -> bool:
    """Whether AK2 can name a message of X12; one that it cannot is only counted (AK9).

    A control number that is shorter than the standard's four characters is repeated all the same: it is the only name
    that its sender knows.
    """
    return bool(_MESSAGE_TYPE.fullmatch(header.type)) and 0 < len(header.reference.strip()) <= _LONGEST_NUMBER


def nameless_message(header: MessageHeader, interchange: InterchangeHeader) -> Finding | None:
    """A message that UCM cannot name is reported one level higher (UCM 0062: ISO 9735 version 3; ISO 9735-4, D1)."""
    if is_x12(interchange) or _is_name(header.reference):
        return None
    return _no_name("UNH", header.reference, 1)


def nameless_group(header: GroupHeader, interchange: InterchangeHeader) -> Finding | None:
    """A group that neither UCF nor AK1 can name is reported one level higher."""
    reference = header.control_reference
    if not is_x12(interchange):
        return None if _is_name(reference) else _no_name("UNG", reference, 5)
    if not _NUMBER.fullmatch(reference):
        return _no_name("GS", reference, 6)
    return None if _GROUP_TYPE.fullmatch(header.message_type) else _no_name("GS", header.message_type, 1)


def obstacle(header: InterchangeHeader) -> str | None:
    """Why an interchange cannot be acknowledged at all.

    UCI repeats 0020, S002 and S003 of the interchange (ISO 9735-4), TA1 its control number (X12.5).
    """
    if is_x12(header):
        if _NUMBER.fullmatch(header.control_reference):
            return None
        return "The interchange has no usable control number (ISA13), so no TA1 can name it."
    if not _is_name(header.control_reference):
        return "The interchange has no usable control reference (UNB 0020), so no CONTRL can name it."
    for identity, what in ((header.sender, "sender (UNB S002)"), (header.recipient, "recipient (UNB S003)")):
        if not 0 < len(identity.id) <= _LONGEST_IDENTITY:
            return f"The interchange has no usable {what}, so no CONTRL can be addressed."
    return None


def _is_name(reference: str) -> bool:
    return 0 < len(reference) <= _LONGEST_REFERENCE


def _no_name(tag: str, reference: str, element: int) -> Finding:
    what = "message" if tag == "UNH" else "group"
    return Finding(
        code=f"envelope.{tag.lower()}-incomplete",
        severity="error",
        sentence=f"A {what} has no usable reference ({tag}), so it cannot be answered on its own.",
        place=Place(tag=tag, element=element),
        found=reference[:80] or None,
        expected="a number of 1 to 9 digits" if tag == "GS" else "a reference of 1 to 14 characters",
    )
