"""What the envelope room remarks on in X12 only: every code with its severity and its sentence."""

from __future__ import annotations

from edi_server.findings import Severity

#: Code → severity and sentence. docs/findings.md lists them for readers.
X12_REMARKS: dict[str, tuple[Severity, str]] = {
    "envelope.isa-missing": (
        "error",
        "The interchange header (ISA) is missing: nobody can tell who sent this to whom.",
    ),
    "envelope.isa-incomplete": (
        "error",
        "The interchange header (ISA) does not have the 16 elements that it must have, or a needed one is empty.",
    ),
    "envelope.isa-length": (
        "note",
        "The interchange header (ISA) does not have its fixed length of 106 characters; its elements were counted.",
    ),
    "envelope.isa-date": ("warning", "Date or time of the interchange (ISA09, ISA10) is not YYMMDD or HHMM."),
    "envelope.isa-repetition": (
        "note",
        "ISA11 does not fit the version in ISA12: before 00402 it is U, from there on the repetition separator.",
    ),
    "envelope.isa-usage": (
        "warning",
        "The usage indicator (ISA15) is none of P, T and I; the interchange is treated as a test.",
    ),
    "envelope.x12-version": ("warning", "The version of the interchange (ISA12) is none that X12 has."),
    "envelope.isa-unwritable": (
        "error",
        "A value does not fit into its element of the interchange header (ISA), which has a fixed length; it was cut.",
    ),
    "envelope.iea-missing": (
        "error",
        "The interchange ends without its trailer (IEA): it may have been cut off, and messages may be missing.",
    ),
    "envelope.iea-count": ("error", "The interchange trailer (IEA01) does not count as many groups as there are."),
    "envelope.iea-reference": (
        "error",
        "The control number in the interchange trailer (IEA02) is not the one in the header (ISA13).",
    ),
    "envelope.gs-missing": ("error", "There are messages outside any functional group: GS and GE are missing."),
    "envelope.gs-incomplete": ("error", "A mandatory part of the group header (GS) is missing."),
    "envelope.gs-date": ("warning", "Date or time of the group (GS04, GS05) is not a date or time as expected."),
    "envelope.ge-missing": ("error", "A functional group ends without its trailer (GE)."),
    "envelope.ge-count": ("error", "The group trailer (GE01) does not count as many messages as the group has."),
    "envelope.ge-reference": (
        "error",
        "The control number in the group trailer (GE02) is not the one in the group header (GS06).",
    ),
    "envelope.group-empty": ("warning", "There is no message in the group."),
    "envelope.group-reference-duplicate": (
        "warning",
        "Another group of the interchange has the same control number (GS06).",
    ),
    "envelope.group-type": ("warning", "This kind of message (ST01) does not belong into this kind of group (GS01)."),
    "envelope.st-incomplete": ("error", "A mandatory part of the message header (ST) is missing."),
    "envelope.se-missing": (
        "error",
        "The message ends without its trailer (SE): it may have been cut off, and segments may be missing.",
    ),
    "envelope.se-count": ("error", "The message trailer (SE01) does not count as many segments as the message has."),
    "envelope.se-reference": (
        "error",
        "The control number in the message trailer (SE02) is not the one in the message header (ST02).",
    ),
}
