"""The first bytes tell what a transmission is."""

import pytest
from edifact_samples import ORDER, wrapped

from edi_server.syntax.sniff import ENOUGH, sniff

EDIFACT = wrapped("BGM+220")
ISA = b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *261123*1405*U*00401*000000001*0*P*>~"


@pytest.mark.parametrize(
    ("head", "syntax", "tag"),
    [
        (EDIFACT, "edifact", "UNB"),
        (b"UNA:+.? '" + EDIFACT, "edifact", "UNA"),
        (b"UNA:+.? '\r\n" + EDIFACT, "edifact", "UNA"),
        (b"\xef\xbb\xbf" + EDIFACT, "edifact", "UNB"),
        (b" \r\n\t\x00" + EDIFACT, "edifact", "UNB"),
        (b"Content-Type: text\r\n\r\n" + EDIFACT, "edifact", "UNB"),
        (b"UNB|UNOA;3|A|B", "edifact", "UNB"),
        (b"UNB\x1dUNOB\x1f1\x1dA", "edifact", "UNB"),
        (b"UN\r\nB+UN\r\nOA:3+A+B", "edifact", "UNB"),
        (ORDER.encode(), "edifact", "UNH"),
        (b"UNG+ORDERS+A+B+261123:1405+1+UN+D:96A'", "edifact", "UNG"),
        (ISA, "x12", "ISA"),
        (b"\xef\xbb\xbf\r\n" + ISA, "x12", "ISA"),
        (b"// comment\n" + ISA, "x12", "ISA"),
        (b"ST*850*0001~BEG*00", "x12", "ST"),
        (b'<?xml version="1.0"?><Order/>', "xml", ""),
        (b"\n  <Order xmlns='x'><Text>UNB+UNOA:1+A+B</Text></Order>", "xml", ""),
        (b"<!DOCTYPE cXML>", "xml", ""),
        ('<?xml version="1.0"?><Order/>'.encode("utf-16"), "xml", ""),
        (b"", "empty", ""),
        (b"\xef\xbb\xbf \r\n\x00\x1a", "empty", ""),
        (b"Dear supplier, please find attached", "other", ""),
        (b"%PDF-1.4\n", "other", ""),
        (b"a < b and c > d", "other", ""),
        (b"UNBELIEVABLE", "other", ""),
        (b"number;date;article\n1;2;3", "other", ""),
    ],
)
def test_the_syntax_is_recognised(head, syntax, tag):
    kind = sniff(head)
    assert (kind.syntax, kind.tag) == (syntax, tag)
    assert kind.sentence.endswith(".")


def test_where_it_starts_is_told():
    assert sniff(b"\xef\xbb\xbf\r\njunk\r\n" + EDIFACT).start == 11


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("UNB+UNOY:3".encode("utf-16"), "UTF-16"),
        ("UNB+UNOA:3".encode("cp500"), "EBCDIC"),
        (b"UIB+UNOA:4+", "interactive"),
        (b"UNA:+.? 'UIB+UNOA:4+", "interactive"),
        (b"BGM+220+PO-1+9'DTM+137'", "UNB"),
    ],
)
def test_what_comes_near_is_told_why_it_is_not_read(head, words):
    kind = sniff(head)
    assert kind.syntax == "other"
    assert words in kind.sentence


def test_a_cut_head_is_enough():
    assert sniff((b"junk\n" * 100 + EDIFACT * 100)[:ENOUGH]).syntax == "edifact"


@pytest.mark.parametrize("between", [b"", b"\r\n", b"junk that goes on for a while\r\n" * 20])
def test_whichever_syntax_begins_first_is_it(between):
    assert sniff(ISA + between + EDIFACT).tag == "ISA"
    assert sniff(EDIFACT + between + ISA).tag == "UNB"
    assert sniff(between + ISA + EDIFACT) == sniff(between + ISA)
    assert sniff(ISA[:20] + EDIFACT).tag == "ISA"
