"""Offsets of segments are counted when somebody asks for them, and are what a list of them would be."""

import io
import random
from unittest.mock import patch

import pytest

from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import MessageRead
from edi_server.syntax import edifact_dialect
from edi_server.syntax.segment_offsets import Offsets, Run

ENDS = [b"'", b"'\n", b"'\r\n"]


def interchange(end: bytes, count: int) -> bytes:
    """Messages of many lengths, so that some of them lie in two blocks; a few have something released."""
    chance = random.Random(count)
    segments = [b"UNB+UNOC:3+A:14+B:14+261123:1030+1"]
    for number in range(1, count + 1):
        lines = chance.randrange(40)
        text = ["plain", "Grüße", "o?'clock", "5?+2 ??"][chance.randrange(4)].encode("latin-1")
        segments += [
            b"UNH+%d+ORDERS:D:96A:UN" % number,
            *[b"FTX+AAI+++" + text] * lines,
            b"UNT+%d+%d" % (lines + 2, number),
        ]
    return end.join([*segments, b"UNZ+%d+1" % count]) + end


def messages(content: bytes) -> list[MessageRead]:
    return [event for event in open_edifact(io.BytesIO(content)) if isinstance(event, MessageRead)]


@pytest.mark.parametrize("end", ENDS)
def test_offsets_counted_later_are_those_that_the_careful_way_counts_at_once(end):
    content = interchange(end, 120)
    fast = messages(content)
    with patch.object(edifact_dialect, "read_uniform", return_value=None):
        careful = messages(content)
    ends = [(message.offsets[0], message.offsets[-1]) for message in fast]
    assert ends == [(message.offsets[0], message.offsets[-1]) for message in careful]
    assert [list(message.offsets) for message in fast] == [list(message.offsets) for message in careful]
    for message in fast:
        tags = [content[at:].lstrip(b"\r\n")[:3].decode() for at in message.offsets[:-1]]
        assert tags == [segment[:3] for segment in message.segments]


@pytest.mark.parametrize("end", ENDS)
def test_offsets_are_equal_to_a_list_of_the_same_numbers(end):
    run = Run(7, end.join([b"UNH+1", b"LIN+1", b"UNT+3+1'"]), end)
    starts = [7, 12 + len(end), 17 + 2 * len(end)]
    offsets = Offsets([run, (30,)], 4, {0: 7, -1: 30})
    assert (offsets[0], offsets[-1], len(offsets)) == (7, 30, 4)
    assert offsets == [*starts, 30]
    assert [*starts, 30] == offsets
    assert offsets == Offsets([[*starts, 30]], 4, {})
    assert offsets != [*starts, 31]
    assert (offsets[1], offsets[1:3], offsets[-2]) == (starts[1], starts[1:], starts[2])
    assert repr(offsets) == repr([*starts, 30])
    with pytest.raises(IndexError):
        offsets[4]
    with pytest.raises(TypeError):
        hash(offsets)


def test_a_message_keeps_no_bytes_but_its_own():
    content = interchange(b"'", 30)
    message = messages(content)[3]
    (run, *_) = message.offsets._parts
    assert run.worked == content[message.offsets[0] : message.offsets[-1]]
