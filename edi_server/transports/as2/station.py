"""An AS2 station: takes messages and answers them with receipts; bytes in, bytes out, durable in between.

What arrives is stored with the receipt it will be given before anybody is told; a repetition is given the same receipt
(RFC 4130 7, draft-duker-as2-reliability). The network belongs to others: `receive` is called with a request and returns
the reply, and asynchronous receipts are queued on disk for whoever sends them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from edi_server.errors import EdiServerError
from edi_server.transports.as2.answering import LONGEST_ID, Answers, Relation, Stored, is_receipt_wanted, plain
from edi_server.transports.as2.asking import asked_for
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.mdn import ReceiptError, is_receipt, read_receipt
from edi_server.transports.as2.message import MessageError, Opened, Payload, open_message, unquote_name
from edi_server.transports.as2.notice import Notice, log_only
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.terms import LARGEST, Keys, Terms
from edi_server.transports.http_front import Body, Reply
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)


class Station:
    """Our end of AS2. `relations` gives the partners as they are agreed now; `clock` the time in UTC."""

    def __init__(
        self,
        *,
        spool: Spool,
        letters: Letters,
        sendings: Sendings,
        relations: Callable[[], Sequence[Relation]],
        clock: Callable[[], datetime],
        largest: int = LARGEST,
        notice: Callable[[Notice], None] = log_only,
    ) -> None:
        self._spool = spool
        self._sendings = sendings
        self._relations = relations
        self._clock = clock
        self._largest = largest
        self._told = notice
        answers = Answers(letters=letters, clock=clock, notice=notice)
        self._answer, self._say = answers.make, answers.say

    def _notice(self, cause: str, sentence: str, mailbox: str, is_serious: bool, thing: str = "") -> None:
        self._told(Notice(cause=cause, sentence=sentence, mailbox=mailbox, is_serious=is_serious, thing=thing))

    def receive(self, headers: Mapping[str, str], posted: bytes | Body, *, address: str = "") -> Reply:
        """Take a message or a receipt, and say what to answer. `headers` by any case; `address` for the records.

        A `Body` is let go of as soon as it was decrypted, which a large message has room for then.

        Raises TransportError where it could not be stored: the caller answers 503, and the partner tries again.
        """
        body = posted if isinstance(posted, Body) else Body(posted)
        given = {name.lower(): value for name, value in headers.items()}
        sender, recipient = unquote_name(given.get("as2-from", "")), unquote_name(given.get("as2-to", ""))
        if not sender or not recipient:
            return plain(400, "AS2-From and AS2-To are missing.")
        if not (sender + recipient).isprintable():
            # They are told their names in headers of ours.
            return plain(400, "AS2-From and AS2-To are damaged.")
        relation, fields = self._relation(sender, recipient), {name: _readable(value) for name, value in given.items()}
        try:
            if is_receipt(fields, body.content):
                return self._take_receipt(relation, fields, body.content)
            if relation is None:
                return self._refuse_stranger(sender, recipient, fields)
            return self._take(relation, fields, body, address)
        except EdiServerError:
            raise
        except Exception:
            log.exception("a post of %s failed unexpectedly", relation.mailbox if relation else "a stranger")
            return self._answer_fault(relation, fields, body)

    def _answer_fault(self, relation: Relation | None, fields: Mapping[str, str], body: Body) -> Reply:
        """A fault of ours: they are told so by the receipt that they asked for, not by a 500 that proves nothing.

        What was stored before it is confirmed: called refused, it would come again as something new.
        """
        if relation is None:
            return plain(500, "The post could not be processed.")
        key = _message_key(fields, body)
        try:
            first = self._first(relation, key)
            if first is not None and first.body == body.digest:
                return self._say(relation, first, key)
            error = MessageError("unexpected-processing-error", "The message could not be processed.")
            return self._refuse(relation, fields, error, key)
        except EdiServerError:
            raise
        except Exception:
            log.exception("not even a receipt could be given for %s", key)
            return plain(500, "The message could not be processed.")

    def _relation(self, sender: str, recipient: str) -> Relation | None:
        fitting = (
            one for one in self._relations() if one.terms.partner_name == sender and one.terms.own_name == recipient
        )
        return next(fitting, None)

    def _refuse_stranger(self, sender: str, recipient: str, fields: Mapping[str, str]) -> Reply:
        """unknown-trading-partner (RFC 4130 7.5.4); unsigned, since no key of ours is theirs to know."""
        self._notice(
            "as2-unknown-partner",
            f"{sender[:60]} sent a message to {recipient[:60]}, which no partner agreed on.",
            "",
            True,
        )
        terms = Terms(own_name=recipient, partner_name=sender, sign=None)
        stored = self._answer(
            Relation(mailbox="", terms=terms, keys=Keys((), ())),
            fields,
            disposition="processed/error: unknown-trading-partner",
            text=f"{sender} and {recipient} have no agreement here.",
            mics={},
            used=None,
        )
        # Nobody whose URL is not agreed is called back; then the status has to tell it.
        return stored.receipt if stored.receipt and not stored.url else plain(403, "No such partner.")

    def _take(self, relation: Relation, fields: Mapping[str, str], body: Body, address: str) -> Reply:
        key, digest = _message_key(fields, body), body.digest
        first = self._first(relation, key)
        is_same = first is not None and first.body in ("", digest)
        if first is not None and is_same and not relation.terms.quirks.warn_of_duplicates:
            return self._repeat(relation, first, key)
        try:
            opened = self._open(fields, body, relation)
        except MessageError as error:
            if first is not None and is_same:
                # It could be opened when it came first; what was confirmed then is not taken back.
                return self._repeat(relation, first, key)
            return self._refuse(relation, fields, error, key)
        if first is not None and first.content in ("", _digest(opened.payloads)):
            return self._repeat(relation, self._answer_again(relation, fields, opened), key)
        if first is not None:
            key = self._tell_apart(relation, key, opened)
        return self._keep(relation, fields, opened, key, address, digest)

    def _first(self, relation: Relation, key: str) -> Stored | None:
        """The answer of what was taken under that key."""
        known = self._spool.find(relation.mailbox, key)
        return msgspec.json.decode(known.answer, type=Stored) if known else None

    def _repeat(self, relation: Relation, stored: Stored, key: str) -> Reply:
        said = f"Message {key} came again and was answered as the first time."
        self._notice("as2-repeated", said, relation.mailbox, False)
        return self._say(relation, stored, key)

    def _answer_again(self, relation: Relation, fields: Mapping[str, str], opened: Opened) -> Stored:
        """For a message that was packed anew: the first receipt confirms other bytes, and they would not believe it.

        Where the partner wants that, it warns of the duplicate.
        """
        warns = relation.terms.quirks.warn_of_duplicates
        return self._answer(
            relation,
            fields,
            disposition="processed/warning: duplicate-document" if warns else "processed",
            text="The message had been received and stored before; it is not taken once more.",
            mics=opened.mics,
            used=opened.digest,
        )

    def _tell_apart(self, relation: Relation, key: str, opened: Opened) -> str:
        """A key of its own for another message under a used Message-ID: confirmed, it must not be lost."""
        sentence = f"Message-ID {key} was used before for something else; both are taken. It should be used once."
        self._notice("as2-message-id-reused", sentence, relation.mailbox, False)
        return f"{key}#{_digest(opened.payloads)}"

    def _open(self, fields: Mapping[str, str], body: Body, relation: Relation) -> Opened:
        try:
            return open_message(
                fields, body.let_go(), relation.terms, relation.keys, now=self._clock(), largest=self._largest
            )
        except MessageError:
            raise
        except Exception as error:
            # A fault of ours: they are told so by the receipt that they asked for, not by a 500 that proves nothing.
            log.exception("a message of %s could not be opened", relation.mailbox)
            raise MessageError("unexpected-processing-error", "The message could not be read.") from error

    def _keep(
        self, relation: Relation, fields: Mapping[str, str], opened: Opened, key: str, address: str, body: str
    ) -> Reply:
        """`body`: SHA-256 of the message as it came."""
        asked = asked_for(fields.get("disposition-notification-options", ""), opened.digest)
        if asked.failure and is_receipt_wanted(fields):
            return self._refuse(relation, fields, MessageError(asked.failure, asked.sentence), key)
        stored = self._answer(
            relation,
            fields,
            disposition="processed",
            text="The message was received and stored. What it says is acknowledged on its own.",
            mics=opened.mics,
            used=opened.digest,
        )
        detail = {
            "message_id": fields.get("message-id", "")[:LONGEST_ID],
            "address": address,
            "signed": opened.digest or "no",
            "encrypted": opened.encrypted or "no",
        }
        stored = msgspec.structs.replace(stored, body=body, content=_digest(opened.payloads))
        answer = msgspec.json.encode(stored)
        first, *attachments = opened.payloads
        # Attachments first: once the message itself is known, everything of it is there.
        for number, one in enumerate(attachments, 2):
            name = one.file_name or f"attachment-{number}"
            part = f"{key}#{number}#{stored.content}"
            self._spool.take(one.content, mailbox=relation.mailbox, key=part, name=name, detail=detail)
        taken, is_new = self._spool.take(
            first.content,
            mailbox=relation.mailbox,
            key=key,
            name=first.file_name or _name_for(key),
            detail=detail,
            answer=answer,
        )
        if not is_new:
            before = msgspec.json.decode(taken.answer, type=Stored)
            if before.content != stored.content:
                # Both came at the same time; the other one was faster.
                key = self._tell_apart(relation, key, opened)
                return self._keep(relation, fields, opened, key, address, body)
            stored = before
        return self._say(relation, stored, key)

    def _refuse(self, relation: Relation, fields: Mapping[str, str], error: MessageError, key: str) -> Reply:
        # What was found is for us; the sender is told no more than `reason` and `sentence`.
        cause = f"as2-{error.found.replace(' ', '-').lower()}"
        self._notice(cause, f"Message {key} was refused: {error.detail}", relation.mailbox, True)
        state = "failed/failure" if error.reason.startswith("unsupported") else "processed/error"
        stored = self._answer(
            relation,
            fields,
            disposition=f"{state}: {error.reason}",
            text=error.sentence,
            mics=error.mics,
            used=None,
        )
        return self._say(relation, stored, key, is_refused=True)

    def _take_receipt(self, relation: Relation | None, fields: Mapping[str, str], body: bytes) -> Reply:
        if relation is None:
            self._notice("as2-unknown-partner", "A receipt came from somebody whom no partner agreed on.", "", True)
            return plain(403, "No such partner.")
        try:
            receipt = read_receipt(fields, body, relation.keys, now=self._clock())
        except ReceiptError as error:
            about = self._sendings.keep_doubted(relation.mailbox, fields, body)
            beside = f" It is kept beside {about}, which it names." if about else ""
            self._notice("as2-receipt-forged", f"{error}{beside}", relation.mailbox, True)
            return plain(400, "The receipt cannot be believed.")
        said = self._sendings.record_receipt(relation.mailbox, receipt, fields, body)
        self._notice("as2-receipt", said.sentence, relation.mailbox, said.is_serious, said.about)
        return plain(200, "")


def _readable(value: str) -> str:
    """Header text as it can be stored and told: bytes that are no UTF-8 stand for the letters of Latin-1."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _message_key(fields: Mapping[str, str], body: Body) -> str:
    """What the message is known by for ever: its id, or (where there is none) its bytes."""
    message_id = " ".join(fields.get("message-id", "").split())[:LONGEST_ID]
    return message_id or f"sha256:{body.digest}"


def _digest(payloads: Sequence[Payload]) -> str:
    """What tells one message's documents from another's: SHA-256 in hex."""
    every = (hashlib.sha256(one.content).digest() for one in payloads)
    return hashlib.sha256(b"".join(every)).hexdigest()


def _name_for(key: str) -> str:
    safe = "".join(c if c.isalnum() or c in "-._@" else "_" for c in key.strip("<>"))
    return f"{safe[:120]}.edi"
