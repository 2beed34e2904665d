"""The AS2 core: layers in every order and algorithm, receipts, and what forgers try. Openssl: test_as2_openssl."""

import datetime as dt
import zlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID

from edi_server.transports.as2 import cms
from edi_server.transports.as2.algorithms import CIPHERS, DIGESTS, micalg_of
from edi_server.transports.as2.ber import MAX_DEPTH
from edi_server.transports.as2.decryption import open_envelope, read_envelope
from edi_server.transports.as2.encryption import OwnKey, encrypt
from edi_server.transports.as2.entity import EntityError, parse, parts_of, write
from edi_server.transports.as2.mdn import ReceiptError, is_receipt, judge_receipt, read_receipt, write_receipt
from edi_server.transports.as2.message import (
    MessageError,
    Payload,
    make_message,
    open_message,
    quote_name,
    unquote_name,
    wanted_digest,
)
from edi_server.transports.as2.signatures import sign
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.as2.verifying import verify

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
ORDER = b"UNB+UNOC:3+4012345000009:14+9521234000006:14+261123:1200+1'\r\nUNZ+0+1'\r\n"


def certify(name, *, days=90, begins=-1, key=None):
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days=begins))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return OwnKey(key, certificate)


US, THEM, STRANGER = certify("us"), certify("them"), certify("stranger")
OURS = Keys((US,), (PartnerCertificate(THEM.certificate),))
THEIRS = Keys((THEM,), (PartnerCertificate(US.certificate),))


def terms(**changes):
    return Terms(**{"own_name": "Us", "partner_name": "Them", **changes})


def decrypt(content, keys):
    kind, source, value = cms.open_content(content)
    envelope = read_envelope(source, value, keys, sealed=kind == "auth-enveloped")
    plain, is_whole = open_envelope(envelope)
    assert is_whole
    return bytes(plain), envelope.cipher


def carry(ours, theirs=None, payload=None):
    """A message made by us and opened by them."""
    made = make_message(payload or Payload(content=ORDER, file_name="order.edi"), ours, OURS, now=NOW)
    return made, open_message(made.headers, made.body, theirs or ours, THEIRS, now=NOW)


@pytest.mark.parametrize("compress", ["no", "before signing", "after signing"])
@pytest.mark.parametrize("encryption", [None, "aes256-cbc", "aes128-gcm"])
@pytest.mark.parametrize("signature", [None, "sha256"])
def test_every_order_of_layers_comes_back_with_the_same_integrity_check(signature, encryption, compress):
    agreed = terms(
        sign=signature,
        encrypt=encryption,
        compress=compress,
        must_sign=signature is not None,
        must_encrypt=encryption is not None,
    )
    made, opened = carry(agreed)
    assert opened.payloads == (Payload(content=ORDER, file_name="order.edi"),)
    assert opened.mics == made.mics
    assert (opened.digest, opened.encrypted, opened.compressed) == (signature, encryption, compress != "no")


@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"])
@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_cipher_is_opened_by_its_recipient_only(cipher, transport):
    encrypted = encrypt(ORDER, THEM.certificate, cipher, transport)
    assert decrypt(encrypted, [US, THEM]) == (ORDER, cipher)
    with pytest.raises(cms.CmsError, match="none of ours") as caught:
        decrypt(encrypted, [US])
    assert caught.value.reason == "decryption-failed"


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("pss", [False, True])
def test_every_signature_is_verified_by_its_certificate_only(digest, pss):
    kind, source, value = cms.open_content(sign(ORDER, US, digest, pss=pss, at=NOW))
    assert kind == "signed"
    [signed] = verify(source, value, ORDER, [STRANGER.certificate, US.certificate])
    assert (signed.certificate, signed.digest) == (US.certificate, digest)
    with pytest.raises(cms.CmsError) as caught:
        verify(source, value, ORDER, [THEM.certificate])
    assert caught.value.reason == "authentication-failed"
    with pytest.raises(cms.CmsError) as caught:
        verify(source, value, ORDER + b" ", [US.certificate])
    assert caught.value.reason == "integrity-check-failed"


