"""A refinement as its author wrote it, read and merged: what docs/refinements.md describes, as frozen records."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from edi_server.findings import Severity
from edi_server.guides.refinement_paths import Path

Presence = Literal["mandatory", "recommended", "optional", "unused"]
#: What a rule demands of its terms.
RuleKind = Literal[
    "all_of", "any_of", "none_of", "exactly_one_of", "at_most_one_of", "all_or_none", "equal", "at_most", "unique"
]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a guideline, which its author must mend."""

    file: str
    line: int | None
    #: Such as `narrow."DTM[2005=137]".codes`.
    key: str
    sentence: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.sentence}"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Whose line it is: what a finding names."""

    #: Title of the guideline that the line stands in.
    title: str
    #: The author's reason, such as "Handbook 4.2, section 3.1"; "" where none was given.
    why: str
    file: str
    line: int | None
    key: str

    def problem(self, sentence: str, *, under: str = "") -> Problem:
        """A problem with this line, or with one of its keys."""
        key = f"{self.key}.{under}" if under else self.key
        return Problem(file=self.file, line=self.line, key=key, sentence=sentence)


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `[narrow]`: what one place may hold. None leaves it to the standard."""

    path: Path
    origin: Origin
    severity: Severity = "error"
    presence: Presence | None = None
    repeat: int | None = None
    codes: frozenset[str] | None = None
    extra_codes: frozenset[str] = frozenset()
    min_length: int | None = None
    max_length: int | None = None
    #: Such as ("n8", "n13"): characters and length, any of them.
    formats: tuple[str, ...] = ()
    #: The line allows more than the standard, on purpose.
    widens: bool = False


class Formula(msgspec.Struct, frozen=True):
    """A side of `equal` or `at_most`: `count(LIN)`, `sum(LIN/QTY[6063=21].6060)`, the value at a path, or a number."""

    text: str
    kind: Literal["count", "sum", "value", "number"]
    path: Path | None = None
    number: Decimal | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A table `[rules.<name>]`: what must hold in the message, or in each group that `each` names."""

    name: str
    origin: Origin
    severity: Severity = "error"
    each: Path | None = None
    #: The rule applies where all of these are there, and none of `unless`.
    when: tuple[Path, ...] = ()
    unless: tuple[Path, ...] = ()
    kind: RuleKind
    #: For `equal` and `at_most` in `formulas`.
    terms: tuple[Path, ...] = ()
    formulas: tuple[Formula, ...] = ()
    tolerance: Decimal = Decimal(0)


class Refinement(msgspec.Struct, frozen=True, kw_only=True):
    """A guideline with everything that it extends; while there are author errors (`problems`) nothing works by it."""

    #: Name of its file, such as "nordmarkt-orders".
    name: str
    title: str
    file: str
    syntax: Literal["edifact", "x12"]
    message: str
    versions: tuple[str, ...]
    narrowings: tuple[Narrowing, ...]
    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...] = ()
    #: SHA-256 of all files that it was read from.
    digest: str = ""
