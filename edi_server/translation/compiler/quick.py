"""The quick reader: for messages with nothing to remark about, which most are.

It walks like the careful reader but writes no finding: whatever would need one, or more care, raises `Unsmooth`, and
the careful reader reads the message. Stand-ins of released characters are left in texts until a record is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from edi_server.canonical import Record
from edi_server.translation.compiler import quick_runtime as runtime
from edi_server.translation.compiler.quick_walk import QuickScope
from edi_server.translation.compiler.reader import Compiler
from edi_server.translation.plan import Binding, Nested, Plan, Scope, Slot
from edi_server.translation.restoring import restore

QuickFunction = Callable[[list[str], list[int], list[int]], Record]
#: The same with a list for what each segment was used for: a sum of numbers of uses, 0 for nothing, or KEPT.
TracingFunction = Callable[[list[str], list[int], list[int], list[int]], Record]
#: What takes something from a segment: number `1 << n` means the nth of them.
Use = Slot | Nested | Binding


def compile_quick_reader(plan: Plan) -> QuickFunction:
    """A function of segments, their positions, and the indexes of those with stand-ins.

    It raises Unsmooth (or Unreadable) where the careful reader must look.
    """
    function: QuickFunction = QuickCompiler(plan, careful=False).function()  # type: ignore[assignment]
    return function


def compile_tracing_reader(plan: Plan) -> tuple[TracingFunction, list[Use]]:
    """The same reader, telling in a fourth argument what became of each segment; and the uses that it names."""
    compiler = QuickCompiler(plan, careful=False, traces=True)
    function: TracingFunction = compiler.function()  # type: ignore[assignment]
    return function, compiler.uses


class QuickCompiler(Compiler):
    """Source of the quick reader."""

    def __init__(self, plan: Plan, *, careful: bool, traces: bool = False) -> None:
        super().__init__(plan, careful=careful)
        self.traces = traces
        self.uses: list[Use] = []
        self.code.names |= {
            "Unsmooth": runtime.Unsmooth,
            "DEC": Decimal,
            "WHEN": runtime.MOMENTS,
            "convert": runtime.sure_value,
            "gather": runtime.gather,
            "mend": runtime.mend,
            "restore": restore,
            "kept": runtime.mark_kept,
        }

    def use(self, use: Use) -> int:
        """The number of a use."""
        if not any(one is use for one in self.uses):
            self.uses.append(use)
        return 1 << next(number for number, one in enumerate(self.uses) if one is use)

    def _write(self, scope: Scope, name: str) -> None:
        QuickScope(self, scope, name).write()
