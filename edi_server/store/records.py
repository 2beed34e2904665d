"""The rows as frozen records, a field for each column.

Ids are UUIDv7 as text (`new_id`), instants are UTC. `None` means "not known (yet)" or "does not apply", never "".
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from secrets import randbits
from typing import Any
from uuid import UUID

import msgspec

from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader
from edi_server.findings import Finding
from edi_server.store.states import (
    AcknowledgmentDirection,
    AcknowledgmentState,
    AttemptOutcome,
    CaseState,
    DeadLetterState,
    Delivery,
    Direction,
    InterchangeResult,
    MessageResult,
    Outcome,
    PostingState,
    SubjectKind,
    TransmissionDelivery,
    TransmissionResult,
    Validation,
)

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new UUIDv7 as text: sorts by time, and within this process strictly in the order of the calls.

    RFC 9562 section 6.2, method 3: 48 bits of milliseconds and 12 bits of their fraction, so that thousands of ids in
    one millisecond do not run ahead of the clock (the order of posting rests on ids of several processes).
    """
    global _last  # noqa: PLW0603 — one clock per process is the point
    with _lock:
        _last = max(_last + 1, (time.time_ns() << 12) // 1_000_000)
        stamp = _last
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    return str(UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | randbits(62)))


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every row."""

    id: str = msgspec.field(default_factory=new_id)


class Subject(msgspec.Struct, frozen=True):
    """What an event, a case or a dead letter is about."""

    kind: SubjectKind
    id: str


class Transmission(Row, frozen=True, kw_only=True):
    """Bytes that crossed a transport, exactly as they did. An inbound one has the claim's id as its own."""

    direction: Direction
    #: Partner that owns the mailbox; None where the mailbox belongs to nobody we know.
    partner: str | None = None
    mailbox: str
    #: Kind of transport, such as "folder" or "as2" (`edi_server.partners.exchange.Way`).
    transport: str
    #: What the transport knows of it: account, address, Message-ID, …
    detail: dict[str, str] = {}
    #: File name as the partner gave it or is given it.
    name: str
    #: Bytes.
    size: int
    #: SHA-256 (hex) of the bytes: their key in the archive.
    content_hash: str
    created_at: datetime = msgspec.field(default_factory=now)
    #: Inbound: None while it is being opened.
    result: TransmissionResult | None = None
    #: Outbound only.
    delivery: TransmissionDelivery | None = None
    #: Delivery attempts so far.
    attempts: int = 0
    #: What proves its arrival (a receipt as it came, …): its key in the archive, and since when it is there.
    proof_hash: str | None = None
    proven_at: datetime | None = None
    #: A reprocess points to the transmission whose bytes it reads again.
    parent_id: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def subject(self) -> Subject:
        """For events, cases and dead letters."""
        return Subject("transmission", self.id)


