"""Order lines as cells of `load()`: article, quantity, unit, price and words, with all that is wrong about them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from edi_server.canonical import Note, OrderLine
from edi_server.erp.external_ids import MODULE, line_name
from edi_server.erp.matching import Catalogue
from edi_server.erp.port import OrderToPost
from edi_server.erp.remarks import Remarks
from edi_server.erp.session import Row
from edi_server.findings import Finding, Place

Cells = dict[str, str]
#: Lines are numbered in hundreds, so that their notes fit behind them.
_STEP = 100
#: Odoo keeps quantities and prices as floats; beyond this they lose their cents.
_LARGEST = Decimal(10) ** 12
_FINEST = Decimal("1e-12")


class LineSheet:
    """The lines of one order: goods, and notes for people to read."""

    def __init__(self, item: OrderToPost, catalogue: Catalogue, remarks: Remarks) -> None:
        self._key, self._order = item.key, item.order
        self._catalogue, self._remarks = catalogue, remarks
        self._priced = self._is_priced(keep=item.policy.keep_prices)

    def cells(self) -> list[Cells]:
        """One record per line, in the order in which people shall see them."""
        cells = self._notes(self._order.notes, "n", 0)
        for index, line in enumerate(self._order.lines):
            sequence = _STEP * (index + 1)
            if goods := self._goods(index, line, sequence):
                cells += [goods, *self._notes(line.notes, f"{index + 1}n", sequence)]
        return cells

    def _is_priced(self, *, keep: bool) -> bool:
        """Prices are a column of the call or they are not: without it the price list decides, an empty cell is 0.00."""
        stated = any(line.price is not None for line in self._order.lines)
        if keep and self._order.lines and not stated:
            sentence = "The order states no prices; those of Odoo's price list count."
            self._remarks.note("erp.price-list", sentence, "lines")
        return keep and stated

    def _notes(self, notes: tuple[Note, ...], name: str, after: int) -> list[Cells]:
        return [
            {
                "id": f"{MODULE}.{self._key}-{name}{index}",
                "sequence": str(after + index),
                "display_type": "line_note",
                "name": text_cell(note.text),
            }
            for index, note in enumerate(notes, 1)
            if note.text.strip("\0 \r\n\t")
        ]

    def _goods(self, index: int, line: OrderLine, sequence: int) -> Cells:
        path = f"lines[{index}]"
        self._check_quantity(line, f"{path}.quantity")
        product = self._product(line, path)
        unit = product and self._unit(line, product, path)
        if not product or not unit:
            return {}
        cells = {
            "id": f"{MODULE}.{line_name(self._key, index + 1, line.number)}",
            "sequence": str(sequence),
            "product_id/.id": str(product["id"]),
            f"{self._catalogue.layout.unit}/.id": str(unit),
            "product_uom_qty": _number(line.quantity or Decimal(0)),
            "name": _name(product, line),
        }
        if self._priced:
            cells["price_unit"] = self._price(line, product, unit, f"{path}.price")
            cells["discount"] = "0"  # the partner's price is net; a discount of the price list would come on top
        return cells

    def _product(self, line: OrderLine, path: str) -> Row | None:
        product = self._catalogue.products.find(line, path)
        if isinstance(product, Finding):
            self._remarks.found.append(product)
            return None
        return product

    def _unit(self, line: OrderLine, product: Row, path: str) -> int | None:
        unit = self._catalogue.units.find(line.unit, product, Place(field=f"{path}.unit"))
        if isinstance(unit, Finding):
            self._remarks.found.append(unit)
            return None
        return unit

    def _check_quantity(self, line: OrderLine, field: str) -> None:
        quantity, digits = line.quantity, self._catalogue.layout.quantity_digits
        if quantity is None or not quantity.is_finite() or quantity <= 0:
            sentence = "The ordered quantity must be greater than nought."
            self._remarks.refuse("erp.quantity-not-positive", sentence, field, found=_shown(quantity))
        elif not _is_kept(quantity):
            sentence = "The ordered quantity is too large or too small to be meant."
            self._remarks.refuse("erp.quantity-out-of-range", sentence, field, found=_shown(quantity))
        elif _rounded(quantity, digits) != quantity:
            sentence = f"Odoo keeps {digits} decimals of a quantity; this one would be changed."
            self._remarks.refuse("erp.quantity-too-fine", sentence, field, found=_shown(quantity))

    def _price(self, line: OrderLine, product: Row, unit: int, field: str) -> str:
        """Price of one unit of the line, empty with a remark if there is none. Odoo has no price basis."""
        price, basis = line.price, Decimal(1) if line.price_basis is None else line.price_basis
        if price is None:
            sentence = "Other lines of this order state a price, this one does not: a price of nought must be stated."
            self._remarks.refuse("erp.price-missing", sentence, field)
        elif not price.is_finite() or price < 0:
            sentence = "The price must not be less than nought."
            self._remarks.refuse("erp.price-negative", sentence, field, found=_shown(price))
        elif not _is_kept(basis) or not _is_kept(price + 1) or self._is_for_other_unit(line, product, unit):
            sentence = "The price is for another unit than the quantity; it cannot be turned into a price per unit."
            found = " ".join(filter(None, (_shown(price), "per", _shown(basis), line.price_unit)))
            self._remarks.refuse("erp.price-basis", sentence, field, found=found)
        else:
            return self._kept_price((price / basis).normalize(), field)
        return ""

    def _kept_price(self, price: Decimal, field: str) -> str:
        digits = self._catalogue.layout.price_digits
        kept = _rounded(price, digits)
        if kept != price:
            sentence = f"Odoo keeps {digits} decimals of a price: {_number(kept)} is posted."
            self._remarks.warn("erp.price-rounded", sentence, field, found=_shown(price), expected=_number(kept))
        return _number(price)

    def _is_for_other_unit(self, line: OrderLine, product: Row, unit: int) -> bool:
        return bool(line.price_unit) and self._catalogue.units.find(line.price_unit, product, Place()) != unit


def text_cell(text: str) -> str:
    """Text without NUL, which PostgreSQL cannot store."""
    return text.replace("\0", "")


def _name(product: Row, line: OrderLine) -> str:
    """Our name of the article, as on every other sales order, then the buyer's words where they differ."""
    own, words = str(product["display_name"]), text_cell(line.description or "").strip()
    return own if words.casefold() in own.casefold() else f"{own}\n{words}"


def _is_kept(number: Decimal) -> bool:
    """Whether a positive number is of a size that a float keeps exactly enough."""
    return number.is_finite() and _FINEST <= number <= _LARGEST


def _rounded(number: Decimal, digits: int | None) -> Decimal:
    return number if digits is None else number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _number(number: Decimal) -> str:
    return format(number, "f")


def _shown(number: Decimal | None) -> str | None:
    """As a person would write it, unless that takes a page."""
    return None if number is None else (_number(number) if abs(number.adjusted()) < 40 else str(number))
