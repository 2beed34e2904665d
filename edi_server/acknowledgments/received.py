"""A CONTRL that a partner sent → what it says about one of our interchanges."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edi_server.acknowledgments.error_codes import MEANINGS
from edi_server.acknowledgments.verdict import Outcome
from edi_server.envelope.model import Identity
from edi_server.findings import Finding, Place
from edi_server.syntax.normal import to_text

#: 0083, the codes of syntax version 2 (1, 2, 3, 5, 6) included. None: received, nothing said about its content.
_ACTIONS: dict[str, Outcome | None] = {
    "1": "accepted",
    "2": "accepted with errors",
    "3": "partially accepted",
    "4": "rejected",
    "5": "accepted",
    "6": "rejected",
    "7": "accepted",
    "8": None,
}


class ReportedError(msgspec.Struct, frozen=True, kw_only=True):
    """One error that the partner reports."""

    #: 0085, and what it means in words.
    code: str
    meaning: str
    #: Reference of our message it is in (UCM 0062); None for one about the interchange or a group.
    message: str | None = None
    #: Tag of the service segment it is about (0013 or 0135).
    tag: str | None = None
    #: Number of the segment in our message (0096), UNH being 1.
    segment: int | None = None
    #: As in `Place`: the first element behind the tag is 1.
    element: int | None = None
    component: int | None = None


class MessageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about one message."""

    #: UCM 0062: the reference that we gave it.
    reference: str
    #: UCM S009, such as "DESADV".
    type: str
    outcome: Outcome


class ReceivedAcknowledgment(msgspec.Struct, frozen=True, kw_only=True):
    """What a CONTRL says about an interchange of ours."""

    #: UCI 0020, S002 (us) and S003 (the partner): the keys of what we sent.
    control_reference: str
    sender: Identity
    recipient: Identity
    #: UCI 0083 as it stands.
    action: str
    #: None: only a receipt. "rejected" also where every message that is named was rejected: whether others were
    #: accepted without being named, CONTRL does not say.
    outcome: Outcome | None
    messages: tuple[MessageAnswer, ...] = ()
    errors: tuple[ReportedError, ...] = ()
    #: What is odd about the CONTRL itself; an answer that cannot be understood has no outcome.
    findings: tuple[Finding, ...] = ()

    @property
    def per_message(self) -> dict[str, Outcome]:
        """Outcome by message reference; messages that are not named share that of the interchange."""
        return {message.reference: message.outcome for message in self.messages}


def read_contrl(segments: Sequence[str]) -> ReceivedAcknowledgment | None:
    """What a CONTRL (UNH to UNT in normal form) says; None if it has no UCI, so that it is about nothing."""
    reading = _Reading()
    for number, segment in enumerate(segments, 1):
        reading.take(number, [[to_text(part) for part in element.split(":")] for element in segment.split("+")])
    return reading.result()


class _Reading:
    """A CONTRL being read from top to bottom."""

    def __init__(self) -> None:
        self._uci: list[list[str]] | None = None
        self._messages: list[MessageAnswer] = []
        self._errors: list[ReportedError] = []
        self._findings: list[Finding] = []
        self._message: str | None = None
        self._segment: int | None = None

    def take(self, number: int, elements: list[list[str]]) -> None:
        match elements[0][0]:
            case "UCI":
                self._uci = elements
                self._level(number, elements, 4)
            case "UCF":
                self._message = None
                self._level(number, elements, 4)
            case "UCM":
                self._take_message(number, elements)
            case "UCS":
                self._segment = _number(_at(elements, 1))
                self._add(_at(elements, 2), segment=self._segment)
            case "UCD":
                self._add(_at(elements, 1), segment=self._segment, place=_parts(elements, 2))
            case _:
                return

    def _take_message(self, number: int, elements: list[list[str]]) -> None:
        self._message = _at(elements, 1)
        outcome = self._level(number, elements, 3)
        if outcome is not None:
            answer = MessageAnswer(reference=self._message, type=_at(elements, 2), outcome=outcome)
            self._messages.append(answer)

    def _level(self, number: int, elements: list[list[str]], at: int) -> Outcome | None:
        """The action of UCI, UCF or UCM, and the error that stands beside it."""
        action, tag = _at(elements, at), elements[0][0]
        if action not in _ACTIONS:
            self._findings.append(_unknown_action(number, tag, at, action))
        self._add(_at(elements, at + 1), tag=_at(elements, at + 2), place=_parts(elements, at + 3))
        return _ACTIONS.get(action)

    def _add(self, code: str, *, tag: str = "", segment: int | None = None, place: Sequence[str] = ()) -> None:
        if not code:
            return
        element, component, *_ = [*map(_number, place), None, None]
        self._errors.append(
            ReportedError(
                code=code,
                meaning=MEANINGS.get(code, "an error that we do not know"),
                message=self._message,
                tag=tag or None,
                segment=segment,
                element=element - 1 if element and element > 1 else None,
                component=component,
            )
        )

    def result(self) -> ReceivedAcknowledgment | None:
        if self._uci is None:
            return None
        messages = tuple(self._with_errors(message) for message in self._messages)
        return ReceivedAcknowledgment(
            control_reference=_at(self._uci, 1),
            sender=_identity(self._uci, 2),
            recipient=_identity(self._uci, 3),
            action=_at(self._uci, 4),
            outcome=self._outcome(messages),
            messages=messages,
            errors=tuple(self._errors),
            findings=tuple(self._findings),
        )

    def _with_errors(self, message: MessageAnswer) -> MessageAnswer:
        reported = any(error.message == message.reference for error in self._errors)
        if message.outcome == "accepted" and reported:
            return msgspec.structs.replace(message, outcome="accepted with errors")
        return message

    def _outcome(self, messages: Sequence[MessageAnswer]) -> Outcome | None:
        assert self._uci is not None
        own = _ACTIONS.get(_at(self._uci, 4))
        if own is None or own == "rejected":
            return own
        outcomes = {message.outcome for message in messages}
        if outcomes == {"rejected"}:
            return "rejected"
        if "rejected" in outcomes:
            return "partially accepted"
        return "accepted with errors" if own == "accepted" and self._errors else own


def _at(elements: list[list[str]], number: int) -> str:
    """First component of an element, the tag being 0; "" where there is none."""
    return elements[number][0] if number < len(elements) else ""


def _parts(elements: list[list[str]], number: int) -> list[str]:
    return elements[number] if number < len(elements) else []


def _identity(elements: list[list[str]], number: int) -> Identity:
    parts = [*_parts(elements, number), "", "", ""]
    return Identity(id=parts[0], qualifier=parts[1], routing=parts[2])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _unknown_action(number: int, tag: str, at: int, action: str) -> Finding:
    return Finding(
        code="acknowledgment.action-unknown",
        severity="warning",
        sentence=f"The CONTRL says neither accepted nor rejected: its action code in {tag} is unknown.",
        place=Place(segment=number, tag=tag, element=at),
        found=action[:80],
        expected="4, 7 or 8",
    )
