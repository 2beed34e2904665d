"""The tree of packages ⇄ the levels of X12 856.

Reading takes any arrangement of levels: a shipment is the document, an order gives its number to all goods in it, a
tare or pack (or any other kind) is a package, an item is a line, a component a part of its item. What is said of an
order beside its number is an `OrderPart`.

Writing puts each order into the shipment, its packages into the order. A package with goods of several orders stands in
the shipment itself, the orders in it (pick-and-pack with mixed packages). Without packages: shipment, order, item.
"""

from __future__ import annotations

from edi_server.canonical import DespatchAdvice
from edi_server.translation.arranging import View
from edi_server.translation.x12_shipment import ShipNotice
from edi_server.translation.x12_shipment_reading import read_levels
from edi_server.translation.x12_shipment_writing import write_levels

SHIPMENT_VIEW = View(
    name="x12-levels",
    document=DespatchAdvice,
    arrangement=ShipNotice,
    to_document=read_levels,
    to_arrangement=write_levels,
)