class Interchange(Row, frozen=True, kw_only=True):
    """UNB…UNZ of a transmission."""

    transmission_id: str
    #: Counts interchanges in the transmission, the first being 1.
    number: int
    direction: Direction
    #: "edifact" or "x12".
    syntax: str
    sender_qualifier: str = ""
    sender_id: str = ""
    recipient_qualifier: str = ""
    recipient_id: str = ""
    control_reference: str = ""
    test: bool = False
    #: Date and time of preparation as the partner wrote them.
    date: str = ""
    time: str = ""
    header: InterchangeHeader | None = None
    partner: str | None = None
    agreement: str | None = None
    #: SHA-256 (hex) of the messages' bytes without the envelope; None until closed.
    fingerprint: str | None = None
    #: Bytes from the start of the transmission; `end_offset` is the byte behind; None until closed.
    start_offset: int = 0
    end_offset: int | None = None
    #: Messages in it; None until closed.
    messages: int | None = None
    #: Inbound: None until closed.
    result: InterchangeResult | None = None
    #: Inbound: what we answered; outbound: what was answered to us.
    acknowledgment: AcknowledgmentState = "none"
    #: Outbound: when a waiting acknowledgment becomes overdue.
    due_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    created_at: datetime = msgspec.field(default_factory=now)

    @property
    def subject(self) -> Subject:
        """For events, cases and dead letters."""
        return Subject("interchange", self.id)

    @property
    def sender(self) -> Identity:
        """Without routing address, which `header` has."""
        return Identity(id=self.sender_id, qualifier=self.sender_qualifier)

    @property
    def recipient(self) -> Identity:
        """Without routing address, which `header` has."""
        return Identity(id=self.recipient_id, qualifier=self.recipient_qualifier)

    @classmethod
    def opened(
        cls,
        header: InterchangeHeader,
        *,
        transmission_id: str,
        number: int,
        direction: Direction,
        start_offset: int = 0,
    ) -> Interchange:
        """The row of an interchange of which only the header is known."""
        return cls(
            transmission_id=transmission_id,
            number=number,
            direction=direction,
            syntax=header.syntax,
            sender_qualifier=header.sender.qualifier,
            sender_id=header.sender.id,
            recipient_qualifier=header.recipient.qualifier,
            recipient_id=header.recipient.id,
            control_reference=header.control_reference,
            test=header.test,
            date=header.date,
            time=header.time,
            header=header,
            start_offset=start_offset,
        )


class Message(Row, frozen=True, kw_only=True):
    """UNH…UNT or ST…SE of an interchange, or its TA1."""

    interchange_id: str
    #: Counts messages in the interchange, the first being 1.
    number: int
    #: Such as "ORDERS" or "850".
    type: str = ""
    #: Such as "D.96A" or "004010".
    version: str = ""
    #: UNH 0062; ST02.
    reference: str = ""
    #: Functional group that it is in (UNG 0048, GS06), "" for none, and its header.
    group_reference: str = ""
    group_header: GroupHeader | None = None
    #: Bytes from the start of the transmission; `end_offset` is the byte behind.
    start_offset: int = 0
    end_offset: int = 0
    segments: int = 0
    #: Inbound only.
    result: MessageResult | None = None
    acknowledgment: AcknowledgmentState = "none"
    findings: tuple[Finding, ...] = ()

    @property
    def subject(self) -> Subject:
        """For events, cases and dead letters."""
        return Subject("message", self.id)


