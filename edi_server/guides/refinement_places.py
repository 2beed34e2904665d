"""Where the paths of a guideline are in a guide: rows of its segment table, components of their segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from edi_server.guides.model import Element, ElementUse, Guide, Position
from edi_server.guides.refinement_paths import Condition, Leaf, Path, Step


class NoPlace(Exception):  # noqa: N818 — it is the answer "not in this guide", not an error of the machine
    """The guide has no such place: half a sentence, the word that was not found, and what there is instead."""

    def __init__(self, sentence: str, word: str = "", valid: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence, self.word, self.valid = sentence, word, sorted(set(valid))


class Demand(msgspec.Struct, frozen=True):
    """A test of one component; `element` 0 is the composite that is looked at."""

    element: int
    component: int
    values: tuple[str, ...]
    negated: bool

    def holds(self, elements: list[str]) -> bool:
        """True if a segment that was split at its elements (the tag being the first) passes."""
        return self.holds_in(elements[self.element] if self.element < len(elements) else "")

    def holds_in(self, element: str) -> bool:
        """True if the element, in its first repetition, passes."""
        parts = element.partition("*")[0].split(":")
        value = parts[self.component - 1] if self.component <= len(parts) else ""
        if not self.values:
            return bool(value) != self.negated
        return (value in self.values) != self.negated


class Spot(msgspec.Struct, frozen=True):
    """One component of a segment; `demands` are asked of its composite."""

    element: int
    component: int
    definition: Element
    mandatory: bool
    #: False for a data element that stands alone.
    in_composite: bool
    repeats: bool
    demands: tuple[Demand, ...] = ()


class Stop(msgspec.Struct, frozen=True):
    """A row of the segment table on the way, and what its segment must say."""

    row: int
    demands: tuple[Demand, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """A path in a guide: the way to a segment, and the places in it that it means (none for the segment itself)."""

    path: Path
    stops: tuple[Stop, ...]
    spots: tuple[Spot, ...] = ()

    @property
    def row(self) -> int:
        """The row that it ends in."""
        return self.stops[-1].row


def resolve(guide: Guide, path: Path, anchor: int = 0) -> list[Target]:
    """Where a path is, from inside the group that `anchor` begins (0: the message); `*/DTM` is in several places.

    Raises NoPlace.
    """
    if path.steps[0].tag == "*":
        return [_everywhere(guide, path, row) for row in _rows_of(guide, path)]
    stops: list[Stop] = []
    at = anchor
    for step in path.steps:
        row = _step(guide, at, step, path, first=not stops)
        if row.index != at or not stops:
            stops.append(Stop(row.index, _demands(guide, row, step.conditions)))
        elif step.conditions:
            stops[-1] = Stop(at, stops[-1].demands + _demands(guide, row, step.conditions))
        at = row.index
    return [Target(path, tuple(stops), _spots(guide, guide.position(at), path.leaf))]


def _rows_of(guide: Guide, path: Path) -> list[Position]:
    if len(path.steps) != 2:
        raise NoPlace("has * with more than one step behind it: write */DTM")
    tag = path.steps[1].tag
    rows = [row for row in guide.positions if row.tag == tag and path.section in ("", row.section)]
    if not rows:
        raise NoPlace(f"{_name(guide)} has no {tag}", tag, (row.tag for row in guide.positions))
    return rows


def _everywhere(guide: Guide, path: Path, row: Position) -> Target:
    stop = Stop(row.index, _demands(guide, row, path.steps[1].conditions))
    return Target(path, (stop,), _spots(guide, row, path.leaf))


def _step(guide: Guide, anchor: int, step: Step, path: Path, *, first: bool) -> Position:
    """The row of a step: a segment or group in the group, the group's own trigger, or a group by its unique name."""
    inside = [guide.position(index) for index in guide.children.get(anchor, ())]
    named = [row for row in inside if step.tag in (row.tag, _group_name(guide, row))]
    if path.section:
        named = [row for row in named if row.section == path.section]
    named.sort(key=lambda row: row.section == "summary")
    if named:
        return named[0]
    if anchor and step.tag in (guide.position(anchor).tag, _group_name(guide, guide.position(anchor))):
        return guide.position(anchor)
    elsewhere = [group.trigger for group in guide.groups.values() if group.name == step.tag]
    if first and not anchor and len(elsewhere) == 1:
        return guide.position(elsewhere[0])
    where = f"inside {guide.position(anchor).tag}" if anchor else "outside groups"
    raise NoPlace(f"{_name(guide)} has no {step.tag} {where}", step.tag, (row.tag for row in inside))


def _group_name(guide: Guide, row: Position) -> str | None:
    group = guide.groups.get(row.index)
    return group.name if group else None


def _demands(guide: Guide, row: Position, conditions: tuple[Condition, ...]) -> tuple[Demand, ...]:
    return tuple(_demand(guide, row, condition) for condition in conditions)


def _demand(guide: Guide, row: Position, condition: Condition) -> Demand:
    spot = next(_find(row.segment.elements, condition.element, ""), None)
    if spot is None:
        raise _no_element(guide, row, condition.element)
    return Demand(spot[0], spot[1], condition.values, condition.negated)


def _spots(guide: Guide, row: Position, leaf: Leaf | None) -> tuple[Spot, ...]:
    if leaf is None:
        return ()
    uses = row.segment.elements
    if leaf.composite and all(use.composite != leaf.composite for use in uses):
        valid = [use.composite for use in uses if use.composite]
        raise NoPlace(f"{row.tag} of {guide.version} has no composite {leaf.composite}", leaf.composite, valid)
    found = [_spot(uses, *place, leaf) for place in _find(uses, leaf.element, leaf.composite)]
    if not found:
        raise _no_element(guide, row, leaf.element)
    return tuple(found)


def _spot(uses: tuple[ElementUse, ...], element: int, component: int, leaf: Leaf) -> Spot:
    use = uses[element - 1]
    part = use.components[component - 1]
    return Spot(
        element,
        component,
        part.element,
        part.mandatory if use.composite else use.mandatory,
        use.composite is not None,
        use.repeat > 1,
        tuple(_beside(use, condition) for condition in leaf.conditions),
    )


def _beside(use: ElementUse, condition: Condition) -> Demand:
    place = next((n for n, part in enumerate(use.components, 1) if part.element.id == condition.element), None)
    if place is None:
        ids = (part.element.id for part in use.components)
        raise NoPlace(f"{use.composite} has no data element {condition.element}", condition.element, ids)
    return Demand(0, place, condition.values, condition.negated)


def _find(uses: tuple[ElementUse, ...], element: str, composite: str) -> Iterator[tuple[int, int]]:
    """The places (element, component) of a data element, by its number in the directory or in the segment (X12)."""
    number, _, part = element.partition("-")
    if len(number) == 2:
        if 1 <= int(number) <= len(uses) and int(part or 1) <= len(uses[int(number) - 1].components):
            yield int(number), int(part or 1)
        return
    for at, use in enumerate(uses, 1):
        for within, component in enumerate(use.components, 1):
            if component.element.id == element and composite in ("", use.composite):
                yield at, within


def _no_element(guide: Guide, row: Position, word: str) -> NoPlace:
    uses = row.segment.elements
    if len(word) == 4:
        valid: list[str] = [part.element.id for use in uses for part in use.components]
    else:
        valid = [f"{number:02}" for number in range(1, len(uses) + 1)]
    return NoPlace(f"{row.tag} of {guide.version} has no data element {word}", word, valid)


def _name(guide: Guide) -> str:
    return f"{guide.message} {guide.version}"
