"""Units of measure: do two measure the same, and how many of one is the other."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from edi_server.erp.sandbox.records import Env


def rounded(number: float, digits: int) -> float:
    """Half away from nought, as Odoo rounds."""
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def is_same_kind(env: Env, unit: int, other: int) -> bool:
    """17: units of one category; 19: units of one tree."""
    first, second = env.row("uom.uom", unit), env.row("uom.uom", other)
    if env.new:
        return bool(first["parent_path"].split("/")[0] == second["parent_path"].split("/")[0])
    return bool(first["category_id"] == second["category_id"])


def convert(env: Env, quantity: float, unit: int | None, to: int) -> float:
    """The quantity in the other unit, to two decimals."""
    if unit is None or unit == to:
        return quantity
    size = "factor" if env.new else "factor_inv"
    return rounded(quantity * env.row("uom.uom", unit)[size] / env.row("uom.uom", to)[size], 2)
