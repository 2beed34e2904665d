"""A 997 or 999 that a partner sent → what it says about a group of ours (X12.20; 999 of 005010)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edi_server.acknowledgments.answering import Kind
from edi_server.acknowledgments.received import (
    Elements,
    GroupAnswer,
    MessageAnswer,
    ReceivedAcknowledgment,
    ReportedError,
    action_unknown,
    contradicted,
    messages_missing,
    number_of,
    outcome_missing,
    sum_up,
    with_errors,
)
from edi_server.acknowledgments.verdict import Outcome
from edi_server.acknowledgments.x12_meanings import (
    ELEMENT_ERRORS,
    GROUP_ERRORS,
    MESSAGE_ERRORS,
    SEGMENT_ERRORS,
)
from edi_server.envelope.model import Identity, InterchangeHeader
from edi_server.findings import Finding

#: 717 and 715. M, W, X: refused because authentication, assurance or decryption failed.
_ACTIONS: dict[str, Outcome] = {
    "A": "accepted",
    "E": "accepted with errors",
    "P": "partially accepted",
    "R": "rejected",
    "M": "rejected",
    "W": "rejected",
    "X": "rejected",
}
_EXPECTED = "A, E, P, R, M, W or X"
_SECURITY = {
    "M": "the message authentication code failed",
    "W": "the assurance failed",
    "X": "the content could not be decrypted",
}
_UNKNOWN = "an error that we do not know"


def read_functional(kind: Kind, segments: Sequence[str], carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
    """What a 997 or 999 (ST to SE in normal form) says about a group of ours; None if it has no AK1."""
    reading = _Reading(kind)
    for number, segment in enumerate(segments, 1):
        reading.take(Elements(number, segment))
    return reading.result(carrier.recipient, carrier.sender)


class _Reading:
    """A 997 or 999 being read from top to bottom."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._ak1: Elements | None = None
        self._ak9: Elements | None = None
        #: AK2 whose AK5 has not come yet.
        self._ak2: Elements | None = None
        #: AK3 whose AK4 may come.
        self._ak3: Elements | None = None
        self._messages: list[MessageAnswer] = []
        self._errors: list[ReportedError] = []
        self._findings: list[Finding] = []

    def take(self, at: Elements) -> None:
        match at.tag:
            case "AK1":
                self._ak1 = at
            case "AK2":
                self._end_segment()
                self._end_message(None)
                self._ak2 = at
            case "AK3" | "IK3":
                self._end_segment()
                self._ak3 = at
            case "AK4" | "IK4":
                self._take_element(at)
            case "CTX":
                self._take_context(at)
            case "AK5" | "IK5":
                self._end_segment()
                self._end_message(at)
            case "AK9":
                self._end_segment()
                self._end_message(None)
                self._take_group(at)
            case _:
                return

    @property
    def _group(self) -> str:
        return self._ak1(2) if self._ak1 else ""

    def _add(self, code: str, meanings: dict[str, str], **more: object) -> None:
        message = self._ak2(2) if self._ak2 else None
        error = ReportedError(
            code=code, meaning=meanings.get(code, _UNKNOWN), message=message, group=self._group or None
        )
        self._errors.append(msgspec.structs.replace(error, **more))

    def _end_segment(self) -> None:
        """AK3 that had no AK4 is an error itself."""
        ak3, self._ak3 = self._ak3, None
        if ak3 is not None:
            code = ak3(4)
            meaning = SEGMENT_ERRORS.get(code, _UNKNOWN) if code else "there is an error that is not specified"
            self._add(code, {code: meaning}, tag=ak3(1) or None, segment=number_of(ak3(2)))

    def _take_element(self, at: Elements) -> None:
        ak3 = self._ak3
        tag, segment = (ak3(1) or None, number_of(ak3(2))) if ak3 else self._last_place()
        if ak3 is not None and ak3(4) not in ("", "8"):
            self._end_segment()
        self._ak3 = None
        self._add(
            at(3),
            ELEMENT_ERRORS,
            tag=tag,
            segment=segment,
            element=number_of(at(1)) or None,
            component=number_of(at(1, 2)),
            repetition=number_of(at(1, 3)),
            data_element=at(2),
            found=at(4),
        )

    def _last_place(self) -> tuple[str | None, int | None]:
        last = self._errors[-1] if self._errors else None
        return (last.tag, last.segment) if last else (None, None)

    def _take_context(self, at: Elements) -> None:
        """CTX belongs to the IK3 or IK4 in front of it."""
        if self._ak3 is not None and self._ak3(4) not in ("", "8"):
            self._end_segment()
        if self._ak3 is None and self._errors:
            said = " ".join(filter(None, (at(1), at(1, 2), at(2), at(3))))
            last = self._errors[-1]
            self._errors[-1] = msgspec.structs.replace(last, text="; ".join(filter(None, (last.text, said))))

    def _end_message(self, at: Elements | None) -> None:
        """AK5, or what comes where AK5 is missing."""
        ak2 = self._ak2
        if ak2 is None:
            return
        outcome = _ACTIONS.get(at(1)) if at else None
        if at is None:
            self._findings.append(outcome_missing(self._kind, ak2))
        elif outcome is None:
            self._findings.append(action_unknown(self._kind, at, 1, _EXPECTED))
        if at is not None:
            if at(1) in _SECURITY:
                self._add(at(1), _SECURITY)
            for code in at.every(2):
                self._add(code, MESSAGE_ERRORS)
        self._ak2 = None
        if outcome is not None:
            answer = MessageAnswer(reference=ak2(2), type=ak2(1), outcome=outcome, group=self._group)
            self._messages.append(answer)

    def _take_group(self, at: Elements) -> None:
        self._ak9 = at
        if at(1) not in _ACTIONS:
            self._findings.append(action_unknown(self._kind, at, 1, _EXPECTED))
        if at(1) in _SECURITY:
            self._add(at(1), _SECURITY)
        for code in at.every(5):
            self._add(code, GROUP_ERRORS)

    def result(self, us: Identity, partner: Identity) -> ReceivedAcknowledgment | None:
        ak1 = self._ak1
        self._end_segment()
        self._end_message(None)
        if ak1 is None:
            return None
        messages = with_errors(self._messages, self._errors)
        group = self._answer(ak1, messages)
        return ReceivedAcknowledgment(
            kind=self._kind,
            control_reference="",
            sender=us,
            recipient=partner,
            group_reference=ak1(2),
            group_type=ak1(1),
            action=group.action,
            outcome=group.outcome,
            unnamed=group.unnamed,
            messages=messages,
            groups=(group,),
            errors=tuple(self._errors),
            findings=tuple(self._findings),
        )

    def _answer(self, ak1: Elements, messages: Sequence[MessageAnswer]) -> GroupAnswer:
        ak9 = self._ak9
        said = _ACTIONS.get(ak9(1)) if ak9 else None
        counts = [number_of(ak9(at)) for at in (2, 3, 4)] if ak9 else [None, None, None]
        _, received, accepted = counts
        unnamed = self._unnamed(said, messages, counts)
        every = [message.outcome for message in messages]
        others = unnamed or said
        if others is not None and (received is None or len(every) < received):
            every.append(others)
        outcome = sum_up(every) or said
        if ak9 is not None:
            self._compare(ak9, said, outcome, messages, received, accepted)
        has_group_errors = any(error.message is None for error in self._errors)
        if outcome == "accepted" and (said == "accepted with errors" or has_group_errors):
            outcome = "accepted with errors"
        return GroupAnswer(
            reference=ak1(2),
            type=ak1(1),
            action=ak9(1) if ak9 else "",
            outcome=outcome,
            unnamed=unnamed,
            included=counts[0],
            received=received,
            accepted=accepted,
        )

    def _unnamed(
        self, said: Outcome | None, messages: Sequence[MessageAnswer], counts: Sequence[int | None]
    ) -> Outcome | None:
        """What AK9 says of the messages that it does not list: many list only those that are rejected.

        Nothing, where all that came are listed, or not all that we sent came: one that got lost is not accepted.
        """
        included, received, accepted = counts
        if said == "rejected":
            return said
        others = None if received is None else received - len(messages)
        if said is None or others == 0 or (others is not None and included not in (None, received)):
            return None
        if said != "partially accepted":
            return "accepted"
        if others is None or accepted is None:
            return None
        named = sum(message.outcome != "rejected" for message in messages)
        return "accepted" if others == accepted - named else "rejected" if accepted == named else None

    def _compare(
        self,
        ak9: Elements,
        said: Outcome | None,
        outcome: Outcome | None,
        messages: Sequence[MessageAnswer],
        received: int | None,
        accepted: int | None,
    ) -> None:
        """The details win over AK9; where they differ, a finding says so."""
        included = number_of(ak9(2))
        if included is not None and received is not None and received < included:
            self._findings.append(messages_missing(self._kind, ak9, received, included))
        if said and outcome and _weight(said) != _weight(outcome):
            sentence = (
                f"The {self._kind} says of the group that it is {said}, and of its messages otherwise; these count."
            )
            self._findings.append(contradicted("outcome", ak9, 1, sentence, outcome))
        named = sum(message.outcome != "rejected" for message in messages)
        refused = len(messages) - named
        if received is not None and len(messages) > received:
            self._count(ak9, 3, "names more messages than it says were received", str(len(messages)))
        elif accepted is not None and received is not None:
            most = received - refused
            if not named <= accepted <= most:
                self._count(ak9, 4, "does not count the accepted messages as it lists them", str(most))

    def _count(self, ak9: Elements, element: int, what: str, expected: str) -> None:
        sentence = f"The {self._kind} {what} (AK9{element:02}); what it says of each message counts."
        self._findings.append(contradicted("count", ak9, element, sentence, expected))


def _weight(outcome: Outcome) -> Outcome:
    return "accepted" if outcome == "accepted with errors" else outcome
