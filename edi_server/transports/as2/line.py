"""How one partner is reached over HTTP, beside what was agreed for AS2 itself."""

from __future__ import annotations

import msgspec

from edi_server.transports.as2.answering import Relation
from edi_server.transports.posting import Tls


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """See the module's docstring."""

    relation: Relation
    tls: Tls | None = None
    login: tuple[str, str] | None = None
    seconds: float = 300.0
    #: Where our own station is, for asynchronous receipts.
    own_url: str = ""
    #: Seconds after which a receipt that comes on its own is missed.
    receipt_within: float = 4 * 3600.0
