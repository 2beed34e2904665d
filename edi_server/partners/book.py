"""The book: every partner and agreement, and the answers to "who sent this, and what was agreed?".

A book never changes; loading again gives a new one. How a message finds its agreement (the model's rule "who sent it"):

1. the mailbox it came by belongs to a partner, and the sender on the envelope is one of that partner's identities;
2. the recipient on the envelope is an identity of one of our companies;
3. exactly one inbound agreement of the two is for that message type, directory version and test indicator.

Identities match by `edi_server.partners.model.matches`. Agreements in state `draft` never fit. That no two fit the same
message is checked when the book is loaded, so step 3 can only find one or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

from edi_server.envelope.model import Identity
from edi_server.errors import ConfigurationError
from edi_server.findings import Finding
from edi_server.partners.file import check_companies, read_partner
from edi_server.partners.model import Agreement, Company, Parties, Partner, matches

T = TypeVar("T")
Reason = Literal[
    "unknown-mailbox",
    "unknown-sender",
    "sender-of-other-mailbox",
    "unknown-recipient",
    "no-agreement",
    "version-not-agreed",
    "lane-not-agreed",
    "agreement-paused",
]


class Unmatched(msgspec.Struct, frozen=True, kw_only=True):
    """Why no agreement fits: what the case about it says."""

    reason: Reason
    finding: Finding
    #: Owner of the mailbox, the only one who may be told; None where the mailbox is nobody's.
    owner: Partner | None = None
    #: The agreement that almost fits, where there is one.
    agreement: Agreement | None = None


class Book(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Partners, agreements and companies at one moment."""

    companies: dict[str, Company]
    partners: dict[str, Partner]
    agreements: tuple[Agreement, ...]
    #: SHA-256 of what was loaded: another digest means another book.
    digest: str = ""

    @classmethod
    def load(cls, folder: Path, companies: Mapping[str, Company]) -> Book:
        """Read every `*.toml` of the folder. A folder that is absent is an empty book.

        Raises ConfigurationError with all problems of all files: unreadable files, wrong keys, mailboxes or identities
        with two owners, agreements that fit the same message.
        """
        check_companies(companies)
        paths = sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))
        partners: dict[str, Partner] = {}
        agreements: list[Agreement] = []
        problems: list[str] = []
        for path in paths:
            try:
                partner, agreed = read_partner(path, companies)
            except ConfigurationError as error:
                problems.append(str(error))
                continue
            partners[partner.name] = partner
            agreements += agreed
        problems += [*_shared(partners.values()), *_companies_as_partners(partners.values(), companies.values())]
        problems += _conflicts(agreements)
        if problems:
            raise ConfigurationError("\n".join(problems))
        digest = digest_of(folder, companies)
        return cls(companies=dict(companies), partners=partners, agreements=tuple(agreements), digest=digest)

    @cached_property
    def _by_mailbox(self) -> dict[str, Partner]:
        return {partner.mailbox: partner for partner in self.partners.values()}

    @cached_property
    def _by_identity(self) -> _Owners[Partner]:
        return _Owners((identity, partner) for partner in self.partners.values() for identity in partner.identities)

    @cached_property
    def _by_own_identity(self) -> _Owners[Company]:
        return _Owners((identity, company) for company in self.companies.values() for identity in company.identities)

    @cached_property
    def _of_partner(self) -> dict[str, list[Agreement]]:
        return _grouped(self.agreements, lambda agreement: agreement.partner.name)

    def partner_of_mailbox(self, mailbox: str) -> Partner | None:
        """The owner of a mailbox."""
        return self._by_mailbox.get(mailbox)

    def partner_of(self, identity: Identity) -> Partner | None:
        """The partner with that identity."""
        return self._by_identity.find(identity)

    def company_of(self, identity: Identity) -> Company | None:
        """Our company with that identity."""
        return self._by_own_identity.find(identity)

    def agreement(self, agreement_id: str) -> Agreement | None:
        """The agreement of that id, such as "nordmarkt/orders-in"."""
        return next((agreement for agreement in self.agreements if agreement.id == agreement_id), None)

    def parties_of(self, *, mailbox: str, sender: Identity, recipient: Identity) -> Parties | Unmatched:
        """Who an interchange is from and to (steps 1 and 2)."""
        owner = self.partner_of_mailbox(mailbox)
        if owner is None:
            sentence = f"The mailbox '{mailbox}' belongs to no trading partner."
            return _unmatched("unknown-mailbox", sentence, found=mailbox)
        if not _has(owner.identities, sender):
            return self._foreign(owner, sender)
        company = self.company_of(recipient)
        if company is None:
            sentence = f"The interchange is addressed to '{recipient}', which is none of our identities."
            return _unmatched("unknown-recipient", sentence, owner=owner, found=str(recipient))
        return Parties(partner=owner, company=company)

    def agreement_for(
        self,
        *,
        mailbox: str,
        sender: Identity,
        recipient: Identity,
        message: str,
        version: str,
        test: bool,
    ) -> Agreement | Unmatched:
        """The one inbound agreement that fits a message, or why none does. `version` (0052, 0054) such as "D.96A"."""
        parties = self.parties_of(mailbox=mailbox, sender=sender, recipient=recipient)
        if isinstance(parties, Unmatched):
            return parties
        agreed = [
            agreement
            for agreement in self._inbound(parties)
            if agreement.message == message and _fits(agreement, sender, recipient)
        ]
        if not agreed:
            sentence = f"There is no agreement with {parties.partner.display_name} to send {message or 'this message'}."
            return _unmatched("no-agreement", sentence, owner=parties.partner, found=message)
        return _in_lane(agreed, parties.partner, version, test=test)

    def outbound(self, *, partner: str, company: str, document: str, test: bool = False) -> Agreement | None:
        """The agreement by which a document of that type goes out, or None. Draft and paused ones send nothing."""
        return next(
            (
                agreement
                for agreement in self._of_partner.get(partner, ())
                if (agreement.company, agreement.document) == (company, document)
                and agreement.direction == "outbound"
                and agreement.test == test
                and agreement.state in ("testing", "live")
            ),
            None,
        )

    def scheduled(self) -> tuple[Agreement, ...]:
        """Outbound agreements that run on a schedule now."""
        return tuple(a for a in self.agreements if a.schedule is not None and a.state in ("testing", "live"))

    def _inbound(self, parties: Parties) -> Iterator[Agreement]:
        for agreement in self._of_partner.get(parties.partner.name, ()):
            ours = agreement.company == parties.company.name
            if ours and agreement.direction == "inbound" and agreement.state != "draft":
                yield agreement

    def _foreign(self, owner: Partner, sender: Identity) -> Unmatched:
        other = self.partner_of(sender)
        if other is None:
            sentence = f"The sender '{sender}' is not known to us as an identity of {owner.display_name}."
            return _unmatched("unknown-sender", sentence, owner=owner, found=str(sender))
        sentence = f"The sender '{sender}' is not an identity of {owner.display_name}, whose mailbox it came by."
        return _unmatched("sender-of-other-mailbox", sentence, owner=owner, found=str(sender))


