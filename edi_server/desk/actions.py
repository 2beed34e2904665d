"""Everything that somebody can do: the same for command line, API and pages.

Each action checks the actor's right, says what it will do to the store in one unit of work with an event that names the
actor, and then submits the work that follows. If the process dies in between, the daemon's watch finds what was left.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from edi_server.config import Configuration
from edi_server.desk import presence
from edi_server.desk.actors import Actor, NotPossible, demand
from edi_server.desk.references import find_row
from edi_server.desk.views import ScheduleRow
from edi_server.partners import Agreement
from edi_server.store import Case, DeadLetter, Store, new_id
from edi_server.store import Work as StoreWork
from edi_server.store.states import OPEN_CASES, CaseState
from edi_server.store.tables import cases, dead_letters

if TYPE_CHECKING:
    from edi_server.engine.corridor import Corridor
    from edi_server.engine.durable import ScheduleState, Submitter
    from edi_server.engine.workflows import Work


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an action did."""

    #: What happened, in one sentence.
    sentence: str
    #: "transmission", "document", "case", "dead letter" or "agreement", and its id.
    subject_kind: str
    subject_id: str
    #: Work was submitted, which the daemon does as soon as it runs.
    submitted: bool
    daemon_running: bool


class Desk:
    """The desk of one plant; `Desk.open` closes what it opened."""

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self.configuration = configuration
        self.store = store

    @classmethod
    @contextmanager
    def open(cls, configuration: Configuration) -> Iterator[Desk]:
        """A desk with a store of its own. Raises NotPossible if there is none yet, and what `Store.open` raises."""
        with open_store(configuration) as store:
            desk = cls(configuration, store)
            try:
                yield desk
            finally:
                if "submitter" in vars(desk):
                    desk.submitter.close()

    @property
    def data(self) -> Path:
        """The folder that tells whether the daemon runs."""
        return Path(self.configuration.settings.paths.data)

    # What is heavy to load, or may be broken without hurting those who only look, is made when it is first used.

    @cached_property
    def submitter(self) -> Submitter:
        """Submits work to the daemon's engine."""
        from edi_server.engine.durable import Submitter

        return Submitter(self.configuration.database_url())

    @cached_property
    def work(self) -> Work:
        """What can be submitted."""
        from edi_server.engine.workflows import Work

        return Work(self.submitter)

    @cached_property
    def corridor(self) -> Corridor:
        """Book, profiles and ERPs, on this desk's store."""
        from edi_server.engine.corridor import Corridor

        corridor = Corridor(self.configuration, sandbox_url=presence.find_sandbox(self.data))
        corridor.store = self.store
        return corridor

    def done(self, sentence: str, kind: str, subject_id: str, *, submitted: bool = False) -> Done:
        """The answer to an action."""
        running = presence.is_daemon_running(self.data)
        return Done(
            sentence=sentence, subject_kind=kind, subject_id=subject_id, submitted=submitted, daemon_running=running
        )

    # documents and transmissions

    def reprocess(self, reference: str, *, actor: Actor) -> Done:
        """Do it again from the start: what came in is opened once more; what goes out is translated and numbered anew.

        Through the profiles and agreements as they are now. Raises NotPossible, ConfigurationError, StoreError.
        """
        from edi_server.desk.repeating import reprocess

        demand(actor, "reprocess")
        return reprocess(self, reference, actor)

    def resend(self, reference: str, *, actor: Actor) -> Done:
        """Hand an outbound transmission over once more: same bytes, same control number. Raises NotPossible."""
        from edi_server.desk.repeating import resend

        demand(actor, "resend")
        return resend(self, reference, actor)

    def resend_failed(self, partner: str, *, actor: Actor) -> list[Done]:
        """Hand over once more all that was given up for a partner, but for what `list_failed` leaves out.

        Raises NotPossible if there is no such partner.
        """
        from edi_server.desk.connections import partner_named
        from edi_server.desk.failed import resend_failed

        demand(actor, "resend")
        return resend_failed(self, partner_named(self.configuration, partner).name, actor)

    def reject(self, reference: str, reason: str, *, actor: Actor) -> Done:
        """Decide that a document is not worked with. Raises NotPossible, and ErpError if the ERP has to be asked."""
        from edi_server.desk.rejecting import reject

        demand(actor, "reject")
        return reject(self, reference, reason, actor)

    # cases

    def assign_case(self, reference: str, assignee: str, *, actor: Actor) -> Done:
        """Give a case to somebody."""
        demand(actor, "assign case")
        case = self._move_case(reference, "assigned", actor, assignee=assignee)
        return self.done(f"The case “{case.reason}” is {assignee}'s now.", "case", case.id)

    def close_case(self, reference: str, note: str, *, actor: Actor, state: CaseState = "closed") -> Done:
        """Close a case, as "fixed", "rejected" or "closed"; `note` says what was decided."""
        demand(actor, "close case")
        case = self._move_case(reference, state, actor, note=note)
        return self.done(f"The case “{case.reason}” is {state}.", "case", case.id)

    def _move_case(
        self, reference: str, state: CaseState, actor: Actor, *, note: str = "", assignee: str | None = None
    ) -> Case:
        with self.store.begin() as work:
            case = work.cases.get(find_row(work, cases, reference, "case", "cases"))
            if case.state not in OPEN_CASES:
                closed = f"{case.closed_at:%Y-%m-%d %H:%M} UTC" if case.closed_at else "before"
                raise NotPossible(f"The case “{case.reason}” is {case.state} since {closed}; there is nothing to do.")
            return work.cases.move(case.id, state, actor=actor.name, note=note, assignee=assignee)

    # dead letters

    def resume(self, reference: str, *, actor: Actor) -> Done:
        """Try given-up work once more."""
        from edi_server.desk.repeating import resume_letter

        demand(actor, "resume")
        with self.store.begin() as work:
            letter = self._unresolved(work.dead_letters.get(_letter_id(work, reference)))
            resume_letter(work, letter, actor)
        return self._submit_again(letter)

    def resume_all(self, partner: str, *, actor: Actor) -> list[Done]:
        """Try once more, oldest first, all that was given up for a partner and is still wanted.

        Raises NotPossible if there is no such partner.
        """
        from edi_server.desk.connections import partner_named
        from edi_server.desk.failed import wanted_letters
        from edi_server.desk.repeating import resume_letter

        demand(actor, "resume")
        with self.store.begin() as work:
            letters = wanted_letters(work, partner_named(self.configuration, partner).name)
            for letter in letters:
                resume_letter(work, letter, actor)
        return [self._submit_again(letter) for letter in letters]

    def _submit_again(self, letter: DeadLetter) -> Done:
        self.work.resume(letter, run=new_id())
        sentence = f"{letter.workflow_kind} is tried once more ({letter.workflow_id})."
        return self.done(sentence, "dead letter", letter.id, submitted=True)

    def resolve(self, reference: str, *, actor: Actor) -> Done:
        """Decide that nothing is left to do for given-up work."""
        demand(actor, "resolve")
        with self.store.begin() as work:
            letter = self._unresolved(work.dead_letters.get(_letter_id(work, reference)))
            work.dead_letters.resolve(letter.id, actor=actor.name)
        return self.done(f"The dead letter {letter.workflow_id} is resolved.", "dead letter", letter.id)

    def _unresolved(self, letter: DeadLetter) -> DeadLetter:
        if letter.state == "resolved":
            raise NotPossible(f"The dead letter {letter.workflow_id} is resolved; there is nothing to do.")
        return letter

    # schedules

    def run_schedule(self, agreement_id: str, *, actor: Actor) -> Done:
        """Look for deliveries to advise now, besides the agreement's schedule."""
        demand(actor, "run schedule")
        agreement = self.corridor.book.agreement(agreement_id)
        outbound = [one.id for one in self.corridor.book.agreements if one.direction == "outbound"]
        if agreement is None or agreement.id not in outbound:
            known = ", ".join(outbound) or "none"
            raise NotPossible(f"There is no outbound agreement “{agreement_id}”; there are: {known}.")
        if agreement.state not in ("testing", "live"):
            raise NotPossible(f"The agreement {agreement.id} is {agreement.state}; set its state to live first.")
        self.work.advise(agreement.id, run=f"{actor.name} {new_id()}")
        return self.done(f"Deliveries for {agreement.id} are looked for.", "agreement", agreement.id, submitted=True)

    def schedules(self) -> list[ScheduleRow]:
        """The schedule of every agreement that has one, with its next run in its own time zone.

        As the engine has it; what the engine has not heard of yet is not active.
        """
        known = {state.name: state for state in self.submitter.schedules()}
        return [_schedule_row(agreement, known.get(agreement.id)) for agreement in self.corridor.book.scheduled()]


