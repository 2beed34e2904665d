"""AS2 messages made from a payload (RFC 4130, RFC 5402)."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

from edi_server.transports.as2 import cms
from edi_server.transports.as2.algorithms import Content, micalg_of, mics_of
from edi_server.transports.as2.certificates import name_of
from edi_server.transports.as2.encryption import OwnKey, encrypt
from edi_server.transports.as2.entity import Written, write
from edi_server.transports.as2.file_names import disposition
from edi_server.transports.as2.records import Made, MessageError, Payload
from edi_server.transports.as2.signatures import sign
from edi_server.transports.as2.terms import Keys, Terms, is_valid

_UNEXPECTED = "unexpected-processing-error"
#: What we really do of the extensions (RFC 6017).
FEATURES = "AS2-Reliability, multiple-attachments"


def make_message(payload: Payload, terms: Terms, keys: Keys, *, now: datetime, receipt_url: str = "") -> Made:
    """An AS2 message with the payload: compressed, signed and encrypted as agreed. `now` in UTC.

    Raises MessageError where no valid certificate of the partner or key of ours is there.
    """
    headers = {"Content-Type": terms.content_type or payload.content_type}
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
    signature = sign(entity.raw_pieces, _signing_key(keys, now), digest, pss=terms.pss, at=now)
    return sign_entity(entity, signature, digest if terms.quirks.micalg_without_hyphen else micalg_of(digest))


def _signing_key(keys: Keys, now: datetime) -> OwnKey:
    """Raises MessageError where there is none that a partner would believe."""
    if not keys.own:
        raise MessageError(_UNEXPECTED, "We have no key to sign with.")
    certificate = keys.own[0].certificate
    if not is_valid(certificate, now):
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        when = f"begins on {begins:%Y-%m-%d}" if now < begins else f"ended on {ends:%Y-%m-%d}"
        raise MessageError(_UNEXPECTED, f"Our certificate to sign with, {name_of(certificate)}, {when}.")
    return keys.own[0]


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
        sentence = (
            f"{terms.partner_name} has no certificate that is valid now and has an RSA key, so nothing can be "
            "encrypted for them."
        )
        raise MessageError(_UNEXPECTED, sentence)
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
            wanted = ", ".join(dict.fromkeys((micalg_of(terms.sign or "sha256"), "sha-256", "sha1")))
            headers["Disposition-Notification-Options"] = (
                f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {wanted}"
            )
        if terms.receipt == "async":
            headers["Receipt-Delivery-Option"] = receipt_url
    return headers


def quote_name(name: str) -> str:
    """An AS2 name as a header says it: in quotes where it needs them (RFC 4130 6.2)."""
    if name and all(c.isalnum() or c in "!#$%&'*+-.^_`|~:/" for c in name) and name.isascii():
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