def digest_of(folder: Path, companies: Mapping[str, Company]) -> str:
    """Digest of what a book would be loaded from; raises ConfigurationError if a file cannot be read."""
    digest = hashlib.sha256(msgspec.json.encode(dict(companies), order="sorted"))
    certificates = [path for path in folder.glob("certificates/**/[!.]*") if path.is_file()]
    for path in sorted([*folder.glob("*.toml"), *folder.glob("guidelines/*.toml"), *certificates]):
        try:
            digest.update(f"\n{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _in_lane(agreed: list[Agreement], owner: Partner, version: str, *, test: bool) -> Agreement | Unmatched:
    """The agreement for the version and lane among those for the message type."""
    message = agreed[0].message
    spoken = [agreement for agreement in agreed if version in agreement.versions]
    if not spoken:
        versions = ", ".join(sorted({one for agreement in agreed for one in agreement.versions}))
        sentence = f"{message} in version {version or '(none)'} is not agreed with {owner.display_name}."
        return _unmatched("version-not-agreed", sentence, owner=owner, found=version, expected=versions)
    lane = next((agreement for agreement in spoken if agreement.test == test), None)
    if lane is None:
        kind = "Test" if test else "Productive"
        sentence = f"{kind} traffic of {message} is not agreed with {owner.display_name}."
        return _unmatched("lane-not-agreed", sentence, owner=owner, found="1" if test else "0", agreement=spoken[0])
    if lane.state == "paused":
        sentence = f"The agreement with {owner.display_name} about {message} is paused."
        return _unmatched("agreement-paused", sentence, owner=owner, agreement=lane)
    return lane


def _unmatched(
    reason: Reason,
    sentence: str,
    *,
    owner: Partner | None = None,
    agreement: Agreement | None = None,
    found: str | None = None,
    expected: str | None = None,
) -> Unmatched:
    finding = Finding(code=f"partner.{reason}", severity="error", sentence=sentence, found=found, expected=expected)
    return Unmatched(reason=reason, finding=finding, owner=owner, agreement=agreement)


def _has(identities: Iterable[Identity], identity: Identity) -> bool:
    return any(matches(one, identity) for one in identities)


def _fits(agreement: Agreement, sender: Identity, recipient: Identity) -> bool:
    """True if the agreement is not narrowed to other identities than these."""
    partner, own = agreement.partner_identity, agreement.own_identity
    return (partner is None or matches(partner, sender)) and (own is None or matches(own, recipient))


class _Owners(Generic[T]):
    """Who has an identity."""

    def __init__(self, pairs: Iterable[tuple[Identity, T]]) -> None:
        self._by_id = _grouped(pairs, lambda pair: pair[0].id.rstrip())

    def find(self, identity: Identity) -> T | None:
        """The owner of an identity."""
        return next((owner for one, owner in self._by_id.get(identity.id.rstrip(), ()) if matches(one, identity)), None)

    def twice(self) -> Iterator[tuple[Identity, T, T]]:
        """Identities that two have."""
        for pairs in self._by_id.values():
            for (identity, owner), (other, second) in combinations(pairs, 2):
                if owner is not second and matches(identity, other):
                    yield identity, owner, second


def _grouped(items: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _shared(partners: Iterable[Partner]) -> Iterator[str]:
    """Mailboxes and identities with two owners. Mailboxes differ by more than case, for file systems without it."""
    partners = list(partners)
    for owners in _grouped(partners, lambda partner: partner.mailbox.casefold()).values():
        for other in owners[1:]:
            yield f"partners '{owners[0].name}' and '{other.name}' share the mailbox '{other.mailbox}'"
    identities = _Owners((identity, partner) for partner in partners for identity in partner.identities)
    for identity, one, other in identities.twice():
        yield f"partners '{one.name}' and '{other.name}' share the identity '{identity}'"
    for what, name_of in _NAMES:
        named = [partner for partner in partners if name_of(partner)]
        for owners in _grouped(named, lambda partner: name_of(partner).casefold()).values():  # noqa: B023 — used at once
            for other in owners[1:]:
                yield f"partners '{owners[0].name}' and '{other.name}' share the {what} '{name_of(other)}'"


#: Names that the outside knows partners by: none may mean two.
_NAMES: tuple[tuple[str, Callable[[Partner], str]], ...] = (
    ("SFTP user", lambda partner: (partner.sftp_account.user or partner.name) if partner.sftp_account else ""),
    ("account of the drop", lambda partner: (partner.drop.account or partner.name) if partner.drop else ""),
    ("AS2 names", lambda partner: f"{partner.as2.partner_name} > {partner.as2.own_name}" if partner.as2 else ""),
)


def _companies_as_partners(partners: Iterable[Partner], companies: Iterable[Company]) -> Iterator[str]:
    own = _Owners((identity, company) for company in companies for identity in company.identities)
    for partner in partners:
        for identity in partner.identities:
            if own.find(identity):
                yield f"partner '{partner.name}' has the identity '{identity}', which is our own"


def _conflicts(agreements: Iterable[Agreement]) -> Iterator[str]:
    """Agreements that fit the same message, or would send the same document; and counters with two ranges."""
    active = [agreement for agreement in agreements if agreement.state != "draft"]
    for same_partner in _grouped(active, lambda agreement: agreement.partner.name).values():
        for one, other in combinations(same_partner, 2):
            if _collide(one, other):
                what = "messages" if one.direction == "inbound" else "documents"
                yield f"{other.file}: agreements.{other.key}: fits the same {what} as '{one.key}'"
    for same_counter in _grouped(active, lambda agreement: agreement.interchange_counter).values():
        one = same_counter[0]
        for other in same_counter[1:]:
            for level in _other_ranges(one, other):
                where = f"{other.file}: agreements.{other.key}.control_numbers.{level}"
                yield f"{where}: '{one.id}' counts the same control references with another range"


def _other_ranges(one: Agreement, other: Agreement) -> Iterator[str]:
    """Levels at which two agreements that share a counter count with different ranges."""
    first, second = one.control_numbers, other.control_numbers
    if first.interchange != second.interchange:
        yield "interchange"
    if first.group.scope == second.group.scope == "identities" and first.group != second.group:
        yield "group"


def _collide(one: Agreement, other: Agreement) -> bool:
    if (one.direction, one.company, one.test) != (other.direction, other.company, other.test):
        return False
    if one.direction == "outbound":
        return one.document == other.document
    return (
        one.message == other.message
        and not set(one.versions).isdisjoint(other.versions)
        and _may_be_same(one.partner_identity, other.partner_identity)
        and _may_be_same(one.own_identity, other.own_identity)
    )


def _may_be_same(one: Identity | None, other: Identity | None) -> bool:
    return one is None or other is None or matches(one, other)
