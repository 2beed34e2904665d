"""Reading CMS EnvelopedData and AuthEnvelopedData (RFC 5652 6, RFC 5083, RFC 5084).

In two steps: what anybody can read, which may be talked about, and what only our key opens, which may not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers import Cipher as Ciphering

from edi_server.transports.as2 import ber
from edi_server.transports.as2.algorithms import CIPHER_OIDS, CIPHERS, HASHES, Cipher, KeyTransport, size_of
from edi_server.transports.as2.ber import BerError, Buffer, Source, Value
from edi_server.transports.as2.cms import CmsError, oid_of
from edi_server.transports.as2.encryption import SLACK, OwnKey, block_size, ciphering, oaep

_DECRYPTION_FAILED = "decryption-failed"
#: Said of everything that is wrong with content which nobody vouches for yet: it must not tell an attacker more.
NOT_DECRYPTED = (
    "The message could not be decrypted. It was changed on the way, or its key or its signature is not one that was "
    "agreed; our records say more."
)
_OAEP = "1.2.840.113549.1.1.7"
_PKCS1 = "1.2.840.113549.1.1.1"
_OAEP_NAMES: dict[str, KeyTransport] = {
    "sha1": "oaep-sha1",
    "sha256": "oaep-sha256",
    "sha384": "oaep-sha384",
    "sha512": "oaep-sha512",
}


class Recipient(msgspec.Struct, frozen=True):
    """The content encryption key, encrypted for a key of ours."""

    own: OwnKey
    transport: KeyTransport
    scheme: padding.AsymmetricPadding
    encrypted_key: bytes

    def unwrap(self, length: int) -> bytes:
        """The key, of that many bytes. Where there is none it is one at random: what fails then is the content.

        Whoever could tell a key that was damaged from content that was could have any key decrypted, question by
        question (Bleichenbacher 1998; RFC 3218 2.3.2).
        """
        try:
            key = self.own.key.decrypt(self.encrypted_key, self.scheme)
        except ValueError:
            key = b""
        return key if len(key) == length else os.urandom(length)


class Envelope(msgspec.Struct, frozen=True):
    """EnvelopedData or AuthEnvelopedData, not opened yet: all that anybody can read in it."""

    cipher: Cipher
    #: Those that may be us; more than one where certificates of ours have the same name and number.
    recipients: tuple[Recipient, ...]
    content: tuple[memoryview, ...]
    #: Initialization vector or nonce.
    vector: bytes
    #: Of AuthEnvelopedData, b"" otherwise.
    mac: bytes = b""
    #: Authenticated attributes as they are authenticated, b"" for none.
    attributes: bytes = b""

    @property
    def is_sealed(self) -> bool:
        """Nobody but who knows the key can have changed the content unnoticed."""
        return self.cipher.endswith("gcm")


#: originatorInfo [0].
_ORIGINATOR = 0xA0
#: authAttrs [1] of AuthEnvelopedData.
_AUTHENTICATED = 0xA1
#: Recipients that are looked at, and those of them that are tried.
_MOST_RECIPIENTS, _MOST_TRIES = 200, 8
#: RFC 5084 3.2: 12 unless said, which is seldom what is said.
_MAC_LENGTHS = range(12, 17)


def read_envelope(source: Source, value: Value, keys: Sequence[OwnKey], *, sealed: bool) -> Envelope:
    """What is encrypted for one of our keys, and how. `sealed`: AuthEnvelopedData. Raises CmsError.

    No key of ours is used yet, so what is wrong here may be told in words of its own.
    """
    try:
        _, recipients, encrypted, *rest = [part for part in source.children(value) if part.tag != _ORIGINATOR]
        _, algorithm, content = source.children(encrypted)
        name, parameters = source.children(algorithm)[:2]
        cipher = _cipher(oid_of(source, name), sealed=sealed)
        infos = [source.bytes_of(one) for one in source.children(recipients)[:_MOST_RECIPIENTS]]
        envelope = Envelope(
            cipher=cipher,
            recipients=tuple(_ours(infos, keys)),
            content=tuple(source.octet_pieces(content)),
            vector=bytes(source.octets(source.children(parameters)[0] if sealed else parameters)),
        )
        return _with_mac(envelope, source, rest) if sealed else envelope
    except CmsError:
        raise
    except (BerError, ValueError, TypeError, IndexError, KeyError, StopIteration) as error:
        raise CmsError(_DECRYPTION_FAILED, "What is encrypted is damaged.") from error


def _cipher(oid: str, *, sealed: bool) -> Cipher:
    cipher = CIPHER_OIDS.get(oid)
    if cipher is None or cipher.endswith("gcm") != sealed:
        raise CmsError(_DECRYPTION_FAILED, "The message is encrypted in a way that we do not take.")
    return cipher


def _with_mac(envelope: Envelope, source: Source, rest: Sequence[Value]) -> Envelope:
    attributes = next((one for one in rest if one.tag == _AUTHENTICATED), None)
    mac = next(bytes(source.octets(one)) for one in rest if one.tag & 0xDF == ber.OCTET_STRING)
    if len(mac) not in _MAC_LENGTHS:
        raise CmsError(_DECRYPTION_FAILED, "What is encrypted is damaged.")
    told = bytes(source.data[attributes.content : attributes.end_of_content]) if attributes else b""
    signed = b"".join(ber.encode(ber.SET, told)) if attributes else b""
    return msgspec.structs.replace(envelope, mac=mac, attributes=signed)


def _ours(infos: Sequence[bytes], keys: Sequence[OwnKey]) -> list[Recipient]:
    """The recipients that may be us. Raises CmsError where there is none."""
    found = []
    for info in infos:
        recipient = asn1.RecipientInfo.load(info)
        if recipient.name != "ktri":
            continue
        for own in keys:
            if _is_for(recipient.chosen["rid"], own.certificate):
                transport, scheme = _scheme(recipient.chosen)
                found.append(Recipient(own, transport, scheme, recipient.chosen["encrypted_key"].native))
    if not found:
        raise CmsError(_DECRYPTION_FAILED, "The message is encrypted for a certificate that is none of ours.")
    return found[:_MOST_TRIES]


def _is_for(identifier: asn1.RecipientIdentifier, certificate: x509.Certificate) -> bool:
    if identifier.name == "subject_key_identifier":
        try:
            own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return False
        return bool(own == identifier.chosen.native)
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    same_issuer = parsed.issuer == identifier.chosen["issuer"]
    return bool(same_issuer and parsed.serial_number == identifier.chosen["serial_number"].native)


def _scheme(info: asn1.KeyTransRecipientInfo) -> tuple[KeyTransport, padding.AsymmetricPadding]:
    algorithm = info["key_encryption_algorithm"]
    if algorithm["algorithm"].dotted == _PKCS1:
        return "pkcs1", padding.PKCS1v15()
    if algorithm["algorithm"].dotted != _OAEP:
        raise CmsError(_DECRYPTION_FAILED, "The key is encrypted in a way that we do not know.")
    parameters = algorithm["parameters"]
    digest = parameters["hash_algorithm"]["algorithm"].native
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return _OAEP_NAMES[digest], oaep(HASHES[digest], HASHES[mask])


def open_envelope(envelope: Envelope) -> tuple[memoryview, bool]:
    """The content, and whether it ends as it should. Raises CmsError.

    Where it does not, it is returned with whatever it ends with, so that reading it takes the same way, and ends in
    the same words, as reading content that was changed elsewhere: padding must not be told from content (Vaudenay
    2002). The caller refuses it in the end.
    """
    plain, is_whole = memoryview(b""), False
    for recipient in envelope.recipients:
        key = recipient.unwrap(CIPHERS[envelope.cipher][0])
        try:
            plain, is_whole = _opened(envelope, key)
        except (InvalidTag, ValueError):
            continue
        if is_whole and (len(envelope.recipients) == 1 or _begins_like_text(plain)):
            break
    if not plain:
        raise CmsError(_DECRYPTION_FAILED, NOT_DECRYPTED)
    return plain, is_whole


def _opened(envelope: Envelope, key: bytes) -> tuple[memoryview, bool]:
    if not envelope.is_sealed:
        decryptor = ciphering(envelope.cipher, key, modes.CBC(envelope.vector)).decryptor()
        return _unpadded(_decrypted(envelope.content, decryptor), block_size(envelope.cipher) // 8)
    mode = modes.GCM(envelope.vector, envelope.mac, min_tag_length=_MAC_LENGTHS.start)
    sealed = Ciphering(algorithms.AES(key), mode).decryptor()
    sealed.authenticate_additional_data(envelope.attributes)
    return _decrypted(envelope.content, sealed), True


def _decrypted(packed: Sequence[Buffer], decryptor: AEADDecryptionContext | CipherContext) -> memoryview:
    """The plain content, in memory once."""
    plain = memoryview(bytearray(size_of(packed) + 2 * SLACK))
    at = 0
    for piece in packed:
        at += decryptor.update_into(piece, plain[at:])
    rest = decryptor.finalize()
    plain[at : at + len(rest)] = rest
    return plain[: at + len(rest)]


def _unpadded(plain: memoryview, block: int) -> tuple[memoryview, bool]:
    """Without its padding; as it is where there is none (RFC 5652 6.3)."""
    count = plain[-1] if plain else 0
    if not 1 <= count <= block or plain[-count:] != bytes([count]) * count:
        return plain, False
    return plain[:-count], True


def _begins_like_text(plain: memoryview) -> bool:
    """True for a MIME header, false for what a wrong key makes of one."""
    return all(32 <= byte < 127 or byte in b"\r\n\t" for byte in plain[:32])
