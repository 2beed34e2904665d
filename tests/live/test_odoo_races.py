"""Forty rounds of four clients at a real Odoo, all with the same order. Takes minutes, so it is never part of a run."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from erp_places import Place, live_place, new_line, new_order

from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import Posted, PostingPolicy

ROUNDS, CLIENTS = 40, 4
pytestmark = [pytest.mark.live, pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def place() -> Place:
    return live_place()


def test_no_order_and_no_line_is_ever_doubled(place: Place) -> None:
    _, gln = place.partner()
    goods = [place.product() for _ in range(3)]
    clients = [place.erp() for _ in range(CLIENTS)]
    for client in clients:
        client.probe()
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        policy = PostingPolicy(confirm=number % 2 == 1)
        item = new_order(gln, *(new_line(one, str(index)) for index, one in enumerate(goods, 1)), policy=policy)
        start = threading.Barrier(CLIENTS)

        def post(client: OdooErp, start: threading.Barrier = start, item: object = item) -> object:
            start.wait()
            return client.post_orders([item])[0]  # type: ignore[list-item]

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(post, clients))
        assert all(isinstance(answer, Posted) for answer in answers)
        assert len({answer.record_id for answer in answers}) == 1  # type: ignore[attr-defined]
        [order] = place.search("sale.order", ["client_order_ref", "=", item.order.number])
        assert len(place.lines(order, "name")) == len(goods)
        deliveries = place.search("stock.picking", ["sale_id", "=", order])
        assert len(deliveries) == (1 if policy.confirm else 0)
        seen["first"] += sum(not answer.existed for answer in answers)  # type: ignore[attr-defined]
        seen["found"] += sum(answer.existed for answer in answers)  # type: ignore[attr-defined]
    assert seen.total() == ROUNDS * CLIENTS
    assert seen["first"] >= ROUNDS
    print(dict(seen))  # noqa: T201 — the figures are what it is run for
