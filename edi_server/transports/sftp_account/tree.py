"""What an SFTP account sees, and what its actions mean; no network, no threads of its own.

    /in/            files go here; taken when their upload is closed, or when they are renamed to their final name
    /out/           files for the partner; theirs to delete or to move to /out/archive/
    /status/        what became of each upload, in words; theirs to read and delete

What becomes of an upload is said in `intake`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.renaming import move_without_replacing, sync_folder
from edi_server.transports.sftp_account.intake import UPLOADS, Intake, Settled
from edi_server.transports.sftp_account.names import ARCHIVE, FOLDERS, IN, OUT, STATUS, Refused, find, may_move
from edi_server.transports.sftp_account.spans import Spans
from edi_server.transports.sftp_account.uploads import Upload

__all__ = ["Download", "Entry", "Refused", "Settled", "Tree", "Upload"]

#: Bytes of one answer. scp of OpenSSH 9.2 asks for nearly as many, and cuts the file short, without a word, where it is
#: answered with fewer.
_MOST_READ = 262_144


class Entry(msgspec.Struct, frozen=True):
    """What is to be seen at a path."""

    name: str
    is_folder: bool
    size: int = 0
    changed: float = 0.0


class Download(msgspec.Struct, kw_only=True, eq=False):
    """A file being read."""

    folder: str
    name: str
    descriptor: int
    size: int
    changed: float
    read: Spans


class Tree(Intake):
    """The files of one account. Methods raise Refused, and TransportError or OSError where the disk does not work."""

    def look(self, path: str) -> Entry:
        """What is at a path."""
        folder, name = find(path)
        if not name:
            return Entry(folder.rpartition("/")[2] or "/", is_folder=True, changed=self._clock())
        entry = self._entry(folder, name)
        if entry is None and folder == IN and (ghost := self._ghosts.find(name)) is not None:
            entry = Entry(name, is_folder=False, size=ghost.size, changed=ghost.changed)
        if entry is None:
            raise Refused("missing", f"There is no {path}.")
        return entry

    def list(self, path: str) -> Iterator[Entry]:
        """What is in a folder: uploads that were not finished are there, files that were taken are not.

        Read bit by bit, in no order.
        """
        folder, name = find(path)
        if name:
            raise Refused("missing", f"{path} is no folder.")
        return self._list(folder)

    def _list(self, folder: str) -> Iterator[Entry]:
        for sub in FOLDERS:
            if sub and sub.rpartition("/")[0] == folder:
                yield Entry(sub.rpartition("/")[2], is_folder=True, changed=self._clock())
        if not folder:
            return
        with os.scandir(self._root / folder) as files:
            for file in files:
                entry = _entry_of(Path(file.path), file.name)
                if entry is not None:
                    yield entry
        for name in self._parts.names() if folder == IN else ():
            entry = _entry_of(self._parts.path(name), name)
            if entry is not None:
                yield entry

    def read(self, path: str) -> Download:
        """Open a file for reading."""
        folder, name = find(path)
        if folder not in (OUT, ARCHIVE, STATUS) or not name:
            raise Refused("denied" if name and folder == IN else "missing", f"{path} cannot be read.")
        try:
            descriptor = os.open(self._root / folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise Refused("missing", f"There is no {path}.") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Refused("missing", f"There is no {path}.")
        return Download(
            folder=folder,
            name=name,
            descriptor=descriptor,
            size=status.st_size,
            changed=status.st_mtime,
            read=Spans(),
        )

    def get(self, download: Download, offset: int, size: int) -> bytes:
        """A piece of a file."""
        content = os.pread(download.descriptor, min(size, _MOST_READ), offset)
        download.read.add(offset, offset + len(content))
        return content

    def leave(self, download: Download) -> None:
        """The session ended in the middle: what was read may never have arrived, so nothing was collected."""
        os.close(download.descriptor)

    def finish(self, download: Download) -> None:
        """The client closed what it read; a file of `out/` of which it read every byte was collected."""
        os.close(download.descriptor)
        if download.folder != STATUS and download.read.reach() >= download.size:
            self._collected(_offer_name(download.folder, download.name))

    def set_time(self, path: str, changed: float | None, size: int | None) -> None:
        """Set time of change or length; for a file that was taken, say yes and do nothing."""
        folder, name = find(path)
        with self._lock:
            file = self._file_in(folder, name)
            if file is None:
                if folder == IN and self._ghosts.find(name):
                    return
                raise Refused("missing", f"There is no {path}.")
            if folder != IN:
                raise Refused("denied", "Only files in /in can be changed.")
            if size is not None and name in self._writing:
                raise Refused("busy", f"{name} is being written.")
            if size is not None and size > file.lstat().st_size:
                raise Refused("denied", "Files grow by being written only.")
            if size is not None:
                os.truncate(file, size)
                self._held.set(file, size)
            if changed is not None:
                os.utime(file, (changed, changed))

    def remove(self, path: str) -> None:
        """Delete a file that is the partner's to delete."""
        folder, name = find(path)
        with self._lock:
            file = self._file_in(folder, name)
            if file is None and folder == IN and self._ghosts.find(name):
                raise Refused("denied", f"{name} was taken already; ask us to have it rejected.")
            if file is None:
                raise Refused("missing", f"There is no {path}.")
            if name in self._writing and folder == IN:
                raise Refused("busy", f"{name} is being written.")
            if file.parent.name == UPLOADS:
                self._parts.drop(file)
            else:
                file.unlink()
            self._held.drop(file)
            if folder in (OUT, ARCHIVE):
                self._moved(_offer_name(folder, name), "")

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Move a file: within `in/`, or from `out/` to `out/archive/` and back."""
        (old_folder, old_name), (new_folder, new_name) = find(old), find(new)
        if not old_name or not new_name or not may_move(old_folder, new_folder):
            raise Refused("denied", "Files can be renamed in /in, and moved between /out and /out/archive.")
        if old_folder != IN:
            self._rename_offer(old_folder, old_name, new_folder, new_name)
            return
        with self._lock:
            if old_name in self._writing:
                raise Refused("busy", f"{old_name} is being written.")
            source = self._file_in(IN, old_name)
            if source is None and self._ghosts.rename(old_name, new_name):
                return
            if source is None:
                raise Refused("missing", f"There is no {old}.")
            if source.parent.name == UPLOADS:
                raise Refused("busy", f"{old_name} was broken off; go on with it and close it, or delete it.")
            self._make_room(new_name, replace=replace)
            status = source.stat()
            # Whatever lies under the final name, if anything does, was handed over before: both are taken.
            handed = self._finish(source, new_name, status.st_size, status.st_mtime)
        self._pass_on(handed)

    def _make_room(self, name: str, *, replace: bool) -> None:
        """A file of `in/` may be renamed to that name; what was broken off under it is given up."""
        if name in self._writing:
            raise Refused("busy", f"{name} is being written.")
        if not replace and self._file_in(IN, name) is not None:
            raise Refused("exists", f"There is a {name} already.")
        part = self._parts.path(name)
        self._parts.drop(part)
        self._held.drop(part)

    def _rename_offer(self, old_folder: str, old_name: str, new_folder: str, new_name: str) -> None:
        """A file that nobody has read must not be replaced, even if the client asked for that."""
        with self._lock:
            source = self._file_in(old_folder, old_name)
            if source is None:
                raise Refused("missing", f"There is no {old_name}.")
            if (self._root / new_folder / new_name).exists():
                raise Refused("exists", f"There is a {new_name} already.")
            # Before it is renamed, so that however soon it is read under its new name, it is known what it is.
            self._moved(_offer_name(old_folder, old_name), _offer_name(new_folder, new_name))
            try:
                move_without_replacing(source, self._root / new_folder / new_name)
            except FileExistsError as error:
                raise Refused("exists", f"There is a {new_name} already.") from error
        sync_folder(self._root / new_folder)

    def offer_as(self, staged: Path, name: str) -> bool:
        """Show a staged file to the partner under exactly that name; False if it is taken."""
        try:
            move_without_replacing(staged, self._root / OUT / name)
        except FileExistsError:
            return False
        except OSError as error:
            raise of_disk(error) from error
        sync_folder(self._root / OUT)
        return True

    def _entry(self, folder: str, name: str) -> Entry | None:
        file = self._file_in(folder, name)
        return None if file is None else _entry_of(file, name)


def _entry_of(file: Path, name: str) -> Entry | None:
    try:
        status = file.lstat()
    except FileNotFoundError:
        return None  # taken, or deleted by another session, at this moment
    if not stat.S_ISREG(status.st_mode):
        return None
    return Entry(name, is_folder=False, size=status.st_size, changed=status.st_mtime)


def _offer_name(folder: str, name: str) -> str:
    """A file of `out/` by its path there."""
    return name if folder == OUT else f"archive/{name}"


def of_disk(error: OSError) -> TransportError:
    """What an operator is told about a disk that does not work."""
    return TransportError(f"{error.filename or 'a file'}: cannot be read or written: {error.strerror}")
