"""What AS2 messages are about: the documents in them, and messages that are made, opened and refused."""

from __future__ import annotations

import msgspec
from cryptography import x509

from edi_server.transports.as2.algorithms import Buffer, Cipher, Digest


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """A document that travels, exactly as it is stored."""

    content: Buffer
    content_type: str = "application/edifact"
    #: Without any path; "" for none.
    file_name: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """An AS2 message to be posted. The same message is posted again in a retry, byte for byte."""

    message_id: str
    headers: dict[str, str]
    body: bytes | bytearray
    #: What its receipt must confirm, by digest.
    mics: dict[Digest, bytes]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What was in an AS2 message."""

    payloads: tuple[Payload, ...]
    #: What its receipt confirms, by digest; and the digest of the sender's signature, None where there was none.
    mics: dict[Digest, bytes]
    digest: Digest | None = None
    signed_by: x509.Certificate | None = None
    encrypted: Cipher | None = None
    compressed: bool = False


class MessageError(Exception):
    """A message that is answered with a negative receipt. `reason` is a disposition modifier (RFC 4130 7.5.4).

    `reason` and `sentence` are what the sender is told; `found` and `detail` are what was wrong, for our own records
    and never for the sender: it may tell what a message says that is not theirs.
    """

    def __init__(
        self,
        reason: str,
        sentence: str,
        mics: dict[Digest, bytes] | None = None,
        *,
        found: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(detail or sentence)
        self.reason = reason
        self.sentence = sentence
        self.found = found or reason
        self.detail = detail or sentence
        self.mics = mics or {}
