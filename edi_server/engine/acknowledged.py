"""What partners answered to what we sent: matched down to the message, and compared with what they said before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from edi_server.acknowledgments import (
    APPLICATION,
    MessageAnswer,
    Outcome,
    ReceivedAcknowledgment,
    ReportedError,
    Standing,
    compare,
    sum_up,
)
from edi_server.delivery.outbox import OVERDUE
from edi_server.partners import Book, Parties, Partner
from edi_server.partners.model import matches
from edi_server.store import Acknowledgment, Case, Interchange, Message, Subject, Transmission, Work
from edi_server.store.states import AcknowledgmentState

#: Reason of the case about an APERAK or 824 that did not come.
UNADVISED = "application-acknowledgment-overdue"
LONGEST_WAIT = timedelta(days=60)


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A received acknowledgment, and what brought it."""

    transmission: Transmission
    interchange: Interchange
    parties: Parties
    message_id: str
    received: ReceivedAcknowledgment
    #: Numbers of documents of ours, where it is one part of what an advice says about several interchanges.
    documents: str = ""

    def row(self) -> Acknowledgment:
        """As it is stored."""
        received = self.received
        return Acknowledgment(
            direction="received",
            kind=received.kind,
            transmission_id=self.transmission.id,
            interchange_id=self.interchange.id,
            message_id=self.message_id,
            about_control_reference=received.control_reference or received.group_reference or self.documents,
            # One that only says that it arrived says nothing against it.
            outcome=received.outcome or "accepted",
            control_number=self.interchange.control_reference,
            detail={
                "messages": received.per_message,
                "errors": received.errors,
                "received": msgspec.to_builtins(received),
            },
        )


def record_received(work: Work, brought: Brought) -> None:
    """Note what a partner says about what we sent; what fits nothing, or contradicts, becomes a case."""
    for about, part in _by_interchange(work, brought):
        _record(work, part, about)


def _record(work: Work, brought: Brought, about: Interchange | None) -> None:
    if about is None:
        work.acknowledgments.keep(brought.row())
        _open_unknown(work, brought)
        return
    standing = _standing(work, about, brought.received)
    if standing == "contradictory":
        _keep_beside(work, brought, about, "it contradicts what was said before")
        _open_contradiction(work, brought, about)
    elif standing == "repeat":
        _keep_beside(work, brought, about, "the same was said before")
    else:
        _apply(work, brought, about)


def keep_received(work: Work, brought: Brought, *, why: str) -> None:
    """Keep an acknowledgment that changes nothing, and show it where it would have: `why` completes a sentence."""
    for about, part in _by_interchange(work, brought):
        if about is None:
            work.acknowledgments.keep(part.row())
        else:
            _keep_beside(work, part, about, why)


def _by_interchange(work: Work, brought: Brought) -> list[tuple[Interchange | None, Brought]]:
    """What it says by the interchange of ours that it says it about: one 824 may speak of documents of several."""
    received = brought.received
    if received.control_reference or received.groups or len(received.messages) < 2:
        return [(_find_about(work, brought), brought)]
    parts: dict[str, tuple[Interchange | None, list[MessageAnswer]]] = {}
    for message in received.messages:
        about = _find_about(work, _part(brought, [message]))
        parts.setdefault(about.id if about else "", (about, []))[1].append(message)
    if len(parts) == 1:
        [(about, _)] = parts.values()
        return [(about, brought)]
    return [(about, _part(brought, messages)) for about, messages in parts.values()]


def _part(brought: Brought, messages: Sequence[MessageAnswer]) -> Brought:
    """An advice as if it spoke of these messages only."""
    received, outcome = brought.received, sum_up(message.outcome for message in messages)
    groups = {message.group for message in messages}
    names = {(message.group, message.reference, message.document) for message in messages}
    errors = tuple(one for one in received.errors if (one.group or "", one.message or "", one.document) in names)
    part = msgspec.structs.replace(
        received,
        group_reference=groups.pop() if len(groups) == 1 else "",
        outcome=outcome,
        messages=tuple(messages),
        errors=errors,
    )
    documents = ", ".join(message.document or message.reference for message in messages)
    return msgspec.structs.replace(brought, received=part, documents=documents)


