"""One segment as a regular expression: presence, formats and lengths at the speed of C, coded values captured.

The expression says only yes or no; `edi_server.guides.segment_faults` says what is wrong, and a property test holds the
two to the same verdict. It never looks at a repeated element (syntax version 4) or at a tag with an explicit indication
of nesting: those are rare, so it says no and leaves them to the explanation.
"""

from __future__ import annotations

import re

from edi_server.guides.model import Element, ElementUse, SegmentDefinition

#: Combinations of coded values that are remembered as right, per segment.
MAX_COMBINATIONS = 10_000


class SegmentRule:
    """Says whether a segment in normal form is right in every way."""

    __slots__ = ("_lists", "fullmatch", "right")

    def __init__(self, definition: SegmentDefinition) -> None:
        self._lists = [element.codes for element in _coded(definition) if element.codes is not None]
        #: The expression; its groups are the coded values.
        self.fullmatch = re.compile(pattern(definition)).fullmatch
        #: Combinations of coded values that were found in their lists.
        self.right: set[tuple[str | None, ...]] = set()

    def allows(self, segment: str) -> bool:
        """True if nothing is wrong; false if something is, or may be."""
        match = self.fullmatch(segment)
        return match is not None and (match.groups() in self.right or self._allows_codes(match.groups()))

    def _allows_codes(self, values: tuple[str | None, ...]) -> bool:
        listed = all(not value or value in codes for value, codes in zip(values, self._lists, strict=True))
        if listed and len(self.right) < MAX_COMBINATIONS:
            self.right.add(values)
        return listed


def _coded(definition: SegmentDefinition) -> list[Element]:
    """The coded elements in the order in which the expression captures them."""
    return [part.element for use in definition.elements for part in use.components if part.element.codes is not None]


def pattern(definition: SegmentDefinition) -> str:
    """The regular expression of a segment: mandatory parts present, nothing superfluous, no separator at an end."""
    return definition.tag + _chain([(_element(use), use.mandatory) for use in definition.elements], r"\+") + "(?<![+:])"


def _chain(parts: list[tuple[str, bool]], separator: str) -> str:
    """Parts with a separator before each; those behind the last mandatory one may be left out from the end."""
    chain, needed = "", False
    for expression, mandatory in reversed(parts):
        chain = separator + expression + chain
        needed = needed or mandatory
        chain = chain if needed else _optional(chain)
    return chain


def _optional(expression: str) -> str:
    """`(?:…|)` says the same as `(?:…)?` and is a third faster, because it sets up no loop."""
    return f"(?:{expression}|)"


def _element(use: ElementUse) -> str:
    """An element, which may be empty if it is conditional."""
    first, *others = use.components
    if use.composite is None:
        return _value(first.element, mandatory=use.mandatory)
    head = _value(first.element, mandatory=first.mandatory)
    tail = _chain([(_value(part.element, mandatory=part.mandatory), part.mandatory) for part in others], ":")
    composite = f"{head}{tail}(?<!:)"
    if any(part.mandatory for part in use.components):
        return composite if use.mandatory else _optional(composite)
    # Without a mandatory component the whole may match nothing at all, which is no presence.
    return f"(?=[^+]){composite}" if use.mandatory else composite


def _value(element: Element, *, mandatory: bool) -> str:
    """A value of the right characters and length, captured if it is coded; empty if it may be absent."""
    low, high = element.min_length, element.max_length
    if element.kind == "n":
        text = _number(low, high) if mandatory else _optional(_number(low, high))
    else:
        characters = "[^+:*0-9]" if element.kind == "a" else "[^+:*]"
        least = low if mandatory or low > 1 else 0
        text = f"{characters}{_times(least, high)}+"
        text = text if mandatory or low == 1 else _optional(text)
    return f"({text})" if element.codes is not None else text


def _number(low: int, high: int) -> str:
    """Digits, where sign and decimal mark do not count for the length (ISO 9735 version 3 section 10)."""
    whole = f"[0-9]{_times(low, high)}+(?![.,])"
    marked = f"(?=[0-9.,]{_times(low + 1, high + 1)}(?![0-9.,]))[0-9]+[.,][0-9]+"
    return f"-?(?:{whole}|{marked})"


def _times(low: int, high: int) -> str:
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"


#: For tags that a guide does not have.
ALLOWS_NOTHING = SegmentRule(SegmentDefinition(tag="(?!)", name="", elements=()))
