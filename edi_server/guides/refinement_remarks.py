"""What findings of a refinement say. Each names the guideline that asked, and its reason."""

from __future__ import annotations

from typing import NamedTuple

from edi_server.findings import Finding, Place, Severity
from edi_server.guides.model import Element, Tree
from edi_server.guides.refinement_model import Origin, RuleKind
from edi_server.guides.refinement_places import Spot, Target
from edi_server.guides.refinement_plan import Ask
from edi_server.guides.structure_faults import tag_of
from edi_server.syntax.normal import to_text


class Value(NamedTuple):
    """What stands in one place of a segment, "" if nothing does."""

    text: str
    spot: Spot
    repetition: int | None


def asked_by(origin: Origin) -> str:
    """The sentence about who asks."""
    reason = f": {origin.why.rstrip('.')}" if origin.why else ""
    return f"Asked for by {origin.title}{reason}."


def missing_segment(
    tree: Tree, target: Target, before: int, origin: Origin, severity: Severity, demanded: bool
) -> Finding:
    """`guide.qualified-segment-missing`, or `guide.recommended-missing` where it is not `demanded`."""
    row = tree.guide.position(target.row)
    after = f"after segment {_number(tree, before)} ({tag_of(tree.segments[before])[:3]})"
    verb = "is missing" if demanded else "is recommended, but missing"
    return Finding(
        code="guide.qualified-segment-missing" if demanded else "guide.recommended-missing",
        severity=severity,
        sentence=f"{_what(target)} {verb} {after}. {asked_by(origin)}",
        place=Place(segment=_number(tree, before), tag=row.tag, group=row.path),
        expected=target.path.text,
    )


def too_often(tree: Tree, target: Target, index: int, found: int, most: int, origin: Origin) -> Finding:
    """`guide.qualified-segment-repeats`."""
    return Finding(
        code="guide.qualified-segment-repeats",
        severity="error",
        sentence=f"{_what(target)} stands here {found} times; {most} is the most allowed. {asked_by(origin)}",
        place=_place(tree, index),
        found=str(found),
        expected=f"at most {most}",
    )


def not_used(tree: Tree, target: Target, index: int, origin: Origin) -> Finding:
    """`guide.segment-not-used`."""
    return Finding(
        code="guide.segment-not-used",
        severity="error",
        sentence=f"{_what(target)} is not to be used. {asked_by(origin)}",
        place=_place(tree, index),
        found=to_text(tree.segments[index])[:80],
    )


def missing_content(tree: Tree, target: Target, index: int, origin: Origin, demanded: bool) -> Finding:
    """`guide.component-missing` or `guide.element-missing`, or `guide.recommended-missing`."""
    spot = target.spots[0]
    kind = "component" if spot.in_composite else "element"
    what = "must be filled" if demanded else "should be filled"
    return Finding(
        code=f"guide.{kind}-missing" if demanded else "guide.recommended-missing",
        severity="error",
        sentence=f"{_title(spot.definition)} of {_what(target, 'segment')} {what}. {asked_by(origin)}",
        place=_place(tree, index, spot),
        expected=target.path.text,
    )


_FAULTS = {
    "guide.element-not-used": "is not to be used here",
    "guide.code-not-agreed": "must be a code that was agreed",
    "guide.value-too-short": "is too short",
    "guide.value-too-long": "is too long",
    "guide.value-format": "does not have the agreed format",
}


def content_fault(tree: Tree, index: int, value: Value, fault: str, origin: Origin, expected: str = "") -> Finding:
    """`guide.element-not-used`, `guide.code-not-agreed`, `guide.value-too-long` and the like."""
    return Finding(
        code=fault,
        severity="error",
        sentence=f"{_title(value.spot.definition)} {_FAULTS[fault]}, but is {to_text(value.text)[:80]!r}. "
        f"{asked_by(origin)}",
        place=_place(tree, index, value.spot, value.repetition),
        found=to_text(value.text)[:80],
        expected=expected or None,
    )


_RULES: dict[RuleKind, str] = {
    "all_of": "There must be {all}",
    "any_of": "There must be at least one of {all}",
    "none_of": "There must not be {all}",
    "exactly_one_of": "There must be exactly one of {all}",
    "at_most_one_of": "There must be at most one of {all}",
    "all_or_none": "There must be all or none of {all}",
    "equal": "{one} must equal {other}",
    "at_most": "{one} must not be more than {other}",
    "unique": "{all} must not say the same twice",
}


def broken(tree: Tree, ask: Ask, index: int, found: str) -> Finding:
    """`guide.rule-broken`."""
    rule = ask.rule
    sides = [side.text for side in rule.formulas] or ["", ""]
    demand = _RULES[rule.kind].format(all=_listed([path.text for path in rule.terms]), one=sides[0], other=sides[-1])
    where = f" in {tree.guide.position(ask.each[-1].row).tag} (segment {_number(tree, index)})" if ask.each else ""
    when = f" where there is {_listed([path.text for path in rule.when])}" if rule.when else ""
    return Finding(
        code="guide.rule-broken",
        severity=rule.severity,
        sentence=f"{demand}{where}{when}; found {to_text(found)[:80] or 'none'}. {asked_by(rule.origin)}",
        place=_place(tree, index),
        found=to_text(found)[:80] or None,
        expected=rule.name,
    )


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _what(target: Target, word: str = "Segment") -> str:
    """Such as "Segment DTM with 2005 = 137"."""
    step = target.path.steps[-1]
    conditions = " and ".join(condition.text for condition in step.conditions)
    return f"{word} {step.tag} with {conditions}" if conditions else f"{word} {step.tag}"


def _title(element: Element) -> str:
    return f"Data element {element.id} ({element.name})"


def _number(tree: Tree, index: int) -> int:
    return tree.numbers[index] if tree.numbers else index + 1


def _place(tree: Tree, index: int, spot: Spot | None = None, repetition: int | None = None) -> Place:
    row = tree.guide.position(tree.positions[index])
    return Place(
        segment=_number(tree, index),
        tag=row.tag,
        group=row.path,
        element=spot.element if spot else None,
        component=spot.component if spot and spot.in_composite else None,
        repetition=repetition,
    )
