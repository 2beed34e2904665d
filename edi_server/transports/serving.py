"""HTTPS for our own listeners."""

from __future__ import annotations

import ssl

from edi_server.errors import ConfigurationError


def server_context(certificate: str, private_key: str, client_authorities: str = "") -> ssl.SSLContext:
    """TLS 1.2 and later from PEM files; with authorities, clients need a certificate of theirs.

    Raises ConfigurationError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, private_key)
        if client_authorities:
            context.load_verify_locations(client_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"{certificate}, {private_key}: cannot be used for TLS: {error}") from error
    return context
