"""The canonical despatch advice (advance ship notice): what left, in which packages."""

from __future__ import annotations

from decimal import Decimal

from edi_server.canonical.common import Dated, Identifier, Measure, Note, Party, Quantity, Record, Reference, When
from edi_server.canonical.order import DocumentFunction


class Batch(Record, frozen=True, kw_only=True):
    """Goods of one line that belong together: batch, best-before date, serial numbers."""

    number: str | None = None
    quantity: Decimal | None = None
    best_before: When | None = None
    serials: tuple[str, ...] = ()


class DespatchLine(Record, frozen=True, kw_only=True):
    """Goods of one article in one package (or loose in the consignment)."""

    #: Our line number.
    number: str | None = None
    gtin: str | None = None
    supplier_sku: str | None = None
    buyer_sku: str | None = None
    articles: tuple[Identifier, ...] = ()
    description: str | None = None
    #: Despatched quantity.
    quantity: Decimal | None = None
    unit: str | None = None
    ordered_quantity: Decimal | None = None
    quantities: tuple[Quantity, ...] = ()
    order_number: str | None = None
    #: The buyer's line number in that order.
    order_line: str | None = None
    batches: tuple[Batch, ...] = ()
    dates: tuple[Dated, ...] = ()
    measures: tuple[Measure, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    kept: tuple[str, ...] = ()


class Package(Record, frozen=True, kw_only=True):
    """One handling unit, or several alike; packages hold packages and lines."""

    #: Kind of packaging (EDIFACT 7065), such as "201" (pallet ISO 1) or "CT" (carton).
    kind: str | None = None
    #: Number of alike packages this record stands for.
    count: Decimal | None = None
    #: Serial shipping container codes (GS1), 18 digits.
    sscc: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    packages: tuple[Package, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    kept: tuple[str, ...] = ()


class Transport(Record, frozen=True, kw_only=True):
    """How the goods travel."""

    #: Stage (EDIFACT 8051).
    stage: str | None = None
    #: Mode (EDIFACT 8067), such as "30" (road).
    mode: str | None = None
    #: Carrier's code and name.
    carrier: str | None = None
    carrier_name: str | None = None
    #: Licence plate or vessel.
    vehicle: str | None = None
    #: Number of the journey or consignment note.
    journey: str | None = None
    kept: tuple[str, ...] = ()


class DespatchAdvice(Record, frozen=True, kw_only=True):
    """A despatch advice. `packages` is the neutral packaging tree; `lines` are goods without any packaging level."""

    #: Our despatch advice number: the business key of the document.
    number: str | None = None
    function: DocumentFunction = "original"
    issued_on: When | None = None
    despatched_on: When | None = None
    #: Estimated or requested delivery.
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    #: Orders that this delivery fulfils, wholly or in part.
    orders: tuple[Reference, ...] = ()
    references: tuple[Reference, ...] = ()
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    ship_from: Party | None = None
    parties: tuple[Party, ...] = ()
    measures: tuple[Measure, ...] = ()
    transports: tuple[Transport, ...] = ()
    notes: tuple[Note, ...] = ()
    packages: tuple[Package, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    kept: tuple[str, ...] = ()
