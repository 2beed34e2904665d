"""What becomes of uploads to the SFTP endpoint: whole, once, and told; whatever clients, names and disks do."""

import asyncio
import errno
import os
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest
from rooms.test_sftp_endpoint import ORDER, Place, _until, needs

from edi_server.errors import TransportError
from edi_server.transports.sftp_account import ghosts, intake, statuses
from edi_server.transports.sftp_account import tree as tree_module
from edi_server.transports.sftp_account.account import Account, AccountKey, Quota
from edi_server.transports.sftp_account.accounts import AccountsTransport
from edi_server.transports.sftp_account.names import Refused, file_name, find, text_of
from edi_server.transports.sftp_account.spans import Spans
from edi_server.transports.sftp_account.tree import Tree
from edi_server.transports.spool import Spool

NEW = {"append": False, "truncate": True, "create": True, "exclusive": False}
RESUME = {**NEW, "truncate": False}


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    (tmp_path / "order.edi").write_bytes(ORDER)
    yield made
    made.stop()


@pytest.fixture
def tree(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    made = Tree(Account(name="north", mailbox="north"), tmp_path / "north", spool, quiet_seconds=0.0)
    made.prepare()
    return made


def claims(tree):
    return [(one.name, one.path.read_bytes()) for one in tree._spool.claimed()]


def upload(tree, name, content, **how):
    one = tree.write(f"/in/{name}", **{**NEW, **how})
    tree.put(one, 0, content)
    tree.close(one)


def said(tree):
    """Names of statuses without time and id, and what they say."""
    found = sorted((tree._root / "status").iterdir())
    return [(file.name.rsplit(".", 2)[0], file.read_text()) for file in found]


@contextmanager
def raw(place):
    """A client that says names as bytes."""

    def run(action):
        async def session():
            options = {"username": "north", "client_keys": [str(place.key)], "known_hosts": None, "agent_path": None}
            async with (
                asyncssh.connect("127.0.0.1", place.port, **options) as connection,
                connection.start_sftp_client(path_encoding=None) as client,
            ):
                return await action(client)

        return asyncio.run(session())

    yield run


# --- names


def test_a_name_in_an_old_encoding_is_an_order_like_any_other_and_its_own_in_every_request(place):
    async def old_client(client):
        async with client.open(b"/in/Auftrag-M\xfcller.tmp", "wb") as file:
            await file.write(ORDER)
        assert (await client.stat(b"/in/Auftrag-M\xfcller.tmp")).size == len(ORDER)
        [listed] = [one for one in await client.listdir(b"/in") if not one.startswith(b".")]
        assert listed == "Auftrag-Müller.tmp".encode()
        assert (await client.stat(b"/in/" + listed)).size == len(ORDER)
        await client.rename(b"/in/Auftrag-M\xfcller.tmp", b"/in/Auftrag-M\xfcller.edi")
        assert (await client.stat(b"/in/Auftrag-M\xfcller.edi")).size == len(ORDER)
        async with client.open(b"/in/\xff.tmp", "wb") as file:
            await file.write(ORDER)
        await client.remove(b"/in/\xff.tmp")

    with raw(place) as run:
        run(old_client)
    assert place.taken() == {"Auftrag-Müller.edi": ORDER}
    place.trees["north"].settle()
    place.spool.claimed()


@pytest.mark.parametrize(
    "name", [b"a\nTaken b.edi", b"a\x1b[31m.edi", b"a\r.edi", "a\u202eide.edi".encode(), b"\x81.edi"]
)
def test_names_with_control_characters_are_refused_in_words_and_forge_no_line_of_a_log(place, name, caplog):
    caplog.set_level("INFO", logger="edi_server")

    async def forge(client):
        for action in (client.open(b"/in/" + name, "wb"), client.rename(b"/in/x.tmp", b"/in/" + name)):
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="control characters"):
                await action
        with pytest.raises(asyncssh.SFTPError):
            await client.stat(b"/nothing/" + name)

    with raw(place) as run:
        run(forge)
    assert "refused" in caplog.text
    for record in caplog.records:
        if record.name.startswith("edi_server"):
            assert record.getMessage().isprintable()
    assert place.taken() == {}


