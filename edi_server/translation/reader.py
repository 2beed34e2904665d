"""The reading half of the compiler: a plan becomes a function that walks a message's two lists once.

Each scope becomes a function. Slots are inlined: `while p == 40:` passes the segments of position 40 in the order of
the guide, what nothing takes is skipped by ranges. There are two variants of everything: the careful one restores
released characters and looks for repetitions (syntax version 4), the other may rely on there being none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from edi_server.canonical import Record
from edi_server.findings import Finding
from edi_server.guides.model import Tree
from edi_server.syntax.normal import to_text
from edi_server.translation import dates
from edi_server.translation import reading_runtime as runtime
from edi_server.translation.interpreter import FRAME, compare, order
from edi_server.translation.keeping import SUMMARY, keep, last_positions, skip, summary_of
from edi_server.translation.plan import (
    Binding,
    Choice,
    Demand,
    Frame,
    Nested,
    Plan,
    Scope,
    ScopeKey,
    Site,
    Slot,
    Spot,
    disjoint,
)
from edi_server.translation.writing_python import Code

#: Records with more fields than this are made from a dictionary.
_WIDE = 10
#: How many rows of a guide are passed with one look where none of them stands there.
_CLUSTER = 8

Reader = Callable[[Tree], tuple[Record, list[Finding]]]
_Function = Callable[[list[str], list[int], Any, list[Finding]], Record]


def compile_reader(plan: Plan) -> Reader:
    """A function from a tree to its document and findings, the same as the interpreter's, but fast."""
    quick = _Compiler(plan, careful=False).function()
    careful: list[_Function] = []

    def read(tree: Tree) -> tuple[Record, list[Finding]]:
        segments = tree.segments
        positions = [*tree.positions, runtime.BEHIND]
        findings: list[Finding] = []
        chosen = quick
        if tree.released or "*" in "+".join(segments):
            if not careful:
                careful.append(_Compiler(plan, careful=True).function())
            chosen = careful[0]
        document = chosen(segments, positions, tree.numbers or range(1, len(positions)), findings)
        if len(findings) > 1:
            findings.sort(key=order)
        return document, findings

    return read


class _Compiler:
    """Source of one variant."""

    def __init__(self, plan: Plan, *, careful: bool) -> None:
        self.plan, self.guide, self.careful = plan, plan.guide, careful
        self.code = Code()
        self.reach = _reach(plan)
        self.functions: dict[ScopeKey, str] = {}
        self.waiting: list[ScopeKey] = []
        self.last = last_positions(plan.guide)
        self.summary = summary_of(plan.guide)
        self.code.names |= {
            "NUM": runtime.NUMBERS,
            "WHEN": dates._KNOWN,  # noqa: SLF001 — the cache is looked into without a call
            "LAST": self.last,
            "T": to_text,
            "keep": keep,
            "skip": skip,
            "compare": compare,
            **{name: getattr(runtime, name) for name in _RUNTIME},
        }

    def function(self) -> _Function:
        """Compile everything that the root needs."""
        root = self.scope(self.plan.root.key)
        done: set[ScopeKey] = set()
        while self.waiting:
            key = self.waiting.pop()
            if key not in done:
                done.add(key)
                _Scope(self, self.plan.scopes[key], self.functions[key]).write()
        kind = "careful" if self.careful else "quick"
        space = self.code.run(f"<{self.plan.profile.name} read {self.guide.version} {kind}>")
        function: _Function = space[root]
        return function

    def scope(self, key: ScopeKey) -> str:
        """Name of the function that reads a scope; it is written later."""
        if key not in self.functions:
            self.functions[key] = f"read_{len(self.functions)}"
            self.waiting.append(key)
        return self.functions[key]

    def nests(self, position: int) -> bool:
        """True for the trigger of a nested group."""
        return any(one.trigger == position for one in self.guide.nestings)


