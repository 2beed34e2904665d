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

    def rested(self, listed: list[Listed], *, known: Collection[str], blocked: Collection[str]) -> list[Listed]:
        """Those that are complete, without those whose keys are known.

        Those whose names are blocked wait: they are taken in the claim folder, and some servers would replace what
        lies there.
        """
        names = {one.name for one in listed}
        now, before, self._seen = self._clock(), self._seen, {}
        ready = []
        for one in listed:
            if one.key in known or not self._is_wanted(one, names):
                continue
            seen = before.get(one.name)
            if seen is None or seen.listed != one:
                seen = _Seen(one, now)
            self._seen[one.name] = seen
            is_new = not self._agreed.marker and now - seen.since < self._agreed.quiet_seconds
            if not is_new and one.name not in blocked:
                ready.append(one)
        return ready

    @property
    def waiting(self) -> int:
        """How many files it knows that were not complete at the last look, or not taken since."""
        return len(self._seen)

    def _is_wanted(self, one: Listed, names: set[str]) -> bool:
        marker = self._agreed.marker
        if one.name.startswith(".") or one.name.lower().endswith(UNFINISHED):
            return False
        if marker and (one.name.endswith(marker) or one.name + marker not in names):
            return False
        return fnmatch.fnmatchcase(one.name, self._agreed.pattern)
