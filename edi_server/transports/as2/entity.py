"""MIME entities on raw bytes: what is signed is what was transmitted, so nothing is ever written anew.

Source: RFC 2045, 2046, 2183, 2231; RFC 4130 section 5 (the part of MIME that AS2 uses).
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from functools import cached_property

import msgspec

from edi_server.transports.as2.algorithms import Buffer, is_blank
from edi_server.transports.as2.allowance import Allowance
from edi_server.transports.as2.file_names import file_name_of, text_of

#: Header lines of one entity, at most: nobody needs more.
LONGEST_HEADER = 8192
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
#: Lines, the last of which may end it: white space in front continues one.
_ONLY_HEADER = re.compile(rb"(?:(?:[!-9;-~]+:|[ \t]+[^\s])[^\r\n]*\r?\n)+")
_IS_OF_CONTENT = re.compile(r"content-(?!length$).*", re.IGNORECASE)
_CRLF = b"\r\n"
#: Bytes of base64 that are decoded at a time: a large body is not copied for it.
_AT_A_TIME = 1 << 20
_LF = 10
#: Parts of one multipart: a document and its attachments.
MAX_PARTS = 100


class EntityError(ValueError):
    """The bytes are no MIME entity that we understand; the text says why, in half a sentence."""


class Entity(msgspec.Struct, frozen=True, dict=True):
    """A MIME entity: header lines and body, exactly as transmitted."""

    #: Header block without the empty line.
    head: bytes
    body: Buffer
    #: Both, with the empty line between them: what a signature covers.
    raw: Buffer

    @cached_property
    def headers(self) -> Message:
        """Header fields; names in any case."""
        return HeaderParser().parsestr(text_of(self.head) + "\r\n\r\n")

    @property
    def content_type(self) -> str:
        """Type and subtype in lower case; "text/plain" where none is stated (RFC 2045 5.2)."""
        return self.headers.get_content_type()

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, "" where it is absent."""
        value = self.headers.get_param(name)
        return collapse_rfc2231_value(value) if value is not None else ""

    @cached_property
    def content(self) -> Buffer:
        """The body with its transfer encoding undone. Raises EntityError."""
        return decode_body(self.body, str(self.headers.get("Content-Transfer-Encoding", "")))

    @property
    def file_name(self) -> str:
        """The name that the sender gave, without any path; "" if none (RFC 2183 2.3)."""
        return file_name_of(self.headers)


class Written(msgspec.Struct, frozen=True, dict=True):
    """A MIME entity of ours, in pieces: those of a large body are put together once, at the very end."""

    head: bytes
    pieces: tuple[Buffer, ...]

    @property
    def raw_pieces(self) -> tuple[Buffer, ...]:
        """Head, empty line and body: what a signature covers."""
        return (self.head, _CRLF + _CRLF if self.head else _CRLF, *self.pieces)

    @cached_property
    def raw(self) -> bytes:
        """The same in one."""
        return b"".join(self.raw_pieces)

    @cached_property
    def body(self) -> bytes | bytearray:
        """What follows the empty line."""
        first = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        return bytes(first) if isinstance(first, memoryview) else first

    @cached_property
    def headers(self) -> Message:
        """Header fields; names in any case."""
        return HeaderParser().parsestr(text_of(self.head) + "\r\n\r\n")


def outermost(headers: Mapping[str, str], body: Buffer) -> Entity:
    """The entity that a request over HTTP is; `headers` by any case.

    Its raw form is never signed over, so it need not be what was transmitted.
    """
    kept = [(name, value) for name, value in headers.items() if _IS_OF_CONTENT.fullmatch(name)]
    # Bytes that are no text came as surrogates, and are those bytes again.
    lines = [f"{name}: {' '.join(value.split())}".encode("utf-8", "surrogateescape") for name, value in kept]
    return Entity(head=_CRLF.join(lines), body=body, raw=b"")


def parse(raw: Buffer, allowance: Allowance | None = None) -> Entity:
    """An entity from its bytes. Raises EntityError where its header does not end."""
    view = memoryview(raw)
    start = bytes(view[:2])
    if start == _CRLF or start[:1] == b"\n":
        cut = 2 if start == _CRLF else 1
        return Entity(head=b"", body=view[cut:], raw=view)
    end = _END_OF_HEADER.search(view, 0, LONGEST_HEADER)
    if end is None:
        raise EntityError("no empty line ends its header")
    return _counted(Entity(head=bytes(view[: end.start()]), body=view[end.end() :], raw=view), allowance)


