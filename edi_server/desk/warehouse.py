"""The people at Odoo, for demonstrations: what arrived in the embedded sandbox, and a delivery that leaves."""

from __future__ import annotations

from pathlib import Path

from edi_server.config import Configuration
from edi_server.desk.actors import NotPossible
from edi_server.desk.presence import find_sandbox, is_daemon_running
from edi_server.erp import warehouse
from edi_server.erp.sandbox import demo
from edi_server.erp.session import Session
from edi_server.erp.warehouse import OrderSeen

DATABASE, USER, PASSWORD = "demo", "admin", "admin"


def sandbox_url(configuration: Configuration) -> str:
    """Where the running daemon's sandbox listens, which is also its page. Raises NotPossible if there is none."""
    data = Path(configuration.settings.paths.data)
    url = find_sandbox(data)
    if not url or not is_daemon_running(data):
        message = (
            f"No sandbox is running on {data}: start `edi-server serve` with an ERP of kind sandbox, "
            "or name its configuration by `edi-server --config FILE`."
        )
        raise NotPossible(message)
    return url


def arrived(configuration: Configuration) -> list[OrderSeen]:
    """Sales orders in the sandbox, newest first. Raises NotPossible, ErpError."""
    return warehouse.orders(_session(configuration))


def validate(configuration: Configuration, name: str) -> list[str]:
    """Let the open deliveries of that name, order or customer's order number leave; their names.

    Raises NotPossible, ErpError.
    """
    prefix = demo.content()["company"]["prefix"]
    return warehouse.validate_delivery(_session(configuration), name, sscc_prefix=prefix)


def _session(configuration: Configuration) -> Session:
    return Session(sandbox_url(configuration), DATABASE, USER, PASSWORD, company=None, timeout=60)
