"""Characters that cannot be written as they are: what is written instead, and what is said about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import msgspec

from edi_server.findings import Finding, Place
from edi_server.syntax.normal import STAND_INS, from_text, to_text
from edi_server.syntax.remarks import remark
from edi_server.syntax.separators import Separators

#: Stands between segments until all else is written; a control character is never data.
END = "\x1e"
_OWN_MARKS = frozenset(STAND_INS.values()) | {END}
#: What takes the place of a character that cannot be written at all: the dot is in every repertoire.
_SUBSTITUTE = "."
#: What Unicode's decomposition does not know.
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"} | dict.fromkeys("‘’", "'")
)
_PLAIN |= str.maketrans(dict.fromkeys("–—", "-") | dict.fromkeys("“”„", '"'))


#: True if the character set of the interchange has the character.
IsWritable = Callable[[str], bool]


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong with writing a character, and what is written instead."""

    code: str
    instead: str


def written(separators: Separators, end: str) -> dict[int, str]:
    """Normal form → separators and released characters of the interchange."""
    special = _special(separators)

    def released(mark: str) -> str:
        return separators.release + mark if mark in special else mark

    table = {mark: released(mark) for mark in special | {"'"}}
    table |= {stand_in: released(mark) for mark, stand_in in STAND_INS.items()}
    table |= {"+": separators.element, ":": separators.component, END: end}
    table["*"] = separators.repetition if separators.repetition != " " else "*"
    return {ord(mark): text for mark, text in table.items()}


def _special(separators: Separators) -> set[str]:
    """Characters that have to be released."""
    marks = {separators.component, separators.element, separators.terminator, separators.release, separators.repetition}
    return marks - {" "}


def flaws_in(
    text: str, separators: Separators, is_writable: IsWritable, *, lower_case: bool = False
) -> dict[str, Flaw]:
    """The characters of the text that cannot be written as they are."""
    alphabet = set(text)
    flaws = {}
    for mark in alphabet - _OWN_MARKS:
        flaw = _flaw(mark, is_writable, lower_case=lower_case)
        if flaw:
            flaws[mark] = flaw
    if separators.release == " ":
        data = {STAND_INS.get(mark, mark) for mark in _special(separators)}
        # What is written instead may be a separator, too: ’ becomes ' and ～ becomes ~.
        flaws = {mark: Flaw(flaw.code, _without(data, flaw.instead)) for mark, flaw in flaws.items()}
        flaws |= {mark: Flaw("syntax.release-missing", " ") for mark in data & alphabet}
    if separators.repetition == " " and "*" in alphabet:
        flaws["*"] = Flaw("syntax.repetition-missing", "*")
    return flaws


def _without(data: set[str], text: str) -> str:
    return "".join(" " if mark in data else mark for mark in text)


def _flaw(mark: str, is_writable: IsWritable, *, lower_case: bool) -> Flaw | None:
    if unicodedata.category(mark) == "Cc":
        return Flaw("syntax.control-character", " ")
    if is_writable(mark):
        return None
    if mark.isascii():
        # Level A and B leave these out, yet everybody can read them: an e-mail address without @ is none.
        code = "syntax.lower-case" if mark.islower() else "syntax.outside-level"
        return None if lower_case and mark.islower() else Flaw(code, mark)
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", mark.translate(_PLAIN)) if not unicodedata.combining(part)
    )
    if plain and plain != mark and (plain.isascii() or all(map(is_writable, plain))):
        return Flaw("syntax.character-simplified", from_text(plain))
    return Flaw("syntax.character-unwritable", _SUBSTITUTE)


def tell(segments: Sequence[str], flaws: dict[str, Flaw]) -> list[Finding]:
    """One finding for each segment and code, about the first such character."""
    findings: list[Finding] = []
    for number, segment in enumerate(segments, 1):
        seen: dict[str, Finding] = {}
        for position, mark in enumerate(segment):
            flaw = flaws.get(mark)
            if flaw and flaw.code not in seen:
                place = _place(number, segment, position)
                seen[flaw.code] = remark(flaw.code, place, found=to_text(mark), expected=to_text(flaw.instead))
        findings += seen.values()
    return findings


def _place(number: int, segment: str, position: int) -> Place:
    """Where a position in a segment in normal form is."""
    before = segment[:position]
    element = before[before.rfind("+") + 1 :]
    return Place(
        segment=number,
        tag=segment[:3].partition("+")[0],
        element=before.count("+"),
        repetition=element.count("*") + 1,
        component=element[element.rfind("*") + 1 :].count(":") + 1,
    )
