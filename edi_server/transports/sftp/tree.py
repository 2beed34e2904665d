"""What an SFTP account sees, and what its actions mean; no network, no threads of its own.

    /in/            files go here; taken when their upload is closed, or when they are renamed to their final name
    /out/           files for the partner; theirs to delete or to move to /out/archive/
    /status/        what became of each upload, in words; theirs to read and delete

On disk, below the account's folder, an upload lies in `.uploads/` until it is closed, so that nothing unfinished is
ever taken; an aborted one stays there to be resumed. Paths are never joined with what a client says: a name either is
one of few known folders or a plain file name in one of them, so there is no way out, and links do not exist.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from uuid6 import uuid7

from edi_server.errors import TransportError
from edi_server.transports.collecting import UNFINISHED
from edi_server.transports.renaming import free_names, move_without_replacing, sync_folder
from edi_server.transports.sftp.account import Account
from edi_server.transports.spool import Spool

FOLDERS = ("", "in", "out", "out/archive", "status")
_UPLOADS = ".uploads"
#: Files that rested, from then until they are taken: named by what names them for ever, and by their own name.
_RESTED = ".rested"
_LONGEST_NAME = 200
#: How long a file that was taken is still answered for: clients set its time and mode, and look at its size.
_REMEMBERED_SECONDS = 600.0
_MOST_REMEMBERED = 1000

Reason = Literal["missing", "denied", "exists", "failure", "quota", "busy"]


class Refused(Exception):  # noqa: N818 — the word that clients and logs see
    """An action that the account may not do, or not now; the text says why, for the client."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Entry(msgspec.Struct, frozen=True):
    """What is to be seen at a path."""

    name: str
    is_folder: bool
    size: int = 0
    changed: float = 0.0


class Upload(msgspec.Struct, kw_only=True, eq=False):
    """A file of `in/` being written."""

    name: str
    path: Path
    descriptor: int
    appends: bool
    size: int
    #: How large it and the others that are being written may become together.
    room: int
    #: After a write that failed, whatever the client does then: it sends CLOSE all the same.
    poisoned: str = ""


class Download(msgspec.Struct, kw_only=True, eq=False):
    """A file being read."""

    folder: str
    name: str
    descriptor: int
    size: int
    changed: float
    read_to: int = 0


