"""824 and APERAK that a partner sent → what their application says about messages and documents of ours.

Source: 824 (X12.44) and APERAK of D.96A and D.01B. Both name the document by its number; the message they name by its
control number only where their sender wants so.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edi_server.acknowledgments.received import (
    Elements,
    MessageAnswer,
    ReceivedAcknowledgment,
    ReportedError,
    action_unknown,
    number_of,
    sum_up,
)
from edi_server.acknowledgments.verdict import Outcome
from edi_server.acknowledgments.x12_meanings import CONDITIONS
from edi_server.envelope.model import InterchangeHeader
from edi_server.findings import Finding

#: OTI01: what it is about (batch, group, transaction set, item) and what became of it; H (on hold) says neither.
_LEVELS = frozenset("BGTI")
_RESULTS: dict[str, Outcome | None] = {
    "A": "accepted",
    "C": "accepted with errors",
    "E": "accepted with errors",
    "P": "partially accepted",
    "R": "rejected",
    "H": None,
}
#: BGM 4343 and 1225 that say yes or no; other codes say nothing of it.
_RESPONSES: dict[str, Outcome] = {
    "AP": "accepted",
    "AD": "accepted",
    "AC": "accepted with errors",
    "AI": "accepted with errors",
    "CA": "accepted with errors",
    "RE": "rejected",
}
_FUNCTIONS: dict[str, Outcome] = {"29": "accepted", "34": "accepted with errors", "27": "rejected"}
#: RFF 1153 of APERAK by what it names: our message, our interchange, our document.
_MESSAGE, _INTERCHANGE = "ACW", "TN"
_DOCUMENTS = ("IV", "ON", "AAK", "DQ", "VN", "AGO", "ACE", "CT")
_UNSAID = "there is an error, described in words or not at all"


def read_824(segments: Sequence[str], carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
    """What an 824 (ST to SE in normal form) says; None if it has no OTI, so that it is about nothing."""
    reading = _Reading824()
    for number, segment in enumerate(segments, 1):
        reading.take(Elements(number, segment))
    return reading.result(carrier)


class _Reading824:
    """An 824 being read from top to bottom."""

    def __init__(self) -> None:
        self._action: str | None = None
        #: Group, message, type and document of each OTI, with its outcome.
        self._said: list[tuple[str, str, str, str, Outcome]] = []
        self._errors: list[ReportedError] = []
        self._findings: list[Finding] = []
        self._group: str | None = None
        self._message: str | None = None
        self._document = ""
        #: True while TED is open for the notes behind it.
        self._is_open = False

    def take(self, at: Elements) -> None:
        match at.tag:
            case "OTI":
                self._take_outcome(at)
            case "TED":
                self._take_error(at)
            case "NTE" if self._is_open:
                self._note(at(2))
            case "RED" if self._is_open:
                self._note(" ".join(filter(None, (at(1) if at(1) != "NA" else "", at(6)))))
            case "CTX" if self._is_open:
                self._note(" ".join(filter(None, (at(1), at(1, 2), at(2), at(3)))))
            case _:
                return

    def _take_outcome(self, at: Elements) -> None:
        action = at(1)
        self._action = self._action or action
        self._is_open = False
        self._group, self._message = at(8) or None, at(9) or None
        self._document = "" if at(3) == "NA" else at(3)
        if len(action) != 2 or action[0] not in _LEVELS or action[1] not in _RESULTS:
            self._findings.append(action_unknown("824", at, 1, "TA, TE, TP, TR or the like for B, G and I"))
            return
        outcome = _RESULTS[action[1]]
        if outcome is not None:
            self._said.append((at(8), at(9), at(10), self._document, _of_message(action[0], outcome)))

    def _take_error(self, at: Elements) -> None:
        self._is_open = True
        place = [number_of(part) for part in at.parts(5)] + [None] * 3
        self._errors.append(
            ReportedError(
                code=at(1),
                meaning=CONDITIONS.get(at(1), _UNSAID),
                message=self._message,
                group=self._group,
                document=self._document,
                tag=at(3) or None,
                segment=number_of(at(4)),
                element=place[0] or None,
                component=place[1],
                repetition=place[2],
                data_element=at(6),
                found=at(7),
                text=at(2),
            )
        )

    def _note(self, said: str) -> None:
        last = self._errors[-1]
        self._errors[-1] = msgspec.structs.replace(last, text=" ".join(filter(None, (last.text, said.strip()))))

    def result(self, carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
        if self._action is None:
            return None
        messages = self._messages()
        groups = {message.group for message in messages}
        return ReceivedAcknowledgment(
            kind="824",
            control_reference="",
            sender=carrier.recipient,
            recipient=carrier.sender,
            group_reference=groups.pop() if len(groups) == 1 else "",
            action=self._action,
            outcome=sum_up(message.outcome for message in messages),
            messages=messages,
            errors=tuple(self._errors),
            findings=tuple(self._findings),
        )

    def _messages(self) -> tuple[MessageAnswer, ...]:
        """One answer for a message, or for a document whose message is not named, of all OTI about it."""
        about: dict[tuple[str, str], list[tuple[str, str, str, str, Outcome]]] = {}
        for one in self._said:
            about.setdefault((one[0], one[1] or f"document {one[3]}"), []).append(one)
        answers = []
        for every in about.values():
            group, reference, kind, _, _ = every[0]
            document = next((one[3] for one in every if one[3]), "")
            outcome = sum_up(one[4] for one in every)
            assert outcome is not None
            answer = MessageAnswer(reference=reference, type=kind, outcome=outcome, group=group, document=document)
            answers.append(answer)
        return tuple(answers)


def _of_message(level: str, outcome: Outcome) -> Outcome:
    """What a result says of the message: where one item is rejected, others may not be."""
    return "partially accepted" if level == "I" and outcome == "rejected" else outcome


def read_aperak(segments: Sequence[str], carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
    """What an APERAK (UNH to UNT in normal form) says; None if it has no BGM.

    Yes or no is said by BGM 4343 or 1225. Where neither does, the message is rejected if errors (ERC) are reported,
    and else accepted: APERAK is there for nothing else (UN/EDIFACT, APERAK 1.1).
    """
    reading = _ReadingAperak()
    for number, segment in enumerate(segments, 1):
        reading.take(Elements(number, segment))
    return reading.result(carrier)


class _ReadingAperak:
    """An APERAK being read from top to bottom."""

    def __init__(self) -> None:
        self._bgm: Elements | None = None
        self._references: dict[str, str] = {}
        self._errors: list[ReportedError] = []

    def take(self, at: Elements) -> None:
        match at.tag:
            case "BGM":
                self._bgm = at
            case "RFF" if not self._errors:
                self._references.setdefault(at(1), at(1, 2))
            case "RFF":
                self._place(at)
            case "ERC":
                named = self._references.get(_MESSAGE)
                self._errors.append(ReportedError(code=at(1), meaning=_UNSAID, message=named))
            case "FTX" if self._errors:
                said = " ".join(part.strip() for part in at.parts(4) if part.strip())
                last = self._errors[-1]
                self._errors[-1] = msgspec.structs.replace(last, text=" ".join(filter(None, (last.text, said))))
            case _:
                return

    def _place(self, at: Elements) -> None:
        """Behind ERC: the number of the segment or line in our message (1156)."""
        line = number_of(at(1, 3)) if at(1) == _MESSAGE else None
        if line is not None:
            self._errors[-1] = msgspec.structs.replace(self._errors[-1], segment=line)

    def result(self, carrier: InterchangeHeader) -> ReceivedAcknowledgment | None:
        bgm = self._bgm
        if bgm is None:
            return None
        said = _RESPONSES.get(bgm(4)) or _FUNCTIONS.get(bgm(3))
        outcome: Outcome = said or ("rejected" if self._errors else "accepted")
        if outcome == "accepted" and self._errors:
            outcome = "accepted with errors"
        document = next((self._references[one] for one in _DOCUMENTS if one in self._references), "")
        reference = self._references.get(_MESSAGE, "")
        # A transaction reference alone may be anything; beside the message's it is that of the interchange.
        interchange = self._references.get(_INTERCHANGE, "") if reference else ""
        answer = MessageAnswer(reference=reference, type="", outcome=outcome, document=document)
        return ReceivedAcknowledgment(
            kind="APERAK",
            control_reference=interchange,
            sender=carrier.recipient,
            recipient=carrier.sender,
            action=bgm(4) or bgm(3),
            outcome=outcome,
            messages=(answer,) if reference or document else (),
            errors=tuple(self._errors),
        )
