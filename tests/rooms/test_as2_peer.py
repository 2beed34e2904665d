"""AS2 with pyas2lib at the other end, both ways, with receipts at once and later."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rooms.test_as2_core import NOW, ORDER, THEM, US
from rooms.test_as2_station import OUR_URL, End

from edi_server.transports.as2.mdn import judge_receipt, read_receipt
from edi_server.transports.as2.terms import Quirks

ROOT = Path(__file__).parents[2]
PYTHON, INSTALLED = ROOT / ".venv-peers" / "bin" / "python", ROOT / ".venv-peers" / ".installed"
pytestmark = pytest.mark.skipif(not INSTALLED.exists(), reason="the peers' environment is missing: make peers")

CIPHERS = {
    "3des": "tripledes_192_cbc",
    "aes128-cbc": "aes_128_cbc",
    "aes192-cbc": "aes_192_cbc",
    "aes256-cbc": "aes_256_cbc",
}


class Peer:
    def __init__(self, folder):
        key = THEM.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (folder / "own.pem").write_bytes(key + THEM.certificate.public_bytes(Encoding.PEM))
        (folder / "other.pem").write_bytes(US.certificate.public_bytes(Encoding.PEM))
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(
            [PYTHON, ROOT / "tests" / "peers" / "pyas2_peer.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def ask(self, do, **command):
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            pytest.fail(self.errors.read()[-3000:])
        return json.loads(line)

    def send(self, content, **options):
        said = self.ask("send", content=base64.b64encode(content).decode(), options=options)
        return said["headers"], base64.b64decode(said["body"])

    def receive(self, made, **options):
        return self.ask("receive", raw=_raw(made.headers, made.body), options=options)

    def read(self, reply):
        return self.ask("receipt", raw=_raw(reply.headers, reply.body))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.errors.close()


def _raw(headers, body):
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    return base64.b64encode(head + b"\r\n" + bytes(body)).decode()


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    made = Peer(tmp_path_factory.mktemp("a peer"))
    yield made
    made.stop()


@pytest.fixture
def us(tmp_path):
    return End(tmp_path / "us", US, "Us", THEM, "Them", "http://x/")


@pytest.mark.parametrize("compress", ["no", "before signing"])
@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_the_peer_reads_what_we_send_and_we_believe_its_receipt(peer, us, digest, cipher, compress):
    made = us.make(sign=digest, encrypt=cipher, compress=compress)
    said = peer.receive(made, sign=True, encrypt=True)
    assert said["status"] == "processed", said
    assert base64.b64decode(said["content"]) == ORDER
    mdn = said["mdn"]
    receipt = read_receipt(mdn["headers"], base64.b64decode(mdn["body"]), us.keys, now=NOW)
    judged = judge_receipt(receipt, made.mics, must_be_signed=True)
    assert judged.outcome == "confirmed", judged.sentence
    assert receipt.about == made.message_id


def test_a_receipt_of_the_peer_that_comes_later_settles_what_was_sent(peer, us):
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    said = peer.receive(made, sign=True, encrypt=True)
    assert said["mdn_url"] == OUR_URL
    headers = {**said["mdn"]["headers"], "AS2-From": "Them", "AS2-To": "Us"}
    assert us.station.receive(headers, base64.b64decode(said["mdn"]["body"])).status == 200
    assert us.sendings.find("t1").state == "confirmed"


def test_a_refusal_of_the_peer_is_one(peer, us):
    made = us.make(encrypt=None)
    said = peer.receive(made, sign=True, encrypt=True)
    mdn = said["mdn"]
    receipt = read_receipt(mdn["headers"], base64.b64decode(mdn["body"]), us.keys, now=NOW)
    assert receipt.disposition.lower() == "processed/error: insufficient-message-security"
    assert judge_receipt(receipt, made.mics, must_be_signed=False).outcome == "refused"


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_we_read_what_the_peer_sends_and_it_believes_our_receipt(peer, us, digest, cipher, compress):
    us.relations = [_agreeing(us, sign=digest, encrypt=cipher)]
    headers, body = peer.send(
        ORDER,
        sign=True,
        digest_alg=digest,
        encrypt=True,
        enc_alg=CIPHERS[cipher],
        compress=compress,
        mdn_mode="SYNC",
        mdn_digest_alg=digest,
    )
    reply = us.station.receive(headers, body)
    assert reply.status == 200
    assert us.taken() == [ORDER]
    assert peer.read(reply) == {"status": "processed", "detail": "None"}


@pytest.mark.parametrize("options", [{}, {"sign": True}, {"encrypt": True}, {"compress": True}], ids=str)
def test_less_security_is_read_too_where_it_is_agreed(peer, us, options):
    us.relations = [_agreeing(us, must_sign=False, must_encrypt=False)]
    headers, body = peer.send(ORDER, **options, mdn_mode="SYNC", mdn_digest_alg="sha256")
    reply = us.station.receive(headers, body)
    assert us.taken() == [ORDER]
    assert peer.read(reply)["status"] == "processed"


def test_our_later_receipt_is_believed_by_the_peer(peer, us):
    us.relations = [_agreeing(us)]
    encrypted = {"encrypt": True, "enc_alg": CIPHERS["aes256-cbc"]}
    headers, body = peer.send(ORDER, sign=True, **encrypted, mdn_mode="ASYNC", mdn_digest_alg="sha256")
    assert us.station.receive(headers, body).status == 202
    [letter] = us.letters.due()
    assert letter.url == "http://x/"
    assert peer.read(letter)["status"] == "processed"


def test_our_refusal_is_one_for_the_peer(peer, us):
    us.relations = [_agreeing(us)]
    headers, body = peer.send(ORDER, sign=True, mdn_mode="SYNC", mdn_digest_alg="sha256")
    said = peer.read(us.station.receive(headers, body))
    assert said["status"] != "processed"
    assert "insufficient-message-security" in said["detail"]
    assert us.taken() == []


def test_what_the_peer_encrypts_by_itself_is_weak_and_taken_where_that_is_agreed(peer, us):
    """pyas2lib uses 3DES unless told otherwise."""
    us.relations = [_agreeing(us)]
    options = {"sign": True, "encrypt": True, "mdn_mode": "SYNC", "mdn_digest_alg": "sha256"}
    said = peer.read(us.station.receive(*peer.send(ORDER, **options)))
    assert "insufficient-message-security" in said["detail"]
    us.relations = [_agreeing(us, quirks=Quirks(weak_ciphers=True))]
    assert peer.read(us.station.receive(*peer.send(ORDER, **options)))["status"] == "processed"
    assert us.taken() == [ORDER]


def _agreeing(us, **changes):
    import msgspec

    return msgspec.structs.replace(us.relations[0], terms=msgspec.structs.replace(us.terms, **changes))
