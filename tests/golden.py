"""Golden files: compared byte for byte, rewritten by `make golden`, reviewed like code."""

import os
from pathlib import Path

REWRITE = bool(os.environ.get("EDI_SERVER_REWRITE_GOLDEN"))


def compare(file: Path, content: bytes) -> None:
    """Raise AssertionError unless the file holds the content; rewrite it instead where that was asked for."""
    if REWRITE:
        file.write_bytes(content)
    assert file.is_file(), f"{file.name} is missing: make golden"
    assert content == file.read_bytes()
