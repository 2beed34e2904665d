"""How fast one partner is delivered to: evenly, with no rush after a pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Hands out turns, used from any thread. What it knows ends with the process: a start may come one turn early."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, whose: str, per_minute: float) -> float:
        """Seconds until the next turn; 0 where it is now, and then it is taken."""
        now = self._clock()
        with self._lock:
            due = self._next.get(whose, now)
            if due > now:
                # Never longer than a whole turn: what was agreed may have become faster meanwhile.
                return min(due - now, 60.0 / per_minute)
            self._next[whose] = now + 60.0 / per_minute
            return 0.0
