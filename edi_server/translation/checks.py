"""Checks of business sense: named rules over canonical fields, chosen by a profile with `checks = [...]`.

They look at one document alone; what needs the ERP or other documents is checked elsewhere. Codes: `business.*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from edi_server.canonical import DespatchAdvice, Invoice, Order, Record
from edi_server.findings import Finding, Place, Severity

#: Totals may differ by rounding: half a cent for each line, and never less than one cent.
_CENT = Decimal("0.01")
_ZERO = Decimal()

Rule = Callable[[Any], Iterator[tuple[str, str, str | None, str | None]]]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One named rule: yields (field, sentence, found, expected) for each breach."""

    name: str
    #: Finding code.
    code: str
    severity: Severity
    #: Why the rule exists.
    reason: str
    #: Document types it can judge.
    documents: tuple[type[Record], ...]
    rule: Rule

    def findings(self, document: Record) -> list[Finding]:
        """What the rule finds in a document."""
        return [self.finding(*breach) for breach in self.rule(document)]

    def finding(self, field: str, sentence: str, found: str | None, expected: str | None) -> Finding:
        """One breach of the rule."""
        return Finding(
            code=self.code,
            severity=self.severity,
            sentence=sentence,
            place=Place(field=field),
            found=found[:80] if found else None,
            expected=expected,
        )


def _number(document: Order | DespatchAdvice | Invoice) -> Iterator[tuple[str, str, str | None, str | None]]:
    if not document.number:
        yield "number", "The document has no number, so it cannot be told from others.", None, None


def _lines(document: Order | DespatchAdvice | Invoice) -> Iterator[tuple[str, str, str | None, str | None]]:
    if not any(lines for _, lines in _all_lines(document)):
        yield "lines", "The document has no line.", None, None


def _article(document: Order | DespatchAdvice) -> Iterator[tuple[str, str, str | None, str | None]]:
    for above, lines in _all_lines(document):
        # A comprehension, because most documents pass.
        for number in [
            number
            for number, line in enumerate(lines)
            if not (line.gtin or line.supplier_sku or line.buyer_sku or line.article or line.articles)
        ]:
            where = f"{above}lines[{number}]"
            yield where, f"{_name(lines[number], where)} names no article: no GTIN and no article number.", None, None


def _quantity(document: Order | DespatchAdvice) -> Iterator[tuple[str, str, str | None, str | None]]:
    for above, lines in _all_lines(document):
        for number in [
            number
            for number, line in enumerate(lines)
            if (quantity := line.quantity) is None or not (quantity.is_finite() and quantity > _ZERO)
        ]:
            where, quantity = f"{above}lines[{number}]", lines[number].quantity
            if quantity is None:
                yield f"{where}.quantity", f"{_name(lines[number], where)} has no quantity.", None, None
            else:
                sentence = f"{_name(lines[number], where)} has a quantity that is not above zero."
                yield f"{where}.quantity", sentence, str(quantity), "more than 0"


def _line_numbers(document: Order | Invoice) -> Iterator[tuple[str, str, str | None, str | None]]:
    lines: tuple[Any, ...] = document.lines
    if len({line.number for line in lines}) == len(lines):
        return
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if line.number and line.number in seen:
            sentence = f"Line number {line.number} is used twice, so answers to it would be ambiguous."
            yield f"lines[{number}].number", sentence, line.number, "each line number once"
        seen.add(line.number or "")


def _total(document: Order) -> Iterator[tuple[str, str, str | None, str | None]]:
    if document.total is None:
        return
    amounts = [line.amount for line in document.lines if line.amount is not None and line.amount.is_finite()]
    if not amounts or len(amounts) < len(document.lines):
        return
    total = sum(amounts, Decimal())
    if not document.total.is_finite() or abs(total - document.total) > max(_CENT, _CENT * len(amounts) / 2):
        sentence = f"The total {document.total} does not agree with the sum of the lines, {total}."
        yield "total", sentence, str(document.total), str(total)


