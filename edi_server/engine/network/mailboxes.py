"""Mailboxes on partners' SFTP servers, each polled on its schedule by a thread of its own."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from croniter import croniter

from edi_server.config import Configuration
from edi_server.engine.collecting import Collector
from edi_server.engine.network.part import Ground
from edi_server.engine.network.rounds import Round
from edi_server.engine.network_secrets import read_text
from edi_server.errors import ConfigurationError, EdiServerError, TransportError
from edi_server.partners import Partner
from edi_server.partners.exchange import SftpMailbox
from edi_server.transports.sftp.mailbox import Remote, RemoteMailbox
from edi_server.transports.sftp.pulling import Pull
from edi_server.transports.sftp.remote import Place

log = logging.getLogger(__name__)

KIND = "sftp_mailbox"
#: Looks that may fail one after the other before somebody is told; a partner's server has its pauses.
_PATIENCE = 10
#: Round at the latest; schedules may be longer, but a clock may be set.
_DAY = 86400.0


class MailboxesPart:
    """See `Part`."""

    kinds: tuple[str, ...] = (KIND,)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        #: By mailbox: what was agreed, and the round that polls it.
        self._polled: dict[str, tuple[SftpMailbox, Round]] = {}
        self._is_open = False

    def is_wanted(self) -> bool:
        """See `Part`."""
        return any(self._partners())

    def prepare(self) -> None:
        """See `Part`."""
        for partner in self._partners():
            self._folder(partner.mailbox).mkdir(parents=True, exist_ok=True)

    def open(self) -> None:
        """See `Part`."""
        self._is_open = True
        self.renew()

    def renew(self) -> None:
        """See `Part`: mailboxes that are agreed otherwise are polled otherwise."""
        self.prepare()
        wanted = {one.mailbox: one for one in self._partners() if one.sftp_mailbox and one.sftp_mailbox.inbox}
        for mailbox, (agreed, polling) in list(self._polled.items()):
            partner = wanted.get(mailbox)
            if partner is None or partner.sftp_mailbox != agreed:
                polling.stop()
                polling.join()
                del self._polled[mailbox]
        for mailbox, partner in wanted.items():
            if self._is_open and mailbox not in self._polled and partner.sftp_mailbox:
                polling = Round(f"poll {mailbox}", _Poll(self._ground, partner).look, longest=_DAY)
                self._polled[mailbox] = (partner.sftp_mailbox, polling)
                polling.start()

    def close(self) -> None:
        """See `Part`."""
        self._is_open = False
        for _, polling in self._polled.values():
            polling.stop()
        for _, polling in self._polled.values():
            polling.join()
        self._polled = {}

    def transport(self, mailbox: str) -> RemoteMailbox:
        """See `Part`. Raises TransportError where nothing is agreed."""
        partner = self._ground.corridor.book.partner_of_mailbox(mailbox)
        if partner is None or partner.sftp_mailbox is None:
            raise TransportError(f"{mailbox} has no mailbox on a server of theirs", permanent=True)
        return open_mailbox(partner, self._ground)

    def _partners(self) -> list[Partner]:
        return [one for one in self._ground.corridor.book.partners.values() if one.sftp_mailbox is not None]

    def _folder(self, mailbox: str) -> Path:
        return mailbox_folder(self._configuration, mailbox)


class _Poll:
    """Looking at one mailbox."""

    def __init__(self, ground: Ground, partner: Partner) -> None:
        assert partner.sftp_mailbox is not None
        self._ground = ground
        self._partner = partner
        self._agreed = partner.sftp_mailbox
        self._collector: Collector | None = None
        self._failures = 0

    def look(self) -> float:
        """Look once; seconds until the next look."""
        try:
            soon = self._collect()
        except EdiServerError as error:
            self._failed(error)
            return self._until_next()
        if self._failures >= _PATIENCE or self._failures < 0:
            for cause in ("sftp-mailbox-away", "sftp-mailbox-refused"):
                self._ground.notices.settle(self._partner.name, cause, "It can be collected from again.")
        self._failures = 0
        return self._until_next() if soon is None else min(soon, self._until_next())

    def _collect(self) -> float | None:
        if self._collector is None:
            mailbox = open_mailbox(self._partner, self._ground)
            mailbox.prepare()
            self._collector = self._ground.collector(KIND, mailbox)
        return self._collector.collect()

    def _failed(self, error: EdiServerError) -> None:
        """A key that changed, a wrong password: at once. A server that is away: after a while."""
        log.warning("%s cannot be collected from: %s", self._partner.mailbox, error)
        if error.permanent:
            self._failures = -1
            self._ground.notices.tell(self._partner.name, "sftp-mailbox-refused", str(error))
            return
        self._failures = abs(self._failures) + 1
        if self._failures == _PATIENCE:
            sentence = f"Their SFTP server could not be collected from {_PATIENCE} times: {error}"
            self._ground.notices.tell(self._partner.name, "sftp-mailbox-away", sentence)

    def _until_next(self) -> float:
        schedule = self._agreed.schedule
        if schedule is None:
            return self._agreed.every_seconds
        now = datetime.now(ZoneInfo(schedule.time_zone or self._partner.time_zone))
        times = croniter(schedule.cron, now, second_at_beginning=True)
        return float((times.get_next(datetime) - now).total_seconds())


def mailbox_folder(configuration: Configuration, mailbox: str) -> Path:
    """What we keep of a remote mailbox."""
    return Path(configuration.settings.paths.data) / "mailboxes" / mailbox


def place_of(partner: Partner, configuration: Configuration) -> Place:
    """Where the partner's server is, and how we log in. Raises ConfigurationError where a secret is not set."""
    agreed = partner.sftp_mailbox
    if agreed is None:
        raise ConfigurationError(f"{partner.name} has no [sftp_mailbox] in its partner file")
    return Place(
        host=agreed.host,
        port=agreed.port,
        user=agreed.user,
        host_keys=agreed.host_keys,
        private_key=read_text(agreed.private_key, configuration),
        password=read_text(agreed.password, configuration),
        connections=agreed.connections,
        legacy_algorithms=agreed.legacy_algorithms,
    )


def open_mailbox(partner: Partner, ground: Ground) -> RemoteMailbox:
    """A transport of the caller's own. Raises ConfigurationError."""
    agreed = partner.sftp_mailbox
    configuration = ground.corridor.configuration
    place = place_of(partner, configuration)
    assert agreed is not None
    pull = Pull(
        mailbox=partner.mailbox,
        host=agreed.host,
        inbox=agreed.inbox,
        pattern=agreed.pattern,
        after=agreed.after,
        archive=agreed.archive,
        claim=agreed.claim,
        quiet_seconds=agreed.quiet_seconds,
        marker=agreed.marker,
        largest=agreed.largest_file,
        patience=place.seconds,
    )
    remote = Remote(mailbox=partner.mailbox, place=place, pull=pull if agreed.inbox else None, outbox=agreed.outbox)
    return RemoteMailbox(remote, mailbox_folder(configuration, partner.mailbox), ground.loop)
