"""The store: one database and one archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine

from edi_server.store.acknowledgments import Acknowledgments
from edi_server.store.archive import Archive, FolderArchive
from edi_server.store.cases import Cases
from edi_server.store.control_numbers import ControlNumbers
from edi_server.store.database import connect, reading, speaking_plainly
from edi_server.store.dead_letters import DeadLetters
from edi_server.store.documents import Documents
from edi_server.store.interchanges import Interchanges
from edi_server.store.ledger import Ledger
from edi_server.store.migration import require_current, upgrade_engine
from edi_server.store.opening import Opening
from edi_server.store.timeline import Timeline
from edi_server.store.transmissions import Transmissions
from edi_server.store.watermarks import Watermarks


class Work:
    """A unit of work: everything done through one of these is done together or not at all.

    Belongs to one thread and ends with the `with` block that made it. `Work(connection)` joins a transaction that
    somebody else began on `Store.engine` and will commit.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def timeline(self) -> Timeline:
        """What happened."""
        return Timeline(self.connection)

    @cached_property
    def transmissions(self) -> Transmissions:
        """Bytes that crossed a transport."""
        return Transmissions(self.connection, self.timeline)

    @cached_property
    def opening(self) -> Opening:
        """Writing down what is in an inbound transmission."""
        return Opening(self.connection, self.timeline, self.transmissions, self.cases)

    @cached_property
    def interchanges(self) -> Interchanges:
        """Interchanges and messages."""
        return Interchanges(self.connection, self.timeline, self.transmissions)

    @cached_property
    def documents(self) -> Documents:
        """Business documents."""
        return Documents(self.connection, self.timeline)

    @cached_property
    def ledger(self) -> Ledger:
        """Business keys."""
        return Ledger(self.connection)

    @cached_property
    def acknowledgments(self) -> Acknowledgments:
        """Acknowledgments sent and received."""
        return Acknowledgments(self.connection, self.timeline, self.interchanges)

    @cached_property
    def cases(self) -> Cases:
        """What a person has to decide on."""
        return Cases(self.connection, self.timeline)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Work that was given up."""
        return DeadLetters(self.connection, self.timeline)

    @cached_property
    def control_numbers(self) -> ControlNumbers:
        """Ranges of control numbers."""
        return ControlNumbers(self.connection)

    @cached_property
    def watermarks(self) -> Watermarks:
        """Up to where something has been polled."""
        return Watermarks(self.connection)


class Store:
    """Database and archive. One per process, shared by all its threads; not to be carried over a fork."""

    def __init__(self, engine: Engine, archive: Archive) -> None:
        #: For those who begin transactions of their own (see `Work`).
        self.engine = engine
        self.archive = archive

    @classmethod
    def open(cls, url: str, archive: Path | Archive, *, migrate: bool = True, connections: int = 20) -> Store:
        """Open the database at `url` and the archive (a folder, or one of another kind).

        `migrate` brings the tables to this version; without it, other tables raise ConfigurationError. At most
        `connections` threads work in the database at a time; others wait for up to 30 seconds.
        Raises StoreError if the database or the folder cannot be used.
        """
        engine = connect(url, connections=connections)
        try:
            (upgrade_engine if migrate else require_current)(engine)
            return cls(engine, FolderArchive(archive) if isinstance(archive, Path) else archive)
        except BaseException:
            engine.dispose()
            raise

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """A unit of work that may write: committed at the end of the block, rolled back if it raises.

        Keep it short and never begin another inside it: SQLite has one writer at a time, and the next waits for up to
        30 seconds. Raises StoreError, passing where doing the whole block again may help (lock, deadlock, lost
        connection).
        """
        with speaking_plainly(), self.engine.begin() as connection:
            yield Work(connection)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """A unit of work that only reads, and never waits for a writer (SQLite); writing in it is an error."""
        with speaking_plainly(), self.engine.connect() as connection:
            yield Work(connection.execution_options(**reading(connection)))

    def close(self) -> None:
        """Close the connections to the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
