"""A logged-in conversation with one Odoo database over JSON-RPC (odoorpc)."""

from __future__ import annotations

import ipaddress
import logging
import urllib.parse
import urllib.request
from typing import Any

import odoorpc
import odoorpc.error

from edi_server.erp import failures
from edi_server.errors import ConfigurationError, ErpError

#: Odoo's default limit_time_real is 120 s. A client that gives up earlier would retry while Odoo still works on it.
TIMEOUT = 150.0
_OLDEST = 17
_PROTOCOLS = {"http": "jsonrpc", "https": "jsonrpc+ssl"}

# odoorpc writes every request with its arguments, the password among them, to this logger.
logging.getLogger("odoorpc.rpc.jsonrpclib").addFilter(lambda _record: False)

Row = dict[str, Any]


class Session:
    """One login of one user; not for several threads at once, since odoorpc shares its cookies.

    Every call carries the same context: times in UTC (`load()` would read them in the user's zone), the user's own
    language, and the one company, without which Odoo would search all companies of the user and create in his default.
    """

    def __init__(
        self, url: str, database: str, user: str, password: str, *, company: int | None, timeout: float = TIMEOUT
    ) -> None:
        host, port, protocol = read_address(url)
        self.database = database
        self._fields: dict[str, dict[str, Row]] = {}
        try:
            self._odoo = odoorpc.ODOO(host, protocol, port, timeout, opener=_opener(host))
            self._odoo.login(database, user, password)
        except odoorpc.error.RPCError as error:
            raise failures.from_rpc(error, call="the login") from None
        except failures.CONNECTION_ERRORS as error:
            raise failures.from_connection(error, call="the login") from None
        self.version = str(self._odoo.version)
        refuse_old_versions(self.version)
        own = self._odoo.env.context
        self.context: Row = {"tz": "UTC", "lang": own.get("lang") or "en_US"}
        self.company = company or self._company_of(int(own["uid"]))
        self.context["allowed_company_ids"] = [self.company]

    def _company_of(self, user_id: int) -> int:
        return int(self.call("res.users", "read", [user_id], ["company_id"])[0]["company_id"][0])

    def call(self, model: str, method: str, *args: Any, context: Row | None = None, **named: Any) -> Any:
        """Call a method of a model in one transaction of Odoo's; raises ErpError."""
        call = f"{model}.{method}"
        named["context"] = self.context | (context or {})
        try:
            return self._odoo.execute_kw(model, method, list(args), named)
        except odoorpc.error.RPCError as error:
            raise failures.from_rpc(error, call=call) from None
        except failures.CONNECTION_ERRORS as error:
            raise failures.from_connection(error, call=call) from None

    def may(self, model: str, operation: str) -> bool:
        """Whether the user has the right to create, read, write or unlink records of the model."""
        try:
            return bool(self.call(model, "check_access_rights", operation, raise_exception=False))
        except ErpError as error:
            if error.name != "builtins.AttributeError":
                raise
        return bool(self.call(model, "has_access", [], operation))  # its name from 18 on; 19 still knows both

    def read(self, model: str, ids: list[int], fields: list[str]) -> list[Row]:
        """The records in the order of `ids`; records deleted meanwhile are left out."""
        if not ids:
            return []
        rows: list[Row] = self.call(model, "read", list(dict.fromkeys(ids)), fields)
        return rows

    def fields(self, model: str) -> dict[str, Row]:
        """The model's fields with type, relation and digits, asked once per session: versions and modules differ."""
        if model not in self._fields:
            self._fields[model] = self.call(model, "fields_get", [], ["type", "relation", "digits"])
        return self._fields[model]

    def has(self, model: str, field: str) -> bool:
        """Whether this Odoo's model has that field."""
        return field in self.fields(model)


def refuse_old_versions(version: str) -> None:
    """Raise ErpError for an Odoo before 17.0, such as "16.0" or "saas~16.4"."""
    series = version.removeprefix("saas~").partition(".")[0]
    if not series.isdigit() or int(series) < _OLDEST:
        raise ErpError(f"Odoo {version} is too old: version 17.0 or later is needed.", permanent=True)


def read_address(url: str) -> tuple[str, int, str]:
    """Host, port and odoorpc's name of the protocol; raises ConfigurationError without showing what was given."""
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    odd = parts.username or parts.path.strip("/") or parts.query
    if parts.scheme not in _PROTOCOLS or not parts.hostname or not port or odd:
        raise ConfigurationError(
            "The URL of Odoo must look like https://odoo.example.com or http://127.0.0.1:8069, "
            "without a path, user or password."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return host, port, _PROTOCOLS[parts.scheme]


def _opener(host: str) -> urllib.request.OpenerDirector:
    cookies = urllib.request.HTTPCookieProcessor()
    if _is_loopback(host):  # a proxy of the environment is for the outside
        return urllib.request.build_opener(cookies, urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(cookies)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
