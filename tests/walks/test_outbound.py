"""A delivery done in the ERP leaves as a despatch advice, exactly once, and the partner's answer is matched to it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

AGREEMENT = "nordmarkt/despatch-out"


@pytest.fixture
def shipped(plant):
    """A plant with one confirmed order whose delivery has left."""
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    [order] = plant.sandbox.orders()
    plant.sandbox.validate_delivery(order.name)
    return plant


def test_times_leave_in_the_partners_zone_and_a_date_as_a_date(shipped):
    shipped.daemon.work.advise(AGREEMENT, run="now")
    shipped.until(lambda: desadvs(shipped))
    [desadv] = desadvs(shipped)
    berlin = datetime.now(ZoneInfo("Europe/Berlin"))
    assert re.search(rb"DTM\+11:%b\d{4}:203'" % berlin.strftime("%Y%m%d").encode(), desadv)
    assert b"DTM+17:20261127:102'" in desadv, "the order wished for a day"


def despatch_advice(plant):
    with plant.store.read() as work:
        found = work.documents.newest(direction="outbound")
    return found[0] if found else None


def desadvs(plant):
    return [content for name, content in plant.outbox("nordmarkt").items() if name.startswith("DESADV")]


def answer(desadv: bytes, action: bytes) -> bytes:
    """The CONTRL that Nordmarkt's system sends about an interchange of ours."""
    reference = re.search(rb"UNZ\+1\+(\d+)", desadv)[1]
    body = (
        b"UNB+UNOC:3+9521234000006:14+9521141000007:14+261123:1200+K77'"
        b"UNH+1+CONTRL:D:3:UN'UCI+%b+9521141000007:14+9521234000006:14+%b'"
        b"UCM+1+DESADV:D:96A:UN:EAN005+%b'UNT+4+1'UNZ+1+K77'"
    )
    action_of_interchange = b"7" if action == b"7" else b"4"
    body = body.replace(b"UNT+4+1", b"UNT+4+1" if action == b"7" else b"UNT+3+1")
    if action != b"7":
        body = body.replace(b"UCM+1+DESADV:D:96A:UN:EAN005+%b'", b"")
        return body % (reference, action_of_interchange + b"+18")
    return body % (reference, b"7", b"7")


def test_a_delivery_leaves_once_by_the_clock_and_on_demand(shipped):
    partner = shipped.folder / "partners" / "nordmarkt.toml"
    partner.write_text(partner.read_text().replace('cron = "* * * * *"', 'cron = "* * * * * *"'))
    shipped.until(lambda: desadvs(shipped))
    for run in range(3):
        shipped.daemon.work.advise(AGREEMENT, run=str(run))
    shipped.settle()
    assert len(desadvs(shipped)) == 1
    document = despatch_advice(shipped)
    assert (document.validation, document.delivery, document.acknowledgment) == ("valid", "sent", "waiting")
    assert document.profile == "edifact/desadv"


def test_the_partners_contrl_sets_the_acknowledgment(shipped):
    shipped.daemon.work.advise(AGREEMENT, run="now")
    shipped.until(lambda: desadvs(shipped))
    shipped.settle()
    [desadv] = desadvs(shipped)
    shipped.drop("nordmarkt", "contrl.edi", answer(desadv, b"7"))
    shipped.settle()
    assert despatch_advice(shipped).acknowledgment == "accepted"
    with shipped.store.read() as work:
        assert work.cases.newest() == []


def test_a_rejection_by_the_partner_waits_for_a_person(shipped):
    shipped.daemon.work.advise(AGREEMENT, run="now")
    shipped.until(lambda: desadvs(shipped))
    shipped.settle()
    shipped.drop("nordmarkt", "contrl.edi", answer(desadvs(shipped)[0], b"4"))
    shipped.settle()
    assert despatch_advice(shipped).acknowledgment == "rejected"
    with shipped.store.read() as work:
        assert [case.reason for case in work.cases.newest()] == ["acknowledged-rejected"]


def test_no_answer_in_time_is_overdue(shipped):
    shipped.daemon.work.advise(AGREEMENT, run="now")
    shipped.until(lambda: desadvs(shipped))
    shipped.settle()
    late = datetime.now(UTC) + timedelta(hours=5)
    with shipped.store.begin() as work:
        assert len(work.interchanges.mark_overdue(late)) == 1
    assert despatch_advice(shipped).acknowledgment == "overdue"
    shipped.drop("nordmarkt", "contrl.edi", answer(desadvs(shipped)[0], b"7"))
    shipped.settle()
    assert despatch_advice(shipped).acknowledgment == "accepted"


def test_the_schedule_shows_its_next_run(plant):
    plant.until(lambda: any(state.name == AGREEMENT for state in plant.daemon.submitter.schedules()))
    [state] = [state for state in plant.daemon.submitter.schedules() if state.name == AGREEMENT]
    assert timedelta(0) < state.next_run - datetime.now(UTC) <= timedelta(minutes=1)
    assert state.time_zone == "Europe/Berlin"
