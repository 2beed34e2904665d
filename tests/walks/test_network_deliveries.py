"""What leaves for a partner: in order, tried again, given up, sent again, by the way that is agreed now."""

import hashlib
import hmac
import json
from contextlib import contextmanager

import pytest
from network_places import Hook
from typer.testing import CliRunner
from walks.test_network import ORDER

from edi_server.cli.application import app
from edi_server.delivery.pace import Pace
from edi_server.desk.actions import Desk
from edi_server.desk.actors import Actor
from edi_server.engine.delivering import Deliveries
from edi_server.engine.durable import Broken
from edi_server.errors import StoreError
from edi_server.transports.http_front import Reply
from edi_server.transports.loop import Loop

ME = Actor(name="me")


@pytest.fixture(scope="module")
def loop():
    with Loop("partners") as running:
        yield running


class Webbed:
    """A plant that delivers to Nordmarkt's webhook; orders come by its folder."""

    def __init__(self, plant, hook):
        self.plant, self.hook = plant, hook

    def order(self, number=0):
        content = ORDER.replace(b"4500012345", b"%d" % (4600000000 + number)).replace(b"NM000101", b"NM%d" % number)
        self.plant.drop("nordmarkt", f"{number}.edi", content)

    def advise(self):
        """A despatch advice on its way."""
        [order] = self.plant.sandbox.orders()
        self.plant.sandbox.validate_delivery(order.name)
        self.plant.daemon.work.advise("nordmarkt/despatch-out", run="now")

    def answer(self, *statuses, then=200):
        """What the webhook answers from now on."""
        waiting = list(statuses)
        self.hook.says = lambda _post: Reply(status=waiting.pop(0) if waiting else then, body=b"said")

    def left(self, what="CONTRL"):
        with self.plant.store.read() as work:
            found = work.transmissions.newest(direction="outbound")
        return [one for one in reversed(found) if one.name.startswith(what)]

    def states(self, what="CONTRL"):
        return [one.delivery for one in self.left(what)]

    def keys(self):
        return [post.headers["idempotency-key"] for post in self.hook.posts]

    def letters(self, state="parked"):
        with self.plant.store.read() as work:
            return work.dead_letters.newest(state=state)

    def happened(self, transmission):
        with self.plant.store.read() as work:
            return [(event.what, event.detail) for event in work.timeline.of(transmission.subject)]

    def resend(self, transmission):
        with Desk.open(self.plant.corridor.configuration) as desk:
            return desk.resend(transmission.id, actor=ME)

    def call(self, *arguments, code=0):
        """What a person types."""
        file = str(self.plant.folder / "edi-server.toml")
        url = {"EDI_SERVER_DATABASE__URL": self.plant.corridor.configuration.database_url(), "COLUMNS": "200"}
        result = CliRunner().invoke(app, ["--config", file, *arguments], env=url)
        assert result.exit_code == code, result.output + str(result.exception)
        return result.output

    def agree(self, change):
        """Nordmarkt's file from now on, once the daemon has read it."""
        file = self.plant.folder / "partners" / "nordmarkt.toml"
        file.write_text(change(file.read_text()))
        digest = self.plant.corridor.book.digest
        self.plant.until(lambda: self.plant.corridor.book.digest != digest)


def without_webhook(text):
    head, _, tail = text.partition("[webhook]")
    return head + tail.partition("# end")[2]


@pytest.fixture
def start(running_plant, tmp_path, sqlite_url, loop):
    """Starts a plant; `more` is more of Nordmarkt's file, `hooked` of its webhook."""
    hook = Hook(loop)

    @contextmanager
    def starting(*, more="", hooked="", prepare=lambda _: None, **environ):
        def agreed(folder):
            prepare(folder)
            file = folder / "partners" / "nordmarkt.toml"
            table = f'{more}\n[webhook]\nurl = "{hook.url}?key=hush"\n{hooked}\n# end\n'
            file.write_text(f"{file.read_text()}\n{table}")

        with running_plant(tmp_path / "a plant", sqlite_url, prepare=agreed, **environ) as plant:
            yield Webbed(plant, hook)

    yield starting
    hook.close()


