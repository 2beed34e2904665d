"""Trading partners, our own companies, and what was agreed between them, as frozen records."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from edi_server.envelope.model import Identity
from edi_server.syntax.separators import Separators

Direction = Literal["inbound", "outbound"]
#: draft: never fits any traffic. testing: fits, but never reaches a live ERP. live. paused: recognised and held.
State = Literal["draft", "testing", "live", "paused"]


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Company(_Record, frozen=True, kw_only=True):
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


class Contact(_Record, frozen=True, kw_only=True):
    """A person to talk to at the partner."""

    name: str
    role: str = ""
    email: str = ""
    phone: str = ""


class Acknowledgments(_Record, frozen=True, kw_only=True):
    """What is acknowledged, and what is waited for."""

    #: Whether a CONTRL answers what they send; "requested" follows UNB 0031.
    contrl: Literal["always", "requested", "never"] = "requested"
    #: Report warnings (UCS, UCD) under an acknowledged message too; some partners take any UCS for a rejection.
    report_warnings: bool = False
    #: Outbound: their CONTRL is asked for (UNB 0031) and overdue after this time, such as "PT4H"; None expects none.
    expected_within: timedelta | None = None


class InterchangeNumbers(_Record, frozen=True, kw_only=True):
    """Control references of interchanges we write (UNB 0020, an..14)."""

    low: int = 1
    high: int = 999_999_999
    #: Digits to fill with leading zeros; 0 for none.
    width: int = 0
    #: What counts on its own: a pair of identities (what receivers check duplicates by), or one agreement.
    scope: Literal["identities", "agreement"] = "identities"


class MessageNumbers(_Record, frozen=True, kw_only=True):
    """References of messages we write (UNH 0062, an..14)."""

    low: int = 1
    high: int = 999_999_999
    width: int = 0
    #: "interchange" starts again with each interchange.
    scope: Literal["interchange", "identities", "agreement"] = "interchange"


class ControlNumbers(_Record, frozen=True, kw_only=True):
    """Ranges of control numbers."""

    interchange: InterchangeNumbers = InterchangeNumbers()
    message: MessageNumbers = MessageNumbers()


class Writing(_Record, frozen=True, kw_only=True):
    """How interchanges to the partner are written."""

    #: UNB S001: 0001 and 0002.
    charset: str = "UNOC"
    syntax_version: Literal["1", "2", "3", "4"] = "3"
    #: `separators.una = true` writes UNA even where the separators are the default ones.
    separators: Separators = Separators()
    #: A line break after each segment, for people.
    line_breaks: bool = False
    #: Lower case letters under UNOA, which does not have them and most partners take.
    lower_case: bool = False
    #: UNB 0026 and 0032.
    application_reference: str = ""
    agreement_id: str = ""
    #: Association assigned code of the messages (UNH 0057), such as "EAN007".
    association: str = ""
    #: Name of the file, of fields of `FILE_NAME_FIELDS`.
    file_name: str = "{message}_{control_reference}.edi"


#: What `Writing.file_name` may name. Times are UTC, such as 20261123 and 142530.
FILE_NAME_FIELDS = frozenset({"partner", "message", "control_reference", "document_number", "date", "time"})


class Schedule(_Record, frozen=True, kw_only=True):
    """When outbound documents are looked for."""

    #: Five fields, or six with the seconds first.
    cron: str
    #: IANA name; the partner's where empty.
    time_zone: str = ""


class Policies(_Record, frozen=True, kw_only=True):
    """How documents of the agreement are treated on our side."""

    #: Confirm the sales order after posting.
    confirm: bool = False
    #: Post the partner's prices; otherwise the ERP's price list decides.
    keep_prices: bool = True
    #: What a code is that the directory's list does not know; "auto" as `edi_server.guides.check` says.
    code_severity: Literal["auto", "error", "warning", "off"] = "auto"
    #: Within how many days the same control reference from the same sender is a duplicate.
    duplicate_window_days: int = 30


class Terms(_Record, frozen=True, kw_only=True):
    """An agreement as its table in the partner file says it, with the partner's defaults filled in."""

    direction: Direction
    #: Message type on the envelope (UNH 0065), such as "ORDERS".
    message: str
    #: Directory versions accepted, such as "D.96A"; outbound: the first is written.
    versions: tuple[str, ...]
    #: Type of the canonical document, such as "Order".
    document: str
    #: Name of the base profile, or a table: `extends` names the base, the rest are overrides.
    profile: str | dict[str, Any]
    #: May stay away where there is only one.
    company: str = ""
    erp: str = ""
    state: State = "draft"
    #: The test lane: UNB 0035 = 1.
    test: bool = False
    #: Narrows the agreement to one identity of ours or theirs ("14:4012345000009"); outbound: the one that is written.
    own_identity: Identity | None = None
    partner_identity: Identity | None = None
    #: In which dates without a zone are meant; the partner's where empty.
    time_zone: str = ""
    acknowledgments: Acknowledgments = Acknowledgments()
    writing: Writing = Writing()
    control_numbers: ControlNumbers = ControlNumbers()
    schedule: Schedule | None = None
    policies: Policies = Policies()


class Partner(_Record, frozen=True, kw_only=True):
    """A trading partner: one file `partners/<name>.toml`."""

    name: str
    display_name: str
    identities: tuple[Identity, ...]
    #: Folder below inbox/ and outbox/ (later: account, AS2 name).
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
    #: File it came from, and the line of each key below its `profile` table, for `explain` and error messages.
    file: str = ""
    profile_lines: dict[str, int] = {}

    @property
    def id(self) -> str:
        """Unique name, such as "nordmarkt/orders-in"."""
        return f"{self.partner.name}/{self.key}"

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


class Parties(_Record, frozen=True, kw_only=True):
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
    before, colon, after = text.partition(":")
    qualifier, rest = (before, after) if colon else ("", before)
    name, _, routing = rest.partition(":")
    if not name or len(name) > 35 or len(qualifier) > 4 or len(routing) > 35:
        raise ValueError(f"'{text}' is no identity: write qualifier:id, such as 14:4012345000009, or just an id")
    return Identity(id=name, qualifier=qualifier, routing=routing)


def matches(one: Identity, other: Identity) -> bool:
    """True if both name the same party.

    Ids must be equal letter for letter; qualifiers must be equal too, unless one side states none: partners leave 0007
    out as often as they put it in, and an id is agreed between two companies anyway. Routing (0008) is not compared:
    it says where in the house a message goes, not who it is from.
    """
    same_qualifier = one.qualifier == other.qualifier or not one.qualifier or not other.qualifier
    return one.id == other.id and same_qualifier
