"""Webhooks over real HTTP: what each answer means, one key for each run whatever dies, and what is kept of it."""

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import ssl
import threading
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest
from contracts.test_transport import Killed, kill_at
from cryptography.hazmat.primitives import serialization
from rooms.test_as2_http import _authority, _issue

from edi_server.engine.retrying import LONGEST_ASKED, NotYet, Outcome, Retries, call, wait_after
from edi_server.errors import ConfigurationError, StoreError, TransportError
from edi_server.transports.http_front import Front, Reply
from edi_server.transports.loop import Loop
from edi_server.transports.port import HandedOver
from edi_server.transports.posting import Tls
from edi_server.transports.staging import Staging
from edi_server.transports.webhook import Webhook, Webhooks

__all__ = ["kill_at"]


@pytest.fixture(scope="module")
def loop():
    with Loop() as running:
        yield running


class Place:
    """A partner's webhook, and our side of it."""

    def __init__(self, folder, loop, tls=None):
        self.folder, self.loop, self.posts, self.answers = folder, loop, [], []
        self.front = Front({"/hook": self.take})
        port = loop.run(self.front.listen("127.0.0.1", 0, tls), 10)
        self.url = f"{'https' if tls else 'http'}://localhost:{port}/hook"
        self.agreed = {"url": self.url}
        self.restart()

    def take(self, request):
        self.posts.append(request)
        answer = self.answers.pop(0) if self.answers else 200
        return answer if isinstance(answer, Reply) else Reply(status=answer, body=b"thanks")

    def restart(self):
        self.staging = Staging(self.folder)
        self.webhooks = Webhooks(self.staging, self.loop, self.find)

    def find(self, mailbox):
        return Webhook(mailbox=mailbox, **self.agreed) if mailbox == "n" else None

    def stage(self, content=b"DESADV"):
        self.webhooks.stage("t1", "n", content)

    def hand_over(self):
        return self.webhooks.hand_over("t1", "n", "desadv.edi")

    def fail(self, *answers):
        """The error that such an answer is."""
        self.answers = list(answers)
        self.stage()
        with pytest.raises(TransportError) as caught:
            self.hand_over()
        return caught.value

    def keys(self):
        return [post.headers["idempotency-key"] for post in self.posts]


@pytest.fixture
def place(tmp_path, loop):
    made = Place(tmp_path, loop)
    yield made
    loop.run(made.front.close(), 20)


def test_a_webhook_is_posted_signed_with_a_key_that_stays_the_same(place):
    place.agreed["secret"] = "s3cret"
    place.answers = [500, 429, 200]
    place.stage()
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            place.hand_over()
        assert not caught.value.permanent
    proof = json.loads(place.hand_over().proof)
    assert (proof["status"], proof["answer"]) == (200, "thanks")
    assert place.hand_over().earlier
    assert place.keys() == ["t1"] * 3
    signature = hmac.new(b"s3cret", b"DESADV", hashlib.sha256).hexdigest()
    assert place.posts[-1].headers["x-signature"] == f"sha256={signature}"


def test_partners_can_tell_our_posts_as_the_documentation_says(place):
    text = (Path(__file__).parents[2] / "docs" / "partners.md").read_text()
    [example] = [one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "hmac" in one]
    theirs = {}
    exec(example, theirs)
    place.agreed["secret"] = "geheim ü"
    place.stage()
    place.hand_over()
    [post] = place.posts
    assert theirs["is_from_them"](post.body, post.headers["x-signature"], "geheim ü".encode())
    assert not theirs["is_from_them"](post.body + b" ", post.headers["x-signature"], "geheim ü".encode())
    assert not theirs["is_from_them"](post.body, post.headers["x-signature"], b"wrong")


