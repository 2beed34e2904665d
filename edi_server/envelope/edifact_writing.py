"""UN/EDIFACT envelopes written: service segments around bodies, with counts and references.

Pure functions; control numbers and times are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader, Usage
from edi_server.findings import Finding
from edi_server.syntax.edifact import write_segments
from edi_server.syntax.normal import from_text


def close_message(header: MessageHeader, body: Sequence[str]) -> list[str]:
    """A message in normal form: UNH from `header`, the body's segments, UNT with their count (ISO 9735 annex B).

    `header.segment` is not looked at.
    """
    reference = from_text(header.reference)
    kind = [header.type, header.version, header.release, header.agency, header.association]
    elements = [
        "UNH",
        reference,
        _composite([*kind, header.code_list_version, header.sub_function]),
        from_text(header.access_reference),
        _composite([header.transfer, header.transfer_position]),
        *(_usage(usage) for usage in (header.subset, header.guideline, header.scenario)),
    ]
    return [_segment(elements), *body, f"UNT+{len(body) + 2}+{reference}"]


def close_group(header: GroupHeader, messages: Sequence[Sequence[str]]) -> list[str]:
    """A group in normal form: UNG from `header`, the messages, UNE with their count (ISO 9735 annex B).

    It stands in an interchange where a message would: `close_interchange` counts it as one. `header.segment` is not
    looked at.
    """
    reference = from_text(header.control_reference)
    version, _, release = header.version.partition(".")
    elements = [
        "UNG",
        from_text(header.message_type),
        _identity(header.sender),
        _identity(header.recipient),
        _composite([header.date, header.time]),
        reference,
        from_text(header.agency),
        _composite([version, release, header.association]),
        from_text(header.password),
    ]
    segments = [segment for message in messages for segment in message]
    return [_segment(elements), *segments, f"UNE+{len(messages)}+{reference}"]


def close_interchange(header: InterchangeHeader, messages: Sequence[Sequence[str]]) -> list[str]:
    """An interchange in normal form: UNB from `header`, the messages, UNZ with their count (ISO 9735 annex B).

    Instead of messages there may be groups made by `close_group`. `header.segment` is not looked at; date and time are
    written as they stand.
    """
    reference = from_text(header.control_reference)
    syntax = [header.charset, header.syntax_version, header.service_directory, header.encoding, header.syntax_release]
    elements = [
        "UNB",
        _composite(syntax),
        _identity(header.sender),
        _identity(header.recipient),
        _composite([header.date, header.time]),
        reference,
        _composite([header.password, header.password_qualifier]),
        from_text(header.application_reference),
        from_text(header.priority),
        "1" if header.acknowledgment_requested else from_text(header.acknowledgment_code),
        from_text(header.agreement),
        _test_indicator(header),
    ]
    segments = [segment for message in messages for segment in message]
    return [_segment(elements), *segments, f"UNZ+{len(messages)}+{reference}"]


def _test_indicator(header: InterchangeHeader) -> str:
    """0035; `test` decides, `test_code` says what kind of test."""
    if header.test == (header.test_code not in ("", "0")):
        return from_text(header.test_code)
    return "1" if header.test else ""


def wrap_edifact(
    header: InterchangeHeader,
    messages: Sequence[Sequence[str]],
    *,
    line_breaks: bool | str = False,
    lower_case: bool = False,
) -> tuple[bytes, list[Finding]]:
    """The bytes of an interchange of messages or groups made here; see `write_segments` for findings and errors."""
    segments = close_interchange(header, messages)
    return write_segments(segments, header.separators, header.charset, line_breaks=line_breaks, lower_case=lower_case)


def _segment(elements: list[str]) -> str:
    return "+".join(elements).rstrip("+")


def _identity(identity: Identity | None) -> str:
    return _composite([identity.id, identity.qualifier, identity.routing, identity.internal]) if identity else ""


def _usage(usage: Usage | None) -> str:
    return _composite([usage.id, usage.version, usage.release, usage.agency]) if usage else ""


def _composite(parts: list[str]) -> str:
    return ":".join(map(from_text, parts)).rstrip(":")
