"""Orders that come by SFTP, AS2 and HTTP become orders; what is answered leaves the same way, and its proof is kept."""

import json
import urllib.error
import urllib.request
from contextlib import contextmanager

import paramiko
import pytest
from network_places import As2Partner, Hook, SftpKey, free_port, write_own_key
from rooms.test_as2_core import STRANGER, THEM, US, certify

from edi_server.desk.actions import Desk
from edi_server.desk.actors import Actor
from edi_server.samples import SAMPLES
from edi_server.transports.drop import hash_token
from edi_server.transports.http_front import Reply
from edi_server.transports.loop import Loop

ME = Actor(name="me")
SAMPLE = {sample.name: sample.content for sample in SAMPLES}
ORDER = SAMPLE["order-4500012345.edi"]
SWEDISH = SAMPLE["bk-2026-0815.edi"]
AS2 = """
[as2]
own_name = "LINDHOF"
partner_name = "BOREALIS"
url = "{url}"
{more}
certificates = [{{ file = "certificates/borealis.pem" }}]
"""


@pytest.fixture(scope="module")
def loop():
    with Loop("partners") as running:
        yield running


class Places:
    """A plant with listeners, and partners at the other end."""

    def __init__(self, plant, key, borealis):
        self.plant, self.key, self.borealis = plant, key, borealis
        self.network = plant.daemon.network

    @contextmanager
    def sftp(self):
        with self.key.log_in(self.network.sftp.ports[0], "nordmarkt") as client:
            yield client

    def transmissions(self, **wanted):
        with self.plant.store.read() as work:
            found = work.transmissions.newest(**wanted)
        return list(reversed(found))

    def cases(self):
        with self.plant.store.read() as work:
            return work.cases.newest()

    def proof(self, transmission):
        return self.plant.store.archive.open(transmission.proof_hash).read()

    def status(self, name):
        """Of the last upload of that name, "" if there is none yet."""
        with self.sftp() as client:
            found = sorted(one for one in client.listdir("/status") if one.startswith(f"{name}."))
            if not found:
                return ""
            with client.open(f"/status/{found[-1]}") as file:
                return file.read().decode()


@pytest.fixture
def start(running_plant, tmp_path, loop):
    """Starts a plant: `as2` is more of Borealis' table, `toml` more configuration, `partners` more of partner files."""
    stack = []

    @contextmanager
    def starting(*, as2="", toml="", partners=None, own=US):
        port = free_port()
        borealis = As2Partner(tmp_path / "borealis", loop, own=THEM, other=own, our_url=f"http://127.0.0.1:{port}/as2")
        stack.append(borealis)
        key = SftpKey(tmp_path)

        def prepare(folder):
            write_own_key(folder / "keys", own)
            write_own_key(folder / "partners" / "certificates", THEM, "borealis")
            with (folder / "partners" / "borealis.toml").open("a") as file:
                file.write(AS2.format(url=borealis.url, more=as2))
            with (folder / "partners" / "nordmarkt.toml").open("a") as file:
                file.write(f'\n[sftp_account]\nkeys = [{{ key = "{key.public}" }}]\n')
            confirmed = folder / "partners" / "borealis.toml"
            text = confirmed.read_text().replace('state = "live"', 'state = "live"\npolicies = { confirm = true }', 1)
            confirmed.write_text(text)
            for name, more in (partners or {}).items():
                file = folder / "partners" / f"{name}.toml"
                file.write_text(more(file.read_text()))

        configuration = (
            '[transports.sftp]\nlisten = "127.0.0.1:0"\nquiet_seconds = 0.2\n'
            f'[transports.as2]\nlisten = "127.0.0.1:{port}"\nurl = "http://127.0.0.1:{port}/as2"\n'
            'keys = [{ certificate = "keys/own.pem", private_key = "keys/own.key" }]\n'
        )
        folder = tmp_path / "a plant"
        url = f"sqlite:///{folder}/var/edi.sqlite"
        (folder / "var").mkdir(parents=True)
        (folder / "var").rmdir()
        folder.rmdir()
        with running_plant(folder, url, toml=configuration + toml, prepare=prepare) as plant:
            yield Places(plant, key, borealis)

    yield starting
    for one in stack:
        one.close()


def test_an_order_uploaded_by_sftp_becomes_an_order_and_its_contrl_is_proven_once_it_was_collected(start):
    with start() as places, places.sftp() as client:
        with client.open("/in/order.edi", "w") as file:
            file.write(ORDER)
        places.plant.until(lambda: "CONTRL_1.edi" in client.listdir("/out"))
        places.plant.until(lambda: "accepted as S0" in places.status("order.edi"))
        [order] = places.plant.sandbox.orders()
        status = places.status("order.edi")
        assert f"Order 4500012345: accepted as {order.name}." in status
        [came], [left] = places.transmissions(direction="inbound"), places.transmissions(direction="outbound")
        assert (came.transport, came.detail["account"]) == ("sftp_account", "nordmarkt")
        assert (left.transport, left.delivery, left.proof_hash) == ("sftp_account", "sent", None)
        with client.open("/out/CONTRL_1.edi") as file:
            contrl = file.read()
        assert b"UCI+" in contrl
        places.plant.until(lambda: places.transmissions(direction="outbound")[0].delivery == "delivered")
        proof = json.loads(places.proof(places.transmissions(direction="outbound")[0]))
        assert (proof["account"], proof["name"]) == ("nordmarkt", "CONTRL_1.edi")


