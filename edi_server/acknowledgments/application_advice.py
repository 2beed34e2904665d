"""What was found about messages of X12 → 824: whether our application takes them, and if not, why (X12.44).

Shape and lengths by version, 003060 to 006020. OTI says of each message what became of it, TED and NTE why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice, repeat

from edi_server.acknowledgments.advice import Advice, condition_of, words
from edi_server.acknowledgments.answering import is_advised
from edi_server.acknowledgments.functional import answered_version
from edi_server.acknowledgments.pieces import component_of, limited, segment, text, wrapped
from edi_server.acknowledgments.verdict import Outcome
from edi_server.acknowledgments.x12_reference import ReferenceNumbers
from edi_server.envelope.model import GroupHeader, MessageHeader
from edi_server.envelope.x12_writing import close_message
from edi_server.findings import Finding, Place
from edi_server.guides.value_faults import is_date, is_time

#: OTI01: the transaction set is accepted, accepted with errors, rejected.
_OUTCOMES: dict[Outcome, str] = {"accepted": "TA", "accepted with errors": "TE", "rejected": "TR"}
#: BGN01: this is a response.
_RESPONSE = "11"
#: Characters of TED02 and of NTE02, and how often NTE stands behind a TED.
_MESSAGE, _NOTE, _NOTES = 60, 80, 100
#: TED in OTI: 824 has no limit, and nobody reads more.
MAX_REASONS = 999


def write_824(
    advices: Sequence[Advice], *, message_reference: str, reference: str, written_at: datetime, version: str = ""
) -> list[str]:
    """The 824 about messages of a partner, ST to SE in normal form.

    `message_reference` is its ST02, `reference` our number of it (BGN02), `written_at` its date in the partner's time
    zone, `version` that of the first message's group where it is empty. Raises ValueError without a message, and for
    one that is an acknowledgment itself.
    """
    if not advices or not all(is_advised(advice.message.type) for advice in advices):
        raise ValueError("An 824 is about at least one message, and never about an acknowledgment.")
    exact = version or advice_version(advices[0].group)
    header = MessageHeader(reference=message_reference, type="824", version=exact, agency="X")
    return close_message(header, list(_Report(exact).body(advices, reference, written_at)))


def advice_header(group: GroupHeader | None, message_reference: str) -> MessageHeader:
    """ST of the 824 about messages of a group."""
    return MessageHeader(reference=message_reference, type="824", version=advice_version(group), agency="X")


def advice_version(group: GroupHeader | None) -> str:
    """Version of the 824 about messages of a group."""
    return answered_version(group or GroupHeader(), "997")[0]


class _Report:
    """Writes the segments of one 824."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._is_composite = version >= "005010"
        self._digits = 10 if self._is_composite else 6
        self._date = "%Y%m%d" if version >= "004010" else "%y%m%d"
        self._date_length = 8 if version >= "004010" else 6
        self._reference = 80 if version >= "006020" else 50 if self._is_composite else 30

    def body(self, advices: Sequence[Advice], reference: str, written_at: datetime) -> Iterator[str]:
        """BGN, and OTI with its reasons for each message."""
        number = text(reference, self._reference)
        yield segment("BGN", _RESPONSE, number, written_at.strftime(self._date), written_at.strftime("%H%M"))
        for advice in advices:
            yield self._outcome(advice)
            references = ReferenceNumbers(advice.guide)
            for finding in islice(advice.told(), MAX_REASONS):
                yield from self._reason(finding, references)

    def _outcome(self, advice: Advice) -> str:
        """OTI: outcome, name of the document, and where it stood."""
        group, message = advice.group or GroupHeader(), advice.message
        qualifier, number = ("TN", message.reference or "NA")
        if advice.number.strip():
            qualifier, number = advice.references[1], advice.number
        control = group.control_reference if re.fullmatch("[0-9]{1,9}", group.control_reference) else ""
        return segment(
            "OTI",
            _OUTCOMES[advice.outcome],
            qualifier,
            text(number, self._reference),
            _party(group.sender.id if group.sender else ""),
            _party(group.recipient.id if group.recipient else ""),
            group.date if len(group.date) == self._date_length and is_date(group.date) else "",
            group.time if is_time(group.time) else "",
            control,
            # The number of a transaction set says nothing without that of its group (OTI, syntax note C0908).
            text(message.reference, 9) if control and len(message.reference) >= 4 else "",
            message.type if re.fullmatch("[A-Z0-9]{3}", message.type) else "",
            text(group.version, 12),
        )

    def _reason(self, finding: Finding, references: ReferenceNumbers) -> Iterator[str]:
        """TED with the beginning of the sentence, NTE with the rest of it."""
        lines = list(wrapped(words(finding), chain([_MESSAGE], repeat(_NOTE, _NOTES))))
        place = finding.place
        tag = place.tag or ""
        is_placed = place.segment is not None and re.fullmatch("[A-Z0-9]{2,3}", tag) is not None
        where = self._where(place, references) if is_placed else []
        copy = text(finding.found, 99) if is_placed and place.element else ""
        yield segment("TED", condition_of(finding), lines[0] if lines else "", *(where or [""] * 4), copy)
        yield from (segment("NTE", "", line) for line in lines[1:])

    def _where(self, place: Place, references: ReferenceNumbers) -> list[str]:
        """Tag, position of the segment, position of the element, its reference number."""
        at = [limited(place.element, 2)]
        at += (
            [limited(component_of(place), 2), limited(place.repetition, 4)]
            if self._is_composite and place.element
            else []
        )
        return [place.tag or "", limited(place.segment, self._digits), ":".join(at).rstrip(":"), references.of(place)]


def _party(code: str) -> str:
    """GS02 and GS03: codes of 2 to 15 characters."""
    said = text(code, 16)
    return said if 2 <= len(said) <= 15 else ""
