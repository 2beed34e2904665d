r"""How the bytes of one interchange become segments: separators and character set, compiled for speed.

All work on a piece of the stream is done on a copy of the *same length*, so that byte offsets stay true:

1. One `bytes.translate` gives every separator its default form, and data that looks like a default separator its
   stand-in (`edi_server.syntax.normal`); control characters become SUB, the release character becomes ACK.
2. Each release character and what it releases become a filler and the released character (or its stand-in).
3. Every apostrophe left is a terminator. What is split there is stripped of blanks before the segment; line breaks and
   fillers are deleted, and the rest is decoded.

A piece in which nothing changes needs no copy, and where all segments stand one like the other, they are split and
decoded at once (`edi_server.syntax.edifact_uniform`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, compress, count
from operator import add, not_, sub

import msgspec

from edi_server.syntax.charsets import SHIFT_LENGTH, codec_of, decode, repertoire, shifts, unshifted
from edi_server.syntax.edifact_apostrophes import (
    TYPOGRAPHIC,
    as_terminators,
    find_terminators,
    has_typographic,
)
from edi_server.syntax.edifact_tables import (
    FILLER,
    NEEDLESS,
    RELEASE,
    STAND_INS,
    SUBSTITUTE,
    pairs,
    translation_table,
    unchanged,
    with_separators,
)
from edi_server.syntax.edifact_uniform import Uniform, read_uniform
from edi_server.syntax.places import locate
from edi_server.syntax.separators import DEFAULT, Separators, as_bytes

_BLANKS = b" \t\r\n"
_DELETED = b"\r\n" + FILLER + NEEDLESS
_NOTHING = _BLANKS + FILLER + NEEDLESS
_TABS_TO_BLANKS = bytes.maketrans(b"\t", b" ")
_PAIR = re.compile(RELEASE + rb"[\r\n]*[^\r\n]")
_LINE_BREAK = re.compile(rb"[\r\n]")
_CONTROL = re.compile(rb"[\t\x1a]")
_UPPER = re.compile(rb"[\x80-\xff]")


class Oddity(msgspec.Struct, frozen=True):
    """Something to remark on: offset of the byte in the stream, code of the finding, and how it was read."""

    offset: int
    code: str
    detail: str = ""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive segments of one interchange."""

    #: In normal form (`edi_server.syntax.normal`); never empty strings.
    segments: list[str]
    #: Byte offset of each segment's first character from the start of the stream.
    offsets: Sequence[int]
    #: Indexes of the segments whose tag begins with UN.
    services: list[int]
    #: True if some segment contains stand-ins.
    released: bool
    #: Ascending by offset.
    oddities: list[Oddity]
    #: The bytes as they came, and the offset of the first of them and of the byte behind what was read.
    raw: bytes
    start: int
    end: int
    dialect: Dialect
    #: Working copy of `raw`, same length: every apostrophe in it is a terminator.
    worked: bytes

    def end_of(self, index: int) -> int:
        """Offset of the byte behind the terminator of segment `index`."""
        at = self.worked.find(b"'", self.offsets[index] - self.start)
        return self.end if at < 0 else self.start + at + len(self.dialect.terminator)

    def raw_segment(self, index: int) -> bytes:
        """The bytes of one segment as they came, terminator included."""
        return self.raw[self.offsets[index] - self.start : self.end_of(index) - self.start]

    def locate(self, index: int, element: int, component: int = 1) -> int:
        """Offset of a component of segment `index` from the start of the stream; see `places.locate`."""
        raw = self.dialect.legible(self.raw_segment(index))
        return self.offsets[index] + locate(raw, self.dialect.separators, element, component)

    def position(self, index: int, offset: int) -> tuple[int, int]:
        """Element and component of segment `index` in which the byte at `offset` stands; element 0 is the tag."""
        before = self.worked[self.offsets[index] - self.start : offset - self.start]
        return before.count(b"+"), before[before.rfind(b"+") + 1 :].count(b":") + 1

    def excerpt(self, index: int, offset: int) -> str:
        """The component of segment `index` around the byte at `offset`, for people: at most 30 bytes on each side."""
        at = offset - self.start
        first, last = max(at - 30, self.offsets[index] - self.start), at + 30
        begin = max(self.worked.rfind(mark, first, at) + 1 or first for mark in (b"+", b":"))
        ends = (self.worked.find(mark, at, last) for mark in (b"+", b":", b"'"))
        end = min((end for end in ends if end >= 0), default=last)
        if self.raw[at : end + 1] == TYPOGRAPHIC:
            end += 1
        piece = self.raw[begin:end]
        text, _ = decode(piece, None)
        return "".join(mark if mark.isprintable() else f"\\x{ord(mark):02x}" for mark in text)

    def has_stand_ins(self, first: int, last: int) -> bool:
        """True if a segment from index `first` to `last`, inclusive, contains stand-ins."""
        if not self.released:
            return False
        begin, end = self.offsets[first] - self.start, self.end_of(last) - self.start
        return any(self.worked.find(stand_in, begin, end) >= 0 for stand_in in STAND_INS.values())


