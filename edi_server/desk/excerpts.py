"""The bytes that a finding is about, as people can read them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable

import msgspec

from edi_server.findings import Finding, Place
from edi_server.syntax.charsets import codec_of, decode
from edi_server.syntax.ebcdic import EBCDIC, recode
from edi_server.syntax.places import locate
from edi_server.syntax.separators import DEFAULT, Separators, as_bytes

#: The bytes of a transmission from one offset to another (the byte behind the last).
ReadRange = Callable[[int, int], bytes]
#: How far to look for the beginning and the end of a segment; longer segments are cut.
REACH = 400
_BREAKS = b"\r\n"


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A segment among its neighbours; control characters are shown as a dot."""

    #: Byte offset of the segment in its transmission.
    offset: int
    before: str
    segment: str
    after: str
    #: Where in `segment` the finding points, in characters.
    mark: int


class Pointed(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, and the bytes it is about where they are known."""

    finding: Finding
    excerpt: Excerpt | None = None


class Pointing:
    """Shows findings in the bytes of one interchange."""

    def __init__(self, read_range: ReadRange, separators: Separators = DEFAULT, charset: str = "UNOC") -> None:
        self._read_range = _translated(read_range, charset) if charset in EBCDIC else read_range
        self._separators = separators
        self._codec = codec_of(charset)

    def point(self, finding: Finding) -> Pointed:
        """The finding with its excerpt."""
        offset = finding.place.offset
        if offset is None:
            return Pointed(finding=finding)
        start = max(0, offset - REACH)
        around = self._read_range(start, offset + REACH)
        return Pointed(finding=finding, excerpt=self._excerpt(around, start, offset - start, finding.place))

    def _excerpt(self, around: bytes, start: int, at: int, place: Place) -> Excerpt:
        ends = [0, *self._ends(around), len(around)]
        # The segment at hand lies between ends[index - 1] and ends[index]; those beside it are its neighbours.
        index = min(bisect_right(ends, at), len(ends) - 1)
        first = ends[index - 1]
        first += _breaks(around[first:at])
        raw = around[first : ends[index]]
        mark = at - first or self._finer(raw, place)
        return Excerpt(
            offset=start + first,
            before=self._text(around[ends[max(index - 2, 0)] : ends[index - 1]].strip(_BREAKS)),
            segment=self._text(raw.rstrip(_BREAKS)),
            after=self._text(around[ends[index] : ends[min(index + 1, len(ends) - 1)]].strip(_BREAKS)),
            mark=len(self._text(raw[:mark])),
        )

    def _finer(self, raw: bytes, place: Place) -> int:
        """Where in its segment, for a place that knows element and component but only the segment's offset."""
        if place.element is None:
            return 0
        return locate(raw, self._separators, place.element, place.component or 1, place.repetition or 1)

    def _ends(self, around: bytes) -> list[int]:
        """Offsets behind each terminator."""
        terminator, release = as_bytes(self._separators.terminator), as_bytes(self._separators.release)
        return [
            found.end()
            for found in re.finditer(re.escape(terminator), around)
            if release == b" " or not _is_released(around, found.start(), release)
        ]

    def _text(self, raw: bytes) -> str:
        return readable(decode(raw, self._codec)[0])


def _translated(read_range: ReadRange, page: str) -> ReadRange:
    return lambda start, end: recode(read_range(start, end), page)


def _breaks(piece: bytes) -> int:
    return len(piece) - len(piece.lstrip(_BREAKS))


def _is_released(around: bytes, at: int, release: bytes) -> bool:
    before = around[:at]
    return (len(before) - len(before.rstrip(release))) % 2 == 1


def readable(text: str) -> str:
    """The text with a dot for every character that moves a cursor or says nothing."""
    return "".join("·" if unicodedata.category(character) in _UNSEEN else character for character in text)


#: Controls, formats such as direction marks, surrogates, private use, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
