"""What comes of a transmission that was read to its end: its interchanges decided, and their answers staged.

Other writers wait while a unit of work is open, so the last one, which makes the transmission count, is prepared by
short ones, all of which `discard_unfinished` takes back after a crash:

1. a few interchanges at a time are decided: duplicate or not, accepted or rejected, which documents are void;
2. a few thousand messages at a time are marked with what will be answered;
3. the answers are written and archived under the control numbers that come next (`staging.draft_all`);
4. one unit of work takes these numbers, stages the answers, acts on what partners acknowledge, and finishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from edi_server.acknowledgments import DUPLICATE, Outcome, ReceivedAcknowledgment, Verdict
from edi_server.engine.acknowledged import Brought, keep_received, record_received
from edi_server.engine.acknowledging import Reply, reply_to, send, terms_for
from edi_server.engine.checking import policy_of, severities_of
from edi_server.engine.corridor import Corridor
from edi_server.engine.hearing import Hearing
from edi_server.engine.staging import Draft, draft_all
from edi_server.findings import Finding, Place, regrade
from edi_server.partners import Book, Parties, Unmatched
from edi_server.partners.model import Policies
from edi_server.store import Case, Interchange, Subject, Transmission, Work
from edi_server.store.states import InterchangeResult, TransmissionResult

#: Interchanges decided, and messages marked, in one unit of work.
INTERCHANGES, MESSAGES = 20, 2000


class UnderWay(msgspec.Struct, kw_only=True):
    """An interchange while its messages come by."""

    row: Interchange
    parties: Parties | Unmatched
    #: Known when it opens: nothing of it is translated.
    repeats: str | None
    digest: Any
    findings: list[Finding]
    hearing: Hearing
    messages: int = 0
    #: Of them, CONTRL, TA1, 997 and 999: what is never answered.
    acknowledgments: int = 0
    agreements: set[str] = msgspec.field(default_factory=set)
    received: list[tuple[str, ReceivedAcknowledgment]] = msgspec.field(default_factory=list)
    end: int = 0

    @property
    def is_business(self) -> bool:
        """False for an interchange of CONTRL, TA1, 997 and 999 only, which is never answered."""
        return self.messages == 0 or self.messages > self.acknowledgments


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange with what became of it."""

    current: UnderWay
    #: With the agreement, if its messages name one.
    row: Interchange
    result: InterchangeResult
    verdict: Verdict

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """By id of the message; empty where no message was looked at."""
        return self.current.hearing.outcomes(self.verdict)


