"""Source of the quick reader's functions: one for each scope."""

from __future__ import annotations

from edi_server.translation.compiler.questions import condition, is_field, is_late, slots_of
from edi_server.translation.compiler.quick_finish import QuickFinish
from edi_server.translation.compiler.reading_walk import ScopeSource
from edi_server.translation.plan import Choice, Nested, Site, Slot, disjoint


class QuickScope(QuickFinish, ScopeSource):
    """Source of the function (or two, for nested groups) of one scope."""

    def write(self) -> None:
        """Write the function."""
        code, frame = self.code, self.scope.frame
        walks = f"R{self._trace()}"
        arguments = f"S, P, {walks}" if self.is_root else f"S, P, i, e, {walks}" if self.is_group else "x, e"
        with code.block(f"def {self.function_name}({arguments}):"):
            self._locals()
            if self.is_root:
                with code.block("try:"):
                    self._root()
                # A segment without any element (see `_split`).
                with code.block("except IndexError:"):
                    code("raise Unsmooth from None")
            else:
                self._own(frame, in_composite=bool(self.scope.key[2]))
            if self.is_group:
                code("f = i")
                code("i += 1")
                code("p = P[i]")
                self._children(frame, "")
            if self.nested:
                code(f"return i, ({''.join(f'{name}, ' for name in self._state())})")
            else:
                self._finish()
        if self.nested:
            self._write_make()

    def _write_make(self) -> None:
        """The second half for nested groups: when what is inside is known."""
        code = self.code
        with code.block(f"def {self.function_name}_make(parts, inside, inner, S, R{self._trace()}):"):
            code(f"{''.join(f'{name}, ' for name in self._state())} = parts")
            for taker in self.scope.frame.at(self.scope.frame.position):
                if isinstance(taker, Nested):
                    with code.block("if inside:"):
                        code(f"A[{taker.site.line.field!r}] = inside")
            if self.keeps:
                code("q += inner")
            self._finish()

    def _locals(self) -> None:
        """One variable for each line, and what slots must remember."""
        code = self.code
        nones = [name for number, site in enumerate(self.scope.sites) for name in self._names(number, site)]
        numbers: list[str] = []
        for slot in slots_of(self.scope.frame):
            name = self.slots[id(slot)] = f"s{len(self.slots)}"
            if not slot.many:
                numbers += [name, f"{name}_"] if slot.conditional and slot.is_group else [name]
        if nones:
            code(f"{' = '.join(nones)} = None")
        if numbers:
            code(f"{' = '.join(numbers)} = -1")
        self.gathers = any(slot.conditional and self._shares(slot) for slot in slots_of(self.scope.frame))
        more = [*(["A"] if self._has_lists() else []), *(["g"] if self.gathers else [])]
        self.variables = [*nones, *numbers, *more]
        for name in more:
            code(f"{name} = {'{}' if name == 'A' else '()'}")
        for site in self._lists() if self.is_root else ():
            code(f"a{self.index[id(site)]} = []")
        if self.keeps:
            code("q = []")

    def _names(self, number: int, site: Site) -> list[str]:
        """The variables of a line: `v` its value, `x` a value that must wait, `m` that a record was met."""
        if site.line.kind == "within":
            return [f"v{number}", f"m{number}"]
        if self._is_list(site):
            return []
        waiting = [f"x{number}_{binding.rank}" for binding in site.bindings] if is_late(site) else []
        return [*waiting, f"v{number}"] if is_field(site) else waiting

    def _state(self) -> list[str]:
        return [*super()._state(), "i"]

    # -- records

    def _item(self, taker: Nested, call: str) -> None:
        if not self.traces:
            super()._item(taker, call)
            return
        in_group, code = call == "o", self.code
        if not in_group:
            code(f"o = {call}")
        with code.block("if o is not None:"):
            self._used("b" if in_group else "i", taker)
        if in_group:
            with code.block("else:"):
                code("U[b:i] = [0] * (i - b)")
        super()._item(taker, "o")

    def _append(self, number: int, value: str) -> None:
        """Most groups have no lists, so one dictionary holds them; a message has some of them always."""
        lists = f"a{number}" if self.is_root else f"A.setdefault({self.scope.sites[number].line.field!r}, [])"
        self.code(f"{lists}.append({value})")

    def _made(self, taker: Nested, composite: str, elements: str) -> str:
        return f"{self.compiler.scope(taker.scope)}({composite}, {elements})"

    def _made_group(self, taker: Nested) -> str:
        return f"{self.compiler.scope(taker.scope)}(S, P, i, e, R{self._trace()})"

    def _noted(self) -> str:
        return "g += (i,)"

    def _refuse(self, taker: Nested) -> None:  # noqa: ARG002 — for the finding, which quick readers do not write
        self.code("raise Unsmooth")

    def _nest(self, taker: Slot | Nested, prefix: str) -> None:
        assert isinstance(taker, Nested)  # the static checks let nothing but `each` take a nested group
        self.code(f"o = {self._nested(taker, prefix, f'S, R{self._trace()}')}")
        with self.code.block("if o:"):
            number = self.index[id(taker.site)]
            self.code(f"a{number} = o" if self.is_root else f"A[{taker.site.line.field!r}] = o")

    # -- segments

    def _claim(self, slot: Slot) -> None:
        if not slot.many:
            self.code(f"{self.slots[id(slot)]} = i")
        if slot.many or not slot.conditional:
            self._used("i", slot)
        if self.counts:
            self.code("u = 1")

    # -- composites

    def _offer_all(self, takers: list[Slot | Nested], elements: tuple[int, ...], depth: int) -> None:
        """Offer the composites of some elements to all takers, those that want different ones as alternatives."""
        groups: list[list[Slot | Nested]] = []
        for taker in takers:
            if groups and _choice(groups[-1][0]).tests == _choice(taker).tests:
                groups[-1].append(taker)
            else:
                groups.append([taker])
        wanted = [_choice(group[0]).tests for group in groups]
        apart = all(disjoint(one, other) for number, one in enumerate(wanted) for other in wanted[number + 1 :])
        with self._composites(Choice(elements, ()), depth, sure=True):
            for number, (tests, group) in enumerate(zip(wanted, groups, strict=True)):
                conditions = [condition(f"c[{test.component - 1}]", test) for test in tests]
                if not any(test.values and not test.negated for test in tests):
                    conditions.append("any(c)")
                head = "elif" if number and apart else "if"
                with self.code.block(f"{head} {' and '.join(conditions)}:"):
                    for taker in group:
                        self._offer(taker, [])


def _choice(taker: Slot | Nested) -> Choice:
    assert taker.choice is not None  # only takers with a choice are offered composites
    return taker.choice
