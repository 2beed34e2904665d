"""pyx12 4.0.0: its `X12Reader`, which splits segments and checks envelopes, counts, references and HL numbers.

The package has maps (grammars) of health care messages only, so that nothing in these messages is checked against one.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import facts
from passes import compete
from pyx12.segment import Segment
from pyx12.x12file import X12Reader


def read(_kind: str, text: bytes) -> Iterator[list[Segment]]:
    """The segments of each message, ST to SE."""
    reader = X12Reader(StringIO(text.decode("ascii")))
    message: list[Segment] = []
    for segment in reader:
        message.append(segment)
        if segment.get_seg_id() == "SE":
            yield message
        if segment.get_seg_id() in ("GS", "SE"):
            message = []
    if errors := reader.pop_errors():
        raise SystemExit(f"pyx12 refused the input: {errors[:3]}")


def value_of(segment: Segment, element: int, _component: int) -> str:
    return segment.get_value(f"{element:02}") or ""


def say(kind: str, message: list[Segment]) -> facts.Said:
    return facts.say(kind, message, Segment.get_seg_id, value_of)


if __name__ == "__main__":
    compete(read, say)
