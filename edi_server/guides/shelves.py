"""Where guides stand: the folder that the users of an installation add to, and then our own.

Both are laid out alike, `<syntax>/<directory version>/<message>.txt`, with the tables that the message refers to beside
it. What a user adds under a version that we ship too takes the place of our message of that type, and of no other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from edi_server.guides.directory import DATA

#: Files of a directory version that are no messages.
TABLES = frozenset({"segments", "composites", "elements", "codes"})
#: Folders of service segments, which belong to a syntax and not to a directory version.
_SERVICE = re.compile(r"service.*")
#: How often, in seconds, the folder of added guides is looked through at most.
LOOK_SECONDS = 1.0

_Seen = frozenset[tuple[str, int]]


class Shelved(NamedTuple):
    """Where the table of a message stands."""

    folder: Path
    #: Differs when a user has changed something.
    stamp: int = 0


class _Added:
    """The folder of guides that users added, for this process."""

    folder: Path | None = None
    #: What was in it when the shelves were made.
    seen: _Seen = frozenset()
    looked_at: float = 0.0


def set_folder(folder: Path | None) -> None:
    """Say which folder is that of added guides, None for none; it need not exist yet."""
    _Added.folder = folder


def added_folder() -> Path | None:
    """The folder of added guides."""
    return _Added.folder


def forget() -> None:
    """Look the folders through again when somebody asks next."""
    _Added.seen = _look()
    shelf.cache_clear()


def has_changed() -> bool:
    """True if users added or changed guides since the shelves were made; looks once in LOOK_SECONDS at most."""
    now = time.monotonic()
    if _Added.folder is None or now < _Added.looked_at + LOOK_SECONDS:
        return False
    _Added.looked_at = now
    return _look() != _Added.seen


@cache
def shelf(syntax: str) -> dict[str, dict[str, Shelved]]:
    """Where each message type and directory version of a syntax stands, in no order."""
    found: dict[str, dict[str, Shelved]] = {}
    for folder, stamp in _folders(syntax):
        for file in sorted(folder.glob("*/*.txt")):
            if file.stem not in TABLES and not _SERVICE.fullmatch(file.parent.name):
                found.setdefault(file.stem, {}).setdefault(file.parent.name, Shelved(file.parent, stamp))
    return found


def places_of(syntax: str, version: str) -> list[Shelved]:
    """Where tables of a version stand, ours first."""
    places = [Shelved(place.folder / version, place.stamp) for place in _folders(syntax)]
    return [place for place in reversed(places) if (place.folder / "segments.txt").is_file()]


def _folders(syntax: str) -> Iterator[Shelved]:
    if _Added.folder is not None:
        yield Shelved(_Added.folder / syntax, hash(_Added.seen))
    yield Shelved(DATA / syntax)


def _look() -> _Seen:
    folder = _Added.folder
    files = folder.glob("*/*/*.txt") if folder is not None else ()
    return frozenset((str(file), file.stat().st_mtime_ns) for file in files)
