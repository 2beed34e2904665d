"""Views: documents ⇄ the arrangement in which a syntax carries them, as registered pairs of functions.

A profile binds fields to places and cannot move data between objects. Where a message is arranged differently from
the canonical document, the profile names a view and its lines describe the arrangement. A view loses nothing:
`to_document(to_arrangement(document))` is the document in its normal order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from edi_server.canonical import (
    Dated,
    DespatchAdvice,
    DespatchLine,
    Marking,
    Measure,
    Note,
    Package,
    PackageCount,
    Party,
    Record,
    Reference,
    TermsOfDelivery,
    Transport,
    When,
)
from edi_server.canonical.order import DocumentFunction
from edi_server.translation.arranging import View
from edi_server.translation.profile import ARRANGEMENTS
from edi_server.translation.x12_invoice_view import INVOICE_VIEW
from edi_server.translation.x12_order_view import ORDER_VIEW
from edi_server.translation.x12_shipment_view import SHIPMENT_VIEW


class Unit(Record, frozen=True, kw_only=True):
    """Packages of one kind on a level (EDIFACT PAC)."""

    kind: str | None = None
    kind_name: str | None = None
    count: Decimal | None = None
    sscc: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    markings: tuple[Marking, ...] = ()
    kept: tuple[str, ...] = ()


class Level(Record, frozen=True, kw_only=True):
    """One packing level (EDIFACT CPS): what the packages are, what is in them, and the levels inside."""

    level: str | None = None
    notes: tuple[Note, ...] = ()
    units: tuple[Unit, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    levels: tuple[Level, ...] = ()
    kept: tuple[str, ...] = ()


class DespatchByLevels(Record, frozen=True, kw_only=True):
    """A despatch advice as packing levels: the outermost is the whole shipment."""

    number: str | None = None
    title: str | None = None
    function: DocumentFunction = "original"
    answer: str | None = None
    issued_on: When | None = None
    despatched_on: When | None = None
    deliver_on: When | None = None
    dates: tuple[Dated, ...] = ()
    orders: tuple[Reference, ...] = ()
    references: tuple[Reference, ...] = ()
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    ship_from: Party | None = None
    parties: tuple[Party, ...] = ()
    measures: tuple[Measure, ...] = ()
    terms: tuple[TermsOfDelivery, ...] = ()
    transports: tuple[Transport, ...] = ()
    levels: tuple[Level, ...] = ()
    kept: tuple[str, ...] = ()


_SHARED = tuple(name for name in DespatchByLevels.__struct_fields__ if name not in ("levels", "kept"))
#: Marks unread segments of an outer object that were read below it; see `edi_server.translation.keeping`.
_OF_LEVEL, _OF_UNIT = "@CPS ", "@PAC "


def _by_levels(document: DespatchAdvice) -> DespatchByLevels:
    """Every level below one for the whole shipment, as the message's definition has it (DESADV, CPS)."""
    own, of_level = _split(document.kept, _OF_LEVEL)
    shipment = Level(
        level=document.packing_level,
        notes=document.notes,
        units=tuple(Unit(**_plain(count)) for count in document.packing),
        lines=document.lines,
        levels=tuple(map(_level, document.packages)),
        kept=of_level,
    )
    shared = {name: getattr(document, name) for name in _SHARED}
    return DespatchByLevels(**shared, levels=() if shipment == Level() else (shipment,), kept=own)


def _by_packages(arrangement: DespatchByLevels) -> DespatchAdvice:
    shared = {name: getattr(arrangement, name) for name in _SHARED}
    shipment = arrangement.levels[0] if len(arrangement.levels) == 1 else None
    if shipment is None or any(unit.sscc for unit in shipment.units):
        packages = tuple(map(_package, arrangement.levels))
        return DespatchAdvice(**shared, packages=packages, kept=arrangement.kept)
    return DespatchAdvice(
        **shared,
        packing_level=shipment.level,
        notes=shipment.notes,
        packing=tuple(
            PackageCount(**{name: value for name, value in _plain(unit).items() if name != "sscc"})
            for unit in shipment.units
        ),
        lines=shipment.lines,
        packages=tuple(map(_package, shipment.levels)),
        kept=(*arrangement.kept, *(_OF_LEVEL + text for text in shipment.kept)),
    )


def _level(package: Package) -> Level:
    """A package with the plain packages inside it, which need no level of their own."""
    own, _ = _split(package.kept, _OF_UNIT)
    unit = _unit(package)
    has_unit = unit != Unit()
    inner = [one for one in package.packages if has_unit and _is_plain(one)]
    rest = [one for one in package.packages if not (has_unit and _is_plain(one))]
    return Level(
        level=package.level,
        notes=package.notes,
        units=(unit, *map(_unit, inner)) if has_unit else (),
        lines=package.lines,
        levels=tuple(map(_level, rest)),
        kept=own,
    )


def _unit(package: Package) -> Unit:
    """What the package itself is."""
    _, of_unit = _split(package.kept, _OF_UNIT)
    return Unit(
        kind=package.kind,
        kind_name=package.kind_name,
        count=package.count,
        sscc=package.sscc,
        measures=package.measures,
        markings=package.markings,
        kept=of_unit,
    )


def _package(level: Level) -> Package:
    first, rest = (level.units[0], level.units[1:]) if level.units else (Unit(), ())
    return Package(
        **(_plain(first) | {"kept": (*level.kept, *(_OF_UNIT + text for text in first.kept))}),
        level=level.level,
        notes=level.notes,
        packages=(*(_package(Level(units=(unit,))) for unit in rest), *map(_package, level.levels)),
        lines=level.lines,
    )


def _is_plain(package: Package) -> bool:
    """True if nothing but its kind, number and marks is known of a package, and it has no SSCC."""
    own, _ = _split(package.kept, _OF_UNIT)
    inside = package.sscc or package.level or package.notes or package.packages or package.lines or own
    return not inside and _unit(package) != Unit()


def _split(kept: tuple[str, ...], mark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Unread segments of the object itself, and those of the inner object."""
    return (
        tuple(text for text in kept if not text.startswith(mark)),
        tuple(text.removeprefix(mark) for text in kept if text.startswith(mark)),
    )


def _plain(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


#: Every view by the name that profiles use.
VIEWS: dict[str, View] = {
    "packing-levels": View(
        name="packing-levels",
        document=DespatchAdvice,
        arrangement=DespatchByLevels,
        to_document=_by_packages,
        to_arrangement=_by_levels,
    ),
    **{view.name: view for view in (ORDER_VIEW, SHIPMENT_VIEW, INVOICE_VIEW)},
}
ARRANGEMENTS.update({"Level": Level, "Unit": Unit, "DespatchByLevels": DespatchByLevels})
