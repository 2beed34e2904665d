"""badx12 0.2.2: segments and elements as objects. Its validation knows the envelope's elements only, and is left out,
because it finds faults in these (faultless) envelopes.

One shim: it takes `Iterable` from `collections`, where Python has had none since 3.10.
"""

from __future__ import annotations

import collections
import collections.abc
from collections.abc import Iterator
from typing import Any

import facts
from passes import compete

collections.Iterable = collections.abc.Iterable  # type: ignore[attr-defined]

from badx12.parser import Parser  # noqa: E402 — after the shim


def read(_kind: str, text: bytes) -> Iterator[Any]:
    """Each message."""
    document = Parser().parse_document(text.decode("ascii"))
    for group in document.interchange.groups:
        yield from group.transaction_sets


def value_of(segment: Any, element: int, _component: int) -> str:
    return segment.fields[element].content if element < len(segment.fields) else ""


def say(kind: str, message: Any) -> facts.Said:
    return facts.say(kind, message.transaction_body, lambda segment: segment.fields[0].content, value_of)


if __name__ == "__main__":
    compete(read, say)
