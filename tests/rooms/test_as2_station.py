"""The AS2 station, row by row of what the standards and partners ask of it; two stations talk, no network between."""

import datetime as dt
import time

import msgspec
import pytest
from rooms.test_as2_core import NOW, ORDER, STRANGER, THEM, US, certify

from edi_server.transports.as2.addresses import may_be_called
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.mdn import judge_receipt, read_receipt, write_receipt
from edi_server.transports.as2.message import Payload, make_message
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.station import Relation, Station
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.spool import Spool

OUR_URL, THEIR_URL = "https://us.example/as2", "https://them.example/as2"


class End:
    """One company with its station."""

    def __init__(self, folder, own, name, partner, partner_name, partner_url, **changes):
        self.terms = Terms(own_name=name, partner_name=partner_name, url=partner_url, **changes)
        self.keys = Keys((own,), (PartnerCertificate(partner.certificate),))
        self.relations = [Relation(mailbox="partner", terms=self.terms, keys=self.keys)]
        self.now = NOW
        self.notices = []
        self.spool, self.letters = (
            Spool(folder / "spool"),
            Letters(folder / "letters", clock=lambda: self.now.timestamp()),  # noqa: PLW0108 — the time moves
        )
        self.sendings = Sendings(folder / "sendings")
        self.spool.prepare()
        self.station = self.open()

    def note(self, told):
        self.notices.append((told.sentence, told.mailbox, told.is_serious))

    def open(self):
        return Station(
            spool=self.spool,
            letters=self.letters,
            sendings=self.sendings,
            relations=lambda: self.relations,
            clock=lambda: self.now,
            largest=1_000_000,
            notice=self.note,
        )

    def make(self, content=ORDER, **changes):
        agreed = msgspec.structs.replace(self.terms, **changes)
        return make_message(
            Payload(content=content, file_name="o.edi"), agreed, self.keys, now=self.now, receipt_url=OUR_URL
        )

    def send(self, content=ORDER, transmission_id="t1", **changes):
        made = self.make(content, **changes)
        self.sendings.stage(transmission_id, content)
        must = changes.get("receipt_signed", self.terms.receipt_signed)
        return made, self.sendings.keep(transmission_id, "partner", made, must_be_signed=must)

    def taken(self):
        return [claim.path.read_bytes() for claim in self.spool.claimed()]


@pytest.fixture
def us(tmp_path):
    return End(tmp_path / "us", US, "Us", THEM, "Them", THEIR_URL)


@pytest.fixture
def them(tmp_path):
    return End(tmp_path / "them", THEM, "Them", US, "Us", OUR_URL)


def outcome(us, made, reply, *, must_be_signed=True):
    receipt = read_receipt(reply.headers, reply.body, us.keys, now=NOW)
    assert receipt.about == made.message_id
    return receipt.disposition, judge_receipt(receipt, made.mics, must_be_signed=must_be_signed).outcome


@pytest.mark.parametrize("receipt_signed", [False, True])
@pytest.mark.parametrize(
    "security",
    [{"sign": None, "encrypt": None}, {"encrypt": None}, {"sign": None}, {}],
    ids=["plain", "signed", "encrypted", "both"],
)
def test_row_01_plain_signed_encrypted_both_with_a_synchronous_receipt(us, them, security, receipt_signed):
    them.relations = [
        msgspec.structs.replace(
            them.relations[0], terms=msgspec.structs.replace(them.terms, must_sign=False, must_encrypt=False)
        )
    ]
    made = us.make(receipt_signed=receipt_signed, **security)
    reply = them.station.receive(made.headers, made.body)
    assert reply.status == 200
    assert outcome(us, made, reply, must_be_signed=receipt_signed) == ("processed", "confirmed")
    assert them.taken() == [ORDER]


def test_row_01_no_receipt_is_sent_where_none_is_asked_for(us, them):
    made = us.make(receipt="none")
    reply = them.station.receive(made.headers, made.body)
    assert (reply.status, reply.body) == (200, b"")
    assert them.taken() == [ORDER]


