"""Odoo's services behind /jsonrpc: common and object, with Odoo's answers and errors."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from typing import Any

from edi_server.erp.sandbox import deliveries, imports, masterdata, sales
from edi_server.erp.sandbox.faults import Faults
from edi_server.erp.sandbox.methods import Call, Methods
from edi_server.erp.sandbox.records import Env, Rules, Values
from edi_server.erp.sandbox.refusals import AccessRefusal, DeniedRefusal, InvalidRefusal, Refusal, UserRefusal
from edi_server.erp.sandbox.schema import models
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
        #: Odoo's cache of external ids, one per worker process.
        self._remembered: dict[str, tuple[str, int]] = {}

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
        self._refuse_other(database)
        self._authenticate(int(user), str(password))
        positional, named = (rest[0], rest[1] if len(rest) > 1 else {}) if method == "execute_kw" else (rest, {})
        named = dict(named or {})
        call = Call(int(user), named.pop("context", None) or {}, model, name, list(positional), named)
        self.faults.strike(model, name, "before")
        result = self._execute(call)
        self.faults.strike(model, name, "after")
        return result

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

    def _authenticate(self, user: int, password: str) -> None:
        with self._storage.transaction(write=False) as db:
            row = db.execute("SELECT password FROM res_users WHERE id = ? AND active = 1", (user,)).fetchone()
        if row is None or not masterdata.is_password(password, row["password"] or ""):
            raise DeniedRefusal

    def _execute(self, call: Call) -> Any:
        if call.model not in self._models:
            raise UserRefusal(f"Object {call.model} doesn't exist")
        if call.method.startswith("_"):
            raise AccessRefusal(f"Private methods (such as '{call.model}.{call.method}') cannot be called remotely.")
        if call.method == "load":
            return self._load(call, *call.positional, **call.named)
        with self._storage.transaction(write=call.method not in _READING) as db:
            env = self.env(db, call.user, call.context)
            self._allow(env, call.model, call.method)
            result = Methods(env).call(call)
            self.faults.strike(call.model, call.method, "inside")
            return result

    def env(self, db: sqlite3.Connection, user: int, context: Values) -> Env:
        """The surroundings of one call."""
        return Env(
            db,
            version=self.version,
            models=self._models,
            rules=RULES,
            user=user,
            context=context,
            remembered=self._remembered,
        )

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

    def _load(self, call: Call, fields: list[str], data: list[list[str]]) -> Values:
        """Two steps, as a transaction of PostgreSQL sees the world of its start and meets the others at its inserts."""
        with self._storage.transaction(write=False) as db:
            env = self.env(db, call.user, call.context)
            self._allow(env, call.model, "load")
            snapshot = imports.take_snapshot(env, fields, data)
        self.faults.strike(call.model, "load", "inside")
        try:
            return self._insert(call, fields, data, snapshot)
        except _RolledBackError as nothing:
            return nothing.answer

    def _insert(self, call: Call, fields: list[str], data: list[list[str]], snapshot: imports.Snapshot) -> Values:
        with self._storage.transaction(write=True) as db:
            env = self.env(db, call.user, call.context)
            answer = imports.load(env, self._models[call.model], fields, data, snapshot)
            if answer["ids"] is False:
                raise _RolledBackError(answer)
            return answer


class _RolledBackError(Exception):
    """Nothing of the call is kept, yet it has an answer."""

    def __init__(self, answer: Values) -> None:
        super().__init__()
        self.answer = answer


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
