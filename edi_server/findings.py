"""What is wrong with a document, as a value.

A finding is never raised: every room collects all of them and hands them on, so that a supplier sees
the whole list at once. What is wrong with the machine is an exception (`edi_server.errors`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Severity = Literal["note", "warning", "error"]
#: What an agreement may make of a severity: "off" leaves the finding out.
AgreedSeverity = Severity | Literal["off"]

#: Errors that stay errors whatever was agreed: something was not read or not looked at, so nobody vouches for the rest.
UNRECOVERABLE = frozenset(
    {
        "syntax.empty",
        "syntax.not-edi",
        "syntax.not-edifact",
        "syntax.not-x12",
        "syntax.binary-too-large",
        "syntax.segment-too-long",
        "syntax.unterminated",
        "envelope.interactive-unsupported",
        "envelope.message-too-large",
        "envelope.package-unfinished",
        "guide.message-unknown",
        "interchange.duplicate",
    }
)


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where in a transmission a finding points. Every field is optional; the more the better."""

    #: UNB 0020 / ISA13 of the interchange.
    interchange: str | None = None
    #: UNH 0062 / ST02 of the message.
    message: str | None = None
    #: Offset of the offending byte (or of the segment, if no finer place is known) from the start of the transmission.
    offset: int | None = None
    #: Number of the segment within its message, UNH being 1; within the interchange for service segments.
    segment: int | None = None
    #: Tag of the segment, such as "QTY".
    tag: str | None = None
    #: Path of segment groups, outermost first, such as "SG25/SG28"; empty outside any group.
    group: str | None = None
    #: Position of the stand-alone or composite data element in its segment, the first after the tag being 1.
    element: int | None = None
    #: Position of the component within its composite, the first being 1.
    component: int | None = None
    #: Repetition of the element (syntax version 4), the first being 1.
    repetition: int | None = None
    #: For findings about a canonical document: the field, such as "lines[3].quantity".
    field: str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing wrong with a document, in words that its sender can act on."""

    #: Stable dotted code, `<room>.<what>`, such as "guide.segment-missing"; documented in docs/findings.md.
    code: str
    #: "error" makes the message invalid; "warning" and "note" never do.
    severity: Severity
    #: One plain sentence in English for a person who does not know our software.
    sentence: str
    place: Place = Place()
    #: What stood there, cut to 80 characters.
    found: str | None = None
    #: What would have been right.
    expected: str | None = None


def has_errors(findings: list[Finding] | tuple[Finding, ...]) -> bool:
    """True if at least one finding is an error."""
    return any(finding.severity == "error" for finding in findings)


def regrade(findings: Iterable[Finding], severities: Mapping[str, AgreedSeverity], /) -> tuple[Finding, ...]:
    """The findings with the severities that were agreed.

    A key is a code such as "envelope.unz-count", or the beginning of codes with an asterisk behind it, such as
    "envelope.unz-*". The code itself comes before a beginning, and a longer beginning before a shorter one. Findings
    of `UNRECOVERABLE` codes stay as they are.
    """
    if not severities:
        return tuple(findings)
    return tuple(filter(None, (_regraded(finding, severities) for finding in findings)))


def objection(key: str, severity: AgreedSeverity) -> str | None:
    """Why a severity cannot be agreed for a key of `regrade`, as a sentence; None if it can."""
    if key.removesuffix("*").count("*") or not key.removesuffix("*"):
        return f"{key!r} is neither a code of a finding nor the beginning of one with an asterisk behind it."
    if key in UNRECOVERABLE and severity != "error":
        return f"{key} stays an error: something could not be read, so nobody can vouch for the rest."
    return None


def _regraded(finding: Finding, severities: Mapping[str, AgreedSeverity]) -> Finding | None:
    severity = _agreed(finding.code, severities)
    if severity is None or severity == finding.severity or finding.code in UNRECOVERABLE:
        return finding
    return None if severity == "off" else msgspec.structs.replace(finding, severity=severity)


def _agreed(code: str, severities: Mapping[str, AgreedSeverity]) -> AgreedSeverity | None:
    """What the key that fits best says."""
    if code in severities:
        return severities[code]
    beginnings = (key for key in severities if key.endswith("*") and code.startswith(key[:-1]))
    best = max(beginnings, key=len, default=None)
    return None if best is None else severities[best]
