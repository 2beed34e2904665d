"""AS2 as a transport: what the station took is collected, what is delivered is posted and receipted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.line import Line
from edi_server.transports.as2.mdn import ReceiptError, is_receipt, read_receipt, same_message_id
from edi_server.transports.as2.message import MessageError, Payload, make_message
from edi_server.transports.as2.notice import Notice, log_only
from edi_server.transports.as2.postman import Postman
from edi_server.transports.as2.sending import Sending, Sendings
from edi_server.transports.loop import Loop
from edi_server.transports.port import Claim, Collected, HandedOver, Proof
from edi_server.transports.posting import Answer, post, retry_after
from edi_server.transports.spool import Spool

__all__ = ["As2Transport", "Line"]

_CONTENT_TYPES = {"edifact": "application/edifact", "x12": "application/edi-x12", "xml": "application/xml"}


class As2Transport:
    """A `Transport` for all AS2 partners. `lines` gives them by mailbox, as they are agreed now."""

    def __init__(
        self,
        *,
        spool: Spool,
        letters: Letters,
        sendings: Sendings,
        loop: Loop,
        lines: Callable[[], dict[str, Line]],
        clock: Callable[[], datetime],
        notice: Callable[[Notice], None] = log_only,
    ) -> None:
        self._spool = spool
        self._postman = Postman(letters, loop, lines, notice)
        self._sendings = sendings
        self._loop = loop
        self._lines = lines
        self._clock = clock
        self._notice = notice
        self._told: set[str] = set()

    def collect(self) -> Collected:
        """See `Transport`."""
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        return Collected(claims=claims)

    def send_receipts(self) -> float | None:
        """Try the asynchronous receipts that are due; seconds until others may be, None if none waits."""
        return self._postman.go()

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        claims = self._spool.claimed()
        self._told |= {one.transmission_id for one in claims}
        return claims

    def release(self, claim: Claim) -> None:
        """See `Transport`."""
        self._spool.release(claim)
        self._told.discard(claim.transmission_id)

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._line(mailbox)
        self._sendings.stage(transmission_id, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`: post the message, the same bytes each time, until the partner has it.

        Raises TransportError: passing where trying again may help, permanent where the partner refused it.
        """
        line = self._line(mailbox)
        sending = self._sendings.find(transmission_id) or self._make(line, transmission_id, name)
        if sending.state not in ("made", "waiting"):
            return self._ended(sending, name, earlier=True)
        if sending.state == "waiting":
            return HandedOver(name=name, earlier=True, confirmed=False, detail=_detail(sending))
        answer = self._loop.run(
            post(
                line.relation.terms.url,
                sending.headers,
                self._sendings.body_file(transmission_id),
                tls=line.tls,
                login=line.login,
                seconds=line.seconds,
            ),
            line.seconds + 30,
        )
        return self._judge(line, sending, answer, name)

    def proofs(self) -> list[Proof]:
        """See `Transport`: messages whose receipt came on its own."""
        return [
            Proof(
                transmission_id=one.transmission_id,
                message_id=one.message_id,
                confirmed=one.state == "confirmed",
                sentence=one.sentence,
                proof=self._sendings.receipt(one.transmission_id),
            )
            for one in self._sendings.untold()
        ]

    def settle(self, proof: Proof) -> None:
        """See `Transport`."""
        sending = self._sendings.find(proof.transmission_id)
        if sending is None or sending.message_id != proof.message_id:
            return
        # What came in between proves something else, and is told on its own.
        if (sending.state == "confirmed") == proof.confirmed and sending.sentence == proof.sentence:
            self._sendings.tell(sending)

    def _line(self, mailbox: str) -> Line:
        line = self._lines().get(mailbox)
        if line is None or not line.relation.terms.url:
            raise TransportError(f"{mailbox} has no AS2 address", permanent=True)
        return line

    def _make(self, line: Line, transmission_id: str, name: str) -> Sending:
        content = self._sendings.content(transmission_id)
        kind = "xml" if content[:5] == b"<?xml" else "x12" if content[:3] == b"ISA" else "edifact"
        payload = Payload(content=content, content_type=_CONTENT_TYPES[kind], file_name=name)
        try:
            made = make_message(
                payload, line.relation.terms, line.relation.keys, now=self._clock(), receipt_url=line.own_url
            )
        except MessageError as error:
            raise TransportError(error.sentence, permanent=True) from error
        signed = line.relation.terms.receipt_signed and line.relation.terms.receipt != "none"
        return self._sendings.keep(transmission_id, line.relation.mailbox, made, must_be_signed=signed)

    def _judge(self, line: Line, sending: Sending, answer: Answer, name: str) -> HandedOver:
        partner = line.relation.terms.partner_name
        if answer.status >= 500 or answer.status in (408, 425, 429):
            told = f"{partner} answers {answer.status}; the message is sent again later"
            raise TransportError(told, retry_after=retry_after(answer))
        if not 200 <= answer.status < 300:
            raise TransportError(f"{partner} answers {answer.status} and does not take the message", permanent=True)
        match line.relation.terms.receipt:
            case "none":
                return self._ended(self._sendings.mark_confirmed(sending, "Taken; no receipt was agreed."), name)
            case "async":
                now = self._sendings.mark_waiting(sending)
                if now.state == "waiting" and is_receipt(answer.headers, answer.body):
                    now = self._read_early(line, now, answer)
                if now.state == "waiting":
                    return HandedOver(name=name, confirmed=False, detail=_detail(now))
                return self._ended(now, name)
            case "sync":
                return self._ended(self._read(line, sending, answer), name)

    def _read(self, line: Line, sending: Sending, answer: Answer) -> Sending:
        if not answer.body.strip():
            # They may have it: the same Message-ID tells them so (RFC 4130, AS2 reliability).
            raise TransportError(f"{line.relation.terms.partner_name} answers without the receipt; sent again later")
        try:
            receipt = read_receipt(answer.headers, answer.body, line.relation.keys, now=self._clock())
        except ReceiptError as error:
            self._sendings.keep_beside(sending, answer.headers, answer.body)
            raise TransportError(str(error), permanent=True) from error
        if receipt.about and not same_message_id(receipt.about, sending.message_id):
            self._sendings.keep_beside(sending, answer.headers, answer.body)
            raise TransportError(f"The receipt is about another message, {receipt.about[:100]}.", permanent=True)
        return self._sendings.settle(sending, receipt, answer.headers, answer.body)

    def _read_early(self, line: Line, sending: Sending, answer: Answer) -> Sending:
        """A receipt in the answer that was to come later: what refuses a message often cannot tell where to send it.

        What cannot be believed is kept, and does not end the wait.
        """
        try:
            receipt = read_receipt(answer.headers, answer.body, line.relation.keys, now=self._clock())
        except ReceiptError as error:
            return self._doubt(sending, answer, str(error))
        if receipt.about and not same_message_id(receipt.about, sending.message_id):
            return self._doubt(sending, answer, f"The receipt is about another message, {receipt.about[:100]}.")
        about = msgspec.structs.replace(receipt, about=sending.message_id)
        said = self._sendings.record_receipt(sending.mailbox, about, answer.headers, answer.body)
        self._tell(sending, "as2-receipt", said.sentence, is_serious=said.is_serious)
        return self._sendings.find(sending.transmission_id) or sending

    def _doubt(self, sending: Sending, answer: Answer, why: str) -> Sending:
        self._sendings.keep_beside(sending, answer.headers, answer.body)
        sentence = f"{why} It came in the answer to {sending.message_id}, is kept beside it, and another is waited for."
        self._tell(sending, "as2-receipt-forged", sentence, is_serious=True)
        return sending

    def _tell(self, sending: Sending, cause: str, sentence: str, *, is_serious: bool) -> None:
        self._notice(
            Notice(
                cause=cause,
                sentence=sentence,
                mailbox=sending.mailbox,
                is_serious=is_serious,
                thing=sending.message_id,
            )
        )

    def _ended(self, sending: Sending, name: str, *, earlier: bool = False) -> HandedOver:
        if sending.state != "confirmed":
            raise TransportError(sending.sentence or "There is no receipt that proves it.", permanent=True)
        self._sendings.tell(sending)
        proof = self._sendings.receipt(sending.transmission_id)
        return HandedOver(name=name, earlier=earlier, proof=proof, detail=_detail(sending))


def _detail(sending: Sending) -> dict[str, str]:
    return {"message_id": sending.message_id}
