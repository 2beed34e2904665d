"""AS2 messages: made from a payload, and opened to one (RFC 4130, RFC 5402)."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
from cryptography import x509

from edi_server.transports.as2 import cms
from edi_server.transports.as2.algorithms import Buffer, Cipher, Content, Digest, digest_of, micalg_of, mics_of
from edi_server.transports.as2.ber import Value
from edi_server.transports.as2.cms import CmsError
from edi_server.transports.as2.encryption import decrypt, encrypt
from edi_server.transports.as2.entity import Entity, EntityError, Written, disposition, parse, parts_of, write
from edi_server.transports.as2.signatures import Signed, enclosed, sign, verify
from edi_server.transports.as2.terms import LARGEST, Keys, Terms

#: Layers of signing, encrypting and compressing: nobody needs more than one of each.
MAX_LAYERS = 5
_UNEXPECTED = "unexpected-processing-error"
_CMS_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURE_TYPES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
#: What we really do of the extensions (RFC 6017).
FEATURES = "AS2-Reliability, multiple-attachments"


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
    """A message that is answered with a negative receipt. `reason` is the disposition modifier (RFC 4130 7.5.4)."""

    def __init__(self, reason: str, sentence: str, mics: dict[Digest, bytes] | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.mics = mics or {}


def make_message(payload: Payload, terms: Terms, keys: Keys, *, now: datetime, receipt_url: str = "") -> Made:
    """An AS2 message with the payload: compressed, signed and encrypted as agreed. `now` in UTC.

    Raises MessageError where no valid certificate of the partner or key of ours is there.
    """
    headers = {"Content-Type": payload.content_type}
    if payload.file_name:
        headers["Content-Disposition"] = disposition(payload.file_name)
    inner = write({**headers, "Content-Transfer-Encoding": "binary"}, payload.content)
    covered: Content = payload.content
    if terms.compress != "no" or terms.sign or terms.encrypt:
        covered = inner.raw_pieces
    if terms.compress == "before signing" or (terms.compress != "no" and not terms.sign):
        inner = _compressed(inner)
    if terms.sign:
        covered = inner.raw_pieces
        inner = _signed(inner, terms, keys, now)
    if terms.compress == "after signing" and terms.sign:
        inner = _compressed(inner)
    if terms.encrypt:
        inner = _encrypted(inner, terms, keys, now)
    if terms.quirks.base64:
        inner = _in_base64(inner)
    message_id = f"<{now:%Y%m%d%H%M%S}.{secrets.token_hex(12)}@{_host(terms.own_name)}>"
    return Made(
        message_id=message_id,
        headers=_headers(inner, terms, message_id, now, receipt_url),
        body=inner.body,
        mics=mics_of(covered),
    )


def _in_base64(entity: Written) -> Written:
    headers = {name: str(value) for name, value in entity.headers.items()}
    return write({**headers, "Content-Transfer-Encoding": "base64"}, base64.encodebytes(entity.body))


def _compressed(entity: Written) -> Written:
    return write(
        {
            "Content-Type": 'application/pkcs7-mime; smime-type=compressed-data; name="smime.p7z"',
            "Content-Transfer-Encoding": "binary",
            "Content-Disposition": 'attachment; filename="smime.p7z"',
        },
        cms.compress(entity.raw_pieces),
    )


def _signed(entity: Written, terms: Terms, keys: Keys, now: datetime) -> Written:
    digest = terms.sign or "sha256"
    if not keys.own:
        raise MessageError("unexpected-processing-error", "We have no key to sign with.")
    signature = sign(entity.raw_pieces, keys.own[0], digest, pss=terms.pss, at=now)
    return sign_entity(entity, signature, digest if terms.quirks.micalg_without_hyphen else micalg_of(digest))


def sign_entity(entity: Written, signature: bytes, micalg: str) -> Written:
    """A multipart/signed of the entity and its detached signature (RFC 1847 2.1)."""
    boundary = f"signed-{secrets.token_hex(16)}".encode()
    head = write(
        {
            "Content-Type": 'application/pkcs7-signature; name="smime.p7s"',
            "Content-Transfer-Encoding": "binary",
            "Content-Disposition": 'attachment; filename="smime.p7s"',
        },
        signature,
    )
    line = b"--" + boundary
    body = (line, b"\r\n", *entity.raw_pieces, b"\r\n", line, b"\r\n", head.raw, b"\r\n", line, b"--\r\n")
    kind = f'multipart/signed; protocol="application/pkcs7-signature"; micalg={micalg}; boundary="{boundary.decode()}"'
    return write({"Content-Type": kind}, *body)


def _encrypted(entity: Written, terms: Terms, keys: Keys, now: datetime) -> Written:
    certificate = keys.encrypting(now)
    if certificate is None:
        sentence = f"{terms.partner_name} has no certificate that is valid now, so nothing can be encrypted for them."
        raise MessageError("unexpected-processing-error", sentence)
    cipher = terms.encrypt or "aes256-cbc"
    kind = "authEnveloped-data" if cipher.endswith("gcm") else "enveloped-data"
    return write(
        {
            "Content-Type": f'application/pkcs7-mime; smime-type={kind}; name="smime.p7m"',
            "Content-Transfer-Encoding": "binary",
            "Content-Disposition": 'attachment; filename="smime.p7m"',
        },
        encrypt(entity.raw_pieces, certificate, cipher, terms.key_transport),
    )


def _host(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in name)[:60] or "as2"


def _headers(entity: Written, terms: Terms, message_id: str, now: datetime, receipt_url: str) -> dict[str, str]:
    headers = {
        "AS2-Version": "1.2",
        "AS2-From": quote_name(terms.own_name),
        "AS2-To": quote_name(terms.partner_name),
        "Message-ID": message_id,
        "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        "Subject": "EDI",
        "MIME-Version": "1.0",
        "EDIINT-Features": FEATURES,
        "User-Agent": "edi-server",
        **{name: " ".join(str(value).split()) for name, value in entity.headers.items()},
    }
    if terms.receipt != "none":
        headers["Disposition-Notification-To"] = receipt_url or "edi@localhost"
        if terms.receipt_signed:
            wanted = "sha-256" if terms.sign is None else micalg_of(terms.sign)
            headers["Disposition-Notification-Options"] = (
                "signed-receipt-protocol=optional, pkcs7-signature; "
                f"signed-receipt-micalg=optional, {wanted}, sha-256, sha1"
            )
        if terms.receipt == "async":
            headers["Receipt-Delivery-Option"] = receipt_url
    return headers


def quote_name(name: str) -> str:
    """An AS2 name as a header says it: in quotes where it needs them (RFC 4130 6.2)."""
    if name and all(c.isalnum() or c in "!#$%&'*+-.^_`|~:/" for c in name) and name.isascii():
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote_name(value: str) -> str:
    """The AS2 name that a header says."""
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


def open_message(
    headers: Mapping[str, str], body: bytes, terms: Terms, keys: Keys, *, now: datetime, largest: int = LARGEST
) -> Opened:
    """The payload of an AS2 message, after everything that was agreed was checked. `headers` are those of HTTP.

    Raises MessageError, which says how to answer.
    """
    opening = _Opening(terms, keys, now, largest)
    try:
        return opening.open(_outer(headers, body))
    except (CmsError, EntityError) as error:
        reason, sentence = _UNEXPECTED, f"The message is damaged: {error}."
        if isinstance(error, CmsError):
            reason, sentence = error.reason, error.sentence
        if reason == _UNEXPECTED and opening.is_decrypted:
            # Told apart from a wrong padding, it would tell an attacker what an altered message decrypts to.
            reason, sentence = "decryption-failed", "The message could not be decrypted."
        raise MessageError(reason, sentence, opening.mics) from error


def _outer(headers: Mapping[str, str], body: bytes) -> Entity:
    content = {name.title(): value for name, value in headers.items() if name.lower().startswith("content-")}
    content.pop("Content-Length", None)
    lines = [f"{name}: {' '.join(value.split())}".encode("latin-1", "replace") for name, value in content.items()]
    # The raw form of the outermost entity is never signed over, so it need not be what was transmitted.
    return Entity(head=b"\r\n".join(lines), body=body, raw=b"")


class _Opening:
    """One message being unwrapped, layer by layer."""

    def __init__(self, terms: Terms, keys: Keys, now: datetime, largest: int) -> None:
        self._terms = terms
        self._keys = keys
        self._now = now
        self._largest = largest
        self._signed_by: x509.Certificate | None = None
        self._digest: Digest | None = None
        self._encrypted: Cipher | None = None
        self._compressed = False
        self.mics: dict[Digest, bytes] = {}

    @property
    def is_decrypted(self) -> bool:
        """True once a layer was decrypted."""
        return self._encrypted is not None

    def open(self, entity: Entity) -> Opened:
        for layer in range(MAX_LAYERS + 1):
            inner = self._unwrap(entity)
            if inner is None:
                break
            entity = inner
            if layer == MAX_LAYERS:
                raise MessageError("unexpected-processing-error", "The message is wrapped too often.")
        if self._signed_by is None:
            wrapped = self._encrypted is not None or self._compressed
            self.mics = mics_of(entity.raw if wrapped else entity.content)
        self._insist()
        return Opened(
            payloads=tuple(_payloads(entity)),
            mics=self.mics,
            digest=self._digest,
            signed_by=self._signed_by,
            encrypted=self._encrypted,
            compressed=self._compressed,
        )

    def _insist(self) -> None:
        """Everything that was agreed was done (RFC 4130 7.5.4, insufficient-message-security)."""
        missing = [
            word
            for word, must, done in (
                ("signed", self._terms.must_sign, self._signed_by),
                ("encrypted", self._terms.must_encrypt, self._encrypted),
            )
            if must and not done
        ]
        if missing:
            sentence = f"The message is not {' and not '.join(missing)}, as was agreed."
            raise MessageError("insufficient-message-security", sentence, self.mics)
        if self._digest == "sha1" and self._terms.sign not in (None, "sha1") and not self._terms.quirks.weak_digests:
            raise MessageError("insufficient-message-security", "The message is signed with SHA-1 only.", self.mics)

    def _unwrap(self, entity: Entity) -> Entity | None:
        """What is inside the outermost layer, None if this is the payload."""
        if entity.content_type == "multipart/signed":
            return self._verify_parts(entity)
        if entity.content_type not in _CMS_TYPES:
            return None
        kind, view, value = cms.open_content(entity.content)
        match kind:
            case "enveloped" | "auth-enveloped":
                raw, self._encrypted = decrypt(view, value, self._keys.own, sealed=kind == "auth-enveloped")
                return parse(raw)
            case "compressed":
                self._compressed = True
                return parse(cms.decompress(view, value, largest=self._largest))
            case "signed":
                content = enclosed(view, value)
                if content is None:
                    raise CmsError("authentication-failed", "There is a signature, but nothing that it signs.")
                self._verify(view, value, content)
                return parse(content)
            case _:
                raise CmsError("unexpected-processing-error", "The S/MIME content holds no message.")

    def _verify_parts(self, entity: Entity) -> Entity:
        parts = parts_of(entity)
        if len(parts) != 2 or parts[1].content_type not in _SIGNATURE_TYPES:
            raise CmsError("authentication-failed", "A signed message has two parts, the second being its signature.")
        kind, view, value = cms.open_content(parts[1].content)
        if kind != "signed":
            raise CmsError("authentication-failed", "The second part is no signature.")
        self._verify(view, value, parts[0].raw)
        return parts[0]

    def _verify(self, view: memoryview, value: Value, content: Buffer) -> None:
        signed, form = verify_forms(view, value, content, self._keys.verifying(self._now))
        self._signed_by, self._digest = signed.certificate, signed.digest
        self.mics = mics_of(form)


def verify_forms(
    view: memoryview, value: Value, content: Buffer, certificates: Sequence[x509.Certificate]
) -> tuple[Signed, Buffer]:
    """Who signed the content, and in which form: as transmitted, or with CR LF as line ends (RFC 8551 3.1.1).

    Raises CmsError.
    """
    try:
        return verify(view, value, [content], certificates)[0], content
    except CmsError as error:
        # Large messages are copied only if they have to be.
        if error.reason != "integrity-check-failed" or not re.search(rb"(?<!\r)\n", content):
            raise
        canonical = bytes(content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return verify(view, value, [canonical], certificates)[0], canonical


def _payloads(entity: Entity) -> list[Payload]:
    """The document, and its attachments where there are several parts (RFC 6362)."""
    parts = parts_of(entity) if entity.content_type in ("multipart/related", "multipart/mixed") else [entity]
    return [Payload(content=one.content, content_type=one.content_type, file_name=one.file_name) for one in parts]


def wanted_digest(options: str, used: Digest | None) -> Digest | None:
    """The digest a receipt shall use: the first of the sender's list that we know, else that of the signature.

    None: they require one that we do not have (Disposition-Notification-Options, RFC 4130 7.3).
    """
    for option in options.split(";"):
        name, _, value = option.partition("=")
        if name.strip().lower() != "signed-receipt-micalg":
            continue
        importance, *named = [word.strip() for word in value.split(",")]
        known = [digest for word in named if (digest := digest_of(word))]
        if known:
            return known[0]
        if importance.lower() == "required" and named:
            return None
    return used or "sha256"
