"""What strangers and faithless partners try on AS2 messages: oracles, weaker security than agreed, endless structures."""

import re
import zlib

import msgspec
import pytest
from asn1crypto import cms as asn1
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from rooms.test_as2_core import NOW, ORDER, OURS, STRANGER, THEIRS, THEM, US, certify, decrypt, terms
from rooms.test_as2_station import OUR_URL, THEIR_URL, End

from edi_server.transports.as2 import ber, cms, opening, verifying
from edi_server.transports.as2.algorithms import hash_of
from edi_server.transports.as2.allowance import MAX_HEADER_BYTES, MAX_VALUES, Allowance
from edi_server.transports.as2.decryption import open_envelope, read_envelope
from edi_server.transports.as2.encryption import encrypt, oaep
from edi_server.transports.as2.entity import LONGEST_HEADER, MAX_PARTS, EntityError, parse, parts_of, write
from edi_server.transports.as2.message import MessageError, Payload, make_message, open_message, sign_entity
from edi_server.transports.as2.signatures import HASHES, _scheme, _signature_algorithm, sign
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Quirks

PAYLOAD = Payload(content=ORDER, file_name="o.edi")
PKCS7 = {"Content-Type": "application/pkcs7-mime"}
ENTITY = b"Content-Type: application/edifact\r\n\r\n" + ORDER
AUTHENTIC, INTACT = "authentication-failed", "integrity-check-failed"


@pytest.fixture
def us(tmp_path):
    return End(tmp_path / "us", US, "Us", THEM, "Them", THEIR_URL)


@pytest.fixture
def them(tmp_path):
    return End(tmp_path / "them", THEM, "Them", US, "Us", OUR_URL)


def refuse(body, headers=PKCS7, keys=THEIRS, largest=1_000_000, **agreed):
    with pytest.raises(MessageError) as caught:
        open_message(headers, body, terms(**agreed), keys, now=NOW, largest=largest)
    return caught.value


def entity_of(made):
    """The whole entity of a message, as it may be inside another one."""
    return f"Content-Type: {made.headers['Content-Type']}\r\n\r\n".encode() + made.body


def signed(keys=OURS, **changes):
    return entity_of(make_message(PAYLOAD, terms(encrypt=None, **changes), keys, now=NOW))


def pieces_of(body):
    """What stands in front of the encrypted content of EnvelopedData, and that content."""
    _, source, value = cms.open_content(body)
    *front, encrypted = source.children(value)
    algorithm, content = source.children(encrypted)[1:]
    return [source.bytes_of(one) for one in front], source.bytes_of(algorithm), bytes(source.octets(content))


def with_content(body, content):
    front, algorithm, _ = pieces_of(body)
    inner = ber.encode(ber.SEQUENCE, cms.oid(cms.DATA), algorithm, ber.encode(0x80, content))
    return cms.wrap("enveloped", ber.encode(ber.SEQUENCE, *front, inner))


def answer_of(reply):
    """What a stranger can tell from a receipt, but for what is different each time."""
    return re.sub(rb"(report-|Message-ID: )\S+", b"", reply.body)


def test_a_captured_message_cannot_be_read_out_by_asking_about_its_padding(us, them):
    """Vaudenay 2002: for one of 256 last bytes of the block in front, the padding is right."""
    made = us.make(receipt_signed=False)
    _, _, content = pieces_of(made.body)
    target, answers = content[64:80], set()
    for guess in range(256):
        body = with_content(made.body, content + bytes([*range(15), guess]) + target)
        answers.add(answer_of(them.station.receive({**made.headers, "Message-ID": f"<{guess}@x>"}, body)))
    [answer] = answers
    assert b"processed/error: decryption-failed" in answer
    assert b"Received-Content-MIC" not in answer
    assert them.taken() == []


