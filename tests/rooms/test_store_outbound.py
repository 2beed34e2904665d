"""What goes out: staged once, sent once, answered, overdue; and what people do about all of it."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edi_server.envelope.model import Identity
from edi_server.errors import StoreError
from edi_server.store import (
    Acknowledgment,
    Case,
    DeadLetter,
    DeliveryAttempt,
    Document,
    Interchange,
    Matched,
    Message,
    Store,
    Subject,
    Transmission,
    Work,
    new_id,
)
from edi_server.store.states import Outcome

US = Identity(id="4000002000004", qualifier="14")
PARTNER = Identity(id="4000001000005", qualifier="14")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def transmission(**fields: object) -> Transmission:
    known = {"direction": "outbound", "mailbox": "nordmarkt", "partner": "nordmarkt", "transport": "folder"}
    known |= {"name": "desadv-1.edi", "size": 1, "content_hash": "0" * 64}
    return Transmission(**(known | fields))  # type: ignore[arg-type]


def interchange(of: Transmission, reference: str = "1", **fields: object) -> Interchange:
    known = {"transmission_id": of.id, "number": 1, "direction": "outbound", "syntax": "edifact"}
    known |= {"sender_qualifier": US.qualifier, "sender_id": US.id, "control_reference": reference}
    known |= {"recipient_qualifier": PARTNER.qualifier, "recipient_id": PARTNER.id}
    return Interchange(**(known | fields))  # type: ignore[arg-type]


def send(work: Work, reference: str = "1", messages: int = 2, **fields: object) -> Interchange:
    """Stage an interchange with a document per message, hand it over, and wait for the answer until NOW."""
    carrier = transmission()
    work.transmissions.stage(carrier)
    envelope = interchange(carrier, reference, **fields)
    rows = [Message(interchange_id=envelope.id, number=n, reference=str(n)) for n in range(1, messages + 1)]
    work.interchanges.add(envelope, rows)
    for row in rows:
        advice = Document(direction="outbound", type="DespatchAdvice", number=f"WH/OUT/{reference}/{row.number}")
        work.documents.add(advice)
        work.documents.place(
            advice.id, transmission_id=carrier.id, interchange_id=envelope.id, message_id=row.id, profile_version="2"
        )
    work.transmissions.move(carrier.id, "sent")
    work.documents.mark_delivery(carrier.id, "sent", "sent")
    work.interchanges.mark_waiting(envelope.id, due_at=NOW)
    return envelope


def contrl(**fields: object) -> Acknowledgment:
    known = {"direction": "received", "kind": "CONTRL", "outcome": "accepted", "control_number": "900"}
    return Acknowledgment(**(known | fields))  # type: ignore[arg-type]


def receive(
    work: Work,
    received: Acknowledgment,
    about: Interchange,
    outcome: Outcome = "accepted",
    per_message: dict[str, Outcome] | None = None,
) -> Matched:
    return work.acknowledgments.receive(received, about, outcome=outcome, per_message=per_message or {})


def acknowledgments(work: Work, of: Interchange) -> tuple[str, list[str], list[str]]:
    return (
        work.interchanges.get(of.id).acknowledgment,
        [message.acknowledgment for message in work.interchanges.messages(of.id)],
        [document.acknowledgment for document in work.documents.of(interchange=of.id)],
    )


# Staging and sending


def test_staging_twice_finds_the_first_and_takes_no_second_number(store: Store) -> None:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, "workflow-7"))
    numbers = []
    for _ in range(2):
        with store.begin() as work:
            if work.transmissions.find(name) is None:
                number = work.control_numbers.next_control_number("out", high=99)
                staged = transmission(id=name, name=f"desadv-{number}.edi")
                assert work.transmissions.stage(staged).is_new
            numbers.append(work.transmissions.get(name).name)
    assert numbers == ["desadv-1.edi"] * 2
    with store.begin() as work:
        assert not work.transmissions.stage(transmission(id=name)).is_new
        assert work.control_numbers.next_control_number("out", high=99) == 2


def test_a_transmission_is_staged_sent_and_sent_again_on_demand(store: Store) -> None:
    one = transmission()
    with store.begin() as work:
        work.transmissions.stage(one)
        assert work.transmissions.get(one.id).delivery == "pending"
        assert work.transmissions.move(one.id, "staged")
        assert [each.id for each in work.transmissions.unfinished("outbound")] == [one.id]
        attempt = DeliveryAttempt(transmission_id=one.id, outcome="failed", detail="Disk full.")
        assert work.transmissions.record_attempt(attempt)
        assert not work.transmissions.record_attempt(attempt)
        assert work.transmissions.get(one.id).attempts == 1
        assert work.transmissions.attempts(one.id) == [attempt]
        assert work.transmissions.move(one.id, "sent")
        assert not work.transmissions.move(one.id, "sent")
        assert work.transmissions.unfinished("outbound") == []
        assert work.transmissions.move(one.id, "pending", actor="ada", detail="Resend.")
        assert [(e.what, e.result, e.actor) for e in work.timeline.of(one.subject)] == [
            ("pending", "", "system"),
            ("staged", "staged", "system"),
            ("delivery attempted", "failed", "system"),
            ("sent", "sent", "system"),
            ("pending", "pending", "ada"),
        ]
        assert [each.id for each in work.transmissions.newest(deliveries=["pending"])] == [one.id]


def test_what_was_sent_fails_by_a_receipt_that_refuses_it_but_never_once_its_arrival_is_proven(store: Store) -> None:
    refused, proven = transmission(), transmission()
    with store.begin() as work:
        for one in (refused, proven):
            work.transmissions.stage(one)
            work.transmissions.move(one.id, "sent")
        assert work.transmissions.move(refused.id, "failed", detail="The partner refused the message.")
        work.transmissions.move(proven.id, "delivered")
    with pytest.raises(StoreError, match="cannot go from “delivered” to “failed”"), store.begin() as work:
        work.transmissions.move(proven.id, "failed")


def test_the_documents_go_with_their_transmission(store: Store) -> None:
    with store.begin() as work:
        envelope = send(work)
        (first, second) = work.documents.of(interchange=envelope.id)
        assert (first.delivery, first.profile_version) == ("sent", "2")
        assert work.documents.mark_delivery(envelope.transmission_id, "sent", "sent") == 0
        assert work.documents.mark_delivery(envelope.transmission_id, "delivered", "arrived") == 2
        assert [event.what for event in work.timeline.of(second.subject)][:3] == ["created", "sent", "acknowledgment"]


# Answers


def test_an_acceptance_reaches_messages_and_documents(store: Store) -> None:
    with store.begin() as work:
        sent = send(work)
        assert acknowledgments(work, sent) == ("waiting", ["waiting"] * 2, ["waiting"] * 2)
        matched = receive(work, contrl(), sent)
        assert matched.is_new
        assert matched.interchange.id == sent.id
        assert acknowledgments(work, sent) == ("accepted", ["accepted"] * 2, ["accepted"] * 2)
        assert work.acknowledgments.about(sent.id) == [matched.acknowledgment]
        (document, _) = work.documents.of(interchange=sent.id)
        assert [e.result for e in work.timeline.of(document.subject) if e.what == "acknowledgment"] == [
            "waiting",
            "accepted",
        ]


def test_a_partial_answer_reaches_the_messages_it_names(store: Store) -> None:
    with store.begin() as work:
        sent = send(work, messages=3)
        receive(work, contrl(), sent, "partially accepted", {"1": "accepted", "3": "rejected"})
        states = ["accepted", "waiting", "rejected"]
        assert acknowledgments(work, sent) == ("partially accepted", states, states)


def test_an_answer_recorded_twice_changes_nothing(store: Store) -> None:
    carrier = transmission(direction="inbound")
    received = contrl(transmission_id=carrier.id)
    with store.begin() as work:
        work.transmissions.take(carrier)
        sent = send(work)
        assert receive(work, received, sent).is_new
        again = receive(work, msgspec.structs.replace(received, id=new_id()), sent, "rejected")
        assert not again.is_new
        assert again.acknowledgment.id == received.id
        assert again.interchange.acknowledgment == "accepted"
        assert work.acknowledgments.carried_by(carrier.id) == [again.acknowledgment]
        assert [e.result for e in work.timeline.of(sent.subject)] == ["waiting", "accepted"]


def test_an_answer_to_nothing_is_kept_and_matches_nothing(store: Store) -> None:
    with store.begin() as work:
        send(work)
        kept = work.acknowledgments.keep(contrl(about_control_reference="2"))
        assert kept.about_interchange_id is None
        assert work.acknowledgments.newest(direction="received") == [kept]
        assert work.acknowledgments.newest(direction="sent") == []


def test_of_equal_references_the_equal_qualifiers_win_then_the_newest(store: Store) -> None:
    with store.begin() as work:
        send(work)
        newest = send(work)
        send(work, recipient_qualifier="ZZ")
        send(work, recipient_id="4000009000009")
        found = work.interchanges.find_sent(US, PARTNER, "1")
        assert found
        assert found.id == newest.id
        without = work.interchanges.find_sent(Identity(id=US.id), Identity(id=PARTNER.id), "1")
        assert without
        assert without.recipient_qualifier == "ZZ", "no qualifier fits, so the newest"
        assert work.interchanges.find_sent(PARTNER, US, "1") is None, "not what they sent to us"


def test_a_crashed_opening_can_receive_the_answer_again(store: Store) -> None:
    carrier = transmission(direction="inbound")

    def read(work: Work) -> bool:
        envelope = interchange(carrier, "77", direction="inbound")
        message = Message(interchange_id=envelope.id, number=1, type="CONTRL")
        work.interchanges.add(envelope, [message])
        received = contrl(transmission_id=carrier.id, interchange_id=envelope.id, message_id=message.id)
        return receive(work, received, sent).is_new

    with store.begin() as work:
        sent = send(work)
        work.transmissions.take(carrier)
        assert read(work)
    with store.begin() as work:
        assert work.opening.discard_unfinished(carrier.id)
        assert read(work)
        assert len(work.acknowledgments.about(sent.id)) == 1
        assert [e.result for e in work.timeline.of(sent.subject)] == ["waiting", "accepted"]


# Overdue


def test_what_is_late_becomes_overdue_once_and_a_late_answer_ends_it(store: Store) -> None:
    with store.begin() as work:
        late = send(work, "1")
        answered = send(work, "2")
        receive(work, contrl(), answered)
        assert work.interchanges.mark_overdue(NOW - HOUR) == []
        assert [one.id for one in work.interchanges.mark_overdue(NOW)] == [late.id]
        assert work.interchanges.mark_overdue(NOW + HOUR) == [], "told once"
        assert acknowledgments(work, late) == ("overdue", ["overdue"] * 2, ["overdue"] * 2)
        assert acknowledgments(work, answered)[0] == "accepted"
        assert [one.id for one in work.interchanges.newest(acknowledgment="overdue")] == [late.id]
        receive(work, contrl(), late)
        assert acknowledgments(work, late) == ("accepted", ["accepted"] * 2, ["accepted"] * 2)


def test_a_message_that_was_answered_is_not_late_with_its_interchange(store: Store) -> None:
    with store.begin() as work:
        sent = send(work)
        work.interchanges.mark_acknowledged(sent.id, "waiting", per_message={"1": "accepted"})
        assert [one.id for one in work.interchanges.mark_overdue(NOW)] == [sent.id]
        assert acknowledgments(work, sent) == ("overdue", ["accepted", "overdue"], ["accepted", "overdue"])


def test_without_a_due_time_it_waits_for_ever(store: Store) -> None:
    with store.begin() as work:
        carrier = transmission()
        work.transmissions.stage(carrier)
        envelope = interchange(carrier)
        work.interchanges.add(envelope, [])
        assert work.interchanges.mark_waiting(envelope.id, due_at=None)
        assert not work.interchanges.mark_waiting(envelope.id, due_at=None)
        assert work.interchanges.mark_overdue(NOW + 1000 * HOUR) == []


def test_threads_that_look_for_late_ones_find_each_once(store: Store) -> None:
    with store.begin() as work:
        sent = {send(work, str(number), messages=1).id for number in range(10)}
    found: list[str] = []

    def look() -> None:
        with store.begin() as work:
            found.extend(one.id for one in work.interchanges.mark_overdue(NOW))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(sent)
    assert set(found) == sent


# Cases


def test_a_case_is_opened_once_per_subject_and_reason(store: Store) -> None:
    subject = new_id()
    case = Case(subject_kind="transmission", subject_id=subject, reason="unknown-sender", sentence="Nobody we know.")
    with store.begin() as work:
        assert work.cases.open(case) == case
        assert work.cases.open(msgspec.structs.replace(case, id=new_id(), sentence="Again.")) == case
        other = work.cases.open(msgspec.structs.replace(case, id=new_id(), reason="unreadable", partner="nordmarkt"))
        assert [one.id for one in work.cases.newest()] == [other.id, case.id]
        assert [one.id for one in work.cases.newest(reason="unreadable", partner="nordmarkt")] == [other.id]
        assert [one.id for one in work.cases.newest(before=other.id)] == [case.id]
        events = work.timeline.of(Subject("transmission", subject))
        assert [(e.what, e.result) for e in events] == [
            ("case opened", "unknown-sender"),
            ("case opened", "unreadable"),
        ]


def test_a_case_goes_its_way_with_its_people(store: Store) -> None:
    with store.begin() as work:
        case = work.cases.open(Case(subject_kind="document", subject_id=new_id(), reason="r", sentence="s"))
        assigned = work.cases.move(case.id, "assigned", actor="ada", assignee="bob")
        assert (assigned.state, assigned.assignee, assigned.closed_at) == ("assigned", "bob", None)
        closed = work.cases.move(case.id, "closed", actor="bob", note="Agreed by phone.")
        assert closed.closed_at
        assert work.cases.get(case.id) == closed
        assert work.cases.newest() == []
        assert [one.id for one in work.cases.newest(in_states=["closed"])] == [case.id]
        reopened = work.cases.move(case.id, "open", actor="ada")
        assert (reopened.closed_at, reopened.note) == (None, "Agreed by phone.")
        events = work.timeline.of(Subject("document", case.subject_id))
        assert [(e.what, e.actor, e.detail) for e in events] == [
            ("case opened", "system", "s"),
            ("case assigned", "ada", ""),
            ("case closed", "bob", "Agreed by phone."),
            ("case open", "ada", ""),
        ]


def test_settling_marks_the_open_cases_of_a_subject_fixed(store: Store) -> None:
    subject = Subject("interchange", new_id())
    with store.begin() as work:
        for reason in ("overdue", "rejected-by-partner"):
            work.cases.open(Case(subject_kind=subject.kind, subject_id=subject.id, reason=reason, sentence="s"))
        assert work.cases.settle(subject, reason="overdue", note="The answer came.") == 1
        assert work.cases.settle(subject, note="Both.") == 1
        assert work.cases.settle(subject, note="None left.") == 0
        assert [(case.state, case.note) for case in work.cases.about(subject)] == [
            ("fixed", "The answer came."),
            ("fixed", "Both."),
        ]


# Dead letters


def letter(**fields: object) -> DeadLetter:
    known = {"workflow_id": "receive-1", "workflow_kind": "receive", "workflow_input": ["x"], "error": "Odoo is away."}
    return DeadLetter(**(known | {"permanent": False, "attempts": 5} | fields))  # type: ignore[arg-type]


def test_work_is_parked_once_and_keeps_its_place(store: Store) -> None:
    document = Subject("document", new_id())
    first = letter(subject_kind=document.kind, subject_id=document.id)
    with store.begin() as work:
        assert work.dead_letters.park(first) == first
        again = work.dead_letters.park(msgspec.structs.replace(first, id=new_id(), error="Still away.", attempts=6))
        assert (again.id, again.parked_at, again.error, again.attempts) == (first.id, first.parked_at, "Still away.", 6)
        assert [e.what for e in work.timeline.of(document)] == ["parked"]
        assert work.dead_letters.about(document, None) == [again]
        resumed = work.dead_letters.resume(first.id, actor="ada")
        assert resumed.resumed_at
        assert work.dead_letters.resume(first.id, actor="ada") == resumed
        assert work.dead_letters.newest() == []
        parked = work.dead_letters.park(letter(attempts=7, subject_kind=document.kind, subject_id=document.id))
        assert (parked.state, parked.attempts) == ("parked", 7)
        assert parked.parked_at > first.parked_at
        resolved = work.dead_letters.resolve(first.id)
        assert resolved.resolved_at
        assert [one.state for one in work.dead_letters.newest(state=None)] == ["resolved"]
        assert [e.what for e in work.timeline.of(document)] == ["parked", "resumed", "parked", "resolved"]
        assert work.dead_letters.of_workflow("no such") is None


def test_dead_letters_are_listed_newest_first(store: Store) -> None:
    with store.begin() as work:
        ids = [work.dead_letters.park(letter(workflow_id=str(number))).id for number in range(3)]
        assert [one.id for one in work.dead_letters.newest(limit=2)] == ids[:0:-1]
        assert [one.id for one in work.dead_letters.newest(before=ids[1])] == ids[:1]


def test_what_is_resolved_cannot_be_resumed(store: Store) -> None:
    with store.begin() as work:
        one = work.dead_letters.park(letter())
        work.dead_letters.resolve(one.id)
    with pytest.raises(StoreError, match="cannot go"), store.begin() as work:
        work.dead_letters.resume(one.id, actor="ada")


# Watermarks


def test_a_watermark_only_rises(store: Store) -> None:
    with store.begin() as work:
        assert work.watermarks.reached("desadv") is None
        work.watermarks.advance("desadv", NOW)
        work.watermarks.advance("desadv", NOW - HOUR)
        assert work.watermarks.reached("desadv") == NOW
        work.watermarks.advance("desadv", NOW + timedelta(microseconds=1))
        assert work.watermarks.reached("desadv") == NOW + timedelta(microseconds=1)
        assert [one.name for one in work.watermarks.all()] == ["desadv"]
        work.watermarks.forget("desadv")
        assert work.watermarks.reached("desadv") is None
