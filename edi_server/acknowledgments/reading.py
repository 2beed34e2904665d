"""A received message → what it acknowledges, whatever kind of acknowledgment it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from edi_server.acknowledgments.reading_advice import read_824, read_aperak
from edi_server.acknowledgments.reading_contrl import read_contrl
from edi_server.acknowledgments.reading_functional import read_functional
from edi_server.acknowledgments.reading_ta1 import read_ta1
from edi_server.acknowledgments.received import ReceivedAcknowledgment
from edi_server.envelope.model import InterchangeHeader, MessageRead


def read_acknowledgment(message: MessageRead, header: InterchangeHeader) -> ReceivedAcknowledgment | None:
    """What a CONTRL, TA1, 997, 999, 824 or APERAK says.

    `header` is that of the interchange that brought it. None if the message is none of these, or says nothing: it has
    no UCI, AK1, OTI or BGM, or a TA1 names no interchange. Never raises for what a message may contain.
    """
    read = _READERS.get(message.header.type)
    return read(message.segments, header) if read else None


_Reader = Callable[[Sequence[str], InterchangeHeader], ReceivedAcknowledgment | None]
_READERS: dict[str, _Reader] = {
    "CONTRL": lambda segments, _: read_contrl(segments),
    "TA1": lambda segments, header: read_ta1(segments[0], header) if segments else None,
    "997": partial(read_functional, "997"),
    "999": partial(read_functional, "999"),
    "824": read_824,
    "APERAK": read_aperak,
}
