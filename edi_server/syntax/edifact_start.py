"""Where an interchange starts in a stream, and which separators and character set it announces or shows."""

from __future__ import annotations

import re

import msgspec

from edi_server.findings import Finding, Place
from edi_server.syntax.charsets import codec_of
from edi_server.syntax.edifact_dialect import Dialect, dialect
from edi_server.syntax.junk import HORIZON, Junk, search, skip_harmless
from edi_server.syntax.remarks import remark
from edi_server.syntax.separators import (
    DEFAULT,
    INFORMATION_SEPARATORS,
    Separators,
    as_bytes,
    objection,
)
from edi_server.syntax.window import Window

#: UNA with UN[BGH] behind it, indented or not; UNB with its syntax identifier; UNG or UNH at the start of a word. Line
#: breaks of a hard wrap may fall inside the tags.
_START = re.compile(
    rb"U[\r\n]{0,2}N[\r\n]{0,2}(?:"
    rb"A(?P<advice>[\x01-\x7f]{5}(?:[\x01-\x7f]|\xe2\x80\x99))[ \t\r\n]{0,24}(?=U[\r\n]{0,2}N[\r\n]{0,2}[BGH])"
    rb"|B[\r\n]{0,2}(?![A-Za-z0-9 \t\x80-\xff])[\x00-\x7f](?=[\r\n]{0,2}[A-Z][A-Z\r\n]{3})"
    rb"|(?<![A-Za-z0-9]UN)[GH][\r\n]{0,2}(?![A-Za-z0-9 \t\r\n\x80-\xff])[\x00-\x7f](?=[^\r\n]))"
)
#: No match of _START is longer, lookahead included.
_LONGEST_START = 48
_NEAR = 2048


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The start of an interchange; the window stands on its first segment behind UNA."""

    #: Of UNA, or of the first segment if there is none.
    offset: int
    #: "UNB", "UNG" or "UNH".
    tag: str
    dialect: Dialect
    findings: tuple[Finding, ...] = ()


def find_interchange(piece: bytes) -> re.Match[bytes] | None:
    """Where an interchange, or a message without one, starts in a piece of bytes."""
    return _START.search(piece)


def find_start(window: Window) -> tuple[Junk | None, Start | None]:
    """Move to the start of the next interchange: what was skipped, and the start, None at the end of the stream."""
    findings: list[Finding] = []
    marked = skip_harmless(window)
    if marked is not None:
        findings.append(remark("syntax.byte-order-mark", Place(offset=marked)))
    junk, found = search(window, _START, _LONGEST_START)
    if found is None:
        return junk, None
    offset = window.offset
    advice = found["advice"] or b""
    window.drop(found.end() if advice else 0)
    if junk and junk.sample.startswith(b"UNA") and len(junk.sample.rstrip()) <= len(Separators().advice):
        findings.append(_malformed(junk.sample, junk.offset))
        offset, junk = junk.offset, None
    return junk, _start(window, advice, offset, findings)


def _start(window: Window, advice: bytes, offset: int, findings: list[Finding]) -> Start:
    ahead = window.look(HORIZON)
    separators = _announced(advice, offset, findings) if advice else None
    if separators is None:
        separators = _shown(ahead, window.offset, findings)
    tag, (charset, version, encoding) = _syntax_identifier(ahead, separators)
    if _has_no_repetition(separators, charset, version):
        separators = msgspec.structs.replace(separators, repetition=" ")
    if tag == "UNB" and codec_of(charset, encoding) is None:
        place = Place(offset=window.offset, tag="UNB", segment=1, element=1, component=1)
        findings.append(remark("syntax.charset-unknown", place, found=charset))
    reading = dialect(separators, charset, version, encoding)
    return Start(offset=offset, tag=tag, dialect=reading, findings=tuple(findings))


def _announced(advice: bytes, offset: int, findings: list[Finding]) -> Separators | None:
    """The separators of a service string advice; None, with a finding, if they cannot be."""
    marks = advice.decode("utf-8")
    if marks[4] == "'" and marks[5] in "\r\n":
        # One of the six is missing, and the line break behind was taken for the last: the blank got lost.
        findings.append(_malformed(advice, offset))
        marks = f"{marks[:4]} '"
    separators = Separators(
        component=marks[0],
        element=marks[1],
        decimal=marks[2],
        release=marks[3],
        repetition=marks[4],
        terminator=marks[5],
        una=True,
    )
    if objection(separators):
        # Up to version 3 the fifth character is reserved, and anything may stand there.
        separators = msgspec.structs.replace(separators, repetition=" ")
    reason = objection(separators)
    if reason:
        findings.append(_malformed(advice, offset, reason))
        return None
    if not separators.terminator.isascii():
        place = Place(offset=offset + len("UNA") + len(marks) - 1, tag="UNA")
        findings.append(remark("syntax.terminator-typographic", place, found=separators.terminator, expected="'"))
    return separators


def _malformed(advice: bytes, offset: int, reason: str = "") -> Finding:
    shown = advice.decode("utf-8", "replace")
    expected = "UNA and six different service characters, such as UNA:+.? '"
    place = Place(offset=offset, tag="UNA")
    finding = remark("syntax.una-malformed", place, found=shown, expected=expected)
    if not reason:
        return finding
    return msgspec.structs.replace(finding, sentence=f"{finding.sentence.rstrip('.')}: {reason}.")


def _shown(ahead: bytes, offset: int, findings: list[Finding]) -> Separators:
    """The separators that the first segments use, where no valid UNA announces them."""
    element = ahead.translate(None, b"\r\n")[3:4].decode("latin-1")
    if element == INFORMATION_SEPARATORS.element:
        return INFORMATION_SEPARATORS
    if not element or (element == DEFAULT.element and b"'" in ahead):
        return DEFAULT
    separators = Separators(
        element=element,
        component=_shown_component(ahead, element),
        terminator=_shown_terminator(ahead, element),
    )
    if objection(separators):
        separators = msgspec.structs.replace(separators, release=" ", repetition=" ")
    if objection(separators) or separators == DEFAULT:
        return DEFAULT
    used = f"{separators.element} {separators.component} {separators.terminator}"
    place = Place(offset=offset, segment=1)
    findings.append(remark("syntax.separators-undeclared", place, found=used, expected="+ : '"))
    return separators


def _shown_component(ahead: bytes, element: str) -> str:
    """What stands behind the syntax identifier (UNB) or the message type (UNH)."""
    mark = re.escape(as_bytes(element))
    behind = rb"UN(?:B%b[A-Z]{4}|[GH]%b[^%b]*%b[A-Z]{1,6})([^A-Za-z0-9 \t\r\n%b\x80-\xff])"
    match = re.match(behind % (mark, mark, mark, mark, mark), ahead[:_NEAR].translate(None, b"\r\n"))
    return match[1].decode("ascii") if match else DEFAULT.component


def _shown_terminator(ahead: bytes, element: str) -> str:
    """What stands before the next service segment; perhaps a typographic apostrophe that a word processor put there."""
    pattern = rb"(\xe2\x80\x99|[^A-Za-z0-9 \t])[ \t\r\n]*UN[GHTZ]%b" % re.escape(as_bytes(element))
    match = re.search(pattern, ahead[:_NEAR])
    if not match:
        return DEFAULT.terminator
    return match[1].decode("utf-8" if len(match[1]) > 1 else "latin-1")


def _syntax_identifier(ahead: bytes, separators: Separators) -> tuple[str, tuple[str, str, str]]:
    """Tag, and 0001, 0002 and 0133 where the tag is UNB."""
    head = ahead[:64].translate(None, b"\r\n").decode("latin-1")
    tag = head[:3]
    if tag != "UNB":
        return tag, ("", "", "")
    identifier = re.split(f"[{re.escape(separators.element + separators.terminator)}]", head[4:])[0]
    charset, version, _, encoding = [*identifier.split(separators.component), "", "", ""][:4]
    return tag, (charset, version, encoding)


def _has_no_repetition(separators: Separators, charset: str, version: str) -> bool:
    """Elements repeat from syntax version 4 on; IATA's own syntax has repetition where UNA says so."""
    if charset.startswith("UNO"):
        return version < "4"
    return not separators.una
