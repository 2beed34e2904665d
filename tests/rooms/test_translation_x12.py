"""What the language has for X12: elements by position, runs of elements, implied decimals, dates in several elements."""

from decimal import Decimal

import pytest

from edi_server.canonical import Identifier, Order, OrderLine, Party, When
from edi_server.findings import Place
from edi_server.guides import check, known_guides, load_guide
from edi_server.translation import Translator, check_profile, load_profile
from edi_server.translation.codecs import CODECS, Unreadable, Unsayable
from edi_server.translation.paths import PathError, parse_path
from edi_server.translation.x12_dates import read_x12, write_x12
from edi_server.translation.x12_runs import fold, fold_guide, real_place, unfold

GUIDE = load_guide(syntax="x12", version="004010", message="850")


def small(tmp_path, lines):
    """A profile of its own over 850."""
    (tmp_path / "x12").mkdir(exist_ok=True)
    (tmp_path / "x12" / "small.toml").write_text('profile = { document = "Order" }\nkeep = true\n' + lines)
    return load_profile("x12/small", roots=[tmp_path])


def tree_of(*segments):
    whole = ["ST+850+0001", *segments, f"SE+{len(segments) + 2}+0001"]
    return check(GUIDE, whole, released=any(mark in one for one in segments for mark in "\x01\x02\x03\x05")).tree


HEAD = """
[document]
number = "BEG.03"
kind = { at = "BEG.02", codes = "kind", default = "standard" }
function = { at = "BEG.01", codes = "function", default = "original" }
issued_on = { at = "BEG.05", as = "date8" }
[codes.kind]
SA = "standard"
[codes.function]
"00" = "original"
[computed]
"CTT.01" = "count(lines)"
"""
LINES = """
[document.lines]
each = "PO1"
shape = "line"
[shapes.line]
is = "OrderLine"
quantity = { at = "PO1.02", as = "decimal" }
gtin = "PO1.(06,07)[UP|EN]"
buyer_sku = "PO1.(06,07)[IN]"
"""


# -- paths


@pytest.mark.parametrize(
    ("text", "tags", "conditions", "element"),
    [
        ("N1.02", ["N1"], [], "02"),
        ("DTM[01=002|010].02", ["DTM"], ["[01=002|010]"], "02"),
        ("MEA.04-1", ["MEA"], [], "04-1"),
        ("CTT / AMT[01=TT].02", ["CTT", "AMT"], [], "02"),
    ],
)
def test_elements_of_x12_are_named_by_position(text, tags, conditions, element):
    path = parse_path(text)
    assert [step.tag for step in path.steps] == tags
    assert [str(one) for one in path.steps[0].conditions] == conditions
    assert path.leaf.element == element


def test_a_run_is_named_by_the_positions_of_its_first_repetition():
    leaf = parse_path("PO1.(06,07)[UP|EN]").leaf
    assert (leaf.composite.tag, leaf.element, leaf.every) == ("(06,07)", "07", False)
    assert [str(one) for one in leaf.composite.conditions] == ["[06=UP|EN]"]
    assert parse_path("PO1.(06,07)[06!=UP].06").leaf.element == "06"
    assert parse_path("N3.(01,02)*").leaf.every
    assert parse_path("SDQ / (03,04)").steps[1].is_composite


@pytest.mark.parametrize("text", ["PO1.(06,08)", "PO1.(06)", "PO1.()", "N.01", "PO1.1", "(06,07", "MEA.04-"])
def test_what_names_no_place_of_x12_says_why(text):
    with pytest.raises(PathError, match=r".+"):
        parse_path(text)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('title = "BEG.99"', "has no element 99"),
        ('title = "BEG.1004"', "has no data element 1004"),
        ('title = "MEA.04-19"', "MEA of 004010 has no 04-19"),
        ('title = "BEG.(03,04)[X].05"', "has no data element 05"),
        ('total = { at = "SAC.05", as = "decimal" }', "write as = 'n2'"),
        ('total = { at = "CTT / AMT.02", as = "n2" }', "write as = 'decimal'"),
    ],
)
def test_a_place_that_x12_does_not_have_is_an_author_error(tmp_path, line, sentence):
    profile = small(tmp_path, HEAD.replace("[codes.kind]", f"{line}\n[codes.kind]") + LINES)
    assert any(sentence in problem.sentence for problem in check_profile(profile, [GUIDE])), check_profile(
        profile, [GUIDE]
    )


@pytest.mark.parametrize("message", ["850", "856", "810"])
def test_the_profiles_fit_every_version_that_we_know(message):
    profile = load_profile(f"x12/{message}")
    versions = known_guides("x12")[message]
    assert len(versions) > 2
    assert check_profile(profile, [load_guide(syntax="x12", version=one, message=message) for one in versions]) == []


