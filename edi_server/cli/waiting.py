"""`cases` and `dead-letters`: what waits for somebody, and what somebody does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edi_server.cli.acting import report, report_all
from edi_server.cli.listing import Limit, Partner
from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session

cases = typer.Typer(invoke_without_command=True, help="What somebody has to decide on: list, assign, close.")
dead_letters = typer.Typer(invoke_without_command=True, help="Work that was given up: list, resume, resolve.")

_ID = typer.Argument(metavar="ID", help="The id, or its beginning.")
Id = Annotated[str, _ID]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(cases, name="cases")
    app.add_typer(dead_letters, name="dead-letters")


@cases.callback()
def list_cases(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    partner: Partner = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """What somebody has to decide on: list, assign, close."""
    if context.invoked_subcommand is not None:
        return
    from edi_server import paper
    from edi_server.desk import views

    session: Session = context.obj
    with session.store() as store:
        rows = views.list_cases(store, every=every, partner=partner, limit=limit)
    if as_json:
        paper.write_json({"cases": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, "No case is open.")
        return
    columns = [
        paper.Column("id"),
        paper.Column("when", least=90),
        paper.Column("state", least=100),
        paper.Column("partner", least=110),
        paper.Column("about", whole=False),
        paper.Column("what is the matter", whole=False),
        paper.Column("whose", least=130),
    ]
    cells = [
        (
            paper.short(row.id),
            paper.when(row.created_at),
            row.state,
            row.partner,
            row.about,
            row.sentence,
            row.assignee or "",
        )
        for row in rows
    ]
    console.print(paper.table(console, columns, cells))


@cases.command(name="assign")
def assign(
    context: typer.Context,
    case: Id,
    person: Annotated[str, typer.Argument(help="Who takes care of it.")],
    as_json: AsJson = False,
) -> None:
    """Give a case to somebody."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.assign_case(case, person, actor=person_here())
    report(done, as_json=as_json)


@cases.command(name="close")
def close(
    context: typer.Context,
    case: Id,
    note: Annotated[str, typer.Option(help="What was decided.", show_default=False)],
    state: Annotated[Literal["closed", "fixed", "rejected"], typer.Option("--as", help="How it ended.")] = "closed",
    as_json: AsJson = False,
) -> None:
    """Close a case."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.close_case(case, note, actor=person_here(), state=state)
    report(done, as_json=as_json)


@dead_letters.callback()
def list_dead_letters(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Resumed and resolved ones too.")] = False,
    partner: Partner = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Work that was given up: list, resume, resolve."""
    if context.invoked_subcommand is not None:
        return
    from edi_server import paper
    from edi_server.desk import views

    session: Session = context.obj
    with session.store() as store:
        rows = views.list_dead_letters(store, every=every, partner=partner, limit=limit)
    if as_json:
        paper.write_json({"dead_letters": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, "No work was given up.")
        return
    columns = [
        paper.Column("id"),
        paper.Column("when", least=90),
        paper.Column("state", least=100),
        paper.Column("work"),
        paper.Column("about", whole=False, least=100),
        paper.Column("error", whole=False),
        paper.Column("tries", least=110, right=True),
    ]
    cells = [
        (
            paper.short(row.id),
            paper.when(row.parked_at),
            row.state,
            row.kind,
            row.about,
            row.error,
            row.attempts,
        )
        for row in rows
    ]
    console.print(paper.table(console, columns, cells))


@dead_letters.command(name="resume")
def resume(
    context: typer.Context,
    letter: Annotated[str | None, _ID] = None,
    partner: Annotated[str | None, typer.Option(help="All about what crossed with this partner, instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try it once more: one, or all that `dead-letters --partner` lists."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    if (letter is None) == (partner is None):
        raise typer.BadParameter("give the id of one, or --partner NAME")
    with session.desk() as desk:
        if letter is not None:
            report(desk.resume(letter, actor=person_here()), as_json=as_json)
        elif partner is not None:
            report_all(desk.resume_all(partner, actor=person_here()), as_json=as_json)


@dead_letters.command(name="resolve")
def resolve(context: typer.Context, letter: Id, as_json: AsJson = False) -> None:
    """Decide that nothing is left to do."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.resolve(letter, actor=person_here())
    report(done, as_json=as_json)
