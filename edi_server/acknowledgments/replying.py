"""The envelopes that carry acknowledgments back: sender and recipient change places, as the partner wrote them."""

from __future__ import annotations

from msgspec.structs import replace

from edi_server.acknowledgments.answering import ADVICE_GROUP, FUNCTIONAL_GROUP
from edi_server.acknowledgments.naming import is_x12
from edi_server.envelope.model import GroupHeader, InterchangeHeader


def answer_header(subject: InterchangeHeader, *, control_reference: str, date: str, time: str) -> InterchangeHeader:
    """UNB or ISA of the interchange that carries acknowledgments of an interchange.

    Syntax, version, character set and test indicator are those of the interchange that is answered; an acknowledgment
    is never asked for. `date` (YYMMDD; CCYYMMDD in EDIFACT's syntax version 4) and `time` (HHMM) are the caller's.
    Separators are those that the standard assumes in EDIFACT, in X12 those of the partner: there is nothing to release
    a separator with, and the partner's own are in none of the names that are repeated.
    """
    version = subject.syntax_version
    answer = InterchangeHeader(
        syntax=subject.syntax,
        charset=subject.charset,
        syntax_version=version if is_x12(subject) or version in ("1", "2", "3", "4") else "3",
        sender=subject.recipient,
        recipient=subject.sender,
        date=date,
        time=time,
        control_reference=control_reference,
        test=subject.test,
    )
    return replace(answer, separators=subject.separators) if is_x12(subject) else answer


def answer_group(group: GroupHeader, *, control_reference: str, date: str, time: str, version: str) -> GroupHeader:
    """GS of the group (FA) that carries 997s or 999s about a group.

    `version` is GS08 whole; `date` is CCYYMMDD (YYMMDD before 004010).
    """
    return GroupHeader(
        message_type=FUNCTIONAL_GROUP,
        sender=group.recipient,
        recipient=group.sender,
        control_reference=control_reference,
        date=date,
        time=time,
        agency=group.agency or "X",
        version=version,
    )


def advice_group(group: GroupHeader, *, control_reference: str, date: str, time: str, version: str) -> GroupHeader:
    """GS of the group (AG) that carries 824s about a group, as `answer_group` says."""
    answer = answer_group(group, control_reference=control_reference, date=date, time=time, version=version)
    return replace(answer, message_type=ADVICE_GROUP)