def test_edifact_has_no_positions(tmp_path):
    (tmp_path / "edifact").mkdir()
    (tmp_path / "edifact" / "odd.toml").write_text('profile = { document = "Order" }\n[document]\nnumber = "BGM.02"\n')
    problems = check_profile(
        load_profile("edifact/odd", roots=[tmp_path]), [load_guide(version="D.96A", message="ORDERS")]
    )
    assert any("BGM of D.96A has no element 02" in problem.sentence for problem in problems)


# -- runs


def folded():
    return fold_guide(GUIDE, load_profile("x12/850"))


@pytest.mark.parametrize(
    ("segment", "seen"),
    [
        ("PO1+1+10+EA+5++UP+123+VN+A", "PO1+1+10+EA+5++UP:123+VN:A"),
        ("PO1+1+10+EA+5+++123+VN", "PO1+1+10+EA+5++:123+VN"),
        ("SDQ+EA+92+0042+60+0043+40", "SDQ+EA+92+0042:60+0043:40"),
        ("SDQ+EA+92+0042+60+++++++++++++++++++LOC", "SDQ+EA+92+0042:60++++++++++LOC"),
        ("CUR+BY+USD+1.5+SE+EUR+NYS", "CUR+BY+USD+1.5+SE:EUR+NYS"),
        ("N1+BY+Name", "N1+BY+Name"),
        ("REF+DP+0042", "REF+DP+0042"),
    ],
)
def test_runs_are_seen_as_composites_and_written_as_elements(segment, seen):
    assert fold(folded(), segment) == seen
    assert unfold(folded(), seen) == segment


def test_a_component_or_repetition_inside_a_run_is_text():
    there = Translator(load_profile("x12/850"), GUIDE)
    line = there.read(tree_of("BEG+00+SA+1++20261123", "PO1+1+1+EA+++UP+1:2*3")).document.lines[0]
    assert line.gtin == "1:2*3"


def test_a_place_is_named_as_it_stands_in_the_message():
    guide = folded()
    assert real_place(guide, Place(tag="PO1", element=7, component=2)) == Place(tag="PO1", element=9)
    assert real_place(guide, Place(tag="SDQ", element=13)) == Place(tag="SDQ", element=23)
    assert real_place(guide, Place(tag="BEG", element=3)) == Place(tag="BEG", element=3)


def test_what_is_lost_of_a_run_is_told_with_its_own_element(tmp_path):
    there = Translator(small(tmp_path, HEAD + LINES), GUIDE)
    tree = tree_of("BEG+00+SA+1++20261123", "PO1+1+10+EA+5++VN+A+UP+123")
    assert there.read(tree).document.lines == (OrderLine(gtin="123", quantity=Decimal(10)),)
    lost = [(one.place.element, one.text) for one in there.not_carried(tree).not_carried if one.place.tag == "PO1"]
    assert lost == [(1, "1"), (3, "EA"), (4, "5"), (6, "VN"), (7, "A")]
    assert there.read_all(tree)[1] == there.not_carried(tree)


def test_pairs_are_written_side_by_side_in_the_order_of_the_lines(tmp_path):
    there = Translator(small(tmp_path, HEAD + LINES), GUIDE)
    order = Order(number="1", lines=(OrderLine(quantity=Decimal(2), buyer_sku="B", gtin="123"),))
    assert there.write(order).segments == ["BEG+00+SA+1", "PO1++2++++UP+123+IN+B", "CTT+1"]


def test_kept_segments_are_kept_as_they_stand_in_the_message():
    there = Translator(load_profile("x12/850"), GUIDE)
    tree = tree_of("BEG+00+SA+1++20261123", "N1+BY+A+92+1", "N1+BY+B+92+2", "PER+OC+X+TE+1+EM+2", "PO1+1+1+EA+++UP+1")
    reading = there.read(tree)
    assert reading.document.kept == ("N1+BY+B+92+2'PER+OC+X+TE+1+EM+2",)
    assert [finding.code for finding in reading.findings] == ["profile.more-than-one"]
    written = there.write(reading.document)
    assert not written.findings
    assert [one for one in written.segments if one.startswith(("N1", "PER"))] == [
        "N1+BY+A+92+1",
        "N1+BY+B+92+2",
        "PER+OC+X+TE+1+EM+2",
    ]


def test_a_finding_about_a_run_names_the_element():
    there = Translator(load_profile("x12/850"), GUIDE)
    line = OrderLine(number="1", quantity=Decimal(1), unit="EA", articles=(Identifier(scheme="SK", value="x" * 60),))
    [finding] = [
        one for one in there.write(Order(number="1", lines=(line,))).findings if one.code == "profile.text-too-long"
    ]
    assert (finding.place.tag, finding.place.element, finding.place.component) == ("PO1", 6, None)


# -- what documents mean


def article(*pairs):
    there = Translator(load_profile("x12/850"), GUIDE)
    text = "+".join(pairs)
    return there.read(tree_of("BEG+00+SA+1++20261123", f"PO1+1+1+EA+++{text}")).document.lines[0]


