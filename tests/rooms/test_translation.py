"""The language at work: each key of a line, in both directions, on small profiles over the real guides."""

from decimal import Decimal

import pytest

from edi_server.canonical import (
    Contact,
    Dated,
    DespatchAdvice,
    DespatchLine,
    Identifier,
    Note,
    Order,
    OrderLine,
    Package,
    PackageCount,
    Party,
    Reference,
    When,
)
from edi_server.findings import Place
from edi_server.guides import check, load_guide
from edi_server.translation import load_profile, translator_for
from edi_server.translation.checks import CHECKS
from edi_server.translation.views import VIEWS

HEAD = 'profile = { document = "Order" }\n'
DTM = '\n[shapes.date]\nis = "Dated"\nkind = "DTM.2005"\nwhen = { at = "DTM", as = "dtm" }\n'


@pytest.fixture
def using(tmp_path):
    """A translator for a profile given as text."""

    def using(text, message="ORDERS", version="D.96A"):
        path = tmp_path / "edifact" / "own.toml"
        path.parent.mkdir(exist_ok=True)
        # Every ORDERS must have a DTM; tests that are about something else need not say so.
        dates = 'issued_on = { at = "DTM[2005=137]", as = "dtm" }\nnumber = "BGM.1004"\n'
        if '"BGM.' not in text and message == "ORDERS" and "DTM" in text:
            text = text.replace("[document]\n", '[document]\nnumber = "BGM.1004"\n', 1)
        text = text if "DTM" in text or message != "ORDERS" else text.replace("[document]\n", f"[document]\n{dates}", 1)
        path.write_text(HEAD + text if "profile =" not in text else text, "utf-8")
        profile = load_profile("edifact/own", roots=[tmp_path])
        return translator_for(profile, load_guide(version=version, message=message))

    return using


def read(translator, *segments):
    message, version = translator.guide.message, translator.guide.version
    whole = [f"UNH+1+{message}:D:{version[2:]}:UN", *segments, f"UNT+{len(segments) + 2}+1"]
    return translator.read(check(translator.guide, whole, released=True).tree)


def codes(findings):
    return [finding.code for finding in findings]


def base(name="edifact/orders", message="ORDERS", version="D.96A"):
    return translator_for(load_profile(name), load_guide(version=version, message=message))


# -- places


def test_one_line_serves_versions_that_put_an_element_elsewhere(using):
    for version in ("D.96A", "D.01B"):
        translator = using(
            '[document]\nnumber = "BGM.1004"\nissued_on = { at = "DTM", as = "dtm" }\n'.replace(
                '"DTM"', '"DTM[2005=137]"'
            ),
            version=version,
        )
        assert read(translator, "BGM+220+4711+9").document.number == "4711"
        assert translator.write(Order(number="4711")).segments == ["BGM++4711", "UNS+S"]


def test_at_reads_the_first_place_with_a_value_and_also_only_then(using):
    translator = using(
        '[document]\ndeliver_on = { at = "DTM[2005=2]", also = ["DTM[2005=64]", "DTM[2005=76]"], as = "dtm" }\n'
    )
    both = read(translator, "BGM", "DTM+64:20260102:102", "DTM+2:20260101:102")
    late = read(translator, "BGM", "DTM+76:20260103:102", "DTM+64:20260102:102")
    assert both.document.deliver_on == When(iso="2026-01-01")
    assert late.document.deliver_on == When(iso="2026-01-02")
    assert translator.write(late.document).segments == ["DTM+2:20260102:102", "UNS+S"]


def test_fields_of_one_place_come_from_one_segment():
    line = read(base(), "BGM", "LIN+1", "QTY+21:5", "QTY+21:7:PCE").document.lines[0]
    assert (line.quantity, line.unit, line.kept) == (Decimal(5), None, ("QTY+21:7:PCE",))


