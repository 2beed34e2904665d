"""What is this? A first look at the first bytes of a transmission."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from edi_server.syntax.edifact_start import find_interchange
from edi_server.syntax.junk import BYTE_ORDER_MARK, HARMLESS, is_interactive

Syntax = Literal["edifact", "x12", "xml", "empty", "other"]

#: How many bytes are worth looking at.
ENOUGH = 4096

_X12 = re.compile(
    rb"ISA(?P<element>[^A-Za-z0-9 ])[0-9 ]{2}(?P=element)|(?:\A|[\r\n])ST(?![A-Za-z0-9 ])[\x21-\x7f]\d{3}"
)
_XML = re.compile(rb"<(?:[?!]|[A-Za-z_][\w.-]*(?::[\w.-]+)?(?:\s|/?>))")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: "UNA", "UNB", "ISA" in code page 500.
_EBCDIC = (b"\xe4\xd5\xc1", b"\xe4\xd5\xc2", b"\xc9\xe2\xc1")
_SEGMENTS = re.compile(rb"(?:UNA.{6}\s*)?[A-Z]{3}\+[^\r\n]", re.DOTALL)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What bytes look like."""

    syntax: Syntax
    #: Offset of the first byte that belongs to it, behind byte order mark, blanks and junk.
    start: int = 0
    #: Tag it begins with: "UNA", "UNB", "UNG", "UNH" (a message without envelope), "ISA", "ST"; or "".
    tag: str = ""
    #: One plain sentence.
    sentence: str
    #: The first of what stood there, for people.
    found: str = ""


def sniff(head: bytes) -> Kind:
    """What the bytes that begin with `head` are; `ENOUGH` bytes are enough. Never fails."""
    rest = head.removeprefix(BYTE_ORDER_MARK).lstrip(HARMLESS)
    start = len(head) - len(rest)
    if not rest:
        return Kind(syntax="empty", start=start, sentence="The file is empty.")
    found = rest[:60].decode("ascii", "replace")
    return _xml(rest, start, found) or _edi(rest, start, found) or _other(rest, start, found)


def _xml(rest: bytes, start: int, found: str) -> Kind | None:
    if _XML.match(rest) or (rest.startswith(_UTF_16) and rest[2:].replace(b"\x00", b"").startswith(b"<")):
        return Kind(syntax="xml", start=start, sentence="This is an XML document.", found=found)
    return None


def _edi(rest: bytes, start: int, found: str) -> Kind | None:
    """Whichever of EDIFACT and X12 begins first."""
    edifact, x12 = find_interchange(rest), _X12.search(rest)
    if edifact and not (x12 and x12.start() < edifact.start()):
        tag = edifact[0].translate(None, b"\r\n")[:3].decode("ascii")
        sentence = "This is an EDIFACT message without UNB." if tag in ("UNG", "UNH") else "This is EDIFACT."
        return Kind(syntax="edifact", start=start + edifact.start(), tag=tag, sentence=sentence, found=found)
    if x12:
        tag = "ISA" if x12["element"] else "ST"
        return Kind(syntax="x12", start=start + x12.start(), tag=tag, sentence="This is ANSI X12.", found=found)
    return None


def _other(rest: bytes, start: int, found: str) -> Kind:
    if rest.startswith(_UTF_16):
        sentence = "This is text in UTF-16, which EDI does not use; send it in the character set that UNB names."
    elif rest.startswith(_EBCDIC):
        sentence = (
            "This is EDI in EBCDIC, which is not supported; send it in ASCII or the character set that UNB names."
        )
    elif is_interactive(rest):
        sentence = "This is interactive EDI (UIB), which is not supported; send a batch interchange (UNB)."
    elif _SEGMENTS.match(rest):
        sentence = "These are EDIFACT segments, but there is neither an interchange header (UNB) nor a message (UNH)."
    else:
        sentence = "This is neither EDIFACT nor X12 nor XML."
    return Kind(syntax="other", start=start, sentence=sentence, found=found)
