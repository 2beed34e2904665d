"""`load()`: rows of text become records under external ids, as Odoo imports them.

The unique index on external ids decides races as in Odoo: what is absent in the snapshot is inserted, and whoever
inserts second gets no order but a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from edi_server.erp.sandbox.records import Env, Values
from edi_server.erp.sandbox.refusals import LostRace, Refusal
from edi_server.erp.sandbox.schema import Field, Model

Path = tuple[str, ...]
Snapshot = dict[str, tuple[str, int, bool]]
#: PostgreSQL's words, which come through `load()` as they are.
LOST_RACE = "could not serialize access due to concurrent update\n"
_TRUE = ("1", "true", "yes")
_FALSE = ("", "0", "false", "no")


class Extracted(msgspec.Struct):
    """One record of the matrix: its cells and the rows it takes."""

    cells: dict[Path, str]
    lines: dict[str, list[dict[Path, str]]]
    first: int
    last: int


class CellError(Exception):
    """A cell that cannot be converted."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def take_snapshot(env: Env, fields: list[str], data: list[list[str]]) -> Snapshot:
    """The external ids among the cells that exist now."""
    columns = [index for index, name in enumerate(fields) if name == "id" or name.endswith("/id")]
    names = {row[index] for row in data for index in columns if row[index]}
    found = {name: env.named(_qualified(name)) for name in names}
    return {name: (row["model"], row["res_id"], bool(row["noupdate"])) for name, row in found.items() if row}


def load(env: Env, model: Model, fields: list[str], data: list[list[str]], snapshot: Snapshot) -> dict[str, Any]:
    """Create or update; `ids` is False if anything failed (the caller then rolls back), messages say what."""
    paths = [tuple(_path(name)) for name in fields]
    _refuse_unknown(env, model, paths)
    ids: list[int] = []
    messages: list[dict[str, Any]] = []
    for number, record in enumerate(_extract(model, paths, data)):
        rows = {"rows": {"from": record.first, "to": record.last}, "record": number, "type": "error"}
        try:
            ids.append(_save(env, model, record, snapshot))
        except CellError as error:
            messages.append({**rows, "message": str(error), "field": error.field})
        except LostRace:
            return {"ids": False, "messages": [{**rows, "message": LOST_RACE}], "nextrow": 0}
        except Refusal as error:
            messages.append({**rows, "message": str(error)})
        except (ValueError, TypeError) as error:
            text = f"Unknown error during import: {type(error)}: {error}"
            messages.append({**rows, "message": text, "moreinfo": "Resolve other errors first"})
    return {"ids": False if messages else ids, "messages": messages, "nextrow": 0}


def _refuse_unknown(env: Env, model: Model, paths: Iterable[Path]) -> None:
    """17 answers a KeyError, 19 a ValueError."""
    for path in paths:
        if path[0] not in ("id", ".id") and path[0] not in model.fields:
            raise ValueError(f"Invalid field name {path[0]!r}") if env.new else KeyError(path[0])


def _path(name: str) -> list[str]:
    return re.sub(r"([^/])\.id$", r"\1/.id", name).replace(":id", "/id").split("/")


def _qualified(name: str) -> str:
    return name if "." in name else f"__import__.{name}"


def _extract(model: Model, paths: list[Path], data: list[list[str]]) -> list[Extracted]:
    """A row with a cell of the record itself starts a record; rows with lines only belong to the one before."""
    records: list[Extracted] = []
    for index, row in enumerate(data):
        own: dict[Path, str] = {}
        lines: dict[str, dict[Path, str]] = {}
        for path, cell in zip(paths, row, strict=True):
            if path[0] in model.fields and model.fields[path[0]].type == "one2many":
                lines.setdefault(path[0], {})[path[1:]] = cell
            else:
                own[path] = cell
        if any(own.values()) or not records:
            records.append(Extracted(own, {}, index, index))
        records[-1].last = index
        for name, cells in lines.items():
            if any(cells.values()):
                records[-1].lines.setdefault(name, []).append(cells)
    return records


