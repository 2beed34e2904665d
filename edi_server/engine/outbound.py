"""The way out: what was done in the ERP becomes a document and leaves as a message, exactly once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from edi_server.canonical import DespatchAdvice, Record, When, to_json
from edi_server.engine.checking import guideline_of
from edi_server.engine.corridor import Corridor
from edi_server.engine.staging import Draft, Envelope, Letter, Request, draft_all, stage
from edi_server.envelope import edifact_writing, x12_writing
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.envelope.x12_groups import functional_group
from edi_server.erp.port import DeliveryDone
from edi_server.errors import EdiServerError, ErpError
from edi_server.findings import Finding, has_errors, regrade
from edi_server.guides import load_guide
from edi_server.guides.refinement import check_refined, refine
from edi_server.partners import Agreement
from edi_server.store import Case, Document, Work, business_key
from edi_server.translation import translator_for

#: Looked back beyond the last record seen: a transaction may commit that long after the time it writes.
OVERLAP = timedelta(minutes=10)
AGENCY = "UN"

log = logging.getLogger(__name__)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the message that an agreement asks for."""

    header: MessageHeader
    #: Segments between UNH and UNT in normal form.
    body: list[str]
    findings: tuple[Finding, ...]


def advise_deliveries(corridor: Corridor, agreement_id: str) -> list[tuple[str, str]]:
    """Stage a message for each delivery that was done and not advised yet; (transmission, mailbox) of each.

    Raises ErpError, StoreError, ConfigurationError; what was staged until then stays.
    """
    agreement = corridor.agreement(agreement_id)
    if agreement.state not in ("testing", "live"):  # paused since this was submitted
        return []
    name = f"deliveries for {agreement.id}"
    with corridor.store.read() as work:
        reached = work.watermarks.reached(name)
    customer = agreement.partner.erp_reference
    deliveries = corridor.erp(agreement.erp, agreement.own.odoo_company_id).deliveries_done(
        customer, reached and reached - OVERLAP
    )
    staged, failed = [], []
    for delivery in deliveries:
        try:
            staged.append(advise(corridor, agreement, delivery))
        except EdiServerError:
            raise
        except Exception as error:  # one odd delivery must not hold back those behind it
            log.exception("delivery %s cannot be advised", delivery.record_name)
            failed.append(f"Delivery {delivery.record_name} cannot be advised: {type(error).__name__}: {error}")
    if failed:
        raise ErpError(" ".join(failed), permanent=True)
    if deliveries:
        _advance(corridor, name, max(delivery.changed_at for delivery in deliveries))
    return [(one, agreement.partner.mailbox) for one in staged if one is not None]


def _advance(corridor: Corridor, name: str, to: datetime) -> None:
    with corridor.store.begin() as work:
        work.watermarks.advance(name, to)


def advise(corridor: Corridor, agreement: Agreement, delivery: DeliveryDone) -> str | None:
    """Stage the despatch advice of one delivery; the transmission, or None if there is none (known, or not sayable)."""
    advice = _agreed(delivery.advice, agreement)
    content = to_json(advice)
    document = Document(
        direction="outbound",
        company=agreement.company,
        partner=agreement.partner.name,
        agreement=agreement.id,
        type=agreement.document,
        number=advice.number,
        business_key=business_key(
            agreement.company, agreement.partner.name, agreement.document, advice.number, test=agreement.test
        ),
        reference=delivery.order_numbers[0] if delivery.order_numbers else advice.number,
        test=agreement.test,
        content=content,
        content_hash=hashlib.sha256(content).hexdigest(),
        erp=agreement.erp,
        erp_record_id=delivery.record_id,
        erp_record_name=delivery.record_name,
    )
    # Outside the unit of work: writing a message needs no lock, and the key below decides whether it counts.
    with corridor.store.read() as work:
        if document.business_key and work.ledger.find(document.business_key):
            return None
    return send(corridor, agreement, document, advice)


def send(corridor: Corridor, agreement: Agreement, document: Document, content: Record) -> str | None:
    """Stage an outbound document that is not in the store yet; its transmission, or None if it is known or invalid."""
    written = write_document(corridor, agreement, content)
    profile = corridor.profile(agreement)
    document = msgspec.structs.replace(
        document,
        profile=profile.name,
        profile_version=profile.version,
        findings=written.findings,
        validation="invalid" if has_errors(written.findings) else "valid",
    )
    request = request_for(agreement, document, written)
    drafts = {} if document.validation == "invalid" else draft_all(corridor.store, [request])
    with corridor.store.begin() as work:
        key, digest = str(document.business_key), str(document.content_hash)
        claimed = work.ledger.claim_key(key, digest, document.id, erp=document.erp)
        if claimed.outcome != "new" or claimed.posting.document_id != document.id:
            return None
        work.documents.add(document, detail=f"From {document.erp_record_name} in {document.erp}.")
        if document.validation == "invalid":
            _open_case(work, document)
            return None
        return stage_document(corridor, work, document, request, drafts)


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


def stage_document(
    corridor: Corridor, work: Work, document: Document, request: Request, drafts: Mapping[str, Draft]
) -> str:
    """Stage a document in the caller's unit of work, drafted before it; the id of its transmission."""
    kind = corridor.kind_of(request.envelope.mailbox)
    staged = stage(corridor.store, work, request, kind=kind, draft=drafts.get(request.why))
    work.documents.place(
        document.id,
        transmission_id=staged.transmission.id,
        interchange_id=staged.interchange.id,
        message_id=staged.messages[0].id,
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
    findings = regrade((*writing.findings, *checked.findings), policies.severities)
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


def _agreed(advice: DespatchAdvice, agreement: Agreement) -> DespatchAdvice:
    """The advice in the agreement's terms: our identity where the ERP does not know it, times in the agreed zone."""
    zone = ZoneInfo(agreement.time_zone or "UTC")
    supplier = advice.supplier
    if supplier is not None and not supplier.gln and agreement.own.gln:
        supplier = msgspec.structs.replace(supplier, gln=agreement.own.gln)
    return msgspec.structs.replace(
        advice,
        supplier=supplier,
        issued_on=_local(advice.issued_on, zone),
        despatched_on=_local(advice.despatched_on, zone),
        deliver_on=_local(advice.deliver_on, zone),
    )


def _local(when: When | None, zone: ZoneInfo) -> When | None:
    """An instant as the clock of the zone shows it, to the minute; 12:00 is how a bare date went into the ERP."""
    if when is None or when.date() is None or "T" not in when.iso:
        return when
    moment = when.moment(zone)
    assert moment is not None  # it has a day
    local = moment.astimezone(zone)
    if (local.hour, local.minute, local.second) == (12, 0, 0):
        return When(iso=local.date().isoformat())
    return When(iso=local.replace(tzinfo=None).isoformat(timespec="minutes"))


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
