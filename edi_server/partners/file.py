"""One partner file → a partner and its agreements, or the list of what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from croniter import croniter

from edi_server.canonical import DOCUMENTS
from edi_server.envelope.model import Identity
from edi_server.errors import ConfigurationError
from edi_server.located import KeyPath, Table, Typing, dotted, nearest, read_toml
from edi_server.partners.clause_checks import (
    Problems,
    acknowledgment_problems,
    guideline_file,
    guideline_problems,
    identity_problems,
    message_problems,
    number_problems,
    policy_problems,
    writing_problems,
)
from edi_server.partners.exchange import Exchange, SftpKey, sftp_key_of
from edi_server.partners.exchange_checks import exchange_problems
from edi_server.partners.model import (
    Acknowledgments,
    Agreement,
    Company,
    Contact,
    ControlNumbers,
    Partner,
    Schedule,
    Terms,
    Writing,
    identity_of,
    matches,
    syntax_of,
)

#: Sections of a partner that each agreement inherits key by key.
_INHERITED = ("acknowledgments", "writing", "control_numbers")
_SECRET = re.compile(
    r"(?i)(^|_|-)(password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|credentials?)($|_|-)"
)
#: As environment and files can carry it; a key or password pasted here hardly looks so.
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


class _PartnerTable(Exchange, frozen=True, kw_only=True):
    """The top of a partner file."""

    identities: tuple[Identity, ...]
    display_name: str = ""
    mailbox: str = ""
    #: The id of the first identity that is a GLN (qualifier 14), else of the first, where empty.
    erp_reference: str = ""
    time_zone: str = "UTC"
    contacts: tuple[Contact, ...] = ()
    acknowledgments: Acknowledgments = Acknowledgments()
    writing: Writing = Writing()
    control_numbers: ControlNumbers = ControlNumbers()
    agreements: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


def read_partner(path: Path, companies: Mapping[str, Company]) -> tuple[Partner, tuple[Agreement, ...]]:
    """The partner that a file describes, named like the file. Raises ConfigurationError with all problems in it."""
    table, lines = read_toml(path)
    return _Reading(path, lines, companies).partner(table)


class _Reading:
    """One file being read; problems gather until the end."""

    def __init__(self, path: Path, lines: Mapping[KeyPath, int], companies: Mapping[str, Company]) -> None:
        self._path = path
        self._lines = lines
        self._companies = companies
        self._typing = Typing(self._origin, {Identity: identity_of, SftpKey: sftp_key_of})

    def _origin(self, path: KeyPath) -> str:
        """File and line of a key, or of the nearest table around a missing one."""
        while path and path not in self._lines:
            path = path[:-1]
        return f"{self._path}:{self._lines[path]}" if path else str(self._path)

    def partner(self, table: Table) -> tuple[Partner, tuple[Agreement, ...]]:
        self._refuse_secrets(table, ())
        top = self._typing.record(_PartnerTable, table, ())
        self._typing.raise_if_any()
        assert top is not None
        name = self._path.stem
        partner = Partner(
            name=name,
            display_name=top.display_name or name,
            identities=top.identities,
            mailbox=top.mailbox or name,
            erp_reference=top.erp_reference or _likely_reference(top.identities),
            time_zone=top.time_zone,
            contacts=top.contacts,
            acknowledgments=top.acknowledgments,
            writing=top.writing,
            control_numbers=top.control_numbers,
            **{way: getattr(top, way) for way in Exchange.__struct_fields__},
        )
        self._check_partner(partner)
        agreements = [self._agreement(partner, key, raw, table) for key, raw in top.agreements.items()]
        self._typing.raise_if_any()
        return partner, tuple(agreement for agreement in agreements if agreement)

    def _refuse_secrets(self, value: Any, path: KeyPath) -> None:
        if isinstance(value, list):
            for index, one in enumerate(value):
                self._refuse_secrets(one, (*path, index))
        for key, inner in value.items() if isinstance(value, dict) else ():
            if _SECRET.search(key) and not _is_name_of_secret(inner):
                sentence = 'secrets never stand in partner files; give its name, { secret = "NAME" }'
                self._typing.problem((*path, key), sentence)
            elif not _is_name_of_secret(inner):
                self._refuse_secrets(inner, (*path, key))

    def _check_partner(self, partner: Partner) -> None:
        if not partner.identities:
            self._typing.problem(("identities",), 'needs at least one, such as "14:4012345000009"')
        if not is_mailbox(partner.mailbox):
            self._typing.problem(("mailbox",), f"'{partner.mailbox}' cannot be the name of a folder")
        self._check_zone(partner.time_zone, ("time_zone",))
        self._tell((), exchange_problems(partner, partner.name, self._path.parent))
        self._tell(("writing",), writing_problems(partner.writing))
        self._tell(("control_numbers",), number_problems(partner.control_numbers))

    def _agreement(self, partner: Partner, key: str, raw: Table, whole: Table) -> Agreement | None:
        path: KeyPath = ("agreements", key)
        merged = {**raw, **{name: _over(whole.get(name, {}), raw.get(name, {})) for name in _INHERITED}}
        terms = self._typing.record(Terms, merged, path)
        company = self._company(terms, path) if terms else None
        if terms is None or company is None or not self._check_terms(terms, path):
            return None
        own, other = self._written(terms, partner, company, path)
        values = {name: getattr(terms, name) for name in Terms.__struct_fields__}
        values |= {"company": company.name, "time_zone": terms.time_zone or partner.time_zone}
        values |= {"syntax": terms.syntax or syntax_of(terms.versions)}
        values |= {"erp": terms.erp or company.erp, "schedule": self._schedule(terms, partner, path)}
        return Agreement(
            **values,
            key=key,
            partner=partner,
            own=company,
            own_written=own,
            partner_written=other,
            guideline_file=str(guideline_file(terms.guideline, self._path)) if terms.guideline else "",
            file=str(self._path),
            profile_lines={
                dotted(where[3:]): line for where, line in self._lines.items() if where[:3] == (*path, "profile")
            },
        )

    def _company(self, terms: Terms, path: KeyPath) -> Company | None:
        if not terms.company and len(self._companies) == 1:
            return next(iter(self._companies.values()))
        company = self._companies.get(terms.company)
        if company is None:
            known = nearest(terms.company, self._companies) if self._companies else "the configuration has none"
            sentence = f"no company '{terms.company}'; {known}" if terms.company else f"is missing; {known}"
            self._typing.problem((*path, "company"), sentence)
        return company

    def _check_terms(self, terms: Terms, path: KeyPath) -> bool:
        before = len(self._typing.problems)
        if terms.document not in DOCUMENTS:
            sentence = f"no document type '{terms.document}'; {nearest(terms.document, DOCUMENTS)}"
            self._typing.problem((*path, "document"), sentence)
        syntax = terms.syntax or syntax_of(terms.versions)
        self._tell(path, message_problems(terms, syntax))
        self._tell(path, guideline_problems(terms.guideline, self._path, terms, syntax))
        if isinstance(terms.profile, dict) and not isinstance(terms.profile.get("extends"), str):
            self._typing.problem((*path, "profile", "extends"), 'must name the base profile, such as "edifact/orders"')
        if terms.schedule and terms.direction == "inbound":
            self._typing.problem((*path, "schedule"), "only outbound agreements have a schedule")
        if terms.batch.most < 1:
            self._typing.problem((*path, "batch", "most"), "must be at least 1")
        self._check_zone(terms.time_zone or "UTC", (*path, "time_zone"))
        self._tell((*path, "policies"), policy_problems(terms.policies))
        self._tell((*path, "acknowledgments"), acknowledgment_problems(terms.acknowledgments, syntax))
        self._tell((*path, "writing"), writing_problems(terms.writing))
        self._tell((*path, "control_numbers"), number_problems(terms.control_numbers, syntax))
        return len(self._typing.problems) == before

    def _written(self, terms: Terms, partner: Partner, company: Company, path: KeyPath) -> tuple[Identity, Identity]:
        """The identities that stand on what we write; each must be one of its owner's."""
        for name, chosen, owned in (
            ("own_identity", terms.own_identity, company.identities),
            ("partner_identity", terms.partner_identity, partner.identities),
        ):
            if chosen and not any(matches(chosen, one) for one in owned):
                known = ", ".join(map(str, owned))
                self._typing.problem((*path, name), f"'{chosen}' is none of the known identities: {known}")
        own = terms.own_identity or company.identities[0]
        other = terms.partner_identity or (*partner.identities, _NOBODY)[0]
        written = {"own_identity": own, "partner_identity": other}
        if terms.direction == "outbound":
            written["group_identity"] = terms.group_identity or own
            written["partner_group_identity"] = terms.partner_group_identity or other
            self._tell(path, identity_problems(written, terms.syntax or syntax_of(terms.versions)))
        return own, other

    def _schedule(self, terms: Terms, partner: Partner, path: KeyPath) -> Schedule | None:
        if terms.schedule is None:
            return None
        zone = terms.schedule.time_zone or terms.time_zone or partner.time_zone
        self._check_zone(zone, (*path, "schedule", "time_zone"))
        if not croniter.is_valid(terms.schedule.cron, second_at_beginning=True):
            sentence = f"'{terms.schedule.cron}' is not a cron expression: minute hour day month weekday"
            self._typing.problem((*path, "schedule", "cron"), sentence)
        return Schedule(cron=terms.schedule.cron, time_zone=zone)

    def _check_zone(self, name: str, path: KeyPath) -> None:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            self._typing.problem(path, f"'{name}' is no time zone; names look like Europe/Berlin")

    def _tell(self, path: KeyPath, problems: Problems) -> None:
        """Note problems whose keys are below a path."""
        for keys, sentence in problems:
            self._typing.problem((*path, *keys), sentence)


