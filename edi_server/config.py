"""The configuration: one TOML file and the environment, typed; every value knows where it came from.

Everything has a default: without any file the daemon runs on `inbox/` and `outbox/` of the working directory, with
SQLite below `var/` and the embedded ERP sandbox. The environment wins over the file: `EDI_SERVER_ENGINE__POLL_SECONDS`
is `engine.poll_seconds`, levels divided by two underscores. Relative paths count from the folder of the file, or from
the working directory where there is none.

A secret is configured by its *name*, never by its value: `password = { secret = "ODOO_PASSWORD" }` (see `Secrets`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from edi_server.envelope.model import Identity
from edi_server.errors import ConfigurationError
from edi_server.guides.library import use_folder
from edi_server.located import KeyPath, Raw, Table, Typing, dotted, nearest, read_toml
from edi_server.partners import Agreement, Book, Company, Partner, identity_of
from edi_server.partners.exchange import Secret
from edi_server.partners.file import check_companies
from edi_server.transports.limits import FrontLimits, SftpLimits
from edi_server.transports.proxies import Proxies

FILE_NAME = "edi-server.toml"
PREFIX = "EDI_SERVER_"
#: Variables with our prefix that are no configuration keys.
_OTHER_VARIABLES = frozenset({"EDI_SERVER_CONFIG", "EDI_SERVER_SECRETS_DIR", "EDI_SERVER_REWRITE_GOLDEN"})
#: Kubernetes sets these for a service that is called edi-server.
_KUBERNETES = re.compile(r"EDI_SERVER_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
#: Where container platforms put secrets.
_SECRETS_FOLDER = Path("/run/secrets")
_MASK = "••••••"


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Paths(_Section, frozen=True, kw_only=True):
    """`[paths]`: folders; absolute once loaded."""

    #: One folder per mailbox below each.
    inbox: str = "inbox"
    outbox: str = "outbox"
    #: Partner files and translation profiles.
    partners: str = "partners"
    translations: str = "translations"
    #: The database (SQLite), the archive and everything else that we keep.
    data: str = "var"
    #: Archived bytes; `archive` below `data` where empty.
    archive: str = ""


class Database(_Section, frozen=True, kw_only=True):
    """`[database]`."""

    #: SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`; SQLite below `paths.data` where empty.
    url: str = ""
    #: Takes the place of "{password}" in the URL.
    password: Secret | None = None


class Erp(_Section, frozen=True, kw_only=True):
    """`[erp.<name>]`: one ERP."""

    kind: Literal["odoo", "sandbox"]
    #: Such as "https://odoo.example.com"; a sandbox without one is started inside the daemon.
    url: str = ""
    database: str = ""
    user: str = ""
    password: Secret | None = None
    #: Productive: test traffic never gets here. An Odoo is, unless it says otherwise; a sandbox never is.
    live: bool = True
    #: More than Odoo's own limit (limit_time_real, 120 s), or retries overlap with work that is still going on.
    timeout_seconds: float = 150.0


class Retries(_Section, frozen=True, kw_only=True):
    """`[engine.retries]`: how often failures of the machine are tried again before the work is parked."""

    attempts: int = 12
    #: Pause before the second attempt, growing by `factor` up to `longest_seconds`.
    first_seconds: float = 1.0
    factor: float = 2.0
    longest_seconds: float = 300.0


class Engine(_Section, frozen=True, kw_only=True):
    """`[engine]`."""

    retries: Retries = Retries()
    #: How often queues are looked at.
    poll_seconds: float = 0.2
    #: Transmissions received, and batches posted to ERPs, at the same time.
    receive_workers: int = 4
    post_workers: int = 2


class FolderSettings(_Section, frozen=True, kw_only=True):
    """`[transports.folder]`."""

    #: How long size and time of a file must stay the same before it is taken.
    quiet_seconds: float = 1.0
    #: How often the inboxes are looked through, whatever the watch says.
    scan_seconds: float = 5.0
    #: Be told by the operating system (inotify): "auto" tries, and does without on network file systems.
    watch: Literal["auto", "on", "off"] = "auto"


class SftpSettings(_Section, frozen=True, kw_only=True):
    """`[transports.sftp]`: our SFTP endpoint."""

    #: Address and port, such as "0.0.0.0:2222"; empty: no endpoint.
    listen: str = ""
    #: A second listener that old algorithms are taken on too, from accounts that are marked so; empty: none.
    legacy_listen: str = ""
    #: Private keys, made where they are absent; `sftp/host_ed25519`, `host_ecdsa` and `host_rsa` below `paths.data`
    #: where empty.
    host_keys: tuple[str, ...] = ()
    #: How long a file must rest that somebody laid into an account on our side: nobody says when that is complete.
    quiet_seconds: float = 3.0
    limits: SftpLimits = SftpLimits()


class As2Key(_Section, frozen=True, kw_only=True):
    """`[[transports.as2.keys]]`: a certificate of ours with its key; several overlap while it is changed."""

    #: PEM files.
    certificate: str
    private_key: str
    passphrase: Secret | None = None
    #: From when on we sign with it; what partners encrypt for any of ours, we read. The latest that is due signs.
    sign_from: datetime | None = None


class HttpTls(_Section, frozen=True, kw_only=True):
    """`tls`: a listener that speaks HTTPS itself, instead of a proxy in front of it."""

    #: PEM files: certificate with its chain, and key.
    certificate: str = ""
    private_key: str = ""
    #: File of authorities, one of which must have signed the client's certificate; empty asks for none.
    client_authorities: str = ""


class As2Settings(_Section, frozen=True, kw_only=True):
    """`[transports.as2]`: our AS2 station."""

    #: Address and port, such as "0.0.0.0:4080"; empty: no station.
    listen: str = ""
    path: str = "/as2"
    #: As partners reach it, for asynchronous receipts, such as "https://edi.example.com/as2".
    url: str = ""
    keys: tuple[As2Key, ...] = ()
    tls: HttpTls = HttpTls()
    limits: FrontLimits = FrontLimits()


class DropSettings(_Section, frozen=True, kw_only=True):
    """`[transports.drop]`: our HTTP drop."""

    #: Address and port; empty: no drop.
    listen: str = ""
    path: str = "/drop"
    tls: HttpTls = HttpTls()
    limits: FrontLimits = FrontLimits()


class Transports(_Section, frozen=True, kw_only=True):
    """`[transports]`: none but the folder is there unless it is configured."""

    folder: FolderSettings = FolderSettings()
    sftp: SftpSettings = SftpSettings()
    as2: As2Settings = As2Settings()
    drop: DropSettings = DropSettings()
    #: Deliveries that are under way or wait for their next attempt at a time; each partner's go one after the other.
    deliveries: int = 64
    #: How often a delivery is tried: partners' systems are away for hours. These take about a day and a half.
    retries: Retries = Retries(attempts=80, first_seconds=2.0, factor=2.0, longest_seconds=1800.0)


class Guides(_Section, frozen=True, kw_only=True):
    """`[guides]`."""

    #: Guides added by `edi-server guide add`, found before our own; `guides` below `paths.data` where empty.
    folder: str = ""


class Log(_Section, frozen=True, kw_only=True):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"


#: The company and the ERP of a first run without any configuration: the demo's.
DEMO_COMPANY = Company(
    display_name="Lindhof Feinkost GmbH", identities=(identity_of("14:9521141000007"),), gln="9521141000007"
)
DEMO_COMPANIES = {"lindhof": DEMO_COMPANY}
DEMO_ERPS = {"sandbox": Erp(kind="sandbox")}


class Settings(_Section, frozen=True, kw_only=True):
    """Every key of the configuration."""

    paths: Paths = Paths()
    database: Database = Database()
    companies: dict[str, Company] = msgspec.field(default_factory=DEMO_COMPANIES.copy)
    erp: dict[str, Erp] = msgspec.field(default_factory=DEMO_ERPS.copy)
    engine: Engine = Engine()
    transports: Transports = Transports()
    guides: Guides = Guides()
    log: Log = Log()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One effective value."""

    #: Such as "engine.poll_seconds".
    key: str
    #: As TOML would say it, secrets masked.
    value: str
    #: "default", "<file>:<line>" or "environment <NAME>".
    origin: str


