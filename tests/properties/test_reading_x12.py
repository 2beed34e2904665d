"""Any bytes are read as X12: no exception, true offsets, alike in blocks of any size; what is written is read again."""

import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from x12_samples import GS, IEA, ISA, ISA_5, ORDERS, codes, messages, opened, wrapped

from edi_server.envelope.model import (
    Debris,
    GroupClosed,
    GroupHeader,
    GroupOpened,
    Identity,
    InterchangeClosed,
    InterchangeHeader,
    InterchangeOpened,
    MessageHeader,
    MessageRead,
)
from edi_server.envelope.opening import open_interchanges
from edi_server.envelope.x12 import open_x12
from edi_server.envelope.x12_writing import close_message, wrap_x12
from edi_server.syntax.normal import STAND_INS, from_text, is_released
from edi_server.syntax.separators import Separators, objection
from edi_server.syntax.sniff import sniff
from edi_server.syntax.x12_writing import free_separators

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "samples"
#: What streams are made of, and what has misled readers.
PIECES = [
    *(
        b"~",
        b"~",
        b"~",
        b"~",
        b"*",
        b">",
        b":",
        b"+",
        b"^",
        b"'",
        b"|",
        b"!",
        b"\\",
        b"//",
        b"// x\n",
        b"\r\n",
        b"\n",
        b"\r",
    ),
    *(
        b" ",
        b"\t",
        b"\x00",
        b"\x01",
        b"\x06",
        b"\x15",
        b"\x1a",
        b"\x1c",
        b"\x1d",
        b"\x85",
        b"\xe4",
        b"\xc3\xa4",
        b"\xc2\xa6",
    ),
    *(b"\xe2\x80\xa6", b"\xef\xbb\xbf", b"A", b"x", b"1", b"\xc9\xe2\xc1", b"\x5c", b"\x40"),
    *(ISA.encode(), ISA_5.encode(), ISA[:70].encode(), ISA[50:].encode(), b"ISA*00*", b"ISA|00|", b"ISA", b"GS*PO*A*B"),
    *(b"GS*PO*", b"GS", b"GE*1*71", b"GE", b"ST*850*0001", b"ST*850*", b"ST", b"SE*3*0001", b"SE", b"IEA*1*000000071"),
    *(b"IEA", b"TA1*000000001*", b"BIN*5*", b"BIN*500*", b"BDS*ASC*3*", b"BEG*00*SA", b"MSG*o'clock", b"HL*1**S"),
]
STREAMS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: (ISA + GS).encode() + b"~".join(pieces)),
)
SEEDS = [
    ORDERS.encode(),
    ORDERS.replace("~", "\n").encode(),
    ORDERS.replace("*", "|").replace("~", "~\r\n").encode() * 2,
    wrapped("REF*A^B*C", "BIN*4*a~b*", "MSG*Müller", isa=ISA_5),
    ORDERS.encode("cp037"),
]
CONTROLS = {chr(code) for code in range(32)} - set(STAND_INS.values())


def spoiled(seeds):
    """A seed with a piece of it replaced."""
    return st.builds(
        lambda seed, at, count, piece: seed[: at % len(seed)] + piece + seed[at % len(seed) + count :],
        st.sampled_from(seeds),
        st.integers(0, 100_000),
        st.integers(0, 20),
        st.sampled_from([b"", *PIECES]),
    )


def samples():
    """What the corpus has, as far as it is short."""
    files = sorted(CORPUS.glob("x12/*/*")) if CORPUS.is_dir() else []
    return [content for content in (path.read_bytes() for path in files) if 0 < len(content) < 8000] or SEEDS


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, whatever is asked for."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read(self, _size: int | None = -1) -> bytes:
        return super().read(self.size)


def check_order(events):
    """InterchangeOpened (GroupOpened? MessageRead* GroupClosed?)* InterchangeClosed, and Debris only outside."""
    inside, grouped, at = False, False, 0
    for event in events:
        match event:
            case InterchangeOpened():
                assert not inside
                assert event.offset >= at
                inside, at = True, event.offset
            case GroupOpened():
                assert inside
                assert not grouped
                grouped = True
            case GroupClosed():
                assert grouped
                grouped = False
            case MessageRead():
                assert inside
            case InterchangeClosed():
                assert inside
                assert not grouped
                assert event.end >= at
                inside, at = False, event.end
            case Debris():
                assert not inside
                assert event.findings
                assert at <= event.offset <= event.end
                at = event.end
    assert events
    assert not inside


def check(content):
    events = opened(content)
    check_order(events)
    for event in events:
        if isinstance(event, MessageRead):
            assert len(event.offsets) == len(event.segments) + 1
            assert event.offsets == sorted(set(event.offsets))
            assert event.offsets[-1] <= len(content)
            assert event.released is any(map(is_released, event.segments))
            binary = any(segment.startswith(("BIN+", "BDS+")) for segment in event.segments)
            assert binary or not any(CONTROLS & set(segment) for segment in event.segments)
        assert all(0 <= finding.place.offset <= len(content) for finding in event.findings)
    return events


