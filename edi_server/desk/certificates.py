"""Certificates of AS2: the partners' are taken in, all are shown with their dates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from edi_server.config import Configuration
from edi_server.desk.actions import open_store
from edi_server.desk.actors import Actor, NotPossible, demand
from edi_server.desk.connections import partner_named
from edi_server.desk.presence import is_daemon_running
from edi_server.engine.as2_agreed import in_order, partner_certificates, read_own, terms_of
from edi_server.engine.as2_alarms import Gap, alarm_of, own_gap, partner_gap
from edi_server.errors import ConfigurationError
from edi_server.partners import Partner
from edi_server.store import Subject
from edi_server.transports.as2.certificates import LEAST_BITS, certificate_as, fingerprint, name_of, read_certificate
from edi_server.transports.as2.terms import Keys, is_valid
from edi_server.transports.durable_file import write_durably


class CertificateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that AS2 uses."""

    #: Partner's name; None for ours.
    partner: str | None
    #: What it does now: "signs", "encrypts", "verifies", "reads", "not valid".
    use: str
    name: str
    begins: datetime
    ends: datetime
    #: Full days until it ends; negative since.
    days_left: int
    #: SHA-256, to be compared on the telephone.
    fingerprint: str
    file: str
    #: From when on we sign with it, or encrypt for it, where that is agreed.
    switch_at: datetime | None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written, or a partner file that was added to."""

    file: str
    fingerprint: str
    sentence: str


def list_certificates(configuration: Configuration) -> list[CertificateRow]:
    """Ours first, then the partners'. Raises ConfigurationError where one cannot be read."""
    now = datetime.now(UTC)
    rows = _own_rows(configuration, now)
    for partner in configuration.load_book().partners.values():
        rows += _partner_rows(partner, configuration, now)
    return rows


def certificate_alarms(configuration: Configuration) -> list[str]:
    """Where a certificate is missing, or will be within 60 days, each in a sentence that says about whom.

    Raises ConfigurationError where one cannot be read.
    """
    now = datetime.now(UTC)
    ours = _alarm("Ours", own_gap(read_own(configuration), now), now)
    partners = configuration.load_book().partners.values()
    theirs = [_alarm(one.name, _partner_gap(one, configuration, now), now) for one in partners]
    return [one for one in (ours, *theirs) if one]


def _alarm(about: str, gap: Gap | None, now: datetime) -> str:
    alarm = alarm_of(gap, now) if gap else None
    return f"{about}: {alarm.sentence}" if alarm else ""


def _partner_gap(partner: Partner, configuration: Configuration, now: datetime) -> Gap | None:
    if partner.as2 is None:
        return None
    return partner_gap(Keys((), partner_certificates(partner, configuration)), terms_of(partner.as2), now)


def _own_rows(configuration: Configuration, now: datetime) -> list[CertificateRow]:
    rows = []
    for index, own in enumerate(in_order(read_own(configuration), now)):
        use = "signs" if index == 0 and own.signs(now) else "reads"
        row = _row(own.key.certificate, now, partner=None, use=use, file=own.file, switch_at=own.sign_from)
        rows.append(row)
    return rows


def _partner_rows(partner: Partner, configuration: Configuration, now: datetime) -> list[CertificateRow]:
    certificates = partner_certificates(partner, configuration)
    encrypting = Keys((), certificates).encrypting(now)
    files = [one.file for one in partner.as2.certificates] if partner.as2 else []
    return [
        _row(
            one.certificate,
            now,
            partner=partner.name,
            use="encrypts" if one.certificate == encrypting else "verifies",
            file=file,
            switch_at=one.encrypt_from,
        )
        for one, file in zip(certificates, files, strict=True)
    ]


def _row(
    certificate: x509.Certificate,
    now: datetime,
    *,
    partner: str | None,
    use: str,
    file: str,
    switch_at: datetime | None,
) -> CertificateRow:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return CertificateRow(
        partner=partner,
        use=use if begins <= now <= ends else "not valid",
        name=name_of(certificate),
        begins=begins,
        ends=ends,
        days_left=(ends - now).days,
        fingerprint=fingerprint(certificate),
        file=file,
        switch_at=switch_at,
    )


