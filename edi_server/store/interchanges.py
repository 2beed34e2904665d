"""Interchanges and their messages: duplicates, answers, what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, text, update

from edi_server.envelope.model import Identity
from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.records import Event, Interchange, Message, now
from edi_server.store.rows import every, first, insert, pieces
from edi_server.store.tables import acknowledgments, documents, interchanges, messages
from edi_server.store.timeline import Timeline
from edi_server.store.transmissions import Transmissions

_table = interchanges


class Interchanges:
    """See the methods. Rows are written by `Opening` (inbound) and `add` (outbound)."""

    def __init__(self, connection: Connection, timeline: Timeline, transmissions: Transmissions) -> None:
        self._connection = connection
        self._timeline = timeline
        self._transmissions = transmissions

    def find(self, interchange_id: str) -> Interchange | None:
        """The interchange, or None."""
        return first(self._connection, select(_table).where(_table.c.id == interchange_id), Interchange)

    def get(self, interchange_id: str) -> Interchange:
        """The interchange; raises StoreError (permanent) if there is none."""
        found = self.find(interchange_id)
        if found is None:
            raise StoreError(f"There is no interchange {interchange_id}.", permanent=True)
        return found

    def add(self, interchange: Interchange, messages_: Iterable[Message]) -> None:
        """Store an outbound interchange with its messages; once, after `Transmissions.stage` said that it is new."""
        insert(self._connection, _table, (interchange,))
        insert(self._connection, messages, messages_)

    def _lock(self, interchange_id: str) -> Interchange:
        self._connection.execute(select(_table.c.id).where(_table.c.id == interchange_id).with_for_update())
        return self.get(interchange_id)

    def of(self, transmission_id: str) -> list[Interchange]:
        """The interchanges of a transmission, in order."""
        query = select(_table).where(_table.c.transmission_id == transmission_id).order_by(_table.c.number)
        return every(self._connection, query, Interchange)

    def newest(
        self,
        *,
        direction: states.Direction | None = None,
        partner: str | None = None,
        result: states.InterchangeResult | None = None,
        acknowledgment: states.AcknowledgmentState | None = None,
        control_reference: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Interchange]:
        """Newest first; `before` is the id of the last one of the page before."""
        query = select(_table).order_by(_table.c.id.desc()).limit(limit)
        wanted = {
            "direction": direction,
            "partner": partner,
            "result": result,
            "acknowledgment": acknowledgment,
            "control_reference": control_reference,
        }
        for column, value in wanted.items():
            query = query if value is None else query.where(_table.c[column] == value)
        if before is not None:
            query = query.where(_table.c.id < before)
        return every(self._connection, query, Interchange)

    def messages(self, interchange_id: str, *, after: int = 0, limit: int | None = None) -> list[Message]:
        """Its messages in order, those behind number `after`."""
        query = select(messages).where(messages.c.interchange_id == interchange_id, messages.c.number > after)
        return every(self._connection, query.order_by(messages.c.number).limit(limit), Message)

    def message(self, message_id: str) -> Message | None:
        """One message by id, or None."""
        return first(self._connection, select(messages).where(messages.c.id == message_id), Message)

    def find_same_reference(self, interchange: Interchange, *, within: timedelta) -> Interchange | None:
        """An inbound interchange before this with the same parties, test indicator and control reference, or None.

        Call it in the unit of work that gives `interchange` its result: of two that arrive together, the first to be
        decided is the original, on every database. Not counted: itself, those not decided yet (they may still be
        refused), refused ones (`REFUSED_INTERCHANGES`), and those of transmissions it is a reprocess of.
        """
        self._one_at_a_time(interchange)
        query = self._earlier(interchange, within).where(
            _table.c.control_reference == interchange.control_reference,
            _table.c.sender_id == interchange.sender_id,
            _table.c.sender_qualifier == interchange.sender_qualifier,
            _table.c.recipient_id == interchange.recipient_id,
            _table.c.recipient_qualifier == interchange.recipient_qualifier,
            _table.c.test == interchange.test,
        )
        return first(self._connection, query, Interchange)

    def find_same_content(self, interchange: Interchange, fingerprint: str, *, within: timedelta) -> Interchange | None:
        """As `find_same_reference`, but with the same content under whatever control reference."""
        self._one_at_a_time(interchange)
        query = self._earlier(interchange, within).where(
            _table.c.fingerprint == fingerprint,
            _table.c.sender_id == interchange.sender_id,
            _table.c.recipient_id == interchange.recipient_id,
            _table.c.test == interchange.test,
        )
        return first(self._connection, query, Interchange)

    def _earlier(self, interchange: Interchange, within: timedelta) -> Select[Any]:
        lineage = self._transmissions.lineage(interchange.transmission_id)[1:]
        return (
            select(_table)
            .where(
                _table.c.direction == "inbound",
                _table.c.id != interchange.id,
                _table.c.transmission_id.not_in(lineage),
                _table.c.created_at >= interchange.created_at - within,
                _table.c.result.not_in(states.REFUSED_INTERCHANGES),
            )
            .order_by(_table.c.id)
        )

    def _one_at_a_time(self, interchange: Interchange) -> None:
        """Lets units of work about one pair of parties pass one after the other (SQLite has one writer anyway).

        One lock per pair, not per interchange: PostgreSQL has room for some thousand locks, a file for more.
        """
        if self._connection.dialect.name == "postgresql":
            pair = f"interchanges {interchange.sender_id} {interchange.recipient_id}"
            self._connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": pair})

    def find_sent(
        self, our: Identity, partner: Identity, control_reference: str, *, sent_to: str | None = None
    ) -> Interchange | None:
        """The outbound interchange that an acknowledgment speaks of, or None; `sent_to` is the partner's name.

        Matched on the ids and the control reference; where several fit (a range that began anew), the same spelling
        comes first, then equal qualifiers, then the newest. Partners often leave qualifiers and leading zeros out.
        """
        query = select(_table).where(
            _table.c.direction == "outbound",
            _table.c.sender_id == our.id,
            _table.c.recipient_id == partner.id,
            _table.c.control_reference.in_(_spellings(control_reference)),
        )
        query = query if sent_to is None else query.where(_table.c.partner == sent_to)
        found = every(self._connection, query.order_by(_table.c.id.desc()), Interchange)
        qualifiers = (our.qualifier, partner.qualifier)
        return min(
            found,
            key=lambda one: (
                one.control_reference != control_reference,
                (one.sender_qualifier, one.recipient_qualifier) != qualifiers,
            ),
            default=None,
        )

    def find_sent_group(
        self, group: str, *, sent_to: str, message: str = "", message_type: str = ""
    ) -> Interchange | None:
        """The outbound interchange to a partner with a functional group of that number, or None.

        `message_type` is what the group holds (GS01, UNG 0038), where that is known: groups of two kinds may have
        ranges of their own. Where several fit, numbers began anew: then those count that hold the message of that
        number, of these the only one that was not answered yet, or else the newest. Leading zeros do not count.
        """
        columns = (_table.c.id, _table.c.acknowledgment, messages.c.reference, messages.c.group_header)
        query = (
            select(*columns)
            .join(messages, messages.c.interchange_id == _table.c.id)
            .where(
                _table.c.direction == "outbound",
                _table.c.partner == sent_to,
                messages.c.group_reference.in_(_spellings(group)),
            )
            .order_by(_table.c.id.desc())
        )
        found = [
            row
            for row in self._connection.execute(query)
            if not message_type or row.group_header is None or row.group_header.message_type == message_type
        ]
        fitting = [row for row in found if message and row.reference.lstrip("0") == message.lstrip("0")] or found
        unanswered = {row.id for row in fitting if row.acknowledgment in ("none", "waiting", "overdue")}
        if not fitting:
            return None
        return self.find(unanswered.pop() if len(unanswered) == 1 else fitting[0].id)

    def mark_waiting(self, interchange_id: str, *, due_at: datetime | None) -> bool:
        """An answer is expected until `due_at` (None: for ever), for its messages and documents too. False if known.

        Of what waits already, or is overdue, the time runs anew.
        """
        self._connection.execute(update(_table).where(_table.c.id == interchange_id).values(due_at=due_at))
        return self.mark_acknowledged(interchange_id, "waiting")

    def mark_acknowledged(
        self,
        interchange_id: str,
        state: states.AcknowledgmentState,
        *,
        per_message: dict[str, states.Outcome] | None = None,
        detail: str = "",
        actor: str = "system",
    ) -> bool:
        """Change the acknowledgment of an interchange, its messages and their documents.

        Interchange and documents get an event each.
        `per_message` gives the outcome by id or by reference of the message. A message that is not in it follows the
        interchange, except where that is answered "partially accepted" or "accepted with errors", or where the message
        was answered already and the interchange is now late: then it stays as it was.
        False if nothing changed.
        """
        interchange = self._lock(interchange_id)
        states.INTERCHANGE_ACKNOWLEDGMENT.check(interchange.acknowledgment, state)
        changed = interchange.acknowledgment != state
        if changed:
            self._connection.execute(update(_table).where(_table.c.id == interchange_id).values(acknowledgment=state))
            self._timeline.add(interchange.subject, "acknowledgment", result=state, detail=detail, actor=actor)
        by_state: dict[states.AcknowledgmentState, list[str]] = {}
        # Of tens of thousands of messages, with all that was found about them, no more than this.
        slim = select(messages.c.id, messages.c.reference, messages.c.acknowledgment)
        for one in self._connection.execute(slim.where(messages.c.interchange_id == interchange_id)):
            then = _follow(one.id, one.reference, one.acknowledgment, state, per_message or {})
            if then != one.acknowledgment:
                by_state.setdefault(then, []).append(one.id)
        for then, ids in by_state.items():
            self._mark_messages(ids, then, detail, actor)
        return changed or bool(by_state)

    def mark_messages(self, outcomes: Mapping[str, states.Outcome], *, detail: str = "") -> None:
        """Say of messages (by id), and of their documents, what is answered; only while their transmission is opened.

        Ahead of `mark_acknowledged` of their interchange, which then finds nothing left to do.
        """
        by_state: dict[str, list[str]] = {}
        for message, state in outcomes.items():
            by_state.setdefault(state, []).append(message)
        for then, ids in by_state.items():
            self._mark_messages(ids, then, detail, "system")

    def acknowledgments_of_messages(self, interchange_id: str) -> list[str]:
        """The acknowledgment of each of its messages, in order."""
        query = select(messages.c.acknowledgment).where(messages.c.interchange_id == interchange_id)
        return list(self._connection.execute(query.order_by(messages.c.number)).scalars())

    def _mark_messages(self, ids: list[str], state: str, detail: str, actor: str) -> None:
        for piece in pieces(ids):
            self._connection.execute(update(messages).where(messages.c.id.in_(piece)).values(acknowledgment=state))
            theirs = documents.c.message_id.in_(piece) & (documents.c.acknowledgment != state)
            found = self._connection.execute(select(documents.c.id).where(theirs)).scalars().all()
            self._connection.execute(update(documents).where(theirs).values(acknowledgment=state, changed_at=now()))
            self._timeline.add_all(
                Event(
                    subject_kind="document",
                    subject_id=one,
                    what="acknowledgment",
                    result=state,
                    detail=detail,
                    actor=actor,
                )
                for one in found
            )

    def unadvised(self, agreement: str, *, since: datetime, until: datetime) -> list[Interchange]:
        """Outbound interchanges of an agreement, made in that time, that no APERAK or 824 came for.

        Refused ones are not waited for: nothing of them reached an application.
        """
        query = select(_table).where(
            _table.c.direction == "outbound",
            _table.c.agreement == agreement,
            _table.c.created_at >= since,
            _table.c.created_at <= until,
            _table.c.acknowledgment != "rejected",
            ~_advices_received().exists(),
        )
        return every(self._connection, query.order_by(_table.c.id), Interchange)

    def mark_overdue(self, at: datetime) -> list[Interchange]:
        """Outbound interchanges whose answer is late become overdue, messages and documents with them; returns them.

        Each is returned once, so a case or alert for each of them is raised once.
        """
        late = (_table.c.direction == "outbound") & (_table.c.acknowledgment == "waiting") & (_table.c.due_at <= at)
        query = select(_table.c.id).where(late).order_by(_table.c.id).with_for_update(skip_locked=True)
        ids = self._connection.execute(query).scalars().all()
        for one in ids:
            self.mark_acknowledged(one, "overdue", detail="No acknowledgment came within the agreed time.")
        return [self.get(one) for one in ids]


def _spellings(number: str) -> list[str]:
    """A number with and without leading zeros, as wide as a reference may be (0020: an..14)."""
    if not (number.isascii() and number.isdecimal()):
        return [number]
    bare = number.lstrip("0") or "0"
    return sorted({number, *(bare.zfill(width) for width in range(1, 15))})


def _advices_received() -> Any:
    """What partners' applications said (APERAK, 824) about the interchange at hand."""
    return select(acknowledgments.c.id).where(
        acknowledgments.c.about_interchange_id == _table.c.id,
        acknowledgments.c.direction == "received",
        acknowledgments.c.kind.in_(("APERAK", "824")),
    )


def _follow(
    message_id: str,
    reference: str,
    now_: states.AcknowledgmentState,
    state: states.AcknowledgmentState,
    per_message: Mapping[str, states.Outcome],
) -> states.AcknowledgmentState:
    """What becomes of a message when its interchange becomes `state` (see `Interchanges.mark_acknowledged`)."""
    named = per_message.get(message_id) or per_message.get(reference)
    if named is not None:
        states.MESSAGE_ACKNOWLEDGMENT.check(now_, named)
        return named
    says_nothing_of_it = state in ("partially accepted", "accepted with errors")
    if says_nothing_of_it or not states.MESSAGE_ACKNOWLEDGMENT.allows(now_, state):
        return now_
    return state
