"""What a part of the network side is, and what it works with. One more transport is one more part."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import msgspec

from edi_server.config import HttpTls, address_of
from edi_server.engine.collecting import Collector
from edi_server.engine.corridor import Corridor
from edi_server.engine.network.rounds import Round
from edi_server.engine.network.trying import Trial
from edi_server.engine.notices import Notices
from edi_server.engine.workflows import Work
from edi_server.transports.http_front import Front, Taker
from edi_server.transports.limits import FrontLimits
from edi_server.transports.loop import Loop
from edi_server.transports.port import Transport
from edi_server.transports.serving import server_context

log = logging.getLogger(__name__)

#: How often a transport is looked at without being told that something came.
SECONDS = 10.0


class Ground(msgspec.Struct, frozen=True):
    """What all parts stand on."""

    corridor: Corridor
    work: Work
    loop: Loop
    notices: Notices

    def collector(self, kind: str, transport: Transport) -> Collector:
        """Takes what the transport has into the store."""
        return Collector(self.corridor, self.work, self.notices, kind, transport)

    def listen(self, listen: str, path: str, take: Taker, limits: FrontLimits, tls: HttpTls) -> tuple[Front, int]:
        """An open HTTP listener, and its port. Raises ConfigurationError."""
        front = Front({path: take}, limits)
        context = server_context(tls.certificate, tls.private_key, tls.client_authorities) if tls.certificate else None
        port = self.loop.run(front.listen(*address_of(listen), context), 30)
        log.info("%s://%s%s takes posts", "https" if context else "http", f"{address_of(listen)[0]}:{port}", path)
        return front, port


class Part(Protocol):
    """One transport of the network side. Each method is called from the daemon's threads, one after the other."""

    #: The ways of partner files (`edi_server.partners.exchange.Way`) that it delivers by.
    kinds: tuple[str, ...]
    #: How each way of partner files that it serves is tried.
    trials: ClassVar[Mapping[str, Trial]]

    def is_wanted(self) -> bool:
        """True if it is configured, or a partner has agreed on it."""

    def prepare(self) -> None:
        """Make folders, finish what a crash left; from now on `transport` works. Raises EdiServerError."""

    def open(self) -> None:
        """Listen and collect. Raises EdiServerError."""

    def renew(self) -> None:
        """Partner files were read again."""

    def close(self) -> None:
        """Listen and collect no more."""

    def transport(self, mailbox: str) -> Transport:
        """What delivers to a mailbox: an instance of the caller's own."""


def start(name: str, action: Callable[[], float | None], *, longest: float = SECONDS) -> Round:
    """A round that runs."""
    made = Round(name, action, longest=longest)
    made.start()
    return made
