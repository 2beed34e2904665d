"""Whole documents through the corridor, over real folders, a real engine and real HTTP."""


def test_a_clean_order_becomes_one_confirmed_order_in_the_erp_and_its_contrl_goes_back(plant):
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    with plant.store.read() as work:
        [transmission] = work.transmissions.newest(direction="inbound")
        [document] = work.documents.newest()
    assert transmission.result == "taken"
    assert (document.validation, document.delivery, document.acknowledgment) == ("valid", "delivered", "accepted")
    [order] = plant.sandbox.orders()
    assert order.name == document.erp_record_name
    [contrl] = plant.outbox("nordmarkt").values()
    assert b"UCI+" in contrl
