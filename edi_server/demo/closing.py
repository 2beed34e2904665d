"""How the demo ends: what came of everything, in tables, and whether that is what should have come."""

from __future__ import annotations

from rich.console import Console

from edi_server import paper
from edi_server.demo.plant import DemoPlant
from edi_server.desk import warehouse
from edi_server.desk.actions import Desk
from edi_server.desk.views import handed_name
from edi_server.store import Acknowledgment, Document, Interchange, Transmission, Work

#: File → result of its transmission and of its interchange.
EXPECTED: dict[str, tuple[str, str]] = {
    "order-4500012345.edi": ("taken", "accepted"),
    "orders-2026-11-23.edi": ("taken", "partially accepted"),
    "bk-2026-0815.edi": ("taken", "accepted"),
    "order-4500012345-again.edi": ("duplicate", "duplicate"),
    "order-4500012350.edi": ("duplicate", "duplicate"),
    "po-1.edi": ("unknown sender", "unknown sender"),
    "price-list.csv": ("unreadable", ""),
}
#: Document → validation, delivery, acknowledgment.
DOCUMENTS: dict[str, tuple[str, str, str]] = {
    "4500012345": ("valid", "delivered", "accepted"),
    "4500012346": ("valid", "delivered", "accepted"),
    "4500012347": ("valid", "delivered", "accepted"),
    "4500012348": ("invalid", "pending", "rejected"),
    "4500012349": ("valid", "delivered", "accepted"),
    "BK-2026-0815": ("valid", "delivered", "accepted"),
}


def show(console: Console, desk: Desk, plant: DemoPlant) -> list[str]:
    """Print the tables; what is not as it should be, each in one sentence."""
    with desk.store.read() as work:
        transmissions = list(reversed(work.transmissions.newest(limit=100)))
        documents = list(reversed(work.documents.newest(limit=100)))
        _show_transmissions(console, work, transmissions)
        _show_documents(console, documents)
        _show_acknowledgments(console, work)
        problems = [*_wrong_files(work, transmissions), *_wrong_documents(documents), *_given_up(work)]
    _show_schedules(console, desk)
    return problems + _wrong_orders(plant, documents)


def _show_transmissions(console: Console, work: Work, transmissions: list[Transmission]) -> None:
    columns = [
        paper.Column("file", whole=False),
        paper.Column("mailbox", least=70),
        paper.Column("transmission"),
        paper.Column("interchange"),
        paper.Column("result"),
        paper.Column("why", whole=False, least=110),
    ]
    rows = []
    for transmission in transmissions:
        if transmission.direction == "inbound":
            inside: list[Interchange | None] = [*work.interchanges.of(transmission.id)] or [None]
            rows += [_inbound_row(transmission, interchange) for interchange in inside]
    console.print(paper.table(console, columns, rows, title="What came in"))


def _inbound_row(transmission: Transmission, interchange: Interchange | None) -> tuple[object, ...]:
    findings = interchange.findings if interchange else transmission.findings
    why = next((one.sentence for one in findings if one.severity == "error"), "")
    return (
        transmission.name,
        transmission.mailbox,
        transmission.result,
        interchange.control_reference if interchange else "",
        interchange.result if interchange else "",
        paper.words(why, paper.DIM),
    )


def _show_documents(console: Console, documents: list[Document]) -> None:
    columns = [
        paper.Column("document", whole=False),
        paper.Column("partner", least=90),
        paper.Column("validation"),
        paper.Column("delivery"),
        paper.Column("acknowledgment"),
        paper.Column("in Odoo"),
    ]
    rows = [
        (
            f"{one.type} {one.number}",
            one.partner,
            one.validation,
            one.delivery,
            one.acknowledgment,
            one.erp_record_name,
        )
        for one in documents
    ]
    console.print(paper.table(console, columns, rows, title="The documents and their three statuses"))


def _show_acknowledgments(console: Console, work: Work) -> None:
    columns = [
        paper.Column("acknowledgment"),
        paper.Column("about"),
        paper.Column("says"),
        paper.Column("folder", least=90),
        paper.Column("file", whole=False),
    ]
    rows = [_acknowledgment_row(work, one) for one in reversed(work.acknowledgments.newest(limit=100))]
    console.print(paper.table(console, columns, rows, title="The acknowledgments"))


def _acknowledgment_row(work: Work, one: Acknowledgment) -> tuple[object, ...]:
    carrier = work.transmissions.find(one.transmission_id) if one.transmission_id else None
    folder = "outbox" if one.direction == "sent" else "inbox"
    way = f"{one.kind} {one.direction}"
    if carrier is None:
        return way, one.about_control_reference, one.outcome, "", ""
    file = handed_name(work, carrier)
    return way, one.about_control_reference, one.outcome, f"{folder}/{carrier.mailbox}", file


def _show_schedules(console: Console, desk: Desk) -> None:
    columns = [*map(paper.Column, ("schedule", "next run", "time zone")), paper.Column("cron", least=90)]
    rows = [
        (one.agreement, one.next_run.strftime("%Y-%m-%d %H:%M") if one.next_run else "", one.time_zone, one.cron)
        for one in desk.schedules()
    ]
    console.print(paper.table(console, columns, rows, title="When deliveries are looked for"))


# Is it as it should be?


def _wrong_files(work: Work, transmissions: list[Transmission]) -> list[str]:
    problems = []
    for name, (result, verdict) in EXPECTED.items():
        came = [one for one in transmissions if one.name == name and one.direction == "inbound"]
        found = [(str(one.result), _verdict(work.interchanges.of(one.id))) for one in came]
        if found != [(result, verdict)]:
            problems.append(f"{name} should be {result} {verdict}, and is {found or 'not there'}")
    return problems


def _verdict(interchanges: list[Interchange]) -> str:
    return str(interchanges[0].result or "") if interchanges else ""


def _wrong_documents(documents: list[Document]) -> list[str]:
    problems = []
    found = {one.number: (one.validation, one.delivery, one.acknowledgment) for one in documents if _is_inbound(one)}
    for number, expected in DOCUMENTS.items():
        if found.get(number) != expected:
            problems.append(
                f"order {number} should be {', '.join(expected)}, and is {found.get(number) or 'not there'}"
            )
    problems += [f"order {number} should not be there" for number in found if number not in DOCUMENTS]
    outbound = [one for one in documents if not _is_inbound(one)]
    if [(one.delivery, one.acknowledgment) for one in outbound] != [("sent", "accepted")]:
        problems.append("exactly one despatch advice should be sent and accepted")
    return problems


def _is_inbound(document: Document) -> bool:
    return document.direction == "inbound"


def _given_up(work: Work) -> list[str]:
    return [f"{one.workflow_id} was given up: {one.error.partition(chr(10))[0]}" for one in work.dead_letters.newest()]


def _wrong_orders(plant: DemoPlant, documents: list[Document]) -> list[str]:
    """Each delivered order is in the ERP once, and nothing else."""
    there = sorted(str(one.reference) for one in warehouse.arrived(plant.configuration))
    wanted = sorted(str(one.number) for one in documents if one.delivery == "delivered" and _is_inbound(one))
    return [] if there == wanted else [f"Odoo should hold {', '.join(wanted)}, and holds {', '.join(there)}"]
