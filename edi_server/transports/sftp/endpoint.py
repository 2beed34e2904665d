"""The SFTP endpoint: asyncssh around `tree`, with what asyncssh leaves to its users.

Only SFTP is offered: no shell, no commands, no forwarding, no links. All of it runs on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncssh
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.sftp import SFTPServerHandler

from edi_server.errors import ConfigurationError
from edi_server.transports.sftp.account import Account, fits_password
from edi_server.transports.sftp.guard import Guard, Limits
from edi_server.transports.sftp.tree import Download, Entry, Refused, Tree, Upload

log = logging.getLogger(__name__)

_KEX = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp521",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
)
_CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512",
    "hmac-sha2-256",
)
_SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
#: Added on a listener of their own, for partners who have nothing better.
_LEGACY = {
    "kex_algs": ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1"),
    "encryption_algs": ("aes256-cbc", "aes128-cbc"),
    "mac_algs": ("hmac-sha1",),
    "signature_algs": ("ssh-rsa",),
}
_ERRORS: dict[str, Callable[[str], asyncssh.SFTPError]] = {
    "missing": asyncssh.SFTPNoSuchFile,
    "denied": asyncssh.SFTPPermissionDenied,
}


async def _end_session(handler: SFTPServerHandler, exc: Exception | None) -> None:
    """Tell the server that the session ends before asyncssh closes what is open: that is no CLOSE of the client's.

    asyncssh calls `close` in both cases and offers no way to tell them apart; `tests` pin this down.
    """
    server = handler._server  # noqa: SLF001 — there is no public way
    if isinstance(server, _Session):
        server.is_ending = True
    await _asyncssh_cleanup(handler, exc)


_asyncssh_cleanup = SFTPServerHandler._cleanup  # noqa: SLF001
SFTPServerHandler._cleanup = _end_session  # type: ignore[assignment,method-assign]  # noqa: SLF001


def _there(known: Sequence[bytes], wanted: Sequence[str]) -> list[str]:
    """Those of the wanted algorithms that this installation has: some need libraries beside asyncssh."""
    return [name for name in wanted if name.encode() in known]


class Endpoint:
    """One or more listeners for the accounts as they are now."""

    def __init__(
        self,
        *,
        trees: Callable[[], Mapping[str, Tree]],
        host_keys: Sequence[asyncssh.SSHKey],
        limits: Limits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`trees`: the tree of each account by its name. Host keys are objects: paths would be read at each login."""
        if not host_keys:
            raise ConfigurationError("The SFTP endpoint needs a host key.")
        self.trees = trees
        self.limits = limits or Limits()
        self.guard = Guard(self.limits)
        self.clock = clock
        self._host_keys = list(host_keys)
        self._listeners: list[asyncssh.SSHAcceptor] = []
        self._connections: set[_Login] = set()
        #: Files that are open, by account: each costs the whole daemon one of its descriptors.
        self.open_files: Counter[str] = Counter()

    async def listen(self, host: str, port: int, *, legacy: bool = False) -> int:
        """Open a listener; the port it got. With `legacy`, also the algorithms that only accounts marked so may use.

        Raises ConfigurationError where the address cannot be used.
        """
        more = _LEGACY if legacy else {}
        try:
            listener = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: _Login(self, legacy=legacy),
                server_host_keys=self._host_keys,
                sftp_factory=self._session,
                allow_scp=False,
                agent_forwarding=False,
                x11_forwarding=False,
                line_editor=False,
                login_timeout=self.limits.login_seconds,
                keepalive_interval=60,
                keepalive_count_max=3,
                compression_algs=None,
                kex_algs=_there(get_kex_algs(), (*_KEX, *more.get("kex_algs", ()))),
                encryption_algs=_there(get_encryption_algs(), (*_CIPHERS, *more.get("encryption_algs", ()))),
                mac_algs=_there(get_mac_algs(), (*_MACS, *more.get("mac_algs", ()))),
                signature_algs=(*_SIGNATURES, *more.get("signature_algs", ())),
                server_version="EDI",
            )
        except OSError as error:
            raise ConfigurationError(f"SFTP cannot listen on {host}:{port}: {error.strerror}") from error
        self._listeners.append(listener)
        return int(listener.get_port())

    async def close(self) -> None:
        """Take no more connections, and end those that are open; uploads that were not closed are kept to resume."""
        for listener in self._listeners:
            listener.close()
        for login in list(self._connections):
            login.end("the endpoint is closing")
        for listener in self._listeners:
            await listener.wait_closed()

    async def end_strangers(self) -> None:
        """End the connections of those who could not log in any more as they did: account, key or place was removed."""
        for login in list(self._connections):
            if login.tree is not None and not login.may_stay():
                login.end("what it logged in by is not agreed any more")

    def connected(self, login: _Login) -> None:
        """Note an open connection."""
        self._connections.add(login)

    def disconnected(self, login: _Login) -> None:
        """Note that it ended."""
        self._connections.discard(login)

    def _session(self, channel: asyncssh.SSHServerChannel[bytes]) -> _Session:
        connection = channel.get_connection()
        login = connection.get_owner()
        if not isinstance(login, _Login) or login.tree is None:
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, "not logged in")
        return _Session(channel, login)


