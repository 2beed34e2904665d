"""What the global options say, and what commands open by them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edi_server.config import Configuration
    from edi_server.desk.actions import Desk
    from edi_server.store import Store


class Session:
    """One call of the command line."""

    def __init__(self, config: Path | None, *, debug: bool) -> None:
        self._config = config
        self.debug = debug

    def configuration(self) -> Configuration:
        """The effective configuration; raises ConfigurationError."""
        from edi_server.config import Configuration

        return Configuration.load(self._config, os.environ)

    def find_guides(self) -> None:
        """Let guides be found that were added to the installation; without a readable configuration, ours alone."""
        from contextlib import suppress

        from edi_server.errors import ConfigurationError

        with suppress(ConfigurationError):
            self.configuration()

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The desk, for those who act."""
        from edi_server.desk.actions import Desk

        with Desk.open(self.configuration()) as desk:
            yield desk

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, for those who only look."""
        from edi_server.desk.actions import open_store

        with open_store(self.configuration()) as store:
            yield store
