"""X12 bytes become segments in normal form: separators, odd ends of ISA, wraps, comments, binary data, EBCDIC."""

import pytest
from edifact_samples import names
from x12_samples import (
    GE,
    GS,
    IEA,
    ISA,
    ISA_5,
    ORDER,
    ORDERS,
    body,
    codes,
    findings,
    header_of,
    messages,
    opened,
    the,
    wrapped,
)

from edi_server.syntax.normal import to_text


def separators_of(content):
    used = header_of(content).header.separators
    return used.element, used.component, used.repetition, used.terminator


def test_segments_come_in_normal_form():
    assert body(wrapped("REF*DP*038", "SLN*1>2")) == ["REF+DP+038", "SLN+1:2"]


def test_what_is_a_separator_in_normal_form_and_data_here_becomes_a_stand_in():
    (segment,) = body(wrapped("MSG*o'clock: 2+2"))
    assert segment.count("+") == 1
    assert to_text(segment.split("+")[1]) == "o'clock: 2+2"
    assert messages(wrapped("MSG*2+2"))[0].released
    assert not messages(ORDERS)[0].released


@pytest.mark.parametrize("element", ["|", "~", "^", "\x1d", "\x7f", "+"])
def test_the_byte_behind_the_tag_separates_elements(element):
    content = wrapped("REF*DP*038").decode().replace("~", "!").replace("*", element)
    assert body(content) == ["REF+DP+038"]
    assert separators_of(content)[0] == element


@pytest.mark.parametrize(
    "terminator",
    [
        "\n",
        "\r",
        "\r\n",
        "\x15",
        "\x1c",
        "\x1d",
        "!",
        "\\",
        "|",
        "}",
        "^",
        ".",
        "'",
        '"',
        "$",
        "~\r\n",
        "~\n",
        "…",
        "¦",
    ],
)
def test_what_stands_behind_isa16_terminates_segments(terminator):
    content = wrapped("REF*DP*038").decode().replace("~", terminator).encode()
    assert body(content) == ["REF+DP+038"]
    assert codes(content) == []


def test_a_terminator_beyond_ascii_may_be_one_byte():
    content = wrapped("REF*DP*038").decode().replace("~", "\x85").encode("latin-1")
    assert body(content) == ["REF+DP+038"]
    assert separators_of(content)[3] == "\x85"


@pytest.mark.parametrize("component", ["¦", "🚀"])
def test_a_component_separator_may_have_several_bytes(component):
    content = wrapped("SLN*1>2*3").decode().replace(">", component).encode()
    assert body(content) == ["SLN+1:2+3"]
    assert messages(content)[0].offsets[1] == content.index(b"SLN")
    assert codes(content) == []


def test_offsets_are_those_of_the_bytes():
    content = wrapped("REF*DP*038", "N1*BY*Müller").replace(b"~", b"~\r\n")
    message = messages(content)[0]
    assert [content[at : at + 2] for at in message.offsets[:-1]] == [b"ST", b"RE", b"N1", b"SE"]
    assert message.offsets[-1] == content.index(b"GE*") - 2


# ISA


def test_isa_may_have_lost_its_blanks():
    content = ORDERS.replace("          ", "").replace("         ", "").replace("       ", "")
    assert header_of(content).header.sender.id == "SENDER"
    finding = the("envelope.isa-length", content)
    assert (finding.severity, finding.place.element) == ("note", 2)
    assert len(messages(content)) == 1


@pytest.mark.parametrize("width", [79, 80])
def test_isa_may_be_wrapped(width):
    lines = [ORDERS[at : at + width] for at in range(0, len(ORDERS), width)]
    content = "\r\n".join(lines)
    assert header_of(content).header.control_reference == "000000071"
    assert messages(content)[0].segments == messages(ORDERS)[0].segments
    assert {finding.severity for finding in findings(content)} == {"note"}


def test_isa_may_be_wrapped_where_lines_terminate_segments():
    content = (ISA[:60] + "\n" + ISA[60:] + GS + ORDER + GE + IEA).replace("~", "\n")
    assert header_of(content).header.control_reference == "000000071"
    assert messages(content)[0].segments == messages(ORDERS)[0].segments


