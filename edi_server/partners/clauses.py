"""What can be agreed, clause by clause: acknowledgments, control numbers, writing, schedule, batches, policies.

Each record is a section of a partner file (docs/partners.md); everything has a default.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from edi_server.findings import AgreedSeverity
from edi_server.syntax.separators import Separators

#: "requested": as the interchange asks (UNB 0031, ISA14). "errors": only where something is wrong.
TechnicalWhen = Literal["requested", "always", "errors", "never"]
When = Literal["always", "errors", "never"]


class Clause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A section of a partner file."""


class Functional(Clause, frozen=True, kw_only=True):
    """How what they send in X12 is acknowledged: one answer a functional group, about its messages."""

    kind: Literal["997", "999", "none"] = "997"
    #: "errors": only where a message is not accepted as it is.
    when: When = "always"


class Application(Clause, frozen=True, kw_only=True):
    """How our application answers a document: what comes after the functional acknowledgment."""

    #: APERAK in EDIFACT, 824 in X12.
    kind: Literal["aperak", "824", "none"] = "none"
    #: "errors": only where the document cannot be worked with.
    when: Literal["errors", "always"] = "errors"


class Acknowledgments(Clause, frozen=True, kw_only=True):
    """What is acknowledged, and what is waited for. `contrl` is for EDIFACT, `ta1` and `functional` are for X12."""

    #: Whether a CONTRL answers what they send; "requested" follows UNB 0031.
    contrl: Literal["always", "requested", "never"] = "requested"
    #: Whether a TA1 answers their interchange as such; "requested" follows ISA14.
    ta1: TechnicalWhen = "requested"
    functional: Functional = Functional()
    application: Application = Application()
    #: Report warnings (UCS, UCD; AK3, AK4, IK3, IK4) under an acknowledged message too; some partners take any for a
    #: rejection.
    report_warnings: bool = False
    #: Outbound: their CONTRL, 997 or 999 is asked for (UNB 0031) and overdue after this time, such as "PT4H"; None
    #: expects none.
    expected_within: timedelta | None = None
    #: Outbound: their APERAK or 824 is overdue after this time, such as "P2D"; None expects none.
    application_expected_within: timedelta | None = None


#: What comes after the last number of a range: the first again, or a person who agrees on a new range.
AtEnd = Literal["start_again", "stop"]


class InterchangeNumbers(Clause, frozen=True, kw_only=True):
    """Control references of interchanges we write (UNB 0020, an..14; ISA13, nine digits)."""

    low: int = 1
    high: int = 999_999_999
    #: Digits to fill with leading zeros; 0 for none. ISA13 is filled to nine whatever this says.
    width: int = 0
    #: What counts on its own: a pair of identities (what receivers check duplicates by), or one agreement.
    scope: Literal["identities", "agreement"] = "identities"
    at_end: AtEnd = "start_again"


class GroupNumbers(Clause, frozen=True, kw_only=True):
    """References of functional groups we write (UNG 0048, an..14; GS06, one to nine digits)."""

    low: int = 1
    high: int = 999_999_999
    width: int = 0
    #: "interchange" starts again with each interchange. Receivers of X12 check GS06 for duplicates on its own.
    scope: Literal["interchange", "identities", "agreement"] = "identities"
    at_end: AtEnd = "start_again"


class MessageNumbers(Clause, frozen=True, kw_only=True):
    """References of messages we write (UNH 0062, an..14; ST02, four to nine digits)."""

    low: int = 1
    high: int = 999_999_999
    #: ST02 is filled to four digits whatever this says.
    width: int = 0
    #: "interchange" starts again with each interchange (X12: with each functional group).
    scope: Literal["interchange", "identities", "agreement"] = "interchange"
    at_end: AtEnd = "start_again"


class ControlNumbers(Clause, frozen=True, kw_only=True):
    """Ranges of control numbers. Each range is gapless: a number is used by what left under it, and by nothing else."""

    interchange: InterchangeNumbers = InterchangeNumbers()
    group: GroupNumbers = GroupNumbers()
    message: MessageNumbers = MessageNumbers()


