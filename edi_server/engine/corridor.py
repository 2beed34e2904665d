"""What the workflows work with: the one place that picks concrete adapters."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from edi_server.config import Configuration
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import Erp
from edi_server.errors import ConfigurationError
from edi_server.partners import Agreement, Book
from edi_server.partners.book import digest_of
from edi_server.store import Interchange, Store
from edi_server.translation import Profile, load_profile
from edi_server.transports.folder import FolderTransport
from edi_server.transports.port import Transport

log = logging.getLogger(__name__)


class Corridor:
    """Configuration, book, store, mailboxes, profiles and ERPs of one process, shared by all its threads.

    `sandbox_url` is where ERPs of kind sandbox listen that have no URL of their own.
    """

    def __init__(self, configuration: Configuration, *, sandbox_url: str = "") -> None:
        self.configuration = configuration
        self.book: Book = configuration.load_book()
        self._sandbox_url = sandbox_url
        self._erps: dict[tuple[str, int], Erp] = {}
        #: By agreement, as it was when its profile was loaded.
        self._profiles: dict[str, tuple[Agreement, Profile]] = {}
        self._lock = threading.Lock()
        self._reported = ""

    @cached_property
    def store(self) -> Store:
        """Database and archive, opened on first use: dry runs need neither."""
        return Store.open(self.configuration.database_url(), Path(self.configuration.settings.paths.archive))

    def transport(self) -> Transport:
        """A transport of the caller's own: an instance is used from one thread at a time."""
        return self._folders()

    def prepare_mailboxes(self) -> None:
        """Make the folders of every partner's mailbox."""
        self._folders().prepare([partner.mailbox for partner in self.book.partners.values()])

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
        """The agreement's profile with its overrides. Raises ConfigurationError with the author errors, if any."""
        with self._lock:
            known = self._profiles.get(agreement.id)
        if known is not None and known[0] == agreement:
            return known[1]
        profile = load_agreed_profile(self.configuration, agreement)
        with self._lock:
            self._profiles[agreement.id] = (agreement, profile)
        return profile

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
