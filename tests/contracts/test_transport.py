"""What every transport keeps to; one suite, run against each implementation."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from contracts.transport_places import PLACES, FolderPlace

from edi_server.errors import TransportError
from edi_server.transports import Claim, FolderTransport, renaming
from edi_server.transports.loop import Loop

MANY = 300


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with Loop("partners") as running:
        yield running


@pytest.fixture(params=PLACES)
def any_place(request: pytest.FixtureRequest, tmp_path: Path, loop: Loop) -> Iterator[Any]:
    made, missing = PLACES[request.param]
    if missing:
        pytest.skip(missing)
    root = tmp_path / "with a space"
    root.mkdir()
    place = made(root, loop)
    yield place
    place.close()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    """For what only folders have: files that others write to, rename and take away."""
    root = tmp_path / "with a space"
    root.mkdir()
    return FolderPlace(root)


class Killed(BaseException):
    """The process ended here."""


CALLS = ("rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync", "open")


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ends the process, as it were, before the n-th call that changes the file system; None lets it live again."""
    left: list[int | None] = [None]

    def armed(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return original(*arguments, **options)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, armed(getattr(os, name)))
    monkeypatch.setattr(renaming, "_renameat2", armed(renaming._renameat2))

    def arm(number: int | None) -> None:
        left[0] = number

    yield arm
    left[0] = None


def test_a_complete_file_is_claimed_with_its_bytes_name_mailbox_and_an_id_of_its_own(any_place: Any) -> None:
    any_place.drop("north", "order 1.edi", b"UNA:+.? '")
    (claim,) = any_place.settle()
    assert (claim.mailbox, claim.name, claim.size) == ("north", "order 1.edi", 9)
    assert claim.path.read_bytes() == b"UNA:+.? '"
    assert UUID(claim.transmission_id).version == 7
    assert claim.changed_at.tzinfo is not None


def test_a_file_is_claimed_once(any_place: Any) -> None:
    any_place.drop("north", "a.edi", b"a")
    assert len(any_place.settle()) == 1
    assert any_place.settle() == []


def test_the_oldest_comes_first(place: FolderPlace) -> None:
    for age, name in enumerate(("a", "c", "b")):
        os.utime(place.drop("north", name, b"x"), (1000 - age, 1000 - age))
    assert [claim.name for claim in place.settle()] == ["b", "c", "a"]


def test_a_released_claim_is_gone_and_releasing_twice_is_harmless(any_place: Any) -> None:
    any_place.drop("north", "a.edi", b"a")
    (claim,) = any_place.settle()
    any_place.transport.release(claim)
    any_place.transport.release(claim)
    assert any_place.transport.claimed() == []
    assert any_place.settle() == []
    assert not claim.path.exists()


def test_after_a_crash_claims_are_found_with_their_ids(any_place: Any) -> None:
    for number, mailbox in enumerate(any_place.mailboxes):
        any_place.drop(mailbox, f"{number}.edi", b"content")
    claims = any_place.settle()
    any_place.restart()
    assert any_place.transport.claimed() == sorted(claims, key=lambda claim: claim.transmission_id)
    assert any_place.settle() == []


def test_two_files_of_one_name_one_after_the_other_are_two_transmissions(any_place: Any) -> None:
    any_place.drop("north", "order.edi", b"first")
    (first,) = any_place.settle()
    any_place.drop("north", "order.edi", b"second")
    (second,) = any_place.settle()
    assert (first.path.read_bytes(), second.path.read_bytes()) == (b"first", b"second")
    assert first.transmission_id < second.transmission_id


def test_a_claim_that_is_written_to_afterwards_is_collected_once_more_in_whole(place: FolderPlace) -> None:
    path = place.drop("north", "slow.edi", b"half")
    with path.open("ab") as writer:
        (claim,) = place.settle()
        writer.write(b" and half")
    place.transport.release(claim)
    (again,) = place.settle()
    assert again.path.read_bytes() == b"half and half"
    assert again.transmission_id != claim.transmission_id


def test_names_of_any_bytes_survive(place: FolderPlace) -> None:
    names = [b"gr\xc3\xbc\xc3\x9fe \xe2\x82\xac.edi", b"latin \xe9.edi", b"line\nbreak.edi", b"-rf", b"a" * 255]
    for name in names:
        place.drop("north", os.fsdecode(name), name)
    claims = place.settle()
    assert sorted(claim.path.read_bytes() for claim in claims) == sorted(names)
    shown = {claim.name for claim in claims}
    assert {"grüße €.edi", "latin \\xe9.edi", "line\\x0abreak.edi", "-rf"} < shown
    for claim in claims:
        claim.name.encode("utf-8")
    place.restart()
    assert len(place.transport.claimed()) == len(names)


