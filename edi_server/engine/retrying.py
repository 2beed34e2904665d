"""What becomes of a step: its result, a failure that is tried again after a while, or one that is given up.

All of it is decided inside the step and recorded with it, so that a workflow that is replayed after a crash goes the
way it went, whatever was configured or agreed anew meanwhile.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from edi_server.errors import EdiServerError, TransportError

log = logging.getLogger(__name__)

#: Seconds that a partner's system may ask us to stay away at a time; whoever asks for more is asked again then.
LONGEST_ASKED = 3600.0


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How failures of the machine are retried: waits grow by `factor` from `first` seconds up to `longest`."""

    limit: int = 8
    first: float = 1.0
    factor: float = 3.0
    longest: float = 600.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after that many failures, the first being 1."""
        try:
            return float(min(self.first * self.factor ** (failures - 1), self.longest))
        except OverflowError:
            return self.longest


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The last failure of a step that was given up."""

    error: str
    permanent: bool
    attempts: int
    trace: str = ""


class GaveUp(Exception):  # noqa: N818 — a decision, not an error of the machine
    """A step failed permanently or too often; the workflow parks its work where a person sees it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


class NotYet(Exception):  # noqa: N818 — nothing is wrong
    """Raised by a step whose turn comes later; it is called again after some seconds, and nothing has failed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not before {seconds:.1f} s have passed")
        self.seconds = seconds


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one call of a step ended, as the engine records it: with an error, to be called again `later`, or done."""

    result: Any = None
    error: str = ""
    permanent: bool = False
    trace: str = ""
    #: Seconds from an error until the next attempt; None to give up; unset in what earlier releases recorded.
    wait: float | msgspec.UnsetType | None = msgspec.UNSET
    later: float | None = None


def call(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    *,
    failures: int,
    retries: Callable[[], Retries],
    usual: Retries = Retries(),  # noqa: B008 — it cannot be changed
    is_last: bool,
) -> Outcome:
    """Call a step after so many failures. A failure is a value: a workflow decides on it, also when it is replayed.

    `usual` counts where what was agreed cannot be found: it may stand in the store that has just failed.
    """
    try:
        return Outcome(result=function(*arguments))
    except NotYet as turn:
        return Outcome(later=turn.seconds)
    except EdiServerError as error:
        log.info("step failed", exc_info=True)
        asked = error.retry_after if isinstance(error, TransportError) else 0.0
        told, permanent, trace = str(error), error.permanent, ""
    except Exception as error:  # the edge where unknown errors become dead letters
        log.exception("step failed unexpectedly")
        asked = 0.0
        told, permanent, trace = f"{type(error).__name__}: {error}", False, traceback.format_exc(limit=20)
    failed = Outcome(error=told or "it failed without a word", permanent=permanent, trace=trace)
    wait = wait_after(failed, failures + 1, _agreed(retries, usual), is_last=is_last)
    return msgspec.structs.replace(failed, wait=wait if wait is None else max(wait, min(asked, LONGEST_ASKED)))


def _agreed(retries: Callable[[], Retries], usual: Retries) -> Retries:
    try:
        return retries()
    except EdiServerError as error:
        log.warning("how often it is tried again cannot be found, so it is as usual: %s", error)
        return usual


def wait_after(failed: Outcome, failures: int, retries: Retries, *, is_last: bool) -> float | None:
    """Seconds until the next attempt after that many failures; None to give up."""
    if failed.wait is not msgspec.UNSET:
        return failed.wait
    if failed.permanent or (failures >= retries.limit and not is_last):
        return None
    return retries.wait(failures)
