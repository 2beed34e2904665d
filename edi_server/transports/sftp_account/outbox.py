"""`out/` of one account: what is offered to the partner, and what of it they have read.

A file is collected when every byte of it was read and somebody closed it: by one handle or by several, in one session
or in many, since clients split large files, and go on where the line was cut. What a session read that broke off counts
once somebody reads what is missing and closes.

All of it changes under one lock of its own, notes made durable included: partners have few files here at a time, and
uploads do not wait for it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.renaming import move_without_replacing, sync_folder
from edi_server.transports.sftp_account.names import OUT, STATUS, Refused
from edi_server.transports.sftp_account.spans import Spans

#: Bytes of one answer. scp of OpenSSH 9.2 asks for nearly as many, and cuts the file short, without a word, where it is
#: answered with fewer.
_MOST_READ = 262_144
#: Files of which it is remembered what was read, those that are open aside.
_MOST = 200
#: What stays the same of a file whatever it is called: device, inode, size, time of change in nanoseconds.
_Identity = tuple[int, int, int, int]


class Reading(msgspec.Struct, eq=False):
    """What was read of a file by handles that are closed."""

    #: What it is called now: "name" or "archive/name".
    name: str
    spans: Spans
    handles: int = 0
    is_deleted: bool = False
    is_collected: bool = False


class Download(msgspec.Struct, kw_only=True, eq=False):
    """A file being read. `reading` is None for what is not in `out/`."""

    name: str
    descriptor: int
    size: int
    changed: float
    read: Spans
    reading: Reading | None


class Outbox:
    """Used from any thread. Methods raise Refused, and TransportError or OSError where the disk does not work."""

    def __init__(self, root: Path, collected: Callable[[str], None], moved: Callable[[str, str], None]) -> None:
        """`collected` is told what was read whole: "name" or "archive/name".

        `moved` is told that a file is going to be called otherwise, and then with "" that its old name is free.
        """
        self._root = root
        self._collected = collected
        self._moved = moved
        self._readings: OrderedDict[_Identity, Reading] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, folder: str, name: str) -> Download:
        """Open a file for reading."""
        with self._lock:
            try:
                descriptor = os.open(self._root / folder / name, os.O_RDONLY | os.O_NOFOLLOW)
            except OSError as error:
                raise Refused("missing", f"There is no /{folder}/{name}.") from error
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                os.close(descriptor)
                raise Refused("missing", f"There is no /{folder}/{name}.")
            return Download(
                name=name,
                descriptor=descriptor,
                size=status.st_size,
                changed=status.st_mtime,
                read=Spans(),
                reading=None if folder == STATUS else self._begin(status, _offer_name(folder, name)),
            )

    def _begin(self, status: os.stat_result, name: str) -> Reading:
        identity = _identity(status)
        reading = self._readings.setdefault(identity, Reading(name, Spans()))
        self._readings.move_to_end(identity)
        reading.handles += 1
        closed = [one for one, other in self._readings.items() if not other.handles]
        for one in closed[: max(0, len(closed) - _MOST)]:
            del self._readings[one]
        return reading

    @staticmethod
    def get(download: Download, offset: int, size: int) -> bytes:
        """A piece of a file."""
        content = os.pread(download.descriptor, min(size, _MOST_READ), offset)
        download.read.add(offset, offset + len(content))
        return content

    def leave(self, download: Download) -> None:
        """The session ended in the middle: the last that was read may never have arrived, so nothing is collected."""
        self._end(download, is_closed=False)

    def finish(self, download: Download) -> None:
        """The client closed what it read. Who reads nothing of a file has collected none, whatever others have read."""
        self._end(download, is_closed=bool(download.read.end or not download.size))

    def _end(self, download: Download, *, is_closed: bool) -> None:
        identity = _identity(os.fstat(download.descriptor))
        os.close(download.descriptor)
        reading = download.reading
        if reading is None:
            return
        with self._lock:
            reading.handles -= 1
            reading.spans.join(download.read)
            if is_closed and not reading.is_collected and reading.spans.reach() >= download.size:
                self._collected(reading.name)
                reading.is_collected = True
            is_over = reading.is_collected or (reading.is_deleted and not reading.handles)
            if is_over and self._readings.get(identity) is reading:
                del self._readings[identity]
            if reading.is_deleted and not reading.is_collected and not reading.handles:
                self._moved(reading.name, "")

    def remove(self, folder: str, name: str) -> None:
        """Delete a file. What it was is forgotten before, or, while somebody reads it, when they are done."""
        file = self._root / folder / name
        with self._lock:
            status = _regular(file)
            if status is None:
                raise Refused("missing", f"There is no /{folder}/{name}.")
            reading = self._readings.get(_identity(status))
            is_read = reading is not None and reading.handles > 0
            if not is_read:
                self._readings.pop(_identity(status), None)
                self._moved(_offer_name(folder, name), "")
            file.unlink()
            if reading is not None and is_read:
                reading.is_deleted = True

    def rename(self, old_folder: str, old_name: str, new_folder: str, new_name: str) -> None:
        """A file that nobody has read must not be replaced, even if the client asked for that."""
        source, target = self._root / old_folder / old_name, self._root / new_folder / new_name
        old, new = _offer_name(old_folder, old_name), _offer_name(new_folder, new_name)
        with self._lock:
            status = _regular(source)
            if status is None:
                raise Refused("missing", f"There is no {old_name}.")
            if not self._is_free(target, new):
                raise Refused("exists", f"There is a {new_name} already.")
            # Known by both names until it has one: wherever a crash finds it, it is known what it is.
            self._moved(old, new)
            try:
                move_without_replacing(source, target)
            except FileExistsError as error:
                self._moved(new, "")
                raise Refused("exists", f"There is a {new_name} already.") from error
            reading = self._readings.get(_identity(status))
            if reading is not None:
                reading.name = new
            sync_folder(target.parent)
            self._moved(old, "")

    def offer(self, staged: Path, name: str, note: Callable[[], None]) -> bool:
        """Show a staged file under exactly that name; False if it is taken.

        `note` says what it is, before the partner can see it: so that however soon it is read, that is known.
        """
        target = self._root / OUT / name
        with self._lock:
            if not self._is_free(target, name):
                return False
            note()
            try:
                move_without_replacing(staged, target)
            except FileExistsError:
                self._moved(name, "")
                return False
            except OSError as error:
                raise of_disk(error) from error
            sync_folder(target.parent)
        return True

    def _is_free(self, file: Path, name: str) -> bool:
        """Nothing is called so, and nobody reads what was."""
        return not os.path.lexists(file) and not any(
            one.name == name and one.handles and not one.is_collected for one in self._readings.values()
        )


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _regular(file: Path) -> os.stat_result | None:
    try:
        status = file.lstat()
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _offer_name(folder: str, name: str) -> str:
    """A file of `out/` by its path there."""
    return name if folder == OUT else f"archive/{name}"


def of_disk(error: OSError) -> TransportError:
    """What an operator is told about a disk that does not work."""
    return TransportError(f"{error.filename or 'a file'}: cannot be read or written: {error.strerror}")
