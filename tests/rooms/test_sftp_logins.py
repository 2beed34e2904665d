"""Who gets into the SFTP endpoint and who does not, by what, how often; and the keys that the endpoint shows."""

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import asyncssh
import paramiko
import pytest
from rooms.test_sftp_endpoint import ORDER, Place, _until, needs

import edi_server
from edi_server.errors import ConfigurationError
from edi_server.transports.sftp_account.account import (
    Account,
    AccountKey,
    Rates,
    fits_password,
    hash_password,
    is_password_hash,
)
from edi_server.transports.sftp_account.endpoint import Endpoint
from edi_server.transports.sftp_account.guard import Guard, Limits, address_of
from edi_server.transports.sftp_account.host_keys import load_host_keys
from edi_server.transports.sftp_account.rates import Meter, Pace

NOBODY = 65534
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    (tmp_path / "order.edi").write_bytes(ORDER)
    yield made
    made.stop()


def key():
    return asyncssh.generate_private_key("ssh-ed25519")


def public(one):
    return one.export_public_key().decode().strip()


def log_in(place, **options):
    """What the root folder shows, or None where nobody is let in."""

    async def session():
        wanted = {"username": "north", "known_hosts": None, "agent_path": None, "client_keys": None, **options}
        async with (
            asyncssh.connect("127.0.0.1", wanted.pop("port", place.port), **wanted) as connection,
            connection.start_sftp_client() as client,
        ):
            return sorted(await client.listdir("."))

    try:
        return asyncio.run(session())
    except (asyncssh.Error, OSError):
        return None


# --- keys, certificates, networks


def test_a_key_opens_the_account_between_its_dates_only(place):
    soon, now, past = key(), key(), key()
    keys = (
        AccountKey(key=public(soon), begins=NOW + DAY, ends=NOW + 2 * DAY),
        AccountKey(key=public(now), begins=NOW - DAY, ends=NOW + DAY),
        AccountKey(key=public(past), begins=NOW - 2 * DAY, ends=NOW - DAY),
    )
    place.open_account("north", keys=keys)
    assert [log_in(place, client_keys=[one]) is not None for one in (soon, now, past)] == [False, True, False]
    place.endpoint.clock = lambda: NOW + 1.5 * DAY
    assert [log_in(place, client_keys=[one]) is not None for one in (soon, now, past)] == [True, False, False]


def test_a_certificate_must_name_the_account_and_its_authority_must_be_valid(place):
    ca, old, user = key(), key(), key()
    authorities = (AccountKey(key=public(ca)), AccountKey(key=public(old), ends=NOW - DAY))
    for name in ("north", "south"):
        place.open_account(name, authorities=authorities)

    def opens(name, authority=ca, **options):
        certificate = authority.generate_user_certificate(user, "id", **options)
        return log_in(place, username=name, client_keys=[(user, certificate)]) is not None

    assert opens("north", principals=["north"])
    assert opens("south", principals=["north", "south"])
    assert not opens("south", principals=["north"])
    assert not opens("north")
    assert not opens("north", authority=old, principals=["north"])
    assert not opens("north", authority=key(), principals=["north"])
    assert not opens("north", principals=["north"], valid_before=1000)
    assert not opens("north", principals=["north"], source_address=["192.0.2.0/24"])
    host = ca.generate_host_certificate(user, "id", principals=["north"])
    assert log_in(place, client_keys=[(user, host)]) is None
    assert log_in(place, client_keys=[ca]) is None


def test_a_session_ends_with_the_authority_that_let_it_in(place):
    ca, other, user = key(), key(), key()
    mine, theirs = AccountKey(key=public(ca)), AccountKey(key=public(other))
    tree = place.open_account("north", authorities=(mine, theirs))
    certificate = ca.generate_user_certificate(user, "id", principals=["north"])

    async def session():
        options = {"username": "north", "known_hosts": None, "agent_path": None, "client_keys": [(user, certificate)]}
        async with (
            asyncssh.connect("127.0.0.1", place.port, **options) as connection,
            connection.start_sftp_client() as client,
        ):
            await client.listdir(".")
            tree.account = Account(name="north", mailbox="north", authorities=(mine,))
            await asyncio.to_thread(place.run, place.endpoint.end_strangers())
            await client.listdir(".")
            tree.account = Account(name="north", mailbox="north", authorities=(theirs,))
            await asyncio.to_thread(place.run, place.endpoint.end_strangers())
            with pytest.raises((asyncssh.Error, OSError)):
                await client.listdir(".")

    asyncio.run(session())


