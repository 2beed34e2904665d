"""How the bytes of one X12 interchange become segments: as `edifact_dialect` does it, without release characters.

X12 (X12.5, X12.6 section 3.3) has separators that ISA announces, and no way to release them. Beyond the standard,
separators of several bytes (`…` and `¦` in UTF-8) and comment lines (`// …`) are met in the wild.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from edi_server.syntax.edifact_dialect import Block, Dialect, Oddity
from edi_server.syntax.normal import STAND_INS, to_text
from edi_server.syntax.separators import Separators

#: Tags of the segments that the envelope reacts to, and of those that carry bytes of a stated length.
BINARY = frozenset({"BIN+", "BDS+"})
#: Of interchanges, groups and messages (X12.58), and notices of delivery: they may stand outside messages.
SECURITY = frozenset({"ISB", "ISE", "TA3", "S1S", "S1A", "S1E", "S2S", "S2A", "S2E", "S3S", "S3E", "S4S", "S4E", "SVA"})
#: Segments that the envelope reacts to, in a working copy: the first one, and those behind a terminator.
_TAGS = rb"[\r\n\t ]*((?:S[TE]|G[SE]|ISA|IEA|TA1|BIN|BDS|%b)(?=[+']))" % "|".join(sorted(SECURITY)).encode()
_FIRST_SERVICE = re.compile(_TAGS)
_SERVICE = re.compile(b"'" + _TAGS)
#: What separators of several bytes are to the table that works byte by byte: a byte not in use, and no byte at all.
_NO_COMPONENT, _NO_TERMINATOR = "\x1f", "\u2026"

#: What binary data becomes in a working copy, and in normal form: as it is, but for what means something there.
_BINARY_TABLE = bytes.maketrans(*(bytes(map(ord, "".join(marks))) for marks in zip(*STAND_INS.items(), strict=True)))
_BINARY_TEXT = {ord(stand_in): "\ufffd" for stand_in in STAND_INS.values()} | {
    ord(mark): stand_in for mark, stand_in in STAND_INS.items()
}


class X12Dialect(Dialect):
    """Separators and version of one X12 interchange. Immutable; get one from `x12_dialect`."""

    def __init__(self, separators: Separators, version: str, *, wide: bool) -> None:
        self._component = encoded(separators.component, wide=wide)
        terminator = encoded(separators.terminator, wide=wide)
        single = msgspec.structs.replace(
            separators,
            component=separators.component if len(self._component) == 1 else _NO_COMPONENT,
            terminator=separators.terminator if len(terminator) == 1 else _NO_TERMINATOR,
        )
        super().__init__(single, "", version)
        self.separators = separators
        self.terminator = terminator
        self._comment = _comment(self.terminator)

    def work(self, raw: bytes) -> bytes:
        """A copy of the same length in which separators have their default form and every apostrophe terminates."""
        worked = raw.translate(self._table)
        if len(self.terminator) > 1:
            worked = worked.replace(self.terminator, b"'".ljust(len(self.terminator)))
        if len(self._component) > 1:
            worked = worked.replace(self._component, b":".rjust(len(self._component), b"\x00"))
        if self.terminator == b"\n":
            worked = worked.replace(b"\r'", b"'\r")
        if _may_have_comments(raw):
            worked = self._comment.sub(lambda comment: b" " * len(comment[0]), worked)
        return worked

    def block(self, raw: bytes, worked: bytes, start: int) -> Block:
        """The segments of `raw`, each but perhaps the last terminated; `worked` is `work(raw)`, `start` the offset."""
        made = super().block(raw, worked, start)
        is_wrapped = any(oddity.code == "syntax.line-break-in-segment" for oddity in made.oddities)
        offsets = list(made.offsets)
        services = _services_by_tag(made.segments) if is_wrapped else _services(worked, start, offsets)
        oddities = [_undeclared(oddity) for oddity in made.oddities]
        if _may_have_comments(raw):
            oddities = sorted([*oddities, *self._comments(raw, worked, start)], key=lambda oddity: oddity.offset)
        return msgspec.structs.replace(made, offsets=offsets, services=services, oddities=oddities)

    def header_block(self, raw: bytes, start: int) -> Block:
        """An ISA with line breaks in it that would otherwise be terminators, or without any terminator."""
        solid = raw.rstrip(b" \t\r\n")
        inside = self.work(solid).replace(b"'", b"\n")
        worked = inside + b"'".ljust(len(raw) - len(solid))[: len(raw) - len(solid)]
        return self.block(raw, worked, start)

    def binary_block(self, head: bytes, content: bytes, start: int) -> Block:
        """A segment of which `head` is text and `content` bytes of any value, one character each in normal form."""
        worked = self.work(head) + content.translate(_BINARY_TABLE) + b"'".ljust(len(self.terminator))
        text = content.decode("latin-1").translate(_BINARY_TEXT)
        at = start + len(head) + text.find("\ufffd")
        oddities = [Oddity(at, "syntax.control-character")] if "\ufffd" in text else []
        return Block(
            segments=[self.work(head).decode("latin-1") + text],
            offsets=[start],
            services=[],
            released=any(stand_in in text for stand_in in STAND_INS.values()),
            oddities=oddities,
            raw=head + content + self.terminator,
            start=start,
            end=start + len(worked),
            dialect=self,
            worked=worked,
        )

    def _comments(self, raw: bytes, worked: bytes, start: int) -> Iterator[Oddity]:
        """Where comments were blanked out."""
        at = raw.find(b"//")
        while at >= 0:
            if worked[at : at + 2] == b"  ":
                yield Oddity(start + at, "syntax.comment")
                at = max(raw.find(b"\n", at), at)
            at = raw.find(b"//", at + 2)


@lru_cache(maxsize=256)
def x12_dialect(separators: Separators, version: str = "00401", *, wide: bool = False) -> X12Dialect:
    """The dialect of an interchange; `wide` if its separators beyond ASCII stand in UTF-8."""
    return X12Dialect(separators, version, wide=wide)


def as_sent(segment: str, separators: Separators) -> str:
    """A segment in normal form with the separators of its interchange, for people."""
    repetition = separators.repetition if separators.repetition != " " else "*"
    marks = (separators.element, separators.component, repetition)
    return to_text(segment.translate(dict(zip(map(ord, "+:*"), marks, strict=True))))


def encoded(mark: str, *, wide: bool) -> bytes:
    """A separator as it stands in the stream."""
    return mark.encode("utf-8" if wide or ord(mark) > 0xFF else "latin-1")


def _comment(terminator: bytes) -> re.Pattern[bytes]:
    """Comment lines where a segment should begin, in a working copy."""
    if terminator in (b"\n", b"\r"):
        return re.compile(rb"(?:\A|(?<='))[ \t\r\n]*//[^']*")
    return re.compile(rb"(?:\A|(?<='))(?:[ \t\r\n]*//[^\r\n]*)+")


def _services(worked: bytes, start: int, offsets: list[int]) -> list[int]:
    """Indexes of the segments that the envelope reacts to; `offsets` are those of all segments."""
    first = _FIRST_SERVICE.match(worked)
    found = [first] if first else []
    found += _SERVICE.finditer(worked)
    return [bisect_left(offsets, start + match.start(1)) for match in found]


def _services_by_tag(segments: list[str]) -> list[int]:
    """The same, where line breaks may stand inside of tags."""
    return [index for index, segment in enumerate(segments) if _FIRST_SERVICE.match(segment.encode() + b"'")]


def _may_have_comments(raw: bytes) -> bool:
    # Looking for one byte is many times as fast as looking for two.
    return b"/" in raw and b"//" in raw


def _undeclared(oddity: Oddity) -> Oddity:
    """X12 declares no character set that could be contradicted."""
    if oddity.code != "syntax.charset-contradicted":
        return oddity
    return Oddity(oddity.offset, "syntax.charset-undeclared", oddity.detail)
