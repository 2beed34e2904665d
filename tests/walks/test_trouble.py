"""What happens when the machine fails, and when partners do what they should not."""

from datetime import timedelta

from edi_server.engine import outbound
from edi_server.samples import SAMPLES
from edi_server.store import Subject


def order(**changes: bytes) -> bytes:
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    content = sample.content
    for old, new in changes.values():
        assert old in content
        content = content.replace(old, new)
    return content


def documents(plant):
    with plant.store.read() as work:
        return list(reversed(work.documents.newest()))


def test_an_erp_that_stays_away_parks_the_order_and_resuming_posts_it(plant):
    plant.sandbox.pause()
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    [document] = documents(plant)
    with plant.store.read() as work:
        # The schedule may have asked the ERP meanwhile, too.
        [letter] = [one for one in work.dead_letters.newest() if one.workflow_kind == "post"]
        contrl = list(plant.outbox("nordmarkt"))
    assert (document.validation, document.delivery, document.acknowledgment) == ("valid", "failed", "accepted")
    assert (letter.workflow_kind, letter.attempts, letter.permanent) == ("post", 3, False)
    assert len(contrl) == 1, "the receive lane never waits for the ERP"

    plant.sandbox.start()
    with plant.store.begin() as work:
        letter = work.dead_letters.resume(letter.id, actor="ada")
    plant.daemon.work.resume(letter, run="1")
    plant.settle()
    [document] = documents(plant)
    assert document.delivery == "delivered"
    with plant.store.read() as work:
        assert work.dead_letters.get(letter.id).state == "resolved"
    assert len(plant.sandbox.orders()) == 1


def test_an_erp_that_comes_back_in_time_is_waited_for(plant):
    plant.sandbox.pause()
    plant.drop_sample("order-4500012345.edi")
    plant.until(lambda: documents(plant))
    plant.sandbox.start()
    plant.settle()
    [document] = documents(plant)
    assert document.delivery == "delivered"


