"""The canonical invoice; a credit note is an invoice of that kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from edi_server.canonical.common import (
    Amount,
    Dated,
    Description,
    Identifier,
    Location,
    Measure,
    Note,
    Party,
    Quantity,
    Record,
    Reference,
    When,
)
from edi_server.canonical.order import DocumentFunction, TermsOfDelivery, Transport

InvoiceKind = Literal[
    "invoice", "credit_note", "debit_note", "correction", "prepayment", "self_billed", "self_billed_credit", "proforma"
]


class Tax(Record, frozen=True, kw_only=True):
    """A tax: its rate, what it is charged on, how much it is (EN 16931 BG-23 for the totals by rate)."""

    #: Kind of tax (EDIFACT 5153, X12 963), such as "VAT".
    kind: str | None = None
    kind_name: str | None = None
    #: Category (EDIFACT 5305, UNTDID 5305), such as "S" (standard) or "E" (exempt).
    category: str | None = None
    #: Per cent, and the partner's code of the rate (EDIFACT 5279).
    rate: Decimal | None = None
    rate_code: str | None = None
    base: Decimal | None = None
    amount: Decimal | None = None
    #: ISO 4217 of `amount`, where it is stated.
    currency: str | None = None
    #: What the tax is about (EDIFACT 5283), such as "7" (tax).
    function: str | None = None
    #: Why there is none, in words.
    exemption: str | None = None
    #: Registration or exemption number (EDIFACT 3446, X12 325).
    number: str | None = None
    places: tuple[Location, ...] = ()
    kept: tuple[str, ...] = ()


class Adjustment(Record, frozen=True, kw_only=True):
    """An allowance or a charge (EN 16931 BG-20, BG-21, BG-27, BG-28)."""

    #: "A" allowance or "C" charge, as partners write it (EDIFACT 5463, X12 248); other codes for what is only told.
    kind: str
    #: What it is for (EDIFACT 7161, X12 1300), whose list it is from (3055, X12 559), and in words.
    service: str | None = None
    service_list: str | None = None
    text: str | None = None
    #: How it is settled (EDIFACT 4471, X12 331).
    settlement: str | None = None
    #: In which order it is calculated (EDIFACT 1227).
    sequence: str | None = None
    #: Number of the agreement it rests on (EDIFACT 1230, X12 127).
    number: str | None = None
    amount: Decimal | None = None
    #: ISO 4217 of `amount`, where it is stated.
    currency: str | None = None
    percentage: Decimal | None = None
    #: What the percentage is taken of: how much, and in words of a code (EDIFACT 5249, X12 378).
    base: Decimal | None = None
    percentage_of: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    rate: Decimal | None = None
    taxes: tuple[Tax, ...] = ()
    kept: tuple[str, ...] = ()


class PaymentTerms(Record, frozen=True, kw_only=True):
    """When how much is to be paid."""

    #: What kind of terms they are (EDIFACT 4279, X12 336), such as "22" (discount) or "3" (fixed date).
    kind: str | None = None
    #: Code of standard terms (EDIFACT 4277), and lines of text joined by a line feed.
    code: str | None = None
    text: str | None = None
    #: From which date time counts, how (EDIFACT 2475, 2009, X12 333), in which unit (2151), and how much of it.
    basis: str | None = None
    relation: str | None = None
    period: str | None = None
    length: Decimal | None = None
    due_on: When | None = None
    #: Where a discount is given for paying early: until when, or within how many days, per cent or amount.
    discount_until: When | None = None
    discount_days: Decimal | None = None
    percentage: Decimal | None = None
    percentage_of: str | None = None
    amount: Decimal | None = None
    dates: tuple[Dated, ...] = ()
    kept: tuple[str, ...] = ()


class InvoiceLine(Record, frozen=True):  # positional for generated readers: by keyword, each takes three times as long
    """One line of an invoice. Prices are per `price_basis` units of `price_unit`, else of `unit`."""

    #: Our line number, as written.
    number: str | None = None
    #: GTIN (GS1), 8 to 14 digits as written.
    gtin: str | None = None
    supplier_sku: str | None = None
    buyer_sku: str | None = None
    #: The number that leads the line where it is none of these, and its scheme (EDIFACT 7143), if any is stated.
    article: str | None = None
    article_scheme: str | None = None
    articles: tuple[Identifier, ...] = ()
    #: The first free text that says what the article is; lines joined by a line feed.
    description: str | None = None
    descriptions: tuple[Description, ...] = ()
    #: Invoiced quantity.
    quantity: Decimal | None = None
    unit: str | None = None
    delivered_quantity: Decimal | None = None
    quantities: tuple[Quantity, ...] = ()
    #: Net price (EDIFACT AAA).
    price: Decimal | None = None
    price_kind: str | None = None
    price_list: str | None = None
    price_basis: Decimal | None = None
    price_unit: str | None = None
    #: Gross price (EDIFACT AAB).
    gross_price: Decimal | None = None
    #: Line amount without tax (EDIFACT MOA 203).
    amount: Decimal | None = None
    amounts: tuple[Amount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    measures: tuple[Measure, ...] = ()
    delivered_on: When | None = None
    dates: tuple[Dated, ...] = ()
    order_number: str | None = None
    #: The buyer's line number in that order.
    order_line: str | None = None
    ordered_on: When | None = None
    #: Despatch advice or delivery note.
    despatch_number: str | None = None
    despatch_line: str | None = None
    despatched_on: When | None = None
    places: tuple[Location, ...] = ()
    notes: tuple[Note, ...] = ()
    references: tuple[Reference, ...] = ()
    parties: tuple[Party, ...] = ()
    kept: tuple[str, ...] = ()


class Invoice(Record, frozen=True, kw_only=True):
    """An invoice or credit note. Amounts are as its sender states them: facts that are checked, never computed."""

    #: The supplier's invoice number: with partner and company the business key of the document.
    number: str | None = None
    kind: InvoiceKind = "invoice"
    #: The supplier's own name of the kind of document (EDIFACT 1000).
    title: str | None = None
    function: DocumentFunction = "original"
    answer: str | None = None
    issued_on: When | None = None
    #: Date of supply that decides on the tax (EN 16931 BT-7).
    tax_point: When | None = None
    delivered_on: When | None = None
    due_on: When | None = None
    dates: tuple[Dated, ...] = ()
    #: Orders that are invoiced, wholly or in part.
    orders: tuple[Reference, ...] = ()
    #: Despatch advices and delivery notes.
    despatches: tuple[Reference, ...] = ()
    #: Invoices that this one corrects or credits.
    invoices: tuple[Reference, ...] = ()
    references: tuple[Reference, ...] = ()
    buyer: Party | None = None
    supplier: Party | None = None
    ship_to: Party | None = None
    #: Who is asked to pay, where it is not the buyer.
    invoice_to: Party | None = None
    #: Who is to be paid, where it is not the supplier.
    pay_to: Party | None = None
    parties: tuple[Party, ...] = ()
    #: ISO 4217.
    currency: str | None = None
    #: ISO 4217 of the payment, where it differs, and how many of it make one of `currency`'s unit.
    payment_currency: str | None = None
    exchange_rate: Decimal | None = None
    payment_terms: tuple[PaymentTerms, ...] = ()
    #: Means of payment (EDIFACT 4461), such as "31" (credit transfer).
    payment_means: str | None = None
    terms: tuple[TermsOfDelivery, ...] = ()
    transports: tuple[Transport, ...] = ()
    notes: tuple[Note, ...] = ()
    #: Allowances and charges on the whole invoice.
    adjustments: tuple[Adjustment, ...] = ()
    #: Tax that holds for the whole invoice (header), as announced there.
    tax_rules: tuple[Tax, ...] = ()
    #: Tax totals by rate.
    taxes: tuple[Tax, ...] = ()
    #: Sum of the lines' amounts (EN 16931 BT-106).
    lines_total: Decimal | None = None
    #: What tax is charged on (BT-109).
    net_total: Decimal | None = None
    tax_total: Decimal | None = None
    #: With tax (BT-112).
    gross_total: Decimal | None = None
    prepaid: Decimal | None = None
    #: What is to be paid (BT-115).
    payable: Decimal | None = None
    amounts: tuple[Amount, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    kept: tuple[str, ...] = ()
