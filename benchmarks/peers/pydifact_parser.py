"""pydifact 0.2.3: characters to tokens to segments. It knows no message, no grammar, and checks no counts.

The kindest way to measure it: its `Parser` alone, segments dropped after each message. `Interchange.from_str` and
`get_messages`, which keep everything, take a fifth more.
"""

from __future__ import annotations

from collections.abc import Iterator

from measuring import compete
from pydifact.parser import Parser
from pydifact.segments import Segment


def read(text: bytes) -> Iterator[list[Segment]]:
    """The segments of each message, UNH to UNT."""
    message: list[Segment] = []
    for segment in Parser().parse(text.decode("iso-8859-1")):
        message.append(segment)
        if segment.tag == "UNT":
            yield message
        if segment.tag in ("UNB", "UNT"):
            message = []


def say(message: list[Segment]) -> tuple[str, list[tuple[str, str, str]]]:
    number, lines = "", []
    for segment in message:
        match segment.tag:
            case "BGM":
                number = segment.elements[1]
            case "LIN":
                gtin = segment.elements[2][0]
            case "IMD":
                description = "\n".join(segment.elements[2][3:])
            case "QTY" if segment.elements[0][0] == "21":
                lines.append((gtin, segment.elements[0][1], description))
    return number, lines


if __name__ == "__main__":
    compete(read, say)
