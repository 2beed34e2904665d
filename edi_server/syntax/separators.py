"""Service characters of an interchange, and which of them can be used together."""

from __future__ import annotations

import msgspec


class Separators(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Service characters of an interchange, one character each (UNA, ISO 9735 part 1 section 6).

    A blank as `release` or `repetition` means that the interchange has none (ISO 9735 annex B, UNA).
    """

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str = "*"
    terminator: str = "'"
    #: True where a UNA segment stood in front of the interchange.
    una: bool = False

    @property
    def advice(self) -> str:
        """The service string advice: "UNA" and the six characters, in the order of ISO 9735 annex B."""
        return f"UNA{self.component}{self.element}{self.decimal}{self.release}{self.repetition}{self.terminator}"


#: What UN/EDIFACT assumes without UNA. The repetition separator exists from syntax version 4 on.
DEFAULT = Separators()
#: Level B of syntax versions 1 and 2 without UNA: information separators, nothing to release (ISO 9735:1988 5.2).
INFORMATION_SEPARATORS = Separators(component="\x1f", element="\x1d", terminator="\x1c", release=" ", repetition=" ")


def as_bytes(mark: str) -> bytes:
    """A service character as it stands in the stream; in UTF-8 if it is not in Latin-1: a typographic apostrophe."""
    try:
        return mark.encode("latin-1")
    except UnicodeEncodeError:
        return mark.encode("utf-8")


def objection(separators: Separators) -> str | None:
    """Why these separators cannot be told apart from each other or from text, in half a sentence; None if they can."""
    used = {
        "component separator": separators.component,
        "element separator": separators.element,
        "terminator": separators.terminator,
        "release character": separators.release,
        "repetition separator": separators.repetition,
    }
    optional = ("release character", "repetition separator")
    meant = {name: mark for name, mark in used.items() if not (mark == " " and name in optional)}
    for name, mark in meant.items():
        if len(mark) != 1 or mark.isalnum() or mark in " \t" or (mark in "\r\n" and name != "terminator"):
            return f"{mark!r} cannot be the {name}"
        twin = next((other for other in meant if other != name and meant[other] == mark), None)
        if twin:
            return f"{mark!r} is both {name} and {twin}"
    if separators.repetition == "'" and separators.terminator in "\r\n":
        # Announced, it looks like UNA that lost its blank in front of the usual terminator.
        return "' cannot be the repetition separator where a line break is the terminator"
    return None
