"""The AS2 checklist, row by row: what the standards, the certification programmes and partners ask of a station.

One test for each row at least (`pytest -k row_`), whatever else tests the same more closely. RFC 4130 unless said
otherwise.
"""

import base64
import contextlib
import datetime as dt
import itertools
import re
import socket
import ssl
import threading
import time
import zlib
from types import SimpleNamespace

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rooms.test_as2_core import NOW, ORDER, STRANGER, THEM, US, certify
from rooms.test_as2_http import Company, Waiting, _authority, _issue, _raw
from rooms.test_as2_station import OUR_URL, THEIR_URL, End, outcome

from edi_server.engine.as2_agreed import OwnAgreed, in_order
from edi_server.engine.as2_alarms import alarm_of, own_gap, partner_gap
from edi_server.engine.network.as2_watch import Watch
from edi_server.errors import TransportError
from edi_server.transports.as2 import cms, postman, station
from edi_server.transports.as2.algorithms import DIGESTS, mics_of
from edi_server.transports.as2.encryption import OwnKey
from edi_server.transports.as2.letters import Letter
from edi_server.transports.as2.mdn import read_receipt, write_receipt
from edi_server.transports.as2.message import Payload, make_message, open_message
from edi_server.transports.as2.station import Relation
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Quirks, Terms
from edi_server.transports.as2.transport import Line
from edi_server.transports.http_front import Front, Reply
from edi_server.transports.loop import Loop
from edi_server.transports.posting import Tls

SECURITY = {
    "plain": {"sign": None, "encrypt": None},
    "signed": {"encrypt": None},
    "encrypted": {"sign": None},
    "both": {},
}


@pytest.fixture
def us(tmp_path):
    return End(tmp_path / "us", US, "Us", THEM, "Them", THEIR_URL)


@pytest.fixture
def them(tmp_path):
    return End(tmp_path / "them", THEM, "Them", US, "Us", OUR_URL)


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


@pytest.fixture
def pair(tmp_path, loop):
    us = Company(tmp_path / "us", loop, US, "Us", THEM, "Them")
    them = Company(tmp_path / "them", loop, THEM, "Them", US, "Us")
    us.agree(them)
    them.agree(us)
    yield us, them
    for one in (us, them):
        loop.run(one.front.close(), 20)


def agree(end, **changes):
    end.terms = msgspec.structs.replace(end.terms, **changes)
    end.relations = [Relation(mailbox="partner", terms=end.terms, keys=end.keys)]


def said(us, reply):
    return read_receipt(reply.headers, reply.body, us.keys, now=NOW).disposition


def mic_of(us, reply):
    receipt = read_receipt(reply.headers, reply.body, us.keys, now=NOW)
    return receipt.digest, receipt.mic


@pytest.mark.parametrize("security", SECURITY)
@pytest.mark.parametrize("receipt", ["none", "sync", "sync signed", "async", "async signed"])
def test_row_01_every_security_with_every_receipt_over_http(pair, security, receipt):
    us, them = pair
    kind, _, signed = receipt.partition(" ")
    us.agree(them, **SECURITY[security], receipt=kind, receipt_signed=bool(signed))
    them.agree(us, must_sign=False, must_encrypt=False)
    handed = us.send()
    assert handed.confirmed == (kind != "async")
    assert [content for _, content in them.taken()] == [ORDER]
    if kind == "async":
        [proof] = us.transport.proofs()
        assert proof.confirmed
        handed = msgspec.structs.replace(handed, proof=proof.proof)
    assert (b"disposition-notification" in handed.proof) == (kind != "none")
    assert (b"multipart/signed" in handed.proof) == bool(signed)


def test_row_01_the_same_over_https(tmp_path, loop):
    authority = _authority()
    context = _server_context(tmp_path, authority)
    us = Company(tmp_path / "us", loop, US, "Us", THEM, "Them", tls=context)
    them = Company(tmp_path / "them", loop, THEM, "Them", US, "Us", tls=context)
    us.tls = them.tls = Tls(authorities=_pem(authority))
    them.agree(us, must_sign=False, must_encrypt=False)
    every = list(itertools.product(SECURITY.values(), ["none", "sync", "sync signed", "async", "async signed"]))
    for number, (security, receipt) in enumerate(every):
        kind, _, signed = receipt.partition(" ")
        agreed = {"sign": "sha256", "encrypt": "aes256-cbc", **security}
        us.agree(them, **agreed, receipt=kind, receipt_signed=bool(signed))
        handed = us.send(transmission_id=f"t{number}")
        assert handed.confirmed == (kind != "async")
        proof = handed.proof
        assert [content for _, content in them.taken()] == [ORDER]
        if kind == "async":
            [one] = us.transport.proofs()
            assert one.confirmed
            us.transport.settle(one)
            proof = one.proof
        assert (b"disposition-notification" in proof) == (kind != "none")
        assert (b"multipart/signed" in proof) == bool(signed)
    for one in (us, them):
        loop.run(one.front.close(), 20)


def _pem(authority):
    return authority[2].public_bytes(serialization.Encoding.PEM).decode()


