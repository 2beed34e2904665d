"""Guides: what is found in a message, where, and what its tree is."""

import re
from pathlib import Path

import pytest

from edi_server.errors import ConfigurationError
from edi_server.findings import has_errors
from edi_server.guides import check, flatten, known_guides, load_guide, nearest_guide, numbering, with_offsets
from edi_server.guides.directory import Directory, service_segments
from edi_server.guides.model import Node

ROOT = Path(__file__).parents[2]
ORDERS = load_guide(message="ORDERS", version="D.96A")
DESADV = load_guide(message="DESADV", version="D.96A")
ORDER = """\
UNH+1+ORDERS:D:96A:UN
BGM+220+4711+9
DTM+137:20260301:102
RFF+CT:99
NAD+BY+4012345000009::9
CTA+OC+:J. Smith
NAD+SU+4000001000005::9
LIN+1++4000001000012:EN
PIA+5+A-1:SA
QTY+21:12:PCE
PRI+AAA:1.20
LIN+2++4000001000029:EN
QTY+21:5:PCE
UNS+S
CNT+2:2
UNT+16+1""".splitlines()
DELIVERY = """\
UNH+1+DESADV:D:96A:UN
BGM+351+L1+9
CPS+1
PAC+2
CPS+2+1
LIN+1++4000001000012:EN
QTY+12:5:PCE
CPS+3+1
LIN+2++4000001000029:EN
QTY+12:7:PCE
CPS+4+3
UNT+12+1""".splitlines()


def findings_of(segments, guide=ORDERS, **more):
    return check(guide, segments, released=False, **more).findings


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
        for finding in findings_of(segments, guide, **more)
    ]


def changed(old, new, message=ORDER):
    """The message with one segment replaced, by none (None), one or several."""
    index = message.index(old)
    return [*message[:index], *([] if new is None else new.split("\n")), *message[index + 1 :]]


# --- library


def test_every_guide_is_whole():
    for message, versions in known_guides().items():
        for version in versions:
            guide = load_guide(message=message, version=version)
            assert (guide.positions[0].tag, guide.positions[-1].tag) == ("UNH", "UNT")
            assert [row.index for row in guide.positions] == list(range(1, len(guide.positions) + 1))
            for trigger, group in guide.groups.items():
                assert guide.position(trigger).group == group.trigger == trigger <= group.last
                assert guide.position(trigger).path.endswith(group.name)
                assert guide.position(trigger).mandatory


VERSIONS = ("D.93A", "S.93A", "D.96A", "D.97A", "D.99B", "D.01B", "D.04A", "D.10A")


def test_every_directory_has_its_messages_oldest_first():
    lacking = {
        **dict.fromkeys(("RECADV", "HANMOV", "APERAK"), ("D.93A", "S.93A")),
        **dict.fromkeys(("PRICAT", "SLSRPT", "IFTSTA"), ("S.93A",)),
    }
    for message, known in known_guides().items():
        if message != "CONTRL":
            assert known == tuple(one for one in VERSIONS if one not in lacking.get(message, ())), message
    assert len(known_guides()) == 20


def test_a_guide_is_loaded_once():
    assert load_guide(message="ORDERS", version="D.96A") is ORDERS


def test_sections_are_header_lines_and_summary():
    sections = {row.section: row.tag for row in reversed(ORDERS.positions)}
    assert sections == {"header": "UNH", "detail": "LIN", "summary": "UNS"}
    assert {row.section: row.tag for row in reversed(DESADV.positions)}["detail"] == "CPS"


def test_an_unknown_guide_is_refused_with_what_is_known():
    with pytest.raises(ConfigurationError, match=r"no guide for ORDERS D\.55X .*D\.96A, D\.97A"):
        load_guide(message="ORDERS", version="D.55X")


@pytest.mark.parametrize(
    ("version", "near"),
    [
        *(("D.90A", "D.93A"), ("D.95B", "D.96A"), ("D.96B", "D.96A"), ("D.98B", "D.99B"), ("D.24A", "D.10A")),
        *(("D.1", "D.96A"), ("93A.D", "D.93A"), ("D. 96A", "D.96A"), ("0.01b", "D.01B"), ("", "D.96A")),
    ],
)
def test_an_unknown_version_is_checked_as_the_nearest_with_a_warning(version, near):
    guide, finding = nearest_guide(version, "ORDERS")
    assert guide is load_guide(message="ORDERS", version=near)
    assert (finding.code, finding.severity) == ("guide.version-unknown", "warning")
    assert near in finding.sentence


