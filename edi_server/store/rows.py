"""Rows in and out, as records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

Record = TypeVar("Record", bound=msgspec.Struct)

#: Rows per executemany: enough to make a round trip cheap, little enough to stay small in memory.
CHUNK = 500


def insert(connection: Connection, table: Table, records: Iterable[msgspec.Struct]) -> None:
    """Insert the records in chunks (executemany)."""
    rest = iter(records)
    while chunk := [msgspec.structs.asdict(record) for record in islice(rest, CHUNK)]:
        connection.execute(table.insert(), chunk)


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the words of the database at hand."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_once(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert unless a unique key stands in the way; True if it was inserted."""
    (key,) = table.primary_key.columns
    statement = upsert(connection, table).values(values).on_conflict_do_nothing().returning(key)
    return connection.execute(statement).scalar() is not None


def first(connection: Connection, statement: Executable, record: type[Record]) -> Record | None:
    """The first row as a record, or None."""
    row = connection.execute(statement).mappings().first()
    return None if row is None else record(**row)


def every(connection: Connection, statement: Executable, record: type[Record]) -> list[Record]:
    """All rows as records."""
    return [record(**row) for row in connection.execute(statement).mappings()]


def pieces(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """Ids in pieces that fit an IN list of any database."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
