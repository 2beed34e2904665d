"""AS2 over real HTTP and TLS between two stations, and what attackers do to the listener."""

import datetime as dt
import shutil
import socket
import ssl
import subprocess
import time

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rooms.test_as2_core import ORDER, STRANGER, THEM, US

from edi_server.errors import TransportError
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.station import Relation, Station
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.as2.transport import As2Transport, Line
from edi_server.transports.http_front import Front, FrontLimits
from edi_server.transports.loop import Loop
from edi_server.transports.posting import Tls, post
from edi_server.transports.spool import Spool

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


class Company:
    """A company with its station, its listener and its transport."""

    def __init__(self, folder, loop, own, name, partner, partner_name, *, tls=None, **limits):
        self.loop, self.name = loop, name
        self.spool, self.letters, self.sendings = (
            Spool(folder / "spool"),
            Letters(folder / "letters"),
            Sendings(folder / "sent"),
        )
        self.spool.prepare()
        self.keys = Keys((own,), (PartnerCertificate(partner.certificate),))
        self.terms = Terms(own_name=name, partner_name=partner_name)
        self.tls = None
        self.notices = []
        self.station = Station(
            spool=self.spool,
            letters=self.letters,
            sendings=self.sendings,
            relations=lambda: [self.line().relation],
            clock=lambda: NOW,
            notice=self.note,
        )
        self.front = Front({"/as2": self.take}, FrontLimits(**limits))
        self.port = loop.run(self.front.listen("127.0.0.1", 0, tls), 10)
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.port}/as2"
        self.transport = self.open()

    def note(self, told):
        self.notices.append(told)

    def take(self, request):
        return self.station.receive(request.headers, request.body, address=request.address)

    def line(self):
        relation = Relation(mailbox="partner", terms=self.terms, keys=self.keys)
        return Line(relation=relation, own_url=self.url, tls=self.tls, seconds=10)

    def open(self):
        return As2Transport(
            spool=self.spool,
            letters=self.letters,
            sendings=self.sendings,
            loop=self.loop,
            lines=lambda: {"partner": self.line()},
            clock=lambda: NOW,
            notice=self.note,
        )

    def agree(self, other, **changes):
        self.terms = msgspec.structs.replace(self.terms, url=other.url, **changes)

    def send(self, content=ORDER, transmission_id="t1", name="o.edi"):
        self.transport.stage(transmission_id, "partner", content)
        return self.transport.hand_over(transmission_id, "partner", name)

    def taken(self):
        self.transport.send_receipts()
        return [(claim.name, claim.path.read_bytes()) for claim in self.transport.collect().claims]


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


@pytest.fixture
def pair(tmp_path, loop):
    us, them = (
        Company(tmp_path / "us", loop, US, "Us", THEM, "Them"),
        Company(tmp_path / "them", loop, THEM, "Them", US, "Us"),
    )
    us.agree(them)
    them.agree(us)
    yield us, them
    for one in (us, them):
        loop.run(one.front.close(), 20)


def test_a_message_is_delivered_and_its_signed_receipt_is_the_proof(pair):
    us, them = pair
    handed = us.send()
    assert handed.confirmed
    assert b"disposition-notification" in handed.proof
    assert them.taken() == [("o.edi", ORDER)]
    assert us.transport.hand_over("t1", "partner", "o.edi").earlier
    assert them.taken() == []


def test_an_asynchronous_receipt_comes_on_its_own(pair):
    us, them = pair
    us.agree(them, receipt="async")
    assert not us.send().confirmed
    assert us.transport.hand_over("t1", "partner", "o.edi") == msgspec.structs.replace(
        us.transport.hand_over("t1", "partner", "o.edi"), earlier=True, confirmed=False
    )
    assert us.transport.proofs() == []
    assert them.taken() == [("o.edi", ORDER)]
    (proof,) = us.transport.proofs()
    assert (proof.transmission_id, proof.confirmed) == ("t1", True)
    assert b"disposition-notification" in proof.proof
    us.transport.settle(proof)
    assert us.open().proofs() == []


