"""`partner`, `as2`, `sftp`, `drop`: what people type, and what they get."""

import datetime as dt
import json
import os
import stat
from pathlib import Path

import asyncssh
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from network_places import Hook, SshServer, free_port, needs_sshd, write_own_key
from rooms.test_as2_core import STRANGER, THEM, US, certify
from typer.testing import CliRunner

from edi_server.cli.application import app
from edi_server.config import Configuration
from edi_server.store import Store, Subject
from edi_server.transports.as2.certificates import fingerprint, make_own_key
from edi_server.transports.drop import hash_token
from edi_server.transports.loop import Loop
from edi_server.transports.sftp_account.account import fits_password

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
AGREED = """
identities = ["14:9521234000006"]
[as2]
own_name = "US"
partner_name = "ACME"

[[as2.certificates]]
file = "certificates/acme.pem"
"""


@pytest.fixture
def plant(tmp_path):
    """A plant with one AS2 partner and a key of ours."""
    folder = tmp_path / "a plant"
    write_own_key(folder / "keys", US)
    write_own_key(folder / "partners" / "certificates", THEM, "acme")
    (folder / "partners" / "acme.toml").write_text(AGREED)
    (folder / "edi-server.toml").write_text(
        '[transports.as2]\nkeys = [{ certificate = "keys/own.pem", private_key = "keys/own.key" }]\n'
    )
    return folder


def call(plant, *arguments, code=0, stdin=None, env=None):
    result = CliRunner().invoke(
        app,
        ["--config", str(plant / "edi-server.toml"), *arguments],
        input=stdin,
        env={"COLUMNS": "160", **(env or {})},
    )
    assert result.exit_code == code, result.output + str(result.exception)
    return result.output


def call_json(plant, *arguments, code=0, **options):
    return json.loads(call(plant, *arguments, "--json", code=code, **options))


def certificate_in(folder, certificate, name="their.cer"):
    file = folder / name
    file.write_bytes(certificate.public_bytes(Encoding.DER))
    return str(file)


# AS2


def test_a_new_certificate_is_a_key_of_our_own_that_the_configuration_takes(plant):
    (plant / "edi-server.toml").write_text("")
    made = call_json(plant, "as2", "new-certificate", "LINDHOF Süd", "--days", "400")
    assert stat.S_IMODE((plant / made["private_key"]).stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate((plant / made["certificate"]).read_bytes())
    assert certificate.public_key().key_size == 3072
    assert fingerprint(certificate) == made["fingerprint"]
    (plant / "edi-server.toml").write_text(made["toml"])
    [own, _] = call_json(plant, "as2", "show")["certificates"]
    assert (own["use"], own["days_left"], own["fingerprint"]) == ("signs", 399, made["fingerprint"])
    again = call_json(plant, "as2", "new-certificate", "LINDHOF Süd")
    assert again["certificate"].endswith("-2.pem")
    assert (plant / made["certificate"]).read_bytes() == certificate.public_bytes(Encoding.PEM)


def lasting(days, name="us"):
    """A key whose certificate ends in so many days, and a few minutes."""
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=900) + dt.timedelta(minutes=5)
    return make_own_key(name, now=start, days=900 + days, bits=2048)


def days_ahead(text):
    return (dt.datetime.fromisoformat(text) - dt.datetime.now(dt.UTC)).total_seconds() / 86400


