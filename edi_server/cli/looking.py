"""`inspect` and `translate`: what a file is, and what it would become. Neither needs a daemon or stores anything."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from edi_server.cli.session import Session
    from edi_server.desk.excerpts import ReadRange

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files; - is standard input.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="inspect")(inspect)
    app.command(name="translate")(translate)


def inspect(
    context: typer.Context,
    files: Files,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="List every message, also those without findings.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="Show every segment, named, as the tree of its groups.")] = False,
) -> None:
    """Say what is in files and what is wrong with it; needs no configuration.

    Exit code 0: no findings but notes. 1: errors or warnings. 2: a file cannot be read or holds no EDI.
    """
    from edi_server.cli.inspecting import HumanReport, JsonReport

    session: Session = context.obj
    session.find_guides()
    report = JsonReport(tree=tree) if as_json else HumanReport(every=every, tree=tree)
    report.begin()
    for path in files:
        report.begin_file(_name(path))
        try:
            with reading(path) as (source, read_range):
                report.take(source, read_range)
        except OSError as error:
            report.cannot_read(f"{_name(path)}: {error.strerror or error}.")
    raise typer.Exit(report.end())


def translate(
    context: typer.Context,
    files: Files,
    partner: Annotated[str, typer.Option(help="Trading partner that the file is from.", show_default=False)],
    agreement: Annotated[
        str | None, typer.Option(help="Read every message by this agreement, whatever the envelope says.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which documents a partner's file would become; nothing is stored or posted.

    Exit code 0: all valid. 1: at least one would wait for a person. 2: it could not be tried.
    """
    from edi_server.cli.translating import HumanTranslation, JsonTranslation
    from edi_server.desk.translating import DryRun

    session: Session = context.obj
    dry_run = DryRun(session.configuration(), partner, agreement)
    report = JsonTranslation() if as_json else HumanTranslation()
    report.begin()
    for path in files:
        report.begin_file(_name(path))
        with reading(path) as (source, read_range):
            for one in dry_run.translate(source, read_range):
                report.take(one)
    raise typer.Exit(report.end())


def _name(path: Path) -> str:
    # A name that is no UTF-8 could be written neither to a terminal nor as JSON.
    return "standard input" if str(path) == "-" else os.fsencode(path).decode("utf-8", "replace")


@contextmanager
def reading(path: Path) -> Iterator[tuple[BinaryIO, ReadRange]]:
    """A file as a stream, and by ranges; what cannot be read twice (a pipe) is copied to a temporary file."""
    with _source(path) as source:

        def read_range(start: int, end: int) -> bytes:
            return os.pread(source.fileno(), end - start, start)

        yield source, read_range


@contextmanager
def _source(path: Path) -> Iterator[BinaryIO]:
    if str(path) != "-" and path.is_file():
        with path.open("rb") as source:
            yield source
        return
    with tempfile.TemporaryFile() as copy:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        copy.seek(0)
        yield copy