class Document(Row, frozen=True, kw_only=True):
    """A canonical business document: one row of work."""

    direction: Direction
    #: Outbound: None until staged.
    transmission_id: str | None = None
    interchange_id: str | None = None
    message_id: str | None = None
    #: Own company, partner and agreement by name.
    company: str | None = None
    partner: str | None = None
    agreement: str | None = None
    #: Such as "Order".
    type: str
    #: The business's own number, such as the buyer's order number.
    number: str | None = None
    #: company|partner|type|number (see `business_key`); None where a part is unknown.
    business_key: str | None = None
    #: What it is posted in order of: usually the number.
    reference: str | None = None
    test: bool = False
    #: Canonical JSON; None where a list left it out.
    content: bytes | None = None
    #: SHA-256 (hex) of the canonical JSON.
    content_hash: str | None = None
    profile: str | None = None
    profile_version: str | None = None
    validation: Validation = "processing"
    delivery: Delivery = "pending"
    acknowledgment: AcknowledgmentState = "none"
    findings: tuple[Finding, ...] = ()
    #: What the message said that the document does not.
    not_carried: Any = ()
    #: Name of the ERP it goes to or comes from.
    erp: str | None = None
    erp_record_id: int | None = None
    erp_record_name: str | None = None
    #: The document of a reprocess that takes this one's place.
    superseded_by: str | None = None
    created_at: datetime = msgspec.field(default_factory=now)
    changed_at: datetime = msgspec.field(default_factory=now)

    @property
    def subject(self) -> Subject:
        """For events, cases and dead letters."""
        return Subject("document", self.id)


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A business key in the ledger. It stays for ever, whatever becomes of document and record."""

    key: str
    document_id: str
    content_hash: str
    state: PostingState = "claimed"
    erp: str | None = None
    erp_record_id: int | None = None
    erp_record_name: str | None = None
    created_at: datetime = msgspec.field(default_factory=now)
    changed_at: datetime = msgspec.field(default_factory=now)


class Event(Row, frozen=True, kw_only=True):
    """One thing that happened; never changed, never removed."""

    at: datetime = msgspec.field(default_factory=now)
    subject_kind: SubjectKind
    subject_id: str
    #: A verb of the trade in the past, such as "posted".
    what: str
    #: How it went, such as the new state.
    result: str = ""
    #: One sentence.
    detail: str = ""
    #: Profile with its version, where one was at work.
    profile_version: str | None = None
    #: "system" or a person.
    actor: str = "system"


class Acknowledgment(Row, frozen=True, kw_only=True):
    """An acknowledgment that we sent or received, about one interchange."""

    direction: AcknowledgmentDirection
    #: Such as "CONTRL".
    kind: str
    #: What carries it: sent, our outbound transmission; received, the partner's inbound one.
    transmission_id: str | None = None
    interchange_id: str | None = None
    message_id: str | None = None
    #: The interchange it is about; None where a received one matches nothing we sent.
    about_interchange_id: str | None = None
    about_control_reference: str = ""
    outcome: Outcome
    #: Its own control number.
    control_number: str | None = None
    #: What it said in detail, such as the outcome per message.
    detail: Any = None
    created_at: datetime = msgspec.field(default_factory=now)


class Case(Row, frozen=True, kw_only=True):
    """Something that a person has to decide on. One per subject and reason, however often it is opened."""

    subject_kind: SubjectKind
    subject_id: str
    #: Stable code, such as "unknown-sender".
    reason: str
    #: What is the matter, in one sentence for a person.
    sentence: str
    partner: str | None = None
    state: CaseState = "open"
    assignee: str | None = None
    #: What the person who settled it says.
    note: str = ""
    created_at: datetime = msgspec.field(default_factory=now)
    closed_at: datetime | None = None


class DeadLetter(Row, frozen=True, kw_only=True):
    """Work that was given up, to be listed and resumed. One per workflow."""

    workflow_id: str
    workflow_kind: str
    #: Input of the workflow, as JSON.
    workflow_input: Any = None
    subject_kind: SubjectKind | None = None
    subject_id: str | None = None
    error: str
    permanent: bool
    attempts: int
    state: DeadLetterState = "parked"
    parked_at: datetime = msgspec.field(default_factory=now)
    resumed_at: datetime | None = None
    resolved_at: datetime | None = None


class DeliveryAttempt(Row, frozen=True, kw_only=True):
    """One attempt to hand a transmission over."""

    transmission_id: str
    at: datetime = msgspec.field(default_factory=now)
    outcome: AttemptOutcome
    detail: str = ""


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where something has been polled."""

    name: str
    #: The last instant seen, by the clock of the system that is polled.
    reached: datetime
    changed_at: datetime = msgspec.field(default_factory=now)


class ControlNumber(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one range of control numbers."""

    #: Such as "nordmarkt/desadv-out/interchange".
    scope: str
    #: The number given out last.
    last: int
    #: How often the range began anew.
    rounds: int = 0


def business_key(
    company: str | None, partner: str | None, type_: str, number: str | None, *, test: bool = False
) -> str | None:
    """The ledger's key of a document: company|partner|type|number, or None where a part is unknown.

    The test lane has numbers of its own ("|test" behind): whoever tries an order out may place it for real later.

    A "|" or backslash in a part is escaped, so that two documents never share a key by accident.
    """
    parts = (company, partner, type_, number)
    if not all(parts):
        return None
    key = "|".join(str(part).replace("\\", "\\\\").replace("|", "\\|") for part in parts)
    return f"{key}|test" if test else key
