"""The `status/` folder of an account: what became of each upload, in words, one file for each.

A file is called as the upload, then when it came and a piece of its id: two uploads of one name have one file each, and
a listing by name shows the newest last.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from edi_server.transports.sftp_account.names import cut, file_name

#: Seconds that a status stays, unless the partner deletes it before.
_KEPT_SECONDS = 90 * 86400.0


class Statuses:
    """The statuses of one account, whose folder is `root`."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "status"
        #: Beside `status/`, where partners do not see it.
        self._making = root / ".status"

    def say(self, name: str, upload: str, text: str) -> None:
        """What is known of an upload now, in place of what was said of it before. `upload` is its id, a UUIDv7."""
        for folder in (self._folder, self._making):
            folder.mkdir(parents=True, exist_ok=True)
        temporary = self._making / uuid4().hex
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._folder / status_name(name, upload))
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def expire(self, now: float) -> int:
        """Delete what is old, seconds since 1970; how many."""
        removed = 0
        for file in (*self._folder.glob("*"), *self._making.glob("*")):
            with contextlib.suppress(FileNotFoundError):  # partners delete theirs while we look
                if file.lstat().st_mtime < now - _KEPT_SECONDS:
                    file.unlink()
                    removed += 1
        return removed


def status_name(name: str, upload: str) -> str:
    """What the status of an upload is called."""
    value = UUID(upload)
    when = time.strftime("%Y%m%d-%H%M%S", time.gmtime((value.int >> 80) / 1000))
    safe = cut(file_name(os.fsencode(name.lstrip(".").replace("/", "_")))) or "_"
    return f"{safe}.{when}-{value.hex[-6:]}.txt"
