"""Our own sample interchanges, with the mailbox that each belongs to and what it shows.

In: nothing. Out: bytes. Texts, names and numbers are invented; GLNs and GTINs begin with 952, which GS1 keeps for
demonstrations, and are those of the ERP sandbox and of the partner files `nordmarkt` and `borealis`.
"""

from __future__ import annotations

from importlib import resources
from typing import NamedTuple


class Sample(NamedTuple):
    """One file to drop into a mailbox."""

    #: Name under which it is dropped.
    name: str
    mailbox: str
    #: What it shows, for people.
    shows: str
    #: File in this package.
    file: str

    @property
    def content(self) -> bytes:
        """The bytes."""
        return resources.files(__package__).joinpath(self.file).read_bytes()


#: In the order in which the demo drops them.
SAMPLES: tuple[Sample, ...] = (
    Sample("order-4500012345.edi", "nordmarkt", "one clean order", "nordmarkt-order.edi"),
    Sample(
        "orders-2026-11-23.edi", "nordmarkt", "four orders, of which the third is wrong", "nordmarkt-four-orders.edi"
    ),
    Sample(
        "bk-2026-0815.edi",
        "borealis",
        "an order with other separators, and with a date and units that only their profile understands",
        "borealis-order.edi",
    ),
    Sample("order-4500012345-again.edi", "nordmarkt", "the first file a second time", "nordmarkt-order.edi"),
    Sample(
        "order-4500012350.edi",
        "nordmarkt",
        "another order under a control reference that was used before",
        "nordmarkt-same-reference.edi",
    ),
    Sample("po-1.edi", "nordmarkt", "an order from a sender that nobody knows", "unknown-sender.edi"),
    Sample("price-list.csv", "borealis", "a file that is not EDI at all", "price-list.txt"),
)
