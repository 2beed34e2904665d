"""What the world sends as EDIFACT: each oddity is read, and said, in our own small files."""

import pytest
from edifact_samples import ORDER, UNB, UNZ, body, codes, findings, header_of, messages, opened, the, wrapped

from edi_server.envelope.model import Debris, Identity, MessageRead, Usage
from edi_server.findings import has_errors
from edi_server.syntax.sniff import sniff

UNB_4 = "UNB+UNOC:4+S+R+20261123:1405+7001'"


def message(*segments, unb=UNB, unz=UNZ, end="'", encoding="utf-8"):
    """One interchange of one message with any terminator and encoding."""
    parts = [unb.removesuffix("'"), "UNH+1+ORDERS:D:96A:UN", *segments, f"UNT+{len(segments) + 2}+1", unz[:-1]]
    return "".join(part + end for part in parts).encode(encoding)


# syntax versions


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_up_to_version_3_an_asterisk_is_data_and_the_date_has_six_digits(version):
    raw = wrapped("FTX+a*b", unb=UNB.replace("UNOC:3", f"UNOB:{version}"))
    assert codes(raw) == []
    assert body(raw) == ["FTX+a\x05b"]


def test_version_4_has_repetitions_and_eight_digits():
    raw = wrapped("FTX+a*b?*c", unb=UNB_4)
    assert codes(raw) == []
    assert body(raw) == ["FTX+a*b\x05c"]


def test_all_that_a_header_of_version_4_says_is_read():
    unb = (
        "UNB+UNOC:4:D03A:7:02+S:14:BACK:IN+R:30:TO:OUT+20261123:1405+7001+PW:BB+ORDERS+A+2+EANCOM+2'"
        "UNH+1+ORDERS:D:10A:UN:EAN011:5:SUB+ACC+3:F+SUBSET:1:2:UN+GUIDE:3:4:X+SCENE'BGM+220'UNT+3+1'UNZ+1+7001'"
    )
    header = header_of(unb).header
    assert (header.charset, header.syntax_version) == ("UNOC", "4")
    assert (header.service_directory, header.encoding, header.syntax_release) == ("D03A", "7", "02")
    assert header.sender == Identity(id="S", qualifier="14", routing="BACK", internal="IN")
    assert header.recipient == Identity(id="R", qualifier="30", routing="TO", internal="OUT")
    assert (header.password, header.password_qualifier, header.priority) == ("PW", "BB", "A")
    assert (header.acknowledgment_requested, header.acknowledgment_code) == (False, "2")
    assert (header.test, header.test_code) == (True, "2")
    (read,) = messages(unb)
    assert (read.header.code_list_version, read.header.sub_function) == ("5", "SUB")
    assert (read.header.access_reference, read.header.transfer, read.header.transfer_position) == ("ACC", "3", "F")
    assert read.header.subset == Usage(id="SUBSET", version="1", release="2", agency="UN")
    assert read.header.guideline == Usage(id="GUIDE", version="3", release="4", agency="X")
    assert read.header.scenario == Usage(id="SCENE")
    assert codes(unb) == []


@pytest.mark.parametrize(("version", "expected"), [("4", []), ("3", ["envelope.test-indicator"])])
def test_only_version_4_knows_other_tests_than_one(version, expected):
    unb = UNB_4 if version == "4" else UNB
    assert codes(unb[:-1] + "++++++3'" + ORDER + UNZ) == expected


def test_a_group_header_is_read_to_its_end():
    raw = UNB + "UNG+ORDERS+S:14+R+261123:1405+G1+UN+D:96A:EAN008+PASS'" + ORDER + "UNE+1+G1'" + UNZ
    header = opened(raw)[1].header
    assert (header.date, header.time, header.agency, header.version) == ("261123", "1405", "UN", "D.96A")
    assert (header.association, header.password) == ("EAN008", "PASS")


# separators


def test_a_line_break_may_terminate_and_a_blank_may_be_no_release_character():
    raw = b"UNA:+,  \n" + message("FTX+what?:is it", end="\n")
    assert codes(raw) == []
    assert body(raw) == ["FTX+what?:is it"]
    assert codes(b"UNA:+,  \n" + message("FTX+what?:is it", end="\r\n")) == []


