"""The algorithms of AS2 by the names that partners, files and headers use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives import hashes

Buffer = bytes | bytearray | memoryview
#: Bytes, or the pieces that they are made of: large contents are never put together only to be read.
Content = Buffer | Sequence[Buffer]

Digest = Literal["sha1", "sha256", "sha384", "sha512"]
Cipher = Literal["3des", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"]
KeyTransport = Literal["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"]

DIGESTS: tuple[Digest, ...] = ("sha1", "sha256", "sha384", "sha512")
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 — partners still use it; agreements decide whether it is taken
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
#: Object identifiers of digests (RFC 5754, RFC 3370).
DIGEST_OIDS: dict[str, Digest] = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
#: Key length in bytes and object identifier (RFC 3565, RFC 5084, RFC 3370).
CIPHERS: dict[Cipher, tuple[int, str]] = {
    "3des": (24, "1.2.840.113549.3.7"),
    "aes128-cbc": (16, "2.16.840.1.101.3.4.1.2"),
    "aes192-cbc": (24, "2.16.840.1.101.3.4.1.22"),
    "aes256-cbc": (32, "2.16.840.1.101.3.4.1.42"),
    "aes128-gcm": (16, "2.16.840.1.101.3.4.1.6"),
    "aes192-gcm": (24, "2.16.840.1.101.3.4.1.26"),
    "aes256-gcm": (32, "2.16.840.1.101.3.4.1.46"),
}
CIPHER_OIDS: dict[str, Cipher] = {oid: name for name, (_, oid) in CIPHERS.items()}
_MOST_BLANKS = 1000


def micalg_of(digest: str) -> str:
    """How a header names a digest (RFC 5751 3.4.3.2), such as "sha-256"; "sha1" as RFC 4130 writes it."""
    return digest if digest == "sha1" else digest.replace("sha", "sha-")


def digest_of(micalg: str) -> Digest | None:
    """The digest that a header means, however it is written: sha-256, SHA256, "sha_256", rsa-sha1; None if unknown."""
    plain = re.sub(r"[^a-z0-9]", "", micalg.lower()).removeprefix("rsa")
    return next((digest for digest in DIGESTS if digest == plain), None)


def pieces_of(content: Content) -> Sequence[Buffer]:
    """The pieces of a content."""
    return (content,) if isinstance(content, bytes | bytearray | memoryview) else content


def size_of(content: Content) -> int:
    """Bytes of a content."""
    return sum(memoryview(piece).nbytes for piece in pieces_of(content))


def is_blank(content: Buffer) -> bool:
    """True for nothing, and for some white space: what mailers leave behind the end of a structure."""
    return len(content) <= _MOST_BLANKS and not bytes(content).strip(b" \t\r\n")


def hash_of(content: Content, digest: str) -> bytes:
    """The digest of a content."""
    hashed = hashlib.new(digest, usedforsecurity=False)
    for piece in pieces_of(content):
        hashed.update(piece)
    return hashed.digest()


def mics_of(content: Content) -> dict[Digest, bytes]:
    """The message integrity check of the content in every digest: a receipt may name another than we used."""
    return {digest: hash_of(content, digest) for digest in DIGESTS}
