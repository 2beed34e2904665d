"""Takes asynchronous receipts to where they were asked to go; a partner who does not answer holds up nobody else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from edi_server.errors import EdiServerError
from edi_server.transports.as2.addresses import may_be_called
from edi_server.transports.as2.letters import Letter, Letters
from edi_server.transports.as2.line import Line
from edi_server.transports.as2.notice import Notice
from edi_server.transports.loop import Loop
from edi_server.transports.posting import post

log = logging.getLogger(__name__)

#: Receipts that are on their way to one partner at a time.
_SIDE_BY_SIDE = 2
#: Seconds that one may take, and that a round waits for what is under way; what takes longer ends in a later round.
_POST_SECONDS = 60.0
_ROUND_SECONDS = 5.0
#: Seconds until the next round while something is under way, or waits.
_SOON, _LATER = 1.0, 5.0


class Postman:
    """Used from one thread at a time. `lines` gives the partners by mailbox, as they are agreed now."""

    def __init__(
        self,
        letters: Letters,
        loop: Loop,
        lines: Callable[[], dict[str, Line]],
        notice: Callable[[Notice], None],
    ) -> None:
        self._letters = letters
        self._loop = loop
        self._lines = lines
        self._notice = notice
        self._under_way: dict[Future[str], Letter] = {}

    def go(self) -> float | None:
        """Try the receipts that are due; seconds until others may be, None if none waits. Raises TransportError."""
        under_way = {_key(one) for one in self._under_way.values()}
        due = [one for one in self._letters.due() if _key(one) not in under_way]
        ends = time.monotonic() + _ROUND_SECONDS
        while True:
            due = self._begin(due)
            left = ends - time.monotonic()
            if not self._under_way or left <= 0:
                break
            for future in wait(self._under_way, left, FIRST_COMPLETED).done:
                self._finish(future)
        if self._under_way:
            return _SOON
        return _LATER if self._letters.waiting() else None

    def _begin(self, due: list[Letter]) -> list[Letter]:
        """Begin with those whose partners have room; the others."""
        rest = []
        for letter in due:
            if sum(one.mailbox == letter.mailbox for one in self._under_way.values()) < _SIDE_BY_SIDE:
                self._under_way[self._loop.start(self._send(letter))] = letter
            else:
                rest.append(letter)
        return rest

    def _finish(self, future: Future[str]) -> None:
        letter = self._under_way.pop(future)
        try:
            problem = future.result()
        except CancelledError:
            # The loop is being closed; it is tried again after the next start.
            return
        if problem:
            self._put_off(letter, problem)
        else:
            self._letters.settle(letter)

    async def _send(self, letter: Letter) -> str:
        """What went wrong, "" for nothing."""
        line = self._lines().get(letter.mailbox)
        if line is None or not may_be_called(letter.url, line.relation.terms):
            return "it was agreed when it was asked for, and is not any more"
        try:
            answer = await post(
                letter.url, letter.headers, letter.body, tls=line.tls, login=line.login, seconds=_POST_SECONDS
            )
        except EdiServerError as error:
            return str(error)
        except Exception as error:
            # One receipt that cannot be sent must not hold up the others for ever.
            log.exception("the receipt for %s could not be sent", letter.about)
            return f"it cannot be sent: {type(error).__name__}"
        return "" if 200 <= answer.status < 300 else f"the answer is {answer.status}"

    def _put_off(self, letter: Letter, why: str) -> None:
        goes_on = self._letters.put_off(letter)
        what = "could not be delivered and is sent again later" if goes_on else "could not be delivered and is given up"
        self._notice(
            Notice(
                cause="as2-receipt-delayed" if goes_on else "as2-receipt-undelivered",
                sentence=f"Our receipt for {letter.about[:200]} {what}: {why}",
                mailbox=letter.mailbox,
                is_serious=not goes_on,
                thing=letter.about[:200],
            )
        )


def _key(letter: Letter) -> tuple[str, str]:
    return letter.mailbox, letter.about
