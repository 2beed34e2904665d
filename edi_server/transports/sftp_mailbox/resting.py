"""Which files on a partner's server are complete, as far as one can tell from outside."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection

import msgspec

from edi_server.transports.collecting import UNFINISHED
from edi_server.transports.sftp_mailbox.listed import Listed, Pull


class _Seen(msgspec.Struct):
    listed: Listed
    since: float


class Resting:
    """Keeps what it saw at the last look. A file rests while two looks see the same size and time, or is marked."""

    def __init__(self, agreed: Pull, clock: Callable[[], float]) -> None:
        self._agreed = agreed
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        #: How many files were not complete at the last look.
        self.waiting = 0

    def rested(self, listed: list[Listed], *, known: Collection[str]) -> list[Listed]:
        """Those that are complete, without those whose keys are known."""
        names = {one.name for one in listed}
        now, before, self._seen = self._clock(), self._seen, {}
        ready, self.waiting = [], 0
        for one in listed:
            if one.key in known or not self._is_wanted(one, names):
                continue
            seen = before.get(one.name)
            if seen is None or seen.listed != one:
                seen = _Seen(one, now)
            self._seen[one.name] = seen
            if self._agreed.marker or now - seen.since >= self._agreed.quiet_seconds:
                ready.append(one)
            else:
                self.waiting += 1
        return ready

    def _is_wanted(self, one: Listed, names: set[str]) -> bool:
        marker = self._agreed.marker
        if one.name.startswith(".") or one.name.lower().endswith(UNFINISHED):
            return False
        if marker and (one.name.endswith(marker) or one.name + marker not in names):
            return False
        return fnmatch.fnmatchcase(one.name, self._agreed.pattern)
