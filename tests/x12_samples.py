"""Small X12 samples and short ways to look at what becomes of them."""

from __future__ import annotations

import io

from edi_server.envelope.model import Event, InterchangeClosed, InterchangeOpened, MessageRead
from edi_server.envelope.x12 import open_x12
from edi_server.findings import Finding

ISA = "ISA*00*          *00*          *ZZ*SENDER         *01*RECEIVER       *261123*1405*U*00401*000000071*0*P*>~"
ISA_5 = ISA.replace("*U*00401*", "*^*00501*")
GS = "GS*PO*SND*RCV*20261123*1405*71*X*004010~"
ORDER = "ST*850*0001~BEG*00*SA*PO-1**20261123~SE*3*0001~"
GE = "GE*1*71~"
IEA = "IEA*1*000000071~"
ORDERS = ISA + GS + ORDER + GE + IEA


def wrapped(*segments: str, isa: str = ISA) -> bytes:
    """An interchange of one message with these segments between ST and a right SE, in Latin-1."""
    body = "".join(f"{segment}~" for segment in segments)
    return f"{isa}{GS}ST*850*0001~{body}SE*{len(segments) + 2}*0001~{GE}{IEA}".encode("latin-1")


def opened(content: bytes | str, **options: int) -> list[Event]:
    """All events."""
    return list(open_x12(io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options))


def messages(content: bytes | str) -> list[MessageRead]:
    return [event for event in opened(content) if isinstance(event, MessageRead)]


def body(content: bytes | str) -> list[str]:
    """The segments of the first message in normal form, ST and SE left out."""
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
