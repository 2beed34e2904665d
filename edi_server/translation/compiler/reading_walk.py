"""Source of a scope's function: the walk through positions in the order of the guide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from edi_server.translation.compiler.reading_finish import Finish
from edi_server.translation.compiler.reading_takers import Takers
from edi_server.translation.keeping import SUMMARY
from edi_server.translation.plan import FRAME, Frame, Nested, Slot

#: How many rows of a guide are passed with one look where none of them stands there.
_CLUSTER = 4


class ScopeSource(Takers, Finish):
    """Source of the function (or two, for nested groups) of one scope."""

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

    def _root(self) -> None:
        code = self.code
        code("i = 0")
        code("n = len(S)")
        with code.block("while i < n:"):
            code("start = i")
            code("p = P[i]")
            self._children(self.scope.frame, "")
            with code.block("if i == start:"):
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
        self.code(f"a{self.index[id(taker.site)]} = {self._nested(taker, prefix)}")

    def _nested(self, taker: Nested, prefix: str, also: str = "S, N, F") -> str:
        """The expression of the records of the outermost repetitions."""
        make = f"{self.compiler.scope(taker.scope)}_make"
        chunks = "q" if self.keeps else "[]"
        return (
            f"nest(entries, S, {self.code.name(taker)}, "
            f"lambda parts, inside, inner: {make}(parts, inside, inner, {also}), {chunks}, {prefix!r})"
        )

    def _split(self, position: int) -> None:
        """`e`: the elements, padded as far as they are looked at directly; `E`: with their repetitions.

        A quick reader relies on the first element: a segment without any is left to the careful one.
        """
        reach = max(self.compiler.reach.get(position, 0) - (not self.careful), 0)
        padded = f"(S[i] + {'+' * reach!r})" if reach else "S[i]"
        if self.careful:
            self.code(f"E = {padded}.split('+')")
            self.code("e = first_repetitions(E)")
        else:
            self.code(f"e = {padded}.split('+')")
