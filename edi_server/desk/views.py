"""What people are shown: frozen records that a page renders, the command line prints, and programs get as JSON.

Lists are newest first and limited. `show` answers a reference with everything that is known about it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, get_args

import msgspec

from edi_server.desk.actors import NotPossible
from edi_server.desk.excerpts import Pointed
from edi_server.findings import Finding
from edi_server.store import Case, DeadLetter, Document, Store, Transmission, Work
from edi_server.store import states as words


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A document in a list."""

    id: str
    created_at: datetime
    direction: words.Direction
    partner: str | None
    type: str
    #: The business's own number.
    number: str | None
    validation: words.Validation
    delivery: words.Delivery
    acknowledgment: words.AcknowledgmentState
    #: ERP and name of its record there, such as "S00042".
    erp: str | None
    erp_record: str | None
    test: bool
    #: How many findings, and the worst one's sentence.
    findings: int
    finding: str | None
    #: Id of the document of a reprocess that took its place.
    superseded_by: str | None


class TransmissionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A transmission in a list."""

    id: str
    created_at: datetime
    direction: words.Direction
    partner: str | None
    mailbox: str
    #: By which it crossed, such as "folder", "sftp_account" or "as2".
    transport: str
    name: str
    #: Bytes.
    size: int
    #: Inbound: what came of it, None while it is opened.
    result: words.TransmissionResult | None
    #: Outbound.
    delivery: words.TransmissionDelivery | None
    #: Control references of its interchanges, the first ten.
    interchanges: tuple[str, ...]
    messages: int
    parent_id: str | None
    finding: str | None
    #: Why it has not left, at the last attempt; "" where it has.
    error: str = ""


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a list."""

    id: str
    created_at: datetime
    state: words.CaseState
    reason: str
    sentence: str
    partner: str | None
    assignee: str | None
    note: str
    subject_kind: words.SubjectKind
    subject_id: str
    #: What the subject is called: a number, a control reference, a file name.
    about: str


class DeadLetterRow(msgspec.Struct, frozen=True, kw_only=True):
    """Given-up work in a list."""

    id: str
    parked_at: datetime
    state: words.DeadLetterState
    kind: str
    workflow_id: str
    #: First line of the error.
    error: str
    permanent: bool
    attempts: int
    about: str


