"""The SFTP endpoint: asyncssh around `tree`, with what asyncssh leaves to its users.

Only SFTP is offered: no shell, no commands, no forwarding, no links. All of it runs on one event loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime

import asyncssh

from edi_server.errors import ConfigurationError
from edi_server.transports.sftp_account import answering as _answering  # noqa: F401 — changes asyncssh when it is imported
from edi_server.transports.sftp_account.algorithms import algorithms
from edi_server.transports.sftp_account.guard import Guard, Limits
from edi_server.transports.sftp_account.login import Login
from edi_server.transports.sftp_account.rates import Pace
from edi_server.transports.sftp_account.session import Session
from edi_server.transports.sftp_account.tree import Tree
from edi_server.transports.sftp_account.workers import Workers

#: Bytes that a client may send ahead on one channel, which lie in our memory until their turn comes.
_WINDOW = 1024 * 1024
#: A password costs 16 MB and 50 ms of a core: more at a time would only be slower.
_HASHING_THREADS = 2


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
        self._trees = trees
        self.limits = limits or Limits()
        self.guard = Guard(self.limits)
        self.clock = clock
        self.workers = Workers()
        self.hashing: Executor = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="sftp passwords")
        self._host_keys = list(host_keys)
        self._listeners: list[asyncssh.SSHAcceptor] = []
        self._connections: set[Login] = set()
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    async def listen(self, host: str, port: int, *, legacy: bool = False) -> int:
        """Open a listener; the port it got. With `legacy`, also the algorithms that only accounts marked so may use.

        Raises ConfigurationError where the address or the host keys cannot be used.
        """
        try:
            listener = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: Login(self, legacy=legacy),
                sftp_factory=self._session,
                allow_scp=False,
                agent_forwarding=False,
                x11_forwarding=False,
                line_editor=False,
                login_timeout=self.limits.login_seconds,
                # A line that went silent holds the name of its upload until it is told from a slow one.
                keepalive_interval=15,
                keepalive_count_max=3,
                window=_WINDOW,
                server_version="EDI",
                **algorithms(self._host_keys, legacy=legacy),
            )
        except OSError as error:
            raise ConfigurationError(f"SFTP cannot listen on {host}:{port}: {error.strerror}") from error
        except ValueError as error:
            raise ConfigurationError(f"SFTP cannot listen on {host}:{port}: {error}") from error
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
        await self.workers.close(10)
        self.hashing.shutdown(wait=False, cancel_futures=True)

    async def end_strangers(self) -> None:
        """End the connections of those who could not log in any more as they did: account, key or place was removed."""
        for login in list(self._connections):
            if login.tree is not None and not login.may_stay():
                login.end("what it logged in by is not agreed any more")

    def tree(self, name: str) -> Tree | None:
        """The tree of an account."""
        return self._trees().get(name)

    def pace(self, name: str) -> Pace:
        """How fast an account goes."""
        return self._paces[name]

    def connected(self, login: Login) -> None:
        """Note an open connection."""
        self._connections.add(login)

    def disconnected(self, login: Login) -> None:
        """Note that it ended."""
        self._connections.discard(login)

    def _session(self, channel: asyncssh.SSHServerChannel[bytes]) -> Session:
        login = channel.get_connection().get_owner()
        if not isinstance(login, Login) or login.tree is None:
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, "not logged in")
        if login.channels >= self.limits.channels:
            raise asyncssh.DisconnectError(asyncssh.DISC_BY_APPLICATION, "too many sessions on this connection")
        return Session(channel, login, self.workers, self.pace(login.tree.account.name))