@pytest.mark.parametrize(("length", "taken"), [(200, True), (201, False), (255, False)])
def test_names_may_be_200_bytes_long_and_longer_ones_are_refused_in_words(place, length, taken):
    name = "n" * (length - 4) + ".edi"
    with place.paramiko() as client:
        if taken:
            client.put(str(place.folder / "order.edi"), f"/in/{name}")
            [status] = client.listdir("/status")
            assert client.open(f"/status/{status}").read()
        else:
            with pytest.raises(OSError, match="more than 200 bytes"):
                client.put(str(place.folder / "order.edi"), f"/in/{name}")
    assert place.taken() == ({name: ORDER} if taken else {})


def test_what_lies_there_under_a_name_that_is_no_text_can_be_seen_and_deleted_after_the_next_start(tree):
    os.close(os.open(os.fsencode(tree._root / "in") + b"/\xff.tmp", os.O_CREAT))
    tree.prepare()
    assert [entry.name for entry in tree.list("/in")] == ["ÿ.tmp"]
    tree.remove("/in/ÿ.tmp")


def test_a_name_is_text_whatever_it_was_written_in():
    assert text_of("Müller €.edi".encode()) == "Müller €.edi"
    assert text_of("Müller €.edi".encode("cp1252")) == "Müller €.edi"
    assert file_name(b"a\nb") == "a_b"
    assert find("in\\order.edi") == ("in", "order.edi")
    with pytest.raises(Refused, match="There is no"):
        find("/in/sub/order.edi")


def test_what_was_handed_over_under_a_name_that_is_no_text_or_too_long_is_taken_with_the_others(tree):
    rested, lying = os.fsencode(tree._root / ".rested"), os.fsencode(tree._root / "in")
    upload_id = b"019a0000-0000-7000-8000-000000000001"
    for path in (rested + b"/" + upload_id + b"~M\xfcller.edi", lying + b"/\xff.edi", lying + b"/" + b"n" * 255):
        Path(os.fsdecode(path)).write_bytes(ORDER)
    assert tree.settle() == tree_module.Settled()
    tree.settle()
    assert sorted(name for name, _ in claims(tree)) == ["Müller.edi", "n" * 200, "ÿ.edi"]


# --- one name, several sessions


