"""What is this? A first look at the first bytes of a transmission."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from edi_server.syntax.ebcdic import code_page
from edi_server.syntax.edifact_start import find_interchange
from edi_server.syntax.junk import BYTE_ORDER_MARK, HARMLESS, is_interactive
from edi_server.syntax.x12_start import find_x12

Syntax = Literal["edifact", "x12", "xml", "empty", "other"]

#: How many bytes are worth looking at.
ENOUGH = 4096

_XML = re.compile(rb"<(?:[?!]|[A-Za-z_][\w.-]*(?::[\w.-]+)?(?:\s|/?>))")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: "UNA" and "UNB" in code page 500.
_EBCDIC = (b"\xe4\xd5\xc1", b"\xe4\xd5\xc2")
_SEGMENTS = re.compile(rb"(?:UNA.{6}\s*)?[A-Z]{3}\+[^\r\n]", re.DOTALL)
#: What is sent by mistake, or by way of another process, in words.
_KNOWN = tuple(
    (words, re.compile(pattern, re.DOTALL))
    for words, pattern in (
        ("a PDF document", rb"%PDF-"),
        ("a ZIP archive (or a document of an office program, which is one)", rb"PK(?:\x03\x04|\x05\x06)"),
        ("a file compressed with gzip", rb"\x1f\x8b"),
        ("a document of an office program", rb"\xd0\xcf\x11\xe0|\{\\rtf"),
        ("encrypted or signed with PGP", rb"-----BEGIN PGP |[\x84\x85\x8c\xc0\xc1](?:[\x00-\x04]|.\x03)"),
        ("a certificate or key", rb"-----BEGIN "),
        ("an e-mail or a part of one", rb"(?:[A-Za-z-]{2,40}: [^\r\n]*\r?\n){2}|(?:MIME-Version|Content-Type):"),
        ("an image", rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\x00|MM\x00\*"),
        ("JSON", rb"[{\[]\s*(?:[\"{\[\]}\d]|true|false|null)"),
        ("TRADACOMS", rb"STX=ANA|[A-Z]{3}=[^'+]{1,20}\+"),
        ("an SAP IDoc in its flat form", rb"EDI_DC(?:40)?[ _U]"),
        ("a VDA message (records of 128 characters)", rb"(?:511|551|711|512|513|811|821)0[1-5][^\r\n]{100}"),
        ("text with columns (CSV)", rb"[^\r\n;]*(?:;[^\r\n;]*){2,}\r?\n|[^\r\n\t]*(?:\t[^\r\n\t]*){2,}\r?\n"),
        ("text with columns (CSV)", rb"[^\r\n,. ]{1,40}(?:,[^\r\n,.]{0,40}){2,}\r?\n"),
    )
)


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
    if code_page(rest):
        return Kind(syntax="x12", start=start, tag="ISA", sentence="This is ANSI X12 in EBCDIC.", found=found)
    edifact = find_interchange(rest)
    x12 = find_x12(rest, edifact.start() if edifact else None)
    if edifact and not x12:
        tag = edifact[0].translate(None, b"\r\n")[:3].decode("ascii")
        sentence = "This is an EDIFACT message without UNB." if tag in ("UNG", "UNH") else "This is EDIFACT."
        return Kind(syntax="edifact", start=start + edifact.start(), tag=tag, sentence=sentence, found=found)
    if x12:
        tag = x12[0].strip(b"\r\n")[:-1].decode("ascii")
        sentence = "This is ANSI X12." if tag == "ISA" else "This is ANSI X12 without ISA."
        return Kind(syntax="x12", start=start + x12.start(), tag=tag, sentence=sentence, found=found)
    return None


def _other(rest: bytes, start: int, found: str) -> Kind:
    if rest.startswith(_UTF_16):
        sentence = "This is text in UTF-16, which EDI does not use; send it in the character set that UNB names."
    elif rest.startswith(_EBCDIC):
        sentence = "This is EDIFACT in EBCDIC, which is not supported; send it in ASCII or what UNB names."
    elif is_interactive(rest):
        sentence = "This is interactive EDI (UIB), which is not supported; send a batch interchange (UNB)."
    elif _SEGMENTS.match(rest):
        sentence = "These are EDIFACT segments, but there is neither an interchange header (UNB) nor a message (UNH)."
    else:
        known = next((words for words, pattern in _KNOWN if pattern.match(rest)), "neither EDIFACT nor X12 nor XML")
        sentence = f"This is {known}."
    return Kind(syntax="other", start=start, sentence=sentence, found=found)
