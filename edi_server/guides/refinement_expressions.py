"""Python expressions about one segment `s` in normal form: does it say this, is that filled, is its content right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from edi_server.guides.refinement_judging import fault_of, format_pattern, is_right, values_of
from edi_server.guides.refinement_model import Narrowing
from edi_server.guides.refinement_places import Demand, Spot
from edi_server.guides.refinement_plan import Content

#: The end of a value.
_END = "(?![^+:*])"


def demand_expression(tag: str, demand: Demand, names: dict[str, Any]) -> str:
    """That a segment fulfils a condition. Names of what it needs are added to `names`."""
    place = (demand.element, demand.component)
    if place == (1, 1) and demand.values and not demand.negated:
        return _starts_with(tag, demand.values, names)
    words = "|".join(map(re.escape, demand.values))
    pattern = _place(tag, *place) + (f"(?:{words}){_END}" if words else "[^+:*]")
    answer = "is None" if demand.negated else "is not None"
    return f"{_named(names, re.compile(pattern).match)}(s) {answer}"


def _starts_with(tag: str, values: tuple[str, ...], names: dict[str, Any]) -> str:
    """The usual qualifier, first in its segment: two comparisons are faster than any expression."""
    heads = tuple(f"{tag}+{value}" for value in values)
    lengths = {len(head) for head in heads}
    if len(lengths) > 1:
        pattern = f"{tag}[^+]*\\+(?:{'|'.join(map(re.escape, values))}){_END}"
        return f"{_named(names, re.compile(pattern).match)}(s) is not None"
    length = lengths.pop()
    same = f"s[:{length}] == {heads[0]!r}" if len(heads) == 1 else f"s[:{length}] in {heads!r}"
    return f"{same} and s[{length}:{length + 1}] in '+:*'"


def filled_expression(tag: str, spots: Sequence[Spot], names: dict[str, Any]) -> str:
    """That one of some places is filled."""
    if any(spot.demands or spot.repeats for spot in spots):
        return texts_expression(tag, spots, names)
    places = "|".join(_place(tag, spot.element, spot.component) for spot in spots)
    return f"{_named(names, re.compile(f'(?:{places})[^+:*]').match)}(s) is not None"


def are_usual(demands: Sequence[Demand]) -> bool:
    """True for one qualifier, first in its segment, or none."""
    return all((one.element, one.component) == (1, 1) and one.values and not one.negated for one in demands)


def texts_expression(tag: str, spots: Sequence[Spot], names: dict[str, Any], demands: Sequence[Demand] = ()) -> str:
    """What some places hold, as a list, leaving out those that are empty; `demands` are met if they are usual."""
    if len(spots) == 1 and not spots[0].demands and not spots[0].repeats:
        pattern = _qualified_place(tag, spots[0], demands if are_usual(demands) else ())
        return f"{_named(names, re.compile(f'^{pattern}([^+:*]+)').findall)}(s)"
    usual = tuple(demands) if are_usual(demands) else ()
    return f"{_named(names, partial(_texts, tuple(spots), usual))}(s)"


def _qualified_place(tag: str, spot: Spot, demands: Sequence[Demand]) -> str:
    """Everything before a component of a segment whose qualifiers, first in it, are these."""
    words = ["|".join(map(re.escape, demand.values)) for demand in demands]
    if len(words) == 1 and spot.element == 1 and spot.component > 1:
        return rf"{tag}[^+]*\+(?:{words[0]}):" + f"(?:[^+:*]*:){{{spot.component - 2}}}"
    qualified = "".join(rf"(?=[^+]*\+(?:{one}){_END})" for one in words)
    return f"{tag}{qualified}{_place('', spot.element, spot.component)}"


def _texts(spots: tuple[Spot, ...], demands: tuple[Demand, ...], segment: str) -> list[str]:
    elements = segment.split("+")
    if not all(demand.holds(elements) for demand in demands):
        return []
    return [value.text for value in values_of(segment, spots) if value.text]


def content_expression(content: Content, tag: str, names: dict[str, Any]) -> str:
    """That all places of a segment hold what is asked."""
    spots, line = content.target.spots, content.narrowing
    if any(spot.demands or spot.repeats for spot in spots):
        return f"{_named(names, lambda segment: is_right(content, segment))}(s)"
    parts = []
    for number, spot in enumerate(spots):
        needed = number == 0 and line.presence in ("mandatory", "recommended")
        place, right = _place(tag, spot.element, spot.component), _right(line) + _END
        pattern = place + right if needed else f"{place}{right}|(?!{place}[^+:*])"
        parts.append(f"{_named(names, re.compile(pattern).match)}(s) is not None")
    return " and ".join(parts)


def _right(line: Narrowing) -> str:
    """A value, never an empty one, with which nothing is wrong."""
    if line.presence == "unused":
        return "(?!)"
    if line.codes is not None:
        codes = sorted(code for code in line.codes if fault_of(line, code) is None)
        return f"(?:{'|'.join(map(re.escape, codes))})" if codes else "(?!)"
    low, high = max(line.min_length or 1, 1), "" if line.max_length is None else line.max_length
    length = f"[^+:*]{{{low},{high}}}"
    if not line.formats:
        return length
    form = format_pattern(line.formats).replace("[^0-9]", "[^0-9+:*]").replace(".{", "[^+:*]{")
    return f"(?={length}{_END})(?:{form})"


def _place(tag: str, element: int, component: int) -> str:
    """Everything before a component of a segment, in the first repetition of its element."""
    return f"{tag}[^+]*" + rf"(?:\+[^+]*){{{element - 1}}}\+" + f"(?:[^+:*]*:){{{component - 1}}}"


def _named(names: dict[str, Any], value: object) -> str:
    name = f"e{len(names)}"
    names[name] = value
    return name
