"""What every archive keeps to."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edi_server.errors import StoreError
from edi_server.store import Archive, FolderArchive, MemoryArchive

CONTENT = b"UNA:+.? '" + bytes(range(256)) * 10_000


@pytest.fixture(params=["folder", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    return FolderArchive(tmp_path / "an archive") if request.param == "folder" else MemoryArchive()


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=["empty", "one byte", "2.5 MB"])
def test_what_was_put_comes_back(archive: Archive, content: bytes) -> None:
    archived = archive.put(content)
    assert archived.hash == hashlib.sha256(content).hexdigest()
    assert archived.size == len(content)
    with archive.open(archived.hash) as stream:
        assert stream.read() == content


def test_a_stream_is_the_same_as_its_bytes(archive: Archive) -> None:
    assert archive.put(io.BytesIO(CONTENT)) == archive.put(CONTENT)


def test_it_can_be_read_in_small_bites(archive: Archive) -> None:
    with archive.open(archive.put(CONTENT).hash) as stream:
        assert stream.read(9) == b"UNA:+.? '"
        assert stream.read(3) == b"\0\1\2"


@pytest.mark.parametrize(
    ("start", "end"), [(0, 9), (9, 12), (2_000_000, 2_000_020), (len(CONTENT) - 2, len(CONTENT) + 5), (5, 5), (9, 3)]
)
def test_a_range_is_a_slice(archive: Archive, start: int, end: int) -> None:
    assert archive.read_range(archive.put(CONTENT).hash, start, end) == CONTENT[start:end]


def test_a_range_behind_the_end_is_empty(archive: Archive) -> None:
    assert archive.read_range(archive.put(b"abc").hash, 10, 20) == b""


@pytest.mark.parametrize("hash_", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_what_is_not_there_is_a_permanent_error(archive: Archive, hash_: str) -> None:
    for ask in (archive.open, archive.verify, lambda wanted: archive.read_range(wanted, 0, 1)):
        with pytest.raises(StoreError, match="holds nothing") as raised:
            ask(hash_)
        assert raised.value.permanent


def test_whole_bytes_are_verified(archive: Archive) -> None:
    assert archive.verify(archive.put(CONTENT).hash)


def test_many_threads_may_put_the_same(archive: Archive) -> None:
    with ThreadPoolExecutor(8) as threads:
        hashes = {archived.hash for archived in threads.map(archive.put, [CONTENT] * 24)}
    assert len(hashes) == 1
    assert archive.read_range(hashes.pop(), 0, len(CONTENT)) == CONTENT
