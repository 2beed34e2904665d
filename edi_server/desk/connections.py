"""Trying a partner's connections, step by step; nothing is exchanged, and what is written for the trial goes again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edi_server.config import Configuration, address_of
from edi_server.desk.actors import NotPossible
from edi_server.errors import EdiServerError
from edi_server.partners import Partner
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step, probe, reach

if TYPE_CHECKING:
    from edi_server.engine.as2_alarms import Gap


class TriedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the test of one transport."""

    #: Such as "folder", "sftp_mailbox" or "as2".
    way: str
    step: str
    ok: bool
    told: str
    #: It works now, and will not for long.
    warns: bool


def try_connections(configuration: Configuration, name: str) -> list[TriedStep]:
    """Each step of each transport of a partner. Raises NotPossible if there is no such partner."""
    partner = partner_named(configuration, name)
    trials: dict[str, Callable[[Configuration, Partner, Loop], Iterator[Step]]] = {
        "folder": _folder,
        "sftp_account": _sftp_account,
        "sftp_mailbox": _sftp_mailbox,
        "as2": _as2,
        "drop": _drop,
        "webhook": _webhook,
    }
    found = []
    with Loop("connection test") as loop:
        for way, trial in trials.items():
            used = partner.uses_folder if way == "folder" else getattr(partner, way) is not None
            if used:
                found += [
                    TriedStep(way=way, step=one.name, ok=one.ok, told=one.told, warns=one.warns)
                    for one in _safely(trial, configuration, partner, loop)
                ]
    return found


def partner_named(configuration: Configuration, name: str) -> Partner:
    """The partner. Raises NotPossible if there is none of that name."""
    partners = configuration.load_book().partners
    if name not in partners:
        known = ", ".join(sorted(partners)) or "none"
        raise NotPossible(f"There is no partner “{name}”; there are: {known}.")
    return partners[name]


def _safely(
    trial: Callable[[Configuration, Partner, Loop], Iterator[Step]],
    configuration: Configuration,
    partner: Partner,
    loop: Loop,
) -> Iterator[Step]:
    try:
        yield from trial(configuration, partner, loop)
    except EdiServerError as error:
        yield Step("configuration", False, str(error))


def _folder(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:  # noqa: ARG001 — of one kind
    for name, folder in (
        ("inbox", configuration.settings.paths.inbox),
        ("outbox", configuration.settings.paths.outbox),
    ):
        path = Path(folder, partner.mailbox)
        if not path.is_dir():
            yield Step(name, False, f"{path} is not there; edi-server serve makes it")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield Step(name, False, f"{path} cannot be read and written by us")
        else:
            yield Step(name, True, str(path))


def _sftp_account(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:
    from edi_server.engine.sftp_accounts import account_of

    account, settings = account_of(partner, configuration), configuration.settings.transports.sftp
    now = datetime.now(UTC)
    valid = sum(one.is_valid(now) for one in account.keys)
    ways = [f"{valid} of {len(account.keys)} keys are valid now"] if account.keys else []
    ways += [f"{len(account.authorities)} authorities"] if account.authorities else []
    ways += ["a password"] if account.password else []
    yield Step("account", bool(valid or account.authorities or account.password), f"{account.name}: {', '.join(ways)}")
    listen = settings.listen or (settings.legacy_listen if account.legacy_algorithms else "")
    yield from _listens(listen, "transports.sftp.listen", loop)


def _listens(listen: str, key: str, loop: Loop) -> Iterator[Step]:
    """Whether a listener of ours is there."""
    if not listen:
        yield Step("listener", False, f"{key} is empty: nobody can connect")
        return
    host, port = address_of(listen)
    if port == 0:
        yield Step("listener", True, "on any free port, which the daemon's log tells")
        return
    # Whoever listens everywhere is reached here.
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 — nothing is bound
    last = loop.run(reach(here, port, seconds=10), 40)[-1]
    yield Step("listener", last.ok, f"{listen}: {last.told}")


def _sftp_mailbox(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:
    from edi_server.engine.network.mailboxes import remote_of
    from edi_server.transports.sftp.trying import try_mailbox

    yield from loop.run(try_mailbox(remote_of(partner, configuration)), 600)


def _as2(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:
    from edi_server.desk.certificates import told_of
    from edi_server.engine import as2_alarms
    from edi_server.engine.as2_agreed import in_order, line_of, read_own

    now = datetime.now(UTC)
    own = in_order(read_own(configuration), now)
    if own:
        yield Step("our certificate", own[0].signs(now), told_of(own[0].key.certificate, now))
        yield from _soon("our certificates", as2_alarms.own_gap(own, now), now)
    else:
        yield Step("our certificate", False, "transports.as2.keys is empty")
    line = line_of(partner, tuple(one.key for one in own), configuration)
    keys = line.relation.keys
    for one in keys.partner:
        yield Step("their certificate", now <= one.certificate.not_valid_after_utc, told_of(one.certificate, now))
    yield from _soon("their certificates", as2_alarms.partner_gap(keys, line.relation.terms, now), now)
    assert partner.as2 is not None
    if keys.partner and not keys.verifying(now):
        yield Step("verifying", False, "none of their certificates is valid now")
    if partner.as2.url and partner.as2.encrypt != "no" and keys.encrypting(now) is None:
        yield Step("encrypting", False, "none of their certificates is valid and switched to")
    if configuration.settings.transports.as2.listen:
        yield from _listens(configuration.settings.transports.as2.listen, "transports.as2.listen", loop)
    if partner.as2.url:
        yield from loop.run(probe(partner.as2.url, tls=line.tls), 120)


def _soon(name: str, gap: Gap | None, now: datetime) -> Iterator[Step]:
    """What will be missing before long."""
    from edi_server.engine.as2_alarms import alarm_of

    alarm = alarm_of(gap, now) if gap else None
    if alarm is not None:
        yield Step(name, True, alarm.sentence, warns=True)


def _drop(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:
    assert partner.drop is not None
    now = datetime.now(UTC)
    valid = sum(one.ends is None or now < one.ends for one in partner.drop.tokens)
    yield Step("tokens", bool(valid), f"{valid} of {len(partner.drop.tokens)} are valid now")
    yield from _listens(configuration.settings.transports.drop.listen, "transports.drop.listen", loop)


def _webhook(configuration: Configuration, partner: Partner, loop: Loop) -> Iterator[Step]:
    from edi_server.engine.network.drop import webhook_of

    hook = webhook_of(partner, configuration)
    assert hook is not None
    yield from loop.run(probe(hook.url, tls=hook.tls), 120)
