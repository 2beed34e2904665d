"""The contract of the port `Erp`: partners, articles, units and prices match exactly or are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from erp_places import Place, new_gs1, new_key, new_line, new_order

from edi_server.canonical import Delivery, OrderLine, Party, When
from edi_server.erp.port import Posted, PostingPolicy, Refused


def post(place: Place, gln: str, *lines: OrderLine, **more: Any) -> Posted | Refused:
    [answer] = place.erp().post_orders([new_order(gln, *lines, **more)])
    return answer


def posted(place: Place, gln: str, *lines: OrderLine, **more: Any) -> Posted:
    answer = post(place, gln, *lines, **more)
    assert isinstance(answer, Posted), answer
    return answer


def refused(place: Place, gln: str, *lines: OrderLine, **more: Any) -> list[tuple[str, str | None]]:
    """Codes and fields of the findings."""
    answer = post(place, gln, *lines, **more)
    assert isinstance(answer, Refused), answer
    return [(finding.code, finding.place.field) for finding in answer.findings if finding.severity == "error"]


@pytest.mark.parametrize("field", ["ref", "barcode", "global_location_number"])
def test_a_partner_is_found_by_its_gln_wherever_odoo_keeps_it(place: Place, field: str) -> None:
    if not place.admin.has("res.partner", field):
        pytest.skip(f"Odoo {place.version} has no field {field}")
    gln = new_gs1(13)
    partner, _ = place.partner(**{"ref": False, field: gln})
    answer = posted(place, gln, new_line(place.product()))
    assert place.read("sale.order", answer.record_id, "partner_id")["partner_id"][0] == partner


def test_a_gln_that_stands_in_two_fields_of_one_partner_is_one_partner(place: Place) -> None:
    gln = new_gs1(13)
    place.partner(ref=gln, barcode=gln)
    posted(place, gln, new_line(place.product()))


def test_a_partner_without_a_gln_is_found_by_our_reference(place: Place) -> None:
    partner, _ = place.partner(ref=new_key())
    code = place.read("res.partner", partner, "ref")["ref"]
    answer = posted(place, "", new_line(place.product()), buyer=Party(code=code, code_list="91"))
    assert place.read("sale.order", answer.record_id, "partner_id")["partner_id"][0] == partner


def test_two_partners_with_one_gln_are_ambiguous(place: Place) -> None:
    _, gln = place.partner()
    place.partner(ref=gln)
    assert refused(place, gln, new_line(place.product())) == [("erp.partner-ambiguous", "buyer.gln")]


def test_an_archived_partner_is_said_to_be_archived(place: Place) -> None:
    _, gln = place.partner(active=False)
    assert refused(place, gln, new_line(place.product())) == [("erp.partner-archived", "buyer.gln")]


def test_an_archived_partner_does_not_hide_the_active_one(place: Place) -> None:
    _, gln = place.partner(active=False)
    partner, _ = place.partner(ref=gln)
    answer = posted(place, gln, new_line(place.product()))
    assert place.read("sale.order", answer.record_id, "partner_id")["partner_id"][0] == partner


def test_an_unknown_place_of_delivery_or_invoicing_is_refused(place: Place) -> None:
    _, gln = place.partner()
    parties = {"ship_to": Party(gln=new_gs1(13)), "invoice_to": Party(gln=new_gs1(13))}
    found = refused(place, gln, new_line(place.product()), **parties)
    assert found == [("erp.partner-unknown", "ship_to.gln"), ("erp.partner-unknown", "invoice_to.gln")]


def test_without_a_place_of_delivery_odoo_takes_the_customers_own(place: Place) -> None:
    buyer, gln = place.partner()
    shop, _ = place.partner(parent_id=buyer, type="delivery", is_company=False)
    answer = posted(place, gln, new_line(place.product()))
    assert place.read("sale.order", answer.record_id, "partner_shipping_id")["partner_shipping_id"][0] == shop


@pytest.mark.parametrize(("stored", "written"), [(13, 13), (13, 14), (14, 13), (14, 14), (12, 13), (8, 14)])
def test_a_gtin_is_the_same_article_with_or_without_leading_zeros(place: Place, stored: int, written: int) -> None:
    _, gln = place.partner()
    core = new_gs1(min(stored, written)).lstrip("0")
    goods = place.product(barcode=core.zfill(stored))
    answer = posted(place, gln, new_line(goods, gtin=core.zfill(written)))
    [line] = place.lines(answer.record_id, "product_id")
    assert line["product_id"][0] == goods.id


def test_an_article_is_found_by_our_article_number(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product(barcode=False)
    answer = posted(place, gln, new_line(goods, gtin=None, supplier_sku=goods.code))
    [line] = place.lines(answer.record_id, "product_id")
    assert line["product_id"][0] == goods.id


def test_an_article_without_gtin_in_odoo_is_found_by_our_number_beside_a_gtin(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product(barcode=False)
    posted(place, gln, new_line(goods, gtin=new_gs1(13), supplier_sku=goods.code))


def test_a_gtin_and_an_article_number_of_different_articles_are_refused(place: Place) -> None:
    _, gln = place.partner()
    one, other = place.product(), place.product()
    assert refused(place, gln, new_line(one, supplier_sku=other.code)) == [("erp.product-conflict", "lines[0].gtin")]


def test_an_article_number_whose_article_has_another_gtin_is_refused(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    line = new_line(goods, gtin=new_gs1(13), supplier_sku=goods.code)
    assert refused(place, gln, line) == [("erp.product-conflict", "lines[0].gtin")]


def test_an_article_number_of_two_articles_is_settled_by_the_gtin(place: Place) -> None:
    _, gln = place.partner()
    one = place.product()
    place.product(default_code=one.code)
    assert refused(place, gln, new_line(one, gtin=None, supplier_sku=one.code)) == [
        ("erp.product-ambiguous", "lines[0].supplier_sku")
    ]
    posted(place, gln, new_line(one, supplier_sku=one.code))


def test_an_archived_article_is_refused_until_another_one_takes_its_gtin(place: Place) -> None:
    _, gln = place.partner()
    gone = place.product(active=False)
    assert refused(place, gln, new_line(gone)) == [("erp.product-archived", "lines[0].gtin")]
    new = place.product(barcode=gone.gtin)
    answer = posted(place, gln, new_line(gone))
    [line] = place.lines(answer.record_id, "product_id")
    assert line["product_id"][0] == new.id


def test_an_article_that_is_not_sold_is_refused(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product(sale_ok=False)
    assert refused(place, gln, new_line(goods)) == [("erp.product-not-sold", "lines[0].gtin")]


def test_the_unit_of_a_line_is_kept(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product(uom_id=place.unit("product_uom_kgm"), **uom_po(place, "product_uom_kgm"))
    answer = posted(place, gln, new_line(goods, "1", "500", unit="GRM"), new_line(goods, "2", "3", unit=None))
    lines = place.lines(answer.record_id, place.unit_field)
    units = [line[place.unit_field][0] for line in lines]
    assert units == [place.unit("product_uom_gram"), place.unit("product_uom_kgm")]


def uom_po(place: Place, name: str) -> dict[str, int]:
    """17 wants the unit of purchase to be of the same kind."""
    return {"uom_po_id": place.unit(name)} if place.admin.has("product.product", "uom_po_id") else {}


@pytest.mark.parametrize("unit", ["PCE", "EA", "C62", "H87"])
def test_all_codes_for_pieces_mean_pieces(place: Place, unit: str) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product(), unit=unit))
    [line] = place.lines(answer.record_id, place.unit_field)
    assert line[place.unit_field][0] == place.unit("product_uom_unit")


def test_kilograms_of_an_article_sold_in_pieces_are_refused(place: Place) -> None:
    """Odoo 19 would deliver a thousand."""
    _, gln = place.partner()
    assert refused(place, gln, new_line(place.product(), unit="KGM")) == [("erp.unit-differs", "lines[0].unit")]


def test_a_unit_odoo_does_not_have_is_refused(place: Place) -> None:
    _, gln = place.partner()
    assert refused(place, gln, new_line(place.product(), unit="XZQ")) == [("erp.unit-unknown", "lines[0].unit")]


def test_a_quantity_finer_than_odoo_keeps_is_refused(place: Place) -> None:
    _, gln = place.partner()
    line = new_line(place.product(), quantity="1.2345")
    assert refused(place, gln, line) == [("erp.quantity-too-fine", "lines[0].quantity")]


def test_a_price_for_a_hundred_becomes_the_price_of_one(place: Place) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product(), price="250", price_basis=Decimal(100)))
    [line] = place.lines(answer.record_id, "price_unit", "discount")
    assert (line["price_unit"], line["discount"]) == (2.5, 0)
    assert not answer.findings


def test_a_price_odoo_rounds_is_said(place: Place) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product(), price="9.87654"))
    [line] = place.lines(answer.record_id, "price_unit")
    said = [finding.code for finding in answer.findings]
    assert (line["price_unit"], said) in [(9.88, ["erp.price-rounded"]), (9.87654, [])]


def test_a_price_for_another_unit_is_refused(place: Place) -> None:
    _, gln = place.partner()
    line = new_line(place.product(), price_unit="KGM")
    assert refused(place, gln, line) == [("erp.price-basis", "lines[0].price")]


def test_without_any_price_the_price_list_decides_and_it_is_said(place: Place) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product(list_price=7.5), price=None))
    [line] = place.lines(answer.record_id, "price_unit")
    assert line["price_unit"] == 7.5
    assert [finding.code for finding in answer.findings] == ["erp.price-list"]


def test_the_agreement_can_leave_prices_to_the_price_list(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product(list_price=7.5)
    answer = posted(place, gln, new_line(goods, price="1"), policy=PostingPolicy(keep_prices=False))
    [line] = place.lines(answer.record_id, "price_unit")
    assert line["price_unit"] == 7.5
    assert not answer.findings


def test_a_price_of_nought_is_a_price(place: Place) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product(), price="0"))
    [line] = place.lines(answer.record_id, "price_unit")
    assert line["price_unit"] == 0


def test_prices_on_some_lines_only_are_refused(place: Place) -> None:
    _, gln = place.partner()
    goods = place.product()
    lines = (new_line(goods, "1"), new_line(goods, "2", price=None), new_line(goods, "3", price="-1"))
    assert refused(place, gln, *lines) == [
        ("erp.price-missing", "lines[1].price"),
        ("erp.price-negative", "lines[2].price"),
    ]


def test_the_currency_of_the_price_list_is_taken(place: Place) -> None:
    _, gln = place.partner()
    company = place.read("res.company", place.company, "currency_id")
    answer = posted(place, gln, new_line(place.product()), currency=company["currency_id"][1])
    order = place.read("sale.order", answer.record_id, "currency_id")
    assert order["currency_id"] == company["currency_id"]


@pytest.mark.parametrize(
    ("iso", "stored"),
    [
        ("2026-12-01", "2026-12-01 17:00:00"),  # noon in New York
        ("2026-12-01T08:30", "2026-12-01 13:30:00"),
        ("2026-12-01T08:30+01:00", "2026-12-01 07:30:00"),
    ],
)
def test_the_requested_delivery_is_kept_in_the_zone_of_the_agreement(place: Place, iso: str, stored: str) -> None:
    _, gln = place.partner()
    policy = PostingPolicy(time_zone="America/New_York")
    answer = posted(place, gln, new_line(place.product()), deliver_on=When(iso=iso), policy=policy)
    assert place.read("sale.order", answer.record_id, "commitment_date")["commitment_date"] == stored


def test_a_requested_delivery_on_the_lines_only_is_the_orders(place: Place) -> None:
    _, gln = place.partner()
    goods, day = place.product(), When(iso="2026-12-01")
    answer = posted(place, gln, new_line(goods, "1", deliver_on=day), new_line(goods, "2", deliver_on=day))
    assert place.read("sale.order", answer.record_id, "commitment_date")["commitment_date"] == "2026-12-01 12:00:00"
    assert not answer.findings


@pytest.mark.parametrize("iso", ["2026-12", "2026-W49", "soon", "2026-13-45"])
def test_a_requested_delivery_that_is_no_day_is_said(place: Place, iso: str) -> None:
    _, gln = place.partner()
    answer = posted(place, gln, new_line(place.product()), deliver_on=When(iso=iso))
    assert [finding.code for finding in answer.findings] == ["erp.date-not-kept"]
    assert place.read("sale.order", answer.record_id, "commitment_date")["commitment_date"] is False


def test_several_requested_deliveries_are_said(place: Place) -> None:
    _, gln = place.partner()
    parts = tuple(Delivery(quantity=Decimal(2), deliver_on=When(iso=f"2026-12-0{day}")) for day in (1, 2))
    answer = posted(place, gln, new_line(place.product(), deliveries=parts))
    assert [finding.code for finding in answer.findings] == ["erp.split-delivery"]


def test_text_of_all_kinds_arrives_as_it_is(place: Place) -> None:
    _, gln = place.partner()
    text = 'Łódź "quoted", line\nbreak; 100% 🍎 \\ end\0'
    answer = posted(place, gln, new_line(place.product(), description=text), number="№ 7/Ä <b>&")
    [line] = place.lines(answer.record_id, "name")
    assert line["name"].endswith(text.removesuffix("\0"))
    assert place.read("sale.order", answer.record_id, "client_order_ref")["client_order_ref"] == "№ 7/Ä <b>&"
