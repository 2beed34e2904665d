"""Source of the end of a scope's function: the record is made of what was found."""

from __future__ import annotations

from edi_server.translation.compiler.questions import (
    frame_of,
    is_field,
    is_late,
    slots_of,
)
from edi_server.translation.compiler.reading_texts import Texts
from edi_server.translation.keeping import SUMMARY
from edi_server.translation.plan import Frame, Site, Slot

#: Records with more fields than this are made from a dictionary.
_WIDE = 10


class Finish(Texts):
    """Lines that had to wait, defaults, absence, and what is given back."""

    def _finish(self) -> None:
        """Make the record of what was found."""
        code, scope = self.code, self.scope
        for number, site in enumerate(scope.sites):
            if site.line.kind == "constant":
                self._constant(number, site)
            elif site.line.kind == "value" and is_late(site):
                self._late(number, site)
            elif site.spread:
                code(f"v{number} = None if a{number} is None else {site.line.join!r}.join(a{number}) or None")
        for slot in slots_of(scope.frame):
            self._give_back(slot)
        if len([site for site in scope.sites if is_field(site)]) > _WIDE:
            made = self._make_wide()
        else:
            if not self.is_root:
                self._absence()
            values = "".join(f"{site.line.field}={self._value(site)}, " for site in scope.sites if is_field(site))
            kept = "kept=keep(S, q) if q else ()" if self.keeps else ""
            made = f"{code.name(scope.record)}({values}{kept})"
        computed = [site for site in scope.sites if site.formula]
        if computed:
            code(f"d = {made}")
            for site in computed:
                self._compare(site)
            made = "d"
        code(f"return i, {made}" if self.is_group and not self.nested else f"return {made}")

    def _make_wide(self) -> str:
        """The record by a dictionary of what there is: naming every field costs as many looks squared."""
        code = self.code
        fields = [site for site in self.scope.sites if is_field(site)]
        code("d = {}")
        for site in fields:
            condition = f"{self._raw(site)} is not None"
            if site.line.when and not is_late(site):
                condition += f" and {self._when(site)}"
            with code.block(f"if {condition}:"):
                value = f"tuple({self._raw(site)})" if self._is_list(site) else self._raw(site)
                code(f"d[{site.line.field!r}] = {value}")
        if not self.is_root:
            required = [f"{site.line.field!r} not in d" for site in fields if site.required]
            with code.block(f"if {' or '.join(['not d', *required])}:"):
                code(self._absent_return())
        for site in fields:
            if site.line.default is not None:
                with code.block(f"if {self._raw(site)} is None:"):
                    code(f"d[{site.line.field!r}] = {site.line.default!r}")
        if self.keeps:
            with code.block("if q:"):
                code("d['kept'] = keep(S, q)")
        return f"{code.name(self.scope.record)}(**d)"

    def _absent_return(self) -> str:
        return "return i, None" if self.is_group and not self.nested else "return None"

    def _constant(self, number: int, site: Site) -> None:
        code = self.code
        if not site.bindings:
            return
        binding = site.bindings[0]
        frame = frame_of(self.scope.frame, binding)
        spotted = code.name((frame, binding))
        with code.block(f"if x{number}_0 is None:"):
            if site.line.at[0].always:
                code(f"differs('', F, None, {spotted})")
        with code.block(f"elif x{number}_0[0] != {site.line.value!r}:"):
            code(f"differs(x{number}_0[0], F, N[x{number}_0[-1]], {spotted})")

    def _late(self, number: int, site: Site) -> None:
        """A line whose place is decided now that all places and the fields before it are known."""
        code = self.code
        code(f"v{number} = None")
        code(f"y{number} = -1")
        condition = self._when(site)
        with code.block(f"if {condition}:"):
            for place, binding in enumerate(site.bindings):
                with code.block(f"{'if' if place == 0 else 'elif'} x{number}_{binding.rank} is not None:"):
                    names = [f"w{part}" for part in range(len(binding.spots))]
                    code(f"{', '.join(names)}, j = x{number}_{binding.rank}")
                    code(f"y{number} = {binding.rank}")
                    self._convert(frame_of(self.scope.frame, binding), binding, names, "j", f"v{number}")

    def _when(self, site: Site) -> str:
        conditions = []
        for name, value in site.line.when:
            tested = next((one for one in self.scope.sites if is_field(one) and one.line.field == name), None)
            conditions.append(f"{self._value(tested) if tested else 'None'} == {value!r}")
        return " and ".join(conditions) or "True"

    def _give_back(self, slot: Slot) -> None:
        if slot.many or not slot.conditional or not self.keeps:
            return
        name = self.slots[id(slot)]
        firm = [
            f"not ({self._is_claimed(other)} and {self.slots[id(other)]} == {name})" for other in self._beside(slot)
        ]
        if self._shares(slot):
            firm.append(f"{name} not in g")
        with self.code.block(f"if {' and '.join([f'{name} >= 0', f'not ({self._is_claimed(slot)})', *firm])}:"):
            prefix = SUMMARY if slot.position in self.compiler.summary else self._prefix(slot)
            self.code(f"give_back(q, {name}, {self._behind(slot)}, {prefix!r})")

    def _behind(self, slot: Slot) -> str:
        """The expression of the index behind a slot."""
        return f"{self.slots[id(slot)]}_"

    def _beside(self, slot: Slot) -> list[Slot]:
        """Other slots that may have taken the same segment."""
        return [
            other
            for other in slots_of(self.scope.frame)
            if other.position == slot.position and other is not slot and not other.many
        ]

    def _is_claimed(self, slot: Slot) -> str:
        if not slot.conditional:
            return "True"
        claims = [
            f"y{self.index[id(binding.site)]} == {binding.rank}"
            for binding in slot.bindings()
            if binding.site.line.kind == "value"
        ]
        return f"({' or '.join(claims) or 'False'})"

    def _prefix(self, slot: Slot) -> str:
        """The steps above a slot, as they stand before texts kept there."""

        def above(frame: Frame, prefix: str) -> str | None:
            for taker in frame.takers:
                if taker is slot:
                    return prefix
                if isinstance(taker, Slot):
                    found = above(taker.frame, f"{prefix}@{taker.key} ")
                    if found is not None:
                        return found
            return None

        return above(self.scope.frame, "") or ""

    def _absence(self) -> None:
        """A record without any value, or without one that it must have, is absent."""
        code = self.code
        fields = [site for site in self.scope.sites if is_field(site)]
        required = [f"{self._raw(site)} is None" for site in fields if site.required]
        conditions = " or ".join(required) or " and ".join(f"not {self._there(site)}" for site in fields)
        with code.block(f"if {conditions or 'True'}:"):
            code(self._absent_return())

    def _there(self, site: Site) -> str:
        if site.line.when and not is_late(site):
            return f"({self._raw(site)} and {self._when(site)})"
        return f"({self._raw(site)} is not None)" if not self._is_list(site) else self._raw(site)

    def _value(self, site: Site) -> str:
        """The value of a field in the record, with its default."""
        raw = self._raw(site)
        if self._is_list(site):
            raw = f"(() if {raw} is None else tuple({raw}))"
        absent = site.line.default if site.line.default is not None else site.absent
        if site.line.when and not is_late(site):
            return f"({raw} if {self._when(site)} else {() if self._is_list(site) else None})"
        if absent is None or self._is_list(site):
            return raw
        return f"({absent!r} if {raw} is None else {raw})"

    def _compare(self, site: Site) -> None:
        code, number = self.code, self.index[id(site)]
        for binding in site.bindings[:1]:
            frame = frame_of(self.scope.frame, binding)
            with code.block(f"if x{number}_0 is not None:"):
                code(
                    f"o = compare({code.name(site)}, {code.name(frame)}, {code.name(binding.spots[0])}, "
                    f"N[x{number}_0[-1]], x{number}_0[0], d)"
                )
                with code.block("if o is not None:"):
                    code("F.append(o)")
