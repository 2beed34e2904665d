"""Our HTTP drop, and partners' webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from edi_server.config import Configuration
from edi_server.engine.network.part import Ground, start
from edi_server.engine.network.rounds import Round
from edi_server.engine.network.trying import Trial, try_listener
from edi_server.engine.network_secrets import read_text, tls_of
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.transports.drop import Drop, DropAccount, DropTransport, Token
from edi_server.transports.http_front import Front, Reply, Request
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step, probe
from edi_server.transports.spool import Spool
from edi_server.transports.staging import Staging
from edi_server.transports.webhook import Webhook, Webhooks

KIND = "drop"
#: An idempotency key that comes again after this time is a new one.
_KEPT = timedelta(days=400)


def try_drop(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`: whether a token opens the account, and the listener is there."""
    assert partner.drop is not None
    now = datetime.now(UTC)
    valid = sum(one.ends is None or now < one.ends for one in partner.drop.tokens)
    yield Step("tokens", bool(valid), f"{valid} of {len(partner.drop.tokens)} are valid now")
    yield from try_listener(configuration.settings.transports.drop.listen, "transports.drop.listen", loop)


def try_webhook(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`: whether somebody answers there; nothing is posted."""
    hook = webhook_of(partner, configuration)
    assert hook is not None
    yield from loop.run(probe(hook.url, tls=hook.tls), 120)


class DropPart:
    """See `Part`."""

    kinds: tuple[str, ...] = ("webhook", KIND)
    trials: ClassVar[Mapping[str, Trial]] = {KIND: try_drop, "webhook": try_webhook}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        self._settings = self._configuration.settings.transports.drop
        self._folder = Path(self._configuration.settings.paths.data) / "drop"
        self._spool = Spool(self._folder / "spool")
        self._accounts: dict[str, DropAccount] = {}
        self._staging = Staging(self._folder)
        #: Partners whose webhook lacks a secret or a certificate.
        self._unusable: set[str] = set()
        self._drop = Drop(spool=self._spool, accounts=lambda: self._accounts, clock=_now)
        self._front: Front | None = None
        self._round: Round | None = None
        self._forgotten = datetime.min.replace(tzinfo=UTC)
        #: Port of the listener.
        self.port = 0

    def is_wanted(self) -> bool:
        """See `Part`."""
        return bool(self._settings.listen) or any(one.drop or one.webhook for one in self._partners())

    def prepare(self) -> None:
        """See `Part`."""
        self._spool.prepare()
        self.renew()

    def open(self) -> None:
        """See `Part`."""
        collector = self._ground.collector(KIND, self._transport())

        def collect() -> float | None:
            if _now() - self._forgotten > timedelta(days=1):
                self._spool.forget(_now() - _KEPT)
                self._staging.forget(_now() - _KEPT)
                self._forgotten = _now()
            return collector.collect()

        self._round = start("drop", collect)
        settings = self._settings
        if settings.listen:
            self._front, self.port = self._ground.listen(
                settings.listen, settings.path, self._take, settings.limits, settings.tls
            )

    def renew(self) -> None:
        """See `Part`."""
        self._accounts = {account.name: account for one in self._partners() if (account := account_of(one))}
        for partner in self._partners():
            with suppress(ConfigurationError):
                self._webhook(partner)

    def close(self) -> None:
        """See `Part`."""
        if self._front is not None:
            self._ground.loop.run(self._front.close(), 30)
            self._front = None
        if self._round is not None:
            self._round.stop()
            self._round.join()

    def transport(self, mailbox: str) -> DropTransport:  # noqa: ARG002 — one for all partners
        """See `Part`."""
        return self._transport()

    def _transport(self) -> DropTransport:
        return DropTransport(
            spool=self._spool, webhooks=Webhooks(self._staging, self._ground.loop, self._webhook_of_mailbox)
        )

    def _webhook_of_mailbox(self, mailbox: str) -> Webhook | None:
        """As it is now: secrets and certificates are replaced without anybody touching the partner file."""
        partner = self._ground.corridor.book.partner_of_mailbox(mailbox)
        return self._webhook(partner) if partner else None

    def _webhook(self, partner: Partner) -> Webhook | None:
        """Raises ConfigurationError, after somebody was told."""
        try:
            hook = webhook_of(partner, self._configuration)
        except ConfigurationError as error:
            self._unusable.add(partner.name)
            self._ground.notices.tell(partner.name, "webhook", f"Their webhook does not work: {error}")
            raise
        if partner.name in self._unusable:
            self._unusable.discard(partner.name)
            self._ground.notices.settle(partner.name, "webhook", "It can be used again.")
        return hook

    def _partners(self) -> list[Partner]:
        return list(self._ground.corridor.book.partners.values())

    def _take(self, request: Request) -> Reply:
        try:
            return self._drop.take(request)
        finally:
            if self._round is not None:
                self._round.wake()


def account_of(partner: Partner) -> DropAccount | None:
    """The partner's account of the drop, if it has one."""
    if partner.drop is None:
        return None
    tokens = tuple(Token(digest=one.digest, ends=one.ends) for one in partner.drop.tokens)
    return DropAccount(name=partner.drop.account or partner.name, mailbox=partner.mailbox, tokens=tokens)


def webhook_of(partner: Partner, configuration: Configuration) -> Webhook | None:
    """The partner's webhook, if it has one. Raises ConfigurationError."""
    if partner.webhook is None:
        return None
    agreed = partner.webhook
    return Webhook(
        mailbox=partner.mailbox,
        url=agreed.url,
        secret=read_text(agreed.signing_key, configuration),
        tls=tls_of(agreed.tls, configuration),
        seconds=agreed.seconds,
    )


def _now() -> datetime:
    return datetime.now(UTC)
