"""The port to an ERP: what the engine asks of it, in five methods, and the records that travel.

Contract, tested by `tests/contracts/test_erp.py` against every implementation:

* `post_orders` is exactly once per key: however often, however concurrently and after whatever crash it is called,
  the ERP holds one order per key. A key that exists already is answered with the existing record and never written
  again, except to finish what an earlier call left unfinished (confirmation).
* What the ERP says no to because of the content comes back as `Refused`; what may work later raises
  `edi_server.errors.ErpError(permanent=False)`, and nothing of the call is then assumed done or not done.
* No method keeps state between calls; instances may be used from one thread at a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from edi_server.canonical import DespatchAdvice, Order
from edi_server.findings import Finding


class PostingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What an agreement says about posting orders."""

    #: Confirm the sales order after posting.
    confirm: bool = False
    #: Zone in which dates of the partner are meant; a bare date becomes 12:00 there.
    time_zone: str = "UTC"
    #: Post the partner's prices; otherwise the ERP's price list decides.
    keep_prices: bool = True


class OrderToPost(msgspec.Struct, frozen=True, kw_only=True):
    """One order on its way into the ERP."""

    #: Idempotency key made of the business's own key (company, partner, document type, number): [a-z0-9_]+.
    key: str
    order: Order
    policy: PostingPolicy


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """The order is in the ERP."""

    key: str
    #: Database id and name of the record, such as 42 and "S00042".
    record_id: int
    record_name: str
    #: True if the record existed before this call; of callers at the same moment more than one may see False.
    existed: bool
    confirmed: bool
    #: The buyer's line number of each order line → database id of the ERP's line.
    lines: dict[str, int] = {}
    findings: tuple[Finding, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The ERP (or our check against it) judged the content (unknown partner or article, …); always with findings."""

    key: str
    findings: tuple[Finding, ...]


class DeliveryDone(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that left, ready to be advised."""

    #: Database id and name of the delivery (`stock.picking`), such as 7 and "WH/OUT/00007".
    record_id: int
    record_name: str
    #: Time it was done, UTC.
    done_at: datetime
    #: The ERP's watermark of the record (Odoo: write_date), UTC.
    changed_at: datetime
    #: The customer's order number(s) that it fulfils.
    order_numbers: tuple[str, ...]
    advice: DespatchAdvice


class Erp(Protocol):
    """See the module's docstring for the contract."""

    def probe(self) -> str:
        """Version and database of the ERP in one line; raises ErpError if it cannot be used."""

    def find_order(self, key: str) -> Posted | None:
        """The order with that key, or None."""

    def post_orders(self, orders: list[OrderToPost]) -> list[Posted | Refused]:
        """Post a batch (about ten), answers in the same order; a failed batch is tried one by one within the call."""

    def deliveries_done(self, partner_gln_or_ref: str, since: datetime | None) -> list[DeliveryDone]:
        """Outgoing deliveries done for orders of that customer, changed at or after `since` (None: all), oldest first.

        Callers overlap `since` by the ERP's longest transaction and drop what they know already.
        """
