"""Our SFTP endpoint: an account for each partner who has agreed on one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec

from edi_server.config import Configuration, address_of
from edi_server.engine.collecting import Collector, carefully
from edi_server.engine.network.part import Ground, start
from edi_server.engine.network.rounds import Round
from edi_server.engine.network.trying import Trial, try_listener
from edi_server.engine.notices import US
from edi_server.engine.sftp_accounts import (
    account_of,
    adopt_folder,
    key_alarms,
    mailboxes_folder,
    open_tree,
    sftp_folder,
    sftp_spool,
)
from edi_server.errors import ConfigurationError, EdiServerError
from edi_server.partners import Partner
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step
from edi_server.transports.sftp_account.account import Account
from edi_server.transports.sftp_account.accounts import AccountsTransport
from edi_server.transports.sftp_account.endpoint import Endpoint
from edi_server.transports.sftp_account.host_keys import load_host_keys
from edi_server.transports.sftp_account.offers import Offers
from edi_server.transports.sftp_account.tree import Tree

log = logging.getLogger(__name__)

KIND = "sftp_account"
#: Each upload is one of its own, so its key is needed only until the crash that may repeat it is over.
_KEPT = timedelta(days=1)
#: How often open sessions are looked at, since what they logged in by may have ended; and dates and old files.
_MINUTE, _HOUR = 60.0, 3600.0
#: The code of what a transport says about files that are complete and could not be taken.
_NOT_TAKEN = "transport.upload-not-taken"


def try_account(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`: whether anybody is able to log in, and the listener is there."""
    account, settings = account_of(partner, configuration), configuration.settings.transports.sftp
    now = datetime.now(UTC)
    valid = {
        what: [one.is_valid(now) for one in keys]
        for what, keys in (("keys", account.keys), ("authorities", account.authorities))
    }
    ways = [f"{sum(those)} of {len(those)} {what} are valid now" for what, those in valid.items() if those]
    ways += ["a password"] if account.password else []
    is_open = bool(account.password) or any(any(those) for those in valid.values())
    yield Step("account", is_open, f"{account.name}: {', '.join(ways)}")
    listen = settings.listen or (settings.legacy_listen if account.legacy_algorithms else "")
    yield from try_listener(listen, "transports.sftp.listen", loop)


