"""Acknowledgments of the corpus: every one is read, ours are right for every sample, and pairs agree."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from edi_server.acknowledgments import Kind, ReceivedAcknowledgment, read_acknowledgment
from edi_server.acknowledgments.x12_meanings import CONDITIONS
from edi_server.desk.acknowledging import DryRun, InterchangeJudged
from edi_server.desk.answering import Written
from edi_server.envelope.model import InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding
from edi_server.guides import check, nearest_guide

SHARED = Path(__file__).parents[3] / "shared"
CORPUS = SHARED / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

NOW = datetime(2026, 11, 23, 14, 30)  # noqa: DTZ001 — in the partner's zone
KINDS = ("CONTRL", "APERAK", "TA1", "997", "999", "824")

#: Acknowledgments that contradict themselves, or use codes of nobody, and what we say of them.
ODD = {
    "EdiFabric_X12.NET__X12_997.txt": ["acknowledgment.outcome-contradicted"],
    "apimeister_x12-types__v004010_test_997.rs-embedded2.x12": [
        "acknowledgment.outcome-contradicted",
        "acknowledgment.count-contradicted",
    ],
    "rioncm_bots-edi-k8s__x12_testx12011.x12.base": ["acknowledgment.outcome-contradicted"],
}
#: A test file whose codes are the places they stand at, such as AK304-R1.
NO_CODES = "xlate_staedi__x12_extraDelimiter997.edi"
#: Pairs that disagree, and why we are right.
EXCEPTIONS = {"klatar200_EDI-Hub__walkthrough_850.edi": "SE01 says 9 of 8 segments; EDI-Hub does not count"}
#: What is wrong with answers because what they repeat is wrong: file, and what the partner himself wrote.
ECHOES = {
    "Inteligenz_X12Parser___286_Ids.txt": "ST02 has three characters",
    "Inteligenz_X12Parser___820_Example2_ScanaEnergy.txt": "ISA06 is empty",
    "indice-co_EDI.Net__Samples_edifact.D95B.CUSCAR.EDI": "UNH has no message type",
}
#: What our guides lack: versions they are only near to, and codes that the partner chose; and that GE counts wrong.
TOLERATED = ("guide.version-unknown", "guide.code-unknown", "acknowledgment.messages-missing")


def read_all(content: bytes) -> list[ReceivedAcknowledgment]:
    """Every acknowledgment in a transmission."""
    answers = []
    header = None
    for event in open_interchanges(io.BytesIO(content)):
        match event:
            case InterchangeOpened():
                header = event.header
            case MessageRead() if event.header.type in KINDS:
                assert header is not None
                answer = read_acknowledgment(event, header)
                assert answer is not None, event.segments
                answers.append(answer)
            case _:
                continue
    return answers


def samples() -> Iterator[Path]:
    yield from sorted(file for kind in KINDS for file in CORPUS.glob(f"samples/*/{kind}/*") if file.suffix != ".xml")


def test_every_acknowledgment_of_the_corpus_is_read_without_surprise() -> None:
    read: Counter[str] = Counter()
    for file in samples():
        answers = read_all(file.read_bytes())
        assert answers, file.name
        odd = [finding.code for answer in answers for finding in answer.findings]
        assert odd == ODD.get(file.name, []), file.name
        for answer in answers:
            read[answer.kind] += 1
            assert (answer.outcome is None) == (answer.kind == "CONTRL" and answer.action == "8"), file.name
            unknown = [error.code for error in answer.errors if "do not know" in error.meaning]
            assert not unknown or file.name == NO_CODES, (file.name, unknown)
    assert read["997"] > 30
    assert min(read[kind] for kind in KINDS) >= 5


def pairs() -> list[tuple[str, str]]:
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "EXPECTED.tsv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if "997 acknowledging" in (row["relation"] or "")]
    bots = [(f"expected/{row['input']}", f"expected/{row['expected']}") for row in rows]
    hub = "klatar200_EDI-Hub__"
    return [*bots, (f"samples/x12/850/{hub}walkthrough_850.edi", f"samples/x12/997/{hub}singles_997_accept.edi")]


def answers_to(file: Path, *kinds: Kind) -> list[Written]:
    every = DryRun(now=NOW, kinds=kinds).acknowledge(io.BytesIO(file.read_bytes()))
    return [answer for one in every if isinstance(one, InterchangeJudged) for answer in one.answers]


def said(answers: list[ReceivedAcknowledgment]) -> list[object]:
    """What 997s say, without the zeros in front of control numbers."""
    return [
        (
            one.group_type,
            one.group_reference.lstrip("0"),
            one.action,
            [(group.included, group.received, group.accepted) for group in one.groups],
            [(message.type, message.reference, message.outcome) for message in one.messages],
        )
        for one in answers
    ]


@pytest.mark.parametrize(("received", "expected"), pairs())
def test_our_997_says_what_the_expected_one_says(received: str, expected: str) -> None:
    ours = [one for answer in answers_to(CORPUS / received, "997") for one in read_all(answer.content)]
    theirs = read_all((CORPUS / expected).read_bytes())
    assert ours
    assert (said(ours) == said(theirs)) == (Path(received).name not in EXCEPTIONS)


def test_the_pairs_are_there() -> None:
    assert len(pairs()) == 8


def wrong_with(content: bytes) -> Iterator[Finding]:
    """What is wrong with an answer of ours, and with what it says."""
    syntax = ""
    for event in open_interchanges(io.BytesIO(content)):
        yield from event.findings
        if isinstance(event, InterchangeOpened):
            syntax = event.header.syntax
        if isinstance(event, MessageRead):
            guide, doubt = nearest_guide(event.header.directory, event.header.type, syntax)
            assert guide is not None
            yield from [doubt] if doubt else []
            yield from check(guide, event.segments, released=event.released).findings
    for answer in read_all(content):
        yield from answer.findings


@pytest.mark.parametrize("folder", ["edifact", "x12"])
def test_whatever_came_our_answers_are_right_by_envelope_and_guide_and_read_back(folder: str) -> None:
    written: Counter[str] = Counter()
    for file in sorted((CORPUS / "samples" / folder).rglob("*.*")):
        if not file.is_file() or file.stat().st_size > 200_000:
            continue
        for kinds in (("CONTRL", "TA1", "997"), ("999", "824", "APERAK")):
            for answer in answers_to(file, *kinds):
                written.update(answer.kinds)
                faults = [one for one in wrong_with(answer.content) if one.severity != "note"]
                real = [(one.code, one.place, one.found) for one in faults if one.code not in TOLERATED]
                assert not real or file.name in ECHOES, (file.name, answer.kinds, real)
    assert all(written[kind] > 100 for kind in (("CONTRL", "APERAK") if folder == "edifact" else KINDS[2:])), written


def test_the_conditions_that_we_read_are_those_of_the_standard() -> None:
    file = SHARED / "reference/x12/hellooops_MIT/packages/edi-parser/src/schemas/x12/00602/00602.json"
    codes = json.loads(file.read_text(encoding="utf-8"))["Qualifiers"]["Application Error Condition Code"]
    assert set(CONDITIONS) - set(codes) == set()
