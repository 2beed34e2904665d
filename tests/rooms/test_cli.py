"""The command line: every command in good and in bad days, the keys of its JSON, its exit codes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from desk_plant import make_plant
from typer.testing import CliRunner

from edi_server import __version__
from edi_server.cli.application import app
from edi_server.config import Configuration, Setting
from edi_server.desk import views
from edi_server.desk.actions import Done
from edi_server.desk.certificates import CertificateRow, Written
from edi_server.desk.connections import TriedStep
from edi_server.desk.excerpts import Excerpt, Pointed
from edi_server.desk.failed import FailedRow
from edi_server.desk.guidelines import GuidelineChecked, GuidelineExplained
from edi_server.desk.own_certificates import Made
from edi_server.desk.partners import DeliveryShown, OverdueRow, PartnerShown, WayShown
from edi_server.desk.profiles import ProfileChecked, ProfileExplained
from edi_server.engine.corridor import Corridor
from edi_server.engine.durable import Durable, Submitter
from edi_server.engine.retrying import Retries
from edi_server.engine.workflows import Work, Workflows
from edi_server.erp.warehouse import OrderSeen
from edi_server.findings import Finding, Place
from edi_server.guides.refinement import Problem as GuidelineProblem
from edi_server.guides.refinement_explaining import ExplainedLine
from edi_server.samples import SAMPLES
from edi_server.translation import Explained, ProfileProblem

ROOT = Path(__file__).parents[2]
#: What `--json` writes.
RECORDS = [
    *(getattr(views, name) for name in vars(views) if name.endswith(("Row", "Shown"))),
    views.Location, views.Occurrence, Done, Pointed, Excerpt, Finding, Place, Setting, ProfileChecked, ProfileProblem,
    PartnerShown, WayShown, DeliveryShown, OverdueRow, FailedRow, TriedStep, CertificateRow, Made, Written,
    ProfileExplained, Explained, OrderSeen, GuidelineChecked, GuidelineExplained, GuidelineProblem, ExplainedLine,
]  # fmt: skip
COMMANDS = [
    "serve", "demo", "sandbox", "inspect", "acknowledge", "translate", "documents", "show", "rejected", "transmissions",
    "reprocess", "resend", "reject", "cases", "dead-letters", "schedule", "config", "profile", "guideline",
    "partner", "as2", "sftp", "drop",
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    file = make_plant(tmp_path_factory.mktemp("cli") / "a plant")
    make_engine(file)
    return file


def make_engine(file):
    """The engine's tables and schedules, as a daemon leaves them."""
    configuration = Configuration.load(file, {})
    url = configuration.database_url()
    durable = Durable(url, executor="test", poll_seconds=0.05, retries=Retries())
    durable.launch([], Workflows(Corridor(configuration), durable, Work(Submitter(url))).schedules()[1:])
    durable.stop()


@pytest.fixture
def plant(built, tmp_path):
    shutil.copytree(built.parent, tmp_path / "a plant")
    return tmp_path / "a plant" / "edi-server.toml"


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples of ours")
    for sample in SAMPLES:
        (folder / sample.name).write_bytes(sample.content)
    return folder


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("EDI_SERVER_")]:
        monkeypatch.delenv(name)


