"""The language, interpreted on the nodes of a tree: slow and simple.

It is the oracle that the compiler is tested against, and it knows which components it has read, which is what
`not_carried` asks. It never raises on what a message contains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edi_server.canonical import Record, When
from edi_server.findings import Finding
from edi_server.guides.model import Node, Tree
from edi_server.syntax.normal import to_text
from edi_server.translation import faults
from edi_server.translation.codecs import Unreadable
from edi_server.translation.keeping import SUMMARY, summary_of
from edi_server.translation.plan import FRAME, Binding, Choice, Demand, Frame, Nested, Plan, Scope, Site, Slot, Spot
from edi_server.translation.x12_runs import unfold

#: Segment number, element, repetition, component: all from 1, but for repetitions from 0.
Mark = tuple[int, int, int, int]
Composite = tuple[int, int, list[str]]


@dataclass
class Interpreted:
    """What reading a tree gave."""

    document: Record
    findings: list[Finding]
    #: Components that were read.
    read: set[Mark]
    #: Numbers of segments that were kept.
    kept: set[int]


@dataclass
class _Text:
    """A text found at one place of a line."""

    rank: int
    texts: tuple[str, ...]
    frame: Frame
    spots: tuple[Spot, ...]
    number: int
    marks: list[Mark]
    #: The slots that it was found in or below and that may be given back.
    slots: tuple[Slot, ...]


@dataclass
class _State:
    """One record being read."""

    scope: Scope
    texts: dict[int, list[_Text]] = field(default_factory=dict)
    items: dict[int, list[Any]] = field(default_factory=dict)
    taken: dict[int, tuple[Slot, Node, str]] = field(default_factory=dict)
    matched: set[int] = field(default_factory=set)
    claimed: set[int] = field(default_factory=set)
    #: Numbers of segments that records were made of, whatever becomes of slots in them.
    firm: set[int] = field(default_factory=set)
    unread: list[tuple[Node, str]] = field(default_factory=list)
    marks: set[Mark] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)


def read_tree(plan: Plan, tree: Tree) -> Interpreted:
    """Read a tree by a plan made for reading."""
    reader = _Reader(plan)
    state = _State(plan.root)
    document = reader.record(state, tree.root, None, root=True)
    assert document is not None  # the root always becomes a document
    reader.findings.sort(key=order)
    return Interpreted(document, reader.findings, state.marks, state.kept)


def marks_of(plan: Plan, use: Slot | Nested | Binding, node: Node) -> set[Mark]:
    """The components of one segment that a use of it reads, if it does use it.

    Of a slot or group: its conditions and all lines but those that may yet be given back. A binding: its text.
    """
    reader = _Reader(plan)
    if isinstance(use, Binding):
        return reader.marks([use], node)
    if isinstance(use, Nested) and not (use.is_group and use.choice is None):
        state = _State(plan.root)
        reader._take_nested(state, use, node)  # noqa: SLF001 — the class is private, and this its public face
        return state.marks
    frame = use.frame if isinstance(use, Slot) else plan.scopes[use.scope].frame
    marks = _test_marks(use.tests, node.number)
    if isinstance(use, Nested) and use.nesting:
        marks |= {(node.number, place[0], 0, place[1]) for place in (use.nesting.id, use.nesting.parent)}
    return marks | reader.marks([one for one in frame.own if not one.site.waits], node)


def order(finding: Finding) -> tuple[Any, ...]:
    """Findings are told in the order of the message."""
    place = finding.place
    return (
        place.segment or 0,
        finding.code,
        place.element or 0,
        place.component or 0,
        place.field or "",
        finding.sentence,
    )


class _Reader:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.findings: list[Finding] = []
        self.summary = summary_of(plan.guide)
        self.nested = {nesting.trigger for nesting in plan.guide.nestings}

    # -- records

    def record(self, state: _State, node: Node, composite: Composite | None, *, root: bool = False) -> Record | None:
        """The record of a scope, or None if it has no value or lacks what it must have."""
        scope = state.scope
        self._frame(state, scope.frame, node, composite, "", ())
        values, filled = self._values(state)
        self._give_back(state)
        missing = any(site.required and values.get(site.line.field) is None for site in scope.sites)
        if (missing or not filled) and not root:
            return None
        if scope.keeps and (kept := self._keep(state)):
            values["kept"] = kept
        document = scope.record(**values)
        self._compare(state, document)
        return document

    def _keep(self, state: _State) -> tuple[str, ...]:
        state.unread.sort(key=lambda one: one[0].number)
        texts = []
        for node, prefix in state.unread:
            inside = list(_flat(node, self.nested))
            state.kept.update(one.number for one in inside)
            texts.append(prefix + "'".join(unfold(self.plan.guide, one.text) for one in inside))
        return tuple(texts)

    def _give_back(self, state: _State) -> None:
        """Slots that no line's chosen text came from are unread after all, with all that is in them."""
        for key, (slot, node, _) in state.taken.items():
            if key in state.claimed or not slot.conditional:
                state.marks.update(_test_marks(slot.tests, node.number))
                state.firm.add(node.number)
        for _, node, prefix in state.taken.values():
            if node.number in state.firm:
                continue
            state.firm.add(node.number)
            inside = {one.number for one in _flat(node, set())}
            state.unread = [one for one in state.unread if one[0].number not in inside]
            self._unread(state, node, SUMMARY if node.position in self.summary else prefix)

    def _unread(self, state: _State, node: Node, prefix: str) -> None:
        if node.tag in FRAME:
            return
        state.unread.append((node, prefix))
        for child in node.children:
            if child.position in self.nested:
                self._unread(state, child, prefix)

    # -- frames

    def _frame(
        self, state: _State, frame: Frame, node: Node, composite: Composite | None, prefix: str, slots: tuple[Slot, ...]
    ) -> None:
        for binding in frame.own:
            self._take_own(state, frame, binding, node, composite, slots)
        for child in () if composite else node.children:
            if not self._take(state, frame, child, prefix, slots):
                self._unread(state, child, SUMMARY if child.position in self.summary else prefix)

    def _take(self, state: _State, frame: Frame, child: Node, prefix: str, outer: tuple[Slot, ...]) -> bool:
        """Offer a child to everything that takes its position; True if it was read."""
        used = False
        for taker in frame.at(child.position):
            if used and taker.is_group:
                break
            if not _match(taker.tests, child.text):
                continue
            if isinstance(taker, Slot):
                used |= self._take_slot(state, taker, child, prefix, outer)
            else:
                used |= self._take_nested(state, taker, child)
        return used

    def _take_slot(self, state: _State, slot: Slot, node: Node, prefix: str, outer: tuple[Slot, ...]) -> bool:
        if not slot.many and id(slot) in state.taken:
            return False
        if slot.choice and next(_choose(slot.choice, node.text), None) is None:
            return False
        if slot.many:
            state.marks.update(_test_marks(slot.tests, node.number))
        else:
            state.taken[id(slot)] = (slot, node, prefix)
        inner = (*outer, slot) if slot.conditional and not slot.many else outer
        self._frame(state, slot.frame, node, None, f"{prefix}@{slot.key} ", inner)
        return True

    def _take_nested(self, state: _State, nested: Nested, node: Node) -> bool:
        if nested.site.line.kind == "within":
            if id(nested) in state.matched:
                self.findings.append(faults.more_than_one(_frame_of(self.plan, nested), nested.site, node.number))
                return False
            state.matched.add(id(nested))
        if nested.choice is None:
            return self._take_item(state, nested, node, None)
        used = False
        for composite in _choose(nested.choice, node.text):
            if self._take_item(state, nested, node, composite):
                used = True
                state.firm.add(node.number)
                state.marks.update(
                    (node.number, composite[0], composite[1], test.component) for test in nested.choice.tests
                )
        return used

    def _take_item(self, state: _State, nested: Nested, node: Node, composite: Composite | None) -> bool:
        inner = _State(self.plan.scopes[nested.scope])
        item = self.record(inner, node, composite)
        if item is None:
            # An empty packing level says nothing and is not kept: its numbers would mean something else elsewhere.
            return (
                nested.nesting is not None
                and not inner.unread
                and all(child.position == nested.position for child in node.children)
            )
        state.items.setdefault(id(nested.site), []).append(item)
        state.marks |= inner.marks
        state.marks.update(_test_marks(nested.tests, node.number))
        if nested.nesting:
            state.marks.update(
                (node.number, place[0], 0, place[1]) for place in (nested.nesting.id, nested.nesting.parent)
            )
        state.kept |= inner.kept
        return True

    # -- texts

    def marks(self, bindings: list[Binding], node: Node) -> set[Mark]:
        """The components that lines read in their segment."""
        found: set[Mark] = set()
        for binding in bindings:
            for _, marks in self._texts(binding, node, None):
                found.update(marks)
                if not binding.site.many:
                    break
        return found

    def _take_own(
        self,
        state: _State,
        frame: Frame,
        binding: Binding,
        node: Node,
        composite: Composite | None,
        slots: tuple[Slot, ...],
    ) -> None:
        found = state.texts.setdefault(id(binding.site), [])
        for texts, marks in self._texts(binding, node, composite):
            found.append(_Text(binding.rank, texts, frame, binding.spots, node.number, marks, slots))
            if not binding.site.many:
                return

    def _texts(
        self, binding: Binding, node: Node, composite: Composite | None
    ) -> Iterator[tuple[tuple[str, ...], list[Mark]]]:
        """The texts of a binding in a segment: one for each composite of the choice (of which most lines use one)."""
        first = binding.spots[0]
        for chosen in (
            [composite] if composite and not first.choice.elements else list(_choose(first.choice, node.text))
        ):
            assert chosen is not None
            if not _match_composite(first.choice.tests, chosen[2]):
                continue
            marks: list[Mark] = []
            texts = []
            for spot in binding.spots:
                here = chosen if spot.choice == first.choice else next(_choose(spot.choice, node.text), None)
                texts.append(self._text(spot, here, node.number, marks, binding.site))
            if texts[0]:
                yield tuple(texts), marks

    def _text(self, spot: Spot, chosen: Composite | None, number: int, marks: list[Mark], site: Site) -> str:
        if chosen is None:
            return ""
        element, repetition, parts = chosen
        marks += [(number, element, repetition, test.component) for test in spot.choice.tests]
        pieces = [parts[c - 1] if c <= len(parts) else "" for c in spot.components]
        marks += [(number, element, repetition, c) for c in spot.components]
        while pieces and not pieces[-1]:
            pieces.pop()
        if site.spread:
            pieces = [piece for piece in pieces if piece]
        joint = "\n" if site.line.join is None else site.line.join
        return joint.join(map(to_text, pieces))

    # -- values

    def _values(self, state: _State) -> tuple[dict[str, Any], bool]:
        values: dict[str, Any] = {}
        filled = False
        for site in state.scope.sites:
            line = site.line
            if line.kind in ("constant", "computed"):
                self._fixed(state, site)
                continue
            if not all(values.get(name, _absent(state.scope, name)) == value for name, value in line.when):
                continue
            value = self._items(state, site) if line.kind != "value" else self._value(state, site)
            if value is not None and value != ():
                values[line.field] = value
                filled = True
            elif line.default is not None:
                values[line.field] = line.default
        return values, filled

    def _items(self, state: _State, site: Site) -> Any:
        items = state.items.get(id(site), [])
        return tuple(items) if site.line.kind == "each" else items[0] if items else None

    def _value(self, state: _State, site: Site) -> Any:
        texts = state.texts.get(id(site), [])
        if site.many:
            values = [value for text in texts if (value := self._convert(state, site, text)) is not None]
            return tuple(values)
        if site.spread:
            return self._spread(state, site, texts)
        best = min(texts, key=lambda one: one.rank, default=None)
        return None if best is None else self._convert(state, site, best)

    def _spread(self, state: _State, site: Site, texts: list[_Text]) -> str | None:
        """One text through several segments."""
        for text in texts:
            self._claim(state, text)
        return (site.line.join or "").join(text.texts[0] for text in texts) or None

    def _convert(self, state: _State, site: Site, found: _Text) -> Any:
        self._claim(state, found)
        spot, text = found.spots[0], found.texts[0]
        if site.codes is not None:
            value = site.codes.reading.get(text)
            if value is None and site.line.open:
                return text
            if value is None:
                self.findings.append(faults.code_unlisted(found.frame, site, spot, found.number, text))
            return value
        try:
            value = site.codec.read(*found.texts)
        except Unreadable as why:
            shown = " ".join(found.texts).strip()
            self.findings.append(faults.not_readable(found.frame, site, spot, found.number, shown, str(why)))
            return None
        if isinstance(value, When) and value.format is not None:
            self.findings.append(faults.not_understood(found.frame, site, spot, found.number, value.iso, value.format))
        return value

    def _claim(self, state: _State, found: _Text) -> None:
        state.marks.update(found.marks)
        state.claimed.update(map(id, found.slots))

    def _fixed(self, state: _State, site: Site) -> None:
        """A constant; computed places are compared when the record is there."""
        texts = state.texts.get(id(site), [])
        for text in texts:
            self._claim(state, text)
        if site.line.kind != "constant":
            return
        if texts and texts[0].texts[0] != site.line.value:
            one = texts[0]
            self.findings.append(faults.constant_differs(one.frame, site, one.spots[0], one.number, one.texts[0]))
        if not texts and site.line.at[0].always:
            binding = site.bindings[0]
            frame = _frame_with(state.scope.frame, binding)
            self.findings.append(faults.constant_differs(frame, site, binding.spots[0], None, ""))

    def _compare(self, state: _State, document: Record) -> None:
        for site in state.scope.sites:
            for text in state.texts.get(id(site), []) if site.formula else ():
                assert site.formula is not None
                finding = compare(site, text.frame, text.spots[0], text.number, text.texts[0], document)
                if finding:
                    self.findings.append(finding)


