"""How a partner exchanges: the tables of a partner file that say by which transports it sends and is sent to.

One table, one transport. What is not said here is not offered; a partner without any of the tables uses the folder.
Secrets are named, never written (`edi_server.config.Secrets`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from edi_server.partners.clauses import Clause, Schedule

#: Names of the tables, and "folder" for the partner who has none: what delivers, and what a transmission came by.
FOLDER = "folder"
Way = Literal["folder", "sftp_account", "sftp_mailbox", "as2", "drop", "webhook"]
Delivering = Literal["folder", "sftp_account", "sftp_mailbox", "as2", "webhook"]


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret by its name."""

    secret: str


class SftpKey(Clause, frozen=True, kw_only=True):
    """A public key that the partner logs in with, or of an authority; several overlap while it is changed."""

    #: As in an authorized_keys file: "ssh-ed25519 AAAA… comment".
    key: str
    #: Valid from and until, with a zone.
    begins: datetime | None = None
    ends: datetime | None = None


def sftp_key_of(text: str) -> SftpKey:
    """A key that has no dates may be written as text."""
    return SftpKey(key=text)


class SftpQuota(Clause, frozen=True, kw_only=True):
    """How much of the partner's may lie with us at a time that is not in the store yet.

    That is everything in `in/`, uploads under way and broken off, and what was taken and waits to be worked on.
    """

    #: Bytes and files.
    bytes: int = 1024 * 1024 * 1024
    files: int = 10_000
    #: Bytes of one file.
    largest_file: int = 512 * 1024 * 1024


class SftpRates(Clause, frozen=True, kw_only=True):
    """How fast the account may go, all its sessions together. Who is faster waits; only logins are refused."""

    #: A second: requests of SFTP, and bytes of what is read and written.
    requests: int = 1000
    bytes: int = 100 * 1024 * 1024
    #: A minute.
    uploads: int = 3000
    logins: int = 600


class SftpAccount(Clause, frozen=True, kw_only=True):
    """`[sftp_account]`: the partner's account on our SFTP endpoint."""

    #: The partner's name where empty.
    user: str = ""
    keys: tuple[SftpKey, ...] = ()
    #: Authorities whose certificates are taken if they name the user as a principal: keys with dates, or just keys.
    authorities: tuple[SftpKey, ...] = ()
    #: Where the hash of the password is that `edi-server sftp hash-password` made.
    password_hash: Secret | None = None
    quota: SftpQuota = SftpQuota()
    rates: SftpRates = SftpRates()
    #: Sessions at a time.
    sessions: int = 20
    #: Networks that it may come from, such as "192.0.2.0/24"; empty for everywhere.
    networks: tuple[str, ...] = ()
    #: Let in on the listener for old software, too (`transports.sftp.legacy_listen`).
    legacy_algorithms: bool = False

    def where(self, partner: str) -> str:
        """Where and as whom, in words."""
        return f"user {self.user or partner} on our endpoint"


class SftpMailbox(Clause, frozen=True, kw_only=True):
    """`[sftp_mailbox]`: folders on the partner's SFTP server, which we collect from and deliver to."""

    host: str
    port: int = 22
    user: str
    #: Public keys that their server may show, as in known_hosts behind the host name; two while they change it.
    host_keys: tuple[str, ...]
    #: Our key (PEM or OpenSSH), or our password.
    private_key: Secret | None = None
    password: Secret | None = None
    #: Folder that we collect from, and which names; "" to collect nothing.
    inbox: str = ""
    pattern: str = "*"
    #: Folder that we deliver to; "" to deliver nothing.
    outbox: str = ""
    #: Under which name it is uploaded: ".<id>.tmp" or "<name>.part", which is then renamed, or its own at once.
    upload: Literal["hidden", "part", "direct"] = "hidden"
    #: What becomes of what we have; "move" goes to `archive`.
    after: Literal["delete", "move", "leave"] = "delete"
    archive: str = ""
    #: Folder that files are renamed into before they are read; "" to read them where they lie.
    claim: str = ""
    #: How long size and time of a file must stay as they are.
    quiet_seconds: float = 30.0
    #: What the partner's companion of a complete file is called, such as ".done"; "" for none.
    marker: str = ""
    largest_file: int = 512 * 1024 * 1024
    #: How often we look; `schedule` instead for certain times.
    every_seconds: float = 60.0
    schedule: Schedule | None = None
    #: Connections at a time, to this host.
    connections: int = 2
    legacy_algorithms: bool = False

    def where(self, partner: str) -> str:  # noqa: ARG002 — all tables are asked alike
        """Where and as whom, in words."""
        return f"{self.user}@{self.host}:{self.port}"


class Tls(Clause, frozen=True, kw_only=True):
    """`tls`: how their server is known, and how it knows us. Files count from the folder of the partner files."""

    #: File of authorities to trust instead of the machine's own.
    authorities: str = ""
    #: File of our certificate, and where its key is, if they ask for one.
    certificate: str = ""
    private_key: Secret | None = None


class Login(Clause, frozen=True, kw_only=True):
    """`login`: HTTP basic authentication."""

    user: str
    password: Secret


class As2Certificate(Clause, frozen=True, kw_only=True):
    """A certificate of the partner. Several overlap: each that is valid verifies, one of those with RSA encrypts."""

    #: PEM or DER, from the folder of the partner files, such as "certificates/nordmarkt-2027.cer".
    file: str
    #: From when on we encrypt for it; from the beginning where absent.
    encrypt_from: datetime | None = None


