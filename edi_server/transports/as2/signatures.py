"""CMS SignedData: signing, and finding out who signed (RFC 5652 5, RFC 5754, RFC 4056).

Certificates inside a message prove nothing and are never used: only those that were agreed with the partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asn1crypto import algos, core
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import DIGEST_OIDS, HASHES, Content, Digest, hash_of
from edi_server.transports.as2.ber import BerError, Buffer, Value
from edi_server.transports.as2.cms import DATA, CmsError, oid, wrap
from edi_server.transports.as2.encryption import OwnKey

_DAMAGED = "unexpected-processing-error"
_NOT_AUTHENTIC = "authentication-failed"
_NOT_INTACT = "integrity-check-failed"
_DATA_TYPE = "1.2.840.113549.1.7.1"


class Signed(msgspec.Struct, frozen=True):
    """A signature that holds."""

    certificate: x509.Certificate
    digest: Digest


def sign(content: Content, own: OwnKey, digest: Digest, *, pss: bool = False, at: datetime | None = None) -> bytes:
    """A detached signature of the content: ContentInfo in DER. `at` is told as the time of signing."""
    parsed = asn1_x509.Certificate.load(own.certificate.public_bytes(serialization.Encoding.DER))
    attributes = asn1.CMSAttributes(
        [
            asn1.CMSAttribute({"type": "content_type", "values": ["data"]}),
            asn1.CMSAttribute({"type": "message_digest", "values": [hash_of(content, digest)]}),
            *([asn1.CMSAttribute({"type": "signing_time", "values": [_time(at)]})] if at else []),
        ]
    )
    signer = asn1.SignerInfo(
        {
            "version": "v1",
            "sid": {"issuer_and_serial_number": {"issuer": parsed.issuer, "serial_number": parsed.serial_number}},
            "digest_algorithm": {"algorithm": digest, "parameters": core.Null()},
            "signed_attrs": attributes,
            "signature_algorithm": _signature_algorithm(digest, pss=pss),
            "signature": own.key.sign(attributes.dump(), _scheme(digest, pss=pss), HASHES[digest]),
        }
    )
    algorithm = algos.DigestAlgorithm({"algorithm": digest, "parameters": core.Null()}).dump()
    inner: list[Buffer | Sequence[Buffer]] = [
        b"\x02\x01\x01",
        ber.encode(ber.SET, algorithm),
        ber.encode(ber.SEQUENCE, oid(DATA)),
        ber.encode(0xA0, parsed.dump()),
        ber.encode(ber.SET, signer.dump()),
    ]
    return wrap("signed", ber.encode(ber.SEQUENCE, *inner))


def _time(at: datetime) -> asn1.Time:
    return asn1.Time({"utc_time": at.replace(microsecond=0)})


def _signature_algorithm(digest: str, *, pss: bool) -> algos.SignedDigestAlgorithm:
    if not pss:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15", "parameters": core.Null()})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": digest, "parameters": core.Null()},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest, "parameters": core.Null()}},
            "salt_length": HASHES[digest].digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _scheme(digest: str, *, pss: bool) -> padding.AsymmetricPadding:
    if not pss:
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(HASHES[digest]), salt_length=HASHES[digest].digest_size)


def enclosed(view: memoryview, value: Value) -> Buffer | None:
    """The content that SignedData carries inside, or None if it is detached. Raises CmsError."""
    try:
        parts = ber.children(view, ber.children(view, value)[2])
        return ber.octets(view, ber.children(view, parts[1])[0]) if len(parts) > 1 else None
    except (BerError, IndexError) as error:
        raise CmsError(_DAMAGED, "The signature is damaged.") from error


def verify(
    view: memoryview, value: Value, contents: Sequence[Buffer], certificates: Sequence[x509.Certificate]
) -> tuple[Signed, int]:
    """Who of these signed, and which of the contents (the forms in which it may have been signed).

    Every signature that names one of the certificates must hold, and there must be one. Raises CmsError.
    """
    try:
        signers = [asn1.SignerInfo.load(info) for info in _signer_infos(view, value)]
        ours = [(one, found) for one in signers for found in certificates if _names(one["sid"], found)]
        verified = [_verify(one, certificate, contents) for one, certificate in ours]
    except CmsError:
        raise
    except (BerError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise CmsError(_DAMAGED, "The signature is damaged.") from error
    if not verified:
        what = "was made by somebody whose certificate we do not have" if signers else "has no signer"
        raise CmsError(_NOT_AUTHENTIC, f"The signature {what}.")
    if len({at for _, at in verified}) != 1:
        raise CmsError(_NOT_INTACT, "Two signatures are about different contents.")
    return verified[0]


def _signer_infos(view: memoryview, value: Value) -> list[bytes]:
    infos = ber.children(view, value)[-1]
    if infos.tag != ber.SET:
        raise CmsError(_NOT_AUTHENTIC, "The signature has no signer.")
    return [bytes(view[one.start : one.end]) for one in ber.children(view, infos)]


def _names(identifier: asn1.SignerIdentifier, certificate: x509.Certificate) -> bool:
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    if identifier.name == "subject_key_identifier":
        return bool(parsed.key_identifier is not None and parsed.key_identifier == identifier.chosen.native)
    same_issuer = parsed.issuer == identifier.chosen["issuer"]
    return bool(same_issuer and parsed.serial_number == identifier.chosen["serial_number"].native)


def _verify(signer: asn1.SignerInfo, certificate: x509.Certificate, contents: Sequence[Buffer]) -> tuple[Signed, int]:
    digest = DIGEST_OIDS.get(signer["digest_algorithm"]["algorithm"].dotted)
    if digest is None:
        raise CmsError(_NOT_AUTHENTIC, "The signature uses a digest that we do not take.")
    attributes = signer["signed_attrs"]
    if not len(attributes):
        return _verify_bare(signer, certificate, contents, digest)
    at = _intact(attributes, contents, digest)
    _check(signer, certificate, attributes.untag().dump(), digest)
    return Signed(certificate, digest), at  # type: ignore[arg-type]


def _verify_bare(
    signer: asn1.SignerInfo, certificate: x509.Certificate, contents: Sequence[Buffer], digest: str
) -> tuple[Signed, int]:
    """A signature without attributes covers the content itself (RFC 5652 5.4)."""
    for at, content in enumerate(contents):
        try:
            _check(signer, certificate, content, digest)
        except CmsError:
            continue
        return Signed(certificate, digest), at  # type: ignore[arg-type]
    raise CmsError(_NOT_INTACT, "The signature does not fit the content: it was changed on the way.")


def _intact(attributes: asn1.CMSAttributes, contents: Sequence[Buffer], digest: str) -> int:
    """Which of the contents the signed digest is of."""
    said = {one["type"].native: one["values"] for one in attributes}
    if len(said) != len(attributes) or "message_digest" not in said or "content_type" not in said:
        raise CmsError(_NOT_AUTHENTIC, "The signature lacks what it must sign.")
    if len(said["message_digest"]) != 1 or said["content_type"][0].dotted != _DATA_TYPE:
        raise CmsError(_NOT_AUTHENTIC, "The signature signs something else than a message.")
    wanted = said["message_digest"][0].native
    for at, content in enumerate(contents):
        if hash_of(content, digest) == wanted:
            return at
    raise CmsError(_NOT_INTACT, "The signature does not fit the content: it was changed on the way.")


def _check(signer: asn1.SignerInfo, certificate: x509.Certificate, signed: Buffer, digest: str) -> None:
    """Raises CmsError unless the holder of the certificate's key signed exactly this."""
    algorithm = signer["signature_algorithm"]
    public, signature = certificate.public_key(), signer["signature"].native
    try:
        if isinstance(public, rsa.RSAPublicKey):
            scheme, hashed = _rsa_scheme(algorithm, digest)
            public.verify(signature, hash_of(signed, hashed.name), scheme, Prehashed(hashed))
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, hash_of(signed, digest), ec.ECDSA(Prehashed(HASHES[digest])))
        else:
            raise CmsError(_NOT_AUTHENTIC, "The certificate has a kind of key that we do not take.")
    except InvalidSignature as error:
        raise CmsError(_NOT_AUTHENTIC, "The signature was not made with the certificate that it names.") from error


def _rsa_scheme(
    algorithm: algos.SignedDigestAlgorithm, digest: str
) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    if algorithm["algorithm"].native != "rsassa_pss":
        # "sha256_rsa" and the like name the digest once more: it must be the same.
        named = algorithm["algorithm"].native.partition("_")[0]
        if named in HASHES and named != digest:
            raise CmsError(_NOT_AUTHENTIC, "The signature names two digests.")
        return padding.PKCS1v15(), HASHES[digest]
    parameters = algorithm["parameters"]
    hashed = HASHES[parameters["hash_algorithm"]["algorithm"].native]
    mask = HASHES[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    return padding.PSS(mgf=padding.MGF1(mask), salt_length=parameters["salt_length"].native), hashed