class Tree:
    """The files of one account. Methods raise Refused, and TransportError where the disk does not work."""

    def __init__(
        self,
        account: Account,
        root: Path,
        spool: Spool,
        *,
        quiet_seconds: float = 3.0,
        clock: Callable[[], float] = time.time,
        taken: Callable[[str], None] = lambda _name: None,
        collected: Callable[[str], None] = lambda _name: None,
    ) -> None:
        """`root` is the account's folder; `taken` and `collected` are told names of files that came and went."""
        self.account = account
        self._root = root
        self._spool = spool
        self._quiet = quiet_seconds
        self._clock = clock
        self._taken = taken
        self._collected = collected
        #: Names in `in/` that were taken, with size, time of change, and until when they are answered for.
        self._remembered: dict[str, tuple[int, float, float]] = {}
        self._writing: dict[str, Upload] = {}
        # Sessions of one account may begin the same file at the same moment.
        self._beginning = threading.Lock()

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (*FOLDERS, _UPLOADS, _RESTED):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        self._finish_rested()

    def real_path(self, path: str) -> str:
        """The path without dots and doubled slashes, from the account's root."""
        return posixpath.normpath(posixpath.join("/", path.replace("\\", "/"))).replace("//", "/")

    def look(self, path: str) -> Entry:
        """What is at a path."""
        folder, name = self._find(path)
        if not name:
            return Entry(posixpath.basename(folder) or "/", is_folder=True, changed=self._clock())
        entry = self._entry(folder, name)
        if entry is None and folder == "in":
            entry = self._ghost(name)
        if entry is None:
            raise Refused("missing", f"There is no {path}.")
        return entry

    def list(self, path: str) -> Iterator[Entry]:
        """What is in a folder: uploads that were not finished are there, files that were taken are not."""
        folder, name = self._find(path)
        if name:
            raise Refused("missing", f"{path} is no folder.")
        for sub in FOLDERS:
            if sub and posixpath.dirname(sub) == folder:
                yield Entry(posixpath.basename(sub), is_folder=True, changed=self._clock())
        if not folder:
            return
        names = {file.name for file in (self._root / folder).iterdir()}
        if folder == "in":
            names |= {self._said(file) for file in (self._root / _UPLOADS).glob("*.part")}
        for one in sorted(names):
            entry = self._entry(folder, one)
            if entry is not None:
                yield entry

    def write(self, path: str, *, append: bool, truncate: bool, create: bool, exclusive: bool) -> Upload:
        """Begin or resume an upload to `in/`."""
        folder, name = self._find(path)
        if folder != "in" or not name:
            raise Refused("denied", "Files can be written in /in only.")
        with self._beginning:
            return self._begin(path, name, append=append, truncate=truncate, create=create, exclusive=exclusive)

    def _begin(self, path: str, name: str, *, append: bool, truncate: bool, create: bool, exclusive: bool) -> Upload:
        if name in self._writing:
            raise Refused("busy", f"{name} is being written by another session.")
        part = self._part(name)
        exists = part.exists()
        if not exists and (self._root / "in" / name).exists():
            # Closed under a name that is not final, and now gone on with.
            (self._root / "in" / name).rename(part)
            exists = True
        if exists and exclusive:
            raise Refused("exists", f"{name} is there already.")
        if not exists and not create:
            raise Refused("missing", f"There is no {path}.")
        self._check_files(exists=exists)
        (part.with_suffix(".name")).write_text(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if truncate else 0)
        descriptor = os.open(part, flags, 0o600)
        upload = Upload(
            name=name,
            path=part,
            descriptor=descriptor,
            appends=append,
            size=os.fstat(descriptor).st_size,
            room=self._room(part),
        )
        self._writing[name] = upload
        return upload

    def put(self, upload: Upload, offset: int, content: bytes) -> None:
        """Write a piece. What fails once fails for good: half a file must never be taken."""
        if upload.poisoned:
            raise Refused("failure", upload.poisoned)
        at = upload.size if upload.appends else offset
        try:
            self._check_bytes(upload, at + len(content))
            written = 0
            while written < len(content):
                written += os.pwrite(upload.descriptor, content[written:], at + written)
        except OSError as error:
            upload.poisoned = "The disk is full or does not work; please try again later."
            raise Refused("failure", upload.poisoned) from error
        except Refused as refused:
            upload.poisoned = str(refused)
            raise
        upload.size = max(upload.size, at + len(content))

    def cut(self, upload: Upload, size: int) -> None:
        """Set the length of an upload."""
        if size > upload.size:
            self._check_bytes(upload, size)
        os.ftruncate(upload.descriptor, size)
        upload.size = size

    def close(self, upload: Upload) -> None:
        """The client says that it is done: the file is complete, and taken if its name is final."""
        try:
            os.fsync(upload.descriptor)
            changed = os.fstat(upload.descriptor).st_mtime
        finally:
            os.close(upload.descriptor)
            self._writing.pop(upload.name, None)
        if upload.poisoned:
            self._drop_part(upload.path)
            raise Refused("failure", upload.poisoned)
        if is_unfinished(upload.name) or upload.size == 0:
            self._move(upload.path, upload.name)
        else:
            self._take(upload.path, upload.name, upload.size, changed)
        upload.path.with_suffix(".name").unlink(missing_ok=True)

    def abort(self, upload: Upload) -> None:
        """The session ended in the middle: what came is kept, to be resumed, and never taken."""
        os.close(upload.descriptor)
        self._writing.pop(upload.name, None)
        if upload.poisoned:
            self._drop_part(upload.path)

    def read(self, path: str) -> Download:
        """Open a file for reading."""
        folder, name = self._find(path)
        if folder not in ("out", "out/archive", "status") or not name:
            raise Refused("denied" if name and folder == "in" else "missing", f"{path} cannot be read.")
        try:
            descriptor = os.open(self._root / folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise Refused("missing", f"There is no {path}.") from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Refused("missing", f"There is no {path}.")
        return Download(folder=folder, name=name, descriptor=descriptor, size=status.st_size, changed=status.st_mtime)

    def get(self, download: Download, offset: int, size: int) -> bytes:
        """A piece of a file."""
        content = os.pread(download.descriptor, min(size, 262_144), offset)
        download.read_to = max(download.read_to, offset + len(content))
        return content

    def leave(self, download: Download) -> None:
        """The session ended in the middle: what was read may never have arrived, so nothing was collected."""
        os.close(download.descriptor)

    def finish(self, download: Download) -> None:
        """The client closed what it read; a file of `out/` that was read to its end was collected."""
        os.close(download.descriptor)
        if download.folder == "out" and download.read_to >= download.size:
            self._collected(download.name)

    def set_time(self, path: str, changed: float | None, size: int | None) -> None:
        """Set time of change or length; for a file that was taken, say yes and do nothing."""
        folder, name = self._find(path)
        file = self._file_in(folder, name)
        if file is None:
            if folder == "in" and self._ghost(name):
                return
            raise Refused("missing", f"There is no {path}.")
        if folder != "in":
            raise Refused("denied", "Only files in /in can be changed.")
        if size is not None and size > file.lstat().st_size:
            raise Refused("denied", "Files grow by being written only.")
        if size is not None:
            os.truncate(file, size)
        if changed is not None:
            os.utime(file, (changed, changed))

    def remove(self, path: str) -> None:
        """Delete a file that is the partner's to delete."""
        folder, name = self._find(path)
        file = self._file_in(folder, name)
        if file is None and folder == "in" and self._ghost(name):
            raise Refused("denied", f"{name} was taken already; ask us to have it rejected.")
        if file is None:
            raise Refused("missing", f"There is no {path}.")
        if name in self._writing and folder == "in":
            raise Refused("busy", f"{name} is being written.")
        if file.parent.name == _UPLOADS:
            self._drop_part(file)
        else:
            file.unlink()

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Move a file: within `in/`, or from `out/` to `out/archive/` and back."""
        (old_folder, old_name), (new_folder, new_name) = self._find(old), self._find(new)
        if not old_name or not new_name or not _may_move(old_folder, new_folder):
            raise Refused("denied", "Files can be renamed in /in, and moved between /out and /out/archive.")
        source = self._file_in(old_folder, old_name)
        if source is None:
            self._rename_ghost(old_folder, old_name, new_name, old)
            return
        if old_name in self._writing and old_folder == "in":
            raise Refused("busy", f"{old_name} is being written.")
        if source.parent.name == _UPLOADS:
            raise Refused("busy", f"{old_name} was broken off; go on with it and close it, or delete it.")
        target = self._root / new_folder / new_name
        if new_folder == "in" and new_name in self._writing:
            raise Refused("busy", f"{new_name} is being written.")
        if target.exists() and not replace:
            raise Refused("exists", f"There is a {new} already.")
        source.rename(target)
        # Its quiet time begins now, whatever time of change the client sets.
        sync_folder(target.parent)

    def settle(self) -> float | None:
        """Take files in `in/` that lie there under a final name and rest; seconds until the next may, or None."""
        soonest: float | None = None
        for file in sorted((self._root / "in").iterdir()):
            try:
                status = file.lstat()
            except FileNotFoundError:
                continue
            if is_unfinished(file.name) or not stat.S_ISREG(status.st_mode) or status.st_size == 0:
                continue
            left = status.st_ctime + self._quiet - self._clock()
            if left > 0:
                soonest = left if soonest is None else min(soonest, left)
            else:
                # Unless somebody deletes or renames it at this moment.
                with contextlib.suppress(FileNotFoundError):
                    file.rename(self._root / _RESTED / f"{uuid7()}~{file.name}")
        self._finish_rested()
        return soonest

    def _finish_rested(self) -> None:
        """Take what rested. Nobody sends it again, so it stays until it is known to be taken, whatever happens."""
        for file in sorted((self._root / _RESTED).iterdir()):
            key, _, name = file.name.partition("~")
            with contextlib.suppress(FileNotFoundError):
                status, place = file.stat(), self._spool.place()
                os.link(file, place)
                try:
                    self._spool_one(place, key, name, status.st_size, status.st_mtime)
                finally:
                    place.unlink(missing_ok=True)
                file.unlink()

    def offer(self, staged: Path, name: str) -> str:
        """Show a staged file to the partner, as `name` or the next free one; its final name."""
        return next(candidate for candidate in free_names(name) if self.offer_as(staged, candidate))

    def offer_as(self, staged: Path, name: str) -> bool:
        """Show a staged file to the partner under exactly that name; False if it is taken."""
        try:
            move_without_replacing(staged, self._root / "out" / name)
        except FileExistsError:
            return False
        except OSError as error:
            raise of_disk(error) from error
        sync_folder(self._root / "out")
        return True

    def status_of(self, name: str) -> str:
        """What was said of an upload, "" if nothing."""
        try:
            return self._status(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def say_status(self, name: str, text: str) -> None:
        """Write what became of an upload to `status/<name>.txt`, replacing what was said before."""
        target = self._status(name)
        temporary = target.with_name(f".{target.name}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)

    def _status(self, name: str) -> Path:
        safe = name.replace("/", "_").replace("\0", "_")
        return self._root / "status" / f"{safe[: _LONGEST_NAME - 8].lstrip('.') or '_'}.txt"

    def _take(self, file: Path, name: str, size: int, changed: float) -> None:
        # Every upload is one of its own: what is in it decides whether it is a duplicate, not its name.
        place = self._spool.place()
        file.rename(place)
        self._spool_one(place, place.name, name, size, changed)

    def _spool_one(self, place: Path, key: str, name: str, size: int, changed: float) -> None:
        detail = {"account": self.account.name, "changed": f"{changed:.0f}"}
        self._spool.take(place, mailbox=self.account.mailbox, key=f"sftp:{key}", name=name, detail=detail)
        while len(self._remembered) >= _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[name] = (size, changed, self._clock() + _REMEMBERED_SECONDS)
        self._taken(name)

    def _move(self, part: Path, name: str) -> None:
        part.rename(self._root / "in" / name)
        sync_folder(self._root / "in")

    def _drop_part(self, part: Path) -> None:
        part.unlink(missing_ok=True)
        part.with_suffix(".name").unlink(missing_ok=True)

    def _rename_ghost(self, folder: str, name: str, new_name: str, path: str) -> None:
        ghost = self._remembered.get(name) if folder == "in" else None
        if ghost is None:
            raise Refused("missing", f"There is no {path}.")
        self._remembered[new_name] = ghost

    def _ghost(self, name: str) -> Entry | None:
        size, changed, until = self._remembered.get(name, (0, 0.0, 0.0))
        return Entry(name, is_folder=False, size=size, changed=changed) if until > self._clock() else None

    def _entry(self, folder: str, name: str) -> Entry | None:
        file = self._file_in(folder, name)
        if file is None:
            return None
        try:
            status = file.lstat()
        except FileNotFoundError:
            return None  # taken, or deleted by another session, at this moment
        return Entry(name, is_folder=False, size=status.st_size, changed=status.st_mtime)

    def _file_in(self, folder: str, name: str) -> Path | None:
        """The regular file at that name, an unfinished upload included; links are not there."""
        candidates = [self._root / folder / name]
        if folder == "in":
            candidates.append(self._part(name))
        for file in candidates:
            try:
                if stat.S_ISREG(file.lstat().st_mode):
                    return file
            except FileNotFoundError:
                continue
        return None

    def _part(self, name: str) -> Path:
        return self._root / _UPLOADS / f"{hashlib.sha256(name.encode()).hexdigest()}.part"

    def _said(self, part: Path) -> str:
        try:
            return part.with_suffix(".name").read_text()
        except FileNotFoundError:
            return ""

    def _find(self, path: str) -> tuple[str, str]:
        """Folder and name of a path; the name is empty for a folder itself."""
        real = self.real_path(path).strip("/")
        if real in FOLDERS:
            return real, ""
        folder, name = posixpath.split(real)
        if folder not in FOLDERS or not folder:
            raise Refused("missing", f"There is no {path}.")
        if "\0" in name or len(os.fsencode(name)) > _LONGEST_NAME or name in (".", ".."):
            raise Refused("denied", "That name cannot be used.")
        return folder, name

    def _check_files(self, *, exists: bool) -> None:
        if exists:
            return
        held = sum(1 for _ in (self._root / "in").iterdir()) + sum(1 for _ in (self._root / _UPLOADS).glob("*.part"))
        if held >= self.account.quota.files:
            raise Refused("quota", f"There are {held} files in /in already; no more are taken.")

    def _room(self, part: Path) -> int:
        """How large an upload may become beside everything else that lies there; what grows is counted as it does."""
        growing = {part, *(one.path for one in list(self._writing.values()))}
        others = [*(self._root / "in").iterdir(), *(self._root / _UPLOADS).glob("*.part")]
        return self.account.quota.bytes - sum(_size_of(file) for file in others if file not in growing)

    def _check_bytes(self, upload: Upload, size: int) -> None:
        quota = self.account.quota
        growing = sum(one.size for one in list(self._writing.values()) if one is not upload)
        if size <= upload.size or size <= min(upload.room - growing, quota.largest_file):
            return
        if size > quota.largest_file:
            raise Refused("quota", f"Files of more than {quota.largest_file} bytes are not taken.")
        raise Refused("quota", f"The {quota.bytes} bytes that may lie in /in are used up.")


def _size_of(file: Path) -> int:
    """Bytes of a file, 0 if it is gone: other sessions close theirs while we look."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0


def is_unfinished(name: str) -> bool:
    """True for names that writers give to what they have not finished."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def _may_move(old: str, new: str) -> bool:
    return old == new == "in" or {old, new} <= {"out", "out/archive"}


def of_disk(error: OSError) -> TransportError:
    """What an operator is told about a disk that does not work."""
    return TransportError(f"{error.filename or 'a file'}: cannot be read or written: {error.strerror}")
