"""Source of the end of a quick function: the record is made of what was found."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec.structs import fields

from edi_server.translation.compiler.questions import is_field, is_late, slots_of, takers_of
from edi_server.translation.compiler.quick_texts import QuickTexts
from edi_server.translation.compiler.reading_finish import Finish
from edi_server.translation.plan import Binding, Frame, Nested, Site, Slot
from edi_server.translation.records import fields_of, takes_positions

if TYPE_CHECKING:
    from edi_server.translation.compiler.quick import QuickCompiler


class QuickFinish(QuickTexts, Finish):
    """Lines that had to wait, absence, what is given back; then the record, its stand-ins turned back."""

    compiler: QuickCompiler

    @property
    def traces(self) -> bool:
        """True where the function says what it used each segment for, in `U`."""
        return self.compiler.traces and (self.is_root or self.is_group)

    def _trace(self) -> str:
        """The further argument of functions that trace."""
        return ", U" if self.compiler.traces else ""

    def _used(self, index: str, *uses: Slot | Nested | Binding) -> None:
        """Note that a segment was used."""
        if self.traces:
            self.code(f"U[{index}] |= {sum({self.compiler.use(use) for use in uses})}")

    def _finish(self) -> None:
        """Make the record of what was found."""
        code, scope = self.code, self.scope
        for number, site in enumerate(scope.sites):
            self._settle(number, site)
        for slot in slots_of(scope.frame):
            self._give_back(slot)
        leave = "return i, " if self.is_group and not self.nested else "return "
        if not self.is_root:
            with code.block(f"if {self._is_absent()}:"):
                if self.traces and self.nested:
                    code("U[f:i] = [0] * (i - f)")
                code(f"{leave}None")
        if self.traces:
            self._trace_end()
        self._make()
        for site in scope.sites:
            if site.formula and site.bindings:
                self._compare(site)
        self._mend()
        code(f"{leave}o")

    def _trace_end(self) -> None:
        if self.nested:
            scopes = self.compiler.plan.scopes.values()
            self._used("f", next(one for scope in scopes for one in takers_of(scope.frame) if self._makes_me(one)))
        if self.keeps:
            with self.code.block("if q:"):
                self.code("kept(U, q)")

    def _makes_me(self, taker: Slot | Nested) -> bool:
        return isinstance(taker, Nested) and taker.scope == self.scope.key

    def _settle(self, number: int, site: Site) -> None:
        """What is known only now that all segments have been seen."""
        code = self.code
        if site.line.kind == "constant":
            if site.bindings and site.line.at[0].always:
                with code.block(f"if x{number}_0 is None:"):
                    code("raise Unsmooth")
        elif site.line.kind == "value" and is_late(site):
            self._choose(number, site)
        elif site.line.when:
            with code.block(f"if not ({self._when(site)}):"):
                code(self._drop(number, site))

    def _drop(self, number: int, site: Site) -> str:
        """The statement that a line found nothing."""
        if not self._is_list(site):
            return f"v{number} = None"
        return f"a{number} = None" if self.is_root else f"A.pop({site.line.field!r}, None)"

    def _choose(self, number: int, site: Site) -> None:
        """The first place that has a value, if `when` holds."""
        code, claims = self.code, self._is_asked(site)
        if claims:
            code(f"y{number} = -1")
        with ExitStack() as stack:
            if site.line.when:
                stack.enter_context(code.block(f"if {self._when(site)}:"))
            for place, binding in enumerate(site.bindings):
                name = f"x{number}_{binding.rank}"
                with code.block(f"{'elif' if place else 'if'} {name} is not None:"):
                    code(f"v{number} = {name}")
                    if claims:
                        code(f"y{number} = {binding.rank}")
                    self._trace_claim(binding)

    def _trace_claim(self, binding: Binding) -> None:
        """The text was taken after all, and so were the slots that it was in."""
        above = _slots_above(self.scope.frame, binding)
        self._used(self.slots[id(above[-1])] if above else "f", binding)
        for slot in above:
            if slot.conditional and not slot.many:
                self._used(self.slots[id(slot)], slot)

    def _is_asked(self, site: Site) -> bool:
        """True if a slot asks whether the line took its text there."""
        return any(
            one.site is site
            for slot in slots_of(self.scope.frame)
            if slot.conditional and not slot.many
            for one in slot.bindings()
        )

    def _behind(self, slot: Slot) -> str:
        name = self.slots[id(slot)]
        return f"{name}_" if slot.is_group else f"{name} + 1"

    def _has_lists(self) -> bool:
        return bool(self._lists())

    def _lists(self) -> list[Site]:
        return [site for site in self.scope.sites if self._is_list(site)]

    def _is_absent(self) -> str:
        """The expression that the record has no value, or lacks one that it must have."""
        fields = [site for site in self.scope.sites if is_field(site)]
        missing = [
            f"{site.line.field!r} not in A" if self._is_list(site) else f"{self._raw(site)} is None"
            for site in fields
            if site.required
        ]
        if missing:
            return " or ".join(missing)
        values = [f"{self._raw(site)} is None" for site in fields if not self._is_list(site)]
        return " and ".join([*values, *(["not A"] if self._has_lists() else [])]) or "True"

    def _make(self) -> None:
        """The record in `o`: lists and kept segments, which most records lack, come in a dictionary."""
        if takes_positions(self.scope.record):
            self._make_by_position()
            return
        code = self.code
        fields = [site for site in self.scope.sites if is_field(site) and not self._is_list(site)]
        values = "".join(f"{site.line.field}={self._value(site)}, " for site in fields)
        record = code.name(self.scope.record)
        more = [*(["A"] if self._has_lists() else []), *(["q"] if self.keeps else [])]
        if self.is_root:
            for site in self._lists():
                with code.block(f"if a{self.index[id(site)]}:"):
                    code(f"A[{site.line.field!r}] = a{self.index[id(site)]}")
        if more:
            with code.block(f"if {' or '.join(more)}:"):
                lists = "A" if self._has_lists() else "{}"
                code(f"o = {record}({values}**gather({lists}, S, {'q' if self.keeps else '()'}))")
            with code.block("else:"):
                code(f"o = {record}({values})")
        else:
            code(f"o = {record}({values})")

    def _make_by_position(self) -> None:
        """The same where the class of the record allows it, in a third of the time or less."""
        code = self.code
        values = {site.line.field: self._value(site) for site in self.scope.sites if not self._is_list(site)}
        if self.keeps:
            values["kept"] = "(keep(S, q) if q else ())"
        if self.is_root:
            self._call(values | {site.line.field: f"tuple(a{self.index[id(site)]})" for site in self._lists()})
        elif self._has_lists():
            names = [site.line.field for site in self._lists()]
            with code.block("if A:"):
                self._call(values | {name: f"(tuple(A[{name!r}]) if {name!r} in A else ())" for name in names})
            with code.block("else:"):
                self._call(values)
        else:
            self._call(values)

    def _call(self, values: dict[str, str]) -> None:
        """Make the record of values by field; what has none is absent."""
        record = self.scope.record
        absent = {
            one.name: repr(one.default) if one.default in (None, ()) else self.code.name(one.default)
            for one in fields(record)
            if one.name not in values
        }
        arguments = ", ".join((values | absent)[name] for name in record.__struct_fields__)
        self.code(f"o = {self.code.name(record)}({arguments})")

    def _value(self, site: Site) -> str:
        raw = self._raw(site)
        absent = site.line.default if site.line.default is not None else site.absent
        return raw if absent is None else f"({absent!r} if {raw} is None else {raw})"

    def _compare(self, site: Site) -> None:
        code, formula, stated = self.code, site.formula, f"x{self.index[id(site)]}_0"
        assert formula is not None  # only computed places come here
        (field, deep), *rest = formula.walk
        if formula.function == "count" and not deep and not rest and fields_of(self.scope.record)[field].many:
            differs = f"{stated} != len(o.{field})"
        else:
            differs = f"{code.name(formula)}.of(o) not in (None, {stated})"
        with code.block(f"if {stated} is not None and {differs}:"):
            code("raise Unsmooth")

    def _mend(self) -> None:
        """Records of groups inside have been mended when they were made."""
        code = self.code
        but = tuple(dict.fromkeys(_group_fields(self.scope.frame)))
        if self.is_root or self.nested:
            with code.block("if R:"):
                code(f"o = restore(o, {but!r})")
        elif self.is_group:
            with code.block("if R and R[0] < i:"):
                code(f"o = mend(o, f, i, R, {but!r})")


def _slots_above(frame: Frame, binding: Binding) -> list[Slot]:
    """The slots that a binding is in, the outermost first."""
    for taker in frame.takers:
        if isinstance(taker, Slot) and any(one is binding for one in taker.bindings()):
            return [taker, *_slots_above(taker.frame, binding)]
    return []


def _group_fields(frame: Frame) -> list[str]:
    """The fields of records that are made of groups."""
    names = []
    for taker in frame.takers:
        if isinstance(taker, Nested):
            names += [taker.site.line.field] if taker.is_group and taker.choice is None else []
        else:
            names += _group_fields(taker.frame)
    return names
