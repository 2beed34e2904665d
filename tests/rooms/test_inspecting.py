"""`inspect` shows a message with its findings in place, and its tree; EDIFACT and X12 alike."""

import io
import json
import time
from pathlib import Path

import edifact_samples
import pytest
import x12_samples
from typer.testing import CliRunner
from x12_samples import GE, GS, IEA, ISA, ORDER

from edi_server.cli.application import app
from edi_server.desk.inspecting import InterchangeSeen, MessageSeen, NotEdi, inspect

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "samples"
WRONG = ISA + GS + "ST*850*0001~BEG*00*SA*PO-1**20261123~N1*BT~PO1*1*ten*EA*5~SE*9*0001~" + GE + IEA
LEVELS = (
    ISA
    + GS.replace("GS*PO", "GS*SH")
    + "ST*856*0001~BSN*00*S-1*20261123*1405~HL*1**S~TD1*CTN*1~HL*2*1*O~PRF*PO-1~HL*3*2*I~LIN**VP*A~SN1**5*EA~CTT*3~SE*11*0001~"
    + GE
    + IEA
)


def look(content, **options):
    content = content if isinstance(content, bytes) else content.encode()
    return list(inspect(io.BytesIO(content), lambda start, end: content[start:end], **options))


def message(content, **options):
    (seen,) = [one for one in look(content, **options) if isinstance(one, MessageSeen)]
    return seen


def printed(path, content, *options, width=80, code=1):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(app, ["inspect", *options, str(path)], env={"COLUMNS": str(width)})
    assert result.exit_code == code, result.output
    return result.stdout


def test_x12_is_checked_against_its_guide():
    seen = message(WRONG)
    assert (seen.guide, seen.is_rejected, seen.header.type) == ("850 004010", True, "850")
    codes = [pointed.finding.code for pointed in seen.findings]
    assert {"guide.value-not-decimal", "envelope.se-count"} <= set(codes)


def test_segments_with_findings_are_shown_with_their_neighbours():
    shown = message(WRONG).shown
    assert [(segment.number, segment.tag) for segment in shown] == [(2, "BEG"), (3, "N1"), (4, "PO1"), (5, "SE")]
    order_line = shown[2]
    (marked,) = order_line.findings
    assert (order_line.text, marked.mark, marked.element) == ("PO1*1*ten*EA*5~", 6, "PO102 Quantity ordered")


def test_a_clean_message_shows_no_segments_unless_asked():
    assert message(LEVELS).findings == ()
    assert message(LEVELS).shown == ()
    assert len(message(LEVELS, tree=True).shown) == 11


def test_the_tree_hangs_levels_under_each_other():
    shown = [(segment.depth, segment.tag, segment.name) for segment in message(LEVELS, tree=True).shown]
    assert shown[2:9] == [
        (0, "HL", "Shipment"),
        (1, "TD1", "Quantity and weight of shipment"),
        (1, "HL", "Order"),
        (2, "PRF", "Order reference"),
        (2, "HL", "Item"),
        (3, "LIN", "Item"),
        (3, "SN1", "Quantity shipped"),
    ]


def test_the_tree_of_edifact_shows_groups():
    order = edifact_samples.wrapped("BGM+220+1", "DTM+137:20261123:102", "LIN+1", "QTY+21:5")
    shown = message(order, tree=True).shown
    assert [(segment.depth, segment.tag, segment.group) for segment in shown[3:5]] == [
        (0, "LIN", "SG25"),
        (1, "QTY", ""),
    ]


def test_segments_without_a_place_come_last():
    shown = message(
        ISA + GS + "ST*850*0001~XYZ*1~BEG*00*SA*1**20261123~PO1*1*1*EA~SE*5*0001~" + GE + IEA, tree=True
    ).shown
    assert [segment.tag for segment in shown if not segment.placed] == ["XYZ"]
    assert shown[-1].tag == "XYZ"
    assert [marked.finding.code for marked in shown[-1].findings] == ["guide.segment-unknown"]


