"""Folder mailboxes: which files are taken, which are left and why, and being told about them."""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edi_server.errors import TransportError
from edi_server.transports import Claim, Collected, FolderTransport, Left, collecting, renaming, watching
from edi_server.transports.watching import Watch


class Desk:
    """A folder transport with a clock of its own."""

    def __init__(self, root: Path) -> None:
        self.now = 100.0
        self.inbox, self.outbox = root / "inbox", root / "outbox"
        self.transport = FolderTransport(self.inbox, self.outbox, quiet_seconds=2.0, clock=lambda: self.now)
        self.transport.prepare(["north"])
        self.north = self.inbox / "north"

    def look(self, after: float = 0.0) -> Collected:
        self.now += after
        return self.transport.collect()

    def settle(self) -> tuple[list[str], list[Left]]:
        """Names taken, and what was left, over two looks a quiet time apart."""
        first, second = self.look(), self.look(after=2.0)
        return [claim.name for claim in first.claims + second.claims], [*first.left, *second.left]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def codes(left: list[Left] | tuple[Left, ...]) -> list[tuple[str, str, str | None]]:
    return [(one.mailbox, one.finding.code, one.finding.found) for one in left]


def test_a_file_is_taken_only_when_the_quiet_time_has_passed_by_our_clock(desk: Desk) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    os.utime(path, (0, 0))  # however old the file server says it is
    first = desk.look()
    assert (first.claims, first.look_again_seconds) == ((), 2.0)
    second = desk.look(after=1.5)
    assert (second.claims, second.look_again_seconds) == ((), 0.5)
    assert [claim.name for claim in desk.look(after=0.5).claims] == ["a.edi"]
    assert desk.look().look_again_seconds is None


def test_a_clock_of_the_file_server_that_runs_ahead_does_not_matter(desk: Desk) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    os.utime(path, (4e9, 4e9))
    assert desk.settle()[0] == ["a.edi"]


def test_a_growing_file_is_not_taken_before_it_rests(desk: Desk) -> None:
    path = desk.north / "a.edi"
    for size in range(1, 6):
        path.write_bytes(b"x" * size)
        assert desk.look(after=1.9).claims == ()
    assert desk.look(after=1.9).claims == ()
    (claim,) = desk.look(after=0.1).claims
    assert claim.size == 5


def test_a_file_whose_time_changes_is_not_taken_before_it_rests(desk: Desk) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    desk.look()
    os.utime(path, (5, 5))
    assert desk.look(after=2.0).claims == ()
    assert len(desk.look(after=2.0).claims) == 1


def test_a_file_that_is_replaced_waits_again(desk: Desk) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"old")
    os.utime(path, (5, 5))
    desk.look()
    other = desk.north / ".a"
    other.write_bytes(b"new")
    os.utime(other, (5, 5))
    other.rename(path)
    assert desk.look(after=2.0).claims == ()
    (claim,) = desk.look(after=2.0).claims
    assert claim.path.read_bytes() == b"new"


@pytest.mark.parametrize("name", [".hidden", "a.part", "a.PART", "a.tmp", "a.edi.filepart", "a.edi~"])
def test_unfinished_files_are_not_taken_until_they_are_renamed(desk: Desk, name: str) -> None:
    (desk.north / name).write_bytes(b"x")
    assert desk.settle() == ([], [])
    (desk.north / name).rename(desk.north / "a.edi")
    assert desk.settle() == (["a.edi"], [])


def test_an_empty_file_is_left_and_reported_once_until_something_comes(desk: Desk) -> None:
    path = desk.north / "empty.edi"
    path.touch()
    assert desk.look().left == ()
    assert codes(desk.look(after=2.0).left) == [("north", "transport.empty-file", "empty.edi")]
    assert desk.settle() == ([], [])
    path.write_bytes(b"at last")
    assert desk.settle() == (["empty.edi"], [])


def test_what_was_reported_makes_nobody_look_again_at_once(desk: Desk) -> None:
    (desk.north / "empty.edi").touch()
    assert desk.look().look_again_seconds == 2.0
    assert desk.look(after=2.0).look_again_seconds is None


def test_bytes_are_durable_before_they_get_a_name_and_names_before_we_say_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace, renameat2 = os.fsync, os.replace, renaming._renameat2

    def record_fsync(descriptor: int) -> None:
        fsync(descriptor)
        where = Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(desk.outbox)
        done.append(f"sync {where}" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync bytes")

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("name it"), replace(*names)))
    monkeypatch.setattr(renaming, "_renameat2", lambda *names: (done.append("show it"), renameat2(*names)))
    desk.transport.stage("t1", "north", b"x")
    assert done[:2] == ["sync bytes", "name it"]
    assert set(done[2:]) == {"sync north/.staged", "sync north", "sync ."}
    done.clear()
    desk.transport.hand_over("t1", "north", "a.edi")
    assert done == ["show it", "sync north"]


