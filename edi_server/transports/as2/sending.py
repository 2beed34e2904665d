"""Messages that we send: made once, sent as often as it takes, settled by the receipt.

<folder>/<transmission id>/message.json  Message-ID, headers, integrity checks, and how it stands
<folder>/<transmission id>/message-….json those that it was sent as before
<folder>/<transmission id>/content       the bytes to send; until somebody was told how it ended, as `body`
<folder>/<transmission id>/body          the AS2 message, byte for byte what every attempt sends
<folder>/<transmission id>/receipt       the receipt as it came: headers, an empty line, body
<folder>/<transmission id>/receipt-…     others that came for it; receipt-doubted-… those that cannot be believed
<folder>/waiting/<transmission id>       its receipt is to come
<folder>/by-id/<hash of Message-ID>      the transmission it belongs to
<folder>/ended/<transmission id>         it ended, and nobody was told yet
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.as2.mdn import Receipt, same_message_id
from edi_server.transports.as2.message import Made
from edi_server.transports.as2.sent import OPEN, Said, Sending, State, as_it_came, judge
from edi_server.transports.durable_file import write_durably

__all__ = ["Said", "Sending", "Sendings"]

#: Of receipts that cannot be believed, anybody can make as many as they like: so much is kept of them for a message.
_MOST_DOUBTED, _LARGEST_DOUBTED = 20, 1 << 20
_ABOUT = re.compile(rb"^Original-Message-ID:[ \t]*(\S{1,998})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Sendings:
    """A folder of sent messages. Raises TransportError where the disk does not work."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        # A receipt may come while the request that it answers is still open.
        self._changing = threading.RLock()

    def stage(self, transmission_id: str, content: bytes) -> None:
        """Make the bytes durable; again, it replaces them.

        What had ended is wanted sent once more: as a new message, since the partner takes the old one for known. What
        waits for its receipt, or may not have arrived, is the same message as before.
        """
        with self._changing:
            before = self.find(transmission_id)
            if before is not None and before.state not in ("made", "waiting"):
                message = self._folder / transmission_id / "message.json"
                message.replace(message.with_name(f"message-{message.stat().st_mtime_ns}.json"))
                receipt = self._folder / transmission_id / "receipt"
                receipt.unlink(missing_ok=True)
                (self._folder / "ended" / transmission_id).unlink(missing_ok=True)
            elif before is not None and before.state == "waiting":
                self._write(msgspec.structs.replace(before, state="made"))
        write_durably(self._folder / transmission_id / "content", content)

    def content(self, transmission_id: str) -> bytes:
        """The staged bytes."""
        path = self._folder / transmission_id / "content"
        try:
            return path.read_bytes()
        except OSError as error:
            raise TransportError(f"{path}: cannot be read: {error.strerror}") from error

    def find(self, transmission_id: str) -> Sending | None:
        """The message that was made of a transmission."""
        return self._read(transmission_id, "message.json")

    def _read(self, transmission_id: str, name: str) -> Sending | None:
        try:
            return msgspec.json.decode((self._folder / transmission_id / name).read_bytes(), type=Sending)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransportError(f"{transmission_id}: cannot be read: {error.strerror}") from error

    def keep(self, transmission_id: str, mailbox: str, made: Made, *, must_be_signed: bool) -> Sending:
        """Fix the message: from now on every attempt sends exactly this."""
        sending = Sending(
            transmission_id=transmission_id,
            mailbox=mailbox,
            message_id=made.message_id,
            headers=made.headers,
            mics=made.mics,
            must_be_signed=must_be_signed,
        )
        write_durably(self._folder / transmission_id / "body", made.body)
        # Before the message itself: a receipt must find it, however soon it comes.
        write_durably(self._by_id(mailbox, made.message_id), transmission_id.encode())
        self._write(sending)
        return sending

    def body(self, transmission_id: str) -> bytes:
        """What is posted."""
        return self.body_file(transmission_id).read_bytes()

    def body_file(self, transmission_id: str) -> Path:
        """Where it lies."""
        return self._folder / transmission_id / "body"

    def mark_waiting(self, sending: Sending) -> Sending:
        """The partner took it, the receipt is to come; a receipt that was faster stays."""
        with self._changing:
            now = self.find(sending.transmission_id) or sending
            if now.state != "made":
                return now
            # Before the state itself, so that none is overlooked after a crash.
            write_durably(self._waits(now.transmission_id), b"")
            since = msgspec.structs.replace(now, waiting_since=self._clock(), is_missed=False)
            return self._change(since, "waiting", "")

    def waiting(self) -> list[Sending]:
        """Messages whose receipts are to come."""
        return [one for one in self._listed("waiting") if one.state == "waiting"]

    def stop_waiting(self, sending: Sending) -> None:
        """Nobody misses its receipt any more, such as after another way worked; it still counts if it comes."""
        with self._changing:
            now = self.find(sending.transmission_id)
            if now is not None and now.message_id == sending.message_id:
                self._waits(sending.transmission_id).unlink(missing_ok=True)

    def mark_missed(self, sending: Sending) -> None:
        """Somebody was told that its receipt is missing."""
        with self._changing:
            now = self.find(sending.transmission_id)
            if now is not None and now.state == "waiting":
                self._write(msgspec.structs.replace(now, is_missed=True))

    def mark_confirmed(self, sending: Sending, sentence: str) -> Sending:
        """Taken, and no receipt was agreed on."""
        with self._changing:
            return self._change(sending, "confirmed", sentence)

    def settle(self, sending: Sending, receipt: Receipt, headers: Mapping[str, str], body: bytes) -> Sending:
        """A receipt came. The first one that proves something stays; what contradicts it later is kept beside it."""
        with self._changing:
            return self._settle(self.find(sending.transmission_id) or sending, receipt, headers, body)

    def _settle(self, sending: Sending, receipt: Receipt, headers: Mapping[str, str], body: bytes) -> Sending:
        judgement = judge(sending, receipt)
        # A receipt that proves nothing does not end the wait: the right one may still come.
        counts = judgement.outcome != "unconfirmed" or sending.state == "made"
        is_first = sending.state in OPEN
        name = "receipt" if is_first and counts else f"receipt-{hashlib.sha256(body).hexdigest()[:12]}"
        write_durably(self._folder / sending.transmission_id / name, as_it_came(headers, body))
        if not (is_first and counts):
            return sending
        return self._change(sending, judgement.outcome, judgement.sentence)  # type: ignore[arg-type]

    def record_receipt(self, mailbox: str, receipt: Receipt, headers: Mapping[str, str], body: bytes) -> Said:
        """An asynchronous receipt, from the partner of that mailbox."""
        about = receipt.about[:200]
        transmission_id = self._sent_as(mailbox, receipt.about)
        if transmission_id is None:
            return Said(f"A receipt came for {about}, which was never sent to this partner.", True)
        sending = self.find(transmission_id)
        if sending is None:
            raise TransportError(f"{transmission_id}: its message is not there yet")
        if not same_message_id(sending.message_id, receipt.about):
            return Said(f"A receipt came for {about}, which was sent once more since.", False)
        judgement = judge(sending, receipt)
        self.settle(sending, receipt, headers, body)
        is_good = judgement.outcome == "confirmed"
        if sending.state not in OPEN:
            same = judgement.outcome == sending.state
            what = "once more, saying the same" if same else f"once more, saying something else: {judgement.sentence}"
            return Said(f"A receipt for {about} came {what.rstrip('.')}.", not same, sending.message_id)
        waits = sending.state == "waiting" and judgement.outcome == "unconfirmed"
        more = " The right one is still waited for." if waits else ""
        return Said(f"{about}: {judgement.sentence}{more}", not is_good, sending.message_id)

    def keep_doubted(self, mailbox: str, headers: Mapping[str, str], body: bytes) -> str:
        """Keep what cannot be believed beside the message that it names: it may be asked for in a dispute.

        The Message-ID of that message; "" where it names none of ours.
        """
        named = _ABOUT.search(body)
        transmission_id = self._sent_as(mailbox, named[1].decode("latin-1")) if named else None
        sending = self.find(transmission_id) if transmission_id else None
        if sending is None:
            return ""
        self.keep_beside(sending, headers, body)
        return sending.message_id

    def keep_beside(self, sending: Sending, headers: Mapping[str, str], body: bytes) -> None:
        """Keep what came instead of a receipt that can be believed."""
        folder = self._folder / sending.transmission_id
        if len(body) <= _LARGEST_DOUBTED and len(list(folder.glob("receipt-doubted-*"))) < _MOST_DOUBTED:
            name = f"receipt-doubted-{hashlib.sha256(body).hexdigest()[:12]}"
            write_durably(folder / name, as_it_came(headers, body))

    def untold(self) -> list[Sending]:
        """Messages that ended by a receipt of their own, which nobody was told yet."""
        return [one for one in self._listed("ended") if one.state not in ("made", "waiting") and not one.is_told]

    def tell(self, sending: Sending) -> None:
        """Somebody was told how it ended; nothing where it is another message by now, or ended otherwise.

        What it consisted of is needed no more: the archive has it, and to be sent anew it is staged anew.
        """
        with self._changing:
            now = self.find(sending.transmission_id)
            if now is None or (now.message_id, now.state) != (sending.message_id, sending.state):
                return
            for name in ("content", "body"):
                (self._folder / now.transmission_id / name).unlink(missing_ok=True)
            self._write(msgspec.structs.replace(now, is_told=True))
            (self._folder / "ended" / now.transmission_id).unlink(missing_ok=True)

    def forget(self, before: float) -> int:
        """Remove messages that were told or are not waited for, unchanged since then (seconds since 1970); how many."""
        removed = 0
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            message = folder / "message.json"
            if not message.exists() or message.stat().st_mtime >= before:
                continue
            sending = self.find(folder.name)
            if sending and (sending.is_told or (sending.state == "waiting" and not self._waits(folder.name).exists())):
                self._remove(folder)
                removed += 1
        return removed

    def _remove(self, folder: Path) -> None:
        """A message with those that it was sent as before."""
        for file in folder.glob("message*.json"):
            one = self._read(folder.name, file.name)
            if one is not None:
                self._by_id(one.mailbox, one.message_id).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def receipt(self, transmission_id: str) -> bytes:
        """The receipt as it came, b"" if none did."""
        path = self._folder / transmission_id / "receipt"
        return path.read_bytes() if path.exists() else b""

    def _change(self, sending: Sending, state: State, sentence: str) -> Sending:
        changed = msgspec.structs.replace(sending, state=state, sentence=sentence, is_told=False)
        if state not in ("made", "waiting"):
            # Before the state itself, so that none is overlooked after a crash.
            write_durably(self._folder / "ended" / sending.transmission_id, b"")
        self._write(changed)
        if state != "waiting":
            self._waits(sending.transmission_id).unlink(missing_ok=True)
        return changed

    def _waits(self, transmission_id: str) -> Path:
        return self._folder / "waiting" / transmission_id

    def _listed(self, name: str) -> list[Sending]:
        listed = self._folder / name
        found = [self.find(one.name) for one in sorted(listed.iterdir())] if listed.is_dir() else []
        return [one for one in found if one is not None]

    def _sent_as(self, mailbox: str, message_id: str) -> str | None:
        """The transmission that was sent to the partner of that mailbox under that Message-ID."""
        try:
            return self._by_id(mailbox, message_id).read_text()
        except FileNotFoundError:
            return None

    def _write(self, sending: Sending) -> None:
        write_durably(self._folder / sending.transmission_id / "message.json", msgspec.json.encode(sending))

    def _by_id(self, mailbox: str, message_id: str) -> Path:
        digest = hashlib.sha256(f"{mailbox}\0<{message_id.strip().strip('<>')}>".encode("utf-8", "replace")).hexdigest()
        return self._folder / "by-id" / digest
