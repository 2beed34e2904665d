"""The embedded Odoo stand-in: trouble on purpose, survival, its page."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from edi_server.canonical import Order, OrderLine, Party
from edi_server.erp import warehouse
from edi_server.erp.gs1 import is_gs1_number
from edi_server.erp.odoo import OdooErp
from edi_server.erp.port import OrderToPost, Posted, PostingPolicy
from edi_server.erp.sandbox import Fault, Sandbox, demo
from edi_server.errors import ConfigurationError, ErpError

CONTENT = demo.content()
CUSTOMER = CONTENT["partner"][0]["gln"]
GTIN = CONTENT["product"][0]["gtin"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


def erp(sandbox: Sandbox) -> OdooErp:
    return OdooErp(sandbox.url, sandbox.database, "edi", "edi")


def order(number: str = "PO-1") -> OrderToPost:
    line = OrderLine(number="1", gtin=GTIN, quantity=Decimal(3), price=Decimal("4.85"))
    made = Order(number=number, buyer=Party(gln=CUSTOMER), lines=(line,))
    key = re.sub(r"[^a-z0-9]", "_", number.lower())
    return OrderToPost(key=key, order=made, policy=PostingPolicy(confirm=True))


def post(sandbox: Sandbox, item: OrderToPost | None = None) -> Posted:
    [answer] = erp(sandbox).post_orders([item or order()])
    assert isinstance(answer, Posted), answer
    return answer


def test_the_demo_has_numbers_with_valid_check_digits() -> None:
    partners = [
        CONTENT["company"],
        *CONTENT["partner"],
        *(place for one in CONTENT["partner"] for place in one["place"]),
    ]
    numbers = [party["gln"] for party in partners] + [product["gtin"] for product in CONTENT["product"]]
    assert all(is_gs1_number(number, 13) and number.startswith("952") for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("stage", ["before", "inside", "after"])
@pytest.mark.parametrize("method", ["load", "action_confirm"])
def test_a_connection_cut_at_any_stage_leaves_one_order(sandbox: Sandbox, method: str, stage: str) -> None:
    sandbox.faults.plan([Fault(kind="drop", method=method, stage=stage)])
    with pytest.raises(ErpError) as caught:
        post(sandbox)
    assert not caught.value.permanent
    assert sandbox.faults.left() == []
    there = len(sandbox.orders())
    assert there == (0 if (method, stage) in [("load", "before"), ("load", "inside")] else 1)
    assert post(sandbox).existed == bool(there)
    [seen] = sandbox.orders()
    assert (seen.state, seen.lines, len(seen.deliveries)) == ("sale", 1, 1)


@pytest.mark.parametrize(
    ("fault", "permanent", "name"),
    [
        (Fault(kind="status", status=502, method="load"), False, "HTTP 502"),
        (Fault(kind="status", status=429, method="load", stage="after"), False, "HTTP 429"),
        (Fault(kind="status", status=404, method="load"), True, "HTTP 404"),
        (Fault(kind="error", method="load", name="odoo.exceptions.AccessError"), True, "odoo.exceptions.AccessError"),
        (
            Fault(kind="error", method="load", name="psycopg2.errors.SerializationFailure"),
            False,
            "psycopg2.errors.SerializationFailure",
        ),
        (
            Fault(kind="error", method="action_confirm", name="psycopg2.errors.LockNotAvailable"),
            False,
            "psycopg2.errors.LockNotAvailable",
        ),
        (Fault(kind="drop", model="common"), False, "RemoteDisconnected"),
    ],
)
def test_trouble_is_told_apart_and_over_after_once(sandbox: Sandbox, fault: Fault, permanent: bool, name: str) -> None:
    sandbox.faults.plan([fault])
    with pytest.raises(ErpError) as caught:
        post(sandbox)
    assert (caught.value.permanent, caught.value.name) == (permanent, name)
    assert post(sandbox).confirmed
    assert len(sandbox.orders()) == 1


def test_what_odoo_refuses_to_confirm_is_posted_and_said(sandbox: Sandbox) -> None:
    fault = Fault(kind="error", method="action_confirm", message="The customer is over the limit.", times=None)
    sandbox.faults.plan([fault])
    answer = post(sandbox)
    assert not answer.confirmed
    [finding] = answer.findings
    assert finding.code == "erp.not-confirmed"
    assert "over the limit" in finding.sentence
    sandbox.faults.plan([])
    assert post(sandbox).confirmed


def test_a_confirmation_that_asks_back_is_posted_and_said(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules answer with a wizard for a person instead of confirming."""
    from edi_server.erp.sandbox import sales

    monkeypatch.setattr(sales, "action_confirm", lambda *_: {"type": "ir.actions.act_window"})
    answer = post(sandbox)
    assert not answer.confirmed
    assert [finding.code for finding in answer.findings] == ["erp.not-confirmed"]


def test_a_race_that_never_ends_is_passing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from edi_server.erp import odoo
    from edi_server.erp.sandbox import imports

    lost = {"ids": False, "messages": [{"type": "error", "message": imports.LOST_RACE}], "nextrow": 0}
    monkeypatch.setattr(imports, "load", lambda *_: lost)
    monkeypatch.setattr(odoo.time, "sleep", lambda _: None)
    with pytest.raises(ErpError) as caught:
        post(sandbox)
    assert not caught.value.permanent
    assert sandbox.orders() == []


