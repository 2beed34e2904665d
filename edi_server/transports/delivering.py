"""Delivering to `outbox/<mailbox>/`: staged out of sight, then renamed into place."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from edi_server.errors import TransportError
from edi_server.transports.collecting import UNFINISHED
from edi_server.transports.port import HandedOver
from edi_server.transports.renaming import free_names, is_same_file, move_without_replacing, sync_folder

STAGED = ".staged"
_LONGEST_NAME = 240


class Outbox:
    """The folders of all mailboxes below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """Write the bytes durably to `outbox/<mailbox>/.staged/<transmission id>`; raises TransportError."""
        staged = self._staged(transmission_id, mailbox)
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            temporary = staged.with_name(f"{staged.name}.{uuid4().hex}.tmp")
            for old in staged.parent.glob(f"{staged.name}.*.tmp"):
                old.unlink(missing_ok=True)
            _write_durably(temporary, content)
            temporary.replace(staged)
            for folder in (staged.parent, staged.parent.parent, self._folder):
                sync_folder(folder)
        except OSError as error:
            raise TransportError(f"{staged}: cannot be written: {error.strerror}") from error

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """Give the staged file its final name, or the next free one; raises TransportError."""
        staged = self._staged(transmission_id, mailbox)
        check_name(name, "file name")
        try:
            return self._hand_over(staged, name)
        except OSError as error:
            raise TransportError(f"{staged}: cannot be handed over: {error.strerror}") from error

    def _hand_over(self, staged: Path, name: str) -> HandedOver:
        folder = staged.parent.parent
        for candidate in free_names(name):
            target = folder / candidate
            try:
                move_without_replacing(staged, target)
            except FileNotFoundError:
                return HandedOver(name=name, earlier=True)
            except FileExistsError:
                if not is_same_file(staged, target):
                    continue
                staged.unlink()
            sync_folder(folder)
            return HandedOver(name=candidate)
        raise AssertionError("free names never end")

    def _staged(self, transmission_id: str, mailbox: str) -> Path:
        check_name(mailbox, "mailbox")
        check_name(transmission_id, "transmission id")
        return self._folder / mailbox / STAGED / transmission_id


def check_name(name: str, what: str) -> None:
    """Raise a permanent TransportError for what cannot be the name of a visible, finished file in one folder."""
    if not name or name[0] == "." or "/" in name or "\0" in name or name.lower().endswith(UNFINISHED):
        raise TransportError(f"'{name}' cannot be a {what}", permanent=True)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        raise TransportError(f"'{name[:80]}…' is too long for a {what}", permanent=True)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
