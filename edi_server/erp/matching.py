"""Partners and articles of a batch of orders, looked up in Odoo with one search each.

Nothing is guessed: what is unknown, archived or ambiguous becomes a finding that names the number and says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from edi_server.canonical import Order, OrderLine, Party
from edi_server.erp.gs1 import gtin_forms
from edi_server.erp.session import Row, Session
from edi_server.erp.units import Units
from edi_server.findings import Finding, Place

#: Parties of an order that Odoo's sales order has a field for.
ROLES = ("buyer", "ship_to", "invoice_to")


def any_of(conditions: list[Any]) -> list[Any]:
    """An Odoo domain that holds if one of the conditions does (prefix notation)."""
    return ["|"] * (len(conditions) - 1) + conditions


def _searchable(texts: Iterable[str]) -> list[str]:
    """Each once; without those that PostgreSQL cannot even compare."""
    return sorted({text for text in texts if "\0" not in text})


class Layout(msgspec.Struct, frozen=True):
    """What differs between versions of Odoo, found out by asking it."""

    #: Field of an order line for its unit of measure: product_uom in 17, product_uom_id in 19.
    unit: str
    #: Decimals that Odoo keeps of a quantity and of a price; None: all (prices in 19).
    quantity_digits: int | None
    price_digits: int | None

    @classmethod
    def of(cls, session: Session) -> Layout:
        """The layout of `sale.order.line` in this Odoo."""
        fields = session.fields("sale.order.line")
        quantity, price = fields["product_uom_qty"].get("digits"), fields["price_unit"].get("digits")
        return cls(unit_field(session), quantity[1] if quantity else None, price[1] if price else None)


def unit_field(session: Session) -> str:
    """Name of an order line's unit of measure."""
    return "product_uom_id" if session.has("sale.order.line", "product_uom_id") else "product_uom"


class Catalogue:
    """What Odoo knows of everything that a batch of orders names."""

    def __init__(self, session: Session, orders: list[Order]) -> None:
        self.partners = Partners(session, numbers_of(orders))
        self.products = Products(session, (line for order in orders for line in order.lines))
        self.units = Units(session)
        self.layout = Layout.of(session)


class Partners:
    """Odoo's partners under the location numbers and references asked for."""

    def __init__(self, session: Session, numbers: Iterable[str]) -> None:
        wanted = _searchable(numbers)
        fields = [name for name in ("ref", "barcode", "global_location_number") if session.has("res.partner", name)]
        domain = any_of([[name, "in", wanted] for name in fields])
        prices = [name for name in ("property_product_pricelist",) if session.has("res.partner", name)]
        rows = session.call(
            "res.partner",
            "search_read",
            domain,
            ["display_name", "active", "commercial_partner_id", *prices, *fields],
            context={"active_test": False},
        )
        self._found: dict[str, list[Row]] = {number: [] for number in wanted}
        for row in rows:
            for number in {row[name] for name in fields} & self._found.keys():
                self._found[number].append(row)
        self._currencies = _currencies(session, {row[name][0] for row in rows for name in prices if row[name]})

    def currency(self, partner: Row) -> str:
        """The currency in which Odoo sells to that partner: his price list's, else the company's."""
        price_list = partner.get("property_product_pricelist")
        return self._currencies[price_list[0] if price_list else None]

    def by_number(self, number: str, place: Place) -> Row | Finding:
        """The one active partner with that GLN or reference."""
        rows = self._found.get(number, [])
        active = [row for row in rows if row["active"]]
        if len(active) == 1:
            return active[0]
        return _no_partner(number, active or rows, archived=bool(rows) and not active, place=place)

    def find(self, party: Party, role: str) -> Row | Finding:
        """The partner of an order's party: by GLN, or by our reference for it where it has no GLN."""
        if party.gln:
            return self.by_number(party.gln, Place(field=f"{role}.gln"))
        if party.code:
            return self.by_number(party.code, Place(field=f"{role}.code"))
        return Finding(
            code="erp.partner-missing",
            severity="error",
            sentence=f"The order gives no number for the {role.replace('_', '-')} party; a name alone is not matched.",
            place=Place(field=role),
            found=party.name,
            expected="a GLN, or our number for the party",
        )


def _currencies(session: Session, price_lists: set[int]) -> dict[int | None, str]:
    """Price list → ISO 4217 code, and None → the company's."""
    company = session.read("res.company", [session.company], ["currency_id"])[0]
    lists = session.read("product.pricelist", sorted(price_lists), ["currency_id"])
    return {None: company["currency_id"][1]} | {row["id"]: row["currency_id"][1] for row in lists}


def numbers_of(orders: Iterable[Order]) -> list[str]:
    """GLNs and references of all parties to look up."""
    parties = [party for order in orders for role in ROLES if (party := getattr(order, role))]
    return [number for party in parties if (number := party.gln or party.code)]


