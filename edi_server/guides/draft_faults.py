"""What is wrong with a draft of tables: every line that is no line, and every name that leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from edi_server.guides.directory import CONDITION, ELEMENT, USE
from edi_server.guides.draft import Draft, DraftLine, Problem
from edi_server.guides.segment_table import SECTIONS

_ROW = re.compile(r"((?:  )*)(\S+) ([MCO]) ([1-9][0-9]*|>1)(?: nest (\w+) in (\w+))?")
#: First and last segment of a message.
_FRAME = {"edifact": ("UNH", "UNT"), "x12": ("ST", "SE")}


def find_faults(draft: Draft, service: Collection[str]) -> list[Problem]:
    """Everything that is wrong, in the order of files and lines; `service`: segments that need not be in the draft."""
    faults = [
        *draft.problems,
        *_element_faults(draft),
        *_use_faults(draft.composites, "composite", draft.elements.keys()),
        *_use_faults(draft.segments, "segment", draft.elements.keys() | draft.composites.keys()),
        *(fault for name in draft.messages for fault in _message_faults(draft, name, service)),
    ]
    return sorted(set(faults))


def _element_faults(draft: Draft) -> Iterator[Problem]:
    for line in draft.elements.values():
        found = ELEMENT.fullmatch(line.text)
        if found is None:
            expected = "353 ID 2/2 Name" if draft.syntax == "x12" else "3039 an..17 Name"
            yield _problem(line, f"“{line.text[:40]}” is no data element; write it like {expected}.")
        elif not 1 <= int(found[6] or 1) <= int(found[7] or found[4]):
            yield _problem(line, f"{found[1]} has a length that nothing can have.")
    for identifier, line in draft.codes.items():
        if len(line.text.split()) == 1:
            yield _problem(line, f"The code list of {identifier} is empty.")


def _use_faults(table: dict[str, DraftLine], what: str, known: Collection[str]) -> Iterator[Problem]:
    for identifier, line in table.items():
        head, equals, rest = line.text.partition(" = ")
        uses, _, conditions = rest.partition(" | ")
        if not equals or not uses.split() or " " not in head:
            yield _problem(line, f"“{line.text[:40]}” is no {what}; write it like {identifier} Name = part part.")
            continue
        for use in uses.split():
            found = USE.fullmatch(use)
            if found is None:
                yield _problem(line, f"{identifier}: “{use}” is no part; write it like 3039, 3039! or 3039*5.")
            elif found[3] and not int(found[3]):
                yield _problem(line, f"{identifier}: “{use}” stands no times.")
            elif found[1] not in known:
                yield _problem(line, f"{identifier} has a part {found[1]}, which is defined nowhere.")
        yield from _condition_faults(line, identifier, conditions.split(), len(uses.split()))


def _condition_faults(line: DraftLine, identifier: str, conditions: list[str], places: int) -> Iterator[Problem]:
    for text in conditions:
        found = CONDITION.fullmatch(text)
        if found is None:
            yield _problem(line, f"{identifier}: “{text}” is no condition; write it like D5(3,4) or P0304.")
            continue
        numbers = found[2].split(",") if found[2] else re.findall("..", found[4])
        if not all(1 <= int(number) <= places for number in numbers):
            yield _problem(line, f"{identifier}: {text} names a place beyond the {places} that there are.")


def _message_faults(draft: Draft, message: str, service: Collection[str]) -> Iterator[Problem]:
    lines = draft.messages[message]
    rows = [line for line in lines if line.text.strip() not in SECTIONS]
    if not rows:
        yield Problem(lines[0].file if lines else message, 0, f"{message} has no segments.")
        return
    known = draft.segments.keys() | set(service)
    room = 0
    for line, below in zip(rows, [*rows[1:], None], strict=True):
        found = _ROW.fullmatch(line.text)
        if found is None:
            yield _problem(line, f"“{line.text.strip()[:40]}” is no line of a message; write it like RFF M 1.")
            continue
        level = _level(line)
        if level > room:
            yield _problem(line, f"{found[2]} stands deeper than a group above it would allow.")
        is_group = below is not None and _level(below) > level
        room = level + 1 if is_group else level
        if not is_group and found[2] not in known:
            yield _problem(line, f"{message} has a segment {found[2]}, which is defined nowhere.")
        if found[5]:
            yield from _nest_faults(draft, line, found, below)
    yield from _frame_faults(draft.syntax, message, rows)
    for line, below in pairwise(lines):
        if line.text.strip() in SECTIONS and (_level(line) or _level(below)):
            yield _problem(line, f"The section {line.text.strip()} begins inside a group.")


def _nest_faults(draft: Draft, line: DraftLine, found: re.Match[str], below: DraftLine | None) -> Iterator[Problem]:
    """Repetitions form a tree by two data elements, which the first segment of the group must have."""
    tag = below.text.split()[0] if below is not None and _level(below) > _level(line) else ""
    places = _places(draft, tag)
    for element in (found[5], found[6]):
        if element not in places:
            yield _problem(line, f"{found[2]}: {tag or 'its first segment'} has no data element {element} to nest by.")


def _places(draft: Draft, tag: str) -> set[str]:
    """Data elements of a segment, those in its composites included."""
    named: set[str] = set()
    for use in _parts(draft.segments.get(tag)):
        named |= {use, *_parts(draft.composites.get(use))}
    return named


def _parts(line: DraftLine | None) -> set[str]:
    uses = line.text.partition(" = ")[2].partition(" | ")[0].split() if line else ()
    return {use.partition("*")[0].rstrip("!") for use in uses}


def _frame_faults(syntax: str, message: str, rows: list[DraftLine]) -> Iterator[Problem]:
    first, last = _FRAME[syntax]
    for line, tag, where in ((rows[0], first, "begin"), (rows[-1], last, "end")):
        if line.text.split()[0] != tag or _level(line):
            yield _problem(line, f"{message} must {where} with {tag}, outside any group.")


def _level(line: DraftLine) -> int:
    return (len(line.text) - len(line.text.lstrip())) // 2


def _problem(line: DraftLine, sentence: str) -> Problem:
    return Problem(line.file, line.line, sentence)
