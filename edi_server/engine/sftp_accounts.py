"""A partner's account on our SFTP endpoint: from what was agreed to its folders below `paths.data`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edi_server.config import Configuration
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.transports.sftp.account import Account, AccountKey, Quota
from edi_server.transports.sftp.tree import Tree
from edi_server.transports.spool import Spool


def sftp_folder(configuration: Configuration) -> Path:
    """Where everything of the endpoint lies: accounts, spool, what is to be delivered."""
    return Path(configuration.settings.paths.data) / "sftp"


def sftp_spool(configuration: Configuration) -> Spool:
    """What was uploaded and waits to be collected."""
    return Spool(sftp_folder(configuration) / "spool")


def account_of(partner: Partner, configuration: Configuration) -> Account:
    """The account, its password's hash resolved. Raises ConfigurationError where the secret is not set."""
    agreed = partner.sftp_account
    if agreed is None:
        raise ConfigurationError(f"{partner.name} has no [sftp_account] in its partner file.")
    kept = configuration.secrets.resolve(agreed.password_hash.secret) if agreed.password_hash else ""
    return Account(
        name=agreed.user or partner.name,
        mailbox=partner.mailbox,
        keys=tuple(AccountKey(key=one.key, begins=one.begins, ends=one.ends) for one in agreed.keys),
        authorities=agreed.authorities,
        password=kept,
        quota=Quota(bytes=agreed.quota.bytes, files=agreed.quota.files, largest_file=agreed.quota.largest_file),
        sessions=agreed.sessions,
        networks=agreed.networks,
        legacy_algorithms=agreed.legacy_algorithms,
    )


def open_tree(
    account: Account,
    configuration: Configuration,
    *,
    taken: Callable[[str], None] = lambda _name: None,
    collected: Callable[[str], None] = lambda _name: None,
) -> Tree:
    """The account's files; `taken` and `collected` are told the names of files that came and went."""
    return Tree(
        account,
        sftp_folder(configuration) / "accounts" / account.name,
        sftp_spool(configuration),
        quiet_seconds=configuration.settings.transports.sftp.quiet_seconds,
        taken=taken,
        collected=collected,
    )