def test_what_is_wrong_with_an_upload_is_said_in_its_status_file(start):
    with start() as places, places.sftp() as client:
        for name in ("orders-2026-11-23.edi", "price-list.csv"):
            with client.open(f"/in/{name}", "w") as file:
                file.write(SAMPLE[name])
        places.plant.until(lambda: places.status("orders-2026-11-23.edi").count("accepted as S0") == 3)
        places.plant.until(lambda: "could not be read" in places.status("price-list.csv"))
        status = places.status("orders-2026-11-23.edi")
        assert "rejected because of what follows" in status
        assert "segment" in status


def test_an_order_by_as2_is_receipted_and_its_contrl_and_despatch_advice_go_out_by_as2_with_receipts_as_proof(start):
    asking = {"borealis": lambda text: text.replace("[writing]", '[acknowledgments]\ncontrl = "always"\n\n[writing]')}
    with start(partners=asking) as places:
        handed = places.borealis.send(SWEDISH, name="bk.edi")
        assert handed.confirmed
        assert b"disposition-notification" in handed.proof
        places.plant.until(places.borealis.taken)
        places.plant.settle()
        [order] = places.plant.sandbox.orders()
        [came] = places.transmissions(direction="inbound")
        assert (came.transport, came.name) == ("as2", "bk.edi")
        assert came.detail["message_id"] == places.borealis.sendings.find("p1").message_id
        [contrl] = places.borealis.taken().values()
        assert b"UCI|" in contrl
        places.plant.sandbox.validate_delivery(order.name)
        places.plant.daemon.work.advise("borealis/despatch-out", run="now")
        places.plant.until(lambda: len(places.borealis.taken()) == 2)
        places.plant.settle()
        for left in places.transmissions(direction="outbound"):
            assert (left.transport, left.delivery) == ("as2", "delivered")
            assert b"Original-Message-ID: " + left.detail["message_id"].encode() in places.proof(left)
        with places.plant.store.read() as work:
            [advice] = work.documents.newest(direction="outbound")
        assert (advice.type, advice.delivery) == ("DespatchAdvice", "delivered")


def shipped(places):
    """A despatch advice on its way to Borealis."""
    places.borealis.send(SWEDISH, name="bk.edi")
    places.plant.until(places.plant.sandbox.orders)
    places.plant.settle()
    places.plant.sandbox.validate_delivery(places.plant.sandbox.orders()[0].name)
    places.plant.daemon.work.advise("borealis/despatch-out", run="now")


def left(places, what="DESADV"):
    found = [one for one in places.transmissions(direction="outbound") if one.name.startswith(what)]
    return found[-1] if found else None


def test_what_is_receipted_later_stays_sent_until_the_receipt_comes(start):
    with start(as2='receipt = "async"') as places:
        shipped(places)
        places.plant.until(lambda: left(places) and left(places).delivery == "sent")
        assert left(places).proof_hash is None
        places.borealis.transport.send_receipts()
        places.plant.until(lambda: left(places).delivery == "delivered")
        assert b"disposition-notification" in places.proof(left(places))


def test_a_receipt_that_refuses_is_a_failure_with_a_case_whether_it_comes_at_once_or_later(start):
    with start(as2='receipt = "async"') as places:
        places.borealis.agree(must_sign=True, sign="sha256")
        places.borealis.keys = type(places.borealis.keys)((THEM,), places.borealis.keys.partner)
        shipped(places)
        places.plant.until(lambda: left(places) and left(places).delivery == "sent")
        message = places.borealis.letters.due()[-1]
        places.borealis.letters.settle(message)
        refusal = places.borealis.station._answer(
            places.borealis._line().relation,
            places.borealis.requests[-1].headers,
            disposition="processed/error: decryption-failed",
            text="No.",
            mics={},
            used="sha256",
        )
        places.borealis.letters.queue(
            type(message)(
                mailbox="us",
                url=message.url,
                headers=refusal.receipt.headers,
                body=refusal.receipt.body,
                about=message.about,
            )
        )
        places.borealis.transport.send_receipts()
        places.plant.until(lambda: left(places).delivery == "failed")
        [case] = [one for one in places.cases() if one.reason == "delivery-not-accepted"]
        assert "decryption-failed" in case.sentence
        assert case.partner == "borealis"


