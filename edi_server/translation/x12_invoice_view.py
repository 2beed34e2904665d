"""Invoices as X12 810 arranges them.

* Names of parties stand in N1 and N2.
* The first order stands in BIG, with its date and release, others in REF (their qualifiers there: PO, and RE).
* The date when payment is due has no place but in terms of payment (ITD).
"""

from __future__ import annotations

from edi_server.canonical import Dated, Invoice, InvoiceLine, PaymentTerms, Reference, When
from edi_server.translation.arranging import View
from edi_server.translation.profile import ARRANGEMENTS
from edi_server.translation.x12_sharing import (
    NamedParty,
    demote,
    fields_of,
    joined_parties,
    joined_party,
    parted_parties,
    parted_party,
    promote,
)

_PARTIES = ("buyer", "supplier", "ship_to", "invoice_to", "pay_to")
_ORDER, _RELEASE = "PO", "RE"
#: Qualifier of the date of an order that is not named (X12 374).
_ORDER_DATE = "004"


class InvoiceLineBySegments(InvoiceLine, frozen=True):
    """A line as its segments are."""

    #: Numbers of the article that have no field: qualifier and number, a line each.
    numbers: tuple[str, ...] = ()
    parties: tuple[NamedParty, ...] = ()


class InvoiceBySegments(Invoice, frozen=True, kw_only=True):
    """An invoice as its segments are."""

    order_number: str | None = None
    ordered_on: When | None = None
    release: str | None = None
    buyer: NamedParty | None = None
    supplier: NamedParty | None = None
    ship_to: NamedParty | None = None
    invoice_to: NamedParty | None = None
    pay_to: NamedParty | None = None
    parties: tuple[NamedParty, ...] = ()
    lines: tuple[InvoiceLineBySegments, ...] = ()


def _to_document(arrangement: InvoiceBySegments) -> Invoice:
    fields = fields_of(arrangement)
    number, when, release = (fields.pop(name) for name in ("order_number", "ordered_on", "release"))
    if number:
        fields["orders"] = (Reference(kind=_ORDER, number=number, when=when), *arrangement.orders)
    elif when:
        fields["dates"] = (Dated(kind=_ORDER_DATE, when=when), *arrangement.dates)
    if release:
        fields["references"] = (Reference(kind=_RELEASE, number=release), *arrangement.references)
    for name in _PARTIES:
        fields[name] = joined_party(fields[name])
    fields["parties"] = joined_parties(arrangement.parties)
    fields["lines"] = tuple(map(_to_line, arrangement.lines))
    return Invoice(**fields)


def _to_line(line: InvoiceLineBySegments) -> InvoiceLine:
    fields = fields_of(line)
    fields["parties"] = joined_parties(line.parties)
    promote(fields)
    return InvoiceLine(**fields)


def _to_arrangement(document: Invoice) -> InvoiceBySegments:
    fields = fields_of(document)
    if document.orders and _is_plain(document.orders[0]):
        first, *others = document.orders
        fields |= {"order_number": first.number, "ordered_on": first.when, "orders": tuple(others)}
    references = document.references
    if references and references[0] == Reference(kind=_RELEASE, number=references[0].number):
        fields |= {"release": references[0].number, "references": references[1:]}
    if document.due_on and not any(terms.due_on for terms in document.payment_terms):
        fields |= {"due_on": None, "payment_terms": (*document.payment_terms, PaymentTerms(due_on=document.due_on))}
    for name in _PARTIES:
        fields[name] = parted_party(fields[name])
    fields["parties"] = parted_parties(document.parties)
    fields["lines"] = tuple(map(_by_segments, document.lines))
    return InvoiceBySegments(**fields)


def _is_plain(reference: Reference) -> bool:
    """True for an order of which nothing but number and date is known, whatever its qualifier."""
    return reference == Reference(kind=reference.kind, number=reference.number, when=reference.when)


def _by_segments(line: InvoiceLine) -> InvoiceLineBySegments:
    fields = fields_of(line)
    fields["parties"] = parted_parties(line.parties)
    demote(fields)
    return InvoiceLineBySegments(**fields)


INVOICE_VIEW = View(
    name="x12-invoice",
    document=Invoice,
    arrangement=InvoiceBySegments,
    to_document=_to_document,
    to_arrangement=_to_arrangement,
)
ARRANGEMENTS.update({"InvoiceBySegments": InvoiceBySegments, "InvoiceLineBySegments": InvoiceLineBySegments})
