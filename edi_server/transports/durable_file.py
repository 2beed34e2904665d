"""Small files that survive a crash: wholly the old content, or wholly the new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from edi_server.errors import TransportError
from edi_server.transports.renaming import sync_folder


def write_durably(path: Path, content: bytes | bytearray, *, mode: int = 0o666) -> None:
    """Write or replace a file, making its folder where it is absent. Raises TransportError.

    `mode`: its permissions, less those that the umask takes; 0o600 for secrets, which nobody else can read even for
    a moment.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TransportError(f"{path}: cannot be written: {error.strerror}") from error


def read_all(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """The finished files of a folder, by name; none where it is absent. Raises TransportError."""
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        for file in files:
            if not file.name.startswith("."):
                try:
                    yield file, file.read_bytes()
                except FileNotFoundError:
                    continue
    except OSError as error:
        raise TransportError(f"{folder}: cannot be read: {error.strerror}") from error


class told:  # noqa: N801 — read as a word: with told(folder)
    """Turns what the disk says into an error that says which file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            name = error.filename or self._path
            raise TransportError(f"{name}: cannot be read or written: {error.strerror}") from error
