"""A received acknowledgment beside those that came before: the first, again, late, contradictory or about nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from edi_server.acknowledgments.answering import APPLICATION, Kind
from edi_server.acknowledgments.received import ReceivedAcknowledgment
from edi_server.acknowledgments.verdict import Outcome

#: first: says something new. repeat: all it says was said before. late: came when it was overdue. contradictory: says
#: yes where no was said, or no where yes was. unknown: is about nothing that we sent.
Standing = Literal["first", "repeat", "late", "contradictory", "unknown"]
#: What is said of: the envelope (TA1), the syntax (CONTRL, 997, 999), the business (824, APERAK).
_Layer = Literal["envelope", "syntax", "business"]
#: Layer, group, message ("" for the whole of what is above), document.
_Subject = tuple[_Layer, str, str, str]
#: What is judged after it, by somebody who has accepted it therefore.
_ABOVE: dict[_Layer, tuple[_Layer, ...]] = {"envelope": ("syntax", "business"), "syntax": ("business",), "business": ()}
_BELOW: dict[_Layer, tuple[_Layer, ...]] = {"envelope": (), "syntax": ("envelope",), "business": ("envelope", "syntax")}


def compare(
    previous: Sequence[ReceivedAcknowledgment], new: ReceivedAcknowledgment, *, is_known: bool, is_overdue: bool = False
) -> Standing:
    """What a new acknowledgment is beside the previous ones about the same interchange of ours, oldest first.

    `is_known`: we sent what it is about. `is_overdue`: its time was over when it came. A receipt (CONTRL 8) before an
    answer, or a TA1 before a 997, is no repetition; the business may refuse what the syntax accepted, but nothing can
    be accepted by the syntax whose envelope was refused, whichever of both came first. Leading zeros do not count.
    """
    if not is_known:
        return "unknown"
    before = dict(claim for one in previous for claim in _claims(one))
    claims = dict(_claims(new))
    if any(_contradicts(before, subject, outcome) for subject, outcome in claims.items()):
        return "contradictory"
    said_before = (before.get(subject) == outcome for subject, outcome in claims.items())
    if all(said_before) if claims else bool(previous):
        return "repeat"
    return "late" if is_overdue else "first"


def layer_of(kind: Kind) -> _Layer:
    """What an acknowledgment of that kind judges."""
    return "envelope" if kind == "TA1" else "business" if kind in APPLICATION else "syntax"


def _claims(one: ReceivedAcknowledgment) -> Iterator[tuple[_Subject, Outcome]]:
    """All that an acknowledgment says, by subject."""
    layer = layer_of(one.kind)
    # What an advice says as a whole is only the sum of its documents.
    if one.outcome is not None and (layer != "business" or not one.messages):
        yield (layer, _bare(one.group_reference), "", ""), one.outcome
    for message in one.messages:
        reference = _bare(message.reference)
        yield (layer, _bare(message.group), reference, "" if reference else message.document), message.outcome


def _bare(reference: str) -> str:
    """A number without leading zeros: partners write them or not."""
    return reference.lstrip("0") or "0" if reference.isdecimal() else reference


def _contradicts(before: Mapping[_Subject, Outcome], subject: _Subject, outcome: Outcome) -> bool:
    layer, group, message, document = subject
    earlier = before.get(subject)
    if earlier is not None and _is_refused(earlier) is not _is_refused(outcome):
        return True
    if _is_refused(outcome):
        later = (one for one, said in before.items() if one[0] in _ABOVE[layer] and _is_refused(said) is False)
        return any(group in ("", one[1]) and message in ("", one[2]) for one in later)
    lower = [(below, *place) for below in _BELOW[layer] for place in ((group, message, document), ("", "", ""))]
    return any(before.get(one) == "rejected" for one in lower)


def _is_refused(outcome: Outcome) -> bool | None:
    """None for what is neither: part of it may change with the next answer."""
    return None if outcome == "partially accepted" else outcome == "rejected"
