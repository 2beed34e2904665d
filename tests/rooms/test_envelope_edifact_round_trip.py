"""What is read and written again from headers and segments is the same, and the same bytes where the source is canonical."""

import csv
from pathlib import Path

import msgspec
import pytest
from edifact_samples import ORDER, UNB, UNZ, opened

from edi_server.envelope.edifact import close_group, close_interchange, close_message, wrap_edifact
from edi_server.envelope.model import (
    GroupClosed,
    GroupOpened,
    Identity,
    InterchangeClosed,
    InterchangeHeader,
    InterchangeOpened,
    MessageRead,
)

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Characters outside UNOA and UNOB are written as they stand, and said.
TOLD = {"syntax.lower-case", "syntax.outside-level"}

UNB_4 = "UNB+UNOC:4:D03A:7:02+S:14:BACK:IN+R:30:TO:OUT+20261123:1405+7001+PW:BB+ORDERS+A+2+EANCOM+2'"
UNH_4 = "UNH+1+ORDERS:D:10A:UN:EAN011:5:SUB+ACC+3:F+SUBSET:1:2:UN+GUIDE:3:4:X+SCENE'"
UNG = "UNG+ORDERS+S:14+R:ZZ+261123:1405+G1+UN+D:96A:EAN008+PASS'"

OWN = {
    "plain": UNB + ORDER + UNZ,
    "version 1": UNB.replace("UNOC:3", "UNOA:1").upper() + ORDER + UNZ,
    "version 2": UNB.replace("UNOC:3", "UNOB:2") + ORDER + UNZ,
    "version 4": UNB_4 + UNH_4 + "FTX+a*b*c:d?+e'UNT+3+1'" + UNZ,
    "test": UNB[:-1] + "++++++1'" + ORDER + UNZ,
    "acknowledgment": UNB[:-1] + "+PASSWORD:AA+APP+A+1+AGREED'" + ORDER + UNZ,
    "group": UNB + UNG + ORDER + "UNE+1+G1'" + UNZ,
    "two groups": UNB + UNG + ORDER + "UNE+1+G1'UNG+++++G2'" + ORDER.replace("+1", "+2") + "UNE+1+G2'UNZ+2+7001'",
    "announced": "UNA:+,? '" + UNB + ORDER + UNZ,
    "other separators": "UNA;|,\\ ~UNB|UNOC;3|S|R|261123;1405|1~UNH|1|ORDERS;D;96A;UN~FTX|\\;+'\\|~UNT|3|1~UNZ|1|1~",
    "line feed terminates": "UNA:+.  \nUNB+UNOC:3+S+R+261123:1405+1\nUNH+1+ORDERS:D:96A:UN\nUNT+2+1\nUNZ+1+1\n",
    "information separators": UNB.replace("UNOC:3", "UNOB:1").translate(str.maketrans("+:'", "\x1d\x1f\x1c"))
    + (ORDER + UNZ).translate(str.maketrans("+:'", "\x1d\x1f\x1c")),
    "empty": UNB + "UNZ+0+7001'",
}
#: Clean samples that are not written as they came: what was not canonical about them.
NOT_CANONICAL = {
    "UNA announces repetitions, which came with version 4": {
        "hellooops_vscode-edi-support__docs_multiple_transactions.edifact",
        "hellooops_vscode-edi-support__docs_EDIFACT-interchanges.edifact",
        "hellooops_vscode-edi-support__docs_sample-orders-minified.edifact",
        "hellooops_vscode-edi-support__docs_sample-orders.edifact",
        "hellooops_vscode-edi-support__providers_inlayHintsEdiProvider.test.ts-embedded1.edi",
        *(
            f"hellooops_vscode-edi-support__suite_edifact.test.ts-embedded{number}.edi"
            for number in (1, 2, 3, 7, 8, 11, 13, 16, 17, 18, 19)
        ),
    },
    "segments are indented or stand in one line with blanks between them": {
        "text-index__index-id_33132048502_spaced_placeholder_DESADV.edi",
        "hellooops_vscode-edi-support__suite_edifact.test.ts-embedded14.edi",
        "hellooops_vscode-edi-support__suite_edifact.test.ts-embedded5.edi",
    },
    "UNB ends in separators with nothing behind them": {
        "hellooops_vscode-edi-support__docs_bug-edifact-escape.edifact"
    },
    "lines are wrapped inside segments": {
        "rioncm_bots-edi-k8s__my_first_plugin_order02.edi",
        "rioncm_bots-edi-k8s__source2_orders03.edi",
    },
}


def written(events, line_breaks):
    """The bytes of all interchanges, made from headers and bodies; and the codes of what was said."""
    content, codes, parts, group = b"", set(), [], None
    for event in events:
        match event:
            case InterchangeOpened():
                parts, group = [], None
            case GroupOpened():
                group = []
            case MessageRead():
                message = close_message(event.header, event.segments[1:-1])
                (parts if group is None else group).append(message)
            case GroupClosed():
                parts.append(close_group(event.header, group))
                group = None
            case InterchangeClosed():
                piece, findings = wrap_edifact(event.header, parts, line_breaks=line_breaks)
                content += piece
                codes |= {finding.code for finding in findings}
    return content, codes


