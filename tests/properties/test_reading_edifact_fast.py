"""The fast way through EDIFACT gives what the careful way gives, and is the one that ordinary interchanges take."""

import io
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edi_server.syntax import edifact_dialect
from edi_server.syntax.charsets import CODECS, decode, decode_alike
from edi_server.syntax.edifact import SegmentReader, Window, dialect
from edi_server.syntax.edifact_uniform import read_uniform
from edi_server.syntax.separators import DEFAULT, INFORMATION_SEPARATORS, Separators

#: What any interchange has; text in several character sets; what is remarked on, or must not mislead.
PLAIN = [*(b"FTX+AAI+++", b"LIN+1++4000001000012:EN", b"UNT+3+1", b"UNS+S", b"+", b":", b"A b", b"UN", b"x", b"5,2")]
RELEASED = [*(b"?+", b"?:", b"??", b"?'", b"?*", b"*", b"????", b"??'", b"\\'", b"\\|")]
TEXTS = ["Grüße", "NESTLÉ®", "Ã©", "5 €", "“quoted”", "Łódź", "Москва", "\ufffd", "a\u0085b", "\xa0", "Ω", "北京", "é§"]
ENCODED = [text.encode(codec, "ignore") for text in TEXTS for codec in ("utf-8", "latin-1", "cp1252", "iso8859-2")]
ODD = [
    *(b"?x", b"? ", b"?\n", b"?\xe4", b"\xc3?\xa9", b"\xc3\xa4", b"\xe4", b"\xa9", b"\xb4", b"?\xb4", b"\x80", b"\xff")
]
ODD += [*(b"\t", b" ", b"\r", b"\n", b"\r\n", b"\x00", b"\x01", b"\x04", b"\x06", b"\x1a", b"\x7f", b"'", b"?")]
ENDS = [
    b"'",
    b"'\r\n",
    b"'\n",
    b"'\r",
    b"'\n\n",
    b"' ",
    b"''",
    b"\n",
    b"\r\n",
    b"~",
    b"~\r\n",
    "’".encode(),
    b"\x1c",
    b"\xb4",
]

DIALECTS = st.builds(
    dialect,
    st.sampled_from(
        [
            *(DEFAULT, DEFAULT, DEFAULT, INFORMATION_SEPARATORS),
            Separators(repetition=" "),
            Separators(release=" ", repetition=" "),
            Separators(component=";", element="|", release="\\", terminator="~"),
            *(Separators(terminator=terminator) for terminator in "\n\r’\xb4"),
            Separators(element="\xa9", release="\x1e", repetition=" "),
        ]
    ),
    st.sampled_from(["UNOC", *CODECS, "none"]),
)


@st.composite
def streams(draw):
    """Mostly alike segments: few kinds of text in each stream, and seldom another end than the others have."""
    kinds = draw(st.lists(st.sampled_from([RELEASED, ENCODED, [draw(st.sampled_from(ENCODED))], ODD]), max_size=2))
    parts = st.one_of(*map(st.sampled_from, [PLAIN, PLAIN, *kinds]))
    texts = draw(st.lists(st.lists(parts, min_size=1, max_size=4).map(b"".join), max_size=12))
    end, other = draw(st.sampled_from(ENDS)), draw(st.sampled_from(ENDS))
    odd_one = draw(st.integers(0, 40))
    return b"".join(text + (other if index == odd_one else end) for index, text in enumerate(texts))


def blocks(content, reading, size):
    return list(SegmentReader(Window(io.BytesIO(content)), reading, block_size=size))


def carefully():
    return patch.object(edifact_dialect, "read_uniform", return_value=None)


def check_alike(content, reading, size):
    fast = blocks(content, reading, size)
    with carefully():
        assert fast == blocks(content, reading, size)
    for block in fast:
        tags = enumerate(segment[:2] for segment in block.segments)
        assert block.services == [index for index, tag in tags if tag == "UN"]


@settings(max_examples=600, deadline=None)
@given(content=streams(), reading=DIALECTS, size=st.integers(1, 300))
@example(content=b"FTX+\xc3?\xa9'LIN'", reading=dialect(Separators(element="\xa9")), size=100)
@example(content=b"'\nUNT'\nA", reading=dialect(), size=100)
def test_the_fast_way_gives_what_the_careful_way_gives(content, reading, size):
    check_alike(content, reading, size)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=200_000, deadline=None)
