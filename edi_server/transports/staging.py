"""What is to be handed over to a place that cannot be asked what it has, or not for ever: runs, and how they ended.

    <folder>/staged/<transmission id>    the bytes, until they were handed over
    <folder>/runs/<transmission id>      which run it is, and what was known when it ended

A run is everything that is done to hand a transmission over once: as many attempts as it takes, by however many
processes, all under one key (`Staged.key`), so that the other end can tell that they are one. Where a person has it
sent again after a run ended, that is the next run.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from edi_server.errors import TransportError
from edi_server.transports.durable_file import read_all, write_durably
from edi_server.transports.port import HandedOver


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """What `runs/` keeps."""

    number: int = 1
    #: None while it goes on.
    ended: HandedOver | None = None


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be handed over now."""

    transmission_id: str
    #: 1, then 2 for the first time that it was sent again, …
    run: int
    #: Where the bytes lie.
    path: Path

    @property
    def key(self) -> str:
        """The same in every attempt of the run, and in no other run."""
        return self.transmission_id if self.run == 1 else f"{self.transmission_id}#{self.run}"


class Staging:
    """One folder. Several may use it at once, each transmission one at a time. Raises TransportError."""

    def __init__(self, folder: Path) -> None:
        self._staged = folder / "staged"
        self._runs = folder / "runs"

    def stage(self, transmission_id: str, content: bytes) -> None:
        """Make the bytes durable: for a new run where the last one ended, for the same run as often as it is asked."""
        run = self._run(transmission_id)
        if run is None or run.ended is not None:
            # First: content beside an ended run is what a crash left of that run.
            self._write(transmission_id, _Run(number=1 if run is None else run.number + 1))
        write_durably(self._staged / transmission_id, content)

    def find(self, transmission_id: str) -> Staged | HandedOver:
        """What is to be handed over; or, where an earlier call has done it, what that knew (`earlier` is True).

        Raises TransportError (permanent) where nothing is known of it.
        """
        run, path = self._run(transmission_id) or _Run(), self._staged / transmission_id
        if run.ended is not None:
            path.unlink(missing_ok=True)
            return msgspec.structs.replace(run.ended, earlier=True)
        if not path.exists():
            message = (
                f"Nothing is staged of {transmission_id}: {path} is not there. Send it again by edi-server resend."
            )
            raise TransportError(message, permanent=True)
        return Staged(transmission_id=transmission_id, run=run.number, path=path)

    def finish(self, transmission_id: str, handed: HandedOver) -> HandedOver:
        """The other end has it. Whatever ends this process now, a later `find` tells the same."""
        run = self._run(transmission_id) or _Run()
        self._write(transmission_id, _Run(number=run.number, ended=handed))
        (self._staged / transmission_id).unlink(missing_ok=True)
        return handed

    def forget(self, before: datetime) -> int:
        """Remove what is known of runs that ended before that time; how many."""
        removed = 0
        for file, content in read_all(self._runs):
            ended = msgspec.json.decode(content, type=_Run).ended is not None
            if ended and file.stat().st_mtime < before.timestamp():
                (self._staged / file.name).unlink(missing_ok=True)
                file.unlink(missing_ok=True)
                removed += 1
        return removed

    def _run(self, transmission_id: str) -> _Run | None:
        file = self._runs / transmission_id
        try:
            return msgspec.json.decode(file.read_bytes(), type=_Run)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransportError(f"{file}: cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise TransportError(f"{file}: is damaged: {error}", permanent=True) from error

    def _write(self, transmission_id: str, run: _Run) -> None:
        write_durably(self._runs / transmission_id, msgspec.json.encode(run))
