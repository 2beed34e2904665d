"""Cases: what a person has to decide on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.records import Case, Subject, now
from edi_server.store.rows import every, first, insert_once
from edi_server.store.tables import cases
from edi_server.store.timeline import Timeline


class Cases:
    """One case per subject and reason."""

    def __init__(self, connection: Connection, timeline: Timeline) -> None:
        self._connection = connection
        self._timeline = timeline

    def open(self, case: Case, *, actor: str = "system") -> Case:
        """Open a case, or return the one that there is already for its subject and reason, in whatever state."""
        if insert_once(self._connection, cases, msgspec.structs.asdict(case)):
            subject = Subject(case.subject_kind, case.subject_id)
            self._timeline.add(subject, "case opened", result=case.reason, detail=case.sentence, actor=actor)
            return case
        there = select(cases).where(cases.c.subject_id == case.subject_id, cases.c.reason == case.reason)
        found = first(self._connection, there, Case)
        return found or self.get(case.id)

    def find(self, case_id: str) -> Case | None:
        """The case, or None."""
        return first(self._connection, select(cases).where(cases.c.id == case_id), Case)

    def get(self, case_id: str) -> Case:
        """The case; raises StoreError (permanent) if there is none."""
        found = self.find(case_id)
        if found is None:
            raise StoreError(f"There is no case {case_id}.", permanent=True)
        return found

    def about(self, *subjects: Subject | None) -> list[Case]:
        """All cases about these subjects, oldest first; None among them is passed over."""
        ids = [subject.id for subject in subjects if subject]
        return every(self._connection, select(cases).where(cases.c.subject_id.in_(ids)).order_by(cases.c.id), Case)

    def newest(
        self,
        *,
        in_states: Iterable[states.CaseState] = states.OPEN_CASES,
        partner: str | None = None,
        reason: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Case]:
        """Newest first, by default those that wait for somebody; `before` is the last id of the page before."""
        query = select(cases).where(cases.c.state.in_(list(in_states))).order_by(cases.c.id.desc()).limit(limit)
        for column, value in ((cases.c.partner, partner), (cases.c.reason, reason)):
            query = query if value is None else query.where(column == value)
        if before is not None:
            query = query.where(cases.c.id < before)
        return every(self._connection, query, Case)

    def move(
        self, case_id: str, state: states.CaseState, *, actor: str, note: str = "", assignee: str | None = None
    ) -> Case:
        """Change a case, with an event on its subject; `note` is what the person says about it."""
        case = self.get(case_id)
        states.CASE_STATE.check(case.state, state)
        values: dict[str, Any] = {
            "state": state,
            "closed_at": None if state in states.OPEN_CASES else case.closed_at or now(),
            "note": note or case.note,
            "assignee": assignee or case.assignee,
        }
        self._connection.execute(update(cases).where(cases.c.id == case_id).values(values))
        if state != case.state:
            subject = Subject(case.subject_kind, case.subject_id)
            self._timeline.add(subject, f"case {state}", result=case.reason, detail=note, actor=actor)
        return msgspec.structs.replace(case, **values)

    def settle(self, subject: Subject, *, reason: str | None = None, note: str, actor: str = "system") -> int:
        """Mark the open cases about a subject (with that reason, or all) fixed; how many there were."""
        there = [case for case in self.about(subject) if case.state in states.OPEN_CASES]
        chosen = [case for case in there if reason in (None, case.reason)]
        for case in chosen:
            self.move(case.id, "fixed", actor=actor, note=note)
        return len(chosen)
