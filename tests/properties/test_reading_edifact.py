"""Any bytes are read: no exception, true offsets, alike in blocks of any size; what is written is read again."""

import io
import time

import pytest
from edifact_samples import ORDER, UNB, UNZ, codes, messages, opened, wrapped
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edi_server.envelope.edifact import close_message, open_edifact, wrap_edifact
from edi_server.envelope.model import (
    Debris,
    GroupClosed,
    GroupOpened,
    Identity,
    InterchangeClosed,
    InterchangeHeader,
    InterchangeOpened,
    MessageHeader,
    MessageRead,
)
from edi_server.syntax.edifact import SegmentReader, write_segments
from edi_server.syntax.normal import STAND_INS, from_text, is_released, to_text
from edi_server.syntax.separators import Separators, objection
from edi_server.syntax.sniff import sniff

#: What streams are made of, and what has misled readers.
PIECES = [
    *(b"'", b"'", b"'", b"'", b"+", b":", b"*", b"?", b"??", b"?'", b"?+", b"~", b"|", b";", b"\\"),
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\x01", b"\x06", b"\x1a", b"\x1c", b"\x1d", b"A", b"x", b"1"),
    *(b"\xef\xbb\xbf", b"\xe4", b"\xc3\xa4", b"\x80", b"\xc2\x85", "’".encode(), "’LIN+1".encode(), b"?\r\n'"),
    *(b"UNB+UNOX:3+A+B+261123:1405+1'", b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b", b"\x1b$B\x25\x22\x1b(B", b"\xe2\x80"),
    *("UNA:+.? ’".encode(), b"UNB+UNOC:4::7+A+B", b"UNH+1+ORDERS: D:96A:UN", b"UNH+1+X:96A:?+:UN+A+1+S+M"),
    *(b"UNA:+.? '", b"UNA:+.?*'", b"UNA|;,\\*~", b"UNA:+.? \n", b"UNA::::::", b"UNA:+.?'", b"UNA"),
    *(b"UNB+UNOC:3+A+B+261123:1405+1", b"UNB+UNOA:4+A:1+B:2+20261123:1405+1", b"UNB|UNOA;3|A", b"UNB+UNOY:3", b"UNB"),
    *(b"UNH+1+ORDERS:D:96A:UN", b"UNH+1", b"UNH", b"UNT+3+1", b"UNT+2+1", b"UNZ+1+1", b"UNZ", b"UN\r\nZ+1+1"),
    *(b"UNG+ORDERS+A+B++G1+UN+D:96A", b"UNE+1+G1", b"UNO+P+1:2+3+5", b"UNO+P+1:2+3+500", b"UNP+5+P", b"UIB+UNOA:4"),
    *(b"BGM+220+X+9", b"FTX+AAI+++", b"LIN+1++4000001000012:EN"),
]
STREAMS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: UNB.encode() + b"'".join(pieces)),
)
SPOILED = st.builds(
    lambda at, count, piece: (content := wrapped("FTX+o?'clock", "LIN+1") * 2)[:at] + piece + content[at + count :],
    st.integers(0, 260),
    st.integers(0, 20),
    st.sampled_from([b"", *PIECES]),
)
CONTROLS = {chr(code) for code in range(32)} - set(STAND_INS.values())


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


def check_message(message, content):
    assert len(message.offsets) == len(message.segments) + 1
    assert message.offsets == sorted(set(message.offsets))
    assert message.offsets[-1] <= len(content)
    assert message.released is any(is_released(segment) for segment in message.segments)
    for segment, offset in zip(message.segments, message.offsets, strict=False):
        assert segment
        assert not CONTROLS & set(segment)
        if segment[0].isascii() and segment[0].isalnum():
            # A needless release character or an escape sequence of level X may stand in front of it.
            assert content[offset : offset + 1] in (segment[0].encode(), b"?", b"\\", b"\x1b")


def check(content):
    events = opened(content)
    check_order(events)
    for event in events:
        if isinstance(event, MessageRead):
            check_message(event, content)
        assert all(0 <= finding.place.offset <= len(content) for finding in event.findings)
    return events


@settings(max_examples=400, deadline=None)
@given(content=STREAMS | SPOILED, size=st.integers(1, 200), trickle=st.integers(1, 60))
@example(content=b"UNH+1'" * 20, size=1, trickle=1)
@example(content=UNB.encode() + b"?\r\n'" * 30, size=3, trickle=2)
def test_any_bytes_are_read_alike_in_blocks_of_any_size(content, size, trickle):
    events = check(content)
    assert list(open_edifact(Trickle(content, trickle), block_size=size)) == events


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=100_000, deadline=None)
@given(content=STREAMS | SPOILED, size=st.integers(1, 200), trickle=st.integers(1, 60))
def test_any_bytes_are_read_alike_for_long(content, size, trickle):
    events = check(content)
    assert list(open_edifact(Trickle(content, trickle), block_size=size)) == events


