"""What was agreed for AS2, as the transport works with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.x509 import Certificate

from edi_server.config import Configuration
from edi_server.engine.network_secrets import read_text, tls_of
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.partners.exchange import As2
from edi_server.transports.as2.answering import Relation
from edi_server.transports.as2.certificates import read_certificate, read_own_key
from edi_server.transports.as2.encryption import OwnKey
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Quirks, Terms
from edi_server.transports.as2.transport import Line


class OwnAgreed(msgspec.Struct, frozen=True, kw_only=True):
    """A key of ours, and from when on it signs."""

    key: OwnKey
    #: As the configuration names it.
    file: str
    #: None where it is due from its beginning.
    sign_from: datetime | None

    @property
    def due(self) -> datetime:
        """From when on it signs, unless one that is due later does."""
        return self.sign_from or self.key.certificate.not_valid_before_utc

    def signs(self, now: datetime) -> bool:
        """True while it can be signed with."""
        return self.due <= now <= self.key.certificate.not_valid_after_utc


def read_own(configuration: Configuration) -> tuple[OwnAgreed, ...]:
    """Our keys as they are configured. Raises ConfigurationError."""
    found = []
    for one in configuration.settings.transports.as2.keys:
        passphrase = configuration.secrets.resolve(one.passphrase.secret) if one.passphrase else ""
        key = read_own_key(Path(one.certificate), Path(one.private_key), passphrase)
        _check_date(one.sign_from, key.certificate, f"{one.certificate}: sign_from")
        found.append(OwnAgreed(key=key, file=one.certificate, sign_from=one.sign_from))
    return tuple(found)


def in_order(own: Iterable[OwnAgreed], now: datetime) -> list[OwnAgreed]:
    """The one to sign with first: of those that are due and valid, the one that is due the shortest."""

    def rank(one: OwnAgreed) -> tuple[bool, float]:
        is_due = one.signs(now)
        return is_due, one.due.timestamp() if is_due else -one.due.timestamp()

    return sorted(own, key=rank, reverse=True)


def partner_certificates(partner: Partner, configuration: Configuration) -> tuple[PartnerCertificate, ...]:
    """The partner's certificates. Raises ConfigurationError."""
    folder = Path(configuration.settings.paths.partners)
    agreed = partner.as2.certificates if partner.as2 else ()
    read = tuple(PartnerCertificate(read_certificate(folder / one.file), one.encrypt_from) for one in agreed)
    for one, certificate in zip(agreed, read, strict=True):
        _check_date(one.encrypt_from, certificate.certificate, f"{one.file}: encrypt_from")
    return read


def _check_date(at: datetime | None, certificate: Certificate, what: str) -> None:
    """Raises ConfigurationError where the certificate cannot be switched to at that time."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at is not None and not begins <= at < ends:
        raise ConfigurationError(
            f"{what}: {at:%Y-%m-%d %H:%M %Z} is outside of what the certificate is valid for, "
            f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"
        )


def line_of(partner: Partner, own: tuple[OwnKey, ...], configuration: Configuration) -> Line:
    """How the partner is reached, and what was agreed. Raises ConfigurationError."""
    agreed = partner.as2
    if agreed is None:
        raise ConfigurationError(f"{partner.name} has no [as2] in its partner file")
    url = configuration.settings.transports.as2.url
    if agreed.receipt == "async" and agreed.url and not url:
        raise ConfigurationError("their receipts come on their own, so transports.as2.url must say where we are")
    if agreed.url and agreed.sign != "no" and not own:
        raise ConfigurationError("nothing can be signed: transports.as2.keys names no key of ours")
    keys = Keys(own=own, partner=partner_certificates(partner, configuration))
    login = agreed.login
    return Line(
        relation=Relation(mailbox=partner.mailbox, terms=terms_of(agreed), keys=keys),
        tls=tls_of(agreed.tls, configuration),
        login=(login.user, read_text(login.password, configuration)) if login else None,
        seconds=agreed.seconds,
        own_url=url,
        receipt_within=agreed.receipt_within.total_seconds(),
    )


def terms_of(agreed: As2) -> Terms:
    """What was agreed, as the transport has it."""
    return Terms(
        own_name=agreed.own_name,
        partner_name=agreed.partner_name,
        url=agreed.url,
        sign=None if agreed.sign == "no" else agreed.sign,
        pss=agreed.pss,
        encrypt=None if agreed.encrypt == "no" else agreed.encrypt,
        key_transport=agreed.key_transport,
        compress=agreed.compress,
        must_sign=agreed.must_sign,
        must_encrypt=agreed.must_encrypt,
        receipt=agreed.receipt,
        receipt_signed=agreed.receipt_signed,
        receipt_urls=agreed.receipt_urls,
        content_type=agreed.content_type,
        quirks=Quirks(**msgspec.structs.asdict(agreed.quirks)),
    )