def test_a_delay_longer_than_the_timeout_is_passing(sandbox: Sandbox) -> None:
    sandbox.faults.plan([Fault(kind="delay", method="load", stage="after", seconds=2)])
    hasty = OdooErp(sandbox.url, sandbox.database, "edi", "edi", timeout=1)
    with pytest.raises(ErpError) as caught:
        hasty.post_orders([order()])
    assert (caught.value.permanent, caught.value.name) == (False, "TimeoutError")
    assert post(sandbox).existed


def test_faults_are_switched_over_http(sandbox: Sandbox) -> None:
    def ask(method: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{sandbox.url}/sandbox/faults", body, method=method)
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())

    ask("POST", b'[{"kind":"status","status":503,"times":null}]')
    with pytest.raises(ErpError, match="HTTP 503"):
        post(sandbox)
    assert b'"status":503' in ask("GET")
    assert ask("DELETE") == b"[]"
    assert post(sandbox).confirmed
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("POST", b'[{"kind":"flood"}]')
    assert caught.value.code == 400


def test_away_and_back_it_is_the_same_odoo(sandbox: Sandbox) -> None:
    answer = post(sandbox)
    adapter = erp(sandbox)
    assert adapter.probe()
    sandbox.pause()
    with pytest.raises(ErpError) as caught:
        adapter.probe()
    assert not caught.value.permanent
    sandbox.start()
    found = adapter.find_order(answer.key)
    assert found is not None
    assert found.record_id == answer.record_id


def test_a_file_keeps_its_content_and_its_version(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "odoo.sqlite"
    with Sandbox(path) as first:
        post(first)
    with Sandbox(path) as second:
        assert [seen.reference for seen in second.orders()] == ["PO-1"]
    with pytest.raises(ConfigurationError, match=r"17\.0"):
        Sandbox(path, version="19.0").start()


Run = Callable[[Path], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def run() -> Iterator[Run]:
    """Starts the stand-in as a process of its own; gives it and its URL."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "edi_server.erp.sandbox", "--port", "0", "--path", str(path)]
        process = subprocess.Popen([*command, "--version", "19.0"], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_loses_nothing_it_answered_when_it_is_killed(tmp_path: Path, run: Run) -> None:
    """As a process of its own, killed while orders arrive; what was posted is there, once, after the restart."""
    path = tmp_path / "odoo.sqlite"
    answered = []
    for number in range(3):
        process, url = run(path)
        adapter = OdooErp(url, "demo", "edi", "edi")
        [answer] = adapter.post_orders([order(f"PO-{number}")])
        assert isinstance(answer, Posted)
        answered.append(answer.key)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process, url = run(path)
    adapter = OdooErp(url, "demo", "edi", "edi")
    found = [adapter.find_order(key) for key in answered]
    assert [(one.key, one.confirmed) for one in found if one] == [(key, True) for key in answered]
    process.terminate()
    assert process.wait(20) == 0


@pytest.mark.parametrize("version", ["17.0", "19.0"])
def test_its_page_shows_orders_and_validates_deliveries(version: str) -> None:
    with Sandbox(version=version) as sandbox:
        post(sandbox, order("<b>PO & 7</b>"))
        page = read(sandbox.url)
        assert "S00001" in page
        assert "&lt;b&gt;PO &amp; 7&lt;/b&gt;" in page
        assert "14.55 EUR" in page
        [action] = re.findall(r'action="([^"]+)"', page)
        after = read(sandbox.url + action, b"")
        assert "Validate delivery" not in after
        assert "done" in after
        [done] = erp(sandbox).deliveries_done(CUSTOMER, None)
        [package] = done.advice.packages
        assert package.sscc[0] in after


def read(url: str, body: bytes | None = None) -> str:
    with urllib.request.urlopen(url, body) as answer:
        return bytes(answer.read()).decode()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/nowhere", None, {}, 404),
        ("/deliveries/1/validate", b"", {"Origin": "https://evil.example"}, 400),
        ("/deliveries/x/validate", b"", {}, 400),
        ("/jsonrpc", b"not json", {}, 400),
        ("/jsonrpc", b'{"params": {}}', {}, 400),
    ],
)
def test_other_requests_are_refused(
    sandbox: Sandbox, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(sandbox.url + path, body, headers))
    assert caught.value.code == status


def test_people_let_a_delivery_leave_by_any_of_its_names(sandbox: Sandbox) -> None:
    for number in range(3):
        post(sandbox, order(f"PO-{number}"))
    assert sandbox.validate_delivery("PO-0") == ["WH/OUT/00001"]
    assert sandbox.validate_delivery("S00002") == ["WH/OUT/00002"]
    assert sandbox.validate_delivery("WH/OUT/00003") == ["WH/OUT/00003"]
    with pytest.raises(ErpError, match="no open delivery called PO-0"):
        sandbox.validate_delivery("PO-0")
    assert [seen.deliveries[0][1] for seen in sandbox.orders()] == ["done"] * 3


def test_serial_shipping_container_codes_have_eighteen_digits() -> None:
    assert warehouse.sscc("9521141", 7) == "395211410000000077"[:17] + warehouse.sscc("9521141", 7)[-1]
    assert is_gs1_number(warehouse.sscc("9521141", 7), 18)


def test_only_known_versions_are_spoken() -> None:
    with pytest.raises(ValueError, match=r"17\.0 or 19\.0"):
        Sandbox(version="16.0")
