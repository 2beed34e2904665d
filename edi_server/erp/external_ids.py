"""External ids: the names under which Odoo keeps our orders and their lines, once each.

An ordinary user may not read `ir.model.data`; what he may do is `check_object_reference`, `get_metadata` and `load()`.
"""

from __future__ import annotations

import re

from edi_server.erp.session import Session
from edi_server.errors import ErpError

#: Module part of our external ids. Like Odoo's own `__import__` it can never be the name of a module: records whose
#: external id belongs to a module disappear when that module is updated or removed.
MODULE = "__edi__"
#: `load()` inserts what is absent and leaves alone what is there.
INSERT_ONLY = {"mode": "update", "noupdate": True}


def line_name(key: str, position: int, number: str | None) -> str:
    """External id of an order line: the key never contains "-", the buyer's line number follows, made safe."""
    safe = re.sub(r"[^A-Za-z0-9]", lambda match: f"-{ord(match[0]):x}-", number or "")
    return f"{key}-{position}-{safe}"


def line_number(name: str) -> str | None:
    """The buyer's line number in an external id made by `line_name`; None if there is none in it."""
    match = re.fullmatch(r"[^-]+-\d+-(.+)", name)
    return match and re.sub(r"-([0-9a-f]+)-", lambda code: chr(int(code[1], 16)), match[1])


def line_numbers(session: Session, ids: list[int]) -> dict[int, str]:
    """Id of an order line in Odoo → the buyer's line number, for the lines we posted.

    Read from the external ids through `get_metadata`, which an ordinary user may call, unlike reading ir.model.data.
    """
    numbers = {}
    for row in session.call("sale.order.line", "get_metadata", ids) if ids else ():
        for known in row["xmlids"]:
            module, _, name = known["xmlid"].partition(".")
            if module == MODULE and (number := line_number(name)):
                numbers[row["id"]] = number
    return numbers


def look(session: Session, key: str) -> int | None:
    """Database id of the order with that key, or None. Odoo answers an absent external id with a ValueError."""
    try:
        model, record_id = session.call("ir.model.data", "check_object_reference", MODULE, key)
    except ErpError as error:
        if error.name == "builtins.ValueError":
            return None
        raise
    if model != "sale.order":
        text = f"The external id {MODULE}.{key} belongs to a record of {model} in Odoo: rename it there."
        raise ErpError(text, permanent=True, name="odoo.exceptions.ValidationError")
    return int(record_id) if record_id else _look_past_cache(session, key)


def _look_past_cache(session: Session, key: str) -> int | None:
    """The order behind a look-up that knew the name but no record that its user can see.

    Odoo's worker process remembers external ids from the moment they are inserted, so that it knows those of a
    transaction that is still going on or was rolled back, for as long as it lives (17 and 19: `_update_xmlids`).
    `load()` asks the database: of nothing but the name it returns the record, or fails for want of a customer.
    """
    answer = session.call("sale.order", "load", ["id"], [[f"{MODULE}.{key}"]], context=INSERT_ONLY)
    return int(answer["ids"][0]) if answer["ids"] else None
