# ruff: noqa: D102 — the public methods of `Methods` are Odoo's own, with Odoo's names and arguments
"""The methods of models that a client may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from edi_server.erp.sandbox import deliveries, sales
from edi_server.erp.sandbox.masterdata import may
from edi_server.erp.sandbox.records import Env, Values
from edi_server.erp.sandbox.refusals import AccessRefusal
from edi_server.erp.sandbox.schema import Field


class Call(msgspec.Struct, frozen=True):
    """One call of `execute_kw`."""

    user: int
    context: Values
    model: str
    method: str
    positional: list[Any]
    named: Values


class Methods:
    """The methods a client may call, by name."""

    def __init__(self, env: Env) -> None:
        self._env = env

    def call(self, call: Call) -> Any:
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
            "check_access_rights": self.check_access_rights,
            **({"has_access": self.has_access} if self._env.new else {}),
        }
        special: dict[tuple[str, str], Callable[..., Any]] = {
            ("ir.model.data", "check_object_reference"): self.check_object_reference,
            ("res.users", "context_get"): self.context_get,
            ("sale.order", "action_confirm"): self._button(sales.action_confirm),
            ("sale.order", "action_cancel"): self._button(sales.action_cancel),
            ("stock.picking", "button_validate"): self._button(deliveries.button_validate),
        }
        model, method = call.model, call.method
        if (model, method) in special:
            return special[model, method](*call.positional, **call.named)
        if method not in known:
            text = f"The method '{model}.{method}' does not exist"
            raise AttributeError(
                text if self._env.new else f"The method '{method}' does not exist on the model '{model}'"
            )
        return known[method](model, *call.positional, **call.named)

    def _button(self, action: Callable[[Env, list[int]], Any]) -> Callable[..., Any]:
        return lambda ids: action(self._env, _list(ids))

    def search(
        self, model: str, domain: list[Any], offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        return self._env.search(model, domain, offset=offset, limit=limit, order=order)

    def search_read(
        self, model: str, domain: list[Any] | None = None, fields: list[str] | None = None, *where: Any, **named: Any
    ) -> list[Values]:
        return self._env.read(model, self.search(model, domain or [], *where, **named), fields)

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
            name: _described(name, field, attributes)
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
        external = f"{module}.{xml_id}"
        if external not in self._env.remembered:
            row = self._env.named(external)
            if row is None:
                raise ValueError(f"External ID not found in the system: {external}")
            self._env.remembered[external] = (row["model"], row["res_id"])
        model, record_id = self._env.remembered[external]
        if self._env.search(model, [["id", "=", record_id]]):
            return [model, record_id]
        if raise_on_access_error:
            raise AccessRefusal(f'Not enough access rights on the external ID "{external}"')
        return [model, False]

    def check_access_rights(self, model: str, operation: str, raise_exception: bool = True) -> bool:
        allowed = may(self._env, model, operation)
        if raise_exception and not allowed:
            raise AccessRefusal(f"You are not allowed to {operation} records of {model}.")
        return allowed

    def has_access(self, model: str, ids: Any, operation: str) -> bool:
        del ids
        return may(self._env, model, operation)

    def context_get(self) -> Values:
        row = self._env.row("res.users", self._env.user_id)
        return {"lang": row["lang"] or False, "tz": row["tz"] or False, "uid": self._env.user_id}


def _described(name: str, field: Field, attributes: list[str] | None) -> Values:
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
    return {key: value for key, value in every.items() if not attributes or key in attributes}


def _list(ids: Any) -> list[int]:
    return [int(ids)] if isinstance(ids, int) else [int(key) for key in ids]
