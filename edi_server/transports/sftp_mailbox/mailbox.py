"""Mailboxes on partners' SFTP servers: collected on schedule (`pulling`), and delivered to (`pushing`)."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.durable_file import told
from edi_server.transports.loop import Loop
from edi_server.transports.port import Claim, Collected, HandedOver, Left
from edi_server.transports.sftp_mailbox.listed import Pull
from edi_server.transports.sftp_mailbox.pulling import Puller
from edi_server.transports.sftp_mailbox.pushing import Push, Pusher
from edi_server.transports.sftp_mailbox.remote import Place, connect
from edi_server.transports.spool import Spool

#: Seconds that a look may take to end after it began nothing more.
_ENDING = 60.0
#: Seconds until what was taken is removed from their side.
_SOON = 1.0


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox on a partner's server."""

    #: Our name of it.
    mailbox: str
    place: Place
    #: How it is collected from; None to collect nothing.
    pull: Pull | None = None
    #: How it is delivered to; None to deliver nothing.
    push: Push | None = None


class RemoteMailbox:
    """A `Transport` for one remote mailbox."""

    def __init__(
        self, remote: Remote, folder: Path, loop: Loop, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`folder` keeps what is taken and what is to be delivered."""
        self._remote = remote
        self._folder = folder
        self._loop = loop
        self._spool = Spool(folder / "spool")
        self._parts = folder / "parts"
        self._puller = Puller(remote.pull, self._spool, self._parts, clock) if remote.pull else None
        self._pusher = Pusher(remote.place, remote.push, folder) if remote.push else None
        self._told: set[str] = set()

    def prepare(self) -> None:
        """Make the folders, and finish what a crash left."""
        self._spool.prepare()
        self._parts.mkdir(parents=True, exist_ok=True)

    def collect(self) -> Collected:
        """See `Transport`: one look at the mailbox."""
        if self._puller is None or self._remote.pull is None:
            return Collected(claims=())
        with self._alone():
            left, again = self._loop.run(self._look(self._puller), self._remote.pull.seconds + _ENDING)
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        if claims and self._remote.pull.after != "leave":
            # Their copies go when these were released.
            again = min(again if again is not None else _SOON, _SOON)
        return Collected(claims=claims, left=left, look_again_seconds=again)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two that look at a time would write to the same parts: one that was left alone when it hung, and the next."""
        with told(self._folder), (self._folder / "looking").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TransportError(f"{self._remote.mailbox} is still being looked at") from error
            yield

    async def _look(self, puller: Puller) -> tuple[tuple[Left, ...], float | None]:
        async with connect(self._remote.place) as client:
            return await puller.look(client)

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        claims = self._spool.claimed()
        self._told |= {one.transmission_id for one in claims}
        return claims

    def release(self, claim: Claim) -> None:
        """See `Transport`; the partner's copy goes at the next look."""
        self._spool.release(claim)
        self._told.discard(claim.transmission_id)

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._pushing(mailbox)[0].stage(transmission_id, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`: uploaded under a temporary name, then renamed."""
        pusher, push = self._pushing(mailbox)
        if "/" in name or "\0" in name or name.startswith("."):
            raise TransportError(f"'{name}' cannot be a file name", permanent=True)
        return self._loop.run(pusher.hand_over(transmission_id, name), push.seconds)

    def _pushing(self, mailbox: str) -> tuple[Pusher, Push]:
        if mailbox != self._remote.mailbox or self._pusher is None or self._remote.push is None:
            raise TransportError(f"{mailbox} is no mailbox that can be delivered to", permanent=True)
        return self._pusher, self._remote.push
