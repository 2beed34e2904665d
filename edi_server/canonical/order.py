"""The canonical purchase order."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from edi_server.canonical.common import Contact, Dated, Identifier, Note, Party, Quantity, Record, Reference, When

OrderKind = Literal["standard", "blanket", "call_off", "rush", "sample", "consignment", "service", "cross_dock", "swap"]
DocumentFunction = Literal["original", "duplicate", "change", "cancellation", "replacement", "confirmation", "copy"]


class Delivery(Record, frozen=True, kw_only=True):
    """One delivery of a split order line: how much, when, where."""

    quantity: Decimal | None = None
    unit: str | None = None
    deliver_on: When | None = None
    #: Place of delivery in the partner's code (EDIFACT LOC 7, X12 SDQ).
    place: str | None = None


class OrderLine(Record, frozen=True, kw_only=True):
    """One line of an order. Prices are per `price_basis` units of `unit`."""

    #: The buyer's line number, as written.
    number: str | None = None
    #: What to do with the line (EDIFACT 1229), where the order is a change.
    action: str | None = None
    #: GTIN (GS1), 8 to 14 digits as written.
    gtin: str | None = None
    #: The supplier's article number.
    supplier_sku: str | None = None
    #: The buyer's article number.
    buyer_sku: str | None = None
    #: Further numbers of the article in other schemes.
    articles: tuple[Identifier, ...] = ()
    #: Lines joined by a line feed.
    description: str | None = None
    quantity: Decimal | None = None
    #: Unit of `quantity`, in the partner's code (EDIFACT 6411; UN/ECE Recommendation 20 where they keep to it).
    unit: str | None = None
    quantities: tuple[Quantity, ...] = ()
    #: Net price (EDIFACT AAA).
    price: Decimal | None = None
    #: Number of units the price is for; absent means one.
    price_basis: Decimal | None = None
    price_unit: str | None = None
    #: Gross price (EDIFACT AAB).
    gross_price: Decimal | None = None
    #: Line amount without tax (EDIFACT MOA 203).
    amount: Decimal | None = None
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    kept: tuple[str, ...] = ()


class Order(Record, frozen=True, kw_only=True):
    """A purchase order: the buyer asks the supplier for goods."""

    #: The buyer's order number: with partner and company the business key of the document.
    number: str | None = None
    kind: OrderKind = "standard"
    function: DocumentFunction = "original"
    issued_on: When | None = None
    #: Requested delivery.
    deliver_on: When | None = None
    deliver_not_before: When | None = None
    deliver_not_after: When | None = None
    dates: tuple[Dated, ...] = ()
    #: ISO 4217.
    currency: str | None = None
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    invoice_to: Party | None = None
    parties: tuple[Party, ...] = ()
    contacts: tuple[Contact, ...] = ()
    #: Incoterms code (EDIFACT 4053).
    delivery_terms: str | None = None
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    #: Total amount as the buyer states it (EDIFACT MOA 86 or 79), a fact that is checked, never computed.
    total: Decimal | None = None
    lines: tuple[OrderLine, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def effective_ship_to(self) -> Party | None:
        """Where the goods go: the ship-to party, else the buyer. An interpretation, therefore never read or stored."""
        return self.ship_to or self.buyer
