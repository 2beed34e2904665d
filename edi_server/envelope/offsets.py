"""From the segment that a finding is about to its very byte, whatever the syntax; without findings it costs nothing.

Rooms behind this one know segment, element, component and repetition, but no bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from edi_server.envelope.model import MessageRead, RawMessage
from edi_server.findings import Finding, Place
from edi_server.syntax.places import Spot, locate_all


def refine(findings: Iterable[Finding], message: MessageRead) -> list[Finding]:
    """The findings about a message, `Place.offset` being that of the element, component or repetition they name.

    Where something is missing, it is the byte at which it should begin. Findings that name no element, or know their
    byte already, stay as they are.
    """
    findings = list(findings)
    raw = message.raw
    vague: defaultdict[int, set[Spot]] = defaultdict(set)
    for finding in findings:
        if raw is not None and _is_vague(finding.place, message):
            vague[finding.place.segment or 0].add(_spot(finding.place))
    if raw is None or not vague:
        return findings
    found = {number: _offsets(message, raw, number, spots) for number, spots in vague.items()}
    return [_moved(finding, found) if _is_vague(finding.place, message) else finding for finding in findings]


def _is_vague(place: Place, message: MessageRead) -> bool:
    """True if it names an element of a segment that is there, but knows no more than where the segment begins."""
    number = place.segment
    if place.element is None or number is None or not 0 < number < len(message.offsets):
        return False
    return place.offset is None or place.offset == message.offsets[number - 1]


def _spot(place: Place) -> Spot:
    return (place.element or 0, place.repetition or 1, place.component or 1)


def _offsets(message: MessageRead, raw: RawMessage, number: int, spots: Iterable[Spot]) -> dict[Spot, int]:
    start, end = message.offsets[number - 1 : number + 1]
    found = locate_all(raw.between(start, end), message.separators, spots)
    return {spot: start + offset for spot, offset in found.items()}


def _moved(finding: Finding, found: dict[int, dict[Spot, int]]) -> Finding:
    offset = found[finding.place.segment or 0][_spot(finding.place)]
    return msgspec.structs.replace(finding, place=msgspec.structs.replace(finding.place, offset=offset))
