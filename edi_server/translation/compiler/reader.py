"""The reading half of the compiler: a plan becomes a function that walks a message's two lists once.

Each scope becomes a function. Slots are inlined: `while p == 40:` passes the segments of position 40 in the order of
the guide, what nothing takes is skipped by ranges. There are two variants of everything: the careful one restores
released characters and looks for repetitions (syntax version 4), the other may rely on there being none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from edi_server.canonical import Record
from edi_server.findings import Finding
from edi_server.guides.model import Tree
from edi_server.syntax.normal import to_text
from edi_server.translation import dates
from edi_server.translation.codecs import Unreadable
from edi_server.translation.compiler import reading_runtime as runtime
from edi_server.translation.compiler.python import Code
from edi_server.translation.compiler.reading_walk import ScopeSource
from edi_server.translation.interpreter import compare, order
from edi_server.translation.keeping import keep, last_positions, skip, summary_of
from edi_server.translation.plan import (
    Frame,
    Plan,
    Scope,
    ScopeKey,
    Slot,
)

Reader = Callable[[Tree], tuple[Record, list[Finding]]]
_Function = Callable[[list[str], list[int], Any, list[Finding]], Record]


def compile_reader(plan: Plan) -> Reader:
    """A function from a tree to its document and findings, the same as the interpreter's, but fast."""
    from edi_server.translation.compiler.quick import compile_quick_reader
    from edi_server.translation.compiler.quick_runtime import Unsmooth

    quick = compile_quick_reader(plan)
    careful: list[_Function] = []

    def read(tree: Tree) -> tuple[Record, list[Finding]]:
        segments = tree.segments
        positions = [*tree.positions, runtime.BEHIND]
        released = may_read_quickly(plan, tree)
        if released is not None:
            try:
                return quick(segments, positions, released), []
            except (Unsmooth, Unreadable):
                pass
        if not careful:
            careful.append(Compiler(plan, careful=True).function())
        findings: list[Finding] = []
        document = careful[0](segments, positions, tree.numbers or range(1, len(positions)), findings)
        if len(findings) > 1:
            findings.sort(key=order)
        return document, findings

    return read


def may_read_quickly(plan: Plan, tree: Tree) -> list[int] | None:
    """The indexes of segments with stand-ins, if the quick reader may read the message.

    It may not if something is repeated (syntax version 4), or if a line compares with what may be released.
    """
    text = tree.text
    if "*" in text or (tree.released and not plan.compares_plainly):
        return None
    from edi_server.translation.compiler.quick_runtime import released_in

    return released_in(text) if tree.released else []


class Compiler:
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
                self._write(self.plan.scopes[key], self.functions[key])
        kind = "careful" if self.careful else "quick"
        space = self.code.run(f"<{self.plan.profile.name} read {self.guide.version} {kind}>")
        function: _Function = space[root]
        return function

    def _write(self, scope: Scope, name: str) -> None:
        ScopeSource(self, scope, name).write()

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