def test_a_number_that_was_used_before_with_other_content_waits_for_a_person(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    reference = sample.content.rpartition(b"UNZ+1+")[2].partition(b"'")[0]
    plant.drop("nordmarkt", "again.edi", order(ref=(reference, b"NEU1"), quantity=(b"QTY+21:", b"QTY+21:1")))
    plant.settle()
    first, second = documents(plant)
    assert (second.validation, second.delivery, second.acknowledgment) == ("invalid", "failed", "accepted")
    with plant.store.read() as work:
        [case] = work.cases.about(second.subject)
    assert case.reason == "number-used-before"
    assert len(plant.sandbox.orders()) == 1
    assert first.delivery == "delivered"


def test_the_same_content_under_another_control_reference_is_a_duplicate(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    reference = sample.content.rpartition(b"UNZ+1+")[2].partition(b"'")[0]
    plant.drop("nordmarkt", "again.edi", order(ref=(reference, b"NEU1")))
    plant.settle()
    assert len(documents(plant)) == 1
    with plant.store.read() as work:
        assert work.transmissions.newest(direction="inbound")[0].result == "duplicate"
    assert any(b"+4+26+" in content for content in plant.outbox("nordmarkt").values())


def test_an_interchange_rejected_at_first_is_no_duplicate_when_it_comes_again_right(plant):
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    head, _, tail = sample.content.rpartition(b"UNZ+1+")
    plant.drop("nordmarkt", "wrong.edi", head + b"UNZ+7+" + tail)
    plant.settle()
    [wrong] = documents(plant)
    assert (wrong.validation, wrong.delivery) == ("invalid", "pending")
    plant.drop("nordmarkt", "right.edi", sample.content)
    plant.settle()
    assert [document.delivery for document in documents(plant)] == ["pending", "delivered"]


def test_a_contrl_is_never_acknowledged(plant):
    [sample] = [one for one in SAMPLES if one.name == "order-4500012345.edi"]
    plant.drop("nordmarkt", sample.name, sample.content)
    plant.settle()
    [contrl] = plant.outbox("nordmarkt").values()
    ours, theirs = b"9521141000007:14", b"9521234000006:14"
    swapped = contrl.replace(ours, b"#").replace(theirs, ours).replace(b"#", theirs)
    plant.drop("nordmarkt", "contrl.edi", swapped)
    plant.settle()
    assert len(plant.outbox("nordmarkt")) == 1
    with plant.store.read() as work:
        reasons = [case.reason for case in work.cases.newest()]
    assert reasons == ["acknowledges-nothing"]


def test_a_file_in_the_mailbox_of_another_partner_is_answered_to_its_owner_only(plant):
    plant.drop("borealis", "order.edi", order())
    plant.settle()
    with plant.store.read() as work:
        [interchange] = work.interchanges.newest(direction="inbound")
    assert interchange.result == "mismatching sender"
    assert plant.outbox("nordmarkt") == {}
    assert documents(plant) == []
    assert plant.sandbox.orders() == []


def test_test_traffic_without_a_test_agreement_reaches_no_erp(plant):
    content = order(test=(b"++ORDERS++1'", b"++ORDERS++1++1'"))
    plant.drop("nordmarkt", "test.edi", content)
    plant.settle()
    with plant.store.read() as work:
        [transmission] = work.transmissions.newest(direction="inbound")
        reasons = {case.reason for case in work.cases.newest()}
    assert transmission.result == "test lane"
    assert "lane-not-agreed" in reasons
    assert documents(plant) == []
    assert plant.sandbox.orders() == []


def test_one_delivery_that_cannot_be_advised_holds_back_no_other(plant, monkeypatch):
    for name in ("order-4500012345.edi", "orders-2026-11-23.edi"):
        plant.drop_sample(name)
    plant.settle()
    odd, *fine = [name for order in plant.sandbox.orders() for name in plant.sandbox.validate_delivery(order.name)]
    prepare = outbound._prepare

    def stumble(corridor, agreement, delivery):
        if delivery.record_name == odd:
            raise ZeroDivisionError("odd")
        return prepare(corridor, agreement, delivery)

    monkeypatch.setattr(outbound, "_prepare", stumble)
    plant.daemon.work.advise("nordmarkt/despatch-out", run="now")
    plant.settle()
    plant.daemon.workflows.pick_up()
    plant.settle()
    with plant.store.read() as work:
        sent = {document.number for document in work.documents.newest(direction="outbound")}
        letters = [letter for letter in work.dead_letters.newest() if odd in letter.error]
    assert sent == set(fine)
    assert len([name for name in plant.outbox("nordmarkt") if name.startswith("DESADV")]) == len(fine)
    assert [letter.workflow_kind for letter in letters] == ["advise"]


def test_what_the_engine_gave_up_itself_is_a_dead_letter_shown_once(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    with plant.store.read() as work:
        [taken] = work.transmissions.newest(direction="inbound")
    # The workflow itself fails, not a step: its argument lacks what it begins with.
    plant.daemon.submitter.submit("receive", "receive", "receive:broken", taken.mailbox, {"odd": taken.id})
    plant.settle()
    plant.daemon.workflows.pick_up()
    with plant.store.read() as work:
        [letter] = work.dead_letters.newest()
    assert (letter.workflow_id, letter.workflow_kind) == ("receive:broken", "receive")
    assert letter.workflow_input == {"odd": taken.id, "partition": taken.mailbox}
    plant.daemon.workflows.pick_up()
    with plant.store.read() as work:
        assert len(work.dead_letters.newest()) == 1


def test_the_engine_forgets_finished_work_in_time(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    assert plant.daemon.submitter.forget(timedelta(days=1)) == 0
    assert plant.daemon.submitter.forget(timedelta(0)) >= 3
    plant.daemon.workflows.pick_up()
    plant.settle()
    assert len(plant.sandbox.orders()) == 1


def test_a_file_that_is_not_taken_is_a_case_for_each_cause_with_every_file_in_the_timeline(plant):
    for name in ("empty-1.edi", "empty-2.edi"):
        plant.drop("nordmarkt", name, b"")
    plant.until(lambda: len(_of_nordmarkt(plant)) >= 2)
    with plant.store.read() as work:
        [case] = work.cases.about(Subject("partner", "nordmarkt"))
    assert (case.reason, case.partner) == ("transport.empty-file", "nordmarkt")
    assert "mailbox nordmarkt: The file is empty and is not taken." in case.sentence
    told = "".join(str(event.detail) for event in _of_nordmarkt(plant))
    assert "empty-1.edi" in told
    assert "empty-2.edi" in told


def _of_nordmarkt(plant):
    with plant.store.read() as work:
        return work.timeline.of(Subject("partner", "nordmarkt"))
