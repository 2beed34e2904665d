"""Where segments begin, counted only when somebody asks: of a message without fault only its two ends are of interest.

A number for every segment of a stream costs as much as decoding it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, repeat
from operator import add
from typing import Any, NamedTuple, overload


class Run(NamedTuple):
    """Segments that stand alike, in a working copy: it ends with an apostrophe, and `end` stands between any two."""

    start: int
    worked: bytes
    end: bytes

    def offsets(self) -> list[int]:
        """Byte offset of each segment's first character."""
        lengths = map(len, self.worked[:-1].split(self.end))
        offsets = list(accumulate(map(add, lengths, repeat(len(self.end))), initial=self.start))
        del offsets[-1]
        return offsets


class Offsets(Sequence[int]):
    """Ascending byte offsets; equal to a list of the same numbers."""

    __slots__ = ("_counted", "_known", "_length", "_parts")
    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none

    def __init__(self, parts: Sequence[Run | Sequence[int]], length: int, known: Mapping[int, int]) -> None:
        """`parts` give `length` numbers in all, of which those at some indexes, perhaps negative ones, are `known`."""
        self._parts = parts
        self._length = length
        self._known = known
        self._counted: list[int] | None = None

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: Any) -> Any:
        if self._counted is None and index.__class__ is int:
            known = self._known.get(index)
            if known is not None:
                return known
        return self.counted()[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Offsets):
            return self.counted() == other.counted()
        return self.counted() == other

    def __repr__(self) -> str:
        return repr(self.counted())

    def counted(self) -> list[int]:
        """All of them."""
        if self._counted is None:
            counted: list[int] = []
            for part in self._parts:
                counted += part.offsets() if isinstance(part, Run) else part
            self._counted, self._parts = counted, ()
        return self._counted

    def between(self, first: int, until: int, start: int, end: int) -> Run | list[int]:
        """Those from index `first` to before `until`, of segments that begin at byte `start` and end before `end`."""
        if self._counted is None and len(self._parts) == 1:
            (run,) = self._parts
            if isinstance(run, Run):
                return Run(start, run.worked[start - run.start : end - run.start], run.end)
        return self[first:until]
