"""The state of a scope's function while it is written: its variables, and what is in them at a point of the source."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edi_server.translation.compiler.questions import (
    condition,
    depth_of,
    elements_of,
    is_late,
    looked_at,
    slots_of,
    takers_of,
)
from edi_server.translation.plan import Demand, Nested, Scope, Site, Slot

if TYPE_CHECKING:
    from edi_server.translation.compiler.reader import Compiler


class ScopeState:
    """What all parts of writing one function share."""

    def __init__(self, compiler: Compiler, scope: Scope, name: str) -> None:
        self.compiler, self.scope, self.function_name = compiler, scope, name
        self.code, self.careful = compiler.code, compiler.careful
        self.is_root = scope.frame.position == 0
        self.is_group = scope.frame.position in compiler.guide.groups and not scope.key[2]
        self.nested = self.is_group and compiler.nests(scope.frame.position)
        self.keeps = scope.keeps and (self.is_root or self.is_group)
        self.last = compiler.last
        #: Number of each line, and name of each slot, in variables.
        self.index = {id(site): number for number, site in enumerate(scope.sites)}
        self.slots: dict[int, str] = {}
        self.variables: list[str] = []
        #: True if segments that records were made of must be remembered.
        self.gathers = False
        #: Components that are in a variable already: (element, component) → name.
        self.tested: dict[tuple[int, int], str] = {}
        #: Elements that are split already.
        self.split: set[int] = set()
        self.split_at = 0
        #: Composites that are split already, by the elements they stand in.
        self.rows: dict[tuple[int, ...], str] = {}
        #: True where several takers may want the same segment, so that `u` says whether one got it.
        self.counts = True
        #: Writes what happens to a segment that its only possible taker does not get: read in vain, or not entered.
        self.missed: Callable[[], None] = lambda: None
        self.missed_before: Callable[[], None] = lambda: None

    def _locals(self) -> None:
        """One variable for each line, and what slots must remember."""
        nones: list[str] = []
        numbers: list[str] = []
        for number, site in enumerate(self.scope.sites):
            if site.line.kind == "each" or site.many or site.spread:
                nones.append(f"a{number}")
            elif site.line.kind == "within":
                nones += [f"v{number}", f"m{number}"]
            elif is_late(site):
                nones += [f"x{number}_{binding.rank}" for binding in site.bindings]
            else:
                nones.append(f"v{number}")
        for slot in slots_of(self.scope.frame):
            name = self.slots[id(slot)] = f"s{len(self.slots)}"
            if not slot.many:
                numbers += [name, f"{name}_"] if slot.conditional else [name]
        if nones:
            self.code(f"{' = '.join(nones)} = None")
        if numbers:
            self.code(f"{' = '.join(numbers)} = -1")
        self.variables = [*nones, *numbers]
        self.gathers = any(slot.conditional and self._shares(slot) for slot in slots_of(self.scope.frame))
        if self.gathers:
            self.code("g = []")
            self.variables.append("g")

    def _state(self) -> list[str]:
        """Local variables that the second half needs."""
        return ["f", *(["q"] if self.keeps else []), *self.variables]

    def _append(self, number: int, value: str) -> None:
        """Add to a list that is made when there is something in it."""
        with self.code.block(f"if a{number} is None:"):
            self.code(f"a{number} = [{value}]")
        with self.code.block("else:"):
            self.code(f"a{number}.append({value})")

    def _elements(self) -> str:
        return "E" if self.careful else "e"

    def _is_list(self, site: Site) -> bool:
        return site.line.kind == "each" or site.many

    def _raw(self, site: Site) -> str:
        number = self.index[id(site)]
        return f"a{number}" if self._is_list(site) else f"v{number}"

    def _test(self, takers: list[Slot | Nested]) -> None:
        """Variables for what more than one taker looks at."""
        self.tested, self.rows = {}, {}
        self.split_at = takers[0].position
        self._split_tested(takers)
        self._split_rows(takers)
        seen = [test for taker in takers for test in taker.tests]
        places = [(test.element, test.component) for test in seen]
        for test in seen:
            place = (test.element, test.component)
            if places.count(place) > 1 and place not in self.tested:
                name = f"t{place[0]}_{place[1]}"
                self.code(f"{name} = {self._tested(test)}")
                self.tested[place] = name

    def _split_tested(self, takers: list[Slot | Nested]) -> None:
        self.split = set()
        if self.careful:
            return
        for element in dict.fromkeys(test.element for taker in takers for test in taker.tests if not test.alone):
            components = [test.component for taker in takers for test in taker.tests if test.element == element]
            for taker in takers:
                if isinstance(taker, Slot):
                    components += looked_at(taker.frame, element)
            padded = f"(e[{element}] + {':' * (max(components) - 1)!r})" if max(components) > 1 else f"e[{element}]"
            self.code(f"c{element} = {padded}.split(':')")
            self.split.add(element)

    def _split_rows(self, takers: list[Slot | Nested]) -> None:
        choices = [taker.choice for taker in takers if taker.choice is not None]
        if self.careful:
            return
        for elements in dict.fromkeys(choice.elements for choice in choices):
            same = [taker for taker in takers if taker.choice is not None and taker.choice.elements == elements]
            if 1 < len(same) < len(takers):
                depth = max(self._depth_of(taker) for taker in same)
                padded = f"(y + {':' * (depth - 1)!r})" if depth > 1 else "y"
                self.code(f"rows = [{padded}.split(':') for y in {elements_of(elements)} if y.strip(':')]")
                self.rows[elements] = "rows"

    def _depth_of(self, taker: Slot | Nested) -> int:
        """The last component that a taker looks at in the composites of its choice."""
        choice = taker.choice
        assert choice is not None  # only takers with a choice are asked
        tests = [test.component for test in choice.tests]
        if isinstance(taker, Nested):
            return max([1, *tests, depth_of(self.compiler.plan.scopes[taker.scope])])
        return max([1, *tests, *(one for element in choice.elements for one in looked_at(taker.frame, element))])

    def _tested(self, test: Demand) -> str:
        """The component that a test looks at."""
        known = self.tested.get((test.element, test.component))
        if known:
            return known
        text = f"e[{test.element}]"
        if test.element in self.split and not test.alone:
            return f"c{test.element}[{test.component - 1}]"
        if not test.alone:
            padding = f"({text} + {':' * (test.component - 1)!r})" if test.component > 1 else text
            text = f"{padding}.split(':')[{test.component - 1}]"
        return f"T({text})" if self.careful else text

    def _matches(self, taker: Slot | Nested) -> list[str]:
        return [condition(self._tested(test), test) for test in taker.tests]

    def _shares(self, slot: Slot) -> bool:
        """True if records may be made of composites of the same segment."""
        return any(
            isinstance(taker, Nested) and taker.choice is not None and taker.position == slot.position
            for taker in takers_of(self.scope.frame)
        )
