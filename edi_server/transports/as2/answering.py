"""The answers of the station: receipts as they were asked for, in the reply or on their own, or a bare status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from edi_server.transports.as2.addresses import may_be_called
from edi_server.transports.as2.algorithms import Digest
from edi_server.transports.as2.asking import asked_for
from edi_server.transports.as2.letters import Letter, Letters
from edi_server.transports.as2.mdn import write_receipt
from edi_server.transports.as2.notice import Notice
from edi_server.transports.as2.terms import Keys, Terms
from edi_server.transports.http_front import Reply

#: Message-IDs longer than this are no Message-IDs (RFC 5322 2.1.1).
LONGEST_ID = 998


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """One partner as the station knows it."""

    #: Mailbox that its messages are put into.
    mailbox: str
    terms: Terms
    keys: Keys


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a message, as it is kept beside it."""

    #: None where no receipt was asked for.
    receipt: Reply | None = None
    #: Where an asynchronous receipt goes.
    url: str = ""
    #: SHA-256 in hex of the message as it came, and of the documents in it; "" in answers of older releases.
    body: str = ""
    content: str = ""


class Answers:
    """Makes receipts, and says them the way that was asked for."""

    def __init__(self, *, letters: Letters, clock: Callable[[], datetime], notice: Callable[[Notice], None]) -> None:
        self._letters = letters
        self._clock = clock
        self._told = notice

    def make(
        self,
        relation: Relation,
        fields: Mapping[str, str],
        *,
        disposition: str,
        text: str,
        mics: Mapping[Digest, bytes],
        used: Digest | None,
    ) -> Stored:
        """The receipt that was asked for, if one was."""
        if not is_receipt_wanted(fields):
            return Stored()
        asked = asked_for(fields.get("disposition-notification-options", ""), used)
        digest = asked.digest
        made = write_receipt(
            about=fields.get("message-id", "")[:LONGEST_ID],
            disposition=disposition,
            text=text,
            terms=relation.terms,
            keys=relation.keys,
            now=self._clock(),
            mic=(digest, mics[digest]) if digest in mics else None,
            signed=digest if asked.signed and relation.keys.own else None,
        )
        return Stored(
            receipt=Reply(status=200, headers=made.headers, body=bytes(made.body)),
            url=fields.get("receipt-delivery-option", "").strip(),
        )

    def say(self, relation: Relation, stored: Stored, key: str, *, is_refused: bool = False) -> Reply:
        """The reply over HTTP; an asynchronous receipt is queued instead. What no receipt tells, the status does."""
        untold = plain(400, "The message is refused.") if is_refused else plain(200, "")
        if stored.receipt is None:
            return untold
        if not stored.url:
            return stored.receipt
        if not may_be_called(stored.url, relation.terms):
            sentence = f"Message {key} asks for its receipt at {stored.url[:200]}, which is not agreed; it is not sent."
            self._told(
                Notice(cause="as2-receipt-address", sentence=sentence, mailbox=relation.mailbox, is_serious=True)
            )
            return untold
        self._letters.queue(
            Letter(
                mailbox=relation.mailbox,
                url=stored.url,
                headers=stored.receipt.headers,
                body=stored.receipt.body,
                about=key,
            )
        )
        return plain(202, "")


def is_receipt_wanted(fields: Mapping[str, str]) -> bool:
    """True where the message asks for a receipt; names in lower case."""
    return "disposition-notification-to" in fields


def plain(status: int, text: str) -> Reply:
    """A few words for whoever posted what gets no receipt."""
    return Reply(status=status, headers={"Content-Type": "text/plain; charset=utf-8"}, body=text.encode())
