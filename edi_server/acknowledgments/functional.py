"""A verdict on a group of X12 → 997 or 999: what was accepted of it, and what is wrong where.

Source: X12.20 (997) and transaction set 999 of 005010; shape and lengths by version of the transaction set, 003060 to
006020. Both say the same with the same codes; 999 calls AK3, AK4 and AK5 IK3, IK4 and IK5, and can name what made an
element necessary (CTX). Positions: AK302 counts the segments of the message, ST being 1; a segment that is missing has
the position that it should have had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from msgspec.structs import replace

from edi_server.acknowledgments.answering import FUNCTIONAL_GROUP
from edi_server.acknowledgments.naming import is_listed
from edi_server.acknowledgments.pieces import by_segment, component_of, limited, segment, text
from edi_server.acknowledgments.verdict import GroupVerdict, MessageVerdict, reported
from edi_server.acknowledgments.x12_error_codes import (
    ELEMENTS_IN_ERROR,
    SEGMENTS_IN_ERROR,
    element_code,
    group_code,
    message_code,
    segment_code,
)
from edi_server.acknowledgments.x12_reference import ReferenceNumbers
from edi_server.envelope.model import GroupHeader, MessageHeader
from edi_server.envelope.x12_writing import close_message
from edi_server.findings import Finding
from edi_server.syntax.normal import from_text

ACCEPTED, WITH_ERRORS, PARTLY, REJECTED = "A", "E", "P", "R"
#: AK3 in AK2 and AK4 in AK3 (997: 99; 999 has no limit, and nobody reads more).
MAX_SEGMENTS = 999
MAX_ELEMENTS = 99
#: Codes in AK5 and AK9.
MAX_CODES = 5
#: The first version with AK103, AK203 and repetitions in AK401, and the oldest and newest that we know.
_ECHOING, _OLDEST, _NEWEST = "005010", "003060", "006020"
#: What made an element necessary, as 999 calls it (005010X231, CTX01).
_TRIGGER = "SITUATIONAL TRIGGER"
#: The implementation guide of 999 in health care.
_GUIDE_OF_999 = "X231A1"
_TAG = re.compile(r"[A-Z0-9]{2,3}")
#: AK404 repeats values; what is missing or too much has none.
_COPIED = frozenset({"4", "5", "6", "7", "8", "9", "I6", "I12"})
#: What AK304 and IK304 say of segments that are not there: they have the position that they should have had.
_MISSING = frozenset({"3", "I8"})
_TRIGGERED = frozenset({"guide.condition-missing", "guide.condition-excluded"})


def write_997(group: GroupVerdict, *, message_reference: str, report_warnings: bool = False) -> list[str]:
    """The 997 about a group, ST to SE in normal form, in the version of the group.

    `message_reference` is its ST02 (4 to 9 characters); `report_warnings` reports warnings too, under messages that are
    accepted with errors (AK501 = E). A message that has no error itself, and is rejected because of what is around it,
    is AK501 = R without a code. One that has no usable type or number is not listed, but counted. Raises ValueError
    for a group of acknowledgments.
    """
    return _write(group, "997", message_reference, report_warnings=report_warnings)


def write_999(group: GroupVerdict, *, message_reference: str, report_warnings: bool = False) -> list[str]:
    """The 999 about a group, as `write_997` says; in version 005010 or later, which are the ones that have it."""
    return _write(group, "999", message_reference, report_warnings=report_warnings)


def functional_header(group: GroupHeader, kind: Literal["997", "999"], message_reference: str) -> MessageHeader:
    """ST of the 997 or 999 that answers a group; `version` and `association` together are its GS08.

    `segment` is there where ST03 names an implementation guide, for `close_message`.
    """
    version, association = answered_version(group, kind)
    header = MessageHeader(reference=message_reference, type=kind, version=version, agency="X", association=association)
    if association != _GUIDE_OF_999:
        return header
    return replace(header, segment=segment("ST", kind, from_text(message_reference), version + association))


def answered_version(group: GroupHeader, kind: Literal["997", "999"]) -> tuple[str, str]:
    """Version of the 997 or 999 that answers a group, and what follows it in GS08.

    A convention of a whole industry (VICS, UCS) is kept. An implementation guide of one message (X222A1) is not: 999
    names its own instead.
    """
    version, association = group.version[:6], group.version[6:]
    version = min(max(version, _OLDEST), _NEWEST) if re.fullmatch("[0-9]{6}", version) else "004010"
    is_guide = re.match(r"X[0-9]", association) is not None
    if kind == "999":
        version = max(version, _ECHOING)
        return version, _GUIDE_OF_999 if is_guide and version == _ECHOING else "" if is_guide else association
    return version, "" if is_guide else association


def _write(group: GroupVerdict, kind: Literal["997", "999"], reference: str, *, report_warnings: bool) -> list[str]:
    if group.subject.header.message_type == FUNCTIONAL_GROUP:
        raise ValueError("A group of acknowledgments (GS01 = FA) is not acknowledged.")
    header = functional_header(group.subject.header, kind, reference)
    report = _Report(kind, header.version, warnings=report_warnings)
    return close_message(header, list(report.body(group)))


class _Report:
    """Writes the segments of one 997 or 999."""

    def __init__(self, kind: Literal["997", "999"], version: str, *, warnings: bool) -> None:
        self._version = version
        self._warnings = warnings
        self._echoes = version >= _ECHOING
        self._is_999 = kind == "999"
        self._letter = "I" if self._is_999 else "A"
        #: Digits of a segment's position (719), and characters of a loop (447), which 004010 and 004030 had more of.
        self._digits = 10 if self._echoes else 6
        self._loop = 6 if version in ("004010", "004030") else 4

    def body(self, group: GroupVerdict) -> Iterator[str]:
        """AK1, the messages, AK9."""
        header = group.subject.header
        version = [from_text(header.version)[:12]] if self._echoes else []
        yield segment("AK1", from_text(header.message_type), header.control_reference, *version)
        accepted = 0
        with_errors = False
        for message in group.messages:
            code, segments = self._message(message)
            accepted += code != REJECTED
            with_errors = with_errors or code == WITH_ERRORS
            if is_listed(message.subject.header):
                yield from segments
        yield self._summary(group, accepted, with_errors=with_errors)

    def _summary(self, group: GroupVerdict, accepted: int, *, with_errors: bool) -> str:
        """AK9: how many messages GE01 says there are, how many came, how many were accepted."""
        received = len(group.messages)
        noted = reported(group.subject.findings, warnings=self._warnings)
        codes = _unique(group_code(finding, self._version) for finding in noted)
        if group.outcome == "rejected":
            outcome = REJECTED
        elif accepted < received:
            outcome = PARTLY
        else:
            outcome = WITH_ERRORS if with_errors or noted else ACCEPTED
        counts = [limited(count, 6) or "0" for count in (_included(group, received), received, accepted)]
        return segment("AK9", outcome, *counts, *codes)

    def _message(self, message: MessageVerdict) -> tuple[str, list[str]]:
        """AK501, and AK2 to AK5."""
        header = message.subject.header
        findings = reported(message.subject.findings, warnings=self._warnings)
        inside = [finding for finding in findings if _is_within(finding)]
        segments = list(self._segments(inside, ReferenceNumbers(message.subject.guide)))
        codes = [message_code(finding, self._version) for finding in findings if not _is_within(finding)]
        codes += [SEGMENTS_IN_ERROR] if inside else []
        outcome = REJECTED if message.outcome == "rejected" else WITH_ERRORS if findings else ACCEPTED
        opening = segment("AK2", from_text(header.type), from_text(header.reference), *self._convention(header))
        closing = segment(f"{self._letter}K5", outcome, *_unique(codes))
        return outcome, [opening, *segments, closing]

    def _convention(self, header: MessageHeader) -> list[str]:
        """AK203: the implementation guide that ST03 names."""
        if not self._echoes:
            return []
        named = header.segment.split("+")[3:4]
        if not named and re.match("X[0-9]", header.association):
            named = [from_text(header.version + header.association)]
        return [named[0][:35]] if named else []

    def _segments(self, findings: Sequence[Finding], references: ReferenceNumbers) -> Iterator[str]:
        """AK3 for each segment; a fault of the whole segment and those of its elements stand in AK3 of their own."""
        for number, is_whole, about in islice(by_segment(findings), MAX_SEGMENTS):
            place = about[0].place
            tag = (place.tag or "")[:3]
            if not _TAG.fullmatch(tag):
                continue
            code = segment_code(about[0], is_999=self._is_999) if is_whole else ELEMENTS_IN_ERROR
            position = limited(number + (code in _MISSING), self._digits)
            loop = (place.group or "").rpartition("/")[2]
            loop = loop if len(loop) <= self._loop and re.fullmatch("[A-Z0-9]+", loop) else ""
            yield segment(f"{self._letter}K3", tag, position, loop, code)
            if not is_whole:
                for one in about[:MAX_ELEMENTS]:
                    yield from self._element(one, tag, position, loop, references)

    def _element(
        self, finding: Finding, tag: str, position: str, loop: str, references: ReferenceNumbers
    ) -> Iterator[str]:
        """AK4: position, reference number, code, copy of the value; CTX where others made the element necessary."""
        place, code = finding.place, element_code(finding, self._version, is_999=self._is_999)
        where = [limited(place.element, 2), limited(component_of(place), 2)]
        where += [limited(place.repetition, 4)] if self._echoes else []
        at = ":".join(where).rstrip(":")
        copy = text(finding.found, 99) if code in _COPIED else ""
        yield segment(f"{self._letter}K4", at, references.of(place), code, copy)
        if self._is_999 and finding.code in _TRIGGERED:
            yield segment("CTX", _TRIGGER, tag, position, loop)


def _included(group: GroupVerdict, received: int) -> int:
    """GE01: what it says where that is not what came."""
    said = next((one.found or "" for one in group.subject.findings if one.code == "envelope.ge-count"), "").strip()
    return int(said) if re.fullmatch("[0-9]{1,6}", said) else received


def _is_within(finding: Finding) -> bool:
    """True for what AK3 reports; ST and SE belong to AK5, and so does what has no segment."""
    return finding.place.segment is not None and finding.place.tag not in ("ST", "SE")


def _unique(codes: Iterator[str] | Sequence[str]) -> list[str]:
    """Each code once, as many as there is room for."""
    return list(dict.fromkeys(filter(None, codes)))[:MAX_CODES]
