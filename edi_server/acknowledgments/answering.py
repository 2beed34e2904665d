"""Which messages are acknowledged, and with what.

ISO 9735-4: a CONTRL is not sent in answer to a CONTRL. X12 (997, 999, TA1): an acknowledgment is not acknowledged, and
a group of them (GS01 = FA) has no 997. Else two programs would thank each other for ever. Application acknowledgments
are messages like others to the syntax: they may have a CONTRL or a 997, where the policy says so, and never another
application acknowledgment.
"""

from __future__ import annotations

from typing import Literal

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
