"""The canonical purchase order."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from edi_server.canonical.common import (
    Amount,
    Contact,
    Dated,
    Description,
    Identifier,
    Location,
    Measure,
    Note,
    Party,
    Quantity,
    Record,
    Reference,
    When,
)

OrderKind = Literal["standard", "blanket", "call_off", "rush", "sample", "consignment", "service", "cross_dock", "swap"]
DocumentFunction = Literal["original", "duplicate", "change", "cancellation", "replacement", "confirmation", "copy"]


class Delivery(Record, frozen=True):
    """One delivery of a split order line: how much, when, where."""

    quantity: Decimal | None = None
    unit: str | None = None
    deliver_on: When | None = None
    #: Place of delivery in the partner's code (EDIFACT LOC 7, X12 SDQ), and whose list it is from (EDIFACT 3055).
    place: str | None = None
    place_list: str | None = None
    place_name: str | None = None
    kept: tuple[str, ...] = ()


class TermsOfDelivery(Record, frozen=True):
    """Who delivers how far and who pays."""

    #: What is agreed (EDIFACT 4055).
    function: str | None = None
    #: Who pays the transport (EDIFACT 4215).
    payment: str | None = None
    #: Code of the terms (EDIFACT 4053), an Incoterm such as "CIF".
    code: str | None = None
    code_list: str | None = None
    #: Lines joined by a line feed.
    text: str | None = None
    places: tuple[Location, ...] = ()
    kept: tuple[str, ...] = ()


class Transport(Record, frozen=True):
    """How the goods travel."""

    #: Stage (EDIFACT 8051).
    stage: str | None = None
    #: Number of the journey or consignment note (EDIFACT 8028).
    journey: str | None = None
    #: Mode (EDIFACT 8067), such as "30" (road), and its name.
    mode: str | None = None
    mode_name: str | None = None
    #: Kind of the means of transport (EDIFACT 8179), such as "31" (truck), and its name.
    means: str | None = None
    means_name: str | None = None
    #: Carrier's code, whose list it is from (EDIFACT 3055), and name.
    carrier: str | None = None
    carrier_list: str | None = None
    carrier_name: str | None = None
    #: Licence plate or vessel: code and name.
    vehicle: str | None = None
    vehicle_name: str | None = None
    places: tuple[Location, ...] = ()
    kept: tuple[str, ...] = ()


class OrderLine(Record, frozen=True):  # positional for generated readers: by keyword, each takes three times as long
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
    #: The number that leads the line where it is none of these, and its scheme (EDIFACT 7143), if any is stated.
    article: str | None = None
    article_scheme: str | None = None
    #: Further numbers of the article in other schemes.
    articles: tuple[Identifier, ...] = ()
    #: The first free text that says what the article is; lines joined by a line feed.
    description: str | None = None
    #: All other descriptions: further text, colour, size, codes.
    descriptions: tuple[Description, ...] = ()
    quantity: Decimal | None = None
    #: Unit of `quantity`, in the partner's code (EDIFACT 6411; UN/ECE Recommendation 20 where they keep to it).
    unit: str | None = None
    quantities: tuple[Quantity, ...] = ()
    #: Net price (EDIFACT AAA).
    price: Decimal | None = None
    #: What kind of price it is (EDIFACT 5375) and from which list (5387).
    price_kind: str | None = None
    price_list: str | None = None
    #: Number of units the price is for; absent means one.
    price_basis: Decimal | None = None
    price_unit: str | None = None
    #: Gross price (EDIFACT AAB).
    gross_price: Decimal | None = None
    #: Line amount without tax (EDIFACT MOA 203).
    amount: Decimal | None = None
    amounts: tuple[Amount, ...] = ()
    measures: tuple[Measure, ...] = ()
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    kept: tuple[str, ...] = ()


class Order(Record, frozen=True):
    """A purchase order: the buyer asks the supplier for goods."""

    #: The buyer's order number: with partner and company the business key of the document.
    number: str | None = None
    kind: OrderKind = "standard"
    #: The buyer's own name of the kind of document, such as "Dropship Order" (EDIFACT 1000).
    title: str | None = None
    function: DocumentFunction = "original"
    #: Which answer the buyer wants (EDIFACT 4343), such as "AB" (acknowledge all) or "NA" (none).
    answer: str | None = None
    issued_on: When | None = None
    #: Requested delivery.
    deliver_on: When | None = None
    deliver_not_before: When | None = None
    deliver_not_after: When | None = None
    dates: tuple[Dated, ...] = ()
    #: ISO 4217.
    currency: str | None = None
    #: ISO 4217 of the payment, where it differs, and how many of it make one of `currency`'s unit.
    payment_currency: str | None = None
    exchange_rate: Decimal | None = None
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    invoice_to: Party | None = None
    parties: tuple[Party, ...] = ()
    contacts: tuple[Contact, ...] = ()
    terms: tuple[TermsOfDelivery, ...] = ()
    transports: tuple[Transport, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    #: Total amount as the buyer states it (EDIFACT MOA 86 or 79), a fact that is checked, never computed.
    total: Decimal | None = None
    amounts: tuple[Amount, ...] = ()
    lines: tuple[OrderLine, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def effective_ship_to(self) -> Party | None:
        """Where the goods go: the ship-to party, else the buyer. An interpretation, therefore never read or stored."""
        return self.ship_to or self.buyer

    @property
    def delivery_terms(self) -> str | None:
        """Code of the first terms of delivery that have one."""
        return next((terms.code for terms in self.terms if terms.code), None)
