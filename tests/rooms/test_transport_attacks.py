"""What attackers do to the listeners: refused and logged, nothing taken, nothing leaked, and the others work on."""

import asyncio
import gzip
import itertools
import logging
import re
import socket
import ssl
import time

import asyncssh
import msgspec
import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from rooms.test_as2_core import NOW, ORDER, STRANGER, THEM, US, certify
from rooms.test_as2_http import Company, _authority, _issue, _raw
from rooms.test_as2_station import OUR_URL, THEIR_URL, End
from rooms.test_sftp_endpoint import Place, _until

from edi_server.transports.as2 import ber, cms
from edi_server.transports.as2.mdn import read_receipt, write_receipt
from edi_server.transports.as2.message import MessageError, Payload, make_message, open_message
from edi_server.transports.as2.station import Relation
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.http_front import Front, FrontLimits
from edi_server.transports.loop import Loop
from edi_server.transports.posting import Tls, post
from edi_server.transports.sftp_account.account import hash_password

POST = b"POST /as2 HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    (tmp_path / "order.edi").write_bytes(ORDER)
    yield made
    made.stop()


def assert_nothing_leaks(answer, *folders):
    text = answer.decode("latin-1")
    for told in (
        "aiohttp",
        "Python/",
        "Traceback",
        'File "',
        "edi_server",
        "site-packages",
        "Error(",
        *map(str, folders),
    ):
        assert told not in text, text


# --- the SFTP endpoint


def test_no_trick_with_a_name_leaves_the_account_or_hides_a_file(place, tmp_path):
    other = place.open_account("south", password=hash_password("x"))
    (tmp_path / "accounts" / "south" / "out" / "theirs.edi").write_bytes(b"secret")
    tricks = [
        "/../south/out/theirs.edi",
        "/out/../../south/out/theirs.edi",
        "/out/..\\..\\south\\out\\theirs.edi",
        "/out/%2e%2e/%2e%2e/south/out/theirs.edi",
        "//south//out//theirs.edi",
        "/out/archive/../../../south/out/theirs.edi",
        "/out/‥/theirs.edi",
        "/proc/self/environ",
        "/in/" + "x" * 5000,
        "/in/" + "../" * 3000 + "etc/passwd",
    ]
    with place.paramiko() as client:
        for trick in tricks:
            for action in (
                lambda trick=trick: client.open(trick, "rb").read(),
                lambda trick=trick: client.open(trick, "wb"),
                lambda trick=trick: client.remove(trick),
                lambda trick=trick: client.listdir(trick),
            ):
                with pytest.raises(OSError) as caught:
                    action()
                assert_nothing_leaks(str(caught.value).encode(), tmp_path)
    assert (tmp_path / "accounts" / "south" / "out" / "theirs.edi").read_bytes() == b"secret"
    assert list(other.list("/in")) == []
    assert place.taken() == {}


def test_no_trick_with_renaming_takes_half_a_file_or_replaces_one(place, tmp_path):
    (place.root / "out" / "desadv.edi").write_bytes(b"ours")
    with place.paramiko() as client:
        half = client.open("/in/half.edi", "wb")
        half.write(b"UNB+half")
        half.flush()
        for target in (
            "/in/whole.edi",
            "/in/half.edi",
            "/out/half.edi",
            "/status/half.txt",
            "/in/../../half.edi",
            "/in/.uploads/x",
        ):
            for rename in (client.rename, client.posix_rename):
                with pytest.raises(OSError):
                    rename("/in/half.edi", target)
        for source, target in (
            ("/out/desadv.edi", "/in/order.edi"),
            ("/out/desadv.edi", "/status/desadv.edi"),
            ("/in", "/out/in"),
            ("/out", "/in/out"),
            ("/out/desadv.edi", "/out/archive/../../../desadv.edi"),
        ):
            with pytest.raises(OSError):
                client.rename(source, target)
        half.close()
    with place.paramiko() as client:
        client.put(str(tmp_path / "order.edi"), "/in/a.tmp")
        client.put(str(tmp_path / "order.edi"), "/in/b.tmp")
        with pytest.raises(OSError, match="already"):
            client.rename("/in/a.tmp", "/in/b.tmp")
        # Hidden or unfinished names are never taken, whatever they are renamed to and from.
        client.rename("/in/a.tmp", "/in/.a.edi")
        client.rename("/in/.a.edi", "/in/a.edi.part")
    time.sleep(0.4)
    place.trees["north"].settle()
    assert place.taken() == {"half.edi": b"UNB+half"}
    assert (place.root / "out" / "desadv.edi").read_bytes() == b"ours"