def _server_context(folder, authority, *, clients=False):
    certificate, key = _issue(authority, "localhost")
    folder.mkdir(exist_ok=True)
    (folder / "server.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=_pem(authority))
    context.load_cert_chain(folder / "server.pem")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def entity_of(content=ORDER):
    return b"Content-Type: application/edifact\r\nContent-Disposition: attachment; filename=o.edi\r\n\r\n" + content


def compressed(raw):
    head = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\nContent-Transfer-Encoding: binary\r\n"
    return head + b"\r\n" + cms.compress(raw)


def signed_by_hand(raw):
    from edi_server.transports.as2.signatures import sign

    signature = sign(raw, US, "sha256")
    body = b"--b\r\n" + raw + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n"
    body += b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(signature) + b"\r\n--b--\r\n"
    return b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n' + body


def post_by_hand(us, them, raw, message_id="<by@hand>", **changes):
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    asked = us.make().headers
    kept = ("AS2-From", "AS2-To", "Disposition-Notification-To", "Disposition-Notification-Options")
    headers |= {name: asked[name] for name in kept} | {"Message-ID": message_id, **changes}
    return them.station.receive({name: value for name, value in headers.items() if value is not None}, body)


def test_row_02_the_integrity_check_of_compressed_messages_covers_what_rfc_5402_says(us, them):
    """Signed: what was signed. Unsigned: the uncompressed entity with its header. Plain: the body without header."""
    agree(them, must_sign=False, must_encrypt=False)
    raw = entity_of()
    cases = {
        "compressed, then signed": (signed_by_hand(compressed(raw)), compressed(raw)),
        "signed, then compressed": (compressed(signed_by_hand(raw)), raw),
        "compressed only": (compressed(raw), raw),
        "plain": (raw, ORDER),
    }
    for number, (name, (posted, covered)) in enumerate(cases.items()):
        reply = post_by_hand(us, them, posted, f"<{number}@hand>")
        assert said(us, reply) == "processed", name
        assert mic_of(us, reply) == ("sha256", mics_of(covered)["sha256"]), name
    assert them.taken() == [ORDER] * 4


@pytest.mark.parametrize("compress", ["before signing", "after signing"])
@pytest.mark.parametrize("security", SECURITY)
def test_row_02_what_we_compress_is_confirmed(us, them, security, compress):
    agree(them, must_sign=False, must_encrypt=False)
    made = us.make(compress=compress, **SECURITY[security])
    assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    assert them.taken() == [ORDER]


@pytest.mark.parametrize("cipher", ["3des", "aes128-cbc", "aes192-cbc", "aes256-cbc"])
@pytest.mark.parametrize("digest", DIGESTS)
def test_row_03_every_digest_and_cipher_and_the_first_supported_of_the_list_is_used(us, them, digest, cipher):
    agree(them, sign=digest, encrypt=cipher)
    made = us.make(sign=digest, encrypt=cipher)
    reply = them.station.receive(made.headers, made.body)
    assert outcome(us, made, reply) == ("processed", "confirmed")
    assert mic_of(us, reply)[0] == digest
    listed = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5, sha-384, sha1"
    other = {**made.headers, "Message-ID": "<other@us>", "Disposition-Notification-Options": listed}
    assert mic_of(us, them.station.receive(other, made.body))[0] == "sha384"


@pytest.mark.parametrize("list_", ["md5", "md5, whirlpool"])
def test_row_03_an_unsupported_digest_that_is_required_fails_in_its_own_words(us, them, list_):
    made = us.make()
    asked = f"signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, {list_}"
    reply = them.station.receive({**made.headers, "Disposition-Notification-Options": asked}, made.body)
    assert outcome(us, made, reply) == ("failed/failure: unsupported MIC-algorithms", "refused")
    assert them.taken() == []
    assert them.notices[-1] == (
        f"Message {made.message_id} was refused: The digest that must be used for the receipt is not one that we have.",
        "partner",
        True,
    )


def test_row_03_an_unknown_protocol_that_is_required_fails_and_an_optional_one_is_not_used(us, them):
    made = us.make()
    asked = "signed-receipt-protocol=required, foo; signed-receipt-micalg=optional, sha-256"
    reply = them.station.receive({**made.headers, "Disposition-Notification-Options": asked}, made.body)
    assert outcome(us, made, reply, must_be_signed=False) == ("failed/failure: unsupported format", "refused")
    assert them.taken() == []
    assert them.notices[-1][2]
    optional = asked.replace("required", "optional")
    reply = them.station.receive({**made.headers, "Disposition-Notification-Options": optional}, made.body)
    assert outcome(us, made, reply, must_be_signed=False) == ("processed", "confirmed")
    assert reply.headers["Content-Type"].startswith("multipart/report")


def test_row_03_where_no_receipt_is_asked_for_none_can_be_unsupported(us, them):
    made = us.make(receipt="none")
    asked = "signed-receipt-protocol=required, foo; signed-receipt-micalg=required, md5"
    reply = them.station.receive({**made.headers, "Disposition-Notification-Options": asked}, made.body)
    assert (reply.status, them.taken()) == (200, [ORDER])


def test_row_04_a_receipt_about_other_bytes_fails_the_message_which_is_not_sent_again(pair):
    us, them = pair
    asked = []

    def wrong(request):
        asked.append(request)
        other = write_receipt(
            about=request.headers["message-id"],
            disposition="processed",
            text="",
            terms=them.terms,
            keys=them.keys,
            now=NOW,
            mic=("sha256", mics_of(b"something else")["sha256"]),
            signed="sha256",
        )
        return Reply(status=200, headers=other.headers, body=bytes(other.body))

    front = Front({"/as2": wrong})
    us.terms = msgspec.structs.replace(
        us.terms, url=f"http://127.0.0.1:{us.loop.run(front.listen('127.0.0.1', 0), 10)}/as2"
    )
    for _ in range(3):
        with pytest.raises(TransportError, match="other bytes") as caught:
            us.send()
        assert caught.value.permanent
    assert len({one.headers["message-id"] for one in asked}) == len(asked)
    us.transport = us.open()
    before = len(asked)
    with pytest.raises(TransportError, match="other bytes"):
        us.transport.hand_over("t1", "partner", "o.edi")
    assert len(asked) == before
    us.loop.run(front.close(), 20)


def test_row_04_an_asynchronous_one_is_told_as_serious(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    wrong = receipt_about(them, made, mic=("sha256", bytes(32)))
    assert us.station.receive(wrong.headers, wrong.body).status == 200
    assert us.sendings.find("t1").state == "altered"
    assert us.notices[-1][2]
    [ended] = us.sendings.untold()
    assert ended.state == "altered"


def test_row_05_the_wrong_key_and_tampered_ciphertext_fail_to_decrypt(us, them):
    made = us.make()
    at = len(made.body) - 1000
    # Of the last block: the padding is wrong, or by chance right and the end is missing; nobody can tell which.
    for change in range(1, 256):
        tampered = bytearray(made.body)
        tampered[-17] ^= change
        reply = them.station.receive(made.headers, bytes(tampered))
        assert said(us, reply) == "processed/error: decryption-failed"
        assert b"could not be decrypted." in reply.body
    sealed = us.make(encrypt="aes256-gcm")
    tampered = bytearray(sealed.body)
    tampered[at] ^= 1
    assert said(us, them.station.receive(sealed.headers, bytes(tampered))) == "processed/error: decryption-failed"
    them.keys = Keys((STRANGER,), them.keys.partner)
    agree(them)
    reply = them.station.receive({**made.headers, "Disposition-Notification-Options": ""}, made.body)
    assert b"processed/error: decryption-failed" in reply.body
    assert them.taken() == []


def test_row_06_unknown_signers_and_broken_signatures_are_told_apart(us, them):
    agree(them, must_encrypt=False)
    made = us.make(encrypt=None)
    changed = made.body.replace(b"UNZ+0", b"UNZ+9")
    assert changed != made.body
    assert said(us, them.station.receive(made.headers, changed)) == "processed/error: integrity-check-failed"
    us.keys = Keys((STRANGER,), us.keys.partner)
    unknown = us.make(encrypt=None)
    reply = them.station.receive(unknown.headers, unknown.body)
    us.keys = Keys((US,), us.keys.partner)
    assert said(us, reply) == "processed/error: authentication-failed"
    # Their certificate's name on a signature by another key.
    forged = make_message(
        Payload(content=ORDER),
        msgspec.structs.replace(us.terms, encrypt=None),
        Keys((type(US)(STRANGER.key, US.certificate),), us.keys.partner),
        now=NOW,
    )
    assert said(us, them.station.receive(forged.headers, forged.body)) == "processed/error: authentication-failed"
    assert them.taken() == []


def test_row_07_broken_zlib_and_bombs_fail_to_decompress(us, them):
    agree(them, must_sign=False, must_encrypt=False)
    torn = bytearray(compressed(entity_of()))
    torn[-8] ^= 0xFF
    assert said(us, post_by_hand(us, them, bytes(torn))) == "processed/error: decompression-failed"
    bomb = compressed(entity_of(bytes(50_000_000)))
    assert len(bomb) < 200_000
    assert said(us, post_by_hand(us, them, bomb)) == "processed/error: decompression-failed"
    # A bomb in an encrypted message that is signed by nobody yet: stopped before its signature is looked at.
    inner = msgspec.structs.replace(us.terms, sign=None, encrypt="aes256-gcm", compress="before signing")
    made = make_message(Payload(content=bytes(50_000_000)), inner, us.keys, now=NOW)
    assert said(us, them.station.receive(made.headers, made.body)) == "processed/error: decompression-failed"
    other = cms.compress(entity_of()).replace(
        cms.oid("1.2.840.113549.1.9.16.3.8"), cms.oid("1.2.840.113549.1.9.16.3.9")
    )
    head = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n"
    assert said(us, post_by_hand(us, them, head + other)) == "processed/error: decompression-failed"
    assert them.taken() == []
    assert zlib.decompress(zlib.compress(ORDER)) == ORDER


@pytest.mark.parametrize("security", ["plain", "signed", "encrypted"])
def test_row_08_less_security_than_agreed_is_insufficient(us, them, security):
    # By CBC, whether it is signed inside is told to nobody: test_as2_attacks.
    made = us.make(**{"encrypt": "aes256-gcm", **SECURITY[security]})
    reply = them.station.receive(made.headers, made.body)
    assert said(us, reply) == "processed/error: insufficient-message-security"
    assert them.taken() == []


def test_row_09_unknown_names_are_told_so_and_missing_headers_are_a_bad_request(us, them):
    made = us.make()
    for change in ({"AS2-From": "Nobody"}, {"AS2-To": "Nobody"}, {"AS2-From": "us"}, {"AS2-To": '"Them "'}):
        reply = them.station.receive({**made.headers, **change}, made.body)
        assert reply.status == 200
        assert b"processed/error: unknown-trading-partner" in reply.body
    for missing in ("AS2-From", "AS2-To"):
        headers = {name: value for name, value in made.headers.items() if name != missing}
        assert them.station.receive(headers, made.body).status == 400
    assert them.taken() == []


def test_row_09_a_stranger_whom_no_receipt_can_tell_it_is_told_by_the_status(us, them):
    for receipt in ("none", "async"):
        made = us.make(receipt=receipt)
        reply = them.station.receive({**made.headers, "AS2-From": "Nobody"}, made.body)
        assert reply.status == 403
    assert them.letters.waiting() == 0
    assert them.taken() == []


@pytest.mark.parametrize("security", ["plain", "signed", "encrypted"])
def test_row_08_a_refusal_that_no_receipt_tells_is_told_by_the_status(us, them, security):
    made = us.make(receipt="none", **SECURITY[security])
    assert them.station.receive(made.headers, made.body).status == 400
    elsewhere = us.make(receipt="async", **SECURITY[security])
    headers = {**elsewhere.headers, "Receipt-Delivery-Option": "http://elsewhere.example/"}
    assert them.station.receive(headers, elsewhere.body).status == 400
    asked = us.make(receipt="async", **SECURITY[security])
    assert them.station.receive(asked.headers, asked.body).status == 202
    assert them.taken() == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/pkcs7-mime"}, b"\x00garbage"),
        ({"Content-Type": "multipart/signed; boundary=b"}, b"no boundary"),
        ({"Content-Type": "multipart/related; boundary=b"}, b"--b\r\n"),
        ({"Content-Type": "text/plain", "Content-Transfer-Encoding": "x-unknown"}, b"x"),
        ({"Content-Type": "text/plain", "Content-Transfer-Encoding": "base64"}, b"=== no base64"),
        ({"Content-Type": "text/plain", "Content-Disposition": 'attachment; filename="=?bogus?B?eA==?="'}, b"x"),
        ({"Content-Type": "text/plain; name*=bogus'en'%ff%fe"}, b"x"),
        ({"Content-Type": 'multipart/signed; boundary="\xe4\xf6"'}, b"--\xe4\xf6--"),
    ],
)
def test_row_10_anything_else_is_an_unexpected_processing_error_and_never_a_bare_500(pair, headers, body):
    us, them = pair
    them.agree(us, must_sign=False, must_encrypt=False)
    made = make_message(Payload(content=ORDER), us.terms, us.keys, now=NOW)
    kept = {name: value for name, value in made.headers.items() if not name.startswith("Content-")}
    reply = them.station.receive({**kept, **headers}, body)
    assert reply.status == 200
    disposition = said(us, reply)
    assert disposition in ("processed/error: unexpected-processing-error", "processed")
    assert len(them.taken()) == (disposition == "processed")


