"""Trying a partner's connections, step by step; nothing is exchanged, and what is written for the trial goes again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.errors import EdiServerError
from edi_server.partners import Partner
from edi_server.partners.exchange import FOLDER
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step

if TYPE_CHECKING:
    from edi_server.engine.network.trying import Trial


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
    # Loaded here: most of those who ask for a partner by name need none of the transports.
    from edi_server.engine.network.side import PARTS

    partner = partner_named(configuration, name)
    trials = {FOLDER: _folder, **{way: trial for part in PARTS for way, trial in part.trials.items()}}
    found = []
    with Loop("connection test") as loop:
        for way, trial in trials.items():
            used = partner.uses_folder if way == FOLDER else getattr(partner, way) is not None
            if used:
                found += [
                    TriedStep(way=way, step=one.name, ok=one.ok, told=one.told, warns=one.warns)
                    for one in _safely(trial, partner, configuration, loop)
                ]
    return found


def partner_named(configuration: Configuration, name: str) -> Partner:
    """The partner. Raises NotPossible if there is none of that name."""
    partners = configuration.load_book().partners
    if name not in partners:
        known = ", ".join(sorted(partners)) or "none"
        raise NotPossible(f"There is no partner “{name}”; there are: {known}.")
    return partners[name]


def _safely(trial: Trial, partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    try:
        yield from trial(partner, configuration, loop)
    except EdiServerError as error:
        yield Step("configuration", False, str(error))


def _folder(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:  # noqa: ARG001 — of one kind
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