def test_a_delivered_document_whose_resend_is_refused_stays_delivered_and_can_be_sent_again(start):
    with start() as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.settle()
        places.advise()
        places.plant.until(lambda: places.states("DESADV") == ["delivered"])
        [advice] = places.left("DESADV")
        proof = advice.proof_hash
        places.plant.settle()

        places.answer(403)
        places.resend(advice)
        places.plant.until(places.letters)
        places.plant.settle()
        assert places.states("DESADV") == ["failed"]
        [letter] = places.letters()
        assert "403" in letter.error
        with places.plant.store.read() as work:
            [document] = work.documents.of(transmission=advice.id)
        assert (document.delivery, places.left("DESADV")[0].proof_hash) == ("delivered", proof)

        places.resend(advice)
        places.plant.until(lambda: places.states("DESADV") == ["delivered"])
        places.plant.settle()
        assert places.letters() == []
        assert [one.id for one in places.letters("resolved")] == [letter.id]
        advices = [post for post in places.hook.posts if post.headers["x-file-name"].startswith("DESADV")]
        assert len({post.body for post in advices}) == 1
        assert [post.headers["idempotency-key"] for post in advices] == [advice.id, f"{advice.id}#2", f"{advice.id}#2"]


def test_what_cannot_even_be_marked_as_failed_is_a_dead_letter_all_the_same(start, monkeypatch):
    def refuse(*_):
        raise StoreError("this must not be", permanent=True)

    monkeypatch.setattr(Deliveries, "mark_failed", refuse)
    with start() as places:
        places.answer(403)
        places.order()
        places.plant.until(places.letters)
        [letter] = places.letters()
        assert "403" in letter.error
        assert "this must not be" in letter.error
        assert letter.workflow_input["partition"] == "nordmarkt"


def test_a_delivery_that_took_the_process_with_it_too_often_has_failed_and_is_settled_when_it_got_done(
    start, monkeypatch
):
    with start(more="[delivery]\nfirst_seconds = 3\nfactor = 1\n") as places:
        places.answer(503)
        places.order()
        places.plant.until(
            lambda: places.states() == ["staged"] and places.happened(places.left()[0])[-1][0] != "staged"
        )
        [contrl] = places.left()
        broken = Broken(
            workflow_id=f"deliver:{contrl.id}#7",
            workflow="deliver",
            argument={"transmission": contrl.id},
            partition="nordmarkt",
            error="it died each time",
        )
        monkeypatch.setattr(places.plant.daemon.work, "broken", lambda: [broken])
        places.plant.daemon.workflows.pick_up()
        [letter] = places.letters()
        assert (letter.subject_id, letter.error, places.states()) == (contrl.id, "it died each time", ["failed"])
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.until(lambda: [one.id for one in places.letters("resolved")] == [letter.id])


def test_the_second_document_waits_for_the_first_that_is_tried_again(start):
    with start(more="[delivery]\nattempts = 10\nfirst_seconds = 0.05\nfactor = 1\n") as places:
        places.answer(503, 429, 409)
        places.order(0)
        places.plant.until(lambda: places.hook.posts)
        places.order(1)
        places.plant.until(lambda: places.states() == ["delivered", "delivered"])
        first, second = places.left()
        assert places.keys() == [first.id] * 4 + [second.id]
        failures = [detail for what, detail in places.happened(first) if what == "not handed over"]
        assert [detail.rpartition(" ")[2] for detail in failures] == ["503", "429", "409"]


def test_a_document_that_is_refused_for_good_is_parked_and_lets_the_next_go(start):
    with start() as places:
        places.answer(503, 422)
        places.order(0)
        places.plant.until(lambda: places.hook.posts)
        places.order(1)
        places.plant.until(lambda: places.states() == ["failed", "delivered"])
        first, second = places.left()
        assert places.keys() == [first.id] * 2 + [second.id]
        places.plant.until(places.letters)
        assert [one.subject_id for one in places.letters()] == [first.id]


def test_it_is_tried_as_often_as_was_agreed_with_that_partner(start):
    with start(more="[delivery]\nattempts = 5\nfirst_seconds = 0.02\nfactor = 1\n") as places:
        places.answer(then=503)
        places.order()
        places.plant.until(places.letters)
        assert len(places.hook.posts) == 5
        assert places.letters()[0].attempts == 5


