"""What happens around partners beside transmissions: an event in their timeline, a case where somebody has to look."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection

from edi_server.store import Case, Store, Subject

log = logging.getLogger(__name__)

#: Who it is about where it is no partner: ourselves, and nobody we know. No file can be called so.
US, UNKNOWN = ":us", ":unknown"
#: The same cause is written down once in this time: strangers can repeat themselves as often as they like.
_SECONDS = 600.0
_MOST = 10_000


class Notices:
    """Used from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: When something was told: about whom, its cause, and the thing.
        self._last: dict[tuple[str, str, str], float] = {}
        self._lock = threading.Lock()

    def tell(self, about: str, cause: str, sentence: str, *, is_serious: bool = True, thing: str = "") -> bool:
        """Note that something happened to a partner (or `US`, `UNKNOWN`). A serious one is a case, one per cause.

        Repetitions are left out for a while (False); `thing` tells those of one file from those of another.
        """
        log.log(logging.WARNING if is_serious else logging.INFO, "%s: %s", about, sentence)
        if self._is_repeated(about, cause, thing):
            return False
        subject = Subject("partner", about)
        with self._store.begin() as work:
            if not is_serious:
                work.timeline.add(subject, cause, detail=sentence)
                return True
            case = Case(
                subject_kind="partner",
                subject_id=about,
                reason=cause,
                sentence=sentence,
                partner=None if about.startswith(":") else about,
            )
            there = work.cases.open(case)
            if there.id != case.id:
                work.timeline.add(subject, cause, detail=sentence)
            if there.closed_at is not None:
                work.cases.move(there.id, "open", actor="system", note=sentence)
        return True

    def settle(self, about: str, cause: str, note: str) -> None:
        """The cause is gone: its case is fixed, and what is told of it from now on is no repetition."""
        with self._lock:
            for told in [one for one in self._last if one[:2] == (about, cause)]:
                del self._last[told]
        with self._store.begin() as work:
            work.cases.settle(Subject("partner", about), reason=cause, note=note)

    def settle_others(self, cause: str, besides: Collection[str], note: str) -> None:
        """The cause is gone for everybody but these, whoever has a case for it: also those who are partners no more."""
        with self._store.read() as work:
            there = {one.subject_id for one in work.cases.newest(reason=cause, limit=_MOST)}
        for about in sorted(there.difference(besides)):
            self.settle(about, cause, note)

    def _is_repeated(self, about: str, cause: str, thing: str) -> bool:
        now = time.monotonic()
        with self._lock:
            before = self._last.get((about, cause, thing))
            if before is not None and now - before < _SECONDS:
                return True
            if len(self._last) >= _MOST:
                self._last.clear()
            self._last[about, cause, thing] = now
            return False
