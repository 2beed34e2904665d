"""What is wrong inside one segment, in full: presence, formats, lengths, code lists, conditions, what is too much.

Slow and thorough: this runs only for segments that their regular expression (`edi_server.guides.segment_rule`) does
not allow at once, and gives every finding with element, component and repetition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Literal

from msgspec.structs import replace

from edi_server.findings import Finding, Place, Severity
from edi_server.guides.conditions import Demand, demands, say
from edi_server.guides.model import Component, Condition, Element, ElementUse, SegmentDefinition
from edi_server.guides.value_faults import format_of, is_text, value_fault
from edi_server.syntax.normal import to_text

#: Agency (3055) that keeps the directories' own code lists: UN/ECE.
_UNITED_NATIONS = "6"

CodeSeverity = Literal["error", "warning", "off"]
#: Element, component, repetition.
_Where = tuple[int, int | None, int | None]


class SegmentFaults:
    """Collects the findings of one segment."""

    def __init__(self, definition: SegmentDefinition, place: Place, *, codes: CodeSeverity, directory: str) -> None:
        """`place` says where the segment stands; `codes` is how bad an unknown code is; `directory` names the lists."""
        self._definition = definition
        self._place = place
        self._codes = codes
        self._directory = directory
        self.findings: list[Finding] = []

    def examine(self, segment: str) -> list[Finding]:
        """All findings of a segment in normal form."""
        pieces = segment.split("+")[1:]
        if pieces and not pieces[-1]:
            self._add_separator(len(pieces), None, segment)
        uses = self._definition.elements
        for number, use in enumerate(uses, 1):
            self._check_element(use, number, pieces[number - 1] if number <= len(pieces) else "")
        self._check_superfluous_elements(pieces)
        if self._definition.conditions:
            present = [number for number, piece in enumerate(pieces, 1) if piece.strip(":*")]
            names = {number: _name(use) for number, use in enumerate(uses, 1)}
            for demand in _demands(self._definition.conditions, present):
                self._add_demand(demand, names, None, pieces)
        return self.findings

    def examine_end(self, segment: str) -> list[Finding]:
        """The one finding of a segment that is right but for the separators at its end."""
        self._add_separator(segment.count("+"), None, segment)
        return self.findings

    def _check_superfluous_elements(self, pieces: list[str]) -> None:
        """One finding for all that is too much, at the first of it."""
        limit = len(self._definition.elements)
        too_many = ((number, piece) for number, piece in enumerate(pieces[limit:], limit + 1) if piece)
        for number, piece in islice(too_many, 1):
            self._add(
                "element-superfluous",
                f"Segment {self._definition.tag} has more data elements than the {limit} that it may have.",
                (number, None, None),
                found=piece,
            )

    def _check_element(self, use: ElementUse, number: int, piece: str) -> None:
        repetitions = piece.split("*")
        if len(repetitions) > use.repeat:
            self._add(
                "element-repeats",
                f"Data element {_name(use)} is repeated {len(repetitions)} times; {use.repeat} is the most allowed.",
                (number, None, use.repeat + 1),
                found=piece,
                expected=f"at most {use.repeat}",
            )
        if len(repetitions) > 1 and not repetitions[-1]:
            self._add_separator(number, None, piece)
        if use.mandatory and not piece.strip(":*"):
            self._add_missing(use, number)
        for repetition, value in enumerate(repetitions[: use.repeat], 1):
            if value:
                self._check_parts(use, number, repetition if len(repetitions) > 1 else None, value)

    def _check_parts(self, use: ElementUse, number: int, repetition: int | None, value: str) -> None:
        parts = value.split(":")
        if not parts[-1]:
            self._add_separator(number, repetition, value)
        limit = len(use.components)
        too_many = ((index, part) for index, part in enumerate(parts[limit:], limit + 1) if part)
        for index, part in islice(too_many, 1):
            self._add(
                "component-superfluous",
                f"Data element {_name(use)} has more components than the {limit} that it may have.",
                (number, index, repetition),
                found=part,
            )
        if any(parts):
            for index, component in enumerate(use.components, 1):
                part = parts[index - 1] if index <= len(parts) else ""
                where = number, index if use.composite else None, repetition
                self._check_component(component, part, where, listed=_is_listed(use, parts, index))
            self._check_conditions(use, (number, repetition), parts)

    def _check_conditions(self, use: ElementUse, where: tuple[int, int | None], parts: list[str]) -> None:
        """Conditions between the components of a composite, at an element and repetition."""
        names = {index: _title(component.element) for index, component in enumerate(use.components, 1)}
        for demand in _demands(use.conditions, [index for index, part in enumerate(parts, 1) if part]):
            self._add_demand(demand, names, where, parts)

    def _check_component(self, component: Component, part: str, where: _Where, *, listed: bool) -> None:
        if part.isspace() and not is_text(component.element):
            self._add_blank(component, part, where)
        elif part:
            self._check_value(component.element, part, where, listed=listed)
        elif component.mandatory:
            self._add(
                "component-missing",
                f"Component {_title(component.element)} is mandatory here, but absent.",
                where,
                expected=format_of(component.element),
            )

    def _check_value(self, element: Element, part: str, where: _Where, *, listed: bool) -> None:
        fault = value_fault(element, part)
        if fault:
            sentence = f"Data element {_title(element)} {fault.what}."
            self._add(fault.code, sentence, where, found=part, expected=format_of(element))
        elif listed and self._codes != "off" and element.codes is not None and part not in element.codes:
            self._add(
                "code-unknown",
                f"Code {to_text(part)!r} of data element {_title(element)} is not in the list of {self._directory}.",
                where,
                found=part,
                expected=f"a code of list {element.id} in {self._directory}",
                severity=self._codes,
            )

    def _add_demand(
        self, demand: Demand, names: dict[int, str], composite: tuple[int, int | None] | None, pieces: list[str]
    ) -> None:
        """What a condition demands of an element, or of a component of the composite at an element and repetition."""
        where = (composite[0], demand.part, composite[1]) if composite else (demand.part, None, None)
        sentence = say(demand, names)
        if demand.missing:
            self._add("condition-missing", sentence, where, expected=names.get(demand.part))
        else:
            self._add("condition-excluded", sentence, where, found=pieces[demand.part - 1], expected="nothing")

    def _add_blank(self, component: Component, part: str, where: _Where) -> None:
        """Blanks in place of nothing: common, and harmless where the element may be absent."""
        self._add(
            "value-blank",
            f"Data element {_title(component.element)} is blank; it should be left out if there is nothing to say.",
            where,
            found=part,
            expected=format_of(component.element),
            severity="error" if component.mandatory else "warning",
        )

    def _add_missing(self, use: ElementUse, number: int) -> None:
        self._add(
            "element-missing",
            f"Data element {_name(use)} is mandatory in segment {self._definition.tag}, but absent.",
            (number, None, None),
            expected=use.composite or format_of(use.components[0].element),
        )

    def _add_separator(self, number: int, repetition: int | None, found: str) -> None:
        self._add(
            "separator-superfluous",
            "A separator at the end, with nothing behind it, should be left out.",
            (number, None, repetition),
            found=found,
            severity="note",
        )

    def _add(
        self,
        code: str,
        sentence: str,
        where: _Where,
        *,
        found: str | None = None,
        expected: str | None = None,
        severity: Severity = "error",
    ) -> None:
        element, component, repetition = where
        self.findings.append(
            Finding(
                code=f"guide.{code}",
                severity=severity,
                sentence=sentence,
                place=replace(self._place, element=element, component=component, repetition=repetition),
                found=None if found is None else to_text(found)[:80],
                expected=expected,
            )
        )


def _is_listed(use: ElementUse, parts: list[str], index: int) -> bool:
    """False for a coded component whose own code list (1131) or agency (3055) the sender has named behind it.

    UNTDID part 4, composites with 1131 and 3055: they identify the list of the code in front of them, and then the
    directory's own list does not bind.
    """
    following = [component.element.id for component in use.components[index : index + 2]]
    named = [*parts, *[""] * len(use.components)][index : index + 2]
    if following == ["1131", "3055"]:
        return not named[0] and named[1] in ("", _UNITED_NATIONS)
    return True


def _demands(conditions: Iterable[Condition], present: Collection[int]) -> list[Demand]:
    return [demand for condition in conditions for demand in demands(condition, present)]


def _title(element: Element) -> str:
    return element.id if element.name == element.id else f"{element.id} ({element.name})"


def _name(use: ElementUse) -> str:
    if use.composite is None:
        return _title(use.components[0].element)
    return use.composite if use.name == use.composite else f"{use.composite} ({use.name})"
