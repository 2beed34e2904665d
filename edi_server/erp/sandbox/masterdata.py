"""Rules of partners, articles and users."""

from __future__ import annotations

import hashlib
import hmac
import os

from edi_server.erp.sandbox.records import Env, Rules, Values
from edi_server.erp.sandbox.refusals import InvalidRefusal

#: External ids of the groups that make a user an administrator, who may read and create everything.
ADMINISTRATORS = ("base.group_system", "base.group_erp_manager")
#: What an ordinary user may not touch at all, and what he may only read.
_CLOSED = ("ir.model.data", "ir.sequence")
_READ_ONLY = ("res.", "product.", "uom.", "stock.warehouse", "stock.location", "stock.picking.type")
_ALWAYS = ("check_object_reference", "check_access_rights", "has_access", "context_get", "fields_get")
#: Models of which only a group may even read.
_OWNERS = {"sale.": "sales_team.group_sale_salesman_all_leads", "stock.": "stock.group_stock_user"}
READING = ("search", "search_read", "search_count", "read", "fields_get", "get_metadata", "get_external_id")


def may(env: Env, model: str, method: str) -> bool:
    """Whether the user of this call may use that method of the model."""
    if method in _ALWAYS or belongs(env, *ADMINISTRATORS):
        return True
    if model in _CLOSED or (model.startswith(_READ_ONLY) and method not in READING):
        return False
    return all(belongs(env, group) for prefix, group in _OWNERS.items() if model.startswith(prefix))


def belongs(env: Env, *groups: str) -> bool:
    """Whether the user belongs to one of the groups, given by their external ids."""
    own = env.read("res.users", [env.user_id], [groups_field(env)])[0][groups_field(env)]
    return any(row["res_id"] in own for name in groups if (row := env.named(name)))


def groups_field(env: Env) -> str:
    """Renamed between the versions."""
    return "group_ids" if env.new else "groups_id"


def hash_password(password: str) -> str:
    """Salted; a stand-in on loopback needs no slow hash."""
    salt = os.urandom(8).hex()
    return f"{salt}${hashlib.sha256((salt + password).encode()).hexdigest()}"


def is_password(password: str, stored: str) -> bool:
    """Whether the password belongs to the hash."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(hashlib.sha256((salt + password).encode()).hexdigest(), digest)


def _keep_password(env: Env, ids: list[int], values: Values) -> None:
    del env, ids
    if values.get("password"):
        values["password"] = hash_password(str(values["password"]))


def _fill_user(env: Env, values: Values) -> None:
    _keep_password(env, [], values)
    values.setdefault("company_id", env.companies()[0])
    if not values.get("partner_id"):
        values["partner_id"] = env.create("res.partner", {"name": values["name"], "email": values["login"]})


def _follow_parent(env: Env, ids: list[int], values: Values) -> None:
    """Keep the commercial entity: the nearest company above, else the topmost partner."""
    del values
    for record_id in ids:
        row = env.row("res.partner", record_id)
        above = env.row("res.partner", row["parent_id"]) if row["parent_id"] and not row["is_company"] else None
        entity = above["commercial_partner_id"] if above else record_id
        env.db.execute("UPDATE res_partner SET commercial_partner_id = ? WHERE id = ?", (entity, record_id))
        _follow_parent(env, env.search("res.partner", [["parent_id", "=", record_id], ["id", "!=", record_id]]), {})


def _check_partner(env: Env, ids: list[int]) -> None:
    for row in env.rows("res.partner", ids):
        if not row["name"] and row["type"] in (None, "contact"):
            raise InvalidRefusal("Contacts require a name")
        if row["barcode"] and _others(env, "res.partner", row["barcode"], row["id"]):
            raise InvalidRefusal(f"Another partner already has this barcode: {row['barcode']}")


def _fill_product(env: Env, values: Values) -> None:
    if not values.get("uom_id"):
        unit = env.named("uom.product_uom_unit")
        values["uom_id"] = unit["res_id"] if unit else False
    if not values.get("product_tmpl_id"):
        values["product_tmpl_id"] = env.create("product.template", {"name": values.get("name")})


def _check_product(env: Env, ids: list[int]) -> None:
    for row in env.rows("product.product", ids):
        if row["barcode"] and _others(env, "product.product", row["barcode"], row["id"]):
            raise InvalidRefusal(f"Barcode {row['barcode']!r} is already assigned to another product: {row['name']}")


def _others(env: Env, model: str, barcode: str, own: int) -> list[int]:
    """Active records with the same barcode; an archived record gives its barcode free."""
    return env.search(model, [["barcode", "=", barcode], ["id", "!=", own], ["active", "=", True]])


RULES = {
    "res.users": Rules(fill=_fill_user, writing=_keep_password),
    "res.partner": Rules(created=_follow_parent, written=_follow_parent, check=_check_partner),
    "product.product": Rules(fill=_fill_product, check=_check_product),
}