def test_a_partner_who_is_away_gets_the_same_message_later_once(pair):
    us, them = pair
    right = us.terms
    us.terms = msgspec.structs.replace(right, url="http://127.0.0.1:1/as2")
    with pytest.raises(TransportError) as caught:
        us.send()
    assert not caught.value.permanent
    message_id = us.sendings.find("t1").message_id
    us.terms = right
    us.transport = us.open()
    assert us.transport.hand_over("t1", "partner", "o.edi").confirmed
    assert us.sendings.find("t1").message_id == message_id
    assert them.taken() == [("o.edi", ORDER)]


def test_a_receipt_that_got_lost_is_asked_for_again_and_nothing_is_doubled(pair, monkeypatch):
    us, them = pair
    monkeypatch.setattr(
        "edi_server.transports.as2.sending.Sendings.settle", lambda *_: (_ for _ in ()).throw(TransportError("killed"))
    )
    with pytest.raises(TransportError):
        us.send()
    monkeypatch.undo()
    assert us.open().hand_over("t1", "partner", "o.edi").confirmed
    assert len(them.taken()) == 1


def test_a_refused_message_is_not_sent_again(pair):
    us, them = pair
    them.keys = Keys((STRANGER,), them.keys.partner)
    us.agree(them, receipt_signed=False)
    for _ in range(2):
        with pytest.raises(TransportError, match="refused the message: processed/error: decryption-failed") as caught:
            us.send()
        assert caught.value.permanent
    assert them.taken() == []


def test_a_station_that_cannot_store_says_so_and_the_message_comes_again(pair, monkeypatch):
    us, them = pair
    monkeypatch.setattr(them.spool, "take", lambda *_, **__: (_ for _ in ()).throw(TransportError("disk full")))
    with pytest.raises(TransportError, match="503") as caught:
        us.send()
    assert not caught.value.permanent
    monkeypatch.undo()
    assert us.transport.hand_over("t1", "partner", "o.edi").confirmed


def test_nothing_but_posts_to_the_station_is_answered(pair, loop):
    us, them = pair
    for path in ("/", "/as2x", "/admin", "/as2/../etc/passwd"):
        assert loop.run(post(f"http://127.0.0.1:{them.port}{path}", {}, b"x"), 10).status == 404
    assert _raw(them.port, b"GET /as2 HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 405")
    assert b"400" in _raw(them.port, b"\x16\x03\x01 garbage\r\n\r\n")[:20]
    assert loop.run(post(them.url, {"Content-Type": "text/plain"}, b"x"), 10).status == 400
    assert us.send().confirmed


def test_a_slow_header_a_slow_body_and_too_large_a_body_are_cut_off(tmp_path, loop):
    them = Company(
        tmp_path,
        loop,
        THEM,
        "Them",
        US,
        "Us",
        header_seconds=0.4,
        body_seconds=0.4,
        slowest_bytes_per_second=1e9,
        largest=10_000,
    )
    begun = time.monotonic()
    assert _raw(them.port, b"POST /as2 HTTP/1.1\r\nHo") == b""
    assert b"408" in _raw(them.port, b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")[:20]
    assert b"413" in _raw(them.port, b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")[:20]
    chunks = (
        b"POST /as2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + bytes(4096) + b"\r\n"
    )
    assert b"413" in _raw(them.port, chunks + (b"1000\r\n" + bytes(4096) + b"\r\n") * 5 + b"0\r\n\r\n")[:20]
    assert time.monotonic() - begun < 8
    loop.run(them.front.close(), 20)


def test_too_many_connections_and_requests_are_turned_away(tmp_path, loop):
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", per_address=3, per_minute=5)
    held = [socket.create_connection(("127.0.0.1", them.port)) for _ in range(3)]
    assert _raw(them.port, b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n") == b""
    for one in held:
        one.close()
    until = time.monotonic() + 10
    while them.front.connections and time.monotonic() < until:
        time.sleep(0.01)
    statuses = [loop.run(post(them.url, {}, b""), 10).status for _ in range(8)]
    assert statuses[:5] == [400] * 5
    assert statuses[5:] == [429] * 3
    loop.run(them.front.close(), 20)


def test_chunked_posts_and_expect_continue_are_taken(pair):
    us, them = pair
    made = us.transport._make(us.line(), *_staged(us), "o.edi")
    body = us.sendings.body("t9")
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    request = f"POST /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n{head}\r\n"
    pieces = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 500]), body[at : at + 500]) for at in range(0, len(body), 500)
    )
    answer = _raw(them.port, request.encode() + pieces + b"0\r\n\r\n")
    assert b"HTTP/1.1 200" in answer
    assert them.taken() == [("o.edi", ORDER)]