def test_a_new_certificate_beside_one_that_signs_is_exported_and_sent_before_we_sign_with_it(plant, tmp_path):
    """Step by step as docs/operating.md says it."""
    made = call_json(plant, "as2", "new-certificate", "LINDHOF")
    assert not Path(made["certificate"]).is_absolute()
    assert 27 < days_ahead(made["sign_from"]) <= 28
    file = plant / "edi-server.toml"
    configured = file.read_text()
    file.write_text(configured.replace("keys = [", f"keys = [\n{made['inline']}\n"))
    rows = call_json(plant, "as2", "show")["certificates"]
    assert [(row["partner"], row["use"]) for row in rows][:2] == [(None, "signs"), (None, "reads")]
    assert fingerprint(US.certificate) == rows[0]["fingerprint"]
    said = call(plant, "as2", "export", str(tmp_path / "us.cer"), code=2)
    assert "--next" in said
    assert fingerprint(US.certificate)[:23] in said
    assert not (tmp_path / "us.cer").exists(), "which one is meant is not guessed"
    call(plant, "as2", "export", "--next", str(tmp_path / "next.cer"))
    call(plant, "as2", "export", "--current", str(tmp_path / "now.cer"))
    call(plant, "as2", "export", "--fingerprint", made["fingerprint"][:20], str(tmp_path / "named.cer"))
    [now, after, named] = [fingerprint_in(tmp_path / f"{name}.cer") for name in ("now", "next", "named")]
    assert now == fingerprint(US.certificate)
    assert after == named == made["fingerprint"]
    assert "--next" in call(plant, "as2", "export", "--fingerprint", "00 11 22", str(tmp_path / "x.cer"), code=2)


def fingerprint_in(file):
    return fingerprint(x509.load_der_x509_certificate(file.read_bytes()))


def test_a_new_certificate_signs_before_the_old_one_ends_and_at_once_where_none_signs(plant):
    write_own_key(plant / "keys", lasting(10))
    made = call_json(plant, "as2", "new-certificate", "LINDHOF")
    assert 8 < days_ahead(made["sign_from"]) < 9.1
    assert "--next" in call(plant, "as2", "new-certificate", "LINDHOF")
    write_own_key(plant / "keys", lasting(-1))
    assert call_json(plant, "as2", "new-certificate", "LINDHOF")["sign_from"] is None
    assert "--next" not in call(plant, "as2", "new-certificate", "LINDHOF")


@pytest.mark.parametrize(
    ("sign_from", "complaint"),
    [
        ("2027-01-01T00:00:00", "needs a zone"),
        ("2020-01-01T00:00:00Z", "outside of what the certificate is valid for"),
        ("2099-01-01T00:00:00Z", "outside of what the certificate is valid for"),
    ],
)
def test_a_date_that_a_certificate_cannot_be_switched_to_is_told_with_its_key(plant, sign_from, complaint):
    file = plant / "edi-server.toml"
    file.write_text(file.read_text().replace(" }]", f", sign_from = {sign_from} }}]"))
    said = call(plant, "as2", "show", code=2)
    assert complaint in said
    assert "sign_from" in said
    assert "Traceback" not in said


def test_certificates_are_shown_with_use_and_dates_and_an_alarm(plant):
    rows = call_json(plant, "as2", "show")["certificates"]
    assert [(row["partner"], row["use"]) for row in rows] == [(None, "signs"), ("acme", "encrypts")]
    write_own_key(plant / "keys", certify("us", days=20))
    assert "19 days left" in call(plant, "as2", "show", code=1)
    [alarm] = call_json(plant, "as2", "show", code=1)["alarms"]
    assert alarm.startswith("Ours: The AS2 certificate CN=us")


