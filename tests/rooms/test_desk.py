"""The desk: what people mean, what they see, what they may do, and what is written down about it."""

import shutil
from pathlib import Path

import msgspec
import pytest
from desk_plant import Told, follow_up, make_plant, send_off
from sqlalchemy import text

from edi_server.config import Configuration
from edi_server.desk import presence, views
from edi_server.desk.actions import Desk, open_store, person_here
from edi_server.desk.actors import Actor, NotAllowed, NotPossible
from edi_server.desk.showing import raw_bytes, show
from edi_server.engine.corridor import Corridor
from edi_server.engine.posting import Posting
from edi_server.engine.workflows import Work
from edi_server.erp.sandbox import Sandbox
from edi_server.errors import ErpError, StoreError
from edi_server.samples import SAMPLES
from edi_server.store import Case, DeadLetter, Subject

ANNE = Actor(name="anne", role="operator")
SAMPLE = {sample.name: sample for sample in SAMPLES}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return make_plant(tmp_path_factory.mktemp("desk") / "a plant")


@pytest.fixture
def plant(built, tmp_path):
    """A copy to act upon; paths in the configuration count from its file."""
    shutil.copytree(built.parent, tmp_path / "a plant")
    return tmp_path / "a plant" / "edi-server.toml"


@pytest.fixture
def desk(plant):
    with Desk.open(Configuration.load(plant, {})) as desk:
        desk.told = Told()
        desk.work = Work(desk.told)
        yield desk


@pytest.fixture(scope="module")
def store(built):
    with open_store(Configuration.load(built, {})) as store:
        yield store


def document_of(desk, number):
    with desk.store.read() as work:
        return next(one for one in work.documents.search(number) if one.number == number)


def events_of(desk, subject):
    with desk.store.read() as work:
        return [(event.what, event.actor) for event in work.timeline.of(subject)]


# What is meant


@pytest.mark.parametrize(
    ("reference", "type_", "number"),
    [
        ("4500012345", "Order", "4500012345"),
        ("  4500012347 ", "Order", "4500012347"),
        ("BK-2026", "Order", "BK-2026-0815"),
        ("bk-2026-0815", "Order", "BK-2026-0815"),
        ("S00005", "Order", "BK-2026-0815"),
        ("BK7781", "Order", "BK-2026-0815"),
        ("WH/OUT/00001", "DespatchAdvice", "WH/OUT/00001"),
    ],
)
def test_a_document_is_found_by_whatever_a_person_has_of_it(store, reference, type_, number):
    shown = show(store, reference).document
    if reference == "S00005":
        assert shown.document.erp_record == "S00005"
        return
    assert (shown.document.type, shown.document.number) == (type_, number)


def test_a_document_is_found_by_its_id_and_by_the_beginning_of_it(store):
    document = show(store, "4500012345").document.document
    for reference in (document.id, document.id.upper(), document.id[:18]):
        assert show(store, reference).document.document.id == document.id


def test_an_order_number_means_the_order_before_the_delivery_that_refers_to_it(store):
    shown = show(store, "4500012345")
    assert shown.document.document.type == "Order"
    assert [one.type for one in shown.other_documents] == ["DespatchAdvice"]


def test_a_control_reference_means_its_interchange_and_not_numbers_that_contain_it(store):
    shown = show(store, "5")
    assert shown.document.document.type == "DespatchAdvice", "interchange 5 carries the despatch advice"
    assert all("5" not in (one.number or "") for one in shown.other_documents)


def test_a_file_that_became_no_document_is_found_by_its_name(store):
    shown = show(store, "price-list.csv").transmission
    assert shown.transmission.result == "unreadable"
    assert [case.reason for case in shown.cases] == ["unreadable"]
    assert show(store, "X1").transmission.interchanges[0].result == "unknown sender"


def test_a_case_leads_to_what_it_is_about(store):
    case = next(case for case in views.list_cases(store) if case.reason == "invalid")
    assert show(store, case.id).document.document.number == "4500012348"


@pytest.mark.parametrize("reference", ["nothing", "", "   ", "%", "0" * 36, "01a00000-0000", "x" * 5000, "\0", "'; --"])
def test_what_means_nothing_is_said_with_what_to_do(store, reference):
    with pytest.raises(NotPossible, match=r"edi-server documents"):
        show(store, reference)


# What is seen


