"""The keys that our SFTP endpoint shows: made at the first start, then always the same."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import asyncssh

from edi_server.errors import ConfigurationError
from edi_server.transports.durable_file import write_durably

#: What a file that is absent gets, by what stands in its name.
_KINDS: dict[str, tuple[str, dict[str, int]]] = {
    "ecdsa": ("ecdsa-sha2-nistp256", {}),
    "rsa": ("ssh-rsa", {"key_size": 3072}),
    "ed25519": ("ssh-ed25519", {}),
}


def load_host_keys(files: Iterable[str]) -> list[asyncssh.SSHKey]:
    """The keys in the files, those that are absent made (mode 0600). Raises ConfigurationError, TransportError."""
    return [_load(Path(file)) for file in files]


def _load(file: Path) -> asyncssh.SSHKey:
    if not file.exists():
        _make(file)
    try:
        return asyncssh.read_private_key(str(file))
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigurationError(f"{file}: cannot be used as a host key: {error}") from error


def _make(file: Path) -> None:
    algorithm, options = next((made for kind, made in _KINDS.items() if kind in file.name), _KINDS["ed25519"])
    key = asyncssh.generate_private_key(algorithm, comment="edi-server", **options)
    before = os.umask(0o077)
    try:
        write_durably(file, key.export_private_key())
    finally:
        os.umask(before)
    write_durably(file.with_name(f"{file.name}.pub"), key.export_public_key())
    file.with_name(f"{file.name}.pub").chmod(0o644)
