"""Which transmission each file in the partners' `out/` is, and what proves that it was collected.

<folder>/offered/<mailbox>/<name>           the transmission that the file of that name in `out/` is
<folder>/offered/<mailbox>/archive/<name>   the same, of `out/archive/`
<folder>/collected/<transmission id>        what proves that it was collected, until that is stored elsewhere
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edi_server.transports.durable_file import read_all, write_durably
from edi_server.transports.port import Proof


class Offers:
    """Of all accounts. Names are those in `out/`: "name" or "archive/name". Methods raise TransportError, OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, mailbox: str, name: str, transmission_id: str) -> None:
        """The file that will be called so is this transmission, whatever was called so before."""
        write_durably(self._offered(mailbox, name), transmission_id.encode())

    def name_of(self, mailbox: str, transmission_id: str) -> str | None:
        """What the file of a transmission is called; None if it is not known any more. Looks at all there are."""
        folder = self._folder / "offered" / mailbox
        for file in (*folder.glob("*"), *folder.glob("archive/*")):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                if file.read_bytes() == transmission_id.encode():
                    return str(file.relative_to(folder))
        return None

    def move(self, mailbox: str, old: str, new: str) -> None:
        """A file is going to be called otherwise too, or ("") not so any more.

        Partners claim by a rename, or read in their archive.
        """
        if not new:
            self._offered(mailbox, old).unlink(missing_ok=True)
            return
        try:
            transmission_id = self._offered(mailbox, old).read_text()
        except FileNotFoundError:
            # Not ours, or read before: then what is called so must not prove anything for another one.
            self._offered(mailbox, new).unlink(missing_ok=True)
            return
        self.note(mailbox, new, transmission_id)

    def collected(self, account: str, mailbox: str, name: str) -> None:
        """The partner read a file whole."""
        offered = self._offered(mailbox, name)
        try:
            transmission_id = offered.read_text()
        except FileNotFoundError:
            return  # not ours, or read before
        said = {"account": account, "name": name, "collected": datetime.now(UTC).isoformat("T", "seconds")}
        write_durably(self._folder / "collected" / transmission_id, msgspec.json.encode(said))
        offered.unlink(missing_ok=True)

    def proofs(self) -> list[Proof]:
        """What was collected."""
        return [
            Proof(
                transmission_id=file.name, confirmed=True, sentence="The partner collected it from out/.", proof=content
            )
            for file, content in read_all(self._folder / "collected")
        ]

    def settle(self, transmission_id: str) -> None:
        """Its proof is stored elsewhere."""
        (self._folder / "collected" / transmission_id).unlink(missing_ok=True)

    def _offered(self, mailbox: str, name: str) -> Path:
        return self._folder / "offered" / mailbox / name
