"""Watermarks: up to where something has been polled."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from edi_server.store.records import Watermark, now
from edi_server.store.rows import every, first, upsert
from edi_server.store.tables import watermarks


class Watermarks:
    """One row per name, such as "nordmarkt/desadv-out"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reached(self, name: str) -> datetime | None:
        """Up to where `name` has been polled (UTC), or None if never."""
        found = first(self._connection, select(watermarks).where(watermarks.c.name == name), Watermark)
        return found.reached if found else None

    def advance(self, name: str, to: datetime) -> None:
        """Remember that `name` has been polled up to there. Never backwards: an earlier instant changes nothing."""
        statement = upsert(self._connection, watermarks).values(name=name, reached=to, changed_at=now())
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"reached": statement.excluded.reached, "changed_at": statement.excluded.changed_at},
                where=watermarks.c.reached < statement.excluded.reached,
            )
        )

    def forget(self, name: str) -> None:
        """Poll `name` from the beginning next time."""
        self._connection.execute(delete(watermarks).where(watermarks.c.name == name))

    def all(self) -> list[Watermark]:
        """Every watermark, by name."""
        return every(self._connection, select(watermarks).order_by(watermarks.c.name), Watermark)
