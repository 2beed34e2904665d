"""SFTP accounts: who may log in, how, from where, and how much they may leave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from datetime import datetime

import msgspec

#: RFC 7914: N, r, p; 16 MB and about 50 ms of a core.
_COST = {"n": 2**14, "r": 8, "p": 1}


class AccountKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of the partner, or of an authority of theirs; several overlap while they change it."""

    #: As in an authorized_keys file: "ssh-ed25519 AAAA… comment".
    key: str
    #: Valid from and until, in UTC; None for no limit.
    begins: datetime | None = None
    ends: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """True within its dates. `now` in UTC."""
        return (self.begins is None or self.begins <= now) and (self.ends is None or now < self.ends)


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the partner's may lie with us at a time that is not in the store yet.

    That is everything in `in/`, uploads under way and broken off, and what was taken and waits to be worked on.
    """

    #: Bytes and files.
    bytes: int = 1024 * 1024 * 1024
    files: int = 10_000
    #: Bytes of one file.
    largest_file: int = 512 * 1024 * 1024


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How fast an account may go, all its sessions together. Who is faster waits, and is refused nothing but logins."""

    #: A second: requests of SFTP that move no more than 4 KB, and bytes of what is read and written.
    requests: int = 1000
    bytes: int = 100 * 1024 * 1024
    #: A minute.
    uploads: int = 3000
    logins: int = 600


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account. It sees its own folders and nothing else."""

    #: User name.
    name: str
    #: Mailbox that its files go to and come from.
    mailbox: str
    keys: tuple[AccountKey, ...] = ()
    #: Keys of authorities whose certificates are taken, if they name the account as a principal.
    authorities: tuple[AccountKey, ...] = ()
    #: Made by `hash_password`; "" for none.
    password: str = ""
    quota: Quota = Quota()
    rates: Rates = Rates()
    #: Sessions at a time.
    sessions: int = 20
    #: Networks that it may come from, such as "192.0.2.0/24"; empty for everywhere.
    networks: tuple[str, ...] = ()
    #: Algorithms that nobody should use any more, for partners whose software has no others.
    legacy_algorithms: bool = False


def hash_password(password: str) -> str:
    """The password as it may be kept: scrypt with a salt of its own (RFC 7914)."""
    salt = os.urandom(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_COST)
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_password_hash(kept: str) -> bool:
    """True for what `hash_password` makes."""
    scheme, salt, digest = (*kept.split("$"), "", "")[:3]
    try:
        parts = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except ValueError:
        return False
    return scheme == "scrypt" and kept.count("$") == 2 and len(parts[0]) >= 8 and len(parts[1]) == 64


#: Compared with where there is no account or no password, so that both take the same time.
_NOBODY = hash_password(os.urandom(16).hex())


def fits_password(kept: str, password: str) -> bool:
    """True if it is the password that was kept; takes the same time where none was."""
    scheme, _, rest = (kept or _NOBODY).partition("$")
    salt, _, digest = rest.partition("$")
    given = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), **_COST)
    return hmac.compare_digest(given, base64.b64decode(digest)) and bool(kept) and scheme == "scrypt"
