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


def test_what_does_not_work_is_a_case_until_it_works_and_again_however_soon(start):
    with start() as places:
        as2, file = places.network.as2, places.plant.folder / "partners" / "certificates" / "borealis.pem"
        key, certificate = places.plant.folder / "keys" / "own.key", file.read_bytes()
        secret = key.read_bytes()
        both = {("borealis", "as2-agreed"), (OURSELVES, "as2-keys")}
        for _ in range(2):
            file.unlink()
            key.unlink()
            as2.renew()
            assert both <= open_cases(places)
            file.write_bytes(certificate)
            key.write_bytes(secret)
            as2.renew()
            assert not both & open_cases(places)


def test_alarms_of_certificates_end_with_what_they_are_about_and_stay_while_that_cannot_be_read(start):
    with start() as places:
        as2, later = places.network.as2, dt.datetime.now(dt.UTC) + dt.timedelta(days=70)
        [borealis] = as2._partners()
        alarm = ("borealis", "as2-certificate-30-days")
        as2._watch.look_at_certificates([borealis], as2._lines, as2._own, later)
        assert {alarm, (OURSELVES, alarm[1])} <= open_cases(places)
        as2._watch.look_at_certificates([borealis], {}, as2._own, later)
        assert alarm in open_cases(places), "what cannot be read is not gone"
        as2._watch.look_at_certificates([], {}, as2._own, later)
        assert alarm not in open_cases(places)
        assert (OURSELVES, alarm[1]) in open_cases(places)
        # Agreed again a moment later: the same alarm, and a case again.
        as2._watch.look_at_certificates([borealis], as2._lines, as2._own, later)
        assert alarm in open_cases(places)


def test_what_was_left_out_as_a_repetition_is_told_at_a_later_look(start, monkeypatch):
    with start() as places:
        as2, later = places.network.as2, dt.datetime.now(dt.UTC) + dt.timedelta(days=70)
        [borealis] = as2._partners()
        monkeypatch.setattr(as2._watch._notices, "_is_repeated", lambda *_: True)
        as2._watch.look_at_certificates([borealis], as2._lines, as2._own, later)
        assert open_cases(places) == set()
        monkeypatch.undo()
        as2._watch.look_at_certificates([borealis], as2._lines, as2._own, later)
        assert ("borealis", "as2-certificate-30-days") in open_cases(places)


def test_a_missing_receipt_stays_missing_while_as2_does_not_work_and_not_when_it_is_not_agreed_any_more(start):
    with start(as2='receipt = "async"\nreceipt_within = "PT1S"') as places:
        shipped(places)
        as2, late = places.network.as2, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        places.plant.until(as2._sendings.waiting)
        as2._watch.look_for_receipts(as2._partners(), as2._lines, late)
        case = ("borealis", MISSED)
        assert case in open_cases(places)
        as2._watch.look_for_receipts(as2._partners(), {}, late)
        assert case in open_cases(places)
        as2._watch.look_for_receipts([], {}, late)
        assert case not in open_cases(places)
        [note] = [one.note for one in all_cases(places) if one.reason == MISSED]
        assert note == "None is missing any more."


def all_cases(places):
    with places.plant.store.read() as work:
        return work.cases.newest(in_states=("open", "fixed"))


def test_what_is_old_is_looked_for_once_a_day_however_often_certificates_are(start, monkeypatch):
    with start() as places:
        as2, looked = places.network.as2, []
        monkeypatch.setattr(as2._spool, "forget", looked.append)
        as2._forgotten = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
        for _ in range(3):
            as2._look_at_certificates()
        assert len(looked) == 1