_RUNTIME = (
    "number",
    "moment",
    "uncoded",
    "convert",
    "differs",
    "again",
    "joined",
    "join",
    "elsewhere",
    "flat",
    "first_repetitions",
    "give_back",
    "Entry",
    "nest",
)


def _reach(plan: Plan) -> dict[int, int]:
    """By position: the last element that any line looks at directly."""
    reach: dict[int, int] = {}

    def see(position: int, elements: Iterable[int]) -> None:
        reach[position] = max([reach.get(position, 0), *elements])

    def look(frame: Frame) -> None:
        for binding in frame.own:
            for spot in binding.spots:
                if len(spot.choice.elements) == 1 and not binding.site.many:
                    see(frame.position, spot.choice.elements)
        for taker in frame.takers:
            see(taker.position, (test.element for test in taker.tests))
            if isinstance(taker, Slot):
                look(taker.frame)

    for scope in plan.scopes.values():
        look(scope.frame)
    return reach


class _Scope:
    """Source of the function (or two, for nested groups) of one scope."""

    def __init__(self, compiler: _Compiler, scope: Scope, name: str) -> None:
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

    # -- the function

    def write(self) -> None:
        """Write the function."""
        code = self.code
        arguments = "S, P, N, F" if self.is_root else "S, P, i, e, N, F" if self.is_group else "i, x, e, N, F"
        with code.block(f"def {self.function_name}({arguments}):"):
            if self.keeps:
                code("q = []")
            self._locals()
            if self.is_root:
                self._root()
            else:
                if self.careful:
                    code("E = e")
                self._own(self.scope.frame, in_composite=bool(self.scope.key[2]))
            if self.is_group:
                code("f = i")
                code("i += 1")
                code("p = P[i]")
                self._children(self.scope.frame, "")
            if self.nested:
                code(f"return i, ({''.join(f'{name}, ' for name in self._state())})")
            else:
                self._finish()
        if self.nested:
            self._write_make()

    def _write_make(self) -> None:
        """The second half for nested groups: when what is inside is known."""
        code = self.code
        with code.block(f"def {self.function_name}_make(parts, inside, inner, S, N, F):"):
            code(f"{''.join(f'{name}, ' for name in self._state())} = parts")
            for taker in self.scope.frame.at(self.scope.frame.position):
                if isinstance(taker, Nested):
                    code(f"a{self.index[id(taker.site)]} = inside")
            if self.keeps:
                code("q += inner")
            self._finish()

    def _state(self) -> list[str]:
        """Local variables that the second half needs."""
        return ["f", *(["q"] if self.keeps else []), *self.variables]

    def _locals(self) -> None:
        """One variable for each line, and what slots must remember."""
        nones: list[str] = []
        numbers: list[str] = []
        for number, site in enumerate(self.scope.sites):
            if site.line.kind == "each" or site.many or site.spread:
                nones.append(f"a{number}")
            elif site.line.kind == "within":
                nones += [f"v{number}", f"m{number}"]
            elif _is_late(site):
                nones += [f"x{number}_{binding.rank}" for binding in site.bindings]
            else:
                nones.append(f"v{number}")
        for slot in _slots(self.scope.frame):
            name = self.slots[id(slot)] = f"s{len(self.slots)}"
            if not slot.many:
                numbers += [name, f"{name}_"] if slot.conditional else [name]
        if nones:
            self.code(f"{' = '.join(nones)} = None")
        if numbers:
            self.code(f"{' = '.join(numbers)} = -1")
        self.variables = [*nones, *numbers]
        self.gathers = any(slot.conditional and self._shares(slot) for slot in _slots(self.scope.frame))
        if self.gathers:
            self.code("g = []")
            self.variables.append("g")

    # -- walking

    def _root(self) -> None:
        code = self.code
        code("i = 0")
        code("n = len(S)")
        with code.block("while i < n:"):
            code("r = i")
            code("p = P[i]")
            self._children(self.scope.frame, "")
            with code.block("if i == r:"):
                # A segment of a group whose trigger is missing: no well-formed tree has one.
                self._pass("p", "LAST[p]", "")

    def _children(self, frame: Frame, prefix: str) -> None:
        """The segments behind a frame's own one, in the order of the guide."""
        code, guide = self.code, self.compiler.guide
        last = guide.groups[frame.position].last if frame.position else len(guide.positions)
        positions = [one for one in frame.positions() if one != frame.position]
        ignored = [] if frame.position else [row.index for row in guide.positions if row.tag in FRAME]
        pieces: list[tuple[int, int, bool]] = []
        at = frame.position + 1
        for position in sorted({*positions, *ignored}):
            pieces += [(*span, False) for span in self._spans(at, position - 1)]
            pieces.append((position, self.last[position], True))
            at = self.last[position] + 1
        pieces += [(*span, False) for span in self._spans(at, last)]
        for start in range(0, len(pieces), _CLUSTER):
            cluster = pieces[start : start + _CLUSTER]
            with ExitStack() as stack:
                if len(pieces) > _CLUSTER and frame.position and start:
                    stack.enter_context(code.block(f"if {cluster[0][0]} <= p <= {cluster[-1][1]}:"))
                for low, high, taken in cluster:
                    self._piece(frame, low, high, prefix, taken=taken, ignored=low in ignored)

    def _spans(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Rows to pass, divided where some of them are kept with their section."""
        for position in sorted(self.compiler.summary):
            if low <= position <= high:
                if low < position:
                    yield low, position - 1
                yield position, self.last[position]
                low = self.last[position] + 1
        if low <= high:
            yield low, high

    def _piece(self, frame: Frame, low: int, high: int, prefix: str, *, taken: bool, ignored: bool) -> None:
        code = self.code
        if ignored:
            with code.block(f"while p == {low}:"):
                code("i += 1")
                code("p = P[i]")
        elif taken:
            self._position(frame, low, prefix)
        else:
            self._skip(low, high, prefix)

    def _skip(self, low: int, high: int, prefix: str) -> None:
        prefix = SUMMARY if low in self.compiler.summary else prefix
        with self.code.block(f"if {low} <= p <= {high}:" if low < high else f"if p == {low}:"):
            self._pass(str(low), str(high), prefix)

    def _pass(self, low: str, high: str, prefix: str) -> None:
        code = self.code
        if self.keeps:
            code(f"i = skip(P, i, ({low}, {high}), LAST, q, {prefix!r})")
            code("p = P[i]")
            return
        code(f"low, high = {low}, {high}")
        with code.block("while low <= p <= high:"):
            code("i += 1")
            code("p = P[i]")

    def _position(self, frame: Frame, position: int, prefix: str) -> None:
        code = self.code
        takers = frame.at(position)
        nests = self.compiler.nests(position)
        if nests:
            code("entries = []")
        with code.block(f"while p == {position}:"):
            code("s = S[i]")
            self._split(position)
            self._test(takers)
            if position in self.compiler.guide.groups:
                self._take_group(takers, prefix, nests=nests)
            else:
                self._take_segment(takers, prefix)
        if nests:
            self._nest(takers[0], prefix)

    def _nest(self, taker: Slot | Nested, prefix: str) -> None:
        assert isinstance(taker, Nested)  # the static checks let nothing but `each` take a nested group
        make = f"{self.compiler.scope(taker.scope)}_make"
        self.code(
            f"a{self.index[id(taker.site)]} = nest(entries, S, {self.code.name(taker)}, "
            f"lambda parts, inside, inner: {make}(parts, inside, inner, S, N, F), "
            f"{'q' if self.keeps else '[]'}, {prefix!r})"
        )

    def _split(self, position: int) -> None:
        """`e`: the elements, padded as far as they are looked at directly; `E`: with their repetitions."""
        reach = self.compiler.reach.get(position, 0)
        padded = f"(s + {'+' * reach!r})" if reach else "s"
        if self.careful:
            self.code(f"E = {padded}.split('+')")
            self.code("e = first_repetitions(E)")
        else:
            self.code(f"e = {padded}.split('+')")

    # -- conditions

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
                    components += _looked_at(taker.frame, element)
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
                self.code(f"rows = [{padded}.split(':') for y in {_slice(elements)} if y.strip(':')]")
                self.rows[elements] = "rows"

    def _depth_of(self, taker: Slot | Nested) -> int:
        """The last component that a taker looks at in the composites of its choice."""
        choice = taker.choice
        assert choice is not None  # only takers with a choice are asked
        tests = [test.component for test in choice.tests]
        if isinstance(taker, Nested):
            return max([1, *tests, _depth(self.compiler.plan.scopes[taker.scope])])
        return max([1, *tests, *(one for element in choice.elements for one in _looked_at(taker.frame, element))])

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
        return [_condition(self._tested(test), test) for test in taker.tests]

    # -- takers of plain segments

    def _take_segment(self, takers: list[Slot | Nested], prefix: str) -> None:
        code = self.code
        self.counts = not _is_exclusive(takers)
        kept = SUMMARY if takers[0].position in self.compiler.summary else prefix
        self.missed = (lambda: code(f"q.append((i, i + 1, {kept!r}))")) if self.keeps else (lambda: None)
        self.missed_before = self.missed
        if self.counts:
            code("u = 0")
        if self._take_in_one_loop(takers):
            with code.block("if not u:"):
                self.missed()
            code("i += 1")
            code("p = P[i]")
            return
        for number, taker in enumerate(takers):
            head = "elif" if number and not self.counts else "if"
            with code.block(f"{head} {' and '.join(self._matches(taker)) or 'True'}:"):
                if isinstance(taker, Nested):
                    self._once(taker, lambda taker=taker: self._segment_items(taker))  # type: ignore[misc]
                elif taker.many:
                    self._slot(taker)
                else:
                    with code.block(f"if {self.slots[id(taker)]} < 0:"):
                        self._slot(taker)
                    self._otherwise()
        if self.counts:
            with code.block("if not u:"):
                self.missed()
        elif all(taker.tests for taker in takers):
            self._otherwise()
        code("i += 1")
        code("p = P[i]")

    def _take_in_one_loop(self, takers: list[Slot | Nested]) -> bool:
        """Offer each composite of a segment to all takers, where all of them choose among the same ones."""
        if len(takers) < 2 or self.careful or not self.counts:
            return False
        first = takers[0].choice
        for taker in takers:
            if first is None or taker.choice is None or taker.choice.elements != first.elements:
                return False
            if isinstance(taker, Slot) and (taker.many or not _is_merged(taker)):
                return False
            if isinstance(taker, Nested) and taker.site.line.kind == "within":
                return False
        assert first is not None  # the loop has looked
        depth = max(self._depth_of(taker) for taker in takers)
        with self._composites(Choice(first.elements, ()), depth):
            for taker in takers:
                self._offer(taker)
        return True

    def _offer(self, taker: Slot | Nested) -> None:
        """Offer the composite `c` to a taker."""
        code = self.code
        assert taker.choice is not None  # only takers with a choice are offered composites
        inside = [_condition(f"c[{test.component - 1}]", test) for test in taker.choice.tests]
        conditions = [*inside, *self._matches(taker)]
        if isinstance(taker, Nested):
            with code.block(f"if {' and '.join(conditions) or 'True'}:"):
                name = self.compiler.scope(taker.scope)
                self._item(taker, f"{name}(i, c, e, N, F)")
            return
        slot, binding = self.slots[id(taker)], taker.frame.own[0]
        with code.block(f"if {' and '.join([*conditions, f'({slot} < 0 or {slot} == i)'])}:"):
            self._claim(taker)
            number = self.index[id(binding.site)]
            into = f"x{number}_{binding.rank}" if _is_late(binding.site) else f"v{number}"
            with code.block(f"if {into} is None:"):
                self._found(taker.frame, binding, [self._among("c", spot) for spot in binding.spots], [])

    def _otherwise(self) -> None:
        """The segment was not for the only taker that could have got it."""
        if not self.counts:
            with self.code.block("else:"):
                self.missed()

    def _slot(self, slot: Slot) -> None:
        """Look into a segment, if the composite that the slot wants is there."""
        if slot.choice is None:
            self._claim(slot)
            self._own(slot.frame)
            return
        code, own = self.code, slot.frame.own
        merged = _is_merged(slot)
        code("h = 0")
        if merged:
            self._search(slot.frame, own[0], seen="h = 1")
        else:
            with self._composites(slot.choice):
                code("h = 1")
                code("break")
        with code.block("if h:"):
            self._claim(slot)
            if not merged:
                self._own(slot.frame)
        self._otherwise()

    def _claim(self, slot: Slot) -> None:
        name = self.slots[id(slot)]
        if not slot.many:
            self.code(f"{name} = i")
            if slot.conditional:
                self.code(f"{name}_ = i + 1")
        if self.counts:
            self.code("u = 1")

    def _segment_items(self, taker: Nested) -> None:
        name = self.compiler.scope(taker.scope)
        if taker.choice is None:
            self._item(taker, f"{name}(i, None, {self._elements()}, N, F)")
            return
        self._composite_items(taker)
        if not self.counts:
            with self.code.block("if not u:"):
                self.missed()

    def _composite_items(self, taker: Nested) -> None:
        name = self.compiler.scope(taker.scope)
        assert taker.choice is not None
        counts, self.counts = self.counts, True
        if not counts:
            self.code("u = 0")
        with self._composites(taker.choice, depth=_depth(self.compiler.plan.scopes[taker.scope])):
            self._item(taker, f"{name}(i, c, {self._elements()}, N, F)")
        self.counts = counts

    def _elements(self) -> str:
        return "E" if self.careful else "e"

    def _once(self, taker: Nested, inside: Callable[[], None]) -> None:
        """`within` takes only the first."""
        if taker.site.line.kind != "within":
            inside()
            return
        code, number = self.code, self.index[id(taker.site)]
        with code.block(f"if m{number} is None:"):
            code(f"m{number} = 1")
            inside()
        with code.block("else:"):
            frame = self.compiler.plan.scopes[taker.scope].frame
            code(f"again(F, N[i], {code.name(frame)}, {code.name(taker.site)})")
            if not self.counts:
                self.missed_before()

    def _item(self, taker: Nested, call: str) -> None:
        number = self.index[id(taker.site)]
        if call != "o":
            self.code(f"o = {call}")
        with self.code.block("if o is not None:"):
            if self.counts:
                self.code("u = 1")
            if taker.choice is not None and self.gathers:
                self.code("g.append(i)")
            if taker.site.line.kind == "each":
                self._append(number, "o")
            else:
                self.code(f"v{number} = o")
        if not self.counts:
            with self.code.block("else:"):
                self.missed()

    def _append(self, number: int, value: str) -> None:
        """Add to a list that is made when there is something in it."""
        with self.code.block(f"if a{number} is None:"):
            self.code(f"a{number} = [{value}]")
        with self.code.block("else:"):
            self.code(f"a{number}.append({value})")

    # -- takers of groups

    def _take_group(self, takers: list[Slot | Nested], prefix: str, *, nests: bool) -> None:
        code, position = self.code, takers[0].position

        kept = SUMMARY if position in self.compiler.summary else prefix

        def missed() -> None:
            if self.keeps:
                code(f"q.append((b, i, {kept!r}))")

        def missed_before() -> None:
            self._pass_group(position)
            missed()

        self.counts, self.missed, self.missed_before = not _is_exclusive(takers), missed, missed_before
        # What writing the inside of a slot changes.
        mine = self.counts, self.tested, self.split, self.split_at, self.rows
        if self.counts:
            code("u = 0")
        code("b = i")
        for number, taker in enumerate(takers):
            conditions = ["not u"] if number and self.counts else []
            conditions += self._matches(taker)
            with code.block(f"{'elif' if number and not self.counts else 'if'} {' and '.join(conditions) or 'True'}:"):
                if isinstance(taker, Nested):
                    self._once(taker, lambda taker=taker: self._group_item(taker, nests=nests))  # type: ignore[misc]
                    continue
                self._group_slot(taker, prefix)
                self.counts, self.tested, self.split, self.split_at, self.rows = mine
                self.missed, self.missed_before = missed, missed_before
                if not taker.many and not self.counts:
                    with code.block("else:"):
                        missed_before()
        if self.counts:
            with code.block("if not u:"):
                code("i = b")
                missed_before()
        elif all(taker.tests for taker in takers):
            with code.block("else:"):
                missed_before()
        code("p = P[i]")

    def _pass_group(self, position: int) -> None:
        self.code("i += 1")
        with self.code.block(f"while {position} < P[i] <= {self.last[position]}:"):
            self.code("i += 1")

    def _group_slot(self, slot: Slot, prefix: str) -> None:
        code, name = self.code, self.slots[id(slot)]
        counts = self.counts
        with code.block("if True:" if slot.many else f"if {name} < 0:"):
            self._claim(slot)
            self._own(slot.frame)
            code("i += 1")
            code("p = P[i]")
            self._children(slot.frame, f"{prefix}@{slot.key} ")
            if counts:
                code("u = 1")
            if slot.conditional and not slot.many:
                code(f"{name}_ = i")

    def _group_item(self, taker: Nested, *, nests: bool) -> None:
        code, name = self.code, self.compiler.scope(taker.scope)
        if taker.choice is not None:
            self._composite_items(taker)
            self._pass_group(taker.position)
            if not self.counts:
                with code.block("if not u:"):
                    self.missed()
        elif nests:
            code(f"i, o = {name}(S, P, i, {self._elements()}, N, F)")
            code("entries.append(Entry(b, i, o))")
            if self.counts:
                code("u = 1")
        else:
            code(f"i, o = {name}(S, P, i, {self._elements()}, N, F)")
            self._item(taker, "o")

    # -- composites

    @contextmanager
    def _composites(self, choice: Choice, depth: int = 0) -> Iterator[None]:
        """A loop over the composites that fulfil a choice; `c` is the list of components, padded."""
        code = self.code
        with ExitStack() as stack:
            if self.careful:
                stack.enter_context(code.block(f"for c in flat(E, {choice.elements!r}, alone={choice.alone}):"))
            elif choice.elements in self.rows:
                stack.enter_context(code.block(f"for c in {self.rows[choice.elements]}:"))
            else:
                stack.enter_context(code.block(f"for y in {_slice(choice.elements)}:"))
                sure = any(test.values and not test.negated for test in choice.tests) or choice.alone
                stack.enter_context(code.block("if y:" if sure else "if y.strip(':'):"))
                deepest = max([depth, 1, *(test.component for test in choice.tests)])
                padded = f"(y + {':' * (deepest - 1)!r})" if deepest > 1 else "y"
                code("c = [y]" if choice.alone else f"c = {padded}.split(':')")
            if choice.tests:
                conditions = [_condition(f"c[{test.component - 1}]", test) for test in choice.tests]
                stack.enter_context(code.block(f"if {' and '.join(conditions)}:"))
            yield

    # -- texts

    def _own(self, frame: Frame, *, in_composite: bool = False) -> None:
        """What lines take from a frame's own segment."""
        direct = [one for one in frame.own if self._is_direct(one)]
        shared = self._share(frame, direct)
        for binding in frame.own:
            first = binding.spots[0]
            if in_composite and not first.choice.elements:
                conditions = [_condition(f"x[{test.component - 1}]", test) for test in first.choice.tests]
                self._found(frame, binding, [self._among("x", spot) for spot in binding.spots], conditions)
            elif self._is_direct(binding):
                conditions = [
                    _condition(f"{shared[first.choice.elements[0]]}[{test.component - 1}]", test)
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
                if spot.choice.tests or not (spot.choice.alone or _starts_whole(spot)):
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
        if element in shared and (len(spot.components) == 1 or not _starts_whole(spot)):
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

    # -- values

    def _found(
        self, frame: Frame, binding: Binding, texts: list[str], conditions: list[str], *, leave: bool = False
    ) -> None:
        """Take the texts of a binding, if the first of them is there."""
        code, site = self.code, binding.site
        number = self.index[id(site)]
        simple = site.line.kind == "value" and not _is_late(site) and not (site.many or site.spread)
        if simple and not conditions and not leave and site.codec.name == "text" and site.codes is None:
            code(f"v{number} = {texts[0]} or None")
            return
        with ExitStack() as stack:
            if conditions:
                stack.enter_context(code.block(f"if {' and '.join(conditions)}:"))
            code(f"w = {texts[0]}")
            stack.enter_context(code.block("if w:"))
            rest = "".join(f", {text}" for text in texts[1:])
            if _is_late(site):
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

    # -- the end

    def _finish(self) -> None:
        """Make the record of what was found."""
        code, scope = self.code, self.scope
        for number, site in enumerate(scope.sites):
            if site.line.kind == "constant":
                self._constant(number, site)
            elif site.line.kind == "value" and _is_late(site):
                self._late(number, site)
            elif site.spread:
                code(f"v{number} = None if a{number} is None else {site.line.join!r}.join(a{number}) or None")
        for slot in _slots(scope.frame):
            self._give_back(slot)
        if len([site for site in scope.sites if _is_field(site)]) > _WIDE:
            made = self._make_wide()
        else:
            if not self.is_root:
                self._absence()
            values = "".join(f"{site.line.field}={self._value(site)}, " for site in scope.sites if _is_field(site))
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
        fields = [site for site in self.scope.sites if _is_field(site)]
        code("d = {}")
        for site in fields:
            condition = f"{self._raw(site)} is not None"
            if site.line.when and not _is_late(site):
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
        frame = _frame_of(self.scope.frame, binding)
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
                    self._convert(_frame_of(self.scope.frame, binding), binding, names, "j", f"v{number}")

    def _when(self, site: Site) -> str:
        conditions = []
        for name, value in site.line.when:
            tested = next((one for one in self.scope.sites if _is_field(one) and one.line.field == name), None)
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
            self.code(f"give_back(q, {name}, {name}_, {prefix!r})")

    def _beside(self, slot: Slot) -> list[Slot]:
        """Other slots that may have taken the same segment."""
        return [
            other
            for other in _slots(self.scope.frame)
            if other.position == slot.position and other is not slot and not other.many
        ]

    def _shares(self, slot: Slot) -> bool:
        """True if records may be made of composites of the same segment."""
        return any(
            isinstance(taker, Nested) and taker.choice is not None and taker.position == slot.position
            for taker in _takers(self.scope.frame)
        )

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
        fields = [site for site in self.scope.sites if _is_field(site)]
        required = [f"{self._raw(site)} is None" for site in fields if site.required]
        conditions = " or ".join(required) or " and ".join(f"not {self._there(site)}" for site in fields)
        with code.block(f"if {conditions or 'True'}:"):
            code(self._absent_return())

    def _there(self, site: Site) -> str:
        if site.line.when and not _is_late(site):
            return f"({self._raw(site)} and {self._when(site)})"
        return f"({self._raw(site)} is not None)" if not self._is_list(site) else self._raw(site)

    def _is_list(self, site: Site) -> bool:
        return site.line.kind == "each" or site.many

    def _raw(self, site: Site) -> str:
        number = self.index[id(site)]
        return f"a{number}" if self._is_list(site) else f"v{number}"

    def _value(self, site: Site) -> str:
        """The value of a field in the record, with its default."""
        raw = self._raw(site)
        if self._is_list(site):
            raw = f"(() if {raw} is None else tuple({raw}))"
        absent = site.line.default if site.line.default is not None else site.absent
        if site.line.when and not _is_late(site):
            return f"({raw} if {self._when(site)} else {() if self._is_list(site) else None})"
        if absent is None or self._is_list(site):
            return raw
        return f"({absent!r} if {raw} is None else {raw})"

    def _compare(self, site: Site) -> None:
        code, number = self.code, self.index[id(site)]
        for binding in site.bindings[:1]:
            frame = _frame_of(self.scope.frame, binding)
            with code.block(f"if x{number}_0 is not None:"):
                code(
                    f"o = compare({code.name(site)}, {code.name(frame)}, {code.name(binding.spots[0])}, "
                    f"N[x{number}_0[-1]], x{number}_0[0], d)"
                )
                with code.block("if o is not None:"):
                    code("F.append(o)")


def _is_field(site: Site) -> bool:
    return site.line.kind not in ("constant", "computed")


def _is_late(site: Site) -> bool:
    """True if what is found is only noted, and judged at the end."""
    if site.many or site.spread:
        return False
    return site.line.kind in ("constant", "computed") or (site.line.kind == "value" and site.conditional)


def _slots(frame: Frame) -> Iterator[Slot]:
    for taker in frame.takers:
        if isinstance(taker, Slot):
            yield taker
            yield from _slots(taker.frame)


def _takers(frame: Frame) -> Iterator[Slot | Nested]:
    for taker in frame.takers:
        yield taker
        if isinstance(taker, Slot):
            yield from _takers(taker.frame)


def _frame_of(frame: Frame, binding: Binding) -> Frame:
    """The frame that holds a binding."""
    if any(one is binding for one in frame.own):
        return frame
    return next((one.frame for one in _slots(frame) if any(own is binding for own in one.frame.own)), frame)


def _starts_whole(spot: Spot) -> bool:
    """True if a composite without further components is the text itself."""
    return spot.components[0] == 1 and len(spot.components) > 1 and not spot.choice.tests


def _slice(elements: tuple[int, ...]) -> str:
    first, last = elements[0], elements[-1]
    if elements == tuple(range(first, last + 1)):
        return f"e[{first}:{last + 1}]"
    return f"[e[k] for k in {elements!r} if k < len(e)]"


def _looked_at(frame: Frame, element: int) -> list[int]:
    """The components of an element that a frame's own lines look at."""
    spots = [spot for binding in frame.own for spot in binding.spots if element in spot.choice.elements]
    return [*(one for spot in spots for one in spot.components), *_tested_components(spots)]


def _is_merged(slot: Slot) -> bool:
    """True if the one line of a slot looks into the very composite that the slot wants."""
    own = slot.frame.own
    if len(own) != 1 or own[0].site.many or own[0].site.spread:
        return False
    return all(spot.choice == slot.choice for spot in own[0].spots)


def _is_exclusive(takers: list[Slot | Nested]) -> bool:
    """True if no segment can be for two of the takers."""
    pairs = [(one, other) for number, one in enumerate(takers) for other in takers[number + 1 :]]
    return all(disjoint(one.tests, other.tests) for one, other in pairs)


def _depth(scope: Scope) -> int:
    """The last component that a composite's own lines look at."""
    spots = [spot for binding in scope.frame.own for spot in binding.spots if not spot.choice.elements]
    return max([1, *(one for spot in spots for one in spot.components), *_tested_components(spots)])


def _tested_components(spots: list[Spot]) -> list[int]:
    return [test.component for spot in spots for test in spot.choice.tests]


def _condition(text: str, test: Demand) -> str:
    if not test.values:
        return f"not {text}" if test.negated else text
    if len(test.values) == 1:
        return f"{text} {'!=' if test.negated else '=='} {test.values[0]!r}"
    return f"{text} {'not in' if test.negated else 'in'} {test.values!r}"
