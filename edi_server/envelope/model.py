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
    """Qualifier and id of a party on an envelope (UNB S002/S003: 0004, 0007, 0008; ISA05-08; GS02 and GS03)."""

    id: str
    qualifier: str = ""
    #: Address for reverse routing or routing address (0008, 0014).
    routing: str = ""

    def __str__(self) -> str:
        return f"{self.qualifier}:{self.id}" if self.qualifier else self.id


class InterchangeHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNB or ISA as read. Text as written, but for the blanks that fill ISA up; nothing is guessed."""

    #: "edifact" or "x12".
    syntax: str
    #: UNB S001: "UNOC" and "3". X12: "" and ISA12, such as "00401".
    charset: str
    syntax_version: str
    sender: Identity
    recipient: Identity
    #: Date and time of preparation as written (0017, 0019).
    date: str = ""
    time: str = ""
    #: 0020; ISA13.
    control_reference: str = ""
    #: 0026.
    application_reference: str = ""
    #: UNB 0031 = 1; ISA14 = 1.
    acknowledgment_requested: bool = False
    #: UNB 0035 = 1; ISA15 = T.
    test: bool = False
    #: 0032 interchange agreement identifier.
    agreement: str = ""
    separators: Separators = Separators()
    #: The UNB or ISA segment in normal form.
    segment: str = ""


class GroupHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNG or GS as read."""

    #: 0038, such as "ORDERS"; GS01, the functional identifier code, such as "PO".
    message_type: str = ""
    sender: Identity | None = None
    recipient: Identity | None = None
    #: 0048; GS06.
    control_reference: str = ""
    #: Date and time of preparation as written (0017, 0019; GS04, GS05).
    date: str = ""
    time: str = ""
    #: 0051; GS07, such as "X".
    agency: str = ""
    #: S008 0052.0054, such as "D.96A"; GS08 whole, such as "004010" or "004010VICS".
    version: str = ""
    segment: str = ""


class MessageHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNH (S009) or ST as read."""

    #: 0062; ST02.
    reference: str = ""
    #: 0065, such as "ORDERS"; ST01, such as "850".
    type: str = ""
    #: 0052 and 0054, such as "D" and "96A". X12: the first six characters of GS08, such as "004010", and "".
    version: str = ""
    release: str = ""
    #: 0051, such as "UN"; GS07, such as "X".
    agency: str = ""
    #: 0057, such as "EAN008"; what follows the version in GS08, or ST03, such as "VICS".
    association: str = ""
    segment: str = ""

    @property
    def directory(self) -> str:
        """Directory version as guides name it, such as "D.96A" or "004010"."""
        return f"{self.version}.{self.release}" if self.release else self.version


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
    """One whole message. Offsets are bytes from the start of the transmission.

    A TA1 of X12 comes as a message of type "TA1" with this one segment, in the interchange that carries it.
    """

    #: Counts messages in the interchange, the first being 1.
    number: int
    header: MessageHeader
    #: UNH to UNT, or ST to SE, in normal form.
    segments: list[str]
    #: Byte offset of the first character of each segment, and, one longer, of the byte behind the last terminator.
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
