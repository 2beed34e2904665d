"""The receive lane: from archived bytes to documents, cases and the answer that goes back. Never waits for an ERP.

A transmission is opened in chunks (it may hold tens of thousands of messages) and finished in one unit of work, which
decides what counts: duplicates are known only when the last byte is read, and an acknowledgment must go out if, and
only if, what it says has happened. A crash before the finish takes everything back and begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, BinaryIO

import msgspec

from edi_server.acknowledgments import DUPLICATE, ReceivedAcknowledgment, Verdict, read_contrl
from edi_server.canonical import to_json
from edi_server.engine.acknowledging import Hearing, is_answered, record_received, stage_contrl
from edi_server.engine.checking import CheckedMessage, Translated, check_message, translate_message
from edi_server.engine.corridor import Corridor
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import (
    Debris,
    Event,
    GroupClosed,
    GroupOpened,
    InterchangeClosed,
    InterchangeOpened,
    MessageRead,
)
from edi_server.findings import Finding, Place, has_errors
from edi_server.guides import Codes
from edi_server.partners import Agreement, Parties, Unmatched
from edi_server.store import Case, Document, Interchange, Message, Opened, Subject, Transmission, Work, business_key
from edi_server.store.states import InterchangeResult, MessageResult, TransmissionResult
from edi_server.syntax.sniff import Kind, sniff

#: Messages that are written to the database at a time.
CHUNK = 200
ACKNOWLEDGMENTS = ("CONTRL",)


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
    if kind.syntax != "edifact":
        _set_aside(corridor, transmission, kind)
        return
    with corridor.store.archive.open(transmission.content_hash) as source:
        _Opening(corridor, transmission).open(source)


def _set_aside(corridor: Corridor, transmission: Transmission, kind: Kind) -> None:
    """Keep what is no EDI that we read: nobody can be answered, somebody has to look."""
    sentence = f"{transmission.name} could not be read: {kind.sentence}"
    finding = Finding(
        code="syntax.not-edi", severity="error", sentence=sentence, found=kind.found, expected="UNA or UNB"
    )
    with corridor.store.begin() as work:
        work.cases.open(_case(transmission.subject, "unreadable", sentence, transmission.partner))
        work.opening.finish(transmission.id, "unreadable", findings=(finding,), detail=sentence)


class _UnderWay(msgspec.Struct, kw_only=True):
    """An interchange while its messages come by."""

    row: Interchange
    parties: Parties | Unmatched
    #: Known when it opens: nothing of it is translated.
    repeats: str | None
    digest: Any
    findings: list[Finding]
    hearing: Hearing
    messages: int = 0
    #: Of them, those that acknowledge something of ours, usable or not.
    acknowledgments: int = 0
    agreements: set[str] = msgspec.field(default_factory=set)
    received: list[tuple[str, ReceivedAcknowledgment]] = msgspec.field(default_factory=list)
    end: int = 0

    @property
    def is_business(self) -> bool:
        """False for an interchange of acknowledgments only, which is never answered."""
        return self.messages == 0 or self.messages > self.acknowledgments


class _Opening:
    """One pass over the bytes of one transmission."""

    def __init__(self, corridor: Corridor, transmission: Transmission) -> None:
        self._corridor = corridor
        # One book for the whole of it: partner files may change meanwhile.
        self._book = corridor.book
        self._transmission = transmission
        self._debris: list[Finding] = []
        self._closed: list[_UnderWay] = []
        self._current: _UnderWay | None = None
        self._interchanges: list[Interchange] = []
        self._messages: list[Message] = []
        self._documents: list[Document] = []
        self._cases: list[Case] = []

    def open(self, source: BinaryIO) -> None:
        for event in open_edifact(source):
            self._take(event)
            if len(self._messages) >= CHUNK:
                with self._corridor.store.begin() as work:
                    self._write(work)
        with self._corridor.store.begin() as work:
            self._write(work)
            self._finish(work)

    def _take(self, event: Event) -> None:
        match event:
            case InterchangeOpened():
                self._current = self._begin(event)
            case MessageRead() if self._current:
                self._read(self._current, event)
            case GroupOpened() | GroupClosed() if self._current:
                self._current.hearing.take_group(event)
            case InterchangeClosed() if self._current:
                self._current.findings += event.findings
                self._current.end = event.end
                self._closed.append(self._current)
                self._current = None
            case Debris():
                self._debris += event.findings

    def _begin(self, event: InterchangeOpened) -> _UnderWay:
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
        return _UnderWay(
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
            earlier = work.interchanges.find_same_reference(row, within=self._duplicate_window())
        return earlier.id if earlier is not None and earlier.result is not None else None

    def _duplicate_window(self) -> timedelta:
        partner = self._book.partner_of_mailbox(self._transmission.mailbox)
        days = [a.policies.duplicate_window_days for a in self._book.agreements if a.partner == partner]
        return timedelta(days=max(days, default=30))

    def _read(self, current: _UnderWay, message: MessageRead) -> None:
        current.messages += 1
        current.acknowledgments += message.header.type in ACKNOWLEDGMENTS
        current.digest.update("\x1d".join(message.segments[1:-1]).encode())
        row = _message_row(current.row, message)
        if isinstance(current.parties, Unmatched) or current.repeats:
            self._messages.append(row)
            return
        agreement = self._agreement(current.row, message)
        checked = check_message(message, codes=_codes(agreement))
        unmatched = agreement if isinstance(agreement, Unmatched) else None
        findings = (*checked.findings, *([unmatched.finding] if unmatched else []))
        result = _message_result(findings, unmatched)
        row = msgspec.structs.replace(row, result=result, findings=findings)
        self._messages.append(row)
        current.hearing.take_message(row.id, message, findings)
        self._sort(current, row, checked, agreement)

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
        self, current: _UnderWay, row: Message, checked: CheckedMessage, agreement: Agreement | Unmatched | None
    ) -> None:
        """Each message to its place: an acknowledgment received, a case, or a document."""
        if agreement is None:
            self._add_received(current, row, checked)
        elif isinstance(agreement, Unmatched):
            self._cases.append(
                _case(row.subject, agreement.reason, agreement.finding.sentence, self._transmission.partner)
            )
        else:
            current.agreements.add(agreement.id)
            self._add_document(current, row, checked, agreement)

    def _add_received(self, current: _UnderWay, row: Message, checked: CheckedMessage) -> None:
        received = read_contrl(checked.message.segments)
        if received is not None and received.outcome is not None and not checked.is_rejected:
            current.received.append((row.id, received))
            return
        sentence = _first_error(checked.findings) or "A CONTRL came that says nothing we can use."
        self._cases.append(_case(row.subject, "acknowledgment-unreadable", sentence, self._transmission.partner))

    def _add_document(self, current: _UnderWay, row: Message, checked: CheckedMessage, agreement: Agreement) -> None:
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
            reference=number,
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
            sentence = _first_error(findings)
            self._cases.append(_case(document.subject, "invalid", sentence, agreement.partner.name))

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

    def _finish(self, work: Work) -> None:
        results = [self._close(work, current) for current in self._closed]
        result = _transmission_result(results, [current.row for current in self._closed])
        findings = tuple(self._debris)
        if not self._closed:
            result = "unreadable"
            sentence = _first_error(findings) if findings else f"{self._transmission.name} holds no interchange."
            work.cases.open(_case(self._transmission.subject, "unreadable", sentence, self._transmission.partner))
        work.opening.finish(self._transmission.id, result, findings=findings, detail=_summary(self._closed, results))

    def _close(self, work: Work, current: _UnderWay) -> InterchangeResult:
        """Decide on one interchange, and stage what is answered."""
        fingerprint = current.digest.hexdigest()
        earlier = self._find_earlier(work, current, fingerprint)
        if earlier is not None:
            current.findings.append(_duplicate(current.row, earlier))
        if isinstance(current.parties, Unmatched):
            current.findings.append(current.parties.finding)
        verdict = current.hearing.verdict(tuple(current.findings))
        result = _interchange_result(current, verdict, earlier)
        agreement = next(iter(current.agreements)) if len(current.agreements) == 1 else None
        work.opening.close_interchange(
            current.row.id,
            result,
            end_offset=current.end,
            messages=current.messages,
            fingerprint=fingerprint,
            agreement=agreement,
            findings=current.findings,
            detail=_detail(earlier),
        )
        if result == "duplicate":
            work.opening.withdraw_documents(current.row.id)
        else:
            self._draw_conclusions(work, current, verdict)
        self._answer(work, msgspec.structs.replace(current.row, agreement=agreement), verdict, current)
        return result

    def _draw_conclusions(self, work: Work, current: _UnderWay, verdict: Verdict) -> None:
        """Cases and acknowledgments of an interchange that is not a duplicate."""
        if isinstance(current.parties, Unmatched):
            finding = current.parties.finding
            work.cases.open(
                _case(current.row.subject, current.parties.reason, finding.sentence, self._transmission.partner)
            )
            return
        self._void(work, current, verdict)
        for message_id, received in current.received:
            record_received(work, self._transmission, current.row, current.parties, message_id, received)

    def _answer(self, work: Work, row: Interchange, verdict: Verdict, current: _UnderWay) -> None:
        partner = self._book.partner_of_mailbox(self._transmission.mailbox)
        if partner is None or not current.is_business:
            return
        terms = is_answered(self._book, partner, row)
        if terms is not None and not self._was_said_before(work, row, verdict):
            outcomes = current.hearing.outcomes(verdict)
            stage_contrl(self._corridor.store, work, self._transmission, row, verdict, outcomes, partner, terms)

    def _was_said_before(self, work: Work, row: Interchange, verdict: Verdict) -> bool:
        """True for a reprocess that comes to the same as the partner was told before."""
        for ancestor in work.transmissions.lineage(self._transmission.id)[1:]:
            for earlier in work.interchanges.of(ancestor):
                if earlier.number == row.number and earlier.acknowledgment == verdict.outcome:
                    return True
        return False

    def _find_earlier(self, work: Work, current: _UnderWay, fingerprint: str) -> Interchange | None:
        if isinstance(current.parties, Unmatched):
            return None
        within = self._duplicate_window()
        earlier = work.interchanges.find_same_reference(current.row, within=within)
        if earlier is None and current.messages:
            earlier = work.interchanges.find_same_content(current.row, fingerprint, within=within)
        return earlier

    def _void(self, work: Work, current: _UnderWay, verdict: Verdict) -> None:
        """Nothing of an interchange or a group that is rejected as a whole is worked with."""
        if verdict.rejected:
            self._open_rejection(work, current, "interchange-rejected", verdict.cause)
        groups = [group for group in verdict.groups if group.rejected and not verdict.rejected]
        if groups:
            self._open_rejection(work, current, "group-rejected", groups[0].cause)
        if not verdict.rejected and not groups:
            return
        rejected = {one for one, outcome in current.hearing.outcomes(verdict).items() if outcome == "rejected"}
        documents = [one for one in work.documents.of(interchange=current.row.id) if one.message_id in rejected]
        cause = verdict.cause or groups[0].cause
        errors = [*([cause] if cause else []), *(one for one in current.findings if one.severity == "error")]
        work.documents.void(documents, "rejected with what it came in", findings=errors, detail=_sentence(cause))

    def _open_rejection(self, work: Work, current: _UnderWay, reason: str, cause: Finding | None) -> None:
        work.cases.open(_case(current.row.subject, reason, _sentence(cause), self._transmission.partner))


def _sentence(cause: Finding | None) -> str:
    return cause.sentence if cause else "It was rejected as a whole."


def _case(subject: Subject, reason: str, sentence: str, partner: str | None) -> Case:
    return Case(subject_kind=subject.kind, subject_id=subject.id, reason=reason, sentence=sentence, partner=partner)


def _message_row(interchange: Interchange, message: MessageRead) -> Message:
    return Message(
        interchange_id=interchange.id,
        number=message.number,
        type=message.header.type,
        version=message.header.directory,
        reference=message.header.reference,
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


def _codes(agreement: Agreement | Unmatched | None) -> Codes:
    return agreement.policies.code_severity if isinstance(agreement, Agreement) else "auto"


def _message_result(findings: tuple[Finding, ...], unmatched: Unmatched | None) -> MessageResult:
    if unmatched is not None:
        return "no agreement"
    if has_errors(findings):
        return "rejected"
    warned = any(finding.severity == "warning" for finding in findings)
    return "accepted with errors" if warned else "accepted"


#: What an interchange is called that came from nobody we know, or is for nobody here.
_UNMATCHED: dict[str, InterchangeResult] = {
    "unknown-mailbox": "unknown sender",
    "unknown-sender": "unknown sender",
    "sender-of-other-mailbox": "mismatching sender",
    "unknown-recipient": "no agreement",
}


def _interchange_result(current: _UnderWay, verdict: Verdict, earlier: Interchange | None) -> InterchangeResult:
    if isinstance(current.parties, Unmatched):
        return _UNMATCHED[current.parties.reason]
    return "duplicate" if earlier is not None else verdict.outcome


def _duplicate(row: Interchange, earlier: Interchange) -> Finding:
    same = "control reference" if row.control_reference == earlier.control_reference else "content"
    return Finding(
        code=DUPLICATE,
        severity="error",
        sentence=f"The same {same} came before, on {earlier.created_at:%Y-%m-%d %H:%M} UTC; nothing was done twice.",
        place=Place(interchange=row.control_reference, tag="UNB", element=5),
        found=row.control_reference,
    )


def _transmission_result(results: list[InterchangeResult], rows: list[Interchange]) -> TransmissionResult:
    if results and all(result == "duplicate" for result in results):
        return "duplicate"
    if results and all(result in ("unknown sender", "mismatching sender") for result in results):
        return "unknown sender"
    return "test lane" if rows and all(row.test for row in rows) else "taken"


def _first_error(findings: list[Finding] | tuple[Finding, ...]) -> str:
    errors = (finding.sentence for finding in findings if finding.severity == "error")
    return next(errors, findings[0].sentence if findings else "")


def _detail(earlier: Interchange | None) -> str:
    return f"Repeats interchange {earlier.control_reference} ({earlier.id})." if earlier else ""


def _summary(closed: list[_UnderWay], results: list[InterchangeResult]) -> str:
    return "; ".join(
        f"interchange {current.row.control_reference or current.row.number}: {result}, {current.messages} messages"
        for current, result in list(zip(closed, results, strict=True))[:20]
    )


def iter_outbound(work: Work, transmission_id: str) -> Iterator[str]:
    """Ids of the transmissions that carry what was answered to an inbound one."""
    for interchange in work.interchanges.of(transmission_id):
        for acknowledgment in work.acknowledgments.about(interchange.id):
            if acknowledgment.direction == "sent" and acknowledgment.transmission_id is not None:
                yield acknowledgment.transmission_id
