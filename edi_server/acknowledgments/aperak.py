"""What was found about a message of EDIFACT → APERAK: whether our application takes it, and if not, why.

Source: APERAK of D.96A and D.01B. BGM says the outcome twice, because receivers look at either: 1225 (27 not accepted,
29 accepted without amendment) and 4343 (RE, AP). Each reason is an ERC with its words in FTX and its place in RFF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice, repeat
from typing import Literal

from edi_server.acknowledgments.advice import Advice, kind_of, words
from edi_server.acknowledgments.answering import is_advised
from edi_server.acknowledgments.pieces import composite, limited, segment, text, wrapped
from edi_server.envelope.edifact_writing import close_message
from edi_server.envelope.model import Identity, MessageHeader
from edi_server.findings import Finding
from edi_server.syntax.normal import from_text

Version = Literal["D.96A", "D.01B"]
#: 1001 "application error and acknowledgement", which D.96A does not have.
_NAMES: dict[Version, str] = {"D.96A": "", "D.01B": "305"}
#: Characters of a line of FTX (4440) and of a reference (1154), and how many ERC there may be.
_LINES: dict[Version, int] = {"D.96A": 70, "D.01B": 512}
_REFERENCE: dict[Version, int] = {"D.96A": 35, "D.01B": 70}
MAX_REASONS = 999
_ACCEPTED, _REJECTED = ("29", "AP"), ("27", "RE")
#: 3055: agreed between partners; EAN International, for numbers that UNB qualifies with 14.
_MUTUAL, _EAN = "ZZZ", "9"


def write_aperak(
    advice: Advice,
    *,
    message_reference: str,
    reference: str,
    written_at: datetime,
    version: Version | None = None,
    association: str = "",
) -> list[str]:
    """The APERAK about a message, UNH to UNT in normal form.

    `message_reference` is its UNH 0062, `reference` our number of it (BGM 1004), `written_at` its date in the partner's
    time zone, `version` the one nearest to the message's where it is None. Raises ValueError about an acknowledgment.
    """
    if not is_advised(advice.message.type):
        raise ValueError("An acknowledgment is not answered with an APERAK.")
    exact = version or aperak_version(advice.message)
    header = aperak_header(exact, message_reference, association)
    return close_message(header, list(_body(advice, exact, reference, written_at)))


def aperak_version(message: MessageHeader) -> Version:
    """The directory of the APERAK about a message: D.01B for directories from 2001 on, D.96A for others."""
    year = re.fullmatch(r"([0-9]{2})[AB]", message.release.strip().upper())
    return "D.01B" if year and 1 <= int(year[1]) < 80 else "D.96A"


def aperak_header(version: Version, message_reference: str, association: str = "") -> MessageHeader:
    """UNH of an APERAK."""
    letter, _, release = version.partition(".")
    return MessageHeader(
        reference=message_reference,
        type="APERAK",
        version=letter,
        release=release,
        agency="UN",
        association=association,
    )


def _body(advice: Advice, version: Version, reference: str, written_at: datetime) -> Iterator[str]:
    function, response = _REJECTED if advice.outcome == "rejected" else _ACCEPTED
    yield segment("BGM", _NAMES[version], text(reference, 35), function, response)
    yield segment("DTM", composite(["137", written_at.strftime("%Y%m%d%H%M"), "203"]))
    most = _REFERENCE[version]
    for qualifier, number in (
        ("ACW", advice.message.reference),
        ("TN", advice.interchange.control_reference),
        (advice.references[0], advice.number),
    ):
        if number.strip():
            yield segment("RFF", f"{qualifier}:{text(number, most)}")
    yield _party("MS", advice.interchange.recipient)
    yield _party("MR", advice.interchange.sender)
    for finding in islice(advice.told(), MAX_REASONS):
        yield from _reason(finding, advice, version)


def _party(role: str, party: Identity) -> str:
    if not party.id.strip():
        return segment("NAD", role)
    return segment("NAD", role, f"{text(party.id, 35)}::{_EAN}" if party.qualifier == "14" else text(party.id, 35))


def _reason(finding: Finding, advice: Advice, version: Version) -> Iterator[str]:
    """ERC, FTX with the words, and RFF with the message and the number of the segment in it (1156)."""
    yield segment("ERC", f"{kind_of(finding)}::{_MUTUAL}")
    lines = list(wrapped(words(finding), repeat(_LINES[version], 5)))
    if lines:
        yield segment("FTX", "AAO", "", "", ":".join(lines))
    place, named = finding.place, from_text(advice.message.reference).strip()
    if place.segment is not None and named:
        yield segment("RFF", f"ACW:{named[: _REFERENCE[version]]}:{limited(place.segment, 6)}")
