"""A guide: what a message may look like, as frozen tables in memory, and a message placed in it.

Positions are numbered in the order of the standard's segment table (pre-order of its tree), the first being 1. Because
a well-formed message walks through them in ascending order within each repetition of a group, the list of positions
that `check` returns *is* the tree of the message, flattened; `Tree.root` unflattens it for those who want nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import msgspec


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """A data element: UN/EDIFACT EDED, X12 data dictionary."""

    #: Identifier in the directory, such as "3039".
    id: str
    name: str
    #: "a", "n" or "an"; of X12 (X12.6 section 3.4) "AN", "ID", "R", "DT", "TM", "B" or "N0" to "N9".
    kind: str
    min_length: int
    max_length: int
    #: Codes of the directory version, or None where the element is not coded or we carry no list.
    codes: frozenset[str] | None = None


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a data element, alone in a segment or within a composite."""

    element: Element
    mandatory: bool


#: How parts depend on each other; beside each what EDIFACT (D1-D7) and X12 (P, R, E, C, L) call it.
ConditionKind = Literal[
    "one-only",  # D1     one and only one
    "all-or-none",  # D2 P
    "one-or-more",  # D3 R
    "one-or-none",  # D4 E
    "first-needs-all",  # D5 C
    "first-needs-one",  # D6 L
    "first-excludes",  # D7
]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A dependency between the elements of a segment or the components of a composite (ISO 9735-1 11.5, X12.6 3.6)."""

    kind: ConditionKind
    #: Positions, the first element behind the tag (the first component) being 1; the order matters to "first-…".
    parts: tuple[int, ...]


class ElementUse(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a segment: a stand-alone data element (`composite` None, one component) or a composite."""

    #: Identifier of the composite, such as "C082", or None for a stand-alone element.
    composite: str | None
    name: str
    mandatory: bool
    #: How often it may be repeated (syntax version 4); 1 in version 3. D.96A repeats places instead.
    repeat: int
    components: tuple[Component, ...]
    #: Between the components of a composite.
    conditions: tuple[Condition, ...] = ()


class SegmentDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A segment as the directory defines it: EDSD, or the X12 segment directory."""

    tag: str
    name: str
    elements: tuple[ElementUse, ...]
    #: Between its elements.
    conditions: tuple[Condition, ...] = ()


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the segment table of a message."""

    #: Number of the row, pre-order, the first (UNH) being 1.
    index: int
    tag: str
    segment: SegmentDefinition
    #: Mandatory within its group (the trigger of a group always is).
    mandatory: bool
    repeat: int
    #: Position of the trigger of the innermost group this segment is in, itself included if it is that group's trigger;
    #: 0 outside any group.
    group: int
    #: Path of group names, such as "SG25/SG28"; "" outside any group.
    path: str
    #: "header", "detail" or "summary": sections are divided by UNS (or by the first LIN/CPS group where there is none).
    section: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A segment group, named and delimited by the position of its trigger."""

    #: Such as "SG25".
    name: str
    #: Position of the trigger segment.
    trigger: int
    #: Last position that belongs to the group (nested groups included).
    last: int
    mandatory: bool
    repeat: int
    #: Trigger of the enclosing group, 0 if none.
    parent: int


class Nesting(msgspec.Struct, frozen=True, kw_only=True):
    """A group whose repetitions form a tree by identifiers (CPS 7164/7166; HL01/HL02)."""

    #: Position of the trigger.
    trigger: int
    #: (element, component) places, 1-based, of the own and of the parent's identifier.
    id: tuple[int, int]
    parent: tuple[int, int]
    #: Places of the kind of level and of the mark that says whether there are levels in it (HL03, HL04); CPS has none.
    level: tuple[int, int] | None = None
    child: tuple[int, int] | None = None
    #: In which kinds of level a kind may stand, "" being in none; kinds that are not named may stand anywhere.
    levels: dict[str, frozenset[str]] = {}


class Guide(msgspec.Struct, frozen=True, kw_only=True, dict=True, weakref=True):
    """What one message type of one directory version may look like."""

    #: "edifact" or "x12".
    syntax: str
    #: Message type, such as "ORDERS".
    message: str
    #: Directory version, such as "D.96A".
    version: str
    #: `positions[0]` is row 1.
    positions: tuple[Position, ...]
    #: By position of their trigger.
    groups: dict[int, Group]
    nestings: tuple[Nesting, ...] = ()

    def __repr__(self) -> str:
        """Short: in full a guide is a megabyte."""
        return f"<Guide {self.message} {self.version}>"

    def position(self, index: int) -> Position:
        """Row `index` of the segment table, the first being 1."""
        return self.positions[index - 1]

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """Positions directly inside each group (0: outside any): triggers of nested groups included, not its own."""
        inside: dict[int, list[int]] = {0: [], **{trigger: [] for trigger in self.groups}}
        for row in self.positions:
            group = self.groups.get(row.index)
            inside[group.parent if group else row.group].append(row.index)
        return {trigger: tuple(rows) for trigger, rows in inside.items()}


class Node(msgspec.Struct, kw_only=True):
    """One segment of a message with what hangs on it: a group is its trigger segment with children."""

    #: Position in the guide; 0 for the root, which has no segment.
    position: int
    tag: str
    #: Normal form (`edi_server.syntax.normal`); "" for the root.
    text: str
    #: Number of the segment in its message, UNH being 1; 0 for the root.
    number: int
    children: list[Node] = []


class Tree(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A message placed in its guide.

    `segments` and `positions` run in parallel and hold only segments that have a place; positions ascend within each
    repetition of a group. Segments without a place are in the findings, not here.
    """

    guide: Guide
    #: Segments in normal form, UNH first, UNT last.
    segments: list[str]
    #: Position of each segment in the guide.
    positions: list[int]
    #: Number of each segment in its message, UNH being 1; None means 1, 2, 3, …
    numbers: list[int] | None = None
    #: True if some segment contains stand-ins for released characters.
    released: bool = False

    @cached_property
    def text(self) -> str:
        """All segments, joined by apostrophes, of which no normal form has any."""
        return "'".join(self.segments)

    @cached_property
    def root(self) -> Node:
        """The message as nodes, nested groups (`Guide.nestings`) hung under their parents."""
        from edi_server.guides.tree import build

        return build(self)

    def walk(self) -> Iterator[tuple[int, int, str]]:
        """(number, position, segment) of every placed segment."""
        numbers = self.numbers or range(1, len(self.segments) + 1)
        return zip(numbers, self.positions, self.segments, strict=True)
