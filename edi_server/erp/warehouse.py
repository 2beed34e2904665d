"""What the people at Odoo do, done over RPC: look at what arrived, pack, and let a delivery leave.

For demonstrations and tests, against the stand-in or any other Odoo; the engine never calls this.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edi_server.erp.gs1 import check_digit
from edi_server.erp.session import Row, Session
from edi_server.errors import ErpError


class OrderSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A sales order as somebody at Odoo sees it."""

    record_id: int
    name: str
    customer: str
    #: The customer's order number.
    reference: str | None
    state: str
    lines: int
    total: float
    currency: str
    #: Names and states of its deliveries, such as ("WH/OUT/00001", "assigned").
    deliveries: tuple[tuple[str, str], ...]


def orders(session: Session) -> list[OrderSeen]:
    """All sales orders of the company, newest first."""
    fields = ["name", "partner_id", "client_order_ref", "state", "order_line", "amount_total", "currency_id"]
    rows = session.call("sale.order", "search_read", [["company_id", "=", session.company]], fields, order="id desc")
    pickings = session.call(
        "stock.picking",
        "search_read",
        [["sale_id", "in", [row["id"] for row in rows]]],
        ["name", "state", "sale_id"],
        order="id",
    )
    return [_seen(row, [picking for picking in pickings if picking["sale_id"][0] == row["id"]]) for row in rows]


def _seen(row: Row, pickings: list[Row]) -> OrderSeen:
    return OrderSeen(
        record_id=row["id"],
        name=row["name"],
        customer=row["partner_id"][1],
        reference=row["client_order_ref"] or None,
        state=row["state"],
        lines=len(row["order_line"]),
        total=row["amount_total"],
        currency=row["currency_id"][1],
        deliveries=tuple((picking["name"], picking["state"]) for picking in pickings),
    )


def validate_delivery(session: Session, name: str, *, sscc_prefix: str | None = None) -> list[str]:
    """Let everything open of an order or delivery leave; returns the names of the deliveries.

    `name` is that of a delivery ("WH/OUT/00007"), of a sales order ("S00042"), or the customer's order number.
    With `sscc_prefix` (a GS1 company prefix) each delivery is packed into one package with an SSCC of its own.
    """
    found = session.call("stock.picking", "search_read", _open_deliveries(name), ["name", "move_line_ids"], order="id")
    if not found:
        raise ErpError(f"Odoo has no open delivery called {name}, nor one for an order of that name.", permanent=True)
    for picking in found:
        if sscc_prefix:
            package = _package(session, sscc(sscc_prefix, picking["id"]))
            session.call("stock.move.line", "write", picking["move_line_ids"], {"result_package_id": package})
        session.call("stock.picking", "button_validate", [picking["id"]], context={"skip_backorder": True})
    return [picking["name"] for picking in found]


def _open_deliveries(name: str) -> list[Any]:
    names = [["name", "=", name], ["sale_id.name", "=", name], ["sale_id.client_order_ref", "=", name]]
    return [["picking_type_code", "=", "outgoing"], ["state", "not in", ["done", "cancel", "draft"]], "|", "|", *names]


def _package(session: Session, name: str) -> int:
    model = session.fields("stock.move.line")["result_package_id"]["relation"]
    return int(session.call(model, "create", {"name": name}))


def sscc(prefix: str, serial: int) -> str:
    """Serial shipping container code: extension digit 3, company prefix, serial number, check digit."""
    digits = "3" + prefix + str(serial).zfill(16 - len(prefix))
    return digits + check_digit(digits)
