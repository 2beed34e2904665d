"""Bringing a database to the tables of this version, and telling whether it has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from edi_server.errors import ConfigurationError
from edi_server.store.columns import Instant, Structured, Words
from edi_server.store.database import connect, reading, speaking_plainly
from edi_server.store.tables import METADATA

FOLDER = Path(__file__).parent / "migrations"
#: A name of our own, for the database may be shared.
VERSION_TABLE = "edi_server_version"
#: Any number that nobody else locks: "EDI" in ASCII.
_LOCK = 0x454449


def upgrade(url: str) -> None:
    """Create or change the tables so that they are those of this version; safe when several processes start at once.

    Raises ConfigurationError if a newer version of the software has been at work on the database, StoreError if it
    cannot be reached.
    """
    engine = connect(url, connections=1)
    try:
        upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> None:
    """As `upgrade`, on an engine of `connect`. All or nothing: the migrations run in one transaction."""
    if is_current(engine):
        return
    with speaking_plainly(), _alone(engine) as connection:
        try:
            command.upgrade(configuration(connection), "head")
        except CommandError as error:
            message = (
                f"The database was changed by a newer version of this software ({error}). "
                "Install that version, or restore the backup made before the upgrade."
            )
            raise ConfigurationError(message) from error


def is_current(engine: Engine) -> bool:
    """True if the database has the tables of this version."""
    with speaking_plainly(), engine.connect() as connection:
        connection.execution_options(**reading(connection))
        return version(connection) == ScriptDirectory.from_config(configuration(connection)).get_current_head()


def require_current(engine: Engine) -> None:
    """Raises ConfigurationError if the database has the tables of another version."""
    if not is_current(engine):
        raise ConfigurationError("The database has the tables of another version; start the server to upgrade it.")


def version(connection: Connection) -> str | None:
    """The migration that the database stands at, or None if it is empty."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def configuration(connection: Connection) -> Config:
    """What Alembic needs to know; used by the tests and to write a new migration (CONTRIBUTING)."""
    config = Config()
    # Alembic takes "%" for interpolation, and the path of an installation may hold one.
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def context_options() -> dict[str, Any]:
    """How migrations run and what autogenerate may see: our tables only.

    The engine keeps its own tables in the same SQLite file; without the filter autogenerate would drop them.
    """
    return {
        "target_metadata": METADATA,
        "version_table": VERSION_TABLE,
        "include_name": include_name,
        "compare_type": True,
        "transactional_ddl": True,
        "render_as_batch": True,
        "render_item": render_item,
    }


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """True for what belongs to the store."""
    return kind != "table" or name in METADATA.tables


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Our kinds of columns as the plain ones beneath, so that a migration stays what it was when the code changes."""
    if kind != "type":
        return False
    if isinstance(item, Structured):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    if isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return "sa.String()" if isinstance(item, Words) else False


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process can migrate beside."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Rebuilding a table drops the old one, and foreign keys can be switched off outside a transaction only.
            _switch_foreign_keys(connection, "OFF")
            try:
                with connection.begin():  # BEGIN IMMEDIATE: the others wait
                    yield connection
                    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                        message = f"The upgrade would leave {len(broken)} rows without what they refer to."
                        raise ConfigurationError(message)
            finally:
                _switch_foreign_keys(connection, "ON")
        else:
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection


def _switch_foreign_keys(connection: Connection, how: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys = {how}")
    cursor.close()