def _keep_beside(work: Work, brought: Brought, about: Interchange, why: str) -> None:
    # Without the interchange it is about: what is compared later is what counted.
    work.acknowledgments.keep(brought.row())
    said = brought.received.outcome or "received"
    detail = f"{brought.received.kind} {brought.interchange.control_reference} says “{said}”, but {why}."
    work.timeline.add(about.subject, "acknowledgment not counted", result=said, detail=detail)


def _find_about(work: Work, brought: Brought) -> Interchange | None:
    """The interchange of ours it is about: by control reference, by group, or by the number of a document."""
    received, partner = brought.received, brought.parties.partner
    theirs = any(matches(identity, received.recipient) for identity in partner.identities)
    if received.control_reference:
        if not theirs:
            return None
        return work.interchanges.find_sent(
            received.sender, received.recipient, received.control_reference, sent_to=partner.name
        )
    groups = [received.group_reference, *(one.reference for one in received.groups)]
    for group in filter(None, groups):
        found = work.interchanges.find_sent_group(
            group, sent_to=partner.name, message=_first_message(received), message_type=received.group_type
        )
        if found is not None:
            return found
    return _find_by_document(work, received, partner)


def _first_message(received: ReceivedAcknowledgment) -> str:
    return next((one.reference for one in received.messages if one.reference), "")


def _find_by_document(work: Work, received: ReceivedAcknowledgment, partner: Partner) -> Interchange | None:
    for number in filter(None, (one.document for one in received.messages)):
        document = work.documents.find_sent(number, sent_to=partner.name)
        if document is not None and document.interchange_id is not None:
            return work.interchanges.get(document.interchange_id)
    return None


def _standing(work: Work, about: Interchange, received: ReceivedAcknowledgment) -> Standing:
    previous = [
        msgspec.convert(one.detail["received"], ReceivedAcknowledgment)
        for one in work.acknowledgments.about(about.id)
        if one.direction == "received" and "received" in (one.detail or {})
    ]
    return compare(previous, received, is_known=True, is_overdue=about.acknowledgment == "overdue")


def _apply(work: Work, brought: Brought, about: Interchange) -> None:
    received = brought.received
    if received.kind in APPLICATION:
        work.cases.settle(about.subject, reason=UNADVISED, note=f"The {received.kind} came.")
    messages = work.interchanges.messages(about.id)
    now = {one.id: one.acknowledgment for one in messages}
    per_message = {one: _worse(now[one], outcome) for one, outcome in _resolve(work, received, messages)}
    outcome = _sum(received, messages, per_message)
    work.acknowledgments.receive(brought.row(), about, outcome=outcome, per_message=per_message)
    if outcome in ("rejected", "partially accepted") or "rejected" in per_message.values():
        _open_rejection(work, brought, about, outcome or "partially accepted")
    elif received.outcome is not None and outcome is not None:
        work.cases.settle(about.subject, reason=OVERDUE, note="The acknowledgment came.")


#: What one layer refused is not accepted again because another one, whose answer came later, has nothing against it.
_FROM_WORST: tuple[Outcome, ...] = ("rejected", "partially accepted", "accepted with errors", "accepted")


def _worse(now: AcknowledgmentState, outcome: Outcome) -> Outcome:
    return next(one for one in _FROM_WORST if one in (now, outcome))


def _resolve(
    work: Work, received: ReceivedAcknowledgment, messages: Sequence[Message]
) -> Iterator[tuple[str, Outcome]]:
    """What is said of each message, by its id."""
    groups = {received.group_reference, *(one.reference for one in received.groups)} - {""}
    unnamed = {one.reference: one.unnamed for one in received.groups}
    for message in messages:
        if message.type == "TA1" or (groups and not _is_in(message, groups)):
            continue
        named = [one.outcome for one in received.messages if _names(work, one, message)]
        outcome = named[0] if named else unnamed.get(message.group_reference, received.unnamed)
        if outcome is not None:
            yield message.id, outcome


def _is_in(message: Message, groups: Iterable[str]) -> bool:
    return any(_same_number(message.group_reference, group) for group in groups)


