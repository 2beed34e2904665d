"""A message of a version that we do not have is not blamed for what its own version may allow."""

import io
from datetime import datetime

import pytest
from x12_samples import wrapped as wrapped_x12

from edi_server.desk.acknowledging import DryRun
from edi_server.engine.checking import check_message
from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges
from edi_server.guides import check, load_guide, nearest_guide
from edi_server.guides.refinement import check_refined, load_refinement, refine
from edi_server.partners.model import Policies

ORDER = [
    "BGM+220+PO-1+9+AB+EN+X",
    "DTM+137:20260423:102",
    "NAD+BY+4012345000009::9:more",
    "LIN+1++4000001000012:NEWER",
    "UNS+S",
]


def content_of(version, body):
    segments = "".join(f"{segment}'" for segment in [f"UNH+1+ORDERS:{version}:UN", *body, f"UNT+{len(body) + 2}+1"])
    return f"UNB+UNOC:3+S+R+261123:1405+1'{segments}UNZ+1+1'".encode()


def message(version, body=ORDER):
    content = io.BytesIO(content_of(version, body))
    return next(event for event in open_interchanges(content) if isinstance(event, MessageRead))


def severities(findings):
    return {finding.code.removeprefix("guide."): finding.severity for finding in findings}


SIZES = {"element-superfluous", "component-superfluous", "value-too-long"}


def test_what_goes_beyond_the_nearest_version_is_a_warning():
    found = severities(check_message(message("D:20B")).findings)
    assert found == dict.fromkeys([*SIZES, "version-unknown"], "warning")


def test_what_goes_beyond_the_version_itself_is_an_error():
    found = severities(check_message(message("D:10A")).findings)
    assert found == dict.fromkeys(SIZES, "error")


@pytest.mark.parametrize(("version", "severity"), [("D:10A", "error"), ("D:20B", "warning")])
def test_an_unknown_code_counts_as_the_list_is_that_of_the_message_or_another(version, severity):
    one = message(version, ["BGM+220+PO-1+99", "DTM+137:20260423:102", "UNS+S"])
    assert severities(check_message(one).findings)["code-unknown"] == severity


@pytest.mark.parametrize(("version", "outcome"), [("D:10A", "rejected"), ("D:20B", "accepted with errors")])
def test_nobody_is_told_that_such_a_message_is_rejected(version, outcome):
    source = io.BytesIO(content_of(version, ["BGM+220+PO-1+99", "DTM+137:20260423:102", "UNS+S"]))
    (judged,) = DryRun(now=datetime(2026, 11, 23, 14, 30)).acknowledge(source)  # noqa: DTZ001 — in the partner's zone
    assert [one.outcome for one in judged.messages] == [outcome]


def test_codes_that_were_agreed_to_be_errors_are_errors_in_any_version():
    one = message("D:20B", ["BGM+220+PO-1+99", "DTM+137:20260423:102", "UNS+S"])
    agreed = Policies(code_severity="error")
    assert severities(check_message(one, policies=agreed).findings)["code-unknown"] == "error"


def test_a_segment_without_a_place_stays_an_error_in_any_version():
    found = severities(check_message(message("D:20B", ["BGM+220+PO-1+9", "XYZ+1", "LIN+1"])).findings)
    assert found["segment-unknown"] == found["segment-missing"] == "error"


def test_x12_is_treated_alike():
    content = wrapped_x12("BEG*00*ZZ*PO-1**20261123*A*B*C*D*E*F*G*H*I*J", "PO1*1*12*EAX*1.5**VN*4711")
    content = content.replace(b"004010", b"004020")
    (one,) = (event for event in open_interchanges(io.BytesIO(content)) if isinstance(event, MessageRead))
    guide, doubt = nearest_guide("004020", "850", "x12")
    assert doubt is not None
    as_own = severities(check(guide, one.segments, released=False).findings)
    as_nearest = severities(check_message(one).findings)
    assert as_own["element-superfluous"] == as_own["value-too-long"] == "error"
    assert as_nearest["element-superfluous"] == as_nearest["value-too-long"] == "warning"


def test_what_a_guideline_asks_for_is_asked_of_any_version(tmp_path):
    file = tmp_path / "g.toml"
    file.write_text(
        '[guideline]\nmessage = "ORDERS"\nversions = ["D.10A"]\n'
        '[narrow]\n"BGM.1004" = { max_length = 3 }\n"BGM.1225" = { codes = ["9"] }\n',
        encoding="utf-8",
    )
    guide = refine(load_guide(version="D.10A", message="ORDERS"), load_refinement(file))
    segments = ["UNH+1+ORDERS:D:20B:UN", "BGM+220+PO-12345+5", "DTM+137:20260423:102", "UNS+S", "UNT+5+1"]
    found = severities(check_refined(guide, segments, released=False, nearest=True).findings)
    assert found == {"value-too-long": "error", "code-not-agreed": "error"}
