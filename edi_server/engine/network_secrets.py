"""Secrets and files that partner files name, read for the transports."""

from __future__ import annotations

from pathlib import Path

from edi_server.config import Configuration
from edi_server.errors import ConfigurationError
from edi_server.partners.exchange import Secret
from edi_server.partners.exchange import Tls as AgreedTls
from edi_server.transports.posting import Tls


def read_text(secret: Secret | None, configuration: Configuration) -> str:
    """The secret's value, "" for none. Raises ConfigurationError."""
    return configuration.secrets.resolve(secret.secret) if secret else ""


def tls_of(agreed: AgreedTls | None, configuration: Configuration) -> Tls | None:
    """How a server is known, and how it knows us. Raises ConfigurationError."""
    if agreed is None:
        return None
    folder = Path(configuration.settings.paths.partners)
    return Tls(
        authorities=_read(folder, agreed.authorities),
        certificate=_read(folder, agreed.certificate),
        private_key=read_text(agreed.private_key, configuration),
    )


def _read(folder: Path, name: str) -> str:
    if not name:
        return ""
    try:
        return (folder / name).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{folder / name}: cannot be read as PEM: {error}") from error