def test_a_known_version_has_no_finding():
    assert nearest_guide("D.01B", "DESADV") == (load_guide(message="DESADV", version="D.01B"), None)


def test_an_unknown_message_type_has_no_guide():
    guide, finding = nearest_guide("D.96A", "PAYMUL")
    assert guide is None
    assert (finding.code, finding.severity) == ("guide.message-unknown", "error")


@pytest.mark.parametrize(
    ("version", "found", "doubted"),
    [("D.3", "D.3", False), ("2.2", "D.3", False), ("4.1", "4.1", False), ("D.98A", "D.3", True), ("4.2", "4.1", True)],
)
def test_contrl_belongs_to_the_syntax_version(version, found, doubted):
    guide, finding = nearest_guide(version, "CONTRL")
    assert guide.version == found
    assert (finding is not None) is doubted


def test_service_segments_differ_by_syntax_version():
    assert len(service_segments("3")["UNH"].elements) == 4
    assert len(service_segments("4")["UNH"].elements) == 7
    assert service_segments("2") is service_segments("3")
    first = {use.composite: use.components for use in service_segments("1")["UNH"].elements}
    assert [part.mandatory for part in first["S009"]] == [True, True, False, False, False]


def test_dependency_notes_of_syntax_version_4_are_those_of_iso_9735_10():
    notes = {
        tag: [(one.kind, one.parts) for one in segment.conditions]
        for tag, segment in service_segments("4").items()
        if segment.conditions
    }
    response = [(6, 5), (7, 6, 5), (8, 6, 5, 9), (9, 8, 6, 5)]
    assert notes == {
        "UNG": [("all-or-none", (1, 6, 7))],
        "UCI": [("first-needs-all", parts) for parts in response],
        "UCF": [("first-needs-all", parts) for parts in response],
        "UCM": [
            *(("one-only", (1, 7)), ("all-or-none", (1, 2)), ("all-or-none", (7, 8))),
            *(("first-needs-all", parts) for parts in [(5, 4), (6, 5, 4), (9, 5, 4, 10), (10, 9, 5, 4)]),
        ],
    }
    assert not any(segment.conditions for version in "13" for segment in service_segments(version).values())


def test_every_condition_names_places_that_its_segment_has():
    for message, versions in known_guides().items():
        for version in versions:
            for row in load_guide(message=message, version=version).positions:
                for condition in row.segment.conditions:
                    assert 1 <= min(condition.parts) < max(condition.parts) <= len(row.segment.elements)


def test_a_missing_table_is_a_fault_of_the_installation(tmp_path):
    with pytest.raises(ConfigurationError, match=r"segments\.txt cannot be read"):
        _ = Directory(tmp_path).segments


def test_a_damaged_table_is_a_fault_of_the_installation(tmp_path):
    (tmp_path / "elements.txt").write_text("3039 an-17 Party\n")
    (tmp_path / "codes.txt").write_text("")
    with pytest.raises(ConfigurationError, match=r"elements\.txt is damaged at '3039 an-17 Party'"):
        _ = Directory(tmp_path).elements


# --- structure


def test_a_right_message_has_no_findings_and_all_its_segments_have_a_place():
    checked = check(ORDERS, ORDER, released=False)
    assert checked.findings == []
    assert checked.tree.segments == ORDER
    assert [ORDERS.position(position).path for position in checked.tree.positions][3:11] == [
        *("SG1", "SG2", "SG2/SG5", "SG2", "SG25", "SG25", "SG25", "SG25/SG28")
    ]


def test_a_missing_segment_is_reported_at_the_one_before_it():
    (finding,) = findings_of(changed("DTM+137:20260301:102", None))
    assert finding.sentence == "Mandatory segment DTM is missing after segment 2 (BGM)."
    assert told(changed("DTM+137:20260301:102", None)) == [("segment-missing", 2, "DTM", "", None, None)]


