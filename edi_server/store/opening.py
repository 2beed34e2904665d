"""Opening a transmission: its interchanges, messages and documents, written in chunks while it is being read.

A transmission of 200 MB holds tens of thousands of messages, so they are written in several units of work; the last
one is `finish`, which alone makes the transmission count. After a crash in between, `discard_unfinished` takes back
what was written, and the work begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, delete, select, update

from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.store import states
from edi_server.store.cases import Cases
from edi_server.store.records import Case, Document, Event, Interchange, Message, Transmission
from edi_server.store.rows import insert
from edi_server.store.tables import (
    acknowledgments,
    cases,
    dead_letters,
    documents,
    interchanges,
    messages,
    transmissions,
)
from edi_server.store.timeline import Timeline
from edi_server.store.transmissions import Transmissions


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk of what was found. Interchanges first: what refers to them may come in the same or in a later chunk."""

    interchanges: tuple[Interchange, ...] = ()
    messages: tuple[Message, ...] = ()
    documents: tuple[Document, ...] = ()
    cases: tuple[Case, ...] = ()
    #: Further events; "translated" of each document is written by itself.
    events: tuple[Event, ...] = ()


class Opening:
    """See the module. Of one transmission, one opening may be under way (one workflow per transmission)."""

    def __init__(self, connection: Connection, timeline: Timeline, transmissions: Transmissions, cases: Cases) -> None:
        self._connection = connection
        self._timeline = timeline
        self._transmissions = transmissions
        self._cases = cases

    def discard_unfinished(self, transmission_id: str) -> bool:
        """Take back what a crashed opening wrote. False, and nothing happens, if the transmission is finished.

        Gone afterwards: interchanges, messages, documents, cases about them and received acknowledgments. Events stay.
        The marks that a received acknowledgment made on what we sent stay too; making them again changes nothing.
        """
        if self._transmissions.get(transmission_id).result is not None:
            return False
        ours = select(interchanges.c.id).where(interchanges.c.transmission_id == transmission_id)
        theirs = select(messages.c.id).where(messages.c.interchange_id.in_(ours))
        papers = select(documents.c.id).where(documents.c.transmission_id == transmission_id)
        self._remove(
            acknowledgments, (acknowledgments.c.direction == "received") & acknowledgments.c.interchange_id.in_(ours)
        )
        for subjects in (ours, theirs, papers):
            self._remove(cases, cases.c.subject_id.in_(subjects))
            self._remove(dead_letters, dead_letters.c.subject_id.in_(subjects))
        self._remove(documents, documents.c.transmission_id == transmission_id)
        self._remove(messages, messages.c.interchange_id.in_(ours))
        self._remove(interchanges, interchanges.c.transmission_id == transmission_id)
        return True

    def _remove(self, table: Any, which: ColumnElement[bool]) -> None:
        self._connection.execute(delete(table).where(which))

    def write(self, opened: Opened) -> None:
        """Write a chunk."""
        insert(self._connection, interchanges, opened.interchanges)
        insert(self._connection, messages, opened.messages)
        insert(self._connection, documents, opened.documents)
        self._timeline.add_all(_translated(document) for document in opened.documents)
        for case in opened.cases:
            self._cases.open(case)
        self._timeline.add_all(opened.events)

    def close_interchange(
        self,
        interchange_id: str,
        result: states.InterchangeResult,
        *,
        end_offset: int,
        messages: int,
        fingerprint: str | None = None,
        partner: str | None = None,
        agreement: str | None = None,
        findings: Iterable[Finding] = (),
        detail: str = "",
    ) -> None:
        """The interchange was read to its end: what came out, and what is known only now. `findings` replace."""
        now = self._connection.execute(
            select(interchanges.c.result).where(interchanges.c.id == interchange_id)
        ).scalar()
        states.INTERCHANGE_RESULT.check(now, result)
        if now == result:
            return
        values: dict[str, Any] = {
            "result": result,
            "end_offset": end_offset,
            "messages": messages,
            "fingerprint": fingerprint,
            "findings": tuple(findings),
        }
        values |= {name: value for name, value in (("partner", partner), ("agreement", agreement)) if value is not None}
        self._connection.execute(update(interchanges).where(interchanges.c.id == interchange_id).values(values))
        event = Event(
            subject_kind="interchange", subject_id=interchange_id, what="opened", result=result, detail=detail
        )
        self._timeline.add_all((event,))

    def withdraw_documents(self, interchange_id: str) -> int:
        """Take back the documents of an interchange that turned out to be a duplicate, and cases about them.

        Only while its transmission is being opened. Their events stay. How many there were.
        """
        papers = select(documents.c.id).where(documents.c.interchange_id == interchange_id)
        count = len(self._connection.execute(papers).all())
        letters = select(messages.c.id).where(messages.c.interchange_id == interchange_id)
        for subjects in (papers, letters):
            self._remove(cases, cases.c.subject_id.in_(subjects))
        self._remove(documents, documents.c.interchange_id == interchange_id)
        return count

    def finish(
        self,
        transmission_id: str,
        result: states.TransmissionResult,
        *,
        findings: Iterable[Finding] = (),
        partner: str | None = None,
        detail: str = "",
    ) -> bool:
        """The transmission is opened; from now on its documents count. False if it was finished so before.

        Of a reprocess, its documents take the place of those not delivered of the same key in what it reprocesses.
        """
        transmission = self._transmissions.get(transmission_id)
        states.TRANSMISSION_RESULT.check(transmission.result, result)
        if transmission.result == result:
            return False
        self._refuse_half_open(transmission_id)
        values: dict[str, Any] = {"result": result, "findings": tuple(findings)}
        values |= {} if partner is None else {"partner": partner}
        self._connection.execute(update(transmissions).where(transmissions.c.id == transmission_id).values(values))
        self._timeline.add(transmission.subject, "opened", result=result, detail=detail)
        self._supersede(transmission)
        return True

    def _refuse_half_open(self, transmission_id: str) -> None:
        open_ones = select(interchanges.c.number).where(
            interchanges.c.transmission_id == transmission_id, interchanges.c.result.is_(None)
        )
        number = self._connection.execute(open_ones).scalar()
        if number is not None:
            message = f"Interchange {number} of transmission {transmission_id} has no result yet."
            raise StoreError(message, permanent=True)

    def _supersede(self, transmission: Transmission) -> None:
        for ancestor in self._transmissions.lineage(transmission.id)[1:]:
            newer = documents.alias("newer")
            same = (newer.c.transmission_id == transmission.id) & (newer.c.business_key == documents.c.business_key)
            replacement: Select[Any] = select(newer.c.id).where(same).order_by(newer.c.id).limit(1)
            which = (
                (documents.c.transmission_id == ancestor)
                & documents.c.superseded_by.is_(None)
                & (documents.c.delivery != "delivered")
                & replacement.exists()
            )
            self._connection.execute(update(documents).where(which).values(superseded_by=replacement.scalar_subquery()))
            self._settle_cases(ancestor, transmission)

    def _settle_cases(self, ancestor: str, transmission: Transmission) -> None:
        """What a person had to decide on was opened again: where it still is so, that has a case of its own."""
        ours = select(interchanges.c.id).where(interchanges.c.transmission_id == ancestor)
        theirs = select(messages.c.id).where(messages.c.interchange_id.in_(ours))
        papers = select(documents.c.id).where(
            documents.c.transmission_id == ancestor, documents.c.superseded_by.is_not(None)
        )
        id_ = cases.c.subject_id
        about = (id_ == ancestor) | id_.in_(ours) | id_.in_(theirs) | id_.in_(papers)
        query = select(cases.c.id).where(about, cases.c.state.in_(states.OPEN_CASES))
        for one in self._connection.execute(query).scalars().all():
            self._cases.move(one, "fixed", actor="system", note=f"Opened again as {transmission.id}.")


def _translated(document: Document) -> Event:
    return Event(
        subject_kind="document",
        subject_id=document.id,
        what="translated",
        result=document.validation,
        profile_version=document.profile and f"{document.profile} {document.profile_version or ''}".strip(),
    )
