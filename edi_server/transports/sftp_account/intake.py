"""What comes in: uploads to an SFTP account, from their first byte until the spool has them.

On disk, below the account's folder:

    .uploads/       uploads that are not closed; an aborted one stays there to be resumed, and is never taken
    in/             closed, but under a name of something unfinished
    .rested/<id>~<name>   complete, until the spool has it
    .taken.jsonl    what is still answered for though it was taken: `ghosts`

Taking is one rename into `.rested/`: from then on nobody can reach the file any more, and it stays until the spool has
it, whatever happens. So what a client was told is taken is taken, even if the disk is full at that moment.

State changes under one lock for each account: two sessions may do anything with one name at the same moment. Names
change and small files are written under it, but nothing waits there until the disk has made it durable.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import msgspec
from uuid6 import uuid7

from edi_server.errors import EdiServerError
from edi_server.transports.collecting import left_alone
from edi_server.transports.port import Left
from edi_server.transports.renaming import free_names, move_without_replacing, sync_folder
from edi_server.transports.sftp_account.account import Account
from edi_server.transports.sftp_account.ghosts import Ghosts
from edi_server.transports.sftp_account.held import Held
from edi_server.transports.sftp_account.names import FOLDERS, IN, Refused, cut, file_name, find, is_unfinished
from edi_server.transports.sftp_account.outbox import Outbox
from edi_server.transports.sftp_account.spans import Spans
from edi_server.transports.sftp_account.statuses import Statuses
from edi_server.transports.sftp_account.uploads import DISK, HOLES, KEPT_SECONDS, Parts, Upload
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)

UPLOADS, _RESTED = ".uploads", ".rested"
_CANNOT_LINK = frozenset({errno.EPERM, errno.EMLINK, errno.EXDEV})
_EMPTY = "is empty, so nothing was taken."


class Settled(msgspec.Struct, frozen=True):
    """What a look at the files that lie in `in/` under a final name brought."""

    #: Until the next may be taken; None if none waits.
    seconds: float | None = None
    left: tuple[Left, ...] = ()
    #: Something complete could not be taken, whether or not that was said before.
    is_troubled: bool = False


class Intake:
    """`in/` of one account. Methods raise Refused, and TransportError or OSError where the disk does not work."""

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
        lost: Callable[[str], None] = lambda _name: None,
    ) -> None:
        """`root` is the account's folder. `taken` is told names of files that came.

        `lost` is told names of uploads that the disk had no room for; for `collected` and `moved` see `Outbox`.
        """
        self.account = account
        self.statuses = Statuses(root)
        self._root = root
        self._spool = spool
        self._quiet = quiet_seconds
        self._clock = clock
        self._taken = taken
        self.outbox = Outbox(root, collected, moved)
        self._lost = lost
        self._parts = Parts(root / UPLOADS)
        self._ghosts = Ghosts(root / ".taken.jsonl", clock)
        self._held = Held()
        self._writing: dict[str, Upload] = {}
        self._lock = threading.Lock()
        #: What some thread gives to the spool at the moment: `settle` leaves it alone.
        self._passing: set[Path] = set()
        #: What was not taken, and is known to be.
        self._reported: set[str] = set()

    def prepare(self) -> None:
        """Make the folders, count what lies there, remember what was taken. Raises OSError, TransportError."""
        for folder in (*FOLDERS, UPLOADS, _RESTED):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        self._ghosts.load()
        for file in (self._root / IN).iterdir():
            name = file_name(os.fsencode(file.name))
            if name != file.name:
                _rename_beside(file, name)
        self.count()

    def count(self) -> None:
        """Count anew what the account has with us; what somebody removed beside us is free then."""
        before = self._claimed()
        with self._lock:
            sizes: dict[Hashable, int] = {file: _size_of(file) for file in (self._root / IN).iterdir()}
            sizes.update((file, _size_of(file)) for file in self._parts.folder.glob("*.part"))
            sizes.update((file.name.partition("~")[0], _size_of(file)) for file in (self._root / _RESTED).iterdir())
            self._held.reset(sizes | before)
        # The spool goes on while we count: what was released meanwhile would stay counted.
        after = self._claimed()
        for upload in before.keys() - after.keys():
            self._held.drop(upload)

    def _claimed(self) -> dict[Hashable, int]:
        """Sizes of what the spool has of this account, by upload."""
        claims = (one for one in self._spool.claimed() if one.mailbox == self.account.mailbox)
        return {one.detail["upload"]: one.size for one in claims if "upload" in one.detail}

    def write(self, path: str, *, append: bool, truncate: bool, create: bool, exclusive: bool) -> Upload:
        """Begin or resume an upload to `in/`."""
        folder, name = find(path)
        if folder != IN or not name:
            raise Refused("denied", "Files can be written in /in only.")
        with self._lock:
            if name in self._writing:
                raise Refused("busy", f"{name} is being written by another session.")
            file, part = self._file_in(IN, name), self._parts.path(name)
            ghost = self._ghosts.find(name) if file is None else None
            if file is not None and exclusive:
                raise Refused("exists", f"{name} is there already.")
            if file is None and not create and ghost is None:
                raise Refused("missing", f"There is no {path}.")
            if ghost is not None and ghost.size and append:
                raise Refused("exists", _was_taken(name))
            if file is None and not self._held.add(part, self.account.quota.files):
                raise Refused("quota", f"There are {len(self._held)} files of yours here already; no more are taken.")
            descriptor, size = self._begin(file, part, name, truncate=truncate)
            self._held.set(part, size)
            self._writing[name] = upload = Upload(
                name=name,
                path=part,
                descriptor=descriptor,
                appends=append,
                size=size,
                kept=size,
                written=Spans(),
                taken_before=ghost.size if ghost is not None and not truncate else None,
            )
        return upload

    def _begin(self, file: Path | None, part: Path, name: str, *, truncate: bool) -> tuple[int, int]:
        """Descriptor and size. What was closed under a name that is not final is open again."""
        is_closed = file is not None and file != part
        if file is not None and is_closed:
            file.replace(part)
        try:
            begun = self._parts.begin(part, name, truncate=truncate)
        except OSError:
            if file is None:
                self._held.drop(part)
            elif is_closed:
                part.replace(file)
            raise
        if is_closed:
            self._held.move(file, part)
        return begun

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
        """Set the length of an upload. Who sets that of a file that was taken before goes on with it: with nothing."""
        if size == upload.taken_before and upload.is_untouched():
            return
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
        """The client says that it is done: the file is complete, and taken if its name is final.

        Who wanted to go on with what was taken before, and had nothing to add, is done as well.
        """
        if upload.taken_before and upload.is_untouched() and not upload.poisoned:
            self._let_go(upload)
            return
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
        self._say_why(upload, trouble)

    def _say_why(self, upload: Upload, trouble: str) -> None:
        self._say(upload.name, str(uuid7()), f"not taken. {trouble}")
        if trouble == DISK:
            self._lost(upload.name)

    def _let_go(self, upload: Upload) -> None:
        """Nothing came, and nothing is kept: what was taken under that name is still answered for."""
        os.close(upload.descriptor)
        with self._lock:
            del self._writing[upload.name]
            self._parts.drop(upload.path)
            self._held.drop(upload.path)

    def abort(self, upload: Upload) -> None:
        """The session ended in the middle: what came is kept up to its first gap, to be resumed, and never taken.

        Of one that failed, what an earlier session sent is kept; its sender, whom no CLOSE can tell, finds a status.
        """
        if upload.taken_before and upload.is_untouched():
            self._let_go(upload)
            return
        size = min(upload.whole(), upload.kept) if upload.poisoned else upload.whole()
        with self._lock:
            del self._writing[upload.name]
            try:
                if upload.poisoned and not size:
                    self._parts.drop(upload.path)
                    self._held.drop(upload.path)
                else:
                    upload.cut(size)
                    self._held.set(upload.path, upload.size)
            finally:
                os.close(upload.descriptor)
        if upload.poisoned:
            self._say_why(upload, upload.poisoned)

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
        # A name that is too long was made beside us; the id and a tilde go before it.
        handed = self._root / _RESTED / f"{upload}~{cut(name)}"
        self._passing.add(handed)
        file.rename(handed)
        self._held.move(file, upload)
        self._ghosts.remember(name, size, changed)
        self._say(name, upload, f"received {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, {size} bytes.")
        return handed

    def _pass_on(self, handed: Path | None) -> None:
        """Make the rename durable, then give the file to the spool. Where that fails, `settle` does it.

        The file is ours since it was renamed, so whatever fails here, the client is told that all is well.
        """
        if handed is None:
            self._sync(self._root / IN)
            return
        try:
            self._sync(handed.parent)
            try:
                self._transfer(handed)
            except (EdiServerError, OSError) as error:
                log.warning("SFTP %s: %s is complete, and taken later: %s", self.account.name, handed.name, error)
        finally:
            self._passing.discard(handed)
        self._taken(handed.name.partition("~")[2])

    def _sync(self, folder: Path) -> None:
        try:
            sync_folder(folder)
        except OSError as error:
            log.warning("SFTP %s: names in %s cannot be made durable: %s", self.account.name, folder, error)

    def _transfer(self, file: Path) -> None:
        upload, _, name = file_name(os.fsencode(file.name)).partition("~")
        status, place = file.stat(), self._spool.place()
        try:
            _lay(file, place)
            detail = {"account": self.account.name, "changed": f"{status.st_mtime:.0f}", "upload": upload}
            _, is_new = self._spool.take(
                place, mailbox=self.account.mailbox, key=f"sftp:{upload}", name=name, detail=detail
            )
        finally:
            place.unlink(missing_ok=True)
        file.unlink()
        if not is_new:
            self._held.drop(upload)

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
            except Exception as error:  # noqa: BLE001 — whatever it is, the others are not to wait for it
                troubles[file.name] = error
                continue
            if left is not None:
                soonest = left if soonest is None else min(soonest, left)
        for file in sorted((self._root / _RESTED).iterdir()):
            if file in self._passing:
                continue
            try:
                self._transfer(file)
            except FileNotFoundError:
                continue  # by the thread that was at it when we looked
            except Exception as error:  # noqa: BLE001 — as above
                troubles[file.name.partition("~")[2]] = error
        new = troubles.keys() - self._reported
        self._reported = set(troubles)
        said = tuple(self._left(name, troubles[name]) for name in sorted(new))
        return Settled(soonest, said, is_troubled=bool(troubles))

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
            handed = self._finish(file, file_name(os.fsencode(file.name)), status.st_size, status.st_mtime)
        if handed is not None:
            self._passing.discard(handed)
        return None

    def _left(self, name: str, error: Exception) -> Left:
        log.warning("SFTP %s: %s cannot be taken: %s", self.account.name, name, error)
        why = "It is complete, and the machine could not take it yet; it is tried again."
        return left_alone(self.account.mailbox, name, "upload-not-taken", why)

    def tidy(self) -> None:
        """Delete old statuses, and what was broken off, or closed and never renamed to a final name, long ago."""
        now = self._clock()
        self.statuses.expire(now)
        with self._lock:
            gone = [(name, "It was broken off, and not gone on with for a week.") for name in self._drop_broken(now)]
            gone += [(name, "It was not renamed to a final name for a week.") for name in self._drop_unfinished(now)]
        for name, why in gone:
            log.info("SFTP %s: %s was deleted: %s", self.account.name, name, why)
            if name:
                self._say(name, str(uuid7()), f"not taken. {why}")
        self.count()

    def _drop_broken(self, now: float) -> Iterator[str]:
        for part, name in self._parts.expired(now):
            if name not in self._writing:
                self._parts.drop(part)
                yield name

    def _drop_unfinished(self, now: float) -> Iterator[str]:
        for file in (self._root / IN).iterdir():
            with contextlib.suppress(FileNotFoundError):
                status = file.lstat()
                # By the change of its name, too: what was renamed or laid there lately is in somebody's hands.
                latest = max(status.st_mtime, status.st_ctime)
                if is_unfinished(file.name) and stat.S_ISREG(status.st_mode) and latest < now - KEPT_SECONDS:
                    file.unlink()
                    yield file_name(os.fsencode(file.name))

    def _say(self, name: str, upload: str, text: str) -> None:
        """A status is a courtesy: that it cannot be written must not keep a file from being taken."""
        try:
            self.statuses.say(name, upload, f"{name}: {text}\n")
        except OSError as error:
            log.warning("SFTP %s: the status of %s cannot be written: %s", self.account.name, name, error)

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


def _size_of(file: Path) -> int:
    """Bytes of a file, 0 if it is gone: other sessions close theirs while we look."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0


def _lay(file: Path, place: Path) -> None:
    """Make the file be at another place too: a link, or a copy where there may be none.

    Linux lets nobody link what another user laid there unless they may write it (`fs.protected_hardlinks`).
    """
    try:
        os.link(file, place)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        shutil.copyfile(file, place)


def _rename_beside(file: Path, name: str) -> None:
    for candidate in free_names(name):
        with contextlib.suppress(FileExistsError):
            move_without_replacing(file, file.with_name(candidate))
            return


def _check_resumed(upload: Upload, at: int) -> None:
    if at and upload.taken_before and not upload.kept and upload.written.start is None:
        raise Refused("exists", _was_taken(upload.name))


def _was_taken(name: str) -> str:
    return f"{name} was taken already, so it cannot be gone on with; send the file again from its start."
