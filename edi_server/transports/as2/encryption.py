"""Writing CMS EnvelopedData and AuthEnvelopedData, for one recipient (RFC 5652 6, RFC 5083, RFC 5084)."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import msgspec
from asn1crypto import algos, core
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import CIPHERS, HASHES, Cipher, Content, KeyTransport, pieces_of, size_of
from edi_server.transports.as2.ber import Buffer
from edi_server.transports.as2.cms import DATA, CmsError, oid, wrapped

_MAC_LENGTH = 16
#: What encrypting in place may need behind the last byte: one block (`update_into`).
SLACK = 16


class OwnKey(msgspec.Struct, frozen=True):
    """A private key of ours with its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


def encrypt(
    content: Content, recipient: x509.Certificate, cipher: Cipher = "aes256-cbc", transport: KeyTransport = "pkcs1"
) -> bytearray:
    """A ContentInfo that only the holder of the certificate's key can read."""
    length, cipher_oid = CIPHERS[cipher]
    key = os.urandom(length)
    to = _recipient(recipient, key, transport)
    if cipher.endswith("gcm"):
        return _seal(content, key, cipher_oid, to)
    block = block_size(cipher)
    vector = os.urandom(block // 8)
    encryptor = ciphering(cipher, key, modes.CBC(vector)).encryptor()
    padded = [*pieces_of(content), _padding(content, block)]
    algorithm = ber.encode(ber.SEQUENCE, oid(cipher_oid), ber.encode(ber.OCTET_STRING, vector))
    room = _room(size_of(padded))
    inner = ber.encode(ber.SEQUENCE, oid(DATA), algorithm, ber.encode(0x80, room))
    layout = wrapped("enveloped", ber.encode(ber.SEQUENCE, b"\x02\x01\x00", ber.encode(ber.SET, to), inner))
    return _filled(layout, room, padded, encryptor)


def _room(size: int) -> memoryview:
    """A place in a layout: memory that is never touched and so never taken (a bytearray would be filled with zeros)."""
    return memoryview(mmap.mmap(-1, size + 1))[:size]


def _filled(
    layout: Sequence[Buffer],
    room: memoryview,
    content: Sequence[Buffer],
    encryptor: AEADEncryptionContext | CipherContext,
) -> bytearray:
    """The layout with the content encrypted into its room."""
    total = size_of(layout)
    filled = bytearray(total + 2 * SLACK)
    view, at = memoryview(filled), 0
    for piece in layout:
        if piece is not room:
            size = memoryview(piece).nbytes
            view[at : at + size] = piece
            at += size
            continue
        for part in content:
            at += encryptor.update_into(part, view[at:])
        rest = encryptor.finalize()
        view[at : at + len(rest)] = rest
        at += len(rest)
    view.release()
    del filled[total:]
    return filled


def _padding(content: Content, block: int) -> bytes:
    """What fills the last block up (RFC 5652 6.3)."""
    size = block // 8
    missing = size - size_of(content) % size
    return bytes([missing]) * missing


def _seal(content: Content, key: bytes, cipher_oid: str, to: bytes) -> bytearray:
    """AuthEnvelopedData with AES-GCM."""
    nonce = os.urandom(12)
    encryptor = Ciphering(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    parameters = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTET_STRING, nonce), bytes([ber.INTEGER, 1, _MAC_LENGTH]))
    algorithm = ber.encode(ber.SEQUENCE, oid(cipher_oid), parameters)
    room = _room(size_of(content))
    inner = ber.encode(ber.SEQUENCE, oid(DATA), algorithm, ber.encode(0x80, room))
    mac = ber.encode(ber.OCTET_STRING, bytes(_MAC_LENGTH))
    version = b"\x02\x01\x00"
    layout = wrapped("auth-enveloped", ber.encode(ber.SEQUENCE, version, ber.encode(ber.SET, to), inner, mac))
    sealed = _filled(layout, room, pieces_of(content), encryptor)
    # The MAC is known only now; it lies at the end.
    sealed[-_MAC_LENGTH:] = encryptor.tag
    return sealed


def _recipient(certificate: x509.Certificate, key: bytes, transport: KeyTransport) -> bytes:
    """KeyTransRecipientInfo, by issuer and serial number."""
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise CmsError("unexpected-processing-error", "Only certificates with an RSA key can be encrypted for.")
    digest = transport.removeprefix("oaep-")
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    algorithm: dict[str, object] = {"algorithm": "rsaes_pkcs1v15", "parameters": core.Null()}
    if transport != "pkcs1":
        scheme = oaep(HASHES[digest], HASHES[digest])
        algorithm = {"algorithm": "rsaes_oaep", "parameters": _oaep_parameters(digest)}
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    info = asn1.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": asn1.RecipientIdentifier(
                {"issuer_and_serial_number": {"issuer": parsed.issuer, "serial_number": parsed.serial_number}}
            ),
            "key_encryption_algorithm": asn1.KeyEncryptionAlgorithm(algorithm),
            "encrypted_key": public.encrypt(key, scheme),
        }
    )
    dumped: bytes = info.dump()
    return dumped


def _oaep_parameters(digest: str) -> algos.RSAESOAEPParams:
    return algos.RSAESOAEPParams(
        {
            "hash_algorithm": {"algorithm": digest, "parameters": core.Null()},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest, "parameters": core.Null()}},
        }
    )


def oaep(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    """The padding OAEP over these digests."""
    return padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None)


def block_size(cipher: str) -> int:
    """The block of a cipher, in bits."""
    return 64 if cipher == "3des" else 128


def ciphering(cipher: str, key: bytes, mode: modes.CBC) -> Ciphering[modes.CBC]:
    """The cipher with a key, chaining blocks."""
    return Ciphering(TripleDES(key) if cipher == "3des" else algorithms.AES(key), mode)
