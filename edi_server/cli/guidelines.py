"""`guideline`: what partners agreed beyond the standard, checked and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from edi_server.cli.session import Session

guidelines = typer.Typer(no_args_is_help=True, help="Guidelines of partners for messages: check them, explain them.")
Guideline = Annotated[str, typer.Argument(metavar="FILE", help="Its file, or its name, such as nordmarkt-orders.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(guidelines, name="guideline")


@guidelines.command(name="check")
def check(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Its file, or its name; all that partners have without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find author errors in guidelines: what is not in the guide, what the standard forbids.

    Exit code 0: none. 1: there are some. 2: a file cannot be read.
    """
    from edi_server import paper
    from edi_server.desk.guidelines import check_guidelines

    session: Session = context.obj
    checked = check_guidelines(session.configuration(), file)
    problems = sum(len(one.problems) for one in checked)
    if as_json:
        paper.write_json({"guidelines": checked, "problems": problems})
    else:
        console = paper.out()
        for one in checked:
            verdict = paper.words(f"{len(one.problems)} problems", paper.BAD) if one.problems else paper.words("ok")
            against = f"{one.title}, for {', '.join(one.guides) or 'no guide that we know'}"
            paper.line(console, one.name, paper.words(against, paper.DIM), verdict)
            for problem in one.problems:
                paper.line(console, str(problem), indent=2)
    raise typer.Exit(1 if problems else 0)


@guidelines.command(name="explain")
def explain(context: typer.Context, file: Guideline, as_json: AsJson = False) -> None:
    """Show what each line of a guideline asks, what the standard says there, who asks and why."""
    from edi_server import paper
    from edi_server.cli.configuring import near
    from edi_server.desk.guidelines import explain_guideline

    session: Session = context.obj
    explained = explain_guideline(session.configuration(), file)
    if as_json:
        paper.write_json(explained)
        return
    console = paper.out()
    paper.line(console, f"{explained.name}: {explained.title}, for {explained.guide}")
    for one in explained.lines:
        mild = paper.words(f"({one.severity})", paper.WAITING) if one.severity != "error" else ""
        source = paper.words(f"{near(one.file)}:{one.line or '?'}", paper.DIM)
        paper.line(console, one.key, mild, source, indent=2)
        standard = paper.words(f"(standard: {one.standard})", paper.DIM) if one.standard else ""
        paper.line(console, one.asks, standard, indent=4)
        if one.why:
            paper.line(console, paper.words(f"{one.title}: {one.why}", paper.WAITING), indent=4)
