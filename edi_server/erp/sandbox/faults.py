"""Trouble on purpose: the stand-in slow, away, cut off after it committed, or refusing."""

from __future__ import annotations

import threading
import time
from typing import Literal

import msgspec

from edi_server.erp.sandbox.refusals import Refusal

#: before: nothing has happened yet; inside: in the middle of the transaction (for `load()` between its snapshot and its
#: first insert, where races are lost); after: committed, not answered.
Stage = Literal["before", "inside", "after"]
Kind = Literal["delay", "drop", "status", "error"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One kind of trouble for the calls it fits."""

    kind: Kind
    stage: Stage = "before"
    #: Model and method of the call, "*" for any; "login" is the method of the service `common`.
    model: str = "*"
    method: str = "*"
    #: delay: how long.
    seconds: float = 0.0
    #: status: the HTTP status that is answered.
    status: int = 503
    #: error: Odoo's name and text.
    name: str = "odoo.exceptions.UserError"
    message: str = "Refused on purpose."
    #: How many calls it hits; None: all.
    times: int | None = 1

    def fits(self, model: str, method: str, stage: Stage) -> bool:
        """Whether it hits that call now."""
        return self.stage == stage and self.model in ("*", model) and self.method in ("*", method)


class Dropped(Exception):  # noqa: N818 — an order to the server
    """Close the connection without an answer."""


class Answered(Exception):  # noqa: N818 — an order to the server
    """Answer with that HTTP status instead."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Faults:
    """The plan; changes take effect for the next call."""

    def __init__(self) -> None:
        self._plan: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, faults: list[Fault]) -> None:
        """Replace the plan; an empty list ends all trouble."""
        with self._lock:
            self._plan = list(faults)

    def left(self) -> list[Fault]:
        """What is still to come."""
        with self._lock:
            return list(self._plan)

    def strike(self, model: str, method: str, stage: Stage) -> None:
        """Cause what is planned for this moment; raises Dropped, Answered or Refusal."""
        for fault in self._take(model, method, stage):
            if fault.kind == "delay":
                time.sleep(fault.seconds)
            elif fault.kind == "drop":
                raise Dropped
            elif fault.kind == "status":
                raise Answered(fault.status)
            else:
                raise Refusal(fault.message, name=fault.name)

    def _take(self, model: str, method: str, stage: Stage) -> list[Fault]:
        with self._lock:
            found = [fault for fault in self._plan if fault.fits(model, method, stage)]
            for fault in found:
                if fault.times is not None:
                    fault.times -= 1
            self._plan = [fault for fault in self._plan if fault.times is None or fault.times > 0]
        return found
