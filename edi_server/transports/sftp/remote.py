"""A connection to somebody else's SFTP server: pinned host keys, limits, and errors in words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import asyncssh
import msgspec

from edi_server.errors import ConfigurationError, TransportError
from edi_server.transports.probing import Step, reach


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a partner's SFTP server is, and how we log in."""

    host: str
    port: int = 22
    user: str
    #: Public keys that the server may show, as in known_hosts behind the host name; two while it changes them.
    host_keys: tuple[str, ...]
    #: Our private key in PEM or OpenSSH form, or a password; secrets, never logged.
    private_key: str = ""
    password: str = ""
    #: Connections at a time, to this host.
    connections: int = 2
    #: Algorithms that nobody should use any more, for servers that have no others.
    legacy_algorithms: bool = False
    seconds: float = 30.0

    def __repr__(self) -> str:
        return f"<{self.user}@{self.host}:{self.port}>"


class HostKeyChangedError(TransportError):
    """The server shows a key that was not agreed: nothing is sent or taken until a person has looked."""

    permanent = True


#: By host and port: partners count connections per host, whatever the mailbox.
_busy: dict[tuple[int, str, int], asyncio.Semaphore] = {}


@contextlib.asynccontextmanager
async def connect(place: Place) -> AsyncIterator[asyncssh.SFTPClient]:
    """An SFTP session. Raises TransportError, HostKeyChangedError, ConfigurationError."""
    here = (id(asyncio.get_running_loop()), place.host, place.port)
    busy = _busy.setdefault(here, asyncio.Semaphore(max(place.connections, 1)))
    async with busy:
        try:
            connection = await asyncssh.connect(place.host, place.port, **_options(place))
            try:
                yield await connection.start_sftp_client()
            except BaseException:
                # Ending it politely may wait for an answer that never comes, and hold its place among the connections.
                connection.abort()
                raise
            await _close(connection, place.seconds)
        except asyncssh.HostKeyNotVerifiable as error:
            sentence = (
                f"{place.host} shows another host key than was agreed. Nothing is exchanged until its owner confirms "
                "the new key in another way and it is added to host_keys."
            )
            raise HostKeyChangedError(sentence) from error
        except asyncssh.PermissionDenied as error:
            raise TransportError(f"{place.host} does not let {place.user} in: {error.reason}") from error
        except (TimeoutError, OSError, asyncssh.Error) as error:
            raise TransportError(f"{place.host}: {describe(error)}") from error


async def _close(connection: asyncssh.SSHClientConnection, seconds: float) -> None:
    connection.close()
    try:
        await asyncio.wait_for(connection.wait_closed(), seconds)
    except TimeoutError:
        connection.abort()


def _options(place: Place) -> dict[str, object]:
    return {
        "username": place.user,
        "known_hosts": (_keys(place.host_keys), [], []),
        "client_keys": [_own_key(place)] if place.private_key else None,
        "password": place.password or None,
        "agent_path": None,
        "config": None,
        "connect_timeout": place.seconds,
        "login_timeout": place.seconds,
        "keepalive_interval": 15,
        "keepalive_count_max": 3,
        **(
            {"kex_algs": "*", "encryption_algs": "*", "mac_algs": "*", "signature_algs": "*"}
            if place.legacy_algorithms
            else {}
        ),
    }


def _keys(texts: Sequence[str]) -> list[asyncssh.SSHKey]:
    if not texts:
        raise ConfigurationError("host_keys is empty: a server whose key is not known could be anybody.")
    try:
        return [asyncssh.import_public_key(text) for text in texts]
    except asyncssh.KeyImportError as error:
        raise ConfigurationError(f"host_keys: {error}") from error


def _own_key(place: Place) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(place.private_key)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigurationError(f"The private key for {place.host} cannot be used: {error}") from error


def describe(error: BaseException) -> str:
    """What went wrong, in a few words for an operator."""
    reason = str(getattr(error, "reason", "") or error or type(error).__name__)
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words.format(reason=reason)
    return reason


_WORDS: dict[type[BaseException], str] = {
    socket.gaierror: "its name cannot be resolved",
    ConnectionRefusedError: "it refuses connections",
    TimeoutError: "it does not answer in time",
    asyncssh.SFTPNoSuchFile: "no such file or folder: {reason}",
    asyncssh.SFTPPermissionDenied: "not allowed: {reason}",
}


async def test_place(place: Place, inbox: str, outbox: str) -> list[Step]:
    """Try everything that exchanging files needs, one step after the other; ends at the first that fails."""
    steps = await reach(place.host, place.port, seconds=place.seconds)
    return [*steps, *(await _test_session(place, inbox, outbox) if steps[-1].ok else [])]


async def _test_session(place: Place, inbox: str, outbox: str) -> list[Step]:
    steps: list[Step] = []
    at = "host key"
    try:
        async with connect(place) as client:
            steps += [Step("host key", True, "as agreed"), Step("login", True, f"as {place.user}")]
            at = "list"
            folder = inbox or outbox or "."
            names = [name for name in await client.listdir(folder) if name not in (".", "..")]
            steps.append(Step("list", True, f"{len(names)} files in {folder}"))
            if outbox:
                at = "write"
                trial = f"{outbox.rstrip('/')}/.edi-connection-test.tmp"
                async with client.open(trial, "wb") as file:
                    await file.write(b"connection test\r\n")
                steps.append(Step("write", True, f"a test file in {outbox}"))
                at = "rename"
                await client.rename(trial, f"{trial}.renamed")
                steps.append(Step("rename", True, "the test file"))
                at = "delete"
                await client.remove(f"{trial}.renamed")
                steps.append(Step("delete", True, "the test file"))
    except HostKeyChangedError as error:
        return [*steps, Step("host key", False, str(error))]
    except TransportError as error:
        name = "login" if at == "host key" and "let" in str(error) else at
        before = [Step("host key", True, "as agreed")] if name == "login" else []
        return [*before, *steps, Step(name, False, str(error))]
    return steps