def test_row_10_a_fault_of_ours_is_a_receipt_too(us, them, monkeypatch):
    def fault(*_arguments, **_options):
        raise ZeroDivisionError("/secret/path")

    monkeypatch.setattr("edi_server.transports.as2.station.open_message", fault)
    made = us.make()
    reply = them.station.receive(made.headers, made.body)
    assert said(us, reply) == "processed/error: unexpected-processing-error"
    assert b"secret" not in reply.body
    assert b"ZeroDivision" not in reply.body


@pytest.mark.parametrize(
    ("header", "receipt_comes"),
    [
        (b"Receipt-Delivery-Option: http://h:99999/as2", "never"),
        (b"Receipt-Delivery-Option: http://[bad", "never"),
        (b"Receipt-Delivery-Option: http://\xff/", "never"),
        (b"Message-ID: <\xff@x>", "at once"),
        (b"Message-ID: \xe4\xf6", "at once"),
        (b"Message-ID: ", "at once"),
        (b"Message-ID: <" + b"x" * 5000 + b"@x>", "at once"),
        (b"Subject: \xff\xfe", "at once"),
        (b"Disposition-Notification-To: \xff", "at once"),
        (b"Disposition-Notification-Options: \xff=;;,=", "at once"),
        (b"Content-Disposition: attachment; filename=\xff", "at once"),
    ],
    ids=lambda one: repr(one[:40]),
)
def test_row_10_no_header_that_anybody_can_send_is_answered_by_a_bare_500(pair, header, receipt_comes):
    us, them = pair
    made = make_message(Payload(content=ORDER), us.terms, us.keys, now=NOW)
    replaced = header.partition(b":")[0].decode()
    lines = [f"{name}: {value}".encode() for name, value in made.headers.items() if name != replaced]
    head = [b"POST /as2 HTTP/1.1", b"Host: x", b"Connection: close", header, *lines]
    request = b"\r\n".join([*head, b"Content-Length: %d" % len(made.body), b"", bytes(made.body)])
    for _ in range(2):
        answer = _raw(them.port, request)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert (b"; processed\r\n" in answer) == (receipt_comes == "at once")
        assert [content for _, content in them.taken()] in ([ORDER], [])
    assert [claim.path.read_bytes() for claim in them.spool.claimed()] == [ORDER], "it is taken once"


@pytest.mark.parametrize("at", ["_keep", "_say", "_message_key"])
def test_row_10_a_fault_anywhere_is_answered_and_what_was_stored_stays_confirmed(us, them, monkeypatch, at):
    made, faults = us.make(), []
    owner = station if at == "_message_key" else them.station
    original = getattr(owner, at)

    def fault(*arguments, **options):
        if not faults:
            faults.append(at)
            raise ZeroDivisionError("/secret/path")
        return original(*arguments, **options)

    monkeypatch.setattr(owner, at, fault)
    reply = them.station.receive(made.headers, made.body)
    stored = them.taken() == [ORDER]
    assert stored == (at == "_say")
    assert said(us, reply) == ("processed" if stored else "processed/error: unexpected-processing-error")
    assert b"secret" not in reply.body


def test_row_11_a_duplicate_is_not_delivered_and_answered_by_the_original_receipt(us, them):
    made = us.make()
    first = them.station.receive(made.headers, made.body)
    again = them.open().receive(made.headers, made.body)
    assert again == first
    assert them.taken() == [ORDER]


def test_row_11_or_with_a_warning_where_the_partner_wants_that(us, them):
    agree(them, quirks=Quirks(warn_of_duplicates=True))
    made = us.make()
    assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    reply = them.station.receive(made.headers, made.body)
    assert outcome(us, made, reply) == ("processed/warning: duplicate-document", "confirmed")
    assert them.taken() == [ORDER]


def test_row_11_a_damaged_message_under_a_known_message_id_is_not_confirmed(us, them):
    made = us.make()
    them.station.receive(made.headers, made.body)
    damaged = bytearray(made.body)
    damaged[-200] ^= 1
    reply = them.station.receive(made.headers, bytes(damaged))
    assert said(us, reply).startswith("processed/error")
    assert them.taken() == [ORDER]


def test_row_11_a_duplicate_that_was_packed_anew_is_confirmed_as_it_came_and_not_delivered(us, them):
    first, second = us.make(), us.make()
    them.station.receive(first.headers, first.body)
    reply = them.station.receive({**second.headers, "Message-ID": first.message_id}, second.body)
    again = msgspec.structs.replace(second, message_id=first.message_id)
    assert outcome(us, again, reply) == ("processed", "confirmed")
    assert them.taken() == [ORDER]


def test_row_11_another_message_under_a_message_id_that_was_used_before_is_not_lost(us, them):
    first, second = us.make(), us.make(b"UNB'other'")
    them.station.receive(first.headers, first.body)
    for _ in range(2):
        reply = them.open().receive({**second.headers, "Message-ID": first.message_id}, second.body)
        again = msgspec.structs.replace(second, message_id=first.message_id)
        assert outcome(us, again, reply) == ("processed", "confirmed")
        assert sorted(them.taken()) == sorted([ORDER, b"UNB'other'"])
    assert [sentence for sentence, _, _ in them.notices if "used before" in sentence]


def test_row_11_what_was_confirmed_is_confirmed_again_though_the_certificate_has_ended_since(us, them):
    made = us.make()
    first = them.station.receive(made.headers, made.body)
    them.now += dt.timedelta(days=3650)
    assert them.open().receive(made.headers, made.body) == first


def test_row_12_the_same_content_under_a_new_message_id_is_a_transmission_of_its_own_for_the_second_check(us, them):
    """The station cannot know: whether it is a duplicate is decided by control number and content, in the corridor
    (`tests/walks/test_network_proofs.py` walks it)."""
    for _ in range(2):
        made = us.make()
        assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    assert them.taken() == [ORDER] * 2
    assert len({claim.transmission_id for claim in them.spool.claimed()}) == 2
    assert len({claim.detail["message_id"] for claim in them.spool.claimed()}) == 2


def test_row_13_the_message_is_stored_before_its_receipt_exists_anywhere_outside(us, them, monkeypatch):
    made = us.make(receipt="async")
    order = []
    take, queue = them.spool.take, them.letters.queue
    monkeypatch.setattr(them.spool, "take", lambda *a, **o: (order.append("stored"), take(*a, **o))[1])
    monkeypatch.setattr(them.letters, "queue", lambda letter: (order.append("told"), queue(letter))[1])
    them.station.receive(made.headers, made.body)
    assert order == ["stored", "told"]
    monkeypatch.undo()

    def full(*_arguments, **_options):
        raise TransportError("the disk is full")

    monkeypatch.setattr(them.spool, "take", full)
    lost = us.make()
    with pytest.raises(TransportError):
        them.station.receive(lost.headers, lost.body)
    monkeypatch.undo()
    # The receipt got lost: the message comes again, and row 11 holds.
    first = them.station.receive(lost.headers, lost.body)
    assert them.station.receive(lost.headers, lost.body) == first
    assert them.taken() == [ORDER] * 2


def test_row_13_what_fails_after_it_became_known_is_confirmed_when_it_comes_again_and_not_lost(us, them, monkeypatch):
    made = us.make()

    def full(*_arguments):
        raise TransportError("the disk is full")

    monkeypatch.setattr(them.spool, "_hand_on", full)
    with pytest.raises(TransportError):
        them.station.receive(made.headers, made.body)
    monkeypatch.undo()
    assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    them.spool.prepare()
    assert them.taken() == [ORDER]


