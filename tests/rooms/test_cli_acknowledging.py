"""`edi-server acknowledge`: bytes on standard output, words beside them, an exit code, and nothing stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edi_server.acknowledgments import SUSPENDED
from edi_server.cli.application import app
from edi_server.envelope.model import MessageRead
from edi_server.envelope.opening import open_interchanges

ROOT = Path(__file__).parents[2]
X12 = Path(__file__).parents[1] / "documents" / "acknowledgments"
SAMPLES = ROOT / "edi_server" / "samples"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder, with the partners of the repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDI_SERVER_PATHS__PARTNERS", str(ROOT / "partners"))

    def run(*arguments, **options):
        return CliRunner().invoke(app, ["acknowledge", *map(str, arguments)], **options)

    return run


def types(content: bytes, tmp_path: Path) -> list[str]:
    file = tmp_path / "answer"
    file.write_bytes(content)
    with file.open("rb") as source:
        return [event.header.type for event in open_interchanges(source) if isinstance(event, MessageRead)]


def test_edifact_is_answered_with_contrl_and_the_words_stand_beside_it(run, tmp_path):
    result = run(SAMPLES / "nordmarkt-four-orders.edi")
    assert result.exit_code == 1
    assert types(result.stdout_bytes, tmp_path) == ["CONTRL"]
    assert "partially accepted" in " ".join(result.stderr.split())
    assert "ORDERS 3 rejected" in result.stderr
    assert "4 messages, 1 rejected. Answered with CONTRL." in result.stderr
    assert run(SAMPLES / "nordmarkt-order.edi").exit_code == 0


def test_x12_is_answered_with_ta1_where_isa14_asks_and_a_997_a_group(run, tmp_path):
    result = run(X12 / "clean.x12")
    assert (result.exit_code, types(result.stdout_bytes, tmp_path)) == (0, ["TA1", "997"])
    result = run(X12 / "partly-wrong.x12")
    assert (result.exit_code, types(result.stdout_bytes, tmp_path)) == (1, ["997", "997"])


def test_kinds_can_be_chosen_and_what_does_not_fit_is_said(run, tmp_path):
    result = run(X12 / "clean.x12", "--kind", "999", "--kind", "824", "--kind", "ta1")
    assert types(result.stdout_bytes, tmp_path) == ["TA1", "999", "824"]
    result = run(X12 / "clean.x12", "--kind", "contrl")
    assert result.stdout_bytes == b""
    assert "CONTRL cannot answer X12." in result.stderr
    assert run(X12 / "clean.x12", "--kind", "855").exit_code == 2


def test_json_has_everything_in_one_document(run):
    result = run(X12 / "rejected.x12", "--json")
    document = json.loads(result.stdout)
    (one,) = document["interchanges"]
    assert (document["exit_code"], result.exit_code, document["outside"]) == (1, 1, [])
    assert (one["outcome"], one["cause"]["code"]) == ("rejected", "envelope.iea-reference")
    assert [answer["kinds"] for answer in one["answers"]] == [["TA1"]]
    assert one["answers"][0]["content"].splitlines()[1].startswith("TA1*000000103*261123*0915*R*001")
    assert one["messages"][0]["cause"] == one["cause"]
    assert one["header"]["control_reference"] == "000000103"


def test_an_acknowledgment_is_not_acknowledged(run):
    result = run(ROOT / "tests/documents/contrl/order-4500012345.edi.contrl.edi")
    assert (result.exit_code, result.stdout_bytes) == (0, b"")
    assert "An acknowledgment is not acknowledged." in result.stderr


def test_what_holds_no_interchange_cannot_be_answered(run, tmp_path):
    result = run(SAMPLES / "price-list.txt")
    assert (result.exit_code, result.stdout_bytes) == (2, b"")
    assert "nobody is told" in result.stderr
    assert run(tmp_path / "none.edi").exit_code == 2
    bare = tmp_path / "bare.edi"
    bare.write_text("UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+1'")
    assert "has to be told in another way" in run(bare).stderr


def test_a_partner_is_answered_as_agreed(run, tmp_path):
    ours = run(SAMPLES / "nordmarkt-order.edi", "--partner", "nordmarkt")
    assert (ours.exit_code, types(ours.stdout_bytes, tmp_path)) == (0, ["CONTRL"])
    foreign = run(SAMPLES / "borealis-order.edi", "--partner", "nordmarkt", "--kind", "contrl")
    assert foreign.exit_code == 1
    assert b"+4+23+UNB+3'" in foreign.stdout_bytes
    assert "partner" in run(SAMPLES / "nordmarkt-order.edi", "--partner", "nobody").output


def test_a_policy_of_the_partner_suspends_the_interchange(run, tmp_path, monkeypatch):
    partners = tmp_path / "partners"
    partners.mkdir()
    for file in (ROOT / "partners").rglob("*.toml"):
        target = partners / file.relative_to(ROOT / "partners")
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    nordmarkt = partners / "nordmarkt.toml"
    text = nordmarkt.read_text(encoding="utf-8")
    assert "policies = {" in text
    changed = text.replace("policies = {", 'policies = { on_error = "interchange",', 1)
    nordmarkt.write_text(changed, encoding="utf-8")
    monkeypatch.setenv("EDI_SERVER_PATHS__PARTNERS", str(partners))
    result = run(SAMPLES / "nordmarkt-four-orders.edi", "--partner", "nordmarkt", "--kind", "contrl", "--json")
    assert result.stdout, result.stderr
    (one,) = json.loads(result.stdout)["interchanges"]
    assert one["outcome"] == "rejected"
    assert [message["outcome"] for message in one["messages"]] == ["rejected"] * 4
    assert [message["cause"]["code"] for message in one["messages"]].count(SUSPENDED) == 3
    content = one["answers"][0]["content"]
    assert content.count("UCM+") == 1
    assert ":14+4'" in content


def test_a_pipe_and_a_name_with_blanks_are_read_and_nothing_is_written(tmp_path):
    file = tmp_path / "an order.edi"
    file.write_bytes((SAMPLES / "nordmarkt-order.edi").read_bytes())
    command = [sys.executable, "-m", "edi_server", "acknowledge"]
    by_name = subprocess.run([*command, file.name], cwd=tmp_path, capture_output=True, check=True)
    piped = subprocess.run([*command, "-"], cwd=tmp_path, input=file.read_bytes(), capture_output=True, check=True)
    assert by_name.stdout.startswith(b"UNB+UNOC:3+")
    assert piped.stdout.count(b"CONTRL") == by_name.stdout.count(b"CONTRL") == 1
    assert list(tmp_path.iterdir()) == [file]


PRAIRIE = """
display_name = "Prairie Foods"
identities = ["ZZ:PRAIRIE"]

