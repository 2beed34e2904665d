"""Moves through a segment table: the places that a segment can take behind another one.

The order in which places are tried is that of ISO 9735 (the next segment is looked for forwards): the same segment
again, what follows in its group, the group again, what follows the group, and so on outwards. Each move says which
mandatory parts it leaves out, so that the same table serves messages without faults and the explanation of faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edi_server.guides.model import Guide, Position

#: Repetitions are part of a state up to this limit; beyond it they are counted once at the end of a message.
COUNTED_LIMIT = 999


class State(NamedTuple):
    """Where a message stands: the last position, and how often what is open has been repeated."""

    position: int
    #: Repetitions of the last segment if it is not a trigger, else 0.
    own: int
    #: Repetitions of the open groups, outermost first.
    counts: tuple[int, ...]


START = State(0, 0, ())


class Move(NamedTuple):
    """One way to place a segment."""

    target: int
    #: Positions of the mandatory segments and triggers of mandatory groups that are left out on the way.
    missing: tuple[int, ...]
    #: How many of the open groups stay open in their present repetition.
    keep: int
    #: True where the target stands there already and is repeated.
    again: bool


class Moves:
    """The moves of one guide, worked out when they are first asked for."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self._known: dict[tuple[int, str], tuple[Move, ...]] = {}
        rows = guide.positions
        self._last = len(rows)
        self._limit = [0, *(self._repeat(row) for row in rows)]
        #: Numbers of open groups around each position, its own included if it is a trigger.
        self._depth = [0, *(row.path.count("/") + 1 if row.path else 0 for row in rows)]
        self.tags = frozenset(row.tag for row in rows)

    def _repeat(self, row: Position) -> int:
        group = self.guide.groups.get(row.index)
        return group.repeat if group else row.repeat

    def limit(self, position: int) -> int:
        """How often a segment, or the group that it triggers, may be repeated."""
        return self._limit[position]

    def is_mandatory(self, position: int) -> bool:
        """True for a mandatory segment and for the trigger of a mandatory group."""
        group = self.guide.groups.get(position)
        return group.mandatory if group else self.guide.position(position).mandatory

    def to(self, position: int, tag: str) -> tuple[Move, ...]:
        """All places behind a position where a segment with this tag can stand, nearest first."""
        known = self._known.get((position, tag))
        if known is None:
            known = self._known[position, tag] = tuple(
                move for move in self._forwards(position) if self.guide.position(move.target).tag == tag
            )
        return known

    def expected(self, position: int) -> tuple[str, ...]:
        """Tags that may follow a position without fault, in order."""
        moves = (
            move
            for move in self._forwards(position)
            if not move.missing and not (move.again and self._limit[move.target] == 1)
        )
        return tuple(dict.fromkeys(self.guide.position(move.target).tag for move in moves))

    def missing_at_end(self, position: int) -> tuple[int, ...]:
        """What a message that ends at a position leaves out."""
        if position == self._last:
            return ()
        *_, last = self._forwards(position)
        return (*last.missing, last.target)

    def _forwards(self, position: int) -> Iterator[Move]:
        """Every move from a position, nearest first."""
        guide = self.guide
        missing: tuple[int, ...] = ()
        group = guide.position(position).group if position else 0
        behind = position
        if position and position not in guide.groups:
            yield Move(position, (), self._depth[position], again=True)
        elif position:
            behind = 0
        while True:
            keep = self._depth[group]
            for target in guide.children[group]:
                if target > behind:
                    yield Move(target, missing, keep, again=False)
                    missing += (target,) if self.is_mandatory(target) else ()
            if not group:
                return
            yield Move(group, missing, keep - 1, again=True)
            group, behind = guide.groups[group].parent, group

    def step(self, state: State, move: Move, *, limit: int | None = None) -> tuple[State, int]:
        """The state behind a move, and how often its target then stands there (0: not counted).

        With a limit, repetitions of what may be repeated more often are not counted.
        """
        target, _, keep, again = move
        trigger = target in self.guide.groups
        count = 1
        if again:
            count = (state.counts[keep] if trigger else state.own) + 1
        if limit is not None and self._limit[target] > limit:
            count = 0
        if trigger:
            return State(target, 0, (*state.counts[:keep], count)), count
        return State(target, count, state.counts[:keep]), count
