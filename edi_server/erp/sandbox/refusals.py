"""Errors that Odoo answers, by the names a client tells them apart by."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 — it travels as an answer
    """An error that becomes `error.data` of the answer; `name` is Odoo's."""

    name = "odoo.exceptions.UserError"

    def __init__(self, message: str, *, name: str | None = None) -> None:
        super().__init__(message)
        if name is not None:
            self.name = name


class UserRefusal(Refusal):
    """The call makes no sense in the state things are in."""


class InvalidRefusal(Refusal):
    """A constraint does not hold."""

    name = "odoo.exceptions.ValidationError"


class AccessRefusal(Refusal):
    """The user has no right to do that."""

    name = "odoo.exceptions.AccessError"


class DeniedRefusal(Refusal):
    """Unknown user or wrong password."""

    name = "odoo.exceptions.AccessDenied"

    def __init__(self) -> None:
        super().__init__("Access Denied")


class MissingRefusal(Refusal):
    """A record does not exist or was deleted."""

    name = "odoo.exceptions.MissingError"


class LostRace(Exception):  # noqa: N818 — an outcome of `load()`, never sent as an error
    """A concurrent transaction created the same external id first."""
