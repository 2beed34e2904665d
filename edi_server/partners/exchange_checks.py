"""What no type can say about how a partner exchanges: keys that are no keys, files that are not there, dates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from croniter import croniter

from edi_server.partners.clause_checks import Problems
from edi_server.partners.exchange import As2, Delivery, Drop, Exchange, SftpAccount, SftpMailbox, Tls, Webhook

#: A user name on our endpoint is the name of a folder, too.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_PEM = b"-----BEGIN CERTIFICATE"
#: As `LEAST_BITS` of `transports.as2.certificates` has it, which is above this room.
_LEAST_BITS = 2048
_LINE = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


def exchange_problems(exchange: Exchange, name: str, folder: Path) -> Problems:
    """Everything that is wrong with the tables of a partner called `name`, whose files count from `folder`."""
    if exchange.sftp_account:
        yield from _below("sftp_account", _account(exchange.sftp_account, name))
    if exchange.sftp_mailbox:
        yield from _below("sftp_mailbox", _mailbox(exchange.sftp_mailbox))
    if exchange.as2:
        yield from _below("as2", _as2(exchange.as2, folder))
    if exchange.drop:
        yield from _below("drop", _drop(exchange.drop, name))
    if exchange.webhook:
        yield from _below("webhook", _webhook(exchange.webhook, folder))
    yield from _below("delivery", _delivery(exchange.delivery))
    yield from _delivering(exchange)


def _below(table: str, problems: Problems) -> Problems:
    return (((table, *keys), sentence) for keys, sentence in problems)


def _delivery(delivery: Delivery) -> Problems:
    for key, least in (("attempts", 1), ("first_seconds", 0), ("factor", 1), ("longest_seconds", 0)):
        value = getattr(delivery, key)
        if value is not None and not least <= value < float("inf"):
            yield (key,), f"must be {least} or more"
    if delivery.per_minute is not None and not 0 < delivery.per_minute < float("inf"):
        yield ("per_minute",), "must be more than 0; leave it out for no limit"


def _delivering(exchange: Exchange) -> Problems:
    able = exchange.able_to_deliver
    if exchange.deliver_by is None and len(able) > 1:
        yield ("deliver_by",), f"is missing: {', '.join(able)} could all take what we send"
    if exchange.deliver_by not in (None, "folder", *able):
        yield ("deliver_by",), f"'{exchange.deliver_by}' cannot deliver; here can: {', '.join(able)}, folder"


def _account(account: SftpAccount, name: str) -> Problems:
    if not _NAME.fullmatch(account.user or name):
        yield ("user",), f"'{account.user or name}' cannot be a user name"
    if not account.keys and not account.authorities and account.password_hash is None:
        yield ("keys",), "nobody could log in: give a key, an authority, or the hash of a password"
    for what, keys in (("keys", account.keys), ("authorities", account.authorities)):
        for index, one in enumerate(keys):
            yield from _ssh_key((what, index, "key"), one.key)
            yield from _dates((what, index), begins=one.begins, ends=one.ends)
    for index, text in enumerate(account.networks):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield ("networks", index), f"'{text}' is no network; write 192.0.2.0/24 or 2001:db8::/32"
    if account.sessions < 1:
        yield ("sessions",), "must be at least 1"
    for table in ("quota", "rates"):
        yield from _below(table, _at_least_one(getattr(account, table)))


def _at_least_one(numbers: msgspec.Struct) -> Problems:
    for key, value in msgspec.structs.asdict(numbers).items():
        if value < 1:
            yield (key,), "must be at least 1"


def _mailbox(mailbox: SftpMailbox) -> Problems:
    if not mailbox.host or not 0 < mailbox.port < 65536:
        yield ("host",), f"'{mailbox.host}:{mailbox.port}' is no address"
    if not mailbox.host_keys:
        yield ("host_keys",), "needs the key of their server: without it, it could be anybody"
    for index, text in enumerate(mailbox.host_keys):
        yield from _ssh_key(("host_keys", index), text)
    if mailbox.private_key is None and mailbox.password is None:
        yield ("private_key",), 'is missing: { secret = "NAME" }, or give a password so'
    yield from _folders(mailbox)
    for key, least in (("quiet_seconds", 0.0), ("every_seconds", 1.0), ("connections", 1), ("largest_file", 1)):
        if getattr(mailbox, key) < least:
            yield (key,), f"must be {least:g} or more"
    schedule = mailbox.schedule
    if schedule and not croniter.is_valid(schedule.cron, second_at_beginning=True):
        yield ("schedule", "cron"), f"'{schedule.cron}' is not a cron expression: minute hour day month weekday"


def _folders(mailbox: SftpMailbox) -> Problems:
    if not mailbox.inbox and not mailbox.outbox:
        yield ("inbox",), "nothing to do: give an inbox, an outbox, or both"
    if mailbox.after == "move" and not mailbox.archive:
        yield ("archive",), "is missing, and files are to be moved there"
    if mailbox.after == "leave" and mailbox.claim:
        yield ("claim",), 'cannot be used with after = "leave": what is claimed is moved away from where it lay'


def _as2(as2: As2, folder: Path) -> Problems:
    for key in ("own_name", "partner_name"):
        if not _LINE.fullmatch(getattr(as2, key)) or not getattr(as2, key).isascii():
            yield (key,), "must be 1 to 128 printable characters of ASCII (RFC 4130 6.2)"
    if as2.url:
        yield from _url(("url",), as2.url)
    for index, text in enumerate(as2.receipt_urls):
        yield from _url(("receipt_urls", index), text)
    if not as2.certificates and (as2.must_sign or (as2.url and (as2.encrypt != "no" or as2.receipt_signed))):
        yield ("certificates",), "needs one: nothing can be verified or encrypted without it"
    if as2.content_type and not _MEDIA_TYPE.fullmatch(as2.content_type):
        yield ("content_type",), f"'{as2.content_type[:60]}' is no type of content, such as application/octet-stream"
    yield from _as2_certificates(as2, folder)
    yield from _tls(as2.tls, folder)
    if as2.seconds <= 0:
        yield ("seconds",), "must be more than 0"
    if as2.receipt_within <= timedelta(0):
        yield ("receipt_within",), 'must be more than nothing, such as "PT4H"'


def _as2_certificates(as2: As2, folder: Path) -> Problems:
    encrypting = 0
    for index, one in enumerate(as2.certificates):
        path, file = ("certificates", index, "file"), folder / one.file
        wrong = list(_certificate(path, file)) or list(_dates(("certificates", index), encrypt_from=one.encrypt_from))
        if wrong:
            # Whether it could encrypt is not known, so nothing is said of that.
            encrypting += 1
            yield from wrong
            continue
        bits, is_known = _public_key(file)
        if not is_known:
            yield path, f"{file} has a kind of key that is not used in AS2: RSA, or an elliptic curve to sign only"
        elif bits and bits < _LEAST_BITS:
            yield path, f"{file} has an RSA key of {bits} bits; anybody could break less than {_LEAST_BITS}"
        elif not bits and one.encrypt_from:
            yield ("certificates", index, "encrypt_from"), f"{file} has no RSA key: nothing can be encrypted for it"
        encrypting += bool(bits)
    if as2.certificates and as2.url and as2.encrypt != "no" and not encrypting:
        yield ("certificates",), "needs one with an RSA key: nothing can be encrypted for the others"


def _public_key(file: Path) -> tuple[int, bool]:
    """Bits of the RSA key in a certificate, 0 for another; and whether AS2 has a use for it."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    content = file.read_bytes()
    load = x509.load_pem_x509_certificate if _PEM in content else x509.load_der_x509_certificate
    try:
        key = load(content).public_key()
    except (UnsupportedAlgorithm, ValueError):
        return 0, False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size, True
    return 0, isinstance(key, ec.EllipticCurvePublicKey)


