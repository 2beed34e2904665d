"""Segment paths: how a profile says where in a message a value stands.

    DTM[2005=2|64].2380         the data element 2380, wherever in the segment it is
    PIA[4347=5] / C212[7143=SA].7140     the repetition of C212 with that qualifier
    NAD.C080.3036*              all of 3036 in C080
    summary:MOA[5025=86].5004   behind UNS
    !BGM.4343                   a constant that is always written

Elements of X12 have positions instead, two digits, and neighbouring elements may be one thing (a *run*):

    DTM[01=002].02              the second element of the DTM whose first is 002
    MEA.04-1                    the first component of its fourth
    PO1.(06,07)[UP|EN]          07 of the pair 06/07 (or 08/09, 10/11, …) whose first is UP or EN
    PO1 / (06,07)[06!=UP|EN]    every other such pair; inside, (06,07).06 and (06,07).07
    N3.(01,02)*                 all of them

Paths of other syntaxes (XML, columns) will be parsed elsewhere into records of their own.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_RUN = r"\([0-9]{2}(?:,[0-9]{2})+\)"
_COMPOSITE = re.compile(rf"[CES][0-9]{{3}}|{_RUN}")
#: A data element of EDIFACT, or a position in a segment of X12, with or without a component.
_NAME = r"[0-9]{4}|[0-9]{2}(?:-[0-9]{1,2})?"
_ELEMENT = re.compile(_NAME)
_STEP = re.compile(rf"([A-Z][A-Z0-9]{{1,2}}|[CES][0-9]{{3}}|{_RUN})((?:\[[^\[\]]*\])*)")
_CONDITION = re.compile(r"\[([^\[\]]*)\]")
_TEST = re.compile(rf"(!?)({_NAME})(?:(!?=)(.+))?")
_PREFIX = re.compile(r"(!?)(?:(header|detail|summary):)?")


class PathError(ValueError):
    """The text is not a path; the message is half a sentence that says why."""


class Condition(msgspec.Struct, frozen=True):
    """A test of one data element: `[el=a|b]`, `[el!=a|b]`; without values `[el]` "is filled", `[!el]` "is empty"."""

    element: str
    values: tuple[str, ...] = ()
    negated: bool = False

    def __str__(self) -> str:
        if not self.values:
            return f"[{'!' if self.negated else ''}{self.element}]"
        return f"[{self.element}{'!=' if self.negated else '='}{'|'.join(self.values)}]"


class Step(msgspec.Struct, frozen=True):
    """One step: the tag of a segment (or of a group, which is its trigger), or a composite inside a segment."""

    tag: str
    conditions: tuple[Condition, ...] = ()

    @property
    def is_composite(self) -> bool:
        """True for a composite such as C212, or a run such as (06,07)."""
        return _COMPOSITE.fullmatch(self.tag) is not None

    def __str__(self) -> str:
        return self.tag + "".join(map(str, self.conditions))


class Leaf(msgspec.Struct, frozen=True):
    """A data element of the last step's segment, in a composite if that is named."""

    element: str
    composite: Step | None = None
    #: True for `3036*`: all of them.
    every: bool = False


class Path(msgspec.Struct, frozen=True):
    """A parsed path; `text` is what the author wrote."""

    text: str
    steps: tuple[Step, ...]
    leaf: Leaf | None = None
    section: str | None = None
    #: True for `!path`.
    always: bool = False

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """Parse a segment path; raises PathError."""
    prefix = _PREFIX.match(text.strip())
    if prefix is None:  # the pattern matches the empty text
        raise PathError("is not a path")
    rest = text.strip()[prefix.end() :]
    *outer, last = re.split(r"\s*/\s*(?![^\[]*\])", rest)
    step, dot, leaf = _cut(last)
    steps = (*map(_parse_step, outer), _parse_step(step))
    return Path(
        text=text,
        steps=steps,
        leaf=_parse_leaf(leaf) if dot else None,
        section=prefix[2],
        always=bool(prefix[1]),
    )


def _cut(last: str) -> tuple[str, str, str]:
    """The last step and its leaf, divided by the first dot outside brackets."""
    found = re.search(r"\.(?![^\[]*\])", last)
    return (last[: found.start()], ".", last[found.end() :]) if found else (last, "", "")


def _parse_step(text: str) -> Step:
    match = _STEP.fullmatch(text.strip())
    if match is None:
        raise PathError(f"{text.strip()!r} is not a step: write a tag such as DTM or DTM[2005=2]")
    positions = run_positions(match[1])
    if positions and any(there != number for number, there in enumerate(positions, positions[0])):
        raise PathError(f"{match[1]} names elements that do not stand side by side")
    conditions = _CONDITION.findall(match[2])
    return Step(match[1], tuple(_parse_condition(_in_full(one, positions)) for one in conditions))


def run_positions(tag: str) -> tuple[int, ...]:
    """The positions of a run such as (06,07); none for anything else."""
    return tuple(map(int, tag[1:-1].split(","))) if re.fullmatch(_RUN, tag) else ()


def _in_full(condition: str, positions: tuple[int, ...]) -> str:
    """In a run, values alone are compared with its first element."""
    return f"{positions[0]:02}={condition}" if positions and "=" not in condition else condition


def _parse_condition(text: str) -> Condition:
    match = _TEST.fullmatch(text.strip())
    if match is None or (match[1] and match[3]):
        raise PathError(f"[{text}] is not a condition: write [2005=2], [2005=2|64], [2005!=2], [2005] or [!2005]")
    values = tuple(match[4].split("|")) if match[4] else ()
    if "" in values:
        raise PathError(f"[{text}] has an empty value")
    return Condition(match[2], values, negated=match[1] == "!" or match[3] == "!=")


def _parse_leaf(text: str) -> Leaf:
    composite, dot, element = _cut(text.strip())
    if not dot and composite.startswith("("):
        composite, element = _last_of_run(composite)
    elif not dot:
        composite, element = "", composite
    bare = element.removesuffix("*")
    if not _ELEMENT.fullmatch(bare):
        raise PathError(
            f"{element!r} is not a data element: write its four digits, such as 3039, or its X12 position, such as 03"
        )
    step = _parse_step(composite) if composite else None
    if step and not step.is_composite:
        raise PathError(f"{composite!r} is not a composite: between segment and data element stands one such as C212")
    return Leaf(bare, step, every=element.endswith("*"))


def _last_of_run(text: str) -> tuple[str, str]:
    """A run and the element that it is read for: its last one."""
    every = "*" if text.endswith("*") else ""
    positions = run_positions(text[: text.find(")") + 1])
    return text.removesuffix("*"), f"{positions[-1]:02}{every}" if positions else every
