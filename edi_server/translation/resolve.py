"""Paths of a profile turned into positions, elements and components of one guide."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from edi_server.canonical import Record
from edi_server.guides.model import Element, ElementUse, Guide, Position
from edi_server.translation.codecs import CODECS, Codec
from edi_server.translation.formulas import FormulaError, parse_formula
from edi_server.translation.nearest import nearest_of
from edi_server.translation.paths import Condition, Leaf, Path, Step, run_positions
from edi_server.translation.plan import (
    FRAME,
    Binding,
    Choice,
    Demand,
    Frame,
    Nested,
    Plan,
    Scope,
    ScopeKey,
    Site,
    Slot,
    Spot,
)
from edi_server.translation.profile import ALL, Entry, Line, Profile, ProfileProblem
from edi_server.translation.records import fields_of, has_kept
from edi_server.translation.static import shape_record
from edi_server.translation.x12_runs import FoldedGuide, fold_guide


class NoPlace(Exception):  # noqa: N818 — it is the answer "not in this guide", not an error of the machine
    """The guide has no such place: sentence, the word that was not found, and what there is instead."""

    def __init__(self, sentence: str, word: str = "", valid: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence, self.word, self.valid = sentence, word, list(valid)


def resolve(profile: Profile, guide: Guide, direction: Literal["read", "write"]) -> Plan:
    """Resolve every line of a profile for one direction; what has no place is in `Plan.problems`."""
    return _Resolver(profile, guide, direction).plan()


class _Resolver:
    def __init__(self, profile: Profile, guide: Guide, direction: str) -> None:
        self.profile, self.guide, self.direction = profile, fold_guide(guide, profile), direction
        self.scopes: dict[ScopeKey, Scope] = {}
        self.problems: list[ProfileProblem] = []

    def plan(self) -> Plan:
        root = self._scope(("document", 0, ""))
        return Plan(self.profile, self.guide, self.direction, root, self.scopes, self.problems)

    def _scope(self, key: ScopeKey) -> Scope:
        if key in self.scopes:
            return self.scopes[key]
        shape = self.profile.shapes[key[0]]
        record = shape_record(self.profile, shape) or Record
        row = self.guide.position(key[1]) if key[1] else None
        frame = Frame(key[1], row.tag if row else "", row.path if row else "")
        scope = self.scopes[key] = Scope(key, record, frame, keeps=self.profile.keep and has_kept(record))
        for entry in shape.entries:
            line = entry.reading if self.direction == "read" else entry.writing
            if line is not None:
                self._line(scope, entry, line)
        return scope

    # -- lines

    def _line(self, scope: Scope, entry: Entry, line: Line) -> None:
        site = self._site(scope, entry, line)
        if site is None:
            return
        scope.sites.append(site)
        refused: list[NoPlace] = []
        for path in (*line.at, *(line.also if self.direction == "read" else ())):
            try:
                self._place(scope, site, path)
            except NoPlace as reason:
                if path in line.at:
                    refused.append(reason)
                continue
            if self.direction == "write":
                return
        if line.parts and not line.at:
            self._parts_alone(scope, site, line, refused)
        if refused and len(refused) == len(line.at):
            if line.optional:
                scope.sites.remove(site)
            else:
                self._refuse(entry, refused[0])

    def _parts_alone(self, scope: Scope, site: Site, line: Line, refused: list[NoPlace]) -> None:
        try:
            self._place(scope, site, line.parts[0])
        except NoPlace as reason:
            refused.append(reason)
            self._refuse(site.entry, reason)

    def _site(self, scope: Scope, entry: Entry, line: Line) -> Site | None:
        site = Site(entry, line, CODECS[line.codec], name=line.written_from or line.field)
        if line.kind == "constant":
            return site
        if line.kind == "computed":
            try:
                site.formula = parse_formula(line.value, scope.record)
            except FormulaError:
                return None  # static checks have said so
            return site
        field = fields_of(scope.record).get(line.field)
        if field is None:
            return None
        site.codes = self.profile.codes.get(line.codes or "")
        site.absent = line.default if line.default is not None else field.absent
        site.required, site.many = field.required, field.many
        site.spread = bool(line.many) and not field.many
        if line.kind != "value" and self.profile.shapes.get(line.shape or "") is None:
            return None
        return site

    def _place(self, scope: Scope, site: Site, path: Path) -> None:
        """Add one place of a line to the frames."""
        if site.line.kind in ("within", "each"):
            self._nest(scope, site, path)
            return
        spots: tuple[Spot, ...]
        if site.line.parts:
            leaves = [part.leaf for part in site.line.parts]
            paths = [part for part in site.line.parts if part.leaf is None]
            if paths:
                raise NoPlace(f"{paths[0]} names no data element")
        elif path.leaf is None:
            if not site.codec.elements:
                raise NoPlace(f"{path} names no data element; as = {site.codec.name!r} does not know which one to take")
            leaves = [Leaf(element) for element in site.codec.elements]
        else:
            leaf = path.leaf
            if leaf.composite is None and path.steps[-1].is_composite:
                leaf = Leaf(leaf.element, path.steps[-1], leaf.every)
            leaves = [leaf, *_companions(site.codec, leaf)]
        row = self._row(scope, path)
        spots = tuple(self._spot(scope, row, leaf, site) for leaf in leaves if leaf)
        frame = self._frame(scope, path, site, spots)
        binding = Binding(site, len(site.bindings), spots, row.index)
        frame.own.append(binding)
        site.bindings.append(binding)

    def _row(self, scope: Scope, path: Path) -> Position:
        """The row of the segment that a path ends in."""
        row, _ = self._walk(scope, path.steps, path)
        if row is None:
            raise NoPlace(f"{path} names no segment")
        return row

    def _walk(self, scope: Scope, steps: tuple[Step, ...], path: Path) -> tuple[Position | None, list[Position]]:
        """The row of the last step, and the rows of the steps that lead away from the scope's own segment."""
        anchor = scope.frame.position
        row = self.guide.position(anchor) if anchor else None
        rows: list[Position] = []
        for number, step in enumerate(steps):
            if step.is_composite:
                continue
            if number == 0 and row is not None and step.tag == row.tag and not self._is_inner(scope, path):
                if step.conditions:
                    raise NoPlace(
                        f"{step} is the {row.tag} that the shape is for: write the condition where it is used"
                    )
                continue
            row = self._child(rows[-1].index if rows else anchor, step, path)
            rows.append(row)
        return row, rows

    def _is_inner(self, scope: Scope, path: Path) -> bool:
        """True for `each = "CPS"` in a shape for CPS: the levels inside."""
        nests = any(one.trigger == scope.frame.position for one in self.guide.nestings)
        return nests and path.leaf is None

    def _child(self, anchor: int, step: Step, path: Path) -> Position:
        rows = [self.guide.position(index) for index in self.guide.children.get(anchor, ())]
        if any(one.trigger == anchor for one in self.guide.nestings):
            rows.append(self.guide.position(anchor))
        same = [row for row in rows if row.tag == step.tag]
        if path.section:
            same = [row for row in same if row.section == path.section]
        same.sort(key=lambda row: row.section == "summary")
        if not same:
            where = f"inside {self.guide.position(anchor).tag}" if anchor else "in the message outside groups"
            raise NoPlace(f"{self.guide.message} {self.guide.version} has no {step.tag} {where}", step.tag, _tags(rows))
        return same[0]

    # -- frames

    def _frame(self, scope: Scope, path: Path, site: Site, spots: tuple[Spot, ...]) -> Frame:
        """The frame that a path's leaf belongs to, its slots made on the way."""
        _, rows = self._walk(scope, path.steps, path)
        steps = [step for step in path.steps if not step.is_composite][-len(rows) :] if rows else []
        frame = scope.frame
        for number, (step, row) in enumerate(zip(steps, rows, strict=True)):
            last = number == len(rows) - 1
            frame = self._slot(
                frame,
                step,
                row,
                choice=spots[0].choice if last and spots[0].choice.tests else None,
                many=site if last and (site.spread or (site.many and not _shares(site, path))) else None,
            ).frame
        return frame

    def _slot(self, frame: Frame, step: Step, row: Position, *, choice: Choice | None, many: Site | None) -> Slot:
        tests = self._tests(row, step.conditions)
        is_group = row.index in self.guide.groups
        chosen = None if is_group or self.direction == "write" else choice
        for taker in frame.takers:
            if not isinstance(taker, Slot) or many or taker.many:
                continue
            if (taker.position, taker.tests, taker.choice) == (row.index, tests, chosen):
                return taker
        inner = Frame(row.index, row.tag, row.path)
        slot = Slot(row.index, tests, inner, chosen, many is not None, is_group, str(step).replace(" ", "_"))
        frame.takers.append(slot)
        return slot

    def _nest(self, scope: Scope, site: Site, path: Path) -> None:
        if path.leaf is not None:
            raise NoPlace(f"{path} names a data element; {site.line.kind} takes a segment or group")
        inner = path.steps[-1] if path.steps[-1].is_composite else None
        steps = [step for step in path.steps if not step.is_composite]
        if inner and len(steps) + 1 != len(path.steps):
            raise NoPlace(f"{path}: only the last step may be a composite")
        _, rows = self._walk(scope, path.steps, path)
        if not rows:
            raise NoPlace(f"{path} is the scope's own segment, not something in it")
        frame = scope.frame
        for step, row in zip(steps[-len(rows) : -1], rows[:-1], strict=True):
            frame = self._slot(frame, step, row, choice=None, many=None).frame
        row, step = rows[-1], steps[-1]
        choice = self._choice(row, inner) if inner else None
        key: ScopeKey = (site.line.shape or "", row.index, inner.tag if inner else "")
        nested = Nested(
            position=row.index,
            tests=self._tests(row, step.conditions),
            site=site,
            scope=key,
            choice=choice,
            is_group=row.index in self.guide.groups,
            nesting=next((one for one in self.guide.nestings if one.trigger == row.index), None),
        )
        frame.takers.append(nested)
        self._scope(key)

    # -- places in a segment

    def _tests(self, row: Position, conditions: tuple[Condition, ...]) -> tuple[Demand, ...]:
        return tuple(self._test(row, condition) for condition in conditions)

    def _test(self, row: Position, condition: Condition) -> Demand:
        if _is_position(condition.element):
            number, part = self._position(row, condition.element)
            use = row.segment.elements[number - 1]
            return Demand(number, part, condition.values, condition.negated, alone=use.composite is None)
        for number, use in enumerate(row.segment.elements, 1):
            for part, component in enumerate(use.components, 1):
                if component.element.id == condition.element:
                    return Demand(number, part, condition.values, condition.negated, alone=use.composite is None)
        raise NoPlace(
            f"{row.tag} of {self.guide.version} has no data element {condition.element}",
            condition.element,
            _element_ids(row.segment.elements),
        )

    def _choice(self, row: Position, composite: Step) -> Choice:
        uses = [(number, use) for number, use in enumerate(row.segment.elements, 1) if use.composite == composite.tag]
        if not uses:
            valid = [use.composite for use in row.segment.elements if use.composite]
            raise NoPlace(f"{row.tag} of {self.guide.version} has no composite {composite.tag}", composite.tag, valid)
        tests = []
        for condition in composite.conditions:
            ids = _names(composite, uses[0][1])
            place = next((n for n, name in enumerate(ids, 1) if name == condition.element), None)
            if place is None:
                raise NoPlace(f"{composite.tag} has no data element {condition.element}", condition.element, ids)
            tests.append(Demand(0, place, condition.values, condition.negated))
        return Choice(tuple(number for number, _ in uses), tuple(tests))

    def _spot(self, scope: Scope, row: Position, leaf: Leaf, site: Site) -> Spot:
        composite = scope.key[2]
        if composite and leaf.composite and leaf.composite.tag == composite and row.index == scope.frame.position:
            use = next(use for use in row.segment.elements if use.composite == composite)
            choice = Choice((), tuple(self._choice(row, leaf.composite).tests))
        elif leaf.composite is None and _is_position(leaf.element):
            number, part = self._position(row, leaf.element)
            use = row.segment.elements[number - 1]
            element = use.components[part - 1].element
            _check_decimals(row, leaf, site, element)
            return Spot(Choice((number,), (), alone=use.composite is None), (part,), element, use.composite)
        elif leaf.composite is None:
            number, use = self._anywhere(row, leaf)
            choice = Choice((number,), (), alone=use.composite is None)
            if site.many and use.composite:
                choice = self._choice(row, Step(use.composite))
        else:
            choice = self._choice(row, leaf.composite)
            use = row.segment.elements[choice.elements[0] - 1]
        ids = _names(leaf.composite, use)
        parts = [n for n, name in enumerate(ids, 1) if name == leaf.element]
        if leaf.every and leaf.composite and run_positions(leaf.composite.tag):
            parts = list(range(1, len(ids) + 1))
        if not parts:
            raise NoPlace(f"{use.composite} of {row.tag} has no data element {leaf.element}", leaf.element, ids)
        parts = parts if leaf.every else parts[:1]
        # All elements of a run have the room of the longest: the guide tells about a qualifier that is too long.
        element = max((use.components[part - 1].element for part in parts), key=lambda one: one.max_length)
        _check_decimals(row, leaf, site, element)
        return Spot(choice, tuple(parts), element, use.composite)

    def _position(self, row: Position, name: str) -> tuple[int, int]:
        """Element and component of a position in a segment of X12, as the (folded) guide has them."""
        position, _, component = name.partition("-")
        number, part = int(position), 0
        if isinstance(self.guide, FoldedGuide):
            number, part = self.guide.place(row.tag, number)
        uses = row.segment.elements
        if self.guide.syntax != "x12" or not 0 < number <= len(uses):
            raise NoPlace(f"{row.tag} of {self.guide.version} has no element {position}")
        part = part or int(component or 1)
        if not 0 < part <= len(uses[number - 1].components):
            raise NoPlace(f"{row.tag} of {self.guide.version} has no {name}")
        return number, part

    def _anywhere(self, row: Position, leaf: Leaf) -> tuple[int, ElementUse]:
        for number, use in enumerate(row.segment.elements, 1):
            if any(part.element.id == leaf.element for part in use.components):
                return number, use
        raise NoPlace(
            f"{row.tag} of {self.guide.version} has no data element {leaf.element}",
            leaf.element,
            _element_ids(row.segment.elements),
        )

    def _refuse(self, entry: Entry, reason: NoPlace) -> None:
        sentence = reason.sentence + (f"; it has {', '.join(reason.valid)}" if reason.valid else "")
        owner = entry.owner if entry.owner == "document" else f"shapes.{entry.owner}"
        problem = ProfileProblem(
            file=entry.source.file,
            line=entry.source.line,
            key=f"{owner}.{entry.key}",
            sentence=sentence,
            nearest=nearest_of(reason.word, reason.valid) if reason.word else None,
        )
        if problem not in self.problems:
            self.problems.append(problem)


