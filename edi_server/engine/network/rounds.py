"""Something that is done again and again on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from edi_server.engine.collecting import carefully

log = logging.getLogger(__name__)


class Round:
    """Calls `action` until it is stopped; each call says after how many seconds the next one is due at the latest."""

    def __init__(self, name: str, action: Callable[[], float | None], *, longest: float) -> None:
        """`longest` seconds pass where the action says nothing, or fails."""
        self._name = name
        self._action = action
        self._longest = longest
        self._hint = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Let the next call come now; from any thread."""
        self._hint.set()

    def stop(self) -> None:
        """Let no further call come; `join` waits for the last one."""
        self._stopping = True
        self._hint.set()

    def join(self, seconds: float = 10) -> None:
        """Wait until it has stopped. What takes longer goes on, and its work is found again at the next start."""
        if self._thread.is_alive():
            self._thread.join(seconds)
            if self._thread.is_alive():
                log.warning("%s is not done after %s s and is left alone", self._name, seconds)

    def _run(self) -> None:
        while not self._stopping:
            self._hint.clear()
            due = carefully(self._action)
            self._hint.wait(self._longest if due is None else min(max(due, 0.01), self._longest))
