"""Collecting from `inbox/<mailbox>/`: which files are complete, and how one becomes ours.

A file is taken only when two looks, at least the quiet time apart by *our* clock, saw the same file with the same size
and the same time of change. The clock of the file server is never compared with ours. It is claimed by a rename to
`inbox/<mailbox>/.claimed/<transmission id>/<name>`: the file system lets one collector win.

The limit of this: a writer that pauses for longer than the quiet time looks finished. Partners should write to a name
ending in `.part` or `.tmp` and rename. Where one does not, and goes on writing to the file after it was claimed,
`release` notices and puts the file back, so that the whole of it is collected as a transmission of its own.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from uuid6 import uuid7

from edi_server.errors import TransportError
from edi_server.findings import Finding
from edi_server.transports.port import Claim, Collected, Left
from edi_server.transports.renaming import free_names, move_without_replacing

CLAIMED = ".claimed"
#: Names that writers give to what they have not finished; any case.
UNFINISHED = (".part", ".tmp", ".filepart", "~")
#: Lies in the inbox of every new installation.
_README = "README.md"
#: One look takes no more than this, so that the first files are worked on while others wait.
_MOST = 1000
#: What of a file must stay the same: device and inode, size, time of change in nanoseconds.
Signature = tuple[int, int, int, int]


class _Seen(msgspec.Struct, kw_only=True):
    """What was observed about a name, and since when by the monotonic clock."""

    signature: Signature
    since: float
    reported: bool = False


class _Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    #: None if the folder cannot be read.
    entries: list[Path] | None


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    mailbox: str
    path: Path
    signature: Signature


class Inbox:
    """The folders of all mailboxes below one folder. Keeps what it saw at the last look."""

    def __init__(self, folder: Path, *, quiet_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._quiet = quiet_seconds
        self._clock = clock
        #: By mailbox and file name: what the look before saw, and what this one does.
        self._before: dict[tuple[str, str], _Seen] = {}
        self._seen: dict[tuple[str, str], _Seen] = {}

    def collect(self) -> Collected:
        """Claim what is complete; raises TransportError if the inbox itself cannot be read."""
        self._before, self._seen = self._seen, {}
        found = [one for mailbox in self._mailboxes() for one in self._look(mailbox)]
        ready = [one for one in found if isinstance(one, _Ready)]
        ready.sort(key=lambda one: (one.signature[3], one.path.name))
        taken = [self._claim(one) for one in ready[:_MOST]]
        return Collected(
            claims=tuple(one for one in taken if isinstance(one, Claim)),
            left=tuple(one for one in [*found, *taken] if isinstance(one, Left)),
            look_again_seconds=0.0 if len(ready) > _MOST else self._soonest(),
        )

    def claimed(self) -> list[Claim]:
        """Claims found on disk, oldest first; folders that a crash left empty go. Raises TransportError."""
        try:
            claims = [claim for folder in self._folder.glob(f"[!.]*/{CLAIMED}/*") for claim in _claims_in(folder)]
        except OSError as error:
            raise TransportError(f"{error.filename}: claims cannot be read: {error.strerror}") from error
        return sorted(claims, key=lambda claim: claim.transmission_id)

    def release(self, claim: Claim) -> None:
        """Delete a claimed file, or put it back if it was written to since; raises TransportError."""
        try:
            status = claim.path.lstat()
            if (status.st_size, status.st_mtime_ns) == (claim.size, claim.changed_ns):
                claim.path.unlink()
            else:
                _put_back(claim.path, self._folder / claim.mailbox)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise TransportError(f"{claim.path}: cannot be released: {error.strerror}") from error
        _remove_if_empty(claim.path.parent)

    def _mailboxes(self) -> Iterator[_Mailbox]:
        """Each mailbox with what lies in it; under the name "" what lies outside of any."""
        try:
            top = [path for path in sorted(self._folder.iterdir()) if not path.name.startswith(".")]
        except OSError as error:
            raise TransportError(f"{self._folder}: the inbox cannot be read: {error.strerror}") from error
        yield _Mailbox(name="", entries=[path for path in top if not path.is_dir() and path.name != _README])
        for path in top:
            if path.is_dir():
                yield _Mailbox(name=path.name, entries=_entries(path))

    def _look(self, mailbox: _Mailbox) -> Iterator[_Ready | Left | None]:
        if mailbox.entries is None:
            seen = self._observe((mailbox.name, ""), (0, 0, 0, 0))
            yield self._once(seen, mailbox.name, mailbox.name, "folder-unreadable", "The folder cannot be read.")
        for path in mailbox.entries or ():
            yield self._judge(mailbox.name, path)

    def _judge(self, mailbox: str, path: Path) -> _Ready | Left | None:
        """Whether a file is complete, odd (said once), or left to wait or alone."""
        if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED):
            return None
        try:
            status = path.lstat()
        except OSError:
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        seen = self._observe((mailbox, path.name), _signature(status))
        if self._clock() - seen.since < self._quiet:
            return None
        oddity = _oddity(mailbox, status)
        if oddity is None:
            return _Ready(mailbox=mailbox, path=path, signature=seen.signature)
        return self._once(seen, mailbox, path.name, *oddity)

    def _observe(self, key: tuple[str, str], signature: Signature) -> _Seen:
        """What is known of a name, starting anew if the file under it changed."""
        known = self._before.get(key)
        seen = known if known and known.signature == signature else _Seen(signature=signature, since=self._clock())
        self._seen[key] = seen
        return seen

    def _once(self, seen: _Seen, mailbox: str, name: str, what: str, sentence: str) -> Left | None:
        """What is odd about a name, if it was not said before."""
        new, seen.reported = not seen.reported, True
        return left_alone(mailbox, readable(name), what, sentence) if new else None

    def _claim(self, ready: _Ready) -> Claim | Left | None:
        """Make a complete file ours; None if another collector was faster or it changed at the last moment."""
        key = (ready.mailbox, ready.path.name)
        try:
            os.close(os.open(ready.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
            claim = _take(ready)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._once(self._seen[key], *key, "not-taken", f"The file could not be taken: {error.strerror}.")
        del self._seen[key]
        return claim

    def _soonest(self) -> float | None:
        """Time until the next observed file can be complete."""
        now = self._clock()
        waiting = [seen.since + self._quiet - now for seen in self._seen.values() if not seen.reported]
        return max(0.0, min(waiting)) if waiting else None


def _entries(folder: Path) -> list[Path] | None:
    """What lies in a folder, or None if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [folder / entry.name for entry in entries]
    except OSError:
        return None


