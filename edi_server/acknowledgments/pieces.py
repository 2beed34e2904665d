"""Pieces of segments in normal form, as every writer of acknowledgments puts them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edi_server.envelope.model import Identity
from edi_server.findings import Finding, Place
from edi_server.syntax.normal import from_text


def segment(*elements: str) -> str:
    """A segment of a tag and elements in normal form; empty ones at the end are left out."""
    return "+".join(elements).rstrip("+")


def composite(parts: Iterable[str]) -> str:
    """A composite of texts; empty ones at the end are left out."""
    return ":".join(from_text(part) for part in parts).rstrip(":")


def identity(party: Identity | None) -> str:
    """A party as UNB writes it: id, qualifier, routing."""
    return composite([party.id, party.qualifier, party.routing]) if party else ""


def limited(position: int | None, digits: int) -> str:
    """A position in the digits that its element has: what is further behind cannot be said better."""
    return str(min(position, 10**digits - 1)) if position else ""


def text(value: str | None, most: int) -> str:
    """A text in normal form, cut to the characters that its element has, without blanks at its ends."""
    return from_text(value or "")[:most].strip()


#: Stand-alone elements of service segments, by position; of trailers and of the control segments of X12 all are.
_STAND_ALONE: dict[str, frozenset[int] | None] = {
    "UNB": frozenset({5, 7, 8, 9, 10, 11}),
    "UNG": frozenset({1, 5, 6, 8}),
    "UNH": frozenset({1, 3}),
    **dict.fromkeys(("UNT", "UNE", "UNZ", "ISA", "GS", "ST", "SE", "GE", "IEA")),
}


def component_of(place: Place) -> int | None:
    """The component that a finding is about; None in a stand-alone element, which has none to count."""
    if place.tag in _STAND_ALONE:
        stand_alone = _STAND_ALONE[place.tag]
        if stand_alone is None or place.element in stand_alone:
            return None
    return place.component


def by_segment(findings: Sequence[Finding]) -> Iterator[tuple[int, bool, list[Finding]]]:
    """Findings by the segment that they are about: its number, whether it is about all of it, and the findings.

    CONTRL (UCS) and 997 (AK3) have one error for a segment: each finding about a whole segment comes alone, those about
    the elements of a segment come together, and behind them.
    """
    sorted_out: dict[tuple[int, int], list[Finding]] = {}
    for count, finding in enumerate(findings):
        whole = count if finding.place.element is None else len(findings)
        sorted_out.setdefault((finding.place.segment or 0, whole), []).append(finding)
    for number, whole in sorted(sorted_out):
        yield number, whole < len(findings), sorted_out[number, whole]


def wrapped(sentence: str, widths: Iterator[int]) -> Iterator[str]:
    """A text in lines of the given widths, broken between words where that is possible; ends with the widths."""
    rest = " ".join(from_text(sentence).split())
    for width in widths:
        if not rest:
            return
        cut = width if len(rest) <= width else max(rest.rfind(" ", 0, width + 1), 0) or width
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
