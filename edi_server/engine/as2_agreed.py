"""What was agreed for AS2, as the transport works with it; and the certificates that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from edi_server.config import Configuration
from edi_server.engine.network_secrets import read_text, tls_of
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.partners.exchange import As2
from edi_server.transports.as2.certificates import fingerprint, name_of, read_certificate, read_own_key
from edi_server.transports.as2.encryption import OwnKey
from edi_server.transports.as2.station import Relation
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Quirks, Terms
from edi_server.transports.as2.transport import Line

#: Days before its end at which the last certificate of a partner, or ours, is an alarm.
ALARM_DAYS = (60, 30, 7, 0)


def own_keys(configuration: Configuration, now: datetime) -> tuple[OwnKey, ...]:
    """Our keys, the one to sign with first: of those that are due and valid, the one that is due the shortest.

    Raises ConfigurationError.
    """
    agreed = configuration.settings.transports.as2.keys
    read = [
        read_own_key(
            Path(one.certificate),
            Path(one.private_key),
            configuration.secrets.resolve(one.passphrase.secret) if one.passphrase else "",
        )
        for one in agreed
    ]
    starts = [one.sign_from or own.certificate.not_valid_before_utc for one, own in zip(agreed, read, strict=True)]

    def rank(index: int) -> tuple[bool, float]:
        is_due = starts[index] <= now <= read[index].certificate.not_valid_after_utc
        return is_due, starts[index].timestamp() if is_due else -starts[index].timestamp()

    return tuple(read[index] for index in sorted(range(len(read)), key=rank, reverse=True))


def partner_certificates(partner: Partner, configuration: Configuration) -> tuple[PartnerCertificate, ...]:
    """The partner's certificates. Raises ConfigurationError."""
    folder = Path(configuration.settings.paths.partners)
    agreed = partner.as2.certificates if partner.as2 else ()
    return tuple(PartnerCertificate(read_certificate(folder / one.file), one.encrypt_from) for one in agreed)


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
        relation=Relation(mailbox=partner.mailbox, terms=_terms(agreed), keys=keys),
        tls=tls_of(agreed.tls, configuration),
        login=(login.user, read_text(login.password, configuration)) if login else None,
        seconds=agreed.seconds,
        own_url=url,
    )


def _terms(agreed: As2) -> Terms:
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


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that ends soon, or (`is_over`) no longer matters."""

    #: Partner's name, or ":us".
    about: str
    cause: str
    sentence: str = ""
    is_over: bool = False


def alarms(
    partners: Iterable[Partner], lines: Mapping[str, Line], configuration: Configuration, now: datetime
) -> list[Alarm]:
    """The alarms that are due now, and those that are over. Only who ends last counts: overlap is no alarm."""
    ends = []
    for partner in partners:
        line = lines.get(partner.mailbox)
        certificates = [one.certificate for one in line.relation.keys.partner] if line else []
        if certificates:
            ends.append((partner.name, "Their", max(certificates, key=lambda one: one.not_valid_after_utc)))
    own = [one.certificate for one in own_keys(configuration, now)] if lines else []
    if own:
        ends.append((":us", "Our", max(own, key=lambda one: one.not_valid_after_utc)))
    found = []
    for about, whose, certificate in ends:
        left = (certificate.not_valid_after_utc - now).total_seconds() / 86400
        due = min((days for days in ALARM_DAYS if left <= days), default=None)
        for days in ALARM_DAYS:
            cause = f"as2-certificate-{days}-days"
            if days == due:
                when = "has ended" if left <= 0 else f"ends in {int(left)} days"
                sentence = (
                    f"{whose} last AS2 certificate, {name_of(certificate)} ({fingerprint(certificate)[:23]}…), {when}, "
                    f"on {certificate.not_valid_after_utc:%Y-%m-%d}; exchange a new one in time."
                )
                found.append(Alarm(about=about, cause=cause, sentence=sentence))
            elif due is None or days < due:
                found.append(Alarm(about=about, cause=cause, is_over=True))
    return found
