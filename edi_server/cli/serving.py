"""`serve`, `demo`, `sandbox`: the daemon, and what shows it at work."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session
    from edi_server.config import Configuration
    from edi_server.engine.daemon import Daemon

log = logging.getLogger("edi_server")

sandbox = typer.Typer(invoke_without_command=True, help="The embedded ERP sandbox: what arrived, let a delivery leave.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="serve")(serve)
    app.command(name="demo")(demo)
    app.add_typer(sandbox, name="sandbox")


def serve(context: typer.Context) -> None:
    """Run the daemon: watch the mailboxes, do the work, keep the schedules; until SIGTERM or Ctrl-C."""
    session: Session = context.obj
    configuration = session.configuration()
    _log_to_standard_error(configuration)
    _refuse_second(configuration)
    with _running(configuration) as daemon:
        paths = configuration.settings.paths
        log.info("serving %s and %s; data below %s", paths.inbox, paths.outbox, paths.data)
        _wait(daemon)
        log.info("stopping")
    log.info("stopped")
    # A workflow that waits for its next attempt sleeps in a thread that Python would wait for, up to minutes. All that
    # counts is in the database by now: the next start goes on from there, as after a crash.
    logging.shutdown()
    os._exit(0)


def _refuse_second(configuration: Configuration) -> None:
    """The daemon's own lock decides; this is asked first so that no second sandbox opens the first one's database."""
    from edi_server.desk.presence import is_daemon_running
    from edi_server.errors import ConfigurationError

    data = Path(configuration.settings.paths.data)
    if is_daemon_running(data):
        message = f"A daemon is running on {data} already; stop it first, or give this one its own paths.data."
        raise ConfigurationError(message)


@contextmanager
def _running(configuration: Configuration) -> Iterator[Daemon]:
    """The daemon, with an embedded sandbox if an ERP asks for one."""
    from edi_server.engine.corridor import Corridor
    from edi_server.engine.daemon import Daemon

    with ExitStack() as stack:
        # The lock comes with the daemon, but the daemon needs the sandbox's URL: it is announced once both are there.
        url = stack.enter_context(_embedded_sandbox(configuration))
        corridor = Corridor(configuration, sandbox_url=url)
        daemon = stack.enter_context(Daemon(corridor))
        if url:
            stack.enter_context(_announced(configuration, url))
        yield daemon


@contextmanager
def _embedded_sandbox(configuration: Configuration) -> Iterator[str]:
    """The URL of a sandbox that runs inside the block, or "" if no ERP needs one."""
    if not any(erp.kind == "sandbox" and not erp.url for erp in configuration.settings.erp.values()):
        yield ""
        return
    from edi_server.desk.presence import find_sandbox
    from edi_server.erp.sandbox import Sandbox

    data = Path(configuration.settings.paths.data)
    with Sandbox(data / "sandbox.sqlite", port=_free_port(find_sandbox(data))) as running:
        yield running.url


def _free_port(url: str) -> int:
    """The port of the last time, so that an open page keeps working; 0 (any) if it is taken."""
    port = urlsplit(url).port or 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


@contextmanager
def _announced(configuration: Configuration, url: str) -> Iterator[None]:
    from edi_server.desk.presence import announce_sandbox

    announce_sandbox(Path(configuration.settings.paths.data), url)
    log.info("the ERP sandbox shows what arrived at %s", url)
    yield


def _log_to_standard_error(configuration: Configuration) -> None:
    level = configuration.settings.log.level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr, force=True)
    if level != "DEBUG":
        for chatty in ("dbos", "alembic", "werkzeug", "asyncssh"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def _wait(daemon: Daemon) -> None:
    """Until a signal comes; a second one does not wait for anything."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if stopped:
            os._exit(128 + number)
        stopped.append(number)
        daemon.stop()

    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not daemon.wait(1):
        pass


def demo(
    folder: Annotated[Path, typer.Option(help="Made anew; kept so that you can look around.")] = Path("var/demo"),
) -> None:
    """Run the main job end to end on embedded defaults, and show what happens.

    Exit code 0: everything came out as it should. 1: something did not, and is named.
    """
    from edi_server.demo import run_demo

    raise typer.Exit(run_demo(folder))


@sandbox.callback()
def list_orders(context: typer.Context, as_json: AsJson = False) -> None:
    """The embedded ERP sandbox: what arrived, let a delivery leave."""
    if context.invoked_subcommand is not None:
        return
    from edi_server import paper
    from edi_server.desk import warehouse

    session: Session = context.obj
    configuration = session.configuration()
    url = warehouse.sandbox_url(configuration)
    orders = warehouse.arrived(configuration)
    if as_json:
        paper.write_json({"url": url, "orders": orders})
        return
    console = paper.out()
    paper.line(console, f"The sandbox's page: {url}")
    columns = [
        paper.Column("order"),
        paper.Column("customer", whole=False),
        paper.Column("reference"),
        paper.Column("state"),
        paper.Column("lines", least=90, right=True),
        paper.Column("total", right=True),
        paper.Column("deliveries", whole=False),
    ]
    cells = [
        (
            one.name,
            one.customer,
            one.reference,
            one.state,
            one.lines,
            f"{one.total:.2f} {one.currency}",
            ", ".join(f"{name} {state}" for name, state in one.deliveries),
        )
        for one in orders
    ]
    console.print(paper.table(console, columns, cells))


@sandbox.command(name="validate")
def validate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A delivery, a sales order, or the customer's order number.")],
    as_json: AsJson = False,
) -> None:
    """Let the open deliveries of an order leave, as a person at the warehouse does; the schedule then advises them."""
    from edi_server import paper
    from edi_server.desk import warehouse

    session: Session = context.obj
    left = warehouse.validate(session.configuration(), name)
    if as_json:
        paper.write_json({"deliveries": left})
        return
    paper.line(paper.out(), f"Left: {', '.join(left)}. The agreement's next run advises it: edi-server schedule")