class Secrets:
    """Finds secrets by name: environment `NAME`, file named by `NAME_FILE`, `EDI_SERVER_SECRETS_DIR`, /run/secrets."""

    def __init__(self, environ: Mapping[str, str], folder: Path = _SECRETS_FOLDER) -> None:
        self._environ = environ
        own = environ.get("EDI_SERVER_SECRETS_DIR")
        self._folders = ([Path(own)] if own else []) + [folder]

    def where(self, name: str) -> str | None:
        """Where the secret stands, in words, or None if it is nowhere."""
        if name in self._environ:
            return f"environment {name}"
        file = self._file(name)
        return f"file {file}" if file else None

    def resolve(self, name: str) -> str:
        """The secret's value without a line break at its end. Raises ConfigurationError, which never quotes a value."""
        if name in self._environ:
            return self._environ[name]
        file = self._file(name)
        if file is None:
            places = ", ".join(str(folder / name) for folder in self._folders)
            raise ConfigurationError(
                f"secret {name} is not set: give it as environment {name} or {name}_FILE, or {places}"
            )
        try:
            return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"secret {name}: {file} cannot be read as text") from error

    def _file(self, name: str) -> Path | None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or name.startswith("."):
            return None
        named = self._environ.get(f"{name}_FILE")
        if named:
            return Path(named)
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)


