"""Proofs that come after their hand-over: which delivery they change, and which not any more."""

import pytest

from edi_server.delivery.proofs import NOT_ACCEPTED, record_proof, settle_proofs
from edi_server.store import Transmission
from edi_server.transports.port import Proof


@pytest.fixture
def sent(store):
    """The id of a transmission that was handed over as message <2>."""
    made = Transmission(
        direction="outbound",
        mailbox="n",
        partner="n",
        transport="as2",
        name="desadv-1.edi",
        size=1,
        content_hash="0" * 64,
    )
    with store.begin() as work:
        work.transmissions.stage(made)
        work.transmissions.move(made.id, "sent")
        work.transmissions.add_detail(made.id, {"message_id": "<2>"})
    return made.id


def proof(transmission_id, message_id, *, confirmed=True):
    return Proof(
        transmission_id=transmission_id, message_id=message_id, confirmed=confirmed, sentence="Said.", proof=b"receipt"
    )


def delivery(store, transmission_id):
    with store.read() as work:
        transmission = work.transmissions.get(transmission_id)
        cases = [one for one in work.cases.about(transmission.subject) if one.reason == NOT_ACCEPTED]
        return transmission.delivery, len(cases)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_proof_of_an_earlier_hand_over_changes_nothing_and_is_not_told_again(store, sent, confirmed):
    assert record_proof(store, proof(sent, "<1>", confirmed=confirmed))
    assert delivery(store, sent) == ("sent", 0)
    with store.read() as work:
        assert work.transmissions.get(sent).proof_hash is None


@pytest.mark.parametrize(("confirmed", "expected"), [(False, ("failed", 1)), (True, ("delivered", 0))])
@pytest.mark.parametrize("message_id", ["<2>", ""])
def test_a_proof_of_the_last_hand_over_counts(store, sent, confirmed, expected, message_id):
    assert record_proof(store, proof(sent, message_id, confirmed=confirmed))
    assert delivery(store, sent) == expected


def test_a_hand_over_that_failed_is_proven_by_what_came_later_although_nothing_is_known_of_its_message(store, sent):
    with store.begin() as work:
        work.transmissions.move(sent, "failed")
    assert record_proof(store, proof(sent, "<3>"))
    assert delivery(store, sent) == ("delivered", 0)


def test_a_proof_that_is_faster_than_the_record_of_its_hand_over_is_asked_for_again(store, sent):
    settled = []

    class Telling:
        def proofs(self):
            return [proof(sent, "<2>")]

        def settle(self, one):
            settled.append(one)

    with store.begin() as work:
        work.transmissions.move(sent, "pending")
    settle_proofs(store, Telling())
    assert settled == []
    with store.begin() as work:
        work.transmissions.move(sent, "sent")
    settle_proofs(store, Telling())
    assert [one.message_id for one in settled] == ["<2>"]
