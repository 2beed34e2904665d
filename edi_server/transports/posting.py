"""Posting over HTTP: to AS2 stations, and to partners' webhooks."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec

from edi_server.errors import ConfigurationError, TransportError

#: An answer is a receipt, or a few words.
_LARGEST_ANSWER = 4 * 1024 * 1024


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How we know a server, and how it knows us. PEM; secrets, never logged."""

    #: Authorities to trust instead of the machine's own.
    authorities: str = ""
    #: Our certificate and its key, where the server asks for one.
    certificate: str = ""
    private_key: str = ""

    def __repr__(self) -> str:
        return "<Tls>"


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def without_secrets(url: str) -> str:
    """An address as it may be kept and shown: without login, query and fragment, where keys often stand."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return ""


def retry_after(answer: Answer) -> float:
    """Seconds that they ask us to wait (RFC 9110 10.2.3), by a number or a date; 0 where nothing says so."""
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


async def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes | Path,
    *,
    tls: Tls | None = None,
    login: tuple[str, str] | None = None,
    seconds: float = 300.0,
) -> Answer:
    """Post, following no redirect: what was agreed is where it goes. A body may be a file, which is not read at once.

    Raises TransportError, ConfigurationError.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{without_secrets(url)[:200]} is no address to post to")
    limits = aiohttp.ClientTimeout(total=seconds, sock_connect=30)
    known = {"Authorization": aiohttp.encode_basic_auth(*login)} if login else {}
    context = context_for(tls) if parts.scheme == "https" else None
    try:
        async with contextlib.AsyncExitStack() as opened:
            session = await opened.enter_async_context(aiohttp.ClientSession(timeout=limits, auto_decompress=False))
            data = _payload(body, opened)
            response = await opened.enter_async_context(
                session.post(
                    url,
                    data=data,
                    headers={**headers, **known},
                    allow_redirects=False,
                    ssl=context if context is not None else True,
                    skip_auto_headers=["Content-Type", "Accept", "Accept-Encoding", "User-Agent"],
                )
            )
            content = await _read(response)
            return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)
    except TimeoutError as error:
        raise TransportError(f"{parts.hostname} did not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        told = str(error).replace(url, without_secrets(url))
        raise TransportError(f"{parts.hostname}: {told}") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer: a receipt often comes in several pieces, and half of one proves nothing."""
    content = bytearray()
    while piece := await response.content.readany():
        content += piece
        if len(content) > _LARGEST_ANSWER:
            # What is cut off is no receipt, and a few words are enough of anything else.
            return bytes(content[:_LARGEST_ANSWER])
    return bytes(content)


def _payload(body: bytes | Path, opened: contextlib.AsyncExitStack) -> bytes | aiohttp.payload.Payload:
    if isinstance(body, bytes):
        return body
    file = opened.enter_context(body.open("rb"))
    return aiohttp.payload.BufferedReaderPayload(file, disposition=None)  # type: ignore[arg-type]  # None: no header of its own


def context_for(tls: Tls | None) -> ssl.SSLContext:
    """TLS 1.2 and later, verified. Raises ConfigurationError for certificates that cannot be used."""
    try:
        context = ssl.create_default_context(cadata=tls.authorities if tls and tls.authorities else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls and tls.certificate:
            _load_own(context, tls)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise ConfigurationError(f"The certificates for TLS cannot be used: {error}") from error
    return context


def _load_own(context: ssl.SSLContext, tls: Tls) -> None:
    # Python's ssl reads them from files only.
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "own.pem"
        both.touch(mode=0o600)
        both.write_text(f"{tls.certificate}\n{tls.private_key}")
        context.load_cert_chain(both)