def _take(ready: _Ready) -> Claim | None:
    """Rename a file into a folder of its own; None, with the file back in place, if it changed meanwhile."""
    transmission_id = str(uuid7())
    folder = ready.path.parent / CLAIMED / transmission_id
    folder.mkdir(parents=True)
    target = folder / ready.path.name
    try:
        ready.path.rename(target)
    except OSError:
        _remove_if_empty(folder)
        raise
    if _signature(target.lstat()) != ready.signature:
        _put_back(target, ready.path.parent)
        _remove_if_empty(folder)
        return None
    return _claim_of(transmission_id, ready.mailbox, target)


def _claims_in(folder: Path) -> list[Claim]:
    """The claim in a folder named by its id; an empty one is removed."""
    if not _is_id(folder.name):
        return []
    claims = []
    for path in _entries(folder) or ():
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                claims.append(_claim_of(folder.name, folder.parent.parent.name, path))
        except FileNotFoundError:
            continue  # another process released it just now
    if not claims:
        _remove_if_empty(folder)
    return claims


def _oddity(mailbox: str, status: os.stat_result) -> tuple[str, str] | None:
    """Why a file that has come to rest is not taken: code and sentence."""
    if not mailbox:
        return "no-mailbox", "The file lies outside any mailbox and is not taken; put it into the folder of a partner."
    if stat.S_ISLNK(status.st_mode):
        return "link", "Symbolic links are not taken; put the file itself here."
    if not stat.S_ISREG(status.st_mode):
        return "not-a-file", "This is no ordinary file and is not taken."
    if status.st_nlink > 1:
        return "linked-file", "The file has a second name (hard link) and is not taken until that is gone."
    if status.st_size == 0:
        return "empty-file", "The file is empty and is not taken."
    return None


def left_alone(mailbox: str, name: str, what: str, sentence: str) -> Left:
    """A file that was not taken, and why: a code and a sentence."""
    finding = Finding(code=f"transport.{what}", severity="warning", sentence=sentence, found=name[:80])
    return Left(mailbox=mailbox, finding=finding)


def _signature(status: os.stat_result) -> Signature:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _claim_of(transmission_id: str, mailbox: str, path: Path) -> Claim:
    status = path.lstat()
    return Claim(
        transmission_id=transmission_id,
        mailbox=mailbox,
        name=readable(path.name),
        path=path,
        size=status.st_size,
        changed_ns=status.st_mtime_ns,
    )


def readable(name: str) -> str:
    r"""A file name as text that can be stored and shown: what is no printable text is written as `\xhh`."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _put_back(path: Path, folder: Path) -> None:
    """Return a file to its mailbox, beside whatever has its name now."""
    for name in free_names(path.name):
        try:
            move_without_replacing(path, folder / name)
        except FileExistsError:
            continue
        return


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # another collector's, or not empty: it stays
