"""A whole plant on embedded defaults: inbox, outbox, database, engine, and the ERP stand-in over real HTTP."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edi_server.config import Configuration
from edi_server.engine.corridor import Corridor
from edi_server.engine.daemon import Daemon
from edi_server.erp.sandbox import Sandbox
from edi_server.samples import SAMPLES

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "EDI_SERVER_ENGINE__POLL_SECONDS": "0.05",
    "EDI_SERVER_ENGINE__RETRIES__ATTEMPTS": "3",
    "EDI_SERVER_ENGINE__RETRIES__FIRST_SECONDS": "0.1",
    "EDI_SERVER_TRANSPORTS__RETRIES__ATTEMPTS": "3",
    "EDI_SERVER_TRANSPORTS__RETRIES__FIRST_SECONDS": "0.1",
    "EDI_SERVER_TRANSPORTS__FOLDER__QUIET_SECONDS": "0.1",
    "EDI_SERVER_TRANSPORTS__FOLDER__SCAN_SECONDS": "0.2",
}


class Plant:
    """What a test does with a plant, as a partner or a person would."""

    def __init__(self, folder: Path, sandbox: Sandbox, corridor: Corridor, daemon: Daemon) -> None:
        self.folder, self.sandbox, self.corridor, self.daemon = folder, sandbox, corridor, daemon
        self.store = corridor.store

    def drop_sample(self, name: str) -> None:
        """Hand in one of our own samples where it belongs."""
        [sample] = [one for one in SAMPLES if one.name == name]
        self.drop(sample.mailbox, sample.name, sample.content)

    def drop(self, mailbox: str, name: str, content: bytes) -> None:
        """Hand a file in as a careful partner does: written under another name, then renamed."""
        folder = self.folder / "inbox" / mailbox
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.rename(folder / name)

    def outbox(self, mailbox: str) -> dict[str, bytes]:
        """What the partner finds, by name."""
        folder = self.folder / "outbox" / mailbox
        return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*")) if path.is_file()}

    def settle(self, seconds: float = 30) -> None:
        """Wait until nothing is left to do."""
        inbox = self.folder / "inbox"

        def quiet() -> bool:
            # os.walk passes over folders that vanish while it looks.
            files = [name for _, _, names in os.walk(inbox) for name in names]
            return not files and not self.daemon.submitter.unfinished()

        self.until(quiet, seconds)

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Wait for something that has to happen."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.05)


@contextmanager
def running_plant(
    folder: Path,
    database_url: str,
    *,
    toml: str = "",
    prepare: Callable[[Path], None] = lambda _: None,
    **environ: str,
) -> Iterator[Plant]:
    """A plant in a new folder, with other settings than the tests' own where that is asked for.

    `prepare` may change partner files before anything reads them.
    """
    shutil.copytree(ROOT / "partners", folder / "partners")
    (folder / "edi-server.toml").write_text(toml)
    prepare(folder)
    environ = {**SETTINGS, "EDI_SERVER_DATABASE__URL": database_url, **environ}
    with Sandbox(folder / "var" / "sandbox.sqlite") as sandbox:
        corridor = Corridor(Configuration.load(folder / "edi-server.toml", environ), sandbox_url=sandbox.url)
        with Daemon(corridor) as daemon:
            yield Plant(folder, sandbox, corridor, daemon)
        corridor.store.close()


@pytest.fixture(name="running_plant")
def _running_plant() -> Callable[..., object]:
    """For plants with settings of their own."""
    return running_plant


@pytest.fixture
def plant(tmp_path: Path, empty_database_url: str) -> Iterator[Plant]:
    """A running plant on each kind of database."""
    with running_plant(tmp_path / "a plant", empty_database_url) as running:
        yield running
