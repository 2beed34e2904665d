"""EDIFACT envelopes: what is in a transmission, and what service segments promise and do not keep."""

import io
import tracemalloc

import pytest
from edifact_samples import (
    ORDER,
    UNB,
    UNZ,
    closings,
    codes,
    findings,
    header_of,
    messages,
    names,
    opened,
    the,
    wrapped,
)

from edi_server.envelope import message as message_in_progress
from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import (
    Debris,
    GroupClosed,
    GroupOpened,
    Identity,
    InterchangeClosed,
    InterchangeOpened,
    MessageRead,
    PackageRead,
)

SECOND = ORDER.replace("UNH+1", "UNH+2").replace("UNT+3+1", "UNT+3+2")
UNG = "UNG+ORDERS+4012345000009:14+4098765000010:14+261123:1405+G1+UN+D:96A'"


def test_a_transmission_is_told_in_the_order_of_its_bytes():
    raw = UNB + UNG + ORDER + SECOND + "UNE+2+G1'" + UNZ
    events = opened(raw)
    assert names(events) == [
        "InterchangeOpened",
        "GroupOpened",
        "MessageRead",
        "MessageRead",
        "GroupClosed",
        "InterchangeClosed",
    ]
    assert codes(raw) == []


def test_the_interchange_header_is_read_as_written():
    raw = (
        "UNB+UNOC:3+4012345000009:14:BACK+4098765000010:ZZ:ROUTE+261123:1405+00042+pass:AA+ORDERS+A+1+EANCOM+1'"
        + ORDER
        + "UNZ+1+00042'"
    )
    header = header_of(raw).header
    assert (header.syntax, header.charset, header.syntax_version) == ("edifact", "UNOC", "3")
    assert header.sender == Identity(id="4012345000009", qualifier="14", routing="BACK")
    assert header.recipient == Identity(id="4098765000010", qualifier="ZZ", routing="ROUTE")
    assert (header.date, header.time, header.control_reference) == ("261123", "1405", "00042")
    assert (header.application_reference, header.agreement) == ("ORDERS", "EANCOM")
    assert header.acknowledgment_requested
    assert header.test
    assert header.segment == raw.partition("'")[0]
    assert codes(raw) == []


def test_released_separators_in_the_header_are_text():
    raw = UNB.replace("4012345000009", "A?+B") + ORDER + UNZ
    assert header_of(raw).header.sender.id == "A+B"


def test_group_and_message_headers_are_read():
    raw = UNB + UNG + ORDER.replace("UN'BGM", "UN:EAN008'BGM") + "UNE+1+G1'" + UNZ
    _, group, message, *_ = opened(raw)
    assert isinstance(group, GroupOpened)
    assert (group.header.message_type, group.header.control_reference) == ("ORDERS", "G1")
    assert group.header.sender == Identity(id="4012345000009", qualifier="14")
    assert raw[group.offset :].startswith("UNG")
    assert isinstance(message, MessageRead)
    header = message.header
    assert (header.reference, header.type, header.directory) == ("1", "ORDERS", "D.96A")
    assert (header.agency, header.association) == ("UN", "EAN008")


@pytest.mark.parametrize(
    ("raw", "code", "at", "found", "expected"),
    [
        (wrapped("BGM").replace(b"UNT+3", b"UNT+4"), "envelope.unt-count", b"4+1'UNZ", "4", "3"),
        (wrapped("BGM").replace(b"UNT+3", b"UNT+x"), "envelope.unt-count", b"x+1'UNZ", "x", "3"),
        (wrapped("BGM").replace(b"UNT+3", b"UNT+"), "envelope.unt-count", b"+1'UNZ", "", "3"),
        (wrapped("BGM").replace(b"UNT+3+1", b"UNT+3+2"), "envelope.unt-reference", b"2'UNZ", "2", "1"),
        (wrapped("BGM").replace(b"UNT+3+1", b"UNT+3"), "envelope.unt-reference", b"'UNZ", "", "1"),
        (wrapped("BGM").replace(b"UNT+3+1", b"UNT+3+01"), "envelope.unt-reference", b"01'UNZ", "01", "1"),
        (wrapped("BGM", unz="UNZ+2+7001'"), "envelope.unz-count", b"2+7001'", "2", "1"),
        (wrapped("BGM", unz="UNZ+1+7002'"), "envelope.unz-reference", b"7002'", "7002", "7001"),
        (wrapped("BGM", unz="UNZ+1'"), "envelope.unz-reference", b"'", "", "7001"),
    ],
)
def test_a_trailer_that_does_not_agree_is_an_error_at_its_element(raw, code, at, found, expected):
    assert codes(raw) == [code]
    finding = the(code, raw)
    assert finding.severity == "error"
    assert (finding.found, finding.expected) == (found, expected)
    assert raw.endswith(at) or at in raw
    assert raw[finding.place.offset :].startswith(at)
    assert finding.place.interchange == "7001"