class As2Quirks(Clause, frozen=True, kw_only=True):
    """What single partners need although the standards say otherwise."""

    #: Write "sha256" instead of "sha-256".
    micalg_without_hyphen: bool = False
    #: Take signatures made with SHA-1 although we do not sign so.
    weak_digests: bool = False
    #: Take 3DES although we do not encrypt so, and CBC although GCM is agreed.
    weak_ciphers: bool = False
    #: Take keys encrypted by PKCS #1 v1.5 although OAEP is agreed.
    weak_key_transport: bool = False
    #: Send the body as base64 instead of binary.
    base64: bool = False
    #: Answer a repeated message with "processed/warning: duplicate-document" instead of the receipt of the first time.
    warn_of_duplicates: bool = False


class As2(Clause, frozen=True, kw_only=True):
    """`[as2]`: how AS2 messages between us and the partner look, and where they go."""

    #: AS2-From and AS2-To, compared letter for letter (RFC 4130 6.2).
    own_name: str
    partner_name: str
    #: Their station; "" to receive only.
    url: str = ""
    #: Digest of our signatures.
    sign: Literal["sha1", "sha256", "sha384", "sha512", "no"] = "sha256"
    pss: bool = False
    encrypt: Literal[
        "3des", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm", "no"
    ] = "aes256-cbc"
    key_transport: Literal["pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"] = "pkcs1"
    compress: Literal["no", "before signing", "after signing"] = "no"
    #: What they must do; else their message is refused.
    must_sign: bool = True
    must_encrypt: bool = True
    #: Which receipt we ask for.
    receipt: Literal["none", "sync", "async"] = "sync"
    receipt_signed: bool = True
    #: After this time a receipt that comes on its own is missed, and a case.
    receipt_within: timedelta = timedelta(hours=4)
    #: Beginnings of URLs that their asynchronous receipts may be sent to; empty allows scheme, host and port of `url`.
    receipt_urls: tuple[str, ...] = ()
    #: What our messages call their documents, such as "application/octet-stream"; "" for what each is.
    content_type: str = ""
    certificates: tuple[As2Certificate, ...] = ()
    tls: Tls | None = None
    login: Login | None = None
    quirks: As2Quirks = As2Quirks()
    #: For one post, its receipt included.
    seconds: float = 300.0

    def where(self, partner: str) -> str:  # noqa: ARG002 — all tables are asked alike
        """Where and as whom, in words."""
        return f"{self.partner_name} at {self.url or 'no address: they send only'}"


class DropToken(Clause, frozen=True, kw_only=True):
    """A token that opens the drop; several overlap while it is changed."""

    #: What `edi-server drop new-token` printed beside it; the token itself is the partner's.
    digest: str
    ends: datetime | None = None


class Drop(Clause, frozen=True, kw_only=True):
    """`[drop]`: what the partner posts to our HTTP drop, at `/drop/<account>`."""

    #: The partner's name where empty.
    account: str = ""
    tokens: tuple[DropToken, ...]

    def where(self, partner: str) -> str:
        """Where and as whom, in words."""
        return f"account {self.account or partner} of our drop"


class Webhook(Clause, frozen=True, kw_only=True):
    """`[webhook]`: where documents for the partner are posted to."""

    url: str
    #: What each post is signed with (HMAC SHA-256 of the body).
    signing_key: Secret | None = None
    tls: Tls | None = None
    seconds: float = 60.0

    def where(self, partner: str) -> str:  # noqa: ARG002 — all tables are asked alike
        """Where and as whom, in words; what stands behind a question mark is often a secret."""
        return self.url.partition("?")[0]


class Delivery(Clause, frozen=True, kw_only=True):
    """`[delivery]`: how often and how fast what we send is handed over. The configuration says what is not said here.

    It goes one at a time, in order: what waits for its next attempt is waited for.
    """

    #: Attempts, and the seconds between them: growing by `factor` from `first_seconds` up to `longest_seconds`.
    attempts: int | None = None
    first_seconds: float | None = None
    factor: float | None = None
    longest_seconds: float | None = None
    #: Attempts that begin in a minute, evenly; as fast as they come where absent.
    per_minute: float | None = None


class Exchange(Clause, frozen=True, kw_only=True):
    """The ways that a partner has. One more transport is one more table here."""

    sftp_account: SftpAccount | None = None
    sftp_mailbox: SftpMailbox | None = None
    as2: As2 | None = None
    drop: Drop | None = None
    webhook: Webhook | None = None
    #: Which of them takes what we send; may stay away where only one can.
    deliver_by: Delivering | None = None
    delivery: Delivery = Delivery()

    @property
    def able_to_deliver(self) -> tuple[Delivering, ...]:
        """The ways that could take what we send; the folder where no other can."""
        able: dict[Delivering, bool] = {
            "sftp_account": self.sftp_account is not None,
            "sftp_mailbox": self.sftp_mailbox is not None and bool(self.sftp_mailbox.outbox),
            "as2": self.as2 is not None and bool(self.as2.url),
            "webhook": self.webhook is not None,
        }
        return tuple(way for way, can in able.items() if can) or ("folder",)

    @property
    def delivers_by(self) -> Delivering:
        """The way that what we send goes: the one place where that is decided."""
        return self.deliver_by or self.able_to_deliver[0]

    @property
    def tables(self) -> dict[str, SftpAccount | SftpMailbox | As2 | Drop | Webhook]:
        """What was agreed, by the name of the table."""
        there = {way: getattr(self, way) for way in get_args(Way) if way != FOLDER}
        return {way: table for way, table in there.items() if table is not None}

    @property
    def uses_folder(self) -> bool:
        """True if the partner needs folders of its own in inbox and outbox."""
        return self.delivers_by == FOLDER or not self.tables