def answering(loop, replies, posts):
    """A station that answers with these statuses, the last one for ever; None closes the connection."""

    def take(request):
        posts.append(request)
        return replies.pop(0) if len(replies) > 1 else replies[0]

    front = Front({"/as2": take})
    return front, f"http://127.0.0.1:{loop.run(front.listen('127.0.0.1', 0), 10)}/as2"


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
def test_row_14_what_may_pass_is_tried_again_with_the_same_bytes(pair, status):
    us, them = pair
    posts = []
    front, url = answering(us.loop, [Reply(status=status)], posts)
    right = us.terms
    us.terms = msgspec.structs.replace(right, url=url)
    us.transport.stage("t1", "partner", ORDER)
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            us.open().hand_over("t1", "partner", "o.edi")
        assert not caught.value.permanent
    assert len(posts) == 2
    assert posts[0].body == posts[1].body
    assert {one.headers["message-id"] for one in posts} == {us.sendings.find("t1").message_id}
    us.terms = right
    assert us.open().hand_over("t1", "partner", "o.edi").confirmed
    assert len(them.taken()) == 1
    us.loop.run(front.close(), 20)


@pytest.mark.parametrize("status", [503, 429])
def test_row_14_a_partner_who_says_when_to_come_back_is_heard(pair, status):
    us, _ = pair
    front, url = answering(us.loop, [Reply(status=status, headers={"Retry-After": "120"})], [])
    us.terms = msgspec.structs.replace(us.terms, url=url)
    with pytest.raises(TransportError) as caught:
        us.send()
    assert caught.value.retry_after == 120
    us.loop.run(front.close(), 20)


def test_row_14_what_was_refused_is_not_sent_again(pair):
    us, them = pair
    posts = []
    front, url = answering(us.loop, [Reply(status=403)], posts)
    us.terms = msgspec.structs.replace(us.terms, url=url)
    with pytest.raises(TransportError) as caught:
        us.send()
    assert caught.value.permanent
    us.loop.run(front.close(), 20)
    us.agree(them)
    them.agree(us, partner_name="Somebody else")
    us.agree(them, receipt_signed=False)
    with pytest.raises(TransportError, match="unknown-trading-partner") as caught:
        us.send(transmission_id="t2")
    assert caught.value.permanent


@pytest.mark.parametrize("trouble", ["refused connection", "no answer in time", "torn answer", "no receipt"])
def test_row_14_connections_that_fail_are_tried_again_with_the_same_bytes(pair, trouble):
    us, them = pair
    posts, go_on = [], threading.Event()

    def take(request):
        posts.append(request)
        if trouble == "no answer in time":
            go_on.wait(20)
        return Reply(status=200)

    front = Front({"/as2": take})
    port = us.loop.run(front.listen("127.0.0.1", 0), 10)
    right = us.terms
    if trouble == "refused connection":
        us.loop.run(front.close(), 20)
    if trouble == "torn answer":
        torn = socket.create_server(("127.0.0.1", 0))
        port = torn.getsockname()[1]
        threading.Thread(target=_tear, args=(torn,), daemon=True).start()
    us.terms = msgspec.structs.replace(right, url=f"http://127.0.0.1:{port}/as2")
    quick = us.line()
    us.line = lambda: msgspec.structs.replace(quick, seconds=1)
    us.transport.stage("t1", "partner", ORDER)
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            us.open().hand_over("t1", "partner", "o.edi")
        assert not caught.value.permanent
    go_on.set()
    del us.line
    before, body = us.sendings.find("t1"), us.sendings.body("t1")
    assert {one.headers["message-id"] for one in posts} <= {before.message_id}
    assert {one.body for one in posts} <= {body}
    us.terms = right
    assert us.open().hand_over("t1", "partner", "o.edi").confirmed
    assert us.sendings.find("t1").message_id == before.message_id
    assert len(them.taken()) == 1
    us.loop.run(front.close(), 20)


def _tear(listening):
    """Answers each connection with half of a receipt."""
    with listening:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf of")


def test_row_14_after_a_negative_receipt_nothing_is_sent_again_and_the_reason_is_told(pair):
    us, them = pair
    posts = []

    def take(request):
        posts.append(request)
        return them.take(request)

    front = Front({"/as2": take})
    them.agree(us, partner_name="Somebody else")
    us.terms = msgspec.structs.replace(
        us.terms, url=f"http://127.0.0.1:{us.loop.run(front.listen('127.0.0.1', 0), 10)}/as2"
    )
    # It is not signed: whom they do not know, they have no key for. What they say is told all the same.
    with pytest.raises(TransportError, match=r"unknown-trading-partner.*have no agreement here") as caught:
        us.send()
    assert caught.value.permanent
    for _ in range(2):
        with pytest.raises(TransportError, match="unknown-trading-partner") as caught:
            us.open().hand_over("t1", "partner", "o.edi")
        assert caught.value.permanent
    assert len(posts) == 1
    us.loop.run(front.close(), 20)


def receipt_about(end, made, **changes):
    said = {"disposition": "processed", "text": "", "mic": ("sha256", made.mics["sha256"]), "signed": "sha256"}
    return write_receipt(about=made.message_id, terms=end.terms, keys=end.keys, now=NOW, **{**said, **changes})


