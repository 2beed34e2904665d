"""The receive lane: from archived bytes to documents, cases and the answer that goes back. Never waits for an ERP.

A transmission is opened in chunks (it may hold tens of thousands of messages), and what came of it is decided when the
last byte is read (`finishing`): only then duplicates are known, and an acknowledgment must go out if, and only if, what
it says has happened. A crash before the end takes everything back and begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from edi_server.acknowledgments import FUNCTIONAL, ReceivedAcknowledgment, read_acknowledgment
from edi_server.canonical import to_json
from edi_server.engine.checking import (
    ACKNOWLEDGMENTS,
    CheckedMessage,
    Translated,
    check_agreed,
    translate_message,
)
from edi_server.engine.corridor import Corridor
from edi_server.engine.finishing import Finishing, UnderWay, case_about, duplicate_window, first_error
from edi_server.engine.hearing import Hearing
from edi_server.envelope.model import (
    Debris,
    Event,
    GroupClosed,
    GroupHeader,
    GroupOpened,
    InterchangeClosed,
    InterchangeOpened,
    MessageRead,
)
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding, Place, has_errors
from edi_server.partners import Agreement, Unmatched
from edi_server.store import Case, Document, Interchange, Message, Opened, Transmission, Work, business_key
from edi_server.store.states import MessageResult
from edi_server.syntax.sniff import Kind, sniff

#: Messages that are written to the database at a time.
CHUNK = 200


def open_transmission(corridor: Corridor, transmission_id: str) -> None:
    """Open an inbound transmission that has been taken; does nothing if that was done before.

    Raises StoreError; everything that is wrong with the bytes becomes findings and cases.
    """
    with corridor.store.begin() as work:
        if not work.opening.discard_unfinished(transmission_id):
            return
        transmission = work.transmissions.get(transmission_id)
    with corridor.store.archive.open(transmission.content_hash) as source:
        head = source.read(4096)
    kind = sniff(head)
    if kind.syntax not in ("edifact", "x12"):
        _set_aside(corridor, transmission, kind)
        return
    with corridor.store.archive.open(transmission.content_hash) as source:
        _Opening(corridor, transmission).open(source)


def _set_aside(corridor: Corridor, transmission: Transmission, kind: Kind) -> None:
    """Keep what is no EDI that we read: nobody can be answered, somebody has to look."""
    sentence = f"{transmission.name} could not be read: {kind.sentence}"
    finding = Finding(
        code="syntax.not-edi", severity="error", sentence=sentence, found=kind.found, expected="UNA, UNB or ISA"
    )
    with corridor.store.begin() as work:
        work.cases.open(case_about(transmission.subject, "unreadable", sentence, transmission.partner))
        work.opening.finish(transmission.id, "unreadable", findings=(finding,), detail=sentence)


class _Opening:
    """One pass over the bytes of one transmission."""

    def __init__(self, corridor: Corridor, transmission: Transmission) -> None:
        self._corridor = corridor
        # One book for the whole of it: partner files may change meanwhile.
        self._book = corridor.book
        self._transmission = transmission
        self._debris: list[Finding] = []
        self._closed: list[UnderWay] = []
        self._current: UnderWay | None = None
        self._group: GroupHeader | None = None
        self._interchanges: list[Interchange] = []
        self._messages: list[Message] = []
        self._documents: list[Document] = []
        self._cases: list[Case] = []

    def open(self, source: BinaryIO) -> None:
        for event in open_interchanges(source):
            self._take(event)
            if len(self._messages) >= CHUNK:
                with self._corridor.store.begin() as work:
                    self._write(work)
        with self._corridor.store.begin() as work:
            self._write(work)
        Finishing(self._corridor, self._book, self._transmission).finish(self._closed, tuple(self._debris))

    def _take(self, event: Event) -> None:
        match event:
            case InterchangeOpened():
                self._current = self._begin(event)
            case MessageRead() if self._current:
                self._read(self._current, event)
            case GroupOpened() | GroupClosed() if self._current:
                self._group = event.header if isinstance(event, GroupOpened) else None
                self._current.hearing.take_group(event)
            case InterchangeClosed() if self._current:
                self._current.findings += event.findings
                self._current.end = event.end
                self._closed.append(self._current)
                self._current = self._group = None
            case Debris():
                self._debris += event.findings

    def _begin(self, event: InterchangeOpened) -> UnderWay:
        header = event.header
        parties = self._book.parties_of(
            mailbox=self._transmission.mailbox, sender=header.sender, recipient=header.recipient
        )
        row = Interchange.opened(
            header,
            transmission_id=self._transmission.id,
            number=event.number,
            direction="inbound",
            start_offset=event.offset,
        )
        self._interchanges.append(msgspec.structs.replace(row, partner=self._transmission.partner))
        return UnderWay(
            row=row,
            parties=parties,
            repeats=self._look_for_same_reference(row),
            digest=hashlib.sha256(),
            findings=list(event.findings),
            hearing=Hearing(header),
        )

    def _look_for_same_reference(self, row: Interchange) -> str | None:
        # Only a short cut that saves translating: the finish asks again, and decides.
        with self._corridor.store.begin() as work:
            earlier = work.interchanges.find_same_reference(
                row, within=duplicate_window(self._book, self._transmission)
            )
        return earlier.id if earlier is not None and earlier.result is not None else None

    def _read(self, current: UnderWay, message: MessageRead) -> None:
        current.messages += 1
        current.acknowledgments += message.header.type in FUNCTIONAL
        current.digest.update("\x1d".join(message.segments[1:-1]).encode())
        row = _message_row(current.row, message, self._group)
        if isinstance(current.parties, Unmatched) or current.repeats:
            self._messages.append(row)
            self._hear_in_vain(current, row, message)
            return
        agreement = self._agreement(current.row, message)
        unmatched = agreement if isinstance(agreement, Unmatched) else None
        checked = check_agreed(message, agreement)
        findings = (*checked.findings, *([unmatched.finding] if unmatched else []))
        result = _message_result(findings, unmatched)
        row = msgspec.structs.replace(row, result=result, findings=findings)
        self._messages.append(row)
        current.hearing.take_message(row.id, message, findings, checked.guide)
        self._sort(current, row, checked, agreement)

    def _hear_in_vain(self, current: UnderWay, row: Message, message: MessageRead) -> None:
        """An acknowledgment in an interchange that came before changes nothing, but is kept and shown."""
        received = self._acknowledgment(current, message) if message.header.type in ACKNOWLEDGMENTS else None
        if received is not None and _is_usable(received) and not isinstance(current.parties, Unmatched):
            current.received.append((row.id, received))

    def _acknowledgment(self, current: UnderWay, message: MessageRead) -> ReceivedAcknowledgment | None:
        header = current.row.header
        return read_acknowledgment(message, header) if header is not None else None

    def _agreement(self, row: Interchange, message: MessageRead) -> Agreement | Unmatched | None:
        """What was agreed for the message; None for an acknowledgment, which needs no agreement."""
        if message.header.type in ACKNOWLEDGMENTS or row.header is None:
            return None
        return self._book.agreement_for(
            mailbox=self._transmission.mailbox,
            sender=row.header.sender,
            recipient=row.header.recipient,
            message=message.header.type,
            version=message.header.directory,
            test=row.test,
        )

    def _sort(
        self, current: UnderWay, row: Message, checked: CheckedMessage, agreement: Agreement | Unmatched | None
    ) -> None:
        """Each message to its place: an acknowledgment received, a case, or a document."""
        if agreement is None:
            self._add_received(current, row, checked)
        elif isinstance(agreement, Unmatched):
            self._cases.append(
                case_about(row.subject, agreement.reason, agreement.finding.sentence, self._transmission.partner)
            )
        else:
            current.agreements.add(agreement.id)
            self._add_document(current, row, checked, agreement)

    def _add_received(self, current: UnderWay, row: Message, checked: CheckedMessage) -> None:
        received = self._acknowledgment(current, checked.message)
        if received is not None and _is_usable(received) and not checked.is_rejected:
            current.received.append((row.id, received))
            return
        odd = (*checked.findings, *(received.findings if received else ()))
        kind = checked.message.header.type
        sentence = first_error(odd) or f"An acknowledgment ({kind}) came that says nothing we can use."
        self._cases.append(case_about(row.subject, "acknowledgment-unreadable", sentence, self._transmission.partner))

    def _add_document(self, current: UnderWay, row: Message, checked: CheckedMessage, agreement: Agreement) -> None:
        profile = self._corridor.profile(agreement)
        translated = translate_message(checked, profile)
        # Some systems fill their numbers up with blanks, some of the time.
        number = (getattr(translated.document, "number", None) or "").strip() or None
        findings = (*checked.findings, *translated.findings, *_unnumbered(translated, number))
        is_invalid = has_errors(findings) or translated.document is None
        content = None if translated.document is None else to_json(translated.document)
        document = Document(
            direction="inbound",
            transmission_id=self._transmission.id,
            interchange_id=current.row.id,
            message_id=row.id,
            company=agreement.company,
            partner=agreement.partner.name,
            agreement=agreement.id,
            type=agreement.document,
            number=number,
            business_key=business_key(
                agreement.company, agreement.partner.name, agreement.document, number, test=current.row.test
            ),
            # What is kept together is posted in its order: all of it has one reference.
            reference=f"interchange {current.row.id}" if agreement.policies.interchange == "keep" else number,
            test=current.row.test,
            content=content,
            content_hash=None if content is None else hashlib.sha256(content).hexdigest(),
            profile=profile.name,
            profile_version=profile.version,
            validation="invalid" if is_invalid else "valid",
            findings=findings,
            not_carried=translated.not_carried,
            erp=agreement.erp,
        )
        self._documents.append(document)
        if is_invalid:
            sentence = first_error(findings)
            self._cases.append(case_about(document.subject, "invalid", sentence, agreement.partner.name))

    def _write(self, work: Work) -> None:
        work.opening.write(
            Opened(
                interchanges=tuple(self._interchanges),
                messages=tuple(self._messages),
                documents=tuple(self._documents),
                cases=tuple(self._cases),
            )
        )
        for pending in (self._interchanges, self._messages, self._documents, self._cases):
            pending.clear()


def _message_row(interchange: Interchange, message: MessageRead, group: GroupHeader | None) -> Message:
    return Message(
        interchange_id=interchange.id,
        number=message.number,
        type=message.header.type,
        version=message.header.directory,
        reference=message.header.reference,
        group_reference=group.control_reference if group else "",
        group_header=group,
        start_offset=message.offsets[0],
        end_offset=message.offsets[-1],
        segments=len(message.segments),
        findings=message.findings,
    )


def _unnumbered(translated: Translated, number: str | None) -> list[Finding]:
    """Without a number nothing can be posted exactly once, whether the profile checks that or not."""
    if translated.document is None or number is not None or has_errors(translated.findings):
        return []
    sentence = "The document has no number, so it cannot be told from others."
    return [Finding(code="business.number-missing", severity="error", sentence=sentence, place=Place(field="number"))]


def _is_usable(received: ReceivedAcknowledgment) -> bool:
    """It says how something ended, or at least that it arrived; not something odd alone."""
    return received.outcome is not None or not received.findings


def _message_result(findings: tuple[Finding, ...], unmatched: Unmatched | None) -> MessageResult:
    if unmatched is not None:
        return "no agreement"
    if has_errors(findings):
        return "rejected"
    warned = any(finding.severity == "warning" for finding in findings)
    return "accepted with errors" if warned else "accepted"


def iter_outbound(work: Work, transmission_id: str) -> Iterator[str]:
    """Ids of the transmissions that carry what was answered to an inbound one."""
    for interchange in work.interchanges.of(transmission_id):
        for acknowledgment in work.acknowledgments.about(interchange.id):
            if acknowledgment.direction == "sent" and acknowledgment.transmission_id is not None:
                yield acknowledgment.transmission_id