def test_a_composite_is_found_by_its_qualifier_wherever_it_is_repeated():
    line = read(base(), "BGM", "LIN+1", "PIA+1+X:EN+B:IN", "PIA+1+S:SA").document.lines[0]
    assert (line.supplier_sku, line.buyer_sku, line.articles) == ("S", "B", (Identifier(scheme="EN", value="X"),))


def test_repetitions_of_syntax_version_4_are_read_like_repeated_places():
    contact = read(base(), "BGM", "NAD+BY+1::9", "CTA+PD", "COM+a:TE*b:EM*c:XF").document.buyer.contacts[0]
    assert contact == Contact(role="PD", phone="a", email="b", channels=(Identifier(scheme="XF", value="c"),))


def test_summary_tells_the_rows_behind_uns():
    order = read(base(), "BGM", "LIN+1", "MOA+203:5", "UNS+S", "MOA+79:5", "MOA+124:1").document
    assert (order.total, order.lines[0].amount) == (Decimal(5), Decimal(5))
    assert [one.kind for one in order.amounts] == ["124"]


def test_released_characters_come_back_as_text_and_go_out_as_stand_ins():
    order = read(base(), "BGM++1\x0112", "FTX+AAI+++a\x02b\x03c").document
    assert (order.number, order.notes[0].text) == ("1+12", "a:b'c")
    assert base().write(order).segments[:2] == ["BGM+220+1\x0112+9", "FTX+AAI+++a\x02b\x03c"]


# -- records


def test_a_second_record_where_there_can_be_one_is_a_finding_and_kept():
    reading = read(base(), "BGM", "NAD+DP+1::9", "NAD+DP+2::9", "LOC+7+X")
    assert reading.document.ship_to.gln == "1"
    assert reading.document.kept == ("NAD+DP+2::9'LOC+7+X",)
    assert [(one.code, one.place.segment) for one in reading.findings][:1] == [("profile.more-than-one", 4)]


def test_a_record_without_a_value_is_absent_and_its_segments_are_kept():
    order = read(base(), "BGM", "NAD+BY", "NAD+SU").document
    assert (order.buyer, order.supplier, order.kept) == (None, None, ("NAD+BY", "NAD+SU"))


def test_a_record_without_what_makes_it_one_is_kept_as_it_came():
    order = read(base(), "BGM", "FTX+ZZZ+1+001::91", "RFF+CT").document
    assert (order.references, order.notes) == ((), ())
    assert sorted(order.kept) == ["FTX+ZZZ+1+001::91", "RFF+CT"]


def test_items_are_written_in_the_order_of_the_list_and_alternatives_as_the_first():
    order = Order(ship_to=Party(gln="1"), references=(Reference(kind="B", number="2"), Reference(kind="A", number="1")))
    segments = base().write(order).segments
    assert [one for one in segments if one[:3] in ("RFF", "NAD")] == ["RFF+B:2", "RFF+A:1", "NAD+DP+1::9"]


# -- values


def test_a_value_that_the_codec_cannot_read_is_a_finding_with_its_place():
    reading = read(base(), "BGM", "LIN+1", "QTY+21:1O:PCE")
    (finding,) = [one for one in reading.findings if one.code == "profile.value-unreadable"]
    assert finding.place == Place(segment=4, tag="QTY", group="SG25", element=1, component=2, field="quantity")
    assert (finding.severity, finding.found) == ("error", "1O")
    assert finding.sentence == "Quantity '1O' is not a number, so quantity was left out."
    assert reading.document.lines[0].quantity is None


def test_a_date_that_is_not_understood_is_kept_with_a_warning_and_goes_back_as_it_came():
    reading = read(base(), "BGM", "DTM+137:199708301200:102")
    assert reading.document.issued_on == When(iso="199708301200", format="102")
    assert codes(reading.findings)[0] == "profile.date-unknown"
    assert "DTM+137:199708301200:102" in base().write(reading.document).segments


