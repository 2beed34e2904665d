"""Dead letters: what was given up is written where a person sees it, and is history once it got done."""

from __future__ import annotations

from typing import Any

import msgspec

from edi_server.engine.durable import Durable
from edi_server.engine.retrying import Failure, GaveUp
from edi_server.store import DeadLetter, Store, Subject


class Parking:
    """For the workflows of one process."""

    def __init__(self, store: Store, durable: Durable) -> None:
        self._store = store
        self._durable = durable

    def mark(self, step: str, function: Any, subject: Any, *, failure: Failure) -> Failure:
        """Say where it is looked for that work was given up; what cannot even be said stands in the dead letter."""
        try:
            self._durable.attempt(step, function, subject, failure.error, is_last=True)
        except GaveUp as gave_up:
            told = f"{failure.error}\nBesides, “{step}” failed: {gave_up.failure.error}"
            return msgspec.structs.replace(failure, error=told)
        return failure

    def park(
        self,
        kind: str,
        subject_id: str,
        partition: str,
        argument: dict[str, Any],
        subject: Subject | None,
        failure: Failure,
    ) -> None:
        """Write a dead letter, as a step of its own: nobody is left who could give that up."""
        letter = letter_of(kind, subject_id, partition, argument, subject, failure)
        self._durable.attempt("park", self.write, letter, is_last=True)

    def write(self, letter: DeadLetter) -> None:
        """Write a dead letter, within a step."""
        with self._store.begin() as work:
            work.dead_letters.park(letter)

    def settle(self, kind: str, subject_id: str) -> None:
        """The work got done: dead letters about it, in whatever run, are history."""
        with self._store.read() as work:
            letters = work.dead_letters.of_all_runs(id_of(kind, subject_id))
        if letters:
            with self._store.begin() as work:
                for letter in letters:
                    work.dead_letters.resolve(letter.id)


def id_of(kind: str, subject: str, run: str = "") -> str:
    """Under which work is submitted: it names the work, and the run of it."""
    return f"{kind}:{subject}#{run}" if run else f"{kind}:{subject}"


def subject_of(argument: dict[str, Any]) -> Subject | None:
    """What submitted work is about."""
    if "transmission" in argument:
        return Subject("transmission", argument["transmission"])
    return Subject("document", argument["documents"][0]) if argument.get("documents") else None


def letter_of(
    kind: str, subject_id: str, partition: str, argument: dict[str, Any], subject: Subject | None, failure: Failure
) -> DeadLetter:
    """The dead letter of work; `partition` is where it goes when it is resumed."""
    return DeadLetter(
        workflow_id=id_of(kind, subject_id),
        workflow_kind=kind,
        workflow_input={**argument, "partition": partition},
        subject_kind=subject.kind if subject else None,
        subject_id=subject.id if subject else None,
        error=failure.error if not failure.trace else f"{failure.error}\n{failure.trace}",
        permanent=failure.permanent,
        attempts=failure.attempts,
    )
