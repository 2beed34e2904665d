"""AS2 messages opened to what is in them, after everything that was agreed was checked (RFC 4130, RFC 5402)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509

from edi_server.transports.as2 import cms
from edi_server.transports.as2.algorithms import Buffer, Cipher, Digest, mics_of
from edi_server.transports.as2.allowance import Allowance
from edi_server.transports.as2.ber import Source, Value
from edi_server.transports.as2.cms import CmsError
from edi_server.transports.as2.decryption import NOT_DECRYPTED, Envelope, open_envelope, read_envelope
from edi_server.transports.as2.entity import Entity, EntityError, outermost, parse, parts_of, preamble_of
from edi_server.transports.as2.records import MessageError, Opened, Payload
from edi_server.transports.as2.terms import LARGEST, Keys, Terms
from edi_server.transports.as2.verifying import enclosed, in_force, verify_forms

log = logging.getLogger(__name__)

#: Layers of signing, encrypting and compressing: nobody needs more than one of each.
MAX_LAYERS = 5
_UNEXPECTED = "unexpected-processing-error"
_INSUFFICIENT = "insufficient-message-security"
_SIGNED_OUTSIDE = (
    "The message is signed outside of what is encrypted, which proves nothing under CBC: "
    "agree on GCM with them, or on signing before encrypting."
)
_CMS_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURE_TYPES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
#: Anything but ASCII: in UTF-8, a block of noise is text twenty times as often.
_NO_TEXT = re.compile(rb"[^\t\r\n -~]")


def open_message(
    headers: Mapping[str, str], body: bytes, terms: Terms, keys: Keys, *, now: datetime, largest: int = LARGEST
) -> Opened:
    """The payload of an AS2 message, after everything that was agreed was checked. `headers` are those of HTTP.

    Raises MessageError, which says how to answer.
    """
    opening = _Opening(terms, keys, now, largest)
    outer = [outermost(headers, body)]
    # From here on only the layer that is being opened is held: a large message is not there in every form at once.
    del body
    try:
        return opening.open(outer.pop())
    except (CmsError, EntityError, MessageError) as error:
        raise opening.refusal(error) from error
    except Exception as error:
        if not opening.is_veiled:
            raise
        # A fault of ours, which must not be told from theirs either.
        log.exception("what was decrypted could not be read")
        raise opening.refusal(error) from error


class _Opening:
    """One message being unwrapped, layer by layer."""

    def __init__(self, terms: Terms, keys: Keys, now: datetime, largest: int) -> None:
        self._terms = terms
        self._keys = keys
        self._now = now
        self._largest = largest
        self._allowance = Allowance()
        self._signed_by: x509.Certificate | None = None
        self._digest: Digest | None = None
        self._encrypted: Cipher | None = None
        self._compressed = False
        self._is_whole = True
        #: What there is to read was decrypted, may have been changed by anybody (CBC), and nobody's signature vouches
        #: for it yet. Any difference in how it is refused would tell a stranger what somebody else's message says.
        self.is_veiled = False
        self._mics: dict[Digest, bytes] = {}

    def refusal(self, error: Exception) -> MessageError:
        """How to answer a message that failed so."""
        match error:
            case CmsError() | MessageError():
                reason, sentence = error.reason, error.sentence
            case EntityError():
                reason, sentence = _UNEXPECTED, f"The message is damaged: {error}."
            case _:
                reason, sentence = _UNEXPECTED, "The message could not be read, by a fault of ours; the log says more."
        if self.is_veiled:
            return MessageError("decryption-failed", NOT_DECRYPTED, found=reason, detail=sentence)
        return MessageError(reason, sentence, self._mics)

    def open(self, entity: Entity) -> Opened:
        for layer in range(MAX_LAYERS + 1):
            inner = self._unwrap(entity)
            if inner is None:
                break
            entity = inner
            if layer == MAX_LAYERS:
                raise MessageError(_UNEXPECTED, "The message is wrapped too often.")
        if not self._is_whole:
            raise MessageError("decryption-failed", "What was decrypted does not end as it should.")
        if self._signed_by is None:
            wrapped = self._encrypted is not None or self._compressed
            self._mics = mics_of(entity.raw if wrapped else entity.content)
        self._insist()
        return Opened(
            payloads=tuple(self._payloads(entity)),
            mics=self._mics,
            digest=self._digest,
            signed_by=self._signed_by,
            encrypted=self._encrypted,
            compressed=self._compressed,
        )

    def _insist(self) -> None:
        """Everything that was agreed was done (RFC 4130 7.5.4, insufficient-message-security)."""
        # A signature around what is encrypted by CBC is not for what is in it: they may have found that somewhere.
        is_signed = self._signed_by is not None and not self.is_veiled
        missing = [
            word
            for word, must, done in (
                ("signed", self._terms.must_sign, is_signed),
                ("encrypted", self._terms.must_encrypt, self._encrypted),
            )
            if must and not done
        ]
        if "signed" in missing and self._signed_by is not None:
            raise MessageError(_INSUFFICIENT, _SIGNED_OUTSIDE)
        if missing:
            raise MessageError(_INSUFFICIENT, f"The message is not {' and not '.join(missing)}, as was agreed.")
        if self._terms.must_sign and self._digest and not self._terms.takes_digest(self._digest):
            raise MessageError(_INSUFFICIENT, "The message is signed with SHA-1 only.")

    def _unwrap(self, entity: Entity) -> Entity | None:
        """What is inside the outermost layer, None if this is the payload."""
        if entity.content_type != "multipart/signed" and entity.content_type not in _CMS_TYPES:
            return None
        if self.is_veiled:
            _insist_on_text(entity.head)
        if entity.content_type == "multipart/signed":
            return self._verify_parts(entity)
        kind, source, value = cms.open_content(entity.content, self._allowance)
        match kind:
            case "enveloped" | "auth-enveloped":
                return self._decrypt(read_envelope(source, value, self._keys.own, sealed=kind == "auth-enveloped"))
            case "compressed":
                self._compressed = True
                return parse(cms.decompress(source, value, largest=self._largest), self._allowance)
            case "signed":
                content = enclosed(source, value)
                if content is None:
                    raise CmsError("authentication-failed", "There is a signature, but nothing that it signs.")
                self._verify(source, value, content)
                return parse(content, self._allowance)
            case _:
                raise CmsError(_UNEXPECTED, "The S/MIME content holds no message.")

    def _decrypt(self, envelope: Envelope) -> Entity:
        self._insist_on_strength(envelope)
        self.is_veiled = self.is_veiled or not envelope.is_sealed
        self._encrypted = envelope.cipher
        plain, is_whole = open_envelope(envelope)
        self._is_whole = self._is_whole and is_whole
        return parse(plain, self._allowance)

    def _insist_on_strength(self, envelope: Envelope) -> None:
        """Before any key of ours is used: nobody shall have a message opened in a weaker way than it was closed."""
        if not self._terms.must_encrypt:
            return
        if not self._terms.takes_cipher(envelope.cipher):
            sentence = f"The message is encrypted with {envelope.cipher}, which is weaker than was agreed."
            raise MessageError(_INSUFFICIENT, sentence)
        if not all(self._terms.takes_key_transport(one.transport) for one in envelope.recipients):
            raise MessageError(_INSUFFICIENT, "The key is encrypted by PKCS #1 v1.5, and OAEP was agreed.")

    def _verify_parts(self, entity: Entity) -> Entity:
        parts = parts_of(entity, self._allowance, strict=self.is_veiled)
        if self.is_veiled:
            _insist_on_text(*(one.head for one in parts[1:]), preamble_of(entity))
        if len(parts) != 2 or parts[1].content_type not in _SIGNATURE_TYPES:
            raise CmsError("authentication-failed", "A signed message has two parts, the second being its signature.")
        kind, source, value = cms.open_content(parts[1].content, self._allowance)
        if kind != "signed":
            raise CmsError("authentication-failed", "The second part is no signature.")
        self._verify(source, value, parts[0].raw)
        return parts[0]

    def _verify(self, source: Source, value: Value, content: Buffer) -> None:
        signatures, form = verify_forms(source, value, content, self._keys.known)
        if self._is_whole:
            self.is_veiled = False
        signed = in_force(signatures, self._now)
        self._signed_by, self._digest = signed.certificate, signed.digest
        self._mics = mics_of(form)

    def _payloads(self, entity: Entity) -> list[Payload]:
        """The document, and its attachments where there are several parts (RFC 6362)."""
        parts = [entity]
        if entity.content_type in ("multipart/related", "multipart/mixed"):
            parts = parts_of(entity, self._allowance, strict=self.is_veiled)
        return [Payload(content=one.content, content_type=one.content_type, file_name=one.file_name) for one in parts]


def _insist_on_text(*around: bytes) -> None:
    """What stands around signed content, and is not signed itself, is ASCII.

    Whoever cuts a message by CBC to pieces and puts them together anew gets noise wherever two pieces meet. Noise in a
    place that nobody looks at would leave the message good, or not, depending on what the pieces say.
    """
    if any(_NO_TEXT.search(one) for one in around):
        raise CmsError(_UNEXPECTED, "What stands around the signed content is not ASCII, which CBC needs.")
