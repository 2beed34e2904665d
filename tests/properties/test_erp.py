"""Whatever an order says, the answer is that it was posted or why not, never an exception; and posting is stable."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edi_server.canonical import Delivery, Note, Order, OrderLine, Party, When
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import OrderToPost, Posted, PostingPolicy, Refused
from edi_server.erp.sandbox import VERSIONS, Sandbox, demo

CONTENT = demo.content()
GLNS = [party["gln"] for one in CONTENT["partner"] for party in (one, *one["place"])]
PRODUCTS = CONTENT["product"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(0, 100, places=2)
days = st.dates().map(lambda day: When(iso=day.isoformat()))
times = st.datetimes().map(lambda stamp: When(iso=stamp.isoformat()))
whens = (
    st.none()
    | days
    | times
    | texts.map(lambda text: When(iso=text))
    | texts.map(lambda text: When(iso=text, format="718"))
)
parties = st.none() | st.sampled_from(GLNS).map(lambda gln: Party(gln=gln)) | st.builds(Party, gln=texts, code=texts)
notes = st.lists(st.builds(Note, text=texts), max_size=2).map(tuple)


def or_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


lines = st.builds(
    OrderLine,
    number=or_none(texts),
    gtin=or_none(texts | st.sampled_from([product["gtin"] for product in PRODUCTS])),
    supplier_sku=or_none(texts | st.sampled_from([product["code"] for product in PRODUCTS])),
    quantity=or_none(numbers),
    unit=or_none(texts | st.sampled_from(["PCE", "KGM", "DZN"])),
    price=or_none(numbers),
    price_basis=or_none(numbers),
    price_unit=or_none(texts | st.just("PCE")),
    description=or_none(texts),
    deliver_on=whens,
    notes=notes,
    deliveries=st.lists(st.builds(Delivery, quantity=or_none(numbers), deliver_on=whens), max_size=2).map(tuple),
)
orders = st.builds(
    Order,
    number=or_none(texts),
    deliver_on=whens,
    currency=or_none(st.sampled_from(["EUR", "SEK"]) | texts),
    buyer=parties,
    ship_to=parties,
    invoice_to=parties,
    notes=notes,
    lines=st.lists(lines, max_size=4).map(tuple),
)
good_lines = st.builds(
    lambda product, quantity, price, number, note: OrderLine(
        number=number, gtin=product["gtin"], quantity=quantity, price=price, notes=note
    ),
    st.sampled_from(PRODUCTS),
    st.decimals("0.01", 100000, places=2),
    st.decimals(0, 100000, places=2),
    texts,
    notes,
)
good_orders = st.builds(
    lambda gln, number, made, note: Order(number=number, buyer=Party(gln=gln), lines=tuple(made), notes=note),
    st.sampled_from(GLNS),
    texts.filter(bool),
    st.lists(good_lines, min_size=1, max_size=6),
    notes,
)


@pytest.fixture(scope="module", params=VERSIONS)
def erp(request: pytest.FixtureRequest) -> Iterator[OdooErp]:
    with Sandbox(version=request.param) as sandbox:
        yield OdooErp(sandbox.url, sandbox.database, "edi", "edi")


def to_post(order: Order) -> OrderToPost:
    policy = PostingPolicy(confirm=True, time_zone="Pacific/Auckland")
    return OrderToPost(key=f"p_{uuid.uuid4().hex}", order=order, policy=policy)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(order=orders)
def test_any_order_is_posted_or_refused_with_reasons(erp: OdooErp, order: Order) -> None:
    [answer] = erp.post_orders([to_post(order)])
    if isinstance(answer, Refused):
        assert any(finding.severity == "error" and finding.sentence for finding in answer.findings)
    else:
        assert answer.confirmed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(good_orders, min_size=1, max_size=3))
def test_a_good_order_is_posted_and_found_again_as_it_was(erp: OdooErp, batch: list[Order]) -> None:
    items = [to_post(order) for order in batch]
    answers = erp.post_orders(items)
    again = erp.post_orders(items)
    for item, answer, found in zip(items, answers, again, strict=True):
        assert isinstance(answer, Posted), answer
        assert isinstance(found, Posted)
        assert found.existed
        assert (found.record_id, found.lines) == (answer.record_id, answer.lines)
        assert answer.lines.keys() == {line.number for line in item.order.lines if line.number}
