"""Certificates and keys as files: made, read, written, named by their fingerprint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from edi_server.errors import ConfigurationError
from edi_server.transports.as2.encryption import OwnKey

#: Shorter RSA keys have been out of use since 2013 (NIST SP 800-131A).
LEAST_BITS = 2048
_PEM = b"-----BEGIN CERTIFICATE"


def make_own_key(name: str, *, now: datetime, days: int, bits: int = 3072) -> OwnKey:
    """A new RSA key with a certificate for it, signed by itself: partners get the certificate and trust it as such."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    begins = now.astimezone(UTC).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Partners' clocks may be slow.
        .not_valid_before(begins - timedelta(hours=1))
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return OwnKey(key, certificate)


def read_certificate(file: Path) -> x509.Certificate:
    """The first certificate of a file in PEM or DER. Raises ConfigurationError."""
    try:
        content = file.read_bytes()
        return x509.load_pem_x509_certificate(content) if _PEM in content else x509.load_der_x509_certificate(content)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: holds no certificate, in PEM or DER") from error


def read_own_key(certificate: Path, private_key: Path, passphrase: str = "") -> OwnKey:
    """A certificate of ours with its key. Raises ConfigurationError where they cannot be read or do not match."""
    try:
        key = load_pem_private_key(private_key.read_bytes(), passphrase.encode() or None)
    except OSError as error:
        raise ConfigurationError(f"{private_key}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{private_key}: cannot be used: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError(f"{private_key}: is no RSA key, which AS2 needs")
    if key.key_size < LEAST_BITS:
        raise ConfigurationError(f"{private_key}: has {key.key_size} bits; anybody could break less than {LEAST_BITS}")
    own = OwnKey(key, read_certificate(certificate))
    if own.certificate.public_key() != key.public_key():
        raise ConfigurationError(f"{private_key}: is not the key of {certificate}")
    return own


def key_to_pem(own: OwnKey) -> bytes:
    """The private key, not encrypted: the file must be nobody else's to read."""
    return own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_as(certificate: x509.Certificate, suffix: str) -> bytes:
    """The certificate as a file of that kind has it: ".pem" in text, ".cer", ".crt" and ".der" in DER."""
    return certificate.public_bytes(Encoding.PEM if suffix.lower() == ".pem" else Encoding.DER)


def to_p12(own: OwnKey, name: str, passphrase: str) -> bytes:
    """Key and certificate in one file (PKCS #12), for another station of ours."""
    return pkcs12.serialize_key_and_certificates(
        name.encode(), own.key, own.certificate, None, BestAvailableEncryption(passphrase.encode())
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in pairs of digits: what two people compare on the telephone."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def name_of(certificate: x509.Certificate) -> str:
    """Its subject, as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string() or "(no name)"


def described(certificate: x509.Certificate, now: datetime) -> str:
    """A certificate in half a sentence: name, end, fingerprint."""
    ends = certificate.not_valid_after_utc
    days = (ends - now).days
    left = f"{days} day{'s' if days != 1 else ''} left" if ends > now else "has ended"
    return f"{name_of(certificate)}, until {ends:%Y-%m-%d} ({left}), SHA-256 {fingerprint(certificate)[:23]}…"
