"""Segments of a message on paper: as they were written, with what they are called, findings below what they mean."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edi_server import paper
from edi_server.desk.excerpts import Pointed
from edi_server.desk.segments_shown import Marked, SegmentShown
from edi_server.findings import Finding, Place

#: Columns before a segment's text: its number.
_MARGIN = 9
#: The deepest group that is still indented, so that something is left of the line.
_DEEPEST = 8
_ELLIPSIS = "…"


def excerpt(console: Console, shown: Iterable[SegmentShown]) -> None:
    """Segments with findings between their neighbours; a gap where some were left out."""
    before = 0
    for segment in shown:
        if before and segment.number != before + 1:
            console.print(Text(" " * (_MARGIN - 3) + "⋮", style=paper.DIM))
        before = segment.number
        _plain(console, segment)
        _findings(console, segment)


def tree(console: Console, shown: Iterable[SegmentShown]) -> None:
    """Every segment by its name, indented by group, its text beside it; findings in their place."""
    has_gap = False
    for segment in shown:
        if not segment.placed and segment.name and not has_gap:
            has_gap = True
            console.print(Text(" " * _MARGIN + "without a place in the message:", style=paper.DIM))
        _branch(console, segment)
        if any(marked.mark is not None for marked in segment.findings):
            _print(console, Text(" " * _MARGIN + _first(segment, console.width - _MARGIN)))
        _findings(console, segment)


def _plain(console: Console, segment: SegmentShown) -> None:
    """A segment as it was written, its name at the right margin if there is room."""
    room = console.width - _MARGIN
    style = "" if segment.findings else paper.DIM
    text = _first(segment, room)
    named = segment.name and len(text) + 2 + len(segment.name) <= room
    if segment.findings and segment.name and not named:
        _print(console, Text(" " * _MARGIN + f"{segment.tag} {segment.name}", style=paper.DIM))
    line = Text.assemble((f"{segment.number:>{_MARGIN - 2}}  ", paper.DIM), (text, style))
    if named:
        line.append(segment.name.rjust(room - len(text)), style=paper.DIM)
    _print(console, line)


def _branch(console: Console, segment: SegmentShown) -> None:
    """A segment in the tree: number, name, and as much of its text as fits."""
    half = _MARGIN + max(30, (console.width - _MARGIN) * 9 // 20)
    line = Text(f"{segment.number:>{_MARGIN - 2}}  ", style=paper.DIM)
    line.append("│ " * min(segment.depth, _DEEPEST), style=paper.DIM)
    line.append(f"{segment.tag:4}", style="bold" if segment.group else "")
    line.append(segment.name)
    if segment.group not in ("", segment.tag) and line.cell_len + len(segment.group) + 4 <= half:
        line.append(f"  {segment.group}", style=paper.DIM)
    line.truncate(half - 2, overflow="ellipsis")
    line.pad_right(half - line.cell_len)
    line.append(_cut(segment.text, console.width - half), style=paper.DIM)
    _print(console, line)


def _findings(console: Console, segment: SegmentShown) -> None:
    """Each finding below the mark at what it means."""
    room = console.width - _MARGIN
    last: Marked | None = None
    shown = _first(segment, room)
    for marked in sorted(segment.findings, key=lambda one: one.mark or 0):
        if marked.mark is not None and (last is None or last.mark != marked.mark):
            text, start = _window(segment.text, room, marked.mark)
            if text != shown:
                _print(console, Text(" " * _MARGIN + text))
                shown = text
            _mark(console, marked, start)
        about(console, marked.finding, indent=_MARGIN)
        last = marked


def _mark(console: Console, marked: Marked, start: int) -> None:
    at = _MARGIN + (marked.mark or 0) - start
    style = paper.STYLES[marked.finding.severity]
    label = marked.element
    if at + 2 + len(label) <= console.width or at < len(label) + 1:
        _print(console, Text.assemble(" " * at, ("▲ ", style), (label, paper.DIM)))
    else:
        _print(console, Text.assemble((label.rjust(at - 1), paper.DIM), (" ▲", style)))


def title(console: Console, parts: Iterable[object], facts: Text, verdict: object, *, indent: int) -> None:
    """A thing and what is to be known about it, on one line or, where that is too narrow, on two."""
    said = " ".join(str(part) for part in parts if part)
    if indent + len(said) + 2 + facts.cell_len + len(str(verdict)) <= console.width:
        paper.line(console, said, facts, verdict, indent=indent)
    else:
        paper.line(console, said, verdict, indent=indent)
        paper.line(console, facts, indent=indent + 6)


def about(console: Console, finding: Finding, *, indent: int) -> None:
    """A finding in words: how grave, what, what was found and expected, its code and byte."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, width=7)
    grid.add_column(overflow="fold")
    style = paper.STYLES[finding.severity]
    grid.add_row(paper.words(finding.severity, style), paper.words(finding.sentence))
    facts = [f"{name} {value}" for name, value in (("found", finding.found), ("expected", finding.expected)) if value]
    offset = finding.place.offset
    facts += [*([f"byte {offset}"] if offset is not None else []), finding.code]
    grid.add_row("", paper.words(" · ".join(facts), paper.DIM))
    console.print(Padding(grid, (0, 0, 0, indent)))


def pointed(console: Console, findings: Iterable[Pointed], *, indent: int) -> None:
    """Findings about an envelope, or about a message as a whole."""
    last = ""
    for one in findings:
        shown, place = one.excerpt, one.finding.place
        if shown is None or not place.tag:
            about(console, one.finding, indent=indent)
            continue
        text, start = _window(shown.segment, console.width - _MARGIN, shown.mark)
        if text != last:
            _print(console, Text(" " * _MARGIN + text))
        last = text
        _mark(console, Marked(finding=one.finding, mark=shown.mark, element=_of_envelope(place)), start)
        about(console, one.finding, indent=_MARGIN)


def _of_envelope(place: Place) -> str:
    """The element of a service segment, such as ISA06 or UNB element 5."""
    if place.element is None:
        return ""
    if place.tag in ("ISA", "IEA", "GS", "GE", "ST", "SE", "TA1"):
        return f"{place.tag}{place.element:02}"
    return f"{place.tag} element {place.element}"


def _window(text: str, room: int, mark: int) -> tuple[str, int]:
    """As much of the text as fits, around the mark; and how many characters were left out before."""
    if len(text) <= room:
        return text, 0
    start = max(0, min(mark - room * 2 // 3, len(text) - room))
    shown = text[start : start + room]
    if start + room < len(text):
        shown = shown[:-1] + _ELLIPSIS
    return (_ELLIPSIS + shown[1:] if start else shown), start


def _first(segment: SegmentShown, room: int) -> str:
    """As much of a segment as fits, around what the first finding means."""
    return _window(segment.text, room, min((marked.mark or 0 for marked in segment.findings), default=0))[0]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + _ELLIPSIS


def _print(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line, no_wrap=True, overflow="crop", crop=True)
