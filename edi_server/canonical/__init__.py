"""The business documents, independent of any syntax and of any ERP.

In: values. Out: values. Frozen records that import nothing of ours; each field has one meaning. Never here: parsing,
writing, look-ups, interpretation (a class may offer an `effective_…` property, which is never stored).
"""

from __future__ import annotations

from typing import Any

import msgspec

from edi_server.canonical.common import (
    Amount,
    BankAccount,
    Contact,
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
from edi_server.canonical.despatch_advice import (
    Batch,
    DespatchAdvice,
    DespatchLine,
    Marking,
    OrderPart,
    Package,
    PackageCount,
)
from edi_server.canonical.invoice import Adjustment, Invoice, InvoiceLine, PaymentTerms, Tax
from edi_server.canonical.order import Delivery, Order, OrderLine, TermsOfDelivery, Transport

__all__ = [
    "DOCUMENTS",
    "RECORDS",
    "Adjustment",
    "Amount",
    "BankAccount",
    "Batch",
    "Contact",
    "Dated",
    "Delivery",
    "Description",
    "DespatchAdvice",
    "DespatchLine",
    "Identifier",
    "Invoice",
    "InvoiceLine",
    "Location",
    "Marking",
    "Measure",
    "Note",
    "Order",
    "OrderLine",
    "OrderPart",
    "Package",
    "PackageCount",
    "Party",
    "PaymentTerms",
    "Quantity",
    "Record",
    "Reference",
    "Tax",
    "TermsOfDelivery",
    "Transport",
    "When",
    "from_json",
    "schema",
    "to_json",
]

#: Document type → class: the one list of document types.
DOCUMENTS: dict[str, type[Record]] = {
    "Order": Order,
    "DespatchAdvice": DespatchAdvice,
    "Invoice": Invoice,
}

_CLASSES: tuple[type[Record], ...] = (
    *DOCUMENTS.values(),
    Adjustment,
    Amount,
    BankAccount,
    Batch,
    Contact,
    Dated,
    Delivery,
    Description,
    DespatchLine,
    Identifier,
    InvoiceLine,
    Location,
    Marking,
    Measure,
    Note,
    OrderLine,
    OrderPart,
    Package,
    PackageCount,
    Party,
    PaymentTerms,
    Quantity,
    Reference,
    Tax,
    TermsOfDelivery,
    Transport,
    When,
)
#: Every record by its name, for profiles (`is = "Party"`).
RECORDS: dict[str, type[Record]] = {cls.__name__: cls for cls in _CLASSES}


def to_json(document: Record) -> bytes:
    """The document as JSON: absent fields left out, decimals as strings, deterministic."""
    return msgspec.json.encode(document, order="deterministic")


def from_json(document_type: str, text: bytes | str) -> Record:
    """The document of that type from `to_json`; raises msgspec.ValidationError with the path of a wrong value."""
    return msgspec.json.decode(text, type=DOCUMENTS[document_type])


def schema(document_type: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a document type."""
    return msgspec.json.schema(DOCUMENTS[document_type])
