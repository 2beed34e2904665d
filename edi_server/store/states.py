"""Every status of every row: which there are, which moves are allowed, and who makes them.

The CHECK constraints of the tables are made from these, `docs/states.md` is held to them by a test, and a move that
is not listed is refused when it is tried (`Lifecycle.check`). None stands for "not yet known".
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from edi_server.errors import StoreError

Direction = Literal["inbound", "outbound"]
#: "partner": what is about a trading partner as such, under its name; ":us" is ourselves, ":unknown" nobody we know.
SubjectKind = Literal["transmission", "interchange", "message", "document", "partner"]
TransmissionResult = Literal["taken", "duplicate", "unknown sender", "unreadable", "test lane"]
TransmissionDelivery = Literal["pending", "staged", "sent", "delivered", "failed"]
InterchangeResult = Literal[
    "accepted",
    "accepted with errors",
    "partially accepted",
    "rejected",
    "duplicate",
    "unknown sender",
    "mismatching sender",
    "no agreement",
    "unreadable",
    "test lane",
]
MessageResult = Literal["accepted", "accepted with errors", "rejected", "no agreement"]
Validation = Literal["processing", "valid", "invalid"]
Delivery = Literal["pending", "sent", "delivered", "failed"]
Outcome = Literal["accepted", "accepted with errors", "partially accepted", "rejected"]
AcknowledgmentState = Literal[
    "none", "waiting", "accepted", "accepted with errors", "partially accepted", "rejected", "overdue"
]
AcknowledgmentDirection = Literal["sent", "received"]
CaseState = Literal["open", "assigned", "waiting for partner", "fixed", "rejected", "closed"]
PostingState = Literal["claimed", "posted", "released"]
DeadLetterState = Literal["parked", "resumed", "resolved"]
AttemptOutcome = Literal["sent", "failed"]

#: A case in one of these waits for somebody.
OPEN_CASES: tuple[CaseState, ...] = ("open", "assigned", "waiting for partner")
#: An interchange that ended so does not make a later one a duplicate: its sender has to send it again.
#: "test lane" is not among them: a test interchange sent twice is a duplicate in the test lane.
REFUSED_INTERCHANGES: tuple[InterchangeResult, ...] = (
    "rejected",
    "duplicate",
    "unknown sender",
    "mismatching sender",
    "no agreement",
    "unreadable",
)


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """The states of one column and the moves between them."""

    #: "document.delivery": word of the row, then the column.
    name: str
    states: tuple[str, ...]
    #: States in which a row may be born; None where the column starts empty.
    first: tuple[str | None, ...]
    #: From → to → who makes the move. Setting the state a row already has is no move and always allowed.
    moves: dict[str | None, dict[str, str]]

    def allows(self, now: str | None, then: str) -> bool:
        """True if a row in `now` may become `then`, or is it already."""
        return then == now or then in self.moves.get(now, {})

    def check(self, now: str | None, then: str) -> None:
        """Raises StoreError (permanent) if a row in `now` may not become `then`."""
        if not self.allows(now, then):
            message = f"{self.name} cannot go from “{now or 'not yet known'}” to “{then}”."
            raise StoreError(message, permanent=True)


def _once(name: str, states: tuple[str, ...], who: str) -> Lifecycle:
    """A column that starts empty and is decided once."""
    return Lifecycle(name=name, states=states, first=(None, *states), moves={None: dict.fromkeys(states, who)})


_OUTCOMES: tuple[str, ...] = get_args(Outcome)


def _acknowledgment(name: str) -> Lifecycle:
    answered = dict.fromkeys(_OUTCOMES, "acknowledge: an acknowledgment was sent or received")
    later: dict[str | None, dict[str, str]] = {
        state: {other: "acknowledge: a later acknowledgment says otherwise" for other in _OUTCOMES if other != state}
        for state in _OUTCOMES
    }
    return Lifecycle(
        name=name,
        states=get_args(AcknowledgmentState),
        first=("none", "waiting", *_OUTCOMES),
        moves={
            "none": {"waiting": "deliver: it left and an answer is expected", **answered},
            "waiting": {**answered, "overdue": "schedule: no answer within the agreed time"},
            "overdue": {"waiting": "deliver: it was sent again, and the time runs anew", **answered},
            **later,
        },
    )


_CASE_ENDS = {"fixed": "desk", "rejected": "desk", "closed": "desk"}

TRANSMISSION_RESULT = _once(
    "transmission.result",
    get_args(TransmissionResult),
    "receive: the transmission was opened (inbound only)",
)
TRANSMISSION_DELIVERY = Lifecycle(
    name="transmission.delivery",
    states=get_args(TransmissionDelivery),
    first=(None, "pending", "staged"),
    moves={
        "pending": {
            "staged": "deliver: the mailbox holds the final bytes, not yet under their name",
            "sent": "deliver: handed over",
            "delivered": "deliver: handed over, and its arrival is proven",
            "failed": "deliver: given up after the last attempt",
        },
        "staged": {
            "pending": "deliver: another transport is agreed now",
            "sent": "deliver: handed over",
            "delivered": "deliver: handed over, and its arrival is proven",
            "failed": "deliver: given up after the last attempt",
        },
        "failed": {
            "pending": "desk: resend, the same bytes under the same control number; or deliver: by another transport",
            "staged": "deliver: tried once more",
            "sent": "deliver: handed over after all",
            "delivered": "deliver: its arrival is proven after all",
        },
        "sent": {
            "pending": "desk: resend, the same bytes under the same control number",
            "delivered": "deliver: its arrival is proven, by a receipt or by the partner's collecting it",
            "failed": "deliver: the partner's receipt refuses it, or is about something else",
        },
        "delivered": {"pending": "desk: resend, the same bytes under the same control number"},
    },
)
INTERCHANGE_RESULT = _once(
    "interchange.result",
    get_args(InterchangeResult),
    "receive: the interchange was read to its end",
)
INTERCHANGE_ACKNOWLEDGMENT = _acknowledgment("interchange.acknowledgment")
MESSAGE_RESULT = _once(
    "message.result",
    get_args(MessageResult),
    "receive: the message was checked against its guide",
)
MESSAGE_ACKNOWLEDGMENT = _acknowledgment("message.acknowledgment")
DOCUMENT_VALIDATION = Lifecycle(
    name="document.validation",
    states=get_args(Validation),
    first=("processing", "valid", "invalid"),
    moves={
        "processing": {"valid": "receive or send: checks passed", "invalid": "receive or send: a check found an error"},
        "valid": {"invalid": "post: the ERP refused the content, or desk: a person rejected it"},
        "invalid": {"processing": "desk: checked once more", "valid": "desk: what was missing is there now"},
    },
)
DOCUMENT_DELIVERY = Lifecycle(
    name="document.delivery",
    states=get_args(Delivery),
    first=("pending", "sent", "delivered", "failed"),
    moves={
        "pending": {
            "sent": "deliver: handed over to the transport",
            "delivered": "post: the ERP holds it, or deliver: its arrival is proven",
            "failed": "post or deliver: refused, or given up after the last attempt",
        },
        "sent": {
            "delivered": "deliver or acknowledge: its arrival is proven",
            "failed": "deliver: the partner's system refused it",
        },
        "failed": {
            "pending": "desk: resumed",
            "sent": "deliver: handed over after all",
            "delivered": "post or deliver: done after all",
        },
    },
)
DOCUMENT_ACKNOWLEDGMENT = _acknowledgment("document.acknowledgment")
CASE_STATE = Lifecycle(
    name="case.state",
    states=get_args(CaseState),
    first=("open",),
    moves={
        "open": {"assigned": "desk", "waiting for partner": "desk", **_CASE_ENDS},
        "assigned": {"open": "desk", "waiting for partner": "desk", **_CASE_ENDS},
        "waiting for partner": {"open": "desk", "assigned": "desk", **_CASE_ENDS},
        "fixed": {"open": "desk", "closed": "desk"},
        "rejected": {"open": "desk", "closed": "desk"},
        "closed": {"open": "desk"},
    },
)
POSTING_STATE = Lifecycle(
    name="posting.state",
    states=get_args(PostingState),
    first=("claimed",),
    moves={
        "claimed": {"posted": "post: the ERP holds the record", "released": "post: the ERP refused the content"},
        "released": {"claimed": "post: another document claims the key"},
    },
)
DEAD_LETTER_STATE = Lifecycle(
    name="dead_letter.state",
    states=get_args(DeadLetterState),
    first=("parked",),
    moves={
        "parked": {"resumed": "desk: the work is tried once more", "resolved": "desk: nothing is left to do"},
        "resumed": {"parked": "engine: it failed again", "resolved": "engine: the work got done"},
        "resolved": {"parked": "engine: it failed again"},
    },
)

#: Every lifecycle by its name.
LIFECYCLES: dict[str, Lifecycle] = {
    lifecycle.name: lifecycle
    for lifecycle in (
        TRANSMISSION_RESULT,
        TRANSMISSION_DELIVERY,
        INTERCHANGE_RESULT,
        INTERCHANGE_ACKNOWLEDGMENT,
        MESSAGE_RESULT,
        MESSAGE_ACKNOWLEDGMENT,
        DOCUMENT_VALIDATION,
        DOCUMENT_DELIVERY,
        DOCUMENT_ACKNOWLEDGMENT,
        CASE_STATE,
        POSTING_STATE,
        DEAD_LETTER_STATE,
    )
}
