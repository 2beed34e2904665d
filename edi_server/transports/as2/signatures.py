"""Writing CMS SignedData (RFC 5652 5, RFC 5754, RFC 4056)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asn1crypto import algos, core
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import HASHES, Content, Digest, hash_of
from edi_server.transports.as2.ber import Buffer
from edi_server.transports.as2.cms import DATA, oid, wrap
from edi_server.transports.as2.encryption import OwnKey


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
