"""What was received is accepted or rejected, level by level, by what the syntax and its guide say; nothing else counts.

An interchange, a group or a message with an error of its own is rejected with all that is in it. Errors of a message
reject that message only. The engine takes on what is accepted here and CONTRL says, so that both never differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from edi_server.acknowledgments.error_codes import fault_of
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, Place

Outcome = Literal["accepted", "accepted with errors", "partially accepted", "rejected"]
#: UNB 0020, UNG 0048 and UNH 0062 are an..14, 0004 and 0010 an..35.
_LONGEST_REFERENCE = 14
_LONGEST_IDENTITY = 35


class CheckedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with everything that was found about it: syntax, envelope, guide, agreement; the rest is ignored."""

    header: MessageHeader
    findings: tuple[Finding, ...] = ()


class CheckedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A functional group with the findings about UNG and UNE."""

    header: GroupHeader
    findings: tuple[Finding, ...] = ()
    messages: tuple[CheckedMessage, ...] = ()


class CheckedInterchange(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange with the findings about UNA, UNB, UNZ, its sender and its being a duplicate."""

    header: InterchangeHeader
    findings: tuple[Finding, ...] = ()
    #: Messages outside of groups, and groups.
    messages: tuple[CheckedMessage, ...] = ()
    groups: tuple[CheckedGroup, ...] = ()


class MessageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message. `outcome` is "rejected" too where a level above it is."""

    subject: CheckedMessage
    outcome: Outcome


class GroupVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a group; `rejected` with all its messages, because of `cause`."""

    subject: CheckedGroup
    outcome: Outcome
    rejected: bool
    cause: Finding | None = None
    messages: tuple[MessageVerdict, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an interchange; `rejected` as a whole because of `cause`."""

    subject: CheckedInterchange
    outcome: Outcome
    rejected: bool
    cause: Finding | None = None
    messages: tuple[MessageVerdict, ...] = ()
    groups: tuple[GroupVerdict, ...] = ()
    #: Why no CONTRL can be written: what it must repeat is missing. The partner has to be told in another way.
    obstacle: str | None = None

    def every_message(self) -> list[MessageVerdict]:
        """The messages outside of groups, then those in groups, in the order in which they were given."""
        return [*self.messages, *(message for group in self.groups for message in group.messages)]


def judge(interchange: CheckedInterchange) -> Verdict:
    """Accept or reject an interchange and everything in it."""
    cause = (
        _first_error(interchange.findings)
        or _nameless(interchange.messages, interchange.header)
        or _nameless_group(interchange.groups)
    )
    rejected = cause is not None
    messages = tuple(_judge_message(one, rejected=rejected) for one in interchange.messages)
    groups = tuple(_judge_group(one, interchange.header, rejected=rejected) for one in interchange.groups)
    below: list[Outcome] = [one.outcome for one in messages] + [one.outcome for one in groups]
    return Verdict(
        subject=interchange,
        outcome="rejected" if rejected else _sum(below, interchange.findings),
        rejected=rejected,
        cause=cause,
        messages=messages,
        groups=groups,
        obstacle=_obstacle(interchange.header),
    )


def reported(findings: Iterable[Finding], *, warnings: bool) -> list[Finding]:
    """Those findings that a CONTRL reports: errors of syntax and guide, and on demand warnings."""
    severities = ("error", "warning") if warnings else ("error",)
    return [finding for finding in findings if finding.severity in severities and fault_of(finding)]


def _judge_group(group: CheckedGroup, header: InterchangeHeader, *, rejected: bool) -> GroupVerdict:
    cause = _first_error(group.findings) or _nameless(group.messages, header)
    own = cause is not None
    messages = tuple(_judge_message(one, rejected=rejected or own) for one in group.messages)
    outcome = "rejected" if rejected or own else _sum([one.outcome for one in messages], group.findings)
    return GroupVerdict(subject=group, outcome=outcome, rejected=own, cause=cause, messages=messages)


def _judge_message(message: CheckedMessage, *, rejected: bool) -> MessageVerdict:
    if rejected or _first_error(message.findings):
        return MessageVerdict(subject=message, outcome="rejected")
    return MessageVerdict(subject=message, outcome=_sum([], message.findings))


def _sum(below: Sequence[Outcome], findings: Iterable[Finding]) -> Outcome:
    """The outcome of a level that is accepted itself."""
    if below and all(one == "rejected" for one in below):
        return "rejected"
    if any(one in ("rejected", "partially accepted") for one in below):
        return "partially accepted"
    warned = any(finding.severity == "warning" for finding in reported(findings, warnings=True))
    return "accepted with errors" if warned or "accepted with errors" in below else "accepted"


def _first_error(findings: Iterable[Finding]) -> Finding | None:
    return next(iter(reported(findings, warnings=False)), None)


def _nameless(messages: Iterable[CheckedMessage], header: InterchangeHeader) -> Finding | None:
    """A message that UCM cannot name is reported one level higher (ISO 9735 version 3; in 4 UCM 0062 may be absent)."""
    if header.syntax_version == "4":
        return None
    return next((_no_name("UNH", one.header.reference) for one in messages if not _is_name(one.header.reference)), None)


def _nameless_group(groups: Iterable[CheckedGroup]) -> Finding | None:
    references = [group.header.control_reference for group in groups]
    return next((_no_name("UNG", one, element=5) for one in references if not _is_name(one)), None)


def _is_name(reference: str) -> bool:
    return 0 < len(reference) <= _LONGEST_REFERENCE


def _no_name(tag: str, reference: str, element: int = 1) -> Finding:
    code = "envelope.unh-incomplete" if tag == "UNH" else "envelope.ung-incomplete"
    what = "message" if tag == "UNH" else "group"
    return Finding(
        code=code,
        severity="error",
        sentence=f"A {what} has no usable reference ({tag}), so it cannot be answered on its own.",
        place=Place(tag=tag, element=element),
        found=reference[:80] or None,
        expected="a reference of 1 to 14 characters",
    )


def _obstacle(header: InterchangeHeader) -> str | None:
    """UCI repeats 0020, S002 and S003 of the interchange; without them it cannot be written (ISO 9735-4)."""
    if not _is_name(header.control_reference):
        return "The interchange has no usable control reference (UNB 0020), so no CONTRL can name it."
    for identity, what in ((header.sender, "sender (UNB S002)"), (header.recipient, "recipient (UNB S003)")):
        if not 0 < len(identity.id) <= _LONGEST_IDENTITY:
            return f"The interchange has no usable {what}, so no CONTRL can be addressed."
    return None
