"""The dry run of acknowledging: what would be answered to a file, storing and sending nothing.

Of each interchange all findings are held, and of no message more than its header; duplicates are not looked for,
because nothing is stored that could be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec.structs import replace

from edi_server.acknowledgments import (
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    Kind,
    Outcome,
    Verdict,
    judge,
)
from edi_server.config import Configuration
from edi_server.desk.answering import Written, write_answers
from edi_server.desk.translating import find_partner
from edi_server.engine.checking import ACKNOWLEDGMENTS, check_agreed, policy_of, severities_of, translate_message
from edi_server.envelope.model import (
    Debris,
    Event,
    GroupClosed,
    GroupOpened,
    InterchangeClosed,
    InterchangeHeader,
    InterchangeOpened,
    MessageRead,
)
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding, regrade
from edi_server.partners import Agreement, Book, Partner, Unmatched
from edi_server.partners.model import Acknowledgments, Policies, Writing

if TYPE_CHECKING:
    from edi_server.translation import Profile


class MessageJudged(msgspec.Struct, frozen=True, kw_only=True):
    """What would be answered about one message."""

    #: GS06 or UNG 0048; "" outside of groups.
    group: str
    type: str
    reference: str
    outcome: Outcome
    #: Why it would be rejected.
    cause: Finding | None


class InterchangeJudged(msgspec.Struct, frozen=True, kw_only=True):
    """What would be answered to one interchange."""

    header: InterchangeHeader
    outcome: Outcome
    #: Why the interchange would be rejected as such.
    cause: Finding | None
    messages: tuple[MessageJudged, ...]
    #: The interchanges that would go out.
    answers: tuple[Written, ...]
    #: Why nothing would go out, in a sentence; "" where something would.
    silence: str


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that belong to no interchange: nobody is told about them."""

    findings: tuple[Finding, ...]


class DryRun:
    """Acknowledges files; as agreed with a partner, or without one as the standards say.

    `kinds` are written whatever was agreed. Raises ConfigurationError and NotPossible when made with a partner.
    """

    def __init__(
        self,
        *,
        now: datetime,
        kinds: Sequence[Kind] = (),
        configuration: Configuration | None = None,
        partner: str | None = None,
    ) -> None:
        self._now = now
        self._kinds = tuple(kinds)
        self._configuration = configuration
        self._profiles: dict[str, Profile] = {}
        self._book: Book | None = None
        self._partner: Partner | None = None
        if configuration is not None and partner is not None:
            self._book = configuration.load_book()
            self._partner = find_partner(self._book, partner)

    def acknowledge(self, source: BinaryIO) -> Iterator[InterchangeJudged | Unread]:
        """What would be answered to a file, interchange by interchange. Never raises for anything that it may be."""
        hearing: _Hearing | None = None
        for event in open_interchanges(source):
            match event:
                case Debris():
                    yield Unread(findings=event.findings)
                case InterchangeOpened():
                    hearing = _Hearing(event, self._book, self._partner, self._profile)
                case InterchangeClosed() if hearing:
                    yield self._judge(hearing.close(event), hearing)
                case _ if hearing:
                    hearing.take(event)

    def _judge(self, interchange: CheckedInterchange, hearing: _Hearing) -> InterchangeJudged:
        verdict = judge(interchange, policy_of(hearing.policies))
        terms, writing = self._terms(hearing.agreement)
        answers, silence = write_answers(verdict, kinds=self._kinds, terms=terms, writing=writing, now=self._now)
        return InterchangeJudged(
            header=interchange.header,
            outcome=verdict.outcome,
            cause=verdict.cause,
            messages=tuple(_judged(verdict)),
            answers=tuple(answers),
            silence=silence,
        )

    def _terms(self, agreement: Agreement | None) -> tuple[Acknowledgments, Writing | None]:
        if self._partner is not None:
            # Whatever an agreement says of what it writes, answers are written as the partner's own table says.
            return agreement.acknowledgments if agreement else self._partner.acknowledgments, self._partner.writing
        # Who asks what would be answered wants to see it, whether UNB asks for it or not.
        return Acknowledgments(contrl="always"), None

    def _profile(self, agreement: Agreement) -> Profile:
        from edi_server.engine.corridor import load_agreed_profile

        assert self._configuration is not None  # it has agreements
        if agreement.id not in self._profiles:
            self._profiles[agreement.id] = load_agreed_profile(self._configuration, agreement)
        return self._profiles[agreement.id]


