# ruff: noqa: S608 — names of tables and columns come from our own schema, every value is a parameter
"""Outgoing deliveries: created when an order is confirmed, validated by the warehouse."""

from __future__ import annotations

import sqlite3
from typing import Any

from edi_server.erp.sandbox.measures import convert
from edi_server.erp.sandbox.records import Env, Rules, Values
from edi_server.erp.sandbox.refusals import UserRefusal

_WIZARD = {
    "name": "Create Backorder?",
    "type": "ir.actions.act_window",
    "view_mode": "form",
    "res_model": "stock.backorder.confirmation",
    "target": "new",
}


def deliver_order(env: Env, order: sqlite3.Row) -> None:
    """One delivery with everything reserved: the stand-in's shelves are never empty."""
    goods = [
        row
        for row in env.db.execute(
            "SELECT * FROM sale_order_line WHERE order_id = ? ORDER BY sequence, id", (order["id"],)
        )
        if row["product_id"] and env.row("product.product", row["product_id"])["type"] != "service"
    ]
    if not goods:
        return
    [kind] = env.search(
        "stock.picking.type", [["code", "=", "outgoing"], ["company_id", "=", order["company_id"]]], limit=1
    )
    picking = _create_picking(env, kind, partner=order["partner_shipping_id"], sale=order["id"], origin=order["name"])
    for row in goods:
        product = env.row("product.product", row["product_id"])
        unit = row["product_uom_id" if env.new else "product_uom"]
        quantity = convert(env, row["product_uom_qty"], unit, product["uom_id"])
        _create_move(env, picking, product, quantity, row["id"])


def _create_picking(env: Env, kind: int, *, partner: int, sale: int, origin: str, backorder: int | None = None) -> int:
    return env.create(
        "stock.picking",
        {
            "name": env.number("stock.picking.outgoing"),
            "state": "assigned",
            "origin": origin,
            "partner_id": partner,
            "sale_id": sale,
            "picking_type_id": kind,
            "picking_type_code": "outgoing",
            "location_id": _location(env, "internal"),
            "location_dest_id": _location(env, "customer"),
            "scheduled_date": env.second(),
            "backorder_id": backorder,
        },
    )


def _location(env: Env, usage: str) -> int:
    return env.search("stock.location", [["usage", "=", usage]], limit=1)[0]


def _create_move(env: Env, picking: int, product: sqlite3.Row, quantity: float, sale_line: int | None) -> int:
    unit = product["uom_id"]
    values = {
        "picking_id": picking,
        "product_id": product["id"],
        "product_uom_qty": quantity,
        "product_uom": unit,
        "quantity": quantity,
        "sale_line_id": sale_line,
        "state": "assigned",
    }
    move = env.create("stock.move", values if env.new else {**values, "name": product["name"]})
    line = {"product_id": product["id"], "quantity": quantity, "product_uom_id": unit}
    env.create("stock.move.line", {**line, "move_id": move, "picking_id": picking})
    return move


def _fill_line(env: Env, values: Values) -> None:
    if values.get("move_id"):
        move = env.row("stock.move", values["move_id"])
        values.setdefault("picking_id", move["picking_id"])
        values.setdefault("product_id", move["product_id"])
        values.setdefault("product_uom_id", move["product_uom"])


def _sum_lines(env: Env, ids: list[int], values: Values) -> None:
    """A move has the quantity of its lines, and is picked if one of them is."""
    del values
    for move in {row["move_id"] for row in env.rows("stock.move.line", ids) if row["move_id"]}:
        total, picked = env.db.execute(
            "SELECT TOTAL(quantity), MAX(picked) FROM stock_move_line WHERE move_id = ?", (move,)
        ).fetchone()
        env.store("stock.move", [move], {"quantity": total, "picked": bool(picked)})


def _write_move(env: Env, ids: list[int], values: Values) -> None:
    """Quantity and picked of a move are those of its (first) line."""
    found = env.db.execute(
        f"SELECT MIN(id) FROM stock_move_line WHERE move_id IN ({', '.join('?' * len(ids))}) GROUP BY move_id", ids
    )
    first = [row[0] for row in found]
    if "quantity" in values and first:
        env.store("stock.move.line", first, {"quantity": values["quantity"]})
    if "picked" in values:
        every = env.search("stock.move.line", [["move_id", "in", ids]])
        env.store("stock.move.line", every, {"picked": values["picked"]})


def button_validate(env: Env, ids: list[int]) -> Any:
    """Ship what is picked, or everything if nothing is. Less than ordered asks for a backorder and does nothing."""
    pickings = env.rows("stock.picking", ids)
    done = [row for row in pickings if row["state"] == "done"]
    if done:
        if env.new:
            return True
        raise UserRefusal("You can not validate a done transfer.")
    short = [row["id"] for row in pickings if _is_short(env, row["id"])]
    if short and not env.context.get("skip_backorder"):
        return _WIZARD | {
            "context": {"button_validate_picking_ids": ids, "default_pick_ids": [[4, key] for key in short]}
        }
    for picking in pickings:
        _ship(env, picking, keep_rest=picking["id"] not in env.context.get("picking_ids_not_to_backorder", []))
    return True


