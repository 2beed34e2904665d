"""Values as a column holds them and as a client sees them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from edi_server.erp.sandbox.schema import Field

_FORMS = {"datetime": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d"}
_NUMBERS = ("float", "monetary")


def shown(field: Field, value: Any) -> Any:
    """What a client reads: False for what is empty, times to the second."""
    if field.type == "many2many":
        return json.loads(value or "[]")
    if field.type in ("boolean", "integer", *_NUMBERS):
        kind = {"boolean": bool, "integer": int}.get(field.type, float)
        return kind(value or 0)
    if value is None:
        return False
    return value[:19] if field.type == "datetime" else value


def stored(field: Field, value: Any) -> Any:
    """What the column holds; raises ValueError for text that is no number or no time, as Odoo does."""
    if field.type == "boolean":
        return int(bool(value))
    if field.type in _NUMBERS:
        number = float(value or 0)
        return round(number, field.digits[1]) if field.digits else number
    if field.type == "many2many":
        return json.dumps(_linked(value or []))
    if value is False or value is None:
        return None
    if field.type in ("many2one", "integer"):
        return int(value[0] if isinstance(value, list) else value)
    return _text(field, str(value))


def _text(field: Field, value: str) -> str:
    if "\0" in value:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")
    if field.type == "datetime" and len(value) == len("2026-11-23"):
        value += " 00:00:00"  # a date given to a time is its midnight in UTC
    if field.type in _FORMS:
        datetime.strptime(value.partition(".")[0], _FORMS[field.type])  # noqa: DTZ007 — Odoo's times are UTC
    return value


def _linked(commands: list[Any]) -> list[int]:
    """Ids of a many2many after its commands, for a record that had none."""
    ids: list[int] = []
    for command in commands:
        if not isinstance(command, (list, tuple)):
            ids.append(int(command))
        elif command[0] == 6:
            ids = list(command[2])
        elif command[0] == 4:
            ids.append(command[1])
    return ids