def test_findings_are_shown_in_the_bytes_that_they_are_about(store):
    shown = show(store, "4500012348").document
    by_code = {pointed.finding.code: pointed.excerpt for pointed in shown.findings}
    excerpt = by_code["guide.value-not-numeric"]
    assert (excerpt.segment, excerpt.segment[excerpt.mark :]) == ("QTY+21:2O:PCE'", "2O:PCE'")
    assert (excerpt.before, excerpt.after) == ("IMD+F+8+:::Strawberry jam 340 g'", "MOA+203:59.00'")
    content = SAMPLE["orders-2026-11-23.edi"].content
    assert content[excerpt.offset :].startswith(b"QTY+21:2O")


def test_where_the_bytes_are_is_said_so_that_they_can_be_cut_out(store):
    shown = show(store, "4500012347").document
    content = SAMPLE["orders-2026-11-23.edi"].content
    where = shown.location
    assert (where.file_name, where.message, where.control_reference) == ("orders-2026-11-23.edi", 2, "NM000102")
    assert content[where.start : where.end].startswith(b"UNH+2+")
    assert raw_bytes(store, "4500012347") == content[where.start : where.end]
    assert raw_bytes(store, "orders-2026-11-23.edi") == content


def test_an_acknowledgment_is_shown_with_what_carries_it(store):
    [answer] = show(store, "4500012348").document.acknowledgments
    assert (answer.kind, answer.direction, answer.outcome) == ("CONTRL", "sent", "partially accepted")
    assert answer.delivery == "sent"


def test_an_acknowledgment_is_named_as_the_partner_finds_it(built, store):
    [answer] = show(store, "X1").transmission.interchanges[0].acknowledgments
    assert answer.file_name == "CONTRL_1-2.edi", "another counter gave out 1 before, and that file is still there"
    assert (built.parent / "outbox" / "nordmarkt" / answer.file_name).exists()


def test_a_finding_whose_bytes_are_gone_is_shown_without_them(desk):
    for file in Path(desk.configuration.settings.paths.archive).rglob("*.zst"):
        file.unlink()
    shown = show(desk.store, "4500012348").document
    assert shown.findings
    assert all(pointed.excerpt is None for pointed in shown.findings)
    with pytest.raises(StoreError):
        raw_bytes(desk.store, "4500012348")


def test_lists_are_newest_first_limited_and_narrowed(store):
    everything = views.list_documents(store)
    assert [row.id for row in everything] == sorted((row.id for row in everything), reverse=True)
    assert len(everything) == 7
    assert len(views.list_documents(store, limit=2)) == 2
    assert [row.number for row in views.list_documents(store, validation="invalid")] == ["4500012348"]
    assert [row.partner for row in views.list_documents(store, partner="borealis")] == ["borealis"]
    assert [row.number for row in views.list_rejected(store)] == ["4500012348"]
    behind = views.list_documents(store, before=everything[0].id)
    assert behind == everything[1:]


def test_transmissions_are_listed_in_the_order_in_which_they_crossed(store):
    rows = views.list_transmissions(store)
    assert [row.created_at for row in rows] == sorted((row.created_at for row in rows), reverse=True)
    assert {row.direction for row in rows} == {"inbound", "outbound"}


def test_views_are_json_with_the_same_keys_whatever_they_hold(store):
    shown = msgspec.json.decode(msgspec.json.encode(show(store, "4500012345")))
    other = msgspec.json.decode(msgspec.json.encode(show(store, "price-list.csv")))
    assert shown.keys() == other.keys()
    assert shown["document"]["content"]["number"] == "4500012345"


def test_a_partner_that_nobody_knows_is_no_empty_list():
    with pytest.raises(NotPossible, match="borealis, nordmarkt"):
        views.require_partner(["nordmarkt", "borealis"], "nordmark")


# Reprocess


def test_what_came_in_is_opened_again_from_the_same_bytes(desk):
    before = document_of(desk, "4500012348")
    done = desk.reprocess("4500012348", actor=ANNE)
    [(kind, workflow_id, partition, argument)] = desk.told.work
    assert (kind, workflow_id, partition) == ("receive", f"receive:{done.subject_id}", "nordmarkt")
    assert argument["transmission"] == done.subject_id
    with desk.store.read() as work:
        again = work.transmissions.get(done.subject_id)
        original = work.transmissions.get(before.transmission_id)
    assert (again.parent_id, again.content_hash, again.result) == (original.id, original.content_hash, None)
    assert ("reprocessed", "anne") in events_of(desk, original.subject)
    assert ("taken again", "anne") in events_of(desk, again.subject)


