"""The command line `edi-server`: words in, words out; everything it does is done at the desk.

In: arguments. Out: text for people, JSON for programs (`--json`), an exit code. Never here: decisions, SQL, EDI.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of `edi-server` and `python -m edi_server`."""
    from edi_server.cli.application import app

    app(prog_name="edi-server")
