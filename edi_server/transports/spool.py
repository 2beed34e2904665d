"""What came over the network, made durable before anybody is told so: each thing once, with the answer it was given.

Endpoints (an SFTP server, an AS2 station, an HTTP drop, a poller of remote mailboxes) put what they receive here under
a key that names it for ever (a Message-ID, an idempotency key, a remote file's name with size and time). What came
before under the same key is not taken again; whoever asks is given the answer of the first time.

    <folder>/new/<transmission id>/        being written; becomes one of the next, or debris that goes after a while
    <folder>/uploads/                      written bit by bit by endpoints, see `place`
    <folder>/waiting/<transmission id>/    content, and taken.json: to be collected; gone after `release`
    <folder>/damaged/<transmission id>/    the same, where taken.json cannot be read: nobody knows whose it is
    <folder>/known/<ab>/<hash of the key>  taken.json: which transmission it was, and the answer; kept until `forget`

The moment of taking is the appearance of the name in `known`: a hard link, so it happens once, whoever else tries.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from uuid6 import uuid7

from edi_server.errors import TransportError
from edi_server.transports.durable_file import told
from edi_server.transports.port import Claim
from edi_server.transports.renaming import sync_folder

log = logging.getLogger(__name__)

Buffer = bytes | bytearray | memoryview
_CONTENT, _TAKEN = "content", "taken.json"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was received."""

    transmission_id: str
    mailbox: str
    #: What names it for ever within its mailbox.
    key: str
    #: Name that the partner gave.
    name: str
    size: int
    #: When it was taken, nanoseconds since 1970 by our clock.
    taken_ns: int
    #: What the endpoint knows of it: Message-ID, account, address, …; for people.
    detail: dict[str, str] = {}
    #: What was answered, to be answered again: the receipt of AS2.
    answer: bytes = b""

    @property
    def taken_at(self) -> datetime:
        """When it was taken."""
        return datetime.fromtimestamp(self.taken_ns / 1e9, UTC)