def test_several_missing_segments_are_all_reported():
    assert [finding[:3] for finding in told([ORDER[0], ORDER[-1]])] == [
        ("segment-missing", 1, "BGM"),
        ("segment-missing", 1, "DTM"),
        ("segment-missing", 1, "UNS"),
    ]


def test_a_missing_mandatory_group_is_named_with_its_trigger():
    invoic = load_guide(message="INVOIC", version="D.96A")
    message = ["UNH+1+INVOIC:D:96A:UN", "BGM+380+1+9", "DTM+137:20260301:102", "UNS+S", "UNT+5+1"]
    (finding,) = findings_of(message, invoic)
    assert (finding.code, finding.place.tag, finding.place.group) == ("guide.group-missing", "MOA", "SG48")
    assert finding.sentence == "Mandatory segment group SG48, which begins with MOA, is missing after segment 4 (UNS)."


def test_a_message_that_breaks_off_lacks_its_end():
    assert told(ORDER[:10]) == [
        ("segment-missing", 10, "UNS", "", None, None),
        ("segment-missing", 10, "UNT", "", None, None),
    ]


def test_an_unknown_segment_is_left_out_of_the_tree():
    message = changed("PIA+5+A-1:SA", "XYZ+1\nPIA+5+A-1:SA")
    checked = check(ORDERS, message, released=False)
    (finding,) = checked.findings
    assert (finding.code, finding.place.segment, finding.found) == ("guide.segment-unknown", 9, "XYZ+1")
    assert finding.sentence == "Segment XYZ does not exist in ORDERS D.96A."
    assert "PIA" in finding.expected
    assert checked.tree.segments == ORDER
    assert checked.tree.numbers == [number for number in range(1, 18) if number != 9]


def test_a_segment_out_of_place_is_left_out_of_the_tree():
    message = changed("PRI+AAA:1.20", "PRI+AAA:1.20\nIMD+F++:::Screws")
    checked = check(ORDERS, message, released=False)
    (finding,) = checked.findings
    assert (finding.code, finding.place.segment, finding.place.tag) == ("guide.segment-misplaced", 12, "IMD")
    assert checked.tree.segments == ORDER


def test_segments_in_the_wrong_order_cost_as_little_of_the_tree_as_possible():
    # DTM is late: it is the one that is out of place, not the three parties before it.
    message = [*ORDER[:2], "NAD+BY+1::9", "NAD+SU+2::9", "NAD+DP+3::9", ORDER[2], *ORDER[7:]]
    checked = check(ORDERS, message, released=False)
    assert [finding.place.tag for finding in checked.findings] == ["DTM", "DTM"]
    assert sum(segment.startswith("NAD") for segment in checked.tree.segments) == 3


def test_too_many_repetitions_stay_in_the_tree():
    message = changed("BGM+220+4711+9", "BGM+220+4711+9\nBGM+220+4712+9")
    checked = check(ORDERS, message, released=False)
    (finding,) = checked.findings
    assert (finding.code, finding.place.segment, finding.found) == ("guide.segment-repeats", 3, "2")
    assert finding.sentence == "Segment BGM stands here 2 times; 1 is the most allowed."
    assert checked.tree.segments == message


def test_too_many_repetitions_of_a_group_are_counted_within_its_group():
    references = "\n".join(f"RFF+ON:{number}" for number in range(11))
    (finding,) = findings_of(changed("RFF+CT:99", references))
    assert (finding.code, finding.place.segment, finding.place.group) == ("guide.group-repeats", 14, "SG1")
    prices = "\n".join(["PRI+AAA:1.20"] * 25)
    many_lines = [*ORDER[:7], *(["LIN+1", *prices.split("\n")] * 3), *ORDER[13:]]
    assert findings_of(many_lines) == []


def test_many_repetitions_are_counted_in_long_messages_too():
    lines = ["LIN+1++4000001000012:EN", "QTY+21:12:PCE"] * 3000
    assert findings_of([*ORDER[:7], *lines, *ORDER[13:]]) == []
    in_one_group = ["CPS+1", *["LIN+1++4000001000012:EN"] * 10_000]
    message = [*DELIVERY[:2], *in_one_group, DELIVERY[-1]]
    (finding,) = findings_of(message, DESADV)
    assert (finding.code, finding.place.segment, finding.found) == ("guide.group-repeats", 10_003, "10000")
    in_two_groups = [*DELIVERY[:2], "CPS+1", *in_one_group[1:6000], "CPS+2", *in_one_group[6000:], DELIVERY[-1]]
    assert findings_of(in_two_groups, DESADV) == []


