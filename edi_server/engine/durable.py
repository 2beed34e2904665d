"""The durable engine, as thin as possible over DBOS: workflows survive kill -9, queues keep order, schedules fire once.

Everything else in this package speaks of `Durable` and `Submitter` only, so that the engine could be replaced.

What is asked of DBOS, with the reasons measured in `docs/decisions.md`:

* SQLite is opened by us in WAL mode with synchronous=FULL, in a file beside the business database, so that long
  business transactions never hold up the engine; PostgreSQL uses the schema `dbos` of the same database.
* JSON, never pickle; a pinned application version, so that an upgrade finds the work of its predecessor.
* Killing the process is no failure of the work: the recovery bound is high, and real failures are counted by `attempt`.
* Every workflow id is given by the caller and names the work, so that submitting twice runs once.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from croniter import croniter
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from edi_server.engine.retrying import Failure, GaveUp, Outcome, Retries, call, wait_after
from edi_server.errors import StoreError
from edi_server.store.database import speaking_plainly

APPLICATION = "edi-server"
#: Raise only when recorded steps of an older release can no longer be replayed by this one.
APPLICATION_VERSION = "1"
#: Starts of the process that may interrupt one workflow before it is given up.
RECOVERY_BOUND = 50
#: The workflow that submits what a schedule asks for.
BY_CLOCK = "by-clock"

log = logging.getLogger(__name__)

PORTABLE_JSON = DBOSPortableJSONSerializer()
Work = Callable[..., Any]


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue whose partitions are worked off in order, one at a time each."""

    name: str
    #: Workflows of this queue running at once in this process.
    workers: int


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Work that is submitted by the clock: the same as `Submitter.submit`, once per tick."""

    name: str
    queue: str
    workflow: str
    partition: str
    #: Five or six fields (seconds first).
    cron: str
    time_zone: str = "UTC"
    argument: dict[str, Any] = {}


class ScheduleState(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as the engine has it."""

    name: str
    cron: str
    time_zone: str
    paused: bool
    last_run: datetime | None
    next_run: datetime


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow that the engine itself gave up, with what it takes to submit it again."""

    workflow_id: str
    workflow: str
    argument: dict[str, Any]
    partition: str
    error: str


def engine_database(store_url: str) -> str:
    """Where the engine keeps its tables: a file beside the store's on SQLite, the same database on PostgreSQL."""
    url = sa.make_url(store_url)
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    path = str(url.database)
    stem = path.removesuffix(".sqlite").removesuffix(".db")
    return f"sqlite:///{stem}-engine.sqlite"


