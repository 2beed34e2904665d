"""kill -9 a daemon at many points of uploads, of polling a partner's server and delivering there, of messages by AS2
both ways, of posts to the drop and to webhooks: nothing is lost, nothing happens twice.

The partner at the other end does what partners do: what was not answered is sent again.
"""

import http.client
import random
import re
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager, suppress

import paramiko
import pytest
from crash.test_crash import nursery, order
from network_places import As2Partner, Hook, SftpKey, SshServer, free_port, needs_sshd, write_own_key
from rooms.test_as2_core import THEM, US

from edi_server.desk.actions import Desk
from edi_server.desk.actors import Actor
from edi_server.errors import TransportError
from edi_server.transports.drop import hash_token
from edi_server.transports.loop import Loop

ORDERS, DEATHS = 12, 12
#: Where they die: taking, and handing over. The rest of the corridor dies elsewhere.
PLACES = "transports/,engine/collecting,engine/network,engine/delivering,delivery/"


class Sender(threading.Thread):
    """Sends the orders one after the other, each again until it is taken."""

    def __init__(self, send):
        super().__init__(daemon=True)
        self.send, self.sent, self.attempts, self.problem = send, 0, 0, None
        self.may_send, self.stopping = 0, False

    def run(self):
        while not self.stopping and self.sent < ORDERS:
            if self.sent >= self.may_send:
                time.sleep(0.02)
                continue
            self.attempts += 1
            try:
                if self.send(self.sent):
                    self.sent += 1
            except BaseException as problem:
                self.problem = problem
                raise


def die_often(one, sender, also=lambda: True):
    """Let daemons die at other places each, with more to send before each; then let one finish."""
    chance, deaths, barren = random.Random(42), 0, 0
    sender.start()
    while deaths < DEATHS:
        sender.may_send = min(ORDERS - 2, 2 + deaths * ORDERS // DEATHS)
        one.is_done = lambda: sender.sent >= sender.may_send and one.is_idle() and also()
        died = one.live_until(chance.randrange(1, 12), seconds=30)
        deaths, barren = deaths + died, 0 if died else barren + 1
        assert sender.problem is None, sender.problem
        assert barren < 20, f"only {deaths} places found to die at"
    sender.may_send = ORDERS


@pytest.mark.timeout(600)
def test_orders_uploaded_by_sftp_survive_deaths(tmp_path):
    key, port = SftpKey(tmp_path), free_port()

    def prepare(folder):
        with (folder / "partners" / "nordmarkt.toml").open("a") as file:
            file.write(f'\n[sftp_account]\nkeys = [{{ key = "{key.public}" }}]\n')

    def upload(number):
        with suppress(OSError, EOFError, paramiko.SSHException), key.log_in(port, "nordmarkt") as client:
            client.get_channel().settimeout(10)
            with client.open(f"/in/order-{number}.edi", "w") as file:
                file.write(order(number))
            return True
        time.sleep(0.1)
        return False

    toml = f'[transports.sftp]\nlisten = "127.0.0.1:{port}"\nquiet_seconds = 0.2\n'
    with nursery(tmp_path / "plant", toml=toml, prepare=prepare, dying_in=PLACES) as one:
        sender = Sender(upload)
        die_often(one, sender)
        one.is_done = lambda: sender.sent == ORDERS and one.is_idle() and len(one.sandbox.orders()) == ORDERS
        one.live_until_done()
        orders = Counter(order.reference for order in one.sandbox.orders())
        places = one.log.read_text()
        offered = [path.read_bytes() for path in one.folder.glob("var/sftp/**/out/CONTRL*")]
        with one.store.read() as work:
            assert work.dead_letters.newest() == []
    assert set(orders.values()) == {1}
    assert len(orders) == ORDERS
    # What is uploaded twice, because the answer to its CLOSE was lost, is answered twice; each answer lies there once.
    answered = Counter(re.search(rb"UCI\+(C\d+)", content)[1] for content in offered)
    assert len(answered) == ORDERS
    assert sum(answered.values()) <= sender.attempts
    assert "transports/" in places


@needs_sshd
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("after", "where"),
    [("delete", PLACES), ("move", PLACES), ("claimed", PLACES), ("delete", "sftp_mailbox/pushing,delivery/")],
    ids=["delete", "move", "claimed", "delivering"],
)
def test_files_on_a_partners_server_survive_deaths(tmp_path, monkeypatch, after, where):
    server = SshServer(tmp_path / "theirs")
    (server.folder / "theirs").write_text(server.user_key_text)
    monkeypatch.setenv("EDI_TEST_SECRETS", str(server.folder))

    def prepare(folder):
        with (folder / "partners" / "nordmarkt.toml").open("a") as file:
            file.write(
                f'\n[sftp_mailbox]\nhost = "127.0.0.1"\nport = {server.port}\nuser = "{server.user}"\n'
                f'host_keys = ["{server.host_key_text}"]\nprivate_key = {{ secret = "theirs" }}\n'
                f'inbox = "{server.folder}/in"\noutbox = "{server.folder}/out"\n'
                f"every_seconds = 1\nquiet_seconds = 0.2\n{AFTER[after].format(folder=server.folder)}"
            )

    def lay_down(number):
        part = server.drop(f".{number}.part", order(number))
        part.rename(server.folder / "in" / f"order-{number}.edi")
        return True

    try:
        with nursery(tmp_path / "plant", prepare=prepare, dying_in=where) as one:
            sender = Sender(lay_down)
            die_often(one, sender, also=lambda: not _lying(server))
            one.is_done = lambda: sender.sent == ORDERS and not _lying(server) and one.is_idle()
            one.live_until_done()
            orders = Counter(order.reference for order in one.sandbox.orders())
            places = one.log.read_text()
            with one.store.read() as work:
                assert work.dead_letters.newest() == []
                inbound = work.transmissions.newest(direction="inbound")
        delivered = [path.read_bytes() for path in (server.folder / "out").iterdir() if path.name[0] != "."]
        answered = Counter(re.search(rb"UCI\+(C\d+)", content)[1] for content in delivered)
        kept = sorted((server.folder / "archive").iterdir())
    finally:
        server.stop()
    assert orders == Counter({str(4600000000 + number): 1 for number in range(ORDERS)})
    assert len(inbound) == ORDERS
    assert set(answered.values()) == {1}
    assert len(answered) == ORDERS
    assert len(kept) == (ORDERS if after == "move" else 0)
    assert ("sftp_mailbox/reading" if where == PLACES else "sftp_mailbox/pushing") in places


