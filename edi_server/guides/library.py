"""Guides by message type and directory version: the known ones, and the nearest known one to what a message claims."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place
from edi_server.guides.directory import DATA, Directory, open_directory, open_folder
from edi_server.guides.model import Guide, SegmentDefinition
from edi_server.guides.segment_table import SegmentTable
from edi_server.guides.shelves import Shelved, added_folder, forget, has_changed, places_of, set_folder, shelf

#: CONTRL belongs to the syntax, not to a directory: UNH says D:3 or 2:2 for syntax version 3 and 4:1 for version 4.
_CONTRL = {"D.3": "service-3", "4.1": "service-4"}
#: TA1 answers an interchange, which has one form for all versions of its messages.
_TA1 = {"service": "service"}
#: Messages of a syntax: the folder of each version.
_SERVICE_MESSAGES = {"edifact": {"CONTRL": _CONTRL}, "x12": {"TA1": _TA1}}
#: Other ways in which UNH names the same table.
_SAME = {("CONTRL", "2.2"): "D.3"}
#: Issues within a year; D.01C alone had a third.
_ISSUES = {"A": 0, "B": 1, "C": 1.5}


@cache
def known_guides(syntax: str = "edifact") -> dict[str, tuple[str, ...]]:
    """Versions that we have a guide for, by message type, oldest first; `syntax` is "edifact" or "x12"."""
    known = {message: tuple(versions) for message, versions in _service_messages(syntax).items()}
    for message, folders in shelf(syntax).items():
        known[message] = tuple(sorted(folders, key=lambda version: (_age(version, syntax), version)))
    return dict(sorted(known.items()))


def load_guide(*, syntax: str = "edifact", version: str, message: str) -> Guide:
    """The guide of a message type in a version that we know, such as ("D.96A", "ORDERS") or ("004010", "850"); cached.

    Raises ConfigurationError if there is none; `nearest_guide` is for what partners send.
    """
    exact = _exact(version, message, syntax)
    if exact not in known_guides(syntax).get(message, ()):
        raise ConfigurationError(
            f"There is no guide for {message} {version} ({syntax}); known: {_list_known(message, syntax)}."
        )
    return _load(syntax, exact, message)


def nearest_guide(version: str, message: str, syntax: str = "edifact") -> tuple[Guide | None, Finding | None]:
    """The guide for what a message claims, or else the nearest known version's with a warning, or none with an error.

    EDIFACT: nearest is the smallest distance in directory issues (two a year), and of two equally near the older,
    because directories grow; versions are also understood where blanks or the order of D and 96A are wrong. X12:
    versions of the same first three digits go before all others, then the smallest distance, then the older.

    A guide that a user adds while we run is found within a second of a message that would do better with it.
    """
    # What a sender claims is remembered, so that it must not be longer than what a finding quotes of it.
    version, message = version[:80], message[:80]
    guide, doubt = _nearest_guide(version, message, syntax)
    if doubt is not None and has_changed():
        look_again()
        return _nearest_guide(version, message, syntax)
    return guide, doubt


def use_folder(folder: Path | None) -> None:
    """Find guides that users added in this folder before our own from now on; None for ours alone."""
    if folder != added_folder():
        set_folder(folder)
        look_again()


def look_again() -> None:
    """Find what users added in the meantime; guides that did not change stay the same objects."""
    forget()
    known_guides.cache_clear()
    _nearest_guide.cache_clear()


# Senders choose what they claim, so that what is remembered has a limit.
@lru_cache(maxsize=1000)
def _nearest_guide(version: str, message: str, syntax: str) -> tuple[Guide | None, Finding | None]:
    versions = known_guides(syntax).get(message)
    if not versions:
        return None, _message_unknown(version, message, syntax)
    exact = _exact(version, message, syntax)
    if exact in versions:
        return _load(syntax, exact, message), None
    near = _nearest(versions, version, message, syntax)
    return _load(syntax, near, message), _version_unknown(version, message, syntax, near)


def _exact(version: str, message: str, syntax: str) -> str:
    """The version as we name it, if it is one of ours: 005010X222A1 is 005010, and TA1 has no version."""
    if syntax != "x12":
        return _SAME.get((message, version), version)
    return next(iter(_TA1)) if message == "TA1" else re.sub(r"^([0-9]{6})\D.*", r"\1", version)


def _nearest(versions: tuple[str, ...], version: str, message: str, syntax: str) -> str:
    if message == "CONTRL" and syntax == "edifact":
        return "4.1" if re.match(r"(D\.)?4", version) else "D.3"
    age, family = _age(version, syntax), _family(version, syntax)
    return min(versions, key=lambda one: (_family(one, syntax) != family, abs(_age(one, syntax) - age)))


def _family(version: str, syntax: str) -> float:
    return _age(version, syntax) // 1000 if syntax == "x12" else 0


def _age(version: str, syntax: str) -> float:
    """How old a version is, ascending; one that says nothing counts as D.96A or 004010.

    EDIFACT: issues since 1990 (D.96A is 12, D.96B 13). X12: the number itself, 004010 being 4010.
    """
    if syntax == "x12":
        digits = re.search(r"[0-9]{3,6}", version)
        return _x12_age(digits[0]) if digits else 4010
    match = re.search(r"([0-9]{2})\s*([A-C])", version.upper())
    year, letter = (int(match[1]), match[2]) if match else (96, "A")
    return ((year - 90) % 100) * 2 + _ISSUES[letter]


def _x12_age(digits: str) -> int:
    """004010 as 4010; also 4010 and, without the last digit as in ISA12, 00401."""
    return int(digits.ljust(6, "0")) if digits.startswith("00") else int(digits.ljust(4, "0"))


def _message_unknown(version: str, message: str, syntax: str) -> Finding:
    x12 = syntax == "x12"
    return Finding(
        code="guide.message-unknown",
        severity="error",
        sentence=f"We do not know the message type {message[:20] or '(none)'}, so this message could not be checked.",
        place=Place(segment=1, tag="ST", element=1) if x12 else Place(segment=1, tag="UNH", element=2, component=1),
        found=f"{message} {version}"[:80],
        expected=", ".join(known_guides(syntax)),
    )


def _version_unknown(version: str, message: str, syntax: str, near: str) -> Finding:
    x12 = syntax == "x12"
    return Finding(
        code="guide.version-unknown",
        severity="warning",
        sentence=f"We do not know {message} in version {version[:20]}; it was checked as {near}, the nearest we know.",
        # The version of X12 stands in GS08, outside the message; ST03 repeats it from 005010 on.
        place=Place(segment=1, tag="ST") if x12 else Place(segment=1, tag="UNH", element=2, component=2),
        found=version[:80],
        expected=_list_known(message, syntax),
    )


def _list_known(message: str, syntax: str) -> str:
    return ", ".join(known_guides(syntax).get(message, ())) or "no version"


def _service_messages(syntax: str) -> dict[str, dict[str, str]]:
    """Messages of the syntax itself whose tables are there."""
    known = _SERVICE_MESSAGES.get(syntax, {})
    return {name: versions for name, versions in known.items() if _has(syntax, name, versions)}


def _has(syntax: str, message: str, versions: dict[str, str]) -> bool:
    return all((DATA / syntax / folder / f"{message}.txt").is_file() for folder in versions.values())


def _load(syntax: str, version: str, message: str) -> Guide:
    folder = _SERVICE_MESSAGES.get(syntax, {}).get(message, {}).get(version)
    place = Shelved(DATA / syntax / folder) if folder else shelf(syntax)[message][version]
    return _read(syntax, version, message, place)


def known_segments(syntax: str, version: str) -> dict[str, SegmentDefinition]:
    """All segments of a version by tag, service segments included; empty if we do not know the version."""
    services = (folders for folders in _SERVICE_MESSAGES.get(syntax, {}).values() if version in folders)
    folder = next((folders[version] for folders in services), version)
    found: dict[str, SegmentDefinition] = {}
    # What users added has the last word.
    for place in places_of(syntax, folder):
        found |= _segments(open_folder(place.folder, place.stamp), syntax)
    return found


@cache
def _read(syntax: str, version: str, message: str, place: Shelved) -> Guide:
    directory = open_folder(place.folder, place.stamp)
    table = SegmentTable(directory.lines(message), _segments(directory, syntax))
    return Guide(
        syntax=syntax,
        message=message,
        version=version,
        positions=tuple(table.positions),
        groups=table.groups,
        nestings=tuple(table.nestings),
    )


def _segments(directory: Directory, syntax: str) -> dict[str, SegmentDefinition]:
    """Segments that a message may be made of, those of the directory before those of the service.

    Service segments of EDIFACT version 4 include those of version 3, and a directory may travel under either. CONTRL of
    version 3 has all of its own.
    """
    service = open_directory(syntax, "service" if syntax == "x12" else "service-4")
    return service.segments | directory.segments
