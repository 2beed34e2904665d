"""Rules of sales orders, and confirming them."""

from __future__ import annotations

from typing import Any

from edi_server.erp.sandbox.deliveries import deliver_order
from edi_server.erp.sandbox.measures import is_same_kind, rounded
from edi_server.erp.sandbox.records import Env, Rules, Values
from edi_server.erp.sandbox.refusals import InvalidRefusal, UserRefusal

OPEN = ("draft", "sent")


def unit_field(env: Env) -> str:
    """Renamed between the versions."""
    return "product_uom_id" if env.new else "product_uom"


def _fill_order(env: Env, values: Values) -> None:
    if not values.get("name"):
        values["name"] = env.number("sale.order")
    values.setdefault("date_order", env.second())
    values.setdefault("user_id", env.user_id)
    partner = values.get("partner_id")
    if partner:
        for field, kind in (("partner_invoice_id", "invoice"), ("partner_shipping_id", "delivery")):
            if not values.get(field):
                values[field] = _address(env, partner, kind)
        values.setdefault("pricelist_id", env.row("res.partner", partner)["property_product_pricelist"])
    values["currency_id"] = _currency(env, values)  # a currency given by the caller is ignored, as in Odoo


def _address(env: Env, partner: int, kind: str) -> int:
    """The partner's first address of that kind, else the partner."""
    found = env.search("res.partner", [["parent_id", "=", partner], ["type", "=", kind]], limit=1)
    return found[0] if found else partner


def _currency(env: Env, values: Values) -> int:
    price_list = values.get("pricelist_id")
    source = env.row("product.pricelist", price_list) if price_list else env.row("res.company", values["company_id"])
    return int(source["currency_id"])


def _fill_line(env: Env, values: Values) -> None:
    values["company_id"] = env.row("sale.order", values["order_id"])["company_id"]
    unit = unit_field(env)
    if values.get("display_type"):
        return
    values.setdefault("product_uom_qty", 1.0)
    if not values.get("product_id"):
        return
    product = env.row("product.product", values["product_id"])
    values.setdefault("name", env.names("product.product", [product["id"]])[product["id"]])
    values.setdefault(unit, product["uom_id"])
    values.setdefault("price_unit", product["list_price"])


def _reprice(env: Env, ids: list[int], values: Values) -> None:
    """A new quantity without a price takes the price of the price list."""
    if "product_uom_qty" in values and "price_unit" not in values:
        for row in env.rows("sale.order.line", ids):
            if row["product_id"] and row["product_uom_qty"] != values["product_uom_qty"]:
                values["price_unit"] = env.row("product.product", row["product_id"])["list_price"]
    for row in env.rows("sale.order.line", ids):
        if (
            env.row("sale.order", row["order_id"])["locked"]
            and {"product_uom_qty", "price_unit", "product_id"} & values.keys()
        ):
            raise UserRefusal("It is forbidden to modify the following fields in a locked order.")


def _add_up(env: Env, ids: list[int], values: Values) -> None:
    del values
    for row in env.rows("sale.order.line", ids):
        net = (row["product_uom_qty"] or 0) * (row["price_unit"] or 0) * (1 - (row["discount"] or 0) / 100)
        env.db.execute("UPDATE sale_order_line SET price_subtotal = ? WHERE id = ?", (rounded(net, 2), row["id"]))
        _total(env, row["order_id"])


def _total(env: Env, order: int) -> None:
    [total] = env.db.execute(
        "SELECT TOTAL(price_subtotal) FROM sale_order_line WHERE order_id = ?", (order,)
    ).fetchone()
    total = rounded(total, 2)
    env.db.execute(
        "UPDATE sale_order SET amount_untaxed = ?, amount_tax = 0, amount_total = ?, write_date = ? WHERE id = ?",
        (total, total, env.now, order),
    )


def _check_line(env: Env, ids: list[int]) -> None:
    unit = unit_field(env)
    for row in env.rows("sale.order.line", ids):
        if row["display_type"]:
            if row["product_id"] or row["product_uom_qty"] or row["price_unit"] or row[unit]:
                raise InvalidRefusal("Forbidden values on non-accountable sale order line")
        elif not env.new and not (row["product_id"] and row[unit]):
            raise InvalidRefusal("Missing required fields on accountable sale order line.")


def _delete_line(env: Env, ids: list[int]) -> None:
    for row in env.rows("sale.order.line", ids):
        if env.row("sale.order", row["order_id"])["state"] == "sale" and not row["display_type"]:
            raise UserRefusal(
                "Once a sales order is confirmed, you can't remove one of its lines (we need to track it)."
            )


def _delete_order(env: Env, ids: list[int]) -> None:
    for row in env.rows("sale.order", ids):
        if row["state"] == "sale":
            raise UserRefusal("You can not delete a sent quotation or a confirmed sales order.")
        env.unlink("sale.order.line", env.read("sale.order", [row["id"]], ["order_line"])[0]["order_line"])


def action_confirm(env: Env, ids: list[int]) -> bool:
    """Confirm orders and create their deliveries; not idempotent, as in Odoo."""
    orders = env.rows("sale.order", ids)
    late = [row["name"] for row in orders if row["state"] not in OPEN]
    if late:
        names = f": {', '.join(late)}" if not env.new else "."
        word = "The following orders are" if not env.new else "Some orders are"
        raise UserRefusal(f"{word} not in a state requiring confirmation{names}")
    for order in orders:
        _check_units(env, order["id"])
        env.store("sale.order", [order["id"]], {"state": "sale", "date_order": env.second()})
        deliver_order(env, order)
    return True


def _check_units(env: Env, order: int) -> None:
    """17 refuses kilograms of an article sold in pieces, 19 converts them."""
    if env.new:
        return
    for row in env.db.execute("SELECT * FROM sale_order_line WHERE order_id = ? AND product_id IS NOT NULL", (order,)):
        product = env.row("product.product", row["product_id"])
        if not is_same_kind(env, row["product_uom"], product["uom_id"]):
            raise UserRefusal(f"The unit of measure of {product['name']} does not belong to the same category.")


def action_cancel(env: Env, ids: list[int]) -> Any:
    """Cancel; 17 answers with a wizard and does nothing unless the context says to do without."""
    if not env.new and not env.context.get("disable_cancel_warning"):
        return {"name": "Cancel Sales Order", "type": "ir.actions.act_window", "res_model": "sale.order.cancel"}
    env.store("sale.order", ids, {"state": "cancel"})
    for picking in env.search("stock.picking", [["sale_id", "in", ids], ["state", "!=", "done"]]):
        env.store("stock.picking", [picking], {"state": "cancel"})
    return True


RULES = {
    "sale.order": Rules(fill=_fill_order, deleting=_delete_order),
    "sale.order.line": Rules(
        fill=_fill_line, created=_add_up, writing=_reprice, written=_add_up, check=_check_line, deleting=_delete_line
    ),
}
