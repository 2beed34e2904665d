"""Migrations: from nothing, side by side, and never touching what is not ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from edi_server.errors import ConfigurationError
from edi_server.store import upgrade
from edi_server.store.database import connect
from edi_server.store.migration import VERSION_TABLE, context_options, is_current, upgrade_engine
from edi_server.store.tables import METADATA

DBOS_TABLES = ("workflow_status", "operation_outputs", "notifications", "workflow_events", "streams")


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    opened = connect(empty_database_url)
    yield opened
    opened.dispose()


def shape(engine: Engine) -> dict[str, Any]:
    """All that the database says about our tables."""
    seen = inspect(engine)
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)],
            "key": seen.get_pk_constraint(table),
            "foreign": sorted(seen.get_foreign_keys(table), key=str),
            "unique": sorted(seen.get_unique_constraints(table), key=str),
            "checks": sorted((c["name"], c["sqltext"]) for c in seen.get_check_constraints(table)),
            "indexes": sorted(((i["name"], i["column_names"], i["unique"]) for i in seen.get_indexes(table)), key=str),
        }
        for table in METADATA.tables
    }


def test_migrating_from_nothing_makes_exactly_the_tables_of_the_metadata(engine: Engine) -> None:
    METADATA.create_all(engine)
    wanted = shape(engine)
    METADATA.drop_all(engine)
    upgrade_engine(engine)
    assert shape(engine) == wanted
    assert wanted["documents"]["checks"], "the comparison sees CHECK constraints"


def test_autogenerate_finds_nothing_to_do_and_does_not_see_the_engines_tables(engine: Engine) -> None:
    upgrade_engine(engine)
    with engine.begin() as connection:
        for name in DBOS_TABLES:
            connection.execute(text(f"CREATE TABLE {name} (id TEXT PRIMARY KEY)"))
    with engine.connect() as connection:
        options = {name: value for name, value in context_options().items() if name != "target_metadata"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        unfiltered = MigrationContext.configure(connection, opts=options | {"include_name": None})
        seen = str(produce_migrations(unfiltered, METADATA).upgrade_ops.as_diffs())
        assert all(name in seen for name in DBOS_TABLES), "without the filter they would be dropped"


def test_dbos_itself_can_live_in_the_same_database(empty_database_url: str, engine: Engine, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from dbos import DBOS\n"
        "DBOS(config={'name': 'neighbour', 'system_database_url': sys.argv[1], 'run_admin_server': False})\n"
        "DBOS.launch()\n"
        "DBOS.destroy()\n"
    )
    upgrade(empty_database_url)
    subprocess.run(
        [sys.executable, "-c", script, empty_database_url], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    assert "workflow_status" in inspect(engine).get_table_names(schema=schema)
    assert (
        not set(inspect(engine).get_table_names(schema=schema)) & (set(METADATA.tables) | {VERSION_TABLE}) or not schema
    )
    with engine.connect() as connection:
        options = {name: value for name, value in context_options().items() if name != "target_metadata"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    assert is_current(engine)


def test_processes_that_start_at_once_all_succeed(empty_database_url: str, engine: Engine) -> None:
    script = "import sys\nfrom edi_server.store import upgrade\nupgrade(sys.argv[1])\n"
    started = [
        subprocess.Popen([sys.executable, "-c", script, empty_database_url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert ended == [("", 0)] * 4
    assert is_current(engine)


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    upgrade_engine(engine)
    before = shape(engine)
    upgrade_engine(engine)
    assert shape(engine) == before


def test_a_database_of_a_newer_version_is_refused_in_words(engine: Engine) -> None:
    upgrade_engine(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer version"):
        upgrade_engine(engine)


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE transmissions (x INTEGER)"))
    with pytest.raises(Exception, match="transmissions"):
        upgrade_engine(engine)
    assert inspect(engine).get_table_names() == ["transmissions"]


def test_foreign_keys_are_on_again_after_an_upgrade(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL cannot switch them off")
    upgrade_engine(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_migrations_ship_with_the_package() -> None:
    from edi_server.store import migrations

    folder = Path(str(migrations.__file__)).parent
    assert (folder / "env.py").is_file()
    assert (folder / "script.py.mako").is_file()
    assert sorted(path.name for path in (folder / "versions").glob("0*.py"))
