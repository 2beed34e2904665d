"""ANSI X12 envelopes: a stream becomes interchanges, groups and whole messages, one at a time.

Source: X12.5 (interchange control structures), X12.6 (application control structure), versions 002001 to 008xxx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from edi_server.envelope.model import Debris, Event
from edi_server.envelope.x12_groups import functional_group
from edi_server.envelope.x12_interchange import X12Interchange
from edi_server.findings import Place
from edi_server.syntax import x12 as syntax
from edi_server.syntax.junk import Junk
from edi_server.syntax.remarks import remark

__all__ = ["functional_group", "open_x12"]


def open_x12(source: BinaryIO, *, block_size: int = syntax.BLOCK_SIZE) -> Iterator[Event]:
    """What is in a transmission, in the order of its bytes; see `edi_server.envelope.model` for the order of events.

    Any bytes are read without an exception; errors of `source` itself go through. Memory is bounded by the largest
    message (`message.LARGEST_MESSAGE`) and by `block_size` bytes of stream.
    """
    window, page = syntax.open_window(source)
    number = 0
    while True:
        junk, start = syntax.find_x12_start(window)
        if junk:
            yield x12_debris(junk, alone=number == 0 and start is None)
        if start is None:
            break
        number += 1
        reader = syntax.X12Reader(window, start, block_size=block_size)
        yield from X12Interchange(number, start, reader, page).events()
    if number == 0 and junk is None:
        yield Debris(offset=0, end=window.offset, findings=(remark("syntax.empty", Place(offset=0)),))


def x12_debris(junk: Junk, *, alone: bool) -> Debris:
    """Bytes outside any interchange, and what they are; `alone` if there is nothing else in the transmission."""
    place, found = Place(offset=junk.offset), junk.sample.decode("ascii", "replace")
    if alone:
        code = "syntax.not-x12"
    elif syntax.is_comment(junk):
        code = "syntax.comment"
    else:
        code = "syntax.segments-outside" if junk.has_segments else "syntax.bytes-outside"
    return Debris(offset=junk.offset, end=junk.end, findings=(remark(code, place, found=found),))
