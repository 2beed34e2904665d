"""Trying what was agreed with a partner, step by step; nothing is exchanged, and what is written for it goes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edi_server.config import Configuration, address_of
from edi_server.partners import Partner
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step, reach

#: Tries one way of a partner (a table of its file). Raises EdiServerError where it cannot even be tried.
Trial = Callable[[Partner, Configuration, Loop], Iterator[Step]]


def try_listener(listen: str, key: str, loop: Loop) -> Iterator[Step]:
    """Whether a listener of ours is there."""
    if not listen:
        yield Step("listener", False, f"{key} is empty: nobody can connect")
        return
    host, port = address_of(listen)
    if port == 0:
        yield Step("listener", True, "on any free port, which the daemon's log tells")
        return
    # Whoever listens everywhere is reached here.
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 — nothing is bound
    last = loop.run(reach(here, port, seconds=10), 40)[-1]
    yield Step("listener", last.ok, f"{listen}: {last.told}")
