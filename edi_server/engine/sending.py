"""Outbound documents made messages and staged: one interchange each, or several of one run together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from edi_server.canonical import Record
from edi_server.engine.checking import guideline_of
from edi_server.engine.corridor import Corridor
from edi_server.engine.staging import Draft, Envelope, Letter, Request, draft_all, stage
from edi_server.envelope import edifact_writing, x12_writing
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.envelope.x12_groups import functional_group
from edi_server.findings import Finding, has_errors, regrade
from edi_server.guides import load_guide
from edi_server.guides.refinement import check_refined, refine
from edi_server.partners import Agreement
from edi_server.store import Case, Document, Work
from edi_server.translation import translator_for

AGENCY = "UN"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the message that an agreement asks for."""

    header: MessageHeader
    #: Segments between UNH and UNT in normal form.
    body: list[str]
    findings: tuple[Finding, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A document that is not in the store yet, with its message."""

    document: Document
    written: Written


def prepare(corridor: Corridor, agreement: Agreement, document: Document, content: Record) -> Prepared:
    """Write a document as the message that its agreement asks for; nothing is stored."""
    written = write_document(corridor, agreement, content)
    profile = corridor.profile(agreement)
    document = msgspec.structs.replace(
        document,
        profile=profile.name,
        profile_version=profile.version,
        findings=written.findings,
        validation="invalid" if has_errors(written.findings) else "valid",
    )
    return Prepared(document=document, written=written)


def send_all(corridor: Corridor, agreement: Agreement, prepared: Sequence[Prepared]) -> list[str]:
    """Stage documents in as few interchanges as the agreement's batches allow; the transmissions.

    What is known already is left out, and what cannot be said is stored with its case.
    """
    for one in prepared:
        if one.document.validation == "invalid":
            with corridor.store.begin() as work:
                if _claim(work, one.document):
                    _open_case(work, one.document)
    valid = [one for one in prepared if one.document.validation == "valid"]
    most = max(agreement.batch.most, 1)
    batches = (valid[at : at + most] for at in range(0, len(valid), most))
    return [sent for batch in batches if (sent := _send_batch(corridor, agreement, batch))]


def _send_batch(corridor: Corridor, agreement: Agreement, batch: Sequence[Prepared]) -> str | None:
    """One interchange; its transmission, or None if all of it is known."""
    request = request_of(agreement, batch)
    # Outside the unit of work: writing needs no lock, and the keys decide whether it counts.
    drafts = draft_all(corridor.store, [request])
    with corridor.store.begin() as work:
        new = [one for one in batch if _claim(work, one.document)]
        if not new:
            return None
        if len(new) < len(batch):
            request, drafts = request_of(agreement, new), {}
        return stage_documents(corridor, work, [one.document for one in new], request, drafts)


def _claim(work: Work, document: Document) -> bool:
    """Store the document unless its key is known; True if it was stored."""
    key, digest = str(document.business_key), str(document.content_hash)
    claimed = work.ledger.claim_key(key, digest, document.id, erp=document.erp)
    if claimed.outcome != "new" or claimed.posting.document_id != document.id:
        return False
    work.documents.add(document, detail=f"From {document.erp_record_name} in {document.erp}.")
    return True


def request_of(agreement: Agreement, batch: Sequence[Prepared]) -> Request:
    """What is staged for documents of one batch."""
    ids = " ".join(one.document.id for one in batch)
    return Request(
        envelope=_envelope(agreement),
        letters=tuple(Letter(header=one.written.header, body=one.written.body) for one in batch),
        groups=_groups(agreement),
        why=f"{agreement.id} {ids}",
        name=agreement.writing.file_name,
        number=batch[0].document.number or "",
    )


def request_for(agreement: Agreement, document: Document, written: Written, *, run: str = "") -> Request:
    """What is staged for a written document; `run` tells one sending of it from another."""
    return Request(
        envelope=_envelope(agreement),
        letters=(Letter(header=written.header, body=written.body),),
        groups=_groups(agreement),
        why=f"{agreement.id} {document.id} {run}".strip(),
        name=agreement.writing.file_name,
        number=document.number or "",
    )


def stage_documents(
    corridor: Corridor, work: Work, documents: Sequence[Document], request: Request, drafts: Mapping[str, Draft]
) -> str:
    """Stage documents, a letter each, in the caller's unit of work, drafted before it; the id of their transmission."""
    kind = corridor.kind_of(request.envelope.mailbox)
    staged = stage(corridor.store, work, request, kind=kind, draft=drafts.get(request.why))
    for document, message in zip(documents, staged.messages, strict=True):
        work.documents.place(
            document.id,
            transmission_id=staged.transmission.id,
            interchange_id=staged.interchange.id,
            message_id=message.id,
        )
    return staged.transmission.id


def write_document(corridor: Corridor, agreement: Agreement, content: Record) -> Written:
    """A canonical document through the agreement's profile, checked by the guide like anything that comes in."""
    version = agreement.versions[0]
    guide = load_guide(syntax=agreement.syntax, version=version, message=agreement.message)
    guideline = guideline_of(agreement)
    writing = translator_for(corridor.profile(agreement), guide).write(content)
    header = _message_header(agreement, version)
    policies = agreement.policies
    checked = check_refined(
        refine(guide, guideline) if guideline else guide,
        _whole(agreement, header, writing.segments),
        released=True,
        codes=policies.code_severity,
        depth=policies.depth,
    )
    # Characters that the syntax does not have are replaced, and told, where the bytes are written.
    said = (one for one in checked.findings if one.code != "guide.character-invalid")
    findings = regrade((*writing.findings, *said), policies.severities)
    return Written(header=header, body=writing.segments, findings=findings)


def _whole(agreement: Agreement, header: MessageHeader, body: Sequence[str]) -> list[str]:
    """The message as it will stand in its interchange, but for its number."""
    close = x12_writing.close_message if agreement.syntax == "x12" else edifact_writing.close_message
    return close(msgspec.structs.replace(header, reference="0001"), body)


def _message_header(agreement: Agreement, version: str) -> MessageHeader:
    directory, _, release = version.partition(".")
    return MessageHeader(
        type=agreement.message,
        version=directory,
        release=release,
        agency=agreement.writing.x12.agency if agreement.syntax == "x12" else AGENCY,
        association=agreement.writing.association,
    )


def _groups(agreement: Agreement) -> tuple[GroupHeader, ...]:
    """The group that its messages go into: always in X12, in EDIFACT where it was agreed."""
    if agreement.syntax == "x12":
        kind, version = functional_group(agreement.message), agreement.group_version
    elif agreement.writing.groups:
        kind, version = agreement.message, agreement.versions[0]
    else:
        return ()
    group = GroupHeader(
        message_type=kind,
        sender=agreement.own_group_written,
        recipient=agreement.partner_group_written,
        agency=agreement.writing.x12.agency if agreement.syntax == "x12" else AGENCY,
        version=version,
    )
    return (group,)


def _envelope(agreement: Agreement) -> Envelope:
    writing = agreement.writing
    is_x12 = agreement.syntax == "x12"
    expects = agreement.acknowledgments.expected_within is not None
    header = InterchangeHeader(
        syntax=agreement.syntax,
        charset="" if is_x12 else writing.charset,
        syntax_version=writing.x12.version if is_x12 else writing.syntax_version,
        sender=agreement.own_written,
        recipient=agreement.partner_written,
        application_reference="" if is_x12 else writing.application_reference,
        acknowledgment_requested=expects or (is_x12 and writing.x12.ask_for_ta1),
        test=agreement.test,
        agreement="" if is_x12 else writing.agreement_id,
        separators=agreement.separators,
    )
    return Envelope(
        header=header,
        partner=agreement.partner.name,
        mailbox=agreement.partner.mailbox,
        agreement=agreement.id,
        writing=writing,
        numbers=agreement.control_numbers,
        counter=agreement.interchange_counter,
    )


def _open_case(work: Work, document: Document) -> None:
    sentence = next(finding.sentence for finding in document.findings if finding.severity == "error")
    case = Case(
        subject_kind="document",
        subject_id=document.id,
        reason="invalid",
        sentence=f"{document.type} {document.number} was not sent: {sentence}",
        partner=document.partner,
    )
    work.cases.open(case)
