"""Everything about one document or transmission: the answer to `show`."""

from __future__ import annotations

from functools import partial

import msgspec

from edi_server.desk.actors import NotPossible
from edi_server.desk.excerpts import REACH, Pointed, Pointing, ReadRange
from edi_server.desk.references import Found, find
from edi_server.desk.repeating import meant
from edi_server.desk.views import (
    AcknowledgmentRow,
    AttemptRow,
    DocumentShown,
    InterchangeShown,
    Location,
    MessageRow,
    Occurrence,
    Shown,
    TransmissionShown,
    case_row,
    dead_letter_row,
    document_row,
    handed_name,
    transmission_row,
)
from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.store import (
    Acknowledgment,
    Archive,
    Document,
    Event,
    Interchange,
    Message,
    Store,
    Subject,
    Transmission,
)
from edi_server.store import Work as StoreWork

#: Messages of an interchange that are listed.
MESSAGES = 100
#: Findings that are shown in their bytes.
POINTED = 50


def show(store: Store, reference: str) -> Shown:
    """What a reference means; the newest in full. Raises NotPossible if nothing has that name."""
    with store.read() as work:
        return _Showing(store.archive, work).answer(find(work, reference))


def raw_bytes(store: Store, reference: str) -> bytes:
    """The bytes of the document's message, or of the whole transmission. Raises NotPossible, StoreError."""
    with store.read() as work:
        showing = _Showing(store.archive, work)
        location = showing.locate(find(work, reference))
    end = location.size if location.end is None else location.end
    return store.archive.read_range(location.archive_hash, location.start or 0, end)


def proof_bytes(store: Store, reference: str) -> bytes:
    """What proves that a transmission of ours arrived. Raises NotPossible, StoreError."""
    with store.read() as work:
        location = _Showing(store.archive, work).locate(find(work, reference))
    if location.proof_hash is None:
        raise NotPossible(f"{location.file_name} has no proof of delivery (yet): its transport knows of none.")
    with store.archive.open(location.proof_hash) as content:
        return content.read()


