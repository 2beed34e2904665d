"""What comes in: taken once, opened once, posted in order, whatever is repeated or interrupted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest

from edi_server.envelope.model import Identity, InterchangeHeader
from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.store import (
    Acknowledgment,
    Case,
    Document,
    Interchange,
    Message,
    Opened,
    Store,
    Subject,
    Transmission,
    Work,
    business_key,
    new_id,
)

MONTH = timedelta(days=30)
HEADER = InterchangeHeader(
    syntax="edifact",
    charset="UNOC",
    syntax_version="3",
    sender=Identity(id="4000001000005", qualifier="14", routing="A"),
    recipient=Identity(id="4000002000004", qualifier="14"),
    date="261123",
    time="1030",
    control_reference="REF1",
)
FINDING = Finding(code="guide.segment-missing", severity="error", sentence="Segment BGM is missing.")


def transmission(**fields: object) -> Transmission:
    known = {"direction": "inbound", "mailbox": "nordmarkt", "partner": "nordmarkt", "transport": "folder"}
    known |= {"name": "a.edi", "size": 1, "content_hash": "0" * 64}
    return Transmission(**(known | fields))  # type: ignore[arg-type]


def interchange(of: Transmission, number: int = 1, **changes: object) -> Interchange:
    opened = Interchange.opened(HEADER, transmission_id=of.id, number=number, direction="inbound")
    return msgspec.structs.replace(opened, **changes)


def order(number: str = "4711", **fields: object) -> Document:
    known = {"direction": "inbound", "company": "werk", "partner": "nordmarkt", "type": "Order", "number": number}
    known |= {"reference": number, "business_key": business_key("werk", "nordmarkt", "Order", number), "erp": "odoo"}
    known |= {"validation": "valid", "profile": "edifact/orders", "profile_version": "3", "content": b"{}"}
    return Document(**(known | fields))  # type: ignore[arg-type]


@dataclass
class Inbound:
    """One transmission with one interchange and one message per order."""

    transmission: Transmission
    interchange: Interchange
    messages: tuple[Message, ...]
    documents: tuple[Document, ...]

    def write(self, work: Work) -> None:
        work.opening.write(Opened(interchanges=(self.interchange,), messages=self.messages, documents=self.documents))

    def close(self, work: Work, result: str = "accepted", **more: object) -> None:
        work.opening.close_interchange(
            self.interchange.id,
            result,
            end_offset=99,
            messages=len(self.messages),
            **more,  # type: ignore[arg-type]
        )

    def finish(self, work: Work) -> None:
        self.close(work)
        work.opening.finish(self.transmission.id, "taken")


def inbound(*numbers: str, parent: Transmission | None = None, **changes: object) -> Inbound:
    carrier = transmission(parent_id=parent and parent.id)
    envelope = interchange(carrier, **changes)
    messages = tuple(
        Message(interchange_id=envelope.id, number=place, type="ORDERS", version="D.96A", reference=str(place))
        for place, _ in enumerate(numbers, 1)
    )
    documents = tuple(
        order(number, transmission_id=carrier.id, interchange_id=envelope.id, message_id=message.id)
        for number, message in zip(numbers, messages, strict=True)
    )
    return Inbound(carrier, envelope, messages, documents)


def arrive(store: Store, came: Inbound) -> Inbound:
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
        came.finish(work)
    return came


def count(work: Work, table: str) -> int:
    found = work.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
    assert isinstance(found, int)
    return found


# Taking


def test_taking_the_same_claim_twice_changes_nothing_and_returns_the_first(store: Store) -> None:
    claim = transmission(name="first.edi")
    with store.begin() as work:
        assert work.transmissions.take(claim).is_new
    with store.begin() as work:
        again = work.transmissions.take(msgspec.structs.replace(claim, name="second.edi"))
        assert not again.is_new
        assert again.transmission == claim
        assert [event.what for event in work.timeline.of(claim.subject)] == ["received"]


def test_threads_that_take_the_same_claim_take_it_once(store: Store) -> None:
    claim = transmission()
    new: list[bool] = []

    def take() -> None:
        with store.begin() as work:
            new.append(work.transmissions.take(claim).is_new)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [False] * 5 + [True]


def test_the_same_bytes_are_known_again_but_a_failed_first_attempt_is_not_counted(store: Store) -> None:
    first, second, other = transmission(), transmission(), transmission(partner="suedkauf")
    with store.begin() as work:
        for one in (first, second, other):
            work.transmissions.take(one)
        assert work.transmissions.find_same_bytes(first, within=MONTH) is None, "of two together, one is the duplicate"
        assert work.transmissions.find_same_bytes(second, within=MONTH) == first
        assert work.transmissions.find_same_bytes(other, within=MONTH) is None, "another partner"
        work.opening.finish(first.id, "unreadable")
        assert work.transmissions.find_same_bytes(second, within=MONTH) is None
        work.opening.finish(second.id, "taken")
        late = transmission()
        work.transmissions.take(late)
        assert work.transmissions.find_same_bytes(late, within=MONTH) == msgspec.structs.replace(second, result="taken")
        assert work.transmissions.find_same_bytes(late, within=timedelta(0)) is None, "too long ago"


def test_a_reprocess_is_not_a_duplicate_of_what_it_reprocesses(store: Store) -> None:
    first = transmission()
    again = transmission(parent_id=first.id)
    once_more = transmission(parent_id=again.id)
    with store.begin() as work:
        for one in (first, again, once_more):
            work.transmissions.take(one)
            assert work.transmissions.find_same_bytes(one, within=MONTH) is None
            work.opening.finish(one.id, "taken")
        assert work.transmissions.lineage(once_more.id) == [once_more.id, again.id, first.id]


def test_unfinished_ones_are_listed_oldest_first(store: Store) -> None:
    done, first, second = transmission(), transmission(), transmission()
    with store.begin() as work:
        for one in (done, first, second):
            work.transmissions.take(one)
        work.opening.finish(done.id, "duplicate")
        assert work.transmissions.unfinished("inbound") == [first, second]
        assert [one.id for one in work.transmissions.newest(results=[None])] == [second.id, first.id]
        assert [one.id for one in work.transmissions.newest(results=["duplicate"])] == [done.id]
        assert [one.id for one in work.transmissions.newest(before=second.id, limit=1)] == [first.id]


# Opening


def test_an_interrupted_opening_is_taken_back_and_done_again(store: Store) -> None:
    came = inbound("1", "2")
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
        for subject in (came.interchange.subject, came.messages[0].subject, came.documents[1].subject):
            work.cases.open(Case(subject_kind=subject.kind, subject_id=subject.id, reason="r", sentence="s"))
        work.cases.open(Case(subject_kind="transmission", subject_id=came.transmission.id, reason="kept", sentence="s"))
    with store.begin() as work:
        assert work.opening.discard_unfinished(came.transmission.id)
        assert [count(work, table) for table in ("interchanges", "messages", "documents", "cases")] == [0, 0, 0, 1]
    with store.begin() as work:
        came.write(work)
        came.finish(work)
        assert not work.opening.discard_unfinished(came.transmission.id), "what is finished stays"
        assert [count(work, table) for table in ("interchanges", "messages", "documents")] == [1, 2, 2]


def test_discarding_leaves_other_transmissions_alone(store: Store) -> None:
    kept = arrive(store, inbound("1"))
    came = inbound("2", control_reference="REF2")
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
        work.opening.discard_unfinished(came.transmission.id)
        assert [one.id for one in work.documents.newest()] == [kept.documents[0].id]
        assert work.interchanges.of(kept.transmission.id)[0].result == "accepted"


def test_what_was_opened_comes_back_as_it_was(store: Store) -> None:
    came = inbound("1")
    came = replace(
        came,
        messages=(msgspec.structs.replace(came.messages[0], findings=(FINDING,), result="rejected", segments=9),),
        documents=(msgspec.structs.replace(came.documents[0], findings=(FINDING,), not_carried=["BGM.4343"]),),
    )
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
        assert work.interchanges.get(came.interchange.id) == came.interchange
        assert work.interchanges.messages(came.interchange.id) == list(came.messages)
        assert work.interchanges.message(came.messages[0].id) == came.messages[0]
        assert work.documents.get(came.documents[0].id) == came.documents[0]
        assert work.documents.get_all([new_id(), came.documents[0].id]) == list(came.documents)
        for found in (
            work.documents.of(transmission=came.transmission.id),
            work.documents.of(interchange=came.interchange.id),
            work.documents.of(message=came.messages[0].id),
        ):
            assert found == [msgspec.structs.replace(came.documents[0], content=None)]
        came.close(work, fingerprint="f", findings=[FINDING], partner="nordmarkt", agreement="orders-in")
        closed = work.interchanges.get(came.interchange.id)
    assert closed.header == HEADER
    assert closed.sender == Identity(id="4000001000005", qualifier="14")
    assert closed.recipient == HEADER.recipient
    assert (closed.result, closed.end_offset, closed.messages, closed.fingerprint) == ("accepted", 99, 1, "f")
    assert (closed.findings, closed.partner, closed.agreement) == ((FINDING,), "nordmarkt", "orders-in")


def test_closing_and_finishing_twice_write_one_event_each(store: Store) -> None:
    came = inbound("1")
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
    for first in (True, False):
        with store.begin() as work:
            came.close(work)
            assert work.opening.finish(came.transmission.id, "taken", findings=[FINDING]) is first
    with store.read() as work:
        happened = work.timeline.of(
            came.transmission.subject, came.interchange.subject, came.documents[0].subject, None
        )
        assert [(event.subject_kind, event.what, event.result) for event in happened] == [
            ("transmission", "received", ""),
            ("document", "translated", "valid"),
            ("interchange", "opened", "accepted"),
            ("transmission", "opened", "taken"),
        ]
        assert happened[1].profile_version == "edifact/orders 3"
        assert work.transmissions.get(came.transmission.id).findings == (FINDING,)


def test_a_result_once_given_is_not_changed(store: Store) -> None:
    came = arrive(store, inbound("1"))
    with pytest.raises(StoreError, match="cannot go from “taken” to “duplicate”"), store.begin() as work:
        work.opening.finish(came.transmission.id, "duplicate")
    with pytest.raises(StoreError, match="cannot go from “accepted” to “rejected”"), store.begin() as work:
        came.close(work, "rejected")


def test_a_transmission_with_an_open_interchange_cannot_be_finished(store: Store) -> None:
    came = inbound("1")
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
    with pytest.raises(StoreError, match=r"Interchange 1 .* has no result"), store.begin() as work:
        work.opening.finish(came.transmission.id, "taken")


def test_thousands_of_messages_are_written_in_seconds(store: Store) -> None:
    came = inbound(*(str(number) for number in range(3_000)))
    began = time.monotonic()
    arrive(store, came)
    took = time.monotonic() - began
    with store.read() as work:
        assert count(work, "messages") == count(work, "documents") == 3_000
        assert [one.number for one in work.interchanges.messages(came.interchange.id, after=2_998)] == [2_999, 3_000]
    assert took < 20


def test_the_documents_of_a_duplicate_are_withdrawn_with_their_cases(store: Store) -> None:
    kept, came = inbound("1", control_reference="REF0"), inbound("1", "2")
    arrive(store, kept)
    with store.begin() as work:
        work.transmissions.take(came.transmission)
        came.write(work)
        for subject in (came.documents[0].subject, came.messages[1].subject, kept.documents[0].subject):
            work.cases.open(Case(subject_kind=subject.kind, subject_id=subject.id, reason="r", sentence="s"))
        assert work.opening.withdraw_documents(came.interchange.id) == 2
        assert work.opening.withdraw_documents(came.interchange.id) == 0
        assert [one.id for one in work.documents.newest()] == [kept.documents[0].id]
        assert [case.subject_id for case in work.cases.newest()] == [kept.documents[0].id]


# Duplicates


def test_the_same_control_reference_again_is_found_and_a_refused_one_is_not(store: Store) -> None:
    first = arrive(store, inbound("1"))
    again = inbound("1")
    with store.begin() as work:
        work.transmissions.take(again.transmission)
        again.write(work)
        found = work.interchanges.find_same_reference(again.interchange, within=MONTH)
        assert found
        assert found.id == first.interchange.id
        assert work.interchanges.find_same_reference(again.interchange, within=timedelta(0)) is None
        again.close(work, "duplicate")
        third = interchange(again.transmission, 2)
        found = work.interchanges.find_same_reference(third, within=MONTH)
        assert found
        assert found.id == first.interchange.id, "the original, not its duplicate"


@pytest.mark.parametrize("result", ["rejected", "unreadable", "unknown sender", "mismatching sender", "no agreement"])
def test_a_refused_first_attempt_does_not_make_the_second_a_duplicate(store: Store, result: str) -> None:
    first = inbound("1")
    with store.begin() as work:
        work.transmissions.take(first.transmission)
        first.write(work)
        first.close(work, result, fingerprint="f")
        again = interchange(first.transmission, 2)
        assert work.interchanges.find_same_reference(again, within=MONTH) is None
        assert work.interchanges.find_same_content(again, "f", within=MONTH) is None


@pytest.mark.parametrize(
    "difference",
    [
        {"control_reference": "REF2"},
        {"sender_id": "4000003000003"},
        {"sender_qualifier": "ZZ"},
        {"recipient_id": "4000003000003"},
        {"test": True},
    ],
)
def test_another_party_reference_or_test_indicator_is_no_duplicate(store: Store, difference: dict[str, object]) -> None:
    arrive(store, inbound("1"))
    with store.begin() as work:
        other = interchange(transmission(), **difference)
        assert work.interchanges.find_same_reference(other, within=MONTH) is None


def test_the_same_content_under_another_reference_is_found(store: Store) -> None:
    first = inbound("1")
    with store.begin() as work:
        work.transmissions.take(first.transmission)
        first.write(work)
        first.close(work, fingerprint="f")
        other = interchange(transmission(), control_reference="REF2")
        found = work.interchanges.find_same_content(other, "f", within=MONTH)
        assert found
        assert found.id == first.interchange.id
        assert work.interchanges.find_same_content(other, "g", within=MONTH) is None


def test_a_reprocessed_interchange_is_no_duplicate_of_itself(store: Store) -> None:
    first = arrive(store, inbound("1"))
    again = inbound("1", parent=first.transmission)
    with store.begin() as work:
        work.transmissions.take(again.transmission)
        assert work.interchanges.find_same_reference(again.interchange, within=MONTH) is None


def test_of_two_that_arrive_together_exactly_one_is_the_duplicate(store: Store) -> None:
    pair = [inbound("1"), inbound("1")]
    with store.begin() as work:
        for came in pair:
            work.transmissions.take(came.transmission)
    found: list[bool] = []
    together = threading.Barrier(2)

    def open_it(came: Inbound) -> None:
        with store.begin() as work:
            came.write(work)
        together.wait()
        with store.begin() as work:
            duplicate = work.interchanges.find_same_reference(came.interchange, within=MONTH)
            time.sleep(0.1)
            came.close(work, "duplicate" if duplicate else "accepted")
        found.append(duplicate is not None)

    threads = [threading.Thread(target=open_it, args=(came,)) for came in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True]


def test_one_that_is_still_being_opened_makes_nobody_a_duplicate_for_it_may_yet_be_refused(store: Store) -> None:
    first, again = inbound("1"), inbound("1")
    with store.begin() as work:
        for came in (first, again):
            work.transmissions.take(came.transmission)
            came.write(work)
        assert work.interchanges.find_same_reference(again.interchange, within=MONTH) is None
        first.close(work, "rejected")
        assert work.interchanges.find_same_reference(again.interchange, within=MONTH) is None
        again.close(work)
        third = interchange(again.transmission, 2)
        found = work.interchanges.find_same_reference(third, within=MONTH)
        assert found
        assert found.id == again.interchange.id, "of one transmission too"


# Reprocessing


def test_a_reprocess_takes_the_place_of_what_was_not_delivered(store: Store) -> None:
    first = arrive(store, inbound("1", "2", "3"))
    with store.begin() as work:
        work.documents.change(first.documents[0].id, "posted", delivery="delivered")
        work.documents.change(first.documents[1].id, "refused", validation="invalid")
    again = arrive(store, inbound("1", "2", parent=first.transmission))
    with store.begin() as work:
        superseded = [one.superseded_by for one in work.documents.of(transmission=first.transmission.id)]
        assert superseded == [None, again.documents[1].id, None]
        assert [one.id for one in work.documents.rejected()] == [], "the old one needs nobody any more"
        assert work.documents.get(again.documents[1].id).superseded_by is None
    once_more = arrive(store, inbound("2", "3", parent=again.transmission))
    with store.begin() as work:
        of_first = [one.superseded_by for one in work.documents.of(transmission=first.transmission.id)]
        assert of_first == [None, again.documents[1].id, once_more.documents[1].id]
        of_again = [one.superseded_by for one in work.documents.of(transmission=again.transmission.id)]
        assert of_again == [None, once_more.documents[0].id]


# The ledger


def test_a_key_is_new_once(store: Store) -> None:
    key = business_key("werk", "nordmarkt", "Order", "4711")
    assert key
    with store.begin() as work:
        assert work.ledger.claim_key(key, "a", "first").outcome == "new"
        assert work.ledger.claim_key(key, "a", "first").outcome == "new", "a retry goes on"
        same = work.ledger.claim_key(key, "a", "second")
        assert (same.outcome, same.posting.document_id, same.posting.state) == ("same content", "first", "claimed")
        assert work.ledger.claim_key(key, "b", "second").outcome == "other content"
        assert work.ledger.record_posted(key, erp_record_id=42, erp_record_name="S00042")
        assert not work.ledger.record_posted(key, erp_record_id=42, erp_record_name="S00042")
        done = work.ledger.claim_key(key, "a", "first")
        assert (done.outcome, done.posting.erp_record_name) == ("same content", "S00042")
        assert not work.ledger.release_key(key, "first"), "what was posted is never given back"


def test_a_key_that_became_another_record_is_an_alarm(store: Store) -> None:
    with store.begin() as work:
        work.ledger.claim_key("k", "a", "first")
        work.ledger.record_posted("k", erp_record_id=42, erp_record_name="S00042")
    with pytest.raises(StoreError, match="became record 42, not 43"), store.begin() as work:
        work.ledger.record_posted("k", erp_record_id=43, erp_record_name="S00043")


def test_a_refused_order_gives_its_number_back(store: Store) -> None:
    with store.begin() as work:
        work.ledger.claim_key("k", "a", "first")
        assert not work.ledger.release_key("k", "second")
        assert work.ledger.release_key("k", "first")
        assert not work.ledger.release_key("k", "first")
        taken = work.ledger.claim_key("k", "b", "second")
        assert (taken.outcome, taken.posting.document_id, taken.posting.content_hash) == ("new", "second", "b")
        assert not work.ledger.release_key("nobody's", "first")


def test_a_released_key_cannot_be_posted(store: Store) -> None:
    with store.begin() as work:
        work.ledger.claim_key("k", "a", "first")
        work.ledger.release_key("k", "first")
    with pytest.raises(StoreError, match="cannot go"), store.begin() as work:
        work.ledger.record_posted("k", erp_record_id=1, erp_record_name="S1")


def test_a_key_is_claimed_by_one_of_many_threads(store: Store) -> None:
    outcomes: list[str] = []

    def claim(number: int) -> None:
        with store.begin() as work:
            outcomes.append(work.ledger.claim_key("k", "a", str(number)).outcome)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["new"] + ["same content"] * 5


def test_business_keys_do_not_run_into_each_other() -> None:
    assert business_key("a", "b|c", "Order", "1") != business_key("a|b", "c", "Order", "1")
    assert business_key("a\\", "b", "Order", "1") != business_key("a", "\\b", "Order", "1")
    assert business_key("a", None, "Order", "1") is None
    assert business_key("a", "b", "Order", "") is None


# The post lane


def test_a_document_waits_for_earlier_ones_of_its_reference_only(store: Store) -> None:
    first = order("4711")
    change = order("4711-1", reference="4711")
    other = order("4712")
    elsewhere = order("4711-2", reference="4711", erp="other odoo")
    of_another_partner = order("4711-3", reference="4711", partner="suedkauf")
    in_test = order("4711-4", reference="4711", test=True)
    last = order("4711-5", reference="4711")
    with store.begin() as work:
        for one in (first, change, other, elsewhere, of_another_partner, in_test, last):
            assert work.documents.add(one)

        def waits_for(document: Document) -> list[str | None]:
            return [earlier.number for earlier in work.documents.earlier_unfinished(document)]

        assert waits_for(first) == waits_for(other) == waits_for(elsewhere) == []
        assert waits_for(of_another_partner) == waits_for(in_test) == []
        assert waits_for(change) == ["4711"]
        assert waits_for(last) == ["4711", "4711-1"]
        work.documents.change(first.id, "parked", delivery="failed")
        assert waits_for(last) == ["4711", "4711-1"], "a parked one holds back"
        work.documents.change(first.id, "posted", delivery="delivered")
        assert waits_for(last) == ["4711-1"]
        work.documents.change(change.id, "refused", validation="invalid", delivery="failed")
        assert waits_for(last) == [], "a refused one does not: nothing of it will be posted"


def test_a_second_sending_of_the_same_number_does_not_wait_for_the_first(store: Store) -> None:
    first, again = order("4711"), order("4711")
    with store.begin() as work:
        work.documents.add(first)
        work.documents.add(again)
        assert work.documents.earlier_unfinished(again) == []
        assert work.documents.earlier_unfinished(msgspec.structs.replace(again, reference=None)) == []


def test_a_superseded_document_holds_nothing_back(store: Store) -> None:
    first = arrive(store, inbound("4711"))
    again = arrive(store, inbound("4711", parent=first.transmission))
    change = order("4711-1", reference="4711")
    with store.begin() as work:
        work.documents.add(change)
        assert [one.id for one in work.documents.earlier_unfinished(change)] == [again.documents[0].id]


def test_what_waited_for_a_document_is_found_when_that_is_done(store: Store) -> None:
    first, other = order("4711"), order("4712")
    second, third = order("4711-1", reference="4711"), order("4711-2", reference="4711")
    with store.begin() as work:
        for one in (first, other, second, third):
            work.documents.add(one)
        assert [one.number for one in work.documents.held_behind(first)] == ["4711-1"]
        work.documents.change(second.id, "posted", delivery="delivered")
        assert [one.number for one in work.documents.held_behind(first)] == ["4711-2"]
        assert work.documents.held_behind(third) == work.documents.held_behind(other) == []
        assert work.documents.held_behind(msgspec.structs.replace(first, reference=None)) == []


# Documents


def test_a_change_of_status_writes_one_event_and_the_second_time_none(store: Store) -> None:
    one = order("4711")
    with store.begin() as work:
        assert work.documents.add(one)
        assert not work.documents.add(one)
        for first in (True, False):
            changed = work.documents.change(
                one.id,
                "posted",
                delivery="delivered",
                erp_record_id=42,
                erp_record_name="S00042",
                findings=[FINDING],
                detail="Order S00042 was made.",
            )
            assert changed is first
        stored = work.documents.get(one.id)
        assert (stored.delivery, stored.erp_record_id, stored.erp_record_name) == ("delivered", 42, "S00042")
        assert stored.findings == (FINDING,)
        assert stored.changed_at > one.changed_at
        events = work.timeline.of(one.subject)
        assert [(e.what, e.result, e.detail) for e in events] == [
            ("created", "valid", ""),
            ("posted", "delivered", "Order S00042 was made."),
        ]
        assert events[1].profile_version == "edifact/orders 3"


def test_findings_come_on_top_of_findings_once_each(store: Store) -> None:
    one = order("4711", findings=(FINDING,))
    further = msgspec.structs.replace(FINDING, code="erp.unknown-article")
    with store.begin() as work:
        work.documents.add(one)
        work.documents.change(one.id, "refused", validation="invalid", findings=[FINDING, further])
        assert work.documents.get(one.id).findings == (FINDING, further)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"delivery": "delivered"}, {"delivery": "pending"}),
        ({"validation": "valid"}, {"validation": "processing"}),
        ({"acknowledgment": "accepted"}, {"acknowledgment": "overdue"}),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(store: Store, before: dict[str, str], change: dict[str, str]) -> None:
    one = order("4711", **before)
    with store.begin() as work:
        work.documents.add(one)
    with pytest.raises(StoreError, match="cannot go from") as raised, store.begin() as work:
        work.documents.change(one.id, "oops", **change)  # type: ignore[arg-type]
    assert raised.value.permanent


def test_two_threads_that_change_one_document_both_are_heard(store: Store) -> None:
    one = order("4711")
    with store.begin() as work:
        work.documents.add(one)
    findings = [msgspec.structs.replace(FINDING, code=f"x.{number}") for number in range(8)]

    def add(finding: Finding) -> None:
        with store.begin() as work:
            work.documents.change(one.id, "checked", findings=[finding])

    threads = [threading.Thread(target=add, args=(finding,)) for finding in findings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as work:
        assert {finding.code for finding in work.documents.get(one.id).findings} == {f"x.{n}" for n in range(8)}


def test_what_is_not_there_is_a_permanent_error(store: Store) -> None:
    nobody = new_id()
    with store.begin() as work:
        asks = (
            work.documents.get,
            work.transmissions.get,
            work.interchanges.get,
            work.cases.get,
            work.dead_letters.get,
        )
        for ask in asks:
            with pytest.raises(StoreError, match=f"There is no .* {nobody}") as raised:
                ask(nobody)
            assert raised.value.permanent
        assert (
            work.documents.find(nobody) is work.interchanges.find(nobody) is work.interchanges.message(nobody) is None
        )


# Finding things again


def test_a_document_is_found_by_whatever_a_person_has_in_hand(store: Store) -> None:
    came = arrive(store, inbound("PO-4711/A", "100%_x", control_reference="UNB77"))
    first, second = came.documents
    with store.begin() as work:
        work.documents.change(first.id, "posted", delivery="delivered", erp_record_id=42, erp_record_name="S00042")

        def ids(text: str) -> list[str]:
            return [one.id for one in work.documents.search(text)]

        both = [second.id, first.id]
        assert ids(first.id) == ids(first.id.upper()) == ids(came.messages[0].id) == [first.id]
        assert ids(came.transmission.id) == ids(came.interchange.id) == both
        assert ids("PO-4711/A") == ids(" PO-4711/A ") == ids("S00042") == [first.id]
        assert ids("po-4711") == ids("s0004") == [first.id]
        assert ids("UNB77") == both
        assert ids("100%_") == [second.id]
        assert ids("%") == [second.id], "a percent sign is only a percent sign"
        assert ids("no such") == ids("") == ids("  ") == []


def test_rejected_ones_are_invalid_or_have_an_open_case(store: Store) -> None:
    fine, invalid, disputed = order("1"), order("2", validation="invalid"), order("3", partner="suedkauf")
    with store.begin() as work:
        for one in (fine, invalid, disputed):
            work.documents.add(one)
        case = work.cases.open(
            Case(subject_kind="document", subject_id=disputed.id, reason="other-content", sentence="s")
        )
        assert [one.id for one in work.documents.rejected()] == [disputed.id, invalid.id]
        assert [one.id for one in work.documents.rejected(partner="suedkauf")] == [disputed.id]
        assert [one.id for one in work.documents.rejected(before=disputed.id)] == [invalid.id]
        work.cases.move(case.id, "closed", actor="ada")
        assert [one.id for one in work.documents.rejected()] == [invalid.id]


def test_lists_are_filtered_and_paged_newest_first(store: Store) -> None:
    many = [order(str(number), type="Order" if number % 2 else "Invoice") for number in range(6)]
    with store.begin() as work:
        for one in many:
            work.documents.add(one)
        newest = work.documents.newest(limit=4)
        assert [one.number for one in newest] == ["5", "4", "3", "2"]
        assert [one.number for one in work.documents.newest(before=newest[-1].id)] == ["1", "0"]
        assert [one.number for one in work.documents.newest(type="Invoice")] == ["4", "2", "0"]
        assert [one.number for one in work.documents.newest(business_key=many[3].business_key)] == ["3"]
        assert work.documents.newest(delivery="failed") == []


def test_interchanges_are_filtered_newest_first(store: Store) -> None:
    arrive(store, inbound("1"))
    second = arrive(store, inbound("1", control_reference="REF2", partner="nordmarkt"))
    with store.read() as work:
        assert [one.control_reference for one in work.interchanges.newest()] == ["REF2", "REF1"]
        assert [one.id for one in work.interchanges.newest(partner="nordmarkt")] == [second.interchange.id]
        assert [one.id for one in work.interchanges.newest(control_reference="REF2")] == [second.interchange.id]
        assert work.interchanges.newest(result="rejected") == []
        assert len(work.interchanges.newest(before=second.interchange.id)) == 1


# What we answered


def test_an_inbound_interchange_is_answered_once_per_kind(store: Store) -> None:
    came = arrive(store, inbound("1"))
    answer = Acknowledgment(
        direction="sent",
        kind="CONTRL",
        about_interchange_id=came.interchange.id,
        about_control_reference="REF1",
        outcome="accepted",
        control_number="17",
    )
    with store.begin() as work:
        assert work.acknowledgments.record_sent(answer) == answer
        again = msgspec.structs.replace(answer, id=new_id(), outcome="rejected", control_number="18")
        assert work.acknowledgments.record_sent(again) == answer, "the first stays"
        receipt = msgspec.structs.replace(answer, id=new_id(), kind="CONTRL receipt")
        assert work.acknowledgments.record_sent(receipt) == receipt
        assert work.acknowledgments.about(came.interchange.id) == [answer, receipt]
        assert work.interchanges.get(came.interchange.id).acknowledgment == "accepted"
        events = work.timeline.of(came.interchange.subject)
        assert [event.detail for event in events if event.what == "acknowledgment"] == ["CONTRL 17 sent."]


def test_cases_about_the_transmission_are_found_with_those_of_what_is_in_it(store: Store) -> None:
    came = arrive(store, inbound("1"))
    subjects: list[Subject] = [came.transmission.subject, came.interchange.subject, came.messages[0].subject]
    with store.begin() as work:
        for subject in subjects:
            work.cases.open(Case(subject_kind=subject.kind, subject_id=subject.id, reason="r", sentence="s"))
        assert [case.subject_kind for case in work.cases.about(*subjects, None)] == [
            "transmission",
            "interchange",
            "message",
        ]
