"""The SFTP endpoint, used by the clients that partners use: OpenSSH, curl, lftp, paramiko, asyncssh."""

import asyncio
import contextlib
import datetime as dt
import random
import shutil
import subprocess
import threading
import time

import asyncssh
import msgspec
import paramiko
import pytest

from edi_server.transports import spool as spool_module
from edi_server.transports.sftp_account.account import Account, AccountKey, Quota, hash_password
from edi_server.transports.sftp_account.accounts import AccountsTransport
from edi_server.transports.sftp_account.endpoint import Endpoint
from edi_server.transports.sftp_account.guard import Limits
from edi_server.transports.sftp_account.tree import Refused, Tree
from edi_server.transports.spool import Spool

ORDER = b"UNB+UNOC:3+A+B+261123:1200+1'\r\nUNZ+0+1'\r\n" * 100
needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is missing")
    for name in ("sftp", "scp", "curl", "lftp")
}


class Place:
    """An endpoint on a thread of its own, with one partner's account and its keys."""

    def __init__(self, folder, **limits):
        self.folder = folder
        self.spool = Spool(folder / "spool")
        self.spool.prepare()
        self.key = folder / "id"
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self.key)
        self.key.chmod(0o600)
        self.public = key.export_public_key().decode().strip()
        self.collected = []
        self.trees = {}
        self.open_account("north", keys=(AccountKey(key=self.public),), password=hash_password("right"))
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.endpoint = Endpoint(trees=lambda: self.trees, host_keys=[self.host_key], limits=Limits(**limits))
        self.port = self.run(self.endpoint.listen("127.0.0.1", 0))
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}")

    def open_account(self, name, **changes):
        tree = Tree(
            Account(name=name, mailbox=name, **changes),
            self.folder / "accounts" / name,
            self.spool,
            quiet_seconds=0.3,
            collected=self.collected.append,
        )
        tree.prepare()
        self.trees[name] = tree
        return tree

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def stop(self):
        self.run(self.endpoint.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def taken(self):
        return {claim.name: claim.path.read_bytes() for claim in self.spool.claimed()}

    @property
    def root(self):
        return self.folder / "accounts" / "north"

    @contextlib.contextmanager
    def paramiko(self, name="north"):
        transport = paramiko.Transport(("127.0.0.1", self.port))
        transport.connect(username=name, pkey=paramiko.Ed25519Key.from_private_key_file(str(self.key)))
        try:
            yield paramiko.SFTPClient.from_transport(transport)
        finally:
            transport.close()

    def shell(self, program, *arguments, stdin=None, check=True):
        done = subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, cwd=self.folder, timeout=60, check=False
        )
        assert done.returncode == 0 or not check, done.stderr.decode() + done.stdout.decode()
        return done

    def ssh_options(self):
        return [
            "-i",
            str(self.key),
            "-o",
            f"UserKnownHostsFile={self.folder / 'known'}",
            "-o",
            "BatchMode=yes",
            "-F",
            "none",
        ]

    def sftp(self, commands, *, check=True):
        options = [*self.ssh_options(), "-P", str(self.port), "-b", "-", "north@127.0.0.1"]
        return self.shell("sftp", *options, stdin=commands.encode(), check=check)


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    (tmp_path / "order.edi").write_bytes(ORDER)
    yield made
    made.stop()


@needs["sftp"]
@pytest.mark.parametrize("command", ["put order.edi in/", "put -p order.edi in/", "put -f order.edi in/order.edi"])
def test_openssh_sftp_uploads_and_it_is_taken_when_closed(place, command):
    place.sftp(command + "\nls -l in\n")
    assert place.taken() == {"order.edi": ORDER}
    assert list((place.root / "in").iterdir()) == []


@needs["sftp"]
def test_openssh_sftp_resumes_an_upload_that_was_cut_off(place):
    with place.paramiko() as client:
        file = client.open("/in/order.edi", "wb")
        file.write(ORDER[:1000])
        file.flush()
        client.get_channel().get_transport().close()
    _until(lambda: not place.trees["north"]._writing)
    assert place.taken() == {}
    place.sftp("reput order.edi in/order.edi\n")
    assert place.taken() == {"order.edi": ORDER}


