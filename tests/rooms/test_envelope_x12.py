"""X12 envelopes: what is in a transmission, and what control segments promise and do not keep."""

import io
import tracemalloc

import pytest
from edifact_samples import names
from x12_samples import (
    GE,
    GS,
    IEA,
    ISA,
    ORDER,
    ORDERS,
    closings,
    codes,
    header_of,
    messages,
    opened,
    the,
    wrapped,
)

from edi_server.envelope.model import (
    Debris,
    GroupHeader,
    GroupOpened,
    Identity,
    InterchangeOpened,
    MessageHeader,
    MessageRead,
)
from edi_server.envelope.offsets import refine
from edi_server.envelope.x12 import functional_group, open_x12
from edi_server.envelope.x12_groups import GROUPS
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding, Place

TA1 = "TA1*000000070*261122*1200*A*000~"


def test_an_interchange_is_opened_read_and_closed():
    events = opened(ORDERS)
    assert names(events) == ["InterchangeOpened", "GroupOpened", "MessageRead", "GroupClosed", "InterchangeClosed"]
    assert codes(ORDERS) == []


def test_isa_is_read_without_the_blanks_that_fill_it_up():
    header = header_of(ORDERS).header
    assert (header.syntax, header.charset, header.syntax_version) == ("x12", "", "00401")
    assert header.sender == Identity(id="SENDER", qualifier="ZZ")
    assert header.recipient == Identity(id="RECEIVER", qualifier="01")
    assert (header.date, header.time, header.control_reference) == ("261123", "1405", "000000071")
    assert (header.acknowledgment_requested, header.test) == (False, False)


@pytest.mark.parametrize(("usage", "test"), [("P", False), ("T", True), ("I", True)])
def test_isa15_tells_tests_from_production(usage, test):
    assert header_of(ORDERS.replace("*0*P*", f"*1*{usage}*")).header.test is test
    assert header_of(ORDERS.replace("*0*P*", f"*1*{usage}*")).header.acknowledgment_requested


def test_an_unknown_usage_is_treated_as_a_test():
    content = ORDERS.replace("*0*P*", "*0*X*")
    assert header_of(content).header.test
    assert codes(content) == ["envelope.isa-usage"]


def test_gs_and_st_are_read():
    group = next(event for event in opened(ORDERS) if isinstance(event, GroupOpened))
    assert group.header == GroupHeader(
        message_type="PO",
        sender=Identity(id="SND"),
        recipient=Identity(id="RCV"),
        control_reference="71",
        date="20261123",
        time="1405",
        agency="X",
        version="004010",
        segment=GS[:-1].replace("*", "+"),
    )
    (message,) = messages(ORDERS)
    assert message.header == MessageHeader(
        reference="0001", type="850", version="004010", agency="X", segment="ST+850+0001"
    )
    assert message.header.directory == "004010"


@pytest.mark.parametrize(
    ("group", "convention", "association"),
    [("004010VICS", "", "VICS"), ("005010X231A1", "*005010X231A1", "X231A1"), ("005010", "*005010X231A1", "X231A1")],
)
def test_what_follows_the_version_is_the_association(group, convention, association):
    content = ORDERS.replace("004010~", f"{group}~").replace("ST*850*0001", f"ST*850*0001{convention}")
    (message,) = messages(content)
    assert (message.header.version, message.header.association) == (group[:6], association)


@pytest.mark.parametrize("isa12", ["00200", "00204", "00303", "00400", "00401", "00801"])
def test_isa_may_be_of_another_version_than_its_groups(isa12):
    content = ORDERS.replace("*00401*", f"*{isa12}*").replace("*U*", "*U*" if isa12 < "00402" else "*^*")
    assert codes(content) == []
    assert messages(content)[0].header.version == "004010"


def test_several_groups_and_interchanges_are_read():
    two = ISA + GS + ORDER + GE + GS.replace("71*X", "72*X") + ORDER + ORDER.replace("0001", "0002") + "GE*2*72~"
    content = two + "IEA*2*000000071~\r\n" + ORDERS
    assert codes(content) == []
    assert [event.number for event in opened(content) if isinstance(event, InterchangeOpened)] == [1, 2]
    assert [message.number for message in messages(content)] == [1, 2, 3, 1]
    assert [closed.messages for closed in closings(content)] == [3, 1]
    assert closings(content)[0].end == content.index("\r\n")


def test_a_ta1_is_a_message_of_one_segment():
    content = ISA + TA1 + GS + ORDER + GE + IEA
    acknowledgment, order = messages(content)
    assert (acknowledgment.header.type, acknowledgment.segments) == ("TA1", [TA1[:-1].replace("*", "+")])
    assert (acknowledgment.offsets, order.number) == ([106, 106 + len(TA1)], 2)
    assert codes(content) == []


def test_an_interchange_may_hold_a_ta1_only():
    assert codes(ISA + TA1 + IEA.replace("*1*", "*0*")) == []