def test_an_unlisted_code_is_a_finding_unless_the_table_is_open(using):
    text = (
        '[codes.unit]\n"ST" = "PCE"\n"EA" = { is = "PCE", read = true }\n'
        '[document]\nlines = { each = "LIN", shape = "line" }\n'
    )
    line = (
        '[shapes.line]\nis = "OrderLine"\nunit = { at = "QTY[6063=21].6411", codes = "unit"%s }\n'
        'quantity = { at = "QTY[6063=21].6060", as = "decimal" }\n'
    )
    closed, opened = using(text + line % ""), None
    reading = read(closed, "BGM", "LIN+1", "QTY+21:1:EA", "LIN+2", "QTY+21:1:KG")
    assert [one.unit for one in reading.document.lines] == ["PCE", None]
    assert [(one.code, one.found, one.expected) for one in reading.findings] == [
        ("profile.code-unlisted", "KG", "EA, ST")
    ]
    opened = using(text + line % ", open = true")
    document = read(opened, "BGM", "LIN+1", "QTY+21:1:EA", "LIN+2", "QTY+21:1:KG").document
    assert [one.unit for one in document.lines] == ["PCE", "KG"]
    assert [one for one in opened.write(document).segments if one[:3] == "QTY"] == ["QTY+21:1:ST", "QTY+21:1:KG"]
    # "EA" would be read as PCE, so it cannot be written as itself.
    written = opened.write(Order(lines=(OrderLine(unit="EA", quantity=Decimal(1)),)))
    assert codes(written.findings) == ["profile.code-missing"]
    assert codes(closed.write(document).findings) == ["profile.code-missing"]


def test_a_default_is_filled_in_and_always_written():
    assert read(base(), "BGM++1").document.kind == "standard"
    assert base().write(Order(number="1")).segments[0] == "BGM+220+1+9"


def test_when_tests_fields_of_the_document(using):
    text = (
        '[codes.kind]\n"220" = "standard"\n"224" = "rush"\n[document]\n'
        'kind = { at = "BGM.1001", codes = "kind", default = "standard" }\n'
        'deliver_on = { at = "DTM[2005=2]", as = "dtm", when = { kind = "rush" } }\n'
    )
    translator = using(text)
    date = When(iso="2026-01-01")
    assert read(translator, "BGM+224", "DTM+2:20260101:102").document.deliver_on == date
    assert read(translator, "BGM+220", "DTM+2:20260101:102").document.deliver_on is None
    assert "DTM+2:20260101:102" in translator.write(Order(kind="rush", deliver_on=date)).segments
    refused = translator.write(Order(deliver_on=date))
    assert refused.segments == ["BGM+220", "UNS+S"]
    assert codes(refused.findings) == ["profile.value-unsayable"]


def test_lines_may_be_off_or_differ_in_one_direction(using):
    text = (
        '[document]\ntitle = { at = "BGM.1000", write = false }\nanswer = { at = "BGM.4343", read = false }\n'
        'ship_to = { within = "NAD[3035=DP]", shape = "party", write = { from = "effective_ship_to" } }\n'
        'issued_on = { at = "DTM[2005=137]", as = "dtm" }\n[shapes.party]\nis = "Party"\ngln = "NAD.C082.3039"\n'
    )
    translator = using(text)
    order = read(translator, "BGM+:::ours+1+9+AB").document
    assert (order.title, order.answer) == ("ours", None)
    segments = translator.write(Order(title="ours", answer="NA", buyer=Party(gln="7"))).segments
    assert segments == ["BGM++++NA", "NAD+DP+7", "UNS+S"]
    directions = {one.key: one.direction for one in translator.explain()}
    assert directions["document.title"] == "read"
    assert directions["document.ship_to"] != "both"
    assert directions["document.issued_on"] == "both"


