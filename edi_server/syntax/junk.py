"""What stands outside any interchange, and the search for the next one: alike for every syntax."""

from __future__ import annotations

import re

import msgspec

from edi_server.syntax.window import Window

#: Bytes between interchanges that nobody needs to know of: blanks, padding, DOS end of file.
HARMLESS = b" \t\r\n\x00\x1a"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: How far ahead is looked at a time.
HORIZON = 65536
_SAMPLE = 200
_SEGMENT = re.compile(rb"(?:\A|['~\r\n])[A-Z][A-Z0-9]{1,2}[+*|][^'~\r\n]*['~]")
_INTERACTIVE = re.compile(rb"(?:UNA[\x01-\x7f]{6}[ \t\r\n]*)?UIB(?![A-Za-z0-9])")


class Junk(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes outside any interchange."""

    offset: int
    end: int
    #: The first 200 of them.
    sample: bytes
    #: True if there are whole segments in it.
    has_segments: bool

    @property
    def is_interactive(self) -> bool:
        """True if it begins with an interactive interchange."""
        return is_interactive(self.sample)


def is_interactive(piece: bytes) -> bool:
    """True if an interactive interchange (UIB) begins here."""
    return _INTERACTIVE.match(piece) is not None


def skip_harmless(window: Window) -> int | None:
    """Move on to something that is not harmless: the offset of the first byte order mark, None if there was none."""
    marked = None
    while True:
        piece = window.look(4096)
        rest = piece.lstrip(HARMLESS)
        window.drop(len(piece) - len(rest))
        if rest and window.look(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
            marked = window.offset if marked is None else marked
            window.drop(len(BYTE_ORDER_MARK))
        elif rest or not piece:
            return marked


def search(window: Window, start: re.Pattern[bytes], longest: int) -> tuple[Junk | None, re.Match[bytes] | None]:
    """Drop everything before the next match of `start`, none of which is longer than `longest`, lookahead included."""
    at_once = start.match(window.look(longest))
    if at_once:
        return None, at_once
    offset, sample, has_segments = window.offset, b"", False
    while True:
        piece = window.look(HORIZON)
        found = start.search(piece)
        is_last = window.ended and len(window) <= len(piece)
        skipped = piece[: found.start()] if found else piece[: None if is_last else -longest]
        sample = sample or skipped[:_SAMPLE]
        has_segments = has_segments or _SEGMENT.search(skipped) is not None
        window.drop(len(skipped))
        if found or is_last:
            break
    junk = Junk(offset=offset, end=window.offset, sample=sample, has_segments=has_segments)
    # Matched anew, so that positions count from where the window stands now.
    return (junk if sample else None), (start.match(window.look(longest)) if found else None)