def import_certificate(
    configuration: Configuration, name: str, file: Path, *, encrypt_from: datetime | None, actor: Actor
) -> Written:
    """Take in a partner's certificate beside those that there are: it verifies at once, and encrypts from a date on.

    Raises NotPossible, ConfigurationError, and NotAllowed.
    """
    demand(actor, "import certificate")
    partner = partner_named(configuration, name)
    if partner.as2 is None:
        raise NotPossible(f"{name} has no [as2] in its partner file; write down what was agreed first.")
    certificate, now = read_certificate(file), datetime.now(UTC)
    _refuse_useless(partner, configuration, certificate, now)
    _insist_on_date(partner, configuration, encrypt_from, now)
    _refuse_date(certificate, encrypt_from)
    _add(configuration, name, certificate, encrypt_from)
    switched = f"; we encrypt for it from {encrypt_from.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if encrypt_from else ""
    sentence = f"{name_of(certificate)} (SHA-256 {fingerprint(certificate)}) is {name}'s now{switched}."
    _note(configuration, name, sentence, actor)
    sentence += _when_used(configuration) + _gap_left(configuration, name, now)
    return Written(file=_file_name(name, certificate), fingerprint=fingerprint(certificate), sentence=sentence)


def _refuse_useless(
    partner: Partner, configuration: Configuration, certificate: x509.Certificate, now: datetime
) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
        raise NotPossible(f"Its key cannot be used: AS2 needs RSA of {LEAST_BITS} bits or more.")
    if certificate.not_valid_after_utc < now:
        raise NotPossible(f"It ended on {certificate.not_valid_after_utc:%Y-%m-%d}; ask for a new one.")
    if any(row.fingerprint == fingerprint(certificate) for row in _partner_rows(partner, configuration, now)):
        raise NotPossible(f"{partner.name} has it already.")


def _insist_on_date(
    partner: Partner, configuration: Configuration, encrypt_from: datetime | None, now: datetime
) -> None:
    """Where there is another one that lasts, only a person can say which is to be encrypted for."""
    there = [one.certificate for one in partner_certificates(partner, configuration)]
    lasting = [one for one in there if now <= one.not_valid_after_utc]
    if not lasting or encrypt_from is not None:
        return
    begins = min(one.not_valid_before_utc for one in lasting)
    when = "is valid now" if any(is_valid(one, now) for one in lasting) else f"begins on {begins:%Y-%m-%d}"
    raise NotPossible(
        f"{partner.name} has a certificate that {when}. Say by --encrypt-from when they switch to the new one, "
        "such as 2027-01-01, or “now”."
    )


def _refuse_date(certificate: x509.Certificate, encrypt_from: datetime | None) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if encrypt_from is not None and not begins <= encrypt_from < ends:
        valid = f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"
        raise NotPossible(f"It is valid from {valid}; say a date between by --encrypt-from.")


def _when_used(configuration: Configuration) -> str:
    settings = configuration.settings
    if is_daemon_running(Path(settings.paths.data)):
        return f" The daemon that runs reads it within {settings.transports.folder.scan_seconds:g} s."
    return " No daemon runs here; the next one to start reads it."


def _gap_left(configuration: Configuration, name: str, now: datetime) -> str:
    """What is still missing, now that the certificate is there."""
    gap = _partner_gap(partner_named(configuration, name), configuration, now)
    alarm = alarm_of(gap, now) if gap else None
    return f" {alarm.sentence}" if alarm else ""


def _add(configuration: Configuration, name: str, certificate: x509.Certificate, encrypt_from: datetime | None) -> None:
    """The certificate beside the partner file, and its lines at the end of it; neither, if they cannot be read so."""
    folder = Path(configuration.settings.paths.partners)
    file, partner_file = folder / _file_name(name, certificate), folder / f"{name}.toml"
    lines = f'\n[[as2.certificates]]\nfile = "{_file_name(name, certificate)}"\n'
    if encrypt_from is not None:
        lines += f"encrypt_from = {encrypt_from.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
    before = partner_file.read_bytes()
    write_durably(file, certificate_as(certificate, ".pem"))
    file.chmod(0o644)
    write_durably(partner_file, before.rstrip() + b"\n" + lines.encode())
    try:
        configuration.load_book()
    except ConfigurationError as error:
        write_durably(partner_file, before)
        file.unlink()
        raise NotPossible(f"{partner_file} cannot be added to by itself ({error}); add there:\n{lines}") from error


def _file_name(name: str, certificate: x509.Certificate) -> str:
    digits = fingerprint(certificate).replace(":", "")[:8].lower()
    return f"certificates/{name}-{certificate.not_valid_after_utc:%Y-%m-%d}-{digits}.pem"


def _note(configuration: Configuration, name: str, sentence: str, actor: Actor) -> None:
    """In the partner's timeline, if the daemon ever ran here."""
    try:
        with open_store(configuration) as store, store.begin() as work:
            work.timeline.add(Subject("partner", name), "certificate imported", detail=sentence, actor=actor.name)
    except NotPossible:
        return
