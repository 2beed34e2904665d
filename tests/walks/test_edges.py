"""What fails at an awkward moment, in a whole plant: nothing is stuck, and nothing leaves twice."""

from edi_server.delivery import outbox
from edi_server.errors import StoreError, TransportError
from edi_server.store.dead_letters import DeadLetters
from edi_server.store.documents import Documents


class Failing:
    """A method that fails some times before it works."""

    def __init__(self, monkeypatch, owner, name, times, error):
        self.left, original = times, getattr(owner, name)

        def failing(*arguments, **named):
            if self.left:
                self.left -= 1
                raise error
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, failing)


def documents(plant):
    with plant.store.read() as work:
        return work.documents.newest()


def letters(plant):
    with plant.store.read() as work:
        return work.dead_letters.newest()


def test_files_that_could_not_be_taken_are_taken_at_a_later_look(plant, monkeypatch):
    failing = Failing(monkeypatch, plant.store.archive, "put", 1, StoreError("The disk is full."))
    plant.drop_sample("order-4500012345.edi")
    plant.drop_sample("bk-2026-0815.edi")
    plant.settle()
    assert failing.left == 0
    assert len(plant.sandbox.orders()) == 2


def test_mailboxes_that_cannot_be_made_do_not_end_the_collecting(plant, monkeypatch):
    failing = Failing(monkeypatch, plant.corridor, "prepare_mailboxes", 1, TransportError("The disk is full."))
    file = plant.folder / "partners" / "nordmarkt.toml"
    file.write_text(file.read_text() + "\n# changed\n")
    plant.until(lambda: failing.left == 0)
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    assert len(plant.sandbox.orders()) == 1


def test_what_left_before_its_sending_was_given_up_does_not_leave_again(plant, monkeypatch):
    failing = Failing(monkeypatch, outbox, "_record_sent", 3, StoreError("The database is away."))
    plant.drop_sample("order-4500012345.edi")
    plant.settle()
    assert failing.left == 0
    [letter] = letters(plant)
    assert len(plant.outbox("nordmarkt")) == 1
    with plant.store.begin() as work:
        letter = work.dead_letters.resume(letter.id, actor="ada")
    plant.daemon.work.resume(letter, run="1")
    plant.settle()
    assert len(plant.outbox("nordmarkt")) == 1
    with plant.store.read() as work:
        [sent] = work.transmissions.newest(direction="outbound")
    assert sent.delivery == "sent"
    assert letters(plant) == []


def test_given_up_work_becomes_a_dead_letter_however_long_that_cannot_be_written(plant, monkeypatch):
    Failing(monkeypatch, Documents, "earlier_unfinished", 3, StoreError("The database is away."))
    failing = Failing(monkeypatch, DeadLetters, "park", 5, StoreError("The database is away."))
    plant.drop_sample("order-4500012345.edi")
    plant.settle(60)
    assert failing.left == 0
    assert [letter.workflow_kind for letter in letters(plant)] == ["post"]
    assert [document.delivery for document in documents(plant)] == ["failed"]
