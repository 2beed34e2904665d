"""Directory versions and messages that users add from files: what is read, what is refused, and where it is found."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from guide_sources import REFERENCE
from typer.testing import CliRunner

from edi_server.cli.application import app
from edi_server.guides import (
    check,
    known_guides,
    known_segments,
    library,
    load_guide,
    nearest_guide,
    shelves,
    use_folder,
)
from edi_server.guides.adding import add_edifact, add_x12

#: A directory of two segments in the layout of the United Nations, made up here; EDSD with every turn that it takes.
SEGMENTS = """\
2.   Segment specifications

     Change indicators

     a plus sign (+)    for an addition

----------------------------------------------------------------------

       BGM  BEGINNING OF MESSAGE

       Function: To begin.

010    C002 DOCUMENT NAME                              C    1
       1001  Document name code                        C      an..3
       1131  Code list identification
             code                                      C      an..17

020  * 1004 DOCUMENT IDENTIFIER                        C    1 an..35

030    1225 MESSAGE FUNCTION CODE                      M    3 an..3

       Dependency note:
       030  D5(030,020) If first, then all

----------------------------------------------------------------------

   *|  ZZQ  MADE UP

       Function: To be made up.

010    1004 DOCUMENT IDENTIFIER                        C      an..35
----------------------------------------------------------------------
"""
COMPOSITES = """\
----------------------------------------------------------------------

       C002 DOCUMENT NAME

       Desc: To name a document.

010    1001  Document name code                        C      an..3
020    1131  Code list identification code             C      an..17
----------------------------------------------------------------------
"""
ELEMENTS = """\
----------------------------------------------------------------------

     1001  Document name code                                      [C]

     Desc: Code specifying the document name.

     Repr: an..3

     Note: 1 This list is long.

----------------------------------------------------------------------
     1004  Document identifier                                     [B]
     Desc: To identify a document.
     Repr: an..35
----------------------------------------------------------------------
     1131  Code list identification code                           [C]
     Desc: Code identifying a list.
     Repr: an..17
----------------------------------------------------------------------
     1225  Message function code                                   [C]
     Desc: Code of the function.
     Repr: an..3
"""
CODES = """\
----------------------------------------------------------------------

*    1225  Message function code                                   [C]

     Desc: Code of the function.

     Repr: an..3

     Note: 1 This is no code.

     1     Cancellation
              Message that cancels
              9 others.
+    9     Original
              First message.
        31 Copy
             Written at the right, as they did until 1998.
-    7     Duplicate
              Not any more.
"""
MESSAGE = """\
                                           Message Type : MADEUP
                                           Version      : D
                                           Release      : 02B
                                           Contr. Agency: UN

       4.3    Message structure
              4.3.1 Segment table

4.3.1  Segment table

Pos    Tag Name                                      S   R

           HEADER SECTION

0010   UNH Message header                            M   1
0020   BGM Beginning of message                      M   1

0030 + ----- Segment group 1  ------------------     C   10----------+
0040   ZZQ Made up                                   M   1           |
                                                                     |
0050       ----- Segment group 2  ------------------ C   99---------+|
0060   ZZQ Made up                                   M   1          ||
0070   BGM Beginning of message                      C   5----------++

           SUMMARY SECTION

