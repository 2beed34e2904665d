"""What partners fetch from the SFTP endpoint, and when it is known that they have it."""

import random
import shutil

import pytest
from rooms.test_sftp_endpoint import Place, _until
from rooms.test_sftp_uploads import lftp

from edi_server.transports.sftp_account import outbox as outbox_module
from edi_server.transports.sftp_account.accounts import AccountsTransport
from edi_server.transports.sftp_account.offers import Offers


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.stop()


class Delivery:
    """Files in `out/`, and which of them are known to have been collected."""

    def __init__(self, place):
        self.place, self.tree = place, place.trees["north"]
        self.transport = AccountsTransport(spool=place.spool, folder=place.folder, trees=lambda: [self.tree])
        offers = Offers(place.folder)
        self.tree.outbox._collected = lambda name: self.transport.note_collected(self.tree, name)
        self.tree.outbox._moved = lambda old, new: offers.move("north", old, new)

    def deliver(self, name, content=b"x" * 1000, transmission_id=None):
        self.transport.stage(transmission_id or name, "north", content)
        return self.transport.hand_over(transmission_id or name, "north", name).name

    def proven(self):
        return sorted(proof.transmission_id for proof in self.transport.proofs())


def read(client, path, start=0):
    with client.open(path, "rb") as file:
        file.seek(start)
        return file.read()


def test_only_who_reads_every_byte_has_collected_a_file(place):
    delivery = Delivery(place)
    delivery.deliver("a.edi")
    with place.paramiko() as client:
        read(client, "/out/a.edi", 999)
        read(client, "/out/a.edi", 1)
        _until(lambda: not place.endpoint.workers.open["north"])
        assert delivery.proven() == []
        with client.open("/out/a.edi", "rb") as file:
            file.seek(500)
            file.read()
            file.seek(0)
            file.read(500)
        _until(lambda: delivery.proven() == ["a.edi"])


def test_partners_who_claim_by_a_rename_or_read_in_their_archive_have_collected(place):
    delivery = Delivery(place)
    for name in ("a.edi", "b.edi", "c.edi"):
        delivery.deliver(name)
    with place.paramiko() as client:
        client.rename("/out/a.edi", "/out/a.edi.processing")
        read(client, "/out/a.edi.processing")
        client.rename("/out/b.edi", "/out/archive/b.edi")
        read(client, "/out/archive/b.edi")
        _until(lambda: delivery.proven() == ["a.edi", "b.edi"])
        # The names are free again, and what is called so now is not what was read.
        delivery.deliver("a.edi", transmission_id="second")
        client.rename("/out/archive/b.edi", "/out/archive/old.edi")
        client.remove("/out/c.edi")
        assert delivery.deliver("c.edi", transmission_id="third") == "c.edi"
        read(client, "/out/archive/old.edi")
        assert delivery.proven() == ["a.edi", "b.edi"]
        read(client, "/out/a.edi")
        read(client, "/out/c.edi")
        _until(lambda: delivery.proven() == ["a.edi", "b.edi", "second", "third"])


@pytest.mark.parametrize("client", ["sftp", "lftp"])
def test_what_clients_fetch_in_pieces_is_collected(place, client):
    if shutil.which(client) is None:
        pytest.skip(f"{client} is missing")
    content = random.Random(1).randbytes(4_000_000)
    delivery = Delivery(place)
    delivery.deliver("big.edi", content)
    if client == "sftp":
        (place.folder / "big.edi").write_bytes(content[:1_500_000])
        with place.paramiko() as first:
            file = first.open("/out/big.edi", "rb")
            assert file.read(1_500_000) == content[:1_500_000]
            first.get_channel().get_transport().close()
        _until(lambda: not place.endpoint.workers.open["north"])
        assert delivery.proven() == []
        place.sftp("reget out/big.edi big.edi\n")
    else:
        lftp(place, "pget -n 4 out/big.edi -o big.edi; cls out")
    assert (place.folder / "big.edi").read_bytes() == content
    _until(lambda: delivery.proven() == ["big.edi"])


def test_who_opens_a_file_and_reads_nothing_has_not_collected_what_a_session_that_broke_off_read(place):
    delivery = Delivery(place)
    delivery.deliver("a.edi")
    outbox = delivery.tree.outbox
    broken = outbox.open("out", "a.edi")
    outbox.get(broken, 0, 1000)
    outbox.leave(broken)
    outbox.finish(outbox.open("out", "a.edi"))
    assert delivery.proven() == []
    rest = outbox.open("out", "a.edi")
    outbox.get(rest, 900, 1000)
    outbox.finish(rest)
    assert delivery.proven() == ["a.edi"]


