# ruff: noqa: S608 — names of tables and columns come from our own schema, every value is a parameter
"""Odoo's domains (prefix notation) as SQL conditions."""

from __future__ import annotations

from typing import Any

import msgspec

from edi_server.erp.sandbox.schema import Field, Model

Condition = tuple[str, list[Any]]
_COMPARE = {"=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LIKE = {"like": "LIKE", "ilike": "LIKE", "=like": "LIKE", "=ilike": "LIKE"}
_HIERARCHY = ("child_of", "parent_of")
_ARITY = {"&": 2, "|": 2, "!": 1}
_NEGATIVE = {"!=": "=", "<>": "=", "not in": "in", "not like": "like", "not ilike": "ilike", "not any": "any"}


class Domains(msgspec.Struct, frozen=True):
    """Compiles domains for one version of Odoo."""

    models: dict[str, Model]
    #: 19 cuts times to whole seconds before it compares, 17 does not.
    whole_seconds: bool

    def condition(self, model: Model, domain: list[Any]) -> Condition:
        """SQL condition and its parameters; raises ValueError as Odoo does for a field that is not there."""
        if not domain:
            return "1", []
        stack: list[Condition] = []
        for item in reversed(_with_ands(domain)):
            if item == "!":
                sql, parameters = stack.pop()
                stack.append((f"NOT ({sql})", parameters))
            elif item in ("&", "|"):
                (left, first), (right, second) = stack.pop(), stack.pop()
                stack.append((f"({left} {'AND' if item == '&' else 'OR'} {right})", [*first, *second]))
            else:
                stack.append(self._leaf(model, item))
        [result] = stack
        return result

    def _leaf(self, model: Model, leaf: list[Any]) -> Condition:
        path, operator, value = leaf
        if isinstance(path, (int, bool)):  # (1, '=', 1) is true, (0, '=', 1) false
            return ("1" if path == value else "0"), []
        name, _, rest = path.partition(".")
        if name == "id":
            return self._id(model, operator, value)
        field = model.fields.get(name)
        if field is None:
            word = "condition" if self.whole_seconds else "leaf"
            raise ValueError(f"Invalid field {model.name}.{path} in {word} {(path, operator, value)!r}")
        if rest and rest != "id":
            return self._through(field, name, [rest, operator, value])
        if operator in _HIERARCHY and (name, field.relation) == ("parent_id", model.name):
            return self._id(model, operator, value)  # Odoo takes it for the record itself
        if field.relation:
            return self._relation(field, name, operator, value)
        return self._scalar(field, model.title if name == "display_name" else name, operator, value)

    def _id(self, model: Model, operator: str, value: Any) -> Condition:
        if operator in _HIERARCHY:
            return f"id IN ({_family(model, operator, len(_ids(value)))})", _ids(value)
        return self._scalar(Field(type="integer", string="ID"), "id", operator, value)

    def _through(self, field: Field, name: str, leaf: list[Any]) -> Condition:
        assert field.relation is not None
        target = self.models[field.relation]
        sql, parameters = self._leaf(target, leaf)
        return self._linked(field, name, f'SELECT id FROM "{target.table}" WHERE {sql}'), parameters

    def _linked(self, field: Field, name: str, ids: str) -> str:
        """Condition that the relation leads to one of the ids that the given query selects."""
        assert field.relation is not None
        if field.type == "many2one":
            return f'"{name}" IN ({ids})'
        if field.type == "many2many":
            return f"EXISTS (SELECT 1 FROM json_each(COALESCE(\"{name}\", '[]')) WHERE value IN ({ids}))"
        target = self.models[field.relation]
        return f'id IN (SELECT COALESCE("{field.inverse}", 0) FROM "{target.table}" WHERE id IN ({ids}))'

    def _relation(self, field: Field, name: str, operator: str, value: Any) -> Condition:
        assert field.relation is not None
        target = self.models[field.relation]
        if operator in _NEGATIVE:
            sql, parameters = self._relation(field, name, _NEGATIVE[operator], value)
            return f"NOT ({sql})", parameters
        if operator in _HIERARCHY:
            return self._linked(field, name, _family(target, operator, len(_ids(value)))), _ids(value)
        if operator == "any":
            sql, parameters = self.condition(target, value)
            return self._linked(field, name, f'SELECT id FROM "{target.table}" WHERE {sql}'), parameters
        if isinstance(value, str):
            return self._through(field, name, [target.title, operator, value])
        if operator not in ("=", "==", "in"):
            raise ValueError(f"Invalid operator {operator!r} in domain term {[name, operator, value]!r}")
        wanted = _ids(value)
        present = self._linked(field, name, ", ".join("?" * len(wanted)) or "NULL")
        if value is False or value is None or (isinstance(value, list) and False in value):
            absent = f'"{name}" IS NULL' if field.type == "many2one" else f"NOT {self._any(field, name, target)}"
            return f"(COALESCE({present}, 0) OR {absent})", wanted
        return f"COALESCE({present}, 0)", wanted

    def _any(self, field: Field, name: str, target: Model) -> str:
        return self._linked(field, name, f'SELECT id FROM "{target.table}"')

    def _scalar(self, field: Field, column: str, operator: str, value: Any) -> Condition:
        if operator in _HIERARCHY:
            raise ValueError(f"Invalid operator {operator!r} on a field without hierarchy")
        if operator in _NEGATIVE:
            sql, parameters = self._scalar(field, column, _NEGATIVE[operator], value)
            return f"NOT ({sql})", parameters
        column = f'"{column}"'
        if self.whole_seconds and field.type == "datetime":
            column = f"substr({column}, 1, 19)"
        if operator == "in":
            return _within(field, column, value if isinstance(value, list) else [value])
        if operator in _LIKE:
            return _like(column, operator, value)
        if operator not in _COMPARE:
            raise ValueError(f"Invalid operator {operator!r} in domain term {[column, operator, value]!r}")
        return _compare(field, column, operator, value)


def _compare(field: Field, column: str, operator: str, value: Any) -> Condition:
    if field.type == "boolean":
        return f"COALESCE({column}, 0) {_COMPARE[operator]} ?", [int(bool(value))]
    if value is False or value is None:
        if operator not in ("=", "=="):
            return "0", []
        return (
            f"COALESCE({column}, 0) = 0" if field.type in ("float", "integer", "monetary") else f"{column} IS NULL"
        ), []
    return f"COALESCE({column} {_COMPARE[operator]} ?, 0)", [value]


def _within(field: Field, column: str, values: list[Any]) -> Condition:
    if field.type == "boolean":
        wanted = [int(bool(value)) for value in values]
        return f"COALESCE({column}, 0) IN ({', '.join('?' * len(wanted))})", wanted
    wanted = [value for value in values if value is not False and value is not None]
    sql = f"COALESCE({column} IN ({', '.join('?' * len(wanted))}), 0)"
    return (f"({sql} OR {column} IS NULL)" if len(wanted) < len(values) else sql), wanted


def _like(column: str, operator: str, value: Any) -> Condition:
    pattern = str(value) if operator.startswith("=") else f"%{value}%"
    if operator.endswith("ilike"):
        return f"COALESCE({column} LIKE ?, 0)", [pattern]
    return f"COALESCE({column} GLOB ?, 0)", [pattern.replace("*", "[*]").replace("%", "*").replace("_", "?")]


def _family(model: Model, operator: str, count: int) -> str:
    """Query for the records and all below (child_of) or above (parent_of) them."""
    start = f'SELECT id, parent_id FROM "{model.table}" WHERE id IN ({", ".join("?" * count)})'
    if "parent_id" not in model.fields:
        return f'SELECT id FROM "{model.table}" WHERE id IN ({", ".join("?" * count)})'
    step = "next.parent_id = family.id" if operator == "child_of" else "next.id = family.parent_id"
    return (
        f"SELECT id FROM (WITH RECURSIVE family(id, parent_id) AS ({start} UNION SELECT next.id, next.parent_id "
        f'FROM "{model.table}" AS next JOIN family ON {step}) SELECT id FROM family)'
    )


def _ids(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [int(item) for item in values if item is not False and item is not None]


def _with_ands(domain: list[Any]) -> list[Any]:
    """The domain with every implicit "&" written out."""
    needed = 1  # conditions that are still to come
    result: list[Any] = []
    for item in domain:
        if needed == 0:
            result.insert(0, "&")
            needed = 1
        if not isinstance(item, str):
            needed -= 1
        elif item in _ARITY:
            needed += _ARITY[item] - 1
        else:
            raise ValueError(f"Invalid domain: {domain!r}")
        result.append(item)
    if needed:
        raise ValueError(f"Domain {domain!r} is syntactically not correct")
    return result
