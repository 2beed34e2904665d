"""Acknowledgments: which we sent, which we received, and what they say about what was sent."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from edi_server.store import states
from edi_server.store.interchanges import Interchanges
from edi_server.store.records import Acknowledgment, Interchange
from edi_server.store.rows import every, first, insert_once
from edi_server.store.tables import acknowledgments
from edi_server.store.timeline import Timeline


class Matched(msgspec.Struct, frozen=True):
    """What became of a received acknowledgment."""

    acknowledgment: Acknowledgment
    #: The interchange it is about, as it is now.
    interchange: Interchange
    #: False if it had been recorded before: nothing changed.
    is_new: bool


class Acknowledgments:
    """Both directions."""

    def __init__(self, connection: Connection, timeline: Timeline, interchanges: Interchanges) -> None:
        self._connection = connection
        self._timeline = timeline
        self._interchanges = interchanges

    def record_sent(
        self, acknowledgment: Acknowledgment, *, per_message: dict[str, states.Outcome] | None = None
    ) -> Acknowledgment:
        """Write down what we answered; one of a kind per inbound interchange: the first stays, and is returned.

        Also sets the acknowledgment of the inbound interchange, its messages and their documents, as
        `Interchanges.mark_acknowledged` says.
        """
        once = f"sent|{acknowledgment.kind}|{acknowledgment.about_interchange_id or acknowledgment.id}"
        stored, is_new = self._store_once(acknowledgment, once)
        if is_new and stored.about_interchange_id is not None:
            self._interchanges.mark_acknowledged(
                stored.about_interchange_id,
                stored.outcome,
                per_message=per_message,
                detail=f"{stored.kind} {stored.control_number or ''}".strip() + " sent.",
            )
        return stored

    def record_advice(self, acknowledgment: Acknowledgment, document_id: str) -> Acknowledgment:
        """Write down what we said about one document (APERAK, 824); one of a kind per document: the first stays."""
        return self._store_once(acknowledgment, f"sent|{acknowledgment.kind}|document {document_id}")[0]

    def receive(
        self,
        acknowledgment: Acknowledgment,
        about: Interchange,
        *,
        outcome: states.Outcome | None,
        per_message: dict[str, states.Outcome],
    ) -> Matched:
        """Write down what a partner answered about an interchange of ours, and set the acknowledgment there.

        `outcome` is that of the whole interchange, None while it stays as it is; `per_message` is by id or reference of
        the message. Both change documents too, as `Interchanges.mark_acknowledged` says. The second time with the same
        carrying message changes nothing.
        """
        acknowledgment = msgspec.structs.replace(acknowledgment, about_interchange_id=about.id)
        carrier = acknowledgment.message_id or acknowledgment.interchange_id or acknowledgment.transmission_id
        once = f"received|{carrier or acknowledgment.id}|{acknowledgment.kind}|{acknowledgment.about_control_reference}"
        stored, is_new = self._store_once(acknowledgment, once)
        detail = f"{stored.kind} {stored.control_number or ''}".strip() + " received."
        if is_new and outcome is not None:
            self._interchanges.mark_acknowledged(about.id, outcome, per_message=per_message, detail=detail)
        elif is_new:
            self._interchanges.mark_messages(per_message, detail=detail)
            self._timeline.add(about.subject, "acknowledgment", result=stored.outcome, detail=detail)
        return Matched(stored, self._interchanges.get(about.id), is_new)

    def keep(self, acknowledgment: Acknowledgment) -> Acknowledgment:
        """Write down what a partner answered without acting on it; the second time changes nothing."""
        carrier = acknowledgment.message_id or acknowledgment.interchange_id or acknowledgment.id
        once = f"received|{carrier}|{acknowledgment.kind}|{acknowledgment.about_control_reference}"
        return self._store_once(acknowledgment, once)[0]

    def _store_once(self, acknowledgment: Acknowledgment, once: str) -> tuple[Acknowledgment, bool]:
        values = msgspec.structs.asdict(acknowledgment) | {"once": once}
        if insert_once(self._connection, acknowledgments, values):
            return acknowledgment, True
        query = select(*_COLUMNS).where(acknowledgments.c.once == once)
        return first(self._connection, query, Acknowledgment) or acknowledgment, False

    def about(self, interchange_id: str) -> list[Acknowledgment]:
        """All about an interchange, oldest first: what we answered, or what was answered to us."""
        query = select(*_COLUMNS).where(acknowledgments.c.about_interchange_id == interchange_id)
        return every(self._connection, query.order_by(acknowledgments.c.id), Acknowledgment)

    def carried_by(self, transmission_id: str) -> list[Acknowledgment]:
        """All that a transmission carried, oldest first."""
        query = select(*_COLUMNS).where(acknowledgments.c.transmission_id == transmission_id)
        return every(self._connection, query.order_by(acknowledgments.c.id), Acknowledgment)

    def newest(
        self, *, direction: states.AcknowledgmentDirection | None = None, limit: int = 50
    ) -> list[Acknowledgment]:
        """Newest first."""
        query = select(*_COLUMNS).order_by(acknowledgments.c.id.desc()).limit(limit)
        if direction is not None:
            query = query.where(acknowledgments.c.direction == direction)
        return every(self._connection, query, Acknowledgment)


_COLUMNS = [column for column in acknowledgments.c if column.name != "once"]
