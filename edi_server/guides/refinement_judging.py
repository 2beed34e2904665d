"""What a message does otherwise than a refinement asks, in full.

Slow and thorough: it runs only for messages of which `edi_server.guides.refinement_code` has not said yes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

from msgspec.structs import replace

from edi_server.findings import Finding, Severity
from edi_server.guides.model import Tree
from edi_server.guides.refinement_lines import FORMAT
from edi_server.guides.refinement_model import Narrowing, Rule
from edi_server.guides.refinement_places import Spot, Stop
from edi_server.guides.refinement_plan import Ask, Content, Count, Plan, Side, Term
from edi_server.guides.refinement_remarks import (
    Value,
    broken,
    content_fault,
    missing_content,
    missing_segment,
    not_used,
    too_often,
)

#: From the first to behind the last index of a stretch of the tree's segments.
_Stretch = tuple[int, int]
_FORMS = {"n": "[0-9]", "a": "[^0-9]", "an": "."}


def judge(tree: Tree, plan: Plan) -> list[Finding]:
    """All findings of a message by the checks of a plan, in the order of the guideline's lines."""
    return [finding for part in _Judge(tree, plan).parts() for finding in part]


class _Judge:
    def __init__(self, tree: Tree, plan: Plan) -> None:
        self._tree, self._plan = tree, plan
        self._positions, self._segments = tree.positions, tree.segments
        self._whole: _Stretch = (0, len(tree.positions))

    def parts(self) -> Iterator[Iterable[Finding]]:
        for count in self._plan.counts:
            yield self._judge_count(count)
        for content in self._plan.contents:
            yield self._judge_content(content)
        for ask in self._plan.asks:
            yield self._judge_rule(ask)

    # -- where segments are

    def _find(self, stops: Sequence[Stop], within: _Stretch) -> Iterator[int]:
        """Indices of the segments at the end of a way."""
        stop, *rest = stops
        for index in range(*within):
            if self._positions[index] == stop.row and self._holds(index, stop):
                if rest:
                    yield from self._find(rest, self._occurrence(index))
                else:
                    yield index

    def _holds(self, index: int, stop: Stop) -> bool:
        if not stop.demands:
            return True
        elements = self._segments[index].split("+")
        return all(demand.holds(elements) for demand in stop.demands)

    def _occurrence(self, index: int) -> _Stretch:
        """The occurrence of the group that a segment begins; itself alone if it begins none."""
        group = self._plan.guide.groups.get(self._positions[index])
        end = index + 1
        while group and end < len(self._positions) and group.trigger < self._positions[end] <= group.last:
            end += 1
        return index, end

    def _scopes(self, stops: Sequence[Stop]) -> Iterator[_Stretch]:
        """The stretches that a way leads to; the whole message for no way at all."""
        return map(self._occurrence, self._find(stops, self._whole)) if stops else iter([self._whole])

    def _before(self, row: int, within: _Stretch) -> int:
        """Index of the last segment of a stretch that stands before the place of a row."""
        before = [index for index in range(*within) if self._positions[index] <= row]
        return before[-1] if before else within[0]

    # -- what they say

    def _filled(self, term: Term, within: _Stretch) -> list[tuple[int, str]]:
        """Where a term is there, with its values ("" for a segment as such)."""
        target = term.target
        found = self._find(target.stops, self._whole if term.outer else within)
        if not target.spots:
            return [(index, "") for index in found]
        return [
            (index, value.text)
            for index in found
            for value in values_of(self._segments[index], target.spots)
            if value.text
        ]

    # -- judging

    def _judge_count(self, count: Count) -> Iterator[Finding]:
        *outer, last = count.target.stops
        for scope in self._scopes(outer):
            found = list(self._find([last], scope))
            if len(found) < count.low:
                before = self._before(last.row, scope)
                yield missing_segment(self._tree, count.target, before, count.origin, count.severity, count.demanded)
            elif count.high is not None and len(found) > count.high:
                for index in found[count.high :]:
                    if count.high:
                        told = too_often(self._tree, count.target, index, len(found), count.high, count.origin)
                    else:
                        told = not_used(self._tree, count.target, index, count.origin)
                    yield _as(told, count.severity)
                    if count.high:
                        break

    def _judge_content(self, content: Content) -> Iterator[Finding]:
        line = content.narrowing
        for index in self._find(content.target.stops, self._whole):
            values = list(values_of(self._segments[index], content.target.spots))
            if is_lacking(line, values):
                told = missing_content(self._tree, content.target, index, line.origin, line.presence == "mandatory")
                yield _as(told, content.severity)
            for value in values:
                if value.text and (fault := fault_of(line, value.text)):
                    yield _as(content_fault(self._tree, index, value, fault, line.origin), content.severity)

    def _judge_rule(self, ask: Ask) -> Iterator[Finding]:
        for scope in self._scopes(ask.each):
            applies = all(self._filled(term, scope) for term in ask.when)
            if applies and not any(self._filled(term, scope) for term in ask.unless):
                found = self._broken(ask, scope)
                if found is not None:
                    yield broken(self._tree, ask, scope[0], found)

    def _broken(self, ask: Ask, scope: _Stretch) -> str | None:
        """What was found where a rule is broken; None where it is kept."""
        kind = ask.rule.kind
        if ask.sides:
            return self._compared(ask, scope)
        if kind == "unique":
            texts = [text for term in ask.terms for _, text in self._filled(term, scope)]
            twice = [text for text in texts if texts.count(text) > 1]
            return twice[0] if twice else None
        there = [term.target.path.text for term in ask.terms if self._filled(term, scope)]
        number, all_of_them = len(there), len(ask.terms)
        kept = {
            "all_of": number == all_of_them,
            "any_of": number > 0,
            "none_of": number == 0,
            "exactly_one_of": number == 1,
            "at_most_one_of": number <= 1,
            "all_or_none": number in (0, all_of_them),
        }[kind]
        return None if kept else ", ".join(there)

    def _compared(self, ask: Ask, scope: _Stretch) -> str | None:
        one, other = (self._side(side, scope) for side in ask.sides)
        return None if is_kept(ask.rule, one, other) else f"{one} and {other}"

    def _side(self, side: Side, scope: _Stretch) -> Decimal | str | None:
        if side.term is None:
            return side.formula.number
        texts = [text for _, text in self._filled(side.term, scope)]
        if side.formula.kind == "count":
            return Decimal(len(texts))
        return total(texts) if side.formula.kind == "sum" else next(iter(texts), None)