@pytest.mark.parametrize("una", ["", "UNA:+.? ’", "UNA:+.? ’\r\n"])
def test_a_typographic_apostrophe_may_terminate(una):
    raw = una.encode() + message("FTX+5 €+x", end="’")
    assert body(raw) == ["FTX+5 €+x"]
    separators = "syntax.terminator-typographic" if una else "syntax.separators-undeclared"
    assert codes(raw) == [separators, "syntax.charset-contradicted"]
    assert header_of(raw).header.separators.terminator == "’"
    assert not has_errors(findings(raw))
    two = raw + raw
    assert [len(read.segments) for read in messages(two)] == [3, 3]


def test_a_typographic_apostrophe_among_plain_ones_terminates_where_another_segment_begins():
    raw = wrapped("LIN+1").decode().replace("LIN+1'", "LIN+1’QTY+21:3’\r\nFTX+AAI+++L’EAU+l’ABC'")
    raw = raw.replace("UNT+3", "UNT+5").encode()
    assert body(raw) == ["LIN+1", "QTY+21:3", "FTX+AAI+++L’EAU+l’ABC"]
    finding = the("syntax.terminator-typographic", raw)
    assert raw[finding.place.offset :].startswith("’QTY".encode())
    assert (finding.severity, finding.found, finding.place.tag) == ("warning", "1’", "LIN")
    assert not has_errors(findings(raw))


@pytest.mark.parametrize("size", [1, 7, 30, 1000])
@pytest.mark.parametrize("tail", ["", "\r\n", "\r\n" + UNB.replace("7001", "7002") + ORDER + "UNZ+1+7002'"])
def test_typographic_apostrophes_may_stand_everywhere_though_another_is_announced(size, tail):
    raw = b"UNA:+.? '" + message("LIN+1", "QTY+21:3", end="’") + tail.encode()
    assert opened(raw, block_size=size) == opened(raw)
    assert set(codes(raw)) == {"syntax.terminator-typographic"}
    assert messages(raw)[0].segments[1:-1] == ["LIN+1", "QTY+21:3"]


@pytest.mark.parametrize("nothing", ["’", "?’", "’’"])
def test_nothing_but_a_typographic_apostrophe_is_an_empty_segment(nothing):
    raw = wrapped("LIN+1", "QTY+21:3").decode().replace("QTY", f"{nothing}QTY")
    assert body(raw)[0] == "LIN+1"
    assert all(messages(raw)[0].segments)
    assert codes(ORDER + "’")[0] == "envelope.unb-missing"
    assert all(segment for read in messages("UNH'’") for segment in read.segments)


def test_an_escape_sequence_alone_is_an_empty_segment():
    raw = UNB.replace("UNOC", "UNOX") + "UNH+1+ORDERS:D:96A:UN'\x1b(B'UNT+2+1'" + UNZ
    assert messages(raw)[0].segments == ["UNH+1+ORDERS:D:96A:UN", "UNT+2+1"]
    assert codes(raw) == ["syntax.segment-empty"]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_hard_wrap_may_fall_anywhere_in_the_header(at):
    for unb in (UNB, UNB.replace("+", "|").replace(":", ";").replace("'", "~")):
        plain = unb + (ORDER + UNZ if unb == UNB else "UNH|1|ORDERS;D;96A;UN~BGM|220|PO-1|9~UNT|3|1~UNZ|1|7001~")
        raw = plain[:at] + "\r\n" + plain[at:]
        assert body(raw) == ["BGM+220+PO-1+9"]
        assert header_of(raw).header.control_reference == "7001"
        assert set(codes(raw)) <= {"syntax.line-break-in-segment", "syntax.separators-undeclared"}


def test_every_line_may_be_wrapped_at_a_fixed_column():
    plain = wrapped(*[f"FTX+AAI+++text {number} with o?'clock" for number in range(20)]).decode()
    raw = "\n".join(plain[at : at + 20] for at in range(0, len(plain), 20))
    assert body(raw) == body(plain)
    assert set(codes(raw)) == {"syntax.line-break-in-segment"}


def test_trailing_separators_and_blank_elements_are_kept_as_written():
    raw = wrapped("BGM+220+PO-1++", "NAD+BY+::+ +", "UNS+S:")
    assert codes(raw) == []
    assert body(raw) == ["BGM+220+PO-1++", "NAD+BY+::+ +", "UNS+S:"]


# around and between


