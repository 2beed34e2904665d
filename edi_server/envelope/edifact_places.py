"""Where in a transmission: from a segment in a block to a `Place`, and from an oddity of the syntax to a finding."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from edi_server.envelope.edifact_headers import PlaceOf
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import Block, Oddity
from edi_server.syntax.remarks import remark

#: Number of the segment at an index of the block at hand, within its message or interchange.
NumberOf = Callable[[int], int]
#: What stands between segments.
_BETWEEN = ("syntax.segment-empty", "syntax.comment")


def place_of(
    block: Block, index: int, number_of: NumberOf, interchange: str | None = None, message: str | None = None
) -> PlaceOf:
    """Makes places in one segment, down to the byte."""

    def place(element: int, component: int) -> Place:
        return Place(
            interchange=interchange,
            message=message,
            offset=block.locate(index, element, component),
            segment=number_of(index),
            tag=block.segments[index][:3].partition("+")[0],
            element=element or None,
            component=component if element else None,
        )

    return place


def findings_of(
    block: Block,
    oddities: Iterable[Oddity],
    known: Iterable[Finding],
    *,
    number_of: NumberOf,
    interchange: str | None = None,
    message: str | None = None,
) -> list[Finding]:
    """A finding for the first oddity of each kind that is not among the known findings yet."""
    seen = {finding.code for finding in known}
    findings = []
    for oddity in oddities:
        if oddity.code not in seen:
            seen.add(oddity.code)
            findings.append(_finding(block, oddity, number_of, interchange, message))
    return findings


def _finding(
    block: Block, oddity: Oddity, number_of: NumberOf, interchange: str | None, message: str | None
) -> Finding:
    index = bisect_right(block.offsets, oddity.offset) - 1
    if index < 0 or oddity.code in _BETWEEN:
        return remark(oddity.code, Place(interchange=interchange, message=message, offset=oddity.offset))
    element, component = block.position(index, oddity.offset)
    place = Place(
        interchange=interchange,
        message=message,
        offset=oddity.offset,
        segment=number_of(index),
        tag=block.segments[index][:3].partition("+")[0],
        element=element or None,
        component=component if element else None,
    )
    return remark(oddity.code, place, found=block.excerpt(index, oddity.offset), detail=oddity.detail)
