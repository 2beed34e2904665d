"""The stand-in's database: one SQLite file that survives the death of its process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edi_server.erp.sandbox.schema import STORED, Model

#: Seconds a transaction waits for the one writer that SQLite allows.
_PATIENCE = 60.0


class Storage:
    """Connections to the file; each transaction gets one to itself."""

    def __init__(self, path: Path, models: dict[str, Model]) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self.transaction(write=True) as db:
            for model in models.values():
                db.execute(_table(model))
            db.execute("CREATE UNIQUE INDEX IF NOT EXISTS external_id ON ir_model_data (module, name)")
            db.execute("CREATE INDEX IF NOT EXISTS external_id_of ON ir_model_data (model, res_id)")
            for column in ("barcode", "default_code"):
                db.execute(f"CREATE INDEX IF NOT EXISTS product_{column} ON product_product ({column})")
            for table, column in (
                ("sale_order_line", "order_id"),
                ("stock_move", "picking_id"),
                ("stock_move_line", "move_id"),
                ("stock_move_line", "picking_id"),
            ):
                db.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})")

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction: a snapshot, or the one that may write. An error rolls back."""
        db = self._take()
        try:
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        finally:
            with self._lock:
                self._idle.append(db)

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        db = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # what was answered must be there after a kill
        return db


def _table(model: Model) -> str:
    columns = [f'"{name}" {STORED[field.type]}' for name, field in model.fields.items() if field.in_table]
    return f'CREATE TABLE IF NOT EXISTS "{model.table}" (id INTEGER PRIMARY KEY AUTOINCREMENT, {", ".join(columns)})'
