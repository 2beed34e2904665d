"""The slow and careful way to a place inside one raw segment; used for findings only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from edi_server.syntax.separators import Separators, as_bytes

#: Element, repetition and component, counted as in `locate`.
Spot = tuple[int, int, int]


def locate(raw_segment: bytes, separators: Separators, element: int, component: int = 1, repetition: int = 1) -> int:
    """Offset in `raw_segment` of the first byte of a component.

    `element` counts from 1 behind the tag, 0 being the tag itself; `component` and `repetition` count from 1.
    Where the segment ends before the place, the offset is that of the separator or terminator behind which, or of the
    end at which, it is missing.
    """
    spot = (element, repetition, component)
    return locate_all(raw_segment, separators, [spot])[spot]


def locate_all(raw_segment: bytes, separators: Separators, spots: Iterable[Spot]) -> dict[Spot, int]:
    """What `locate` says of each spot, in one walk over the segment."""
    waiting = sorted(set(spots), reverse=True)
    found: dict[Spot, int] = {}
    at, begin, end = (0, 1, 1), 0, len(raw_segment)
    for mark in _marks(separators).finditer(raw_segment):
        _settle(found, waiting, at, begin)
        if not waiting:
            return found
        role = mark.lastgroup
        if role == "terminator":
            end = mark.start()
            break
        if role != "released":
            at = _step(at, role)
            while waiting and at > waiting[-1]:
                found[waiting.pop()] = mark.start()
            begin = mark.end()
    _settle(found, waiting, at, begin)
    return found | dict.fromkeys(waiting, end)


def _settle(found: dict[Spot, int], waiting: list[Spot], at: Spot, begin: int) -> None:
    """Those that wait for the component that begins here, or that it has gone past, have been found."""
    while waiting and at >= waiting[-1]:
        found[waiting.pop()] = begin


@lru_cache(maxsize=256)
def _marks(separators: Separators) -> re.Pattern[bytes]:
    """Every separator by its role; what is released, line breaks of a hard wrap in between, is none."""
    roles = {
        "terminator": separators.terminator,
        "element": separators.element,
        "component": separators.component,
        "repetition": separators.repetition,
    }
    marks = [b"(?P<%b>%b)" % (role.encode(), re.escape(as_bytes(mark))) for role, mark in roles.items() if mark != " "]
    if separators.release != " ":
        marks.append(rb"(?P<released>%b[\r\n]*.?)" % re.escape(as_bytes(separators.release)))
    return re.compile(b"|".join(marks), re.DOTALL)


def _step(at: Spot, role: str | None) -> Spot:
    element, repetition, component = at
    if role == "element":
        return (element + 1, 1, 1)
    if role == "repetition":
        return (element, repetition + 1, 1)
    return (element, repetition, component + 1)