def test_links_pipes_and_sockets_are_left_and_reported_once(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "secret"
    target.write_bytes(b"not yours")
    (desk.north / "link.edi").symlink_to(target)
    os.mkfifo(desk.north / "pipe.edi")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(desk.north / "socket.edi"))
        taken, left = desk.settle()
    assert taken == []
    assert sorted(codes(left)) == [
        ("north", "transport.link", "link.edi"),
        ("north", "transport.not-a-file", "pipe.edi"),
        ("north", "transport.not-a-file", "socket.edi"),
    ]
    assert desk.settle() == ([], [])
    assert target.read_bytes() == b"not yours"


def test_a_file_with_a_second_name_is_taken_when_that_is_gone(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"x")
    os.link(other, desk.north / "a.edi")
    assert codes(desk.settle()[1]) == [("north", "transport.linked-file", "a.edi")]
    other.unlink()
    assert [claim.name for claim in desk.look().claims] == ["a.edi"]


def test_folders_in_a_mailbox_are_left_alone(desk: Desk) -> None:
    (desk.north / "archive").mkdir()
    (desk.north / "archive" / "old.edi").write_bytes(b"x")
    assert desk.settle() == ([], [])


def test_a_file_outside_any_mailbox_is_left_and_reported_and_the_readme_is_not(desk: Desk) -> None:
    (desk.inbox / "stray.edi").write_bytes(b"x")
    (desk.inbox / "README.md").write_bytes(b"x")
    assert codes(desk.settle()[1]) == [("", "transport.no-mailbox", "stray.edi")]


def test_a_mailbox_nobody_told_us_of_is_collected_too(desk: Desk) -> None:
    (desk.inbox / "stranger").mkdir()
    (desk.inbox / "stranger" / "a.edi").write_bytes(b"x")
    assert desk.settle()[0] == ["a.edi"]


def refuse(name: str) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise PermissionError(13, f"Permission denied ({name})")

    return call


def test_a_file_that_may_not_be_taken_is_reported_once_and_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.north / "a.edi").write_bytes(b"a")
    (desk.north / "b.edi").write_bytes(b"b")
    monkeypatch.setattr(Path, "rename", refuse("rename"))
    taken, left = desk.settle()
    assert taken == []
    assert sorted(codes(left)) == [
        ("north", "transport.not-taken", "a.edi"),
        ("north", "transport.not-taken", "b.edi"),
    ]
    assert desk.look(after=5).left == ()
    monkeypatch.undo()
    assert sorted(claim.name for claim in desk.look(after=5).claims) == ["a.edi", "b.edi"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_reported(desk: Desk) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    path.chmod(0)
    assert codes(desk.settle()[1]) == [("north", "transport.not-taken", "a.edi")]


def test_a_mailbox_that_cannot_be_read_is_reported_once_and_holds_back_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.inbox / "south").mkdir()
    (desk.inbox / "south" / "a.edi").write_bytes(b"x")
    scandir = os.scandir

    def refused(folder: Path) -> object:
        if Path(folder).name == "north":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refused)
    taken, left = desk.settle()
    assert taken == ["a.edi"]
    assert codes(left) == [("north", "transport.folder-unreadable", "north")]


def test_an_inbox_that_is_not_there_is_a_passing_failure(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="the inbox cannot be read") as caught:
        FolderTransport(tmp_path / "absent", tmp_path / "outbox").collect()
    assert not caught.value.permanent


