"""UN/EDIFACT, segments → bytes, with any separators and character set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.syntax.charsets import OUTSIDE_LEVEL_A, OUTSIDE_LEVEL_B, codec_of
from edi_server.syntax.flaws import END, flaws_in, tell, written
from edi_server.syntax.separators import DEFAULT, Separators, objection


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
    text = END.join([*segments, ""])
    flaws = flaws_in(text, separators, partial(_is_writable, charset), lower_case=lower_case)
    findings = tell(segments, flaws) if flaws else []
    text = text.translate({ord(mark): flaw.instead for mark, flaw in flaws.items()})
    end = separators.terminator + ("\r\n" if line_breaks and separators.terminator not in "\r\n" else "")
    text = text.translate(written(separators, end))
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


def _is_writable(charset: str, mark: str) -> bool:
    if charset in ("UNOA", "IATA"):
        return not OUTSIDE_LEVEL_A.match(mark)
    if charset in ("UNOB", "IATB"):
        return not OUTSIDE_LEVEL_B.match(mark)
    try:
        mark.encode(codec_of(charset) or "ascii")
    except UnicodeEncodeError:
        return False
    return True