def test_reprocessing_twice_posts_nothing_twice_and_is_no_duplicate(desk, plant):
    with Sandbox(plant.parent / "var" / "sandbox.sqlite") as sandbox:
        orders = len(sandbox.orders())
        corridor = Corridor(desk.configuration, sandbox_url=sandbox.url)
        for _ in range(2):
            done = desk.reprocess("orders-2026-11-23.edi", actor=ANNE)
            follow_up(corridor, done.subject_id)
            with desk.store.read() as work:
                assert work.transmissions.get(done.subject_id).result == "taken"
        assert len(sandbox.orders()) == orders


def test_a_transmission_that_is_still_being_opened_is_not_opened_again(desk):
    desk.reprocess("orders-2026-11-23.edi", actor=ANNE)
    with pytest.raises(NotPossible, match="still being opened"):
        desk.reprocess("4500012348", actor=ANNE)


def test_a_document_that_goes_out_is_translated_again_under_a_new_control_number(desk):
    before = document_of(desk, "WH/OUT/00001")
    done = desk.reprocess("WH/OUT/00001", actor=ANNE)
    [(kind, _, mailbox, argument)] = desk.told.work
    assert (kind, mailbox, argument["transmission"]) == ("deliver", "nordmarkt", done.subject_id)
    after = document_of(desk, "WH/OUT/00001")
    assert after.id == before.id
    assert after.transmission_id == done.subject_id != before.transmission_id
    with desk.store.read() as work:
        old, new = work.interchanges.get(before.interchange_id), work.interchanges.get(after.interchange_id)
    assert int(new.control_reference) == int(old.control_reference) + 1
    assert ("reprocessed", "anne") in events_of(desk, after.subject)
    with pytest.raises(NotPossible, match="about to leave"):
        desk.reprocess("WH/OUT/00001", actor=ANNE)


def test_an_acknowledgment_is_not_reprocessed_but_sent_again(desk):
    with pytest.raises(NotPossible, match="edi-server resend"):
        desk.reprocess("CONTRL_2.edi", actor=ANNE)


def test_a_reference_that_may_mean_several_transmissions_lists_them(desk):
    with pytest.raises(NotPossible, match="give the id of one") as refusal:
        desk.resend("1", actor=ANNE)
    assert str(refusal.value).count("CONTRL_1.edi") == 3


# Resend


def test_the_same_bytes_leave_once_more_under_the_same_control_number(desk, plant):
    outbox = plant.parent / "outbox" / "nordmarkt"
    [first] = outbox.glob("DESADV*")
    done = desk.resend("WH/OUT/00001", actor=ANNE)
    [(kind, workflow_id, partition, argument)] = desk.told.work
    assert (kind, workflow_id, partition) == ("deliver", f"deliver:{done.subject_id}#1", "nordmarkt")
    assert argument["transmission"] == done.subject_id
    send_off(Corridor(desk.configuration), done.subject_id)
    one, two = sorted(outbox.glob("DESADV*"))
    assert one.read_bytes() == two.read_bytes() == first.read_bytes()
    with desk.store.read() as work:
        assert work.transmissions.get(done.subject_id).delivery == "sent"
    assert ("pending", "anne") in events_of(desk, Subject("transmission", done.subject_id))


def test_what_came_in_cannot_be_sent_again(desk):
    with pytest.raises(NotPossible, match="edi-server reprocess"):
        desk.resend("4500012345", actor=ANNE)


def test_what_has_not_left_yet_is_not_sent_twice(desk):
    desk.resend("CONTRL_2.edi", actor=ANNE)
    with pytest.raises(NotPossible, match="has not left yet"):
        desk.resend("CONTRL_2.edi", actor=ANNE)


def test_a_delivery_that_was_given_up_is_resumed_by_a_resend(desk):
    transmission_id = document_of(desk, "WH/OUT/00001").transmission_id
    with desk.store.begin() as work:
        work.transmissions.move(transmission_id, "pending")
        work.transmissions.move(transmission_id, "failed")
        letter = work.dead_letters.park(
            DeadLetter(
                workflow_id=f"deliver:{transmission_id}",
                workflow_kind="deliver",
                error="gone",
                permanent=False,
                attempts=8,
            )
        )
        document = work.documents.of(transmission=transmission_id)[0]
        work.connection.execute(text("UPDATE documents SET delivery = 'failed' WHERE id = :id"), {"id": document.id})
    desk.resend("WH/OUT/00001", actor=ANNE)
    with desk.store.read() as work:
        assert work.dead_letters.get(letter.id).state == "resumed"
    with pytest.raises(NotPossible, match="about to leave; wait until"):
        desk.reject(document.id, "Too late.", actor=ANNE)