def test_of_uploads_side_by_side_under_one_name_each_that_was_answered_well_is_taken_whole(tree):
    """Whoever is told that another session writes the file tries again; whoever is told nothing has delivered."""
    done, troubles = [], []

    def send(worker):
        for count in range(40):
            content = f"{worker}-{count};".encode() * 50
            while True:
                try:
                    upload(tree, "order.edi", content)
                except Refused:
                    time.sleep(0)
                    continue
                except Exception as error:  # noqa: BLE001 — shown by the test
                    troubles.append(error)
                    return
                break
            done.append(content)

    threads = [threading.Thread(target=send, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert sorted(content for _, content in claims(tree)) == sorted(done)
    assert len(done) == 240


def test_a_file_that_was_handed_over_by_a_rename_is_never_replaced_by_a_later_one(place):
    tree = place.trees["north"]
    with place.paramiko() as client:
        for count, rename in enumerate((client.rename, client.posix_rename, client.rename)):
            with client.open("/in/x.tmp", "wb") as file:
                file.write(b"%d" % count + ORDER)
            rename("/in/x.tmp", "/in/orders.edi")
        client.put(str(place.folder / "order.edi"), "/in/orders.edi")
    assert sorted(claims(tree)) == sorted(
        [("orders.edi", ORDER), *(("orders.edi", b"%d" % count + ORDER) for count in range(3))]
    )


# --- resuming


def test_a_file_that_was_taken_cannot_be_appended_to_and_its_sender_is_told_to_send_it_whole(place):
    with place.paramiko() as client:
        client.put(str(place.folder / "order.edi"), "/in/day.edi")
        with pytest.raises(OSError, match="send the file again from its start"):
            client.open("/in/day.edi", "ab")

    async def go_on(client):
        file = await client.open(b"/in/day.edi", "r+b")
        for action in (file.write(b"tail", len(ORDER)), file.close()):
            with pytest.raises(asyncssh.SFTPError, match="send the file again from its start"):
                await action

    with raw(place) as run:
        run(go_on)
    assert place.taken() == {"day.edi": ORDER}


def lftp(place, commands, check=True):
    connect = f"ssh -a -x -i {place.key} -o UserKnownHostsFile={place.folder / 'known'} -F none"
    script = (
        f"set sftp:connect-program '{connect}'; set net:max-retries 1; set net:timeout 10; "
        f"open -u north,x sftp://127.0.0.1:{place.port}; {commands}; bye"
    )
    return place.shell("lftp", "-c", script, check=check)


@needs["lftp"]
def test_lftp_going_on_with_a_file_that_was_taken_delivers_no_part_of_it(place):
    lftp(place, "put order.edi -o in/day.edi")
    (place.folder / "order.edi").write_bytes(ORDER + b"more")
    lftp(place, "put -c order.edi -o in/day.edi", check=False)
    assert place.taken() == {"day.edi": ORDER}
    lftp(place, "put order.edi -o in/day.edi")
    assert sorted(content for _, content in claims(place.trees["north"])) == [ORDER, ORDER + b"more"]


@needs["lftp"]
def test_lftp_going_on_with_a_file_that_was_taken_whole_is_told_nothing_that_makes_it_send_twice(place):
    lftp(place, "put order.edi -o in/day.edi")
    lftp(place, "put -c order.edi -o in/day.edi")
    assert [text.partition(": ")[2][:8] for _, text in said(place.trees["north"])] == ["received"]
    assert claims(place.trees["north"]) == [("day.edi", ORDER)]


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("end", ["close", "abort"])
def test_who_goes_on_with_nothing_behind_what_was_taken_changes_nothing(tree, end, is_cut):
    upload(tree, "order.edi", ORDER)
    one = tree.write("/in/order.edi", **RESUME)
    if is_cut:
        tree.cut(one, len(ORDER))
    getattr(tree, end)(one)
    assert len(said(tree)) == 1
    assert list(tree.list("/in")) == []
    assert tree.look("/in/order.edi").size == len(ORDER)
    assert len(tree._held) == 1


@needs["sftp"]
def test_openssh_going_on_with_a_file_that_was_taken_delivers_no_part_of_it(place):
    place.sftp("put order.edi in/day.edi\n")
    (place.folder / "order.edi").write_bytes(ORDER + b"more")
    assert b"Failure" in place.sftp("reput order.edi in/day.edi\n", check=False).stderr
    assert place.taken() == {"day.edi": ORDER}


def break_off(place, name, content):
    with place.paramiko() as client:
        file = client.open(f"/in/{name}", "wb")
        file.write(content)
        file.flush()
        client.get_channel().get_transport().close()
    _until(lambda: not place.trees["north"]._writing)


@needs["lftp"]
def test_lftp_resumes_what_was_broken_off_and_mirrors_a_folder(place):
    break_off(place, "order.edi", ORDER[:1000])
    lftp(place, "put -c order.edi -o in/order.edi")
    assert place.taken() == {"order.edi": ORDER}
    (place.folder / "many").mkdir()
    for number in range(5):
        (place.folder / "many" / f"{number}.edi").write_bytes(ORDER + b"%d" % number)
    lftp(place, "mirror -R --no-perms many in", check=False)
    assert {name: content for name, content in place.taken().items() if name != "order.edi"} == {
        f"{number}.edi": ORDER + b"%d" % number for number in range(5)
    }


def test_a_client_that_resumes_without_appending_delivers_the_whole(place):
    break_off(place, "order.edi", ORDER[:1000])
    with place.paramiko() as client:
        size = client.stat("/in/order.edi").st_size
        assert size == 1000
        with client.open("/in/order.edi", "r+") as file:
            file.seek(size)
            file.write(ORDER[size:])
    assert place.taken() == {"order.edi": ORDER}


def test_a_filepart_of_a_broken_session_is_resumed_closed_and_renamed(place):
    break_off(place, "order.edi.filepart", ORDER[:1000])
    with place.paramiko() as client:
        with client.open("/in/order.edi.filepart", "r+") as file:
            file.seek(1000)
            file.write(ORDER[1000:])
        client.rename("/in/order.edi.filepart", "/in/order.edi")
        client.utime("/in/order.edi", (1, 1))
    assert place.taken() == {"order.edi": ORDER}


@needs["scp"]
def test_scp_over_a_longer_upload_that_was_broken_off_delivers_its_own_file_only(place):
    break_off(place, "order.edi", b"X" * 9000)
    place.shell("scp", *place.ssh_options(), "-P", str(place.port), "order.edi", "north@127.0.0.1:in/")
    assert place.taken() == {"order.edi": ORDER}


@pytest.mark.parametrize("length", [100, 999])
def test_what_an_earlier_upload_left_behind_the_end_of_a_new_one_is_not_taken(tree, length):
    old = tree.write("/in/order.edi", **NEW)
    tree.put(old, 0, b"X" * 1000)
    tree.abort(old)
    upload(tree, "order.edi", b"n" * length, truncate=False)
    assert claims(tree) == [("order.edi", b"n" * length)]


@pytest.mark.parametrize("pieces", [[(1000, b"x")], [(0, b"x" * 10), (11, b"x")], [(5, b"x" * 5), (0, b"xxxx")]])
def test_an_upload_with_bytes_that_never_came_is_not_taken_and_its_status_says_so(tree, pieces):
    one = tree.write("/in/order.edi", **NEW)
    for offset, content in pieces:
        tree.put(one, offset, content)
    with pytest.raises(Refused, match="never written"):
        tree.close(one)
    assert claims(tree) == []
    [(name, text)] = said(tree)
    assert name == "order.edi"
    assert "not taken" in text
    assert len(tree._held) == 0


def test_a_length_set_beforehand_is_no_content_and_pieces_may_come_in_any_order(tree):
    one = tree.write("/in/order.edi", **NEW)
    tree.cut(one, 30)
    for offset in (20, 0, 10):
        tree.put(one, offset, b"%d" % (offset // 10) * 10)
    tree.close(one)
    half = tree.write("/in/half.edi", **NEW)
    tree.cut(half, 30)
    tree.put(half, 0, b"x" * 20)
    with pytest.raises(Refused, match="never written"):
        tree.close(half)
    assert claims(tree) == [("order.edi", b"0" * 10 + b"1" * 10 + b"2" * 10)]


def test_what_is_kept_of_an_upload_that_was_broken_off_ends_at_its_first_gap(tree):
    one = tree.write("/in/order.edi", **NEW)
    tree.put(one, 0, b"a" * 10)
    tree.put(one, 20, b"c" * 10)
    tree.abort(one)
    assert tree.look("/in/order.edi").size == 10
    again = tree.write("/in/order.edi", **RESUME)
    tree.put(again, 10, b"b" * 20)
    tree.close(again)
    assert claims(tree) == [("order.edi", b"a" * 10 + b"b" * 20)]


def test_the_length_of_a_file_that_is_being_written_is_not_set_from_outside(place):
    with place.paramiko() as client, place.paramiko() as other:
        file = client.open("/in/order.edi", "wb")
        file.write(ORDER)
        file.flush()
        with pytest.raises(OSError, match="being written"):
            other.truncate("/in/order.edi", 0)
        other.utime("/in/order.edi", (1, 1))
        file.close()
    assert place.taken() == {"order.edi": ORDER}


def test_spans_say_how_far_something_goes_without_a_gap():
    spans = Spans()
    for start, end in ((10, 20), (30, 40), (0, 5), (20, 30), (5, 5)):
        spans.add(start, end)
    assert (spans.start, spans.end, spans.reach(), spans.reach(10)) == (0, 40, 5, 40)
    spans.add(4, 11)
    assert spans.reach() == 40
    spans.cut(15)
    assert (spans.end, spans.reach()) == (15, 15)
    for start in range(100, 5000, 2):
        spans.add(start, start + 1)
    assert len(spans._starts) == 1000


def test_large_writes_of_a_fast_client_arrive_whole(place):
    content = os.urandom(9_000_000)

    async def send(client):
        async with client.open(b"/in/large.edi", "wb", block_size=-1) as file:
            await file.write(content)

    with raw(place) as run:
        run(send)
    assert place.taken() == {"large.edi": content}


# --- quotas


def test_many_files_opened_first_and_written_then_hold_no_more_than_one(tree):
    tree.account = Account(name="north", mailbox="north", quota=Quota(bytes=5000, files=100, largest_file=5000))
    opened = [tree.write(f"/in/{number}.edi", **NEW) for number in range(50)]
    written = 0
    for one in opened:
        try:
            tree.put(one, 0, bytes(450))
            written += 450
        except Refused:
            pass
    assert written == 4950


def test_what_was_taken_counts_until_it_is_in_the_store_and_after_a_new_start_too(tree):
    tree.account = Account(name="north", mailbox="north", quota=Quota(bytes=5000, files=3, largest_file=5000))
    upload(tree, "a.edi", bytes(3000))
    for _ in range(2):
        one = tree.write("/in/b.edi", **NEW)
        with pytest.raises(Refused, match="used up"):
            tree.put(one, 0, bytes(3000))
        tree.abort(one)
        tree.prepare()
    for name in ("b.tmp", "c.tmp"):
        upload(tree, name, b"x")
    with pytest.raises(Refused, match="no more are taken"):
        tree.write("/in/d.edi", **NEW)
    transport = AccountsTransport(spool=tree._spool, folder=tree._root.parent, trees=lambda: [tree])
    for claim in transport.claimed():
        transport.release(claim)
    upload(tree, "d.edi", bytes(3000))


# --- disks


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "/srv/edi/var/sftp/spool/new")


def test_what_is_complete_is_taken_later_if_the_spool_has_no_room_now_and_once(place, monkeypatch, caplog):
    tree = place.trees["north"]
    transport = AccountsTransport(spool=place.spool, folder=place.folder, trees=lambda: [tree])
    with monkeypatch.context() as broken:
        broken.setattr(Spool, "take", lambda *_, **__: (_ for _ in ()).throw(TransportError("the disk is full")))
        with place.paramiko() as client:
            client.put(str(place.folder / "order.edi"), "/in/order.edi")
        [left] = transport.collect().left
        assert left.mailbox == "north"
        assert left.finding.found == "order.edi"
        assert transport.collect().left == ()
    assert "taken later" in caplog.text
    assert transport.collect().left == ()
    assert claims(tree) == [("order.edi", ORDER)]
    assert list((tree._root / ".rested").iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "ftruncate"])
def test_a_full_disk_at_the_close_is_said_in_words_logged_and_leaves_nothing(place, monkeypatch, caplog, step):
    async def fill_up(client):
        file = await client.open(b"/in/order.edi", "wb")
        await file.write(ORDER)
        with monkeypatch.context() as broken:
            broken.setattr(tree_module.os, step, full)
            with pytest.raises(asyncssh.SFTPFailure, match="disk is full") as caught:
                await file.close()
        assert "/srv/" not in str(caught.value)

    with raw(place) as run:
        run(fill_up)
    with place.paramiko() as client:
        assert client.listdir("/in") == []
        client.put(str(place.folder / "order.edi"), "/in/order.edi")
    assert "No space left" in caplog.text
    assert claims(place.trees["north"]) == [("order.edi", ORDER)]


def test_what_nobody_foresaw_tells_a_client_no_path_of_ours(place, monkeypatch, caplog):
    monkeypatch.setattr(Tree, "look", lambda *_: (_ for _ in ()).throw(ValueError("/srv/edi/var/sftp: odd")))
    with place.paramiko() as client, pytest.raises(OSError, match="try again later") as caught:
        client.stat("/in")
    assert "/srv" not in str(caught.value)
    assert "/srv/edi/var/sftp: odd" in caplog.text


def test_trouble_with_one_file_or_one_account_holds_up_no_other(place):
    north, south = place.trees["north"], place.open_account("south", keys=(AccountKey(key=place.public),))
    upload(south, "x.edi", ORDER)
    for name in ("bad.edi", "good.edi"):
        (north._root / "in" / name).write_bytes(ORDER)
    finish = north._finish

    def stumble(file, name, size, changed):
        if name == "bad.edi":
            raise OSError(errno.EIO, "Input/output error")
        return finish(file, name, size, changed)

    north._finish = stumble
    transport = AccountsTransport(spool=place.spool, folder=place.folder, trees=lambda: [north, south])
    time.sleep(0.35)
    collected = transport.collect()
    assert [one.finding.found for one in collected.left] == ["bad.edi"]
    assert {claim.name for claim in collected.claims} == {"x.edi", "good.edi"}
    shutil.rmtree(north._root)
    upload(south, "y.edi", ORDER)
    collected = transport.collect()
    assert [one.mailbox for one in collected.left] == ["north"]
    assert [claim.name for claim in collected.claims] == ["y.edi"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EXDEV])
def test_what_may_not_be_linked_is_copied_and_taken_once(tree, monkeypatch, number):
    """Of a file that another user laid there, Linux lets us make no link."""
    (tree._root / "in" / "order.edi").write_bytes(ORDER)
    link = os.link

    def refuse(source, target, **how):
        if ".rested" in str(source):
            raise OSError(number, os.strerror(number))
        link(source, target, **how)

    monkeypatch.setattr(intake.os, "link", refuse)
    assert tree.settle() == tree_module.Settled()
    assert tree.settle() == tree_module.Settled()
    assert claims(tree) == [("order.edi", ORDER)]
    assert list((tree._root / ".rested").iterdir()) == []
    assert list((tree._spool._folder / "uploads").iterdir()) == []


def test_an_upload_that_is_ours_is_answered_well_though_its_name_could_not_be_made_durable(tree, monkeypatch, caplog):
    monkeypatch.setattr(intake, "sync_folder", full)
    upload(tree, "order.edi", ORDER)
    upload(tree, "order.tmp", ORDER)
    tree.rename("/in/order.tmp", "/in/order2.edi", replace=False)
    assert sorted(claims(tree)) == [("order.edi", ORDER), ("order2.edi", ORDER)]
    assert "cannot be made durable" in caplog.text


def test_an_open_that_is_refused_leaves_a_closed_file_what_it_was(tree):
    upload(tree, "order.tmp", ORDER)
    with pytest.raises(Refused, match="there already"):
        tree.write("/in/order.tmp", **{**NEW, "exclusive": True})
    tree.rename("/in/order.tmp", "/in/order.edi", replace=False)
    assert claims(tree) == [("order.edi", ORDER)]


def test_a_closed_file_that_cannot_be_opened_again_stays_closed(tree, monkeypatch):
    upload(tree, "order.tmp", ORDER)
    with monkeypatch.context() as broken:
        broken.setattr(tree._parts, "begin", full)
        with pytest.raises(OSError, match="No space"):
            tree.write("/in/order.tmp", **RESUME)
    assert len(tree._held) == 1
    tree.rename("/in/order.tmp", "/in/order.edi", replace=False)
    assert claims(tree) == [("order.edi", ORDER)]


@pytest.mark.parametrize("kept", [b"", ORDER[:1000]])
def test_an_upload_over_the_quota_whose_session_ends_is_told_and_keeps_what_came_before(tree, kept):
    if kept:
        one = tree.write("/in/order.edi", **NEW)
        tree.put(one, 0, kept)
        tree.abort(one)
    tree.account = Account(name="north", mailbox="north", quota=Quota(bytes=1500, files=3, largest_file=1500))
    one = tree.write("/in/order.edi", **RESUME)
    tree.put(one, len(kept), ORDER[len(kept) : 1200])
    with pytest.raises(Refused, match="more than 1500"):
        tree.put(one, 1200, ORDER[1200:])
    tree.abort(one)
    [(name, text)] = said(tree)
    assert name == "order.edi"
    assert "more than 1500 bytes" in text
    assert [entry.size for entry in tree.list("/in")] == ([len(kept)] if kept else [])


def test_what_is_released_while_it_is_counted_counts_no_longer(tree, monkeypatch):
    upload(tree, "order.edi", ORDER)
    transport = AccountsTransport(spool=tree._spool, folder=tree._root.parent, trees=lambda: [tree])
    reset = tree._held.reset

    def release_before(sizes):
        for claim in transport.claimed():
            transport.release(claim)
        reset(sizes)

    monkeypatch.setattr(tree._held, "reset", release_before)
    tree.count()
    assert len(tree._held) == 0


# --- what is told


def test_two_who_write_one_status_at_a_time_get_in_nobodys_way_and_partners_see_whole_ones_only(tree):
    upload_id, troubles, texts = "019a0000-0000-7000-8000-000000000001", [], [c * 5000 for c in "ab"]

    def write(text):
        try:
            for _ in range(500):
                tree.statuses.say("order.edi", upload_id, text)
        except OSError as error:
            troubles.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.update(entry.name for entry in tree.list("/status"))
    for thread in threads:
        thread.join()
    assert troubles == []
    [(_, text)] = said(tree)
    assert text in texts
    assert len(seen) <= 1
    assert list((tree._root / ".status").iterdir()) == []


def test_a_status_that_its_partner_deletes_while_the_old_ones_are_expires_nothing_less(tree, monkeypatch):
    for name in ("a.edi", "b.edi", "c.edi"):
        upload(tree, name, ORDER)
    lstat = Path.lstat

    def vanish(file):
        if file.name.startswith("b.edi"):
            file.unlink(missing_ok=True)
        return lstat(file)

    monkeypatch.setattr(Path, "lstat", vanish)
    assert tree.statuses.expire(time.time() + statuses._KEPT_SECONDS + 100) == 2
    assert said(tree) == []


def test_what_was_closed_and_never_renamed_is_deleted_after_a_week_and_that_is_told(tree):
    upload(tree, "order.tmp", ORDER)
    tree.tidy()
    assert [entry.name for entry in tree.list("/in")] == ["order.tmp"]
    now = time.time()
    tree._clock = lambda: now + 8 * 86400
    tree.tidy()
    assert list(tree.list("/in")) == []
    assert [name for name, text in said(tree) if "not renamed to a final name" in text] == ["order.tmp"]
    assert len(tree._held) == 0


def test_each_upload_has_a_status_of_its_own_and_an_empty_one_too(place):
    tree = place.trees["north"]
    names = ["n" * 195 + "1.edi", "n" * 195 + "2.edi", "order.edi", "order.edi"]
    for name in names:
        upload(tree, name, ORDER)
    upload(tree, "empty.edi", b"")
    upload(tree, "empty.tmp", b"")
    tree.rename("/in/empty.tmp", "/in/empty2.edi", replace=False)
    assert sorted(name for name, _ in said(tree)) == sorted([*names, "empty.edi", "empty2.edi"])
    assert {text.partition(": ")[2] for name, text in said(tree) if "empty" in name} == {
        "is empty, so nothing was taken.\n"
    }
    assert len(claims(tree)) == 4
    assert list(tree.list("/in")) == []
    assert len(tree._held) == 4
    with place.paramiko() as client:
        assert client.stat("/in/empty.edi").st_size == 0


def test_a_file_that_is_made_empty_first_and_opened_again_to_be_written_is_taken(tree):
    upload(tree, "order.edi", b"")
    upload(tree, "order.edi", ORDER, create=False, truncate=False)
    assert claims(tree) == [("order.edi", ORDER)]


def test_old_statuses_and_uploads_that_nobody_resumed_are_deleted_and_that_is_told(tree):
    upload(tree, "order.edi", ORDER)
    one = tree.write("/in/half.edi", **NEW)
    tree.put(one, 0, b"half")
    tree.abort(one)
    tree.tidy()
    assert [entry.name for entry in tree.list("/in")] == ["half.edi"]
    now = time.time()
    tree._clock = lambda: now + 8 * 86400
    tree.tidy()
    assert list(tree.list("/in")) == []
    assert [name for name, text in said(tree) if "broken off" in text] == ["half.edi"]
    tree._clock = lambda: now + statuses._KEPT_SECONDS + 100
    tree.tidy()
    assert said(tree) == []


def test_what_was_taken_is_answered_for_after_a_new_start_and_not_for_ever(tree):
    upload(tree, "order.edi", ORDER)
    again = Tree(tree.account, tree._root, tree._spool)
    again.prepare()
    again.set_time("/in/order.edi", 1.0, None)
    assert again.look("/in/order.edi").size == len(ORDER)
    again.rename("/in/order.edi", "/in/order.done", replace=False)
    assert again.look("/in/order.done").size == len(ORDER)
    late = Tree(tree.account, tree._root, tree._spool, clock=lambda: time.time() + ghosts.SECONDS + 1)
    late.prepare()
    with pytest.raises(Refused):
        late.look("/in/order.edi")
    for number in range(ghosts._MOST + 5):
        again._ghosts.remember(f"{number}", 1, 1.0)
        again._ghosts.rename(f"{number}", f"{number}.done")
    assert len(again._ghosts._by_name) == ghosts._MOST
