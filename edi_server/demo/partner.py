"""The partner's side, which is not ours: their system answers what we sent."""

from __future__ import annotations

from datetime import UTC, datetime

from edi_server.store import Interchange

#: UCI 0083: acknowledged, this level and all lower ones.
ACKNOWLEDGED = "7"


def contrl_for(interchange: Interchange) -> bytes:
    """Their CONTRL (D:3, syntax version 3) that accepts an interchange of ours."""
    us = f"{interchange.sender_id}:{interchange.sender_qualifier}"
    them = f"{interchange.recipient_id}:{interchange.recipient_qualifier}"
    now = datetime.now(UTC).strftime("%y%m%d:%H%M")
    reference = f"A{interchange.control_reference}"
    segments = (
        f"UNB+UNOC:3+{them}+{us}+{now}+{reference}",
        "UNH+1+CONTRL:D:3:UN",
        f"UCI+{interchange.control_reference}+{us}+{them}+{ACKNOWLEDGED}",
        "UNT+3+1",
        f"UNZ+1+{reference}",
    )
    return "".join(f"{segment}'\r\n" for segment in segments).encode("ascii")
