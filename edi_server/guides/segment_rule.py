"""Segments as regular expressions: presence, formats, lengths, codes and conditions at the speed of C.

The expression says only yes or no; `edi_server.guides.segment_faults` says what is wrong, and a property test holds the
two to the same verdict. Its no is a doubt: it never looks at a repeated element (syntax version 4), at a tag with an
explicit indication of nesting, or at whose list a code is from (1131, 3055). Those are rare, and so left to the
explanation. Its yes is final.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from edi_server.guides.conditions import Clause, clauses
from edi_server.guides.model import ElementUse, SegmentDefinition
from edi_server.guides.value_form import optional, value_form

#: Says whether nothing is wrong with a segment in normal form: None if something is, or may be.
Rule = Callable[[str], re.Match[str] | None]


class _Part(NamedTuple):
    """An element of a segment or a component of a composite."""

    #: Its value, which may be nothing unless it is mandatory.
    expression: str
    #: Its value where it is there.
    value: str
    mandatory: bool


class _Level(NamedTuple):
    """What divides parts, and how to look over those that follow."""

    separator: str
    #: Anything within one part.
    inside: str


_ELEMENTS = _Level(r"\+", "[^+']")
_COMPONENTS = _Level(":", "[^:+*']")


def segment_rule(definition: SegmentDefinition) -> Rule:
    """The rule of a segment."""
    return re.compile(pattern(definition)).fullmatch


def pattern(definition: SegmentDefinition) -> str:
    """The regular expression of a segment."""
    return re.escape(definition.tag) + body(definition)


def body(definition: SegmentDefinition) -> str:
    """What follows the tag: mandatory parts present, nothing superfluous, no separator at an end."""
    uses = definition.elements
    rules = clauses(definition.conditions, len(uses))
    # Only where a condition is looked at does a value have to be told from none.
    parts = [_Part(_element(use), _element(use, present=True) if rules else "", use.mandatory) for use in uses]
    return _chain(parts, rules, _ELEMENTS) + "(?<![+:])"


def _chain(parts: Sequence[_Part], rules: Sequence[Clause], level: _Level, *, first: int = 1) -> str:
    """Parts from place `first` on, a separator before each; those behind the last one needed may be left out."""
    chain, needed = "", False
    for place, part in reversed(list(enumerate(parts, first))):
        chain = level.separator + _conditional(part, place, rules, level) + chain
        needed = needed or part.mandatory or _is_needed(place, rules)
        chain = chain if needed else optional(chain)
    return chain


def _is_needed(place: int, rules: Iterable[Clause]) -> bool:
    """True if a message may not end in front of a part, because one from it on must be there."""
    return any(min(clause, default=0) == place for clause in rules if all(literal > 0 for literal in clause))


def _conditional(part: _Part, place: int, rules: Iterable[Clause], level: _Level) -> str:
    """A part; what its presence or its absence demands of the parts behind it is looked at there and then."""
    own = [clause for clause in rules if min(map(abs, clause), default=0) == place]
    present = "".join(_demand(clause - {-place}, place, level) for clause in own if -place in clause)
    absent = "".join(_demand(clause - {place}, place, level) for clause in own if place in clause)
    if not present and not absent:
        return part.expression
    return f"{part.value}{present}" if part.mandatory else f"(?:{part.value}{present}|{absent})"


def _demand(clause: Clause, place: int, level: _Level) -> str:
    """One of some later parts is there, or is not, seen from behind the part at a place."""
    looks = [_look(literal, place, level) for literal in sorted(clause, key=abs)]
    return looks[0] if len(looks) == 1 else f"(?:{'|'.join(looks) or '(?!)'})"


def _look(literal: int, place: int, level: _Level) -> str:
    between = abs(literal) - place - 1
    over = f"(?:{level.separator}{level.inside}*+){{{between}}}" if between else ""
    return f"({'?=' if literal > 0 else '?!'}{over}{level.separator}{level.inside})"


def _element(use: ElementUse, *, present: bool = False) -> str:
    """An element, which may be empty if it is conditional and not said to be there."""
    mandatory = use.mandatory or present
    if use.composite is None:
        return value_form(use.components[0].element, mandatory=mandatory)
    rules = clauses(use.conditions, len(use.components))
    composite = f"{_components(use, rules)}(?<!:)"
    if any(part.mandatory for part in use.components):
        return composite if mandatory else optional(composite)
    # Without a mandatory component the whole may match nothing at all, which is no presence.
    something = f"(?=[^+']){composite}"
    return something if mandatory else optional(something) if rules else composite


def _components(use: ElementUse, rules: Sequence[Clause]) -> str:
    """The components of a composite, the first without a separator before it."""
    first, *others = (
        _Part(
            value_form(part.element, mandatory=part.mandatory), value_form(part.element, mandatory=True), part.mandatory
        )
        for part in use.components
    )
    return _conditional(first, 1, rules, _COMPONENTS) + _chain(others, rules, _COMPONENTS, first=2)


#: For tags that a guide does not have.
ALLOWS_NOTHING: Rule = re.compile("(?!)").fullmatch
