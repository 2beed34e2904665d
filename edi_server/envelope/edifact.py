"""UN/EDIFACT envelopes: a stream becomes interchanges, groups and whole messages, one at a time.

Source: ISO 9735 version 3, section 6 and annex B; ISO 9735-1 and -8:2002 (version 4, packages).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from edi_server.envelope.edifact_interchange import Interchange
from edi_server.envelope.edifact_writing import close_group, close_interchange, close_message, wrap_edifact
from edi_server.envelope.model import Debris, Event
from edi_server.envelope.remarks import remark
from edi_server.findings import Finding, Place
from edi_server.syntax import edifact as syntax
from edi_server.syntax.remarks import remark as syntax_remark

__all__ = ["close_group", "close_interchange", "close_message", "open_edifact", "wrap_edifact"]


def open_edifact(source: BinaryIO, *, block_size: int = syntax.BLOCK_SIZE) -> Iterator[Event]:
    """What is in a transmission, in the order of its bytes; see `edi_server.envelope.model` for the order of events.

    Any bytes are read without an exception; errors of `source` itself go through. Memory is bounded by the largest
    message (`message.LARGEST_MESSAGE`) and by `block_size` bytes of stream.
    """
    window = syntax.Window(source)
    number = 0
    while True:
        junk, start = syntax.find_start(window)
        if junk:
            yield debris(junk, alone=number == 0 and start is None)
        if start is None:
            break
        number += 1
        reader = syntax.SegmentReader(window, start.dialect, block_size=block_size)
        yield from Interchange(number, start, reader, window).events()
    if number == 0 and junk is None:
        place = Place(offset=0)
        yield Debris(offset=0, end=window.offset, findings=(syntax_remark("syntax.empty", place),))


def debris(junk: syntax.Junk, *, alone: bool) -> Debris:
    """Bytes outside any interchange, and what they are; `alone` if there is nothing else in the transmission."""
    return Debris(offset=junk.offset, end=junk.end, findings=(_judge(junk, alone=alone),))


def _judge(junk: syntax.Junk, *, alone: bool) -> Finding:
    place = Place(offset=junk.offset)
    found = junk.sample.decode("ascii", "replace")
    if junk.is_interactive:
        return remark("envelope.interactive-unsupported", place, found=found)
    if alone:
        return syntax_remark("syntax.not-edifact", place, found=found)
    code = "syntax.segments-outside" if junk.has_segments else "syntax.bytes-outside"
    return syntax_remark(code, place, found=found)
