"""What a partner's acknowledgment says about something that we sent: one record for every kind of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from edi_server.acknowledgments.answering import Kind
from edi_server.acknowledgments.verdict import Outcome
from edi_server.envelope.model import Identity
from edi_server.findings import Finding, Place
from edi_server.syntax.normal import to_text


class ReportedError(msgspec.Struct, frozen=True, kw_only=True):
    """One error that the partner reports."""

    #: As the partner codes it (0085; TA105, AK304, AK403, AK502, AK905; TED01; ERC 9321), and what it means in words.
    code: str
    meaning: str
    #: Reference of our message it is in (UCM 0062, AK202); None for one about the interchange or a group.
    message: str | None = None
    #: Reference of our group it is in (UCF 0048, AK102).
    group: str | None = None
    #: Number of our document it is about (OTI03), where an advice names that.
    document: str = ""
    #: Tag of the segment it is about (0013 or 0135: a service segment; AK301; TED03).
    tag: str | None = None
    #: Number of the segment in our message (0096, AK302), UNH or ST being 1.
    segment: int | None = None
    #: As in `Place`: the first element behind the tag is 1.
    element: int | None = None
    component: int | None = None
    repetition: int | None = None
    #: X12 reference number of the element (725), where it is given.
    data_element: str = ""
    #: The value that the partner found wrong (AK404, TED07).
    found: str = ""
    #: In the partner's words (APERAK FTX; 824 TED02, NTE, RED; 999 CTX).
    text: str = ""


class MessageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about one message."""

    #: UCM 0062, AK202, OTI09: the reference that we gave it; "" where only the document is named.
    reference: str
    #: UCM S009, AK201, OTI10, such as "DESADV" or "856".
    type: str
    outcome: Outcome
    #: UCF 0048, AK102, OTI08: the group that it was in; "" outside of groups, and where it is not said.
    group: str = ""
    #: Number of the document in it, such as that of our invoice (APERAK RFF, OTI03).
    document: str = ""


class GroupAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about one functional group."""

    #: UCF 0048, AK102: the reference that we gave it.
    reference: str
    #: AK101, such as "SH"; "" in EDIFACT.
    type: str = ""
    #: UCF 0083, AK901 as it stands.
    action: str
    #: None where it cannot be understood.
    outcome: Outcome | None
    #: What is said of the messages in it that are not named; None: nothing.
    unnamed: Outcome | None = None
    #: AK902, AK903, AK904: messages in the group as its trailer says, received, and accepted.
    included: int | None = None
    received: int | None = None
    accepted: int | None = None


class ReceivedAcknowledgment(msgspec.Struct, frozen=True, kw_only=True):
    """What an acknowledgment says about an interchange, a group or a message of ours."""

    kind: Kind = "CONTRL"
    #: UCI 0020, TA101: the control reference of what we sent; "" where it is not said (997, 999, 824, most APERAK).
    control_reference: str
    #: Who sent what is acknowledged (us) and who received it (the partner): UCI S002 and S003; in X12 and APERAK those
    #: of the interchange that brings the acknowledgment, the other way round.
    sender: Identity
    recipient: Identity
    #: AK102, OTI08: control number of our group, and AK101; "" where several or none are named.
    group_reference: str = ""
    group_type: str = ""
    #: UCI 0083, AK901, TA104, OTI01, BGM 4343 or 1225 as it stands.
    action: str
    #: None: only a receipt. "rejected" also where every message that is named was rejected.
    outcome: Outcome | None
    #: What is said of the messages that are not named; None: nothing (a receipt, a TA1 that accepts).
    unnamed: Outcome | None = None
    messages: tuple[MessageAnswer, ...] = ()
    groups: tuple[GroupAnswer, ...] = ()
    errors: tuple[ReportedError, ...] = ()
    #: What is odd about the acknowledgment itself; one that cannot be understood has no outcome.
    findings: tuple[Finding, ...] = ()

    @property
    def per_message(self) -> dict[str, Outcome]:
        """Outcome by message reference; of those that are not named, `unnamed`."""
        return {message.reference: message.outcome for message in self.messages if message.reference}


class Elements:
    """A segment of an acknowledgment by elements and components, the tag being element 0."""

    def __init__(self, number: int, segment: str) -> None:
        self.number = number
        self._elements = [[to_text(part) for part in element.split(":")] for element in segment.split("+")]
        self.tag = self._elements[0][0]

    def __call__(self, element: int, component: int = 1) -> str:
        """The text of a component, "" where there is none."""
        parts = self.parts(element)
        return parts[component - 1] if component <= len(parts) else ""

    def parts(self, element: int) -> list[str]:
        """All components of an element."""
        return self._elements[element] if element < len(self._elements) else []

    def every(self, first: int) -> list[str]:
        """The filled stand-alone elements from the one of that number on."""
        return [value for at in range(first, len(self._elements)) if (value := self(at))]

    def identity(self, element: int) -> Identity:
        """S002, S003."""
        return Identity(id=self(element), qualifier=self(element, 2), routing=self(element, 3))


def number_of(text: str) -> int | None:
    """A count or position; None for what is none."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None


def sum_up(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The outcome of a level of which the levels below have these; None without any."""
    every = set(outcomes)
    if not every:
        return None
    if every == {"rejected"}:
        return "rejected"
    if every & {"rejected", "partially accepted"}:
        return "partially accepted"
    return "accepted with errors" if "accepted with errors" in every else "accepted"


def with_errors(messages: Sequence[MessageAnswer], errors: Sequence[ReportedError]) -> tuple[MessageAnswer, ...]:
    """The messages, accepted ones with errors where some are reported in them."""
    faulty = {(error.group or "", error.message) for error in errors}
    return tuple(
        msgspec.structs.replace(message, outcome="accepted with errors")
        if message.outcome == "accepted" and (message.group, message.reference) in faulty
        else message
        for message in messages
    )


def action_unknown(kind: Kind, at: Elements, element: int, expected: str) -> Finding:
    """An action code that says neither yes nor no."""
    return Finding(
        code="acknowledgment.action-unknown",
        severity="warning",
        sentence=f"The {kind} says neither accepted nor rejected: its action code in {at.tag} is unknown.",
        place=Place(segment=at.number, tag=at.tag, element=element),
        found=at(element)[:80],
        expected=expected,
    )


def contradicted(what: str, at: Elements, element: int, sentence: str, expected: str) -> Finding:
    """A summary that its own details contradict; the details win. `what` is "count" or "outcome"."""
    return Finding(
        code=f"acknowledgment.{what}-contradicted",
        severity="warning",
        sentence=sentence,
        place=Place(segment=at.number, tag=at.tag, element=element),
        found=at(element)[:80],
        expected=expected,
    )


def outcome_missing(kind: Kind, ak2: Elements) -> Finding:
    """A message that is named, and nothing said of it."""
    return Finding(
        code="acknowledgment.outcome-missing",
        severity="warning",
        sentence=f"The {kind} names a message without saying whether it is accepted (AK5 is missing).",
        place=Place(segment=ak2.number, tag=ak2.tag, element=2),
        found=ak2(2)[:80] or None,
    )


def messages_missing(kind: Kind, ak9: Elements, received: int, included: int) -> Finding:
    """Fewer messages came than the group's trailer says."""
    return Finding(
        code="acknowledgment.messages-missing",
        severity="warning",
        sentence=f"The {kind} says that {received} of the {included} messages of the group arrived.",
        place=Place(segment=ak9.number, tag=ak9.tag, element=3),
        found=str(received),
        expected=str(included),
    )
