"""Looking into files and trying them out: any bytes, any profile, nothing stored."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.desk.excerpts import Pointing, readable
from edi_server.desk.inspecting import InterchangeSeen, MessageSeen, NotEdi, inspect
from edi_server.desk.profiles import check_profiles, explain_profile
from edi_server.desk.translating import DryRun, Rendered
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place
from edi_server.samples import SAMPLES
from edi_server.syntax.separators import Separators

ROOT = Path(__file__).parents[2]
SAMPLE = {sample.name: sample.content for sample in SAMPLES}


@pytest.fixture(scope="module")
def configuration():
    return Configuration.load(None, {"EDI_SERVER_PATHS__PARTNERS": str(ROOT / "partners")})


def look(content):
    return list(inspect(io.BytesIO(content), lambda start, end: content[start:end]))


def translate(configuration, partner, content, agreement=None):
    dry_run = DryRun(configuration, partner, agreement)
    return list(dry_run.translate(io.BytesIO(content), lambda start, end: content[start:end]))


# Inspect


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_looked_into_without_an_exception(content):
    assert look(content)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_to_a_message_is_found_and_shown_in_its_bytes(data):
    content = bytearray(SAMPLE["orders-2026-11-23.edi"][:700])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for seen in look(bytes(content)):
        for pointed in () if isinstance(seen, NotEdi) else seen.findings:
            if pointed.excerpt is not None:
                assert 0 <= pointed.excerpt.offset <= len(content)
                assert 0 <= pointed.excerpt.mark <= len(pointed.excerpt.segment) + 1


@pytest.mark.parametrize(
    ("content", "syntax"),
    [
        (b"", "empty"),
        (b"  \r\n", "empty"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"hello", "other"),
    ],
)
def test_what_is_no_edi_is_named(content, syntax):
    [seen] = look(content)
    assert isinstance(seen, NotEdi)
    assert seen.kind.syntax == syntax
    assert seen.finding.severity == "error"


def test_messages_are_checked_against_the_guide_that_they_name():
    seen = look(SAMPLE["orders-2026-11-23.edi"])
    messages = [one for one in seen if isinstance(one, MessageSeen)]
    assert [(one.number, one.guide, one.is_rejected) for one in messages] == [
        (1, "ORDERS D.96A", False),
        (2, "ORDERS D.96A", False),
        (3, "ORDERS D.96A", True),
        (4, "ORDERS D.96A", False),
    ]
    assert [one.header.control_reference for one in seen if isinstance(one, InterchangeSeen)] == ["NM000102"]


def test_memory_does_not_grow_with_the_number_of_messages():
    import tracemalloc

    message = SAMPLE["orders-2026-11-23.edi"]
    head, body = message[: message.index(b"UNH+1")], message[message.index(b"UNH+1") : message.index(b"UNH+2")]

    class Endless(io.RawIOBase):
        """The same message again and again; nothing of it is kept here."""

        def __init__(self, count):
            self.left = count
            self.piece = head

        def readable(self):
            return True

        def readinto(self, buffer):
            if not self.piece and self.left:
                self.left -= 1
                self.piece = body
            taken = self.piece[: len(buffer)]
            buffer[: len(taken)] = taken
            self.piece = self.piece[len(taken) :]
            return len(taken)

    def peak(count):
        tracemalloc.reset_peak()
        source = io.BufferedReader(Endless(count))
        seen = sum(isinstance(one, MessageSeen) for one in inspect(source, lambda start, end: (head + body)[start:end]))
        assert seen == count
        return tracemalloc.get_traced_memory()[1]

    peak(50)
    tracemalloc.start()
    try:
        few, many = peak(500), peak(2_000)
    finally:
        tracemalloc.stop()
    assert many < few * 1.3 + 200_000


# Excerpts


def point(content, place, **about):
    finding = Finding(code="x", severity="error", sentence="?", place=place)
    return Pointing(lambda start, end: content[start:end], **about).point(finding).excerpt


def test_an_excerpt_ends_at_terminators_that_are_not_released():
    content = b"UNB+A'FTX+it?'s??'\r\nBGM+1'"
    shown = point(content, Place(offset=6, element=1))
    assert (shown.before, shown.segment, shown.after) == ("UNB+A'", "FTX+it?'s??'", "BGM+1'")
    assert shown.segment[shown.mark :] == "it?'s??'"


def test_an_excerpt_uses_the_separators_and_the_character_set_of_its_interchange():
    separators = Separators(component=">", element="|", terminator="~")
    content = "UNB|A~NAD|BY|Örebro>Å~".encode("latin-1")
    shown = point(content, Place(offset=6, element=2, component=2), separators=separators, charset="UNOC")
    assert shown.segment == "NAD|BY|Örebro>Å~"
    assert shown.segment[shown.mark :] == "Å~"


def test_a_place_without_offset_has_no_excerpt_and_one_behind_the_end_an_empty_one():
    assert point(b"UNB+A'", Place(segment=1)) is None
    assert point(b"UNB+A'", Place(offset=6)).segment == ""
    assert point(b"", Place(offset=0)).segment == ""


def test_an_endless_segment_is_cut():
    shown = point(b"FTX+" + b"x" * 10_000, Place(offset=5_000))
    assert len(shown.segment) < 1_000


def test_what_could_move_a_cursor_is_shown_as_a_dot():
    assert readable("a\x1b[2Jb\rc\u202ed\u0085") == "a·[2Jb·c·d·"


# Translate


def test_each_message_becomes_the_document_that_it_would_be(configuration):
    rendered = translate(configuration, "nordmarkt", SAMPLE["orders-2026-11-23.edi"])
    assert [(one.document.number, one.is_invalid) for one in rendered] == [
        ("4500012346", False),
        ("4500012347", False),
        ("4500012348", True),
        ("4500012349", False),
    ]
    assert rendered[0].agreement == "nordmarkt/orders-in"
    assert rendered[0].coverage.filled == rendered[0].coverage.read + rendered[0].coverage.kept + len(
        rendered[0].coverage.not_carried
    )


def test_a_message_of_another_partner_is_named_and_not_translated(configuration):
    [rendered] = translate(configuration, "nordmarkt", SAMPLE["bk-2026-0815.edi"])
    assert rendered.document is None
    assert "partner.sender-of-other-mailbox" in [one.finding.code for one in rendered.findings]
    [forced] = translate(configuration, "nordmarkt", SAMPLE["bk-2026-0815.edi"], agreement="Order")
    assert forced.document.number == "BK-2026-0815"


def test_what_is_wrong_with_the_envelope_is_told_beside_the_messages(configuration):
    parts = translate(configuration, "nordmarkt", SAMPLE["order-4500012345.edi"].replace(b"UNZ+1+", b"UNZ+7+"))
    codes = [one.finding.code for part in parts if not isinstance(part, Rendered) for one in part.findings]
    assert codes == ["envelope.unz-count"]


@settings(max_examples=50, deadline=None)
@given(content=st.binary(max_size=300) | st.binary(max_size=60).map(lambda junk: SAMPLE["po-1.edi"][:300] + junk))
def test_any_bytes_are_tried_without_an_exception(configuration, content):
    translate(configuration, "nordmarkt", content, agreement="orders-in")


@pytest.mark.parametrize(
    ("partner", "agreement", "sentence"),
    [
        ("nordmark", None, "there are: borealis, nordmarkt"),
        ("nordmarkt", "invoices", "choose one of: orders-in, despatch-out"),
    ],
)
def test_a_partner_or_agreement_that_is_not_there_is_named_with_those_that_are(
    configuration, partner, agreement, sentence
):
    with pytest.raises(NotPossible, match=sentence):
        DryRun(configuration, partner, agreement)


# Profiles


def test_shipped_profiles_and_the_demos_agreements_have_no_author_errors(configuration):
    checked = check_profiles(configuration)
    assert {one.name for one in checked} >= {"edifact/orders", "edifact/desadv", "borealis/orders-in"}
    assert [one.problems for one in checked] == [()] * len(checked)
    assert all(one.guides for one in checked)


@pytest.fixture
def wrong(tmp_path):
    partners = tmp_path / "partners"
    partners.mkdir()
    text = (ROOT / "partners" / "borealis.toml").read_text().replace("QTY[6063=21].6411", "QTY[6063=21].9999")
    (partners / "borealis.toml").write_text(text.replace(', why = "Styck, a piece"', ""))
    return Configuration.load(None, {"EDI_SERVER_PATHS__PARTNERS": str(partners)})


def test_an_author_error_is_told_with_file_line_and_key(wrong):
    [orders, despatch] = check_profiles(wrong, partner="borealis")
    assert despatch.problems == ()
    assert {(Path(one.file).name, one.line) for one in orders.problems} == {
        ("borealis.toml", 26),
        ("borealis.toml", 29),
    }
    with pytest.raises(ConfigurationError, match=r"borealis.toml:29: codes.unit.ST"):
        explain_profile(wrong, "borealis", "orders-in")


def test_each_effective_line_says_where_it_is_from_and_why(configuration):
    lines = {one.key: one for one in explain_profile(configuration, "borealis", "orders-in").lines}
    theirs, ours = lines["document.deliver_on"], lines["document.number"]
    assert (Path(theirs.source.file).name, theirs.why is not None) == ("borealis.toml", True)
    assert (Path(ours.source.file).name, ours.why) == ("orders.toml", None)
    assert lines["codes.unit.ST"].codec == "is PCE"


def test_what_an_agreement_switched_off_is_explained_too(configuration):
    off = [one for one in explain_profile(configuration, "nordmarkt", "ORDERS").lines if one.direction == "off"]
    assert [(one.key, Path(one.source.file).name) for one in off] == [('computed."CNT[6069=2].6066"', "nordmarkt.toml")]
    assert off[0].why.startswith("Their CNT counts")


CORPUS = ROOT.parent / "shared" / "corpus" / "samples"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared is missing")
def test_every_file_of_the_corpus_is_looked_into():
    counted = 0
    for path in sorted(one for one in CORPUS.rglob("*") if one.is_file()):
        with path.open("rb") as source:
            seen = list(
                inspect(source, lambda start, end, source=source: os.pread(source.fileno(), end - start, start))
            )
        assert seen, path
        if not any(isinstance(one, InterchangeSeen) for one in seen):
            assert any(isinstance(one, NotEdi) or one.findings for one in seen), f"{path} ends in nothing"
        counted += 1
    assert counted > 1_000
