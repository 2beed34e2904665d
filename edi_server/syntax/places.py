"""The slow and careful way to a place inside one raw segment; used for findings only."""

from __future__ import annotations

from edi_server.syntax.separators import Separators


def locate(raw_segment: bytes, separators: Separators, element: int, component: int = 1, repetition: int = 1) -> int:
    """Offset in `raw_segment` of the first byte of a component.

    `element` counts from 1 behind the tag, 0 being the tag itself; `component` and `repetition` count from 1.
    Where the segment ends before the place, the offset is that of the separator or terminator behind which, or of the
    end at which, it is missing.
    """
    marks = _marks(separators)
    wanted = (element, repetition, component)
    at = (0, 1, 1)
    position = 0
    while position < len(raw_segment):
        if at >= wanted:
            return position
        mark = marks.get(raw_segment[position])
        if mark == "terminator":
            return position
        following = _step(at, mark)
        if following > wanted:
            return position
        at = following
        position += 1
        if mark == "release":
            position = _behind_line_breaks(raw_segment, position) + 1
    return min(position, len(raw_segment))


def _behind_line_breaks(raw_segment: bytes, position: int) -> int:
    """A hard wrap may stand between a release character and what it releases."""
    while raw_segment[position : position + 1] in (b"\r", b"\n"):
        position += 1
    return position


def _marks(separators: Separators) -> dict[int, str]:
    """Byte → its role. A terminator of several bytes is known by its first."""
    roles = {
        separators.component: "component",
        separators.element: "element",
        separators.terminator: "terminator",
    }
    if separators.release != " ":
        roles[separators.release] = "release"
    if separators.repetition != " ":
        roles[separators.repetition] = "repetition"
    return {(ord(mark) if ord(mark) < 256 else mark.encode()[0]): role for mark, role in roles.items()}


def _step(at: tuple[int, int, int], mark: str | None) -> tuple[int, int, int]:
    element, repetition, component = at
    if mark == "element":
        return (element + 1, 1, 1)
    if mark == "repetition":
        return (element, repetition + 1, 1)
    if mark == "component":
        return (element, repetition, component + 1)
    return at