@pytest.mark.parametrize("name", ["desadv 1.edi", "Büro.edi", "100%.edi", "50%25.edi", "注文.edi", "a\tb\r\nX: y.edi"])
def test_a_file_name_arrives_with_all_its_letters_as_our_drop_reads_it(place, name):
    place.stage()
    place.webhooks.hand_over("t1", "n", name)
    [post] = place.posts
    assert post.headers["x-file-name"].isascii()
    assert unquote(post.headers["x-file-name"]) == name


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 415, 422])
def test_a_refusal_is_for_good(place, status):
    assert place.fail(status).permanent


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again_under_the_same_key(place, status):
    assert not place.fail(status).permanent
    assert place.hand_over().confirmed
    assert place.keys() == ["t1", "t1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_for_good_says_where_to_and_is_not_followed(place, status):
    where = "https://x:hush@elsewhere.example/in?key=hush#hush"
    error = place.fail(Reply(status=status, headers={"Location": where}))
    assert error.permanent
    assert "https://elsewhere.example/in," in str(error)
    assert "hush" not in str(error)
    assert len(place.posts) == 1


def test_who_asks_us_to_stay_away_says_for_how_long(place):
    assert place.fail(Reply(status=429, headers={"Retry-After": "120"})).retry_after == 120
    assert place.fail(Reply(status=503, headers={"Retry-After": "soon"})).retry_after == 0
    assert place.fail(Reply(status=503)).retry_after == 0
    later = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10), usegmt=True)
    assert 500 < place.fail(Reply(status=503, headers={"Retry-After": later})).retry_after <= 600
    earlier = format_datetime(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10), usegmt=True)
    assert place.fail(Reply(status=503, headers={"Retry-After": earlier})).retry_after == 0


def test_an_answer_that_does_not_come_is_tried_again_under_the_same_key(place):
    answering = threading.Event()
    place.agreed["seconds"] = 0.3
    place.answers = [200, 200]
    take, place.take = place.take, None
    place.front._addresses["/hook"] = lambda request: (answering.wait(20), take(request))[1]
    place.stage()
    with pytest.raises(TransportError, match="did not answer in time") as caught:
        place.hand_over()
    assert not caught.value.permanent
    answering.set()
    place.agreed["seconds"] = 20
    assert place.hand_over().confirmed
    assert set(place.keys()) == {"t1"}


def test_of_a_huge_answer_a_little_is_kept_and_an_empty_one_is_proof_too(place):
    place.answers = [Reply(status=200, body=b"x" * 6_000_000), Reply(status=204)]
    place.stage()
    assert json.loads(place.hand_over().proof)["answer"] == "x" * 2000
    place.stage()
    assert json.loads(place.hand_over().proof) == {"url": place.url, "status": 204, "answer": ""}


def test_nobody_there_and_a_secret_that_is_missing_for_a_moment_pass(place, monkeypatch):
    place.stage()
    place.agreed["url"] = "http://localhost:1/hook?key=hush"
    with pytest.raises(TransportError) as caught:
        place.hand_over()
    assert not caught.value.permanent
    assert "hush" not in str(caught.value)

    def gone(_):
        raise ConfigurationError("secret KEY is not set")

    monkeypatch.setattr(place.webhooks, "_find", gone)
    with pytest.raises(TransportError, match="KEY is not set") as caught:
        place.hand_over()
    assert not caught.value.permanent


def test_keys_and_passwords_in_the_address_are_not_kept(place):
    place.agreed["url"] = place.url.replace("http://", "http://me:hush@") + "?key=hush"
    place.stage()
    handed = place.hand_over()
    assert json.loads(handed.proof)["url"] == handed.detail["url"] == place.url