def test_row_15_a_receipt_may_come_hours_late_or_twice(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    us.now += dt.timedelta(hours=30)
    receipt = receipt_about(them, made)
    for _ in range(3):
        assert us.open().receive(receipt.headers, receipt.body).status == 200
    assert us.sendings.find("t1").state == "confirmed"
    assert [one.state for one in us.sendings.untold()] == ["confirmed"]
    assert not us.notices[-1][2]


class Told:
    """Stands in for the notices of the engine."""

    def __init__(self):
        self.told, self.open = [], set()

    def tell(self, about, cause, sentence, *, is_serious=True, thing=""):
        assert thing or not is_serious, "the next of its kind would be taken for the same"
        self.told.append((about, cause, sentence))
        if is_serious:
            self.open.add((about, cause))
        return True

    def settle_others(self, cause, besides, note):
        assert note
        self.open -= {one for one in self.open if one[1] == cause and one[0] not in besides}


def watching(folder, us, **line):
    """A watch over what we sent, and the partner that it is about."""
    told = Told()
    partner = SimpleNamespace(name="them", mailbox="partner")
    lines = {"partner": Line(relation=us.relations[0], **line)}
    watch = Watch(folder / "told.json", told, us.sendings)
    return watch, told, [partner], lines


def test_row_15_a_receipt_that_does_not_come_is_a_case_until_it_comes(us, them, tmp_path):
    us.sendings._clock = us.now.timestamp
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    watch, told, partners, lines = watching(tmp_path, us, receipt_within=3600.0)
    watch.look_for_receipts(partners, lines, NOW + dt.timedelta(minutes=59))
    assert told.told == []
    for _ in range(3):
        watch.look_for_receipts(partners, lines, NOW + dt.timedelta(minutes=61))
    [(about, cause, sentence)] = told.told
    assert (about, cause) == ("them", "as2-receipt-missing")
    assert made.message_id in sentence
    assert "within 1 hour;" in sentence
    # After a restart it is known that somebody was told.
    watch, again, partners, lines = watching(tmp_path, us, receipt_within=3600.0)
    watch.look_for_receipts(partners, lines, NOW + dt.timedelta(hours=2))
    assert again.told == []
    receipt = receipt_about(them, made)
    assert us.station.receive(receipt.headers, receipt.body).status == 200
    again.open = told.open
    watch.look_for_receipts(partners, lines, NOW + dt.timedelta(hours=3))
    assert again.open == set()
    assert us.sendings.waiting() == []


def test_row_15_a_receipt_that_settles_nothing_is_told_in_words_and_the_right_one_waited_for(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    for changes, words in (
        ({"signed": None}, "A signed receipt was asked for, but an unsigned one came."),
        ({"signed": None, "disposition": "processed/error: authentication-failed"}, "authentication-failed"),
        ({"mic": None}, "it has no usable MIC"),
    ):
        doubtful = receipt_about(them, made, **changes)
        us.station.receive(doubtful.headers, doubtful.body)
        sentence, _, is_serious = us.notices[-1]
        assert sentence.startswith(f"{made.message_id}: ")
        assert words in sentence
        assert "still waited for" in sentence
        assert is_serious
        assert [one.message_id for one in us.sendings.waiting()] == [made.message_id]
    good = receipt_about(them, made)
    us.station.receive(good.headers, good.body)
    assert us.sendings.find("t1").state == "confirmed"


@pytest.mark.parametrize("receipt", ["sync", "async"])
def test_row_20_a_receipt_may_name_our_message_without_its_angle_brackets(pair, receipt):
    us, them = pair
    posts = []

    def take(request):
        posts.append(request)
        answer = receipt_named(request)
        if receipt == "sync":
            return Reply(status=200, headers=answer.headers, body=bytes(answer.body))
        return Reply(status=200)

    def receipt_named(request):
        opened = open_message(request.headers, request.body, them.terms, them.keys, now=NOW)
        return write_receipt(
            about=request.headers["message-id"].strip("<>"),
            disposition="processed",
            text="",
            terms=them.terms,
            keys=them.keys,
            now=NOW,
            mic=("sha256", opened.mics["sha256"]),
            signed="sha256",
        )

    front = Front({"/as2": take})
    us.agree(them, receipt=receipt)
    us.terms = msgspec.structs.replace(
        us.terms, url=f"http://127.0.0.1:{us.loop.run(front.listen('127.0.0.1', 0), 10)}/as2"
    )
    assert us.send().confirmed == (receipt == "sync")
    if receipt == "async":
        answer = receipt_named(posts[0])
        assert us.station.receive(answer.headers, answer.body).status == 200
        [proof] = us.transport.proofs()
        assert proof.confirmed
    us.loop.run(front.close(), 20)


def test_row_16_asynchronous_receipts_have_a_queue_of_their_own_and_call_agreed_addresses_only(pair):
    us, them = pair
    us.agree(them, receipt="async")
    away = us.url
    them.agree(us, receipt_urls=(away,))
    us.send()
    us.loop.run(us.front.close(), 20)
    them.taken()
    assert them.letters.waiting() == 1
    us.front = Front({"/as2": us.take})
    us.loop.run(us.front.listen("127.0.0.1", us.port), 10)
    [letter] = [msgspec.json.decode(file.read_bytes()) for file in them.letters._folder.glob("*.json")]
    assert (letter["attempts"], letter["url"]) == (1, away)
    them.letters._clock = lambda: letter["due"] + 1
    # What was agreed when it was asked for counts no more once it is agreed otherwise.
    them.agree(us, receipt_urls=("http://127.0.0.1:1/elsewhere",))
    them.transport.send_receipts()
    assert them.letters.waiting() == 1
    assert us.transport.proofs() == []
    them.agree(us, receipt_urls=(away,))
    them.letters._clock = lambda: letter["due"] + 3600
    them.transport.send_receipts()
    assert them.letters.waiting() == 0
    [proof] = us.transport.proofs()
    assert proof.confirmed
    made = make_message(Payload(content=ORDER), us.terms, us.keys, now=NOW, receipt_url="http://169.254.169.254/")
    assert them.station.receive(made.headers, made.body).status == 200
    assert them.letters.waiting() == 0
    assert them.notices[-1].cause == "as2-receipt-address"


def test_row_16_a_receipt_of_ours_that_cannot_be_delivered_is_told_and_so_is_giving_it_up(pair):
    us, them = pair
    us.agree(them, receipt="async")
    us.send()
    message_id = us.sendings.find("t1").message_id
    us.loop.run(us.front.close(), 20)
    clock = [time.time() + 1]
    them.letters._clock = lambda: clock[0]
    them.transport.send_receipts()
    delayed = them.notices[-1]
    assert (delayed.cause, delayed.is_serious) == ("as2-receipt-delayed", False)
    assert message_id in delayed.sentence
    clock[0] += 49 * 3600
    them.transport.send_receipts()
    given_up = them.notices[-1]
    assert (given_up.cause, given_up.mailbox, given_up.is_serious) == ("as2-receipt-undelivered", "partner", True)
    assert message_id in given_up.sentence
    assert "is given up" in given_up.sentence
    assert them.letters.waiting() == 0


def test_row_16_one_receipt_that_cannot_be_sent_at_all_does_not_hold_up_the_others(pair, monkeypatch):
    us, them = pair
    us.agree(them, receipt="async")
    for number in range(3):
        us.send(transmission_id=f"t{number}")
    first = us.sendings.find("t0").message_id
    real = postman.post

    async def fault(url, headers, body, **options):
        if first.encode() in body:
            raise ValueError("no such header")
        return await real(url, headers, body, **options)

    monkeypatch.setattr(postman, "post", fault)
    them.transport.send_receipts()
    assert them.letters.waiting() == 1
    assert {one.transmission_id for one in us.transport.proofs()} == {"t1", "t2"}
    assert them.notices[-1].cause == "as2-receipt-delayed"
    assert first in them.notices[-1].sentence


def test_row_16_a_partner_who_does_not_answer_does_not_hold_up_the_receipts_of_the_others(pair, monkeypatch):
    us, them = pair
    us.agree(them, receipt="async")
    monkeypatch.setattr(postman, "_ROUND_SECONDS", 2.0)
    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    silent.settimeout(0.2)
    away = f"http://127.0.0.1:{silent.getsockname()[1]}/mdn"
    for number in range(20):
        them.letters.queue(Letter(mailbox="away", url=away, headers={}, body=b"x", about=f"<{number}>"))
    us.send()
    relation = Relation(mailbox="away", terms=Terms(own_name="Them", partner_name="Away", url=away), keys=them.keys)
    lines = {"partner": them.line(), "away": msgspec.structs.replace(them.line(), relation=relation)}
    them.transport._postman._lines = lambda: lines
    assert them.transport.send_receipts() == 1.0
    [proof] = us.transport.proofs()
    assert (proof.transmission_id, proof.confirmed) == ("t1", True)
    assert them.letters.waiting() == 20
    # What is under way is not sent once more in the next round.
    them.transport.send_receipts()
    called = []
    with contextlib.suppress(TimeoutError):
        while True:
            called.append(silent.accept()[0])
    assert len(called) == 2
    for one in (*called, silent):
        one.close()


@pytest.mark.parametrize("forged", ["unsigned", "bad signature", "unknown id", "zero signers", "wrapped", "another's"])
def test_row_17_receipts_that_prove_nothing_are_not_accepted(us, them, forged):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    good = receipt_about(them, made)
    headers, body, status = good.headers, bytes(good.body), 400
    if forged == "unsigned":
        good, status = receipt_about(them, made, signed=None), 200
        headers, body = good.headers, bytes(good.body)
    if forged == "bad signature":
        body = body.replace(b"; processed\r\n", b"; processeD\r\n")
    if forged == "unknown id":
        good, status = receipt_about(them, us.make()), 200
        headers, body = good.headers, bytes(good.body)
    if forged in ("zero signers", "wrapped"):
        from rooms.test_as2_core import _resigned, _without_signers

        unsigned = receipt_about(them, us.make(), disposition="processed/error: decryption-failed")
        old = unsigned.body if forged == "wrapped" else _without_signers(ORDER)
        kind, body = _resigned(good, bytes(old))
        headers = {**headers, **kind}
    if forged == "another's":
        them.keys = Keys((STRANGER,), ())
        good = receipt_about(them, made)
        headers, body = good.headers, bytes(good.body)
    assert us.station.receive(headers, body).status == status
    assert us.sendings.find("t1").state == "waiting"
    assert us.sendings.untold() == []
    assert us.notices[-1][2]
    # Evidence for a dispute; what names no message of ours is evidence of nothing.
    kept = [one.read_bytes() for one in (us.sendings._folder / "t1").glob("receipt*")]
    assert kept == ([] if forged == "unknown id" or made.message_id.encode() not in body else [kept[0]])
    assert all(one.endswith(body) for one in kept)


def test_row_17_a_forged_receipt_is_kept_beside_its_message_whichever_way_it_comes(pair):
    us, them = pair
    genuine = them.keys
    for transmission_id, receipt in (("t1", "sync"), ("t2", "async")):
        us.agree(them, receipt=receipt)
        them.keys = Keys((OwnKey(STRANGER.key, THEM.certificate), THEM), genuine.partner)
        if receipt == "sync":
            with pytest.raises(TransportError, match="cannot be believed"):
                us.send(transmission_id=transmission_id)
        else:
            us.send(transmission_id=transmission_id)
            them.transport.send_receipts()
            assert us.notices[-1].cause == "as2-receipt-forged"
            assert us.sendings.find(transmission_id).message_id in us.notices[-1].sentence
        [kept] = (us.sendings._folder / transmission_id).glob("receipt-doubted-*")
        assert b"disposition-notification" in kept.read_bytes()


def test_row_17_forgers_cannot_fill_the_disk_with_what_is_kept(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    good = receipt_about(them, made)
    for number in range(30):
        us.station.receive(good.headers, bytes(good.body).replace(b"; processed\r\n", b"; processed%d\r\n" % number))
    large = bytes(good.body).replace(b"; processed\r\n", b"; processeD\r\n") + bytes(2_000_000)
    us.station.receive(good.headers, large)
    kept = list((us.sendings._folder / "t1").glob("receipt-doubted-*"))
    assert len(kept) == 20
    assert max(one.stat().st_size for one in kept) < 100_000


def test_row_18_certificates_overlap_both_ways_are_switched_on_a_day_and_give_notice(us, them):
    new_us, new_them = certify("us"), certify("them")
    day = NOW + dt.timedelta(days=10)
    them.keys = Keys((THEM, new_them), (PartnerCertificate(US.certificate), PartnerCertificate(new_us.certificate)))
    agree(them)
    both = (PartnerCertificate(THEM.certificate), PartnerCertificate(new_them.certificate, day))
    for signing in (US, new_us):
        for now, theirs in ((NOW, THEM), (day, new_them)):
            us.keys, us.now = Keys((signing,), both), now
            them.now = now
            made = us.make()
            assert us.keys.encrypting(now) == theirs.certificate
            reply = them.station.receive(made.headers, made.body)
            assert outcome(us, made, reply) == ("processed", "confirmed")
    assert len(them.taken()) == 4
    for days, is_told in ((61, False), (60, True), (30, True), (7, True), (-1, True)):
        gap = own_gap([own(certify("one", days=days, begins=-90))], NOW)
        assert bool(alarm_of(gap, NOW)) is is_told


def own(key, sign_from=None):
    return OwnAgreed(key=key, file="own.pem", sign_from=sign_from)


def test_row_18_we_sign_with_the_new_key_and_encrypt_for_the_new_certificate_from_their_days_on(us, them):
    new_us, new_them, day = certify("us"), certify("them"), NOW + dt.timedelta(days=10)
    ours = [own(US), own(new_us, day)]
    theirs = (PartnerCertificate(THEM.certificate), PartnerCertificate(new_them.certificate, day))
    them.keys = Keys((THEM, new_them), (PartnerCertificate(US.certificate), PartnerCertificate(new_us.certificate)))
    agree(them)
    for now, signing, encrypting in (
        (day - dt.timedelta(seconds=1), US, THEM),
        (day, new_us, new_them),
        (day + dt.timedelta(days=5), new_us, new_them),
    ):
        us.now = them.now = now
        us.keys = Keys(tuple(one.key for one in in_order(ours, now)), theirs)
        assert us.keys.own[0] == signing
        assert us.keys.encrypting(now) == encrypting.certificate
        made = us.make()
        opened = open_message(made.headers, made.body, them.terms, them.keys, now=now)
        assert opened.signed_by == signing.certificate
        assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
        # What they encrypt for either of ours is read, before the day and after it.
        for certificate in (US.certificate, new_us.certificate):
            agree(us)
            back = make_message(
                Payload(content=ORDER),
                msgspec.structs.replace(them.terms, url=OUR_URL),
                Keys((THEM,), (PartnerCertificate(certificate),)),
                now=now,
            )
            assert b"; processed" in us.station.receive({**back.headers, **plain_receipt()}, back.body).body


def plain_receipt():
    return {"Disposition-Notification-Options": ""}


def test_row_18_alarms_at_60_30_7_and_0_days_each_once_and_a_closed_case_opens_again_at_the_next(us, tmp_path):
    us.keys = Keys((certify("us", days=800),), (PartnerCertificate(certify("them", days=70).certificate),))
    agree(us)
    watch, told, partners, lines = watching(tmp_path, us)
    ends = NOW + dt.timedelta(days=70)
    due = []
    for hours in range(1, 72 * 24, 12):
        now, before = NOW + dt.timedelta(hours=hours), len(told.told)
        # A new one each time: what was told is remembered over restarts.
        watch = Watch(tmp_path / "told.json", told, us.sendings)
        watch.look_at_certificates(partners, lines, [], now)
        due += [((ends - now).days, cause) for _, cause, _ in told.told[before:]]
        assert len(told.open) <= 1, "the earlier levels are settled"
        told.open.clear()  # a person closed it: it stays closed until the next level
    causes = [cause for _, cause in due]
    assert causes == [f"as2-certificate-{days}-days" for days in (60, 30, 7, 0, 0)]
    assert [left for left, _ in due] == [60, 30, 7, 0, -1]
    assert "ends in 60 days" in told.told[0][2]
    assert "ends within a day" in told.told[3][2]
    assert "No AS2 certificate can be used now" in told.told[4][2]


@pytest.mark.parametrize(
    ("lacking", "days"),
    [
        ("none to verify what they sign", 5),
        ("none to encrypt for them with", 5),
        ("none to sign with", 5),
        ("none to encrypt for us with", 5),
        (None, None),
    ],
)
def test_row_18_a_gap_between_two_certificates_is_an_alarm_however_long_the_later_one_lasts(us, lacking, days):
    soon, later = NOW + dt.timedelta(days=5), NOW + dt.timedelta(days=40)
    old, new = certify("old", days=5), certify("new", days=800)
    not_yet = certify("not yet", begins=40, days=800)
    theirs = {
        "none to verify what they sign": (PartnerCertificate(old.certificate), PartnerCertificate(not_yet.certificate)),
        "none to encrypt for them with": (
            PartnerCertificate(old.certificate),
            PartnerCertificate(new.certificate, later),
        ),
    }.get(lacking, (PartnerCertificate(old.certificate), PartnerCertificate(new.certificate, soon)))
    ours = {
        "none to sign with": [own(old), own(new, later)],
        "none to encrypt for us with": [own(old), own(not_yet)],
    }.get(lacking, [own(old), own(new, soon)])
    gaps = [partner_gap(Keys((), theirs), us.terms, NOW), own_gap(ours, NOW)]
    alarms = [alarm for gap in gaps if (alarm := alarm_of(gap, NOW))]
    if lacking is None:
        assert alarms == []
        return
    [alarm] = alarms
    assert alarm.cause == "as2-certificate-7-days"
    assert lacking in alarm.sentence
    assert f"ends in {days} days" in alarm.sentence
    assert f"The next one can be used from {later:%Y-%m-%d %H:%M} UTC." in alarm.sentence


def test_row_18_a_certificate_that_only_verifies_closes_no_gap_in_encrypting(us):
    elliptic = certify("them", days=800, key=ec.generate_private_key(ec.SECP256R1())).certificate
    old = certify("old", days=5)
    keys = Keys((), (PartnerCertificate(old.certificate), PartnerCertificate(elliptic)))
    gap = partner_gap(keys, us.terms, NOW)
    assert (gap.lacking, gap.at) == ("we have none to encrypt for them with", old.certificate.not_valid_after_utc)
    only = partner_gap(Keys((), (PartnerCertificate(elliptic),)), us.terms, NOW)
    assert alarm_of(only, NOW).cause == "as2-certificate-0-days"


def test_row_18_what_is_switched_to_stands_in_the_timeline_once(us, tmp_path):
    day = NOW + dt.timedelta(days=10)
    new = certify("new")
    us.keys = Keys((US,), (PartnerCertificate(THEM.certificate), PartnerCertificate(new.certificate, day)))
    agree(us)
    watch, told, partners, lines = watching(tmp_path, us)
    for now in (NOW, day - dt.timedelta(hours=1), day, day + dt.timedelta(hours=1)):
        watch.look_at_certificates(partners, lines, in_order([own(US), own(new, day)], now), now)
    switched = [(about, sentence) for about, cause, sentence in told.told if cause == "as2-certificate-switched"]
    assert [about for about, _ in switched] == [":us", "them"]
    assert all("CN=new" in sentence for _, sentence in switched)


def test_row_19_headers_out_are_as_the_standards_say(us):
    agree(us, own_name="Us & Co", partner_name='Them "GmbH"')
    made = us.make()
    headers = made.headers
    assert headers["AS2-Version"] == "1.2"
    assert headers["AS2-From"] == '"Us & Co"'
    assert headers["AS2-To"] == '"Them \\"GmbH\\""'
    assert headers["MIME-Version"] == "1.0"
    assert headers["Date"] == "Mon, 23 Nov 2026 12:00:00 GMT"
    assert {"Subject", "User-Agent", "Disposition-Notification-To"} <= set(headers)
    assert re.fullmatch(r"<[\x21-\x3b\x3d\x3f-\x7e]+@[A-Za-z0-9.-]+>", made.message_id)
    assert len(made.message_id) < 256
    assert us.make().message_id != made.message_id
    features = {one.strip() for one in headers["EDIINT-Features"].split(",")}
    assert features == {"AS2-Reliability", "multiple-attachments"}, "CEM and restart are not claimed"
    for name, value in headers.items():
        assert not re.search(r"[\r\n\x00]", name + value)
        assert value.isascii()
    long = us.make(own_name="x" * 128)
    assert len(long.message_id) < 256


def test_row_19_names_are_compared_letter_for_letter(us, them):
    made = us.make()
    reply = them.station.receive({**made.headers, "AS2-From": "US"}, made.body)
    assert b"unknown-trading-partner" in reply.body


@pytest.mark.parametrize(
    "change",
    [
        {"AS2-From": '"Us"', "AS2-To": ' "Them" '},
        {"Disposition-Notification-Options": "signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg=optional,sha256"},
        {"Disposition-Notification-Options": "Signed-Receipt-Protocol = Required , PKCS7-Signature ; signed-receipt-micalg = required , SHA-256"},
        {"Recipient-Address": "https://them.example"},
        {"Content-Type": "application/x-pkcs7-mime; smime-type=enveloped-data"},
        {"Content-Type": "application/pkcs7-mime"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_row_20_headers_in_are_understood_however_they_are_written(us, them, change, case):
    made = us.make()
    headers = {case(name): value for name, value in {**made.headers, **change}.items()}
    reply = them.station.receive(headers, made.body)
    assert outcome(us, made, reply) == ("processed", "confirmed")
    assert mic_of(us, reply)[0] == "sha256"


@pytest.mark.parametrize("encoding", ["binary", "base64", "7bit", "8bit", "quoted-printable", None])
def test_row_21_every_transfer_encoding_outside_and_inside(us, them, encoding):
    agree(them, must_sign=False, must_encrypt=False)
    content = b"UNA:+.? '\r\nUNB+=3D+1'\r\nUNZ'\r\n"
    encode = {"base64": base64.encodebytes, "quoted-printable": lambda raw: raw.replace(b"=", b"=3D")}
    line = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n" if encoding else b""
    inner = b"Content-Type: application/edifact\r\n" + line + b"\r\n" + encode.get(encoding, bytes)(content)
    assert said(us, post_by_hand(us, them, inner, "<plain@us>")) == "processed"
    assert said(us, post_by_hand(us, them, signed_by_hand(inner), "<signed@us>")) == "processed"
    packed = cms.compress(inner)
    if encoding == "base64":
        packed = base64.encodebytes(packed)
    outer = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n"
    outer += (line if encoding != "quoted-printable" else b"") + b"\r\n"
    assert said(us, post_by_hand(us, them, outer + packed, "<packed@us>")) == "processed"
    assert them.taken() == [content] * 3


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_row_21_every_size_chunked_or_not_with_and_without_expect(pair, size):
    us, them = pair
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    made = make_message(Payload(content=content), us.terms, us.keys, now=NOW)
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items() if name != "Message-ID")
    body = bytes(made.body)
    pieces = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 30_000]), body[at : at + 30_000]) for at in range(0, len(body), 30_000)
    )
    ways = {
        "length": (f"Content-Length: {len(body)}\r\n", body),
        "chunked": ("Transfer-Encoding: chunked\r\n", pieces + b"0\r\n\r\n"),
        "expect": (f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n", body),
    }  # fmt: skip
    for name, (transfer, sent) in ways.items():
        request = (
            f"POST /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nMessage-ID: <{name}@us>\r\n{transfer}{head}\r\n"
        )
        answer = _raw(them.port, request.encode() + sent)
        assert b"200 OK" in answer, name
        assert b"; processed\r\n" in answer, name
    assert [taken for _, taken in them.taken()] == [content] * 3


def test_row_21_a_client_that_waits_for_100_continue_is_told_to_go_on(pair):
    us, them = pair
    made = make_message(Payload(content=ORDER), us.terms, us.keys, now=NOW)
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    request = f"POST /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-Continue\r\n{head}"
    client = Waiting(them.port, f"{request}Transfer-Encoding: chunked\r\n\r\n")
    assert client.first == b"HTTP/1.1 100 Continue\r\n\r\n"
    body = bytes(made.body)
    answer = client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert b"; processed\r\n" in answer
    assert [content for _, content in them.taken()] == [ORDER]


def test_row_21_more_than_the_limit_is_413(tmp_path, loop):
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", largest=1000)
    head = b"POST /as2 HTTP/1.1\r\nHost: x\r\n"
    assert _raw(them.port, head + b"Content-Length: 1001\r\n\r\n").startswith(b"HTTP/1.1 413")
    chunk = b"400\r\n" + bytes(1024) + b"\r\n0\r\n\r\n"
    assert _raw(them.port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk).startswith(b"HTTP/1.1 413")
    loop.run(them.front.close(), 20)


@pytest.mark.parametrize("ending", [b"", b"\r", b"\n", b"\r\n", b"\r\n\r\n"], ids=repr)
@pytest.mark.parametrize("compress", ["no", "before signing"])
def test_row_22_every_ending_arrives_as_it_is(us, them, ending, compress):
    content = b"UNB'\nUNZ'" + ending
    made = us.make(content, compress=compress)
    assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    assert them.taken() == [content]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="order 1.edi"', "order 1.edi"),
        ("attachment; filename*=UTF-8''Bestellung%20f%C3%BCr%20K%C3%A4se.edi", "Bestellung für Käse.edi"),
        ('attachment; filename="=?utf-8?B?QsO8cm8uZWRp?="', "Büro.edi"),
        ('attachment; filename="../../../etc/cron.d/x"', "x"),
        ('attachment; filename="C:\\\\Windows\\\\x.edi"', "x.edi"),
        ('attachment; filename=".."', ""),
    ],
)
def test_row_22_file_names_arrive_without_their_paths(us, them, header, name):
    agree(them, must_sign=False, must_encrypt=False)
    raw = f"Content-Type: application/edifact\r\nContent-Disposition: {header}\r\n\r\nUNB'".encode()
    assert said(us, post_by_hand(us, them, raw)) == "processed"
    [claim] = them.spool.claimed()
    assert claim.name == (name or "by@hand.edi")


