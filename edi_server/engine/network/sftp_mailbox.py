"""Mailboxes on partners' SFTP servers, each polled on its schedule by a thread of its own."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from edi_server.config import Configuration
from edi_server.engine.collecting import Collector
from edi_server.engine.network.part import Ground
from edi_server.engine.network.polling import Poll, Times
from edi_server.engine.network.rounds import Round
from edi_server.engine.network.trying import Trial
from edi_server.engine.network_secrets import read_text
from edi_server.errors import ConfigurationError, TransportError
from edi_server.partners import Partner
from edi_server.partners.exchange import SftpMailbox
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step
from edi_server.transports.sftp_mailbox.listed import KEPT, Pull
from edi_server.transports.sftp_mailbox.mailbox import Remote, RemoteMailbox
from edi_server.transports.sftp_mailbox.pushing import Push
from edi_server.transports.sftp_mailbox.remote import Place
from edi_server.transports.sftp_mailbox.trying import try_mailbox
from edi_server.transports.staging import Staging

KIND = "sftp_mailbox"
#: Seconds after which a look that failed unexpectedly is tried again.
_MINUTE = 60.0


def try_server(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`: everything from the name of their server to deleting a file there."""
    yield from loop.run(try_mailbox(remote_of(partner, configuration)), 600)


class MailboxesPart:
    """See `Part`."""

    kinds: tuple[str, ...] = (KIND,)
    trials: ClassVar[Mapping[str, Trial]] = {KIND: try_server}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        #: By mailbox: what was agreed with whom, and the round that polls it.
        self._polled: dict[str, tuple[_Agreed, Round]] = {}
        self._is_open = False

    def is_wanted(self) -> bool:
        """See `Part`."""
        return any(self._partners())

    def prepare(self) -> None:
        """See `Part`."""
        for partner in self._partners():
            folder = self._folder(partner.mailbox)
            folder.mkdir(parents=True, exist_ok=True)
            Staging(folder).forget(datetime.now(UTC) - KEPT)

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
            if partner is None or _agreed(partner) != agreed:
                polling.stop()
                polling.join()
                del self._polled[mailbox]
        for mailbox, partner in wanted.items():
            if self._is_open and mailbox not in self._polled:
                polling = Round(f"poll {mailbox}", poll_of(self._ground, partner).look, longest=_MINUTE)
                self._polled[mailbox] = (_agreed(partner), polling)
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


#: What a mailbox is polled by: its table, and the partner's name and time zone.
_Agreed = tuple[SftpMailbox | None, str, str]


def _agreed(partner: Partner) -> _Agreed:
    return partner.sftp_mailbox, partner.name, partner.time_zone


class _Line:
    """The collector of one mailbox, made anew after a failure: what was agreed stays, but secrets may change."""

    def __init__(self, ground: Ground, partner: Partner) -> None:
        self._ground = ground
        self._partner = partner
        self._collector: Collector | None = None

    def collect(self) -> float | None:
        """One look."""
        if self._collector is None:
            mailbox = open_mailbox(self._partner, self._ground)
            mailbox.prepare()
            self._collector = self._ground.collector(KIND, mailbox)
        return self._collector.collect()

    def forget(self) -> None:
        """Log in anew, with the secrets as they are then."""
        self._collector = None


def poll_of(ground: Ground, partner: Partner) -> Poll:
    """What looks at the partner's mailbox in time, and tells where that fails."""
    agreed, line = partner.sftp_mailbox, _Line(ground, partner)
    assert agreed is not None
    schedule = agreed.schedule
    times = Times(
        every_seconds=agreed.every_seconds,
        cron=schedule.cron if schedule else "",
        zone=(schedule.time_zone if schedule else "") or partner.time_zone,
    )
    return Poll(
        times,
        collect=line.collect,
        forget=line.forget,
        tell=functools.partial(ground.notices.tell, partner.name),
        settle=lambda cause: ground.notices.settle(partner.name, cause, "It can be collected from again."),
        looked=mailbox_folder(ground.corridor.configuration, partner.mailbox) / "looked",
    )


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


def remote_of(partner: Partner, configuration: Configuration) -> Remote:
    """What was agreed about the partner's server. Raises ConfigurationError where a secret is not set."""
    place, agreed = place_of(partner, configuration), partner.sftp_mailbox
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
    push = Push(outbox=agreed.outbox, upload=agreed.upload)
    return Remote(
        mailbox=partner.mailbox,
        place=place,
        pull=pull if agreed.inbox else None,
        push=push if agreed.outbox else None,
    )


def open_mailbox(partner: Partner, ground: Ground) -> RemoteMailbox:
    """A transport of the caller's own. Raises ConfigurationError."""
    configuration = ground.corridor.configuration
    folder = mailbox_folder(configuration, partner.mailbox)
    return RemoteMailbox(remote_of(partner, configuration), folder, ground.loop)