def test_row_01_an_asynchronous_receipt_goes_to_the_agreed_address_and_settles_what_was_sent(us, them):
    made, sending = us.send(receipt="async")
    reply = them.station.receive(made.headers, made.body)
    assert reply.status == 202
    us.sendings.mark_waiting(sending)
    (letter,) = them.letters.due()
    assert letter.url == OUR_URL
    assert us.station.receive(letter.headers, letter.body).status == 200
    them.letters.settle(letter)
    assert them.letters.due() == []
    (ended,) = us.sendings.untold()
    assert (ended.transmission_id, ended.state) == ("t1", "confirmed")
    us.sendings.tell(ended)
    assert us.sendings.untold() == []
    assert made.message_id.encode() in us.sendings.receipt("t1") or b"multipart" in us.sendings.receipt("t1")


def test_row_03_a_digest_that_must_be_used_and_is_unknown_fails_in_its_own_words(us, them):
    made = us.make()
    headers = {
        **made.headers,
        "Disposition-Notification-Options": "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5",
    }
    reply = them.station.receive(headers, made.body)
    assert outcome(us, made, reply) == ("failed/failure: unsupported MIC-algorithms", "refused")
    assert them.taken() == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("key", "decryption-failed"),
        ("signer", "authentication-failed"),
        ("unsigned", "insufficient-message-security"),
        ("unencrypted", "insufficient-message-security"),
        ("expired", "authentication-failed"),
        ("garbage", "unexpected-processing-error"),
    ],
)
def test_failures_of_rows_5_to_10_each_failure_is_answered_with_its_own_disposition(us, them, broken, reason):
    if broken == "key":
        them.keys = Keys((STRANGER,), them.keys.partner)
    if broken == "signer":
        them.keys = Keys(them.keys.own, (PartnerCertificate(STRANGER.certificate),))
    if broken == "expired":
        old = certify("us", begins=-20, days=-1, key=US.key)
        them.keys = Keys(them.keys.own, (PartnerCertificate(old.certificate),))
    them.relations = [Relation(mailbox="partner", terms=them.terms, keys=them.keys)]
    changes = {"unsigned": {"sign": None}, "unencrypted": {"encrypt": None}}.get(broken, {})
    # By CBC, all that is wrong inside is "decryption-failed": test_as2_attacks.
    made = us.make(**{"receipt_signed": False, "encrypt": "aes256-gcm", **changes})
    body = b"\x00garbage" * 50 if broken == "garbage" else made.body
    reply = them.station.receive(made.headers, body)
    receipt = read_receipt(reply.headers, reply.body, us.keys, now=NOW)
    assert receipt.disposition == f"processed/error: {reason}"
    assert not receipt.is_positive
    assert them.taken() == []
    assert them.notices[-1][2]


def test_row_09_strangers_are_told_so_and_missing_names_are_a_bad_request(us, them):
    made = us.make()
    reply = them.station.receive({**made.headers, "AS2-From": "Nobody"}, made.body)
    assert reply.status == 200
    assert b"unknown-trading-partner" in reply.body
    assert them.station.receive({**made.headers, "AS2-From": "us"}, made.body).body.count(b"unknown-trading-partner")
    assert them.station.receive({"Content-Type": "text/plain"}, b"x").status == 400
    assert them.taken() == []


def test_row_11_a_repeated_message_is_given_the_original_receipt_also_after_a_restart(us, them):
    made = us.make()
    first = them.station.receive(made.headers, made.body)
    for claim in them.spool.claimed():
        them.spool.release(claim)
    them.now += dt.timedelta(hours=5)
    again = them.open().receive(made.headers, made.body)
    assert again == first
    assert them.taken() == []


def test_row_13_what_cannot_be_stored_is_not_receipted(us, them, monkeypatch):
    from edi_server.errors import TransportError

    def full(*_arguments, **_options):
        raise TransportError("the disk is full")

    monkeypatch.setattr(them.spool, "take", full)
    made = us.make()
    with pytest.raises(TransportError):
        them.station.receive(made.headers, made.body)


