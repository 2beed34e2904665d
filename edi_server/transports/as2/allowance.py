"""What reading one message may cost, over all its layers: strangers post, and no signature is checked before."""

from __future__ import annotations

#: Encoded values. Contents come in pieces of a kilobyte, attacks in millions of empty ones.
MAX_VALUES = 1_000_000
#: Bytes of all headers of parts together.
MAX_HEADER_BYTES = 256 * 1024


class Allowance:
    """What is left of it. One for each message, used up by whatever reads it."""

    __slots__ = ("header_bytes", "values")

    def __init__(self) -> None:
        self.values = MAX_VALUES
        self.header_bytes = MAX_HEADER_BYTES
