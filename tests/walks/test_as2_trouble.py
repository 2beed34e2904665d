"""What goes wrong around AS2 beside single messages, as operators see it: cases and the partner's timeline."""

import datetime as dt

import msgspec
from network_places import write_own_key
from walks.test_network import SWEDISH, left, loop, shipped, start

from edi_server.desk.actions import Desk
from edi_server.desk.partners import show_partner
from edi_server.engine.network.as2_watch import MISSED
from edi_server.engine.notices import US as OURSELVES
from edi_server.store import Subject
from edi_server.transports.as2.certificates import make_own_key
from edi_server.transports.as2.mdn import write_receipt
from edi_server.transports.http_front import Reply

__all__ = ["loop", "start"]


def told(places, about="borealis"):
    """What stands in a timeline: (what, sentence)."""
    with places.plant.store.read() as work:
        return [(one.what, one.detail or "") for one in work.timeline.of(Subject("partner", about))]


def open_cases(places):
    return {(one.subject_id, one.reason) for one in places.cases() if one.closed_at is None}


def test_a_receipt_about_other_bytes_is_a_case_at_once_and_the_message_is_not_sent_again(start):
    with start() as places:

        def altered(headers, body, *, address=""):  # noqa: ARG001
            wrong = write_receipt(
                about=headers["message-id"],
                disposition="processed",
                text="",
                terms=places.borealis.terms,
                keys=places.borealis.keys,
                now=dt.datetime.now(dt.UTC),
                mic=("sha256", bytes(32)),
                signed="sha256",
            )
            return Reply(status=200, headers=wrong.headers, body=bytes(wrong.body))

        places.borealis.station.receive = altered
        shipped(places)
        places.plant.until(lambda: left(places) and left(places).delivery == "failed")
        places.plant.until(lambda: ("delivery-not-accepted", True) in {_about_bytes(one) for one in places.cases()})
        posts = [one.headers["message-id"] for one in places.borealis.requests]
        assert len(posts) == len(set(posts))


def _about_bytes(case):
    return case.reason, "other bytes than those that were sent" in case.sentence


def test_a_receipt_that_does_not_come_is_a_case_of_the_partner_until_it_comes(start):
    with start(as2='receipt = "async"\nreceipt_within = "PT1S"') as places:
        shipped(places)
        places.plant.until(lambda: left(places) and left(places).delivery == "sent")

        def missed():
            places.network.as2._look_for_receipts()
            return ("borealis", MISSED) in open_cases(places)

        places.plant.until(missed)
        [case] = [one for one in places.cases() if one.reason == MISSED]
        assert case.partner == "borealis"
        # Every other message's receipt is missing, too: each is told, however soon after the first.
        waiting = places.network.as2._sendings.waiting()
        places.plant.until(lambda: missed() and all(one.is_missed for one in places.network.as2._sendings.waiting()))
        timeline = " ".join(sentence for _, sentence in told(places))
        assert all(one.message_id in timeline for one in waiting)
        places.borealis.transport.send_receipts()
        places.plant.until(lambda: left(places).delivery == "delivered")
        places.plant.until(lambda: not missed())
        confirmed = [sentence for what, sentence in told(places) if what == "as2-receipt"]
        assert len(confirmed) == len(waiting), "each receipt stands in the timeline"


def test_what_we_sign_with_and_what_we_cannot_deliver_stand_in_the_timeline(start):
    with start() as places:
        as2 = places.network.as2
        as2._look_at_certificates()
        # The address is agreed, and nobody is there.
        gone = "http://127.0.0.1:1/mdn"
        line = as2._lines["borealis"]
        terms = msgspec.structs.replace(line.relation.terms, receipt_urls=(gone,))
        relation = msgspec.structs.replace(line.relation, terms=terms)
        as2._lines["borealis"] = msgspec.structs.replace(line, relation=relation)
        places.borealis.url = gone
        places.borealis.agree(receipt="async")
        places.borealis.send(SWEDISH, name="bk.edi")
        places.plant.until(lambda: [one for one in told(places) if one[0] == "as2-receipt-delayed"])
        write_own_key(
            places.plant.folder / "keys", make_own_key("our next", now=dt.datetime.now(dt.UTC), days=400, bits=2048)
        )
        as2._look_at_certificates()
        [(_, sentence)] = [one for one in told(places, OURSELVES) if one[0] == "as2-certificate-switched"]
        assert "CN=our next" in sentence
        with Desk.open(places.plant.corridor.configuration) as desk:
            shown = show_partner(desk, "borealis", limit=20)
        assert "as2-receipt-delayed" in [one.what for one in shown.timeline]
