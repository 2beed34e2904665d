"""Every EDIFACT file that once was read wrongly, and what is said of it now: golden files beside the file itself."""

import io
from pathlib import Path

import pytest
from golden import compare

from edi_server.engine.checking import check_message
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import Event, MessageRead
from edi_server.envelope.offsets import refine
from edi_server.findings import Finding

ISSUES = Path(__file__).parent / "issues"
FILES = sorted(ISSUES.glob("*.edi"))


def told(finding: Finding) -> str:
    place = finding.place
    where = ".".join(str(part) for part in (place.tag, place.element, place.component) if part is not None)
    return f"  {finding.severity} {finding.code} at byte {place.offset} {where}".rstrip()


def lines(event: Event) -> list[str]:
    """The kind of event, the segments in normal form, and the findings."""
    if not isinstance(event, MessageRead):
        return [type(event).__name__, *map(told, event.findings)]
    findings = refine(check_message(event).findings, event)
    return [type(event).__name__, *(f"  {segment!r}" for segment in event.segments), *map(told, findings)]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_file_that_was_read_wrongly_is_read_as_it_was_decided(file):
    events = open_edifact(io.BytesIO(file.read_bytes()))
    content = "\n".join(line for event in events for line in lines(event)) + "\n"
    compare(file.with_suffix(".txt"), content.encode())


def test_every_expectation_has_its_file():
    assert len(FILES) >= 8
    assert {file.stem for file in ISSUES.glob("*.edi")} == {file.stem for file in ISSUES.glob("*.txt")}
