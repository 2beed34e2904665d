"""Author errors of a profile that show with a guide: places that do not exist, are wanted twice, or stay empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from edi_server.guides.model import Guide, Position
from edi_server.translation.plan import FRAME, Binding, Choice, Demand, Frame, Nested, Plan, Scope, Site, Slot, disjoint
from edi_server.translation.profile import Entry, Profile, ProfileProblem
from edi_server.translation.resolve import resolve

Taker = Slot | Nested


def check_profile(profile: Profile, guides: Iterable[Guide]) -> list[ProfileProblem]:
    """Every author error of a profile: those that show without a guide, and those of each guide."""
    found = list(profile.problems)
    if not any(
        problem.key.startswith(("profile.", "shapes.")) and problem.key.endswith(("document", "view", ".is"))
        for problem in found
    ):
        for guide in guides:
            found += _check_guide(profile, guide)
    return list(dict.fromkeys(found))


def _check_guide(profile: Profile, guide: Guide) -> Iterator[ProfileProblem]:
    if guide.syntax != profile.syntax:
        source = profile.shapes["document"].source
        yield ProfileProblem(
            file=source.file,
            line=source.line,
            key="profile",
            sentence=f"{profile.name} is for {profile.syntax}, but the guide is for {guide.syntax}",
        )
        return
    reading, writing = resolve(profile, guide, "read"), resolve(profile, guide, "write")
    yield from reading.problems
    yield from (problem for problem in writing.problems if problem not in reading.problems)
    for scope in reading.scopes.values():
        yield from _check_takers(scope.frame, guide)
    for scope in writing.scopes.values():
        yield from _check_written(writing, scope)


# -- reading: one segment for one taker


def _check_takers(frame: Frame, guide: Guide) -> Iterator[ProfileProblem]:
    for position in frame.positions():
        for one, other in combinations(frame.at(position), 2):
            if not disjoint(one.tests, other.tests):
                yield from _check_pair(one, other, guide.position(position))
        for taker in frame.at(position):
            if isinstance(taker, Slot):
                yield from _check_takers(taker.frame, guide)


def _check_pair(one: Taker, other: Taker, row: Position) -> Iterator[ProfileProblem]:
    """Two takers that may want the same segment."""
    first, second = next(_sites(one), None), next(_sites(other), None)
    if first is None or second is None or first is second:
        return
    if (
        one.is_group
        or (isinstance(one, Nested) and one.choice is None)
        or (isinstance(other, Nested) and other.choice is None)
    ):
        sentence = (
            f"may read the same {row.tag} as {_name(first.entry)}: exclude there what stands here, as in [el!=a|b]"
        )
        yield _problem(second.entry, sentence)
        return
    for mine in _claims(one):
        for theirs in _claims(other):
            if mine[0] is not theirs[0] and _overlap(mine[1:], theirs[1:]):
                yield _problem(theirs[0].entry, f"reads the same place of {row.tag} as {_name(mine[0].entry)}")
                return


def _sites(taker: Taker) -> Iterator[Site]:
    if isinstance(taker, Nested):
        yield taker.site
    else:
        yield from (binding.site for binding in taker.bindings())
        yield from (nested.site for nested in taker.nested())


_Claim = tuple[Site, Choice, tuple[int, ...] | None]


def _claims(taker: Taker) -> Iterator[_Claim]:
    """The places that a taker reads: (line, composites, components or None for all)."""
    if isinstance(taker, Nested):
        assert taker.choice is not None  # the others take the whole segment
        yield taker.site, taker.choice, None
        return
    for binding in taker.frame.own:
        for spot in binding.spots:
            yield binding.site, spot.choice, spot.components


def _overlap(one: tuple[Choice, tuple[int, ...] | None], other: tuple[Choice, tuple[int, ...] | None]) -> bool:
    (choice, parts), (other_choice, other_parts) = one, other
    if not set(choice.elements) & set(other_choice.elements) or disjoint(choice.tests, other_choice.tests):
        return False
    return parts is None or other_parts is None or bool(set(parts) & set(other_parts))


# -- writing: one place for one line, and none that must be filled left empty


def _check_written(plan: Plan, scope: Scope) -> Iterator[ProfileProblem]:
    for nested in _ways_to(plan, scope):
        tests = nested.tests if nested else ()
        yield from _check_frame(plan, scope.frame, tests, nested, scope)
    yield from _check_slots(plan, scope.frame)


def _check_slots(plan: Plan, frame: Frame) -> Iterator[ProfileProblem]:
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield from _check_frame(plan, taker.frame, taker.tests, None, None)
            yield from _check_slots(plan, taker.frame)


def _ways_to(plan: Plan, scope: Scope) -> list[Nested | None]:
    """The lines that make records in a scope; None for the document."""
    if scope is plan.root:
        return [None]
    return [taker for outer in plan.scopes.values() for taker in _nested(outer.frame) if taker.scope == scope.key]


def _nested(frame: Frame) -> Iterator[Nested]:
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield from _nested(taker.frame)
        else:
            yield taker


def _check_frame(
    plan: Plan, frame: Frame, tests: tuple[Demand, ...], nested: Nested | None, scope: Scope | None
) -> Iterator[ProfileProblem]:
    yield from _check_places(frame)
    if scope is plan.root or frame.position in plan.guide.groups:
        yield from _check_rows(plan, frame, nested, scope)
    entry = nested.site.entry if nested else next((binding.site.entry for binding in _all(frame)), None)
    if not frame.position or entry is None:
        return
    filled = _filled(plan, frame, tests, nested)
    row = plan.guide.position(frame.position)
    for test in tests:
        if not test.values and not test.negated and (test.element, test.component) not in filled:
            yield _problem(entry, f"wants {row.tag} element {test.element} to be filled, but no line writes it")
    for number, use in enumerate(row.segment.elements, 1):
        written = {component for element, component in filled if element == number}
        wanted = [(n, part.element) for n, part in enumerate(use.components, 1) if part.mandatory and n not in written]
        if not written and use.mandatory and not any(e == number for e, _ in filled):
            yield _problem(
                entry, f"writes {row.tag} without its mandatory {use.composite or use.components[0].element.id}"
            )
        elif written and use.composite:
            first = {use.components[n - 1].element.id for n in written}
            for _, element in wanted:
                if element.id not in first:
                    yield _problem(entry, f"writes {use.composite} of {row.tag} without its mandatory {element.id}")


def _filled(plan: Plan, frame: Frame, tests: tuple[Demand, ...], nested: Nested | None) -> set[tuple[int, int]]:
    """Places of a segment that lines and conditions write."""
    filled = {(test.element, test.component) for test in tests if test.values and not test.negated}
    inside = nested.choice if nested else None
    if inside is not None:
        filled |= {(inside.elements[0], t.component) for t in inside.tests if t.values and not t.negated}
    for binding in frame.own:
        for spot in binding.spots:
            elements = spot.choice.elements or (inside.elements if inside else ())
            parts = [*spot.components, *(t.component for t in spot.choice.tests if t.values and not t.negated)]
            filled |= {(element, part) for element in elements[:1] for part in parts}
    for nesting in plan.guide.nestings:
        if nesting.trigger == frame.position:
            filled |= {nesting.id, nesting.parent}
    return filled


def _check_places(frame: Frame) -> Iterator[ProfileProblem]:
    for one, other in combinations(frame.own, 2):
        if one.site is not other.site and _same_place(one, other):
            yield _problem(other.site.entry, f"writes the same place of {frame.tag} as {_name(one.site.entry)}")


def _same_place(one: Binding, other: Binding) -> bool:
    return any(
        _overlap((mine.choice, mine.components), (theirs.choice, theirs.components))
        or (
            not mine.choice.elements
            and not theirs.choice.elements
            and bool(set(mine.components) & set(theirs.components))
        )
        for mine in one.spots
        for theirs in other.spots
    )


def _check_rows(plan: Plan, frame: Frame, nested: Nested | None, scope: Scope | None) -> Iterator[ProfileProblem]:
    """Rows that must be there, of a group that is written."""
    shape = plan.profile.shapes[scope.key[0] if scope else "document"]
    for index in plan.guide.children.get(frame.position, ()):
        row, group = plan.guide.position(index), plan.guide.groups.get(index)
        if row.tag in FRAME or not (group.mandatory if group else row.mandatory) or frame.at(index):
            continue
        sentence = f"{plan.guide.message} {plan.guide.version} must have {row.tag} here, which no line writes"
        if nested:
            yield _problem(nested.site.entry, sentence)
        else:
            yield ProfileProblem(file=shape.source.file, line=shape.source.line, key=shape.name, sentence=sentence)


def _all(frame: Frame) -> Iterator[Binding]:
    yield from frame.own
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield from taker.bindings()


def _name(entry: Entry) -> str:
    return f"{entry.owner}.{entry.key}" if entry.owner == "document" else f"shapes.{entry.owner}.{entry.key}"


def _problem(entry: Entry, sentence: str) -> ProfileProblem:
    return ProfileProblem(file=entry.source.file, line=entry.source.line, key=_name(entry), sentence=sentence)
