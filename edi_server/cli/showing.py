"""What `show` prints."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from edi_server import paper
from edi_server.desk.views import (
    AcknowledgmentRow,
    CaseRow,
    DeadLetterRow,
    DocumentShown,
    InterchangeShown,
    Location,
    Occurrence,
    Shown,
    TransmissionShown,
)

#: Lines of what was not carried.
NOT_CARRIED = 30


def print_shown(shown: Shown, *, content: bool) -> None:
    """The answer for people."""
    console = paper.out()
    if shown.document is not None:
        _print_document(console, shown.document, content=content)
    if shown.transmission is not None:
        _print_transmission(console, shown.transmission)
    others = [
        *(f"{row.type} {row.number or ''} {row.validation}, {row.delivery}: {row.id}" for row in shown.other_documents),
        *(f"{row.name} ({row.direction}, {row.result or row.delivery}): {row.id}" for row in shown.other_transmissions),
    ]
    if others:
        paper.heading(console, f"“{shown.reference}” may also mean")
        for other in others:
            paper.line(console, other, indent=2)


def _print_document(console: Console, shown: DocumentShown, *, content: bool) -> None:
    row = shown.document
    way = "from" if row.direction == "inbound" else "to"
    test = " (test)" if row.test else ""
    paper.heading(console, f"{row.type} {row.number or '(no number)'} {way} {row.partner}{test}")
    profile = f"{shown.profile} {shown.profile_version}" if shown.profile else None
    record = f"{row.erp_record} in {row.erp}" if row.erp_record else None
    paper.facts(
        console,
        [
            ("validation", row.validation),
            ("delivery", row.delivery),
            ("acknowledgment", row.acknowledgment),
            ("record", record),
            ("agreement", shown.agreement),
            ("profile", profile),
            *_where(shown.location),
            *(("answered by", _acknowledgment(one)) for one in shown.acknowledgments),
            ("superseded by", row.superseded_by),
            ("id", row.id),
        ],
    )
    if shown.findings:
        paper.heading(console, "Findings")
        paper.findings(console, shown.findings)
    _print_not_carried(console, shown.not_carried)
    if content and shown.content is not None:
        paper.heading(console, "Content")
        for line in msgspec.json.format(bytes(shown.content), indent=2).decode().splitlines():
            paper.line(console, line, indent=2)
    print_rest(console, shown.cases, shown.dead_letters, shown.timeline)


def _where(location: Location | None) -> list[tuple[str, object]]:
    """Where the bytes are."""
    if location is None:
        return []
    inside = f", message {location.message} of interchange {location.control_reference}" if location.message else ""
    extent = f", bytes {location.start}–{location.end}" if location.end is not None else ""
    came = "came as" if location.direction == "inbound" else "left as"
    hash_ = location.archive_hash
    return [
        (came, f"{location.file_name} by mailbox {location.mailbox}{inside}{extent}"),
        ("archive", f"{hash_[:2]}/{hash_[2:4]}/{hash_}.zst ({location.size} bytes)"),
        ("transmission", location.transmission_id),
        ("transport", _transport(location)),
        ("proof", f"since {paper.when(location.proven_at, seconds=True)}" if location.proven_at else None),
    ]


def _transport(location: Location) -> str:
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in location.transport_detail.items() if value)
    return f"{location.transport} ({said})" if said else location.transport


def _acknowledgment(one: AcknowledgmentRow) -> Text:
    way = "sent" if one.direction == "sent" else "received"
    number = f" {one.control_number}" if one.control_number else ""
    text = Text(f"{one.kind}{number}: ")
    text.append_text(paper.words(one.outcome))
    state = one.delivery if one.direction == "sent" and one.delivery else way
    text.append(f", {state} as {one.file_name} at {paper.when(one.created_at, seconds=True)}")
    return text


def _print_not_carried(console: Console, not_carried: Any) -> None:
    """As stored: what `edi_server.translation.Coverage` says."""
    lost = not_carried.get("not_carried", ()) if isinstance(not_carried, dict) else not_carried
    if not lost:
        return
    paper.heading(console, "Not carried")
    for one in lost[:NOT_CARRIED]:
        place = one.get("place", {})
        parts = [f"{name} {place[name]}" for name in ("segment", "tag", "element", "component") if name in place]
        paper.line(console, ", ".join(parts) + ":", one.get("text", ""), indent=2)
    if len(lost) > NOT_CARRIED:
        paper.line(console, f"and {len(lost) - NOT_CARRIED} more, which --json lists", indent=2)


def _print_transmission(console: Console, shown: TransmissionShown) -> None:
    row = shown.transmission
    way = "from" if row.direction == "inbound" else "to"
    paper.heading(console, f"Transmission {row.name} {way} {row.partner or 'nobody we know'}")
    paper.facts(
        console,
        [
            ("result", row.result),
            ("delivery", row.delivery),
            *_where(shown.location),
            ("reprocess of", row.parent_id),
            *(
                (f"attempt {paper.when(one.at, seconds=True)}", f"{one.outcome}: {one.detail}")
                for one in shown.attempts
            ),
        ],
    )
    if shown.findings:
        paper.findings(console, shown.findings)
    for interchange in shown.interchanges:
        _print_interchange(console, interchange)
    if shown.documents:
        from edi_server.cli.listing import document_table

        console.print(document_table(console, list(shown.documents)))
    print_rest(console, shown.cases, shown.dead_letters, shown.timeline)


def _print_interchange(console: Console, shown: InterchangeShown) -> None:
    test = " (test)" if shown.test else ""
    paper.heading(console, f"Interchange {shown.control_reference} from {shown.sender} to {shown.recipient}{test}")
    paper.facts(
        console,
        [
            ("result", shown.result),
            ("acknowledgment", shown.acknowledgment),
            ("due", paper.when(shown.due_at) if shown.acknowledgment in ("waiting", "overdue") else None),
            ("agreement", shown.agreement),
            *(("answered by", _acknowledgment(one)) for one in shown.acknowledgments),
        ],
    )
    paper.findings(console, shown.findings)
    for message in shown.messages:
        state = paper.words(message.result or message.acknowledgment)
        paper.line(
            console, f"{message.number:>4} {message.type} {message.version} {message.reference}", state, indent=2
        )
    if shown.message_count > len(shown.messages):
        paper.line(console, f"and {shown.message_count - len(shown.messages)} more", indent=7)


def print_rest(
    console: Console,
    cases: tuple[CaseRow, ...],
    letters: tuple[DeadLetterRow, ...],
    timeline: tuple[Occurrence, ...],
) -> None:
    """Cases, dead letters and the timeline."""
    if cases:
        paper.heading(console, "Cases")
    for case in cases:
        paper.line(console, paper.words(case.state), case.sentence, paper.words(paper.short(case.id), "dim"), indent=2)
        if case.note:
            paper.line(console, f"note: {case.note}", indent=4)
    if letters:
        paper.heading(console, "Dead letters")
    for letter in letters:
        ident = paper.words(paper.short(letter.id), "dim")
        paper.line(console, paper.words(letter.state), f"{letter.kind}: {letter.error}", ident, indent=2)
    paper.heading(console, "Timeline")
    for one in timeline:
        _print_occurrence(console, one)


def _print_occurrence(console: Console, one: Occurrence) -> None:
    result = paper.words(f"→ {one.result}", paper.STYLES.get(one.result, "")) if one.result else ""
    by = "" if one.actor == "system" else f"by {one.actor}"
    detail = one.detail.partition("\n")[0]
    when = paper.words(paper.when(one.at, seconds=True), paper.DIM)
    parts = [when, f"{one.level:12}", one.about, one.what, result, by, detail]
    paper.line(console, *(part for part in parts if part), indent=2)
