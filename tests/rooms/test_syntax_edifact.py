"""EDIFACT bytes become segments in normal form, whatever the sender made of the syntax."""

import io
import tracemalloc

import pytest
from edifact_samples import UNB, UNZ, body, codes, findings, header_of, messages, opened, the, wrapped

from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import InterchangeClosed, MessageRead
from edi_server.syntax.edifact import SegmentReader, Window, dialect, find_start, locate
from edi_server.syntax.normal import from_text, is_released, to_text
from edi_server.syntax.separators import INFORMATION_SEPARATORS, Separators, objection

V4 = UNB.replace("UNOC:3", "UNOC:4").replace(":261123", ":20261123").replace("+261123", "+20261123")


def test_a_plain_message_keeps_its_segments_and_offsets():
    content = wrapped("BGM+220+PO-1+9", "LIN+1++4000001000012:EN")
    (message,) = messages(content)
    assert message.segments == [
        "UNH+1+ORDERS:D:96A:UN",
        "BGM+220+PO-1+9",
        "LIN+1++4000001000012:EN",
        "UNT+4+1",
    ]
    starts = [content.index(segment.encode()) for segment in message.segments]
    assert message.offsets == [*starts, content.index(b"UNZ")]
    assert not message.released
    assert codes(content) == []


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("FTX+AAI+++o?'clock", "FTX+AAI+++o\x03clock"),
        ("FTX+AAI+++2?+2?:4", "FTX+AAI+++2\x012\x024"),
        ("FTX+AAI+++really??", "FTX+AAI+++really?"),
        ("FTX+AAI+++???'", "FTX+AAI+++?\x03"),
        ("FTX+AAI+++????+A", "FTX+AAI+++??+A"),
        ("FTX+AAI+++4*100 mm", "FTX+AAI+++4\x05100 mm"),
        ("FTX+AAI+++?*", "FTX+AAI+++\x05"),
    ],
)
def test_released_separators_are_data(raw, normal):
    assert body(wrapped(raw)) == [normal]
    assert codes(wrapped(raw)) == []


def test_only_a_message_with_stand_ins_is_marked_as_released():
    content = (
        f"{UNB}UNH+1+A:D:96A:UN'UNT+2+1'UNH+2+A:D:96A:UN'FTX+?+'UNT+3+2'UNH+3+A:D:96A:UN'FTX+??'UNT+3+3'UNZ+3+7001'"
    )
    assert [message.released for message in messages(content)] == [False, True, False]


def test_a_needless_release_character_is_dropped_and_remarked_on():
    content = wrapped("FTX+AAI+++urgent?Call me")
    assert body(content) == ["FTX+AAI+++urgentCall me"]
    finding = the("syntax.release-needless", content)
    assert content[finding.place.offset :].startswith(b"?Call")
    assert finding.found == "urgent?Call me"
    assert (finding.place.segment, finding.place.element, finding.place.component) == (2, 4, 1)


@pytest.mark.parametrize(
    ("una", "replacements"),
    [
        ("UNA:+.? '", {}),
        ("UNA:+,? '", {}),
        ("UNA;|.\\ ~", {":": ";", "+": "|", "'": "~"}),
        ("UNA:+.? \n", {"'": "\n"}),
        ("UNA:+.? \r", {"'": "\r\n"}),
        ("UNA:+.? \n", {"'": "\r\n"}),
        ("UNA\x1f\x1d.\x1e \x1c", {":": "\x1f", "+": "\x1d", "'": "\x1c"}),
    ],
)
def test_any_service_characters_give_the_same_segments(una, replacements):
    content = wrapped("BGM+220+PO-1+9", "LIN+1++4000001000012:EN").decode()
    for default, other in replacements.items():
        content = content.replace(default, other)
    (message,) = messages(una + content)
    assert message.segments[1:] == ["BGM+220+PO-1+9", "LIN+1++4000001000012:EN", "UNT+4+1"]
    assert codes(una + content) == []
    assert header_of(una + content).header.separators.una
    assert header_of(una + content).header.separators.decimal == una[5]


