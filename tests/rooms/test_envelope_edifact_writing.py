"""Envelopes are written around bodies, with right counts and references."""

import pytest
from edifact_samples import codes, header_of, messages, opened

from edi_server.envelope.edifact import close_interchange, close_message, wrap_edifact
from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader
from edi_server.syntax.separators import Separators

MESSAGE = MessageHeader(reference="1", type="ORDERS", version="D", release="96A", agency="UN")
HEADER = InterchangeHeader(
    syntax="edifact",
    charset="UNOC",
    syntax_version="3",
    sender=Identity(id="4012345000009", qualifier="14"),
    recipient=Identity(id="4098765000010", qualifier="14"),
    date="261123",
    time="1405",
    control_reference="7001",
)


def test_a_message_is_closed_with_its_count_and_reference():
    assert close_message(MESSAGE, ["BGM+220", "LIN+1"]) == ["UNH+1+ORDERS:D:96A:UN", "BGM+220", "LIN+1", "UNT+4+1"]


def test_the_association_is_written_where_there_is_one():
    header = MessageHeader(
        reference="a+b", type="DESADV", version="D", release="96A", agency="UN", association="EAN005"
    )
    assert close_message(header, []) == ["UNH+a\x01b+DESADV:D:96A:UN:EAN005", "UNT+2+a\x01b"]


def test_an_interchange_is_closed_with_its_count_and_reference():
    segments = close_interchange(HEADER, [["UNH", "UNT"], ["UNH", "UNT"]])
    assert segments == [
        "UNB+UNOC:3+4012345000009:14+4098765000010:14+261123:1405+7001",
        "UNH",
        "UNT",
        "UNH",
        "UNT",
        "UNZ+2+7001",
    ]


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"application_reference": "ORDERS"}, "+7001++ORDERS"),
        ({"acknowledgment_requested": True}, "+7001++++1"),
        ({"agreement": "EANCOM"}, "+7001+++++EANCOM"),
        ({"test": True}, "+7001++++++1"),
        ({"recipient": Identity(id="R:1", qualifier="ZZ", routing="X")}, "+R\x021:ZZ:X+261123:1405+7001"),
        ({"recipient": Identity(id="R", routing="X")}, "+R::X+261123:1405+7001"),
    ],
)
def test_every_part_of_the_header_has_its_place(changes, end):
    header = InterchangeHeader(**{field: getattr(HEADER, field) for field in HEADER.__struct_fields__} | changes)
    assert close_interchange(header, [])[0].endswith(end)


@pytest.mark.parametrize(
    "separators",
    [Separators(), Separators(una=True), Separators(component=";", element="|", release="\\", terminator="~")],
)
@pytest.mark.parametrize(
    ("charset", "version", "date"), [("UNOC", "3", "261123"), ("UNOY", "4", "20261123"), ("UNOD", "2", "261123")]
)
def test_what_is_written_is_read_again_without_a_finding(separators, charset, version, date):
    values = {field: getattr(HEADER, field) for field in HEADER.__struct_fields__}
    values |= {"separators": separators, "charset": charset, "syntax_version": version, "date": date, "test": True}
    header = InterchangeHeader(**values)
    body = ["BGM+220+PO\x01\x021+9", "FTX+AAI+++ö\x03clock? 2\x053"]
    written = close_message(MESSAGE, body)
    content, findings = wrap_edifact(header, [written], line_breaks=True)
    assert findings == []
    assert codes(content) == []
    assert [message.segments for message in messages(content)] == [written]
    again = header_of(content).header
    for field in ("charset", "syntax_version", "sender", "recipient", "date", "time", "control_reference", "test"):
        assert getattr(again, field) == getattr(header, field)


def test_an_interchange_without_messages_counts_none():
    content, _ = wrap_edifact(HEADER, [])
    assert content.endswith(b"UNZ+0+7001'")
    assert len(opened(content)) == 2