def _shares(site: Site, path: Path) -> bool:
    """True for a list that fills a run of its segment, beside what other lines say there."""
    inner = path.leaf.composite if path.leaf else None
    return site.line.many == ALL and inner is not None and bool(run_positions(inner.tag))


def _is_position(name: str) -> bool:
    """True for an element of X12 (03 or 04-1), False for a data element of EDIFACT."""
    return name[2:3] in ("", "-")


def _names(composite: Step | None, use: ElementUse) -> list[str]:
    """How paths name the components of a composite."""
    if composite and (positions := run_positions(composite.tag)):
        return [f"{position:02}" for position in positions]
    return [part.element.id for part in use.components]


def _check_decimals(row: Position, leaf: Leaf, site: Site, element: Element) -> None:
    """Raise NoPlace where implied decimals (N0 to N9, X12.6 section 3.4) would be taken for others."""
    implied = re.fullmatch(r"N[0-9]", element.kind) is not None
    known = re.fullmatch(r"n[0-9]", site.codec.name) is not None
    is_wrong = (implied or known) and site.codec.name != element.kind.lower()
    if is_wrong and site.codec.kind == "decimal" and site.line.kind == "value":
        right = element.kind.lower() if implied else "decimal"
        raise NoPlace(f"{row.tag} {leaf.element} is of kind {element.kind}: write as = {right!r}")


def _companions(codec: Codec, leaf: Leaf) -> list[Leaf]:
    """The further data elements of a codec whose first one was named."""
    return [Leaf(element, leaf.composite) for element in codec.elements[1:]]


def _tags(rows: Iterable[Position]) -> list[str]:
    return list(dict.fromkeys(row.tag for row in rows if row.tag not in FRAME))


def _element_ids(uses: Iterable[ElementUse]) -> list[str]:
    return list(dict.fromkeys(part.element.id for use in uses for part in use.components))
