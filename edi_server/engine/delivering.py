"""Deliveries as they are agreed now: by which way each leaves, how fast, and how often it is tried."""

from __future__ import annotations

import logging

from edi_server.config import Configuration
from edi_server.delivery.outbox import deliver, mark_failed
from edi_server.delivery.pace import Pace
from edi_server.engine.corridor import Corridor
from edi_server.engine.retrying import NotYet, Retries
from edi_server.errors import StoreError
from edi_server.partners import Partner
from edi_server.store import DeliveryAttempt, Transmission

log = logging.getLogger(__name__)


class Deliveries:
    """What the workflow `deliver` does. Used from any thread."""

    def __init__(self, corridor: Corridor) -> None:
        self._corridor = corridor
        self._pace = Pace()

    def hand_over(self, transmission_id: str) -> None:
        """Deliver a transmission. Raises NotYet where more than was agreed would leave, and what `deliver` raises."""
        transmission = self._by_the_agreed_way(transmission_id)
        if transmission.delivery not in ("sent", "delivered"):
            self._keep_pace(transmission.mailbox)
        deliver(
            self._corridor.store,
            self._corridor.transport(transmission.transport, transmission.mailbox),
            transmission_id,
            expected_within=self._corridor.expected_within,
        )

    def retries(self, transmission_id: str) -> Retries:
        """How often it is tried, as is agreed with its partner now."""
        try:
            with self._corridor.store.read() as work:
                mailbox = work.transmissions.get(transmission_id).mailbox
        except StoreError as error:
            # Asked for after a failure, which may be that of the store.
            log.warning("%s is tried again as is usual: %s", transmission_id, error)
            return retries_of(None, self._corridor.configuration)
        return retries_of(self._corridor.book.partner_of_mailbox(mailbox), self._corridor.configuration)

    def mark_failed(self, transmission_id: str, error: str) -> None:
        """It was given up; again after a crash."""
        with self._corridor.store.begin() as work:
            transmission = work.transmissions.get(transmission_id)
            if mark_failed(work, transmission, error):
                attempt = DeliveryAttempt(transmission_id=transmission_id, outcome="failed", detail=error)
                work.transmissions.record_attempt(attempt)

    def _by_the_agreed_way(self, transmission_id: str) -> Transmission:
        """What has not left yet goes by the way that is agreed now, not by the one of the time it was written."""
        with self._corridor.store.read() as work:
            transmission = work.transmissions.get(transmission_id)
        partner = self._corridor.book.partner_of_mailbox(transmission.mailbox)
        if partner is None or transmission.delivery in ("sent", "delivered"):
            return transmission
        if partner.delivers_by == transmission.transport:
            return transmission
        with self._corridor.store.begin() as work:
            work.transmissions.reroute(transmission_id, partner.delivers_by)
            return work.transmissions.get(transmission_id)

    def _keep_pace(self, mailbox: str) -> None:
        partner = self._corridor.book.partner_of_mailbox(mailbox)
        if partner is None or partner.delivery.per_minute is None:
            return
        seconds = self._pace.wait(mailbox, partner.delivery.per_minute)
        if seconds > 0:
            raise NotYet(seconds)


def retries_of(partner: Partner | None, configuration: Configuration) -> Retries:
    """What was agreed with a partner, and of the configuration what was not."""
    usual = configuration.settings.transports.retries
    agreed = partner.delivery if partner else None

    def either(key: str) -> float:
        own = getattr(agreed, key, None)
        return float(getattr(usual, key) if own is None else own)

    return Retries(
        limit=int(either("attempts")),
        first=either("first_seconds"),
        factor=either("factor"),
        longest=either("longest_seconds"),
    )
