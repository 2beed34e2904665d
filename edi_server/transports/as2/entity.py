"""MIME entities on raw bytes: what is signed is what was transmitted, so nothing is ever written anew.

Source: RFC 2045, 2046, 2183, 2231; RFC 4130 section 5 (the part of MIME that AS2 uses).
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from functools import cached_property

import msgspec

#: Header lines of one entity, at most: nobody needs more.
LONGEST_HEADER = 65536
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_CRLF = b"\r\n"


class EntityError(ValueError):
    """The bytes are no MIME entity that we understand; the text says why, in half a sentence."""


class Entity(msgspec.Struct, frozen=True, dict=True):
    """A MIME entity: header lines and body, exactly as transmitted."""

    #: Header block without the empty line.
    head: bytes
    body: bytes
    #: Both, with the empty line between them: what a signature covers.
    raw: bytes

    @cached_property
    def headers(self) -> Message:
        """Header fields; names in any case."""
        return BytesHeaderParser().parsebytes(self.head + b"\r\n\r\n")

    @property
    def content_type(self) -> str:
        """Type and subtype in lower case; "text/plain" where none is stated (RFC 2045 5.2)."""
        return self.headers.get_content_type()

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, "" where it is absent."""
        value = self.headers.get_param(name)
        return collapse_rfc2231_value(value) if value is not None else ""

    @cached_property
    def content(self) -> bytes:
        """The body with its transfer encoding undone. Raises EntityError."""
        return decode_body(self.body, str(self.headers.get("Content-Transfer-Encoding", "")))

    @property
    def file_name(self) -> str:
        """The name that the sender gave, without any path; "" if none (RFC 2183 2.3, RFC 2231)."""
        name = self.headers.get_filename("") or ""
        if "=?" in name:
            name = str(make_header(decode_header(name)))
        name = re.split(r"[/\\]", name.replace("\x00", ""))[-1]
        return "".join(c for c in name if c.isprintable()).strip(". ")


def parse(raw: bytes) -> Entity:
    """An entity from its bytes. Raises EntityError where its header does not end."""
    if raw[:2] == _CRLF or raw[:1] == b"\n":
        cut = 2 if raw[:2] == _CRLF else 1
        return Entity(head=b"", body=raw[cut:], raw=raw)
    end = _END_OF_HEADER.search(raw, 0, LONGEST_HEADER)
    if end is None:
        raise EntityError("no empty line ends its header")
    return Entity(head=raw[: end.start()], body=raw[end.end() :], raw=raw)


def decode_body(body: bytes, encoding: str) -> bytes:
    """The body with a Content-Transfer-Encoding undone. Raises EntityError."""
    match encoding.strip().lower():
        case "" | "binary" | "7bit" | "8bit":
            return body
        case "base64":
            try:
                return base64.b64decode(re.sub(rb"\s+", b"", body), validate=True)
            except binascii.Error as error:
                raise EntityError("its base64 is damaged") from error
        case "quoted-printable":
            return quopri.decodestring(body)
        case other:
            raise EntityError(f"an unknown transfer encoding, {other[:40]}")


def parts_of(entity: Entity) -> list[Entity]:
    """The parts of a multipart entity, each exactly as transmitted (RFC 2046 5.1.1). Raises EntityError."""
    boundary = entity.parameter("boundary").encode("ascii", "replace")
    if not boundary or len(boundary) > 200:
        raise EntityError("a multipart without boundary")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    parts: list[Entity] = []
    start: int | None = None
    for match in line.finditer(entity.body):
        if start is not None:
            parts.append(parse(entity.body[start : match.start()] if start <= match.start() else b"\r\n"))
        if match[1]:
            return parts
        start = match.end() + (2 if entity.body[match.end() : match.end() + 2] == _CRLF else 1)
    raise EntityError("a multipart whose last boundary is missing")


def write(headers: dict[str, str], body: bytes) -> Entity:
    """An entity to be sent. Values are ASCII; header injection is refused with EntityError."""
    for name, value in headers.items():
        if re.search(r"[\r\n\x00]", name + value):
            raise EntityError(f"a line break in the header {name[:40]!r}")
    head = _CRLF.join(f"{name}: {value}".encode("ascii") for name, value in headers.items())
    return Entity(head=head, body=body, raw=b"".join([head, _CRLF + _CRLF if head else _CRLF, body]))


def disposition(file_name: str) -> str:
    """A Content-Disposition that says a file name, in any language (RFC 2183, RFC 2231)."""
    name = re.sub(r'[\r\n\x00"\\]', "_", file_name)
    if name.isascii():
        return f'attachment; filename="{name}"'
    message = Message()
    message.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    return str(message["Content-Disposition"])
