"""What messages are called, in words of our own, for people who do not know them by number."""

from __future__ import annotations

_EDIFACT = {
    "APERAK": "application error and acknowledgment",
    "CONTRL": "syntax acknowledgment",
    "DELFOR": "delivery forecast",
    "DELJIT": "delivery just in time",
    "DESADV": "despatch advice",
    "HANMOV": "handling and movement instruction",
    "IFTMIN": "transport order",
    "IFTSTA": "transport status",
    "INVOIC": "invoice",
    "INVRPT": "stock report",
    "ORDCHG": "order change",
    "ORDERS": "order",
    "ORDRSP": "order response",
    "PARTIN": "partner master data",
    "PRICAT": "price list",
    "QUOTES": "quotation",
    "RECADV": "receipt advice",
    "REMADV": "remittance advice",
    "REQOTE": "request for quotation",
    "SLSRPT": "sales report",
}
_X12 = {
    "204": "load tender",
    "210": "freight invoice",
    "214": "transport status",
    "753": "request for routing",
    "754": "routing instructions",
    "810": "invoice",
    "812": "credit or debit note",
    "820": "payment order and remittance advice",
    "824": "application acknowledgment",
    "830": "delivery forecast",
    "832": "price list",
    "840": "request for quotation",
    "843": "quotation",
    "846": "stock report",
    "850": "order",
    "852": "sales report",
    "855": "order response",
    "856": "despatch advice",
    "857": "despatch advice and invoice",
    "860": "order change by the buyer",
    "861": "receipt advice",
    "862": "shipping schedule",
    "864": "text message",
    "865": "order change by the seller",
    "866": "production sequence",
    "940": "warehouse shipping order",
    "943": "transfer to a warehouse",
    "944": "receipt of a warehouse",
    "945": "shipping advice of a warehouse",
    "990": "answer to a load tender",
    "997": "functional acknowledgment",
    "999": "implementation acknowledgment",
    "TA1": "interchange acknowledgment",
}


def name_of(message: str) -> str:
    """The name of a message type, such as "order" of "ORDERS" and "850"; "" if we have none."""
    return _X12.get(message) or _EDIFACT.get(message, "")
