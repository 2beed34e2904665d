"""Spoiled files, our own and those of the corpus, checked and acknowledged: whatever is wrong with them, nothing raises, the
time and the memory are bounded, and what would go out can be read back.

Bytes are spoiled in test_reading_edifact_samples.py and test_reading_x12.py; here it is segments and elements, so that
messages stay messages and reach the guides.
"""

import io
import random
import re
import time
import tracemalloc
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from edifact_samples import ORDER, UNB, UNZ
from edifact_samples import wrapped as edifact
from hypothesis import given, settings
from hypothesis import strategies as st
from x12_samples import ORDERS
from x12_samples import wrapped as x12

from edi_server.acknowledgments import read_acknowledgment
from edi_server.desk.acknowledging import DryRun, InterchangeJudged
from edi_server.engine.checking import check_message
from edi_server.envelope.model import InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import has_errors
from edi_server.guides.checker import MAX_FINDINGS

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "samples"
NOW = datetime(2026, 11, 23, 14, 30)  # noqa: DTZ001 — in the partner's zone
LARGEST_SEED = 20_000
#: Of an input, however it is spoiled.
MOST_SECONDS = 2
LARGEST = 200_000

OWN = [
    (UNB + ORDER + UNZ).encode(),
    edifact("BGM+220+PO-1+9", "DTM+137:20261123:102", "NAD+BY+4012345000009::9", "LIN+1++4000001000012:EN", "UNS+S"),
    ORDERS.encode(),
    x12("BEG*00*SA*PO-1**20261123", "N1*ST*Shop*92*1", "PO1*1*12*EA*1.5**VN*4711", "CTT*1"),
    x12("BSN*00*1*20261123*1405", "HL*1**S", "HL*2*1*O", "HL*3*2*I").replace(b"ST*850", b"ST*856"),
    UNB.encode()
    + b"UNH+1+CONTRL:D:3:UN'UCI+1+A+B+4+12'UCM+1+ORDERS:D:96A:UN+4'UCS+3+12'UCD+21+3:1'UNT+6+1'UNZ+1+7001'",
]
VALUES = [
    *("", " ", "0", "-1", "9" * 40, "x" * 600, "1,5", "1.5E3", "20260230", "ä", "ZZZ", "\x01", "?", "850", "ORDERS"),
    *("UNS", "HL", "S:D:96A:UN", "1*2*3", "+" * 50, ":" * 50, "*" * 50),
]
STEPS = ["drop", "repeat", "swap", "value", "separator", "splice", "cut", "tag"]


@cache
def seeds():
    """Our own first, so that what is found shrinks to one of them; without ../shared there are no others."""
    found = [*CORPUS.glob("edifact/*/*"), *CORPUS.glob("x12/*/*")] if CORPUS.is_dir() else []
    return [*OWN, *(path.read_bytes() for path in sorted(found) if path.stat().st_size <= LARGEST_SEED)]


def terminator_of(content):
    """What most probably ends segments, and what separates elements."""
    if content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"ISA") and len(content) > 105:
        return content[105:106], content[3:4]
    una = re.match(rb"UNA.(.)...(.)", content, re.DOTALL)
    return (una[2], una[1]) if una else (b"'", b"+")


def spoil(content, step, chance):
    """One thing wrong with one or some segments."""
    end, element = terminator_of(content)
    segments = content.split(end)
    at = chance.randrange(len(segments))
    match step:
        case "drop":
            del segments[at : at + chance.randrange(1, 4)]
        case "repeat":
            segments[at:at] = segments[at : at + chance.randrange(1, 5)] * chance.choice([1, 3, 30, 1200])
        case "swap":
            other = chance.randrange(len(segments))
            segments[at], segments[other] = segments[other], segments[at]
        case "value":
            parts = segments[at].split(element)
            parts[chance.randrange(len(parts))] = chance.choice(VALUES).encode()
            segments[at] = element.join(parts)
        case "separator":
            segments[at] += chance.choice([element, b":", b"*", b">", b"^"]) * chance.choice([1, 2, 40, 3000])
        case "splice":
            other = chance.choice(seeds())
            segments[at:at] = other.split(terminator_of(other)[0])[: chance.randrange(1, 40)]
        case "cut":
            del segments[at:]
        case "tag":
            segments[at] = (
                chance.choice([b"UNT", b"SE", b"UNS", b"LIN", b"HL", b"XYZ", b"GE", b"UNH"]) + segments[at][3:]
            )
    return end.join(segments)[:LARGEST]


def spoiled(number, steps, seed):
    content, chance = seeds()[number % len(seeds())], random.Random(seed)
    for step in steps:
        content = spoil(content, step, chance)
    return content


INPUTS = st.builds(
    spoiled, st.integers(0, 2**16), st.lists(st.sampled_from(STEPS), min_size=1, max_size=6), st.integers(0, 2**32)
)


def check_all(content):
    """Every message checked as it arrives."""
    for event in open_interchanges(io.BytesIO(content)):
        if isinstance(event, MessageRead):
            yield event, check_message(event)


def acknowledge(content, kinds):
    every = DryRun(now=NOW, kinds=kinds).acknowledge(io.BytesIO(content))
    return [one for one in every if isinstance(one, InterchangeJudged)]


def read_back(answer):
    header = None
    for event in open_interchanges(io.BytesIO(answer)):
        assert not has_errors([one for one in event.findings if "-count" in one.code or "-reference" in one.code])
        match event:
            case InterchangeOpened():
                header = event.header
            case MessageRead():
                assert read_acknowledgment(event, header) is not None
                yield event.header.type


def check_spoiled(content):
    began = time.process_time()
    wrong = 0
    for message, checked in check_all(content):
        # Those of the envelope, those of the guide, and the one about the nearest version.
        assert len(checked.findings) <= len(message.findings) + MAX_FINDINGS + 2
        assert all(0 <= one.place.offset <= len(content) for one in checked.findings)
        wrong += checked.is_rejected
    took = time.process_time() - began
    for kinds in (("CONTRL", "TA1", "997"), ("APERAK", "999", "824")):
        began = time.process_time()
        judged = acknowledge(content, kinds)
        took = max(took, time.process_time() - began)
        rejected = sum(message.outcome == "rejected" for one in judged for message in one.messages)
        assert rejected >= wrong
        for one in judged:
            for answer in one.answers:
                assert list(read_back(answer.content)), answer
    assert took < MOST_SECONDS, f"{took:.1f} s for {len(content)} bytes"


@settings(max_examples=50, deadline=None)
@given(content=INPUTS)
def test_spoiled_files_are_checked_and_acknowledged_in_bounded_time(content):
    check_spoiled(content)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@settings(max_examples=40_000, deadline=None)
@given(content=INPUTS)
def test_spoiled_files_are_checked_and_acknowledged_for_long(content):
    check_spoiled(content)


def check_memory(content):
    acknowledge(content, ("CONTRL", "997"))
    tracemalloc.start()
    try:
        acknowledge(content, ("CONTRL", "997"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000 + 150 * len(content), f"{peak:,} bytes for {len(content):,}"


@settings(max_examples=8, deadline=None)
@given(content=INPUTS)
def test_memory_of_acknowledging_is_bounded_by_the_size_of_the_file(content):
    check_memory(content)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@settings(max_examples=2_000, deadline=None)
@given(content=INPUTS)
def test_memory_of_acknowledging_is_bounded_for_long(content):
    check_memory(content)