def test_nothing_is_expected_behind_the_end():
    (finding,) = findings_of([*ORDER, "DTM+137:20260301:102"])
    assert (finding.code, finding.place.segment, finding.expected) == ("guide.segment-misplaced", 17, "nothing more")


def test_an_empty_message_lacks_everything():
    assert [tag for _, _, tag, *_ in told([])] == ["UNH", "BGM", "DTM", "UNS", "UNT"]


def test_an_explicit_indication_of_nesting_behind_a_tag_is_allowed():
    assert findings_of(changed("PRI+AAA:1.20", "PRI:1:1+AAA:1.20")) == []


def test_a_tag_of_four_letters_is_not_taken_for_one_of_three():
    (finding,) = findings_of(changed("UNS+S", "UNSX+S\nUNS+S"))
    assert (finding.code, finding.place.tag) == ("guide.segment-unknown", "UNSX")


def test_a_message_full_of_faults_has_a_bounded_number_of_findings():
    findings = findings_of([*ORDER[:3], *["XYZ+1"] * 5000, *ORDER[3:]])
    assert len(findings) == 1000
    assert (findings[-1].code, findings[-1].severity) == ("guide.more-findings", "error")
    assert "4001 more" in findings[-1].sentence


# --- inside a segment


@pytest.mark.parametrize(
    ("old", "new", "code", "element", "component"),
    [
        ("BGM+220+4711+9", "BGM+220+" + "4" * 36, "value-too-long", 2, None),
        ("QTY+21:12:PCE", "QTY+21:1234567890123456:PCE", "value-too-long", 1, 2),
        ("QTY+21:12:PCE", "QTY+21:12,5,1:PCE", "value-not-numeric", 1, 2),
        ("QTY+21:12:PCE", "QTY+21:.5:PCE", "value-not-numeric", 1, 2),
        ("QTY+21:12:PCE", "QTY+21:5.:PCE", "value-not-numeric", 1, 2),
        ("QTY+21:12:PCE", "QTY+21:\x015:PCE", "value-not-numeric", 1, 2),
        ("QTY+21:12:PCE", "QTY+21:twelve:PCE", "value-not-numeric", 1, 2),
        ("QTY+21:12:PCE", "QTY+21", "component-missing", 1, 2),
        ("QTY+21:12:PCE", "QTY", "element-missing", 1, None),
        ("QTY+21:12:PCE", "QTY+21:12:PCE:X", "component-superfluous", 1, 4),
        ("QTY+21:12:PCE", "QTY+21:12:PCE+X", "element-superfluous", 2, None),
        ("QTY+21:12:PCE", "QTY+21:12:PCE*21:5:PCE", "element-repeats", 1, None),
        ("QTY+21:12:PCE", "QTY+?:12:PCE", "code-unknown", 1, 1),
        ("NAD+BY+4012345000009::9", "NAD++4012345000009::9", "element-missing", 1, None),
        ("NAD+BY+4012345000009::9", "NAD+BY+::9", "component-missing", 2, 1),
        ("UNS+S", "UNS+7", "value-not-alphabetic", 1, None),
        ("UNS+S", "UNS+Q", "code-unknown", 1, None),
    ],
)
def test_a_fault_inside_a_segment_is_found_at_its_element(old, new, code, element, component):
    number = ORDER.index(old) + 1
    path = ORDERS.position(check(ORDERS, ORDER, released=False).tree.positions[number - 1]).path
    assert told(changed(old, new)) == [(code, number, old[:3], path, element, component)]
    assert has_errors(findings_of(changed(old, new)))


@pytest.mark.parametrize("number", ["5", "-5", "0.5", "0,5", "-123456789012.345", "007", "123456789012345"])
def test_numbers_may_have_a_sign_and_a_decimal_mark_that_do_not_count(number):
    assert findings_of(changed("QTY+21:5:PCE", f"QTY+21:{number}:PCE")) == []