class _Login(asyncssh.SSHServer):
    """One connection: letting in, logging in, and how long it may rest."""

    def __init__(self, endpoint: Endpoint, *, legacy: bool) -> None:
        self.endpoint = endpoint
        self._legacy = legacy
        self._connection: asyncssh.SSHServerConnection | None = None
        self._address = ""
        self._name: str | None = None
        self._failures = 0
        self._is_admitted = False
        self._alarm: asyncio.TimerHandle | None = None
        #: Finds in an account what somebody logged in by: the last one that was found good is the one that counted.
        self._found: Callable[[Account], bool] = lambda _account: False
        self.tree: Tree | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._address = str((conn.get_extra_info("peername") or ("?",))[0])
        objection = self.endpoint.guard.admit(self._address)
        if objection:
            log.info("SFTP %s is not let in: %s", self._address, objection)
            conn.abort()
            return
        self._is_admitted = True
        self.endpoint.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — why does not matter
        if self._alarm:
            self._alarm.cancel()
        if self._is_admitted:
            self.endpoint.guard.leave(self._address, self._name)
            self.endpoint.disconnected(self)

    def auth_completed(self) -> None:
        assert self._connection is not None
        name = str(self._connection.get_extra_info("username"))
        tree = self.endpoint.trees().get(name)
        self._name = name
        may_open = self.endpoint.guard.log_in(self._address, name, tree.account.sessions if tree else 0)
        if tree is None or not may_open:
            self.end("too many sessions of this account")
            return
        self.tree = tree
        self.touch()
        log.info("SFTP %s logged in from %s", name, self._address)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 — nobody comes in without
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._try(username, "key", lambda account: self._has_key(account, key))

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._try(
            username, "certificate", lambda account: any(_same_key(one, key) for one in account.authorities)
        )

    async def validate_password(self, username: str, password: str) -> bool:
        if self.endpoint.guard.is_banned(self._address, username):
            return self._failed(username, "password, too many attempts")
        account = self._account(username)
        kept = account.password if account else ""
        # Slow on purpose, and never on the loop that serves everybody.
        fits = await asyncio.get_running_loop().run_in_executor(None, fits_password, kept, password)
        return self._try(username, "password", lambda account: fits and account.password == kept)

    def may_stay(self) -> bool:
        """True if it could log in now as it did."""
        account = self._account(self._name or "")
        return account is not None and self._found(account)

    def _try(self, name: str, what: str, found: Callable[[Account], bool]) -> bool:
        account = self._account(name)
        if account is None or not found(account):
            return self._failed(name, what)
        self._found = found
        return True

    def _has_key(self, account: Account, key: asyncssh.SSHKey) -> bool:
        now = self.endpoint.clock()
        return any(one.is_valid(now) and _same_key(one.key, key) for one in account.keys)

    def touch(self) -> None:
        """Somebody asked for something: the idle time begins anew."""
        if self._alarm:
            self._alarm.cancel()
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(self.endpoint.limits.idle_seconds, self.end, "idle for too long")

    def end(self, why: str) -> None:
        """Close the connection."""
        if self._connection is not None:
            log.info("SFTP %s from %s is closed: %s", self._name or "?", self._address, why)
            with contextlib.suppress(Exception):
                self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def _account(self, name: str) -> Account | None:
        tree = self.endpoint.trees().get(name)
        if tree is None:
            return None
        account = tree.account
        if account.legacy_algorithms is False and self._legacy:
            return None
        return account if _may_come_from(account.networks, self._address) else None

    def _failed(self, name: str, what: str) -> bool:
        """Count it; always False."""
        self._failures += 1
        banned = self.endpoint.guard.fail(self._address, name)
        log.info("SFTP %s from %s: wrong %s", name[:60], self._address, what)
        if banned or self._failures >= self.endpoint.limits.attempts:
            self.end("too many failed attempts")
        return False


def _same_key(text: str, key: asyncssh.SSHKey) -> bool:
    try:
        return bool(asyncssh.import_public_key(text) == key)
    except asyncssh.KeyImportError:
        return False


def _may_come_from(networks: Sequence[str], address: str) -> bool:
    if not networks:
        return True
    try:
        place = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(place in ipaddress.ip_network(one, strict=False) for one in networks)


