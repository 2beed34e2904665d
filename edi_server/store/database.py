"""How a database is opened: SQLite so that a commit survives a power cut, PostgreSQL through psycopg 3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from edi_server.errors import ConfigurationError, StoreError

#: Seconds to wait for somebody else's write lock (SQLite) or for a free connection.
PATIENCE = 30
#: Execution option of a connection that only reads: SQLite then takes no write lock.
READ_ONLY = "edi_server_read_only"
#: SQLSTATE classes and codes of PostgreSQL that say that the content was wrong: constraint, data, syntax.
_PERMANENT_STATES = ("22", "23", "42")


def read_url(url: str) -> URL:
    """The URL as SQLAlchemy takes it: PostgreSQL goes through psycopg 3, SQLite needs a file.

    Raises ConfigurationError for anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        message = f"“{url}” is no database URL; write sqlite:///var/edi-server.db or postgresql://user@host/name."
        raise ConfigurationError(message) from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory":
            raise ConfigurationError("SQLite in memory forgets everything; name a file: sqlite:///var/edi-server.db.")
        return parsed
    message = f"Databases of kind “{parsed.drivername}” are not supported; use sqlite or postgresql."
    raise ConfigurationError(message)


def connect(url: str, *, connections: int = 20) -> Engine:
    """An engine for worker threads: at most that many connections at a time. Nothing is opened yet.

    Not to be carried over a fork.
    """
    parsed = read_url(url)
    options: dict[str, Any] = {
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
        "pool_size": min(5, connections),
        "max_overflow": max(0, connections - 5),
        "pool_timeout": PATIENCE,
    }
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"}, **options
        )
    Path(str(parsed.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": PATIENCE}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Pragmas of each new connection; the driver's own BEGIN is switched off in favour of `_begin_sqlite`."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    _turn_on_wal(cursor)
    # FULL: fsync on every commit. NORMAL, which WAL is often used with, may lose the last ones in a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _turn_on_wal(cursor: sqlite3.Cursor) -> None:
    """Set WAL once per file. The change of mode ignores busy_timeout, so two first starts at once need this loop."""
    give_up = time.monotonic() + PATIENCE
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the lock at once (waiting for it), for a read lock cannot be upgraded once somebody else wrote."""
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def reading(connection: Connection) -> dict[str, Any]:
    """Execution options of a connection that only reads, and sees one state of the database while it does."""
    if connection.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {READ_ONLY: True}


@contextmanager
def speaking_plainly() -> Iterator[None]:
    """Turns errors of the database into StoreError: passing unless the statement itself was at fault."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreError(f"No database connection became free within {PATIENCE} seconds.") from error
    except DBAPIError as error:
        raise StoreError(f"The database said: {_first_line(error.orig)}", permanent=_is_permanent(error)) from error
    except SQLAlchemyError as error:
        raise StoreError(f"The database could not be used: {_first_line(error)}", permanent=True) from error


def _is_permanent(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_PERMANENT_STATES)
    return isinstance(error, DataError | IntegrityError | NotSupportedError | ProgrammingError)


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0]
