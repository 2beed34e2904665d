"""Odoo's services behind /jsonrpc: common and object, with Odoo's answers and errors."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from typing import Any

from edi_server.erp.sandbox import deliveries, imports, masterdata, sales
from edi_server.erp.sandbox.faults import Faults
from edi_server.erp.sandbox.records import Env, Rules, Values
from edi_server.erp.sandbox.refusals import AccessRefusal, DeniedRefusal, InvalidRefusal, Refusal, UserRefusal
from edi_server.erp.sandbox.schema import Field, Model, models
from edi_server.erp.sandbox.storage import Storage

RULES: dict[str, Rules] = {**masterdata.RULES, **sales.RULES, **deliveries.RULES}
#: Methods that do not change anything run on a snapshot and in parallel; all others one after the other.
_READING = (*masterdata.READING, "check_object_reference", "context_get")


class Service:
    """What answers the calls: one transaction each."""

    def __init__(self, storage: Storage, version: str, database: str, faults: Faults) -> None:
        self.version, self.database, self.faults = version, database, faults
        self._storage = storage
        self._models = models(version)

    def version_info(self) -> Values:
        """Answer of /web/webclient/version_info and of common.version."""
        major, minor = (int(part) for part in self.version.split("."))
        return {
            "server_version": self.version,
            "server_version_info": [major, minor, 0, "final", 0, ""],
            "server_serie": self.version,
            "protocol_version": 1,
        }

    def call(self, service: str, method: str, arguments: list[Any]) -> Any:
        """One call of a service; raises Refusal or a Python error that becomes `builtins.…`."""
        if service == "common":
            return self._common(method, arguments)
        if service != "object" or method not in ("execute", "execute_kw"):
            raise NameError(f"Method not available {service}.{method}")
        database, user, password, model, name, *rest = arguments
        positional, named = (rest[0], rest[1] if len(rest) > 1 else {}) if method == "execute_kw" else (rest, {})
        return self._execute(database, (int(user), str(password)), model, name, list(positional), dict(named or {}))

    def _common(self, method: str, arguments: list[Any]) -> Any:
        if method == "version":
            return self.version_info()
        if method not in ("login", "authenticate"):
            raise NameError(f"Method not available common.{method}")
        self.faults.strike("common", "login", "before")
        database, login, password, *_ = arguments
        self._refuse_other(database)
        with self._storage.transaction(write=False) as db:
            row = db.execute("SELECT id, password FROM res_users WHERE login = ? AND active = 1", (login,)).fetchone()
            known = row is not None and masterdata.is_password(str(password), row["password"] or "")
            return row["id"] if known else False

    def _refuse_other(self, database: str) -> None:
        if database != self.database:
            text = f'connection to server failed: FATAL:  database "{database}" does not exist\n'
            raise Refusal(text, name="psycopg2.OperationalError")

    def _execute(
        self, database: str, user: tuple[int, str], model: str, method: str, positional: list[Any], named: Values
    ) -> Any:
        self._refuse_other(database)
        with self._storage.transaction(write=False) as db:
            row = db.execute("SELECT password FROM res_users WHERE id = ? AND active = 1", (user[0],)).fetchone()
        if row is None or not masterdata.is_password(user[1], row["password"] or ""):
            raise DeniedRefusal
        context = named.pop("context", None) or {}
        self.faults.strike(model, method, "before")
        result = self._carry_out(user[0], context, model, method, positional, named)
        self.faults.strike(model, method, "after")
        return result

    def _carry_out(
        self, user: int, context: Values, model: str, method: str, positional: list[Any], named: Values
    ) -> Any:
        if model not in self._models:
            raise UserRefusal(f"Object {model} doesn't exist")
        if method.startswith("_"):
            raise AccessRefusal(f"Private methods (such as '{model}.{method}') cannot be called remotely.")
        if method == "load":
            return self._load(user, context, model, *positional, **named)
        with self._storage.transaction(write=method not in _READING) as db:
            env = self.env(db, user, context)
            self._allow(env, model, method)
            result = Methods(env).call(model, method, positional, named)
            self.faults.strike(model, method, "inside")
            return result

    def env(self, db: sqlite3.Connection, user: int, context: Values) -> Env:
        """The surroundings of one call."""
        return Env(db, version=self.version, models=self._models, rules=RULES, user=user, context=context)

    def as_administrator(self, action: Callable[[Env], Any], *, write: bool) -> Any:
        """Do something without a user of RPC: for the page."""
        with self._storage.transaction(write=write) as db:
            return action(self.env(db, 1, {"allowed_company_ids": [1]}))

    def close(self) -> None:
        """Let go of the database."""
        self._storage.close()

    def _allow(self, env: Env, model: str, method: str) -> None:
        row = env.row("res.users", env.user_id)
        own = {row["company_id"], *env.read("res.users", [env.user_id], ["company_ids"])[0]["company_ids"]}
        if set(env.companies()) - own:
            raise AccessRefusal("Access to unauthorized or invalid companies.")
        if not masterdata.may(env, model, method):
            label = self._models[model].label
            raise AccessRefusal(f"You are not allowed to access '{label}' ({model}) records.")

    def _load(self, user: int, context: Values, model: str, fields: list[str], data: list[list[str]]) -> Any:
        """Two steps, as a transaction of PostgreSQL sees the world of its start and meets the others at its inserts."""
        with self._storage.transaction(write=False) as db:
            env = self.env(db, user, context)
            self._allow(env, model, "load")
            snapshot = imports.take_snapshot(env, fields, data)
        self.faults.strike(model, "load", "inside")
        try:
            with self._storage.transaction(write=True) as db:
                env = self.env(db, user, context)
                answer = imports.load(env, self._models[model], fields, data, snapshot)
                if answer["ids"] is False:
                    raise _RolledBackError
        except _RolledBackError:
            pass
        return answer


class _RolledBackError(Exception):
    """Nothing of the call is kept, yet it has an answer."""


class Methods:
    """The methods a client may call, by name."""

    def __init__(self, env: Env) -> None:
        self._env = env

    def call(self, model: str, method: str, positional: list[Any], named: Values) -> Any:
        """Look the method up and call it."""
        known: dict[str, Callable[..., Any]] = {
            "search": self.search,
            "search_read": self.search_read,
            "search_count": self.search_count,
            "read": self.read,
            "create": self.create,
            "write": self.write,
            "unlink": self.unlink,
            "fields_get": self.fields_get,
            "get_metadata": self.get_metadata,
            "get_external_id": self.get_external_id,
        }
        special: dict[tuple[str, str], Callable[..., Any]] = {
            ("ir.model.data", "check_object_reference"): self.check_object_reference,
            ("res.users", "context_get"): self.context_get,
            ("sale.order", "action_confirm"): self._button(sales.action_confirm),
            ("sale.order", "action_cancel"): self._button(sales.action_cancel),
            ("stock.picking", "button_validate"): self._button(deliveries.button_validate),
        }
        if (model, method) in special:
            return special[model, method](*positional, **named)
        if method not in known:
            text = f"The method '{model}.{method}' does not exist"
            raise AttributeError(
                text if self._env.new else f"The method '{method}' does not exist on the model '{model}'"
            )
        return known[method](model, *positional, **named)

    def _button(self, action: Callable[[Env, list[int]], Any]) -> Callable[..., Any]:
        return lambda ids: action(self._env, _list(ids))

    def search(
        self, model: str, domain: list[Any], offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        return self._env.search(model, domain, offset=offset, limit=limit, order=order)

    def search_read(
        self,
        model: str,
        domain: list[Any] | None = None,
        fields: list[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Values]:
        ids = self._env.search(model, domain or [], offset=offset, limit=limit, order=order)
        return self._env.read(model, ids, fields)

    def search_count(self, model: str, domain: list[Any], limit: int | None = None) -> int:
        return len(self._env.search(model, domain, limit=limit))

    def read(self, model: str, ids: Any, fields: list[str] | None = None, load: str = "_classic_read") -> list[Values]:
        rows = self._env.read(model, _list(ids), fields)
        if load == "_classic_read":
            return rows
        bare = [name for name, field in self._env.model(model).fields.items() if field.type == "many2one"]
        return [{key: value[0] if key in bare and value else value for key, value in row.items()} for row in rows]

    def create(self, model: str, vals_list: Any) -> Any:
        if isinstance(vals_list, dict):
            return self._env.create(model, vals_list)
        return [self._env.create(model, values) for values in vals_list]

    def write(self, model: str, ids: Any, vals: Values) -> bool:
        self._env.write(model, _list(ids), vals)
        return True

    def unlink(self, model: str, ids: Any) -> bool:
        self._env.unlink(model, _list(ids))
        return True

    def fields_get(
        self, model: str, allfields: list[str] | None = None, attributes: list[str] | None = None
    ) -> dict[str, Values]:
        fields = {"id": Field(type="integer", string="ID"), **self._env.model(model).fields}
        return {
            name: _described(self._env.model(model), name, field, attributes)
            for name, field in fields.items()
            if not allfields or name in allfields
        }

    def get_metadata(self, model: str, ids: Any) -> list[Values]:
        """Who and when, and the external ids, which this method reads for everybody."""
        rows = self._env.read(model, _list(ids), ["create_uid", "create_date", "write_uid", "write_date"])
        for row in rows:
            known = self._external(model, row["id"])
            first = known[0] if known else {"xmlid": False, "noupdate": False}
            row |= {"xmlid": first["xmlid"], "noupdate": first["noupdate"], "xmlids": known}
        return rows

    def get_external_id(self, model: str, ids: Any) -> dict[str, str]:
        known = {key: self._external(model, key) for key in _list(ids)}
        return {str(key): found[0]["xmlid"] if found else "" for key, found in known.items()}

    def _external(self, model: str, record_id: int) -> list[Values]:
        found = self._env.db.execute(
            "SELECT module, name, noupdate FROM ir_model_data WHERE model = ? AND res_id = ? ORDER BY id",
            (model, record_id),
        )
        return [{"xmlid": f"{row['module']}.{row['name']}", "noupdate": bool(row["noupdate"])} for row in found]

    def check_object_reference(self, module: str, xml_id: str, raise_on_access_error: bool = False) -> list[Any]:
        row = self._env.named(f"{module}.{xml_id}")
        if row is None:
            raise ValueError(f"External ID not found in the system: {module}.{xml_id}")
        if self._env.search(row["model"], [["id", "=", row["res_id"]]]):
            return [row["model"], row["res_id"]]
        if raise_on_access_error:
            raise AccessRefusal(f'Not enough access rights on the external ID "{module}.{xml_id}"')
        return [row["model"], False]

    def context_get(self) -> Values:
        row = self._env.row("res.users", self._env.user_id)
        return {"lang": row["lang"] or False, "tz": row["tz"] or False, "uid": self._env.user_id}


def _described(model: Model, name: str, field: Field, attributes: list[str] | None) -> Values:
    every: Values = {
        "type": field.type,
        "string": field.string,
        "name": name,
        "required": field.required,
        "readonly": name == "id" or not field.stored,
        "store": field.stored,
        "searchable": True,
        "sortable": field.in_table or name == "id",
        "change_default": False,
        "company_dependent": False,
        "depends": [],
        "manual": False,
    }
    if field.relation:
        every |= {"relation": field.relation, "context": {}, "domain": []}
    if field.inverse:
        every["relation_field"] = field.inverse
    if field.type in ("float", "monetary"):
        every["digits"] = list(field.digits) if field.digits else False
    if field.type == "selection":
        every["selection"] = [[value, value] for value in field.selection]
    del model
    return {key: value for key, value in every.items() if not attributes or key in attributes}


def _list(ids: Any) -> list[int]:
    return [int(ids)] if isinstance(ids, int) else [int(key) for key in ids]


def answer_error(error: Exception, *, new: bool) -> Values:
    """The `error` of a JSON-RPC answer: `code` is 200 in 17 and 0 in 19, clients look at `data.name`."""
    if isinstance(error, sqlite3.IntegrityError):
        error = InvalidRefusal(f"The operation cannot be completed: {error}")
    name = error.name if isinstance(error, Refusal) else f"builtins.{type(error).__name__}"
    arguments = list(error.args)
    text = str(arguments[0]) if arguments else ""
    debug = "".join(traceback.format_exception(error)[:-1]) + f"{name.removeprefix('builtins.')}: {text}\n"
    data = {"name": name, "debug": debug, "message": text, "arguments": arguments, "context": {}}
    return {"code": 0 if new else 200, "message": "Odoo Server Error", "data": data}
