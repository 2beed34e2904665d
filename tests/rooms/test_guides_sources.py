"""The guides' tables against independent copies of the directories. Every difference is listed with who is right.

The list is guide_differences.txt beside this file; docs/guides.md says the same in prose.
"""

import json
import re
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from guide_sources import (
    BOTS,
    JSON,
    MESSAGES,
    REFERENCE,
    VERSIONS,
    differences,
    from_bots,
    from_json,
    from_php,
    json_lists,
    ours,
)

from edi_server.guides import load_guide
from edi_server.guides.directory import service_segments

STAEDI = REFERENCE / "staedi_Apache2/src/main/resources/EDIFACT"
UN_TEXT = REFERENCE / "un_d96b_original/un_edifact_d96b"
DFDL = REFERENCE / "dfdl_D03B/EDIFACT-SupplyChain-D03B/EDIFACT-SupplyChain-Segments-D.03B.xsd"

pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="../shared is missing")

LISTED = [
    line
    for line in Path(__file__).with_name("guide_differences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def listed(source, version):
    return {line for line in LISTED if line.startswith(f"{source} {version} ")}


def test_no_difference_is_listed_twice_and_every_one_is_of_a_source_and_version_that_are_compared():
    assert len(LISTED) == len(set(LISTED))
    named = {tuple(line.split(" ", 2)[:2]) for line in LISTED}
    assert named <= {(source, one) for one in VERSIONS for source in ("vscode-edi-support", "php-edifact", "bots")}


@pytest.mark.parametrize("version", VERSIONS)
def test_tables_are_those_of_vscode_edi_support_but_for_what_is_listed(version):
    assert set(differences(ours(version), from_json(version))) == listed("vscode-edi-support", version)


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_tables_are_those_of_php_edifact_but_for_what_is_listed(version):
    assert set(differences(ours(version), from_php(version))) == listed("php-edifact", version)


@pytest.mark.skipif(BOTS is None, reason="the benchmarks' environment is missing")
@pytest.mark.parametrize("version", [one for one in VERSIONS if one != "S.93A"])
def test_tables_are_those_of_bots_but_for_what_is_listed(version):
    assert set(differences(ours(version), from_bots(version))) == listed("bots", version)


def test_a_comparison_finds_what_is_changed_in_a_table():
    mine, theirs = deepcopy(ours("D.96A")), from_json("D.96A")
    del mine.tables["ORDERS"][3]
    mine.segments["NAD"] = mine.segments["NAD"][:-1]
    mine.segments["DTM"] = [mine.segments["DTM"][0]._replace(mandatory=False)]
    mine.codes["3035"].add("QQQ")
    found = [line.split(" ", 3)[2:] for line in differences(mine, theirs)]
    assert [(what, where.split(" ")[0]) for what, where in found] == [
        *(("codes", "3035"), ("elements", "NAD"), ("presence", "DTM"), ("structure", "ORDERS")),
    ]


def test_every_table_has_all_that_there_is_to_compare():
    for version in VERSIONS:
        tables, segments = ours(version).tables, ours(version).segments
        assert tables.keys() == {message for message, versions in MESSAGES.items() if version in versions}
        assert {row.tag for rows in tables.values() for row in rows} - segments.keys() <= {"UNH", "UNS", "UNT"}
        assert sum(map(len, tables.values())) > 800
        assert sum(map(len, ours(version).codes.values())) > 4000


# -- what one source alone tells


REPEATED = {("COM", "C076", 3), ("IDE", "C778", 99)}


def test_elements_that_may_be_repeated_are_those_of_the_schema_of_d03b():
    # JSON, XML and grammars never tell repetitions of elements.
    for version in VERSIONS:
        segments = ours(version).segments
        found = {(tag, use.id, use.repeat) for tag, uses in segments.items() for use in uses if use.repeat > 1}
        assert found == {one for one in REPEATED if one[0] in segments and version[2:] not in ("93A", "96A", "97A")} - (
            {("IDE", "C778", 99)} if version == "D.99B" else set()
        )
    text = DFDL.read_text("utf-8")
    (com,) = re.findall(r'<xsd:complexType[^>]*name="COM-[^"]*">.*?</xsd:complexType>', text, flags=re.DOTALL)
    assert re.findall(r'maxOccurs="(\d+)"', com) == ["3"]


def fixed(version):
    uses = [use for uses in ours(version).segments.values() for use in uses]
    return {part.id: part.form for use in uses for part in use.parts if ".." not in part.form and part.form[-1] != "1"}


def test_fixed_lengths_are_those_of_php_edifact_in_d96a_and_stay():
    # php-edifact tells them for D.96A, bots for all.
    theirs = {
        part.id: part.form
        for tag, uses in from_php("D.96A").segments.items()
        for use in uses
        for part in use.parts
        if tag in ours("D.96A").segments and ".." not in part.form and part.form[-1] != "1"
    }
    assert fixed("D.96A") == theirs != {}
    for version in VERSIONS:
        assert fixed(version).items() <= theirs.items(), version
        assert fixed(version), version


def test_codes_of_d93a_are_those_of_later_directories_but_for_two_that_were_withdrawn():
    # One source alone has code lists of D.93A; another has those of D.96A, and loses codes that begin with X there.
    later, before = from_php("D.96A").codes, json_lists("D911")
    for version in ("D.93A", "S.93A"):
        gone = {
            (element, code)
            for element, codes in ours(version).codes.items()
            for code in codes - later.get(element, set())
            if not code.startswith("X")
        }
        assert gone == {("1131", "171"), ("2005", "269")}
        for element, codes in ours(version).codes.items():
            assert before.get(element, set()) & later.get(element, set()) <= codes, element


def test_codes_of_d99b_are_between_those_of_d99a_and_of_d00a():
    # php-edifact alone has the code lists of D.99B; vscode-edi-support those of the issues before and after.
    before, after = json_lists("D99A"), json_lists("D00A")
    for element, codes in ours("D.99B").codes.items():
        one, other = before.get(element, set()), after.get(element, set())
        assert one & other <= codes <= one | other, element


X_CODES = [line.split(" ") for line in LISTED if line.startswith("php-edifact D.96A codes ")]


@pytest.mark.parametrize(("element", "right", "wrong"), [line[3:] for line in X_CODES])
def test_codes_that_php_edifact_lost_stand_in_the_text_of_the_united_nations(element, right, wrong):
    text = "".join((UN_TEXT / f"uncl-{part}.96b").read_text("latin-1") for part in (1, 2))
    section = re.split(rf"^[ *+#|X]*{element}  ", text, maxsplit=1, flags=re.MULTILINE)[1].split("-" * 40)[0]
    found = set(re.findall(r"^[ *+#|X]  ([A-Z0-9]{1,3})  ", section, flags=re.MULTILINE))
    assert set(right.split(",")) <= found
    assert not set(wrong.split(",")) & found


# -- service segments


def service_json(name, what=""):
    return json.loads((JSON / name / f"{name}{what}.json").read_text("utf-8"))


def contrl_rows(version):
    guide = load_guide(message="CONTRL", version=version)
    return [
        (row.tag, len(row.path.split("/")) if row.path else 0, row.mandatory, row.repeat) for row in guide.positions
    ]


def test_contrl_is_that_of_vscode_edi_support():
    for version, name in (("D.3", "3.0"), ("4.1", "4.1")):
        types = service_json(name, "_versions")["DocumentTypes"]
        theirs = list(json_rows(types[f"{name}_CONTRL"]["TransactionSet"], 0))
        # It calls UNH and UNT optional in version 3.0 alone; ISO 9735 does not.
        mandatory = [(tag, level, needed or tag in ("UNH", "UNT"), most) for tag, level, needed, most in theirs]
        assert contrl_rows(version) == mandatory


def json_rows(items, level):
    for item in items:
        if loop := item.get("Loop"):
            yield from json_rows(loop, level + 1)
        else:
            yield item.get("Id") or item["ID"], level, item.get("Min", 1) > 0, item.get("Max", 1)


def staedi_segments(file):
    root = ET.parse(STAEDI / file).getroot()
    space = root.tag.partition("}")[0] + "}"
    types = {item.get("name"): item for item in root}
    for item in root.iter(f"{space}segmentType"):
        elements = []
        for use in item[0]:
            parts = types[use.get("type")][0] if use.tag == f"{space}composite" else [use]
            elements.append(
                (
                    use.tag == f"{space}composite",
                    use.get("minOccurs") == "1",
                    [
                        (
                            part.get("type")[2:],
                            int(types[part.get("type")].get("maxLength", "1")),
                            part.get("minOccurs") == "1",
                        )
                        for part in parts
                    ],
                )
            )
        yield item.get("name"), elements


@pytest.mark.parametrize(("version", "file"), [("3", "v3.xml"), ("4", "v4r01.xml")])
def test_service_segments_are_those_of_staedi(version, file):
    ours = service_segments(version)
    seen = set()
    for tag, theirs in staedi_segments(file):
        if tag in ours:
            seen.add(tag)
            assert [
                (
                    use.composite is not None,
                    use.mandatory,
                    [(part.element.id, part.element.max_length, part.mandatory) for part in use.components],
                )
                for use in ours[tag].elements
            ] == theirs, tag
    assert seen >= {"UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"}


def test_segments_of_contrl_version_4_are_those_of_vscode_edi_support():
    for tag in ("UCI", "UCM", "UCS", "UCD", "UCF"):
        theirs = service_json("4.1")["Segments"][tag]["Elements"]
        ours = service_segments("4")[tag].elements
        assert [(use.composite or use.components[0].element.id, use.mandatory) for use in ours] == [
            (element["Id"], element["Required"]) for element in theirs
        ], tag
        lengths = [part.element.max_length for use in ours for part in use.components]
        listed = [part.get("MaxLength") for element in theirs for part in element.get("Components", [element])]
        assert [length for length, known in zip(lengths, listed, strict=True) if known] == [n for n in listed if n]


@pytest.mark.parametrize("version", ["3", "4"])
def test_error_codes_of_contrl_are_those_of_vscode_edi_support_but_for_those_of_interactive_edi(version):
    theirs = service_json("4.1")["Qualifiers"]["Syntax error, coded"].keys()
    (part,) = service_segments(version)["UCD"].elements[0].components
    assert theirs - part.element.codes == {"1", "3", "4", "5", "6", "8", "9", "10", "11"}
    assert part.element.codes <= theirs


def test_segments_of_contrl_version_3_are_the_beginning_of_those_of_version_4():
    # The JSON called 3.0 has the segments of version 4, so this is what is left to compare with: version 4 only added
    # elements at the end, renamed 0013 as 0135, and let UCF and UCM do without references.
    renamed = {"0013": "0135"}
    for tag in ("UCI", "UCM", "UCS", "UCD", "UCF"):
        three, four = service_segments("3")[tag].elements, service_segments("4")[tag].elements
        for old, new in zip(three, four, strict=False):
            identifiers = [renamed.get(part.element.id, part.element.id) for part in old.components]
            assert identifiers == [part.element.id for part in new.components][: len(identifiers)], tag


@pytest.mark.parametrize(("version", "file"), [("3", "v3.xml"), ("4", "v4r01.xml")])
def test_service_code_lists_are_those_of_staedi(version, file):
    root = ET.parse(STAEDI / file).getroot()
    space = root.tag.partition("}")[0] + "}"
    lists = {
        item.get("name")[2:]: {value.text for value in item.iter(f"{space}value")}
        for item in root.iter(f"{space}elementType")
        if item.find(f"{space}enumeration") is not None
    }
    parts = [
        part for segment in service_segments(version).values() for use in segment.elements for part in use.components
    ]
    ours = {part.element.id: part.element.codes for part in parts if part.element.codes and part.element.id in lists}
    assert ours.keys() >= {"0001", "0007", "0051"}
    assert {element: codes ^ lists[element] for element, codes in ours.items() if codes != lists[element]} == {}


@pytest.mark.parametrize("file", ["v4.xml", "v4r01.xml", "v4r02.xml"])
def test_dependency_notes_are_those_of_staedi_where_it_has_them(file):
    root = ET.parse(STAEDI / file).getroot()
    space = root.tag.partition("}")[0] + "}"
    kinds = {"single": "one-only", "paired": "all-or-none"}
    theirs = {
        item.get("name"): [
            (kinds[rule.get("type")], tuple(int(part.text) for part in rule)) for rule in item.iter(f"{space}syntax")
        ]
        for item in root.iter(f"{space}segmentType")
        if item.find(f"{space}syntax") is not None
    }
    assert theirs.keys() == {"UNG"}
    ours = service_segments("4")["UNG"].conditions
    assert [(one.kind, one.parts) for one in ours] == theirs["UNG"]
