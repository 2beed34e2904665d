"""How partners exchange: what their files may say, what is wrong with it in words, and who delivers."""

import tomllib
from pathlib import Path
from typing import get_args

import asyncssh
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from network_places import write_own_key
from rooms.test_as2_core import THEM, US, certify

from edi_server.config import Configuration
from edi_server.errors import ConfigurationError
from edi_server.partners import Book, Company, Partner, identity_of
from edi_server.partners.exchange import As2, As2Quirks, Delivering, Exchange, Way
from edi_server.transports.as2.algorithms import Cipher, Digest, KeyTransport
from edi_server.transports.as2.certificates import read_own_key
from edi_server.transports.as2.encryption import OwnKey
from edi_server.transports.as2.terms import Quirks, Terms

ROOT = Path(__file__).parents[2]
KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
COMPANIES = {"us": Company(name="us", identities=(identity_of("14:4012345000009"),))}
ACCOUNT = f'[sftp_account]\nkeys = [{{ key = "{KEY}" }}]\n'
MAILBOX = (
    '[sftp_mailbox]\nhost = "sftp.example.com"\nuser = "us"\ninbox = "/out"\n'
    f'host_keys = ["{KEY}"]\nprivate_key = {{ secret = "ACME_KEY" }}\n'
)
AS2 = '[as2]\nown_name = "US"\npartner_name = "ACME"\ncertificates = [{ file = "certificates/acme.pem" }]\n'


#: Keys that AS2 cannot use for all that RSA of 2048 bits is used for.
OTHER_KEYS = {
    "weak": rsa.generate_private_key(public_exponent=65537, key_size=1024),
    "curve": ec.generate_private_key(ec.SECP256R1()),
    "edwards": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.fixture
def load(tmp_path):
    write_own_key(tmp_path / "certificates", THEM, "acme")
    for name, key in OTHER_KEYS.items():
        write_own_key(tmp_path / "certificates", certify(name, key=key), name)

    def loading(text, *, name="acme", top=""):
        (tmp_path / f"{name}.toml").write_text(f'identities = ["ZZ:{name.upper()}"]\n{top}\n{text}')
        return Book.load(tmp_path, COMPANIES).partners[name]

    return loading


def test_a_partner_without_tables_uses_the_folder(load):
    partner = load("")
    assert (partner.delivers_by, partner.uses_folder) == ("folder", True)


@pytest.mark.parametrize(
    ("text", "by", "folder"),
    [
        (ACCOUNT, "sftp_account", False),
        (MAILBOX, "folder", True),
        (MAILBOX + 'outbox = "/in"\n', "sftp_mailbox", False),
        (AS2, "folder", True),
        (AS2 + 'url = "https://acme.example/as2"\n', "as2", False),
        ('[webhook]\nurl = "https://acme.example/edi"\n', "webhook", False),
        (f'[drop]\ntokens = [{{ digest = "{"0" * 64}" }}]\n', "folder", True),
    ],
)
def test_what_delivers_is_the_only_way_that_can(load, text, by, folder):
    partner = load(text)
    assert (partner.delivers_by, partner.uses_folder) == (by, folder)


def test_an_elliptic_curve_is_enough_to_sign_and_may_stand_beside_a_certificate_to_encrypt_for(load):
    assert load(AS2.replace("acme.pem", "curve.pem")).as2
    both = '{ file = "certificates/curve.pem" }, { file = "certificates/acme.pem" }'
    assert load(AS2.replace('{ file = "certificates/acme.pem" }', both) + 'url = "https://acme.example/as2"\n').as2
    assert load(AS2.replace("acme.pem", "curve.pem") + 'url = "https://acme.example/as2"\nencrypt = "no"\n').as2


def test_keys_of_ours_are_rsa_of_2048_bits_at_least(tmp_path):
    own = {"good": US, **{name: OwnKey(key, certify(name, key=key).certificate) for name, key in OTHER_KEYS.items()}}
    for name, one in own.items():
        write_own_key(tmp_path, one, name)
    assert read_own_key(tmp_path / "good.pem", tmp_path / "good.key").certificate == US.certificate
    for name, told in (("weak", "has 1024 bits"), ("curve", "is no RSA key"), ("edwards", "is no RSA key")):
        with pytest.raises(ConfigurationError, match=rf"{name}.key: {told}"):
            read_own_key(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")


def test_where_several_could_deliver_the_file_says_which(load):
    both = ACCOUNT + '[webhook]\nurl = "https://acme.example/edi"\n'
    with pytest.raises(ConfigurationError, match=r"deliver_by: is missing: sftp_account, webhook could all take"):
        load(both)
    assert load(both, top='deliver_by = "webhook"').delivers_by == "webhook"
    with pytest.raises(ConfigurationError, match=r"acme.toml:2: deliver_by: 'as2' cannot deliver"):
        load(both, top='deliver_by = "as2"')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ACCOUNT.replace("keys", "kays"), r"acme.toml:4: sftp_account.kays: unknown key; did you mean 'keys'\?"),
        ('[sftp_account]\nkeys = [{ key = "hello" }]\n', r"acme.toml:4: sftp_account.keys\[0\].key: is no public key"),
        ("[sftp_account]\n", r"acme.toml:3: sftp_account.keys: nobody could log in"),
        (ACCOUNT + 'networks = ["here"]\n', r"acme.toml:5: sftp_account.networks\[0\]: 'here' is no network"),
        (ACCOUNT + 'user = "../etc"\n', r"sftp_account.user: '../etc' cannot be a user name"),
        (
            f'[sftp_account]\nkeys = [{{ key = "{KEY}", ends = 2027-01-01T00:00:00 }}]\n',
            r"sftp_account.keys\[0\].ends: needs a zone",
        ),
        (ACCOUNT + 'password_hash = "scrypt$x"\n', r"password_hash: secrets never stand in partner files"),
        (ACCOUNT + 'password_hash = { secret = "my password!" }\n', "secrets never stand in partner files"),
        (MAILBOX.replace("host_keys", "#"), r"sftp_mailbox.host_keys: is missing"),
        (MAILBOX + 'after = "move"\n', r"sftp_mailbox.archive: is missing"),
        (MAILBOX + 'schedule = { cron = "often" }\n', r"sftp_mailbox.schedule.cron: 'often' is not a cron expression"),
        (AS2.replace("acme.pem", "acne.pem"), r"as2.certificates\[0\].file: .*acne.pem cannot be read"),
        (AS2.replace("acme.pem", "acme.key"), r"as2.certificates\[0\].file: .* holds no certificate"),
        (AS2 + 'url = "ftp://acme"\n', r"as2.url: 'ftp://acme' is no http or https address"),
        (AS2 + 'url = "https://me:secret@acme.example"\n', r"as2.url: a password stands in it"),
        (AS2 + 'encrypt = "rot13"\n', r"as2.encrypt: .* one of 3des"),
        (AS2.partition("certificates")[0], r"as2.certificates: needs one"),
        (AS2 + 'content_type = "text"\n', r"as2.content_type: 'text' is no type of content"),
        (AS2.replace("acme", "weak"), r"as2.certificates\[0\].file: .*weak.pem has an RSA key of 1024 bits"),
        (
            AS2.replace("acme", "edwards"),
            r"as2.certificates\[0\].file: .*edwards.pem has a kind of key that is not used",
        ),
        (
            AS2.replace("acme", "curve") + 'url = "https://acme.example/as2"\n',
            r"as2.certificates: needs one with an RSA key",
        ),
        (
            AS2.replace('acme.pem"', 'curve.pem", encrypt_from = 2027-01-01T00:00:00Z'),
            r"as2.certificates\[0\].encrypt_from: .*curve.pem has no RSA key",
        ),
        ('[drop]\ntokens = [{ digest = "open sesame" }]\n', r"drop.tokens\[0\].digest: must be the 64 digits"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(load, text, told):
    with pytest.raises(ConfigurationError, match=told) as caught:
        load(text)
    assert "my password" not in str(caught.value)
    assert "me:secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (ACCOUNT + 'user = "shop"\n', "SFTP user 'shop'"),
        (AS2, "AS2 names 'ACME > US'"),
        (f'[drop]\naccount = "shop"\ntokens = [{{ digest = "{"0" * 64}" }}]\n', "account of the drop 'shop'"),
    ],
)
def test_no_two_partners_are_known_by_one_name(load, text, what):
    load(text)
    with pytest.raises(ConfigurationError, match=f"partners 'acme' and 'zeta' share the {what}"):
        load(text, name="zeta")


