"""Writes the next migration of the store from the difference between the migrations and the tables.

    python tools/new_migration.py "What it does, in a sentence"

Read what it wrote before committing it: Alembic does not see changed CHECK constraints (states) nor renames.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from edi_server.store.database import connect
from edi_server.store.migration import configuration, upgrade_engine


def write(sentence: str) -> None:
    """Write it to edi_server/store/migrations/versions."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{Path(folder) / 'empty.db'}")
        upgrade_engine(engine)
        with engine.begin() as connection:
            config = configuration(connection)
            head = ScriptDirectory.from_config(config).get_current_head() or "0"
            command.revision(config, message=sentence, rev_id=f"{int(head) + 1:04}", autogenerate=True)
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(sys.argv[1])
