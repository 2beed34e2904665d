"""An HTTP listener that takes posts at a few addresses and offers nothing else: AS2, and the HTTP drop.

Everything a stranger can do to it has a limit: connections, requests, bytes, and the time that each part may take.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Self

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edi_server.errors import ConfigurationError, EdiServerError
from edi_server.transports.limits import FrontLimits

log = logging.getLogger(__name__)

#: In place of aiohttp's, which tells its version and Python's.
_OURS = {"Server": "edi-server"}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered over HTTP."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted."""

    #: Below the address it was posted to.
    path: str
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes
    #: Where it came from.
    address: str


#: Called on a worker thread; EdiServerError is answered with 503, so that the sender tries again.
Taker = Callable[[Request], Reply]


class Front:
    """One listener. `addresses`: path → what takes posts there and below."""

    def __init__(self, addresses: Mapping[str, Taker], limits: FrontLimits | None = None) -> None:
        self._addresses = dict(addresses)
        self._limits = limits or FrontLimits()
        self._open: Counter[str] = Counter()
        self._requests: OrderedDict[str, deque[float]] = OrderedDict()
        self._runner: web.ServerRunner | None = None
        self._server: asyncio.Server | None = None
        self._at_once = asyncio.Semaphore(self._limits.at_once)
        #: Bytes of bodies that are in memory, and how many may be: strangers could fill it before they are known.
        self.held = 0
        self.most_held = self._limits.at_once * self._limits.largest

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open the listener; the port it got. Raises ConfigurationError where the address cannot be used."""
        server = web.Server(self._answer, keepalive_timeout=self._limits.header_seconds, access_log=None)
        loop = asyncio.get_running_loop()
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self, server, loop), host, port, ssl=tls, ssl_handshake_timeout=_or_none(tls)
            )
        except OSError as error:
            raise ConfigurationError(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more requests; those under way are finished for a short time."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._runner.cleanup(), 10)

    def admit(self, address: str) -> bool:
        """Count a connection; False if there are too many."""
        if self._open.total() >= self._limits.connections or self._open[address] >= self._limits.per_address:
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection that was admitted ended."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    @property
    def header_seconds(self) -> float:
        """How long a header may take."""
        return self._limits.header_seconds

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, _Connection):
            request.protocol.header_came()
        address = str(request.remote or "?")
        taker = self._taker(request.path)
        if taker is None or request.method != "POST":
            return _plain(404) if taker is None else _plain(405, Allow="POST")
        if self._is_too_often(address):
            return _plain(429, Retry_After="60")
        with _Held(self) as held:
            return await self._receive(request, taker, address, held)

    async def _receive(self, request: web.BaseRequest, taker: Taker, address: str, held: _Held) -> web.Response:
        try:
            body = await self._body(request, held)
        except (TimeoutError, ConnectionError):
            return _closing(408)
        except _FullError:
            return _closing(503, Retry_After="60")
        if body is None:
            return _closing(413)
        posted = Request(
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            address=address,
        )
        return await self._take(taker, posted)

    async def _take(self, taker: Taker, posted: Request) -> web.Response:
        async with self._at_once:
            try:
                reply = await asyncio.get_running_loop().run_in_executor(None, taker, posted)
            except EdiServerError as error:
                log.warning("a post to %s could not be taken: %s", posted.path, error)
                return _plain(503, Retry_After="300")
            except Exception:
                log.exception("a post to %s failed unexpectedly", posted.path)
                return _plain(500)
        return web.Response(status=reply.status, headers={**_OURS, **reply.headers}, body=reply.body)

    async def _body(self, request: web.BaseRequest, held: _Held) -> bytes | None:
        """The body, None if it is too large. Raises _FullError."""
        if (request.content_length or 0) > self._limits.largest:
            return None
        # Grown in place: pieces put together at the end would be there twice, and leave holes behind.
        body, begun = bytearray(), time.monotonic()
        while True:
            allowed = self._limits.body_seconds + len(body) / self._limits.slowest_bytes_per_second
            left = allowed - (time.monotonic() - begun)
            piece = await asyncio.wait_for(request.content.readany(), max(left, 0.001))
            if not piece:
                return bytes(body)
            if len(body) + len(piece) > self._limits.largest:
                return None
            held.add(len(piece))
            body += piece

    def _taker(self, path: str) -> Taker | None:
        fitting = (
            taker for prefix, taker in self._addresses.items() if path == prefix or path.startswith(f"{prefix}/")
        )
        return next(fitting, None)

    def _is_too_often(self, address: str) -> bool:
        now = time.monotonic()
        times = self._requests.setdefault(address, deque(maxlen=self._limits.per_minute + 1))
        times.append(now)
        self._requests.move_to_end(address)
        while len(self._requests) > 10_000:
            self._requests.popitem(last=False)
        return len(times) > self._limits.per_minute and now - times[0] < 60


class _FullError(Exception):
    """Too many bytes are held already."""


class _Held:
    """What one request holds of the memory that all bodies share, until it is answered."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._front.held -= self._size

    def add(self, size: int) -> None:
        """Take some more. Raises _FullError where nothing is left."""
        if self._front.held + size > self._front.most_held:
            raise _FullError
        self._front.held += size
        self._size += size


class _Connection(RequestHandler):
    """A connection that ends where its header does not come in time: aiohttp waits for it for ever."""

    __slots__ = ("_address", "_alarm", "_front", "_is_admitted")

    def __init__(self, front: Front, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, keepalive_timeout=front.header_seconds)
        self._front = front
        self._address = ""
        self._alarm: asyncio.TimerHandle | None = None
        self._is_admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = str((transport.get_extra_info("peername") or ("?",))[0])
        self._is_admitted = self._front.admit(self._address)
        if not self._is_admitted:
            transport.close()
            return
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(self._front.header_seconds, transport.close)

    def header_came(self) -> None:
        """A whole header is there; from now on the limits of the body hold."""
        if self._alarm is not None:
            self._alarm.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 — it repeats what was sent, and is nobody's business
    ) -> web.StreamResponse:
        """What is no HTTP that we take. aiohttp would answer with the bytes that offend it, and log a traceback."""
        reason = str(exc).partition("\n")[0][:200] if exc else ""
        log.info("a request of %s was refused with %s: %s", request.remote, status, reason or type(exc).__name__)
        return _closing(status)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if self._is_admitted:
            self._front.leave(self._address)
        super().connection_lost(exc)


def _plain(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers={**_OURS, **{name.replace("_", "-"): v for name, v in headers.items()}})


def _closing(status: int, **headers: str) -> web.Response:
    response = _plain(status, **headers)
    response.force_close()
    return response


def _or_none(tls: ssl.SSLContext | None) -> float | None:
    return 20.0 if tls is not None else None
