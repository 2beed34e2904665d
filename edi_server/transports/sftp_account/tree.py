"""What an SFTP account sees, and what its actions mean; no network, no threads of its own.

    /in/            files go here; taken when their upload is closed, or when they are renamed to their final name
    /out/           files for the partner; theirs to delete or to move to /out/archive/
    /status/        what became of each upload, in words; theirs to read and delete

What becomes of an upload is said in `intake`, and what of a file for the partner in `outbox`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edi_server.transports.sftp_account.intake import UPLOADS, Intake, Settled
from edi_server.transports.sftp_account.names import ARCHIVE, FOLDERS, IN, OUT, STATUS, Refused, find, may_move
from edi_server.transports.sftp_account.outbox import Download
from edi_server.transports.sftp_account.uploads import Upload

__all__ = ["Download", "Entry", "Refused", "Settled", "Tree", "Upload"]


class Entry(msgspec.Struct, frozen=True):
    """What is to be seen at a path."""

    name: str
    is_folder: bool
    size: int = 0
    changed: float = 0.0


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
                if file.name.startswith(".") and folder != IN:
                    continue
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
        return self.outbox.open(folder, name)

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
        """Delete a file that is the partner's to delete.

        One that was taken stays taken, and is no longer answered for: clients delete it to put the next in its place.
        """
        folder, name = find(path)
        if folder in (OUT, ARCHIVE) and name:
            self.outbox.remove(folder, name)
            return
        with self._lock:
            file = self._file_in(folder, name)
            if file is None and folder == IN and self._ghosts.forget(name):
                return
            if file is None:
                raise Refused("missing", f"There is no {path}.")
            if name in self._writing and folder == IN:
                raise Refused("busy", f"{name} is being written.")
            if file.parent.name == UPLOADS:
                self._parts.drop(file)
            else:
                file.unlink()
            self._held.drop(file)

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Move a file: within `in/`, or from `out/` to `out/archive/` and back."""
        (old_folder, old_name), (new_folder, new_name) = find(old), find(new)
        if not old_name or not new_name or not may_move(old_folder, new_folder):
            raise Refused("denied", "Files can be renamed in /in, and moved between /out and /out/archive.")
        if old_folder != IN:
            self.outbox.rename(old_folder, old_name, new_folder, new_name)
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