def test_default_separators_are_data_where_others_are_announced():
    raw = "UNA;|.\\*~" + "UNB|UNOC;4|A|B|20261123;1405|1~UNH|1|A;D;96A;UN~FTX|A+B:C'D*E*\\|F\\\\~UNT|3|1~UNZ|1|1~"
    assert body(raw) == ["FTX+A\x01B\x02C\x03D*E*|F\\"]
    assert codes(raw) == []


def test_a_blank_release_character_means_that_there_is_none():
    raw = "UNA:+.  '" + wrapped("FTX+AAI+++what? ", "FTX+AAI+++why?").decode()
    assert body(raw) == ["FTX+AAI+++what? ", "FTX+AAI+++why?"]
    assert codes(raw) == []


def test_elements_repeat_from_version_4_on_and_never_before():
    assert body(wrapped("FTX+A*B?*C", unb=V4)) == ["FTX+A*B\x05C"]
    assert body(wrapped("FTX+A*B?*C")) == ["FTX+A\x05B\x05C"]
    assert body("UNA:+.?*'" + wrapped("FTX+A*B").decode()) == ["FTX+A\x05B"]
    assert body("UNA:+.?^'" + wrapped("FTX+A^B*C", unb=V4).decode()) == ["FTX+A*B\x05C"]


def test_a_version_4_interchange_with_a_blank_in_una_repeats_nothing():
    raw = "UNA:+.? '" + wrapped("FTX+A*B", unb=V4).decode()
    assert body(raw) == ["FTX+A\x05B"]
    assert header_of(raw).header.separators.repetition == " "


@pytest.mark.parametrize(
    "una",
    ["UNA++.? '", "UNA:'.? '", "UNA:+.+ '", "UNAA+.? '", "UNA:+.?'", "UNA:+. '"],
)
def test_a_service_string_advice_that_cannot_be_is_not_believed(una):
    raw = una + wrapped("BGM+220").decode()
    assert body(raw) == ["BGM+220"]
    assert codes(raw) == ["syntax.una-malformed"]
    assert the("syntax.una-malformed", raw).place.offset == 0


@pytest.mark.parametrize("una", ["UNA:+.?+'", "UNA:+.?*'", "UNA:+.?A'", "UNA:+.?:'"])
def test_up_to_version_3_anything_may_stand_in_the_reserved_place_of_the_service_string_advice(una):
    raw = una + wrapped("BGM+220").decode()
    assert body(raw) == ["BGM+220"]
    assert codes(raw) == []


def test_a_service_string_advice_that_lost_its_blank_before_a_line_break_is_understood():
    raw = "UNA:+.?'\n" + wrapped("BGM+220").decode().replace("'", "'\n")
    assert body(raw) == ["BGM+220"]
    assert codes(raw) == ["syntax.una-malformed"]


@pytest.mark.parametrize(
    ("replacements", "used"),
    [
        ({"+": "|", ":": ";", "'": "~"}, "| ; ~"),
        ({"'": "\n"}, "+ : \n"),
        ({"'": "’"}, "+ : ’"),
        ({"'": "~\r\n"}, "+ : ~"),
    ],
)
def test_separators_that_nobody_announced_are_recognised_with_a_finding(replacements, used):
    raw = wrapped("BGM+220+PO-1+9", "FTX+AAI+++text").decode()
    for default, other in replacements.items():
        raw = raw.replace(default, other)
    assert body(raw) == ["BGM+220+PO-1+9", "FTX+AAI+++text"]
    assert the("syntax.separators-undeclared", raw).found == used
    assert set(codes(raw)) <= {"syntax.separators-undeclared"}


def test_level_b_may_use_information_separators_unannounced():
    raw = wrapped("FTX+why?").decode().replace("UNOC:3", "UNOB:1")
    raw = raw.replace("+", "\x1d").replace(":", "\x1f").replace("'", "\x1c")
    assert body(raw) == ["FTX+why?"]
    assert header_of(raw).header.separators == INFORMATION_SEPARATORS
    assert codes(raw) == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\n\n  \t", " "])
def test_line_breaks_and_indentation_between_segments_are_harmless(line_break):
    plain = wrapped("BGM+220+PO-1+9", "FTX+AAI+++text").decode()
    raw = plain.replace("'", f"'{line_break}")
    (message,) = messages(raw)
    assert message.segments == messages(plain)[0].segments
    assert all(
        raw[offset:].startswith(segment) for offset, segment in zip(message.offsets, message.segments, strict=False)
    )
    assert codes(raw) == []


