"""The contract of the port `Erp`: every delivery done comes back once, complete, as a despatch advice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from erp_places import Goods, Place, new_gs1, new_key, new_line, new_order, with_check_digit

from edi_server.canonical import Batch, DespatchLine, Note, Package, Party, Reference, When
from edi_server.erp import warehouse
from edi_server.erp.port import DeliveryDone, OrderToPost, Posted, PostingPolicy
from edi_server.errors import ErpError

CONFIRM = PostingPolicy(confirm=True)


def order(place: Place, item: OrderToPost) -> Posted:
    [answer] = place.erp().post_orders([item])
    assert isinstance(answer, Posted), answer
    assert answer.confirmed, answer
    return answer


def pickings(place: Place, answer: Posted, *domain: Any) -> list[int]:
    return place.search("stock.picking", ["sale_id", "=", answer.record_id], *domain)


def pick(place: Place, line: int, **values: Any) -> int:
    """Write what left into the (first) move line of an order line."""
    [move] = place.search("stock.move", ["sale_line_id", "=", line], ["state", "not in", ["done", "cancel"]])
    first = place.read("stock.move", move, "move_line_ids")["move_line_ids"][0]
    place.admin.call("stock.move.line", "write", [first], {"picked": True, **values})
    return int(first)


def validate(place: Place, picking: int, **context: Any) -> None:
    done = place.admin.call("stock.picking", "button_validate", [picking], context={"skip_backorder": True, **context})
    assert done is True


def package(place: Place, name: str, **values: Any) -> int:
    return place.create(place.package_model, name=name, **values)


def new_sscc() -> str:
    return with_check_digit("3952" + str(uuid.uuid4().int)[:13])


def test_a_delivery_comes_back_with_everything_the_customer_needs(place: Place) -> None:
    buyer, gln = place.partner(street="Hafenstraße 12", street2="Tor 3", zip="20457", city="Hamburg")
    _, shop_gln = place.partner(parent_id=buyer, type="delivery", is_company=False)
    first, second = place.product(), place.product()
    item = new_order(
        gln,
        new_line(first, "10", "5"),
        new_line(second, "20", "3"),
        ship_to=Party(gln=shop_gln),
        deliver_on=When(iso="2026-12-01T08:00+00:00"),
        notes=(Note(text="A note is no goods"),),
        policy=CONFIRM,
    )
    posted = order(place, item)
    [picking] = pickings(place, posted)
    sscc = new_sscc()
    pick(place, posted.lines["10"], quantity=5, result_package_id=package(place, sscc))
    pick(place, posted.lines["20"], quantity=3)
    before = datetime.now(UTC) - timedelta(minutes=1)
    validate(place, picking)
    [done] = place.erp().deliveries_done(gln, None)
    row = place.read("stock.picking", picking, "name", "date_done", "write_date")
    assert (done.record_id, done.record_name) == (picking, row["name"])
    assert before < done.done_at < datetime.now(UTC) + timedelta(minutes=1)
    assert done.changed_at.strftime("%Y-%m-%d %H:%M:%S") == row["write_date"]
    assert done.order_numbers == (item.order.number,)
    advice = done.advice
    assert advice.number == row["name"]
    assert advice.despatched_on == When(iso=done.done_at.isoformat())
    assert advice.deliver_on == When(iso="2026-12-01T08:00:00+00:00")
    assert advice.orders == (Reference(kind="ON", number=item.order.number),)
    assert advice.buyer is not None
    assert (advice.buyer.gln, advice.buyer.street, advice.buyer.postcode, advice.buyer.city) == (
        gln,
        "Hafenstraße 12\nTor 3",
        "20457",
        "Hamburg",
    )
    assert advice.ship_to is not None
    assert advice.ship_to.gln == shop_gln
    company = place.read("res.company", place.company, "name")["name"]
    assert advice.supplier is not None
    assert advice.supplier.name == company

    def line(number: str, goods: Goods, quantity: int, ordered: str) -> DespatchLine:
        return DespatchLine(
            number=number,
            gtin=goods.gtin,
            supplier_sku=goods.code,
            description=f"Article {goods.code}",
            quantity=Decimal(quantity),
            unit="PCE",
            ordered_quantity=Decimal(quantity),
            order_number=item.order.number,
            order_line=ordered,
        )

    [packed] = advice.packages
    [inside] = packed.lines
    [loose] = advice.lines
    assert packed == Package(count=Decimal(1), sscc=(sscc,), lines=(inside,))
    assert {inside.number, loose.number} == {"1", "2"}
    assert inside == line(str(inside.number), first, 5, "10")
    assert loose == line(str(loose.number), second, 3, "20")


def test_a_partial_delivery_and_its_backorder_come_back_one_after_the_other(place: Place) -> None:
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product(), "1", "10"), policy=CONFIRM))
    [picking] = pickings(place, posted)
    pick(place, posted.lines["1"], quantity=4)
    validate(place, picking)
    [first] = place.erp().deliveries_done(gln, None)
    [rest] = pickings(place, posted, ["state", "!=", "done"])
    pick(place, posted.lines["1"], quantity=6)
    validate(place, rest)
    again, second = place.erp().deliveries_done(gln, None)
    assert again == first
    assert [shown(done) for done in (first, second)] == [[("4", "10", "1")], [("6", "10", "1")]]


def shown(done: DeliveryDone) -> list[tuple[str, str, str | None]]:
    return [(str(line.quantity), str(line.ordered_quantity), line.order_line) for line in done.advice.lines]


def test_a_delivery_that_gives_up_the_rest_comes_back_without_it(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    posted = order(place, new_order(gln, new_line(goods, "1", "10"), new_line(goods, "2", "7"), policy=CONFIRM))
    [picking] = pickings(place, posted)
    pick(place, posted.lines["1"], quantity=4)
    validate(place, picking, picking_ids_not_to_backorder=[picking])
    [done] = place.erp().deliveries_done(gln, None)
    assert shown(done) == [("4", "10", "1")]
    assert not pickings(place, posted, ["state", "not in", ["done", "cancel"]])


def test_goods_on_two_pallets_are_two_lines_of_one_order_line(place: Place) -> None:
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product(), "1", "10"), policy=CONFIRM))
    [picking] = pickings(place, posted)
    codes = [new_sscc(), new_sscc()]
    first = pick(place, posted.lines["1"], quantity=4, result_package_id=package(place, codes[0]))
    row = place.read("stock.move.line", first, "move_id", "picking_id", "product_id", "product_uom_id")
    place.create(
        "stock.move.line",
        quantity=6,
        picked=True,
        result_package_id=package(place, codes[1]),
        **{name: row[name][0] for name in ("move_id", "picking_id", "product_id", "product_uom_id")},
    )
    validate(place, picking)
    [done] = place.erp().deliveries_done(gln, None)
    assert {one.sscc[0]: str(one.lines[0].quantity) for one in done.advice.packages} == {codes[0]: "4", codes[1]: "6"}
    assert {one.lines[0].order_line for one in done.advice.packages} == {"1"}


def test_a_package_whose_name_is_no_sscc_stays_a_package(place: Place) -> None:
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product()), policy=CONFIRM))
    pick(place, posted.lines["1"], result_package_id=package(place, f"Box {new_key()}"))
    validate(place, *pickings(place, posted))
    [done] = place.erp().deliveries_done(gln, None)
    assert [one.sscc for one in done.advice.packages] == [()]


def test_a_carton_on_a_pallet_is_a_package_in_a_package(place: Place) -> None:
    if not place.admin.has(place.package_model, "package_dest_id"):
        pytest.skip(f"Odoo {place.version} does not nest packages")
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product()), policy=CONFIRM))
    outer, inner = new_sscc(), new_sscc()
    pallet = package(place, outer)
    pick(place, posted.lines["1"], result_package_id=package(place, inner, package_dest_id=pallet))
    validate(place, *pickings(place, posted))
    [done] = place.erp().deliveries_done(gln, None)
    [found] = done.advice.packages
    assert found.sscc == (outer,)
    assert not found.lines
    assert [one.sscc for one in found.packages] == [(inner,)]
    assert [line.quantity for line in found.packages[0].lines] == [5]
    place.admin.call(place.package_model, "write", [found_package(place, inner)], {"parent_package_id": False})
    assert place.erp().deliveries_done(gln, None)[0].advice.packages == (found,)  # unpacked later: it left so


def found_package(place: Place, name: str) -> int:
    [found] = place.search(place.package_model, ["name", "=", name])
    return found


def test_lots_come_back_as_batches(place: Place) -> None:
    _, gln = place.partner()
    storable = {"is_storable": True} if place.admin.has("product.product", "is_storable") else {}
    goods = place.product(tracking="lot", **storable)
    posted = order(place, new_order(gln, new_line(goods, "1", "5"), policy=CONFIRM))
    [picking] = pickings(place, posted)
    lot = f"L-{new_key()}"
    pack(place, picking, posted.lines["1"], goods, [(lot, 5)])
    validate(place, picking)
    [done] = place.erp().deliveries_done(gln, None)
    [line] = done.advice.lines
    assert line.batches == (Batch(number=lot, quantity=Decimal(5)),)


def test_serial_numbers_come_back_one_by_one(place: Place) -> None:
    _, gln = place.partner()
    storable = {"is_storable": True} if place.admin.has("product.product", "is_storable") else {}
    goods = place.product(tracking="serial", **storable)
    posted = order(place, new_order(gln, new_line(goods, "1", "2"), policy=CONFIRM))
    [picking] = pickings(place, posted)
    serials = [f"SN-{new_key()}" for _ in range(2)]
    pack(place, picking, posted.lines["1"], goods, [(serial, 1) for serial in serials])
    validate(place, picking)
    [done] = place.erp().deliveries_done(gln, None)
    [line] = done.advice.lines
    assert line.quantity == 2
    assert sorted(one.serials for one in line.batches) == sorted((serial,) for serial in serials)


def pack(place: Place, picking: int, line: int, goods: Goods, lots: list[tuple[str, int]]) -> None:
    """Replace the move lines of an order line by one per lot."""
    [move] = place.search("stock.move", ["sale_line_id", "=", line])
    old = place.read("stock.move", move, "move_line_ids")["move_line_ids"]
    ids = [place.create("stock.lot", name=name, product_id=goods.id, company_id=place.company) for name, _ in lots]
    new = [
        (0, 0, {"picking_id": picking, "product_id": goods.id, "quantity": quantity, "lot_id": lot, "picked": True})
        for lot, (_, quantity) in zip(ids, lots, strict=True)
    ]
    place.admin.call("stock.move", "write", [move], {"move_line_ids": [*((2, key, 0) for key in old), *new]})


def test_the_ordered_quantity_is_in_the_unit_of_the_delivered_one(place: Place) -> None:
    """Ordered in grams, kept and delivered in kilograms."""
    _, gln = place.partner()
    kilogram = place.unit("product_uom_kgm")
    more = {"uom_po_id": kilogram} if place.admin.has("product.product", "uom_po_id") else {}
    goods = place.product(uom_id=kilogram, **more)
    posted = order(place, new_order(gln, new_line(goods, "1", "2500", unit="GRM", price="0.01"), policy=CONFIRM))
    validate(place, *pickings(place, posted))
    [done] = place.erp().deliveries_done(gln, None)
    [line] = done.advice.lines
    in_kilograms, in_grams = (Decimal("2.5"), "KGM"), (Decimal(2500), "GRM")
    assert (line.quantity, line.unit) in (in_kilograms, in_grams)
    assert line.ordered_quantity == line.quantity


def test_only_what_is_done_comes_back(place: Place) -> None:
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product()), policy=CONFIRM))
    assert place.erp().deliveries_done(gln, None) == []
    validate(place, *pickings(place, posted))
    assert len(place.erp().deliveries_done(gln, None)) == 1


def test_the_deliveries_of_another_customer_do_not_come_back(place: Place) -> None:
    _, gln = place.partner()
    _, other = place.partner()
    goods = place.product()
    posted = [order(place, new_order(number, new_line(goods), policy=CONFIRM)) for number in (gln, other)]
    for answer in posted:
        validate(place, *pickings(place, answer))
    [done] = place.erp().deliveries_done(gln, None)
    assert done.record_id in pickings(place, posted[0])


def test_orders_of_a_place_below_the_customer_come_back_too(place: Place) -> None:
    """A shop orders under its own number; the advice goes to the customer it belongs to."""
    buyer, gln = place.partner()
    _, shop_gln = place.partner(parent_id=buyer, type="other", is_company=False)
    posted = order(place, new_order(shop_gln, new_line(place.product()), policy=CONFIRM))
    validate(place, *pickings(place, posted))
    [done] = place.erp().deliveries_done(gln, None)
    assert done.advice.buyer is not None
    assert done.advice.buyer.gln == shop_gln
    assert place.erp().deliveries_done(shop_gln, None) == [done]


def test_what_changed_before_the_watermark_does_not_come_back(place: Place) -> None:
    _, gln = place.partner()
    posted = order(place, new_order(gln, new_line(place.product()), policy=CONFIRM))
    validate(place, *pickings(place, posted))
    [done] = place.erp().deliveries_done(gln, None)
    assert place.erp().deliveries_done(gln, done.changed_at) == [done]  # at the watermark: again, to lose none
    assert place.erp().deliveries_done(gln, done.changed_at + timedelta(seconds=1)) == []
    assert place.erp().deliveries_done(gln, done.changed_at.astimezone(None)) == [done]


def test_they_come_back_in_the_order_in_which_they_changed(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    posted = [order(place, new_order(gln, new_line(goods), policy=CONFIRM)) for _ in range(3)]
    for answer in (posted[2], posted[0], posted[1]):
        validate(place, *pickings(place, answer))
    found = place.erp().deliveries_done(gln, None)
    assert [done.changed_at for done in found] == sorted(done.changed_at for done in found)
    assert {done.record_id for done in found} == {key for answer in posted for key in pickings(place, answer)}


def test_an_order_somebody_typed_in_is_advised_without_our_line_numbers(place: Place) -> None:
    partner, gln = place.partner()
    goods = place.product()
    typed = place.create(
        "sale.order",
        partner_id=partner,
        client_order_ref="By telephone",
        order_line=[(0, 0, {"product_id": goods.id, "product_uom_qty": 2})],
    )
    place.admin.call("sale.order", "action_confirm", [typed])
    validate(place, *place.search("stock.picking", ["sale_id", "=", typed]))
    [done] = place.erp().deliveries_done(gln, None)
    assert done.order_numbers == ("By telephone",)
    [line] = done.advice.lines
    assert (line.gtin, line.order_line, line.ordered_quantity) == (goods.gtin, None, 2)


def test_an_unknown_customer_is_an_error_of_the_configuration(place: Place) -> None:
    with pytest.raises(ErpError) as caught:
        place.erp().deliveries_done(new_gs1(13), None)
    assert caught.value.permanent
    assert caught.value.name == "erp.partner-unknown"


def test_people_see_orders_and_let_deliveries_leave(place: Place) -> None:
    """The functions behind the demo's commands work against any Odoo."""
    _, gln = place.partner()
    item = new_order(gln, new_line(place.product()), policy=CONFIRM)
    posted = order(place, item)
    session = place.session()
    [seen] = [row for row in warehouse.orders(session) if row.record_id == posted.record_id]
    assert (seen.name, seen.reference, seen.state, seen.lines) == (posted.record_name, item.order.number, "sale", 1)
    assert seen.total >= 12.5  # a real Odoo may add taxes
    [name] = warehouse.validate_delivery(session, item.order.number, sscc_prefix="9521141")
    assert name == seen.deliveries[0][0]
    [done] = place.erp().deliveries_done(gln, None)
    [packed] = done.advice.packages
    assert packed.sscc[0].startswith("39521141")
    with pytest.raises(ErpError, match="no open delivery"):
        warehouse.validate_delivery(session, item.order.number)
