"""What a person types → what is meant: an order number, an id or its beginning, a control reference, a file name."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Table, select

from edi_server.desk.actors import NotPossible
from edi_server.store import Document, Interchange, Transmission, Work
from edi_server.store.columns import writable
from edi_server.store.tables import cases, dead_letters, documents, interchanges, messages, transmissions

#: The beginning of a UUID, from its first eight digits on.
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]{0,27})?", re.IGNORECASE)
_WHOLE = 36
#: More than this is no answer to "which one?".
LIMIT = 50


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reference may mean, newest first; documents stand before what carries them."""

    reference: str
    documents: tuple[Document, ...] = ()
    #: Interchanges of that reference, without those whose documents are listed.
    interchanges: tuple[Interchange, ...] = ()
    #: Transmissions of that id or file name.
    transmissions: tuple[Transmission, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing was found."""
        return not (self.documents or self.interchanges or self.transmissions)


def find(work: Work, reference: str) -> Found:
    """What a reference means; raises NotPossible if nothing does."""
    reference = writable(reference).strip()
    found = _find_by_id(work, reference) or _find_by_words(work, reference)
    if found.is_empty:
        message = (
            f"Nothing is called “{reference}”. Give the number of an order or delivery, a control reference, "
            "a file name, the name of the record in the ERP, or an id; `edi-server documents` and "
            "`edi-server transmissions` list what there is."
        )
        raise NotPossible(message)
    return found


def _find_by_id(work: Work, reference: str) -> Found | None:
    if not _ID.fullmatch(reference):
        return None
    start = reference.lower()
    if ids := _ids(work, documents, start):
        return Found(reference=reference, documents=_documents(work, ids))
    if ids := _ids(work, transmissions, start):
        found = [work.transmissions.get(one) for one in ids]
        return Found(reference=reference, transmissions=tuple(found))
    if ids := _ids(work, interchanges, start):
        return Found(reference=reference, interchanges=tuple(work.interchanges.get(one) for one in ids))
    if ids := _ids(work, messages, start):
        return _found_message(work, reference, ids[0])
    return _find_subject(work, start)


def _ids(work: Work, table: Table, start: str) -> list[str]:
    """Ids that begin so, newest first."""
    column = table.c.id
    wanted = column == start if len(start) == _WHOLE else column.startswith(start)
    query = select(column).where(wanted).order_by(column.desc()).limit(LIMIT)
    return list(work.connection.execute(query).scalars())


def _documents(work: Work, ids: list[str]) -> tuple[Document, ...]:
    return tuple(work.documents.get_all(ids))


def _found_message(work: Work, reference: str, message_id: str) -> Found:
    carried = work.documents.of(message=message_id)
    if carried:
        return Found(reference=reference, documents=tuple(carried))
    message = work.interchanges.message(message_id)
    assert message is not None  # its id was found in this unit of work
    return Found(reference=reference, interchanges=(work.interchanges.get(message.interchange_id),))


def _find_subject(work: Work, start: str) -> Found | None:
    """What a case or dead letter is about."""
    for table in (cases, dead_letters):
        for one in _ids(work, table, start)[:1]:
            subject = work.connection.execute(select(table.c.subject_id).where(table.c.id == one)).scalar()
            return None if subject is None else _find_by_id(work, str(subject))
    return None


def find_row(work: Work, table: Table, reference: str, what: str, command: str) -> str:
    """The id of the one row of a table that begins so; raises NotPossible. For cases and dead letters."""
    start = writable(reference).strip().lower()
    ids = _ids(work, table, start) if _ID.fullmatch(start) else []
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise NotPossible(f"There is no {what} “{reference}”; `edi-server {command}` lists them with their ids.")
    raise NotPossible(f"“{reference}” is the beginning of {len(ids)} ids of {what}s; give more of it.")


def _find_by_words(work: Work, reference: str) -> Found:
    papers = work.documents.search(reference, limit=LIMIT)
    named = work.interchanges.newest(control_reference=reference, limit=LIMIT) if reference else []
    files = select(transmissions.c.id).where(transmissions.c.name == reference)
    ids = work.connection.execute(files.order_by(transmissions.c.id.desc()).limit(LIMIT)).scalars().all()
    if named or ids:
        papers = [document for document in papers if _is_exactly(document, reference, named)]
    listed = {document.interchange_id for document in papers}
    return Found(
        reference=reference,
        documents=tuple(papers),
        interchanges=tuple(one for one in named if one.id not in listed),
        transmissions=tuple(work.transmissions.get(one) for one in ids),
    )


def _is_exactly(document: Document, reference: str, named: list[Interchange]) -> bool:
    """True if the reference is what the document or its interchange is called, not merely a part of it."""
    names = (document.number, document.reference, document.erp_record_name)
    return reference in names or document.interchange_id in [one.id for one in named]
