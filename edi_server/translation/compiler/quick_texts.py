"""Source that takes texts from a segment, relying on nothing being wrong with them."""

from __future__ import annotations

from contextlib import ExitStack

from edi_server.translation.compiler.questions import condition, is_late
from edi_server.translation.compiler.reading_runtime import PLAIN, Numbers
from edi_server.translation.compiler.reading_texts import Texts
from edi_server.translation.plan import Binding, Frame, Site, Spot, disjoint


class QuickTexts(Texts):
    """Values of a frame's own lines in variables: `v` for a field, `x` for one that may yet be given back."""

    def _into(self, binding: Binding) -> str:
        """The variable of a line at one of its places."""
        number = self.index[id(binding.site)]
        return f"x{number}_{binding.rank}" if is_late(binding.site) else f"v{number}"

    def _own(self, frame: Frame, *, in_composite: bool = False) -> None:
        """What lines take from a frame's own segment; lines with the same conditions together."""
        direct = [one for one in frame.own if self._is_direct(one)]
        shared = self._share(frame, direct)
        chain: list[Binding] = []
        inside = ExitStack()
        for binding in frame.own:
            choice = binding.spots[0].choice
            whole = in_composite and not choice.elements
            if not whole and not self._is_direct(binding):
                inside.close()
                chain = []
                self._search(frame, binding)
                continue
            parts = "x" if whole else shared.get(choice.elements[0], "")
            if not chain or chain[-1].spots[0].choice != choice or not choice.tests:
                inside.close()
                follows = chain and choice.tests and all(_excludes(one, binding) for one in chain)
                chain = chain if follows else []
                if choice.tests:
                    conditions = [condition(f"{parts}[{test.component - 1}]", test) for test in choice.tests]
                    inside.enter_context(self.code.block(f"{'elif' if follows else 'if'} {' and '.join(conditions)}:"))
            if choice.tests:
                chain.append(binding)
            texts = [self._among("x", spot) if whole else self._direct(spot, shared) for spot in binding.spots]
            self._found(frame, binding, texts, [])
        inside.close()

    def _among(self, parts: str, spot: Spot) -> str:
        """The text of a spot in a list of components."""
        if id(spot) not in self.spread or len(spot.components) != 2:
            return super()._among(parts, spot)
        first, second = (f"{parts}[{component - 1}]" for component in spot.components)
        return f"({first} + {self._joint(spot)!r} + {second} if {first} and {second} else {first} or {second})"

    def _found(
        self,
        frame: Frame,  # noqa: ARG002 — for findings, which quick readers do not write
        binding: Binding,
        texts: list[str],
        conditions: list[str],
        *,
        leave: bool = False,
    ) -> None:
        """Take the texts of a binding, if the first of them is there."""
        code, site = self.code, binding.site
        with ExitStack() as stack:
            if conditions:
                stack.enter_context(code.block(f"if {' and '.join(conditions)}:"))
            is_text = site.line.kind == "value" and site.codec.name == "text" and site.codes is None
            if is_text and not (leave or site.many or site.spread):
                code(f"{self._into(binding)} = {texts[0]} or None")
                return
            code(f"w = {texts[0]}")
            stack.enter_context(code.block("if w:"))
            self._take(binding, texts)
            if leave:
                code("break")

    def _take(self, binding: Binding, texts: list[str]) -> None:
        """Take the text in `w`."""
        site, into = binding.site, self._into(binding)
        if site.many:
            self._value_of(site, texts, "v")
            self._append(self.index[id(site)], "v")
        elif site.spread:
            self.code(f"{into} = w if {into} is None else {into} + {(site.line.join or '')!r} + w")
        else:
            self._value_of(site, texts, into)

    def _value_of(self, site: Site, texts: list[str], into: str) -> None:
        """Turn the text in `w` (and further ones) into a value; raises Unsmooth."""
        code = self.code
        rest = "".join(f", {text}" for text in texts[1:])
        if site.line.kind == "constant":
            with code.block(f"if w != {site.line.value!r}:"):
                code("raise Unsmooth")
            code(f"{into} = w")
        elif site.codes is not None:
            code(f"{into} = {code.name(site.codes.reading)}.get(w{', w' if site.line.open else ''})")
            with code.block(f"if {into} is None:"):
                code("raise Unsmooth")
        elif site.line.kind == "computed" or site.codec.name == "decimal":
            # What is not remembered would be a call each time.
            code(f"{into} = DEC(w) if {_PLAIN_NUMBER} else NUM[w]")
        elif site.codec.name == "text":
            code(f"{into} = w")
        elif site.codec.name == "dtm":
            code(f"{into} = WHEN[w{rest}]")
        else:
            code(f"{into} = convert({code.name(site.codec)}, w{rest})")


#: That `w` is a number which nobody remembers, and which `read_decimal` would take as it is.
_PLAIN_NUMBER = f"{Numbers.LONGEST} < len(w) < {PLAIN} and w.replace('.', '', 1).isdecimal() and w.isascii()"


def _excludes(one: Binding, other: Binding) -> bool:
    """True if a composite cannot be for both."""
    a, b = one.spots[0].choice, other.spots[0].choice
    return a.elements == b.elements and disjoint(a.tests, b.tests)
