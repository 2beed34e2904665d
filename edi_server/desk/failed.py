"""All that failed for one partner: what it is, and sent again in the order in which it was made."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from edi_server.desk.actors import Actor
from edi_server.desk.repeating import put_back
from edi_server.desk.views import last_error
from edi_server.store import DeadLetter, Store, Transmission, Work

if TYPE_CHECKING:
    from edi_server.desk.actions import Desk, Done

#: More than fails in any outage; what is beyond it is left for the next call.
MOST = 10_000


class FailedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that was given up."""

    id: str
    created_at: datetime
    name: str
    #: Numbers of its documents; none for an acknowledgment.
    documents: tuple[str, ...]
    attempts: int
    error: str
    #: Why sending all again leaves it out, "" where it does not.
    left_out: str


def list_failed(store: Store, partner: str) -> list[FailedRow]:
    """What was given up for a partner, oldest first."""
    with store.read() as work:
        return [_row(work, one) for one in _failed(work, partner)]


def resend_failed(desk: Desk, partner: str, actor: Actor) -> list[Done]:
    """See `Desk.resend_failed`."""
    with desk.store.begin() as work:
        again = [one for one in _failed(work, partner) if not _why_not(work, one)]
        for transmission in again:
            put_back(work, transmission, actor)
    for transmission in again:
        desk.work.deliver(transmission.id, transmission.mailbox, run=str(transmission.attempts or ""))
    return [
        desk.done(f"{one.name} is handed to {partner} once more.", "transmission", one.id, submitted=True)
        for one in again
    ]


def wanted_letters(work: Work, partner: str) -> list[DeadLetter]:
    """Work that was given up about what crosses with a partner, oldest first, but for what nobody wants any more."""
    letters = work.dead_letters.newest(partner=partner, limit=MOST)[::-1]
    return [one for one in letters if one.subject_kind != "transmission" or not _is_replaced(work, one)]


def _is_replaced(work: Work, letter: DeadLetter) -> bool:
    transmission = work.transmissions.get(str(letter.subject_id))
    return transmission.direction == "outbound" and bool(_why_not(work, transmission))


def _failed(work: Work, partner: str) -> list[Transmission]:
    found = work.transmissions.newest(direction="outbound", partner=partner, deliveries=("failed",), limit=MOST)
    return found[::-1]


def _row(work: Work, transmission: Transmission) -> FailedRow:
    return FailedRow(
        id=transmission.id,
        created_at=transmission.created_at,
        name=transmission.name,
        documents=tuple(one.number or one.id for one in work.documents.of(transmission=transmission.id)),
        attempts=transmission.attempts,
        error=last_error(work, transmission),
        left_out=_why_not(work, transmission),
    )


def _why_not(work: Work, transmission: Transmission) -> str:
    """Why nobody wants it any more. A person who does names it to `resend`."""
    documents = work.documents.of(transmission=transmission.id)
    if any(one.validation == "invalid" for one in documents):
        return "a document in it was rejected"
    if work.acknowledgments.carried_by(transmission.id):
        return ""
    messages = sum(len(work.interchanges.messages(one.id)) for one in work.interchanges.of(transmission.id))
    if len(documents) < messages:
        return "a document in it was reprocessed, and leaves under new numbers"
    return ""
