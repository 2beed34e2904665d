"""Who acts, and what they may do: the one check that every action passes."""

from __future__ import annotations

from typing import Literal

import msgspec

from edi_server.errors import EdiServerError

Role = Literal["operator", "buyer", "viewer"]
Action = Literal[
    "reprocess",
    "resend",
    "reject",
    "assign case",
    "close case",
    "resume",
    "resolve",
    "run schedule",
    "import certificate",
]
_EVERYTHING: frozenset[Action] = frozenset(
    (
        "reprocess",
        "resend",
        "reject",
        "assign case",
        "close case",
        "resume",
        "resolve",
        "run schedule",
        "import certificate",
    )
)
#: What each role may do. Looking is no action.
RIGHTS: dict[Role, frozenset[Action]] = {
    "operator": _EVERYTHING,
    "buyer": frozenset(("reprocess", "reject", "assign case", "close case")),
    "viewer": frozenset(),
}


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts; the name goes into the audit trail."""

    name: str
    role: Role = "operator"


class NotAllowed(EdiServerError):  # noqa: N818 — a decision about a person, not an error of the machine
    """The actor's role does not cover the action."""


class NotPossible(EdiServerError):  # noqa: N818 — the answer to a wish, not an error of the machine
    """The action cannot be done as things are; the message says why, and what to do instead."""


def demand(actor: Actor, action: Action) -> None:
    """Raise NotAllowed unless the actor may do that."""
    if action not in RIGHTS[actor.role]:
        allowed = ", ".join(role for role, actions in RIGHTS.items() if action in actions)
        raise NotAllowed(f"{actor.name} is a {actor.role} and may not {action}; ask somebody who is {allowed}.")
