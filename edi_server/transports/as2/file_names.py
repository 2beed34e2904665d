"""File names in MIME headers: said in any language, and read however they were written (RFC 2183, RFC 2047, RFC 2231).

A name is worth nothing against a document: one that cannot be understood never keeps its document out.
"""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

#: Bytes in UTF-8: file systems take 255, and what stores a file adds to its name.
LONGEST = 180
_LONGEST_SUFFIX = 16


def text_of(written: bytes) -> str:
    """Header bytes as text: UTF-8, as most write it although it ought to be ASCII, else Latin-1."""
    try:
        return written.decode()
    except UnicodeDecodeError:
        return written.decode("latin-1")


def file_name_of(headers: Message) -> str:
    """The name that the sender gave, without any path and not too long; "" if none."""
    name = headers.get_param("filename", None, "content-disposition")
    if name is None:
        name = headers.get_param("name", None, "content-type")
    text = _words(_parameter(name)) if name else ""
    text = re.split(r"[/\\]", text.replace("\x00", ""))[-1]
    return _shortened("".join(c for c in text if c.isprintable()).strip(". "))


def _parameter(value: str | tuple[str | None, str | None, str]) -> str:
    """A parameter as RFC 2231 writes it, or plainly; in the character set that it names if that is right."""
    if isinstance(value, str):
        return value
    charset, _, escaped = value
    written = escaped.encode("latin-1", "replace")
    try:
        return written.decode(charset or "ascii")
    except (LookupError, UnicodeDecodeError):
        return text_of(written)


def _words(name: str) -> str:
    """With encoded words decoded, which are not allowed in parameters and often there; as written if they are wrong."""
    if "=?" not in name:
        return name
    try:
        pieces = decode_header(name)
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "latin-1") for piece, charset in pieces
        )
    except (HeaderParseError, LookupError, UnicodeError, ValueError, binascii.Error):
        return name


def _shortened(name: str) -> str:
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = LONGEST - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + suffix


def disposition(file_name: str) -> str:
    """A Content-Disposition that says a file name, in any language."""
    name = re.sub(r'[\r\n\x00"\\]', "_", file_name)
    if name.isascii():
        return f'attachment; filename="{name}"'
    message = Message()
    message.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    return str(message["Content-Disposition"])
