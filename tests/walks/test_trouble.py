"""What happens when the machine fails, and when partners do what they should not."""

from edi_server.samples import SAMPLES


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
        [letter] = work.dead_letters.newest()
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
        assert work.dead_letters.newest() == []
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
