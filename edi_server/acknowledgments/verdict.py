"""What was received is accepted or rejected, level by level, by what the syntax and its guide say; nothing else counts.

An interchange, a group or a message with an error of its own is rejected with all that is in it. Errors of a message
reject that message only, unless it was agreed that they reject the whole interchange. The engine takes on what is
accepted here, and the acknowledgment says it, so that both never differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from edi_server.acknowledgments.error_codes import fault_of
from edi_server.acknowledgments.naming import nameless_group, nameless_message, obstacle
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, Place
from edi_server.guides.model import Guide

Outcome = Literal["accepted", "accepted with errors", "partially accepted", "rejected"]
#: What becomes of a message that is rejected only because another one of its interchange has an error.
SUSPENDED = "acknowledgment.interchange-suspended"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed about interchanges of several messages."""

    #: "split": each message is worked with on its own; "keep": those that are accepted stay together.
    interchange: Literal["split", "keep"] = "split"
    #: What an error of a message, or of a group, rejects.
    on_error: Literal["message", "interchange"] = "message"


class CheckedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with everything that was found about it: syntax, envelope, guide, agreement; the rest is ignored."""

    header: MessageHeader
    findings: tuple[Finding, ...] = ()
    #: By which it was checked: 997 and 999 name data elements by their reference numbers.
    guide: Guide | None = None


class CheckedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A functional group with the findings about its header and trailer (UNG and UNE, GS and GE)."""

    header: GroupHeader
    findings: tuple[Finding, ...] = ()
    messages: tuple[CheckedMessage, ...] = ()


class CheckedInterchange(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange with the findings about its header and trailer, its sender and its being a duplicate."""

    header: InterchangeHeader
    findings: tuple[Finding, ...] = ()
    #: Messages outside of groups, and groups.
    messages: tuple[CheckedMessage, ...] = ()
    groups: tuple[CheckedGroup, ...] = ()


class MessageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message. `outcome` is "rejected" too where a level above it is."""

    subject: CheckedMessage
    outcome: Outcome
    #: Why it is rejected: its own first error, that of a level above, or `SUSPENDED`.
    cause: Finding | None = None

    @property
    def has_own_error(self) -> bool:
        """False for a message that is rejected only because of what is around it."""
        return _first_error(self.subject.findings) is not None


class GroupVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a group; `rejected` with all its messages, because of `cause`."""

    subject: CheckedGroup
    outcome: Outcome
    rejected: bool
    cause: Finding | None = None
    messages: tuple[MessageVerdict, ...]

    @property
    def has_own_error(self) -> bool:
        """True if the group or a message in it has an error."""
        return self.rejected or any(message.has_own_error for message in self.messages)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an interchange; `rejected` as a whole because of `cause`, which is about its envelope."""

    subject: CheckedInterchange
    outcome: Outcome
    rejected: bool
    cause: Finding | None = None
    messages: tuple[MessageVerdict, ...] = ()
    groups: tuple[GroupVerdict, ...] = ()
    #: Why no acknowledgment can be written: what it must repeat is missing. The partner has to be told in another way.
    obstacle: str | None = None
    #: True if nothing is wrong with its envelope, and all of it is rejected because of an error in it (`Policy`).
    suspended: bool = False
    policy: Policy = Policy()

    def every_message(self) -> list[MessageVerdict]:
        """The messages outside of groups, then those in groups, in the order in which they were given."""
        return [*self.messages, *(message for group in self.groups for message in group.messages)]

    def units(self) -> list[tuple[MessageVerdict, ...]]:
        """The accepted messages, by what is worked with together: each alone, or all of the interchange (`Policy`)."""
        accepted = tuple(message for message in self.every_message() if message.outcome != "rejected")
        if self.policy.interchange == "split":
            return [(message,) for message in accepted]
        return [accepted] if accepted else []


def judge(interchange: CheckedInterchange, policy: Policy = Policy()) -> Verdict:  # noqa: B008 — it is frozen
    """Accept or reject an interchange and everything in it."""
    header = interchange.header
    cause = _first_error(interchange.findings) or _nameless(interchange)
    above = cause or (_suspension(interchange) if policy.on_error == "interchange" else None)
    messages = tuple(_judge_message(one, above) for one in interchange.messages)
    groups = tuple(_judge_group(one, header, above) for one in interchange.groups)
    below: list[Outcome] = [one.outcome for one in messages] + [one.outcome for one in groups]
    return Verdict(
        subject=interchange,
        outcome="rejected" if above else _sum(below, interchange.findings),
        rejected=cause is not None,
        cause=cause,
        messages=messages,
        groups=groups,
        obstacle=obstacle(header),
        suspended=cause is None and above is not None,
        policy=policy,
    )


def reported(findings: Iterable[Finding], *, warnings: bool) -> list[Finding]:
    """Those findings that CONTRL, 997 and 999 report: errors of syntax and guide, and on demand warnings."""
    severities = ("error", "warning") if warnings else ("error",)
    return [finding for finding in findings if finding.severity in severities and fault_of(finding)]


def _nameless(interchange: CheckedInterchange) -> Finding | None:
    header = interchange.header
    return _first(nameless_message(one.header, header) for one in interchange.messages) or _first(
        nameless_group(group.header, header) for group in interchange.groups
    )


def _own_cause(group: CheckedGroup, header: InterchangeHeader) -> Finding | None:
    """What rejects a group with all that is in it."""
    return _first_error(group.findings) or _first(nameless_message(one.header, header) for one in group.messages)


def _judge_group(group: CheckedGroup, header: InterchangeHeader, above: Finding | None) -> GroupVerdict:
    cause = _own_cause(group, header)
    messages = tuple(_judge_message(one, cause or above) for one in group.messages)
    is_rejected = above is not None or cause is not None
    outcome = "rejected" if is_rejected else _sum([one.outcome for one in messages], group.findings)
    return GroupVerdict(subject=group, outcome=outcome, rejected=cause is not None, cause=cause, messages=messages)


def _judge_message(message: CheckedMessage, above: Finding | None) -> MessageVerdict:
    cause = _first_error(message.findings) or above
    if cause:
        return MessageVerdict(subject=message, outcome="rejected", cause=cause)
    return MessageVerdict(subject=message, outcome=_sum([], message.findings))


def _suspension(interchange: CheckedInterchange) -> Finding | None:
    """Why a message without fault is rejected, where one error rejects the whole interchange."""
    names = [
        _name("group", group.header.control_reference, _own_cause(group, interchange.header))
        for group in interchange.groups
    ]
    inside = [message for group in interchange.groups for message in group.messages]
    names += [
        _name("message", one.header.reference, _first_error(one.findings)) for one in (*interchange.messages, *inside)
    ]
    guilty = next(filter(None, names), None)
    if guilty is None:
        return None
    return Finding(
        code=SUSPENDED,
        severity="error",
        sentence=f"There is no error here; it was not taken because {guilty} of the same interchange has one.",
        place=Place(interchange=interchange.header.control_reference or None),
    )


def _name(what: str, reference: str, cause: Finding | None) -> str | None:
    return f"{what} {reference or '(without a reference)'}" if cause else None


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


def _first(findings: Iterable[Finding | None]) -> Finding | None:
    return next(filter(None, findings), None)
