"""Guides of X12: what is found in a message, where, and what its tree is."""

from random import Random

import pytest
from strategies import make_placed_message

from edi_server.findings import has_errors
from edi_server.guides import check, known_guides, load_guide
from edi_server.guides.checker import MAX_FINDINGS

ORDERS = load_guide(syntax="x12", version="004010", message="850")
NOTICE = load_guide(syntax="x12", version="004010", message="856")
INVOICE = load_guide(syntax="x12", version="004010", message="810")
ORDER = """\
ST+850+0001
BEG+00+SA+4711++20260301
CUR+BY+USD
REF+DP+38
PER+BD+ED SMITH+TE+8005551234
N1+ST+STORE 12+92+0012
N3+12 MAIN ST
N4+ALBANY+NY+12201+US
PO1+1+10+EA+1.25+PE+UP+012345678905
PID+F++++BLUE MUG
SAC+A+C310+++-1250
DTM+002+20260401+1430
PO1+2+5+EA+.5+PE+VN+88-17
CTT+2
AMT+TT+15
SE+16+0001""".splitlines()
SHIPMENT = """\
ST+856+0001
BSN+00+S1+20260301+1430+0001
HL+1++S+1
TD5+O+2+UPSN
HL+2+1+O+1
PRF+4711
HL+3+2+P+1
MAN+GM+00012345678901234567
HL+4+3+I+0
LIN++UP+012345678905
SN1++10+EA
HL+5+2+P
SE+13+0001""".splitlines()


def told(segments, guide=ORDERS, **more):
    """Code, segment, tag, group, element, component of each finding."""
    return [
        (
            finding.code.removeprefix("guide."),
            finding.place.segment,
            finding.place.tag,
            finding.place.group,
            finding.place.element,
            finding.place.component,
        )
        for finding in check(guide, segments, released=False, **more).findings
    ]


def codes(segments, guide=ORDERS, **more):
    return [code for code, *_ in told(segments, guide, **more)]


def changed(old, new, message=ORDER):
    """The message with one segment replaced, by none (None), one or several."""
    index = message.index(old)
    return [*message[:index], *([] if new is None else new.split("\n")), *message[index + 1 :]]


# --- the tables


def test_every_guide_is_whole():
    for message, versions in known_guides("x12").items():
        for version in versions:
            guide = load_guide(syntax="x12", version=version, message=message)
            tags = [row.tag for row in guide.positions]
            assert (tags[0], tags[-1]) == (("TA1", "TA1") if message == "TA1" else ("ST", "SE"))
            assert all(guide.position(group.trigger).mandatory for group in guide.groups.values())
            paths = [row.path for row in guide.positions if row.index in guide.groups]
            assert len(paths) == len(set(paths)), "a path names one loop"


def test_the_messages_of_the_supply_chain_are_there_in_every_version_that_has_them():
    known = known_guides("x12")
    versions = ("003060", "004010", "004030", "005010", "006020")
    assert known["850"] == known["856"] == known["997"] == known["820"] == versions
    assert known["753"] == versions[2:]
    assert known["999"] == versions[3:]
    assert known["TA1"] == ("service",)
    assert len(known) == 26


def test_sections_of_a_message_are_told_apart():
    sections = {row.tag: row.section for row in ORDERS.positions if not row.group or row.tag in ("PO1", "CTT")}
    assert (sections["BEG"], sections["PO1"], sections["CTT"], sections["SE"]) == (
        *("header", "detail", "summary", "summary"),
    )


def test_the_long_lists_of_the_dictionary_are_not_ours_to_ship():
    codes_of = {
        part.element.id: part.element.codes
        for row in ORDERS.positions
        for use in row.segment.elements
        for part in use.components
    }
    assert [codes_of[element] for element in ("98", "128", "235", "355", "374")] == [None] * 5
    assert "00" in codes_of["353"]
    assert "SA" in codes_of["92"]
    assert "850" in codes_of["143"]
    assert all(len(listed) <= 120 for element, listed in codes_of.items() if listed and element != "143")


# --- structure


def test_a_right_order_has_no_findings_and_every_segment_its_place():
    checked = check(ORDERS, ORDER, released=False)
    assert checked.findings == []
    assert checked.tree.segments == ORDER
    paths = [ORDERS.position(position).path for position in checked.tree.positions]
    assert paths[5:13] == ["N1", "N1", "N1", "PO1", "PO1/PID", "PO1/SAC", "PO1", "PO1"]


