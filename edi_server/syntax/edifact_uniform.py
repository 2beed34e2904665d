"""The fast way through a block in which all segments stand alike.

That is: every terminator has the same line break behind it, or none has, and nothing calls for a remark but the
character set. It gives what the careful way (`edi_server.syntax.edifact_dialect`, step 3) would give, or nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from edi_server.syntax.charsets import Contradiction, decode_alike
from edi_server.syntax.segment_offsets import Offsets, Run

_LINE_BREAKS = re.compile(rb"[\r\n]*")
#: Tabulator, needless release character, control character: each is remarked on.
_REMARKABLE = (b"\t", b"\x04", b"\x1a")
#: Whatever comes before it in the alphabet is a blank, or belongs to a segment that has something odd in front.
_FIRST_PRINTABLE = "!"


class Uniform(NamedTuple):
    """Like the fields of `Block`; and how all segments that are not ASCII contradict the declared character set."""

    segments: list[str]
    offsets: Offsets
    services: list[int]
    contradiction: Contradiction | None


def read_uniform(worked: bytes, start: int, codec: str | None) -> Uniform | None:
    """The segments of a working copy whose first byte is at offset `start`; None if they have to be read one by one."""
    if not worked.endswith(b"'") or any(mark in worked for mark in _REMARKABLE):
        return None
    end = b"'" + _line_break(worked)
    decoded = decode_alike(worked[:-1], codec)
    if decoded is None or (end == b"'" and (b"\n" in worked or b"\r" in worked)):
        return None
    text, contradiction = decoded
    pieces = text.split(end.decode("ascii"))
    if min(pieces) < _FIRST_PRINTABLE or not _stand_alike(worked, end, len(pieces)):
        return None
    if b"\0" in worked:
        _drop_fillers(pieces, worked)
    services = _services(worked, end)
    last = worked.rfind(end, 0, -1) + len(end) if len(pieces) > 1 else 0
    known = {index: start + at for index, at in [(0, 0), (len(pieces) - 1, last), *services]}
    offsets = Offsets((Run(start, worked, end),), len(pieces), known)
    return Uniform(pieces, offsets, [index for index, _ in services], contradiction)


def _line_break(worked: bytes) -> bytes:
    """What stands behind the first terminator."""
    match = _LINE_BREAKS.match(worked, worked.find(b"'") + 1)
    return match[0] if match else b""


def _stand_alike(worked: bytes, end: bytes, pieces: int) -> bool:
    """True if terminators and line breaks are just those at which the pieces were split."""
    if end == b"'":
        return True
    # Where there are no more of these characters than the ends need, none stands elsewhere.
    return len(worked) - len(worked.translate(None, b"\r\n'")) == len(end) * (pieces - 1) + 1


def _drop_fillers(pieces: list[str], worked: bytes) -> None:
    """Delete fillers in the pieces that have any: few as a rule, so that a second look at all pieces costs more."""
    index = counted = 0
    at = worked.find(b"\0")
    while at >= 0:
        index += worked.count(b"'", counted, at)
        pieces[index] = pieces[index].replace("\0", "")
        counted = worked.find(b"'", at)
        at = worked.find(b"\0", counted)


def _services(worked: bytes, end: bytes) -> list[tuple[int, int]]:
    """The segments whose tag begins with UN: index, and where they begin in the working copy."""
    services = [(0, 0)] if worked.startswith(b"UN") else []
    mark = end + b"UN"
    index = counted = 0
    at = worked.find(mark)
    while at >= 0:
        index += worked.count(b"'", counted, at) + 1
        counted = at + len(end)
        services.append((index, counted))
        at = worked.find(mark, counted)
    return services
