"""What happens, as it happens: the events of the timeline, each printed once, in the words of the trade."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from edi_server import paper
from edi_server.store import Document, Event, Interchange, Store, Subject, Transmission, Work
from edi_server.store.states import SubjectKind

#: Steps between "received" and "sent" that `edi-server show` has.
_UNSAID = ("pending", "staged", "delivery attempted")


class Watching:
    """Prints the events of whatever came in or went out since the last look."""

    def __init__(self, console: Console, store: Store) -> None:
        self._console = console
        self._store = store
        self._seen: set[str] = set()

    def look(self) -> None:
        """Print what is new."""
        with self._store.read() as work:
            names = _names(work)
            events = work.timeline.of(*(Subject(kind, one) for (kind, one) in names))
            for event in events:
                if event.id not in self._seen and event.what not in _UNSAID:
                    self._seen.add(event.id)
                    self._print(event, names[event.subject_kind, event.subject_id])

    def _print(self, event: Event, name: str) -> None:
        parts = [
            Text(event.at.astimezone().strftime("%H:%M:%S.%f")[:-5], style=paper.DIM),
            Text(f"{name:<26}"),
            Text(event.what),
        ]
        if event.result and event.result != event.what:
            parts.append(paper.words(f"→ {event.result}", paper.STYLES.get(event.result, "")))
        if event.actor != "system":
            parts.append(Text(f"by {event.actor}"))
        if event.detail and event.what != "received":
            parts.append(paper.words(event.detail.partition("\n")[0], paper.DIM))
        paper.line(self._console, *parts, indent=2)


def _names(work: Work) -> dict[tuple[SubjectKind, str], str]:
    """Everything of the demo that has a timeline, with what people call it. The demo is small."""
    names: dict[tuple[SubjectKind, str], str] = {}
    for transmission in work.transmissions.newest(limit=100):
        names["transmission", transmission.id] = transmission.name
        for interchange in work.interchanges.of(transmission.id):
            names["interchange", interchange.id] = f"interchange {interchange.control_reference}"
    for document in work.documents.newest(limit=100):
        names["document", document.id] = f"{document.type} {document.number or ''}"
    return names


class Seen:
    """Short questions to the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def transmissions(self) -> list[Transmission]:
        """All, oldest first."""
        with self._store.read() as work:
            return list(reversed(work.transmissions.newest(limit=200)))

    def inbound(self, name: str) -> Transmission | None:
        """The last one that came under that name."""
        found = [one for one in self.transmissions() if one.direction == "inbound" and one.name == name]
        return found[-1] if found else None

    def interchanges(self, transmission: Transmission) -> list[Interchange]:
        """Of a transmission."""
        with self._store.read() as work:
            return work.interchanges.of(transmission.id)

    def documents(self, **wanted: str) -> list[Document]:
        """Those with that direction, partner or type, oldest first."""
        with self._store.read() as work:
            return list(reversed(work.documents.newest(limit=200, **wanted)))  # type: ignore[arg-type]

    def is_settled(self, transmission: Transmission) -> bool:
        """True once nothing more follows from an inbound transmission: documents posted, answers sent."""
        with self._store.read() as work:
            return work.transmissions.get(transmission.id).result is not None and all(_is_done(work, transmission))


def _is_done(work: Work, transmission: Transmission) -> Iterator[bool]:
    for document in work.documents.of(transmission=transmission.id):
        yield document.validation == "invalid" or document.delivery in ("delivered", "failed")
    for interchange in work.interchanges.of(transmission.id):
        for answer in work.acknowledgments.about(interchange.id):
            carrier = work.transmissions.find(answer.transmission_id or "")
            yield carrier is None or carrier.direction == "inbound" or carrier.delivery == "sent"


@contextmanager
def waiting(console: Console, for_what: str) -> Iterator[None]:
    """A spinner while waiting, where there is somebody to see it."""
    if not console.is_terminal:
        yield
        return
    with console.status(Text(f"{for_what} …", style=paper.DIM)):
        yield
