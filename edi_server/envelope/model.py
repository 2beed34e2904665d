"""What an envelope says, as records, and the events in which a transmission is opened.

A transmission is read as one flat stream of events, whatever the syntax:

    InterchangeOpened (GroupOpened? (MessageRead | PackageRead)* GroupClosed?)* InterchangeClosed   … and the next

Findings travel on the event that they are about; bytes that belong to no interchange come as `Debris`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

import msgspec

from edi_server.findings import Finding
from edi_server.syntax.separators import Separators

_FIRST = itemgetter(0)


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Qualifier and id of a party on an envelope (UNB S002/S003: 0004, 0007, 0008; ISA05-08; GS02 and GS03)."""

    id: str
    qualifier: str = ""
    #: Address for reverse routing or routing address (0008, 0014).
    routing: str = ""
    #: Internal sub-identification (0042, 0046; syntax version 4).
    internal: str = ""

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
    #: UNB 0031 as written, where that is neither 1 nor nothing, such as "2" (confirmation of receipt only).
    acknowledgment_code: str = ""
    #: True for whatever may be a test: UNB 0035 is there and not 0; ISA15 = T.
    test: bool = False
    #: UNB 0035 as written, where that is neither 1 nor nothing, such as "2" (syntax only test).
    test_code: str = ""
    #: 0032 interchange agreement identifier.
    agreement: str = ""
    #: Recipient's reference or password, which of both it is ("AA", "BB"), and the priority (0022, 0025, 0029).
    password: str = ""
    password_qualifier: str = ""
    priority: str = ""
    #: From syntax version 4 on: version of the service code list, character encoding such as "7" (UTF-8), and syntax
    #: release (0080, 0133, 0076).
    service_directory: str = ""
    encoding: str = ""
    syntax_release: str = ""
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
    #: 0057 and the application's password (0058).
    association: str = ""
    password: str = ""
    segment: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subset, guideline or scenario that a message of syntax version 4 says it keeps to (S016, S017, S018)."""

    #: 0115, 0121, 0127.
    id: str
    #: 0116, 0122, 0128; and 0118, 0124, 0130.
    version: str = ""
    release: str = ""
    #: 0051.
    agency: str = ""


class MessageHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UNH (S009) or ST as read."""

    #: 0062; ST02.
    reference: str = ""
    #: 0065, such as "ORDERS"; ST01, such as "850".
    type: str = ""
    #: 0052 and 0054, such as "D" and "96A", however they were spelled (`segment` has that). X12: the first six
    #: characters of GS08, such as "004010", and "".
    version: str = ""
    release: str = ""
    #: 0051, such as "UN"; GS07, such as "X".
    agency: str = ""
    #: 0057, such as "EAN008"; what follows the version in GS08, or ST03, such as "VICS".
    association: str = ""
    #: 0110 and 0113.
    code_list_version: str = ""
    sub_function: str = ""
    #: 0068.
    access_reference: str = ""
    #: Number in a sequence of messages about one topic, and "C" in the first, "F" in the last of them (0070, 0073).
    transfer: str = ""
    transfer_position: str = ""
    subset: Usage | None = None
    guideline: Usage | None = None
    scenario: Usage | None = None
    segment: str = ""

    @property
    def directory(self) -> str:
        """Directory version as guides name it, such as "D.96A" or "004010"."""
        return f"{self.version}.{self.release}" if self.release else self.version


class RawMessage:
    """The bytes of the segments of a message as they came, for whoever has to point into them; level X as EUC.

    Any two are equal: how a stream was cut into blocks is no part of what a message says.
    """

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Pieces with the offset of their first byte, ascending; no segment goes from one into the next."""
        self._pieces = pieces

    def between(self, start: int, end: int) -> bytes:
        """The bytes from offset `start` to before `end`, fewer where the piece in which `start` lies ends earlier."""
        index = bisect_right(self._pieces, start, key=_FIRST) - 1
        if index < 0:
            return b""
        first, piece = self._pieces[index]
        return piece[start - first : end - first]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawMessage)

    def __hash__(self) -> int:
        return hash(RawMessage)


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
    #: UNH to UNT, or ST to SE, in normal form. A version that UNH spells unusually is here as it is meant.
    segments: list[str]
    #: Byte offset of the first character of each segment, and, one longer, of the byte behind the last terminator.
    offsets: Sequence[int]
    #: True if some segment contains stand-ins.
    released: bool = False
    #: The bytes as they came, and how they are split, for `edi_server.envelope.offsets`.
    raw: RawMessage | None = None
    separators: Separators = Separators()
    #: Envelope findings: UNT count, UNT reference, missing UNT, characters outside the declared set.
    findings: tuple[Finding, ...] = ()


class PackageRead(msgspec.Struct, frozen=True, kw_only=True):
    """A package, UNO to UNP (ISO 9735-8): its object, such as an attached file, was not read, but can be found by this.

    What is found about it comes with `InterchangeClosed`, so that nobody misses it who has no use for packages.
    """

    #: 0800.
    reference: str
    #: Of UNO.
    offset: int
    #: Of the object's first byte, and how many bytes it has, as far as it was there.
    start: int
    length: int
    #: The UNO segment in normal form.
    segment: str
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


Event = InterchangeOpened | GroupOpened | MessageRead | PackageRead | GroupClosed | InterchangeClosed | Debris
