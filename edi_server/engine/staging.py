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

from edi_server.engine.wrapping import wrap
from edi_server.envelope.model import GroupHeader, InterchangeHeader, MessageHeader
from edi_server.errors import StoreError
from edi_server.findings import Finding
from edi_server.partners.model import ControlNumbers, Writing, counter_of, file_name
from edi_server.store import Interchange, Message, Store, Transmission, Work
from edi_server.store.control_numbers import range_used_up

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send: its header without reference, and the segments between its own in normal form."""

    header: MessageHeader
    body: list[str]
    #: Which of the request's groups it goes into.
    group: int = 0


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

    @property
    def widths(self) -> tuple[int, int, int]:
        """Digits that references of interchanges, groups and messages are filled to (X12: at least 9, 1 and 4)."""
        agreed = (self.numbers.interchange.width, self.numbers.group.width, self.numbers.message.width)
        least = (9, 0, 4) if self.header.syntax == "x12" else (0, 0, 0)
        first, second, third = map(max, least, agreed)
        return first, second, third


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An interchange that is to be staged."""

    envelope: Envelope
    letters: tuple[Letter, ...]
    #: Functional groups without number, date and time, in order; none where there are none.
    groups: tuple[GroupHeader, ...] = ()
    #: TA1 segments in normal form, in front of the groups.
    ta1: tuple[str, ...] = ()
    #: Names the work for ever: the same reason is never staged twice.
    why: str
    #: Pattern of `partners.model.FILE_NAME_FIELDS`, and the document's number for it.
    name: str
    number: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A request written with certain control numbers, its bytes archived. Void once other numbers are next."""

    header: InterchangeHeader
    groups: tuple[GroupHeader, ...]
    letters: tuple[Letter, ...]
    size: int
    content_hash: str
    #: Characters that the character set cannot say, and the like.
    findings: tuple[Finding, ...]
    at: datetime

    @property
    def references(self) -> tuple[str, ...]:
        """The control reference, then those of the groups and of the messages."""
        groups = (group.control_reference for group in self.groups)
        return (self.header.control_reference, *groups, *(letter.header.reference for letter in self.letters))


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A transmission that only has to be delivered."""

    transmission: Transmission
    interchange: Interchange
    messages: tuple[Message, ...]
    #: Characters that the character set cannot say, and the like.
    findings: tuple[Finding, ...]


class _Numbers(Protocol):
    """Where control numbers come from."""

    def next_control_number(self, scope: str, *, low: int = 1, high: int, rollover: bool = True) -> int:
        """See `store.control_numbers`."""


