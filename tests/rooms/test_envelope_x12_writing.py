"""X12 envelopes are written by the standard, and what cannot be said is told."""

import io
from itertools import pairwise

import pytest
from msgspec.structs import replace

from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader, MessageRead
from edi_server.envelope.x12 import open_x12
from edi_server.envelope.x12_writing import close_group, close_interchange, close_message, wrap_x12
from edi_server.errors import ConfigurationError
from edi_server.syntax.normal import from_text
from edi_server.syntax.separators import Separators
from edi_server.syntax.x12_isa import WIDTHS
from edi_server.syntax.x12_writing import free_separators, write_x12_segments, x12_separators

MESSAGE = MessageHeader(reference="0001", type="850")
GROUP = GroupHeader(
    message_type="PO",
    sender=Identity(id="SND"),
    recipient=Identity(id="RCV"),
    control_reference="7",
    date="20261123",
    time="1405",
    agency="X",
    version="004010",
)


def header(version="00401", **fields):
    return InterchangeHeader(
        **{
            "syntax": "x12",
            "charset": "",
            "syntax_version": version,
            "sender": Identity(id="SENDER", qualifier="ZZ"),
            "recipient": Identity(id="RECEIVER", qualifier="01"),
            "date": "261123",
            "time": "1405",
            "control_reference": "71",
            "separators": x12_separators(version),
        }
        | fields
    )


def written(*segments, options=None, **fields):
    content, findings = wrap_x12(header(**fields), [(GROUP, [close_message(MESSAGE, segments)])], **(options or {}))
    return content, findings


def test_an_interchange_is_written():
    content, findings = written("BEG+00+SA+PO-1++20261123", "SLN+1:2")
    assert content == (
        b"ISA*00*          *00*          *ZZ*SENDER         *01*RECEIVER       *261123*1405*U*00401*000000071*0*P*>~"
        b"GS*PO*SND*RCV*20261123*1405*7*X*004010~ST*850*0001~BEG*00*SA*PO-1**20261123~SLN*1>2~SE*4*0001~GE*1*7~"
        b"IEA*1*000000071~"
    )
    assert findings == []


def test_counts_are_those_of_what_is_there():
    message = close_message(MESSAGE, ["BEG+00"])
    group = close_group(GROUP, [message, message])
    assert message == ["ST+850+0001", "BEG+00", "SE+3+0001"]
    assert group[-1] == "GE+2+7"
    segments = close_interchange(header(), [["TA1+000000070+261122+1200+A+000"], group, group])
    assert segments[1].startswith("TA1+")
    assert segments[-1] == "IEA+2+000000071"


@pytest.mark.parametrize(
    ("version", "association", "segment", "opening"),
    [
        ("005010", "X231A1", "", "ST+999+1+005010X231A1"),
        ("004010", "X098A1", "", "ST+999+1"),
        ("005010", "VICS", "", "ST+999+1"),
        ("005010", "X231A1", "ST+999+9", "ST+999+1"),
        ("005010", "", "ST+999+9+005010X231A1", "ST+999+1+005010X231A1"),
    ],
)
def test_st_names_the_convention_where_there_is_one(version, association, segment, opening):
    named = MessageHeader(reference="1", type="999", version=version, association=association, segment=segment)
    assert close_message(named, [])[0] == opening


@pytest.mark.parametrize("version", ["00200", "00401", "00402", "00501", "00801"])
def test_isa_is_106_bytes_long(version):
    content, _ = written("BEG+00", version=version)
    fields = content[:105].decode().split("*")[1:]
    assert [len(field) for field in fields] == list(WIDTHS)
    assert content[105:109] == b"~GS*"
    assert fields[10] == ("U" if version < "00402" else "^")


def test_isa_says_test_and_whether_an_acknowledgment_is_wanted():
    content, _ = written(test=True, acknowledgment_requested=True)
    assert content[98:105] == b"1*1*T*>"


def test_a_value_too_long_for_isa_is_cut_with_an_error():
    content, (finding,) = written(sender=Identity(id="A-SENDER-OF-16-C", qualifier="ZZ"))
    assert content[105:106] == b"~"
    assert (finding.code, finding.severity, finding.place.element) == ("envelope.isa-unwritable", "error", 6)
    assert (finding.found, finding.expected) == ("A-SENDER-OF-16-C", "15 characters at most")


def test_what_isa_said_of_authorization_is_written_again():
    segment = "ISA+03+LOGIN     +01+SECRET    +ZZ+A              +ZZ+B              +261123+1405+U+00401+1+0+P+:"
    content, _ = written(segment=segment)
    assert content.startswith(b"ISA*03*LOGIN     *01*SECRET    *ZZ*SENDER ")