def test_isa16_may_be_missing_and_then_what_ends_the_lines_terminates():
    content = ORDERS.replace("*>~", "*~").replace("~", "~\n")
    assert messages(content)[0].segments == messages(ORDERS)[0].segments
    assert codes(content) == ["envelope.isa-incomplete"]


def test_isa_may_be_missing_its_terminator():
    content = ORDERS.replace("*>~", "*").replace("~", "~\n").replace("*P*", "*P*\n")
    assert messages(content)[0].segments == messages(ORDERS)[0].segments
    assert codes(content) == ["envelope.isa-incomplete"]


def test_isa_with_too_few_elements_names_the_byte_and_the_rest_is_read():
    content = ISA[:40] + "~" + GS + ORDER + GE + IEA
    finding = the("envelope.isa-incomplete", content)
    assert finding.found == "6 elements"
    assert 31 < finding.place.offset < 41
    assert codes(content) == ["envelope.isa-incomplete"]
    assert header_of(content).header.sender.id == ""
    assert len(messages(content)) == 1


def test_an_isa_at_the_end_of_the_data_is_an_empty_interchange():
    assert codes(ISA) == ["envelope.iea-missing", "envelope.interchange-empty"]


@pytest.mark.parametrize("repetition", ["^", "!", "|"])
def test_isa11_separates_repetitions_from_00402_on(repetition):
    content = wrapped("REF*A^B*C", isa=ISA_5).decode().replace("^", repetition)
    assert body(content) == ["REF+A*B+C"]
    assert codes(content) == []


def test_isa11_separates_repetitions_in_an_older_version_too_with_a_note():
    content = wrapped("REF*A^B*C", isa=ISA.replace("*U*", "*^*"))
    assert body(content) == ["REF+A*B+C"]
    assert codes(content) == ["envelope.isa-repetition"]
    assert (the("envelope.isa-repetition", content).found, separators_of(content)[2]) == ("^", "^")


def test_without_repetition_separator_nothing_repeats():
    content = wrapped("REF*A^B*C")
    assert body(content) == ["REF+A^B+C"]
    assert separators_of(content)[2] == " "


# between the segments


def test_indented_segments_and_blank_lines_are_read():
    content = ORDERS.replace("~", "~\r\n\r\n    ")
    assert messages(content)[0].segments == messages(ORDERS)[0].segments
    assert codes(content) == []


def test_a_line_break_in_a_segment_is_removed():
    content = wrapped("MSG*one\r\ntwo")
    assert body(content) == ["MSG+onetwo"]
    assert codes(content) == ["syntax.line-break-in-segment"]


@pytest.mark.parametrize("at", range(106, len(ORDERS)))
def test_a_line_break_may_stand_anywhere(at):
    content = ORDERS[:at] + "\r\n" + ORDERS[at:]
    assert messages(content)[0].segments == messages(ORDERS)[0].segments
    assert set(codes(content)) <= {"syntax.line-break-in-segment"}


def test_two_terminators_in_a_row_are_noted():
    assert codes(ORDERS.replace("BEG", "~BEG")) == ["syntax.segment-empty"]


@pytest.mark.parametrize("block_size", [65536, 64])
def test_comment_lines_are_left_out(block_size):
    content = (
        "// an order ~ of two~lines\n"
        + ISA
        + "// ISA\n"
        + GS
        + "\n  // GE*1*1~\n// ST*850~\n"
        + ORDER
        + "// end\n"
        + GE
        + IEA
    ).encode()
    events = opened(content, block_size=block_size)
    assert [event.header.type for event in events if type(event).__name__ == "MessageRead"] == ["850"]
    assert {finding.code for event in events for finding in event.findings} == {"syntax.comment"}
    assert names(events) == ["InterchangeOpened", "GroupOpened", "MessageRead", "GroupClosed", "InterchangeClosed"]


def test_slashes_in_data_are_data():
    assert body(wrapped("PER*IC*//WEB*http://a.example", "MSG*//x")) == ["PER+IC+//WEB+http\x02//a.example", "MSG+//x"]


def test_comments_are_left_out_where_lines_terminate_segments():
    content = ORDERS.replace("~", "\n").replace("BEG", "// comment\nBEG")
    assert messages(content)[0].segments == messages(ORDERS)[0].segments


