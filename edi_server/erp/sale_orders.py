"""One canonical order becomes the rows of one `load()` of `sale.order`, or the list of everything that forbids it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from edi_server.canonical import Order, When
from edi_server.erp.external_ids import MODULE
from edi_server.erp.matching import ROLES, Catalogue
from edi_server.erp.order_lines import Cells, LineSheet, text_cell
from edi_server.erp.port import OrderToPost, PostingPolicy
from edi_server.erp.remarks import Remarks
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, has_errors

#: What becomes a new sales order. A change or a cancellation posted as one would double the goods.
_POSTED_FUNCTIONS = ("original", "duplicate")
#: A blanket order is a promise that call-offs use up, nothing to deliver.
_NOT_POSTED_KINDS = ("blanket",)
_COLUMNS = {
    "buyer": "partner_id/.id",
    "ship_to": "partner_shipping_id/.id",
    "invoice_to": "partner_invoice_id/.id",
}
_LINE = "order_line/"


class Rows(msgspec.Struct, frozen=True):
    """One order, ready for `load()`; orders with the same columns may share a call."""

    key: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    #: Warnings and notes that go back with the answer.
    findings: tuple[Finding, ...]


def prepare(item: OrderToPost, catalogue: Catalogue) -> Rows | tuple[Finding, ...]:
    """The rows of the order, or all findings if at least one is an error."""
    remarks = Remarks()
    _refuse_unfit(item.order, remarks)
    header = _Header(item, catalogue, remarks).cells()
    lines = LineSheet(item, catalogue, remarks).cells()
    findings = tuple(remarks.found)
    return findings if has_errors(findings) else _tabulate(item.key, header, lines, findings)


def _tabulate(key: str, header: Cells, lines: list[Cells], findings: tuple[Finding, ...]) -> Rows:
    """Every row has every column: an empty cell tells Odoo to empty the field."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    first, *others = [[line.get(name, "") for name in names] for line in lines]
    columns = (*header, *(_LINE + name for name in names))
    rows = [[*header.values(), *first], *([""] * len(header) + cells for cells in others)]
    return Rows(key, columns, rows, findings)


def _refuse_unfit(order: Order, remarks: Remarks) -> None:
    """What keeps a document from becoming a new sales order, whatever Odoo knows."""
    if order.function not in _POSTED_FUNCTIONS:
        sentence = f"The document is no new order (function: {order.function}); a person has to apply it."
        remarks.refuse("erp.function-not-posted", sentence, "function", found=order.function)
    if order.kind in _NOT_POSTED_KINDS:
        sentence = f"An order of the kind {order.kind} is nothing to deliver; a person has to apply it."
        remarks.refuse("erp.kind-not-posted", sentence, "kind", found=order.kind)
    if not order.number:
        remarks.refuse("erp.number-missing", "The order has no number.", "number")
    if not order.lines:
        remarks.refuse("erp.lines-missing", "The order has no lines.", "lines")


class _Header:
    """The cells of the order itself."""

    def __init__(self, item: OrderToPost, catalogue: Catalogue, remarks: Remarks) -> None:
        self._key, self._order, self._zone = item.key, item.order, _zone(item.policy)
        self._catalogue, self._remarks = catalogue, remarks

    def cells(self) -> Cells:
        cells = {"id": f"{MODULE}.{self._key}"} | self._parties()
        cells["client_order_ref"] = text_cell(self._order.number or "")
        if stamp := self._requested():
            cells["commitment_date"] = stamp.replace(tzinfo=None).isoformat(" ", "seconds")
        return cells

    def _parties(self) -> Cells:
        cells = {}
        for role in ROLES:
            party = getattr(self._order, role)
            if party is None and role == "buyer":
                self._remarks.refuse("erp.partner-missing", "The order names no buyer.", role)
            if party is None:
                continue  # Odoo takes the address that the customer has there
            found = self._catalogue.partners.find(party, role)
            if isinstance(found, Finding):
                self._remarks.found.append(found)
                continue
            cells[_COLUMNS[role]] = str(found["id"])
            if role == "buyer":
                self._check_currency(self._catalogue.partners.currency(found))
        return cells

    def _check_currency(self, currency: str) -> None:
        """Odoo ignores a currency it is given; it sells in that of the price list."""
        wanted = self._order.currency
        if wanted and wanted != currency:
            sentence = (
                f"The order is in {wanted}, but Odoo sells to this partner in {currency}: "
                f"give the partner a price list in {wanted} there."
            )
            self._remarks.refuse("erp.currency-differs", sentence, "currency", found=wanted, expected=currency)

    def _requested(self) -> datetime | None:
        """Requested delivery in UTC: the order's, else the earliest of its lines."""
        lines = self._order.lines
        stamps = [self._moment(line.deliver_on, f"lines[{index}].deliver_on") for index, line in enumerate(lines)]
        known = [stamp for stamp in stamps if stamp]
        stamp = self._moment(self._order.deliver_on, "deliver_on") or min(known, default=None)
        if len({*known, stamp} - {None}) > 1 or any(len(line.deliveries) > 1 for line in lines):
            sentence = "Lines ask for several deliveries; the sales order has one date, the requested or the earliest."
            self._remarks.warn("erp.split-delivery", sentence, "lines")
        return stamp

    def _moment(self, when: When | None, field: str) -> datetime | None:
        if when is None:
            return None
        try:
            stamp = when.moment(self._zone)
        except (ValueError, OverflowError):
            stamp = None
        if stamp is None:
            sentence = "The requested delivery is not a calendar day; the sales order is posted without it."
            self._remarks.warn("erp.date-not-kept", sentence, field, found=when.iso)
        return stamp


def _zone(policy: PostingPolicy) -> ZoneInfo:
    try:
        return ZoneInfo(policy.time_zone)
    except (KeyError, ValueError):
        raise ConfigurationError(f"The time zone {policy.time_zone!r} of the agreement is unknown.") from None
