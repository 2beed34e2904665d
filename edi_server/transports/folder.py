"""Mailboxes in local or mounted folders: `inbox/<mailbox>/` and `outbox/<mailbox>/`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from edi_server.errors import TransportError
from edi_server.transports.collecting import Inbox
from edi_server.transports.delivering import Outbox
from edi_server.transports.port import Claim, Collected, HandedOver


class FolderTransport:
    """A `Transport` on two folders, which may not lie on different file systems from their own subfolders."""

    def __init__(
        self,
        inbox: Path,
        outbox: Path,
        *,
        quiet_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox_folder = inbox
        self._outbox_folder = outbox
        self._inbox = Inbox(inbox, quiet_seconds=quiet_seconds, clock=clock)
        self._outbox = Outbox(outbox)

    def prepare(self, mailboxes: Iterable[str] = ()) -> None:
        """Make the folders, and those of the mailboxes, where they are absent; raises TransportError."""
        try:
            for folder in (self._inbox_folder, self._outbox_folder):
                folder.mkdir(parents=True, exist_ok=True)
                for mailbox in mailboxes:
                    (folder / mailbox).mkdir(exist_ok=True)
        except OSError as error:
            raise TransportError(f"{error.filename}: cannot be made: {error.strerror}") from error

    def collect(self) -> Collected:
        """See `Transport`."""
        return self._inbox.collect()

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        return self._inbox.claimed()

    def release(self, claim: Claim) -> None:
        """See `Transport`."""
        self._inbox.release(claim)

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._outbox.stage(transmission_id, mailbox, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`."""
        return self._outbox.hand_over(transmission_id, mailbox, name)