class SftpPart:
    """See `Part`."""

    kinds: tuple[str, ...] = (KIND,)
    trials: ClassVar[Mapping[str, Trial]] = {KIND: try_account}

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._configuration = ground.corridor.configuration
        self._settings = self._configuration.settings.transports.sftp
        self._spool = sftp_spool(self._configuration)
        #: By account name, replaced as a whole.
        self._trees: Mapping[str, Tree] = {}
        self._endpoint: Endpoint | None = None
        self._rounds: tuple[Round, ...] = ()
        #: Wakes the round that collects, once there is one.
        self._round: Round | None = None
        #: Held while accounts are opened: partner files are read by one thread, what failed is tried again by another.
        self._renewing = threading.Lock()
        #: The last time, something of them could not be opened or taken; or nobody has tried yet.
        self._is_troubled = True
        #: Mailboxes of which nothing waits, and whose case, of an earlier process too, is settled.
        self._are_clear: set[str] = set()
        #: True once all that an earlier process left was taken.
        self._is_recovered = False
        #: There may be a case about the disk.
        self._is_disk_doubtful = True
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
        transport = self._transport()
        collector = self._ground.collector(KIND, transport)
        self._round = start("sftp", lambda: self._collect(collector, transport))
        self._rounds = (
            self._round,
            # Keys end by date too, while sessions are open.
            start("sftp sessions", self._look_at_accounts, longest=_MINUTE),
            start("sftp keys", self._look_at_keys, longest=_HOUR),
            start("sftp tidying", self._tidy, longest=_KEPT.total_seconds()),
        )

    def renew(self) -> None:
        """See `Part`. Who has an account no more is shut out at once, and what is complete of theirs is taken."""
        with self._renewing:
            trees: dict[str, Tree] = {}
            for partner in self._partners():
                account = self._account(partner)
                tree = self._known(account) or self._new_tree(partner, account)
                if tree is not None:
                    tree.account = account
                    trees[account.name] = tree
            self._trees = trees
            self._end_strangers()
            are_left = self._take_from_the_gone()
            self._is_troubled = are_left or len(trees) < len(self._partners())

    def _look_at_accounts(self) -> None:
        """Whoever may be here no more is shut out; what could not be opened or taken is tried again."""
        if self._is_troubled:
            self.renew()
        else:
            self._end_strangers()

    def _collect(self, collector: Collector, transport: AccountsTransport) -> float | None:
        """Take what is complete, and settle the cases of those of whom nothing waits any more."""
        seconds = collector.collect()
        for mailbox in {tree.account.mailbox for tree in self._trees.values()}:
            if mailbox in transport.troubled:
                self._are_clear.discard(mailbox)
            elif mailbox not in self._are_clear:
                partner = self._ground.corridor.book.partner_of_mailbox(mailbox)
                if partner is not None:
                    self._ground.notices.settle(partner.name, _NOT_TAKEN, "All that they uploaded was taken.")
                self._are_clear.add(mailbox)
        self._is_recovered |= not transport.troubled and not self._is_troubled
        return seconds

    def _known(self, account: Account) -> Tree | None:
        """The tree of a mailbox, whatever its user was called before."""
        return next((one for one in self._trees.values() if one.account.mailbox == account.mailbox), None)

    def _new_tree(self, partner: Partner, account: Account) -> Tree | None:
        """None where its folder cannot be used: that partner is shut out, and everybody else is not."""
        tree = self._open_tree(account)
        try:
            adopt_folder(account, self._configuration)
            tree.prepare()
        except (EdiServerError, OSError) as error:
            self._ground.notices.tell(partner.name, "sftp-folder", f"Their SFTP account cannot be used: {error}")
            return None
        self._ground.notices.settle(partner.name, "sftp-folder", "Their SFTP account can be used.")
        return tree

    def _take_from_the_gone(self) -> bool:
        """What was handed over to an account that is no more: its sender was told that we have it.

        True if some of it could not be taken.
        """
        there = {partner.mailbox for partner in self._partners()}
        folder = mailboxes_folder(self._configuration)
        are_left = False
        for one in sorted(folder.iterdir()) if folder.is_dir() else ():
            if one.name in there:
                continue
            for why in self._take_all(one.name):
                are_left = True
                sentence = f"What lies in {one} and was complete cannot be taken: {why}"
                self._ground.notices.tell(US, "sftp-folder", sentence, thing=one.name)
        if not are_left:
            self._ground.notices.settle(US, "sftp-folder", "All that was complete was taken.")
        self._wake()
        return are_left

    def _take_all(self, mailbox: str) -> list[str]:
        """Take what is complete of a mailbox without an account; why some of it could not be taken."""
        tree = open_tree(Account(name=mailbox, mailbox=mailbox), self._configuration)
        try:
            tree.prepare()
            settled = tree.settle(at_once=True)
        except (EdiServerError, OSError) as error:
            return [str(error)]
        return [f"{one.finding.found}: {one.finding.sentence}" for one in settled.left]

    def _end_strangers(self) -> None:
        endpoint = self._endpoint
        if endpoint is not None:
            self._ground.loop.run(endpoint.end_strangers(), 30)

    def _look_at_keys(self) -> float:
        """Alarms about keys that end, and those of others settled."""
        for alarm in key_alarms(self._partners(), datetime.now(UTC)):
            if alarm.is_over:
                self._ground.notices.settle(alarm.about, alarm.cause, "There is a key that lasts longer.")
            else:
                self._ground.notices.tell(alarm.about, alarm.cause, alarm.sentence)
        return _HOUR

    def _tidy(self) -> float:
        """What nobody needs any more. Keys are needed until all is taken of which a crash may have left two names."""
        if not self._is_recovered:
            return _MINUTE
        self._spool.forget(datetime.now(UTC) - _KEPT)
        for tree in self._trees.values():
            try:
                tree.tidy()
            except (EdiServerError, OSError) as error:
                log.warning("SFTP %s: cannot be tidied up: %s", tree.account.name, error)
        return _KEPT.total_seconds()

    def close(self) -> None:
        """See `Part`."""
        for one in self._rounds[1:]:
            one.stop()
            one.join()
        if self._endpoint is not None:
            self._ground.loop.run(self._endpoint.close(), 30)
            self._endpoint = None
        for one in self._rounds[:1]:
            one.stop()
            one.join()
        self._rounds, self._round = (), None

    def transport(self, mailbox: str) -> AccountsTransport:  # noqa: ARG002 — one for all accounts
        """See `Part`."""
        return self._transport()

    def _partners(self) -> list[Partner]:
        return [one for one in self._ground.corridor.book.partners.values() if one.sftp_account is not None]

    def _account(self, partner: Partner) -> Account:
        """The account as agreed; where its password is not to be found, without one, and said."""
        try:
            account = account_of(partner, self._configuration)
        except ConfigurationError as error:
            self._ground.notices.tell(partner.name, "sftp-password", f"Nobody can log in by password: {error}")
            assert partner.sftp_account is not None
            without = msgspec.structs.replace(partner.sftp_account, password_hash=None)
            return account_of(msgspec.structs.replace(partner, sftp_account=without), self._configuration)
        self._ground.notices.settle(partner.name, "sftp-password", "The password is one that can be used, or none.")
        return account

    def _open_tree(self, account: Account) -> Tree:
        return open_tree(
            account,
            self._configuration,
            taken=self._note_taken,
            collected=lambda name: self._note_collected(account.mailbox, name),
            lost=self._note_lost,
            moved=lambda old, new: Offers(sftp_folder(self._configuration)).move(account.mailbox, old, new),
        )

    def _note_lost(self, name: str) -> None:
        self._is_disk_doubtful = True
        sentence = f"{name} was uploaded, and there was no room for it: the disk is full or does not work."
        carefully(lambda: self._ground.notices.tell(US, "sftp-disk", sentence))

    def _note_taken(self, name: str) -> None:
        self._wake()
        if self._is_disk_doubtful:
            self._is_disk_doubtful = False
            note = f"{name} was uploaded, and there was room for it."
            carefully(lambda: self._ground.notices.settle(US, "sftp-disk", note))

    def _note_collected(self, mailbox: str, name: str) -> None:
        tree = next((one for one in self._trees.values() if one.account.mailbox == mailbox), None)
        if tree is not None:
            self._transport().note_collected(tree, name)
            self._wake()

    def _transport(self) -> AccountsTransport:
        folder = sftp_folder(self._configuration)
        return AccountsTransport(spool=self._spool, folder=folder, trees=lambda: list(self._trees.values()))

    def _wake(self) -> None:
        if self._round is not None:
            self._round.wake()

    def _listen(self, endpoint: Endpoint, listen: str, *, legacy: bool) -> int:
        host, port = address_of(listen)
        port = self._ground.loop.run(endpoint.listen(host, port, legacy=legacy), 30)
        log.info("SFTP listens on %s:%s%s", host, port, ", for old software too" if legacy else "")
        return port
