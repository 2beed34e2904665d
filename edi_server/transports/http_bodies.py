"""The bodies of posts while they come: how long that may take, and how much of the memory they may have."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Self

from aiohttp import StreamReader

from edi_server.transports.limits import FrontLimits


class FullError(Exception):
    """Too many bytes are held already."""


class Memory:
    """The bytes of all bodies that are there at a time: strangers could fill it before they are known."""

    def __init__(self, limits: FrontLimits) -> None:
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._most = limits.at_once * limits.largest
        # One body always fits; beyond that, an address leaves as much for all others as it has.
        self._most_per_address = max(limits.largest, self._most // 2)

    @property
    def held(self) -> int:
        """How many there are."""
        return self._held.total()

    def is_full(self, address: str) -> bool:
        """True where nothing is left for that address."""
        return self._left(address) <= 0

    def take(self, address: str, size: int) -> None:
        """Take some. Raises FullError where that is not left."""
        if size > self._left(address):
            raise FullError
        self._held[address] += size

    def give_back(self, address: str, size: int) -> None:
        """They are not here any more."""
        self._held[address] -= size
        if self._held[address] <= 0:
            del self._held[address]

    def _left(self, address: str) -> int:
        return min(self._most - self.held, self._most_per_address - self._held[address])


class Held:
    """What one request holds of the memory, until it is answered."""

    def __init__(self, memory: Memory, address: str) -> None:
        self._memory = memory
        self._address = address
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.give_back(self._address, self._size)

    def add(self, size: int) -> None:
        """Take some more. Raises FullError where that is not left."""
        self._memory.take(self._address, size)
        self._size += size


async def read_body(content: StreamReader, held: Held, limits: FrontLimits) -> bytes | None:
    """The body, None if it is too large. Raises FullError, TimeoutError.

    Silence uses the patience up, and what comes brings it back, never beyond what it was at first: who sent much at
    once must not be silent for hours.
    """
    # Grown in place: pieces put together at the end would be there twice, and leave holes behind.
    body, patience = bytearray(), limits.body_seconds
    while True:
        since = time.monotonic()
        piece = await asyncio.wait_for(content.readany(), max(patience, 0.001))
        if not piece:
            return bytes(body)
        if len(body) + len(piece) > limits.largest:
            return None
        held.add(len(piece))
        body += piece
        patience += len(piece) / limits.slowest_bytes_per_second - (time.monotonic() - since)
        patience = min(patience, limits.body_seconds)
