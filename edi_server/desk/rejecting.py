"""Reject: a person decides that a document is not worked with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi_server.desk.actors import Actor, NotPossible
from edi_server.desk.references import find
from edi_server.desk.repeating import meant
from edi_server.store import Case, Document, Work
from edi_server.store.states import OPEN_CASES, Delivery

if TYPE_CHECKING:
    from edi_server.desk.actions import Desk, Done

REASON = "rejected-by-person"


def reject(desk: Desk, reference: str, reason: str, actor: Actor) -> Done:
    """See `Desk.reject`."""
    from edi_server.engine.advising import stage_advice
    from edi_server.engine.posting import batches

    if not reason.strip():
        raise NotPossible("Say why, so that the partner can be told.")
    with desk.store.read() as work:
        found = find(work, reference)
        document = _the_one(found.reference, meant(found))
        is_claimed = _is_claimed(work, document)
        _refuse_in_flight(work, document)
    if is_claimed:
        _refuse_if_posted(desk, document)
    with desk.store.begin() as work:
        before, document = document, work.documents.get(document.id)
        _refuse_if_done(document)
        _refuse_in_flight(work, document)
        if is_claimed and document.changed_at != before.changed_at:
            raise NotPossible(f"{_name(document)} was worked on just now; look at it again before you reject it.")
        _reject(work, document, reason, actor)
        advice = stage_advice(desk.corridor, work, work.documents.get(document.id), reason=reason)
        waiting = work.documents.held_behind(document)
    for lane, ids in batches(waiting, desk.configuration.settings.engine.post_workers):
        desk.work.post(lane, ids, run=f"after {document.id}")
    if advice is not None:
        desk.work.deliver(*advice)
    if document.direction == "inbound" and document.transmission_id is not None:
        desk.corridor.tell(document.transmission_id)
    return desk.done(f"{document.type} {document.number or document.id} is rejected.", "document", document.id)


def _the_one(reference: str, documents: list[Document]) -> Document:
    if not documents:
        raise NotPossible(f"“{reference}” is no document; a case is closed by `edi-server cases close ID`.")
    if len(documents) > 1:
        listed = "\n  ".join(f"{one.id} {one.type} {one.number} of {one.partner}" for one in documents[:10])
        raise NotPossible(f"“{reference}” may mean several; give the id of one:\n  {listed}")
    _refuse_if_done(documents[0])
    return documents[0]


def _name(document: Document) -> str:
    return f"{document.type} {document.number or document.id}"


def _refuse_in_flight(work: Work, document: Document) -> None:
    """Between claiming its key and the ERP's answer, or before it leaves, nobody can tell on which side it will be."""
    if document.direction == "outbound" and document.transmission_id is not None:
        if work.transmissions.get(document.transmission_id).delivery in ("pending", "staged"):
            raise NotPossible(f"{_name(document)} is about to leave; wait until it has left or was given up.")
    elif document.direction == "inbound" and document.delivery == "pending" and _is_claimed(work, document):
        message = (
            f"{_name(document)} is being posted to {document.erp} just now; wait until it is there or was given up "
            "(a dead letter)."
        )
        raise NotPossible(message)


def _refuse_if_done(document: Document) -> None:
    name = _name(document)
    if document.delivery == "delivered":
        raise NotPossible(f"{name} is {document.erp_record_name} in {document.erp} already; cancel it there.")
    if document.direction == "outbound" and document.delivery == "sent":
        raise NotPossible(f"{name} has left; ask {document.partner} to ignore it.")


def _is_claimed(work: Work, document: Document) -> bool:
    """True if posting it has begun, so that only the ERP knows how far it came."""
    posting = work.ledger.find(document.business_key) if document.business_key else None
    return posting is not None and posting.document_id == document.id and posting.state == "claimed"


def _refuse_if_posted(desk: Desk, document: Document) -> None:
    """The machine may have failed after the ERP had it; ErpError goes through: then it cannot be decided yet."""
    from edi_server.engine.posting import erp_key

    if document.direction == "outbound" or document.erp is None:
        return
    there = desk.corridor.erp(document.erp).find_order(erp_key(str(document.business_key)))
    if there is not None:
        message = (
            f"{document.type} {document.number} is {there.record_name} in {document.erp} already; cancel it there."
        )
        raise NotPossible(message)


def _reject(work: Work, document: Document, reason: str, actor: Actor) -> None:
    delivery: Delivery | None = "failed" if document.delivery == "pending" else None
    changed = work.documents.change(
        document.id, "rejected", validation="invalid", delivery=delivery, detail=reason, actor=actor.name
    )
    if not changed:
        work.timeline.add(document.subject, "rejected", detail=reason, actor=actor.name)
    _settle_letter(work, document, actor)
    if _is_claimed(work, document) and document.business_key:
        work.ledger.release_key(document.business_key, document.id)
    opened = [case for case in work.cases.about(document.subject) if case.state in OPEN_CASES]
    if not opened:
        opened = [work.cases.open(_case(document, reason), actor=actor.name)]
    for case in opened:
        if case.state in OPEN_CASES:
            work.cases.move(case.id, "rejected", actor=actor.name, note=reason)


def _settle_letter(work: Work, document: Document, actor: Actor) -> None:
    """Given-up work that was about this document alone has nothing left to do."""
    for letter in work.dead_letters.about(document.subject):
        alone = (letter.workflow_input or {}).get("documents") == [document.id]
        if alone and letter.state != "resolved":
            work.dead_letters.resolve(letter.id, actor=actor.name)


def _case(document: Document, reason: str) -> Case:
    return Case(
        subject_kind="document",
        subject_id=document.id,
        reason=REASON,
        sentence=f"{document.type} {document.number or document.id} was rejected: {reason}",
        partner=document.partner,
    )