@needs["scp"]
def test_scp_uploads_over_sftp_and_its_old_protocol_is_refused(place):
    options = [*place.ssh_options(), "-P", str(place.port)]
    place.shell("scp", "-p", *options, "order.edi", "north@127.0.0.1:in/")
    assert place.taken() == {"order.edi": ORDER}
    assert place.shell("scp", "-O", *options, "order.edi", "north@127.0.0.1:in/", check=False).returncode != 0


@needs["curl"]
def test_curl_uploads_and_collects(place):
    (place.root / "out" / "desadv.edi").write_bytes(b"UNB'")
    public = place.folder / "id.pub"
    public.write_text(place.public)
    options = ["-k", "-sS", "--key", "id", "--pubkey", "id.pub", "-u", "north:"]
    done = place.shell("curl", *options, "-T", "order.edi", f"sftp://127.0.0.1:{place.port}/in/order.edi", check=False)
    if b"not supported" in done.stderr or b"disabled" in done.stderr:
        pytest.skip("curl has no sftp")
    assert done.returncode == 0, done.stderr
    assert place.taken() == {"order.edi": ORDER}
    assert place.shell("curl", *options, f"sftp://127.0.0.1:{place.port}/out/desadv.edi").stdout == b"UNB'"
    _until(lambda: place.collected == ["desadv.edi"])


@needs["lftp"]
def test_lftp_uploads_collects_and_deletes(place):
    (place.root / "out" / "desadv.edi").write_bytes(b"UNB'")
    connect = f"ssh -a -x -i {place.key} -o UserKnownHostsFile={place.folder / 'known'} -F none"
    script = (
        f"set sftp:connect-program '{connect}'; set net:max-retries 1; "
        f"open -u north,x sftp://127.0.0.1:{place.port}; put order.edi -o in/order.edi; "
        "get out/desadv.edi -o got.edi; rm out/desadv.edi; ls out; bye"
    )
    place.shell("lftp", "-c", script)
    assert place.taken() == {"order.edi": ORDER}
    assert (place.folder / "got.edi").read_bytes() == b"UNB'"
    assert not (place.root / "out" / "desadv.edi").exists()


@pytest.mark.parametrize(
    "client",
    [pytest.param(name, marks=needs.get(name, ())) for name in ("sftp", "scp", "lftp", "paramiko", "asyncssh")],
)
def test_every_client_reads_a_large_file_whole_and_has_collected_it_then(place, client):
    content = random.Random(1).randbytes(3_000_001)
    (place.root / "out" / "large.edi").write_bytes(content)
    options = [*place.ssh_options(), "-P", str(place.port)]
    if client == "sftp":
        place.sftp("get out/large.edi got.edi\n")
    elif client == "scp":
        place.shell("scp", *options, "north@127.0.0.1:out/large.edi", "got.edi")
    elif client == "lftp":
        connect = f"ssh -a -x -i {place.key} -o UserKnownHostsFile={place.folder / 'known'} -F none"
        script = f"set sftp:connect-program '{connect}'; open -u north,x sftp://127.0.0.1:{place.port}; "
        place.shell("lftp", "-c", script + "get out/large.edi -o got.edi; rm out/large.edi; bye")
    elif client == "paramiko":
        with place.paramiko() as session:
            session.get("/out/large.edi", str(place.folder / "got.edi"))
    else:

        async def get():
            names = {"username": "north", "client_keys": [str(place.key)], "known_hosts": None, "agent_path": None}
            async with (
                asyncssh.connect("127.0.0.1", place.port, **names) as connection,
                connection.start_sftp_client() as session,
            ):
                await session.get("/out/large.edi", str(place.folder / "got.edi"))

        asyncio.run(get())
    assert (place.folder / "got.edi").read_bytes() == content
    _until(lambda: place.collected == ["large.edi"])