@pytest.mark.parametrize("unt", ["UNT+3+1", "UNT+0003+1", "UNT+3+1+", "UNT+ 3 +1 ", "UNT+3+1+extra"])
def test_a_count_may_have_leading_zeros_and_blanks_around(unt):
    raw = UNB + ORDER.replace("UNT+3+1", unt) + UNZ
    assert codes(raw) == []


def test_a_reference_with_released_characters_agrees_with_itself():
    raw = UNB + ORDER.replace("UNH+1", "UNH+a?+b").replace("+3+1'", "+3+a?+b'") + UNZ
    assert codes(raw) == []
    assert messages(raw)[0].header.reference == "a+b"


def test_a_count_of_any_length_is_only_wrong():
    assert codes(wrapped("BGM").replace(b"UNT+3", b"UNT+" + b"9" * 6000)) == ["envelope.unt-count"]


@pytest.mark.parametrize(
    ("raw", "expected", "segments"),
    [
        (UNB + "UNH+1+ORDERS:D:96A:UN'BGM+220'" + SECOND + "UNZ+2+7001'", ["envelope.unt-missing"], [2, 3]),
        (UNB + "UNH+1+ORDERS:D:96A:UN'BGM+220'" + UNZ, ["envelope.unt-missing"], [2]),
        (UNB + "UNH+1+ORDERS:D:96A:UN'BGM+220'", ["envelope.unt-missing", "envelope.unz-missing"], [2]),
        (UNB + ORDER, ["envelope.unz-missing"], [3]),
        (UNB + ORDER + UNB + ORDER + UNZ, ["envelope.unz-missing"], [3, 3]),
        (UNB + ORDER + "UNA:+.? '" + UNB + ORDER + UNZ, ["envelope.unz-missing"], [3, 3]),
        (UNB + "UNH+1+ORDERS:D:96A:UN'" + UNB + ORDER + UNZ, ["envelope.unt-missing", "envelope.unz-missing"], [1, 3]),
    ],
)
def test_a_missing_trailer_is_an_error_and_nothing_read_is_lost(raw, expected, segments):
    assert codes(raw) == expected
    assert [len(message.segments) for message in messages(raw)] == segments
    assert {finding.severity for finding in findings(raw)} == {"error"}


def test_a_missing_trailer_is_missed_where_it_should_stand():
    raw = UNB + "UNH+1+ORDERS:D:96A:UN'BGM+220'" + UNZ
    finding = the("envelope.unt-missing", raw)
    assert raw[finding.place.offset :] == UNZ
    assert (finding.place.message, finding.expected) == ("1", "UNT+3+1")
    assert messages(raw)[0].offsets[-1] == raw.index(UNZ)


def test_messages_without_interchange_are_read_with_an_empty_header():
    raw = ORDER + SECOND
    opening = header_of(raw)
    assert [finding.code for finding in opening.findings] == ["envelope.unb-missing"]
    assert opening.header.sender == Identity(id="")
    assert (opening.header.control_reference, opening.header.segment, opening.offset) == ("", "", 0)
    assert [message.number for message in messages(raw)] == [1, 2]
    assert codes(raw) == ["envelope.unb-missing"]


