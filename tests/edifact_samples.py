"""Small EDIFACT samples and short ways to look at what becomes of them."""

from __future__ import annotations

import io
from collections.abc import Iterable

from edi_server.envelope.edifact import open_edifact
from edi_server.envelope.model import Event, InterchangeClosed, InterchangeOpened, MessageRead
from edi_server.findings import Finding

UNB = "UNB+UNOC:3+4012345000009:14+4098765000010:14+261123:1405+7001'"
ORDER = "UNH+1+ORDERS:D:96A:UN'BGM+220+PO-1+9'UNT+3+1'"
UNZ = "UNZ+1+7001'"


def wrapped(*segments: str, unb: str = UNB, unz: str = UNZ) -> bytes:
    """An interchange of one message with these segments between UNH and a right UNT, in Latin-1."""
    body = "".join(f"{segment}'" for segment in segments)
    return f"{unb}UNH+1+ORDERS:D:96A:UN'{body}UNT+{len(segments) + 2}+1'{unz}".encode("latin-1")


def opened(content: bytes | str, **options: int) -> list[Event]:
    """All events."""
    return list(open_edifact(io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options))


def messages(content: bytes | str) -> list[MessageRead]:
    return [event for event in opened(content) if isinstance(event, MessageRead)]


def body(content: bytes | str) -> list[str]:
    """The segments of the first message in normal form, UNH and UNT left out."""
    return messages(content)[0].segments[1:-1]


def header_of(content: bytes | str) -> InterchangeOpened:
    return next(event for event in opened(content) if isinstance(event, InterchangeOpened))


def closings(content: bytes | str) -> list[InterchangeClosed]:
    return [event for event in opened(content) if isinstance(event, InterchangeClosed)]


def findings(content: bytes | str) -> list[Finding]:
    """All findings, in the order of events."""
    return [finding for event in opened(content) for finding in event.findings]


def codes(content: bytes | str) -> list[str]:
    return [finding.code for finding in findings(content)]


def the(code: str, content: bytes | str) -> Finding:
    """The only finding of that code."""
    (finding,) = [finding for finding in findings(content) if finding.code == code]
    return finding


def names(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]
