"""`partner`, `as2`, `sftp`, `drop`: how partners are reached, and what they and we log in and sign with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edi_server.cli.looking import AsJson

if TYPE_CHECKING:
    from rich.console import Console

    from edi_server.cli.session import Session
    from edi_server.desk.connections import TriedStep
    from edi_server.desk.partners import DeliveryShown, PartnerShown

partner = typer.Typer(
    no_args_is_help=True, help="A trading partner: how it is reached, what happened, whether it works."
)
as2 = typer.Typer(no_args_is_help=True, help="Certificates of AS2: make, show, export, import.")
sftp = typer.Typer(no_args_is_help=True, help="Accounts of the SFTP endpoint.")
drop = typer.Typer(no_args_is_help=True, help="Accounts of the HTTP drop.")

Name = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's name, as its file is called.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(partner, name="partner")
    app.add_typer(as2, name="as2")
    app.add_typer(sftp, name="sftp")
    app.add_typer(drop, name="drop")


@partner.command(name="test")
def try_partner(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Try each transport of a partner, step by step: name, port, key, login, list, write, rename, delete; TLS, dates.

    No document is sent. SOON marks what works now and will not for long. Exit code 1: a step failed.
    """
    from edi_server import paper
    from edi_server.desk.connections import try_connections

    session: Session = context.obj
    steps = try_connections(session.configuration(), name)
    if as_json:
        paper.write_json({"partner": name, "steps": steps})
    else:
        console = paper.out()
        columns = [paper.Column("transport"), paper.Column("step"), paper.Column(""), paper.Column("", whole=False)]
        cells = [(one.way, one.step, _mark(one), one.told) for one in steps]
        console.print(paper.table(console, columns, cells))
    raise typer.Exit(0 if all(one.ok for one in steps) else 1)


def _mark(step: TriedStep) -> str:
    if not step.ok:
        return "FAILED"
    return "SOON" if step.warns else "ok"