def _drop(drop: Drop, name: str) -> Problems:
    if not _NAME.fullmatch(drop.account or name):
        yield ("account",), f"'{drop.account or name}' cannot be the end of an address"
    if not drop.tokens:
        yield ("tokens",), "needs at least one: edi-server drop new-token makes it"
    for index, one in enumerate(drop.tokens):
        if not _DIGEST.fullmatch(one.digest):
            yield ("tokens", index, "digest"), "must be the 64 digits that edi-server drop new-token printed"
        yield from _dates(("tokens", index), ends=one.ends)


def _webhook(webhook: Webhook, folder: Path) -> Problems:
    yield from _url(("url",), webhook.url)
    yield from _tls(webhook.tls, folder)
    if webhook.seconds <= 0:
        yield ("seconds",), "must be more than 0"


def _tls(tls: Tls | None, folder: Path) -> Problems:
    for key in ("authorities", "certificate"):
        file = getattr(tls, key) if tls else ""
        if file:
            yield from _certificate(("tls", key), folder / file)
    if tls and tls.certificate and tls.private_key is None:
        yield ("tls", "private_key"), 'is missing: { secret = "NAME" }'


def _url(path: tuple[str | int, ...], text: str) -> Problems:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        yield path, f"'{text[:100]}' is no http or https address"
    elif parts.username or parts.password:
        yield path, "a password stands in it; name it under login instead"


def _ssh_key(path: tuple[str | int, ...], text: str) -> Problems:
    # Loaded where it is needed: most commands, and most partners, need none of it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        load_ssh_public_key(" ".join(text.split()[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        is_line = len(text.split()) > 2 and text.split()[1].startswith(("ssh-", "ecdsa-"))
        hint = "; leave out the host in front of it" if is_line else ", and no fingerprint"
        yield path, f"is no public key of SSH; it looks like: ssh-ed25519 AAAAC3…{hint}"


def _certificate(path: tuple[str | int, ...], file: Path) -> Problems:
    from cryptography import x509

    try:
        content = file.read_bytes()
    except OSError as error:
        yield path, f"{file} cannot be read: {error.strerror}"
        return
    try:
        if _PEM in content:
            x509.load_pem_x509_certificates(content)
        else:
            x509.load_der_x509_certificate(content)
    except ValueError:
        yield path, f"{file} holds no certificate, in PEM or DER"


def _dates(path: tuple[str | int, ...], **dates: datetime | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key, at in dates.items():
        if at is not None and at.tzinfo is None:
            yield (*path, key), "needs a zone, such as 2027-01-01T00:00:00Z"
    begins, ends = dates.get("begins"), dates.get("ends")
    if begins and ends and begins.tzinfo and ends.tzinfo and ends <= begins:
        yield (*path, "ends"), "is before it begins"
