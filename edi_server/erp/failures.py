"""Odoo's errors told apart: those that a retry can mend, and those that need a person first.

The text of an Odoo error is in the language of its user, so the decision rests on `error.data.name` alone. The one
exception is PostgreSQL's own wording inside the messages of `load()`, which carry no name (`is_passing_text`).
"""

from __future__ import annotations

import builtins
import http.client
import json
import re
import ssl
import urllib.error
from typing import Any

import odoorpc.error

from edi_server.errors import ErpError

#: Odoo judged the content or the rights, or the call itself is wrong: the same call fails again.
_PERMANENT = (
    "odoo.exceptions.AccessDenied",
    "odoo.exceptions.AccessError",
    "odoo.exceptions.MissingError",
    "odoo.exceptions.RedirectWarning",
    "odoo.exceptions.UserError",
    "odoo.exceptions.ValidationError",
    "odoo.exceptions.except_orm",
    "decimal.InvalidOperation",
    "psycopg2.DataError",
    "psycopg2.ProgrammingError",
    "psycopg2.errors.CheckViolation",
    "psycopg2.errors.InvalidTextRepresentation",
    "psycopg2.errors.NotNullViolation",
    "psycopg2.errors.NumericValueOutOfRange",
    "psycopg2.errors.StringDataRightTruncation",
    "psycopg2.errors.UndefinedColumn",
    "psycopg2.errors.UndefinedTable",
)
#: HTTP statuses of a proxy before Odoo that pass by themselves; every other 4xx needs a person.
_PASSING_STATUS = frozenset({408, 423, 425, 429})
#: PostgreSQL's English texts for a transaction that lost against another one, or a server in trouble.
_PASSING_TEXTS = re.compile(
    "could not serialize|deadlock detected|duplicate key value|could not obtain lock|lock timeout|canceling statement"
    "|terminating connection|connection already closed|cursor already closed|server closed the connection"
    "|No space left on device|out of memory|too many clients"
)
_LONGEST = 500


def is_passing_text(text: str) -> bool:
    """True if a message of `load()` says that a concurrent transaction won or the database is in trouble."""
    return _PASSING_TEXTS.search(text) is not None


def is_permanent(name: str) -> bool:
    """Whether Odoo's error of that name comes back on every retry; unknown names are taken as passing.

    A name nobody has met yet (a custom module's, a driver's) is retried within the caller's limits, because giving up
    on a passing error loses an order while retrying a permanent one only costs time. Python's own errors mean that the
    call or the installation is wrong, except those of the operating system.
    """
    module, _, kind = name.rpartition(".")
    if module == "builtins":
        return not issubclass(getattr(builtins, kind, Exception), (OSError, MemoryError))
    return name in _PERMANENT


def from_rpc(error: odoorpc.error.RPCError, *, call: str) -> ErpError:
    """The error that Odoo answered."""
    if not isinstance(error.info, dict):
        return denied()
    problem: dict[str, Any] = error.info.get("data") or {}
    name = str(problem.get("name") or "unknown")
    if name == "odoo.exceptions.AccessDenied":
        return denied()
    text = cut(str(problem.get("message") or error.info.get("message") or ""))
    return ErpError(f"Odoo refused {call}: {text} ({name})", permanent=is_permanent(name), name=name)


def denied() -> ErpError:
    """User, password or API key are wrong."""
    return ErpError(
        "Odoo does not accept the user and password (or API key): correct them in the configuration.",
        permanent=True,
        name="odoo.exceptions.AccessDenied",
    )


def from_connection(error: Exception, *, call: str) -> ErpError:
    """Odoo was not reached, or answered something that is not Odoo: what became of the call is unknown."""
    if isinstance(error, urllib.error.HTTPError):
        return _from_status(error, call=call)
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    name = type(cause).__name__
    if isinstance(cause, ssl.SSLCertVerificationError):
        text = f"The certificate of the Odoo server is not trusted: {cut(str(cause))}"
        return ErpError(text, permanent=True, name=name)
    if isinstance(cause, (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError)):
        text = f"The server at Odoo's address answered {call} with something that is not Odoo's JSON."
        return ErpError(text, permanent=False, name=name)
    text = f"Odoo did not answer {call}: {cut(str(cause)) or name}. Whether the call was carried out is not known."
    return ErpError(text, permanent=False, name=name)


def _from_status(error: urllib.error.HTTPError, *, call: str) -> ErpError:
    permanent = error.code < 500 and error.code not in _PASSING_STATUS
    return ErpError(
        f"The server at Odoo's address answered {call} with HTTP {error.code} {cut(str(error.reason))}.",
        permanent=permanent,
        name=f"HTTP {error.code}",
    )


def cut(text: str) -> str:
    """One line of text, at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


#: What an RPC call over odoorpc can raise apart from `RPCError`: the connection, HTTP, or an answer that is not JSON.
CONNECTION_ERRORS = (
    OSError,  # includes URLError, HTTPError, TimeoutError, ConnectionError
    http.client.HTTPException,
    json.JSONDecodeError,
    UnicodeDecodeError,
    KeyError,  # odoorpc reads ["result"], ["data"] and ["message"] unasked
    TypeError,
    AttributeError,
)
