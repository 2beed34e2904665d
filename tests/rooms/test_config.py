"""The configuration: defaults, file, environment, secrets, and what is said about a wrong key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edi_server.config import Configuration, Secrets
from edi_server.envelope.model import Identity
from edi_server.errors import ConfigurationError

TEXT = """
[paths]
inbox = "drop/in"

[companies.main]
identities = ["14:4099999000005"]
erp = "odoo-main"

[erp.odoo-main]
kind = "odoo"
url = "https://odoo.example.com"
database = "prod"
user = "edi"
password = { secret = "ODOO_PASSWORD" }
live = true

[erp.trial]
kind = "sandbox"

[engine]
poll_seconds = 1
"""
PARTNER = """
identities = ["14:4012345000009"]
[agreements.orders-in]
direction = "inbound"
message = "ORDERS"
versions = ["D.96A"]
document = "Order"
profile = "edifact/orders"
state = "live"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "with a space"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def load(folder: Path, text: str = TEXT, **environ: str) -> Configuration:
    file = folder / "edi-server.toml"
    file.write_text(text, encoding="utf-8")
    return Configuration.load(file, environ)


def problems_of(folder: Path, text: str = TEXT, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, **environ)
    return str(caught.value)


def effective(configuration: Configuration) -> dict[str, tuple[str, str]]:
    return {setting.key: (setting.value, setting.origin) for setting in configuration.effective()}


def test_without_any_file_everything_has_a_default(folder: Path) -> None:
    configuration = Configuration.load(None, {})
    paths = configuration.settings.paths
    assert (paths.inbox, paths.outbox) == (str(folder / "inbox"), str(folder / "outbox"))
    assert configuration.database_url() == f"sqlite:///{folder}/var/edi.sqlite"
    assert paths.archive == str(folder / "var" / "archive")
    assert [erp.kind for erp in configuration.settings.erp.values()] == ["sandbox"]
    assert [company.erp for company in configuration.settings.companies.values()] == ["sandbox"]
    assert {setting.origin for setting in configuration.effective()} == {"default"}


def test_the_file_of_the_working_directory_is_found(folder: Path) -> None:
    (folder / "edi-server.toml").write_text(TEXT, encoding="utf-8")
    assert Configuration.load(None, {}).settings.paths.inbox == str(folder / "drop/in")


def test_paths_count_from_the_folder_of_the_file(folder: Path) -> None:
    other = folder / "elsewhere"
    other.mkdir()
    configuration = load(other, TEXT + '[database]\nurl = "sqlite:///own.db"\n')
    assert configuration.settings.paths.inbox == str(other / "drop/in")
    assert configuration.settings.paths.partners == str(other / "partners")
    assert configuration.database_url() == f"sqlite:///{other}/own.db"


def test_the_variable_edi_server_config_names_the_file(folder: Path) -> None:
    file = folder / "other.toml"
    file.write_text(TEXT, encoding="utf-8")
    assert Configuration.load(None, {"EDI_SERVER_CONFIG": str(file)}).file == file
    with pytest.raises(ConfigurationError, match=r"absent\.toml: cannot be read"):
        Configuration.load(None, {"EDI_SERVER_CONFIG": str(folder / "absent.toml")})


def test_the_environment_wins_over_the_file_and_takes_the_type_of_the_key(folder: Path) -> None:
    configuration = load(
        folder,
        EDI_SERVER_ENGINE__POLL_SECONDS="0.5",
        EDI_SERVER_ERP__ODOO_MAIN__LIVE="false",
        EDI_SERVER_ERP__ODOO_MAIN__DATABASE="2026",
        EDI_SERVER_ENGINE__RETRIES="{ attempts = 3 }",
        EDI_SERVER_COMPANIES__MAIN__IDENTITIES='["14:4000000000006", "ACME"]',
        EDI_SERVER_ERP__ODOO_MAIN__PASSWORD='{ secret = "OTHER" }',
    )
    settings = configuration.settings
    assert settings.engine.poll_seconds == 0.5
    assert settings.engine.retries.attempts == 3
    assert settings.erp["odoo-main"].live is False
    assert settings.erp["odoo-main"].database == "2026"
    assert settings.companies["main"].identities == (Identity(id="4000000000006", qualifier="14"), Identity(id="ACME"))
    password = settings.erp["odoo-main"].password
    assert password is not None
    assert password.secret == "OTHER"
    assert effective(configuration)["engine.poll_seconds"] == ("0.5", "environment EDI_SERVER_ENGINE__POLL_SECONDS")
    assert effective(configuration)["engine.retries.attempts"][1] == "environment EDI_SERVER_ENGINE__RETRIES"
    assert effective(configuration)["erp.odoo-main.password"][1] == "environment EDI_SERVER_ERP__ODOO_MAIN__PASSWORD"


def test_every_effective_value_says_where_it_came_from(folder: Path) -> None:
    shown = effective(load(folder))
    line = TEXT.splitlines().index("poll_seconds = 1") + 1
    assert shown["engine.poll_seconds"] == ("1.0", f"{folder / 'edi-server.toml'}:{line}")
    assert shown["engine.receive_workers"] == ("4", "default")
    assert shown["companies.main.identities"][0] == '["14:4099999000005"]'


