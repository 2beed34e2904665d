"""What partners write although the standards say otherwise, or less often, and what is taken all the same."""

import datetime as dt
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from rooms.test_as2_core import NOW, ORDER, OURS, STRANGER, THEIRS, THEM, US, certify, receipt_of, terms

from edi_server.transports.as2 import ber, cms
from edi_server.transports.as2.algorithms import CIPHERS, DIGESTS, digest_of
from edi_server.transports.as2.encryption import OwnKey, _recipient
from edi_server.transports.as2.entity import outermost, parse, parts_of
from edi_server.transports.as2.file_names import LONGEST
from edi_server.transports.as2.mdn import ReceiptError, judge_receipt, read_receipt, same_message_id
from edi_server.transports.as2.message import MessageError, Payload, asked_for, make_message, open_message
from edi_server.transports.as2.terms import Keys, PartnerCertificate

PAYLOAD = Payload(content=ORDER, file_name="o.edi")
DAY = dt.timedelta(days=1)


def numbered(name, number, key=None):
    """A certificate with that serial number, signed by itself, as simple tools make them."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    dated = builder.serial_number(number).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    return OwnKey(key, dated.sign(key, hashes.SHA256()))


OLD, NEW = numbered("acme", 1), numbered("acme", 1)
READER = certify("reader", begins=-30)


def opened(made, keys, **agreed):
    return open_message(made.headers, made.body, terms(**agreed), keys, now=NOW)


def partner(*certificates):
    return tuple(PartnerCertificate(one.certificate) for one in certificates)


@pytest.mark.parametrize("signer", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)], ids=["old first", "new first"])
def test_either_of_two_certificates_of_one_name_and_number_verifies(signer, order):
    made = make_message(PAYLOAD, terms(), Keys((signer,), OURS.partner), now=NOW)
    assert opened(made, Keys((THEM,), partner(*order))).signed_by == signer.certificate
    receipt = receipt_of(made, keys=Keys((signer,), ()))
    assert read_receipt(receipt.headers, receipt.body, Keys((US,), partner(*order)), now=NOW).signed


@pytest.mark.parametrize("cipher", ["3des", "aes256-cbc", "aes128-gcm"])
@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha256"])
@pytest.mark.parametrize("recipient", [OLD, NEW], ids=["old", "new"])
def test_either_of_two_keys_of_ours_of_one_name_and_number_decrypts(recipient, transport, cipher):
    agreed = {"encrypt": cipher, "key_transport": transport}
    made = make_message(PAYLOAD, terms(**agreed), Keys((US,), partner(recipient)), now=NOW)
    for order in ((OLD, NEW), (NEW, OLD)):
        assert opened(made, Keys((STRANGER, *order), THEIRS.partner), **agreed).payloads == (PAYLOAD,)


@pytest.mark.parametrize(("begins", "days", "told"), [(-9, -1, "ended on 2026-11-22"), (1, 9, "begins on 2026-11-24")])
@pytest.mark.parametrize("encrypt", [None, "aes256-cbc", "aes256-gcm"])
def test_a_signer_whose_certificate_ended_or_has_not_begun_is_told_so(encrypt, begins, days, told):
    late = certify("late", begins=begins, days=days)
    at = NOW + dt.timedelta(days=(begins + days) / 2)
    made = make_message(PAYLOAD, terms(encrypt=encrypt), Keys((late,), partner(READER)), now=at)
    keys = Keys((READER,), partner(US, late))
    with pytest.raises(MessageError, match=f"CN=late, {told}") as caught:
        opened(made, keys, must_encrypt=bool(encrypt))
    # Told to the sender too, however it was encrypted: the signature holds.
    assert (caught.value.reason, caught.value.sentence) == ("authentication-failed", str(caught.value))
    receipt = receipt_of(made, keys=Keys((late,), ()))
    with pytest.raises(ReceiptError, match=f"CN=late, {told}"):
        read_receipt(receipt.headers, receipt.body, keys, now=NOW)


def test_nothing_is_signed_with_a_certificate_of_ours_that_nobody_would_believe():
    for begins, days, told in ((-9, -1, "ended on"), (1, 9, "begins on")):
        own = certify("own", begins=begins, days=days)
        with pytest.raises(MessageError, match=f"Our certificate to sign with, CN=own, {told} 2026-11-2"):
            make_message(PAYLOAD, terms(), Keys((own,), OURS.partner), now=NOW)
        assert make_message(PAYLOAD, terms(sign=None), Keys((own,), OURS.partner), now=NOW).body


def test_a_certificate_without_rsa_verifies_and_encrypting_for_it_is_refused_in_words():
    key = ec.generate_private_key(ec.SECP256R1())
    curve = numbered("curve", 7, key)
    with pytest.raises(MessageError, match="has no certificate that is valid now and has an RSA key"):
        make_message(PAYLOAD, terms(), Keys((US,), partner(curve)), now=NOW)
    both = Keys((US,), partner(THEM, curve))
    assert both.encrypting(NOW) == THEM.certificate
    assert make_message(PAYLOAD, terms(), both, now=NOW).body


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'Content-Disposition: attachment; filename="=?x-foo?B?QQ==?="', "=?x-foo?B?QQ==?="),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?Q?="', "=?utf-8?B?Q?="),
        (b'Content-Disposition: attachment; filename="=?utf-8?Q?=FF?="', "=?utf-8?Q?=FF?="),
        (b'Content-Disposition: attachment; filename="=?utf-8?Q?B=C3=BCro=2Eedi?="', "Büro.edi"),
        ('Content-Disposition: attachment; filename="Büro.edi"'.encode(), "Büro.edi"),
        ('Content-Disposition: attachment; filename="Büro.edi"'.encode("latin-1"), "Büro.edi"),
        (b"Content-Disposition: attachment; filename*=x-foo''a%FC.edi", "aü.edi"),
        (b"Content-Disposition: attachment; filename*=utf-8''a%FC.edi", "aü.edi"),
        (b"Content-Disposition: attachment; filename*=utf-8''B%C3%BCro.edi", "Büro.edi"),
        (b'Content-Type: application/edifact; name="B\xfcro.edi"', "Büro.edi"),
        (b'Content-Disposition: attachment; filename="..\\a/../b.edi"', "b.edi"),
        (b'Content-Disposition: attachment; filename="a\x1b[31m\x00.edi"', "a[31m.edi"),
        (b"Content-Disposition: attachment", ""),
    ],
)
def test_no_file_name_keeps_its_document_out(header, name):
    head = header if header.startswith(b"Content-Type") else b"Content-Type: application/edifact\r\n" + header
    [payload] = opened_as(head)
    assert (payload.file_name, payload.content_type, bytes(payload.content)) == (name, "application/edifact", ORDER)
    # The same said in the headers of HTTP, whose bytes come as text with surrogates.
    headers = dict(line.decode("utf-8", "surrogateescape").split(": ") for line in head.split(b"\r\n"))
    if "\x00" not in str(headers):
        assert outermost(headers, b"").file_name == name


def opened_as(head):
    body = cms.compress(head + b"\r\n\r\n" + ORDER)
    agreed = terms(must_sign=False, must_encrypt=False)
    return open_message({"Content-Type": "application/pkcs7-mime"}, body, agreed, THEIRS, now=NOW).payloads


@pytest.mark.parametrize("stem", ["x" * 5000, "ü" * 3000, "€.x" * 1000])
def test_a_long_file_name_is_cut_and_keeps_what_it_is(stem):
    header = f'Content-Type: text/plain; name="{stem}.edi"'.encode()
    [payload] = opened_as(header[:8000] + b'.edi"' if len(header) > 8000 else header)
    assert payload.file_name.endswith(".edi")
    assert LONGEST - 4 <= len(payload.file_name.encode()) <= LONGEST
    [payload] = opened_as(b'Content-Type: text/plain; name="a.' + b"b" * 300 + b'"')
    assert len(payload.file_name) == LONGEST


def written(mic, message_id):
    report = (
        f"--r\r\nContent-Type: text/plain\r\n\r\nTaken.\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Original-Message-ID: {message_id}\r\nReceived-Content-MIC: {mic}\r\n"
        "Disposition: automatic-action/MDN-sent-automatically; processed\r\n--r--\r\n"
    )
    return {"Content-Type": "multipart/report; boundary=r"}, report.encode()


@pytest.mark.parametrize(
    "form",
    [
        "{mic}, sha-256",
        "{mic},sha256",
        "{mic}; SHA256",
        "{mic} sha_256",
        '{mic}, "sha-256"',
        "{half}\r\n {rest}, sha-256",
        "{half}\r\n\t{rest},\r\n sha-256",
        "{half} {rest} ; sha256 ;",
        "{bare}, sha-256",
    ],
)
def test_a_mic_is_understood_however_it_is_folded_and_parted(form):
    import base64

    made = make_message(PAYLOAD, terms(), OURS, now=NOW)
    mic = base64.b64encode(made.mics["sha256"]).decode()
    said = form.format(mic=mic, half=mic[:20], rest=mic[20:], bare=mic.rstrip("="))
    receipt = read_receipt(*written(said, made.message_id), OURS, now=NOW)
    assert judge_receipt(receipt, made.mics, must_be_signed=False).outcome == "confirmed"


@pytest.mark.parametrize("mic", ["", "AAAA", "AAAA, md5", "???, sha-256", ", sha-256"])
def test_a_mic_that_nobody_understands_confirms_nothing(mic):
    made = make_message(PAYLOAD, terms(), OURS, now=NOW)
    receipt = read_receipt(*written(mic, made.message_id), OURS, now=NOW)
    assert judge_receipt(receipt, made.mics, must_be_signed=False).outcome == "unconfirmed"


@pytest.mark.parametrize("digest", DIGESTS)
def test_a_digest_is_known_by_all_its_names(digest):
    number = digest.removeprefix("sha")
    for name in (digest, f"SHA-{number}", f"sha_{number}", f" Sha{number} ", f'"sha-{number}"', f"rsa-sha{number}"):
        assert digest_of(name) == digest
    assert [digest_of(name) for name in ("md5", "", "sha-224", "sha")] == [None] * 4


def test_a_message_id_is_the_same_without_brackets_and_folded():
    made = make_message(PAYLOAD, terms(), OURS, now=NOW)
    bare = made.message_id.strip("<>")
    for form in (made.message_id, bare, f" {bare} ", f"<{bare[:9]}\r\n {bare[9:]}>"):
        assert read_receipt(*written("", form), OURS, now=NOW).about == made.message_id
        assert same_message_id(form, made.message_id)
    assert not same_message_id(f"x{bare}", made.message_id)
    assert read_receipt(*written("", ""), OURS, now=NOW).about == ""


def test_a_refusal_that_is_not_signed_is_quoted_and_settles_nothing():
    made = make_message(PAYLOAD, terms(), OURS, now=NOW)
    changes = {"disposition": "processed/error: decryption-failed", "text": "Wrong\r\nkey.\x07", "mic": None}
    receipt = receipt_of(made, signed=None, **changes)
    judged = judge_receipt(read_receipt(receipt.headers, receipt.body, OURS, now=NOW), made.mics, must_be_signed=True)
    assert judged.outcome == "unconfirmed"
    assert "It says, without proof, “processed/error: decryption-failed: Wrong key.”" in judged.sentence
    long = receipt_of(made, signed=None, **{**changes, "text": "x" * 9000})
    judged = judge_receipt(read_receipt(long.headers, long.body, OURS, now=NOW), made.mics, must_be_signed=True)
    assert len(judged.sentence) < 500
    positive = receipt_of(made, signed=None)
    judged = judge_receipt(read_receipt(positive.headers, positive.body, OURS, now=NOW), made.mics, must_be_signed=True)
    assert judged.sentence == "A signed receipt was asked for, but an unsigned one came."


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("", (False, "sha384", "")),
        ("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1", (True, "sha1", "")),
        (
            "signed-receipt-protocol=required,pkcs7-signature;signed-receipt-micalg=required,SHA-512",
            (True, "sha512", ""),
        ),
        ('Signed-Receipt-Protocol = required , "PKCS7-Signature"', (True, "sha384", "")),
        ("signed-receipt-protocol=optional, foo", (False, "sha384", "")),
        ("signed-receipt-protocol=required, foo, pkcs7-signature", (True, "sha384", "")),
        (
            "signed-receipt-protocol=required, foo; signed-receipt-micalg=x, md5",
            (False, "sha384", "unsupported format"),
        ),
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=required, md5",
            (True, "sha256", "unsupported MIC-algorithms"),
        ),
    ],
)
def test_what_a_receipt_must_be_is_read_from_its_options(options, told):
    asked = asked_for(options, "sha384")
    assert (asked.signed, asked.digest, asked.failure) == told
    assert bool(asked.sentence) == bool(asked.failure)


def test_a_part_may_be_a_header_and_nothing_more():
    body = b"--b\r\nContent-Type: application/edifact\r\n\r\n--b\r\nX: y\r\n z\r\n\r\n--b\r\n\r\n--b--\r\n"
    entity = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body)
    parts = parts_of(entity)
    assert [(one.content_type, bytes(one.body)) for one in parts] == [("application/edifact", b"")] + [
        ("text/plain", b"")
    ] * 2
    assert bytes(parts[0].raw) == b"Content-Type: application/edifact\r\n"
    assert parts[1].headers["X"] == "y\r\n z"


@pytest.mark.parametrize("length", range(11, 17))
@pytest.mark.parametrize("cipher", [one for one in CIPHERS if one.endswith("gcm")])
def test_a_gcm_tag_may_be_shorter_as_rfc_5084_has_it(cipher, length):
    size, oid = CIPHERS[cipher]
    key, nonce = os.urandom(size), os.urandom(12)
    signed = make_message(PAYLOAD, terms(encrypt=None), OURS, now=NOW)
    entity = f"Content-Type: {signed.headers['Content-Type']}\r\n\r\n".encode() + signed.body
    sealed = AESGCM(key).encrypt(nonce, entity, None)
    content, tag = sealed[:-16], sealed[-16:][:length]
    parameters = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTET_STRING, nonce), bytes([ber.INTEGER, 1, length]))
    algorithm = ber.encode(ber.SEQUENCE, cms.oid(oid), parameters)
    inner = ber.encode(ber.SEQUENCE, cms.oid(cms.DATA), algorithm, ber.encode(0x80, content))
    to = ber.encode(ber.SET, _recipient(THEM.certificate, key, "pkcs1"))
    body = ber.encode(ber.SEQUENCE, b"\x02\x01\x00", to, inner, ber.encode(ber.OCTET_STRING, tag))
    message = {"Content-Type": "application/pkcs7-mime"}, cms.wrap("auth-enveloped", body)
    if length < 12:
        with pytest.raises(MessageError, match="damaged"):
            open_message(*message, terms(), THEIRS, now=NOW)
    else:
        assert open_message(*message, terms(), THEIRS, now=NOW).payloads == (PAYLOAD,)


def test_documents_are_called_what_the_partner_wants_them_called():
    made = make_message(PAYLOAD, terms(content_type="application/octet-stream"), OURS, now=NOW)
    [payload] = opened(made, THEIRS).payloads
    assert (payload.content_type, payload.content) == ("application/octet-stream", ORDER)
    plain = make_message(PAYLOAD, terms(content_type="text/plain", sign=None, encrypt=None), OURS, now=NOW)
    assert plain.headers["Content-Type"] == "text/plain"