0080 * ZZQ Made up                                   C   1
0090   UNT Message trailer                           M   1
"""
PARTS = {
    "EDSD.02B": SEGMENTS,
    "EDCD.02B": COMPOSITES,
    "EDED.02B": ELEMENTS,
    "UNCL.02B": CODES,
    "MADEUP_D.02B": MESSAGE,
    "README.TXT": "Nothing of interest.",
}


@pytest.fixture
def folder(tmp_path):
    """The folder of added guides, with a blank in its name."""
    folder = tmp_path / "our guides"
    use_folder(folder)
    yield folder
    use_folder(None)


@pytest.fixture
def parts(tmp_path):
    """The made-up directory as files."""
    source = tmp_path / "from Geneva"
    source.mkdir()
    for name, text in PARTS.items():
        (source / name).write_text(text, "latin-1")
    return source


def rows_of(guide):
    return [(row.tag, row.path, row.mandatory, row.repeat, row.section) for row in guide.positions]


def test_a_directory_of_the_united_nations_is_added_and_found(parts, folder):
    added = add_edifact(parts, folder)
    assert added.problems == ()
    assert (added.version, added.messages, added.segments, added.codes) == ("D.02B", ("MADEUP",), 2, 3)
    guide, doubt = nearest_guide("D.02B", "MADEUP")
    assert doubt is None
    assert rows_of(guide) == [
        ("UNH", "", True, 1, "header"),
        ("BGM", "", True, 1, "header"),
        ("ZZQ", "SG1", True, 1, "header"),
        ("ZZQ", "SG1/SG2", True, 1, "header"),
        ("BGM", "SG1/SG2", False, 5, "header"),
        ("ZZQ", "", False, 1, "summary"),
        ("UNT", "", True, 1, "summary"),
    ]
    assert [(group.name, group.mandatory, group.repeat) for group in guide.groups.values()] == [
        ("SG1", False, 10),
        ("SG2", False, 99),
    ]


def test_segments_composites_formats_codes_and_dependencies_are_read(parts, folder):
    add_edifact(parts, folder)
    begin = known_segments("edifact", "D.02B")["BGM"]
    assert begin.name == "Beginning of message"
    assert [(use.composite, use.mandatory, use.repeat) for use in begin.elements] == [
        ("C002", False, 1),
        (None, False, 1),
        (None, True, 3),
    ]
    elements = [part.element for use in begin.elements for part in use.components]
    assert [(one.id, one.name, one.kind, one.max_length, one.codes and sorted(one.codes)) for one in elements] == [
        ("1001", "Document name code", "an", 3, None),
        ("1131", "Code list identification code", "an", 17, None),
        ("1004", "Document identifier", "an", 35, None),
        ("1225", "Message function code", "an", 3, ["1", "31", "9"]),
    ]
    assert [(one.kind, one.parts) for one in begin.conditions] == [("first-needs-all", (3, 2))]


def test_a_message_is_checked_against_what_was_added(parts, folder):
    add_edifact(parts, folder)
    guide = load_guide(message="MADEUP", version="D.02B")
    whole = ["UNH+1+MADEUP:D:02B:UN", "BGM+1+X+9", "ZZQ+A", "ZZQ+B", "UNT+5+1"]
    assert check(guide, whole, released=False).findings == []
    (finding,) = check(guide, [*whole[:1], "BGM+1+X+77", *whole[2:]], released=False).findings
    assert (finding.code, finding.found) == ("guide.code-unknown", "77")


def test_zip_files_in_a_zip_file_are_read_as_they_are_published(parts, folder, tmp_path):
    outer = tmp_path / "d02b.zip"
    with zipfile.ZipFile(outer, "w") as packed:
        for name in ("EDSD.02B", "EDCD.02B", "EDED.02B", "UNCL.02B"):
            packed.write(parts / name, name)
        inner = tmp_path / "EDMD.zip"
        with zipfile.ZipFile(inner, "w") as messages:
            messages.write(parts / "MADEUP_D.02B", "MADEUP_D.02B")
        packed.write(inner, "EDMD.zip")
    assert add_edifact(outer, folder).messages == ("MADEUP",)
    assert add_edifact(parts, folder / "again").segments == 2


def test_lines_of_code_page_437_say_where_groups_end(parts, folder):
    boxes = (
        MESSAGE.replace("----------++", "ÄÄÄÄÄÄÄÄÄÄÁÙ")
        .replace("----------+", "ÄÄÄÄÄÄÄÄÄÄ¿")
        .replace("---------+|", "ÄÄÄÄÄÄÄÄÄ¿³")
    )
    (parts / "MADEUP_D.02B").write_bytes(boxes.replace("-----", "ÄÄÄÄÄ").replace("|", "³").encode("latin-1"))
    assert add_edifact(parts, folder).problems == ()
    assert [row[:2] for row in rows_of(load_guide(message="MADEUP", version="D.02B"))][4:] == [
        ("BGM", "SG1/SG2"),
        ("ZZQ", ""),
        ("UNT", ""),
    ]


def test_a_message_alone_takes_its_segments_from_the_version_that_we_have(folder, tmp_path):
    text = MESSAGE.replace("02B", "96A").replace("ZZQ Made up ", "RFF Reference")
    (tmp_path / "MADEUP_D.96A").write_text(text)
    assert add_edifact(tmp_path / "MADEUP_D.96A", folder).problems == ()
    assert load_guide(message="MADEUP", version="D.96A").positions[2].segment.name == "Reference"
    assert load_guide(message="ORDERS", version="D.96A").positions[2].tag == "DTM"


def test_what_is_added_under_a_version_of_ours_takes_the_place_of_that_message_alone(folder, tmp_path):
    before = {name: load_guide(message=name, version="D.96A") for name in ("ORDERS", "DESADV")}
    text = MESSAGE.replace("02B", "96A").replace("MADEUP", "ORDERS").replace("ZZQ Made up ", "RFF Reference")
    (tmp_path / "ORDERS_D.96A").write_text(text)
    add_edifact(tmp_path / "ORDERS_D.96A", folder)
    assert len(load_guide(message="ORDERS", version="D.96A").positions) == 7
    assert load_guide(message="DESADV", version="D.96A") is before["DESADV"]
    assert known_guides()["ORDERS"].count("D.96A") == 1
    use_folder(None)
    assert load_guide(message="ORDERS", version="D.96A") is before["ORDERS"]


def test_a_running_process_finds_what_another_one_added(parts, folder, monkeypatch):
    assert nearest_guide("D.02B", "MADEUP")[0] is None
    # Another process has no way to tell this one.
    monkeypatch.setattr("edi_server.guides.adding.look_again", lambda: None)
    add_edifact(parts, folder)
    assert nearest_guide("D.02B", "MADEUP")[0] is None, "it looks once a second at most"
    monkeypatch.setattr(shelves._Added, "looked_at", 0.0)
    assert nearest_guide("D.02B", "MADEUP")[1] is None


def test_asking_for_a_guide_again_reads_nothing(monkeypatch):
    nearest_guide("D.96A", "ORDERS")
    monkeypatch.setattr(library, "_load", None)
    assert nearest_guide("D.96A", "ORDERS")[0].version == "D.96A"


WRONG = [
    ("EDSD.02B", "C002 DOCUMENT", "C009 DOCUMENT", "EDSD.02B:9: BGM has a part C009, which is defined nowhere."),
    ("EDCD.02B", "1131  Code", "1139  Code", "EDCD.02B:3: C002 has a part 1139, which is defined nowhere."),
    ("EDSD.02B", "M    3 an..3", "     3 an..3", "EDSD.02B:20: BGM: the line of 1225 says neither M nor C."),
    ("EDSD.02B", "D5(030,020)", "D5(030,070)", "EDSD.02B:23: BGM: D5 names the position 070, which it lacks."),
    ("MADEUP_D.02B", "0040   ZZQ Made up ", "0040   QQZ Made up ", "MADEUP_D.02B:19: MADEUP has a segment QQZ, which is"),
    ("MADEUP_D.02B", "C   5----------++", "C   5           ||", "MADEUP_D.02B:28: Segment group 2 does not end."),
    ("MADEUP_D.02B", "C   5----------++", "C   5-------++++", "MADEUP_D.02B:23: 4 segment groups end here, but only 2 are"),
    ("MADEUP_D.02B", "ZZQ Made up                                   M   1          ||", "ZZQ Made up   C   1   ||",
     "MADEUP_D.02B:22: ZZQ begins a segment group, and so must be M 1, not C 1."),
    ("MADEUP_D.02B", "0090   UNT Message trailer                           M   1\n", "", "MADEUP_D.02B:27: MADEUP must end"),
    ("MADEUP_D.02B", "MADEUP\n", "\n", "MADEUP_D.02B:13"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong", "sentence"), WRONG[:-1])
def test_what_is_wrong_is_said_with_file_and_line_and_nothing_is_kept(parts, folder, name, right, wrong, sentence):
    assert right in PARTS[name]
    (parts / name).write_text(PARTS[name].replace(right, wrong))
    problems = add_edifact(parts, folder).problems
    assert any(problem.startswith(sentence) for problem in problems), problems
    assert not folder.exists()


def test_files_of_two_versions_are_refused(parts, folder):
    (parts / "SECOND_D.03A").write_text(MESSAGE.replace("02B", "03A").replace("MADEUP", "SECOND"))
    (problem,) = add_edifact(parts, folder).problems
    assert problem.endswith("add one version at a time.")


def test_a_version_that_no_message_says_must_be_said(parts, folder):
    (parts / "MADEUP_D.02B").unlink()
    (problem,) = add_edifact(parts, folder).problems
    assert "No message says the version; say it, such as D.96B." in problem
    assert add_edifact(parts, folder, version="D.02B").problems == ()
    assert known_segments("edifact", "D.02B")["ZZQ"].name == "Made up"


def test_files_that_are_no_directory_are_refused(tmp_path, folder):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "order.edi").write_bytes(b"UNH+1+ORDERS:D:96A:UN'\x00\xff")
    (tmp_path / "x" / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    problems = add_edifact(tmp_path / "x", folder).problems
    assert any("broken.zip: This zip file cannot be read" in problem for problem in problems)
    (tmp_path / "x" / "broken.zip").unlink()
    (problem,) = add_edifact(tmp_path / "x", folder).problems
    assert problem.endswith("It holds nothing that we know as part of a directory.")
    with pytest.raises(FileNotFoundError):
        add_edifact(tmp_path / "nowhere", folder)


def test_a_message_type_leads_to_no_other_folder(tmp_path, folder):
    (tmp_path / "x.txt").write_text("version 004010\n[message ../../850]\nST M 1\nSE M 1\n")
    assert add_x12(tmp_path / "x.txt", folder).problems
    assert not folder.exists()


# -- every message, through the layout of the United Nations and back


def written_by_the_united_nations(guide):
    """The segment table of a guide as EDMD prints it."""
    lines, ends = ["4.3.1  Segment table", "Pos    Tag Name  S   R", ""], {}
    for group in guide.groups.values():
        ends[group.last] = ends.get(group.last, 0) + 1
    for number, row in enumerate(guide.positions):
        depth = row.path.count("/") + 1 if row.path else 0
        if group := guide.groups.get(row.index):
            right = f"{group.repeat}".ljust(14 - depth, "-") + "+" + "|" * (depth - 1)
            name = f"----- Segment group {group.name[2:]} ".ljust(37, "-")
            lines.append(f"{number:04}       {name} {'M' if group.mandatory else 'C'}   {right}")
        closing = ends.get(row.index, 0)
        fill = "-" if closing else " "
        right = f"{row.repeat}".ljust(14 - depth, fill) + ("+" * closing + "|" * (depth - closing))
        lines.append(f"{number:04}   {row.tag} {row.segment.name[:40]:<41} {'M' if row.mandatory else 'C'}   {right}")
    return "\n".join(lines)


@pytest.mark.parametrize("version", known_guides()["ORDERS"])
def test_every_message_that_ships_is_read_back_from_the_layout_of_the_united_nations(version, tmp_path, folder):
    guides = [load_guide(message=name, version=version) for name, known in known_guides().items() if version in known]
    (tmp_path / "messages").mkdir()
    for guide in guides:
        text = written_by_the_united_nations(guide)
        (tmp_path / "messages" / f"{guide.message}_{version}").write_text(text)
    added = add_edifact(tmp_path / "messages", folder)
    assert (added.problems, len(added.messages)) == ((), len(guides))
    for guide in guides:
        again = load_guide(message=guide.message, version=version)
        assert again is not guide
        assert [row[:4] for row in rows_of(again)] == [row[:4] for row in rows_of(guide)]
        assert again.groups == guide.groups
        assert [row.segment for row in again.positions] == [row.segment for row in guide.positions]


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="../shared is missing")
def test_the_text_of_the_united_nations_of_d96b_says_what_another_copy_of_it_does(folder):
    added = add_edifact(REFERENCE / "un_d96b_original", folder, version="D.96B")
    assert (added.problems, added.segments) == ((), 136)
    tables = REFERENCE / "business-edi_perl/lib/Business/EDI/data/edifact/untdid"
    ours = known_segments("edifact", "D.96B")
    formats = dict(line.split(";")[:2] for line in (tables / "EDED.d96b.csv").read_text("latin-1").splitlines())
    compared = 0
    for line in (tables / "EDSD.d96b.csv").read_text("latin-1").splitlines():
        tag, _, *cells = line.split(";")
        if tag in ("UGH", "UGT", "UNS"):
            continue
        theirs = list(zip(cells[1::4], cells[2::4], strict=False))
        uses = ours[tag].elements
        assert [
            (use.composite or use.components[0].element.id, "M" if use.mandatory else "C") for use in uses
        ] == theirs
        for part in (part for use in uses for part in use.components):
            low, high = part.element.min_length, part.element.max_length
            form = f"{part.element.kind}{'' if low == high and form_is_fixed(formats, part) else '..'}{high}"
            assert form == formats[part.element.id], part.element.id
            compared += 1
    assert compared > 1000


def form_is_fixed(formats, part):
    return ".." not in formats[part.element.id]


# -- X12


TABLE = """\
# What we licensed.
version 004010