def test_a_trailer_without_header_still_counts():
    assert codes(ORDER + "UNZ+2+7001'") == ["envelope.unb-missing", "envelope.unz-count"]
    assert codes("UNA:+.? '" + ORDER + UNZ) == ["envelope.unb-missing"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("UNB+UNOC:3++R+261123:1405+7001'", [("envelope.unb-incomplete", 2, 1)]),
        ("UNB+UNOC:3+S++261123:1405+7001'", [("envelope.unb-incomplete", 3, 1)]),
        ("UNB+UNOC+S+R+261123:1405+7001'", [("envelope.syntax-version", 1, 2)]),
        ("UNB+UNOC:7+S+R+261123:1405+7001'", [("envelope.syntax-version", 1, 2)]),
        ("UNB+UNOC:3+S+R+20261123:1405+7001'", [("envelope.unb-date", 4, 1)]),
        ("UNB+UNOC:4+S+R+261123:1405+7001'", [("envelope.unb-date", 4, 1)]),
        ("UNB+UNOC:4+S+R+20261123:1405+7001'", []),
        ("UNB+UNOC:3+S+R+261323:1405+7001'", [("envelope.unb-date", 4, 1)]),
        ("UNB+UNOC:3+S+R+261123:2460+7001'", [("envelope.unb-date", 4, 2)]),
        ("UNB+UNOC:3+S+R++7001'", [("envelope.unb-date", 4, 1), ("envelope.unb-date", 4, 2)]),
        ("UNB+UNOC:3+S+R+261123:1405+7001++++++1'", []),
        ("UNB+UNOC:3+S+R+261123:1405+7001++++++0'", []),
        ("UNB+UNOC:3+S+R+261123:1405+7001++++++T'", [("envelope.test-indicator", 11, 1)]),
    ],
)
def test_what_is_wrong_with_an_interchange_header_is_told_with_its_place(raw, expected):
    told = [(finding.code, finding.place.element, finding.place.component) for finding in findings(raw + ORDER + UNZ)]
    assert told == expected


def test_an_interchange_without_reference_has_none_to_agree_with():
    raw = "UNB+UNOC:3+S+R+261123:1405'" + ORDER + "UNZ+1+5'"
    assert codes(raw) == ["envelope.unb-incomplete", "envelope.unz-reference"]


@pytest.mark.parametrize(("indicator", "test"), [("", False), ("0", False), ("1", True), ("2", True), ("T", True)])
def test_whatever_may_be_a_test_is_one(indicator, test):
    raw = f"UNB+UNOC:3+S+R+261123:1405+7001++++++{indicator}'" + ORDER + UNZ
    assert header_of(raw).header.test is test


@pytest.mark.parametrize(
    ("unh", "missing"),
    [
        ("UNH+1+ORDERS:D:96A", [(2, 4)]),
        ("UNH+1+ORDERS", [(2, 2), (2, 3), (2, 4)]),
        ("UNH+1", [(2, 1), (2, 2), (2, 3), (2, 4)]),
        ("UNH++ORDERS:D:96A:UN", [(1, 1)]),
    ],
)
def test_an_incomplete_message_header_names_what_is_missing(unh, missing):
    raw = UNB + f"{unh}'BGM'UNT+3+{unh.split('+')[1]}'" + UNZ
    places = [(finding.place.element, finding.place.component) for finding in findings(raw)]
    assert places == missing
    assert set(codes(raw)) == {"envelope.unh-incomplete"}


def test_the_same_message_reference_twice_is_a_warning():
    raw = UNB + ORDER + ORDER + SECOND + "UNZ+3+7001'"
    finding = the("envelope.message-reference-duplicate", raw)
    assert (finding.severity, finding.found, finding.place.element) == ("warning", "1", 1)
    assert [len(message.findings) for message in messages(raw)] == [0, 1, 0]
    assert codes(UNB + ORDER + UNZ + UNB + ORDER + UNZ) == []
    two_groups = UNG + ORDER + "UNE+1+G1'" + UNG.replace("G1", "G2") + ORDER + "UNE+1+G2'"
    assert codes(UNB + two_groups + "UNZ+2+7001'") == []


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (UNG + ORDER + "UNE+1+G1'", []),
        (UNG + ORDER + "UNE+2+G1'", ["envelope.une-count"]),
        (UNG + ORDER + "UNE+1+G2'", ["envelope.une-reference"]),
        (UNG + ORDER, ["envelope.une-missing"]),
        (UNG.replace("G1", "") + ORDER + "UNE+1+'", ["envelope.ung-incomplete"]),
        ("UNE+1+G1'" + ORDER, ["envelope.segment-misplaced"]),
    ],
)
def test_groups_keep_what_they_promise_or_it_is_told(inside, expected):
    assert codes(UNB + inside + UNZ) == expected


