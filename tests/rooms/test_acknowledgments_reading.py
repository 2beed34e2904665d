"""Received acknowledgments: one record for every kind, down to the message, and what a new one is beside earlier ones."""

from __future__ import annotations

import pytest

from edi_server.acknowledgments import (
    Kind,
    MessageAnswer,
    Outcome,
    ReceivedAcknowledgment,
    compare,
    read_acknowledgment,
)
from edi_server.envelope.model import Identity, InterchangeHeader, MessageHeader, MessageRead

WE, THEY = Identity(id="WE", qualifier="ZZ"), Identity(id="THEY", qualifier="ZZ")
CARRIER = InterchangeHeader(syntax="x12", charset="", syntax_version="00401", sender=THEY, recipient=WE)


def read(kind: str, *body: str) -> ReceivedAcknowledgment:
    segments = [*body] if kind == "TA1" else [f"ST+{kind}+0001", *body, "SE+0+0001"]
    message = MessageRead(number=1, header=MessageHeader(type=kind), segments=segments, offsets=[])
    answer = read_acknowledgment(message, CARRIER)
    assert answer is not None
    assert (answer.kind, answer.sender, answer.recipient) == (kind, WE, THEY) or kind == "CONTRL"
    return answer


def outcomes(answer: ReceivedAcknowledgment) -> list[tuple[str, Outcome]]:
    return [(one.reference, one.outcome) for one in answer.messages]


def codes(answer: ReceivedAcknowledgment) -> list[str]:
    return [finding.code for finding in answer.findings]


def test_a_997_is_read_down_to_the_element() -> None:
    answer = read(
        "997",
        "AK1+SH+51",
        "AK2+856+0001",
        "AK5+A",
        "AK2+856+0002",
        "AK3+HL+3++8",
        "AK4+2:1+628+7+ZZ",
        "AK3+REF+9+N1+3",
        "AK5+R+5+4",
        "AK9+P+2+2+1",
    )
    assert (answer.group_reference, answer.group_type, answer.action) == ("51", "SH", "P")
    assert (answer.outcome, answer.unnamed) == ("partially accepted", None)
    assert outcomes(answer) == [("0001", "accepted"), ("0002", "rejected")]
    element, missing, five, four = answer.errors
    assert (element.message, element.group, element.tag, element.segment) == ("0002", "51", "HL", 3)
    assert (element.element, element.component, element.data_element, element.found) == (2, 1, "628", "ZZ")
    assert element.meaning == "a code or value is not one that is allowed"
    assert (missing.code, missing.tag, missing.segment, missing.element) == ("3", "REF", 9, None)
    assert (five.code, four.code) == ("5", "4")
    (group,) = answer.groups
    assert (group.included, group.received, group.accepted) == (2, 2, 1)
    assert answer.findings == ()


def test_a_999_tells_its_context() -> None:
    answer = read(
        "999",
        "AK1+HC+17456+005010X222A1",
        "AK2+837+0002",
        "IK3+REF+57++3",
        "CTX+SITUATIONAL TRIGGER+CLM+43",
        "IK3+CLM+22++8",
        "CTX+CLM01:123456789",
        "IK4+2+782+I12",
        "IK5+R+I5",
        "AK9+R+1+1+0",
    )
    missing, element, five = answer.errors
    assert (missing.code, missing.text) == ("3", "SITUATIONAL TRIGGER CLM 43")
    assert (element.code, element.segment, element.element) == ("I12", 22, 2)
    assert five.meaning == "segments are in error by the implementation guide"


def test_messages_that_are_not_listed_share_what_the_group_says() -> None:
    assert read("997", "AK1+PO+1", "AK9+A+3+3+3").unnamed == "accepted"
    assert read("997", "AK1+PO+1", "AK9+R+3+3+0").unnamed == "rejected"
    only_refused = read("997", "AK1+PO+1", "AK2+850+0002", "AK5+R", "AK9+P+3+3+2")
    assert (only_refused.outcome, only_refused.unnamed) == ("partially accepted", "accepted")
    lost = read("997", "AK1+PO+1", "AK9+A+3+2+2")
    assert (lost.outcome, lost.unnamed, codes(lost)) == ("accepted", None, ["acknowledgment.messages-missing"])
    unclear = read("997", "AK1+PO+1", "AK2+850+0002", "AK5+R", "AK9+P+4+4+1")
    assert (unclear.outcome, unclear.unnamed) == ("partially accepted", None)


def test_accepted_with_errors_is_kept_apart() -> None:
    noted = read("997", "AK1+PO+1", "AK2+850+0001", "AK3+N1+5++8", "AK4+2++5", "AK5+A", "AK9+A+1+1+1")
    assert outcomes(noted) == [("0001", "accepted with errors")]
    assert noted.outcome == "accepted with errors"
    assert read("997", "AK1+PO+1", "AK2+850+0001", "AK5+E", "AK9+E+1+1+1").outcome == "accepted with errors"
    assert read("997", "AK1+PO+1", "AK9+E+1+1+1+5").outcome == "accepted with errors"


