"""Documents: their three statuses, finding them again, and the order in which they are posted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, exists, func, or_, select, update

from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.store import states
from edi_server.store.records import Document, Event, now
from edi_server.store.rows import every, first, insert_once, pieces
from edi_server.store.tables import cases, documents, interchanges, messages
from edi_server.store.timeline import Timeline

_table = documents
#: What lists read: everything but the content.
_SLIM = [column for column in _table.c if column.name != "content"]


class ToPost(msgspec.Struct, frozen=True):
    """No more of a document than it takes to decide where it is posted."""

    id: str
    erp: str
    #: What it is posted in order of.
    reference: str | None


class Documents:
    """See the methods. Inbound documents are written by `Opening`, outbound ones by `add`."""

    def __init__(self, connection: Connection, timeline: Timeline) -> None:
        self._connection = connection
        self._timeline = timeline

    def add(self, document: Document, *, what: str = "created", detail: str = "", actor: str = "system") -> bool:
        """Store a document, with an event. False if its id is there already, and nothing changed."""
        if not insert_once(self._connection, _table, msgspec.structs.asdict(document)):
            return False
        version = _version(document)
        self._timeline.add(
            document.subject, what, result=document.validation, detail=detail, profile_version=version, actor=actor
        )
        return True

    def find(self, document_id: str) -> Document | None:
        """The document with its content, or None."""
        return first(self._connection, select(_table).where(_table.c.id == document_id), Document)

    def get(self, document_id: str) -> Document:
        """The document with its content; raises StoreError (permanent) if there is none."""
        found = self.find(document_id)
        if found is None:
            raise StoreError(f"There is no document {document_id}.", permanent=True)
        return found

    def get_all(self, document_ids: Sequence[str]) -> list[Document]:
        """These documents with content, in the order of the ids; unknown ids are left out."""
        found = {
            d.id: d for d in every(self._connection, select(_table).where(_table.c.id.in_(document_ids)), Document)
        }
        return [found[one] for one in document_ids if one in found]

    def of(
        self, *, transmission: str | None = None, interchange: str | None = None, message: str | None = None
    ) -> list[Document]:
        """Those of a transmission, interchange or message, in order, without content."""
        query = select(*_SLIM).order_by(_table.c.id)
        for column, value in (
            (_table.c.transmission_id, transmission),
            (_table.c.interchange_id, interchange),
            (_table.c.message_id, message),
        ):
            query = query if value is None else query.where(column == value)
        return every(self._connection, query, Document)

    def in_messages(self, message_ids: Sequence[str]) -> list[Document]:
        """Those of these messages, in order, without content."""
        found: list[Document] = []
        for piece in pieces(message_ids):
            query = select(*_SLIM).where(_table.c.message_id.in_(piece)).order_by(_table.c.id)
            found += every(self._connection, query, Document)
        return found

    def find_sent(self, number: str, *, sent_to: str) -> Document | None:
        """The newest outbound document of that number to a partner, without content, or None."""
        query = (
            select(*_SLIM)
            .where(_table.c.direction == "outbound", _table.c.partner == sent_to, _table.c.number == number)
            .order_by(_table.c.id.desc())
        )
        return first(self._connection, query, Document)

    def to_post(self, transmission_id: str) -> list[ToPost]:
        """The documents of an inbound transmission that are to be posted and have not been, in order."""
        query = (
            select(_table.c.id, _table.c.erp, _table.c.reference)
            .where(
                _table.c.transmission_id == transmission_id,
                _table.c.direction == "inbound",
                _table.c.validation == "valid",
                _table.c.delivery.in_(("pending", "failed")),
                _table.c.superseded_by.is_(None),
                _table.c.erp.is_not(None),
            )
            .order_by(_table.c.id)
        )
        return [ToPost(**row) for row in self._connection.execute(query).mappings()]

    def unposted_erps(self) -> list[str]:
        """Names of the ERPs that inbound documents wait for."""
        query = select(_table.c.erp).where(
            _table.c.direction == "inbound",
            _table.c.validation == "valid",
            _table.c.delivery.in_(("pending", "failed")),
            _table.c.erp.is_not(None),
        )
        return sorted(self._connection.execute(query.distinct()).scalars())

    def newest(
        self,
        *,
        direction: states.Direction | None = None,
        partner: str | None = None,
        type: str | None = None,  # noqa: A002 — the trade's word
        validation: states.Validation | None = None,
        delivery: states.Delivery | None = None,
        acknowledgment: states.AcknowledgmentState | None = None,
        business_key: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Document]:
        """Newest first, without content; `before` is the id of the last one of the page before."""
        wanted = {
            "direction": direction,
            "partner": partner,
            "type": type,
            "validation": validation,
            "delivery": delivery,
            "acknowledgment": acknowledgment,
            "business_key": business_key,
        }
        query = self._page(before, limit)
        for column, value in wanted.items():
            query = query if value is None else query.where(_table.c[column] == value)
        return every(self._connection, query, Document)

    def rejected(self, *, partner: str | None = None, before: str | None = None, limit: int = 50) -> list[Document]:
        """Those a person has to decide on (with an open case, or invalid and never decided on; not superseded).

        Newest first, without content.
        """
        case = exists().where(cases.c.subject_id == _table.c.id)
        undecided = (_table.c.validation == "invalid") & ~case
        query = self._page(before, limit).where(
            undecided | case.where(cases.c.state.in_(states.OPEN_CASES)), _table.c.superseded_by.is_(None)
        )
        return every(self._connection, query if partner is None else query.where(_table.c.partner == partner), Document)

    def _page(self, before: str | None, limit: int) -> Select[Any]:
        query = select(*_SLIM).order_by(_table.c.id.desc()).limit(limit)
        return query if before is None else query.where(_table.c.id < before)

    def search(self, text: str, *, limit: int = 50) -> list[Document]:
        """Documents that a person may mean by `text`, newest first, without content.

        The first of these that finds something: an id (of the document or of its message, interchange or
        transmission); the number, reference or name of the record in the ERP as written; the control reference of the
        interchange or message; a part of number, reference or record name in upper or lower case (slow on millions).
        """
        text = text.strip()
        if not text:
            return []
        columns = (_table.c.number, _table.c.reference, _table.c.erp_record_name)
        pattern = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        within = select(interchanges.c.id).where(interchanges.c.control_reference == text)
        named = select(messages.c.id).where(messages.c.reference == text)
        ladder = (
            or_(*(c == text.lower() for c in (_table.c.id, _table.c.message_id))),
            or_(*(c == text.lower() for c in (_table.c.interchange_id, _table.c.transmission_id))),
            or_(*(column == text for column in columns)),
            or_(_table.c.interchange_id.in_(within), _table.c.message_id.in_(named)),
            or_(*(func.lower(column).like(pattern, escape="\\") for column in columns)),
        )
        pages = (every(self._connection, self._page(None, limit).where(rung), Document) for rung in ladder)
        return next((page for page in pages if page), [])

    def change(
        self,
        document_id: str,
        what: str,
        *,
        validation: states.Validation | None = None,
        delivery: states.Delivery | None = None,
        acknowledgment: states.AcknowledgmentState | None = None,
        findings: Iterable[Finding] = (),
        erp: str | None = None,
        erp_record_id: int | None = None,
        erp_record_name: str | None = None,
        detail: str = "",
        actor: str = "system",
    ) -> bool:
        """Change statuses (or the record in the ERP), with one event `what`. False, and no event, if all was so before.

        `findings` come on top of those there are. Raises StoreError (permanent) for a move that `states` does not list.
        """
        now_ = self._lock(document_id)
        states.DOCUMENT_VALIDATION.check(now_.validation, validation or now_.validation)
        states.DOCUMENT_DELIVERY.check(now_.delivery, delivery or now_.delivery)
        states.DOCUMENT_ACKNOWLEDGMENT.check(now_.acknowledgment, acknowledgment or now_.acknowledgment)
        wanted: dict[str, Any] = {
            "validation": validation,
            "delivery": delivery,
            "acknowledgment": acknowledgment,
            "erp": erp,
            "erp_record_id": erp_record_id,
            "erp_record_name": erp_record_name,
        }
        values = {name: value for name, value in wanted.items() if value not in (None, getattr(now_, name))}
        if further := tuple(finding for finding in findings if finding not in now_.findings):
            values["findings"] = now_.findings + further
        if not values:
            return False
        self._connection.execute(update(_table).where(_table.c.id == document_id).values(**values, changed_at=now()))
        result = " ".join(word for word in (validation, delivery, acknowledgment) if word)
        self._timeline.add(
            now_.subject, what, result=result, detail=detail, profile_version=_version(now_), actor=actor
        )
        return True

    def void(
        self, chosen: Iterable[Document], what: str, *, findings: Sequence[Finding], detail: str, actor: str = "system"
    ) -> int:
        """Make those that are valid invalid, with an event each; how many there were. As `change`, for thousands."""
        valid = [document for document in chosen if document.validation == "valid"]
        if not valid:
            return 0
        statement = update(_table).where(_table.c.id == bindparam("which"), _table.c.validation == "valid")
        statement = statement.values(validation="invalid", findings=bindparam("merged"), changed_at=now())
        self._connection.execute(
            statement,
            [
                {"which": one.id, "merged": one.findings + tuple(f for f in findings if f not in one.findings)}
                for one in valid
            ],
        )
        self._timeline.add_all(
            Event(
                subject_kind="document",
                subject_id=one.id,
                what=what,
                result="invalid",
                detail=detail,
                profile_version=_version(one),
                actor=actor,
            )
            for one in valid
        )
        return len(valid)

    def mark_delivery(
        self, transmission_id: str, delivery: states.Delivery, what: str, *, detail: str = "", actor: str = "system"
    ) -> int:
        """Change the delivery of all documents of an outbound transmission; how many were not so before."""
        query = select(_table.c.id).where(_table.c.transmission_id == transmission_id).order_by(_table.c.id)
        ids = self._connection.execute(query).scalars().all()
        return sum(self.change(one, what, delivery=delivery, detail=detail, actor=actor) for one in ids)

    def place(
        self,
        document_id: str,
        *,
        transmission_id: str,
        interchange_id: str,
        message_id: str,
        profile_version: str | None = None,
    ) -> None:
        """Say in which message of which transmission an outbound document leaves."""
        values: dict[str, Any] = {
            "transmission_id": transmission_id,
            "interchange_id": interchange_id,
            "message_id": message_id,
            "changed_at": now(),
        }
        values |= {} if profile_version is None else {"profile_version": profile_version}
        self._connection.execute(update(_table).where(_table.c.id == document_id).values(values))

    def earlier_unfinished(self, document: Document) -> list[Document]:
        """Documents that have to be posted before this one: same ERP and reference, older, not done; oldest first.

        Done is: delivered, invalid (nothing will be posted; the sender sends anew), or superseded by a reprocess. A
        parked one (valid, pending or failed) holds back. Another sending of the same business key holds nothing back:
        the ledger decides between them. Without content; empty where ERP or reference is unknown.
        """
        if document.erp is None or document.reference is None:
            return []
        query = (
            select(*_SLIM)
            .where(
                _table.c.erp == document.erp,
                _table.c.reference == document.reference,
                _table.c.direction == document.direction,
                _table.c.test == document.test,
                _table.c.id < document.id,
                _table.c.validation != "invalid",
                _table.c.delivery.in_(("pending", "failed")),
                _table.c.superseded_by.is_(None),
                _table.c.company.is_not_distinct_from(document.company),
                _table.c.partner.is_not_distinct_from(document.partner),
            )
            .order_by(_table.c.id)
        )
        if document.business_key is not None:
            query = query.where(_table.c.business_key.is_distinct_from(document.business_key))
        return every(self._connection, query, Document)

    def held_behind(self, document: Document) -> list[Document]:
        """The next document that waits for this one, which is done: same ERP and reference, newer, to be posted.

        At most one, for those behind it wait for it in turn. Without content.
        """
        if document.erp is None or document.reference is None:
            return []
        query = (
            select(*_SLIM)
            .where(
                _table.c.erp == document.erp,
                _table.c.reference == document.reference,
                _table.c.direction == document.direction,
                _table.c.test == document.test,
                _table.c.id > document.id,
                _table.c.validation == "valid",
                _table.c.delivery == "pending",
                _table.c.superseded_by.is_(None),
                _table.c.company.is_not_distinct_from(document.company),
                _table.c.partner.is_not_distinct_from(document.partner),
            )
            .order_by(_table.c.id)
            .limit(1)
        )
        return every(self._connection, query, Document)

    def _lock(self, document_id: str) -> Document:
        self._connection.execute(select(_table.c.id).where(_table.c.id == document_id).with_for_update())
        return self.get(document_id)


def _version(document: Document) -> str | None:
    if document.profile is None:
        return None
    return f"{document.profile} {document.profile_version or ''}".strip()
