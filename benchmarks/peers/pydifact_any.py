"""pydifact 0.2.3 with any message type; see `pydifact_parser`."""

from __future__ import annotations

from collections.abc import Iterator

import facts
from passes import compete
from peers.pydifact_parser import read as read_messages
from pydifact.segments import Segment


def read(_kind: str, text: bytes) -> Iterator[list[Segment]]:
    return read_messages(text)


def say(kind: str, message: list[Segment]) -> facts.Said:
    return facts.say(
        kind,
        message,
        lambda segment: segment.tag,
        lambda segment, element, component: facts.at(segment.elements, element - 1, component),
    )


if __name__ == "__main__":
    compete(read, say)
