"""How one message of ours stands, and what a receipt means for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from edi_server.transports.as2.algorithms import Digest
from edi_server.transports.as2.mdn import Judgement, Receipt, judge_receipt

#: made: not yet taken by the partner. waiting: taken, its receipt to come. The others are final.
State = Literal["made", "waiting", "confirmed", "refused", "altered", "unconfirmed"]
#: States that a receipt can still change.
OPEN = ("made", "waiting", "unconfirmed")


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """How one message of ours stands."""

    transmission_id: str
    mailbox: str
    message_id: str
    headers: dict[str, str]
    mics: dict[Digest, bytes]
    must_be_signed: bool
    state: State = "made"
    #: What the receipt means, in a sentence.
    sentence: str = ""
    #: True once somebody was told how it ended.
    is_told: bool = False
    #: Seconds since 1970 from when on its receipt is waited for, and whether somebody was told that it is missing.
    waiting_since: float = 0.0
    is_missed: bool = False


class Said(msgspec.Struct, frozen=True):
    """What a receipt did, for the records."""

    sentence: str
    is_serious: bool
    #: Message-ID of the message of ours that it is about; "" for none.
    about: str = ""


def judge(sending: Sending, receipt: Receipt) -> Judgement:
    """What the receipt means for the message, with the partner's own words where it refuses."""
    judged = judge_receipt(receipt, sending.mics, must_be_signed=sending.must_be_signed)
    words = " ".join(receipt.text.split())[:300]
    if judged.outcome != "refused" or not words:
        return judged
    return Judgement(judged.outcome, f"{judged.sentence} Their words: {words}")


def as_it_came(headers: Mapping[str, str], body: bytes) -> bytes:
    """A receipt for a dispute: headers, an empty line, body."""
    head = "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode("utf-8", "replace")
    return head + b"\r\n" + body