class _Showing:
    """One look at one state of the store."""

    def __init__(self, archive: Archive, work: StoreWork) -> None:
        self._archive = archive
        self._work = work

    def answer(self, found: Found) -> Shown:
        documents = meant(found)
        others = [document_row(one) for one in found.documents if not documents or one.id != documents[0].id]
        carriers = self._carriers(found)
        if documents:
            return Shown(
                reference=found.reference,
                document=self._document(self._work.documents.get(documents[0].id)),
                other_documents=tuple(others),
                other_transmissions=tuple(transmission_row(self._work, one) for one in carriers),
            )
        return Shown(
            reference=found.reference,
            transmission=self._transmission(carriers[0]),
            other_transmissions=tuple(transmission_row(self._work, one) for one in carriers[1:]),
        )

    def locate(self, found: Found) -> Location:
        """Where the bytes are of what is meant first."""
        documents = meant(found)
        if not documents:
            return _located(self._carriers(found)[0], None, None)
        location = self._location(documents[0])
        if location is None:
            raise NotPossible(f"{documents[0].type} {documents[0].number} has no bytes: it was never staged.")
        return location

    def _carriers(self, found: Found) -> list[Transmission]:
        ids = [*(one.id for one in found.transmissions), *(one.transmission_id for one in found.interchanges)]
        return [self._work.transmissions.get(one) for one in dict.fromkeys(ids)]

    # a document

    def _document(self, document: Document) -> DocumentShown:
        work = self._work
        message = work.interchanges.message(document.message_id) if document.message_id else None
        interchange = work.interchanges.find(document.interchange_id) if document.interchange_id else None
        transmission = work.transmissions.find(document.transmission_id) if document.transmission_id else None
        subjects = [one.subject if one else None for one in (document, message, interchange, transmission)]
        return DocumentShown(
            document=document_row(document),
            agreement=document.agreement,
            profile=document.profile,
            profile_version=document.profile_version,
            business_key=document.business_key,
            location=_located(transmission, interchange, message) if transmission else None,
            findings=self._point(document.findings, transmission, interchange, message),
            not_carried=document.not_carried,
            acknowledgments=self._acknowledgments(interchange),
            cases=tuple(case_row(work, case) for case in work.cases.about(*subjects)),
            dead_letters=tuple(dead_letter_row(work, letter) for letter in work.dead_letters.about(*subjects)),
            timeline=self._timeline(subjects),
            content=msgspec.Raw(document.content) if document.content else None,
        )

    def _location(self, document: Document) -> Location | None:
        if document.transmission_id is None:
            return None
        message = self._work.interchanges.message(document.message_id) if document.message_id else None
        interchange = self._work.interchanges.find(document.interchange_id) if document.interchange_id else None
        return _located(self._work.transmissions.get(document.transmission_id), interchange, message)

    def _point(
        self,
        findings: tuple[Finding, ...],
        transmission: Transmission | None,
        interchange: Interchange | None,
        message: Message | None = None,
    ) -> tuple[Pointed, ...]:
        """Findings with the bytes they are about; without them where the archive cannot be read."""
        if transmission is None:
            return tuple(Pointed(finding=finding) for finding in findings)
        header = interchange.header if interchange else None
        read_range = self._reading(transmission, message)
        pointing = Pointing(read_range, header.separators, header.charset) if header else Pointing(read_range)
        try:
            shown = [pointing.point(finding) for finding in findings[:POINTED]]
        except StoreError:
            shown = []
        return (*shown, *(Pointed(finding=finding) for finding in findings[len(shown) :]))

    def _reading(self, transmission: Transmission, message: Message | None) -> ReadRange:
        """Reads the transmission's bytes; those of a message once, for the archive unpacks from the start each time."""
        hash_ = transmission.content_hash
        if message is None or not message.end_offset:
            return partial(self._archive.read_range, hash_)
        first = max(0, message.start_offset - REACH)
        around: list[bytes] = []

        def read_range(start: int, end: int) -> bytes:
            if not around:
                around.append(self._archive.read_range(hash_, first, message.end_offset + REACH))
            return around[0][max(0, start - first) : max(0, end - first)]

        return read_range

    def _acknowledgments(self, interchange: Interchange | None) -> tuple[AcknowledgmentRow, ...]:
        if interchange is None:
            return ()
        return tuple(self._acknowledgment(one) for one in self._work.acknowledgments.about(interchange.id))

    def _acknowledgment(self, one: Acknowledgment) -> AcknowledgmentRow:
        carrier = self._work.transmissions.find(one.transmission_id) if one.transmission_id else None
        return AcknowledgmentRow(
            direction=one.direction,
            kind=one.kind,
            outcome=one.outcome,
            control_number=one.control_number,
            created_at=one.created_at,
            transmission_id=one.transmission_id,
            file_name=handed_name(self._work, carrier) if carrier else None,
            delivery=carrier.delivery if carrier else None,
        )

    def _timeline(self, subjects: list[Subject | None]) -> tuple[Occurrence, ...]:
        return tuple(occurrence(event) for event in self._work.timeline.of(*subjects))

    # a transmission

    def _transmission(self, transmission: Transmission) -> TransmissionShown:
        work = self._work
        inside = work.interchanges.of(transmission.id)
        subjects: list[Subject | None] = [transmission.subject, *(one.subject for one in inside)]
        return TransmissionShown(
            transmission=transmission_row(work, transmission),
            location=_located(transmission, None, None),
            findings=self._point(transmission.findings, transmission, None),
            interchanges=tuple(self._interchange(transmission, one) for one in inside),
            documents=tuple(document_row(one) for one in work.documents.of(transmission=transmission.id)[:MESSAGES]),
            attempts=tuple(
                AttemptRow(at=one.at, outcome=one.outcome, detail=one.detail)
                for one in sorted(work.transmissions.attempts(transmission.id), key=lambda one: one.at)
            ),
            cases=tuple(case_row(work, case) for case in work.cases.about(*subjects)),
            dead_letters=tuple(dead_letter_row(work, letter) for letter in work.dead_letters.about(*subjects)),
            timeline=self._timeline(subjects),
        )

    def _interchange(self, transmission: Transmission, interchange: Interchange) -> InterchangeShown:
        messages = self._work.interchanges.messages(interchange.id, limit=MESSAGES)
        return InterchangeShown(
            id=interchange.id,
            number=interchange.number,
            control_reference=interchange.control_reference,
            sender=str(interchange.sender),
            recipient=str(interchange.recipient),
            test=interchange.test,
            agreement=interchange.agreement,
            result=interchange.result,
            acknowledgment=interchange.acknowledgment,
            due_at=interchange.due_at,
            findings=self._point(interchange.findings, transmission, interchange),
            message_count=interchange.messages or len(messages),
            messages=tuple(_message_row(message) for message in messages),
            acknowledgments=self._acknowledgments(interchange),
        )


def _located(transmission: Transmission, interchange: Interchange | None, message: Message | None) -> Location:
    # Outbound messages are written as one piece: only the interchange's extent is known.
    start, end = (message.start_offset, message.end_offset) if message and message.end_offset else (None, None)
    return Location(
        transmission_id=transmission.id,
        direction=transmission.direction,
        partner=transmission.partner,
        mailbox=transmission.mailbox,
        file_name=transmission.name,
        size=transmission.size,
        archive_hash=transmission.content_hash,
        interchange=interchange.number if interchange else None,
        control_reference=interchange.control_reference if interchange else None,
        message=message.number if message else None,
        message_reference=message.reference if message else None,
        start=start,
        end=end,
        transport=transmission.transport,
        transport_detail=transmission.detail,
        proof_hash=transmission.proof_hash,
        proven_at=transmission.proven_at,
    )


def _message_row(message: Message) -> MessageRow:
    return MessageRow(
        id=message.id,
        number=message.number,
        type=message.type,
        version=message.version,
        reference=message.reference,
        segments=message.segments,
        result=message.result,
        acknowledgment=message.acknowledgment,
        start=message.start_offset,
        end=message.end_offset,
        findings=message.findings,
    )


def occurrence(event: Event) -> Occurrence:
    """An event as timelines show it."""
    return Occurrence(
        at=event.at,
        level=event.subject_kind,
        what=event.what,
        result=event.result,
        detail=event.detail,
        profile_version=event.profile_version,
        actor=event.actor,
    )