class Finishing:
    """Ends the opening of one transmission."""

    def __init__(self, corridor: Corridor, book: Book, transmission: Transmission) -> None:
        self._store = corridor.store
        self._corridor = corridor
        self._book = book
        self._transmission = transmission

    def finish(self, closed: Sequence[UnderWay], debris: tuple[Finding, ...]) -> None:
        """Decide on these interchanges and make the transmission count. Raises StoreError."""
        decided = [one for few in _few(closed, INTERCHANGES) for one in self._decide_all(few)]
        replies = [reply for one in decided if (reply := self._reply(one))]
        drafts = draft_all(self._store, [reply.request for reply in replies if reply.request])
        # Not before it is sure that there are numbers to answer with.
        for reply in replies:
            if reply.is_marking:
                self._mark(reply.outcomes)
        with self._store.begin() as work:
            for one in decided:
                self._draw_conclusions(work, one)
            for reply in replies:
                self._send(work, reply, drafts)
            self._end(work, decided, debris)

    # decide

    def _decide_all(self, closed: Sequence[UnderWay]) -> list[Decided]:
        with self._store.begin() as work:
            decided = [self._decide(work, current) for current in closed]
        for one in decided:
            self._void(one)
        return decided

    def _decide(self, work: Work, current: UnderWay) -> Decided:
        policies = self._policies(current)
        severities = severities_of(policies)
        current.findings = list(regrade(current.findings, severities))
        current.hearing.regrade_groups(severities)
        fingerprint = current.digest.hexdigest()
        earlier = self._find_earlier(work, current, fingerprint)
        if earlier is not None:
            current.findings.append(_duplicate(current.row, earlier))
        if isinstance(current.parties, Unmatched):
            current.findings.append(current.parties.finding)
        verdict = current.hearing.verdict(tuple(current.findings), policy_of(policies))
        result = _interchange_result(current, verdict, earlier)
        agreement = next(iter(current.agreements)) if len(current.agreements) == 1 else None
        work.opening.close_interchange(
            current.row.id,
            result,
            end_offset=current.end,
            messages=current.messages,
            fingerprint=fingerprint,
            agreement=agreement,
            findings=[*current.findings, *current.hearing.of_groups()],
            detail=f"Repeats interchange {earlier.control_reference} ({earlier.id})." if earlier else "",
        )
        if result == "duplicate":
            work.opening.withdraw_documents(current.row.id)
        row = msgspec.structs.replace(current.row, agreement=agreement)
        return Decided(current=current, row=row, result=result, verdict=verdict)

    def _policies(self, current: UnderWay) -> list[Policies]:
        """What was agreed for the messages in it."""
        agreements = (self._book.agreement(one) for one in sorted(current.agreements))
        return [agreement.policies for agreement in agreements if agreement]

    def _find_earlier(self, work: Work, current: UnderWay, fingerprint: str) -> Interchange | None:
        if isinstance(current.parties, Unmatched):
            return None
        within = duplicate_window(self._book, self._transmission)
        earlier = work.interchanges.find_same_reference(current.row, within=within)
        if earlier is None and current.messages:
            earlier = work.interchanges.find_same_content(current.row, fingerprint, within=within)
        return earlier

    def _void(self, one: Decided) -> None:
        """Nothing of what is rejected with something around it is worked with."""
        cause = _cause_above(one.verdict)
        if one.result == "duplicate" or cause is None:
            return
        errors = [cause, *(finding for finding in one.current.findings if finding.severity == "error")]
        rejected = [message for message, outcome in one.outcomes.items() if outcome == "rejected"]
        for few in _few(rejected, MESSAGES):
            with self._store.begin() as work:
                documents = work.documents.in_messages(few)
                what = "rejected with what it came in"
                work.documents.void(documents, what, findings=errors, detail=cause.sentence)

    # answer

    def _reply(self, one: Decided) -> Reply | None:
        """What is answered to the owner of the mailbox; None if nothing is."""
        partner = self._book.partner_of_mailbox(self._transmission.mailbox)
        if partner is None or not one.current.is_business:
            return None
        terms, outcomes = terms_for(self._book, partner, one.row), one.outcomes
        with self._store.read() as work:
            before = self._said_before(work, one, outcomes)
        return reply_to(self._transmission, one.row, one.verdict, outcomes, partner, terms, before=before)

    def _mark(self, outcomes: dict[str, Outcome]) -> None:
        for few in _few(list(outcomes.items()), MESSAGES):
            with self._store.begin() as work:
                work.interchanges.mark_messages(dict(few), detail="Answered with the interchange.")

    def _said_before(self, work: Work, one: Decided, outcomes: dict[str, Outcome]) -> Interchange | None:
        """Of a reprocess: the same interchange as it was opened before, if the partner was told the same about it."""
        said = list(_in_order(one, outcomes))
        for ancestor in work.transmissions.lineage(self._transmission.id)[1:]:
            for earlier in work.interchanges.of(ancestor):
                if (earlier.number, earlier.acknowledgment) != (one.row.number, one.verdict.outcome):
                    continue
                if work.interchanges.acknowledgments_of_messages(earlier.id) == said:
                    return earlier
        return None

    def _send(self, work: Work, reply: Reply, drafts: dict[str, Draft]) -> None:
        send(self._store, work, reply, kind=self._corridor.kind_of(self._transmission.mailbox), drafts=drafts)

    # conclude

    def _draw_conclusions(self, work: Work, one: Decided) -> None:
        """Cases and received acknowledgments."""
        parties = one.current.parties
        if isinstance(parties, Unmatched):
            self._open_case(work, one.row, parties.reason, parties.finding.sentence)
            return
        self._open_rejections(work, one)
        outcomes = one.outcomes if one.current.received else {}
        for message_id, received in one.current.received:
            brought = Brought(
                transmission=self._transmission,
                interchange=one.row,
                parties=parties,
                message_id=message_id,
                received=received,
            )
            if one.result == "duplicate" or outcomes.get(message_id) == "rejected":
                keep_received(work, brought, why=_why_in_vain(one))
            else:
                record_received(work, brought)

    def _open_rejections(self, work: Work, one: Decided) -> None:
        if one.result == "duplicate":
            return
        verdict = one.verdict
        groups = [group for group in verdict.groups if group.rejected and not verdict.rejected]
        if verdict.rejected or verdict.suspended:
            self._open_case(work, one.row, "interchange-rejected", _sentence(_cause_above(verdict)))
        elif groups:
            self._open_case(work, one.row, "group-rejected", _sentence(groups[0].cause))
        elif one.current.messages == 0:
            name = f"Interchange {one.row.control_reference or one.row.number} of {self._transmission.name}"
            self._open_case(work, one.row, "empty", f"{name} holds no message; ask whether something was lost.")

    def _open_case(self, work: Work, row: Interchange, reason: str, sentence: str) -> None:
        work.cases.open(case_about(row.subject, reason, sentence, self._transmission.partner))

    def _end(self, work: Work, decided: Sequence[Decided], debris: tuple[Finding, ...]) -> None:
        result = _transmission_result(decided)
        wrong = [finding for finding in debris if finding.severity == "error"]
        reason = "" if decided and not wrong else "debris" if decided else "unreadable"
        if reason:
            sentence = first_error(debris) if debris else f"{self._transmission.name} holds no interchange."
            work.cases.open(case_about(self._transmission.subject, reason, sentence, self._transmission.partner))
        work.opening.finish(self._transmission.id, result, findings=debris, detail=_summary(decided))