class _Foreseen:
    """The numbers that come next if nobody else takes one. Takes none."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._last: dict[str, int] = {}

    def next_control_number(self, scope: str, *, low: int = 1, high: int, rollover: bool = True) -> int:
        """See `store.control_numbers`. Raises StoreError where a range is used up: nothing can be sent then."""
        if scope not in self._last:
            there = self._work.control_numbers.find(scope)
            self._last[scope] = there.last if there else low - 1
        last = self._last[scope]
        if last == high and not rollover:
            raise range_used_up(scope, low, high)
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
    first, *rest = references
    header = msgspec.structs.replace(
        request.envelope.header, control_reference=first, date=_date(request.envelope.header, now), time=f"{now:%H%M}"
    )
    groups = tuple(_stamped(group, rest.pop(0), now) for group in request.groups)
    letters = tuple(_named(letter, reference) for letter, reference in zip(request.letters, rest, strict=True))
    bodies = [(letter.group, letter.header, letter.body) for letter in letters]
    content, findings = wrap(header, groups, bodies, request.ta1, request.envelope.writing)
    archived = store.archive.put(content)
    return Draft(
        header=header,
        groups=groups,
        letters=letters,
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
    name = _file_name(request, named[0].header.type if named else "TA1", references[0], draft.at)
    transmission = Transmission(
        id=transmission_of(request.why),
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
    messages = tuple(_message_rows(interchange, request, draft))
    interchange = msgspec.structs.replace(
        interchange,
        partner=envelope.partner,
        agreement=envelope.agreement,
        end_offset=draft.size,
        messages=len(messages),
    )
    work.interchanges.add(interchange, messages)
    return Staged(transmission=transmission, interchange=interchange, messages=messages, findings=draft.findings)


def transmission_of(why: str) -> str:
    """The id of what is staged for that reason: the same whenever it is asked, and sorting by time like every other.

    Its instant is that of the last id in the reason, which names what this follows from.
    """
    follows = [UUID(one) for one in _ID.findall(why)]
    digest = uuid5(NAMESPACE_OID, why).int
    if not follows:
        return str(UUID(int=digest))
    instant = follows[-1].int >> 80
    return str(UUID(int=instant << 80 | 8 << 76 | (digest >> 64 & 0xFFF) << 64 | 2 << 62 | digest & (1 << 62) - 1))


def _message_rows(interchange: Interchange, request: Request, draft: Draft) -> Iterator[Message]:
    """A row for each TA1, and for each message."""
    for number, _ in enumerate(request.ta1, start=1):
        yield Message(interchange_id=interchange.id, number=number, type="TA1", segments=1)
    for number, letter in enumerate(draft.letters, start=len(request.ta1) + 1):
        group = draft.groups[letter.group] if draft.groups else None
        yield Message(
            interchange_id=interchange.id,
            number=number,
            type=letter.header.type,
            version=letter.header.directory,
            reference=letter.header.reference,
            group_reference=group.control_reference if group else "",
            group_header=group,
            segments=len(letter.body) + 2,
        )


def _references(source: _Numbers, request: Request) -> tuple[str, ...]:
    """The control reference, then those of the groups and of the messages."""
    first, widths = request.envelope.numbers.interchange, request.envelope.widths
    number = source.next_control_number(
        f"{request.envelope.counter}/interchange",
        low=first.low,
        high=first.high,
        rollover=first.at_end == "start_again",
    )
    groups = _group_references(source, request)
    return (str(number).zfill(widths[0]), *groups, *_message_references(source, request))


def _group_references(source: _Numbers, request: Request) -> Iterator[str]:
    numbers = request.envelope.numbers.group
    for at, _ in enumerate(request.groups, start=1):
        number = at
        if numbers.scope != "interchange":
            number = source.next_control_number(
                f"{_scope(request, numbers.scope)}/group",
                low=numbers.low,
                high=numbers.high,
                rollover=numbers.at_end == "start_again",
            )
        yield str(number).zfill(request.envelope.widths[1])


def _message_references(source: _Numbers, request: Request) -> Iterator[str]:
    numbers = request.envelope.numbers.message
    in_group: dict[int, int] = {}
    for letter in request.letters:
        # In X12 each group begins anew.
        number = in_group[letter.group] = in_group.get(letter.group, 0) + 1
        if numbers.scope != "interchange":
            number = source.next_control_number(
                f"{_scope(request, numbers.scope)}/message",
                low=numbers.low,
                high=numbers.high,
                rollover=numbers.at_end == "start_again",
            )
        yield str(number).zfill(request.envelope.widths[2])


def _scope(request: Request, scope: str) -> str:
    """What numbers of groups and messages count in: the agreement, or the pair of identities."""
    envelope = request.envelope
    if scope == "agreement" and envelope.agreement:
        return envelope.agreement
    return counter_of(envelope.header.sender, envelope.header.recipient)


def _stamped(group: GroupHeader, reference: str, at: datetime) -> GroupHeader:
    """With number, date and time: of eight digits from 004010 on (X12 element 373), of six before and in EDIFACT."""
    is_long = group.version[:2] == "00" and group.version >= "004010"
    date = at.strftime("%Y%m%d" if is_long else "%y%m%d")
    return msgspec.structs.replace(group, control_reference=reference, date=date, time=f"{at:%H%M}")


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
