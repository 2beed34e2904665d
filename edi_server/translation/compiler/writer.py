"""The writing half of the compiler: a plan becomes a function from a document to its segments.

Each record that a line makes becomes a function, its segments an expression of constants and values in the order of
the guide. What is out of the ordinary (two values for one place, a text that must be wrapped, a condition that a value
breaks) takes the interpreter's way for that segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edi_server.canonical import Record
from edi_server.findings import Finding
from edi_server.translation.compiler import writing_runtime as runtime
from edi_server.translation.compiler.python import Code
from edi_server.translation.compiler.writing_expression import Expression
from edi_server.translation.interpreter_writing import Interpreting, by_field
from edi_server.translation.normal import normal_record
from edi_server.translation.plan import Binding, Demand, Frame, Nested, Plan, Scope, ScopeKey, Site, Slot
from edi_server.translation.saying import Sayer, room_of

Writer = Callable[[Record], tuple[list[str], list[Finding]]]
_Function = Callable[[Any, list[str], list[Finding], Any], None]

#: A record's function: its scope and what the path to it says about its segment.
_Key = tuple[ScopeKey, tuple[Demand, ...]]


def compile_writer(plan: Plan) -> Writer:
    """A function from a document to its segments and findings, the same as the interpreter's, but fast."""
    function = Compiler(plan).function()

    def write(document: Record) -> tuple[list[str], list[Finding]]:
        segments: list[str] = []
        findings: list[Finding] = []
        writing = Interpreting(plan, findings)
        function(document, segments, findings, writing)
        if writing.dropped:
            segments = []
            function(normal_record(plan, document), segments, [], Interpreting(plan, []))
        if len(findings) > 1:
            findings.sort(key=by_field)
        return segments, findings

    return write