def test_row_15_late_double_and_contradicting_receipts_are_kept_and_the_first_one_counts(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    them.station.receive(made.headers, made.body)
    (letter,) = them.letters.due()
    us.station.receive(letter.headers, letter.body)
    us.station.receive(letter.headers, letter.body)
    assert us.notices[-1] == (f"A receipt for {made.message_id} came once more, saying the same.", "partner", False)
    refusal = write_receipt(
        about=made.message_id,
        disposition="processed/error: decryption-failed",
        text="",
        terms=them.terms,
        keys=them.keys,
        now=NOW,
        signed="sha256",
    )
    us.station.receive(refusal.headers, refusal.body)
    assert (
        "saying something else: The partner refused the message: processed/error: decryption-failed"
        in us.notices[-1][0]
    )
    assert us.notices[-1][2]
    assert us.sendings.find("t1").state == "confirmed"


def test_row_16_nobody_is_called_back_at_an_address_that_was_not_agreed(us, them):
    made = us.make(receipt="async")
    for url in (
        "http://169.254.169.254/latest",
        "https://us.example:8443@evil.example/",
        "file:///etc/passwd",
        "http://us.example/as2",
        "https://localhost/",
    ):
        headers = {**made.headers, "Receipt-Delivery-Option": url, "Message-ID": f"<{url}>"}
        assert them.station.receive(headers, made.body).status == 200
        assert them.letters.due() == []
        assert "not agreed" in them.notices[-1][0]


@pytest.mark.parametrize(
    ("agreed", "url", "is_allowed"),
    [
        ("https://them.example:8443/mdn", "https://them.example:8443/mdn", True),
        ("https://them.example:8443/mdn", "https://them.example:8443/mdn/1?x=2%2F3", True),
        ("https://them.example:8443/mdn", "https://THEM.example:8443/mdn/", True),
        ("https://them.example:8443/mdn", "https://them.example/mdn", False),
        ("https://them.example:8443/mdn", "https://them.example:8443/mdnx", False),
        ("https://them.example:8443/mdn", "https://them.example:8443/mdn/../x", False),
        ("https://them.example:8443/mdn", "http://them.example:8443/mdn", False),
        ("http://them.example/as2", "http://them.example:80/as2", True),
        ("http://them.example:80/as2", "http://them.example/as2", True),
        ("https://them.example/as2", "https://them.example:443/as2", True),
        ("http://them.example/as2", "http://them.example/as2/%2e%2e/admin", False),
        ("http://them.example/as2", "http://them.example/as2/%2E./admin", False),
        ("http://them.example/as2", "http://them.example/as2%2f..%2fadmin", False),
        ("http://them.example/as2", "http://them.example/as2/..\\admin", False),
        ("http://them.example/as2", "http://them.example/as2/%252e%252e/admin", False),
        ("http://them.example/as2", "http://them.example:99999/as2", False),
        ("http://them.example/as2", "http://[bad/as2", False),
        ("http://them.example/as2", "http://us:pass@them.example/as2", False),
        ("http://them.example/as2", "http://them.example\udcff/as2", False),
        ("http://them.example/as2", "", False),
    ],
)
def test_row_16_addresses_are_agreed_by_scheme_host_port_and_path_as_they_are_called(agreed, url, is_allowed):
    terms = Terms(own_name="a", partner_name="b", receipt_urls=("https://elsewhere.example/", agreed))
    assert may_be_called(url, terms) is is_allowed


def test_row_16_without_agreed_addresses_only_scheme_host_and_port_of_their_station_are_called():
    terms = Terms(own_name="a", partner_name="b", url="https://them.example:8443/as2")
    assert may_be_called("https://them.example:8443/mdn", terms)
    for url in ("https://them.example/mdn", "https://them.example:22/", "http://them.example:8443/mdn"):
        assert not may_be_called(url, terms)
    assert not may_be_called("https://them.example/", Terms(own_name="a", partner_name="b"))


def test_row_17_receipts_that_prove_nothing_do_not_settle_anything(us, them):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    forged = write_receipt(
        about=made.message_id,
        disposition="processed",
        text="",
        terms=them.terms,
        keys=Keys((STRANGER,), ()),
        now=NOW,
        mic=("sha256", made.mics["sha256"]),
        signed="sha256",
    )
    assert us.station.receive(forged.headers, forged.body).status == 400
    unsigned = write_receipt(
        about=made.message_id,
        disposition="processed",
        text="",
        terms=them.terms,
        keys=them.keys,
        now=NOW,
        mic=("sha256", made.mics["sha256"]),
    )
    us.station.receive(unsigned.headers, unsigned.body)
    assert us.sendings.find("t1").state == "waiting"
    unknown = write_receipt(
        about="<never@sent>",
        disposition="processed",
        text="",
        terms=them.terms,
        keys=them.keys,
        now=NOW,
        signed="sha256",
    )
    us.station.receive(unknown.headers, unknown.body)
    assert "never sent" in us.notices[-1][0]
    stranger = {**unknown.headers, "AS2-From": "Nobody"}
    assert us.station.receive(stranger, unknown.body).status == 403


def test_row_18_old_and_new_certificates_are_taken_side_by_side(us, them):
    new = certify("us", key=None)
    them.relations = [
        msgspec.structs.replace(
            them.relations[0],
            keys=Keys(them.keys.own, (PartnerCertificate(US.certificate), PartnerCertificate(new.certificate))),
        )
    ]
    for own in (US, new):
        us.keys = Keys((own,), us.keys.partner)
        made = us.make()
        assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    fresh = certify("them")
    them.relations = [
        msgspec.structs.replace(them.relations[0], keys=Keys((THEM, fresh), them.relations[0].keys.partner))
    ]
    us.keys = Keys((US,), (PartnerCertificate(fresh.certificate),))
    made = us.make()
    assert b"decryption-failed" not in them.station.receive(made.headers, made.body).body


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: {name.lower(): value for name, value in headers.items()},
        lambda headers: {name.upper(): value for name, value in headers.items()},
        lambda headers: {**headers, "AS2-From": '"Us"', "AS2-To": '"Them"'},
        lambda headers: {
            **headers,
            "Disposition-Notification-Options": "signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg=optional,SHA256",
        },
        lambda headers: {**headers, "Content-Type": headers["Content-Type"].replace("pkcs7-mime", "x-pkcs7-mime")},
        lambda headers: {**headers, "Content-Type": "application/pkcs7-mime"},
        lambda headers: {**headers, "Recipient-Address": "https://them.example"},
    ],
    ids=["lower", "upper", "quoted", "no blanks", "x-pkcs7", "no smime-type", "recipient-address"],
)
def test_row_20_headers_are_understood_however_partners_write_them(us, them, change):
    made = us.make()
    reply = them.station.receive(change(made.headers), made.body)
    assert outcome(us, made, reply) == ("processed", "confirmed")


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"UNB'\r\nUNZ'\r\n", b"UNB'\nUNZ'", bytes(range(256)) * 100],
    ids=["none", "one", "crlf", "lf", "binary"],
)
@pytest.mark.parametrize("security", [{}, {"sign": None, "encrypt": None}], ids=["secured", "plain"])
def test_contents_of_rows_21_and_22_any_content_arrives_byte_for_byte(us, them, content, security):
    them.relations = [
        msgspec.structs.replace(
            them.relations[0], terms=msgspec.structs.replace(them.terms, must_sign=False, must_encrypt=False)
        )
    ]
    made = us.make(content, **security)
    assert outcome(us, made, them.station.receive(made.headers, made.body)) == ("processed", "confirmed")
    assert them.taken() == [content]


