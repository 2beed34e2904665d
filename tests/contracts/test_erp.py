"""The contract of the port `Erp`: exactly once, whatever happens; on the stand-in and on a real Odoo."""

from __future__ import annotations

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from erp_places import Cutter, Place, new_gs1, new_key, new_line, new_order

from edi_server.canonical import Note, OrderLine, Party, When
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import OrderToPost, Posted, PostingPolicy, Refused
from edi_server.errors import ErpError

CONFIRM = PostingPolicy(confirm=True)


def post(place: Place, *orders: OrderToPost) -> list[Any]:
    return list(place.erp().post_orders(list(orders)))


def orders_of(place: Place, item: OrderToPost) -> list[int]:
    return place.search("sale.order", ["client_order_ref", "=", item.order.number])


def codes(answer: Posted | Refused) -> set[str]:
    return {finding.code for finding in answer.findings}


def test_the_probe_names_version_database_and_company(place: Place) -> None:
    line = place.erp().probe()
    assert place.version in line
    assert place.database in line


def test_an_order_arrives_with_everything_it_says(place: Place) -> None:
    buyer, gln = place.partner()
    shop, shop_gln = place.partner(parent_id=buyer, type="delivery")
    payer, payer_gln = place.partner()
    first, second = place.product(), place.product()
    item = new_order(
        gln,
        new_line(first, "10", "5", "2.50", description="In the buyer's words"),
        new_line(second, "20", "1.5", "3", notes=(Note(text="Handle with care"),)),
        ship_to=Party(gln=shop_gln),
        invoice_to=Party(gln=payer_gln),
        deliver_on=When(iso="2026-12-01"),
        notes=(Note(text="First floor"),),
        policy=PostingPolicy(time_zone="Europe/Berlin"),
    )
    [answer] = post(place, item)
    assert isinstance(answer, Posted)
    assert (answer.key, answer.existed, answer.confirmed) == (item.key, False, False)
    order = place.read("sale.order", answer.record_id)
    assert order["name"] == answer.record_name
    assert order["state"] == "draft"
    assert order["client_order_ref"] == item.order.number
    assert order["commitment_date"] == "2026-12-01 11:00:00"  # 12:00 in Berlin, in UTC
    parties = [order[name][0] for name in ("partner_id", "partner_shipping_id", "partner_invoice_id")]
    assert parties == [buyer, shop, payer]
    lines = place.lines(answer.record_id, "product_id", "product_uom_qty", "price_unit", "display_type", "name")
    goods = [line for line in lines if not line["display_type"]]
    assert [(line["product_id"][0], line["product_uom_qty"], line["price_unit"]) for line in goods] == [
        (first.id, 5, 2.5),
        (second.id, 1.5, 3),
    ]
    assert goods[0]["name"].endswith("\nIn the buyer's words")
    assert first.code in goods[0]["name"]
    assert [line["name"] for line in lines if line["display_type"]] == ["First floor", "Handle with care"]
    assert lines[-1]["name"] == "Handle with care"  # behind its line
    assert answer.lines == {"10": goods[0]["id"], "20": goods[1]["id"]}


def test_posting_again_finds_the_same_order_and_changes_nothing(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    [first], [second] = post(place, item), post(place, item)
    assert second.existed
    assert (second.record_id, second.lines) == (first.record_id, first.lines)
    assert orders_of(place, item) == [first.record_id]


def test_a_posted_order_is_never_written_again(place: Place) -> None:
    """Neither by other content under the same key, nor against what somebody changed in Odoo meanwhile."""
    _, gln = place.partner()
    goods = place.product()
    item = new_order(gln, new_line(goods))
    [first] = post(place, item)
    place.admin.call("sale.order.line", "write", [first.lines["1"]], {"product_uom_qty": 7, "price_unit": 2.0})
    [second] = post(place, new_order(gln, new_line(goods, quantity="9"), new_line(goods, "2"), key=item.key))
    assert second.existed
    [line] = place.lines(first.record_id, "product_uom_qty", "price_unit")
    assert (line["product_uom_qty"], line["price_unit"]) == (7, 2)


def test_four_callers_at_once_leave_one_order(place: Place) -> None:
    _, gln = place.partner()
    goods = [place.product() for _ in range(3)]
    for _ in range(4):
        item = new_order(gln, *(new_line(one, str(index)) for index, one in enumerate(goods, 1)))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _, item=item: post(place, item)[0], range(4)))
        assert {answer.record_id for answer in answers} == set(orders_of(place, item))
        assert len(orders_of(place, item)) == 1
        assert len(place.lines(answers[0].record_id, "name")) == len(goods)
        assert all(answer.lines == answers[0].lines for answer in answers)


