"""What the station and the transport have to tell people."""

from __future__ import annotations

import logging

import msgspec

log = logging.getLogger(__name__)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened beside a message being taken or delivered."""

    #: What it is, the same whenever it happens again: "as2-refused", "as2-unknown-partner", …
    cause: str
    sentence: str
    #: "" where nobody knows whose it is.
    mailbox: str
    #: An operator must look.
    is_serious: bool
    #: The message of ours it is about, which tells it from the same about another; "" for what strangers could repeat.
    thing: str = ""


def log_only(notice: Notice) -> None:
    """For whoever has nobody to tell."""
    level = logging.WARNING if notice.is_serious else logging.INFO
    log.log(level, "AS2 %s: %s", notice.mailbox or "-", notice.sentence)
