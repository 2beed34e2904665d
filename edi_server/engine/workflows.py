"""The corridor as a list: which workflow does what, in which queue, and what follows from it.

    mailbox → receive → deliver (what we answered)
                      → post → post (what waited for it)
    clock   → advise  → deliver
    clock   → watch   → whatever was left lying about

Each workflow is submitted under an id that names its work, so that submitting again is harmless; each step may run
again after a crash, and looks before it acts. A step that fails too often ends in `park`: a dead letter that says what
was given up, and that `edi-server dead-letters resume` submits again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from edi_server.delivery.outbox import OVERDUE
from edi_server.engine.acknowledged import open_unadvised
from edi_server.engine.advising import advise_all, advise_opened
from edi_server.engine.corridor import Corridor
from edi_server.engine.delivering import Deliveries
from edi_server.engine.durable import (
    BY_CLOCK,
    RECOVERY_BOUND,
    Broken,
    Durable,
    Queue,
    Schedule,
    Submitter,
)
from edi_server.engine.inbound import iter_outbound, open_transmission
from edi_server.engine.outbound import advise_deliveries
from edi_server.engine.posting import Posting, batches
from edi_server.engine.retrying import Failure, GaveUp
from edi_server.store import Case, DeadLetter, Subject

RECEIVE, POST, DELIVER, ADVISE, WATCH = "receive", "post", "deliver", "advise", "watch"
#: How long the engine remembers finished work: the watch's and the clock's, and all other.
SHORT_MEMORY, LONG_MEMORY = timedelta(hours=1), timedelta(days=30)


class Work:
    """What can be submitted, each kind with its queue, partition and id. Used by daemon, desk and workflows alike."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    def receive(self, transmission_id: str, mailbox: str, *, run: str = "") -> None:
        """Open a transmission; those of one mailbox are opened in the order in which they came."""
        argument = {"transmission": transmission_id, "mailbox": mailbox}
        self._submitter.submit(RECEIVE, RECEIVE, _id(RECEIVE, transmission_id, run), mailbox, argument)

    def post(self, lane: str, document_ids: list[str], *, run: str = "") -> None:
        """Post documents that share a lane of their ERP."""
        argument = {"lane": lane, "documents": document_ids}
        self._submitter.submit(_queue(POST, lane), POST, _id(POST, document_ids[0], run), lane, argument)

    def deliver(self, transmission_id: str, mailbox: str, *, run: str = "") -> None:
        """Hand an outbound transmission over; those of one mailbox go in the order in which they were staged."""
        argument = {"transmission": transmission_id}
        self._submitter.submit(DELIVER, DELIVER, _id(DELIVER, transmission_id, run), mailbox, argument)

    def advise(self, agreement_id: str, *, run: str) -> None:
        """Look for deliveries done now, besides the schedule."""
        self._submitter.submit(
            ADVISE, ADVISE, _id(ADVISE, agreement_id, run), agreement_id, {"agreement": agreement_id}
        )

    def broken(self) -> list[Broken]:
        """What the engine gave up without us."""
        return self._submitter.broken()

    def forget(self, age: timedelta, among: tuple[str, ...] = ()) -> None:
        """Let the engine forget finished work of that age."""
        self._submitter.forget(age, among=among)

    def resume(self, letter: DeadLetter, *, run: str) -> None:
        """Submit given-up work again."""
        argument = dict(letter.workflow_input or {})
        partition = str(argument.pop("partition"))
        kind = letter.workflow_kind
        self._submitter.submit(_queue(kind, partition), kind, f"{letter.workflow_id}#{run}", partition, argument)


def _queue(kind: str, partition: str) -> str:
    """Each ERP has a queue of its own: retries that wait for one that is away hold no worker of another."""
    return f"{POST} {partition.rpartition('/')[0]}" if kind == POST else kind


def _id(kind: str, subject: str, run: str) -> str:
    return f"{kind}:{subject}#{run}" if run else f"{kind}:{subject}"