def test_row_16_a_receipt_that_cannot_be_delivered_is_tried_for_two_days(us, them):
    made = us.make(receipt="async")
    them.station.receive(made.headers, made.body)
    waits = []
    while letters := them.letters.due():
        if not them.letters.put_off(letters[0]):
            break
        before = them.now
        while not them.letters.due():
            them.now += dt.timedelta(seconds=30)
        waits.append((them.now - before).total_seconds())
    assert waits[:5] == [30, 120, 600, 1800, 3600]
    assert 48 <= len(waits) < 54
    assert them.letters.waiting() == 0


@pytest.mark.parametrize("ends", ["settle", "put_off"])
def test_row_16_a_receipt_under_way_does_not_take_the_place_of_a_newer_one_for_the_same_message(us, them, ends):
    made, right = us.make(receipt="async"), them.relations
    them.relations = [msgspec.structs.replace(right[0], keys=Keys((THEM,), ()))]
    them.station.receive(made.headers, made.body)
    [refusal] = them.letters.due()
    them.relations = right
    # What had to be mended is mended, and they send it again.
    them.now += dt.timedelta(seconds=1)
    them.station.receive(made.headers, made.body)
    getattr(them.letters, ends)(refusal)
    [letter] = them.letters.due()
    receipt = read_receipt(letter.headers, letter.body, us.keys, now=NOW)
    assert (receipt.about, receipt.disposition) == (made.message_id, "processed")
    them.letters.settle(letter)
    assert them.letters.waiting() == 0


