"""What a view is: see `edi_server.translation.views`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from edi_server.canonical import Record


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One registered pair."""

    name: str
    document: type[Record]
    arrangement: type[Record]
    to_document: Callable[[Any], Record]
    to_arrangement: Callable[[Any], Record]
