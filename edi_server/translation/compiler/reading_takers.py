"""Source that offers a segment or group to what may take it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from edi_server.translation.compiler.questions import (
    condition,
    depth_of,
    is_exclusive,
    is_late,
    is_merged,
)
from edi_server.translation.compiler.reading_texts import Texts
from edi_server.translation.keeping import SUMMARY
from edi_server.translation.plan import Choice, Frame, Nested, Slot


class Takers(Texts, ABC):
    """Segments and groups offered to slots and to lines that make records; what nobody takes is kept."""

    def _take_segment(self, takers: list[Slot | Nested], prefix: str) -> None:
        code = self.code
        self.counts = not is_exclusive(takers)
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
            if isinstance(taker, Slot) and (taker.many or not is_merged(taker)):
                return False
            if isinstance(taker, Nested) and taker.site.line.kind == "within":
                return False
        assert first is not None  # the loop has looked
        depth = max(self._depth_of(taker) for taker in takers)
        self._offer_all(takers, first.elements, depth)
        return True

    def _offer_all(self, takers: list[Slot | Nested], elements: tuple[int, ...], depth: int) -> None:
        """Offer the composites of some elements to all takers."""
        with self._composites(Choice(elements, ()), depth):
            for taker in takers:
                assert taker.choice is not None  # only takers with a choice are offered composites
                self._offer(taker, [condition(f"c[{test.component - 1}]", test) for test in taker.choice.tests])

    def _offer(self, taker: Slot | Nested, inside: list[str]) -> None:
        """Offer the composite `c` to a taker, if what it wants is inside."""
        code = self.code
        conditions = [*inside, *self._matches(taker)]
        if isinstance(taker, Nested):
            with code.block(f"if {' and '.join(conditions) or 'True'}:"):
                self._item(taker, self._made(taker, "c", "e"))
            return
        slot, binding = self.slots[id(taker)], taker.frame.own[0]
        with code.block(f"if {' and '.join([*conditions, f'({slot} < 0 or {slot} == i)'])}:"):
            self._claim(taker)
            number = self.index[id(binding.site)]
            into = f"x{number}_{binding.rank}" if is_late(binding.site) else f"v{number}"
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
        merged = is_merged(slot)
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
        if taker.choice is None:
            self._item(taker, self._made(taker, "None", self._elements()))
            return
        self._composite_items(taker)
        if not self.counts:
            with self.code.block("if not u:"):
                self.missed()

    def _composite_items(self, taker: Nested) -> None:
        assert taker.choice is not None
        counts, self.counts = self.counts, True
        if not counts:
            self.code("u = 0")
        with self._composites(taker.choice, depth=depth_of(self.compiler.plan.scopes[taker.scope])):
            self._item(taker, self._made(taker, "c", self._elements()))
        self.counts = counts

    def _made(self, taker: Nested, composite: str, elements: str) -> str:
        """The expression of the record of a segment, or of a composite in it."""
        return f"{self.compiler.scope(taker.scope)}(i, {composite}, {elements}, N, F)"

    def _made_group(self, taker: Nested) -> str:
        """The expression of the record of a group."""
        return f"{self.compiler.scope(taker.scope)}(S, P, i, {self._elements()}, N, F)"

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
            self._refuse(taker)

    def _refuse(self, taker: Nested) -> None:
        """A second record where there can be one."""
        frame = self.compiler.plan.scopes[taker.scope].frame
        self.code(f"again(F, N[i], {self.code.name(frame)}, {self.code.name(taker.site)})")
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
                self.code(self._noted())
            if taker.site.line.kind == "each":
                self._append(number, "o")
            elif taker.choice is None:
                self.code(f"v{number} = o")
            else:
                with self.code.block(f"if v{number} is None:"):
                    self.code(f"v{number} = o")
        if not self.counts:
            with self.code.block("else:"):
                self.missed()

    def _noted(self) -> str:
        """Remember that records were made of composites of this segment."""
        return "g.append(i)"

    def _take_group(self, takers: list[Slot | Nested], prefix: str, *, nests: bool) -> None:
        code, position = self.code, takers[0].position

        kept = SUMMARY if position in self.compiler.summary else prefix

        def missed() -> None:
            if self.keeps:
                code(f"q.append((b, i, {kept!r}))")

        def missed_before() -> None:
            self._pass_group(position)
            missed()

        self.counts, self.missed, self.missed_before = not is_exclusive(takers), missed, missed_before
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

    @abstractmethod
    def _children(self, frame: Frame, prefix: str) -> None:
        """Write what is behind a frame's own segment."""

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
        code = self.code
        if taker.choice is not None:
            self._composite_items(taker)
            self._pass_group(taker.position)
            if not self.counts:
                with code.block("if not u:"):
                    self.missed()
        elif nests:
            code(f"i, o = {self._made_group(taker)}")
            code("entries.append(Entry(b, i, o))")
            if self.counts:
                code("u = 1")
        else:
            code(f"i, o = {self._made_group(taker)}")
            self._item(taker, "o")
