"""When a remote mailbox is looked at, and what is said of one that cannot be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from croniter import croniter

from edi_server.errors import EdiServerError, TransportError
from edi_server.transports.durable_file import write_durably

log = logging.getLogger(__name__)

AWAY, REFUSED = "sftp-mailbox-away", "sftp-mailbox-refused"
#: A partner's server has its pauses: after this time and this many looks that failed, somebody is told.
_PATIENCE = timedelta(minutes=10)
_LOOKS = 3
#: Seconds until what failed is tried again, doubled each time; and at most, which also goes for what was refused.
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 900.0
#: Seconds that may pass without looking at the clock, which may be set.
_HOUR = 3600.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When a mailbox is looked at: every so many seconds, or by a cron expression in a time zone."""

    every_seconds: float
    cron: str = ""
    zone: str = "UTC"

    def after(self, moment: datetime) -> datetime:
        """The first time after that moment, in UTC."""
        if not self.cron:
            return moment + timedelta(seconds=self.every_seconds)
        local = moment.astimezone(ZoneInfo(self.zone))
        following: datetime = croniter(self.cron, local, second_at_beginning=True).get_next(datetime)
        return following.astimezone(UTC)


class Poll:
    """Looks at one mailbox in time. `look` is called again and again, and says when the next call is due."""

    def __init__(
        self,
        times: Times,
        *,
        collect: Callable[[], float | None],
        forget: Callable[[], None],
        tell: Callable[[str, str], object],
        settle: Callable[[str], None],
        looked: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`collect` looks; seconds until something more may be there, or None. `forget` lets it log in anew.

        `tell` is given a cause and a sentence where somebody has to know, `settle` the cause when it is over.
        `looked`: file that remembers the last look; a time that was missed while nothing ran is made up for.
        """
        self._times = times
        self._collect = collect
        self._forget = forget
        self._tell = tell
        self._settle = settle
        self._looked = looked
        self._clock = clock
        self._failing_since: datetime | None = None
        self._failures = 0
        self._is_well = False
        self._due = self._first()

    def look(self) -> float:
        """Look, if it is time; seconds until the next call."""
        now = self._clock()
        if now >= self._due:
            self._due = self._clock() + timedelta(seconds=self._try(now))
        return min((self._due - self._clock()).total_seconds(), _HOUR)

    def _first(self) -> datetime:
        try:
            last = datetime.fromisoformat(self._looked.read_text())
        except (OSError, ValueError):
            return self._clock()
        return max(self._times.after(last), self._clock()) if self._times.cron else self._clock()

    def _try(self, now: datetime) -> float:
        """One look; seconds until the next."""
        try:
            soon = self._collect()
        except EdiServerError as error:
            return self._failed(error, now)
        self._succeeded()
        self._remember(now)
        regular = self._until_next()
        return regular if soon is None else min(soon, regular)

    def _succeeded(self) -> None:
        if not self._is_well:
            # Also what another process told, or was told before the partner file was changed.
            for cause in (AWAY, REFUSED):
                self._settle(cause)
        self._is_well, self._failures, self._failing_since = True, 0, None

    def _failed(self, error: EdiServerError, now: datetime) -> float:
        """A key that changed, a login refused: told at once. A server that is away: after a while."""
        log.warning("%s", error)
        self._is_well = False
        self._failures += 1
        self._failing_since = self._failing_since or now
        if error.permanent:
            self._forget()
            self._tell(REFUSED, str(error))
            # Every further login might lock the account.
            return max(_LONGEST_PAUSE, self._times.every_seconds)
        if self._failures >= _LOOKS and now - self._failing_since >= _PATIENCE:
            since = f"{self._failing_since:%Y-%m-%d %H:%M} UTC"
            self._tell(AWAY, f"Their SFTP server could not be collected from since {since}: {error}")
        pause = min(_FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), _LONGEST_PAUSE)
        return min(pause, self._until_next())

    def _until_next(self) -> float:
        now = self._clock()
        return max((self._times.after(now) - now).total_seconds(), 0.0)

    def _remember(self, now: datetime) -> None:
        try:
            write_durably(self._looked, now.isoformat().encode())
        except TransportError as error:
            log.warning("%s", error)