@given(content=streams() | st.binary(max_size=100), reading=DIALECTS, size=st.integers(1, 300))
def test_the_fast_way_gives_what_the_careful_way_gives_for_long(content, reading, size):
    check_alike(content, reading, size)


@settings(max_examples=300, deadline=None)
@given(raw=streams() | st.binary(max_size=100), reading=DIALECTS, start=st.integers(0, 10**12))
def test_a_block_cut_anywhere_is_read_alike(raw, reading, start):
    worked = reading.work(raw)
    fast = reading.block(raw, worked, start)
    with carefully():
        assert fast == reading.block(raw, worked, start)


@settings(max_examples=600, deadline=None)
@given(
    pieces=st.lists(
        st.lists(st.sampled_from([*PLAIN, *ENCODED, b"\x81", b"\xe4", b"\xa9"]), min_size=1, max_size=3).map(b"".join),
        max_size=5,
    ),
    charset=st.sampled_from([*CODECS, "none"]),
)
@example(pieces=[b"\xe4", "ä".encode()], charset="UNOC")
@example(pieces=[b"\xe4", b"\x80"], charset="UNOC")
@example(pieces=["ä".encode(), "ж".encode()], charset="UNOC")
def test_text_is_decoded_at_once_only_if_every_piece_would_be_decoded_alike(pieces, charset):
    codec = CODECS.get(charset)
    decoded = decode_alike(b"'".join(pieces), codec)
    if decoded is None:
        return
    text, contradiction = decoded
    for piece, found in zip(pieces, text.split("'") if pieces else [], strict=True):
        expected = (piece.decode(), contradiction) if piece.isascii() else decode(piece, codec)
        assert (found, contradiction) == expected


@pytest.mark.parametrize("end", ["'", "'\r\n", "'\n"])
@pytest.mark.parametrize(
    ("charset", "text", "encoding", "contradiction"),
    [
        ("UNOA", "PLAIN", "ascii", None),
        ("UNOC", "Grüße", "latin-1", None),
        ("UNOC", "o?'clock?: 5 °C", "latin-1", None),
        ("UNOC", "Grüße ?+ Ærø", "utf-8", "utf-8"),
        ("UNOA", "Grüße", "utf-8", "utf-8"),
        ("UNOA", "Grüße", "latin-1", "windows-1252"),
        ("UNOE", "Москва", "iso8859-5", None),
        ("UNOY", "Grüße, 5 €, 北京", "utf-8", None),
        ("UNOY", "Grüße", "latin-1", "windows-1252"),
    ],
)
def test_ordinary_interchanges_take_the_fast_way(end, charset, text, encoding, contradiction):
    reading = dialect(DEFAULT, charset)
    raw = end.join(["UNH+1+ORDERS:D:96A:UN", f"FTX+AAI+++{text}", "UNT+3+1'"]).encode(encoding)
    uniform = read_uniform(reading.work(raw), 7, reading.codec)
    assert uniform is not None
    assert uniform.contradiction == contradiction
    assert uniform.offsets == [7, 7 + raw.index(b"FTX"), 7 + raw.index(b"UNT")]
    check_alike(raw, reading, 1000)


@pytest.mark.parametrize(
    "raw",
    [
        b"BGM+220'\tLIN+1'",
        b"BGM+220' LIN+1'",
        b"BGM+220''LIN+1'",
        b"BGM+220'\r\nLIN+1'QTY+21:5'",
        b"BGM+220'LIN+1'\nQTY+21:5'",
        b"BGM+2\n20'\nLIN+1'\nQTY+21:5'",
        b"BGM+220'LIN+1",
        b"BGM+220?x'LIN+1'",
        b"FTX+\x85'LIN+1'",
        b"FTX+\xc3\xa4'FTX+\xe4'",
    ],
)
def test_what_the_fast_way_cannot_tell_is_left_to_the_careful_way(raw):
    reading = dialect()
    assert read_uniform(reading.work(raw), 0, reading.codec) is None