def test_a_signature_over_line_feeds_holds_when_made_over_cr_lf_and_the_bytes_stay_as_sent():
    entity = write({"Content-Type": "application/edifact"}, b"UNB'\nUNZ'\n")
    agreed = terms(must_encrypt=False)
    canonical = entity.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    signature = sign(canonical, THEM, "sha256")
    body = b"--b\r\n" + entity.raw + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n" + signature
    headers = {"Content-Type": "multipart/signed; boundary=b; micalg=sha-256"}
    opened = open_message(headers, body + b"\r\n--b--\r\n", agreed, OURS, now=NOW)
    assert opened.payloads[0].content == b"UNB'\nUNZ'\n"


def refuse(headers, body, agreed=None, keys=THEIRS):
    with pytest.raises(MessageError) as caught:
        open_message(headers, body, agreed or terms(), keys, now=NOW)
    return caught.value.reason


def made(**changes):
    return make_message(Payload(content=ORDER), terms(**changes), OURS, now=NOW)


def test_what_falls_short_of_the_agreement_is_insufficient_message_security():
    plain = made(sign=None, encrypt=None)
    assert refuse(plain.headers, plain.body) == "insufficient-message-security"
    signed = made(encrypt=None)
    assert refuse(signed.headers, signed.body) == "insufficient-message-security"
    encrypted = made(sign=None, encrypt="aes256-gcm")
    assert refuse(encrypted.headers, encrypted.body) == "insufficient-message-security"
    # Compressed is not encrypted, whatever the type of the content says.
    compressed = made(encrypt=None, compress="after signing")
    assert refuse(compressed.headers, compressed.body) == "insufficient-message-security"


def test_a_message_of_somebody_else_or_for_somebody_else_or_changed_on_the_way_is_refused():
    message, sealed = made(), made(encrypt="aes256-gcm")
    other = Keys((STRANGER,), THEIRS.partner)
    unknown = Keys((THEM,), (PartnerCertificate(STRANGER.certificate),))
    for one, reason in ((message, "decryption-failed"), (sealed, "authentication-failed")):
        assert refuse(one.headers, one.body, keys=other) == "decryption-failed"
        assert refuse(one.headers, one.body, keys=unknown) == reason
        for at in range(len(one.body) - 400, len(one.body), 40):
            changed = one.body[:at] + bytes([one.body[at] ^ 1]) + one.body[at + 1 :]
            assert refuse(one.headers, changed) == "decryption-failed"
    signed = made(encrypt=None)
    changed = signed.body.replace(b"UNZ+0", b"UNZ+1")
    assert refuse(signed.headers, changed, terms(must_encrypt=False)) == "integrity-check-failed"


