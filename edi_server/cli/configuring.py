"""`config` and `profile`: what is in force, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session

profiles = typer.Typer(no_args_is_help=True, help="Translation profiles: check them, explain them.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="config")(config)
    app.add_typer(profiles, name="profile")


def config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every effective value and where it came from; secrets are masked."""
    from edi_server import paper

    session: Session = context.obj
    configuration = session.configuration()
    settings = configuration.effective()
    if as_json:
        paper.write_json({"file": configuration.file and str(configuration.file), "settings": settings})
        return
    console = paper.out()
    paper.line(console, f"configuration file: {configuration.file or 'none, everything is as shipped'}")
    columns = [paper.Column("key"), paper.Column("value", whole=False), paper.Column("from", whole=False)]
    rows = [(one.key, one.value, paper.words(one.origin, _style(one.origin))) for one in settings]
    console.print(paper.table(console, columns, rows))


def _style(origin: str) -> str:
    return "dim" if origin == "default" else "green"


@profiles.command(name="check")
def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Such as edifact/orders; all without it.")] = None,
    partner: Annotated[str | None, typer.Option(help="Only the agreements of this partner.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find author errors in profiles and in what agreements change about them.

    Exit code 0: none. 1: there are some. 2: a file cannot be read.
    """
    from edi_server import paper
    from edi_server.desk.profiles import check_profiles

    session: Session = context.obj
    if name is not None and partner is not None:
        raise typer.BadParameter("give a profile or a partner, not both")
    checked = check_profiles(session.configuration(), name=name, partner=partner)
    problems = sum(len(one.problems) for one in checked)
    if as_json:
        paper.write_json({"profiles": checked, "problems": problems})
    else:
        console = paper.out()
        for one in checked:
            verdict = paper.words(f"{len(one.problems)} problems", paper.BAD) if one.problems else paper.words("ok")
            against = f"{one.profile} {one.version}, as {', '.join(one.guides) or 'no guide that we know'}"
            paper.line(console, one.name, paper.words(against, paper.DIM), verdict)
            for problem in one.problems:
                paper.line(console, str(problem), indent=2)
    raise typer.Exit(1 if problems else 0)


@profiles.command(name="explain")
def explain(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="Trading partner.")],
    agreement: Annotated[str, typer.Argument(help="Key of the agreement, its document or its message type.")],
    as_json: AsJson = False,
    differing: Annotated[bool, typer.Option("--differing", help="Only what the partner's file changes.")] = False,
) -> None:
    """Show each effective line of a partner's profile, the file and line it is from, and why it differs."""
    from edi_server import paper
    from edi_server.desk.profiles import explain_profile

    session: Session = context.obj
    explained = explain_profile(session.configuration(), partner, agreement)
    lines = [one for one in explained.lines if not differing or one.why is not None]
    if as_json:
        paper.write_json(explained)
        return
    console = paper.out()
    paper.line(console, f"{explained.agreement}: {explained.profile} {explained.version} as {explained.guide}")
    owner = ""
    for one in lines:
        before, _, key = one.key.partition(".") if not one.key.startswith("shapes.") else _shape(one.key)
        if before != owner:
            owner = before
            paper.heading(console, owner)
        way = "" if one.direction == "both" else f"({one.direction})"
        source = paper.words(f"{near(one.source.file)}:{one.source.line or '?'}", paper.DIM)
        paper.line(console, f"{key:<22}", " | ".join(one.places), one.codec, way, source, indent=2)
        if one.why:
            paper.line(console, paper.words(f"why: {one.why}", paper.WAITING), indent=4)


def _shape(key: str) -> tuple[str, str, str]:
    _, name, rest = key.split(".", 2)
    return f"shapes.{name}", ".", rest


def near(file: str) -> str:
    """The path from here where it is below, else as it is."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file
