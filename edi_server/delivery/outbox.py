"""Handing one outbound transmission over to its mailbox, exactly once where the transport can tell.

The order of effects makes every crash harmless:

1. the final bytes stand in the archive under their control number, the transmission is `pending`;
2. the mailbox stages them; then the transmission is `staged`;
3. the mailbox hands them over; then the transmission is `sent`, or `delivered` where the transport has a proof of that.

A crash between two effects repeats the later one, and the mailbox answers a repeated hand-over of something that is no
longer staged with "delivered before". A proof that comes later is settled by `edi_server.delivery.proofs`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

from edi_server.errors import TransportError
from edi_server.store import DeliveryAttempt, Interchange, Store, Transmission, Work
from edi_server.store.records import now
from edi_server.transports.port import HandedOver, Transport

#: Why there is a case about an interchange that was not acknowledged in time.
OVERDUE = "acknowledgment-overdue"
#: Why there is a case about a transmission that left, but did not arrive well.
NOT_ACCEPTED = "delivery-not-accepted"


def deliver(
    store: Store,
    transport: Transport,
    transmission_id: str,
    *,
    expected_within: Callable[[Interchange], timedelta | None],
) -> None:
    """Deliver a transmission; again after a crash or failure, as often as needed.

    `expected_within` says how long the partner may take to acknowledge an interchange; the time runs from the sending.
    Raises TransportError, StoreError.
    """
    with store.read() as work:
        transmission = work.transmissions.get(transmission_id)
        is_staged = _is_staged(work, transmission)
    if transmission.delivery in ("pending", "failed") and not is_staged:
        with store.archive.open(transmission.content_hash) as content:
            transport.stage(transmission.id, transmission.mailbox, content.read())
        with store.begin() as work:
            work.transmissions.move(transmission.id, "staged")
    elif transmission.delivery in ("sent", "delivered"):
        return
    handed = _hand_over(store, transport, transmission)
    proof_hash = store.archive.put(handed.proof).hash if handed.proof else None
    with store.begin() as work:
        _record_sent(work, transmission, handed, proof_hash, expected_within)


def mark_failed(work: Work, transmission: Transmission, detail: str) -> bool:
    """It was given up, or refused; False if that is known. Documents that arrived by an earlier hand-over have arrived.

    Raises StoreError.
    """
    is_new = work.transmissions.move(transmission.id, "failed", detail=detail)
    for document in work.documents.of(transmission=transmission.id):
        if document.delivery in ("pending", "sent"):
            work.documents.change(document.id, "not delivered", delivery="failed", detail=detail)
    return is_new


def _hand_over(store: Store, transport: Transport, transmission: Transmission) -> HandedOver:
    """Hand over; what goes wrong stands in the timeline, whether it is tried again or not."""
    try:
        return transport.hand_over(transmission.id, transmission.mailbox, transmission.name)
    except TransportError as error:
        with store.begin() as work:
            work.timeline.add(transmission.subject, "not handed over", result="failed", detail=str(error))
        raise


def _is_staged(work: Work, transmission: Transmission) -> bool:
    """True if the mailbox has the bytes or had them, since it was last wanted sent.

    What failed may have failed after it was handed over: staging it anew would send it twice.
    """
    happened = [event.what for event in work.timeline.of(transmission.subject)]
    return next((what for what in reversed(happened) if what in ("pending", "staged")), "") == "staged"


def _record_sent(
    work: Work,
    transmission: Transmission,
    handed: HandedOver,
    proof_hash: str | None,
    expected_within: Callable[[Interchange], timedelta | None],
) -> None:
    # Where an earlier call had done it, only those who keep proofs know the name.
    is_known = not handed.earlier or bool(handed.proof)
    detail = f"As {handed.name}." if is_known else "It had been handed over before."
    state: Literal["sent", "delivered"] = "delivered" if handed.confirmed and proof_hash else "sent"
    attempt = DeliveryAttempt(
        # One id per attempt, so that the same attempt recorded after a crash is the same row.
        id=str(uuid5(NAMESPACE_OID, f"{transmission.id}/{transmission.attempts + 1}")),
        transmission_id=transmission.id,
        outcome="sent",
        detail=detail,
    )
    work.transmissions.record_attempt(attempt)
    work.transmissions.move(transmission.id, state, detail=detail)
    work.transmissions.add_detail(transmission.id, handed.detail)
    if handed.confirmed:
        work.cases.settle(transmission.subject, reason=NOT_ACCEPTED, note=detail)
    if proof_hash is not None:
        work.transmissions.keep_proof(transmission.id, proof_hash)
    for document in work.documents.of(transmission=transmission.id):
        if document.delivery != "delivered":
            work.documents.change(document.id, state, delivery=state)
    for interchange in work.interchanges.of(transmission.id):
        within = expected_within(interchange)
        if within is not None and interchange.acknowledgment in ("none", "waiting", "overdue"):
            work.interchanges.mark_waiting(interchange.id, due_at=now() + within)
            work.cases.settle(interchange.subject, reason=OVERDUE, note="It was sent again.")
