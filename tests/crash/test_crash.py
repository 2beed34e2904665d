"""kill -9 at many points of a run: nothing is lost, nothing happens twice."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from edi_server.config import Configuration
from edi_server.engine.corridor import Corridor
from edi_server.engine.durable import Submitter
from edi_server.erp.sandbox import Sandbox
from edi_server.samples import SAMPLES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ORDERS, DELIVERIES, DEATHS = 50, 20, 40


class Nursery:
    """Daemons on one plant that die when told to."""

    def __init__(self, folder: Path, sandbox: Sandbox, dying_in: str = "") -> None:
        self.folder, self.sandbox = folder, sandbox
        self.log = folder / "deaths"
        self.log.touch()
        self.corridor = Corridor(Configuration.load(folder / "edi-server.toml", {}), sandbox_url=sandbox.url)
        self.store = self.corridor.store
        self.is_done: Callable[[], bool] = lambda: False
        self._submitter = Submitter(self.corridor.configuration.database_url())
        self._process = subprocess.Popen(
            [sys.executable, HERE / "nursery.py", folder / "edi-server.toml", sandbox.url, self.log],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("wb"),
            text=True,
            start_new_session=True,
            env={**os.environ, "EDI_TEST_DEATHS_IN": dying_in},
        )

    def live_until(self, effect: int, *, seconds: float = 60) -> bool:
        """Let a daemon live until its n-th effect; False if it had nothing left to do and was ended."""
        pid = self._start(effect)
        end = time.monotonic() + seconds
        while not self._is_dead(pid):
            if self.is_done() or time.monotonic() > end:
                self._end(pid)
                break
            time.sleep(0.02)
        return int(self._process.stdout.readline()) == -signal.SIGKILL

    def live_until_done(self, seconds: float = 120) -> None:
        """Let a daemon live until nothing is left to do."""
        pid = self._start(0)
        end = time.monotonic() + seconds
        while not self.is_done():
            assert not self._is_dead(pid), (self.folder / "stderr").read_text()[-3000:]
            assert time.monotonic() < end, "there is still work"
            time.sleep(0.1)
        self._end(pid)
        assert int(self._process.stdout.readline()) == 0, (self.folder / "stderr").read_text()[-3000:]

    def close(self) -> None:
        """End everything, also a daemon that a failed test left alive."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._submitter.close()
        self.store.close()

    def _start(self, effect: int) -> int:
        self._process.stdin.write(f"{effect}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _is_dead(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    def _end(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def is_idle(self, among: tuple[str, ...] = ()) -> bool:
        """True if no workflow waits or runs (of these, if any are named)."""
        try:
            return self._submitter.unfinished(among) == 0
        except OperationalError:
            return False  # before the first start there are no tables


@contextmanager
def nursery(
    folder: Path, *, toml: str = "", prepare: Callable[[Path], None] = lambda _: None, dying_in: str = ""
) -> Iterator[Nursery]:
    shutil.copytree(ROOT / "partners", folder / "partners")
    (folder / "edi-server.toml").write_text(toml)
    prepare(folder)
    with Sandbox(folder / "sandbox.sqlite") as sandbox:
        one = Nursery(folder, sandbox, dying_in)
        try:
            yield one
        finally:
            one.close()


def order(number: int) -> bytes:
    """The clean sample under another order number and control reference."""
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    text = sample.content
    [reference] = re.findall(rb"UNZ\+1\+([^']+)'", text)
    [order_number] = re.findall(rb"BGM\+220\+([^+']+)", text)
    return text.replace(order_number, b"%d" % (4600000000 + number)).replace(
        b"+" + reference, b"+C%d" % (9000 + number)
    )


def drop(folder: Path, number: int) -> None:
    inbox = folder / "inbox" / "nordmarkt"
    inbox.mkdir(parents=True, exist_ok=True)
    part = inbox / f".{number}.part"
    part.write_bytes(order(number))
    part.rename(inbox / f"order-{number}.edi")


def references(outbox: Path) -> list[int]:
    """Control references (UNB 0020) of everything that left."""
    return [int(re.search(rb"UNZ.\d+.(\d+)", path.read_bytes())[1]) for path in outbox.glob("[!.]*") if path.is_file()]


def die_often(one: Nursery, effects: int, more_work: Callable[[int], None]) -> None:
    """Let forty daemons die, each at another place, with something new to do before each; then let one finish."""
    chance = random.Random(4711)
    deaths, barren = 0, 0
    while deaths < DEATHS:
        more_work(deaths)
        died = one.live_until(chance.randrange(1, effects))
        deaths, barren = deaths + died, 0 if died else barren + 1
        assert barren < 40, f"only {deaths} places found to die at"
    more_work(DEATHS)
    one.live_until_done()
    assert len(set(one.log.read_text().splitlines())) == DEATHS


@pytest.mark.timeout(900)
def test_fifty_orders_survive_forty_deaths(tmp_path):
    folder = tmp_path / "plant"
    with nursery(folder) as one:
        inbox, outbox = folder / "inbox" / "nordmarkt", folder / "outbox" / "nordmarkt"
        one.is_done = lambda: not _files(inbox) and one.is_idle()
        waiting = list(range(ORDERS))

        def more_work(deaths: int) -> None:
            wanted = ORDERS - 2 - deaths * ORDERS // DEATHS
            while waiting and len(waiting) > wanted:
                drop(folder, waiting.pop())

        die_often(one, 30, more_work)
        orders = Counter(order.reference for order in one.sandbox.orders())
        answered = Counter(re.search(rb"UCI\+(C\d+)", path.read_bytes())[1] for path in outbox.glob("*.edi"))
        with one.store.read() as work:
            assert work.dead_letters.newest() == []
    assert set(orders.values()) == {1}
    assert len(orders) == ORDERS
    assert set(answered.values()) == {1}
    assert len(answered) == ORDERS
    assert sorted(references(outbox)) == list(range(1, ORDERS + 1))


@pytest.mark.timeout(900)
def test_twenty_deliveries_survive_forty_deaths(tmp_path):
    folder = tmp_path / "plant"
    with nursery(folder) as one:
        partner = folder / "partners" / "nordmarkt.toml"
        partner.write_text(partner.read_text().replace('cron = "* * * * *"', 'cron = "* * * * * *"'))
        inbox, outbox = folder / "inbox" / "nordmarkt", folder / "outbox" / "nordmarkt"
        for number in range(DELIVERIES):
            drop(folder, number)
        one.is_done = lambda: not _files(inbox) and one.is_idle() and len(one.sandbox.orders()) == DELIVERIES
        one.live_until_done()
        orders = [order.name for order in one.sandbox.orders()]
        shipped: list[str] = []
        one.is_done = lambda: len(list(outbox.glob("DESADV*"))) == len(shipped) and one.is_idle(among=("deliver",))

        def more_work(deaths: int) -> None:
            while orders and len(shipped) <= deaths * DELIVERIES // DEATHS:
                shipped.extend(one.sandbox.validate_delivery(orders.pop()))

        die_often(one, 8, more_work)
        sent = Counter(re.search(rb"BGM\+351\+([^+']+)", path.read_bytes())[1] for path in outbox.glob("DESADV*"))
        with one.store.read() as work:
            assert work.dead_letters.newest() == []
    assert len(shipped) == DELIVERIES
    assert set(sent.values()) == {1}
    assert len(sent) == DELIVERIES
    assert sorted(references(outbox)) == list(range(1, 2 * DELIVERIES + 1)), "CONTRL and DESADV share one counter"


def _files(folder: Path) -> list[str]:
    # os.walk passes over folders that vanish while it looks.
    return [name for _, _, names in os.walk(folder) for name in names]
