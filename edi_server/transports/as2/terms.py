"""What was agreed with an AS2 partner, and what we hold for it, as frozen records."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from edi_server.transports.as2.algorithms import Cipher, Digest, KeyTransport
from edi_server.transports.as2.encryption import OwnKey

#: Payloads larger than this are refused; decompression stops there.
LARGEST = 256 * 1024 * 1024


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """What single partners need although the standards say otherwise."""

    #: Write "sha256" instead of "sha-256" in Content-Type and receipts.
    micalg_without_hyphen: bool = False
    #: Take signatures made with SHA-1 although we do not sign so.
    weak_digests: bool = False
    #: Take 3DES although we do not encrypt so, and CBC although GCM is agreed.
    weak_ciphers: bool = False
    #: Take keys encrypted by PKCS #1 v1.5 although OAEP is agreed.
    weak_key_transport: bool = False
    #: Send the body as base64 instead of binary.
    base64: bool = False
    #: Answer a repeated message with "processed/warning: duplicate-document" instead of the receipt of the first time.
    warn_of_duplicates: bool = False


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How AS2 messages between us and one partner look."""

    #: AS2-From and AS2-To, as we write and they write; compared letter for letter (RFC 4130 6.2).
    own_name: str
    partner_name: str
    #: Where their station is.
    url: str = ""
    #: Digest of our signatures, None to send unsigned; with RSASSA-PSS where agreed.
    sign: Digest | None = "sha256"
    pss: bool = False
    #: None to send in the clear.
    encrypt: Cipher | None = "aes256-cbc"
    key_transport: KeyTransport = "pkcs1"
    compress: Literal["no", "before signing", "after signing"] = "no"
    #: What they must do; a message that falls short is answered with insufficient-message-security.
    must_sign: bool = True
    must_encrypt: bool = True
    #: Which receipt we ask for; asynchronous ones come to our own URL.
    receipt: Literal["none", "sync", "async"] = "sync"
    receipt_signed: bool = True
    #: Where asynchronous receipts may be asked to be sent: prefixes of URLs; empty allows the host of `url` only.
    receipt_urls: tuple[str, ...] = ()
    #: What our messages call their documents; "" for what each is.
    content_type: str = ""
    quirks: Quirks = Quirks()

    def takes_digest(self, digest: Digest) -> bool:
        """True if their signatures may use it: SHA-1 only where ours do."""
        return digest != "sha1" or self.sign == "sha1" or self.quirks.weak_digests

    def takes_cipher(self, cipher: Cipher) -> bool:
        """True if they may encrypt so: not weaker than we do. AES is AES, whatever the length of its key."""
        if self.quirks.weak_ciphers or self.encrypt == "3des":
            return True
        must_be_sealed = self.encrypt is not None and self.encrypt.endswith("gcm")
        return cipher.endswith("gcm") if must_be_sealed else cipher != "3des"

    def takes_key_transport(self, transport: KeyTransport) -> bool:
        """True if they may encrypt keys so: OAEP of any digest where we use that."""
        return transport != "pkcs1" or self.key_transport == "pkcs1" or self.quirks.weak_key_transport


class PartnerCertificate(msgspec.Struct, frozen=True):
    """A certificate of the partner. Several overlap while they change it."""

    certificate: x509.Certificate
    #: From when on we encrypt for it; verifying takes any that is valid.
    encrypt_from: datetime | None = None


class Keys(msgspec.Struct, frozen=True):
    """Own keys, the one that signs first, and the partner's certificates."""

    own: tuple[OwnKey, ...]
    partner: tuple[PartnerCertificate, ...]

    @property
    def known(self) -> list[x509.Certificate]:
        """All certificates of the partner, those that are not valid now included."""
        return [one.certificate for one in self.partner]

    def verifying(self, now: datetime) -> list[x509.Certificate]:
        """Certificates of the partner that are valid now."""
        return [one.certificate for one in self.partner if is_valid(one.certificate, now)]

    def encrypting(self, now: datetime) -> x509.Certificate | None:
        """The certificate to encrypt for: of those valid and switched to, the one that was switched to last.

        Others than RSA only sign.
        """
        usable = [
            one
            for one in self.partner
            if is_valid(one.certificate, now)
            and _is_due(one, now)
            and isinstance(one.certificate.public_key(), rsa.RSAPublicKey)
        ]
        return max(usable, key=_switched_at).certificate if usable else None


def _is_due(one: PartnerCertificate, now: datetime) -> bool:
    return one.encrypt_from is None or one.encrypt_from <= now


def _switched_at(one: PartnerCertificate) -> datetime:
    return one.encrypt_from or one.certificate.not_valid_before_utc


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """True while the certificate has begun and has not ended. `now` in UTC."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