class Dialect:
    """Separators, character set and syntax version of one interchange. Immutable; get one from `dialect`."""

    def __init__(self, separators: Separators, charset: str, version: str, encoding: str = "") -> None:
        self.separators = separators
        self.charset = charset
        self.version = version
        self.codec = codec_of(charset, encoding)
        self.terminator = as_bytes(separators.terminator)
        self._table = translation_table(separators)
        self._unchanged = unchanged(self._table, self.terminator)
        self._release = as_bytes(separators.release) if separators.release != " " else None
        self._pairs = pairs(separators, self._table)
        #: The bytes that a message of level A or B may have; nothing in other sets.
        self.level = with_separators(repertoire(charset), separators)
        self._shifts = charset == "UNOX"

    def work(self, raw: bytes) -> bytes:
        """A copy of the same length in which separators have their default form and every apostrophe terminates."""
        if self._shifts and b"\x1b" in raw:
            return self._work_unshifted(raw)
        return self._work_terminated(raw)

    def legible(self, raw: bytes) -> bytes:
        """In as many bytes, of which none that looks like a separator is something else."""
        return unshifted(raw) if self._shifts and b"\x1b" in raw else raw

    def _work_terminated(self, raw: bytes) -> bytes:
        worked = self._work_plain(raw)
        return as_terminators(worked) if has_typographic(raw) and self.terminator == b"'" else worked

    def _work_plain(self, raw: bytes) -> bytes:
        odd = raw.translate(None, self._unchanged)
        if not odd:
            return raw
        worked = raw.translate(self._table)
        if len(self.terminator) > 1:
            worked = worked.replace(self.terminator, b"'".ljust(len(self.terminator)))
        if self.terminator == b"\n":
            worked = worked.replace(b"\r'", b"'\r")
        if self._release and self._release in odd:
            worked = _PAIR.sub(self._resolve, worked)
        return worked

    def block(self, raw: bytes, worked: bytes, start: int) -> Block:
        """The segments of `raw`, each but perhaps the last terminated; `worked` is `work(raw)`, `start` the offset."""
        uniform = read_uniform(worked, start, self.codec)
        if uniform:
            oddities = _contradictions(uniform, worked, start) if uniform.contradiction else []
            segments, services = uniform.segments, uniform.services
            offsets: Sequence[int] = uniform.offsets
        else:
            segments, offsets, oddities = self._read_each(worked, start)
            services = [index for index, segment in enumerate(segments) if segment[:2] == "UN"]
        return Block(
            segments=segments,
            offsets=offsets,
            services=services,
            released=any(stand_in in worked for stand_in in STAND_INS.values()),
            oddities=_with_strays(oddities, raw, worked, start, offsets) if has_typographic(raw) else oddities,
            raw=raw,
            start=start,
            end=start + len(raw),
            dialect=self,
            worked=worked,
        )

    def _work_unshifted(self, raw: bytes) -> bytes:
        """What `work` does, for level X: where escape sequences stood are fillers."""
        worked = bytearray(self._work_terminated(unshifted(raw)))
        for at in shifts(raw):
            worked[at : at + SHIFT_LENGTH] = FILLER * SHIFT_LENGTH
        return bytes(worked)

    def _resolve(self, match: re.Match[bytes]) -> bytes:
        """A release character and what it releases, in as many bytes."""
        pair = match[0]
        known = self._pairs.get(pair[-1])
        mark, released = (FILLER, known) if known is not None else (NEEDLESS, pair[-1])
        return mark + pair[1:-1] + bytes((released,))

    def _read_each(self, worked: bytes, start: int) -> tuple[list[str], list[int], list[Oddity]]:
        """Segments, their offsets, and oddities; step 3."""
        pieces = worked.split(b"'")
        ends = map(add, accumulate(map(len, pieces)), count(start))
        stripped = [piece.lstrip(_BLANKS) for piece in pieces]
        offsets = list(map(sub, ends, map(len, stripped)))
        oddities: list[Oddity] = []
        if FILLER in worked:
            # A typographic apostrophe or an escape sequence may be all that stands before a terminator.
            stripped = [piece if piece.strip(_NOTHING) else b"" for piece in stripped]
        if not stripped[-1]:
            del stripped[-1], offsets[-1]
        if b"" in stripped:
            offsets, stripped = self._without_blank(offsets, stripped, oddities)
        return self._decode(offsets, stripped, oddities), offsets, oddities

    def _without_blank(
        self, offsets: list[int], stripped: list[bytes], oddities: list[Oddity]
    ) -> tuple[list[int], list[bytes]]:
        """Without segments that have no content: blank lines where a line break terminates, else an oddity."""
        if self.separators.terminator not in "\r\n":
            oddities += [
                Oddity(offset, "syntax.segment-empty")
                for offset, piece in zip(offsets, stripped, strict=True)
                if not piece
            ]
        return list(compress(offsets, stripped)), list(filter(None, stripped))

    def _decode(self, offsets: list[int], stripped: list[bytes], oddities: list[Oddity]) -> list[str]:
        joined = b"'".join(stripped)
        if not joined:
            return []
        known = len(oddities)
        if b"\n" in joined or b"\r" in joined:
            oddities += _remark(_LINE_BREAK, "syntax.line-break-in-segment", offsets, stripped)
        if NEEDLESS in joined:
            oddities += _remark(re.compile(NEEDLESS), "syntax.release-needless", offsets, stripped)
        controls = SUBSTITUTE in joined
        if controls or b"\t" in joined:
            oddities += _remark(_CONTROL, "syntax.control-character", offsets, stripped)
        clean = joined.translate(_TABS_TO_BLANKS, _DELETED)
        if clean.isascii():
            segments = clean.decode("ascii").split("'")
        else:
            segments = self._decode_each(offsets, stripped, clean.split(b"'"), oddities)
        if controls:
            segments = [segment.replace("\x1a", "\ufffd") for segment in segments]
        if len(oddities) > known:
            oddities.sort(key=lambda oddity: oddity.offset)
        return segments

    def _decode_each(
        self, offsets: list[int], stripped: list[bytes], clean: list[bytes], oddities: list[Oddity]
    ) -> list[str]:
        segments = []
        for offset, rough, piece in zip(offsets, stripped, clean, strict=True):
            if piece.isascii():
                segments.append(piece.decode("ascii"))
                continue
            text, contradiction = decode(piece, self.codec)
            segments.append(text)
            if contradiction or "\ufffd" in text:
                match = _UPPER.search(rough)
                at = offset + (match.start() if match else 0)
                oddities.append(Oddity(at, "syntax.charset-contradicted", contradiction or "undefined"))
        return segments