def _open(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
    # A connection per use: SQLite connections are cheap, and none outlives a thread or a fork.
    engine = sa.create_engine(url, poolclass=NullPool)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class Submitter:
    """Submits work and looks at schedules, from any thread of any process, without running anything."""

    def __init__(self, store_url: str) -> None:
        self._engine = _open(engine_database(store_url))
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=PORTABLE_JSON,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def submit(self, queue: str, workflow: str, workflow_id: str, partition: str, argument: Mapping[str, Any]) -> None:
        """Have the work done once, in order within the partition; a second submission under the same id is no-op."""
        options: EnqueueOptions = {
            "queue_name": queue,
            "workflow_name": workflow,
            "workflow_id": workflow_id,
            "queue_partition_key": partition,
        }
        with _speaking_plainly():
            self._client.enqueue(options, dict(argument))

    def trigger(self, schedule: str) -> None:
        """Run a schedule now, besides its times."""
        with _speaking_plainly():
            self._client.trigger_schedule(schedule)

    def schedules(self) -> list[ScheduleState]:
        """Every schedule with its next run."""
        with _speaking_plainly():
            return [_state(schedule) for schedule in self._client.list_schedules()]

    def unfinished(self, among: Sequence[str] = ()) -> int:
        """Number of workflows (of these names, or of all) that are queued, waiting or running."""
        statuses = ["ENQUEUED", "PENDING", "DELAYED"]
        return len(self._client.list_workflows(status=statuses, name=list(among) or None, load_input=False))

    def broken(self) -> list[Broken]:
        """Workflows that the engine itself gave up, such as those that took the process with them again and again."""
        statuses = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
        with _speaking_plainly():
            rows = self._client.list_workflows(status=statuses)
        return [_broken(row) for row in rows if row.name != BY_CLOCK]

    def forget(self, age: timedelta, *, among: Sequence[str] = ()) -> int:
        """Forget what was done that long ago (by workflows of these names, or by all); how much it was."""
        before = (datetime.now(UTC) - age).isoformat()
        with _speaking_plainly():
            rows = self._client.list_workflows(
                status="SUCCESS",
                completed_before=before,
                name=list(among) or None,
                limit=1000,
                load_input=False,
                load_output=False,
            )
            if rows:
                self._client.delete_workflows([row.workflow_id for row in rows])
        return len(rows)

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()
        self._engine.dispose()


@contextmanager
def _speaking_plainly() -> Iterator[None]:
    """Errors of the engine's database as StoreError. Its tables are made when a daemon starts."""
    try:
        with speaking_plainly():
            yield
    except StoreError as error:
        if isinstance(error.__cause__, OperationalError | ProgrammingError) and _TABLE_MISSING.search(str(error)):
            message = "No daemon has run on this database yet; start `edi-server serve`, which finds what waits."
            raise StoreError(message, permanent=True) from error
        raise


_TABLE_MISSING = re.compile(r"no such table|relation .* does not exist")


def _broken(row: Any) -> Broken:
    arguments = (row.input or {}).get("args") or [{}]
    return Broken(
        workflow_id=row.workflow_id,
        workflow=row.name,
        argument=dict(arguments[0]),
        partition=row.queue_partition_key or "",
        error=f"{row.status}: {row.error or 'the process ended each time this was tried'}",
    )


def _state(schedule: Any) -> ScheduleState:
    zone = schedule["cron_timezone"] or "UTC"
    now = datetime.now(ZoneInfo(zone))
    last = schedule["last_fired_at"]
    return ScheduleState(
        name=schedule["schedule_name"],
        cron=schedule["schedule"],
        time_zone=zone,
        paused=schedule["status"] != "ACTIVE",
        last_run=datetime.fromisoformat(last) if last else None,
        next_run=croniter(schedule["schedule"], now, second_at_beginning=True).get_next(datetime),
    )


class Durable:
    """The running engine of this process. One at a time per process and per executor id."""

    def __init__(self, store_url: str, *, executor: str, poll_seconds: float, retries: Retries) -> None:
        self._engine = _open(engine_database(store_url))
        self._poll_seconds = poll_seconds
        self._retries = retries
        self.stopping = threading.Event()
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": engine_database(store_url),
            "system_database_engine": self._engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "serializer": PORTABLE_JSON,
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": 2.0,
            "notification_listener_polling_interval_sec": poll_seconds,
            "use_listen_notify": False,
        }
        DBOS(config=config)
        self._submitter = Submitter(store_url)

        def tick(at: datetime, context: Any) -> None:
            work = msgspec.convert(context, Schedule)
            self._submitter.submit(work.queue, work.workflow, f"{work.name}@{at}", work.partition, work.argument)

        self._by_clock = DBOS.workflow(name=BY_CLOCK, max_recovery_attempts=RECOVERY_BOUND)(tick)

    def workflow(self, name: str, function: Callable[[dict[str, Any]], None]) -> None:
        """Register a workflow before `launch`; it is called with the argument it was submitted with."""

        def run(argument: dict[str, Any]) -> None:
            function(argument)

        DBOS.workflow(name=name, max_recovery_attempts=RECOVERY_BOUND)(run)

    def launch(self, queues: list[Queue], schedules: list[Schedule]) -> None:
        """Recover what was running when the last process ended, then work."""
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(
                queue.name,
                partition_concurrency=1,
                worker_concurrency=queue.workers,
                polling_interval_sec=self._poll_seconds,
                on_conflict="always_update",
            )
        self.apply(schedules)

    def apply(self, schedules: list[Schedule]) -> None:
        """Make the engine's schedules exactly these."""
        wanted = {schedule.name for schedule in schedules}
        for known in DBOS.list_schedules():
            if known["schedule_name"] not in wanted:
                DBOS.delete_schedule(known["schedule_name"])
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": schedule.name,
                    "workflow_fn": self._by_clock,
                    "schedule": schedule.cron,
                    "cron_timezone": schedule.time_zone,
                    "context": msgspec.to_builtins(schedule),
                }
                for schedule in schedules
            ]
        )

    def attempt(
        self,
        step: str,
        function: Work,
        *arguments: Any,
        is_last: bool = False,
        retries: Callable[[], Retries] | None = None,
    ) -> Any:
        """Run a function as a checkpointed step of the calling workflow, again and again while the machine fails.

        The function must be idempotent: after a crash it runs again unless its result was recorded. Its result must be
        JSON. Raises `GaveUp` on a permanent failure or when the limit is reached; the waits between are durable.
        `is_last`: nobody is left to give up to, so passing failures are tried for ever. `retries`: others than usual,
        as they are at each failure.
        """
        failures = 0
        agreed, usual = retries or (lambda: self._retries), self._retries

        def once() -> dict[str, Any]:
            outcome = call(function, arguments, failures=failures, retries=agreed, usual=usual, is_last=is_last)
            return dict(msgspec.to_builtins(outcome))

        while True:
            outcome = msgspec.convert(DBOS.run_step({"name": step}, once), Outcome)
            if outcome.later is not None:
                DBOS.sleep(outcome.later)
                continue
            if not outcome.error:
                return outcome.result
            failures += 1
            wait = wait_after(outcome, failures, usual, is_last=is_last)
            if wait is None:
                raise GaveUp(
                    Failure(error=outcome.error, permanent=outcome.permanent, attempts=failures, trace=outcome.trace)
                )
            log.warning("%s failed (%d so far, again in %.1f s): %s", step, failures, wait, outcome.error)
            DBOS.sleep(wait)

    def stop(self, seconds: int = 5) -> None:
        """Stop taking work; what runs is given some seconds, the rest is recovered by the next start."""
        self.stopping.set()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=seconds)
        self._submitter.close()
        self._engine.dispose()
