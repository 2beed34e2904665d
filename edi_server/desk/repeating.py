"""Reprocess: the same document from the start. Resend: the same bytes once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi_server.canonical import from_json
from edi_server.desk.actors import Actor, NotPossible
from edi_server.desk.references import Found, find
from edi_server.findings import has_errors
from edi_server.store import DeadLetter, Document, Transmission, Work, new_id
from edi_server.store.states import Delivery

if TYPE_CHECKING:
    from edi_server.desk.actions import Desk, Done
    from edi_server.engine.sending import Written


def reprocess(desk: Desk, reference: str, actor: Actor) -> Done:
    """See `Desk.reprocess`."""
    with desk.store.read() as work:
        found = find(work, reference)
        document = _outbound_document(found)
        transmission = None if document else work.transmissions.get(_transmission_id(work, found))
    if document is not None:
        return _translate_again(desk, document, actor)
    assert transmission is not None  # one of the two was found
    return _open_again(desk, transmission, actor)


def meant(found: Found) -> list[Document]:
    """The documents that a reference means first: those of that number before those that only refer to it.

    What a reprocess took the place of comes last, and only if nothing else is there.
    """
    named = [one for one in found.documents if found.reference in (one.number, one.id)] or list(found.documents)
    return [one for one in named if one.superseded_by is None] or named


def _outbound_document(found: Found) -> Document | None:
    documents = meant(found)
    if not documents or any(one.direction == "inbound" for one in documents):
        return None
    if len(documents) > 1:
        raise _ambiguous(found, [f"{one.type} {one.number} {one.id}" for one in documents])
    return documents[0]


def _transmission_id(work: Work, found: Found) -> str:
    """The one transmission that is meant."""
    ids: list[str | None] = [one.transmission_id for one in meant(found)]
    if not ids:
        ids = [*(one.transmission_id for one in found.interchanges), *(one.id for one in found.transmissions)]
    distinct = _without_ancestors(work, list(dict.fromkeys(one for one in ids if one)))
    if not distinct:
        raise NotPossible(f"“{found.reference}” has not been staged for sending; `edi-server show` tells why.")
    if len(distinct) > 1:
        raise _ambiguous(found, [_described(work.transmissions.get(one)) for one in distinct])
    return distinct[0]


def _without_ancestors(work: Work, ids: list[str]) -> list[str]:
    """Of a transmission and its reprocesses, the last: they are the same bytes."""
    ancestors = {ancestor for one in ids for ancestor in work.transmissions.lineage(one)[1:]}
    return [one for one in ids if one not in ancestors]


def _described(transmission: Transmission) -> str:
    return (
        f"{transmission.id} ({transmission.direction}, {transmission.name}, {transmission.created_at:%Y-%m-%d %H:%M})"
    )


def _ambiguous(found: Found, candidates: list[str]) -> NotPossible:
    listed = "\n  ".join(candidates[:10])
    return NotPossible(f"“{found.reference}” may mean several; give the id of one:\n  {listed}")


def _open_again(desk: Desk, original: Transmission, actor: Actor) -> Done:
    """A new transmission of the same bytes, which points to the one that they came by."""
    if original.direction == "outbound":
        message = (
            f"{original.name} is an acknowledgment that we sent: reprocess what it answers, or send the same bytes "
            f"again by `edi-server resend {original.id}`."
        )
        raise NotPossible(message)
    partner = desk.corridor.book.partner_of_mailbox(original.mailbox)
    with desk.store.begin() as work:
        latest = _latest_reading(work, original)
        if latest.result is None:
            raise NotPossible(f"{original.name} is still being opened ({latest.id}); wait until it is.")
        again = Transmission(
            direction="inbound",
            partner=partner.name if partner else None,
            mailbox=original.mailbox,
            transport=original.transport,
            name=original.name,
            size=original.size,
            content_hash=original.content_hash,
            parent_id=latest.id,
        )
        work.transmissions.take(again, actor=actor.name)
        work.timeline.add(latest.subject, "reprocessed", detail=f"As transmission {again.id}.", actor=actor.name)
    desk.work.receive(again.id, again.mailbox)
    return desk.done(f"{original.name} is opened again as {again.id}.", "transmission", again.id, submitted=True)


def _latest_reading(work: Work, original: Transmission) -> Transmission:
    """The last reprocess of these bytes: pointing at the first would make the second reprocess a duplicate of it."""
    siblings = {one.parent_id: one for one in reversed(work.transmissions.newest(content_hash=original.content_hash))}
    latest = original
    while latest.id in siblings:
        latest = siblings[latest.id]
    return latest


def _translate_again(desk: Desk, document: Document, actor: Actor) -> Done:
    """An outbound document once more through its profile, in an interchange with new control numbers."""
    from edi_server.engine.sending import request_for, stage_documents, write_document
    from edi_server.engine.staging import draft_all

    agreement = desk.corridor.agreement(str(document.agreement))
    if agreement.state not in ("testing", "live"):
        raise NotPossible(f"The agreement {agreement.id} is {agreement.state}; set its state to live first.")
    with desk.store.read() as work:
        document = work.documents.get(document.id)
        _refuse_on_the_way(work, document)
    written = write_document(desk.corridor, agreement, from_json(document.type, document.content or b""))
    if has_errors(written.findings):
        raise _still_wrong(document, written)
    profile = desk.corridor.profile(agreement)
    request = request_for(agreement, document, written, run=new_id())
    drafts = draft_all(desk.store, [request])
    with desk.store.begin() as work:
        _refuse_on_the_way(work, document)
        delivery: Delivery | None = "pending" if document.delivery == "failed" else None
        work.documents.change(document.id, "to be sent", validation="valid", delivery=delivery, actor=actor.name)
        transmission_id = stage_documents(desk.corridor, work, [document], request, drafts)
        staged = work.interchanges.of(transmission_id)[0]
        work.timeline.add(
            document.subject,
            "reprocessed",
            detail=f"Leaves in interchange {staged.control_reference} (transmission {transmission_id}).",
            profile_version=f"{profile.name} {profile.version}",
            actor=actor.name,
        )
        work.cases.settle(document.subject, note="Reprocessed.", actor=actor.name)
        _settle_left_behind(work, document.transmission_id, actor)
    desk.work.deliver(transmission_id, agreement.partner.mailbox)
    sentence = f"{document.type} {document.number} leaves again in interchange {staged.control_reference}."
    return desk.done(sentence, "transmission", transmission_id, submitted=True)


def _settle_left_behind(work: Work, transmission_id: str | None, actor: Actor) -> None:
    """What a transmission failed to bring leaves by another: nobody should be asked to try it once more."""
    if transmission_id is None or work.documents.of(transmission=transmission_id):
        return
    for letter in work.dead_letters.of_all_runs(f"deliver:{transmission_id}"):
        work.dead_letters.resolve(letter.id, actor=actor.name)


def _refuse_on_the_way(work: Work, document: Document) -> None:
    """What has numbers and is about to leave must not leave twice."""
    if document.transmission_id is None:
        return
    current = work.transmissions.get(document.transmission_id)
    if current.delivery in ("pending", "staged"):
        raise NotPossible(f"{document.type} {document.number} is about to leave as {current.name}; wait until it has.")


def _still_wrong(document: Document, written: Written) -> NotPossible:
    errors = [finding.sentence for finding in written.findings if finding.severity == "error"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = (
        f"{document.type} {document.number} still cannot be written: {errors[0]}{more} "
        f"Correct the profile or the data, then try again."
    )
    return NotPossible(message)


def resend(desk: Desk, reference: str, actor: Actor) -> Done:
    """See `Desk.resend`."""
    with desk.store.begin() as work:
        transmission = work.transmissions.get(_transmission_id(work, find(work, reference)))
        _refuse_to_resend(transmission)
        put_back(work, transmission, actor)
    desk.work.deliver(transmission.id, transmission.mailbox, run=str(transmission.attempts or ""))
    sentence = f"{transmission.name} is handed to {transmission.partner} once more, with the same control number."
    return desk.done(sentence, "transmission", transmission.id, submitted=True)


def put_back(work: Work, transmission: Transmission, actor: Actor, *, why: str = "Resend.") -> None:
    """What left, or failed to, is to leave once more; submitting the work is the caller's."""
    work.transmissions.move(transmission.id, "pending", detail=why, actor=actor.name)
    for document in work.documents.of(transmission=transmission.id):
        if document.delivery == "failed":
            work.documents.change(document.id, "resend", delivery="pending", actor=actor.name)
    for letter in work.dead_letters.of_all_runs(f"deliver:{transmission.id}"):
        work.dead_letters.resume(letter.id, actor=actor.name)


def resume_letter(work: Work, letter: DeadLetter, actor: Actor) -> None:
    """Given-up work is wanted again; submitting it is the caller's.

    A delivery that was refused for good begins anew, since nothing of it arrived. One that failed too often goes on
    where it was: it may have arrived, and the answer got lost.
    """
    work.dead_letters.resume(letter.id, actor=actor.name)
    if letter.workflow_kind == "deliver" and letter.permanent and letter.subject_id is not None:
        transmission = work.transmissions.get(letter.subject_id)
        if transmission.delivery == "failed":
            put_back(work, transmission, actor, why="The dead letter was resumed.")


def _refuse_to_resend(transmission: Transmission) -> None:
    if transmission.direction == "inbound":
        message = (
            f"{transmission.name} came from {transmission.partner or transmission.mailbox}: only what we sent can be "
            f"sent again. To open it again: `edi-server reprocess {transmission.id}`."
        )
        raise NotPossible(message)
    if transmission.delivery in ("pending", "staged"):
        raise NotPossible(f"{transmission.name} has not left yet; the daemon sends it as soon as it can.")