class Configuration:
    """The effective configuration of a process."""

    def __init__(self, settings: Settings, origins: Mapping[KeyPath, str], secrets: Secrets, file: Path | None) -> None:
        self.settings = settings
        self.secrets = secrets
        #: The file it was read from, if any.
        self.file = file
        self._origins = origins

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str]) -> Configuration:
        """Read the file (`path`, else EDI_SERVER_CONFIG, else `edi-server.toml` here, else none) and the environment.

        From then on guides are looked for in `guides.folder` too, wherever in the process somebody asks for one.
        Raises ConfigurationError with all problems, each with file and line or variable, and the key path.
        """
        file = _file_of(path, environ)
        table, lines = read_toml(file) if file else ({}, {})
        origins: dict[KeyPath, str] = {key: f"{file}:{line}" for key, line in lines.items()}
        typing = Typing(
            lambda key: _origin(origins, key) or str(file or "configuration"),
            {Identity: identity_of, Secret: _refuse_value},
        )
        _lay_environment_over(table, origins, environ, typing)
        settings = typing.record(Settings, table, ())
        typing.raise_if_any()
        assert settings is not None
        _check(settings, typing)
        typing.raise_if_any()
        base = (file.parent if file else Path()).absolute()
        complete = _complete(settings, base)
        use_folder(Path(complete.guides.folder))
        return cls(complete, origins, Secrets(environ), file)

    def effective(self) -> list[Setting]:
        """Every key with its value, secrets masked, and where it came from."""
        return [
            Setting(key=dotted(path), value=self._text(value), origin=_value_origin(self._origins, path))
            for path, value in _flat(self.settings, ())
        ]

    def load_book(self) -> Book:
        """The book of partners, each agreement with an ERP that exists and may take its traffic.

        Raises ConfigurationError with all problems.
        """
        book = Book.load(Path(self.settings.paths.partners), self.settings.companies)
        problems = [text for agreement in book.agreements if (text := self._erp_problem(agreement))]
        problems += [text for partner in book.partners.values() if (text := self._as2_problem(partner))]
        if problems:
            raise ConfigurationError("\n".join(problems))
        return book

    def database_url(self) -> str:
        """The database's URL with its password filled in."""
        database = self.settings.database
        if database.password is None:
            return database.url
        return database.url.replace("{password}", _quoted(self.secrets.resolve(database.password.secret)))

    def _erp_problem(self, agreement: Agreement) -> str | None:
        erp, where = self.settings.erp.get(agreement.erp), f"{agreement.file}: agreements.{agreement.key}.erp"
        if not agreement.erp:
            known = ", ".join(self.settings.erp)
            return f"{where}: is missing, here or in companies.{agreement.company}; there are {known}"
        if erp is None:
            return f"{where}: no ERP '{agreement.erp}'; {nearest(agreement.erp, self.settings.erp)}"
        if erp.kind == "odoo" and erp.live and (agreement.test or agreement.state == "testing"):
            return f"{where}: '{agreement.erp}' is live, and test traffic never reaches a live ERP"
        return None

    def _as2_problem(self, partner: Partner) -> str | None:
        """What was agreed for AS2 and our side of it is not configured."""
        agreed, ours = partner.as2, self.settings.transports.as2
        where = f"{Path(self.settings.paths.partners, partner.name)}.toml: as2"
        if agreed is None or not agreed.url:
            return None
        if agreed.sign != "no" and not ours.keys:
            return f"{where}.sign: nothing can be signed, for transports.as2.keys names no key of ours"
        if agreed.receipt == "async" and not (ours.listen and ours.url):
            return f"{where}.receipt: those that come later need transports.as2.listen and transports.as2.url"
        return None

    def _text(self, value: Any) -> str:
        if isinstance(value, Secret):
            place = self.secrets.where(value.secret)
            return f'{{ secret = "{value.secret}" }} {f"{_MASK} from {place}" if place else "is not set"}'
        if isinstance(value, str):
            value = re.sub(r"(://[^/@:]*:)(?!\{password\})[^@/]*@", rf"\g<1>{_MASK}@", value)
        return msgspec.json.encode(value, enc_hook=str).decode()