def test_the_interchange_counts_groups_where_there_are_any():
    group = UNG + ORDER + SECOND + "UNE+2+G1'"
    assert codes(UNB + group + UNZ) == []
    assert codes(UNB + group + "UNZ+2+7001'") == ["envelope.unz-count"]
    raw = UNB + group + UNG.replace("G1", "G2") + ORDER.replace("UNH+1", "UNH+3").replace("+3+1'", "+3+3'")
    assert codes(raw + "UNE+1+G2'UNZ+2+7001'") == []


@pytest.mark.parametrize(
    "raw", [UNG + ORDER + UNG.replace("G1", "G2") + SECOND + "UNE+1+G2'", UNG + ORDER + UNG + SECOND]
)
def test_a_group_ends_where_the_next_begins(raw):
    events = opened(UNB + raw + "UNZ+2+7001'")
    assert [type(event) for event in events[1:-1]] == [GroupOpened, MessageRead, GroupClosed] * 2
    assert "envelope.une-missing" in codes(UNB + raw + "UNZ+2+7001'")


@pytest.mark.parametrize("inside", [UNG + ORDER + "UNE+1+G1'" + SECOND, ORDER + UNG + SECOND + "UNE+1+G1'"])
def test_groups_and_messages_are_not_mixed(inside):
    assert codes(UNB + inside + UNZ) == ["envelope.messages-outside-group"]


@pytest.mark.parametrize(
    ("inside", "code", "at"),
    [
        ("BGM+220'UNT+3+1'", "envelope.segment-outside-message", "BGM+220"),
        ("BGM+220'LIN+1'", "envelope.segment-outside-message", "BGM+220"),
        (ORDER + "LIN+1'QTY'", "envelope.segment-outside-message", "LIN+1"),
        ("UNT+3+1'", "envelope.segment-misplaced", "UNT+3+1"),
        ("UNP+3+1'", "envelope.segment-misplaced", "UNP+3+1"),
        ("UNS+S'", "envelope.segment-outside-message", "UNS+S"),
    ],
)
def test_segments_outside_messages_are_one_finding_where_they_begin(inside, code, at):
    raw = UNB + inside + UNZ
    finding = the(code, raw)
    assert finding.severity == "error"
    assert raw[finding.place.offset :].startswith(at)
    assert finding.found == at


def test_findings_about_one_interchange_have_an_end():
    raw = UNB + "UNT+3+1'" * 5000 + UNZ
    assert 900 < len(closings(raw)[0].findings) < 1100
    assert codes(raw)[-1] in ("envelope.interchange-empty", "envelope.unz-count")


def test_an_interchange_without_message_is_a_warning():
    assert codes(UNB + "UNZ+0+7001'") == ["envelope.interchange-empty"]


PACKAGE = b"%PDF-1.4'UNZ+9+9'UNH+7+X:D:96A:UN'\xff\x00?"


def packages(raw):
    return [event for event in opened(raw) if isinstance(event, PackageRead)]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("behind", [b"", b"\r\n"])
def test_a_package_is_skipped_whatever_is_in_it_and_can_be_found(count, behind):
    length = len(PACKAGE)
    raw = f"{UNB}{ORDER}UNO+P1+1:invoice.pdf+13:application/pdf+{length}'".encode()
    raw += PACKAGE + behind + f"UNP+{length}+P1'UNZ+{count}+7001'".encode()
    assert codes(raw) == ["envelope.package-skipped"]
    assert names(opened(raw)) == ["InterchangeOpened", "MessageRead", "PackageRead", "InterchangeClosed"]
    assert "invoice.pdf" in the("envelope.package-skipped", raw).found
    (package,) = packages(raw)
    assert raw[package.start :][: package.length] == PACKAGE
    assert raw[package.offset :].startswith(b"UNO+P1")
    assert package.reference == "P1"
    assert package.segment.startswith("UNO+P1+1:invoice.pdf")


