"""The demo's own plant: a folder with configuration, partners and mailboxes, and the daemon as a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Self, TypeVar

from edi_server.config import Configuration
from edi_server.desk.presence import find_sandbox, is_daemon_running
from edi_server.errors import ConfigurationError, EdiServerError

MARK = "# Made by `edi-server demo`, which replaces this folder when it runs again."
#: Quicker than the defaults, which are made for slow networks and large files.
CONFIGURATION = f"""{MARK}
# Everything that is not said here is the default: SQLite and archive below var/, the embedded ERP sandbox.

[transports.folder]
quiet_seconds = 0.2
scan_seconds = 1.0

[engine]
poll_seconds = 0.1
"""
#: A daemon that is not up by then, or not down, will never be.
START_SECONDS, STOP_SECONDS = 30.0, 15.0
POLL_SECONDS = 0.1

T = TypeVar("T")


class NotHappened(EdiServerError):  # noqa: N818 — what the demo waited for
    """Something that the demo waited for did not happen; the message names it."""


class DemoPlant:
    """A context manager: the daemon runs inside the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.file = self.folder / "edi-server.toml"
        self.log = self.folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        _make_room(self.folder)
        self.folder.mkdir(parents=True)
        self.file.write_text(CONFIGURATION, encoding="utf-8")
        shutil.copytree(partner_files(), self.folder / "partners")
        # The person's own environment is theirs; the demo is the same everywhere.
        self.configuration = Configuration.load(self.file, {})

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 — our own command line, with a path of our own making
                [sys.executable, "-m", "edi_server", "--config", str(self.file), "serve"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(os.environ),
                # Ctrl-C is for the demo, which then stops the daemon.
                start_new_session=True,
            )
        try:
            self.wait(lambda: find_sandbox(self.data), "the daemon starts", START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        """Where the daemon says that it runs."""
        return Path(self.configuration.settings.paths.data)

    def drop(self, mailbox: str, name: str, content: bytes) -> None:
        """Hand a file in as a careful partner does: written under another name, then renamed."""
        folder = self.folder / "inbox" / mailbox
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.rename(folder / name)

    def outbox(self, mailbox: str) -> list[str]:
        """Names of the files that the partner finds."""
        return sorted(one.name for one in (self.folder / "outbox" / mailbox).glob("[!.]*"))

    def wait(self, look: Callable[[], T], what: str, seconds: float = 20.0) -> T:
        """What `look` finds as soon as it finds something; raises NotHappened, naming `what`."""
        end = time.monotonic() + seconds
        while not (found := look()):
            if self._process is not None and self._process.poll() is not None:
                raise NotHappened(f"the daemon ended by itself (exit code {self._process.returncode}): {what}")
            if time.monotonic() > end:
                raise NotHappened(f"this did not happen within {seconds:.0f} seconds: {what}")
            time.sleep(POLL_SECONDS)
        return found

    def stop(self) -> None:
        """Stop the daemon as an operator does; by force if it does not listen."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the daemon wrote."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def _make_room(folder: Path) -> None:
    """Remove the folder of an earlier demo; raises ConfigurationError if it is something else, or at work."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        shutil.rmtree(folder, ignore_errors=True)
        return
    file = folder / "edi-server.toml"
    if not (file.is_file() and file.read_text(encoding="utf-8", errors="replace").startswith(MARK)):
        message = f"{folder} is not the folder of an earlier demo; name another one by `edi-server demo --folder`."
        raise ConfigurationError(message)
    if is_daemon_running(folder / "var"):
        raise ConfigurationError(f"A daemon is running on {folder}; stop it first.")
    shutil.rmtree(folder)


def partner_files() -> Path:
    """The demo's partner files: those of a checkout, or the copy that is installed with the package."""
    package = Path(str(resources.files("edi_server")))
    for folder in (package.parent / "partners", package / "demo" / "partners"):
        if (folder / "nordmarkt.toml").is_file():
            return folder
    raise ConfigurationError(f"The demo's partner files are missing beside {package}; reinstall edi-server.")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours without the variables that would configure the daemon, and with the package where we found it."""
    kept = {name: value for name, value in environ.items() if not name.startswith("EDI_SERVER_")}
    package = str(Path(str(resources.files("edi_server"))).parent)
    kept["PYTHONPATH"] = os.pathsep.join(part for part in (package, environ.get("PYTHONPATH")) if part)
    kept["PYTHONUNBUFFERED"] = "1"
    return kept
