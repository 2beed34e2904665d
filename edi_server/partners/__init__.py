"""The book of trading partners and agreements: who sent this, what was agreed.

In: partner files and our companies. Out: frozen records and look-ups. Never here: secrets, state, or the meaning of a
partner's translation lines, which are handed on raw.
"""

from __future__ import annotations

from edi_server.partners.book import Book, Reason, Unmatched, digest_of
from edi_server.partners.model import (
    Acknowledgments,
    Agreement,
    Application,
    Batch,
    Company,
    Contact,
    ControlNumbers,
    Functional,
    GroupNumbers,
    InterchangeNumbers,
    MessageNumbers,
    Parties,
    Partner,
    Policies,
    Schedule,
    Syntax,
    Writing,
    X12Separators,
    X12Writing,
    counter_of,
    file_name,
    identity_of,
    matches,
)

__all__ = [
    "Acknowledgments",
    "Agreement",
    "Application",
    "Batch",
    "Book",
    "Company",
    "Contact",
    "ControlNumbers",
    "Functional",
    "GroupNumbers",
    "InterchangeNumbers",
    "MessageNumbers",
    "Parties",
    "Partner",
    "Policies",
    "Reason",
    "Schedule",
    "Syntax",
    "Unmatched",
    "Writing",
    "X12Separators",
    "X12Writing",
    "counter_of",
    "digest_of",
    "file_name",
    "identity_of",
    "matches",
]
