"""The archive: every transmission's bytes, by the hash of their content, compressed, once, and for good.

`Archive` is the port, `FolderArchive` keeps files on a file system, `MemoryArchive` is the twin for tests.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, BinaryIO, Protocol, cast

import msgspec
import zstandard

from edi_server.errors import StoreError

#: Bytes read at a time: memory does not grow with the size of a transmission.
BLOCK = 1 << 20
#: Fast enough never to be noticed beside fsync; EDI shrinks to about a tenth.
LEVEL = 3
_HASH = re.compile(r"[0-9a-f]{64}")


class Archived(msgspec.Struct, frozen=True):
    """Bytes that are safe now."""

    #: SHA-256 (hex) of the bytes: the key under which they are found again.
    hash: str
    #: Bytes, uncompressed.
    size: int


class Archive(Protocol):
    """Bytes by their hash. What `put` returned survives a power cut. All methods may be called from any thread.

    Raises StoreError: permanent where the bytes are not there or are damaged, passing where the medium failed.
    """

    def put(self, content: BinaryIO | bytes) -> Archived:
        """Keep the bytes (a stream is read to its end, in blocks). The same bytes are kept once."""

    def open(self, hash_: str) -> BinaryIO:
        """The bytes as a stream to be read forwards and closed. A damaged file raises while it is read."""

    def read_range(self, hash_: str, start: int, end: int) -> bytes:
        """The bytes from offset `start` to before `end`; fewer where the content ends earlier."""

    def verify(self, hash_: str) -> bool:
        """True if the bytes are there and have that hash; False if they are damaged. Raises if they are not there."""


def blocks(content: BinaryIO | bytes) -> Iterator[bytes]:
    """The bytes in blocks."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    while block := stream.read(BLOCK):
        yield block


def _not_there(hash_: str) -> StoreError:
    return StoreError(f"The archive holds nothing under {hash_[:80]}.", permanent=True)


class FolderArchive:
    """Files `<folder>/ab/cd/abcd….zst` (Zstandard with checksum). Several processes may share the folder.

    A file appears under its name only when it is whole and on the disk: written to `<folder>/incoming`, fsynced,
    renamed, and its folders fsynced. What a crash leaves in `incoming` is never read, and is swept up after a day.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        with _medium():
            self._incoming.mkdir(parents=True, exist_ok=True)
        self.sweep()

    def put(self, content: BinaryIO | bytes) -> Archived:
        """See `Archive.put`."""
        with _medium(), NamedTemporaryFile(dir=self._incoming, suffix=".part", delete=False) as part:
            try:
                archived = self._compress(content, part)
                self._settle(Path(part.name), part, self._path(archived.hash))
            finally:
                Path(part.name).unlink(missing_ok=True)
        return archived

    def _compress(self, content: BinaryIO | bytes, part: IO[bytes]) -> Archived:
        digest, size = hashlib.sha256(), 0
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        with compressor.stream_writer(part, closefd=False) as writer:
            for block in blocks(content):
                digest.update(block)
                size += len(block)
                writer.write(block)
        return Archived(digest.hexdigest(), size)

    def _settle(self, part: Path, stream: IO[bytes], path: Path) -> None:
        folder = path.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            stream.flush()
            os.fsync(stream.fileno())
            part.replace(path)
        # Also where the file was there: whoever wrote it may not have come as far as this.
        for touched in (folder, folder.parent, self._folder):
            _sync_folder(touched)

    def open(self, hash_: str) -> BinaryIO:
        """See `Archive.open`."""
        with _medium():
            try:
                file = self._path(hash_).open("rb")
            except FileNotFoundError:
                raise _not_there(hash_) from None
        return cast("BinaryIO", io.BufferedReader(_Unpacking(file, hash_), BLOCK))

    def read_range(self, hash_: str, start: int, end: int) -> bytes:
        """See `Archive.read_range`. Everything before `start` is unpacked too: about a second for a gigabyte."""
        with self.open(hash_) as stream:
            left = start
            while left > 0 and (skipped := stream.read(min(left, BLOCK))):
                left -= len(skipped)
            return stream.read(max(0, end - max(0, start)))

    def verify(self, hash_: str) -> bool:
        """See `Archive.verify`."""
        with self.open(hash_) as stream:
            try:
                for _ in blocks(stream):
                    pass
            except StoreError as error:
                if error.permanent:
                    return False
                raise
        return True

    def sweep(self, *, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove what crashes left behind: files in `incoming` not written to for that long; how many."""
        limit = time.time() - older_than.total_seconds()
        swept = 0
        for part in self._incoming.glob("*.part"):
            try:
                if part.stat().st_mtime <= limit:
                    part.unlink()
                    swept += 1
            except FileNotFoundError:
                continue
        return swept

    def _path(self, hash_: str) -> Path:
        if not _HASH.fullmatch(hash_):
            raise _not_there(hash_)
        return self._folder / hash_[:2] / hash_[2:4] / f"{hash_}.zst"


class _Unpacking(io.RawIOBase):
    """A compressed file read as its content, with our own exceptions, and the hash checked at its end.

    The hash is what finds a file that was cut off: the decompressor takes that for the end of the content.
    """

    def __init__(self, file: BinaryIO, hash_: str) -> None:
        self._file = file
        self._hash = hash_
        self._digest = hashlib.sha256()
        self._reader = zstandard.ZstdDecompressor().stream_reader(file, read_size=BLOCK)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            with _medium():
                count = int(self._reader.readinto(buffer))
        except zstandard.ZstdError as error:
            raise self._damaged(str(error)) from error
        self._digest.update(memoryview(buffer)[:count])
        if count == 0 and self._digest.hexdigest() != self._hash:
            raise self._damaged("the content has another hash")
        return count

    def _damaged(self, reason: str) -> StoreError:
        message = f"The archived bytes {self._hash} are damaged ({reason}). Restore the file from a backup."
        return StoreError(message, permanent=True)

    def close(self) -> None:
        self._file.close()
        super().close()


class MemoryArchive:
    """An archive that forgets everything when the process ends: for tests and dry runs."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, content: BinaryIO | bytes) -> Archived:
        """See `Archive.put`."""
        whole = b"".join(blocks(content))
        archived = Archived(hashlib.sha256(whole).hexdigest(), len(whole))
        with self._lock:
            self._contents[archived.hash] = whole
        return archived

    def open(self, hash_: str) -> BinaryIO:
        """See `Archive.open`."""
        return io.BytesIO(self._whole(hash_))

    def read_range(self, hash_: str, start: int, end: int) -> bytes:
        """See `Archive.read_range`."""
        return self._whole(hash_)[max(0, start) : max(0, end)]

    def verify(self, hash_: str) -> bool:
        """See `Archive.verify`."""
        return hashlib.sha256(self._whole(hash_)).hexdigest() == hash_

    def _whole(self, hash_: str) -> bytes:
        try:
            return self._contents[hash_]
        except KeyError:
            raise _not_there(hash_) from None


@contextmanager
def _medium() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The archive could not be used: {error.strerror or error} ({error.filename or 'no file name'})."
        raise StoreError(message) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
