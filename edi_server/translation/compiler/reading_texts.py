"""Source that takes texts from a segment and turns them into values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from edi_server.translation.compiler.questions import (
    condition,
    elements_of,
    is_late,
    starts_whole,
)
from edi_server.translation.compiler.reading_scope import ScopeState
from edi_server.translation.plan import Binding, Choice, Frame, Spot


class Texts(ScopeState):
    """What lines take from a segment in `e` (and `E`, with repetitions)."""

    @contextmanager
    def _composites(self, choice: Choice, depth: int = 0, *, sure: bool = False) -> Iterator[None]:
        """A loop over the composites that fulfil a choice; `c` is the list of components, padded.

        Empty ones are left out, unless it is `sure` that what comes next does so.
        """
        code = self.code
        with ExitStack() as stack:
            if self.careful:
                stack.enter_context(code.block(f"for c in flat(E, {choice.elements!r}, alone={choice.alone}):"))
            elif choice.elements in self.rows:
                stack.enter_context(code.block(f"for c in {self.rows[choice.elements]}:"))
            else:
                stack.enter_context(code.block(f"for y in {elements_of(choice.elements)}:"))
                sure = sure or any(test.values and not test.negated for test in choice.tests) or choice.alone
                stack.enter_context(code.block("if y:" if sure else "if y.strip(':'):"))
                deepest = max([depth, 1, *(test.component for test in choice.tests)])
                padded = f"(y + {':' * (deepest - 1)!r})" if deepest > 1 else "y"
                code("c = [y]" if choice.alone else f"c = {padded}.split(':')")
            if choice.tests:
                conditions = [condition(f"c[{test.component - 1}]", test) for test in choice.tests]
                stack.enter_context(code.block(f"if {' and '.join(conditions)}:"))
            yield

    def _own(self, frame: Frame, *, in_composite: bool = False) -> None:
        """What lines take from a frame's own segment."""
        direct = [one for one in frame.own if self._is_direct(one)]
        shared = self._share(frame, direct)
        for binding in frame.own:
            first = binding.spots[0]
            if in_composite and not first.choice.elements:
                conditions = [condition(f"x[{test.component - 1}]", test) for test in first.choice.tests]
                self._found(frame, binding, [self._among("x", spot) for spot in binding.spots], conditions)
            elif self._is_direct(binding):
                conditions = [
                    condition(f"{shared[first.choice.elements[0]]}[{test.component - 1}]", test)
                    for test in first.choice.tests
                ]
                self._found(frame, binding, [self._direct(spot, shared) for spot in binding.spots], conditions)
            else:
                self._search(frame, binding)

    def _is_direct(self, binding: Binding) -> bool:
        """True if the texts of a binding stand at one place each and nothing is repeated."""
        if self.careful or binding.site.many:
            return False
        return all(len(spot.choice.elements) == 1 for spot in binding.spots)

    def _search(self, frame: Frame, binding: Binding, seen: str = "") -> None:
        first = binding.spots[0]
        depth = max(component for spot in binding.spots for component in spot.components)
        with self._composites(first.choice, depth):
            if seen:
                self.code(seen)
            texts = [
                self._among("c", spot) if spot.choice == first.choice else self._elsewhere(spot)
                for spot in binding.spots
            ]
            self._found(frame, binding, texts, [], leave=not binding.site.many)

    def _share(self, frame: Frame, bindings: list[Binding]) -> dict[int, str]:
        """Composites that are split, once for all lines that look into them."""
        depth: dict[int, int] = {}
        for binding in bindings:
            for spot in binding.spots:
                element = spot.choice.elements[0]
                if spot.choice.tests or not (spot.choice.alone or starts_whole(spot)):
                    components = (*spot.components, *(test.component for test in spot.choice.tests))
                    depth[element] = max([depth.get(element, 0), *components])
        for element, deepest in depth.items():
            if element in self.split and frame.position == self.split_at:
                continue
            padded = f"(e[{element}] + {':' * (deepest - 1)!r})" if deepest > 1 else f"e[{element}]"
            self.code(f"c{element} = {padded}.split(':')")
        return {element: f"c{element}" for element in depth}

    def _direct(self, spot: Spot, shared: dict[int, str]) -> str:
        element = spot.choice.elements[0]
        if spot.choice.alone:
            return f"e[{element}]"
        if element in shared and (len(spot.components) == 1 or not starts_whole(spot)):
            return self._among(shared[element], spot)
        components = tuple(component - 1 for component in spot.components)
        if id(spot) in self.spread:
            everything = f"filter(None, e[{element}].split(':')[:{len(components)}])"
            return f"{self._joint(spot)!r}.join({everything})"
        return f"(joined(e[{element}], {components!r}, {self._joint(spot)!r}) if ':' in e[{element}] else e[{element}])"

    def _among(self, parts: str, spot: Spot) -> str:
        """The text of a spot in a list of components."""
        first, *rest = (component - 1 for component in spot.components)
        if not rest:
            return f"{parts}[{first}]"
        if id(spot) in self.spread:
            pieces = ", ".join(f"{parts}[{component}]" for component in (first, *rest))
            return f"{self._joint(spot)!r}.join(filter(None, ({pieces})))"
        if len(rest) == 1:
            both = f"{parts}[{first}] + {self._joint(spot)!r} + {parts}[{rest[0]}]"
            return f"({both} if {parts}[{rest[0]}] else {parts}[{first}])"
        return f"join({parts}, {(first, *rest)!r}, {self._joint(spot)!r})"

    def _elsewhere(self, spot: Spot) -> str:
        components = tuple(component - 1 for component in spot.components)
        return f"elsewhere({self._elements()}, {self.code.name(spot.choice)}, {components!r})"

    def _joint(self, spot: Spot) -> str:
        return self.joints.get(id(spot), "\n")

    @property
    def spread(self) -> set[int]:
        """The spots of texts that go through several segments: their empty lines are left out."""
        sites = [site for site in self.scope.sites if site.spread]
        return {id(spot) for site in sites for binding in site.bindings for spot in binding.spots}

    @property
    def joints(self) -> dict[int, str]:
        """What joins the components of spots, by line."""
        return {
            id(spot): "\n" if site.line.join is None else site.line.join
            for site in self.scope.sites
            for binding in site.bindings
            for spot in binding.spots
        }

    def _found(
        self, frame: Frame, binding: Binding, texts: list[str], conditions: list[str], *, leave: bool = False
    ) -> None:
        """Take the texts of a binding, if the first of them is there."""
        code, site = self.code, binding.site
        number = self.index[id(site)]
        simple = site.line.kind == "value" and not is_late(site) and not (site.many or site.spread)
        if simple and not conditions and not leave and site.codec.name == "text" and site.codes is None:
            code(f"v{number} = {texts[0]} or None")
            return
        with ExitStack() as stack:
            if conditions:
                stack.enter_context(code.block(f"if {' and '.join(conditions)}:"))
            code(f"w = {texts[0]}")
            stack.enter_context(code.block("if w:"))
            rest = "".join(f", {text}" for text in texts[1:])
            if is_late(site):
                code(f"x{number}_{binding.rank} = (w{rest}, i)")
            elif site.spread:
                self._append(number, "w")
            else:
                self._convert(frame, binding, ["w", *texts[1:]], "i", "v" if site.many else f"v{number}")
                if site.many:
                    with code.block("if v is not None:"):
                        self._append(number, "v")
            if leave:
                code("break")

    def _convert(self, frame: Frame, binding: Binding, texts: list[str], index: str, into: str) -> None:
        """Turn texts into a value."""
        code, site = self.code, binding.site
        spotted = code.name((frame, binding))
        if site.codes is not None:
            code(f"{into} = {code.name(site.codes.reading)}.get({texts[0]})")
            with code.block(f"if {into} is None:"):
                code(f"{into} = uncoded({texts[0]}, F, N[{index}], {spotted})")
        elif site.codec.name == "text":
            code(f"{into} = {texts[0]}")
        elif site.codec.name == "decimal":
            code(f"{into} = NUM.get({texts[0]})")
            with code.block(f"if {into} is None:"):
                code(f"{into} = number({texts[0]}, F, N[{index}], {spotted})")
        elif site.codec.name == "dtm":
            code(f"z = {texts[1]}")
            code(f"{into} = WHEN.get(({texts[0]}, z))")
            with code.block(f"if {into} is None or {into}.format is not None:"):
                code(f"{into} = moment({texts[0]}, z, F, N[{index}], {spotted})")
        else:
            code(f"{into} = convert(({', '.join(texts)},), F, N[{index}], {spotted})")
