"""Data element reference numbers of X12, as the guide of a message has them (AK402, IK402, TED06)."""

from __future__ import annotations

from edi_server.acknowledgments.pieces import component_of
from edi_server.findings import Place
from edi_server.guides.model import Guide, SegmentDefinition


class ReferenceNumbers:
    """The reference numbers of one guide; without a guide there are none."""

    def __init__(self, guide: Guide | None) -> None:
        self._guide = guide

    def of(self, place: Place) -> str:
        """Reference number (725) of the element or component at a place; "" where it is not known."""
        definition = self._definition(place.tag)
        if definition is None or not place.element or place.element > len(definition.elements):
            return ""
        use = definition.elements[place.element - 1]
        number = component_of(place) or 1
        if number > len(use.components) or (use.composite and not place.component):
            return ""
        reference = use.components[number - 1].element.id
        return reference if reference.isascii() and reference.isdigit() and len(reference) <= 4 else ""

    def _definition(self, tag: str | None) -> SegmentDefinition | None:
        rows = self._guide.positions if self._guide else ()
        return next((row.segment for row in rows if row.tag == tag), None)
