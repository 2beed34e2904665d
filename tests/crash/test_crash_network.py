"""kill -9 in the middle of uploads, AS2 messages and their receipts: nothing is lost, nothing happens twice."""

import random
import re
import shutil
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from crash.test_crash import ROOT, Nursery, order
from network_places import As2Partner, SftpKey, free_port, write_own_key
from rooms.test_as2_core import THEM, US

from edi_server.erp.sandbox import Sandbox
from edi_server.samples import SAMPLES
from edi_server.transports.loop import Loop

DEATHS, EACH = 16, 20
[SWEDISH] = [sample.content for sample in SAMPLES if sample.name == "bk-2026-0815.edi"]


def swedish(number):
    """Their sample under another order number and control reference."""
    [reference] = re.findall(rb"UNZ\|1\|([^~]+)~", SWEDISH)
    [order_number] = re.findall(rb"BGM\|220\|([^|~]+)", SWEDISH)
    return SWEDISH.replace(order_number, b"BK%d" % (700000 + number)).replace(
        b"|" + reference, b"|S%d" % (9000 + number)
    )


class Couriers:
    """Two partners who send what they have, again and again until they were told that it arrived."""

    def __init__(self, key, sftp_port, borealis):
        self.key, self.port, self.borealis = key, sftp_port, borealis
        self.waiting = {"sftp": [], "as2": []}
        self.under_way = Counter()
        self.stopping = False
        for name, bring in (("sftp", self._upload), ("as2", self._post)):
            threading.Thread(target=self._run, args=(name, bring), daemon=True).start()

    @property
    def is_done(self):
        return not any(self.waiting.values())

    def _run(self, name, bring):
        while not self.stopping:
            waiting = self.waiting[name]
            if not waiting:
                time.sleep(0.02)
                continue
            # Whatever a daemon that dies does to a client.
            with suppress(Exception):
                bring(waiting[0])
                waiting.pop(0)
            time.sleep(0.02)

    def _upload(self, number):
        with self.key.log_in(self.port, "nordmarkt") as client:
            # Its answer to the size is lost with the daemon; the size of what is taken is remembered in its memory only.
            client.putfo(_Bytes(order(number)), f"/in/order-{number}.edi", confirm=False)

    def _post(self, number):
        # One that is refused for good raises for ever, and the test ends in time without it.
        handed = self.borealis.send(swedish(number), transmission_id=f"bk-{number}", name=f"bk-{number}.edi")
        assert handed.confirmed


class _Bytes:
    """A file to be read once."""

    def __init__(self, content):
        self._content = content

    def read(self, size):
        piece, self._content = self._content[:size], self._content[size:]
        return piece


@contextmanager
def plant(folder, loop):
    shutil.copytree(ROOT / "partners", folder / "partners")
    sftp_port, as2_port = free_port(), free_port()
    key = SftpKey(folder)
    borealis = As2Partner(folder / "borealis", loop, own=THEM, other=US, our_url=f"http://127.0.0.1:{as2_port}/as2")
    write_own_key(folder / "keys", US)
    write_own_key(folder / "partners" / "certificates", THEM, "borealis")
    with (folder / "partners" / "borealis.toml").open("a") as file:
        file.write(
            f'\n[as2]\nown_name = "LINDHOF"\npartner_name = "BOREALIS"\nurl = "{borealis.url}"\n'
            'certificates = [{ file = "certificates/borealis.pem" }]\n'
        )
    with (folder / "partners" / "nordmarkt.toml").open("a") as file:
        file.write(f'\n[sftp_account]\nkeys = [{{ key = "{key.public}" }}]\n')
    (folder / "edi-server.toml").write_text(
        f'[transports.sftp]\nlisten = "127.0.0.1:{sftp_port}"\nhost_keys = ["host_ed25519"]\n'
        f'[transports.as2]\nlisten = "127.0.0.1:{as2_port}"\n'
        'keys = [{ certificate = "keys/own.pem", private_key = "keys/own.key" }]\n'
    )
    with Sandbox(folder / "sandbox.sqlite") as sandbox:
        one = Nursery(folder, sandbox)
        couriers = Couriers(key, sftp_port, borealis)
        try:
            yield one, couriers
        finally:
            couriers.stopping = True
            one.close()
            borealis.close()


def _left(folder):
    """What endpoints took and nobody has collected yet."""
    return [*folder.glob("var/*/spool/waiting/*")]


@pytest.mark.timeout(600)
def test_uploads_and_as2_messages_survive_deaths_at_any_step(tmp_path):
    folder = tmp_path / "plant"
    chance = random.Random(4711)
    with Loop("partners") as loop, plant(folder, loop) as (one, couriers):
        one.is_done = lambda: couriers.is_done and not _left(folder) and one.is_idle()
        numbers = list(range(EACH))
        deaths = barren = 0
        while deaths < DEATHS:
            if numbers and len(numbers) > EACH - 1 - deaths * EACH // DEATHS:
                number = numbers.pop()
                couriers.waiting["sftp"].append(number)
                couriers.waiting["as2"].append(number)
            died = one.live_until(chance.randrange(1, 25), seconds=20)
            deaths, barren = deaths + died, 0 if died else barren + 1
            assert barren < 40, f"only {deaths} places found to die at"
        for number in numbers:
            couriers.waiting["sftp"].append(number)
            couriers.waiting["as2"].append(number)
        one.live_until_done(seconds=300)
        orders = Counter(order.reference for order in one.sandbox.orders())
        with one.store.read() as work:
            assert work.dead_letters.newest() == []
            sent = work.transmissions.newest(direction="outbound", limit=500)
        # Each upload that was lost on the way to its answer may have come once more, and is answered as a duplicate.
        out = [path.read_bytes() for path in (folder / "var/sftp/accounts/nordmarkt/out").glob("*.edi")]
        accepted = Counter(re.search(rb"UCI\+(C\d+)", one)[1] for one in out if b"UCM" in one or b"+7'" in one)
        by_as2 = [claim.path.read_bytes() for claim in couriers.borealis.spool.claimed()]
        answered = Counter(re.search(rb"UCI\|(S\d+)", one)[1] for one in by_as2)
        places = one.log.read_text()
    assert len(orders) == 2 * EACH
    assert set(orders.values()) == {1}
    assert set(accepted.values()) == {1}
    assert len(accepted) == EACH
    assert set(answered.values()) == {1}
    assert len(answered) == EACH
    assert {one.delivery for one in sent if one.transport == "as2"} == {"delivered"}
    assert "transports/" in places, "some died in a transport"
