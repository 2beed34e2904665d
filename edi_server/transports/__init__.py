"""Bytes from and to partners.

In: files in mailboxes, and bytes to deliver. Out: claims with a transmission id, and files that partners can take.
Never here: what the bytes mean, whose mailbox it is, or when to look.
"""

from __future__ import annotations

from edi_server.transports.folder import FolderTransport
from edi_server.transports.port import Claim, Collected, HandedOver, Left, Transport

__all__ = ["Claim", "Collected", "FolderTransport", "HandedOver", "Left", "Transport"]
