"""Findings that know element and component are moved from their segment to the byte."""

import pytest
from edifact_samples import messages, opened, wrapped

from edi_server.engine.checking import check_message
from edi_server.envelope.model import MessageRead, RawMessage
from edi_server.envelope.offsets import refine
from edi_server.findings import Finding, Place
from edi_server.syntax.edifact import locate
from edi_server.syntax.places import locate_all
from edi_server.syntax.separators import Separators


def found(segment, element=None, component=None, repetition=None, offset=None):
    place = Place(segment=segment, element=element, component=component, repetition=repetition, offset=offset)
    return Finding(code="guide.code-unknown", severity="error", sentence="A sentence.", place=place)


def pointed(raw, message, *findings):
    """The bytes to which findings about it point."""
    return [raw[finding.place.offset :] for finding in refine(findings, message)]


def test_a_finding_about_an_element_points_to_its_first_byte():
    raw = wrapped("BGM+220+PO-1+9", "DTM+137:20261123:102")
    (message,) = messages(raw)
    places = [found(2, 1), found(2, 3, 1), found(3, 1, 2), found(3, 1, 3), found(3, 0)]
    starts = [b"220+PO-1", b"9'DTM", b"20261123:102'", b"102'UNT", b"DTM+137"]
    assert all(map(bytes.startswith, pointed(raw, message, *places), starts))


def test_what_is_missing_is_pointed_to_where_it_should_begin():
    raw = wrapped("BGM+220", "DTM+137:::+5")
    (message,) = messages(raw)
    places = [found(2, 3), found(3, 1, 2), found(3, 1, 7)]
    assert all(map(bytes.startswith, pointed(raw, message, *places), [b"'DTM", b"::+5'", b"+5'UNT"]))


def test_repetitions_released_characters_and_line_breaks_are_stepped_over():
    unb = "UNA:+.?*'UNB+UNOC:4+S+R+20261123:1405+7001'"
    raw = wrapped("FTX+a?+b*c:d?:e*f??:g+\r\nh", unb=unb)
    (message,) = messages(raw)
    places = [found(2, 1, 1, 2), found(2, 1, 2, 2), found(2, 1, 2, 3), found(2, 2)]
    assert all(map(bytes.startswith, pointed(raw, message, *places), [b"c:d", b"d?:e", b"g+", b"\r\nh'"]))


def test_an_asterisk_is_data_before_syntax_version_4():
    raw = wrapped("FTX+a*b:c+d")
    (message,) = messages(raw)
    assert pointed(raw, message, found(2, 1, 2))[0].startswith(b"c+d")


def test_two_byte_characters_of_level_x_are_stepped_over():
    raw = wrapped("FTX+@+y").replace(b"UNOC", b"UNOX").replace(b"@", "ア・イ：十？".encode("iso2022_jp"))
    (message,) = messages(raw)
    assert pointed(raw, message, found(2, 2))[0].startswith(b"y'")


@pytest.mark.parametrize("size", [1, 1000])
def test_an_escape_sequence_of_level_x_is_none_elsewhere(size):
    raw = wrapped("FTX+\x1b$Ba+y", "LIN")
    (message,) = (event for event in opened(raw, block_size=size) if isinstance(event, MessageRead))
    assert pointed(raw, message, found(2, 2), found(2, 3)) == [raw[raw.index(b"y'") :], raw[raw.index(b"'LIN") :]]


@pytest.mark.parametrize("terminator", ["~", "\n", "’"])
def test_other_separators_are_known_to_the_message(terminator):
    raw = f"UNA;|,\\ {terminator}".encode() if terminator.isascii() else b""
    segments = ["UNB|UNOY;3|S|R|261123;1405|7001", "UNH|1|ORDERS;D;96A;UN", "FTX|5 €;y|x", "UNT|3|1", "UNZ|1|7001"]
    raw += "".join(segment + terminator for segment in segments).encode()
    (message,) = messages(raw)
    assert pointed(raw, message, found(2, 1, 2), found(2, 2)) == [raw[raw.index(b"y|x") :], raw[raw.index(b"x") :]]


def test_findings_that_know_their_byte_or_no_element_stay():
    raw = wrapped("BGM+220")
    (message,) = messages(raw)
    start = message.offsets[1]
    stay = [found(2, offset=start), found(2, 1, offset=3), found(None, 1), found(9, 1), found(0, 1)]
    assert refine(stay, message) == stay
    (moved,) = refine([found(2, 1, offset=start)], message)
    assert raw[moved.place.offset :].startswith(b"220")


def test_a_message_that_goes_over_many_blocks_is_pointed_into_as_well():
    raw = wrapped(*[f"FTX+AAI+++text {number}:second" for number in range(50)])
    for size in (1, 20, 100):
        (message,) = (event for event in opened(raw, block_size=size) if isinstance(event, MessageRead))
        places = [found(number + 2, 4, 2) for number in range(50)]
        expected = [f"second'{following}".encode() for following in [*["FTX"] * 49, "UNT"]]
        assert all(map(bytes.startswith, pointed(raw, message, *places), expected))


def test_every_finding_of_a_guide_about_an_element_ends_at_its_byte():
    raw = wrapped("BGM+220+PO-1+9", "DTM+137:2026112A:102", "NAD+XY+4012345000009::9", "LIN+1++4000001000012:EN:x:y:z")
    (message,) = messages(raw)
    about = [finding for finding in refine(check_message(message).findings, message) if finding.place.element]
    assert about
    for finding in about:
        segment = raw[message.offsets[finding.place.segment - 1] : message.offsets[finding.place.segment]]
        begin = finding.place.offset - message.offsets[finding.place.segment - 1]
        before = segment[:begin]
        assert before.count(b"+") == finding.place.element
        assert before[before.rfind(b"+") :].count(b":") == (finding.place.component or 1) - 1
        if finding.found:
            assert segment[begin:].startswith(finding.found.encode())


def test_many_findings_in_one_long_segment_are_found_in_one_walk():
    raw = wrapped("FTX" + "+x" * 20_000)
    (message,) = messages(raw)
    places = [found(2, element) for element in range(19_000, 20_000)]
    assert {piece[:1] for piece in pointed(raw, message, *places)} == {b"x"}


def test_spots_are_found_alike_one_by_one_and_at_once():
    raw = b"FTX+a?+b*c:d?:e**f??:g++h:'"
    spots = [
        (element, repetition, component) for element in range(6) for repetition in (1, 2, 4) for component in (1, 3)
    ]
    together = locate_all(raw, Separators(), spots)
    assert together == {
        spot: locate(raw, Separators(), spot[0], component=spot[2], repetition=spot[1]) for spot in spots
    }


def test_bytes_are_cut_out_of_the_piece_that_has_them():
    raw = RawMessage([(10, b"abc'"), (20, b"def'")])
    assert (raw.between(10, 14), raw.between(21, 23), raw.between(0, 5)) == (b"abc'", b"ef", b"")
    assert raw == RawMessage([])
    assert raw != b"abc'"


def test_a_message_made_by_hand_has_no_bytes_and_keeps_its_findings():
    raw = wrapped("BGM+220")
    (message,) = messages(raw)
    bare = MessageRead(number=1, header=message.header, segments=message.segments, offsets=message.offsets)
    assert refine([found(2, 1)], bare) == [found(2, 1)]
