"""Is the daemon running, and where is its sandbox? Told by files below `paths.data`, so that any process can see."""

from __future__ import annotations

import fcntl
from pathlib import Path

LOCK = "daemon.lock"
SANDBOX_URL = "sandbox.url"


def is_daemon_running(data: Path) -> bool:
    """True if a daemon works on that data folder: it holds the lock for as long as it lives."""
    try:
        with (data / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def announce_sandbox(data: Path, url: str) -> None:
    """Write down where the embedded sandbox listens."""
    data.mkdir(parents=True, exist_ok=True)
    part = data / f".{SANDBOX_URL}.part"
    part.write_text(f"{url}\n", encoding="ascii")
    part.replace(data / SANDBOX_URL)


def withdraw_sandbox(data: Path) -> None:
    """The sandbox has stopped."""
    (data / SANDBOX_URL).unlink(missing_ok=True)


def find_sandbox(data: Path) -> str:
    """Where the embedded sandbox of the running daemon listens, or "" if there is none."""
    try:
        return (data / SANDBOX_URL).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
