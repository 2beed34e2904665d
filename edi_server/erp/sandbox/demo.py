"""Fills a fresh stand-in with the content of `demo.toml`."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from edi_server.erp.sandbox.masterdata import ADMINISTRATORS, groups_field
from edi_server.erp.sandbox.records import Env, Values

#: Groups that an ordinary user of the tests and of a real Odoo has.
_GROUPS = ("base.group_user", "sales_team.group_sale_salesman_all_leads", "stock.group_stock_user", *ADMINISTRATORS)
_SEQUENCES = {"sale.order": ("S", 5), "stock.picking.outgoing": ("WH/OUT/", 5), "stock.package": ("PACK", 7)}


def content() -> dict[str, Any]:
    """The demo's master data."""
    return tomllib.loads(resources.files(__package__).joinpath("demo.toml").read_text(encoding="utf-8"))


def fill(env: Env) -> None:
    """Create everything; the database must be empty."""
    demo = content()
    groups = {name: _named(env, name, "res.groups", {"name": name}) for name in _GROUPS}
    company = _company(env, demo)
    for user in demo["user"]:
        _user(env, user, company, groups)
    _warehouse(env, demo["company"])
    units = _units(env, demo["unit"])
    for partner in demo["partner"]:
        _partner(env, partner)
    for product in demo["product"]:
        env.create("product.product", _product(product) | {"uom_id": units[product["unit"]]})


def _named(env: Env, external: str, model: str, values: Values) -> int:
    record = env.create(model, values)
    env.name_record(external, model, record, noupdate=True)
    return record


def _company(env: Env, demo: dict[str, Any]) -> int:
    for code, (prefix, padding) in _SEQUENCES.items():
        env.create("ir.sequence", {"name": code, "code": code, "prefix": prefix, "padding": padding})
    env.create("res.lang", {"name": "English (US)", "code": "en_US"})
    for code, name in demo["countries"].items():
        env.create("res.country", {"name": name, "code": code})
    own = demo["company"]
    currency = _named(env, f"base.{own['currency']}", "res.currency", {"name": own["currency"], "symbol": "€"})
    partner = env.create("res.partner", _address(env, own) | {"is_company": True})
    values = {"name": own["name"], "partner_id": partner, "currency_id": currency}
    return _named(env, "base.main_company", "res.company", values)


def _user(env: Env, user: dict[str, Any], company: int, groups: dict[str, int]) -> None:
    belongs = [record for name, record in groups.items() if user["administrator"] or name not in ADMINISTRATORS]
    values = {
        "name": user["name"],
        "login": user["login"],
        "password": user["password"],
        "tz": "Europe/Berlin",
        "company_id": company,
        "company_ids": [company],
        groups_field(env): belongs,
    }
    env.create("res.users", values)


def _warehouse(env: Env, own: dict[str, Any]) -> None:
    for name, full, usage in (("Stock", "WH/Stock", "internal"), ("Customers", "Partners/Customers", "customer")):
        env.create("stock.location", {"name": name, "complete_name": full, "usage": usage})
    warehouse = env.create("stock.warehouse", {"name": own["name"], "code": "WH"})
    kind = {"name": "Delivery Orders", "code": "outgoing", "sequence_code": "OUT", "warehouse_id": warehouse}
    env.create("stock.picking.type", kind)


def _units(env: Env, units: list[dict[str, Any]]) -> dict[str, int]:
    """The reference unit of a kind, which others refer to, is the one of size 1."""
    made: dict[str, int] = {}
    roots: dict[str, int] = {}
    for unit in sorted(units, key=lambda unit: unit["size"] != 1):
        values = {"name": unit["name"], "rounding": 0.01}
        if env.new:
            values |= {"factor": unit["size"], "relative_factor": unit["size"]}
            values |= {"relative_uom_id": roots[unit["kind"]]} if unit["kind"] in roots else {}
        else:
            if unit["kind"] not in roots:
                roots[unit["kind"]] = env.create("uom.category", {"name": unit["kind"]})
            values |= {"category_id": roots[unit["kind"]], "uom_type": _type(unit["size"])}
            values |= {"factor": 1 / unit["size"], "factor_inv": unit["size"]}
        record = made[unit["id"]] = _named(env, f"uom.{unit['id']}", "uom.uom", values)
        if env.new:
            root = roots.setdefault(unit["kind"], record)
            path = f"{root}/" if root == record else f"{root}/{record}/"
            env.store("uom.uom", [record], {"parent_path": path})
    return made


def _type(size: float) -> str:
    return "reference" if size == 1 else ("bigger" if size > 1 else "smaller")


def _partner(env: Env, partner: dict[str, Any]) -> None:
    record = env.create("res.partner", _address(env, partner) | {"is_company": True})
    for place in partner.get("place", []):
        env.create("res.partner", _address(env, place) | {"parent_id": record, "type": "delivery"})


def _address(env: Env, party: dict[str, Any]) -> Values:
    """The GLN stands in the reference, which both versions have, and in 19's own field too."""
    values = {key: party[key] for key in ("name", "street", "zip", "city")} | {"ref": party["gln"]}
    values["country_id"] = env.search("res.country", [["code", "=", party["country"]]])[0]
    return values | ({"global_location_number": party["gln"]} if env.new else {})


def _product(product: dict[str, Any]) -> Values:
    return {
        "name": product["name"],
        "default_code": product["code"],
        "barcode": product["gtin"],
        "list_price": product["price"],
        "weight": product["weight"],
    }
