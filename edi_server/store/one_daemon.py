"""One daemon per database: two with different data folders would run each other's work."""

from __future__ import annotations

import time
from contextlib import suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from edi_server.errors import ConfigurationError
from edi_server.store.database import speaking_plainly

#: Key of the advisory lock, which a database server keeps apart by database.
_KEY = {"key": 0x6564692D73727672}
#: How long the server may take to notice that an earlier daemon was killed.
_PATIENCE_SECONDS = 3.0


class OneDaemon:
    """Holds PostgreSQL's advisory lock on a connection of its own. With SQLite the data folder's lock has to do."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError if another daemon holds it; StoreError."""
        self._engine = engine
        self._connection: Connection | None = None
        self._acquire()

    def keep(self) -> None:
        """Take it again if the connection was lost; ConfigurationError if another daemon was faster. StoreError."""
        if self._connection is None:
            self._acquire()
            return
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self.release()
            self._acquire()

    def release(self) -> None:
        """Let another daemon start."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.close()

    def _acquire(self) -> None:
        if self._engine.dialect.name != "postgresql":
            return
        with speaking_plainly():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # Out of the pool: closing it ends the session, and with it the lock.
            connection.detach()
            if _try(connection):
                self._connection = connection
                return
            connection.close()
        name = self._engine.url.database
        raise ConfigurationError(
            f"Another daemon is running on the database {name}, with another data folder or on another machine; "
            "stop it first, or give this one its own database.url."
        )


def _try(connection: Connection) -> bool:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), _KEY).scalar():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True
