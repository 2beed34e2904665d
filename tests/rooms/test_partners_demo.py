"""The demo's partners, company, samples and ERP speak of the same parties and articles."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from edi_server.config import Configuration
from edi_server.erp.sandbox import demo
from edi_server.guides import load_guide
from edi_server.partners import Agreement, Book
from edi_server.samples import SAMPLES
from edi_server.translation.load import load_profile

ROOT = Path(__file__).parents[2]
BOOK = Configuration.load(Path(os.devnull), {"EDI_SERVER_PATHS__PARTNERS": str(ROOT / "partners")}).load_book()


@pytest.fixture(scope="module")
def book() -> Book:
    return BOOK


def check_digit_is_right(number: str) -> bool:
    """GS1: digits weigh 3 and 1 in turn from the right, the check digit weighing 1; the sum is a multiple of ten."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(number))) % 10 == 0


def test_the_partners_are_those_of_the_erp_and_have_valid_glns(book: Book) -> None:
    content = demo.content()
    in_erp = {partner["gln"]: partner["name"] for partner in content["partner"]}
    assert {partner.erp_reference: partner.display_name for partner in book.partners.values()} == in_erp
    assert all(map(check_digit_is_right, in_erp))


def test_the_company_is_that_of_the_erp(book: Book) -> None:
    (company,) = book.companies.values()
    own = demo.content()["company"]
    assert (company.gln, company.display_name) == (own["gln"], own["name"])
    assert [str(identity) for identity in company.identities] == [f"14:{own['gln']}"]
    assert check_digit_is_right(company.gln)


def test_every_partner_has_orders_coming_in_and_despatch_advices_going_out_on_schedule(book: Book) -> None:
    assert sorted(agreement.id for agreement in book.agreements if agreement.direction == "inbound") == [
        "borealis/orders-in",
        "nordmarkt/orders-in",
    ]
    assert sorted(agreement.id for agreement in book.scheduled()) == [
        "borealis/despatch-out",
        "nordmarkt/despatch-out",
    ]


def test_the_partners_differ_and_say_why(book: Book) -> None:
    overrides = {agreement.id: agreement.profile_overrides for agreement in book.agreements}
    assert overrides["nordmarkt/orders-in"] != overrides["borealis/orders-in"]
    assert overrides["nordmarkt/orders-in"]
    assert overrides["borealis/orders-in"]


@pytest.mark.parametrize("agreement", BOOK.agreements, ids=lambda agreement: agreement.id)
def test_each_partners_profile_is_without_problems(agreement: Agreement) -> None:
    profile = load_profile(
        agreement.profile_name,
        overrides=agreement.profile_overrides,
        source=agreement.file,
        lines=agreement.profile_lines,
    )
    assert list(profile.problems) == []
    assert load_guide(version=agreement.versions[0], message=agreement.message)


def test_samples_go_to_mailboxes_of_partners_and_name_parties_and_articles_of_the_erp(book: Book) -> None:
    content = demo.content()
    known = {content["company"]["gln"], *(article["gtin"] for article in content["product"])}
    for partner in content["partner"]:
        known |= {partner["gln"], *(place["gln"] for place in partner["place"])}
    for sample in SAMPLES:
        assert book.partner_of_mailbox(sample.mailbox), sample.name
        numbers = re.findall(r"(?<!\d)952\d{10}(?!\d)", sample.content.decode("latin-1"))
        strangers = {number for number in numbers if number not in known}
        assert strangers == ({"9527777000008"} if sample.file == "unknown-sender.edi" else set())
        assert all(map(check_digit_is_right, numbers))


def test_the_names_of_samples_differ_where_they_are_dropped() -> None:
    assert len({(sample.mailbox, sample.name) for sample in SAMPLES}) == len(SAMPLES)
