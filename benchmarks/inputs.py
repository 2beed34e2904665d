"""The files of the validation benchmark: one message type each, from a seeded generator, the same on every machine.

.venv/bin/python benchmarks/inputs.py 856 FILE --messages 1000
.venv/bin/python benchmarks/inputs.py INVOIC FILE --size 200MB
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import messages_edifact
import messages_x12
from messages import SEED, Draw, bytes_of

#: Change it when what the generators make changes: files made by an older one are then made anew.
EDITION = 1
KINDS: dict[str, ModuleType] = {
    **dict.fromkeys(messages_edifact.MESSAGES, messages_edifact),
    **dict.fromkeys(messages_x12.MESSAGES, messages_x12),
}
#: Messages of a large file that differ; then they come again, with other references.
DIFFERENT = 1000
#: What stands between interchanges that are read one by one (see `parts`); no message contains it.
BETWEEN = b"\0"
_REFERENCES = {
    "edifact": re.compile(rb"(?<=\AUNH\+)\d+|(?<=\+)\d+(?='\Z)"),
    "x12": re.compile(rb"\d+(?=~\Z)|(?<=\AST\*...\*)\d+"),
}


def syntax_of(kind: str) -> str:
    return "edifact" if kind in messages_edifact.MESSAGES else "x12"


def messages(kind: str) -> Iterator[bytes]:
    """Messages without end, their references counting from 1."""
    maker, draw = KINDS[kind], Draw(SEED)
    stock, number = maker.stock(draw), 0
    while True:
        number += 1
        yield maker.MESSAGES[kind](draw, number, stock)


def interchange(kind: str, count: int) -> bytes:
    """One interchange of `count` messages."""
    return _envelope(kind, list(islice(messages(kind), count)))


def singles(kind: str, count: int, *, skip: int) -> bytes:
    """`count` interchanges of one message each, other messages than the first `skip`; `parts` takes them apart."""
    return BETWEEN.join(_envelope(kind, [message]) for message in islice(messages(kind), skip, skip + count))


def _envelope(kind: str, content: list[bytes]) -> bytes:
    return b"".join((KINDS[kind].head(kind), *content, KINDS[kind].tail(len(content))))


def write(kind: str, path: Path, size: int) -> int:
    """Write one interchange of at least `size` bytes; gives the number of messages."""
    part = path.with_name(path.name + ".part")
    maker, pattern = KINDS[kind], _REFERENCES[syntax_of(kind)]
    originals = list(islice(messages(kind), DIFFERENT))
    count, written = 0, 0
    with part.open("wb") as file:
        written += file.write(maker.head(kind))
        while written < size:
            original = originals[count % DIFFERENT]
            count += 1
            written += file.write(pattern.sub(b"%04d" % count, original))
        file.write(maker.tail(count))
    part.replace(path)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a made-up interchange.")
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("file", type=Path)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--messages", type=int, default=1000)
    size.add_argument("--size", type=bytes_of, help="at least this many bytes, such as 200MB")
    arguments = parser.parse_args()
    if arguments.size:
        count = write(arguments.kind, arguments.file, arguments.size)
    else:
        count = arguments.messages
        arguments.file.write_bytes(interchange(arguments.kind, count))
    print(f"{arguments.file}: {count} messages, {arguments.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
