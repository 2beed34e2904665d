"""Spoiled interchanges, our own and those of the corpus: whatever is cut, flipped or spliced, they are read in bounded time
and memory, alike in blocks of any size, and every finding points into them."""

import io
import time
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from edifact_samples import ORDER, UNB, UNZ, wrapped
from hypothesis import given, settings
from hypothesis import strategies as st

from edi_server.engine.checking import check_message
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead, PackageRead
from edi_server.envelope.offsets import refine

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "samples" / "edifact"
#: Larger samples make runs longer and find nothing more.
LARGEST_SEED = 20_000

OWN = [
    (UNB + ORDER + UNZ).encode(),
    wrapped("BGM+220+PO-1+9", "DTM+137:20261123:102", "NAD+BY+4012345000009::9++A?+B", "LIN+1++4000001000012:EN"),
    b"UNA:+,? '\r\n" + wrapped("FTX+AAI+++Gr\xfc\xdfe").replace(b"'", b"'\r\n"),
    b"UNA;|,\\*~UNB|UNOY;4|S|R|20261123;1405|1~UNH|1|ORDERS;D;96A;UN~FTX|a*b;c\\|d~UNT|3|1~UNZ|1|1~",
    b"UNA:+.  \nUNB+UNOA:3+S+R+261123:1405+1\nUNH+1+ORDERS:D:96A:UN\nBGM+220\nUNT+3+1\nUNZ+1+1\n",
    f"{UNB}UNG+ORDERS+S+R+261123:1405+G1+UN+D:96A'{ORDER}UNE+1+G1'{UNZ}".encode(),
    f"{UNB}{ORDER}UNO+P1+1:x+13+9'%PDF'UNZ'UNP+9+P1'{UNZ}".encode(),
    (UNB + ORDER + UNZ).replace("'", "’").encode(),
    ("UNA:+.? '" + UNB + ORDER + "UNZ+1+7001’").replace("BGM", "LIN+1’BGM").encode(),
    (UNB.replace("UNOC", "UNOX") + "UNH+1+ORDERS:D:96A:UN'FTX+日本ア：'UNT+3+1'" + UNZ).encode("iso2022_jp"),
    (UNB + ORDER + UNZ).translate(str.maketrans("+:'", "\x1d\x1f\x1c")).encode(),
    b"\xef\xbb\xbf" + ORDER.encode() * 2,
]
#: What has meaning somewhere.
PIECES = [
    *(b"'", b"+", b":", b"*", b"?", b" ", b"\r\n", b"\n", b"\x00", b"\x1b$B", b"\x1b(B", b"\x1a", b"\xff", b"\xe4"),
    *("’".encode(), b"\xef\xbb\xbf", b"\xe2\x80", b"UNA:+.? '", b"UNB+UNOC:3+", b"UNB", b"UNH+1+", b"UNT+3+1'"),
    *(b"UNZ+1+1'", b"UNG+", b"UNE+1+1'", b"UNO+1+1:x+13+5'", b"UNO+1++++99999999'", b"UNP+5+1'", b"UIB+", b"ISA*00*"),
]
MUTATIONS = st.tuples(st.sampled_from(["flip", "cut", "insert", "repeat", "splice"]), *[st.integers(0, 2**32)] * 3)


@cache
def seeds():
    """Our own first, so that what is found shrinks to one of them; without ../shared there are no others."""
    samples = sorted(CORPUS.rglob("*")) if CORPUS.is_dir() else []
    return [*OWN, *(file.read_bytes() for file in samples if file.is_file() and file.stat().st_size <= LARGEST_SEED)]


def mutated(content, mutation):
    """The content with one thing wrong."""
    kind, first, second, third = mutation
    at = first % (len(content) + 1)
    if kind == "flip":
        return content[:at] + bytes([second % 256]) + content[at + 1 :]
    if kind == "cut":
        return content[:at] + content[at + second % 40 :]
    if kind == "insert":
        return content[:at] + PIECES[second % len(PIECES)] + content[at:]
    if kind == "repeat":
        piece = content[at : at + 1 + second % 200]
        return content[:at] + piece * (1 + third % 20) + content[at:]
    other = seeds()[second % len(seeds())]
    return content[:at] + other[third % (len(other) + 1) :]


@st.composite
def spoiled(draw):
    content = seeds()[draw(st.integers(0, len(seeds()) - 1))]
    for mutation in draw(st.lists(MUTATIONS, max_size=6)):
        content = mutated(content, mutation)
    return content


def read_all(content, block_size):
    """All events, and the exact places of everything that is found in a message."""
    events = list(open_edifact(io.BytesIO(content), block_size=block_size))
    places = []
    for event in events:
        if isinstance(event, MessageRead):
            places += [finding.place for finding in refine(check_message(event).findings, event)]
        places += [finding.place for finding in event.findings]
        if isinstance(event, PackageRead):
            assert event.offset < event.start <= event.start + event.length
    return events, places


def check_spoiled(content, block_size):
    began = time.process_time()
    events, places = read_all(content, 65536)
    spent = time.process_time() - began
    assert all(place.offset is not None and 0 <= place.offset <= len(content) for place in places)
    assert spent < 2 + len(content) / 20_000, f"{spent} s for {len(content)} bytes"
    if len(content) < 3000:
        assert read_all(content, block_size) == (events, places)


@settings(max_examples=250, deadline=None)
@given(content=spoiled(), block_size=st.integers(1, 500))
def test_spoiled_interchanges_are_read_in_bounded_time_and_every_finding_points_into_them(content, block_size):
    check_spoiled(content, block_size)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=60_000, deadline=None)
@given(content=spoiled(), block_size=st.integers(1, 500))
def test_spoiled_interchanges_are_read_in_bounded_time_for_long(content, block_size):
    check_spoiled(content, block_size)


@settings(max_examples=40, deadline=None)
@given(content=spoiled())
def test_memory_is_bounded_by_the_size_of_what_is_read(content):
    tracemalloc.start()
    try:
        kept = list(open_edifact(io.BytesIO(content)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept
    assert peak < 1_000_000 + 100 * len(content)