def test_secrets_are_shown_by_name_and_place_never_by_value(folder: Path) -> None:
    text = TEXT + '[database]\nurl = "postgresql+psycopg://edi:hunter2@db/edi"\n'
    shown = effective(load(folder, text, ODOO_PASSWORD="swordfish"))
    assert shown["erp.odoo-main.password"][0].endswith("from environment ODOO_PASSWORD")
    assert "is not set" in effective(load(folder, text))["erp.odoo-main.password"][0]
    everything = str(shown)
    assert "swordfish" not in everything
    assert "hunter2" not in everything
    assert "@db/edi" in everything


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[engine]", "[engin]", "engin: unknown key; did you mean 'engine'?"),
        ("poll_seconds", "poll_second", "engine.poll_second: unknown key; did you mean 'poll_seconds'?"),
        ("poll_seconds = 1", 'poll_seconds = "often"', "engine.poll_seconds: expected float, got str"),
        ("poll_seconds = 1", "receive_workers = 0", "engine.receive_workers: must be 1 or more"),
        ('kind = "odoo"', 'kind = "oddo"', "erp.odoo-main.kind: "),
        ('user = "edi"\n', "", "erp.odoo-main.user: is missing"),
        ('{ secret = "ODOO_PASSWORD" }', '"hunter2"', "erp.odoo-main.password: is a secret: give its name"),
        ('erp = "odoo-main"', 'erp = "odo-main"', "companies.main.erp: no ERP 'odo-main'; did you mean 'odoo-main'?"),
        ('erp = "odoo-main"', 'name = "x"', "companies.main.name: "),
        ('["14:4099999000005"]', "[]", "companies.main.identities: needs at least one"),
    ],
)
def test_a_wrong_key_is_named_with_file_line_and_nearest_key(folder: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    text = problems_of(folder, TEXT.replace(old, new, 1))
    assert said in text
    assert "hunter2" not in text


def test_the_line_of_a_wrong_key_is_named(folder: Path) -> None:
    line = TEXT.splitlines().index("poll_seconds = 1") + 1
    said = problems_of(folder, TEXT.replace("poll_seconds", "poll_second"))
    assert f"edi-server.toml:{line}: engine.poll_second" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EDI_SERVER_ENGIN__POLL_SECONDS", "1", "did you mean 'engine'?"),
        ("EDI_SERVER_DATABASE_URL", "sqlite://", "levels are divided by two underscores"),
        ("EDI_SERVER_ENGINE__POLL_SECOND", "1", "engine.poll_second: unknown key"),
        ("EDI_SERVER_ENGINE__RECEIVE_WORKERS", "many", "engine.receive_workers: expected int"),
    ],
)
def test_a_wrong_variable_is_named(folder: Path, name: str, value: str, said: str) -> None:
    text = problems_of(folder, **{name: value})
    assert said in text
    assert f"environment {name}" in text


def test_variables_that_others_set_are_left_alone(folder: Path) -> None:
    others = {
        "EDI_SERVER_SERVICE_HOST": "10.0.0.1",
        "EDI_SERVER_PORT": "tcp://10.0.0.1:80",
        "EDI_SERVER_PORT_80_TCP_ADDR": "10.0.0.1",
        "EDI_SERVER_REWRITE_GOLDEN": "1",
        "EDI_SERVERS": "x",
    }
    assert load(folder, **others).settings == load(folder).settings


def test_secrets_come_from_the_environment_from_named_files_and_from_folders(tmp_path: Path) -> None:
    own, platform = tmp_path / "own", tmp_path / "platform"
    for place, name, text in ((own, "A", "own\n"), (platform, "A", "platform"), (platform, "B", "b\r\n")):
        place.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8", newline="")
    (tmp_path / "named").write_text("c", encoding="utf-8")
    environ = {"EDI_SERVER_SECRETS_DIR": str(own), "C_FILE": str(tmp_path / "named"), "D": "d"}
    secrets = Secrets(environ, platform)
    assert [secrets.resolve(name) for name in "ABCD"] == ["own", "b", "c", "d"]
    assert Secrets({}, platform).resolve("A") == "platform"
    (own / ".hidden").write_text("no", encoding="utf-8")
    for name in ("E", "../own/A", "..", ".hidden"):
        with pytest.raises(ConfigurationError, match="is not set"):
            secrets.resolve(name)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Secrets({"F_FILE": str(tmp_path / "absent")}, platform).resolve("F")


def test_the_password_of_the_database_is_a_secret_too(folder: Path) -> None:
    text = TEXT + '[database]\nurl = "postgresql+psycopg://edi:{password}@db/edi"\npassword = { secret = "DB" }\n'
    configuration = load(folder, text, DB="p@ss/word")
    assert configuration.database_url() == "postgresql+psycopg://edi:p%40ss%2Fword@db/edi"
    assert "p@ss" not in str(configuration.effective())


def test_the_book_is_loaded_with_the_erp_of_each_agreement(folder: Path) -> None:
    (folder / "partners").mkdir()
    (folder / "partners" / "north.toml").write_text(PARTNER, encoding="utf-8")
    book = load(folder).load_book()
    assert [agreement.erp for agreement in book.agreements] == ["odoo-main"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("test = true\n", "test traffic never reaches a live ERP"),
        ('erp = "trail"\n', "no ERP 'trail'; did you mean 'trial'?"),
    ],
)
def test_an_agreement_needs_an_erp_that_may_take_its_traffic(folder: Path, more: str, said: str) -> None:
    (folder / "partners").mkdir()
    (folder / "partners" / "north.toml").write_text(PARTNER + more, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load(folder).load_book()


def test_testing_agreements_never_reach_a_live_erp_and_one_without_any_erp_is_refused(folder: Path) -> None:
    (folder / "partners").mkdir()
    (folder / "partners" / "north.toml").write_text(PARTNER.replace('"live"', '"testing"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="test traffic never reaches a live ERP"):
        load(folder).load_book()
    with pytest.raises(ConfigurationError, match="is missing, here or in companies"):
        load(folder, TEXT.replace('erp = "odoo-main"\n', "")).load_book()