# characters


@pytest.mark.parametrize(("codec", "read_as"), [("utf-8", "UTF-8"), ("latin-1", "Windows-1252")])
def test_characters_beyond_ascii_are_read_with_a_note(codec, read_as):
    content = wrapped("N1*BY*Müller GmbH").decode("latin-1").encode(codec)
    assert body(content) == ["N1+BY+Müller GmbH"]
    finding = the("syntax.charset-undeclared", content)
    assert finding.severity == "note"
    assert read_as in finding.sentence


def test_a_control_character_is_replaced():
    content = wrapped("MSG*a\x01b")
    assert body(content) == ["MSG+a\ufffdb"]
    assert codes(content) == ["syntax.control-character"]


def test_a_byte_order_mark_is_noted():
    assert codes(b"\xef\xbb\xbf" + ORDERS.encode()) == ["syntax.byte-order-mark"]


@pytest.mark.parametrize("page", ["cp037", "cp500"])
def test_ebcdic_is_translated_and_offsets_stay(page):
    plain = wrapped("REF*A^B*C!", "MSG*[x]", isa=ISA_5)
    content = plain.decode().encode(page)
    assert body(content) == body(plain)
    assert messages(content)[0].offsets == messages(plain)[0].offsets
    assert the("syntax.ebcdic", content).found == page
    assert header_of(content).header.charset == page


def test_new_lines_of_ebcdic_may_terminate():
    content = ORDERS.replace("~", "\x85").encode("cp037")
    assert content.count(b"\x15") == 7
    assert messages(content)[0].segments == messages(ORDERS)[0].segments


# binary data


@pytest.mark.parametrize("block_size", [65536, 64])
@pytest.mark.parametrize("head", ["BIN*{}*", "BDS*ASC*{}*"])
def test_binary_data_is_read_by_its_length_whatever_is_in_it(head, block_size):
    data = b"a~b*c>d'\r\n+:e\xff~SE*3*0001~" * 40
    content = wrapped("REF*1", head.format(len(data)) + data.decode("latin-1"), "REF*2")
    events = opened(content, block_size=block_size)
    (message,) = [event for event in events if type(event).__name__ == "MessageRead"]
    assert [segment[:3] for segment in message.segments] == ["ST+", "REF", head[:3], "REF", "SE+"]
    assert to_text(message.segments[2].split("+")[-1]).encode("latin-1") == data
    assert content[message.offsets[3] :].startswith(b"REF*2")
    assert [finding for event in events for finding in event.findings] == []


def test_binary_data_of_another_length_is_read_up_to_the_terminator():
    content = wrapped("BIN*4*abcdef", "REF*2")
    assert body(content) == ["BIN+4+abcdef", "REF+2"]
    assert (the("syntax.binary-length", content).severity, codes(content)) == ("error", ["syntax.binary-length"])


def test_binary_data_longer_than_a_segment_may_be_is_read():
    data = "x" * 200_000
    assert body(wrapped(f"BIN*{len(data)}*{data}", "REF*2")) == [f"BIN+{len(data)}+{data}", "REF+2"]


def test_binary_data_beyond_all_bounds_is_skipped(monkeypatch):
    monkeypatch.setattr("edi_server.syntax.x12.LARGEST_BINARY", 1000)
    content = wrapped("BIN*2000*" + "~" * 2000, "REF*2")
    assert body(content) == ["BIN+2000+", "REF+2"]
    assert codes(content) == ["syntax.binary-too-large"]


# the end


def test_data_that_ends_in_a_segment_names_the_byte():
    content = wrapped("REF*DP*038")
    cut = content[: content.index(b"038")]
    finding = the("syntax.unterminated", cut)
    assert finding.place.offset == content.index(b"REF")


def test_a_last_line_needs_no_terminator_where_lines_terminate():
    assert codes(ORDERS.replace("~", "\n").rstrip("\n")) == []
    assert codes(ORDERS.rstrip("~")) == ["syntax.last-terminator-missing"]


def test_a_segment_without_end_is_cut():
    content = wrapped("MSG*" + "x" * 100_000, "REF*2")
    assert codes(content) == ["syntax.segment-too-long"]
    assert body(content)[-1] == "REF+2"
