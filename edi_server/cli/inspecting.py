"""What `inspect` prints, as the file is read: nothing of it is gathered, so that its size does not matter."""

from __future__ import annotations

import sys
from collections import Counter
from typing import BinaryIO

import msgspec

from edi_server import paper
from edi_server.cli import segments
from edi_server.desk.excerpts import Pointed, ReadRange
from edi_server.desk.inspecting import (
    GroupSeen,
    InterchangeEnded,
    InterchangeSeen,
    MessageSeen,
    NotEdi,
    Outside,
    Seen,
    inspect,
)
from edi_server.desk.message_names import name_of
from edi_server.envelope.model import Identity

CLEAN, FINDINGS, UNREADABLE = 0, 1, 2
#: Messages without findings that are listed before they are only counted.
LISTED = 20


class Report:
    """Counts, and the exit code; subclasses print."""

    def __init__(self, *, tree: bool = False) -> None:
        self.tree = tree
        self.code = CLEAN
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """Before the first file."""

    def begin_file(self, name: str) -> None:
        """A file comes."""
        self.name = name
        self.counts = Counter()

    def take(self, source: BinaryIO, read_range: ReadRange) -> None:
        """Print what is in the file."""
        for seen in inspect(source, read_range, tree=self.tree):
            self.count(seen)
            self.show(seen)
        self.end_file()

    def count(self, seen: Seen) -> None:
        """Remember what the exit code and the last line say."""
        match seen:
            case NotEdi():
                self.code = UNREADABLE
                self.counts["error"] += 1
                return
            case InterchangeSeen():
                self.counts["interchanges"] += 1
            case MessageSeen():
                self.counts["messages"] += 1
                self.counts["rejected"] += seen.is_rejected
        for pointed in seen.findings:
            self.counts[pointed.finding.severity] += 1

    def settle(self) -> None:
        """The file is read: let the exit code say what came out."""
        if not self.counts["interchanges"]:
            self.code = UNREADABLE
        elif self.counts["error"] or self.counts["warning"]:
            self.code = max(self.code, FINDINGS)

    def show(self, seen: Seen) -> None:
        """Print one thing."""

    def end_file(self) -> None:
        """The file is read."""
        self.settle()

    def cannot_read(self, sentence: str) -> None:  # noqa: ARG002 — subclasses print it
        """The file could not be opened, or not to its end."""
        self.code = UNREADABLE

    def end(self) -> int:
        """After the last file; the exit code."""
        return self.code


class HumanReport(Report):
    """Lines for people."""

    def __init__(self, *, every: bool, tree: bool = False) -> None:
        super().__init__(tree=tree)
        self._every = every
        self._console = paper.out()
        self._clean: Counter[str] = Counter()

    def begin_file(self, name: str) -> None:
        """Its name as a title."""
        super().begin_file(name)
        paper.heading(self._console, name)

    def show(self, seen: Seen) -> None:
        """One line, and below it the findings."""
        console = self._console
        match seen:
            case NotEdi():
                paper.line(console, seen.finding.sentence, indent=2)
                if seen.finding.found:
                    paper.line(console, paper.words(f"begins with {seen.finding.found}", paper.DIM), indent=4)
                return
            case InterchangeSeen():
                header = seen.header
                line = f"interchange {header.control_reference or '(no reference)'}"
                parties = f"from {_party(header.sender)} to {_party(header.recipient)}"
                test = "test" if header.test else ""
                segments.title(console, (line, parties), paper.words(_written(seen), paper.DIM), test, indent=2)
            case MessageSeen():
                self._show_message(seen)
                return
            case GroupSeen() if self.tree and not seen.ended:
                group = seen.header
                line = f"group {group.message_type} {group.control_reference}"
                paper.line(console, line, paper.words(group.version, paper.DIM), indent=2)
            case InterchangeEnded():
                self._tell_clean()
        segments.pointed(console, seen.findings, indent=4)

    def _show_message(self, seen: MessageSeen) -> None:
        if not seen.findings and not self._every and not self.tree and sum(self._clean.values()) >= LISTED:
            self._clean[f"{seen.header.type} {seen.header.directory}"] += 1
            return
        if not seen.findings:
            self._clean[""] += 1
        console, header = self._console, seen.header
        result = "rejected" if seen.is_rejected else "accepted" if seen.findings else "ok"
        name = " ".join(part for part in (header.type or "(no type)", name_of(header.type), header.reference) if part)
        about = [header.directory, _many(seen.segments, "segment"), f"bytes {seen.offset}–{seen.end}"]
        facts = paper.words(" · ".join(part for part in about if part), paper.DIM)
        verdict = paper.words(result, paper.STYLES[result])
        segments.title(console, (f"{seen.number:>4}  {name}",), facts, verdict, indent=2)
        segments.pointed(console, seen.general, indent=9)
        (segments.tree if self.tree else segments.excerpt)(console, seen.shown)
        if seen.shown:
            console.print()

    def _tell_clean(self) -> None:
        for kind, count in self._clean.items():
            if kind:
                paper.line(self._console, f"     {count} more {kind} without findings", indent=2)
        self._clean.clear()

    def end_file(self) -> None:
        """How many of what."""
        super().end_file()
        counts = self.counts
        if not counts["interchanges"]:
            return
        said = [_many(counts[word], word) for word in ("error", "warning", "note") if counts[word]]
        rejected = f", {counts['rejected']} rejected" if counts["rejected"] else ""
        line = f"{_many(counts['interchanges'], 'interchange')}, {_many(counts['messages'], 'message')}{rejected}: "
        paper.line(self._console, line + (", ".join(said) or "no findings"), indent=2)

    def cannot_read(self, sentence: str) -> None:
        """One line."""
        super().cannot_read(sentence)
        paper.line(self._console, paper.words(sentence, paper.BAD), indent=2)