[elements]
9001 AN 1/10 Our own text
9002 N2 1/8 Our own amount
[codes]
353 00 01
  05
[segments]
QQ1 Our own segment = 9001! 353 9002 | P0203 C0102
[message 899]
header
ST M 1
BEG M 1
detail
LOOP-QQ1 O >1
  QQ1 M 1
  REF O 5
summary
SE M 1
"""


def test_a_table_of_x12_is_added_to_the_version_that_we_have(tmp_path, folder):
    (tmp_path / "licensed.txt").write_text(TABLE)
    added = add_x12(tmp_path / "licensed.txt", folder)
    assert (added.problems, added.version, added.messages) == ((), "004010", ("899",))
    guide, doubt = nearest_guide("004010", "899", "x12")
    assert doubt is None
    assert rows_of(guide) == [
        ("ST", "", True, 1, "header"),
        ("BEG", "", True, 1, "header"),
        ("QQ1", "LOOP-QQ1", True, 1, "detail"),
        ("REF", "LOOP-QQ1", False, 5, "detail"),
        ("SE", "", True, 1, "summary"),
    ]
    own = guide.position(3).segment
    assert [(one.kind, one.parts) for one in own.conditions] == [("all-or-none", (2, 3)), ("first-needs-all", (1, 2))]
    kinds = [use.components[0].element for use in own.elements]
    assert [(one.kind, one.min_length, one.max_length) for one in kinds] == [("AN", 1, 10), ("ID", 2, 2), ("N2", 1, 8)]
    assert kinds[1].codes == {"00", "01", "05"}
    assert load_guide(syntax="x12", message="850", version="004010").positions[1].tag == "BEG"
    assert check(guide, ["ST+899+0001", "BEG+00+SA+1++20261123", "SE+3+0001"], released=False).findings == []


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("AN 1/10", "an 10", "t.txt:5: “9001 an 10 Our own text” is no data element; write it like 353 ID 2/2 Name."),
        ("= 9001!", "= 9009!", "t.txt:11: QQ1 has a part 9009, which is defined nowhere."),
        ("P0203", "P0209", "t.txt:11: QQ1: P0209 names a place beyond the 3 that there are."),
        ("P0203", "Q0203", "t.txt:11: QQ1: “Q0203” is no condition; write it like D5(3,4) or P0304."),
        ("QQ1 M 1", "QQ7 M 1", "t.txt:18: 899 has a segment QQ7, which is defined nowhere."),
        ("BEG M 1", "BEG often", "t.txt:15: “BEG often” is no line of a message; write it like RFF M 1."),
        ("SE M 1\n", "", "t.txt:19: 899 must end with SE, outside any group."),
        (
            "version 004010\n",
            "",
            "t.txt: It does not say which version it is for: write a line such as version 004010.",
        ),
        ("[elements]\n", "", "t.txt:4: “9001 AN 1/10 Our own text” stands before the first part, such as [elements]."),
        ("9002 N2", "9001 N2", "t.txt:6: 9001 stands in [elements] twice, first in line 5."),
    ],
)
def test_what_is_wrong_with_a_table_of_x12_is_said_with_its_line(tmp_path, folder, right, wrong, sentence):
    assert right in TABLE
    (tmp_path / "t.txt").write_text(TABLE.replace(right, wrong, 1))
    assert sentence in add_x12(tmp_path / "t.txt", folder).problems
    assert not folder.exists()


def test_versions_of_x12_fall_back_within_their_family_first():
    for claimed, near in [("003070", "003060"), ("004020", "004010"), ("004050", "004030"), ("005050", "005010"),
                          ("007030", "006020"), ("002001", "003060"), ("00401", "004010"), ("4010", "004010"), ("", "004010")]:  # fmt: skip
        guide, doubt = nearest_guide(claimed, "850", "x12")
        assert (guide.version, doubt.code) == (near, "guide.version-unknown"), claimed
        assert near in doubt.sentence
        assert doubt.place.tag == "ST"
    assert nearest_guide("005010X222A1", "850", "x12")[1] is None
    assert nearest_guide("004010", "899", "x12")[1].code == "guide.message-unknown"


# -- the command


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    yield lambda *words: CliRunner().invoke(app, ["guide", *words])
    use_folder(None)


def test_the_command_adds_lists_and_shows(call, parts, tmp_path):
    added = call("add", "--edifact", str(parts))
    assert added.exit_code == 0, added.output
    assert "D.02B: MADEUP" in added.output
    assert (tmp_path / "var" / "guides" / "edifact" / "D.02B" / "MADEUP.txt").is_file()
    assert re.search(r"MADEUP +D\.02B\*", call("list").output)
    rows = {row["message"]: row for row in json.loads(call("list", "--json", "--syntax", "edifact").output)["guides"]}
    assert rows["MADEUP"]["added"] == ["D.02B"]
    assert rows["ORDERS"]["added"] == []
    tree = call("show", "MADEUP", "D.02B").output
    assert re.search(r"SG2 +C 99 +group\n +ZZQ +M 1 +Made up\n", tree)
    segment = call("show", "d02b", "bgm").output
    assert re.search(r"3 +1225 +M \*3 +an\.\.3 +Message function code\n +1 31 9\n", segment)
    assert "condition: BGM03 only with BGM02" in segment
    assert json.loads(call("show", "ORDERS", "D.96A", "--json").output)["rows"][8] == {
        "level": 1, "name": "RFF", "title": "Reference", "mandatory": True, "repeat": 1, "section": "header",
    }  # fmt: skip


def test_the_command_says_what_is_wrong_and_adds_nothing(call, parts, tmp_path):
    (parts / "EDCD.02B").unlink()
    (parts / "EDSD.02B").write_text(SEGMENTS.replace("C002", "C009"))
    wrong = call("add", "--edifact", str(parts))
    assert wrong.exit_code == 1
    assert "EDSD.02B:9: BGM has a part C009, which is defined nowhere." in wrong.output
    assert "Nothing was added." in wrong.output
    assert not (tmp_path / "var" / "guides").exists()
    assert call("add").exit_code == 2
    assert call("add", "--x12", "nowhere.txt").exit_code == 2
    unknown = call("show", "ORDERS", "D.55X")
    assert unknown.exit_code == 2
    assert "D.96A" in unknown.output


def test_the_folder_of_guides_is_configured(call, tmp_path):
    Path("edi-server.toml").write_text('[guides]\nfolder = "the standards"\n')
    Path("licensed.txt").write_text(TABLE)
    assert call("add", "--x12", "licensed.txt").exit_code == 0
    assert (tmp_path / "the standards" / "x12" / "004010" / "899.txt").is_file()


def test_inspect_finds_what_was_added_and_does_without_a_configuration_that_cannot_be_read(call, parts, tmp_path):
    message = b"UNB+UNOC:3+A+B+260101:0900+1'UNH+1+MADEUP:D:02B:UN'BGM+1+X+9'ZZQ+A'UNT+4+1'UNZ+1+1'"
    (tmp_path / "message.edi").write_bytes(message)
    unknown = CliRunner().invoke(app, ["inspect", "message.edi"])
    assert "We do not know the message type MADEUP" in unknown.output
    call("add", "--edifact", str(parts))
    assert CliRunner().invoke(app, ["inspect", "message.edi"]).exit_code == 0
    use_folder(None)
    Path("edi-server.toml").write_text("this is not TOML")
    assert CliRunner().invoke(app, ["inspect", "message.edi"]).output == unknown.output
