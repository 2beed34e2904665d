"""Where an X12 interchange starts in a stream, and which separators it announces or shows."""

from __future__ import annotations

import re

import msgspec

from edi_server.findings import Finding, Place
from edi_server.syntax.junk import Junk, search, skip_harmless
from edi_server.syntax.remarks import remark
from edi_server.syntax.window import Window
from edi_server.syntax.x12_dialect import X12Dialect, x12_dialect
from edi_server.syntax.x12_isa import Announced, read_bare, read_isa

#: ISA with its first element; GS, ST or TA1 without ISA where a segment can begin.
_START = re.compile(
    rb"(?<![A-Za-z0-9])(?:"
    rb"ISA(?P<isa>[^A-Za-z0-9 \t\r\n\x80-\xff])[\r\n]{0,2}(?=[^\r\n]{0,2}(?P=isa))"
    rb"|(?<![^\s~'!|\\}^\x15\x1c\x1d\x85])"
    rb"(?:GS(?P<gs>[*|~^\x1c-\x1f\x7f])(?=[A-Z]{2}(?P=gs))|ST(?P<st>[*|~^\x1c-\x1f\x7f])(?=\d{3}(?P=st))"
    rb"|TA1(?P<ta1>[*|~^\x1c-\x1f\x7f])(?=\d{9}(?P=ta1))))"
)
#: No match of _START is longer, lookahead included.
_LONGEST_START = 20
#: Bytes that show how an interchange is written.
_AHEAD = 2048


class X12Start(msgspec.Struct, frozen=True, kw_only=True):
    """The start of an interchange; the window stands on its first segment."""

    offset: int
    #: "ISA", or "GS", "ST" or "TA1" where the interchange header is missing.
    tag: str
    dialect: X12Dialect
    announced: Announced
    findings: tuple[Finding, ...] = ()


def find_x12(piece: bytes, before: int | None = None) -> re.Match[bytes] | None:
    """Where X12 starts in a piece of bytes; with `before`, only a start in front of that offset counts.

    Looking through a few kilobytes takes as long as checking a message, so that it is worth saying.
    """
    if before is None:
        return _START.search(piece)
    found = _START.search(piece, 0, before + _LONGEST_START)
    return found if found and found.start() < before else None


def find_x12_start(window: Window) -> tuple[Junk | None, X12Start | None]:
    """Move to the start of the next interchange: what was skipped, and the start, None at the end of the stream."""
    findings = []
    marked = skip_harmless(window)
    if marked is not None:
        findings.append(remark("syntax.byte-order-mark", Place(offset=marked)))
    junk, found = search(window, _START, _LONGEST_START)
    if found is None:
        return junk, None
    if junk and is_comment(junk):
        findings.append(remark("syntax.comment", Place(offset=junk.offset)))
        junk = None
    tag = found[0].strip(b"\r\n")[:-1].decode("ascii")
    ahead = window.look(_AHEAD)
    announced = read_isa(ahead) if tag == "ISA" else read_bare(ahead)
    reading = x12_dialect(announced.separators, announced.version, wide=announced.wide)
    return junk, X12Start(offset=window.offset, tag=tag, dialect=reading, announced=announced, findings=tuple(findings))


def is_comment(junk: Junk) -> bool:
    """True if it is comment lines, as far as it can be seen."""
    return all(not line.strip() or line.lstrip().startswith(b"//") for line in junk.sample.splitlines())
