"""Odoos to test against: the stand-in as 17.0 and as 19.0 always, a real one where the environment names it."""

from __future__ import annotations

import os
import random
import socket
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from edi_server.canonical import Order, OrderLine, Party
from edi_server.erp.gs1 import check_digit
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import OrderToPost, PostingPolicy
from edi_server.erp.sandbox import Sandbox
from edi_server.erp.session import Row, Session

LIVE = ("EDI_ODOO_URL", "EDI_ODOO_DB", "EDI_ODOO_USER", "EDI_ODOO_PASSWORD")
#: What the user of an EDI server needs, and no more.
GROUPS = (("base", "group_user"), ("sales_team", "group_sale_salesman_all_leads"), ("stock", "group_stock_user"))


def with_check_digit(digits: str) -> str:
    return digits + check_digit(digits)


def new_gs1(length: int) -> str:
    """A number nobody else has, with GS1's prefix for demonstrations."""
    return with_check_digit("952" + "".join(random.choices("0123456789", k=length - 4)))


@dataclass
class Goods:
    id: int
    gtin: str
    code: str


@dataclass
class Place:
    """One Odoo: with an administrator who prepares it, and an ordinary user who posts."""

    url: str
    database: str
    admin: Session
    user: str
    password: str
    company: int
    sandbox: Sandbox | None

    @property
    def version(self) -> str:
        return self.admin.version

    def session(self) -> Session:
        """The ordinary user's."""
        return Session(self.url, self.database, self.user, self.password, company=self.company)

    def erp(self, url: str | None = None, **more: Any) -> OdooErp:
        return OdooErp(url or self.url, self.database, self.user, self.password, company=self.company, **more)

    def create(self, model: str, /, **values: Any) -> int:
        return int(self.admin.call(model, "create", values))

    def partner(self, **values: Any) -> tuple[int, str]:
        """Id and GLN of a new partner."""
        gln = values.setdefault("ref", new_gs1(13))
        return self.create("res.partner", **{"name": f"Partner {gln}", "is_company": True} | values), gln

    def product(self, **values: Any) -> Goods:
        gtin = values.setdefault("barcode", new_gs1(13))
        code = values.setdefault("default_code", f"A-{uuid.uuid4().hex[:10]}")
        return Goods(
            self.create("product.product", **{"name": f"Article {code}", "list_price": 7.5} | values), gtin, code
        )

    def unit(self, name: str) -> int:
        return int(self.admin.call("ir.model.data", "check_object_reference", "uom", name)[1])

    @property
    def unit_field(self) -> str:
        return "product_uom_id" if self.admin.has("sale.order.line", "product_uom_id") else "product_uom"

    @property
    def package_model(self) -> str:
        return str(self.admin.fields("stock.move.line")["result_package_id"]["relation"])

    def read(self, model: str, ids: int | list[int], *fields: str) -> Any:
        rows = self.admin.call(model, "read", [ids] if isinstance(ids, int) else ids, list(fields))
        return rows[0] if isinstance(ids, int) else rows

    def search(self, model: str, *domain: Any) -> list[int]:
        return list(self.admin.call(model, "search", list(domain)))

    def lines(self, order: int, *fields: str) -> list[Row]:
        ids = self.read("sale.order", order, "order_line")["order_line"]
        return list(self.read("sale.order.line", ids, *fields))


def new_key() -> str:
    return f"t_{uuid.uuid4().hex}"


def new_order(
    gln: str, *lines: OrderLine, key: str | None = None, policy: PostingPolicy | None = None, **more: Any
) -> OrderToPost:
    key = key or new_key()
    order = Order(**{"number": f"PO-{key}", "buyer": Party(gln=gln), "lines": lines} | more)
    return OrderToPost(key=key, order=order, policy=policy or PostingPolicy())


def new_line(
    goods: Goods, number: str = "1", quantity: str = "5", price: str | None = "2.50", **more: Any
) -> OrderLine:
    return OrderLine(
        **{
            "number": number,
            "gtin": goods.gtin,
            "quantity": Decimal(quantity),
            "price": None if price is None else Decimal(price),
        }
        | more
    )


def live_place() -> Place:
    missing = [name for name in LIVE if not os.environ.get(name)]
    if missing:
        pytest.skip(f"a real Odoo needs {', '.join(missing)}")
    url, database, user, password = (os.environ[name] for name in LIVE)
    return prepare(Session(url, database, user, password, company=None), url, None)


def prepare(admin: Session, url: str, sandbox: Sandbox | None) -> Place:
    """Create an ordinary user, so that the suite shows what rights suffice."""
    name = f"edi-{uuid.uuid4().hex[:10]}"
    groups = [admin.call("ir.model.data", "check_object_reference", *group)[1] for group in GROUPS]
    values = {
        "name": f"EDI test {name}",
        "login": name,
        "password": f"secret-{name}",
        "tz": "America/New_York",  # a zone that would show in every time if we relied on it
        "company_id": admin.company,
        "company_ids": [(6, 0, [admin.company])],
        "group_ids" if admin.has("res.users", "group_ids") else "groups_id": [(6, 0, groups)],
    }
    admin.call("res.users", "create", values)
    return Place(url, admin.database, admin, name, f"secret-{name}", admin.company, sandbox)


@dataclass
class Cutter:
    """A connection that breaks on command, between our adapter and any Odoo.

    `when` is a piece of the request that it waits for; `how` is "before" (Odoo never sees it), "after" (Odoo has
    answered, we do not get it), "abandon" (Odoo is still working on it), "stall" (the answer never comes, nor an end)
    or "pass" (nothing breaks). `also` is called before the request is passed on.
    """

    upstream: str
    when: bytes = b""
    how: str = ""
    also: Callable[[], None] | None = None
    abandoned: list[threading.Thread] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self, method: str, how: str, also: Callable[[], None] | None = None) -> None:
        self.when, self.how, self.also = f'"{method}"'.encode(), how, also

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.over.set()
        self.close_abandoned()

    def close_abandoned(self) -> None:
        """Wait until Odoo has finished what nobody waits for any more."""
        for thread in self.abandoned:
            thread.join(60)

    def _pass_on(self, client: socket.socket) -> None:
        with closing(client):
            request = read_request(client)
            how = ""
            if self.when and self.when in request:
                how, also = self.how, self.also
                self.when = b""
                if also:
                    also()
            if how == "before":
                return
            if how == "abandon":
                thread = threading.Thread(target=self._ask, args=(request,))
                thread.start()
                self.abandoned.append(thread)
                return
            answer = self._ask(request)
            if how == "stall":
                self.over.wait(60)
            if how not in ("after", "stall"):
                client.sendall(answer)

    def _ask(self, request: bytes) -> bytes:
        target = urllib.parse.urlsplit(self.upstream)
        assert target.hostname
        assert target.port
        with socket.create_connection((target.hostname, target.port)) as upstream:
            upstream.sendall(request)
            parts = []
            while part := upstream.recv(65536):
                parts.append(part)
            return b"".join(parts)


def read_request(client: socket.socket) -> bytes:
    """One request; urllib asks for `Connection: close`, so there is never a second one."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