def test_row_22_attachments_inside_a_signature_are_documents_of_their_own(us, them):
    agree(them, must_encrypt=False)
    parts = (
        b"Content-Type: multipart/related; boundary=p\r\n\r\n--p\r\nContent-Type: application/edifact\r\n\r\n" + ORDER
    )
    parts += b"\r\n--p\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=d.pdf\r\n"
    parts += b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--p--\r\n"
    assert said(us, post_by_hand(us, them, signed_by_hand(parts))) == "processed"
    assert sorted(them.taken()) == sorted([ORDER, b"%PDF"])
    assert said(us, post_by_hand(us, them, signed_by_hand(parts))) == "processed"
    assert len(them.taken()) == 2


def test_row_23_tls_of_today_with_private_authorities_client_certificates_and_server_names(tmp_path, loop):
    authority, other = _authority(), _authority()
    context = _server_context(tmp_path, authority, clients=True)
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    us = Company(tmp_path / "us", loop, US, "Us", THEM, "Them")
    them = Company(tmp_path / "them", loop, THEM, "Them", US, "Us", tls=context)
    us.agree(them)
    certificate, key = _issue(authority, "us")
    stranger, stranger_key = _issue(other, "us")
    for wrong in (
        None,
        Tls(authorities=_pem(other), certificate=certificate, private_key=key),
        Tls(authorities=_pem(authority)),
        Tls(authorities=_pem(authority), certificate=stranger, private_key=stranger_key),
    ):
        us.tls = wrong
        with pytest.raises(TransportError) as caught:
            us.send()
        assert not caught.value.permanent
    us.tls = Tls(authorities=_pem(authority), certificate=certificate, private_key=key)
    assert us.send().confirmed
    assert "localhost" in names
    us.terms = msgspec.structs.replace(us.terms, url=us.terms.url.replace("localhost", "127.0.0.1"))
    with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
        us.send(transmission_id="t2")
    assert len(them.taken()) == 1
    for one in (us, them):
        loop.run(one.front.close(), 20)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_row_23_tls_1_2_and_1_3_are_spoken_and_nothing_older(tmp_path, loop, version):
    from edi_server.transports.serving import server_context

    authority = _authority()
    certificate, key = _issue(authority, "localhost")
    (tmp_path / "own.pem").write_text(certificate)
    (tmp_path / "own.key").write_text(key)
    context = server_context(str(tmp_path / "own.pem"), str(tmp_path / "own.key"))
    them = Company(tmp_path / "them", loop, THEM, "Them", US, "Us", tls=context)
    client = ssl.create_default_context(cadata=_pem(authority))
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        with pytest.raises(ssl.SSLError):
            _handshake(them.port, client)
    else:
        assert _handshake(them.port, client) == version.name.replace("_", ".").replace("TLSv1", "TLSv1")
    loop.run(them.front.close(), 20)


