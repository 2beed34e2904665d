"""Accounts on the SFTP endpoint of a running plant: what partners are told, and what changes of their files do."""

import asyncio
import datetime as dt
import errno
import threading
import time
from contextlib import contextmanager

import asyncssh
import pytest
from network_places import SftpKey

from edi_server.engine import telling
from edi_server.engine.sftp_accounts import account_of, adopt_folder, mailboxes_folder, sftp_folder
from edi_server.errors import TransportError
from edi_server.samples import SAMPLES
from edi_server.transports.sftp_account import tree as tree_module
from edi_server.transports.spool import Spool

[ORDER] = [sample.content for sample in SAMPLES if sample.name == "order-4500012345.edi"]
LISTEN = '[transports.sftp]\nlisten = "127.0.0.1:0"\nquiet_seconds = 0.2\n'


class Accounts:
    """A plant whose partner Nordmarkt has an account."""

    def __init__(self, plant, key, file):
        self.plant, self.key, self.file = plant, key, file
        self.before = file.read_text().partition("[sftp_account]")[0]
        self.root = mailboxes_folder(plant.corridor.configuration) / "nordmarkt"

    def agree(self, table):
        """Another [sftp_account]; "" takes it away."""
        self.file.write_text(self.before + (f"[sftp_account]\n{table}" if table else ""))

    def log_in(self, user="nordmarkt"):
        return self.key.log_in(self.plant.daemon.network.sftp.ports[0], user)

    def upload(self, content, name="order.edi"):
        with self.log_in() as client, client.open(f"/in/{name}", "w") as file:
            file.write(content)

    def inbound(self):
        with self.plant.store.read() as work:
            return list(reversed(work.transmissions.newest(direction="inbound")))

    def open_cases(self):
        with self.plant.store.read() as work:
            return {case.reason for case in work.cases.newest() if case.closed_at is None}

    def cases(self):
        with self.plant.store.read() as work:
            return {case.reason: case for case in work.cases.newest()}

    def statuses(self):
        """What they say, oldest first."""
        return [file.read_text() for file in sorted((self.root / "status").glob("[!.]*"))]

    def can_log_in(self, user="nordmarkt"):
        try:
            with self.log_in(user) as client:
                return client.listdir("/") is not None
        except Exception:  # noqa: BLE001 — however it is shut out
            return False


@pytest.fixture
def start(running_plant, tmp_path):
    @contextmanager
    def starting(table="", also=lambda _folder: None):
        key = SftpKey(tmp_path)

        def prepare(folder):
            with (folder / "partners" / "nordmarkt.toml").open("a") as file:
                file.write(f'\n[sftp_account]\nkeys = [{{ key = "{key.public}" }}]\n{table}')
            also(folder)

        folder = tmp_path / "plant"
        url = f"sqlite:///{folder}/var/edi.sqlite"
        with running_plant(folder, url, toml=LISTEN, prepare=prepare) as plant:
            yield Accounts(plant, key, folder / "partners" / "nordmarkt.toml")

    return starting


def test_an_order_renamed_to_a_name_in_an_old_encoding_becomes_an_order_and_others_do_too(start):
    with start() as accounts:

        async def old_client():
            options = {"known_hosts": None, "agent_path": None, "client_keys": [str(accounts.key.file)]}
            port = accounts.plant.daemon.network.sftp.ports[0]
            async with (
                asyncssh.connect("127.0.0.1", port, username="nordmarkt", **options) as connection,
                connection.start_sftp_client(path_encoding=None) as client,
            ):
                async with client.open(b"/in/x.tmp", "wb") as file:
                    await file.write(ORDER)
                await client.rename(b"/in/x.tmp", b"/in/Auftrag-M\xfcller.edi")

        asyncio.run(old_client())
        accounts.plant.until(lambda: any("accepted as" in one for one in accounts.statuses()))
        assert [one.name for one in accounts.inbound()] == ["Auftrag-Müller.edi"]
        assert len(accounts.plant.sandbox.orders()) == 1


