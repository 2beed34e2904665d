"""What quick readers call.

A quick reader never writes a finding. Whatever would need one raises `Unsmooth`, and the careful reader tells.
"""

from __future__ import annotations

from typing import Any, ClassVar

from edi_server.canonical import Record, When
from edi_server.syntax.normal import STAND_INS
from edi_server.translation.codecs import Codec, Unreadable
from edi_server.translation.dates import read_when
from edi_server.translation.keeping import keep
from edi_server.translation.restoring import restore

_OF_DATA = tuple(STAND_INS.values())


class Unsmooth(Exception):  # noqa: N818 — it is the answer "let the careful reader look", not an error
    """Something in the message needs a finding, or more care than a quick reader takes."""


def released_in(text: str) -> list[int]:
    """The indexes of segments with stand-ins, ascending, of a message joined by apostrophes (which none contains)."""
    found = []
    for stand_in in _OF_DATA:
        at = text.find(stand_in)
        while at >= 0:
            found.append(at)
            at = text.find(stand_in, at + 1)
    indexes: list[int] = []
    index = counted = 0
    for at in sorted(found):
        index += text.count("'", counted, at)
        counted = at
        if not indexes or indexes[-1] != index:
            indexes.append(index)
    return indexes


#: In a trace: the segment was kept whole.
KEPT = -1


def mark_kept(trace: list[int], chunks: list[tuple[int, int, str]]) -> None:
    """Note in a trace the segments that a record keeps."""
    for first, behind, _ in chunks:
        trace[first:behind] = [KEPT] * (behind - first)


def mend(record: Record, first: int, behind: int, released: list[int], but: tuple[str, ...]) -> Record:
    """The record of a group, stand-ins turned back if its own segments have some; these are struck off the list."""
    own = [index for index in released if first <= index < behind]
    if not own:
        return record
    released[:] = [index for index in released if not first <= index < behind]
    return restore(record, but)


def gather(lists: dict[str, list[Any]], segments: list[str], chunks: list[tuple[int, int, str]]) -> dict[str, Any]:
    """Fields that most records lack: lists, and kept segments."""
    fields: dict[str, Any] = {field: tuple(values) for field, values in lists.items()}
    if chunks:
        fields["kept"] = keep(segments, chunks)
    return fields


class Moments(dict[tuple[str, str], When]):
    """Dates by text and format: messages repeat theirs. Raises Unsmooth for what is not understood."""

    MOST: ClassVar[int] = 20_000

    def __missing__(self, text: tuple[str, str]) -> When:
        """Read a date that was not met before."""
        value = read_when(*text)
        if value.format is not None:
            raise Unsmooth
        if len(self) >= self.MOST:
            self.clear()
        self[text] = value
        return value


MOMENTS = Moments()


def sure_value(codec: Codec, *texts: str) -> Any:
    """What another codec reads; raises Unsmooth."""
    try:
        value = codec.read(*texts)
    except Unreadable:
        raise Unsmooth from None
    if isinstance(value, When) and value.format is not None:
        raise Unsmooth
    return value
