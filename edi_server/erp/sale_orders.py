"""One canonical order becomes the rows of one `load()` of `sale.order`, or the list of everything that forbids it."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import msgspec

from edi_server.canonical import Note, Order, OrderLine, When
from edi_server.erp.external_ids import MODULE, line_name
from edi_server.erp.matching import ROLES, Partners, Products
from edi_server.erp.port import OrderToPost, PostingPolicy
from edi_server.erp.session import Row, Session
from edi_server.erp.units import Units
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place, Severity, has_errors

#: What becomes a new sales order. A change or a cancellation posted as one would double the goods.
_POSTED_FUNCTIONS = ("original", "duplicate")
#: A blanket order is a promise that call-offs use up, nothing to deliver.
_NOT_POSTED_KINDS = ("blanket",)
_ROLE_COLUMNS = {
    "buyer": "partner_id/.id",
    "ship_to": "partner_shipping_id/.id",
    "invoice_to": "partner_invoice_id/.id",
}
_LINE = "order_line/"
#: Lines are numbered in hundreds, so that their notes fit behind them.
_LINE_STEP = 100


class Layout(msgspec.Struct, frozen=True):
    """What differs between versions of Odoo, found out by asking it."""

    #: Unit of measure of an order line.
    unit: str
    #: Decimals that Odoo keeps of a quantity and of a price; None: all.
    quantity_digits: int | None
    price_digits: int | None

    @classmethod
    def of(cls, session: Session) -> Layout:
        """The layout of `sale.order.line` in this Odoo: 17 says product_uom and rounds prices, 19 product_uom_id."""
        fields = session.fields("sale.order.line")
        return cls(
            "product_uom_id" if "product_uom_id" in fields else "product_uom",
            _digits(fields["product_uom_qty"]),
            _digits(fields["price_unit"]),
        )


def _digits(field: Row) -> int | None:
    return int(field["digits"][1]) if field.get("digits") else None


class Rows(msgspec.Struct, frozen=True):
    """One order, ready for `load()`; orders with the same columns may share a call."""

    key: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    #: Warnings and notes that go back with the answer.
    findings: tuple[Finding, ...]


def prepare(
    item: OrderToPost, partners: Partners, products: Products, units: Units, layout: Layout
) -> Rows | tuple[Finding, ...]:
    """The rows of the order, or all findings if at least one is an error."""
    sheet = _Sheet(item, partners, products, units, layout)
    findings = tuple(sheet.findings)
    return findings if has_errors(findings) else Rows(item.key, tuple(sheet.columns()), sheet.rows(), findings)


class _Sheet:
    """Header cells and line cells of one order, and what was found on the way."""

    def __init__(self, item: OrderToPost, partners: Partners, products: Products, units: Units, layout: Layout) -> None:
        self._partners, self._products, self._units, self._layout = partners, products, units, layout
        self._key, self._order, self._zone = item.key, item.order, _zone(item.policy)
        self._currency: str | None = None
        self.findings: list[Finding] = list(_unfit(item.order))
        self._header = {"id": f"{MODULE}.{item.key}"} | self._parties()
        self._header["client_order_ref"] = _text(item.order.number or "")
        if date := self._requested(item.order):
            self._header["commitment_date"] = date.strftime("%Y-%m-%d %H:%M:%S")
        self._priced = self._is_priced(item)
        self._lines = [*self._notes(item.order.notes, "n", 0), *self._goods()]
        self._check_currency(item.order)

    def columns(self) -> list[str]:
        cells = dict.fromkeys(name for line in self._lines for name in line)
        return [*self._header, *(_LINE + name for name in cells)]

    def rows(self) -> list[list[str]]:
        """Every row has every column: an empty cell tells Odoo to empty the field."""
        names = [name.removeprefix(_LINE) for name in self.columns()[len(self._header) :]]
        first, *others = [[line.get(name, "") for name in names] for line in self._lines]
        return [[*self._header.values(), *first], *([""] * len(self._header) + cells for cells in others)]

    def _parties(self) -> dict[str, str]:
        cells = {}
        for role in ROLES:
            party = getattr(self._order, role)
            if party is None and role != "buyer":
                continue  # Odoo takes the address that the customer has there
            if party is None:
                self._add("erp.partner-missing", "The order names no buyer.", Place(field="buyer"))
                continue
            found = self._partners.find(party, role)
            if isinstance(found, Finding):
                self.findings.append(found)
            else:
                cells[_ROLE_COLUMNS[role]] = str(found["id"])
                if role == "buyer":
                    self._currency = self._partners.currency(found)
        return cells

    def _is_priced(self, item: OrderToPost) -> bool:
        """Prices are a column of the call or they are not: without it the price list decides, an empty cell is 0.00."""
        stated = any(line.price is not None for line in item.order.lines)
        if item.policy.keep_prices and item.order.lines and not stated:
            sentence = "The order states no prices; those of Odoo's price list count."
            self._add("erp.price-list", sentence, Place(field="lines"), severity="note")
        return item.policy.keep_prices and stated

    def _check_currency(self, order: Order) -> None:
        if order.currency and self._currency and order.currency != self._currency:
            self._add(
                "erp.currency-differs",
                f"The order is in {order.currency}, but Odoo sells to this partner in {self._currency}: "
                f"give the partner a price list in {order.currency} there.",
                Place(field="currency"),
                found=order.currency,
                expected=self._currency,
            )

    def _requested(self, order: Order) -> datetime | None:
        """Requested delivery in UTC: the order's, else the earliest of its lines."""
        stamps = [
            stamp
            for index, line in enumerate(order.lines)
            if (stamp := self._moment(line.deliver_on, f"lines[{index}].deliver_on"))
        ]
        stamp = self._moment(order.deliver_on, "deliver_on") or min(stamps, default=None)
        if len({*stamps, stamp} - {None}) > 1 or any(len(line.deliveries) > 1 for line in order.lines):
            self._add(
                "erp.split-delivery",
                "Lines ask for several delivery dates; the sales order has one, the requested date of the order.",
                Place(field="lines"),
                severity="warning",
            )
        return stamp

    def _moment(self, when: When | None, path: str) -> datetime | None:
        if when is None:
            return None
        try:
            stamp = when.moment(self._zone) if when.format is None else None
        except ValueError:
            stamp = None
        if stamp is None:
            sentence = "The requested delivery is not a calendar day; the sales order was posted without it."
            self._add("erp.date-not-kept", sentence, Place(field=path), severity="warning", found=when.iso)
        return stamp

    def _notes(self, notes: tuple[Note, ...], name: str, after: int) -> list[dict[str, str]]:
        return [
            {
                "id": f"{MODULE}.{self._key}-{name}{index}",
                "sequence": str(after + index),
                "display_type": "line_note",
                "name": _text(note.text),
            }
            for index, note in enumerate(notes, 1)
            if note.text.strip()
        ]

    def _goods(self) -> list[dict[str, str]]:
        lines = []
        for index, line in enumerate(self._order.lines):
            sequence = _LINE_STEP * (index + 1)
            if cells := self._cells(index, line, sequence):
                lines += [cells, *self._notes(line.notes, f"{index + 1}n", sequence)]
        return lines

    def _cells(self, index: int, line: OrderLine, sequence: int) -> dict[str, str]:
        path = f"lines[{index}]"
        self._check_quantity(line, path)
        product = self._products.find(line, path)
        if isinstance(product, list):
            self.findings.extend(product)
            return {}
        unit = self._units.find(line.unit, product, Place(field=f"{path}.unit"))
        if isinstance(unit, Finding):
            self.findings.append(unit)
            return {}
        cells = {
            "id": f"{MODULE}.{line_name(self._key, index + 1, line.number)}",
            "sequence": str(sequence),
            "product_id/.id": str(product["id"]),
            f"{self._layout.unit}/.id": str(unit),
            "product_uom_qty": _number(line.quantity or Decimal(0)),
            "name": _text(_name(product, line)),
        }
        return cells | ({"price_unit": self._price(line, product, unit, path)} if self._priced else {})

    def _check_quantity(self, line: OrderLine, path: str) -> None:
        place = Place(field=f"{path}.quantity")
        if line.quantity is None or not line.quantity.is_finite() or line.quantity <= 0:
            sentence = "The ordered quantity must be greater than nought."
            self._add("erp.quantity-not-positive", sentence, place, found=_shown(line.quantity))
        elif _rounded(line.quantity, self._layout.quantity_digits) != line.quantity:
            sentence = f"Odoo keeps {self._layout.quantity_digits} decimals of a quantity; this one would be changed."
            self._add("erp.quantity-too-fine", sentence, place, found=_shown(line.quantity))

    def _price(self, line: OrderLine, product: Row, unit: int, path: str) -> str:
        """Price per one unit of the line. Odoo has no price basis."""
        place = Place(field=f"{path}.price")
        if line.price is None:
            sentence = "Other lines of this order state a price, this one does not: a price of nought must be stated."
            self._add("erp.price-missing", sentence, place)
            return ""
        if not line.price.is_finite() or line.price < 0:
            self._add("erp.price-negative", "The price is less than nought.", place, found=_shown(line.price))
            return ""
        basis = Decimal(1) if line.price_basis is None else line.price_basis
        if not basis.is_finite() or basis <= 0 or self._other_price_unit(line, product, unit, path):
            sentence = "The price is for another unit than the quantity; it cannot be turned into a price per unit."
            self._add(
                "erp.price-basis", sentence, place, found=f"{line.price} / {basis} {line.price_unit or ''}".strip()
            )
            return ""
        price = (line.price / basis).normalize()
        kept = _rounded(price, self._layout.price_digits)
        if kept != price:
            sentence = f"Odoo keeps {self._layout.price_digits} decimals of a price: it was posted as {kept}."
            self._add("erp.price-rounded", sentence, place, severity="warning", found=_shown(price), expected=str(kept))
        return _number(price)

    def _other_price_unit(self, line: OrderLine, product: Row, unit: int, path: str) -> bool:
        return bool(line.price_unit) and self._units.find(line.price_unit, product, Place(field=path)) != unit

    def _add(
        self,
        code: str,
        sentence: str,
        place: Place,
        *,
        severity: Severity = "error",
        found: str | None = None,
        expected: str | None = None,
    ) -> None:
        self.findings.append(
            Finding(code=code, severity=severity, sentence=sentence, place=place, found=found, expected=expected)
        )


