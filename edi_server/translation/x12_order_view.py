"""Orders as X12 850 arranges them.

* Names of parties stand in N1 and N2.
* Release and contract number stand in BEG, like references in REF (their qualifiers there: RE and CT).
* Deliveries of a line stand in SCH (when) or in SDQ (where).
* Notes stand in N903 and in MSG or MTX below; an N9 without text is a reference like those in REF.
"""

from __future__ import annotations

from collections.abc import Iterable

from edi_server.canonical import Delivery, Note, Order, OrderLine, Record, Reference
from edi_server.translation.arranging import View
from edi_server.translation.profile import ARRANGEMENTS
from edi_server.translation.x12_sharing import (
    NamedParty,
    demote,
    fields_of,
    joined_parties,
    joined_party,
    parted_parties,
    parted_party,
    promote,
)

_PARTIES = ("buyer", "supplier", "ship_to", "invoice_to")
_RELEASE, _CONTRACT = "RE", "CT"
#: Longest text in N903.
_HEAD = 45


class HeadedNote(Record, frozen=True, kw_only=True):
    """A reference with text (N9 and what is below it)."""

    subject: str | None = None
    code: str | None = None
    #: The first line, where it stands in N9 itself.
    head: str | None = None
    text: str | None = None


class LineBySegments(OrderLine, frozen=True):
    """A line whose deliveries stand in two kinds of segments."""

    #: Numbers of the article that have no field: qualifier and number, a line each.
    numbers: tuple[str, ...] = ()
    #: By time (SCH).
    schedules: tuple[Delivery, ...] = ()
    #: By place (SDQ).
    destinations: tuple[Delivery, ...] = ()
    notes: tuple[HeadedNote, ...] = ()  # type: ignore[assignment]  # read and written as such, never seen elsewhere
    parties: tuple[NamedParty, ...] = ()


class OrderBySegments(Order, frozen=True, kw_only=True):
    """An order as its segments are."""

    release: str | None = None
    contract: str | None = None
    buyer: NamedParty | None = None
    supplier: NamedParty | None = None
    ship_to: NamedParty | None = None
    invoice_to: NamedParty | None = None
    parties: tuple[NamedParty, ...] = ()
    notes: tuple[HeadedNote, ...] = ()  # type: ignore[assignment]  # as above
    lines: tuple[LineBySegments, ...] = ()


def _to_document(arrangement: OrderBySegments) -> Order:
    fields = fields_of(arrangement)
    numbers = ((_RELEASE, fields.pop("release")), (_CONTRACT, fields.pop("contract")))
    first = tuple(Reference(kind=kind, number=number) for kind, number in numbers if number)
    for name in _PARTIES:
        fields[name] = joined_party(fields[name])
    fields["notes"], further = _notes(arrangement.notes)
    fields["references"] = (*first, *arrangement.references, *further)
    fields["parties"] = joined_parties(arrangement.parties)
    fields["lines"] = tuple(map(_to_line, arrangement.lines))
    return Order(**fields)


def _to_line(line: LineBySegments) -> OrderLine:
    fields = fields_of(line)
    fields["deliveries"] = fields.pop("schedules") + fields.pop("destinations")
    fields["notes"], further = _notes(line.notes)
    fields["references"] += further
    fields["parties"] = joined_parties(line.parties)
    promote(fields)
    return OrderLine(**fields)


def _to_arrangement(document: Order) -> OrderBySegments:
    fields = fields_of(document)
    references = list(document.references)
    for name, kind in (("release", _RELEASE), ("contract", _CONTRACT)):
        if references and references[0] == Reference(kind=kind, number=references[0].number):
            fields[name] = references.pop(0).number
    for name in _PARTIES:
        fields[name] = parted_party(fields[name])
    fields["references"] = tuple(references)
    fields["notes"] = tuple(map(_headed, document.notes))
    fields["parties"] = parted_parties(document.parties)
    fields["lines"] = tuple(map(_by_segments, document.lines))
    return OrderBySegments(**fields)


def _by_segments(line: OrderLine) -> LineBySegments:
    fields = fields_of(line)
    deliveries = fields.pop("deliveries")
    fields["schedules"] = tuple(one for one in deliveries if not _is_by_place(one))
    fields["destinations"] = tuple(one for one in deliveries if _is_by_place(one))
    fields["notes"] = tuple(map(_headed, line.notes))
    fields["parties"] = parted_parties(line.parties)
    demote(fields)
    return LineBySegments(**fields)


def _notes(headed: Iterable[HeadedNote]) -> tuple[tuple[Note, ...], tuple[Reference, ...]]:
    """Notes, and references that say nothing more."""
    notes, references = [], []
    for one in headed:
        text = "\n".join(filter(None, (one.head, one.text)))
        if text:
            notes.append(Note(subject=one.subject, code=one.code, text=text))
        elif one.subject and one.code:
            references.append(Reference(kind=one.subject, number=one.code))
    return tuple(notes), tuple(references)


def _headed(note: Note) -> HeadedNote:
    """N9 wants a reference or a text: where there is no reference, the first line of the text."""
    if note.code:
        return HeadedNote(subject=note.subject, code=note.code, text=note.text)
    head, _, rest = note.text.partition("\n")
    blank = head.rfind(" ", 0, _HEAD + 1) if len(head) > _HEAD else -1
    if blank > 0:
        head, rest = head[:blank], "\n".join(filter(None, (head[blank + 1 :], rest)))
    return HeadedNote(subject=note.subject, head=head or None, text=rest or None)


def _is_by_place(delivery: Delivery) -> bool:
    return delivery.place is not None and delivery.deliver_on is None


ORDER_VIEW = View(
    name="x12-order",
    document=Order,
    arrangement=OrderBySegments,
    to_document=_to_document,
    to_arrangement=_to_arrangement,
)
ARRANGEMENTS.update({one.__name__: one for one in (OrderBySegments, LineBySegments, HeadedNote)})