def test_segments_of_two_letters_are_nodes_with_their_own_tag():
    root = check(ORDERS, ORDER, released=False).tree.root
    party = next(node for node in root.children if node.tag == "N1")
    assert [node.tag for node in party.children] == ["N3", "N4"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("BEG+00+SA+4711++20260301", None, ("segment-missing", 1, "BEG", "", None, None)),
        ("N3+12 MAIN ST", "N3+1\nN3+2\nN3+3", ("segment-repeats", 9, "N3", "N1", None, None)),
        ("CUR+BY+USD", "XYZ+1", ("segment-unknown", 3, "XYZ", None, None, None)),
        ("CTT+2", "CTT+2\nBEG+00+SA+4711++20260301", ("segment-misplaced", 15, "BEG", None, None, None)),
        ("N4+ALBANY+NY+12201+US", "N4X+ALBANY", ("segment-unknown", 8, "N4X", None, None, None)),
    ],
)
def test_a_fault_of_structure_is_told_with_its_place(old, new, found):
    assert told(changed(old, new)) == [found]


def test_a_mandatory_loop_that_is_missing_is_told():
    empty = [segment for segment in ORDER if segment[:3] in ("ST+", "BEG", "SE+")]
    assert told(empty) == [("group-missing", 2, "PO1", "PO1", None, None)]


def test_an_interchange_acknowledgment_is_a_message_of_one_segment():
    guide = load_guide(syntax="x12", version="004010", message="TA1")
    assert codes(["TA1+000000905+260301+1430+A+000"], guide) == []
    assert codes(["TA1+905+20260301+1430+X+900"], guide) == [
        *("value-too-short", "value-too-long", "code-unknown", "code-unknown"),
    ]


# --- kinds


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        # N2: no decimal point, the sign does not count.
        ("SAC+A+C310+++-1250", "SAC+A+C310+++12.50", ["value-not-numeric"]),
        ("SAC+A+C310+++-1250", "SAC+A+C310+++-123456789012345", []),
        ("SAC+A+C310+++-1250", "SAC+A+C310+++1234567890123456", ["value-too-long"]),
        # R: a point first, last or between, an exponent; sign, point and E do not count.
        ("AMT+TT+15", "AMT+TT+-.123456789012345678", []),
        ("AMT+TT+15", "AMT+TT+15.", []),
        ("AMT+TT+15", "AMT+TT+1.5E-3", []),
        ("AMT+TT+15", "AMT+TT+1,5", ["value-not-decimal"]),
        ("AMT+TT+15", "AMT+TT++C", ["element-missing"]),
        ("AMT+TT+15", "AMT+TT+1.234567890123456789", ["value-too-long"]),
        # DT and TM: of the calendar and the clock.
        ("DTM+002+20260401+1430", "DTM+002+20240229+235959", []),
        ("DTM+002+20260401+1430", "DTM+002+20260229+1430", ["value-not-date"]),
        ("DTM+002+20260401+1430", "DTM+002+260401+1430", ["value-too-short"]),
        ("DTM+002+20260401+1430", "DTM+002+20261301+1430", ["value-not-date"]),
        ("DTM+002+20260401+1430", "DTM+002+2026040A+1430", ["value-not-date"]),
        ("DTM+002+20260401+1430", "DTM+002+20260401+2400", ["value-not-time"]),
        ("DTM+002+20260401+1430", "DTM+002+20260401+14305", ["value-not-time"]),
        ("DTM+002+20260401+1430", "DTM+002+20260401+14305999", []),
        # ID: from a list, or at least as long and as short as it should be.
        ("CUR+BY+USD", "CUR+BY+US", ["value-too-short"]),
        ("CUR+BY+USD", "CUR+  +USD", ["value-blank"]),
        ("BEG+00+SA+4711++20260301", "BEG+99+SA+4711++20260301", ["code-unknown"]),
        ("BEG+00+SA+4711++20260301", "BEG+000+SA+4711++20260301", ["value-too-long"]),
        # AN, too many elements, composites where there are none, separators with nothing behind them.
        ("N3+12 MAIN ST", f"N3+{'X' * 56}", ["value-too-long"]),
        ("N3+12 MAIN ST", "N3+1+2+3", ["element-superfluous"]),
        ("N3+12 MAIN ST", "N3+1:2", ["component-superfluous"]),
        ("N3+12 MAIN ST", "N3+1*2", ["element-repeats"]),
        ("N3+12 MAIN ST", "N3+12 MAIN ST+", ["separator-superfluous"]),
        ("N3+12 MAIN ST", "N3", ["element-missing"]),
        ("REF+DP+38", "REF+DP+38++DP:38:DP", ["condition-missing"]),
        ("REF+DP+38", "REF+DP+38++DP", ["component-missing"]),
    ],
)
def test_values_are_held_to_their_kind(old, new, found):
    assert codes(changed(old, new)) == found


def test_dates_of_six_digits_belong_to_the_versions_that_have_them():
    older = load_guide(syntax="x12", version="003060", message="850")
    short = [segment.replace("20260", "260") for segment in changed("CUR+BY+USD", None)]
    assert codes(short, older) == []
    assert set(codes(changed("CUR+BY+USD", None), older)) == {"value-too-long"}
    assert codes(changed("DTM+002+260401+1430", "DTM+002+260431+1430", short), older) == ["value-not-date"]


