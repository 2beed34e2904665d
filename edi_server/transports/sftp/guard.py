"""Who may connect and try to log in, how often, and who has to stay out for a while."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from edi_server.transports.limits import SftpLimits as Limits

#: Addresses and names that are remembered at most: an attacker has many.
_MOST = 50_000
__all__ = ["Guard", "Limits"]


class Guard:
    """Counts; every method is quick and never raises. Used from one thread."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._open: Counter[str] = Counter()
        #: Not logged in yet, by address.
        self._strangers: Counter[str] = Counter()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._banned: OrderedDict[str, float] = OrderedDict()
        self._sessions: Counter[str] = Counter()

    def admit(self, address: str) -> str | None:
        """Count a new connection, or say in half a sentence why it is not let in."""
        if self.is_banned(address):
            return "too many failed logins"
        if self._open.total() >= self._limits.connections:
            return "too many connections"
        if self._open[address] >= self._limits.per_address:
            return "too many connections from this address"
        if self._strangers.total() >= self._limits.unauthenticated:
            return "too many connections that are not logged in"
        if self._strangers[address] >= self._limits.unauthenticated_per_address:
            return "too many connections from this address that are not logged in"
        self._open[address] += 1
        self._strangers[address] += 1
        return None

    def log_in(self, address: str, name: str, sessions: int) -> bool:
        """Count a login; False if the account has as many sessions as it may."""
        self._no_stranger(address)
        self._sessions[name] += 1
        return self._sessions[name] <= sessions

    def leave(self, address: str, name: str | None) -> None:
        """A connection that was admitted ended; `name` if it had logged in."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
        if name is None:
            self._no_stranger(address)
        else:
            self._sessions[name] -= 1

    def _no_stranger(self, address: str) -> None:
        self._strangers[address] -= 1
        if self._strangers[address] <= 0:
            del self._strangers[address]

    def fail(self, address: str, name: str) -> bool:
        """Count a failed attempt; True if the address is banned from now on."""
        name_key = f"name:{name}"
        if self._count(name_key) > self._limits.name_failures:
            self._ban(name_key)
        if self._count(address) > self._limits.address_failures:
            self._ban(address)
            return True
        return False

    def is_banned(self, address: str, name: str = "") -> bool:
        """True while the address has to stay out. A name is only slowed down for passwords, never for keys."""
        return any(self._banned.get(key, 0.0) > self._clock() for key in (address, f"name:{name}"))

    def _count(self, key: str) -> int:
        now = self._clock()
        times = self._failures.setdefault(key, deque())
        times.append(now)
        while times and times[0] < now - self._limits.window_seconds:
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