def test_a_message_without_guide_is_shown_as_it_stands():
    shown = message(x12_samples.ORDERS.replace("850", "123"), tree=True).shown
    assert [(segment.tag, segment.placed) for segment in shown] == [("ST", False), ("BEG", False), ("SE", False)]


def test_findings_are_printed_below_what_they_mean(tmp_path):
    text = printed(tmp_path / "a file.x12", WRONG)
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if "PO1*1*ten" in line)
    assert lines[at].endswith("Order line")
    assert lines[at + 1].index("▲") == lines[at].index("ten")
    assert lines[at + 1].strip() == "▲ PO102 Quantity ordered"
    assert lines[at + 2].split()[:3] == ["error", "Data", "element"]
    assert "found ten · expected" in text
    assert "850 order 0001" in text
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_paper(tmp_path, width):
    long = WRONG.replace("*SA*PO-1*", f"*SA*{'x' * 200}*").replace("N1*BT", f"N1*BT*{'y' * 100}*1*ZZZZ")
    for options in ([], ["--tree"]):
        lines = printed(tmp_path / "x", long, *options, width=width).splitlines()
        assert max(map(len, lines[2:])) <= width
        assert sum("▲" in line for line in lines) >= 4


def test_the_tree_is_printed_with_names(tmp_path):
    text = printed(tmp_path / "x", LEVELS, "--tree", code=0)
    assert "│ │ HL  Item" in text
    assert "group SH 71 004010" in text


def test_the_tree_is_in_json_too(tmp_path):
    answer = json.loads(printed(tmp_path / "x", LEVELS, "--tree", "--json", code=0))
    tree = answer["files"][0]["interchanges"][0]["messages"][0]["tree"]
    assert (tree[4]["tag"], tree[4]["depth"], tree[4]["text"]) == ("HL", 1, "HL*2*1*O~")
    assert "tree" not in json.loads(printed(tmp_path / "x", LEVELS, "--json", code=0))["files"][0]["interchanges"][0]


def test_a_bare_message_is_from_and_to_nobody_known(tmp_path):
    text = printed(tmp_path / "x", ORDER)
    assert "from (unknown) to (unknown)" in text
    assert "The interchange header (ISA) is missing" in text


def test_ebcdic_is_shown_in_characters_that_people_know(tmp_path):
    text = printed(tmp_path / "x", WRONG.replace("*00401*", "*00000*").encode("cp037"))
    assert "PO1*1*ten*EA*5~" in text
    assert "*00000*000000071" in text


def test_both_in_one_file_are_read():
    content = x12_samples.ORDERS.encode() + edifact_samples.wrapped("BGM+220")
    assert [one.header.syntax for one in look(content) if isinstance(one, InterchangeSeen)] == ["x12", "edifact"]


def test_what_begins_behind_much_junk_is_found():
    assert not any(isinstance(one, NotEdi) for one in look(b"junk " * 2000 + x12_samples.ORDERS.encode()))


def test_a_large_message_with_a_finding_in_each_segment_is_shown_in_time():
    lines = "".join(f"PO1*{number}*ten*EA*5~" for number in range(1, 1501))
    content = ISA + GS + f"ST*850*0001~BEG*00*SA*PO-1**20261123~{lines}SE*1503*0001~" + GE + IEA
    began = time.process_time()
    assert len(message(content, tree=True).shown) == 1503
    assert time.process_time() - began < 5


# the corpus


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")
@pytest.mark.parametrize("kind", sorted(path.name for path in CORPUS.glob("x12/*")) if CORPUS.is_dir() else ["850"])
def test_every_sample_gets_a_verdict_in_time(kind):
    for path in sorted((CORPUS / "x12" / kind).iterdir()):
        content = path.read_bytes()
        began = time.process_time()
        seen = look(content)
        verdicts = [one for one in seen if isinstance(one, MessageSeen)]
        assert verdicts or any(one.findings for one in seen)
        assert all(0 <= pointed.finding.place.offset <= len(content) for one in verdicts for pointed in one.findings)
        assert time.process_time() - began < 1.5 + len(content) / 20_000, path