class _Session(asyncssh.SFTPServer):
    """One SFTP session: what asyncssh asks, put to the account's tree."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], login: _Login) -> None:
        super().__init__(channel)
        assert login.tree is not None
        self._tree = login.tree
        self._login = login
        self._name, self._files = login.tree.account.name, login.endpoint.open_files
        #: True from when the connection ends: what is closed then was not closed by the client.
        self.is_ending = False

    async def _do(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Run an action that touches the disk beside the loop, its refusals in the words of SFTP."""
        self._login.touch()
        try:
            return await asyncio.get_running_loop().run_in_executor(None, lambda: action(*arguments, **options))
        except Refused as refused:
            raise _ERRORS.get(refused.reason, asyncssh.SFTPFailure)(str(refused)) from refused
        except OSError as error:
            log.warning("SFTP %s: %s", self._tree.account.name, error)
            raise asyncssh.SFTPFailure("The server's disk does not work; please try again later.") from error

    def exit(self) -> None:
        """Say that the session ended well: scp takes silence for a failure."""
        with contextlib.suppress(Exception):
            self.channel.exit(0)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:  # noqa: ARG002
        if self._files[self._name] >= self._login.endpoint.limits.open_files:
            raise asyncssh.SFTPFailure("Too many files are open; please close some of them first.")
        # Counted before it is opened: requests come side by side.
        self._files[self._name] += 1
        try:
            return await self._open(path, pflags)
        except BaseException:
            self._files[self._name] -= 1
            raise

    async def _open(self, path: bytes, pflags: int) -> object:
        if pflags & (FXF_WRITE | FXF_APPEND | FXF_CREAT):
            return await self._do(
                self._tree.write,
                _text(path),
                append=bool(pflags & FXF_APPEND),
                truncate=bool(pflags & FXF_TRUNC),
                create=bool(pflags & FXF_CREAT),
                exclusive=bool(pflags & FXF_EXCL),
            )
        return await self._do(self._tree.read, _text(path))

    async def close(self, file_obj: object) -> None:
        self._files[self._name] -= 1
        if isinstance(file_obj, Upload):
            await self._do(self._tree.abort if self.is_ending else self._tree.close, file_obj)
        elif isinstance(file_obj, Download):
            await self._do(self._tree.leave if self.is_ending else self._tree.finish, file_obj)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._login.touch()
        if not isinstance(file_obj, Download):
            raise asyncssh.SFTPPermissionDenied("This file is open for writing.")
        return self._tree.get(file_obj, offset, size)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._login.touch()
        if not isinstance(file_obj, Upload):
            raise asyncssh.SFTPPermissionDenied("This file is open for reading.")
        try:
            self._tree.put(file_obj, offset, data)
        except Refused as refused:
            raise asyncssh.SFTPFailure(str(refused)) from refused
        return len(data)

    async def fsync(self, file_obj: object) -> None:
        """Harmless: `close` makes it durable anyway."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return _attributes(await self._do(self._tree.look, _text(path)))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self.stat(path)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        if isinstance(file_obj, Upload):
            return _attributes(Entry(file_obj.name, is_folder=False, size=file_obj.size))
        assert isinstance(file_obj, Download)
        return _attributes(Entry(file_obj.name, is_folder=False, size=file_obj.size, changed=file_obj.changed))

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        changed = float(attrs.mtime) if attrs.mtime is not None else None
        await self._do(self._tree.set_time, _text(path), changed, attrs.size)

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self.setstat(path, attrs)

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        if isinstance(file_obj, Upload) and attrs.size is not None:
            await self._do(self._tree.cut, file_obj, attrs.size)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        entries = await self._do(lambda: list(self._tree.list(_text(path))))
        here = Entry(".", is_folder=True)
        for entry in (here, Entry("..", is_folder=True), *entries):
            yield asyncssh.SFTPName(entry.name.encode(), attrs=_attributes(entry))

    async def remove(self, path: bytes) -> None:
        await self._do(self._tree.remove, _text(path))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do(self._tree.rename, _text(oldpath), _text(newpath), replace=False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._do(self._tree.rename, _text(oldpath), _text(newpath), replace=True)

    def realpath(self, path: bytes) -> bytes:
        return self._tree.real_path(_text(path)).encode("utf-8", "surrogateescape")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002
        raise asyncssh.SFTPPermissionDenied("Folders cannot be made here.")

    def rmdir(self, path: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPPermissionDenied("Folders cannot be removed here.")

    def readlink(self, path: bytes) -> bytes:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def statvfs(self, path: bytes) -> Any:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("Ask for your quota instead.")

    def fstatvfs(self, file_obj: object) -> Any:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("Ask for your quota instead.")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _attributes(entry: Entry) -> asyncssh.SFTPAttrs:
    mode = 0o040750 if entry.is_folder else 0o100640
    when = int(entry.changed)
    return asyncssh.SFTPAttrs(
        size=entry.size, uid=0, gid=0, permissions=mode, atime=when, mtime=when, nlink=1, owner="edi", group="edi"
    )
