"""Everything about one partner as such: how it exchanges, what waits, what happened."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edi_server.config import Configuration
from edi_server.desk.connections import partner_named
from edi_server.desk.showing import occurrence
from edi_server.desk.views import CaseRow, Occurrence, TransmissionRow, case_row, transmission_row
from edi_server.partners import Partner
from edi_server.partners.exchange import FOLDER
from edi_server.store import Store, Subject


class WayShown(msgspec.Struct, frozen=True, kw_only=True):
    """A transport that the partner has."""

    #: Table of the partner file, or "folder".
    way: str
    #: What we send goes by this one.
    delivers: bool
    #: Where and as whom, in words.
    told: str


class PartnerShown(msgspec.Struct, frozen=True, kw_only=True):
    """A partner; transmissions and events are the newest."""

    name: str
    display_name: str
    mailbox: str
    identities: tuple[str, ...]
    ways: tuple[WayShown, ...]
    #: Those that wait for somebody.
    cases: tuple[CaseRow, ...]
    transmissions: tuple[TransmissionRow, ...]
    #: What happened to the partner as such: refused messages, certificates, logins that fail, …
    timeline: tuple[Occurrence, ...]


def show_partner(configuration: Configuration, store: Store, name: str, *, limit: int) -> PartnerShown:
    """What is known of a partner. Raises NotPossible if there is none of that name."""
    partner = partner_named(configuration, name)
    with store.read() as work:
        return PartnerShown(
            name=partner.name,
            display_name=partner.display_name,
            mailbox=partner.mailbox,
            identities=tuple(map(str, partner.identities)),
            ways=tuple(_ways(partner)),
            cases=tuple(case_row(work, one) for one in work.cases.newest(partner=name, limit=limit)),
            transmissions=tuple(
                transmission_row(work, one) for one in work.transmissions.newest(partner=name, limit=limit)
            ),
            timeline=tuple(occurrence(one) for one in work.timeline.of(Subject("partner", name))[-limit:]),
        )


def _ways(partner: Partner) -> Iterator[WayShown]:
    if partner.uses_folder:
        told = f"inbox/{partner.mailbox} and outbox/{partner.mailbox}"
        yield WayShown(way=FOLDER, delivers=partner.delivers_by == FOLDER, told=told)
    for way, table in partner.tables.items():
        yield WayShown(way=way, delivers=way == partner.delivers_by, told=table.where(partner.name))