def _written(seen: InterchangeSeen) -> str:
    """When and how it was written."""
    header = seen.header
    date, time = header.date, header.time
    if len(date) in (6, 8) and date.isdecimal():
        date = f"{date[:-4] if len(date) == 8 else '20' + date[:-4]}-{date[-4:-2]}-{date[-2:]}"
    if len(time) == 4 and time.isdecimal():
        time = f"{time[:2]}:{time[2:]}"
    syntax = f"X12 {header.syntax_version}" if header.syntax == "x12" else f"{header.charset}:{header.syntax_version}"
    return " ".join(part for part in (date, time, syntax.strip(" :")) if part)


def _party(identity: Identity) -> str:
    return str(identity) if identity.id else "(unknown)"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


class JsonReport(Report):
    """One JSON document, written as the file is read.

    {"files": [{"file", "interchanges": [{"number", "offset", "header", "messages": […], "findings": […], "end"}],
    "outside": […], "problem", "counts", "result"}], "exit_code"}; a finding is {"finding", "excerpt"}.
    """

    def __init__(self, *, tree: bool = False) -> None:
        super().__init__(tree=tree)
        self._first_file = True
        self._first_interchange = True
        self._first_message = True
        self._open = False
        self._group = ""
        self._findings: list[Pointed] = []
        self._outside: list[Outside] = []
        self._problem: object = None

    def begin(self) -> None:
        """The outermost object."""
        _write('{"files": [')

    def begin_file(self, name: str) -> None:
        """An object per file."""
        super().begin_file(name)
        _write(f'{"" if self._first_file else ","}\n{{"file": {_json(name)}, "interchanges": [')
        self._first_file, self._first_interchange = False, True
        self._outside, self._problem = [], None

    def show(self, seen: Seen) -> None:
        """Messages at once, findings of an envelope at its end."""
        match seen:
            case NotEdi():
                self._problem = {"syntax": seen.kind.syntax, "finding": seen.finding}
            case InterchangeSeen():
                self._begin_interchange(seen)
            case GroupSeen():
                self._group = "" if seen.ended else seen.header.control_reference
                self._findings += seen.findings
            case MessageSeen():
                self._write_message(seen)
            case InterchangeEnded():
                self._end_interchange((*self._findings, *seen.findings), seen.end)
            case Outside():
                self._outside.append(seen)

    def _begin_interchange(self, seen: InterchangeSeen) -> None:
        comma = "" if self._first_interchange else ","
        head = f'"number": {seen.number}, "offset": {seen.offset}, "header": {_json(seen.header)}'
        _write(f'{comma}\n {{{head}, "messages": [')
        self._first_interchange, self._first_message, self._open = False, True, True
        self._findings = list(seen.findings)

    def _write_message(self, seen: MessageSeen) -> None:
        about: dict[str, object] = {
            "number": seen.number,
            "group": self._group or None,
            "header": seen.header,
            "guide": seen.guide or None,
            "offset": seen.offset,
            "end": seen.end,
            "segments": seen.segments,
            "result": "rejected" if seen.is_rejected else "accepted",
            "findings": seen.findings,
        }
        if self.tree:
            about["tree"] = seen.shown
        _write(f"{'' if self._first_message else ','}\n  {_json(about)}")
        self._first_message = False

    def _end_interchange(self, findings: tuple[Pointed, ...], end: int | None) -> None:
        _write(f'], "findings": {_json(findings)}, "end": {_json(end)}}}')
        self._open = False

    def end_file(self) -> None:
        """What is known only now."""
        super().end_file()
        result = "unreadable" if not self.counts["interchanges"] else "findings" if self._has_findings() else "clean"
        self._close_file(result)

    def _has_findings(self) -> bool:
        return bool(self.counts["error"] or self.counts["warning"])

    def cannot_read(self, sentence: str) -> None:
        """The file's object is closed as it is."""
        super().cannot_read(sentence)
        if self._open:
            self._end_interchange(tuple(self._findings), None)
        self._problem = {"sentence": sentence}
        self._close_file("unreadable")

    def _close_file(self, result: str) -> None:
        names = ("interchanges", "messages", "rejected", "error", "warning", "note")
        counts = {name: self.counts[name] for name in names}
        tail = {"outside": self._outside, "problem": self._problem, "counts": counts, "result": result}
        _write(f"], {_json(tail)[1:]}")

    def end(self) -> int:
        """Close the outermost object."""
        _write(f'\n], "exit_code": {self.code}}}\n')
        return self.code


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _write(text: str) -> None:
    sys.stdout.write(text)
