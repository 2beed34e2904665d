"""Which bytes of a file somebody has seen to: those that came of an upload, those that a client has read."""

from __future__ import annotations

import bisect

#: Pieces that are told apart. Who leaves more gaps than that reads and writes like nobody who copies a file.
_MOST = 1000


class Spans:
    """Bytes from and until, joined where they touch."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """The bytes from `start` until `end`. One more piece than can be told apart is left out: it stays a gap."""
        if start >= end:
            return
        first = bisect.bisect_left(self._ends, start)
        last = bisect.bisect_right(self._starts, end)
        if first == last and len(self._starts) >= _MOST:
            return
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last], self._ends[first:last] = [start], [end]

    def join(self, other: Spans) -> None:
        """Add all bytes of another."""
        for start, end in zip(other._starts, other._ends, strict=True):
            self.add(start, end)

    def cut(self, size: int) -> None:
        """Forget everything from `size` on."""
        keep = bisect.bisect_left(self._starts, size)
        del self._starts[keep:], self._ends[keep:]
        if self._ends:
            self._ends[-1] = min(self._ends[-1], size)

    @property
    def start(self) -> int | None:
        """The first byte, None if there is none."""
        return self._starts[0] if self._starts else None

    @property
    def end(self) -> int:
        """Behind the last byte."""
        return self._ends[-1] if self._ends else 0

    def reach(self, start: int = 0) -> int:
        """How far it goes from `start` without a gap."""
        at = bisect.bisect_right(self._starts, start) - 1
        return max(start, self._ends[at]) if at >= 0 else start