def _refuse_value(_: str) -> Secret:
    raise ValueError('is a secret: give its name, { secret = "NAME" }, never its value')


def _file_of(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(environ["EDI_SERVER_CONFIG"]) if environ.get("EDI_SERVER_CONFIG") else None)
    if named is not None:
        return named
    return Path(FILE_NAME) if Path(FILE_NAME).exists() else None


def _origin(origins: Mapping[KeyPath, str], path: KeyPath) -> str | None:
    """Where a key came from, or else the nearest table around it."""
    return next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)


def _value_origin(origins: Mapping[KeyPath, str], path: KeyPath) -> str:
    """Where a value came from; a variable may have set the table around it."""
    around = _origin(origins, path) or ""
    return around if path in origins or around.startswith("environment ") else "default"


def _lay_environment_over(
    table: Table, origins: dict[KeyPath, str], environ: Mapping[str, str], typing: Typing
) -> None:
    """Put each variable of ours at its key path, over what the file says."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in _OTHER_VARIABLES or _KUBERNETES.fullmatch(name):
            continue
        keys = name.removeprefix(PREFIX).lower().split("__")
        if keys[0] not in Settings.__struct_fields__ or len(keys) < 2:
            hint = nearest(keys[0].partition("_")[0], Settings.__struct_fields__)
            typing.problems.append(f"environment {name}: no such key ({hint}); levels are divided by two underscores")
            continue
        path = _put(table, keys, Raw(environ[name]))
        for key in [one for one in origins if one[: len(path)] == path]:
            del origins[key]
        origins[path] = f"environment {name}"


def _put(table: Table, keys: list[str], value: Raw) -> KeyPath:
    """Set a value at a path of lower case keys, which also mean keys with hyphens; the path as it stands."""
    path: KeyPath = ()
    for key in keys[:-1]:
        name = _spelled(table, key)
        if not isinstance(table.get(name), dict):
            table[name] = {}
        table, path = table[name], (*path, name)
    name = _spelled(table, keys[-1])
    table[name] = value
    return (*path, name)


def _spelled(table: Table, key: str) -> str:
    return next((one for one in table if one.lower().replace("-", "_") == key), key)


def _check(settings: Settings, typing: Typing) -> None:
    """What no type can say."""
    for path, least in _LEAST.items():
        value: Any = settings
        for key in path:
            value = getattr(value, str(key))
        if value < least:
            typing.problem(path, f"must be {least} or more")
    if not settings.erp:
        typing.problem(("erp",), "needs at least one")
    _check_listeners(settings.transports, typing)
    _check_erps(settings, typing)
    _check_companies(settings, typing)


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of "host:port"; an address of IPv6 stands in brackets. Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"'{listen}' is no address to listen on; write 127.0.0.1:2222, or 0.0.0.0:2222 for everywhere")
    return host.strip("[]"), int(port)


def _check_listeners(transports: Transports, typing: Typing) -> None:
    listeners = {
        ("sftp", "listen"): transports.sftp.listen,
        ("sftp", "legacy_listen"): transports.sftp.legacy_listen,
        ("as2", "listen"): transports.as2.listen,
        ("drop", "listen"): transports.drop.listen,
    }
    for path, listen in listeners.items():
        try:
            address_of(listen or "localhost:0")
        except ValueError as error:
            typing.problem(("transports", *path), str(error))
    for name, one in (("as2", transports.as2), ("drop", transports.drop)):
        if not re.fullmatch(r"/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]", one.path):
            typing.problem(("transports", name, "path"), f"'{one.path}' is no path; write /{name}")
        if bool(one.tls.certificate) != bool(one.tls.private_key):
            typing.problem(("transports", name, "tls"), "needs both a certificate and its private_key")
        try:
            Proxies(one.limits.trusted_proxies)
        except ValueError as error:
            problem = f"{error}; write addresses or networks, such as 127.0.0.1 or 10.0.0.0/8"
            typing.problem(("transports", name, "limits", "trusted_proxies"), problem)
    for index, key in enumerate(transports.as2.keys):
        if key.sign_from is not None and key.sign_from.tzinfo is None:
            typing.problem(
                ("transports", "as2", "keys", index, "sign_from"), "needs a zone, such as 2027-01-01T06:00:00Z"
            )
    if transports.as2.listen and transports.as2.listen == transports.drop.listen:
        typing.problem(("transports", "drop", "listen"), "is AS2's already; each has a listener of its own")


def _check_erps(settings: Settings, typing: Typing) -> None:
    for name, erp in settings.erp.items():
        for key in ("url", "database", "user", "password") if erp.kind == "odoo" else ():
            if not getattr(erp, key):
                typing.problem(("erp", name, key), "is missing; an ERP of kind odoo needs it")
        if erp.timeout_seconds <= 0:
            typing.problem(("erp", name, "timeout_seconds"), "must be more than 0")


def _check_companies(settings: Settings, typing: Typing) -> None:
    for name, company in settings.companies.items():
        if company.name:
            typing.problem(("companies", name, "name"), "the table's own name is the company's; say display_name")
        if company.erp and company.erp not in settings.erp:
            typing.problem(("companies", name, "erp"), f"no ERP '{company.erp}'; {nearest(company.erp, settings.erp)}")
    try:
        check_companies(settings.companies)
    except ConfigurationError as error:
        typing.problems.append(str(error))


_LEAST: dict[KeyPath, float] = {
    ("engine", "retries", "attempts"): 1,
    ("engine", "retries", "first_seconds"): 0,
    ("engine", "retries", "factor"): 1,
    ("engine", "retries", "longest_seconds"): 0,
    ("engine", "poll_seconds"): 0.01,
    ("engine", "receive_workers"): 1,
    ("engine", "post_workers"): 1,
    ("transports", "folder", "quiet_seconds"): 0,
    ("transports", "folder", "scan_seconds"): 0.1,
    ("transports", "sftp", "quiet_seconds"): 0,
    ("transports", "deliveries"): 1,
    ("transports", "retries", "attempts"): 1,
    ("transports", "retries", "first_seconds"): 0,
    ("transports", "retries", "factor"): 1,
    ("transports", "retries", "longest_seconds"): 0,
}


def _complete(settings: Settings, base: Path) -> Settings:
    """Paths made absolute, what follows from other keys filled in, companies named."""
    paths = msgspec.structs.asdict(settings.paths)
    absolute = {name: str(base / path) for name, path in paths.items() if name != "archive"}
    absolute["archive"] = str(base / paths["archive"]) if paths["archive"] else str(Path(absolute["data"], "archive"))
    url = settings.database.url or f"sqlite:///{absolute['data']}/edi.sqlite"
    added = Path(absolute["data"], "guides")
    sole = next(iter(settings.erp)) if len(settings.erp) == 1 else ""
    companies = {
        name: msgspec.structs.replace(
            company, name=name, display_name=company.display_name or name, erp=company.erp or sole
        )
        for name, company in settings.companies.items()
    }
    return msgspec.structs.replace(
        settings,
        paths=Paths(**absolute),
        database=msgspec.structs.replace(settings.database, url=_absolute_sqlite(url, base)),
        guides=Guides(folder=str(base / settings.guides.folder if settings.guides.folder else added)),
        companies=companies,
        transports=_complete_transports(settings.transports, base, Path(absolute["data"])),
    )


def _complete_transports(transports: Transports, base: Path, data: Path) -> Transports:
    """The files of the listeners made absolute."""
    replace = msgspec.structs.replace
    keys = tuple(
        replace(key, certificate=str(base / key.certificate), private_key=str(base / key.private_key))
        for key in transports.as2.keys
    )
    named = tuple(str(base / file) for file in transports.sftp.host_keys)
    made = tuple(str(data / "sftp" / f"host_{kind}") for kind in ("ed25519", "ecdsa", "rsa"))
    return replace(
        transports,
        sftp=replace(transports.sftp, host_keys=named or made),
        as2=replace(transports.as2, keys=keys, tls=_complete_tls(transports.as2.tls, base)),
        drop=replace(transports.drop, tls=_complete_tls(transports.drop.tls, base)),
    )


def _complete_tls(tls: HttpTls, base: Path) -> HttpTls:
    files = msgspec.structs.asdict(tls)
    return HttpTls(**{name: str(base / file) if file else "" for name, file in files.items()})


def _absolute_sqlite(url: str, base: Path) -> str:
    relative = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:)(.+)", url)
    return f"{relative[1]}{base / relative[2]}" if relative else url


def _quoted(secret: str) -> str:
    from urllib.parse import quote

    return quote(secret, safe="")


def _flat(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Every leaf of the settings with its key path."""
    if isinstance(value, msgspec.Struct) and not isinstance(value, Secret | Identity):
        for name in value.__struct_fields__:
            if (path[:1], name) != (("companies",), "name"):
                yield from _flat(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, (*path, name))
    elif isinstance(value, tuple) and any(isinstance(one, As2Key) for one in value):
        for index, one in enumerate(value):
            yield from _flat(one, (*path, index))
    elif isinstance(value, tuple):
        yield path, [str(one) for one in value]
    else:
        yield path, value
