"""How fast an account may go: who is faster waits a while, which its client does not notice as a failure."""

from __future__ import annotations

import time
from collections.abc import Callable

from edi_server.transports.sftp_account.account import Rates

#: Seconds of its rate that somebody who was silent may use at once, where the rate is a second's or a minute's.
_SECOND, _MINUTE = 5.0, 60.0
#: Bytes of a request, above which it moves a file.
_LARGE = 4096
#: No answer waits longer: clients would take us for dead.
_LONGEST = 10.0


class Meter:
    """Uses of one thing, of which there are some a second. Used from one thread."""

    def __init__(self, clock: Callable[[], float], burst: float) -> None:
        """`burst`: seconds of its rate that somebody who was silent may use at once."""
        self._clock = clock
        self._burst = burst
        self._free = 0.0
        self._at = float("-inf")

    def use(self, amount: float, a_second: float) -> float:
        """Use some; seconds to wait before it is fair."""
        now = self._clock()
        self._free = min(a_second * self._burst, self._free + (now - self._at) * a_second)
        self._at = now
        self._free -= amount
        return max(0.0, -self._free / a_second)


class Pace:
    """What one account has used lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._requests, self._bytes = Meter(clock, _SECOND), Meter(clock, _SECOND)
        self._uploads, self._logins = Meter(clock, _MINUTE), Meter(clock, _MINUTE)

    def request(self, rates: Rates, size: int) -> float:
        """A request that carried so many bytes, both ways; seconds to wait before the next."""
        # What moves a file counts by its bytes: a large one takes thousands of requests.
        requests = self._requests.use(0 if size > _LARGE else 1, rates.requests)
        return min(_LONGEST, max(requests, self._bytes.use(size, rates.bytes)))

    def upload(self, rates: Rates) -> float:
        """A file is begun; seconds to wait before that."""
        return min(_LONGEST, self._uploads.use(1, rates.uploads / 60))

    def login(self, rates: Rates) -> bool:
        """Somebody logs in; False if that is too soon."""
        return self._logins.use(1, rates.logins / 60) == 0.0
