"""What the workflows work with: the one place that picks concrete adapters."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edi_server.config import Configuration
from edi_server.engine.telling import tell_status
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import Erp
from edi_server.errors import ConfigurationError
from edi_server.partners import Agreement, Book
from edi_server.partners.book import digest_of
from edi_server.partners.exchange import FOLDER
from edi_server.store import Interchange, Store
from edi_server.translation import Profile, load_profile
from edi_server.translation.load import builtin_root
from edi_server.transports.folder import FolderTransport
from edi_server.transports.port import Transport

if TYPE_CHECKING:
    from edi_server.engine.network import Network

log = logging.getLogger(__name__)

#: How often the files of profiles are looked at, at most.
LOOK_SECONDS = 1.0
#: Path, time of change in nanoseconds, and size of every file.
_Files = tuple[tuple[str, int, int], ...]


class _Known(msgspec.Struct, frozen=True):
    """A profile with what it was made of."""

    agreement: Agreement
    files: _Files
    profile: Profile


class Corridor:
    """Configuration, book, store, mailboxes, profiles and ERPs of one process, shared by all its threads.

    `sandbox_url` is where ERPs of kind sandbox listen that have no URL of their own.
    """

    def __init__(self, configuration: Configuration, *, sandbox_url: str = "") -> None:
        self.configuration = configuration
        self.book: Book = configuration.load_book()
        self._sandbox_url = sandbox_url
        self._erps: dict[tuple[str, int], Erp] = {}
        #: By agreement.
        self._profiles: dict[str, _Known] = {}
        #: The files of profiles, and until when they need not be looked at again, by the monotonic clock.
        self._files: tuple[_Files, float] = ((), 0.0)
        self._lock = threading.Lock()
        self._reported = ""
        #: What listens and polls; only the daemon has it.
        self.network: Network | None = None

    @cached_property
    def store(self) -> Store:
        """Database and archive, opened on first use: dry runs need neither."""
        return Store.open(self.configuration.database_url(), Path(self.configuration.settings.paths.archive))

    def kind_of(self, mailbox: str) -> str:
        """Kind of the transport by which its partner is delivered to, such as "folder" or "as2"."""
        partner = self.book.partner_of_mailbox(mailbox)
        return partner.delivers_by if partner else FOLDER

    def transport(self, kind: str, mailbox: str = "") -> Transport:
        """A transport of the caller's own: an instance is used from one thread at a time. Raises ConfigurationError."""
        if kind == FOLDER:
            return self._folders()
        if self.network is None:
            raise ConfigurationError(f"What goes by {kind} is delivered by the daemon only; start `edi-server serve`.")
        return self.network.transport(kind, mailbox)

    def tell(self, transmission_id: str) -> None:
        """Let the partner know how a transmission of theirs stands, where the transport has a way to say it."""
        tell_status(self.configuration, self.book, self.store, transmission_id)

    def prepare_mailboxes(self) -> None:
        """Make the folders of every partner's mailbox that is one."""
        partners = self.book.partners.values()
        self._folders().prepare([partner.mailbox for partner in partners if partner.uses_folder])

    def _folders(self) -> FolderTransport:
        settings = self.configuration.settings
        return FolderTransport(
            Path(settings.paths.inbox),
            Path(settings.paths.outbox),
            quiet_seconds=settings.transports.folder.quiet_seconds,
        )

    def agreement(self, agreement_id: str) -> Agreement:
        """The agreement; raises ConfigurationError if it is not in the book (any more)."""
        found = self.book.agreement(agreement_id)
        if found is None:
            message = (
                f"There is no agreement {agreement_id}; restore it in {self.configuration.settings.paths.partners}."
            )
            raise ConfigurationError(message)
        return found

    def profile(self, agreement: Agreement) -> Profile:
        """The agreement's profile with its overrides, as the files are now (looked at once a second).

        A file that is wrong leaves the last good state in place, and is reported. Raises ConfigurationError with the
        author errors where there is none.
        """
        files = self._profile_files()
        with self._lock:
            known = self._profiles.get(agreement.id)
        if known is not None and known.agreement == agreement and known.files == files:
            return known.profile
        profile = self._load_profile(agreement, known)
        with self._lock:
            self._profiles[agreement.id] = _Known(agreement, files, profile)
        return profile

    def _load_profile(self, agreement: Agreement, known: _Known | None) -> Profile:
        try:
            return load_agreed_profile(self.configuration, agreement)
        except ConfigurationError as error:
            if known is None or known.agreement != agreement:
                raise
            self.report_once(f"the profile of {agreement.id} keeps its last good state: {error}")
            return known.profile

    def _profile_files(self) -> _Files:
        files, until = self._files
        if time.monotonic() >= until:
            files = _files_below(Path(self.configuration.settings.paths.translations), builtin_root())
            self._files = (files, time.monotonic() + LOOK_SECONDS)
        return files

    def erp(self, name: str, company: int = 0) -> Erp:
        """The ERP of that name in the configuration, for a company of its own (0: its user's); ConfigurationError."""
        with self._lock:
            if (name, company) not in self._erps:
                self._erps[name, company] = self._connect(name, company or None)
            return self._erps[name, company]

    def _connect(self, name: str, company: int | None) -> Erp:
        settings = self.configuration.settings.erp.get(name)
        if settings is None:
            raise ConfigurationError(f"There is no ERP '{name}'; add [erp.{name}] to edi-server.toml.")
        if settings.kind == "sandbox":
            url = settings.url or self._sandbox_url
            if not url:
                raise ConfigurationError(f"The sandbox '{name}' runs inside the daemon; start `edi-server serve`.")
            return OdooErp(url, settings.database or "demo", settings.user or "edi", "edi", company=company)
        password = self.configuration.secrets.resolve(settings.password.secret) if settings.password else ""
        timeout = settings.timeout_seconds
        return OdooErp(settings.url, settings.database, settings.user, password, company=company, timeout=timeout)

    def expected_within(self, interchange: Interchange) -> timedelta | None:
        """How long the partner has to acknowledge an interchange of ours; None if no answer is expected."""
        agreement = self.book.agreement(interchange.agreement) if interchange.agreement else None
        return agreement.acknowledgments.expected_within if agreement else None

    def reload_book(self) -> bool:
        """Read changed partner files again; True if there were any. Raises ConfigurationError, keeping the book."""
        settings = self.configuration.settings
        if digest_of(Path(settings.paths.partners), settings.companies) == self.book.digest:
            return False
        self.book = self.configuration.load_book()
        with self._lock:
            self._profiles.clear()
        return True

    def report_once(self, problem: str) -> None:
        """Log a problem that is found again and again, once per wording."""
        if problem != self._reported:
            self._reported = problem
            log.error("%s", problem)


def _files_below(*folders: Path) -> _Files:
    found = {}
    for file in (file for folder in folders for file in folder.rglob("*.toml")):
        try:
            status = file.stat()
        except FileNotFoundError:
            continue  # replaced just now: the next look sees what took its place
        found[str(file)] = (status.st_mtime_ns, status.st_size)
    return tuple((name, *status) for name, status in sorted(found.items()))


def load_agreed_profile(configuration: Configuration, agreement: Agreement) -> Profile:
    """The profile that an agreement names, with its overrides. Raises ConfigurationError with all author errors."""
    profile = load_profile(
        agreement.profile_name,
        roots=[Path(configuration.settings.paths.translations)],
        overrides=agreement.profile_overrides,
        source=agreement.file,
        lines=agreement.profile_lines,
    )
    if profile.problems:
        raise ConfigurationError("\n".join(str(problem) for problem in profile.problems))
    return profile
