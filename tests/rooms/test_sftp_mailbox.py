"""Remote SFTP mailboxes, against OpenSSH's own server: taken once, removed only afterwards, delivered whole."""

import asyncio
import os

import asyncssh
import msgspec
import pytest
from network_places import SshServer, needs_sshd

from edi_server.errors import ConfigurationError, TransportError
from edi_server.transports.loop import Loop
from edi_server.transports.sftp_mailbox.listed import Pull
from edi_server.transports.sftp_mailbox.mailbox import Remote, RemoteMailbox
from edi_server.transports.sftp_mailbox.pulling import Puller
from edi_server.transports.sftp_mailbox.pushing import Push
from edi_server.transports.sftp_mailbox.reading import WINDOW, Reader
from edi_server.transports.sftp_mailbox.remote import HostKeyChangedError, connect
from edi_server.transports.sftp_mailbox.trying import try_mailbox

pytestmark = needs_sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = SshServer(tmp_path_factory.mktemp("a server"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _empty(server):
    for name in ("in", "out", "archive", "claimed"):
        for path in (server.folder / name).iterdir():
            path.unlink()


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


class Ours:
    """Our side of it, with a clock of its own."""

    def __init__(self, server, loop, folder, **changes):
        self.server, self.loop, self.folder = server, loop, folder
        self.now, self.left = 0.0, []
        agreed = {"inbox": f"{server.folder}/in", "archive": f"{server.folder}/archive", **changes}
        self.remote = Remote(
            mailbox="north",
            place=agreed.pop("place", None) or server.place(),
            push=Push(outbox=f"{server.folder}/out", upload=agreed.pop("upload", "hidden")),
            pull=Pull(mailbox="north", host="127.0.0.1", **agreed),
        )
        self.restart()

    def restart(self):
        self.mailbox = RemoteMailbox(self.remote, self.folder, self.loop, clock=lambda: self.now)
        self.mailbox.prepare()

    def look(self, *, rest=31.0):
        self.now += rest
        collected = self.mailbox.collect()
        self.left += [(one.finding.code, one.finding.found) for one in collected.left]
        return collected.claims

    def take(self):
        self.look()
        return self.look()


@pytest.fixture
def ours(server, loop, tmp_path):
    return Ours(server, loop, tmp_path)


def test_a_file_that_rests_is_taken_and_goes_only_after_it_was_released(server, ours):
    server.drop("order.edi", b"UNB'" * 10_000)
    assert ours.look() == ()
    (claim,) = ours.look()
    assert (claim.name, claim.mailbox, claim.path.read_bytes()) == ("order.edi", "north", b"UNB'" * 10_000)
    assert ours.look() == ()
    assert server.names("in") == ["order.edi"]
    ours.mailbox.release(claim)
    ours.look()
    assert server.names("in") == []
    assert ours.mailbox.claimed() == []


def test_a_growing_file_an_empty_one_and_unfinished_names_are_left(server, ours):
    path = server.drop("growing.edi")
    server.drop("empty.edi", b"")
    server.drop("a.part")
    server.drop(".hidden")
    ours.look()
    path.write_bytes(b"UNB'" * 2)
    assert ours.look() == ()
    assert [claim.name for claim in ours.look()] == ["growing.edi"]


def test_the_same_name_again_is_taken_again(server, ours):
    for content in (b"first", b"again"):
        server.drop("order.edi", content)
        os.utime(server.folder / "in" / "order.edi", (1000, 1000))
        (claim,) = ours.take()
        assert claim.path.read_bytes() == content
        ours.mailbox.release(claim)
        ours.look()
        assert server.names("in") == []


@pytest.mark.parametrize("crash", ["before release", "after release"])
def test_a_crash_neither_loses_nor_doubles(server, ours, crash):
    server.drop("order.edi")
    (claim,) = ours.take()
    if crash == "after release":
        ours.mailbox.release(claim)
    ours.restart()
    again = ours.mailbox.claimed()
    assert [one.transmission_id for one in again] == ([claim.transmission_id] if crash == "before release" else [])
    assert ours.take() == ()
    for one in again:
        ours.mailbox.release(one)
    assert ours.take() == ()
    assert server.names("in") == []


def test_moved_left_and_claimed_files(server, loop, tmp_path):
    moving = Ours(server, loop, tmp_path / "move", after="move", claim=f"{server.folder}/claimed")
    server.drop("order.edi")
    (claim,) = moving.take()
    assert (server.names("in"), server.names("claimed")) == ([], ["order.edi"])
    moving.mailbox.release(claim)
    moving.look()
    assert (server.names("claimed"), server.names("archive")) == ([], ["order.edi"])
    leaving = Ours(server, loop, tmp_path / "leave", after="leave")
    server.drop("order.edi")
    (claim,) = leaving.take()
    leaving.mailbox.release(claim)
    assert leaving.take() == ()
    leaving.restart()
    assert leaving.take() == ()
    assert server.names("in") == ["order.edi"]


def test_a_file_that_was_claimed_when_we_crashed_is_read_afterwards(server, loop, tmp_path):
    claiming = Ours(server, loop, tmp_path, claim=f"{server.folder}/claimed")
    server.drop("order.edi", folder="claimed")
    assert [claim.name for claim in claiming.look()] == ["order.edi"]


def test_a_marker_says_that_a_file_is_complete(server, loop, tmp_path):
    marked = Ours(server, loop, tmp_path, marker=".done", pattern="*.edi")
    server.drop("a.edi")
    server.drop("b.edi")
    server.drop("b.edi.done", b"x")
    (claim,) = marked.look()
    assert claim.name == "b.edi"
    marked.mailbox.release(claim)
    marked.look()
    assert server.names("in") == ["a.edi"]


def test_a_marker_of_a_claimed_file_does_not_call_the_next_one_complete(server, loop, tmp_path):
    marked = Ours(server, loop, tmp_path, marker=".done", pattern="*.edi", claim=f"{server.folder}/claimed")
    server.drop("b.edi")
    server.drop("b.edi.done", b"x")
    (claim,) = marked.look()
    marked.mailbox.release(claim)
    marked.look()
    server.drop("b.edi", b"half of the ne")
    assert marked.take() == ()
    assert (server.names("in"), server.names("claimed")) == (["b.edi"], [])


def _after(monkeypatch, step, then):
    """Have something happen on their side just after a step of ours."""
    original = getattr(*step)

    async def stepping(*arguments, **options):
        result = await original(*arguments, **options)
        then()
        return result

    monkeypatch.setattr(*step, stepping)


def test_a_file_that_replaces_one_we_have_is_not_removed_in_its_place(server, ours, monkeypatch):
    server.drop("order.edi", b"first")
    (claim,) = ours.take()
    ours.mailbox.release(claim)
    with monkeypatch.context() as racing:
        _after(racing, (Puller, "_list"), lambda: server.drop("order.edi", b"the second"))
        ours.look()
    (claim,) = ours.take()
    assert claim.path.read_bytes() == b"the second"


def test_a_file_that_is_replaced_while_it_is_read_is_read_anew(server, ours, monkeypatch):
    os.utime(server.drop("order.edi", b"first"), (1000, 1000))
    ours.look()
    with monkeypatch.context() as racing:
        _after(racing, (Reader, "_read"), lambda: server.drop("order.edi", b"later"))
        assert ours.look() == ()
    (claim,) = ours.take()
    assert claim.path.read_bytes() == b"later"


def test_many_files_are_taken_once_each(server, ours):
    for number in range(60):
        server.drop(f"{number:03}.edi", str(number).encode())
    claims = ours.take()
    assert sorted(int(claim.path.read_bytes()) for claim in claims) == list(range(60))


def test_a_file_that_is_blocked_by_one_that_stays_claimed_is_said_and_changes_no_schedule(server, loop, tmp_path):
    ours = Ours(server, loop, tmp_path, claim=f"{server.folder}/claimed")
    server.drop("orders.edi", b"", folder="claimed")
    server.drop("orders.edi", b"UNB'")
    server.drop("other.edi", b"UNB'")
    assert [claim.name for claim in ours.take()] == ["other.edi"]
    for _ in range(3):
        ours.look()
    assert sorted(ours.left) == [("transport.blocked", "orders.edi"), ("transport.empty-file", "orders.edi")]
    assert ours.mailbox.collect().look_again_seconds is None


def test_what_has_to_be_read_again_before_it_goes_holds_up_nothing_that_comes(server, loop, tmp_path, monkeypatch):
    ours = Ours(server, loop, tmp_path)
    os.utime(server.drop("coarse.edi", LARGE), (60, 60))
    (claim,) = ours.take()
    ours.mailbox.release(claim)
    server.drop("order.edi")
    original = Reader.digest

    async def too_late(self, client, one):
        self._ends = 0.0
        return await original(self, client, one)

    with monkeypatch.context() as slow:
        slow.setattr(Reader, "digest", too_late)
        assert [claim.name for claim in ours.take()] == ["order.edi"]
        assert "coarse.edi" in server.names("in")
    ours.look()
    assert "coarse.edi" not in server.names("in")


def test_what_could_not_be_removed_is_not_read_again_at_every_look(server, loop, tmp_path, monkeypatch):
    ours = Ours(server, loop, tmp_path, after="move", archive=f"{server.folder}/missing")
    os.utime(server.drop("coarse.edi"), (60, 60))
    (claim,) = ours.take()
    ours.mailbox.release(claim)
    compared, original = [], Reader.digest

    async def counted(self, client, one):
        compared.append(one.name)
        return await original(self, client, one)

    monkeypatch.setattr(Reader, "digest", counted)
    for _ in range(4):
        ours.look()
    assert compared == ["coarse.edi"]
    assert ours.left == [("transport.not-removed", "coarse.edi")]


def test_what_is_never_taken_is_said_once_and_holds_up_nothing(server, loop, tmp_path):
    ours = Ours(server, loop, tmp_path, largest=100)
    server.drop("empty.edi", b"")
    server.drop("large.edi", bytes(101))
    server.drop("order.edi", bytes(100))
    assert [claim.name for claim in ours.take()] == ["order.edi"]
    ours.take()
    assert sorted(ours.left) == [("transport.empty-file", "empty.edi"), ("transport.too-large", "large.edi")]
    server.drop("large.edi", bytes(102))
    ours.take()
    assert ours.left[2:] == [("transport.too-large", "large.edi")]


def test_a_file_that_cannot_be_claimed_or_removed_is_said_once(server, loop, tmp_path):
    nowhere = Ours(server, loop, tmp_path / "claim", claim=f"{server.folder}/missing")
    server.drop("order.edi")
    with pytest.raises(TransportError, match="no such file"):
        nowhere.look()
    unmoved = Ours(server, loop, tmp_path / "move", after="move", archive=f"{server.folder}/missing")
    (claim,) = unmoved.take()
    unmoved.mailbox.release(claim)
    for _ in range(3):
        assert unmoved.look() == ()
    assert unmoved.left == [("transport.not-removed", "order.edi")]


def test_a_name_that_is_no_utf_8_is_taken_and_removed_like_any_other(server, ours):
    (server.folder / "in" / os.fsdecode(b"Auftrag-M\xfcller.edi")).write_bytes(b"UNB'")
    server.drop("good.edi")
    claims = ours.take()
    assert sorted(claim.name for claim in claims) == [r"Auftrag-M\xfcller.edi", "good.edi"]
    for claim in claims:
        ours.mailbox.release(claim)
    ours.look()
    assert server.names("in") == []


def test_a_name_that_the_partner_removed_and_wrote_again_is_taken_though_it_looks_alike(server, ours):
    for content in (b"AAAA", b"BBBB"):
        os.utime(server.drop("orders.edi", content), (1001, 1001))
        (claim,) = ours.take()
        assert claim.path.read_bytes() == content
        (server.folder / "in" / "orders.edi").unlink()
        ours.mailbox.release(claim)
        ours.take()


@pytest.mark.parametrize("time", [0, 1_795_456_620])
def test_where_times_tell_little_a_file_that_looks_alike_is_read_again_before_it_goes(server, ours, time):
    os.utime(server.drop("orders.edi", b"AAAA"), (time, time))
    (claim,) = ours.take()
    os.utime(server.drop("orders.edi", b"BBBB"), (time, time))
    ours.mailbox.release(claim)
    ours.look()
    (claim,) = ours.take()
    assert claim.path.read_bytes() == b"BBBB"
    ours.mailbox.release(claim)
    ours.look()
    assert server.names("in") == []


def test_files_are_taken_in_their_order_though_later_ones_are_read_faster(server, ours):
    for number, content in enumerate([LARGE, b"1", b"2"]):
        os.utime(server.drop(f"{2 - number}.edi", content), (1000 + number, 1000 + number))
    assert [claim.name for claim in ours.take()] == ["2.edi", "1.edi", "0.edi"]


def test_a_full_disk_of_ours_is_not_the_partners_fault_and_the_file_comes_later(server, ours, monkeypatch):
    server.drop("order.edi", LARGE)
    ours.look()
    with monkeypatch.context() as full:

        def fail(*_):
            raise OSError(28, "No space left on device")

        full.setattr(os, "fdatasync", fail)
        with pytest.raises(TransportError, match=r"parts.*No space left"):
            ours.look()
    assert [claim.name for claim in ours.look()] == ["order.edi"]
    assert ours.left == []


def test_each_mailbox_keeps_to_its_own_limit_of_connections_to_a_host(server, loop):
    async def count():
        many, one = server.place(connections=3), server.place(connections=1)
        async with connect(many), connect(many):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_through(one), 0.3)
            await _through(many)
        await _through(one)

    async def _through(place):
        async with connect(place):
            pass

    loop.run(count(), 60)


def test_a_name_that_is_still_claimed_is_not_renamed_over(server, loop, tmp_path):
    claiming = Ours(server, loop, tmp_path, claim=f"{server.folder}/claimed")
    server.drop("order.edi", b"first")
    (claim,) = claiming.take()
    server.drop("order.edi", b"the second")
    assert claiming.take() == ()
    assert (server.folder / "claimed" / "order.edi").read_bytes() == b"first"
    claiming.mailbox.release(claim)
    (claim,) = [*claiming.look(), *claiming.look(rest=0)]
    assert claim.path.read_bytes() == b"the second"


LARGE = b"".join(number.to_bytes(8, "big") for number in range(3_000_000))


def _cut_after(monkeypatch, reads):
    """Have the line cut at a read; what was asked for is listed."""
    original, asked = asyncssh.SFTPClientFile.read, []

    async def read(self, size, offset):
        if len(asked) == reads:
            raise asyncssh.SFTPConnectionLost("cut")
        asked.append(offset)
        return await original(self, size, offset)

    monkeypatch.setattr(asyncssh.SFTPClientFile, "read", read)
    return asked


def test_a_large_file_is_read_on_where_the_line_was_cut(server, ours, monkeypatch):
    server.drop("large.edi", LARGE)
    ours.look()
    with monkeypatch.context() as cutting:
        _cut_after(cutting, 7)
        with pytest.raises(TransportError, match="cut"):
            ours.look()
    ours.restart()
    ours.look()
    with monkeypatch.context() as counting:
        asked = _cut_after(counting, -1)
        (claim,) = ours.look()
    # The last window that was written may not have reached the disk.
    assert asked[0] == 6 * WINDOW
    assert claim.path.read_bytes() == LARGE
    assert list((ours.folder / "parts").iterdir()) == []


def test_a_large_file_that_changed_since_the_line_was_cut_is_read_from_the_start(server, ours, monkeypatch):
    server.drop("large.edi", LARGE)
    ours.look()
    with monkeypatch.context() as cutting:
        _cut_after(cutting, 7)
        with pytest.raises(TransportError, match="cut"):
            ours.look()
    os.utime(server.drop("large.edi", LARGE[::-1]), (1000, 1000))
    (claim,) = ours.take()
    assert claim.path.read_bytes() == LARGE[::-1]
    assert list((ours.folder / "parts").iterdir()) == []


def test_what_one_look_has_no_time_for_comes_at_the_next_which_is_at_once(server, loop, tmp_path, monkeypatch):
    ours = Ours(server, loop, tmp_path, seconds=0.5)
    server.drop("large.edi", LARGE)
    server.drop("order.edi")
    ours.look()
    original = asyncssh.SFTPClientFile.read

    async def slowly(self, size, offset):
        await asyncio.sleep(0.1)
        return await original(self, size, offset)

    monkeypatch.setattr(asyncssh.SFTPClientFile, "read", slowly)
    ours.now += 31
    claims, looks = [], 0
    while len(claims) < 2:
        collected = ours.mailbox.collect()
        claims += collected.claims
        assert len(claims) == 2 or collected.look_again_seconds == 0
        looks += 1
    assert looks > 2
    assert {claim.path.read_bytes() for claim in claims} == {LARGE, b"UNB'"}


def test_what_is_delivered_appears_whole_once_and_with_its_proof(server, ours):
    ours.mailbox.stage("t1", "north", b"UNB'" * 100_000)
    handed = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    assert (handed.name, handed.earlier) == ("desadv.edi", False)
    assert msgspec.json.decode(handed.proof)["size"] == 400_000
    assert ours.mailbox.hand_over("t1", "north", "desadv.edi").earlier
    ours.mailbox.stage("t2", "north", b"other")
    assert ours.mailbox.hand_over("t2", "north", "desadv.edi").name == "desadv-2.edi"
    assert server.names("out") == ["desadv-2.edi", "desadv.edi"]


def test_a_crash_between_the_upload_and_its_rename_or_after_it_delivers_once(server, ours, monkeypatch):
    ours.mailbox.stage("t1", "north", b"UNB'")
    original = asyncssh.SFTPClient.rename

    async def die_before(*_):
        raise asyncssh.ConnectionLost("killed")

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", die_before)
    with pytest.raises(TransportError):
        ours.mailbox.hand_over("t1", "north", "desadv.edi")

    async def die_after(self, *paths):
        await original(self, *paths)
        raise asyncssh.ConnectionLost("killed")

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", die_after)
    ours.restart()
    with pytest.raises(TransportError):
        ours.mailbox.hand_over("t1", "north", "desadv.edi")
    monkeypatch.setattr(asyncssh.SFTPClient, "rename", original)
    ours.restart()
    assert ours.mailbox.hand_over("t1", "north", "desadv.edi").name == "desadv.edi"
    assert server.names("out") == ["desadv.edi"]


def test_what_was_known_of_a_delivery_is_known_after_a_crash_before_it_was_recorded(server, ours):
    server.drop("desadv.edi", b"of somebody else", folder="out")
    ours.mailbox.stage("t1", "north", b"UNB'")
    handed = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    ours.restart()
    again = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    assert again == msgspec.structs.replace(handed, earlier=True)
    assert (again.name, msgspec.json.decode(again.proof)["size"]) == ("desadv-2.edi", 4)
    ours.mailbox.stage("t1", "north", b"UNB'")
    assert ours.mailbox.hand_over("t1", "north", "desadv.edi").name == "desadv-3.edi"


def test_a_rename_that_was_refused_was_not_done_whatever_becomes_of_the_temporary_file(server, ours, monkeypatch):
    async def refuse(*_):
        for path in (server.folder / "out").iterdir():
            path.unlink()
        raise asyncssh.SFTPFailure("not now")

    ours.mailbox.stage("t1", "north", b"UNB'")
    with monkeypatch.context() as refusing:
        refusing.setattr(asyncssh.SFTPClient, "rename", refuse)
        with pytest.raises(TransportError):
            ours.mailbox.hand_over("t1", "north", "desadv.edi")
    ours.restart()
    assert ours.mailbox.hand_over("t1", "north", "desadv.edi").proof
    assert (server.folder / "out" / "desadv.edi").read_bytes() == b"UNB'"


def test_what_lies_there_with_another_size_proves_nothing(server, ours, monkeypatch):
    original = asyncssh.SFTPClient.rename

    async def taken_and_replaced(self, *paths):
        await original(self, *paths)
        server.drop("desadv.edi", b"of somebody else", folder="out")

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", taken_and_replaced)
    ours.mailbox.stage("t1", "north", b"UNB'")
    handed = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    assert (handed.name, handed.proof) == ("desadv.edi", b"")


def test_a_server_that_lets_us_write_and_nothing_else_is_delivered_to_without_proof(server, ours, monkeypatch):
    async def refuse(*_, **__):
        raise asyncssh.SFTPPermissionDenied("write only")

    monkeypatch.setattr(asyncssh.SFTPClient, "stat", refuse)
    ours.mailbox.stage("t1", "north", b"UNB'")
    handed = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    assert (handed.name, handed.proof) == ("desadv.edi", b"")
    assert (server.folder / "out" / "desadv.edi").read_bytes() == b"UNB'"


@pytest.mark.parametrize("upload", ["part", "direct"])
def test_a_server_gets_files_under_the_names_that_it_takes(server, loop, tmp_path, monkeypatch, upload):
    ours = Ours(server, loop, tmp_path, upload=upload)
    server.drop("desadv.edi", b"another one", folder="out")
    original, seen = asyncssh.SFTPClient.put, []

    async def put_half(self, source, target, **options):
        await original(self, source, target, **options)
        seen.append(server.names("out"))
        (server.folder / "out" / target.rpartition("/")[2]).write_bytes(b"U")
        raise asyncssh.ConnectionLost("cut")

    ours.mailbox.stage("t1", "north", b"UNB'")
    with monkeypatch.context() as cut:
        cut.setattr(asyncssh.SFTPClient, "put", put_half)
        with pytest.raises(TransportError, match="cut"):
            ours.mailbox.hand_over("t1", "north", "desadv.edi")
    handed = ours.mailbox.hand_over("t1", "north", "desadv.edi")
    assert seen == [["desadv-2.edi.part" if upload == "part" else "desadv-2.edi", "desadv.edi"]]
    assert (handed.name, bool(handed.proof)) == ("desadv-2.edi", True)
    assert server.names("out") == ["desadv-2.edi", "desadv.edi"]
    assert (server.folder / "out" / "desadv-2.edi").read_bytes() == b"UNB'"


def test_another_host_key_stops_everything_for_good(server, loop, tmp_path):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    changed = Ours(server, loop, tmp_path, place=server.place(host_keys=(other,)))
    server.drop("order.edi")
    with pytest.raises(HostKeyChangedError, match="another host key") as caught:
        changed.look()
    assert caught.value.permanent
    both = (other, server.host_key.export_public_key().decode())
    rotating = Ours(server, loop, tmp_path / "both", place=server.place(host_keys=both))
    assert rotating.look() == ()
    with pytest.raises(ConfigurationError, match="could be anybody"):
        Ours(server, loop, tmp_path / "none", place=server.place(host_keys=())).look()


def test_what_does_not_work_is_said_in_words(server, loop, tmp_path):
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(TransportError, match="does not let root in"):
        Ours(server, loop, tmp_path / "a", place=server.place(private_key=stranger)).look()
    with pytest.raises(TransportError, match="refuses connections"):
        Ours(server, loop, tmp_path / "b", place=server.place(port=1)).look()
    with pytest.raises(TransportError, match="no such file or folder"):
        Ours(server, loop, tmp_path / "c", inbox="/nowhere").look()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Ours(server, loop, tmp_path / "d", place=server.place(private_key="nonsense")).look()


def test_the_connection_test_tells_each_step(server, loop):
    other = asyncssh.generate_private_key("ssh-ed25519")

    def steps(*, outbox="out", place=None, **pull):
        agreed = {"mailbox": "north", "host": "127.0.0.1", "inbox": f"{server.folder}/in", **pull}
        where = place or server.place()
        push = Push(outbox=f"{server.folder}/{outbox}") if outbox else None
        remote = Remote(mailbox="north", place=where, push=push, pull=Pull(**agreed))
        return [(step.name, step.ok, step.told) for step in loop.run(try_mailbox(remote), 60)]

    def names(found):
        assert all(ok for _, ok, _ in found)
        return [name for name, _, _ in found]

    reached, changed = ["DNS", "TCP", "host key", "login"], ["list", "write", "rename", "delete"]
    assert names(steps()) == [*reached, *changed, *changed]
    assert names(steps(after="leave")) == [*reached, "list", *changed]
    assert names(steps(outbox="", claim=f"{server.folder}/claimed")) == [*reached, "list", *changed]
    assert not [*server.names("in"), *server.names("out"), *server.names("claimed")]
    assert str(server.host_key.get_fingerprint()) in steps()[2][2]

    def last(**changes):
        name, ok, told = steps(**changes)[-1]
        assert not ok
        return name, told

    assert last(place=server.place(port=1))[0] == "TCP"
    assert last(place=server.place(host="nowhere.invalid"))[0] == "DNS"
    changed_key = last(place=server.place(host_keys=(other.export_public_key().decode(),)))
    assert changed_key[0] == "host key"
    assert server.host_key.get_fingerprint() in changed_key[1]
    assert other.get_fingerprint() in changed_key[1]
    assert last(place=server.place(private_key=other.export_private_key().decode()))[0] == "login"
    failed = [(name, told) for name, ok, told in steps(inbox=f"{server.folder}/none", after="leave") if not ok]
    assert [name for name, _ in failed] == ["list"]
    assert f"{server.folder}/none: no such file" in failed[0][1]
    assert [name for name, ok, _ in steps(outbox="none") if not ok] == ["list", "write"]
    assert [name for name, ok, _ in steps(claim=f"{server.folder}/none") if not ok] == ["list", "rename"]
    assert server.names("in") == []


def test_a_server_that_stops_answering_holds_no_connection_for_ever(server, loop, tmp_path, monkeypatch):
    """What waits gives up, and the next one is let in, although only one connection is allowed."""
    ours = Ours(server, loop, tmp_path, place=server.place(connections=1), patience=1.0)
    server.drop("order.edi")
    ours.look()

    async def wait(*_, **__):
        await asyncio.sleep(60)

    with monkeypatch.context() as patch:
        patch.setattr(asyncssh.SFTPClientFile, "read", wait)
        with pytest.raises(TransportError, match="answer in time"):
            ours.look()
    ours.restart()
    assert [claim.name for claim in ours.take()] == ["order.edi"]
