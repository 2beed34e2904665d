"""What every contestant must have read of a message: its number, and article, quantity and description of each line.

Standard library only, because it runs in the peers' environment as well as in ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

S = TypeVar("S")
#: Element and component, the first being 1.
Place = tuple[int, int]
#: Tag of a segment; and what stands at a place of it, "" if nothing does.
TagOf = Callable[[S], str]
ValueOf = Callable[[S, int, int], str]
#: Document number, and (article, quantity, description) of each line.
Said = tuple[str, list[list[str]]]


class Where(NamedTuple):
    """Where a message says it. A line begins with the tag of `article`."""

    number: tuple[str, Place]
    article: tuple[str, Place]
    quantity: tuple[str, Place]
    description: tuple[str, tuple[Place, ...]]
    #: First component of the quantity's segment, if there are several kinds of quantity.
    qualifier: str = ""


_IMD = ("IMD", ((3, 4), (3, 5)))
_PID = ("PID", ((5, 1),))
WHERE = {
    "ORDERS": Where(("BGM", (2, 1)), ("LIN", (3, 1)), ("QTY", (1, 2)), _IMD, "21"),
    "DESADV": Where(("BGM", (2, 1)), ("LIN", (3, 1)), ("QTY", (1, 2)), _IMD, "12"),
    "INVOIC": Where(("BGM", (2, 1)), ("LIN", (3, 1)), ("QTY", (1, 2)), _IMD, "47"),
    "850": Where(("BEG", (3, 1)), ("PO1", (7, 1)), ("PO1", (2, 1)), _PID),
    "856": Where(("BSN", (2, 1)), ("LIN", (3, 1)), ("SN1", (2, 1)), _PID),
    "810": Where(("BIG", (2, 1)), ("IT1", (7, 1)), ("IT1", (2, 1)), _PID),
}


def say(kind: str, segments: Iterable[S], tag_of: TagOf[S], value_of: ValueOf[S]) -> Said:
    """What a message says, from its segments in their order."""
    where, number, lines = WHERE[kind], "", []
    for segment in segments:
        tag = tag_of(segment)
        if tag == where.number[0] and not number:
            number = value_of(segment, *where.number[1])
        if tag == where.article[0]:
            lines.append([value_of(segment, *where.article[1]), "", ""])
        is_quantity = tag == where.quantity[0] and where.qualifier in ("", value_of(segment, 1, 1))
        if is_quantity and lines and not lines[-1][1]:
            lines[-1][1] = value_of(segment, *where.quantity[1])
        if tag == where.description[0] and lines:
            lines[-1][2] = "\n".join(filter(None, (value_of(segment, *place) for place in where.description[1])))
    return number, lines


def at(segment: list[Any], element: int, component: int) -> str:
    """`ValueOf` for segments that are lists of elements, the tag first; composites are lists or text."""
    value = segment[element] if element < len(segment) else ""
    parts = [value] if isinstance(value, str) else value
    return parts[component - 1] if component <= len(parts) else ""
