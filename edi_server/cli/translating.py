"""What `translate` prints."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from edi_server import paper
from edi_server.canonical import to_json
from edi_server.cli.inspecting import CLEAN, FINDINGS, UNREADABLE
from edi_server.desk.inspecting import NotEdi
from edi_server.desk.translating import EnvelopeRead, Rendered


class Translation:
    """The exit code; subclasses print."""

    def __init__(self) -> None:
        self.code = CLEAN

    def begin(self) -> None:
        """Before the first file."""

    def begin_file(self, name: str) -> None:
        """A file comes."""

    def take(self, one: EnvelopeRead | Rendered | NotEdi) -> None:
        """Print one thing and remember what it does to the exit code."""
        match one:
            case NotEdi():
                self.code = UNREADABLE
            case Rendered():
                self.code = max(self.code, FINDINGS if one.is_invalid else CLEAN)
            case EnvelopeRead():
                wrong = any(pointed.finding.severity == "error" for pointed in one.findings)
                self.code = max(self.code, FINDINGS if wrong else CLEAN)
        self.show(one)

    def show(self, one: EnvelopeRead | Rendered | NotEdi) -> None:
        """Print one thing."""

    def end(self) -> int:
        """After the last file; the exit code."""
        return self.code


class HumanTranslation(Translation):
    """Each document as indented JSON between what is said about it."""

    def __init__(self) -> None:
        super().__init__()
        self._console = paper.out()

    def begin_file(self, name: str) -> None:
        """Its name as a title."""
        paper.heading(self._console, name)

    def show(self, one: EnvelopeRead | Rendered | NotEdi) -> None:
        """A few lines."""
        if isinstance(one, NotEdi):
            paper.line(self._console, one.finding.sentence, indent=2)
            return
        if isinstance(one, Rendered):
            self._show_document(one)
        paper.findings(self._console, one.findings, indent=4)

    def _show_document(self, one: Rendered) -> None:
        verdict = "invalid" if one.is_invalid else "valid"
        header = one.header
        title = f"{one.number:>4} {header.type} {header.directory} {header.reference} of {one.interchange}"
        by = f"by {one.agreement}, profile {one.profile} {one.profile_version}" if one.agreement else "not translated"
        paper.line(self._console, title, paper.words(by, paper.DIM), paper.words(verdict), indent=2)
        if one.document is not None:
            text = msgspec.json.format(to_json(one.document), indent=2).decode()
            for row in text.splitlines():
                paper.line(self._console, row, indent=7)
        self._show_coverage(one)

    def _show_coverage(self, one: Rendered) -> None:
        covered = one.coverage
        if covered is None:
            return
        line = f"{covered.read} of {covered.filled} filled components read, {covered.kept} kept as they came"
        paper.line(self._console, paper.words(line, paper.DIM), indent=7)
        for lost in covered.not_carried:
            paper.line(self._console, "not carried:", paper.where(lost.place), lost.text, indent=7)


class JsonTranslation(Translation):
    """{"files": [{"file", "messages": [{…, "document", "not_carried"}], "envelopes", "problem"}], "exit_code"}."""

    def __init__(self) -> None:
        super().__init__()
        self._files: list[dict[str, Any]] = []

    def begin_file(self, name: str) -> None:
        """An object per file."""
        self._files.append({"file": name, "messages": [], "envelopes": [], "problem": None})

    def show(self, one: EnvelopeRead | Rendered | NotEdi) -> None:
        """Into the file's object."""
        file = self._files[-1]
        match one:
            case NotEdi():
                file["problem"] = {"syntax": one.kind.syntax, "finding": one.finding}
            case EnvelopeRead():
                file["envelopes"].append(one)
            case Rendered():
                file["messages"].append(_message(one))

    def end(self) -> int:
        """Write everything."""
        sys.stdout.write(msgspec.json.encode({"files": self._files, "exit_code": self.code}).decode() + "\n")
        return self.code


def _message(one: Rendered) -> dict[str, Any]:
    covered = one.coverage
    return {
        "interchange": one.interchange,
        "number": one.number,
        "header": one.header,
        "agreement": one.agreement,
        "profile": one.profile,
        "profile_version": one.profile_version,
        "type": one.type,
        "validation": "invalid" if one.is_invalid else "valid",
        "findings": one.findings,
        "document": None if one.document is None else msgspec.Raw(to_json(one.document)),
        "components": covered and {"filled": covered.filled, "read": covered.read, "kept": covered.kept},
        "not_carried": covered.not_carried if covered else (),
    }
