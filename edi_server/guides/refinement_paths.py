"""How a guideline names places of a message; `edi_server.guides.refinement_places` says where these are in a guide.

    DTM[2005=137]                    a segment, by its qualifier; in the message outside groups
    LIN/PRI[5125=AAA].5118           a data element, inside the groups that LIN and PRI begin; SG25/SG28 says the same
    LIN/PIA.C212[7143=SA].7140       a data element beside a qualifier in the same composite
    */DTM.2379                       wherever DTM stands
    summary:MOA[5025=86]             behind UNS
    REF[01=IA].02, SV1.01-2          X12: elements and components by number

The addressing is that of profiles (docs/profiles.md). Profiles are translated by a room that stands above this one and
asks for more (writing, order of alternatives), so this is the part of it that guides need, and no more.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_STEP = re.compile(r"(\*|[A-Z][A-Z0-9_]*)((?:\[[^\[\]]*\])*)")
_CONDITION = re.compile(r"\[([^\[\]]*)\]")
_TEST = re.compile(r"(!?)([0-9]{4}|[0-9]{2}(?:-[0-9]{1,2})?)(?:(!?=)(.+))?")
_LEAF = re.compile(r"(?:([CES][0-9]{3})((?:\[[^\[\]]*\])*)\.)?([0-9]{4}|[0-9]{2}(?:-[0-9]{1,2})?)")
_SECTION = re.compile(r"(?:(header|detail|summary):)?")


class PathError(ValueError):
    """The text is not a path; the message is half a sentence that says why."""


class Condition(msgspec.Struct, frozen=True):
    """`[2005=137|2]`, `[2005!=2]`; without values `[2005]` "is filled" and `[!2005]` "is empty"."""

    element: str
    values: tuple[str, ...] = ()
    negated: bool = False

    @property
    def text(self) -> str:
        """In words, such as "2005 = 137"."""
        if not self.values:
            return f"{self.element} {'empty' if self.negated else 'filled'}"
        return f"{self.element} {'≠' if self.negated else '='} {' or '.join(self.values)}"


class Step(msgspec.Struct, frozen=True):
    """The tag of a segment, or the name of a group, which is its trigger."""

    tag: str
    conditions: tuple[Condition, ...] = ()


class Leaf(msgspec.Struct, frozen=True):
    """A data element of the last step's segment, in a composite if that is named."""

    element: str
    composite: str = ""
    conditions: tuple[Condition, ...] = ()


class Path(msgspec.Struct, frozen=True):
    """A parsed path; `text` is what the author wrote."""

    text: str
    steps: tuple[Step, ...]
    leaf: Leaf | None = None
    section: str = ""

    @property
    def conditional(self) -> bool:
        """True if some step or composite has a condition."""
        return any(step.conditions for step in self.steps) or bool(self.leaf and self.leaf.conditions)

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Parse a path; raises PathError."""
    section = _SECTION.match(text.strip())
    rest = text.strip()[section.end() :] if section else text
    *outer, last = re.split(r"\s*/\s*(?![^\[]*\])", rest)
    cut = re.search(r"\.(?![^\[]*\])", last)
    leaf = _parse_leaf(last[cut.end() :]) if cut else None
    steps = tuple(map(_parse_step, [*outer, last[: cut.start()] if cut else last]))
    if any(step.tag == "*" for step in steps[1:]) or steps == (Step("*"),):
        raise PathError("has * where no segment follows it: write */DTM")
    return Path(text, steps, leaf, (section[1] if section else None) or "")


def _parse_step(text: str) -> Step:
    match = _STEP.fullmatch(text.strip())
    if match is None:
        raise PathError(f"{text.strip()!r} is not a step: write a tag such as DTM or DTM[2005=2]")
    return Step(match[1], tuple(map(_parse_condition, _CONDITION.findall(match[2]))))


def _parse_condition(text: str) -> Condition:
    match = _TEST.fullmatch(text.strip())
    if match is None or (match[1] and match[3]):
        raise PathError(f"[{text}] is not a condition: write [2005=2], [2005=2|64], [2005!=2], [2005] or [!2005]")
    values = tuple(match[4].split("|")) if match[4] else ()
    if "" in values:
        raise PathError(f"[{text}] has an empty value")
    return Condition(match[2], values, negated=match[1] == "!" or match[3] == "!=")


def _parse_leaf(text: str) -> Leaf:
    match = _LEAF.fullmatch(text.strip())
    if match is None:
        raise PathError(f"{text!r} is not a data element: write 3039, C082.3039, or 03 and 03-2 in X12")
    return Leaf(match[3], match[1] or "", tuple(map(_parse_condition, _CONDITION.findall(match[2] or ""))))
