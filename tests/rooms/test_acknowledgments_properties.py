"""Whatever was found, the CONTRL about it is right by its own guide and says what the verdict says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edi_server.acknowledgments import (
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    judge,
    read_contrl,
    write_contrl,
)
from edi_server.acknowledgments.error_codes import FAULTS
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.findings import Finding, Place, has_errors
from edi_server.guides import check, load_guide

NUMBERS = st.none() | st.integers(1, 9) | st.integers(1, 10**7)
TAGS = st.sampled_from([None, "UNA", "UNB", "UNZ", "UNG", "UNE", "UNH", "UNT", "UNS", "QTY", "X" * 20])
PLACES = st.builds(
    Place, segment=NUMBERS, tag=TAGS, element=NUMBERS, component=NUMBERS, repetition=NUMBERS, offset=NUMBERS
)
CODES = st.sampled_from([*FAULTS, "guide.unheard-of", "erp.partner-unknown", "translation.code-unlisted"])
FINDINGS = st.lists(
    st.builds(
        Finding,
        code=CODES,
        severity=st.sampled_from(["note", "warning", "error"]),
        sentence=st.just("Wrong."),
        place=PLACES,
    ),
    max_size=3,
).map(tuple)
REFERENCES = st.text("A1+:'*? é", min_size=1, max_size=14)
MESSAGES = st.builds(
    CheckedMessage,
    header=st.builds(
        MessageHeader,
        reference=REFERENCES,
        type=st.just("ORDERS"),
        version=st.just("D"),
        release=st.just("96A"),
        agency=st.just("UN"),
    ),
    findings=FINDINGS,
)
IDENTITIES = st.builds(Identity, id=st.text("AB:+", min_size=1, max_size=35), qualifier=st.sampled_from(["", "14"]))
GROUPS = st.builds(
    CheckedGroup,
    header=st.builds(GroupHeader, sender=IDENTITIES, recipient=IDENTITIES, control_reference=REFERENCES),
    findings=st.just(()) | FINDINGS,
    messages=st.lists(MESSAGES, max_size=2).map(tuple),
)
INTERCHANGES = st.builds(
    CheckedInterchange,
    header=st.builds(
        InterchangeHeader,
        syntax=st.just("edifact"),
        charset=st.just("UNOC"),
        syntax_version=st.sampled_from("1234"),
        sender=IDENTITIES,
        recipient=IDENTITIES,
        control_reference=REFERENCES,
    ),
    findings=st.just(()) | FINDINGS,
    messages=st.lists(MESSAGES, max_size=4).map(tuple),
    groups=st.lists(GROUPS, max_size=2).map(tuple),
)


@given(subject=INTERCHANGES, warnings=st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_contrl_is_right_by_its_guide_and_reads_back_as_the_verdict(
    subject: CheckedInterchange, warnings: bool
) -> None:
    verdict = judge(subject)
    segments = write_contrl(verdict, message_reference="1", report_warnings=warnings)
    version = "4.1" if subject.header.syntax_version == "4" else "D.3"
    checked = check(load_guide(version=version, message="CONTRL"), segments, released=True)
    assert not has_errors(checked.findings), (segments, checked.findings)
    answer = read_contrl(segments)
    assert answer is not None
    assert answer.findings == ()
    assert (answer.control_reference, answer.sender.id) == (
        subject.header.control_reference,
        subject.header.sender.id,
    )
    rejected = sorted(one.subject.header.reference for one in verdict.every_message() if one.outcome == "rejected")
    above = [verdict.rejected, *(group.rejected for group in verdict.groups)]
    named = sorted(one.reference for one in answer.messages if one.outcome == "rejected")
    assert set(named) <= set(rejected)
    assert named == rejected or any(above)
    assert answer.action == ("4" if verdict.rejected else "7")


@given(subject=INTERCHANGES)
@settings(max_examples=100, deadline=None)
def test_no_level_is_accepted_that_has_an_error_of_its_own_or_above(subject: CheckedInterchange) -> None:
    verdict = judge(subject)
    if verdict.rejected:
        assert {one.outcome for one in verdict.every_message()} <= {"rejected"}
    for group in verdict.groups:
        if group.rejected:
            assert {one.outcome for one in group.messages} <= {"rejected"}
    errors = ("syntax.", "envelope.", "guide.")
    for message in verdict.every_message():
        wrong = any(one.severity == "error" and one.code.startswith(errors) for one in message.subject.findings)
        assert not (wrong and message.outcome != "rejected")


@given(st.lists(st.text("UCISMDF+:1478'\x01 ", max_size=30), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_segments_are_read_without_an_exception(segments: list[str]) -> None:
    answer = read_contrl(segments)
    assert answer is None or answer.outcome in (
        None,
        "accepted",
        "accepted with errors",
        "partially accepted",
        "rejected",
    )