def test_separators_are_those_of_the_header():
    used = Separators(element="|", component="\\", repetition="}", terminator="\n", release=" ")
    content, findings = written("REF+A*B+C:D", version="00501", separators=used)
    assert b"\nREF|A}B|C\\D\n" in content
    assert content[82:84] == b"}|"
    assert findings == []


def test_a_separator_in_the_text_becomes_a_blank_with_an_error():
    content, (finding,) = written(from_text("MSG").strip() + "+" + from_text("5>4 2*2 a~b +:'"))
    assert b"MSG*5 4 2 2 a b +:'~" in content
    assert (finding.code, finding.severity) == ("syntax.release-missing", "error")
    assert (finding.place.tag, finding.place.element) == ("MSG", 1)


def test_other_separators_can_be_chosen_for_those_that_are_data():
    segments = ["MSG+" + from_text("5>4 2*2 a~b"), "REF+A*B:C"]
    separators = free_separators(x12_separators("00501"), segments)
    marks = [separators.element, separators.component, separators.repetition, separators.terminator]
    assert not set(marks) & set("5>4 2*2 a~b")
    assert len(set(marks)) == 4
    content, findings = write_x12_segments(segments, separators)
    assert findings == []
    assert b"5>4 2*2 a~b" in content
    assert free_separators(separators, segments) == separators


def test_a_repetition_without_separator_for_it_is_told():
    content, (finding,) = written("REF+A*B")
    assert b"REF*A B~" in content
    assert finding.code == "syntax.repetition-missing"


@pytest.mark.parametrize(
    ("repertoire", "text", "instead", "codes"),
    [
        ("extended", "Müller € №", "Muller . No", ["syntax.character-simplified", "syntax.character-unwritable"]),
        ("latin-1", "Müller", "Müller", []),
        ("utf-8", "Müller €", "Müller €", []),
        ("basic", "ABC (1)", "ABC (1)", []),
        ("basic", "Abc#", "Abc#", ["syntax.lower-case", "syntax.outside-level"]),
    ],
)
def test_the_repertoire_decides_what_is_written(repertoire, text, instead, codes):
    content, findings = written(f"MSG+{text}", options={"repertoire": repertoire})
    assert f"MSG*{instead}~".encode("latin-1" if repertoire == "latin-1" else "utf-8") in content
    assert [finding.code for finding in findings] == codes


def test_lines_are_broken_if_wanted():
    content, _ = written("BEG+00", options={"line_breaks": True})
    assert all(line.endswith(b"~") for line in content.removesuffix(b"\r\n").split(b"\r\n"))
    assert content.count(b"\r\n") == 7


def test_binary_data_is_written_as_it_was_read():
    data = bytes(byte for byte in range(256) if byte not in (1, 2, 3, 5))
    raw, _ = written("REF+1")
    raw = raw.replace(b"REF*1~SE*3", b"REF*1~BIN*%d*%b~BDS*ASC*4*a~b*~SE*5" % (len(data), data))
    (message,) = [event for event in open_x12(io.BytesIO(raw)) if isinstance(event, MessageRead)]
    again, findings = wrap_x12(header(), [(GROUP, [message.segments])])
    assert again == raw
    assert findings == []


@pytest.mark.parametrize(
    "used",
    [
        Separators(),
        Separators(element="*", component="*", terminator="~", release=" ", repetition=" "),
        Separators(element="A", component=">", terminator="~", release=" ", repetition=" "),
    ],
)
def test_separators_that_cannot_work_are_refused(used):
    with pytest.raises(ConfigurationError, match="cannot be used"):
        write_x12_segments(["REF+1"], used)


def test_what_is_written_is_read_again():
    content, _ = written("BEG+00+SA+PO-1++20261123", "REF+A*B+C:D", version="00501")
    events = list(open_x12(io.BytesIO(content)))
    (message,) = [event for event in events if isinstance(event, MessageRead)]
    assert [finding for event in events for finding in event.findings] == []
    assert message.segments[1:-1] == ["BEG+00+SA+PO-1++20261123", "REF+A*B+C:D"]
    assert all(one < other for one, other in pairwise(message.offsets))


@pytest.mark.parametrize(
    ("data", "separators", "written"),
    [
        ("Men\u2019s", Separators(release=" ", element="*", component=">", terminator="'"), b"NTE**Men s'"),
        ("a\uff5eb\uff0ac", replace(x12_separators("00401")), b"NTE**a b c~"),
    ],
)
def test_a_character_that_becomes_a_separator_becomes_a_blank(data, separators, written):
    separators = replace(separators, repetition=" ")
    assert write_x12_segments([f"NTE++{data}"], separators)[0] == written
