"""EDIFACT samples of every kind: no error is found that the directories do not confirm.

That the tables are those of the directories is shown in test_guides_sources.py; here every error that they lead to in a
sample is listed with its reason (guide_edifact_findings.txt), so that a false alarm cannot hide among them.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from edi_server.engine.checking import check_message
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead
from edi_server.guides import known_guides

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
REVIEWED = Path(__file__).with_name("guide_edifact_findings.txt")

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")


def files():
    """Samples with the name of their folder and file, raw ones and derived ones."""
    if not CORPUS.is_dir():
        return {}
    raw = {path.relative_to(CORPUS / "samples/edifact").as_posix(): path for path in CORPUS.glob("samples/edifact/*/*")}
    derived = CORPUS / "derived/edifact"
    return raw | {f"derived/{path.relative_to(derived).as_posix()}": path for path in derived.glob("*/*")}


def reviewed():
    """Beginnings of names and their errors, in the order of the list: the first that fits counts."""
    lines = REVIEWED.read_text("utf-8").splitlines()
    return dict(line.split("~ = ") for line in lines if "~ = " in line)


@cache
def checked(name):
    """Every message of a file that we have a guide for, checked."""
    with files()[name].open("rb") as source:
        read = [event for event in open_edifact(source) if isinstance(event, MessageRead)]
    return [check_message(message) for message in read if message.header.type in known_guides()]


def errors_of(name):
    """Such as "segment-missing: DTM UNS; value-too-long: QTY"."""
    tags = {}
    for message in checked(name):
        for finding in message.findings:
            if finding.severity == "error" and finding.code.startswith("guide."):
                tags.setdefault(finding.code.removeprefix("guide."), set()).add(finding.place.tag)
    return "; ".join(f"{code}: {' '.join(sorted(tags[code]))}" for code in sorted(tags))


def entry_for(name, entries):
    return next((begin for begin in entries if name.startswith(begin)), None)


def test_no_sample_has_an_error_that_is_not_listed_with_its_reason():
    entries = reviewed()
    found = {name: errors_of(name) for name in files()}
    found = {name: errors for name, errors in found.items() if errors}
    listed = {name: entries.get(entry_for(name, entries)) for name in found}
    assert found == listed
    assert {entry_for(name, entries) for name in found} == entries.keys()


def test_samples_of_every_kind_are_checked():
    types = Counter(one.message.header.type for name in files() for one in checked(name))
    assert types.keys() >= set(known_guides()) - {"HANMOV"}
    assert types["ORDERS"] > 140
    assert sum(types.values()) > 300


def test_the_tree_of_every_sample_holds_every_segment_but_those_with_a_finding():
    for name in files():
        for one in checked(name):
            unplaced = {
                finding.place.segment
                for finding in one.findings
                if finding.code in ("guide.segment-misplaced", "guide.segment-unknown")
            }
            assert len(one.tree.segments) + len(unplaced) == len(one.message.segments), name
            assert {number for number, _, _ in one.tree.walk()}.isdisjoint(unplaced)


def test_samples_of_other_versions_are_checked_as_the_nearest_with_a_warning():
    doubts = Counter()
    for name in files():
        for one in checked(name):
            doubt = next((finding for finding in one.findings if finding.code == "guide.version-unknown"), None)
            is_known = one.guide.version == one.message.header.directory
            if doubt is not None:
                assert doubt.severity == "warning"
                assert not is_known
                assert one.tree.segments
                # Sizes and codes are another version's.
                growing = ("guide.code-unknown", "guide.element-superfluous", "guide.value-too-long")
                graded = {finding.severity for finding in one.findings if finding.code in growing}
                assert graded <= {"warning"}
                doubts[one.message.header.directory] += 1
    assert len(doubts) >= 8
