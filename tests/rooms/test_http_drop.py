"""The HTTP drop over real HTTP: who may post, what the answer says, posting twice."""

import asyncio
import datetime as dt
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from edi_server.config import Configuration
from edi_server.errors import ConfigurationError
from edi_server.transports.drop import Drop, DropAccount, DropTransport, Token, hash_token
from edi_server.transports.http_front import Front, FrontLimits, Reply
from edi_server.transports.loop import Loop
from edi_server.transports.posting import post
from edi_server.transports.proxies import Proxies
from edi_server.transports.spool import Spool
from edi_server.transports.staging import Staging
from edi_server.transports.webhook import Webhooks

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


class Place:
    def __init__(self, folder, loop):
        self.loop = loop
        self.spool = Spool(folder / "spool")
        self.spool.prepare()
        ended = Token(digest=hash_token("old"), ends=NOW - dt.timedelta(days=1))
        accounts = {"north": DropAccount(name="north", mailbox="n", tokens=(Token(digest=hash_token("right")), ended))}
        self.drop = Drop(spool=self.spool, accounts=lambda: accounts, clock=lambda: NOW)
        self.front = Front({"/drop": self.drop.take})
        self.port = loop.run(self.front.listen("127.0.0.1", 0), 10)
        webhooks = Webhooks(Staging(folder), loop, lambda _mailbox: None)
        self.transport = DropTransport(spool=self.spool, webhooks=webhooks)

    def post(self, body=b"UNB'", token="right", account="north", **headers):
        sent = {
            "Authorization": f"Bearer {token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        answer = self.loop.run(post(f"http://127.0.0.1:{self.port}/drop/{account}", sent, body), 10)
        return answer.status, json.loads(answer.body)


@pytest.fixture
def place(tmp_path, loop):
    made = Place(tmp_path, loop)
    yield made
    loop.run(made.front.close(), 20)


def test_a_post_is_taken_and_answered_with_its_transmission(place):
    status, said = place.post(X_File_Name="..%2FBestellung%20%C3%BC.edi", Idempotency_Key="4711")
    assert (status, said["again"], said["name"], said["size"]) == (201, False, "Bestellung ü.edi", 4)
    (claim,) = place.transport.collect().claims
    assert (claim.transmission_id, claim.mailbox, claim.path.read_bytes()) == (said["transmission"], "n", b"UNB'")
    assert place.transport.collect().claims == ()


def test_the_same_key_is_the_same_transmission_and_without_one_the_same_bytes_are(place):
    _, first = place.post(Idempotency_Key="a")
    status, again = place.post(Idempotency_Key="a", X_File_Name="other.edi")
    assert (status, again["transmission"], again["again"]) == (200, first["transmission"], True)
    _, third = place.post(b"x")
    assert place.post(b"x")[1]["transmission"] == third["transmission"]
    assert place.post(b"y")[0] == 201
    assert len(place.spool.claimed()) == 3


def test_another_document_under_a_used_key_is_refused_and_not_taken_for_the_first(place):
    _, first = place.post(Idempotency_Key="a")
    status, said = place.post(b"changed", Idempotency_Key="a")
    assert (status, said["transmission"]) == (422, first["transmission"])
    assert "use a new one" in said["error"]
    assert [claim.path.read_bytes() for claim in place.spool.claimed()] == [b"UNB'"]
    assert place.post(b"changed", Idempotency_Key="b")[0] == 201


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")
def test_curl_posts_as_the_documentation_says(place, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
    [example] = [one for one in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "curl" in one]
    command = example.replace("https://edi.example.com/drop/acme", f"http://127.0.0.1:{place.port}/drop/north")
    (tmp_path / "order.edi").write_bytes(b"UNB'\r\n\0")
    for again in (False, True):
        ran = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env={**os.environ, "TOKEN": "right"}, capture_output=True, check=True
        )
        assert json.loads(ran.stdout)["again"] is again
    [claim] = place.spool.claimed()
    assert (claim.name, claim.path.read_bytes()) == ("order.edi", b"UNB'\r\n\0")


@pytest.mark.parametrize(
    "wrong",
    [{"token": "wrong"}, {"token": "old"}, {"token": ""}, {"account": "south"}, {"Authorization": "Basic eDp5"}],
)
def test_nobody_else_is_let_in(place, wrong):
    assert place.post(**wrong)[0] == 401
    assert place.spool.claimed() == []


def test_nothing_is_no_document(place):
    assert place.post(b"")[0] == 400
    assert place.post(Idempotency_Key="x" * 201)[0] == 400


def test_an_answer_that_comes_in_pieces_is_read_to_its_end(loop):
    """Servers send head and parts of a receipt one after the other; each may take its time."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n")
        for piece in (b"first ", b"second"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.close()

    async def ask():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            return await post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"", seconds=10)

    assert loop.run(ask(), 20).body == b"first second"


def test_strangers_cannot_fill_the_memory_with_bodies_that_never_end(loop):
    front = Front({"/drop": lambda _: Reply(status=201)}, FrontLimits(largest=100_000, at_once=2))
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    # One of them from elsewhere: an address has half of what there is.
    slow = [_begin(port, f"127.0.0.{1 if number else 2}") for number in range(5)]
    answered = _until_answered(slow, 3)
    assert slow[0] not in answered
    assert all(one.recv(100).startswith(b"HTTP/1.1 503") for one in answered)
    assert front.held <= 200_000
    for one in slow:
        one.close()
    _until(lambda: not front.held)
    assert loop.run(post(f"http://127.0.0.1:{port}/drop", {}, bytes(100_000)), 10).status == 201
    assert front.held == 0
    loop.run(front.close(), 20)


def test_an_address_that_holds_all_it_may_leaves_room_for_others(loop):
    front = Front({"/drop": lambda _: Reply(status=201)}, FrontLimits(largest=100_000, at_once=4))
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    slow = [_begin(port, "127.0.0.2") for _ in range(5)]
    assert len(_until_answered(slow, 3)) == 3
    assert loop.run(post(f"http://127.0.0.1:{port}/drop", {}, bytes(100_000)), 10).status == 201
    for one in slow:
        one.close()
    loop.run(front.close(), 20)


def test_who_sent_much_at_once_must_not_be_silent_for_long(loop):
    limits = FrontLimits(largest=1_000_000, body_seconds=1.0, slowest_bytes_per_second=100)
    front = Front({"/drop": lambda _: Reply(status=201)}, limits)
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    silent = _begin(port, "127.0.0.1")
    # By the average alone it could rest for a quarter of an hour.
    silent.settimeout(60)
    assert silent.recv(100).startswith(b"HTTP/1.1 408")
    _until(lambda: not front.held)
    silent.close()
    loop.run(front.close(), 20)


def test_the_header_of_a_later_request_has_to_come_in_time_too(loop):
    front = Front({"/drop": lambda _: Reply(status=201)}, FrontLimits(header_seconds=1.0))
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(b"POST /drop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nPOST /drop HTTP/1.1\r\nHost:")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 201")
    loop.run(front.close(), 20)


PROXIES = ("127.0.0.0/30", "10.0.0.0/8")


@pytest.fixture
def proxied(loop):
    """A listener behind proxies, and the addresses that it heard."""
    heard = []

    def take(request):
        heard.append(request.address)
        return Reply(status=201)

    front = Front({"/drop": take}, FrontLimits(per_minute=3, per_address=2, trusted_proxies=PROXIES))
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    yield port, heard
    loop.run(front.close(), 20)


def _post_for(loop, port, client):
    return loop.run(post(f"http://127.0.0.1:{port}/drop", {"X-Forwarded-For": client}, b"x"), 10).status


def test_the_limits_of_an_address_hold_for_each_partner_behind_a_proxy(proxied, loop):
    port, heard = proxied
    assert [_post_for(loop, port, "198.51.100.66") for _ in range(4)] == [201, 201, 201, 429]
    # What they write themselves stands before what the proxy adds.
    assert _post_for(loop, port, "203.0.113.1, 198.51.100.66") == 429
    assert _post_for(loop, port, "192.0.2.1") == 201
    assert heard == ["198.51.100.66"] * 3 + ["192.0.2.1"]


def test_requests_under_way_of_a_partner_behind_a_proxy_are_limited_as_connections_are_elsewhere(proxied, loop):
    port, _ = proxied
    named = b"X-Forwarded-For: 198.51.100.66\r\n"
    slow = [_begin(port, "127.0.0.1", named) for _ in range(3)]
    [refused] = _until_answered(slow, 1)
    assert refused.recv(100).startswith(b"HTTP/1.1 429")
    assert _post_for(loop, port, "192.0.2.1") == 201
    for one in slow:
        one.close()


def test_nobody_but_a_trusted_proxy_is_believed(proxied):
    port, heard = proxied
    with socket.create_connection(("127.0.0.1", port), 30, ("127.0.0.9", 0)) as connection:
        head = b"POST /drop HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 201")
    assert heard == ["127.0.0.9"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.7, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("127.0.0.1", ["192.0.2.7", "192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("127.0.0.1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("127.0.0.1", ["192.0.2.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("192.0.2.9", ["192.0.2.1"], "192.0.2.9"),
        ("?", ["192.0.2.1"], "?"),
    ],
)
def test_the_client_is_the_last_whom_no_proxy_of_ours_stands_for(peer, forwarded, client):
    assert Proxies(PROXIES).client(peer, forwarded) == client
    assert Proxies(()).client(peer, forwarded) == peer


@pytest.mark.parametrize("written", ["localhost", "10.0.0.0/99"])
def test_a_proxy_that_is_no_address_is_told_when_the_configuration_is_read(tmp_path, written):
    file = tmp_path / "edi-server.toml"
    file.write_text(f'[transports.drop]\nlimits = {{ trusted_proxies = ["{written}"] }}\n')
    with pytest.raises(ConfigurationError, match=r"transports\.drop\.limits\.trusted_proxies.*10\.0\.0\.0/8"):
        Configuration.load(file, {})


def _begin(port, source, headers=b""):
    """A post from that address whose body does not end."""
    connection = socket.create_connection(("127.0.0.1", port), 5, (source, 0))
    connection.sendall(b"POST /drop HTTP/1.1\r\nHost: x\r\n" + headers + b"Content-Length: 100000\r\n\r\n")
    connection.sendall(bytes(90_000))
    return connection


def _until(is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def _until_answered(connections, count):
    _until(lambda: sum(_has_answer(one) for one in connections) >= count)
    return [one for one in connections if _has_answer(one)]


def _has_answer(connection):
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
