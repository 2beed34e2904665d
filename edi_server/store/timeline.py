"""The timeline: what happened, when, by which profile version, with which result. Append only."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from edi_server.store.records import Event, Subject
from edi_server.store.rows import every, insert
from edi_server.store.tables import events


class Timeline:
    """Events of transmissions, interchanges, messages and documents."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        subject: Subject,
        what: str,
        *,
        result: str = "",
        detail: str = "",
        profile_version: str | None = None,
        actor: str = "system",
    ) -> Event:
        """Write down that something happened just now."""
        event = Event(
            subject_kind=subject.kind,
            subject_id=subject.id,
            what=what,
            result=result,
            detail=detail,
            profile_version=profile_version,
            actor=actor,
        )
        self.add_all((event,))
        return event

    def add_all(self, happened: Iterable[Event]) -> None:
        """Write down many events at once."""
        insert(self._connection, events, happened)

    def of(self, *subjects: Subject | None) -> list[Event]:
        """All events of these subjects, oldest first; None among them is passed over."""
        ids = [subject.id for subject in subjects if subject]
        return every(self._connection, select(events).where(events.c.subject_id.in_(ids)).order_by(events.c.id), Event)
