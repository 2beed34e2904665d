"""Trading partners, our own companies, and what was agreed between them, as frozen records."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

import msgspec

from edi_server.envelope.model import Identity
from edi_server.partners.clauses import (
    FILE_NAME_FIELDS,
    Acknowledgments,
    Application,
    Batch,
    Clause,
    ControlNumbers,
    Functional,
    GroupNumbers,
    InterchangeNumbers,
    MessageNumbers,
    Policies,
    Schedule,
    Writing,
    X12Separators,
    X12Writing,
)
from edi_server.partners.exchange import Exchange
from edi_server.syntax.separators import Separators

__all__ = [
    "FILE_NAME_FIELDS",
    "Acknowledgments",
    "Agreement",
    "Application",
    "Batch",
    "Company",
    "Contact",
    "ControlNumbers",
    "Direction",
    "Functional",
    "GroupNumbers",
    "InterchangeNumbers",
    "MessageNumbers",
    "Parties",
    "Partner",
    "Policies",
    "Schedule",
    "State",
    "Syntax",
    "Terms",
    "Writing",
    "X12Separators",
    "X12Writing",
    "counter_of",
    "file_name",
    "identity_of",
    "matches",
    "syntax_of",
]

Direction = Literal["inbound", "outbound"]
Syntax = Literal["edifact", "x12"]
#: draft: never fits any traffic. testing: fits, but never reaches a live ERP. live. paused: recognised and held.
State = Literal["draft", "testing", "live", "paused"]


class Company(Clause, frozen=True, kw_only=True):
    """One of our own companies: `[companies.<name>]` in the main configuration."""

    name: str = ""
    display_name: str = ""
    #: Under which it appears on envelopes; the first is written unless an agreement says otherwise.
    identities: tuple[Identity, ...]
    #: GS1 global location number, for documents.
    gln: str = ""
    #: `res.company` in Odoo; 0 leaves it to the ERP user's default company.
    odoo_company_id: int = 0
    #: Which ERP (`[erp.<name>]`) its agreements use unless they say otherwise; empty where there is only one.
    erp: str = ""


class Contact(Clause, frozen=True, kw_only=True):
    """A person to talk to at the partner."""

    name: str
    role: str = ""
    email: str = ""
    phone: str = ""


class Terms(Clause, frozen=True, kw_only=True):
    """An agreement as its table in the partner file says it, with the partner's defaults filled in."""

    direction: Direction
    #: Message type on the envelope (UNH 0065, ST01), such as "ORDERS" or "850".
    message: str
    #: Directory versions accepted, such as "D.96A" or "004010"; outbound: the first is written.
    versions: tuple[str, ...]
    #: Type of the canonical document, such as "Order".
    document: str
    #: Name of the base profile, or a table: `extends` names the base, the rest are overrides.
    profile: str | dict[str, Any]
    #: Where it stays away, the form of the versions says it: "004010" is X12.
    syntax: Syntax | None = None
    #: Name of the guideline that narrows the standard's guide (docs/refinements.md), such as "nordmarkt-orders"; empty
    #: for the standard's guide as it is.
    guideline: str = ""
    #: May stay away where there is only one.
    company: str = ""
    erp: str = ""
    state: State = "draft"
    #: The test lane: UNB 0035 = 1; ISA15 = T.
    test: bool = False
    #: Narrows the agreement to one identity of ours or theirs ("14:4012345000009"); outbound: the one that is written.
    own_identity: Identity | None = None
    partner_identity: Identity | None = None
    #: Application codes on functional groups (UNG S006 and S007, GS02 and GS03); the identities of the interchange
    #: where empty. Only for writing: what they put there is theirs.
    group_identity: Identity | None = None
    partner_group_identity: Identity | None = None
    #: In which dates without a zone are meant; the partner's where empty.
    time_zone: str = ""
    acknowledgments: Acknowledgments = Acknowledgments()
    writing: Writing = Writing()
    control_numbers: ControlNumbers = ControlNumbers()
    schedule: Schedule | None = None
    batch: Batch = Batch()
    policies: Policies = Policies()


class Partner(Exchange, frozen=True, kw_only=True):
    """A trading partner: one file `partners/<name>.toml`. The tables of how it exchanges stand in `Exchange`."""

    name: str
    display_name: str
    identities: tuple[Identity, ...]
    #: Name of its mailbox, whatever transport fills it; the folder below inbox/ and outbox/ where it uses these.
    mailbox: str
    #: How our ERP knows the partner: GLN or reference.
    erp_reference: str
    time_zone: str = "UTC"
    contacts: tuple[Contact, ...] = ()
    #: What the partner agreed for every message; also what holds where no agreement fits.
    acknowledgments: Acknowledgments = Acknowledgments()
    writing: Writing = Writing()
    control_numbers: ControlNumbers = ControlNumbers()


