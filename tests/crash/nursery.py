"""Runs daemons that kill themselves at a chosen effect on the outside.

Effects are everything that a crash can cut in two: fsync, rename, link, unlink, a commit to a database, a call over
HTTP, a request to an SFTP server. Each counts twice, just before and just after; the engine's looking for work does not count. Commands come on
standard input, one a line: the next daemon dies by SIGKILL at the n-th effect at a place where none has died before,
or, for 0, lives until it is ended. Each is forked from this process, which has everything imported and no threads, so
that a death costs a tenth of a second instead of two.

    python nursery.py CONFIG SANDBOX_URL LOG     (LOG gets a line for each death, naming the place)
"""

import functools
import itertools
import os
import signal
import sys
import threading
import traceback
import urllib.request
from pathlib import Path

from aiohttp import ClientSession
from asyncssh.sftp import SFTPClientHandler
from dbos import DBOS  # noqa: F401 — imported before the forks
from sqlalchemy.engine.default import DefaultDialect

from edi_server.config import Configuration
from edi_server.engine.corridor import Corridor
from edi_server.engine.daemon import Daemon

SETTINGS = {
    "EDI_SERVER_ENGINE__POLL_SECONDS": "0.02",
    "EDI_SERVER_ENGINE__RETRIES__FIRST_SECONDS": "0.1",
    "EDI_SERVER_TRANSPORTS__RETRIES__FIRST_SECONDS": "0.1",
    "EDI_SERVER_TRANSPORTS__FOLDER__QUIET_SECONDS": "0",
    "EDI_SERVER_TRANSPORTS__FOLDER__SCAN_SECONDS": "0.1",
    "EDI_SERVER_SECRETS_DIR": os.environ.get("EDI_TEST_SECRETS", ""),
}


class Death:
    """Counts effects, and comes at the chosen one."""

    def __init__(self, at: int, log: Path) -> None:
        self._at, self._log = at, log
        self._known = set(log.read_text().splitlines())
        #: Only effects there count; "" is everywhere.
        self._places = os.environ.get("EDI_TEST_DEATHS_IN", "").split(",")
        self._count = itertools.count(1)
        self._lock = threading.Lock()

    def effect(self, label: str) -> None:
        where = _where()
        if not where or not any(place in where for place in self._places) or f"{label} in {where}" in self._known:
            return
        with self._lock:
            if next(self._count) != self._at:
                return
            with self._log.open("a") as log:
                log.write(f"{label} in {where}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: object, name: str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def watched(*args, **kwargs):
            self.effect(f"before {name}")
            result = original(*args, **kwargs)
            self.effect(f"after {name}")
            return result

        setattr(owner, name, watched)

    def watch_awaited(self, owner: type, name: str) -> None:
        """The same for what is asked of a partner's server: it may have been done, and the answer lost."""
        original = getattr(owner, name)

        @functools.wraps(original)
        async def watched(*args, **kwargs):
            self.effect(f"before {name}")
            result = await original(*args, **kwargs)
            self.effect(f"after {name}")
            return result

        setattr(owner, name, watched)


#: What the engine writes down about work, as opposed to its looking for some.
_CHECKPOINTS = ("record", "update_workflow", "init_workflow", "insert")


def _where() -> str:
    """The innermost functions of the product (or of the engine writing a checkpoint) on the stack; "" for none."""
    ours, frame = [], sys._getframe(3)
    while frame is not None and len(ours) < 3:
        path, name = Path(frame.f_code.co_filename).as_posix(), frame.f_code.co_name
        if name in ("launch", "pick_up"):
            return ""
        if "/edi_server/" in path:
            ours.append(f"{path.rpartition('/edi_server/')[2]}:{name}")
        elif "/dbos/" in path and not ours and name.startswith(_CHECKPOINTS):
            return f"{path.rpartition('/dbos/')[2]}:{name}"
        frame = frame.f_back
    return " < ".join(ours)


def _live(config: Path, sandbox_url: str, death: Death | None) -> None:
    corridor = Corridor(Configuration.load(config, SETTINGS), sandbox_url=sandbox_url)
    daemon = Daemon(corridor)
    if death is not None:
        for name in ("fsync", "rename", "replace", "link", "unlink"):
            death.watch(os, name)
        death.watch(DefaultDialect, "do_commit")
        death.watch(urllib.request.OpenerDirector, "open")
        for name in ("open", "read", "write", "close", "rename", "remove"):
            death.watch_awaited(SFTPClientHandler, name)
        death.watch_awaited(ClientSession, "_request")
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    with daemon:
        daemon.wait()


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    config, sandbox_url, log = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    for line in sys.stdin:
        at = int(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _live(config, sandbox_url, Death(at, log) if at else None)
                code = 0
            except BaseException:  # noqa: BLE001 — whatever it is, the test has to see it
                traceback.print_exc()
            finally:
                os._exit(code)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