def test_paramiko_checks_the_size_after_the_upload_and_finds_it(place):
    with place.paramiko() as client:
        attributes = client.put(str(place.folder / "order.edi"), "/in/order.edi", confirm=True)
        assert attributes.st_size == len(ORDER)
        client.utime("/in/order.edi", (1, 1))
        client.chmod("/in/order.edi", 0o644)
        assert client.listdir("/in") == []
    assert place.taken() == {"order.edi": ORDER}


def test_a_name_of_something_unfinished_waits_for_its_rename(place):
    with place.paramiko() as client:
        client.put(str(place.folder / "order.edi"), "/in/order.edi.filepart")
        assert client.listdir("/in") == ["order.edi.filepart"]
        place.trees["north"].settle()
        assert place.taken() == {}
        client.rename("/in/order.edi.filepart", "/in/order.edi")
        assert place.taken() == {"order.edi": ORDER}
        client.utime("/in/order.edi", (1, 1))
        client.chmod("/in/order.edi", 0o600)
        assert client.stat("/in/order.edi").st_size == len(ORDER)


def test_a_file_that_somebody_laid_into_the_folder_is_taken_once_it_rests(place):
    (place.root / "in" / "order.edi").write_bytes(ORDER)
    assert place.trees["north"].settle().seconds > 0
    assert place.taken() == {}
    _until(lambda: place.trees["north"].settle().seconds is None)
    assert place.taken() == {"order.edi": ORDER}


def test_an_upload_that_is_cut_off_is_never_taken_and_can_be_seen(place):
    with place.paramiko() as client:
        file = client.open("/in/order.edi", "wb")
        file.write(ORDER)
        file.flush()
        client.get_channel().get_transport().close()
    _until(lambda: not place.trees["north"]._writing)
    time.sleep(0.4)
    place.trees["north"].settle()
    assert place.taken() == {}
    with place.paramiko() as client:
        assert client.stat("/in/order.edi").st_size == len(ORDER)
        assert client.listdir("/in") == ["order.edi"]
        for rename in (client.rename, client.posix_rename):
            with pytest.raises(OSError, match="broken off"):
                rename("/in/order.edi", "/in/whole.edi")
        client.remove("/in/order.edi")
        assert client.listdir("/in") == []


def test_a_quota_that_is_used_up_poisons_the_upload_and_nothing_is_taken(place):
    place.open_account(
        "north", keys=(AccountKey(key=place.public),), quota=Quota(bytes=5000, files=2, largest_file=4000)
    )
    big = place.folder / "big.edi"
    big.write_bytes(bytes(4500))
    with place.paramiko() as client:
        with pytest.raises(OSError):  # the write or the CLOSE is refused, or the look afterwards finds nothing
            client.put(str(big), "/in/big.edi")
        assert client.listdir("/in") == []
        for name in ("a.tmp", "b.tmp"):
            client.open(f"/in/{name}", "wb").close()
        with pytest.raises(OSError, match="no more are taken"):
            client.open("/in/c.tmp", "wb")
    assert place.taken() == {}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../../etc/passwd",
        "in/../../x",
        "/in/../../../etc/passwd",
        "in/sub/x",
        "/out/archive/../../../x",
        "in/..",
        ".uploads/x",
        "/in/a\0b",
    ],
)
def test_there_is_no_way_out(place, path):
    (place.folder / "accounts" / "x").write_text("secret")
    with place.paramiko() as client:
        for action in (
            lambda: client.open(path, "wb"),
            lambda: client.open(path, "rb"),
            lambda: client.remove(path),
            lambda: client.rename(path, "/out/y"),
        ):
            with pytest.raises(OSError):
                action()
    assert (place.folder / "accounts" / "x").read_text() == "secret"