def _schedule_row(agreement: Agreement, state: ScheduleState | None) -> ScheduleRow:
    assert agreement.schedule is not None  # it is a scheduled one
    zone = state.time_zone if state else agreement.schedule.time_zone
    return ScheduleRow(
        agreement=agreement.id,
        partner=agreement.partner.name,
        document=agreement.document,
        cron=state.cron if state else agreement.schedule.cron,
        time_zone=zone,
        next_run=state.next_run if state else None,
        last_run=state.last_run.astimezone(ZoneInfo(zone)) if state and state.last_run else None,
        active=state is not None and not state.paused,
    )


def _letter_id(work: StoreWork, reference: str) -> str:
    return find_row(work, dead_letters, reference, "dead letter", "dead-letters")


@contextmanager
def open_store(configuration: Configuration) -> Iterator[Store]:
    """The plant's store, which the daemon made. Raises NotPossible if it never ran here."""
    url = configuration.database_url()
    if url.startswith("sqlite") and not Path(url.partition(":///")[2]).exists():
        message = (
            f"There is no database yet at {url}; start `edi-server serve`, which makes it, or name another "
            "configuration by `edi-server --config FILE`."
        )
        raise NotPossible(message)
    with Store.open(url, Path(configuration.settings.paths.archive), migrate=False) as store:
        yield store


def person_here() -> Actor:
    """Who sits at this machine; whoever may run our programs here may read the database anyway."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        name = f"uid {os.getuid()}"
    return Actor(name=name, role="operator")
