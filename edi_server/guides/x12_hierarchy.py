"""What is wrong with the hierarchy of an X12 message: its HL segments, which name themselves and what they stand in.

X12.22, HL, semantic notes and comments: HL01 is unique in the message, HL02 names the HL01 of the level that this one
is in, HL03 says what kind of level it is, HL04 whether there are levels in it. Whoever breaks the first two cannot be
understood: an error. Which kind may stand in which is left to the users of a message, so that it is a warning.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edi_server.findings import Finding, Place, Severity
from edi_server.guides.model import Guide, Nesting
from edi_server.syntax.normal import to_text

#: Levels in levels, as deep as `edi_server.guides.tree` hangs them.
MAX_DEPTH = 50


#: Where HL has own and parent's number, kind of level and mark for children.
_PLACES = ((1, 1), (2, 1), (3, 1), (4, 1))
#: As many as nearly every message has levels.
_NUMBERS = tuple(map(str, range(1, 1000)))


def is_right(nesting: Nesting, texts: Sequence[str]) -> bool:
    """True if nothing is wrong with the levels of a message; false may be a doubt.

    Looked at column by column, which takes a tenth of the time of saying what is wrong.
    """
    if (nesting.id, nesting.parent, nesting.level, nesting.child) != _PLACES:
        return False
    rows = [text.split("+") for text in texts]
    if not rows or min(map(len, rows)) < 4:
        return not rows
    _, owns, parents, kinds, *more = itertools.zip_longest(*rows, fillvalue="")
    if owns != _first_numbers(len(owns)):
        return False
    depths = {"": 0}
    try:
        for own, parent in zip(owns, parents, strict=True):
            depths[own] = depths[parent] + 1
    except KeyError:
        return False
    return (
        max(depths.values()) <= MAX_DEPTH
        and _may_all_stand(nesting, owns, parents, kinds)
        and (not more or _marks_are_right(owns, parents, more[0]))
    )


def _first_numbers(count: int) -> tuple[str, ...]:
    return _NUMBERS[:count] if count <= len(_NUMBERS) else tuple(map(str, range(1, count + 1)))


def _may_all_stand(nesting: Nesting, owns: Sequence[str], parents: Sequence[str], kinds: Sequence[str]) -> bool:
    """True if every kind of level stands in one that it may stand in; a message has few pairs of them."""
    kind_of = {"": "", **dict(zip(owns, kinds, strict=True))}
    pairs = set(zip(kinds, map(kind_of.__getitem__, parents), strict=True))
    return all(kind not in nesting.levels or above in nesting.levels[kind] for kind, above in pairs)


def _marks_are_right(owns: Sequence[str], parents: Sequence[str], marks: Sequence[str]) -> bool:
    """True if whoever says whether there are levels in it is right."""
    above = set(parents)
    return not any(mark and (mark == "1") != (own in above) for own, mark in zip(owns, marks, strict=True))


class _Level(NamedTuple):
    """An HL segment."""

    number: int
    own: str
    parent: str
    kind: str
    #: HL04: "1" where there are levels in it, "0" where there are none, "" where it does not say.
    child: str


class _Fault(NamedTuple):
    code: str
    severity: Severity
    sentence: str
    #: Its place in the segment, and what stands there.
    place: tuple[int, int]
    found: str
    expected: str | None = None


def check_hierarchy(guide: Guide, nesting: Nesting, occurrences: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """Findings about the levels of a message: number and text of each of their segments."""
    levels = [_read(nesting, number, text) for number, text in occurrences]
    parents = {level.parent for level in levels}
    known: dict[str, _Level] = {}
    depths: dict[str, int] = {}
    for count, level in enumerate(levels, 1):
        depth = depths.get(level.parent, 0) + 1
        for fault in _faults(nesting, level, known, count):
            yield _finding(guide, nesting, level.number, fault)
        if level.child and (level.child == "1") != (level.own in parents):
            yield _finding(guide, nesting, level.number, _child_code(nesting, level))
        if depth > MAX_DEPTH:
            yield _finding(guide, nesting, level.number, _too_deep(nesting, level))
        known.setdefault(level.own, level)
        depths.setdefault(level.own, 0 if level.own == level.parent else depth)


def _read(nesting: Nesting, number: int, text: str) -> _Level:
    elements = text.split("+")
    places = (nesting.id, nesting.parent, nesting.level, nesting.child)
    return _Level(number, *(elements[place[0]] if place and place[0] < len(elements) else "" for place in places))


def _faults(nesting: Nesting, level: _Level, known: dict[str, _Level], count: int) -> list[_Fault]:
    """What is wrong with the number of a level, its parent and its kind."""
    faults = []
    if level.own in known:
        faults.append(_repeated(nesting, level))
    elif level.own != str(count):
        faults.append(_not_sequential(nesting, level, count))
    above = known.get(level.parent)
    if level.parent and above is None:
        faults.append(_parent_unknown(nesting, level))
    elif nesting.levels and not _may_stand(nesting, level, above):
        faults.append(_misplaced(nesting, level, above))
    return faults


def _may_stand(nesting: Nesting, level: _Level, above: _Level | None) -> bool:
    allowed = nesting.levels.get(level.kind)
    return allowed is None or (above.kind if above else "") in allowed


def _repeated(nesting: Nesting, level: _Level) -> _Fault:
    sentence = f"The level number {to_text(level.own)} was given before; each level needs a number of its own."
    return _Fault("hierarchy-repeated", "error", sentence, nesting.id, level.own)


def _not_sequential(nesting: Nesting, level: _Level, count: int) -> _Fault:
    sentence = f"The level number {to_text(level.own)} should be {count}: levels are counted from 1 on."
    return _Fault("hierarchy-not-sequential", "note", sentence, nesting.id, level.own, str(count))


def _parent_unknown(nesting: Nesting, level: _Level) -> _Fault:
    if level.own == level.parent:
        sentence = f"Level {to_text(level.own)} names itself as the level that it is in."
        return _Fault("hierarchy-own-parent", "error", sentence, nesting.parent, level.parent)
    sentence = f"The level {to_text(level.parent)} that this one is in was not given before."
    return _Fault("hierarchy-parent-unknown", "error", sentence, nesting.parent, level.parent)


def _misplaced(nesting: Nesting, level: _Level, above: _Level | None) -> _Fault:
    where = f"in a level of kind {to_text(above.kind)}" if above else "in no other level"
    expected = " or ".join(kind or "no other level" for kind in sorted(nesting.levels[level.kind]))
    sentence = f"A level of kind {level.kind} stands {where}; it belongs in {expected}."
    return _Fault("hierarchy-level-misplaced", "warning", sentence, nesting.level or nesting.id, level.kind, expected)


def _child_code(nesting: Nesting, level: _Level) -> _Fault:
    says, is_so = ("there are", "none is") if level.child == "1" else ("there are no", "there are some")
    sentence = f"Level {to_text(level.own)} says that {says} levels in it, but {is_so}."
    expected = "0" if level.child == "1" else "1"
    return _Fault("hierarchy-child-code", "warning", sentence, nesting.child or nesting.id, level.child, expected)


def _too_deep(nesting: Nesting, level: _Level) -> _Fault:
    sentence = f"Packages are nested more than {MAX_DEPTH} levels deep."
    return _Fault("nesting-too-deep", "warning", sentence, nesting.parent, level.parent)


def _finding(guide: Guide, nesting: Nesting, number: int, fault: _Fault) -> Finding:
    row = guide.position(nesting.trigger)
    element, _ = fault.place
    return Finding(
        code=f"guide.{fault.code}",
        severity=fault.severity,
        sentence=fault.sentence,
        place=Place(segment=number, tag=row.tag, group=row.path, element=element),
        found=to_text(fault.found)[:80],
        expected=fault.expected,
    )
