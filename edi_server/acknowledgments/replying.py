"""The envelopes that carry acknowledgments back: sender and recipient change places, as the partner wrote them."""

from __future__ import annotations

import re

from msgspec.structs import replace

from edi_server.acknowledgments.answering import ADVICE_GROUP, FUNCTIONAL_GROUP
from edi_server.acknowledgments.naming import is_x12
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader


def answer_header(subject: InterchangeHeader, *, control_reference: str, date: str, time: str) -> InterchangeHeader:
    """UNB or ISA of the interchange that carries acknowledgments of an interchange.

    Syntax, version, character set and test indicator are those of the interchange that is answered; an acknowledgment
    is never asked for. `date` (YYMMDD; CCYYMMDD in EDIFACT's syntax version 4) and `time` (HHMM) are the caller's.
    Separators are those that the standard assumes in EDIFACT, in X12 those of the partner: there is nothing to release
    a separator with, and the partner's own are in none of the names that are repeated.
    """
    answer = InterchangeHeader(
        syntax=subject.syntax,
        charset=subject.charset,
        syntax_version=_version(subject),
        sender=subject.recipient,
        recipient=subject.sender,
        date=date,
        time=time,
        control_reference=control_reference,
        test=subject.test,
    )
    return replace(answer, separators=subject.separators) if is_x12(subject) else answer


def _version(subject: InterchangeHeader) -> str:
    """That of the interchange; where it is none, the one that everybody reads."""
    version = subject.syntax_version
    if is_x12(subject):
        return version if re.fullmatch("00[2-9][0-9]{2}", version) else "00401"
    return version if version in ("1", "2", "3", "4") else "3"


def answer_group(
    group: GroupHeader,
    interchange: InterchangeHeader,
    *,
    control_reference: str,
    date: str,
    time: str,
    version: str,
) -> GroupHeader:
    """GS of the group (FA) that carries 997s or 999s about a group of an interchange.

    A party that GS does not name is named as in ISA. `version` is GS08 whole; `date` is CCYYMMDD (YYMMDD before
    004010).
    """
    return GroupHeader(
        message_type=FUNCTIONAL_GROUP,
        sender=_named(group.recipient, interchange.recipient),
        recipient=_named(group.sender, interchange.sender),
        control_reference=control_reference,
        date=date,
        time=time,
        agency=group.agency or "X",
        version=version,
    )


def advice_group(
    group: GroupHeader,
    interchange: InterchangeHeader,
    *,
    control_reference: str,
    date: str,
    time: str,
    version: str,
) -> GroupHeader:
    """GS of the group (AG) that carries 824s about a group, as `answer_group` says."""
    answer = answer_group(
        group, interchange, control_reference=control_reference, date=date, time=time, version=version
    )
    return replace(answer, message_type=ADVICE_GROUP)


def _named(party: Identity | None, otherwise: Identity) -> Identity:
    return party if party and party.id.strip() else Identity(id=otherwise.id.strip()[:15])
