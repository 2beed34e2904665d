"""Tables of X12 that a user has a licence for, in one text file of our own making (docs/guides.md says how).

    version 004010

    [elements]
    353 ID 2/2 Transaction set purpose code
    [codes]
    353 00 01 05
    [composites]
    C001 Composite unit of measure = 355! 1018
    [segments]
    BEG Beginning segment for purchase order = 353! 92! 324! 328 373!
    [message 850]
    header
    ST M 1
    …

The notation of each part is that of our own tables: `edi_server.guides.directory`, `edi_server.guides.segment_table`.
"""

from __future__ import annotations

import re

from edi_server.guides.draft import Draft, DraftLine

_VERSION = re.compile(r"version\s+([0-9]{6})")
_PART = re.compile(r"\[\s*(?:(elements|composites|segments|codes)|message\s+([A-Z0-9]{2,6}))\s*\]")


def read_table(draft: Draft, name: str, text: str) -> None:
    """Add what the file says to the draft; what is wrong with it goes to `draft.problems`."""
    part = message = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].rstrip()
        if not line.strip():
            continue
        if found := _VERSION.fullmatch(line.strip()):
            draft.version = found[1]
        elif found := _PART.fullmatch(line.strip()):
            part, message = found[1] or "message", found[2] or ""
            if message:
                draft.messages[message] = []
        elif part == "message":
            draft.messages[message].append(DraftLine(line.expandtabs(2), name, number))
        elif part:
            _keep(draft, part, name, number, line)
        else:
            draft.wrong(name, number, f"“{line.strip()[:40]}” stands before the first part, such as [elements].")
    if not draft.version:
        draft.wrong(name, 0, "It does not say which version it is for: write a line such as version 004010.")


def _keep(draft: Draft, part: str, name: str, number: int, line: str) -> None:
    """A line of a table; one that begins with a blank goes on with the codes above."""
    table = draft.table(part)
    if part == "codes" and line[0].isspace() and table:
        last = next(reversed(table))
        table[last] = table[last]._replace(text=f"{table[last].text} {' '.join(line.split())}")
        return
    identifier = line.split(maxsplit=1)[0]
    if identifier in table:
        draft.wrong(name, number, f"{identifier} stands in [{part}] twice, first in line {table[identifier].line}.")
    table[identifier] = DraftLine(" ".join(line.split()), name, number)