def test_constants_are_written_and_compared(using):
    text = (
        '[constants]\n"!BGM.C002.1001" = "351"\n"CUX.C504[6347=2].6343" = "9"\n'
        '[document]\ncurrency = "CUX.C504[6347=2].6345"\n'
    )
    translator = using(text)
    assert translator.write(Order(number="1", currency="EUR")).segments == ["BGM+351+1", "CUX+2:EUR:9", "UNS+S"]
    assert translator.write(Order()).segments == ["BGM+351", "UNS+S"]
    reading = read(translator, "BGM+220+1", "CUX+2:EUR:4")
    assert [(one.code, one.found, one.expected) for one in reading.findings] == [
        ("profile.constant-differs", "220", "351"),
        ("profile.constant-differs", "4", "9"),
    ]
    missing = read(translator, "BGM++1").findings
    assert [(one.code, one.found) for one in missing] == [("profile.constant-differs", None)]


def test_computed_places_are_written_and_compared():
    order = Order(lines=(OrderLine(number="1"), OrderLine(number="2"), OrderLine()))
    assert "CNT+2:2" in base().write(order).segments, "a line that says nothing is not written, so it does not count"
    findings = read(base(), "BGM", "LIN+1", "UNS+S", "CNT+2:7").findings
    (finding,) = [one for one in findings if one.code == "profile.computed-differs"]
    assert (finding.found, finding.expected, finding.place.segment) == ("7", "1", 5)


# -- texts


def test_texts_are_split_at_their_lines_and_wrapped_at_blanks_but_never_cut():
    text = "first line\n" + "word " * 20 + "end\nlast"
    translator = base()
    written = translator.write(Order(notes=(Note(text=text),)))
    (segment,) = [one for one in written.segments if one.startswith("FTX")]
    pieces = segment.split("+")[4].split(":")
    assert pieces[0] == "first line"
    assert all(len(piece) <= 70 for piece in pieces)
    assert " ".join(pieces).split() == text.split()
    assert translator.normal(Order(notes=(Note(text=text),))).notes[0].text == "\n".join(pieces)


def test_a_text_without_room_is_a_finding_and_not_written():
    written = base().write(Order(number="x" * 36, notes=(Note(text="1\n2\n3\n4\n5\n6\n7"),)))
    assert [one for one in written.segments if one[:3] == "FTX"] == []
    assert written.segments[0] == "BGM+220++9"
    found = {one.place.field: (one.code, one.expected) for one in written.findings if one.code.startswith("profile.")}
    assert found["number"] == ("profile.text-too-long", "at most 35 characters")
    assert found["notes[0].text"][0] in ("profile.text-too-long", "profile.incomplete")


def test_a_long_description_goes_through_several_segments_and_comes_back():
    text = "\n".join(f"line {number}" for number in range(7))
    order = Order(lines=(OrderLine(number="1", description=text),))
    segments = base().write(order).segments
    described = [one for one in segments if one[:3] == "IMD"]
    assert (described[0], len(described)) == ("IMD+F++:::line 0:line 1", 4)
    assert read(base(), *segments).document.lines[0].description == text


def test_control_characters_become_blanks():
    assert base().write(Order(number="a\nb\x02c")).segments[0] == "BGM+220+a b c+9"


def test_width_narrows_what_the_guide_allows(using):
    text = (
        '[document]\nnotes = { each = "FTX", shape = "note" }\n'
        '[shapes.note]\nis = "Note"\nsubject = "FTX.4451"\ntext = { at = "FTX.C108.4440*", join = "", width = 4 }\n'
    )
    translator = using(text)
    segments = translator.write(Order(notes=(Note(subject="AAI", text="abcdefghij"),))).segments
    assert segments == ["FTX+AAI+++abcd:efgh:ij", "UNS+S"]
    assert read(translator, *segments).document.notes[0].text == "abcdefghij"


# -- what cannot be said


