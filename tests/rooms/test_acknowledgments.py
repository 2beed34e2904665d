"""CONTRL: what is said about an interchange, level by level, and what a partner's CONTRL says about ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import edi_server
from edi_server.acknowledgments import (
    DUPLICATE,
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    ReceivedAcknowledgment,
    answer_header,
    judge,
    read_contrl,
    write_contrl,
)
from edi_server.acknowledgments.error_codes import FAULTS, MEANINGS
from edi_server.acknowledgments.x12_error_codes import X12_FAULTS
from edi_server.envelope.model import GroupHeader, Identity, InterchangeHeader, MessageHeader
from edi_server.envelope.remarks import REMARKS as ENVELOPE_REMARKS
from edi_server.envelope.x12_remarks import X12_REMARKS
from edi_server.findings import Finding, Place, Severity, has_errors
from edi_server.guides import check, load_guide
from edi_server.partners.book import Reason
from edi_server.syntax.normal import from_text
from edi_server.syntax.remarks import REMARKS as SYNTAX_REMARKS

PACKAGE = Path(edi_server.__file__).parent
SENDER, RECIPIENT = Identity(id="4012345000009", qualifier="14"), Identity(id="4099999000005", qualifier="14")


def header(version: str = "3", reference: str = "REF1", **changes: object) -> InterchangeHeader:
    values: dict[str, object] = {
        "syntax": "edifact",
        "charset": "UNOC",
        "syntax_version": version,
        "sender": SENDER,
        "recipient": RECIPIENT,
        "control_reference": reference,
    }
    return InterchangeHeader(**values | changes)  # type: ignore[arg-type]


def message(reference: str = "1", *findings: Finding, kind: str = "ORDERS") -> CheckedMessage:
    unh = MessageHeader(reference=reference, type=kind, version="D", release="96A", agency="UN", association="EAN008")
    return CheckedMessage(header=unh, findings=findings)


def fault(code: str, severity: Severity = "error", **place: object) -> Finding:
    return Finding(code=code, severity=severity, sentence="Wrong.", place=Place(**place))  # type: ignore[arg-type]


def contrl(interchange: CheckedInterchange, **options: bool) -> list[str]:
    """The body of the CONTRL, after it was found right by its own guide."""
    segments = write_contrl(judge(interchange), message_reference="77", **options)  # type: ignore[arg-type]
    version = "4.1" if interchange.header.syntax_version == "4" else "D.3"
    checked = check(load_guide(version=version, message="CONTRL"), segments, released=True)
    assert not has_errors(checked.findings), checked.findings
    return segments[1:-1]


UCI = "UCI+REF1+4012345000009:14+4099999000005:14"
S009 = "ORDERS:D:96A:UN:EAN008"


def test_an_interchange_without_fault_is_acknowledged_with_every_message() -> None:
    subject = CheckedInterchange(header=header(), messages=(message("1"), message("2")))
    assert judge(subject).outcome == "accepted"
    assert contrl(subject) == [f"{UCI}+7", f"UCM+1+{S009}+7", f"UCM+2+{S009}+7"]


def test_the_message_is_that_of_the_syntax_version() -> None:
    for version, unh in (("1", "D:3"), ("2", "D:3"), ("3", "D:3"), ("4", "4:1")):
        segments = write_contrl(judge(CheckedInterchange(header=header(version))), message_reference="9")
        assert segments[0] == f"UNH+9+CONTRL:{unh}:UN"
        assert segments[-1] == "UNT+3+9"


def test_one_wrong_message_is_rejected_alone_with_the_places_of_its_faults() -> None:
    wrong = message(
        "2",
        fault("guide.segment-missing", segment=4, tag="DTM"),
        fault("guide.value-too-long", segment=7, tag="QTY", element=1, component=2),
        fault("guide.code-unknown", segment=7, tag="QTY", element=1, component=3),
        fault("guide.element-missing", segment=3, tag="BGM", element=2),
    )
    subject = CheckedInterchange(header=header(), messages=(message("1"), wrong, message("3")))
    verdict = judge(subject)
    assert verdict.outcome == "partially accepted"
    assert [one.outcome for one in verdict.every_message()] == ["accepted", "rejected", "accepted"]
    assert contrl(subject) == [
        f"{UCI}+7",
        f"UCM+1+{S009}+7",
        f"UCM+2+{S009}+4",
        "UCS+3",
        "UCD+13+3",
        "UCS+4+13",
        "UCS+7",
        "UCD+39+2:2",
        "UCD+12+2:3",
        f"UCM+3+{S009}+7",
    ]


def test_a_fault_of_header_or_trailer_stands_in_ucm() -> None:
    wrong = message(
        "1",
        fault("envelope.unt-count", segment=9, tag="UNT", element=1),
        fault("guide.segment-repeats", segment=5, tag="DTM"),
    )
    assert contrl(CheckedInterchange(header=header(), messages=(wrong,))) == [
        f"{UCI}+7",
        f"UCM+1+{S009}+4+29+UNT+2",
        "UCS+5+35",
    ]


def test_when_every_message_is_rejected_the_interchange_is_too_in_our_books() -> None:
    subject = CheckedInterchange(header=header(), messages=(message("1", fault("guide.segment-unknown", segment=2)),))
    assert judge(subject).outcome == "rejected"
    assert not judge(subject).rejected
    assert contrl(subject)[0] == f"{UCI}+7"


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (fault("envelope.unz-count", tag="UNZ", element=1), "29+UNZ+2"),
        (fault("envelope.unz-reference", tag="UNZ", element=2), "28+UNZ+3"),
        (fault("envelope.unz-missing", tag="UNZ"), "13+UNZ"),
        (fault("envelope.unb-incomplete", tag="UNB", element=1, component=1), "13+UNB+2:1"),
        (fault(DUPLICATE), "26+UNB+6"),
        (fault("partner.unknown-sender"), "23+UNB+3"),
        (fault("partner.sender-of-other-mailbox"), "23+UNB+3"),
        (fault("partner.unknown-recipient"), "7+UNB+4"),
        (fault("syntax.unterminated", offset=9), "22"),
    ],
)
@pytest.mark.parametrize("version", ["3", "4"])
def test_a_fault_of_the_interchange_rejects_all_of_it(finding: Finding, said: str, version: str) -> None:
    subject = CheckedInterchange(header=header(version), messages=(message("1"),), findings=(finding,))
    verdict = judge(subject)
    assert (verdict.outcome, verdict.rejected, verdict.cause) == ("rejected", True, finding)
    assert [one.outcome for one in verdict.messages] == ["rejected"]
    assert contrl(subject) == [f"{UCI}+4+{said}"]


def test_the_service_string_advice_has_no_name_in_version_4() -> None:
    finding = fault("syntax.una-malformed", tag="UNA")
    assert contrl(CheckedInterchange(header=header("3"), findings=(finding,))) == [f"{UCI}+4+20+UNA"]
    assert contrl(CheckedInterchange(header=header("4"), findings=(finding,))) == [f"{UCI}+4+20"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("partner.no-agreement", "17+UNH+3:1"),
        ("partner.version-not-agreed", "17+UNH+3:3"),
        ("partner.lane-not-agreed", "25"),
    ],
)
def test_a_message_without_agreement_is_rejected_alone(code: str, said: str) -> None:
    subject = CheckedInterchange(header=header(), messages=(message("1", fault(code)), message("2")))
    assert judge(subject).outcome == "partially accepted"
    assert contrl(subject)[1:] == [f"UCM+1+{S009}+4+{said}", f"UCM+2+{S009}+7"]


def test_what_the_business_says_is_not_reported() -> None:
    others = [fault("translation.code-unlisted", field="lines[0].unit"), fault("erp.partner-unknown")]
    subject = CheckedInterchange(header=header(), messages=(message("1", *others),))
    assert judge(subject).outcome == "accepted"
    assert contrl(subject) == [f"{UCI}+7", f"UCM+1+{S009}+7"]


def test_warnings_are_accepted_with_errors_and_reported_only_where_that_was_agreed() -> None:
    subject = CheckedInterchange(
        header=header(),
        findings=(fault("envelope.unb-date", "warning", tag="UNB", element=4, component=1),),
        messages=(message("1", fault("guide.code-unknown", "warning", segment=3, element=1)),),
    )
    verdict = judge(subject)
    assert (verdict.outcome, verdict.messages[0].outcome) == ("accepted with errors", "accepted with errors")
    assert contrl(subject) == [f"{UCI}+7", f"UCM+1+{S009}+7"]
    assert contrl(subject, report_warnings=True) == [
        f"{UCI}+7+12+UNB+5:1",
        f"UCM+1+{S009}+7",
        "UCS+3",
        "UCD+12+2",
    ]


def test_an_interchange_is_accepted_with_errors_when_one_of_its_messages_is() -> None:
    warned = message("1", fault("guide.code-unknown", "warning", segment=3, element=1))
    assert judge(CheckedInterchange(header=header(), messages=(warned, message("2")))).outcome == "accepted with errors"
    grouped = judge(CheckedInterchange(header=header(), groups=(group("G", warned),)))
    assert (grouped.outcome, grouped.groups[0].outcome) == ("accepted with errors", "accepted with errors")


def test_notes_change_nothing() -> None:
    subject = CheckedInterchange(header=header(), messages=(message("1", fault("syntax.segment-empty", "note")),))
    assert judge(subject).outcome == "accepted"
    assert contrl(subject, report_warnings=True) == [f"{UCI}+7", f"UCM+1+{S009}+7"]


def group(reference: str = "G1", *messages: CheckedMessage, findings: tuple[Finding, ...] = ()) -> CheckedGroup:
    unG = GroupHeader(  # noqa: N806 — the segment's name
        message_type="ORDERS", sender=Identity(id="A"), recipient=Identity(id="B"), control_reference=reference
    )
    return CheckedGroup(header=unG, messages=messages, findings=findings)


def test_groups_are_answered_one_by_one_behind_the_messages_outside_of_groups() -> None:
    subject = CheckedInterchange(
        header=header(),
        messages=(message("0"),),
        groups=(
            group("G1", message("1"), message("2", fault("guide.segment-unknown", segment=2))),
            group("G2", message("3"), findings=(fault("envelope.une-count", tag="UNE", element=1),)),
        ),
    )
    verdict = judge(subject)
    assert verdict.outcome == "partially accepted"
    assert [one.outcome for one in verdict.groups] == ["partially accepted", "rejected"]
    assert [one.outcome for one in verdict.every_message()] == ["accepted", "accepted", "rejected", "rejected"]
    assert contrl(subject) == [
        f"{UCI}+7",
        f"UCM+0+{S009}+7",
        "UCF+G1+A+B+7",
        f"UCM+1+{S009}+7",
        f"UCM+2+{S009}+4",
        "UCS+2+15",
        "UCF+G2+A+B+4+29+UNE+2",
    ]


def test_a_message_without_usable_reference_rejects_the_level_above_it() -> None:
    for reference in ("", "x" * 15):
        flat = CheckedInterchange(header=header(), messages=(message("1"), message(reference)))
        assert contrl(flat) == [f"{UCI}+4+13+UNH+2"]
        assert [one.outcome for one in judge(flat).messages] == ["rejected", "rejected"]
        grouped = CheckedInterchange(header=header(), groups=(group("G", message(reference)), group("H", message("2"))))
        assert contrl(grouped)[1:] == ["UCF+G+A+B+4+13+UNH+2", "UCF+H+A+B+7", f"UCM+2+{S009}+7"]
    nameless_group = CheckedInterchange(header=header(), groups=(group("", message("1")),))
    assert contrl(nameless_group) == [f"{UCI}+4+13+UNG+6"]


def test_version_4_wants_a_reference_too() -> None:
    unh = MessageHeader(type="ORDERS", version="D", release="96A", agency="UN")
    subject = CheckedInterchange(header=header("4"), messages=(CheckedMessage(header=unh),))
    assert contrl(subject) == [f"{UCI}+4+13+UNH+2"]


def test_version_4_names_the_repetition_and_has_codes_of_its_own() -> None:
    wrong = message("1", fault("guide.element-repeats", segment=4, tag="FTX", element=4, repetition=6))
    three, four = (CheckedInterchange(header=header(version), messages=(wrong,)) for version in "34")
    assert contrl(three)[-1] == "UCD+16+5"
    assert contrl(four)[-1] == "UCD+35+5::6"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"control_reference": ""}, "control reference"),
        ({"control_reference": "x" * 15}, "control reference"),
        ({"sender": Identity(id="")}, "sender"),
        ({"recipient": Identity(id="x" * 36)}, "recipient"),
    ],
)
def test_what_cannot_be_named_or_addressed_gets_no_contrl(changes: dict[str, object], what: str) -> None:
    verdict = judge(CheckedInterchange(header=header(**changes)))  # type: ignore[arg-type]
    assert verdict.obstacle is not None
    assert what in verdict.obstacle
    with pytest.raises(ValueError, match=what):
        write_contrl(verdict, message_reference="1")


def test_separators_in_names_are_data() -> None:
    odd = CheckedInterchange(header=header(reference="A+B:C'?"), messages=(message("1*2"),))
    body = contrl(odd)
    assert body[0].split("+")[1] == from_text("A+B:C'?")
    assert body[1].split("+")[1] == from_text("1*2")


def test_more_faults_than_contrl_takes_are_cut() -> None:
    many = [fault("guide.code-unknown", segment=3, tag="X", element=n) for n in range(1, 150)]
    many += [fault("guide.segment-unknown", segment=n) for n in range(4, 1500)]
    body = contrl(CheckedInterchange(header=header(), messages=(message("1", *many),)))
    assert sum(segment.startswith("UCS") for segment in body) == 999
    assert sum(segment.startswith("UCD") for segment in body) == 99


def test_positions_beyond_the_digits_of_their_element_do_not_break_the_contrl() -> None:
    far = message("1", fault("guide.element-superfluous", segment=2_000_000, element=5000, component=2000))
    assert contrl(CheckedInterchange(header=header(), messages=(far,)))[2:] == ["UCS+999999", "UCD+16+999:999"]


def test_the_answer_goes_back_the_way_it_came() -> None:
    subject = header(
        "4", sender=Identity(id="A", qualifier="ZZ", routing="R"), test=True, acknowledgment_requested=True
    )
    answer = answer_header(subject, control_reference="5", date="20261123", time="1200")
    assert (answer.sender, answer.recipient) == (RECIPIENT, subject.sender)
    assert (answer.charset, answer.syntax_version, answer.test) == ("UNOC", "4", True)
    assert not answer.acknowledgment_requested
    assert answer_header(header("7"), control_reference="5", date="261123", time="1200").syntax_version == "3"


def codes_of_guides() -> Iterator[str]:
    """Every code that a source of the guides makes: whole ones, and second halves in files that put them together."""
    for path in sorted((PACKAGE / "guides").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        strings = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
        texts = [value for value in strings if isinstance(value, str)]
        yield from (value for value in texts if re.fullmatch(r"guide\.[a-z]+(-[a-z]+)+", value))
        if 'f"guide.{' in text:
            yield from (f"guide.{value}" for value in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", value))


def documented_codes() -> set[str]:
    """Every code of the rooms whose findings are reported that docs/findings.md has."""
    text = (PACKAGE.parent / "docs" / "findings.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `((?:syntax|envelope|guide|partner)\.[a-z0-9-]+)`", text, re.MULTILINE))


@pytest.mark.parametrize("table", [FAULTS, X12_FAULTS], ids=["CONTRL", "TA1, 997, 999"])
def test_every_code_of_syntax_envelope_guides_and_partners_has_its_place_in_both_tables(
    table: dict[str, object],
) -> None:
    emitted = {*SYNTAX_REMARKS, *ENVELOPE_REMARKS, *X12_REMARKS, *codes_of_guides(), *documented_codes()}
    assert len(emitted) > 100
    held = {"partner.agreement-paused", "partner.unknown-mailbox"}  # nobody is told of these
    assert emitted - held - set(table) == set()
    reasons = {f"partner.{reason}" for reason in Reason.__args__}  # type: ignore[attr-defined]
    assert reasons - held == {code for code in table if code.startswith("partner.")}


def test_a_code_that_the_table_does_not_know_yet_is_an_unspecified_error() -> None:
    subject = CheckedInterchange(header=header(), messages=(message("1", fault("guide.brand-new", segment=2)),))
    assert contrl(subject)[1:] == [f"UCM+1+{S009}+4", "UCS+2+18"]


@pytest.mark.parametrize(("version", "guide"), [("3", "D.3"), ("4", "4.1")])
def test_every_error_code_is_in_the_standards_list(version: str, guide: str) -> None:
    ucd = next(row for row in load_guide(version=guide, message="CONTRL").positions if row.tag == "UCD")
    listed = ucd.segment.elements[0].components[0].element.codes
    assert listed is not None
    for code, known in FAULTS.items():
        used = known.code_4 or known.code if version == "4" else known.code
        assert used in listed, code
        assert used in MEANINGS


def read(*body: str) -> ReceivedAcknowledgment:
    answer = read_contrl(["UNH+1+CONTRL:D:3:UN", *body, f"UNT+{len(body) + 2}+1"])
    assert answer is not None
    return answer


def test_what_we_write_reads_back() -> None:
    wrong = message("2", fault("guide.value-too-long", segment=7, tag="QTY", element=1, component=2))
    written = CheckedInterchange(
        header=header(),
        messages=(message("1"), wrong, message("3", fault("envelope.unt-count", tag="UNT", element=1))),
    )
    answer = read(*contrl(written))
    assert (answer.control_reference, answer.sender, answer.recipient) == ("REF1", SENDER, RECIPIENT)
    assert answer.outcome == judge(written).outcome == "partially accepted"
    assert answer.per_message == {"1": "accepted", "2": "rejected", "3": "rejected"}
    first, second = answer.errors
    assert (first.code, first.message, first.segment, first.element, first.component) == ("39", "2", 7, 1, 2)
    assert first.meaning == "a data element is too long"
    assert (second.code, second.message, second.tag, second.element) == ("29", "3", "UNT", 1)
    assert answer.findings == ()


@pytest.mark.parametrize(
    ("body", "outcome", "per_message"),
    [
        (["UCI+R+A+B+7"], "accepted", {}),
        (["UCI+R+A+B+4+23+UNB+3"], "rejected", {}),
        (["UCI+R+A+B+8"], None, {}),
        (["UCI+R+A+B+8", "UCM+1+DESADV:D:96A:UN+4"], None, {"1": "rejected"}),
        (["UCI+R+A+B+7", "UCM+1+DESADV:D:96A:UN+4+18"], "rejected", {"1": "rejected"}),
        (["UCI+R+A+B+7", "UCM+1+DESADV+4", "UCM+2+DESADV+7"], "partially accepted", {"1": "rejected", "2": "accepted"}),
        (["UCI+R+A+B+7", "UCM+1+DESADV+7", "UCS+3", "UCD+12+2"], "accepted with errors", {"1": "accepted with errors"}),
        (["UCI+R+A+B+2"], "accepted with errors", {}),
        (["UCI+R+A+B+7", "UCF+G+A+B+7", "UCM+1+DESADV+7"], "accepted", {"1": "accepted"}),
    ],
)
def test_a_received_contrl_says_what_became_of_ours(
    body: list[str], outcome: str | None, per_message: dict[str, str]
) -> None:
    answer = read(*body)
    assert answer.outcome == outcome
    assert answer.per_message == per_message


def test_an_unknown_action_is_a_finding_and_no_answer() -> None:
    answer = read("UCI+R+A+B+99", "UCM+1+DESADV+x")
    assert answer.outcome is None
    assert answer.per_message == {}
    assert [finding.code for finding in answer.findings] == ["acknowledgment.action-unknown"] * 2


@pytest.mark.parametrize("segments", [[], ["UNH+1+CONTRL"], ["", "+", "UCM", "UCS+x", "UCD", "UCD+", "UCI"]])
def test_any_contrl_is_read_without_an_exception(segments: list[str]) -> None:
    answer = read_contrl(segments)
    assert answer is None or answer.outcome is None


def test_every_code_of_partners_transports_and_acknowledgments_is_documented() -> None:
    page = (PACKAGE.parent / "docs" / "findings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `((?:partner|transport|acknowledgment)\.[a-z-]+)` \|", page, re.MULTILINE))
    oddities = (PACKAGE / "transports" / "collecting.py").read_text(encoding="utf-8")
    left = re.findall(r'(?:return |\*key, |mailbox\.name, mailbox\.name, )"([a-z]+(?:-[a-z]+)*)", f?"', oddities)
    for room in ("sftp_account", "sftp_mailbox"):
        for file in (PACKAGE / "transports" / room).glob("*.py"):
            said = file.read_text(encoding="utf-8")
            left += re.findall(r'(?:_leave\(one, |left_alone\([^"\n]*(?:"", )?)"([a-z]+(?:-[a-z]+)*)", ', said)
    reasons = [f"partner.{reason}" for reason in Reason.__args__]  # type: ignore[attr-defined]
    assert documented == {*reasons, *(f"transport.{one}" for one in left), *codes_of_acknowledgments()}


def codes_of_acknowledgments() -> Iterator[str]:
    """Every code that a source of the acknowledgments makes."""
    for path in (PACKAGE / "acknowledgments").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r'"(acknowledgment\.[a-z-]+)"', text)
        if 'f"acknowledgment.{what}-contradicted"' in text:
            yield from ("acknowledgment.count-contradicted", "acknowledgment.outcome-contradicted")