def _shipped(env: Env, picking: int) -> dict[int, list[sqlite3.Row]]:
    """Move → its lines that leave."""
    moves = [row[0] for row in env.db.execute("SELECT id FROM stock_move WHERE picking_id = ? ORDER BY id", (picking,))]
    rows = env.db.execute("SELECT * FROM stock_move_line WHERE picking_id = ? ORDER BY id", (picking,)).fetchall()
    some = any(row["picked"] for row in rows)
    left = [row for row in rows if (row["picked"] or not some) and row["quantity"] > 0]
    return {move: [row for row in left if row["move_id"] == move] for move in moves}


def _is_short(env: Env, picking: int) -> bool:
    shipped = _shipped(env, picking)
    if not any(shipped.values()):
        raise UserRefusal("You cannot validate a transfer if no quantities are reserved nor done.")
    return any(_sum(rows) < env.row("stock.move", move)["product_uom_qty"] for move, rows in shipped.items())


def _sum(rows: list[sqlite3.Row]) -> float:
    return round(float(sum(row["quantity"] for row in rows)), 6)


def _ship(env: Env, picking: sqlite3.Row, *, keep_rest: bool) -> None:
    rest = []
    for move_id, rows in _shipped(env, picking["id"]).items():
        move = env.row("stock.move", move_id)
        open_ = round(move["product_uom_qty"] - _sum(rows), 6)
        if open_ > 0:
            rest.append((move, open_))
        _finish(env, move, rows)
    if rest and keep_rest:
        _back_order(env, picking, rest)
    if env.new:
        _nest(env, picking["id"])
    env.store("stock.picking", [picking["id"]], {"state": "done", "date_done": env.second()})


def _nest(env: Env, picking: int) -> None:
    """Packages go into their containers now; how they were nested is kept with the delivery."""
    rows = env.db.execute("SELECT DISTINCT result_package_id FROM stock_move_line WHERE picking_id = ?", (picking,))
    wanted = {row[0] for row in rows if row[0]}
    seen: set[int] = set()
    kept = []
    while wanted - seen:
        package = env.row("stock.package", min(wanted - seen))
        seen.add(package["id"])
        inside, values = package["package_dest_id"], {"package_id": package["id"], "package_name": package["name"]}
        kept.append(env.create("stock.package.history", {**values, "parent_dest_id": inside, "picking_ids": [picking]}))
        env.store("stock.package", [package["id"]], {"parent_package_id": inside, "package_dest_id": False})
        wanted |= {inside} if inside else set()
    env.store("stock.picking", [picking], {"package_history_ids": kept})


def _finish(env: Env, move: sqlite3.Row, rows: list[sqlite3.Row]) -> None:
    """Odoo cuts the demand of a move down to what left; a move of which nothing left goes."""
    kept = [row["id"] for row in rows]
    gone = env.search("stock.move.line", [["move_id", "=", move["id"]], ["id", "not in", kept]])
    env.unlink("stock.move.line", gone)
    if not rows:
        env.unlink("stock.move", [move["id"]])
        return
    left = _sum(rows)
    env.store("stock.move.line", kept, {"picked": True})
    env.store("stock.move", [move["id"]], {"state": "done", "product_uom_qty": left, "quantity": left, "picked": True})
    for row in rows:
        if row["lot_name"] and not row["lot_id"]:
            env.store("stock.move.line", [row["id"]], {"lot_id": _lot(env, row)})
    if move["sale_line_id"]:
        _count(env, move, left)


def _lot(env: Env, row: sqlite3.Row) -> int:
    known = env.search("stock.lot", [["name", "=", row["lot_name"]], ["product_id", "=", row["product_id"]]], limit=1)
    return known[0] if known else env.create("stock.lot", {"name": row["lot_name"], "product_id": row["product_id"]})


def _count(env: Env, move: sqlite3.Row, left: float) -> None:
    """Delivered quantity of the order line; the order's write_date moves with it."""
    line = env.row("sale.order.line", move["sale_line_id"])
    unit = line["product_uom_id" if env.new else "product_uom"]
    delivered = (line["qty_delivered"] or 0.0) + convert(env, left, move["product_uom"], unit or move["product_uom"])
    env.store("sale.order.line", [line["id"]], {"qty_delivered": delivered})
    env.store("sale.order", [line["order_id"]], {})


def _back_order(env: Env, picking: sqlite3.Row, rest: list[tuple[sqlite3.Row, float]]) -> None:
    back = _create_picking(
        env,
        picking["picking_type_id"],
        partner=picking["partner_id"],
        sale=picking["sale_id"],
        origin=picking["origin"],
        backorder=picking["id"],
    )
    for move, quantity in rest:
        _create_move(env, back, env.row("product.product", move["product_id"]), quantity, move["sale_line_id"])


RULES = {
    "stock.move": Rules(written=_write_move),
    "stock.move.line": Rules(fill=_fill_line, created=_sum_lines, written=_sum_lines),
    "stock.quant.package": Rules(fill=lambda env, values: values.setdefault("name", env.number("stock.package"))),
    "stock.package": Rules(fill=lambda env, values: values.setdefault("name", env.number("stock.package"))),
}
