"""Runs `edi-server` in a process that kills itself at a chosen effect on the outside.

Effects are everything that a crash can cut in two: fsync, rename, link, unlink, a commit to a database, a call over HTTP.
Each counts twice, just before and just after. `CRASH_AT` is the number of the effect at which the process dies by SIGKILL;
`CRASH_LOG` gets one line naming it, so that the test can say how many different points were hit.
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

from sqlalchemy.engine.default import DefaultDialect

_count = itertools.count(1)
_lock = threading.Lock()
_armed = threading.Event()


def _where() -> str:
    """The innermost function of the product (or of the engine) on the stack."""
    for frame in reversed(traceback.extract_stack()[:-3]):
        path = Path(frame.filename).as_posix()
        if "/edi_server/" in path:
            return f"{path.rpartition('/edi_server/')[2]}:{frame.name}"
        if "/dbos/" in path:
            return f"dbos/{Path(path).name}:{frame.name}"
    return "?"


def _effect(label: str) -> None:
    if not _armed.is_set():
        return
    with _lock:
        if next(_count) != int(os.environ["CRASH_AT"]):
            return
        with Path(os.environ["CRASH_LOG"]).open("a") as log:
            log.write(f"{label} in {_where()}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def _mortal(owner: object, name: str) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        _effect(f"before {name}")
        result = original(*args, **kwargs)
        _effect(f"after {name}")
        return result

    setattr(owner, name, wrapped)


def main() -> None:
    for name in ("fsync", "rename", "replace", "link", "unlink"):
        _mortal(os, name)
    _mortal(DefaultDialect, "do_commit")
    _mortal(urllib.request.OpenerDirector, "open")
    from edi_server.cli import main as edi_server

    _armed.set()
    sys.argv[0] = "edi-server"
    edi_server()


if __name__ == "__main__":
    main()
