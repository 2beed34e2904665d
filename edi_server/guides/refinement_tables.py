"""A guide whose tables say what a refinement says, so that checking costs what it costs without one.

Positions stay what they are: a segment that is not used may stand there no time at all, so that whatever was compiled
for the standard's guide works on trees of the refined one.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from edi_server.guides.model import Component, Element, ElementUse, Group, Guide, Position, SegmentDefinition
from edi_server.guides.refinement_plan import Plan, Row, Use


def narrow(plan: Plan) -> Guide:
    """The guide with the plan's tables."""
    guide = plan.guide
    segments = {tag: _segment(guide, tag, uses) for tag, uses in plan.uses.items()}
    return replace(
        guide,
        positions=tuple(_position(guide, row, plan.rows.get(row.index, ()), segments) for row in guide.positions),
        groups={trigger: _group(group, plan.rows.get(trigger, ())) for trigger, group in guide.groups.items()},
    )


def _position(guide: Guide, row: Position, said: Iterable[Row], segments: dict[str, SegmentDefinition]) -> Position:
    row = replace(row, segment=segments.get(row.tag, row.segment))
    if row.index in guide.groups:
        return row
    mandatory, repeat = _limits(row.mandatory, row.repeat, said)
    return replace(row, mandatory=mandatory, repeat=repeat)


def _group(group: Group, said: Iterable[Row]) -> Group:
    mandatory, repeat = _limits(group.mandatory, group.repeat, said)
    return replace(group, mandatory=mandatory, repeat=repeat)


def _limits(mandatory: bool, repeat: int, said: Iterable[Row]) -> tuple[bool, int]:
    for one in said:
        mandatory = mandatory if one.mandatory is None else one.mandatory
        repeat = repeat if one.repeat is None else one.repeat
    return mandatory, repeat


def _segment(guide: Guide, tag: str, uses: list[Use]) -> SegmentDefinition:
    segment = next(row.segment for row in guide.positions if row.tag == tag)
    elements = list(segment.elements)
    for use in uses:
        for first, spot in zip([True] + [False] * len(use.spots), use.spots, strict=False):
            at = spot.element - 1
            needed = first and use.narrowing.presence == "mandatory"
            optional = first and use.narrowing.presence == "optional"
            elements[at] = _element_use(elements[at], spot.component, use, needed=needed, optional=optional)
    return replace(segment, elements=tuple(elements))


def _element_use(use: ElementUse, component: int, said: Use, *, needed: bool, optional: bool) -> ElementUse:
    parts = list(use.components)
    part = parts[component - 1]
    mandatory = (part.mandatory or needed) and not optional
    parts[component - 1] = Component(element=_element(part.element, said), mandatory=mandatory)
    alone = use.composite is None
    return replace(use, components=tuple(parts), mandatory=(use.mandatory or needed) and not (optional and alone))


def _element(element: Element, said: Use) -> Element:
    line = said.narrowing
    codes = element.codes if line.codes is None else line.codes
    if line.extra_codes and codes is not None:
        codes |= line.extra_codes
    low = element.min_length if line.min_length is None else line.min_length
    high = element.max_length if line.max_length is None else line.max_length
    return replace(element, codes=codes, min_length=low, max_length=high)
