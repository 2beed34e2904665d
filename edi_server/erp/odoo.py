"""Odoo 17 and later behind the port `Erp`, over JSON-RPC.

Exactly once rests on the unique index of Odoo's external ids (`ir.model.data`: module, name), which `load()` takes in
the transaction that creates the order. The name is the key of the order. A concurrent second caller gets no order but
a failed serialisation; whoever comes later looks first. `mode: update` with `noupdate` makes `load()` leave a record
alone that exists by then, so that even the moment between looking and loading cannot write an order twice or undo
somebody's edits.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from typing import Any

from edi_server.erp import failures
from edi_server.erp.confirmation import confirm, in_batches
from edi_server.erp.despatch import read_deliveries
from edi_server.erp.external_ids import INSERT_ONLY, line_numbers, look
from edi_server.erp.matching import Catalogue, Partners
from edi_server.erp.port import DeliveryDone, OrderToPost, Posted, Refused
from edi_server.erp.sale_orders import Rows, prepare
from edi_server.erp.session import TIMEOUT, Session, read_address
from edi_server.errors import ErpError
from edi_server.findings import Finding, Place

_TRIES = 5


class OdooErp:
    """See `edi_server.erp.port.Erp`. Sessions are kept per thread and dropped after every error.

    `company` is the database id of the company (`res.company`); None takes the user's own. `password` may be an API
    key. `timeout` in seconds must exceed Odoo's limit_time_real (120 s), or retries overlap with work still going on.
    """

    def __init__(
        self, url: str, database: str, user: str, password: str, *, company: int | None = None, timeout: float = TIMEOUT
    ) -> None:
        read_address(url)  # a wrong one is said at once
        self._login: Callable[[], Session] = lambda: Session(
            url, database, user, password, company=company, timeout=timeout
        )
        self._thread = threading.local()

    def probe(self) -> str:
        """Version, database and company in one line; raises ErpError if this Odoo cannot be used."""
        with self._session() as session:
            [company] = session.read("res.company", [session.company], ["name"])
            for model in ("sale.order", "stock.picking", "product.product"):
                session.call(model, "search_count", [])
            return f"Odoo {session.version}, database {session.database}, company {company['name']}"

    def find_order(self, key: str) -> Posted | None:
        """The order with that key, or None."""
        with self._session() as session:
            record_id = look(session, key)
            return None if record_id is None else _describe(session, {key: record_id}, existed={key})[key]

    def post_orders(self, orders: list[OrderToPost]) -> list[Posted | Refused]:
        """See the port. A key that stands twice in `orders` is posted once; both get the same answer."""
        with self._session() as session:
            once: dict[str, OrderToPost] = {}
            for item in orders:
                once.setdefault(item.key, item)
            answers = _Posting(session).post(once)
            return [answers[item.key] for item in orders]

    def deliveries_done(self, partner_gln_or_ref: str, since: datetime | None) -> list[DeliveryDone]:
        """See the port; an unknown partner is an error of the configuration (permanent ErpError)."""
        with self._session() as session:
            found = Partners(session, [partner_gln_or_ref]).by_number(partner_gln_or_ref, Place())
            if isinstance(found, Finding):
                raise ErpError(found.sentence, permanent=True, name=found.code)
            return read_deliveries(session, found["commercial_partner_id"][0], since)

    def _session(self) -> _Lease:
        return _Lease(self._thread, self._login)


class _Lease:
    """The thread's session, logged in on first use; forgotten after an error, which may have been a new version."""

    def __init__(self, thread: threading.local, login: Callable[[], Session]) -> None:
        self._thread, self._login = thread, login

    def __enter__(self) -> Session:
        session: Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = self._thread.session = self._login()
        return session

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._thread.session = None


