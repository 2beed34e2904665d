"""The daemon as a process, and the command line beside it; the demo as a whole."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk_plant import make_plant

from edi_server.config import Configuration
from edi_server.demo import closing
from edi_server.demo.plant import CONFIGURATION, DemoPlant, NotHappened
from edi_server.desk.actions import open_store
from edi_server.errors import ConfigurationError
from edi_server.samples import SAMPLES

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("EDI_SERVER_")}
ENVIRONMENT |= {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "NOTHING": "secret"}
#: Many times of what it takes on an idle machine.
PATIENCE = 60


@contextmanager
def program(*arguments, cwd):
    """A process of ours, which ends with the block."""
    command = [sys.executable, "-m", "edi_server", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=cwd, env=ENVIRONMENT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def call(plant, *arguments, code=0):
    command = [sys.executable, "-m", "edi_server", "--config", str(plant), *map(str, arguments)]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout or ended.stderr


def until(look, what):
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return found


@pytest.fixture
def plant(tmp_path):
    folder = tmp_path / "a plant"
    DemoPlant(folder)
    return folder / "edi-server.toml"


def drop(plant, name):
    [sample] = [one for one in SAMPLES if one.name == name]
    part = plant.parent / "inbox" / sample.mailbox / f".{name}.part"
    part.write_bytes(sample.content)
    part.rename(part.with_name(name))


def listed(plant, *arguments):
    [(_, rows)] = json.loads(call(plant, *arguments, "--json")).items()
    return rows


def deliveries(plant, *arguments):
    return [one["delivery"] for one in listed(plant, "documents", *arguments)]


def test_the_command_line_works_beside_the_daemon_and_stops_it_cleanly(plant):
    data = plant.parent / "var"
    with program("--config", plant, "serve", cwd=plant.parent) as daemon:
        url = until(lambda: (data / "sandbox.url").exists() and (data / "sandbox.url").read_text().strip(), "it starts")
        assert b"Odoo" in urllib.request.urlopen(url, timeout=10).read()

        drop(plant, "order-4500012345.edi")
        until(lambda: deliveries(plant) == ["delivered"], "it is posted")
        [order] = json.loads(call(plant, "sandbox", "--json"))["orders"]
        assert order["reference"] == "4500012345"

        assert "WH/OUT/00001" in call(plant, "sandbox", "validate", "4500012345")
        assert "No daemon" not in call(plant, "schedule", "run", "nordmarkt/despatch-out")
        until(lambda: deliveries(plant, "--direction", "outbound") == ["sent"], "the DESADV leaves")

        outbox = plant.parent / "outbox" / "nordmarkt"
        done = json.loads(call(plant, "resend", "WH/OUT/00001", "--json"))
        assert done["daemon_running"]
        until(lambda: len(list(outbox.glob("DESADV*"))) == 2, "it leaves once more")

        assert "A daemon is running on" in call(plant, "serve", code=2)

        began = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(PATIENCE) == 0
        assert time.monotonic() - began < 20
        assert "Traceback" not in daemon.stderr.read()
    assert "edi-server serve" in call(plant, "sandbox", code=2)


def test_the_daemon_stops_while_work_waits_for_its_next_attempt(plant):
    # An ERP that is away: posting is tried again after growing pauses, which nobody has to wait for.
    plant.write_text(
        CONFIGURATION.replace("[engine]", "[engine]\nretries = { first_seconds = 120 }")
        + '\n[companies.lindhof]\nidentities = ["14:9521141000007"]\nerp = "away"\n'
        '[erp.away]\nkind = "odoo"\nurl = "http://127.0.0.1:9"\ndatabase = "d"\nuser = "u"\n'
        'password = { secret = "NOTHING" }\n'
    )
    with program("--config", plant, "serve", cwd=plant.parent) as daemon:
        until((plant.parent / "inbox" / "nordmarkt").is_dir, "it starts")
        drop(plant, "order-4500012345.edi")
        until(lambda: deliveries(plant), "it is opened")
        for line in daemon.stderr:
            if "post failed (1 " in line:
                break
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(30) == 0
    assert deliveries(plant) == ["pending"]


def test_the_demo_shows_the_main_job_from_anywhere_and_in_a_minute(tmp_path):
    folder = tmp_path / "a folder for the demo"
    with program("demo", "--folder", folder, cwd=tmp_path) as demo:
        said, wrong = demo.communicate(timeout=120)
        assert demo.returncode == 0, said + wrong
    seconds = int(said.rpartition(", in ")[2].partition(" seconds")[0])
    assert seconds < 60
    for part in ("one clean order", "What came in", "their three statuses", "CONTRL received", "Try next"):
        assert part in said
    assert wrong == ""
    shown = call(folder / "edi-server.toml", "show", "WH/OUT/00001")
    assert "acknowledgment  accepted" in shown


# What the demo does when things go wrong


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("…")
    with pytest.raises(ConfigurationError, match="is not the folder of an earlier demo"):
        DemoPlant(precious)
    assert (precious / "thesis.txt").exists()
    earlier = tmp_path / "earlier"
    DemoPlant(earlier)
    (earlier / "left over").write_text("…")
    DemoPlant(earlier)
    assert not (earlier / "left over").exists()


def test_a_daemon_that_does_not_start_is_told_with_its_own_words(tmp_path):
    demo = DemoPlant(tmp_path / "demo")
    demo.file.write_text(f"{CONFIGURATION}\nnonsense = 1\n")
    with pytest.raises(NotHappened, match=r"ended by itself \(exit code 2\): the daemon starts"), demo:
        pass
    assert "nonsense" in demo.log_tail()


def test_what_does_not_happen_in_time_is_named(tmp_path):
    demo = DemoPlant(tmp_path / "demo")
    with pytest.raises(NotHappened, match="within 0 seconds: pigs fly"):
        demo.wait(lambda: False, "pigs fly", seconds=0.1)


def test_an_end_that_is_not_as_it_should_be_is_named(tmp_path):
    """Before the partner acknowledged, and with a document too few."""
    file = make_plant(tmp_path / "a plant")
    with open_store(Configuration.load(file, {})) as store, store.read() as work:
        transmissions = work.transmissions.newest(limit=100)
        documents = work.documents.newest(limit=100)
        assert closing._wrong_files(work, transmissions) == []
        assert closing._wrong_files(work, transmissions[3:])
        assert closing._wrong_documents(documents) == ["exactly one despatch advice should be sent and accepted"]
        fewer = [one for one in documents if one.number != "4500012346"]
        assert any("order 4500012346 should be valid" in problem for problem in closing._wrong_documents(fewer))
