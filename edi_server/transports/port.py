"""The port to the outside: mailboxes that bytes are collected from and delivered to.

Contract, tested by `tests/contracts/test_transport.py` against every implementation:

* A file that is complete is claimed exactly once, whoever else collects from the same place, and gets its transmission
  id with the claim. From then on it is ours: nothing of it is lost, whatever happens, until `release`.
* After a crash `claimed` lists every claim that was not released, with the ids they had. It may also list claims that
  another process works on at the moment; callers do their work once per transmission id.
* `stage` makes bytes durable without showing them to the partner; calling it again replaces them. Once `hand_over` was
  called, it must be called again only to have a delivery that ended done anew.
* `hand_over` shows staged bytes to the partner at once and whole, never in place of another file. Called again after
  any crash it does the rest: what was handed over is answered with `earlier`, and with the name, the proof and the
  detail of the first time wherever the transport was the only one to know them.
* `stage` after a hand-over that ended is another delivery, which the partner must not take for a repetition; all that
  `hand_over` does until it ends, by however many calls and processes, is one delivery that the partner gets once.
* What is odd about single files comes back as `Left`, once per file; what is wrong with the machine raises
  `edi_server.errors.TransportError`.
* An instance is used from one thread at a time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from edi_server.findings import Finding


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is ours now."""

    #: UUIDv7, the time of the claim.
    transmission_id: str
    mailbox: str
    #: Name that the partner gave, for people: bytes that are no text are written as `\xhh`.
    name: str
    #: Local file with the bytes, readable until `release`.
    path: Path
    #: Bytes, and nanoseconds since 1970 of the last change, when it was claimed.
    size: int
    changed_ns: int
    #: What the transport knows of it: account, address, Message-ID, …; for people.
    detail: dict[str, str] = {}

    @property
    def changed_at(self) -> datetime:
        """Time of the last change by the clock of the place it lay in."""
        return datetime.fromtimestamp(self.changed_ns / 1e9, UTC)


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not taken, and why: `finding.found` is its name."""

    #: Empty for something outside any mailbox.
    mailbox: str
    finding: Finding


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the mailboxes brought."""

    #: Oldest first.
    claims: tuple[Claim, ...]
    left: tuple[Left, ...] = ()
    #: Something may be ready after this time; None if nothing is waiting.
    look_again_seconds: float | None = None


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """The partner can see it."""

    #: Final name: another one than asked for where that was taken.
    name: str
    #: True if an earlier call had done it, and this one found nothing left to do. Without a proof, `name` is then the
    #: one asked for.
    earlier: bool = False
    #: False while the partner's receipt is still to come.
    confirmed: bool = True
    #: What proves that it arrived, to be kept: the receipt as it came, or what the other side says of the file. Empty
    #: where nothing does.
    proof: bytes = b""
    #: What the transport knows of it: account, Message-ID, …; for people.
    detail: dict[str, str] = {}


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How a transmission ended that was handed over without being confirmed at once."""

    transmission_id: str
    #: Tells a hand-over from an earlier one of the same transmission: `message_id` of `HandedOver.detail`; "" where the
    #: transport has none.
    message_id: str = ""
    confirmed: bool
    #: What the partner's receipt means, in words.
    sentence: str
    #: The receipt as it came.
    proof: bytes = b""


class Transport(Protocol):
    """See the module's docstring for the contract."""

    def collect(self) -> Collected:
        """Claim what is complete in the mailboxes."""

    def claimed(self) -> list[Claim]:
        """Claims that were never released, oldest first."""

    def release(self, claim: Claim) -> None:
        """Forget a claim whose bytes are stored elsewhere. Releasing twice is harmless.

        Bytes that arrived in the file after it was claimed are not thrown away: the file is collected once more.
        """

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """Make the bytes of an outbound transmission durable, not yet visible to the partner."""

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """Show the staged bytes to the partner under that name."""


@runtime_checkable
class Proving(Protocol):
    """What a transport offers beside that hears only later how a hand-over ended (`HandedOver.confirmed` is False).

    A proof is told again and again, after a crash too, until it was settled.
    """

    def proofs(self) -> list[Proof]:
        """What ended and was not settled yet."""

    def settle(self, proof: Proof) -> None:
        """The proof is stored elsewhere. Nothing happens where something else is to be told by now."""
