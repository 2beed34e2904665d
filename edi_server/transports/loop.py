"""One event loop on a thread of its own, for everything that speaks to the network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Self, TypeVar

from edi_server.errors import TransportError

T = TypeVar("T")


class Loop:
    """A context manager: running inside the block. `run` and `start` may be called from any other thread."""

    def __init__(self, name: str = "network") -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        self._loop = None

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
        """The coroutine's result; raises TransportError where it takes longer than `seconds`, and what it raises."""
        future = self.start(coroutine)
        try:
            return future.result(seconds)
        except FutureTimeoutError as error:
            future.cancel()
            raise TransportError(f"no answer within {seconds:g} s") from error

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Let the coroutine run; what will be its result, cancelled where the loop ends before."""
        assert self._loop is not None, "the loop is not running"
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
