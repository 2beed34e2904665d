"""The daemon: watches the mailboxes, runs the workflows, keeps the schedules.

One process. Threads: the engine's own, the collector, and (with an embedded sandbox) the stand-in's web server.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from edi_server.engine.corridor import Corridor
from edi_server.engine.durable import Durable, Retries, Submitter
from edi_server.engine.workflows import Work, Workflows
from edi_server.errors import ConfigurationError, EdiServerError, TransportError
from edi_server.store import OneDaemon, Transmission
from edi_server.transports.port import Claim, Left, Transport
from edi_server.transports.watching import Watch

log = logging.getLogger(__name__)


class Collector:
    """Takes files from the mailboxes of one kind: claim, archive, commit, submit, release, in this order."""

    def __init__(self, corridor: Corridor, work: Work, kind: str) -> None:
        self._corridor = corridor
        self._work = work
        self._kind = kind
        self._transport: Transport = corridor.transport(kind)
        #: True while there may be claims that were not taken: of an earlier process, or because the machine failed.
        self._are_unfinished = True

    def collect(self) -> float | None:
        """Take what was claimed before and what is complete now; seconds until something else may be, or None."""
        if self._are_unfinished:
            claims = self._transport.claimed()
            self._are_unfinished = False
            self._take_all(claims)
        collected = self._transport.collect()
        for left in collected.left:
            _report(left)
        self._take_all(collected.claims)
        return collected.look_again_seconds

    def _take_all(self, claims: Iterable[Claim]) -> None:
        """One file that cannot be taken now must not hold up the others; it is taken at a later look."""
        for claim in claims:
            self._are_unfinished |= not _carefully(functools.partial(self._take_claim, claim))

    def _take_claim(self, claim: Claim) -> bool:
        self.take(claim)
        return True

    def take(self, claim: Claim) -> None:
        """Make a claimed file a transmission; repeated after a crash, it is the same one."""
        store = self._corridor.store
        partner = self._corridor.book.partner_of_mailbox(claim.mailbox)
        with claim.path.open("rb") as content:
            archived = store.archive.put(content)
        transmission = Transmission(
            id=claim.transmission_id,
            direction="inbound",
            partner=partner.name if partner else None,
            mailbox=claim.mailbox,
            transport=self._kind,
            name=claim.name,
            size=archived.size,
            content_hash=archived.hash,
        )
        with store.begin() as work:
            work.transmissions.take(transmission)
        self._work.receive(transmission.id, transmission.mailbox)
        self._transport.release(claim)
        log.info("took %s from mailbox %s as %s", claim.name, claim.mailbox, transmission.id)


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
        self._stopping = threading.Event()
        #: True until mailboxes and schedules are as the partner files, read again, want them.
        self._is_book_new = False
        self._collector = threading.Thread(target=self._collect, name="collector", daemon=True)

    def __enter__(self) -> Self:
        self._corridor.prepare_mailboxes()
        self._durable.launch(self.workflows.queues(), self.workflows.schedules())
        self.workflows.pick_up()
        self._collector.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._collector.join(timeout=10)
        self._durable.stop()
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
        collectors = [Collector(self._corridor, self.work, kind) for kind in self._corridor.kinds()]
        with _watch(Path(settings.paths.inbox), folder.watch) as watch:
            if watch.without:
                log.info("inboxes are looked through every %s s only: %s", folder.scan_seconds, watch.without)
            while not self._stopping.is_set():
                soon = [_carefully(collector.collect) for collector in collectors]
                _carefully(self._reload_book)
                _carefully(self._stay_the_only_one)
                watch.wait(min(folder.scan_seconds, *(one for one in soon if one is not None), folder.scan_seconds))

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


T = TypeVar("T")


def _carefully(action: Callable[[], T]) -> T | None:
    """Run an action whose failure must not end the collector: it is tried again at the next look."""
    try:
        return action()
    except EdiServerError as error:
        log.warning("collecting: %s", error)
    except Exception:
        log.exception("collecting failed unexpectedly")
    return None


def _report(left: Left) -> None:
    log.warning("left in mailbox %s: %s", left.mailbox or "(none)", left.finding.sentence)
