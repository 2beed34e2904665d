"""What an envelope says, as records, and the events in which a transmission is opened.

A transmission is read as one flat stream of events, whatever the syntax:

    InterchangeOpened (GroupOpened? MessageRead* GroupClosed?)* InterchangeClosed   … again for the next interchange

Findings travel on the event that they are about; bytes that belong to no interchange come as `Debris`.
"""

from __future__ import annotations

import msgspec

from edi_server.findings import Finding
from edi_server.syntax.separators import Separators


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Qualifier and id of a party on an envelope (UNB S002/S003: 0004, 0007, 0008; ISA05–08)."""

    id: str
    qualifier: str = ""
    #: Address for reverse routing or routing address (0008, 0014).
    routing: str = ""

    def __str__(self) -> str:
        return f"{self.qualifier}:{self.id}" if self.qualifier else self.id


class InterchangeHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNB (ISA) as read. Text as written; nothing is guessed."""

    #: "edifact".
    syntax: str
    #: UNB S001: "UNOC" and "3".
    charset: str
    syntax_version: str
    sender: Identity
    recipient: Identity
    #: Date and time of preparation as written (0017, 0019).
    date: str = ""
    time: str = ""
    #: 0020.
    control_reference: str = ""
    #: 0026.
    application_reference: str = ""
    #: UNB 0031 = 1.
    acknowledgment_requested: bool = False
    #: UNB 0035 = 1.
    test: bool = False
    #: 0032 interchange agreement identifier.
    agreement: str = ""
    separators: Separators = Separators()
    #: The UNB segment in normal form.
    segment: str = ""


class GroupHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNG as read."""

    #: 0038.
    message_type: str = ""
    sender: Identity | None = None
    recipient: Identity | None = None
    #: 0048.
    control_reference: str = ""
    segment: str = ""


class MessageHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNH as read (S009)."""

    #: 0062.
    reference: str = ""
    #: 0065, such as "ORDERS".
    type: str = ""
    #: 0052 and 0054, such as "D" and "96A".
    version: str = ""
    release: str = ""
    #: 0051, such as "UN".
    agency: str = ""
    #: 0057, such as "EAN008".
    association: str = ""
    segment: str = ""

    @property
    def directory(self) -> str:
        """Directory version as guides name it, such as "D.96A"."""
        return f"{self.version}.{self.release}"


class InterchangeOpened(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange began. `number` counts interchanges in the transmission, the first being 1."""

    number: int
    header: InterchangeHeader
    offset: int
    findings: tuple[Finding, ...] = ()


class GroupOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A functional group began."""

    header: GroupHeader
    offset: int
    findings: tuple[Finding, ...] = ()


class MessageRead(msgspec.Struct, frozen=True, kw_only=True):
    """One whole message. Offsets are bytes from the start of the transmission."""

    #: Counts messages in the interchange, the first being 1.
    number: int
    header: MessageHeader
    #: UNH to UNT in normal form.
    segments: list[str]
    #: Byte offset of each segment's first character, and of the byte behind UNT's terminator at the end: one longer.
    offsets: list[int]
    #: True if some segment contains stand-ins.
    released: bool = False
    #: Envelope findings: UNT count, UNT reference, missing UNT, characters outside the declared set.
    findings: tuple[Finding, ...] = ()


class GroupClosed(msgspec.Struct, frozen=True, kw_only=True):
    """A functional group ended (`header` repeated for the reader's convenience)."""

    header: GroupHeader
    findings: tuple[Finding, ...] = ()


class InterchangeClosed(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange ended, by UNZ or because the bytes did."""

    number: int
    header: InterchangeHeader
    messages: int
    #: Byte behind the interchange's last terminator.
    end: int
    findings: tuple[Finding, ...] = ()


class Debris(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes outside any interchange that are neither blank nor harmless; always with findings."""

    offset: int
    end: int
    findings: tuple[Finding, ...]


Event = InterchangeOpened | GroupOpened | MessageRead | GroupClosed | InterchangeClosed | Debris
