"""The packages of deliveries as a tree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from edi_server.canonical import DespatchLine, Package
from edi_server.erp.gs1 import is_gs1_number
from edi_server.erp.session import Row, Session

_SSCC_LENGTH = 18

Inside = dict[int, list[DespatchLine]]
Children = dict[int | None, list[int]]


class Packing:
    """Packages of several deliveries. Odoo 17 does not nest them; 19 keeps how they were nested when they left."""

    def __init__(self, session: Session, pickings: list[Row], packages: Iterable[int]) -> None:
        model = session.fields("stock.move.line")["result_package_id"]["relation"]
        kept = {key for picking in pickings for key in picking.get("package_history_ids", ())}
        rows = session.read("stock.package.history", sorted(kept), ["package_id", "parent_dest_id"])
        self._history = {row["id"]: row for row in rows}
        wanted = {*packages, *(row[name][0] for row in rows for name in ("package_id", "parent_dest_id") if row[name])}
        self._names = {row["id"]: row["name"] for row in session.read(model, sorted(wanted), ["name"])}

    def tree(self, picking: Row, lines: list[tuple[int | None, DespatchLine]]) -> tuple[Package, ...]:
        """The outermost packages of a delivery with all that is in them."""
        inside: Inside = {}
        for package, line in lines:
            if package is not None:
                inside.setdefault(package, []).append(line)
        children = self._nested(picking, inside)
        return tuple(self._package(key, inside, children) for key in children.get(None, ()))

    def _nested(self, picking: Row, packages: Iterable[int]) -> Children:
        rows = [self._history[key] for key in picking.get("package_history_ids", ())]
        parents = {row["package_id"][0]: row["parent_dest_id"][0] for row in rows if row["parent_dest_id"]}
        children: Children = {}
        seen: set[int] = set()
        for package in packages:
            step = package
            while step not in seen:
                seen.add(step)
                parent = parents.get(step)
                children.setdefault(parent, []).append(step)
                step = step if parent is None else parent
        return children

    def _package(self, key: int, inside: Inside, children: Children) -> Package:
        name = self._names[key].strip()
        return Package(
            count=Decimal(1),
            sscc=(name,) if is_gs1_number(name, _SSCC_LENGTH) else (),
            packages=tuple(self._package(child, inside, children) for child in children.get(key, ())),
            lines=tuple(inside.get(key, ())),
        )