def _convert(env: Env, model: Model, record: Extracted, snapshot: Snapshot) -> Values:
    values = _values(env, model, record.cells, snapshot)
    for name, lines in record.lines.items():
        target = env.model(str(model.fields[name].relation))
        values[name] = [_command(env, target, cells, snapshot) for cells in lines]
    return values


def _command(env: Env, target: Model, cells: dict[Path, str], snapshot: Snapshot) -> list[Any]:
    values = _values(env, target, cells, snapshot)
    external = cells.get(("id",))
    if external and external in snapshot:
        return [1, snapshot[external][1], values]
    return [0, 0, values | ({"id": _qualified(external)} if external else {})]


def _values(env: Env, model: Model, cells: dict[Path, str], snapshot: Snapshot) -> Values:
    """An empty cell is an explicit empty value."""
    values = {}
    for path, cell in cells.items():
        if path[0] in ("id", ".id"):
            continue
        field = model.fields.get(path[0])
        if field is None:
            raise CellError(path[0], f"Invalid field name {path[0]!r}")
        values[path[0]] = _value(env, field, path, cell, snapshot)
    return values


def _value(env: Env, field: Field, path: Path, cell: str, snapshot: Snapshot) -> Any:
    if cell in ("", None, False):
        return False
    if field.relation:
        return _reference(env, field, path, str(cell), snapshot)
    try:
        return _scalar(env, field, str(cell))
    except ValueError:
        kind = {"float": "number", "monetary": "number", "integer": "integer", "datetime": "datetime", "date": "date"}
        word = kind.get(field.type, "value")
        be = "does not seem to be an integer" if word == "integer" else f"does not seem to be a valid {word}"
        be = "does not seem to be a number" if word == "number" else be
        raise CellError(path[0], f"'{cell}' {be} for field '{field.string}'") from None


def _scalar(env: Env, field: Field, cell: str) -> Any:
    if field.type in ("float", "monetary"):
        return float(cell)
    if field.type == "integer":
        return int(cell)
    if field.type == "boolean":
        if cell.lower() not in _TRUE + _FALSE:
            raise ValueError(cell)
        return cell.lower() in _TRUE
    if field.type == "datetime":
        return _to_utc(env, cell)
    if field.selection and cell not in field.selection:
        raise ValueError(cell)
    return cell


def _to_utc(env: Env, cell: str) -> str:
    """`load()` reads times in the zone of the context or the user, unlike create and write."""
    zone = ZoneInfo(env.context.get("tz") or env.row("res.users", env.user_id)["tz"] or "UTC")
    stamp = datetime.strptime(cell, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    return stamp.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _reference(env: Env, field: Field, path: Path, cell: str, snapshot: Snapshot) -> int:
    relation, kind = str(field.relation), path[1] if len(path) > 1 else "name"
    if kind == ".id":
        if cell.isdigit() and env.rows(relation, [int(cell)]):
            return int(cell)
        raise CellError(path[0], f"No matching record found for database id '{cell}' in field '{field.string}'")
    if kind == "id":
        known = snapshot.get(cell)
        if known and known[0] == relation:
            return known[1]
        raise CellError(path[0], f"No matching record found for external id '{cell}' in field '{field.string}'")
    found = env.search(relation, [["display_name", "=", cell]], limit=2)
    if not found:
        raise CellError(path[0], f"No matching record found for name '{cell}' in field '{field.string}'")
    return found[0]


def _save(env: Env, model: Model, record: Extracted, snapshot: Snapshot) -> int:
    values = _convert(env, model, record, snapshot)
    external, number = record.cells.get(("id",)), record.cells.get((".id",))
    known = snapshot.get(external) if external else None
    if known and known[0] != model.name:
        raise Refusal(f"For external id {external} found record of different model {known[0]}")
    existing = known[1] if known else int(number or 0)
    if existing and env.rows(model.name, [existing]):
        if not (known and known[2] and env.context.get("mode") == "update"):
            env.write(model.name, [existing], values)
        return existing
    return env.create(model.name, values | ({"id": _qualified(external)} if external else {}))