@pytest.mark.parametrize(("networks", "is_in"), [((), True), (("127.0.0.0/8",), True), (("192.0.2.0/24",), False)])
def test_an_account_is_opened_from_its_networks_only(place, networks, is_in):
    place.open_account(
        "north", keys=(AccountKey(key=place.public),), password=hash_password("right"), networks=networks
    )
    assert (log_in(place, client_keys=[str(place.key)]) is not None) == is_in
    assert (log_in(place, password="right") is not None) == is_in


def test_the_listener_for_old_software_lets_in_whom_it_was_agreed_with_and_nobody_else(place):
    port = place.run(place.endpoint.listen("127.0.0.1", 0, legacy=True))
    keys = (AccountKey(key=place.public),)
    place.open_account("old", keys=keys, legacy_algorithms=True)
    mine = {"client_keys": [str(place.key)]}
    old = {
        "kex_algs": ["diffie-hellman-group14-sha1"],
        "encryption_algs": ["aes128-cbc"],
        "mac_algs": ["hmac-sha1"],
    }
    assert log_in(place, username="old", port=port, **mine, **old)
    assert log_in(place, username="old", port=port, **mine)
    assert log_in(place, username="old", **mine)
    assert log_in(place, username="north", port=port, **mine, **old) is None
    assert log_in(place, username="north", port=port, **mine) is None
    # A cipher that needs a digest beside it: else none is agreed on.
    modern = {"encryption_algs": ["aes128-ctr"]}
    assert log_in(place, username="old", **mine, **modern)
    for name, value in old.items():
        assert log_in(place, username="old", **mine, **{**modern, name: value}) is None, name


def test_what_is_no_hash_is_told_from_one():
    made = hash_password("right")
    assert is_password_hash(made)
    assert fits_password(made, "right")
    for wrong in ("", "right", "$6$salt$hash", "scrypt$x$y", "scrypt$!!!$!!!", made + "=", made[:-8], f"{made}$x"):
        assert not is_password_hash(wrong), wrong


# --- guessing


def test_who_has_many_keys_of_which_the_last_fits_gets_in_every_time(tmp_path):
    place = Place(tmp_path, address_failures=5)
    wrong = [key() for _ in range(12)]
    try:
        for _ in range(10):
            assert log_in(place, client_keys=[*wrong, str(place.key)])
        assert not place.endpoint.guard.is_banned("127.0.0.1")
        for _ in range(6):
            assert log_in(place, client_keys=wrong) is None
        _until(lambda: place.endpoint.guard.is_banned("127.0.0.1"))
        assert not place.endpoint.guard.is_banned("192.0.2.1", "north")
        assert log_in(place, client_keys=[str(place.key)]) is None
    finally:
        place.stop()


def test_a_connection_that_offers_keys_without_end_is_ended(tmp_path):
    place = Place(tmp_path, offers=8)
    try:
        assert log_in(place, client_keys=[*(key() for _ in range(9)), str(place.key)]) is None
        assert log_in(place, client_keys=[*(key() for _ in range(7)), str(place.key)])
    finally:
        place.stop()


def test_the_right_password_of_a_name_that_is_closed_bans_nobody(tmp_path):
    place = Place(tmp_path, name_failures=3, address_failures=3)
    try:
        for number in range(4):
            place.endpoint.guard.fail(f"192.0.2.{number}", "north")
        for _ in range(8):
            assert log_in(place, password="right") is None
        assert not place.endpoint.guard.is_banned("127.0.0.1")
        assert log_in(place, client_keys=[str(place.key)])
    finally:
        place.stop()


