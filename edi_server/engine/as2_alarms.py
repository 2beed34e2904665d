"""When AS2 will be without a certificate: the first gap in what signs, reads, encrypts and verifies, and its alarm.

Overlap is no alarm, and a certificate that lasts for years is no comfort where none holds before it begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import Certificate

from edi_server.engine.as2_agreed import OwnAgreed
from edi_server.transports.as2.certificates import fingerprint, name_of
from edi_server.transports.as2.terms import Keys, Terms

#: Days before a gap at which it is an alarm; 0 is the last day, and from then on.
ALARM_DAYS = (60, 30, 7, 0)
CAUSES = tuple(f"as2-certificate-{days}-days" for days in ALARM_DAYS)


class Span(msgspec.Struct, frozen=True):
    """How long a certificate can be used for something."""

    begins: datetime
    ends: datetime
    certificate: Certificate


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """The first moment at which a certificate is missing for something."""

    #: What is lacking then, such as "we have none to sign with".
    lacking: str
    at: datetime
    #: The one that ends there; None where none can be used now.
    last: Certificate | None
    #: When there is one again; None for never.
    until: datetime | None

    @property
    def is_now(self) -> bool:
        """True where something cannot be done any more, or not yet."""
        return self.last is None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A gap that is near."""

    #: One of `CAUSES`.
    cause: str
    sentence: str
    #: Tells this alarm from the next one of the same cause.
    key: str


def own_gap(own: Iterable[OwnAgreed], now: datetime) -> Gap | None:
    """When we first have none to sign with, or partners none to encrypt for us with; None without any key."""
    keys = list(own)
    if not keys:
        return None
    signing = [_span(one.key.certificate, one.due) for one in keys]
    reading = [_span(one.key.certificate) for one in keys]
    return _first(
        ("we have none to sign with", signing), ("partners have none to encrypt for us with", reading), now=now
    )


def partner_gap(keys: Keys, terms: Terms, now: datetime) -> Gap | None:
    """When we first have none to verify or encrypt for the partner with; None where it has no certificate at all."""
    if not keys.partner:
        return None
    encrypting = [_span(one.certificate, one.encrypt_from) for one in keys.partner if _can_encrypt(one.certificate)]
    verifying = [_span(one.certificate) for one in keys.partner]
    needed = [("we have none to verify what they sign", verifying)]
    if terms.url and terms.encrypt:
        needed.append(("we have none to encrypt for them with", encrypting))
    return _first(*needed, now=now)


def _can_encrypt(certificate: Certificate) -> bool:
    """True for RSA; with other keys certificates only verify."""
    return isinstance(certificate.public_key(), rsa.RSAPublicKey)


def _span(certificate: Certificate, switched: datetime | None = None) -> Span:
    begins = certificate.not_valid_before_utc
    return Span(max(begins, switched or begins), certificate.not_valid_after_utc, certificate)


def _first(*needed: tuple[str, list[Span]], now: datetime) -> Gap:
    gaps = [_gap(lacking, spans, now) for lacking, spans in needed]
    first = min(gaps, key=lambda one: one.at)
    lacking = " and ".join(one.lacking for one in gaps if one.at == first.at)
    return msgspec.structs.replace(first, lacking=lacking)


def _gap(lacking: str, spans: list[Span], now: datetime) -> Gap:
    """Where the spans that begin with one of now come to an end."""
    at, last = now, None
    while holding := [one for one in spans if one.begins <= at < one.ends]:
        longest = max(holding, key=lambda one: one.ends)
        at, last = longest.ends, longest.certificate
    until = min((one.begins for one in spans if one.begins > at), default=None)
    return Gap(lacking=lacking, at=at, last=last, until=until)


def days_until(gap: Gap, now: datetime) -> int:
    """Full days that are left, 0 on the last one and from then on."""
    return max((gap.at - now).days, 0)


def told_of(gap: Gap, now: datetime) -> str:
    """The gap in a sentence, without who it is about."""
    again = f" The next one can be used from {gap.until:%Y-%m-%d %H:%M} UTC." if gap.until else ""
    if gap.last is None:
        return f"No AS2 certificate can be used now: {gap.lacking}.{again}"
    days = days_until(gap, now)
    when = f"ends in {days} day{'s' if days != 1 else ''}" if days else "ends within a day"
    return (
        f"The AS2 certificate {name_of(gap.last)} ({fingerprint(gap.last)[:23]}…) {when}, on "
        f"{gap.at:%Y-%m-%d %H:%M} UTC, and none takes its place: then {gap.lacking}.{again}"
    )


def alarm_of(gap: Gap, now: datetime) -> Alarm | None:
    """The alarm that is due for a gap."""
    days = days_until(gap, now)
    due = min((one for one in ALARM_DAYS if days <= one), default=None)
    if due is None:
        return None
    when = f"{gap.at:%Y-%m-%d %H:%M}" if gap.last else "now"
    return Alarm(cause=f"as2-certificate-{due}-days", sentence=told_of(gap, now), key=f"{due} {when}")
