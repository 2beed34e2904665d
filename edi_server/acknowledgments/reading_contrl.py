"""A CONTRL that a partner sent → what it says about one of our interchanges (ISO 9735 versions 2, 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence

from edi_server.acknowledgments.error_codes import MEANINGS
from edi_server.acknowledgments.received import (
    Elements,
    GroupAnswer,
    MessageAnswer,
    ReceivedAcknowledgment,
    ReportedError,
    action_unknown,
    contradicted,
    number_of,
    sum_up,
    with_errors,
)
from edi_server.acknowledgments.verdict import Outcome
from edi_server.findings import Finding

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
_EXPECTED = "4, 7 or 8"


def read_contrl(segments: Sequence[str]) -> ReceivedAcknowledgment | None:
    """What a CONTRL (UNH to UNT in normal form) says; None if it has no UCI, so that it is about nothing."""
    reading = _Reading()
    for number, segment in enumerate(segments, 1):
        reading.take(Elements(number, segment))
    return reading.result()


class _Reading:
    """A CONTRL being read from top to bottom."""

    def __init__(self) -> None:
        self._uci: Elements | None = None
        self._messages: list[MessageAnswer] = []
        self._groups: list[tuple[Elements, Outcome | None]] = []
        self._errors: list[ReportedError] = []
        self._findings: list[Finding] = []
        self._message: str | None = None
        self._segment: int | None = None

    def take(self, at: Elements) -> None:
        match at.tag:
            case "UCI":
                self._uci = at
                self._level(at, 4)
            case "UCF":
                self._message = None
                self._groups.append((at, self._level(at, 4)))
            case "UCM":
                self._take_message(at)
            case "UCS":
                self._segment = number_of(at(1))
                self._add(at(2), segment=self._segment)
            case "UCD":
                self._add(at(1), segment=self._segment, place=at.parts(2))
            case _:
                return

    def _take_message(self, at: Elements) -> None:
        self._message = at(1)
        outcome = self._level(at, 3)
        if outcome is not None:
            answer = MessageAnswer(reference=self._message, type=at(2), outcome=outcome, group=self._group or "")
            self._messages.append(answer)

    @property
    def _group(self) -> str | None:
        return self._groups[-1][0](1) if self._groups else None

    def _level(self, at: Elements, element: int) -> Outcome | None:
        """The action of UCI, UCF or UCM, and the error that stands beside it."""
        action = at(element)
        if action not in _ACTIONS:
            self._findings.append(action_unknown("CONTRL", at, element, _EXPECTED))
        group = at(1) if at.tag == "UCF" else self._group
        self._add(at(element + 1), tag=at(element + 2), place=at.parts(element + 3), group=group)
        return _ACTIONS.get(action)

    def _add(
        self,
        code: str,
        *,
        tag: str = "",
        segment: int | None = None,
        place: Sequence[str] = (),
        group: str | None = None,
    ) -> None:
        if not code:
            return
        element, component, repetition, *_ = [*map(number_of, place), None, None, None]
        self._errors.append(
            ReportedError(
                code=code,
                meaning=MEANINGS.get(code, "an error that we do not know"),
                message=self._message,
                group=group or self._group,
                tag=tag or None,
                segment=segment,
                element=element - 1 if element and element > 1 else None,
                component=component,
                repetition=repetition,
            )
        )

    def result(self) -> ReceivedAcknowledgment | None:
        uci = self._uci
        if uci is None:
            return None
        messages = with_errors(self._messages, self._errors)
        own = _ACTIONS.get(uci(4))
        if own == "rejected" and any(message.outcome != "rejected" for message in messages):
            sentence = "The CONTRL rejects the interchange (UCI) and accepts messages in it; the messages count."
            self._findings.append(contradicted("outcome", uci, 4, sentence, "7"))
        return ReceivedAcknowledgment(
            control_reference=uci(1),
            sender=uci.identity(2),
            recipient=uci.identity(3),
            action=uci(4),
            outcome=self._outcome(own, messages),
            # 0083 = 7: the next lower level is acknowledged if not explicitly rejected.
            unnamed=own if own in ("accepted", "rejected") else None,
            messages=messages,
            groups=tuple(self._answer(at, outcome, messages) for at, outcome in self._groups),
            errors=tuple(self._errors),
            findings=tuple(self._findings),
        )

    def _answer(self, at: Elements, own: Outcome | None, messages: Sequence[MessageAnswer]) -> GroupAnswer:
        inside = [message.outcome for message in messages if message.group == at(1)]
        outcome = sum_up(inside) if own != "rejected" and inside else own
        return GroupAnswer(reference=at(1), action=at(4), outcome=outcome, unnamed=own)

    def _outcome(self, own: Outcome | None, messages: Sequence[MessageAnswer]) -> Outcome | None:
        if own is None:
            return None
        outcomes = [message.outcome for message in messages]
        outcomes += [outcome for _, outcome in self._groups if outcome == "rejected"]
        if own == "rejected":
            return "rejected" if set(outcomes) <= {"rejected"} else "partially accepted"
        summed = sum_up(outcomes)
        if summed in ("rejected", "partially accepted"):
            return summed
        return "accepted with errors" if own == "accepted" and self._errors else own
