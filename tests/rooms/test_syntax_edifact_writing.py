"""Segments in normal form become bytes: any separators, any character set, and nothing lost without a word."""

import pytest

from edi_server.errors import ConfigurationError
from edi_server.syntax.edifact import write_segments
from edi_server.syntax.separators import Separators

SEGMENT = "FTX+AAI+++o\x03clock\x02 2\x012 ? 4\x05100"


def test_separators_in_the_text_are_released():
    content, findings = write_segments([SEGMENT], Separators(repetition=" "))
    assert content == b"FTX+AAI+++o?'clock?: 2?+2 ?? 4*100'"
    assert findings == []


def test_the_repetition_separator_is_released_where_there_is_one():
    assert write_segments(["FTX+a*b\x05c"])[0] == b"FTX+a*b?*c'"


@pytest.mark.parametrize(("version", "written"), [("1", b"a*b"), ("3", b"a*b"), ("4", b"a?*b")])
def test_before_version_4_an_asterisk_is_text(version, written):
    content, findings = write_segments([f"UNB+UNOC:{version}+S+R", "FTX+a\x05b"])
    assert content.endswith(b"FTX+" + written + b"'")
    assert findings == []


def test_other_separators_are_used_and_announced():
    separators = Separators(component=";", element="|", release="\\", repetition="^", terminator="~")
    content, findings = write_segments(["UNB+UNOC:4+S+R", "FTX+a\x01b:c|d\\e\x03*f;~^"], separators)
    assert content == b"UNA;|.\\^~UNB|UNOC;4|S|R~FTX|a+b;c\\|d\\\\e'^f\\;\\~\\^~"
    assert findings == []


@pytest.mark.parametrize(
    ("separators", "announced"),
    [
        (Separators(), False),
        (Separators(una=True), True),
        (Separators(decimal=","), False),
        (Separators(release=" "), True),
    ],
)
def test_una_is_written_where_asked_for_or_needed(separators, announced):
    content, _ = write_segments(["UNB+UNOC:3+S+R"], separators)
    assert content.startswith(b"UNA") is announced
    if announced:
        assert content[3:9] == f":+.{separators.release} '".encode()


def test_line_breaks_stand_behind_terminators():
    content, _ = write_segments(["UNB+UNOC:3+S+R", "UNZ+0+1"], Separators(una=True), line_breaks=True)
    assert content == b"UNA:+.? '\r\nUNB+UNOC:3+S+R'\r\nUNZ+0+1'\r\n"


def test_a_line_break_as_terminator_is_written_once():
    content, _ = write_segments(["UNZ+0+1"], Separators(terminator="\n"), line_breaks=True)
    assert content == b"UNZ+0+1\n"


@pytest.mark.parametrize(
    ("charset", "text", "encoding"),
    [
        ("UNOC", "Grüße", "iso8859-1"),
        ("UNOD", "Łódź", "iso8859-2"),
        ("UNOE", "Москва", "iso8859-5"),
        ("UNOF", "Αθήνα", "iso8859-7"),
        ("UNOY", "北京", "utf-8"),
    ],
)
def test_text_is_encoded_as_the_interchange_declares(charset, text, encoding):
    content, findings = write_segments([f"FTX+{text}"], charset=charset)
    assert content == b"FTX+" + text.encode(encoding) + b"'"
    assert findings == []


@pytest.mark.parametrize(
    ("charset", "text", "written", "code", "severity"),
    [
        ("UNOC", "Łódź", b"L\xf3dz", "syntax.character-simplified", "warning"),
        ("UNOA", "É", b"E", "syntax.character-simplified", "warning"),
        ("UNOB", "Straße", b"Strasse", "syntax.character-simplified", "warning"),
        ("UNOC", "it’s", b"it?'s", "syntax.character-simplified", "warning"),
        ("UNOC", "ﬁ", b"fi", "syntax.character-simplified", "warning"),
        ("UNOC", "北", b".", "syntax.character-unwritable", "error"),
        ("UNOC", "\ufffd", b".", "syntax.character-unwritable", "error"),
        ("UNOY", "\ud800", b".", "syntax.character-unwritable", "error"),
        ("UNOC", "a\nb", b"a b", "syntax.control-character", "warning"),
        ("UNOA", "Lower", b"Lower", "syntax.lower-case", "warning"),
        ("UNOA", "A@B", b"A@B", "syntax.outside-level", "warning"),
        ("UNOB", "a_b", b"a_b", "syntax.outside-level", "warning"),
    ],
)
def test_what_a_character_set_cannot_say_is_written_as_well_as_it_goes_with_a_finding(
    charset, text, written, code, severity
):
    content, (finding,) = write_segments(["BGM+220", f"FTX+AAI+++A:{text}"], charset=charset)
    assert content == b"BGM+220'FTX+AAI+++A:" + written + b"'"
    assert (finding.code, finding.severity) == (code, severity)
    place = finding.place
    assert (place.segment, place.tag, place.element, place.component) == (2, "FTX", 4, 2)


def test_lower_case_in_level_a_may_be_agreed():
    assert write_segments(["FTX+lower"], charset="UNOA", lower_case=True) == (b"FTX+lower'", [])


def test_without_release_character_a_separator_in_the_text_is_lost_with_an_error():
    content, (finding,) = write_segments(["FTX+a\x01b?"], Separators(release=" "))
    assert content == b"FTX+a b?'"
    assert (finding.code, finding.severity, finding.found) == ("syntax.release-missing", "error", "+")


def test_without_repetition_separator_a_repetition_is_an_error():
    _, (finding,) = write_segments(["UNB+UNOC:3+S+R", "FTX+a*b"])
    assert (finding.code, finding.severity) == ("syntax.repetition-missing", "error")
    assert (finding.place.segment, finding.place.repetition) == (2, 1)


@pytest.mark.parametrize(
    ("separators", "charset", "reason"),
    [
        (Separators(), "UNOZ", "UNOZ"),
        (Separators(), "", "character set"),
        (Separators(element=":"), "UNOC", "is both"),
        (Separators(terminator="’"), "UNOY", "ASCII"),
    ],
)
def test_what_nobody_could_write_is_an_error_of_the_configuration(separators, charset, reason):
    with pytest.raises(ConfigurationError, match=reason):
        write_segments(["BGM+220"], separators, charset)


def test_nothing_is_written_for_no_segments():
    assert write_segments([]) == (b"", [])
