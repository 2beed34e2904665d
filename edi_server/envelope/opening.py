"""Open whatever it is: EDIFACT, X12, or interchanges of both one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Literal

from edi_server.envelope.edifact import debris as edifact_debris
from edi_server.envelope.edifact_interchange import Interchange
from edi_server.envelope.model import Debris, Event
from edi_server.envelope.x12 import x12_debris
from edi_server.envelope.x12_interchange import X12Interchange
from edi_server.findings import Finding, Place
from edi_server.syntax import edifact, x12
from edi_server.syntax.edifact_start import find_interchange
from edi_server.syntax.junk import BYTE_ORDER_MARK, HARMLESS, Junk
from edi_server.syntax.sniff import ENOUGH, Kind, sniff
from edi_server.syntax.window import Window

Syntax = Literal["edifact", "x12"]

#: Bytes. Where no interchange begins within so many, only one of the syntax found last is looked for.
_FARTHEST = 1024 * 1024


def open_interchanges(source: BinaryIO, *, block_size: int = edifact.BLOCK_SIZE) -> Iterator[Event]:
    """What is in a transmission, in the order of its bytes, whatever its syntax; see `edi_server.envelope.model`.

    `InterchangeHeader.syntax` says of each interchange which it is. Any bytes are read without an exception; errors of
    `source` itself go through. Memory is bounded by the largest message and by `block_size` bytes of stream.
    """
    window, page = x12.open_window(source)
    kind = sniff(window.look(ENOUGH))
    number, end, syntax = 0, 0, _syntax_of(kind)
    while True:
        syntax = _next_syntax(window) or syntax
        junk, interchange = _start(window, syntax, number + 1, block_size, page)
        if junk and (interchange or number):
            yield _debris(junk, syntax)
        if interchange is None:
            break
        number += 1
        yield from interchange.events()
        end = window.offset
    if number == 0:
        yield Debris(offset=end, end=window.offset, findings=(not_edi(kind),))


def not_edi(kind: Kind) -> Finding:
    """What is said about bytes that hold nothing we read."""
    return Finding(
        code="syntax.not-edi",
        severity="error",
        sentence=f"{kind.sentence} Only EDIFACT and X12 can be read.",
        place=Place(offset=kind.start),
        found=kind.found[:80] or None,
        expected="UNA, UNB or ISA",
    )


def _syntax_of(kind: Kind) -> Syntax:
    return "x12" if kind.syntax == "x12" else "edifact"


def _next_syntax(window: Window) -> Syntax | None:
    """Whichever of both begins first; None if neither is near."""
    size = ENOUGH
    while True:
        piece = window.look(size)
        rest = piece.lstrip(HARMLESS).removeprefix(BYTE_ORDER_MARK).lstrip(HARMLESS)
        one, other = find_interchange(rest[:8]), x12.find_x12(rest[:8])
        if not (one or other):
            one, other = find_interchange(rest), x12.find_x12(rest)
        if one or other:
            return "x12" if other and not (one and one.start() < other.start()) else "edifact"
        if len(piece) < size or size >= _FARTHEST:
            return None
        size *= 8


def _start(
    window: Window, syntax: Syntax, number: int, block_size: int, page: str
) -> tuple[Junk | None, Interchange | X12Interchange | None]:
    """Move to the next interchange: what was skipped, and the interchange, None at the end."""
    if syntax == "x12":
        junk, start = x12.find_x12_start(window)
        if start is None:
            return junk, None
        return junk, X12Interchange(number, start, x12.X12Reader(window, start, block_size=block_size), page)
    junk, begin = edifact.find_start(window)
    if begin is None:
        return junk, None
    reader = edifact.SegmentReader(window, begin.dialect, block_size=block_size)
    return junk, Interchange(number, begin, reader, window)


def _debris(junk: Junk, syntax: Syntax) -> Debris:
    return x12_debris(junk, alone=False) if syntax == "x12" else edifact_debris(junk, alone=False)
