"""Units of measure: codes of UN/ECE Recommendation 20 ↔ Odoo's own units, known by their external ids.

Odoo's names are translated and editable, its external ids (module `uom`) are not; a few differ between 17 and 19.
"""

from __future__ import annotations

from decimal import Decimal

from edi_server.erp.session import Row, Session
from edi_server.findings import Finding, Place

#: Odoo's external id → codes of Recommendation 20; the first is the one we write. PCE is the code of the older
#: editions that EDIFACT D.96A partners use; EA, C62 and H87 mean the same to an article counted in pieces.
CODES: dict[str, tuple[str, ...]] = {
    "product_uom_unit": ("PCE", "EA", "C62", "H87", "NAR"),
    "product_uom_dozen": ("DZN",),
    "product_uom_kgm": ("KGM",),
    "product_uom_gram": ("GRM",),
    "product_uom_ton": ("TNE",),
    "product_uom_lb": ("LBR",),
    "product_uom_oz": ("ONZ",),
    "product_uom_litre": ("LTR",),
    "product_uom_milliliter": ("MLT",),
    "product_uom_cubic_meter": ("MTQ",),
    "product_uom_cubic_foot": ("FTQ",),
    "product_uom_cubic_inch": ("INQ",),
    "product_uom_floz": ("OZA",),
    "product_uom_qt": ("QTL",),
    "product_uom_gal": ("GLL",),
    "product_uom_meter": ("MTR",),
    "product_uom_km": ("KMT", "KTM"),
    "product_uom_cm": ("CMT",),
    "product_uom_millimeter": ("MMT",),
    "product_uom_inch": ("INH",),
    "product_uom_foot": ("FOT",),
    "product_uom_yard": ("YRD",),
    "product_uom_mile": ("SMI",),
    "uom_square_meter": ("MTK",),
    "product_uom_square_meter": ("MTK",),
    "uom_square_foot": ("FTK",),
    "product_uom_square_foot": ("FTK",),
    "product_uom_hour": ("HUR",),
    "product_uom_day": ("DAY",),
    "product_uom_minute": ("MIN",),
    "product_uom_kwh": ("KWH",),
}


class Units:
    """The units of one Odoo, read in two calls."""

    def __init__(self, session: Session) -> None:
        wanted = ["category_id", "factor_inv"] if session.has("uom.uom", "category_id") else ["parent_path", "factor"]
        rows = session.call("uom.uom", "search_read", [], ["name", "active", *wanted], context={"active_test": False})
        self._by_id: dict[int, Row] = {row["id"]: row for row in rows}
        self._names = _external_names(session, list(self._by_id))
        self._by_code = self._index()

    def _index(self) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        for unit_id, row in self._by_id.items():
            if row["active"]:
                for code in {row["name"], *CODES.get(self._names.get(unit_id, ""), ())}:
                    index.setdefault(code, []).append(unit_id)
        return index

    def find(self, code: str | None, product: Row, place: Place) -> int | Finding:
        """The unit of an order line: the code's, or the article's own where the line names none.

        A code that is none of Odoo's standard units matches a unit whose name is exactly the code. A unit that does
        not measure the same thing as the article's is refused here, because Odoo 19 would convert 1 kg to 1000 pieces.
        """
        own: int = product["uom_id"][0]
        if not code:
            return own
        candidates = self._by_code.get(code, [])
        if len(candidates) != 1:
            return _no_unit(code, len(candidates), place)
        if self._root(candidates[0]) != self._root(own):
            return Finding(
                code="erp.unit-differs",
                severity="error",
                sentence=f"The article is sold in {product['uom_id'][1]}; it cannot be ordered in {code}.",
                place=place,
                found=code,
                expected=self.code(own) or product["uom_id"][1],
            )
        return candidates[0]

    def code(self, unit_id: int) -> str | None:
        """The code of Recommendation 20, or None for a unit of somebody's own making."""
        codes = CODES.get(self._names.get(unit_id, ""))
        return codes[0] if codes else None

    def convert(self, quantity: Decimal, unit_id: int, to: int) -> Decimal | None:
        """The quantity in another unit of the same kind, to six decimals; None if they do not measure the same."""
        if unit_id == to:
            return quantity
        if self._root(unit_id) != self._root(to):
            return None
        return (quantity * self._size(unit_id) / self._size(to)).quantize(Decimal("0.000001")).normalize() + 0

    def _root(self, unit_id: int) -> str:
        row = self._by_id[unit_id]
        if "category_id" in row:  # 17: units of one category convert; 19: units of one tree
            return str(row["category_id"][0])
        return str(row["parent_path"] or f"{unit_id}/").partition("/")[0]

    def _size(self, unit_id: int) -> Decimal:
        row = self._by_id[unit_id]
        return Decimal(repr(row["factor_inv"] if "factor_inv" in row else row["factor"]))


def _external_names(session: Session, ids: list[int]) -> dict[int, str]:
    """Id → name of the external id in Odoo's own module `uom`; an ordinary user may ask, unlike for ir.model.data."""
    names = {}
    for row in session.call("uom.uom", "get_metadata", ids) if ids else ():
        for known in row["xmlids"]:
            module, _, name = known["xmlid"].partition(".")
            if module == "uom":
                names[row["id"]] = name
    return names


def _no_unit(code: str, candidates: int, place: Place) -> Finding:
    if candidates:
        sentence = f"Odoo has {candidates} units of measure called {code}: leave one of them active."
    else:
        sentence = f"Odoo has no active unit of measure for the code {code}: activate it, or create one with that name."
    return Finding(code="erp.unit-unknown", severity="error", sentence=sentence, place=place, found=code)
