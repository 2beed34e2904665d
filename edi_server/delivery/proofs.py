"""What proves, some time after a hand-over, that it arrived or that it did not: receipts that come on their own."""

from __future__ import annotations

from edi_server.delivery.outbox import NOT_ACCEPTED, mark_failed
from edi_server.store import Case, Store, Transmission, Work
from edi_server.transports.port import Proof, Proving


def settle_proofs(store: Store, transport: Proving) -> None:
    """Record every proof that the transport has, and let it forget them. Raises TransportError, StoreError."""
    for proof in transport.proofs():
        if record_proof(store, proof):
            transport.settle(proof)


def record_proof(store: Store, proof: Proof) -> bool:
    """Keep a proof and change the delivery by it; False if it came before its hand-over was recorded: ask again later.

    A proof that a delivery failed opens a case. Repeating it changes nothing, and nor does one of an earlier hand-over.
    """
    proof_hash = store.archive.put(proof.proof).hash if proof.proof else None
    with store.begin() as work:
        transmission = work.transmissions.find(proof.transmission_id)
        if transmission is None:
            return True
        if transmission.delivery in ("pending", "staged"):
            return False
        if _is_outdated(transmission, proof):
            return True
        if proof_hash is not None:
            work.transmissions.keep_proof(transmission.id, proof_hash)
        if proof.confirmed:
            _confirm(work, transmission, proof)
        elif transmission.delivery != "delivered":
            _fail(work, transmission, proof)
    return True


def _is_outdated(transmission: Transmission, proof: Proof) -> bool:
    """True for a hand-over before the last one.

    The detail is that of the last one only where that went well: what ended in an error left nothing there.
    """
    known = transmission.detail.get("message_id", "")
    has_left = transmission.delivery in ("sent", "delivered")
    return bool(has_left and known and proof.message_id and known != proof.message_id)


def _confirm(work: Work, transmission: Transmission, proof: Proof) -> None:
    work.transmissions.move(transmission.id, "delivered", detail=proof.sentence)
    for document in work.documents.of(transmission=transmission.id):
        work.documents.change(document.id, "delivered", delivery="delivered", detail=proof.sentence)
    work.cases.settle(transmission.subject, reason=NOT_ACCEPTED, note=proof.sentence)


def _fail(work: Work, transmission: Transmission, proof: Proof) -> None:
    mark_failed(work, transmission, proof.sentence)
    sentence = f"{transmission.name} left, but did not arrive well. {proof.sentence}"
    case = Case(
        subject_kind="transmission",
        subject_id=transmission.id,
        reason=NOT_ACCEPTED,
        sentence=sentence,
        partner=transmission.partner,
    )
    there = work.cases.open(case)
    if there.closed_at is not None:
        work.cases.move(there.id, "open", actor="system", note=sentence)
