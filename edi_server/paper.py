"""How things look: tables and lines for people at any width, JSON for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from rich.console import Console
from rich.text import Text

from edi_server.desk.excerpts import readable

if TYPE_CHECKING:
    from rich.table import Table

    from edi_server.desk.excerpts import Excerpt, Pointed
    from edi_server.findings import Place

#: Where nobody says how wide: enough for ids, and what fits a log.
WIDTH = 120
GOOD, BAD, WAITING, DIM = "green", "bold red", "yellow", "dim"
STYLES = {
    **dict.fromkeys(("valid", "delivered", "accepted", "taken", "sent", "ok", "resolved", "fixed", "posted"), GOOD),
    **dict.fromkeys(("invalid", "failed", "rejected", "unreadable", "unknown sender", "error", "parked"), BAD),
    **dict.fromkeys(("mismatching sender", "no agreement"), BAD),
    **dict.fromkeys(("pending", "processing", "waiting", "overdue", "staged", "duplicate", "warning", "open"), WAITING),
    **dict.fromkeys(("accepted with errors", "partially accepted", "test lane", "assigned"), WAITING),
    **dict.fromkeys(("none", "note", "closed"), DIM),
}


class Column(NamedTuple):
    """A column of a table."""

    name: str
    #: Left out where the paper is narrower than this.
    least: int = 0
    #: Never broken or cut: ids, numbers, states. The others share what is left.
    whole: bool = True
    right: bool = False


def out() -> Console:
    """Standard output."""
    return _console(sys.stdout)


def err() -> Console:
    """Standard error."""
    return _console(sys.stderr)


class _Paper(Console):
    """A console whose reader may go away, as `head` does."""

    def on_broken_pipe(self) -> None:
        """Leave the exit code to the command line, as for what is written past the console."""
        raise BrokenPipeError


def _console(file: Any) -> Console:
    asked = file.isatty() or "COLUMNS" in os.environ
    return _Paper(file=file, highlight=False, markup=False, emoji=False, width=None if asked else WIDTH)


def words(value: object, style: str = "") -> Text:
    """A value as text; states in their colours, what could move a cursor as dots."""
    text = "" if value is None else readable(str(value))
    return Text(text, style=style or STYLES.get(text, ""))


def table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """A table of those columns that fit the width of the console."""
    from rich import box
    from rich.table import Table

    shown = [index for index, column in enumerate(columns) if column.least <= console.width]
    made = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for index in shown:
        column = columns[index]
        made.add_column(
            column.name,
            no_wrap=column.whole,
            overflow="ellipsis" if column.whole else "fold",
            justify="right" if column.right else "left",
            header_style="bold",
        )
    for row in rows:
        made.add_row(*(_cell(row[index]) for index in shown))
    return made


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else words(value)


def facts(console: Console, pairs: Iterable[tuple[str, object]]) -> None:
    """Names with their values, one a line, long values wrapped below themselves."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=DIM, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", ()):
            grid.add_row(name, _cell(value))
    console.print(grid)


def heading(console: Console, text: str) -> None:
    """A title with room above."""
    console.print()
    console.print(Text(readable(text), style="bold"))


def line(console: Console, *parts: object, indent: int = 0) -> None:
    """Parts beside each other; wrapped below where the line began."""
    from rich.padding import Padding

    made = Text(" ").join(_cell(part) for part in parts)
    console.print(Padding(made, (0, 0, 0, indent), expand=False) if indent else made)


def findings(console: Console, pointed: Iterable[Pointed], *, indent: int = 2) -> None:
    """Each finding with where it is, what was found, and the bytes."""
    for one in pointed:
        finding = one.finding
        line(console, words(f"{finding.severity:7}", STYLES[finding.severity]), finding.sentence, indent=indent)
        about = [where(finding.place), finding.code]
        found = " · ".join(
            f"{name} {readable(text)}"
            for name, text in (("found", finding.found), ("expected", finding.expected))
            if text
        )
        line(console, words(" · ".join(part for part in (*about, found) if part), DIM), indent=indent + 8)
        if one.excerpt is not None:
            excerpt(console, one.excerpt, indent=indent + 8)


def where(place: Place) -> str:
    """A place in words, the widest part first."""
    parts = [
        ("message", place.message),
        ("segment", place.segment and f"{place.segment} {place.tag or ''}".strip()),
        ("group", place.group),
        ("element", place.element),
        ("component", place.component),
        ("repetition", place.repetition),
        ("field", place.field),
        ("byte", place.offset),
    ]
    return ", ".join(f"{name} {readable(str(value))}" for name, value in parts if value not in (None, ""))


def excerpt(console: Console, shown: Excerpt, *, indent: int) -> None:
    """The segment between its neighbours, with a mark below the place; cut around the mark to one line."""
    room = max(20, console.width - indent - 4)
    start = max(0, shown.mark - room * 2 // 3) if len(shown.segment) > room else 0
    blanks = " " * indent
    for text, style in ((shown.before, DIM), (shown.segment[start:], ""), (shown.after, DIM)):
        if text:
            sign = "› " if not style else "  "
            console.print(Text(blanks + sign + _cut(text, room), style=style), no_wrap=True, crop=True)
        if not style:
            console.print(Text(f"{blanks}  {' ' * (shown.mark - start)}▲", style=WAITING), no_wrap=True)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def short(id_: str | None) -> str:
    """The beginning of an id, which every command understands; different for all ids of one process."""
    return (id_ or "")[:18]


def when(at: datetime | None, *, seconds: bool = False) -> str:
    """An instant in the time zone of this machine."""
    if at is None:
        return ""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M")


def write_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
