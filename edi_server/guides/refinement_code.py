"""The checks of a plan as one generated function that walks a message once and says whether all of them are kept.

Its yes is final; its no is a doubt, which `edi_server.guides.refinement_judging` explains or dispels. A property test
holds the two to each other. What comes from a guideline enters the source as constants by name, never as code.

    for position, s in zip(positions, segments):
        if position in ROWS:
            if position == 69:              # LIN, which a rule is about
                if a0 and not (c1 or c2):   # what the last one lacked
                    return False
                a0, c1, c2 = True, 0, 0
            elif …
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from edi_server.guides.refinement_expressions import (
    are_usual,
    content_expression,
    demand_expression,
    filled_expression,
    texts_expression,
)
from edi_server.guides.refinement_judging import is_kept, total
from edi_server.guides.refinement_places import Stop, Target
from edi_server.guides.refinement_plan import Ask, Content, Count, Plan, Side, Term

_NOTHING = Decimal(0)
#: Says whether a message (positions and segments of its tree) keeps everything.
Quick = Callable[[list[int], list[str]], bool]
_Way = tuple[Stop, ...]


def quick_check(plan: Plan) -> Quick | None:
    """The function for a plan; None if the plan asks nothing."""
    return _Code(plan).build() if plan.counts or plan.contents or plan.asks else None


class _Row:
    """What is done at one row: first for what begins there, then for what stands there."""

    def __init__(self) -> None:
        self.begins: list[str] = []
        self.stands: list[str] = []


class _Code:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names: dict[str, Any] = {"is_kept": is_kept, "total": _total}
        self._rows: dict[int, _Row] = {}
        self._begin: list[str] = []
        self._end: list[str] = []
        #: Variables that say whether an occurrence at the end of a way is open, and those that belong to it.
        self._open: dict[_Way, str] = {}
        self._inside: dict[_Way, list[str]] = {(): []}
        self._flush: dict[_Way, list[str]] = {(): []}
        self._counters: dict[tuple[Any, ...], str] = {}
        #: Variables that keep the segment that began an occurrence.
        self._triggers: dict[_Way, str] = {}

    def build(self) -> Quick:
        for count in self._plan.counts:
            self._add_count(count)
        for content in self._plan.contents:
            self._add_content(content)
        for ask in self._plan.asks:
            self._add_rule(ask)
        self._names["ROWS"] = frozenset(self._rows)
        source = "\n".join(self._source())
        space: dict[str, Any] = dict(self._names)
        exec(compile(source, "<refinement>", "exec"), space)  # noqa: S102 — our own source
        quick: Quick = space["quick"]
        return quick

    def _source(self) -> list[str]:
        lines = ["def quick(positions, segments):", *_indented(self._begin, 1)]
        lines += ["    for position, s in zip(positions, segments):", "        if position in ROWS:"]
        word = "if"
        for row in sorted(self._rows, key=self._rareness):
            lines += [f"            {word} position == {row}:", *_indented(self._row(row), 4)]
            word = "elif"
        for way, checks in self._flush.items():
            if way:
                lines += [f"    if {self._open[way]}:", *_indented(checks or ["pass"], 2)]
        return [*lines, *_indented(self._flush[()], 1), *_indented(self._end, 1), "    return True"]

    def _rareness(self, row: int) -> tuple[bool, bool]:
        """What comes most often is asked for first."""
        place = self._plan.guide.position(row)
        return place.section != "detail", not place.path

    def _row(self, row: int) -> list[str]:
        lines: list[str] = []
        for way, variable in self._open.items():
            if way[-1].row == row:
                lines += self._begin_occurrence(way, variable)
        lines += self._rows[row].stands
        tag = self._plan.guide.position(row).tag
        if any("s[:" in line for line in lines):
            # An explicit indication of nesting (LIN:1:2) moves the qualifier: expressions look behind it, slices not.
            lines.insert(0, f"if s[{len(tag)}:{len(tag) + 1}] == ':': return False")
        return lines or ["pass"]

    def _begin_occurrence(self, way: _Way, variable: str) -> list[str]:
        """Judge the last occurrence at the end of a way, and open the next."""
        lines = []
        if self._flush.get(way):
            lines += [f"if {variable}:", *_indented(self._flush[way], 1)]
        lines += [f"{name} = {start}" for name, start in _starts(self._inside.get(way, []))]
        lines += [f"{self._triggers[way]} = s"] if way in self._triggers else []
        return [*lines, f"{variable} = {self._condition(way)}"]

    # -- what is asked

    def _add_count(self, count: Count) -> None:
        scope, last = count.target.stops[:-1], count.target.stops[-1:]
        self._enter(scope)
        number = self._counter(scope, Target(count.target.path, last), "count")
        self._flush[scope].append(f"if {_outside(number, count)}: return False")

    def _add_content(self, content: Content) -> None:
        way = content.target.stops
        tag = self._plan.guide.position(content.target.row).tag
        right = content_expression(content, tag, self._names)
        self._at(way[-1].row).stands.append(f"if {_both(self._condition(way), f'not ({right})')}: return False")

    def _add_rule(self, ask: Ask) -> None:
        scope = ask.each
        self._enter(scope)
        if any(term.outer for term in ask.terms) or any(side.term and side.term.outer for side in ask.sides):
            # Rare; what is asked of a group depends on what may come behind it.
            self._flush[scope].append("return False")
            return
        when = [self._count_of(term, scope) for term in ask.when if not term.outer]
        unless = [self._count_of(term, scope) for term in ask.unless if not term.outer]
        broken = f"not ({self._kept(ask, scope)})"
        test = " and ".join([*when, *(f"not {name}" for name in unless), broken])
        outer = [self._count_of(term, ()) for term in ask.when if term.outer]
        outer += [f"not {self._count_of(term, ())}" for term in ask.unless if term.outer]
        if not outer:
            self._flush[scope].append(f"if {test}: return False")
            return
        late = self._variable("d", "False")
        self._flush[scope].append(f"if {test}: {late} = True")
        self._end.append(f"if {' and '.join([late, *outer])}: return False")

    def _kept(self, ask: Ask, scope: _Way) -> str:
        if ask.sides:
            one, other = (self._side(side, scope) for side in ask.sides)
            return f"is_kept({self._constant('rule', ask.rule)}, {one}, {other})"
        if ask.rule.kind == "unique":
            texts = [self._counter(scope, term.target, "texts") for term in ask.terms]
            joined = " + ".join(texts)
            return f"len(set({joined})) == len({joined})"
        # What is counted anyway is asked for before what has to be looked for.
        there = sorted((self._count_of(term, scope) for term in ask.terms), key=lambda one: one[0] == "(")
        number = " + ".join(f"({name} > 0)" for name in there)
        return {
            "all_of": " and ".join(there),
            "any_of": " or ".join(there),
            "none_of": f"not ({' or '.join(there)})",
            "exactly_one_of": f"{number} == 1",
            "at_most_one_of": f"{number} <= 1",
            "all_or_none": f"({number}) in (0, {len(there)})",
        }[ask.rule.kind]

    def _side(self, side: Side, scope: _Way) -> str:
        if side.term is None:
            return self._constant("number", side.formula.number)
        if side.formula.kind == "count":
            return f"str({self._counter(scope, side.term.target, 'count')})"
        texts = self._counter(scope, side.term.target, "texts")
        return f"total({texts})" if side.formula.kind == "sum" else f"({texts}[0] if {texts} else None)"

    # -- variables

    def _count_of(self, term: Term, scope: _Way) -> str:
        """What is false or 0 while a term is not there."""
        stops = term.target.stops
        if scope and not term.outer and term.target.spots and stops == (Stop(scope[-1].row),):
            return self._in_trigger(term.target, scope)
        return self._counter(() if term.outer else scope, term.target, "there")

    def _in_trigger(self, target: Target, scope: _Way) -> str:
        """That the segment that began the occurrence has something: looked for only when it is asked for."""
        if scope not in self._triggers:
            self._triggers[scope] = self._variable("s", "''")
        filled = filled_expression(self._tag(scope[-1]), target.spots, self._names)
        return "(" + filled.replace("(s)", f"({self._triggers[scope]})") + ")"

    def _counter(self, scope: _Way, target: Target, mode: str) -> str:
        """The variable that counts segments where a term is "there", its values ("count"), or collects its "texts"."""
        stops = tuple(stop for stop in _joined(scope, target.stops))
        key = (scope, stops, target.spots, mode)
        if key not in self._counters:
            name = self._counters[key] = self._variable(
                "t" if mode == "texts" else "c", "[]" if mode == "texts" else "0"
            )
            self._inside.setdefault(scope, []).append(name)
            self._at(stops[-1].row).stands += self._counting(name, stops, target, mode)
        return self._counters[key]

    def _counting(self, name: str, stops: _Way, target: Target, mode: str) -> list[str]:
        tag = self._plan.guide.position(stops[-1].row).tag
        condition = self._condition(stops)
        if target.spots and mode == "there":
            condition = _both(condition, filled_expression(tag, target.spots, self._names))
        elif target.spots:
            outer = self._enter(stops[:-1]) if any(stop.demands for stop in stops[:-1]) else "True"
            demands = stops[-1].demands
            if are_usual(demands):
                condition = outer  # the qualifier goes into the expression
            texts = texts_expression(tag, target.spots, self._names, demands)
            return [_guarded(condition, f"{name} += {texts if mode == 'texts' else f'len({texts})'}")]
        return [_guarded(condition, f"{name} += 1")]

    def _condition(self, way: _Way) -> str:
        """That a segment of the last row of a way is at the end of it: its own demands, and those on the way."""
        own = [demand_expression(self._tag(way[-1]), demand, self._names) for demand in way[-1].demands]
        outer = way[:-1]
        above = [self._enter(outer)] if any(stop.demands for stop in outer) else []
        return " and ".join([*above, *own]) or "True"

    def _enter(self, way: _Way) -> str:
        """The variable that says whether an occurrence at the end of a way is open."""
        self._flush.setdefault(way, [])
        if way and way not in self._open:
            self._open[way] = self._variable("a", "False")
            self._inside.setdefault(way, [])
            self._at(way[-1].row)
            self._condition(way)
        return self._open.get(way, "True")

    def _variable(self, letter: str, start: str) -> str:
        name = f"{letter}{len(self._begin)}"
        self._begin.append(f"{name} = {start}")
        return name

    def _constant(self, word: str, value: object) -> str:
        name = f"{word}_{len(self._names)}"
        self._names[name] = value
        return name

    def _at(self, row: int) -> _Row:
        return self._rows.setdefault(row, _Row())

    def _tag(self, stop: Stop) -> str:
        return self._plan.guide.position(stop.row).tag


def _joined(scope: _Way, stops: _Way) -> _Way:
    """The way to a term from the message: what is asked of the group's own trigger is asked of that."""
    if scope and stops[0].row == scope[-1].row:
        own = Stop(stops[0].row, scope[-1].demands + stops[0].demands)
        return (*scope[:-1], own, *stops[1:])
    return scope + stops


def _outside(number: str, count: Count) -> str:
    """That a number is not what is asked."""
    if count.high is None:
        return f"{number} < {count.low}"
    return f"{number} != {count.low}" if count.low == count.high else f"not {count.low} <= {number} <= {count.high}"


def _both(one: str, other: str) -> str:
    return other if one == "True" else f"{one} and {other}"


def _guarded(condition: str, statement: str) -> str:
    return statement if condition == "True" else f"if {condition}: {statement}"


def _starts(names: list[str]) -> list[tuple[str, str]]:
    return [(name, "[]" if name[0] == "t" else "0") for name in names]


def _indented(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]


def _total(texts: list[str]) -> Decimal | None:
    """`total`, in a third of the time where nothing is unusual."""
    try:
        number = sum(map(Decimal, texts), _NOTHING)
    except InvalidOperation:
        return total(texts)
    return number if texts and number.is_finite() else total(texts)