def test_whoever_gets_in_is_not_held_to_what_was_mistyped_before_and_others_are():
    now = 0.0
    guard = Guard(Limits(address_failures=3, name_failures=100), lambda: now)
    for _ in range(20):
        assert guard.admit("192.0.2.1") is None
        guard.fail("192.0.2.1", "north")
        guard.fail("192.0.2.1", "north")
        guard.log_in("192.0.2.1", "north", 100)
    assert not guard.is_banned("192.0.2.1")
    for count in range(4):
        # Having an account is no licence to guess at others.
        assert guard.admit("192.0.2.1") is None
        assert guard.fail("192.0.2.1", "south") == (("192.0.2.1",) if count == 3 else ())
        guard.log_in("192.0.2.1", "north", 100)
    assert guard.is_banned("192.0.2.1")


def test_addresses_of_one_network_of_ipv6_count_as_one_and_old_ones_in_new_clothes_as_what_they_are():
    guard = Guard(Limits(address_failures=3))
    for number in range(4):
        guard.fail(f"2001:db8:1:2::{number}%eth0", "north")
    assert guard.is_banned("2001:db8:1:2:ffff::1")
    assert not guard.is_banned("2001:db8:1:3::1")
    for _ in range(4):
        guard.fail("::ffff:192.0.2.1", "north")
    assert guard.is_banned("192.0.2.1")
    assert not guard.is_banned("::ffff:192.0.2.2")
    assert str(address_of("::ffff:192.0.2.9")) == "192.0.2.9"
    assert address_of("nowhere") is None


# --- how fast, how much


def test_who_is_too_fast_waits_and_logins_are_refused():
    now = 0.0

    def clock():
        return now

    meter = Meter(clock, 5.0)
    assert [meter.use(10, 10) for _ in range(6)] == [0, 0, 0, 0, 0, 1.0]
    now = 3.0
    assert meter.use(10, 10) == 0
    pace, rates = Pace(clock), Rates(requests=10, bytes=1000, uploads=60, logins=2)
    assert [pace.login(rates) for _ in range(3)] == [True, True, False]
    now = 63.0
    assert pace.login(rates)
    assert pace.request(rates, 5000) == 0
    assert pace.request(rates, 1000) == 1.0
    assert pace.request(rates, 10**9) == 10.0
    pace = Pace(clock)
    assert [pace.request(rates, 5000) for _ in range(2)] == [0, 5.0]
    pace = Pace(clock)
    assert [pace.request(Rates(requests=10), 4097) for _ in range(1000)] == [0.0] * 1000
    assert [pace.upload(rates) for _ in range(61)][-1] == 1.0


def test_an_account_that_logs_in_too_often_is_shut_out_for_a_while(place):
    place.open_account("north", keys=(AccountKey(key=place.public),), rates=Rates(logins=3))
    assert [log_in(place, client_keys=[str(place.key)]) is not None for _ in range(4)] == [True, True, True, False]


def test_an_account_that_asks_too_fast_is_slowed_down(place):
    place.open_account("north", keys=(AccountKey(key=place.public),), rates=Rates(requests=20))
    with place.paramiko() as client:
        began = time.monotonic()
        for _ in range(120):
            client.stat("/in")
        # A hundred at once, the rest twenty a second.
        assert time.monotonic() - began > 0.8


def request(kind, number, *fields):
    body = bytes([kind]) + number.to_bytes(4, "big") + b"".join(fields)
    return len(body).to_bytes(4, "big") + body


def text(value):
    return len(value).to_bytes(4, "big") + value


async def raw_session(place):
    """A session whose answers nobody reads."""
    connection = await asyncssh.connect(
        "127.0.0.1", place.port, username="north", client_keys=[str(place.key)], known_hosts=None, agent_path=None
    )
    writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None, window=65_536)
    writer.write(b"\0\0\0\5\1\0\0\0\3")
    return connection, writer, reader


def test_answers_that_nobody_reads_do_not_fill_our_memory(place):
    (place.root / "out" / "large.edi").write_bytes(bytes(1_000_000))

    async def ask():
        connection, writer, reader = await raw_session(place)
        writer.write(request(3, 1, text(b"/out/large.edi"), (1).to_bytes(4, "big"), bytes(4)))
        await reader.readexactly(30)
        handle = text(bytes(4))
        for number in range(2000):
            writer.write(request(5, number, handle, bytes(8), (4_000_000).to_bytes(4, "big")))
        return connection

    async def buffered():
        [session] = place.endpoint.workers._sessions
        return session.channel.get_write_buffer_size()

    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(ask())
    _until(lambda: place.run(buffered()) or loop.run_until_complete(asyncio.sleep(0.02)))
    loop.run_until_complete(asyncio.sleep(0.5))
    assert 0 < place.run(buffered()) < 1_000_000
    connection.abort()
    loop.run_until_complete(connection.wait_closed())
    loop.close()


