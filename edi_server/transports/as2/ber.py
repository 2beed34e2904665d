"""BER (X.690) as far as CMS needs it: where a value lies, without copying it.

Payloads of AS2 are large and CMS nests them four deep; a general ASN.1 library would copy them at each level. Small
structures (signers, recipients, algorithms) are left to such a library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edi_server.transports.as2.allowance import Allowance

Buffer = bytes | bytearray | memoryview

#: Deeper nesting is no CMS: an attack on the stack, or a mistake.
MAX_DEPTH = 32

INTEGER, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31
_CONSTRUCTED = 0x20
_END_OF_CONTENTS = 2


class BerError(ValueError):
    """The bytes are no BER."""


class Value(NamedTuple):
    """One encoded value: its identifier octet, and where it lies."""

    tag: int
    #: Of the identifier octet.
    start: int
    #: Of the content.
    content: int
    end_of_content: int
    #: Behind the value, end-of-contents octets included.
    end: int


class Source:
    """Bytes in BER, and the values found in them. Each value that is read is paid from the allowance."""

    def __init__(self, data: Buffer, allowance: Allowance | None = None) -> None:
        self.data = memoryview(data)
        self._allowance = allowance or Allowance()
        #: Values whose end had to be looked for: they nest, and none is looked through twice.
        self._found: dict[int, Value] = {}

    def read(self, at: int = 0, end: int | None = None, depth: int = 0) -> Value:
        """The value that begins at `at`. Raises BerError."""
        data, limit = self.data, len(self.data) if end is None else end
        self._allowance.values -= 1
        if self._allowance.values < 0:
            raise BerError("too many values")
        if depth > MAX_DEPTH:
            raise BerError("nested too deeply")
        if at + 2 > limit:
            raise BerError("ends in the middle of a value")
        tag, length = data[at], data[at + 1]
        if tag & 0x1F == 0x1F:
            raise BerError("a tag that CMS does not have")
        content = at + 2
        if length == 0x80:
            return self._indefinite(at, tag, limit, depth)
        if length > 0x80:
            octets = length & 0x7F
            if octets > 8 or content + octets > limit:
                raise BerError("a length that cannot be")
            length = int.from_bytes(data[content : content + octets], "big")
            content += octets
        if content + length > limit:
            raise BerError("a value that is longer than what holds it")
        return Value(tag, at, content, content + length, content + length)

    def _indefinite(self, at: int, tag: int, limit: int, depth: int) -> Value:
        if not tag & _CONSTRUCTED:
            raise BerError("a simple value without length")
        known = self._found.get(at)
        if known is not None and known.end <= limit:
            return known
        data, inner = self.data, at + 2
        while inner + _END_OF_CONTENTS <= limit:
            if data[inner] == 0 and data[inner + 1] == 0:
                found = Value(tag, at, at + 2, inner, inner + _END_OF_CONTENTS)
                self._found[at] = found
                return found
            inner = self.read(inner, limit, depth + 1).end
        raise BerError("a value without end")

    def children(self, value: Value) -> list[Value]:
        """The values inside a constructed one. Raises BerError."""
        return list(self._children(value))

    def _children(self, value: Value) -> Iterator[Value]:
        at = value.content
        while at < value.end_of_content:
            child = self.read(at, value.end_of_content)
            yield child
            at = child.end

    def bytes_of(self, value: Value) -> bytes:
        """The whole value as it is encoded."""
        return bytes(self.data[value.start : value.end])

    def octets(self, value: Value) -> Buffer:
        """The content of an octet string, put together if it comes in pieces. Raises BerError."""
        pieces = self.octet_pieces(value)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def octet_pieces(self, value: Value) -> list[memoryview]:
        """The content of an octet string in the pieces in which it comes, not copied. Raises BerError."""
        if not value.tag & _CONSTRUCTED:
            return [self.data[value.content : value.end_of_content]]
        return list(self._pieces(value, 0))

    def _pieces(self, value: Value, depth: int) -> Iterator[memoryview]:
        if depth > MAX_DEPTH:
            raise BerError("nested too deeply")
        for child in self._children(value):
            if child.tag & _CONSTRUCTED:
                yield from self._pieces(child, depth + 1)
            else:
                yield self.data[child.content : child.end_of_content]


def encode(tag: int, *parts: Buffer | Sequence[Buffer]) -> list[Buffer]:
    """A value in DER, as pieces to be joined once, so that a large content is copied once."""
    flat: list[Buffer] = []
    for part in parts:
        if isinstance(part, list | tuple):
            flat += part
        else:
            flat.append(part)  # type: ignore[arg-type]
    return [bytes([tag]) + _length(sum(memoryview(piece).nbytes for piece in flat)), *flat]


def _length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    octets_needed = (length.bit_length() + 7) // 8
    return bytes([0x80 | octets_needed]) + length.to_bytes(octets_needed, "big")
