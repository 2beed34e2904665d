"""Placing the segments of a message in its guide: fast while there is no fault, explaining where there is one.

*Fast*: an automaton that is built while messages come (a state is a position with the repetitions that matter), so
that `itertools.accumulate` walks a message without a line of Python per segment. It knows only moves without fault.

*Explaining*: a search that keeps the few best readings of a faulty message and ends with the one that needs the fewest
faults: a segment left out, one too many, one that does not belong there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter, getitem
from typing import NamedTuple

from edi_server.guides.moves import COUNTED_LIMIT, START, Moves, State

#: States of the automaton that are kept; a message that repeats very much in very many ways makes it start anew.
MAX_STATES = 20_000
#: Readings that are kept, and how much worse than the best one of them may be.
BREADTH = 6
SLACK = 12
#: Weight of a fault in a reading: a segment too many is kept in the tree, one that is dropped is lost to it.
TOO_MANY, DROPPED, MISSING = 2, 3, 3

_position = attrgetter("position")


class _Row(dict[str, "_Row"]):
    """One state of the automaton: the rows that follow, by tag. A tag that would be a fault raises KeyError."""

    __slots__ = ("_automaton", "_state", "position")

    def __init__(self, automaton: Automaton, state: State) -> None:
        super().__init__()
        self._automaton = automaton
        self._state = state
        self.position = state.position

    def __missing__(self, tag: str) -> _Row:
        row = self[tag] = self._automaton.follow(self._state, tag)
        return row


class Automaton:
    """Places messages without structural fault, at the speed of C once it has seen their like."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self._last = len(moves.guide.positions)
        self._uncounted = [row.index for row in moves.guide.positions if moves.limit(row.index) > COUNTED_LIMIT]
        self._rows: dict[State, _Row] = {}
        self._start = _Row(self, START)

    def place(self, tags: Sequence[str]) -> list[int] | None:
        """The position of each segment, or None if the message has a structural fault.

        A tag may have the separator behind it (`N1+`): cutting three characters off every segment is the fastest.
        """
        rows = accumulate(tags, getitem, initial=self._start)
        try:
            positions = list(map(_position, rows))
        except KeyError:
            return None
        del positions[0]
        if not positions or positions[-1] != self._last:
            return None
        if len(positions) > COUNTED_LIMIT and self._is_too_often(positions):
            return self._place_exactly(tags)
        return positions

    def follow(self, state: State, tag: str) -> _Row:
        """The row behind a state for a tag; KeyError if there is none without fault."""
        after = self._follow(state, tag, COUNTED_LIMIT)
        row = self._rows.get(after)
        if row is None:
            if len(self._rows) >= MAX_STATES:
                self._rows.clear()
                self._start = _Row(self, START)
            row = self._rows[after] = _Row(self, after)
        return row

    def _follow(self, state: State, tag: str, limit: int | None) -> State:
        for move in self._moves.to(state.position, tag.rstrip("+")):
            if move.missing:
                break
            after, count = self._moves.step(state, move, limit=limit)
            if count <= self._moves.limit(move.target):
                return after
        raise KeyError(tag)

    def _is_too_often(self, positions: list[int]) -> bool:
        """True if something not counted on the way stands there more often than allowed, in all groups together."""
        total = Counter(positions)
        return any(total[position] > self._moves.limit(position) for position in self._uncounted)

    def _place_exactly(self, tags: Sequence[str]) -> list[int] | None:
        """Like `place`, counting everything: for very long messages."""
        state, positions = START, []
        try:
            for tag in tags:
                state = self._follow(state, tag, None)
                positions.append(state.position)
        except KeyError:
            return None
        return positions


class Step(NamedTuple):
    """What a reading says about one segment, or (`number` behind the last one) about the end of the message."""

    #: Number of the segment, the first being 1.
    number: int
    #: Its position, or 0 if it has none here.
    position: int
    #: Positions of mandatory parts that are missing before it.
    missing: tuple[int, ...]
    #: How often it then stands there, if that is too often; else 0.
    too_often: int
    #: The last position before it.
    behind: int


class _Reading(NamedTuple):
    """One way to read a message so far. `trail` is a chain: (trail before, last step)."""

    weight: int
    state: State
    trail: _Trail | None


_Trail = tuple["_Trail | None", Step]


def explain(moves: Moves, tags: Sequence[str]) -> list[Step]:
    """One step for each segment and one for the end, of the reading with the fewest faults."""
    readings = [_Reading(0, START, None)]
    for number, tag in enumerate(tags, 1):
        if tag in moves.tags:
            readings = _prune(after for reading in readings for after in _read(moves, reading, number, tag))
        else:
            readings = [_drop(reading, number, 0) for reading in readings]
    ends = [_end(moves, reading, len(tags) + 1) for reading in readings]
    return _unwind(min(ends, key=lambda reading: reading.weight).trail)


def _read(moves: Moves, reading: _Reading, number: int, tag: str) -> list[_Reading]:
    """Every way to go on with one more segment; only the first where one is without fault."""
    after = []
    for move in moves.to(reading.state.position, tag):
        state, count = moves.step(reading.state, move)
        too_often = count if count > moves.limit(move.target) else 0
        weight = reading.weight + len(move.missing) * MISSING + bool(too_often) * TOO_MANY
        step = Step(number, move.target, move.missing, too_often, reading.state.position)
        after.append(_Reading(weight, state, (reading.trail, step)))
        if weight == reading.weight:
            return after
    return [*after, _drop(reading, number, DROPPED)]


def _drop(reading: _Reading, number: int, weight: int) -> _Reading:
    step = Step(number, 0, (), 0, reading.state.position)
    return _Reading(reading.weight + weight, reading.state, (reading.trail, step))


def _end(moves: Moves, reading: _Reading, number: int) -> _Reading:
    missing = moves.missing_at_end(reading.state.position)
    step = Step(number, 0, missing, 0, reading.state.position)
    return _Reading(reading.weight + len(missing) * MISSING, reading.state, (reading.trail, step))


def _prune(readings: Iterable[_Reading]) -> list[_Reading]:
    """The best reading of each state, the best few of those."""
    best: dict[State, _Reading] = {}
    for reading in readings:
        known = best.get(reading.state)
        if known is None or reading.weight < known.weight:
            best[reading.state] = reading
    ranked = sorted(best.values(), key=lambda reading: reading.weight)[:BREADTH]
    return [reading for reading in ranked if reading.weight <= ranked[0].weight + SLACK]


def _unwind(trail: _Trail | None) -> list[Step]:
    steps = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return steps[::-1]