@pytest.mark.parametrize(
    ("order", "code", "field"),
    [
        (Order(dates=(Dated(kind="137", when=When(iso="2026-01-01")),)), "profile.misfiled", "dates[0]"),
        (Order(buyer=Party(gln="1", code="2")), "profile.place-taken", "buyer.code"),
        (Order(issued_on=When(iso="2026-01-01T10:00+05:30")), "profile.value-unsayable", "issued_on"),
        (Order(total=Decimal("NaN")), "profile.value-unsayable", "total"),
        (Order(references=(Reference(kind="ON", number=""),)), "profile.incomplete", "references[0].number"),
        (Order(kept=("ZZZ+1",)), "profile.no-place", "kept"),
        (Order(buyer=Party(gln="1", kept=("@RFF[1153=VA] DTM+1",))), "profile.no-place", "buyer.kept"),
    ],
)
def test_what_cannot_be_said_is_a_finding_with_its_field(order, code, field):
    found = [(one.code, one.place.field) for one in base().write(order).findings]
    assert (code, field) in found


# -- keeping


def test_unread_segments_stay_with_their_record_and_go_back_to_their_place():
    segments = [
        "BGM+220+1+9",
        "DTM+137:20260101:102",
        "ALI+++1",
        "NAD+BY+1::9",
        "LOC+7+X",
        "TAX+7+VAT",
        "MOA+124:5",
        "LIN+1++5:EN",
        "QTY+21:5",
        "PRI+AAA:1",
        "RNG+4+PCE:1:9",
        "ALC+A",
        "PCD+3:5",
        "UNS+S",
        "CNT+2:1",
        "ALC+C",
        "MOA+8:1",
    ]
    order = read(base(), *segments).document
    assert order.kept == ("ALI+++1", "TAX+7+VAT'MOA+124:5", "@summary ALC+C'MOA+8:1")
    assert order.buyer.kept == ("LOC+7+X",)
    assert order.lines[0].kept == ("@PRI[5125=AAA] RNG+4+PCE:1:9", "ALC+A'PCD+3:5")
    assert base().write(order).segments == segments


def test_without_keep_nothing_is_kept_and_it_is_told(using):
    translator = using('[document]\nnumber = "BGM.1004"\nissued_on = { at = "DTM[2005=137]", as = "dtm" }\n')
    tree = check(translator.guide, ["UNH+1+ORDERS:D:96A:UN", "BGM+220+1+9", "ALI+++1", "UNT+4+1"], released=False).tree
    assert translator.read(tree).document == Order(number="1")
    coverage = translator.not_carried(tree)
    assert (coverage.filled, coverage.read, coverage.kept, coverage.unread) == (4, 1, 0, 3)
    assert [(one.place.tag, one.element, one.text) for one in coverage.not_carried] == [
        ("BGM", "1001", "220"),
        ("BGM", "1225", "9"),
        ("ALI", "4183", "1"),
    ]


# -- packing levels


SHIPMENT = (
    "BGM+351+D1+9",
    "CPS+1",
    "PAC+2++201",
    "CPS+2+1",
    "PAC+1++201",
    "PCI+33E",
    "GIN+BJ+395211410000000015",
    "PAC+20++CT",
    "LIN+1++5:EN",
    "QTY+12:4",
    "CPS+3+2",
    "PAC+4++BX",
    "LIN+2++6:EN",
    "QTY+12:1",
    "CNT+2:2",
)


def test_packing_levels_become_packages_inside_packages():
    advice = read(base("edifact/desadv", "DESADV"), *SHIPMENT).document
    assert advice.packing == (PackageCount(kind="201", count=Decimal(2)),)
    (pallet,) = advice.packages
    assert (pallet.kind, pallet.sscc) == ("201", ("395211410000000015",))
    assert [(one.kind, one.count) for one in pallet.packages] == [("CT", 20), ("BX", 4)]
    assert [line.gtin for line in pallet.lines + pallet.packages[1].lines] == ["5", "6"]
    assert base("edifact/desadv", "DESADV").write(advice).segments == list(SHIPMENT)


def test_levels_without_a_shipment_around_them_stay_packages():
    segments = ("BGM+351+D1", "CPS+1", "PAC+1++CT", "LIN+1++5:EN", "CPS+2", "PAC+1++CT", "LIN+2++6:EN")
    advice = read(base("edifact/desadv", "DESADV"), *segments).document
    assert [package.lines[0].gtin for package in advice.packages] == ["5", "6"]


