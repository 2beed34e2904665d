"""An interchange as bytes, whatever its syntax: the one place of the engine where writing both is told apart."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from edi_server.envelope import edifact_writing, x12_writing
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.findings import Finding
from edi_server.partners.model import Writing
from edi_server.syntax.x12_isa import FIRST_WITH_REPETITION

#: Number of its group, header, and segments between the message's own.
Body = tuple[int, MessageHeader, Sequence[str]]


def wrap(
    header: InterchangeHeader,
    groups: Sequence[GroupHeader],
    bodies: Sequence[Body],
    ta1: Sequence[str],
    writing: Writing,
) -> tuple[bytes, list[Finding]]:
    """The bytes of an interchange, and what could not be said as it should.

    Raises ConfigurationError for separators and character sets that cannot be written.
    """
    return (
        _wrap_x12(header, groups, bodies, ta1, writing)
        if header.syntax == "x12"
        else _wrap_edifact(header, groups, bodies, writing)
    )


def _wrap_edifact(
    header: InterchangeHeader, groups: Sequence[GroupHeader], bodies: Sequence[Body], writing: Writing
) -> tuple[bytes, list[Finding]]:
    messages = [edifact_writing.close_message(own, body) for _, own, body in bodies]
    if groups:
        messages = [
            edifact_writing.close_group(
                group, [message for message, body in zip(messages, bodies, strict=True) if body[0] == at]
            )
            for at, group in enumerate(groups)
        ]
    return edifact_writing.wrap_edifact(
        header, messages, line_breaks=writing.line_breaks, lower_case=writing.lower_case
    )


def _wrap_x12(
    header: InterchangeHeader,
    groups: Sequence[GroupHeader],
    bodies: Sequence[Body],
    ta1: Sequence[str],
    writing: Writing,
) -> tuple[bytes, list[Finding]]:
    if header.syntax_version < FIRST_WITH_REPETITION:
        header = replace(header, separators=replace(header.separators, repetition=" "))
    filled = [
        (group, [x12_writing.close_message(own, body) for number, own, body in bodies if number == at])
        for at, group in enumerate(groups)
    ]
    return x12_writing.wrap_x12(
        header, filled, acknowledgments=ta1, line_breaks=writing.line_breaks, repertoire=writing.x12.charset
    )
