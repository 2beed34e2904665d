"""The interchange header of X12 (ISA) as bytes: which separators it announces or shows, and in what shape it came.

Source: X12.5, section 3.2: ISA is 106 bytes long, its 16 elements have fixed widths, the byte behind the tag is the
element separator, ISA16 the component separator, and what stands behind it the segment terminator; ISA11 is the
repetition separator from version 00402 on. Where blanks were collapsed or lines wrapped, the elements are counted.
"""

from __future__ import annotations

import codecs
import re

import msgspec

from edi_server.syntax.separators import Separators, objection

#: Of ISA01 to ISA16, in characters.
WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
LENGTH = 106
#: What X12 uses where nothing is announced; `>` and `~` are the most frequent, and rare as data.
X12_DEFAULT = Separators(component=">", element="*", terminator="~", release=" ", repetition=" ")
#: From this ISA12 on ISA11 is the repetition separator.
FIRST_WITH_REPETITION = "00402"

_BLANKS = " \t\r\n"
#: ISA and what follows it are looked for in so many bytes: blanks may be wider than one byte each.
_REACH = 512
#: What may stand behind ISA; a hard wrap may break even tags.
_FOLLOWERS = b"(?:%b)" % b"|".join(
    b"".join(b"%c[\r\n]{0,2}" % letter for letter in tag) for tag in (b"GS", b"TA1", b"ST", b"IEA", b"ISB")
)
_COMMENT = re.compile(r"//.*")
_VERSION = re.compile(r"00[2-8]\d\d\Z")


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What ISA, or the first segment where there is none, says about the interchange."""

    separators: Separators
    version: str = ""
    #: True if separators beyond ASCII stand in UTF-8.
    wide: bool = False
    #: Number of the first element of ISA that has not its width, or a line break in it; 0 if all are right.
    misshapen: int = 0
    #: Number of the elements, if it is not 16 or the last is not one character that can separate components.
    elements: int | None = None
    #: Bytes of ISA with its terminator, where looking for the terminator would not find its end; else 0.
    length: int = 0
    #: True if ISA11 names a separator before 00402, or none from there on.
    repetition_contradicts: bool = False


def read_isa(ahead: bytes) -> Announced:
    """What the ISA says that `ahead` begins with."""
    element = ahead[3:4]
    end, follower = _follower(ahead, element)
    head = ahead[: min(end, _REACH)]
    fields = head[4:].split(element)
    is_whole = len(fields) > 15
    tail = element.join(fields[15:]) if is_whole else fields[-1][-4:]
    text, wide = _text(tail if follower else tail[:8])
    component, terminator, is_right = (
        _marks(text, element.decode("latin-1"), follower) if is_whole else ("", _last(text, follower), False)
    )
    isa11, version = (_plain(fields[10]), _plain(fields[11])) if is_whole else ("", "")
    separators = _usable(element.decode("latin-1"), component, terminator, isa11)
    is_right = is_right and separators.component == component and separators.terminator == terminator
    return Announced(
        separators=separators,
        version=version,
        wide=wide,
        misshapen=_misshapen(fields[:15]) if is_whole else 0,
        elements=None if is_right else len(fields),
        length=end if is_whole and follower and _is_odd_end(fields[:15], tail, separators.terminator) else 0,
        repetition_contradicts=_VERSION.match(version) is not None
        and (separators.repetition != " ") != (version >= FIRST_WITH_REPETITION),
    )


def read_bare(ahead: bytes) -> Announced:
    """What a GS, ST or TA1 that came without ISA shows, being what `ahead` begins with."""
    tag = re.match(rb"[A-Z0-9]{2,3}", ahead)
    element = ahead[tag.end() : tag.end() + 1] if tag else b"*"
    mark = re.escape(element)
    terminator = rb"([^A-Za-z0-9 \t%b]|\xe2\x80\xa6)[ \t\r\n]*(?:ST|B[A-Z0-9]{1,2}|AK1|N1|SE)%b" % (mark, mark)
    shown = re.search(terminator, ahead)
    text, wide = _text(shown[1] if shown else b"\n" if b"\n" in ahead and b"~" not in ahead else b"~")
    return Announced(separators=_usable(element.decode("latin-1"), _shown_component(ahead, mark), text, ""), wide=wide)


def _follower(ahead: bytes, element: bytes) -> tuple[int, bytes]:
    """Where the segment behind ISA begins, and its first line; the end and nothing if none is seen."""
    mark = re.escape(element)
    following = re.search(rb"(?<![A-Za-z0-9%b])%b%b" % (mark, _FOLLOWERS, mark), ahead[4 : 4 + 2 * _REACH])
    if not following:
        return len(ahead), b""
    begin = following.start() + 4
    return begin, ahead[begin:].split(b"\n")[0].rstrip(b"\r \t")


def _text(piece: bytes) -> tuple[str, bool]:
    """As text, and true if that was UTF-8 beyond ASCII; the last character may be cut off."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(piece)
    except UnicodeDecodeError:
        return piece.decode("latin-1"), False
    return text, not text.isascii()


