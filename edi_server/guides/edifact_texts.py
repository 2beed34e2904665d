"""UN/EDIFACT directories as the United Nations publish them: plain text, one file per part.

EDSD or TRSD (segments), EDCD or TRCD (composites), EDED or TRED (data elements), UNCL (code lists, in one file or
several), EDMD (messages, a file each). What a file is shows from its content, because names changed over the years. The
layout is that of TRADE/WP.4/R.1023: entries between lines of hyphens, marks of change (`* + # | X -`) at the left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from edi_server.guides.draft import Draft, DraftLine
from edi_server.guides.edifact_message_text import is_message_text, read_message_text

_RULE = re.compile(r"\s*-{30,}\s*")
_MARKS = r"[ *+#|X-]*"
_HEAD = re.compile(rf"{_MARKS}\b([A-Z]{{3}}|[A-Z][0-9]{{3}}|[0-9]{{4}})\s+(\S.*?)(?:\s+\[[BCI]\])?\s*")
_PLACE = re.compile(rf"([0-9]{{3}})?{_MARKS}\b([A-Z][0-9]{{3}}|[0-9]{{4}})\s+(\S.*)")
_REST = re.compile(r"(.*?)\s+([MC])(?:\s+([0-9]+))?(?:\s+((?:an|a|n)(?:\.\.)?[0-9]+))?\s*")
_FORM = re.compile(r"\s*Repr:\s*((?:an|a|n)(?:\.\.)?[0-9]+)\s*")
#: A code begins in one of the columns 3 to 9, behind its marks of change; what says more about it stands further right.
_CODE = re.compile(r"(?=.{0,2}[ *+#|X-])[*+#|X-]{0,3} {0,8}([A-Z0-9][A-Za-z0-9./-]{0,16}) +\S.*")
_CODE_COLUMN = 8
_NOTE = re.compile(r"\s*(Note|Desc|Function)s?\s*:")
_DEPENDENCY = re.compile(r"(D[1-7])\s*\(([0-9, ]+)\)")
_DELETED = re.compile(r"\s*-\s")


class Entry(NamedTuple):
    """One entry of a directory: its numbered lines without empty ones at the ends."""

    lines: list[tuple[int, str]]


def read_text(draft: Draft, name: str, text: str) -> bool:
    """Add what a file says to a draft; False if it is no part of a directory."""
    if is_message_text(text):
        read_message_text(draft, name, text)
        return True
    read = [_read_entry(draft, name, entry) for entry in _entries(text)]
    return any(read)


def _entries(text: str) -> Iterator[Entry]:
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if _RULE.fullmatch(line):
            yield Entry(lines)
            lines = []
        elif line.strip() or lines:
            lines.append((number, line.rstrip()))
    yield Entry(lines)


def _read_entry(draft: Draft, file: str, entry: Entry) -> bool:
    """Add one entry to the draft; False if it is none."""
    if not entry.lines:
        return False
    number, first = entry.lines[0]
    head = _HEAD.fullmatch(first)
    if head is None or _DELETED.match(first):
        return False
    identifier, name = head[1], " ".join([head[2], *_continued_name(entry)])
    if identifier.isdigit():
        return _read_element(draft, file, entry, identifier, name)
    return _read_uses(draft, DraftLine(f"{identifier} {_sentence_case(name)}", file, number), entry)


def _continued_name(entry: Entry) -> Iterator[str]:
    """The rest of a name that goes over several lines."""
    for _, line in entry.lines[1:]:
        if not line.strip() or _NOTE.match(line.lstrip("*+#|X- ")) or _PLACE.fullmatch(line):
            return
        yield line.strip()


def _read_element(draft: Draft, file: str, entry: Entry, identifier: str, name: str) -> bool:
    """A data element of EDED, or with its code list of UNCL."""
    for index, (number, line) in enumerate(entry.lines):
        form = _FORM.fullmatch(line.lstrip("*+#|X-"))
        if form is None:
            continue
        text = f"{identifier} {form[1]} {_sentence_case(name)}"
        draft.elements.setdefault(identifier, DraftLine(text, file, number))
        codes = list(_codes(entry.lines[index + 1 :]))
        if codes:
            known = draft.codes[identifier].text.split()[1:] if identifier in draft.codes else []
            merged = " ".join([identifier, *dict.fromkeys([*known, *codes])])
            draft.codes[identifier] = DraftLine(merged, file, number)
        return True
    return False


def _codes(lines: list[tuple[int, str]]) -> Iterator[str]:
    in_note = False
    for _, line in lines:
        if not line.strip():
            in_note = False
        elif _NOTE.match(line):
            in_note = True
        found = _CODE.fullmatch(line)
        if found and not in_note and found.start(1) <= _CODE_COLUMN and not _DELETED.match(line):
            yield found[1]


class _Uses:
    """Places of a segment, or components of a composite, while their lines are read."""

    def __init__(self) -> None:
        self.uses: list[str] = []
        #: By position in the directory, such as "030": number of the place, 1-based.
        self.numbers: dict[str, int] = {}
        self.conditions: list[str] = []

    def add(self, position: str | None, identifier: str, rest: re.Match[str]) -> None:
        repeat = int(rest[3] or 1)
        self.uses.append(f"{identifier}{'!' if rest[2] == 'M' else ''}{f'*{repeat}' if repeat > 1 else ''}")
        if position:
            self.numbers[position] = len(self.uses)


def _read_uses(draft: Draft, head: DraftLine, entry: Entry) -> bool:
    """A segment of EDSD, whose composites repeat their components there, or a composite of EDCD."""
    is_segment = head.text[1].isalpha()
    read = _Uses()
    for index, (number, line) in enumerate(entry.lines):
        place = _PLACE.fullmatch(line)
        if place and (place[1] or not is_segment) and index:
            rest = _whole(place[3], entry.lines[index + 1 :])
            if rest is None:
                draft.wrong(head.file, number, f"{head.text.split()[0]}: the line of {place[2]} says neither M nor C.")
            else:
                read.add(place[1], place[2], rest)
        for kind, positions in _DEPENDENCY.findall(line):
            read.conditions.append(_condition(draft, head, number, kind, positions, read.numbers))
    if not read.uses:
        return False
    notes = f" | {' '.join(filter(None, dict.fromkeys(read.conditions)))}" if any(read.conditions) else ""
    table = draft.segments if is_segment else draft.composites
    table[head.text.split()[0]] = head._replace(text=f"{head.text} = {' '.join(read.uses)}{notes}")
    return True


def _whole(text: str, below: list[tuple[int, str]]) -> re.Match[str] | None:
    """Name, presence, repetitions and format of a place, whose name may go on in the next lines."""
    for _, line in [(0, ""), *below[:3]]:
        text = f"{text} {line.strip()}"
        if found := _REST.fullmatch(text):
            return found
        if not line.strip() and line:
            break
    return None


def _condition(draft: Draft, head: DraftLine, number: int, kind: str, positions: str, numbers: dict[str, int]) -> str:
    """`D5(040,030)` of the directory as `D5(4,3)`: numbers of places instead of positions."""
    named = [one.strip() for one in positions.split(",")]
    unknown = [one for one in named if one not in numbers]
    if unknown:
        draft.wrong(
            head.file, number, f"{head.text.split()[0]}: {kind} names the position {unknown[0]}, which it lacks."
        )
        return ""
    return f"{kind}({','.join(str(numbers[one]) for one in named)})"


def _sentence_case(name: str) -> str:
    tidy = " ".join(name.split())
    return tidy.capitalize() if tidy.isupper() else tidy
