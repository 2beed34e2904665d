"""What is answered to an interchange, staged in the unit of work that decides on it; and what partners answered us."""

from __future__ import annotations

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
from edi_server.engine.staging import Envelope, Letter, stage
from edi_server.envelope.model import GroupClosed, GroupOpened, InterchangeHeader, MessageRead
from edi_server.findings import Finding
from edi_server.partners import Book, Parties, Partner
from edi_server.partners.model import Acknowledgments, counter_of, matches
from edi_server.store import Acknowledgment, Answer, Case, Interchange, Store, Transmission, Work
from edi_server.syntax.charsets import codec_of


class Hearing:
    """Gathers what is found about an interchange while it is read, in the shape that a verdict is given on."""

    def __init__(self, header: InterchangeHeader) -> None:
        self._header = header
        self._messages: list[CheckedMessage] = []
        self._groups: list[CheckedGroup] = []
        #: Ids of the messages outside of groups, and of those in groups.
        self._ids: tuple[list[str], list[str]] = ([], [])
        self._in_group: list[CheckedMessage] | None = None
        self._group_findings: list[Finding] = []

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
        checked = CheckedMessage(header=message.header, findings=findings)
        (self._messages if self._in_group is None else self._in_group).append(checked)

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


def stage_contrl(
    store: Store,
    work: Work,
    transmission: Transmission,
    interchange: Interchange,
    verdict: Verdict,
    outcomes: dict[str, Outcome],
    partner: Partner,
    terms: Acknowledgments,
) -> None:
    """Stage the CONTRL about an interchange, to the owner of the mailbox that it came by.

    `outcomes` are those of its messages by id.
    """
    if verdict.obstacle:
        _tell_by_case(work, interchange, verdict.obstacle, partner)
        return
    subject = verdict.subject.header
    association = partner.writing.association
    body = write_contrl(verdict, message_reference="1", association=association, report_warnings=terms.report_warnings)[
        1:-1
    ]
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
    letter = Letter(header=contrl_header(subject, "", association), body=body)
    name = partner.writing.file_name
    staged = stage(store, work, envelope, [letter], why=f"contrl about {interchange.id}", name=name)
    per_message = {one.subject.header.reference: one.outcome for one in verdict.every_message()}
    work.acknowledgments.record_sent(
        Acknowledgment(
            direction="sent",
            kind="CONTRL",
            transmission_id=staged.transmission.id,
            interchange_id=staged.interchange.id,
            message_id=staged.messages[0].id,
            about_interchange_id=interchange.id,
            about_control_reference=interchange.control_reference,
            outcome=verdict.outcome,
            control_number=staged.interchange.control_reference,
            detail={"messages": per_message},
        ),
        per_message=outcomes,
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
        acknowledgment = Acknowledgment(
            direction="received",
            kind="CONTRL",
            transmission_id=transmission.id,
            interchange_id=interchange.id,
            message_id=message_id,
            outcome=received.outcome,
            control_number=interchange.control_reference,
            detail={"messages": received.per_message, "errors": received.errors},
        )
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