class X12Separators(Separators, frozen=True, kw_only=True, omit_defaults=True):
    """What most partners expect in X12. Nothing is released there, so data that holds a separator cannot be written."""

    component: str = ">"
    element: str = "*"
    release: str = " "
    #: ISA11, from version 00402 on; before it ISA11 is "U".
    repetition: str = "^"
    terminator: str = "~"


class X12Writing(Clause, frozen=True, kw_only=True):
    """What only X12 envelopes have."""

    #: Version of the interchange (ISA12). The messages' version is the agreement's (`versions`).
    version: str = "00401"
    #: GS08 whole, such as "004010VICS"; the agreement's first version, and `association` behind it, where empty.
    group_version: str = ""
    #: GS07.
    agency: str = "X"
    separators: X12Separators = X12Separators()
    #: ISA14 where the agreement expects no acknowledgment; one that does always asks.
    ask_for_ta1: bool = False
    #: X12.6 3.3: letters in lower case, accents and more belong to the extended set; "basic" writes capitals.
    charset: Literal["basic", "extended"] = "extended"


class Writing(Clause, frozen=True, kw_only=True):
    """How interchanges to the partner are written. What only X12 has stands in `x12`."""

    #: UNB S001: 0001 and 0002.
    charset: str = "UNOC"
    syntax_version: Literal["1", "2", "3", "4"] = "3"
    #: `separators.una = true` writes UNA even where the separators are the default ones. Those of X12: `x12`.
    separators: Separators = Separators()
    #: A line break after each segment, for people.
    line_breaks: bool = False
    #: Lower case letters under UNOA, which does not have them and most partners take.
    lower_case: bool = False
    #: UNB 0026 and 0032.
    application_reference: str = ""
    agreement_id: str = ""
    #: Association assigned code of the messages (UNH 0057), such as "EAN007"; of X12 the end of GS08, such as "VICS".
    association: str = ""
    #: Functional groups (UNG to UNE) in EDIFACT; X12 always has them.
    groups: bool = False
    #: Name of the file, of fields of `FILE_NAME_FIELDS`.
    file_name: str = "{message}_{control_reference}.edi"
    x12: X12Writing = X12Writing()


#: What `Writing.file_name` may name. Times are UTC, such as 20261123 and 142530.
FILE_NAME_FIELDS = frozenset({"partner", "message", "control_reference", "document_number", "date", "time"})


class Schedule(Clause, frozen=True, kw_only=True):
    """When outbound documents are looked for."""

    #: Five fields, or six with the seconds first.
    cron: str
    #: IANA name; the partner's where empty.
    time_zone: str = ""


class Batch(Clause, frozen=True, kw_only=True):
    """How the documents of one outbound run are put into interchanges."""

    #: Messages in one interchange at most; what is more goes into a further one. 1 gives each its own.
    most: int = 1


class Policies(Clause, frozen=True, kw_only=True):
    """How documents of the agreement are treated on our side."""

    #: Confirm the sales order after posting.
    confirm: bool = False
    #: Post the partner's prices; otherwise the ERP's price list decides.
    keep_prices: bool = True
    #: What a code is that the directory's list does not know; "auto" as `edi_server.guides.check` says.
    code_severity: Literal["auto", "error", "warning", "off"] = "auto"
    #: Within how many days the same control reference from the same sender is a duplicate.
    duplicate_window_days: int = 30
    #: How far messages are checked: envelopes only; segments and groups too ("structure"); content too ("full").
    depth: Literal["full", "structure", "envelope"] = "full"
    #: Other severities for findings, by code or the beginning of codes (`edi_server.findings.regrade`):
    #: { "envelope.unz-*" = "warning", "guide.code-unknown" = "off" }.
    severities: dict[str, AgreedSeverity] = {}
    #: "split": each message goes its own way. "keep": an interchange stays one, and its messages are worked with
    #: together, in their order.
    interchange: Literal["split", "keep"] = "split"
    #: What is suspended where a message is in error, and so acknowledged as rejected: that message, or the interchange.
    on_error: Literal["message", "interchange"] = "message"
