"""Looking into a file: what is in it and what is wrong with it, without any configuration, storing nothing.

A stream of records in the order of the file; memory is bounded by the largest message, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from edi_server.desk.excerpts import Pointed, Pointing, ReadRange
from edi_server.desk.segments_shown import SegmentShown, about_no_segment, show_segments
from edi_server.engine.checking import check_message
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
from edi_server.envelope.opening import not_edi as not_edi_finding
from edi_server.envelope.opening import open_interchanges
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
    #: Segments that findings are about, with their neighbours; all of them, as a tree, where that was asked for.
    shown: tuple[SegmentShown, ...] = ()
    #: Those of the findings that are about the message as a whole.
    general: tuple[Pointed, ...] = ()

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


def inspect(source: BinaryIO, read_range: ReadRange, *, tree: bool = False) -> Iterator[Seen]:
    """What is in a file. `source` stands at its beginning and can be read again from there through `read_range`.

    `tree` shows every segment of every message. Never raises for anything that the bytes may be; errors of `source`
    itself go through.
    """
    kind = sniff(read_range(0, ENOUGH))
    pointing, charset = Pointing(read_range), ""
    for event in open_interchanges(source):
        if isinstance(event, Debris) and any(finding.code == "syntax.not-edi" for finding in event.findings):
            yield not_edi(kind)
        elif isinstance(event, MessageRead):
            yield _see_message(event, pointing, charset, tree=tree)
        else:
            if isinstance(event, InterchangeOpened):
                charset = event.header.charset
                pointing = Pointing(read_range, event.header.separators, charset)
            seen = _see(event, pointing)
            if seen:
                yield seen


def not_edi(kind: Kind) -> NotEdi:
    """What is said about bytes that we do not read."""
    return NotEdi(kind=kind, finding=not_edi_finding(kind))


def _see(event: Event, pointing: Pointing) -> Seen | None:
    match event:
        case InterchangeOpened():
            found = point_all(pointing, event.findings)
            return InterchangeSeen(number=event.number, header=event.header, offset=event.offset, findings=found)
        case GroupOpened() | GroupClosed():
            found = point_all(pointing, event.findings)
            return GroupSeen(header=event.header, ended=isinstance(event, GroupClosed), findings=found)
        case InterchangeClosed():
            found = point_all(pointing, event.findings)
            return InterchangeEnded(number=event.number, messages=event.messages, end=event.end, findings=found)
        case Debris():
            return Outside(offset=event.offset, end=event.end, findings=point_all(pointing, event.findings))
        case PackageRead() | MessageRead():
            # What is to be said about a package comes at the end of the interchange.
            return None


def _see_message(message: MessageRead, pointing: Pointing, charset: str, *, tree: bool) -> MessageSeen:
    checked = check_message(message)
    findings = refine(checked.findings, message)
    return MessageSeen(
        number=message.number,
        header=message.header,
        guide=f"{checked.guide.message} {checked.guide.version}" if checked.guide else "",
        offset=message.offsets[0],
        end=message.offsets[-1],
        segments=len(message.segments),
        findings=point_all(pointing, findings),
        shown=show_segments(checked, findings, charset, every=tree) if findings or tree else (),
        general=point_all(pointing, about_no_segment(message, findings)),
    )


def point_all(pointing: Pointing, findings: Iterable[Finding]) -> tuple[Pointed, ...]:
    """Each finding with its excerpt."""
    return tuple(pointing.point(finding) for finding in findings)