# Reject


def test_a_rejected_document_waits_for_nobody_and_says_why(desk):
    document = document_of(desk, "4500012348")
    desk.reject("4500012348", "nobody knows the date", actor=ANNE)
    with desk.store.read() as work:
        [case] = work.cases.about(document.subject)
    assert (case.state, case.note) == ("rejected", "nobody knows the date")
    assert views.list_rejected(desk.store) == []
    assert any(actor == "anne" for _, actor in events_of(desk, document.subject))


def test_what_is_in_the_erp_is_cancelled_there(desk):
    with pytest.raises(NotPossible, match=r"is S0000\d in sandbox already; cancel it there"):
        desk.reject("4500012345", "changed our mind", actor=ANNE)


def test_what_has_left_cannot_be_rejected(desk):
    with pytest.raises(NotPossible, match="has left; ask nordmarkt"):
        desk.reject("WH/OUT/00001", "changed our mind", actor=ANNE)


def test_a_rejection_needs_a_reason(desk):
    with pytest.raises(NotPossible, match="Say why"):
        desk.reject("4500012348", "  ", actor=ANNE)


def unposted(desk, corridor, sandbox):
    """An order that is valid and claimed, but of which nobody knows whether the ERP has it."""
    from desk_plant import receive

    content = SAMPLE["order-4500012345.edi"].content.replace(b"4500012345", b"4500099999").replace(b"NM000101", b"NM9")
    sandbox.pause()
    with pytest.raises(ErpError):
        receive(corridor, "nordmarkt", "late.edi", content)
    return document_of(desk, "4500099999")


def test_a_document_whose_posting_broke_off_is_rejected_only_if_the_erp_does_not_have_it(desk, plant):
    with Sandbox(plant.parent / "var" / "sandbox.sqlite") as sandbox:
        presence.announce_sandbox(desk.data, sandbox.url)
        corridor = Corridor(desk.configuration, sandbox_url=sandbox.url)
        document = unposted(desk, corridor, sandbox)
        with pytest.raises(NotPossible, match="being posted to sandbox just now"):
            desk.reject("4500099999", "too late", actor=ANNE)
        Posting(corridor).give_up([document.id], "The ERP is away.")
        with pytest.raises(ErpError):
            desk.reject("4500099999", "too late", actor=ANNE)
        assert document_of(desk, "4500099999").validation == "valid", "nothing was decided while nobody can know"
        sandbox.start()
        desk.reject("4500099999", "too late", actor=ANNE)
        with desk.store.read() as work:
            assert work.ledger.find(document.business_key).state == "released"
        assert not [order for order in sandbox.orders() if order.reference == "4500099999"]


# Cases, dead letters, schedules


def test_a_case_is_assigned_and_closed_in_somebodys_name(desk):
    case = next(case for case in views.list_cases(desk.store) if case.reason == "unknown-sender")
    desk.assign_case(case.id[:18], "bernd", actor=ANNE)
    desk.close_case(case.id, "It was a test of theirs.", actor=ANNE, state="fixed")
    with desk.store.read() as work:
        closed = work.cases.get(case.id)
    assert (closed.state, closed.assignee, closed.note) == ("fixed", "bernd", "It was a test of theirs.")
    assert ("case fixed", "anne") in events_of(desk, Subject(case.subject_kind, case.subject_id))
    with pytest.raises(NotPossible, match="nothing to do"):
        desk.assign_case(case.id, "anne", actor=ANNE)


def test_an_id_that_several_cases_begin_with_is_not_guessed(desk):
    with desk.store.begin() as work:
        subject = document_of(desk, "4500012348").id
        for number in (1, 2):
            work.cases.open(
                Case(
                    id=f"00000000-0000-7000-8000-00000000000{number}",
                    subject_kind="document",
                    subject_id=subject,
                    reason=f"r{number}",
                    sentence="?",
                )
            )
    with pytest.raises(NotPossible, match="2 ids of cases"):
        desk.close_case("00000000-0000", "?", actor=ANNE)
    with pytest.raises(NotPossible, match="There is no case"):
        desk.close_case("4500012348", "?", actor=ANNE)


def parked(desk):
    subject = document_of(desk, "4500012349").subject
    with desk.store.begin() as work:
        return work.dead_letters.park(
            DeadLetter(
                workflow_id=f"post:{subject.id}",
                workflow_kind="post",
                workflow_input={"partition": "sandbox/1", "lane": "sandbox/1", "documents": [subject.id]},
                subject_kind=subject.kind,
                subject_id=subject.id,
                error="Odoo is away\nTraceback…",
                permanent=False,
                attempts=8,
            )
        )


