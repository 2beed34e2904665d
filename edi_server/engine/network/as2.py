"""Our AS2 station, and what we send to those of partners."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from edi_server.engine.as2_agreed import OwnAgreed, in_order, line_of, read_own
from edi_server.engine.network.as2_trial import try_as2
from edi_server.engine.network.as2_watch import Watch
from edi_server.engine.network.part import Ground, start
from edi_server.engine.network.rounds import Round
from edi_server.engine.network.trying import Trial
from edi_server.engine.notices import UNKNOWN, US
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.notice import Notice
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.station import Station
from edi_server.transports.as2.transport import As2Transport, Line
from edi_server.transports.http_front import Front, Reply, Request
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)

KIND = "as2"
#: A Message-ID that comes again after this time is a new message. Of what we sent, the store keeps what matters.
_KEPT = timedelta(days=400)
#: How often certificates are looked at, and what was agreed is put together anew: own keys have dates.
_HOUR = 3600.0
#: How often receipts are looked for that are overdue.
_MINUTE = 60.0
#: How often what is old is forgotten: for that, everything is read that was taken and sent.
_DAY = timedelta(days=1)


class As2Part:
    """See `Part`."""

    kinds: tuple[str, ...] = (KIND,)
    trials: ClassVar[Mapping[str, Trial]] = {KIND: try_as2}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        self._settings = self._configuration.settings.transports.as2
        folder = Path(self._configuration.settings.paths.data) / "as2"
        self._spool, self._letters, self._sendings = (
            Spool(folder / "spool"),
            Letters(folder / "receipts"),
            Sendings(folder / "sent"),
        )
        #: By mailbox, replaced as a whole; and our keys, the one that signs first.
        self._lines: dict[str, Line] = {}
        self._own: list[OwnAgreed] = []
        self._watch = Watch(folder / "told.json", ground.notices, self._sendings)
        self._renewing = threading.Lock()
        self._forgotten = datetime.min.replace(tzinfo=UTC)
        self._front: Front | None = None
        self._station = self._open_station()
        self._rounds: tuple[Round, ...] = ()
        #: Port of the listener.
        self.port = 0

    def is_wanted(self) -> bool:
        """See `Part`."""
        return bool(self._settings.listen) or any(self._partners())

    def prepare(self) -> None:
        """See `Part`."""
        self._spool.prepare()
        self.renew()

    def open(self) -> None:
        """See `Part`."""
        collector = self._ground.collector(KIND, self._transport())
        receipts = self._transport()
        self._rounds = (
            start("as2", collector.collect),
            start("as2 receipts", receipts.send_receipts, longest=30),
            start("as2 certificates", self._look_at_certificates, longest=_HOUR),
            start("as2 missed receipts", self._look_for_receipts, longest=_MINUTE),
        )
        if not self._settings.listen:
            return
        settings = self._settings
        self._front, self.port = self._ground.listen(
            settings.listen, settings.path, self._take, settings.limits, settings.tls
        )

    def renew(self) -> None:
        """See `Part`. What cannot be used is said, and does not hurt the other partners."""
        with self._renewing:
            now = _now()
            try:
                self._own = in_order(read_own(self._configuration), now)
                self._ground.notices.settle(US, "as2-keys", "Our keys can be read.")
            except ConfigurationError as error:
                # Those that were read before work on; at a start there are none.
                self._ground.notices.tell(US, "as2-keys", str(error))
            own = tuple(one.key for one in self._own)
            lines, unusable = {}, set()
            for partner in self._partners():
                try:
                    lines[partner.mailbox] = line_of(partner, own, self._configuration)
                except ConfigurationError as error:
                    unusable.add(partner.name)
                    self._ground.notices.tell(partner.name, "as2-agreed", f"AS2 with them does not work: {error}")
            self._lines = lines
            self._ground.notices.settle_others(
                "as2-agreed", unusable, "AS2 with them can be used again, or is not agreed any more."
            )

    def close(self) -> None:
        """See `Part`."""
        if self._front is not None:
            self._ground.loop.run(self._front.close(), 30)
            self._front = None
        for one in self._rounds:
            one.stop()
        for one in self._rounds:
            one.join()

    def transport(self, mailbox: str) -> As2Transport:  # noqa: ARG002 — one for all partners
        """See `Part`."""
        return self._transport()

    def _open_station(self) -> Station:
        return Station(
            spool=self._spool,
            letters=self._letters,
            sendings=self._sendings,
            relations=lambda: [line.relation for line in self._lines.values()],
            clock=_now,
            largest=self._settings.limits.largest,
            notice=self._tell,
        )

    def _transport(self) -> As2Transport:
        return As2Transport(
            spool=self._spool,
            letters=self._letters,
            sendings=self._sendings,
            loop=self._ground.loop,
            lines=lambda: self._lines,
            clock=_now,
            notice=self._tell,
        )

    def _partners(self) -> Iterable[Partner]:
        return [one for one in self._ground.corridor.book.partners.values() if one.as2 is not None]

    def _take(self, request: Request) -> Reply:
        try:
            return self._station.receive(request.headers, request.posted, address=request.address)
        finally:
            for one in self._rounds[:2]:
                one.wake()

    def _tell(self, notice: Notice) -> None:
        partner = self._ground.corridor.book.partner_of_mailbox(notice.mailbox) if notice.mailbox else None
        about = partner.name if partner else UNKNOWN
        self._ground.notices.tell(
            about, notice.cause, notice.sentence, is_serious=notice.is_serious, thing=notice.thing
        )

    def _look_at_certificates(self) -> float:
        """Alarms about certificates that end, what is switched to told; then a tidy up."""
        now = _now()
        self.renew()
        self._watch.look_at_certificates(self._partners(), self._lines, self._own, now)
        if now - self._forgotten > _DAY:
            self._spool.forget(now - _KEPT)
            self._sendings.forget((now - _KEPT).timestamp())
            self._forgotten = now
        dates = ((one.due - now).total_seconds() for one in self._own)
        return min([_HOUR, *(seconds for seconds in dates if seconds > 0)])

    def _look_for_receipts(self) -> float:
        self._watch.look_for_receipts(self._partners(), self._lines, _now())
        return _MINUTE


def _now() -> datetime:
    return datetime.now(UTC)