def test_what_would_leave_too_fast_waits_and_nothing_has_failed(start, monkeypatch):
    asked = []

    def wait(_, whose, per_minute):
        asked.append((whose, per_minute))
        return 0.01 if len(asked) < 4 else 0.0

    monkeypatch.setattr(Pace, "wait", wait)
    with start(more="[delivery]\nattempts = 1\nper_minute = 30\n") as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        assert asked == [("nordmarkt", 30.0)] * 4
        assert "not handed over" not in [what for what, _ in places.happened(places.left()[0])]
        assert len(places.hook.posts) == 1


def test_a_turn_comes_as_often_as_was_agreed_and_never_in_a_rush():
    time = [100.0]
    pace = Pace(lambda: time[0])
    assert pace.wait("north", 30) == 0
    assert pace.wait("north", 30) == pytest.approx(2.0)
    assert pace.wait("south", 30) == 0
    time[0] += 1.5
    assert pace.wait("north", 30) == pytest.approx(0.5)
    assert pace.wait("north", 600) == pytest.approx(0.1)
    time[0] += 60
    assert pace.wait("north", 30) == 0
    assert pace.wait("north", 30) == pytest.approx(2.0)


def test_what_waits_goes_by_the_way_that_is_agreed_since(start):
    with start(more="[delivery]\nattempts = 1000\nfirst_seconds = 0.1\nfactor = 1\n") as places:
        places.answer(then=503)
        places.order()
        places.plant.until(lambda: places.hook.posts)
        places.agree(without_webhook)
        places.plant.until(lambda: places.states() == ["sent"])
        [contrl] = places.left()
        assert contrl.transport == "folder"
        assert list(places.plant.outbox("nordmarkt")) == ["CONTRL_1.edi"]
        assert ("goes another way", "By folder, no longer by webhook: that is what is agreed now.") in places.happened(
            contrl
        )


def test_a_resend_goes_by_the_way_that_is_agreed_since(start):
    with start() as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.settle()
        places.agree(without_webhook)
        places.resend(places.left()[0])
        places.plant.until(lambda: places.states() == ["sent"])
        [content] = places.plant.outbox("nordmarkt").values()
        assert content == places.hook.posts[0].body


def test_a_signing_key_that_was_replaced_signs_the_next_post(start, tmp_path):
    def prepare(_folder):
        (tmp_path / "HOOK_KEY").write_text("old")

    key = 'signing_key = { secret = "HOOK_KEY" }\n'
    with start(hooked=key, prepare=prepare, EDI_SERVER_SECRETS_DIR=str(tmp_path)) as places:
        places.order(0)
        places.plant.until(lambda: places.states() == ["delivered"])
        (tmp_path / "HOOK_KEY").write_text("new")
        places.order(1)
        places.plant.until(lambda: places.states() == ["delivered"] * 2)
        for post, secret in zip(places.hook.posts, (b"old", b"new"), strict=True):
            signed = hmac.new(secret, post.body, hashlib.sha256).hexdigest()
            assert post.headers["x-signature"] == f"sha256={signed}"


def test_a_signing_key_that_is_missing_is_a_case_until_it_is_there_and_nothing_is_given_up(start, tmp_path):
    key = 'signing_key = { secret = "HOOK_KEY" }\n'
    more = "[delivery]\nattempts = 1000\nfirst_seconds = 0.1\nfactor = 1\n"
    with start(more=more, hooked=key, EDI_SERVER_SECRETS_DIR=str(tmp_path)) as places:

        def cases():
            with places.plant.store.read() as work:
                return [(one.subject_id, one.reason) for one in work.cases.newest()]

        places.order()
        places.plant.until(lambda: cases() == [("nordmarkt", "webhook")])
        (tmp_path / "HOOK_KEY").write_text("here")
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.until(lambda: cases() == [])
        assert places.letters() == []


def test_a_key_in_the_address_is_kept_nowhere(start):
    with start() as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        [contrl] = places.left()
        assert places.hook.posts[0].path == "/hook"
        kept = places.plant.store.archive.open(contrl.proof_hash).read().decode() + str(contrl.detail)
        assert places.hook.url in kept
        assert "hush" not in kept + str(places.happened(contrl)) + places.call("partner", "show", "nordmarkt")


