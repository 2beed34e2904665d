"""Trying a connection step by step, doing no harm: what a person wants to know before anything is exchanged."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import msgspec

from edi_server.errors import ConfigurationError
from edi_server.transports.posting import Tls, context_for


class Step(msgspec.Struct, frozen=True):
    """One step of a connection test."""

    name: str
    ok: bool
    #: What was found, or what is wrong, in words.
    told: str
    #: It works now, and will not for long.
    warns: bool = False


async def probe(url: str, *, tls: Tls | None = None, seconds: float = 30.0) -> list[Step]:
    """Try an HTTP address as far as asking what it offers (OPTIONS); ends at the first step that fails."""
    parts = urlsplit(url)
    is_https = parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    steps = await reach(str(parts.hostname), port, seconds=seconds)
    if is_https and steps[-1].ok:
        steps.append(await _tls(str(parts.hostname), port, tls, seconds))
    if steps[-1].ok:
        steps.append(await _options(url, tls, seconds))
    return steps


async def reach(host: str, port: int, *, seconds: float = 30.0) -> list[Step]:
    """Try name and port."""
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return [Step("DNS", False, f"{host} cannot be resolved: {error.strerror}")]
    found = Step("DNS", True, ", ".join(sorted({str(one[4][0]) for one in addresses})))
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), seconds)
        writer.close()
    except TimeoutError:
        return [found, Step("TCP", False, f"port {port} does not answer in time")]
    except OSError as error:
        return [found, Step("TCP", False, f"port {port}: {error.strerror or error}")]
    return [found, Step("TCP", True, f"port {port} answers")]


async def _tls(host: str, port: int, tls: Tls | None, seconds: float) -> Step:
    try:
        context = context_for(tls)
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=context), seconds)
    except (TimeoutError, OSError, ssl.SSLError, ConfigurationError) as error:
        return Step("TLS", False, str(error) or "no answer in time")
    spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate, version = spoken.getpeercert() or {}, spoken.version()
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate.get("notAfter"))), UTC)
    days = (ends - datetime.now(UTC)).days
    return Step("TLS", True, f"{version}, their certificate lasts until {ends:%Y-%m-%d} ({days} days)")


async def _options(url: str, tls: Tls | None, seconds: float) -> Step:
    context = context_for(tls) if url.startswith("https:") else True
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
            session.options(url, allow_redirects=False, ssl=context) as response,
        ):
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return Step("HTTP", False, str(error) or "no answer in time")
    if status == 404 or status >= 500:
        return Step("HTTP", False, f"OPTIONS is answered with {status}")
    # A station that takes nothing but posts refuses the method, and so shows that it is there.
    return Step("HTTP", True, f"OPTIONS is answered with {status}; nothing was sent")