def test_a_status_says_that_other_content_under_a_used_reference_was_not_processed(start):
    changed = ORDER.replace(b"QTY+21:", b"QTY+21:1", 1)
    assert changed != ORDER
    with start() as accounts:
        for count, content in enumerate((ORDER, changed, ORDER), 1):
            # Names of statuses tell seconds; in one and the same, their order says nothing.
            time.sleep(1.1)
            accounts.upload(content)
            accounts.plant.until(
                lambda count=count: len(accounts.statuses()) == count and "Interchange" in accounts.statuses()[-1]
            )
            accounts.plant.settle()
        first, other, again = accounts.statuses()
    assert "accepted as" in first
    assert "NOT processed" in other
    assert "under a new one" in other
    assert "NOT processed" not in again
    assert "duplicate" in again


def test_what_was_handed_over_is_taken_even_if_the_account_is_taken_away_meanwhile(start, monkeypatch):
    with start() as accounts:
        with monkeypatch.context() as broken:
            broken.setattr(Spool, "take", lambda *_, **__: (_ for _ in ()).throw(TransportError("the disk is full")))
            with accounts.log_in() as client:
                with client.open("/in/order.tmp", "w") as file:
                    file.write(ORDER)
                client.rename("/in/order.tmp", "/in/order.edi")
            accounts.plant.until(lambda: "transport.upload-not-taken" in accounts.cases())
            accounts.agree("")
            accounts.plant.until(lambda: not accounts.plant.daemon.network.sftp._trees)
        assert accounts.inbound() == []
        accounts.plant.daemon.network.sftp.renew()
        accounts.plant.until(accounts.plant.sandbox.orders)


