"""The accounts of our SFTP endpoint as a transport: what was uploaded is collected, what is delivered lies in `out/`.

A file that the partner read to its end was collected, and that is the proof of its delivery.

    <folder>/staged/<transmission id>       bytes that the partner does not see yet
    <folder>/offered/<mailbox>/<name>       which transmission the file of that name in `out/` is
    <folder>/collected/<transmission id>    what proves that it was collected, until that is stored elsewhere
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.delivering import check_name
from edi_server.transports.durable_file import read_all, write_durably
from edi_server.transports.port import Claim, Collected, HandedOver, Proof
from edi_server.transports.renaming import free_names
from edi_server.transports.sftp.tree import Tree
from edi_server.transports.spool import Spool


class AccountsTransport:
    """A `Transport` for all accounts. `trees` gives them as they are now."""

    def __init__(self, *, spool: Spool, folder: Path, trees: Callable[[], Iterable[Tree]]) -> None:
        """`folder` must lie in the same file system as the trees."""
        self._spool = spool
        self._folder = folder
        self._trees = trees
        self._told: set[str] = set()

    def collect(self) -> Collected:
        """See `Transport`. Also takes what came by a rename, after its quiet time."""
        waits = [soon for tree in self._trees() if (soon := tree.settle()) is not None]
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        return Collected(claims=claims, look_again_seconds=min(waits, default=None))

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
        self._tree(mailbox)
        check_name(transmission_id, "transmission id")
        write_durably(self._folder / "staged" / transmission_id, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`: shown in `out/`. Confirmed once the partner has read it."""
        tree = self._tree(mailbox)
        check_name(name, "file name")
        staged = self._folder / "staged" / transmission_id
        detail = {"account": tree.account.name}
        if not staged.exists():
            return HandedOver(name=name, earlier=True, confirmed=False, detail=detail)
        for candidate in free_names(name):
            offered = self._offered(mailbox, candidate)
            if offered.exists() and offered.read_text() != transmission_id:
                continue
            # Before the partner can see it, so that however soon it is read, it is known what was.
            write_durably(offered, transmission_id.encode())
            if tree.offer_as(staged, candidate):
                return HandedOver(name=candidate, confirmed=False, detail=detail)
            offered.unlink(missing_ok=True)
        raise AssertionError("free names never end")

    def note_collected(self, tree: Tree, name: str) -> None:
        """The partner read a file of `out/` to its end."""
        offered = self._offered(tree.account.mailbox, name)
        try:
            transmission_id = offered.read_text()
        except FileNotFoundError:
            return  # not ours, or read before
        said = {"account": tree.account.name, "name": name, "collected": datetime.now(UTC).isoformat("T", "seconds")}
        write_durably(self._folder / "collected" / transmission_id, msgspec.json.encode(said))
        offered.unlink(missing_ok=True)

    def proofs(self) -> list[Proof]:
        """See `Proving`."""
        return [
            Proof(
                transmission_id=file.name, confirmed=True, sentence="The partner collected it from out/.", proof=content
            )
            for file, content in read_all(self._folder / "collected")
        ]

    def settle(self, proof: Proof) -> None:
        """See `Proving`."""
        (self._folder / "collected" / proof.transmission_id).unlink(missing_ok=True)

    def _tree(self, mailbox: str) -> Tree:
        tree = next((one for one in self._trees() if one.account.mailbox == mailbox), None)
        if tree is None:
            raise TransportError(f"{mailbox} has no account on our SFTP endpoint", permanent=True)
        return tree

    def _offered(self, mailbox: str, name: str) -> Path:
        return self._folder / "offered" / mailbox / name