@pytest.mark.parametrize("code", ["M", "W", "X"])
def test_what_security_refuses_is_rejected_with_its_reason(code: str) -> None:
    answer = read("997", "AK1+PO+1", "AK2+850+0001", f"AK5+{code}", f"AK9+{code}+1+1+0")
    assert answer.outcome == "rejected"
    assert [error.code for error in answer.errors] == [code, code]
    assert "do not know" not in answer.errors[0].meaning


def test_where_ak9_contradicts_ak5_the_messages_count_and_a_finding_says_so() -> None:
    counted = read("997", "AK1+PO+1", "AK2+850+1", "AK5+A", "AK2+850+2", "AK5+R", "AK9+P+2+2+2")
    assert (counted.outcome, codes(counted)) == ("partially accepted", ["acknowledgment.count-contradicted"])
    summed = read("997", "AK1+PO+1", "AK2+850+1", "AK5+A", "AK9+R+1+1+1")
    assert (summed.outcome, codes(summed)) == ("accepted", ["acknowledgment.outcome-contradicted"])
    assert (summed.findings[0].found, summed.findings[0].expected) == ("R", "accepted")
    more = read("997", "AK1+PO+1", "AK2+850+1", "AK5+A", "AK2+850+2", "AK5+A", "AK9+A+1+1+1")
    assert codes(more) == ["acknowledgment.count-contradicted"]


def test_what_says_neither_yes_nor_no_is_a_finding_and_no_outcome() -> None:
    odd = read("997", "AK1+PO+1", "AK2+850+1", "AK5+Q", "AK9+Z+1+1+1")
    assert (odd.outcome, odd.messages) == (None, ())
    assert codes(odd) == ["acknowledgment.action-unknown"] * 2
    silent = read("997", "AK1+PO+1", "AK2+850+1", "AK2+850+2", "AK5+A", "AK9+A+2+2+2")
    assert outcomes(silent) == [("2", "accepted")]
    assert codes(silent) == ["acknowledgment.outcome-missing"]
    assert codes(read("TA1", "TA1+000000001+261123+0900+Q+000")) == ["acknowledgment.action-unknown"]
    assert codes(read("824", "OTI+ZZ+PO+1")) == ["acknowledgment.action-unknown"]


def test_a_ta1_says_nothing_of_messages_unless_it_rejects() -> None:
    accepted = read("TA1", "TA1+000000101+261123+0905+A+000")
    assert (accepted.control_reference, accepted.outcome, accepted.unnamed) == ("000000101", "accepted", None)
    rejected = read("TA1", "TA1+000000101+261123+0905+R+025")
    assert (rejected.outcome, rejected.unnamed) == ("rejected", "rejected")
    assert rejected.errors[0].meaning == "an interchange with this control number was there before"
    odd = read("TA1", "TA1+000000101+261123+0905+A+005")
    assert (odd.outcome, codes(odd)) == ("accepted with errors", ["acknowledgment.outcome-contradicted"])


def test_an_824_is_read_by_document_with_its_reasons_in_words() -> None:
    answer = read(
        "824",
        "BGN+11+3+20261123",
        "OTI+TR+IV+R-77+++20261123+0905+51+0003+810+004010",
        "TED+010+The total is wrong+TDS+7+1+610+8400+8500",
        "NTE++ by one hundred.",
        "OTI+TA+IV+R-78+++++51+0004+810",
    )
    assert (answer.outcome, answer.group_reference) == ("partially accepted", "51")
    assert answer.messages == (
        MessageAnswer(reference="0003", type="810", outcome="rejected", group="51", document="R-77"),
        MessageAnswer(reference="0004", type="810", outcome="accepted", group="51", document="R-78"),
    )
    (error,) = answer.errors
    assert (error.code, error.meaning) == ("010", "a total does not agree with its parts")
    assert (error.text, error.segment, error.element, error.found) == (
        "The total is wrong by one hundred.",
        7,
        1,
        "8400",
    )


