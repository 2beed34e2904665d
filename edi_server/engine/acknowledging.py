"""What is answered to an interchange, staged in the unit of work that decides on it; and what partners answered us."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from edi_server.acknowledgments import (
    CheckedGroup,
    CheckedInterchange,
    CheckedMessage,
    Outcome,
    ReceivedAcknowledgment,
    Verdict,
    answer_header,
    contrl_header,
    judge,
    write_contrl,
)
from edi_server.engine.staging import Draft, Envelope, Letter, Request, Staged, stage
from edi_server.envelope.model import GroupClosed, GroupOpened, InterchangeHeader, MessageHeader, MessageRead
from edi_server.findings import Finding
from edi_server.partners import Book, Parties, Partner
from edi_server.partners.model import Acknowledgments, counter_of, matches
from edi_server.store import Acknowledgment, Answer, Case, Interchange, Store, Transmission, Work
from edi_server.syntax.charsets import codec_of


class Hearing:
    """Gathers what is found about an interchange while it is read, in the shape that a verdict is given on.

    It may hold tens of thousands of messages, so of each only what the answer may have to repeat is kept: the header
    without its segment, and errors and warnings.
    """

    def __init__(self, header: InterchangeHeader) -> None:
        self._header = header
        self._messages: list[CheckedMessage] = []
        self._groups: list[CheckedGroup] = []
        #: Ids of the messages outside of groups, of those in groups, and of all.
        self._ids: tuple[list[str], list[str]] = ([], [])
        self._every_id: list[str] = []
        self._in_group: list[CheckedMessage] | None = None
        self._group_findings: list[Finding] = []
        #: Texts that most headers share, once.
        self._texts: dict[str, str] = {}

    def take_group(self, event: GroupOpened | GroupClosed) -> None:
        """A group began or ended."""
        if isinstance(event, GroupOpened):
            self._in_group, self._group_findings = [], list(event.findings)
            return
        findings = (*self._group_findings, *event.findings)
        group = CheckedGroup(header=event.header, findings=findings, messages=tuple(self._in_group or ()))
        self._groups.append(group)
        self._in_group = None

    def take_message(self, message_id: str, message: MessageRead, findings: tuple[Finding, ...]) -> None:
        """A message with everything that was found about it."""
        self._ids[self._in_group is not None].append(message_id)
        self._every_id.append(message_id)
        telling = tuple(finding for finding in findings if finding.severity != "note")
        checked = CheckedMessage(header=self._lean(message.header), findings=telling)
        (self._messages if self._in_group is None else self._in_group).append(checked)

    def _lean(self, header: MessageHeader) -> MessageHeader:
        known = self._texts
        shared = {
            name: known.setdefault(text, text)
            for name in ("type", "version", "release", "agency", "association")
            if (text := getattr(header, name))
        }
        return msgspec.structs.replace(header, segment="", **shared)

    def ids(self) -> list[str]:
        """Ids of the messages in the order in which they came."""
        return self._every_id

    def verdict(self, findings: tuple[Finding, ...]) -> Verdict:
        """What became of it; `findings` are those about the interchange itself."""
        interchange = CheckedInterchange(
            header=self._header, findings=findings, messages=tuple(self._messages), groups=tuple(self._groups)
        )
        return judge(interchange)

    def outcomes(self, verdict: Verdict) -> dict[str, Outcome]:
        """Outcome by the id of the message: several may have one reference. Empty where no message was looked at."""
        outside, inside = self._ids
        judged = verdict.every_message()
        return {one: message.outcome for one, message in zip([*outside, *inside], judged, strict=True)}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about telling a partner what became of an interchange."""

    row: Interchange
    verdict: Verdict
    #: By id of the message.
    outcomes: dict[str, Outcome]
    partner: Partner
    #: The acknowledgment to stage; None if nothing is sent.
    request: Request | None = None
    #: The same interchange, opened before, about which the partner was told the same.
    before: Interchange | None = None

    @property
    def is_marking(self) -> bool:
        """True if the interchange and its messages count as acknowledged."""
        return self.request is not None or self.before is not None


def is_answered(book: Book, partner: Partner, interchange: Interchange) -> Acknowledgments | None:
    """The agreed terms by which an interchange is answered with a CONTRL, or None if it is not.

    The agreement of its messages decides where all name one, else what the partner agreed for everything; where that
    says "requested", UNB 0031 of the interchange.
    """
    agreement = book.agreement(interchange.agreement) if interchange.agreement else None
    terms = agreement.acknowledgments if agreement else partner.acknowledgments
    asked = interchange.header is not None and interchange.header.acknowledgment_requested
    wanted = terms.contrl == "always" or (terms.contrl == "requested" and asked)
    return terms if wanted else None


def reply_to(
    transmission: Transmission,
    interchange: Interchange,
    verdict: Verdict,
    outcomes: dict[str, Outcome],
    partner: Partner,
    terms: Acknowledgments,
    *,
    before: Interchange | None,
) -> Reply:
    """The answer about an interchange, to the owner of the mailbox that it came by; nothing is written yet.

    `outcomes` are those of its messages by id. What was said `before` about the same is not said again.
    """
    reply = Reply(row=interchange, verdict=verdict, outcomes=outcomes, partner=partner, before=before)
    if before is not None or verdict.obstacle:
        return reply
    return msgspec.structs.replace(reply, request=_contrl(transmission, interchange, verdict, partner, terms))


