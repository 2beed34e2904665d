"""A message as people read it: its segments as they were written, named, indented by group, findings in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from edi_server.desk.excerpts import readable
from edi_server.engine.checking import CheckedMessage, syntax_of
from edi_server.envelope.model import MessageRead
from edi_server.findings import Finding, Place
from edi_server.guides.model import Guide, SegmentDefinition
from edi_server.syntax.charsets import codec_of, decode

#: Segments without findings that are shown before and behind one with findings.
_AROUND = 1
_BLANKS = b" \t\r\n"
#: HL03 (X12 data element 735), in words of our own.
_LEVELS = {"S": "Shipment", "O": "Order", "T": "Pallet", "P": "Package", "I": "Item", "F": "Component"}


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """A finding about a segment, and the place in it."""

    finding: Finding
    #: Where in the segment's text, in characters; None for the segment as a whole.
    mark: int | None = None
    #: What stands there, such as "PO102 Quantity" or "6060 Quantity"; "" for the segment as a whole.
    element: str = ""


class SegmentShown(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of a message."""

    #: Number in its message, the header being 1.
    number: int
    #: How deep in groups, 0 being outside any; segments that begin a group stand where their group begins.
    depth: int
    tag: str
    #: Such as "Quantity"; "" if the guide does not know the segment.
    name: str
    #: Name of the group that it begins, such as "SG25" or "HL"; "" if it begins none.
    group: str
    #: As written, control characters as dots.
    text: str
    offset: int
    #: True if it has a place in the guide.
    placed: bool
    findings: tuple[Marked, ...] = ()


def show_segments(
    checked: CheckedMessage, findings: Sequence[Finding], charset: str, *, every: bool
) -> tuple[SegmentShown, ...]:
    """The segments that findings are about, each with its neighbours, in their order.

    Or `every` one, as the tree of the message, those without a place in it last. `findings` know their bytes
    (`edi_server.envelope.offsets.refine`).
    """
    about: defaultdict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.place.segment:
            about[finding.place.segment].append(finding)
    showing = _Showing(checked, about, codec_of(charset))
    return tuple(showing.tree() if every else showing.around())


def about_no_segment(message: MessageRead, findings: Iterable[Finding]) -> list[Finding]:
    """What is to be said about the message as a whole."""
    return [finding for finding in findings if not 0 < (finding.place.segment or 0) <= len(message.segments)]


class _Showing:
    def __init__(self, checked: CheckedMessage, about: dict[int, list[Finding]], codec: str | None) -> None:
        self._message: MessageRead = checked.message
        self._guide: Guide | None = checked.guide
        self._tree = checked.tree
        self._about = about
        self._codec = codec
        self._is_x12 = syntax_of(checked.message) == "x12"
        self._positions = {number: position for number, position, _ in checked.tree.walk()} if checked.tree else {}

    def around(self) -> Iterator[SegmentShown]:
        count = len(self._message.segments)
        wanted = {
            near
            for number in self._about
            for near in range(number - _AROUND, number + _AROUND + 1)
            if 0 < near <= count
        }
        for number in sorted(wanted):
            yield self._show(number, 0)

    def tree(self) -> Iterator[SegmentShown]:
        shown = set()
        waiting = [(child, 0) for child in reversed(self._tree.root.children)] if self._tree else []
        while waiting:
            node, depth = waiting.pop()
            shown.add(node.number)
            yield self._show(node.number, depth)
            waiting += [(child, depth + 1) for child in reversed(node.children)]
        for number in range(1, len(self._message.segments) + 1):
            if number not in shown:
                yield self._show(number, 0)

    def _show(self, number: int, depth: int) -> SegmentShown:
        segment = self._message.segments[number - 1]
        tag = segment.partition("+")[0]
        position = self._positions.get(number)
        definition = self._definition(tag, position)
        begins = self._guide.groups.get(position) if self._guide and position else None
        raw, text = self._raw(number)
        return SegmentShown(
            number=number,
            depth=depth,
            tag=tag,
            name=_name(segment, definition),
            group=begins.name if begins else "",
            text=text,
            offset=self._message.offsets[number - 1],
            placed=position is not None,
            findings=tuple(self._mark(finding, raw, definition) for finding in self._about.get(number, ())),
        )

    def _definition(self, tag: str, position: int | None) -> SegmentDefinition | None:
        """How the guide defines the segment; where it has no place, how it is defined anywhere in the message."""
        if self._guide is None:
            return None
        if position:
            return self._guide.position(position).segment
        return next((row.segment for row in self._guide.positions if row.tag == tag), None)

    def _raw(self, number: int) -> tuple[bytes, str]:
        start, end = self._message.offsets[number - 1 : number + 1]
        raw = self._message.raw.between(start, end).rstrip(_BLANKS) if self._message.raw else b""
        return raw, self._text(raw)

    def _text(self, raw: bytes) -> str:
        return readable(decode(raw, self._codec)[0]) if raw else ""

    def _mark(self, finding: Finding, raw: bytes, definition: SegmentDefinition | None) -> Marked:
        place = finding.place
        if place.element is None or place.offset is None or place.segment is None:
            return Marked(finding=finding)
        start = self._message.offsets[place.segment - 1]
        mark = len(self._text(raw[: max(place.offset - start, 0)]))
        return Marked(finding=finding, mark=mark, element=_element(place, definition, is_x12=self._is_x12))


def _name(segment: str, definition: SegmentDefinition | None) -> str:
    if definition is None:
        return ""
    name = definition.name if definition.name != definition.tag else ""
    if segment.startswith("HL+"):
        level = segment.split("+", 4)[3:4]
        return _LEVELS.get(level[0], name) if level else name
    return name


def _element(place: Place, definition: SegmentDefinition | None, *, is_x12: bool) -> str:
    """The element in words: its number and name."""
    element, component = place.element or 0, place.component or 1
    use = definition.elements[element - 1] if definition and 0 < element <= len(definition.elements) else None
    part = use.components[component - 1] if use and 0 < component <= len(use.components) else None
    if is_x12:
        number = f"{place.tag}{element:02}" + (f"-{component:02}" if use and use.composite else "")
    else:
        number = part.element.id if part else f"element {element}" + (f", {component}" if component > 1 else "")
    name = "" if use is None else part.element.name if part and use.composite else use.name
    return f"{number} {name}".strip()
