"""A profile resolved against a guide, for one direction: what explaining, checking, interpreting and compiling share.

A *scope* is where one record is made: the whole message, one occurrence of a group, one segment, or one composite in
a segment. Its *frame* says what is taken from the scope's own segment (`own`) and from its children (`takers`): a
*slot* is a child segment or group that lines reach into; a *nested* taker makes a record of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edi_server.canonical import Record
from edi_server.guides.model import Element, Guide, Nesting
from edi_server.translation.codecs import Codec
from edi_server.translation.formulas import Formula
from edi_server.translation.profile import CodeTable, Entry, Line, Profile, ProfileProblem
from edi_server.translation.restoring import compares_plainly

#: Segments that frame a message or divide its sections, of EDIFACT and of X12: they carry nothing of the business.
FRAME = frozenset(("UNH", "UNS", "UNT", "ST", "SE"))
#: Shape, position of the anchor (0: the message), and the composite if the anchor is one.
ScopeKey = tuple[str, int, str]


@dataclass(frozen=True)
class Demand:
    """A condition at a place of a segment; `element` is 0 where it is a condition on a composite."""

    element: int
    component: int
    values: tuple[str, ...]
    negated: bool
    #: A stand-alone data element, which has no components.
    alone: bool = False

    def holds(self, text: str) -> bool:
        """True if the component's text fulfils the condition; absent is ""."""
        if not self.values:
            return (text != "") != self.negated
        return (text in self.values) != self.negated


@dataclass(frozen=True)
class Choice:
    """The composites among which one is looked for: the elements they stand in, and what they must fulfil."""

    elements: tuple[int, ...]
    tests: tuple[Demand, ...]
    #: A stand-alone data element, which has no components.
    alone: bool = False


@dataclass(frozen=True)
class Spot:
    """Where in a segment one text stands: components of the first composite (or element) that fulfils the choice."""

    choice: Choice
    #: Several for `3036*`: joined.
    components: tuple[int, ...]
    element: Element
    composite: str | None


@dataclass(eq=False)
class Binding:
    """One line at one of its places."""

    site: Site
    #: 0 for the first place, then in order.
    rank: int
    spots: tuple[Spot, ...]
    #: Position of the segment.
    position: int


@dataclass(eq=False)
class Site:
    """One line in one scope. There is one for each line and scope, whatever number of places it has."""

    entry: Entry
    line: Line
    codec: Codec
    codes: CodeTable | None = None
    #: Name of the attribute that is read or written.
    name: str = ""
    #: The class's or profile's value for absence.
    absent: Any = None
    required: bool = False
    #: A list of values.
    many: bool = False
    #: One text that goes through several segments.
    spread: bool = False
    formula: Formula | None = None
    bindings: list[Binding] = field(default_factory=list)

    @property
    def conditional(self) -> bool:
        """True if a text found may yet be given back: other places rank before it, or `when` may not hold."""
        return len(self.bindings) > 1 or bool(self.line.when)

    @property
    def waits(self) -> bool:
        """True if a text found counts as read only once it was chosen."""
        return self.line.kind == "value" and self.conditional and not (self.many or self.spread)


@dataclass(eq=False)
class Frame:
    """What is taken from one segment and from what hangs on it."""

    #: 0 for the message.
    position: int
    tag: str
    path: str
    own: list[Binding] = field(default_factory=list)
    takers: list[Slot | Nested] = field(default_factory=list)

    def at(self, position: int) -> list[Slot | Nested]:
        """What takes segments of a position, in the order of the lines."""
        return self._by_position.get(position, [])

    @cached_property
    def _by_position(self) -> dict[int, list[Slot | Nested]]:
        """Made when the plan is complete."""
        found: dict[int, list[Slot | Nested]] = {}
        for taker in self.takers:
            found.setdefault(taker.position, []).append(taker)
        return found

    def positions(self) -> list[int]:
        """Positions with takers, ascending."""
        return sorted({taker.position for taker in self.takers})


@dataclass(eq=False)
class Slot:
    """A child segment or group that lines reach into: the first that fulfils the conditions, or all (`many`)."""

    position: int
    tests: tuple[Demand, ...]
    frame: Frame
    #: A composite that must be there, for plain segments.
    choice: Choice | None
    many: bool
    is_group: bool
    #: Such as "PRI[5125=AAA]": names the slot for segments kept below it.
    key: str

    def bindings(self) -> Iterator[Binding]:
        """All bindings in and below the slot."""
        yield from self.frame.own
        for taker in self.frame.takers:
            if isinstance(taker, Slot):
                yield from taker.bindings()

    def nested(self) -> Iterator[Nested]:
        """All records made in and below the slot."""
        for taker in self.frame.takers:
            if isinstance(taker, Slot):
                yield from taker.nested()
            else:
                yield taker

    @cached_property
    def conditional(self) -> bool:
        """True if the slot may be given back as unread at the end."""
        bindings = list(self.bindings())
        return all(one.site.conditional for one in bindings) and bool(bindings) and not any(self.nested())


@dataclass(eq=False)
class Nested:
    """A child that becomes a record: a segment, a group, or a composite in a segment (`choice`)."""

    position: int
    tests: tuple[Demand, ...]
    site: Site
    scope: ScopeKey
    choice: Choice | None
    is_group: bool
    #: The repetitions of the group form a tree (CPS), and this takes the outermost or the next level of it.
    nesting: Nesting | None


@dataclass(eq=False)
class Scope:
    """Where one record is made."""

    key: ScopeKey
    record: type[Record]
    frame: Frame
    sites: list[Site] = field(default_factory=list)
    keeps: bool = False


@dataclass(eq=False)
class Plan:
    """A profile resolved against a guide, for one direction ("read" or "write")."""

    profile: Profile
    guide: Guide
    direction: str
    root: Scope
    scopes: dict[ScopeKey, Scope]
    problems: list[ProfileProblem]

    @cached_property
    def compares_plainly(self) -> bool:
        """True if no line compares with a character that may be released."""
        return compares_plainly(self.profile)


def tag_of(segment: str) -> str:
    """The tag of a segment in normal form: three characters in EDIFACT, two or three in X12."""
    return segment.partition("+")[0]


def disjoint(one: tuple[Demand, ...], other: tuple[Demand, ...]) -> bool:
    """True if no segment (or composite) can fulfil both: they want different things at the same place."""
    return any(_clash(a, b) for a in one for b in other if (a.element, a.component) == (b.element, b.component))


def _clash(one: Demand, other: Demand) -> bool:
    if one.negated and other.negated:
        return False
    if one.negated or other.negated:
        no, yes = (one, other) if one.negated else (other, one)
        # Not these values, against values that are all among them; empty, against anything that must be filled.
        return set(yes.values) <= set(no.values) and bool(yes.values) if no.values else True
    return bool(one.values) and bool(other.values) and not set(one.values) & set(other.values)
