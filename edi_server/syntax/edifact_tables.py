"""The separators of one UN/EDIFACT interchange as tables for `bytes.translate` and the like; see `edifact_dialect`."""

from __future__ import annotations

from edi_server.syntax import normal
from edi_server.syntax.separators import Separators, as_bytes

#: Marks of our own within a working copy; the source's control characters have become SUBSTITUTE before these are set.
FILLER = b"\x00"
NEEDLESS = b"\x04"
RELEASE = b"\x06"
SUBSTITUTE = b"\x1a"
#: Bytes of data characters and of their stand-ins.
STAND_INS = {ord(mark): ord(stand_in) for mark, stand_in in normal.STAND_INS.items()}


def with_separators(level: bytes, separators: Separators) -> bytes:
    """The bytes of a level, and the separators; nothing if there are no bytes."""
    return level and level + b"".join(as_bytes(mark) for mark in separators.advice[3:])


def _roles(separators: Separators) -> dict[int, int]:
    """Byte of each separator → byte of its default form."""
    roles = {ord(separators.component): ord(":"), ord(separators.element): ord("+")}
    if separators.repetition != " ":
        roles[ord(separators.repetition)] = ord("*")
    terminator = as_bytes(separators.terminator)
    if len(terminator) == 1:
        roles[terminator[0]] = ord("'")
    return roles


def translation_table(separators: Separators) -> bytes:
    """Step 1 as a translation table."""
    table = bytearray(range(256))
    for control in (*range(0x20), 0x7F):
        table[control] = SUBSTITUTE[0]
    for byte in b"\t\r\n":
        table[byte] = byte
    for mark, stand_in in STAND_INS.items():
        table[mark] = stand_in
    for mark, default in _roles(separators).items():
        table[mark] = default
    if separators.release != " ":
        table[ord(separators.release)] = RELEASE[0]
    return bytes(table)


def unchanged(table: bytes, terminator: bytes) -> bytes:
    """The bytes that `Dialect.work` leaves alone."""
    several = terminator if len(terminator) > 1 else b""
    return bytes(byte for byte in range(256) if table[byte] == byte and byte not in several)


def _as_data(mark: int) -> int:
    """A service character where it is data; line breaks and control characters never are."""
    if mark in b"\r\n":
        return ord(" ")
    return STAND_INS.get(mark, mark) if mark > ord(" ") else SUBSTITUTE[0]


def pairs(separators: Separators, table: bytes) -> dict[int, int]:
    """Step 2: byte behind a release character, after step 1 → the data it stands for."""
    known = {stand_in: stand_in for stand_in in STAND_INS.values()}
    meant = [*_roles(separators), *([ord(separators.release)] if separators.release != " " else [])]
    known |= {table[mark]: _as_data(mark) for mark in meant}
    known.setdefault(ord("'"), STAND_INS[ord("'")])
    return known
