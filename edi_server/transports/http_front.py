"""An HTTP listener that takes posts at a few addresses and offers nothing else: AS2, and the HTTP drop.

Everything a stranger can do to it has a limit: connections, requests, bytes, and the time that each part may take.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.web_protocol import RequestHandler

from edi_server.errors import EdiServerError
from edi_server.transports.accepting import Doorway, Served
from edi_server.transports.http_bodies import FullError, Held, Memory, read_body
from edi_server.transports.limits import FrontLimits
from edi_server.transports.proxies import Proxies

log = logging.getLogger(__name__)

#: In place of aiohttp's, which tells its version and Python's.
_OURS = {"Server": "edi-server"}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered over HTTP."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class Body:
    """The bytes of a post: it may be large, so whoever has read it lets go of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex; to be asked for before it is let go."""
        return hashlib.sha256(self.content).hexdigest()

    def let_go(self) -> bytes:
        """The bytes, which are not here any more."""
        content, self.content = self.content, b""
        return content


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted."""

    #: Below the address it was posted to.
    path: str
    #: Names in lower case.
    headers: dict[str, str]
    posted: Body
    #: Where it came from: behind a proxy that is trusted, whom it names.
    address: str

    @property
    def body(self) -> bytes:
        """The bytes, while nobody let go of them."""
        return self.posted.content


#: Called on a worker thread; EdiServerError is answered with 503, so that the sender tries again.
Taker = Callable[[Request], Reply]


class Front:
    """One listener. `addresses`: path → what takes posts there and below."""

    def __init__(self, addresses: Mapping[str, Taker], limits: FrontLimits | None = None) -> None:
        self._addresses = dict(addresses)
        self._limits = limits or FrontLimits()
        self._proxies = Proxies(self._limits.trusted_proxies)
        self._under_way: Counter[str] = Counter()
        self._requests: OrderedDict[str, deque[float]] = OrderedDict()
        self._runner: web.ServerRunner | None = None
        self._doorway: Doorway | None = None
        self._at_once = asyncio.Semaphore(self._limits.at_once)
        self._memory = Memory(self._limits)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open the listener; the port it got. Raises ConfigurationError where the address cannot be used."""
        server = web.Server(self._answer, keepalive_timeout=self._limits.header_seconds, access_log=None)
        loop = asyncio.get_running_loop()
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        self._doorway = Doorway(
            lambda: _Connection(server, loop, self._limits.header_seconds),
            tls=tls,
            most=self._limits.connections,
            most_per_address=self._limits.per_address,
            seconds=self._limits.header_seconds,
            is_proxy=self._proxies.has,
        )
        return await self._doorway.open(host, port)

    async def close(self) -> None:
        """Take no more requests; those under way are finished for a short time."""
        if self._doorway is not None:
            self._doorway.close()
        if self._runner is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._runner.cleanup(), 10)
        if self._doorway is not None:
            await self._doorway.clear()

    @property
    def held(self) -> int:
        """Bytes of bodies that are in memory."""
        return self._memory.held

    @property
    def connections(self) -> Mapping[str, int]:
        """How many connections each address has, TLS handshakes under way included."""
        return self._doorway.connections if self._doorway else {}

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if not isinstance(connection, _Connection):
            return await self._treat(request)
        connection.header_came()
        try:
            return await self._treat(request)
        finally:
            connection.await_header()

    async def _treat(self, request: web.BaseRequest) -> web.StreamResponse:
        address = self._proxies.client(str(request.remote or "?"), request.headers.getall("X-Forwarded-For", []))
        taker = self._taker(request.path)
        # Whoever waits for leave to send a body does not send it now, and could not be understood any further.
        refuse = _closing if "Expect" in request.headers else _plain
        if taker is None or request.method != "POST":
            return refuse(404) if taker is None else refuse(405, Allow="POST")
        # Connections are counted before, but for those of proxies.
        if self._is_too_often(address) or self._under_way[address] >= self._limits.per_address:
            return refuse(429, Retry_After="60")
        with self._count(address), Held(self._memory, address) as held:
            return await self._receive(request, taker, address, held)

    @contextlib.contextmanager
    def _count(self, address: str) -> Iterator[None]:
        """A request of that address is under way."""
        self._under_way[address] += 1
        try:
            yield
        finally:
            self._under_way[address] -= 1
            if self._under_way[address] <= 0:
                del self._under_way[address]

    async def _receive(self, request: web.BaseRequest, taker: Taker, address: str, held: Held) -> web.Response:
        refused = self._refuse(request, address)
        if refused is not None:
            return refused
        try:
            await _let_continue(request)
            body = await read_body(request.content, held, self._limits)
        except (TimeoutError, ConnectionError):
            return _closing(408)
        except FullError:
            return _closing(503, Retry_After="60")
        if body is None:
            return _closing(413)
        posted = Request(
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            posted=Body(body),
            address=address,
        )
        del body
        return await self._take(taker, posted)

    def _refuse(self, request: web.BaseRequest, address: str) -> web.Response | None:
        """What can be refused before anything of the body is read."""
        if (request.content_length or 0) > self._limits.largest:
            return _closing(413)
        if not _is_expectation_known(request):
            return _closing(417)
        return _closing(503, Retry_After="60") if self._memory.is_full(address) else None

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


class _Connection(RequestHandler, Served):
    """A connection that ends where its header does not come in time: aiohttp waits for it for ever."""

    __slots__ = ("_alarm", "_seconds", "ended")

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """`seconds` may pass until the header is there."""
        super().__init__(server, loop=loop, keepalive_timeout=seconds)
        self._seconds = seconds
        self._alarm: asyncio.TimerHandle | None = None
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.await_header()

    def await_header(self) -> None:
        """End the connection where the next header does not come whole in time."""
        if self.transport is not None:
            self._alarm = asyncio.get_running_loop().call_later(self._seconds, self.transport.close)

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
        super().connection_lost(exc)
        self.ended.set()


def _plain(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers={**_OURS, **{name.replace("_", "-"): v for name, v in headers.items()}})


def _closing(status: int, **headers: str) -> web.Response:
    response = _plain(status, **headers)
    response.force_close()
    return response


def _is_expectation_known(request: web.BaseRequest) -> bool:
    """True for requests that expect nothing, or the one thing that there is (RFC 9110 10.1.1)."""
    return request.headers.get("Expect", "100-continue").strip().lower() == "100-continue"


async def _let_continue(request: web.BaseRequest) -> None:
    """Tell a client that waits with its body to send it: some wait for ever, aiohttp's plain server tells none."""
    if "Expect" in request.headers and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Of the reply itself nothing is written yet.
        request.writer.output_size = 0
