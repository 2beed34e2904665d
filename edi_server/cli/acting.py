"""Commands that change something: each is one action of the desk, done in the name of whoever sits here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edi_server.cli.listing import Limit, Partner
from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session
    from edi_server.desk.actions import Desk, Done

cases = typer.Typer(invoke_without_command=True, help="What somebody has to decide on: list, assign, close.")
dead_letters = typer.Typer(invoke_without_command=True, help="Work that was given up: list, resume, resolve.")
schedule = typer.Typer(invoke_without_command=True, help="Agreements' schedules: list, run now.")

_REFERENCE = typer.Argument(help="Number of an order or delivery, control reference, file name, ERP record, or id.")
_ID = typer.Argument(metavar="ID", help="The id, or its beginning.")
Reference = Annotated[str, _REFERENCE]
Id = Annotated[str, _ID]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="reprocess")(reprocess)
    app.command(name="resend")(resend)
    app.command(name="reject")(reject)
    app.add_typer(cases, name="cases")
    app.add_typer(dead_letters, name="dead-letters")
    app.add_typer(schedule, name="schedule")


def _report(done: Done, *, as_json: bool) -> None:
    from edi_server import paper

    if as_json:
        paper.write_json(done)
        return
    console = paper.out()
    paper.line(console, done.sentence)
    if done.submitted and not done.daemon_running:
        paper.line(console, "No daemon is running: it will be done as soon as `edi-server serve` runs.")


def _report_all(done: list[Done], *, as_json: bool) -> None:
    from edi_server import paper

    if as_json:
        paper.write_json({"done": done})
        return
    for one in done:
        _report(one, as_json=False)
    if not done:
        paper.line(paper.out(), "There is nothing to do.")


def reprocess(context: typer.Context, reference: Reference, as_json: AsJson = False) -> None:
    """Do it again from the start, through the profiles as they are now.

    What came in is opened again from its archived bytes (with everything else that came in the same file); what goes
    out is translated again and leaves under new control numbers. What is done already is not done twice.
    """
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.reprocess(reference, actor=person_here())
    _report(done, as_json=as_json)


def resend(
    context: typer.Context,
    reference: Annotated[str | None, _REFERENCE] = None,
    partner: Annotated[str | None, typer.Option(help="With --failed: whose.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="List all that was given up for the partner.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --failed: send it again, oldest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hand something that we sent to the partner once more: same bytes, same control number.

    It leaves by the way that is agreed now. All that failed: --partner NAME --failed lists it, and --yes sends it.
    """
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    if failed != (partner is not None) or failed == (reference is not None) or (yes and not failed):
        raise typer.BadParameter("give a reference; or --partner NAME --failed, and then --yes")
    with session.desk() as desk:
        if reference is not None:
            _report(desk.resend(reference, actor=person_here()), as_json=as_json)
        elif partner is not None and yes:
            _report_all(desk.resend_failed(partner, actor=person_here()), as_json=as_json)
        elif partner is not None:
            _list_failed(desk, partner, as_json=as_json)


def _list_failed(desk: Desk, partner: str, *, as_json: bool) -> None:
    from edi_server import paper
    from edi_server.desk.connections import partner_named
    from edi_server.desk.failed import list_failed

    rows = list_failed(desk.store, partner_named(desk.configuration, partner).name)
    if as_json:
        paper.write_json({"failed": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, f"Nothing has failed for {partner}.")
        return
    columns = [
        paper.Column("when"),
        paper.Column("file", whole=False),
        paper.Column("documents", whole=False, least=110),
        paper.Column("error", whole=False),
        paper.Column("left out", whole=False),
    ]
    cells = [(paper.when(row.created_at), row.name, ", ".join(row.documents), row.error, row.left_out) for row in rows]
    console.print(paper.table(console, columns, cells))
    paper.line(console, f"edi-server resend --partner {partner} --failed --yes sends it again, in this order.")


def reject(
    context: typer.Context,
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why, in words for the partner.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Decide that a document is not worked with; its cases are closed as rejected."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.reject(reference, reason, actor=person_here())
    _report(done, as_json=as_json)


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
    _report(done, as_json=as_json)


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
    _report(done, as_json=as_json)


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
            _report(desk.resume(letter, actor=person_here()), as_json=as_json)
        elif partner is not None:
            _report_all(desk.resume_all(partner, actor=person_here()), as_json=as_json)


@dead_letters.command(name="resolve")
def resolve(context: typer.Context, letter: Id, as_json: AsJson = False) -> None:
    """Decide that nothing is left to do."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.resolve(letter, actor=person_here())
    _report(done, as_json=as_json)


@schedule.callback()
def list_schedules(context: typer.Context, as_json: AsJson = False) -> None:
    """Agreements' schedules: list, run now."""
    if context.invoked_subcommand is not None:
        return
    from edi_server import paper

    session: Session = context.obj
    with session.desk() as desk:
        rows = desk.schedules()
    if as_json:
        paper.write_json({"schedules": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, "No agreement has a schedule.")
        return
    columns = [
        paper.Column("agreement"),
        paper.Column("cron", least=90),
        paper.Column("next run"),
        paper.Column("time zone"),
        paper.Column("last run", least=110),
        paper.Column("", least=120),
    ]
    cells = [
        (
            row.agreement,
            row.cron,
            row.next_run.strftime("%Y-%m-%d %H:%M:%S") if row.next_run else "",
            row.time_zone,
            row.last_run.strftime("%Y-%m-%d %H:%M:%S") if row.last_run else "never",
            "" if row.active else "not taken up by a daemon yet",
        )
        for row in rows
    ]
    console.print(paper.table(console, columns, cells))


@schedule.command(name="run")
def run(
    context: typer.Context,
    agreement: Annotated[str, typer.Argument(help="Outbound agreement, such as nordmarkt/despatch-out.")],
    as_json: AsJson = False,
) -> None:
    """Look for deliveries now, besides the schedule."""
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    with session.desk() as desk:
        done = desk.run_schedule(agreement, actor=person_here())
    _report(done, as_json=as_json)
