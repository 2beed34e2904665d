"""Files on a partner's server as they are listed, and what was agreed about collecting them."""

from __future__ import annotations

import posixpath
from datetime import timedelta
from typing import Literal

import asyncssh
import msgspec

from edi_server.transports.collecting import readable

#: What ended long ago need not be known any more: what they removed themselves, what was delivered.
KEPT = timedelta(days=400)


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed about collecting from a folder on a partner's server."""

    #: Our name of the mailbox, and their name of the server.
    mailbox: str
    host: str
    #: Folder, and which names in it.
    inbox: str
    pattern: str = "*"
    #: What becomes of a file on their side that we have: deleted, moved to `archive`, or left where it is.
    after: Literal["delete", "move", "leave"] = "delete"
    archive: str = ""
    #: Folder that files are renamed into before they are read, where we may; "" to read them where they lie.
    claim: str = ""
    #: Seconds that size and time of a file must stay as they are.
    quiet_seconds: float = 30.0
    #: Files of which the partner writes a companion when they are complete, such as ".done"; "" for none.
    marker: str = ""
    #: Bytes of one file.
    largest: int = 512 * 1024 * 1024
    #: Seconds after which a look begins nothing more.
    seconds: float = 600.0
    #: Seconds that one answer may take.
    patience: float = 30.0


class Listed(msgspec.Struct, frozen=True):
    """A file as their server lists it."""

    folder: str
    name: str
    size: int
    changed: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return posixpath.join(self.folder, self.name)

    @property
    def key(self) -> str:
        """What it is known by: the same name written anew has another size or time."""
        return f"sftp:{readable(self.name)}:{self.size}:{self.changed}"

    def __str__(self) -> str:
        return readable(self.path)


async def was_replaced(client: asyncssh.SFTPClient, one: Listed) -> bool:
    """True if there is another file under that name now; one that is gone is the one we know."""
    try:
        now = await client.stat(one.path)
    except asyncssh.SFTPNoSuchFile:
        return False
    return (now.size, int(now.mtime or 0)) != (one.size, one.changed)
