"""`acknowledge`: what would be answered to a file. Bytes on standard output, words beside them."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edi_server.cli.looking import AsJson, reading

if TYPE_CHECKING:
    from edi_server.acknowledgments import Kind
    from edi_server.cli.session import Session


class KindName(StrEnum):
    """Kinds of acknowledgments as the command line names them."""

    CONTRL = "contrl"
    TA1 = "ta1"
    X997 = "997"
    X999 = "999"
    X824 = "824"
    APERAK = "aperak"


_KINDS: dict[KindName, Kind] = {
    KindName.CONTRL: "CONTRL",
    KindName.TA1: "TA1",
    KindName.X997: "997",
    KindName.X999: "999",
    KindName.X824: "824",
    KindName.APERAK: "APERAK",
}


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(name="acknowledge")(acknowledge)


def acknowledge(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file; - is standard input.", show_default=False)],
    partner: Annotated[
        str | None, typer.Option(help="Trading partner that the file is from: acknowledge it as agreed.")
    ] = None,
    kind: Annotated[
        list[KindName] | None, typer.Option(help="What to write, whatever was agreed; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the acknowledgments that would go out for a file; nothing is stored or sent.

    The bytes go to standard output, what became of the file to standard error. Control numbers are placeholders, and
    nobody looks whether the file came before. Needs no configuration without --partner.

    Exit code 0: all is accepted. 1: something is rejected, or belongs to no interchange. 2: there is nothing to answer.
    """
    from edi_server.cli.acknowledging_reports import HumanReport, JsonReport
    from edi_server.desk.acknowledging import DryRun

    session: Session = context.obj
    session.find_guides()
    dry_run = DryRun(
        now=datetime.now().astimezone(),
        kinds=[_KINDS[one] for one in kind or ()],
        configuration=session.configuration() if partner else None,
        partner=partner,
    )
    report = JsonReport(sys.stdout) if as_json else HumanReport(sys.stdout)
    with reading(file) as (source, _):
        for one in dry_run.acknowledge(source):
            report.take(one)
    raise typer.Exit(report.end())