def test_nor_by_cutting_it_off_or_by_changing_any_of_its_blocks(us, them):
    made = us.make(receipt_signed=False)
    _, _, content = pieces_of(made.body)
    plain, _ = decrypt(made.body, [THEM])
    certificate = US.certificate.public_bytes(Encoding.DER)
    begins = plain.index(certificate)
    # Certificates in messages are never looked at, so what is changed there changes nothing.
    ignored = range(begins - 16, begins + len(certificate) - 15)
    tried = [content[: 16 * blocks] for blocks in range(len(content) // 16)]
    tried += [
        content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        for at in range(0, len(content), 16)
        if at not in ignored
    ]
    tried += [content[:-1], b"", content + b"x"]
    # Some blocks more, in front, between the lines of the header, and where the signature begins.
    tried += [
        content[:at] + content[64:96] + content[at - 16 : at] + content[at:]
        for at in (16, 32, 112, begins // 16 * 16 - 160)
    ]
    answers = {
        answer_of(
            them.station.receive({**made.headers, "Message-ID": f"<{number}@x>"}, with_content(made.body, content))
        )
        for number, content in enumerate(tried)
    }
    assert len(answers) == 1
    assert them.taken() == []


def insides():
    """What may be in an encrypted message, and how a message that nobody can have changed is answered."""
    plain = signed()
    torn = bytearray(cms.compress(plain))
    torn[-8] ^= 0xFF
    bomb = cms.compress(b"Content-Type: text/plain\r\n\r\n" + bytes(5_000_000))
    packed = b"Content-Type: application/pkcs7-mime\r\n\r\n"
    return {
        "unsigned": (ENTITY, "insufficient-message-security"),
        "no entity": (b"no header", "unexpected-processing-error"),
        "no CMS": (packed + b"x", "unexpected-processing-error"),
        "cut off": (plain[:-8], "unexpected-processing-error"),
        "changed": (plain.replace(b"UNZ+0", b"UNZ+1"), INTACT),
        "signed by a stranger": (signed(Keys((STRANGER,), ())), AUTHENTIC),
        "torn zlib": (packed + bytes(torn), "decompression-failed"),
        "bomb": (packed + bomb, "decompression-failed"),
        "bytes behind zlib": (packed + bytes(compressed_with(plain, b"x")), "decompression-failed"),
        "no key of ours": (packed + encrypt(plain, STRANGER.certificate, "aes256-gcm"), "decryption-failed"),
    }


def compressed_with(content, more):
    data = {"content_type": "data", "content": zlib.compress(content) + more}
    kind = {"version": "v0", "compression_algorithm": {"algorithm": "zlib"}, "encap_content_info": data}
    return asn1.ContentInfo({"content_type": "compressed_data", "content": asn1.CompressedData(kind)}).dump()


def test_what_is_wrong_inside_is_told_only_where_nobody_can_have_changed_it():
    veiled = {name: refuse(encrypt(inside, THEM.certificate)) for name, (inside, _) in insides().items()}
    assert len({(one.reason, one.sentence) for one in veiled.values()}) == 1
    assert {(one.reason, bool(one.mics)) for one in veiled.values()} == {("decryption-failed", False)}
    # Our own records say what it was.
    assert len({one.detail for one in veiled.values()}) > 7
    for name, (inside, reason) in insides().items():
        told = refuse(encrypt(inside, THEM.certificate, "aes256-gcm"))
        assert told.reason == reason, name
        assert told.detail == told.sentence == veiled[name].detail, name
        assert told.found == reason == veiled[name].found, name


def test_a_fault_of_ours_in_decrypted_content_is_told_as_all_else(monkeypatch, caplog):
    def fault(*_):
        raise ZeroDivisionError("secret")

    body = make_message(PAYLOAD, terms(), OURS, now=NOW).body
    usual = refuse(body[:-16] + bytes(16))
    monkeypatch.setattr(opening, "parse", fault)
    told = refuse(body)
    assert (told.reason, told.sentence) == (usual.reason, usual.sentence)
    assert "fault of ours" in told.detail
    assert "ZeroDivisionError" in caplog.text


def test_a_signature_around_what_is_encrypted_does_not_open_it_to_questions():
    """A partner signs what it captured of another's: the signature holds, and says nothing about what is inside."""
    captured = make_message(PAYLOAD, terms(), OURS, now=NOW)
    eve = certify("eve")
    keys = Keys((THEM,), (PartnerCertificate(eve.certificate),))
    said = set()
    for content in (captured.body, captured.body[:-16] + bytes(16), encrypt(ENTITY, THEM.certificate)):
        inner = write(PKCS7, content)
        outer = sign_entity(inner, sign(inner.raw, eve, "sha256"), "sha-256")
        told = refuse(outer.body, dict(outer.headers.items()), keys)
        said.add((told.reason, told.sentence))
    assert said == {("decryption-failed", told.sentence)}
    # Who agreed on that in good faith finds out from our own records what to agree on.
    assert told.found == "insufficient-message-security"
    assert "signed outside of what is encrypted" in told.detail
    assert "agree on GCM" in told.detail
    assert "not signed" not in told.detail


def around(header=b"", preamble=b"", epilogue=b"", name="p7z"):
    """A signed message with something around it, within what is encrypted, and compressed under that name."""
    head, _, body = signed().partition(b"\r\n\r\n")
    packed = f'Content-Type: application/pkcs7-mime; name="{name}"\r\n\r\n'.encode()
    return packed + cms.compress(header + head + b"\r\n\r\n" + preamble + body + epilogue)


@pytest.mark.parametrize(
    "what",
    [
        {"preamble": "Für Menschen ohne MIME.\r\n".encode()},
        {"preamble": b"\x00\r\n"},
        {"header": "Subject: Grüße\r\n".encode()},
        {"name": "Über.p7z"},
        {"epilogue": b"This is the end.\r\n"},
        {"epilogue": b"\r\n" * 600},
    ],
    ids=str,
)
def test_what_stands_around_signed_content_is_ascii_and_ends_with_it_under_cbc_alone(what):
    told = refuse(encrypt(around(**what), THEM.certificate))
    assert told.reason == "decryption-failed"
    assert told.sentence == refuse(encrypt(b"no header", THEM.certificate)).sentence
    sealed = encrypt(around(**what), THEM.certificate, "aes256-gcm")
    assert open_message(PKCS7, sealed, terms(), THEIRS, now=NOW).payloads == (PAYLOAD,)
    plain = {"preamble": b"For people.\r\n", "header": b"Subject: Order\r\n", "epilogue": b"\r\n" * 9}
    assert open_message(PKCS7, encrypt(around(**plain), THEM.certificate), terms(), THEIRS, now=NOW).payloads


def test_bytes_that_belong_to_nothing_are_refused_and_white_space_is_not():
    agreed = {"must_encrypt": False}
    made = make_message(PAYLOAD, terms(encrypt=None, compress="after signing"), OURS, now=NOW)
    assert refuse(made.body + b"x", **agreed).reason == "unexpected-processing-error"
    for blank in (b"\r\n", b"\n\n", b" \t\r\n"):
        assert open_message(PKCS7, made.body + blank, terms(**agreed), THEIRS, now=NOW).payloads == (PAYLOAD,)
        encrypted = encrypt(signed() + blank, THEM.certificate)
        assert open_message(PKCS7, encrypted, terms(), THEIRS, now=NOW).payloads == (PAYLOAD,)
    packed = compressed_with(signed(), b"\r\n")
    assert refuse(packed, **agreed).reason == "decompression-failed"


def with_key(body, encrypted_key):
    """The message with another encrypted key in its first recipient."""
    _, source, value = cms.open_content(body)
    key = source.children(source.children(source.children(value)[1])[0])[-1]
    return bytes(body[: key.content]) + encrypted_key + bytes(body[key.end_of_content :])


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes256-gcm"])
@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha256"])
def test_a_captured_key_cannot_be_decrypted_by_asking_about_its_form(cipher, transport):
    """Bleichenbacher 1998: a key of the right form and another length was answered in words of its own."""
    agreed = {"encrypt": cipher, "key_transport": transport}
    made = make_message(PAYLOAD, terms(**agreed), OURS, now=NOW)
    public = THEM.certificate.public_key()
    scheme = padding.PKCS1v15() if transport == "pkcs1" else oaep(HASHES["sha256"], HASHES["sha256"])
    keys = [public.encrypt(bytes([7]) * length, scheme) for length in (1, 16, 24, 31, 32, 33, 64, 100)]
    keys += [number.to_bytes(256, "big") for number in (2, 3**150, public.public_numbers().n - 2)]
    keys += [bytes(256), b"\xff" * 256]
    told = [refuse(with_key(made.body, key), **agreed) for key in keys]
    assert {(one.reason, one.sentence, len(one.mics)) for one in told} == {
        ("decryption-failed", told[0].sentence, 0),
    }


def test_neither_a_wrong_key_nor_a_wrong_padding_ends_the_reading_early():
    """Whatever is wrong takes the same way to the same words: the time that it takes would tell as well."""
    body = encrypt(ENTITY, THEM.certificate)
    for wrong in (bytes(256), THEM.certificate.public_key().encrypt(bytes(16), padding.PKCS1v15())):
        _, source, value = cms.open_content(with_key(body, wrong))
        [recipient] = read_envelope(source, value, [THEM], sealed=False).recipients
        keys = {recipient.unwrap(32) for _ in range(3)}
        assert {len(key) for key in keys} == {32}
        assert len(keys) == 3
    _, source, value = cms.open_content(body[:-16] + bytes(16))
    plain, is_whole = open_envelope(read_envelope(source, value, [THEM], sealed=False))
    assert (bytes(plain[:20]), len(plain) % 16, is_whole) == (ENTITY[:20], 0, False)


def test_the_same_for_each_of_many_recipients_of_whom_few_are_tried(monkeypatch):
    tried = []
    real = opening.open_envelope
    monkeypatch.setattr(opening, "open_envelope", lambda envelope: tried.append(envelope) or real(envelope))
    body = encrypt(signed(), THEM.certificate, "aes256-gcm")
    _, source, value = cms.open_content(body)
    version, recipients, *rest = [source.bytes_of(one) for one in source.children(value)]
    one = recipients[len(recipients) - source.children(value)[1].end_of_content + source.children(value)[1].content :]
    many = ber.encode(ber.SET, one * 500)
    crowded = cms.wrap("auth-enveloped", ber.encode(ber.SEQUENCE, version, many, *rest))
    assert open_message(PKCS7, crowded, terms(), THEIRS, now=NOW).payloads == (PAYLOAD,)
    assert len(tried[0].recipients) == 8


WEAKER = [
    ({"sign": "sha1"}, {"sign": "sha256"}, "weak_digests", "SHA-1"),
    ({"sign": "sha1"}, {"sign": None}, "weak_digests", "SHA-1"),
    ({"encrypt": "3des"}, {"encrypt": "aes128-cbc"}, "weak_ciphers", "3des"),
    ({"encrypt": "3des"}, {"encrypt": None}, "weak_ciphers", "3des"),
    ({"encrypt": "aes256-cbc"}, {"encrypt": "aes128-gcm"}, "weak_ciphers", "aes256-cbc"),
    ({"key_transport": "pkcs1"}, {"key_transport": "oaep-sha1"}, "weak_key_transport", "PKCS #1"),
]


@pytest.mark.parametrize(("sent", "agreed", "quirk", "told"), WEAKER)
def test_what_is_weaker_than_agreed_is_refused_unless_the_partner_may(sent, agreed, quirk, told):
    made = make_message(PAYLOAD, terms(**sent), OURS, now=NOW)
    error = refuse(made.body, made.headers, **agreed)
    assert error.reason == "insufficient-message-security"
    assert told in error.sentence
    allowed = terms(**agreed, quirks=Quirks(**{quirk: True}))
    assert open_message(made.headers, made.body, allowed, THEIRS, now=NOW).payloads == (PAYLOAD,)


@pytest.mark.parametrize(
    ("sent", "agreed"),
    [
        ({"encrypt": "aes128-cbc"}, {"encrypt": "aes256-cbc"}),
        ({"encrypt": "aes128-gcm"}, {"encrypt": "aes256-gcm"}),
        ({"encrypt": "aes128-gcm"}, {"encrypt": "aes256-cbc"}),
        ({"encrypt": "aes256-cbc"}, {"encrypt": "3des"}),
        ({"sign": "sha256"}, {"sign": "sha512"}),
        ({"sign": "sha512"}, {"sign": "sha1"}),
        ({"key_transport": "oaep-sha1"}, {"key_transport": "oaep-sha512"}),
        ({"key_transport": "oaep-sha256"}, {"key_transport": "pkcs1"}),
        ({"sign": "sha1"}, {"sign": "sha1"}),
        # Where nothing must be, whatever comes is better than nothing.
        ({"sign": "sha1", "encrypt": "3des"}, {"must_sign": False, "must_encrypt": False}),
    ],
)
def test_what_is_as_strong_as_agreed_or_stronger_is_taken(sent, agreed):
    made = make_message(PAYLOAD, terms(**sent), OURS, now=NOW)
    assert open_message(made.headers, made.body, terms(**agreed), THEIRS, now=NOW).payloads == (PAYLOAD,)


def test_a_cipher_that_is_too_weak_is_refused_before_anything_is_decrypted(monkeypatch):
    monkeypatch.setattr(opening, "open_envelope", lambda _: pytest.fail("decrypted"))
    made = make_message(PAYLOAD, terms(encrypt="aes256-cbc"), OURS, now=NOW)
    assert refuse(made.body, made.headers, encrypt="aes256-gcm").reason == "insufficient-message-security"


def test_a_signature_by_pss_over_a_weaker_digest_than_it_names_is_refused():
    entity = write(PKCS7, ORDER)
    signature = asn1.ContentInfo.load(sign(entity.raw, US, "sha256"))
    signer = signature["content"]["signer_infos"][0]
    attributes = signer["signed_attrs"].untag().dump()
    signer["signature_algorithm"] = _signature_algorithm("sha1", pss=True)
    signer["signature"] = US.key.sign(attributes, _scheme("sha1", pss=True), HASHES["sha1"])
    assert signer["digest_algorithm"]["algorithm"].native == "sha256"
    outer = sign_entity(entity, signature.dump(), "sha-256")
    error = refuse(outer.body, dict(outer.headers.items()), must_encrypt=False)
    assert (error.reason, "two digests" in error.sentence) == (AUTHENTIC, True)


def test_a_thousand_signers_are_refused_before_any_is_verified():
    entity = write(PKCS7, ORDER)
    _, source, value = cms.open_content(sign(entity.raw, STRANGER, "sha256"))
    *front, infos = [source.bytes_of(one) for one in source.children(value)]
    one = source.bytes_of(source.children(source.children(value)[-1])[0])
    assert infos.endswith(one)
    crowd = cms.wrap("signed", ber.encode(ber.SEQUENCE, *front, ber.encode(ber.SET, one * 1000)))
    outer = sign_entity(entity, crowd, "sha-256")
    assert "more than 16 signers" in refuse(outer.body, dict(outer.headers.items()), must_encrypt=False).sentence


def test_the_values_of_a_message_are_counted_over_all_its_levels_and_layers():
    leaf = b"\x30\x80" + b"\x05\x00" * (MAX_VALUES // 4) + b"\x00\x00"
    nested = b"\x30\x80" + cms.oid("1.2.840.113549.1.7.3") + b"\xa0\x80\x30\x80" + leaf * 6 + bytes(6)
    allowance = Allowance()
    with pytest.raises(cms.CmsError):
        cms.open_content(nested, allowance)
    assert allowance.values == -1
    inner = cms.wrap("data", ber.encode(ber.SEQUENCE, b"\x05\x00" * 1000))
    used = Allowance()
    for _ in range(3):
        _, source, value = cms.open_content(inner, used)
        source.children(value)
    assert MAX_VALUES - used.values > 3000


def test_a_large_content_in_small_pieces_nested_without_lengths_is_read_twice_at_most():
    """As Java writes it: indefinite lengths at each level, and pieces of a thousand bytes."""
    pieces = 2000
    content = b"\xa0\x80" + b"\x24\x80" + (b"\x04\x82\x03\xe8" + bytes(1000)) * pieces + bytes(4)
    body = b"\x30\x80" + cms.oid("1.2.840.113549.1.7.2") + b"\xa0\x80" + b"\x30\x80" * 2 + content + bytes(8)
    allowance = Allowance()
    _, source, value = cms.open_content(body, allowance)
    [inner] = source.children(value)
    [wrapped] = source.children(inner)
    [octets] = source.children(wrapped)
    assert len(source.octets(octets)) == 1000 * pieces
    assert MAX_VALUES - allowance.values < 2 * pieces + 50


def multipart(parts, header=b"X: y"):
    body = b"".join(b"--b\r\n" + header + b"\r\n\r\nx\r\n" for _ in range(parts)) + b"--b--\r\n"
    return parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body)


def test_parts_and_their_headers_are_limited_one_by_one_and_together():
    assert len(parts_of(multipart(MAX_PARTS))) == MAX_PARTS
    with pytest.raises(EntityError, match="too many parts"):
        parts_of(multipart(MAX_PARTS + 1))
    long = b"X: " + b"y" * (LONGEST_HEADER - 10)
    assert len(parts_of(multipart(5, long))) == 5
    with pytest.raises(EntityError, match="no empty line"):
        parts_of(multipart(1, long + b"y" * 20))
    with pytest.raises(EntityError, match="headers without end"):
        parts_of(multipart(MAX_HEADER_BYTES // LONGEST_HEADER + 2, long))
    allowance = Allowance()
    for _ in range(3):
        parts_of(multipart(5, long), allowance)
    assert MAX_HEADER_BYTES - allowance.header_bytes == 15 * len(long)


def test_the_hash_of_a_content_is_made_once_for_all_its_signatures(monkeypatch):
    hashed = []
    real = hash_of
    monkeypatch.setattr(
        verifying, "hash_of", lambda content, digest: hashed.append(len(content)) or real(content, digest)
    )
    entity = write(PKCS7, bytes(100_000))
    signature = asn1.ContentInfo.load(sign(entity.raw, US, "sha256"))
    signers = signature["content"]["signer_infos"]
    signature["content"]["signer_infos"] = [signers[0]] * 10
    outer = sign_entity(entity, signature.dump(force=True), "sha-256")
    with pytest.raises(MessageError):
        open_message(dict(outer.headers.items()), outer.body, terms(), THEIRS, now=NOW)
    assert len([size for size in hashed if size > 90_000]) == 1


def test_what_was_refused_unread_leaves_nothing_behind(us, them):
    made = us.make(receipt_signed=False)
    for number, content in enumerate((b"", bytes(1000), made.body[:-16] + bytes(16))):
        them.station.receive({**made.headers, "Message-ID": f"<{number}@x>"}, content)
    assert them.taken() == []
    assert all(is_serious for *_, is_serious in them.notices)
    assert msgspec.json.encode([sentence for sentence, *_ in them.notices]).find(b"UNB") < 0
