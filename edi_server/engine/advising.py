"""APERAK and 824: what our application says about a document, once, when it is known.

An invalid document is advised when it was opened, one that a person rejects with that person's reason, and one that the
ERP took where the agreement wants to hear that too. What the syntax refused, CONTRL, 997 and 999 have said.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edi_server.acknowledgments import (
    SUSPENDED,
    Advice,
    Kind,
    advice_group,
    advice_header,
    advice_version,
    aperak_header,
    aperak_version,
    fault_of,
    is_advised,
    write_824,
    write_aperak,
)
from edi_server.engine.acknowledging import answering_header, envelope_to
from edi_server.engine.corridor import Corridor
from edi_server.engine.staging import Letter, Request, stage, transmission_of
from edi_server.envelope.model import GroupHeader, MessageHeader
from edi_server.findings import Finding
from edi_server.partners import Agreement
from edi_server.store import Acknowledgment, Document, Interchange, Message, Work

_KINDS: dict[str, Kind] = {"aperak": "APERAK", "824": "824"}
#: Stands where control numbers come later.
_NO_NUMBER = "0001"


def advise_opened(corridor: Corridor, transmission_id: str) -> list[tuple[str, str]]:
    """Stage what is to be said of the documents of a transmission that was opened; (transmission, mailbox) of each."""
    with corridor.store.read() as work:
        due = [one.id for one in work.documents.of(transmission=transmission_id) if one.validation == "invalid"]
    return advise_all(corridor, due)


def advise_all(corridor: Corridor, document_ids: Iterable[str]) -> list[tuple[str, str]]:
    """Stage what is to be said of these documents now; (transmission, mailbox) of each advice."""
    staged = []
    for document_id in document_ids:
        with corridor.store.begin() as work:
            advice = stage_advice(corridor, work, work.documents.get(document_id))
        if advice is not None:
            staged.append(advice)
    return staged


def stage_advice(corridor: Corridor, work: Work, document: Document, *, reason: str = "") -> tuple[str, str] | None:
    """Stage the APERAK or 824 about a document in the caller's unit of work, if one is due and none was staged.

    `reason` is why a person rejected it. Returns transmission and mailbox.
    """
    agreement = corridor.book.agreement(document.agreement or "")
    if agreement is None or not _is_due(document, agreement) or document.interchange_id is None:
        return None
    kind = _KINDS[agreement.acknowledgments.application.kind]
    why = f"{kind} about {document.id}"
    message = work.interchanges.message(document.message_id or "")
    interchange = work.interchanges.get(document.interchange_id)
    if (
        message is None
        or not _is_spoken_of(document, message, interchange, reason)
        or work.transmissions.find(transmission_of(why))
    ):
        return None
    advice = _advice(document, interchange, message, agreement, reason)
    mailbox = work.transmissions.get(interchange.transmission_id).mailbox
    request = _request(agreement, advice, kind, why, mailbox)
    staged = stage(corridor.store, work, request, kind=corridor.kind_of(mailbox))
    acknowledgment = Acknowledgment(
        direction="sent",
        kind=kind,
        transmission_id=staged.transmission.id,
        interchange_id=staged.interchange.id,
        message_id=staged.messages[0].id,
        about_interchange_id=interchange.id,
        about_control_reference=interchange.control_reference,
        outcome=advice.outcome,
        control_number=staged.interchange.control_reference,
        detail={"document": document.number, "messages": {message.reference: advice.outcome}},
    )
    work.acknowledgments.record_advice(acknowledgment, document.id)
    detail = f"{kind} {staged.interchange.control_reference} tells the partner."
    work.timeline.add(document.subject, "advised", result=advice.outcome, detail=detail)
    return staged.transmission.id, mailbox


def _is_due(document: Document, agreement: Agreement) -> bool:
    terms = agreement.acknowledgments.application
    if terms.kind == "none" or document.direction != "inbound" or document.superseded_by is not None:
        return False
    return document.validation == "invalid" or (terms.when == "always" and document.delivery == "delivered")


def _is_spoken_of(document: Document, message: Message, interchange: Interchange, reason: str) -> bool:
    """Not an acknowledgment, not a duplicate; and not refused by the syntax, unless a person has more to say.

    What is refused with its group or interchange is refused by the syntax, too; but where only another message of the
    same interchange is wrong, the sender of this one has to be told which (`SUSPENDED`).
    """
    if not is_advised(message.type) or interchange.header is None or interchange.result == "duplicate":
        return False
    errors = [finding for finding in document.findings if finding.severity == "error"]
    is_suspended = any(finding.code == SUSPENDED for finding in errors)
    around = any(map(fault_of, errors)) or (message.acknowledgment == "rejected" and not is_suspended)
    return bool(reason) or not (around or message.result == "rejected")


def _advice(
    document: Document, interchange: Interchange, message: Message, agreement: Agreement, reason: str
) -> Advice:
    assert interchange.header is not None
    version, _, release = message.version.partition(".")
    said = [Finding(code="document.rejected", severity="error", sentence=reason)] if reason else []
    return Advice(
        interchange=interchange.header,
        group=message.group_header,
        message=MessageHeader(type=message.type, reference=message.reference, version=version, release=release),
        findings=(*said, *document.findings),
        document=document.type,
        number=document.number or "",
        report_warnings=agreement.acknowledgments.report_warnings,
    )


def _request(agreement: Agreement, advice: Advice, kind: Kind, why: str, mailbox: str) -> Request:
    partner = agreement.partner
    at = datetime.now(UTC).astimezone(ZoneInfo(partner.time_zone))
    reference = why.replace("-", "")[-12:].upper()
    groups: tuple[GroupHeader, ...] = ()
    if kind == "APERAK":
        association = partner.writing.association
        segments = write_aperak(
            advice, message_reference=_NO_NUMBER, reference=reference, written_at=at, association=association
        )
        header = aperak_header(aperak_version(advice.message), _NO_NUMBER, association)
    else:
        group = advice.group or GroupHeader()
        version = advice_version(group)
        segments = write_824([advice], message_reference=_NO_NUMBER, reference=reference, written_at=at)
        header = advice_header(group, _NO_NUMBER)
        groups = (advice_group(group, advice.interchange, control_reference="", date="", time="", version=version),)
    return Request(
        envelope=envelope_to(partner, mailbox, answering_header(advice.interchange, partner)),
        letters=(Letter(header=header, body=segments[1:-1]),),
        groups=groups,
        why=why,
        name=partner.writing.file_name,
        number=advice.number,
    )
