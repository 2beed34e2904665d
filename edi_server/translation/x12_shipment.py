"""Despatch advices as the levels of X12 856 are: records that only its view knows.

Every level (HL) has the same shape here, because X12 says the same things in the same segments at all of them. What
they mean depends on the kind of level (HL03): see `edi_server.translation.x12_shipment_view`.
"""

from __future__ import annotations

from decimal import Decimal

from edi_server.canonical import (
    Dated,
    Description,
    Measure,
    Record,
    Reference,
    TermsOfDelivery,
    Transport,
    When,
)
from edi_server.canonical.order import DocumentFunction
from edi_server.translation.profile import ARRANGEMENTS
from edi_server.translation.x12_sharing import NamedParty


class Lading(Record, frozen=True, kw_only=True):
    """Packages of one kind, with their weight and volume (TD1)."""

    kind: str | None = None
    count: Decimal | None = None
    weight_kind: str | None = None
    weight: Decimal | None = None
    weight_unit: str | None = None
    volume: Decimal | None = None
    volume_unit: str | None = None


class Mark(Record, frozen=True, kw_only=True):
    """A number marked on packages or goods, or a range of them (MAN)."""

    kind: str
    first: str | None = None
    last: str | None = None


class HierarchyLevel(Record, frozen=True, kw_only=True):
    """One level (HL)."""

    #: Kind: S shipment, O order, T tare (pallet), P pack, I item, F component.
    level: str | None = None
    #: Whether there are levels in it, as stated (HL04); on writing, the levels themselves say.
    has_levels: str | None = None
    # Of an item.
    number: str | None = None
    #: The same where it stands with the quantity (SN101); never written.
    shipped_number: str | None = None
    gtin: str | None = None
    supplier_sku: str | None = None
    buyer_sku: str | None = None
    numbers: tuple[str, ...] = ()
    order_line: str | None = None
    lot: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    ordered_quantity: Decimal | None = None
    ordered_unit: str | None = None
    # Of an order.
    order_number: str | None = None
    release: str | None = None
    ordered_on: When | None = None
    contract: str | None = None
    # Of packages.
    sscc: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    # Of any.
    description: str | None = None
    descriptions: tuple[Description, ...] = ()
    measures: tuple[Measure, ...] = ()
    ladings: tuple[Lading, ...] = ()
    transports: tuple[Transport, ...] = ()
    references: tuple[Reference, ...] = ()
    despatched_on: When | None = None
    deliver_on: When | None = None
    best_before: When | None = None
    dates: tuple[Dated, ...] = ()
    terms: tuple[TermsOfDelivery, ...] = ()
    buyer: NamedParty | None = None
    supplier: NamedParty | None = None
    ship_to: NamedParty | None = None
    ship_from: NamedParty | None = None
    parties: tuple[NamedParty, ...] = ()
    levels: tuple[HierarchyLevel, ...] = ()
    kept: tuple[str, ...] = ()


class ShipNotice(Record, frozen=True, kw_only=True):
    """A despatch advice as levels."""

    number: str | None = None
    function: DocumentFunction = "original"
    issued_on: When | None = None
    #: How the levels are arranged (X12 1005).
    structure: str | None = None
    #: How many levels or items there are, as stated (CTT01), and the sum of their quantities (CTT02).
    stated_count: Decimal | None = None
    stated_sum: Decimal | None = None
    despatched_on: When | None = None
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    levels: tuple[HierarchyLevel, ...] = ()
    kept: tuple[str, ...] = ()


ARRANGEMENTS.update({one.__name__: one for one in (Lading, Mark, HierarchyLevel, ShipNotice)})
