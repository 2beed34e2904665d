"""Formulas of computed places: `count(lines)`, `sum(lines.amount)`, and `count(levels*.lines)` through all depths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from edi_server.canonical import Record
from edi_server.translation.records import fields_of

_FORMULA = re.compile(r"(count|sum)\(\s*([a-z_]+\*?(?:\.[a-z_]+\*?)*)\s*\)")


class FormulaError(ValueError):
    """The text is not a formula for that record; the message is half a sentence that says why."""


class Formula(msgspec.Struct, frozen=True):
    """A parsed formula: what is done with the values at the end of a walk through fields."""

    function: str
    #: (field, whether through all depths).
    walk: tuple[tuple[str, bool], ...]

    def of(self, document: Record) -> Decimal | None:
        """The number for a document; the sum of no values at all is None."""
        values = list(_follow(document, self.walk))
        if self.function == "count":
            return Decimal(len(values))
        numbers = [value for value in values if value.is_finite()]
        return sum(numbers, Decimal()) if numbers else None


def _follow(record: Any, walk: tuple[tuple[str, bool], ...]) -> Iterator[Any]:
    if not walk:
        yield record
        return
    field, deep = walk[0]
    found = getattr(record, field)
    for one in found if isinstance(found, tuple) else () if found is None else (found,):
        yield from _follow(one, walk[1:])
        if deep:
            yield from _follow(one, walk)


@lru_cache(maxsize=256)
def parse_formula(text: str, record: type[Record]) -> Formula:
    """Parse a formula and check its fields against the record; raises FormulaError."""
    match = _FORMULA.fullmatch(text.strip())
    if match is None:
        raise FormulaError("is not a formula: write count(lines) or sum(lines.amount)")
    walk = tuple((part.rstrip("*"), part.endswith("*")) for part in match[2].split("."))
    at: type[Record] | None = record
    field = None
    for name, deep in walk:
        field = fields_of(at).get(name) if at else None
        if field is None:
            raise FormulaError(f"names {name!r}, which {at.__name__ if at else 'a value'} does not have")
        if deep and name not in fields_of(field.record or record):
            raise FormulaError(f"goes through all depths of {name!r}, which do not contain each other")
        at = field.record
    if match[1] == "sum" and (field is None or field.kind != "decimal"):
        raise FormulaError("sums what is not a number")
    return Formula(match[1], walk)
