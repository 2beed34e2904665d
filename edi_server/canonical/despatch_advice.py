"""The canonical despatch advice (advance ship notice): what left, in which packages."""

from __future__ import annotations

from decimal import Decimal

from edi_server.canonical.common import (
    Amount,
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
from edi_server.canonical.order import DocumentFunction, TermsOfDelivery, Transport


class Batch(Record, frozen=True, kw_only=True):
    """Goods of one line that belong together: batch, best-before date, serial numbers."""

    number: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    best_before: When | None = None
    serials: tuple[str, ...] = ()
    #: Shipping marks on the goods; lines joined by a line feed.
    marks: str | None = None
    dates: tuple[Dated, ...] = ()
    numbers: tuple[Identifier, ...] = ()
    kept: tuple[str, ...] = ()


class DespatchLine(Record, frozen=True):  # positional for generated readers: by keyword, each takes three times as long
    """Goods of one article in one package (or loose in the consignment)."""

    #: Our line number.
    number: str | None = None
    gtin: str | None = None
    supplier_sku: str | None = None
    buyer_sku: str | None = None
    #: The number that leads the line where it is none of these, and its scheme (EDIFACT 7143), if any is stated.
    article: str | None = None
    article_scheme: str | None = None
    articles: tuple[Identifier, ...] = ()
    #: The first free text that says what the article is; lines joined by a line feed.
    description: str | None = None
    #: All other descriptions: further text, colour, size, codes.
    descriptions: tuple[Description, ...] = ()
    #: Despatched quantity.
    quantity: Decimal | None = None
    unit: str | None = None
    ordered_quantity: Decimal | None = None
    quantities: tuple[Quantity, ...] = ()
    order_number: str | None = None
    #: The buyer's line number in that order.
    order_line: str | None = None
    batches: tuple[Batch, ...] = ()
    #: Serial or batch numbers of the whole line, the scheme saying which (EDIFACT 7405).
    numbers: tuple[Identifier, ...] = ()
    amounts: tuple[Amount, ...] = ()
    places: tuple[Location, ...] = ()
    dates: tuple[Dated, ...] = ()
    measures: tuple[Measure, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    #: Parts that the article consists of: told, but no goods of their own.
    components: tuple[DespatchLine, ...] = ()
    kept: tuple[str, ...] = ()


class Marking(Record, frozen=True, kw_only=True):
    """What is written on packages."""

    #: Instruction (EDIFACT 4233), such as "33E" (marked with SSCC).
    kind: str | None = None
    #: Shipping marks; lines joined by a line feed.
    text: str | None = None
    #: Numbers marked on the package other than its SSCC, the scheme saying which (EDIFACT 7405).
    numbers: tuple[Identifier, ...] = ()
    kept: tuple[str, ...] = ()


class PackageCount(Record, frozen=True, kw_only=True):
    """How many packages of a kind the whole shipment has."""

    #: Kind of packaging (EDIFACT 7065), in words where there is no code.
    kind: str | None = None
    kind_name: str | None = None
    count: Decimal | None = None
    measures: tuple[Measure, ...] = ()
    markings: tuple[Marking, ...] = ()
    kept: tuple[str, ...] = ()


class Package(Record, frozen=True, kw_only=True):
    """One handling unit, or several alike; packages hold packages and lines."""

    #: Kind of packaging (EDIFACT 7065), such as "201" (pallet ISO 1) or "CT" (carton).
    kind: str | None = None
    #: The kind in words.
    kind_name: str | None = None
    #: Number of alike packages this record stands for.
    count: Decimal | None = None
    #: Serial shipping container codes (GS1), 18 digits.
    sscc: tuple[str, ...] = ()
    #: Where in the order of packages it stands (EDIFACT 7075), such as "3" (outer).
    level: str | None = None
    measures: tuple[Measure, ...] = ()
    markings: tuple[Marking, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    dates: tuple[Dated, ...] = ()
    packages: tuple[Package, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    kept: tuple[str, ...] = ()


class OrderPart(Record, frozen=True, kw_only=True):
    """What is said about all goods of one order in the shipment (X12 856, HL O)."""

    #: The buyer's order number, as in `orders`.
    number: str | None = None
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    dates: tuple[Dated, ...] = ()
    measures: tuple[Measure, ...] = ()
    packing: tuple[PackageCount, ...] = ()
    terms: tuple[TermsOfDelivery, ...] = ()
    transports: tuple[Transport, ...] = ()
    notes: tuple[Note, ...] = ()
    kept: tuple[str, ...] = ()


class DespatchAdvice(Record, frozen=True, kw_only=True):
    """A despatch advice. `packages` is the neutral packaging tree; `lines` are goods without any packaging level."""

    #: Our despatch advice number: the business key of the document.
    number: str | None = None
    #: The supplier's own name of the kind of document (EDIFACT 1000).
    title: str | None = None
    function: DocumentFunction = "original"
    #: Which answer the supplier wants (EDIFACT 4343).
    answer: str | None = None
    issued_on: When | None = None
    despatched_on: When | None = None
    #: Estimated or requested delivery.
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    #: Orders that this delivery fulfils, wholly or in part.
    orders: tuple[Reference, ...] = ()
    #: Only for orders of which more than number and date is said.
    order_parts: tuple[OrderPart, ...] = ()
    references: tuple[Reference, ...] = ()
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    ship_from: Party | None = None
    parties: tuple[Party, ...] = ()
    measures: tuple[Measure, ...] = ()
    terms: tuple[TermsOfDelivery, ...] = ()
    transports: tuple[Transport, ...] = ()
    notes: tuple[Note, ...] = ()
    #: Packages of the whole shipment by kind: a summary of `packages`, or all that is known.
    packing: tuple[PackageCount, ...] = ()
    #: The level of the whole shipment in the partner's order of packages (EDIFACT 7075).
    packing_level: str | None = None
    packages: tuple[Package, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    kept: tuple[str, ...] = ()
