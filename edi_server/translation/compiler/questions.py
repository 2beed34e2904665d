"""Questions about plans that all parts of the reader's compiler ask."""

from __future__ import annotations

from collections.abc import Iterator

from edi_server.translation.plan import Binding, Demand, Frame, Nested, Scope, Site, Slot, Spot, disjoint


def is_field(site: Site) -> bool:
    """True for lines that fill a field of the record."""
    return site.line.kind not in ("constant", "computed")


def is_late(site: Site) -> bool:
    """True if what is found is only noted, and judged at the end."""
    if site.many or site.spread:
        return False
    return site.line.kind in ("constant", "computed") or (site.line.kind == "value" and site.conditional)


def slots_of(frame: Frame) -> Iterator[Slot]:
    """All slots in and below a frame."""
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield taker
            yield from slots_of(taker.frame)


def takers_of(frame: Frame) -> Iterator[Slot | Nested]:
    """All takers in and below a frame."""
    for taker in frame.takers:
        yield taker
        if isinstance(taker, Slot):
            yield from takers_of(taker.frame)


def frame_of(frame: Frame, binding: Binding) -> Frame:
    """The frame that holds a binding."""
    if any(one is binding for one in frame.own):
        return frame
    return next((one.frame for one in slots_of(frame) if any(own is binding for own in one.frame.own)), frame)


def starts_whole(spot: Spot) -> bool:
    """True if a composite without further components is the text itself."""
    return spot.components[0] == 1 and len(spot.components) > 1 and not spot.choice.tests


def elements_of(elements: tuple[int, ...]) -> str:
    """The expression of some elements of `e`."""
    first, last = elements[0], elements[-1]
    if elements == tuple(range(first, last + 1)):
        return f"e[{first}:{last + 1}]"
    return f"[e[k] for k in {elements!r} if k < len(e)]"


def looked_at(frame: Frame, element: int) -> list[int]:
    """The components of an element that a frame's own lines look at."""
    spots = [spot for binding in frame.own for spot in binding.spots if element in spot.choice.elements]
    return [*(one for spot in spots for one in spot.components), *tested_components(spots)]


def is_merged(slot: Slot) -> bool:
    """True if the one line of a slot looks into the very composite that the slot wants."""
    own = slot.frame.own
    if len(own) != 1 or own[0].site.many or own[0].site.spread:
        return False
    return all(spot.choice == slot.choice for spot in own[0].spots)


def is_exclusive(takers: list[Slot | Nested]) -> bool:
    """True if no segment can be for two of the takers."""
    pairs = [(one, other) for number, one in enumerate(takers) for other in takers[number + 1 :]]
    return all(disjoint(one.tests, other.tests) for one, other in pairs)


def depth_of(scope: Scope) -> int:
    """The last component that a composite's own lines look at."""
    spots = [spot for binding in scope.frame.own for spot in binding.spots if not spot.choice.elements]
    return max([1, *(one for spot in spots for one in spot.components), *tested_components(spots)])


def tested_components(spots: list[Spot]) -> list[int]:
    """Components that conditions of spots look at."""
    return [test.component for spot in spots for test in spot.choice.tests]


def condition(text: str, test: Demand) -> str:
    """The expression that a condition holds for the text of an expression."""
    if not test.values:
        return f"not {text}" if test.negated else text
    if len(test.values) == 1:
        return f"{text} {'!=' if test.negated else '=='} {test.values[0]!r}"
    return f"{text} {'not in' if test.negated else 'in'} {test.values!r}"
