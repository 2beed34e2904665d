"""Whatever was found: every acknowledgment is right by its own guide, counts right, and says what the verdict says."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from edi_server.acknowledgments import (
    Advice,
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    GroupVerdict,
    Policy,
    ReceivedAcknowledgment,
    Verdict,
    judge,
    read_acknowledgment,
    write_824,
    write_997,
    write_999,
    write_aperak,
    write_contrl,
    write_ta1,
)
from edi_server.acknowledgments.error_codes import FAULTS
from edi_server.acknowledgments.naming import is_listed
from edi_server.acknowledgments.x12_error_codes import X12_FAULTS
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader, MessageRead
from edi_server.findings import Finding, Place, has_errors
from edi_server.guides import check, load_guide, nearest_guide

NOW = datetime(2026, 11, 23, 14, 30)  # noqa: DTZ001 — in the partner's zone
NUMBERS = st.none() | st.integers(1, 9) | st.integers(1, 10**11)
TAGS = st.sampled_from([None, "ISA", "IEA", "GS", "GE", "ST", "SE", "BEG", "PO1", "N1", "qty", "X" * 20])
FOUND = st.none() | st.text("AB1 ~*:^>é\x07", max_size=120) | st.sampled_from(["0", "3", "1234567"])
FINDINGS = st.lists(
    st.builds(
        Finding,
        code=st.sampled_from([*X12_FAULTS, "guide.unheard-of", "erp.partner-unknown", "business.total-differs"]),
        severity=st.sampled_from(["note", "warning", "error"]),
        sentence=st.text("Wrong number. ", min_size=1, max_size=300),
        place=st.builds(
            Place,
            segment=NUMBERS,
            tag=TAGS,
            group=st.sampled_from([None, "", "PO1/N1", "LOOP-PO1"]),
            element=NUMBERS,
            component=NUMBERS,
            repetition=NUMBERS,
            field=st.sampled_from([None, "lines[3].unit_price"]),
        ),
        found=FOUND,
        expected=st.none() | st.just("a code"),
    ),
    max_size=3,
).map(tuple)
CONTROL_NUMBERS = st.from_regex(r"\A[0-9]{4,9}\Z")
MESSAGES = st.builds(
    CheckedMessage,
    header=st.builds(
        MessageHeader,
        reference=CONTROL_NUMBERS | st.sampled_from(["", "1234567890"]),
        type=st.sampled_from(["850", "810", "", "85"]),
        version=st.just("004010"),
        segment=st.sampled_from(["", "ST+850+0001", "ST+850+0001+005010X222A1"]),
    ),
    findings=FINDINGS,
    guide=st.sampled_from([None, nearest_guide("004010", "850", "x12")[0]]),
)
VERSIONS = st.sampled_from(
    ["003060", "004010", "004010VICS", "004030", "005010", "005010X222A1", "006020", "002040", ""]
)
PARTIES = st.builds(Identity, id=st.text("AB12", min_size=1, max_size=20))
GROUPS = st.builds(
    CheckedGroup,
    header=st.builds(
        GroupHeader,
        message_type=st.just("PO"),
        sender=PARTIES,
        recipient=PARTIES,
        control_reference=st.from_regex(r"\A[0-9]{1,9}\Z"),
        date=st.sampled_from(["20261123", "261123", ""]),
        time=st.sampled_from(["1430", "xx"]),
        version=VERSIONS,
    ),
    findings=st.just(()) | FINDINGS,
    messages=st.lists(MESSAGES, max_size=4).map(tuple),
)
INTERCHANGES = st.builds(
    CheckedInterchange,
    header=st.builds(
        InterchangeHeader,
        syntax=st.just("x12"),
        charset=st.just(""),
        syntax_version=st.just("00401"),
        sender=st.just(Identity(id="THEM", qualifier="ZZ")),
        recipient=st.just(Identity(id="US", qualifier="14")),
        date=st.sampled_from(["261123", "269999", "", "20261123"]),
        time=st.sampled_from(["1430", "9999", ""]),
        control_reference=st.from_regex(r"\A[0-9]{1,9}\Z"),
    ),
    findings=st.just(()) | FINDINGS,
    groups=st.lists(GROUPS, max_size=2, unique_by=lambda one: one.header.control_reference).map(tuple),
)
POLICIES = st.builds(Policy, on_error=st.sampled_from(["message", "interchange"]))
CARRIER = InterchangeHeader(
    syntax="x12", charset="", syntax_version="00401", sender=Identity(id="US"), recipient=Identity(id="THEM")
)


def right_by_its_guide(segments: list[str], kind: str, version: str = "service", syntax: str = "x12") -> None:
    guide = load_guide(syntax=syntax, version=version, message=kind)
    findings = check(guide, segments, released=True).findings
    assert not has_errors(findings), (segments, findings)


def read(kind: str, segments: list[str]) -> ReceivedAcknowledgment:
    message = MessageRead(number=1, header=MessageHeader(type=kind), segments=segments, offsets=[])
    answer = read_acknowledgment(message, CARRIER)
    assert answer is not None
    return answer


def outcomes_of(group: GroupVerdict) -> dict[tuple[str, str], bool]:
    """Whether each message that can be named is accepted."""
    listed = [one for one in group.messages if is_listed(one.subject.header)]
    return {(one.subject.header.type, one.subject.header.reference): one.outcome != "rejected" for one in listed}


@given(subject=INTERCHANGES, warnings=st.booleans(), policy=POLICIES)
@settings(max_examples=150, deadline=None)
def test_997_and_999_are_right_by_their_guides_count_right_and_say_what_the_verdict_says(
    subject: CheckedInterchange, warnings: bool, policy: Policy
) -> None:
    for group in judge(subject, policy).groups:
        for kind, write in (("997", write_997), ("999", write_999)):
            segments = write(group, message_reference="0001", report_warnings=warnings)
            version = group.subject.header.version[:6] or "004010"
            oldest = "005010" if kind == "999" else "003060"
            right_by_its_guide(segments, kind, max(version, oldest))
            assert segments[-1] == f"SE+{len(segments)}+0001"
            answer = read(kind, segments)
            assert [one.code for one in answer.findings] == []
            said = {(one.type, one.reference): one.outcome != "rejected" for one in answer.messages}
            assert said == outcomes_of(group)
            (counts,) = answer.groups
            assert counts.received == len(group.messages)
            assert counts.accepted == sum(one.outcome != "rejected" for one in group.messages)
            assert (answer.outcome == "rejected") == (group.outcome == "rejected")
            assert (answer.outcome == "partially accepted") == (group.outcome == "partially accepted")


@given(subject=INTERCHANGES, warnings=st.booleans(), policy=POLICIES)
@settings(max_examples=100, deadline=None)
def test_ta1_is_right_by_its_guide_and_says_what_became_of_the_envelope(
    subject: CheckedInterchange, warnings: bool, policy: Policy
) -> None:
    verdict = judge(subject, policy)
    segments = write_ta1(verdict, received_at=NOW, report_warnings=warnings)
    right_by_its_guide(segments, "TA1")
    answer = read("TA1", segments)
    assert int(answer.control_reference) == int(subject.header.control_reference)
    assert (answer.outcome == "rejected") == verdict.rejected
    assert answer.findings == ()


def as_edifact(subject: CheckedInterchange) -> CheckedInterchange:
    header = InterchangeHeader(
        syntax="edifact",
        charset="UNOC",
        syntax_version="4",
        sender=subject.header.sender,
        recipient=subject.header.recipient,
        control_reference=subject.header.control_reference,
    )
    # UCM must name a message; one without a number, which AK2 leaves out, rejects the level above it there.
    groups = tuple(replace(group, messages=tuple(map(_named, group.messages))) for group in subject.groups)
    return CheckedInterchange(header=header, findings=subject.findings, groups=groups)


def _named(message: CheckedMessage) -> CheckedMessage:
    return replace(message, header=replace(message.header, reference=message.header.reference or "1"))


def accepted(verdict: Verdict) -> list[bool]:
    return [one.outcome != "rejected" for one in verdict.every_message()]


@given(subject=INTERCHANGES, policy=POLICIES)
@settings(max_examples=100, deadline=None)
def test_the_same_findings_are_judged_alike_and_read_back_alike_in_both_standards(
    subject: CheckedInterchange, policy: Policy
) -> None:
    verdict, twin = judge(subject, policy), judge(as_edifact(subject), policy)
    assert accepted(verdict) == accepted(twin)
    assert (verdict.rejected, verdict.suspended) == (twin.rejected, twin.suspended)
    answer = read("CONTRL", write_contrl(twin, message_reference="1"))
    assert (answer.action == "4") == (twin.rejected or twin.suspended)
    for group in twin.groups:
        told = next((one for one in answer.groups if one.reference == group.subject.header.control_reference), None)
        unnamed = told.unnamed if told else answer.unnamed
        assert (unnamed == "rejected") == (twin.rejected or twin.suspended or group.rejected)


@given(subject=INTERCHANGES)
@settings(max_examples=100, deadline=None)
def test_one_error_anywhere_rejects_everything_where_that_was_agreed(subject: CheckedInterchange) -> None:
    alone, together = judge(subject), judge(subject, Policy(on_error="interchange"))
    everything_is_right = all(accepted(alone)) and not any(group.rejected for group in alone.groups)
    assert together.suspended == (not alone.rejected and not everything_is_right)
    assert (not any(accepted(together))) or together.groups == alone.groups
    for one, other in zip(alone.every_message(), together.every_message(), strict=True):
        assert one.has_own_error == other.has_own_error
    assert len(together.units()) == sum(accepted(together))
    kept = judge(subject, Policy(interchange="keep")).units()
    assert sum(map(len, kept)) == sum(accepted(alone))
    assert len(kept) <= 1


@given(
    findings=FINDINGS,
    group=st.none() | GROUPS.map(lambda one: one.header),
    message=MESSAGES,
    number=st.text("A1 +'é", max_size=90),
    document=st.sampled_from(["", "Order", "Invoice"]),
    warnings=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_824_and_aperak_are_right_by_their_guides_and_read_back_as_they_were_meant(
    findings: tuple[Finding, ...],
    group: GroupHeader | None,
    message: CheckedMessage,
    number: str,
    document: str,
    warnings: bool,
) -> None:
    advice = Advice(
        interchange=CARRIER,
        group=group,
        message=message.header,
        findings=findings,
        document=document,
        number=number,
        guide=message.guide,
        report_warnings=warnings,
    )
    segments = write_824([advice], message_reference="0001", reference="A1", written_at=NOW)
    version = (group.version[:6] if group else "") or "004010"
    right_by_its_guide(segments, "824", max(version, "003060"))
    answer = read("824", segments)
    assert answer.outcome == advice.outcome
    assert len(answer.errors) == len(advice.told())
    for directory in ("D.96A", "D.01B"):
        segments = write_aperak(advice, message_reference="1", reference="A1", written_at=NOW, version=directory)
        right_by_its_guide(segments, "APERAK", directory, "edifact")
        answer = read("APERAK", segments)
        assert answer.outcome == advice.outcome
        assert len(answer.errors) == len(advice.told())


@given(
    kind=st.sampled_from(["997", "999", "TA1", "CONTRL", "824", "APERAK"]),
    segments=st.lists(
        st.builds(
            "{}+{}".format,
            st.sampled_from(
                [
                    "AK1",
                    "AK2",
                    "AK3",
                    "AK4",
                    "AK5",
                    "AK9",
                    "IK3",
                    "IK4",
                    "IK5",
                    "CTX",
                    "TA1",
                    "OTI",
                    "TED",
                    "NTE",
                    "RED",
                    "BGM",
                    "RFF",
                    "ERC",
                    "FTX",
                    "UCI",
                    "UCM",
                    "UCF",
                    "UCS",
                    "UCD",
                ]
            ),
            st.text("AREPTG0123456789+:\x01 ", max_size=20),
        ),
        max_size=12,
    ),
)
@settings(max_examples=300, deadline=None)
def test_any_segments_are_read_without_an_exception(kind: str, segments: list[str]) -> None:
    message = MessageRead(number=1, header=MessageHeader(type=kind), segments=segments, offsets=[])
    answer = read_acknowledgment(message, CARRIER)
    assert answer is None or answer.kind == kind


def test_the_tables_know_the_same_findings() -> None:
    assert set(FAULTS) == set(X12_FAULTS)
