"""Character sets of UN/EDIFACT: from bytes to text even where the interchange does not keep what it declared.

Sources: UNB 0001 as in the service code list of ISO 9735 version 4 (D.10A); repertoires of level A and B in ISO 9735
version 2 section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

#: UNB 0001 → codec. Level W and Y are ISO 10646, in practice always UTF-8. IATA's levels follow level A and B. Level X
#: is ISO 2022, of which Japanese is read (as EUC, once `unshifted`).
CODECS = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso8859-1",
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOL": "iso8859-15",
    "UNOW": "utf-8",
    "UNOX": "euc_jp",
    "UNOY": "utf-8",
    "IATA": "ascii",
    "IATB": "ascii",
}

#: UNB 0133 (syntax version 4) → codec, whatever the repertoire of 0001. The others cannot be, since UNB was legible.
ENCODINGS = {"1": "ascii", "4": "cp850", "7": "utf-8"}
#: What differs from `CODECS` in writing.
_WRITTEN = {"UNOX": "iso2022_jp"}

#: What level A and B cannot say, printable characters only (ISO 9735 version 2, 5.1 and 5.2).
OUTSIDE_LEVEL_A = re.compile(r"""[^A-Z0-9 .,\-()/=!"%&*;<>'+:?]""")
OUTSIDE_LEVEL_B = re.compile(r"""[^A-Za-z0-9 .,\-()/=!"%&*;<>'+:?]""")

#: Level → what lies outside it.
OUTSIDE = {"UNOA": OUTSIDE_LEVEL_A, "IATA": OUTSIDE_LEVEL_A, "UNOB": OUTSIDE_LEVEL_B, "IATB": OUTSIDE_LEVEL_B}

#: How a piece of bytes contradicts the declared character set.
Contradiction = Literal["utf-8", "windows-1252", "undefined"]

#: To JIS X 0208 and back to ASCII or JIS X 0201; text up to the next escape.
_SHIFT = re.compile(rb"\x1b(?P<set>\$[@B]|\([BJ])(?P<text>[^\x1b]*)")
SHIFT_LENGTH = 3
_TO_EUC = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))

_LATIN = {"iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-9", "iso8859-15"}
#: No ISO 8859 set has a character there, but nearly every text in UTF-8 or Windows-1252 has one.
_UPPER_CONTROLS = re.compile(rb"[\x80-\x9f]")
#: What UTF-8 text in a Latin script consists of when it has no byte from 80 to 9F; the sign that some program before us
#: put for what it could not read, and byte order marks, included.
_LATIN_TEXT = re.compile("[\x00-\x7f\u00a0-\u017f\u0218-\u021b\ufeff\ufffd]*\\Z")
_C1 = re.compile("[\u0080-\u009f]")
_UNREADABLE = re.compile("[\u0080-\u009f\ufffd]")
_ASCII = bytes(range(0x80))
#: What every character of UTF-8 that is not ASCII begins with.
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")


def codec_of(charset: str, encoding: str = "") -> str | None:
    """Python's codec of a character set as UNB 0001, and 0133 if there, name it; None if we do not know it."""
    return ENCODINGS.get(encoding) or CODECS.get(charset)


def repertoire(charset: str) -> bytes:
    """The bytes that a level of less than ASCII has, with those about which others remark: controls, and beyond ASCII.

    Nothing for a set that has all of ASCII.
    """
    outside = OUTSIDE.get(charset)
    if outside is None:
        return b""
    return bytes(
        byte
        for byte in range(256)
        if not (chr(byte).isascii() and chr(byte).isprintable() and outside.match(chr(byte)))
    )


def writing_codec(charset: str, encoding: str = "") -> str | None:
    """The codec in which to write what is read by `codec_of`."""
    return ENCODINGS.get(encoding) or _WRITTEN.get(charset) or CODECS.get(charset)


def unshifted(raw: bytes) -> bytes:
    """Bytes of level X (ISO 2022, Japanese) as so many bytes of EUC, blanks for the escape sequences.

    What stands between an escape sequence and the next is two bytes a character, each of which may look like a
    separator; in EUC they are above 7F.
    """
    return _SHIFT.sub(_unshift, raw)


def shifts(raw: bytes) -> Iterator[int]:
    """Where the escape sequences of level X stand, `SHIFT_LENGTH` bytes each."""
    return (match.start() for match in _SHIFT.finditer(raw))


def _unshift(match: re.Match[bytes]) -> bytes:
    text = match["text"]
    return b" " * SHIFT_LENGTH + (text.translate(_TO_EUC) if match["set"].startswith(b"$") else text)


def decode(piece: bytes, codec: str | None) -> tuple[str, Contradiction | None]:
    """Text of bytes that are not all ASCII; and as what they were read, if not as `codec` says.

    Each segment is judged alone, so the result does not depend on how the stream was cut. What is valid UTF-8 and
    hardly anything else is read as UTF-8, whatever was declared; other bytes outside the declared set as
    Windows-1252, which is what such senders use. What stays unreadable becomes U+FFFD.
    """
    if codec == "utf-8" or codec is None:
        return _decode_or_guess(piece, declared=codec is not None)
    if _is_surely_utf8(piece, codec):
        return _without_controls(piece.decode("utf-8")), "utf-8"
    if codec == "ascii" or (codec == "iso8859-1" and _UPPER_CONTROLS.search(piece)):
        return piece.decode("cp1252", "replace"), "windows-1252"
    text = _without_controls(piece.decode(codec, "replace"))
    return text, "undefined" if "\ufffd" in text else None


def decode_alike(pieces: bytes, codec: str | None) -> tuple[str, Contradiction | None] | None:
    """Text of many pieces at once, whatever ASCII character stands between them.

    None unless it is certain that `decode` says the same of each piece that is not all ASCII.
    """
    # Without the ASCII in between, more bytes are neighbours than really are: that errs on the side of None.
    upper = pieces.translate(None, _ASCII)
    if not upper:
        return pieces.decode("ascii"), None
    if _MULTIBYTE.search(upper):
        return _decode_alike_as_utf8(pieces, upper, codec)
    if codec in ("ascii", "utf-8", None):
        return pieces.decode("cp1252", "replace"), "windows-1252"
    if _UPPER_CONTROLS.search(upper):
        return None
    try:
        return pieces.decode(codec), None
    except UnicodeDecodeError:
        return None


def _decode_alike_as_utf8(pieces: bytes, upper: bytes, codec: str | None) -> tuple[str, Contradiction | None] | None:
    try:
        text, odd = pieces.decode("utf-8"), upper.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _UNREADABLE.search(odd):
        return None
    if codec in ("ascii", "utf-8", None):
        return text, None if codec == "utf-8" else "utf-8"
    return (text, "utf-8") if codec in _LATIN and _LATIN_TEXT.match(odd) else None


def _decode_or_guess(piece: bytes, *, declared: bool) -> tuple[str, Contradiction | None]:
    """UTF-8 was declared, or nothing that we know."""
    try:
        text = _without_controls(piece.decode("utf-8"))
    except UnicodeDecodeError:
        return piece.decode("cp1252", "replace"), "windows-1252"
    return text, None if declared else "utf-8"


def _is_surely_utf8(piece: bytes, codec: str) -> bool:
    """Valid UTF-8, and not by the chance that capital letters before a sign happen to be (`NESTLÉ®` in ISO 8859-1)."""
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if codec == "ascii" or _UPPER_CONTROLS.search(piece):
        return True
    return codec in _LATIN and _LATIN_TEXT.match(text) is not None


def _without_controls(text: str) -> str:
    return _C1.sub("\ufffd", text)