@pytest.mark.parametrize("width", [7, 35, 80])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_hard_wrap_at_any_column_is_undone(width, line_break):
    segments = ["FTX+AAI+++o?'clock???' and a longer text that goes on", "LIN+1++4000001000012:EN", "QTY+21:5"]
    plain = wrapped(*segments).decode() * 2
    raw = line_break.join(plain[at : at + width] for at in range(0, len(plain), width))
    assert [message.segments for message in messages(raw)] == [message.segments for message in messages(plain)]
    assert set(codes(raw)) == {"syntax.line-break-in-segment"}
    assert {finding.severity for finding in findings(raw)} == {"note"}
    assert all(raw[finding.place.offset] in "\r\n" for finding in findings(raw))


@pytest.mark.parametrize(
    ("charset", "text", "encoding"),
    [
        ("UNOA", "PLAIN", "ascii"),
        ("UNOB", "Plain", "ascii"),
        ("UNOC", "Grüße aus Köln", "iso8859-1"),
        ("UNOC", "NESTLÉ®", "iso8859-1"),
        ("UNOD", "Łódź", "iso8859-2"),
        ("UNOE", "Москва", "iso8859-5"),
        ("UNOF", "Αθήνα", "iso8859-7"),
        ("UNOK", "İstanbul", "iso8859-9"),
        ("UNOL", "5 €", "iso8859-15"),
        ("UNOW", "Grüße, Łódź, Москва, 北京", "utf-8"),
        ("UNOY", "Grüße, Łódź, Москва, 北京", "utf-8"),
    ],
)
def test_text_is_decoded_as_the_interchange_declares(charset, text, encoding):
    content = UNB.replace("UNOC", charset).encode() + b"UNH+1+A:D:96A:UN'FTX+" + text.encode(encoding)
    content += b"'UNT+3+1'" + UNZ.encode()
    assert body(content) == [f"FTX+{text}"]
    assert codes(content) == []


@pytest.mark.parametrize(
    ("charset", "raw", "text", "read_as"),
    [
        ("UNOC", "Grüße".encode(), "Grüße", "UTF-8"),
        ("UNOC", "Москва".encode(), "Москва", "UTF-8"),
        ("UNOC", "5 €".encode(), "5 €", "UTF-8"),
        ("UNOA", "Grüße".encode(), "Grüße", "UTF-8"),
        ("UNOE", "Москва".encode(), "Москва", "UTF-8"),
        ("UNOA", "Grüße".encode("latin-1"), "Grüße", "Windows-1252"),
        ("UNOC", "5 €, “quoted”".encode("cp1252"), "5 €, “quoted”", "Windows-1252"),
        ("UNOY", "Grüße".encode("latin-1"), "Grüße", "Windows-1252"),
        ("UNOE", b"\x85", "\ufffd", "replaced"),
        ("UNOY", "a\u0085b".encode(), "a\ufffdb", "replaced"),
    ],
)
def test_text_that_contradicts_the_declared_character_set_is_read_and_remarked_on(charset, raw, text, read_as):
    content = UNB.replace("UNOC", charset).encode() + b"UNH+1+A:D:96A:UN'FTX+AAI+++" + raw + b"'UNT+3+1'" + UNZ.encode()
    assert body(content) == [f"FTX+AAI+++{text}"]
    finding = the("syntax.charset-contradicted", content)
    assert finding.severity == "warning"
    assert read_as in finding.sentence
    assert content[finding.place.offset] >= 0x80
    assert (finding.place.tag, finding.place.element) == ("FTX", 4)


def test_an_unknown_character_set_is_named():
    raw = wrapped("FTX+x").decode().replace("UNOC", "UNOZ")
    finding = the("syntax.charset-unknown", raw)
    assert (finding.found, finding.severity) == ("UNOZ", "warning")
    assert raw[finding.place.offset :].startswith("UNB")


