"""Dates and times of X12 (373, 337 and 623, an element each) ⇄ `When`, exactly as precise as they were given.

Years of two digits (before version 004010) below 80 are in this century. Zones: X12 code list 623. Those that follow
summer time are understood by the day they stand with; what is written is a difference from UTC.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from edi_server.canonical import When

_DAY = re.compile(r"(?P<c>[0-9]{2})?(?P<y>[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})")
_CLOCK = re.compile(r"(?P<H>[0-9]{2})(?P<M>[0-9]{2})(?:(?P<S>[0-9]{2})(?P<f>[0-9]{1,2})?)?")
_CENTURY = 80
#: 01 to 12: hours before UTC; 13 to 24: behind it, from 12 to 1.
_HOURS = {f"{hours:02}": hours for hours in range(1, 13)} | {f"{code:02}": code - 25 for code in range(13, 25)}
#: Zones that keep one difference from UTC: standard (…S) and summer time (…D) of each.
_FIXED = dict(AS=-4, AD=-3, ES=-5, ED=-4, CS=-6, CD=-5, MS=-7, MD=-6, PS=-8, PD=-7, HS=-10)  # noqa: C408 — one line
_OFFSETS = {code: f"{hours:+03}:00" for code, hours in (_HOURS | _FIXED).items()}
_OFFSETS |= {"UT": "+00:00", "GM": "+00:00", "NS": "-03:30", "ND": "-02:30"}
_ZONES = {
    "AT": "America/Halifax",
    "CT": "America/Chicago",
    "ET": "America/New_York",
    "HT": "Pacific/Honolulu",
    "MT": "America/Denver",
    "NT": "America/St_Johns",
    "PT": "America/Los_Angeles",
}
#: What is written for a difference from UTC.
_WRITTEN = {"+00:00": "UT", "-03:30": "NS", "-02:30": "ND"} | {
    f"{hours:+03}:00": code for code, hours in _HOURS.items()
}
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,2}))?)?)?([+-][0-9]{2}:[0-9]{2})?"
)


def read_x12(day: str, clock: str = "", zone: str = "") -> When | None:
    """The date or time that three elements say, or None if there is no such thing."""
    iso = _read_day(day)
    if iso is not None and clock:
        time = _read_clock(clock)
        iso = None if time is None else iso + time
    if iso is not None and zone not in ("", "LT"):
        iso = _in_zone(iso, zone) if clock else None
    if iso is None:
        return None
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return None
    return When(iso=iso)


def _read_day(text: str) -> str | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    century = match["c"] or ("20" if int(match["y"]) < _CENTURY else "19")
    return f"{century}{match['y']}-{match['m']}-{match['d']}"


def _read_clock(text: str) -> str | None:
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    parts = f":{match['S']}" if match["S"] else ""
    fraction = (match["f"] or "").rstrip("0")
    return f"T{match['H']}:{match['M']}{parts}" + (f".{fraction}" if fraction else "")


def _in_zone(iso: str, code: str) -> str | None:
    """The time with its difference from UTC, or None if the zone is not known."""
    if code in _OFFSETS:
        return iso + _OFFSETS[code]
    if code not in _ZONES:
        return None
    try:
        offset = datetime.fromisoformat(iso).replace(tzinfo=ZoneInfo(_ZONES[code])).strftime("%z")
    except ValueError:
        return None
    return f"{iso}{offset[:3]}:{offset[3:]}"


def write_x12(value: When) -> tuple[str, str, str]:
    """Date, time and zone; raises ValueError (half a sentence) for anything else, such as a week or a period."""
    match = _MOMENT.fullmatch(value.iso) if value.format is None else None
    if match is None:
        raise ValueError("is not a date or time")
    day = "".join(match.group(1, 2, 3))
    clock = "".join(part or "" for part in match.group(4, 5, 6, 7))
    zone = match[8] or ""
    if zone and zone not in _WRITTEN:
        raise ValueError("has a time zone that X12 has no code for")
    return day, clock, _WRITTEN.get(zone, "")