def _no_partner(number: str, rows: list[Row], *, archived: bool, place: Place) -> Finding:
    if archived:
        code, names = "erp.partner-archived", _names(rows)
        sentence = f"The partner with number {number} is archived in Odoo ({names}): activate it, then post again."
    elif rows:
        code, names = "erp.partner-ambiguous", _names(rows)
        sentence = f"Odoo has {len(rows)} partners with number {number} ({names}): leave the number on one of them."
    else:
        code = "erp.partner-unknown"
        sentence = f"Odoo knows no partner with number {number}: enter it there as reference or GLN, then post again."
    return Finding(code=code, severity="error", sentence=sentence, place=place, found=number)


def _names(rows: list[Row]) -> str:
    return ", ".join(f"{row['display_name']!r}, id {row['id']}" for row in rows[:5])


class Products:
    """Odoo's articles under the GTINs and article numbers asked for."""

    def __init__(self, session: Session, lines: Iterable[OrderLine]) -> None:
        wanted = list(lines)
        gtins = _searchable(form for line in wanted if line.gtin for form in gtin_forms(line.gtin))
        codes = _searchable(line.supplier_sku for line in wanted if line.supplier_sku)
        rows = session.call(
            "product.product",
            "search_read",
            any_of([["barcode", "in", gtins], ["default_code", "in", codes]]),
            ["display_name", "default_code", "barcode", "active", "sale_ok", "uom_id"],
            context={"active_test": False},
        )
        self._by_gtin = _index(rows, "barcode")
        self._by_code = _index(rows, "default_code")

    def find(self, line: OrderLine, path: str) -> Row | Finding:
        """The article of an order line: by GTIN, else by our article number. Both given must mean the same article."""
        if not line.gtin and not line.supplier_sku:
            sentence = "The order line names no article: neither a GTIN nor our article number."
            return Finding(code="erp.product-missing", severity="error", sentence=sentence, place=Place(field=path))
        by_gtin = self._with_gtin(line.gtin) if line.gtin else []
        by_code = self._by_code.get(line.supplier_sku, []) if line.supplier_sku else []
        if by_gtin and by_code and not {row["id"] for row in by_gtin} & {row["id"] for row in by_code}:
            return _conflict(line, by_gtin, by_code, path)
        if by_gtin or not line.supplier_sku:
            return _the_one(by_gtin, "GTIN", str(line.gtin), f"{path}.gtin")
        found = _the_one(by_code, "article number", line.supplier_sku, f"{path}.supplier_sku")
        if line.gtin and isinstance(found, dict) and found["barcode"]:
            return _other_gtin(line, found, path)
        return found

    def _with_gtin(self, gtin: str) -> list[Row]:
        rows = {row["id"]: row for form in gtin_forms(gtin) for row in self._by_gtin.get(form, [])}
        return list(rows.values())


def _index(rows: list[Row], field: str) -> dict[str, list[Row]]:
    index: dict[str, list[Row]] = {}
    for row in rows:
        if row[field]:
            index.setdefault(row[field], []).append(row)
    return index


def _the_one(rows: list[Row], what: str, number: str, path: str) -> Row | Finding:
    active = [row for row in rows if row["active"]]
    if len(active) == 1 and active[0]["sale_ok"]:
        return active[0]
    if active and len(active) == 1:
        code, sentence = "erp.product-not-sold", f"The article {_names(active)} is not for sale in Odoo."
    elif active:
        code = "erp.product-ambiguous"
        sentence = f"Odoo has {len(active)} articles with {what} {number} ({_names(active)}): leave it on one of them."
    elif rows:
        code = "erp.product-archived"
        sentence = f"The article with {what} {number} is archived in Odoo ({_names(rows)})."
    else:
        code = "erp.product-unknown"
        sentence = f"Odoo knows no article with {what} {number}: enter it at the article, then post again."
    return Finding(code=code, severity="error", sentence=sentence, place=Place(field=path), found=number[:80])


def _conflict(line: OrderLine, by_gtin: list[Row], by_code: list[Row], path: str) -> Finding:
    return Finding(
        code="erp.product-conflict",
        severity="error",
        sentence=f"GTIN {line.gtin} is {_names(by_gtin)} in Odoo, but article number {line.supplier_sku} is "
        f"{_names(by_code)}: ask the buyer which one is meant.",
        place=Place(field=f"{path}.gtin"),
        found=line.gtin,
    )


def _other_gtin(line: OrderLine, found: Row, path: str) -> Finding:
    return Finding(
        code="erp.product-conflict",
        severity="error",
        sentence=f"Article number {line.supplier_sku} is {_names([found])} in Odoo, whose GTIN is {found['barcode']}, "
        f"not {line.gtin}: ask the buyer which one is meant.",
        place=Place(field=f"{path}.gtin"),
        found=line.gtin,
        expected=found["barcode"],
    )
