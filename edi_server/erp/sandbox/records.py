# ruff: noqa: S608 — names of tables and columns come from our own schema, every value is a parameter
"""Records: search, read, create, write, unlink, with the meaning that Odoo gives them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from edi_server.erp.sandbox.cells import shown, stored
from edi_server.erp.sandbox.domains import Domains
from edi_server.erp.sandbox.refusals import InvalidRefusal, LostRace, MissingRefusal
from edi_server.erp.sandbox.schema import Field, Model

Values = dict[str, Any]
Hook = Callable[["Env", list[int], Values], None]
_LOG_FIELDS = ("create_uid", "create_date", "write_uid", "write_date")


class Rules(msgspec.Struct, frozen=True):
    """What a model does beside storing values; each rule may be absent."""

    #: Completes the values of a new record.
    fill: Callable[[Env, Values], None] | None = None
    #: After records were created; with the values of the last one.
    created: Hook | None = None
    #: Before values are written; may change them.
    writing: Hook | None = None
    #: After values were written.
    written: Hook | None = None
    #: Before records are deleted.
    deleting: Callable[[Env, list[int]], None] | None = None
    #: After anything: constraints. Raises InvalidRefusal.
    check: Callable[[Env, list[int]], None] | None = None


class Env:
    """One call: transaction, user, context, and the models."""

    def __init__(
        self,
        db: sqlite3.Connection,
        *,
        version: str,
        models: dict[str, Model],
        rules: dict[str, Rules],
        user: int,
        context: Values,
        remembered: dict[str, tuple[str, int]] | None = None,
    ) -> None:
        self.db, self.models, self.rules, self.context = db, models, rules, context
        self.version = version
        self.remembered = {} if remembered is None else remembered
        self.new = not version.startswith("17")
        self.user_id = user
        #: Start of the transaction: what Odoo writes into write_date.
        self.now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._domains = Domains(models, whole_seconds=self.new)

    def second(self) -> str:
        """Now, to the second."""
        return self.now[:19]

    def companies(self) -> list[int]:
        """Companies in which this call works, the first being the one for new records."""
        allowed = self.context.get("allowed_company_ids")
        if allowed:
            return [int(company) for company in allowed]
        own = self.row("res.users", self.user_id)
        return [own["company_id"], *(json.loads(own["company_ids"] or "[]"))]

    def model(self, name: str) -> Model:
        """The model of that name."""
        return self.models[name]

    def search(
        self, name: str, domain: list[Any], *, order: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[int]:
        """Ids; archived records only if the domain or the context asks for them."""
        model = self.model(name)
        condition, parameters = self._domains.condition(model, domain)
        if "active" in model.fields and self.context.get("active_test", True) and not _asks_for_archived(domain):
            condition = f"({condition}) AND active = 1"
        if name in ("sale.order", "stock.picking"):
            allowed = ", ".join(str(company) for company in self.companies())
            condition = f"({condition}) AND (company_id IS NULL OR company_id IN ({allowed}))"
        sql = f'SELECT id FROM "{model.table}" WHERE {condition} ORDER BY {_order(model, order or model.order)}'
        bounds = f" LIMIT {int(limit or -1)} OFFSET {int(offset or 0)}"
        return [row[0] for row in self.db.execute(sql + bounds, parameters)]

    def rows(self, name: str, ids: Iterable[int]) -> list[sqlite3.Row]:
        """Stored columns of the records that exist, in the order of `ids`."""
        wanted = list(ids)
        marks = ", ".join("?" * len(wanted))
        found = self.db.execute(f'SELECT * FROM "{self.model(name).table}" WHERE id IN ({marks})', wanted)
        by_id = {row["id"]: row for row in found}
        return [by_id[key] for key in wanted if key in by_id]

    def row(self, name: str, record_id: int) -> sqlite3.Row:
        """Stored columns of one record."""
        rows = self.rows(name, [record_id])
        if not rows:
            text = f"Record does not exist or has been deleted.\n(Record: {name}({record_id},), User: {self.user_id})"
            raise MissingRefusal(text)
        return rows[0]

    def read(self, name: str, ids: list[int], fields: list[str] | None = None) -> list[Values]:
        """Values as a client sees them: many2one as [id, name], False for what is empty."""
        model = self.model(name)
        wanted = [field for field in fields or ["id", *model.fields] if field != "id"]
        for field in wanted:
            if field not in model.fields:
                raise ValueError(f"Invalid field {field!r} on model {name!r}")
        rows = self.rows(name, ids)
        columns = {field: self._column(model, field, rows) for field in wanted}
        return [{"id": row["id"], **{field: columns[field][row["id"]] for field in wanted}} for row in rows]

    def _column(self, model: Model, name: str, rows: list[sqlite3.Row]) -> dict[int, Any]:
        field = model.fields[name]
        if name == "display_name":
            return self.names(model.name, [row["id"] for row in rows])
        if name == "password":
            return {row["id"]: False for row in rows}
        if field.type == "one2many":
            return self._other_side(field, [row["id"] for row in rows])
        if name == "state" and not field.stored:
            return self._state(model.name, rows)
        if field.type == "many2one":
            names = self.names(str(field.relation), {row[name] for row in rows if row[name]})
            return {row["id"]: [row[name], names[row[name]]] if row[name] in names else False for row in rows}
        return {row["id"]: shown(field, row[name]) for row in rows}

    def _state(self, model: str, rows: list[sqlite3.Row]) -> dict[int, Any]:
        """State of a line: that of the order or move it belongs to."""
        parent, link = {"sale.order.line": ("sale.order", "order_id"), "stock.move.line": ("stock.move", "move_id")}[
            model
        ]
        states = {row["id"]: row["state"] for row in self.rows(parent, {row[link] for row in rows if row[link]})}
        return {row["id"]: states.get(row[link], False) for row in rows}

    def _other_side(self, field: Field, ids: list[int]) -> dict[int, list[int]]:
        target = self.model(str(field.relation))
        marks = ", ".join("?" * len(ids))
        sql = (
            f'SELECT id, "{field.inverse}" FROM "{target.table}" WHERE "{field.inverse}" IN ({marks}) '
            f"ORDER BY {_order(target, target.order)}"
        )
        found: dict[int, list[int]] = {key: [] for key in ids}
        for row in self.db.execute(sql, ids):
            found[row[1]].append(row[0])
        return found

    def names(self, name: str, ids: Iterable[int]) -> dict[int, str]:
        """Display names."""
        model = self.model(name)
        if name == "res.partner":
            return self._partner_names(ids)
        if name == "product.product":
            rows = self.rows(name, ids)
            return {
                row["id"]: f"[{row['default_code']}] {row['name']}" if row["default_code"] else row["name"]
                for row in rows
            }
        title = model.fields[model.title]
        rows = self.rows(name, ids)
        if title.type == "many2one":
            names = self.names(str(title.relation), {row[model.title] for row in rows if row[model.title]})
            return {row["id"]: names.get(row[model.title], "") for row in rows}
        return {row["id"]: row[model.title] or f"{name},{row['id']}" for row in rows}

    def _partner_names(self, ids: Iterable[int]) -> dict[int, str]:
        rows = self.rows("res.partner", ids)
        parents = {
            row["id"]: row["name"]
            for row in self.rows("res.partner", {row["parent_id"] for row in rows if row["parent_id"]})
        }
        return {
            row["id"]: ", ".join(filter(None, (parents.get(row["parent_id"]), row["name"] or row["type"])))
            for row in rows
        }

    def create(self, name: str, values: Values) -> int:
        """One new record with its defaults, lines and constraints."""
        model, rules = self.model(name), self.rules.get(name, Rules())
        self._refuse_unknown(model, values)
        record = {key: field.default for key, field in model.fields.items() if field.default is not None} | values
        external = record.pop("id", None)
        if "company_id" in model.fields and name not in (
            "res.partner",
            "product.product",
            "product.pricelist",
            "res.users",
        ):
            record.setdefault("company_id", self.companies()[0])
        if rules.fill:
            rules.fill(self, record)
        record |= {
            "create_uid": self.user_id,
            "create_date": self.now,
            "write_uid": self.user_id,
            "write_date": self.now,
        }
        self._require(model, record)
        cells = {key: stored(model.fields[key], value) for key, value in record.items() if model.fields[key].in_table}
        marks = ", ".join("?" * len(cells))
        columns = ", ".join(f'"{key}"' for key in cells)
        cursor = self.db.execute(f'INSERT INTO "{model.table}" ({columns}) VALUES ({marks})', list(cells.values()))
        record_id = int(cursor.lastrowid or 0)
        if external:
            self.name_record(str(external), name, record_id)
        self._command(model, record_id, record)
        if rules.created:
            rules.created(self, [record_id], values)
        if rules.check:
            rules.check(self, [record_id])
        return record_id

    def write(self, name: str, ids: list[int], values: Values) -> None:
        """Change records, their lines too (x2many commands)."""
        model, rules, record = self.model(name), self.rules.get(name, Rules()), dict(values)
        self._refuse_unknown(model, record)
        record.pop("id", None)
        if len(self.rows(name, ids)) < len(set(ids)):
            raise MissingRefusal(
                f"Record does not exist or has been deleted.\n(Record: {name}{tuple(ids)}, User: {self.user_id})"
            )
        if rules.writing:
            rules.writing(self, ids, record)
        self.store(name, ids, record)
        for record_id in ids:
            self._command(model, record_id, record)
        if rules.written:
            rules.written(self, ids, record)
        if rules.check:
            rules.check(self, ids)

    def store(self, name: str, ids: list[int], values: Values) -> None:
        """Set columns without any rule of the model."""
        model = self.model(name)
        record = {key: value for key, value in values.items() if model.fields[key].in_table}
        for key, value in record.items():
            if model.fields[key].required and (value is False or value is None):
                self._require(model, {key: value}, only=[key])
        record |= {"write_uid": self.user_id, "write_date": self.now}
        sets = ", ".join(f'"{key}" = ?' for key in record)
        cells = [stored(model.fields[key], value) for key, value in record.items()]
        marks = ", ".join("?" * len(ids))
        self.db.execute(f'UPDATE "{model.table}" SET {sets} WHERE id IN ({marks})', [*cells, *ids])

    def unlink(self, name: str, ids: list[int]) -> None:
        """Delete records, what belongs to them, and their external ids."""
        rules = self.rules.get(name, Rules())
        if rules.deleting:
            rules.deleting(self, ids)
        marks = ", ".join("?" * len(ids))
        self.db.execute(f'DELETE FROM "{self.model(name).table}" WHERE id IN ({marks})', ids)
        self.remembered.clear()
        self.db.execute(f"DELETE FROM ir_model_data WHERE model = ? AND res_id IN ({marks})", [name, *ids])

    def name_record(self, external: str, model: str, record_id: int, *, noupdate: bool = False) -> None:
        """Give a record its external id; the unique index decides who was first (LostRace)."""
        module, _, name = external.partition(".")
        noupdate = noupdate or bool(self.context.get("noupdate"))
        try:
            self.db.execute(
                "INSERT INTO ir_model_data (module, name, model, res_id, noupdate, create_date, write_date) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (module, name, model, record_id, int(noupdate), self.now, self.now),
            )
        except sqlite3.IntegrityError:
            raise LostRace from None
        # Odoo's workers remember it from now on, even if the transaction never commits.
        self.remembered[external] = (model, record_id)

    def named(self, external: str) -> sqlite3.Row | None:
        """Model, record and noupdate of an external id."""
        module, _, name = external.partition(".")
        found: sqlite3.Row | None = self.db.execute(
            "SELECT model, res_id, noupdate FROM ir_model_data WHERE module = ? AND name = ?", (module, name)
        ).fetchone()
        return found

    def number(self, code: str) -> str:
        """The next number of a sequence."""
        [row] = self.db.execute("SELECT * FROM ir_sequence WHERE code = ?", (code,)).fetchall()
        self.db.execute("UPDATE ir_sequence SET number_next = number_next + 1 WHERE id = ?", (row["id"],))
        return f"{row['prefix']}{row['number_next']:0{row['padding']}d}"

    def _refuse_unknown(self, model: Model, values: Values) -> None:
        for key in values:
            if key != "id" and key not in model.fields:
                raise ValueError(f"Invalid field {key!r} on model {model.name!r}")

    def _require(self, model: Model, record: Values, only: list[str] | None = None) -> None:
        for key in only or model.fields:
            field = model.fields[key]
            absent = record.get(key) is None or record.get(key) is False
            if field.required and field.type not in ("float", "boolean") and absent:
                raise InvalidRefusal(f"Missing required value for the field '{field.string}' ({key})")

    def _command(self, model: Model, record_id: int, values: Values) -> None:
        """Carry out the x2many commands 0 create, 1 update, 2 delete, 3 unlink, 4 link, 5 clear, 6 replace."""
        for key, commands in values.items():
            field = model.fields[key]
            if field.type == "one2many" and commands:
                for command in commands:
                    self._one2many(field, record_id, list(command))

    def _one2many(self, field: Field, owner: int, command: list[Any]) -> None:
        target, inverse = str(field.relation), str(field.inverse)
        kind, record_id, argument = (*command, 0, 0)[:3]
        if kind == 0:
            self.create(target, {**argument, inverse: owner})
        elif kind == 1:
            self.write(target, [record_id], argument)
        elif kind == 2:
            self.unlink(target, [record_id])
        elif kind == 3:
            self.write(target, [record_id], {inverse: False})
        elif kind == 4:
            self.write(target, [record_id], {inverse: owner})
        elif kind in (5, 6):
            kept = argument if kind == 6 else []
            self.unlink(target, [key for key in self._other_side(field, [owner])[owner] if key not in kept])
            for key in kept:
                self.write(target, [key], {inverse: owner})


def _asks_for_archived(domain: list[Any]) -> bool:
    return any(not isinstance(leaf, str) and leaf[0] == "active" for leaf in domain)


def _order(model: Model, order: str) -> str:
    terms = []
    for term in order.split(","):
        name, _, direction = term.strip().partition(" ")
        if name != "id" and (name not in model.fields or not model.fields[name].in_table):
            raise ValueError(f"Invalid field {name!r} on model {model.name!r}")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise ValueError(f"Invalid order {order!r}")
        terms.append(f'"{name}" {direction.strip()}')
    return ", ".join(terms)
