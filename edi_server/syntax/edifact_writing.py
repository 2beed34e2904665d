"""UN/EDIFACT, segments → bytes, with any separators and character set."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import msgspec

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place
from edi_server.syntax.charsets import OUTSIDE_LEVEL_A, OUTSIDE_LEVEL_B, codec_of
from edi_server.syntax.normal import STAND_INS, from_text, to_text
from edi_server.syntax.remarks import remark
from edi_server.syntax.separators import DEFAULT, Separators, objection

#: Stands between segments until all else is written; a control character is never data.
_END = "\x1e"
_OWN_MARKS = frozenset(STAND_INS.values()) | {_END}
#: What takes the place of a character that cannot be written at all: the dot is in every repertoire.
_SUBSTITUTE = "."
#: What Unicode's decomposition does not know.
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"} | dict.fromkeys("‘’", "'")
)
_PLAIN |= str.maketrans(dict.fromkeys("–—", "-") | dict.fromkeys("“”„", '"'))


class _Flaw(msgspec.Struct, frozen=True):
    """What is wrong with writing a character, and what is written instead."""

    code: str
    instead: str


def write_segments(
    segments: Sequence[str],
    separators: Separators = DEFAULT,
    charset: str = "UNOC",
    *,
    line_breaks: bool = False,
    lower_case: bool = False,
) -> tuple[bytes, list[Finding]]:
    """The bytes of segments in normal form, and what could not be said as it should.

    UNA is written in front of UNB where `separators.una` says so or nobody could read the interchange without.
    `line_breaks` puts CR LF behind each terminator. `lower_case` allows lower case letters in level A (UNOA), which
    most partners take.

    Raises `ConfigurationError` for separators that cannot work and for a character set that we do not know.
    """
    separators = _as_of_version(separators, segments)
    codec = _usable_codec(separators, charset)
    text = _END.join([*segments, ""])
    flaws = _flaws(text, separators, charset, lower_case=lower_case)
    findings = _findings(segments, flaws) if flaws else []
    text = text.translate({ord(mark): flaw.instead for mark, flaw in flaws.items()})
    end = separators.terminator + ("\r\n" if line_breaks and separators.terminator not in "\r\n" else "")
    text = text.translate(_table(separators, end))
    if separators.una or (text.startswith("UNB") and not _is_understood(separators)):
        text = separators.advice[:-1] + end + text
    return text.encode(codec), findings


def _as_of_version(separators: Separators, segments: Sequence[str]) -> Separators:
    """Without repetition separator where UNB says that the syntax version is older than 4, which has none."""
    if segments and segments[0].startswith("UNB+UNO"):
        identifier = segments[0].split("+")[1].split(":")
        if len(identifier) > 1 and identifier[1] < "4":
            return msgspec.structs.replace(separators, repetition=" ")
    return separators


def _usable_codec(separators: Separators, charset: str) -> str:
    codec = codec_of(charset)
    if codec is None:
        raise ConfigurationError(
            f"{charset!r} is no character set of UN/EDIFACT that we know; UNOC fits most partners."
        )
    reason = objection(separators)
    if reason is None and not separators.advice.isascii():
        reason = "they have to be ASCII"
    if reason:
        raise ConfigurationError(f"The service characters {separators.advice[3:]!r} cannot be used: {reason}.")
    return codec


def _is_understood(separators: Separators) -> bool:
    """True if a reader expects these separators without UNA."""
    marks = ("component", "element", "release", "terminator")
    return all(getattr(separators, mark) == getattr(DEFAULT, mark) for mark in marks)


def _table(separators: Separators, end: str) -> dict[int, str]:
    """Normal form → separators and released characters of the interchange."""
    special = _special(separators)

    def released(mark: str) -> str:
        return separators.release + mark if mark in special else mark

    table = {mark: released(mark) for mark in special | {"'"}}
    table |= {stand_in: released(mark) for mark, stand_in in STAND_INS.items()}
    table |= {"+": separators.element, ":": separators.component, _END: end}
    table["*"] = separators.repetition if separators.repetition != " " else "*"
    return {ord(mark): written for mark, written in table.items()}


def _special(separators: Separators) -> set[str]:
    """Characters that have to be released."""
    marks = {separators.component, separators.element, separators.terminator, separators.release, separators.repetition}
    return marks - {" "}


def _flaws(text: str, separators: Separators, charset: str, *, lower_case: bool) -> dict[str, _Flaw]:
    """The characters of the text that cannot be written as they are."""
    alphabet = set(text)
    flaws = {}
    for mark in alphabet - _OWN_MARKS:
        flaw = _flaw(mark, charset, lower_case=lower_case)
        if flaw:
            flaws[mark] = flaw
    if separators.release == " ":
        data = {STAND_INS.get(mark, mark) for mark in _special(separators)}
        flaws |= {mark: _Flaw("syntax.release-missing", " ") for mark in data & alphabet}
    if separators.repetition == " " and "*" in alphabet:
        flaws["*"] = _Flaw("syntax.repetition-missing", "*")
    return flaws


def _flaw(mark: str, charset: str, *, lower_case: bool) -> _Flaw | None:
    if unicodedata.category(mark) == "Cc":
        return _Flaw("syntax.control-character", " ")
    if _is_writable(mark, charset):
        return None
    if mark.isascii():
        # Level A and B leave these out, yet everybody can read them: an e-mail address without @ is none.
        code = "syntax.lower-case" if mark.islower() else "syntax.outside-level"
        return None if lower_case and mark.islower() else _Flaw(code, mark)
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", mark.translate(_PLAIN)) if not unicodedata.combining(part)
    )
    if plain and plain != mark and (plain.isascii() or all(_is_writable(part, charset) for part in plain)):
        return _Flaw("syntax.character-simplified", from_text(plain))
    return _Flaw("syntax.character-unwritable", _SUBSTITUTE)


def _is_writable(mark: str, charset: str) -> bool:
    if charset in ("UNOA", "IATA"):
        return not OUTSIDE_LEVEL_A.match(mark)
    if charset in ("UNOB", "IATB"):
        return not OUTSIDE_LEVEL_B.match(mark)
    try:
        mark.encode(codec_of(charset) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _findings(segments: Sequence[str], flaws: dict[str, _Flaw]) -> list[Finding]:
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
        tag=segment[:3],
        element=before.count("+"),
        repetition=element.count("*") + 1,
        component=element[element.rfind("*") + 1 :].count(":") + 1,
    )
