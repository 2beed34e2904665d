"""Tables that a user wants to add, as lines of our own notation, each with the place where it was read."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Problem(NamedTuple):
    """What is wrong with a file of tables, for the person who added it."""

    file: str
    #: 0 where it is about the file as a whole.
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}" if self.line else f"{self.file}: {self.sentence}"


class DraftLine(NamedTuple):
    """A line in the notation of `edi_server.guides.directory` or `edi_server.guides.segment_table`."""

    text: str
    file: str
    line: int


class Draft(msgspec.Struct, kw_only=True):
    """Tables of one version while they are being gathered: lines by identifier, and lines of each message in order."""

    syntax: str
    #: Such as "D.96B" or "004010"; "" until something says it.
    version: str = ""
    elements: dict[str, DraftLine] = {}
    composites: dict[str, DraftLine] = {}
    segments: dict[str, DraftLine] = {}
    codes: dict[str, DraftLine] = {}
    messages: dict[str, list[DraftLine]] = {}
    problems: list[Problem] = []

    def table(self, name: str) -> dict[str, DraftLine]:
        """One of the tables "elements", "composites", "segments" and "codes"."""
        found: dict[str, DraftLine] = getattr(self, name)
        return found

    def is_empty(self) -> bool:
        """True if nothing was read."""
        return not (self.elements or self.composites or self.segments or self.codes or self.messages)

    def wrong(self, file: str, line: int, sentence: str) -> None:
        """Remember a problem."""
        self.problems.append(Problem(file, line, sentence))
