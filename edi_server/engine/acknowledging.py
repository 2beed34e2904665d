"""What is answered to an interchange, staged in the unit of work that decides on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from edi_server.acknowledgments import (
    GroupVerdict,
    Kind,
    Outcome,
    Verdict,
    answer_group,
    answer_header,
    contrl_header,
    functional_header,
    wants_functional,
    wants_ta1,
    write_997,
    write_999,
    write_contrl,
    write_ta1,
)
from edi_server.engine.staging import Draft, Envelope, Letter, Request, Staged, stage
from edi_server.envelope.model import GroupHeader, InterchangeHeader
from edi_server.partners import Book, Partner
from edi_server.partners.model import Acknowledgments, counter_of
from edi_server.store import Acknowledgment, Case, Interchange, Store, Transmission, Work
from edi_server.syntax.charsets import codec_of

#: Stands where control numbers come later.
_NO_NUMBER = "0001"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about telling a partner what became of an interchange."""

    row: Interchange
    verdict: Verdict
    #: By id of the message.
    outcomes: dict[str, Outcome]
    partner: Partner
    #: What the answer consists of.
    kinds: tuple[Kind, ...]
    #: The acknowledgments to stage; None if nothing is sent.
    request: Request | None = None
    #: The same interchange, opened before, about which the partner was told the same.
    before: Interchange | None = None

    @property
    def is_marking(self) -> bool:
        """True if the interchange and its messages count as acknowledged."""
        return self.request is not None or self.before is not None


def terms_for(book: Book, partner: Partner, interchange: Interchange) -> Acknowledgments:
    """What was agreed about acknowledging: by the agreement of its messages where all name one, else by the partner."""
    agreement = book.agreement(interchange.agreement) if interchange.agreement else None
    return agreement.acknowledgments if agreement else partner.acknowledgments


def wanted(verdict: Verdict, terms: Acknowledgments) -> tuple[Kind, ...]:
    """The kinds of acknowledgment that answer an interchange; none where it is not answered.

    "requested" follows UNB 0031 and ISA14.
    """
    header = verdict.subject.header
    if header.syntax != "x12":
        is_asked = terms.contrl == "requested" and header.acknowledgment_requested
        return ("CONTRL",) if terms.contrl == "always" or is_asked else ()
    kinds: list[Kind] = ["TA1"] if wants_ta1(verdict, terms.ta1) else []
    functional = terms.functional
    if functional.kind != "none" and any(wants_functional(verdict, one, functional.when) for one in verdict.groups):
        kinds.append(functional.kind)
    return tuple(kinds)


def reply_to(
    transmission: Transmission,
    interchange: Interchange,
    verdict: Verdict,
    outcomes: dict[str, Outcome],
    partner: Partner,
    terms: Acknowledgments,
    *,
    before: Interchange | None,
) -> Reply | None:
    """The answer about an interchange, to the owner of the mailbox that it came by; nothing is written yet.

    `outcomes` are those of its messages by id. What was said `before` about the same is not said again. None where
    nothing is answered.
    """
    kinds = wanted(verdict, terms)
    if not kinds:
        return None
    reply = Reply(row=interchange, verdict=verdict, outcomes=outcomes, partner=partner, kinds=kinds, before=before)
    if before is not None or verdict.obstacle:
        return reply
    write = _contrl if kinds == ("CONTRL",) else _x12
    return msgspec.structs.replace(reply, request=write(transmission, reply, terms))


def envelope_to(partner: Partner, mailbox: str, header: InterchangeHeader) -> Envelope:
    """Around what is sent to a partner under no agreement of its own."""
    return Envelope(
        header=header,
        partner=partner.name,
        mailbox=mailbox,
        agreement=None,
        writing=partner.writing,
        numbers=partner.control_numbers,
        counter=counter_of(header.sender, header.recipient),
    )