def test_a_value_of_fixed_length_may_not_be_shorter():
    line = "DGS+ADR++123"
    message = [*DELIVERY[:6], line.replace("123", "12"), *DELIVERY[7:]]
    assert ("value-too-short", 7, "DGS", "SG10/SG15/SG17", 3, 1) in told(message, DESADV)


@pytest.mark.parametrize("new", ["NAD+BY+4012345000009::9+", "NAD+BY+4012345000009::9+++", "NAD+BY+4012345000009::9:"])
def test_a_separator_too_many_is_a_note(new):
    findings = findings_of(changed("NAD+BY+4012345000009::9", new))
    assert findings
    assert {(finding.code, finding.severity) for finding in findings} == {("guide.separator-superfluous", "note")}


def test_a_blank_in_place_of_nothing_is_a_warning_unless_something_must_be_there():
    assert [(f.code, f.severity) for f in findings_of(changed("DTM+137:20260301:102", "DTM+137:20260301: "))] == [
        ("guide.value-blank", "warning")
    ]
    assert [(f.code, f.severity) for f in findings_of(changed("QTY+21:5:PCE", "QTY+21: :PCE"))] == [
        ("guide.value-blank", "error")
    ]


def test_stand_ins_count_as_the_one_character_that_they_stand_for():
    text = "\x01\x02\x03\x05" * 17 + "ab"
    assert findings_of(changed("RFF+CT:99", f"FTX+AAI+++{text}\nRFF+CT:99")) == []
    (finding,) = findings_of(changed("RFF+CT:99", f"FTX+AAI+++{text}\x01\nRFF+CT:99"))
    assert finding.code == "guide.value-too-long"
    assert finding.found.startswith("+:'*+:'*")
    assert len(finding.found) == 71


def test_elements_may_be_repeated_where_the_directory_says_so():
    guide = load_guide(message="ORDERS", version="D.01B")
    message = [
        segment.replace(":96A:", ":01B:") for segment in changed("CTA+OC+:J. Smith", "CTA+OC\nCOM+1:TE*2:FX*3:EM")
    ]
    assert findings_of(message, guide) == []
    too_often = [segment.replace("*3:EM", "*3:EM*4:TE") for segment in message]
    (finding,) = findings_of(too_often, guide)
    assert (finding.code, finding.place.repetition) == ("guide.element-repeats", 4)
    wrong = [segment.replace("*2:FX", "*2:??") for segment in message]
    (finding,) = findings_of(wrong, guide)
    assert (finding.code, finding.place.repetition, finding.place.component) == ("guide.code-unknown", 2, 2)


# --- codes


def test_an_unknown_code_is_an_error_unless_an_association_may_have_given_it():
    plain = changed("BGM+220+4711+9", "BGM+50E+4711+9")
    eancom = changed("UNH+1+ORDERS:D:96A:UN", "UNH+1+ORDERS:D:96A:UN:EAN008", plain)
    assert [(f.code, f.severity) for f in findings_of(plain)] == [("guide.code-unknown", "error")]
    assert [(f.code, f.severity) for f in findings_of(eancom)] == [("guide.code-unknown", "warning")]
    assert [f.severity for f in findings_of(eancom, codes="error")] == ["error"]
    assert [f.severity for f in findings_of(plain, codes="warning")] == ["warning"]
    assert findings_of(plain, codes="off") == []
    assert [f.severity for f in findings_of(plain)] == ["error"]


@pytest.mark.parametrize(
    ("behind", "listed"), [("", True), ("::6", True), ("::9", False), (":64", False), (":64:6", False)]
)
def test_the_directorys_list_does_not_bind_where_the_sender_names_another_list(behind, listed):
    message = changed("BGM+220+4711+9", f"BGM+50E{behind}+4711+9")
    assert [finding.code for finding in findings_of(message)] == (["guide.code-unknown"] if listed else [])


# --- offsets