@pytest.mark.parametrize(
    ("pairs", "gtin", "supplier", "buyer", "others"),
    [
        (("UP", "1", "VN", "2", "IN", "3"), "1", "2", "3", ()),
        (("EN", "1", "VP", "2", "BP", "3"), "1", "2", "3", ()),
        (("UK", "1", "UP", "2"), "2", None, None, ("UK",)),
        (("UK", "1", "EN", "2"), "1", None, None, ("EN",)),
        (("SK", "1", "IN", "2", "MG", "3"), None, None, "2", ("SK", "MG")),
        (("VP", "1", "VN", "2"), None, "2", None, ("VP",)),
        (("CB", "1"), None, None, "1", ()),
    ],
)
def test_numbers_of_an_article_are_told_by_their_qualifiers(pairs, gtin, supplier, buyer, others):
    line = article(*pairs)
    assert (line.gtin, line.supplier_sku, line.buyer_sku) == (gtin, supplier, buyer)
    assert tuple(one.scheme for one in line.articles) == others


@pytest.mark.parametrize(
    ("gtin", "qualifier"),
    [("952114101001", "UP"), ("9521141010037", "EN"), ("19521141010096", "UK"), ("95211419", "EO"), ("LF-10010", "UP")],
)
def test_a_gtin_is_written_by_its_length(gtin, qualifier):
    there = Translator(load_profile("x12/850"), GUIDE)
    order = Order(number="1", lines=(OrderLine(number="1", quantity=Decimal(1), unit="EA", gtin=gtin),))
    assert f"PO1+1+1+EA+++{qualifier}+{gtin}" in there.write(order).segments


def test_names_and_streets_go_through_as_many_segments_as_they_need():
    there = Translator(load_profile("x12/850"), GUIDE)
    buyer = Party(gln="9521234000006", name="A\nB\nC\nD", street="1\n2\n3")
    segments = there.write(Order(number="1", buyer=buyer)).segments
    assert segments[1:6] == ["N1+BY+A+UL+9521234000006", "N2+B+C", "N2+D", "N3+1+2", "N3+3"]
    assert there.read(tree_of(*segments)).document.buyer == buyer


# -- codecs


@pytest.mark.parametrize(("text", "value"), [("1234", "12.34"), ("-5", "-0.05"), ("100", "1.00"), ("0", "0.00")])
def test_two_decimals_are_implied(text, value):
    codec = CODECS["n2"]
    assert codec.read(text) == Decimal(value)
    assert codec.write(Decimal(value)) == (text,)


@pytest.mark.parametrize("text", ["12.34", "12,34", "", "x", "1" * 101, "1E2"])
def test_a_number_with_implied_decimals_has_no_decimal_point(text):
    with pytest.raises(Unreadable):
        CODECS["n2"].read(text)


def test_what_has_more_decimals_than_are_implied_is_not_rounded():
    for value in ("12.345", "NaN", "Infinity", "1E+200"):
        with pytest.raises(Unsayable):
            CODECS["n2"].write(Decimal(value))
    with pytest.raises(Unsayable, match="more than 0 decimals"):
        CODECS["n0"].write(Decimal("1.5"))


@pytest.mark.parametrize(
    ("texts", "iso"),
    [
        (("20261123",), "2026-11-23"),
        (("261123",), "2026-11-23"),
        (("971123",), "1997-11-23"),
        (("20261123", "1030"), "2026-11-23T10:30"),
        (("20261123", "103015"), "2026-11-23T10:30:15"),
        (("20261123", "10301525"), "2026-11-23T10:30:15.25"),
        (("20261123", "1030", "LT"), "2026-11-23T10:30"),
        (("20261123", "1030", "UT"), "2026-11-23T10:30+00:00"),
        (("20261123", "1030", "01"), "2026-11-23T10:30+01:00"),
        (("20261123", "1030", "24"), "2026-11-23T10:30-01:00"),
        (("20261123", "1030", "ES"), "2026-11-23T10:30-05:00"),
        (("20261123", "1030", "ET"), "2026-11-23T10:30-05:00"),
        (("20260723", "1030", "ET"), "2026-07-23T10:30-04:00"),
        (("20260723", "1030", "NT"), "2026-07-23T10:30-02:30"),
    ],
)
def test_dates_say_what_they_say(texts, iso):
    assert read_x12(*texts) == When(iso=iso)
    assert read_x12(*write_x12(When(iso=iso))) == When(iso=iso)


@pytest.mark.parametrize(
    "texts",
    [("",), ("20261301",), ("2026-11-23",), ("20261123", "2530"), ("20261123", "10"), ("20261123", "1030", "XX")],
)
def test_what_is_no_date_is_none(texts):
    assert read_x12(*texts) is None


@pytest.mark.parametrize("iso", ["2026-11", "2026-W47", "2026-11-23/2026-11-30", "2026-11-23T10:30+05:30"])
def test_what_x12_has_no_elements_for_is_not_written(iso):
    with pytest.raises(Unsayable):
        CODECS["date_time_zone"].write(When(iso=iso))


def test_a_place_for_a_day_takes_the_day():
    assert CODECS["date8"].write(When(iso="2026-11-23T10:30+01:00")) == ("20261123",)
