"""Dead letters: work of the machine that was given up, to be listed and resumed."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.records import DeadLetter, Subject, now
from edi_server.store.rows import every, first, upsert
from edi_server.store.tables import dead_letters, documents, transmissions
from edi_server.store.timeline import Timeline


class DeadLetters:
    """One per workflow id."""

    def __init__(self, connection: Connection, timeline: Timeline) -> None:
        self._connection = connection
        self._timeline = timeline

    def park(self, letter: DeadLetter) -> DeadLetter:
        """Park a workflow, with an event on its subject; parked again, it takes the new error and keeps its id."""
        before = self.of_workflow(letter.workflow_id)
        again = {
            "error": letter.error,
            "permanent": letter.permanent,
            "attempts": letter.attempts,
            "state": "parked",
            "resolved_at": None,
        }
        if before is None or before.state != "parked":
            again["parked_at"] = letter.parked_at
        statement = upsert(self._connection, dead_letters).values(msgspec.structs.asdict(letter))
        self._connection.execute(statement.on_conflict_do_update(index_elements=["workflow_id"], set_=again))
        if letter.subject_kind and letter.subject_id and (before is None or before.state != "parked"):
            self._timeline.add(Subject(letter.subject_kind, letter.subject_id), "parked", detail=letter.error)
        return self.of_workflow(letter.workflow_id) or letter

    def resume(self, letter_id: str, *, actor: str) -> DeadLetter:
        """A person wants it tried once more."""
        return self._move(letter_id, "resumed", {"resumed_at": now()}, actor)

    def resolve(self, letter_id: str, *, actor: str = "system") -> DeadLetter:
        """Nothing is left to do: it worked, or a person settled it otherwise."""
        return self._move(letter_id, "resolved", {"resolved_at": now()}, actor)

    def _move(self, letter_id: str, state: states.DeadLetterState, values: dict[str, Any], actor: str) -> DeadLetter:
        letter = self.get(letter_id)
        states.DEAD_LETTER_STATE.check(letter.state, state)
        if letter.state == state:
            return letter
        query = update(dead_letters).where(dead_letters.c.id == letter_id)
        self._connection.execute(query.values(state=state, **values))
        if letter.subject_kind and letter.subject_id:
            self._timeline.add(Subject(letter.subject_kind, letter.subject_id), state, actor=actor)
        return self.get(letter_id)

    def get(self, letter_id: str) -> DeadLetter:
        """The dead letter; raises StoreError (permanent) if there is none."""
        found = first(self._connection, select(dead_letters).where(dead_letters.c.id == letter_id), DeadLetter)
        if found is None:
            raise StoreError(f"There is no dead letter {letter_id}.", permanent=True)
        return found

    def of_workflow(self, workflow_id: str) -> DeadLetter | None:
        """The dead letter of a workflow, or None."""
        query = select(dead_letters).where(dead_letters.c.workflow_id == workflow_id)
        return first(self._connection, query, DeadLetter)

    def of_all_runs(self, workflow_id: str) -> list[DeadLetter]:
        """Those of a workflow and of its later runs, called `<workflow id>#<run>`, that are not resolved."""
        same = dead_letters.c.workflow_id == workflow_id
        later = dead_letters.c.workflow_id.startswith(f"{workflow_id}#", autoescape=True)
        query = select(dead_letters).where(same | later, dead_letters.c.state != "resolved").order_by(dead_letters.c.id)
        return every(self._connection, query, DeadLetter)

    def about(self, *subjects: Subject | None) -> list[DeadLetter]:
        """All about these subjects, oldest first."""
        ids = [subject.id for subject in subjects if subject]
        query = select(dead_letters).where(dead_letters.c.subject_id.in_(ids)).order_by(dead_letters.c.id)
        return every(self._connection, query, DeadLetter)

    def newest(
        self,
        *,
        state: states.DeadLetterState | None = "parked",
        partner: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[DeadLetter]:
        """Newest first, by default those that are parked; None: all. `partner`: about what crossed with that one."""
        query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
        if partner is not None:
            crossed = select(transmissions.c.id).where(transmissions.c.partner == partner)
            said = select(documents.c.id).where(documents.c.partner == partner)
            query = query.where(dead_letters.c.subject_id.in_(crossed.union(said)))
        if state is not None:
            query = query.where(dead_letters.c.state == state)
        if before is not None:
            query = query.where(dead_letters.c.id < before)
        return every(self._connection, query, DeadLetter)
