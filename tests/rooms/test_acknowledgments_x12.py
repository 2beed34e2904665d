"""TA1, 997, 999, 824 and APERAK: what is said about interchanges, groups and messages, and with which codes."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from edi_server.acknowledgments import (
    DUPLICATE,
    SUSPENDED,
    Advice,
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    Policy,
    answer_group,
    answer_header,
    answered_version,
    functional_header,
    is_advised,
    is_answered,
    judge,
    wants_functional,
    wants_ta1,
    write_824,
    write_997,
    write_999,
    write_aperak,
    write_contrl,
    write_ta1,
)
from edi_server.acknowledgments.x12_error_codes import X12_FAULTS, message_code
from edi_server.acknowledgments.x12_meanings import (
    ELEMENT_ERRORS,
    GROUP_ERRORS,
    MESSAGE_ERRORS,
    NOTES,
    SEGMENT_ERRORS,
)
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, Place, Severity
from edi_server.guides import load_guide

NOW = datetime(2026, 11, 23, 14, 30)  # noqa: DTZ001 — in the partner's zone
THEY, WE = Identity(id="NORDMARKT", qualifier="ZZ"), Identity(id="EXAMPLE", qualifier="ZZ")


def fault(code: str, severity: Severity = "error", *, found: str | None = None, **place: object) -> Finding:
    return Finding(code=code, severity=severity, sentence="Wrong.", found=found, place=Place(**place))  # type: ignore[arg-type]


def header(**changes: object) -> InterchangeHeader:
    values: dict[str, object] = {
        "syntax": "x12",
        "charset": "",
        "syntax_version": "00401",
        "sender": THEY,
        "recipient": WE,
        "date": "261123",
        "time": "0905",
        "control_reference": "000000101",
    }
    return InterchangeHeader(**values | changes)  # type: ignore[arg-type]


def message(reference: str = "0001", *findings: Finding, kind: str = "850", version: str = "004010") -> CheckedMessage:
    guide = load_guide(syntax="x12", version=version, message="850")
    return CheckedMessage(
        header=MessageHeader(reference=reference, type=kind, version=version, agency="X"),
        findings=findings,
        guide=guide,
    )


def group(
    *messages: CheckedMessage, findings: tuple[Finding, ...] = (), version: str = "004010", kind: str = "PO"
) -> CheckedGroup:
    gs = GroupHeader(
        message_type=kind,
        sender=Identity(id="NORD"),
        recipient=Identity(id="EX"),
        control_reference="51",
        date="20261123",
        time="0905",
        version=version,
    )
    return CheckedGroup(header=gs, findings=findings, messages=messages)


def interchange(*groups: CheckedGroup, findings: tuple[Finding, ...] = (), **changes: object) -> CheckedInterchange:
    return CheckedInterchange(header=header(**changes), findings=findings, groups=groups)


def said(one: CheckedGroup, kind: str = "997", *, report_warnings: bool = False) -> list[str]:
    """The body of the acknowledgment of a group."""
    (verdict,) = judge(interchange(one)).groups
    write = write_997 if kind == "997" else write_999
    return write(verdict, message_reference="0001", report_warnings=report_warnings)[1:-1]


def ta1(*findings: Finding, report_warnings: bool = False, **changes: object) -> str:
    verdict = judge(interchange(group(message()), findings=findings, **changes))
    (segment,) = write_ta1(verdict, received_at=NOW, report_warnings=report_warnings)
    return segment


def test_a_group_without_fault_is_accepted_with_every_message() -> None:
    body = said(group(message("0001"), message("0002")))
    assert body == ["AK1+PO+51", "AK2+850+0001", "AK5+A", "AK2+850+0002", "AK5+A", "AK9+A+2+2+2"]


def test_one_wrong_message_is_rejected_alone_with_the_places_of_its_faults() -> None:
    wrong = message(
        "0002",
        fault("guide.segment-missing", segment=2, tag="DTM"),
        fault("guide.value-not-numeric", segment=3, tag="PO1", group="PO1", element=2, found="many"),
        fault("guide.code-unknown", segment=3, tag="PO1", group="PO1", element=3, found="ZZ"),
        fault("guide.element-missing", segment=2, tag="BEG", element=3),
    )
    assert said(group(message("0001"), wrong)) == [
        "AK1+PO+51",
        "AK2+850+0001",
        "AK5+A",
        "AK2+850+0002",
        "AK3+DTM+3++3",
        "AK3+BEG+2++8",
        "AK4+3+324+1",
        "AK3+PO1+3+PO1+8",
        "AK4+2+330+6+many",
        "AK4+3+355+7+ZZ",
        "AK5+R+5",
        "AK9+P+2+2+1",
    ]


def test_faults_of_header_and_trailer_stand_in_ak5_five_of_them_at_most() -> None:
    codes = ["se-count", "se-reference", "message-reference-duplicate", "st-incomplete", "se-missing", "group-type"]
    faults = [fault(f"envelope.{code}", segment=9, tag="SE") for code in codes]
    assert said(group(message("0001", *faults)))[-2:] == ["AK5+R+4+3+23+7+2", "AK9+R+1+1+0"]
    assert said(group(message("0001", fault("guide.value-too-short", segment=1, tag="ST", element=2))))[2] == "AK5+R+7"


def test_ak9_counts_what_the_trailer_says_what_came_and_what_was_accepted() -> None:
    short = group(message("0001"), findings=(fault("envelope.ge-count", found="3", tag="GE", element=1),))
    assert said(short)[-1] == "AK9+R+3+1+0+5"
    tolerated = group(message("0001"), findings=(fault("envelope.ge-count", "warning", found="3", tag="GE"),))
    assert said(tolerated)[-1] == "AK9+A+3+1+1"
    assert said(tolerated, report_warnings=True)[-1] == "AK9+E+3+1+1+5"


def test_warnings_are_told_only_where_that_was_agreed_and_then_accept_with_errors() -> None:
    warned = group(message("0001", fault("guide.code-unknown", "warning", segment=3, tag="PO1", element=3)))
    assert said(warned)[1:] == ["AK2+850+0001", "AK5+A", "AK9+A+1+1+1"]
    assert said(warned, report_warnings=True)[1:] == [
        "AK2+850+0001",
        "AK3+PO1+3++8",
        "AK4+3+355+7",
        "AK5+E+5",
        "AK9+E+1+1+1",
    ]


def test_a_message_that_cannot_be_named_is_counted_but_not_listed() -> None:
    body = said(group(message("0001"), message("", fault("envelope.st-incomplete", segment=1, tag="ST", element=2))))
    assert body == ["AK1+PO+51", "AK2+850+0001", "AK5+A", "AK9+P+2+2+1"]


def test_a_short_control_number_is_repeated_as_it_is_because_its_sender_knows_no_other() -> None:
    assert said(group(message("1")))[1] == "AK2+850+1"


def test_999_names_the_version_the_implementation_guide_and_what_made_an_element_necessary() -> None:
    wrong = message(
        "0001",
        fault("guide.condition-missing", segment=4, tag="PO1", group="PO1", element=7, repetition=2),
        fault("guide.value-format", segment=5, tag="REF", element=2, found="x-1"),
        fault("guide.segment-not-used", segment=6, tag="ZA"),
        version="005010",
    )
    (verdict,) = judge(interchange(group(wrong, version="005010X222A1"))).groups
    segments = write_999(verdict, message_reference="0001")
    assert segments == [
        "ST+999+0001+005010X231A1",
        "AK1+PO+51+005010X222A1",
        "AK2+850+0001",
        "IK3+PO1+4+PO1+8",
        "IK4+7::2+234+2",
        "CTX+SITUATIONAL TRIGGER+PO1+4+PO1",
        "IK3+REF+5++8",
        "IK4+2+127+I12+x-1",
        "IK3+ZA+6++I4",
        "IK5+R+5",
        "AK9+R+1+1+0",
        "SE+12+0001",
    ]
    assert "AK3+ZA+6++2" in write_997(verdict, message_reference="0001")


@pytest.mark.parametrize(
    ("version", "of_997", "of_999"),
    [
        ("004010", ("004010", ""), ("005010", "")),
        ("004010VICS", ("004010", "VICS"), ("005010", "VICS")),
        ("005010X222A1", ("005010", ""), ("005010", "X231A1")),
        ("004010X098A1", ("004010", ""), ("005010", "X231A1")),
        ("002040", ("003060", ""), ("005010", "")),
        ("008010", ("006020", ""), ("006020", "")),
        ("odd", ("004010", ""), ("005010", "")),
    ],
)
def test_the_version_follows_the_group(version: str, of_997: tuple[str, str], of_999: tuple[str, str]) -> None:
    gs = GroupHeader(version=version)
    assert answered_version(gs, "997") == of_997
    assert answered_version(gs, "999") == of_999
    st = functional_header(gs, "999", "0001")
    assert (st.version, st.association) == of_999


def test_older_versions_have_no_codes_for_repetitions_and_components() -> None:
    for version, code in (("003060", "3"), ("004030", "12")):
        wrong = message("0001", fault("guide.element-repeats", segment=2, tag="BEG", element=1), version=version)
        assert said(group(wrong, version=version))[3] == f"AK4+1+353+{code}"


def test_segments_whose_tag_x12_could_not_name_are_only_counted_as_errors() -> None:
    wrong = message("0001", fault("guide.segment-unknown", segment=3, tag="b"))
    assert said(group(wrong))[1:3] == ["AK2+850+0001", "AK5+R+5"]


def test_more_faults_than_anybody_reads_are_cut() -> None:
    many = [fault("guide.code-unknown", segment=3, tag="PO1", element=n) for n in range(1, 150)]
    many += [fault("guide.segment-unknown", segment=n, tag="ZZ") for n in range(4, 1500)]
    body = said(group(message("0001", *many)))
    assert sum(segment.startswith("AK3") for segment in body) == 999
    assert sum(segment.startswith("AK4") for segment in body) == 99


def test_a_group_of_acknowledgments_is_not_acknowledged() -> None:
    verdict = judge(interchange(group(message(kind="997"), kind="FA")))
    assert not wants_functional(verdict, verdict.groups[0], "always")
    with pytest.raises(ValueError, match="GS01"):
        write_997(verdict.groups[0], message_reference="0001")


def test_acknowledgments_are_answered_only_where_that_cannot_go_on_for_ever() -> None:
    for kind in ("CONTRL", "997", "999", "TA1"):
        assert not is_answered(kind)
        assert not is_advised(kind)
    for kind in ("824", "APERAK"):
        assert is_answered(kind)
        assert not is_answered(kind, application=False)
        assert not is_advised(kind)
    assert is_answered("850")
    assert is_advised("ORDERS")


@pytest.mark.parametrize(
    ("finding", "note"),
    [
        (fault("envelope.iea-reference", tag="IEA", element=2), "001"),
        (fault("envelope.x12-version", tag="ISA", element=12), "003"),
        (fault("syntax.last-terminator-missing"), "004"),
        (fault("envelope.isa-incomplete", tag="ISA", element=5), "005"),
        (fault("partner.unknown-sender"), "006"),
        (fault("envelope.isa-incomplete", tag="ISA", element=7), "007"),
        (fault("envelope.isa-incomplete", tag="ISA", element=8), "008"),
        (fault("partner.unknown-recipient"), "009"),
        (fault("envelope.isa-incomplete", tag="ISA", element=1), "010"),
        (fault("envelope.isa-date", tag="ISA", element=9), "014"),
        (fault("envelope.isa-date", tag="ISA", element=10), "015"),
        (fault("envelope.isa-repetition", tag="ISA", element=11), "016"),
        (fault("envelope.isa-incomplete", tag="ISA", element=13), "018"),
        (fault("envelope.isa-usage", tag="ISA", element=15), "020"),
        (fault("envelope.iea-count", tag="IEA", element=1), "021"),
        (fault("syntax.segments-outside"), "022"),
        (fault("envelope.iea-missing", tag="IEA"), "023"),
        (fault("syntax.unterminated"), "023"),
        (fault("envelope.gs-missing", tag="ST"), "024"),
        (fault(DUPLICATE), "025"),
        (fault("syntax.separators-undeclared"), "026"),
    ],
)
def test_a_fault_of_the_envelope_rejects_the_interchange_with_its_note(finding: Finding, note: str) -> None:
    assert ta1(finding) == f"TA1+000000101+261123+0905+R+{note}"
    verdict = judge(interchange(group(message()), findings=(finding,)))
    assert not wants_functional(verdict, verdict.groups[0], "always")


def test_ta1_is_about_the_envelope_only() -> None:
    verdict = judge(interchange(group(message("0001", fault("guide.segment-unknown", segment=2, tag="ZZ")))))
    assert verdict.outcome == "rejected"
    assert write_ta1(verdict, received_at=NOW) == ["TA1+000000101+261123+0905+A+000"]


def test_ta1_notes_a_warning_where_that_was_agreed_and_says_a_time_where_there_is_none() -> None:
    odd = fault("envelope.isa-date", "warning", tag="ISA", element=9)
    assert ta1(odd, date="269999", time="") == "TA1+000000101+261123+1430+A+000"
    assert ta1(odd, report_warnings=True, control_reference="7") == "TA1+000000007+261123+0905+E+014"


def test_what_ta1_cannot_name_gets_none() -> None:
    verdict = judge(interchange(control_reference="A1"))
    assert "ISA13" in (verdict.obstacle or "")
    with pytest.raises(ValueError, match="ISA13"):
        write_ta1(verdict, received_at=NOW)
    edifact = judge(interchange(syntax="edifact", control_reference="1"))
    with pytest.raises(ValueError, match="EDIFACT"):
        write_ta1(edifact, received_at=NOW)


def test_a_group_that_cannot_be_named_rejects_the_interchange() -> None:
    for changes in ({"control_reference": ""}, {"control_reference": "A7"}, {"message_type": ""}):
        named = GroupHeader(message_type="PO", control_reference="1")
        nameless = CheckedGroup(header=replace(named, **changes))
        verdict = judge(interchange(nameless))
        assert (verdict.rejected, write_ta1(verdict, received_at=NOW)[0][-5:]) == (True, "R+024")


@pytest.mark.parametrize(
    ("when", "asked", "wrong", "wanted"),
    [
        ("always", False, False, True),
        ("never", True, True, False),
        ("requested", True, False, True),
        ("requested", False, True, False),
        ("errors", False, True, True),
        ("errors", True, False, False),
    ],
)
def test_ta1_is_sent_as_agreed(when: str, asked: bool, wrong: bool, wanted: bool) -> None:
    findings = (fault("envelope.iea-count"),) if wrong else ()
    verdict = judge(interchange(findings=findings, acknowledgment_requested=asked))
    assert wants_ta1(verdict, when) is wanted  # type: ignore[arg-type]


def test_an_interchange_of_ta1_has_no_ta1_in_answer() -> None:
    subject = CheckedInterchange(header=header(acknowledgment_requested=True), messages=(message("", kind="TA1"),))
    assert not wants_ta1(judge(subject), "requested")
    assert not wants_ta1(judge(subject), "always")


def test_997_is_sent_as_agreed() -> None:
    clean = judge(interchange(group(message())))
    wrong = judge(interchange(group(message("0001", fault("envelope.se-count")))))
    for when, of_clean, of_wrong in (("always", True, True), ("errors", False, True), ("never", False, False)):
        assert wants_functional(clean, clean.groups[0], when) is of_clean  # type: ignore[arg-type]
        assert wants_functional(wrong, wrong.groups[0], when) is of_wrong  # type: ignore[arg-type]


def test_where_one_error_suspends_the_interchange_only_the_guilty_message_has_an_error_code() -> None:
    wrong = message("0002", fault("guide.segment-unknown", segment=2, tag="ZZ"))
    verdict = judge(interchange(group(message("0001"), wrong)), Policy(on_error="interchange"))
    assert (verdict.outcome, verdict.rejected, verdict.suspended) == ("rejected", False, True)
    assert [one.has_own_error for one in verdict.every_message()] == [False, True]
    innocent, guilty = verdict.every_message()
    assert innocent.cause is not None
    assert innocent.cause.code == SUSPENDED
    assert "message 0002" in innocent.cause.sentence
    assert guilty.cause == wrong.findings[0]
    assert write_997(verdict.groups[0], message_reference="0001")[1:-1] == [
        "AK1+PO+51",
        "AK2+850+0001",
        "AK5+R",
        "AK2+850+0002",
        "AK3+ZZ+2++6",
        "AK5+R+5",
        "AK9+R+2+2+0",
    ]
    assert write_ta1(verdict, received_at=NOW)[0].endswith("A+000")


def test_contrl_rejects_a_suspended_interchange_and_reports_the_error_below_it() -> None:
    wrong = message("2", fault("guide.segment-unknown", segment=2, tag="ZZ"), kind="ORDERS", version="004010")
    subject = CheckedInterchange(
        header=header(syntax="edifact", charset="UNOC", syntax_version="3", control_reference="R"),
        messages=(message("1", kind="ORDERS"), wrong),
    )
    verdict = judge(subject, Policy(on_error="interchange"))
    assert write_contrl(verdict, message_reference="1")[1:-1] == [
        "UCI+R+NORDMARKT:ZZ+EXAMPLE:ZZ+4",
        "UCM+2+ORDERS:004010::X+4",
        "UCS+2+15",
    ]


def test_contrl_can_be_a_mere_receipt() -> None:
    wrong = message("2", fault("guide.segment-unknown", segment=2, tag="ZZ"), kind="ORDERS")
    changes = {"syntax": "edifact", "charset": "UNOC", "syntax_version": "3", "control_reference": "R"}
    for findings, action in (((), "8"), ((fault("envelope.unz-count", tag="UNZ", element=1),), "4+29+UNZ+2")):
        subject = CheckedInterchange(header=header(**changes), messages=(wrong,), findings=findings)
        body = write_contrl(judge(subject), message_reference="1", receipt_only=True)[1:-1]
        assert body == [f"UCI+R+NORDMARKT:ZZ+EXAMPLE:ZZ+{action}"]


def test_contrl_does_not_acknowledge_the_acknowledgments_in_an_interchange() -> None:
    subject = CheckedInterchange(
        header=header(syntax="edifact", charset="UNOC", syntax_version="3", control_reference="R"),
        messages=(message("1", kind="CONTRL"), message("2", kind="APERAK")),
    )
    assert [one[:5] for one in write_contrl(judge(subject), message_reference="1")[1:-1]] == ["UCI+R", "UCM+2"]


def test_accepted_messages_are_worked_with_alone_or_together() -> None:
    wrong = message("0002", fault("envelope.se-count"))
    subject = interchange(group(message("0001"), wrong, message("0003")))

    def references(policy: Policy) -> list[list[str]]:
        return [[one.subject.header.reference for one in unit] for unit in judge(subject, policy).units()]

    assert references(Policy()) == [["0001"], ["0003"]]
    assert references(Policy(interchange="keep")) == [["0001", "0003"]]
    assert references(Policy(interchange="keep", on_error="interchange")) == []
    assert references(Policy(on_error="interchange")) == []


def test_answers_go_back_the_way_it_came_and_name_parties_as_isa_does_where_gs_does_not() -> None:
    answer = answer_header(
        header(test=True, syntax_version="343434"), control_reference="5", date="261123", time="1430"
    )
    assert (answer.sender, answer.recipient, answer.syntax_version, answer.test) == (WE, THEY, "00401", True)
    stamp = {"control_reference": "1", "date": "20261123", "time": "1430", "version": "004010"}
    gs = answer_group(GroupHeader(sender=Identity(id="NORD")), header(), **stamp)
    assert (gs.message_type, str(gs.sender), str(gs.recipient)) == ("FA", "EXAMPLE", "NORD")


def advice(*findings: Finding, **changes: object) -> Advice:
    values: dict[str, object] = {
        "interchange": header(),
        "group": group().header,
        "message": MessageHeader(reference="0001", type="850"),
        "findings": findings,
        "document": "Order",
        "number": "4500012345",
        "guide": load_guide(syntax="x12", version="004010", message="850"),
    }
    return Advice(**values | changes)  # type: ignore[arg-type]


UNKNOWN = Finding(
    code="erp.product-unknown",
    severity="error",
    sentence="Odoo knows no article with GTIN 4012345000016 enter it at the article, then post again.",
    place=Place(segment=3, tag="PO1", element=7, field="lines[0].gtin"),
    found="4012345000016",
    expected="a GTIN that we sell",
)


def test_824_says_of_each_document_what_became_of_it_and_why() -> None:
    segments = write_824(
        [advice(UNKNOWN), advice(number="4500012346")], message_reference="0001", reference="77", written_at=NOW
    )
    assert segments[1:-1] == [
        "BGN+11+77+20261123+1430",
        "OTI+TR+PO+4500012345+NORD+EX+20261123+0905+51+0001+850+004010",
        "TED+Q+Odoo knows no article with GTIN 4012345000016 enter it at+PO1+3+7+234+4012345000016",
        "NTE++the article, then post again. Expected a GTIN that we sell. (line 1, gtin,",
        "NTE++segment 3 PO1, element 7)",
        "OTI+TA+PO+4500012346+NORD+EX+20261123+0905+51+0001+850+004010",
    ]


def test_warnings_of_the_business_are_told_only_on_demand() -> None:
    warned = fault("erp.price-rounded", "warning")
    assert advice(warned).outcome == "accepted"
    told = advice(warned, report_warnings=True)
    assert told.outcome == "accepted with errors"
    segments = write_824([told], message_reference="0001", reference="1", written_at=NOW)
    assert segments[2].startswith("OTI+TE")
    assert segments[3] == "TED+024+Wrong."


def test_aperak_says_it_twice_and_gives_each_reason_in_words_with_its_place() -> None:
    unh = MessageHeader(reference="7", type="ORDERS", version="D", release="96A")
    parties = header(sender=Identity(id="95212", qualifier="14"), recipient=WE, control_reference="201")
    segments = write_aperak(
        advice(UNKNOWN, message=unh, interchange=parties), message_reference="1", reference="77", written_at=NOW
    )
    words = "Odoo knows no article with GTIN 4012345000016 enter it at the article,:then post again."
    reason = f"FTX+AAO+++{words} Expected a GTIN that we sell. (line 1, gtin, segment:3 PO1, element 7)"
    assert segments == [
        "UNH+1+APERAK:D:96A:UN",
        "BGM++77+27+RE",
        "DTM+137:202611231430:203",
        "RFF+ACW:7",
        "RFF+TN:201",
        "RFF+ON:4500012345",
        "NAD+MS+EXAMPLE",
        "NAD+MR+95212::9",
        "ERC+UNKNOWN::ZZZ",
        reason,
        "RFF+ACW:7:3",
        "UNT+12+1",
    ]


@pytest.mark.parametrize(("release", "unh"), [("96A", "D:96A"), ("99B", "D:96A"), ("01B", "D:01B"), ("10A", "D:01B")])
def test_the_directory_of_aperak_follows_the_message(release: str, unh: str) -> None:
    about = advice(message=MessageHeader(reference="7", type="ORDERS", version="D", release=release))
    segments = write_aperak(about, message_reference="1", reference="1", written_at=NOW)
    assert segments[0] == f"UNH+1+APERAK:{unh}:UN"
    assert segments[1] == ("BGM+305+1+29+AP" if release[0] in "01" else "BGM++1+29+AP")


def test_acknowledgments_get_no_advice() -> None:
    about = advice(message=MessageHeader(reference="1", type="APERAK"))
    with pytest.raises(ValueError, match="acknowledgment"):
        write_aperak(about, message_reference="1", reference="1", written_at=NOW)
    with pytest.raises(ValueError, match="acknowledgment"):
        write_824([about], message_reference="1", reference="1", written_at=NOW)


def test_every_code_of_the_tables_is_one_that_we_can_also_read() -> None:
    for code, one in X12_FAULTS.items():
        assert one.interchange in ("", *NOTES), code
        assert one.group in ("", *GROUP_ERRORS), code
        assert one.message in ("", *MESSAGE_ERRORS), code
        assert {one.segment, one.segment_999} <= {"", *SEGMENT_ERRORS}, code
        assert {one.element, one.element_999} <= {"", *ELEMENT_ERRORS}, code


def test_every_code_of_the_tables_is_in_the_standards_lists() -> None:
    lists = {
        "AK9": {one.group for one in X12_FAULTS.values()},
        "IK5": {one.message for one in X12_FAULTS.values()},
        "IK3": {code for one in X12_FAULTS.values() for code in (one.segment, one.segment_999)},
        "IK4": {code for one in X12_FAULTS.values() for code in (one.element, one.element_999)},
    }
    places = {"AK9": 4, "IK5": 1, "IK3": 3, "IK4": 2}
    rows = [row for row in load_guide(syntax="x12", version="006020", message="999").positions if row.tag in places]
    known = {row.tag: row.segment.elements[places[row.tag]].components[0].element.codes for row in rows}
    assert set(known) == set(places)
    for tag, codes in known.items():
        assert codes is not None, tag
        assert lists[tag] - {""} <= codes, tag


def test_a_trailer_whose_number_is_only_too_short_is_not_said_to_differ_from_the_header() -> None:
    short = fault("guide.value-too-short", segment=4, tag="SE", element=2)
    other = fault("envelope.se-reference", segment=4, tag="SE", element=2)
    assert (message_code(short, "004010"), message_code(other, "004010")) == ("7", "3")
