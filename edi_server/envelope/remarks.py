"""What the envelope room remarks on: every code with its severity and its sentence, in one table."""

from __future__ import annotations

from edi_server.envelope.x12_remarks import X12_REMARKS
from edi_server.findings import Finding, Place, Severity

#: Code → severity and sentence. docs/findings.md lists them for readers.
REMARKS: dict[str, tuple[Severity, str]] = {
    "envelope.unb-missing": (
        "error",
        "The interchange header (UNB) is missing: nobody can tell who sent this to whom.",
    ),
    "envelope.unb-incomplete": ("error", "A mandatory part of the interchange header (UNB) is missing."),
    "envelope.syntax-version": ("warning", "The syntax version of the interchange (UNB 0002) is not one from 1 to 4."),
    "envelope.unb-date": ("warning", "Date or time of preparation (UNB 0017, 0019) is not a date or time as expected."),
    "envelope.test-indicator": (
        "warning",
        "The test indicator (UNB 0035) is not 1; the interchange is treated as a test all the same.",
    ),
    "envelope.interchange-empty": ("warning", "There is no message in the interchange."),
    "envelope.unz-missing": (
        "error",
        "The interchange ends without its trailer (UNZ): it may have been cut off, and messages may be missing.",
    ),
    "envelope.unz-count": (
        "error",
        "The interchange trailer (UNZ 0036) does not count as many messages or groups as there are.",
    ),
    "envelope.unz-reference": (
        "error",
        "The control reference in the interchange trailer (UNZ 0020) is not the one in the header (UNB 0020).",
    ),
    "envelope.ung-incomplete": ("error", "A mandatory part of the group header (UNG) is missing."),
    "envelope.une-missing": ("error", "A group of messages ends without its trailer (UNE)."),
    "envelope.une-count": ("error", "The group trailer (UNE 0060) does not count as many messages as the group has."),
    "envelope.une-reference": (
        "error",
        "The reference in the group trailer (UNE 0048) is not the one in the group header (UNG 0048).",
    ),
    "envelope.messages-outside-group": (
        "warning",
        "The interchange has messages inside and outside of groups; all should be in groups, or none.",
    ),
    "envelope.unh-incomplete": ("error", "A mandatory part of the message header (UNH) is missing."),
    "envelope.unh-version": (
        "warning",
        "Version and release of the message (UNH 0052, 0054) are spelled unusually; they were read as they are meant.",
    ),
    "envelope.unt-missing": (
        "error",
        "The message ends without its trailer (UNT): it may have been cut off, and segments may be missing.",
    ),
    "envelope.unt-count": (
        "error",
        "The message trailer (UNT 0074) does not count as many segments as the message has.",
    ),
    "envelope.unt-reference": (
        "error",
        "The reference in the message trailer (UNT 0062) is not the one in the message header (UNH 0062).",
    ),
    "envelope.message-reference-duplicate": (
        "warning",
        "Another message of the interchange or group has the same reference (UNH 0062, ST02).",
    ),
    "envelope.message-too-large": (
        "error",
        "The message is larger than can be held in memory; only its beginning was read.",
    ),
    "envelope.segment-outside-message": (
        "error",
        "There are segments that belong to no message: a message header (UNH, ST) before them is missing.",
    ),
    "envelope.segment-misplaced": ("error", "A service segment stands where it cannot be, and was not used."),
    "envelope.package-skipped": (
        "warning",
        "The interchange contains a package (UNO to UNP), such as an attached file; it was not read.",
    ),
    "envelope.unp-length": (
        "warning",
        "The length of a package (UNO 0810, UNP 0810) is not the number of bytes between UNO and UNP.",
    ),
    "envelope.unp-reference": (
        "warning",
        "The reference in the package trailer (UNP 0800) is not the one in the package header (UNO 0800).",
    ),
    "envelope.package-unfinished": ("error", "A package (UNO) ends without its trailer (UNP)."),
    "envelope.interactive-unsupported": (
        "error",
        "This is interactive EDI (UIB), which is not supported; send a batch interchange (UNB).",
    ),
}
REMARKS |= X12_REMARKS


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings in the order of the bytes that they are about."""
    if len(findings) > 1:
        findings = sorted(findings, key=lambda finding: (finding.place.offset or 0, finding.code))
    return tuple(findings)


def remark(code: str, place: Place, *, found: str | None = None, expected: str | None = None) -> Finding:
    """The finding of that code; `found` is cut to 80 characters."""
    severity, sentence = REMARKS[code]
    return Finding(
        code=code,
        severity=severity,
        sentence=sentence,
        place=place,
        found=None if found is None else found[:80],
        expected=expected,
    )
