"""Every EDIFACT file of the corpus is opened, and what is known to be broken in it is found, nothing else."""

import csv
from pathlib import Path

import pytest
from edifact_samples import opened

from edi_server.engine.checking import check_message
from edi_server.envelope.model import Debris, GroupOpened, InterchangeClosed, InterchangeOpened, MessageRead
from edi_server.envelope.offsets import refine
from edi_server.findings import has_errors
from edi_server.syntax.normal import to_text

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

#: What INDEX.tsv calls broken → the finding that says so.
FOUND_AS = {
    "UNT_count_wrong": "envelope.unt-count",
    "UNT_ref_mismatch": "envelope.unt-reference",
    "UNZ_count_wrong": "envelope.unz-count",
    "UNZ_ref_mismatch": "envelope.unz-reference",
    "missing_UNB": "envelope.unb-missing",
    "missing_UNT": "envelope.unt-missing",
    "missing_UNZ": "envelope.unz-missing",
}
#: Files with another finding instead, and why.
OTHERWISE = {
    # The count is right once two typographic apostrophes are read as the terminators that they stand for.
    "text-index__ordrsp3.CEA_GPL-3.0__koha_ordrsp3.edi": ("syntax.terminator-typographic", {"UNT_count_wrong"}),
    "text-index__ordrsp4.CEA_GPL-3.0__koha_ordrsp4.edi": ("syntax.terminator-typographic", {"UNT_count_wrong"}),
    # Fragments of a few segments, neither UNB nor UNH: nothing says that this is a message.
    "gitpan_XML-Edifact__examples_lineitem.edi": ("syntax.not-edifact", {"missing_UNB"}),
    "gitpan_XML-Edifact__examples_nad_buyer.edi": ("syntax.not-edifact", {"missing_UNB"}),
    "gitpan_XML-Edifact__examples_pia_isbn.edi": ("syntax.not-edifact", {"missing_UNB"}),
    "gitpan_XML-Edifact__examples_umlaute.edi": ("syntax.not-edifact", {"missing_UNB"}),
    "smooks_smooks-edi-cartridge__d93a-invoic-1_input.edi": ("syntax.not-edifact", {"missing_UNB"}),
    # UNH is spelled "NH": the segments belong to no message, so there is no UNT to check.
    "EdiFabric_EDIFACT.NET__EDIFACT_CorruptUnh.txt": (
        "envelope.segment-outside-message",
        {"UNT_count_wrong", "UNT_ref_mismatch"},
    ),
}


def index():
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row for row in rows if row["kind"] == "edifact"]


ROWS = index()


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_a_file_is_opened_and_its_faults_are_found(row):
    events = opened((CORPUS / "samples" / row["file"]).read_bytes())
    assert any(isinstance(event, InterchangeClosed) for event in events) or any(
        isinstance(event, Debris) and has_errors(event.findings) for event in events
    )
    found = {finding.code for event in events for finding in event.findings}
    broken = set(row["broken"].split(",")) - {"", "-"}
    instead, excused = OTHERWISE.get(Path(row["file"]).name, ("", set()))
    assert {FOUND_AS[flag] for flag in broken - excused} <= found
    assert not instead or instead in found
    if not broken:
        assert [finding for event in events for finding in event.findings if finding.severity == "error"] == []
    if not instead:
        assert sum(isinstance(event, MessageRead) for event in events) == int(row["nmsg"])


#: Flags that are no faults → the finding that says so.
QUIRKS = {
    "BOM_utf8": "syntax.byte-order-mark",
    "linebreak_inside_segment": "syntax.line-break-in-segment",
    "nonascii_utf8": "syntax.charset-contradicted",
    "nonascii_latin_or_binary": "syntax.charset-contradicted",
}
#: Sets that have more than ASCII; a byte order mark is no character at all.
_ROOMY = ("UNOC", "UNOD", "UNOE", "UNOW")


def is_quirk_expected(flag, row):
    """False where the flag says nothing that contradicts the interchange."""
    if flag == "nonascii_utf8":
        is_told_otherwise = Path(row["file"]).name in OTHERWISE
        return not (is_told_otherwise or "BOM_utf8" in row["flags"] or row["syntax"].startswith("UNOW"))
    if flag == "nonascii_latin_or_binary":
        return not row["syntax"].startswith(_ROOMY)
    return True


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_what_the_index_says_of_a_file_is_seen_in_it(row):
    if OTHERWISE.get(Path(row["file"]).name, ("",))[0] == "syntax.not-edifact":
        # Fragments: nothing is read of them.
        return
    events = opened((CORPUS / "samples" / row["file"]).read_bytes())
    found = {finding.code for event in events for finding in event.findings}
    flags = set(row["flags"].split(","))
    assert {QUIRKS[flag] for flag in flags & set(QUIRKS) if is_quirk_expected(flag, row)} <= found
    openings = [event for event in events if isinstance(event, InterchangeOpened)]
    several = [int(flag.rpartition("_")[2]) for flag in flags if flag.startswith("multi_interchange_")]
    assert len(openings) == (several[0] if several else 1)
    assert any(isinstance(event, GroupOpened) for event in events) is ("UNG" in flags)
    if "no_UNA" in flags:
        assert not any(opening.header.separators.una for opening in openings)
    if "UNA_terminator_newline" in flags:
        assert openings[0].header.separators.terminator == "\n"


def value_at(segment, place):
    """The component of a segment in normal form that a place names, None where the segment ends before it."""
    try:
        element = segment.split("+")[place.element].split("*")[(place.repetition or 1) - 1]
        return to_text(element.split(":")[(place.component or 1) - 1])
    except IndexError:
        return None


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_every_finding_about_an_element_points_to_its_first_byte(row):
    content = (CORPUS / "samples" / row["file"]).read_bytes()
    for message in opened(content):
        if not isinstance(message, MessageRead):
            continue
        for finding in refine(check_message(message).findings, message):
            place = finding.place
            if not place.element or not place.segment or finding.code.startswith("syntax."):
                continue
            # UNH as it came: what it says of the version may have been mended.
            written = [message.header.segment, *message.segments[1:]]
            value = value_at(written[place.segment - 1], place)
            begin, end = message.offsets[place.segment - 1 : place.segment + 1]
            assert begin < place.offset <= end
            if value and value[0].isascii():
                marks = message.separators.release.strip().encode() + b"\r\n"
                assert content[place.offset : end].lstrip(marks).startswith(value[0].encode())


def test_the_corpus_is_there():
    assert len(ROWS) > 200
    assert sum(not row["broken"].strip("-") for row in ROWS) > 100


@pytest.mark.parametrize("path", sorted((CORPUS / "derived" / "edifact").rglob("*.*")), ids=lambda path: path.name)
def test_a_derived_file_is_opened(path):
    events = opened(path.read_bytes())
    assert any(isinstance(event, InterchangeClosed) for event in events)
