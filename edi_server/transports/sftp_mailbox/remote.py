"""A connection to somebody else's SFTP server: pinned host keys, limits, and errors in words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import asyncssh
import msgspec

from edi_server.errors import ConfigurationError, TransportError


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


class LoginRefusedError(TransportError):
    """They do not let us in. Trying on would lock the account on many servers."""

    permanent = True


class _Gate:
    """Counts our connections to one host: partners limit them per host, whatever the mailbox."""

    def __init__(self) -> None:
        self._open = 0
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def pass_through(self, most: int) -> AsyncIterator[None]:
        """Wait until fewer than `most` are open: each mailbox keeps to what was agreed for it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._open < max(most, 1))
            self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            async with self._changed:
                self._changed.notify_all()


#: By event loop, host and port.
_gates: dict[tuple[int, str, int], _Gate] = {}


class _Witness(asyncssh.SSHClient):
    """Remembers which key the server showed where none was agreed that fits."""

    def __init__(self) -> None:
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        self.shown = f"{key.get_algorithm()} {key.get_fingerprint()}"
        return False


@contextlib.asynccontextmanager
async def connect(place: Place) -> AsyncIterator[asyncssh.SFTPClient]:
    """An SFTP session. Raises TransportError, HostKeyChangedError, LoginRefusedError, ConfigurationError."""
    gate = _gates.setdefault((id(asyncio.get_running_loop()), place.host, place.port), _Gate())
    async with gate.pass_through(place.connections):
        connection = await _log_in(place)
        try:
            # Names are bytes to them; what is no UTF-8 comes back as it went.
            yield await connection.start_sftp_client(path_errors="surrogateescape")
        except (TimeoutError, ConnectionError, asyncssh.Error) as error:
            connection.abort()
            raise TransportError(f"{place.host}: {describe(error)}") from error
        except BaseException:
            # Ending it politely may wait for an answer that never comes, and hold its place among the connections.
            connection.abort()
            raise
        await _close(connection, place.seconds)


async def _log_in(place: Place) -> asyncssh.SSHClientConnection:
    witness = _Witness()
    try:
        return await asyncssh.connect(place.host, place.port, client_factory=lambda: witness, **_options(place))
    except asyncssh.HostKeyNotVerifiable as error:
        sentence = (
            f"{place.host} shows another host key than was agreed, {witness.shown or 'none that we know'}; agreed: "
            f"{fingerprints(place)}. Nothing is exchanged until its owner confirms the new key in another way and it "
            "is added to host_keys."
        )
        raise HostKeyChangedError(sentence) from error
    except asyncssh.PermissionDenied as error:
        raise LoginRefusedError(f"{place.host} does not let {place.user} in: {error.reason}") from error
    except (TimeoutError, OSError, asyncssh.Error) as error:
        raise TransportError(f"{place.host}: {describe(error)}") from error


def fingerprints(place: Place) -> str:
    """The agreed host keys as people compare them."""
    return ", ".join(f"{key.get_algorithm()} {key.get_fingerprint()}" for key in _keys(place.host_keys))


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