[acknowledgments]
functional = { kind = "997", when = "always" }
application = { kind = "824", when = "errors" }

[agreements.orders-in]
direction = "inbound"
message = "850"
versions = ["004010"]
document = "Order"
profile = "x12/850"
state = "live"
policies = { severities = { "envelope.ge-*" = "warning" }, on_error = "interchange" }

[agreements.changes-in]
direction = "inbound"
message = "860"
versions = ["004010"]
document = "Order"
profile = "x12/850"
state = "live"
acknowledgments = { application = { kind = "none" } }
"""
ORDER = (
    "ISA*00*          *00*          *ZZ*PRAIRIE        *14*9521141000007  *261123*0915*U*00401*000000101*1*P*>~"
    "GS*PO*PRAIRIE*9521141000007*20261123*0915*101*X*004010~"
    "ST*850*0001~BEG*00*SA*PO-7**20261123~DTM*002*20261127~N1*BY*Prairie Foods*UL*9521234000006~"
    "N1*ST*Depot*UL*9521234000013~PO1*1*48*EA*4.85**UK*09521141010013~CTT*1~SE*8*0001~GE*1*101~IEA*1*000000101~"
)
FUNCTIONAL = "ST*997*0001~AK1*PO*7~AK9*A*1*1*1~SE*4*0001~"


@pytest.fixture
def of_prairie(run, tmp_path, monkeypatch):
    """What is answered to a file of theirs, and the exit code."""
    partners = tmp_path / "partners"
    partners.mkdir()
    (partners / "prairie.toml").write_text(PRAIRIE)
    monkeypatch.setenv("EDI_SERVER_PATHS__PARTNERS", str(partners))

    def answer(content):
        (tmp_path / "po.edi").write_text(content)
        return run("po.edi", "--partner", "prairie").stdout.replace("\n", "")

    return answer


def test_the_application_speaks_where_the_syntax_has_nothing_against_it(of_prairie):
    answer = of_prairie(ORDER.replace("*48*", "*0*"))
    assert "AK9*A*1*1*1" in answer
    assert "*U*00401*000000002*" in answer
    assert "OTI*TR*" in answer
    assert "quantity that is not above zero" in answer
    answer = of_prairie(ORDER.replace("*48*", "*many*"))
    assert "AK9*R*1*1*0" in answer
    assert "ST*824" not in answer


def test_the_severities_of_an_agreement_hold_for_its_groups(of_prairie):
    assert "AK9*A*4*1*1" in of_prairie(ORDER.replace("GE*1*", "GE*4*"))


def test_of_messages_under_several_agreements_the_stricter_policy_holds(of_prairie):
    change = "GS*PC*PRAIRIE*9521141000007*20261123*0915*102*X*004010~ST*860*0001~SE*2*0001~GE*1*102~IEA*2*"
    answer = of_prairie(ORDER.replace("IEA*1*", change))
    assert "AK1*PO*101~AK2*850*0001~AK5*R~AK9*R*1*1*0" in answer


def test_an_interchange_of_997s_is_not_answered_though_it_asks_for_a_ta1(of_prairie):
    begin, end = ORDER.index("ST*"), ORDER.index("GE*")
    assert of_prairie((ORDER[:begin] + FUNCTIONAL + ORDER[end:]).replace("GS*PO*", "GS*FA*")) == ""