def test_a_new_certificate_beside_the_files_is_a_new_book(load, tmp_path):
    load(AS2)
    before = Book.load(tmp_path, COMPANIES).digest
    write_own_key(tmp_path / "certificates", THEM, "next")
    assert Book.load(tmp_path, COMPANIES).digest != before


def test_the_words_of_partner_files_are_those_of_the_transports():
    fields = {field.name: field.type for field in msgspec.structs.fields(As2)}
    assert set(get_args(fields["sign"])) == {*get_args(Digest), "no"}
    assert set(get_args(fields["encrypt"])) == {*get_args(Cipher), "no"}
    assert set(get_args(fields["key_transport"])) == set(get_args(KeyTransport))
    assert As2Quirks.__struct_fields__ == Quirks.__struct_fields__
    agreed = set(As2.__struct_fields__)
    assert set(Terms.__struct_fields__) <= agreed
    assert set(get_args(Way)) - {"folder"} == set(Exchange.__struct_fields__) - {"deliver_by", "delivery"}
    assert set(get_args(Delivering)) == set(get_args(Way)) - {"drop"}


def test_what_an_as2_partner_needs_of_our_configuration_is_asked_for(load, tmp_path):
    load(AS2 + 'url = "https://acme.example/as2"\nreceipt = "async"\n')
    toml = tmp_path / "edi-server.toml"
    toml.write_text('[paths]\npartners = "."\n')
    (tmp_path / "book").mkdir()
    for file in ("acme.toml", "certificates"):
        (tmp_path / file).rename(tmp_path / "book" / file)
    toml.write_text('[paths]\npartners = "book"\n')
    with pytest.raises(ConfigurationError, match=r"acme.toml: as2.sign: nothing can be signed"):
        Configuration.load(toml, {}).load_book()
    write_own_key(tmp_path / "keys", THEM)
    keys = 'keys = [{ certificate = "keys/own.pem", private_key = "keys/own.key" }]\n'
    toml.write_text(f'[paths]\npartners = "book"\n[transports.as2]\n{keys}')
    with pytest.raises(ConfigurationError, match=r"as2.receipt: those that come later need transports.as2.listen"):
        Configuration.load(toml, {}).load_book()


def test_the_example_of_the_page_is_right_but_for_what_is_not_there(load):
    page = (ROOT / "docs" / "partners.md").read_text()
    [example] = [one.partition("```")[0] for one in page.split("```toml\n") if one.startswith('deliver_by = "as2"')]
    assert set(tomllib.loads(example)) <= set(Partner.__struct_fields__)
    with pytest.raises(ConfigurationError) as caught:
        load(example)
    problems = str(caught.value).splitlines()
    assert [one for one in problems if "certificates" not in one] == []
    assert len(problems) == 2
