"""Connections counted from the moment they are accepted, before a TLS handshake that may never end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping

from edi_server.errors import ConfigurationError

log = logging.getLogger(__name__)

#: Until the next look where no connection can be accepted, such as without descriptors.
_PAUSE = 0.5
_BACKLOG = 128


class Served(asyncio.Protocol):
    """What a connection is handed to, which says when it is over."""

    __slots__ = ()
    ended: asyncio.Event


class Doorway:
    """Listens, and lets in as many as may be. asyncio's own server tells of a connection after its handshake only."""

    def __init__(
        self,
        served: Callable[[], Served],
        *,
        tls: ssl.SSLContext | None,
        most: int,
        most_per_address: int,
        seconds: float,
        is_proxy: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`most` connections, `most_per_address` of them from one that is no proxy; `seconds` for a handshake."""
        self._served = served
        self._tls = tls
        self._most = most
        self._most_per_address = most_per_address
        self._seconds = seconds
        self._is_proxy = is_proxy
        self._listening: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()

    @property
    def connections(self) -> Mapping[str, int]:
        """How many connections each address has."""
        return self._open

    async def open(self, host: str, port: int) -> int:
        """Listen; the port it got. Raises ConfigurationError where the address cannot be used."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, _, _, _, address in dict.fromkeys(found):
                # Where the system chooses a port, it is the same one for each address of the name.
                at = (address[0], port or self._port(), *address[2:])
                listening = socket.create_server(at, family=family, backlog=_BACKLOG)
                listening.setblocking(False)
                self._listening.append(listening)
        except OSError as error:
            self.close()
            raise ConfigurationError(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from error
        self._accepting = [loop.create_task(self._accept(one)) for one in self._listening]
        return self._port()

    def _port(self) -> int:
        return int(self._listening[0].getsockname()[1]) if self._listening else 0

    def close(self) -> None:
        """Accept no more."""
        for task in self._accepting:
            task.cancel()
        for one in self._listening:
            one.close()

    async def clear(self) -> None:
        """End what is still open."""
        tasks = [*self._accepting, *self._serving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("no connection can be accepted now: %s", error.strerror)
                await asyncio.sleep(_PAUSE)
                continue
            if not self._admit(str(address[0])):
                connection.close()
                continue
            task = loop.create_task(self._serve(connection, str(address[0])))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    def _admit(self, address: str) -> bool:
        is_too_many = self._open[address] >= self._most_per_address and not self._is_proxy(address)
        if self._open.total() >= self._most or is_too_many:
            return False
        self._open[address] += 1
        return True

    async def _serve(self, connection: socket.socket, address: str) -> None:
        """Hand the connection on, its handshake first, and count it until it is over."""
        served = self._served()
        transport: asyncio.Transport | None = None
        try:
            # What goes wrong in a handshake is the client's affair.
            with contextlib.suppress(OSError):
                transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: served,
                    connection,
                    ssl=self._tls,
                    ssl_handshake_timeout=self._seconds if self._tls else None,
                )
                await served.ended.wait()
        finally:
            if transport is not None:
                transport.abort()
            self._open[address] -= 1
            if self._open[address] <= 0:
                del self._open[address]