def test_tls_with_a_private_authority_and_a_client_certificate(tmp_path, loop):
    authority = _authority()
    ca = authority[2].public_bytes(serialization.Encoding.PEM).decode()
    (certificate, key), (own, own_key) = _issue(authority, "localhost"), _issue(authority, "us")
    (tmp_path / "server.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=ca)
    context.load_cert_chain(tmp_path / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    place = Place(tmp_path / "ours", loop, context)
    place.stage()
    for tls in (None, Tls(authorities=ca)):
        place.agreed["tls"] = tls
        with pytest.raises(TransportError):
            place.hand_over()
    assert place.posts == []
    place.agreed["tls"] = Tls(authorities=ca, certificate=own, private_key=own_key)
    assert place.hand_over().confirmed
    assert place.keys() == ["t1"]
    loop.run(place.front.close(), 20)


def test_a_crash_anywhere_posts_under_one_key_and_keeps_the_proof(place, kill_at):
    """In the first run, and in that of a person who has it sent again."""
    crashes, runs = 0, 0
    while True:
        staged = finished = False
        place.posts.clear()
        runs += 1
        kill_at(crashes)
        try:
            place.stage()
            staged = True
            place.hand_over()
            finished = True
        except Killed:
            pass
        kill_at(None)
        place.restart()
        if not staged:
            place.stage()
        handed = place.hand_over()
        assert json.loads(handed.proof)["answer"] == "thanks"
        assert (handed.name, handed.confirmed, handed.detail["key"]) == ("desadv.edi", True, place.keys()[0])
        assert set(place.keys()) == {"t1" if runs == 1 else f"t1#{runs}"}
        if finished:
            break
        crashes += 1
    assert crashes > 5


def test_what_ended_long_ago_is_forgotten_and_what_goes_on_is_not(tmp_path):
    staging = Staging(tmp_path)
    for name in ("ended", "going on", "new"):
        staging.stage(name, b"x")
    for name in ("ended", "new"):
        staging.finish(name, HandedOver(name="a.edi", proof=b"\xff"))
    for name in ("ended", "going on"):
        os.utime(tmp_path / "runs" / name, (1, 1))
    assert staging.forget(dt.datetime.now(dt.UTC) - dt.timedelta(days=1)) == 1
    assert staging.find("new") == HandedOver(name="a.edi", proof=b"\xff", earlier=True)
    assert staging.find("going on").path.read_bytes() == b"x"
    with pytest.raises(TransportError, match="resend") as caught:
        staging.find("ended")
    assert caught.value.permanent


def test_bytes_that_were_staged_before_runs_were_kept_are_the_first_run(tmp_path):
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "t1").write_bytes(b"x")
    assert Staging(tmp_path).find("t1").key == "t1"


# How the engine goes on


def outcome(error, *, failures=0, is_last=False, **retries):
    def step():
        raise error

    agreed = Retries(**{"limit": 3, "first": 2.0, "factor": 2.0, "longest": 60.0, **retries})
    return call(step, (), failures=failures, retries=lambda: agreed, is_last=is_last)


def test_a_failure_waits_as_was_agreed_or_as_long_as_they_ask_within_reason():
    assert [outcome(TransportError("no"), failures=one).wait for one in range(3)] == [2.0, 4.0, None]
    assert outcome(TransportError("no", retry_after=30)).wait == 30
    assert outcome(TransportError("no", retry_after=1)).wait == 2
    assert outcome(TransportError("no", retry_after=1e9)).wait == LONGEST_ASKED
    assert outcome(TransportError("no", permanent=True, retry_after=30)).wait is None
    assert outcome(StoreError("no"), failures=10**6, is_last=True).wait == 60
    assert outcome(ZeroDivisionError()).wait == 2


def test_a_turn_that_comes_later_is_no_failure():
    assert outcome(NotYet(1.5)) == Outcome(later=1.5)


def test_what_an_earlier_release_recorded_is_gone_on_with():
    agreed = Retries(limit=3, first=2.0, factor=2.0)
    old = msgspec.convert({"error": "no", "permanent": False}, Outcome)
    assert [wait_after(old, failures, agreed, is_last=False) for failures in (1, 2, 3)] == [2.0, 4.0, None]
    assert wait_after(old, 3, agreed, is_last=True) == 8.0
    assert msgspec.convert({"result": None}, Outcome).error == ""


def test_what_was_decided_is_not_decided_anew_by_what_was_agreed_since():
    recorded = msgspec.convert(msgspec.to_builtins(outcome(TransportError("no"), failures=2)), Outcome)
    assert wait_after(recorded, 3, Retries(limit=99), is_last=False) is None
    recorded = msgspec.convert(msgspec.to_builtins(outcome(TransportError("no"))), Outcome)
    assert wait_after(recorded, 1, Retries(limit=1), is_last=False) == 2.0
