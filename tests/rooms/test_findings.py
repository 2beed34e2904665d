"""Severities are agreed with a partner; what could not be read stays an error."""

import re
from pathlib import Path

import pytest

from edi_server.findings import UNRECOVERABLE, Finding, Place, has_errors, objection, regrade

DOCS = Path(__file__).parents[2] / "docs" / "findings.md"


def found(*codes, severity="error"):
    return [Finding(code=code, severity=severity, sentence="A sentence.", place=Place(offset=7)) for code in codes]


def graded(findings, severities):
    return [(finding.code, finding.severity) for finding in regrade(findings, severities)]


def test_nothing_agreed_changes_nothing():
    findings = found("envelope.unz-count", "syntax.empty")
    assert regrade(findings, {}) == tuple(findings)
    assert regrade(findings, {"envelope.unt-count": "off"}) == tuple(findings)


def test_a_code_gets_the_severity_agreed_for_it():
    findings = found("envelope.unz-count", "envelope.unt-count")
    assert graded(findings, {"envelope.unz-count": "note"}) == [
        ("envelope.unz-count", "note"),
        ("envelope.unt-count", "error"),
    ]
    assert not has_errors(regrade(findings, {"envelope.*": "warning"}))


def test_a_severity_can_be_raised():
    assert graded(found("syntax.byte-order-mark", severity="note"), {"syntax.*": "error"}) == [
        ("syntax.byte-order-mark", "error")
    ]


def test_off_leaves_a_finding_out():
    findings = found("envelope.unz-count", "envelope.unz-reference", "envelope.unt-count")
    assert graded(findings, {"envelope.unz-*": "off"}) == [("envelope.unt-count", "error")]


@pytest.mark.parametrize("backwards", [False, True])
def test_the_code_comes_before_a_beginning_and_a_longer_beginning_before_a_shorter(backwards):
    severities = {"*": "off", "envelope.*": "note", "envelope.unz-*": "warning", "envelope.unz-count": "error"}
    if backwards:
        severities = dict(reversed(severities.items()))
    findings = found("envelope.unz-count", "envelope.unz-reference", "envelope.unt-count", "guide.code-unknown")
    assert graded(findings, severities) == [
        ("envelope.unz-count", "error"),
        ("envelope.unz-reference", "warning"),
        ("envelope.unt-count", "note"),
    ]


def test_a_beginning_needs_its_asterisk():
    assert graded(found("envelope.unz-count"), {"envelope.unz-": "off", "envelope": "off"}) == [
        ("envelope.unz-count", "error")
    ]


def test_all_else_about_a_finding_stays():
    (before,) = found("envelope.unz-count")
    (after,) = regrade([before], {"envelope.unz-count": "note"})
    assert (after.code, after.sentence, after.place) == (before.code, before.sentence, before.place)


@pytest.mark.parametrize("code", sorted(UNRECOVERABLE))
@pytest.mark.parametrize("severity", ["off", "note", "warning"])
def test_what_could_not_be_read_stays_an_error(code, severity):
    for key in (code, "*", code.split(".")[0] + ".*"):
        assert graded(found(code), {key: severity}) == [(code, "error")]
    assert code in objection(code, severity)


def test_what_cannot_be_agreed_is_objected_to():
    assert "'envelope.*-count'" in objection("envelope.*-count", "note")
    assert "''" in objection("", "note")
    assert objection("envelope.unz-*", "off") is None
    assert objection("envelope.unz-count", "note") is None
    assert objection("syntax.empty", "error") is None


def test_every_unrecoverable_code_is_documented_as_an_error_that_stays():
    pages = DOCS.read_text("utf-8")
    for code in UNRECOVERABLE:
        assert re.search(rf"^\| `{re.escape(code)}` \| error \|", pages, re.MULTILINE), code
    (listed,) = re.findall(
        r"^Errors that no agreement makes anything else of: (.*?)\.$", pages, re.MULTILINE | re.DOTALL
    )
    assert set(re.findall(r"`([\w.-]+)`", listed)) == UNRECOVERABLE