class Compiler:
    """Source of all functions that a document needs."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.guide = plan, plan.guide
        self.code = Code()
        self.code.names |= {name: getattr(runtime, name) for name in runtime.__all__} | {"guide": plan.guide}
        self.functions: dict[_Key, str] = {}
        self.waiting: list[tuple[_Key, Nested]] = []

    def function(self) -> _Function:
        """Compile everything that the root needs."""
        RecordSource(self, self.plan.root, None, "write_document").write()
        done: set[_Key] = set()
        while self.waiting:
            key, nested = self.waiting.pop()
            if key not in done:
                done.add(key)
                RecordSource(self, self.plan.scopes[key[0]], nested, self.functions[key]).write()
        function: _Function = self.code.run(f"<{self.plan.profile.name} write {self.guide.version}>")["write_document"]
        return function

    def record(self, nested: Nested) -> str:
        """Name of the function that writes a record; it is written later."""
        key = (nested.scope, nested.tests)
        if key not in self.functions:
            self.functions[key] = f"write_{len(self.functions)}"
            self.waiting.append((key, nested))
        return self.functions[key]


class RecordSource:
    """Source of the function for one kind of record.

    In it: `r` the record, `w` where it stands in the document, `X` the segments so far, `F` the findings, `W` the
    interpreter, `a` the number of the packing level around it.
    """

    def __init__(self, compiler: Compiler, scope: Scope, nested: Nested | None, name: str) -> None:
        self.compiler, self.scope, self.nested, self.function_name = compiler, scope, nested, name
        self.code, self.guide = compiler.code, compiler.guide
        self.index = {id(site): number for number, site in enumerate(scope.sites)}
        self.frames: dict[int, Frame] = {}
        self.depth = 0
        self.keeps = compiler.plan.profile.keep
        #: Bindings that are said as pieces in variables; the others as lists for a composer.
        self.quick: set[int] = set()

    # -- the function

    def write(self) -> None:
        """Write the function."""
        code, nested = self.code, self.nested
        self._sort_frames(self.scope.frame)
        with code.block(f"def {self.function_name}(r, {'' if nested is None else 'w, a, '}X, F, W):"):
            if nested is None:
                code("w = None")
            for site in self.scope.sites:
                self._say(site)
            if nested is not None:
                self._require()
            if nested is not None and nested.nesting is not None:
                code("before = dict(W.numbers)")
                code(f"W.numbers[{nested.nesting.trigger}] += 1")
                code(f"n = W.numbers[{nested.nesting.trigger}]")
            else:
                code("n = 0")
            code("kept = getattr(r, 'kept', ())")
            if nested is None:
                self._children(self.scope.frame, "kept")
            elif self._has_children(self.scope.frame):
                self._with_children(nested)
            else:
                self._alone(nested)

    def _has_children(self, frame: Frame) -> bool:
        return frame.position in self.guide.groups

    def _alone(self, nested: Nested) -> None:
        """A plain segment."""
        code = self.code
        with code.block("if kept:"):
            code(f"place(guide, {self.scope.frame.position}, kept, w, F, keeps={self.keeps})")
            code("homeless([one for one in kept if is_below(one)], w, F)")
        with code.block(f"if {self._present(self.scope.frame)}:"):
            self._segment(self.scope.frame, nested.tests, "X.append({0})", "X += {0}", nested.site)
        with code.block("else:"):
            code("W.dropped = True")
            with code.block("if kept:"):
                code("homeless(kept, w, F)")

    def _with_children(self, nested: Nested) -> None:
        code, frame = self.code, self.scope.frame
        code("m = len(X)")
        code("X.append('')")
        self._children(frame, "kept")
        with code.block(f"if {self._present(frame)} or len(X) - m - 1 - c0 > 0:"):
            self._segment(frame, nested.tests, "X[m] = {0}", "X[m:m + 1] = {0}", nested.site, refused="del X[m:]")
            if nested.nesting is not None:
                with code.block("if len(X) == m:"):
                    code("W.numbers.update(before)")
        with code.block("else:"):
            code("del X[m:]")
            code("W.dropped = True")
            code("homeless(kept, w, F)")
            if nested.nesting is not None:
                code("W.numbers.update(before)")

    # -- saying

    def _sort_frames(self, frame: Frame) -> None:
        """Decide for each frame whether its segment is simple."""
        simple = not self.scope.key[2] and all(_is_simple(binding) for binding in frame.own)
        for binding in frame.own:
            self.frames[id(binding)] = frame
            if simple:
                self.quick.add(id(binding))
        for taker in frame.takers:
            if isinstance(taker, Slot):
                if taker.many:
                    self.frames |= {id(binding): taker.frame for binding in taker.frame.own}
                else:
                    self._sort_frames(taker.frame)

    def _say(self, site: Site) -> None:
        if not site.bindings:
            return
        binding = site.bindings[0]
        number, code = self.index[id(site)], self.code
        sayer = Sayer(self.guide, self.frames[id(binding)], binding)
        if id(binding) not in self.quick:
            code(f"u{number} = {code.name(sayer)}.say(r, w, F)")
        elif site.line.kind == "constant":
            pass
        elif site.formula is not None:
            code(f"t{number} = say_piece({code.name(sayer)}, r, w, F)")
        else:
            self._say_value(site, binding, number, code.name(sayer))

    def _say_value(self, site: Site, binding: Binding, number: int, sayer: str) -> None:
        code, spot = self.code, binding.spots[0]
        slowly = f"say_piece({sayer}, r, w, F)"
        room = room_of(site, spot)
        if site.line.when or (site.line.default is not None and site.codes is None):
            self._say_slowly(binding, number, sayer)
        elif site.codes is not None:
            codes = {
                value: text for value, text in site.codes.writing.items() if len(text) <= room and not runtime.ODD(text)
            }
            code(f"t{number} = {code.name(codes)}.get(r.{site.name})")
            with code.block(f"if t{number} is None:"):
                code(f"t{number} = {slowly}")
        elif site.codec.name == "text":
            code(f"t{number} = r.{site.name} or ''")
            odd = f"not t{number}.isalnum() and ODD(t{number})" if spot.element.kind != "n" else "True"
            with code.block(f"if t{number} and (len(t{number}) > {room} or {odd}):"):
                code(f"t{number} = {slowly}")
        elif site.codec.name == "decimal" and len(spot.components) == 1:
            code(f"t{number} = r.{site.name}")
            with code.block(f"if t{number} is None:"):
                code(f"t{number} = ''")
            with code.block("else:"):
                code(f"t{number} = str(t{number})")
                with code.block(f"if len(t{number}) > {room} or not PLAIN_NUMBER(t{number}):"):
                    code(f"t{number} = {slowly}")
        elif site.codec.name == "dtm":
            code(f"v = r.{site.name}")
            with code.block("if v is None:"):
                code(f"t{number} = z{number}_1 = ''")
            with code.block("else:"):
                code("v = DATES.get(v.iso) if v.format is None else None")
                code(f"t{number}, z{number}_1 = say_date({sayer}, r, w, F) if v is None else v")
        else:
            self._say_slowly(binding, number, sayer)

    def _say_slowly(self, binding: Binding, number: int, sayer: str) -> None:
        names = ", ".join(self._names(binding, number))
        self.code(f"{names}, = say_pieces({sayer}, r, w, F)")

    def _names(self, binding: Binding, number: int) -> list[str]:
        """Variables of the pieces of a binding."""
        return [f"t{number}", *(f"z{number}_{spot}" for spot in range(1, len(binding.spots)))]

    def _require(self) -> None:
        """Without what makes it a record, nothing of it is written."""
        code = self.code
        for number, site in enumerate(self.scope.sites):
            if not site.required:
                continue
            there = f"r.{site.name}" if not site.bindings else self._said(site.bindings[0], number)
            with code.block(f"if not {there}:"):
                code(f"missing({code.name(self.scope.frame)}, {code.name(site)}, w, F)")
                code("return")

    def _said(self, binding: Binding, number: int) -> str:
        return f"t{number}" if id(binding) in self.quick else f"u{number}"

    def _present(self, frame: Frame) -> str:
        """An expression that is true if lines say something in a frame's own segment."""
        conditions = []
        for binding in frame.own:
            line = binding.site.line
            if line.kind == "constant":
                conditions += ["True"] if line.at[0].always else []
            else:
                conditions.append(self._said(binding, self.index[id(binding.site)]))
        return f"({' or '.join(conditions) or 'False'})"

    # -- what hangs on a segment

    def _children(self, frame: Frame, kept: str) -> None:
        """Write what is below a frame, into `X`; `c…` counts kept segments among it."""
        code, depth = self.code, self.depth
        code(f"c{depth} = 0")
        code(f"K{depth} = B{depth} = None")
        with code.block(f"if {kept}:"):
            code(f"K{depth}, B{depth} = place(guide, {frame.position}, {kept}, w, F, keeps={self.keeps})")
        always = [row.index for row in self.guide.positions if row.tag == "UNS"] if not frame.position else []
        own = [frame.position] if frame.position in frame.positions() else []
        rest = [one for one in frame.positions() if one != frame.position]
        for position in [*sorted({*rest, *always}), *own]:
            if position != frame.position:
                with code.block(f"if K{depth}:"):
                    code(f"c{depth} += flush(K{depth}, X, {position})")
            else:
                self._flush_all(depth)
            if position in always:
                code("X.append('UNS+S')")
            for taker in frame.at(position):
                self._taker(taker, depth)
        self._flush_all(depth)
        with code.block(f"if B{depth}:"):
            code(f"homeless(B{depth}, w, F)")

    def _flush_all(self, depth: int) -> None:
        with self.code.block(f"if K{depth}:"):
            self.code(f"c{depth} += flush(K{depth}, X, {len(self.guide.positions) + 1})")

    def _taker(self, taker: Slot | Nested, depth: int) -> None:
        code = self.code
        if isinstance(taker, Nested):
            self._items(taker)
        elif taker.many:
            spoken = self._spoken(taker.frame)
            with code.block(f"if {self._present(taker.frame)}:"):
                code(f"X += W.many({code.name(taker)}, {spoken}, w)")
        elif not taker.is_group:
            with code.block(f"if {self._present(taker.frame)}:"):
                site = taker.frame.own[0].site
                self._segment(taker.frame, taker.tests, "X.append({0})", "X += {0}", site, spills=True)
        else:
            self._group_slot(taker, depth)

    def _group_slot(self, slot: Slot, depth: int) -> None:
        code = self.code
        self.depth += 1
        inner = self.depth
        code(f"m{inner} = len(X)")
        code("X.append('')")
        code(f"o{inner} = unfold(B{depth}, {slot.key!r}) if B{depth} else None")
        self._children(slot.frame, f"o{inner}")
        with code.block(f"if {self._present(slot.frame)} or len(X) - m{inner} - 1 - c{inner} > 0:"):
            with code.block(f"if B{depth}:"):
                code(f"forget(B{depth}, {slot.key!r})")
            at = f"m{inner}"
            self._segment(
                slot.frame,
                slot.tests,
                f"X[{at}] = {{0}}",
                f"X[{at}:{at} + 1] = {{0}}",
                slot.frame.own[0].site if slot.frame.own else None,
                refused=f"del X[{at}:]",
            )
        with code.block("else:"):
            code(f"del X[m{inner}:]")
        self.depth -= 1

    def _items(self, nested: Nested) -> None:
        code, name = self.code, nested.site.name
        if nested.choice is not None:
            with code.block(f"if r.{name}:"):
                code(f"X += W.items({code.name(nested)}, r, w, n)")
            return
        function = self.compiler.record(nested)
        if nested.site.line.kind == "within":
            code(f"v = r.{name}")
            with code.block("if v is not None:"):
                code(f"{function}(v, (w, {name!r}, None), n, X, F, W)")
        else:
            with code.block(f"for k, v in enumerate(r.{name}):"):
                code(f"{function}(v, (w, {name!r}, k), n, X, F, W)")

    # -- segments

    def _spoken(self, frame: Frame) -> str:
        """What lines say in a frame, for a composer."""
        parts = []
        for binding in frame.own:
            site = binding.site
            number = self.index[id(site)]
            where = f"(w, {(site.name or site.line.field)!r}, None)"
            if id(binding) not in self.quick:
                parts.append(f"*[({self.code.name(binding)}, one, {where}) for one in u{number}]")
            elif site.line.kind == "constant":
                parts.append(f"({self.code.name(binding)}, (({site.line.value!r},),), {where})")
            else:
                names = ", ".join(self._names(binding, number))
                parts.append(f"*spoken_of({self.code.name(binding)}, ({names},), {where})")
        return f"[{', '.join(parts)}]"

    def _segment(
        self,
        frame: Frame,
        tests: tuple[Demand, ...],
        one: str,
        several: str,
        site: Site | None,
        *,
        spills: bool = False,
        refused: str = "",
    ) -> None:
        """Write the segment of a frame: at once if it is simple, else by a composer."""
        code = self.code
        numbers = self._numbers(frame)
        simple = all(id(binding) in self.quick for binding in frame.own) and not self.scope.key[2]
        expression = Expression(self, frame, tests, numbers) if simple else None
        ordinary = expression.ordinary() if expression else "False"
        if expression and ordinary == "True":
            code(one.format(expression.text()))
            return
        if expression:
            with code.block(f"if {ordinary}:"):
                code(one.format(expression.text()))
        with code.block("else:" if expression else "if True:"):
            composed = (
                f"compose({code.name(frame)}, {code.name(tests)}, None, {self._spoken(frame)}, "
                f"{code.name(site) if site else None}, w, F, spills={spills}"
                f"{', numbers=' + self._number_pairs(numbers) if numbers else ''})"
            )
            if refused:
                code(f"v = {composed}")
                with code.block("if v:"):
                    code(several.format("v"))
                with code.block("else:"):
                    code(refused)
            else:
                code(several.format(composed))

    def _numbers(self, frame: Frame) -> list[tuple[tuple[int, int], str]]:
        """Places of the numbers of packing levels, and the variables with them."""
        nesting = self.nested.nesting if self.nested and frame is self.scope.frame else None
        return [(nesting.id, "n"), (nesting.parent, "a")] if nesting else []

    def _number_pairs(self, numbers: list[tuple[tuple[int, int], str]]) -> str:
        return f"[{', '.join(f'({place!r}, {name})' for place, name in numbers)}]"


def _is_simple(binding: Binding) -> bool:
    """True if a binding's texts have one place each."""
    site = binding.site
    if site.many or site.spread:
        return False
    for spot in binding.spots:
        run = tuple(range(spot.components[0], spot.components[0] + len(spot.components)))
        if len(spot.choice.elements) != 1 or spot.components != run:
            return False
    return not (len(binding.spots) > 1 and binding.spots[0].choice.tests)
