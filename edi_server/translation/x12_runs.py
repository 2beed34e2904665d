"""Elements of X12 that belong together, seen as composites: pairs of qualifier and value, mostly.

X12 has few composites. What EDIFACT says with them, it says with neighbouring elements, often repeated: PO106/07 to
PO124/25 are ten pairs of product ID qualifier (235) and product ID (234). A path writes such a *run* as `(06,07)`.

For one profile, every run is folded before a message is read and unfolded after one was written, so that all else
knows composites only: `PO1+1+10+EA+++UP+123+VN+A` is seen as `PO1+1+10+EA+++UP:123+VN:A`. Paths, findings and kept
segments always name the elements as they stand in the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from edi_server.findings import Finding, Place
from edi_server.guides.model import Component, ElementUse, Guide, Nesting, Position, SegmentDefinition, Tree
from edi_server.syntax.normal import STAND_INS
from edi_server.translation.paths import Path, run_positions
from edi_server.translation.profile import Profile


class Run(msgspec.Struct, frozen=True):
    """Neighbouring elements that are one thing, and how often they stand one behind the other."""

    first: int
    size: int
    times: int

    @property
    def behind(self) -> int:
        """The first element behind all of them."""
        return self.first + self.size * self.times


class FoldedGuide(Guide, frozen=True, kw_only=True, dict=True, weakref=True):
    """A guide in which runs are composites."""

    #: By tag, in the order of the segment.
    runs: dict[str, tuple[Run, ...]]

    def places(self, tag: str, element: int) -> tuple[int, ...]:
        """The elements of the message that are one element here."""
        for run in self.runs.get(tag, ()):
            if element < run.first:
                break
            if element < run.first + run.times:
                start = run.first + (element - run.first) * run.size
                return tuple(range(start, start + run.size))
            element += run.times * (run.size - 1)
        return (element,)

    def place(self, tag: str, position: int) -> tuple[int, int]:
        """Where an element of the message stands here: element, and component (0 outside runs)."""
        shift = 0
        for run in self.runs.get(tag, ()):
            if position < run.first:
                break
            if position < run.behind:
                number, part = divmod(position - run.first, run.size)
                return run.first + number - shift, part + 1
            shift += run.times * (run.size - 1)
        return position - shift, 0


class Folded(list[str]):
    """Folded segments that know how they stand in the message."""

    __slots__ = ("original",)

    def __init__(self, segments: Iterable[str], original: list[str]) -> None:
        super().__init__(segments)
        self.original = original


def fold_guide(guide: Guide, profile: Profile) -> Guide:
    """The guide as a profile sees it; the guide itself if the profile names no runs that the guide has."""
    wanted: dict[str, set[tuple[int, ...]]] = {}
    for tag, positions in _named(profile):
        wanted.setdefault(tag, set()).add(positions)
    if guide.syntax != "x12" or not wanted:
        return guide
    runs: dict[str, tuple[Run, ...]] = {}
    for row in guide.positions:
        if row.tag in wanted and row.tag not in runs:
            runs[row.tag] = tuple(_runs_in(row.segment, sorted(wanted[row.tag])))
    folded = tuple(_fold_row(row, runs.get(row.tag, ())) for row in guide.positions)
    return FoldedGuide(
        syntax=guide.syntax,
        message=guide.message,
        version=guide.version,
        positions=folded,
        groups=guide.groups,
        nestings=guide.nestings,
        runs={tag: found for tag, found in runs.items() if found},
    )


def _named(profile: Profile) -> Iterator[tuple[str, tuple[int, ...]]]:
    """(tag, positions) of every run that a path of a profile names together with its segment."""
    for shape in profile.shapes.values():
        for entry in shape.entries:
            for line in (entry.reading, entry.writing):
                for path in (*line.at, *line.also, *line.parts) if line else ():
                    yield from _in_path(path)


def _in_path(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    tags = [step.tag for step in path.steps if not step.is_composite]
    inner = [step for step in path.steps if step.is_composite]
    if path.leaf and path.leaf.composite:
        inner.append(path.leaf.composite)
    for step in inner:
        positions = run_positions(step.tag)
        if positions and tags:
            yield tags[-1], positions


def _runs_in(segment: SegmentDefinition, wanted: list[tuple[int, ...]]) -> Iterator[Run]:
    """The runs that a segment has, each repeated as long as its data elements repeat; what overlaps is left out."""
    ids = [use.components[0].element.id if use.composite is None else "" for use in segment.elements]
    behind = 1
    for positions in wanted:
        first, size = positions[0], len(positions)
        kinds = ids[first - 1 : first - 1 + size]
        if first < behind or "" in kinds or len(kinds) < size:
            continue
        times = 1
        while ids[first - 1 + times * size : first - 1 + (times + 1) * size] == kinds:
            times += 1
        yield Run(first, size, times)
        behind = first + size * times


def _fold_row(row: Position, runs: tuple[Run, ...]) -> Position:
    uses: list[ElementUse] = []
    done = 0
    for run in runs:
        uses += row.segment.elements[done : run.first - 1]
        for start in range(run.first - 1, run.behind - 1, run.size):
            uses.append(_composite(run, row.segment.elements[start : start + run.size]))
        done = run.behind - 1
    if not runs:
        return row
    uses += row.segment.elements[done:]
    return replace(row, segment=replace(row.segment, elements=tuple(uses), conditions=()))


def _composite(run: Run, uses: tuple[ElementUse, ...]) -> ElementUse:
    name = "({})".format(",".join(f"{run.first + part:02}" for part in range(run.size)))
    parts = tuple(Component(element=use.components[0].element, mandatory=use.mandatory) for use in uses)
    mandatory = any(use.mandatory for use in uses)
    return ElementUse(composite=name, name=uses[-1].name, mandatory=mandatory, repeat=1, components=parts)


# -- segments


def fold_tree(guide: Guide, tree: Tree) -> Tree:
    """A message as the profile sees it."""
    if not isinstance(guide, FoldedGuide):
        return tree
    released = tree.released
    segments = Folded(tree.segments, tree.segments)
    for index, segment in enumerate(tree.segments):
        runs = guide.runs.get(segment[: segment.find("+")])
        if runs:
            segments[index], odd = _fold(segment, runs)
            released = released or odd
    return Tree(guide=guide, segments=segments, positions=tree.positions, numbers=tree.numbers, released=released)


def fold(guide: Guide, segment: str) -> str:
    """One segment as a profile sees it."""
    runs = guide.runs.get(segment.split("+", 1)[0]) if isinstance(guide, FoldedGuide) else None
    return _fold(segment, runs)[0] if runs else segment


def _fold(segment: str, runs: tuple[Run, ...]) -> tuple[str, bool]:
    """The folded segment, and whether a component or repetition in a run, which is wrong, was taken for text."""
    elements = segment.split("+")
    odd = False
    for run in reversed(runs):
        inside = elements[run.first : run.behind]
        if not inside:
            continue
        if any(":" in text or "*" in text for text in inside):
            odd = True
            inside = [text.replace(":", STAND_INS[":"]).replace("*", STAND_INS["*"]) for text in inside]
        starts = range(0, len(inside), run.size)
        composites = [":".join(inside[start : start + run.size]).rstrip(":") for start in starts]
        if run.behind < len(elements):
            composites += [""] * (run.times - len(composites))
        elements[run.first : run.behind] = composites
    return "+".join(elements).rstrip("+"), odd


def unfold(guide: Guide, segment: str) -> str:
    """One segment as it stands in a message."""
    runs = guide.runs.get(segment.split("+", 1)[0], ()) if isinstance(guide, FoldedGuide) else ()
    if not runs:
        return segment
    elements = segment.split("+")
    for run in runs:
        inside = elements[run.first : run.first + run.times]
        parts = [part for text in inside for part in _padded(text.split(":"), run.size)]
        elements[run.first : run.first + run.times] = parts
    return "+".join(elements).rstrip("+")


def _padded(parts: list[str], size: int) -> list[str]:
    return parts + [""] * (size - len(parts))


# -- places


def real_finding(guide: Guide, finding: Finding) -> Finding:
    """A finding that names the element as it stands in the message."""
    return replace(finding, place=real_place(guide, finding.place))


def real_place(guide: Guide, place: Place) -> Place:
    """A place in a message, of a place in it as a profile sees it."""
    if not isinstance(guide, FoldedGuide) or place.element is None or place.tag not in guide.runs:
        return place
    elements = guide.places(place.tag, place.element)
    if len(elements) == 1:
        return replace(place, element=elements[0])
    return replace(place, element=elements[(place.component or 1) - 1], component=None)


# -- whole messages


def finish_segments(guide: Guide, segments: list[str]) -> list[str]:
    """Written segments as they stand in a message: unfolded, and levels marked that have further ones inside (HL04)."""
    done = [unfold(guide, segment) for segment in segments] if isinstance(guide, FoldedGuide) else segments
    for nesting in guide.nestings:
        if nesting.child is not None:
            done = _mark_levels(done, guide.position(nesting.trigger).tag, nesting)
    return done


def _mark_levels(segments: list[str], tag: str, nesting: Nesting) -> list[str]:
    own, above, mark = nesting.id[0], nesting.parent[0], nesting.child[0] if nesting.child else 0
    levels = {index: segment.split("+") for index, segment in enumerate(segments) if segment.startswith(f"{tag}+")}
    parents = {parts[above] for parts in levels.values() if len(parts) > above}
    done = list(segments)
    for index, parts in levels.items():
        inside = "1" if parts[own] in parents else "0"
        done[index] = "+".join([*_padded(parts, mark)[:mark], inside, *parts[mark + 1 :]])
    return done
