"""The post lane: documents of one transmission into their ERP, in order per business reference."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from edi_server.canonical import Order, from_json
from edi_server.engine.corridor import Corridor
from edi_server.erp.port import Erp, OrderToPost, Posted, PostingPolicy, Refused
from edi_server.errors import ConfigurationError
from edi_server.store import Case, Claimed, Document, ToPost, Work

#: Documents per call of the ERP: ten cost a third of ten calls, more adds next to nothing.
BATCH = 10
#: Event of a document that claims the key of another in whose place it is.
TOOK_OVER = "took over"


class Stuck(msgspec.Struct, frozen=True):
    """A document that cannot be posted until a person changes something, parked alone."""

    document_id: str
    #: What is wrong, and what to do.
    error: str


class Afterwards(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from posting a batch."""

    #: Ids of documents whose reference was held back until now.
    released: tuple[str, ...]
    stuck: tuple[Stuck, ...]


def batches(documents: Iterable[Document | ToPost], lanes: int) -> list[tuple[str, list[str]]]:
    """(partition, document ids) of the work that posts these documents: equal references always share a partition."""
    by_lane: dict[str, list[str]] = {}
    for document in documents:
        lane = zlib.crc32(str(document.reference).encode()) % lanes
        by_lane.setdefault(f"{document.erp}/{lane}", []).append(document.id)
    return [(lane, ids[at : at + BATCH]) for lane, ids in by_lane.items() for at in range(0, len(ids), BATCH)]


def erp_key(business_key: str) -> str:
    """The idempotency key of a business key: readable, [a-z0-9_]+, and different for different keys."""
    readable = re.sub(r"[^a-z0-9]+", "_", business_key.lower()).strip("_")[:60]
    return f"{readable}_{hashlib.sha256(business_key.encode()).hexdigest()[:12]}"


def is_waiting(document: Document) -> bool:
    """True if the document is to be posted and has not been."""
    return (
        document.direction == "inbound"
        and document.validation == "valid"
        and document.delivery in ("pending", "failed")
        and document.superseded_by is None
        and document.erp is not None
    )


class _Ready(msgspec.Struct, frozen=True):
    document: Document
    order: OrderToPost


class Posting:
    """Posts documents; every method may be repeated after a crash."""

    def __init__(self, corridor: Corridor) -> None:
        self._corridor = corridor
        self._store = corridor.store

    def post(self, document_ids: Sequence[str]) -> Afterwards:
        """Post those that may be posted now; one that cannot be, such as one of a removed agreement, stops no other.

        Raises ErpError and StoreError; what was posted until then is recorded.
        """
        ready: list[_Ready] = []
        stuck: list[Stuck] = []
        for one in document_ids:
            prepared = self._prepare(one)
            if isinstance(prepared, Stuck):
                stuck.append(prepared)
            elif prepared is not None:
                ready.append(prepared)
        for (erp, company), few in groupby(ready, key=lambda one: (one.document.erp, one.document.company)):
            self._post_to(self._corridor.erp(str(erp), self._company_id(company)), list(few))
        with self._store.read() as work:
            done = [one for one in work.documents.get_all(document_ids) if not is_waiting(one)]
            released = tuple(waiting.id for one in done for waiting in work.documents.held_behind(one))
        return Afterwards(released=released, stuck=tuple(stuck))

    def give_up(self, document_ids: Sequence[str], error: str) -> None:
        """The machine failed too often: mark what is not posted, so that people see it and its reference waits."""
        with self._store.begin() as work:
            for document in work.documents.get_all(document_ids):
                if is_waiting(document) and document.delivery == "pending":
                    work.documents.change(document.id, "parked", delivery="failed", detail=error)

    def _prepare(self, document_id: str) -> _Ready | Stuck | None:
        document = self._make_ready(document_id)
        if document is None:
            return None
        try:
            return _Ready(document, self._order(document))
        except ConfigurationError as error:
            self.give_up([document.id], str(error))
            return Stuck(document.id, str(error))

    def _make_ready(self, document_id: str) -> Document | None:
        """Claim the document's business key; None if there is nothing to post (now)."""
        with self._store.begin() as work:
            document = work.documents.get(document_id)
            if not is_waiting(document) or document.business_key is None or document.content_hash is None:
                return None
            earlier = work.documents.earlier_unfinished(document)
            if earlier:
                self._hold(work, document, earlier[0])
                return None
            claimed = work.ledger.claim_key(document.business_key, document.content_hash, document.id, erp=document.erp)
            if not _may_post(work, document, claimed):
                return None
            if document.delivery == "failed":
                # From here to `give_up` it is pending, so that nobody rejects what the ERP may be taking just now.
                work.documents.change(document.id, "tried again", delivery="pending")
            return document

    def _hold(self, work: Work, document: Document, earlier: Document) -> None:
        happened = work.timeline.of(document.subject)
        if not happened or happened[-1].what != "held back":
            detail = f"Waits for {earlier.type} {earlier.number} ({earlier.id}), which came before it."
            work.timeline.add(document.subject, "held back", detail=detail)

    def _company_id(self, name: str | None) -> int:
        company = self._corridor.book.companies.get(name or "")
        return company.odoo_company_id if company else 0

    def _post_to(self, erp: Erp, ready: list[_Ready]) -> None:
        answers = erp.post_orders([one.order for one in ready])
        for one, answer in zip(ready, answers, strict=True):
            with self._store.begin() as work:
                if isinstance(answer, Posted):
                    _record_posted(work, one.document, answer)
                else:
                    _record_refused(work, one.document, answer)

    def _order(self, document: Document) -> OrderToPost:
        agreement = self._corridor.agreement(str(document.agreement))
        order = from_json(document.type, document.content or b"")
        if not isinstance(order, Order):
            message = f"Documents of type {document.type} cannot be posted; end agreement {document.agreement}."
            raise ConfigurationError(message)
        policy = PostingPolicy(
            confirm=agreement.policies.confirm,
            time_zone=agreement.time_zone,
            keep_prices=agreement.policies.keep_prices,
        )
        return OrderToPost(key=erp_key(str(document.business_key)), order=order, policy=policy)


