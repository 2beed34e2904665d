"""What is wrong with the machine, as exceptions: each knows whether trying again can help.

What is wrong with a document is never one of these; it is a `edi_server.findings.Finding`.
"""

from __future__ import annotations


class EdiServerError(Exception):
    """Base of every error this project raises on purpose.

    The message is for an operator and says what to do. `permanent` is True where a retry of the same
    call cannot succeed until a person changes something.
    """

    permanent: bool = True

    def __init__(self, message: str, *, permanent: bool | None = None) -> None:
        super().__init__(message)
        if permanent is not None:
            self.permanent = permanent


class ConfigurationError(EdiServerError):
    """A configuration, partner or profile file is wrong; the message names file, line or path, and key."""


class TransportError(EdiServerError):
    """Bytes could not be collected or delivered. Passing unless said otherwise.

    `retry_after`: seconds that the other side asked us to wait, 0 where it said nothing.
    """

    permanent = False

    def __init__(self, message: str, *, permanent: bool | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message, permanent=permanent)
        self.retry_after = retry_after


class ErpError(EdiServerError):
    """The ERP refused or did not answer.

    `name` is the ERP's own name of the error (Odoo: `error.data.name`), or the name of the connection error.
    Permanent when the ERP judged the content, passing when the ERP was away, busy or lost a race.
    """

    def __init__(self, message: str, *, permanent: bool, name: str = "") -> None:
        super().__init__(message, permanent=permanent)
        self.name = name


class StoreError(EdiServerError):
    """The database or the archive could not be read or written. Passing unless said otherwise."""

    permanent = False
