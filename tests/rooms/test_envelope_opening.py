"""Whatever comes is opened: EDIFACT, X12, and both in one file; anything else is called by its name."""

import gzip
import io

import edifact_samples
import pytest
import x12_samples

from edi_server.envelope.model import Debris, InterchangeOpened, MessageRead
from edi_server.envelope.opening import open_interchanges

EDIFACT = edifact_samples.wrapped("BGM+220")
X12 = x12_samples.ORDERS.encode()


def opened(content, **options):
    return list(open_interchanges(io.BytesIO(content), **options))


def syntaxes(content):
    return [event.header.syntax for event in opened(content) if isinstance(event, InterchangeOpened)]


def codes(content):
    return [finding.code for event in opened(content) for finding in event.findings]


def test_edifact_is_opened_as_by_its_own_door():
    content = b"junk " + EDIFACT * 2 + b"more"
    assert opened(content) == edifact_samples.opened(content)


def test_x12_is_opened_as_by_its_own_door():
    content = b"junk " + X12 * 2 + b"more"
    assert opened(content) == x12_samples.opened(content)


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_interchanges_of_both_are_read_in_their_order(between):
    content = between.join([X12, EDIFACT, EDIFACT, X12, EDIFACT])
    assert syntaxes(content) == ["x12", "edifact", "edifact", "x12", "edifact"]
    assert [event.number for event in opened(content) if isinstance(event, InterchangeOpened)] == [1, 2, 3, 4, 5]
    starts = [event.offset for event in opened(content) if isinstance(event, InterchangeOpened)]
    assert all(content[at : at + 3] in (b"ISA", b"UNB") for at in starts)
    assert set(codes(content)) <= {"syntax.byte-order-mark"}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + X12,
        b"// comment\r\n" + X12,
        b"From: somebody\r\n\r\n" + X12,
        b" " * 10_000 + X12,
        b"junk " * 20_000 + X12,
        X12.decode().encode("cp037"),
        x12_samples.ORDER.encode(),
        (x12_samples.GS + x12_samples.ORDER + x12_samples.GE).encode(),
    ],
    ids=["BOM", "comment", "mail", "blanks", "junk", "EBCDIC", "bare message", "bare group"],
)
def test_x12_is_found_wherever_it_begins(content):
    assert syntaxes(content) == ["x12"]
    assert sum(isinstance(event, MessageRead) for event in opened(content)) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b'<?xml version="1.0"?><Order/>', "XML"),
        (b"number;date;article\n1;2;3\n", "columns"),
        (b"number,date,article\n1,2,3\n", "columns"),
        (b"number\tdate\tarticle\n", "columns"),
        (b"STX=ANA:1+5000000000000:SENDER+5000000000001:US+261123:140500+71'", "TRADACOMS"),
        (b"EDI_DC40  1000000000000123456", "IDoc"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (gzip.compress(EDIFACT), "gzip"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ", "PGP"),
        (b"\x85\x02\x0c\x03abc", "PGP"),
        (b'{"order": 1}', "JSON"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "office"),
        (b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello", "e-mail"),
        (b"51102" + b"1" * 123 + b"\r\n", "VDA"),
        (b"Dear supplier", "neither"),
    ],
)
def test_anything_else_is_called_by_its_name(content, words):
    (event,) = opened(content)
    assert isinstance(event, Debris)
    (finding,) = event.findings
    assert (finding.code, finding.severity) == ("syntax.not-edi", "error")
    assert words in finding.sentence


def test_the_size_of_blocks_does_not_show():
    content = b"junk" + X12 + EDIFACT + b"\r\nmore\r\n" + X12
    assert all(opened(content, block_size=size) == opened(content) for size in (1, 64, 100))
