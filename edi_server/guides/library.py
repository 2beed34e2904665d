"""Guides by message type and directory version: the known ones, and the nearest known one to what a message claims."""

from __future__ import annotations

import re
from functools import cache

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place
from edi_server.guides.directory import DATA, open_directory
from edi_server.guides.model import Guide
from edi_server.guides.segment_table import SegmentTable

#: CONTRL belongs to the syntax, not to a directory: UNH says D:3 or 2:2 for syntax version 3 and 4:1 for version 4.
_CONTRL = {"D.3": "service-3", "4.1": "service-4"}
#: Other ways in which UNH names the same table.
_SAME = {("CONTRL", "2.2"): "D.3"}
_TABLES = {"segments", "composites", "elements", "codes"}


@cache
def known_guides() -> dict[str, tuple[str, ...]]:
    """Directory versions that we have a guide for, by EDIFACT message type, oldest first."""
    known: dict[str, list[str]] = {"CONTRL": list(_CONTRL)}
    for folder in sorted((DATA / "edifact").glob("[DS].*"), key=lambda path: _age(path.name)):
        for file in sorted(folder.glob("*.txt")):
            if file.stem not in _TABLES:
                known.setdefault(file.stem, []).append(folder.name)
    return {message: tuple(versions) for message, versions in sorted(known.items())}


def load_guide(*, syntax: str = "edifact", version: str, message: str) -> Guide:
    """The guide of a message type in a directory version that we know, such as ("D.96A", "ORDERS"); cached.

    Raises ConfigurationError if there is none; `nearest_guide` is for what partners send.
    """
    exact = _SAME.get((message, version), version)
    if syntax != "edifact" or exact not in known_guides().get(message, ()):
        raise ConfigurationError(
            f"There is no guide for {message} {version} ({syntax}); known: {_list_known(message)}."
        )
    return _load(exact, message)


def nearest_guide(version: str, message: str) -> tuple[Guide | None, Finding | None]:
    """The guide for what UNH claims, or else the nearest known version's with a warning, or none with an error.

    Nearest is the smallest distance in directory issues (two a year); of two equally near the older, because
    directories grow. Versions are also understood where blanks or the order of D and 96A are wrong.
    """
    versions = known_guides().get(message)
    if not versions:
        return None, _message_unknown(version, message)
    exact = _SAME.get((message, version), version)
    if exact in versions:
        return _load(exact, message), None
    near = _nearest(versions, version, message)
    return _load(near, message), _version_unknown(version, message, near)


def _nearest(versions: tuple[str, ...], version: str, message: str) -> str:
    if message == "CONTRL":
        return "4.1" if re.match(r"(D\.)?4", version) else "D.3"
    return min(versions, key=lambda known: abs(_age(known) - _age(version)))


def _age(version: str) -> int:
    """Issues since 1990: D.96A is 12, D.96B 13; a version without year and letter counts as D.96A."""
    match = re.search(r"([0-9]{2})\s*([AB])", version.upper())
    year, letter = (int(match[1]), match[2]) if match else (96, "A")
    return ((year - 90) % 100) * 2 + (letter == "B")


def _message_unknown(version: str, message: str) -> Finding:
    return Finding(
        code="guide.message-unknown",
        severity="error",
        sentence=f"We do not know the message type {message[:20] or '(none)'}, so this message could not be checked.",
        place=Place(segment=1, tag="UNH", element=2, component=1),
        found=f"{message} {version}"[:80],
        expected=", ".join(known_guides()),
    )


def _version_unknown(version: str, message: str, near: str) -> Finding:
    return Finding(
        code="guide.version-unknown",
        severity="warning",
        sentence=f"We do not know {message} in version {version[:20]}; it was checked as {near}, the nearest we know.",
        place=Place(segment=1, tag="UNH", element=2, component=2),
        found=version[:80],
        expected=_list_known(message),
    )


def _list_known(message: str) -> str:
    return ", ".join(known_guides().get(message, ())) or "no version"


@cache
def _load(version: str, message: str) -> Guide:
    directory = open_directory("edifact", _CONTRL.get(version, version))
    # Service segments of syntax version 4 include those of version 3, and a directory may travel under either.
    service = directory if message == "CONTRL" else open_directory("edifact", "service-4")
    table = SegmentTable(directory.lines(message), service.segments | directory.segments)
    return Guide(
        syntax="edifact",
        message=message,
        version=version,
        positions=tuple(table.positions),
        groups=table.groups,
        nestings=tuple(table.nestings),
    )