def _invoice_totals(document: Invoice) -> Iterator[tuple[str, str, str | None, str | None]]:
    amounts = [line.amount for line in document.lines]
    known = [amount for amount in amounts if amount is not None and amount.is_finite()]
    if document.lines_total is not None and known and len(known) == len(amounts):
        yield from _compare(
            "lines_total", document.lines_total, sum(known, Decimal()), "the sum of the lines", len(known)
        )
    net, tax = document.net_total, document.tax_total
    if document.gross_total is not None and net is not None and tax is not None:
        yield from _compare("gross_total", document.gross_total, net + tax, "net total and tax", 1)


def _compare(
    field: str, stated: Decimal, computed: Decimal, of_what: str, parts: int
) -> Iterator[tuple[str, str, str | None, str | None]]:
    """A stated sum beside what its parts add up to; each part may have been rounded by half a cent."""
    if not stated.is_finite() or not computed.is_finite() or abs(computed - stated) > max(_CENT, _CENT * parts / 2):
        name = field.replace("_", " ")
        yield field, f"The {name} {stated} does not agree with {of_what}, {computed}.", str(stated), str(computed)


def _sscc(document: DespatchAdvice) -> Iterator[tuple[str, str, str | None, str | None]]:
    seen: set[str] = set()
    for where, package in _each_package(document.packages, "packages"):
        for code in package.sscc:
            if code in seen:
                yield f"{where}.sscc", f"The SSCC {code} is on two packages.", code, "each SSCC once"
            seen.add(code)


def _all_lines(document: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every list of lines, and where it is (to be put before its name)."""
    yield "", document.lines
    for where, package in _each_package(getattr(document, "packages", ()), "packages"):
        yield f"{where}.", package.lines


def _each_package(packages: Iterable[Any], where: str) -> Iterator[tuple[str, Any]]:
    for number, package in enumerate(packages):
        at = f"{where}[{number}]"
        yield at, package
        yield from _each_package(package.packages, f"{at}.packages")


def _name(line: Any, where: str) -> str:
    return f"Line {line.number}" if line.number else f"The line {where}"


_BOTH: tuple[type[Record], ...] = (Order, DespatchAdvice)
_EVERY: tuple[type[Record], ...] = (*_BOTH, Invoice)
_ALL = (
    Check(
        name="has_a_number",
        code="business.number-missing",
        severity="error",
        reason="The document number is the business key that keeps a document from being posted twice.",
        documents=_EVERY,
        rule=_number,
    ),
    Check(
        name="has_lines",
        code="business.lines-missing",
        severity="error",
        reason="A document without a line asks for or advises nothing.",
        documents=_EVERY,
        rule=_lines,
    ),
    Check(
        name="line_has_an_article",
        code="business.article-missing",
        severity="error",
        reason="Without an article number nobody knows what the line is about.",
        documents=_BOTH,
        rule=_article,
    ),
    Check(
        name="line_has_a_quantity",
        code="business.quantity-missing",
        severity="error",
        reason="A quantity that is absent, zero or negative is a mistake or a return, and neither is an order.",
        documents=_BOTH,
        rule=_quantity,
    ),
    Check(
        name="line_numbers_differ",
        code="business.line-number-repeated",
        severity="warning",
        reason="Order responses and despatch advices refer to lines by their number.",
        documents=(Order, Invoice),
        rule=_line_numbers,
    ),
    Check(
        name="total_agrees",
        code="business.total-differs",
        severity="error",
        reason="A stated total that the lines do not add up to shows that something was lost or changed on the way.",
        documents=(Order,),
        rule=_total,
    ),
    Check(
        name="invoice_totals_agree",
        code="business.total-differs",
        severity="error",
        reason="An invoice whose totals do not add up cannot be booked (EN 16931 BR-CO-10 and BR-CO-15).",
        documents=(Invoice,),
        rule=_invoice_totals,
    ),
    Check(
        name="sscc_is_unique",
        code="business.sscc-repeated",
        severity="error",
        reason="A serial shipping container code names one package (GS1 General Specifications).",
        documents=(DespatchAdvice,),
        rule=_sscc,
    ),
)
#: Every check by the name that profiles use.
CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