def _handshake(port, context):
    import socket

    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.version()


def test_row_23_http_basic_authentication(pair):
    us, them = pair
    posts = []

    def guarded(request):
        posts.append(request.headers.get("authorization", ""))
        if posts[-1] != "Basic " + base64.b64encode(b"us:s3cret").decode():
            return Reply(status=401)
        return them.take(request)

    front = Front({"/as2": guarded})
    us.terms = msgspec.structs.replace(
        us.terms, url=f"http://127.0.0.1:{us.loop.run(front.listen('127.0.0.1', 0), 10)}/as2"
    )
    with pytest.raises(TransportError, match="401") as caught:
        us.send()
    assert caught.value.permanent
    line = us.line()
    us.line = lambda: msgspec.structs.replace(line, login=("us", "s3cret"))
    us.transport = us.open()
    assert us.transport.hand_over("t1", "partner", "o.edi").confirmed
    assert posts[0] == ""
    us.loop.run(front.close(), 20)


def test_row_23_asynchronous_receipts_log_in_and_show_our_certificate_too(tmp_path, loop):
    authority = _authority()
    us = Company(tmp_path / "us", loop, US, "Us", THEM, "Them", tls=_server_context(tmp_path, authority, clients=True))
    them = Company(tmp_path / "them", loop, THEM, "Them", US, "Us")
    us.agree(them, receipt="async")
    them.agree(us)
    take, logins = us.front._addresses["/as2"], []

    def guarded(request):
        logins.append(request.headers.get("authorization", ""))
        return take(request) if logins[-1] else Reply(status=401)

    us.front._addresses["/as2"] = guarded
    us.send()
    own, key = _issue(authority, "them")
    known = Tls(authorities=_pem(authority), certificate=own, private_key=key)
    line, now = them.line(), time.time()
    for number, (tls, login) in enumerate(
        ((Tls(authorities=_pem(authority)), None), (known, None), (known, ("them", "s3cret"))), 1
    ):
        them.line = lambda tls=tls, login=login: msgspec.structs.replace(line, tls=tls, login=login)
        them.letters._clock = lambda number=number: now + 3600 * number
        them.transport.send_receipts()
    assert logins == ["", "Basic " + base64.b64encode(b"them:s3cret").decode()], "the first had no certificate"
    assert them.letters.waiting() == 0
    [proof] = us.transport.proofs()
    assert proof.confirmed
    for one in (us, them):
        loop.run(one.front.close(), 20)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_row_24_every_good_status_is_accepted_where_the_receipt_comes_later(pair, status):
    us, them = pair
    posts = []

    def take(request):
        posts.append(request)
        them.take(request)
        return Reply(status=status)

    front = Front({"/as2": take})
    us.agree(them, receipt="async")
    us.terms = msgspec.structs.replace(
        us.terms, url=f"http://127.0.0.1:{us.loop.run(front.listen('127.0.0.1', 0), 10)}/as2"
    )
    handed = us.send()
    assert not handed.confirmed
    them.transport.send_receipts()
    [proof] = us.transport.proofs()
    assert proof.confirmed
    assert len(posts) == 1
    us.loop.run(front.close(), 20)