@pytest.mark.parametrize(("front", "at"), [("\ufeff", 0), ("\ufeff\r\n ", 0), (" \ufeff\ufeff", 1)])
def test_a_byte_order_mark_is_a_note_at_its_byte(front, at):
    raw = (front + UNB + ORDER + UNZ).encode()
    finding = the("syntax.byte-order-mark", raw)
    assert (finding.severity, finding.place.offset) == ("note", at)
    assert codes(raw) == ["syntax.byte-order-mark"]


def test_junk_before_between_and_behind_is_told_with_its_bytes_and_all_else_is_read():
    raw = "To: you\r\n\r\n" + UNB + ORDER + UNZ + "-----\r\n" + UNB + ORDER + UNZ + "\r\nbye"
    debris = [raw[event.offset : event.end] for event in opened(raw) if isinstance(event, Debris)]
    assert [piece.strip() for piece in debris] == ["To: you", "-----", "bye"]
    assert len(messages(raw)) == 2


def test_bare_messages_are_read_with_nobody_as_sender_and_recipient():
    for raw in (ORDER + ORDER.replace("+1", "+2"), "UNG+ORDERS+S+R+261123:1405+G1+UN+D:96A'" + ORDER + "UNE+1+G1'"):
        opening = header_of(raw)
        assert (opening.header.sender, opening.header.recipient) == (Identity(id=""), Identity(id=""))
        assert [finding.code for finding in opening.findings] == ["envelope.unb-missing"]
        assert messages(raw)[0].segments == ORDER.split("'")[:-1]


def test_interactive_edi_is_judged_in_words():
    raw = b"UIB+UNOA:4++1'UIH+IHCLME:S:3:HL+1'UIT+1+2'UIZ++1'"
    (finding,) = findings(raw)
    assert finding.code == "envelope.interactive-unsupported"
    assert "interactive EDI (UIB)" in sniff(raw).sentence


# the version of a message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("D: 96A", "D.96A"),
        ("D :96A ", "D.96A"),
        ("0:96A", "D.96A"),
        ("O:96A", "D.96A"),
        ("96A:D", "D.96A"),
        ("93A:S", "S.93A"),
        ("d:96a", "D.96A"),
        ("D96A:", "D.96A"),
    ],
)
def test_a_version_spelled_otherwise_is_read_as_it_is_meant(written, meant):
    raw = wrapped("BGM+220").decode().replace("D:96A", written)
    (read,) = messages(raw)
    assert read.header.directory == meant
    assert written in read.header.segment
    assert read.segments[0] == f"UNH+1+ORDERS:{meant.replace('.', ':')}:UN"
    finding = the("envelope.unh-version", raw)
    assert (finding.found, finding.expected) == (written, meant.replace(".", ":"))
    assert raw[finding.place.offset :].startswith(written)
    assert codes(raw) == ["envelope.unh-version"]


def test_separators_in_a_version_stay_data():
    raw = wrapped("BGM+220").decode().replace("D:96A", " ?+: ?:?'")
    (read,) = messages(raw)
    assert read.segments[0] == "UNH+1+ORDERS:\x01:\x02\x03:UN"
    assert read.header.directory == "+.:'"


@pytest.mark.parametrize("version", ["D:96A", "S:93A", "1:911", "2:912", "90:1", "93:1", "D:3", "4:1", "11:1", "X:Y"])
def test_other_versions_stay_as_they_are(version):
    raw = wrapped("BGM+220").decode().replace("D:96A", version)
    assert messages(raw)[0].header.directory == version.replace(":", ".")
    assert codes(raw) == []


# character sets


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("UNOA", "ascii", "PLAIN"),
        ("UNOB", "ascii", "Plain"),
        ("UNOC", "iso8859-1", "Grüße"),
        ("UNOD", "iso8859-2", "Łódź"),
        ("UNOE", "iso8859-5", "Москва"),
        ("UNOF", "iso8859-7", "Αθήνα"),
        ("UNOG", "iso8859-3", "Ġgant"),
        ("UNOH", "iso8859-4", "Rīga"),
        ("UNOI", "iso8859-6", "سلام"),
        ("UNOJ", "iso8859-8", "שלום"),
        ("UNOK", "iso8859-9", "İstanbul"),
        ("UNOL", "iso8859-15", "5 €"),
        ("UNOW", "utf-8", "北京 – 5 €"),
        ("UNOX", "iso2022_jp", "日本語テキスト"),
        ("UNOY", "utf-8", "北京 – 5 €"),
    ],
)
def test_every_level_is_read_with_its_decoder(charset, codec, text):
    raw = message(f"FTX+AAI+++{text}:X", unb=UNB.replace("UNOC", charset), encoding=codec)
    assert body(raw) == [f"FTX+AAI+++{text}:X"]
    assert codes(raw) == []