@pytest.mark.parametrize("whose", ["Ours", "acme"])
def test_a_certificate_that_ended_is_an_alarm_and_a_failure_unless_another_takes_its_place(plant, tmp_path, whose):
    for mailbox in ("inbox", "outbox"):
        (plant / mailbox / "acme").mkdir(parents=True)
    folder, name = (plant / "keys", "own") if whose == "Ours" else (plant / "partners" / "certificates", "acme")
    write_own_key(folder, lasting(-1), name)
    [alarm] = call_json(plant, "as2", "show", code=1)["alarms"]
    assert alarm.startswith(f"{whose}: No AS2 certificate can be used now: ")
    said = call(plant, "as2", "show", code=1)
    assert "not valid" in said
    assert "No AS2 certificate can be used now" in " ".join(said.split())
    tried = call_json(plant, "partner", "test", "acme", code=1)["steps"]
    [missing] = [one for one in tried if "No AS2 certificate can be used now" in one["told"]]
    assert (missing["ok"], missing["warns"]) == (False, False)
    assert "SOON" not in call(plant, "partner", "test", "acme", code=1)
    if whose == "acme":
        call(plant, "as2", "import", "acme", certificate_in(tmp_path, lasting(800).certificate))
    else:
        write_own_key(folder, lasting(800), "next")
        file = plant / "edi-server.toml"
        more = '{ certificate = "keys/next.pem", private_key = "keys/next.key" }'
        file.write_text(file.read_text().replace("keys = [", f"keys = [{more}, "))
    assert call_json(plant, "as2", "show")["alarms"] == []
    assert all(ok for _, step, ok in steps(plant) if "certificate" in step)


@pytest.mark.parametrize("name", ["us.pem", "us.cer"])
def test_our_certificate_is_exported_for_partners_without_its_key(plant, tmp_path, name):
    file, before = tmp_path / name, os.umask(0o027)
    try:
        assert fingerprint(US.certificate) in call(plant, "as2", "export", str(file))
    finally:
        left = os.umask(before)
    assert (left, stat.S_IMODE(file.stat().st_mode)) == (0o027, 0o640)
    content = file.read_bytes()
    read = x509.load_pem_x509_certificate if name.endswith("pem") else x509.load_der_x509_certificate
    assert read(content) == US.certificate
    assert b"PRIVATE" not in content
    assert "not written over" in call(plant, "as2", "export", str(file), code=2)
    assert ".pem, .cer or .p12" in call(plant, "as2", "export", str(tmp_path / "us.txt"), code=2)


def test_key_and_certificate_are_exported_under_a_passphrase(plant, tmp_path):
    file = tmp_path / "us.p12"
    call(plant, "as2", "export", str(file), env={"EDI_P12_PASSPHRASE": "correct horse"})
    key, certificate, _ = pkcs12.load_key_and_certificates(file.read_bytes(), b"correct horse")
    assert certificate == US.certificate
    assert key.private_numbers() == US.key.private_numbers()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_partners_new_certificate_overlaps_the_old_one_until_its_date(plant, tmp_path):
    file = certificate_in(tmp_path, STRANGER.certificate)
    day = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=30):%Y-%m-%d}"
    assert "--encrypt-from" in call(plant, "as2", "import", "acme", file, code=2)
    (plant / "var").mkdir()
    configuration = Configuration.load(plant / "edi-server.toml", {})
    with Store.open(configuration.database_url(), plant / "var" / "archive") as store:
        said = call(plant, "as2", "import", "acme", file, "--encrypt-from", day)
        with store.read() as work:
            [event] = work.timeline.of(Subject("partner", "acme"))
    assert fingerprint(STRANGER.certificate) in said
    assert event.what == "certificate imported"
    rows = call_json(plant, "as2", "show")["certificates"]
    assert [(row["use"], row["switch_at"]) for row in rows[1:]] == [
        ("encrypts", None),
        ("verifies", f"{day}T00:00:00Z"),
    ]
    assert "has it already" in call(plant, "as2", "import", "acme", file, "--encrypt-from", "now", code=2)
    assert "the next one to start reads it" in said


def test_importing_beside_one_that_has_not_begun_says_when_that_begins(plant, tmp_path):
    later = make_own_key("later", now=dt.datetime.now(dt.UTC) + dt.timedelta(days=30), days=400, bits=2048)
    write_own_key(plant / "partners" / "certificates", later, "acme")
    said = call(plant, "as2", "import", "acme", certificate_in(tmp_path, STRANGER.certificate), code=2)
    assert f"has a certificate that begins on {later.certificate.not_valid_before_utc:%Y-%m-%d}." in said


