"""From a transport into the store: what was claimed becomes a transmission, and the work on it is submitted."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from edi_server.delivery.proofs import settle_proofs
from edi_server.engine.corridor import Corridor
from edi_server.engine.notices import US, Notices
from edi_server.engine.workflows import Work
from edi_server.errors import EdiServerError, TransportError
from edi_server.store import Transmission
from edi_server.transports.port import Claim, Left, Proving, Transport

log = logging.getLogger(__name__)


class Collector:
    """Takes what one transport has: claim, archive, commit, submit, release, in this order. Used from one thread."""

    def __init__(self, corridor: Corridor, work: Work, notices: Notices, kind: str, transport: Transport) -> None:
        self._corridor = corridor
        self._work = work
        self._notices = notices
        self._kind = kind
        self._transport = transport
        #: True while there may be claims that were not taken: of an earlier process, or because the machine failed.
        self._are_unfinished = True

    def collect(self) -> float | None:
        """Take what was claimed before and what is complete now; seconds until something else may be, or None."""
        if self._are_unfinished:
            claims = self._transport.claimed()
            self._are_unfinished = False
            self._take_all(claims)
        try:
            collected = self._transport.collect()
        except TransportError:
            # Before it failed, something may have been claimed.
            self._take_all(self._transport.claimed())
            raise
        for left in collected.left:
            self._report(left)
        self._take_all(collected.claims)
        if isinstance(self._transport, Proving):
            settle_proofs(self._corridor.store, self._transport)
        return collected.look_again_seconds

    def _take_all(self, claims: Iterable[Claim]) -> None:
        """One file that cannot be taken now must not hold up the others; it is taken at a later look."""
        for claim in claims:
            self._are_unfinished |= not carefully(functools.partial(self._take_claim, claim))

    def _take_claim(self, claim: Claim) -> bool:
        self.take(claim)
        return True

    def take(self, claim: Claim) -> None:
        """Make a claimed file a transmission; repeated after a crash, it is the same one."""
        store = self._corridor.store
        partner = self._corridor.book.partner_of_mailbox(claim.mailbox)
        with claim.path.open("rb") as content:
            archived = store.archive.put(content)
        transmission = Transmission(
            id=claim.transmission_id,
            direction="inbound",
            partner=partner.name if partner else None,
            mailbox=claim.mailbox,
            transport=self._kind,
            name=claim.name,
            size=archived.size,
            content_hash=archived.hash,
            detail=claim.detail,
        )
        with store.begin() as work:
            work.transmissions.take(transmission)
        self._work.receive(transmission.id, transmission.mailbox)
        self._transport.release(claim)
        log.info("took %s from mailbox %s as %s", claim.name, claim.mailbox, transmission.id)

    def _report(self, left: Left) -> None:
        """What was not taken stays where it lies, and somebody has to know."""
        partner = self._corridor.book.partner_of_mailbox(left.mailbox)
        name = left.finding.found or ""
        place = f"{name} in mailbox {left.mailbox}" if left.mailbox else name
        sentence = f"{place}: {left.finding.sentence}"
        carefully(lambda: self._notices.tell(partner.name if partner else US, left.finding.code, sentence, thing=place))


T = TypeVar("T")


def carefully(action: Callable[[], T]) -> T | None:
    """Run an action whose failure must not end the collector: it is tried again at the next look."""
    try:
        return action()
    except EdiServerError as error:
        log.warning("collecting: %s", error)
    except Exception:
        log.exception("collecting failed unexpectedly")
    return None
