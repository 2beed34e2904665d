"""Being told that something happened in a folder: a hint to look soon, never the reason to trust a file.

inotify knows nothing of what other machines do to a network file system, its limits are shared by the whole machine,
and events get lost when many come at once. So a look every few seconds decides, and the hint only makes it come sooner.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from watchdog.events import (
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from edi_server.errors import TransportError
from edi_server.transports.collecting import CLAIMED

#: Types in /proc/mounts of file systems that other machines write to.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "vboxsf"})
_MOUNTS = Path("/proc/mounts")


def _says_more_than_stopping(record: logging.LogRecord) -> bool:
    """False for what watchdog calls an error whenever its thread is stopped while it waits."""
    return "called when the thread is inactive" not in record.getMessage()


logging.getLogger("watchdog.observers.inotify").addFilter(_says_more_than_stopping)


class Watch:
    """Waits for something to happen below a folder. A context manager."""

    def __init__(self, folder: Path, mode: Literal["auto", "on", "off"] = "auto") -> None:
        """Start watching. Raises TransportError if `mode` is "on" and the operating system cannot."""
        self._hint = threading.Event()
        self._observer: BaseObserver | None = None
        #: Why it does without being told, in words; empty if it is told.
        self.without = self._start(folder, mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self, seconds: float) -> bool:
        """Wait until something happened, or for the time; True if something did. Hints before the call count."""
        hinted = self._hint.wait(max(0.0, seconds))
        self._hint.clear()
        return hinted

    def wake(self) -> None:
        """End a `wait` from another thread."""
        self._hint.set()

    def stop(self) -> None:
        """Stop watching; `wait` goes on working as a pause."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5)

    def _start(self, folder: Path, mode: str) -> str:
        if mode == "off":
            return "switched off"
        kind = file_system_of(folder)
        if mode == "auto" and (kind in _NETWORK or kind.startswith("fuse")):
            return f"{folder} is on a network file system ({kind})"
        observer = Observer()
        try:
            observer.schedule(_Handler(self._hint), str(folder), recursive=True)
            observer.start()
        except OSError as error:
            if mode == "on":
                raise TransportError(
                    f'{folder}: cannot be watched: {error}; set watch = "auto"', permanent=True
                ) from error
            return f"{folder} cannot be watched: {error}"
        self._observer = observer
        return ""


class _Handler(FileSystemEventHandler):
    """Turns events that can mean a finished file into the hint."""

    def __init__(self, hint: threading.Event) -> None:
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called on the observer's thread."""
        path = os.fsdecode(event.dest_path or event.src_path)
        telling = event.event_type in (EVENT_TYPE_CREATED, EVENT_TYPE_MOVED, EVENT_TYPE_CLOSED)
        if telling and f"/{CLAIMED}" not in path:
            self._hint.set()


def file_system_of(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Type of the file system that a folder is on, such as "ext4" or "nfs4"; empty where it cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    path = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        _, mount, mounted, *_ = line.split(" ")
        mount = mount.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, mounted
    return kind