def _names(work: Work, answer: MessageAnswer, message: Message) -> bool:
    if answer.reference:
        same_group = not answer.group or _same_number(message.group_reference, answer.group)
        return same_group and _same_number(message.reference, answer.reference)
    return bool(answer.document) and any(one.number == answer.document for one in work.documents.of(message=message.id))


def _same_number(one: str, other: str) -> bool:
    """Numbers come back with and without leading zeros."""
    return one == other or (one.isdecimal() and other.isdecimal() and int(one) == int(other))


def _sum(
    received: ReceivedAcknowledgment, messages: Sequence[Message], per_message: dict[str, Outcome]
) -> Outcome | None:
    """What the interchange is now; None while something of it is still waited for, and for a mere receipt."""
    if received.outcome is None:
        return None
    known: list[Any] = [per_message.get(one.id, one.acknowledgment) for one in messages if one.type != "TA1"]
    if received.kind == "TA1" or not known:
        return received.outcome if received.outcome == "rejected" or received.kind != "TA1" else None
    if any(one in ("none", "waiting", "overdue") for one in known):
        return received.outcome if received.kind == "CONTRL" and not per_message else None
    return _worst(known, received.outcome)


def _worst(outcomes: Sequence[Any], said: Outcome) -> Outcome:
    if all(one == "rejected" for one in outcomes):
        return "rejected"
    if any(one in ("rejected", "partially accepted") for one in outcomes):
        return "partially accepted"
    return "accepted with errors" if "accepted with errors" in (*outcomes, said) else "accepted"


def _open_unknown(work: Work, brought: Brought) -> None:
    received, partner = brought.received, brought.parties.partner
    if received.control_reference:
        what = f"interchange {received.control_reference}"
    elif received.group_reference:
        what = f"group {received.group_reference}"
    else:
        numbers = ", ".join(one.document for one in received.messages if one.document)
        what = f"document {numbers}" if numbers else "something"
    sentence = f"{partner.display_name} acknowledges {what}, which we never sent them."
    _open(work, brought.interchange.subject, "acknowledges-nothing", sentence, partner)


def _open_contradiction(work: Work, brought: Brought, about: Interchange) -> None:
    partner, received = brought.parties.partner, brought.received
    sentence = (
        f"{partner.display_name} first said something else about interchange {about.control_reference} than now "
        f"({received.kind}: {received.outcome or 'received'}); ask them what holds."
    )
    _open(work, about.subject, "acknowledgment-contradicts", sentence, partner)


def _open_rejection(work: Work, brought: Brought, about: Interchange, outcome: str) -> None:
    partner = brought.parties.partner
    said = "; ".join(dict.fromkeys(map(_say, brought.received.errors[:3]))) or "no reason given"
    what = "rejected" if outcome == "rejected" else "partially accepted"
    sentence = f"{partner.display_name} {what} interchange {about.control_reference}: {said}."
    _open(work, about.subject, f"acknowledged-{what.replace(' ', '-')}", sentence, partner)


def _say(error: ReportedError) -> str:
    return f"{error.meaning} ({error.text})" if error.text else error.meaning


def _open(work: Work, subject: Subject, reason: str, sentence: str, partner: Partner) -> None:
    work.cases.open(
        Case(subject_kind=subject.kind, subject_id=subject.id, reason=reason, sentence=sentence, partner=partner.name)
    )


def open_unadvised(work: Work, book: Book, now: datetime) -> None:
    """Open a case for each interchange whose APERAK or 824 did not come in the agreed time, once.

    What is older than `LONGEST_WAIT` nobody waits for any more.
    """
    for agreement in book.agreements:
        within = agreement.acknowledgments.application_expected_within
        if agreement.direction != "outbound" or within is None:
            continue
        for interchange in work.interchanges.unadvised(agreement.id, since=now - LONGEST_WAIT, until=now - within):
            sentence = (
                f"{agreement.partner.display_name} has not said in time whether the documents in interchange "
                f"{interchange.control_reference} can be worked with (APERAK or 824)."
            )
            _open(work, interchange.subject, UNADVISED, sentence, agreement.partner)
