"""Segment paths: how a profile says where in a message a value stands.

    DTM[2005=2|64].2380         the data element 2380, wherever in the segment it is
    PIA[4347=5] / C212[7143=SA].7140     the repetition of C212 with that qualifier
    NAD.C080.3036*              all of 3036 in C080
    summary:MOA[5025=86].5004   behind UNS
    !BGM.4343                   a constant that is always written

Paths of other syntaxes (XML, columns) will be parsed elsewhere into records of their own.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_COMPOSITE = re.compile(r"[CES][0-9]{3}")
_ELEMENT = re.compile(r"[0-9]{4}")
_STEP = re.compile(r"([A-Z][A-Z0-9]{2}|[CES][0-9]{3})((?:\[[^\[\]]*\])*)")
_CONDITION = re.compile(r"\[([^\[\]]*)\]")
_TEST = re.compile(r"(!?)([0-9]{4})(?:(!?=)(.+))?")
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
        """True for a composite such as C212."""
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
    composite, dot, element = _cut(text.strip())
    if not dot:
        composite, element = "", composite
    bare = element.removesuffix("*")
    if not _ELEMENT.fullmatch(bare):
        raise PathError(f"{element!r} is not a data element: write its four digits, such as 3039")
    step = _parse_step(composite) if composite else None
    if step and not step.is_composite:
        raise PathError(f"{composite!r} is not a composite: between segment and data element stands one such as C212")
    return Leaf(bare, step, every=element.endswith("*"))
