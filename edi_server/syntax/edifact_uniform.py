"""The fast way through a block in which all segments stand alike: every terminator has the same line break behind it, or
none has, and nothing calls for a remark but the character set.

It gives what the careful way (`edi_server.syntax.edifact_dialect`, step 3) would give, or nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

from edi_server.syntax.charsets import Contradiction, decode_alike

_LINE_BREAKS = re.compile(rb"[\r\n]*")
#: Tabulator, needless release character, control character: each is remarked on.
_REMARKABLE = (b"\t", b"\x04", b"\x1a")
#: Whatever comes before it in the alphabet is a blank, or belongs to a segment that has something odd in front.
_FIRST_PRINTABLE = "!"


class Uniform(NamedTuple):
    """Like the fields of `Block`; and how all segments that are not ASCII contradict the declared character set."""

    segments: list[str]
    offsets: list[int]
    services: list[int]
    contradiction: Contradiction | None


def read_uniform(worked: bytes, start: int, codec: str | None) -> Uniform | None:
    """The segments of a working copy whose first byte is at offset `start`; None if they have to be read one by one."""
    if not worked.endswith(b"'") or any(mark in worked for mark in _REMARKABLE):
        return None
    decoded = decode_alike(worked[:-1], codec)
    if decoded is None:
        return None
    text, contradiction = decoded
    end = b"'" + _line_break(worked)
    mark = end.decode("ascii")
    pieces = text.split(mark)
    if min(pieces) < _FIRST_PRINTABLE or not _is_uniform(worked, len(end) - 1, len(pieces)):
        return None
    lengths = map(len, pieces if len(text) == len(worked) - 1 else worked[:-1].split(end))
    offsets = list(map(add, accumulate(lengths, initial=start), count(0, len(end))))
    del offsets[-1]
    segments = text.replace("\0", "").split(mark) if "\0" in text else pieces
    return Uniform(segments, offsets, _services(worked, start, offsets, end), contradiction)


def _line_break(worked: bytes) -> bytes:
    """What stands behind the first terminator."""
    match = _LINE_BREAKS.match(worked, worked.find(b"'") + 1)
    return match[0] if match else b""


def _is_uniform(worked: bytes, line_break: int, pieces: int) -> bool:
    """True if terminators and line breaks are just those that were split at; `line_break` is the length of one."""
    if not line_break:
        return b"\n" not in worked and b"\r" not in worked
    broken = len(worked) - len(worked.translate(None, b"\r\n"))
    return broken == line_break * (pieces - 1) and worked.count(b"'") == pieces


def _services(worked: bytes, start: int, offsets: list[int], end: bytes) -> list[int]:
    """Indexes of the segments whose tag begins with UN."""
    services = [0] if worked.startswith(b"UN") else []
    mark = end + b"UN"
    at = worked.find(mark)
    while at >= 0:
        services.append(bisect_left(offsets, start + at + len(end)))
        at = worked.find(mark, at + len(mark))
    return services