def early(us, them, receipt_for):
    """Send with a receipt that is to come later, and get one in the answer already."""

    def take(_request):
        made = receipt_for(us.sendings.find("t1"))
        return Reply(status=200, headers=made.headers, body=bytes(made.body))

    front = Front({"/as2": take})
    us.agree(them, receipt="async")
    port = us.loop.run(front.listen("127.0.0.1", 0), 10)
    us.terms = msgspec.structs.replace(us.terms, url=f"http://127.0.0.1:{port}/as2")
    try:
        return us.send()
    finally:
        us.loop.run(front.close(), 20)


@pytest.mark.parametrize("is_named", [True, False])
def test_row_24_a_refusal_in_the_answer_counts_although_its_receipt_was_to_come_later(pair, is_named):
    us, them = pair
    with pytest.raises(TransportError, match="decryption-failed") as caught:
        early(
            us,
            them,
            lambda sending: receipt_about(
                them,
                sending if is_named else msgspec.structs.replace(sending, message_id=""),
                disposition="processed/error: decryption-failed",
            ),
        )
    assert caught.value.permanent
    assert us.sendings.find("t1").state == "refused"
    assert b"decryption-failed" in us.sendings.receipt("t1")
    assert (us.notices[-1].cause, us.notices[-1].is_serious) == ("as2-receipt", True)


def test_row_24_a_confirmation_in_the_answer_counts_although_its_receipt_was_to_come_later(pair):
    us, them = pair
    handed = early(us, them, lambda sending: receipt_about(them, sending))
    assert handed.confirmed
    assert b"disposition-notification" in handed.proof


@pytest.mark.parametrize("doubted", ["unsigned", "another's", "of another message"])
def test_row_24_what_cannot_be_believed_in_the_answer_is_kept_told_and_the_receipt_is_waited_for(pair, doubted):
    us, them = pair
    disposition = "processed/error: decryption-failed"

    def receipt(sending):
        if doubted == "another's":
            them.keys = Keys((STRANGER,), ())
        if doubted == "of another message":
            sending = msgspec.structs.replace(sending, message_id="<other@us>")
        return receipt_about(
            them, sending, disposition=disposition, **({"signed": None} if doubted == "unsigned" else {})
        )

    assert not early(us, them, receipt).confirmed
    assert us.sendings.find("t1").state == "waiting"
    [kept] = (us.sendings._folder / "t1").glob("receipt*")
    assert b"disposition-notification" in kept.read_bytes()
    assert us.notices[-1].is_serious


def test_row_24_our_own_answers_are_200_for_receipts_at_once_and_202_for_later_ones(us, them):
    for receipt, status in (("sync", 200), ("none", 200), ("async", 202)):
        made = us.make(receipt=receipt)
        assert them.station.receive(made.headers, made.body).status == status
    receipt = receipt_about(them, us.make())
    assert us.station.receive(receipt.headers, receipt.body).status == 200


class Killed(BaseException):
    """The process ended here."""


def steps(monkeypatch, number):
    """Let everything that makes the disk change die at its n-th time; how many times there were."""
    import os

    counted = threading.local()
    counted.value = 0

    def armed(original):
        def call(*arguments, **options):
            counted.value = getattr(counted, "value", 0) + 1
            if counted.value == number:
                raise Killed
            return original(*arguments, **options)

        return call

    for name in ("fsync", "rename", "replace", "link", "unlink", "mkdir"):
        monkeypatch.setattr(os, name, armed(getattr(os, name)))
    return counted


@pytest.mark.parametrize("receipt", ["sync", "async"])
def test_row_25_killed_at_any_step_of_receiving_nothing_is_lost_or_doubled(tmp_path, monkeypatch, receipt):
    us = End(tmp_path / "us", US, "Us", THEM, "Them", THEIR_URL)
    made = us.make(receipt=receipt)
    for number in range(1, 40):
        folder = tmp_path / f"killed at {number}"
        them = End(folder, THEM, "Them", US, "Us", OUR_URL)
        with monkeypatch.context() as patch:
            counted = steps(patch, number)
            try:
                them.station.receive(made.headers, made.body)
                survived = True
            except Killed:
                survived = False
        if survived:
            assert counted.value < number
            break
        after = End(folder, THEM, "Them", US, "Us", OUR_URL)
        reply = after.station.receive(made.headers, made.body)
        if receipt == "sync":
            assert outcome(us, made, reply) == ("processed", "confirmed")
        else:
            assert [letter.about for letter in after.letters.due()] == [made.message_id]
        assert after.taken() == [ORDER]
    else:
        pytest.fail("it never came through")


@pytest.mark.parametrize("receipt", ["sync", "async"])
def test_row_25_killed_at_any_step_of_sending_it_arrives_once(tmp_path, loop, monkeypatch, receipt):
    for number in range(1, 80):
        folder = tmp_path / f"killed at {number}"
        us = Company(folder / "us", loop, US, "Us", THEM, "Them")
        them = Company(folder / "them", loop, THEM, "Them", US, "Us")
        us.agree(them, receipt=receipt)
        them.agree(us)
        with monkeypatch.context() as patch:
            counted = steps(patch, number)
            counted_here = counted
            try:
                us.send()
                us.taken()
                survived = True
            except Killed:
                survived = False
        us.transport = us.open()
        if us.sendings.find("t1") is None and not (folder / "us" / "sent" / "t1" / "content").exists():
            us.transport.stage("t1", "partner", ORDER)
        handed = us.transport.hand_over("t1", "partner", "o.edi")
        assert [content for _, content in them.taken()] == [ORDER]
        if receipt == "async":
            them.transport.send_receipts()
            assert handed.confirmed or [one.confirmed for one in us.transport.proofs()] == [True]
        else:
            assert handed.confirmed
        for one in (us, them):
            loop.run(one.front.close(), 20)
        if survived:
            assert counted_here.value < number
            break
    else:
        pytest.fail("it never came through")


def test_row_25_killed_at_any_step_of_taking_a_receipt_it_is_told_once(tmp_path, monkeypatch):
    for number in range(1, 40):
        folder = tmp_path / f"killed at {number}"
        us = End(folder / "us", US, "Us", THEM, "Them", THEIR_URL)
        them = End(folder / "them", THEM, "Them", US, "Us", OUR_URL)
        made, sending = us.send(receipt="async")
        us.sendings.mark_waiting(sending)
        receipt = receipt_about(them, made)
        with monkeypatch.context() as patch:
            counted = steps(patch, number)
            try:
                us.station.receive(receipt.headers, receipt.body)
                survived = True
            except Killed:
                survived = False
        after = End(folder / "us", US, "Us", THEM, "Them", THEIR_URL)
        after.station.receive(receipt.headers, receipt.body)
        assert after.sendings.find("t1").state == "confirmed"
        [ended] = after.sendings.untold()
        after.sendings.tell(ended)
        assert End(folder / "us", US, "Us", THEM, "Them", THEIR_URL).sendings.untold() == []
        if survived:
            assert counted.value < number
            break
    else:
        pytest.fail("it never came through")


def test_every_row_has_a_test(request):
    names = {item.name for item in request.session.items} | set(globals())
    missing = [row for row in range(1, 26) if not any(f"test_row_{row:02}_" in name for name in names)]
    assert missing == []
