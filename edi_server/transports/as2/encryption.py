"""CMS EnvelopedData and AuthEnvelopedData: encrypted for one recipient (RFC 5652 6, RFC 5083, RFC 5084)."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import msgspec
from asn1crypto import algos, core
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import (
    AEADDecryptionContext,
    AEADEncryptionContext,
    CipherContext,
    algorithms,
    modes,
)
from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import (
    CIPHER_OIDS,
    CIPHERS,
    HASHES,
    Cipher,
    Content,
    KeyTransport,
    pieces_of,
    size_of,
)
from edi_server.transports.as2.ber import BerError, Buffer, Value
from edi_server.transports.as2.cms import DATA, CmsError, oid, oid_of, wrapped

_SUBJECT_KEY_IDENTIFIER = x509.SubjectKeyIdentifier
_MAC_LENGTH = 16
#: What encrypting in place may need behind the last byte: one block (`update_into`).
_SLACK = 16
_DECRYPTION_FAILED = "decryption-failed"
_OAEP = "1.2.840.113549.1.1.7"
_PKCS1 = "1.2.840.113549.1.1.1"


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
    block = _block_size(cipher)
    vector = os.urandom(block // 8)
    encryptor = _ciphering(cipher, key, modes.CBC(vector)).encryptor()
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
    filled = bytearray(total + 2 * _SLACK)
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
        raise CmsError(_DECRYPTION_FAILED, "Only certificates with an RSA key can be encrypted for.")
    digest = transport.removeprefix("oaep-")
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    algorithm: dict[str, object] = {"algorithm": "rsaes_pkcs1v15", "parameters": core.Null()}
    if transport != "pkcs1":
        scheme = _oaep(HASHES[digest], HASHES[digest])
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


def _oaep(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None)


def decrypt(view: memoryview, value: Value, keys: Sequence[OwnKey], *, sealed: bool) -> tuple[Buffer, Cipher]:
    """The content for one of our keys, and how it was encrypted. `sealed`: AuthEnvelopedData. Raises CmsError.

    Whatever is wrong gives the same answer, so that it tells an attacker nothing.
    """
    try:
        inside = [part for part in ber.children(view, value) if part.tag != _ORIGINATOR]
        _, recipients, encrypted, *rest = inside
        infos = [bytes(view[one.start : one.end]) for one in ber.children(view, recipients)]
        key = _own_key(infos, keys)
        return _open(view, encrypted, rest, key, sealed=sealed)
    except CmsError:
        raise
    except (BerError, ValueError, TypeError, IndexError, KeyError) as error:
        raise CmsError(_DECRYPTION_FAILED, "The message could not be decrypted.") from error


#: originatorInfo [0].
_ORIGINATOR = 0xA0
#: authAttrs [1] of AuthEnvelopedData.
_AUTHENTICATED = 0xA1


def _own_key(infos: Sequence[bytes], keys: Sequence[OwnKey]) -> bytes:
    """The content encryption key from the first recipient that is us."""
    for info in infos:
        recipient = asn1.RecipientInfo.load(info)
        if recipient.name != "ktri":
            continue
        for own in keys:
            if _is_for(recipient.chosen["rid"], own.certificate):
                return own.key.decrypt(recipient.chosen["encrypted_key"].native, _scheme(recipient.chosen))
    raise CmsError(_DECRYPTION_FAILED, "The message is encrypted for a certificate that is none of ours.")


def _is_for(identifier: asn1.RecipientIdentifier, certificate: x509.Certificate) -> bool:
    if identifier.name == "subject_key_identifier":
        try:
            own = certificate.extensions.get_extension_for_class(_SUBJECT_KEY_IDENTIFIER).value.digest
        except x509.ExtensionNotFound:
            return False
        return bool(own == identifier.chosen.native)
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    same_issuer = parsed.issuer == identifier.chosen["issuer"]
    return bool(same_issuer and parsed.serial_number == identifier.chosen["serial_number"].native)


def _scheme(info: asn1.KeyTransRecipientInfo) -> padding.AsymmetricPadding:
    algorithm = info["key_encryption_algorithm"]
    if algorithm["algorithm"].dotted == _PKCS1:
        return padding.PKCS1v15()
    if algorithm["algorithm"].dotted != _OAEP:
        raise CmsError(_DECRYPTION_FAILED, "The key is encrypted in a way that we do not know.")
    parameters = algorithm["parameters"]
    digest = parameters["hash_algorithm"]["algorithm"].native
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return _oaep(HASHES[digest], HASHES[mask])


def _open(
    view: memoryview, encrypted: Value, rest: Sequence[Value], key: bytes, *, sealed: bool
) -> tuple[Buffer, Cipher]:
    _, algorithm, content = ber.children(view, encrypted)
    name, parameters = ber.children(view, algorithm)[:2]
    cipher = CIPHER_OIDS.get(oid_of(view, name))
    if cipher is None or cipher.endswith("gcm") != sealed or len(key) != CIPHERS[cipher][0]:
        raise CmsError(_DECRYPTION_FAILED, "The message is encrypted in a way that we do not take.")
    packed = ber.octet_pieces(view, content)
    if sealed:
        return _unseal(view, packed, parameters, rest, key), cipher  # type: ignore[return-value]
    vector = bytes(ber.octets(view, parameters))
    plain = _decrypted(packed, _ciphering(cipher, key, modes.CBC(vector)).decryptor())
    return _unpadded(plain, _block_size(cipher) // 8), cipher  # type: ignore[return-value]


def _decrypted(packed: Sequence[Buffer], decryptor: AEADDecryptionContext | CipherContext) -> memoryview:
    """The plain content, in memory once."""
    plain = memoryview(bytearray(size_of(packed) + 2 * _SLACK))
    at = 0
    for piece in packed:
        at += decryptor.update_into(piece, plain[at:])
    rest = decryptor.finalize()
    plain[at : at + len(rest)] = rest
    return plain[: at + len(rest)]


def _unseal(
    view: memoryview, packed: Sequence[Buffer], parameters: Value, rest: Sequence[Value], key: bytes
) -> memoryview:
    nonce = bytes(ber.octets(view, ber.children(view, parameters)[0]))
    attributes = next((one for one in rest if one.tag == _AUTHENTICATED), None)
    mac = next(bytes(ber.octets(view, one)) for one in rest if one.tag & 0xDF == ber.OCTET_STRING)
    if len(mac) != _MAC_LENGTH:
        raise CmsError(_DECRYPTION_FAILED, "The message could not be decrypted.")
    decryptor = Ciphering(algorithms.AES(key), modes.GCM(nonce, mac)).decryptor()
    if attributes is not None:
        content = bytes(view[attributes.content : attributes.end_of_content])
        decryptor.authenticate_additional_data(b"".join(ber.encode(ber.SET, content)))
    try:
        return _decrypted(packed, decryptor)
    except InvalidTag as error:
        raise CmsError(_DECRYPTION_FAILED, "The message could not be decrypted.") from error


def _unpadded(plain: memoryview, block: int) -> memoryview:
    count = plain[-1] if plain else 0
    if not 1 <= count <= block or plain[-count:] != bytes([count]) * count:
        raise CmsError(_DECRYPTION_FAILED, "The message could not be decrypted.")
    return plain[:-count]


def _block_size(cipher: str) -> int:
    """In bits."""
    return 64 if cipher == "3des" else 128


def _ciphering(cipher: str, key: bytes, mode: modes.CBC) -> Ciphering[modes.CBC]:
    return Ciphering(TripleDES(key) if cipher == "3des" else algorithms.AES(key), mode)