def test_a_package_that_is_its_own_parent_is_still_read():
    advice = read(base("edifact/desadv", "DESADV"), "BGM+351+D1", "CPS+1+1", "LIN+1++5:EN").document
    assert [line.gtin for line in advice.lines] == ["5"]


def test_very_deep_packages_are_written_and_read():
    package = Package(kind="CT", lines=(DespatchLine(gtin="5"),))
    for _ in range(40):
        package = Package(kind="CT", packages=(package,))
    translator = base("edifact/desadv", "DESADV")
    advice = DespatchAdvice(number="1", packages=(package,))
    written = translator.write(advice)
    assert "CPS+42+41" in written.segments
    assert read(translator, *written.segments).document == advice


def test_views_lose_nothing():
    view = VIEWS["packing-levels"]
    advice = DespatchAdvice(
        packing=(PackageCount(kind="CT", kept=("QTY+52:1",)),),
        packing_level="5",
        notes=(Note(text="x"),),
        kept=("@CPS QVR+1", "MOA+1:2"),
        packages=(
            Package(kind="201", kept=("@PAC QTY+52:1", "FTX+A"), packages=(Package(kind="CT"), Package(level="1"))),
        ),
    )
    back = view.to_document(view.to_arrangement(advice))
    assert back.packages[0].packages == advice.packages[0].packages
    assert sorted(back.kept) == sorted(advice.kept)
    assert sorted(back.packages[0].kept) == sorted(advice.packages[0].kept)
    assert (back.packing, back.packing_level, back.notes) == (advice.packing, "5", advice.notes)


# -- checks of business sense


LINE = OrderLine(number="1", gtin="5", quantity=Decimal(1), amount=Decimal("10.00"))
BREACHES = [
    ("has_a_number", Order(), "number"),
    ("has_lines", Order(), "lines"),
    ("line_has_an_article", Order(lines=(LINE, OrderLine(number="2"))), "lines[1]"),
    ("line_has_a_quantity", Order(lines=(OrderLine(quantity=Decimal(0)),)), "lines[0].quantity"),
    ("line_has_a_quantity", Order(lines=(OrderLine(quantity=Decimal("NaN")),)), "lines[0].quantity"),
    ("line_numbers_differ", Order(lines=(LINE, LINE)), "lines[1].number"),
    ("total_agrees", Order(lines=(LINE,), total=Decimal("10.02")), "total"),
    ("sscc_is_unique", DespatchAdvice(packages=(Package(sscc=("1",)), Package(sscc=("1",)))), "packages[1].sscc"),
    (
        "line_has_an_article",
        DespatchAdvice(packages=(Package(packages=(Package(lines=(DespatchLine(),)),)),)),
        "packages[0].packages[0].lines[0]",
    ),
]


@pytest.mark.parametrize(("name", "document", "field"), BREACHES)
def test_a_check_names_the_field_of_its_breach(name, document, field):
    (finding,) = CHECKS[name].findings(document)
    assert (finding.code, finding.place.field) == (CHECKS[name].code, field)
    assert finding.code.startswith("business.")


@pytest.mark.parametrize("name", ["line_has_an_article", "line_has_a_quantity", "line_numbers_differ", "total_agrees"])
def test_a_check_says_nothing_where_all_is_well(name):
    good = Order(number="1", lines=(LINE,), total=Decimal("10.01"))
    assert CHECKS[name].findings(good) == []


def test_the_total_is_not_judged_where_a_line_states_no_amount():
    assert CHECKS["total_agrees"].findings(Order(total=Decimal(5), lines=(LINE, OrderLine(number="2")))) == []


def test_checks_of_the_profile_run_on_reading_and_writing():
    assert "business.lines-missing" in codes(read(base(), "BGM+220+1").findings)
    assert "business.lines-missing" in codes(base().write(Order(number="1")).findings)
