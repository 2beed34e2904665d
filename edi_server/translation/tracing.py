"""What of a message reached the document, told by the reader itself: `cover` without interpreting the profile again.

The tracing reader says what each segment was used for. Whether something filled in a segment was left out then
depends on its text alone, and mostly on its form alone: which components are filled, and what stands where a line
compares. So each use remembers forms of segments that are read to the last component, as a regular expression.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from edi_server.canonical import Record
from edi_server.guides.model import Node, Tree
from edi_server.translation.codecs import Unreadable
from edi_server.translation.compiler import may_read_quickly
from edi_server.translation.compiler.quick import Use, compile_tracing_reader
from edi_server.translation.compiler.quick_runtime import KEPT, Unsmooth
from edi_server.translation.compiler.reading_runtime import BEHIND
from edi_server.translation.coverage import Coverage, NotCarried, components, not_carried
from edi_server.translation.interpreter import Mark, marks_of
from edi_server.translation.plan import FRAME, Binding, Choice, Plan, Scope, Slot, tag_of

#: Forms that a use remembers, and segments with something left out that all uses remember.
_FORMS, _LOSSES = 32, 2_000
_SEPARATORS = b"+:*'"
#: Separators are blanks and all else is "x", so that what is filled can be counted.
_FILLED = bytes(0x20 if code in _SEPARATORS else 0x78 for code in range(256))
_ANY = "[^+:*]+"

Match = Callable[[str], object]


class Tracer:
    """Reads messages by one plan and tells how much of them it carries."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._read, self._uses = compile_tracing_reader(plan)
        self._forms: dict[int, list[str]] = {}
        self._whole: defaultdict[int, Match] = defaultdict(lambda: _never)
        self._losses: dict[tuple[int, str], list[Mark]] = {}
        self._compared: dict[int, set[tuple[int, int]]] = {}

    def read(self, tree: Tree) -> tuple[Record, Coverage] | None:
        """The document and what it carries; None where the careful reader must look."""
        released = may_read_quickly(self._plan, tree)
        if released is None:
            return None
        trace = [0] * len(tree.segments)
        try:
            document = self._read(tree.segments, [*tree.positions, BEHIND], released, trace)
        except (Unsmooth, Unreadable):
            return None
        return document, self._cover(tree, trace)

    def _cover(self, tree: Tree, trace: list[int]) -> Coverage:
        whole, kept, framed = self._whole, 0, 0
        lost: list[NotCarried] = []
        segments = zip(trace, tree.segments, strict=True)
        for index in [at for at, (used, text) in enumerate(segments) if used <= 0 or not whole[used](text)]:
            used, segment = trace[index], tree.segments[index]
            if used == KEPT:
                kept += _filled(segment) - 1
            elif not used and tag_of(segment) in FRAME:
                framed += _filled(segment) - 1
            else:
                lost += self._lost(tree, index, used)
        filled = _filled("'".join(tree.segments)) - len(trace) - framed
        return Coverage(filled=filled, read=filled - kept - len(lost), kept=kept, not_carried=tuple(lost))

    def _lost(self, tree: Tree, index: int, used: int) -> Iterator[NotCarried]:
        segment, position = tree.segments[index], tree.positions[index]
        marks = self._losses.get((used, segment))
        if marks is None:
            marks = self._left_out(segment, position, used)
            if not marks:
                self._learn(used, segment, position)
            else:
                if len(self._losses) >= _LOSSES:
                    self._losses.clear()
                self._losses[used, segment] = marks
        number = tree.numbers[index] if tree.numbers else index + 1
        texts = dict(components(0, segment)) if marks else {}
        for mark in marks:
            yield not_carried(tree, position, (number, *mark[1:]), texts[mark])

    def _left_out(self, segment: str, position: int, used: int) -> list[Mark]:
        """What is filled in a segment and not read, the segment's number being 0."""
        node = Node(position=position, tag=self._plan.guide.position(position).tag, text=segment, number=0)
        read = {mark for use in self._uses_of(used) for mark in marks_of(self._plan, use, node)}
        return [mark for mark, _ in components(0, segment) if mark not in read]

    def _uses_of(self, used: int) -> list[Use]:
        return [use for number, use in enumerate(self._uses) if used >> number & 1]

    # -- forms

    def _learn(self, used: int, segment: str, position: int) -> None:
        """Remember the form of a segment that is read to the last component."""
        forms = self._forms.setdefault(used, [])
        if len(forms) >= _FORMS or self._plan.guide.position(position).tag in FRAME:
            return
        compared = self._compared.get(used)
        if compared is None:
            compared = self._compared[used] = {place for use in self._uses_of(used) for place in self._places(use)}
        forms.append(_form(segment, compared))
        self._whole[used] = re.compile("|".join(f"(?:{form})" for form in forms)).fullmatch

    def _places(self, use: Use) -> Iterator[tuple[int, int]]:
        """(element, component) of everything that is compared with something once it is known who uses the segment."""
        if isinstance(use, Binding):
            for spot in use.spots:
                yield from _compared_in(spot.choice, spot.choice.elements)
            return
        if isinstance(use, Slot):
            bindings, within = use.frame.own, use.choice
        else:
            scope: Scope = self._plan.scopes[use.scope]
            bindings, within = scope.frame.own, use.choice
        if within:
            yield from _compared_in(within, within.elements)
        for binding in bindings:
            for spot in binding.spots:
                yield from _compared_in(spot.choice, spot.choice.elements or (within.elements if within else ()))


def _compared_in(choice: Choice, elements: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    for test in choice.tests:
        for element in elements:
            yield element, test.component


def _form(segment: str, compared: set[tuple[int, int]]) -> str:
    """A pattern of all segments with the same components filled and the same texts where lines compare."""
    tag, *elements = segment.split("+")
    pieces = [re.escape(tag)]
    for number, content in enumerate(elements, 1):
        parts = [
            re.escape(text) if (number, place) in compared else _ANY if text else ""
            for place, text in enumerate(content.split(":"), 1)
        ]
        pieces.append(":".join(parts))
    return r"\+".join(pieces)


def _never(segment: str) -> None:
    """No form is known yet."""


def _filled(text: str) -> int:
    """The number of filled components of segments, tags included."""
    return (b"+" + text.encode("utf-8", "surrogatepass")).translate(_FILLED).count(b" x")


def can_trace(plan: Plan) -> bool:
    """False for the one kind of line that a trace cannot tell about: a text of several segments with a condition."""
    sites = [site for scope in plan.scopes.values() for site in scope.sites]
    return not any(site.spread and site.line.when for site in sites)


__all__ = ["Tracer", "can_trace"]
