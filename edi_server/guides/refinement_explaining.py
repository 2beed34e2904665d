"""A refinement in words: what each line asks, beside what the standard says about the same place."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edi_server.guides.model import Element, Guide
from edi_server.guides.refinement_model import Narrowing, Refinement, Rule
from edi_server.guides.refinement_places import Spot, resolve

#: So many codes are listed; of more, their number.
_LISTED = 12


class ExplainedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One effective line of a guideline."""

    #: Such as `DTM[2005=137]` or `rules.article`.
    key: str
    asks: str
    #: What the standard says there; "" for rules, which it has none of.
    standard: str
    severity: str
    why: str
    #: Title of the guideline that the line stands in.
    title: str
    file: str
    line: int | None


def explain_refinement(refinement: Refinement, guide: Guide) -> tuple[ExplainedLine, ...]:
    """Every effective line, in the order of the files. The refinement must be without problems in this guide."""
    lines = [_explain(line, line.path.text, _asks(line), _standard(guide, line)) for line in refinement.narrowings]
    return (*lines, *(_explain(rule, f"rules.{rule.name}", _rule(rule), "") for rule in refinement.rules))


def _explain(line: Narrowing | Rule, key: str, asks: str, standard: str) -> ExplainedLine:
    origin = line.origin
    return ExplainedLine(
        key=key,
        asks=asks,
        standard=standard,
        severity=line.severity,
        why=origin.why,
        title=origin.title,
        file=origin.file,
        line=origin.line,
    )


def _asks(line: Narrowing) -> str:
    return ", ".join(_parts(line))


def _parts(line: Narrowing) -> Iterator[str]:
    if line.presence:
        yield {"unused": "not used"}.get(line.presence, line.presence)
    if line.repeat is not None:
        yield _times(line.repeat)
    if line.codes is not None:
        yield f"only {_codes(line.codes)}"
    if line.extra_codes:
        yield f"also {_codes(line.extra_codes)}"
    if line.min_length is not None:
        yield f"at least {line.min_length} characters"
    if line.max_length is not None:
        yield f"at most {line.max_length} characters"
    if line.formats:
        yield " or ".join(line.formats)


def _times(repeat: int) -> str:
    return "once" if repeat == 1 else f"up to {repeat} times"


def _codes(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes)) if len(codes) <= _LISTED else f"{len(codes)} codes"


def _standard(guide: Guide, line: Narrowing) -> str:
    target = resolve(guide, line.path)[0]
    if target.spots:
        return _place(target.spots[0])
    row, group = guide.position(target.row), guide.groups.get(target.row)
    mandatory, repeat = (group.mandatory, group.repeat) if group else (row.mandatory, row.repeat)
    return f"{'mandatory' if mandatory else 'conditional'}, {_times(repeat)}"


def _place(spot: Spot) -> str:
    element: Element = spot.definition
    up_to = "" if element.min_length == element.max_length else ".."
    codes = "" if element.codes is None else f", {_codes(element.codes)}"
    presence = "mandatory" if spot.mandatory else "conditional"
    return f"{presence}, {element.kind}{up_to}{element.max_length}{codes}"


def _rule(rule: Rule) -> str:
    terms = [path.text for path in rule.terms] or [side.text for side in rule.formulas]
    text = f"{rule.kind.replace('_', ' ')}: {', '.join(terms)}"
    if rule.tolerance:
        text += f" ± {rule.tolerance}"
    text = f"in each {rule.each.text}, {text}" if rule.each else text
    conditions = [path.text for path in rule.when] + [f"no {path.text}" for path in rule.unless]
    return f"where there is {' and '.join(conditions)}: {text}" if conditions else text
