"""One thing that fails, waits or is taken away must not stop what stands beside it."""

import logging
import shutil
import threading

import pytest
from sqlalchemy import text

from edi_server.config import Configuration
from edi_server.desk.actions import Desk
from edi_server.desk.actors import Actor, NotPossible
from edi_server.engine.corridor import Corridor
from edi_server.engine.daemon import Daemon
from edi_server.erp.odoo import OdooErp
from edi_server.erp.sandbox import Sandbox
from edi_server.errors import ConfigurationError
from edi_server.samples import SAMPLES
from edi_server.transports import watching

ANNE = Actor(name="anne", role="operator")


def order(number: int) -> bytes:
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    return sample.content.replace(b"4500012345", b"%d" % (4600000000 + number)).replace(b"NM000101", b"NM%d" % number)


def orders(count: int) -> bytes:
    """Several orders in one interchange."""
    content = order(0)
    at, end = content.index(b"UNH+1"), content.index(b"UNZ+1")
    messages = [order(number)[at:end] for number in range(count)]
    return content[:at] + b"".join(messages) + b"UNZ+%d+NM0'" % count


def documents(plant):
    with plant.store.read() as work:
        return list(reversed(work.documents.newest()))


def letters(plant, state="parked"):
    with plant.store.read() as work:
        return work.dead_letters.newest(state=state)


def test_an_erp_that_is_away_holds_up_no_other(running_plant, tmp_path, sqlite_url):
    folder = tmp_path / "a plant"
    with Sandbox(tmp_path / "second.sqlite") as second:
        toml = f'[erp.sandbox]\nkind = "sandbox"\n[erp.second]\nkind = "sandbox"\nurl = "{second.url}"\n'
        toml += '[companies.demo]\ndisplay_name = "Demo"\nidentities = ["14:9521141000007"]\n'
        partners = tmp_path / "partners with an ERP each"
        shutil.copytree("partners", partners)
        for name, erp in (("nordmarkt", "sandbox"), ("borealis", "second")):
            file = partners / f"{name}.toml"
            file.write_text(file.read_text().replace("direction =", f'erp = "{erp}"\ndirection ='))
        toml = f"[paths]\npartners = '{partners}'\n{toml}"
        retries = {"ATTEMPTS": "200", "FIRST_SECONDS": "0.2", "FACTOR": "1"}  # for 40 seconds at least
        waits = {f"EDI_SERVER_ENGINE__RETRIES__{key}": value for key, value in retries.items()}
        with running_plant(folder, sqlite_url, toml=toml, **waits) as plant:
            plant.sandbox.pause()
            for number in range(6):
                plant.drop("nordmarkt", f"{number}.edi", order(number))
            plant.until(lambda: len(documents(plant)) == 6)
            plant.drop_sample("bk-2026-0815.edi")
            plant.until(second.orders, seconds=10)
            waiting = [one.delivery for one in documents(plant) if one.erp == "sandbox"]
            assert waiting == ["pending"] * 6
            plant.sandbox.start()
            plant.settle()
            assert len(plant.sandbox.orders()) == 6


def test_a_document_of_a_removed_agreement_becomes_a_dead_letter_of_its_own(plant):
    plant.sandbox.pause()
    plant.drop("nordmarkt", "three.edi", orders(3))
    plant.settle()
    orphan = documents(plant)[1]
    assert [one.delivery for one in documents(plant)] == ["failed"] * 3
    with plant.store.begin() as work:
        gone = text("UPDATE documents SET agreement = 'nordmarkt/gone' WHERE id = :id")
        work.connection.execute(gone, {"id": orphan.id})
    plant.sandbox.start()
    for letter in letters(plant):
        with plant.store.begin() as work:
            resumed = work.dead_letters.resume(letter.id, actor="ada")
        plant.daemon.work.resume(resumed, run="1")
    plant.settle()
    assert [one.delivery for one in documents(plant)] == ["delivered", "failed", "delivered"]
    [stuck] = letters(plant)
    assert stuck.subject_id == orphan.id
    assert stuck.workflow_input["documents"] == [orphan.id]
    assert "There is no agreement nordmarkt/gone; restore it" in stuck.error


def test_what_is_being_posted_is_not_rejected_as_well(plant, monkeypatch):
    asked, answer = threading.Event(), threading.Event()
    post_orders = OdooErp.post_orders

    def slowly(erp, items):
        asked.set()
        assert answer.wait(30)
        return post_orders(erp, items)

    monkeypatch.setattr(OdooErp, "post_orders", slowly)
    plant.drop("nordmarkt", "one.edi", order(1))
    assert asked.wait(30)
    [document] = documents(plant)
    desk = Desk(plant.corridor.configuration, plant.store)
    with pytest.raises(NotPossible, match="is being posted to sandbox just now; wait until"):
        desk.reject(document.id, "We changed our mind.", actor=ANNE)
    answer.set()
    plant.settle()
    [document] = documents(plant)
    assert (document.validation, document.delivery) == ("valid", "delivered")
    with pytest.raises(NotPossible, match="already; cancel it there"):
        desk.reject(document.id, "We changed our mind.", actor=ANNE)


def test_files_are_collected_where_watching_was_asked_for_and_fails(
    running_plant, tmp_path, sqlite_url, monkeypatch, caplog
):
    class Blind(watching.Observer):
        def start(self):
            raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(watching, "Observer", Blind)
    with (
        caplog.at_level(logging.INFO),
        running_plant(tmp_path / "a plant", sqlite_url, EDI_SERVER_TRANSPORTS__FOLDER__WATCH="on") as plant,
    ):
        plant.drop_sample("order-4500012345.edi")
        plant.settle()
        assert len(plant.sandbox.orders()) == 1
    assert "cannot be watched" in caplog.text
    assert "looked through every" in caplog.text


def holder(plant):
    """The database session by which the daemon has the database for itself; None for none."""
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :low"
    with plant.store.read() as work:
        return work.connection.execute(text(held), {"low": 0x73727672}).scalar()


def test_a_second_daemon_on_one_database_is_refused_whatever_its_folder(running_plant, tmp_path, postgresql_url):
    other = tmp_path / "another plant"
    shutil.copytree("partners", other / "partners")
    (other / "edi-server.toml").write_text("")
    configuration = Configuration.load(other / "edi-server.toml", {"EDI_SERVER_DATABASE__URL": postgresql_url})
    with running_plant(tmp_path / "a plant", postgresql_url) as plant:
        before = holder(plant)
        with plant.store.begin() as work:
            work.connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": before})
        plant.until(lambda: holder(plant) not in (None, before))
        with Corridor(configuration).store as store:
            second = Corridor(configuration)
            second.store = store
            with pytest.raises(ConfigurationError, match="Another daemon is running on the database"):
                Daemon(second)
    first_again = Corridor(configuration)
    with Daemon(first_again):
        pass
    first_again.store.close()