def duplicate_window(book: Book, transmission: Transmission) -> timedelta:
    """Within which time the same control reference is a duplicate: the longest of the partner's agreements."""
    partner = book.partner_of_mailbox(transmission.mailbox)
    days = [agreement.policies.duplicate_window_days for agreement in book.agreements if agreement.partner == partner]
    return timedelta(days=max(days, default=30))


def case_about(subject: Subject, reason: str, sentence: str, partner: str | None) -> Case:
    """A case, not yet opened."""
    return Case(subject_kind=subject.kind, subject_id=subject.id, reason=reason, sentence=sentence, partner=partner)


def first_error(findings: Sequence[Finding]) -> str:
    """Sentence of the first error, or else of the first finding; "" for none."""
    errors = (finding.sentence for finding in findings if finding.severity == "error")
    return next(errors, findings[0].sentence if findings else "")


def _cause_above(verdict: Verdict) -> Finding | None:
    """What rejects messages that are right themselves: something around them, or another one (`suspended`)."""
    if verdict.rejected:
        return verdict.cause
    causes = [group.cause for group in verdict.groups if group.rejected]
    if verdict.suspended:
        causes += [one.cause for one in verdict.every_message() if not one.has_own_error]
    return next(filter(None, causes), None)


def _in_order(one: Decided, outcomes: dict[str, Outcome]) -> Iterator[str]:
    """Outcome of each message in the order of the file; "none" for those not looked at."""
    known: list[str] = [outcomes[message] for message in one.current.hearing.ids() if message in outcomes]
    yield from known or ["none"] * one.current.messages


def _why_in_vain(one: Decided) -> str:
    if one.result == "duplicate":
        return "it came in an interchange that had come before"
    return "it came in an interchange that was rejected"


_UNMATCHED: dict[str, InterchangeResult] = {
    "unknown-mailbox": "unknown sender",
    "unknown-sender": "unknown sender",
    "sender-of-other-mailbox": "mismatching sender",
    "unknown-recipient": "no agreement",
}


def _interchange_result(current: UnderWay, verdict: Verdict, earlier: Interchange | None) -> InterchangeResult:
    if isinstance(current.parties, Unmatched):
        return _UNMATCHED[current.parties.reason]
    return "duplicate" if earlier is not None else verdict.outcome


def _duplicate(row: Interchange, earlier: Interchange) -> Finding:
    same = "control reference" if row.control_reference == earlier.control_reference else "content"
    return Finding(
        code=DUPLICATE,
        severity="error",
        sentence=f"The same {same} came before, on {earlier.created_at:%Y-%m-%d %H:%M} UTC; nothing was done twice.",
        place=Place(interchange=row.control_reference, tag="UNB", element=5),
        found=row.control_reference,
    )


def _transmission_result(decided: Sequence[Decided]) -> TransmissionResult:
    results = {one.result for one in decided}
    if not results:
        return "unreadable"
    if results == {"duplicate"}:
        return "duplicate"
    if results <= {"unknown sender", "mismatching sender"}:
        return "unknown sender"
    return "test lane" if all(one.row.test for one in decided) else "taken"


def _sentence(cause: Finding | None) -> str:
    return cause.sentence if cause else "It was rejected as a whole."


def _summary(decided: Sequence[Decided]) -> str:
    return "; ".join(
        f"interchange {one.row.control_reference or one.row.number}: {one.result}, {one.current.messages} messages"
        for one in decided[:20]
    )


T = TypeVar("T")


def _few(things: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    return (things[at : at + count] for at in range(0, len(things), count))