def _contrl(
    transmission: Transmission, interchange: Interchange, verdict: Verdict, partner: Partner, terms: Acknowledgments
) -> Request:
    subject = verdict.subject.header
    association = partner.writing.association
    body = write_contrl(verdict, message_reference="1", association=association, report_warnings=terms.report_warnings)
    header = msgspec.structs.replace(
        answer_header(subject, control_reference="", date="", time=""),
        # What they call a character set that nobody knows, we cannot write.
        charset=subject.charset if codec_of(subject.charset) else partner.writing.charset,
        separators=partner.writing.separators,
    )
    envelope = Envelope(
        header=header,
        partner=partner.name,
        mailbox=transmission.mailbox,
        agreement=None,
        writing=partner.writing,
        numbers=partner.control_numbers,
        counter=counter_of(header.sender, header.recipient),
    )
    letter = Letter(header=contrl_header(subject, "", association), body=body[1:-1])
    name = partner.writing.file_name
    return Request(envelope=envelope, letters=(letter,), why=f"contrl about {interchange.id}", name=name)


def send(store: Store, work: Work, reply: Reply, *, kind: str, drafts: Mapping[str, Draft]) -> None:
    """Stage the reply, by a transport of that kind; or say by a case, or in the row alone, what needs no sending."""
    if reply.before is not None:
        detail = f"As the partner was told about {reply.before.id}, the same bytes; it is not sent again."
        _mark(work, reply, detail)
    elif reply.request is None:
        _tell_by_case(work, reply.row, str(reply.verdict.obstacle), reply.partner)
    else:
        staged = stage(store, work, reply.request, kind=kind, draft=drafts.get(reply.request.why))
        _record_sent(work, reply, staged)


def _mark(work: Work, reply: Reply, detail: str) -> None:
    outcome = reply.verdict.outcome
    work.interchanges.mark_acknowledged(reply.row.id, outcome, per_message=dict(reply.outcomes), detail=detail)


def _record_sent(work: Work, reply: Reply, staged: Staged) -> None:
    per_message = {one.subject.header.reference: one.outcome for one in reply.verdict.every_message()}
    work.acknowledgments.record_sent(
        Acknowledgment(
            direction="sent",
            kind="CONTRL",
            transmission_id=staged.transmission.id,
            interchange_id=staged.interchange.id,
            message_id=staged.messages[0].id,
            about_interchange_id=reply.row.id,
            about_control_reference=reply.row.control_reference,
            outcome=reply.verdict.outcome,
            control_number=staged.interchange.control_reference,
            detail={"messages": per_message},
        ),
        per_message=reply.outcomes,
    )


def _tell_by_case(work: Work, interchange: Interchange, obstacle: str, partner: Partner) -> None:
    sentence = f"{obstacle} Tell {partner.display_name} in another way."
    work.cases.open(
        Case(
            subject_kind="interchange",
            subject_id=interchange.id,
            reason="cannot-be-acknowledged",
            sentence=sentence,
            partner=partner.name,
        )
    )


def record_received(
    work: Work,
    transmission: Transmission,
    interchange: Interchange,
    parties: Parties,
    message_id: str,
    received: ReceivedAcknowledgment,
) -> None:
    """Note what a partner's CONTRL says about what we sent them; one that fits nothing becomes a case."""
    theirs = any(matches(identity, received.recipient) for identity in parties.partner.identities)
    about = None
    if theirs and received.outcome is not None:
        acknowledgment = _received(transmission, interchange, message_id, received, received.outcome)
        answer = Answer(
            our_identity=received.sender,
            partner_identity=received.recipient,
            partner=parties.partner.name,
            control_reference=received.control_reference,
            outcome=received.outcome,
            per_message=received.per_message,
        )
        about = work.acknowledgments.receive(acknowledgment, answer).interchange
    _open_case(work, interchange, parties.partner, received, about)


def _received(
    transmission: Transmission,
    interchange: Interchange,
    message_id: str,
    received: ReceivedAcknowledgment,
    outcome: Outcome,
) -> Acknowledgment:
    return Acknowledgment(
        direction="received",
        kind="CONTRL",
        transmission_id=transmission.id,
        interchange_id=interchange.id,
        message_id=message_id,
        about_control_reference=received.control_reference,
        outcome=outcome,
        control_number=interchange.control_reference,
        detail={"messages": received.per_message, "errors": received.errors},
    )


def keep_received(
    work: Work,
    transmission: Transmission,
    interchange: Interchange,
    parties: Parties,
    message_id: str,
    received: ReceivedAcknowledgment,
    *,
    why: str,
) -> None:
    """Keep a partner's CONTRL that changes nothing, and show it where it would have: `why` completes a sentence."""
    if received.outcome is None:
        return
    work.acknowledgments.keep(_received(transmission, interchange, message_id, received, received.outcome))
    about = work.interchanges.find_sent(
        received.sender, received.recipient, received.control_reference, sent_to=parties.partner.name
    )
    if about is not None:
        detail = f"CONTRL {interchange.control_reference} says “{received.outcome}”, but {why}."
        work.timeline.add(about.subject, "acknowledgment not counted", result=received.outcome, detail=detail)


def _open_case(
    work: Work, interchange: Interchange, partner: Partner, received: ReceivedAcknowledgment, about: Interchange | None
) -> None:
    if about is None:
        sentence = (
            f"{partner.display_name} acknowledges interchange {received.control_reference}, which we never sent them."
        )
        reason, subject = "acknowledges-nothing", interchange.subject
    elif received.outcome in ("rejected", "partially accepted"):
        said = "; ".join(error.meaning for error in received.errors[:3]) or "no reason given"
        sentence = f"{partner.display_name} {received.outcome} interchange {about.control_reference}: {said}."
        reason, subject = f"acknowledged-{received.outcome.replace(' ', '-')}", about.subject
    else:
        work.cases.settle(about.subject, reason="acknowledgment-overdue", note="The acknowledgment came.")
        return
    work.cases.open(
        Case(subject_kind=subject.kind, subject_id=subject.id, reason=reason, sentence=sentence, partner=partner.name)
    )