def test_characters_outside_of_the_extended_set_are_a_warning():
    (finding,) = check(ORDERS, changed("N3+12 MAIN ST", "N3+CAFÉ+12 MAIN ST – B"), released=False).findings
    assert (finding.code, finding.severity, finding.place.segment, finding.place.element) == (
        *("guide.character-invalid", "warning", 7, 2),
    )
    assert "–" in finding.sentence


# --- conditions


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        # P: together or not at all.
        ("N1+ST+STORE 12+92+0012", "N1+ST+STORE 12+92", ("condition-missing", 6, "N1", "N1", 4, None)),
        ("N1+ST+STORE 12+92+0012", "N1+ST+STORE 12++0012", ("condition-missing", 6, "N1", "N1", 3, None)),
        ("N1+ST+STORE 12+92+0012", "N1+ST+STORE 12", None),
        # R: one at least.
        ("N1+ST+STORE 12+92+0012", "N1+ST", ("condition-missing", 6, "N1", "N1", 2, None)),
        ("N1+ST+STORE 12+92+0012", "N1+ST++92+0012", None),
        ("REF+DP+38", "REF+DP", ("condition-missing", 4, "REF", "", 2, None)),
        ("REF+DP+38", "REF+DP++SHOES", None),
        # C: one wants another.
        ("PID+F++++BLUE MUG", "PID+F+++ABC", ("condition-missing", 10, "PID", "PO1/PID", 3, None)),
        ("PID+F++++BLUE MUG", "PID+F++VI+ABC", None),
        # L: one wants one of others.
        ("PER+BD+ED SMITH+TE+8005551234", "ITD+01+3+2", ("condition-missing", 5, "ITD", "", 4, None)),
        ("PER+BD+ED SMITH+TE+8005551234", "ITD+01+3+2++10", None),
    ],
)
def test_conditions_of_a_segment_are_kept(old, new, found):
    assert told(changed(old, new)) == ([found] if found else [])


def test_what_must_not_stand_beside_another_is_told_with_its_value():
    segments = changed("PID+F++++BLUE MUG", "MEA+++1+EA++++02")
    (finding,) = check(ORDERS, segments, released=False).findings
    assert (finding.code, finding.place.element, finding.found) == ("guide.condition-excluded", 3, "1")
    assert finding.sentence == (
        "Only one of 936 (Attribute of measurement) and 739 (Measured value) may be given; 739 (Measured value) is "
        "one too many."
    )


def test_a_condition_is_told_in_words():
    (finding,) = check(ORDERS, changed("REF+DP+38", "REF+DP"), released=False).findings
    assert finding.sentence == (
        "At least one of 127 (Reference) and 352 (Description) must be given; 127 (Reference) is absent."
    )
    assert finding.severity == "error"


def test_a_condition_across_three_parts_names_each_that_is_missing():
    invoice = ["ST+810+0001", "BIG+20260301+1", "IT1++10", "TDS+100", "SE+5+0001"]
    assert told(invoice, INVOICE) == [
        ("condition-missing", 3, "IT1", "IT1", 3, None),
        ("condition-missing", 3, "IT1", "IT1", 4, None),
    ]


# --- hierarchies


def test_a_shipment_is_a_tree_of_its_levels():
    checked = check(NOTICE, SHIPMENT, released=False)
    assert checked.findings == []
    shipment = next(node for node in checked.tree.root.children if node.tag == "HL")
    (order,) = [node for node in shipment.children if node.tag == "HL"]
    packs = [node for node in order.children if node.tag == "HL"]
    assert [pack.text for pack in packs] == ["HL+3+2+P+1", "HL+5+2+P"]
    assert [node.text for node in packs[0].children if node.tag == "HL"] == ["HL+4+3+I+0"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("HL+4+3+I+0", "HL+3+2+I+0", [("hierarchy-child-code", "warning", 4), ("hierarchy-repeated", "error", 1)]),
        (
            "HL+4+3+I+0",
            "HL+4+9+I+0",
            [("hierarchy-child-code", "warning", 4), ("hierarchy-parent-unknown", "error", 2)],
        ),
        ("HL+5+2+P", "HL+5+5+P", [("hierarchy-own-parent", "error", 2)]),
        ("HL+5+2+P", "HL+6+2+P", [("hierarchy-not-sequential", "note", 1)]),
        ("HL+5+2+P", "HL+5+1+P", []),
        ("HL+5+2+P", "HL+5++P", [("hierarchy-level-misplaced", "warning", 3)]),
        ("HL+5+2+P", "HL+5+2+S", [("hierarchy-level-misplaced", "warning", 3)]),
        ("HL+5+2+P", "HL+5+2+P+1", [("hierarchy-child-code", "warning", 4)]),
        ("HL+5+2+P", "HL+5+2+Z", [("code-unknown", "error", 3)]),
        ("HL+5+2+P", "HL+5+2", [("element-missing", "error", 3)]),
    ],
)
def test_what_is_wrong_with_a_level_is_told(old, new, found):
    findings = check(NOTICE, changed(old, new, SHIPMENT), released=False).findings
    assert [(f.code.removeprefix("guide."), f.severity, f.place.element) for f in findings] == found


