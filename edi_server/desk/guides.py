"""Guides for people: which there are, what one says, and adding to them from files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.guides import Guide, known_guides, known_segments, load_guide
from edi_server.guides.adding import Added, add_edifact, add_x12
from edi_server.guides.model import Condition, Element, ElementUse, Position, SegmentDefinition
from edi_server.guides.shelves import added_folder, shelf

_SYNTAXES = ("edifact", "x12")
_VERSION = re.compile(r"[DS]\.?[0-9]{2}[A-C]|D\.3|4\.1|[0-9]{6}|service", re.IGNORECASE)
_NOTES = {
    "one-only": "exactly one of {all}",
    "all-or-none": "all of {all}, or none",
    "one-or-more": "at least one of {all}",
    "one-or-none": "at most one of {all}",
    "first-needs-all": "{first} only with {others}",
    "first-needs-one": "{first} only with at least one of {others}",
    "first-excludes": "{first} only without {others}",
}


class GuideRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message type and the versions that there are guides for."""

    syntax: str
    message: str
    #: Oldest first.
    versions: tuple[str, ...]
    #: Those of them that were added here.
    added: tuple[str, ...]


class RowShown(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a segment table: a segment, or the group that the next line triggers."""

    level: int
    #: Tag, or name of the group.
    name: str
    #: Of the segment; "" for a group.
    title: str
    mandatory: bool
    repeat: int
    section: str


class ElementShown(msgspec.Struct, frozen=True, kw_only=True):
    """A data element of a segment, alone or as component."""

    #: Such as "3" or "2.1".
    place: str
    id: str
    name: str
    mandatory: bool
    repeat: int
    #: "an..3", or "" for a composite.
    format: str
    codes: tuple[str, ...]


class GuideShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a guide says: a message as rows, or a segment as elements."""

    kind: Literal["message", "segment"]
    syntax: str
    version: str
    name: str
    title: str
    rows: tuple[RowShown, ...] = ()
    elements: tuple[ElementShown, ...] = ()
    #: Dependencies between its elements, in words.
    conditions: tuple[str, ...] = ()


def add_guides(configuration: Configuration, source: Path, *, syntax: str, version: str | None) -> Added:
    """Add a directory version, messages or tables from files; nothing is kept if something is wrong with them.

    Raises OSError if the files cannot be read.
    """
    folder = Path(configuration.settings.guides.folder)
    return add_edifact(source, folder, version=version) if syntax == "edifact" else add_x12(source, folder)


def list_guides(syntax: str | None = None) -> list[GuideRow]:
    """Every message type that we know, by syntax."""
    return [
        GuideRow(syntax=one, message=message, versions=versions, added=_added(one, message))
        for one in _SYNTAXES
        if syntax in (None, one)
        for message, versions in known_guides(one).items()
    ]


def _added(syntax: str, message: str) -> tuple[str, ...]:
    folder = added_folder()
    places = shelf(syntax).get(message, {})
    return tuple(version for version, place in places.items() if folder and place.folder.is_relative_to(folder))


def show_guide(first: str, second: str) -> GuideShown:
    """A message of a version, or a segment of it: two words, in either order, such as ORDERS D.96A or D.96A NAD.

    Raises NotPossible if there is none.
    """
    version, name = (first, second) if _VERSION.fullmatch(first) else (second, first)
    version, name = _spelled(version), name.upper()
    for syntax in _SYNTAXES:
        if version in known_guides(syntax).get(name, ()):
            return _message(load_guide(syntax=syntax, version=version, message=name))
        if segment := known_segments(syntax, version).get(name):
            return _segment(syntax, version, segment)
    raise NotPossible(_unknown(version, name))


def _spelled(version: str) -> str:
    """D96A and d.96a as D.96A."""
    return re.sub(r"^([DS])\.?([0-9]{2}[A-C])$", r"\1.\2", version.upper()) if version != "service" else version


def _unknown(version: str, name: str) -> str:
    for syntax in _SYNTAXES:
        if versions := known_guides(syntax).get(name):
            return f"There is no guide for {name} {version}; there are {', '.join(versions)}."
        if messages := [message for message, versions in known_guides(syntax).items() if version in versions]:
            return f"{version} has neither a message nor a segment {name}; its messages are {', '.join(messages)}."
    return f"Neither {name} nor {version} is known; edi-server guide list says what is."


def _message(guide: Guide) -> GuideShown:
    rows = [row for position in guide.positions for row in _rows(guide, position)]
    return GuideShown(
        kind="message", syntax=guide.syntax, version=guide.version, name=guide.message, title="", rows=tuple(rows)
    )


def _rows(guide: Guide, row: Position) -> list[RowShown]:
    level = row.path.count("/") + 1 if row.path else 0
    shown = RowShown(
        level=level,
        name=row.tag,
        title=row.segment.name,
        mandatory=row.mandatory,
        repeat=row.repeat,
        section=row.section,
    )
    group = guide.groups.get(row.index)
    if group is None:
        return [shown]
    above = msgspec.structs.replace(
        shown, level=level - 1, name=group.name, title="", mandatory=group.mandatory, repeat=group.repeat
    )
    return [above, shown]


def _segment(syntax: str, version: str, segment: SegmentDefinition) -> GuideShown:
    elements = [shown for number, use in enumerate(segment.elements, 1) for shown in _elements(number, use)]
    notes = [_note(one, f"{segment.tag}") for one in segment.conditions]
    for use in segment.elements:
        notes += [_note(one, use.composite or "") for one in use.conditions]
    return GuideShown(
        kind="segment",
        syntax=syntax,
        version=version,
        name=segment.tag,
        title=segment.name,
        elements=tuple(elements),
        conditions=tuple(dict.fromkeys(notes)),
    )


def _elements(number: int, use: ElementUse) -> list[ElementShown]:
    if use.composite is None:
        return [_element(str(number), use.components[0].element, mandatory=use.mandatory, repeat=use.repeat)]
    head = ElementShown(
        place=str(number),
        id=use.composite,
        name=use.name,
        mandatory=use.mandatory,
        repeat=use.repeat,
        format="",
        codes=(),
    )
    parts = enumerate(use.components, 1)
    return [head, *(_element(f"{number}.{n}", part.element, mandatory=part.mandatory, repeat=1) for n, part in parts)]


def _element(place: str, element: Element, *, mandatory: bool, repeat: int) -> ElementShown:
    return ElementShown(
        place=place,
        id=element.id,
        name=element.name,
        mandatory=mandatory,
        repeat=repeat,
        format=_format(element),
        codes=tuple(sorted(element.codes or ())),
    )


def _format(element: Element) -> str:
    """`an..35` for EDIFACT, `AN 1/35` for X12, as each standard writes it."""
    low, high = element.min_length, element.max_length
    if element.kind.isupper():
        return f"{element.kind} {low}/{high}"
    return f"{element.kind}{'' if low == high else '..'}{high}"


def _note(condition: Condition, owner: str) -> str:
    """A dependency in words, its parts as NAD01 or C08201."""
    first, *others = (f"{owner}{part:02}" for part in condition.parts)
    words = _NOTES[condition.kind]
    return words.format(first=first, others=_listed(others), all=_listed([first, *others]))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
