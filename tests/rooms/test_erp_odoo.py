"""Parts of the Odoo adapter that need no Odoo."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import urllib.error
from decimal import Decimal
from email.message import Message

import odoorpc.error
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi_server.erp import failures
from edi_server.erp.confirmation import in_batches
from edi_server.erp.external_ids import line_name, line_number
from edi_server.erp.gs1 import check_digit, gtin_forms, is_gs1_number
from edi_server.erp.odoo import OdooErp
from edi_server.erp.sandbox.measures import rounded
from edi_server.erp.session import read_address
from edi_server.errors import ConfigurationError, ErpError


@given(st.from_regex(r"[a-z0-9_]+", fullmatch=True), st.integers(1, 9999), st.text(max_size=35))
def test_a_line_number_comes_back_from_its_external_id(key: str, position: int, number: str) -> None:
    name = line_name(key, position, number)
    assert line_number(name) == (number or None)
    assert name.isascii()
    assert "." not in name


@pytest.mark.parametrize("name", ["t_1", "t_1-n1", "t_1-2n1", "t_1-1-"])
def test_other_external_ids_have_no_line_number(name: str) -> None:
    assert line_number(name) is None


@pytest.mark.parametrize("number", ["4006381333931", "9521141000007"])
def test_the_check_digit_is_gs1s(number: str) -> None:
    assert check_digit(number[:-1]) == number[-1]
    assert is_gs1_number(number, 13)
    assert not is_gs1_number(number[:-1] + str((int(number[-1]) + 1) % 10), 13)


@pytest.mark.parametrize("text", ["", "12345", "400638133393１", "4006381333931 ", "-006381333931", None])
def test_what_is_not_a_number_of_that_length_is_none(text: str | None) -> None:
    assert not is_gs1_number(text or "", 13)


def test_a_gtin_has_as_many_forms_as_lengths_it_fits() -> None:
    assert set(gtin_forms("4006381333931")) == {"4006381333931", "04006381333931"}
    assert gtin_forms("04006381333931")[0] == "04006381333931"
    assert set(gtin_forms("012345678905")) == {"012345678905", "0012345678905", "00012345678905"}
    assert "96385074" in gtin_forms("00000096385074")
    assert gtin_forms("ABC-1") == ("ABC-1",)


@given(st.integers(1, 10**14 - 1))
def test_every_form_of_a_gtin_has_the_same_forms(number: int) -> None:
    forms = set(gtin_forms(str(number)))
    assert all(set(gtin_forms(form)) - {form} <= forms for form in forms)


@pytest.mark.parametrize(
    ("name", "permanent"),
    [
        ("odoo.exceptions.UserError", True),
        ("odoo.exceptions.ValidationError", True),
        ("odoo.exceptions.AccessError", True),
        ("odoo.exceptions.MissingError", True),
        ("builtins.ValueError", True),
        ("builtins.UnicodeEncodeError", True),
        ("builtins.KeyError", True),
        ("builtins.TimeoutError", False),
        ("builtins.MemoryError", False),
        ("builtins.NoSuchError", True),
        ("unknown", False),
        ("psycopg2.errors.NotNullViolation", True),
        ("psycopg2.errors.SerializationFailure", False),
        ("psycopg2.errors.DeadlockDetected", False),
        ("psycopg2.errors.UniqueViolation", False),
        ("psycopg2.OperationalError", False),
        ("psycopg2.pool.PoolError", False),
        ("odoo.addons.somebody.exceptions.Unheard", False),
    ],
)
def test_errors_are_told_apart_by_name(name: str, permanent: bool) -> None:
    info = {"code": 200, "message": "Odoo Server Error", "data": {"name": name, "message": "Because.\nOf it."}}
    error = failures.from_rpc(odoorpc.error.RPCError("Because", info), call="sale.order.load")
    assert (error.permanent, error.name) == (permanent, name)
    assert str(error) == f"Odoo refused sale.order.load: Because. Of it. ({name})"


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_batches_are_small_enough_and_lose_nothing(lines: list[int]) -> None:
    batches = in_batches(lines, lambda count: count)
    assert [count for batch in batches for count in batch] == lines
    assert all(len(batch) == 1 or (len(batch) <= 10 and sum(batch) <= 1000) for batch in batches)
    assert all(batches)


def http_error(status: int) -> urllib.error.HTTPError:
    return urllib.error.HTTPError("http://odoo", status, "Trouble", Message(), None)


@pytest.mark.parametrize(
    ("raised", "permanent"),
    [
        (http_error(500), False),
        (http_error(503), False),
        (http_error(429), False),
        (http_error(401), True),
        (http_error(404), True),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), False),
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), False),
        (urllib.error.URLError(ssl.SSLCertVerificationError(1, "certificate has expired")), True),
        (TimeoutError("timed out"), False),
        (ConnectionResetError(104, "Connection reset by peer"), False),
        (json.JSONDecodeError("Expecting value", "<html>", 0), False),
        (KeyError("result"), False),
    ],
)
def test_trouble_with_the_connection_is_passing_unless_a_person_must_act(raised: Exception, permanent: bool) -> None:
    assert failures.from_connection(raised, call="x").permanent is permanent


def test_a_long_error_is_cut() -> None:
    info = {"data": {"name": "odoo.exceptions.UserError", "message": "x" * 5000}}
    assert len(str(failures.from_rpc(odoorpc.error.RPCError("", info), call="a.b"))) < 600


@pytest.mark.parametrize(
    "url", ["odoo.example.com", "ftp://odoo", "http://", "http://u:p@odoo", "https://odoo/path", "http://odoo:x", ""]
)
def test_an_address_that_is_none_is_an_error_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OdooErp(url, "db", "user", "a-secret")
    assert "a-secret" not in str(caught.value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8069", ("127.0.0.1", 8069, "jsonrpc")),
        ("https://odoo.example.com/", ("odoo.example.com", 443, "jsonrpc+ssl")),
        ("http://[::1]:8069", ("[::1]", 8069, "jsonrpc")),
    ],
)
def test_an_address_names_host_port_and_protocol(url: str, address: tuple[str, int, str]) -> None:
    assert read_address(url) == address


def answer_once(body: bytes, status: str = "200 OK") -> int:
    """A server that answers every request with the same; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(f"HTTP/1.0 {status}\r\nContent-Type: text/html\r\n\r\n".encode() + body)

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>We are back soon</html>", "200 OK"),
        (b"\xff\xfe", "200 OK"),
        (b"{}", "200 OK"),
        (b"[]", "200 OK"),
        (b'{"error": {"code": 1}}', "200 OK"),
        (b'{"result": {"server_version": null}}', "200 OK"),
        (b"", "503 Service Unavailable"),
    ],
)
def test_an_answer_that_is_not_odoos_is_passing(body: bytes, status: str) -> None:
    port = answer_once(body, status)
    with pytest.raises(ErpError) as caught:
        OdooErp(f"http://127.0.0.1:{port}", "db", "user", "password").probe()
    assert not caught.value.permanent


def test_an_odoo_that_is_too_old_is_said() -> None:
    from edi_server.erp.session import refuse_old_versions

    refuse_old_versions("17.0")
    refuse_old_versions("saas~18.2")
    for version in ("16.0", "saas~16.4", "master", ""):
        with pytest.raises(ErpError, match="too old") as caught:
            refuse_old_versions(version)
        assert caught.value.permanent


@given(st.decimals(-1000, 1000, places=4))
def test_rounding_is_away_from_nought(number: Decimal) -> None:
    kept = Decimal(str(rounded(float(number), 2)))
    assert abs(kept - number) <= Decimal("0.005")
    if abs(number * 1000) % 10 == 5 and number == number.quantize(Decimal("0.001")):
        assert abs(kept) > abs(number)