def tree(events):
    """All that was said, without where it stood; separators with nothing behind them at the end of UNB say nothing."""
    said = []
    for event in events:
        match event:
            case InterchangeOpened():
                segment = event.header.segment.rstrip("+:")
                said.append(msgspec.structs.replace(event.header, segment=segment))
            case MessageRead():
                said.append((event.header, event.segments))
            case GroupOpened() | GroupClosed():
                said.append((type(event), event.header))
    return said


def check_round_trip(content, charset="latin-1"):
    """True if the bytes came back as well, with some kind of line break or without."""
    raw = content.encode(charset) if isinstance(content, str) else content
    events = opened(raw)
    outcomes = [written(events, line_breaks) for line_breaks in (False, "\n", True)]
    for again, codes in outcomes:
        assert tree(opened(again)) == tree(events)
        assert codes <= TOLD
    source = raw.removeprefix(BYTE_ORDER_MARK).strip(b" \r\n")
    return any(again.strip(b" \r\n") == source for again, _ in outcomes)


@pytest.mark.parametrize("content", OWN.values(), ids=OWN)
def test_what_is_written_again_is_the_same_bytes(content):
    assert {finding.code for event in opened(content) for finding in event.findings} <= {"envelope.interchange-empty"}
    assert check_round_trip(content)


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("UNOC:3", "iso8859-1", "Grüße"),
        ("UNOD:3", "iso8859-2", "Łódź"),
        ("UNOE:3", "iso8859-5", "Москва"),
        ("UNOF:3", "iso8859-7", "Αθήνα"),
        ("UNOK:3", "iso8859-9", "İstanbul"),
        ("UNOL:3", "iso8859-15", "5 €"),
        ("UNOX:3", "iso2022_jp", "日本語:ア・イ：十？"),
        ("UNOY:3", "utf-8", "北京 ’"),
        ("UNOC:4::4", "cp850", "Grüße"),
        ("UNOC:4::7", "utf-8", "Łódź"),
    ],
)
def test_text_comes_back_in_every_character_set(charset, codec, text):
    date = "20261123" if ":4" in charset else "261123"
    unb = UNB.replace("UNOC:3", charset).replace("261123", date)
    raw = (unb + f"UNH+1+ORDERS:D:96A:UN'FTX+AAI+++{text}'UNT+3+1'" + UNZ).encode(codec)
    assert check_round_trip(raw)


def test_yen_and_overline_are_not_written_as_readers_would_take_them_for_ascii():
    header = opened(UNB.replace("UNOC", "UNOX") + ORDER + UNZ)[0].header
    content, findings = wrap_edifact(header, [["FTX+¥5 ‾"]])
    assert b"FTX+.5 " in content
    assert "syntax.character-unwritable" in {finding.code for finding in findings}


HEADER = InterchangeHeader(
    syntax="edifact", charset="UNOC", syntax_version="4", sender=Identity(id="S"), recipient=Identity(id="R")
)


@pytest.mark.parametrize(
    ("test", "code", "indicator"),
    [(True, "", "1"), (True, "2", "2"), (True, "0", "1"), (False, "2", ""), (False, "0", "0"), (False, "", "")],
)
def test_whether_it_is_a_test_decides_before_what_kind_of_test(test, code, indicator):
    header = msgspec.structs.replace(HEADER, test=test, test_code=code)
    assert close_interchange(header, [])[0] == ("UNB+UNOC:4+S+R" + ("++++++++" + indicator if indicator else ""))


def test_a_line_break_may_be_chosen():
    content, _ = wrap_edifact(HEADER, [], line_breaks="\n")
    assert content == b"UNB+UNOC:4+S+R'\nUNZ+0+'\n"


def samples():
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row["file"] for row in rows if row["kind"] == "edifact"]


def clean_samples():
    """Samples about which there is nothing to say, or a note at most."""
    clean = {}
    for file in samples():
        content = (CORPUS / "samples" / file).read_bytes()
        found = [finding for event in opened(content) for finding in event.findings]
        if all(finding.severity == "note" for finding in found):
            clean[file] = content
    return clean


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")
def test_every_clean_sample_comes_back_and_every_canonical_one_byte_for_byte():
    clean = clean_samples()
    assert len(clean) > 130
    otherwise = {Path(file).name for file, content in clean.items() if not check_round_trip(content)}
    assert otherwise == set().union(*NOT_CANONICAL.values())


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")
def test_every_derived_file_comes_back_and_placeholders_of_counts_become_counts():
    lost = 0
    for file in sorted((CORPUS / "derived" / "edifact").rglob("*.*")):
        events = opened(file.read_bytes())
        content, codes = written(events, line_breaks=True)
        again = opened(content)
        bodies = [
            [event.segments[:-1] for event in every if isinstance(event, MessageRead)] for every in (events, again)
        ]
        # UTF-8 that was taken for Latin-1 and encoded once more: UNOC cannot say what that gives, and it is told.
        lost += not codes <= TOLD
        assert bodies[0], file.name
        assert (bodies[0] == bodies[1]) is (codes <= TOLD), file.name
        assert "envelope.unt-count" not in {finding.code for event in again for finding in event.findings}
        if codes <= TOLD and "envelope.unt-count" not in {
            finding.code for event in events for finding in event.findings
        }:
            assert tree(again) == tree(events)
    assert lost == 3