def answering_header(subject: InterchangeHeader, partner: Partner) -> InterchangeHeader:
    """The header of what answers an interchange, without number, date and time, in the partner's separators."""
    header = answer_header(subject, control_reference="", date="", time="")
    if subject.syntax == "x12":
        return msgspec.structs.replace(header, separators=partner.writing.x12.separators)
    # What they call a character set that nobody knows, we cannot write.
    charset = subject.charset if codec_of(subject.charset) else partner.writing.charset
    return msgspec.structs.replace(header, charset=charset, separators=partner.writing.separators)


def _contrl(transmission: Transmission, reply: Reply, terms: Acknowledgments) -> Request:
    verdict, partner = reply.verdict, reply.partner
    subject = verdict.subject.header
    association = partner.writing.association
    body = write_contrl(verdict, message_reference="1", association=association, report_warnings=terms.report_warnings)
    return Request(
        envelope=envelope_to(partner, transmission.mailbox, answering_header(subject, partner)),
        letters=(Letter(header=contrl_header(subject, "", association), body=body[1:-1]),),
        why=f"contrl about {reply.row.id}",
        name=partner.writing.file_name,
    )


def _x12(transmission: Transmission, reply: Reply, terms: Acknowledgments) -> Request:
    """TA1, and a 997 or 999 about each group, in one interchange."""
    verdict, partner = reply.verdict, reply.partner
    ta1: list[str] = []
    if "TA1" in reply.kinds:
        at = datetime.now(UTC).astimezone(ZoneInfo(partner.time_zone))
        ta1 = write_ta1(verdict, received_at=at, report_warnings=terms.report_warnings)
    groups: dict[GroupHeader, int] = {}
    letters = []
    if terms.functional.kind != "none" and terms.functional.kind in reply.kinds:
        due = [one for one in verdict.groups if wants_functional(verdict, one, terms.functional.when)]
        letters = [_functional(one, verdict.subject.header, terms, groups) for one in due]
    return Request(
        envelope=envelope_to(partner, transmission.mailbox, answering_header(verdict.subject.header, partner)),
        letters=tuple(letters),
        groups=tuple(groups),
        ta1=tuple(ta1),
        why=f"{' and '.join(reply.kinds)} about {reply.row.id}",
        name=partner.writing.file_name,
    )


def _functional(
    about: GroupVerdict, subject: InterchangeHeader, terms: Acknowledgments, groups: dict[GroupHeader, int]
) -> Letter:
    """The 997 or 999 about a group, in the group (FA) of `groups` that its parties and version have, made if absent."""
    kind: Literal["997", "999"] = "999" if terms.functional.kind == "999" else "997"
    header = functional_header(about.subject.header, kind, _NO_NUMBER)
    version = header.version + header.association
    group = answer_group(about.subject.header, subject, control_reference="", date="", time="", version=version)
    write = write_999 if kind == "999" else write_997
    body = write(about, message_reference=_NO_NUMBER, report_warnings=terms.report_warnings)
    return Letter(header=header, body=body[1:-1], group=groups.setdefault(group, len(groups)))


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
    for kind in reply.kinds:
        work.acknowledgments.record_sent(
            Acknowledgment(
                direction="sent",
                kind=kind,
                transmission_id=staged.transmission.id,
                interchange_id=staged.interchange.id,
                message_id=next(one.id for one in staged.messages if one.type == kind),
                about_interchange_id=reply.row.id,
                about_control_reference=reply.row.control_reference,
                outcome=_outcome(kind, reply.verdict),
                control_number=staged.interchange.control_reference,
                detail={"messages": per_message},
            ),
            per_message=reply.outcomes,
        )


def _outcome(kind: Kind, verdict: Verdict) -> Outcome:
    """TA1 speaks of the envelope alone; where it goes with a 997, the row that counts is written last."""
    if kind != "TA1" or verdict.rejected:
        return verdict.outcome
    return "accepted"


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
