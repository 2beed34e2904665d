"""The daemon: watches the mailboxes, runs the workflows, keeps the schedules.

One process. Threads: the engine's own, the collector of the folders, those of the network side as far as it is used
(`edi_server.engine.network`), and (with an embedded sandbox) the stand-in's web server.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from edi_server.engine.collecting import Collector, carefully
from edi_server.engine.corridor import Corridor
from edi_server.engine.durable import Durable, Submitter
from edi_server.engine.network import Network
from edi_server.engine.notices import Notices
from edi_server.engine.retrying import Retries
from edi_server.engine.workflows import Work, Workflows
from edi_server.errors import ConfigurationError, TransportError
from edi_server.partners.exchange import FOLDER
from edi_server.store import OneDaemon
from edi_server.transports.watching import Watch

log = logging.getLogger(__name__)


class Daemon:
    """Everything that `edi-server serve` runs. A context manager: running inside the block."""

    def __init__(self, corridor: Corridor) -> None:
        self._corridor = corridor
        settings = corridor.configuration.settings
        retries = settings.engine.retries
        url = corridor.configuration.database_url()
        # First: bringing the tables to this version under a daemon of another version would break it.
        self._lock = _OneAtATime(Path(settings.paths.data) / "daemon.lock")
        # The tables are brought to this version before anything runs.
        self._on_database = OneDaemon(corridor.store.engine)
        self._durable = Durable(
            url,
            executor="daemon",
            poll_seconds=settings.engine.poll_seconds,
            retries=Retries(
                limit=retries.attempts,
                first=retries.first_seconds,
                factor=retries.factor,
                longest=retries.longest_seconds,
            ),
        )
        self.submitter = Submitter(url)
        self.work = Work(self.submitter)
        self.workflows = Workflows(corridor, self._durable, self.work)
        self._notices = Notices(corridor.store)
        self.network = Network(corridor, self.work, self._notices)
        corridor.network = self.network
        self._stopping = threading.Event()
        #: True until mailboxes and schedules are as the partner files, read again, want them.
        self._is_book_new = False
        self._collector = threading.Thread(target=self._collect, name="collector", daemon=True)

    def __enter__(self) -> Self:
        self._corridor.prepare_mailboxes()
        # Before the engine: deliveries that were under way go on at once.
        self.network.prepare()
        self._durable.launch(self.workflows.queues(), self.workflows.schedules())
        self.workflows.pick_up()
        self._collector.start()
        try:
            self.network.open()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._collector.join(timeout=10)
        self.network.close()
        self._durable.stop()
        self.network.end()
        self.submitter.close()
        self._on_database.release()
        self._lock.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until `stop` was called; False if the time ran out first."""
        return self._stopping.wait(seconds)

    def stop(self) -> None:
        """Let `wait` return; safe in a signal handler."""
        self._stopping.set()

    def _collect(self) -> None:
        settings = self._corridor.configuration.settings
        folder = settings.transports.folder
        transport = self._corridor.transport(FOLDER)
        collector = Collector(self._corridor, self.work, self._notices, FOLDER, transport)
        with _watch(Path(settings.paths.inbox), folder.watch) as watch:
            if watch.without:
                log.info("inboxes are looked through every %s s only: %s", folder.scan_seconds, watch.without)
            while not self._stopping.is_set():
                soon = carefully(collector.collect)
                carefully(self._reload_book)
                carefully(self._stay_the_only_one)
                watch.wait(folder.scan_seconds if soon is None else min(folder.scan_seconds, soon))

    def _stay_the_only_one(self) -> None:
        try:
            self._on_database.keep()
        except ConfigurationError as error:
            log.critical("stopping: %s", error)
            self._stopping.set()

    def _reload_book(self) -> None:
        try:
            self._is_book_new |= self._corridor.reload_book()
        except ConfigurationError as error:
            self._corridor.report_once(f"partner files keep their last good state: {error}")
        if self._is_book_new:
            self._corridor.prepare_mailboxes()
            self.network.renew()
            self._durable.apply(self.workflows.schedules())
            self._is_book_new = False
            log.info("partner files were read again")


def _watch(folder: Path, mode: Literal["auto", "on", "off"]) -> Watch:
    """Watch a folder; where that fails although it was asked for, look through it as without, and say so."""
    try:
        return Watch(folder, mode)
    except TransportError as error:
        log.warning("%s", error)
        return Watch(folder, "off")


class _OneAtATime:
    """One daemon per data folder: a second one would run the first one's work beside it."""

    def __init__(self, path: Path) -> None:
        import fcntl

        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w")
        # Whoever asks whether a daemon runs holds the lock for a moment.
        for _ in range(10):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                break
        else:
            self._file.close()
            message = f"Another daemon is running on {path.parent}; stop it first, or give this one its own paths.data."
            raise ConfigurationError(message)

    def release(self) -> None:
        self._file.close()
