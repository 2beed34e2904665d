"""ANSI X12, segments → bytes, with any separators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Literal

import msgspec

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.syntax.flaws import END, Flaw, flaws_in, tell, written
from edi_server.syntax.normal import to_text
from edi_server.syntax.separators import Separators, objection
from edi_server.syntax.x12_dialect import BINARY
from edi_server.syntax.x12_isa import FIRST_WITH_REPETITION, X12_DEFAULT

#: Which characters may be written: X12.6 section 3.3.1 (basic), with 3.3.2 (extended, ASCII only), or what was agreed.
Repertoire = Literal["basic", "extended", "latin-1", "utf-8"]

_OUTSIDE_BASIC = re.compile(r"""[^A-Z0-9 !"&'()*+,\-./:;?=]""")
_CODECS = {"basic": "ascii", "extended": "ascii", "latin-1": "latin-1", "utf-8": "utf-8"}
#: Separators that hardly ever are data, the best first.
_CANDIDATES = "^>~|\\{}`[]<!\x1c\x1d\x1e\x1f"


def write_x12_segments(
    segments: Sequence[str],
    separators: Separators = X12_DEFAULT,
    repertoire: Repertoire = "extended",
    *,
    line_breaks: bool = False,
) -> tuple[bytes, list[Finding]]:
    """The bytes of segments in normal form, and what could not be said as it should.

    X12 cannot release a separator that is data: it is replaced by a blank, with a finding; see `free_separators`.
    `line_breaks` puts CR LF behind each terminator. The data of BIN and BDS is written byte by byte as it was read.

    Raises `ConfigurationError` for separators that cannot work.
    """
    _object(separators)
    flaws = _flaws(segments, separators, repertoire)
    findings = tell([_head(segment) for segment in segments], flaws) if flaws else []
    end = separators.terminator + ("\r\n" if line_breaks and separators.terminator not in "\r\n" else "")
    table = {ord(mark): flaw.instead for mark, flaw in flaws.items()}
    codec, marks = _codec(separators, repertoire), written(separators, end)

    def piece(texts: Iterator[str]) -> bytes:
        return END.join([*texts, ""]).translate(table).translate(marks).encode(codec)

    parts = []
    for is_binary, run in groupby(segments, lambda segment: segment[:4] in BINARY):
        if is_binary:
            ended = end.encode(codec)
            parts += [piece(iter([_head(one)]))[: -len(ended)] + _content(one) + ended for one in run]
        else:
            parts.append(piece(run))
    return b"".join(parts), findings


def x12_separators(version: str) -> Separators:
    """The usual separators of an interchange whose ISA12 is `version`: with repetition separator from 00402 on."""
    repetition = "^" if version >= FIRST_WITH_REPETITION else " "
    return msgspec.structs.replace(X12_DEFAULT, repetition=repetition)


def free_separators(separators: Separators, segments: Sequence[str]) -> Separators:
    """These separators, but others for those that are data in the segments.

    For agreements whose partner reads the separators from ISA, as the standard asks, instead of counting on some.
    """
    texts = "".join(_head(segment) for segment in segments if not segment.startswith("ISA+"))
    data = {to_text(mark) for mark in set(texts) - set("+:*")}
    for role in ("component", "repetition", "element", "terminator"):
        mark = getattr(separators, role)
        if mark in data and mark != " ":
            taken = data | {
                getattr(separators, other) for other in msgspec.structs.asdict(separators) if other != "una"
            }
            free = next((one for one in _CANDIDATES if one not in taken), mark)
            separators = msgspec.structs.replace(separators, **{role: free})
    return separators


def _object(separators: Separators) -> None:
    reason = objection(separators)
    if separators.release != " ":
        reason = "X12 has no release character"
    if reason:
        used = f"{separators.element}{separators.component}{separators.repetition}{separators.terminator}"
        raise ConfigurationError(f"The separators {used!r} cannot be used: {reason}.")


def _flaws(segments: Sequence[str], separators: Separators, repertoire: Repertoire) -> dict[str, Flaw]:
    text = "".join(map(_head, segments))
    flaws = flaws_in(text, separators, partial(_is_writable, repertoire), lower_case=False)
    if "*" in flaws:
        flaws["*"] = Flaw("syntax.repetition-missing", " ")
    return flaws


def _is_writable(repertoire: Repertoire, mark: str) -> bool:
    if repertoire == "basic":
        return not _OUTSIDE_BASIC.match(mark)
    try:
        mark.encode(_CODECS[repertoire])
    except UnicodeEncodeError:
        return False
    return True


def _codec(separators: Separators, repertoire: Repertoire) -> str:
    """Separators beyond ASCII need a codec of their own: it decides how they are written, too."""
    codec = _CODECS[repertoire]
    used = separators.element + separators.component + separators.repetition + separators.terminator
    if codec != "ascii" or used.isascii():
        return codec
    return "latin-1" if all(ord(mark) < 0x100 for mark in used) else "utf-8"


def _head(segment: str) -> str:
    """The segment, but of binary data only what stands before."""
    if segment[:4] not in BINARY:
        return segment
    count = 2 if segment.startswith("BIN") else 3
    return "+".join([*segment.split("+", count)[:count], ""])


def _content(segment: str) -> bytes:
    """Binary data, one byte a character."""
    return to_text(segment[len(_head(segment)) :]).encode("latin-1", "replace")
