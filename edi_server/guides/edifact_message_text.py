"""A message of UN/EDIFACT as the United Nations publish it: the text of EDMD with its segment table (section 4.3.1).

    0070       ----- Segment group 1  ------------------ C   10----------+
    0080   RFF Reference                                 M   1           |
    0090   DTM Date/time/period                          C   1-----------+

The lines at the right, made of `+ | -` or of the box characters of code page 437, say where groups end. Until 1993 the
positions at the left are lacking.
"""

from __future__ import annotations

import re

from edi_server.guides.draft import Draft, DraftLine

_MARKS = r"[ *+#|X-]*"
_TITLE = re.compile(r"^.*\bMessage Type\s*:\s*([A-Z]{6})\b.*$", re.MULTILINE)
_VERSION = re.compile(r"^.*\bVersion\s*:\s*([DS])\b.*$", re.MULTILINE)
_RELEASE = re.compile(r"^.*\bRelease\s*:\s*([0-9]{2}[A-C])\b.*$", re.MULTILINE)
_TABLE = re.compile(r"^\s*4\.3(\.1)?\s+Segment table", re.MULTILINE | re.IGNORECASE)
_SECTION = re.compile(r"\s*(HEADER|DETAIL|SUMMARY) SECTION\s*")
#: Lines of code page 437 read as Latin-1 are letters, so that what is none must be said as what is no letter of ours.
_GROUP = re.compile(
    r"\s*[0-9]{0,5}[^A-Za-z0-9]*Segment group\s+([0-9]+)[^A-Za-z0-9]*?\s([MC])\s+([0-9]+)(.*)", re.IGNORECASE
)
_SEGMENT = re.compile(rf"\s*[0-9]{{0,5}}{_MARKS}\s([A-Z]{{3}})\s+\S.*?\s([MC])\s+([0-9]+)(.*)")
#: The corner that ends a group: `+`, or those of code page 437 read as Latin-1; more ends than one stand side by side.
_ENDS = re.compile(r"[+ÙÁ]")
_LINE = re.compile(r"[-Ä]")
#: Code page 437, as some files came to be decoded.
_BOXES = str.maketrans({"┘": "Ù", "┴": "Á", "─": "Ä", "┐": "¿", "│": "³"})


def is_message_text(text: str) -> bool:
    """True for a message of EDMD, or its segment table alone."""
    return _TABLE.search(text) is not None


def read_message_text(draft: Draft, name: str, text: str) -> None:
    """Add the message to the draft. Its type and version stand in the text, or else in the name (ORDERS_D.96A)."""
    title, version, release = _TITLE.search(text), _VERSION.search(text), _RELEASE.search(text)
    named = re.search(r"([A-Z]{6})_([DS])\.?([0-9]{2}[A-C])", name.upper())
    message = title[1] if title else named[1] if named else ""
    if not message:
        draft.wrong(name, 0, "It has a segment table, but says no message type: name the file like ORDERS_D.96A.")
        return
    said = f"{version[1]}.{release[1]}" if version and release else f"{named[2]}.{named[3]}" if named else ""
    if said and draft.version and said != draft.version:
        draft.wrong(name, 0, f"It is of version {said}, the others are of {draft.version}: add one version at a time.")
    draft.version = draft.version or said
    *_, table = _TABLE.finditer(text)
    first = text.count("\n", 0, table.end()) + 1
    draft.messages[message] = _Rows(draft, name).read(text[table.end() :].splitlines(), first)


class _Rows:
    """Lines of our own segment table, made of those of the United Nations."""

    def __init__(self, draft: Draft, file: str) -> None:
        self._draft, self._file = draft, file
        self._rows: list[DraftLine] = []
        #: Numbers of the open groups, outermost first.
        self._open: list[str] = []
        self._trigger = False

    def read(self, lines: list[str], first: int) -> list[DraftLine]:
        for number, raw in enumerate(lines, first):
            line = raw.translate(_BOXES)
            if section := _SECTION.fullmatch(line):
                self._rows.append(DraftLine(section[1].lower(), self._file, number))
            elif group := _GROUP.fullmatch(line):
                self._group(group, number)
            elif segment := _SEGMENT.fullmatch(line):
                self._segment(segment, number)
        if self._open:
            self._wrong(number, f"Segment group {self._open[-1]} does not end.")
        if not self._rows:
            self._wrong(first, "The segment table has no segments.")
        return self._rows

    def _group(self, found: re.Match[str], number: int) -> None:
        if self._trigger:
            self._wrong(number, f"Segment group {found[1]} begins where the first segment of another one belongs.")
        self._add(f"SG{found[1]} {found[2].upper()} {found[3]}", number)
        self._open.append(found[1])
        self._trigger = True

    def _segment(self, found: re.Match[str], number: int) -> None:
        tag, presence, repeat, right = found.groups()
        if self._trigger and (presence, repeat) != ("M", "1"):
            self._wrong(number, f"{tag} begins a segment group, and so must be M 1, not {presence} {repeat}.")
        self._trigger = False
        self._add(f"{tag} {presence} {repeat}", number)
        ends = len(_ENDS.findall(right)) if _LINE.search(right) or _ENDS.match(right.strip()) else 0
        if ends > len(self._open):
            self._wrong(number, f"{ends} segment groups end here, but only {len(self._open)} are open.")
        del self._open[len(self._open) - min(ends, len(self._open)) :]

    def _add(self, text: str, number: int) -> None:
        self._rows.append(DraftLine(f"{'  ' * len(self._open)}{text}", self._file, number))

    def _wrong(self, number: int, sentence: str) -> None:
        self._draft.wrong(self._file, number, sentence)