class Spool:
    """One folder, shared by any number of processes. Methods raise TransportError where the disk does not work."""

    def __init__(self, folder: Path, *, stale_seconds: float = 3600) -> None:
        """`stale_seconds`: what is so old and unfinished, nobody works on any more."""
        self._folder = folder
        self._stale = stale_seconds

    def prepare(self) -> None:
        """Make the folders, and finish or undo what a crash left."""
        with told(self._folder):
            for part in ("new", "waiting", "known", "uploads"):
                (self._folder / part).mkdir(parents=True, exist_ok=True)
            self._recover_all()
            for folder in (self._folder / "waiting").iterdir():
                # Released, and only partly removed.
                if not ((folder / _CONTENT).exists() and (folder / _TAKEN).exists()):
                    shutil.rmtree(folder, ignore_errors=True)

    def take(
        self,
        content: Buffer | Path,
        *,
        mailbox: str,
        key: str,
        name: str,
        detail: Mapping[str, str] | None = None,
        answer: bytes = b"",
    ) -> tuple[Taken, bool]:
        """Make it durable, and say whether it is new; if not, what is returned is that of the first time.

        A path is moved (it must lie in the same file system, see `place`), bytes are written.
        """
        with told(self._folder):
            known = self._find(mailbox, key)
            if known is not None:
                if isinstance(content, Path):
                    content.unlink(missing_ok=True)
                return known, False
            return self._take(content, mailbox, key, name, dict(detail or {}), answer)

    def place(self) -> Path:
        """A name for a file that an endpoint writes bit by bit and then gives to `take`."""
        return self._folder / "uploads" / str(uuid7())

    def find(self, mailbox: str, key: str) -> Taken | None:
        """What was taken under that key."""
        with told(self._folder):
            return self._find(mailbox, key)

    def known(self) -> list[Taken]:
        """Everything that was taken and not forgotten, in no order."""
        with told(self._folder):
            return [taken for file in (self._folder / "known").glob("*/*") if (taken := self._read(file)) is not None]

    def claimed(self) -> list[Claim]:
        """Everything that waits to be collected, oldest first."""
        with told(self._folder):
            return sorted(self._waiting(), key=lambda claim: claim.transmission_id)

    def release(self, claim: Claim) -> None:
        """Forget the bytes, which are stored elsewhere; the key stays known. Releasing twice is harmless."""
        with told(claim.path):
            shutil.rmtree(claim.path.parent, ignore_errors=True)
            sync_folder(self._folder / "waiting")

    def forget_key(self, mailbox: str, key: str) -> None:
        """The key may come again as something new: what had it is gone on the other side."""
        with told(self._folder):
            self._known(mailbox, key).unlink(missing_ok=True)

    def forget(self, before: datetime, *, keep: Collection[str] = ()) -> int:
        """Remove keys that were taken before; what waits keeps its key, and so do those to keep. How many were removed.

        Debris goes as well: call it now and then.
        """
        waiting = {claim.transmission_id for claim in self.claimed()}
        removed = 0
        with told(self._folder):
            self._recover_all()
            for file in (self._folder / "known").glob("*/*"):
                taken = self._read(file)
                is_old = taken is not None and taken.taken_at < before and taken.key not in keep
                if taken is not None and is_old and taken.transmission_id not in waiting:
                    file.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _find(self, mailbox: str, key: str) -> Taken | None:
        taken = self._read(self._known(mailbox, key))
        if taken is not None:
            # Whoever took it may have failed just behind that, and would be answered without its being collected.
            self._hand_on(self._folder / "new" / taken.transmission_id)
        return taken

    def _take(
        self, content: Buffer | Path, mailbox: str, key: str, name: str, detail: dict[str, str], answer: bytes
    ) -> tuple[Taken, bool]:
        making = self._folder / "new" / str(uuid7())
        try:
            taken = self._make(making, content, mailbox, key, name, detail, answer)
            first = self._be_first(making, taken)
        except OSError:
            self._undo(making, content)
            raise
        if first is not None:
            shutil.rmtree(making, ignore_errors=True)
            return first, False
        sync_folder(self._known(mailbox, key).parent)
        self._hand_on(making)
        return taken, True

    def _make(
        self,
        making: Path,
        content: Buffer | Path,
        mailbox: str,
        key: str,
        name: str,
        detail: dict[str, str],
        answer: bytes,
    ) -> Taken:
        making.mkdir()
        _write_content(making / _CONTENT, content)
        taken = Taken(
            transmission_id=making.name,
            mailbox=mailbox,
            key=key,
            name=name,
            size=(making / _CONTENT).stat().st_size,
            taken_ns=uuid_ns(),
            detail=detail,
            answer=answer,
        )
        _write(making / _TAKEN, msgspec.json.encode(taken))
        sync_folder(making)
        return taken

    def _be_first(self, making: Path, taken: Taken) -> Taken | None:
        """Make the key known; what had it before, if something has."""
        known = self._known(taken.mailbox, taken.key)
        known.parent.mkdir(exist_ok=True)
        try:
            os.link(making / _TAKEN, known)
        except FileExistsError:
            first = self._find(taken.mailbox, taken.key)
            if first is None:
                raise
            return first
        return None

    def _undo(self, making: Path, content: Buffer | Path) -> None:
        """The disk failed before it was taken: a file goes back to where it was, and nothing is left of the rest."""
        if isinstance(content, Path) and (making / _CONTENT).exists():
            with contextlib.suppress(OSError):
                (making / _CONTENT).rename(content)
        shutil.rmtree(making, ignore_errors=True)

    def _hand_on(self, making: Path) -> None:
        try:
            making.rename(self._folder / "waiting" / making.name)
        except FileNotFoundError:
            return  # somebody else was faster
        sync_folder(self._folder / "waiting")

    def _recover_all(self) -> None:
        for debris in (self._folder / "new").iterdir():
            with contextlib.suppress(FileNotFoundError):
                self._recover(debris)
        for upload in (self._folder / "uploads").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - upload.stat().st_mtime >= self._stale:
                    upload.unlink()

    def _recover(self, debris: Path) -> None:
        """After a crash: what had become known is handed on, the rest never was taken."""
        taken = self._read(debris / _TAKEN)
        known = self._read(self._known(taken.mailbox, taken.key)) if taken else None
        if taken is not None and known is not None and known.transmission_id == taken.transmission_id:
            self._hand_on(debris)
        elif time.time() - debris.stat().st_mtime >= self._stale:
            shutil.rmtree(debris, ignore_errors=True)

    def _waiting(self) -> Iterator[Claim]:
        for folder in (self._folder / "waiting").iterdir():
            taken = self._read_or_set_aside(folder)
            if taken is not None and (folder / _CONTENT).exists():
                yield Claim(
                    transmission_id=taken.transmission_id,
                    mailbox=taken.mailbox,
                    name=taken.name,
                    path=folder / _CONTENT,
                    size=taken.size,
                    changed_ns=taken.taken_ns,
                    detail=taken.detail,
                )

    def _read_or_set_aside(self, folder: Path) -> Taken | None:
        """What is damaged must not hold up all the rest: it lies in `damaged/` then, for a person to look at."""
        try:
            return self._read(folder / _TAKEN)
        except TransportError as error:
            (self._folder / "damaged").mkdir(exist_ok=True)
            folder.rename(self._folder / "damaged" / folder.name)
            log.error("%s; it was set aside in %s", error, self._folder / "damaged")  # noqa: TRY400 — no trace helps
            return None

    def _known(self, mailbox: str, key: str) -> Path:
        digest = hashlib.sha256(f"{mailbox}\0{key}".encode()).hexdigest()
        return self._folder / "known" / digest[:2] / digest

    def _read(self, file: Path) -> Taken | None:
        try:
            return msgspec.json.decode(file.read_bytes(), type=Taken)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise TransportError(f"{file}: is damaged: {error}", permanent=True) from error


def uuid_ns() -> int:
    """Nanoseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * 1e9)


def _write_content(target: Path, content: Buffer | Path) -> None:
    if isinstance(content, Path):
        with content.open("rb") as file:
            os.fsync(file.fileno())
        content.rename(target)
    else:
        _write(target, content)


def _write(path: Path, content: Buffer) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