AFTER = {
    "delete": "",
    "move": 'after = "move"\narchive = "{folder}/archive"\n',
    "claimed": 'claim = "{folder}/claimed"\n',
}


def _lying(server):
    return [*server.names("in"), *server.names("claimed")]


@contextmanager
def partner_of(tmp_path, port):
    with Loop("partner") as loop:
        url = f"http://127.0.0.1:{port}/as2"
        partner = As2Partner(tmp_path / "them", loop, own=THEM, other=US, name="NORDMARKT", our_url=url)
        partner.letters._waits = (0.1,)
        try:
            yield partner
        finally:
            partner.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("receipt", ["sync", "async"])
def test_as2_messages_both_ways_survive_deaths(tmp_path, receipt):
    port = free_port()
    with partner_of(tmp_path, port) as partner:
        partner.agree(receipt=receipt)

        def prepare(folder):
            write_own_key(folder / "keys", US)
            write_own_key(folder / "partners" / "certificates", THEM, "nordmarkt")
            with (folder / "partners" / "nordmarkt.toml").open("a") as file:
                file.write(
                    f'\n[as2]\nown_name = "LINDHOF"\npartner_name = "NORDMARKT"\nurl = "{partner.url}"\n'
                    f'receipt = "{receipt}"\ncertificates = [{{ file = "certificates/nordmarkt.pem" }}]\n'
                )

        def send(number):
            transmission_id = f"order-{number}"
            if partner.sendings.find(transmission_id) is None:
                partner.transport.stage(transmission_id, "us", order(number))
            try:
                partner.transport.hand_over(transmission_id, "us", f"{transmission_id}.edi")
            except TransportError as error:
                if error.permanent:
                    raise
                time.sleep(0.1)
                return False
            return True

        stopping = threading.Event()

        def answer():
            while not stopping.wait(0.1):
                partner.transport.send_receipts()

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        toml = (
            f'[transports.as2]\nlisten = "127.0.0.1:{port}"\nurl = "http://127.0.0.1:{port}/as2"\n'
            'keys = [{ certificate = "keys/own.pem", private_key = "keys/own.key" }]\n'
        )
        with nursery(tmp_path / "plant", toml=toml, prepare=prepare, dying_in=PLACES) as one:
            sender = Sender(send)
            die_often(one, sender)
            one.is_done = lambda: sender.sent == ORDERS and one.is_idle() and _all_delivered(one)
            one.live_until_done()
            orders = Counter(order.reference for order in one.sandbox.orders())
            places = one.log.read_text()
            with one.store.read() as work:
                assert work.dead_letters.newest() == []
                inbound = work.transmissions.newest(direction="inbound")
        stopping.set()
        answering.join(10)
        answered = Counter(re.search(rb"UCI\+(C\d+)", content)[1] for content in _taken(partner))
    assert orders == Counter({str(4600000000 + number): 1 for number in range(ORDERS)})
    assert len(inbound) == ORDERS
    assert set(answered.values()) == {1}
    assert len(answered) == ORDERS
    assert "transports/" in places
    if receipt == "async":
        assert [partner.sendings.find(f"order-{number}").state for number in range(ORDERS)] == ["confirmed"] * ORDERS


