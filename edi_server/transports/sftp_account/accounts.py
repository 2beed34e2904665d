"""The accounts of our SFTP endpoint as a transport: what was uploaded is collected, what is delivered lies in `out/`.

A file that the partner read whole was collected, and that is the proof of its delivery.

    <folder>/staged/<transmission id>       bytes that the partner does not see yet
    <folder>/offered/, collected/           see `offers`
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from edi_server.errors import TransportError
from edi_server.transports.collecting import left_alone
from edi_server.transports.delivering import check_name
from edi_server.transports.durable_file import write_durably
from edi_server.transports.port import Claim, Collected, HandedOver, Proof
from edi_server.transports.renaming import free_names
from edi_server.transports.sftp_account.offers import Offers
from edi_server.transports.sftp_account.tree import Settled, Tree
from edi_server.transports.spool import Spool

log = logging.getLogger(__name__)


class AccountsTransport:
    """A `Transport` for all accounts. `trees` gives them as they are now."""

    def __init__(self, *, spool: Spool, folder: Path, trees: Callable[[], Iterable[Tree]]) -> None:
        """`folder` must lie in the same file system as the trees."""
        self._spool = spool
        self._folder = folder
        self._offers = Offers(folder)
        self._trees = trees
        self._told: set[str] = set()
        #: Mailboxes of which the last `collect` could not take something that is complete.
        self.troubled: set[str] = set()

    def collect(self) -> Collected:
        """See `Transport`. What is wrong with one account is said, and holds up no other."""
        trees = list(self._trees())
        settled = [_settle(tree) for tree in trees]
        self.troubled = {tree.account.mailbox for tree, one in zip(trees, settled, strict=True) if one.is_troubled}
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        waits = [one.seconds for one in settled if one.seconds is not None]
        left = tuple(left for one in settled for left in one.left)
        return Collected(claims=claims, left=left, look_again_seconds=min(waits, default=None))

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        claims = self._spool.claimed()
        self._told |= {one.transmission_id for one in claims}
        return claims

    def release(self, claim: Claim) -> None:
        """See `Transport`."""
        self._spool.release(claim)
        self._told.discard(claim.transmission_id)
        for tree in self._trees():
            if tree.account.mailbox == claim.mailbox:
                tree.released(claim.detail.get("upload", ""))

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
            shown = self._offers.name_of(mailbox, transmission_id) or name
            return HandedOver(name=shown, earlier=True, confirmed=False, detail=detail)
        for candidate in free_names(name):
            note = partial(self._offers.note, mailbox, candidate, transmission_id)
            if tree.outbox.offer(staged, candidate, note):
                return HandedOver(name=candidate, confirmed=False, detail=detail)
        raise AssertionError("free names never end")

    def note_collected(self, tree: Tree, name: str) -> None:
        """The partner read a file of `out/` whole: "name", or "archive/name"."""
        self._offers.collected(tree.account.name, tree.account.mailbox, name)

    def proofs(self) -> list[Proof]:
        """See `Proving`."""
        return self._offers.proofs()

    def settle(self, proof: Proof) -> None:
        """See `Proving`."""
        self._offers.settle(proof.transmission_id)

    def _tree(self, mailbox: str) -> Tree:
        tree = next((one for one in self._trees() if one.account.mailbox == mailbox), None)
        if tree is None:
            raise TransportError(f"{mailbox} has no account on our SFTP endpoint", permanent=True)
        return tree


def _settle(tree: Tree) -> Settled:
    try:
        return tree.settle()
    except Exception as error:
        log.exception("SFTP %s: what was uploaded cannot be taken", tree.account.name)
        why = f"What they uploaded cannot be taken: {error}"
        return Settled(left=(left_alone(tree.account.mailbox, "", "upload-not-taken", why),), is_troubled=True)
