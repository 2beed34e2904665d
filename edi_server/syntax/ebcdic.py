"""EBCDIC, as mainframes send it: one byte a character, so that offsets stay what they are."""

from __future__ import annotations

import re

from edi_server.syntax.window import Window

#: Code pages in the order in which they are tried; they differ in `[ ] ! ^ |` and a few more.
EBCDIC = ("cp037", "cp500")
_ISA = re.compile(rb"[\x00\x15\x25\x40]*\xc9\xe2\xc1")
#: What ends a line there (NEL), and what code pages call it.
_NEW_LINE = 0x15
_PLAIN = re.compile(r"[\x20-\x7e\r\n\x15\x1c-\x1f]")


def code_page(head: bytes) -> str:
    """The code page of an X12 interchange in EBCDIC that begins with `head`; "" if it does not."""
    found = _ISA.match(head)
    if not found:
        return ""
    isa = head[found.end() - 3 : found.end() + 103]
    # The separators tell: those of the right page are in ASCII.
    return max(EBCDIC, key=lambda page: sum(map(_is_plain, isa.translate(_table(page)).decode("latin-1"))))


def _is_plain(mark: str) -> bool:
    return _PLAIN.match(mark) is not None


def recode(piece: bytes, page: str) -> bytes:
    """Bytes of that code page in Latin-1, as many."""
    return piece.translate(_table(page))


def _table(page: str) -> bytes:
    table = bytearray(bytes(range(256)).decode(page).encode("latin-1"))
    table[_NEW_LINE] = 0x0A
    return bytes(table)


class Recoded:
    """A stream in Latin-1 over a window that looks at EBCDIC."""

    def __init__(self, window: Window, page: str) -> None:
        self._window = window
        self._table = _table(page)

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        piece = self._window.look(size)
        self._window.drop(len(piece))
        return piece.translate(self._table)
