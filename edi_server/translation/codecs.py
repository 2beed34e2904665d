"""Codecs: texts of a message ⇄ typed values of a document. Registered by name; profiles choose with `as`.

Reading raises `Unreadable`, writing `Unsayable`, both with the sentence of the finding; nothing else is raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from edi_server.canonical import When
from edi_server.translation.dates import read_when, write_when
from edi_server.translation.records import Kind
from edi_server.translation.x12_dates import read_x12, write_x12


class Unreadable(ValueError):  # noqa: N818 — an answer about a document, not an error of the machine
    """The text of a message is not what the codec reads; the message is a half sentence, such as "is not a number"."""


class Unsayable(ValueError):  # noqa: N818 — an answer about a document, not an error of the machine
    """A value of a document cannot be said in this codec; the message is a half sentence."""


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of functions between the texts of one place (or of several) and a value."""

    name: str
    #: Kind of field it serves.
    kind: Kind
    #: Data elements it owns when a path names only the segment; one text for each.
    elements: tuple[str, ...] = ()
    #: How many texts it reads and writes.
    arity: int = 1
    read: Callable[..., Any]
    write: Callable[[Any], tuple[str, ...]]


_NUMBER = re.compile(r"-?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_WHOLE = re.compile(r"-?[0-9]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Longest number that is taken: the directories allow n..18 and less, and no partner's number may cost memory.
_LONGEST = 100


def read_decimal(text: str) -> Decimal:
    """A number as EDIFACT writes it (ISO 9735, 10): digits, a leading minus, dot or comma as decimal mark.

    No exponent, no grouping, no blanks. The mark is whichever stands there, because senders ignore UNA's.
    """
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST:
        raise Unreadable("is not a number")
    return Decimal(text.replace(",", "."))


def write_decimal(value: Decimal) -> tuple[str]:
    """The number with a dot and without exponent; its trailing zeros are kept."""
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
        raise Unsayable("is not a number that can be written")
    return (format(value, "f"),)


def read_integer(text: str) -> int:
    """A whole number, with or without decimals that are zero."""
    value = read_decimal(text)
    if value != value.to_integral_value():
        raise Unreadable("is not a whole number")
    return int(value)


def clean_text(text: str) -> str:
    """The text with line breaks and control characters turned into blanks: they are legal in no message."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _read_implied(places: int) -> Callable[[str], Decimal]:
    """Reads numbers of kind N0 to N9 (X12.6, 3.4.1): the last `places` digits are decimals."""

    def read(text: str) -> Decimal:
        if not _WHOLE.fullmatch(text) or len(text) > _LONGEST:
            raise Unreadable("is not a number without decimal point" if _NUMBER.fullmatch(text) else "is not a number")
        return Decimal(text).scaleb(-places)

    return read


def _write_implied(places: int) -> Callable[[Decimal], tuple[str]]:
    def write(value: Decimal) -> tuple[str]:
        if not value.is_finite() or abs(value.adjusted()) > _LONGEST:
            raise Unsayable("is not a number that can be written")
        whole = value.scaleb(places)
        if whole != whole.to_integral_value():
            raise Unsayable(f"has more than {places} decimals")
        return (format(whole.to_integral_value(), "f"),)

    return write


def _read_moment(day: str, clock: str = "", zone: str = "") -> When:
    value = read_x12(day, clock, zone)
    if value is None:
        raise Unreadable("is not a date with a time" if clock or zone else "is not a date of eight digits")
    return value


def _write_moment(value: When) -> tuple[str, str, str]:
    try:
        return write_x12(value)
    except ValueError as error:
        raise Unsayable(str(error)) from None


def _write_date8(value: When) -> tuple[str]:
    """The day: a place for a date has no room for the time."""
    return (_write_moment(value)[0],)


def _write_date_time(value: When) -> tuple[str, str]:
    """Date and local time: the place has no room for a zone."""
    return _write_moment(value)[:2]


def _write_when(value: When) -> tuple[str, str]:
    try:
        return write_when(value)
    except ValueError as error:
        raise Unsayable(str(error)) from None


def _only(value: Any) -> tuple[str]:
    return (str(value),)


_ALL = (
    Codec(name="text", kind="text", read=str, write=_only),
    Codec(name="decimal", kind="decimal", read=read_decimal, write=write_decimal),
    Codec(name="integer", kind="integer", read=read_integer, write=_only),
    Codec(name="dtm", kind="when", elements=("2380", "2379"), arity=2, read=read_when, write=_write_when),
    Codec(name="date8", kind="when", read=_read_moment, write=_write_date8),
    Codec(name="date_time", kind="when", arity=2, read=_read_moment, write=_write_date_time),
    Codec(name="date_time_zone", kind="when", arity=3, read=_read_moment, write=_write_moment),
    *(
        Codec(name=f"n{places}", kind="decimal", read=_read_implied(places), write=_write_implied(places))
        for places in range(10)
    ),
)
#: Every codec by the name that profiles use.
CODECS: dict[str, Codec] = {codec.name: codec for codec in _ALL}
