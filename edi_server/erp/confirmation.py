"""Confirming orders: what is still open becomes a sales order, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from edi_server.erp.session import Row, Session
from edi_server.errors import ErpError
from edi_server.findings import Finding

#: Orders per call: ten cost a third of ten calls of one, more adds next to nothing (measured on 17 and 19).
_ORDERS = 10
#: Lines per call: confirming takes up to 25 ms a line, and Odoo ends a call after 120 s.
_LINES = 1000
_OPEN = ("draft", "sent")

T = TypeVar("T")


def confirm(session: Session, ids: dict[str, int]) -> dict[str, Finding]:
    """Confirm the orders under these keys; returns why not, for those that are not confirmed afterwards.

    Odoo refuses to confirm twice, so the state is read first and "already" counts as done. An order that cannot be
    confirmed does not hold back the others. Raises ErpError where trying again may help.
    """
    rows = _read(session, ids.values())
    refused: dict[int, str] = {}
    for batch in in_batches([row for row in rows if row["state"] in _OPEN], lambda row: len(row["order_line"])):
        if _is_refused(session, batch) is not None:
            for row in batch:
                if reason := _is_refused(session, _open(session, row["id"])):
                    refused[row["id"]] = reason
    states = {row["id"]: row["state"] for row in _read(session, ids.values())}
    return {key: finding for key, order in ids.items() if (finding := _remark(states.get(order), refused.get(order)))}


def in_batches(items: list[T], lines: Callable[[T], int]) -> list[list[T]]:
    """The items in batches of few enough orders and lines for one call."""
    batches: list[list[T]] = []
    total = 0
    for item in items:
        total += lines(item)
        if not batches or len(batches[-1]) == _ORDERS or total > _LINES:
            batches.append([])
            total = lines(item)
        batches[-1].append(item)
    return batches


def _read(session: Session, ids: Iterable[int]) -> list[Row]:
    return session.read("sale.order", list(ids), ["state", "order_line"])


def _open(session: Session, order: int) -> list[Row]:
    return [row for row in _read(session, [order]) if row["state"] in _OPEN]


def _is_refused(session: Session, rows: list[Row]) -> str | None:
    """Why Odoo refuses to confirm these orders, None if it does not."""
    if not rows:
        return None
    try:
        session.call("sale.order", "action_confirm", [row["id"] for row in rows])
    except ErpError as error:
        if not error.permanent:
            raise
        return str(error)
    return None


def _remark(state: str | None, reason: str | None) -> Finding | None:
    if state in _OPEN:
        reason = reason or "Odoo asks for somebody's decision first."
        sentence = f"The order is in Odoo but could not be confirmed. {reason}"
        return Finding(code="erp.not-confirmed", severity="error", sentence=sentence)
    if state == "cancel":
        sentence = "The order is in Odoo but was cancelled there; it is not confirmed again."
        return Finding(code="erp.cancelled", severity="warning", sentence=sentence)
    return None