def _may_post(work: Work, document: Document, claimed: Claimed) -> bool:
    there = claimed.posting
    if there.state == "claimed" and _is_superseded(work, there.document_id):
        _take_over(work, document, there.document_id)
        return True
    if claimed.outcome == "other content":
        sentence = (
            f"{document.type} {document.number} came before with other content; this one was not posted. "
            "Decide whether it is a change or a mistake."
        )
        case = Case(
            subject_kind="document",
            subject_id=document.id,
            reason="number-used-before",
            sentence=sentence,
            partner=document.partner,
        )
        work.documents.change(document.id, "refused", validation="invalid", delivery="failed", detail=sentence)
        work.cases.open(case)
        return False
    if claimed.outcome == "same content" and there.state == "posted":
        work.documents.change(
            document.id,
            "posted before",
            delivery="delivered",
            erp_record_id=there.erp_record_id,
            erp_record_name=there.erp_record_name,
            detail=f"The same {document.type} is {there.erp_record_name} already.",
        )
        return False
    return True


def _is_superseded(work: Work, document_id: str) -> bool:
    owner = work.documents.find(document_id)
    return owner is not None and owner.superseded_by is not None


def _take_over(work: Work, document: Document, before: str) -> None:
    """A reprocess goes on where posting what it took the place of ended, be that before or behind the ERP's answer."""
    work.ledger.take_over(str(document.business_key), str(document.content_hash), document.id)
    work.timeline.add(document.subject, TOOK_OVER, detail=f"From {before}, which was not known to be posted.")


def _warn_of_earlier_content(work: Work, document: Document, posted: Posted) -> None:
    """The ERP may have taken the order before it was read again: then it holds what was read first."""
    if not posted.existed or all(event.what != TOOK_OVER for event in work.timeline.of(document.subject)):
        return
    sentence = (
        f"{posted.record_name} was in {document.erp} when {document.type} {document.number} was opened again: "
        "compare them, the record may hold what was read the first time."
    )
    case = Case(
        subject_kind="document",
        subject_id=document.id,
        reason="posted-before-reprocess",
        sentence=sentence,
        partner=document.partner,
    )
    work.cases.open(case)


def _record_posted(work: Work, document: Document, posted: Posted) -> None:
    key = str(document.business_key)
    work.ledger.record_posted(key, erp_record_id=posted.record_id, erp_record_name=posted.record_name)
    work.documents.change(
        document.id,
        "posted",
        delivery="delivered",
        erp_record_id=posted.record_id,
        erp_record_name=posted.record_name,
        findings=posted.findings,
        detail=f"{posted.record_name} in {document.erp}{', confirmed' if posted.confirmed else ''}.",
    )
    work.cases.settle(document.subject, note=f"Posted as {posted.record_name}.")
    _warn_of_earlier_content(work, document, posted)


def _record_refused(work: Work, document: Document, refused: Refused) -> None:
    work.ledger.release_key(str(document.business_key), document.id)
    sentence = " ".join(finding.sentence for finding in refused.findings[:3])
    work.documents.change(
        document.id, "refused", validation="invalid", delivery="failed", findings=refused.findings, detail=sentence
    )
    work.cases.open(
        Case(
            subject_kind="document",
            subject_id=document.id,
            reason="refused-by-erp",
            sentence=sentence,
            partner=document.partner,
        )
    )
