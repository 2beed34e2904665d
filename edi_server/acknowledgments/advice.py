"""What APERAK and 824 say about one message: the outcome, its reasons in words a supplier can act on, and their codes.

Everything that was found counts here, whichever room found it: whether a document can be worked with is a question of
its translation and of the ERP too.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from edi_server.acknowledgments.pieces import component_of
from edi_server.acknowledgments.verdict import SUSPENDED, Outcome
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, has_errors
from edi_server.guides.model import Guide

#: What kind of fault it is, as ERC 9321 says it (an..8, of our own: UN/EDIFACT has no list).
Fault = Literal["MISSING", "INVALID", "UNKNOWN", "DIFFERS", "TOOMUCH", "REPEATED", "REFUSED", "OTHER"]

#: By the last words of a finding's code, the first that fits.
_KINDS: tuple[tuple[str, Fault], ...] = (
    (r"-not-(agreed|posted|sold|kept|confirmed)|refused|archived|cancelled|paused|no-agreement|suspended", "REFUSED"),
    (r"duplicate|-repeated|number-repeated|lines-twice", "REPEATED"),
    (r"-missing|incomplete|empty|-without", "MISSING"),
    (r"-differs|-conflict|-count|-reference|-total|-basis|contradict", "DIFFERS"),
    (r"unknown|unlisted|ambiguous|unsupported", "UNKNOWN"),
    (r"superfluous|repeats|too-(long|large|many|fine|deep)|more-", "TOOMUCH"),
    (
        r"value-|-unreadable|-not-positive|-negative|-out-of-range|-misplaced|-date|invalid|too-short|condition",
        "INVALID",
    ),
)
#: X12 647 of a kind of fault; all are in 003060 already.
CODES_647: dict[Fault, str] = {
    "MISSING": "007",
    "INVALID": "848",
    "UNKNOWN": "IID",
    "DIFFERS": "011",
    "TOOMUCH": "848",
    "REPEATED": "006",
    "REFUSED": "NAU",
    "OTHER": "024",
}
#: X12 647 where it has a better word than for the kind.
BETTER_647: dict[str, str] = {
    "erp.partner-unknown": "027",
    "erp.partner-missing": "029",
    "erp.partner-ambiguous": "026",
    "erp.product-unknown": "Q",
    "erp.product-missing": "MID",
    "erp.product-ambiguous": "Q",
    "erp.product-conflict": "012",
    "erp.unit-unknown": "H",
    "erp.unit-differs": "H",
    "erp.quantity-not-positive": "IQT",
    "erp.quantity-out-of-range": "008",
    "erp.quantity-too-fine": "IQT",
    "erp.currency-differs": "CUR",
    "erp.number-missing": "POI",
    "business.article-missing": "MID",
    "business.quantity-missing": "MQT",
    "business.total-differs": "010",
    "guide.segment-unknown": "848",
    "guide.message-unknown": "024",
    "guide.value-not-date": "009",
    "profile.date-unknown": "009",
    "guide.condition-excluded": "012",
    SUSPENDED: "024",
}
#: How documents are called: RFF 1153 in EDIFACT, 128 in X12.
REFERENCES: dict[str, tuple[str, str]] = {
    "Order": ("ON", "PO"),
    "OrderChange": ("ON", "PO"),
    "OrderResponse": ("ON", "PO"),
    "DespatchAdvice": ("AAK", "SI"),
    "ReceiptAdvice": ("ACE", "TN"),
    "Invoice": ("IV", "IV"),
}
OTHER_REFERENCE = ("ACE", "TN")


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a partner with everything that any room found about it, and what it is called."""

    interchange: InterchangeHeader
    group: GroupHeader | None = None
    message: MessageHeader
    findings: tuple[Finding, ...] = ()
    #: Type of the canonical document and its number, such as "Order" and "4500012345"; empty where it became none.
    document: str = ""
    number: str = ""
    #: By which it was checked, for the reference numbers of X12.
    guide: Guide | None = None
    #: Tell warnings too.
    report_warnings: bool = False

    @property
    def outcome(self) -> Outcome:
        """Rejected with an error of any room; accepted with errors where warnings are told."""
        if has_errors(self.findings):
            return "rejected"
        return "accepted with errors" if self.told() else "accepted"

    def told(self) -> list[Finding]:
        """The findings that the partner is told, errors before warnings."""
        severities = ("error", "warning") if self.report_warnings else ("error",)
        return [finding for severity in severities for finding in self.findings if finding.severity == severity]

    @property
    def references(self) -> tuple[str, str]:
        """Qualifiers of the document's number: RFF 1153 and X12 128."""
        return REFERENCES.get(self.document, OTHER_REFERENCE)


def kind_of(finding: Finding) -> Fault:
    """What kind of fault a finding is."""
    room, _, what = finding.code.partition(".")
    return next((kind for pattern, kind in _KINDS if re.search(pattern, f"-{what}")), "OTHER") if room else "OTHER"


def condition_of(finding: Finding) -> str:
    """TED01 (X12 647) of a finding."""
    return BETTER_647.get(finding.code) or CODES_647[kind_of(finding)]


def words(finding: Finding) -> str:
    """A finding in full, for a person: its sentence, what was found and expected, and where.

    Without colons and asterisks of our own: in X12 these may be separators, which nothing can release.
    """
    parts = [finding.sentence]
    if finding.found and finding.found.strip() and finding.found not in finding.sentence:
        parts.append(f"Found {finding.found.strip()}.")
    if finding.expected and finding.expected not in finding.sentence:
        parts.append(f"Expected {finding.expected}.")
    where = _where(finding)
    return " ".join([*parts, f"({where})"] if where else parts)


def _where(finding: Finding) -> str:
    place = finding.place
    said = [_in_document(place.field)] if place.field else []
    if place.segment is not None:
        said.append(f"segment {place.segment}" + (f" {place.tag}" if place.tag else ""))
        said += [f"{what} {at}" for what, at in (("element", place.element), ("component", component_of(place))) if at]
    return ", ".join(said)


def _in_document(field: str) -> str:
    """A field of a document, its list counted from 1, as people do: lines[0].unit_price → line 1, unit price."""
    named = re.sub(r"([a-z_]+?)s?\[([0-9]+)\]", lambda match: f"{match[1]} {int(match[2]) + 1}", field)
    return named.replace(".", ", ").replace("_", " ")