def test_one_adapter_serves_several_threads(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    erp = place.erp()
    items = [new_order(gln, new_line(goods)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda item: erp.post_orders([item])[0], items))
    assert [answer.key for answer in answers] == [item.key for item in items]
    assert [orders_of(place, item) for item in items] == [[answer.record_id] for answer in answers]


@pytest.mark.parametrize("how", ["before", "after", "abandon"])
@pytest.mark.parametrize("method", ["load", "action_confirm", "get_metadata"])
def test_a_lost_connection_is_passing_and_the_retry_posts_once(
    place: Place, cutter: Cutter, method: str, how: str
) -> None:
    _, gln = place.partner()
    goods = place.product()
    item = new_order(gln, new_line(goods), new_line(goods, "2"), policy=CONFIRM)
    erp = place.erp(cutter.url)
    erp.probe()  # so that logging in and asking for fields is over
    cutter.cut(method, how)
    with pytest.raises(ErpError) as caught:
        erp.post_orders([item])
    assert not caught.value.permanent
    [answer] = erp.post_orders([item])
    assert isinstance(answer, Posted)
    assert answer.confirmed
    assert not answer.findings
    cutter.close_abandoned()
    assert orders_of(place, item) == [answer.record_id]
    assert len(place.lines(answer.record_id, "name")) == 2
    assert len(place.search("stock.picking", ["sale_id", "=", answer.record_id])) == 1


def test_a_slow_answer_is_passing_and_the_retry_posts_once(place: Place, cutter: Cutter) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    cutter.cut("load", "stall")
    with pytest.raises(ErpError) as caught:
        place.erp(cutter.url, timeout=3).post_orders([item])
    assert not caught.value.permanent
    assert caught.value.name == "TimeoutError"
    [answer] = post(place, item)
    assert answer.existed
    assert orders_of(place, item) == [answer.record_id]


def test_one_bad_order_of_a_batch_does_not_hold_back_the_others(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    good = [new_order(gln, new_line(goods)) for _ in range(3)]
    bad = new_order(new_gs1(13), new_line(goods))
    answers = post(place, good[0], bad, *good[1:])
    assert [answer.key for answer in answers] == [item.key for item in (good[0], bad, *good[1:])]
    assert [type(answer) for answer in answers] == [Posted, Refused, Posted, Posted]
    assert codes(answers[1]) == {"erp.partner-unknown"}
    assert [len(orders_of(place, item)) for item in (*good, bad)] == [1, 1, 1, 0]


def test_what_odoo_refuses_in_a_batch_is_refused_alone(place: Place, cutter: Cutter) -> None:
    """An article deleted between our check and the posting: only Odoo can notice."""
    _, gln = place.partner()
    kept, gone = place.product(), place.product()
    items = [new_order(gln, new_line(kept)), new_order(gln, new_line(gone)), new_order(gln, new_line(kept))]
    cutter.cut("load", "pass", also=lambda: place.admin.call("product.product", "unlink", [gone.id]))
    answers = place.erp(cutter.url).post_orders(items)
    assert [type(answer) for answer in answers] == [Posted, Refused, Posted]
    assert codes(answers[1]) == {"erp.refused"}
    assert [len(orders_of(place, item)) for item in items] == [1, 0, 1]


def test_the_same_key_twice_in_a_batch_is_posted_once(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    first, second = post(place, item, item)
    assert first == second
    assert orders_of(place, item) == [first.record_id]


def test_more_orders_than_fit_one_call_all_arrive(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    items = [new_order(gln, new_line(goods)) for _ in range(23)]
    answers = post(place, *items)
    assert [answer.key for answer in answers] == [item.key for item in items]
    assert [
        place.read("sale.order", answer.record_id, "client_order_ref")["client_order_ref"] for answer in answers
    ] == [item.order.number for item in items]


def test_an_order_is_found_by_its_key(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product(), "000010"), policy=CONFIRM)
    [posted] = post(place, item)
    found = place.erp().find_order(item.key)
    assert found is not None
    assert (found.record_id, found.lines) == (posted.record_id, {"000010": posted.lines["000010"]})
    assert found.existed
    assert found.confirmed
    assert place.erp().find_order(new_key()) is None


def test_line_numbers_come_back_as_the_buyer_wrote_them(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    written = ["1", "0001", "1.a", "Pos-7/ä", "1-2e-"]
    [answer] = post(
        place, new_order(gln, *(new_line(goods, number) for number in written), new_line(goods, number=None))
    )
    lines = place.lines(answer.record_id, "id")
    assert answer.lines == dict(zip(written, [line["id"] for line in lines], strict=False))


def test_confirming_makes_one_delivery_however_often_it_is_asked(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()), policy=CONFIRM)
    answers = [post(place, item)[0] for _ in range(2)]
    assert [answer.confirmed for answer in answers] == [True, True]
    assert not answers[1].findings
    assert len(place.search("stock.picking", ["sale_id", "=", answers[0].record_id])) == 1


def test_a_confirmation_left_unfinished_is_finished(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    [draft] = post(place, item)
    assert not draft.confirmed
    [answer] = post(place, OrderToPost(key=item.key, order=item.order, policy=CONFIRM))
    assert answer.existed
    assert answer.confirmed


def test_four_callers_confirming_at_once_confirm_once(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()), policy=CONFIRM)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: place.erp().post_orders([item])[0], range(4)))
    assert all(answer.confirmed and not answer.findings for answer in answers)
    assert len(place.search("stock.picking", ["sale_id", "=", answers[0].record_id])) == 1


def test_a_cancelled_order_stays_cancelled(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    [draft] = post(place, item)
    place.admin.call("sale.order", "action_cancel", [draft.record_id], context={"disable_cancel_warning": True})
    [answer] = post(place, OrderToPost(key=item.key, order=item.order, policy=CONFIRM))
    assert answer.existed
    assert not answer.confirmed
    assert codes(answer) == {"erp.cancelled"}
    assert place.read("sale.order", draft.record_id, "state")["state"] == "cancel"


def test_what_cannot_be_confirmed_is_posted_and_said(place: Place, cutter: Cutter) -> None:
    """Somebody cancels one of two orders before both are confirmed in one call."""
    _, gln = place.partner()
    goods = place.product()
    items = [new_order(gln, new_line(goods), policy=CONFIRM) for _ in range(2)]
    first = items[0]

    def lock_out() -> None:
        [order] = orders_of(place, first)
        place.admin.call("sale.order", "action_cancel", [order], context={"disable_cancel_warning": True})

    cutter.cut("action_confirm", "pass", also=lock_out)
    answers = place.erp(cutter.url).post_orders(items)
    assert [answer.confirmed for answer in answers] == [False, True]
    assert [codes(answer) for answer in answers] == [{"erp.cancelled"}, set()]


def test_a_record_its_user_may_not_read_is_an_error_not_a_new_order(place: Place) -> None:
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    name = item.key
    hidden = place.create("res.partner", name=f"Under the key {name}", active=False)
    place.create("ir.model.data", module="__edi__", name=name, model="res.partner", res_id=hidden)
    with pytest.raises(ErpError) as caught:
        post(place, item)
    assert caught.value.permanent
    assert not orders_of(place, item)


def test_a_wrong_password_is_permanent_and_never_shown(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    erp = OdooErp(place.url, place.database, place.user, "Hunter-2-secret")
    with pytest.raises(ErpError) as caught:
        erp.probe()
    assert caught.value.permanent
    assert caught.value.name == "odoo.exceptions.AccessDenied"
    assert "Hunter-2-secret" not in str(caught.value) + caplog.text


def test_the_password_is_in_no_log_of_a_posting(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, gln = place.partner()
    post(place, new_order(gln, new_line(place.product()), policy=CONFIRM))
    assert place.password not in caplog.text


def test_a_password_changed_meanwhile_is_permanent(place: Place) -> None:
    erp = place.erp()
    erp.probe()
    [user] = place.search("res.users", ["login", "=", place.user])
    place.admin.call("res.users", "write", [user], {"password": "another"})
    try:
        with pytest.raises(ErpError) as caught:
            erp.probe()
    finally:
        place.admin.call("res.users", "write", [user], {"password": place.password})
    assert caught.value.permanent
    assert caught.value.name == "odoo.exceptions.AccessDenied"
    assert erp.probe()  # and logs in again by itself


def test_an_unknown_database_is_an_error_that_names_no_password(place: Place) -> None:
    with pytest.raises(ErpError) as caught:
        OdooErp(place.url, "no_such_database", place.user, place.password).probe()
    assert place.password not in str(caught.value)


def test_nobody_listening_is_passing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ErpError) as caught:
        OdooErp(f"http://127.0.0.1:{port}", "any", "any", "any").probe()
    assert not caught.value.permanent


def test_a_user_without_rights_is_permanent(place: Place) -> None:
    """He may log in and nothing else."""
    login = f"nobody-{new_key()}"
    group = place.admin.call("ir.model.data", "check_object_reference", "base", "group_user")[1]
    field = "group_ids" if place.admin.has("res.users", "group_ids") else "groups_id"
    place.create(
        "res.users", name=login, login=login, password=login, company_id=place.company, **{field: [(6, 0, [group])]}
    )
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()))
    with pytest.raises(ErpError) as caught:
        OdooErp(place.url, place.database, login, login, company=place.company).post_orders([item])
    assert caught.value.permanent
    assert caught.value.name == "odoo.exceptions.AccessError"


def test_a_company_that_is_not_the_users_is_permanent(place: Place) -> None:
    erp = OdooErp(place.url, place.database, place.user, place.password, company=999_999)
    _, gln = place.partner()
    with pytest.raises(ErpError) as caught:
        erp.post_orders([new_order(gln, new_line(place.product()))])
    assert caught.value.permanent


def test_an_empty_batch_is_nothing_to_do(place: Place) -> None:
    assert place.erp().post_orders([]) == []


def test_an_order_that_is_unfit_is_refused_with_all_its_faults(place: Place) -> None:
    item = new_order(
        new_gs1(13),
        OrderLine(number="1", quantity=Decimal(-1), gtin=new_gs1(13)),
        OrderLine(number="2", supplier_sku="no such article"),
        OrderLine(number="3", quantity=Decimal(0)),
    )
    [answer] = post(place, item)
    assert isinstance(answer, Refused)
    assert {(finding.code, finding.place.field) for finding in answer.findings if finding.severity == "error"} == {
        ("erp.partner-unknown", "buyer.gln"),
        ("erp.quantity-not-positive", "lines[0].quantity"),
        ("erp.product-unknown", "lines[0].gtin"),
        ("erp.quantity-not-positive", "lines[1].quantity"),
        ("erp.product-unknown", "lines[1].supplier_sku"),
        ("erp.quantity-not-positive", "lines[2].quantity"),
        ("erp.product-missing", "lines[2]"),
    }
    assert not orders_of(place, item)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"function": "change"}, "erp.function-not-posted"),
        ({"function": "cancellation"}, "erp.function-not-posted"),
        ({"kind": "blanket"}, "erp.kind-not-posted"),
        ({"lines": ()}, "erp.lines-missing"),
        ({"number": None}, "erp.number-missing"),
        ({"buyer": None}, "erp.partner-missing"),
        ({"buyer": Party(name="Somebody")}, "erp.partner-missing"),
        ({"currency": "XAU"}, "erp.currency-differs"),
    ],
)
def test_what_is_no_order_to_post_is_refused(place: Place, change: dict[str, Any], code: str) -> None:
    _, gln = place.partner()
    [answer] = post(place, new_order(gln, new_line(place.product()), **change))
    assert isinstance(answer, Refused)
    assert codes(answer) == {code}
