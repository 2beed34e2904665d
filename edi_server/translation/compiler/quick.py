"""The quick reader: for messages with nothing to remark about, which most are.

It walks like the careful reader but writes no finding: whatever would need one, or more care, raises `Unsmooth`, and
the careful reader reads the message. Stand-ins of released characters are left in texts until a record is complete.
"""

from __future__ import annotations

from collections.abc import Callable

from edi_server.canonical import Record
from edi_server.translation.compiler import quick_runtime as runtime
from edi_server.translation.compiler.quick_walk import QuickScope
from edi_server.translation.compiler.reader import Compiler
from edi_server.translation.plan import Plan, Scope
from edi_server.translation.restoring import restore

QuickFunction = Callable[[list[str], list[int], list[int]], Record]


def compile_quick_reader(plan: Plan) -> QuickFunction:
    """A function of segments, their positions, and the indexes of those with stand-ins.

    It raises Unsmooth (or Unreadable) where the careful reader must look.
    """
    function: QuickFunction = QuickCompiler(plan, careful=False).function()  # type: ignore[assignment]
    return function


class QuickCompiler(Compiler):
    """Source of the quick reader."""

    def __init__(self, plan: Plan, *, careful: bool) -> None:
        super().__init__(plan, careful=careful)
        self.code.names |= {
            "Unsmooth": runtime.Unsmooth,
            "WHEN": runtime.MOMENTS,
            "convert": runtime.sure_value,
            "gather": runtime.gather,
            "mend": runtime.mend,
            "restore": restore,
        }

    def _write(self, scope: Scope, name: str) -> None:
        QuickScope(self, scope, name).write()