def test_importing_says_whether_the_daemon_has_it_and_what_is_still_missing(plant, tmp_path, monkeypatch):
    write_own_key(plant / "partners" / "certificates", lasting(5, "them"), "acme")
    later = lasting(800, "their next")
    day = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=40):%Y-%m-%d}"
    file = plant / "partners" / "acme.toml"
    file.write_text(file.read_text().replace("[as2]", '[as2]\nurl = "http://acme.example/as2"'))
    monkeypatch.setattr("edi_server.desk.certificates.is_daemon_running", lambda _folder: True)
    said = call(plant, "as2", "import", "acme", certificate_in(tmp_path, later.certificate), "--encrypt-from", day)
    assert "The daemon that runs reads it within" in said
    assert "none to encrypt for them with" in said
    assert f"The next one can be used from {day}" in said


@pytest.mark.parametrize("day", ["2020-01-01", "2099-01-01"])
def test_a_certificate_is_not_imported_for_a_time_that_it_is_not_valid_at(plant, tmp_path, day):
    file = certificate_in(tmp_path, STRANGER.certificate)
    assert "It is valid from" in call(plant, "as2", "import", "acme", file, "--encrypt-from", day, code=2)
    assert (plant / "partners" / "acme.toml").read_text() == AGREED


def test_certificates_that_are_of_no_use_are_not_imported(plant, tmp_path):
    before = (plant / "partners" / "acme.toml").read_text()
    old = certificate_in(tmp_path, certify("old", days=-1, begins=-10).certificate)
    assert "It ended on" in call(plant, "as2", "import", "acme", old, "--encrypt-from", "now", code=2)
    (tmp_path / "no.cer").write_text("hello")
    assert "holds no certificate" in call(plant, "as2", "import", "acme", str(tmp_path / "no.cer"), code=2)
    assert "there are: acme" in call(plant, "as2", "import", "acne", old, code=2)
    assert (plant / "partners" / "acme.toml").read_text() == before


def test_a_file_that_cannot_be_added_to_stays_as_it_was_and_the_lines_are_told(plant, tmp_path):
    file = plant / "partners" / "acme.toml"
    inline = AGREED.partition("[[")[0] + 'certificates = [{ file = "certificates/acme.pem" }]\n'
    file.write_text(inline)
    new = certificate_in(tmp_path, STRANGER.certificate)
    said = call(plant, "as2", "import", "acme", new, "--encrypt-from", "now", code=2)
    assert "[[as2.certificates]]" in said
    assert file.read_text() == inline
    assert [one.name for one in (plant / "partners" / "certificates").glob("acme-*")] == []


# accounts


def test_a_password_is_hashed_and_a_short_one_refused(plant):
    kept = call(plant, "sftp", "hash-password", stdin="correct horse battery\n").strip()
    assert fits_password(kept, "correct horse battery")
    assert not fits_password(kept, "correct horse batterx")
    assert "12 characters" in call(plant, "sftp", "hash-password", stdin="short\n", code=2)


def test_a_new_token_is_given_with_its_digest(plant):
    made = call_json(plant, "drop", "new-token")
    assert made["digest"] == hash_token(made["token"])
    assert "tokens = [{ digest = " in call(plant, "drop", "new-token")


# partners


def steps(plant, name="acme", code=0):
    told = call_json(plant, "partner", "test", name, code=code)["steps"]
    return [(one["way"], one["step"], one["ok"]) for one in told]


def test_a_station_that_is_there_passes_each_step_and_one_that_is_not_says_at_which_it_fails(plant):
    with Loop() as loop:
        hook = Hook(loop)
        file = plant / "partners" / "acme.toml"
        file.write_text(AGREED.replace('partner_name = "ACME"', f'partner_name = "ACME"\nurl = "{hook.url}"'))
        assert steps(plant) == [
            ("as2", "our certificate", True),
            ("as2", "their certificate", True),
            ("as2", "DNS", True),
            ("as2", "TCP", True),
            ("as2", "HTTP", True),
        ]
        assert hook.posts == [], "nothing was sent"
        hook.close()
    assert steps(plant, code=1)[-1] == ("as2", "TCP", False)


