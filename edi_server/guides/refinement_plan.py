"""A refinement resolved in one guide: what goes into the guide's own tables, and what has to be asked of each message.

A table can say what holds for every use of a segment, and can only call it an error. The rest (what depends on a
qualifier or on the place, what is no error, what goes across segments) is asked by checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from edi_server.findings import Severity
from edi_server.guides.model import Guide
from edi_server.guides.refinement_model import Formula, Narrowing, Origin, Problem, Refinement, Rule
from edi_server.guides.refinement_paths import Path
from edi_server.guides.refinement_places import NoPlace, Spot, Stop, Target, resolve
from edi_server.located import nearest


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a table says about a row: a segment, or the group that it begins."""

    narrowing: Narrowing
    mandatory: bool | None = None
    repeat: int | None = None


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What a table says about a data element in every use of a segment."""

    narrowing: Narrowing
    spots: tuple[Spot, ...]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How often a segment must and may stand in each occurrence of what it stands in."""

    origin: Origin
    severity: Severity
    target: Target
    low: int = 0
    high: int | None = None
    #: False where its absence is told as a recommendation.
    demanded: bool = True


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a data element of certain segments must hold."""

    narrowing: Narrowing
    severity: Severity
    target: Target


class Term(msgspec.Struct, frozen=True):
    """A path of a rule; `outer`: looked for in the whole message although the rule is about a group."""

    target: Target
    outer: bool = False


class Side(msgspec.Struct, frozen=True):
    """A side of a comparison; `term` None is a number."""

    formula: Formula
    term: Term | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its paths resolved."""

    rule: Rule
    #: The way to the groups that it is about; () for the message.
    each: tuple[Stop, ...] = ()
    when: tuple[Term, ...] = ()
    unless: tuple[Term, ...] = ()
    terms: tuple[Term, ...] = ()
    sides: tuple[Side, ...] = ()


class Plan(msgspec.Struct, kw_only=True):
    """Everything that a refinement says about one guide. `rows` by row, `uses` by tag."""

    guide: Guide
    rows: dict[int, list[Row]] = {}
    uses: dict[str, list[Use]] = {}
    counts: list[Count] = []
    contents: list[Content] = []
    asks: list[Ask] = []
    problems: list[Problem] = []


def plan(guide: Guide, refinement: Refinement) -> Plan:
    """Resolve every line; what has no place in the guide is in `problems`."""
    made = Plan(guide=guide)
    for narrowing in refinement.narrowings:
        try:
            targets = resolve(guide, narrowing.path)
        except NoPlace as reason:
            made.problems.append(narrowing.origin.problem(_said(reason)))
            continue
        if narrowing.path.leaf is None:
            for target in targets:
                _plan_segment(made, narrowing, target)
        else:
            _plan_element(made, narrowing, targets)
    for rule in refinement.rules:
        try:
            made.asks.append(_ask(guide, rule))
        except NoPlace as reason:
            made.problems.append(rule.origin.problem(_said(reason)))
    return made


def _said(reason: NoPlace) -> str:
    return f"{reason.sentence}; {nearest(reason.word, reason.valid)}" if reason.valid else reason.sentence


def _plan_segment(made: Plan, narrowing: Narrowing, target: Target) -> None:
    severity, presence = narrowing.severity, narrowing.presence
    if presence == "recommended":
        kind: Severity = "warning" if severity == "error" else severity
        made.counts.append(
            Count(origin=narrowing.origin, severity=kind, target=target, low=1, demanded=False, high=None)
        )
    repeat = 0 if presence == "unused" else narrowing.repeat
    if severity == "error" and not narrowing.path.conditional:
        mandatory = {"mandatory": True, "optional": False}.get(presence or "")
        if mandatory is not None or repeat is not None:
            made.rows.setdefault(target.row, []).append(Row(narrowing=narrowing, mandatory=mandatory, repeat=repeat))
    elif presence == "mandatory" or repeat is not None:
        low = 1 if presence == "mandatory" else 0
        made.counts.append(Count(origin=narrowing.origin, severity=severity, target=target, low=low, high=repeat))


def _plan_element(made: Plan, narrowing: Narrowing, targets: list[Target]) -> None:
    """Into the tables where every use of the segment is meant; presence and formats that tables cannot say aside."""
    tag = made.guide.position(targets[0].row).tag
    everywhere = {row.index for row in made.guide.positions if row.tag == tag} == {target.row for target in targets}
    tabled = everywhere and narrowing.severity == "error" and not narrowing.path.conditional
    if tabled:
        made.uses.setdefault(tag, []).append(Use(narrowing=narrowing, spots=targets[0].spots))
    elif narrowing.extra_codes:
        sentence = f"works only for every {tag}: write */{tag}, and what is not wanted elsewhere as codes there"
        made.problems.append(narrowing.origin.problem(sentence, under="extra_codes"))
    rest = narrowing.presence in ("unused", "recommended") or narrowing.formats
    asked = narrowing.presence == "mandatory" or narrowing.codes is not None
    measured = narrowing.min_length is not None or narrowing.max_length is not None
    if rest or (not tabled and (asked or measured)):
        recommended = narrowing.presence == "recommended" and narrowing.severity == "error"
        severity: Severity = "warning" if recommended else narrowing.severity
        made.contents += [Content(narrowing=narrowing, severity=severity, target=target) for target in targets]


def _ask(guide: Guide, rule: Rule) -> Ask:
    each = resolve(guide, rule.each)[0] if rule.each else None
    if each and each.row not in guide.groups:
        raise NoPlace(f"{rule.each} is no segment group: each takes what begins one")
    anchor = each.row if each else 0
    return Ask(
        rule=rule,
        each=each.stops if each else (),
        when=tuple(_terms(guide, rule.when, anchor)),
        unless=tuple(_terms(guide, rule.unless, anchor)),
        terms=tuple(_terms(guide, rule.terms, anchor)),
        sides=tuple(Side(side, _term(guide, side.path, anchor) if side.path else None) for side in rule.formulas),
    )


def _terms(guide: Guide, paths: Iterable[Path], anchor: int) -> Iterator[Term]:
    return (_term(guide, path, anchor) for path in paths)


def _term(guide: Guide, path: Path, anchor: int) -> Term:
    """Inside the group that the rule is about, or else in the message."""
    try:
        return Term(_only(guide, path, anchor))
    except NoPlace as inside:
        if not anchor:
            raise
        try:
            return Term(_only(guide, path, 0), outer=True)
        except NoPlace:
            raise inside from None


def _only(guide: Guide, path: Path, anchor: int) -> Target:
    """The one place that a path of a rule means: a number of a line, not also that of the line above it (C829.1082)."""
    targets = resolve(guide, path, anchor)
    if len(targets) > 1:
        raise NoPlace(f"{path} is in several places; a rule needs one")
    beside = path.leaf is not None and bool(path.leaf.conditions)
    return targets[0] if beside else replace(targets[0], spots=targets[0].spots[:1])