def check_alike(content, size, trickle):
    events = check(content)
    assert list(open_x12(Trickle(content, trickle), block_size=size)) == events
    check_order(list(open_interchanges(Trickle(content, trickle), block_size=size)))
    assert sniff(content).sentence


@settings(max_examples=300, deadline=None)
@given(content=STREAMS | spoiled(SEEDS), size=st.integers(1, 200), trickle=st.integers(1, 60))
@example(content=b"ST*850*1~" * 20, size=1, trickle=1)
@example(content=ISA.encode() + b"// ~\n" * 30, size=3, trickle=2)
@example(content=(ISA + GS).encode() + b"ST*1*1~BIN*40*~~~" * 9, size=3, trickle=2)
def test_any_bytes_are_read_alike_in_blocks_of_any_size(content, size, trickle):
    check_alike(content, size, trickle)


@settings(max_examples=100, deadline=None)
@given(content=spoiled(samples()), size=st.integers(1, 2000), trickle=st.integers(1, 600))
def test_spoiled_samples_are_read_alike_in_blocks_of_any_size(content, size, trickle):
    check_alike(content, size, trickle)


@pytest.mark.soak
@settings(max_examples=100_000, deadline=None)
@given(content=STREAMS | spoiled(SEEDS) | spoiled(samples()), size=st.integers(1, 200), trickle=st.integers(1, 60))
def test_any_bytes_are_read_alike_for_long(content, size, trickle):
    check_alike(content, size, trickle)


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), max_size=20)
MARKS = st.sampled_from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x1c\x1d\x1e\x1f")
SEPARATORS = st.builds(
    Separators,
    component=MARKS,
    element=MARKS,
    release=st.just(" "),
    repetition=MARKS,
    terminator=MARKS | st.sampled_from("\n"),
).filter(lambda separators: objection(separators) is None)


@st.composite
def segments(draw):
    """A segment in normal form with any text in it."""

    def element():
        return ":".join(from_text(draw(TEXT)) for _ in range(draw(st.integers(1, 3))))

    def repeated():
        return "*".join(element() for _ in range(draw(st.integers(1, 2))))

    return "+".join(
        [draw(st.sampled_from(["MSG", "N1", "PO1"])), *(repeated() for _ in range(draw(st.integers(0, 3))))]
    )


@settings(max_examples=150, deadline=None)
@given(body=st.lists(segments(), max_size=5), separators=SEPARATORS, line_breaks=st.booleans())
def test_what_is_written_is_read_again(body, separators, line_breaks):
    message = close_message(MessageHeader(reference="0001", type="850"), body)
    separators = free_separators(separators, ["GS+PO+SND+R+20261123+1405+1+X+005010", *message])
    header = InterchangeHeader(
        syntax="x12",
        charset="",
        syntax_version="00501",
        sender=Identity(id="SND", qualifier="ZZ"),
        recipient=Identity(id="R", qualifier="ZZ"),
        date="261123",
        time="1405",
        control_reference="1",
        separators=separators,
    )
    group = GroupHeader(
        message_type="PO",
        sender=Identity(id="SND"),
        recipient=Identity(id="R"),
        control_reference="1",
        date="20261123",
        time="1405",
        agency="X",
        version="005010",
    )
    content, findings = wrap_x12(header, [(group, [message])], line_breaks=line_breaks, repertoire="utf-8")
    assert findings == []
    (read,) = messages(content)
    assert read.segments == message
    assert opened(content)[0].header.separators == separators
    assert set(codes(content)) <= {"syntax.charset-undeclared"}


@pytest.mark.parametrize(
    "piece",
    [
        *(b"~", b"*", b"\n", b"I", b"\x01~", b"\xe4", b"ST*850*1~", b"SE*1*1~", b"IEA*1~", b"GS*PO*A~", b"//", b"//\n"),
        *(b"ISA*00*", b"ISA*00*          *00*          *", ISA.encode(), (ISA + IEA).encode(), b"ST*850*1~IEA*0*1~"),
        *(b"BIN*5*", b"BIN*5*a~", b"BIN*4000000*~", b"TA1*1~", b"MSG*" + b"x" * 70_000 + b"~", b"\xc2\xa6", b"~// ~"),
    ],
)
def test_reading_takes_time_in_proportion_to_the_bytes(piece):
    """Spiteful streams cost at most some tens of µs a byte of processor time; quadratic reading would take minutes."""
    size = 30_000
    content = (ISA + GS).encode() + piece * (size // len(piece) + 1)
    for door in (open_x12, open_interchanges):
        began = time.process_time()
        for _ in door(io.BytesIO(content)):
            pass
        assert time.process_time() - began < 5


@pytest.mark.parametrize("piece", [b"~", b"ST*850*1~", b"ISA*00*", (ISA + IEA).encode(), b"BIN*4000000*~", b"// ~\n"])
def test_reading_takes_memory_in_proportion_to_the_bytes(piece):
    content = (ISA + GS).encode() + piece * (50_000 // len(piece))
    tracemalloc.start()
    for _ in open_interchanges(io.BytesIO(content)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000


def test_the_samples_are_clean():
    assert codes(ORDERS) == []
    assert {code for seed in SEEDS for code in codes(seed)} == {"syntax.charset-undeclared", "syntax.ebcdic"}