def number_of(text: str) -> Decimal | None:
    """The number that a text in a message is; comma and point are decimal marks."""
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def total(texts: Collection[str]) -> Decimal | None:
    """The sum; None of nothing, and where something is no number, which the guide's own findings say."""
    numbers = [number for number in map(number_of, texts) if number is not None]
    return sum(numbers, Decimal(0)) if texts and len(numbers) == len(texts) else None


def is_kept(rule: Rule, one: Decimal | str | None, other: Decimal | str | None) -> bool:
    """True if the two sides of a comparison agree; what is absent cannot differ, that it must be there is another line.

    Texts that are no numbers are compared letter by letter, which no `at_most` can be.
    """
    if one is None or other is None:
        return True
    first, second = (number_of(side) if isinstance(side, str) else side for side in (one, other))
    if first is None or second is None:
        return str(one) == str(other)
    return (first - second if rule.kind == "at_most" else abs(first - second)) <= rule.tolerance


def values_of(segment: str, spots: Iterable[Spot]) -> Iterator[Value]:
    """What stands in places of a segment, in each repetition; only where the composite is the one that is asked for."""
    elements = segment.split("+")
    for spot in spots:
        element = elements[spot.element] if spot.element < len(elements) else ""
        for repetition, piece in enumerate(element.split("*") if spot.repeats else [element], 1):
            if all(demand.holds_in(piece) for demand in spot.demands):
                parts = piece.split(":")
                text = parts[spot.component - 1] if spot.component <= len(parts) else ""
                yield Value(text, spot, repetition if spot.repeats and repetition > 1 else None)


def is_right(content: Content, segment: str) -> bool:
    """True if a segment holds what is asked."""
    line, values = content.narrowing, list(values_of(segment, content.target.spots))
    return not is_lacking(line, values) and not any(value.text and fault_of(line, value.text) for value in values)


def is_lacking(line: Narrowing, values: list[Value]) -> bool:
    """True if what must, or should, be filled is not: the first place, or with a condition any that fulfils it."""
    if line.presence not in ("mandatory", "recommended"):
        return False
    if line.path.leaf and line.path.leaf.conditions:
        return not any(value.text for value in values)
    return not any(value.text for value in values if value.spot is values[0].spot)


def fault_of(line: Narrowing, text: str) -> str | None:
    """What is wrong with a value by a line, as the code of a finding; None if nothing is."""
    if line.presence == "unused":
        return "guide.element-not-used"
    if line.codes is not None and text not in line.codes:
        return "guide.code-not-agreed"
    if line.min_length is not None and len(text) < line.min_length:
        return "guide.value-too-short"
    if line.max_length is not None and len(text) > line.max_length:
        return "guide.value-too-long"
    if line.formats and not re.fullmatch(format_pattern(line.formats), text):
        return "guide.value-format"
    return None


def format_pattern(formats: Sequence[str]) -> str:
    """The regular expression of formats such as n13 (thirteen digits), an..35, a3."""
    return "|".join(map(_format_pattern, formats))


def _format_pattern(text: str) -> str:
    match = FORMAT.fullmatch(text)
    assert match is not None
    kind, up_to, length = match.groups()
    return f"{_FORMS[kind]}{{{'1,' if up_to else ''}{length}}}"


def _as(finding: Finding, severity: Severity) -> Finding:
    return finding if finding.severity == severity else replace(finding, severity=severity)