def test_levels_in_levels_without_end_are_told_and_still_make_a_tree():
    chain = ["HL+1++S", "HL+2+1+O", *(f"HL+{number}+{number - 1}+P" for number in range(3, 1200))]
    checked = check(NOTICE, [*SHIPMENT[:2], *chain, SHIPMENT[-1]], released=False)
    assert {finding.code for finding in checked.findings} == {"guide.nesting-too-deep", "guide.more-findings"}
    assert len(checked.findings) == MAX_FINDINGS + 1
    assert not has_errors(checked.findings)
    assert checked.tree.root


# --- depth and place


BROKEN = changed("N3+12 MAIN ST", "N3+1+2+3\nXYZ+1")


def test_how_much_is_checked_can_be_chosen():
    assert codes(BROKEN) == ["element-superfluous", "segment-unknown"]
    assert codes(BROKEN, depth="structure") == ["segment-unknown"]
    assert codes(BROKEN, depth="envelope") == []
    checked = check(ORDERS, BROKEN, released=False, depth="envelope")
    assert checked.tree.segments == [segment for segment in BROKEN if not segment.startswith("XYZ")]


def test_levels_are_not_looked_at_where_only_structure_is():
    assert codes(changed("HL+5+2+P", "HL+5+7+P", SHIPMENT), NOTICE, depth="structure") == []


def test_findings_have_the_byte_of_their_segment():
    offsets = [10 * number for number in range(len(BROKEN) + 1)]
    found = check(ORDERS, BROKEN, released=False, offsets=offsets).findings
    assert [(finding.place.segment, finding.place.offset) for finding in found] == [(7, 60), (8, 70)]


def test_the_same_faults_are_found_however_many_messages_came_before():
    guide = load_guide(syntax="x12", version="004030", message="850")
    first = [codes(BROKEN, guide), codes(ORDER, guide)]
    assert [[codes(BROKEN, guide), codes(ORDER, guide)] for _ in range(10)] == [first] * 10
    assert first == [["element-superfluous", "segment-unknown"], []]


def test_an_apostrophe_that_is_no_stand_in_does_not_hide_a_fault():
    for _ in range(5):
        assert codes(changed("N3+12 MAIN ST", "N3+O'HARE\x03S")) == []
        assert codes(changed("N3+12 MAIN ST", "N3+1'N3+2+3+4")) == ["element-superfluous"]


def test_all_faults_are_told_up_to_the_limit():
    lines = ["PO1+1+10+EA+X"] * (MAX_FINDINGS + 50)
    findings = check(ORDERS, [*ORDER[:8], *lines, *ORDER[-3:]], released=False).findings
    assert len(findings) == MAX_FINDINGS + 1
    assert findings[-1].code == "guide.more-findings"
    assert findings[-1].sentence.startswith("There are 50 more findings")


# --- every guide


@pytest.mark.parametrize("message", sorted(set(known_guides("x12")) - {"TA1"}))
def test_made_up_messages_are_placed_exactly_where_they_were_made_for(message):
    # Tags collide: N1 in the header, in lines and in their sublines, REF in most loops, LX in LX.
    for version in known_guides("x12")[message]:
        guide = load_guide(syntax="x12", version=version, message=message)
        for density in (0.02, 0.1):
            placed = make_placed_message(guide, Random(f"{message} {version} {density}"), density)
            checked = check(guide, [segment for _, segment in placed], released=True)
            assert checked.findings == []
            assert checked.tree.positions == [position for position, _ in placed]


def test_parties_of_header_line_and_subline_are_told_apart():
    segments = changed("CTT+2", "N1+BY+X\nSLN+1++I\nN1+ST+Y\nCTT+2")
    checked = check(ORDERS, segments, released=False)
    paths = [ORDERS.position(position).path for position in checked.tree.positions]
    assert [path for path, segment in zip(paths, segments, strict=True) if segment.startswith("N1")] == [
        *("N1", "PO1/N1", "PO1/SLN/N1"),
    ]


def test_what_may_not_be_told_again_in_a_line_is_not_taken_for_the_header_of_the_next():
    assert told(changed("PID+F++++BLUE MUG", "BEG+00+SA+1++20260301")) == [
        ("segment-misplaced", 10, "BEG", None, None, None)
    ]
