"""Whole documents through the corridor, over real folders, a real engine and real HTTP."""

from edi_server.samples import SAMPLES


def rows(plant, kind, **wanted):
    with plant.store.read() as work:
        return list(reversed(getattr(work, kind).newest(**wanted)))


def test_a_clean_order_becomes_one_confirmed_order_in_the_erp_and_its_contrl_goes_back(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    [transmission] = rows(plant, "transmissions", direction="inbound")
    [document] = rows(plant, "documents")
    assert transmission.result == "taken"
    assert (document.validation, document.delivery, document.acknowledgment) == ("valid", "delivered", "accepted")
    [order] = plant.sandbox.orders()
    assert (order.name, order.state) == (document.erp_record_name, "sale")
    [contrl] = plant.outbox("nordmarkt").values()
    assert b"UCI+" in contrl


def test_of_several_messages_the_wrong_one_waits_for_a_person_and_the_others_are_posted(plant):
    plant.drop_sample("orders-2026-11-23.edi")
    plant.settle()
    [interchange] = rows(plant, "interchanges", direction="inbound")
    documents = rows(plant, "documents")
    assert interchange.result == "partially accepted"
    assert [document.validation for document in documents] == ["valid", "valid", "invalid", "valid"]
    assert [document.delivery for document in documents] == ["delivered", "delivered", "pending", "delivered"]
    assert [document.acknowledgment for document in documents] == ["accepted", "accepted", "rejected", "accepted"]
    assert len(plant.sandbox.orders()) == 3
    assert [case.subject_id for case in rows(plant, "cases")] == [documents[2].id]


def test_every_sample_comes_to_its_own_end(plant):
    for sample in SAMPLES:
        plant.drop_sample(sample.name)
        plant.settle()
    assert {one.name: one.result for one in rows(plant, "transmissions", direction="inbound")} == {
        "order-4500012345.edi": "taken",
        "orders-2026-11-23.edi": "taken",
        "bk-2026-0815.edi": "taken",
        "order-4500012345-again.edi": "duplicate",
        "order-4500012350.edi": "duplicate",
        "po-1.edi": "unknown sender",
        "price-list.csv": "unreadable",
    }
    assert len(plant.sandbox.orders()) == 5
    with plant.store.read() as work:
        assert work.dead_letters.newest() == []
        reasons = sorted(case.reason for case in work.cases.newest())
    assert reasons == ["invalid", "unknown-sender", "unreadable"]
