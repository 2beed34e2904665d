"""Threads that touch the disk for sessions, and what each account holds open: no account may have all of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edi_server.transports.sftp_account.names import Refused

T = TypeVar("T")

_THREADS = 32
#: Of these, for one account at a time: its sessions wait for each other, and not the others for them.
_FOR_ONE = 12


class Held:
    """Something that is about to be opened: `keep` says that it was."""

    is_kept = False

    def keep(self) -> None:
        """It is open from now on."""
        self.is_kept = True


class Workers:
    """Used from one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sftp")
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_FOR_ONE))
        self._sessions: set[object] = set()
        self._is_idle = asyncio.Event()
        #: Files and folders that are open, by account: each costs the whole daemon one of its descriptors.
        self.open: Counter[str] = Counter()

    async def run(self, account: str, action: Callable[[], T]) -> T:
        """Its result; raises what it raises."""
        async with self._turns[account]:
            return await asyncio.get_running_loop().run_in_executor(self._threads, action)

    @contextlib.contextmanager
    def hold(self, account: str, most: int) -> Iterator[Held]:
        """Around the opening of something. Counted before it is open: requests come side by side. Raises Refused."""
        if self.open[account] >= most:
            raise Refused("failure", "Too many files are open; please close some of them first.")
        self.open[account] += 1
        held = Held()
        try:
            yield held
        finally:
            if not held.is_kept:
                self.let_go(account)

    def let_go(self, account: str) -> None:
        """It is closed."""
        self.open[account] -= 1

    def begin(self, session: object) -> None:
        """Note a session."""
        self._sessions.add(session)
        self._is_idle.clear()

    def end(self, session: object) -> None:
        """Note that it ended, and all of its files with it."""
        self._sessions.discard(session)
        if not self._sessions:
            self._is_idle.set()

    async def close(self, seconds: float) -> None:
        """Let sessions that were told to end close their files."""
        if self._sessions:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_idle.wait(), seconds)
        self._threads.shutdown(wait=False)
