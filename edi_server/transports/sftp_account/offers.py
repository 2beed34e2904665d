"""Which transmission each file in the partners' `out/` is, and what proves that it was collected.

<folder>/offered/<mailbox>/<name>           the transmission that the file of that name in `out/` is
<folder>/offered/<mailbox>/archive/<name>   the same, of `out/archive/`
<folder>/collected/<transmission id>        what proves that it was collected, until that is stored elsewhere
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edi_server.transports.durable_file import read_all, write_durably
from edi_server.transports.port import Proof


class Offers:
    """Of all accounts. Names are those in `out/`: "name" or "archive/name". Methods raise TransportError, OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, mailbox: str, name: str, transmission_id: str) -> bool:
        """The file of that name will be this transmission; False if it is another one."""
        offered = self._offered(mailbox, name)
        if offered.exists() and offered.read_text() != transmission_id:
            return False
        write_durably(offered, transmission_id.encode())
        return True

    def forget(self, mailbox: str, name: str) -> None:
        """There will be no such file."""
        self._offered(mailbox, name).unlink(missing_ok=True)

    def move(self, mailbox: str, old: str, new: str) -> None:
        """The partner renames a file, or deletes it (""): partners claim by a rename, or read in their archive."""
        if not new:
            self.forget(mailbox, old)
            return
        try:
            transmission_id = self._offered(mailbox, old).read_text()
        except FileNotFoundError:
            # Not ours, or read before: then what is called so must not prove anything for another one.
            self.forget(mailbox, new)
            return
        write_durably(self._offered(mailbox, new), transmission_id.encode())
        self.forget(mailbox, old)

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