def test_security_segments_outside_messages_are_let_pass():
    content = ISA + "ISB*1~ISE*200601*0515*04~" + GS + ORDER + GE + IEA
    assert codes(content) == []


def test_a_bare_message_has_unknown_parties_and_an_error():
    header = header_of(ORDER).header
    assert header.sender == header.recipient == Identity(id="")
    assert codes(ORDER) == ["envelope.isa-missing"]
    assert messages(ORDER)[0].segments == ["ST+850+0001", "BEG+00+SA+PO-1++20261123", "SE+3+0001"]


@pytest.mark.parametrize("terminator", ["~", "~\r\n", "\n", "|", "'"])
def test_a_bare_message_shows_its_separators(terminator):
    content = ORDER.replace("*", "^").replace("~", terminator)
    assert messages(content)[0].segments == messages(ORDER)[0].segments


def test_a_bare_message_may_show_its_component_separator():
    assert messages("ST*837*0001~SV1*HC:99213*1~SE*3*0001~")[0].segments[1] == "SV1+HC:99213+1"
    assert messages("ST*850*0001~MSG*at 10:30~SE*3*0001~")[0].segments[1] == "MSG+at 10\x0230"


def test_a_bare_message_names_its_version_in_st03():
    (message,) = messages("ST*999*0001*005010X231A1~AK1*PO*1~SE*3*0001~")
    assert (message.header.version, message.header.association) == ("005010", "X231A1")


def test_a_bare_group_has_an_error():
    assert codes(GS + ORDER + GE) == ["envelope.isa-missing"]
    assert messages(GS + ORDER + GE)[0].header.version == "004010"


@pytest.mark.parametrize("terminator", ["~", "\n", ""])
def test_a_bare_ta1_has_an_error(terminator):
    content = TA1.replace("~", terminator)
    assert messages(content)[0].segments == ["TA1+000000070+261122+1200+A+000"] or not terminator
    assert codes(content)[0] == "envelope.isa-missing"


def test_junk_before_and_behind_is_told():
    content = "Dear partner,\r\n" + ORDERS + "that was it"
    assert codes(content) == ["syntax.bytes-outside", "syntax.bytes-outside"]
    assert [(event.offset, event.end) for event in opened(content) if isinstance(event, Debris)] == [
        (0, 15),
        (15 + len(ORDERS), len(content)),
    ]


@pytest.mark.parametrize("padding", ["", "\r\n", " ", "\x00\x00", "\x1a"])
def test_padding_is_nothing(padding):
    assert codes(ORDERS + padding) == []


def test_nothing_and_something_else():
    assert codes("") == ["syntax.empty"]
    assert codes("Dear supplier") == ["syntax.not-x12"]


# what control segments promise


@pytest.mark.parametrize(
    ("old", "new", "code", "found", "expected", "at"),
    [
        ("SE*3*", "SE*4*", "envelope.se-count", "4", "3", "4*0001~GE"),
        ("SE*3*0001", "SE*3*0002", "envelope.se-reference", "0002", "0001", "0002~"),
        ("GE*1*", "GE*2*", "envelope.ge-count", "2", "1", "2*71"),
        ("GE*1*71", "GE*1*72", "envelope.ge-reference", "72", "71", "72~"),
        ("IEA*1*", "IEA*3*", "envelope.iea-count", "3", "1", "3*0000"),
        ("IEA*1*000000071", "IEA*1*000000072", "envelope.iea-reference", "000000072", "000000071", "000000072~"),
        ("850*0001~B", "850~B", "envelope.st-incomplete", None, "a control number", "~BEG"),
        ("GS*PO*", "GS**", "envelope.gs-incomplete", None, "a functional identifier code such as PO", "*SND"),
        ("261123*1405*U", "261323*1405*U", "envelope.isa-date", "261323", "YYMMDD", "261323"),
        ("1405*U", "2405*U", "envelope.isa-date", "2405", "HHMM", "2405*U"),
        ("20261123*1405*71", "261123*1405*71", "envelope.gs-date", "261123", "CCYYMMDD", "261123*1405*71"),
        ("*00401*", "*00000*", "envelope.x12-version", "00000", "a version such as 00401", "00000*"),
        ("ST*850", "ST*810", "envelope.group-type", "810 in PO", "IN", "810"),
        (
            "ZZ*SENDER         ",
            "ZZ*               ",
            "envelope.isa-incomplete",
            None,
            "the sender's identification",
            " " * 15,
        ),
    ],
)
def test_a_promise_not_kept_is_found_where_it_stands(old, new, code, found, expected, at):
    content = ORDERS.replace(old, new)
    assert content != ORDERS
    finding = the(code, content)
    assert (finding.found, finding.expected) == (found, expected)
    assert finding.place.offset == content.index(at)