def test_links_are_neither_made_nor_followed(place):
    secret = place.folder / "secret"
    secret.write_text("secret")
    (place.root / "out" / "link").symlink_to(secret)
    with place.paramiko() as client:
        with pytest.raises(OSError, match="no links"):
            client.symlink("/etc/passwd", "/in/x")
        with pytest.raises(OSError, match="no links"):
            client.readlink("/out/link")
        for action in (
            lambda: client.open("/out/link", "rb"),
            lambda: client.stat("/out/link"),
            lambda: client.mkdir("/in/sub"),
            lambda: client.rmdir("/in"),
        ):
            with pytest.raises(OSError):
                action()
        assert client.listdir("/out") == ["archive"]


def test_what_was_collected_is_told_and_can_be_archived_but_not_written(place):
    (place.root / "out" / "desadv.edi").write_bytes(b"UNB'")
    with place.paramiko() as client:
        assert client.open("/out/desadv.edi", "rb").read() == b"UNB'"
        with pytest.raises(OSError, match="in /in only"):
            client.open("/out/new.edi", "wb")
        client.rename("/out/desadv.edi", "/out/archive/desadv.edi")
        assert client.listdir("/out/archive") == ["desadv.edi"]
        with pytest.raises(OSError, match="can be renamed"):
            client.rename("/out/archive/desadv.edi", "/in/desadv.edi")
    _until(lambda: place.collected == ["desadv.edi"])


def test_what_was_read_by_a_session_that_broke_off_was_not_collected(place):
    """Its last bytes may have been lost with the connection."""
    (place.root / "out" / "desadv.edi").write_bytes(b"UNB'")
    with place.paramiko() as client:
        file = client.open("/out/desadv.edi", "rb")
        assert file.read() == b"UNB'"
        client.get_channel().get_transport().close()
    _until(lambda: not place.endpoint.workers.open["north"])
    time.sleep(0.2)
    assert place.collected == []


def test_uploads_side_by_side_share_one_quota(place):
    tree = place.open_account("north", quota=Quota(bytes=5000, files=9, largest_file=4000))
    how = {"append": False, "truncate": True, "create": True, "exclusive": False}
    first, second = tree.write("/in/a.edi", **how), tree.write("/in/b.edi", **how)
    tree.put(first, 0, bytes(4000))
    with pytest.raises(Refused, match="used up"):
        tree.put(second, 0, bytes(2000))
    tree.close(first)
    third = tree.write("/in/c.edi", **how)
    with pytest.raises(Refused, match="used up"):
        tree.put(third, 0, bytes(4000))
    tree.abort(third)
    transport = AccountsTransport(spool=place.spool, folder=place.folder, trees=lambda: [tree])
    for claim in transport.collect().claims:
        transport.release(claim)
    third = tree.write("/in/c.edi", **how)
    tree.put(third, 0, bytes(4000))
    with pytest.raises(Refused, match="more than 4000"):
        tree.put(third, 4000, bytes(1))


def test_a_length_that_is_set_does_not_go_around_the_quota(place):
    with place.paramiko() as client:
        client.put(str(place.folder / "order.edi"), "/in/order.tmp")
        with pytest.raises(OSError, match="by being written"):
            client.truncate("/in/order.tmp", 1 << 40)
        client.truncate("/in/order.tmp", 100)
        assert client.stat("/in/order.tmp").st_size == 100


@pytest.mark.parametrize("step", ["_write_content", "_write", "_hand_on"])
def test_a_renamed_file_whose_taking_breaks_off_is_taken_by_the_next_start_and_once(place, monkeypatch, step):
    """The client was told that its rename is done, and will not come again."""
    tree = place.trees["north"]
    (place.root / "in" / "order.tmp").write_bytes(ORDER)

    def break_off(*_):
        raise KeyboardInterrupt

    at = spool_module if hasattr(spool_module, step) else Spool
    with monkeypatch.context() as broken:
        broken.setattr(at, step, break_off)
        with pytest.raises(KeyboardInterrupt):
            tree.rename("/in/order.tmp", "/in/order.edi", replace=False)
    for _ in range(2):
        again = Spool(place.folder / "spool")
        again.prepare()
        after = Tree(tree.account, tree._root, again)
        after.prepare()
        after.settle()
        assert [(one.name, one.path.read_bytes()) for one in again.claimed()] == [("order.edi", ORDER)]