def test_given_up_work_is_submitted_again_as_another_run(desk):
    letter = parked(desk)
    [row] = views.list_dead_letters(desk.store)
    assert (row.about, row.error) == ("Order 4500012349", "Odoo is away")
    desk.resume(letter.id, actor=ANNE)
    [(kind, workflow_id, partition, argument)] = desk.told.work
    assert (kind, partition) == ("post", "sandbox/1")
    assert workflow_id.startswith(f"{letter.workflow_id}#")
    assert argument["documents"] == [letter.subject_id]
    assert views.list_dead_letters(desk.store) == []
    assert [one.state for one in views.list_dead_letters(desk.store, every=True)] == ["resumed"]


def test_given_up_work_may_be_settled_otherwise(desk):
    letter = parked(desk)
    desk.resolve(letter.id[:13], actor=ANNE)
    with pytest.raises(NotPossible, match="nothing to do"):
        desk.resume(letter.id, actor=ANNE)
    assert desk.told.work == []


def test_a_schedule_is_run_on_demand_for_outbound_agreements_that_are_live(desk):
    desk.run_schedule("nordmarkt/despatch-out", actor=ANNE)
    [(kind, workflow_id, partition, _)] = desk.told.work
    assert (kind, partition) == ("advise", "nordmarkt/despatch-out")
    assert "anne" in workflow_id, "who wanted it is part of the work's name"
    for wrong in ("nordmarkt/orders-in", "nordmarkt"):
        with pytest.raises(NotPossible, match="borealis/despatch-out, nordmarkt/despatch-out"):
            desk.run_schedule(wrong, actor=ANNE)


def test_a_paused_agreement_sends_nothing_on_demand_either(desk, plant):
    file = plant.parent / "partners" / "nordmarkt.toml"
    file.write_text(file.read_text().replace('state = "live"\nschedule', 'state = "paused"\nschedule'))
    with pytest.raises(NotPossible, match="is paused"):
        desk.run_schedule("nordmarkt/despatch-out", actor=ANNE)
    with pytest.raises(NotPossible, match="is paused"):
        desk.reprocess("WH/OUT/00001", actor=ANNE)


# Rights, presence


@pytest.mark.parametrize(
    ("role", "action", "arguments"),
    [
        ("viewer", "reprocess", ("4500012348",)),
        ("viewer", "reject", ("4500012348", "no")),
        ("viewer", "close_case", ("0", "no")),
        ("viewer", "assign_case", ("0", "me")),
        ("buyer", "resend", ("WH/OUT/00001",)),
        ("buyer", "resume", ("0",)),
        ("buyer", "resolve", ("0",)),
        ("buyer", "run_schedule", ("nordmarkt/despatch-out",)),
    ],
)
def test_nobody_does_what_their_role_does_not_cover(desk, role, action, arguments):
    with pytest.raises(NotAllowed, match="operator"):
        getattr(desk, action)(*arguments, actor=Actor(name="carl", role=role))
    assert desk.told.work == []


def test_whoever_sits_here_has_a_name(monkeypatch):
    monkeypatch.setenv("SUDO_USER", "dora")
    assert person_here() == Actor(name="dora", role="operator")
    monkeypatch.delenv("SUDO_USER")
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert person_here().name


def test_a_running_daemon_is_seen_by_its_lock_and_not_by_its_file(tmp_path):
    import fcntl

    assert not presence.is_daemon_running(tmp_path)
    with (tmp_path / presence.LOCK).open("w") as lock:
        assert not presence.is_daemon_running(tmp_path)
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert presence.is_daemon_running(tmp_path)
    assert not presence.is_daemon_running(tmp_path)


def test_the_sandbox_is_found_by_its_file(tmp_path):
    assert presence.find_sandbox(tmp_path) == ""
    presence.announce_sandbox(tmp_path / "new", "http://127.0.0.1:1")
    assert presence.find_sandbox(tmp_path / "new") == "http://127.0.0.1:1"
    presence.withdraw_sandbox(tmp_path / "new")
    assert presence.find_sandbox(tmp_path / "new") == ""


def test_there_is_no_desk_where_no_daemon_ever_ran(tmp_path):
    configuration = Configuration.load(None, {"EDI_SERVER_PATHS__DATA": str(tmp_path / "nothing")})
    with pytest.raises(NotPossible, match="edi-server serve"), Desk.open(configuration):
        pass
    assert not [*tmp_path.iterdir()], "looking leaves no traces"
