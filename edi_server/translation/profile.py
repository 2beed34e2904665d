"""A resolved profile: every effective line, with the place it was written in. Independent of any guide."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from edi_server.canonical import RECORDS, Record
from edi_server.translation.paths import Path

#: `many = true`: as many values in one segment as it has places for.
ALL = -1


class Source(msgspec.Struct, frozen=True):
    """Where something was written."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class ProfileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One author error: what is wrong with a profile, with its place and, where there is one, the nearest valid key."""

    file: str
    line: int | None
    #: The key as people write it, such as `document.number`.
    key: str
    sentence: str
    #: What was probably meant.
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f"; did you mean '{self.nearest}'?" if self.nearest else ""
        return f"{Source(self.file, self.line)}: {self.key}: {self.sentence}{hint}"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a profile as it works in one direction."""

    #: Field of the record, or the path itself for constants and computed places.
    field: str
    kind: Literal["value", "within", "each", "constant", "computed"]
    at: tuple[Path, ...] = ()
    also: tuple[Path, ...] = ()
    parts: tuple[Path, ...] = ()
    shape: str | None = None
    codec: str = "text"
    join: str | None = None
    width: int | None = None
    #: 0: one value; n: a list, n of them per segment; ALL.
    many: int = 0
    codes: str | None = None
    open: bool = False
    #: Left out where the guide has no such place.
    optional: bool = False
    default: str | None = None
    #: (field, value) pairs that must all hold.
    when: tuple[tuple[str, str], ...] = ()
    #: Constant, or formula of a computed place.
    value: str = ""
    #: Attribute that is written instead of `field`.
    written_from: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a profile: its line in each direction, or None where it is off."""

    #: "document" or the name of the shape.
    owner: str
    key: str
    reading: Line | None
    writing: Line | None
    source: Source
    why: str | None = None

    @property
    def one_way(self) -> bool:
        """True if reading and writing differ, which exempts the line from the laws."""
        return self.reading != self.writing


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code of a code table: what stands in the message, and what it is for us."""

    code: str
    value: str
    #: Never written.
    read_only: bool
    source: Source
    why: str | None = None


class CodeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A code table, both ways."""

    name: str
    codes: tuple[Code, ...]

    @property
    def reading(self) -> dict[str, str]:
        """Code → value."""
        return {one.code: one.value for one in self.codes}

    @property
    def writing(self) -> dict[str, str]:
        """Value → code; of two codes for one value (an author error) the first."""
        return {one.value: one.code for one in reversed(self.codes) if not one.read_only}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of record is made; the document itself is the shape "document"."""

    name: str
    #: Name of the record class, such as "Party".
    record: str
    entries: tuple[Entry, ...]
    source: Source


class Profile(msgspec.Struct, frozen=True, kw_only=True, dict=True, weakref=True):
    """A profile with everything it inherits merged in."""

    #: Such as "edifact/orders".
    name: str
    #: First part of the name: the syntax it is written for.
    syntax: str
    #: Document type, such as "Order".
    document: str
    #: Name of the registered pair of functions, if the message is arranged differently from the document.
    view: str | None
    keep: bool
    checks: tuple[str, ...]
    #: By name, "document" included.
    shapes: dict[str, Shape]
    codes: dict[str, CodeTable]
    #: Hash of the resolved content, 12 hex digits: the same content has the same version wherever it came from.
    version: str
    #: Author errors that show without a guide.
    problems: tuple[ProfileProblem, ...] = ()


#: Records that only views know, by name.
ARRANGEMENTS: dict[str, type[Record]] = {}


def record_class(name: str) -> type[Record] | None:
    """The canonical record or arrangement of that name."""
    return RECORDS.get(name) or ARRANGEMENTS.get(name)


def plain(raw: Any) -> str:
    """A raw value as TOML would show it, for messages."""
    return str(raw).lower() if isinstance(raw, bool) else repr(raw) if isinstance(raw, str) else str(raw)
