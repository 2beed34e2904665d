"""A TA1 that a partner sent → what it says about the envelope of an interchange of ours (X12.5)."""

from __future__ import annotations

from edi_server.acknowledgments.received import (
    Elements,
    ReceivedAcknowledgment,
    ReportedError,
    action_unknown,
    contradicted,
)
from edi_server.acknowledgments.verdict import Outcome
from edi_server.acknowledgments.x12_meanings import NOTES
from edi_server.envelope.model import InterchangeHeader

#: TA104.
_ACTIONS: dict[str, Outcome] = {"A": "accepted", "E": "accepted with errors", "R": "rejected"}


def read_ta1(segment: str, carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
    """What a TA1 says about the envelope of one of our interchanges; None if it names none.

    One that accepts says nothing about the messages inside: `unnamed` is None.
    """
    at = Elements(1, segment)
    if at.tag != "TA1" or not at(1):
        return None
    action, note = at(4), at(5)
    outcome = _ACTIONS.get(action)
    findings = [] if outcome else [action_unknown("TA1", at, 4, "A, E or R")]
    errors = (
        []
        if note in ("", "000")
        else [ReportedError(code=note, meaning=NOTES.get(note, "an error that we do not know"), tag="ISA")]
    )
    if outcome == "accepted" and errors:
        sentence = "The TA1 accepts without errors, and notes one; the note counts."
        findings.append(contradicted("outcome", at, 4, sentence, "E"))
        outcome = "accepted with errors"
    return ReceivedAcknowledgment(
        kind="TA1",
        control_reference=at(1),
        sender=carrier.recipient,
        recipient=carrier.sender,
        action=action,
        outcome=outcome,
        unnamed="rejected" if outcome == "rejected" else None,
        errors=tuple(errors),
        findings=tuple(findings),
    )