def test_items_that_are_rejected_leave_a_message_partially_accepted() -> None:
    answer = read("824", "OTI+TA+TN+NA+++++1+0021+837", "OTI+IR+IX+NA+++++1+0021+837", "OTI+IA+IX+NA+++++1+0021+837")
    assert outcomes(answer) == [("0021", "partially accepted")]
    assert read("824", "OTI+TH+TN+1+++++1+0021").outcome is None


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (["BGM++1+29+AP"], "accepted"),
        (["BGM++1+27"], "rejected"),
        (["BGM+305+1++RE"], "rejected"),
        (["BGM++1"], "accepted"),
        (["BGM++1", "ERC+12", "FTX+AAI+++no such: article"], "rejected"),
        (["BGM++1++AP", "ERC+12"], "accepted with errors"),
    ],
)
def test_an_aperak_says_yes_or_no_in_one_of_three_ways(body: list[str], outcome: str) -> None:
    answer = read("APERAK", *body[:1], "RFF+ON:4711", *body[1:])
    assert (answer.outcome, answer.messages[0].document) == (outcome, "4711")


def test_an_aperak_names_our_message_and_the_place_in_it() -> None:
    answer = read(
        "APERAK",
        "BGM++1+27+RE",
        "RFF+ACW:7",
        "RFF+TN:201",
        "ERC+MISSING::ZZZ",
        "FTX+AAO+++No date:at all",
        "RFF+ACW:7:3",
    )
    assert (answer.control_reference, answer.messages[0].reference) == ("201", "7")
    (error,) = answer.errors
    assert (error.code, error.message, error.text, error.segment) == ("MISSING", "7", "No date at all", 3)
    assert read("APERAK", "BGM++1", "RFF+TN:201").control_reference == ""


def test_groups_of_a_contrl_say_what_becomes_of_messages_they_do_not_name() -> None:
    answer = read(
        "CONTRL",
        "UCI+R+WE+THEY+7",
        "UCF+G1+A+B+7",
        "UCM+1+DESADV:D:96A:UN+4",
        "UCF+G2+A+B+4+29+UNE+2",
    )
    assert answer.unnamed == "accepted"
    assert [(one.reference, one.outcome, one.unnamed) for one in answer.groups] == [
        ("G1", "rejected", "accepted"),
        ("G2", "rejected", "rejected"),
    ]
    assert answer.messages[0].group == "G1"
    assert (answer.errors[0].group, answer.errors[0].tag) == ("G2", "UNE")


def test_a_contrl_that_rejects_all_and_accepts_some_is_taken_by_its_messages() -> None:
    answer = read("CONTRL", "UCI+R+WE+THEY+4", "UCM+1+DESADV:D:96A:UN+7")
    assert (answer.outcome, codes(answer)) == ("partially accepted", ["acknowledgment.outcome-contradicted"])


def test_what_is_no_acknowledgment_or_about_nothing_is_none() -> None:
    for kind in ("ORDERS", "997", "999", "824", "APERAK", "CONTRL", "TA1"):
        message = MessageRead(number=1, header=MessageHeader(type=kind), segments=["ST+X"], offsets=[])
        assert read_acknowledgment(message, CARRIER) is None


def answer(kind: Kind = "997", outcome: Outcome | None = "accepted", **messages: Outcome) -> ReceivedAcknowledgment:
    return ReceivedAcknowledgment(
        kind=kind,
        control_reference="",
        sender=WE,
        recipient=THEY,
        action="",
        outcome=outcome,
        messages=tuple(
            MessageAnswer(reference=reference, type="856", outcome=one) for reference, one in messages.items()
        ),
    )


@pytest.mark.parametrize(
    ("previous", "new", "standing"),
    [
        ([], answer(), "first"),
        ([answer()], answer(), "repeat"),
        ([answer(m1="accepted")], answer(m1="accepted"), "repeat"),
        ([answer(m1="accepted")], answer(outcome="rejected", m1="rejected"), "contradictory"),
        ([answer(outcome="rejected")], answer(), "contradictory"),
        ([answer("CONTRL", None)], answer("CONTRL"), "first"),
        ([answer("CONTRL", None)], answer("CONTRL", None), "repeat"),
        ([answer("TA1")], answer("997"), "first"),
        ([answer("TA1")], answer("997", "rejected"), "first"),
        ([answer("TA1", "rejected")], answer("997"), "contradictory"),
        ([answer("997")], answer("824", "rejected", m1="rejected"), "first"),
        ([answer("997", "rejected", m1="rejected")], answer("824", m1="accepted"), "contradictory"),
        ([answer("824", m1="accepted")], answer("824", m2="rejected", outcome="rejected"), "first"),
        ([answer("824", m1="accepted")], answer("APERAK", m1="rejected", outcome="rejected"), "contradictory"),
        ([answer(outcome="partially accepted", m1="rejected")], answer(m1="accepted"), "contradictory"),
    ],
)
def test_a_new_answer_is_compared_with_what_was_said_before(
    previous: list[ReceivedAcknowledgment], new: ReceivedAcknowledgment, standing: str
) -> None:
    assert compare(previous, new, is_known=True) == standing
    assert compare(previous, new, is_known=False) == "unknown"
    assert compare(previous, new, is_known=True, is_overdue=True) == ("late" if standing == "first" else standing)
