"""Every X12 file of the corpus is opened, what is known to be broken in it is found, and it is written again."""

import csv
import io
import re
import time
from pathlib import Path

import msgspec
import pytest

from edi_server.envelope.model import Debris, GroupOpened, InterchangeClosed, InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.envelope.x12_writing import wrap_x12
from edi_server.findings import has_errors

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

#: What INDEX.tsv calls broken → the finding that says so.
FOUND_AS = {
    "SE_count_wrong": "envelope.se-count",
    "SE_ref_mismatch": "envelope.se-reference",
    "GE_count_wrong": "envelope.ge-count",
    "GE_ref_mismatch": "envelope.ge-reference",
    "IEA_count_wrong": "envelope.iea-count",
    "IEA_ref_mismatch": "envelope.iea-reference",
    "ISA_not_106": "envelope.isa-length",
    "missing_ISA": "envelope.isa-missing",
    "missing_IEA": "envelope.iea-missing",
    "missing_SE": "envelope.se-missing",
}
#: ISA16 is missing; whoever takes the "~" for it finds lines that end in "~" and references such as "1~".
NO_ISA16 = ("envelope.isa-incomplete", {"GE_ref_mismatch", "IEA_ref_mismatch"})
#: Files with another finding instead, and why. Where the flags come from a misread ISA, the trailer is there.
OTHERWISE = {
    # ST is spelled "T": the segments belong to no message, so there is no SE to check.
    "EdiFabric_X12.NET__X12_CorruptSt.txt": (
        "envelope.segment-outside-message",
        {"SE_count_wrong", "SE_ref_mismatch"},
    ),
    # Comments behind the segments, which are left out.
    "hellooops_vscode-edi-support__suite_edi-comments.test.ts-embedded2.x12": ("syntax.comment", {"missing_IEA"}),
    "hellooops_vscode-edi-support__test_x12-parser.test.ts-embedded3.x12": ("syntax.comment", {"missing_IEA"}),
    # Lines terminate segments, and yet ISA is wrapped: joined, its control number is that of IEA.
    "x12/855/kputnam_stupidedi__fail_2.edi": ("", {"IEA_ref_mismatch"}),
    "indice-co_EDI.Net__Samples_x12.850.issue135.edi": NO_ISA16,
    "apimeister_x12-types__v004010_test_940.rs-embedded3.x12": NO_ISA16,
    "apimeister_x12-types__v004010_test_940.rs-embedded4.x12": NO_ISA16,
    "apimeister_x12-types__v004010_test_940.rs-embedded9.x12": NO_ISA16,
    "apimeister_x12-types__v004010_test_940.rs-embedded16.x12": NO_ISA16,
    # ISA has too few elements, too many, or no terminator; what follows is read all the same.
    "klatar200_EDI-Hub__test_local-adapter.test.ts-embedded1.x12": (
        "envelope.isa-incomplete",
        {"ISA_not_106", "missing_IEA"},
    ),
    "apimeister_x12-types__v004010_test_940.rs-embedded5.x12": (
        "envelope.isa-incomplete",
        {"ISA_not_106", "missing_IEA"},
    ),
    "apimeister_x12-types__v004010_test_940.rs-embedded6.x12": ("envelope.isa-incomplete", {"missing_IEA"}),
    "apimeister_x12-types__v004010_test_940.rs-embedded7.x12": (
        "envelope.isa-incomplete",
        {"ISA_not_106", "missing_IEA"},
    ),
    "apimeister_x12-types__v004010_test_940.rs-embedded11.x12": ("envelope.isa-incomplete", {"missing_IEA"}),
    "apimeister_x12-types__v004010_test_940.rs-embedded23.x12": ("envelope.isa-incomplete", set()),
}
#: Unflagged files with an error all the same, each looked at: the sender's mistake.
MISTAKEN = {
    "xlate_staedi__x12_sample275_with_HL7_invalid_BIN01.edi": "syntax.binary-length",
    "Inteligenz_X12Parser___820_Example2_ScanaEnergy.txt": "envelope.isa-incomplete",
    "hellooops_vscode-edi-support__docs_X12-interchanges.x12": "envelope.gs-incomplete",
    "hellooops_vscode-edi-support__suite_x12.test.ts-embedded5.x12": "envelope.gs-incomplete",
}
#: Clean files that are not written byte for byte, each looked at: counts with leading zeros, security segments, lines
#: broken behind some segments only.
NOT_CANONICAL = {
    "rioncm_bots-edi-k8s__850_850-004010-12.x12",
    "rioncm_bots-edi-k8s__850_850-004010.14.x12",
    "rioncm_bots-edi-k8s__inbound_850-004010-12.x12",
    "hellooops_vscode-edi-support__docs_864.x12",
    "xlate_staedi__x12_optionalInterchangeServices.edi",
    "indice-co_EDI.Net__Samples_210-MGCTLYST-SAMPLE.EDI",
    "jf-tech_omniparser__edi_1_canadapost_edi_214.input.txt",
    "kputnam_stupidedi__pass_price-sheet.edi",
    "EdiFabric_X12.NET__HIPAA_ClaimPaymentEVV.txt",
}