_NOBODY = Identity(id="")


def _is_name_of_secret(value: Any) -> bool:
    """True for `{ secret = "NAME" }`."""
    if not isinstance(value, dict) or value.keys() != {"secret"}:
        return False
    return isinstance(value["secret"], str) and bool(_SECRET_NAME.fullmatch(value["secret"]))


def is_mailbox(name: str) -> bool:
    """True if a mailbox may be called that: one folder name, not hidden, the same on every file system."""
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}", name)) and not name.endswith(".")


def _likely_reference(identities: tuple[Identity, ...]) -> str:
    by_gln = [identity.id for identity in identities if identity.qualifier == "14"]
    return next(iter([*by_gln, *(identity.id for identity in identities)]), "")


def _over(base: Any, own: Any) -> Any:
    """`own` laid over `base`, tables key by key."""
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    return {**base, **{key: _over(base.get(key, {}), value) for key, value in own.items()}}


def check_companies(companies: Mapping[str, Company]) -> None:
    """Raise ConfigurationError if a company has no identity, or two share one."""
    owners: list[tuple[Identity, str]] = []
    for name, company in companies.items():
        if not company.identities:
            raise ConfigurationError(f'companies.{name}.identities: needs at least one, such as "14:4012345000009"')
        for identity in company.identities:
            for other, owner in owners:
                if matches(identity, other):
                    sentence = f"'{identity}' is also an identity of company '{owner}'"
                    raise ConfigurationError(f"companies.{name}.identities: {sentence}")
        owners += [(identity, name) for identity in company.identities]
