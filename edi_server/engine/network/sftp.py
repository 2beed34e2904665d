"""Our SFTP endpoint: an account for each partner who has agreed on one."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from edi_server.config import address_of
from edi_server.engine.network.part import Ground, start
from edi_server.engine.network.rounds import Round
from edi_server.engine.sftp_accounts import account_of, open_tree, sftp_folder, sftp_spool
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.transports.sftp.account import Account
from edi_server.transports.sftp.accounts import AccountsTransport
from edi_server.transports.sftp.endpoint import Endpoint
from edi_server.transports.sftp.host_keys import load_host_keys
from edi_server.transports.sftp.tree import Tree

log = logging.getLogger(__name__)

KIND = "sftp_account"
#: Each upload is one of its own, so its key is needed only until the crash that may repeat it is over.
_KEPT = timedelta(days=1)
#: How often open sessions are looked at: what they logged in by may have ended.
_MINUTE = 60.0


class SftpPart:
    """See `Part`."""

    kinds: tuple[str, ...] = (KIND,)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        self._settings = self._configuration.settings.transports.sftp
        self._spool = sftp_spool(self._configuration)
        #: By account name, replaced as a whole.
        self._trees: Mapping[str, Tree] = {}
        self._endpoint: Endpoint | None = None
        self._round: Round | None = None
        self._guarding: Round | None = None
        self._forgotten = datetime.min.replace(tzinfo=UTC)
        #: Ports of the listeners, the one for old software last.
        self.ports: tuple[int, ...] = ()

    def is_wanted(self) -> bool:
        """See `Part`."""
        return bool(self._settings.listen or self._settings.legacy_listen) or any(self._partners())

    def prepare(self) -> None:
        """See `Part`."""
        self._spool.prepare()
        self.renew()

    def open(self) -> None:
        """See `Part`."""
        listeners = [(self._settings.listen, False), (self._settings.legacy_listen, True)]
        if any(listen for listen, _ in listeners):
            keys = load_host_keys(self._settings.host_keys)
            endpoint = Endpoint(trees=lambda: self._trees, host_keys=keys, limits=self._settings.limits)
            self._endpoint = endpoint
            self.ports = tuple(self._listen(endpoint, listen, legacy=old) for listen, old in listeners if listen)
            # Keys end by date too, while sessions are open.
            self._guarding = start("sftp sessions", self._end_strangers, longest=_MINUTE)
        collector = self._ground.collector(KIND, self._transport())
        self._round = start("sftp", functools.partial(self._collect, collector.collect))

    def renew(self) -> None:
        """See `Part`. Who has an account no more is shut out at once."""
        trees: dict[str, Tree] = {}
        for partner in self._partners():
            account = self._account(partner)
            tree = self._trees.get(account.name)
            if tree is None:
                tree = self._open_tree(account)
                tree.prepare()
            tree.account = account
            trees[account.name] = tree
        self._trees = trees
        self._end_strangers()

    def _end_strangers(self) -> None:
        endpoint = self._endpoint
        if endpoint is not None:
            self._ground.loop.run(endpoint.end_strangers(), 30)

    def close(self) -> None:
        """See `Part`."""
        if self._guarding is not None:
            self._guarding.stop()
            self._guarding.join()
            self._guarding = None
        if self._endpoint is not None:
            self._ground.loop.run(self._endpoint.close(), 30)
            self._endpoint = None
        if self._round is not None:
            self._round.stop()
            self._round.join()

    def transport(self, mailbox: str) -> AccountsTransport:  # noqa: ARG002 — one for all accounts
        """See `Part`."""
        return self._transport()

    def _partners(self) -> list[Partner]:
        return [one for one in self._ground.corridor.book.partners.values() if one.sftp_account is not None]

    def _account(self, partner: Partner) -> Account:
        """The account as agreed; where its password is not to be found, without one, and said."""
        try:
            return account_of(partner, self._configuration)
        except ConfigurationError as error:
            self._ground.notices.tell(partner.name, "sftp-password", f"Nobody can log in by password: {error}")
            assert partner.sftp_account is not None
            without = msgspec.structs.replace(partner.sftp_account, password_hash=None)
            return account_of(msgspec.structs.replace(partner, sftp_account=without), self._configuration)

    def _open_tree(self, account: Account) -> Tree:
        return open_tree(
            account,
            self._configuration,
            taken=lambda _name: self._wake(),
            collected=lambda name: self._note_collected(account.name, name),
        )

    def _note_collected(self, account: str, name: str) -> None:
        tree = self._trees.get(account)
        if tree is not None:
            self._transport().note_collected(tree, name)
            self._wake()

    def _transport(self) -> AccountsTransport:
        folder = sftp_folder(self._configuration)
        return AccountsTransport(spool=self._spool, folder=folder, trees=lambda: list(self._trees.values()))

    def _collect(self, collect: Callable[[], float | None]) -> float | None:
        now = datetime.now(UTC)
        if now - self._forgotten > _KEPT:
            self._spool.forget(now - _KEPT)
            self._forgotten = now
        return collect()

    def _wake(self) -> None:
        if self._round is not None:
            self._round.wake()

    def _listen(self, endpoint: Endpoint, listen: str, *, legacy: bool) -> int:
        host, port = address_of(listen)
        port = self._ground.loop.run(endpoint.listen(host, port, legacy=legacy), 30)
        log.info("SFTP listens on %s:%s%s", host, port, ", for old software too" if legacy else "")
        return port
