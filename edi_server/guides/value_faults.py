"""What is wrong with one value, by its kind: the words for what `edi_server.guides.value_form` does not allow."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from typing import NamedTuple

from edi_server.guides.model import Element

#: ISO 9735 version 3, section 10: digits before and after a decimal mark, no plus sign, no separators of thousands.
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
#: X12.6 3.3.1.1: digits, no decimal point.
_WHOLE = re.compile(r"-?[0-9]+")
#: X12.6 3.3.1.2: a decimal point, first or last if need be, and an exponent.
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:E-?[0-9]+)?")
_DIGITS = re.compile("[0-9]+")


class Fault(NamedTuple):
    """A code without its room, and the end of a sentence that begins with the name of the element."""

    code: str
    what: str


def value_fault(element: Element, value: str) -> Fault | None:
    """What is wrong with the characters, the length or the sense of a value; its code list is not looked at."""
    special = _SPECIAL.get(_family(element))
    return special(element, value) if special else _letters(element, value) or _length(element, len(value))


def is_text(element: Element) -> bool:
    """True for an element that may be blank: text, if it is not from a list."""
    return element.kind in ("a", "an", "AN", "B") and element.codes is None


def format_of(element: Element) -> str:
    """Format in the way of the directories: an..35, n6; of X12: AN 1/22."""
    if element.kind in ("a", "an", "n"):
        up_to = "" if element.min_length == element.max_length else ".."
        return f"{element.kind}{up_to}{element.max_length}"
    return f"{element.kind} {element.min_length}/{element.max_length}"


def _family(element: Element) -> str:
    """N for N0 to N9."""
    return "N" if element.kind[1:].isdecimal() else element.kind


def _letters(element: Element, value: str) -> Fault | None:
    if element.kind == "a" and any("0" <= character <= "9" for character in value):
        return Fault("value-not-alphabetic", "must not contain digits")
    return None


def _number(element: Element, value: str) -> Fault | None:
    if not _NUMBER.fullmatch(value):
        return Fault("value-not-numeric", "must be a number")
    return _length(element, _digits(value))


def _whole(element: Element, value: str) -> Fault | None:
    if not _WHOLE.fullmatch(value):
        implied = int(element.kind[1:])
        point = f"; its last {implied} digits are decimals" if implied else ""
        return Fault("value-not-numeric", f"must be a number without a decimal point{point}")
    return _length(element, _digits(value))


def _decimal(element: Element, value: str) -> Fault | None:
    if not _DECIMAL.fullmatch(value):
        return Fault("value-not-decimal", "must be a number, with a point in front of decimals")
    return _length(element, _digits(value))


def _date(element: Element, value: str) -> Fault | None:
    length = _length(element, len(value))
    if length or is_date(value):
        return length
    return Fault("value-not-date", f"must be a date of the calendar, as {'CCYY' if len(value) > 6 else 'YY'}MMDD")


def _time(element: Element, value: str) -> Fault | None:
    length = _length(element, len(value))
    if length or is_time(value):
        return length
    return Fault("value-not-time", "must be a time of the day, as HHMM, HHMMSS or with decimals of a second")


def is_date(value: str) -> bool:
    """True for YYMMDD or CCYYMMDD that the calendar has (X12.6 3.3.1.5); year 00 is a leap year."""
    if not _DIGITS.fullmatch(value) or len(value) not in (6, 8):
        return False
    year, month, day = int(value[:-4]), int(value[-4:-2]), int(value[-2:])
    year += 2000 if len(value) == 6 else 0
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def is_time(value: str) -> bool:
    """True for HHMM, HHMMSS, HHMMSSD or HHMMSSDD (X12.6 3.3.1.6)."""
    if not _DIGITS.fullmatch(value) or len(value) not in (4, 6, 7, 8):
        return False
    return int(value[:2]) < 24 and int(value[2:4]) < 60 and int(value[4:6] or 0) < 60


def _digits(value: str) -> int:
    """Sign, decimal mark and the E of an exponent do not count (ISO 9735 section 10, X12.6 3.3.1)."""
    return sum("0" <= character <= "9" for character in value)


def _length(element: Element, length: int) -> Fault | None:
    if length > element.max_length:
        return Fault("value-too-long", f"has {length} characters; {element.max_length} is the most allowed")
    if length < element.min_length:
        return Fault("value-too-short", f"has {length} characters; {element.min_length} are required")
    return None


_SPECIAL: dict[str, Callable[[Element, str], Fault | None]] = {
    "n": _number,
    "N": _whole,
    "R": _decimal,
    "DT": _date,
    "TM": _time,
}
