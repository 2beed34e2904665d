"""X12 documents beside a documented reading of the same messages: their cXML twins from SAP Ariba's mapping tests."""

import io
from decimal import Decimal
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.guides import check, load_guide
from edi_server.translation import load_profile, translator_for

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")

#: (message, our name of the file, folder of the pair, file that is cXML).
PAIRS = [
    *(
        (
            "850",
            f"X12__OrderRequest_X12_850__{one}__expected_output",
            "cXML_0000_OrderRequest_ASC-X12_004010_850",
            one,
            "input",
        )
        for one in ("s02", "s03", "s05")
    ),
    *(
        (
            "810",
            f"X12__X12_810_InvoiceDetailRequest__{one}__input",
            "ASC-X12_004010_810_cXML_0000_InvoiceDetailRequest",
            one,
            "expected_output",
        )
        for one in ("s01", "s03", "s06", "s07", "s09", "s10")
    ),
    *(
        (
            "856",
            f"X12__X12_856_ShipNoticeRequest__{one}__input",
            "ASC-X12_004010_856_cXML_0000_ShipNoticeRequest",
            one,
            "expected_output",
        )
        for one in ("s02", "s05")
    ),
    *(
        (
            "856",
            f"X12__ShipNoticeRequest_X12_856__{one}__expected_output",
            "cXML_0000_ShipNoticeRequest_ASC-X12_004010_856",
            one,
            "input",
        )
        for one in ("s01", "s02", "s03", "s04")
    ),
]


@cache
def document_of(kind, name):
    """The document that we read from the X12 half of a pair."""
    content = (CORPUS / "derived" / "x12" / kind / f"{name}.x12").read_bytes()
    message = next(event for event in open_interchanges(io.BytesIO(content)) if isinstance(event, MessageRead))
    guide = load_guide(syntax="x12", version="004010", message=kind)
    tree = check(guide, message.segments, released=message.released).tree
    return translator_for(load_profile(f"x12/{kind}"), guide).read(tree).document


@cache
def twin_of(folder, one, file):
    """The elements of the cXML half, without namespaces."""
    root = ET.parse(CORPUS / "expected" / "sap_ariba_mapping" / "X12" / folder / one / f"{file}.xml").getroot()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return root


HEADERS = {
    "850": ("OrderRequestHeader", "orderID"),
    "810": ("InvoiceDetailRequestHeader", "invoiceID"),
    "856": ("ShipNoticeHeader", "shipmentID"),
}
ITEMS = {
    "850": ("ItemOut",),
    "810": ("InvoiceDetailItem", "InvoiceDetailServiceItem"),
    "856": ("ShipNoticeItem",),
}
#: (message, sample, fact): why the two halves do not say the same.
EXCEPTIONS = {
    ("856", "s01", "number"): "BSN02 is empty in the message",
    ("856", "s02", "lines", "input"): "the message has no item level",
    ("810", "s03", "lines"): "the twin turns the sign of prices round, because the invoice is a credit memo",
    ("810", "s06", "orders"): "orders stand among the numbers of the article (qualifier PO), and stay there",
    ("810", "s07", "orders"): "orders stand among the numbers of the article (qualifier PO), and stay there",
    ("810", "s06", "lines"): "the twin has an order's summary in place of the one line",
    ("810", "s07", "lines"): "the twin has an order's summary in place of the one line",
    ("856", "s02", "lines", "expected_output"): "the twin stops before the first item",
    ("856", "s02", "orders", "expected_output"): "the twin stops before the second order",
    ("856", "s05", "lines"): "the twin stops at the first item",
    ("856", "s05", "orders"): "the twin stops at the first order",
}


def number(text):
    return Decimal(text) if text else None


def of_twin(kind, root):
    """Number, orders and lines (number, quantity, price) as the twin states them."""
    tag, attribute = HEADERS[kind]
    items = [element for element in root.iter() if element.tag in ITEMS[kind]]
    lines = []
    for item in items:
        money = item.find("UnitPrice/Money")
        money = item.find("ItemDetail/UnitPrice/Money") if money is None else money
        name = item.get("lineNumber") or item.get("invoiceLineNumber")
        lines.append((name, number(item.get("quantity")), number(money.text) if money is not None else None))
    return {
        "number": next(root.iter(tag)).get(attribute),
        "orders": {one.get("orderID") for one in root.iter("OrderReference")},
        "lines": lines,
    }


def of_document(document):
    """The same of our document."""
    lines = list(goods(document))
    orders = {one.number for one in getattr(document, "orders", ())} | {
        getattr(one, "order_number", None) for one in lines
    }
    return {
        "number": document.number,
        "orders": orders - {None},
        "lines": [
            (getattr(line, "order_line", None) or line.number, line.quantity, getattr(line, "price", None))
            for line in lines
        ],
    }


def goods(holder):
    """All lines of a document, those in packages too."""
    yield from holder.lines
    for package in getattr(holder, "packages", ()):
        yield from goods(package)


@pytest.mark.parametrize(("kind", "name", "folder", "one", "file"), PAIRS, ids=lambda value: str(value)[-40:])
@pytest.mark.parametrize("fact", ["number", "orders", "lines"])
def test_a_document_says_what_its_twin_says(kind, name, folder, one, file, fact):
    ours = of_document(document_of(kind, name))[fact]
    theirs = of_twin(kind, twin_of(folder, one, file))[fact]
    if fact == "lines" and len(ours) == len(theirs):
        # The twin leaves out some numbers, and prices that are nought.
        ours = [(a[0] if b[0] else None, a[1], a[2] if b[2] else None) for a, b in zip(ours, theirs, strict=True)]
        theirs = [(line[0] or None, line[1], line[2] or None) for line in theirs]
    reason = EXCEPTIONS.get((kind, one, fact)) or EXCEPTIONS.get((kind, one, fact, file))
    assert (ours != theirs) == bool(reason), (ours, theirs)
