"""Finding out who signed: reading CMS SignedData (RFC 5652 5, RFC 5754, RFC 4056).

Certificates inside a message prove nothing and are never used: only those that were agreed with the partner.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
from asn1crypto import algos
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import DIGEST_OIDS, DIGESTS, HASHES, Digest, hash_of
from edi_server.transports.as2.ber import BerError, Buffer, Source, Value
from edi_server.transports.as2.certificates import name_of
from edi_server.transports.as2.cms import DATA, CmsError
from edi_server.transports.as2.terms import is_valid

_DAMAGED = "unexpected-processing-error"
_NOT_AUTHENTIC = "authentication-failed"
_NOT_INTACT = "integrity-check-failed"
#: Signers of one message, at most.
_MOST_SIGNERS = 16


class Signed(msgspec.Struct, frozen=True):
    """A signature that holds."""

    certificate: x509.Certificate
    digest: Digest


class _Content:
    """What was signed, hashed once in each digest however many signatures there are."""

    def __init__(self, content: Buffer) -> None:
        self._content = content
        self._hashes: dict[str, bytes] = {}

    def hash(self, digest: str) -> bytes:
        if digest not in self._hashes:
            self._hashes[digest] = hash_of(self._content, digest)
        return self._hashes[digest]


def enclosed(source: Source, value: Value) -> Buffer | None:
    """The content that SignedData carries inside, or None if it is detached. Raises CmsError."""
    try:
        parts = source.children(source.children(value)[2])
        if len(parts) == 1:
            return None
        [octets] = source.children(parts[1])
        return source.octets(octets)
    except (BerError, ValueError, IndexError) as error:
        raise CmsError(_DAMAGED, "The signature is damaged.") from error


def verify_forms(
    source: Source, value: Value, content: Buffer, certificates: Sequence[x509.Certificate]
) -> tuple[list[Signed], Buffer]:
    """Who signed the content, and in which form: as transmitted, or with CR LF as line ends (RFC 8551 3.1.1).

    Raises CmsError.
    """
    try:
        return verify(source, value, content, certificates), content
    except CmsError as error:
        # Large messages are copied only if they have to be.
        if error.reason != _NOT_INTACT or not re.search(rb"(?<!\r)\n", content):
            raise
        canonical = bytes(content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return verify(source, value, canonical, certificates), canonical


def in_force(signatures: Sequence[Signed], now: datetime) -> Signed:
    """The strongest of them by a certificate that is valid now. Raises CmsError where none is."""
    valid = [one for one in signatures if is_valid(one.certificate, now)]
    if valid:
        return max(valid, key=lambda one: DIGESTS.index(one.digest))
    certificate = signatures[0].certificate
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    when = f"begins on {begins:%Y-%m-%d}" if now < begins else f"ended on {ends:%Y-%m-%d}"
    raise CmsError(_NOT_AUTHENTIC, f"The certificate of the signature, {name_of(certificate)[:200]}, {when}.")


def verify(source: Source, value: Value, content: Buffer, certificates: Sequence[x509.Certificate]) -> list[Signed]:
    """The signatures of the content by these certificates, whether these are valid now or not.

    One that holds is enough: certificates may have the same name and number, and a partner may sign for several
    readers. Raises CmsError where none holds.
    """
    try:
        signers = [asn1.SignerInfo.load(info) for info in _signer_infos(source, value)]
        named = [(one, found) for one in signers for found in certificates if _names(one["sid"], found)]
        hashed, held, wrong = _Content(content), [], []
        for signer, certificate in named:
            try:
                held.append(_verify(signer, certificate, hashed))
            except CmsError as error:
                wrong.append(error)
    except CmsError:
        raise
    except (BerError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise CmsError(_DAMAGED, "The signature is damaged.") from error
    if held:
        return held
    if wrong:
        raise next((one for one in wrong if one.reason == _NOT_INTACT), wrong[0])
    what = "was made by somebody whose certificate we do not have" if signers else "has no signer"
    raise CmsError(_NOT_AUTHENTIC, f"The signature {what}.")


def _signer_infos(source: Source, value: Value) -> list[bytes]:
    infos = source.children(value)[-1]
    if infos.tag != ber.SET:
        raise CmsError(_NOT_AUTHENTIC, "The signature has no signer.")
    found = source.children(infos)
    if len(found) > _MOST_SIGNERS:
        raise CmsError(_NOT_AUTHENTIC, f"The signature has more than {_MOST_SIGNERS} signers.")
    return [source.bytes_of(one) for one in found]


def _names(identifier: asn1.SignerIdentifier, certificate: x509.Certificate) -> bool:
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    if identifier.name == "subject_key_identifier":
        return bool(parsed.key_identifier is not None and parsed.key_identifier == identifier.chosen.native)
    same_issuer = parsed.issuer == identifier.chosen["issuer"]
    return bool(same_issuer and parsed.serial_number == identifier.chosen["serial_number"].native)


def _verify(signer: asn1.SignerInfo, certificate: x509.Certificate, content: _Content) -> Signed:
    digest = DIGEST_OIDS.get(signer["digest_algorithm"]["algorithm"].dotted)
    if digest is None:
        raise CmsError(_NOT_AUTHENTIC, "The signature uses a digest that we do not take.")
    attributes = signer["signed_attrs"]
    if len(attributes):
        _insist_on_content(attributes, content, digest)
        _check(signer, certificate, hash_of(attributes.untag().dump(), digest), digest)
        return Signed(certificate, digest)
    try:
        # A signature without attributes covers the content itself (RFC 5652 5.4).
        _check(signer, certificate, content.hash(digest), digest)
    except CmsError as error:
        raise CmsError(_NOT_INTACT, "The signature does not fit the content: it was changed on the way.") from error
    return Signed(certificate, digest)


def _insist_on_content(attributes: asn1.CMSAttributes, content: _Content, digest: str) -> None:
    """Raises CmsError unless the signed attributes are about this content."""
    said = {one["type"].native: one["values"] for one in attributes}
    if len(said) != len(attributes) or "message_digest" not in said or "content_type" not in said:
        raise CmsError(_NOT_AUTHENTIC, "The signature lacks what it must sign.")
    if len(said["message_digest"]) != 1 or said["content_type"][0].dotted != DATA:
        raise CmsError(_NOT_AUTHENTIC, "The signature signs something else than a message.")
    if content.hash(digest) != said["message_digest"][0].native:
        raise CmsError(_NOT_INTACT, "The signature does not fit the content: it was changed on the way.")


def _check(signer: asn1.SignerInfo, certificate: x509.Certificate, hashed: bytes, digest: str) -> None:
    """Raises CmsError unless the holder of the certificate's key signed what has this hash."""
    algorithm = signer["signature_algorithm"]
    public, signature = certificate.public_key(), signer["signature"].native
    _insist_on_one_digest(algorithm, digest)
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, hashed, _rsa_scheme(algorithm), Prehashed(HASHES[digest]))
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, hashed, ec.ECDSA(Prehashed(HASHES[digest])))
        else:
            raise CmsError(_NOT_AUTHENTIC, "The certificate has a kind of key that we do not take.")
    except InvalidSignature as error:
        raise CmsError(_NOT_AUTHENTIC, "The signature was not made with the certificate that it names.") from error


def _insist_on_one_digest(algorithm: algos.SignedDigestAlgorithm, digest: str) -> None:
    """The algorithm of the signature names the digest once more, as "sha256_rsa" or in the parameters of PSS."""
    named = algorithm["algorithm"].native.partition("_")[0]
    if algorithm["algorithm"].native == "rsassa_pss":
        is_same = algorithm["parameters"]["hash_algorithm"]["algorithm"].native == digest
    else:
        is_same = named not in HASHES or named == digest
    if not is_same:
        raise CmsError(_NOT_AUTHENTIC, "The signature names two digests.")


def _rsa_scheme(algorithm: algos.SignedDigestAlgorithm) -> padding.AsymmetricPadding:
    if algorithm["algorithm"].native != "rsassa_pss":
        return padding.PKCS1v15()
    parameters = algorithm["parameters"]
    mask: hashes.HashAlgorithm = HASHES[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    return padding.PSS(mgf=padding.MGF1(mask), salt_length=parameters["salt_length"].native)