def _taken(partner):
    return [claim.path.read_bytes() for claim in partner.spool.claimed()]


def _all_delivered(one):
    with one.store.read() as work:
        outbound = work.transmissions.newest(direction="outbound")
    return len(outbound) == ORDERS and {left.delivery for left in outbound} == {"delivered"}


@contextmanager
def webbed_nursery(tmp_path, hook, port, dying_in):
    """A plant that Nordmarkt posts to, and that posts to Nordmarkt."""

    def prepare(folder):
        with (folder / "partners" / "nordmarkt.toml").open("a") as file:
            file.write(f'\n[drop]\ntokens = [{{ digest = "{hash_token("sesame")}" }}]\n[webhook]\nurl = "{hook.url}"\n')

    toml = f'[transports.drop]\nlisten = "127.0.0.1:{port}"\n'
    with nursery(tmp_path / "plant", toml=toml, prepare=prepare, dying_in=dying_in) as one:
        yield one


def post_to(port, number):
    """True once the drop says that it has the order; the key is the order's, in every attempt."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/drop/nordmarkt",
        data=order(number),
        headers={"Authorization": "Bearer sesame", "Idempotency-Key": f"order {number}"},
    )
    with suppress(OSError, http.client.HTTPException), urllib.request.urlopen(request, timeout=10):
        return True
    time.sleep(0.05)
    return False


def _keys(posts):
    """What each answer was posted under, by the interchange that it is about."""
    found = {}
    for one in posts:
        reference = re.search(rb"UCI\+(C\d+)", one.body)[1]
        found.setdefault(reference, set()).add(one.headers["idempotency-key"])
    return found


#: A death before the hand-over comes sooner, so that none would come later in it.
TAKING = "transports/spool,transports/drop,engine/collecting,engine/network"
POSTING = "transports/webhook,transports/staging,transports/posting,engine/delivering,delivery/"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dying_in", [TAKING, POSTING], ids=["taking", "posting"])
def test_posts_to_the_drop_and_to_a_webhook_survive_deaths(tmp_path, dying_in):
    port = free_port()
    with Loop("partner") as loop:
        hook = Hook(loop)
        with webbed_nursery(tmp_path, hook, port, dying_in) as one:
            sender = Sender(lambda number: post_to(port, number))
            die_often(one, sender)
            one.is_done = lambda: sender.sent == ORDERS and one.is_idle() and _all_delivered(one)
            one.live_until_done()
            orders = Counter(order.reference for order in one.sandbox.orders())
            places = one.log.read_text()
            with one.store.read() as work:
                assert work.dead_letters.newest() == []
                inbound = work.transmissions.newest(direction="inbound")
                left = work.transmissions.newest(direction="outbound")
        hook.close()
    assert orders == Counter({str(4600000000 + number): 1 for number in range(ORDERS)})
    assert len(inbound) == ORDERS
    keys = _keys(hook.posts)
    assert len(keys) == ORDERS
    assert sorted(keys.values(), key=str) == sorted(({one.id} for one in left), key=str)
    assert all(one.proof_hash for one in left)
    assert ("transports/spool" if dying_in == TAKING else "transports/staging") in places


@pytest.mark.timeout(600)
def test_what_a_person_has_posted_again_survives_deaths_under_the_next_key(tmp_path):
    port = free_port()
    with Loop("partner") as loop:
        hook = Hook(loop)
        with webbed_nursery(tmp_path, hook, port, POSTING) as one:
            first = Sender(lambda number: post_to(port, number))
            first.may_send = ORDERS
            first.start()
            one.is_done = lambda: first.sent == ORDERS and one.is_idle() and _all_delivered(one)
            one.live_until_done()
            with one.store.read() as work:
                left = work.transmissions.newest(direction="outbound")
            hook.posts.clear()

            def resend(number):
                with Desk.open(one.corridor.configuration) as desk:
                    desk.resend(left[number].id, actor=Actor(name="me"))
                return True

            sender = Sender(resend)
            die_often(one, sender)
            one.is_done = lambda: sender.sent == ORDERS and one.is_idle() and _all_delivered(one)
            one.live_until_done()
            places = one.log.read_text()
            with one.store.read() as work:
                assert work.dead_letters.newest() == []
                assert {work.transmissions.get(one.id).attempts for one in left} == {2}
        hook.close()
    assert sorted(_keys(hook.posts).values(), key=str) == sorted(({f"{one.id}#2"} for one in left), key=str)
    assert "transports/staging" in places
