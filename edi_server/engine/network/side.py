"""The parts of the network side, put together."""

from __future__ import annotations

import logging

from edi_server.engine.collecting import carefully
from edi_server.engine.corridor import Corridor
from edi_server.engine.network.as2 import As2Part
from edi_server.engine.network.drop import DropPart
from edi_server.engine.network.part import Ground, Part
from edi_server.engine.network.sftp_account import SftpPart
from edi_server.engine.network.sftp_mailbox import MailboxesPart
from edi_server.engine.notices import Notices
from edi_server.engine.workflows import Work
from edi_server.errors import ConfigurationError, TransportError
from edi_server.transports.loop import Loop
from edi_server.transports.port import Transport

log = logging.getLogger(__name__)

#: What there is; one more transport is one more of these.
PARTS: tuple[type[Part], ...] = (SftpPart, As2Part, DropPart, MailboxesPart)


class Network:
    """Everything that listens and polls. `prepare`, `open`, `close`, `end`, in this order; one thread at a time."""

    def __init__(self, corridor: Corridor, work: Work, notices: Notices) -> None:
        self._loop = Loop()
        ground = Ground(corridor, work, self._loop, notices)
        self.sftp, self.as2, self.drop = SftpPart(ground), As2Part(ground), DropPart(ground)
        self._parts: tuple[Part, ...] = (self.sftp, self.as2, self.drop, MailboxesPart(ground))
        self._prepared: list[Part] = []
        self._opened: list[Part] = []
        self._is_looping = False
        self._is_open = False

    def prepare(self) -> None:
        """Make what is wanted ready to deliver. Raises EdiServerError."""
        for part in self._parts:
            if part not in self._prepared and part.is_wanted():
                if not self._is_looping:
                    self._loop.__enter__()
                    self._is_looping = True
                part.prepare()
                self._prepared.append(part)

    def open(self) -> None:
        """Listen and poll. Raises EdiServerError: what was configured and cannot be must not start half."""
        self._is_open = True
        for part in self._prepared:
            if part not in self._opened:
                part.open()
                self._opened.append(part)

    def renew(self) -> None:
        """Partner files were read again: what is agreed now is offered from now on."""
        for part in self._prepared:
            carefully(part.renew)
        self.prepare()
        if self._is_open:
            self.open()

    def close(self) -> None:
        """Listen and poll no more; deliveries under way go on."""
        self._is_open = False
        for part in self._prepared:
            carefully(part.close)

    def end(self) -> None:
        """End the loop; deliveries under way fail, and go on at the next start."""
        if self._is_looping:
            self._loop.__exit__(None, None, None)
            self._is_looping = False

    def transport(self, kind: str, mailbox: str) -> Transport:
        """What delivers to a mailbox by that way. Raises ConfigurationError, TransportError."""
        for part in self._parts:
            if kind in part.kinds and part in self._prepared:
                return part.transport(mailbox)
            if kind in part.kinds and part.is_wanted():
                raise TransportError(f"{kind} was agreed just now and is made ready")
        raise ConfigurationError(
            f"{mailbox} is delivered to by {kind}, which nothing is configured or agreed for any more."
        )
