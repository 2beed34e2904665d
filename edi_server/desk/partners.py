"""Everything about one partner as such: how it exchanges, what waits, what happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from edi_server.config import Configuration
from edi_server.desk.connections import partner_named
from edi_server.desk.showing import occurrence
from edi_server.desk.views import (
    CaseRow,
    DeadLetterRow,
    Occurrence,
    ScheduleRow,
    TransmissionRow,
    case_row,
    dead_letter_row,
    transmission_row,
)
from edi_server.errors import StoreError
from edi_server.partners import Partner
from edi_server.partners.exchange import FOLDER
from edi_server.store import Subject, Transmission, Work

if TYPE_CHECKING:
    from edi_server.desk.actions import Desk


class WayShown(msgspec.Struct, frozen=True, kw_only=True):
    """A transport that the partner has."""

    #: Table of the partner file, or "folder".
    way: str
    #: What we send goes by this one.
    delivers: bool
    #: Where and as whom, in words.
    told: str


class DeliveryShown(msgspec.Struct, frozen=True, kw_only=True):
    """How what we send is handed over: as was agreed, else as is configured."""

    attempts: int
    first_seconds: float
    factor: float
    longest_seconds: float
    #: None for no limit.
    per_minute: float | None
    #: Transmissions that have not left yet.
    waiting: int


class OverdueRow(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange of ours that they have not acknowledged in time."""

    transmission_id: str
    name: str
    control_reference: str
    due_at: datetime | None


class PartnerShown(msgspec.Struct, frozen=True, kw_only=True):
    """A partner; transmissions and events are the newest."""

    name: str
    display_name: str
    mailbox: str
    identities: tuple[str, ...]
    ways: tuple[WayShown, ...]
    delivery: DeliveryShown
    #: Those that wait for somebody.
    cases: tuple[CaseRow, ...]
    dead_letters: tuple[DeadLetterRow, ...]
    overdue: tuple[OverdueRow, ...]
    #: When we look for what is to be sent.
    schedules: tuple[ScheduleRow, ...]
    transmissions: tuple[TransmissionRow, ...]
    #: What happened to the partner as such (refused messages, certificates, logins that fail, …), and to those
    #: transmissions.
    timeline: tuple[Occurrence, ...]


def show_partner(desk: Desk, name: str, *, limit: int) -> PartnerShown:
    """What is known of a partner. Raises NotPossible if there is none of that name."""
    partner = partner_named(desk.configuration, name)
    schedules = tuple(one for one in _schedules(desk) if one.partner == name)
    with desk.store.read() as work:
        crossed = work.transmissions.newest(partner=name, limit=limit)
        return PartnerShown(
            name=partner.name,
            display_name=partner.display_name,
            mailbox=partner.mailbox,
            identities=tuple(map(str, partner.identities)),
            ways=tuple(_ways(partner)),
            delivery=_delivery(partner, desk.configuration, work.transmissions.count_waiting(partner.mailbox)),
            cases=tuple(case_row(work, one) for one in work.cases.newest(partner=name, limit=limit)),
            dead_letters=tuple(
                dead_letter_row(work, one) for one in work.dead_letters.newest(partner=name, limit=limit)
            ),
            overdue=tuple(_overdue(work, name, limit)),
            schedules=schedules,
            transmissions=tuple(transmission_row(work, one) for one in crossed),
            timeline=tuple(_timeline(work, name, crossed, limit)),
        )


def _schedules(desk: Desk) -> list[ScheduleRow]:
    """None where no daemon has run yet: then nothing is due."""
    try:
        return desk.schedules()
    except StoreError:
        return []


def _delivery(partner: Partner, configuration: Configuration, waiting: int) -> DeliveryShown:
    from edi_server.engine.delivering import retries_of

    retries = retries_of(partner, configuration)
    return DeliveryShown(
        attempts=retries.limit,
        first_seconds=retries.first,
        factor=retries.factor,
        longest_seconds=retries.longest,
        per_minute=partner.delivery.per_minute,
        waiting=waiting,
    )


def _overdue(work: Work, name: str, limit: int) -> Iterator[OverdueRow]:
    late = work.interchanges.newest(direction="outbound", partner=name, acknowledgment="overdue", limit=limit)
    for one in late:
        yield OverdueRow(
            transmission_id=one.transmission_id,
            name=work.transmissions.get(one.transmission_id).name,
            control_reference=one.control_reference,
            due_at=one.due_at,
        )


def _timeline(work: Work, name: str, crossed: list[Transmission], limit: int) -> Iterator[Occurrence]:
    """The newest events, oldest first."""
    names = {one.id: one.name for one in crossed}
    happened = work.timeline.of(Subject("partner", name), *(one.subject for one in crossed))
    for event in happened[-limit:]:
        yield msgspec.structs.replace(occurrence(event), about=names.get(event.subject_id, ""))


def _ways(partner: Partner) -> Iterator[WayShown]:
    if partner.uses_folder:
        told = f"inbox/{partner.mailbox} and outbox/{partner.mailbox}"
        yield WayShown(way=FOLDER, delivers=partner.delivers_by == FOLDER, told=told)
    for way, table in partner.tables.items():
        yield WayShown(way=way, delivers=way == partner.delivers_by, told=table.where(partner.name))