def receipt_of(them, made, disposition="processed", signed="sha256"):
    mic = ("sha256", made.mics["sha256"])
    said = {"about": made.message_id, "disposition": disposition, "text": "", "mic": mic, "signed": signed}
    return write_receipt(**said, terms=them.terms, keys=them.keys, now=NOW)


def settled_by(us, sending, receipt):
    read = read_receipt(receipt.headers, receipt.body, us.keys, now=NOW)
    return us.sendings.settle(sending, read, receipt.headers, bytes(receipt.body))


def test_who_was_told_of_an_earlier_message_was_not_told_of_the_one_that_was_sent_since(us, them):
    made, sending = us.send()
    settled_by(us, sending, receipt_of(them, made, "processed/error: authentication-failed"))
    [refused] = us.sendings.untold()
    again, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    us.sendings.tell(refused)
    receipt = receipt_of(them, again)
    us.station.receive(receipt.headers, receipt.body)
    [confirmed] = us.sendings.untold()
    assert (confirmed.message_id, confirmed.state) == (again.message_id, "confirmed")
    us.sendings.tell(refused)
    assert us.sendings.untold() == [confirmed]


def test_who_was_told_that_nothing_is_proven_is_told_when_the_proof_comes_after_all(us, them):
    made, sending = us.send()
    us.sendings.tell(settled_by(us, sending, receipt_of(them, made, signed=None)))
    assert us.sendings.untold() == []
    receipt = receipt_of(them, made)
    us.station.receive(receipt.headers, receipt.body)
    assert [one.state for one in us.sendings.untold()] == ["confirmed"]


def test_what_was_sent_is_kept_until_somebody_was_told_how_it_ended_and_may_be_sent_anew(us, them):
    made, sending = us.send()
    folder = us.sendings._folder / "t1"
    ended = settled_by(us, sending, receipt_of(them, made))
    assert {one.name for one in folder.iterdir()} == {"body", "content", "message.json", "receipt"}
    us.sendings.tell(ended)
    assert {one.name for one in folder.iterdir()} == {"message.json", "receipt"}
    again, _ = us.send()
    assert us.sendings.body("t1") == bytes(again.body)


def test_all_that_is_known_of_a_message_is_forgotten_with_it(us, them):
    for _ in range(3):
        made, sending = us.send()
        us.sendings.tell(settled_by(us, sending, receipt_of(them, made)))
    by_id = us.sendings._folder / "by-id"
    assert len(list(by_id.iterdir())) == 3
    assert us.sendings.forget(time.time() + 60) == 1
    assert list(by_id.iterdir()) == []
    assert not (us.sendings._folder / "t1").exists()


def test_a_receipt_is_not_missed_once_the_document_arrived_otherwise_and_counts_if_it_comes(us, them):
    made, sending = us.send(receipt="async")
    waiting = us.sendings.mark_waiting(sending)
    assert us.sendings.waiting() == [waiting]
    us.sendings.stop_waiting(waiting)
    assert us.sendings.waiting() == []
    receipt = receipt_of(them, made)
    us.station.receive(receipt.headers, receipt.body)
    assert [one.state for one in us.sendings.untold()] == ["confirmed"]


def test_a_receipt_that_is_not_waited_for_any_more_does_not_keep_its_message_for_ever(us):
    _, sending = us.send(receipt="async")
    waiting = us.sendings.mark_waiting(sending)
    assert us.sendings.forget(time.time() + 60) == 0
    us.sendings.stop_waiting(waiting)
    assert us.sendings.forget(time.time() + 60) == 1
    assert us.sendings.find("t1") is None
