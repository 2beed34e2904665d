"""Records shared by all canonical documents."""

from __future__ import annotations

import re
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

UTC = ZoneInfo("UTC")
NOON = time(12)


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of every canonical record: frozen, keyword only, compared by value; absent fields are left out of JSON."""


class When(Record, frozen=True, kw_only=True):
    """A date or time, exactly as precise as the partner gave it.

    A date stays a date, a time without zone stays without zone: what it means on the clock is decided where it is
    used, with the zone of the agreement (`moment`).
    """

    #: ISO 8601: "2026-11-23", "2026-11-23T10:30", "2026-11-23T10:30:15", "2026-11-23T10:30+01:00", "2026-11", "2026",
    #: "2026-W47", a period "2026-11-23/2026-11-30"; where `format` is set, the partner's own text.
    iso: str
    #: Only where the text could not be understood: the partner's code of the format (EDIFACT 2379), text kept in `iso`.
    format: str | None = None

    def date(self) -> date | None:
        """The (first) calendar day, or None if this is less precise than a day or was not understood."""
        day = self.iso[:10]
        if self.format is not None or not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            return None
        return date.fromisoformat(day)

    def moment(self, zone: tzinfo) -> datetime | None:
        """The instant in UTC: a bare date is 12:00 in `zone`, a time without zone is a time in `zone`."""
        day = self.date()
        if day is None:
            return None
        text = self.iso.partition("/")[0]
        stamp = datetime.combine(day, NOON) if len(text) == len("2026-11-23") else datetime.fromisoformat(text)
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=zone)).astimezone(UTC)


class Dated(Record, frozen=True):
    """A date whose meaning has no field of its own."""

    #: Qualifier in the partner's syntax (EDIFACT 2005, X12 374).
    kind: str
    when: When


class Reference(Record, frozen=True):
    """A reference to another document or number."""

    #: Qualifier in the partner's syntax (EDIFACT 1153, X12 128), such as "ON" or "CT".
    kind: str
    number: str
    #: Line of the referenced document.
    line: str | None = None
    when: When | None = None
    #: What it is, in words (X12 REF03).
    text: str | None = None
    kept: tuple[str, ...] = ()


class Note(Record, frozen=True, kw_only=True):
    """Free text."""

    #: Qualifier of the subject (EDIFACT 4451), such as "AAI".
    subject: str | None = None
    #: Lines joined by a line feed.
    text: str
    #: A standard text beside the free one, by its code (EDIFACT 4441), and whose list it is from (3055).
    code: str | None = None
    code_list: str | None = None
    #: What the text is for (EDIFACT 4453).
    function: str | None = None
    #: ISO 639 code.
    language: str | None = None


class Identifier(Record, frozen=True):
    """A number under which a party or an article is known, with the scheme it belongs to."""

    #: Code of the scheme in the partner's syntax (EDIFACT 7143 or 1153, X12 235 or 66).
    scheme: str
    value: str


class Contact(Record, frozen=True):
    """A person or department."""

    #: Function (EDIFACT 3139), such as "PD".
    role: str | None = None
    code: str | None = None
    name: str | None = None
    phone: str | None = None
    fax: str | None = None
    email: str | None = None
    #: Further ways to reach them, the scheme being the channel (EDIFACT 3155).
    channels: tuple[Identifier, ...] = ()
    kept: tuple[str, ...] = ()


class BankAccount(Record, frozen=True, kw_only=True):
    """Where to pay."""

    #: Whose account it is (EDIFACT 3035), such as "RB" (receiving bank).
    role: str | None = None
    #: IBAN or account number, and name of the holder.
    number: str | None = None
    holder: str | None = None
    #: BIC or bank code, whose list it is from (EDIFACT 3055), and name.
    bank: str | None = None
    bank_list: str | None = None
    bank_name: str | None = None
    #: ISO 3166 code.
    country: str | None = None
    kept: tuple[str, ...] = ()


class Party(Record, frozen=True):  # positional for generated readers: by keyword, each takes three times as long
    """A company or place taking part in the business."""

    #: Only in lists of other parties: qualifier in the partner's syntax (EDIFACT 3035, X12 98).
    role: str | None = None
    #: GS1 global location number, 13 digits.
    gln: str | None = None
    #: Number of the party in the scheme of somebody else (`code_list` names whose, EDIFACT 3055).
    code: str | None = None
    code_list: str | None = None
    #: Name lines joined by a line feed.
    name: str | None = None
    #: Address kept as unstructured lines (EDIFACT C058), never parsed.
    address: str | None = None
    street: str | None = None
    city: str | None = None
    postcode: str | None = None
    region: str | None = None
    #: ISO 3166 code.
    country: str | None = None
    vat: str | None = None
    references: tuple[Reference, ...] = ()
    contacts: tuple[Contact, ...] = ()
    #: Where to pay this party.
    accounts: tuple[BankAccount, ...] = ()
    kept: tuple[str, ...] = ()


class Quantity(Record, frozen=True):
    """A quantity whose meaning has no field of its own."""

    #: Qualifier in the partner's syntax (EDIFACT 6063).
    kind: str
    value: Decimal
    unit: str | None = None


class Amount(Record, frozen=True):
    """An amount of money whose meaning has no field of its own."""

    #: Qualifier in the partner's syntax (EDIFACT 5025).
    kind: str
    value: Decimal
    #: ISO 4217, where it is not the document's.
    currency: str | None = None


class Description(Record, frozen=True):
    """What an article is, in words or by the code of a characteristic."""

    #: How it is said (EDIFACT 7077): "F" free text, "C" code, …
    kind: str | None = None
    #: Which characteristic (EDIFACT 7081), such as "35" (colour).
    characteristic: str | None = None
    #: Code of the description (EDIFACT 7009), and whose list it is from (3055).
    code: str | None = None
    code_list: str | None = None
    #: Lines joined by a line feed.
    text: str | None = None
    #: ISO 639 code.
    language: str | None = None


class Location(Record, frozen=True):
    """A place with a role in the business."""

    #: Role (EDIFACT 3227), such as "7" (place of delivery).
    kind: str
    #: Code of the place, and whose list it is from (EDIFACT 3055).
    code: str | None = None
    code_list: str | None = None
    name: str | None = None
    kept: tuple[str, ...] = ()


class Measure(Record, frozen=True, kw_only=True):
    """A measured physical property."""

    #: What was measured (EDIFACT 6311), such as "AAE" or "WT".
    kind: str
    #: Which dimension (EDIFACT 6313), such as "G" (gross weight).
    dimension: str | None = None
    value: Decimal | None = None
    unit: str | None = None
