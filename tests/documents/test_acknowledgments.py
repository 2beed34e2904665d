"""Golden acknowledgments: what is answered to our own samples, kind by kind. `make golden` rewrites them."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from golden import compare

from edi_server.acknowledgments import Kind
from edi_server.desk.acknowledging import DryRun, InterchangeJudged
from edi_server.envelope.model import InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding, has_errors
from edi_server.guides import check, nearest_guide

SAMPLES = Path(__file__).parent / "acknowledgments"
NOW = datetime(2026, 11, 23, 14, 30)  # noqa: DTZ001 — in the partner's zone
ANSWERS: dict[str, tuple[Kind, ...]] = {".x12": ("TA1", "997", "999", "824"), ".edi": ("CONTRL", "APERAK")}
CASES = [
    (name + suffix, kind)
    for name in ("clean", "partly-wrong", "rejected")
    for suffix, kinds in ANSWERS.items()
    for kind in kinds
]


def judged(name: str, kind: Kind) -> InterchangeJudged:
    dry_run = DryRun(now=NOW, kinds=[kind])
    (one,) = dry_run.acknowledge((SAMPLES / name).open("rb"))
    assert isinstance(one, InterchangeJudged)
    return one


def findings_of(content: bytes) -> list[Finding]:
    """What is wrong with an interchange, its messages and their content."""
    found: list[Finding] = []
    syntax = ""
    for event in open_interchanges(io.BytesIO(content)):
        found += event.findings
        if isinstance(event, InterchangeOpened):
            syntax = event.header.syntax
        if isinstance(event, MessageRead):
            guide, doubt = nearest_guide(event.header.directory, event.header.type, syntax)
            assert guide is not None
            found += [doubt] if doubt else []
            found += check(guide, event.segments, released=event.released).findings
    return found


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_sample_is_answered_as_its_golden_acknowledgment_says(name: str, kind: Kind) -> None:
    one = judged(name, kind)
    content = b"".join(answer.content for answer in one.answers) or f"{one.silence}\n".encode()
    assert [finding for answer in one.answers for finding in answer.findings] == []
    if one.answers:
        assert not has_errors(findings_of(content))
    compare(SAMPLES / f"{name}.{kind.lower()}.golden", content)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("clean", "accepted"),
        ("partly-wrong", "partially accepted"),
        ("rejected", "rejected"),
    ],
)
def test_the_samples_are_what_they_are_called_in_both_standards(name: str, outcome: str) -> None:
    assert {judged(f"{name}{suffix}", kinds[0]).outcome for suffix, kinds in ANSWERS.items()} == {outcome}
