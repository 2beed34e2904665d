"""What `acknowledge` prints."""

from __future__ import annotations

from typing import Any, TextIO

import msgspec
from rich.console import Console

from edi_server import paper
from edi_server.desk.acknowledging import InterchangeJudged, MessageJudged, Unread
from edi_server.desk.answering import Written

CLEAN, FINDINGS, UNREADABLE = 0, 1, 2
#: Messages that are rejected and listed with their reason before they are only counted.
LISTED = 20


class Report:
    """The exit code; subclasses print."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._code: int | None = None
        self._outside = False

    def take(self, one: InterchangeJudged | Unread) -> None:
        """Something of the file."""
        if isinstance(one, Unread):
            self._outside = True
        else:
            is_clean = one.outcome in ("accepted", "accepted with errors")
            self._code = max(self._code or CLEAN, CLEAN if is_clean else FINDINGS)

    def end(self) -> int:
        """After the last of it; the exit code."""
        if self._code is None:
            return UNREADABLE
        return max(self._code, FINDINGS if self._outside else CLEAN)


class HumanReport(Report):
    """Bytes to standard output, lines for people to standard error."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._console: Console = paper.err()

    def take(self, one: InterchangeJudged | Unread) -> None:
        """Its lines, then its bytes."""
        super().take(one)
        if isinstance(one, Unread):
            paper.line(self._console, paper.words("outside any interchange, nobody is told:", paper.BAD))
            for finding in one.findings:
                paper.line(self._console, finding.sentence, indent=2)
            return
        self._tell(one)
        for answer in one.answers:
            self._write(answer.content)

    def _tell(self, one: InterchangeJudged) -> None:
        header, console = one.header, self._console
        named = f"interchange {header.control_reference or '(no reference)'}"
        paper.line(console, f"{named} from {header.sender} to {header.recipient}", paper.words(one.outcome))
        refused = [message for message in one.messages if message.outcome == "rejected"]
        if one.cause:
            paper.line(console, one.cause.sentence, indent=4)
        else:
            for message in refused[:LISTED]:
                self._tell_message(message)
        said = ", ".join(" and ".join(answer.kinds) for answer in one.answers)
        counts = f"{len(one.messages)} message{'' if len(one.messages) == 1 else 's'}, {len(refused)} rejected"
        paper.line(console, f"{counts}. {f'Answered with {said}.' if said else one.silence}", indent=2)
        for answer in one.answers:
            for finding in answer.findings:
                paper.line(console, paper.words(finding.sentence, paper.WAITING), indent=4)

    def _tell_message(self, message: MessageJudged) -> None:
        group = f" in group {message.group}" if message.group else ""
        named = f"{message.type or '(no type)'} {message.reference}{group}"
        paper.line(self._console, named, paper.words(message.outcome), indent=2)
        if message.cause:
            paper.line(self._console, message.cause.sentence, indent=4)

    def _write(self, content: bytes) -> None:
        self._out.flush()
        self._out.buffer.write(content)
        self._out.buffer.flush()


class JsonReport(Report):
    """One JSON document.

    {"interchanges": [{"header", "outcome", "cause", "messages", "answers": [{"kinds", "content", "findings"}],
    "silence"}], "outside": [{"findings"}], "exit_code"}.
    """

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._interchanges: list[dict[str, Any]] = []
        self._unread: list[Unread] = []

    def take(self, one: InterchangeJudged | Unread) -> None:
        """Kept until the end."""
        super().take(one)
        if isinstance(one, Unread):
            self._unread.append(one)
        else:
            plain = {name: getattr(one, name) for name in one.__struct_fields__}
            self._interchanges.append(plain | {"answers": [_plain(answer) for answer in one.answers]})

    def end(self) -> int:
        """Print it all."""
        code = super().end()
        every = {"interchanges": self._interchanges, "outside": self._unread, "exit_code": code}
        self._out.write(msgspec.json.encode(every).decode() + "\n")
        return code


def _plain(answer: Written) -> dict[str, object]:
    """An answer with its bytes as text; those that are no UTF-8 as the character of the same number."""
    try:
        content = answer.content.decode()
    except UnicodeDecodeError:
        content = answer.content.decode("latin-1")
    return {"kinds": answer.kinds, "content": content, "findings": answer.findings}