class Waiting:
    """A client that sends its body when it is told to, and not before."""

    def __init__(self, port, head):
        self.connection = socket.create_connection(("127.0.0.1", port), 10)
        self.connection.sendall(head.encode())
        self.first = self.connection.recv(65536)

    def send(self, body):
        self.connection.sendall(body)
        answer = b""
        while piece := self.connection.recv(65536):
            answer += piece
        return answer


def test_a_client_that_waits_with_its_body_is_told_to_send_it(pair):
    us, them = pair
    made = us.transport._make(us.line(), *_staged(us), "o.edi")
    body = us.sendings.body("t9")
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    client = Waiting(
        them.port,
        f"POST /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n{head}\r\n",
    )
    assert client.first == b"HTTP/1.1 100 Continue\r\n\r\n"
    answer = client.send(body)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"; processed\r\n" in answer
    assert them.taken() == [("o.edi", ORDER)]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("POST /as2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20000", b"413"),
        ("POST /as2 HTTP/1.1\r\nExpect: a-miracle\r\nContent-Length: 5", b"417"),
        ("POST /admin HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5", b"404"),
        ("GET /as2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5", b"405"),
    ],
)
def test_what_will_not_be_taken_is_refused_before_its_body_is_sent(tmp_path, loop, request_, status):
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", largest=10_000)
    client = Waiting(them.port, f"{request_}\r\nHost: x\r\n\r\n")
    assert client.first[9:12] == status
    assert b"Connection: close" in client.first
    client.connection.close()
    loop.run(them.front.close(), 20)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_curl_sends_a_large_body_after_it_was_told_to_and_an_even_larger_one_not_at_all(tmp_path, loop):
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", largest=3_000_000)
    file = tmp_path / "body"

    def curl(size):
        file.write_bytes(bytes(size))
        command = ["curl", "-sv", "--expect100-timeout", "60", "-H", "Expect: 100-continue", "--data-binary"]
        return subprocess.run([*command, f"@{file}", them.url], capture_output=True, timeout=50, check=False).stderr

    taken = curl(2_000_000)
    assert b"< HTTP/1.1 100 Continue" in taken
    assert b"< HTTP/1.1 400" in taken, "it names no partner"
    refused = curl(4_000_000)
    assert b"< HTTP/1.1 413" in refused
    assert b"100 Continue" not in refused
    loop.run(them.front.close(), 20)


def _staged(us):
    us.transport.stage("t9", "partner", ORDER)
    return ("t9",)


def _raw(port, content):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(5)
        answer = b""
        try:
            connection.sendall(content)
            while piece := connection.recv(65536):
                answer += piece
                if b"Connection: close" not in content and b"\r\n\r\n" in answer:
                    break
        except (ConnectionError, TimeoutError):
            pass
        return answer


def _authority():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return key, name, builder.sign(key, hashes.SHA256())


def _issue(authority, common_name):
    """Certificate and key in PEM."""
    ca_key, ca_name, _ = authority
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(ca_name).public_key(key.public_key())
    builder = builder.serial_number(2).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def test_tls_with_a_private_authority_and_client_certificates(tmp_path, loop):
    authority = _authority()
    ca = authority[2].public_bytes(serialization.Encoding.PEM).decode()
    (certificate, key), (own, own_key) = _issue(authority, "localhost"), _issue(authority, "us")
    (tmp_path / "server.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=ca)
    context.load_cert_chain(tmp_path / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    us, them = (
        Company(tmp_path / "us", loop, US, "Us", THEM, "Them"),
        Company(tmp_path / "them", loop, THEM, "Them", US, "Us", tls=context),
    )
    us.agree(them)
    with pytest.raises(TransportError, match="localhost"):
        us.send()
    us.tls = Tls(authorities=ca)
    with pytest.raises(TransportError):
        us.send()
    us.tls = Tls(authorities=ca, certificate=own, private_key=own_key)
    assert us.send().confirmed
    assert them.taken() == [("o.edi", ORDER)]
    for one in (us, them):
        loop.run(one.front.close(), 20)
