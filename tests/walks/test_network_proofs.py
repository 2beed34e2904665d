"""What transports cannot decide alone: whether a document came before; and a partner who attacks while others work."""

import re

import pytest
from network_places import As2Partner
from rooms.test_as2_core import THEM, US
from walks.test_network import SWEDISH, loop, start

from edi_server.errors import TransportError

__all__ = ["loop", "start"]
ASKING = {"borealis": lambda text: text.replace("[writing]", '[acknowledgments]\ncontrl = "always"\n\n[writing]')}


def test_row_12_the_same_interchange_under_a_new_message_id_is_taken_and_found_to_be_a_duplicate(start):
    with start(partners=ASKING) as places:
        for number in range(2):
            assert places.borealis.send(SWEDISH, transmission_id=f"p{number}", name="bk.edi").confirmed
        ids = {places.borealis.sendings.find(f"p{number}").message_id for number in range(2)}
        assert len(ids) == 2
        places.plant.until(lambda: len(places.transmissions(direction="inbound")) == 2)
        places.plant.settle()
        assert len(places.plant.sandbox.orders()) == 1
        # The second one may be taken and not yet submitted to be opened.
        places.plant.until(lambda: results(places) == ["accepted", "duplicate"])


def test_row_12_another_payload_under_the_same_control_number_is_a_duplicate_too_and_its_sender_is_told(start):
    changed = re.sub(rb"2026-0815|BK-2026-0815", b"2026-0816", SWEDISH, count=1)
    with start(partners=ASKING) as places:
        places.borealis.send(SWEDISH, transmission_id="p0", name="bk.edi")
        places.plant.until(places.plant.sandbox.orders)
        places.borealis.send(changed, transmission_id="p1", name="bk.edi")
        places.plant.until(lambda: len(places.transmissions(direction="inbound")) == 2)
        places.plant.settle()
        assert len(places.plant.sandbox.orders()) == 1
        # The second one may be taken and not yet submitted to be opened.
        places.plant.until(lambda: results(places) == ["accepted", "duplicate"])
        # They are told so: the second CONTRL rejects it.
        places.plant.until(lambda: len(places.borealis.taken()) == 2)


def results(places):
    with places.plant.store.read() as work:
        return sorted(str(one.result) for one in work.interchanges.newest(direction="inbound"))


@pytest.mark.parametrize("name", ["NOBODY", "borealis"])
def test_while_strangers_knock_the_partners_go_on(start, tmp_path, loop, name):
    with start(partners=ASKING) as places:
        stranger = As2Partner(
            tmp_path / "stranger", loop, own=THEM, other=US, name=name, our_url=places.borealis.terms.url
        )
        for number in range(5):
            with pytest.raises(TransportError):
                stranger.send(SWEDISH, transmission_id=f"t{number}")
        assert places.borealis.send(SWEDISH, name="bk.edi").confirmed
        places.plant.until(places.plant.sandbox.orders)
        places.plant.settle()
        assert len(places.transmissions(direction="inbound")) == 1
        stranger.close()