def test_what_was_read_of_a_file_says_nothing_about_the_next_one_of_its_name_and_size(place):
    delivery = Delivery(place)
    outbox = delivery.tree.outbox
    delivery.deliver("a.edi", transmission_id="first")
    half = outbox.open("out", "a.edi")
    outbox.get(half, 0, 500)
    outbox.finish(half)
    outbox.remove("out", "a.edi")
    assert delivery.deliver("a.edi", transmission_id="second") == "a.edi"
    half = outbox.open("out", "a.edi")
    outbox.get(half, 500, 500)
    outbox.finish(half)
    assert delivery.proven() == []


@pytest.mark.parametrize("then", ["rename", "remove"])
def test_a_file_that_is_renamed_or_deleted_before_it_is_closed_was_collected_all_the_same(place, then):
    delivery = Delivery(place)
    delivery.deliver("a.edi", transmission_id="first")
    with place.paramiko() as client:
        file = client.open("/out/a.edi", "rb")
        assert len(file.read()) == 1000
        if then == "rename":
            client.rename("/out/a.edi", "/out/archive/a.edi")
        else:
            client.remove("/out/a.edi")
            assert delivery.deliver("a.edi", transmission_id="second") == "a-2.edi"
        file.close()
        _until(lambda: delivery.proven() == ["first"])


def test_a_deleted_file_that_nobody_read_to_its_end_was_not_collected_and_its_name_is_free(place):
    delivery = Delivery(place)
    delivery.deliver("a.edi", transmission_id="first")
    outbox = delivery.tree.outbox
    download = outbox.open("out", "a.edi")
    outbox.get(download, 0, 999)
    outbox.remove("out", "a.edi")
    outbox.finish(download)
    assert delivery.proven() == []
    assert delivery.deliver("a.edi", transmission_id="second") == "a.edi"
    assert [file.name for file in (place.folder / "offered" / "north").iterdir()] == ["a.edi"]


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_crash_within_a_rename_leaves_it_known_what_the_file_is(place, monkeypatch, is_renamed):
    delivery = Delivery(place)
    delivery.deliver("a.edi", transmission_id="first")

    def crash(source, target):
        if is_renamed:
            source.rename(target)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(outbox_module, "move_without_replacing", crash)
        with pytest.raises(KeyboardInterrupt):
            delivery.tree.rename("/out/a.edi", "/out/b.edi", replace=False)
    now, other = ("b.edi", "a.edi") if is_renamed else ("a.edi", "b.edi")
    assert delivery.deliver(other, transmission_id="second") == other
    with place.paramiko() as client:
        read(client, f"/out/{now}")
        _until(lambda: delivery.proven() == ["first"])


def test_a_delivery_that_a_crash_interrupted_is_said_under_the_name_that_it_got(place):
    delivery = Delivery(place)
    delivery.deliver("a.edi", transmission_id="first")
    assert delivery.deliver("a.edi", transmission_id="second") == "a-2.edi"
    again = delivery.transport.hand_over("second", "north", "a.edi")
    assert (again.name, again.earlier) == ("a-2.edi", True)


def test_a_document_may_be_called_as_a_folder_of_ours(place):
    delivery = Delivery(place)
    assert delivery.deliver("archive") == "archive-2"
    delivery.deliver("b.edi")
    with place.paramiko() as client:
        client.rename("/out/b.edi", "/out/archive/b.edi")
        read(client, "/out/archive-2")
        read(client, "/out/archive/b.edi")
        _until(lambda: delivery.proven() == ["archive", "b.edi"])
        client.remove("/out/archive-2")


@pytest.mark.parametrize("target", ["/out/b.edi", "/out/archive/b.edi"])
def test_no_rename_replaces_a_file_that_is_to_be_read(place, target):
    delivery = Delivery(place)
    delivery.deliver("a.edi", b"first")
    delivery.deliver("b.edi", b"second")
    with place.paramiko() as client:
        if "archive" in target:
            client.rename("/out/b.edi", target)
        for rename in (client.rename, client.posix_rename):
            with pytest.raises(OSError, match="already"):
                rename("/out/a.edi", target)
        assert (read(client, "/out/a.edi"), read(client, target)) == (b"first", b"second")
        _until(lambda: delivery.proven() == ["a.edi", "b.edi"])
