"""Golden CONTRLs: what we answer to each sample. `make golden` rewrites them; review the difference like code."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from edi_server.acknowledgments import (
    DUPLICATE,
    CheckedInterchange,
    CheckedMessage,
    answer_header,
    judge,
    read_contrl,
    write_contrl,
)
from edi_server.config import Configuration
from edi_server.envelope.edifact import open_edifact, wrap_edifact
from edi_server.envelope.model import Debris, InterchangeClosed, InterchangeHeader, InterchangeOpened, MessageRead
from edi_server.findings import Finding, has_errors
from edi_server.guides import check, load_guide, nearest_guide
from edi_server.partners import Agreement, Book, Unmatched
from edi_server.samples import SAMPLES, Sample

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "contrl"
REWRITE = bool(os.environ.get("EDI_SERVER_REWRITE_GOLDEN"))


@pytest.fixture(scope="module")
def book() -> Book:
    environ = {"EDI_SERVER_PATHS__PARTNERS": str(ROOT / "partners")}
    return Configuration.load(Path(os.devnull), environ).load_book()


def receive(sample: Sample, book: Book, seen: set[tuple[str, str]]) -> CheckedInterchange | None:
    """The first interchange of a sample, opened and checked the way the engine does it."""
    header: InterchangeHeader | None = None
    findings: list[Finding] = []
    messages: list[CheckedMessage] = []
    for event in open_edifact(io.BytesIO(sample.content)):
        match event:
            case InterchangeOpened():
                header = event.header
                findings += [*event.findings, *_about_sender(sample, header, book), *_about_repetition(header, seen)]
            case MessageRead():
                assert header is not None
                messages.append(_check(sample, event, header, book))
            case InterchangeClosed():
                findings += event.findings
            case Debris():
                continue
    if header is None:
        return None
    return CheckedInterchange(header=header, findings=tuple(findings), messages=tuple(messages))


def _about_sender(sample: Sample, header: InterchangeHeader, book: Book) -> list[Finding]:
    parties = book.parties_of(mailbox=sample.mailbox, sender=header.sender, recipient=header.recipient)
    return [parties.finding] if isinstance(parties, Unmatched) else []


def _about_repetition(header: InterchangeHeader, seen: set[tuple[str, str]]) -> list[Finding]:
    key = (str(header.sender), header.control_reference)
    repeated = key in seen
    seen.add(key)
    return [Finding(code=DUPLICATE, severity="error", sentence="It was here before.")] if repeated else []


def _check(sample: Sample, event: MessageRead, header: InterchangeHeader, book: Book) -> CheckedMessage:
    agreement = book.agreement_for(
        mailbox=sample.mailbox,
        sender=header.sender,
        recipient=header.recipient,
        message=event.header.type,
        version=event.header.directory,
        test=header.test,
    )
    guide, odd = nearest_guide(event.header.directory, event.header.type)
    findings = [*event.findings, *([odd] if odd else [])]
    if guide:
        codes = agreement.policies.code_severity if isinstance(agreement, Agreement) else "auto"
        findings += check(guide, event.segments, released=event.released, codes=codes).findings
    return CheckedMessage(header=event.header, findings=tuple(findings))


def answers(book: Book) -> dict[str, bytes | None]:
    """The CONTRL of each sample in the order in which the demo drops them; None where nobody can be answered."""
    seen: set[tuple[str, str]] = set()
    written: dict[str, bytes | None] = {}
    for number, sample in enumerate(SAMPLES, 1):
        checked = receive(sample, book, seen)
        if checked is None:
            written[sample.name] = None
            continue
        segments = write_contrl(judge(checked), message_reference="1")
        guided = check(load_guide(version="D.3", message="CONTRL"), segments, released=True)
        assert not has_errors(guided.findings), guided.findings
        header = answer_header(checked.header, control_reference=str(number), date="261123", time="1200")
        text, findings = wrap_edifact(header, [segments], line_breaks=True)
        assert findings == []
        written[sample.name] = text
    return written


def test_every_sample_is_answered_as_its_golden_contrl_says(book: Book) -> None:
    written = answers(book)
    for name, text in written.items():
        golden = GOLDEN / f"{name}.contrl.edi"
        if REWRITE and text is not None:
            golden.write_bytes(text)
        assert text == (golden.read_bytes() if golden.exists() else None), name
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.contrl.edi" for name, text in written.items() if text}


def test_every_golden_contrl_reads_back_as_what_became_of_the_sample() -> None:
    outcomes: dict[str, str | None] = {}
    for sample in SAMPLES:
        golden = GOLDEN / f"{sample.name}.contrl.edi"
        if golden.exists():
            (message,) = [one for one in open_edifact(golden.open("rb")) if isinstance(one, MessageRead)]
            answer = read_contrl(message.segments)
            assert answer is not None
            outcomes[sample.name] = answer.outcome
    assert outcomes == {
        "order-4500012345.edi": "accepted",
        "orders-2026-11-23.edi": "partially accepted",
        "bk-2026-0815.edi": "accepted",
        "order-4500012345-again.edi": "rejected",
        "order-4500012350.edi": "rejected",
        "po-1.edi": "rejected",
    }