def test_findings_have_the_offset_of_their_segment():
    offsets = list(range(100, 100 + 10 * (len(ORDER) + 1), 10))
    (finding,) = findings_of(changed("QTY+21:5:PCE", "QTY+21:x:PCE"), offsets=offsets)
    assert finding.place.offset == offsets[12]
    (without,) = findings_of(changed("QTY+21:5:PCE", "QTY+21:x:PCE"))
    assert without.place.offset is None
    assert with_offsets([without], offsets) == [finding]
    assert with_offsets([without], []) == [without]


# --- tree


def tags(node: Node):
    return [node.tag, *[tags(child) for child in node.children]]


def test_a_group_is_its_trigger_with_children():
    root = check(ORDERS, ORDER, released=False).tree.root
    assert [child.tag for child in root.children][3:8] == ["RFF", "NAD", "NAD", "LIN", "LIN"]
    assert tags(root.children[4]) == ["NAD", ["CTA"]]
    assert tags(root.children[6]) == ["LIN", ["PIA"], ["QTY"], ["PRI"]]
    assert [node.number for node in root.children[6].children] == [9, 10, 11]


def test_packages_hang_in_the_packages_that_they_name():
    checked = check(DESADV, DELIVERY, released=False)
    assert checked.findings == []
    outer = checked.tree.root.children[2]
    assert tags(outer) == ["CPS", ["PAC"], ["CPS", ["LIN", ["QTY"]]], ["CPS", ["LIN", ["QTY"]], ["CPS"]]]
    assert [text for _, text in flatten(checked.tree.root)] == DELIVERY


@pytest.mark.parametrize(
    ("new", "code", "element"),
    [
        ("CPS+2+2", "nesting-own-parent", 2),
        ("CPS+2+9", "nesting-parent-unknown", 2),
        ("CPS+2+4", "nesting-parent-unknown", 2),
        ("CPS+1", "nesting-repeated", 1),
    ],
)
def test_a_package_that_cannot_be_hung_up_is_a_warning_and_stays_where_it_stands(new, code, element):
    message = changed("CPS+2+1", new, DELIVERY)
    checked = check(DESADV, message, released=False)
    (finding,) = checked.findings
    assert (finding.code, finding.severity) == (f"guide.{code}", "warning")
    assert (finding.place.segment, finding.place.element, finding.place.group) == (5, element, "SG10")
    assert [child.tag for child in checked.tree.root.children] == ["UNH", "BGM", "CPS", "CPS", "UNT"]


def test_packages_nested_without_end_hang_flat_from_a_depth_on():
    chain = ["CPS+1", *(f"CPS+{number}+{number - 1}" for number in range(2, 1500))]
    checked = check(DESADV, [*DELIVERY[:2], *chain, DELIVERY[-1]], released=False)
    assert checked.findings
    assert {finding.code for finding in checked.findings} == {"guide.nesting-too-deep", "guide.more-findings"}
    assert not has_errors(checked.findings)
    depth, nodes, count = 0, [checked.tree.root], 0
    while nodes:
        depth, count = depth + 1, count + len(nodes)
        nodes = [child for node in nodes for child in node.children]
    assert depth <= 60
    assert count == 1503


def test_a_writer_learns_where_packages_are_numbered():
    (found,) = numbering(DESADV).values()
    assert (found.tag, found.id, found.parent) == ("CPS", (1, 1), (2, 1))
    assert DESADV.position(found.trigger).tag == "CPS"
    assert numbering(ORDERS) == {}


def test_every_finding_is_documented():
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "edi_server/guides").glob("*.py"))
    codes = set(re.findall(r'"guide\.([a-z]+(?:-[a-z]+)+)"', sources))
    codes |= set(
        re.findall(r'(?:_add\(\s*|return |[Ff]ault\(|^        )"([a-z]+(?:-[a-z]+)+)",', sources, re.MULTILINE)
    )
    codes |= set(re.findall(r'return "([a-z]+(?:-[a-z]+)+)"$', sources, re.MULTILINE))
    documented = re.findall(r"^\| `guide\.([a-z-]+)` \|", (ROOT / "docs/findings.md").read_text("utf-8"), re.MULTILINE)
    assert len(documented) == len(set(documented)) >= 25
    assert codes == set(documented)


def test_a_guide_is_shown_in_short():
    assert repr(ORDERS) == "<Guide ORDERS D.96A>"
