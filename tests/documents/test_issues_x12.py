"""Every X12 file that once was read wrongly, and what is said of it now: golden files beside the file itself."""

import io
from pathlib import Path

import pytest
from golden import compare

from edi_server.envelope.model import Event, InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding

ISSUES = Path(__file__).parent / "issues" / "x12"
FILES = sorted(ISSUES.glob("*.x12"))


def told(finding: Finding) -> str:
    place = finding.place
    where = ".".join(str(part) for part in (place.tag, place.element) if part is not None)
    return f"  {finding.severity} {finding.code} at byte {place.offset} {where}".rstrip()


def lines(event: Event) -> list[str]:
    """The kind of event, what it holds in normal form, and the findings."""
    held = [repr(segment) for segment in event.segments] if isinstance(event, MessageRead) else []
    if isinstance(event, InterchangeOpened):
        used = event.header.separators
        held = [repr(event.header.segment), repr((used.element, used.component, used.repetition, used.terminator))]
    return [type(event).__name__, *(f"  {line}" for line in held), *map(told, event.findings)]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_file_that_was_read_wrongly_is_read_as_it_was_decided(file):
    content = file.read_bytes()
    events = list(open_interchanges(io.BytesIO(content)))
    assert all(list(open_interchanges(io.BytesIO(content), block_size=size)) == events for size in (1, 40))
    compare(file.with_suffix(".txt"), ("\n".join(line for event in events for line in lines(event)) + "\n").encode())


def test_every_expectation_has_its_file():
    assert len(FILES) >= 15
    assert {file.stem for file in FILES} == {file.stem for file in ISSUES.glob("*.txt")}
