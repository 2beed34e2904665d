"""CMS: what a content is, compressing it, and the pieces that the other two kinds share (RFC 5652, RFC 3274)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Literal

from asn1crypto.core import ObjectIdentifier

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import Content, is_blank, pieces_of
from edi_server.transports.as2.allowance import Allowance
from edi_server.transports.as2.ber import BerError, Buffer, Source, Value

Kind = Literal["data", "signed", "enveloped", "auth-enveloped", "compressed"]

DATA = "1.2.840.113549.1.7.1"
KINDS: dict[str, Kind] = {
    DATA: "data",
    "1.2.840.113549.1.7.2": "signed",
    "1.2.840.113549.1.7.3": "enveloped",
    "1.2.840.113549.1.9.16.1.23": "auth-enveloped",
    "1.2.840.113549.1.9.16.1.9": "compressed",
}
_OIDS = {kind: oid for oid, kind in KINDS.items()}
_ZLIB = "1.2.840.113549.1.9.16.3.8"
_CONTEXT_0 = 0xA0
_DAMAGED = "unexpected-processing-error"
_AT_A_TIME = 1 << 20


class CmsError(ValueError):
    """A CMS structure that cannot be used. `reason` is the AS2 disposition modifier that says why (RFC 4130 7.5.4)."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


def open_content(data: Buffer, allowance: Allowance | None = None) -> tuple[Kind, Source, Value]:
    """What a ContentInfo holds: its kind, the bytes, and where in them its content lies.

    Behind it there is nothing but white space: other bytes would be a place for an attacker to try things out in.
    Raises CmsError.
    """
    source = Source(data, allowance)
    try:
        outer = source.read()
        kind, wrapped = source.children(outer)
        [content] = source.children(wrapped)
        name = KINDS.get(oid_of(source, kind))
    except (BerError, ValueError) as error:
        raise CmsError(_DAMAGED, "The S/MIME content is damaged: it is no CMS.") from error
    if not is_blank(source.data[outer.end :]):
        raise CmsError(_DAMAGED, "The S/MIME content is damaged: bytes follow that do not belong to it.")
    if name is None:
        raise CmsError(_DAMAGED, "The S/MIME content is of a kind that AS2 does not have.")
    return name, source, content


def wrap(kind: Kind, *content: Buffer | Sequence[Buffer]) -> bytes:
    """A ContentInfo in DER around the pieces of its content."""
    return b"".join(wrapped(kind, *content))


def wrapped(kind: Kind, *content: Buffer | Sequence[Buffer]) -> list[Buffer]:
    """The same, not yet put together."""
    return ber.encode(ber.SEQUENCE, oid(_OIDS[kind]), ber.encode(_CONTEXT_0, *content))


def oid(dotted: str) -> bytes:
    """An object identifier in DER."""
    dumped: bytes = ObjectIdentifier(dotted).dump()
    return dumped


def oid_of(source: Source, value: Value) -> str:
    """The object identifier that lies there, dotted; "" if it is none."""
    if value.tag != ber.OBJECT_IDENTIFIER:
        return ""
    return str(ObjectIdentifier.load(source.bytes_of(value)).dotted)


def compress(content: Content) -> bytes:
    """CompressedData around the content (RFC 3274)."""
    deflate = zlib.compressobj()
    packed = [deflate.compress(piece) for piece in pieces_of(content)]
    algorithm = ber.encode(ber.SEQUENCE, oid(_ZLIB))
    inner = ber.encode(ber.OCTET_STRING, packed, deflate.flush())
    encapsulated = ber.encode(ber.SEQUENCE, oid(DATA), ber.encode(_CONTEXT_0, inner))
    return wrap("compressed", ber.encode(ber.SEQUENCE, b"\x02\x01\x00", algorithm, encapsulated))


def decompress(source: Source, value: Value, *, largest: int) -> bytearray:
    """What CompressedData holds, of at most `largest` bytes. Raises CmsError."""
    try:
        _, algorithm, encapsulated = source.children(value)
        _, inside = source.children(encapsulated)
        [octets] = source.children(inside)
        packed = source.octet_pieces(octets)
        known = oid_of(source, source.children(algorithm)[0]) == _ZLIB
    except (BerError, ValueError, IndexError) as error:
        raise _damaged() from error
    if not known:
        raise CmsError("decompression-failed", "The content is compressed in another way than zlib.")
    try:
        return _inflate(packed, largest)
    except zlib.error as error:
        raise _damaged() from error


def _inflate(packed: Sequence[memoryview], largest: int) -> bytearray:
    """Bit by bit, so that neither a bomb nor a large content is ever there twice."""
    inflate, content = zlib.decompressobj(), bytearray()
    for piece in packed:
        for at in range(0, len(piece), _AT_A_TIME):
            rest: Buffer = piece[at : at + _AT_A_TIME]
            if inflate.eof:
                raise _damaged()
            while rest and not inflate.eof:
                content += inflate.decompress(rest, _AT_A_TIME)
                rest = inflate.unconsumed_tail
                if len(content) > largest:
                    sentence = f"The compressed content is larger than the {largest} bytes we take."
                    raise CmsError("decompression-failed", sentence)
    content += inflate.flush()
    if not inflate.eof or inflate.unused_data:
        raise _damaged()
    return content


def _damaged() -> CmsError:
    return CmsError("decompression-failed", "The compressed content is damaged.")