def test_all_that_failed_in_an_outage_is_listed_and_sent_again_in_its_order(start):
    with start(more="[delivery]\nattempts = 1\n") as places:
        assert "Nothing has failed" in places.call("resend", "--partner", "nordmarkt", "--failed")
        places.answer(then=503)
        for number in range(3):
            places.order(number)
            places.plant.until(lambda count=number + 1: places.states() == ["failed"] * count)
        places.plant.settle()
        rows = json.loads(places.call("resend", "--partner", "nordmarkt", "--failed", "--json"))["failed"]
        assert [row["id"] for row in rows] == [one.id for one in places.left()]
        assert {(row["error"], row["left_out"]) for row in rows} == {("the webhook of nordmarkt answers 503", "")}
        assert "answers 503" in places.call("resend", "--partner", "nordmarkt", "--failed")
        assert places.states() == ["failed"] * 3
        places.answer()
        places.hook.posts.clear()
        places.call("resend", "--partner", "nordmarkt", "--failed", "--yes")
        places.plant.until(lambda: places.states() == ["delivered"] * 3)
        assert places.keys() == [one.id for one in places.left()]
        places.plant.until(lambda: places.letters() == [])


def test_a_resend_names_one_thing_or_all_that_failed_for_one_partner(start):
    with start() as places:
        for arguments in ("", "x --failed", "--failed", "--partner nordmarkt", "x --yes", "x --partner nordmarkt"):
            assert "give a reference" in places.call("resend", *arguments.split(), code=2)
        assert "There is no partner" in places.call("resend", "--partner", "nobody", "--failed", code=2)


def test_all_that_was_given_up_for_a_partner_is_resumed_at_once(start):
    with start(more="[delivery]\nattempts = 1\n") as places:
        places.answer(503, 503)
        for number in range(2):
            places.order(number)
        places.plant.until(lambda: places.states() == ["failed", "failed"])
        places.plant.settle()
        listed = json.loads(places.call("dead-letters", "--partner", "nordmarkt", "--json"))["dead_letters"]
        assert len(listed) == 2
        assert json.loads(places.call("dead-letters", "--partner", "borealis", "--json"))["dead_letters"] == []
        assert "give the id" in places.call("dead-letters", "resume", code=2)
        done = json.loads(places.call("dead-letters", "resume", "--partner", "nordmarkt", "--json"))["done"]
        assert [one["subject_id"] for one in done] == [one["id"] for one in reversed(listed)]
        places.plant.until(lambda: places.states() == ["delivered", "delivered"])
        places.plant.until(lambda: places.letters() == [])


def test_what_leaves_under_new_numbers_is_not_sent_again_with_all_that_failed(start):
    with start(more="[delivery]\nattempts = 1\n") as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.settle()
        places.answer(503)
        places.advise()
        places.plant.until(places.letters)
        places.plant.settle()
        with places.plant.store.read() as work:
            [document] = work.documents.of(transmission=places.left("DESADV")[0].id)
        places.call("reprocess", document.id)
        places.plant.until(lambda: places.states("DESADV") == ["failed", "delivered"])
        assert places.letters() == []
        [row] = json.loads(places.call("resend", "--partner", "nordmarkt", "--failed", "--json"))["failed"]
        assert "reprocessed" in row["left_out"]
        assert "nothing to do" in places.call("resend", "--partner", "nordmarkt", "--failed", "--yes")


def is_late(places):
    """Look for what is overdue, as the clock does."""
    places.plant.daemon.workflows.pick_up()
    with places.plant.store.read() as work:
        return work.interchanges.newest(acknowledgment="overdue")


