"""Looking into a file: what is in it and what is wrong with it, without any configuration, storing nothing.

A stream of records in the order of the file; memory is bounded by the largest message, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from edi_server.desk.excerpts import Pointed, Pointing, ReadRange
from edi_server.engine.checking import check_message
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import (
    Debris,
    Event,
    GroupClosed,
    GroupHeader,
    GroupOpened,
    InterchangeClosed,
    InterchangeHeader,
    InterchangeOpened,
    MessageHeader,
    MessageRead,
    PackageRead,
)
from edi_server.envelope.offsets import refine
from edi_server.findings import Finding
from edi_server.syntax.sniff import ENOUGH, Kind, sniff


class InterchangeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange begins."""

    #: Counts interchanges in the file, the first being 1.
    number: int
    header: InterchangeHeader
    offset: int
    findings: tuple[Pointed, ...]


class GroupSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A functional group begins or ends."""

    header: GroupHeader
    ended: bool
    findings: tuple[Pointed, ...]


class MessageSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A message, checked against the guide of its directory version."""

    #: Counts messages in the interchange, the first being 1.
    number: int
    header: MessageHeader
    #: Guide it was checked against, such as "ORDERS D.96A"; empty if we have none.
    guide: str
    offset: int
    end: int
    segments: int
    findings: tuple[Pointed, ...]

    @property
    def is_rejected(self) -> bool:
        """True if a finding is an error."""
        return any(pointed.finding.severity == "error" for pointed in self.findings)


class InterchangeEnded(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange ended."""

    number: int
    messages: int
    end: int
    findings: tuple[Pointed, ...]


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that belong to no interchange."""

    offset: int
    end: int
    findings: tuple[Pointed, ...]


class NotEdi(msgspec.Struct, frozen=True, kw_only=True):
    """The file is nothing that we read."""

    kind: Kind
    finding: Finding


Seen = InterchangeSeen | GroupSeen | MessageSeen | InterchangeEnded | Outside | NotEdi


def inspect(source: BinaryIO, read_range: ReadRange) -> Iterator[Seen]:
    """What is in a file. `source` stands at its beginning and can be read again from there through `read_range`.

    Never raises for anything that the bytes may be; errors of `source` itself go through.
    """
    kind = sniff(read_range(0, ENOUGH))
    if kind.syntax != "edifact":
        yield not_edi(kind)
        return
    pointing = Pointing(read_range)
    for event in open_edifact(source):
        if isinstance(event, InterchangeOpened):
            pointing = Pointing(read_range, event.header.separators, event.header.charset)
        seen = _see(event, pointing)
        if seen:
            yield seen


def not_edi(kind: Kind) -> NotEdi:
    """What is said about bytes that are no EDIFACT."""
    finding = Finding(
        code="syntax.not-edi",
        severity="error",
        sentence=f"{kind.sentence} Only EDIFACT can be read.",
        found=kind.found[:80] or None,
        expected="UNA or UNB",
    )
    return NotEdi(kind=kind, finding=finding)


def _see(event: Event, pointing: Pointing) -> Seen | None:
    match event:
        case InterchangeOpened():
            found = point_all(pointing, event.findings)
            return InterchangeSeen(number=event.number, header=event.header, offset=event.offset, findings=found)
        case MessageRead():
            return _see_message(event, pointing)
        case GroupOpened() | GroupClosed():
            found = point_all(pointing, event.findings)
            return GroupSeen(header=event.header, ended=isinstance(event, GroupClosed), findings=found)
        case InterchangeClosed():
            found = point_all(pointing, event.findings)
            return InterchangeEnded(number=event.number, messages=event.messages, end=event.end, findings=found)
        case Debris():
            return Outside(offset=event.offset, end=event.end, findings=point_all(pointing, event.findings))
        case PackageRead():
            # What is to be said about it comes at the end of the interchange.
            return None


def _see_message(message: MessageRead, pointing: Pointing) -> MessageSeen:
    checked = check_message(message)
    return MessageSeen(
        number=message.number,
        header=message.header,
        guide=f"{checked.guide.message} {checked.guide.version}" if checked.guide else "",
        offset=message.offsets[0],
        end=message.offsets[-1],
        segments=len(message.segments),
        findings=point_all(pointing, refine(checked.findings, message)),
    )


def point_all(pointing: Pointing, findings: Iterable[Finding]) -> tuple[Pointed, ...]:
    """Each finding with its excerpt."""
    return tuple(pointing.point(finding) for finding in findings)
