"""The page to look at what arrived, and to let a delivery leave. Server-side HTML, nothing else."""

from __future__ import annotations

from html import escape
from typing import Any

from edi_server.erp.sandbox import demo
from edi_server.erp.sandbox.deliveries import button_validate
from edi_server.erp.sandbox.records import Env, Values
from edi_server.erp.warehouse import sscc

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color: #1c2733; background: #f7f8fa }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
p { color: #5b6b7b; margin: .2rem 0 }
table { border-collapse: collapse; width: 100%; background: #fff; box-shadow: 0 1px 3px #0002 }
th, td { text-align: left; padding: .45rem .8rem; border-top: 1px solid #e8ebef; vertical-align: top }
th { background: #eef1f4; border: 0 } .n { text-align: right; font-variant-numeric: tabular-nums }
summary { cursor: pointer } small { color: #5b6b7b } ul { margin: .3rem 0; padding-left: 1.2rem }
.s { padding: .05rem .5rem; border-radius: 9px; background: #e3e8ee; font-size: .85em }
.sale, .done { background: #d5efdc } .cancel { background: #f6d9d5 }
button { font: inherit; padding: .15rem .7rem; border: 0; border-radius: 5px; background: #2b6cb0; color: #fff;
  cursor: pointer }
"""


def render(env: Env, database: str) -> str:
    """The whole page."""
    orders = env.read("sale.order", env.search("sale.order", [], order="id desc", limit=200))
    pickings = env.read("stock.picking", env.search("stock.picking", [], order="id desc", limit=200))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>Odoo stand-in</title><style>{_STYLE}</style>"
        f"<h1>Odoo {escape(env.version)} stand-in</h1>"
        f"<p>Database {escape(database)}. Orders posted here came over Odoo's own JSON-RPC.</p>"
        f"<h2>Sales orders ({len(orders)})</h2>{_orders(env, orders)}"
        f"<h2>Deliveries ({len(pickings)})</h2>{_deliveries(env, pickings)}"
    )


def _table(head: list[str], rows: list[str], empty: str) -> str:
    if not rows:
        return f"<p>{empty}</p>"
    cells = "".join(f"<th class={'n' if name in ('Lines', 'Total') else 't'}>{name}</th>" for name in head)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _orders(env: Env, orders: list[Values]) -> str:
    head = ["Order", "Customer", "Customer reference", "State", "Lines", "Total"]
    return _table(head, [_order(env, order) for order in orders], "Nothing has arrived yet.")


def _order(env: Env, order: Values) -> str:
    lines = env.read("sale.order.line", order["order_line"])
    goods = sum(1 for line in lines if not line["display_type"])
    listed = "".join(f"<li>{_line(env, line)}</li>" for line in lines)
    return (
        f"<tr><td><details><summary>{escape(order['name'])}</summary><ul>{listed}</ul></details></td>"
        f"<td>{_name(order['partner_id'])}<br><small>to {_name(order['partner_shipping_id'])}</small></td>"
        f"<td>{escape(order['client_order_ref'] or '–')}</td><td>{_state(order['state'])}</td>"
        f"<td class=n>{goods}</td><td class=n>{order['amount_total']:,.2f} {_name(order['currency_id'])}</td></tr>"
    )


def _line(env: Env, line: Values) -> str:
    if line["display_type"]:
        return f"<i>{escape(line['name'])}</i>"
    unit = _name(line["product_uom_id" if env.new else "product_uom"])
    return f"{line['product_uom_qty']:g} {unit} × {escape(line['name'])} at {line['price_unit']:g}"


def _deliveries(env: Env, pickings: list[Values]) -> str:
    head = ["Delivery", "Order", "To", "State", "Packages", ""]
    return _table(head, [_delivery(env, picking) for picking in pickings], "Confirmed orders get their delivery here.")


def _delivery(env: Env, picking: Values) -> str:
    lines = env.read("stock.move.line", picking["move_line_ids"], ["result_package_id"])
    packages = sorted({_name(line["result_package_id"]) for line in lines if line["result_package_id"]})
    button = (
        f'<form method=post action="/deliveries/{picking["id"]}/validate"><button>Validate delivery</button></form>'
        if picking["state"] == "assigned"
        else escape(str(picking["date_done"] or ""))
    )
    return (
        f"<tr><td>{escape(picking['name'])}</td><td>{_name(picking['sale_id'])}</td><td>{_name(picking['partner_id'])}</td>"
        f"<td>{_state(picking['state'])}</td><td>{'<br>'.join(packages) or '–'}</td><td>{button}</td></tr>"
    )


def _name(reference: Any) -> str:
    return escape(str(reference[1])) if reference else "–"


def _state(state: str) -> str:
    return f'<span class="s {escape(state)}">{escape(state)}</span>'


def ship(env: Env, picking: int) -> None:
    """Pack a delivery into one package with an SSCC and let it leave."""
    [row] = env.read("stock.picking", [picking], ["move_line_ids"])
    package = env.create("stock.package" if env.new else "stock.quant.package", {"name": sscc(prefix(), picking)})
    env.write("stock.move.line", row["move_line_ids"], {"result_package_id": package})
    button_validate(env, [picking])


def prefix() -> str:
    """GS1 company prefix of the demo's company."""
    return str(demo.content()["company"]["prefix"])
