"""Our own certificates of AS2: made, and given away before we sign with them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec
from cryptography import x509

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.desk.certificates import Written
from edi_server.engine.as2_agreed import OwnAgreed, in_order, read_own
from edi_server.engine.as2_alarms import own_gap
from edi_server.errors import ConfigurationError
from edi_server.transports.as2.certificates import (
    certificate_as,
    fingerprint,
    key_to_pem,
    make_own_key,
    name_of,
    to_p12,
)
from edi_server.transports.as2.encryption import OwnKey
from edi_server.transports.durable_file import write_durably

#: How long partners are given to take in a new certificate before we sign with it.
_NOTICE = timedelta(weeks=4)
#: A switch is at least so long before a certificate ends.
_MARGIN = timedelta(days=1)
#: Digits of a fingerprint that are enough to name a certificate.
_LEAST_DIGITS = 6
#: Permissions of files with a key in them: nobody else's to read.
_SECRET = 0o600


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new key of ours. Files below the folder of the configuration are named from there, as it names them."""

    certificate: str
    private_key: str
    fingerprint: str
    ends: datetime
    #: From when on we sign with it, so that partners can take it in before; None for at once.
    sign_from: datetime | None
    #: What to write into the configuration: a table of its own, or one more of `keys = [ … ]` where that stands there.
    toml: str
    inline: str


def new_certificate(configuration: Configuration, name: str, *, days: int, folder: Path | None) -> Made:
    """Make an RSA key and a certificate for it. Raises TransportError where they cannot be written."""
    now = datetime.now(UTC)
    certificate, private_key = _free_files(folder or Path(configuration.settings.paths.data) / "as2" / "keys", name)
    own = make_own_key(name, now=now, days=days)
    write_durably(private_key, key_to_pem(own), mode=_SECRET)
    write_durably(certificate, certificate_as(own.certificate, ".pem"))
    return _made(configuration, certificate, private_key, own, _switch_date(configuration, own.certificate, now))


def _free_files(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key: none is written over, and there may be several of a name on one day."""
    stem = f"{_safe(name)}-{datetime.now(UTC):%Y-%m-%d}"
    for number in count(1):
        numbered = stem if number == 1 else f"{stem}-{number}"
        certificate, private_key = folder / f"{numbered}.pem", folder / f"{numbered}.key"
        if not certificate.exists() and not private_key.exists():
            return certificate, private_key
    raise AssertionError("numbers never end")


def _made(
    configuration: Configuration, certificate: Path, private_key: Path, own: OwnKey, sign_from: datetime | None
) -> Made:
    files = [_from_configuration(configuration, one) for one in (certificate, private_key)]
    lines = [f"certificate = {_quoted(files[0])}", f"private_key = {_quoted(files[1])}"]
    if sign_from is not None:
        lines.append(f"sign_from = {sign_from:%Y-%m-%dT%H:%M:%SZ}")
    return Made(
        certificate=files[0],
        private_key=files[1],
        fingerprint=fingerprint(own.certificate),
        ends=own.certificate.not_valid_after_utc,
        sign_from=sign_from,
        toml="\n".join(["[[transports.as2.keys]]", *lines, ""]),
        inline=f"{{ {', '.join(lines)} }},",
    )


def _from_configuration(configuration: Configuration, file: Path) -> str:
    base = (configuration.file.parent if configuration.file else Path()).absolute()
    full = file.absolute()
    return str(full.relative_to(base) if full.is_relative_to(base) else full)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _switch_date(configuration: Configuration, new: x509.Certificate, now: datetime) -> datetime | None:
    """Some weeks ahead where a key signs now, and before that one ends; None to sign at once."""
    try:
        agreed = read_own(configuration)
    except ConfigurationError:
        # Keys that cannot be read sign nothing either.
        return None
    gap = own_gap(agreed, now)
    if gap is None or gap.last is None:
        return None
    latest = min(now + _NOTICE, gap.at - _MARGIN, new.not_valid_after_utc - _MARGIN)
    at = latest.replace(minute=0, second=0, microsecond=0)
    return at if at > now else None


def export(
    configuration: Configuration, file: Path, *, passphrase: str, which: str = "", fingerprint_of: str = ""
) -> Written:
    """Write a certificate of ours: `.pem` text, `.cer` DER, `.p12` with its key.

    `which`: "current" for the one that signs now, "next" for the one that will; or `fingerprint_of`, the beginning of
    its fingerprint. Neither is needed where there is one only. Raises NotPossible, TransportError.
    """
    own = _chosen(in_order(read_own(configuration), datetime.now(UTC)), which, fingerprint_of).key
    content = _exported(own, file, passphrase)
    if file.exists():
        raise NotPossible(f"{file} is there already; it is not written over.")
    if file.suffix == ".p12":
        write_durably(file.absolute(), content, mode=_SECRET)
    else:
        write_durably(file.absolute(), content)
    what = "Certificate and key are" if file.suffix == ".p12" else "The certificate is"
    return Written(
        file=str(file),
        fingerprint=fingerprint(own.certificate),
        sentence=f"{what} in {file}. Tell its fingerprint by another way.",
    )


def _chosen(own: Sequence[OwnAgreed], which: str, fingerprint_of: str) -> OwnAgreed:
    """`own` in their order. Raises NotPossible where it is not clear which one is meant."""
    now = datetime.now(UTC)
    usable = [one for one in own if now < one.key.certificate.not_valid_after_utc]
    if not usable:
        raise NotPossible("transports.as2.keys names no key that is valid; edi-server as2 new-certificate makes one.")
    if fingerprint_of:
        digits = re.sub(r"[^0-9a-f]", "", fingerprint_of.lower())
        found = [one for one in own if len(digits) >= _LEAST_DIGITS and _digits(one).startswith(digits)]
    elif which == "next":
        found = sorted((one for one in usable if now < one.due), key=lambda one: one.due)[:1]
    else:
        found = [one for one in usable if one.signs(now)][:1] if which == "current" else usable
    if len(found) != 1:
        known = "; ".join(_told_of(one, now) for one in usable)
        raise NotPossible(f"Say which by --current, --next or --fingerprint: there is {known}.")
    return found[0]


def _digits(one: OwnAgreed) -> str:
    return fingerprint(one.key.certificate).replace(":", "").lower()


def _told_of(one: OwnAgreed, now: datetime) -> str:
    when = "due" if one.signs(now) else f"due from {one.due:%Y-%m-%d %H:%M} UTC"
    ends = f"{one.key.certificate.not_valid_after_utc:%Y-%m-%d}"
    return f"{name_of(one.key.certificate)} ({fingerprint(one.key.certificate)[:23]}…, {when}, until {ends})"


def _exported(own: OwnKey, file: Path, passphrase: str) -> bytes:
    if file.suffix == ".p12":
        if not passphrase:
            raise NotPossible("A .p12 holds the key, too: it needs a passphrase.")
        return to_p12(own, "edi-server", passphrase)
    if file.suffix not in (".pem", ".cer", ".crt", ".der"):
        raise NotPossible(f"{file.name}: the end of the name says what is written: .pem, .cer or .p12.")
    return certificate_as(own.certificate, file.suffix)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "as2"
