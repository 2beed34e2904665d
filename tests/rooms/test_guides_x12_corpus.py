"""Real and realistic messages of X12: no error is found that the standard does not confirm.

Every file without an envelope fault was reviewed; what is found in it is listed with the reason why it is right, so that a
false alarm cannot hide among them.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import has_errors
from edi_server.guides import check, known_guides, nearest_guide

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

#: Begin of the file names, errors in all messages of a file as (code, tag), and why they are right.
RIGHTLY_FOUND = [
    (
        "214/indice-co",
        {("segment-misplaced", "N1"), ("segment-misplaced", "N3"), ("segment-misplaced", "N4")},
        "N1 stands in front of LX; 004030 has it in LX only (004010 had both).",
    ),
    (
        "214/jf-tech",
        {("condition-missing", "L11"), ("condition-missing", "N1")},
        "N1 with neither name nor identification, L11 with neither reference nor text.",
    ),
    ("810/Inteligenz_X12Parser___810_Example3", {("segment-misplaced", "ISS")}, "ISS belongs behind TDS."),
    ("810/Inteligenz_X12Parser___810_Example5", {("segment-misplaced", "ISS")}, "The same."),
    ("810/kputnam", {("condition-missing", "IT1")}, "IT102 without a unit: quantity, unit and price go together."),
    ("810/rioncm", {("condition-missing", "IT1")}, "Invoice lines without a price."),
    ("810/xlate", {("condition-missing", "N1")}, "N103 without N104 (version 003010, checked as 003060)."),
    (
        "820/Inteligenz_X12Parser___820_Example2",
        {
            *(("code-unknown", "BPR"), ("condition-missing", "N1"), ("value-not-decimal", "RMR")),
            *(("value-not-numeric", "ENT"), ("value-too-long", "BPR"), ("value-too-long", "DTM")),
            *(("value-too-short", "BPR"), ("value-too-long", "TRN"), ("value-too-long", "SE")),
        },
        "Elements filled up with blanks, and placeholders (xx).",
    ),
    (
        "820/rioncm_bots-edi-k8s__x12_820-004030-03",
        {("segment-misplaced", "REF")},
        "REF stands behind ENT, which has it only in its loops.",
    ),
    ("820/rioncm_bots-edi-k8s__x12_820-004030-04", {("segment-misplaced", "REF")}, "The same."),
    (
        "820/rioncm",
        {("segment-misplaced", "REF"), ("segment-misplaced", "DTM")},
        "The same, with the dates of these references.",
    ),
    ("830/rioncm", {("condition-missing", "BFR")}, "BFR with neither reference nor release number."),
    ("832/Inteligenz", {("segment-misplaced", "DTM")}, "DTM stands behind TD4."),
    (
        "846/Inteligenz",
        {
            *(("component-missing", "REF"), ("condition-excluded", "QTY"), ("element-superfluous", "REF")),
            *(("value-too-long", "QTY"), ("value-too-long", "REF")),
        },
        "A quantity written into REF, and a lost terminator (FTCTT).",
    ),
    ("850/EdiFabric_X12.NET__X12_MixedTransactions", {("value-too-long", "TAX")}, "TTT where a code of two belongs."),
    ("850/EdiFabric_X12.NET__X12_PurchaseOrderCSV", {("code-unknown", "BEG")}, "There is no order type 02."),
    ("850/EdiFabric_X12.NET__X12_PurchaseOrderCustom1", {("element-superfluous", "BEG")}, "A user's own element."),
    (
        "850/EdiFabric_X12.NET__X12_PurchaseOrderModified",
        {("element-superfluous", "BEG"), ("value-too-long", "BEG")},
        "The same, and a user's own code.",
    ),
    ("850/EdiFabric_X12.NET__X12_PurchaseOrders.", {("value-too-long", "PO1")}, "The unit INVALID, on purpose."),
    (
        "850/hellooops_vscode-edi-support__docs_850-loop",
        {("condition-missing", "SAC")},
        "SAC does not say what the allowance is for.",
    ),
    ("850/hellooops_vscode-edi-support__formatting", {("condition-missing", "SAC")}, "The same."),
    (
        "850/hellooops_vscode-edi-support__docs_X12-interchanges",
        {("group-missing", "MIT"), ("group-missing", "PO1")},
        "Examples of ST, BEG and SE alone.",
    ),
    (
        "850/hellooops_vscode-edi-support__suite",
        {("group-missing", "MIT"), ("group-missing", "PO1")},
        "The same.",
    ),
    ("850/hellooops_vscode-edi-support__docs_850", {("group-missing", "PO1")}, "An order without lines."),
    ("855/kputnam", {("condition-missing", "ACK")}, "ACK02 without a unit."),
    (
        "856/Inteligenz_X12Parser___856_Example2",
        {("element-missing", "BSN"), ("value-too-long", "CLD"), ("value-too-long", "TD1")},
        "BSN without a number, and a packaging code with a blank in front.",
    ),
    ("856/Inteligenz_X12Parser___856_Example4", {("value-too-long", "N4")}, "A placeholder (LOCSTATE)."),
    (
        "857/Inteligenz_X12Parser___857_After",
        {("code-unknown", "ITD"), ("segment-unknown", "ITA"), ("value-not-numeric", "TDS")},
        "ITA and its codes are gone since 003030 (checked as 003060); TDS01 has a decimal point.",
    ),
    (
        "857/Inteligenz_X12Parser___857_Kroger",
        {("value-too-long", "BHT"), ("value-too-long", "DTM"), ("value-too-long", "G05")},
        "Dates of eight digits in 003030, and `CA or PL` for a unit.",
    ),
    ("865/Inteligenz", {("value-too-long", "DTM")}, "A date of nine digits."),
    (
        "944/pkg_npm",
        {("condition-missing", "W07"), ("condition-missing", "W08")},
        "W0706 without its product, W0805 without W0804.",
    ),
    ("997/Inteligenz", {("element-superfluous", "AK4")}, "AK4 has four elements."),
    (
        "997/xlate_staedi__x12_extraDelimiter997",
        {
            *(("component-superfluous", "AK4"), ("element-repeats", "AK3"), ("element-repeats", "AK4")),
            *(("value-not-numeric", "AK3"), ("value-too-long", "AK3")),
        },
        "Repetitions and components where there are none: what the file is for.",
    ),
    (
        "999/Inteligenz",
        {("value-not-numeric", "CTX"), ("value-too-short", "AK2")},
        "C023 where the number of an element belongs, and a control number of three characters.",
    ),
    (
        "TA1/Inteligenz",
        {("element-missing", "TA1"), ("value-too-long", "TA1"), ("value-too-short", "TA1")},
        "Another number and date format than TA1 has, and no note code.",
    ),
]

#: Verdicts of stupidedi that are not ours, and why.
OTHER_VERDICTS = {
    "002001/SH856/fail/1.edi": "Held to a car maker's guideline; the standard allows what is in it.",
    "003010/PC860/fail/1.edi": "The same.",
    "004010/SS862/fail/1.edi": "The same.",
    "003010/RA820/pass/1.edi": "820 was another message before 003050; checked as 003060, after a warning.",
    "004010/IN810/pass/1.edi": "IT102 without IT103: stupidedi does not have this condition.",
    "004010/X358 SC855 Aerospace Industry Purchase Order Acknowledgment/pass/po-ack-minor-changes.edi": (
        "ACK02 without ACK03: the same."
    ),
}


def index():
    return [line.split("\t") for line in (CORPUS / "INDEX.tsv").read_text("utf-8").splitlines()[1:]]


def read_messages(path):
    """Messages of a file that we have guides for, each with its guide and whether that is of its version."""
    with path.open("rb") as source:
        for event in open_interchanges(source):
            if isinstance(event, MessageRead) and event.header.type in known_guides("x12"):
                guide, doubt = nearest_guide(event.header.directory, event.header.type, "x12")
                yield event, guide, doubt


@cache
def checked():
    """Every message of every file that is not flagged: file, message, its result."""
    files = [row[0] for row in index() if row[1] == "x12" and not row[7]]
    return [
        (file, message, check(guide, message.segments, released=message.released, offsets=message.offsets))
        for file in files
        for message, guide, _ in read_messages(CORPUS / "samples" / file)
    ]


def reason_for(file):
    return next((one for one in RIGHTLY_FOUND if file.startswith(f"x12/{one[0]}")), None)


def test_no_clean_sample_has_an_error_that_is_not_listed_with_its_reason():
    found, types = {}, Counter()
    for file, message, result in checked():
        types[message.header.type] += 1
        errors = {(f.code.removeprefix("guide."), f.place.tag) for f in result.findings if f.severity == "error"}
        if errors:
            found.setdefault(file, set()).update(errors)
    assert sum(types.values()) > 320
    assert types["850"] > 80
    listed = {file: reason_for(file)[1] if reason_for(file) else None for file in found}
    assert found == listed
    assert all(any(file.startswith(f"x12/{begin}") for file in found) for begin, *_ in RIGHTLY_FOUND)


def test_the_tree_of_every_sample_holds_every_segment_but_those_with_a_finding():
    for file, message, result in checked():
        unplaced = {
            finding.place.segment
            for finding in result.findings
            if finding.code in ("guide.segment-misplaced", "guide.segment-unknown")
        }
        assert len(result.tree.segments) + len(unplaced) == len(message.segments), file
        assert result.tree.root.children


def test_findings_of_samples_point_at_the_bytes_of_their_segment():
    seen = 0
    for file, _, result in checked():
        raw = (CORPUS / "samples" / file).read_bytes()
        for finding in result.findings:
            if finding.place.element and b"\xef\xbb\xbf" not in raw[:3]:
                seen += 1
                assert raw[finding.place.offset :].lstrip().startswith(finding.place.tag.encode()), (file, finding)
    assert seen > 100


def test_derived_messages_of_thinly_sampled_types_are_placed():
    types = Counter()
    for path in sorted((CORPUS / "derived" / "x12").rglob("*")):
        for message, guide, _ in read_messages(path) if path.is_file() else ():
            types[message.header.type] += 1
            assert check(guide, message.segments, released=message.released).tree.segments
    assert types.keys() >= {"830", "846", "861", "862"}


def is_valid(path):
    """True if neither envelope nor guide has an error, of the messages that we have guides for; None without any."""
    with path.open("rb") as source:
        envelope = [finding for event in open_interchanges(source) for finding in event.findings]
    read = [
        check(guide, message.segments, released=message.released).findings for message, guide, _ in read_messages(path)
    ]
    return not has_errors(envelope) and not any(map(has_errors, read)) if read else None


def test_verdicts_are_those_of_stupidedi_but_for_listed_ones():
    rows = [line.split("\t") for line in (CORPUS / "EXPECTED.tsv").read_text("utf-8").splitlines()[1:]]
    verdicts = {}
    for kind, file, verdict, *_ in rows:
        if kind == "stupidedi_pass_fail":
            valid = is_valid(CORPUS / "expected" / file)
            if valid is not None:
                verdicts[file.partition("fixtures/")[2]] = valid == (verdict == "verdict=pass")
    assert len(verdicts) >= 35
    assert {file for file, same in verdicts.items() if not same} == OTHER_VERDICTS.keys()
