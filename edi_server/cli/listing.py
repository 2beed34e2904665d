"""`documents`, `show`, `rejected`, `transmissions`: looking at what is stored. A running daemon is never disturbed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from edi_server.cli.session import Session
    from edi_server.desk.views import DocumentRow

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most this many, the newest.")]
Partner = Annotated[str | None, typer.Option(help="Only of this trading partner.")]
Direction = Literal["inbound", "outbound"]
Validation = Literal["processing", "valid", "invalid"]
Delivery = Literal["pending", "sent", "delivered", "failed"]
Acknowledgment = Literal[
    "none", "waiting", "accepted", "accepted with errors", "partially accepted", "rejected", "overdue"
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="documents")(documents)
    app.command(name="show")(show)
    app.command(name="rejected")(rejected)
    app.command(name="transmissions")(transmissions)


def documents(
    context: typer.Context,
    direction: Annotated[Direction | None, typer.Option(help="Only this way.")] = None,
    partner: Partner = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only of this type, such as Order.")] = None,
    validation: Annotated[Validation | None, typer.Option(help="Only those whose validation is so.")] = None,
    delivery: Annotated[Delivery | None, typer.Option(help="Only those whose delivery is so.")] = None,
    acknowledgment: Annotated[Acknowledgment | None, typer.Option(help="Only those answered so.")] = None,
    before: Annotated[str | None, typer.Option(metavar="ID", help="The page behind this document.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List business documents with their three statuses, newest first."""
    from edi_server.desk import views

    session: Session = context.obj
    _check_partner(session, partner)
    with session.store() as store:
        rows = views.list_documents(
            store,
            direction=direction,
            partner=partner,
            type=type_,
            validation=validation,
            delivery=delivery,
            acknowledgment=acknowledgment,
            before=before,
            limit=limit,
        )
    _print_documents(rows, as_json=as_json, empty="There are no such documents.")


def rejected(context: typer.Context, partner: Partner = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List documents that somebody has to decide on: invalid, refused by the ERP, or with an open case."""
    from edi_server import paper
    from edi_server.desk import views

    session: Session = context.obj
    _check_partner(session, partner)
    with session.store() as store:
        rows = views.list_rejected(store, partner=partner, limit=limit)
        others = [case for case in views.list_cases(store, partner=partner) if case.subject_kind != "document"]
    _print_documents(rows, as_json=as_json, empty="No document waits for anybody.", with_reason=True)
    if others and not as_json:
        line = f"{len(others)} open cases are about other things than documents: edi-server cases"
        paper.line(paper.out(), paper.words(line, paper.DIM))


def _check_partner(session: Session, partner: str | None) -> None:
    if partner is not None:
        from edi_server.desk.views import require_partner

        require_partner(list(session.configuration().load_book().partners), partner)


def _print_documents(rows: list[DocumentRow], *, as_json: bool, empty: str, with_reason: bool = False) -> None:
    from edi_server import paper

    if as_json:
        paper.write_json({"documents": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, empty)
        return
    console.print(document_table(console, rows))
    for row in rows if with_reason else ():
        if row.finding:
            paper.line(console, f"{row.number or row.id}: {row.finding}")


def document_table(console: Console, rows: list[DocumentRow]) -> Table:
    """Documents, one a line; used by the demo too."""
    from edi_server import paper

    columns = [
        paper.Column("when", least=90),
        paper.Column("", least=90),
        paper.Column("partner", least=100),
        paper.Column("type", least=110),
        paper.Column("number"),
        paper.Column("validation"),
        paper.Column("delivery"),
        paper.Column("acknowledgment", whole=False),
        paper.Column("record"),
        paper.Column("id", least=150),
    ]
    cells = [
        (
            paper.when(row.created_at),
            "in" if row.direction == "inbound" else "out",
            row.partner,
            row.type,
            (row.number or paper.short(row.id)) + (" (test)" if row.test else ""),
            row.validation,
            row.delivery,
            row.acknowledgment,
            row.erp_record or "",
            row.id,
        )
        for row in rows
    ]
    return paper.table(console, columns, cells)


def transmissions(
    context: typer.Context,
    direction: Annotated[Direction | None, typer.Option(help="Only this way.")] = None,
    partner: Partner = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what crossed the mailboxes, in both directions, with its result."""
    from edi_server import paper
    from edi_server.desk import views

    session: Session = context.obj
    _check_partner(session, partner)
    with session.store() as store:
        rows = views.list_transmissions(store, direction=direction, partner=partner, limit=limit)
    if as_json:
        paper.write_json({"transmissions": rows})
        return
    console = paper.out()
    if not rows:
        paper.line(console, "Nothing has crossed a mailbox yet.")
        return
    columns = [
        paper.Column("when", least=100),
        paper.Column("", least=60),
        paper.Column("mailbox"),
        paper.Column("file", whole=False),
        paper.Column("interchanges", least=100, whole=False),
        paper.Column("messages", least=110, right=True),
        paper.Column("result"),
        paper.Column("id", least=80),
    ]
    cells = [
        (
            paper.when(row.created_at),
            "in" if row.direction == "inbound" else "out",
            row.mailbox,
            row.name,
            ", ".join(row.interchanges),
            row.messages,
            row.result or row.delivery or "being opened",
            paper.short(row.id),
        )
        for row in rows
    ]
    console.print(paper.table(console, columns, cells))


def show(
    context: typer.Context,
    reference: Annotated[
        str, typer.Argument(help="Number of an order or delivery, control reference, file name, ERP record, or id.")
    ],
    as_json: AsJson = False,
    content: Annotated[bool, typer.Option("--content", help="Print the canonical document too.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Only the bytes as they crossed the mailbox.")] = False,
    proof: Annotated[bool, typer.Option("--proof", help="Only what proves its delivery, such as the receipt.")] = False,
) -> None:
    """Show everything that is known about a document or transmission."""
    from edi_server.desk.showing import proof_bytes, raw_bytes
    from edi_server.desk.showing import show as look_up

    session: Session = context.obj
    with session.store() as store:
        if raw or proof:
            sys.stdout.buffer.write((proof_bytes if proof else raw_bytes)(store, reference))
            return
        shown = look_up(store, reference)
    if as_json:
        from edi_server import paper

        paper.write_json(shown)
        return
    from edi_server.cli.showing import print_shown

    print_shown(shown, content=content)