def test_an_upload_that_the_disk_has_no_room_for_is_a_case_and_told_to_its_sender(start, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with start() as accounts:
        with monkeypatch.context() as broken:
            broken.setattr(tree_module.os, "fsync", full)
            accounts.upload(ORDER)
            accounts.plant.until(lambda: any("disk is full" in one for one in accounts.statuses()))
        accounts.plant.until(lambda: "sftp-disk" in accounts.cases())
        assert "order.edi" in accounts.cases()["sftp-disk"].sentence
        assert accounts.inbound() == []
        accounts.upload(ORDER)
        accounts.plant.until(lambda: "sftp-disk" not in accounts.open_cases())


def test_another_user_name_leaves_the_folders_what_they_were(start):
    with start() as accounts:
        (accounts.root / "out" / "waiting.edi").write_bytes(b"UNB'")
        accounts.agree(f'user = "nm-edi"\nkeys = ["{accounts.key.public}"]\n')
        accounts.plant.until(lambda: accounts.can_log_in("nm-edi"))
        assert not accounts.can_log_in()
        with accounts.log_in("nm-edi") as client:
            assert "waiting.edi" in client.listdir("/out")


def test_a_folder_named_by_the_user_as_once_is_taken_over_with_what_lies_in_it(start):
    with start() as accounts:
        configuration = accounts.plant.corridor.configuration
        account = account_of(accounts.plant.corridor.book.partners["nordmarkt"], configuration)
        accounts.root.rename(accounts.root.with_name("aside"))
        old = sftp_folder(configuration) / "accounts" / account.name / "out"
        old.mkdir(parents=True)
        (old / "waiting.edi").write_bytes(b"UNB'")
        for _ in range(2):
            adopt_folder(account, configuration)
            assert (accounts.root / "out" / "waiting.edi").read_bytes() == b"UNB'"
        assert not old.exists()


def test_a_secret_that_is_no_hash_is_a_case_and_keys_open_the_account_all_the_same(start, monkeypatch):
    monkeypatch.setenv("NM_PASSWORD", "in the clear")
    table = 'password_hash = { secret = "NM_PASSWORD" }\n'

    def write(folder):
        (folder / "secrets").mkdir()
        (folder / "secrets" / "NM_PASSWORD").write_text("in the clear")

    with start(table, also=write) as accounts:
        assert accounts.can_log_in()
        case = accounts.cases()["sftp-password"]
        assert "in the clear" not in case.sentence
        assert "NM_PASSWORD" in case.sentence
        accounts.agree(f'keys = ["{accounts.key.public}"]\n')
        accounts.plant.until(lambda: "sftp-password" not in accounts.open_cases())


def test_a_key_that_ends_soon_is_a_case_until_there_is_one_that_lasts(start):
    with start() as accounts:
        part = accounts.plant.daemon.network.sftp
        soon = (dt.datetime.now(dt.UTC) + dt.timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ending = f'{{ key = "{accounts.key.public}", ends = {soon} }}'

        def reason():
            part._look_at_keys()
            return set(accounts.cases())

        assert reason() == set()
        accounts.agree(f"keys = [{ending}]\n")
        accounts.plant.until(lambda: reason() == {"sftp-key-30-days"})
        assert "ends in 19 days" in accounts.cases()["sftp-key-30-days"].sentence
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        accounts.agree(f'keys = [{ending}]\nauthorities = ["{other}"]\n')
        accounts.plant.until(lambda: reason() == set())


def test_an_account_whose_folder_cannot_be_used_keeps_nobody_else_from_working(start):
    def spoil(folder):
        (folder / "var" / "sftp" / "mailboxes").mkdir(parents=True)
        (folder / "var" / "sftp" / "mailboxes" / "nordmarkt").write_text("no folder")

    with start(also=spoil) as accounts:
        assert accounts.plant.daemon.network.sftp.ports
        assert "sftp-folder" in accounts.open_cases()
        assert not accounts.can_log_in()
        part = accounts.plant.daemon.network.sftp
        # What an earlier process left there may still need its keys.
        assert part._tidy() == 60.0
        accounts.root.unlink()
        part._look_at_accounts()
        assert accounts.can_log_in()
        assert "sftp-folder" not in accounts.open_cases()
        accounts.plant.until(lambda: part._tidy() > 60.0)


def test_a_case_about_what_could_not_be_taken_is_settled_when_it_was(start, monkeypatch):
    with start() as accounts:
        with monkeypatch.context() as broken:
            broken.setattr(Spool, "take", lambda *_, **__: (_ for _ in ()).throw(TransportError("the disk is full")))
            accounts.upload(ORDER)
            accounts.plant.until(lambda: "transport.upload-not-taken" in accounts.open_cases())
        accounts.plant.daemon.network.sftp._wake()
        accounts.plant.until(lambda: "transport.upload-not-taken" not in accounts.open_cases())
        accounts.plant.until(accounts.plant.sandbox.orders)


def test_what_an_account_that_is_no_more_left_and_cannot_be_taken_is_a_case_until_it_is(start, monkeypatch):
    with start() as accounts:
        part = accounts.plant.daemon.network.sftp
        accounts.agree("")
        accounts.plant.until(lambda: not part._trees)
        (accounts.root / "in" / "order.edi").write_bytes(ORDER)
        with monkeypatch.context() as broken:
            broken.setattr(Spool, "take", lambda *_, **__: (_ for _ in ()).throw(TransportError("the disk is full")))
            part.renew()
            assert "order.edi" in accounts.cases()["sftp-folder"].sentence
        part._look_at_accounts()
        assert "sftp-folder" not in accounts.open_cases()
        accounts.plant.until(accounts.plant.sandbox.orders)


def test_a_status_that_was_read_first_is_not_written_last(start, monkeypatch):
    """Two threads tell of one upload: the one that read before the other must not put back what it read."""
    with start() as accounts:
        corridor = accounts.plant.corridor
        accounts.upload(ORDER)
        accounts.plant.until(lambda: any("accepted as" in one for one in accounts.statuses()))
        accounts.plant.settle()
        [transmission] = accounts.inbound()
        texts, reading, go_on = iter(["old", "new"]), threading.Event(), threading.Event()

        def status_text(_work, _transmission):
            text = next(texts)
            if text == "old":
                reading.set()
                go_on.wait(0.5)  # in vain where the second waits for the first
            return text

        monkeypatch.setattr(telling, "status_text", status_text)

        def tell():
            telling.tell_status(corridor.configuration, corridor.book, corridor.store, transmission.id)

        first = threading.Thread(target=tell)
        first.start()
        assert reading.wait(30)
        tell()
        go_on.set()
        first.join()
        assert accounts.statuses() == ["new"]
