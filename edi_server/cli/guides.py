"""`guide`: the standards' messages and segments that we know, and adding to them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session
    from edi_server.desk.guides import ElementShown, GuideShown

guides = typer.Typer(no_args_is_help=True, help="Guides of the standards: list them, show them, add to them.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(guides, name="guide")


@guides.command(name="list")
def list_(
    context: typer.Context,
    syntax: Annotated[str | None, typer.Option(help="Only edifact, or only x12.")] = None,
    as_json: AsJson = False,
) -> None:
    """List message types and the versions that there are guides for; * marks what was added here."""
    from edi_server import paper
    from edi_server.desk.guides import list_guides

    session: Session = context.obj
    session.configuration()
    rows = list_guides(syntax)
    if as_json:
        paper.write_json({"guides": rows})
        return
    console = paper.out()
    columns = [paper.Column("syntax"), paper.Column("message"), paper.Column("versions", whole=False)]
    marked = [
        (row.syntax, row.message, "  ".join(f"{one}{'*' if one in row.added else ''}" for one in row.versions))
        for row in rows
    ]
    console.print(paper.table(console, columns, marked))


@guides.command(name="show")
def show(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Message type or segment, such as ORDERS or NAD.")],
    version: Annotated[str, typer.Argument(help="Such as D.96A or 004010. The two may change places.")],
    as_json: AsJson = False,
) -> None:
    """Show a message as a tree, or a segment with its elements, formats and codes."""
    from edi_server import paper
    from edi_server.desk.guides import show_guide

    session: Session = context.obj
    session.configuration()
    shown = show_guide(what, version)
    if as_json:
        paper.write_json(shown)
    elif shown.kind == "message":
        _print_message(shown)
    else:
        _print_segment(shown)


def _print_message(shown: GuideShown) -> None:
    from edi_server import paper

    console = paper.out()
    paper.heading(console, f"{shown.name} {shown.version}")
    section = ""
    for row in shown.rows:
        if row.section != section and shown.rows[0].section != shown.rows[-1].section:
            paper.line(console, paper.words(row.section, paper.DIM), indent=2)
        section = row.section
        need = f"{'M' if row.mandatory else 'C' if shown.syntax == 'edifact' else 'O'} {row.repeat}"
        name = f"{'  ' * row.level}{row.name}"
        paper.line(console, f"{name:<24} {need:<10}", row.title or paper.words("group", paper.DIM), indent=2)


def _print_segment(shown: GuideShown) -> None:
    from edi_server import paper

    console = paper.out()
    paper.heading(console, f"{shown.name} {shown.version}: {shown.title}")
    for one in shown.elements:
        need = f"{'M' if one.mandatory else 'C' if shown.syntax == 'edifact' else 'O'}{_times(one)}"
        inner = "  " if "." in one.place else ""
        paper.line(console, f"{inner}{one.place:<5} {one.id:<5} {need:<5} {one.format:<8}", one.name, indent=2)
        for line in textwrap.wrap(" ".join(one.codes), 90):
            paper.line(console, paper.words(line, paper.DIM), indent=18)
    for note in shown.conditions:
        paper.line(console, f"condition: {note}", indent=2)


def _times(one: ElementShown) -> str:
    return f" *{one.repeat}" if one.repeat > 1 else ""


@guides.command(name="add")
def add(
    context: typer.Context,
    edifact: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Folder, zip file or one text of a UN/EDIFACT directory, as the UN publishes it."
        ),
    ] = None,
    x12: Annotated[Path | None, typer.Option(metavar="FILE", help="Table of X12 in our own notation.")] = None,
    version: Annotated[
        str | None, typer.Option(help="Directory version, such as D.96B, where no message among the files says it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a directory version or messages to what we know, for this installation.

    Exit code 0: added. 1: something is wrong with the files, and nothing was added. 2: they cannot be read.
    """
    from edi_server import paper
    from edi_server.desk.guides import add_guides

    session: Session = context.obj
    source = edifact or x12
    if source is None or (edifact and x12):
        raise typer.BadParameter("give either --edifact or --x12")
    syntax = "edifact" if edifact else "x12"
    added = add_guides(session.configuration(), source, syntax=syntax, version=version)
    if as_json:
        paper.write_json(added)
        raise typer.Exit(1 if added.problems else 0)
    console = paper.out()
    for problem in added.problems:
        paper.line(console, problem)
    if added.problems:
        paper.line(console, paper.words("Nothing was added.", paper.BAD))
        raise typer.Exit(1)
    messages = ", ".join(added.messages) or "no message; add texts of messages, which name these segments"
    paper.line(console, f"{added.version}: {messages}")
    paper.line(console, f"{added.segments} segments and {added.codes} codes, in {added.folder}", indent=2)