def _marks(text: str, element: str, follower: bytes) -> tuple[str, str, bool]:
    """Component separator and terminator in what stands from ISA16 to the next segment; true if it is just that."""
    solid = [mark for mark in _COMMENT.sub("", text) if mark not in _BLANKS]
    line_break = "\n" if "\n" in text else "\r" if "\r" in text else ""
    if len(solid) > 1:
        terminator = solid[-1] if solid[1] == element or solid[1].isalnum() else solid[1]
        return solid[0], terminator, set(solid[1:]) == {terminator} or not follower
    if solid and line_break and not _ends_with(follower, solid[0]):
        return solid[0], line_break, True
    if solid:
        return "", solid[0], False
    return "", _at_line_end(follower) or line_break or "~", False


def _is_odd_end(fields: list[bytes], tail: bytes, terminator: str) -> bool:
    """True if the first terminator does not stand behind ISA16, where it belongs."""
    marks = (terminator.encode("utf-8"), terminator.encode("latin-1", "replace"))
    return not any(mark in tail for mark in marks) or any(mark in field for field in fields for mark in marks)


def _last(text: str, follower: bytes) -> str:
    """The terminator of an ISA with too few elements."""
    return text.rstrip(_BLANKS)[-1:] or _at_line_end(follower) or "~"


def _ends_with(line: bytes, mark: str) -> bool:
    return line.endswith((mark.encode("utf-8"), mark.encode("latin-1", "replace")))


def _at_line_end(line: bytes) -> str:
    """What the line ends with if that can be a terminator."""
    last = line[-1:].decode("latin-1")
    return "" if last.isalnum() else last


def _usable(element: str, component: str, terminator: str, isa11: str) -> Separators:
    """Separators that can be told apart, as announced as far as possible."""
    for one in (component, X12_DEFAULT.component, ":", "<"):
        for repetition in (isa11 if len(isa11) == 1 and isa11.isascii() else " ", " "):
            separators = Separators(
                component=one, element=element, terminator=terminator, release=" ", repetition=repetition
            )
            if not objection(separators):
                return separators
    return msgspec.structs.replace(X12_DEFAULT, element=element if element not in ">~" else "*")


def _plain(field: bytes) -> str:
    """An element without line breaks and the blanks that fill it up."""
    return field.translate(None, b"\r\n").decode("latin-1").strip(_BLANKS)


def _misshapen(fields: list[bytes]) -> int:
    """Number of the first element that has not its width."""
    for number, (field, width) in enumerate(zip(fields, WIDTHS, strict=False), 1):
        if len(field) != width and len(_text(field)[0]) != width:
            return number
    return 0


def _shown_component(ahead: bytes, mark: bytes) -> str:
    """`:` where a qualifier and its value are joined by it and nowhere a `>` is to be seen."""
    joined = re.search(rb"%b[A-Z0-9]{2}:[A-Z0-9]+[:%b]" % (mark, mark), ahead)
    return ":" if joined and b">" not in ahead else X12_DEFAULT.component
