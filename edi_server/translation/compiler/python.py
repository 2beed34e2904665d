"""Python source put together line by line. Whatever comes from a file enters it as a constant only (`repr`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Code:
    """Source text that knows its indentation, and the objects that it refers to by name."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self.names: dict[str, Any] = {}
        self._known: dict[int, str] = {}

    def __call__(self, line: str) -> None:
        """Add a line."""
        self._lines.append("    " * self._depth + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """A compound statement; an empty one gets `pass`."""
        self(head)
        self._depth += 1
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self("pass")
        self._depth -= 1

    def name(self, thing: Any, prefix: str = "k") -> str:
        """A name by which the source refers to an object."""
        known = self._known.get(id(thing))
        if known is None:
            known = self._known[id(thing)] = f"{prefix}{len(self._known)}"
            self.names[known] = thing
        return known

    def text(self) -> str:
        """The source."""
        return "\n".join(self._lines) + "\n"

    def run(self, file: str) -> dict[str, Any]:
        """Compile and run the source; what it defines."""
        space = dict(self.names)
        exec(compile(self.text(), file, "exec"), space)  # noqa: S102 — generated here; user texts are in it by repr only
        return space
