"""The tables of one directory version: segments, composites, elements and code lists, read from our own text files.

The format is made to be read in a diff; `tools/convert_directory.py` writes it. One line each:

    elements     3039 an..17 Party id. identification
    composites   C082 Party identification details = 3039! 1131 3055       ! mandatory, *n up to n times
    segments     NAD Name and address = 3035! C082 C058 C080 C059 3164 3229 3251 3207
    codes        3035 BY SU DP …
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

from edi_server.errors import ConfigurationError
from edi_server.guides.model import Component, Element, ElementUse, SegmentDefinition

DATA = Path(__file__).parent / "data"

_FORMAT = re.compile(r"(a|n|an)(\.\.)?([0-9]+)")
_USE = re.compile(r"(\w+)(!?)(?:\*([0-9]+))?")


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
        rows = (line.split(" ", 2) for line in self.lines("elements"))
        return {identifier: self._element(identifier, form, name) for identifier, form, name in rows}

    def _element(self, identifier: str, form: str, name: str) -> Element:
        kind, up_to, length = _match(_FORMAT, form).groups()
        return Element(
            id=identifier,
            name=name,
            kind=kind,
            min_length=1 if up_to else int(length),
            max_length=int(length),
            codes=self.codes.get(identifier),
        )

    @cached_property
    def composites(self) -> dict[str, tuple[str, tuple[Component, ...]]]:
        """Name and components of composites by identifier."""
        return {identifier: (name, self._components(uses)) for identifier, name, uses in self._rows("composites")}

    def _components(self, uses: str) -> tuple[Component, ...]:
        parts = (_match(_USE, use).groups() for use in uses.split())
        return tuple(
            Component(element=self.elements[identifier], mandatory=bool(mark))
            for identifier, mark, repeat in parts
            for _ in range(int(repeat or 1))
        )

    @cached_property
    def segments(self) -> dict[str, SegmentDefinition]:
        """Segments by tag."""
        return {
            tag: SegmentDefinition(tag=tag, name=name, elements=tuple(map(self._use, uses.split())))
            for tag, name, uses in self._rows("segments")
        }

    def _use(self, use: str) -> ElementUse:
        identifier, mark, repeat = _match(_USE, use).groups()
        name, components = self.composites.get(identifier) or self._alone(identifier, mandatory=bool(mark))
        return ElementUse(
            composite=identifier if identifier in self.composites else None,
            name=name,
            mandatory=bool(mark),
            repeat=int(repeat or 1),
            components=components,
        )

    def _alone(self, identifier: str, *, mandatory: bool) -> tuple[str, tuple[Component, ...]]:
        element = self.elements[identifier]
        return element.name, (Component(element=element, mandatory=mandatory),)

    def _rows(self, table: str) -> Iterator[tuple[str, str, str]]:
        for line in self.lines(table):
            head, _, uses = line.partition(" = ")
            identifier, _, name = head.partition(" ")
            yield identifier, name, uses


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"A guide table is damaged at {text!r}; reinstall edi-server.")
    return match


@cache
def open_directory(syntax: str, name: str) -> Directory:
    """The tables in a folder of ours, such as ("edifact", "D.96A") or ("edifact", "service-4"); cached."""
    return Directory(DATA / syntax / name)


def service_segments(syntax_version: str) -> dict[str, SegmentDefinition]:
    """Service segments UNB to UNZ of ISO 9735 by tag; syntax version "4" has its own, all others those of version 3."""
    return open_directory("edifact", "service-4" if syntax_version == "4" else "service-3").segments