def test_links_of_every_kind_are_refused_and_those_that_lie_there_are_not_followed(place, tmp_path):
    secret = tmp_path / "secret.edi"
    secret.write_bytes(b"secret")
    (place.root / "in" / "link.edi").symlink_to(secret)
    (place.root / "out" / "link.edi").symlink_to(secret)

    async def link(kind):
        async with (
            asyncssh.connect(
                "127.0.0.1",
                place.port,
                username="north",
                client_keys=[str(place.key)],
                known_hosts=None,
                agent_path=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            await getattr(client, kind)("/out/link.edi", "/in/made.edi")

    for kind in ("symlink", "link"):
        with pytest.raises(asyncssh.SFTPError):
            place.run(link(kind))
    with place.paramiko() as client:
        for path in ("/out/link.edi", "/in/link.edi"):
            with pytest.raises(OSError):
                client.open(path, "rb").read()
            with pytest.raises(OSError):
                client.stat(path)
        with pytest.raises(OSError):
            client.chmod("/in/link.edi", 0o777)
        with pytest.raises(OSError):
            client.rename("/in/link.edi", "/in/order.edi")
    time.sleep(0.4)
    place.trees["north"].settle()
    assert place.taken() == {}
    assert secret.read_bytes() == b"secret"


def test_an_upload_over_a_link_that_lies_there_writes_nothing_through_it(place, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    (place.root / "in" / "order.edi").symlink_to(victim)
    with place.paramiko() as client:
        client.put(str(tmp_path / "order.edi"), "/in/order.edi")
    assert place.taken() == {"order.edi": ORDER}
    assert victim.read_bytes() == b"untouched"


def guess(place, times, parallel=8):
    """Log in with wrong passwords on as many connections; how many reached a password, and how many were cut off."""
    reached, cut = 0, 0

    async def one(number):
        nonlocal reached, cut
        try:
            async with asyncssh.connect(
                *("127.0.0.1", place.port),
                username=f"user{number % 7}",
                password=f"guess {number}",
                known_hosts=None,
                client_keys=None,
                agent_path=None,
                login_timeout=30,
            ):
                raise AssertionError("let in")
        except asyncssh.PermissionDenied:
            reached += 1
        except (asyncssh.Error, OSError):
            cut += 1

    async def all_():
        numbers = iter(range(times))

        async def some():
            for number in numbers:
                await one(number)

        await asyncio.gather(*(some() for _ in range(parallel)))

    asyncio.run(all_())
    return reached, cut


@pytest.mark.parametrize("times", [400, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_logins_without_end_are_banned_soon_and_cost_little(tmp_path, times, caplog):
    caplog.set_level(logging.INFO, logger="edi_server")
    place = Place(tmp_path)
    try:
        cpu = place.run(_thread_seconds())
        reached, cut = guess(place, times)
        cpu = place.run(_thread_seconds()) - cpu
        limits = place.endpoint.limits
        print(  # noqa: T201 — the figure is what the long run is for
            f"{times} logins: {reached} reached a password, {cut} were cut off, {cpu:.2f} s CPU of the endpoint's loop"
        )
        assert reached + cut == times
        # Those under way at the moment of the ban still get their answer.
        assert reached <= limits.address_failures + 2 * 8
        assert cpu < 2 + times * 0.004
        assert place.endpoint.guard.is_banned("127.0.0.1")
        assert "wrong password" in caplog.text
        assert "is not let in" in caplog.text
        assert "guess" not in caplog.text
        assert not place.endpoint.guard._strangers
    finally:
        place.stop()


async def _thread_seconds():
    return time.thread_time()


def test_a_name_that_is_guessed_at_from_everywhere_is_slowed_down_for_passwords_but_its_keys_work(tmp_path):
    place = Place(tmp_path, name_failures=5)
    try:
        for number in range(10):
            place.endpoint.guard.fail(f"192.0.2.{number}", "north")
        assert place.endpoint.guard.is_banned("198.51.100.1", "north")
        with place.paramiko() as client:
            assert client.listdir("/in") == []
    finally:
        place.stop()


def test_handshakes_that_never_end_are_ended_and_leave_room_for_partners(tmp_path):
    place = Place(tmp_path, login_seconds=1.5, unauthenticated=20, unauthenticated_per_address=5)
    held = []
    try:
        for number in range(30):
            one = socket.create_connection(("127.0.0.1", place.port), 5)
            one.settimeout(5)
            one.sendall((b"", b"SSH-2.0-slow", b"SSH-2.0-slow\r\n", b"SSH-2.0-slow\r\n" + bytes(8))[number % 4])
            held.append(one)
        _until(lambda: place.endpoint.guard._strangers.total() == 5)
        began = time.monotonic()
        _until(lambda: not place.endpoint.guard._strangers)
        assert time.monotonic() - began < 4
        with place.paramiko() as client:
            assert client.listdir("/in") == []
    finally:
        for one in held:
            one.close()
        place.stop()


def test_a_session_cannot_use_up_the_descriptors_of_the_daemon(tmp_path):
    place = Place(tmp_path, open_files=5)
    try:
        with place.paramiko() as client:
            files = [client.open(f"/in/{number}.edi", "wb") for number in range(5)]
            for mode in ("wb", "rb"):
                with pytest.raises(OSError, match="Too many files"):
                    client.open("/in/more.edi", mode)
            files.pop().close()
            client.open("/in/more.edi", "wb").close()
            for _ in range(20):
                with pytest.raises(OSError):
                    client.open("/out/nothing.edi", "rb")
            client.get_channel().get_transport().close()
        _until(lambda: place.endpoint.workers.open["north"] == 0)
        assert not place.trees["north"]._writing
    finally:
        place.stop()


def test_sessions_that_end_in_the_middle_of_a_request_leave_nothing_locked(place):
    async def open_and_go(number):
        connection = await asyncssh.connect(
            "127.0.0.1", place.port, username="north", client_keys=[str(place.key)], known_hosts=None, agent_path=None
        )
        client = await connection.start_sftp_client()
        opening = [asyncio.ensure_future(client.open(f"/in/{n}.edi", "wb")) for n in range(10)]
        await asyncio.sleep(0.001 * number)
        connection.abort()
        await asyncio.gather(*opening, return_exceptions=True)

    for number in range(12):
        place.run(open_and_go(number))
    _until(lambda: not place.trees["north"]._writing)
    _until(lambda: place.endpoint.workers.open["north"] == 0)
    with place.paramiko() as client:
        for number in range(10):
            client.open(f"/in/{number}.edi", "wb").close()
    assert place.taken() == {}


def test_large_listings_long_paths_and_giant_packets_do_not_stop_the_others(place):
    for number in range(1500):
        (place.root / "out" / f"{number:05}-{'x' * 150}.edi").write_bytes(b"")
    with place.paramiko() as client, place.paramiko() as other:
        began = time.monotonic()
        assert len(client.listdir("/out")) == 1501
        assert time.monotonic() - began < 10
        with pytest.raises((OSError, EOFError, paramiko.SSHException)):
            client.stat("/in/" + "x" * 5_000_000)
        assert other.listdir("/in") == []

    async def giant():
        async with asyncssh.connect(
            "127.0.0.1", place.port, username="north", client_keys=[str(place.key)], known_hosts=None, agent_path=None
        ) as connection:
            writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
            writer.write((2**31).to_bytes(4, "big") + b"\x01" + bytes(1000))
            return await asyncio.wait_for(reader.read(), 10)

    assert place.run(giant()) == b""


# --- the HTTP front


@pytest.fixture
def company(tmp_path, loop):
    made = Company(tmp_path, loop, THEM, "Them", US, "Us", header_seconds=1.0, largest=1_000_000)
    yield made
    loop.run(made.front.close(), 20)


HIDDEN = b"POST /as2 HTTP/1.1\r\nHost: x\r\nAS2-From: Us\r\nAS2-To: Them\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Content-Length: 0\r\nContent-Length: 170\r\n\r\n" + HIDDEN,
        b"Content-Length: +5\r\n\r\n" + HIDDEN,
        b"Content-Length: 5, 5\r\n\r\n" + HIDDEN,
        b"Content-Length: 0x5\r\n\r\n" + HIDDEN,
        b"Content-Length: -1\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: chunked\r\n\r\n0_5\r\nabcde\r\n0\r\n\r\n" + HIDDEN,
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + HIDDEN,
    ],
    ids=lambda one: repr(one[:50]),
)
def test_what_is_ambiguous_about_its_length_is_refused_and_nothing_behind_it_is_read(tmp_path, loop, smuggled):
    taken = []
    front = Front({"/as2": taken.append}, FrontLimits(header_seconds=1.0))
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    answer = _all_of(port, POST + smuggled)
    loop.run(front.close(), 20)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.0 400", b"")
    assert taken == []
    assert_nothing_leaks(answer, tmp_path)


def _all_of(port, content, seconds=3):
    """Everything that is answered until the connection ends or nothing more comes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(content)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return answer


@pytest.mark.parametrize(
    "header",
    [
        b"AS2-From: Us\rInjected: 1\r\n",
        b"AS2-From: Us\nInjected: 1\r\n",
        b"AS2-From: Us\x00\r\n",
        b"AS2-From: Us\r\n folded: line\r\n",
        b"X: " + b"a" * 200_000 + b"\r\n",
        b"".join(b"X-%d: 1\r\n" % number for number in range(20_000)),
        b"\xff\xfe: 1\r\n",
        b": 1\r\n",
    ],
    ids=lambda one: repr(one[:20]),
)
def test_headers_that_break_lines_or_limits_are_refused(company, tmp_path, header):
    answer = _all_of(company.port, POST + header + b"AS2-To: Them\r\nContent-Length: 0\r\n\r\n", 2)
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 431", b"")
    assert b"Injected" not in answer
    assert_nothing_leaks(answer, tmp_path)
    assert company.taken() == []


def test_a_header_that_drips_is_cut_off_also_on_a_connection_that_was_good_before(company):
    for first in (b"", POST + b"Content-Length: 0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", company.port), 5) as connection:
            connection.settimeout(6)
            began = time.monotonic()
            if first:
                connection.sendall(first)
                assert connection.recv(65536).startswith(b"HTTP/1.1 400")
            is_over = False
            for byte in itertools.islice(itertools.cycle(b"POST /as2 HTTP/1.1\r\nX: y\r\n"), 60):
                try:
                    connection.sendall(bytes([byte]))
                    connection.settimeout(0.1)
                    if connection.recv(10) == b"":
                        is_over = True
                        break
                except TimeoutError:
                    continue
                except ConnectionError:
                    is_over = True
                    break
            assert is_over, first
            assert time.monotonic() - began < 4


def test_many_slow_connections_leave_room_for_a_partner_elsewhere_and_end(tmp_path, loop):
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", header_seconds=1.0, per_address=20)
    held = [socket.create_connection(("127.0.0.1", them.port)) for _ in range(40)]
    for one in held:
        one.sendall(b"POST /as2 HTTP/1.1\r\n")
    _until(lambda: them.front.connections.get("127.0.0.1") == 20, 4)
    _until(lambda: not them.front.connections, 10)
    assert _raw(them.port, POST + b"Content-Length: 0\r\n\r\n").startswith(b"HTTP/1.1 400")
    for one in held:
        one.close()
    loop.run(them.front.close(), 20)


def test_silent_handshakes_count_as_connections_and_are_ended_in_time(tmp_path, loop):
    authority = _authority()
    certificate, key = _issue(authority, "localhost")
    (tmp_path / "server.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    them = Company(tmp_path, loop, THEM, "Them", US, "Us", tls=context, header_seconds=4.0, per_address=3)
    # Nothing is ever sent: to TLS, none of them is a connection yet.
    held = [socket.create_connection(("127.0.0.1", them.port)) for _ in range(30)]
    assert all(_is_closed(one, 3) for one in held[3:])
    assert them.front.connections == {"127.0.0.1": 3}
    _until(lambda: not them.front.connections, 10)
    assert all(_is_closed(one, 5) for one in held)
    secure = Tls(authorities=authority[2].public_bytes(serialization.Encoding.PEM).decode())
    assert loop.run(post(them.url, {}, b"", tls=secure), 10).status == 400
    for one in held:
        one.close()
    loop.run(them.front.close(), 20)


def _is_closed(connection, seconds):
    """True once the other side has ended it."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused(company):
    bomb = gzip.compress(bytes(100_000_000))
    began = time.process_time()
    head = POST + b"AS2-From: Us\r\nAS2-To: Them\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    answer = _all_of(company.port, head + bomb, 10)
    assert answer[:12] in (b"HTTP/1.1 413", b"HTTP/1.1 400", b"HTTP/1.0 400")
    assert time.process_time() - began < 3
    assert company.taken() == []


def test_a_fault_of_ours_tells_nothing_of_us(tmp_path, loop, caplog):
    def fault(_request):
        raise KeyError("/etc/secret")

    front = Front({"/as2": fault})
    port = loop.run(front.listen("127.0.0.1", 0), 10)
    answer = _raw(port, POST + b"Content-Length: 0\r\n\r\n")
    loop.run(front.close(), 20)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"secret" not in answer
    assert_nothing_leaks(answer, tmp_path)
    assert "failed unexpectedly" in caplog.text


# --- AS2


@pytest.fixture
def us(tmp_path):
    return End(tmp_path / "us", US, "Us", THEM, "Them", THEIR_URL)


@pytest.fixture
def them(tmp_path):
    return End(tmp_path / "them", THEM, "Them", US, "Us", OUR_URL)


#: Another partner of Them.
EVE = certify("eve")


def with_eve(them):
    terms = Terms(own_name="Them", partner_name="Eve")
    them.relations = [
        *them.relations,
        Relation(mailbox="eve", terms=terms, keys=Keys((THEM,), (PartnerCertificate(EVE.certificate),))),
    ]


def eves(name="Eve", **changes):
    terms = Terms(own_name=name, partner_name="Them", url=THEIR_URL, **changes)
    return make_message(
        Payload(content=b"UNB'eve"), terms, Keys((EVE,), (PartnerCertificate(THEM.certificate),)), now=NOW
    )


def disposition(reply):
    return re.search(rb"; (processed[^\r]*|failed[^\r]*)", reply.body)[1].decode()


def test_a_message_id_of_another_partner_takes_nothing_away_from_it(us, them):
    with_eve(them)
    made, eve = us.make(), eves()
    stolen = {**eve.headers, "Message-ID": made.message_id}
    assert disposition(them.station.receive(stolen, eve.body)) == "processed"
    assert disposition(them.station.receive(made.headers, made.body)) == "processed"
    by_mailbox = {claim.mailbox: claim.path.read_bytes() for claim in them.spool.claimed()}
    assert by_mailbox == {"partner": ORDER, "eve": b"UNB'eve"}
    # Asked again, each gets its own receipt, never the other's.
    again = them.station.receive(stolen, eve.body)
    assert again.headers["AS2-To"] == "Eve"


def test_the_name_of_another_partner_does_not_help(us, them):
    with_eve(them)
    for cipher, reason in (("aes256-gcm", "authentication-failed"), ("aes256-cbc", "decryption-failed")):
        eve = eves(name="Us", encrypt=cipher)
        assert disposition(them.station.receive(eve.headers, eve.body)) == f"processed/error: {reason}"
        made = us.make(encrypt=cipher)
        renamed = {**made.headers, "AS2-From": "Eve"}
        assert disposition(them.station.receive(renamed, made.body)) == f"processed/error: {reason}"
    assert them.taken() == []
    assert {mailbox for _, mailbox, _ in them.notices} == {"partner", "eve"}
    assert all(is_serious for *_, is_serious in them.notices)


def test_a_receipt_of_another_partner_settles_nothing(us):
    us.relations = [
        *us.relations,
        Relation(
            mailbox="eve",
            terms=Terms(own_name="Us", partner_name="Eve"),
            keys=Keys((US,), (PartnerCertificate(EVE.certificate),)),
        ),
    ]
    made, sending = us.send(receipt="async")
    us.sendings.mark_waiting(sending)
    said = {"about": made.message_id, "disposition": "processed", "text": "", "mic": ("sha256", made.mics["sha256"])}
    for name in ("Eve", "Them"):
        terms = Terms(own_name=name, partner_name="Us")
        receipt = write_receipt(**said, terms=terms, keys=Keys((EVE,), ()), now=NOW, signed="sha256")
        us.station.receive(receipt.headers, receipt.body)
        assert us.sendings.find("t1").state == "waiting"
        assert us.notices[-1][2]


def test_a_receipt_of_an_earlier_message_cannot_be_replayed_for_another(us, them):
    first, sending = us.send(receipt="async", transmission_id="t1")
    us.sendings.mark_waiting(sending)
    them.station.receive(first.headers, first.body)
    [letter] = them.letters.due()
    second, sending = us.send(receipt="async", transmission_id="t2")
    us.sendings.mark_waiting(sending)
    assert us.station.receive(letter.headers, letter.body).status == 200
    replayed = letter.body.replace(first.message_id.encode(), second.message_id.encode())
    assert replayed != letter.body
    assert us.station.receive(letter.headers, replayed).status == 400
    assert (us.sendings.find("t1").state, us.sendings.find("t2").state) == ("confirmed", "waiting")


def test_a_signature_by_the_wrong_key_or_an_expired_certificate_is_refused_both_ways(us, them):
    old = certify("us", begins=-20, days=-1, key=US.key)
    for certificate in (STRANGER.certificate, old.certificate):
        them.keys = Keys((THEM,), (PartnerCertificate(certificate),))
        them.relations = [Relation(mailbox="partner", terms=them.terms, keys=them.keys)]
        made = us.make(receipt_signed=False, encrypt="aes256-gcm")
        assert disposition(them.station.receive(made.headers, made.body)) == "processed/error: authentication-failed"
    assert them.taken() == []
    gone = Keys((US,), (PartnerCertificate(certify("them", begins=-20, days=-1, key=THEM.key).certificate),))
    with pytest.raises(MessageError, match="no certificate that is valid"):
        make_message(Payload(content=ORDER), us.terms, gone, now=NOW)


def test_nothing_that_a_stranger_writes_becomes_a_header_or_a_field_of_ours(us, them):
    made = us.make(receipt_signed=False)
    evil = "<a@b>\r\nDisposition: automatic-action/MDN-sent-automatically; processed\r\nX: y"
    for name in ('Nobody"\r\nSet-Cookie: a=b', "Nobody\x00", "No\x85body"):
        assert them.station.receive({**made.headers, "AS2-From": name}, made.body).status == 400
    reply = them.station.receive({**made.headers, "Message-ID": evil, "AS2-From": 'Nobody"'}, made.body)
    assert reply.body.count(b"\r\nDisposition:") == 1
    for name, value in reply.headers.items():
        assert "\n" not in name + value
        assert "\r" not in name + value
    strange = {**made.headers, "Disposition-Notification-Options": "signed-receipt-micalg=optional,sha256\r\nEvil: 1"}
    reply = them.station.receive(strange, made.body)
    assert b"Evil" not in reply.body
    receipt = read_receipt(reply.headers, reply.body, us.keys, now=NOW)
    assert receipt.disposition == "processed"


def _seconds(action):
    began = time.process_time()
    action()
    return time.process_time() - began


@pytest.mark.parametrize(
    "attack",
    [
        b"\x30\x80" * 2_000_000,
        b"\x30\x80" + b"\x04\x00" * 1_500_000 + b"\x00\x00",
        b"".join(ber.encode(0x30, cms.oid("1.2.840.113549.1.7.3"), ber.encode(0xA0, ber.encode(0x30, b"\x05\x00" * 1_500_000)))),
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x88" + b"\xff" * 8,
        b"\x24\x80" * 40 + b"\x04\x01x",
    ],
    ids=["deep", "many pieces", "many children", "long", "longest", "nested octets"],
)  # fmt: skip
def test_asn_1_that_is_deep_or_in_millions_of_pieces_costs_little(us, them, attack):
    made = us.make()
    replies = []
    took = _seconds(lambda: replies.append(them.station.receive(made.headers, attack)))
    assert disposition(replies[0]).startswith("processed/error")
    assert took < 5
    assert them.taken() == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/related; boundary=b", b"--b\r\n\r\nx\r\n" * 200_000 + b"--b--"),
        ("multipart/related; boundary=b", b"--b" + b" " * 3_000_000),
        ("multipart/related; boundary=b", b"\r\n" * 3_000_000),
        ("multipart/signed; boundary=b", b"--b\r\n" + b"X: y\r\n" * 1_000_000),
        ("multipart/mixed; boundary=" + "b" * 60_000, b"--b"),
        ("multipart/mixed" + ';a="' * 15_000, b"--b"),
        ("text/plain" + "".join(f"; name*{n}*=x" for n in range(5000)), b"x"),
    ],
    ids=["parts", "blanks", "lines", "header", "boundary", "quotes", "pieces of a name"],
)
def test_mime_that_is_endless_costs_little(us, them, kind, body):
    them.relations = [
        Relation(
            mailbox="partner",
            terms=msgspec.structs.replace(them.terms, must_sign=False, must_encrypt=False),
            keys=them.keys,
        )
    ]
    made = us.make()
    replies = []
    took = _seconds(lambda: replies.append(them.station.receive({**made.headers, "Content-Type": kind}, body)))
    assert disposition(replies[0]).startswith("processed")
    assert took < 5


def test_what_anybody_may_ask_for_is_answered_without_telling_where_we_are(us, them, tmp_path):
    made = us.make()
    for headers, body in (
        ({**made.headers, "AS2-From": "Nobody"}, made.body),
        ({}, b""),
        (made.headers, b"\x00"),
        ({**made.headers, "Content-Type": "multipart/report"}, b"x"),
        ({**made.headers, "Content-Type": "multipart/signed"}, b"multipart/report"),
    ):
        assert_nothing_leaks(them.station.receive(headers, body).body, tmp_path)


def test_a_bomb_takes_no_more_memory_than_the_limit_allows(us):
    import tracemalloc

    bomb = cms.compress([b"Content-Type: text/plain\r\n\r\n", *[bytes(1_000_000)] * 100])
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data"}
    agreed = msgspec.structs.replace(us.terms, must_sign=False, must_encrypt=False)
    tracemalloc.start()
    with pytest.raises(MessageError, match="larger than"):
        open_message(headers, bomb, agreed, us.keys, now=NOW, largest=10_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
