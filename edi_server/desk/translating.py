"""The dry run: a file as the documents that it would become for a partner, storing and posting nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from edi_server.canonical import Record
from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.desk.excerpts import Pointed, Pointing, ReadRange
from edi_server.desk.inspecting import NotEdi, not_edi, point_all
from edi_server.engine.checking import check_message, guideline_of, translate_message
from edi_server.engine.corridor import load_agreed_profile
from edi_server.envelope.model import (
    InterchangeHeader,
    InterchangeOpened,
    MessageHeader,
    MessageRead,
)
from edi_server.envelope.opening import open_interchanges
from edi_server.findings import Finding
from edi_server.partners import Agreement, Book, Partner, Unmatched
from edi_server.syntax.sniff import ENOUGH, sniff
from edi_server.translation import Coverage, Profile


class EnvelopeRead(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about an interchange or group, or beside them."""

    #: UNB 0020, or "" outside any interchange.
    interchange: str
    findings: tuple[Pointed, ...]


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A message and the document it would become."""

    #: UNB 0020 and number of the message in its interchange, the first being 1.
    interchange: str
    number: int
    header: MessageHeader
    #: Agreement by which it was read, such as "nordmarkt/orders-in"; None if none fits.
    agreement: str | None
    profile: str | None
    profile_version: str | None
    #: Document type, such as "Order".
    type: str | None
    document: Record | None
    findings: tuple[Pointed, ...]
    #: What of the message the document says, and what not.
    coverage: Coverage | None

    @property
    def is_invalid(self) -> bool:
        """True if it would wait for a person."""
        return self.document is None or any(one.finding.severity == "error" for one in self.findings)


class DryRun:
    """Translates files of one partner. Raises ConfigurationError and NotPossible when made; later for no bytes."""

    def __init__(self, configuration: Configuration, partner: str, agreement: str | None = None) -> None:
        self._configuration = configuration
        self._book: Book = configuration.load_book()
        self._partner = find_partner(self._book, partner)
        self._forced = find_agreement(self._book, self._partner, agreement) if agreement else None
        self._profiles: dict[str, Profile] = {}

    def translate(self, source: BinaryIO, read_range: ReadRange) -> Iterator[EnvelopeRead | Rendered | NotEdi]:
        """What a file becomes, message by message. Raises ConfigurationError if an agreement's profile is wrong."""
        kind = sniff(read_range(0, ENOUGH))
        if kind.syntax not in ("edifact", "x12"):
            yield not_edi(kind)
            return
        header: InterchangeHeader | None = None
        pointing = Pointing(read_range)
        for event in open_interchanges(source):
            if isinstance(event, InterchangeOpened):
                header = event.header
                pointing = Pointing(read_range, header.separators, header.charset)
            if isinstance(event, MessageRead) and header is not None:
                yield self._render(event, header, pointing)
            elif event.findings:
                reference = header.control_reference if header else ""
                yield EnvelopeRead(interchange=reference, findings=point_all(pointing, event.findings))

    def _render(self, message: MessageRead, header: InterchangeHeader, pointing: Pointing) -> Rendered:
        agreement = self._agreement(message, header)
        if isinstance(agreement, Unmatched):
            findings = (*check_message(message).findings, agreement.finding)
            return _untranslated(message, header, findings, pointing)
        checked = check_message(message, policies=agreement.policies, guideline=guideline_of(agreement))
        profile = self._profile(agreement)
        translated = translate_message(checked, profile)
        return Rendered(
            interchange=header.control_reference,
            number=message.number,
            header=message.header,
            agreement=agreement.id,
            profile=profile.name,
            profile_version=profile.version,
            type=agreement.document,
            document=translated.document,
            findings=point_all(pointing, (*checked.findings, *translated.findings)),
            coverage=translated.not_carried or None,
        )

    def _agreement(self, message: MessageRead, header: InterchangeHeader) -> Agreement | Unmatched:
        if self._forced is not None:
            return self._forced
        return self._book.agreement_for(
            mailbox=self._partner.mailbox,
            sender=header.sender,
            recipient=header.recipient,
            message=message.header.type,
            version=message.header.directory,
            test=header.test,
        )

    def _profile(self, agreement: Agreement) -> Profile:
        if agreement.id not in self._profiles:
            self._profiles[agreement.id] = load_agreed_profile(self._configuration, agreement)
        return self._profiles[agreement.id]


def _untranslated(
    message: MessageRead, header: InterchangeHeader, findings: tuple[Finding, ...], pointing: Pointing
) -> Rendered:
    return Rendered(
        interchange=header.control_reference,
        number=message.number,
        header=message.header,
        agreement=None,
        profile=None,
        profile_version=None,
        type=None,
        document=None,
        findings=point_all(pointing, findings),
        coverage=None,
    )


def find_partner(book: Book, name: str) -> Partner:
    """The partner of that name; raises NotPossible."""
    partner = book.partners.get(name)
    if partner is None:
        raise NotPossible(f"There is no partner “{name}”; there are: {', '.join(book.partners) or 'none'}.")
    return partner


def find_agreement(book: Book, partner: Partner, name: str) -> Agreement:
    """The partner's agreement of that key, id, document or message type; raises NotPossible."""
    own = [agreement for agreement in book.agreements if agreement.partner.name == partner.name]
    by_key = [agreement for agreement in own if name in (agreement.key, agreement.id)]
    wanted = name.lower()
    meant = by_key or [
        agreement
        for agreement in own
        if wanted in (agreement.document.lower(), agreement.message.lower(), agreement.profile_name.lower())
    ]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(agreement.key for agreement in meant or own) or "none"
    what = f"“{name}” may mean several agreements" if meant else f"There is no agreement “{name}”"
    raise NotPossible(f"{what} with {partner.name}; choose one of: {listed}.")
