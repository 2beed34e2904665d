"""Simple segments as expressions of constants and values."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from edi_server.translation.plan import Binding, Choice, Demand, Frame

if TYPE_CHECKING:
    from edi_server.translation.compiler.writer import RecordSource


class Expression:
    """The expression of a simple segment, and the condition under which it is right."""

    def __init__(
        self, record: RecordSource, frame: Frame, tests: tuple[Demand, ...], numbers: list[tuple[tuple[int, int], str]]
    ) -> None:
        self.frame, self.tests = frame, tests
        #: element → component → (expression, number of components, is constant)
        self.plain: dict[int, dict[int, tuple[str, int, bool]]] = {}
        #: (element, tests) → component → expression
        self.chosen: dict[Choice, dict[int, tuple[str, int]]] = {}
        self.clash = False
        self.bound: dict[tuple[int, int], str] = {}
        for binding in frame.own:
            self._add(record, binding)
        for test in tests:
            if test.values and not test.negated and (test.element, test.component) not in self.bound:
                self._plain(test.element, test.component, repr(_normal(test.values[0])), 1, constant=True)
        for (element, component), name in numbers:
            self._plain(element, component, f"({name} or '')", 1, constant=False)

    def _add(self, record: RecordSource, binding: Binding) -> None:
        number = record.index[id(binding.site)]
        constant = binding.site.line.kind == "constant"
        names = [repr(_normal(binding.site.line.value))] if constant else record._names(binding, number)  # noqa: SLF001
        for spot, name in zip(binding.spots, names, strict=True):
            element, component, size = spot.choice.elements[0], spot.components[0], len(spot.components)
            if spot.choice.tests:
                parts = self.chosen.setdefault(spot.choice, {})
                self.clash |= component in parts or constant
                parts[component] = (name, size)
            else:
                self._plain(element, component, name, size, constant=constant)
                if not constant:
                    self.bound[element, component] = name

    def _plain(self, element: int, component: int, name: str, size: int, *, constant: bool) -> None:
        parts = self.plain.setdefault(element, {})
        self.clash |= component in parts
        parts[component] = (name, size, constant)

    def ordinary(self) -> str:
        """When nothing clashes: every condition holds, and no place is wanted twice."""
        if self.clash:
            return "False"
        conditions = [
            _holds(test, self.bound[place])
            for test in self.tests
            if (place := (test.element, test.component)) in self.bound
        ]
        if any(
            not test.negated and not test.values and (test.element, test.component) not in self.bound
            for test in self.tests
        ):
            return "False"
        by_element: dict[int, list[str]] = {}
        for choice, parts in self.chosen.items():
            element = choice.elements[0]
            filled = " or ".join(name for name, _ in parts.values())
            by_element.setdefault(element, []).append(f"({filled})")
            for test in choice.tests:
                if test.component in parts:
                    holds = _holds(test, parts[test.component][0])
                    conditions.append(f"({holds} or not ({filled}))")
                elif not test.values and not test.negated:
                    conditions.append(f"not ({filled})")
        for element, groups in by_element.items():
            others = [name for name, _, _ in self.plain.get(element, {}).values()]
            wanted = [*groups, f"({' or '.join(others)})"] if others else groups
            conditions += [f"not ({one} and {other})" for one, other in combinations(wanted, 2)]
        return " and ".join(conditions) or "True"

    def text(self) -> str:
        """The segment in normal form."""
        last = max([*self.plain, *(choice.elements[0] for choice in self.chosen)], default=0)
        pieces = [self._element(element) for element in range(1, last + 1)]
        joined = "".join(f" + '+' + {piece}" for piece in pieces)
        return f"({self.frame.tag!r}{joined}).rstrip('+')"

    def _element(self, element: int) -> str:
        groups = []
        plain = self.plain.get(element)
        if plain:
            groups.append(_composite({c: (name, size) for c, (name, size, _) in plain.items()}))
        for choice, parts in self.chosen.items():
            if choice.elements[0] == element:
                consts = {
                    test.component: (repr(_normal(test.values[0])), 1)
                    for test in choice.tests
                    if test.values and not test.negated and test.component not in parts
                }
                filled = " or ".join(name for name, _ in parts.values())
                groups.append(f"({_composite(parts | consts)} if {filled} else '')")
        return f"({' or '.join(groups)})" if len(groups) > 1 else groups[0] if groups else "''"


def _composite(parts: dict[int, tuple[str, int]]) -> str:
    """The expression of a composite: components in order, empty ones at the end left out."""
    last = max(parts)
    pieces = []
    component = 1
    while component <= last:
        name, size = parts.get(component, ("''", 1))
        pieces.append(f"pad({name}, {size})" if size > 1 and component < last else name)
        component += size
    if len(pieces) == 1:
        return f"str({pieces[0]})" if pieces[0].startswith("(") else pieces[0]
    texts = [piece if not piece.startswith("(") else f"str({piece})" for piece in pieces]
    return "(" + " + ':' + ".join(texts) + ").rstrip(':')"


def _holds(test: Demand, name: str) -> str:
    values = tuple(map(_normal, test.values))
    if not values:
        return f"not {name}" if test.negated else name
    return f"{name} {'not in' if test.negated else 'in'} {values!r}"


def _normal(text: str) -> str:
    from edi_server.syntax.normal import from_text

    return from_text(text)