@pytest.mark.parametrize("length", ["", "0", "3", "5000", "x", "9" * 30])
def test_a_package_with_a_wrong_length_ends_at_its_trailer(length):
    raw = f"{UNB}{ORDER}UNO+P1+1:x+13+{length}'".encode() + PACKAGE + f"UNP+{length}+P1'UNZ+1+7001'".encode()
    assert codes(raw) == ["envelope.package-skipped", "envelope.unp-length"]
    assert the("envelope.unp-length", raw).expected == str(len(PACKAGE))
    (package,) = packages(raw)
    assert raw[package.start :][: package.length] == PACKAGE
    assert len(messages(raw)) == 1


def test_a_package_trailer_repeats_length_and_reference():
    raw = f"{UNB}UNO+P1+1:x+13+4'____UNP+5+P2'{ORDER}UNZ+2+7001'"
    assert codes(raw) == ["envelope.package-skipped", "envelope.unp-length", "envelope.unp-reference"]
    length, reference = the("envelope.unp-length", raw), the("envelope.unp-reference", raw)
    assert (length.found, length.expected, reference.found, reference.expected) == ("5", "4", "P2", "P1")
    assert raw[length.place.offset :].startswith("5+P2")
    assert raw[reference.place.offset :].startswith("P2'")


def test_a_large_package_is_skipped_by_its_length():
    size = 3_000_000
    raw = f"{UNB}UNO+P1+1:x+13+{size}'".encode() + b"'" * size + f"UNP+{size}+P1'".encode()
    raw += f"{ORDER}UNZ+2+7001'".encode()
    assert codes(raw) == ["envelope.package-skipped"]
    assert len(messages(raw)) == 1
    assert [package.length for package in packages(raw)] == [size]


@pytest.mark.parametrize(("rest", "length"), [("x" * 30 + UNZ, 41), (ORDER + UNZ, 0), ("", 0)])
def test_a_package_without_trailer_is_an_error_and_ends_where_something_else_begins(rest, length):
    raw = UNB + ORDER.replace("+1", "+9", 1).replace("3+1", "3+9") + "UNO+P1+1:x+13+4'" + rest
    assert "envelope.package-unfinished" in codes(raw)
    assert [package.length for package in packages(raw)] == [length]


def test_interactive_edi_is_named_as_such():
    raw = "UNA:+.? 'UIB+UNOA:4++1'UIH+IHCLME:S:3:HL+1'UIT+1+2'UIZ++1'"
    (debris,) = opened(raw)
    assert isinstance(debris, Debris)
    assert codes(raw) == ["envelope.interactive-unsupported"]
    assert [type(event) for event in opened(raw + UNB + ORDER + UNZ)] == [
        Debris,
        InterchangeOpened,
        MessageRead,
        InterchangeClosed,
    ]


@pytest.mark.parametrize(
    ("raw", "expected", "severity"),
    [
        ("", "syntax.empty", "error"),
        (" \r\n\t", "syntax.empty", "error"),
        ("\ufeff", "syntax.empty", "error"),
        ("Dear Sir", "syntax.not-edifact", "error"),
        ("BGM+220'LIN+1'", "syntax.not-edifact", "error"),
        (b"\xff\xfe" + "UNB+UNOA:3".encode("utf-16-le"), "syntax.not-edifact", "error"),
        ("Dear Sir\r\n" + UNB + ORDER + UNZ, "syntax.bytes-outside", "warning"),
        (UNB + ORDER + UNZ + "\r\nKind regards", "syntax.bytes-outside", "warning"),
        (UNB + ORDER + UNZ + "LIN+1'", "syntax.segments-outside", "error"),
        (UNB + ORDER + UNZ + "UNT+3+1'", "syntax.segments-outside", "error"),
    ],
)
def test_what_belongs_to_no_interchange_is_debris_with_a_finding(raw, expected, severity):
    (debris,) = [event for event in opened(raw) if isinstance(event, Debris)]
    (finding,) = debris.findings
    assert (finding.code, finding.severity) == (expected, severity)
    assert codes(raw) == [expected]


