"""UN/EDIFACT, segments → bytes, with any separators and character set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.syntax.charsets import OUTSIDE, writing_codec
from edi_server.syntax.flaws import END, flaws_in, tell, written
from edi_server.syntax.separators import DEFAULT, INFORMATION_SEPARATORS, Separators, objection


def write_segments(
    segments: Sequence[str],
    separators: Separators = DEFAULT,
    charset: str = "UNOC",
    *,
    line_breaks: bool | str = False,
    lower_case: bool = False,
) -> tuple[bytes, list[Finding]]:
    """The bytes of segments in normal form, and what could not be said as it should.

    UNA is written in front of UNB where `separators.una` says so or nobody could read the interchange without.
    `line_breaks` puts a line break behind each terminator: CR LF, or the one given. `lower_case` allows lower case
    letters in level A (UNOA), which most partners take.

    Raises `ConfigurationError` for separators that cannot work and for a character set that we do not know.
    """
    version, encoding = _syntax_of(segments)
    if version and version < "4":
        # Repetitions came with version 4.
        separators = msgspec.structs.replace(separators, repetition=" ")
    codec = _usable_codec(separators, charset, encoding)
    text = END.join([*segments, ""])
    flaws = flaws_in(text, separators, partial(_is_writable, charset, codec), lower_case=lower_case)
    findings = tell(segments, flaws) if flaws else []
    text = text.translate({ord(mark): flaw.instead for mark, flaw in flaws.items()})
    line_break = "\r\n" if line_breaks is True else line_breaks or ""
    end = separators.terminator + (line_break if separators.terminator not in "\r\n" else "")
    text = text.translate(written(separators, end))
    if separators.una or (text.startswith("UNB") and not _is_understood(separators)):
        text = separators.advice[:-1] + end + text
    return text.encode(codec), findings


def _syntax_of(segments: Sequence[str]) -> tuple[str, str]:
    """0002 and 0133 of a UNB that keeps to a version of UN/EDIFACT's syntax, "" where there is none."""
    if not segments or not segments[0].startswith("UNB+UNO"):
        return "", ""
    _, version, _, encoding = [*segments[0].split("+")[1].split(":"), "", "", ""][:4]
    return version, encoding


def _usable_codec(separators: Separators, charset: str, encoding: str) -> str:
    codec = writing_codec(charset, encoding)
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
    expected = (DEFAULT, INFORMATION_SEPARATORS)
    return any(all(getattr(separators, mark) == getattr(known, mark) for mark in marks) for known in expected)


def _is_writable(charset: str, codec: str, mark: str) -> bool:
    if charset in OUTSIDE:
        return not OUTSIDE[charset].match(mark)
    try:
        encoded = mark.encode(codec)
    except UnicodeEncodeError:
        return False
    # Of ISO 2022, readers know ASCII and JIS X 0208, but not the yen sign and overline of JIS X 0201.
    return not encoded.startswith(b"\x1b(J")
