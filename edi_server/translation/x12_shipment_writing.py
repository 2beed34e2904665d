"""From the tree of packages to the levels of X12 856; see `edi_server.translation.x12_shipment_view`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from edi_server.canonical import (
    Batch,
    Dated,
    Description,
    DespatchAdvice,
    DespatchLine,
    Marking,
    Measure,
    Note,
    OrderPart,
    Package,
    PackageCount,
    Party,
    Reference,
    When,
)
from edi_server.translation.x12_sharing import NamedParty, demote, parted_parties, parted_party
from edi_server.translation.x12_shipment import HierarchyLevel, Lading, Mark, ShipNotice
from edi_server.translation.x12_shipment_reading import (
    COMPONENT,
    CONTRACT,
    DATES,
    ITEM,
    OF_SHIPMENT,
    ORDER,
    ORDERED,
    PACK,
    RELEASE,
    ROLES,
    SHIPMENT,
    SSCC_LENGTH,
    SSCC_MARK,
    SSCC_PREFIX,
    TARE,
    VOLUME,
    WEIGHT,
)

#: Arrangements of levels (X12 1005): with packages, packages with goods of several orders, without packages.
_PACKED, _MIXED, _LOOSE = "0001", "0003", "0004"
#: Roles that mean a supplier (X12 98).
_SUPPLIERS = ("SE", "VN", "SU")
#: Dimensions of weights (X12 187, and of EDIFACT 6313 those that mean the same).
_WEIGHTS = ("G", "N", "T")
#: Qualifiers of a batch number in REF (X12 128), and of a mark that has none (X12 88).
_BATCH, _UNKNOWN = "LT", "ZZ"


def write_levels(document: DespatchAdvice) -> ShipNotice:
    """The levels that say a despatch advice."""
    writer = _Writer(document)
    inside = writer.inside(document.packages, document.lines, everywhere=True)
    shipment = _shipment(document, inside)
    own = tuple(text for text in document.kept if not text.startswith(OF_SHIPMENT))
    return ShipNotice(
        number=document.number,
        function=document.function,
        issued_on=document.issued_on,
        structure=_structure(document, writer),
        levels=() if shipment == HierarchyLevel(level=SHIPMENT) else (shipment,),
        kept=own,
    )


def _structure(document: DespatchAdvice, writer: _Writer) -> str:
    if any(len(writer.orders_in(package)) > 1 for package in document.packages):
        return _MIXED
    return _PACKED if document.packages else _LOOSE


def _shipment(document: DespatchAdvice, inside: tuple[HierarchyLevel, ...]) -> HierarchyLevel:
    parties: dict[str, Any] = {name: parted_party(getattr(document, name)) for name in ROLES}
    when: dict[str, When | None] = {"despatched_on": document.despatched_on, "deliver_on": document.deliver_on}
    return HierarchyLevel(
        level=SHIPMENT,
        **_packed(document.packing, document.measures),
        transports=document.transports,
        references=document.references,
        **_dated(document.dates, when),
        terms=document.terms,
        **parties,
        parties=parted_parties(document.parties),
        **_described(document.notes),
        levels=inside,
        kept=tuple(text.removeprefix(OF_SHIPMENT) for text in document.kept if text.startswith(OF_SHIPMENT)),
    )


class _Writer:
    """Knows the orders of one document."""

    def __init__(self, document: DespatchAdvice) -> None:
        numbers = [one.number for one in document.orders]
        self._sole = numbers[0] if len(numbers) == 1 else None
        self._when = {one.number: one.when for one in reversed(document.orders)}
        self._known = [*numbers, *(one.number for one in document.order_parts)]
        #: What is still to be said of orders.
        self._parts = list(document.order_parts)

    def orders_in(self, package: Package) -> set[str | None]:
        """The orders that a package has goods of."""
        found = {self._order_of(line) for line in package.lines}
        return found.union(*map(self.orders_in, package.packages))

    def _order_of(self, line: DespatchLine) -> str | None:
        return line.order_number or self._sole

    def inside(
        self, packages: Iterable[Package], lines: Iterable[DespatchLine], *, everywhere: bool = False
    ) -> tuple[HierarchyLevel, ...]:
        """Levels of goods of several orders: each order with its packages and lines, then what belongs to none.

        `everywhere`: all orders of the document, even if nothing of them is there.
        """
        shares: dict[str | None, list[HierarchyLevel]] = {number: [] for number in self._known if everywhere}
        apart: list[HierarchyLevel] = []
        for package in packages:
            orders = self.orders_in(package) or {self._sole}
            if len(orders) > 1:
                apart.append(self._package(package, mixed=True))
            else:
                shares.setdefault(orders.pop(), []).append(self._package(package, mixed=False))
        for line in lines:
            shares.setdefault(self._order_of(line), []).extend(_items(line))
        loose = shares.pop(None, [])
        elsewhere = {level.order_number for one in apart for level in _all_levels(one)}
        orders_ = [
            self._order(number, levels) for number, levels in shares.items() if levels or number not in elsewhere
        ]
        unnamed = [_order_level(part, None, []) for part in self._parts if everywhere and part.number is None]
        return (*orders_, *unnamed, *loose, *apart)

    def _order(self, number: str | None, levels: list[HierarchyLevel]) -> HierarchyLevel:
        part = next((one for one in self._parts if one.number == number), OrderPart(number=number))
        if part in self._parts:
            self._parts.remove(part)
        return _order_level(part, self._when.get(number or ""), levels)

    def _package(self, package: Package, *, mixed: bool) -> HierarchyLevel:
        if mixed:
            levels = self.inside(package.packages, package.lines)
        else:
            packages = (self._package(one, mixed=False) for one in package.packages)
            levels = (*packages, *(level for line in package.lines for level in _items(line)))
        is_plain = package.kind or package.count is not None
        return HierarchyLevel(
            level=_kind(package),
            sscc=tuple(map(_sscc, package.sscc)),
            marks=tuple(mark for one in package.markings for mark in _marks(one)),
            ladings=(Lading(kind=package.kind, count=package.count),) if is_plain else (),
            measures=package.measures,
            references=package.references,
            **_dated(package.dates, {}),
            **_by_role(package.parties),
            **_described(package.notes),
            levels=levels,
            kept=package.kept,
        )


def _all_levels(level: HierarchyLevel) -> Iterator[HierarchyLevel]:
    yield level
    for one in level.levels:
        yield from _all_levels(one)


def _kind(package: Package) -> str:
    """The kind of its level as it was read, else by what is in it."""
    if package.level and package.level.isalpha() and package.level not in (SHIPMENT, ORDER, ITEM, COMPONENT):
        return package.level
    return TARE if package.packages else PACK


def _order_level(part: OrderPart, when: When | None, levels: list[HierarchyLevel]) -> HierarchyLevel:
    numbers, references = _with_order(part.references if part.number else ())
    return HierarchyLevel(
        level=ORDER,
        order_number=part.number,
        ordered_on=when,
        **numbers,
        references=references if part.number else part.references,
        **_packed(part.packing, part.measures),
        transports=part.transports,
        terms=part.terms,
        **_dated(part.dates, {}),
        **_by_role(part.parties),
        **_described(part.notes),
        levels=tuple(levels),
        kept=part.kept,
    )


def _items(line: DespatchLine) -> list[HierarchyLevel]:
    """The item of a line: one for each batch, if it is known how much is of which."""
    batches = line.batches
    if len(batches) > 1 and all(batch.quantity is not None for batch in batches):
        return [_item(line, batch, batch.quantity, batch.unit or line.unit) for batch in batches]
    first, *more = batches or (Batch(),)
    others = [Reference(kind=_BATCH, number=batch.number) for batch in more if batch.number]
    return [_item(line, first, line.quantity, line.unit, others)]


def _component(line: DespatchLine) -> HierarchyLevel:
    batch = line.batches[0] if line.batches else Batch()
    return _item(line, batch, line.quantity, line.unit, level=COMPONENT)


def _item(
    line: DespatchLine,
    batch: Batch,
    quantity: Decimal | None,
    unit: str | None,
    others: Iterable[Reference] = (),
    *,
    level: str = ITEM,
) -> HierarchyLevel:
    fields: dict[str, Any] = {name: getattr(line, name) for name in _NUMBERS}
    demote(fields)
    for name in ("articles", "article", "article_scheme"):
        del fields[name]
    numbers, references = _with_order(line.references if line.order_number else ())
    return HierarchyLevel(
        level=level,
        **fields,
        number=line.number,
        order_line=line.order_line,
        lot=batch.number,
        quantity=quantity,
        unit=unit,
        **_ordered(line),
        order_number=line.order_number if numbers else None,
        **numbers,
        description=line.description,
        descriptions=line.descriptions,
        measures=line.measures,
        references=(*(references if line.order_number else line.references), *others),
        marks=tuple(Mark(kind=one.scheme, first=one.value) for one in line.numbers),
        **_dated(line.dates, {"best_before": batch.best_before}),
        **_by_role(line.parties),
        levels=tuple(map(_component, line.components)),
        kept=line.kept,
    )


def _ordered(line: DespatchLine) -> dict[str, Any]:
    """What was ordered, in the unit of the line or in its own."""
    if line.ordered_quantity is not None:
        return {"ordered_quantity": line.ordered_quantity, "ordered_unit": line.unit}
    other = next((one for one in line.quantities if one.kind == ORDERED), None)
    return {"ordered_quantity": other.value, "ordered_unit": other.unit} if other else {}


_NUMBERS = ("gtin", "supplier_sku", "buyer_sku", "article", "article_scheme", "articles")


def _with_order(references: tuple[Reference, ...]) -> tuple[dict[str, Any], tuple[Reference, ...]]:
    """Release and contract, which stand beside the number of the order, and all other references."""
    found: dict[str, Any] = {}
    rest = list(references)
    for name, kind in (("release", RELEASE), ("contract", CONTRACT)):
        if rest and rest[0] == Reference(kind=kind, number=rest[0].number):
            found[name] = rest.pop(0).number
    return found, tuple(rest)


def _dated(dates: tuple[Dated, ...], when: dict[str, When | None]) -> dict[str, Any]:
    """Dates with a field of their own in levels, and the others."""
    fields: dict[str, Any] = dict(when)
    rest = []
    for one in dates:
        name = next((name for name, kind in DATES.items() if kind == one.kind), None)
        if name and fields.get(name) is None:
            fields[name] = one.when
        else:
            rest.append(one)
    return fields | {"dates": tuple(rest)}


def _by_role(parties: tuple[Party, ...]) -> dict[str, Any]:
    """Parties with a field of their own in levels, and the others."""
    fields: dict[str, Any] = {}
    rest: list[NamedParty] = []
    for party in parted_parties(parties):
        role = ROLES["supplier"] if party.role in _SUPPLIERS else party.role
        name = next((name for name, known in ROLES.items() if known == role), None)
        if name and name not in fields:
            fields[name] = replace(party, role=None)
        else:
            rest.append(party)
    return fields | {"parties": tuple(rest)}


def _described(notes: tuple[Note, ...]) -> dict[str, Any]:
    """Notes as descriptions, of which those without a subject make one text."""
    plain = [note.text for note in notes if not note.subject]
    return {
        "description": "\n".join(plain) or None,
        "descriptions": tuple(
            Description(kind="F", characteristic=note.subject, text=note.text) for note in notes if note.subject
        ),
    }


def _packed(packing: tuple[PackageCount, ...], measures: tuple[Measure, ...]) -> dict[str, Any]:
    """Packages by kind as ladings, with their marks; measures that have no place there stand beside."""
    ladings: list[Lading] = []
    marks: list[Mark] = []
    codes: list[str] = []
    rest = list(measures)
    for one in packing:
        weight = next((each for each in one.measures if _is_weight(each)), None)
        volume = next((each for each in one.measures if each.dimension == VOLUME[1]), None)
        lading = _lading(one, weight, volume)
        if lading != Lading():
            ladings.append(lading)
        rest += [each for each in one.measures if each is not weight and each is not volume]
        for marking in one.markings:
            if marking.kind == SSCC_MARK and marking.text and not marking.numbers:
                codes.append(_sscc(marking.text))
            else:
                marks += _marks(marking)
    return {"ladings": tuple(ladings), "marks": tuple(marks), "sscc": tuple(codes), "measures": tuple(rest)}


def _lading(packing: PackageCount, weight: Measure | None, volume: Measure | None) -> Lading:
    return Lading(
        kind=packing.kind,
        count=packing.count,
        weight_kind=weight.dimension if weight else None,
        weight=weight.value if weight else None,
        weight_unit=weight.unit if weight else None,
        volume=volume.value if volume else None,
        volume_unit=volume.unit if volume else None,
    )


def _is_weight(measure: Measure) -> bool:
    return measure.kind == WEIGHT or measure.dimension in _WEIGHTS


def _marks(marking: Marking) -> Iterator[Mark]:
    """Two lines of a marking are a range."""
    lines = (marking.text or "").split("\n")
    for start in range(0, len(lines), 2):
        if lines[start]:
            last = lines[start + 1] if start + 1 < len(lines) else None
            yield Mark(kind=marking.kind or _UNKNOWN, first=lines[start], last=last or None)
    for one in marking.numbers:
        yield Mark(kind=one.scheme, first=one.value)


def _sscc(code: str) -> str:
    return SSCC_PREFIX + code if len(code) == SSCC_LENGTH else code
