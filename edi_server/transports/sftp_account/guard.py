"""Who may connect and try to log in, how often, and who has to stay out for a while.

Addresses of IPv6 count by their network of 64 bits: whoever has one of them has all.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from edi_server.transports.limits import SftpLimits as Limits

#: Addresses and names that are remembered at most: an attacker has many.
_MOST = 50_000
__all__ = ["Guard", "Limits", "address_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str) -> Address | None:
    """An address as a socket tells it: with a zone, or one of IPv4 in the clothes of IPv6."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _origin(text: str) -> str:
    """What is counted: nearly always one customer of one provider."""
    address = address_of(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or text)


class Guard:
    """Counts; every method is quick and never raises. Used from one thread."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._open: Counter[str] = Counter()
        #: Not logged in yet, by address.
        self._strangers: Counter[str] = Counter()
        #: When somebody failed, and as whom, by address and by name.
        self._failures: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()
        self._banned: OrderedDict[str, float] = OrderedDict()
        self._sessions: Counter[str] = Counter()

    def admit(self, address: str) -> str | None:
        """Count a new connection, or say in half a sentence why it is not let in."""
        origin = _origin(address)
        if self.is_banned(address):
            return "too many failed logins"
        if self._open.total() >= self._limits.connections:
            return "too many connections"
        if self._open[origin] >= self._limits.per_address:
            return "too many connections from this address"
        if self._strangers.total() >= self._limits.unauthenticated:
            return "too many connections that are not logged in"
        if self._strangers[origin] >= self._limits.unauthenticated_per_address:
            return "too many connections from this address that are not logged in"
        self._open[origin] += 1
        self._strangers[origin] += 1
        return None

    def log_in(self, address: str, name: str, sessions: int) -> bool:
        """Count a login; False if the account has as many sessions as it may.

        Whoever knows what opens the account only mistyped before: what failed from there in its name is forgotten.
        """
        self._no_stranger(address)
        for key in (_origin(address), _name_key(name)):
            times = self._failures.get(key)
            if times is not None:
                self._failures[key] = deque(one for one in times if one[1] != f"{_origin(address)} {name}")
        self._sessions[name] += 1
        return self._sessions[name] <= sessions

    def leave(self, address: str, name: str | None) -> None:
        """A connection that was admitted ended; `name` if it had logged in."""
        origin = _origin(address)
        self._open[origin] -= 1
        if self._open[origin] <= 0:
            del self._open[origin]
        if name is None:
            self._no_stranger(address)
        else:
            self._sessions[name] -= 1

    def _no_stranger(self, address: str) -> None:
        origin = _origin(address)
        self._strangers[origin] -= 1
        if self._strangers[origin] <= 0:
            del self._strangers[origin]

    def fail(self, address: str, name: str, *, by_password: bool = True) -> tuple[str, ...]:
        """Count a failure; who is banned because of it: the address, the name.

        Keys cannot be guessed, so they say nothing about the name. Nothing counts while the name is banned: then the
        right password is refused, too.
        """
        if self.is_banned(address, name if by_password else ""):
            return ()
        counted = [(_origin(address), self._limits.address_failures)]
        if by_password:
            counted.append((_name_key(name), self._limits.name_failures))
        banned = [key for key, most in counted if self._count(key, f"{_origin(address)} {name}") > most]
        for key in banned:
            self._ban(key)
        return tuple(banned)

    def is_banned(self, address: str, name: str = "") -> bool:
        """True while the address has to stay out. A name is only closed to passwords, never to keys."""
        return any(self._banned.get(key, 0.0) > self._clock() for key in (_origin(address), _name_key(name)))

    def _count(self, key: str, who: str) -> int:
        now = self._clock()
        times = self._failures.setdefault(key, deque())
        times.append((now, who))
        while times and times[0][0] < now - self._limits.window_seconds:
            times.popleft()
        while len(times) > max(self._limits.address_failures, self._limits.name_failures) + 1:
            times.popleft()
        self._failures.move_to_end(key)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)
        return len(times)

    def _ban(self, key: str) -> None:
        self._banned[key] = self._clock() + self._limits.ban_seconds
        self._banned.move_to_end(key)
        while len(self._banned) > _MOST:
            self._banned.popitem(last=False)


def _name_key(name: str) -> str:
    return f"name {name}"