def test_folders_that_are_opened_without_end_are_refused_and_cost_nothing_once_closed(tmp_path):
    place = Place(tmp_path, open_files=5)
    try:

        async def open_many():
            connection, writer, reader = await raw_session(place)
            for number in range(8):
                writer.write(request(11, number, text(b"/status")))
            answers = []
            while len(answers) < 9:
                size = int.from_bytes(await reader.readexactly(4), "big")
                answers.append((await reader.readexactly(size))[0])
            assert place.endpoint.workers.open["north"] == 5
            connection.abort()
            return answers

        assert asyncio.run(open_many()) == [2, *[102] * 5, *[101] * 3]
        _until(lambda: place.endpoint.workers.open["north"] == 0)
        with place.paramiko() as client:
            for _ in range(20):
                client.listdir("/status")
            assert place.endpoint.workers.open["north"] <= 1
    finally:
        place.stop()


def test_one_connection_opens_no_more_sessions_than_it_may(tmp_path):
    place = Place(tmp_path, channels=3)
    try:
        with place.paramiko() as client:
            transport = client.get_channel().get_transport()
            more = [paramiko.SFTPClient.from_transport(transport) for _ in range(2)]
            assert [one.listdir("/in") for one in more] == [[], []]
            more.pop().close()
            _until(
                lambda: place.endpoint._connections and all(one.channels == 2 for one in place.endpoint._connections)
            )
            paramiko.SFTPClient.from_transport(transport)
            with pytest.raises((OSError, EOFError, paramiko.SSHException)):
                paramiko.SFTPClient.from_transport(transport).listdir("/")
    finally:
        place.stop()


def test_what_an_attacker_is_refused_stands_in_the_log_and_does_not_fill_it(place, caplog):
    caplog.set_level("INFO", logger="edi_server")
    (place.root / "out" / "a.edi").write_bytes(b"UNB'")
    with place.paramiko() as client:
        for action in (
            lambda: client.open("/../../etc/passwd"),
            lambda: client.symlink("/etc/passwd", "/in/x"),
            lambda: client.rename("/out/a.edi", "/in/a.edi"),
            lambda: client.mkdir("/in/sub"),
        ):
            with pytest.raises(OSError):
                action()
        refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
        assert len(refused) == 4
        assert all("north from 127.0.0.1" in one for one in refused)
        assert "etc/passwd" in refused[0]
        for _ in range(100):
            with pytest.raises(OSError):
                client.mkdir("/in/sub")
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 51


# --- host keys


@pytest.fixture
def shown(tmp_path):
    """Endpoints that show given host keys: the keys that a client is shown, by type."""
    places = []

    def show(*host_keys):
        made = Place(tmp_path / f"{len(places)}")
        places.append(made)
        endpoint = Endpoint(trees=lambda: made.trees, host_keys=host_keys)
        made.port, made.also = made.run(endpoint.listen("127.0.0.1", 0)), endpoint
        return made

    for number in range(3):
        (tmp_path / f"{number}").mkdir()
    yield show
    for one in places:
        one.run(one.also.close())
        one.stop()


@needs["sftp"]
def test_a_client_that_trusts_the_old_host_key_learns_the_new_one_of_its_type(shown):
    old, new = key(), key()
    place = shown(old, new)
    known = place.folder / "known"
    known.write_text(f"[127.0.0.1]:{place.port} {public(old)}\n")
    options = ["-o", "UpdateHostKeys=yes", "-o", "HashKnownHosts=no", "-o", "StrictHostKeyChecking=yes"]
    commands = [*place.ssh_options(), *options, "-P", str(place.port), "-b", "-", "north@127.0.0.1"]
    place.shell("sftp", *commands, stdin=b"ls\n")
    assert public(old).split()[1] in known.read_text()
    assert public(new).split()[1] in known.read_text()
    later = shown(new)
    known = known.read_text().replace(f":{place.port}", f":{later.port}")
    (later.folder / "known").write_text(known)
    later.shell("sftp", *later.ssh_options(), "-P", str(later.port), "-b", "-", "north@127.0.0.1", stdin=b"ls\n")


