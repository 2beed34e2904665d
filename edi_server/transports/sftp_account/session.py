# ruff: noqa: D102 — asyncssh says what its methods mean
"""One SFTP session: what asyncssh asks, put to the account's tree. Its refusals are logged, and told in words.

All that touches the disk is done by threads: a disk that hangs stops those who wait for it, and no other session.
asyncssh asks for one thing of a session at a time, so what a client writes, reads and closes stays in its order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Self, TypeVar

import asyncssh
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE

from edi_server.errors import EdiServerError
from edi_server.transports.sftp_account.login import Login
from edi_server.transports.sftp_account.names import Refused, printable, real_path, text_of
from edi_server.transports.sftp_account.rates import Pace
from edi_server.transports.sftp_account.tree import Download, Entry, Upload
from edi_server.transports.sftp_account.workers import Workers

log = logging.getLogger(__name__)
T = TypeVar("T")

_ERRORS: dict[str, Callable[[str], asyncssh.SFTPError]] = {
    "missing": asyncssh.SFTPNoSuchFile,
    "outside": asyncssh.SFTPNoSuchFile,
    "denied": asyncssh.SFTPPermissionDenied,
}
#: Refusals of one session that are logged: an attacker has time.
_MOST_LOGGED = 50
#: Names that are looked at in one go: others want to use the disk, too.
_AT_ONCE = 100
_NO_LINKS = "There are no links here."
_TROUBLE = "The server could not do that; please try again later."


class Session(asyncssh.SFTPServer):
    """See the module's docstring. `is_ending` and `pause` are for `answering`."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], login: Login, workers: Workers, pace: Pace) -> None:
        super().__init__(channel)
        assert login.tree is not None
        self._tree = login.tree
        self._login = login
        self._workers = workers
        self._pace = pace
        self._name = login.tree.account.name
        self._logged = 0
        self._sent = 0
        #: True from when the connection ends: what is closed then was not closed by the client.
        self.is_ending = False
        workers.begin(self)
        login.channels += 1

    # --- asked by `answering`

    async def pause(self, size: int) -> None:
        """A request of so many bytes was answered; returns when the next one may come."""
        self._login.touch()
        wait = self._pace.request(self._tree.account.rates, size + self._sent)
        self._sent = 0
        if wait:
            await asyncio.sleep(wait)

    def exit(self) -> None:
        """Say that the session ended well: scp takes silence for a failure."""
        self._workers.end(self)
        self._login.channels -= 1
        with contextlib.suppress(Exception):
            self.channel.exit(0)

    async def _do(self, action: Callable[[], T]) -> T:
        """Run an action that touches the disk beside the loop, its failures in the words of SFTP."""
        with self._told():
            return await self._workers.run(self._name, action)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            self._log(refused)
            raise _ERRORS.get(refused.reason, asyncssh.SFTPFailure)(str(refused)) from refused
        except asyncssh.SFTPError:
            raise
        except (EdiServerError, OSError) as error:
            log.warning("SFTP %s: %s", self._name, error)
            raise asyncssh.SFTPFailure(_TROUBLE) from error
        except Exception as error:
            # Said here, since asyncssh tells clients what nobody foresaw, paths of ours included.
            log.exception("SFTP %s: failed unexpectedly", self._name)
            raise asyncssh.SFTPFailure(_TROUBLE) from error

    def _log(self, refused: Refused) -> None:
        # Clients look before they write: that a file is not there yet is no attack.
        if refused.reason == "missing" or self._logged > _MOST_LOGGED:
            return
        self._logged += 1
        more = "; further refusals of this session are not logged" if self._logged > _MOST_LOGGED else ""
        log.info("SFTP %s from %s refused: %s%s", self._name, self._login.address, printable(str(refused)), more)

    def _deny(self, text: str) -> None:
        with self._told():
            raise Refused("denied", text)

    # --- files

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:  # noqa: ARG002
        with self._told(), self._workers.hold(self._name, self._login.endpoint.limits.open_files) as held:
            if pflags & (FXF_WRITE | FXF_APPEND | FXF_CREAT):
                wait = self._pace.upload(self._tree.account.rates)
                if wait:
                    await asyncio.sleep(wait)
                opened: object = await self._do(
                    lambda: self._tree.write(
                        text_of(path),
                        append=bool(pflags & FXF_APPEND),
                        truncate=bool(pflags & FXF_TRUNC),
                        create=bool(pflags & FXF_CREAT),
                        exclusive=bool(pflags & FXF_EXCL),
                    )
                )
            else:
                opened = await self._do(lambda: self._tree.read(text_of(path)))
            held.keep()
        return opened

    async def close(self, file_obj: object) -> None:
        self._workers.let_go(self._name)
        if isinstance(file_obj, Upload):
            await self._do(lambda: (self._tree.abort if self.is_ending else self._tree.close)(file_obj))
        elif isinstance(file_obj, Download):
            outbox = self._tree.outbox
            await self._do(lambda: (outbox.leave if self.is_ending else outbox.finish)(file_obj))

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        with self._told():
            if not isinstance(file_obj, Download):
                raise Refused("denied", "This file is open for writing.")
        content = await self._do(lambda: self._tree.outbox.get(file_obj, offset, size))
        self._sent += len(content)
        return content

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        with self._told():
            if not isinstance(file_obj, Upload):
                raise Refused("denied", "This file is open for reading.")
        await self._do(lambda: self._tree.put(file_obj, offset, data))
        return len(data)

    async def fsync(self, file_obj: object) -> None:
        """Harmless: `close` makes it durable anyway."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _attributes(await self._do(lambda: self._tree.look(text_of(path))))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self.stat(path)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        if isinstance(file_obj, Upload):
            return _attributes(Entry(file_obj.name, is_folder=False, size=file_obj.size))
        assert isinstance(file_obj, Download)
        return _attributes(Entry(file_obj.name, is_folder=False, size=file_obj.size, changed=file_obj.changed))

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        changed = float(attrs.mtime) if attrs.mtime is not None else None
        await self._do(lambda: self._tree.set_time(text_of(path), changed, attrs.size))

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self.setstat(path, attrs)

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        size = attrs.size
        if isinstance(file_obj, Upload) and size is not None:
            await self._do(lambda: self._tree.cut(file_obj, size))

    # --- folders and names

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        with self._told():
            return _Listing(self._list(path), self._workers, self._name, self._login.endpoint.limits.open_files)

    async def _list(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        entries = await self._do(lambda: self._tree.list(text_of(path)))
        for name in (".", ".."):
            yield _named(Entry(name, is_folder=True))
        while batch := await self._do(lambda: list(itertools.islice(entries, _AT_ONCE))):
            for entry in batch:
                yield _named(entry)

    async def remove(self, path: bytes) -> None:
        await self._do(lambda: self._tree.remove(text_of(path)))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do(lambda: self._tree.rename(text_of(oldpath), text_of(newpath), replace=False))

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do(lambda: self._tree.rename(text_of(oldpath), text_of(newpath), replace=True))

    def realpath(self, path: bytes) -> bytes:
        return real_path(text_of(path)).encode("utf-8", "replace")

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        self._deny("Folders cannot be made here.")

    async def rmdir(self, path: bytes) -> None:  # noqa: ARG002
        self._deny("Folders cannot be removed here.")

    def readlink(self, path: bytes) -> bytes:  # noqa: ARG002
        self._deny(_NO_LINKS)
        raise AssertionError

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        self._deny(_NO_LINKS)

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        self._deny(_NO_LINKS)


class _Listing:
    """A folder that is open for reading, until asyncssh drops it: it tells nobody when a client closes one."""

    def __init__(self, names: AsyncIterator[asyncssh.SFTPName], workers: Workers, account: str, most: int) -> None:
        with workers.hold(account, most) as held:
            held.keep()
        self._names = names
        weakref.finalize(self, workers.let_go, account)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> asyncssh.SFTPName:
        return await anext(self._names)


def _named(entry: Entry) -> asyncssh.SFTPName:
    return asyncssh.SFTPName(entry.name.encode("utf-8", "surrogateescape"), attrs=_attributes(entry))


def _attributes(entry: Entry) -> asyncssh.SFTPAttrs:
    mode = 0o040750 if entry.is_folder else 0o100640
    when = int(entry.changed)
    return asyncssh.SFTPAttrs(
        size=entry.size, uid=0, gid=0, permissions=mode, atime=when, mtime=when, nlink=1, owner="edi", group="edi"
    )
