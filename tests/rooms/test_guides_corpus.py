"""Real and realistic ORDERS and DESADV: no error is found that the directories do not confirm.

That the tables are those of the directories is shown in test_guides_sources.py; here every error that they lead to in a
sample without an envelope fault is listed with its reason, so that a false alarm cannot hide among them.
"""

from collections import Counter
from pathlib import Path

import pytest

from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead
from edi_server.guides import check, nearest_guide

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

#: Begin of the file names, errors in all messages of a file as (code, tag, found), and why they are right.
RIGHTLY_FOUND = [
    (
        "ORDERS/hellooops_vscode-edi-support__suite",
        {("segment-missing", "DTM", None), ("segment-missing", "UNS", None)},
        "Examples of UNH, BGM and UNT alone; DTM and UNS are mandatory in ORDERS.",
    ),
    (
        "ORDERS/hellooops_vscode-edi-support__providers",
        {("segment-missing", "DTM", None), ("segment-missing", "UNS", None)},
        "The same.",
    ),
    (
        "ORDERS/hellooops_vscode-edi-support__docs_EDIFACT",
        {("segment-missing", "DTM", None), ("segment-missing", "UNS", None)},
        "The same.",
    ),
    (
        "ORDERS/hellooops_vscode-edi-support__docs_syntaxVersion4",
        {("segment-missing", "DTM", None)},
        "An example without the mandatory DTM.",
    ),
    (
        "ORDERS/EdiFabric_EDIFACT.NET__EDIFACT_PurchaseOrderCustom1",
        {("element-superfluous", "BGM", "NEWVALUE")},
        "An example of a segment that its user has given one element more.",
    ),
    (
        "ORDERS/EdiFabric_EDIFACT.NET__EDIFACT_PurchaseOrders",
        {("code-unknown", "FTX", "AA")},
        "3055 has no code AA in D.96A, and no association is named that could have given it.",
    ),
    (
        "ORDERS/php-edifact_edifact__files_example_order_ok",
        {("value-too-long", "QTY", "GBND"), ("value-too-long", "QTY", "PACK"), ("value-too-long", "QTY", "SCHA")},
        "6411 is an..3 in D.01B; it is an..8 only in later directories.",
    ),
    (
        "ORDERS/php-edifact_edifact__files_example_order_error",
        {
            *(("value-too-long", "QTY", "GBND"), ("value-too-long", "QTY", "PACK"), ("value-too-long", "QTY", "SCHA")),
            *(("value-too-long", "IMD", "10 und So� 1"), ("component-superfluous", "IMD", "6")),
        },
        "As the one above; and colons in a description that are not released: the error it is named for.",
    ),
    (
        "ORDERS/text-index__index-id_61429315777_acme_chain_1_ORDERS",
        {("segment-misplaced", "MOA", "MOA+203:888.00"), ("value-too-long", "ALC", "VOLUME DISCOUNT")},
        "MOA stands behind PRI, where it has no place; the text is one component early, in 3055 instead of 7160.",
    ),
    (
        "ORDERS/hellooops_vscode-edi-support__docs_bug-edifact-escape",
        {("segment-missing", "DTM", None), ("segment-missing", "UNS", None)},
        "An example of release characters, without the mandatory DTM and UNS.",
    ),
    (
        "DESADV/php-edifact_edifact__files_D96ADESADV",
        {("value-too-long", "BGM", "700101")},
        "A date where the function of the message (1225, an..3) belongs.",
    ),
    (
        "DESADV/php-edifact_edifact__files_example_utf8",
        {("value-too-long", "BGM", "700101")},
        "The same.",
    ),
    (
        "DESADV/text-index__index-id_33132048502_spaced_placeholder",
        {("value-too-long", "NAD", "ISOCOUNTRYCODE")},
        "A template with a placeholder where a country code of three characters belongs.",
    ),
]


def clean_files():
    if not CORPUS.is_dir():
        return []
    rows = (line.split("\t") for line in (CORPUS / "INDEX.tsv").read_text("utf-8").splitlines()[1:])
    return [row[0] for row in rows if row[1] == "edifact" and not row[7]]


def read_messages(file):
    with (CORPUS / "samples" / file).open("rb") as source:
        for event in open_edifact(source):
            if isinstance(event, MessageRead) and event.header.type in ("ORDERS", "DESADV"):
                yield event


def check_file(file):
    """Checked messages in a file whose version we have a guide for."""
    for message in read_messages(file):
        guide, doubt = nearest_guide(message.header.directory, message.header.type)
        if doubt is None:
            yield message, check(guide, message.segments, released=message.released, offsets=message.offsets)


def errors_of(file):
    return {
        (finding.code.removeprefix("guide."), finding.place.tag, finding.found)
        for _, checked in check_file(file)
        for finding in checked.findings
        if finding.severity == "error"
    }


def test_no_clean_sample_has_an_error_that_is_not_listed_with_its_reason():
    found, read = {}, Counter()
    for file in clean_files():
        read.update(message.header.type for message, _ in check_file(file))
        if errors := errors_of(file):
            found[file] = errors
    assert read["ORDERS"] >= 100
    assert read["DESADV"] >= 10
    listed = {
        file: errors for file in found for begin, errors, _ in RIGHTLY_FOUND if file.startswith(f"edifact/{begin}")
    }
    assert found == listed
    assert all(any(file.startswith(f"edifact/{begin}") for file in found) for begin, *_ in RIGHTLY_FOUND)


def test_the_tree_of_every_sample_holds_every_segment_but_those_with_a_finding():
    for file in clean_files():
        for message, checked in check_file(file):
            unplaced = {
                finding.place.segment
                for finding in checked.findings
                if finding.code in ("guide.segment-misplaced", "guide.segment-unknown")
            }
            assert len(checked.tree.segments) + len(unplaced) == len(message.segments), file
            assert {number for number, _, _ in checked.tree.walk()}.isdisjoint(unplaced)


def test_findings_of_samples_point_at_the_bytes_of_their_segment():
    seen = 0
    for file in clean_files():
        raw = (CORPUS / "samples" / file).read_bytes()
        for _, checked in check_file(file):
            for finding in checked.findings:
                if finding.found and finding.place.element:
                    seen += 1
                    assert raw[finding.place.offset :].startswith(finding.place.tag.encode()), (file, finding)
    assert seen > 100


def test_samples_of_other_versions_are_checked_as_the_nearest_with_a_warning():
    versions = Counter()
    for file in clean_files():
        for message in read_messages(file):
            guide, doubt = nearest_guide(message.header.directory, message.header.type)
            if doubt is not None:
                assert (doubt.code, doubt.severity) == ("guide.version-unknown", "warning")
                versions[message.header.directory] += 1
                assert check(guide, message.segments, released=message.released).tree.segments
    assert len(versions) >= 3