def _part(raw: memoryview, allowance: Allowance) -> Entity:
    """The same for a part of a multipart, whose header alone may be all there is (RFC 2046 5.1.1, body-part)."""
    if not raw:
        return Entity(head=b"", body=raw, raw=raw)
    if len(raw) <= LONGEST_HEADER and _ONLY_HEADER.fullmatch(raw):
        return _counted(Entity(head=bytes(raw).rstrip(_CRLF), body=raw[len(raw) :], raw=raw), allowance)
    return parse(raw, allowance)


def _counted(entity: Entity, allowance: Allowance | None) -> Entity:
    if allowance is not None:
        allowance.header_bytes -= len(entity.head)
        if allowance.header_bytes < 0:
            raise EntityError("headers without end")
    return entity


def decode_body(body: Buffer, encoding: str) -> Buffer:
    """The body with a Content-Transfer-Encoding undone. Raises EntityError."""
    match encoding.strip().lower():
        case "" | "binary" | "7bit" | "8bit":
            return body
        case "base64":
            return _of_base64(body)
        case "quoted-printable":
            return quopri.decodestring(bytes(body))
        case other:
            raise EntityError(f"an unknown transfer encoding, {other[:40]}")


def _of_base64(body: Buffer) -> bytearray:
    view, decoded, rest = memoryview(body), bytearray(), b""
    try:
        for at in range(0, len(view), _AT_A_TIME):
            piece = rest + bytes(view[at : at + _AT_A_TIME]).translate(None, b" \t\r\n")
            whole = len(piece) - len(piece) % 4
            # Padding ends it: nothing may follow. The last four characters wait, since they may hold it.
            if b"=" in piece[: max(whole - 4, 0)]:
                raise EntityError("its base64 is damaged")
            decoded += base64.b64decode(piece[: max(whole - 4, 0)], validate=True)
            rest = piece[max(whole - 4, 0) :]
        decoded += base64.b64decode(rest, validate=True)
    except binascii.Error as error:
        raise EntityError("its base64 is damaged") from error
    return decoded


def parts_of(entity: Entity, allowance: Allowance | None = None, *, strict: bool = False) -> list[Entity]:
    """The parts of a multipart entity, each exactly as transmitted (RFC 2046 5.1.1). Raises EntityError.

    `strict`: what is decrypted and not yet proven to be anybody's ends with its last boundary. Bytes that may stand
    behind it, whatever they are, would let an attacker find out what other content is, byte by byte.
    """
    body, allowance = memoryview(entity.body), allowance or Allowance()
    parts: list[Entity] = []
    start: int | None = None
    for match in _boundaries(entity, body):
        end = match.start()
        if start is not None:
            end -= 2 if body[max(end - 2, 0) : end] == _CRLF else 1
            parts.append(_part(body[start : max(start, end)], allowance))
            if len(parts) > MAX_PARTS:
                raise EntityError("a multipart of too many parts")
        if match[1]:
            if strict and not is_blank(body[match.end() :]):
                raise EntityError("bytes follow its last boundary")
            return parts
        start = _behind(match, body)
    raise EntityError("a multipart whose last boundary is missing")


def preamble_of(entity: Entity) -> bytes:
    """What stands in front of the first boundary of a multipart entity. Raises EntityError."""
    body = memoryview(entity.body)
    first = next(_boundaries(entity, body), None)
    return bytes(body[: first.start()]) if first else b""


def type_of_first_part(entity: Entity) -> str:
    """Content type of the first part of a multipart entity, wherever that begins. Raises EntityError.

    Nothing behind its header is looked at: the part may be large, and what follows it missing.
    """
    body = memoryview(entity.body)
    first = next(_boundaries(entity, body), None)
    if first is None:
        raise EntityError("a multipart without parts")
    return parse(body[_behind(first, body) :]).content_type


def _boundaries(entity: Entity, body: memoryview) -> Iterator[re.Match[bytes]]:
    """The lines that part a multipart entity; group 1 matches in the last one."""
    boundary = entity.parameter("boundary").encode("ascii", "replace")
    if not boundary or len(boundary) > 200:
        raise EntityError("a multipart without boundary")
    # The line break in front belongs to the boundary; looked for behind the fact, since text is searched faster.
    line = re.compile(rb"--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    for match in line.finditer(body):
        if match.start() == 0 or body[match.start() - 1] == _LF:
            yield match


def _behind(boundary: re.Match[bytes], body: memoryview) -> int:
    return boundary.end() + (2 if body[boundary.end() : boundary.end() + 2] == _CRLF else 1)


def write(headers: dict[str, str], *body: Buffer) -> Written:
    """An entity to be sent. Values are ASCII; header injection is refused with EntityError."""
    for name, value in headers.items():
        if re.search(r"[\r\n\x00]", name + value):
            raise EntityError(f"a line break in the header {name[:40]!r}")
    head = _CRLF.join(f"{name}: {value}".encode("ascii") for name, value in headers.items())
    return Written(head=head, pieces=body)