@pytest.mark.parametrize("padding", ["\r\n", " ", "\x00\x00", "\x1a"])
def test_padding_behind_the_interchange_is_nothing(padding):
    raw = UNB + ORDER + UNZ + padding
    assert codes(raw + raw + padding) == []


def test_debris_says_from_where_to_where():
    raw = "first" + UNB + ORDER + UNZ + "last"
    first, last = (event for event in opened(raw) if isinstance(event, Debris))
    assert raw[first.offset : first.end] == "first"
    assert raw[last.offset : last.end] == "last"


def test_interchanges_and_messages_are_numbered_and_end_behind_their_trailer():
    raw = UNB + ORDER + SECOND + "UNZ+2+7001'" + "\r\n" + UNB + ORDER + UNZ
    first, second = closings(raw)
    assert (first.number, first.messages, second.number, second.messages) == (1, 2, 2, 1)
    assert raw[: first.end].endswith("UNZ+2+7001'")
    assert second.end == len(raw)
    assert [message.number for message in messages(raw)] == [1, 2, 1]


def test_a_line_break_in_the_tag_of_a_service_segment_changes_nothing():
    raw = (UNB + ORDER + UNZ) * 3
    for tag in ("UNB", "UNH", "UNT", "UNZ"):
        for at in (1, 2, 3):
            broken = raw.replace(tag, f"{tag[:at]}\r\n{tag[at:]}")
            assert [message.segments for message in messages(broken)] == [message.segments for message in messages(raw)]
            assert set(codes(broken)) == {"syntax.line-break-in-segment"}


def test_syntax_findings_stand_on_the_message_that_they_are_about():
    raw = UNB + ORDER + SECOND.replace("PO-1", "PO\n-1") + "UNZ+2+7001'"
    clean, wrapped_message = messages(raw)
    assert clean.findings == ()
    (finding,) = wrapped_message.findings
    place = finding.place
    assert (place.interchange, place.message, place.segment, place.tag, place.element) == ("7001", "2", 2, "BGM", 2)


def test_syntax_findings_about_service_segments_stand_on_the_interchange():
    raw = UNB.replace("7001", "70\n01") + ORDER + UNZ.replace("7001", "7\n001")
    assert [finding.place.tag for finding in header_of(raw).findings] == ["UNB"]
    (closed,) = closings(raw)
    assert [(finding.place.tag, finding.place.segment) for finding in closed.findings] == [("UNZ", 5)]


def test_a_message_too_large_to_hold_is_cut_with_an_error(monkeypatch):
    monkeypatch.setattr(message_in_progress, "LARGEST_MESSAGE", 100_000)
    raw = wrapped(*["FTX+AAI+++some text"] * 20_000)
    (message,) = messages(raw)
    assert [finding.code for finding in message.findings] == ["envelope.message-too-large"]
    assert 1000 < len(message.segments) < 10_000
    assert len(message.offsets) == len(message.segments) + 1


def test_memory_does_not_grow_with_the_interchange():
    order = wrapped(*["FTX+AAI+++some text that goes on and on"] * 100, unb="", unz="")

    class Long(io.RawIOBase):
        def __init__(self, count):
            self.left = count

        def read(self, _size=-1):
            self.left -= 1
            return order if self.left >= 0 else b""

    def peak(count):
        tracemalloc.start()
        read = sum(isinstance(event, MessageRead) for event in open_edifact(Long(count)))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read == count
        return highest

    assert peak(400) < 1.2 * peak(100)


def test_the_size_of_blocks_does_not_show():
    raw = "junk" + UNB + UNG + ORDER + "UNE+1+G1'" + SECOND + "UNO+P+1:x+13+4'''''UNP+4+P'LIN'UNZ+1+70'" + ORDER
    for size in (1, 10, 100):
        assert list(open_edifact(io.BytesIO(raw.encode()), block_size=size)) == opened(raw)