def index():
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row for row in rows if row["kind"] == "x12"]


ROWS = index()
every_file = pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])


def opened(content):
    return list(open_interchanges(io.BytesIO(content)))


def findings(events):
    return [finding for event in events for finding in event.findings]


def content_of(row):
    return (CORPUS / "samples" / row["file"]).read_bytes()


@every_file
def test_a_file_is_opened_and_its_faults_are_found(row):
    content, name = content_of(row), Path(row["file"]).name
    began = time.process_time()
    events = opened(content)
    assert time.process_time() - began < 0.2 + len(content) / 100_000
    assert any(isinstance(event, InterchangeClosed) for event in events) or any(
        isinstance(event, Debris) and has_errors(event.findings) for event in events
    )
    found = {finding.code for finding in findings(events)}
    broken = set(row["broken"].split(",")) - {"", "-"}
    instead, excused = OTHERWISE.get(name) or OTHERWISE.get(row["file"], ("", set()))
    assert {FOUND_AS[flag] for flag in broken - excused} <= found
    assert not instead or instead in found
    if not broken:
        errors = {finding.code for finding in findings(events) if finding.severity == "error"}
        assert errors == {MISTAKEN[name]} if name in MISTAKEN else not errors
    if not instead:
        messages = [event for event in events if isinstance(event, MessageRead) and event.header.type != "TA1"]
        assert len(messages) == int(row["nmsg"])


@every_file
def test_every_segment_stands_at_its_offset(row):
    content = content_of(row)
    plain = content.decode("cp037").encode("latin-1", "replace") if "EBCDIC" in row["flags"] else content
    for message in (event for event in opened(content) if isinstance(event, MessageRead)):
        assert message.offsets == sorted(set(message.offsets))
        assert message.offsets[-1] <= len(content)
        for segment, at in zip(message.segments, message.offsets, strict=False):
            tag = segment.split("+")[0][:2].encode("latin-1", "replace")
            assert plain[at : at + 20].translate(None, b"\r\n").startswith(tag)


def written_again(events, *, line_breaks=False):
    """Every interchange of the events, from its records."""
    contents, groups, acknowledgments = [], [], []
    for event in events:
        match event:
            case InterchangeOpened():
                groups, acknowledgments = [], []
            case GroupOpened():
                groups.append((event.header, []))
            case MessageRead() if event.header.type == "TA1":
                acknowledgments.append(event.segments[0])
            case MessageRead():
                groups[-1][1].append(event.segments)
            case InterchangeClosed():
                options = {"acknowledgments": acknowledgments, "line_breaks": line_breaks, "repertoire": "utf-8"}
                content, _ = wrap_x12(event.header, groups, **options)
                contents.append(content)
    return b"".join(contents)


def said(events):
    """What events say, but for how ISA and GS were laid out and what the bytes were encoded in."""
    for event in events:
        match event:
            case InterchangeOpened():
                yield msgspec.structs.replace(event.header, segment="", charset="")
            case GroupOpened():
                yield msgspec.structs.replace(event.header, segment="")
            case MessageRead():
                yield event.number, event.header, event.segments, event.released


@every_file
def test_a_clean_file_is_the_same_when_it_is_written_and_read_again(row):
    events = opened(content_of(row))
    if has_errors(findings(events)):
        return
    assert list(said(opened(written_again(events)))) == list(said(events))


@every_file
def test_a_canonical_file_is_the_same_in_every_byte(row):
    content = content_of(row)
    events = opened(content)
    if findings(events) or Path(row["file"]).name in NOT_CANONICAL or re.search(rb"\n[ \t]", content):
        return
    breaks = re.search(rb"[\r\n]", content[100:120]) is not None
    again = written_again(events, line_breaks=breaks)
    assert again.replace(b"\r\n", b"\n").rstrip(b"\n") == re.sub(rb"[\r\n]+", rb"\n", content).rstrip(b"\n \x1a")


def test_the_corpus_is_there():
    assert len(ROWS) > 350
    assert sum(not has_errors(findings(opened(content_of(row)))) for row in ROWS) > 250


@pytest.mark.parametrize("path", sorted((CORPUS / "derived" / "x12").rglob("*.*")), ids=lambda path: path.name)
def test_a_derived_file_is_opened_and_comes_back(path):
    events = opened(path.read_bytes())
    assert any(isinstance(event, InterchangeClosed) for event in events)
    again = opened(written_again(events))
    bodies = [[event.segments[:-1] for event in every if isinstance(event, MessageRead)] for every in (events, again)]
    assert bodies[0]
    assert bodies[0] == bodies[1]
