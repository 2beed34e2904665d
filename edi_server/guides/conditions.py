"""Conditions between the parts of a segment or composite: EDIFACT D1 to D7, X12 P R E C L.

Each is a few clauses, of which every one must hold: "part 3 is absent or part 4 is present". From these the expression
of a segment is made (`edi_server.guides.segment_rule`), which costs next to nothing where a segment is right; what a
broken condition wants is told by `demands`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from edi_server.guides.model import Condition

#: A literal: the position of a part, negative where its absence is meant.
Clause = frozenset[int]


def clauses(conditions: Iterable[Condition], parts: int) -> list[Clause]:
    """What must hold between `parts` parts; those that a condition names beyond them count as absent."""
    return [
        frozenset(literal for literal in clause if literal <= parts)
        for condition in conditions
        for clause in _clauses(condition)
        if all(literal >= -parts for literal in clause)
    ]


def _clauses(condition: Condition) -> Iterator[Clause]:
    parts = condition.parts
    first, others = parts[0], parts[1:]
    match condition.kind:
        case "one-only":
            yield frozenset(parts)
            yield from _exclusive(parts)
        case "all-or-none":
            yield from (frozenset({-one, other}) for one, other in zip(parts, (*others, first), strict=True))
        case "one-or-more":
            yield frozenset(parts)
        case "one-or-none":
            yield from _exclusive(parts)
        case "first-needs-all":
            yield from (frozenset({-first, other}) for other in others)
        case "first-needs-one":
            yield frozenset({-first, *others})
        case "first-excludes":
            yield from (frozenset({-first, -other}) for other in others)


def _exclusive(parts: Collection[int]) -> Iterator[Clause]:
    return (frozenset({-one, -other}) for one, other in combinations(parts, 2))


class Demand(NamedTuple):
    """What a broken condition wants of one part."""

    #: Position of the part that should be there, or that should not.
    part: int
    #: True where the part is missing, false where it is one too many.
    missing: bool
    #: Positions that the sentence is about, in the order of the condition.
    parts: tuple[int, ...]
    condition: Condition


def demands(condition: Condition, present: Collection[int]) -> list[Demand]:
    """What is wrong with a condition, given the positions of the parts that are there; nothing if it holds."""
    first, *others = condition.parts
    there = [part for part in condition.parts if part in present]
    absent = [part for part in condition.parts if part not in present]
    missing: list[int] = []
    excluded: list[int] = []
    match condition.kind:
        case "one-only":
            missing, excluded = ([] if there else [first]), there[1:]
        case "all-or-none":
            missing = absent if there else []
        case "one-or-more":
            missing = [] if there else [first]
        case "one-or-none":
            excluded = there[1:]
        case "first-needs-all":
            missing = absent if first in present else []
        case "first-needs-one":
            missing = [others[0]] if there == [first] else []
        case "first-excludes":
            excluded = there[1:] if first in present else []
    return [
        Demand(part, is_missing, condition.parts, condition)
        for found, is_missing in ((missing, True), (excluded, False))
        for part in found
    ]


#: What each kind demands, with {all} for the names of its parts, {first} for the first and {others} for the others.
SENTENCES = {
    "one-only": "Exactly one of {all} must be given",
    "all-or-none": "{all} must be given together or not at all",
    "one-or-more": "At least one of {all} must be given",
    "one-or-none": "Only one of {all} may be given",
    "first-needs-all": "Where {first} is given, {others} must be given, too",
    "first-needs-one": "Where {first} is given, at least one of {others} must be given, too",
    "first-excludes": "Where {first} is given, {others} must not be given",
}


def say(demand: Demand, names: dict[int, str]) -> str:
    """The sentence of a broken condition, with the names of parts by position."""
    named = [names.get(part, str(part)) for part in demand.parts]
    sentence = SENTENCES[demand.condition.kind]
    said = sentence.format(all=_list(named), first=named[0], others=_list(named[1:]))
    return f"{said}; {names.get(demand.part, str(demand.part))} is {'absent' if demand.missing else 'one too many'}."


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