def call(*arguments, config=None, code=0):
    """Run it in this process; standard output. What went wrong is one line on standard error."""
    options = ["--config", str(config)] if config else []
    result = CliRunner().invoke(app, [*options, *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    if code == 2 and result.stderr and "Usage" not in result.stderr:
        assert result.stderr.startswith("edi-server: ")
        return result.stderr
    return result.stdout


def call_json(*arguments, config=None, code=0):
    return json.loads(call(*arguments, "--json", config=config, code=code))


def keys(value):
    """The keys of nested JSON, a list by its first item."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


# Global


def test_the_version_is_said():
    assert call("--version") == f"edi-server {__version__}\n"


def test_every_command_has_help_that_begins_with_a_verb_and_ends_with_a_stop():
    overview = call("--help")
    assert "Exit codes" in overview
    for command in COMMANDS:
        assert re.search(rf"^│ {command} ", overview, re.MULTILINE), command
        assert "Usage" in call(command, "--help")


def test_without_a_command_help_is_shown():
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "documents" in result.output


@pytest.mark.parametrize(
    "arguments", [["documnets"], ["documents", "--limit", "0"], ["documents", "--validation", "x"]]
)
def test_wrong_usage_is_no_mistake_of_ours(built, arguments):
    result = CliRunner().invoke(app, ["--config", str(built), *arguments])
    assert result.exit_code == 2
    assert "mistake" not in result.output


def test_a_mistake_of_ours_is_one_sentence_too_and_a_traceback_on_demand(monkeypatch, built):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("edi_server.desk.views.list_documents", broken)
    assert "Run it again with --debug" in call("documents", config=built, code=2)
    result = CliRunner().invoke(app, ["--debug", "--config", str(built), "documents"])
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("content", ["[paths", "[engine]\npoll_secs = 1", "[engine]\npoll_seconds = 'x'", "\xff"])
def test_a_wrong_configuration_is_named_with_its_file(tmp_path, content):
    file = tmp_path / "wrong.toml"
    file.write_bytes(content.encode("latin-1"))
    assert "wrong.toml" in call("config", config=file, code=2)


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    assert "absent.toml" in call("documents", config=tmp_path / "absent.toml", code=2)


def test_where_no_daemon_ever_ran_people_are_told_to_start_one(tmp_path):
    file = tmp_path / "edi-server.toml"
    file.write_text("")
    for command in (["documents"], ["show", "1"], ["reprocess", "1"], ["cases"], ["dead-letters"], ["schedule"]):
        assert "edi-server serve" in call(*command, config=file, code=2)


# inspect


def test_a_clean_file_ends_with_zero_one_with_findings_with_one_and_another_with_two(samples):
    assert "no findings" in call("inspect", samples / "order-4500012345.edi")
    text = call("inspect", samples / "orders-2026-11-23.edi", code=1)
    assert "Data element 6060 (Quantity) must be a number." in text
    assert " QTY+21:2O:PCE'  " in text
    assert "▲ 6060 Quantity\n" in text
    assert "4 messages, 1 rejected: 2 errors" in text
    assert "Only EDIFACT and X12 can be read" in call("inspect", samples / "price-list.csv", code=2)
    call("inspect", samples / "order-4500012345.edi", samples / "orders-2026-11-23.edi", code=1)
    call("inspect", samples / "order-4500012345.edi", samples / "price-list.csv", code=2)


def test_the_mark_stands_below_what_is_meant(samples):
    lines = call("inspect", samples / "orders-2026-11-23.edi", code=1).splitlines()
    at = next(number for number, line in enumerate(lines) if "QTY+21:2O" in line)
    assert lines[at + 1].index("▲") == lines[at].index("2O")


def test_inspect_in_json_keeps_its_keys(samples):
    answer = call_json("inspect", samples / "orders-2026-11-23.edi", samples / "price-list.csv", code=2)
    assert answer["exit_code"] == 2
    wrong, other = answer["files"]
    assert (wrong["result"], other["result"]) == ("findings", "unreadable")
    assert other["problem"]["syntax"] == "other"
    assert wrong.keys() == other.keys() == {"file", "interchanges", "outside", "problem", "counts", "result"}
    [interchange] = wrong["interchanges"]
    assert interchange.keys() == {"number", "offset", "header", "messages", "findings", "end"}
    assert keys(interchange["messages"][2]) == {
        "number": None,
        "group": None,
        "header": dict.fromkeys(("reference", "type", "version", "release", "agency", "association", "segment")),
        "guide": None,
        "offset": None,
        "end": None,
        "segments": None,
        "result": None,
        "findings": [
            {
                "finding": {
                    "code": None,
                    "severity": None,
                    "sentence": None,
                    "place": dict.fromkeys(("message", "offset", "segment", "tag", "group")),
                    "expected": None,
                },
                "excerpt": dict.fromkeys(("offset", "before", "segment", "after", "mark")),
            }
        ],
    }
    assert wrong["counts"] == {"interchanges": 1, "messages": 4, "rejected": 1, "error": 2, "warning": 0, "note": 0}


@pytest.mark.parametrize("as_json", [True, False])
def test_whatever_a_file_is_inspect_says_something_about_it(tmp_path, as_json):
    good = SAMPLES[0].content
    contents = {
        "empty": b"",
        "zeros": b"\0" * 5000,
        "random": bytes(range(256)) * 40,
        "cut": good[:300],
        "cut in UNB": good[:40],
        "only UNA": b"UNA:+.? '",
        "only UNB": b"UNB+UNOC:3+A+B+1:1+X'",
        "utf-16": good.decode("latin-1").encode("utf-16"),
        "escape": good.replace(b"4500012345", b"45\x1b[31m\x9b\x07"),
        "twice": good + b"\r\n\r\n" + good,
        "junk around": b"mail header\r\n" + good + b"\r\n--signature",
        "one long line": b"UNA:+.? 'UNB+UNOC:3+" + b"x" * 200_000,
        "many separators": b"UNB+UNOC:3+A:14+B:14+261123:1200+1'UNH+1+ORDERS:D:96A:UN'" + b"LIN" + b"+" * 5000 + b"'",
        "nothing but terminators": b"'" * 5000,
    }
    paths = []
    for name, content in contents.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    result = CliRunner().invoke(app, ["inspect", *(["--json"] if as_json else []), *map(str, paths)])
    assert result.exit_code == 2
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    if as_json:
        assert [Path(file["file"]).name for file in json.loads(result.stdout)["files"]] == list(contents)
    for name in contents:
        assert name in result.stdout


def test_what_is_no_file_is_told_and_the_others_are_inspected(tmp_path, samples):
    text = call("inspect", tmp_path, tmp_path / "absent", samples / "order-4500012345.edi", code=2)
    assert "Is a directory" in text
    assert "No such file" in text
    assert "no findings" in text
    answer = call_json("inspect", tmp_path / "absent", samples / "order-4500012345.edi", code=2)
    assert [file["result"] for file in answer["files"]] == ["unreadable", "clean"]
    assert "absent: No such file" in answer["files"][0]["problem"]["sentence"]


def test_a_file_name_that_is_no_text_is_no_obstacle(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/order-\xff.edi")
    Path(path).write_bytes(SAMPLES[0].content)
    assert "no findings" in call("inspect", path)
    assert call_json("inspect", path)["files"][0]["file"].endswith("order-\ufffd.edi")
    assert "No such file" in call("inspect", path + "x", code=2)


def test_a_terminal_that_knows_only_ascii_is_no_obstacle(samples):
    ended = run("inspect", samples / "orders-2026-11-23.edi", environment={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert b"QTY+21:2O" in ended.stdout


def test_clean_messages_beyond_the_first_are_only_counted(tmp_path):
    content = SAMPLES[0].content
    message = content[content.index(b"UNH") : content.index(b"UNZ")]
    many = content[: content.index(b"UNH")] + b"".join(
        message.replace(b"UNH+1+", b"UNH+%d+" % number).replace(b"UNT+34+1", b"UNT+34+%d" % number)
        for number in range(1, 51)
    )
    (tmp_path / "many.edi").write_bytes(many + b"UNZ+50+NM000101'")
    text = call("inspect", tmp_path / "many.edi")
    assert "30 more ORDERS D.96A without findings" in text
    assert call("inspect", "--all", tmp_path / "many.edi").count(" ok") == 50


# translate


def test_translate_shows_documents_findings_and_what_is_not_carried(samples, built):
    text = call("translate", "--partner", "nordmarkt", samples / "orders-2026-11-23.edi", config=built, code=1)
    assert '"number": "4500012346"' in text
    assert "must be a number" in text
    assert "not carried:" in text
    call("translate", "--partner", "nordmarkt", samples / "order-4500012345.edi", config=built)
    call("translate", "--partner", "nordmarkt", samples / "price-list.csv", config=built, code=2)


def test_translate_in_json_keeps_its_keys(samples, built):
    answer = call_json("translate", "--partner", "borealis", samples / "bk-2026-0815.edi", config=built)
    [file] = answer["files"]
    assert file.keys() == {"file", "messages", "envelopes", "problem"}
    [message] = file["messages"]
    assert message.keys() == {
        "interchange", "number", "header", "agreement", "profile", "profile_version", "type", "validation", "findings",
        "document", "components", "not_carried",
    }  # fmt: skip
    assert message["document"]["number"] == "BK-2026-0815"
    assert message["components"].keys() == {"filled", "read", "kept"}


def test_translate_wants_a_partner_and_a_file_that_are_there(samples, built, tmp_path):
    order = samples / "order-4500012345.edi"
    assert "borealis, nordmarkt" in call("translate", "--partner", "nordmark", order, config=built, code=2)
    assert "No such file" in call("translate", "--partner", "nordmarkt", tmp_path / "absent", config=built, code=2)
    result = CliRunner().invoke(app, ["translate", str(order)])
    assert result.exit_code == 2
    assert "--partner" in result.output


# config, profile


def test_config_shows_values_with_their_origin_and_masks_secrets(tmp_path, monkeypatch):
    file = tmp_path / "edi-server.toml"
    file.write_text(
        '[engine]\npoll_seconds = 3\n[erp.odoo]\nkind = "odoo"\nurl = "http://o"\ndatabase = "d"\nuser = "u"\n'
        'password = { secret = "ODOO_PASSWORD" }\n'
    )
    monkeypatch.setenv("ODOO_PASSWORD", "swordfish")
    monkeypatch.setenv("EDI_SERVER_LOG__LEVEL", "error")
    text = call("config", config=file)
    assert "swordfish" not in text
    settings = {one["key"]: one for one in call_json("config", config=file)["settings"]}
    assert settings["engine.poll_seconds"] == {
        "key": "engine.poll_seconds",
        "value": "3.0",
        "origin": f"{file}:2",
    }
    assert settings["log.level"]["origin"] == "environment EDI_SERVER_LOG__LEVEL"
    assert "swordfish" not in json.dumps(settings)


def test_profiles_are_checked_and_author_errors_end_with_one(built, tmp_path):
    assert " ok\n" in call("profile", "check", "edifact/orders", config=built)
    answer = call_json("profile", "check", config=built)
    assert answer["problems"] == 0
    assert answer["profiles"][0].keys() == {"name", "profile", "version", "guides", "problems"}
    shutil.copytree(ROOT / "partners", tmp_path / "partners")
    wrong = tmp_path / "partners" / "borealis.toml"
    wrong.write_text(wrong.read_text().replace("DTM[2005=69]", "DTX[2005=69]"))
    (tmp_path / "edi-server.toml").write_text("")
    text = call("profile", "check", "--partner", "borealis", config=tmp_path / "edi-server.toml", code=1)
    assert re.search(r"borealis\.toml:\d+: document\.deliver_on", text)
    assert "There is no profile edifact/order" in call("profile", "check", "edifact/order", config=built, code=2)
    assert "not both" in CliRunner().invoke(app, ["profile", "check", "x", "--partner", "y"]).output


def test_explain_prints_each_line_with_its_source_and_reason(built):
    text = call("profile", "explain", "borealis", "Order", config=built)
    assert re.search(r"number +BGM\.1004 text +.*orders\.toml:\d+", text)
    assert "why: They send the wanted delivery as 69" in text
    differing = call("profile", "explain", "borealis", "orders-in", "--differing", config=built)
    assert "BGM.1004" not in differing
    answer = call_json("profile", "explain", "borealis", "ORDERS", config=built)
    assert answer["lines"][0].keys() >= {"key", "places", "codec", "source"}
    assert "choose one of" in call("profile", "explain", "borealis", "nothing", config=built, code=2)


def test_guidelines_are_checked_and_author_errors_end_with_one(built, tmp_path):
    assert " ok\n" in call("guideline", "check", config=built)
    answer = call_json("guideline", "check", "nordmarkt-orders", config=built)
    assert (answer["problems"], answer["guidelines"][0]["guides"]) == (0, ["ORDERS D.96A"])
    wrong = tmp_path / "wrong one.toml"
    wrong.write_text('[guideline]\nmessage = "ORDERS"\nversions = ["D.96A"]\n[narrow]\n"RFG" = "mandatory"\n', "utf-8")
    text = call("guideline", "check", str(wrong), config=built, code=1)
    assert "wrong one.toml:5: narrow.RFG" in text.replace("\n", "")
    assert "did you mean 'nordmarkt-orders'" in call("guideline", "check", "nordmarkt-order", config=built, code=2)
    wrong.write_text('[guideline]\nmessage = "ORDERS"\nversions = ["D.95A"]\n', "utf-8")
    assert "known versions: " in call("guideline", "check", str(wrong), config=built, code=1)


def test_each_line_of_a_guideline_is_explained_beside_the_standard(built):
    text = call("guideline", "explain", "nordmarkt-orders", config=built)
    assert "DTM[2005=137]" in text
    assert "mandatory, once (standard: mandatory, up to 35 times)" in text
    assert "Nordmarkt's handbook 4.2: 3.2: every order says when it is wanted" in text
    answer = call_json("guideline", "explain", "nordmarkt-orders", config=built)
    assert {line["key"] for line in answer["lines"]} >= {"PAI", "rules.article"}
    assert "rules.line-count" not in {line["key"] for line in answer["lines"]}


# documents, show, rejected, transmissions

DOCUMENT = {
    "id", "created_at", "direction", "partner", "type", "number", "validation", "delivery", "acknowledgment", "erp",
    "erp_record", "test", "findings", "finding", "superseded_by",
}  # fmt: skip


def test_documents_are_listed_and_narrowed(built):
    text = call("documents", config=built)
    for number in ("4500012345", "4500012349", "BK-2026-0815", "WH/OUT/00001"):
        assert number in text
    assert "BK-2026-0815" not in call("documents", "--partner", "nordmarkt", config=built)
    narrowed = call_json("documents", "--validation", "invalid", config=built)["documents"]
    assert [one["number"] for one in narrowed] == ["4500012348"]
    assert set(narrowed[0]) == DOCUMENT
    assert len(call_json("documents", "--limit", "3", config=built)["documents"]) == 3
    assert "no such documents" in call("documents", "--type", "Invoice", config=built)
    assert "borealis, nordmarkt" in call("documents", "--partner", "nobody", config=built, code=2)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
@pytest.mark.parametrize("command", ["documents", "transmissions", "cases", "rejected"])
def test_tables_keep_within_the_paper_and_never_break_a_number(built, monkeypatch, width, command):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = call(command, config=built).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    text = "\n".join(lines)
    assert "…" not in text
    if command == "documents":
        assert {"4500012345", "WH/OUT/00001", "delivered", "accepted"} <= set(text.split())


def test_rejected_lists_what_waits_for_somebody_with_the_reason(built):
    text = call("rejected", config=built)
    assert "4500012348: Mandatory segment DTM is missing" in text
    assert "2 open cases are about other things" in text
    assert [one["number"] for one in call_json("rejected", config=built)["documents"]] == ["4500012348"]
    assert "waits for anybody" in call("rejected", "--partner", "borealis", config=built)


def test_transmissions_are_listed_in_both_directions(built):
    text = call("transmissions", config=built)
    assert "price-list.csv" in text
    rows = call_json("transmissions", "--direction", "outbound", config=built)["transmissions"]
    assert {row["direction"] for row in rows} == {"outbound"}
    assert set(rows[0]) == {
        "id", "created_at", "direction", "partner", "mailbox", "transport", "name", "size", "result", "delivery", "interchanges",
        "messages", "parent_id", "finding", "error",
    }  # fmt: skip


def test_show_tells_everything_about_a_document(built):
    text = call("show", "4500012348", "--content", config=built)
    for part in (
        "Order 4500012348 from nordmarkt",
        "orders-2026-11-23.edi by mailbox nordmarkt, message 3 of interchange NM000102",
        "› QTY+21:2O:PCE'",
        "CONTRL 2: partially accepted, sent as CONTRL_2.edi",
        "Timeline",
        "translated → invalid",
        '"number": "4500012348"',
    ):
        assert part in text


def test_show_tells_everything_about_a_transmission(built):
    text = call("show", "X1", config=built)
    for part in ("Transmission po-1.edi", "unknown sender", "Interchange X1", "is not known to us", "Timeline"):
        assert part in text


def test_show_in_json_keeps_its_keys(built):
    answer = call_json("show", "4500012348", config=built)
    assert set(answer) == {"reference", "document", "transmission", "other_documents", "other_transmissions"}
    shown = answer["document"]
    assert set(shown) == {
        "document", "agreement", "profile", "profile_version", "business_key", "location", "findings", "not_carried",
        "acknowledgments", "cases", "dead_letters", "timeline", "content",
    }  # fmt: skip
    assert set(shown["document"]) == DOCUMENT
    assert set(shown["location"]) == {
        "transmission_id", "direction", "partner", "mailbox", "file_name", "size", "archive_hash", "interchange",
        "control_reference", "message", "message_reference", "start", "end", "transport", "transport_detail",
        "proof_hash", "proven_at",
    }  # fmt: skip
    assert set(shown["timeline"][0]) == {
        "at", "level", "what", "result", "detail", "profile_version", "actor", "about",
    }  # fmt: skip
    assert set(shown["findings"][0]) == {"finding", "excerpt"}
    other = call_json("show", "price-list.csv", config=built)["transmission"]
    assert set(other) == {
        "transmission", "location", "findings", "interchanges", "documents", "attempts", "cases", "dead_letters",
        "timeline",
    }  # fmt: skip


def test_show_gives_the_raw_bytes(built):
    result = CliRunner().invoke(app, ["--config", str(built), "show", "orders-2026-11-23.edi", "--raw"])
    [content] = [sample.content for sample in SAMPLES if sample.name == "orders-2026-11-23.edi"]
    assert result.stdout_bytes == content


def test_what_is_not_there_is_told_with_what_to_do(built):
    for command in ("show", "reprocess", "resend"):
        assert "edi-server documents" in call(command, "nothing", config=built, code=2)


# Acting. No daemon runs: what is asked for is stored, and people are told.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reprocess", "4500012348"], "orders-2026-11-23.edi is opened again"),
        (["reprocess", "WH/OUT/00001"], "leaves again in interchange 6"),
        (["resend", "CONTRL_2.edi"], "with the same control number"),
        (["schedule", "run", "nordmarkt/despatch-out"], "are looked for"),
    ],
)
def test_work_for_the_daemon_is_accepted_and_waits_for_it(plant, arguments, said):
    text = call(*arguments, config=plant)
    assert said in text
    assert "No daemon is running: it will be done as soon as `edi-server serve` runs." in text


def test_actions_in_json_keep_their_keys(plant):
    done = call_json("reject", "4500012348", "--reason", "no date", config=plant)
    assert done == {
        "sentence": "Order 4500012348 is rejected.",
        "subject_kind": "document",
        "subject_id": done["subject_id"],
        "submitted": False,
        "daemon_running": False,
    }
    assert call_json("rejected", config=plant)["documents"] == []


def test_where_the_engine_never_ran_work_cannot_be_submitted(plant):
    for file in (plant.parent / "var").glob("*engine*"):
        file.unlink()
    assert "No daemon has run on this database yet" in call("resend", "CONTRL_2.edi", config=plant, code=2)
    assert "No daemon has run on this database yet" in call("schedule", config=plant, code=2)


def test_a_rejection_needs_its_reason_and_a_document_that_can_be_rejected(plant):
    assert "--reason" in CliRunner().invoke(app, ["--config", str(plant), "reject", "4500012348"]).output
    assert "cancel it there" in call("reject", "4500012345", "--reason", "x", config=plant, code=2)
    assert "is no document" in call("reject", "price-list.csv", "--reason", "x", config=plant, code=2)


def test_cases_are_listed_assigned_and_closed(plant):
    rows = call_json("cases", config=plant)["cases"]
    assert set(rows[0]) == {
        "id", "created_at", "state", "reason", "sentence", "partner", "assignee", "note", "subject_kind", "subject_id",
        "about",
    }  # fmt: skip
    assert "price-list.csv" in call("cases", config=plant)
    case = rows[0]["id"]
    assert "is anne's now" in call("cases", "assign", case[:18], "anne", config=plant)
    assert "is fixed" in call("cases", "close", case, "--note", "done", "--as", "fixed", config=plant)
    assert "nothing to do" in call("cases", "close", case, "--note", "done", config=plant, code=2)
    assert len(call_json("cases", config=plant)["cases"]) == len(rows) - 1
    assert len(call_json("cases", "--all", config=plant)["cases"]) == len(rows)
    assert "edi-server cases" in call("cases", "assign", "nothing", "anne", config=plant, code=2)


def test_dead_letters_are_listed_resumed_and_resolved(plant):
    from edi_server.desk.actions import open_store
    from edi_server.store import DeadLetter

    assert "No work was given up" in call("dead-letters", config=plant)
    with open_store(Configuration.load(plant, {})) as store, store.begin() as work:
        for number in (1, 2):
            work.dead_letters.park(
                DeadLetter(
                    workflow_id=f"post:{number}",
                    workflow_kind="post",
                    workflow_input={"partition": "p", "documents": []},
                    error="Odoo is away",
                    permanent=False,
                    attempts=8,
                )
            )
    assert "Odoo is away" in call("dead-letters", config=plant)
    one, two = call_json("dead-letters", config=plant)["dead_letters"]
    assert set(one) == {
        "id", "parked_at", "state", "kind", "workflow_id", "error", "permanent", "attempts", "about",
    }  # fmt: skip
    assert "is tried once more" in call("dead-letters", "resume", one["id"], config=plant)
    assert "is resolved" in call("dead-letters", "resolve", two["id"], config=plant)
    assert "No work was given up" in call("dead-letters", config=plant)
    assert "edi-server dead-letters" in call("dead-letters", "resume", "nothing", config=plant, code=2)


def test_schedules_show_their_next_run_in_their_own_time_zone(plant):
    rows = call_json("schedule", config=plant)["schedules"]
    assert {row["agreement"]: row["time_zone"] for row in rows} == {
        "borealis/despatch-out": "Europe/Stockholm",
        "nordmarkt/despatch-out": "Europe/Berlin",
    }
    assert set(rows[0]) == {
        "agreement", "partner", "document", "cron", "time_zone", "next_run", "last_run", "active",
    }  # fmt: skip
    assert "nordmarkt/despatch-out" in call("schedule", config=plant)
    assert "there are: borealis/despatch-out" in call("schedule", "run", "x", config=plant, code=2)


def test_the_sandbox_is_there_only_while_a_daemon_runs(plant):
    for command in (["sandbox"], ["sandbox", "validate", "4500012346"]):
        assert "edi-server serve" in call(*command, config=plant, code=2)


# As a program


def run(*arguments, environment=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "edi_server", *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=60,
        cwd=options.pop("cwd", ROOT),
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        **options,
    )


def test_a_pipe_is_inspected_like_a_file(samples):
    ended = run("inspect", "-", input=(samples / "order-4500012345.edi").read_bytes())
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "standard input" in ended.stdout.decode()


def test_a_reader_that_goes_away_is_no_error(samples, tmp_path):
    (tmp_path / "many.edi").write_bytes((samples / "orders-2026-11-23.edi").read_bytes() * 300)
    command = f'"{sys.executable}" -m edi_server inspect --json --all "{tmp_path / "many.edi"}" | head -c 10'
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False, cwd=ROOT, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b'{"files": ', b"")


def test_a_reader_that_goes_away_from_a_table_is_no_error():
    command = f'"{sys.executable}" -m edi_server guide show D.96A NAD | head -n 2'
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, check=False, cwd=ROOT, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_looking_into_a_file_loads_neither_database_nor_engine(samples):
    script = (
        "import sys; from typer.testing import CliRunner; from edi_server.cli.application import app; "
        f"result = CliRunner().invoke(app, ['inspect', {str(samples / 'order-4500012345.edi')!r}]); "
        "assert result.exit_code == 0; "
        "print(sorted({'sqlalchemy', 'dbos', 'odoorpc', 'alembic', 'werkzeug', 'watchdog'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=ROOT, timeout=60)
    assert ended.stdout.decode().strip() == "[]"


# The page about it


def test_the_page_names_every_command_and_every_key():
    page = (ROOT / "docs" / "command-line.md").read_text()
    for command in COMMANDS:
        assert f"`{command}" in page or f"`edi-server {command}" in page or command in ("serve", "profile"), command
    documented = dict(re.findall(r"^\* `(\w+)`: (.*)$", page, re.MULTILINE))
    records = {record.__name__: record for record in RECORDS}
    assert documented.keys() == records.keys()
    for name, record in records.items():
        assert re.findall(r"`(\w+)`", documented[name]) == list(record.__struct_fields__), name