class Workflows:
    """The workflows of one process."""

    def __init__(self, corridor: Corridor, durable: Durable, work: Work) -> None:
        self._corridor = corridor
        self._durable = durable
        self._work = work
        self._posting = Posting(corridor)
        self._deliveries = Deliveries(corridor)
        for name, function in (
            (RECEIVE, self._receive),
            (POST, self._post),
            (DELIVER, self._deliver),
            (ADVISE, self._advise),
            (WATCH, self._watch),
        ):
            durable.workflow(name, function)

    def queues(self) -> list[Queue]:
        """The queues with their number of workers."""
        settings = self._corridor.configuration.settings
        engine = settings.engine
        with self._corridor.store.read() as work:
            # Also those that are configured no longer: their documents shall be parked with words, not forgotten.
            erps = sorted({*settings.erp, *work.documents.unposted_erps()})
        return [
            Queue(name=RECEIVE, workers=engine.receive_workers),
            # What an earlier release submitted before each ERP had a queue of its own.
            Queue(name=POST, workers=engine.post_workers),
            *(Queue(name=_queue(POST, f"{erp}/"), workers=engine.post_workers) for erp in erps),
            # Mostly they wait for others: one that is away must not hold up the rest.
            Queue(name=DELIVER, workers=settings.transports.deliveries),
            Queue(name=ADVISE, workers=engine.post_workers),
            Queue(name=WATCH, workers=1),
        ]

    def schedules(self) -> list[Schedule]:
        """The agreements' schedules, and the watch that picks up what was left lying about."""
        watch = Schedule(name=WATCH, queue=WATCH, workflow=WATCH, partition=WATCH, cron="*/20 * * * * *")
        return [watch, *(_schedule(agreement) for agreement in self._corridor.book.scheduled())]

    # receive

    def _receive(self, argument: dict[str, Any]) -> None:
        transmission_id = argument["transmission"]
        subject = Subject("transmission", transmission_id)
        try:
            self._durable.attempt("open", _nothing(open_transmission), self._corridor, transmission_id)
            self._durable.attempt("dispatch", self._dispatch, transmission_id)
        except GaveUp as gave_up:
            self._park(RECEIVE, transmission_id, argument["mailbox"], argument, subject, gave_up.failure)

    def _dispatch(self, transmission_id: str) -> None:
        """Send off what follows from an opened transmission."""
        with self._corridor.store.read() as work:
            transmission = work.transmissions.get(transmission_id)
            documents = work.documents.to_post(transmission_id)
            answers = list(iter_outbound(work, transmission_id))
        for answer in answers:
            self._work.deliver(answer, transmission.mailbox)
        for advice, mailbox in advise_opened(self._corridor, transmission_id):
            self._work.deliver(advice, mailbox)
        for lane, ids in batches(documents, self._corridor.configuration.settings.engine.post_workers):
            self._work.post(lane, ids)
        self._corridor.tell(transmission_id)
        self._settle(RECEIVE, transmission_id)

    # post

    def _post(self, argument: dict[str, Any]) -> None:
        ids, lane = argument["documents"], argument["lane"]
        try:
            self._durable.attempt("post", self._post_and_release, lane, ids)
        except GaveUp as gave_up:
            failure = self._mark("mark parked", self._give_up_posting, ids, failure=gave_up.failure)
            self._park(POST, ids[0], lane, argument, Subject("document", ids[0]), failure)

    def _give_up_posting(self, ids: list[str], error: str) -> None:
        self._posting.give_up(ids, error)
        self._tell(ids)

    def _post_and_release(self, lane: str, ids: list[str]) -> None:
        afterwards = self._posting.post(ids)
        for advice, mailbox in advise_all(self._corridor, ids):
            self._work.deliver(advice, mailbox)
        for document_id in afterwards.released:
            self._work.post(lane, [document_id], run=f"after {ids[0]}")
        for stuck in afterwards.stuck:
            failure = Failure(error=stuck.error, permanent=True, attempts=1)
            argument = {"lane": lane, "documents": [stuck.document_id]}
            subject = Subject("document", stuck.document_id)
            self._write_letter(_letter(POST, stuck.document_id, lane, argument, subject, failure))
        if ids[0] not in {stuck.document_id for stuck in afterwards.stuck}:
            self._settle(POST, ids[0])
        self._tell([*ids, *(stuck.document_id for stuck in afterwards.stuck)])

    def _tell(self, ids: list[str]) -> None:
        """Let partners know how their transmissions stand that these documents came by."""
        with self._corridor.store.read() as work:
            came_by = [work.documents.get(one).transmission_id for one in ids]
        for transmission_id in dict.fromkeys(filter(None, came_by)):
            self._corridor.tell(transmission_id)

    # deliver

    def _deliver(self, argument: dict[str, Any]) -> None:
        transmission_id = argument["transmission"]
        try:
            self._durable.attempt(
                "deliver",
                self._hand_over,
                transmission_id,
                retries=lambda: self._deliveries.retries(transmission_id),
            )
        except GaveUp as gave_up:
            failure = self._mark("mark failed", self._deliveries.mark_failed, transmission_id, failure=gave_up.failure)
            self._durable.attempt("park", self._park_delivery, argument, failure, is_last=True)

    def _hand_over(self, transmission_id: str) -> None:
        self._deliveries.hand_over(transmission_id)
        self._settle(DELIVER, transmission_id)

    def _park_delivery(self, argument: dict[str, Any], failure: Failure) -> None:
        with self._corridor.store.read() as work:
            transmission = work.transmissions.get(argument["transmission"])
        self._write_letter(
            _letter(DELIVER, transmission.id, transmission.mailbox, argument, transmission.subject, failure)
        )

    # advise

    def _advise(self, argument: dict[str, Any]) -> None:
        agreement_id = argument["agreement"]
        try:
            self._durable.attempt("advise", self._advise_and_send_off, agreement_id)
        except GaveUp as gave_up:
            self._park(ADVISE, agreement_id, agreement_id, argument, None, gave_up.failure)

    def _advise_and_send_off(self, agreement_id: str) -> None:
        # A crash between staging and submitting leaves a pending transmission, which the watch picks up.
        for transmission_id, mailbox in advise_deliveries(self._corridor, agreement_id):
            self._work.deliver(transmission_id, mailbox)
        self._settle(ADVISE, agreement_id)

    # watch

    def _watch(self, _argument: dict[str, Any]) -> None:
        self._durable.attempt("watch", self.pick_up)

    def pick_up(self) -> None:
        """What a crash between a commit and a submission left lying about, and answers that are overdue."""
        now = datetime.now(UTC)
        with self._corridor.store.begin() as work:
            for interchange in work.interchanges.mark_overdue(now):
                sentence = (
                    f"{interchange.partner} has not acknowledged interchange {interchange.control_reference} in time."
                )
                case = Case(
                    subject_kind="interchange",
                    subject_id=interchange.id,
                    reason=OVERDUE,
                    sentence=sentence,
                    partner=interchange.partner,
                )
                there = work.cases.open(case)
                if there.closed_at is not None:
                    # It was sent again since, and is late again.
                    work.cases.move(there.id, "open", actor="system", note=sentence)
            open_unadvised(work, self._corridor.book, now)
        with self._corridor.store.read() as work:
            inbound = work.transmissions.unfinished("inbound")
            outbound = work.transmissions.unfinished("outbound")
        for transmission in inbound:
            self._work.receive(transmission.id, transmission.mailbox)
        for transmission in outbound:
            # The same run as the one who wanted it sent (again) submits: attempts made so far tell them apart.
            self._work.deliver(transmission.id, transmission.mailbox, run=str(transmission.attempts or ""))

        self._park_broken()
        self._forget()

    def _park_broken(self) -> None:
        """Show people what the engine gave up without us, once."""
        for broken in self._work.broken():
            subject = _subject(broken.argument)
            with self._corridor.store.begin() as work:
                is_new = work.dead_letters.of_workflow(broken.workflow_id) is None
                if is_new:
                    letter = DeadLetter(
                        workflow_id=broken.workflow_id,
                        workflow_kind=broken.workflow,
                        workflow_input={**broken.argument, "partition": broken.partition},
                        subject_kind=subject.kind if subject else None,
                        subject_id=subject.id if subject else None,
                        error=broken.error,
                        permanent=True,
                        attempts=RECOVERY_BOUND,
                    )
                    work.dead_letters.park(letter)
            if broken.workflow == DELIVER and subject and is_new:
                self._deliveries.mark_failed(subject.id, broken.error)
            if broken.workflow == POST and "documents" in broken.argument:
                self._posting.give_up(broken.argument["documents"], broken.error)

    def _forget(self) -> None:
        """Ids of finished work need not be kept for ever: every step looks at the store before it acts."""
        self._work.forget(SHORT_MEMORY, (WATCH, BY_CLOCK))
        self._work.forget(LONG_MEMORY)

    # dead letters

    def _mark(self, step: str, function: Any, subject: Any, *, failure: Failure) -> Failure:
        """Say where it is looked for that work was given up; what cannot even be said stands in the dead letter."""
        try:
            self._durable.attempt(step, function, subject, failure.error, is_last=True)
        except GaveUp as gave_up:
            told = f"{failure.error}\nBesides, “{step}” failed: {gave_up.failure.error}"
            return msgspec.structs.replace(failure, error=told)
        return failure

    def _park(
        self,
        kind: str,
        subject_id: str,
        partition: str,
        argument: dict[str, Any],
        subject: Subject | None,
        failure: Failure,
    ) -> None:
        letter = _letter(kind, subject_id, partition, argument, subject, failure)
        self._durable.attempt("park", self._write_letter, letter, is_last=True)

    def _write_letter(self, letter: DeadLetter) -> None:
        with self._corridor.store.begin() as work:
            work.dead_letters.park(letter)

    def _settle(self, kind: str, subject_id: str) -> None:
        """The work got done: dead letters about it, in whatever run, are history."""
        with self._corridor.store.read() as work:
            letters = work.dead_letters.of_all_runs(_id(kind, subject_id, ""))
        if letters:
            with self._corridor.store.begin() as work:
                for letter in letters:
                    work.dead_letters.resolve(letter.id)


