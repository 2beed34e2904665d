"""`python -m edi_server.erp.sandbox`: the stand-in as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from edi_server.erp.sandbox import VERSIONS, Sandbox


def main() -> int:
    """Serve until SIGTERM or SIGINT; the first line of output is the URL, written when it answers."""
    parser = argparse.ArgumentParser(prog="python -m edi_server.erp.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8069, help="0 takes a free one (default: 8069)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--path", type=Path, help="SQLite file; without it the content is gone at the end")
    parser.add_argument(
        "--database", default="demo", help="name of the database that clients must give (default: demo)"
    )
    parser.add_argument("--version", choices=VERSIONS, default="17.0", help="which Odoo to be (default: 17.0)")
    chosen = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    sandbox = Sandbox(chosen.path, version=chosen.version, database=chosen.database, host=chosen.host, port=chosen.port)
    with sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
