"""From the levels of X12 856 to the tree of packages; see `edi_server.translation.x12_shipment_view`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from edi_server.canonical import (
    Batch,
    Dated,
    DespatchAdvice,
    DespatchLine,
    Identifier,
    Marking,
    Measure,
    Note,
    OrderPart,
    Package,
    PackageCount,
    Party,
    Quantity,
    Reference,
    TermsOfDelivery,
    Transport,
    When,
)
from edi_server.translation.x12_sharing import joined_parties, joined_party, promote
from edi_server.translation.x12_shipment import HierarchyLevel, Lading, Mark, ShipNotice

#: Kinds of levels (X12 735).
SHIPMENT, ORDER, TARE, PACK, ITEM, COMPONENT = "S", "O", "T", "P", "I", "F"
#: Roles of parties with a field of their own (X12 98), as they are written.
ROLES = {"buyer": "BY", "supplier": "SE", "ship_to": "ST", "ship_from": "SF"}
#: Qualifiers of dates with a field of their own (X12 374), and of references that stand in PRF (X12 128).
DATES = {"despatched_on": "011", "deliver_on": "017", "best_before": "036"}
PURCHASE_ORDER, RELEASE, CONTRACT = "PO", "RE", "CT"
#: Qualifier of a further number of a line (X12 128), and our name of what was ordered in another unit (SN105/06).
LINE, ORDERED = "LI", "SN105"
#: Measures that stand in TD1: (kind, dimension) of X12 737 and 738. A count of what is in a package.
WEIGHT, VOLUME, COUNT = "WT", ("PD", "VOL"), "CT"
#: Begins kept segments of the shipment's level.
OF_SHIPMENT = "@HL "
#: Qualifier of an SSCC that stands with its application identifier (X12 88; GS1: 00).
SSCC_MARK, SSCC_PREFIX, SSCC_LENGTH = "GM", "00", 18


@dataclass
class _Found:
    """What the levels say, piece by piece."""

    shipment: HierarchyLevel | None = None
    orders: list[Reference] = field(default_factory=list)
    parts: list[OrderPart] = field(default_factory=list)
    terms: list[TermsOfDelivery] = field(default_factory=list)
    transports: list[Transport] = field(default_factory=list)


@dataclass
class _Inside:
    """Goods and packages directly inside something."""

    lines: list[DespatchLine] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)


def read_levels(notice: ShipNotice) -> DespatchAdvice:
    """The despatch advice that levels say."""
    found, inside = _Found(), _Inside()
    for level in notice.levels:
        if level.level == SHIPMENT and found.shipment is None:
            found.shipment = level
            _read_all(level.levels, found, inside, None)
        else:
            _read(level, found, inside, None)
    shipment = found.shipment or HierarchyLevel()
    rest = [
        Dated(kind=kind, when=when)
        for name, kind in DATES.items()
        if (when := getattr(notice, name, None)) and getattr(shipment, name) is not None
    ]
    parties: dict[str, Any] = {name: joined_party(getattr(shipment, name)) for name in ROLES}
    return DespatchAdvice(
        number=notice.number,
        function=notice.function,
        issued_on=notice.issued_on,
        despatched_on=shipment.despatched_on or notice.despatched_on,
        deliver_on=shipment.deliver_on or notice.deliver_on,
        dates=(*_dates_of(shipment, "best_before"), *rest, *notice.dates),
        orders=tuple(found.orders),
        order_parts=tuple(found.parts),
        references=shipment.references,
        **parties,
        parties=joined_parties(shipment.parties),
        measures=(*shipment.measures, *_counted(shipment)),
        terms=(*shipment.terms, *found.terms),
        transports=(*shipment.transports, *found.transports),
        notes=_notes(shipment),
        packing=_packings(shipment),
        packages=tuple(inside.packages),
        lines=tuple(inside.lines),
        kept=(*notice.kept, *(OF_SHIPMENT + text for text in shipment.kept)),
    )


def _read_all(levels: Iterable[HierarchyLevel], found: _Found, inside: _Inside, order: str | None) -> None:
    for level in levels:
        _read(level, found, inside, order)


def _read(level: HierarchyLevel, found: _Found, inside: _Inside, order: str | None) -> None:
    if level.order_number:
        _note_order(level, found)
    if level.level == ORDER:
        order = level.order_number or order
        part = _order_part(level)
        if part != OrderPart(number=part.number):
            found.parts.append(part)
        _read_all(level.levels, found, inside, order)
    elif level.level == ITEM or (level.level == COMPONENT and not level.levels):
        _read_item(level, found, inside, order)
    else:
        inside.packages.append(_package(level, found, order))


def _note_order(level: HierarchyLevel, found: _Found) -> None:
    if all(one.number != level.order_number for one in found.orders):
        assert level.order_number  # asked by the caller
        found.orders.append(Reference(kind=PURCHASE_ORDER, number=level.order_number, when=level.ordered_on))


def _order_part(level: HierarchyLevel) -> OrderPart:
    return OrderPart(
        number=level.order_number,
        references=(*_in_order(level), *level.references),
        parties=_all_parties(level),
        dates=_dates_of(level, *DATES),
        measures=(*level.measures, *_counted(level)),
        packing=_packings(level),
        terms=level.terms,
        transports=level.transports,
        notes=_notes(level),
        kept=level.kept,
    )


def _in_order(level: HierarchyLevel) -> tuple[Reference, ...]:
    """Release and contract."""
    numbers = ((RELEASE, level.release), (CONTRACT, level.contract))
    return tuple(Reference(kind=kind, number=number) for kind, number in numbers if number)


def _read_item(level: HierarchyLevel, found: _Found, inside: _Inside, order: str | None) -> None:
    """A line; packages that stand in an item hold it."""
    parts = [one for one in level.levels if one.level == COMPONENT and not one.levels]
    packages = [_package(one, found, order) for one in level.levels if one not in parts]
    line = _line(level, order, tuple(_line(one, order, ()) for one in parts))
    _move_up(level, found)
    for part in parts:
        _move_up(part, found)
    if len(packages) == 1 and not packages[0].lines:
        packages = [replace(packages[0], lines=(line,))]
    else:
        inside.lines.append(line)
    inside.packages += packages


def _package(level: HierarchyLevel, found: _Found, order: str | None) -> Package:
    if level.order_number:
        _note_order(level, found)
        order = level.order_number
    inside = _Inside()
    if _has_article(level):
        inside.lines.append(_line(level, order, ()))
    _move_up(level, found)
    _read_all(level.levels, found, inside, order)
    own = level if not _has_article(level) else HierarchyLevel()
    first, *more = [_packing(one) for one in own.ladings] or [PackageCount()]
    return Package(
        kind=first.kind,
        count=first.count,
        sscc=tuple(map(_sscc, level.sscc)),
        level=level.level,
        measures=(*own.measures, *_counted(own), *first.measures),
        markings=tuple(map(_marking, level.marks)),
        notes=_notes(own),
        references=own.references,
        parties=_all_parties(own),
        dates=_dates_of(own, *DATES),
        packages=(*(Package(kind=one.kind, count=one.count, measures=one.measures) for one in more), *inside.packages),
        lines=tuple(inside.lines),
        kept=own.kept,
    )


def _line(level: HierarchyLevel, order: str | None, components: tuple[DespatchLine, ...]) -> DespatchLine:
    fields: dict[str, Any] = {
        "gtin": level.gtin,
        "supplier_sku": level.supplier_sku,
        "buyer_sku": level.buyer_sku,
        "numbers": level.numbers,
        "articles": (),
    }
    promote(fields)
    is_package = level.level not in (ITEM, COMPONENT)
    differs = level.ordered_quantity is not None and level.ordered_unit not in (None, level.unit)
    ordered = (_in_other_unit(level),) if differs else ()
    batch = Batch(number=level.lot, best_before=level.best_before)
    return DespatchLine(
        **fields,
        number=level.number or level.shipped_number,
        description=level.description,
        descriptions=level.descriptions,
        quantity=level.quantity,
        unit=level.unit,
        ordered_quantity=None if differs else level.ordered_quantity,
        order_number=level.order_number or order,
        order_line=level.order_line,
        batches=() if batch == Batch() else (batch,),
        numbers=() if is_package else tuple(one for mark in level.marks for one in _identifiers(mark)),
        dates=_dates_of(level, "despatched_on", "deliver_on"),
        quantities=(
            *ordered,
            *(Quantity(kind=one.kind, value=one.count) for one in level.ladings if one.kind and one.count),
        ),
        measures=(*level.measures, *(measure for one in level.ladings for measure in _packing(one).measures)),
        references=(*_in_order(level), *_other_number(level), *level.references),
        parties=_all_parties(level),
        components=components,
        kept=level.kept,
    )


def _in_other_unit(level: HierarchyLevel) -> Quantity:
    assert level.ordered_quantity is not None  # asked by the caller
    return Quantity(kind=ORDERED, value=level.ordered_quantity, unit=level.ordered_unit)


def _other_number(level: HierarchyLevel) -> tuple[Reference, ...]:
    """The number of the line where it stands twice and differs."""
    other = level.shipped_number
    return (Reference(kind=LINE, number=other),) if other and level.number not in (None, other) else ()


def _has_article(level: HierarchyLevel) -> bool:
    return bool(level.number or level.gtin or level.supplier_sku or level.buyer_sku or level.numbers)


def _move_up(level: HierarchyLevel, found: _Found) -> None:
    """Terms and transports have a place only in the shipment and its orders."""
    found.terms += level.terms
    found.transports += level.transports


def _counted(level: HierarchyLevel) -> tuple[Measure, ...]:
    """A quantity that no article is named for: how many are in it."""
    if level.quantity is None or _has_article(level):
        return ()
    return (Measure(kind=COUNT, value=level.quantity, unit=level.unit),)


def _all_parties(level: HierarchyLevel) -> tuple[Party, ...]:
    named = [(joined_party(getattr(level, name)), role) for name, role in ROLES.items()]
    return (*(replace(party, role=role) for party, role in named if party), *joined_parties(level.parties))


def _dates_of(level: HierarchyLevel, *names: str) -> tuple[Dated, ...]:
    """Dates that have a field in levels, but not here, and all others."""
    own: list[tuple[str, When | None]] = [(DATES[name], getattr(level, name)) for name in names]
    return (*(Dated(kind=kind, when=when) for kind, when in own if when), *level.dates)


def _notes(level: HierarchyLevel) -> tuple[Note, ...]:
    """What is described where there is no article."""
    first = (Note(text=level.description),) if level.description else ()
    return (*first, *(Note(subject=one.characteristic, text=one.text) for one in level.descriptions if one.text))


def _packings(level: HierarchyLevel) -> tuple[PackageCount, ...]:
    """Packages of a shipment or order, by kind; and what is marked on all of them."""
    codes = tuple(Marking(kind=SSCC_MARK, text=_sscc(text)) for text in level.sscc)
    marked = PackageCount(markings=(*codes, *map(_marking, level.marks)))
    return tuple(one for one in (*map(_packing, level.ladings), marked) if one != PackageCount())


def _packing(lading: Lading) -> PackageCount:
    weight = Measure(kind=WEIGHT, dimension=lading.weight_kind, value=lading.weight, unit=lading.weight_unit)
    volume = Measure(kind=VOLUME[0], dimension=VOLUME[1], value=lading.volume, unit=lading.volume_unit)
    measures = [one for one in (weight, volume) if one.value is not None]
    return PackageCount(kind=lading.kind, count=lading.count, measures=tuple(measures))


def _marking(mark: Mark) -> Marking:
    return Marking(kind=mark.kind, text="\n".join(filter(None, (mark.first, mark.last))) or None)


def _identifiers(mark: Mark) -> list[Identifier]:
    return [Identifier(scheme=mark.kind, value=one) for one in (mark.first, mark.last) if one]


def _sscc(text: str) -> str:
    """Its 18 digits, without the application identifier that GM has before them."""
    is_full = len(text) == len(SSCC_PREFIX) + SSCC_LENGTH and text.startswith(SSCC_PREFIX)
    return text.removeprefix(SSCC_PREFIX) if is_full else text