@needs["sftp"]
def test_host_keys_of_several_types_are_shown_and_none_signs_with_sha_1(shown, tmp_path):
    made = load_host_keys(str(tmp_path / name) for name in ("host_ed25519", "host_ecdsa", "host_rsa"))
    place = shown(*made)
    for one, algorithms in zip(
        made, (["ssh-ed25519"], ["ecdsa-sha2-nistp256"], ["rsa-sha2-256", "rsa-sha2-512"]), strict=True
    ):
        for algorithm in algorithms:
            trusted = asyncssh.import_known_hosts(f"[127.0.0.1]:{place.port} {public(one)}")
            options = {"known_hosts": trusted, "server_host_key_algs": [algorithm], "client_keys": [str(place.key)]}
            assert log_in(place, **options), algorithm
    assert log_in(place, server_host_key_algs=["ssh-rsa"], client_keys=[str(place.key)]) is None
    known = place.folder / "known"
    known.write_text(f"[127.0.0.1]:{place.port} {public(made[0])}\n")
    options = ["-o", "UpdateHostKeys=yes", "-o", "HashKnownHosts=no"]
    commands = [*place.ssh_options(), *options, "-P", str(place.port), "-b", "-", "north@127.0.0.1"]
    place.shell("sftp", *commands, stdin=b"ls\n")
    assert all(public(one).split()[1] in known.read_text() for one in made)


def test_host_keys_that_cannot_be_used_are_an_error_of_the_configuration(tmp_path):
    (tmp_path / "host_key").write_text("no key")
    with pytest.raises(ConfigurationError, match="host key"):
        load_host_keys([str(tmp_path / "host_key")])
    with pytest.raises(ConfigurationError, match="needs a host key"):
        Endpoint(trees=dict, host_keys=[])


# --- who we are


@pytest.fixture
def folder_of_nobody():
    """A folder that nobody can reach; those of pytest are ours alone."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def test_the_endpoint_needs_no_rights_of_its_own(folder_of_nobody):
    """As nobody, where we could be more: it makes its keys, listens, takes an upload."""
    folder = folder_of_nobody
    user = key()
    script = textwrap.dedent(
        """
        import asyncio, encodings.idna, json, os, sys
        from pathlib import Path
        from edi_server.transports.sftp_account.account import Account, AccountKey
        from edi_server.transports.sftp_account.endpoint import Endpoint
        from edi_server.transports.sftp_account.host_keys import load_host_keys
        from edi_server.transports.sftp_account.tree import Tree
        from edi_server.transports.spool import Spool

        folder, public, uid = sys.argv[1:]
        # After the imports: whoever that is need not be able to read our Python.
        if os.geteuid() == 0:
            os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
        os.umask(0o077)

        async def main():
            spool = Spool(Path(folder, "spool"))
            spool.prepare()
            account = Account(name="north", mailbox="north", keys=(AccountKey(key=public),))
            tree = Tree(account, Path(folder, "north"), spool)
            tree.prepare()
            keys = load_host_keys([folder + "/host_ed25519"])
            endpoint = Endpoint(trees=lambda: {"north": tree}, host_keys=keys)
            print(json.dumps([await endpoint.listen("127.0.0.1", 0), os.geteuid()]), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            print(json.dumps([claim.name for claim in spool.claimed()]), flush=True)

        asyncio.run(main())
        """
    )
    readable = Path(edi_server.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), public(user), str(NOBODY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(readable), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
    )
    try:
        port, uid = json.loads(process.stdout.readline())
        assert uid != 0

        async def upload():
            options = {"username": "north", "client_keys": [user], "known_hosts": None, "agent_path": None}
            async with (
                asyncssh.connect("127.0.0.1", port, **options) as connection,
                connection.start_sftp_client() as client,
                client.open("/in/order.edi", "wb") as file,
            ):
                await file.write(ORDER)

        asyncio.run(upload())
        told, _ = process.communicate("", timeout=30)
        assert json.loads(told) == ["order.edi"]
        for path in folder.rglob("*"):
            assert not path.stat().st_mode & 0o077 or path.name.endswith(".pub"), path
    finally:
        process.kill()
        process.wait()
