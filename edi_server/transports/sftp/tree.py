"""What an SFTP account sees, and what its actions mean; no network, no threads of its own.

    /in/            files go here; taken when their upload is closed, or when they are renamed to their final name
    /out/           files for the partner; theirs to delete or to move to /out/archive/
    /status/        what became of each upload, in words; theirs to read and delete

On disk, below the account's folder:

    .uploads/       uploads that are not closed; an aborted one stays there to be resumed, and is never taken
    in/             closed, but under a name of something unfinished
    .rested/<id>~<name>   complete, until the spool has it
    .taken.jsonl    what is still answered for though it was taken: `ghosts`

Taking is one rename into `.rested/`: from then on nobody can reach the file any more, and it stays until the spool has
it, whatever happens. So what a client was told is taken is taken, even if the disk is full at that moment.

State changes under one lock for each account: two sessions may do anything with one name at the same moment. Nothing
slow is done under it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import msgspec
from uuid6 import uuid7

from edi_server.errors import EdiServerError, TransportError
from edi_server.transports.collecting import left_alone
from edi_server.transports.port import Left
from edi_server.transports.renaming import free_names, move_without_replacing, sync_folder
from edi_server.transports.sftp.account import Account
from edi_server.transports.sftp.ghosts import Ghosts
from edi_server.transports.sftp.held import Held
from edi_server.transports.sftp.names import (
    ARCHIVE,
    FOLDERS,
    IN,
    OUT,
    STATUS,
    Refused,
    file_name,
    find,
    is_unfinished,
    may_move,
)
from edi_server.transports.sftp.spans import Spans
from edi_server.transports.sftp.statuses import Statuses
from edi_server.transports.sftp.uploads import DISK, HOLES, Parts, Upload
from edi_server.transports.spool import Spool

__all__ = ["Download", "Entry", "Refused", "Tree", "Upload"]
log = logging.getLogger(__name__)

_UPLOADS, _RESTED = ".uploads", ".rested"
#: Bytes of one answer: a client that reads and never looks at what comes must not fill our memory.
_MOST_READ = 65_536
_EMPTY = "is empty, so nothing was taken."


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


class Settled(msgspec.Struct, frozen=True):
    """What a look at the files that lie in `in/` under a final name brought."""

    #: Until the next may be taken; None if none waits.
    seconds: float | None = None
    left: tuple[Left, ...] = ()


class Tree:
    """The files of one account. Methods raise Refused, and TransportError or OSError where the disk does not work."""

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
        moved: Callable[[str, str], None] = lambda _old, _new: None,
    ) -> None:
        """`root` is the account's folder. `taken` is told names of files that came.

        `collected` is told which files of `out/` were read whole, and `moved` how they will be called: "name" or
        "archive/name", and "" for one that was deleted.
        """
        self.account = account
        self.statuses = Statuses(root)
        self._root = root
        self._spool = spool
        self._quiet = quiet_seconds
        self._clock = clock
        self._taken = taken
        self._collected = collected
        self._moved = moved
        self._parts = Parts(root / _UPLOADS)
        self._ghosts = Ghosts(root / ".taken.jsonl", clock)
        self._held = Held()
        self._writing: dict[str, Upload] = {}
        #: For what is done with names; and for the way into the spool, which takes longer.
        self._lock = threading.Lock()
        self._taking = threading.Lock()
        #: What was not taken, and is known to be.
        self._reported: set[str] = set()

    def prepare(self) -> None:
        """Make the folders, count what lies there, remember what was taken. Raises OSError, TransportError."""
        for folder in (*FOLDERS, _UPLOADS, _RESTED):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        self._ghosts.load()
        for file in (self._root / IN).iterdir():
            name = file_name(os.fsencode(file.name))
            if name != file.name:
                _rename_beside(file, name)
        self.count()

    def count(self) -> None:
        """Count anew what the account has with us; what somebody removed beside us is free then."""
        claims = [one for one in self._spool.claimed() if one.mailbox == self.account.mailbox]
        with self._lock:
            sizes: dict[Hashable, int] = {file: _size_of(file) for file in (self._root / IN).iterdir()}
            sizes.update((file, _size_of(file)) for file in self._parts.folder.glob("*.part"))
            sizes.update((file.name.partition("~")[0], _size_of(file)) for file in (self._root / _RESTED).iterdir())
            sizes.update((one.detail["upload"], one.size) for one in claims if "upload" in one.detail)
            self._held.reset(sizes)

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

    # --- uploads

    def write(self, path: str, *, append: bool, truncate: bool, create: bool, exclusive: bool) -> Upload:
        """Begin or resume an upload to `in/`."""
        folder, name = find(path)
        if folder != IN or not name:
            raise Refused("denied", "Files can be written in /in only.")
        with self._lock:
            if name in self._writing:
                raise Refused("busy", f"{name} is being written by another session.")
            part = self._parts.path(name)
            exists = self._is_there(name, part)
            ghost = None if exists else self._ghosts.find(name)
            if exists and exclusive:
                raise Refused("exists", f"{name} is there already.")
            if not exists and not create and ghost is None:
                raise Refused("missing", f"There is no {path}.")
            if ghost is not None and ghost.size and append:
                raise Refused("exists", _was_taken(name))
            if not self._held.add(part, self.account.quota.files):
                raise Refused("quota", f"There are {len(self._held)} files of yours here already; no more are taken.")
            try:
                descriptor, size = self._parts.begin(part, name, truncate=truncate)
            except OSError:
                self._held.drop(part)
                raise
            self._held.set(part, size)
            self._writing[name] = upload = Upload(
                name=name,
                path=part,
                descriptor=descriptor,
                appends=append,
                size=size,
                kept=size,
                written=Spans(),
                taken_before=ghost.size if ghost is not None else None,
            )
        return upload

    def _is_there(self, name: str, part: Path) -> bool:
        """Whether there is something to go on with; what was closed under a name that is not final is open again."""
        file = self._file_in(IN, name)
        if file is not None and file != part:
            file.replace(part)
            self._held.move(file, part)
        return file is not None

    def put(self, upload: Upload, offset: int, content: bytes) -> None:
        """Write a piece. What fails once fails for good: half a file must never be taken."""
        if upload.poisoned:
            raise Refused("failure", upload.poisoned)
        at = upload.size if upload.appends else offset
        try:
            _check_resumed(upload, at)
            self._grow(upload, at + len(content))
            written = 0
            while written < len(content):
                written += os.pwrite(upload.descriptor, content[written:], at + written)
        except OSError as error:
            log.warning("SFTP %s: %s cannot be written: %s", self.account.name, upload.name, error)
            upload.poisoned = DISK
            raise Refused("failure", upload.poisoned) from error
        except Refused as refused:
            upload.poisoned = str(refused)
            raise
        upload.wrote(at, at + len(content))

    def cut(self, upload: Upload, size: int) -> None:
        """Set the length of an upload."""
        if size > upload.size:
            self._grow(upload, size)
        upload.cut(size)
        self._held.set(upload.path, size)

    def _grow(self, upload: Upload, size: int) -> None:
        quota = self.account.quota
        if size <= upload.size:
            return
        if size > quota.largest_file:
            raise Refused("quota", f"Files of more than {quota.largest_file} bytes are not taken.")
        if not self._held.let(upload.path, size, quota.bytes):
            raise Refused("quota", f"The {quota.bytes} bytes that may wait here are used up.")

    def close(self, upload: Upload) -> None:
        """The client says that it is done: the file is complete, and taken if its name is final."""
        size, trouble, changed = upload.extent(), upload.poisoned, 0.0
        try:
            if size is None:
                trouble = trouble or HOLES
            elif not trouble:
                os.ftruncate(upload.descriptor, size)
                os.fsync(upload.descriptor)
                changed = os.fstat(upload.descriptor).st_mtime
        except OSError as error:
            log.warning("SFTP %s: %s cannot be made durable: %s", self.account.name, upload.name, error)
            trouble = DISK
        finally:
            os.close(upload.descriptor)
        if trouble or size is None:
            self._spoil(upload, trouble)
            raise Refused("failure", trouble)
        with self._lock:
            del self._writing[upload.name]
            handed = self._finish(upload.path, upload.name, size, changed)
            self._parts.forget(upload.path)
        self._pass_on(handed)

    def _spoil(self, upload: Upload, trouble: str) -> None:
        with self._lock:
            del self._writing[upload.name]
            self._parts.drop(upload.path)
            self._held.drop(upload.path)
        self._say(upload.name, str(uuid7()), f"not taken. {trouble}")

    def abort(self, upload: Upload) -> None:
        """The session ended in the middle: what came is kept up to its first gap, to be resumed, and never taken."""
        with self._lock:
            del self._writing[upload.name]
            try:
                if upload.poisoned:
                    self._parts.drop(upload.path)
                    self._held.drop(upload.path)
                else:
                    upload.cut(upload.whole())
                    self._held.set(upload.path, upload.size)
            finally:
                os.close(upload.descriptor)

    def _finish(self, file: Path, name: str, size: int, changed: float) -> Path | None:
        """Under the lock: a file is complete. Where it lies now if it is to be taken."""
        if is_unfinished(name):
            target = self._root / IN / name
            file.replace(target)
            self._held.move(file, target)
            return None
        upload = str(uuid7())
        if size == 0:
            file.unlink()
            self._held.drop(file)
            self._ghosts.remember(name, 0, changed)
            self._say(name, upload, _EMPTY)
            return None
        handed = self._root / _RESTED / f"{upload}~{name}"
        file.rename(handed)
        self._held.move(file, upload)
        self._ghosts.remember(name, size, changed)
        self._say(name, upload, f"received {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, {size} bytes.")
        return handed

    def _pass_on(self, handed: Path | None) -> None:
        """Make the rename durable, then give the file to the spool. Where that fails, `settle` does it."""
        if handed is None:
            sync_folder(self._root / IN)
            return
        sync_folder(handed.parent)
        try:
            self._transfer(handed)
        except (EdiServerError, OSError) as error:
            log.warning("SFTP %s: %s is complete, and taken later: %s", self.account.name, handed.name, error)
            self._taken(handed.name.partition("~")[2])

    def _transfer(self, file: Path) -> None:
        upload, _, name = file.name.partition("~")
        with self._taking, contextlib.suppress(FileNotFoundError):
            status, place = file.stat(), self._spool.place()
            os.link(file, place)
            try:
                detail = {"account": self.account.name, "changed": f"{status.st_mtime:.0f}", "upload": upload}
                _, is_new = self._spool.take(
                    place, mailbox=self.account.mailbox, key=f"sftp:{upload}", name=name, detail=detail
                )
            finally:
                place.unlink(missing_ok=True)
            file.unlink()
            if not is_new:
                self._held.drop(upload)
        self._taken(name)

    def released(self, upload: str) -> None:
        """What was taken is in the store, and counts no longer."""
        self._held.drop(upload)

    def settle(self, *, at_once: bool = False) -> Settled:
        """Take what is complete and was not taken, and what lies in `in/` under a final name and rests.

        The latter came there beside us. With `at_once` it need not rest. A file that cannot be taken holds up no other.
        """
        soonest: float | None = None
        troubles: dict[str, Exception] = {}
        for file in sorted((self._root / IN).iterdir()):
            try:
                left = self._rest(file, 0.0 if at_once else self._quiet)
            except (EdiServerError, OSError) as error:
                troubles[file.name] = error
                continue
            if left is not None:
                soonest = left if soonest is None else min(soonest, left)
        for file in sorted((self._root / _RESTED).iterdir()):
            try:
                self._transfer(file)
            except (EdiServerError, OSError) as error:
                troubles[file.name.partition("~")[2]] = error
        new = troubles.keys() - self._reported
        self._reported = set(troubles)
        return Settled(soonest, tuple(self._left(name, troubles[name]) for name in sorted(new)))

    def _rest(self, file: Path, quiet: float) -> float | None:
        """Take a file, or say how long it has to rest; None for one that is not to be taken, or was."""
        with self._lock:
            try:
                status = file.lstat()
            except FileNotFoundError:
                return None
            if is_unfinished(file.name) or not stat.S_ISREG(status.st_mode):
                return None
            left = status.st_ctime + quiet - self._clock()
            if left > 0:
                return left
            self._held.set(file, status.st_size)
            self._finish(file, file_name(os.fsencode(file.name)), status.st_size, status.st_mtime)
        return None

    def _left(self, name: str, error: Exception) -> Left:
        log.warning("SFTP %s: %s cannot be taken: %s", self.account.name, name, error)
        why = "It is complete, and the machine could not take it yet; it is tried again."
        return left_alone(self.account.mailbox, name, "not-taken", why)

    def tidy(self) -> None:
        """Delete old statuses, and uploads that were broken off long ago."""
        self.statuses.expire(self._clock())
        with self._lock:
            gone = [one for one in self._parts.expired(self._clock()) if one[1] not in self._writing]
            for part, _ in gone:
                self._parts.drop(part)
        for _, name in gone:
            log.info("SFTP %s: %s was broken off and not resumed for a week; deleted", self.account.name, name)
            if name:
                self._say(name, str(uuid7()), "not taken. It was broken off, and not gone on with for a week.")
        self.count()

    # --- what the partner reads

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
        """A piece of a file, at most 64 KB: clients ask for the rest."""
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

    # --- names

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
            if file.parent.name == _UPLOADS:
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
            if source.parent.name == _UPLOADS:
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

    def _say(self, name: str, upload: str, text: str) -> None:
        """A status is a courtesy: that it cannot be written must not keep a file from being taken."""
        try:
            self.statuses.say(name, upload, f"{name}: {text}\n")
        except OSError as error:
            log.warning("SFTP %s: the status of %s cannot be written: %s", self.account.name, name, error)

    def _entry(self, folder: str, name: str) -> Entry | None:
        file = self._file_in(folder, name)
        return None if file is None else _entry_of(file, name)

    def _file_in(self, folder: str, name: str) -> Path | None:
        """The regular file at that name, an unfinished upload included; links are not there."""
        candidates = [self._root / folder / name]
        if folder == IN:
            candidates.append(self._parts.path(name))
        for file in candidates:
            try:
                if stat.S_ISREG(file.lstat().st_mode):
                    return file
            except FileNotFoundError:
                continue
        return None


def _entry_of(file: Path, name: str) -> Entry | None:
    try:
        status = file.lstat()
    except FileNotFoundError:
        return None  # taken, or deleted by another session, at this moment
    if not stat.S_ISREG(status.st_mode):
        return None
    return Entry(name, is_folder=False, size=status.st_size, changed=status.st_mtime)


def _size_of(file: Path) -> int:
    """Bytes of a file, 0 if it is gone: other sessions close theirs while we look."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0


def _rename_beside(file: Path, name: str) -> None:
    for candidate in free_names(name):
        with contextlib.suppress(FileExistsError):
            move_without_replacing(file, file.with_name(candidate))
            return


def _offer_name(folder: str, name: str) -> str:
    """A file of `out/` by its path there."""
    return name if folder == OUT else f"archive/{name}"


def _check_resumed(upload: Upload, at: int) -> None:
    if at and upload.taken_before and not upload.kept and upload.written.start is None:
        raise Refused("exists", _was_taken(upload.name))


def _was_taken(name: str) -> str:
    return f"{name} was taken already, so it cannot be gone on with; send the file again from its start."


def of_disk(error: OSError) -> TransportError:
    """What an operator is told about a disk that does not work."""
    return TransportError(f"{error.filename or 'a file'}: cannot be read or written: {error.strerror}")
