"""Which messages are acknowledged, and with what.

ISO 9735-4: a CONTRL is not sent in answer to a CONTRL. X12 (997, 999, TA1): an acknowledgment is not acknowledged, and
a group of them (GS01 = FA) has no 997. Else two programs would thank each other for ever. Application acknowledgments
are messages like others to the syntax: they may have a CONTRL or a 997, where the policy says so, and never another
application acknowledgment.
"""

from __future__ import annotations

from typing import Literal

from edi_server.acknowledgments.verdict import GroupVerdict, Verdict
from edi_server.partners.clauses import TechnicalWhen, When

Kind = Literal["CONTRL", "TA1", "997", "999", "824", "APERAK"]

#: What is said about interchanges, groups and messages as such.
FUNCTIONAL: frozenset[str] = frozenset({"CONTRL", "TA1", "997", "999"})
#: What is said about the business in a message.
APPLICATION: frozenset[str] = frozenset({"824", "APERAK"})
#: GS01 of groups of functional acknowledgments and of application advice.
FUNCTIONAL_GROUP, ADVICE_GROUP = "FA", "AG"


def is_answered(message_type: str, *, application: bool = True) -> bool:
    """Whether a message is answered with a CONTRL, 997 or 999; `application` is the policy about APERAK and 824."""
    return message_type not in FUNCTIONAL and (application or message_type not in APPLICATION)


def is_advised(message_type: str) -> bool:
    """Whether a message is answered with an APERAK or 824."""
    return message_type not in FUNCTIONAL and message_type not in APPLICATION


def wants_ta1(verdict: Verdict, when: TechnicalWhen) -> bool:
    """Whether a TA1 answers an interchange of X12, but for one of acknowledgments only; "requested": ISA14 (X12.5)."""
    messages = verdict.every_message()
    if messages and all(message.subject.header.type in FUNCTIONAL for message in messages):
        return False
    if when == "errors":
        return verdict.rejected
    return when == "always" or (when == "requested" and verdict.subject.header.acknowledgment_requested)


def wants_functional(verdict: Verdict, group: GroupVerdict, when: When) -> bool:
    """Whether a 997 or 999 answers a group.

    Never in an interchange that is rejected as such, which TA1 says (X12.5), and never a group of acknowledgments.
    """
    if verdict.rejected or when == "never" or group.subject.header.message_type == FUNCTIONAL_GROUP:
        return False
    return when == "always" or group.outcome != "accepted"
