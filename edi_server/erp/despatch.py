"""Outgoing deliveries (`stock.picking`, done) become canonical despatch advices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from edi_server.canonical import Batch, DespatchAdvice, DespatchLine, Reference, When
from edi_server.erp.addresses import read_parties
from edi_server.erp.external_ids import line_numbers
from edi_server.erp.gs1 import is_gs1_number
from edi_server.erp.matching import unit_field
from edi_server.erp.packing import Packing
from edi_server.erp.port import DeliveryDone
from edi_server.erp.session import Row, Session
from edi_server.erp.units import Units

_AT_ONCE = 100
#: A despatch advice number has at most 35 characters (EDIFACT BGM 1004).
_LONGEST_NUMBER = 35
_GTIN_LENGTHS = (8, 12, 13, 14)


def read_deliveries(session: Session, customer: int, since: datetime | None) -> list[DeliveryDone]:
    """Deliveries done for orders of the customer (his commercial partner with all addresses), oldest change first."""
    domain: list[Any] = [
        ["picking_type_code", "=", "outgoing"],
        ["state", "=", "done"],
        ["company_id", "=", session.company],
        "|",
        ["sale_id.partner_id", "child_of", customer],
        ["move_ids.sale_line_id.order_id.partner_id", "child_of", customer],
    ]
    if since is not None:
        # Odoo 17 compares with microseconds, 19 cuts them off: whole seconds and >= mean the same to both.
        domain.append(["write_date", ">=", since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")])
    ids = session.call("stock.picking", "search", domain, order="write_date,id")
    units = Units(session) if ids else None
    done = []
    for start in range(0, len(ids), _AT_ONCE):
        assert units is not None
        done += _Shelf(session, ids[start : start + _AT_ONCE], units).deliveries()
    return done


class _Goods(msgspec.Struct):
    """What one despatch line is made of: move lines of the same article, order line, unit and package."""

    sale_line: int | None
    product: int
    unit: int
    package: int | None
    quantity: Decimal
    batches: list[tuple[int | None, Decimal]]


class _Shelf:
    """Everything that the deliveries of one round refer to, each model read once."""

    def __init__(self, session: Session, ids: list[int], units: Units) -> None:
        self._session, self._units = session, units
        fields = ["name", "date_done", "write_date", "partner_id", "move_line_ids", "company_id", "package_history_ids"]
        known = [name for name in fields if session.has("stock.picking", name)]
        self._pickings = session.read("stock.picking", ids, known)
        self._lines = self._read(
            "stock.move.line",
            (line for picking in self._pickings for line in picking["move_line_ids"]),
            ["move_id", "product_id", "quantity", "product_uom_id", "lot_id", "result_package_id"],
        )
        self._moves = self._read("stock.move", _ids(self._lines, "move_id"), ["sale_line_id"])
        self._read_orders()
        self._read_goods()
        self._packing = Packing(session, self._pickings, _ids(self._lines, "result_package_id"))
        self._read_parties()

    def _read(self, model: str, ids: Iterable[int], fields: list[str]) -> dict[int, Row]:
        """By id. A field that this version or its modules do not have is not asked for."""
        known = [name for name in fields if self._session.has(model, name)]
        return {row["id"]: row for row in self._session.read(model, sorted(set(ids)), known)}

    def _read_orders(self) -> None:
        unit = unit_field(self._session)
        lines = self._read(
            "sale.order.line", _ids(self._moves, "sale_line_id"), ["order_id", "product_uom_qty", "product_id", unit]
        )
        self._sale_lines = {key: row | {"unit": row[unit]} for key, row in lines.items()}
        self._numbers = line_numbers(self._session, list(lines))
        self._orders = self._read(
            "sale.order", _ids(lines, "order_id"), ["name", "client_order_ref", "partner_id", "commitment_date"]
        )

    def _read_goods(self) -> None:
        self._products = self._read(
            "product.product", _ids(self._lines, "product_id"), ["barcode", "default_code", "name", "tracking"]
        )
        self._lots = self._read("stock.lot", _ids(self._lines, "lot_id"), ["name", "expiration_date"])

    def _read_parties(self) -> None:
        companies = self._read(
            "res.company", _ids({row["id"]: row for row in self._pickings}, "company_id"), ["partner_id"]
        )
        own = {key: row["partner_id"][0] for key, row in companies.items()}
        ids = {*own.values(), *_ids(self._orders, "partner_id")}
        ids |= {row["partner_id"][0] for row in self._pickings if row["partner_id"]}
        self._parties = read_parties(self._session, ids)
        self._suppliers = {key: self._parties[partner] for key, partner in own.items()}

    def deliveries(self) -> list[DeliveryDone]:
        return [self._delivery(picking) for picking in self._pickings]

    def _delivery(self, picking: Row) -> DeliveryDone:
        goods = self._goods(picking)
        orders = self._orders_of(goods)
        done_at = moment(picking["date_done"] or picking["write_date"])
        return DeliveryDone(
            record_id=picking["id"],
            record_name=picking["name"],
            done_at=done_at,
            changed_at=moment(picking["write_date"]),
            order_numbers=tuple(row["client_order_ref"] for row in orders if row["client_order_ref"]),
            advice=self._advice(picking, done_at, goods, orders),
        )

    def _advice(self, picking: Row, done_at: datetime, goods: list[_Goods], orders: list[Row]) -> DespatchAdvice:
        lines = [(item.package, self._line(str(number), item)) for number, item in enumerate(goods, 1)]
        buyers = {row["partner_id"][0] for row in orders}
        promised = {row["commitment_date"] for row in orders if row["commitment_date"]}
        return DespatchAdvice(
            number=picking["name"][-_LONGEST_NUMBER:],  # the running number stands at the end
            issued_on=_when(done_at),
            despatched_on=_when(done_at),
            deliver_on=_when(moment(promised.pop())) if len(promised) == 1 else None,
            orders=tuple(Reference(kind="ON", number=number) for number in _order_numbers(orders)),
            buyer=self._parties.get(buyers.pop()) if len(buyers) == 1 else None,
            supplier=self._suppliers.get(picking["company_id"][0]),
            ship_to=self._parties.get(picking["partner_id"][0]) if picking["partner_id"] else None,
            packages=self._packing.tree(picking, lines),
            lines=tuple(line for package, line in lines if package is None),
        )

    def _orders_of(self, goods: list[_Goods]) -> list[Row]:
        ids = [self._sale_lines[item.sale_line]["order_id"][0] for item in goods if item.sale_line]
        return [self._orders[order] for order in dict.fromkeys(ids)]

    def _goods(self, picking: Row) -> list[_Goods]:
        """Move lines gathered per article, order line, unit and package; their lots become batches."""
        gathered: dict[tuple[int | None, int, int, int | None], _Goods] = {}
        for line in (self._lines[key] for key in picking["move_line_ids"] if key in self._lines):
            quantity = exact(line["quantity"])
            if quantity <= 0:
                continue
            move = self._moves.get(_id(line["move_id"]) or 0, {})
            key = (
                _id(move.get("sale_line_id")),
                line["product_id"][0],
                line["product_uom_id"][0],
                _id(line["result_package_id"]),
            )
            goods = gathered.setdefault(key, _Goods(*key, Decimal(0), []))
            goods.quantity += quantity
            goods.batches.append((_id(line["lot_id"]), quantity))
        return list(gathered.values())

    def _line(self, number: str, goods: _Goods) -> DespatchLine:
        product = self._products[goods.product]
        sale_line = self._sale_lines.get(goods.sale_line or 0)
        order = self._orders[sale_line["order_id"][0]] if sale_line else None
        return DespatchLine(
            number=number,
            gtin=_gtin(product["barcode"]),
            supplier_sku=product["default_code"] or None,
            description=product["name"],
            quantity=goods.quantity,
            unit=self._units.code(goods.unit),
            ordered_quantity=self._ordered(sale_line, goods),
            order_number=(order["client_order_ref"] or None) if order else None,
            order_line=self._numbers.get(goods.sale_line or 0),
            batches=self._batches(goods, product),
        )

    def _ordered(self, sale_line: Row | None, goods: _Goods) -> Decimal | None:
        """From the order line: Odoo cuts the demand of a delivered move down to what was delivered."""
        if sale_line is None or _id(sale_line["product_id"]) != goods.product:  # a component of a kit was not ordered
            return None
        return self._units.convert(exact(sale_line["product_uom_qty"]), sale_line["unit"][0], goods.unit)

    def _batches(self, goods: _Goods, product: Row) -> tuple[Batch, ...]:
        serials = product.get("tracking") == "serial"
        quantities: dict[int, Decimal] = {}
        for lot, quantity in goods.batches:
            if lot is not None:
                quantities[lot] = quantities.get(lot, Decimal(0)) + quantity
        return tuple(
            Batch(
                number=None if serials else self._lots[lot]["name"],
                quantity=quantity,
                best_before=_expiry(self._lots[lot]),
                serials=(self._lots[lot]["name"],) if serials else (),
            )
            for lot, quantity in quantities.items()
        )


def moment(text: str) -> datetime:
    """A time of Odoo's: UTC, without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def exact(number: float) -> Decimal:
    """A float of Odoo's as the decimal number that was entered."""
    return Decimal(repr(float(number))).normalize() + 0


def _when(stamp: datetime) -> When:
    return When(iso=stamp.isoformat(timespec="seconds"))


def _expiry(lot: Row) -> When | None:
    """Odoo keeps a time; what is printed on the goods is a day."""
    return When(iso=lot["expiration_date"][:10]) if lot.get("expiration_date") else None


def _order_numbers(orders: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["client_order_ref"] for row in orders if row["client_order_ref"]))


def _gtin(barcode: str | bool) -> str | None:
    text = str(barcode or "").strip()
    return text if any(is_gs1_number(text, length) for length in _GTIN_LENGTHS) else None


def _id(reference: Any) -> int | None:
    """The id of a many2one, which is [id, name] or False."""
    return reference[0] if reference else None


def _ids(rows: dict[int, Row], field: str) -> list[int]:
    return [key for row in rows.values() if (key := _id(row.get(field))) is not None]
