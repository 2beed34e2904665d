"""Asynchronous receipts on their way: queued on disk, tried again until they are taken or too old."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from edi_server.transports.durable_file import read_all, write_durably


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt to be posted to where it was asked to go."""

    mailbox: str
    url: str
    headers: dict[str, str]
    body: bytes
    #: Message-ID of the message it is about.
    about: str
    attempts: int = 0
    #: Seconds since 1970: not before, and since when it waits.
    due: float = 0.0
    queued: float = 0.0


class Letters:
    """A folder of receipts. `waits`: seconds before each further attempt, the last one again and again."""

    def __init__(
        self,
        folder: Path,
        *,
        waits: tuple[float, ...] = (30, 120, 600, 1800, 3600),
        longest: float = 48 * 3600,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._waits = waits
        self._longest = longest
        self._clock = clock
        # A message may be answered anew while its first receipt is on the way.
        self._changing = threading.Lock()

    def queue(self, letter: Letter) -> None:
        """Make the receipt durable, to be sent in place of an earlier one for the message. Raises TransportError."""
        now = self._clock()
        with self._changing:
            self._write(msgspec.structs.replace(letter, due=now, queued=now))

    def due(self) -> list[Letter]:
        """Receipts to be tried now, the oldest first."""
        letters = [msgspec.json.decode(content, type=Letter) for _, content in read_all(self._folder)]
        return sorted((one for one in letters if one.due <= self._clock()), key=lambda one: one.queued)

    def waiting(self) -> int:
        """How many are not delivered yet."""
        return sum(1 for _ in read_all(self._folder))

    def settle(self, letter: Letter) -> None:
        """The partner took it; a newer one for the same message is still sent."""
        with self._changing:
            if self._is_newest(letter):
                self._file(letter).unlink(missing_ok=True)

    def put_off(self, letter: Letter) -> bool:
        """It could not be delivered now; False if it is given up, because it waited too long.

        Where a newer one for the same message came in between, that one is sent in its place.
        """
        attempts = letter.attempts + 1
        now = self._clock()
        with self._changing:
            if not self._is_newest(letter):
                return True
            if now - letter.queued > self._longest:
                self._file(letter).unlink(missing_ok=True)
                return False
            wait = self._waits[min(attempts, len(self._waits)) - 1]
            self._write(msgspec.structs.replace(letter, attempts=attempts, due=now + wait))
        return True

    def _is_newest(self, letter: Letter) -> bool:
        try:
            now = msgspec.json.decode(self._file(letter).read_bytes(), type=Letter)
        except FileNotFoundError:
            # Nothing took its place.
            return True
        return (now.body, now.queued) == (letter.body, letter.queued)

    def _write(self, letter: Letter) -> None:
        write_durably(self._file(letter), msgspec.json.encode(letter))

    def _file(self, letter: Letter) -> Path:
        name = hashlib.sha256(f"{letter.mailbox}\0{letter.about}".encode()).hexdigest()
        return self._folder / f"{name}.json"