def test_a_file_swapped_for_a_link_at_the_last_moment_is_not_taken(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    desk.look()
    rename = Path.rename

    def swap(self: Path, target: Path) -> Path:
        self.unlink()
        self.symlink_to(secret)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", swap)
    assert desk.look(after=2.0).claims == ()
    monkeypatch.undo()
    assert stat.S_ISLNK(path.lstat().st_mode)
    assert desk.transport.claimed() == []


def test_a_file_that_grows_at_the_last_moment_is_put_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.north / "a.edi"
    path.write_bytes(b"x")
    desk.look()
    rename = Path.rename

    def grow(self: Path, target: Path) -> Path:
        with self.open("ab") as file:
            file.write(b"more")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", grow)
    assert desk.look(after=2.0).claims == ()
    monkeypatch.undo()
    assert path.read_bytes() == b"xmore"
    assert desk.settle()[0] == ["a.edi"]


def test_more_files_than_one_look_takes_are_taken_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_MOST", 3)
    for number in range(8):
        (desk.north / f"{number}").write_bytes(b"x")
    desk.look()
    looks = [desk.look(after=2.0), desk.look(), desk.look()]
    assert [len(look.claims) for look in looks] == [3, 3, 2]
    assert [look.look_again_seconds for look in looks] == [0.0, 0.0, None]


def test_what_a_crash_leaves_of_a_claim_without_its_file_is_tidied(desk: Desk) -> None:
    empty = desk.north / ".claimed" / "01a20851-4d1f-7d0e-8a5b-c443d9ce3e36"
    strange = desk.north / ".claimed" / "somebody's"
    for folder in (empty, strange):
        folder.mkdir(parents=True)
    assert desk.transport.claimed() == []
    assert (empty.exists(), strange.exists()) == (False, True)


def test_an_outbox_that_cannot_be_written_is_a_passing_failure(desk: Desk) -> None:
    (desk.outbox / "blocked").write_bytes(b"a file where a folder should be")
    with pytest.raises(TransportError) as caught:
        desk.transport.stage("t", "blocked", b"x")
    assert not caught.value.permanent


@pytest.mark.parametrize("missing", [[], ["renameat2"], ["renameat2", "link"]])
def test_moving_never_replaces_whatever_the_file_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    if "renameat2" in missing:
        monkeypatch.setattr(renaming, "_libc_renameat2", lambda: None)
    if "link" in missing:
        monkeypatch.setattr(os, "link", refuse_link)
    one, other, new = tmp_path / "one", tmp_path / "other", tmp_path / "new"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    with pytest.raises(FileExistsError):
        renaming.move_without_replacing(one, other)
    assert (one.read_bytes(), other.read_bytes()) == (b"1", b"2")
    renaming.move_without_replacing(one, new)
    assert (one.exists(), new.read_bytes()) == (False, b"1")
    with pytest.raises(FileNotFoundError):
        renaming.move_without_replacing(one, tmp_path / "newer")


def refuse_link(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_this_machine_has_the_atomic_way(tmp_path: Path) -> None:
    """Without it the crash tests of the contract would prove less than they seem to."""
    (tmp_path / "a").write_bytes(b"x")
    renaming._renameat2(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("name", "second"), [("a.edi", "a-2.edi"), ("a", "a-2"), ("a.b.edi", "a.b-2.edi"), (".a", ".a-2")]
)
def test_a_second_name_keeps_its_suffix(name: str, second: str) -> None:
    names = renaming.free_names(name)
    assert (next(names), next(names)) == (name, second)


def test_a_watch_tells_of_a_file_that_was_closed_or_renamed_into_place(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    with Watch(tmp_path, "on") as watch:
        assert watch.without == ""
        assert not watch.wait(0.2)
        (tmp_path / "north" / "a.edi").write_bytes(b"x")
        assert watch.wait(5)
        drain(watch)
        (tmp_path / "late").mkdir()
        assert watch.wait(5)
        drain(watch)
        (tmp_path / "late" / "b.part").write_bytes(b"x")
        drain(watch)
        (tmp_path / "late" / "b.part").rename(tmp_path / "late" / "b.edi")
        assert watch.wait(5)


def drain(watch: Watch) -> None:
    while watch.wait(0.3):
        pass


def test_stopping_a_watch_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("watchdog.observers.inotify")
    log.error("InotifyEmitter.queue_events() called when the thread is inactive")
    assert caplog.messages == []
    log.error("something else")
    assert caplog.messages == ["something else"]


def test_our_own_claims_wake_nobody(desk: Desk) -> None:
    (desk.north / "a.edi").write_bytes(b"x")
    desk.look()
    with Watch(desk.inbox, "on") as watch:
        drain(watch)
        (claim,) = desk.look(after=2.0).claims
        desk.transport.release(claim)
        assert not watch.wait(0.4)


def test_a_watch_without_the_operating_system_is_a_pause_that_can_be_ended(tmp_path: Path) -> None:
    with Watch(tmp_path, "off") as watch:
        assert watch.without == "switched off"
        (tmp_path / "a").write_bytes(b"x")
        assert not watch.wait(0.05)
        threading.Timer(0.05, watch.wake).start()
        started = time.monotonic()
        assert watch.wait(10)
        assert time.monotonic() - started < 5


def test_a_network_file_system_is_looked_through_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "file_system_of", lambda _: "nfs4")
    with Watch(tmp_path, "auto") as watch:
        assert "network file system (nfs4)" in watch.without


def test_a_machine_that_cannot_watch_is_looked_through_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def schedule(self, *_: object, **__: object) -> None:
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watching, "Observer", Full)
    with Watch(tmp_path, "auto") as watch:
        assert "inotify watch limit reached" in watch.without
    with pytest.raises(TransportError, match="cannot be watched") as caught:
        Watch(tmp_path, "on")
    assert caught.value.permanent


def test_the_file_system_of_a_folder_is_that_of_the_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    share = tmp_path / "a share"
    share.mkdir()
    escaped = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {escaped} nfs4 rw 0 0\n", encoding="utf-8")
    assert watching.file_system_of(share / "in", mounts) == "nfs4"
    assert watching.file_system_of(tmp_path, mounts) == "ext4"
    assert watching.file_system_of(Path(f"{share}d"), mounts) == "ext4"
    assert watching.file_system_of(share, tmp_path / "absent") == ""


def test_a_claim_travels_as_a_frozen_record(desk: Desk) -> None:
    (desk.north / "a.edi").write_bytes(b"x")
    desk.look()
    (claim,) = desk.look(after=2.0).claims
    assert isinstance(claim, Claim)
    with pytest.raises(AttributeError):
        claim.name = "b"  # type: ignore[misc]