@partner.command(name="show")
def show_partner(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Events and transmissions, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show how a partner exchanges, what waits for somebody, and what happened."""
    from edi_server import paper
    from edi_server.cli.showing import print_rest
    from edi_server.desk import partners

    session: Session = context.obj
    with session.desk() as desk:
        shown = partners.show_partner(desk, name, limit=limit)
    if as_json:
        paper.write_json(shown)
        return
    console = paper.out()
    paper.heading(console, f"{shown.display_name} ({shown.name})")
    ways = [(one.way, f"{one.told}{', delivers' if one.delivers else ''}") for one in shown.ways]
    facts = [("mailbox", shown.mailbox), ("identities", ", ".join(shown.identities)), *ways]
    looks = [
        (f"next {one.document}", f"{one.next_run:%Y-%m-%d %H:%M:%S} {one.time_zone}")
        for one in shown.schedules
        if one.next_run and one.active
    ]
    paper.facts(console, [*facts, ("deliveries", _told(shown.delivery)), *looks])
    _print_crossed(console, shown)
    if shown.overdue:
        paper.heading(console, "Overdue acknowledgments")
    for late in shown.overdue:
        since = f"since {paper.when(late.due_at)}" if late.due_at else ""
        paper.line(console, late.name, f"interchange {late.control_reference}", since, indent=2)
    print_rest(console, shown.cases, shown.dead_letters, shown.timeline)


def _told(delivery: DeliveryShown) -> str:
    pace = "as fast as they come" if delivery.per_minute is None else f"{delivery.per_minute:g} a minute"
    return (
        f"{pace}; {delivery.attempts} attempts, {delivery.first_seconds:g} to {delivery.longest_seconds:g} s apart; "
        f"{delivery.waiting or 'none'} waiting"
    )


def _print_crossed(console: Console, shown: PartnerShown) -> None:
    from edi_server import paper

    if shown.transmissions:
        columns = [
            paper.Column("when"),
            paper.Column(""),
            paper.Column("transport"),
            paper.Column("file", whole=False),
            paper.Column("result"),
            paper.Column("what is wrong", whole=False),
        ]
        cells = [
            (
                paper.when(row.created_at),
                "in" if row.direction == "inbound" else "out",
                row.transport,
                row.name,
                row.result or row.delivery or "being opened",
                row.error or row.finding or "",
            )
            for row in shown.transmissions
        ]
        console.print(paper.table(console, columns, cells))


@as2.command(name="new-certificate")
def new_certificate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who it is for: our AS2 name, or the name of the company.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it lasts.")] = 730,
    folder: Annotated[Path | None, typer.Option(help="Where to; as2/keys below paths.data unless said.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an RSA key of 3072 bits and a certificate for it, signed by itself."""
    from edi_server import paper
    from edi_server.desk import own_certificates

    session: Session = context.obj
    made = own_certificates.new_certificate(session.configuration(), name, days=days, folder=folder)
    if as_json:
        paper.write_json(made)
        return
    console = paper.out()
    facts = [("certificate", made.certificate), ("private key", f"{made.private_key} (yours alone)")]
    paper.facts(console, [*facts, ("lasts until", f"{made.ends:%Y-%m-%d}"), ("SHA-256", made.fingerprint)])
    paper.line(console, "Add to the configuration, at its end:")
    for line in made.toml.splitlines():
        paper.line(console, line, indent=2)
    paper.line(console, "or, where keys = [ … ] stands in [transports.as2] already, between its brackets:")
    paper.line(console, made.inline, indent=2)
    if made.sign_from is not None:
        which, when = "--next ", f"on {made.sign_from:%Y-%m-%d %H:%M} UTC, when we begin to sign with it"
    else:
        which, when = "", "at that start, when we begin to sign with it"
    paper.line(
        console,
        f"Then write it into a file by edi-server as2 export {which}FILE, send that to all partners, and start the "
        f"daemon anew: it reads its keys when it starts. Partners must have it {when}.",
    )


@as2.command(name="show")
def show_certificates(context: typer.Context, as_json: AsJson = False) -> None:
    """List our certificates and those of all partners, with their dates and fingerprints.

    Exit code 1: one is missing now, or will be within 60 days since none takes the place of one that ends.
    """
    from edi_server import paper
    from edi_server.desk import certificates

    session: Session = context.obj
    rows = certificates.list_certificates(session.configuration())
    alarms = certificates.certificate_alarms(session.configuration())
    if as_json:
        paper.write_json({"certificates": rows, "alarms": alarms})
    else:
        console = paper.out()
        if not rows:
            paper.line(console, "There are no certificates; edi-server as2 new-certificate makes one.")
        for row in rows:
            paper.heading(console, f"{row.partner or 'Ours'}: {row.name}")
            left = f"{row.days_left} days left" if row.days_left >= 0 else f"ended {-row.days_left} days ago"
            switch = f"{row.switch_at:%Y-%m-%d %H:%M} UTC" if row.switch_at else None
            paper.facts(
                console,
                [
                    ("use", row.use),
                    ("valid", f"{row.begins:%Y-%m-%d} to {row.ends:%Y-%m-%d}, {left}"),
                    ("switch", switch),
                    ("SHA-256", row.fingerprint),
                    ("file", row.file),
                ],
            )
        if alarms:
            paper.heading(console, "Missing, or soon")
        for sentence in alarms:
            paper.line(console, sentence, indent=2)
    raise typer.Exit(1 if alarms else 0)


@as2.command(name="export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Its end says what: .pem (text), .cer (DER), .p12 (with the key).")],
    passphrase: Annotated[
        str, typer.Option(envvar="EDI_P12_PASSPHRASE", show_envvar=False, help="For .p12; asked for unless given.")
    ] = "",
    current: Annotated[bool, typer.Option("--current", help="The one that we sign with now.")] = False,
    next_: Annotated[bool, typer.Option("--next", help="The one that we will sign with next.")] = False,
    fingerprint: Annotated[str, typer.Option(metavar="DIGITS", help="The one whose SHA-256 begins so.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a certificate of ours into a file for partners, and print its fingerprint.

    Where there are several, say which.
    """
    from edi_server import paper
    from edi_server.desk import own_certificates

    session: Session = context.obj
    if current + next_ + bool(fingerprint) > 1:
        raise typer.BadParameter("say one of --current, --next and --fingerprint")
    if file.suffix == ".p12" and not passphrase:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    which = "current" if current else "next" if next_ else ""
    written = own_certificates.export(
        session.configuration(), file, passphrase=passphrase, which=which, fingerprint_of=fingerprint
    )
    if as_json:
        paper.write_json(written)
        return
    console = paper.out()
    paper.line(console, written.sentence)
    paper.line(console, f"SHA-256 {written.fingerprint}")


@as2.command(name="import")
def import_certificate(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="Their certificate, PEM or DER.")],
    encrypt_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="When we begin to encrypt for it: 2027-01-01, or now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a partner's certificate beside those that there are: it verifies at once, and encrypts from a date on."""
    from edi_server import paper
    from edi_server.desk import certificates
    from edi_server.desk.actions import person_here

    session: Session = context.obj
    written = certificates.import_certificate(
        session.configuration(), name, file, encrypt_from=_instant(encrypt_from), actor=person_here()
    )
    if as_json:
        paper.write_json(written)
        return
    paper.line(paper.out(), written.sentence)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("write 2027-01-01, 2027-01-01T06:00:00+01:00, or now") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@sftp.command(name="hash-password")
def hash_password() -> None:
    """Print the hash of a password that is asked for (or read from standard input), for an account's secret."""
    from edi_server.transports.sftp_account.account import hash_password as hash_

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if len(password) < 12:
        raise typer.BadParameter("passwords have 12 characters or more; better still, use a key")
    sys.stdout.write(f"{hash_(password)}\n")


@drop.command(name="new-token")
def new_token(as_json: AsJson = False) -> None:
    """Make a token for the HTTP drop: the token for the partner, its digest for the partner file."""
    import secrets

    from edi_server import paper
    from edi_server.transports.drop import hash_token

    token = secrets.token_urlsafe(32)
    digest = hash_token(token)
    if as_json:
        paper.write_json({"token": token, "digest": digest})
        return
    console = paper.out()
    paper.facts(console, [("token", token), ("for", "the partner alone; it is kept nowhere here")])
    paper.line(console, "Into the partner file:")
    paper.line(console, "[drop]", indent=2)
    paper.line(console, f'tokens = [{{ digest = "{digest}" }}]', indent=2)
