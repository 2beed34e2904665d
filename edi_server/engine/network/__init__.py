"""The network side of the daemon: what listens (SFTP, AS2, HTTP drop) and what polls (partners' SFTP servers).

In: configuration, partner files as they are now. Out: transmissions taken, by the same way as those of the folders, and
transports that deliver. Never here: what the bytes mean.

One event loop on one thread serves everything that listens; each kind is collected by a thread of its own, and so is
each partner's mailbox, so that a slow one holds up nobody else. What nobody has agreed on or configured is not there.
"""

from __future__ import annotations

from edi_server.engine.network.side import Network

__all__ = ["Network"]