def test_what_was_taken_and_is_deleted_stays_taken_and_makes_room_for_the_next_of_its_name(place):
    """In the order of WinSCP, which writes beside a file that is there, deletes that, and renames."""
    with place.paramiko() as client:
        client.put(str(place.folder / "order.edi"), "/in/order.edi")
        assert client.stat("/in/order.edi").st_size == len(ORDER)
        with client.open("/in/order.edi.filepart", "wb") as file:
            file.write(ORDER + b"second")
        client.remove("/in/order.edi")
        with pytest.raises(FileNotFoundError):
            client.stat("/in/order.edi")
        again = Tree(place.trees["north"].account, place.root, place.spool)
        again.prepare()
        with pytest.raises(Refused, match="There is no"):
            again.look("/in/order.edi")
        client.rename("/in/order.edi.filepart", "/in/order.edi")
    assert sorted(one.path.read_bytes() for one in place.spool.claimed()) == [ORDER, ORDER + b"second"]


def test_a_disk_that_hangs_stops_no_other_session(place, monkeypatch):
    """Where the loop itself waited for the disk, the second session would never get its answer."""
    reached, go_on = threading.Event(), threading.Event()

    def hang(_tree, _upload, _offset, _content):
        reached.set()
        assert go_on.wait(30)

    monkeypatch.setattr(Tree, "put", hang)
    place.open_account("south", keys=(AccountKey(key=place.public),))

    def write():
        with place.paramiko() as client, client.open("/in/order.tmp", "wb") as file:
            file.write(ORDER)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert reached.wait(30)
        with place.paramiko("south") as client:
            assert "in" in client.listdir("/")
    finally:
        go_on.set()
        writer.join()


def test_only_the_partner_s_own_valid_keys_and_passwords_open_the_account(place):
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    now = dt.datetime.now(dt.UTC)
    old = asyncssh.generate_private_key("ssh-ed25519")
    ended = AccountKey(key=old.export_public_key().decode(), ends=now - dt.timedelta(days=1))
    place.open_account("north", keys=(AccountKey(key=place.public), ended), password=hash_password("right"))

    async def try_(**options):
        options = {"client_keys": None, "agent_path": None, "username": "north", "known_hosts": None, **options}
        async with asyncssh.connect("127.0.0.1", place.port, **options):
            return True

    assert place.run(try_(client_keys=[str(place.key)]))
    assert place.run(try_(password="right"))
    for wrong in (
        {"client_keys": [stranger]},
        {"client_keys": [old]},
        {"password": "wrong"},
        {"password": "right", "username": "south"},
    ):
        with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost, asyncssh.DisconnectError)):
            place.run(try_(**wrong))


def test_a_certificate_of_an_agreed_authority_opens_its_own_account_only(place):
    authority, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    place.open_account("north", authorities=(AccountKey(key=authority.export_public_key().decode()),))
    place.open_account("south", authorities=(AccountKey(key=authority.export_public_key().decode()),))
    certificate = authority.generate_user_certificate(user, "key", principals=["north"])

    async def open_(name):
        options = {"username": name, "known_hosts": None, "client_keys": [(user, certificate)], "agent_path": None}
        async with (
            asyncssh.connect("127.0.0.1", place.port, **options) as connection,
            connection.start_sftp_client() as client,
        ):
            return sorted(await client.listdir("."))

    assert place.run(open_("north")) == [".", "..", "in", "out", "status"]
    with pytest.raises(asyncssh.PermissionDenied):
        place.run(open_("south"))


def test_nothing_but_sftp_is_offered(place):
    async def run(action):
        async with asyncssh.connect(
            "127.0.0.1", place.port, username="north", client_keys=[str(place.key)], known_hosts=None, agent_path=None
        ) as connection:
            return await action(connection)

    for action in (
        lambda connection: connection.run("id", check=True),
        lambda connection: connection.open_connection("127.0.0.1", 22),
        lambda connection: connection.start_server(lambda *_: None, "", 0),
    ):
        with pytest.raises((asyncssh.Error, asyncssh.ChannelListenError, OSError)):
            place.run(run(action))