def test_a_partner_who_is_away_is_tried_again_with_the_same_message_and_each_failure_stands_in_the_timeline(start):
    with start() as places:
        places.borealis.instead = [Reply(status=503)]
        places.borealis.send(SWEDISH, name="bk.edi")
        places.plant.until(lambda: left(places, "CONTRL") and left(places, "CONTRL").delivery == "delivered")
        posts = places.borealis.requests
        assert len(posts) == 2
        assert posts[0].body == posts[1].body
        assert posts[0].headers["message-id"] == posts[1].headers["message-id"]
        with places.plant.store.read() as work:
            happened = [event.what for event in work.timeline.of(left(places, "CONTRL").subject)]
        assert "not handed over" in happened


def test_what_is_resent_by_as2_has_the_same_bytes_in_a_new_message(start):
    with start() as places:
        shipped(places)
        places.plant.until(lambda: left(places) and left(places).delivery == "delivered")
        before = left(places)
        with Desk.open(places.plant.corridor.configuration) as desk:
            desk.resend(before.id, actor=ME)
        places.plant.until(lambda: left(places).delivery == "delivered" and left(places).attempts == 2)
        claims = [claim for claim in places.borealis.spool.claimed() if claim.name.startswith("DESADV")]
        first, second = (claim.path.read_bytes() for claim in claims)
        assert first == second
        assert left(places).id == before.id
        assert left(places).detail["message_id"] != before.detail["message_id"]


def test_what_strangers_and_forgers_send_is_one_case_for_each_cause(start, tmp_path, loop):
    with start() as places:
        stranger = As2Partner(
            tmp_path / "stranger", loop, own=STRANGER, other=US, name="NOBODY", our_url=places.borealis.terms.url
        )
        forger = As2Partner(tmp_path / "forger", loop, own=STRANGER, other=US, our_url=places.borealis.terms.url)
        # By CBC, the forger would be told less than this.
        forger.agree(encrypt="aes256-gcm")
        for number in range(3):
            for one in (stranger, forger):
                with pytest.raises(Exception, match=r"(?i)receipt|refused"):
                    one.send(SWEDISH, transmission_id=f"t{number}")
        stranger.close()
        forger.close()
        assert places.transmissions() == []
        found = {(case.subject_kind, case.subject_id, case.reason) for case in places.cases()}
        assert found == {
            ("partner", ":unknown", "as2-unknown-partner"),
            ("partner", "borealis", "as2-authentication-failed"),
        }


def test_certificates_that_end_soon_are_cases_until_there_is_one_that_lasts(start):
    with start(own=certify("us", days=20)) as places:
        places.plant.until(places.cases)
        [case] = places.cases()
        assert (case.subject_id, case.reason) == (":us", "as2-certificate-30-days")
        assert "ends in" in case.sentence
        write_own_key(places.plant.folder / "keys", certify("us", days=400))
        places.network.as2._look_at_certificates()
        assert places.cases() == []


def test_an_order_can_be_dropped_by_http_and_its_contrl_is_posted_to_a_webhook(start, loop):
    hook = Hook(loop)
    port = free_port()
    more = {
        "nordmarkt": lambda text: (
            text.partition("[sftp_account]")[0]
            + f'[drop]\ntokens = [{{ digest = "{hash_token("open sesame")}" }}]\n[webhook]\nurl = "{hook.url}"\n'
        )
    }
    with start(partners=more, toml=f'[transports.drop]\nlisten = "127.0.0.1:{port}"\n') as places:
        said = [drop(port, "nordmarkt", "open sesame", ORDER) for _ in range(2)]
        assert [one["again"] for one in said] == [False, True]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            drop(port, "nordmarkt", "open sesam", ORDER)
        places.plant.until(lambda: hook.posts)
        places.plant.settle()
        assert len(places.plant.sandbox.orders()) == 1
        [came], [contrl] = places.transmissions(direction="inbound"), places.transmissions(direction="outbound")
        assert (came.id, came.transport) == (said[0]["transmission"], "drop")
        assert (contrl.transport, contrl.delivery) == ("webhook", "delivered")
        assert [post.headers["idempotency-key"] for post in hook.posts] == [contrl.id]
        assert b"UCI+" in hook.posts[0].body
        assert json.loads(places.proof(contrl))["answer"] == "thanks"
    hook.close()


def drop(port, account, token, content):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/drop/{account}", data=content, headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_an_account_that_is_taken_away_is_shut_out_at_once(start):
    with start() as places:
        file = places.plant.folder / "partners" / "nordmarkt.toml"
        with places.sftp() as client:
            assert client.listdir("/in") == []
            file.write_text(file.read_text().partition("[sftp_account]")[0])

            def is_out():
                try:
                    client.listdir("/in")
                except (OSError, EOFError, paramiko.SSHException):
                    return True
                return False

            places.plant.until(is_out)
        with pytest.raises(Exception, match=r"(?i)auth|closed|banner|EOF|reset|pipe"), places.sftp():
            pass
