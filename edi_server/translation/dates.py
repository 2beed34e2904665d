"""Dates and times of EDIFACT (DTM: 2380 with its format code 2379) ⇄ `When`, exactly as precise as they were given.

Format codes: UN/EDIFACT code list 2379. Two-digit years below 80 are in this century.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

from edi_server.canonical import When

#: (pattern of the text, ISO form made of its groups)
_Y, _YY, _M, _D = r"(?P<y>[0-9]{4})", r"(?P<yy>[0-9]{2})", r"(?P<m>[0-9]{2})", r"(?P<d>[0-9]{2})"
_H, _S, _Z, _W = (
    r"(?P<H>[0-9]{2})(?P<M>[0-9]{2})",
    r"(?P<S>[0-9]{2})",
    r"(?P<z>UTC|GMT|Z|[+-][0-9]{2})",
    r"(?P<w>[0-9]{2})",
)
_MOMENTS = {
    "101": _YY + _M + _D,
    "102": _Y + _M + _D,
    "201": _YY + _M + _D + _H,
    "202": _YY + _M + _D + _H + _S,
    "203": _Y + _M + _D + _H,
    "204": _Y + _M + _D + _H + _S,
    "301": _YY + _M + _D + _H + _Z,
    "302": _YY + _M + _D + _H + _S + _Z,
    "303": _Y + _M + _D + _H + _Z,
    "304": _Y + _M + _D + _H + _S + _Z,
    "602": _Y,
    "609": _YY + _M,
    "610": _Y + _M,
    "615": _YY + _W,
    "616": _Y + _W,
}
#: Periods: the format of either end; written with and without the hyphen of their definition.
_PERIODS = {
    "702": "616",
    "709": "609",
    "710": "610",
    "711": "102",
    "713": "201",
    "715": "615",
    "716": "616",
    "717": "101",
    "718": "102",
    "719": "203",
}
_READ = {code: re.compile(pattern) for code, pattern in _MOMENTS.items()}
#: What is written: ISO form → code of a moment, code of a period of such moments.
_WRITE: tuple[tuple[re.Pattern[str], str, str | None], ...] = (
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), "102", "718"),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})"), "203", "719"),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"), "204", None),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})([+-][0-9]{2}):00"), "303", None),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})([+-][0-9]{2}):00"), "304", None),
    (re.compile(r"([0-9]{4})-([0-9]{2})"), "610", "710"),
    (re.compile(r"([0-9]{4})-W([0-9]{2})"), "616", "716"),
    (re.compile(r"([0-9]{4})"), "602", None),
)
_CENTURY = 80
_KNOWN: dict[tuple[str, str], When] = {}
_MANY = 20_000


def read_when(text: str, code: str = "") -> When:
    """What a text in a format says; a text that the format does not fit, or an unknown format, is kept as it is.

    Kept means `When.format` is set (to "" where no code stood). Results are cached: messages repeat their dates.
    """
    known = _KNOWN.get((text, code))
    if known is None:
        if len(_KNOWN) >= _MANY:
            _KNOWN.clear()
        iso = _read(text, code)
        known = _KNOWN[text, code] = When(iso=text, format=code) if iso is None else When(iso=iso)
    return known


def _read(text: str, code: str) -> str | None:
    if code in _READ:
        return _read_moment(text, code)
    if code not in _PERIODS:
        return None
    half = (len(text) - ("-" in text)) // 2
    first, last = _read_moment(text[:half], _PERIODS[code]), _read_moment(text[-half:], _PERIODS[code])
    middle = text[half:-half] if half else text
    return f"{first}/{last}" if first and last and middle in ("", "-") else None


def _read_moment(text: str, code: str) -> str | None:
    match = _READ[code].fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    year = part.get("y") or ("20" if int(part["yy"]) < _CENTURY else "19") + part["yy"]
    if "w" in part:
        return _exists(f"{year}-W{part['w']}", lambda: date.fromisocalendar(int(year), int(part["w"]), 1))
    if "m" not in part:
        return _exists(year, lambda: date(int(year), 1, 1))
    if "d" not in part:
        return _exists(f"{year}-{part['m']}", lambda: date(int(year), int(part["m"]), 1))
    iso = f"{year}-{part['m']}-{part['d']}"
    if "H" in part:
        iso += f"T{part['H']}:{part['M']}" + (f":{part['S']}" if "S" in part else "")
    if "z" in part:
        iso += f"{part['z']}:00" if part["z"][0] in "+-" else "+00:00"
    return _exists(iso, lambda: datetime.fromisoformat(iso))


def _exists(iso: str, make: Callable[[], object]) -> str | None:
    """The text, if the calendar has such a day."""
    try:
        make()
    except ValueError:
        return None
    return iso


def write_when(value: When) -> tuple[str, str]:
    """The text and its format code; a text that was kept goes back as it came.

    Raises ValueError (half a sentence) for what no format code says, such as a zone of +05:30 or seconds' fractions.
    """
    if value.format is not None:
        return value.iso, value.format
    first, slash, last = value.iso.partition("/")
    text, code, period = _write_moment(first)
    if not slash:
        return text, code
    other, other_code, _ = _write_moment(last)
    if period is None or other_code != code:
        raise ValueError("is a period that no format code of EDIFACT can say")
    return text + other, period


def _write_moment(iso: str) -> tuple[str, str, str | None]:
    for pattern, code, period in _WRITE:
        match = pattern.fullmatch(iso)
        if match:
            text = "".join(match.groups())
            if _read_moment(text, code) != iso:
                break
            return text, code, period
    raise ValueError("is not a date or time that a format code of EDIFACT can say")