class Agreement(Terms, frozen=True, kw_only=True):
    """Own company identity × partner × direction × document type × test indicator, and what was agreed for it."""

    #: Its key in the partner file, such as "orders-in".
    key: str
    partner: Partner
    #: The company's record (`company` of the table is its name).
    own: Company
    #: Identities written on outbound envelopes.
    own_written: Identity
    partner_written: Identity
    syntax: Syntax = "edifact"
    #: File of the guideline; empty where there is none.
    guideline_file: str = ""
    #: File it came from, and the line of each key below its `profile` table, for `explain` and error messages.
    file: str = ""
    profile_lines: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def id(self) -> str:
        """Unique name, such as "nordmarkt/orders-in"."""
        return f"{self.partner.name}/{self.key}"

    @property
    def own_group_written(self) -> Identity:
        """Our application code on functional groups."""
        return self.group_identity or self.own_written

    @property
    def partner_group_written(self) -> Identity:
        """Their application code on functional groups."""
        return self.partner_group_identity or self.partner_written

    @property
    def separators(self) -> Separators:
        """Those that its interchanges are written with."""
        return self.writing.x12.separators if self.syntax == "x12" else self.writing.separators

    @property
    def group_version(self) -> str:
        """GS08 of what is written: the version, and the association's code behind it."""
        return self.writing.x12.group_version or self.versions[0] + self.writing.association

    @property
    def control_widths(self) -> tuple[int, int, int]:
        """Digits that references of interchanges, groups and messages are filled to; 0 for none.

        ISA13 has nine digits, ST02 at least four (X12.5, X12.6).
        """
        numbers = self.control_numbers
        least = (9, 0, 4) if self.syntax == "x12" else (0, 0, 0)
        widths = (numbers.interchange.width, numbers.group.width, numbers.message.width)
        first, second, third = map(max, least, widths)
        return first, second, third

    @property
    def profile_name(self) -> str:
        """Name of the base profile, such as "edifact/orders"."""
        return self.profile if isinstance(self.profile, str) else str(self.profile["extends"])

    @property
    def profile_overrides(self) -> dict[str, Any]:
        """The partner's own lines, raw, for the room of translation; every one carries its `why`."""
        if isinstance(self.profile, str):
            return {}
        return {key: value for key, value in self.profile.items() if key != "extends"}

    @property
    def interchange_counter(self) -> str:
        """Name of the counter that control references of this agreement's interchanges come from."""
        own, other = self.own_written, self.partner_written
        return self.id if self.control_numbers.interchange.scope == "agreement" else counter_of(own, other)

    def file_name(self, *, control_reference: str, document_number: str, message: str, now: datetime) -> str:
        """Name of an outbound file. `now` in UTC; characters that folders do not take become "_"."""
        return file_name(
            self.writing.file_name,
            partner=self.partner.name,
            message=message,
            control_reference=control_reference,
            document_number=document_number,
            now=now,
        )


#: Version, release and industry identifier code as GS08 has them, without an association's code (X12 element 480).
_X12_VERSION = re.compile("00[0-9]{4}")


class Parties(Clause, frozen=True, kw_only=True):
    """Who an interchange is from and to."""

    partner: Partner
    company: Company


def counter_of(sender: Identity, recipient: Identity) -> str:
    """Name of the counter of a pair of identities, which is what a receiver checks duplicates by (0004, 0010, 0020)."""
    return f"{sender} > {recipient}"


def file_name(
    pattern: str, *, partner: str, message: str, control_reference: str, document_number: str, now: datetime
) -> str:
    """A file name made by a pattern of `FILE_NAME_FIELDS`; what a folder does not take becomes "_"."""
    name = pattern.format(
        partner=partner,
        message=message,
        control_reference=control_reference,
        document_number=document_number,
        date=now.strftime("%Y%m%d"),
        time=now.strftime("%H%M%S"),
    )
    safe = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in name)
    return safe.lstrip(".") or "_"


def identity_of(text: str) -> Identity:
    """The identity that "qualifier:id", "qualifier:id:routing" or just "id" names.

    Raises ValueError with a sentence where a part is missing or longer than UNB takes (0004 an..35, 0007 an..4).
    """
    before, colon, after = text.strip().partition(":")
    qualifier, rest = (before, after) if colon else ("", before)
    name, _, routing = rest.partition(":")
    if not name or len(name) > 35 or len(qualifier) > 4 or len(routing) > 35:
        raise ValueError(f"'{text}' is no identity: write qualifier:id, such as 14:4012345000009, or just an id")
    return Identity(id=name, qualifier=qualifier, routing=routing)


def matches(one: Identity, other: Identity) -> bool:
    """True if both name the same party.

    Ids must be equal letter for letter, but for the blanks that fill an ISA up; qualifiers must be equal too, unless
    one side states none: partners leave 0007 out as often as they put it in, and an id is agreed between two companies
    anyway. Routing (0008) is not compared: it says where in the house a message goes, not who it is from.
    """
    ours, theirs = one.qualifier.rstrip(), other.qualifier.rstrip()
    return one.id.rstrip() == other.id.rstrip() and (ours == theirs or not ours or not theirs)


def syntax_of(versions: tuple[str, ...]) -> Syntax:
    """The syntax that versions belong to: "004010" is X12, all else is EDIFACT."""
    return "x12" if versions and all(_X12_VERSION.fullmatch(version) for version in versions) else "edifact"
