"""The way out: what was done in the ERP becomes a document and leaves as a message, exactly once."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from edi_server.canonical import DespatchAdvice, When, to_json
from edi_server.engine.corridor import Corridor
from edi_server.engine.sending import Prepared, prepare, send_all
from edi_server.erp.port import DeliveryDone
from edi_server.errors import EdiServerError, ErpError
from edi_server.partners import Agreement
from edi_server.store import Document, business_key

#: Looked back beyond the last record seen: a transaction may commit that long after the time it writes.
OVERLAP = timedelta(minutes=10)

log = logging.getLogger(__name__)


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
    prepared: list[Prepared] = []
    failed = []
    for delivery in deliveries:
        try:
            prepared += _prepare(corridor, agreement, delivery)
        except EdiServerError:
            raise
        except Exception as error:  # one odd delivery must not hold back those behind it
            log.exception("delivery %s cannot be advised", delivery.record_name)
            failed.append(f"Delivery {delivery.record_name} cannot be advised: {type(error).__name__}: {error}")
    staged = send_all(corridor, agreement, prepared)
    if failed:
        raise ErpError(" ".join(failed), permanent=True)
    if deliveries:
        _advance(corridor, name, max(delivery.changed_at for delivery in deliveries))
    return [(one, agreement.partner.mailbox) for one in staged]


def _advance(corridor: Corridor, name: str, to: datetime) -> None:
    with corridor.store.begin() as work:
        work.watermarks.advance(name, to)


def _prepare(corridor: Corridor, agreement: Agreement, delivery: DeliveryDone) -> list[Prepared]:
    """The despatch advice of a delivery; none where it is known already."""
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
    # Only spares the work: the key is claimed when it is staged.
    with corridor.store.read() as work:
        if document.business_key and work.ledger.find(document.business_key):
            return []
    return [prepare(corridor, agreement, document, advice)]


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
