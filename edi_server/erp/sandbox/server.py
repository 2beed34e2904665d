"""The stand-in as an HTTP server: /jsonrpc, /web/webclient/version_info, its page, and its faults."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec
from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from edi_server.erp import warehouse
from edi_server.erp.sandbox import demo, page
from edi_server.erp.sandbox.faults import Answered, Dropped, Fault, Faults
from edi_server.erp.sandbox.rpc import Service, answer_error
from edi_server.erp.sandbox.schema import models
from edi_server.erp.sandbox.storage import Storage
from edi_server.erp.session import Session

VERSIONS = ("17.0", "19.0")
_LOG = logging.getLogger(__name__)
#: Seconds after which the listening thread looks whether it shall stop.
_STOPS_WITHIN = 0.05
#: Nothing of the demo's size comes near it; a mistake should not fill the memory.
_LARGEST_REQUEST = 64 * 2**20


class Sandbox:
    """An embedded Odoo: `with Sandbox() as odoo: …`, or `start()` and `stop()`.

    `path` is the SQLite file, created with the demo's content if it is not there; without it a temporary one is used
    and deleted by `stop()`. `port` 0 takes a free one, which `start()` keeps when called again.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        version: str = "17.0",
        database: str = "demo",
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault] = (),
    ) -> None:
        if version not in VERSIONS:
            raise ValueError(f"The stand-in speaks as Odoo {' or '.join(VERSIONS)}, not {version}.")
        self.version, self.database, self.host, self.port = version, database, host, port
        self._path = path
        self._temporary: Path | None = None
        self.faults = Faults()
        self.faults.plan(list(faults))
        self._server: BaseWSGIServer | None = None
        self._service: Service | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Open the database and listen; returns when the port answers."""
        path = self._database_path()
        self._service = _open(path, self.version, self.database, self.faults)
        site = Site(self._service)
        self._server = make_server(self.host, self.port, site, threaded=True, request_handler=_Handler)
        self.port = self._server.server_port
        serve = partial(self._server.serve_forever, poll_interval=_STOPS_WITHIN)
        threading.Thread(target=serve, name="odoo-sandbox", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening; calls under way are finished by their threads."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._service is not None:
            self._service.close()
            self._service = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def pause(self) -> None:
        """Be away: stop listening but keep the database; `start()` brings it back on the same port."""
        kept, self._temporary = self._temporary, None
        self.stop()
        self._temporary = kept

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def session(self, user: str = "admin", password: str = "admin") -> Session:  # noqa: S107 — the demo's own users
        """A conversation with it, as any client would have."""
        return Session(self.url, self.database, user, password, company=None, timeout=60)

    def orders(self) -> list[warehouse.OrderSeen]:
        """Sales orders in it, newest first."""
        return warehouse.orders(self.session())

    def validate_delivery(self, name: str) -> list[str]:
        """Let the deliveries of that name or order leave, each in a package with an SSCC."""
        return warehouse.validate_delivery(self.session(), name, sscc_prefix=demo.content()["company"]["prefix"])

    def _database_path(self) -> Path:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="odoo-sandbox-"))
        return self._temporary / "odoo.sqlite"


def _open(path: Path, version: str, database: str, faults: Faults) -> Service:
    storage = Storage(path, version, models(version))
    service = Service(storage, version, database, faults)
    with storage.transaction(write=True) as db:
        if not db.execute("SELECT 1 FROM res_users").fetchone():
            demo.fill(service.env(db, 1, {"allowed_company_ids": [1], "tz": "UTC"}))
    return service


class _Handler(WSGIRequestHandler):
    """Logs through `logging`, quietly."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 — werkzeug's name
        _LOG.debug("%s: " + message, type, *args)


class Site:
    """The WSGI application."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        request.max_content_length = _LARGEST_REQUEST
        try:
            response: Response | HTTPException = self._route(request)
        except Dropped:
            _hang_up(environ)
            response = Response(b"")
        except Answered as fault:
            response = Response("Trouble on purpose.", fault.status)
        except HTTPException as error:
            response = error
        return response(environ, start_response)

    def _route(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if path == "/web/webclient/version_info":
            return _json({"jsonrpc": "2.0", "id": None, "result": self._service.version_info()})
        if path == "/jsonrpc" and request.method == "POST":
            return self._jsonrpc(request)
        if path == "/sandbox/faults":
            return self._faults(request)
        if path == "/" and request.method == "GET":
            return Response(
                self._as_administrator(lambda env: page.render(env, self._service.database)), mimetype="text/html"
            )
        if path.startswith("/deliveries/") and request.method == "POST":
            return self._validate(request, path)
        raise NotFound

    def _jsonrpc(self, request: Request) -> Response:
        try:
            body = json.loads(request.get_data())
            parameters = body["params"]
            service, method, arguments = parameters["service"], parameters["method"], parameters["args"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequest("Invalid JSON-RPC data") from error
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": body.get("id")}
        try:
            result = self._service.call(service, method, arguments)
        except (Dropped, Answered):
            raise
        except Exception as error:  # noqa: BLE001 — Odoo answers every error of a call
            _LOG.debug("call failed", exc_info=True)
            return _json(answer | {"error": answer_error(error, new=not self._service.version.startswith("17"))})
        return _json(answer if result is None else answer | {"result": result})

    def _faults(self, request: Request) -> Response:
        """GET: what is still planned. POST: replace the plan by a JSON list. DELETE: no more trouble."""
        if request.method == "POST":
            try:
                self._service.faults.plan(msgspec.json.decode(request.get_data(), type=list[Fault]))
            except msgspec.ValidationError as error:
                raise BadRequest(str(error)) from error
        elif request.method == "DELETE":
            self._service.faults.plan([])
        return Response(msgspec.json.encode(self._service.faults.left()), mimetype="application/json")

    def _validate(self, request: Request, path: str) -> Response:
        """Let one delivery leave, in a package with an SSCC."""
        origin = request.headers.get("Origin")
        number = path.removeprefix("/deliveries/").removesuffix("/validate")
        if (origin and origin != request.host_url.rstrip("/")) or not number.isdigit():
            raise BadRequest
        self._as_administrator(lambda env: page.ship(env, int(number)), write=True)
        return redirect("/", 303)

    def _as_administrator(self, action: Any, *, write: bool = False) -> Any:
        return self._service.as_administrator(action, write=write)


def _json(content: Any) -> Response:
    return Response(json.dumps(content), mimetype="application/json")


def _hang_up(environ: dict[str, Any]) -> None:
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