@settings(max_examples=100, deadline=None)
@given(content=STREAMS | SPOILED, size=st.integers(1, 100), longest=st.sampled_from([3, 20, 60]))
def test_segments_that_are_too_long_are_cut_alike_in_blocks_of_any_size(content, size, longest):
    defaults = SegmentReader.__init__.__kwdefaults__
    before = defaults["longest"]
    defaults["longest"] = longest
    try:
        events = opened(content)
        check_order(events)
        assert list(open_edifact(Trickle(content, size), block_size=size)) == events
    finally:
        defaults["longest"] = before


@settings(max_examples=200, deadline=None)
@given(content=STREAMS)
def test_any_bytes_are_sniffed(content):
    kind = sniff(content)
    assert 0 <= kind.start <= len(content)
    assert kind.sentence


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), max_size=20)
MARKS = st.sampled_from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x1c\x1d\x1e\x1f")
SEPARATORS = st.builds(
    Separators,
    component=MARKS,
    element=MARKS,
    release=MARKS,
    repetition=MARKS | st.just(" "),
    terminator=MARKS | st.sampled_from("\n\r"),
    una=st.just(value=True),
).filter(lambda separators: objection(separators) is None)


@st.composite
def segments(draw, separators):
    """A segment in normal form with any text in it."""

    def element():
        return ":".join(from_text(draw(TEXT)) for _ in range(draw(st.integers(1, 3))))

    def repeated():
        count = draw(st.integers(1, 2)) if separators.repetition != " " else 1
        return "*".join(element() for _ in range(count))

    return "+".join(
        [draw(st.sampled_from(["FTX", "LIN", "BGM"])), *(repeated() for _ in range(draw(st.integers(0, 3))))]
    )


@settings(max_examples=200, deadline=None)
@given(data=st.data(), separators=SEPARATORS, line_breaks=st.booleans())
def test_what_is_written_is_read_again(data, separators, line_breaks):
    body = data.draw(st.lists(segments(separators), max_size=5))
    header = InterchangeHeader(
        syntax="edifact",
        charset="UNOY",
        syntax_version="4",
        sender=Identity(id=data.draw(TEXT.filter(str.strip))),
        recipient=Identity(id="R"),
        date="20261123",
        time="1405",
        control_reference="1",
        separators=separators,
    )
    message = close_message(MessageHeader(reference="1", type="ORDERS", version="D", release="96A", agency="UN"), body)
    content, findings = wrap_edifact(header, [message], line_breaks=line_breaks)
    assert findings == []
    (read,) = messages(content)
    assert read.segments == message
    assert codes(content) == []
    again = opened(content)[0].header
    assert again.sender == header.sender
    assert again.separators == separators


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40), charset=st.sampled_from(["UNOA", "UNOB", "UNOC", "UNOD", "UNOE", "UNOF", "UNOY"]))
def test_any_text_is_written_in_any_character_set(text, charset):
    content, findings = write_segments([f"FTX+{from_text(text)}"], charset=charset)
    assert content.startswith(b"FTX+")
    assert content.endswith(b"'")
    kept = to_text(from_text(text))
    level = {"UNOA": "ascii", "UNOB": "ascii", "UNOC": "latin-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5"}
    codec = level.get(charset, "utf-8" if charset == "UNOY" else "iso8859-7")
    told = {finding.code for finding in findings} & {"syntax.character-unwritable", "syntax.character-simplified"}
    assert bool(told) is (kept.encode(codec, "ignore").decode(codec) != kept)


@settings(max_examples=200, deadline=None)
@given(text=st.text())
def test_normal_form_gives_back_all_text_but_control_characters(text):
    kept = "".join(" " if mark < " " or "\x7f" <= mark < "\xa0" else mark for mark in text)
    assert to_text(from_text(text)) == kept


@pytest.mark.parametrize(
    "piece",
    [
        *(b"'", b"?", b"?'", b"+", b"\n", b"U", b"\x01'", b"\xe4", b"UNH+1'", b"UNT+1'", b"UNZ+1'", b"UNG+A'"),
        *(b"UNB+UNOA:1'", b"UNB|UNOA;", b"UNB|UNOA;1~UNH|1~", b"UNA:+.? '", b"UNA:+.? 'UNB+UNOC:3'", b"UNH+1'UNZ+0'"),
        *("’".encode(), "’LIN+".encode(), b"\x1b$B", b"\x1b$B+\x1b(B'", b"\xe2'"),
        *(b"UNO+1'", b"UNO+1+1+1+5'", b"UNO+1+1+1+4000000'", b"UN\nZ+1'", b"FTX+" + b"x" * 70_000 + b"'"),
    ],
)
@pytest.mark.parametrize("unb", [UNB, UNB.replace("UNOC", "UNOX")])
def test_reading_takes_time_in_proportion_to_the_bytes(piece, unb):
    """Spiteful streams cost at most some tens of µs a byte of processor time; quadratic reading would take minutes."""
    size = 30_000
    began = time.process_time()
    for _ in open_edifact(io.BytesIO(unb.encode() + piece * (size // len(piece) + 1))):
        pass
    assert time.process_time() - began < 10


def test_the_samples_are_clean():
    assert codes(UNB + ORDER + UNZ) == []