@pytest.mark.parametrize("cut", [0, 1, 10, 50, 90, 99])
@pytest.mark.parametrize(
    "changes", [{}, {"encrypt": None}, {"sign": None, "encrypt": None, "compress": "before signing"}]
)
def test_a_message_that_ends_too_early_is_refused_in_words(changes, cut):
    message = made(**changes)
    agreed = terms(must_sign=False, must_encrypt=False)
    with pytest.raises(MessageError) as caught:
        open_message(message.headers, message.body[: len(message.body) * cut // 100], agreed, THEIRS, now=NOW)
    assert caught.value.sentence.endswith(".")


def test_bombs_and_nests_are_stopped():
    bomb = cms.compress(b"Content-Type: text/plain\r\n\r\n" + bytes(30_000_000))
    assert len(bomb) < 100_000
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data"}
    agreed = terms(must_sign=False, must_encrypt=False)
    with pytest.raises(MessageError) as caught:
        open_message(headers, bomb, agreed, THEIRS, now=NOW, largest=1_000_000)
    assert caught.value.reason == "decompression-failed"
    nest = ORDER
    for _ in range(8):
        nest = cms.compress(b"Content-Type: application/pkcs7-mime\r\n\r\n" + nest)
    assert refuse(headers, nest, agreed) == "unexpected-processing-error"
    deep = b"\x30\x80" * (MAX_DEPTH + 10)
    assert refuse(headers, deep, agreed) == "unexpected-processing-error"
    torn = bytearray(cms.compress(ORDER))
    torn[-5] ^= 0xFF
    assert refuse(headers, bytes(torn), agreed) == "decompression-failed"
    assert zlib.decompress(zlib.compress(ORDER)) == ORDER


def receipt_of(message, *, signed="sha256", keys=THEIRS, **changes):
    said = {
        "about": message.message_id,
        "disposition": "processed",
        "text": "Taken.",
        "mic": ("sha256", message.mics["sha256"]),
        **changes,
    }
    mirror = terms(own_name="Them", partner_name="Us")
    return write_receipt(terms=mirror, keys=keys, now=NOW, signed=signed, **said)


def judge(message, receipt, *, must_be_signed=True):
    read = read_receipt(receipt.headers, receipt.body, OURS, now=NOW)
    assert read.about == message.message_id
    return judge_receipt(read, message.mics, must_be_signed=must_be_signed).outcome


def test_a_receipt_counts_only_if_it_says_what_was_sent_and_is_signed_as_asked():
    message = made()
    assert judge(message, receipt_of(message)) == "confirmed"
    for digest in DIGESTS:
        assert judge(message, receipt_of(message, mic=(digest, message.mics[digest]))) == "confirmed"
    assert judge(message, receipt_of(message, signed=None)) == "unconfirmed"
    assert judge(message, receipt_of(message, signed=None), must_be_signed=False) == "confirmed"
    assert judge(message, receipt_of(message, mic=None)) == "unconfirmed"
    assert judge(message, receipt_of(message, mic=("sha256", bytes(32)))) == "altered"
    assert judge(message, receipt_of(message, disposition="processed/error: decryption-failed")) == "refused"
    assert judge(message, receipt_of(message, disposition="failed/failure: unsupported-format")) == "refused"
    assert judge(message, receipt_of(message, disposition="processed/warning: duplicate-document")) == "confirmed"


def test_a_forged_receipt_is_never_believed():
    message = made()
    good = receipt_of(message)
    with pytest.raises(ReceiptError, match="do not have"):
        read_receipt(*_parts(receipt_of(message, keys=Keys((STRANGER,), ()))), OURS, now=NOW)
    with pytest.raises(ReceiptError, match="changed on the way"):
        read_receipt(good.headers, good.body.replace(b"processed", b"processeD"), OURS, now=NOW)
    with pytest.raises(ReceiptError, match="no signer"):
        read_receipt(*_resigned(good, _without_signers(ORDER)), OURS, now=NOW)
    # A whole signed receipt about something else, wrapped around by an unsigned claim.
    other = receipt_of(made())
    wrapped = (
        b"--x\r\n" + good.body + b"\r\n--x\r\nContent-Type: multipart/signed\r\n\r\n" + other.body + b"\r\n--x--\r\n"
    )
    with pytest.raises(ReceiptError):
        read_receipt({"Content-Type": "multipart/signed; boundary=x"}, wrapped, OURS, now=NOW)
    late = NOW + dt.timedelta(days=100)
    with pytest.raises(ReceiptError):
        read_receipt(good.headers, good.body, OURS, now=late)


def _parts(message):
    return message.headers, message.body


def _without_signers(content):
    """SignedData as an attacker writes it: no signature at all."""
    from edi_server.transports.as2 import ber

    empty = [b"\x02\x01\x01", ber.encode(ber.SET), ber.encode(ber.SEQUENCE, cms.oid(cms.DATA)), ber.encode(ber.SET)]
    assert content
    return cms.wrap("signed", ber.encode(ber.SEQUENCE, *empty))


def _resigned(message, signature):
    entity = parse(b"Content-Type: " + message.headers["Content-Type"].encode() + b"\r\n\r\n" + message.body)
    report, _ = parts_of(entity)
    body = b"--z\r\n" + report.raw + b"\r\n--z\r\nContent-Type: application/pkcs7-signature\r\n\r\n" + signature
    return {"Content-Type": "multipart/signed; boundary=z"}, body + b"\r\n--z--\r\n"


def test_no_header_can_be_injected():
    message = made()
    evil = receipt_of(message, about="<a@b>\r\nDisposition: x; processed")
    read = read_receipt(evil.headers, evil.body, OURS, now=NOW)
    assert read.disposition == "processed"
    assert "\r" not in read.about
    with pytest.raises(EntityError):
        write({"Subject": "a\r\nBcc: b"}, b"")
    named = Payload(content=ORDER, file_name='x"\r\nEvil: 1.edi')
    carried = make_message(named, terms(sign=None, encrypt=None), OURS, now=NOW)
    assert "Evil" not in carried.headers


@pytest.mark.parametrize("name", ["order.edi", "Bestellung für Käse.edi", "a b;c.edi"])
def test_the_file_name_arrives(name):
    _, opened = carry(terms(), payload=Payload(content=ORDER, file_name=name))
    assert opened.payloads[0].file_name == name


def test_a_path_in_a_file_name_is_cut_off():
    entity = parse(b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nx')
    assert entity.file_name == "passwd"
    entity = parse(b'Content-Disposition: attachment; filename="C:\\\\in\\\\order.edi"\r\n\r\nx')
    assert entity.file_name == "order.edi"


@pytest.mark.parametrize("name", ["ACME", "ACME Corp", 'A"C\\ME', "4012345000009"])
def test_as2_names_survive_their_quotes(name):
    assert unquote_name(quote_name(name)) == name


def test_the_digest_of_a_receipt_is_the_first_that_we_know_of_those_asked_for():
    asked = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5, SHA-384, sha1"
    assert wanted_digest(asked, "sha256") == "sha384"
    assert wanted_digest("signed-receipt-micalg=required,md5", "sha256") is None
    assert wanted_digest("", "sha512") == "sha512"
    assert wanted_digest(f"signed-receipt-micalg=optional, {micalg_of('sha1')}", None) == "sha1"


def test_certificates_overlap_and_are_switched_on_their_day():
    soon = certify("them", begins=-1)
    change = NOW + dt.timedelta(days=7)
    keys = Keys((US,), (PartnerCertificate(THEM.certificate), PartnerCertificate(soon.certificate, change)))
    assert keys.encrypting(NOW) == THEM.certificate
    assert keys.encrypting(change) == soon.certificate
    assert set(keys.verifying(NOW)) == {THEM.certificate, soon.certificate}
    gone = certify("gone", begins=-10, days=-1)
    with pytest.raises(MessageError, match="no certificate that is valid"):
        make_message(Payload(content=ORDER), terms(), Keys((US,), (PartnerCertificate(gone.certificate),)), now=NOW)


def test_attachments_arrive_as_documents_of_their_own():
    parts = (
        b"--p\r\nContent-Type: application/edifact\r\n\r\n" + ORDER + b"\r\n--p\r\nContent-Type: application/pdf\r\n"
    )
    body = parts + b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--p--\r\n"
    headers = {"content-type": "multipart/related; boundary=p"}
    opened = open_message(headers, body, terms(must_sign=False, must_encrypt=False), THEIRS, now=NOW)
    assert [one.content for one in opened.payloads] == [ORDER, b"%PDF"]


def test_a_receipt_is_known_as_one_however_late_its_report_begins():
    receipt = receipt_of(made())
    assert is_receipt(receipt.headers, receipt.body)
    late = b"This is a receipt for people who cannot read MIME.\r\n" * 1000 + receipt.body
    assert is_receipt(receipt.headers, late)
    assert read_receipt(receipt.headers, late, OURS, now=NOW).is_positive
    message = made(encrypt=None)
    assert not is_receipt(message.headers, message.body)
    quoting = make_message(Payload(content=b"multipart/report"), terms(encrypt=None), OURS, now=NOW)
    assert not is_receipt(quoting.headers, quoting.body)
    assert not is_receipt({"Content-Type": "multipart/signed; boundary=z"}, b"multipart/report")
