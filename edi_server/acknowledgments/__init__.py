"""Findings → CONTRL; and received acknowledgments matched to what we sent.

In: an interchange, its messages and what was found about them. Out: a verdict, and the CONTRL that says it; from a
partner's CONTRL, what it says about an interchange of ours. Never here: how an acknowledgment travels, or what the ERP
thinks of a document.
"""

from __future__ import annotations

from edi_server.acknowledgments.contrl import answer_header, contrl_header, write_contrl
from edi_server.acknowledgments.error_codes import DUPLICATE, MEANINGS
from edi_server.acknowledgments.received import MessageAnswer, ReceivedAcknowledgment, ReportedError, read_contrl
from edi_server.acknowledgments.verdict import (
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    GroupVerdict,
    MessageVerdict,
    Outcome,
    Verdict,
    judge,
)

__all__ = [
    "DUPLICATE",
    "MEANINGS",
    "CheckedGroup",
    "CheckedInterchange",
    "CheckedMessage",
    "GroupVerdict",
    "MessageAnswer",
    "MessageVerdict",
    "Outcome",
    "ReceivedAcknowledgment",
    "ReportedError",
    "Verdict",
    "answer_header",
    "contrl_header",
    "judge",
    "read_contrl",
    "write_contrl",
]
