"""Transmissions: taken from a mailbox or staged for one, and their delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.records import DeliveryAttempt, Subject, Transmission, now
from edi_server.store.rows import every, first, insert_once
from edi_server.store.tables import delivery_attempts, transmissions
from edi_server.store.timeline import Timeline

_table = transmissions


class Taken(msgspec.Struct, frozen=True):
    """A transmission that is in the store now."""

    transmission: Transmission
    #: False if it was there before: the call was a repetition and changed nothing.
    is_new: bool


class Transmissions:
    """See the methods; all of them may be repeated."""

    def __init__(self, connection: Connection, timeline: Timeline) -> None:
        self._connection = connection
        self._timeline = timeline

    def take(self, transmission: Transmission, *, actor: str = "system") -> Taken:
        """Store an inbound transmission whose bytes are archived; the second time with the same id changes nothing."""
        what = "taken again" if transmission.parent_id else "received"
        detail = f"{transmission.name}, {transmission.size} bytes, from mailbox {transmission.mailbox}."
        return self._store_once(transmission, what, detail, actor)

    def stage(self, transmission: Transmission, *, actor: str = "system") -> Taken:
        """Store an outbound transmission whose final bytes are archived; the second time changes nothing.

        With an id that is made of the work's own (`uuid5` of the workflow), a retry finds what it staged before:
        ask `find` first, and take control numbers only if it is not there, in the same unit of work. If `is_new` is
        False after all, another thread was faster: leave the unit of work by an exception, which gives them back.
        """
        if transmission.delivery is None:
            transmission = msgspec.structs.replace(transmission, delivery="pending")
        detail = f"{transmission.name}, {transmission.size} bytes, for mailbox {transmission.mailbox}."
        return self._store_once(transmission, str(transmission.delivery), detail, actor)

    def _store_once(self, transmission: Transmission, what: str, detail: str, actor: str) -> Taken:
        if not insert_once(self._connection, _table, msgspec.structs.asdict(transmission)):
            return Taken(self.get(transmission.id), is_new=False)
        self._timeline.add(transmission.subject, what, result=transmission.result or "", detail=detail, actor=actor)
        return Taken(transmission, is_new=True)

    def find(self, transmission_id: str) -> Transmission | None:
        """The transmission, or None."""
        return first(self._connection, select(_table).where(_table.c.id == transmission_id), Transmission)

    def get(self, transmission_id: str) -> Transmission:
        """The transmission; raises StoreError (permanent) if there is none."""
        found = self.find(transmission_id)
        if found is None:
            raise StoreError(f"There is no transmission {transmission_id}.", permanent=True)
        return found

    def newest(
        self,
        *,
        direction: states.Direction | None = None,
        partner: str | None = None,
        results: Iterable[states.TransmissionResult | None] | None = None,
        deliveries: Iterable[states.TransmissionDelivery] | None = None,
        content_hash: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Transmission]:
        """Newest first; `before` is the last id of the page before. None among `results`: still being opened."""
        query = select(_table).order_by(_table.c.id.desc()).limit(limit)
        for column, value in ((_table.c.direction, direction), (_table.c.partner, partner)):
            query = query if value is None else query.where(column == value)
        if results is not None:
            query = query.where(_is_one_of(_table.c.result, results))
        if deliveries is not None:
            query = query.where(_table.c.delivery.in_(list(deliveries)))
        if content_hash is not None:
            query = query.where(_table.c.content_hash == content_hash)
        if before is not None:
            query = query.where(_table.c.id < before)
        return every(self._connection, query, Transmission)

    def unfinished(self, direction: states.Direction) -> list[Transmission]:
        """Oldest first: inbound ones not opened yet, outbound ones not sent yet and not given up."""
        waits = _table.c.result.is_(None) if direction == "inbound" else _table.c.delivery.in_(("pending", "staged"))
        return every(
            self._connection,
            select(_table).where(_table.c.direction == direction, waits).order_by(_table.c.id),
            Transmission,
        )

    def count_waiting(self, mailbox: str) -> int:
        """How many outbound ones for a mailbox have not left yet."""
        waiting = _table.c.delivery.in_(("pending", "staged")) & (_table.c.mailbox == mailbox)
        return int(self._connection.execute(select(func.count()).select_from(_table).where(waiting)).scalar_one())

    def lineage(self, transmission_id: str) -> list[str]:
        """Its own id, that of the transmission it is a reprocess of, and so on up to the original."""
        ids: list[str] = []
        parent: str | None = transmission_id
        while parent is not None and parent not in ids:
            ids.append(parent)
            parent = self._connection.execute(select(_table.c.parent_id).where(_table.c.id == parent)).scalar()
        return ids

    def find_same_bytes(self, transmission: Transmission, *, within: timedelta) -> Transmission | None:
        """The first other inbound transmission of the same partner with the same bytes, or None.

        Not counted: what it is a reprocess of, reprocesses of others, what came to nothing (unreadable, unknown sender:
        a failed first attempt does not make the second a duplicate), and what is still being opened, unless its id is
        lower (of two that arrive together, one is the duplicate). `within` is how far back to look.
        """
        opened = _table.c.result.in_(("taken", "test lane"))
        query = (
            select(_table)
            .where(
                _table.c.direction == "inbound",
                _table.c.content_hash == transmission.content_hash,
                _table.c.partner == transmission.partner,
                _table.c.parent_id.is_(None),
                _table.c.id.not_in(self.lineage(transmission.id)),
                _table.c.created_at >= transmission.created_at - within,
                opened | (_table.c.result.is_(None) & (_table.c.id < transmission.id)),
            )
            .order_by(_table.c.id)
        )
        return first(self._connection, query, Transmission)

    def move(
        self, transmission_id: str, delivery: states.TransmissionDelivery, *, detail: str = "", actor: str = "system"
    ) -> bool:
        """Change the delivery of an outbound transmission, with an event. False if it was so already."""
        self._connection.execute(select(_table.c.id).where(_table.c.id == transmission_id).with_for_update())
        current = self.get(transmission_id)
        states.TRANSMISSION_DELIVERY.check(current.delivery, delivery)
        if current.delivery == delivery:
            return False
        self._set(transmission_id, delivery=delivery)
        self._timeline.add(current.subject, delivery, result=delivery, detail=detail, actor=actor)
        return True

    def reroute(self, transmission_id: str, transport: str) -> bool:
        """Let what has not left, or shall leave again, go by another transport, staged anew. False if it does so."""
        self._connection.execute(select(_table.c.id).where(_table.c.id == transmission_id).with_for_update())
        before = self.get(transmission_id)
        if before.transport == transport:
            return False
        detail = f"By {transport}, no longer by {before.transport}: that is what is agreed now."
        self._timeline.add(before.subject, "goes another way", detail=detail)
        self.move(transmission_id, "pending", detail=detail)
        self._set(transmission_id, transport=transport)
        return True

    def add_detail(self, transmission_id: str, detail: Mapping[str, str]) -> None:
        """What the transport has to say of it, beside what it said before."""
        if detail:
            self._set(transmission_id, detail={**self.get(transmission_id).detail, **detail})

    def keep_proof(self, transmission_id: str, proof_hash: str) -> None:
        """What proves its arrival (its key in the archive) came just now."""
        if self.get(transmission_id).proof_hash != proof_hash:
            self._set(transmission_id, proof_hash=proof_hash, proven_at=now())

    def record_attempt(self, attempt: DeliveryAttempt) -> bool:
        """Write down an attempt to hand over. False if that attempt (by id) is known already."""
        if not insert_once(self._connection, delivery_attempts, msgspec.structs.asdict(attempt)):
            return False
        query = update(_table).where(_table.c.id == attempt.transmission_id)
        self._connection.execute(query.values(attempts=_table.c.attempts + 1))
        subject = Subject("transmission", attempt.transmission_id)
        self._timeline.add(subject, "delivery attempted", result=attempt.outcome, detail=attempt.detail)
        return True

    def attempts(self, transmission_id: str) -> list[DeliveryAttempt]:
        """All attempts, oldest first."""
        query = select(delivery_attempts).where(delivery_attempts.c.transmission_id == transmission_id)
        return every(self._connection, query.order_by(delivery_attempts.c.id), DeliveryAttempt)

    def _set(self, transmission_id: str, **values: Any) -> None:
        self._connection.execute(update(_table).where(_table.c.id == transmission_id).values(**values))


def _is_one_of(column: Any, wanted: Iterable[str | None]) -> Any:
    words = list(wanted)
    known = column.in_([word for word in words if word is not None])
    return known | column.is_(None) if None in words else known
