"""The service characters of an interchange."""

from __future__ import annotations

import msgspec


class Separators(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Service characters of an interchange, one character each (UNA, ISO 9735 part 1 section 6)."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str = "*"
    terminator: str = "'"
    #: True where a UNA segment stood in front of the interchange.
    una: bool = False