def test_leading_zeros_do_not_make_another_number():
    assert codes(ORDERS.replace("GE*1*71", "GE*000001*071").replace("IEA*1*000000071", "IEA*00001*71")) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ISA + GS + "ST*850*0001~BEG*00~" + GE + IEA, {"envelope.se-missing": "SE*3*0001"}),
        (
            ISA + GS + "ST*850*0001~BEG*00~" + ORDER.replace("0001", "2") + "GE*2*71~" + IEA,
            {"envelope.se-missing": "SE*3*0001"},
        ),
        (ISA + GS + ORDER + IEA, {"envelope.ge-missing": "GE*1*71"}),
        (ISA + GS + ORDER + GE, {"envelope.iea-missing": "IEA*1*000000071"}),
        (ISA + GS + ORDER, {"envelope.ge-missing": "GE*1*71", "envelope.iea-missing": "IEA*1*000000071"}),
        (ISA + GS + ORDER + GE + ORDERS, {"envelope.iea-missing": "IEA*1*000000071"}),
        (ISA + GS + "GE*0*71~" + IEA, {"envelope.group-empty": "ST"}),
        (ISA + "IEA*0*000000071~", {"envelope.interchange-empty": "GS"}),
        (ISA + ORDER + "IEA*0*000000071~", {"envelope.gs-missing": "GS"}),
        (ISA + GS + "REF*1~" + ORDER + GE + IEA, {"envelope.segment-outside-message": "ST"}),
        (ISA + GS + "SE*1*1~" + ORDER + GE + IEA, {"envelope.segment-misplaced": "ST before it"}),
        (ISA + GS + ORDER + GE + "GE*1*71~" + IEA, {"envelope.segment-misplaced": "GS before it"}),
        (ISA + GS + ORDER + GE + TA1 + IEA, {"envelope.segment-misplaced": "TA1 before the first GS"}),
    ],
)
def test_what_is_missing_or_out_of_place_is_found(content, expected):
    found = {finding.code: finding.expected for event in opened(content) for finding in event.findings}
    assert found == expected


def test_references_are_unique_within_their_group():
    twice = ISA + GS + ORDER + ORDER + "GE*2*71~" + IEA
    assert the("envelope.message-reference-duplicate", twice).place.element == 2
    assert codes(ISA + (GS + ORDER + GE) * 2 + "IEA*2*000000071~") == ["envelope.group-reference-duplicate"]


def test_the_findings_about_a_message_travel_with_it():
    content = ISA + GS + ORDER.replace("SE*3", "SE*9") + ORDER.replace("0001", "0002") + "GE*2*71~" + IEA
    assert [[finding.code for finding in message.findings] for message in messages(content)] == [
        ["envelope.se-count"],
        [],
    ]


def test_a_segment_that_belongs_nowhere_is_shown_as_it_was_sent():
    content = (ISA + GS + "REF*A>B~" + ORDER + GE + IEA).replace("*", "|")
    assert the("envelope.segment-outside-message", content).found == "REF|A>B"


def test_a_place_in_a_message_is_refined_to_the_byte():
    content = wrapped("REF*DP*038", "SLN*1>22*3").decode().replace("~", "~\r\n")
    (message,) = messages(content)
    vague = Finding(code="x.y", severity="error", sentence="x", place=Place(segment=3, element=1, component=2))
    (finding,) = refine([vague], message)
    assert finding.place.offset == content.index("22")


# streams


def test_the_size_of_blocks_does_not_show():
    content = "junk " + ORDERS + wrapped("MSG*one\r\ntwo", "REF*1>2", "N1*BY*Müller").decode("latin-1") + ORDER
    assert all(opened(content, block_size=size) == opened(content) for size in (1, 7, 64, 100, 1000))


def test_memory_does_not_grow_with_the_interchange():
    order = ("ST*850*0001~" + "MSG*some text that goes on and on~" * 100 + "SE*102*0001~").encode()

    class Endless(io.RawIOBase):
        left = 2000

        def read(self, _size=-1):
            self.left -= 1
            return (ISA + GS).encode() if self.left == 1999 else order if self.left > 0 else b""

    tracemalloc.start()
    count = sum(isinstance(event, MessageRead) for event in open_x12(Endless()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1998
    assert peak < 4 * 1024 * 1024


# groups


@pytest.mark.parametrize(
    ("message", "group"),
    [
        *[("850", "PO"), ("855", "PR"), ("856", "SH"), ("810", "IN"), ("997", "FA"), ("999", "FA"), ("860", "PC")],
        *[("865", "CA"), ("820", "RA"), ("824", "AG"), ("830", "PS"), ("832", "SC"), ("846", "IB"), ("861", "RC")],
        *[("862", "SS"), ("864", "TX"), ("866", "SQ"), ("857", "BS"), ("214", "QM"), ("940", "OW"), ("943", "AR")],
        *[("944", "RE"), ("945", "SW"), ("753", "RF"), ("754", "RG"), ("210", "IM"), ("309", "AQ")],
    ],
)
def test_each_message_has_its_functional_group(message, group):
    assert functional_group(message) == group
    assert message in GROUPS[group].split()


def test_an_unknown_message_has_no_functional_group():
    with pytest.raises(ConfigurationError, match="'123'"):
        functional_group("123")