class _Posting:
    """One call of `post_orders`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[str, int] = {}
        self._existed: set[str] = set()
        self._refused: dict[str, Refused] = {}
        self._found: dict[str, tuple[Finding, ...]] = {}

    def post(self, orders: dict[str, OrderToPost]) -> dict[str, Posted | Refused]:
        for key in orders:
            self._take_existing(key)
        self._create([item for key, item in orders.items() if key not in self._ids])
        wanted = {key: self._ids[key] for key, item in orders.items() if key in self._ids and item.policy.confirm}
        for key, finding in confirm(self._session, wanted).items():
            self._found[key] = (*self._found.get(key, ()), finding)
        posted = _describe(self._session, self._ids, self._existed, self._found)
        return {**posted, **self._refused}

    def _take_existing(self, key: str) -> bool:
        record_id = look(self._session, key)
        if record_id is None:
            return False
        self._ids[key] = record_id
        self._existed.add(key)
        return True

    def _create(self, items: list[OrderToPost]) -> None:
        ready = sorted(self._prepare(items), key=lambda rows: rows.columns)
        for _, group in groupby(ready, key=lambda rows: rows.columns):
            for batch in in_batches(list(group), lambda rows: len(rows.rows)):
                self._load_batch(batch)

    def _prepare(self, items: list[OrderToPost]) -> list[Rows]:
        if not items:
            return []
        catalogue = Catalogue(self._session, [item.order for item in items])
        ready = []
        for item in items:
            rows = prepare(item, catalogue)
            if isinstance(rows, Rows):
                ready.append(rows)
                self._found[item.key] = rows.findings
            else:
                self._refused[item.key] = Refused(key=item.key, findings=rows)
        return ready

    def _load_batch(self, batch: list[Rows]) -> None:
        """An error in one row of a call saves nothing of it, and does not say whose it was for sure."""
        if len(batch) > 1:
            ids = self._load(batch)["ids"]
            if ids:
                self._ids.update(zip((rows.key for rows in batch), ids, strict=True))
                return
        for rows in batch:
            self._load_one(rows)

    def _load_one(self, rows: Rows) -> None:
        for attempt in range(1, _TRIES + 1):
            answer = self._load([rows])
            if answer["ids"]:
                [self._ids[rows.key]] = answer["ids"]
                return
            if self._take_existing(rows.key):
                return
            texts = [str(message["message"]) for message in answer["messages"]]
            if not any(failures.is_passing_text(text) for text in texts) and attempt > 1:
                self._require_rights()
                self._refused[rows.key] = Refused(key=rows.key, findings=tuple(map(_from_message, texts)))
                return
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 — spreads retries, no secret
        raise ErpError(
            f"Odoo kept failing on concurrent changes while order {rows.key} was posted; try again later.",
            permanent=False,
            name="psycopg2.errors.SerializationFailure",
        )

    def _require_rights(self) -> None:
        """`load()` says in words what other calls say by name: that the user may not do it."""
        for model in ("sale.order", "sale.order.line"):
            if not self._session.may(model, "create"):
                text = (
                    f"The user of the EDI server may not create {model} in Odoo: give him the rights of a salesperson."
                )
                raise ErpError(text, permanent=True, name="odoo.exceptions.AccessError")

    def _load(self, batch: list[Rows]) -> dict[str, Any]:
        cells = [row for rows in batch for row in rows.rows]
        answer: dict[str, Any] = self._session.call(
            "sale.order", "load", list(batch[0].columns), cells, context=INSERT_ONLY
        )
        return answer


def _describe(
    session: Session, ids: dict[str, int], existed: set[str], findings: dict[str, tuple[Finding, ...]] | None = None
) -> dict[str, Posted]:
    """What stands in Odoo under these keys."""
    orders = {row["id"]: row for row in session.read("sale.order", list(ids.values()), ["name", "state", "order_line"])}
    if gone := set(ids.values()) - orders.keys():
        raise ErpError(f"Sales orders {sorted(gone)} were deleted in Odoo at this moment.", permanent=False)
    numbers = line_numbers(session, [line for row in orders.values() for line in row["order_line"]])
    return {
        key: Posted(
            key=key,
            record_id=record_id,
            record_name=orders[record_id]["name"],
            existed=key in existed,
            confirmed=orders[record_id]["state"] in ("sale", "done"),
            # where a number stands twice, its first line counts
            lines={numbers[line]: line for line in reversed(orders[record_id]["order_line"]) if line in numbers},
            findings=(findings or {}).get(key, ()),
        )
        for key, record_id in ids.items()
    }


def _from_message(text: str) -> Finding:
    return Finding(code="erp.refused", severity="error", sentence=f"Odoo does not take the order: {failures.cut(text)}")
