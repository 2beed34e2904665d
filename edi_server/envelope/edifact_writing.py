"""UN/EDIFACT envelopes written: service segments around bodies, with counts and references.

Pure functions; control numbers and times are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader
from edi_server.findings import Finding
from edi_server.syntax.edifact import write_segments
from edi_server.syntax.normal import from_text


def close_message(header: MessageHeader, body: Sequence[str]) -> list[str]:
    """A message in normal form: UNH from `header`, the body's segments, UNT with their count (ISO 9735 annex B).

    `header.segment` is not looked at.
    """
    kind = [header.type, header.version, header.release, header.agency, header.association]
    reference = from_text(header.reference)
    return [
        f"UNH+{reference}+{_composite(kind)}",
        *body,
        f"UNT+{len(body) + 2}+{reference}",
    ]


def close_interchange(header: InterchangeHeader, messages: Sequence[Sequence[str]]) -> list[str]:
    """An interchange in normal form: UNB from `header`, the messages, UNZ with their count (ISO 9735 annex B).

    `header.segment` is not looked at; date and time are written as they stand.
    """
    reference = from_text(header.control_reference)
    elements = [
        "UNB",
        _composite([header.charset, header.syntax_version]),
        _identity(header.sender),
        _identity(header.recipient),
        _composite([header.date, header.time]),
        reference,
        "",
        from_text(header.application_reference),
        "",
        "1" if header.acknowledgment_requested else "",
        from_text(header.agreement),
        "1" if header.test else "",
    ]
    opening = "+".join(elements).rstrip("+")
    segments = [segment for message in messages for segment in message]
    return [opening, *segments, f"UNZ+{len(messages)}+{reference}"]


def wrap_edifact(
    header: InterchangeHeader, messages: Sequence[Sequence[str]], *, line_breaks: bool = False, lower_case: bool = False
) -> tuple[bytes, list[Finding]]:
    """The bytes of an interchange of messages made by `close_message`; see `write_segments` for findings and errors."""
    segments = close_interchange(header, messages)
    return write_segments(segments, header.separators, header.charset, line_breaks=line_breaks, lower_case=lower_case)


def _identity(identity: Identity) -> str:
    return _composite([identity.id, identity.qualifier, identity.routing])


def _composite(parts: list[str]) -> str:
    return ":".join(map(from_text, parts)).rstrip(":")
