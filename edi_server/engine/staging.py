"""Making an outbound interchange final: control numbers, bytes in the archive, rows; all in the caller's unit of work.

What is committed here leaves exactly as it is, however often delivering it is tried: bytes, name and control numbers
are fixed from now on, and a number that is not used (because the unit of work failed) is not used up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from edi_server.envelope.edifact import close_message, wrap_edifact
from edi_server.envelope.model import InterchangeHeader, MessageHeader
from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.partners.model import ControlNumbers, Writing, file_name
from edi_server.store import Interchange, Message, Store, Transmission, Work

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send: its header without reference, and its segments between UNH and UNT in normal form."""

    header: MessageHeader
    body: list[str]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What goes around it. The header has no control reference, date and time yet."""

    header: InterchangeHeader
    partner: str
    mailbox: str
    agreement: str | None
    writing: Writing
    numbers: ControlNumbers
    #: Name of the counter of control references.
    counter: str


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A transmission that only has to be delivered."""

    transmission: Transmission
    interchange: Interchange
    messages: tuple[Message, ...]
    #: Characters that the character set cannot say, and the like.
    findings: tuple[Finding, ...]


def stage(
    store: Store, work: Work, envelope: Envelope, letters: Sequence[Letter], *, why: str, name: str, number: str = ""
) -> Staged:
    """Stage an interchange. `why` names the work for ever: the same reason is never staged twice.

    `name` is a pattern of `partners.model.FILE_NAME_FIELDS`, `number` the document's for it.
    """
    now = datetime.now(UTC)
    reference = _reference(work, envelope)
    header = msgspec.structs.replace(
        envelope.header, control_reference=reference, date=_date(envelope.header, now), time=now.strftime("%H%M")
    )
    named = [_named(work, envelope, letter, at) for at, letter in enumerate(letters, start=1)]
    content, findings = wrap_edifact(
        header,
        [close_message(letter.header, letter.body) for letter in named],
        line_breaks=envelope.writing.line_breaks,
    )
    archived = store.archive.put(content)
    transmission = Transmission(
        id=_id(why),
        direction="outbound",
        partner=envelope.partner,
        mailbox=envelope.mailbox,
        transport="folder",
        name=_file_name(name, envelope, named[0].header.type, reference, number, now),
        size=archived.size,
        content_hash=archived.hash,
        delivery="pending",
        findings=tuple(findings),
    )
    if not work.transmissions.stage(transmission).is_new:
        # Leaving by an exception gives the control numbers back.
        raise StoreError(f"“{why}” was staged before as transmission {transmission.id}.", permanent=True)
    interchange = Interchange.opened(header, transmission_id=transmission.id, number=1, direction="outbound")
    interchange = msgspec.structs.replace(
        interchange,
        partner=envelope.partner,
        agreement=envelope.agreement,
        end_offset=len(content),
        messages=len(named),
    )
    messages = tuple(
        Message(
            interchange_id=interchange.id,
            number=at,
            type=letter.header.type,
            version=letter.header.directory,
            reference=letter.header.reference,
            segments=len(letter.body) + 2,
        )
        for at, letter in enumerate(named, start=1)
    )
    work.interchanges.add(interchange, messages)
    return Staged(transmission=transmission, interchange=interchange, messages=messages, findings=tuple(findings))


def _id(why: str) -> str:
    """The id of what is staged for that reason: the same whenever it is asked, and sorting by time like every other.

    Its instant is that of the last id in the reason, which names what this follows from.
    """
    follows = [UUID(one) for one in _ID.findall(why)]
    digest = uuid5(NAMESPACE_OID, why).int
    if not follows:
        return str(UUID(int=digest))
    instant = follows[-1].int >> 80
    return str(UUID(int=instant << 80 | 8 << 76 | (digest >> 64 & 0xFFF) << 64 | 2 << 62 | digest & (1 << 62) - 1))


def _reference(work: Work, envelope: Envelope) -> str:
    numbers = envelope.numbers.interchange
    number = work.control_numbers.next_control_number(
        f"{envelope.counter}/interchange", low=numbers.low, high=numbers.high
    )
    return str(number).zfill(numbers.width)


def _named(work: Work, envelope: Envelope, letter: Letter, at: int) -> Letter:
    numbers = envelope.numbers.message
    number = at
    if numbers.scope != "interchange":
        number = work.control_numbers.next_control_number(
            f"{envelope.counter}/message", low=numbers.low, high=numbers.high
        )
    header = msgspec.structs.replace(letter.header, reference=str(number).zfill(numbers.width))
    return msgspec.structs.replace(letter, header=header)


def _date(header: InterchangeHeader, now: datetime) -> str:
    """0017: YYMMDD, CCYYMMDD from syntax version 4 on."""
    return now.strftime("%Y%m%d" if header.syntax_version == "4" else "%y%m%d")


def _file_name(pattern: str, envelope: Envelope, message: str, reference: str, number: str, now: datetime) -> str:
    return file_name(
        pattern,
        partner=envelope.partner,
        message=message,
        control_reference=reference,
        document_number=number,
        now=now,
    )