def test_what_happened_with_a_partner_lately_stands_in_one_place(start):
    def expecting(folder):
        file = folder / "partners" / "nordmarkt.toml"
        file.write_text(file.read_text().replace('expected_within = "PT4H"', 'expected_within = "PT0.01S"'))

    with start(more="[delivery]\nattempts = 2\nper_minute = 600\n", prepare=expecting) as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.settle()
        places.advise()
        places.plant.until(lambda: places.states("DESADV") == ["delivered"])
        places.answer(503, 503)
        places.order(1)
        places.plant.until(places.letters)
        places.plant.settle()
        places.plant.until(lambda: is_late(places))
        shown = json.loads(places.call("partner", "show", "nordmarkt", "--json"))
        text = places.call("partner", "show", "nordmarkt", "--limit", "100")
    delivery = shown["delivery"]
    assert (delivery["attempts"], delivery["per_minute"], delivery["longest_seconds"]) == (2, 600, 1800)
    assert delivery["waiting"] == 0
    newest = shown["transmissions"][0]
    assert (newest["delivery"], newest["error"]) == ("failed", "the webhook of nordmarkt answers 503")
    assert [one["about"] for one in shown["dead_letters"]] == [newest["name"]]
    assert [one["name"] for one in shown["overdue"]] == [
        one["name"] for one in shown["transmissions"] if one["name"].startswith("DESADV")
    ]
    assert [one["agreement"] for one in shown["schedules"]] == ["nordmarkt/despatch-out"]
    happened = [(one["about"], one["what"]) for one in shown["timeline"]]
    assert (newest["name"], "parked") in happened
    assert ("1.edi", "received") in happened
    for said in (
        "answers 503",
        "2 attempts",
        "600 a minute",
        "Overdue acknowledgments",
        "Dead letters",
        "next Despatch",
    ):
        assert said in text


def test_what_is_sent_again_after_it_was_overdue_is_waited_for_anew_and_may_be_overdue_again(start):
    def expecting(folder):
        file = folder / "partners" / "nordmarkt.toml"
        file.write_text(file.read_text().replace('expected_within = "PT4H"', 'expected_within = "PT0.01S"'))

    with start(prepare=expecting) as places:
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        places.plant.settle()
        places.advise()
        places.plant.until(lambda: places.states("DESADV") == ["delivered"])
        places.plant.settle()
        [advice] = places.left("DESADV")

        def interchange():
            with places.plant.store.read() as work:
                return work.interchanges.of(advice.id)[0]

        def cases():
            with places.plant.store.read() as work:
                return [(one.reason, one.state) for one in work.cases.about(interchange().subject)]

        places.plant.until(lambda: is_late(places) and interchange().acknowledgment == "overdue")
        assert cases() == [("acknowledgment-overdue", "open")]
        places.agree(lambda text: text.replace('expected_within = "PT0.01S"', 'expected_within = "PT4H"'))
        before = interchange().due_at
        places.resend(advice)
        places.plant.until(lambda: interchange().acknowledgment == "waiting")
        assert (interchange().due_at - before).total_seconds() > 4 * 3600 - 1
        assert cases() == [("acknowledgment-overdue", "fixed")]
        places.plant.settle()
        places.agree(lambda text: text.replace('expected_within = "PT4H"', 'expected_within = "PT0.01S"'))
        places.resend(advice)
        places.plant.until(lambda: len(places.hook.posts) == 4)
        places.plant.settle()
        places.plant.until(lambda: is_late(places) and interchange().acknowledgment == "overdue")
        assert cases() == [("acknowledgment-overdue", "open")]


def test_a_range_of_numbers_that_is_used_up_answers_nothing_and_says_so_of_the_document(start):
    more = '[control_numbers]\ninterchange = { high = 1, at_end = "stop" }\n'
    with start(more=more) as places:
        places.order(0)
        places.plant.until(lambda: places.states() == ["delivered"])
        places.order(1)
        places.plant.until(places.letters)
        places.plant.settle()
        [letter] = places.letters()
        assert "agree on a new range" in letter.error

        def answered():
            with places.plant.store.read() as work:
                return [one.acknowledgment for one in work.documents.newest(direction="inbound")]

        assert answered() == ["none", "accepted"]
        places.agree(lambda text: text.replace("high = 1,", "high = 9,"))
        places.call("dead-letters", "resume", letter.id)
        places.plant.until(lambda: answered() == ["accepted", "accepted"])
        places.plant.until(lambda: places.states() == ["delivered"] * 2)


def test_a_store_that_is_away_when_it_is_asked_how_often_to_try_ends_no_delivery(start, monkeypatch):
    asked, original = [], Deliveries.retries

    def away_at_first(self, transmission_id):
        asked.append(transmission_id)
        if len(asked) == 1:
            raise StoreError("the database is away for a second")
        return original(self, transmission_id)

    monkeypatch.setattr(Deliveries, "retries", away_at_first)
    with start(more="[delivery]\nattempts = 10\nfirst_seconds = 0.05\n") as places:
        places.answer(503)
        places.order()
        places.plant.until(lambda: places.states() == ["delivered"])
        assert asked
        assert places.letters() == []