def test_an_attacker_is_banned_and_the_others_work_on(tmp_path):
    place = Place(tmp_path, address_failures=30, attempts=6)
    try:
        tries = 0

        async def guess():
            nonlocal tries
            while True:
                try:
                    async with asyncssh.connect(
                        "127.0.0.1",
                        place.port,
                        username="north",
                        password=str(tries),
                        known_hosts=None,
                        client_keys=None,
                        agent_path=None,
                    ):
                        raise AssertionError("let in")
                except asyncssh.PermissionDenied:
                    tries += 1
                except (asyncssh.ConnectionLost, ConnectionError, asyncssh.DisconnectError):
                    tries += 1
                    if place.endpoint.guard.is_banned("127.0.0.1"):
                        return

        place.run(guess())
        assert 30 <= tries <= 40
        with pytest.raises((paramiko.SSHException, EOFError, OSError)), place.paramiko():
            pass
    finally:
        place.stop()


def test_sessions_are_limited_and_idle_ones_are_closed(tmp_path):
    place = Place(tmp_path, idle_seconds=0.4)
    try:
        place.open_account("north", keys=(AccountKey(key=place.public),), sessions=2)
        with place.paramiko() as one, place.paramiko():
            with pytest.raises((paramiko.SSHException, EOFError, OSError)), place.paramiko() as third:
                third.listdir("/")
            time.sleep(1.0)
            with pytest.raises((OSError, EOFError)):
                one.listdir("/")
        _until(lambda: not place.endpoint.guard._sessions["north"])
    finally:
        place.stop()


def _until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_sessions_side_by_side_upload_without_getting_in_each_other_s_way(place):
    async def session(number):
        options = {"username": "north", "client_keys": [str(place.key)], "known_hosts": None, "agent_path": None}
        async with (
            asyncssh.connect("127.0.0.1", place.port, **options) as connection,
            connection.start_sftp_client() as client,
        ):
            for count in range(15):
                async with client.open(f"/in/{number}-{count}.edi", "wb") as file:
                    await file.write(ORDER)
                await client.listdir("/in")

    async def all_():
        await asyncio.gather(*(session(number) for number in range(10)))

    place.run(all_())
    assert set(place.taken()) == {f"{number}-{count}.edi" for number in range(10) for count in range(15)}
    assert len(place.spool.claimed()) == 150


def test_a_session_ends_when_the_key_that_opened_it_is_removed_or_ends_and_no_other(place):
    other = asyncssh.generate_private_key("ssh-ed25519")
    mine, theirs = AccountKey(key=place.public), AccountKey(key=other.export_public_key().decode().strip())
    tree = place.trees["north"]

    def agree(**changes):
        tree.account = msgspec.structs.replace(tree.account, **changes)
        place.run(place.endpoint.end_strangers())

    agree(keys=(mine, theirs))
    with place.paramiko() as client:
        agree(keys=(mine,))
        assert client.listdir("/")
        agree(keys=(theirs,))
        with pytest.raises((OSError, EOFError, paramiko.SSHException)):
            client.listdir("/")
    agree(keys=(mine,))
    with place.paramiko() as client:
        agree(keys=(msgspec.structs.replace(mine, ends=dt.datetime.now(dt.UTC)),))
        with pytest.raises((OSError, EOFError, paramiko.SSHException)):
            client.listdir("/")


def test_a_session_opened_by_password_ends_when_that_is_changed(place):
    tree = place.trees["north"]
    transport = paramiko.Transport(("127.0.0.1", place.port))
    transport.connect(username="north", password="right")
    client = paramiko.SFTPClient.from_transport(transport)
    place.run(place.endpoint.end_strangers())
    assert client.listdir("/")
    tree.account = msgspec.structs.replace(tree.account, password=hash_password("new"))
    place.run(place.endpoint.end_strangers())
    with pytest.raises((OSError, EOFError, paramiko.SSHException)):
        client.listdir("/")
    transport.close()
