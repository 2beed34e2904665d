"""One line of a guideline, read into its record; what is wrong with it goes to the list of problems."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from edi_server.guides.refinement_model import Formula, Narrowing, Origin, Presence, Problem, Rule, RuleKind
from edi_server.guides.refinement_paths import Path, PathError, parse_path
from edi_server.located import nearest

FORMAT = re.compile(r"(an|a|n)(\.\.)?([0-9]{1,5})")
_FORMULA = re.compile(r"(count|sum)\((.+)\)")
_SEVERITIES = ("error", "warning", "note")
_NARROWING = (
    *("presence", "repeat", "codes", "extra_codes", "min_length", "max_length", "format", "widens"),
    *("severity", "why"),
)
_KINDS: tuple[RuleKind, ...] = typing.get_args(RuleKind)
_RULE = (*_KINDS, "each", "when", "unless", "tolerance", "severity", "why")
_PRESENCES: tuple[Presence, ...] = typing.get_args(Presence)


def unknown_keys(table: Mapping[str, Any], valid: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Keys that there are not, each with the one that was probably meant."""
    known = tuple(valid)
    for key in table:
        if key not in known:
            yield key, f"unknown key; {nearest(key, known)}"


def text_list(value: Any) -> tuple[str, ...] | None:
    """The texts of an array, or of a text on its own; None if it is something else."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    return None


class _Line:
    """A table being read: every getter notes what is wrong and then gives nothing."""

    def __init__(self, value: Mapping[str, Any], origin: Origin, problems: list[Problem]) -> None:
        self.value, self.origin, self.problems = value, origin, problems

    def say(self, key: str, sentence: str) -> None:
        self.problems.append(self.origin.problem(sentence, under=key))

    def number(self, key: str, least: int) -> int | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
            return value
        self.say(key, f"must be a whole number, at least {least}")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        value = text_list(self.value.get(key, []))
        if value is None or ("" in value) or (key in self.value and not value):
            self.say(key, "must be a list of texts")
            return ()
        return value

    def choice(self, key: str, valid: tuple[str, ...], default: Any) -> Any:
        value = self.value.get(key, default)
        if value == default or value in valid:
            return value
        self.say(key, f"cannot be {value!r}; {nearest(str(value), valid)}")
        return default

    def flag(self, key: str) -> bool:
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            self.say(key, "must be true or false")
        return value is True

    def path(self, key: str, text: str) -> Path | None:
        try:
            return parse_path(text)
        except PathError as error:
            self.say(key, str(error))
            return None

    def paths(self, key: str) -> tuple[Path, ...]:
        return tuple(path for path in (self.path(key, text) for text in self.texts(key)) if path)

    def severity(self) -> Any:
        return self.choice("severity", _SEVERITIES, "error")


def read_narrowing(name: str, value: Any, origin: Origin, problems: list[Problem]) -> Narrowing | None:
    """A line of `[narrow]`: text is short for `{ presence = text }`."""
    table = {"presence": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        problems.append(origin.problem('must be a table, or a presence such as "mandatory"'))
        return None
    line = _Line(table, origin, problems)
    path = line.path("", name)
    problems += [origin.problem(sentence, under=key) for key, sentence in unknown_keys(table, _NARROWING)]
    if not set(table) - {"severity", "why", "widens"}:
        line.say("", "says nothing: give it presence, repeat, codes, …")
    codes = frozenset(line.texts("codes")) if "codes" in table else None
    formats = line.texts("format")
    for text in formats:
        if not FORMAT.fullmatch(text):
            line.say("format", f"{text!r} is no format: write n13, an..35 or a3")
    narrowing = Narrowing(
        path=path or parse_path("UNH"),
        origin=origin,
        severity=line.severity(),
        presence=line.choice("presence", _PRESENCES, None),
        repeat=line.number("repeat", 1),
        codes=codes,
        extra_codes=frozenset(line.texts("extra_codes")),
        min_length=line.number("min_length", 0),
        max_length=line.number("max_length", 1),
        formats=formats,
        widens=line.flag("widens"),
    )
    return narrowing if path else None


def read_rule(name: str, value: Any, origin: Origin, problems: list[Problem]) -> Rule | None:
    """A table `[rules.<name>]`."""
    if not isinstance(value, dict):
        problems.append(origin.problem("must be a table"))
        return None
    line = _Line(value, origin, problems)
    problems += [origin.problem(sentence, under=key) for key, sentence in unknown_keys(value, _RULE)]
    kinds = [kind for kind in _KINDS if kind in value]
    if len(kinds) != 1:
        line.say("", f"says {' and '.join(kinds) or 'nothing'}: give it one of {', '.join(_KINDS)}")
        return None
    kind = kinds[0]
    compared = kind in ("equal", "at_most")
    before = len(problems)
    rule = Rule(
        name=name,
        origin=origin,
        severity=line.severity(),
        each=next(iter(line.paths("each")), None),
        when=line.paths("when"),
        unless=line.paths("unless"),
        kind=kind,
        terms=() if compared else line.paths(kind),
        formulas=tuple(_formulas(line, kind)) if compared else (),
        tolerance=_tolerance(line),
    )
    _check_count(line, rule)
    return rule if len(problems) == before else None


def _check_count(line: _Line, rule: Rule) -> None:
    """Rules that need a certain number of terms."""
    if rule.formulas and len(rule.formulas) != 2:
        line.say(rule.kind, "compares two sides: write [one, other]")
    if rule.kind in ("exactly_one_of", "at_most_one_of", "all_or_none") and len(rule.terms) < 2:
        line.say(rule.kind, "needs at least two paths")
    if rule.kind == "unique" and any(term.leaf is None for term in rule.terms):
        line.say(rule.kind, "needs a data element, such as LIN.1082")
    if rule.each is not None and rule.each.leaf is not None:
        line.say("each", "names a data element; it takes a segment group, such as LIN")


def _formulas(line: _Line, key: str) -> Iterator[Formula]:
    for text in line.texts(key):
        call = _FORMULA.fullmatch(text.strip())
        if call is None and (number := _number(text)) is not None:
            yield Formula(text, "number", None, number)
            continue
        path = line.path(key, call[2] if call else text)
        kind: Any = call[1] if call else "value"
        if path and kind != "count" and path.leaf is None:
            line.say(key, f"{path} names no data element")
        elif path:
            yield Formula(text, kind, path)


def _tolerance(line: _Line) -> Decimal:
    value = line.value.get("tolerance", "0")
    number = _number(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if number is None or number < 0:
        line.say("tolerance", 'must be a number in quotes, such as "0.01"')
    return number or Decimal(0)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