def compare(site: Site, frame: Frame, spot: Spot, number: int, text: str, document: Record) -> Finding | None:
    """The finding about a computed place, if there is one."""
    from edi_server.translation.codecs import read_decimal, write_decimal

    assert site.formula is not None
    expected = site.formula.of(document)
    try:
        stated = read_decimal(text)
    except Unreadable as why:
        return faults.not_readable(frame, site, spot, number, text, str(why))
    if expected is None or stated == expected:
        return None
    return faults.computed_differs(frame, spot, number, text, write_decimal(expected)[0])


def _absent(scope: Scope, name: str) -> Any:
    return next((site.absent for site in scope.sites if site.line.field == name), None)


def _frame_of(plan: Plan, nested: Nested) -> Frame:
    return plan.scopes[nested.scope].frame


def _frame_with(frame: Frame, binding: Binding) -> Frame:
    """The frame that holds a binding."""
    if any(one is binding for one in frame.own):
        return frame
    for taker in frame.takers:
        if isinstance(taker, Slot) and any(one is binding for one in taker.bindings()):
            return _frame_with(taker.frame, binding)
    return frame


def _flat(node: Node, without: set[int]) -> Iterator[Node]:
    yield node
    for child in node.children:
        if child.position not in without:
            yield from _flat(child, without)


def _component(text: str, test: Demand) -> str:
    elements = text.split("+")
    if test.element >= len(elements):
        return ""
    first = elements[test.element].split("*", 1)[0]
    parts = [first] if test.alone else first.split(":")
    return parts[test.component - 1] if test.component <= len(parts) else ""


def _match(tests: tuple[Demand, ...], text: str) -> bool:
    return all(test.holds(to_text(_component(text, test))) for test in tests)


def _match_composite(tests: tuple[Demand, ...], parts: list[str]) -> bool:
    return all(test.holds(to_text(parts[test.component - 1]) if test.component <= len(parts) else "") for test in tests)


def _choose(choice: Choice, text: str) -> Iterator[Composite]:
    """The composites of a segment that fulfil a choice; empty ones do not."""
    elements = text.split("+")
    for element in choice.elements:
        if element < len(elements):
            for repetition, content in enumerate(elements[element].split("*")):
                parts = [content] if choice.alone else content.split(":")
                if any(parts) and _match_composite(choice.tests, parts):
                    yield element, repetition, parts


def _test_marks(tests: tuple[Demand, ...], number: int) -> set[Mark]:
    return {(number, test.element, 0, test.component) for test in tests}
