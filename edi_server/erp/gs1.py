"""GS1 numbers: the check digit, and the lengths in which one GTIN may be written (GS1 General Specifications, 7.9)."""

from __future__ import annotations

_LENGTHS = (8, 12, 13, 14)


def check_digit(digits: str) -> str:
    """The check digit that belongs behind `digits`: weights 3, 1, 3, … from the right, sum filled up to a ten."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def is_gs1_number(text: str, length: int) -> bool:
    """True for a number of that length (13: GLN, 18: SSCC) with a right check digit."""
    return len(text) == length and text.isascii() and text.isdigit() and check_digit(text[:-1]) == text[-1]


def gtin_forms(gtin: str) -> tuple[str, ...]:
    """Every way to write that GTIN, as given first: a GTIN-13 stored in the ERP may arrive with 14 digits.

    Leading zeros fill a shorter GTIN up to 14 digits, so stripping or adding them keeps the article.
    """
    written = gtin.strip()
    if not (written.isascii() and written.isdigit() and len(written) <= max(_LENGTHS)):
        return (written,)
    core = written.lstrip("0")
    forms = (core.zfill(length) for length in _LENGTHS if len(core) <= length)
    return tuple(dict.fromkeys((written, *forms)))
