"""What became of an upload, in the words of findings, into the `status/` folder of the partner's SFTP account."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

from edi_server.config import Configuration
from edi_server.engine.sftp_accounts import mailboxes_folder
from edi_server.errors import EdiServerError
from edi_server.findings import Finding
from edi_server.partners import Book
from edi_server.store import Document, Interchange, Store, Transmission, Work
from edi_server.transports.sftp_account.names import printable
from edi_server.transports.sftp_account.statuses import Statuses

log = logging.getLogger(__name__)

#: Documents, and findings of each, that a status names; the rest is counted.
_DOCUMENTS, _FINDINGS = 200, 10
_EVER = timedelta(days=3650)
_TRANSMISSION = "Transmission "
#: By transmission: the statuses of others are written meanwhile.
_TURNS = tuple(threading.Lock() for _ in range(64))


def tell_status(configuration: Configuration, book: Book, store: Store, transmission_id: str) -> None:
    """Write or renew the status file of an upload; nothing for what came another way. What fails is logged."""
    try:
        # Whoever reads first must not write last: the status would go back to what it was.
        with _TURNS[hash(transmission_id) % len(_TURNS)]:
            _tell(configuration, book, store, transmission_id)
    except (EdiServerError, OSError) as error:
        log.warning("the status of %s could not be written: %s", transmission_id, error)


def _tell(configuration: Configuration, book: Book, store: Store, transmission_id: str) -> None:
    with store.read() as work:
        transmission = work.transmissions.get(transmission_id)
        if transmission.transport != "sftp_account" or transmission.direction != "inbound":
            return
        text = status_text(work, transmission)
    partner = book.partner_of_mailbox(transmission.mailbox)
    if partner is None or partner.sftp_account is None:
        return
    statuses = Statuses(mailboxes_folder(configuration) / transmission.mailbox)
    statuses.say(transmission.name, transmission.detail.get("upload", transmission.id), text)


def status_text(work: Work, transmission: Transmission) -> str:
    """The status of an inbound transmission for the partner who sent it."""
    return "\n".join([*_lines(work, transmission), "", f"{_TRANSMISSION}{transmission.id}", ""])


def _lines(work: Work, transmission: Transmission) -> Iterator[str]:
    when = f"{transmission.created_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{printable(transmission.name)}: received {when}, {transmission.size} bytes."
    if transmission.result is None:
        yield "It is being read."
        return
    for finding in _telling(transmission.findings):
        yield f"  {_sentence(finding)}"
    documents = work.documents.of(transmission=transmission.id)
    for interchange in work.interchanges.of(transmission.id):
        yield ""
        yield from _interchange(work, interchange, [one for one in documents if one.interchange_id == interchange.id])


def _interchange(work: Work, interchange: Interchange, documents: list[Document]) -> Iterator[str]:
    yield f"Interchange {interchange.control_reference or interchange.number}: {interchange.result or 'being read'}."
    for finding in _telling(interchange.findings):
        yield f"  {_sentence(finding)}"
    if interchange.result == "duplicate" and not _came_before(work, interchange):
        yield (
            "  What is in it did not come before, and was NOT processed: only the control reference is the same. If it"
            " is meant, please send it again under a new one."
        )
    for document in documents[:_DOCUMENTS]:
        yield f"  {_document(document)}"
        if document.validation == "invalid" or document.delivery == "failed":
            yield from (f"    {_sentence(finding)}" for finding in _telling(document.findings))
    if len(documents) > _DOCUMENTS:
        yield f"  and {len(documents) - _DOCUMENTS} more"
    known = {one.message_id for one in documents}
    for message in work.interchanges.messages(interchange.id, limit=_DOCUMENTS):
        if message.id not in known and message.findings:
            yield f"  {message.type} {message.reference}: {message.result or 'read'}"
            yield from (f"    {_sentence(finding)}" for finding in _telling(message.findings))


def _came_before(work: Work, interchange: Interchange) -> bool:
    """True if the same messages were taken before, under whatever control reference."""
    fingerprint = interchange.fingerprint
    found = work.interchanges.find_same_content(interchange, fingerprint, within=_EVER) if fingerprint else None
    return found is not None


def _document(document: Document) -> str:
    what = f"{document.type} {document.number or '(without number)'}"
    if document.validation == "invalid":
        why = "rejected because of what follows; please correct it and send it again under a new control reference"
        return f"{what}: {why}."
    if document.delivery == "delivered":
        return f"{what}: accepted as {document.erp_record_name}." if document.erp_record_name else f"{what}: accepted."
    if document.delivery == "failed":
        return f"{what}: received and right; somebody here has to look at it. You need not send it again."
    return f"{what}: received and right; it is being entered."


def _telling(findings: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in findings if one.severity != "note"][:_FINDINGS]


def _sentence(finding: Finding) -> str:
    place = finding.place
    where = [
        f"{word} {value}"
        for word, value in (
            ("message", place.message),
            ("segment", place.segment),
            ("", place.tag),
            ("element", place.element),
            ("component", place.component),
        )
        if value
    ]
    at = f" ({', '.join(' '.join(one.split()) for one in where)})" if where else ""
    kind = "" if finding.severity == "error" else f"{finding.severity}: "
    return f"{kind}{finding.sentence}{at}"