@lru_cache(maxsize=256)
def dialect(separators: Separators = DEFAULT, charset: str = "UNOC", version: str = "3", encoding: str = "") -> Dialect:
    """The dialect of an interchange."""
    return Dialect(separators, charset, version, encoding)


def release_dropped(worked: bytes) -> bytes:
    """With a blank for a release character that has nothing behind it."""
    return worked.replace(RELEASE, b" ")


def before_pair(worked: bytes, position: int) -> int:
    """The position, or the one of the release character that what stands there belongs to."""
    before = worked[:position].rstrip(b"\r\n")
    return len(before) - 1 if before.endswith((FILLER, NEEDLESS, RELEASE)) else position


def _remark(pattern: re.Pattern[bytes], code: str, offsets: list[int], stripped: list[bytes]) -> list[Oddity]:
    """The first match in each segment."""
    found = zip(offsets, map(pattern.search, stripped), strict=True)
    return [Oddity(offset + match.start(), code) for offset, match in found if match]


def _with_strays(oddities: list[Oddity], raw: bytes, worked: bytes, start: int, offsets: Sequence[int]) -> list[Oddity]:
    """With the typographic apostrophes that were taken for the terminator of a segment, where that is another."""
    strays = []
    for at in find_terminators(raw, worked):
        index = bisect_right(offsets, start + at) - 1
        # One with nothing before it was remarked on as an empty segment.
        if index >= 0 and worked.find(b"'", offsets[index] - start, at) < 0:
            strays.append(Oddity(start + at, "syntax.terminator-typographic"))
    return sorted([*oddities, *strays], key=lambda oddity: oddity.offset)


def _contradictions(uniform: Uniform, worked: bytes, start: int) -> list[Oddity]:
    """The first character outside the declared set in each segment that has one."""
    code, detail = "syntax.charset-contradicted", uniform.contradiction or ""
    contradicting = compress(uniform.offsets, map(not_, map(str.isascii, uniform.segments)))
    found = (_UPPER.search(worked, offset - start) for offset in contradicting)
    return [Oddity(start + match.start(), code, detail) for match in found if match]