def test_a_contradiction_is_told_once_in_a_message_and_again_in_the_next():
    twice = "FTX+ü'FTX+ö'"
    raw = f"{UNB}UNH+1+A:D:96A:UN'{twice}UNT+4+1'UNH+2+A:D:96A:UN'{twice}UNT+4+2'UNZ+2+7001'"
    places = [finding.place for finding in findings(raw)]
    assert [(place.message, place.segment) for place in places] == [("1", 2), ("2", 2)]


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x06", "\x1a", "\x1b", "\x7f"])
def test_a_control_character_in_the_text_is_replaced(control):
    content = wrapped(f"FTX+AAI+++a{control}b?+c")
    assert body(content) == ["FTX+AAI+++a\ufffdb\x01c"]
    finding = the("syntax.control-character", content)
    assert content[finding.place.offset] == ord(control)
    assert messages(content)[0].released


def test_a_tabulator_in_the_text_becomes_a_blank():
    content = wrapped("FTX+AAI+++a\tb")
    assert body(content) == ["FTX+AAI+++a b"]
    assert codes(content) == ["syntax.control-character"]


def test_a_byte_order_mark_is_noted_and_offsets_count_it():
    content = b"\xef\xbb\xbf" + wrapped("BGM+220")
    assert codes(content) == ["syntax.byte-order-mark"]
    assert header_of(content).offset == 3
    assert messages(content)[0].offsets[0] == content.index(b"UNH")


def test_a_terminator_without_a_segment_is_noted():
    content = wrapped("BGM+220", "", "FTX+AAI")
    assert body(content) == ["BGM+220", "FTX+AAI"]
    finding = the("syntax.segment-empty", content)
    assert content[finding.place.offset - 1 : finding.place.offset + 1] == b"''"


def test_blank_lines_are_nothing_where_a_line_break_terminates():
    raw = "UNA:+.? \n" + wrapped("BGM+220").decode().replace("'", "\n\n")
    assert body(raw) == ["BGM+220"]
    assert codes(raw) == []


def test_the_end_of_the_file_in_a_segment_is_an_error():
    content = wrapped("BGM+220+PO-1+9")[: -len("UNT+3+1'UNZ+1+7001'") - 5]
    finding = the("syntax.unterminated", content)
    assert content[finding.place.offset :].startswith(b"BGM")
    assert finding.place.segment == 2
    assert "envelope.unt-missing" in codes(content)
    assert "envelope.unz-missing" in codes(content)


def test_a_trailer_without_its_terminator_still_closes():
    content = wrapped("BGM+220")[:-1]
    assert codes(content + b"\r\n") == codes(content) == ["syntax.last-terminator-missing"]
    assert the("syntax.last-terminator-missing", content).severity == "warning"


def test_a_segment_that_never_ends_is_cut_and_reading_goes_on_behind_it():
    content = wrapped("BGM+220", "FTX+AAI+++" + "x" * 70_000, "QTY+21:5")
    (message,) = messages(content)
    assert [segment[:3] for segment in message.segments] == ["UNH", "BGM", "FTX", "QTY", "UNT"]
    assert len(message.segments[2]) == 65536
    finding = the("syntax.segment-too-long", content)
    assert content[finding.place.offset :].startswith(b"FTX")
    assert finding.place.segment == 3
    assert codes(content) == ["syntax.segment-too-long"]


def test_a_released_terminator_does_not_end_an_endless_segment():
    content = wrapped("BGM+220", "FTX+AAI+++" + "?'" * 50_000, "QTY+21:5")
    assert [segment[:3] for segment in body(content)] == ["BGM", "FTX", "QTY"]


def test_another_interchange_ends_a_segment_that_was_cut_off():
    first = wrapped("BGM+220+PO-1").decode().partition("'UNT")[0]
    second = "UNA;|.\\ ~" + wrapped("BGM+221").decode().replace("+", "|").replace(":", ";").replace("'", "~")
    read = messages(first + second)
    assert [message.segments[1] for message in read] == ["BGM+220+PO-1", "BGM+221"]
    assert codes(first + second) == ["syntax.unterminated", "envelope.unt-missing", "envelope.unz-missing"]


def test_separators_may_change_from_interchange_to_interchange():
    plain = wrapped("BGM+220").decode()
    other = "UNA;|.\\ ~" + plain.replace("+", "|").replace(":", ";").replace("'", "~")
    ends = "UNA:+.? \n" + plain.replace("'", "\n")
    raw = plain + other + "\r\n" + ends + plain
    assert [message.segments[1] for message in messages(raw)] == ["BGM+220"] * 4
    assert codes(raw) == []
    assert [event.number for event in opened(raw) if isinstance(event, InterchangeClosed)] == [1, 2, 3, 4]


