"""The stand-in's database: one SQLite file that survives the death of its process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edi_server.erp.sandbox.schema import STORED, Model
from edi_server.errors import ConfigurationError

#: Seconds a transaction waits for the one writer that SQLite allows.
_PATIENCE = 60.0
_INDEXES = (
    "UNIQUE INDEX IF NOT EXISTS external_id ON ir_model_data (module, name)",
    "INDEX IF NOT EXISTS external_id_of ON ir_model_data (model, res_id)",
    "INDEX IF NOT EXISTS product_barcode ON product_product (barcode)",
    "INDEX IF NOT EXISTS product_code ON product_product (default_code)",
    "INDEX IF NOT EXISTS line_order ON sale_order_line (order_id)",
    "INDEX IF NOT EXISTS picking_order ON stock_picking (sale_id)",
    "INDEX IF NOT EXISTS move_picking ON stock_move (picking_id)",
    "INDEX IF NOT EXISTS move_line_move ON stock_move_line (move_id)",
    "INDEX IF NOT EXISTS move_line_picking ON stock_move_line (picking_id)",
)


class Storage:
    """Connections to the file; each transaction gets one to itself."""

    def __init__(self, path: Path, version: str, models: dict[str, Model]) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self.transaction(write=True) as db:
            _refuse_other_version(db, path, version)
            for model in models.values():
                _make_table(db, model)
            for index in _INDEXES:
                db.execute(f"CREATE {index}")

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


def _refuse_other_version(db: sqlite3.Connection, path: Path, version: str) -> None:
    """17 and 19 name fields differently, so a file belongs to one of them."""
    major = int(version.partition(".")[0])
    [made_by] = db.execute("PRAGMA user_version").fetchone()
    if made_by not in (0, major):
        raise ConfigurationError(
            f"{path} belongs to an Odoo {made_by}.0 stand-in: start it as {made_by}.0 or name another file."
        )
    db.execute(f"PRAGMA user_version = {major}")


def _make_table(db: sqlite3.Connection, model: Model) -> None:
    """Create the table, or add the columns that an older stand-in did not have."""
    columns = {name: STORED[field.type] for name, field in model.fields.items() if field.in_table}
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    db.execute(f'CREATE TABLE IF NOT EXISTS "{model.table}" (id INTEGER PRIMARY KEY AUTOINCREMENT, {listed})')
    present = {row["name"] for row in db.execute(f'PRAGMA table_info("{model.table}")')}
    for name in columns.keys() - present:
        db.execute(f'ALTER TABLE "{model.table}" ADD COLUMN "{name}" {columns[name]}')
