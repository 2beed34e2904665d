"""What a partner's station refused, and what becomes of it when they have mended what was wrong."""

import pytest
from walks.test_network import ME, left, loop, shipped, start

from edi_server.desk.actions import Desk
from edi_server.transports.as2.mdn import write_receipt
from edi_server.transports.http_front import Reply

__all__ = ["loop", "start"]


def refusing(borealis):
    """Their station knows our signature no more."""

    def refuse(headers, _body, *, address=""):  # noqa: ARG001 — as it is called
        made = write_receipt(
            about=headers["message-id"],
            disposition="processed/error: authentication-failed",
            text="",
            terms=borealis.terms,
            keys=borealis.keys,
            now=borealis.station._clock(),
            signed="sha256",
        )
        return Reply(status=200, headers=made.headers, body=bytes(made.body))

    return refuse


def letters(places):
    with places.plant.store.read() as work:
        # Their answer to our order was refused as well.
        return [one for one in work.dead_letters.newest() if one.subject_id == left(places).id]


def cases(places):
    return [one for one in places.cases() if one.subject_id == left(places).id and one.closed_at is None]


@pytest.mark.parametrize("way", ["resume", "resend"])
def test_what_was_refused_is_sent_as_a_new_message_once_it_is_wanted_again_and_its_case_is_over(start, way):
    with start() as places:
        taking = places.borealis.station.receive
        places.borealis.station.receive = refusing(places.borealis)
        shipped(places)
        places.plant.until(lambda: left(places) and letters(places) and cases(places))
        assert left(places).delivery == "failed"
        places.borealis.station.receive = taking
        with Desk.open(places.plant.corridor.configuration) as desk:
            if way == "resume":
                desk.resume(letters(places)[0].id, actor=ME)
            else:
                desk.resend(left(places).id, actor=ME)
        places.plant.until(lambda: left(places).delivery == "delivered")
        assert sum(claim.name == left(places).name for claim in places.borealis.spool.claimed()) == 1
        places.plant.until(lambda: not cases(places))
        places.plant.until(lambda: not letters(places))