class ScheduleRow(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement's schedule."""

    agreement: str
    partner: str
    document: str
    cron: str
    time_zone: str
    #: In that time zone; None if the engine has never heard of it.
    next_run: datetime | None
    last_run: datetime | None
    #: False until the daemon has taken it up.
    active: bool


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""

    at: datetime
    #: Level at which: "transmission", "interchange", "message" or "document".
    level: words.SubjectKind
    what: str
    result: str
    detail: str
    profile_version: str | None
    actor: str
    #: What it happened to, where that is not what is shown itself.
    about: str = ""


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bytes are."""

    transmission_id: str
    direction: words.Direction
    partner: str | None
    mailbox: str
    file_name: str
    #: Of the whole transmission.
    size: int
    #: SHA-256, the key in the archive.
    archive_hash: str
    #: Interchange in the transmission and message in the interchange, the first being 1.
    interchange: int | None = None
    control_reference: str | None = None
    message: int | None = None
    message_reference: str | None = None
    #: First byte and the byte behind; None where only the whole is known.
    start: int | None = None
    end: int | None = None
    #: By which it crossed, and what the transport knows of it: account, address, Message-ID, …
    transport: str
    transport_detail: dict[str, str]
    #: What proves its arrival (`show --proof` prints it): its key in the archive, and since when it is there.
    proof_hash: str | None
    proven_at: datetime | None


class AcknowledgmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An acknowledgment sent or received."""

    direction: words.AcknowledgmentDirection
    kind: str
    outcome: words.Outcome
    #: Its own control number.
    control_number: str | None
    created_at: datetime
    #: What carries it.
    transmission_id: str | None
    file_name: str | None
    #: Delivery of what carries it, where we sent it.
    delivery: words.TransmissionDelivery | None


class DocumentShown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a document."""

    document: DocumentRow
    agreement: str | None
    profile: str | None
    profile_version: str | None
    business_key: str | None
    location: Location | None
    findings: tuple[Pointed, ...]
    #: What the message said that the document does not.
    not_carried: Any
    acknowledgments: tuple[AcknowledgmentRow, ...]
    cases: tuple[CaseRow, ...]
    dead_letters: tuple[DeadLetterRow, ...]
    timeline: tuple[Occurrence, ...]
    #: The canonical document.
    content: msgspec.Raw | None


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message of an interchange."""

    id: str
    number: int
    type: str
    version: str
    reference: str
    segments: int
    result: words.MessageResult | None
    acknowledgment: words.AcknowledgmentState
    start: int
    end: int
    findings: tuple[Finding, ...]


class InterchangeShown(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange of a shown transmission."""

    id: str
    number: int
    control_reference: str
    sender: str
    recipient: str
    test: bool
    agreement: str | None
    result: words.InterchangeResult | None
    acknowledgment: words.AcknowledgmentState
    due_at: datetime | None
    findings: tuple[Pointed, ...]
    #: How many there are; `messages` has the first hundred.
    message_count: int
    messages: tuple[MessageRow, ...]
    acknowledgments: tuple[AcknowledgmentRow, ...]


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver."""

    at: datetime
    outcome: words.AttemptOutcome
    detail: str


class TransmissionShown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a transmission."""

    transmission: TransmissionRow
    location: Location
    findings: tuple[Pointed, ...]
    interchanges: tuple[InterchangeShown, ...]
    documents: tuple[DocumentRow, ...]
    attempts: tuple[AttemptRow, ...]
    cases: tuple[CaseRow, ...]
    dead_letters: tuple[DeadLetterRow, ...]
    timeline: tuple[Occurrence, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a reference: a document or else a transmission in full, and what else it may mean."""

    reference: str
    document: DocumentShown | None = None
    transmission: TransmissionShown | None = None
    other_documents: tuple[DocumentRow, ...] = ()
    other_transmissions: tuple[TransmissionRow, ...] = ()


def document_row(document: Document) -> DocumentRow:
    """A document as lists show it."""
    return DocumentRow(
        id=document.id,
        created_at=document.created_at,
        direction=document.direction,
        partner=document.partner,
        type=document.type,
        number=document.number,
        validation=document.validation,
        delivery=document.delivery,
        acknowledgment=document.acknowledgment,
        erp=document.erp,
        erp_record=document.erp_record_name,
        test=document.test,
        findings=len(document.findings),
        finding=worst(document.findings),
        superseded_by=document.superseded_by,
    )


def transmission_row(work: Work, transmission: Transmission) -> TransmissionRow:
    """A transmission as lists show it."""
    inside = work.interchanges.of(transmission.id)
    return TransmissionRow(
        id=transmission.id,
        created_at=transmission.created_at,
        direction=transmission.direction,
        partner=transmission.partner,
        mailbox=transmission.mailbox,
        transport=transmission.transport,
        name=transmission.name,
        size=transmission.size,
        result=transmission.result,
        delivery=transmission.delivery,
        interchanges=tuple(one.control_reference for one in inside[:10]),
        messages=sum(one.messages or 0 for one in inside),
        parent_id=transmission.parent_id,
        finding=worst(transmission.findings),
        error=last_error(work, transmission),
    )


def last_error(work: Work, transmission: Transmission) -> str:
    """Why an outbound transmission has not left, at the last attempt; "" where it has, or was never tried."""
    if transmission.delivery not in ("pending", "staged", "failed"):
        return ""
    failed = ("not handed over", "parked", "failed")
    errors = [one.detail for one in work.timeline.of(transmission.subject) if one.what in failed]
    return errors[-1].partition("\n")[0] if errors else ""


def handed_name(work: Work, transmission: Transmission) -> str:
    """The name under which the other side has it: another than asked for where that was taken in the outbox."""
    for attempt in sorted(work.transmissions.attempts(transmission.id), key=lambda one: one.at, reverse=True):
        if attempt.outcome == "sent" and (named := _HANDED.fullmatch(attempt.detail)):
            return named[1]
    return transmission.name


#: What `edi_server.delivery.outbox` writes down about a hand-over.
_HANDED = re.compile(r"As (.+)\.")


def worst(findings: tuple[Finding, ...]) -> str | None:
    """The sentence of the first finding of the highest severity."""
    for severity in ("error", "warning", "note"):
        for finding in findings:
            if finding.severity == severity:
                return finding.sentence
    return None


def case_row(work: Work, case: Case) -> CaseRow:
    """A case as lists show it."""
    return CaseRow(
        id=case.id,
        created_at=case.created_at,
        state=case.state,
        reason=case.reason,
        sentence=case.sentence,
        partner=case.partner,
        assignee=case.assignee,
        note=case.note,
        subject_kind=case.subject_kind,
        subject_id=case.subject_id,
        about=name_of(work, case.subject_kind, case.subject_id),
    )


def dead_letter_row(work: Work, letter: DeadLetter) -> DeadLetterRow:
    """Given-up work as lists show it."""
    return DeadLetterRow(
        id=letter.id,
        parked_at=letter.parked_at,
        state=letter.state,
        kind=letter.workflow_kind,
        workflow_id=letter.workflow_id,
        error=letter.error.partition("\n")[0],
        permanent=letter.permanent,
        attempts=letter.attempts,
        about=name_of(work, letter.subject_kind, letter.subject_id),
    )


def name_of(work: Work, kind: str | None, subject_id: str | None) -> str:
    """What a person calls a subject."""
    if kind is None or subject_id is None:
        return ""
    if kind == "document":
        document = work.documents.find(subject_id)
        return f"{document.type} {document.number or subject_id}" if document else subject_id
    if kind == "transmission":
        transmission = work.transmissions.find(subject_id)
        return transmission.name if transmission else subject_id
    if kind == "partner":
        return _ABOUT.get(subject_id, subject_id)
    return _name_inside(work, kind, subject_id)


#: Subjects of kind partner that are none.
_ABOUT = {":us": "ourselves", ":unknown": "somebody unknown"}


def _name_inside(work: Work, kind: str, subject_id: str) -> str:
    message = work.interchanges.message(subject_id) if kind == "message" else None
    interchange = work.interchanges.find(message.interchange_id if message else subject_id)
    name = f"interchange {interchange.control_reference}" if interchange else subject_id
    return f"{message.type} {message.reference} of {name}" if message else name


# lists


def list_documents(
    store: Store,
    *,
    direction: words.Direction | None = None,
    partner: str | None = None,
    type: str | None = None,  # noqa: A002 — the trade's word
    validation: words.Validation | None = None,
    delivery: words.Delivery | None = None,
    acknowledgment: words.AcknowledgmentState | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[DocumentRow]:
    """Documents, narrowed by any of their statuses."""
    with store.read() as work:
        found = work.documents.newest(
            direction=direction,
            partner=partner,
            type=type,
            validation=validation,
            delivery=delivery,
            acknowledgment=acknowledgment,
            before=before,
            limit=limit,
        )
    return [document_row(document) for document in found]


def list_rejected(store: Store, *, partner: str | None = None, limit: int = 50) -> list[DocumentRow]:
    """Documents that a person has to decide on."""
    with store.read() as work:
        found = work.documents.rejected(partner=partner, limit=limit)
    return [document_row(document) for document in found]


def list_transmissions(
    store: Store,
    *,
    direction: words.Direction | None = None,
    partner: str | None = None,
    limit: int = 50,
) -> list[TransmissionRow]:
    """Transmissions of both directions, or one."""
    with store.read() as work:
        found = work.transmissions.newest(direction=direction, partner=partner, limit=limit)
        return [transmission_row(work, transmission) for transmission in found]


def list_cases(store: Store, *, every: bool = False, partner: str | None = None, limit: int = 50) -> list[CaseRow]:
    """Cases that wait for somebody, or all."""
    in_states: tuple[words.CaseState, ...] = get_args(words.CaseState) if every else words.OPEN_CASES
    with store.read() as work:
        found = work.cases.newest(in_states=in_states, partner=partner, limit=limit)
        return [case_row(work, case) for case in found]


def list_dead_letters(
    store: Store, *, every: bool = False, partner: str | None = None, limit: int = 50
) -> list[DeadLetterRow]:
    """Work that was given up and waits for somebody, or all of it."""
    with store.read() as work:
        found = work.dead_letters.newest(state=None if every else "parked", partner=partner, limit=limit)
        return [dead_letter_row(work, letter) for letter in found]


def require_partner(known: list[str], partner: str | None) -> None:
    """Raise NotPossible for a partner that nobody knows: an empty list would be a wrong answer."""
    if partner is not None and partner not in known:
        raise NotPossible(f"There is no partner “{partner}”; there are: {', '.join(sorted(known)) or 'none'}.")