def _zone(policy: PostingPolicy) -> ZoneInfo:
    try:
        return ZoneInfo(policy.time_zone)
    except (KeyError, ValueError):
        raise ConfigurationError(f"The time zone {policy.time_zone!r} of the agreement is unknown.") from None


def _unfit(order: Order) -> list[Finding]:
    """What keeps a document from becoming a new sales order, whatever Odoo knows."""
    findings = []
    if order.function not in _POSTED_FUNCTIONS:
        sentence = f"The document is no new order (function: {order.function}); a person has to apply it."
        findings.append(_unfit_field("erp.function-not-posted", sentence, "function", order.function))
    if order.kind in _NOT_POSTED_KINDS:
        sentence = f"An order of the kind {order.kind} is nothing to deliver; a person has to apply it."
        findings.append(_unfit_field("erp.kind-not-posted", sentence, "kind", order.kind))
    if not order.number:
        findings.append(_unfit_field("erp.number-missing", "The order has no number.", "number", None))
    if not order.lines:
        findings.append(_unfit_field("erp.lines-missing", "The order has no lines.", "lines", None))
    return findings


def _unfit_field(code: str, sentence: str, field: str, found: str | None) -> Finding:
    return Finding(code=code, severity="error", sentence=sentence, place=Place(field=field), found=found)


def _name(product: Row, line: OrderLine) -> str:
    """Our name of the article, as on every other sales order, then the buyer's words where they differ."""
    own = str(product["display_name"])
    words = (line.description or "").strip()
    return own if words.casefold() in own.casefold() else f"{own}\n{words}"


def _rounded(number: Decimal, digits: int | None) -> Decimal:
    return number if digits is None else number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _number(number: Decimal) -> str:
    return format(number, "f")


def _shown(number: Decimal | None) -> str | None:
    return None if number is None else _number(number)[:80]


def _text(text: str) -> str:
    return text.replace("\0", "")  # PostgreSQL cannot store NUL