class _Hearing:
    """Gathers what is found about an interchange while it is read."""

    def __init__(
        self,
        opened: InterchangeOpened,
        book: Book | None,
        partner: Partner | None,
        profile: Callable[[Agreement], Profile],
    ) -> None:
        self._header = opened.header
        self._book = book
        self._partner = partner
        self._profile = profile
        self._findings = list(opened.findings)
        self._messages: list[CheckedMessage] = []
        self._groups: list[CheckedGroup] = []
        self._group: CheckedGroup | None = None
        #: Messages of the group that is open.
        self._inside: list[CheckedMessage] = []
        self._agreements: dict[str, Agreement] = {}
        if book and partner:
            sender, recipient = opened.header.sender, opened.header.recipient
            parties = book.parties_of(mailbox=partner.mailbox, sender=sender, recipient=recipient)
            self._is_ours = not isinstance(parties, Unmatched)
            if isinstance(parties, Unmatched):
                self._findings.append(parties.finding)
        else:
            self._is_ours = False

    def take(self, event: Event) -> None:
        """A group or a message."""
        match event:
            case GroupOpened():
                self._group = CheckedGroup(header=event.header, findings=event.findings)
                self._inside = []
            case GroupClosed() if self._group:
                findings = (*self._group.findings, *event.findings)
                self._groups.append(replace(self._group, findings=findings, messages=tuple(self._inside)))
                self._group = None
            case MessageRead():
                (self._messages if self._group is None else self._inside).append(self._check(event))
            case _:
                return

    @property
    def agreement(self) -> Agreement | None:
        """The one that all messages were under; None where there is none, or more than one."""
        return next(iter(self._agreements.values())) if len(self._agreements) == 1 else None

    @property
    def policies(self) -> list[Policies]:
        """What was agreed for the messages in it."""
        return [self._agreements[one].policies for one in sorted(self._agreements)]

    def _check(self, event: MessageRead) -> CheckedMessage:
        agreement = self._agreed(event)
        checked = check_agreed(event, agreement)
        findings = checked.findings
        if isinstance(agreement, Unmatched):
            findings = (*findings, agreement.finding)
        elif agreement is not None and agreement.acknowledgments.application.kind != "none":
            findings = (*findings, *translate_message(checked, self._profile(agreement)).findings)
        return CheckedMessage(header=replace(event.header, segment=""), findings=findings, guide=checked.guide)

    def _agreed(self, event: MessageRead) -> Agreement | Unmatched | None:
        if not (self._book and self._partner and self._is_ours) or event.header.type in ACKNOWLEDGMENTS:
            return None
        agreement = self._book.agreement_for(
            mailbox=self._partner.mailbox,
            sender=self._header.sender,
            recipient=self._header.recipient,
            message=event.header.type,
            version=event.header.directory,
            test=self._header.test,
        )
        if isinstance(agreement, Agreement):
            self._agreements[agreement.id] = agreement
        return agreement

    def close(self, event: InterchangeClosed) -> CheckedInterchange:
        """All that was found about the interchange."""
        severities = severities_of(self.policies)
        return CheckedInterchange(
            header=self._header,
            findings=regrade((*self._findings, *event.findings), severities),
            messages=tuple(self._messages),
            groups=tuple(replace(one, findings=regrade(one.findings, severities)) for one in self._groups),
        )


def _judged(verdict: Verdict) -> Iterator[MessageJudged]:
    levels = [("", verdict.messages), *((one.subject.header.control_reference, one.messages) for one in verdict.groups)]
    for group, messages in levels:
        for message in messages:
            header = message.subject.header
            yield MessageJudged(
                group=group,
                type=header.type,
                reference=header.reference,
                outcome=message.outcome,
                cause=message.cause,
            )