@pytest.mark.parametrize(
    ("encoding", "codec", "text"), [("7", "utf-8", "Łódź"), ("4", "cp850", "Grüße"), ("1", "ascii", "Plain")]
)
def test_version_4_may_name_the_encoding_beside_the_repertoire(encoding, codec, text):
    raw = message(f"FTX+AAI+++{text}", unb=UNB_4.replace("UNOC:4", f"UNOC:4::{encoding}"), encoding=codec)
    assert body(raw) == [f"FTX+AAI+++{text}"]
    assert codes(raw) == []


@pytest.mark.parametrize(
    ("charset", "text", "at"),
    [
        ("UNOA", "PLAIN", None),
        ("UNOA", "PLAIN and more", "and more"),
        ("UNOB", "Plain", None),
        ("UNOB", "Plain@home", "@home"),
        ("IATA", "A#B", "#B"),
        ("UNOC", "Plain@home", None),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_the_first_character_that_a_level_has_not_is_a_note_in_each_message(charset, text, at, size):
    raw = message("LIN+1", f"FTX+AAI+++X:{text}", f"FTX+AAI+++X:{text}", unb=UNB.replace("UNOC", charset))
    (read,) = (event for event in opened(raw, block_size=size) if isinstance(event, MessageRead))
    assert body(raw)[1] == f"FTX+AAI+++X:{text}"
    if at is None:
        assert read.findings == ()
        return
    (finding,) = read.findings
    assert (finding.code, finding.severity) == ("syntax.level-exceeded", "note")
    assert raw[finding.place.offset :].startswith(at.encode())
    assert (finding.place.segment, finding.place.element, finding.place.component) == (3, 4, 2)


def test_separators_are_no_characters_that_a_level_has_not():
    raw = "UNA;|,\\ ~UNB|UNOA;3|S|R|261123;1405|1~UNH|1|ORDERS;D;96A;UN~FTX|A\\|B~UNT|3|1~UNZ|1|1~"
    assert codes(raw) == []


@pytest.mark.parametrize("charset", ["UNOA", "UNOB", "UNOC", "UNOD"])
def test_utf_8_under_another_set_loses_no_text(charset):
    raw = message("FTX+AAI+++Grüße aus Łódź", unb=UNB.replace("UNOC", charset))
    assert body(raw) == ["FTX+AAI+++Grüße aus Łódź"]
    finding = the("syntax.charset-contradicted", raw)
    assert finding.severity == "warning"
    assert finding.sentence.endswith("they were read as UTF-8.")
    assert raw[finding.place.offset :].startswith("üße".encode())


def test_what_was_lost_before_it_was_sent_is_told_and_not_read_as_three_letters():
    raw = message("NAD+BY+K\ufffdlte GmbH")
    assert body(raw) == ["NAD+BY+K\ufffdlte GmbH"]
    assert codes(raw) == ["syntax.charset-contradicted"]


def test_two_bytes_of_level_x_that_look_like_separators_are_none():
    text = "ア・イ：十？"
    encoded = text.encode("iso2022_jp")
    assert b"'" in encoded or b"+" in encoded or b":" in encoded or b"?" in encoded
    raw = message(f"FTX+AAI+++{text}+{text}:z", unb=UNB.replace("UNOC", "UNOX"), encoding="iso2022_jp")
    assert body(raw) == [f"FTX+AAI+++{text}+{text}:z"]
    for size in (1, 5, 40):
        assert opened(raw, block_size=size) == opened(raw)
    assert codes(raw) == []


def test_what_cannot_be_read_names_its_byte():
    raw = UNB + "UNH+1+ORDERS:D:96A:UN'BGM+220"
    finding = the("syntax.unterminated", raw)
    assert raw[finding.place.offset :] == "BGM+220"
    finding = the("syntax.not-edifact", "  Dear Sir")
    assert finding.place.offset == 2
