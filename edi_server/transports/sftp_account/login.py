# ruff: noqa: D102 — asyncssh says what its methods mean
"""One connection to the SFTP endpoint: letting in, logging in, and how long it may rest."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Protocol

import asyncssh

from edi_server.transports.sftp_account.account import Account, AccountKey, fits_password
from edi_server.transports.sftp_account.guard import Guard, Limits, address_of
from edi_server.transports.sftp_account.names import printable
from edi_server.transports.sftp_account.rates import Pace
from edi_server.transports.sftp_account.tree import Tree

log = logging.getLogger(__name__)


class House(Protocol):
    """What a connection needs of the endpoint."""

    limits: Limits
    guard: Guard
    clock: Callable[[], datetime]
    #: Passwords are hashed here: slowly, and never on the loop that serves everybody.
    hashing: Executor

    def tree(self, name: str) -> Tree | None:
        """The tree of an account."""

    def pace(self, name: str) -> Pace:
        """How fast an account goes."""

    def connected(self, login: Login) -> None:
        """Note an open connection."""

    def disconnected(self, login: Login) -> None:
        """Note that it ended."""


class Login(asyncssh.SSHServer):
    """See the module's docstring."""

    def __init__(self, endpoint: House, *, legacy: bool) -> None:
        self.endpoint = endpoint
        self._legacy = legacy
        self._connection: asyncssh.SSHServerConnection | None = None
        self._name: str | None = None
        #: Whom it tried to be, for the failure that is counted if it never was let in.
        self._claimed = ""
        self._passwords = 0
        self._offers = 0
        self._is_admitted = False
        self._alarm: asyncio.TimerHandle | None = None
        #: Finds in an account what somebody logged in by: the last one that was found good is the one that counted.
        self._found: Callable[[Account], bool] = lambda _account: False
        self.address = ""
        self.tree: Tree | None = None
        #: SFTP sessions on this connection.
        self.channels = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self.address = str((conn.get_extra_info("peername") or ("?",))[0])
        objection = self.endpoint.guard.admit(self.address)
        if objection:
            log.info("SFTP %s is not let in: %s", self.address, objection)
            conn.abort()
            return
        self._is_admitted = True
        self.endpoint.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — why does not matter
        if self._alarm:
            self._alarm.cancel()
        if not self._is_admitted:
            return
        if self._name is None and self._offers:
            self._count(by_password=False)
        self.endpoint.guard.leave(self.address, self._name)
        self.endpoint.disconnected(self)

    def auth_completed(self) -> None:
        assert self._connection is not None
        name = str(self._connection.get_extra_info("username"))
        tree = self.endpoint.tree(name)
        self._name = name
        may_open = self.endpoint.guard.log_in(self.address, name, tree.account.sessions if tree else 0)
        if tree is None or not may_open:
            self.end("too many sessions of this account")
            return
        if not self.endpoint.pace(name).login(tree.account.rates):
            self.end("this account logs in too often")
            return
        self.tree = tree
        self.touch()
        log.info("SFTP %s logged in from %s", name, self.address)

    def begin_auth(self, username: str) -> bool:
        """See asyncssh: nobody comes in without logging in."""
        assert self._connection is not None
        self._connection.set_authorized_keys(_Authorities(self, username))
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._try(username, lambda account: self._is_among(account.keys, key)) or self._no_key(username, "key")

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 — `_Authorities` looked
        return self._no_key(username, "certificate")

    def has_certificate(self, username: str, authority: asyncssh.SSHKey, principals: Sequence[str]) -> bool:
        """Whether a certificate of that authority opens the account: only if it names it.

        One without principals is good for everybody in the eyes of SSH, so it would open each account that has agreed
        on the authority.
        """
        return username in principals and self._try(
            username, lambda account: self._is_among(account.authorities, authority)
        )

    async def validate_password(self, username: str, password: str) -> bool:
        account = self._account(username)
        kept = account.password if account else ""
        is_open = not self.endpoint.guard.is_banned(self.address, username)
        fits = is_open and await asyncio.get_running_loop().run_in_executor(
            self.endpoint.hashing, fits_password, kept, password
        )
        if self._try(username, lambda account: bool(fits) and account.password == kept):
            return True
        self._claimed = username
        self._passwords += 1
        why = "wrong password" if is_open else "password while these are not taken, after too many wrong ones"
        log.info("SFTP %s from %s: %s", printable(username[:60]), self.address, why)
        # While the name is closed even the right one is refused, so that is nobody's failure.
        if (is_open and self._count(by_password=True)) or self._passwords >= self.endpoint.limits.attempts:
            self.end("too many failed attempts")
        return False

    def may_stay(self) -> bool:
        """True if it could log in now as it did."""
        account = self._account(self._name or "")
        return account is not None and self._found(account)

    def touch(self) -> None:
        """Somebody asked for something: the idle time begins anew."""
        if self._alarm:
            self._alarm.cancel()
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(self.endpoint.limits.idle_seconds, self.end, "idle for too long")

    def end(self, why: str) -> None:
        """Close the connection."""
        if self._connection is not None:
            log.info("SFTP %s from %s is closed: %s", self._name or "?", self.address, why)
            with contextlib.suppress(Exception):
                self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def _try(self, name: str, found: Callable[[Account], bool]) -> bool:
        account = self._account(name)
        if account is None or not found(account):
            return False
        self._found = found
        return True

    def _no_key(self, name: str, what: str) -> bool:
        """Always False. Clients offer every key they have, so it is a failure only if none of them fits in the end."""
        self._claimed = name
        self._offers += 1
        log.info("SFTP %s from %s: %s that does not fit", printable(name[:60]), self.address, what)
        if self._offers >= self.endpoint.limits.offers:
            self.end("too many keys that do not fit")
        return False

    def _count(self, *, by_password: bool) -> bool:
        """Count a failure; True if somebody is banned for it."""
        banned = self.endpoint.guard.fail(self.address, self._claimed, by_password=by_password)
        for one in banned:
            log.warning("SFTP %s is banned for %g s", printable(one[:70]), self.endpoint.limits.ban_seconds)
        return bool(banned)

    def _is_among(self, keys: Sequence[AccountKey], key: asyncssh.SSHKey) -> bool:
        now = self.endpoint.clock()
        return any(one.is_valid(now) and _same_key(one.key, key) for one in keys)

    def _account(self, name: str) -> Account | None:
        tree = self.endpoint.tree(name)
        if tree is None:
            return None
        account = tree.account
        if account.legacy_algorithms is False and self._legacy:
            return None
        return account if _may_come_from(account.networks, self.address) else None


class _Authorities(asyncssh.SSHAuthorizedKeys):
    """Asked by asyncssh with the principals of a certificate, which `validate_ca_key` is not told."""

    def __init__(self, login: Login, username: str) -> None:
        super().__init__()
        self._login = login
        self._username = username

    def validate(
        self,
        key: asyncssh.SSHKey,
        client_host: str,  # noqa: ARG002 — `Login` knows where it is from
        client_addr: str,  # noqa: ARG002
        cert_principals: Sequence[str] | None = None,
        ca: bool = False,
    ) -> dict[str, Any] | None:
        fits = ca and self._login.has_certificate(self._username, key, cert_principals or ())
        return {} if fits else None

    def validate_x509(self, cert: Any, client_host: str, client_addr: str) -> tuple[None, None]:  # noqa: ARG002
        """None are agreed."""
        return None, None


def _same_key(text: str, key: asyncssh.SSHKey) -> bool:
    try:
        return bool(asyncssh.import_public_key(text) == key)
    except asyncssh.KeyImportError:
        return False


def _may_come_from(networks: Sequence[str], address: str) -> bool:
    if not networks:
        return True
    place = address_of(address)
    return place is not None and any(place in ipaddress.ip_network(one, strict=False) for one in networks)
