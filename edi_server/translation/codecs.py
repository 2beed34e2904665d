"""Codecs: texts of a message ⇄ typed values of a document. Registered by name; profiles choose with `as`.

Reading raises `Unreadable`, writing `Unsayable`, both with the sentence of the finding; nothing else is raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from edi_server.canonical import When
from edi_server.translation.dates import read_when, write_when
from edi_server.translation.records import Kind


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


def _read_date8(text: str) -> When:
    value = read_when(text, "102")
    if value.format is not None:
        raise Unreadable("is not a date of eight digits")
    return value


def _write_date8(value: When) -> tuple[str]:
    try:
        return (date.fromisoformat(value.iso).strftime("%Y%m%d"),) if value.format is None else (value.iso,)
    except ValueError:
        raise Unsayable("is not a date") from None


def _read_date_time(day: str, clock: str = "") -> When:
    value = read_when(day + clock, {4: "203", 6: "204"}.get(len(clock), "102"))
    if value.format is not None:
        raise Unreadable("is not a date with a time")
    return value


def _write_date_time(value: When) -> tuple[str, str]:
    text, code = write_when(value)
    if code not in ("102", "203", "204"):
        raise Unsayable("is neither a date nor a date with a local time")
    return text[:8], text[8:]


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
    Codec(name="date8", kind="when", read=_read_date8, write=_write_date8),
    Codec(name="date_time", kind="when", arity=2, read=_read_date_time, write=_write_date_time),
)
#: Every codec by the name that profiles use.
CODECS: dict[str, Codec] = {codec.name: codec for codec in _ALL}
