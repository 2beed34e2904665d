r"""The normal form of a segment: the one representation that all rooms behind the syntax work on.

A segment in normal form is a `str` without its terminator that always uses the separators of UN/EDIFACT's default
service string advice: `+` between elements, `:` between components, `*` between repetitions. A separator character
that is *data* (released in the source, or no separator there) is replaced by a stand-in of one character, so that
`str.split`, lengths and generated regular expressions are right without looking at release characters:

    source, default separators   FTX+AAI+++5 o?'clock?: 2?+2
    normal form                  FTX+AAI+++5 o\\x03clock\\x02: → every data separator is one stand-in

X12 has the same normal form, so that rooms behind the syntax need not know which of both it was:
`BEG*00*SA*4711**20261123~` becomes `BEG+00+SA+4711++20261123`, its component separator `:`, its repetition separator
`*`; a plus sign, colon, asterisk or apostrophe that is data there becomes a stand-in like any other.

Line breaks between and inside segments are gone, the character set is decoded, the decimal mark is a dot or comma as
written. `to_text` turns stand-ins back into what they stand for; `from_text` is its inverse.
"""

from __future__ import annotations

#: Data characters and their stand-ins. Control characters are legal nowhere in EDIFACT data (ISO 9735 annex A, X12.6
#: 3.3), so they are free for this; a source that contains them gets a finding and U+FFFD instead.
STAND_INS = {"+": "\x01", ":": "\x02", "'": "\x03", "*": "\x05"}

_TO_TEXT = str.maketrans({stand_in: character for character, stand_in in STAND_INS.items()})
_CONTROLS = {chr(code): " " for code in (*range(0x20), *range(0x7F, 0xA0))}
_FROM_TEXT = str.maketrans(_CONTROLS | STAND_INS)


def to_text(value: str) -> str:
    """The data that a piece of a segment in normal form stands for."""
    return value.translate(_TO_TEXT)


def from_text(text: str) -> str:
    """A piece of data as it stands in a segment in normal form. Line breaks and control characters become blanks."""
    return text.translate(_FROM_TEXT)


def is_released(piece: str) -> bool:
    """True if the piece contains stand-ins, so that `to_text` would change it."""
    return "\x01" in piece or "\x02" in piece or "\x03" in piece or "\x05" in piece
