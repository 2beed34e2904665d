"""What generated writers call where a document is out of the ordinary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from edi_server.canonical import When
from edi_server.findings import Finding
from edi_server.guides.model import Guide
from edi_server.syntax.normal import from_text, to_text
from edi_server.translation import faults
from edi_server.translation.composing import Composer, Spoken
from edi_server.translation.keeping import is_below, place_kept, unfold
from edi_server.translation.plan import Binding, Choice, Demand, Frame, Site
from edi_server.translation.saying import Said, Sayer, Where, path_of

#: Finds characters that need a stand-in or are legal nowhere.
ODD = re.compile(r"[+:'*\x00-\x1f\x7f-\x9f]").search
#: A number that `str` gives as EDIFACT wants it.
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]+)?").fullmatch

#: Dates by their ISO text: (text, format code), in normal form.
DATES: dict[str, tuple[str, str]] = {}
_MANY = 20_000

Chunks = dict[int, list[str]]


def say_pieces(sayer: Sayer, record: Any, where: Where, findings: list[Finding]) -> tuple[str, ...]:
    """What a line says, as one piece in normal form for each spot; empty pieces if it says nothing."""
    said = sayer.say(record, where, findings)
    if not said:
        return ("",) * len(sayer.binding.spots)
    return tuple(":".join(map(from_text, texts)) for texts in said[0])


def say_piece(sayer: Sayer, record: Any, where: Where, findings: list[Finding]) -> str:
    """The same for lines with one spot."""
    return say_pieces(sayer, record, where, findings)[0]


def say_date(sayer: Sayer, record: Any, where: Where, findings: list[Finding]) -> tuple[str, ...]:
    """A date that was not met before."""
    pieces = say_pieces(sayer, record, where, findings)
    value = getattr(record, sayer.binding.site.name)
    if isinstance(value, When) and value.format is None and pieces[0]:
        if len(DATES) >= _MANY:
            DATES.clear()
        DATES[value.iso] = (pieces[0], pieces[1])
    return pieces


def pad(pieces: str, size: int) -> str:
    """Components with as many empty ones as make `size`."""
    return pieces + ":" * (size - 1 - pieces.count(":"))


def spoken_of(binding: Binding, pieces: Sequence[str], where: Where) -> list[Spoken]:
    """Pieces in normal form as what a composer takes."""
    if not pieces[0]:
        return []
    said: Said = tuple(tuple(map(to_text, piece.split(":"))) for piece in pieces)
    return [(binding, said, where)]


def compose(
    frame: Frame,
    tests: tuple[Demand, ...],
    choice: Choice | None,
    spoken: Sequence[Spoken],
    site: Site | None,
    where: Where,
    findings: list[Finding],
    *,
    spills: bool = False,
    numbers: Sequence[tuple[tuple[int, int], int]] = (),
) -> list[str]:
    """Segments made of what lines say, where that is not simple; none if they may not be written."""
    composer = Composer(frame, tests, choice, findings, spills=spills)
    if not composer.compose(spoken, site, where):
        return []
    for (element, component), number in numbers:
        if number:
            composer.elements.setdefault(element, {})[component] = str(number)
    return composer.texts()


def missing(frame: Frame, site: Site, where: Where, findings: list[Finding]) -> None:
    """A record lacks what makes it one."""
    findings.append(faults.incomplete(frame, site, path_of((where, site.name, None))))


def place(
    guide: Guide, anchor: int, kept: Sequence[str], where: Where, findings: list[Finding], *, keeps: bool
) -> tuple[Chunks, list[str]]:
    """Kept segments by position, and those that belong below a slot."""
    chunks: Chunks = {}
    below = []
    for text in kept:
        if is_below(text):
            below.append(text)
            continue
        placed = place_kept(guide, anchor, text) if keeps else None
        if placed is None:
            homeless([text], where, findings)
        else:
            chunks.setdefault(placed[0], []).extend(placed[1])
    return chunks, below


def flush(chunks: Chunks, segments: list[str], before: int) -> int:
    """Write the kept segments of all positions before one; how many there were."""
    done = 0
    for position in sorted(chunks):
        if position < before:
            kept = chunks.pop(position)
            segments += kept
            done += len(kept)
    return done


def homeless(kept: Sequence[str], where: Where, findings: list[Finding]) -> None:
    """Kept segments without a place."""
    findings += [faults.no_place(path_of((where, "kept", None)), text) for text in kept]


def forget(below: list[str], key: str) -> None:
    """The segments kept below a slot have been written."""
    below[:] = [text for text in below if not text.startswith(f"@{key} ")]


__all__ = [
    "DATES",
    "ODD",
    "PLAIN_NUMBER",
    "compose",
    "flush",
    "forget",
    "homeless",
    "is_below",
    "missing",
    "pad",
    "place",
    "say_date",
    "say_piece",
    "say_pieces",
    "spoken_of",
    "unfold",
]