def test_certificates_that_do_not_last_are_told_before_they_fail(plant):
    for folder in ("inbox", "outbox"):
        (plant / folder / "acme").mkdir(parents=True)
    write_own_key(plant / "keys", lasting(4))
    told = call_json(plant, "partner", "test", "acme")["steps"]
    [first, soon] = [one for one in told if one["step"].startswith("our cert")]
    assert (first["ok"], soon["ok"], first["warns"], soon["warns"]) == (True, True, False, True)
    assert "4 days left" in first["told"]
    assert "none takes its place" in soon["told"]
    assert "SOON" in call(plant, "partner", "test", "acme")
    write_own_key(plant / "keys", lasting(-1))
    assert "has ended" in call(plant, "partner", "test", "acme", code=1)


def test_accounts_are_tried_as_far_as_they_are_ours(plant):
    (plant / "partners" / "shop.toml").write_text(
        f'identities = ["ZZ:SHOP"]\n[sftp_account]\nkeys = [{{ key = "{KEY}", ends = 2020-01-01T00:00:00Z }}]\n'
        f'[drop]\ntokens = [{{ digest = "{"0" * 64}" }}]\n[webhook]\nurl = "http://127.0.0.1:{free_port()}/x"\n'
    )
    file = plant / "partners" / "shop.toml"
    file.write_text('deliver_by = "sftp_account"\n' + file.read_text())
    assert steps(plant, "shop", code=1) == [
        ("sftp_account", "account", False),
        ("sftp_account", "listener", False),
        ("drop", "tokens", True),
        ("drop", "listener", False),
        ("webhook", "DNS", True),
        ("webhook", "TCP", False),
    ]


@needs_sshd
def test_a_mailbox_of_theirs_is_tried_to_the_deletion_of_what_was_written(plant, tmp_path, monkeypatch):
    server = SshServer(tmp_path / "server")
    try:
        monkeypatch.setenv("ACME_KEY", server.user_key_text)
        (plant / "partners" / "acme.toml").write_text(
            f'identities = ["ZZ:ACME"]\n[sftp_mailbox]\nhost = "127.0.0.1"\nport = {server.port}\nuser = "{server.user}"\n'
            f'host_keys = ["{server.host_key_text}"]\nprivate_key = {{ secret = "ACME_KEY" }}\n'
            f'inbox = "{server.folder}/in"\noutbox = "{server.folder}/out"\n'
        )
        tried = ["list", "write", "rename", "delete"]
        names = ["DNS", "TCP", "host key", "login", *tried, *tried]
        assert steps(plant) == [("sftp_mailbox", name, True) for name in names]
        assert list((server.folder / "out").iterdir()) == []
        file = plant / "partners" / "acme.toml"
        file.write_text(file.read_text().replace(server.host_key_text, KEY))
        assert steps(plant, code=1)[-1] == ("sftp_mailbox", "host key", False)
        monkeypatch.delenv("ACME_KEY")
        assert "secret ACME_KEY is not set" in call(plant, "partner", "test", "acme", code=1)
    finally:
        server.stop()


def test_a_partner_is_shown_with_its_ways_cases_and_timeline(plant):
    (plant / "var").mkdir()
    configuration = Configuration.load(plant / "edi-server.toml", {})
    with Store.open(configuration.database_url(), plant / "var" / "archive") as store:
        with store.begin() as work:
            work.timeline.add(Subject("partner", "acme"), "as2-decryption-failed", detail="A message was refused.")
        shown = call_json(plant, "partner", "show", "acme")
        assert "A message was refused." in call(plant, "partner", "show", "acme")
    assert [(one["way"], one["delivers"]) for one in shown["ways"]] == [("folder", True), ("as2", False)]
    assert [one["what"] for one in shown["timeline"]] == ["as2-decryption-failed"]