def test_memory_stays_with_the_block_where_no_terminator_comes():
    class Endless(io.RawIOBase):
        left = 400

        def read(self, size=-1):
            self.left -= 1
            return b"x" * size if self.left >= 0 else b""

    tracemalloc.start()
    (block,) = SegmentReader(Window(Endless()), dialect())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [oddity.code for oddity in block.oddities] == ["syntax.segment-too-long"]
    assert len(block.raw) == 65536
    assert block.end > 400 * 65536 > 20 * peak


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 50, 1000])
def test_blocks_and_reads_of_any_size_give_the_same_events(size):
    class Trickle(io.BytesIO):
        def read(self, _size=-1):
            return super().read(size)

    content = b"\xef\xbb\xbfjunk UNA:+.? '" + wrapped("FTX+o?'clock", "FTX+\r\nü", "", "LIN+1") * 3
    assert list(open_edifact(Trickle(content), block_size=size)) == opened(content)


@pytest.mark.parametrize(
    ("element", "component", "expected"),
    [
        (0, 1, "FTX+"),
        (1, 1, "AAI+"),
        (2, 1, "++a"),
        (3, 1, "+a"),
        (4, 1, "a?+"),
        (4, 2, "c'"),
        (4, 3, "'"),
        (5, 1, "'"),
    ],
)
def test_the_slow_way_finds_the_byte_of_a_component(element, component, expected):
    raw = b"FTX+AAI+++a?+?:?'b:c'"
    assert raw[locate(raw, Separators(), element, component) :].decode().startswith(expected)


def test_the_slow_way_counts_repetitions():
    raw = b"FTX+a:b*c:d+e'"
    assert raw[locate(raw, Separators(), 1, 2, 2) :] == b"d+e'"
    assert raw[locate(raw, Separators(repetition=" "), 1, 2) :] == b"b*c:d+e'"


def test_the_slow_way_sees_a_released_character_behind_a_hard_wrap():
    raw = b"FTX+a?\r\n+b+c'"
    assert raw[locate(raw, Separators(), 2) :] == b"c'"
    assert body(wrapped(raw.decode()[:-1])) == ["FTX+a\x01b+c"]


def test_a_block_knows_places_and_raw_segments():
    content = wrapped("FTX+AAI+++a?+b:c")
    window = Window(io.BytesIO(content))
    _, start = find_start(window)
    block = next(iter(SegmentReader(window, start.dialect)))
    assert block.raw_segment(2) == b"FTX+AAI+++a?+b:c'"
    assert content[block.locate(2, 4, 2) :].startswith(b"c'")
    assert block.position(2, content.index(b"c'")) == (4, 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"element": ":"}, "is both"),
        ({"component": "A"}, "cannot be"),
        ({"element": "\n"}, "cannot be"),
        ({"terminator": ""}, "cannot be"),
        ({"terminator": "''"}, "cannot be"),
    ],
)
def test_separators_that_cannot_be_told_apart_are_objected_to(changes, reason):
    assert reason in objection(Separators(**changes))


def test_blanks_stand_for_no_release_and_no_repetition():
    assert objection(Separators(release=" ", repetition=" ")) is None


def test_normal_form_and_text_are_inverse():
    assert from_text("a+b:c'd*e?") == "a\x01b\x02c\x03d\x05e?"
    assert to_text(from_text("a+b:c'd*e?")) == "a+b:c'd*e?"
    assert from_text("line\r\nbreak\x07") == "line  break "
    assert is_released(from_text("a+b"))
    assert not is_released("a+b?")


def test_a_message_read_across_blocks_is_whole():
    content = wrapped(*(f"FTX+AAI+++line {number} o?'clock" for number in range(500)))
    (message,) = [event for event in opened(content, block_size=1000) if isinstance(event, MessageRead)]
    assert len(message.segments) == 502
    assert all(
        content[at : at + 3] == segment[:3].encode()
        for at, segment in zip(message.offsets, message.segments, strict=False)
    )
    assert message.released
    assert message.findings == ()
