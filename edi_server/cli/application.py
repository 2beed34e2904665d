"""The application: its commands in order, its global options, and how it fails.

Modules of commands are imported here, so none of them may import at its top what is heavy to load.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edi_server import __version__
from edi_server.cli import (
    acknowledging,
    acting,
    configuring,
    exchanging,
    guidelines,
    guides,
    listing,
    looking,
    serving,
    waiting,
)
from edi_server.cli.session import Session

EXIT_CODES = (
    "Exit codes: 0 all is well · 1 something was found (findings, author errors, an incomplete demo) · "
    "2 it could not be done (wrong usage, configuration, unreadable file, nothing of that name)."
)


class Commands(TyperGroup):
    """Turns errors into one sentence and exit code 2; a traceback is shown with --debug only."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        from edi_server.errors import EdiServerError

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show an arrow is no reason to end.
                stream.reconfigure(errors="replace")
        try:
            return self._invoke(ctx)
        except EdiServerError as error:
            self._fail(ctx, error, str(error))
        except BrokenPipeError:
            # The reader went away, as `head` does. What is still buffered would raise again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._fail(ctx, error, f"{where}{error.strerror or error}.")
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:  # the outermost edge: people get a sentence, --debug the rest
            if type(error).__module__.startswith("typer"):
                raise
            sentence = f"This is a mistake in edi-server itself ({type(error).__name__}: {error})."
            self._fail(ctx, error, f"{sentence} Run it again with --debug and report what it prints.")

    def _invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        finally:
            # Here, where a reader that went away is no error, and not when the interpreter ends.
            sys.stdout.flush()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 — signature of typer
        """In the order in which people need them."""
        return list(self.commands)

    def _fail(self, ctx: Any, error: BaseException, sentence: str) -> None:
        if isinstance(ctx.obj, Session) and ctx.obj.debug:
            raise error
        sys.stderr.write(f"edi-server: {sentence}\n")
        raise typer.Exit(2) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"edi-server {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Configuration file; else EDI_SERVER_CONFIG, else edi-server.toml here, else none."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    """B2B exchange between trading partners and Odoo."""
    context.obj = Session(config, debug=debug)


for _module in (serving, looking, acknowledging, listing, acting, waiting, exchanging, configuring, guidelines, guides):
    _module.add_to(app)
