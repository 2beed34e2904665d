"""A partner's account on our SFTP endpoint: from what was agreed to its folders below `paths.data`.

sftp/mailboxes/<mailbox>/     an account's folder: a new user name changes nothing of it
sftp/spool/, staged/, …       see `transports.sftp_account.accounts`
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from edi_server.config import Configuration
from edi_server.engine.as2_alarms import ALARM_DAYS
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.partners.exchange import SftpKey
from edi_server.transports.renaming import move_without_replacing, sync_folder
from edi_server.transports.sftp_account.account import Account, AccountKey, Quota, Rates, is_password_hash
from edi_server.transports.sftp_account.tree import Tree
from edi_server.transports.spool import Spool


class KeyAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose last key ends soon, or whose earlier alarm is over."""

    #: The partner's name.
    about: str
    cause: str
    sentence: str = ""
    is_over: bool = False


def sftp_folder(configuration: Configuration) -> Path:
    """Where everything of the endpoint lies: accounts, spool, what is to be delivered."""
    return Path(configuration.settings.paths.data) / "sftp"


def mailboxes_folder(configuration: Configuration) -> Path:
    """Where the folders of the accounts lie, each named by its mailbox."""
    return sftp_folder(configuration) / "mailboxes"


def sftp_spool(configuration: Configuration) -> Spool:
    """What was uploaded and waits to be collected."""
    return Spool(sftp_folder(configuration) / "spool")


def account_of(partner: Partner, configuration: Configuration) -> Account:
    """The account, its password's hash resolved. Raises ConfigurationError where the secret is not set, or no hash."""
    agreed = partner.sftp_account
    if agreed is None:
        raise ConfigurationError(f"{partner.name} has no [sftp_account] in its partner file.")
    kept = ""
    if agreed.password_hash is not None:
        kept = configuration.secrets.resolve(agreed.password_hash.secret).strip()
        if not is_password_hash(kept):
            raise ConfigurationError(
                f"the secret {agreed.password_hash.secret} is not what edi-server sftp hash-password prints"
            )
    return Account(
        name=agreed.user or partner.name,
        mailbox=partner.mailbox,
        keys=_keys(agreed.keys),
        authorities=_keys(agreed.authorities),
        password=kept,
        quota=Quota(**msgspec.structs.asdict(agreed.quota)),
        rates=Rates(**msgspec.structs.asdict(agreed.rates)),
        sessions=agreed.sessions,
        networks=agreed.networks,
        legacy_algorithms=agreed.legacy_algorithms,
    )


def _keys(agreed: Iterable[SftpKey]) -> tuple[AccountKey, ...]:
    return tuple(AccountKey(key=one.key, begins=one.begins, ends=one.ends) for one in agreed)


def open_tree(
    account: Account,
    configuration: Configuration,
    *,
    taken: Callable[[str], None] = lambda _name: None,
    collected: Callable[[str], None] = lambda _name: None,
    moved: Callable[[str, str], None] = lambda _old, _new: None,
    lost: Callable[[str], None] = lambda _name: None,
) -> Tree:
    """The account's files; see `Tree` for what is told."""
    return Tree(
        account,
        mailboxes_folder(configuration) / account.mailbox,
        sftp_spool(configuration),
        quiet_seconds=configuration.settings.transports.sftp.quiet_seconds,
        taken=taken,
        collected=collected,
        moved=moved,
        lost=lost,
    )


def adopt_folder(account: Account, configuration: Configuration) -> None:
    """Folders were named by user once: what lies in such a one becomes the mailbox's, beside what that has by now."""
    old = sftp_folder(configuration) / "accounts" / account.name
    new = mailboxes_folder(configuration) / account.mailbox
    if not old.is_dir():
        return
    for folder, _, files in os.walk(old, topdown=False):
        target = new / Path(folder).relative_to(old)
        target.mkdir(parents=True, exist_ok=True)
        for name in files:
            with contextlib.suppress(FileExistsError):
                move_without_replacing(Path(folder) / name, target / name)
        sync_folder(target)
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def key_alarms(partners: Iterable[Partner], now: datetime) -> list[KeyAlarm]:
    """The alarms about accounts that nobody can log in to soon, and those that are over. Overlap is no alarm."""
    found = []
    for partner in partners:
        agreed = partner.sftp_account
        if agreed is None:
            continue
        ends = [one.ends for one in (*agreed.keys, *agreed.authorities)]
        lasts = agreed.password_hash is not None or not ends or None in ends
        last = None if lasts else max(one for one in ends if one is not None)
        left = (last - now).total_seconds() / 86400 if last is not None else float("inf")
        due = min((days for days in ALARM_DAYS if left <= days), default=None)
        for days in ALARM_DAYS:
            cause = f"sftp-key-{days}-days"
            if days == due:
                when = "has ended" if left <= 0 else f"ends in {int(left)} days"
                sentence = f"The last key of their SFTP account {when}, on {last:%Y-%m-%d}; agree on a new one in time."
                found.append(KeyAlarm(about=partner.name, cause=cause, sentence=sentence))
            elif due is None or days < due:
                found.append(KeyAlarm(about=partner.name, cause=cause, is_over=True))
    return found