def test_many_files_of_many_mailboxes_are_all_claimed(place: FolderPlace) -> None:
    for number in range(MANY):
        place.drop("north" if number % 2 else "south", f"{number}.edi", str(number).encode())
    claims = place.settle()
    assert sorted(int(claim.path.read_bytes()) for claim in claims) == list(range(MANY))
    assert len({claim.transmission_id for claim in claims}) == MANY


def test_collectors_at_the_same_time_take_each_file_once(place: FolderPlace) -> None:
    taken: list[Claim] = []
    others = [FolderTransport(place.root / "inbox", place.root / "outbox", quiet_seconds=0) for _ in range(4)]
    start = threading.Barrier(len(others))
    for number in range(MANY):
        place.drop("north", f"{number}.edi", str(number).encode())

    def collect(transport: FolderTransport) -> None:
        start.wait()
        for _ in range(5):
            taken.extend(transport.collect().claims)

    threads = [threading.Thread(target=collect, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(int(claim.path.read_bytes()) for claim in taken) == Counter(range(MANY))


COLLECTOR = """
import sys
from pathlib import Path
from edi_server.transports import FolderTransport
root = Path(sys.argv[1])
transport = FolderTransport(root / "inbox", root / "outbox", quiet_seconds=0)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    for claim in transport.collect().claims:
        print(claim.path.read_bytes().decode(), flush=True)
"""


def test_processes_at_the_same_time_take_each_file_once(place: FolderPlace) -> None:
    command = [sys.executable, "-c", COLLECTOR, str(place.root)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for number in range(MANY):
        place.drop("north", f"{number}.edi.tmp", str(number).encode()).rename(
            place.root / "inbox" / "north" / f"{number}.edi"
        )
    out = [process.communicate("go\n")[0] for process in processes]
    place.restart()
    rest = [claim.path.read_bytes().decode() for claim in place.settle()]
    assert Counter("".join(out).split() + rest) == Counter(map(str, range(MANY)))


def test_a_crash_anywhere_while_collecting_loses_and_doubles_nothing(place: FolderPlace, kill_at: Any) -> None:
    crashes = 0
    while True:
        contents = {f"{crashes}-{one}".encode() for one in range(3)}
        for content in contents:
            place.drop("north", f"{content.decode()}.edi", content)
        stored: dict[str, bytes] = {}
        place.transport.collect()
        place.now += 3.0
        kill_at(crashes)
        try:
            store_all(place, place.transport.collect().claims, stored)
            finished = True
        except Killed:
            finished = False
        kill_at(None)
        place.restart()
        store_all(place, place.transport.claimed(), stored)
        store_all(place, place.settle(), stored)
        assert Counter(stored.values()) == Counter(contents)
        assert place.transport.claimed() == []
        if finished:
            break
        crashes += 1
    assert crashes > 10


def store_all(place: FolderPlace, claims: Iterable[Claim], stored: dict[str, bytes]) -> None:
    """What the engine does: store by transmission id, then release."""
    for claim in claims:
        stored.setdefault(claim.transmission_id, claim.path.read_bytes())
        place.transport.release(claim)


def test_staged_bytes_are_not_seen_before_they_are_handed_over(any_place: Any) -> None:
    any_place.transport.stage("t1", "north", b"bytes")
    assert any_place.lying("north") == {}
    done = any_place.transport.hand_over("t1", "north", "despatch.edi")
    assert (done.name, done.earlier) == ("despatch.edi", False)
    assert any_place.lying("north") == {"despatch.edi": b"bytes"}


def test_staging_again_replaces(any_place: Any) -> None:
    any_place.transport.stage("t1", "north", b"old")
    any_place.transport.stage("t1", "north", b"new")
    any_place.transport.hand_over("t1", "north", "a.edi")
    assert any_place.lying("north") == {"a.edi": b"new"}


def test_handing_over_again_delivers_nothing_twice_even_if_the_partner_took_the_file(any_place: Any) -> None:
    any_place.transport.stage("t1", "north", b"bytes")
    any_place.transport.hand_over("t1", "north", "a.edi")
    any_place.take_away("north", "a.edi")
    any_place.restart()
    assert any_place.transport.hand_over("t1", "north", "a.edi").earlier
    assert any_place.lying("north") == {}


def test_who_did_not_hear_that_it_was_handed_over_is_told_again_with_name_and_proof(any_place: Any) -> None:
    any_place.transport.stage("t1", "north", b"bytes")
    first = any_place.transport.hand_over("t1", "north", "a.edi")
    for _ in range(2):
        any_place.restart()
        again = any_place.transport.hand_over("t1", "north", "a.edi")
        assert (again.earlier, again.confirmed, again.name) == (True, first.confirmed, "a.edi")
        if any_place.keeps_proofs:
            assert first.proof
            assert (again.proof, again.detail) == (first.proof, first.detail)


def test_no_file_of_the_partner_is_ever_replaced(any_place: Any) -> None:
    if not any_place.has_names:
        return  # nothing lies there under a name
    for number in range(3):
        any_place.transport.stage(f"t{number}", "north", f"{number}".encode())
        any_place.transport.hand_over(f"t{number}", "north", "a.edi")
    assert any_place.lying("north") == {"a.edi": b"0", "a-2.edi": b"1", "a-3.edi": b"2"}


def test_what_is_staged_anew_after_it_was_delivered_arrives_once_more(any_place: Any) -> None:
    """A person has it sent again: the partner must not take it for a repetition."""
    for _ in range(2):
        any_place.transport.stage("t1", "north", b"bytes")
        assert not any_place.transport.hand_over("t1", "north", "a.edi").earlier
        assert b"bytes" in any_place.lying("north").values()
        any_place.take_away("north", next(iter(any_place.lying("north"))))
        assert any_place.lying("north") == {}
        any_place.restart()


def test_many_files_come_and_go_in_whole(any_place: Any) -> None:
    contents = {f"{number}.edi": os.urandom(3000) for number in range(12)}
    for name, content in contents.items():
        any_place.drop("north", name, content)
    claims = any_place.settle()
    assert {claim.name: claim.path.read_bytes() for claim in claims} == contents
    for claim in claims:
        any_place.transport.stage(claim.transmission_id, "north", claim.path.read_bytes())
        any_place.transport.hand_over(claim.transmission_id, "north", claim.name)
        any_place.transport.release(claim)
    assert any_place.lying("north") == contents


def test_what_is_not_confirmed_at_once_is_proven_until_that_was_settled(any_place: Any) -> None:
    any_place.transport.stage("t1", "north", b"bytes")
    handed = any_place.transport.hand_over("t1", "north", "a.edi")
    if handed.confirmed:
        return
    assert handed.proof == b""
    any_place.lying("north")
    any_place.restart()
    for _ in range(2):
        [proof] = any_place.transport.proofs()
        assert (proof.transmission_id, proof.confirmed) == ("t1", True)
        assert proof.proof
    any_place.transport.settle(proof)
    assert any_place.transport.proofs() == []


def test_nobody_is_delivered_to_who_has_not_agreed(any_place: Any) -> None:
    if isinstance(any_place, FolderPlace):
        return  # a folder is made on the way
    with pytest.raises(TransportError) as caught:
        any_place.transport.stage("t1", "nobody", b"bytes")
    assert caught.value.permanent


def test_a_new_mailbox_is_made_on_the_way(place: FolderPlace) -> None:
    place.transport.stage("t1", "brand-new", b"x")
    place.transport.hand_over("t1", "brand-new", "a.edi")
    assert place.lying("brand-new") == {"a.edi": b"x"}


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../a", "a.part", "a.tmp", "a\0b", "a" * 300])
def test_names_that_partners_would_not_see_are_refused_for_good(place: FolderPlace, name: str) -> None:
    place.transport.stage("t1", "north", b"x")
    with pytest.raises(TransportError) as caught:
        place.transport.hand_over("t1", "north", name)
    assert caught.value.permanent
    with pytest.raises(TransportError):
        place.transport.stage("t1", name, b"x")


@pytest.mark.parametrize("missing", ["nothing", "renameat2"])
def test_a_crash_anywhere_while_delivering_delivers_exactly_once(
    place: FolderPlace, kill_at: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "renameat2":
        monkeypatch.setattr(renaming, "_libc_renameat2", lambda: None)
    crashes = 0
    while True:
        key, content, name = f"t{crashes}", f"bytes {crashes}".encode(), f"{crashes}.edi"
        staged = finished = False
        kill_at(crashes)
        try:
            place.transport.stage(key, "north", content)
            staged = True
            place.transport.hand_over(key, "north", name)
            finished = True
        except Killed:
            pass
        kill_at(None)
        place.restart()
        if not staged:
            place.transport.stage(key, "north", content)
        place.transport.hand_over(key, "north", name)
        assert place.lying("north")[name] == content
        assert Counter(place.lying("north").values())[content] == 1
        assert list((place.root / "outbox" / "north" / ".staged").iterdir()) == []
        if finished:
            break
        crashes += 1
    assert crashes > 5
