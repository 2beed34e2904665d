"""Making an outbound interchange final: control numbers, bytes in the archive, rows; all in the caller's unit of work.

What is committed here leaves exactly as it is, however often delivering it is tried: bytes, name and control numbers
are fixed from now on, and a number that is not used (because the unit of work failed) is not used up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol
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


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange that is to be staged."""

    envelope: Envelope
    letters: tuple[Letter, ...]
    #: Names the work for ever: the same reason is never staged twice.
    why: str
    #: Pattern of `partners.model.FILE_NAME_FIELDS`, and the document's number for it.
    name: str
    number: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A request written with certain control numbers, its bytes archived. Void once other numbers are next."""

    header: InterchangeHeader
    letters: tuple[Letter, ...]
    size: int
    content_hash: str
    #: Characters that the character set cannot say, and the like.
    findings: tuple[Finding, ...]
    at: datetime

    @property
    def references(self) -> tuple[str, ...]:
        """The control reference, then those of the messages."""
        return (self.header.control_reference, *(letter.header.reference for letter in self.letters))


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A transmission that only has to be delivered."""

    transmission: Transmission
    interchange: Interchange
    messages: tuple[Message, ...]
    #: Characters that the character set cannot say, and the like.
    findings: tuple[Finding, ...]


class _Numbers(Protocol):
    """Where control numbers come from."""

    def next_control_number(self, scope: str, *, low: int = 1, high: int) -> int:
        """See `store.control_numbers`."""


class _Foreseen:
    """The numbers that come next if nobody else takes one. Takes none."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._last: dict[str, int] = {}

    def next_control_number(self, scope: str, *, low: int = 1, high: int) -> int:
        """See `store.control_numbers`."""
        if scope not in self._last:
            there = self._work.control_numbers.find(scope)
            self._last[scope] = there.last if there else low - 1
        last = self._last[scope]
        self._last[scope] = low if last >= high or last < low else last + 1
        return self._last[scope]


def draft_all(store: Store, requests: Sequence[Request]) -> dict[str, Draft]:
    """Write requests and archive their bytes before the unit of work that stages them, in which fsync has no place.

    By `Request.why`. Give them to `stage` in the same order; where somebody else takes a number in between, it writes
    anew.
    """
    with store.read() as work:
        foreseen = _Foreseen(work)
        references = [_references(foreseen, request) for request in requests]
    return {one.why: _draft(store, one, numbers) for one, numbers in zip(requests, references, strict=True)}


def _draft(store: Store, request: Request, references: tuple[str, ...]) -> Draft:
    now = datetime.now(UTC)
    header = request.envelope.header
    header = msgspec.structs.replace(
        header, control_reference=references[0], date=_date(header, now), time=now.strftime("%H%M")
    )
    named = [_named(letter, reference) for letter, reference in zip(request.letters, references[1:], strict=True)]
    content, findings = wrap_edifact(
        header,
        [close_message(letter.header, letter.body) for letter in named],
        line_breaks=request.envelope.writing.line_breaks,
        lower_case=request.envelope.writing.lower_case,
    )
    archived = store.archive.put(content)
    return Draft(
        header=header,
        letters=tuple(named),
        size=archived.size,
        content_hash=archived.hash,
        findings=tuple(findings),
        at=now,
    )


def stage(store: Store, work: Work, request: Request, *, kind: str, draft: Draft | None = None) -> Staged:
    """Stage an interchange for a transport of that kind; `draft` spares writing it in here (`draft_all`)."""
    references = _references(work.control_numbers, request)
    if draft is None or draft.references != references:
        draft = _draft(store, request, references)
    envelope, header, named = request.envelope, draft.header, draft.letters
    name = _file_name(request, named[0].header.type, references[0], draft.at)
    transmission = Transmission(
        id=_id(request.why),
        direction="outbound",
        partner=envelope.partner,
        mailbox=envelope.mailbox,
        transport=kind,
        name=name,
        size=draft.size,
        content_hash=draft.content_hash,
        delivery="pending",
        findings=draft.findings,
    )
    if not work.transmissions.stage(transmission).is_new:
        # Leaving by an exception gives the control numbers back.
        raise StoreError(f"“{request.why}” was staged before as transmission {transmission.id}.", permanent=True)
    interchange = Interchange.opened(header, transmission_id=transmission.id, number=1, direction="outbound")
    interchange = msgspec.structs.replace(
        interchange,
        partner=envelope.partner,
        agreement=envelope.agreement,
        end_offset=draft.size,
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
    return Staged(transmission=transmission, interchange=interchange, messages=messages, findings=draft.findings)


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


def _references(source: _Numbers, request: Request) -> tuple[str, ...]:
    """The control reference, then those of the messages."""
    numbers, counter = request.envelope.numbers, request.envelope.counter
    first = numbers.interchange
    reference = source.next_control_number(f"{counter}/interchange", low=first.low, high=first.high)
    return (str(reference).zfill(first.width), *_message_references(source, request))


def _message_references(source: _Numbers, request: Request) -> Iterator[str]:
    numbers = request.envelope.numbers.message
    for at, _ in enumerate(request.letters, start=1):
        number = at
        if numbers.scope != "interchange":
            scope = f"{request.envelope.counter}/message"
            number = source.next_control_number(scope, low=numbers.low, high=numbers.high)
        yield str(number).zfill(numbers.width)


def _named(letter: Letter, reference: str) -> Letter:
    return msgspec.structs.replace(letter, header=msgspec.structs.replace(letter.header, reference=reference))


def _date(header: InterchangeHeader, now: datetime) -> str:
    """0017: YYMMDD, CCYYMMDD from syntax version 4 on."""
    return now.strftime("%Y%m%d" if header.syntax_version == "4" else "%y%m%d")


def _file_name(request: Request, message: str, reference: str, at: datetime) -> str:
    return file_name(
        request.name,
        partner=request.envelope.partner,
        message=message,
        control_reference=reference,
        document_number=request.number,
        now=at,
    )
