"""Every EDIFACT file of the corpus is opened, and what is known to be broken in it is found, nothing else."""

import csv
from pathlib import Path

import pytest
from edifact_samples import opened

from edi_server.envelope.model import Debris, InterchangeClosed, MessageRead
from edi_server.findings import has_errors

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


def test_the_corpus_is_there():
    assert len(ROWS) > 200
    assert sum(not row["broken"].strip("-") for row in ROWS) > 100


@pytest.mark.parametrize(
    "path", sorted((CORPUS / "derived" / "edifact").rglob("*.edi"))[:40], ids=lambda path: path.name
)
def test_a_derived_file_is_opened(path):
    events = opened(path.read_bytes())
    assert any(isinstance(event, InterchangeClosed) for event in events)
