"""What the fields of a canonical record hold, read from its type annotations."""

from __future__ import annotations

import inspect
import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import msgspec

from edi_server.canonical import Record, When

Kind = Literal["text", "decimal", "integer", "when", "choice", "record"]
_PLAIN: dict[Any, Kind] = {str: "text", Decimal: "decimal", int: "integer", When: "when"}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a canonical record."""

    name: str
    kind: Kind
    #: A tuple of them.
    many: bool
    #: Absence is None.
    optional: bool
    #: The class has no default: no record without a value.
    required: bool
    #: What absence is, unless required: None, () or the class's own default.
    absent: Any = None
    record: type[Record] | None = None
    choices: tuple[str, ...] = ()


@cache
def fields_of(record: type[Record]) -> dict[str, Field]:
    """The fields of a record class by name, `kept` left out: that one belongs to `keep`."""
    hints = typing.get_type_hints(record)
    return {one.name: _field(one, hints[one.name]) for one in msgspec.structs.fields(record) if one.name != "kept"}


@cache
def has_kept(record: type[Record]) -> bool:
    """True if the class can hold unread segments."""
    return "kept" in record.__struct_fields__


@cache
def takes_positions(record: type[Record]) -> bool:
    """True if the class may be called with its values in order."""
    return all(one.kind is one.POSITIONAL_OR_KEYWORD for one in inspect.signature(record).parameters.values())


def _field(one: msgspec.structs.FieldInfo, hint: Any) -> Field:
    optional = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
        optional = True
    many = typing.get_origin(hint) is tuple
    inner = typing.get_args(hint)[0] if many else hint
    choices = typing.get_args(inner) if typing.get_origin(inner) is Literal else ()
    kind: Kind = "choice" if choices else _PLAIN.get(inner, "record")
    return Field(
        name=one.name,
        kind=kind,
        many=many,
        optional=optional,
        required=one.required,
        absent=None if one.required else one.default,
        record=inner if kind == "record" else None,
        choices=choices,
    )
