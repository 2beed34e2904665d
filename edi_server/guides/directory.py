"""The tables of one directory version: segments, composites, elements and code lists, read from our own text files.

The format is made to be read in a diff; `tools/convert_directory.py` writes it. One line each, comments after `#`:

    elements     3039 an..17 Party id. identification              a, n or an; `..` up to that many characters
                 353 ID 2/2 Transaction set purpose code           X12: AN ID R DT TM B N0 to N9 (N is N0), least/most
    composites   C082 Party identification details = 3039! 1131 3055      ! mandatory, *n up to n times
    segments     NAD Name and address = 3035! C082 C058 C080 C059 3164 3229 3251 3207
                 PO1 Baseline item data = 350 330 355 212 639 235 234 | C0302 P0607
    codes        3035 BY SU DP …                                   a line that begins with a blank continues it

Behind ` | ` stand the conditions between the parts of a segment or composite, in the notation of EDIFACT, `D5(3,4)`
(ISO 9735-1 11.5: D1 to D7), or of X12, `P0304` (X12.6: P R E C L); the numbers are positions, the first part being 1.
Identifiers are words of letters and digits. Messages are read by `edi_server.guides.segment_table`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import NoReturn

from edi_server.errors import ConfigurationError
from edi_server.guides.model import Component, Condition, ConditionKind, Element, ElementUse, SegmentDefinition

DATA = Path(__file__).parent / "data"

ELEMENT = re.compile(r"(\w+) (?:(an|a|n)(\.\.)?([0-9]+)|(AN|ID|R|DT|TM|B|N[0-9]?) ([0-9]+)/([0-9]+))(?: (.*))?")
USE = re.compile(r"(\w+)(!?)(?:\*([0-9]+))?")
CONDITION = re.compile(r"(D[1-7])\(([0-9]+(?:,[0-9]+)+)\)|([PRECL])((?:[0-9]{2}){2,})")
_NOTES: dict[ConditionKind, str] = {
    "one-only": "D1",
    "all-or-none": "D2 P",
    "one-or-more": "D3 R",
    "one-or-none": "D4 E",
    "first-needs-all": "D5 C",
    "first-needs-one": "D6 L",
    "first-excludes": "D7",
}
_KINDS = {note: kind for kind, notes in _NOTES.items() for note in notes.split()}


class Directory:
    """One directory version. Tables are read when they are first asked for and kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lines(self, table: str) -> Iterator[str]:
        """Lines of a table without comments, continuation lines joined.

        Raises ConfigurationError if the installation lacks the file.
        """
        try:
            text = (self.folder / f"{table}.txt").read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"The guide table {error.filename} cannot be read; reinstall edi-server."
            ) from error
        joined = text.replace("\n  ", " ") if table == "codes" else text
        return (line for line in joined.splitlines() if line and not line.startswith("#"))

    @cached_property
    def codes(self) -> dict[str, frozenset[str]]:
        """Code lists by data element."""
        rows = (line.split() for line in self.lines("codes"))
        return {element: frozenset(codes) for element, *codes in rows}

    @cached_property
    def elements(self) -> dict[str, Element]:
        """Data elements by identifier."""
        return {element.id: element for element in map(self._element, self.lines("elements"))}

    def _element(self, line: str) -> Element:
        identifier, kind, up_to, length, x12_kind, least, most, name = self._match(ELEMENT, line, "elements").groups()
        return Element(
            id=identifier,
            name=name or identifier,
            kind=kind or ("N0" if x12_kind == "N" else x12_kind),
            min_length=int(least or (1 if up_to else length)),
            max_length=int(most or length),
            codes=self.codes.get(identifier),
        )

    @cached_property
    def composites(self) -> dict[str, ElementUse]:
        """Composites by identifier, each as a conditional element that stands once."""
        return {row[0]: self._composite(*row) for row in self._rows("composites")}

    def _composite(self, identifier: str, name: str, uses: str, conditions: str) -> ElementUse:
        parts = (self._match(USE, use, "composites").groups() for use in uses.split())
        components = tuple(
            Component(element=self._known(part), mandatory=bool(mark))
            for part, mark, repeat in parts
            for _ in range(int(repeat or 1))
        )
        return ElementUse(
            composite=identifier,
            name=name,
            mandatory=False,
            repeat=1,
            components=components,
            conditions=self._conditions(conditions, "composites"),
        )

    @cached_property
    def segments(self) -> dict[str, SegmentDefinition]:
        """Segments by tag."""
        return {
            tag: SegmentDefinition(
                tag=tag,
                name=name,
                elements=tuple(map(self._use, uses.split())),
                conditions=self._conditions(conditions, "segments"),
            )
            for tag, name, uses, conditions in self._rows("segments")
        }

    def _use(self, use: str) -> ElementUse:
        identifier, mark, repeat = self._match(USE, use, "segments").groups()
        composite = self.composites.get(identifier)
        whole = composite or self._alone(self._known(identifier), mandatory=bool(mark))
        return ElementUse(
            composite=whole.composite,
            name=whole.name,
            mandatory=bool(mark),
            repeat=int(repeat or 1),
            components=whole.components,
            conditions=whole.conditions,
        )

    def _alone(self, element: Element, *, mandatory: bool) -> ElementUse:
        part = Component(element=element, mandatory=mandatory)
        return ElementUse(composite=None, name=element.name, mandatory=mandatory, repeat=1, components=(part,))

    def _known(self, identifier: str) -> Element:
        element = self.elements.get(identifier)
        return element or self._damaged(identifier, "elements")

    def _conditions(self, text: str, table: str) -> tuple[Condition, ...]:
        return tuple(self._condition(one, table) for one in text.split())

    def _condition(self, text: str, table: str) -> Condition:
        note, places, letter, pairs = self._match(CONDITION, text, table).groups()
        numbers = places.split(",") if note else re.findall("..", pairs)
        return Condition(kind=_KINDS[note or letter], parts=tuple(map(int, numbers)))

    def _rows(self, table: str) -> Iterator[tuple[str, str, str, str]]:
        """Identifier, name, parts and conditions of the lines of a table."""
        for line in self.lines(table):
            head, _, rest = line.partition(" = ")
            identifier, _, name = head.partition(" ")
            uses, _, conditions = rest.partition(" | ")
            yield identifier, name, uses, conditions

    def _match(self, pattern: re.Pattern[str], text: str, table: str) -> re.Match[str]:
        return pattern.fullmatch(text) or self._damaged(text, table)

    def _damaged(self, text: str, table: str) -> NoReturn:
        raise ConfigurationError(
            f"The guide table {self.folder / table}.txt is damaged at {text!r}; reinstall edi-server, or add it again."
        )


@cache
def open_folder(folder: Path, stamp: int = 0) -> Directory:  # noqa: ARG001 — another stamp is another content
    """The tables in a folder; cached until its stamp is another."""
    return Directory(folder)


def open_directory(syntax: str, name: str) -> Directory:
    """The tables in a folder of ours, such as ("edifact", "D.96A") or ("edifact", "service-4"); cached."""
    return open_folder(DATA / syntax / name)


def service_segments(syntax_version: str) -> dict[str, SegmentDefinition]:
    """Service segments UNB to UNZ of ISO 9735 by tag; version 2 has those of version 3, as has any we do not know."""
    known = syntax_version if syntax_version in ("1", "4") else "3"
    return open_directory("edifact", f"service-{known}").segments
