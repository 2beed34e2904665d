"""The archive on a file system: what a crash, a full disk or a flipped bit may do to it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from edi_server.errors import StoreError
from edi_server.store import FolderArchive

CONTENT = b"BGM+220+4711+9'" * 1_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "an archive"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_same_bytes_are_kept_once_and_compressed_in_two_levels_of_folders(folder: Path) -> None:
    archive = FolderArchive(folder)
    archived = archive.put(CONTENT)
    archive.put(CONTENT)
    (file,) = files(folder)
    assert file == folder / archived.hash[:2] / archived.hash[2:4] / f"{archived.hash}.zst"
    assert file.stat().st_size < len(CONTENT) / 10


def test_a_write_that_was_killed_half_way_leaves_nothing_that_is_ever_read(folder: Path) -> None:
    script = (
        "import sys, os, signal, pathlib\n"
        "from edi_server.store import FolderArchive\n"
        "class Dying:\n"
        "    left = 3\n"
        "    def read(self, size):\n"
        "        self.left -= 1\n"
        "        if not self.left: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return os.urandom(size)\n"
        "FolderArchive(pathlib.Path(sys.argv[1])).put(Dying())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert ended.returncode == -9
    (leftover,) = files(folder)
    assert leftover.parent.name == "incoming"
    archive = FolderArchive(folder)
    assert files(folder) == [leftover], "too young to be swept: somebody may be writing it"
    assert archive.put(CONTENT).size == len(CONTENT)
    os.utime(leftover, (0, 0))
    FolderArchive(folder)
    assert not leftover.exists(), "swept when the archive is opened a day later"


def test_a_file_being_written_is_not_swept(folder: Path) -> None:
    archive = FolderArchive(folder)

    class SweptMeanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert FolderArchive(folder).sweep() == 0
            return super().read(size)

    archived = archive.put(SweptMeanwhile(CONTENT))
    assert archive.verify(archived.hash)


def test_sweeping_counts(folder: Path) -> None:
    archive = FolderArchive(folder)
    (folder / "incoming" / "left.part").write_bytes(b"half")
    assert archive.sweep(older_than=timedelta()) == 1
    assert files(folder) == []


def test_a_source_that_breaks_leaves_nothing(folder: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StoreError, match="Input/output error") as raised:
        FolderArchive(folder).put(Broken())
    assert not raised.value.permanent
    assert files(folder) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "foreign"])
def test_damaged_bytes_are_found_out(folder: Path, damage: str) -> None:
    archive = FolderArchive(folder)
    archived = archive.put(os.urandom(100_000))
    (file,) = files(folder)
    packed = bytearray(file.read_bytes())
    if damage == "flip":
        packed[len(packed) // 2] ^= 1
    elif damage == "cut":
        del packed[-10:]
    else:
        packed[:] = b"not compressed at all"
    file.write_bytes(packed)
    assert not archive.verify(archived.hash)


def test_reading_flipped_bytes_is_a_permanent_error(folder: Path) -> None:
    archive = FolderArchive(folder)
    archived = archive.put(os.urandom(100_000))
    (file,) = files(folder)
    packed = bytearray(file.read_bytes())
    packed[50_000] ^= 1
    file.write_bytes(packed)
    with pytest.raises(StoreError, match="damaged") as raised, archive.open(archived.hash) as stream:
        stream.read()
    assert raised.value.permanent


def test_reading_a_file_that_was_cut_off_is_a_permanent_error(folder: Path) -> None:
    archive = FolderArchive(folder)
    archived = archive.put(os.urandom(100_000))
    (file,) = files(folder)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(StoreError, match="damaged") as raised:
        archive.read_range(archived.hash, 0, 200_000)
    assert raised.value.permanent


def test_bytes_are_on_the_disk_before_they_have_their_name_and_the_name_before_put_returns(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = FolderArchive(folder)
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def watched_replace(self: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    hash_ = archive.put(CONTENT).hash
    assert done[0].endswith(".part")
    assert done[1:] == ["renamed", hash_[2:4], hash_[:2], folder.name]
    done.clear()
    archive.put(CONTENT)
    assert done == [hash_[2:4], hash_[:2], folder.name], "the other writer may not have come as far as the folders"


def test_memory_does_not_grow_with_the_size(folder: Path) -> None:
    script = (
        "import sys, io, resource, pathlib\n"
        "from edi_server.store import FolderArchive\n"
        "class Long(io.RawIOBase):\n"
        "    left = 60\n"
        "    def read(self, size=-1):\n"
        "        self.left -= 1\n"
        "        return b'QTY+21:5' * (size // 8) if self.left > 0 else b''\n"
        "archive = FolderArchive(pathlib.Path(sys.argv[1]))\n"
        "archive.put(b'warm up')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "archived = archive.put(Long())\n"
        "assert archived.size == 59 << 20, archived\n"
        "assert archive.read_range(archived.hash, archived.size - 8, archived.size) == b'QTY+21:5'\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(folder)], check=True, capture_output=True, text=True)
    assert int(ran.stdout) < 20_000, "kilobytes, for 59 MB"


def test_a_folder_that_cannot_be_made_is_a_passing_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be used") as raised:
        FolderArchive(tmp_path / "file" / "archive")
    assert not raised.value.permanent
