"""Findings of a refined guide's tables that the standard's would not have given: they name the guideline that asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from edi_server.findings import Finding
from edi_server.guides.model import Component, Guide
from edi_server.guides.refinement_model import Narrowing
from edi_server.guides.refinement_plan import Plan
from edi_server.guides.refinement_remarks import asked_by

_MISSING = ("guide.segment-missing", "guide.group-missing")
_REPEATS = ("guide.segment-repeats", "guide.group-repeats")
_CONTENT = (
    "guide.element-missing",
    "guide.component-missing",
    "guide.value-too-long",
    "guide.value-too-short",
    "guide.code-unknown",
)


def narrows_codes(plan: Plan) -> bool:
    """True if the tables have code lists that were agreed, which bind whatever is thought of the directory's."""
    return any(use.narrowing.codes is not None for uses in plan.uses.values() for use in uses)


def attribute(
    findings: Iterable[Finding], plan: Plan, segments: Sequence[str], codes: Literal["error", "warning", "off"]
) -> Iterator[Finding]:
    """The findings, those that a guideline caused in its name; `codes` is how bad codes are that no list has."""
    for finding in findings:
        line = _line_of(finding, plan, segments)
        if line is not None:
            yield _named(finding, line)
        elif finding.code != "guide.code-unknown":
            yield finding
        elif codes != "off":
            yield finding if finding.severity == codes else replace(finding, severity=codes)


def _named(finding: Finding, line: Narrowing) -> Finding:
    reason = asked_by(line.origin)
    if finding.code in _REPEATS and line.presence == "unused":
        sentence = f"Segment {finding.place.tag} is not to be used. {reason}"
        return replace(finding, code="guide.segment-not-used", sentence=sentence, expected=None)
    if finding.code == "guide.code-unknown":
        agreed = ", ".join(sorted(line.codes or ()))[:80]
        sentence = f"Code {finding.found!r} of data element {line.path} is not one that was agreed. {reason}"
        return replace(finding, code="guide.code-not-agreed", sentence=sentence, severity="error", expected=agreed)
    return replace(finding, sentence=f"{finding.sentence} {reason}", severity="error")


def _line_of(finding: Finding, plan: Plan, segments: Sequence[str]) -> Narrowing | None:
    """The line that caused a finding; None where the standard would have told the same."""
    if finding.code in _MISSING or finding.code in _REPEATS:
        return _line_of_row(finding, plan)
    return _line_of_use(finding, plan, segments) if finding.code in _CONTENT else None


def _line_of_row(finding: Finding, plan: Plan) -> Narrowing | None:
    for index, said in plan.rows.items():
        row = plan.guide.position(index)
        if (row.tag, row.path) != (finding.place.tag, finding.place.group or ""):
            continue
        group = plan.guide.groups.get(index)
        mandatory, most = (group.mandatory, group.repeat) if group else (row.mandatory, row.repeat)
        for one in said:
            if finding.code in _MISSING and one.mandatory and not mandatory:
                return one.narrowing
            if finding.code in _REPEATS and one.repeat is not None and int(finding.found or 0) <= most:
                return one.narrowing
    return None


def _line_of_use(finding: Finding, plan: Plan, segments: Sequence[str]) -> Narrowing | None:
    place = finding.place
    for use in plan.uses.get(place.tag or "", ()):
        for spot in use.spots:
            # A composite as a whole is missing where one of its components is demanded.
            same = spot.element == place.element and place.component in (None, spot.component)
            if same and _standard_allows(finding, plan.guide, segments, spot.component):
                return use.narrowing
    return None


def _component(guide: Guide, finding: Finding, component: int) -> tuple[Component, bool]:
    """A component as the standard has it, and whether its element is mandatory."""
    segment = next(row.segment for row in guide.positions if row.tag == finding.place.tag)
    use = segment.elements[(finding.place.element or 1) - 1]
    return use.components[component - 1], use.mandatory


def _standard_allows(finding: Finding, guide: Guide, segments: Sequence[str], component: int) -> bool:
    part, mandatory = _component(guide, finding, component)
    if finding.code == "guide.element-missing":
        return not mandatory
    if finding.code == "guide.component-missing":
        return not part.mandatory
    text = _text(finding, segments, component)
    if finding.code == "guide.code-unknown":
        return part.element.codes is None or text in part.element.codes
    length = sum(map(str.isdigit, text)) if part.element.kind == "n" else len(text)
    return part.element.min_length <= length <= part.element.max_length


def _text(finding: Finding, segments: Sequence[str], component: int) -> str:
    place = finding.place
    elements = segments[(place.segment or 1) - 1].split("+")
    element = elements[place.element] if place.element and place.element < len(elements) else ""
    pieces = element.split("*")
    parts = pieces[min(place.repetition or 1, len(pieces)) - 1].split(":")
    return parts[component - 1] if component <= len(parts) else ""
