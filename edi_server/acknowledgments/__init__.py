"""Findings → CONTRL, TA1, 997, 999, APERAK, 824; and what received ones say about what we sent.

In: an interchange, its groups and messages, and what was found about them. Out: a verdict, and the acknowledgments that
say it; from a partner's acknowledgment, what it says about an interchange, group, message or document of ours. Never
here: how an acknowledgment travels, and what it is about among all that we sent.
"""

from __future__ import annotations

from edi_server.acknowledgments.advice import Advice
from edi_server.acknowledgments.answering import (
    APPLICATION,
    FUNCTIONAL,
    Kind,
    is_advised,
    is_answered,
    wants_functional,
    wants_ta1,
)
from edi_server.acknowledgments.aperak import aperak_header, aperak_version, write_aperak
from edi_server.acknowledgments.application_advice import advice_header, advice_version, write_824
from edi_server.acknowledgments.comparing import Standing, compare, layer_of
from edi_server.acknowledgments.contrl import contrl_header, write_contrl
from edi_server.acknowledgments.error_codes import DUPLICATE, MEANINGS, fault_of
from edi_server.acknowledgments.functional import (
    answered_version,
    functional_header,
    write_997,
    write_999,
)
from edi_server.acknowledgments.reading import read_acknowledgment
from edi_server.acknowledgments.reading_contrl import read_contrl
from edi_server.acknowledgments.received import (
    GroupAnswer,
    MessageAnswer,
    ReceivedAcknowledgment,
    ReportedError,
    sum_up,
)
from edi_server.acknowledgments.replying import advice_group, answer_group, answer_header
from edi_server.acknowledgments.ta1 import write_ta1
from edi_server.acknowledgments.verdict import (
    SUSPENDED,
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    GroupVerdict,
    MessageVerdict,
    Outcome,
    Policy,
    Verdict,
    judge,
)

__all__ = [
    "APPLICATION",
    "DUPLICATE",
    "FUNCTIONAL",
    "MEANINGS",
    "SUSPENDED",
    "Advice",
    "CheckedGroup",
    "CheckedInterchange",
    "CheckedMessage",
    "GroupAnswer",
    "GroupVerdict",
    "Kind",
    "MessageAnswer",
    "MessageVerdict",
    "Outcome",
    "Policy",
    "ReceivedAcknowledgment",
    "ReportedError",
    "Standing",
    "Verdict",
    "advice_group",
    "advice_header",
    "advice_version",
    "answer_group",
    "answer_header",
    "answered_version",
    "aperak_header",
    "aperak_version",
    "compare",
    "contrl_header",
    "fault_of",
    "functional_header",
    "is_advised",
    "is_answered",
    "judge",
    "layer_of",
    "read_acknowledgment",
    "read_contrl",
    "sum_up",
    "wants_functional",
    "wants_ta1",
    "write_824",
    "write_997",
    "write_999",
    "write_aperak",
    "write_contrl",
    "write_ta1",
]