def _subject(argument: dict[str, Any]) -> Subject | None:
    """What submitted work is about."""
    if "transmission" in argument:
        return Subject("transmission", argument["transmission"])
    return Subject("document", argument["documents"][0]) if argument.get("documents") else None


def _nothing(function: Any) -> Any:
    """The function without its result: what is checkpointed is only that it happened."""

    def call(*arguments: Any) -> None:
        function(*arguments)

    return call


def _letter(
    kind: str, subject_id: str, partition: str, argument: dict[str, Any], subject: Subject | None, failure: Failure
) -> DeadLetter:
    return DeadLetter(
        workflow_id=f"{kind}:{subject_id}",
        workflow_kind=kind,
        workflow_input={**argument, "partition": partition},
        subject_kind=subject.kind if subject else None,
        subject_id=subject.id if subject else None,
        error=failure.error if not failure.trace else f"{failure.error}\n{failure.trace}",
        permanent=failure.permanent,
        attempts=failure.attempts,
    )


def _schedule(agreement: Any) -> Schedule:
    return Schedule(
        name=agreement.id,
        queue=ADVISE,
        workflow=ADVISE,
        partition=agreement.id,
        cron=agreement.schedule.cron,
        time_zone=agreement.schedule.time_zone or agreement.time_zone or "UTC",
        argument={"agreement": agreement.id},
    )
